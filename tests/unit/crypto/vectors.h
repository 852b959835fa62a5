/* Published test vectors, and seeded randomness, for this room's tests. The vectors' folder is the
 * environment's LAYERD_VECTORS, else ../shared/vectors beside the source; without it the tests that need it
 * skip, loudly. */
#ifndef TEST_CRYPTO_VECTORS_H
#define TEST_CRYPTO_VECTORS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/json.h"

/* The parsed file, to be released; skips the test when there is none. */
json_t *vectors_json(const char *name);
/* The file's text with a final zero, to be freed; skips the test when there is none. */
char *vectors_text(const char *name, size_t *size);

const char *member_text(const json_t *object, const char *member);
/* Hex of a member of any size; appended. */
void member_bytes(const json_t *object, const char *member, struct buffer *out);
void assert_hash_is(const struct hash *hash, const char *hex);

/* A repeatable sequence. LAYERD_SEED chooses it, else the clock; printed at the first use. */
uint64_t random_u64(void);
uint64_t random_below(uint64_t bound);

int channel_tests(void);
int hash_tests(void);
int merkle_tests(void);
int note_tests(void);
int outbox_tree_tests(void);
int schnorr_tests(void);
int state_tree_tests(void);
int transaction_tests(void);

#endif
