/* The lock, the data directory, the background, the supervisor's datagrams, the crash log. Each test has a
 * directory of its own; what ends a process happens in a child. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "node/crash.h"
#include "node/daemon.h"
#include "node/operator.h"
#include "node/supervisor.h"

/* After the house's own headers: cmocka has a macro fail(). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define SECOND_US 1000000

static int make_directory(void **state)
{
    char *path = text_copy("/tmp/layerd-node-XXXXXX");

    *state = mkdtemp(path);
    return *state == NULL;
}

static int remove_directory(void **state)
{
    char *command = text_format("rm -rf '%s'", (char *)*state);
    int result = system(command);

    free(command);
    free(*state);
    return result;
}

static char *path_in(void **state, const char *name)
{
    return text_format("%s/%s", (const char *)*state, name);
}

static char *content(const char *path)
{
    char text[65536];
    FILE *file = fopen(path, "r");
    size_t size = file == NULL ? 0 : fread(text, 1, sizeof text - 1, file);

    if (file != NULL)
        fclose(file);
    return text_copy_sized(text, size);
}

/* The status as waitpid gives it of a child that runs `body`. */
static int child(void (*body)(void *context), void *context)
{
    int status;
    pid_t process = fork();

    if (process == 0) {
        body(context);
        _exit(EXIT_SUCCESS);
    }
    assert_true(process > 0);
    assert_int_equal(waitpid(process, &status, 0), process);
    return status;
}

/* --- directory and lock --------------------------------------------------------------------------------- */
static void the_directory_is_made_with_its_parents_for_owner_and_group(void **state)
{
    char *path AUTO_FREE = path_in(state, "a/b/c");
    struct error error;
    struct stat facts;

    assert_int_equal(daemon_directory(path, &error), OK);
    assert_int_equal(stat(path, &facts), 0);
    assert_int_equal(facts.st_mode & 0777, 0750);
    assert_int_equal(daemon_directory(path, &error), OK);
}

static void a_file_in_the_way_of_the_directory_is_refused(void **state)
{
    char *path AUTO_FREE = path_in(state, "file"), *below AUTO_FREE = path_in(state, "file/data");
    struct error error;

    close(open(path, O_CREAT | O_WRONLY, 0600));
    assert_int_equal(daemon_directory(path, &error), ERROR_STORAGE);
    assert_int_equal(daemon_directory(below, &error), ERROR_STORAGE);
}

static void a_second_daemon_is_refused_and_told_who_holds_the_directory(void **state)
{
    char *pid AUTO_FREE = path_in(state, "layerd.pid"), expected[64];
    struct daemon_lock first, second;
    struct error error;

    assert_int_equal(daemon_lock(*state, &first, &error), OK);
    snprintf(expected, sizeof expected, "%ld\n", (long)getpid());
    char *text AUTO_FREE = content(pid);
    assert_string_equal(text, expected);

    int64_t begin = clock_monotonic_us();
    assert_int_equal(daemon_lock(*state, &second, &error), ERROR_DATABASE_IN_USE);
    assert_true(clock_monotonic_us() - begin < 8 * SECOND_US); /* one that stops is waited for, ten seconds */
    snprintf(expected, sizeof expected, "process %ld", (long)getpid());
    assert_non_null(strstr(error.message, expected));

    daemon_unlock(&first);
    assert_int_equal(access(pid, F_OK), -1);
    assert_int_equal(daemon_lock(*state, &second, &error), OK);
    daemon_unlock(&second);
}

static void a_pid_file_left_by_a_crash_is_no_obstacle(void **state)
{
    char *pid AUTO_FREE = path_in(state, "layerd.pid");
    struct daemon_lock lock;
    struct error error;
    FILE *file = fopen(pid, "w");

    fputs("1\n", file);
    fclose(file);
    assert_int_equal(daemon_lock(*state, &lock, &error), OK);
    daemon_unlock(&lock);
}

/* A child that stops takes a while: whoever comes next waits for it instead of being refused. */
static void the_lock_of_a_stopping_daemon_is_waited_for(void **state)
{
    struct daemon_lock lock;
    struct error error;
    int ready[2], status;
    char byte;

    assert_int_equal(pipe(ready), 0);
    pid_t process = fork();
    if (process == 0) {
        if (daemon_lock(*state, &lock, &error) != OK)
            _exit(EXIT_FAILURE);
        daemon_lock_stopping(&lock);
        if (write(ready[1], "1", 1) != 1)
            _exit(EXIT_FAILURE);
        usleep(200000);
        daemon_unlock(&lock);
        _exit(EXIT_SUCCESS);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(daemon_lock(*state, &lock, &error), OK);
    assert_int_equal(waitpid(process, &status, 0), process);
    assert_int_equal(status, 0);
    daemon_unlock(&lock);
    close(ready[0]);
    close(ready[1]);
}

/* --- limits --------------------------------------------------------------------------------------------- */
static void set_limits(void *context)
{
    struct rlimit core, files;

    daemon_limits(*(const bool *)context);
    getrlimit(RLIMIT_CORE, &core);
    getrlimit(RLIMIT_NOFILE, &files);
    mode_t mask = umask(0);
    bool core_is_off = core.rlim_cur == 0 && core.rlim_max == 0;
    if (mask != 0077 || core_is_off == *(const bool *)context || daemon_descriptors() != files.rlim_cur)
        _exit(EXIT_FAILURE);
}

static void core_files_are_off_unless_wanted(void **state)
{
    bool wanted = false;

    (void)state;
    assert_int_equal(child(set_limits, &wanted), 0);
}

/* --- background ----------------------------------------------------------------------------------------- */
static void become_ready(void *context)
{
    struct daemon_background background;
    const char *mark = context;

    daemon_background(&background); /* from here on this is the grandchild */
    usleep(100000);
    close(open(mark, O_CREAT | O_WRONLY, 0600));
    daemon_ready(&background);
    _exit(EXIT_SUCCESS);
}

static void fail_to_start(void *context)
{
    struct daemon_background background;

    (void)context;
    daemon_background(&background);
    _exit(74);
}

static void die_at_start(void *context)
{
    struct daemon_background background;

    (void)context;
    daemon_background(&background);
    raise(SIGKILL);
}

static void the_parent_returns_once_the_daemon_is_ready(void **state)
{
    char *mark AUTO_FREE = path_in(state, "mark");

    assert_int_equal(child(become_ready, mark), 0);
    assert_int_equal(access(mark, F_OK), 0);
}

static void the_parent_ends_with_the_status_of_a_daemon_that_does_not_start(void **state)
{
    int status = child(fail_to_start, NULL);

    (void)state;
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 74);
    status = child(die_at_start, NULL);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), EXIT_FAILURE);
}

/* --- supervisor ----------------------------------------------------------------------------------------- */
static int listen_at(struct sockaddr_un *address, socklen_t size)
{
    int file = socket(AF_UNIX, SOCK_DGRAM, 0);
    struct timeval patience = { .tv_sec = 5 };

    assert_int_equal(bind(file, (struct sockaddr *)address, size), 0);
    assert_int_equal(setsockopt(file, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
    return file;
}

static void expect_datagram(int file, const char *expected)
{
    char text[512];
    ssize_t size = recv(file, text, sizeof text - 1, 0);

    assert_true(size > 0);
    text[size] = '\0';
    assert_string_equal(text, expected);
}

static void states_are_told_to_the_notify_socket(void **state)
{
    char *path AUTO_FREE = path_in(state, "notify");
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    struct supervisor supervisor;

    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int file = listen_at(&address, sizeof address);
    setenv("NOTIFY_SOCKET", path, 1);
    setenv("WATCHDOG_USEC", "3000000", 1);
    unsetenv("WATCHDOG_PID");
    supervisor_open(&supervisor);
    assert_null(getenv("NOTIFY_SOCKET"));
    assert_int_equal(supervisor.watchdog_us, 3000000);
    supervisor_tell(&supervisor, "READY=1\nSTATUS=%d events", 7);
    expect_datagram(file, "READY=1\nSTATUS=7 events");
    supervisor_close(&supervisor);
    close(file);
}

static void abstract_notify_sockets_are_reached(void **state)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    struct supervisor supervisor;
    char name[64];

    (void)state;
    snprintf(name, sizeof name, "@layerd-test-%ld", (long)getpid());
    memcpy(address.sun_path, name, strlen(name));
    address.sun_path[0] = '\0';
    int file = listen_at(&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name)));
    setenv("NOTIFY_SOCKET", name, 1);
    supervisor_open(&supervisor);
    supervisor_tell(&supervisor, "STOPPING=1");
    expect_datagram(file, "STOPPING=1");
    supervisor_close(&supervisor);
    close(file);
}

static void without_a_supervisor_nothing_is_told(void **state)
{
    struct supervisor supervisor;

    (void)state;
    unsetenv("NOTIFY_SOCKET");
    setenv("WATCHDOG_USEC", "3000000", 1);
    supervisor_open(&supervisor);
    assert_int_equal(supervisor.socket, -1);
    assert_int_equal(supervisor.watchdog_us, 0);
    supervisor_tell(&supervisor, "READY=1");
    supervisor_close(&supervisor);
    setenv("NOTIFY_SOCKET", "relative/path", 1);
    supervisor_open(&supervisor);
    assert_int_equal(supervisor.socket, -1);
    supervisor_close(&supervisor);
}

static void a_watchdog_meant_for_another_process_is_ignored(void **state)
{
    char *path AUTO_FREE = path_in(state, "notify");
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    struct supervisor supervisor;

    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int file = listen_at(&address, sizeof address);
    setenv("NOTIFY_SOCKET", path, 1);
    setenv("WATCHDOG_USEC", "3000000", 1);
    setenv("WATCHDOG_PID", "1", 1);
    supervisor_open(&supervisor);
    assert_int_equal(supervisor.watchdog_us, 0);
    supervisor_close(&supervisor);
    close(file);
}

/* --- crash ---------------------------------------------------------------------------------------------- */
struct crash_case {
    char *path;
    int signal;
};

static void crash_by(void *context)
{
    const struct crash_case *c = context;
    struct rlimit none = { 0, 0 };
    int nothing = open("/dev/null", O_WRONLY);

    setrlimit(RLIMIT_CORE, &none);
    dup2(nothing, STDERR_FILENO);
    signal(c->signal, SIG_DFL); /* also cmocka's and the sanitizers' own handlers */
    crash_install(c->path, "1.2.3");
    raise(c->signal);
}

static void a_crash_leaves_signal_and_backtrace_and_takes_its_course(void **state)
{
    static const struct { int number; const char *name;
    } signals[] = {
        { SIGSEGV, "SIGSEGV" }, { SIGABRT, "SIGABRT" }, { SIGBUS, "SIGBUS" },
        { SIGFPE, "SIGFPE" },   { SIGILL, "SIGILL" },
    };

    for (size_t i = 0; i < COUNT_OF(signals); i++) {
        char *path AUTO_FREE = path_in(state, signals[i].name);
        struct crash_case c = { .path = path, .signal = signals[i].number };
        int status = child(crash_by, &c);
        char *text AUTO_FREE = content(path),
                   *expected AUTO_FREE = text_format("layerd 1.2.3 crashed: %s", signals[i].name);
        struct stat facts;

        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), signals[i].number);
        assert_non_null(strstr(text, expected));
        assert_non_null(strstr(text, "test_daemon")); /* frames of this program */
        assert_int_equal(stat(path, &facts), 0);
        assert_int_equal(facts.st_mode & 0777, 0600);
    }
}

/* --- backup's destination ------------------------------------------------------------------------------- */
static void a_backup_goes_where_it_is_told_or_into_backups(void **state)
{
    char *none AUTO_FREE = backup_destination("/d", NULL, 1795214583 * (int64_t)SECOND_US, 17);
    char *name AUTO_FREE = backup_destination("/d", "monday.sqlite3", 0, 17);
    char *path AUTO_FREE = backup_destination("/d", "/mnt/x.sqlite3", 0, 17);

    (void)state;
    assert_string_equal(none, "/d/backups/20261120T224303Z-17.sqlite3");
    assert_string_equal(name, "/d/backups/monday.sqlite3");
    assert_string_equal(path, "/mnt/x.sqlite3");
}

static void a_backup_goes_nowhere_else(void **state)
{
    static const char *const bad[] = { "", ".", "..", "../x", "a/b", ".hidden", "/mnt/", "/mnt/../x" };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_null(backup_destination("/d", bad[i], 0, 17));
}

int main(void)
{
#define IN_A_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, make_directory, remove_directory)
    const struct CMUnitTest tests[] = {
        IN_A_DIRECTORY(the_directory_is_made_with_its_parents_for_owner_and_group),
        IN_A_DIRECTORY(a_file_in_the_way_of_the_directory_is_refused),
        IN_A_DIRECTORY(a_second_daemon_is_refused_and_told_who_holds_the_directory),
        IN_A_DIRECTORY(a_pid_file_left_by_a_crash_is_no_obstacle),
        IN_A_DIRECTORY(the_lock_of_a_stopping_daemon_is_waited_for),
        cmocka_unit_test(core_files_are_off_unless_wanted),
        IN_A_DIRECTORY(the_parent_returns_once_the_daemon_is_ready),
        cmocka_unit_test(the_parent_ends_with_the_status_of_a_daemon_that_does_not_start),
        IN_A_DIRECTORY(states_are_told_to_the_notify_socket),
        cmocka_unit_test(abstract_notify_sockets_are_reached),
        cmocka_unit_test(without_a_supervisor_nothing_is_told),
        IN_A_DIRECTORY(a_watchdog_meant_for_another_process_is_ignored),
        IN_A_DIRECTORY(a_crash_leaves_signal_and_backtrace_and_takes_its_course),
        cmocka_unit_test(a_backup_goes_where_it_is_told_or_into_backups),
        cmocka_unit_test(a_backup_goes_nowhere_else),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
