/* A disk that fails when told to: an SQLite VFS over the default one that counts its operations and, at
 * the Nth of the chosen kinds, answers with an error, runs out of space, or loses power. For tests alone.
 *
 * Power loss: what was written to a file since its last sync is undone, sector by sector, as a seeded coin
 * decides, and the process ends at once with status FAULT_POWER_EXIT. So whatever relies on a write that
 * was not synced shows. */
#ifndef FAULT_FAULT_VFS_H
#define FAULT_FAULT_VFS_H

#include <stdbool.h>
#include <stdint.h>

#define FAULT_POWER_EXIT 99

enum fault_operation {
    FAULT_READ = 1,
    FAULT_WRITE = 2,
    FAULT_SYNC = 4,
    FAULT_TRUNCATE = 8,
    FAULT_OPEN = 16,
    FAULT_DELETE = 32,
};
#define FAULT_ANY (FAULT_READ | FAULT_WRITE | FAULT_SYNC | FAULT_TRUNCATE | FAULT_OPEN | FAULT_DELETE)
#define FAULT_CHANGE (FAULT_WRITE | FAULT_SYNC | FAULT_TRUNCATE | FAULT_DELETE)

enum fault_kind {
    FAULT_ERROR,      /* that one operation fails, like a bad sector or a pulled cable */
    FAULT_DEAD,       /* that one and every later one of the kinds */
    FAULT_NO_SPACE,       /* that write and every later one: no space left */
    FAULT_POWER_LOSS, /* the machine stops there */
};

struct fault {
    unsigned operations; /* of enum fault_operation */
    uint64_t nth;        /* 1: the first from now on; 0: never */
    enum fault_kind kind;
    uint64_t seed;       /* for power loss: which sectors survive */
};

/* Registers the VFS under `name`; `everywhere` makes it the default, for code that names none. Once a
 * process. */
void fault_vfs_register(const char *name, bool everywhere);

/* Sets what happens from now on and counts from 0 again. */
void fault_vfs_arm(const struct fault *fault);

/* How many operations of these kinds there were since the last arming (or the registration). */
uint64_t fault_vfs_count(unsigned operations);

#endif
