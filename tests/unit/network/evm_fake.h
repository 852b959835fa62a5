/* A server in the process, in the transport's place: a chain of blocks whose hashes are right, and for every
 * method an answer that a test may set. It counts what it is asked. */
#ifndef TESTS_NETWORK_EVM_FAKE_H
#define TESTS_NETWORK_EVM_FAKE_H

#include "evm_kit.h"

#define FAKE_BLOCKS_MAX 64

struct fake_block { struct hash hash; struct buffer header; json_t *json; };

/* Forgets all, and has a chain of `blocks` blocks, Rootstock's or Ethereum's; `fork` makes them other
 * blocks. */
void fake_start(bool rootstock, size_t blocks, unsigned fork);
void fake_stop(void);
/* Blocks from `first` on become others; the chain then has `blocks`. */
void fake_reorganise(size_t first, size_t blocks, unsigned fork);
const struct fake_block *fake_block(size_t number);
/* Rootstock: all blocks made from now on have this receipts root. */
void fake_receipts_root(const struct hash *root);
/* Ethereum: the same for the state root. */
void fake_state_root(const struct hash *root);

/* Rootstock: merged-mines the newest block, to difficulty 1. */
void fake_mine(void);
/* What the tags say; NOT_GIVEN: the newest. */
void fake_tags(uint64_t safe, uint64_t final);

/* From now on `method` gets this answer (stolen), this refusal, or ends with this status. */
void fake_answers(const char *method, json_t *result);
void fake_refuses(const char *method, int64_t code, const char *message, json_t *data);
void fake_fails(const char *method, enum status status);
void fake_forgets(const char *method);

/* eth_call refuses, as HashLock.sol does, below so much gas. */
void fake_needs_gas(uint64_t gas);

size_t fake_asked(const char *method); /* how often */
size_t fake_blamed(void);
size_t fake_exchanges(void); /* calls, and batches as a whole */

#endif
