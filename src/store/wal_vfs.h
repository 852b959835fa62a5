/* A thin layer over SQLite's file system for the writer: what it writes to the write-ahead log between two
 * syncs goes out in one piece instead of two small writes a page. Only the writer uses it, with
 * synchronous = FULL: SQLite shows a commit to other connections after the sync, so nobody can look for
 * bytes that are still gathered here (where SQLite pads a commit behind its sync, nothing is gathered).
 * Everything else passes through. */
#ifndef STORE_WAL_VFS_H
#define STORE_WAL_VFS_H

/* The name of the layer over the file system `under` (NULL: the default); made at the first call. NULL:
 * there is no such file system. Safe from any thread. */
const char *wal_vfs_over(const char *under);

#endif
