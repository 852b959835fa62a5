/* Batches made of what waits, and proposed by the node's own account: see lane.h. A batch is executed before
 * it is proposed, so that nothing is claimed that this node has not seen itself. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "layer2/rollup/attest.h"
#include "layer2/rollup/committee.h"
#include "layer2/rollup/data.h"
#include "layer2/rollup/lane.h"
#include "layer2/rollup/mempool.h"
#include "layer2/rollup/propose.h"
#include "layer2/rollup/rows.h"

#define LOG_ROOM "rollup"
#define TRANSACTION_USUAL 76 /* bytes of a transfer, about */

/* A batch in the making. */
struct draft {
    struct lane *lane;
    struct rollup rollup;
    struct sequencer_policy policy;
    struct batch_place place;
    struct arena arena;
    uint64_t inbox_to;
    struct pending *taken; /* of the mempool, in their order */
    size_t count;
    struct pending *dropped; /* cannot be executed: `fault` says why */
    size_t dropped_count;
    struct buffer data;
    struct buffer packed;  /* the same as it is published, or as a committee vouches for it */
    struct batch batch;
    bool *verified;        /* [item] */
    bool inbox_only;       /* without transactions, and so without a committee */
    bool is_sealed;        /* it waits for a committee, or did: */
    struct sealed sealed;
    struct attestation attestations[COMMITTEE_MAX];
    unsigned attested;
    struct error error;
};

/* --- whether it is time ----------------------------------------------------------------------- */
static bool may_sequence(struct draft *d)
{
    struct database *database = d->lane->reader;
    struct account_id own = kernel_account(d->lane->kernel);

    if (!rollup_find(database, d->lane->domain, &d->rollup) || d->rollup.frozen ||
        !account_equal(&own, &d->rollup.operator_) || d->rollup.head != d->lane->at.number)
        return false;
    d->policy = sequencer_policy(database, kernel_network(d->lane->kernel), d->lane->domain);
    if (!d->policy.enabled || newest_chain_time(database) < d->rollup.jailed_until_us)
        return false;
    batch_place_next(database, &d->rollup, &d->place);
    return d->place.number == 1 || hash_equal(&d->place.parent, &d->lane->at.batch);
}

static uint64_t inbox_reach(const struct draft *d)
{
    uint64_t inbox = inbox_count(d->lane->reader, d->lane->domain) - d->place.inbox_from;

    return d->place.inbox_from + (inbox < BATCH_ITEMS_MAX ? inbox : BATCH_ITEMS_MAX);
}

static bool is_time(struct draft *d)
{
    struct lane *lane = d->lane;
    struct pending_sums waiting = pending_sums(lane->reader, lane->domain);
    uint64_t inbox = inbox_count(lane->reader, lane->domain) - d->place.inbox_from;
    int64_t now_us = kernel_now(lane->kernel);

    atomic_store(&lane->waiting, waiting.count);
    if (inbox == 0)
        lane->inbox_since_us = 0;
    else if (lane->inbox_since_us == 0)
        lane->inbox_since_us = now_us;
    d->inbox_to = inbox_reach(d);
    if (waiting.count >= d->policy.batch_items ||
        waiting.count * TRANSACTION_USUAL >= d->policy.batch_bytes)
        return true;
    if (waiting.count > 0 && now_us - waiting.oldest_us >= d->policy.batch_us)
        return true;
    return inbox > 0 && now_us - lane->inbox_since_us >= d->policy.batch_us;
}

/* --- what goes in ----------------------------------------------------------------------------- */
static void take_pending(struct draft *d)
{
    size_t room = BATCH_ITEMS_MAX - (size_t)(d->inbox_to - d->place.inbox_from);
    size_t most = d->policy.batch_items < room ? (size_t)d->policy.batch_items : room;

    if (d->inbox_only)
        most = 0;
    d->taken = arena_new(&d->arena, (most + 1) * sizeof(*d->taken));
    d->dropped = arena_new(&d->arena, (most + 1) * sizeof(*d->dropped));
    d->count = pending_list(d->lane->reader, d->lane->domain, 0, most, (size_t)d->policy.batch_bytes,
                            &d->arena, d->taken);
}

/* The signature was verified with the key that its account had then. */
static bool is_verified(const struct draft *d, const struct pending *p)
{
    const struct rollup_account *account = rollup_state_account(d->lane->state, p->sender);

    return account != NULL && account_equal(&account->key, &p->key);
}

static enum status assemble(struct draft *d)
{
    uint64_t inbox;

    buffer_clear(&d->data);
    for (size_t i = 0; i < d->count; i++)
        buffer_append(&d->data, d->taken[i].body.data, d->taken[i].body.size);
    TRY(batch_assemble(d->lane->reader, &d->rollup, &d->place, d->inbox_to, buffer_bytes(&d->data), &d->arena,
                       &d->batch, &d->error));
    d->verified = arena_new(&d->arena, (size_t)(d->batch.machine.items + 1) * sizeof(*d->verified));
    inbox = d->batch.machine.inbox_items;
    for (size_t i = 0; i < d->count; i++)
        d->verified[inbox + i] = is_verified(d, &d->taken[i]);
    return OK;
}

static void drop(struct draft *d, size_t index, enum item_fault fault)
{
    d->dropped[d->dropped_count] = d->taken[index];
    d->dropped[d->dropped_count++].fault = fault;
}

/* One run of the batch's items, executed and kept. */
static enum status run_part(struct draft *d, uint64_t first, uint64_t count, struct batch_effects *effects,
                            enum item_fault *fault)
{
    bool is_inbox = count > 0 && first < d->batch.machine.inbox_items;
    struct batch part = d->batch;
    uint64_t invalid;

    part.items += first;
    part.machine.items = count;
    part.machine.inbox_items = is_inbox ? count : 0;
    part.machine.inbox_from = is_inbox ? d->place.inbox_from : d->inbox_to;
    return rollup_execute(d->lane->state, &part, d->verified + first, NULL, effects, &invalid, fault,
                          &d->error);
}

/* Something in it cannot be executed: each is tried behind those before it, and what fails is left out. */
static enum status sift(struct draft *d)
{
    uint64_t inbox = d->batch.machine.inbox_items;
    struct batch_effects *effects = memory_array(d->count + 1, sizeof(*effects));
    size_t done = 0, kept = 0;
    enum status status = OK;
    enum item_fault fault;

    if (inbox > 0) {
        status = run_part(d, 0, inbox, &effects[done], &fault);
        done += status == OK;
    }
    for (size_t i = 0; status == OK && i < d->count; i++) {
        status = run_part(d, inbox + i, 1, &effects[done], &fault);
        if (status == OK) {
            done++;
            d->taken[kept++] = d->taken[i];
        } else if (status == ERROR_INVALID_BATCH) {
            drop(d, i, fault);
            status = OK;
        }
    }
    while (done > 0) {
        done--;
        rollup_revert(d->lane->state, effects[done].changes, effects[done].change_count);
        batch_effects_close(&effects[done]);
    }
    free(effects);
    d->count = kept;
    return status;
}

static enum status run_all(struct draft *d, struct prepared *p)
{
    enum item_fault fault;
    uint64_t invalid;

    return rollup_execute(d->lane->state, &d->batch, d->verified, &p->result, &p->effects, &invalid, &fault,
                          &d->error);
}

static enum status execute(struct draft *d, struct prepared *p)
{
    enum status status;

    take_pending(d);
    TRY(assemble(d));
    if (d->batch.machine.items == 0)
        return OK;
    status = run_all(d, p);
    if (status != ERROR_INVALID_BATCH)
        return status;
    TRY(sift(d));
    TRY(assemble(d));
    return d->batch.machine.items == 0 ? OK : run_all(d, p);
}

/* --- what cannot be executed ------------------------------------------------------------------ */
static void write_dropped(void *context, struct execution *x)
{
    const struct draft *d = context;

    for (size_t i = 0; i < d->dropped_count; i++) {
        pending_drop(execution_database(x), &d->dropped[i].id, d->dropped[i].fault);
        event_rollup_dropped(x, &(struct event_rollup_dropped){
            .domain = d->lane->domain, .transaction = d->dropped[i].id,
            .fault = item_fault_name(d->dropped[i].fault) });
    }
}

/* --- proposing -------------------------------------------------------------------------------- */
struct stalled {
    uint64_t domain;
    const char *reason;
};

static void write_stalled(void *context, struct execution *x)
{
    const struct stalled *s = context;

    if (lane_set_stalled(execution_database(x), s->domain, s->reason) && s->reason[0] != '\0')
        event_rollup_stalled(x, &(struct event_rollup_stalled){ .domain = s->domain, .reason = s->reason });
}

static void tell_stalled(struct lane *lane, const char *reason)
{
    struct stalled stalled = { lane->domain, reason };

    if (lane_is_stalled(lane->reader, lane->domain, reason) || kernel_stopping(lane->kernel))
        return;
    if (reason[0] != '\0')
        log_warn("rollup %" PRIu64 " cannot propose: %s", lane->domain, reason);
    lane_commit(lane, write_stalled, &stalled); /* or the next time */
}

static json_t *text_of(const void *data, size_t size)
{
    struct buffer hex CLEANUP(buffer_close) = { 0 };

    buffer_append_hex(&hex, data, size);
    return json_string(buffer_text(&hex));
}

static json_t *hash_text(const struct hash *hash)
{
    return text_of(hash->bytes, sizeof(hash->bytes));
}

/* In place of the data: what a committee vouches for. */
static void add_attestations(const struct draft *d, json_t *params)
{
    json_t *list = json_array();

    for (unsigned i = 0; i < d->attested && i < d->rollup.committee_threshold; i++) {
        const struct attestation *a = &d->attestations[i];
        json_t *one = json_object();

        json_object_set_new(one, "member", text_of(a->member.bytes, sizeof(a->member.bytes)));
        json_object_set_new(one, "signature", text_of(a->signature.bytes, sizeof(a->signature.bytes)));
        json_array_append_new(list, one);
    }
    json_object_set_new(params, "data_hash", hash_text(&d->sealed.data_hash));
    json_object_set_new(params, "data_size", json_integer((json_int_t)d->sealed.data_size));
    json_object_set_new(params, "items_root", hash_text(&d->sealed.items_root));
    json_object_set_new(params, "transactions", json_integer((json_int_t)d->sealed.transactions));
    json_object_set_new(params, "attestations", list);
}

static enum status propose(struct draft *d, struct prepared *p)
{
    const struct hash *parent = &d->place.parent;
    json_t *params AUTO_JSON = json_object();

    p->bytes = d->packed.size;
    json_object_set_new(params, "domain", json_integer((json_int_t)d->lane->domain));
    json_object_set_new(params, "number", json_integer((json_int_t)d->place.number));
    if (d->place.number > 1)
        json_object_set_new(params, "parent", text_of(parent->bytes, sizeof(parent->bytes)));
    json_object_set_new(params, "root", text_of(p->result.root.bytes, sizeof(p->result.root.bytes)));
    json_object_set_new(params, "withdrawal_root", text_of(p->result.withdrawal_root.bytes,
                                                           sizeof(p->result.withdrawal_root.bytes)));
    json_object_set_new(params, "withdrawals", json_integer((json_int_t)p->result.withdrawals));
    json_object_set_new(params, "inbox_to", json_integer((json_int_t)d->inbox_to));
    if (d->is_sealed)
        add_attestations(d, params);
    else if (d->packed.size > 0)
        json_object_set_new(params, "data", text_of(d->packed.data, d->packed.size));
    return kernel_submit_own(d->lane->kernel, "rollup.propose", params, NULL, &d->error);
}

/* --- a committee ------------------------------------------------------------------------------ */
static void write_sealed(void *context, struct execution *x)
{
    const struct draft *d = context;

    sealed_delete(execution_database(x), d->lane->domain);
    (void)!held_write(execution_database(x), &d->sealed.data_hash, buffer_bytes(&d->packed),
                      execution_time(x));
    sealed_write(execution_database(x), d->lane->domain, &d->sealed);
}

static void write_unsealed(void *context, struct execution *x)
{
    const struct draft *d = context;

    sealed_delete(execution_database(x), d->lane->domain);
}

static void write_announced(void *context, struct execution *x)
{
    const struct draft *d = context;
    struct sealed sealed = d->sealed;

    sealed.announced = true;
    sealed_write(execution_database(x), d->lane->domain, &sealed);
    event_rollup_attestation_wanted(x, &(struct event_rollup_attestation_wanted){
        .domain = d->lane->domain, .number = sealed.number, .parent = sealed.parent,
        .inbox_to = sealed.inbox_to, .items_root = sealed.items_root, .data_hash = sealed.data_hash,
        .data_size = sealed.data_size, .message = sealed.message, .have = d->attested,
        .threshold = d->rollup.committee_threshold });
}

/* The data is kept before anybody vouches for it, and nothing goes into the batch any more. */
static bool seal(struct draft *d, const struct hash *items_root)
{
    struct hash context;

    d->sealed = (struct sealed){ .number = d->place.number, .parent = d->place.parent,
                                 .inbox_to = d->inbox_to, .items_root = *items_root,
                                 .transactions = d->count, .data_size = d->packed.size };
    data_hash(&d->sealed.data_hash, buffer_bytes(&d->packed));
    batch_context(&d->batch, items_root, &context);
    attestation_message(&d->sealed.message, kernel_chain(d->lane->kernel), &d->rollup, &context,
                        &d->place.parent, &d->sealed.data_hash, d->sealed.data_size);
    d->is_sealed = true;
    return lane_commit(d->lane, write_sealed, d);
}

static bool has_attested(const struct draft *d, const struct account_id *member)
{
    for (unsigned i = 0; i < d->attested; i++) {
        if (account_equal(&d->attestations[i].member, member))
            return true;
    }
    return false;
}

/* What members elsewhere signed, and what keys of this node can sign. True: enough; otherwise it is told what
 * is wanted, once. */
static bool gather(struct draft *d)
{
    struct account_id members[COMMITTEE_MAX];
    unsigned count = committee_list(d->lane->reader, d->lane->domain, members);

    d->attested = attested_list(d->lane->reader, &d->sealed.message, d->attestations);
    for (unsigned i = 0; i < count && d->attested < d->rollup.committee_threshold; i++) {
        struct attestation *next = &d->attestations[d->attested];

        next->member = members[i];
        d->attested += !has_attested(d, &members[i]) &&
                       attestation_sign(d->lane->kernel, &members[i], &d->sealed.message, &next->signature);
    }
    if (d->attested >= d->rollup.committee_threshold)
        return true;
    if (!d->sealed.announced)
        lane_commit(d->lane, write_announced, d); /* or the next time */
    return false;
}

/* What was executed, to the committee if there is one, and to the ledger. */
static bool offer(struct draft *d)
{
    struct prepared *p = &d->lane->prepared;
    enum status status;

    data_deflate(buffer_bytes(&d->data), &d->packed);
    if (d->rollup.availability == AVAILABILITY_COMMITTEE && d->packed.size > 0) {
        if (!d->is_sealed && !(seal(d, &p->items_root) && gather(d)))
            return false;
    }
    status = propose(d, p);
    if ((status == ERROR_OVERDUE_OMITTED || status == ERROR_EXITS_OMITTED) && d->is_sealed)
        lane_commit(d->lane, write_unsealed, d); /* another one, with what is overdue, or left */
    tell_stalled(d->lane, status == OK ? "" : d->error.message);
    return status == OK;
}

static bool make_batch(struct draft *d)
{
    struct prepared p = { .number = d->place.number };
    enum status status = execute(d, &p);
    bool done;

    if (lane_read_failed(d->lane))
        status = error_set(&d->error, ERROR_STORAGE, "the mempool could not be read");
    if (status != OK || d->batch.machine.items == 0) {
        if (status != OK)
            tell_stalled(d->lane, d->error.message);
        if (d->dropped_count > 0)
            lane_commit(d->lane, write_dropped, d);
        return false;
    }
    p.is_there = true;
    p.transactions = d->count;
    batch_items_root(&d->batch, &p.items_root);
    d->lane->prepared = p;
    if (d->dropped_count > 0 && !lane_commit(d->lane, write_dropped, d))
        return false;
    done = offer(d);
    atomic_store(&d->lane->waiting, pending_sums(d->lane->reader, d->lane->domain).count);
    return done;
}

/* --- a batch that waits for its committee ------------------------------------------------------ */
static bool find_sealed(struct draft *d)
{
    d->is_sealed = d->rollup.availability == AVAILABILITY_COMMITTEE &&
                   sealed_read(d->lane->reader, d->lane->domain, &d->sealed) &&
                   d->sealed.number == d->place.number && hash_equal(&d->sealed.parent, &d->place.parent);
    return d->is_sealed;
}

/* A committee that does not answer must not keep the inbox from being served. */
static bool inbox_presses(const struct draft *d)
{
    int64_t soon_us = newest_chain_time(d->lane->reader) + d->rollup.forced_us / 2;

    return inbox_overdue_end(d->lane->reader, d->lane->domain, d->place.inbox_from, soon_us) >
           d->place.inbox_from;
}

/* Inbox items end when a rollup is frozen, and are others in a batch from then on; nor counts then what was
 * signed before. */
static enum status open_sealed(struct draft *d)
{
    struct buffer packed CLEANUP(buffer_close) = { 0 };
    struct hash items_root, context, message;

    if (!held_read(d->lane->reader, &d->sealed.data_hash, &packed))
        return error_set(&d->error, ERROR_DATA_NOT_HELD, "the data of a sealed batch is gone");
    TRY(data_inflate(buffer_bytes(&packed), &d->data, &d->error));
    d->inbox_to = d->sealed.inbox_to;
    TRY(batch_assemble(d->lane->reader, &d->rollup, &d->place, d->inbox_to, buffer_bytes(&d->data), &d->arena,
                       &d->batch, &d->error));
    batch_items_root(&d->batch, &items_root);
    batch_context(&d->batch, &items_root, &context);
    attestation_message(&message, kernel_chain(d->lane->kernel), &d->rollup, &context, &d->place.parent,
                        &d->sealed.data_hash, d->sealed.data_size);
    return hash_equal(&message, &d->sealed.message)
               ? OK : error_set(&d->error, ERROR_WRONG_DATA, "a sealed batch has other items now");
}

static bool make_anew(struct draft *d)
{
    if (!lane_read_failed(d->lane))
        lane_commit(d->lane, write_unsealed, d);
    return false;
}

static bool resume(struct draft *d)
{
    struct prepared p = { .number = d->place.number, .transactions = d->sealed.transactions,
                          .items_root = d->sealed.items_root };

    if (open_sealed(d) != OK)
        return make_anew(d);
    if (!gather(d)) {
        d->is_sealed = false;
        d->inbox_only = true;
        d->inbox_to = inbox_reach(d);
        return inbox_presses(d) && make_batch(d);
    }
    if (run_all(d, &p) != OK)
        return make_anew(d);
    p.is_there = true;
    d->lane->prepared = p;
    return !lane_read_failed(d->lane) && offer(d);
}

/* All that waited in the inbox when it was put together. */
static bool takes_all(const struct draft *d)
{
    if (d->is_sealed)
        return d->inbox_to == inbox_count(d->lane->reader, d->lane->domain);
    return d->inbox_to - d->place.inbox_from < BATCH_ITEMS_MAX;
}

bool lane_sequence(struct lane *lane)
{
    struct draft d = { .lane = lane };
    bool made;

    lane_discard_prepared(lane); /* it did not become a batch */
    arena_init(&d.arena);
    buffer_init(&d.data);
    buffer_init(&d.packed);
    made = may_sequence(&d);
    if (made && find_sealed(&d))
        made = !lane_read_failed(lane) && resume(&d);
    else
        made = made && is_time(&d) && !lane_read_failed(lane) && make_batch(&d);
    if (!made)
        lane_discard_prepared(lane);
    else if (takes_all(&d))
        lane->inbox_since_us = 0; /* what comes next waits from then on, also when it comes at once */
    arena_close(&d.arena);
    buffer_close(&d.data);
    buffer_close(&d.packed);
    return made;
}
