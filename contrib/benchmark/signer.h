/* Accounts with keys, and the request lines of transfers between them: rendered and signed before any clock
 * starts. */
#ifndef BENCHMARK_SIGNER_H
#define BENCHMARK_SIGNER_H

#include "base/bech32.h"
#include "base/buffer.h"
#include "crypto/schnorr.h"

#define SIGNER_ACCOUNTS 64
#define SIGNER_ASSET "BENCH"

struct signer {
    struct secret_key *secrets[SIGNER_ACCOUNTS];
    struct account_id accounts[SIGNER_ACCOUNTS];
    char addresses[SIGNER_ACCOUNTS][ADDRESS_TEXT_MAX];
    char chain[64];
    int64_t valid_until_us;
};

/* The lines of one connection. */
struct signed_lines {
    struct buffer text; /* all lines, one after the other */
    size_t *ends;       /* where each line ends */
    struct hash *ids;   /* what was signed … */
    struct signature *signatures;
    unsigned *senders; /* … and by whom */
    size_t count;
};

/* Asks the node behind `socket` for its chain, makes an asset and gives each account enough of it. */
void signer_open(struct signer *signer, int socket);
/* A transaction of that account; the reply that says that it ran, the caller's. */
char *signer_call(const struct signer *signer, int socket, unsigned from, const char *method,
                  const char *params);
void signer_close(struct signer *signer);

/* Signs `each` transfers for every one of `count` connections, on all CPUs. */
void signer_make(const struct signer *signer, struct signed_lines *lines, size_t count, size_t each);
void signed_lines_close(struct signed_lines *lines, size_t count);

/* How many of these signatures libsecp256k1 alone verifies in a second, on one core. */
double signer_verify_rate(const struct signer *signer, const struct signed_lines *lines);

#endif
