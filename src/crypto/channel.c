/* State channels as bytes: checks and encodings. See channel.h; the hashes stand in channel_hash.c. */
#include "crypto/channel.h"

#include <inttypes.h>
#include <string.h>

#define KEY_SIZE sizeof(((struct account_id *)0)->bytes)

static enum status refuse(struct error *error, const char *what)
{
    return error_set(error, ERROR_INVALID_PARAMS, "channel: %s", what);
}

/* --- checks ----------------------------------------------------------------------------------- */
static bool is_name(const char *text, size_t room, const char *letters)
{
    size_t size = strnlen(text, room);

    return size >= 1 && size < room && strspn(text, letters) == size;
}

static bool is_time(int64_t time_us)
{
    return time_us >= 1 && (uint64_t)time_us <= INTEGER_MAX;
}

static bool is_listed(const struct account_id *keys, size_t count, const struct account_id *key)
{
    for (size_t i = 0; i < count; i++) {
        if (account_equal(&keys[i], key))
            return true;
    }
    return false;
}

static enum status check_keys(const struct channel_fixed *f, struct error *error)
{
    if (f->participant_count < CHANNEL_PARTICIPANTS_LEAST || f->participant_count > CHANNEL_PARTICIPANTS_MAX)
        return refuse(error, "2 … 16 participants are expected");
    if (f->arbiter_count > CHANNEL_ARBITERS_MAX)
        return refuse(error, "at most 16 arbiters are expected");
    for (size_t i = 0; i < f->participant_count; i++) {
        if (!account_is_key(&f->participants[i]))
            return error_set(error, ERROR_BAD_KEY, "channel: participant %zu is no key", i);
        if (is_listed(f->participants, i, &f->participants[i]))
            return refuse(error, "the participants must be distinct");
    }
    for (size_t i = 0; i < f->arbiter_count; i++) {
        if (!account_is_key(&f->arbiters[i]))
            return error_set(error, ERROR_BAD_KEY, "channel: arbiter %zu is no key", i);
        if (is_listed(f->arbiters, i, &f->arbiters[i]))
            return refuse(error, "the arbiters must be distinct");
        if (is_listed(f->participants, f->participant_count, &f->arbiters[i]))
            return refuse(error, "an arbiter cannot be a participant");
    }
    return OK;
}

static enum status check_arbitration(const struct channel_fixed *f, struct error *error)
{
    if (f->arbiter_count == 0) {
        if (f->arbiter_threshold != 0 || f->arbitration_window_us != 0 || f->arbitration_fee_ppm != 0)
            return refuse(error, "threshold, window and fee of arbitration need arbiters");
        return OK;
    }
    if (f->arbiter_threshold < 1 || f->arbiter_threshold > f->arbiter_count)
        return refuse(error, "the arbiters' threshold must be 1 … their number");
    if (!is_time(f->arbitration_window_us))
        return refuse(error, "the arbitration window must be 1 … 2^53−1 µs");
    if (f->arbitration_fee_ppm > CHANNEL_PPM)
        return refuse(error, "the arbitration fee is at most 1,000,000 ppm");
    return OK;
}

static enum status check_assets(const struct channel_fixed *f, struct error *error)
{
    if (f->asset_count < 1 || f->asset_count > CHANNEL_ASSETS_MAX)
        return refuse(error, "1 … 8 assets are expected");
    for (size_t i = 0; i < f->asset_count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (memcmp(&f->assets[i], &f->assets[j], sizeof(f->assets[i])) == 0)
                return refuse(error, "the assets must be distinct");
        }
    }
    return OK;
}

enum status channel_fixed_check(const struct channel_fixed *f, struct error *error)
{
    if (!is_name(f->chain, sizeof(f->chain), "abcdefghijklmnopqrstuvwxyz0123456789._-"))
        return refuse(error, "a chain id is expected");
    if (!is_name(f->application, sizeof(f->application), "abcdefghijklmnopqrstuvwxyz0123456789_"))
        return refuse(error, "the application's name has 1 … 32 of a-z 0-9 _");
    if (f->nonce > INTEGER_MAX)
        return refuse(error, "the nonce is at most 2^53−1");
    if (!is_time(f->challenge_period_us) || !is_time(f->dispute_limit_us))
        return refuse(error, "challenge period and dispute limit must be 1 … 2^53−1 µs");
    if (f->dispute_limit_us < f->challenge_period_us)
        return refuse(error, "the dispute limit cannot be shorter than the challenge period");
    if (f->penalty_ppm > CHANNEL_PPM)
        return refuse(error, "the penalty is at most 1,000,000 ppm");
    if (f->terms.size > CHANNEL_TERMS_MAX)
        return refuse(error, "the terms have at most 256 bytes");
    TRY(check_keys(f, error));
    TRY(check_arbitration(f, error));
    return check_assets(f, error);
}

static bool zero(const void *data, size_t size)
{
    const uint8_t *bytes = data;
    uint8_t sum = 0;

    for (size_t i = 0; i < size; i++)
        sum |= bytes[i];
    return sum == 0;
}

/* A kind's fields are in use, the others all zero; amounts within their limits. */
static enum status check_fields(const struct allocation *a, struct error *error)
{
    bool account = a->kind == ALLOCATION_SIMPLE || a->kind == ALLOCATION_HASHLOCK;
    bool target = a->kind == ALLOCATION_CHANNEL || a->kind == ALLOCATION_GUARANTEE;
    bool ends = a->kind == ALLOCATION_GUARANTEE, lock = a->kind == ALLOCATION_HASHLOCK;

    if (a->amount > INTEGER_MAX)
        return refuse(error, "an amount is at most 2^53−1");
    if (a->amount == 0 && (ends || lock))
        return refuse(error, "a guarantee or hash-lock needs an amount");
    if (account == zero(&a->account, KEY_SIZE) || target == zero(&a->target, KEY_SIZE) ||
        ends == zero(&a->left, KEY_SIZE) || ends == zero(&a->right, KEY_SIZE) ||
        lock == zero(&a->refund, KEY_SIZE) || (!lock && !zero(&a->hash, sizeof(a->hash))) ||
        lock != (a->expiry_us != 0))
        return refuse(error, "an allocation lacks a field of its kind, or has one of another kind");
    if (lock && !is_time(a->expiry_us))
        return refuse(error, "an expiry must be 1 … 2^53−1 µs");
    if (ends && account_equal(&a->left, &a->right))
        return refuse(error, "a guarantee's two ends must be distinct");
    return OK;
}

/* What can be said of a state without the fixed part. */
static enum status check_alone(const struct channel_state *s, struct error *error)
{
    uint64_t total = 0;

    if (s->turn > INTEGER_MAX)
        return refuse(error, "the turn is at most 2^53−1");
    if (s->allocation_count > CHANNEL_ALLOCATIONS_MAX)
        return refuse(error, "an outcome has at most 1,024 allocations");
    if (s->data.size > CHANNEL_DATA_MAX)
        return refuse(error, "application data has at most 4,096 bytes");
    for (size_t i = 0; i < s->allocation_count; i++) {
        const struct allocation *a = &s->allocations[i];
        bool first = i == 0 || a->asset != s->allocations[i - 1].asset;

        if (i > 0 && a->asset < s->allocations[i - 1].asset)
            return refuse(error, "allocations stand in the order of their assets");
        TRY(check_fields(a, error));
        total = first ? a->amount : total + a->amount;
        if (total > INTEGER_MAX)
            return refuse(error, "an asset's allocations are more than 2^53−1 together");
    }
    return OK;
}

/* Accounts that value may go to are keys; most are participants, whom the fixed part vouches for. */
static bool is_payable(const struct channel_fixed *f, const struct account_id *account)
{
    return channel_participant(f, account) >= 0 || account_is_key(account);
}

enum status channel_state_check(const struct channel_fixed *f, const struct channel_state *s,
                                struct error *error)
{
    TRY(check_alone(s, error));
    for (size_t i = 0; i < s->allocation_count; i++) {
        const struct allocation *a = &s->allocations[i];

        if (a->asset >= f->asset_count)
            return refuse(error, "an allocation is of an asset that the channel does not have");
        if ((!account_is_zero(&a->account) && !is_payable(f, &a->account)) ||
            (!account_is_zero(&a->refund) && !is_payable(f, &a->refund)))
            return error_set(error, ERROR_BAD_KEY, "channel: allocation %zu goes to an account without a key",
                             i);
    }
    return OK;
}

/* --- encoding --------------------------------------------------------------------------------- */
static void put(struct buffer *out, uint64_t value, size_t size)
{
    uint8_t bytes[8];

    put_be64(bytes, value);
    buffer_append(out, bytes + 8 - size, size);
}

static void put_bytes(struct buffer *out, const void *data, size_t size, size_t length_size)
{
    put(out, size, length_size);
    buffer_append(out, data, size);
}

void channel_fixed_encode(const struct channel_fixed *f, struct buffer *out)
{
    put(out, CHANNEL_VERSION, 1);
    put_bytes(out, f->chain, strlen(f->chain), 1);
    put_bytes(out, f->application, strlen(f->application), 1);
    put(out, f->nonce, 8);
    put(out, (uint64_t)f->challenge_period_us, 8);
    put(out, (uint64_t)f->dispute_limit_us, 8);
    put(out, f->penalty_ppm, 4);
    put(out, f->participant_count, 1);
    buffer_append(out, f->participants, f->participant_count * KEY_SIZE);
    put(out, f->arbiter_count, 1);
    buffer_append(out, f->arbiters, f->arbiter_count * KEY_SIZE);
    put(out, f->arbiter_threshold, 1);
    put(out, (uint64_t)f->arbitration_window_us, 8);
    put(out, f->arbitration_fee_ppm, 4);
    put(out, f->asset_count, 1);
    buffer_append(out, f->assets, f->asset_count * sizeof(f->assets[0]));
    put_bytes(out, f->terms.data, f->terms.size, 2);
}

static void put_allocation(struct buffer *out, const struct allocation *a)
{
    put(out, a->kind, 1);
    put(out, a->asset, 1);
    put(out, a->amount, 8);
    if (a->kind == ALLOCATION_SIMPLE || a->kind == ALLOCATION_HASHLOCK)
        buffer_append(out, a->account.bytes, KEY_SIZE);
    if (a->kind == ALLOCATION_CHANNEL || a->kind == ALLOCATION_GUARANTEE)
        buffer_append(out, a->target.bytes, sizeof(a->target));
    if (a->kind == ALLOCATION_GUARANTEE) {
        buffer_append(out, a->left.bytes, KEY_SIZE);
        buffer_append(out, a->right.bytes, KEY_SIZE);
    }
    if (a->kind == ALLOCATION_HASHLOCK) {
        buffer_append(out, a->refund.bytes, KEY_SIZE);
        buffer_append(out, a->hash.bytes, sizeof(a->hash));
        put(out, (uint64_t)a->expiry_us, 8);
    }
}

void channel_allocations_encode(const struct allocation *allocations, size_t count, struct buffer *out)
{
    put(out, count, 2);
    for (size_t i = 0; i < count; i++)
        put_allocation(out, &allocations[i]);
}

void channel_state_encode(const struct channel_state *state, struct buffer *out)
{
    put(out, state->turn, 8);
    put(out, state->final, 1);
    channel_allocations_encode(state->allocations, state->allocation_count, out);
    put_bytes(out, state->data.data, state->data.size, 2);
}

/* --- decoding --------------------------------------------------------------------------------- */
/* What is left to read; a read past the end gives zeros and is remembered. */
struct source {
    struct bytes left;
    bool short_;
};

static const uint8_t *take(struct source *source, size_t size)
{
    static const uint8_t zeros[CHANNEL_ARBITERS_MAX * 32];
    const uint8_t *at = source->left.data;

    if (source->short_ || source->left.size < size) {
        source->short_ = true;
        return zeros;
    }
    source->left = bytes_of(at + size, source->left.size - size);
    return at;
}

static uint64_t take_number(struct source *source, size_t size)
{
    const uint8_t *at = take(source, size);
    uint64_t value = 0;

    for (size_t i = 0; i < size; i++)
        value = value << 8 | at[i];
    return value;
}

/* Bytes behind their length; at most `most`, which is more than what take() has zeros for. */
static struct bytes take_bytes(struct source *source, size_t length_size, struct arena *arena)
{
    size_t size = (size_t)take_number(source, length_size);
    uint8_t *copy;

    if (source->short_ || source->left.size < size) {
        source->short_ = true;
        return bytes_of(NULL, 0);
    }
    if (size == 0)
        return bytes_of(NULL, 0);
    copy = arena_new(arena, size);
    memcpy(copy, take(source, size), size);
    return bytes_of(copy, size);
}

static void take_name(struct source *source, char *name, size_t room)
{
    size_t size = (size_t)take_number(source, 1);

    if (size >= room)
        source->short_ = true;
    else
        memcpy(name, take(source, size), size);
}

/* A count, and as many items of 32 bytes. */
static size_t take_items(struct source *source, void *items, size_t most)
{
    size_t count = (size_t)take_number(source, 1);

    if (count > most) {
        source->short_ = true;
        return 0;
    }
    memcpy(items, take(source, count * KEY_SIZE), count * KEY_SIZE);
    return count;
}

enum status channel_fixed_read(struct bytes encoding, struct arena *arena, struct channel_fixed *fixed,
                               struct error *error)
{
    struct source source = { .left = encoding };
    struct channel_fixed f;

    memset(&f, 0, sizeof(f));
    if (take_number(&source, 1) != CHANNEL_VERSION)
        return refuse(error, "a fixed part of version 1 is expected");
    take_name(&source, f.chain, sizeof(f.chain));
    take_name(&source, f.application, sizeof(f.application));
    f.nonce = take_number(&source, 8);
    f.challenge_period_us = (int64_t)take_number(&source, 8);
    f.dispute_limit_us = (int64_t)take_number(&source, 8);
    f.penalty_ppm = (uint32_t)take_number(&source, 4);
    f.participant_count = take_items(&source, f.participants, CHANNEL_PARTICIPANTS_MAX);
    f.arbiter_count = take_items(&source, f.arbiters, CHANNEL_ARBITERS_MAX);
    f.arbiter_threshold = (unsigned)take_number(&source, 1);
    f.arbitration_window_us = (int64_t)take_number(&source, 8);
    f.arbitration_fee_ppm = (uint32_t)take_number(&source, 4);
    f.asset_count = take_items(&source, f.assets, CHANNEL_ASSETS_MAX);
    f.terms = take_bytes(&source, 2, arena);
    if (source.short_ || source.left.size != 0)
        return refuse(error, "the bytes are not the encoding of a fixed part");
    *fixed = f;
    return OK;
}

enum status channel_fixed_decode(struct bytes encoding, struct arena *arena, struct channel_fixed *fixed,
                                 struct error *error)
{
    struct channel_fixed f;

    TRY(channel_fixed_read(encoding, arena, &f, error));
    TRY(channel_fixed_check(&f, error));
    *fixed = f;
    return OK;
}

static void take_allocation(struct source *source, struct allocation *a)
{
    uint64_t kind = take_number(source, 1);

    if (kind > ALLOCATION_HASHLOCK) {
        source->short_ = true;
        return;
    }
    a->kind = (enum allocation_kind)kind;
    a->asset = (unsigned)take_number(source, 1);
    a->amount = take_number(source, 8);
    if (a->kind == ALLOCATION_SIMPLE || a->kind == ALLOCATION_HASHLOCK)
        memcpy(a->account.bytes, take(source, KEY_SIZE), KEY_SIZE);
    if (a->kind == ALLOCATION_CHANNEL || a->kind == ALLOCATION_GUARANTEE)
        memcpy(a->target.bytes, take(source, sizeof(a->target)), sizeof(a->target));
    if (a->kind == ALLOCATION_GUARANTEE) {
        memcpy(a->left.bytes, take(source, KEY_SIZE), KEY_SIZE);
        memcpy(a->right.bytes, take(source, KEY_SIZE), KEY_SIZE);
    }
    if (a->kind == ALLOCATION_HASHLOCK) {
        memcpy(a->refund.bytes, take(source, KEY_SIZE), KEY_SIZE);
        memcpy(a->hash.bytes, take(source, sizeof(a->hash)), sizeof(a->hash));
        a->expiry_us = (int64_t)take_number(source, 8);
    }
}

enum status channel_state_read(struct bytes encoding, struct arena *arena, struct channel_state *state,
                               struct error *error)
{
    struct source source = { .left = encoding };
    struct channel_state s = { .turn = take_number(&source, 8) };
    uint64_t final = take_number(&source, 1);

    s.final = final == 1;
    s.allocation_count = (size_t)take_number(&source, 2);
    if (final > 1 || s.allocation_count > CHANNEL_ALLOCATIONS_MAX)
        return refuse(error, "the bytes are not the encoding of a state");
    s.allocations = arena_new(arena, s.allocation_count * sizeof(*s.allocations) + 1);
    for (size_t i = 0; i < s.allocation_count && !source.short_; i++)
        take_allocation(&source, &s.allocations[i]);
    s.data = take_bytes(&source, 2, arena);
    if (source.short_ || source.left.size != 0)
        return refuse(error, "the bytes are not the encoding of a state");
    *state = s;
    return OK;
}

enum status channel_state_decode(struct bytes encoding, struct arena *arena, struct channel_state *state,
                                 struct error *error)
{
    struct channel_state s;

    TRY(channel_state_read(encoding, arena, &s, error));
    TRY(check_alone(&s, error));
    *state = s;
    return OK;
}

/* --- sums ------------------------------------------------------------------------------------- */
bool channel_outcome_total(const struct channel_state *state, unsigned asset, uint64_t *total)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < state->allocation_count; i++) {
        if (state->allocations[i].asset != asset)
            continue;
        if (state->allocations[i].amount > INTEGER_MAX - sum)
            return false;
        sum += state->allocations[i].amount;
    }
    *total = sum;
    return true;
}

uint64_t channel_outcome_simple(const struct channel_state *state, unsigned asset,
                                const struct account_id *account)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < state->allocation_count; i++) {
        const struct allocation *a = &state->allocations[i];

        if (a->kind == ALLOCATION_SIMPLE && a->asset == asset && account_equal(&a->account, account))
            sum += a->amount;
    }
    return sum;
}

struct allocation *channel_outcome_add(struct channel_state *state, const struct allocation *entry)
{
    size_t at = state->allocation_count;

    while (at > 0 && state->allocations[at - 1].asset > entry->asset)
        at--;
    memmove(&state->allocations[at + 1], &state->allocations[at],
            (state->allocation_count - at) * sizeof(*state->allocations));
    state->allocations[at] = *entry;
    state->allocation_count++;
    return &state->allocations[at];
}

int channel_participant(const struct channel_fixed *fixed, const struct account_id *account)
{
    for (size_t i = 0; i < fixed->participant_count; i++) {
        if (account_equal(&fixed->participants[i], account))
            return (int)i;
    }
    return -1;
}
