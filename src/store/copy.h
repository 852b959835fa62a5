/* A whole copy of a database file, made from one snapshot while others write, under a partial name until
 * it is complete, checked and on the disk. For the store's own files: backups, restores and upgrades are
 * made of it. */
#ifndef STORE_COPY_H
#define STORE_COPY_H

#include "store/database.h"

/* A check of the finished copy, before it gets its name: opened read-only. */
typedef enum status copy_check(void *context, struct database *copy, struct error *error);

struct copy_progress {
    bool (*call)(void *context, const char *phase, uint64_t done, uint64_t total); /* NULL: nobody asks */
    void *context;
};

/* Copies to `destination`, which must not exist: ERROR_BACKUP_EXISTS. The copy is one file (no WAL beside
 * it), passed PRAGMA quick_check, then `check` (may be NULL; `context` is its own). */
struct copy_options {
    struct copy_progress progress;
    copy_check *check;
    void *context;
};
MUST_CHECK enum status copy_make(const char *source, const char *destination,
                                 const struct copy_options *options, int64_t *bytes, struct error *error);

/* Makes what happened to a directory's names durable. */
MUST_CHECK enum status directory_sync(const char *file_in_it, struct error *error);

#define COPY_STAMP_MAX 32
/* "20261120T224303.000000Z": fit for a file name. */
void copy_stamp(char out[COPY_STAMP_MAX], int64_t time_us);

#endif
