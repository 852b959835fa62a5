/* The other end of a Unix socket, for tests: a listener in a folder of its own, and a thread that plays a
 * script with each connection in turn. It speaks lines and knows nothing of layerd: what it says is in the
 * tests. */
#ifndef PEER_H
#define PEER_H

#include <stddef.h>

struct peer;

/* One connection's part. `context` is the test's. The connection closes when it returns. */
typedef void peer_script(int descriptor, void *context);

/* Listens at PATH/<name> and plays scripts[0] with the first connection, scripts[1] with the second, … */
struct peer *peer_start(const char *name, peer_script *const *scripts, size_t count, void *context);
const char *peer_directory(const struct peer *peer);
void peer_stop(struct peer *peer); /* waits for the scripts to end, removes the folder */

/* For scripts. Reads one line without its newline into `line` (of at least 1 MiB + 1); false: the connection
 * was closed. */
#define PEER_LINE_MAX (1024 * 1024 + 2)
int peer_read(int descriptor, char *line);
void peer_say(int descriptor, const char *text); /* as it is */
void peer_reply(int descriptor, const char *request,
                const char *result); /* a JSON-RPC result to that request's id */
unsigned long long peer_id(const char *request);

#endif
