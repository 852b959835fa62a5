/* Programs that a benchmark starts: see child.h. */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "measure.h"

static const struct passwd *user_of(const char *name)
{
    const struct passwd *user = name == NULL || geteuid() != 0 ? NULL : getpwnam(name);

    if (user == NULL && name != NULL && geteuid() == 0)
        fatal("there is no user %s", name);
    return user;
}

_Noreturn static void run(const char *directory, const struct passwd *user, const char *const *arguments,
                          pid_t parent)
{
    char *path = text_format("%s/output", directory), *home = text_format("HOME=%s", directory);
    char *programs = text_format("PATH=%s", getenv("PATH") == NULL ? "" : getenv("PATH")),
         locale[] = "LC_ALL=C.UTF-8";
    char *environment[] = { home, programs, locale, NULL };
    int output;

    if (user != NULL && (initgroups(user->pw_name, user->pw_gid) != 0 || setgid(user->pw_gid) != 0 ||
                         setuid(user->pw_uid) != 0))
        _exit(EXIT_FAILURE);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    output = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (getppid() == parent && output >= 0 && dup2(output, STDOUT_FILENO) >= 0 &&
        dup2(output, STDERR_FILENO) >= 0)
        execvpe(arguments[0], (char *const *)arguments, environment);
    _exit(EXIT_FAILURE);
}

pid_t child_start(const char *directory, const char *user, const char *const *arguments)
{
    const struct passwd *as = user_of(user);
    pid_t parent = getpid(), process = fork();

    if (process < 0)
        fatal("no process for %s: %s", arguments[0], strerror(errno));
    if (process == 0)
        run(directory, as, arguments, parent);
    return process;
}

static void judge(int status, const char *directory)
{
    if (WIFSIGNALED(status))
        fatal("a program was ended by signal %d: see %s/output", WTERMSIG(status), directory);
    if (WEXITSTATUS(status) != 0)
        fatal("a program ended with status %d: see %s/output", WEXITSTATUS(status), directory);
}

void child_wait(pid_t process, const char *directory)
{
    int status;

    if (waitpid(process, &status, 0) != process)
        fatal("a program is gone: see %s/output", directory);
    judge(status, directory);
}

void child_stop(pid_t process, int signal, const char *directory)
{
    kill(process, signal);
    child_wait(process, directory);
}

void child_check(pid_t process, const char *directory)
{
    if (waitpid(process, NULL, WNOHANG) != 0)
        fatal("a program did not start: see %s/output", directory);
}

void child_directory(const char *path, const char *user)
{
    const struct passwd *owner = user_of(user);

    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        fatal("%s: %s", path, strerror(errno));
    if (owner != NULL && chown(path, owner->pw_uid, owner->pw_gid) != 0)
        fatal("%s: %s", path, strerror(errno));
}
