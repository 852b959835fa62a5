/* Another system that keeps events durably and tells a subscriber of them: started privately on a Unix
 * socket, given the same rows as layerd, one producer and one subscriber. */
#ifndef BENCHMARK_PEER_H
#define BENCHMARK_PEER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct peer {
    const char *name;                      /* in metric names */
    const char *user;                      /* whom it runs as when we are root */
    pid_t (*start)(const char *directory); /* on a new directory of that user */
    int stop_signal;
    /* A connection of the producer's. */
    void *(*connect)(const char *directory);
    void (*disconnect)(void *connection);
    /* Makes events first … first + count − 1 durable with their state rows, `group` in each commit. */
    void (*produce)(void *connection, uint64_t first, uint64_t count, uint64_t group);
    /* In a process of its own: follows the events after `after` until it has `until`, and calls `ready` once
     * it listens. */
    void (*follow)(const char *directory, uint64_t after, uint64_t until, void (*ready)(void *context),
                   void *context);
};

extern const struct peer postgres_peer, redis_peer;

/* What layerd would write for event number `seq`: a state row and the event's texts. */
struct peer_event {
    char key[32], value[24], subject[96], body[256];
};
#define PEER_EVENT_TYPE "ledger.transferred"
void peer_event(uint64_t seq, struct peer_event *event);

#endif
