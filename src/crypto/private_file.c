/* Reading and replacing small private files. The new content is written to PATH.new first; a crash leaves at
 * most that file behind, which nobody reads and the next write removes. */
#include "crypto/private_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"

static void descriptor_close(int *descriptor)
{
    if (*descriptor >= 0)
        close(*descriptor);
}

static struct private_file_mark mark_of(const struct stat *found)
{
    return (struct private_file_mark){ .present = true, .device = found->st_dev, .inode = found->st_ino,
                                       .size = found->st_size, .modified = found->st_mtim };
}

static bool mark_equal(const struct private_file_mark *a, const struct private_file_mark *b)
{
    if (!a->present || !b->present)
        return a->present == b->present;
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->modified.tv_sec == b->modified.tv_sec && a->modified.tv_nsec == b->modified.tv_nsec;
}

static enum status storage_error(struct error *error, const char *deed, const char *path)
{
    return error_set(error, ERROR_STORAGE, "cannot %s '%s': %s", deed, path, strerror(errno));
}

enum status private_file_read(const char *path, void *memory, size_t capacity, size_t *size,
                              struct private_file_mark *mark, struct error *error)
{
    /* O_NONBLOCK: a pipe in the file's place must not hold us up. */
    CLEANUP(descriptor_close) int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat found;
    size_t filled = 0;

    if (descriptor < 0 && errno == ENOENT) {
        if (mark != NULL)
            *mark = (struct private_file_mark){ .present = false };
        return error_set(error, ERROR_NOT_FOUND, "there is no file '%s'", path);
    }
    if (descriptor < 0 || fstat(descriptor, &found) != 0)
        return storage_error(error, "open", path);
    if (!S_ISREG(found.st_mode))
        return error_set(error, ERROR_BAD_KEY_FILE, "'%s' is not a regular file", path);
    if ((found.st_mode & 0077) != 0)
        return error_set(error, ERROR_BAD_KEY_FILE,
                         "'%s' has mode %04o, so others may read its secrets; expected 0600: chmod 600 '%s'",
                         path, (unsigned)(found.st_mode & 07777), path);
    if (found.st_size < 0 || (uintmax_t)found.st_size > capacity)
        return error_set(error, ERROR_BAD_KEY_FILE, "'%s' has %" PRIdMAX " bytes; expected at most %zu", path,
                         (intmax_t)found.st_size, capacity);
    while (filled < (size_t)found.st_size) {
        ssize_t got = read(descriptor, (char *)memory + filled, (size_t)found.st_size - filled);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return storage_error(error, "read", path);
        if (got == 0)
            return error_set(error, ERROR_STORAGE, "'%s' became shorter while it was read", path);
        filled += (size_t)got;
    }
    *size = filled;
    if (mark != NULL)
        *mark = mark_of(&found);
    return OK;
}

static enum status content_write(int descriptor, const char *path, const void *data, size_t size,
                                 struct error *error)
{
    for (size_t written = 0; written < size;) {
        ssize_t put = write(descriptor, (const char *)data + written, size - written);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return storage_error(error, "write", path);
        written += (size_t)put;
    }
    if (fchmod(descriptor, 0600) != 0 || fsync(descriptor) != 0)
        return storage_error(error, "make durable", path);
    return OK;
}

/* Makes the change of a name in the file's directory durable. */
static enum status directory_sync(const char *path, struct error *error)
{
    const char *slash = strrchr(path, '/');
    AUTO_FREE char *directory = slash == NULL   ? text_copy(".")
                                : slash == path ? text_copy("/")
                                                : text_copy_sized(path, (size_t)(slash - path));
    CLEANUP(descriptor_close) int descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (descriptor < 0 || fsync(descriptor) != 0)
        return storage_error(error, "make durable the directory", directory);
    return OK;
}

/* Gives the new file its name: over the old one, or, when there was none, only if there still is none. */
static enum status name_take(const char *temporary, const char *path, const struct private_file_mark *mark,
                             struct error *error)
{
    struct stat found;
    bool present = lstat(path, &found) == 0;

    if (!present && errno != ENOENT)
        return storage_error(error, "look at", path);
    if (present && S_ISLNK(found.st_mode))
        return error_set(error, ERROR_STORAGE, "'%s' is a symbolic link; name the file itself", path);
    struct private_file_mark now = { .present = false };
    if (present)
        now = mark_of(&found);
    if (!mark_equal(mark, &now))
        return error_set(error, ERROR_STORAGE, "another program changed '%s'; nothing was written", path);
    if (mark->present)
        return rename(temporary, path) == 0 ? OK : storage_error(error, "replace", path);
    return link(temporary, path) == 0 && unlink(temporary) == 0 ? OK : storage_error(error, "create", path);
}

enum status private_file_write(const char *path, const void *data, size_t size,
                               struct private_file_mark *mark, struct error *error)
{
    AUTO_FREE char *temporary = text_format("%s.new", path);
    struct stat written;

    if (unlink(temporary) != 0 && errno != ENOENT)
        return storage_error(error, "remove", temporary);
    CLEANUP(descriptor_close) int descriptor =
        open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (descriptor < 0)
        return storage_error(error, "create", temporary);
    enum status status = content_write(descriptor, temporary, data, size, error);
    if (status == OK)
        status = name_take(temporary, path, mark, error);
    if (status != OK) {
        unlink(temporary);
        return status;
    }
    if (fstat(descriptor, &written) != 0)
        return storage_error(error, "look at", path);
    *mark = mark_of(&written); /* before the last step, which may fail although the name is taken already */
    return directory_sync(path, error);
}
