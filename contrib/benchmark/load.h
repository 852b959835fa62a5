/* Many clients that pipeline, in one thread with few system calls: lines rendered beforehand go out in large
 * pieces, replies come in in large pieces, and every reply must be the result of a transaction that ran for
 * the first time. */
#ifndef BENCHMARK_LOAD_H
#define BENCHMARK_LOAD_H

#include "signer.h"

struct load_connection {
    int socket;
    const struct signed_lines *lines;
    size_t planned; /* lines that may be sent by now */
    size_t sent_bytes;
    size_t answered;
    struct buffer input; /* the beginning of a reply */
    bool wants_out;      /* epoll tells when it can be written */
};

struct load {
    struct load_connection *connections;
    size_t count;
    size_t window; /* requests of one connection that wait for a reply at most */
    size_t refill; /* so many more are sent at once, or none */
    int epoll;
    size_t planned, answered; /* of all connections */
};

/* One connection for each of `lines`. */
void load_open(struct load *load, const char *path, const struct signed_lines *lines, size_t count,
               size_t window, size_t refill);
void load_close(struct load *load);

/* Sends what the window allows (when `send_more`), waits for at most timeout_ms, takes the replies that came.
 */
void load_step(struct load *load, bool send_more, int timeout_ms);
size_t load_sent(const struct load *load); /* requests that were sent in full */

/* Sends for that long, or until there is nothing left, and waits for all replies: transactions a second. */
double load_run(struct load *load, double seconds);

#endif
