/* The ledger's rules: see rules.h. */
#include "ledger/rules.h"

#include <string.h>

#include "crypto/hash.h"

bool asset_name_valid(const char *name)
{
    size_t size = strlen(name);

    if (size < 1 || size > ASSET_NAME_MAX)
        return false;
    for (size_t i = 0; i < size; i++)
        if ((unsigned char)name[i] < 0x20 || name[i] == 0x7F)
            return false;
    return true;
}

bool metadata_valid(struct bytes metadata)
{
    return metadata.size >= 2 && metadata.size <= METADATA_MAX && metadata.data[0] == '{';
}

bool amount_add(uint64_t a, uint64_t b, uint64_t limit, uint64_t *sum)
{
    if (a > limit || b > limit - a)
        return false;
    *sum = a + b;
    return true;
}

bool amount_subtract(uint64_t a, uint64_t b, uint64_t *rest)
{
    if (b > a)
        return false;
    *rest = a - b;
    return true;
}

/* What an action does in a state, before the deadline and from it on: OK leads to `next`, anything else
 * refuses. */
struct transition {
    enum status outcome;
    enum escrow_state next;
};

#define CLOSED(state) { { ERROR_ESCROW_CLOSED, state }, { ERROR_ESCROW_CLOSED, state } }

static const struct transition transitions[ESCROW_STATES][ESCROW_ACTIONS][2] = {
    [ESCROW_LOCKED] = {
        [ESCROW_CLAIM] = { { OK, ESCROW_CLAIMED }, { ERROR_ESCROW_EXPIRED, ESCROW_LOCKED } },
        [ESCROW_REFUND] = { { ERROR_INTERNAL, ESCROW_LOCKED }, { OK, ESCROW_REFUNDED } },
    },
    [ESCROW_CLAIMED] = {
        [ESCROW_CLAIM] = CLOSED(ESCROW_CLAIMED),
        [ESCROW_REFUND] = CLOSED(ESCROW_CLAIMED),
    },
    /* Who claims too late should hear that it was too late, although the refund has already happened. */
    [ESCROW_REFUNDED] = {
        [ESCROW_CLAIM] = { { ERROR_ESCROW_CLOSED, ESCROW_REFUNDED },
                           { ERROR_ESCROW_EXPIRED, ESCROW_REFUNDED } },
        [ESCROW_REFUND] = CLOSED(ESCROW_REFUNDED),
    },
};

enum status escrow_next(enum escrow_state state, enum escrow_action action, int64_t now_us,
                        int64_t deadline_us, enum escrow_state *next)
{
    const struct transition *transition = &transitions[state][action][now_us >= deadline_us];

    if (transition->outcome == OK)
        *next = transition->next;
    return transition->outcome;
}

static const char *const state_names[ESCROW_STATES] = {
    [ESCROW_LOCKED] = "locked", [ESCROW_CLAIMED] = "claimed", [ESCROW_REFUNDED] = "refunded",
};

const char *escrow_state_name(enum escrow_state state)
{
    return state_names[state];
}

bool escrow_state_parse(const char *name, enum escrow_state *state)
{
    for (size_t i = 0; i < ESCROW_STATES; i++)
        if (strcmp(name, state_names[i]) == 0) {
            *state = (enum escrow_state)i;
            return true;
        }
    return false;
}

enum status escrow_deadline(int64_t now_us, int64_t timeout_us, int64_t deadline_us, int64_t *result)
{
    int64_t left;

    if ((timeout_us != 0) == (deadline_us != 0))
        return ERROR_INVALID_PARAMS;
    left = timeout_us != 0 ? timeout_us : deadline_us - now_us;
    if (left <= 0)
        return ERROR_DEADLINE_PASSED;
    if (left > ESCROW_DURATION_MAX_US)
        return ERROR_LIMIT;
    *result = now_us + left;
    return OK;
}

bool preimage_matches(const struct hash *preimage, const struct hash *hash)
{
    struct hash computed;

    sha256(&computed, preimage->bytes, sizeof(preimage->bytes));
    return hash_equal(&computed, hash);
}

void escrow_id(struct hash *id, const struct hash *transaction, uint32_t number)
{
    struct tagged_hash h;
    uint8_t counted[4];

    put_be32(counted, number);
    tagged_hash_begin(&h, "layerd/escrow");
    tagged_hash_add(&h, transaction->bytes, sizeof(transaction->bytes));
    tagged_hash_add(&h, counted, sizeof(counted));
    tagged_hash_end(&h, id);
}
