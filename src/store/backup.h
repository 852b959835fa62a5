/* Online backup and restore. A copy is made from one snapshot while the node runs, written beside its
 * destination, synced, verified (quick_check, hash chain, tree, checkpoint signatures), and only then
 * given its name. */
#ifndef STORE_BACKUP_H
#define STORE_BACKUP_H

#include "crypto/note.h"
#include "store/database.h"

struct backup_report {
    uint64_t head;      /* newest event in the copy */
    struct hash head_hash;
    int64_t bytes;
    uint64_t verified;  /* events whose chain was checked in the copy */
};

/* `progress` (may be NULL): phase "copy" or "verify", and how much of how much; false stops with
 * ERROR_STOPPING. ERROR_BACKUP_EXISTS, ERROR_STORAGE, ERROR_CORRUPT. Works from any thread: opens its own
 * reader on `source_path`. */
MUST_CHECK enum status backup_make(const char *source_path, const char *destination, const char *node_id,
                                   const struct note_key *key,
                                   bool (*progress)(void *context, const char *phase, uint64_t done,
                                                    uint64_t total),
                                   void *context, struct backup_report *report, struct error *error);

/* Puts a verified copy of `backup_path` in the place of `database_path` (no daemon may run). What was
 * there is kept beside it as "<database>.replaced-<time>". */
MUST_CHECK enum status backup_restore(const char *backup_path, const char *database_path,
                                      struct backup_report *report, struct error *error);

#endif
