/* Unix sockets as the benchmarks use them: connect, write all, one request and its reply. */
#ifndef BENCHMARK_WIRE_H
#define BENCHMARK_WIRE_H

#include <stdbool.h>
#include <stddef.h>

int wire_connect(const char *path); /* blocking; ends the program when nobody listens */
bool wire_try_connect(const char *path, int *socket);
void wire_write(int socket, const void *data, size_t size);

/* Sends one line (with its newline) and gives the reply's, with a final zero instead of the newline; to be
 * freed. */
char *wire_call(int socket, const char *line, size_t size);

#endif
