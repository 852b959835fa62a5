/* State channels: ids and what is signed. See channel.h. */
#include "crypto/channel.h"
#include "crypto/hash.h"

static void add_number(struct tagged_hash *h, uint64_t value)
{
    uint8_t bytes[8];

    put_be64(bytes, value);
    tagged_hash_add(h, bytes, sizeof(bytes));
}

static void begin(struct tagged_hash *h, const char *tag, const struct hash *id)
{
    tagged_hash_begin(h, tag);
    tagged_hash_add(h, id->bytes, sizeof(id->bytes));
}

/* tag(id ‖ bytes), and the bytes are freed. */
static void hash_buffer(const char *tag, const struct hash *id, struct buffer *bytes, struct hash *hash)
{
    struct tagged_hash h;

    begin(&h, tag, id);
    tagged_hash_add(&h, bytes->data, bytes->size);
    tagged_hash_end(&h, hash);
    buffer_close(bytes);
}

/* tag(id ‖ other) */
static void hash_pair(const char *tag, const struct hash *id, const struct hash *other, struct hash *hash)
{
    struct tagged_hash h;

    begin(&h, tag, id);
    tagged_hash_add(&h, other->bytes, sizeof(other->bytes));
    tagged_hash_end(&h, hash);
}

void channel_id(const struct channel_fixed *fixed, struct hash *id)
{
    struct buffer bytes CLEANUP(buffer_close) = { 0 };

    channel_fixed_encode(fixed, &bytes);
    tagged_hash(id, CHANNEL_ID_TAG, bytes.data, bytes.size);
}

void channel_holding(const struct hash *id, struct account_id *account)
{
    struct hash hash;
    struct tagged_hash h;
    uint8_t counter = 0;

    do {
        INVARIANT(counter < UINT8_MAX, "255 hashes in a row are coordinates on the curve");
        begin(&h, CHANNEL_HOLDING_TAG, id);
        tagged_hash_add(&h, &counter, 1);
        tagged_hash_end(&h, &hash);
        memcpy(account->bytes, hash.bytes, sizeof(account->bytes));
        counter++;
    } while (account_is_key(account));
}

void channel_state_hash(const struct hash *id, const struct channel_state *state, struct hash *hash)
{
    struct buffer bytes = { 0 };

    channel_state_encode(state, &bytes);
    hash_buffer(CHANNEL_STATE_TAG, id, &bytes, hash);
}

void channel_outcome_hash(const struct hash *id, const struct channel_state *state, struct hash *hash)
{
    struct buffer bytes = { 0 };

    channel_allocations_encode(state->allocations, state->allocation_count, &bytes);
    hash_buffer(CHANNEL_OUTCOME_TAG, id, &bytes, hash);
}

void channel_challenge_hash(const struct hash *id, const struct hash *state, struct hash *hash)
{
    hash_pair(CHANNEL_CHALLENGE_TAG, id, state, hash);
}

void channel_withdrawal_hash(const struct hash *id, const struct hash *state,
                             const struct allocation *payments, size_t count, struct hash *hash)
{
    struct buffer bytes = { 0 };

    buffer_append(&bytes, state->bytes, sizeof(state->bytes));
    channel_allocations_encode(payments, count, &bytes);
    hash_buffer(CHANNEL_WITHDRAWAL_TAG, id, &bytes, hash);
}

void channel_award_hash(const struct hash *id, const struct channel_state *award, const uint64_t *fees,
                        size_t asset_count, struct hash *hash)
{
    struct buffer bytes CLEANUP(buffer_close) = { 0 };
    struct tagged_hash h;

    channel_state_encode(award, &bytes);
    begin(&h, CHANNEL_AWARD_TAG, id);
    add_number(&h, asset_count);
    for (size_t i = 0; i < asset_count; i++)
        add_number(&h, fees[i]);
    tagged_hash_add(&h, bytes.data, bytes.size);
    tagged_hash_end(&h, hash);
}

void channel_reject_hash(const struct hash *id, const struct hash *state, struct hash *hash)
{
    hash_pair(CHANNEL_REJECT_TAG, id, state, hash);
}

void channel_voucher_hash(const struct hash *id, uint64_t amount, struct hash *hash)
{
    struct tagged_hash h;

    begin(&h, CHANNEL_VOUCHER_TAG, id);
    add_number(&h, amount);
    tagged_hash_end(&h, hash);
}
