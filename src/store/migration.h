/* The schema's versions. migrations/NNNN_name.sql are embedded in the binary; each is run once, in one
 * transaction with its record (number, name, SHA-256), after an automatic backup when the database holds
 * anything. A database from a newer layerd is refused, and so is one whose recorded migrations differ from
 * ours. schema/views.sql is applied anew whenever it changed. */
#ifndef STORE_MIGRATION_H
#define STORE_MIGRATION_H

#include "store/database.h"

struct migration {
    int number;       /* 1, 2, … without gaps */
    const char *name; /* "0001_kernel" */
    const char *sql;
};
extern const struct migration migrations[]; /* generated at build time from migrations/ */
extern const size_t migrations_count;
extern const char views_sql[];              /* generated from schema/views.sql */

/* Brings the database to the newest version. `backup_directory` is where the copy before an upgrade goes
 * ("before-0002-to-0003-<time>.sqlite3"); *from and *to tell what happened. ERROR_NEWER_DATABASE,
 * ERROR_CORRUPT, ERROR_STORAGE. */
MUST_CHECK enum status migrate(struct database *writer, const char *backup_directory, int *from, int *to,
                               struct error *error);
/* The same with another list, for tests of upgrades. */
MUST_CHECK enum status migrate_with(struct database *writer, const struct migration *list, size_t count,
                                    const char *views, const char *backup_directory, int *from, int *to,
                                    struct error *error);

/* Small facts about this node, as rows: key → text. These keys are the store's own. */
#define META_LOG_NODE "log_node_id"        /* whose log this is: the node id that its chain begins with */
#define META_LOG_KEY "log_verifier_key"    /* verifies its checkpoints: name+id+base64 */
#define META_VIEWS "views_sha256"          /* of the views that are in the database */
void meta_set(struct database *writer, const char *key, const char *value);
char *meta_get(struct database *database, const char *key); /* owned by the caller; NULL when absent */

#endif
