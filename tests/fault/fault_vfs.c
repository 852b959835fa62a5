/* A disk that fails when told to. Every call goes through to the default VFS unless its turn has come. */
#include "fault/fault_vfs.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SECTOR_BYTES 512
#define OPERATIONS 6

/* A sector that was written since its file's last sync, with what it held before. */
struct old_sector {
    struct old_sector *next;
    sqlite3_int64 number;
    uint8_t data[SECTOR_BYTES];
};

struct fault_file {
    sqlite3_file base;     /* SQLite's view; must come first */
    struct fault_file *next, **link; /* all open files */
    struct old_sector *unsynced;
    bool durable;          /* a database, a journal or a WAL: what power loss is about */
    sqlite3_file *real;    /* lies behind this struct */
};

static struct {
    pthread_mutex_t lock;
    sqlite3_vfs vfs, *real;
    struct fault fault;
    uint64_t counts[OPERATIONS];
    uint64_t matching;     /* operations of the armed kinds */
    uint64_t random;
    struct fault_file *files;
} disk = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* --- power loss ------------------------------------------------------------------------------- */

static bool coin(void)
{
    uint64_t x = disk.random += UINT64_C(0x9E3779B97F4A7C15); /* splitmix64 */

    x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
    return ((x ^ (x >> 31)) & 1) == 1;
}

static void lose_power(void)
{
    for (struct fault_file *file = disk.files; file != NULL; file = file->next)
        for (struct old_sector *sector = file->unsynced; sector != NULL; sector = sector->next)
            if (coin())
                file->real->pMethods->xWrite(file->real, sector->data, SECTOR_BYTES,
                                             sector->number * SECTOR_BYTES);
    _exit(FAULT_POWER_EXIT);
}

static bool remembered(const struct fault_file *file, sqlite3_int64 number)
{
    for (const struct old_sector *sector = file->unsynced; sector != NULL; sector = sector->next)
        if (sector->number == number)
            return true;
    return false;
}

/* Keeps what the sectors of a write hold now, once between two syncs; what lies beyond the end is zero. */
static void remember(struct fault_file *file, sqlite3_int64 offset, int size)
{
    if (disk.fault.kind != FAULT_POWER_LOSS || disk.fault.nth == 0 || !file->durable)
        return;
    for (sqlite3_int64 number = offset / SECTOR_BYTES; number * SECTOR_BYTES < offset + size; number++) {
        struct old_sector *sector;

        if (remembered(file, number))
            continue;
        sector = calloc(1, sizeof(*sector));
        if (sector == NULL)
            abort();
        sector->number = number;
        file->real->pMethods->xRead(file->real, sector->data, SECTOR_BYTES, number * SECTOR_BYTES);
        sector->next = file->unsynced;
        file->unsynced = sector;
    }
}

static void forget(struct fault_file *file)
{
    while (file->unsynced != NULL) {
        struct old_sector *sector = file->unsynced;

        file->unsynced = sector->next;
        free(sector);
    }
}

/* --- whose turn it is ------------------------------------------------------------------------- */

static int error_of(enum fault_operation operation)
{
    if (disk.fault.kind == FAULT_NO_SPACE)
        return SQLITE_FULL;
    switch (operation) {
    case FAULT_READ: return SQLITE_IOERR_READ;
    case FAULT_WRITE: return SQLITE_IOERR_WRITE;
    case FAULT_SYNC: return SQLITE_IOERR_FSYNC;
    case FAULT_TRUNCATE: return SQLITE_IOERR_TRUNCATE;
    case FAULT_OPEN: return SQLITE_CANTOPEN;
    case FAULT_DELETE: return SQLITE_IOERR_DELETE;
    }
    abort();
}

/* SQLITE_OK, or the error that this operation has to answer. */
static int turn(enum fault_operation operation)
{
    int code = SQLITE_OK;

    pthread_mutex_lock(&disk.lock);
    for (int i = 0; i < OPERATIONS; i++)
        if (((unsigned)operation >> i & 1) == 1)
            disk.counts[i]++;
    if ((disk.fault.operations & operation) != 0 && disk.fault.nth != 0) {
        bool now = ++disk.matching == disk.fault.nth;

        if (now && disk.fault.kind == FAULT_POWER_LOSS)
            lose_power();
        if (now || (disk.matching > disk.fault.nth && disk.fault.kind != FAULT_ERROR))
            code = error_of(operation);
    }
    pthread_mutex_unlock(&disk.lock);
    return code;
}

/* --- one file --------------------------------------------------------------------------------- */

static struct fault_file *of(sqlite3_file *file)
{
    return (struct fault_file *)file;
}

static sqlite3_file *real(sqlite3_file *file)
{
    return of(file)->real;
}

static int file_close(sqlite3_file *file)
{
    struct fault_file *f = of(file);

    pthread_mutex_lock(&disk.lock);
    *f->link = f->next;
    if (f->next != NULL)
        f->next->link = f->link;
    forget(f);
    pthread_mutex_unlock(&disk.lock);
    return f->real->pMethods->xClose(f->real);
}

static int file_read(sqlite3_file *file, void *data, int size, sqlite3_int64 offset)
{
    int code = turn(FAULT_READ);

    return code != SQLITE_OK ? code : real(file)->pMethods->xRead(real(file), data, size, offset);
}

static int file_write(sqlite3_file *file, const void *data, int size, sqlite3_int64 offset)
{
    int code = turn(FAULT_WRITE);

    if (code != SQLITE_OK)
        return code;
    pthread_mutex_lock(&disk.lock);
    remember(of(file), offset, size);
    pthread_mutex_unlock(&disk.lock);
    return real(file)->pMethods->xWrite(real(file), data, size, offset);
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    int code = turn(FAULT_TRUNCATE);

    return code != SQLITE_OK ? code : real(file)->pMethods->xTruncate(real(file), size);
}

static int file_sync(sqlite3_file *file, int flags)
{
    int code = turn(FAULT_SYNC);

    if (code != SQLITE_OK)
        return code;
    code = real(file)->pMethods->xSync(real(file), flags);
    pthread_mutex_lock(&disk.lock);
    if (code == SQLITE_OK)
        forget(of(file));
    pthread_mutex_unlock(&disk.lock);
    return code;
}

static int file_size(sqlite3_file *file, sqlite3_int64 *size)
{
    return real(file)->pMethods->xFileSize(real(file), size);
}

static int file_lock(sqlite3_file *file, int level)
{
    return real(file)->pMethods->xLock(real(file), level);
}

static int file_unlock(sqlite3_file *file, int level)
{
    return real(file)->pMethods->xUnlock(real(file), level);
}

static int file_check_lock(sqlite3_file *file, int *result)
{
    return real(file)->pMethods->xCheckReservedLock(real(file), result);
}

static int file_control(sqlite3_file *file, int operation, void *argument)
{
    return real(file)->pMethods->xFileControl(real(file), operation, argument);
}

static int file_sector_size(sqlite3_file *file)
{
    return real(file)->pMethods->xSectorSize(real(file));
}

/* What the real file system promises: that a write leaves its neighbours alone holds for sectors undone, too.
 */
static int file_characteristics(sqlite3_file *file)
{
    return real(file)->pMethods->xDeviceCharacteristics(real(file)) & SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

static int file_shared_map(sqlite3_file *file, int region, int size, int extend, void volatile **memory)
{
    return real(file)->pMethods->xShmMap(real(file), region, size, extend, memory);
}

static int file_shared_lock(sqlite3_file *file, int offset, int count, int flags)
{
    return real(file)->pMethods->xShmLock(real(file), offset, count, flags);
}

static void file_shared_barrier(sqlite3_file *file)
{
    real(file)->pMethods->xShmBarrier(real(file));
}

static int file_shared_unmap(sqlite3_file *file, int delete)
{
    return real(file)->pMethods->xShmUnmap(real(file), delete);
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = file_close, .xRead = file_read, .xWrite = file_write, .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size, .xLock = file_lock, .xUnlock = file_unlock, .xCheckReservedLock = file_check_lock,
    .xFileControl = file_control, .xSectorSize = file_sector_size,
    .xDeviceCharacteristics = file_characteristics,
    .xShmMap = file_shared_map, .xShmLock = file_shared_lock, .xShmBarrier = file_shared_barrier,
    .xShmUnmap = file_shared_unmap,
};

/* --- the file system -------------------------------------------------------------------------- */

static int disk_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *file, int flags, int *opened_flags)
{
    struct fault_file *f = of(file);
    int code;

    (void)vfs;
    memset(f, 0, sizeof(*f));
    code = turn(FAULT_OPEN);
    if (code != SQLITE_OK)
        return code;
    f->real = (sqlite3_file *)(f + 1);
    code = disk.real->xOpen(disk.real, path, f->real, flags, opened_flags);
    if (code != SQLITE_OK)
        return code;
    f->base.pMethods = &methods;
    f->durable = (flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_WAL)) != 0;
    pthread_mutex_lock(&disk.lock);
    f->next = disk.files;
    f->link = &disk.files;
    if (f->next != NULL)
        f->next->link = &f->next;
    disk.files = f;
    pthread_mutex_unlock(&disk.lock);
    return SQLITE_OK;
}

static int disk_delete(sqlite3_vfs *vfs, const char *path, int sync_directory)
{
    int code = turn(FAULT_DELETE);

    (void)vfs;
    return code != SQLITE_OK ? code : disk.real->xDelete(disk.real, path, sync_directory);
}

void fault_vfs_register(const char *name, bool everywhere)
{
    disk.real = sqlite3_vfs_find(NULL);
    if (disk.real == NULL || disk.vfs.zName != NULL)
        abort();
    /* what is not replaced goes straight to the real one, which looks at its own data only */
    disk.vfs = *disk.real;
    disk.vfs.pNext = NULL;
    disk.vfs.zName = name;
    disk.vfs.szOsFile = (int)sizeof(struct fault_file) + disk.real->szOsFile;
    disk.vfs.xOpen = disk_open;
    disk.vfs.xDelete = disk_delete;
    if (sqlite3_vfs_register(&disk.vfs, everywhere) != SQLITE_OK)
        abort();
}

void fault_vfs_arm(const struct fault *fault)
{
    pthread_mutex_lock(&disk.lock);
    disk.fault = *fault;
    disk.random = fault->seed;
    disk.matching = 0;
    memset(disk.counts, 0, sizeof(disk.counts));
    pthread_mutex_unlock(&disk.lock);
}

uint64_t fault_vfs_count(unsigned operations)
{
    uint64_t count = 0;

    pthread_mutex_lock(&disk.lock);
    for (int i = 0; i < OPERATIONS; i++)
        if ((operations >> i & 1) == 1)
            count += disk.counts[i];
    pthread_mutex_unlock(&disk.lock);
    return count;
}
