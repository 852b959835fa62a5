/* What we tell systemd, or whoever set NOTIFY_SOCKET (sd_notify(3), its datagrams written directly): ready,
 * stopping, alive. Without that variable all of it does nothing. */
#ifndef NODE_SUPERVISOR_H
#define NODE_SUPERVISOR_H

#include <stdint.h>

#include "base/status.h"

struct supervisor {
    int socket;          /* −1: nobody listens */
    int64_t watchdog_us; /* it wants to hear from us this often; 0: it does not */
};
/* Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID, and takes them out of the environment. */
void supervisor_open(struct supervisor *supervisor);
/* State lines as in sd_notify(3): "READY=1\nSTATUS=…". Never blocks; a supervisor that does not read misses
 * it. */
void supervisor_tell(const struct supervisor *supervisor, const char *format, ...) PRINTF_LIKE(2, 3);
void supervisor_close(struct supervisor *supervisor);

#endif
