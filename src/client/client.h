/* What the rest of the room needs to know of a connection for calls. */
#ifndef CLIENT_CLIENT_H
#define CLIENT_CLIENT_H

#include "base/status.h"
#include "layerd/layerd.h"

/* The socket's own path: `path` itself when it is a socket, else the one in that directory. The caller frees
 * *out. */
MUST_CHECK enum status socket_path(const char *path, enum layerd_socket which, char **out,
                                   struct error *error);

#endif
