/* A node with both sockets in a temporary directory, its I/O thread, and clients that fail the test when
 * nothing comes. */
#ifndef TESTS_API_HOUSE_H
#define TESTS_API_HOUSE_H

#include "test_api.h"

#include <pthread.h>

#include "api/api.h"
#include "kernel/kernel.h"

struct house {
    char directory[64];
    struct event_base *base;
    struct api *api;
    struct kernel *kernel;
    pthread_t thread;
    bool running;
};

struct house_options {
    size_t ring_bytes, connections_max, connections_per_uid, queue_size, calls_max, unsent_bytes_max;
    int64_t line_timeout_us;
    const char *hold_method;
};

void house_open(struct house *house, const struct house_options *options); /* NULL: defaults */
void house_stop(struct house *house);  /* pause, kernel_stop, finish: the sockets are gone afterwards */
void house_close(struct house *house); /* the rest; stops first when it was not */

/* Commits one batch with `count` events backup.failed about `destination`; returns when it is committed. */
void house_commit(struct house *house, size_t count, const char *destination);
uint64_t house_head(const struct house *house);

struct client {
    int descriptor;
    struct buffer input;
    size_t taken;
};

void client_open(struct client *client, const struct house *house,
                 const char *socket); /* "layerd.sock" or "events.sock" */
void client_close(struct client *client);
void client_send(struct client *client, const char *text);            /* as it is */
void client_ask(struct client *client, const char *quoted_text);      /* ' for ", and a newline */
/* The next line without its newline, valid until the next call; NULL: the node closed the connection. */
const char *client_line(struct client *client);
json_t *client_value(struct client *client);                          /* the next line, parsed */
/* The next line that has this member; lines before it are dropped. */
json_t *client_until(struct client *client, const char *member);
bool client_is_silent(struct client *client, int milliseconds);

/* Integer at a path of members, "result.head"; fails the test when it is not there. */
int64_t integer_at(const json_t *value, const char *path);

#endif
