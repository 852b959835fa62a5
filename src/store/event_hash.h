/* The hash chain's arithmetic, without a database: used by the log and by the sqlite3 extension. The
 * formula stands at the head of event_log.h. */
#ifndef STORE_EVENT_HASH_H
#define STORE_EVENT_HASH_H

#include "store/event_log.h"

/* What stands for "the hash before event 1". */
void event_genesis(struct hash *out, const char *node_id);

/* The hash of this event behind `previous`; event->hash is not read. */
void event_chain(struct hash *out, const struct hash *previous, const struct event *event);

#endif
