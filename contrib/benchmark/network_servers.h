/* Servers of outside networks, in a process of their own on this machine: one of each kind that
 * network_replies.h has, and more of Stacks, which take transactions. Each answer is held back as long as is
 * asked. One thread with epoll, so that the servers take as little of the machine as can be. */
#ifndef BENCHMARK_NETWORK_SERVERS_H
#define BENCHMARK_NETWORK_SERVERS_H

#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>

#include "network_replies.h"

#define SUBMISSION_SERVERS 7
#define SERVERS (SERVER_KINDS + SUBMISSION_SERVERS) /* first one of each kind, then those */

/* What both processes see. */
struct network_servers_shared {
    atomic_int_least64_t latency_ns; /* of each answer, from when the request was read */
    atomic_uint_least64_t transactions, requests;
};

struct network_servers {
    pid_t process;
    int hold;         /* a pipe: the servers end when it is closed */
    char *directory;  /* with socket, certificate and credential */
    uint16_t ports[SERVERS];
    struct network_servers_shared *shared;
};

/* Before any thread is started. What links need as files goes into a new directory. */
void network_servers_start(struct network_servers *servers, const char *directory);
void network_servers_stop(struct network_servers *servers);

/* A link to that server: its network's name, and its options as JSON, to be freed. `connections` to the
 * server at once; 0: as usual. */
const char *network_servers_network(int server);
char *network_servers_options(const struct network_servers *servers, int server, int connections);

#endif
