/* Programs that a benchmark starts: with their output in a file, nothing of the user's environment, and never
 * without their parent. They are ended by their process id. */
#ifndef BENCHMARK_CHILD_H
#define BENCHMARK_CHILD_H

#include <sys/types.h>

/* Runs arguments[0] (a path, or a name on PATH); its output goes to DIRECTORY/output, its HOME is the
 * directory. When we are root and `user` is not NULL it runs as that user. */
pid_t child_start(const char *directory, const char *user, const char *const *arguments);

/* Ends the benchmark unless the child ends with status 0. `directory` names its output in the message. */
void child_wait(pid_t process, const char *directory);
void child_stop(pid_t process, int signal, const char *directory);
void child_check(pid_t process, const char *directory); /* it must still run */

/* Makes a directory, which belongs to `user` when we are root. */
void child_directory(const char *path, const char *user);

#endif
