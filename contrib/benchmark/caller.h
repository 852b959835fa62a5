/* Calls of a kernel inside the benchmark that wait for their answer, from its own workers; keys; and the
 * peer of every ratio: how many signatures libsecp256k1 alone verifies on one core. */
#ifndef BENCHMARK_CALLER_H
#define BENCHMARK_CALLER_H

#include "base/json.h"
#include "kernel/kernel.h"

/* The answer's text, owned by the caller; a refusal ends the benchmark. Takes over `params`. */
char *ask(struct kernel *kernel, const char *method, json_t *params);
void tell(struct kernel *kernel, const char *method, json_t *params); /* the same, and forgets the answer */

/* A new keystore in the directory, unlocked. */
struct keystore *new_keystore(const char *directory);
/* A new key of that name in it; its address. */
struct account_id new_key(struct keystore *keystore, const char *name, struct secret_key *secret);

/* Signatures a second. */
double verify_rate(void);

/* A channel of two keys of the keystore, funded by the faucet's account `first`, brought to turn 1; its id as
 * hex in `hex`. */
struct channel_plan {
    const char *application;
    struct account_id participants[2];
    uint64_t nonce, amounts[2];
    const char *funder; /* name of the key that pays in */
    struct bytes terms, data;
};
void open_channel(struct kernel *kernel, const struct channel_plan *plan, struct hash *id, char hex[65]);

#endif
