/* Small files with secrets in them: read only when nobody but the owner can, and replaced as a whole, so that
 * after a crash either the old or the new file stands. For the keystore, key files and the log's seed. */
#ifndef CRYPTO_PRIVATE_FILE_H
#define CRYPTO_PRIVATE_FILE_H

#include <stddef.h>
#include <sys/stat.h>

#include "base/status.h"

/* Which file stood at the path when it was last read or written. */
struct private_file_mark {
    bool present; /* false: there was none */
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec modified;
};

/* Reads the whole file into `memory`. ERROR_NOT_FOUND when there is none (then only *mark is filled),
 * ERROR_BAD_KEY_FILE when group or others may read or write it, it is no regular file, or it is over
 * `capacity` bytes; ERROR_STORAGE. `mark` may be NULL. */
MUST_CHECK enum status private_file_read(const char *path, void *memory, size_t capacity, size_t *size,
                                         struct private_file_mark *mark, struct error *error);

/* Replaces the file of `mark` (or makes it, if the mark says there was none) by a new one of mode 0600,
 * durably: a new file beside it, fsync, rename, fsync of the directory. ERROR_STORAGE, also when another
 * program changed the file since the mark was taken: what it wrote is kept. *mark is the new file's
 * afterwards. */
MUST_CHECK enum status private_file_write(const char *path, const void *data, size_t size,
                                          struct private_file_mark *mark, struct error *error);

#endif
