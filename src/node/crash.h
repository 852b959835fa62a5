/* The last words of a process that dies of a bug: SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL leave the signal
 * and a backtrace in DIRECTORY/crash.log and in the log, then take their course. The handler uses
 * async-signal-safe calls alone. */
#ifndef NODE_CRASH_H
#define NODE_CRASH_H

/* Once, after log_open; `path` and `version` are copied. */
void crash_install(const char *path, const char *version);

#endif
