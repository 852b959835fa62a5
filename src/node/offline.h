/* What can be done with a data directory without a daemon: check the log, put a backup back. Both print what
 * they find. */
#ifndef NODE_OFFLINE_H
#define NODE_OFFLINE_H

#include "base/status.h"
#include "crypto/note.h"
#include "store/database.h"
#include "node/config.h"

/* Checks chain, tree and checkpoint signatures of the whole log; a running node is not disturbed. With
 * `head_file`, a signed checkpoint kept elsewhere, also that the log has not lost or changed what that one
 * covered. ERROR_CORRUPT, ERROR_STORAGE, ERROR_NOT_FOUND, ERROR_BAD_SIGNATURE. */
MUST_CHECK enum status offline_verify(const struct config *config, const char *head_file,
                                      struct error *error);

/* Puts a verified copy of `file` in the database's place. ERROR_DATABASE_IN_USE while a node runs. */
MUST_CHECK enum status offline_restore(const struct config *config, const char *file, struct error *error);

/* The checkpoint in `note` (signed by `key`) is one of this log: same origin, and the log's first events have
 * its root. */
MUST_CHECK enum status offline_check_head(struct database *reader, const struct note_key *key,
                                          const char *note, size_t size, uint64_t *covered,
                                          struct error *error);

#endif
