/* What makes a process a daemon: limits, its data directory, the lock that keeps a second one out, the
 * background.
 *
 * layerd.pid holds the process id and is held with flock(2): the lock, not the file, says that a node runs,
 * so a file left by a crash is harmless. While its node stops the file says so, and whoever comes next waits
 * for the lock. */
#ifndef NODE_DAEMON_H
#define NODE_DAEMON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

/* Files are the owner's (umask 0077), as many descriptors as the system lets us have, no core file unless
 * wanted, a broken pipe is an error code and no signal. */
void daemon_limits(bool core_dumps);
uint64_t daemon_descriptors(void); /* how many files may be open */

/* Makes the directory, parents included, mode 0750 where it made them. ERROR_STORAGE. */
MUST_CHECK enum status daemon_directory(const char *directory, struct error *error);

struct daemon_lock {
    char *path;
    int file; /* −1: not held */
};
/* ERROR_DATABASE_IN_USE names the process that holds it. */
MUST_CHECK enum status daemon_lock(const char *directory, struct daemon_lock *lock, struct error *error);
void daemon_lock_stopping(struct daemon_lock *lock); /* says in the file that this node is on its way out */
void daemon_unlock(struct daemon_lock *lock);        /* removes the file, then lets go */

/* Forks before anything else starts. The parent never returns: it ends with status 0 once the child calls
 * daemon_ready, or with the child's own status when the child ends before. */
struct daemon_background {
    int ready; /* −1: in the foreground */
};
void daemon_background(struct daemon_background *background);
void daemon_ready(struct daemon_background *background); /* also leaves the terminal */

#endif
