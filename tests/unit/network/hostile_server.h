/* A server for the tests of the transport that behaves as badly as it is asked to: the path of a request (on
 * a Unix socket: the method) says how. It counts what it receives, so that a test can tell how often
 * something was really sent, and how many connections were open at once. */
#ifndef TESTS_NETWORK_HOSTILE_SERVER_H
#define TESTS_NETWORK_HOSTILE_SERVER_H

#include <stdint.h>

struct hostile_server;

struct hostile_server *hostile_start(const char *socket_path); /* NULL: TCP on 127.0.0.1, any port */
void hostile_stop(struct hostile_server *server);
unsigned hostile_port(const struct hostile_server *server);

unsigned hostile_received(struct hostile_server *server, const char *path); /* whole requests */
unsigned hostile_connections(struct hostile_server *server); /* ever accepted */
unsigned hostile_most_connections(struct hostile_server *server); /* open at the same time */
uint64_t hostile_bytes_sent(struct hostile_server *server);

/* What /secret wants to see in "Authorization:"; what is done, once, before it says that this was wrong. */
void hostile_expect(struct hostile_server *server, const char *authorization);
void hostile_before_refusal(struct hostile_server *server, void (*run)(const char *), const char *context);

#endif
