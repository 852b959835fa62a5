/* Backups and restores: a copy (copy.h) whose log is verified before it counts. */
#include "store/backup.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "store/copy.h"
#include "store/event_log.h"
#include "store/migration.h"

#define LOG_ROOM "store"
#include "base/log.h"

struct backup_check {
    const char *node_id;        /* NULL: as recorded in the copy */
    const struct note_key *key; /* NULL: as recorded in the copy */
    struct copy_progress progress;
    struct log_report found;
};

static bool tell_verify(void *context, uint64_t done, uint64_t total)
{
    const struct copy_progress *progress = context;

    return progress->call == NULL || progress->call(progress->context, "verify", done, total);
}

static enum status check_log(void *context, struct database *copy, struct error *error)
{
    struct backup_check *check = context;
    AUTO_FREE char *recorded = check->key == NULL ? meta_get(copy, META_LOG_KEY) : NULL;
    const struct note_key *key = check->key;
    struct note_key parsed;

    if (recorded != NULL) {
        TRY(note_key_parse(recorded, &parsed, error));
        key = &parsed;
    }
    TRY(database_failure(copy, error));
    return log_verify(copy, check->node_id, key, 0, 0, tell_verify, &check->progress, &check->found, error);
}

static enum status verified_copy(const char *source, const char *destination, struct backup_check *check,
                                 struct backup_report *report, struct error *error)
{
    struct copy_options options = { .progress = check->progress, .check = check_log, .context = check };
    int64_t bytes;

    TRY(copy_make(source, destination, &options, &bytes, error));
    *report = (struct backup_report){ .head = check->found.last, .head_hash = check->found.head_hash,
                                      .bytes = bytes, .verified = check->found.last };
    return OK;
}

enum status backup_make(const char *source_path, const char *destination, const char *node_id,
                        const struct note_key *key,
                        bool (*progress)(void *context, const char *phase, uint64_t done, uint64_t total),
                        void *context, struct backup_report *report, struct error *error)
{
    struct backup_check check = { .node_id = node_id, .key = key, .progress = { progress, context } };

    return verified_copy(source_path, destination, &check, report, error);
}

/* --- restore ---------------------------------------------------------------------------------- */

/* Holds the old database alone for a moment: proves that nobody uses it, and folds its WAL into the file.
 * A file too damaged for that is kept as it is, with its WAL. */
static enum status claim_old(const char *path, struct error *error)
{
    sqlite3 *handle = NULL;
    int code = sqlite3_open_v2(path, &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);

    if (code == SQLITE_OK)
        code = sqlite3_exec(handle, "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; COMMIT", NULL, NULL,
                            NULL);
    sqlite3_close(handle);
    if (code == SQLITE_BUSY || code == SQLITE_LOCKED)
        return error_set(error, ERROR_DATABASE_IN_USE, "%s is in use; stop layerd first", path);
    if (code != SQLITE_OK)
        log_warn("the database that is replaced cannot be opened (%s); it is kept as it is",
                 sqlite3_errstr(code));
    return OK;
}

static enum status move_aside(const char *path, const char *kept, const char *suffix, struct error *error)
{
    AUTO_FREE char *from = text_format("%s%s", path, suffix);
    AUTO_FREE char *to = text_format("%s%s", kept, suffix);

    if (rename(from, to) != 0 && errno != ENOENT)
        return error_set(error, ERROR_STORAGE, "cannot rename %s: %s", from, strerror(errno));
    return OK;
}

/* Gives the old file a second name, so that the new one can take its place in one step and a crash leaves
 * either of them. A WAL that could not be folded in gets out of the way first: left there it would be
 * played into the new file. */
static enum status keep_old(const char *path, struct error *error)
{
    char stamp[COPY_STAMP_MAX];
    AUTO_FREE char *kept = NULL;
    AUTO_FREE char *shared = text_format("%s-shm", path);
    struct stat about;

    if (lstat(path, &about) != 0)
        return OK;
    TRY(claim_old(path, error));
    copy_stamp(stamp, clock_wall_us());
    kept = text_format("%s.replaced-%s", path, stamp);
    TRY(move_aside(path, kept, "-wal", error));
    if (unlink(shared) != 0 && errno != ENOENT)
        return error_set(error, ERROR_STORAGE, "cannot remove %s: %s", shared, strerror(errno));
    if (link(path, kept) != 0) /* a file system without hard links */
        TRY(move_aside(path, kept, "", error));
    TRY(directory_sync(path, error));
    log_info("the database that was here is kept as %s", kept);
    return OK;
}

enum status backup_restore(const char *backup_path, const char *database_path, struct backup_report *report,
                           struct error *error)
{
    AUTO_FREE char *restored = text_format("%s.restored", database_path);
    struct backup_check check = { 0 };
    struct backup_report made;

    if (unlink(restored) != 0 && errno != ENOENT)
        return error_set(error, ERROR_STORAGE, "cannot remove %s: %s", restored, strerror(errno));
    TRY(verified_copy(backup_path, restored, &check, &made, error));
    TRY(keep_old(database_path, error));
    if (rename(restored, database_path) != 0)
        return error_set(error, ERROR_STORAGE, "cannot rename %s: %s", restored, strerror(errno));
    TRY(directory_sync(database_path, error));
    *report = made;
    return OK;
}
