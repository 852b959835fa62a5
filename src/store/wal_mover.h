/* Moves committed pages from the write-ahead log into the database file, on a thread and a connection of its
 * own, while the writer goes on committing. What is committed meanwhile stays for the next turn; the writer
 * moves that short rest itself, so that the log can begin anew. */
#ifndef STORE_WAL_MOVER_H
#define STORE_WAL_MOVER_H

#include "store/database.h"

struct wal_mover;

MUST_CHECK enum status wal_mover_start(const struct database_options *options, struct wal_mover **mover,
                                       struct error *error);
void wal_mover_stop(struct wal_mover *mover); /* waits for the turn under way; NULL is fine */

/* True when a turn has ended since the last true; otherwise starts one unless it runs, and says false. */
bool wal_mover_turn(struct wal_mover *mover);

#endif
