/* Subscribers in a process of their own: one thread, epoll, large reads. It is forked before any thread
 * exists, then told again and again what to follow: so many subscribers, some of which never read, from where
 * and up to which event.
 *
 * One subscriber looks at every line and insists on one sequence number after the other; the others look at
 * the last line of each read, so that reading costs less than sending and the node is what is measured. */
#ifndef BENCHMARK_READER_H
#define BENCHMARK_READER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define READER_STAMPS_MAX 65536

/* What both processes see. */
struct reader_shared {
    int64_t finished_ns;                    /* when the slowest subscriber had the last event */
    uint64_t lines, bytes;                  /* of the subscriber that looks at every line; of all */
    uint64_t stamps_from;                   /* seq of the first stamp */
    int64_t received_ns[READER_STAMPS_MAX]; /* when that subscriber had the event; 0: not stamped */
};

struct reader {
    pid_t process;
    int orders; /* a socket */
    struct reader_shared *shared;
};

struct reader_order {
    char path[104];   /* events.sock */
    uint32_t count;   /* subscribers, the stalled ones included */
    uint32_t stalled; /* of them never read */
    bool from_first;  /* else from now */
};

/* Whom to subscribe to: the node in this directory. */
void reader_order_at(struct reader_order *order, const char *directory);

/* Before any thread is started. */
void reader_fork(struct reader *reader);
void reader_stop(struct reader *reader);

/* Connects and subscribes; returns once the node has answered every subscription. */
void reader_subscribe(struct reader *reader, const struct reader_order *order);
/* Reads until every subscriber that reads has event `until`. Returns at once; reader_wait then waits for it
 * and for the subscriptions to be closed. Events after `stamps_from` are stamped (0: none). */
void reader_follow(struct reader *reader, uint64_t until, uint64_t stamps_from);
void reader_wait(struct reader *reader);

#endif
