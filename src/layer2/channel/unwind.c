/* Channels in channels on the ledger: see unwind.h. */
#include "layer2/channel/unwind.h"

#include <inttypes.h>
#include <string.h>

#include "base/writer.h"
#include "layer2/channel/challenge.h"
#include "layer2/channel/party.h"
#include "layer2/channel/payout.h"
#include "layer2/channel/settlement.h"
#include "layer2/channel/step.h"
#include "ledger/ledger.h"

#define KEY_MAX 128
#define OWED_SHOWN 12 /* bytes of the hash of what is owed, by which one thing to do differs from the next */

static void write_key(char key[KEY_MAX], const struct hash *channel, const char *what,
                      const struct hash *owed, uint64_t number)
{
    char shown[2 * OWED_SHOWN + 1];

    hex_text(shown, owed->bytes, OWED_SHOWN);
    hex_text(key, channel->bytes, sizeof(channel->bytes));
    snprintf(key + 64, KEY_MAX - 64, "/%s/%s/%" PRIu64, what, shown, number);
}

/* --- a settled channel: its guarantees -------------------------------------------------------- */
/* Whether the ledger would take the guarantee back now: the rule itself, on a copy, which a yes changes. */
static bool is_reclaimable(struct execution *x, const struct channel_record *source, size_t entry,
                           struct channel_state *copy)
{
    struct arena arena CLEANUP(arena_close);
    struct channel_record target;
    struct error error;

    arena_init(&arena);
    if (!record_read(execution_database(x), &copy->allocations[entry].target, &arena, &target) ||
        !target.is_settled)
        return false;
    return payout_reclaim(&source->fixed, copy, entry, &target.id, &target.fixed, &target.state, true, NULL,
                          NULL, &error) == OK;
}

static void submit_reclaim(struct execution *x, const struct channel_record *source, size_t entry)
{
    struct buffer json CLEANUP(buffer_close) = { 0 };
    const struct hash *target = &source->outcome.allocations[entry].target;
    char key[KEY_MAX];
    struct hash owed;
    struct writer w;

    channel_outcome_hash(&source->id, &source->outcome, &owed);
    writer_init(&w, &json);
    writer_object_begin(&w);
    writer_member_hex(&w, "channel", source->id.bytes, sizeof(source->id.bytes));
    writer_member_hex(&w, "target", target->bytes, sizeof(target->bytes));
    writer_member_unsigned(&w, "entry", entry);
    writer_member_hex(&w, "outcome", owed.bytes, sizeof(owed.bytes));
    writer_object_end(&w);
    write_key(key, &source->id, "reclaim", &owed, entry);
    party_submit(x, key, "channel.reclaim", buffer_bytes(&json));
}

/* One guarantee at a time: entries move up as others leave, and each reclaim brings the watch back here. */
static void reclaim(struct execution *x, const struct channel_record *source)
{
    size_t count = source->outcome.allocation_count;
    struct allocation *copies AUTO_FREE = memory_array(count + 1, sizeof(*copies));
    struct channel_state copy = source->outcome;

    memcpy(copies, source->outcome.allocations, count * sizeof(*copies));
    copy.allocations = copies;
    for (size_t i = 0; i < count; i++) {
        if (copies[i].kind == ALLOCATION_GUARANTEE && is_reclaimable(x, source, i, &copy)) {
            submit_reclaim(x, source, i);
            return;
        }
    }
}

static bool is_settled(struct execution *x, const struct hash *id)
{
    struct arena arena CLEANUP(arena_close);
    struct channel_record record;

    arena_init(&arena);
    return record_read(execution_database(x), id, &arena, &record) && record.is_settled;
}

/* What its guarantees wait for is to end too. */
static void wake_guaranteed(struct execution *x, const struct channel_record *source)
{
    for (size_t i = 0; i < source->outcome.allocation_count; i++) {
        const struct allocation *a = &source->outcome.allocations[i];

        if (a->kind == ALLOCATION_GUARANTEE && !is_settled(x, &a->target))
            channel_changed(x, &a->target);
    }
}

/* --- a settled channel: what has reached it --------------------------------------------------- */
static bool is_payable(struct execution *x, const struct channel_record *record, const struct allocation *a)
{
    int64_t revealed_us;

    switch (a->kind) {
    case ALLOCATION_SIMPLE: return account_is_payable(x, &a->account);
    case ALLOCATION_CHANNEL: return !hash_equal(&a->target, &record->id);
    case ALLOCATION_GUARANTEE: return false;
    case ALLOCATION_HASHLOCK:
        return execution_time(x) >= a->expiry_us ||
               record_preimage(execution_database(x), &a->hash, &revealed_us);
    }
    return false;
}

/* Money that came after the end, as from a parent that ended later. */
static bool can_pay(struct execution *x, const struct channel_record *record, uint64_t *held)
{
    const struct channel_state *owed = &record->outcome;
    uint64_t *shares AUTO_FREE = memory_array(owed->allocation_count + 1, sizeof(*shares));
    uint64_t holdings[CHANNEL_ASSETS_MAX];

    if (holdings_read(x, record, holdings) != OK)
        return false;
    *held = 0;
    for (unsigned asset = 0; asset < record->fixed.asset_count; asset++) {
        payout_shares(owed, asset, holdings[asset], shares);
        *held += holdings[asset];
    }
    for (size_t i = 0; i < owed->allocation_count; i++) {
        if (shares[i] > 0 && is_payable(x, record, &owed->allocations[i]))
            return true;
    }
    return false;
}

static void transfer(struct execution *x, const struct channel_record *record)
{
    struct buffer json CLEANUP(buffer_close) = { 0 };
    char key[KEY_MAX];
    uint64_t held = 0;
    struct hash owed;
    struct writer w;

    if (!can_pay(x, record, &held))
        return;
    channel_outcome_hash(&record->id, &record->outcome, &owed);
    writer_init(&w, &json);
    writer_object_begin(&w);
    writer_member_hex(&w, "channel", record->id.bytes, sizeof(record->id.bytes));
    writer_object_end(&w);
    write_key(key, &record->id, "transfer", &owed, held);
    party_submit(x, key, "channel.transfer", buffer_bytes(&json));
}

/* --- a child whose parent has ended ----------------------------------------------------------- */
static bool has_guarantee_for(const struct channel_record *source, const struct hash *target)
{
    for (size_t i = 0; i < source->outcome.allocation_count; i++) {
        if (source->outcome.allocations[i].kind == ALLOCATION_GUARANTEE &&
            hash_equal(&source->outcome.allocations[i].target, target))
            return true;
    }
    return false;
}

/* Whether a settled parent waits for the child's end, which only the ledger gives now. A child that has ended
 * lets its parents take their guarantees back. */
static bool is_awaited(struct execution *x, const struct local_channel *c)
{
    bool awaited = false;

    for (size_t i = 0; i < c->parent_count; i++) {
        struct arena arena CLEANUP(arena_close);
        struct channel_record parent;

        arena_init(&arena);
        if (!record_read(execution_database(x), &c->parents[i], &arena, &parent) || !parent.is_settled ||
            !has_guarantee_for(&parent, &c->id))
            continue;
        awaited = true;
        reclaim(x, &parent);
    }
    return awaited;
}

static bool has_money(struct execution *x, const struct local_channel *c)
{
    struct channel_record record = { .id = c->id, .fixed = c->fixed };
    uint64_t holdings[CHANNEL_ASSETS_MAX];

    channel_holding(&c->id, &record.holding);
    if (holdings_read(x, &record, holdings) != OK)
        return false;
    for (unsigned asset = 0; asset < c->fixed.asset_count; asset++) {
        if (holdings[asset] > 0)
            return true;
    }
    return false;
}

/* Not in a pause, in which nothing is signed: its end brings the watch back here. Also a channel that was
 * given up: a state that one of its parents rejected may have been brought after all. */
static bool may_be_challenged(const struct local_channel *c)
{
    enum channel_phase next;

    return c->has_supported && c->challenging == 0 && c->phase != PHASE_SUSPENDED &&
           c->phase != PHASE_DISPUTE &&
           (c->phase == PHASE_REJECTED || life_next(c->phase, c->phase_before, LIFE_CHALLENGED, &next));
}

/* By its final state, or else by a challenge of a key of ours with the newest one. */
static bool end(struct execution *x, struct local_channel *c, const struct channel_record *record,
                bool may_challenge)
{
    if (c->has_supported && c->supported.state.final &&
        c->supported.signed_by == application_everyone(&c->fixed))
        return true;
    if (!may_challenge || record->a.finalizes_at_us != NEVER_US || !may_be_challenged(c))
        return false;
    for (size_t i = 0; i < c->fixed.participant_count; i++) {
        if (step_is_ours(x, &c->fixed.participants[i])) {
            challenge_bring(x, c, &c->fixed.participants[i]);
            break;
        }
    }
    return false;
}

bool unwind_follow(struct execution *x, struct local_channel *c, const struct channel_record *record,
                   bool may_challenge)
{
    bool awaited = is_awaited(x, c);

    if (record == NULL) {
        if (awaited || (c->parent_count > 0 && has_money(x, c)))
            party_register(x, c);
    } else if (!record->is_settled) {
        return awaited && end(x, c, record, may_challenge);
    } else {
        wake_guaranteed(x, record);
        reclaim(x, record);
        transfer(x, record);
    }
    return false;
}
