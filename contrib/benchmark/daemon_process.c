/* The real layerd as a child: see daemon_process.h. */
#include "daemon_process.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "child.h"
#include "measure.h"
#include "wire.h"

#define START_SECONDS 20.0
#define POLL_NS (NANOSECONDS / 100)
#define LINE_MAX_SIZE 256

/* Nothing but the benchmark decides how it runs: no settings of the user's file or environment. */
void daemon_process_start(struct daemon_process *daemon, const char *binary, const char *directory)
{
    const char *const arguments[] = { binary, "--network", "dev", "--directory", directory, NULL };
    int64_t begin = now_ns();
    int socket;

    child_directory(directory, NULL);
    *daemon = (struct daemon_process){ .directory = text_copy(directory),
                                       .calls_path = text_format("%s/layerd.sock", directory),
                                       .events_path = text_format("%s/events.sock", directory),
                                       .process = child_start(directory, NULL, arguments) };
    while (!wire_try_connect(daemon->calls_path, &socket)) {
        child_check(daemon->process, directory);
        if (seconds_since(begin) > START_SECONDS)
            fatal("%s does not listen after %.0f s: see %s/output", binary, START_SECONDS, directory);
        sleep_ns(POLL_NS);
    }
    close(socket);
}

void daemon_process_stop(struct daemon_process *daemon)
{
    child_stop(daemon->process, SIGTERM, daemon->directory);
    free(daemon->directory);
    free(daemon->calls_path);
    free(daemon->events_path);
}

/* --- what /proc says -------------------------------------------------------------------------- */
/* The first line of a file that begins with `prefix`, without it; false when there is none. */
static bool read_line(const char *path, const char *prefix, char line[LINE_MAX_SIZE])
{
    FILE *file = fopen(path, "re");
    bool found = false;

    if (file == NULL)
        return false;
    while (!found && fgets(line, LINE_MAX_SIZE, file) != NULL)
        found = strncmp(line, prefix, strlen(prefix)) == 0;
    fclose(file);
    if (found)
        memmove(line, line + strlen(prefix), strlen(line + strlen(prefix)) + 1);
    return found;
}

static void add_thread(const struct daemon_process *daemon, const char *thread, struct daemon_cpu *cpu)
{
    char *name_path AUTO_FREE = text_format("/proc/%d/task/%s/comm", (int)daemon->process, thread);
    char *time_path AUTO_FREE = text_format("/proc/%d/task/%s/schedstat", (int)daemon->process, thread);
    char name[LINE_MAX_SIZE], time[LINE_MAX_SIZE];
    double used;

    if (!read_line(name_path, "", name) || !read_line(time_path, "", time))
        return;
    used = (double)strtoll(time, NULL, 10) / NANOSECONDS;
    if (strtol(thread, NULL, 10) == daemon->process)
        cpu->io += used;
    else if (strncmp(name, "executor", 8) == 0)
        cpu->executor += used;
    else if (strncmp(name, "worker", 6) == 0)
        cpu->workers += used;
    else
        cpu->other += used;
}

struct daemon_cpu daemon_process_cpu(const struct daemon_process *daemon)
{
    char *path AUTO_FREE = text_format("/proc/%d/task", (int)daemon->process);
    struct daemon_cpu cpu = { 0 };
    DIR *threads = opendir(path);
    const struct dirent *thread;

    if (threads == NULL)
        fatal("layerd is gone: see %s/output", daemon->directory);
    while ((thread = readdir(threads)) != NULL)
        if (thread->d_name[0] != '.')
            add_thread(daemon, thread->d_name, &cpu);
    closedir(threads);
    return cpu;
}

static double memory_mib(const struct daemon_process *daemon, const char *name)
{
    char *path AUTO_FREE = text_format("/proc/%d/status", (int)daemon->process);
    char line[LINE_MAX_SIZE];

    if (!read_line(path, name, line))
        fatal("layerd is gone: see %s/output", daemon->directory);
    return (double)strtoll(line, NULL, 10) / 1024;
}

double daemon_process_rss(const struct daemon_process *daemon)
{
    return memory_mib(daemon, "VmRSS:");
}

double daemon_process_peak_rss(const struct daemon_process *daemon)
{
    return memory_mib(daemon, "VmHWM:");
}
