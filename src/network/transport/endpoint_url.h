/* The URL of an endpoint, taken apart once: what it may be, what of it people may see, and how a request's
 * path is joined to it. */
#ifndef NETWORK_TRANSPORT_ENDPOINT_URL_H
#define NETWORK_TRANSPORT_ENDPOINT_URL_H

#include <stdbool.h>

#include "base/status.h"

#define ENDPOINT_URL_MAX 2048 /* bytes, also of a request's path */

struct endpoint_url {
    bool is_socket;  /* unix:/path */
    bool plain;      /* http: nobody is checked, everybody on the way can read */
    bool loopback;   /* by its name alone: localhost, 127.0.0.0/8, ::1 */
    char *base;      /* http: without query and without a final slash; socket: the path */
    char *query;     /* with its '?'; NULL: none */
    char *label;     /* scheme, host, port; socket: unix:/path */
};

/* ERROR_NETWORK_OPTIONS, without any of the URL that may hold a key. */
MUST_CHECK enum status endpoint_url_parse(const char *text, struct endpoint_url *url, struct error *error);
void endpoint_url_close(struct endpoint_url *url);

/* The whole URL of a request; freed by the caller. `path` NULL: none. */
char *endpoint_url_join(const struct endpoint_url *url, const char *path);

#endif
