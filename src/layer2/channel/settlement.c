/* The end of a channel: see settlement.h. */
#include "layer2/channel/settlement.h"

#include <string.h>

#include "base/bech32.h"
#include "base/json.h"
#include "base/writer.h"
#include "crypto/hash.h"
#include "layer2/channel/commands.h"
#include "layer2/channel/payout.h"
#include "ledger/ledger.h"

#define LOCK_SUBJECT_SIZE (sizeof(struct hash) + 4)

/* --- holdings --------------------------------------------------------------------------------- */
enum status holding_make(struct execution *x, const struct hash *channel, struct account_id *holding)
{
    enum status status;

    channel_holding(channel, holding);
    if (account_is_held(x, holding, ACCOUNT_KIND_CHANNEL))
        return OK;
    status = account_hold(x, holding, ACCOUNT_KIND_CHANNEL);
    INVARIANT(status == OK, "an account that no key opens and nobody can send to was there already");
    return OK;
}

enum status holdings_read(struct execution *x, const struct channel_record *record,
                          uint64_t holdings[CHANNEL_ASSETS_MAX])
{
    struct asset asset;

    for (size_t i = 0; i < record->fixed.asset_count; i++) {
        TRY(asset_find(x, &record->fixed.assets[i], &asset));
        holdings[i] = balance_of(x, DOMAIN_BASE, &asset, &record->holding);
    }
    return OK;
}

void channel_changed(struct execution *x, const struct hash *channel)
{
    reaction_request(x, "channel.watch", bytes_of(channel->bytes, sizeof(channel->bytes)));
}

/* --- paying ----------------------------------------------------------------------------------- */
/* One payout under way: the JSON of its event, and the channels that it pays into. */
struct payout {
    struct execution *x;
    struct channel_record *record;
    struct writer writer;
    struct buffer json;
    size_t paid;
    struct funding {
        struct hash channel;
        struct account_id holding;
        struct asset asset;
        uint64_t amount;
    } *fundings;
    size_t funding_count;
};

static void payout_begin(struct payout *p, struct execution *x, struct channel_record *record)
{
    memset(p, 0, sizeof(*p));
    p->x = x;
    p->record = record;
    p->fundings = memory_array(record->outcome.allocation_count + 1, sizeof(*p->fundings));
    writer_init(&p->writer, &p->json);
    writer_array_begin(&p->writer);
}

static void payout_close(struct payout *p)
{
    buffer_close(&p->json);
    memory_free_pointer(&p->fundings);
}

/* The events of what was paid; nothing when nothing was. */
static enum status payout_end(struct payout *p)
{
    writer_array_end(&p->writer);
    if (p->paid == 0)
        return OK;
    TRY(event_channel_paid(p->x, &(struct event_channel_paid){ .channel = p->record->id,
                                                               .payments = buffer_bytes(&p->json) }));
    for (size_t i = 0; i < p->funding_count; i++) {
        const struct funding *f = &p->fundings[i];

        TRY(event_channel_deposited(p->x, &(struct event_channel_deposited){
            .channel = f->channel, .from = p->record->holding, .asset = f->asset.symbol, .amount = f->amount,
            .held = balance_of(p->x, DOMAIN_BASE, &f->asset, &f->holding) }));
        channel_changed(p->x, &f->channel);
    }
    return OK;
}

static void write_payment(struct writer *w, size_t entry, const struct account_id *to,
                          const struct asset *asset, uint64_t amount, const struct hash *lock)
{
    char address[ADDRESS_TEXT_MAX];

    address_encode(address, to);
    writer_object_begin(w);
    writer_member_unsigned(w, "entry", entry);
    writer_member_text(w, "to", address);
    writer_member_text(w, "asset", asset->symbol);
    writer_member_unsigned(w, "amount", amount);
    if (lock != NULL)
        writer_member_hex(w, "hash", lock->bytes, sizeof(lock->bytes));
    writer_object_end(w);
}

/* Who gets a hash-lock's amount by now; false while neither preimage nor expiry has come. */
static bool lock_recipient(struct execution *x, const struct allocation *a, struct account_id *to)
{
    int64_t revealed_us;

    if (record_preimage(execution_database(x), &a->hash, &revealed_us) && revealed_us < a->expiry_us)
        *to = a->account;
    else if (execution_time(x) >= a->expiry_us)
        *to = a->refund;
    else
        return false;
    return true;
}

/* Where entry `a` goes now; false when it cannot be paid (yet). */
static bool choose_recipient(struct payout *p, const struct allocation *a, struct account_id *to)
{
    switch (a->kind) {
    case ALLOCATION_SIMPLE: *to = a->account; return account_is_payable(p->x, to);
    case ALLOCATION_CHANNEL:
        return !hash_equal(&a->target, &p->record->id) && holding_make(p->x, &a->target, to) == OK;
    case ALLOCATION_GUARANTEE: return false;
    case ALLOCATION_HASHLOCK: return lock_recipient(p->x, a, to) && account_is_payable(p->x, to);
    }
    return false;
}

static enum status pay_entry(struct payout *p, size_t entry, uint64_t share)
{
    struct allocation *a = &p->record->outcome.allocations[entry];
    struct account_id to;
    struct asset asset;

    if (share == 0 || !choose_recipient(p, a, &to))
        return OK;
    TRY(asset_find(p->x, &p->record->fixed.assets[a->asset], &asset));
    TRY(balance_move(p->x, DOMAIN_BASE, &asset, &p->record->holding, &to, share, NULL));
    a->amount -= share;
    p->paid++;
    write_payment(&p->writer, entry, &to, &asset, share, a->kind == ALLOCATION_HASHLOCK ? &a->hash : NULL);
    if (a->kind == ALLOCATION_CHANNEL)
        p->fundings[p->funding_count++] =
            (struct funding){ .channel = a->target, .holding = to, .asset = asset, .amount = share };
    return OK;
}

static enum status pay_entries(struct payout *p, const uint64_t *indices, size_t count)
{
    struct channel_state *outcome = &p->record->outcome;
    uint64_t *shares AUTO_FREE = memory_array(outcome->allocation_count + 1, sizeof(*shares));
    uint64_t holdings[CHANNEL_ASSETS_MAX];

    TRY(holdings_read(p->x, p->record, holdings));
    for (unsigned asset = 0; asset < p->record->fixed.asset_count; asset++)
        payout_shares(outcome, asset, holdings[asset], shares);
    for (size_t i = 0; i < outcome->allocation_count; i++) {
        if (payout_asked(indices, count, i))
            TRY(pay_entry(p, i, shares[i]));
    }
    return payout_end(p);
}

enum status channel_pay(struct execution *x, struct channel_record *record, const uint64_t *indices,
                        size_t count, size_t *paid)
{
    struct payout p;
    enum status status;

    payout_begin(&p, x, record);
    status = pay_entries(&p, indices, count);
    if (paid != NULL)
        *paid = p.paid;
    payout_close(&p);
    if (status == OK)
        record_write(execution_database(x), record);
    return status;
}

enum status channel_pay_simple(struct execution *x, const struct channel_record *record,
                               const struct allocation *payments, size_t count, struct buffer *json)
{
    struct asset asset;
    struct writer w;

    writer_init(&w, json);
    writer_array_begin(&w);
    for (size_t i = 0; i < count; i++) {
        TRY(account_can_receive(x, &payments[i].account));
        TRY(asset_find(x, &record->fixed.assets[payments[i].asset], &asset));
        TRY(balance_move(x, DOMAIN_BASE, &asset, &record->holding, &payments[i].account, payments[i].amount,
                         NULL));
        write_payment(&w, i, &payments[i].account, &asset, payments[i].amount, NULL);
    }
    writer_array_end(&w);
    return OK;
}

/* --- hash-locks ------------------------------------------------------------------------------- */
static void lock_subject(const struct hash *channel, uint64_t lock, uint8_t subject[LOCK_SUBJECT_SIZE])
{
    memcpy(subject, channel->bytes, sizeof(channel->bytes));
    put_be32(subject + sizeof(channel->bytes), (uint32_t)lock);
}

/* Notes what is neither unlocked nor expired, so that preimage or expiry pays it without anybody asking. What
 * is decided and could not be paid stays owed like any other entry. */
static void note_locks(struct execution *x, const struct channel_record *record)
{
    const struct channel_state *outcome = &record->outcome;
    uint8_t subject[LOCK_SUBJECT_SIZE];
    struct account_id nobody;
    uint64_t lock = 0;

    for (size_t i = 0; i < outcome->allocation_count; i++) {
        const struct allocation *a = &outcome->allocations[i];

        if (a->kind != ALLOCATION_HASHLOCK)
            continue;
        if (a->amount > 0 && !lock_recipient(x, a, &nobody)) {
            record_lock_insert(execution_database(x), &record->id, lock, &a->hash, a->expiry_us);
            lock_subject(&record->id, lock, subject);
            deadline_set(x, CLOCK_BLOCK, a->expiry_us, CHANNEL_HASHLOCK_DEADLINE,
                         bytes_of(subject, sizeof(subject)));
        }
        lock++;
    }
}

/* Puts in the place of each lock's number, which rise, the entry of the outcome that it is. */
static void find_entries(const struct channel_state *outcome, uint64_t *locks, size_t count)
{
    uint64_t lock = 0;
    size_t found = 0;

    for (size_t i = 0; i < outcome->allocation_count && found < count; i++) {
        if (outcome->allocations[i].kind != ALLOCATION_HASHLOCK)
            continue;
        if (locks[found] == lock)
            locks[found++] = i;
        lock++;
    }
    INVARIANT(found == count, "a noted hash-lock is not in its channel's outcome");
}

/* The locks of a channel that a preimage has decided (`hash`; NULL: none) or their expiry, all at once.
 * *settled: how many. */
static enum status settle_locks(struct execution *x, const struct hash *channel, const struct hash *hash,
                                size_t *settled)
{
    uint64_t *locks AUTO_FREE = memory_array(CHANNEL_ALLOCATIONS_MAX, sizeof(*locks));
    struct arena arena CLEANUP(arena_close);
    struct channel_record record;
    uint8_t subject[LOCK_SUBJECT_SIZE];

    arena_init(&arena);
    INVARIANT(record_read(execution_database(x), channel, &arena, &record) && record.is_settled,
              "a hash-lock is noted for a channel that has not ended");
    *settled = record_locks(execution_database(x), channel, hash, execution_time(x), locks);
    INVARIANT(*settled > 0, "no hash-lock of the channel is decided");
    for (size_t i = 0; i < *settled; i++) {
        record_lock_delete(execution_database(x), channel, locks[i]);
        lock_subject(channel, locks[i], subject);
        deadline_clear(x, CHANNEL_HASHLOCK_DEADLINE, bytes_of(subject, sizeof(subject)));
    }
    find_entries(&record.outcome, locks, *settled);
    TRY(channel_pay(x, &record, locks, *settled, NULL));
    channel_changed(x, channel);
    return OK;
}

enum status channel_unlock(struct execution *x, const struct hash *hash)
{
    struct hash channel;
    size_t settled = 0;

    for (size_t channels = 0, locks = 0; channels < UNLOCK_CHANNELS_MAX && locks < UNLOCK_LOCKS_MAX;
         channels++, locks += settled) {
        if (!record_lock_channel(execution_database(x), hash, &channel))
            return OK;
        TRY(settle_locks(x, &channel, hash, &settled));
    }
    if (record_lock_channel(execution_database(x), hash, &channel)) /* the others from the next block on */
        deadline_set(x, CLOCK_BLOCK, execution_time(x) + 1, CHANNEL_UNLOCK_DEADLINE,
                     bytes_of(hash->bytes, sizeof(hash->bytes)));
    return OK;
}

void channel_unlock_rest(struct execution *x, struct bytes subject)
{
    struct hash hash;
    enum status status;

    INVARIANT(subject.size == sizeof(hash.bytes), "a hash's deadline names %zu bytes", subject.size);
    memcpy(hash.bytes, subject.data, sizeof(hash.bytes));
    status = channel_unlock(x, &hash);
    INVARIANT(status == OK, "an unlocked hash-lock could not be paid: %s", status_name(status));
}

void channel_hashlock_expire(struct execution *x, struct bytes subject)
{
    struct hash channel;
    size_t settled;
    enum status status;

    INVARIANT(subject.size == LOCK_SUBJECT_SIZE, "a hash-lock's deadline names %zu bytes", subject.size);
    memcpy(channel.bytes, subject.data, sizeof(channel.bytes));
    status = settle_locks(x, &channel, NULL, &settled);
    INVARIANT(status == OK, "an expired hash-lock could not be paid back: %s", status_name(status));
}

/* --- the end ---------------------------------------------------------------------------------- */
/* A copy of the state with room for what penalties add. */
static void copy_outcome(const struct channel_state *state, struct arena *arena, struct channel_state *copy)
{
    *copy = *state;
    copy->allocations = arena_new(arena, (state->allocation_count + PAYOUT_PENALTY_ROOM) *
                                             sizeof(*copy->allocations));
    memcpy(copy->allocations, state->allocations, state->allocation_count * sizeof(*copy->allocations));
}

static void take_penalties(struct channel_record *record, struct arena *arena)
{
    struct channel_state with;

    if (record->a.cheaters == 0 || record->fixed.penalty_ppm == 0)
        return;
    for (size_t i = 0; i < record->fixed.participant_count; i++) {
        if ((record->a.cheaters >> i & 1) == 0)
            continue;
        copy_outcome(&record->state, arena, &with);
        /* an outcome without room for the others' entries stays as it is */
        if (payout_penalty(&record->fixed, i, &with) && with.allocation_count <= CHANNEL_ALLOCATIONS_MAX)
            record->state = with;
    }
}

enum status channel_settle(struct execution *x, struct channel_record *record, struct arena *arena,
                           const char *reason)
{
    struct hash outcome;

    INVARIANT(!record->is_settled, "a channel ends once");
    take_penalties(record, arena);
    copy_outcome(&record->state, arena, &record->outcome);
    record->is_settled = true;
    channel_outcome_hash(&record->id, &record->state, &outcome);
    TRY(event_channel_finalized(x, &(struct event_channel_finalized){
        .channel = record->id, .reason = reason, .turn = record->state.turn, .outcome = outcome }));
    TRY(channel_pay(x, record, NULL, 0, NULL));
    note_locks(x, record);
    channel_changed(x, &record->id);
    return OK;
}

void channel_timeout(struct execution *x, struct bytes subject)
{
    struct arena arena CLEANUP(arena_close);
    struct channel_record record;
    struct hash id;
    enum status status;

    arena_init(&arena);
    INVARIANT(subject.size == sizeof(id.bytes), "a channel's deadline names %zu bytes", subject.size);
    memcpy(id.bytes, subject.data, sizeof(id.bytes));
    INVARIANT(record_read(execution_database(x), &id, &arena, &record) &&
                  adjudication_mode(&record.a, execution_chain_time(x)) == CHANNEL_FINALIZED,
              "a deadline ends a channel that is not there or not due");
    rules_timeout(&record.a);
    status = channel_settle(x, &record, &arena, "challenge");
    INVARIANT(status == OK, "a channel's end could not be recorded: %s", status_name(status));
}

/* --- channel.transfer ------------------------------------------------------------------------- */
const struct param transfer_params[3] = {
    PARAM(struct transfer, channel, HASH, REQUIRED, "its id"),
    PARAM(struct transfer, entries, JSON, OPTIONAL,
          "list of the outcome's entries to pay, rising: [0,2]; all when absent", .most = 8192),
    PARAM(struct transfer, outcome, HASH, OPTIONAL,
          "refused unless what is owed has this hash, as 'channel.get' shows it"),
};

enum status check_transfer(const struct check *check, void *params, struct arena *arena, struct error *error)
{
    struct transfer *p = params;
    json_t *json AUTO_JSON = NULL;
    const json_t *item;
    size_t i;

    (void)check;
    p->list = arena_new(arena, sizeof(*p->list));
    if (p->entries.data == NULL)
        return OK;
    TRY(json_parse((const char *)p->entries.data, p->entries.size, &json, error));
    if (!json_is_array(json) || json_array_size(json) > CHANNEL_ALLOCATIONS_MAX)
        return error_set(error, ERROR_INVALID_PARAMS, "entries: a list of at most 1,024 numbers is expected");
    json_array_foreach (json, i, item) {
        if (!json_is_integer(item) || json_integer_value(item) < 0)
            return error_set(error, ERROR_INVALID_PARAMS, "entries: number %zu is none", i);
        p->list->items[p->list->count++] = (uint64_t)json_integer_value(item);
    }
    return OK;
}

enum status channel_transfer(struct execution *x, const void *params, struct writer *result)
{
    const struct transfer *p = params;
    static const struct hash none;
    struct arena arena CLEANUP(arena_close);
    struct channel_record record;
    struct hash owed = none;
    struct error error;
    size_t paid = 0;
    enum status status;

    arena_init(&arena);
    TRY(record_need(x, &p->channel, &arena, &record));
    if (record.is_settled)
        channel_outcome_hash(&record.id, &record.outcome, &owed);
    status = payout_check(&record.outcome, record.is_settled, p->list->items, p->list->count,
                          hash_equal(&p->outcome, &none) ? NULL : &p->outcome, &owed, &error);
    if (status != OK)
        return refuse(x, status, &error);
    TRY(channel_pay(x, &record, p->list->items, p->list->count, &paid));
    if (paid == 0)
        return fail(x, ERROR_NOTHING_TO_PAY, "no entry could be paid anything now");
    writer_object_begin(result);
    writer_member_unsigned(result, "paid", paid);
    writer_object_end(result);
    return OK;
}

/* --- channel.reclaim -------------------------------------------------------------------------- */
const struct param reclaim_params[4] = {
    PARAM(struct reclaim, channel, HASH, REQUIRED, "the channel that gave the guarantee"),
    PARAM(struct reclaim, target, HASH, REQUIRED, "the channel that it was for"),
    PARAM(struct reclaim, entry, INTEGER, REQUIRED, "which entry of the outcome is the guarantee"),
    PARAM(struct reclaim, outcome, HASH, OPTIONAL, "refused unless what the first owes has this hash"),
};

enum status channel_reclaim(struct execution *x, const void *params, struct writer *result)
{
    static const struct hash none;
    const struct reclaim *p = params;
    struct arena arena CLEANUP(arena_close);
    struct channel_record source, target;
    struct allocation guarantee = { .kind = ALLOCATION_SIMPLE };
    struct hash owed = none;
    struct error error;
    struct asset asset;
    enum status status;

    (void)result;
    arena_init(&arena);
    TRY(record_need(x, &p->channel, &arena, &source));
    TRY(record_need(x, &p->target, &arena, &target));
    if (source.is_settled)
        channel_outcome_hash(&source.id, &source.outcome, &owed);
    status = payout_check(&source.outcome, source.is_settled, NULL, 0,
                          hash_equal(&p->outcome, &none) ? NULL : &p->outcome, &owed, &error);
    if (status == OK && p->entry < source.outcome.allocation_count)
        guarantee = source.outcome.allocations[p->entry];
    if (status == OK)
        status = payout_reclaim(&source.fixed, &source.outcome, (size_t)p->entry, &target.id, &target.fixed,
                                &target.state, target.is_settled, NULL, NULL, &error);
    if (status != OK)
        return refuse(x, status, &error);
    TRY(asset_find(x, &source.fixed.assets[guarantee.asset], &asset));
    TRY(event_channel_reclaimed(x, &(struct event_channel_reclaimed){
        .channel = source.id, .target = target.id, .asset = asset.symbol, .amount = guarantee.amount }));
    channel_changed(x, &source.id);
    return channel_pay(x, &source, NULL, 0, NULL);
}

/* --- channel.reveal --------------------------------------------------------------------------- */
const struct param reveal_params[1] = {
    PARAM(struct reveal, preimage, HASH, REQUIRED, "32 bytes whose SHA-256 locks something"),
};

enum status channel_reveal(struct execution *x, const void *params, struct writer *result)
{
    const struct reveal *p = params;
    uint8_t shown[2 * sizeof(struct hash)];
    struct hash hash;
    int64_t revealed_us;

    sha256(&hash, p->preimage.bytes, sizeof(p->preimage.bytes));
    writer_object_begin(result);
    writer_member_hex(result, "hash", hash.bytes, sizeof(hash.bytes));
    writer_object_end(result);
    if (record_preimage(execution_database(x), &hash, &revealed_us))
        return OK;
    record_preimage_insert(execution_database(x), &hash, &p->preimage, execution_time(x),
                           execution_next_seq(x));
    TRY(event_channel_revealed(
        x, &(struct event_channel_revealed){ .hash = hash, .preimage = p->preimage }));
    memcpy(shown, hash.bytes, sizeof(hash.bytes));
    memcpy(shown + sizeof(hash.bytes), p->preimage.bytes, sizeof(p->preimage.bytes));
    reaction_request(x, "payment.preimage", bytes_of(shown, sizeof(shown)));
    return channel_unlock(x, &hash);
}
