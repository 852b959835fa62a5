/* State channels as bytes: what participants sign. The fixed part of a channel gives its id; a state is one
 * possible end of the channel (who gets what) with a turn number. Node, clients and offline tools share this
 * file, so that whoever signs can compute what it signs. Pure.
 *
 * Encodings are big-endian, every variable part behind its length, one encoding for each value: a decoder
 * refuses every other one. Ids and signed messages are BIP-340 tagged hashes; all of them contain the
 * channel's id, which contains the chain, so that nothing signed for one channel counts in another one. */
#ifndef CRYPTO_CHANNEL_H
#define CRYPTO_CHANNEL_H

#include "base/buffer.h"
#include "base/bytes.h"
#include "base/memory.h"
#include "crypto/schnorr.h"

#define CHANNEL_VERSION 1
#define CHANNEL_CHAIN_MAX 65          /* bytes with the final zero */
#define CHANNEL_PARTICIPANTS_LEAST 2
#define CHANNEL_PARTICIPANTS_MAX 16
#define CHANNEL_ARBITERS_MAX 16
#define CHANNEL_ASSETS_MAX 8
#define CHANNEL_APPLICATION_MAX 33    /* bytes with the final zero; [a-z0-9_] */
#define CHANNEL_TERMS_MAX 256         /* bytes */
#define CHANNEL_ALLOCATIONS_MAX 1024  /* of all assets together: 2 × 483 HTLCs and the participants fit */
#define CHANNEL_DATA_MAX 4096         /* bytes of application data */
#define CHANNEL_ENCODING_MAX ((size_t)256 * 1024)

#define CHANNEL_PPM 1000000           /* parts per million */

#define CHANNEL_ID_TAG "layerd/channel/id"
#define CHANNEL_HOLDING_TAG "layerd/channel/holding"
#define CHANNEL_STATE_TAG "layerd/channel/state"
#define CHANNEL_OUTCOME_TAG "layerd/channel/outcome"
#define CHANNEL_CHALLENGE_TAG "layerd/channel/challenge"
#define CHANNEL_WITHDRAWAL_TAG "layerd/channel/withdrawal"
#define CHANNEL_AWARD_TAG "layerd/channel/award"
#define CHANNEL_REJECT_TAG "layerd/channel/reject"
#define CHANNEL_VOUCHER_TAG "layerd/channel/voucher"

/* What never changes. Participants are distinct keys on the curve, and so are arbiters, none of them a
 * participant. Times are chain time in µs and already divided on dev: what stands here is what runs. */
struct channel_fixed {
    char chain[CHANNEL_CHAIN_MAX];
    size_t participant_count;
    struct account_id participants[CHANNEL_PARTICIPANTS_MAX];
    uint64_t nonce;                               /* 0 … 2^53−1 */
    char application[CHANNEL_APPLICATION_MAX];
    int64_t challenge_period_us;                  /* ≥ 1: from a challenge to its end */
    int64_t dispute_limit_us; /* ≥ challenge_period: from the first challenge to the last possible end */
    uint32_t penalty_ppm;     /* of what the cheater would get, for a provably old state; ≤ 1,000,000 */
    size_t arbiter_count;
    struct account_id arbiters[CHANNEL_ARBITERS_MAX];
    unsigned arbiter_threshold;                   /* 1 … arbiter_count; 0 without arbiters */
    int64_t arbitration_window_us;                /* evidence and award; 0 without arbiters */
    uint32_t arbitration_fee_ppm;                 /* the most an award may take of each asset; ≤ 1,000,000 */
    size_t asset_count;                           /* ≥ 1, distinct */
    struct asset_id assets[CHANNEL_ASSETS_MAX];
    struct bytes terms; /* what the application is told for good; ≤ CHANNEL_TERMS_MAX */
};

enum allocation_kind {
    ALLOCATION_SIMPLE = 0,    /* amount to an account */
    ALLOCATION_CHANNEL = 1,   /* amount to the holdings of another channel: a sub-channel's funds */
    ALLOCATION_GUARANTEE = 2, /* amount kept for channel `target`, whose two ends are left and right */
    ALLOCATION_HASHLOCK =
        3, /* amount to `account` who shows the preimage before `expiry`, else to `refund` */
};

struct allocation {
    enum allocation_kind kind;
    unsigned asset;            /* index into the fixed part's assets */
    uint64_t amount;           /* 0 … 2^53−1; hash-locks and guarantees ≥ 1 */
    struct account_id account; /* simple, hash-lock */
    struct hash target;        /* channel, guarantee: id of a channel */
    struct account_id left, right; /* guarantee: whose share of target goes back to whom */
    struct account_id refund;  /* hash-lock */
    struct hash hash;          /* hash-lock: SHA-256 of the preimage */
    int64_t expiry_us;         /* hash-lock: block time, µs; `now >= expiry` is too late */
};

/* Fields that a kind does not have are all zero. Allocations stand in order of their asset's index; within an
 * asset an earlier one is paid first when the holdings are not enough. */
struct channel_state {
    uint64_t turn;             /* 0 … 2^53−1 */
    bool final;                /* the last state: all sign it, and it may be concluded at once */
    size_t allocation_count;
    struct allocation *allocations;
    struct bytes data;         /* the application's; ≤ CHANNEL_DATA_MAX */
};

/* --- bytes ------------------------------------------------------------------------------------ */
/* Whether the values keep the limits and rules above; ERROR_INVALID_PARAMS names what does not. */
MUST_CHECK enum status channel_fixed_check(const struct channel_fixed *fixed, struct error *error);
MUST_CHECK enum status channel_state_check(const struct channel_fixed *fixed,
                                           const struct channel_state *state, struct error *error);

/* Append the encoding of something that passed its check. Numbers with their bytes in brackets, ‖ between
 * parts, times in µs:
 *   fixed = version [1] ‖ length [1] chain ‖ length [1] application ‖ nonce [8] ‖ challenge period [8] ‖
 *           dispute limit [8] ‖ penalty [4] ‖ count [1] participants ‖ count [1] arbiters ‖ threshold [1] ‖
 *           arbitration window [8] ‖ arbitration fee [4] ‖ count [1] assets ‖ length [2] terms
 *   state = turn [8] ‖ final [1] ‖ outcome ‖ length [2] data;   outcome = count [2] ‖ allocations
 *   allocation = kind [1] ‖ asset [1] ‖ amount [8] ‖ account | target | target ‖ left ‖ right |
 *           account ‖ refund ‖ hash ‖ expiry [8] */
void channel_fixed_encode(const struct channel_fixed *fixed, struct buffer *out);
void channel_state_encode(const struct channel_state *state, struct buffer *out);
void channel_allocations_encode(const struct allocation *allocations, size_t count, struct buffer *out);

/* The other way; what they point to is in `arena` (terms, allocations, data). ERROR_INVALID_PARAMS for any
 * bytes that the encoder would not have written. channel_state_decode does the checks that need no fixed
 * part; channel_state_check has the others. */
MUST_CHECK enum status channel_fixed_decode(struct bytes encoding, struct arena *arena,
                                            struct channel_fixed *fixed, struct error *error);
/* Without the checks: for an encoding that passed them before, such as one of the ledger's rows. */
MUST_CHECK enum status channel_fixed_read(struct bytes encoding, struct arena *arena,
                                          struct channel_fixed *fixed, struct error *error);
MUST_CHECK enum status channel_state_read(struct bytes encoding, struct arena *arena,
                                          struct channel_state *state, struct error *error);
MUST_CHECK enum status channel_state_decode(struct bytes encoding, struct arena *arena,
                                            struct channel_state *state, struct error *error);

/* --- ids and what is signed ------------------------------------------------------------------- */
void channel_id(const struct channel_fixed *fixed, struct hash *id); /* of the fixed encoding */
/* The ledger account that holds the channel's funds: the first hash of id and a counter that is no key, so
 * that no user can send to it beforehand. */
void channel_holding(const struct hash *id, struct account_id *account);
void channel_state_hash(const struct hash *id, const struct channel_state *state, struct hash *hash);
void channel_outcome_hash(const struct hash *id, const struct channel_state *state, struct hash *hash);
/* A challenger signs this beside the state that it challenges with. */
void channel_challenge_hash(const struct hash *id, const struct hash *state, struct hash *hash);
/* All participants sign: go on from `state` (its turn is higher than all before), and pay out the difference
 * `payments` (only ALLOCATION_SIMPLE) now. */
void channel_withdrawal_hash(const struct hash *id, const struct hash *state,
                             const struct allocation *payments, size_t count, struct hash *hash);
/* Arbiters sign: the channel ends with the outcome of `award` (a state encoding: turn is the record it was
 * judged on), `fees` (one amount per asset) go in equal parts to the arbiters that its data names: two bytes,
 * bit i for arbiter i; to all of them without data. */
void channel_award_hash(const struct hash *id, const struct channel_state *award, const uint64_t *fees,
                        size_t asset_count, struct hash *hash);
/* A participant that will not countersign says so. */
void channel_reject_hash(const struct hash *id, const struct hash *state, struct hash *hash);
/* The payer's promise in a voucher channel: `amount` in all so far. */
void channel_voucher_hash(const struct hash *id, uint64_t amount, struct hash *hash);

/* --- sums ------------------------------------------------------------------------------------- */
/* Sum of all allocations of an asset; false when it is over 2^53−1. */
MUST_CHECK bool channel_outcome_total(const struct channel_state *state, unsigned asset, uint64_t *total);
/* Sum of the simple allocations of an asset to an account. */
uint64_t channel_outcome_simple(const struct channel_state *state, unsigned asset,
                                const struct account_id *account);
/* Puts an entry behind the others of its asset; `allocations` has room. Returns where it stands now. */
struct allocation *channel_outcome_add(struct channel_state *state, const struct allocation *entry);
/* Index of the participant, or −1. */
int channel_participant(const struct channel_fixed *fixed, const struct account_id *account);

#endif
