/* The real layerd as a child: started on a directory of its own, looked at from outside, stopped with
 * SIGTERM. */
#ifndef BENCHMARK_DAEMON_PROCESS_H
#define BENCHMARK_DAEMON_PROCESS_H

#include <sys/types.h>

struct daemon_process {
    pid_t process;
    char *directory, *calls_path, *events_path; /* its two sockets */
};

/* Starts the binary, with all settings at their defaults, and waits until it answers. */
void daemon_process_start(struct daemon_process *daemon, const char *binary, const char *directory);
void daemon_process_stop(struct daemon_process *daemon); /* it must end with status 0 */

/* Seconds of CPU time used so far, by what its threads do. */
struct daemon_cpu {
    double io, workers, executor, other;
};
struct daemon_cpu daemon_process_cpu(const struct daemon_process *daemon);

/* MiB of resident memory: now, and the most there ever was. */
double daemon_process_rss(const struct daemon_process *daemon);
double daemon_process_peak_rss(const struct daemon_process *daemon);

#endif
