/* What a server of each outside network answers: as much as a link asks when it connects, a health check, and
 * for Stacks a transaction. The shapes are those of the servers' own documentation; heights, hashes and keys
 * stand still. */
#ifndef BENCHMARK_NETWORK_REPLIES_H
#define BENCHMARK_NETWORK_REPLIES_H

#include <stdbool.h>

#include "base/buffer.h"
#include "base/bytes.h"

enum server_kind {
    SERVER_BOB, SERVER_ROOTSTOCK, SERVER_LIQUID, SERVER_CORE_LIGHTNING, SERVER_LND, SERVER_STACKS,
    SERVER_TAPD, SERVER_KINDS
};

/* How it is spoken to. */
enum server_way {
    WAY_HTTP, WAY_HTTPS,
    WAY_SOCKET, /* JSON on a Unix socket, each object ended by two newlines */
};
enum server_way server_way(enum server_kind kind);

/* Appends the answer to a whole request as it goes over the wire. HTTP: `head` is its head and `body` its
 * body; a socket: `body` is the object. True: it was a transaction. Ends the program when no such server
 * answers that. */
bool network_reply(enum server_kind kind, struct bytes head, struct bytes body, struct buffer *out);

#endif
