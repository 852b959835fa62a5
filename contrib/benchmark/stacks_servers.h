/* Servers of an outside network, in a process of their own: as much of a Stacks node as the benchmark asks
 * for, each on its own port of 127.0.0.1, and each answer held back as long as is asked. One thread with
 * epoll, so that the servers take as little of the machine as can be.
 *
 *   GET /v2/info            what a synced node of the testnet says
 *   POST /v2/transactions   takes any body, answers with its id (SHA-512/256), counts it */
#ifndef BENCHMARK_STACKS_SERVERS_H
#define BENCHMARK_STACKS_SERVERS_H

#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>

#define STACKS_SERVERS 7

/* What both processes see. */
struct stacks_servers_shared {
    atomic_int_least64_t latency_ns; /* of each answer, from when the request was read */
    atomic_uint_least64_t transactions, requests;
};

struct stacks_servers {
    pid_t process;
    int hold; /* a pipe: the servers end when it is closed */
    uint16_t ports[STACKS_SERVERS];
    struct stacks_servers_shared *shared;
};

/* Before any thread is started. */
void stacks_servers_start(struct stacks_servers *servers);
void stacks_servers_stop(struct stacks_servers *servers);

#endif
