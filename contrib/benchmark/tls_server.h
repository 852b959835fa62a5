/* TLS for servers of the benchmark: LND and tapd are spoken to over https alone. A key and a certificate that
 * last for one run; reads and writes on sockets that do not wait. */
#ifndef BENCHMARK_TLS_SERVER_H
#define BENCHMARK_TLS_SERVER_H

#include <openssl/ssl.h>
#include <stddef.h>
#include <sys/types.h>

/* Makes a key, and a certificate for 127.0.0.1 that vouches for itself, as these servers make them; writes
 * the certificate to `path`. To be freed by SSL_CTX_free. */
SSL_CTX *tls_server_new(const char *path);

/* As recv and send on a socket that does not wait. The handshake is part of the first read. */
ssize_t tls_server_read(SSL *tls, void *into, size_t size);
ssize_t tls_server_write(SSL *tls, const void *data, size_t size);

#endif
