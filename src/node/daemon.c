/* Limits, directory, lock, background. */
#include "node/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"

#define PID_FILE "layerd.pid"
#define PID_TEXT_MAX 64
#define STOPPING_MARK "stopping"
#define DIRECTORY_MODE 0750
#define LOCK_WAIT_US (10 * MICROSECONDS_PER_SECOND) /* for a node that is on its way out */
#define LOCK_POLL_US 20000
#define DESCRIPTORS_MAX 1048576

/* --- limits --------------------------------------------------------------------------------------------- */
void daemon_limits(bool core_dumps)
{
    struct rlimit limit;

    umask(0077);
    signal(SIGPIPE, SIG_IGN);
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max < DESCRIPTORS_MAX ? limit.rlim_max : DESCRIPTORS_MAX;
        (void)setrlimit(RLIMIT_NOFILE, &limit); /* what there is then bounds the connections */
    }
    if (!core_dumps) {
        limit = (struct rlimit){ 0, 0 };
        (void)setrlimit(RLIMIT_CORE, &limit); /* lowering cannot fail */
    }
}

uint64_t daemon_descriptors(void)
{
    struct rlimit limit;

    return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : 1024;
}

/* --- directory ------------------------------------------------------------------------------------------ */
static enum status make_one(const char *path, struct error *error)
{
    struct stat facts;

    if (mkdir(path, DIRECTORY_MODE) == 0) {
        if (chmod(path, DIRECTORY_MODE) == 0) /* the umask took the group's part away */
            return OK;
        return error_set(error, ERROR_STORAGE, "%s: %s", path, strerror(errno));
    }
    if (errno == EEXIST && stat(path, &facts) == 0 && S_ISDIR(facts.st_mode))
        return OK;
    return error_set(error, ERROR_STORAGE, "%s: %s", path,
                     errno == EEXIST ? "not a directory" : strerror(errno));
}

enum status daemon_directory(const char *directory, struct error *error)
{
    char *path AUTO_FREE = text_copy(directory);

    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        TRY(make_one(path, error));
        *slash = '/';
    }
    TRY(make_one(path, error));
    if (access(directory, R_OK | W_OK | X_OK) != 0)
        return error_set(error, ERROR_STORAGE, "%s: %s", directory, strerror(errno));
    return OK;
}

/* --- lock ----------------------------------------------------------------------------------------------- */
static bool write_text(int file, const char *text)
{
    size_t size = strlen(text);

    return ftruncate(file, 0) == 0 && pwrite(file, text, size, 0) == (ssize_t)size;
}

/* What the holder wrote: its process id, and whether it is stopping. */
static long read_holder(int file, bool *stopping)
{
    char text[PID_TEXT_MAX];
    ssize_t size = pread(file, text, sizeof text - 1, 0);

    text[size < 0 ? 0 : size] = '\0';
    *stopping = strstr(text, STOPPING_MARK) != NULL;
    return strtol(text, NULL, 10);
}

/* The file locked may not be the one at the path any more: its holder removed it while we waited. */
static bool is_at(int file, const char *path)
{
    struct stat held, named;

    return fstat(file, &held) == 0 && stat(path, &named) == 0 && held.st_dev == named.st_dev &&
           held.st_ino == named.st_ino;
}

enum status daemon_lock(const char *directory, struct daemon_lock *lock, struct error *error)
{
    char *path = text_format("%s/" PID_FILE, directory), text[PID_TEXT_MAX];
    int64_t give_up_us = clock_monotonic_us() + LOCK_WAIT_US;
    enum status status;
    bool stopping;

    for (;;) {
        int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
        if (file < 0) {
            status = error_set(error, ERROR_STORAGE, "%s: %s", path, strerror(errno));
            break;
        }
        if (flock(file, LOCK_EX | LOCK_NB) == 0) {
            if (!is_at(file, path)) {
                close(file);
                continue;
            }
            snprintf(text, sizeof text, "%ld\n", (long)getpid());
            if (write_text(file, text)) {
                *lock = (struct daemon_lock){ .path = path, .file = file };
                return OK;
            }
            status = error_set(error, ERROR_STORAGE, "%s: %s", path, strerror(errno));
            close(file);
            break;
        }
        long holder = read_holder(file, &stopping);
        close(file);
        if (!stopping || clock_monotonic_us() >= give_up_us) {
            status = error_set(error, ERROR_DATABASE_IN_USE, "another layerd (process %ld) holds %s", holder,
                               directory);
            break;
        }
        usleep(LOCK_POLL_US);
    }
    free(path);
    return status;
}

void daemon_lock_stopping(struct daemon_lock *lock)
{
    char text[PID_TEXT_MAX];

    snprintf(text, sizeof text, "%ld\n" STOPPING_MARK "\n", (long)getpid());
    if (lock->file >= 0)
        (void)write_text(lock->file, text); /* at worst the next one does not wait */
}

void daemon_unlock(struct daemon_lock *lock)
{
    if (lock->file < 0)
        return;
    (void)unlink(lock->path); /* the lock counts, not the file */
    close(lock->file);
    free(lock->path);
    *lock = (struct daemon_lock){ .file = -1 };
}

/* --- background ----------------------------------------------------------------------------------------- */
_Noreturn static void wait_until_ready(pid_t child, int ready)
{
    char byte;
    ssize_t got;
    int status;

    do
        got = read(ready, &byte, 1);
    while (got < 0 && errno == EINTR);
    if (got == 1)
        _exit(EXIT_SUCCESS);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    if (WIFEXITED(status))
        _exit(WEXITSTATUS(status));
    fprintf(stderr, "layerd: ended by signal %d before it was ready\n", WTERMSIG(status));
    _exit(EXIT_FAILURE);
}

void daemon_background(struct daemon_background *background)
{
    int ends[2];
    pid_t child;

    if (pipe2(ends, O_CLOEXEC) != 0 || (child = fork()) < 0)
        resource_exhausted("processes or descriptors");
    if (child > 0) {
        close(ends[1]);
        wait_until_ready(child, ends[0]);
    }
    close(ends[0]);
    background->ready = ends[1];
    (void)setsid(); /* cannot fail in a new child: it leads no group yet */
}

void daemon_ready(struct daemon_background *background)
{
    int nothing;

    if (background->ready < 0)
        return;
    nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int file = STDIN_FILENO; nothing >= 0 && file <= STDERR_FILENO; file++)
        (void)dup2(nothing, file); /* at worst the terminal stays open */
    if (nothing > STDERR_FILENO)
        close(nothing);
    if (write(background->ready, "1", 1) != 1)
        errno = 0; /* the parent went away: nobody waits for the answer */
    close(background->ready);
    background->ready = -1;
}
