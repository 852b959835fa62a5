/* Module "node": what its operator may ask of the running node: stop, backup, log levels. */
#ifndef NODE_OPERATOR_H
#define NODE_OPERATOR_H

#include "kernel/module.h"

extern const struct module operator_module;

#define OPERATOR_STOP_METHOD "stop"

/* What `stop` calls, from a worker thread: it must only pass the wish on. Set before the kernel starts. */
void operator_on_stop(void (*stop)(void *context), void *context);

/* The node stops: a backup under way ends and is made anew after the next start. Any thread. */
void operator_stopping(void);

/* backup: where the copy goes. An absolute path stays; a bare file name lies in DIRECTORY/backups; NULL gives
 * DIRECTORY/backups/<time>-<seq>.sqlite3, where `seq` is the event that records the wish: two in one second
 * have two names. NULL when the text is neither. Owned by the caller. */
char *backup_destination(const char *directory, const char *to, int64_t now_us, uint64_t seq);

#endif
