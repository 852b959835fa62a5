/* Channels in JSON: see forms.h. */
#include "layer2/channel/forms.h"

#include <string.h>

#include "base/bech32.h"

/* --- signatures ------------------------------------------------------------------------------- */
void signature_write(struct writer *w, const struct account_id *key, struct bytes signature)
{
    char address[ADDRESS_TEXT_MAX];

    address_encode(address, key);
    writer_object_begin(w);
    writer_member_text(w, "key", address);
    writer_member_hex(w, "signature", signature.data, signature.size);
    writer_object_end(w);
}

/* --- the fixed part --------------------------------------------------------------------------- */
static const struct param key_params[] = {
    PARAM(struct key_param, key, ACCOUNT, REQUIRED, "address or key"),
};
static const struct param asset_params[] = {
    PARAM(struct asset_param, asset, ASSET, REQUIRED, "asset id or symbol"),
};

#define KEYS(field, need, text)                                                                              \
    PARAM(struct fixed_form, field, LIST, need, text, .most = CHANNEL_PARTICIPANTS_MAX, .items = key_params, \
          .item_params = COUNT_OF(key_params), .item_size = sizeof(struct key_param))

const struct param fixed_form_params[12] = {
    KEYS(participants, REQUIRED, "2 … 16 of {key}, in the order in which they pay in and move"),
    PARAM(struct fixed_form, assets, LIST, REQUIRED, "1 … 8 of {asset}", .most = CHANNEL_ASSETS_MAX,
          .items = asset_params, .item_params = COUNT_OF(asset_params),
          .item_size = sizeof(struct asset_param)),
    PARAM(struct fixed_form, application, TEXT, REQUIRED, "by whose rules its states follow each other",
          .most = CHANNEL_APPLICATION_MAX - 1),
    PARAM(struct fixed_form, nonce, INTEGER, OPTIONAL, "makes it another channel of the same people; 0"),
    PARAM(struct fixed_form, challenge_period, DURATION, REQUIRED,
          "from a challenge to the channel's end, chain time"),
    PARAM(struct fixed_form, dispute_limit, DURATION, OPTIONAL,
          "from a dispute's first challenge to its last possible end; three periods when absent"),
    PARAM(struct fixed_form, penalty_ppm, INTEGER, OPTIONAL,
          "parts per million that a proved cheater loses to the others; 0"),
    PARAM(struct fixed_form, terms, BYTES, OPTIONAL, "what the application is told for good, hex",
          .most = CHANNEL_TERMS_MAX),
    KEYS(arbiters, OPTIONAL, "up to 16 of {key}; nobody arbitrates when absent"),
    PARAM(struct fixed_form, arbiter_threshold, INTEGER, OPTIONAL, "how many of them must sign an award"),
    PARAM(struct fixed_form, arbitration_window, DURATION, OPTIONAL,
          "time for evidence, and again for the award"),
    PARAM(struct fixed_form, arbitration_fee_ppm, INTEGER, OPTIONAL,
          "the most that arbiters may take of each asset, parts per million"),
};

static void copy_keys(const struct param_list *list, struct account_id *keys, size_t *count)
{
    const struct key_param *items = list->items;

    for (size_t i = 0; i < list->count; i++)
        keys[i] = items[i].key;
    *count = list->count;
}

enum status fixed_from_form(const struct fixed_form *form, const char *chain, struct channel_fixed *fixed,
                            struct error *error)
{
    const struct asset_param *assets = form->assets.items;
    struct channel_fixed f = { .nonce = form->nonce, .challenge_period_us = form->challenge_period,
                               .dispute_limit_us = form->dispute_limit,
                               .arbitration_window_us = form->arbitration_window,
                               .asset_count = form->assets.count, .terms = form->terms };

    if (f.dispute_limit_us == 0)
        f.dispute_limit_us = 3 * f.challenge_period_us;
    if (form->penalty_ppm > CHANNEL_PPM || form->arbitration_fee_ppm > CHANNEL_PPM)
        return error_set(error, ERROR_INVALID_PARAMS, "penalty_ppm, arbitration_fee_ppm: at most 1,000,000");
    if (form->arbiter_threshold > CHANNEL_ARBITERS_MAX)
        return error_set(error, ERROR_INVALID_PARAMS, "arbiter_threshold: at most the number of arbiters");
    f.penalty_ppm = (uint32_t)form->penalty_ppm;
    f.arbitration_fee_ppm = (uint32_t)form->arbitration_fee_ppm;
    f.arbiter_threshold = (unsigned)form->arbiter_threshold;
    strncpy(f.chain, chain, sizeof(f.chain) - 1);
    strncpy(f.application, form->application, sizeof(f.application) - 1);
    copy_keys(&form->participants, f.participants, &f.participant_count);
    copy_keys(&form->arbiters, f.arbiters, &f.arbiter_count);
    for (size_t i = 0; i < form->assets.count; i++)
        f.assets[i] = assets[i].asset;
    TRY(channel_fixed_check(&f, error));
    *fixed = f;
    return OK;
}

static void write_keys(struct writer *w, const char *key, const struct account_id *keys, size_t count)
{
    char address[ADDRESS_TEXT_MAX];

    writer_key(w, key);
    writer_array_begin(w);
    for (size_t i = 0; i < count; i++) {
        address_encode(address, &keys[i]);
        writer_text(w, address);
    }
    writer_array_end(w);
}

static void write_arbitration(struct writer *w, const struct channel_fixed *f)
{
    if (f->arbiter_count == 0)
        return;
    write_keys(w, "arbiters", f->arbiters, f->arbiter_count);
    writer_member_unsigned(w, "arbiter_threshold", f->arbiter_threshold);
    writer_member_integer(w, "arbitration_window_us", f->arbitration_window_us);
    writer_member_unsigned(w, "arbitration_fee_ppm", f->arbitration_fee_ppm);
}

void fixed_write(struct writer *w, const struct channel_fixed *f)
{
    writer_object_begin(w);
    writer_member_text(w, "chain", f->chain);
    writer_member_text(w, "application", f->application);
    writer_member_unsigned(w, "nonce", f->nonce);
    write_keys(w, "participants", f->participants, f->participant_count);
    writer_key(w, "assets");
    writer_array_begin(w);
    for (size_t i = 0; i < f->asset_count; i++)
        writer_hex(w, f->assets[i].bytes, sizeof(f->assets[i].bytes));
    writer_array_end(w);
    writer_member_integer(w, "challenge_period_us", f->challenge_period_us);
    writer_member_integer(w, "dispute_limit_us", f->dispute_limit_us);
    writer_member_unsigned(w, "penalty_ppm", f->penalty_ppm);
    write_arbitration(w, f);
    writer_member_hex(w, "terms", f->terms.data, f->terms.size);
    writer_object_end(w);
}

/* --- outcomes --------------------------------------------------------------------------------- */
static const char *const kinds[] = { "simple", "channel", "guarantee", "hashlock", NULL };

const struct param allocation_form_params[10] = {
    PARAM(struct allocation_form, asset, INTEGER, OPTIONAL, "which of the channel's assets: 0, 1, …; 0"),
    PARAM(struct allocation_form, amount, INTEGER, REQUIRED, "in the asset's smallest unit"),
    PARAM(struct allocation_form, kind, CHOICE, OPTIONAL, "simple when absent", .choices = kinds),
    PARAM(struct allocation_form, account, ACCOUNT, OPTIONAL, "simple, hashlock: who gets it"),
    PARAM(struct allocation_form, target, HASH, OPTIONAL, "channel, guarantee: a channel's id"),
    PARAM(struct allocation_form, left, ACCOUNT, OPTIONAL, "guarantee: one end"),
    PARAM(struct allocation_form, right, ACCOUNT, OPTIONAL, "guarantee: the other end"),
    PARAM(struct allocation_form, refund, ACCOUNT, OPTIONAL, "hashlock: who gets it back"),
    PARAM(struct allocation_form, hash, HASH, OPTIONAL, "hashlock: SHA-256 of the preimage"),
    PARAM(struct allocation_form, expiry, TIME, OPTIONAL, "hashlock: block time from which it goes back"),
};

static enum allocation_kind kind_of(const char *name)
{
    size_t kind = 0;

    while (name != NULL && strcmp(kinds[kind], name) != 0)
        kind++;
    return (enum allocation_kind)kind;
}

/* Stable: entries of one asset keep their order. */
static void sort_by_asset(struct allocation *all, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct allocation moved = all[i];
        size_t at = i;

        for (; at > 0 && all[at - 1].asset > moved.asset; at--)
            all[at] = all[at - 1];
        all[at] = moved;
    }
}

enum status outcome_from_form(const struct param_list *outcome, struct arena *arena,
                              struct channel_state *state, struct error *error)
{
    const struct allocation_form *items = outcome->items;
    struct allocation *all = arena_new(arena, (outcome->count + 1) * sizeof(*all));

    for (size_t i = 0; i < outcome->count; i++) {
        const struct allocation_form *f = &items[i];

        if (f->asset >= CHANNEL_ASSETS_MAX)
            return error_set(error, ERROR_INVALID_PARAMS, "outcome: an asset's number is at most 7");
        all[i] = (struct allocation){ .kind = kind_of(f->kind), .asset = (unsigned)f->asset,
                                      .amount = f->amount, .account = f->account, .target = f->target,
                                      .left = f->left, .right = f->right, .refund = f->refund,
                                      .hash = f->hash, .expiry_us = f->expiry };
    }
    sort_by_asset(all, outcome->count);
    state->allocations = all;
    state->allocation_count = outcome->count;
    return OK;
}

static void write_account(struct writer *w, const char *key, const struct account_id *account)
{
    char address[ADDRESS_TEXT_MAX];

    if (account_is_zero(account))
        return;
    address_encode(address, account);
    writer_member_text(w, key, address);
}

static void write_allocation(struct writer *w, const struct allocation *a)
{
    writer_object_begin(w);
    writer_member_unsigned(w, "asset", a->asset);
    writer_member_unsigned(w, "amount", a->amount);
    writer_member_text(w, "kind", kinds[a->kind]);
    write_account(w, "account", &a->account);
    if (a->kind == ALLOCATION_CHANNEL || a->kind == ALLOCATION_GUARANTEE)
        writer_member_hex(w, "target", a->target.bytes, sizeof(a->target.bytes));
    write_account(w, "left", &a->left);
    write_account(w, "right", &a->right);
    write_account(w, "refund", &a->refund);
    if (a->kind == ALLOCATION_HASHLOCK) {
        writer_member_hex(w, "hash", a->hash.bytes, sizeof(a->hash.bytes));
        writer_member_integer(w, "expiry", a->expiry_us);
    }
    writer_object_end(w);
}

void outcome_write(struct writer *w, const struct channel_state *state)
{
    writer_array_begin(w);
    for (size_t i = 0; i < state->allocation_count; i++)
        write_allocation(w, &state->allocations[i]);
    writer_array_end(w);
}

void state_write(struct writer *w, const struct hash *channel, const struct channel_state *state)
{
    struct hash hash;

    channel_state_hash(channel, state, &hash);
    writer_object_begin(w);
    writer_member_unsigned(w, "turn", state->turn);
    writer_member_boolean(w, "final", state->final);
    writer_member_hex(w, "hash", hash.bytes, sizeof(hash.bytes));
    writer_key(w, "outcome");
    outcome_write(w, state);
    writer_member_hex(w, "data", state->data.data, state->data.size);
    writer_object_end(w);
}
