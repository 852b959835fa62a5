/* Copying a database while it is in use. The source is read through its own connection inside one read
 * transaction, so writers neither disturb the copy nor get into it. */
#include "store/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"

#define COPY_PAGES_PER_STEP 1024 /* 4 MiB between looks at the progress callback */

static enum status system_error(struct error *error, const char *doing, const char *path)
{
    return error_set(error, ERROR_STORAGE, "cannot %s %s: %s", doing, path, strerror(errno));
}

enum status directory_sync(const char *file_in_it, struct error *error)
{
    AUTO_FREE char *path = text_copy(file_in_it);
    const char *directory = dirname(path);
    int descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum status status = OK;

    if (descriptor < 0)
        return system_error(error, "open", directory);
    if (fsync(descriptor) != 0)
        status = system_error(error, "sync", directory);
    close(descriptor);
    return status;
}

void copy_stamp(char out[COPY_STAMP_MAX], int64_t time_us)
{
    char text[TIME_TEXT_MAX];

    time_text(text, time_us);
    for (const char *c = text; *c != '\0'; c++)
        if (*c != '-' && *c != ':')
            *out++ = *c;
    *out = '\0';
}

/* --- the partial file ------------------------------------------------------------------------- */

/* A partial file left by a crash is overwritten; one that somebody else is writing is locked. */
static enum status partial_open(const char *path, int *descriptor, struct error *error)
{
    int opened = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (opened < 0)
        return system_error(error, "create", path);
    if (flock(opened, LOCK_EX | LOCK_NB) != 0) {
        close(opened);
        return error_set(error, ERROR_BACKUP_EXISTS, "%s is being written by another backup", path);
    }
    if (ftruncate(opened, 0) != 0) {
        close(opened);
        return system_error(error, "truncate", path);
    }
    *descriptor = opened;
    return OK;
}

/* Gives the copy its name, unless somebody took it meanwhile. */
static enum status partial_name(const char *partial, const char *destination, struct error *error)
{
    if (link(partial, destination) == 0) {
        if (unlink(partial) != 0)
            return system_error(error, "remove", partial);
        return directory_sync(destination, error);
    }
    if (errno == EEXIST)
        return error_set(error, ERROR_BACKUP_EXISTS, "%s exists already", destination);
    if (rename(partial, destination) != 0) /* a file system without hard links */
        return system_error(error, "rename", partial);
    return directory_sync(destination, error);
}

/* --- pages ------------------------------------------------------------------------------------ */

static enum status copy_error(struct error *error, const char *path, int code)
{
    return error_set(error, ERROR_STORAGE, "cannot write the copy %s: %s (SQLite %d)", path,
                     sqlite3_errstr(code), code);
}

static enum status copy_steps(sqlite3_backup *backup, const char *partial,
                              const struct copy_progress *progress, struct error *error)
{
    int code;

    do {
        uint64_t total, left;

        code = sqlite3_backup_step(backup, COPY_PAGES_PER_STEP);
        if (code != SQLITE_OK && code != SQLITE_DONE)
            return copy_error(error, partial, code);
        total = (uint64_t)sqlite3_backup_pagecount(backup);
        left = (uint64_t)sqlite3_backup_remaining(backup);
        if (progress->call != NULL && !progress->call(progress->context, "copy", total - left, total))
            return error_set(error, ERROR_STOPPING, "the copy to %s was stopped", partial);
    } while (code != SQLITE_DONE);
    return OK;
}

static enum status copy_pages(struct database *source, const char *partial,
                              const struct copy_progress *progress, struct error *error)
{
    sqlite3 *handle = NULL;
    sqlite3_backup *backup;
    enum status status;
    int code = sqlite3_open_v2(partial, &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);

    if (code == SQLITE_OK) /* the file is synced once, below; until then its name says that it is partial */
        code = sqlite3_exec(handle, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF", NULL, NULL, NULL);
    backup = code == SQLITE_OK ? sqlite3_backup_init(handle, "main", database_handle(source), "main") : NULL;
    if (backup == NULL) {
        status = copy_error(error, partial, code == SQLITE_OK ? sqlite3_errcode(handle) : code);
    } else {
        status = copy_steps(backup, partial, progress, error);
        code = sqlite3_backup_finish(backup);
        if (status == OK && code != SQLITE_OK)
            status = copy_error(error, partial, code);
    }
    sqlite3_close(handle);
    return status;
}

/* The copy says, as its source did, that it has a WAL; a file that stands alone must not. */
static enum status copy_without_wal(const char *partial, struct error *error)
{
    sqlite3 *handle = NULL;
    int code = sqlite3_open_v2(partial, &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);

    if (code == SQLITE_OK)
        code = sqlite3_exec(handle, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL);
    sqlite3_close(handle);
    return code == SQLITE_OK ? OK : copy_error(error, partial, code);
}

static enum status quick_check(struct database *copy, struct error *error)
{
    struct statement *s = statement(copy, "SELECT quick_check AS finding FROM pragma_quick_check(1)");
    enum status status = OK;

    if (statement_row(s)) {
        const char *finding = column_text(s, "finding");

        if (strcmp(finding, "ok") != 0)
            status = error_set(error, ERROR_CORRUPT, "the copy is damaged: %s", finding);
        statement_finish(s);
        return status;
    }
    TRY(database_failure(copy, error));
    return error_set(error, ERROR_CORRUPT, "the copy could not be checked");
}

static enum status check_copy(const char *partial, const struct copy_options *options, struct error *error)
{
    struct database_options opening = { .path = partial, .mode = DATABASE_READER };
    struct database *copy = NULL;
    enum status status;

    TRY(database_open(&opening, &copy, error));
    status = quick_check(copy, error);
    if (status == OK && options->check != NULL)
        status = options->check(options->context, copy, error);
    database_close(copy);
    return status;
}

/* Everything between the empty partial file and its name. */
static enum status fill(const char *source, const char *partial, int descriptor,
                        const struct copy_options *options, struct error *error)
{
    struct database_options opening = { .path = source, .mode = DATABASE_READER };
    struct database *database = NULL;
    enum status status;

    TRY(database_open(&opening, &database, error));
    database_snapshot_begin(database);
    status = copy_pages(database, partial, &options->progress, error);
    database_snapshot_end(database);
    database_close(database);
    TRY(status);
    TRY(copy_without_wal(partial, error));
    if (fsync(descriptor) != 0)
        return system_error(error, "sync", partial);
    return check_copy(partial, options, error);
}

enum status copy_make(const char *source, const char *destination, const struct copy_options *options,
                      int64_t *bytes, struct error *error)
{
    static const struct copy_options none;
    AUTO_FREE char *partial = text_format("%s.partial", destination);
    struct stat about;
    enum status status;
    int descriptor = -1;

    if (lstat(destination, &about) == 0)
        return error_set(error, ERROR_BACKUP_EXISTS, "%s exists already", destination);
    TRY(partial_open(partial, &descriptor, error));
    status = fill(source, partial, descriptor, options == NULL ? &none : options, error);
    if (status == OK && fstat(descriptor, &about) != 0)
        status = system_error(error, "look at", partial);
    if (status == OK)
        status = partial_name(partial, destination, error);
    if (status != OK)
        unlink(partial);
    close(descriptor);
    if (status == OK && bytes != NULL)
        *bytes = about.st_size;
    return status;
}
