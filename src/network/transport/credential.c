/* One line at a time is the current one; older ones live until their last user gives them back. */
#include "network/transport/credential.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sodium.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

#define LINE_PREFIX "line: " /* of credential_read: what stands before the value in a header */
#define BASIC_PREFIX "Authorization: Basic "
#define HEADER_NAME_MAX 64

struct credential_line {
    unsigned holders; /* under the credential's lock; the credential itself is one while it is the newest */
    char text[];
};

struct mark { dev_t device; ino_t inode; off_t size; struct timespec modified, changed; };

struct credential {
    enum credential_kind kind;
    char *path;
    char *header;
    bool of_systemd;
    pthread_mutex_t lock;
    struct mark mark; /* of the file when it was read last */
    struct credential_line *line;
};

static struct mark mark_of(const struct stat *file)
{
    return (struct mark){ file->st_dev, file->st_ino, file->st_size, file->st_mtim, file->st_ctim };
}

static bool same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool same_mark(const struct mark *a, const struct mark *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size
           && same_time(a->modified, b->modified) && same_time(a->changed, b->changed);
}

/* --- the file ------------------------------------------------------------------------------------- */
/* systemd shows a credential to a service either as the service's own file, or as root's with an access
 * list, whose mask then stands in the place of the group's bits. */
static enum status check_file(const struct credential *credential, const struct stat *file,
                              struct error *error)
{
    if (!S_ISREG(file->st_mode))
        return error_set(error, ERROR_NETWORK_CREDENTIALS, "'%s' is no regular file", credential->path);
    if (file->st_uid != geteuid() && file->st_uid != 0)
        return error_set(error, ERROR_NETWORK_CREDENTIALS, "'%s' belongs to uid %u, not to this one's %u",
                         credential->path, (unsigned)file->st_uid, (unsigned)geteuid());
    mode_t open_to = credential->of_systemd && file->st_uid == 0 ? S_IWGRP | S_IXGRP : S_IRWXG;
    if ((file->st_mode & (open_to | S_IRWXO)) != 0)
        return error_set(error, ERROR_NETWORK_CREDENTIALS, "'%s' has mode %04o: others may reach it, it must "
                         "be 0600 or less", credential->path, (unsigned)(file->st_mode & 07777));
    if (file->st_size > CREDENTIAL_FILE_MAX)
        return error_set(error, ERROR_NETWORK_CREDENTIALS, "'%s' has %lld bytes; at most %d",
                         credential->path, (long long)file->st_size, CREDENTIAL_FILE_MAX);
    return OK;
}

static enum status read_all(const struct credential *credential, int descriptor, unsigned char *content,
                            size_t *size, struct error *error)
{
    *size = 0;
    for (;;) {
        ssize_t got = read(descriptor, content + *size, CREDENTIAL_FILE_MAX + 1 - *size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_set(error, ERROR_NETWORK_CREDENTIALS, "'%s' cannot be read: %s", credential->path,
                             strerror(errno));
        if (got == 0)
            return OK;
        *size += (size_t)got;
        if (*size > CREDENTIAL_FILE_MAX)
            return error_set(error, ERROR_NETWORK_CREDENTIALS, "'%s' has more than %d bytes",
                             credential->path, CREDENTIAL_FILE_MAX);
    }
}

/* --- the line ------------------------------------------------------------------------------------- */
static struct credential_line *line_new(size_t size)
{
    /* guarded memory ends at a page's end: whole units of alignment keep its begin aligned */
    size_t needed = sizeof(struct credential_line) + size + 1, unit = _Alignof(max_align_t);
    struct credential_line *line = sodium_malloc((needed + unit - 1) / unit * unit);
    if (line == NULL)
        resource_exhausted("memory for secrets");
    line->holders = 1;
    line->text[0] = '\0';
    return line;
}

static void drop_holder(struct credential_line *line)
{
    if (line != NULL && --line->holders == 0)
        sodium_free(line); /* wipes */
}

static struct credential_line *basic_line(const unsigned char *content, size_t size)
{
    size_t encoded = sodium_base64_ENCODED_LEN(size, sodium_base64_VARIANT_ORIGINAL);
    size_t prefix = strlen(BASIC_PREFIX);
    struct credential_line *line = line_new(prefix + encoded);
    memcpy(line->text, BASIC_PREFIX, prefix);
    sodium_bin2base64(line->text + prefix, encoded, content, size, sodium_base64_VARIANT_ORIGINAL);
    return line;
}

static struct credential_line *header_line(const char *header, const unsigned char *content, size_t size,
                                           bool in_hex)
{
    size_t name = strlen(header);
    struct credential_line *line = line_new(name + 2 + 2 * size + 1);
    memcpy(line->text, header, name);
    memcpy(line->text + name, ": ", 2);
    char *value = line->text + name + 2;
    if (in_hex) {
        sodium_bin2hex(value, 2 * size + 1, content, size);
    } else {
        memcpy(value, content, size);
        value[size] = '\0';
    }
    return line;
}

static enum status make_line(const struct credential *credential, unsigned char *content, size_t size,
                             struct credential_line **line, struct error *error)
{
    bool in_hex = credential->kind == CREDENTIAL_HEADER_HEX;
    while (!in_hex && size > 0 && strchr(" \t\r\n", content[size - 1]) != NULL)
        size--;
    if (size == 0)
        return error_set(error, ERROR_NETWORK_CREDENTIALS, "'%s' is empty", credential->path);
    for (size_t i = 0; !in_hex && i < size; i++) {
        if (content[i] < 0x20 || content[i] == 0x7f)
            return error_set(error, ERROR_NETWORK_CREDENTIALS, "'%s' has a control character at byte %zu; "
                             "one line is expected", credential->path, i);
    }
    if (credential->kind == CREDENTIAL_BASIC && memchr(content, ':', size) == NULL)
        return error_set(error, ERROR_NETWORK_CREDENTIALS, "'%s' holds no user:password", credential->path);
    *line = credential->kind == CREDENTIAL_BASIC ? basic_line(content, size)
                                                 : header_line(credential->header, content, size, in_hex);
    return OK;
}

/* With the lock held, or before anybody else knows the credential. */
static enum status read_file(struct credential *credential, struct error *error)
{
    int descriptor = open(credential->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (descriptor < 0 && errno == ENOENT && credential->line != NULL)
        return OK;
    if (descriptor < 0)
        return error_set(error, ERROR_NETWORK_CREDENTIALS, "'%s' cannot be opened: %s", credential->path,
                         strerror(errno));
    struct stat file;
    INVARIANT(fstat(descriptor, &file) == 0, "a file that is open cannot be asked about");
    unsigned char *content = sodium_malloc(CREDENTIAL_FILE_MAX + 1);
    if (content == NULL)
        resource_exhausted("memory for secrets");
    size_t size = 0;
    struct credential_line *line = NULL;
    enum status status = check_file(credential, &file, error);
    if (status == OK)
        status = read_all(credential, descriptor, content, &size, error);
    if (status == OK)
        status = make_line(credential, content, size, &line, error);
    close(descriptor);
    sodium_free(content);
    if (status != OK)
        return status;
    drop_holder(credential->line);
    credential->line = line;
    credential->mark = mark_of(&file);
    return OK;
}

/* --- opening --------------------------------------------------------------------------------------- */
static bool is_header_name(const char *name)
{
    size_t size = strlen(name);
    for (size_t i = 0; i < size; i++) {
        char c = name[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-'
              || c == '_'))
            return false;
    }
    return size > 0 && size <= HEADER_NAME_MAX;
}

static enum status find_path(const char *file, struct credential *credential, struct error *error)
{
    size_t prefix = strlen(CREDENTIAL_PREFIX);
    if (strncmp(file, CREDENTIAL_PREFIX, prefix) != 0) {
        credential->path = text_copy(file);
        return OK;
    }
    const char *name = file + prefix, *folder = getenv("CREDENTIALS_DIRECTORY");
    if (*name == '\0' || strchr(name, '/') != NULL || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return error_set(error, ERROR_NETWORK_OPTIONS, "'%.100s': a systemd credential has a plain name",
                         file);
    if (folder == NULL || folder[0] != '/')
        return error_set(error, ERROR_NETWORK_CREDENTIALS, "'%.100s': systemd gave this service no "
                         "credentials ($CREDENTIALS_DIRECTORY is not set)", file);
    credential->of_systemd = true;
    credential->path = text_format("%s/%s", folder, name);
    return OK;
}

enum status credential_open(enum credential_kind kind, const char *file, const char *header,
                            struct credential **credential, struct error *error)
{
    bool named = kind == CREDENTIAL_HEADER || kind == CREDENTIAL_HEADER_HEX;
    if (kind == CREDENTIAL_NONE || file == NULL || *file == '\0')
        return error_set(error, ERROR_NETWORK_OPTIONS, "credentials need a kind and a file");
    if (named && (header == NULL || !is_header_name(header)))
        return error_set(error, ERROR_NETWORK_OPTIONS, "'%.64s' is no name of a header",
                         header == NULL ? "" : header);
    struct credential *made = memory_new(sizeof *made);
    made->kind = kind;
    made->header = named ? text_copy(header) : NULL;
    INVARIANT(pthread_mutex_init(&made->lock, NULL) == 0, "the system gives no lock");
    enum status status = find_path(file, made, error);
    if (status == OK)
        status = read_file(made, error);
    if (status != OK) {
        credential_close(made);
        return status;
    }
    *credential = made;
    return OK;
}

void credential_close(struct credential *credential)
{
    if (credential == NULL)
        return;
    INVARIANT(credential->line == NULL || credential->line->holders == 1, "a credential is still in use");
    drop_holder(credential->line);
    pthread_mutex_destroy(&credential->lock);
    free(credential->path);
    free(credential->header);
    free(credential);
}

/* --- use -------------------------------------------------------------------------------------------- */
enum status credential_take(struct credential *credential, struct credential_line **line,
                            struct error *error)
{
    struct stat file;
    enum status status = OK;
    bool there = stat(credential->path, &file) == 0;
    pthread_mutex_lock(&credential->lock);
    struct mark mark = there ? mark_of(&file) : credential->mark;
    if (!same_mark(&mark, &credential->mark))
        status = read_file(credential, error);
    if (status == OK) {
        credential->line->holders++;
        *line = credential->line;
    }
    pthread_mutex_unlock(&credential->lock);
    return status;
}

char *credential_text(struct credential_line *line)
{
    return line->text;
}

void credential_give_back(struct credential *credential, struct credential_line *line)
{
    if (line == NULL)
        return;
    pthread_mutex_lock(&credential->lock);
    drop_holder(line);
    pthread_mutex_unlock(&credential->lock);
}

enum status credential_read(const char *file, char **text, struct error *error)
{
    struct credential *credential;
    TRY(credential_open(CREDENTIAL_HEADER, file, "line", &credential, error));
    *text = text_copy(credential->line->text + strlen(LINE_PREFIX));
    credential_close(credential);
    return OK;
}

bool credential_renewed(struct credential *credential, const struct credential_line *line)
{
    pthread_mutex_lock(&credential->lock);
    if (credential->line == line && read_file(credential, NULL) != OK) {
        pthread_mutex_unlock(&credential->lock);
        return false;
    }
    bool renewed = strcmp(credential->line->text, line->text) != 0;
    pthread_mutex_unlock(&credential->lock);
    return renewed;
}
