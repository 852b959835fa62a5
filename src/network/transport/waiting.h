/* How long somebody waits, and the way to tell him not to. */
#ifndef NETWORK_TRANSPORT_WAITING_H
#define NETWORK_TRANSPORT_WAITING_H

#include <stdbool.h>
#include <stdint.h>

struct cancellation; /* shared by who waits and who cancels: cancellation.h */

struct waiting {
    int64_t deadline_us;               /* monotonic clock; 0: the endpoint's own time limit */
    struct cancellation *cancellation; /* NULL: cannot be cancelled */
};

#endif
