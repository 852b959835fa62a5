/* Gathering writes to the write-ahead log: see wal_vfs.h. */
#include "store/wal_vfs.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/status.h"

#define GATHER_MAX ((size_t)1024 * 1024) /* bytes held back at most */
#define WRITE_MAX ((size_t)64 * 1024)    /* SQLite's own file systems take no write of 128 KiB or more */
/* A file that grows by less than WRITE_MAX is filled with zeros up to the next multiple of this. */
#define GROWTH ((sqlite3_int64)1024 * 1024)
#define LAYERS_MAX 16
#define LAYER_NAME_MAX 64

struct layer {
    sqlite3_vfs vfs;    /* what SQLite sees */
    sqlite3_vfs *under; /* what does the work */
    char name[LAYER_NAME_MAX];
};

/* An open write-ahead log. The file of the layer below follows this struct in SQLite's memory. */
struct wal_file {
    sqlite3_file base;
    sqlite3_file *under;
    unsigned char *gathered; /* bytes of the file from `start` on that the layer below has not seen */
    sqlite3_int64 start;
    size_t size;
    sqlite3_int64 end; /* of the file below */
};

static int fill(struct wal_file *f, sqlite3_int64 end)
{
    static const unsigned char zeros[WRITE_MAX];
    int code = SQLITE_OK;

    while (f->end < end && code == SQLITE_OK) {
        int part = end - f->end < (sqlite3_int64)WRITE_MAX ? (int)(end - f->end) : (int)WRITE_MAX;

        code = f->under->pMethods->xWrite(f->under, zeros, part, f->end);
        f->end += part;
    }
    return code;
}

/* What is written behind the end of the file makes the next sync write the file's size too, which takes as
 * long again. So small growth takes room for the next commits with it. */
static int note_end(struct wal_file *f, sqlite3_int64 written, size_t size)
{
    if (written <= f->end)
        return SQLITE_OK;
    f->end = written;
    return size < WRITE_MAX ? fill(f, (written + GROWTH - 1) / GROWTH * GROWTH) : SQLITE_OK;
}

static int flush(struct wal_file *f)
{
    size_t size = f->size, done = 0;
    int code = SQLITE_OK;

    f->size = 0; /* a failure ends the process: nothing is written twice */
    while (done < size && code == SQLITE_OK) {
        size_t part = size - done < WRITE_MAX ? size - done : WRITE_MAX;

        code = f->under->pMethods->xWrite(f->under, f->gathered + done, (int)part,
                                          f->start + (sqlite3_int64)done);
        done += part;
    }
    return code != SQLITE_OK || size == 0 ? code : note_end(f, f->start + (sqlite3_int64)size, size);
}

static int wal_close(sqlite3_file *file)
{
    struct wal_file *f = (struct wal_file *)file;
    int flushed = flush(f), closed = f->under->pMethods->xClose(f->under);

    free(f->gathered);
    return flushed != SQLITE_OK ? flushed : closed;
}

static int wal_read(sqlite3_file *file, void *out, int size, sqlite3_int64 offset)
{
    struct wal_file *f = (struct wal_file *)file;

    if (f->size > 0 && offset + size > f->start) {
        int code = flush(f);

        if (code != SQLITE_OK)
            return code;
    }
    return f->under->pMethods->xRead(f->under, out, size, offset);
}

static int wal_write(sqlite3_file *file, const void *data, int size, sqlite3_int64 offset)
{
    struct wal_file *f = (struct wal_file *)file;

    if (f->size > 0 && (offset != f->start + (sqlite3_int64)f->size || f->size + (size_t)size > GATHER_MAX)) {
        int code = flush(f);

        if (code != SQLITE_OK)
            return code;
    }
    INVARIANT((size_t)size <= GATHER_MAX, "a write of %d bytes to the write-ahead log", size);
    if (f->size == 0)
        f->start = offset;
    memcpy(f->gathered + f->size, data, (size_t)size);
    f->size += (size_t)size;
    return SQLITE_OK;
}

static int wal_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    struct wal_file *f = (struct wal_file *)file;
    int code = flush(f);

    if (code == SQLITE_OK)
        code = f->under->pMethods->xTruncate(f->under, size);
    if (code == SQLITE_OK && size < f->end)
        f->end = size;
    return code;
}

static int wal_sync(sqlite3_file *file, int flags)
{
    struct wal_file *f = (struct wal_file *)file;
    int code = flush(f);

    return code != SQLITE_OK ? code : f->under->pMethods->xSync(f->under, flags);
}

static int wal_file_size(sqlite3_file *file, sqlite3_int64 *size)
{
    struct wal_file *f = (struct wal_file *)file;
    int code = f->under->pMethods->xFileSize(f->under, size);

    if (code == SQLITE_OK && f->size > 0 && f->start + (sqlite3_int64)f->size > *size)
        *size = f->start + (sqlite3_int64)f->size;
    return code;
}

static int wal_lock(sqlite3_file *file, int level)
{
    struct wal_file *f = (struct wal_file *)file;

    return f->under->pMethods->xLock(f->under, level);
}

static int wal_unlock(sqlite3_file *file, int level)
{
    struct wal_file *f = (struct wal_file *)file;

    return f->under->pMethods->xUnlock(f->under, level);
}

static int wal_check_reserved(sqlite3_file *file, int *held)
{
    struct wal_file *f = (struct wal_file *)file;

    return f->under->pMethods->xCheckReservedLock(f->under, held);
}

static int wal_control(sqlite3_file *file, int operation, void *argument)
{
    struct wal_file *f = (struct wal_file *)file;

    return f->under->pMethods->xFileControl(f->under, operation, argument);
}

static int wal_sector_size(sqlite3_file *file)
{
    struct wal_file *f = (struct wal_file *)file;

    return f->under->pMethods->xSectorSize(f->under);
}

static int wal_characteristics(sqlite3_file *file)
{
    struct wal_file *f = (struct wal_file *)file;

    return f->under->pMethods->xDeviceCharacteristics(f->under);
}

static const sqlite3_io_methods wal_methods = {
    .iVersion = 1, .xClose = wal_close, .xRead = wal_read, .xWrite = wal_write, .xTruncate = wal_truncate,
    .xSync = wal_sync, .xFileSize = wal_file_size, .xLock = wal_lock, .xUnlock = wal_unlock,
    .xCheckReservedLock = wal_check_reserved, .xFileControl = wal_control, .xSectorSize = wal_sector_size,
    .xDeviceCharacteristics = wal_characteristics,
};

/* --- the file system -------------------------------------------------------------------------- */
static int layer_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *file, int flags, int *out_flags)
{
    sqlite3_vfs *under = ((struct layer *)vfs)->under;
    struct wal_file *f = (struct wal_file *)file;
    int code;

    if ((flags & SQLITE_OPEN_WAL) == 0)
        return under->xOpen(under, name, file, flags, out_flags);
    memset(f, 0, sizeof(*f));
    f->under = (sqlite3_file *)(f + 1);
    code = under->xOpen(under, name, f->under, flags, out_flags);
    if (code != SQLITE_OK)
        return code;
    if ((f->under->pMethods->xDeviceCharacteristics(f->under) & SQLITE_IOCAP_POWERSAFE_OVERWRITE) == 0) {
        /* SQLite then writes padding behind the sync of a commit, which others may read at once. */
        f->under->pMethods->xClose(f->under);
        return under->xOpen(under, name, file, flags, out_flags);
    }
    code = f->under->pMethods->xFileSize(f->under, &f->end);
    if (code != SQLITE_OK) {
        f->under->pMethods->xClose(f->under);
        return code;
    }
    f->gathered = memory_new(GATHER_MAX);
    f->base.pMethods = &wal_methods;
    return SQLITE_OK;
}

static int layer_delete(sqlite3_vfs *vfs, const char *name, int sync_directory)
{
    sqlite3_vfs *under = ((struct layer *)vfs)->under;

    return under->xDelete(under, name, sync_directory);
}

static int layer_access(sqlite3_vfs *vfs, const char *name, int flags, int *result)
{
    sqlite3_vfs *under = ((struct layer *)vfs)->under;

    return under->xAccess(under, name, flags, result);
}

static int layer_full_name(sqlite3_vfs *vfs, const char *name, int size, char *out)
{
    sqlite3_vfs *under = ((struct layer *)vfs)->under;

    return under->xFullPathname(under, name, size, out);
}

static int layer_randomness(sqlite3_vfs *vfs, int size, char *out)
{
    sqlite3_vfs *under = ((struct layer *)vfs)->under;

    return under->xRandomness(under, size, out);
}

static int layer_sleep(sqlite3_vfs *vfs, int microseconds)
{
    sqlite3_vfs *under = ((struct layer *)vfs)->under;

    return under->xSleep(under, microseconds);
}

static int layer_time(sqlite3_vfs *vfs, double *now)
{
    sqlite3_vfs *under = ((struct layer *)vfs)->under;

    return under->xCurrentTime(under, now);
}

static int layer_time_integer(sqlite3_vfs *vfs, sqlite3_int64 *now)
{
    sqlite3_vfs *under = ((struct layer *)vfs)->under;

    return under->xCurrentTimeInt64(under, now);
}

static int layer_last_error(sqlite3_vfs *vfs, int size, char *out)
{
    sqlite3_vfs *under = ((struct layer *)vfs)->under;

    return under->xGetLastError(under, size, out);
}

static pthread_mutex_t layers_lock = PTHREAD_MUTEX_INITIALIZER;
static struct layer *layers[LAYERS_MAX]; /* registered with SQLite, so they live as long as the process */

static struct layer *layer_make(sqlite3_vfs *under)
{
    struct layer *layer = memory_new(sizeof(*layer));

    layer->under = under;
    snprintf(layer->name, sizeof(layer->name), "layerd-%s", under->zName);
    layer->vfs = (sqlite3_vfs){
        .iVersion = under->iVersion < 2 ? 1 : 2, .szOsFile = (int)sizeof(struct wal_file) + under->szOsFile,
        .mxPathname = under->mxPathname, .zName = layer->name, .xOpen = layer_open, .xDelete = layer_delete,
        .xAccess = layer_access, .xFullPathname = layer_full_name, .xRandomness = layer_randomness,
        .xSleep = layer_sleep, .xCurrentTime = layer_time, .xGetLastError = layer_last_error,
        .xCurrentTimeInt64 = layer_time_integer,
    };
    INVARIANT(sqlite3_vfs_register(&layer->vfs, 0) == SQLITE_OK, "SQLite took no file system");
    return layer;
}

const char *wal_vfs_over(const char *under)
{
    sqlite3_vfs *found = sqlite3_vfs_find(under);
    const char *name = NULL;

    if (found == NULL)
        return NULL;
    pthread_mutex_lock(&layers_lock);
    for (size_t i = 0; i < LAYERS_MAX && name == NULL; i++) {
        if (layers[i] == NULL)
            layers[i] = layer_make(found);
        if (layers[i]->under == found)
            name = layers[i]->name;
    }
    pthread_mutex_unlock(&layers_lock);
    INVARIANT(name != NULL, "more than %d file systems", LAYERS_MAX);
    return name;
}
