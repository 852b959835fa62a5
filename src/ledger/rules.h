/* The ledger's rules as pure functions: what an asset's name and metadata may be, how amounts add up, and
 * when an escrow may change its state. No SQL, no clock, no I/O, so that tests can try them exhaustively. */
#ifndef LEDGER_RULES_H
#define LEDGER_RULES_H

#include "base/bytes.h"
#include "base/clock.h"

#define ASSET_NAME_MAX 64                     /* bytes */
#define METADATA_MAX 4096                     /* bytes of canonical JSON */
#define DECIMALS_MAX 18
#define MEMO_MAX 256                          /* bytes */
#define BATCH_TRANSFERS_MAX 1000
#define ESCROW_DURATION_MAX_US (1000 * 24 * 3600 * MICROSECONDS_PER_SECOND)
#define FAUCET_DEFAULT ((uint64_t)1000 * 1000 * 1000)       /* 1,000 DEV */
#define FAUCET_MAX ((uint64_t)1000 * 1000 * 1000 * 1000)    /* 1,000,000 DEV in one call */

/* 1 … ASSET_NAME_MAX bytes without control characters. `name` is valid UTF-8 already. */
bool asset_name_valid(const char *name);

/* A JSON object of at most METADATA_MAX bytes. `metadata` is canonical JSON already. */
bool metadata_valid(struct bytes metadata);

/* a + b when it is at most `limit` (itself at most INTEGER_MAX). False otherwise, and *sum is untouched. */
MUST_CHECK bool amount_add(uint64_t a, uint64_t b, uint64_t limit, uint64_t *sum);
/* a − b when b is at most a. False otherwise, and *rest is untouched. */
MUST_CHECK bool amount_subtract(uint64_t a, uint64_t b, uint64_t *rest);

enum escrow_state { ESCROW_LOCKED, ESCROW_CLAIMED, ESCROW_REFUNDED };
#define ESCROW_STATES 3
enum escrow_action { ESCROW_CLAIM, ESCROW_REFUND };
#define ESCROW_ACTIONS 2

/* The state that `action` leads to at block time `now_us`. From the deadline on (now >= deadline) nothing can
 * be claimed, before it nothing is refunded. ERROR_ESCROW_EXPIRED, ERROR_ESCROW_CLOSED; ERROR_INTERNAL for a
 * refund before the deadline, which only the deadline itself may bring about. */
MUST_CHECK enum status escrow_next(enum escrow_state state, enum escrow_action action, int64_t now_us,
                                   int64_t deadline_us, enum escrow_state *next);

const char *escrow_state_name(enum escrow_state state); /* "locked", "claimed", "refunded" */
MUST_CHECK bool escrow_state_parse(const char *name, enum escrow_state *state);

/* When an escrow ends: either `timeout_us` from now or at `deadline_us`; the other is 0. ERROR_INVALID_PARAMS
 * unless exactly one is given, ERROR_DEADLINE_PASSED unless it lies in the future, ERROR_LIMIT over
 * ESCROW_DURATION_MAX_US from now. */
MUST_CHECK enum status escrow_deadline(int64_t now_us, int64_t timeout_us, int64_t deadline_us,
                                       int64_t *result);

/* SHA-256(preimage) = hash. */
MUST_CHECK bool preimage_matches(const struct hash *preimage, const struct hash *hash);

/* The id of an escrow, under which it holds its value: tagged hash "layerd/escrow" of the transaction's id
 * and the number of the escrow within it (4 bytes big-endian). */
void escrow_id(struct hash *id, const struct hash *transaction, uint32_t number);

#endif
