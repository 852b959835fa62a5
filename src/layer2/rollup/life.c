/* What becomes of a batch on the ledger: see life.h and rollup.h. */
#include "layer2/rollup/life.h"

#include <inttypes.h>
#include <string.h>

#include "crypto/hash.h"
#include "layer2/rollup/module.h"
#include "layer2/rollup/rows.h"
#include "layer2/rollup/rules.h"

#define REFUNDED_AT_ONCE 256u

void (*batch_before_void)(struct execution *x, const struct hash *id, const char *reason);

static struct bytes subject_of(const struct batch_row *row)
{
    return bytes_of(row->id.bytes, sizeof(row->id.bytes));
}

void batch_bond_account(struct account_id *account, const struct hash *batch)
{
    struct hash hash;

    tagged_hash(&hash, "layerd/rollup/bond", batch->bytes, sizeof(batch->bytes));
    memcpy(account->bytes, hash.bytes, sizeof(account->bytes));
}

static void need(struct execution *x, const struct hash *id, struct batch_row *row, struct rollup *rollup)
{
    INVARIANT(batch_find(execution_database(x), id, row), "no such batch");
    INVARIANT(rollup_find(execution_database(x), row->domain, rollup), "a batch without its rollup");
}

static void move(struct execution *x, struct batch_row *row, enum batch_event event)
{
    INVARIANT(batch_next(row->state, event, &row->state), "batch %" PRIu64 " of rollup %" PRIu64 " is %s",
              row->number, row->domain, batch_state_name(row->state));
    if (batch_is_over(row->state))
        row->ended_us = execution_chain_time(x);
    batch_update(execution_database(x), row);
}

/* What is held with the batch goes to its proposer: all of it, or nothing once somebody else has got it. */
static void return_bond(struct execution *x, const struct rollup *rollup, const struct batch_row *row)
{
    struct account_id account;
    enum status status;
    struct asset asset;
    uint64_t held;

    batch_bond_account(&account, &row->id);
    status = asset_find(x, &rollup->bond_asset, &asset);
    INVARIANT(status == OK, "the bond's asset is gone");
    held = balance_of(x, DOMAIN_BASE, &asset, &account);
    if (held == 0)
        return;
    status = balance_move(x, DOMAIN_BASE, &asset, &account, &row->proposer, held, NULL);
    INVARIANT(status == OK, "a bond that is held does not move");
}

/* --- accepted, final -------------------------------------------------------------------------- */
/* False: there is none, for the batch is the first one. */
static bool parent_state(struct database *database, const struct batch_row *row, enum batch_state *state)
{
    struct batch_row parent;

    if (row->number == 1)
        return false;
    INVARIANT(batch_find(database, &row->parent, &parent), "a batch without its parent");
    *state = parent.state;
    return true;
}

/* This one and those above it, as far as their time has come. */
static void accept_ready(struct execution *x, const struct rollup *rollup, struct batch_row row)
{
    struct database *database = execution_database(x);
    enum batch_state parent;
    bool has_parent = parent_state(database, &row, &parent);

    while (batch_may_accept(&row, has_parent ? &parent : NULL, execution_chain_time(x))) {
        row.accepted_us = execution_chain_time(x);
        move(x, &row, BATCH_EVENT_ACCEPT);
        deadline_set(x, CLOCK_CHAIN, row.accepted_us + rollup->game.air_gap_us, BATCH_AIR_GAP_DEADLINE,
                     subject_of(&row));
        event_rollup_accepted(x, &(struct event_rollup_accepted){
            .domain = row.domain, .number = row.number, .batch = row.id,
            .final_us = row.accepted_us + rollup->game.air_gap_us });
        has_parent = true;
        parent = row.state;
        if (!batch_find_number(database, row.domain, row.number + 1, &row))
            return;
    }
}

static void finalize_ready(struct execution *x, struct rollup *rollup, struct batch_row row)
{
    struct database *database = execution_database(x);
    enum batch_state parent;
    bool has_parent = parent_state(database, &row, &parent);

    while (batch_may_finalize(&row, has_parent ? &parent : NULL, rollup->game.air_gap_us,
                              execution_chain_time(x))) {
        move(x, &row, BATCH_EVENT_FINALIZE);
        rollup->final = row.number;
        rollup_update(database, rollup);
        return_bond(x, rollup, &row);
        inbox_done(x, row.domain, row.inbox_from, row.inbox_to);
        outbox_final(x, row.domain, &row.result.withdrawal_root, row.result.withdrawals);
        event_rollup_final(x, &(struct event_rollup_final){
            .domain = row.domain, .number = row.number, .batch = row.id, .root = row.result.root,
            .withdrawal_root = row.result.withdrawal_root, .withdrawals = row.result.withdrawals });
        has_parent = true;
        parent = row.state;
        if (!batch_find_number(database, row.domain, row.number + 1, &row))
            return;
    }
}

void batch_watch(struct execution *x, const struct batch_row *row)
{
    deadline_set(x, CLOCK_CHAIN, row->window_end_us, BATCH_WINDOW_DEADLINE, subject_of(row));
}

void batch_window_over(struct execution *x, struct bytes subject)
{
    struct rollup rollup;
    struct batch_row row;
    struct hash id;

    memcpy(id.bytes, subject.data, sizeof(id.bytes));
    need(x, &id, &row, &rollup);
    accept_ready(x, &rollup, row);
}

void batch_air_gap_over(struct execution *x, struct bytes subject)
{
    struct rollup rollup;
    struct batch_row row;
    struct hash id;

    memcpy(id.bytes, subject.data, sizeof(id.bytes));
    need(x, &id, &row, &rollup);
    finalize_ready(x, &rollup, row);
    rollup_follow(x, row.domain); /* what undoes a final batch is not needed any more */
}

/* --- challenged ------------------------------------------------------------------------------- */
enum status batch_open_to_challenge(struct execution *x, const struct hash *id, struct batch_row *row)
{
    struct batch_row found;
    char hex[2 * sizeof(id->bytes) + 1];

    hex_text(hex, id->bytes, sizeof(id->bytes));
    if (!batch_find(execution_database(x), id, &found))
        return fail(x, ERROR_BATCH_NOT_FOUND, "there is no batch %s", hex);
    if (!batch_may_challenge(&found, execution_chain_time(x)))
        return fail(x, ERROR_BATCH_NOT_OPEN, "the batch is %s, and its window ends at %" PRId64
                    " of chain time; it is %" PRId64, batch_state_name(found.state), found.window_end_us,
                    execution_chain_time(x));
    *row = found;
    return OK;
}

void batch_challenged(struct execution *x, const struct hash *id)
{
    struct rollup rollup;
    struct batch_row row;

    need(x, id, &row, &rollup);
    move(x, &row, BATCH_EVENT_CHALLENGE);
}

void batch_defended(struct execution *x, const struct hash *id)
{
    struct rollup rollup;
    struct batch_row row;

    need(x, id, &row, &rollup);
    move(x, &row, BATCH_EVENT_DEFEND);
    accept_ready(x, &rollup, row); /* its window may have ended meanwhile */
}

/* --- what ends by itself ---------------------------------------------------------------------- */
static void domain_deadline(struct execution *x, uint64_t domain, const char *kind, int64_t due_us)
{
    uint8_t subject[8];

    put_be64(subject, domain);
    deadline_set(x, CLOCK_CHAIN, due_us, kind, bytes_of(subject, sizeof(subject)));
}

void refund_inbox(struct execution *x, uint64_t domain)
{
    if (inbox_end(x, domain, REFUNDED_AT_ONCE))
        domain_deadline(x, domain, REFUND_DEADLINE, execution_chain_time(x) + 1);
}

void refund_more(struct execution *x, struct bytes subject)
{
    refund_inbox(x, get_be64(subject.data));
}

void jail_over(struct execution *x, struct bytes subject)
{
    rollup_follow(x, get_be64(subject.data));
}

int64_t escape_time(const struct rollup *rollup, const struct inbox_item *item)
{
    int64_t waited_us = item->queued_us + rollup->escape_us;

    return item->deadline_us > waited_us ? item->deadline_us : waited_us;
}

void inbox_watch(struct execution *x, const struct rollup *rollup)
{
    struct inbox_item oldest;

    if (inbox_oldest(execution_database(x), rollup->domain, &oldest))
        domain_deadline(x, rollup->domain, OVERDUE_DEADLINE, escape_time(rollup, &oldest));
}

/* What waited when the deadline was set may be in a batch by now, and others wait. */
void inbox_overdue(struct execution *x, struct bytes subject)
{
    struct inbox_item oldest;
    struct rollup rollup;

    INVARIANT(rollup_find(execution_database(x), get_be64(subject.data), &rollup), "no such rollup");
    if (rollup.frozen || !inbox_oldest(execution_database(x), rollup.domain, &oldest))
        return;
    if (execution_chain_time(x) < escape_time(&rollup, &oldest)) {
        domain_deadline(x, rollup.domain, OVERDUE_DEADLINE, escape_time(&rollup, &oldest));
        return;
    }
    event_rollup_overdue(x, &(struct event_rollup_overdue){
        .domain = rollup.domain, .number = oldest.number, .queued_us = oldest.queued_us });
}

/* --- taken back ------------------------------------------------------------------------------- */
size_t batch_descendants(struct execution *x, const struct hash *id, struct arena *arena, struct hash **ids)
{
    struct rollup rollup;
    struct batch_row row;
    size_t count;

    need(x, id, &row, &rollup);
    if (!batch_stands(row.state) || rollup.head <= row.number)
        return 0;
    count = rollup.head - row.number;
    *ids = arena_new(arena, count * sizeof(**ids));
    for (size_t i = 0; i < count; i++) {
        struct batch_row above;

        INVARIANT(batch_find_number(execution_database(x), row.domain, row.number + 1 + i, &above),
                  "rollup %" PRIu64 " has no batch %" PRIu64, row.domain, row.number + 1 + i);
        (*ids)[i] = above.id;
    }
    return count;
}

static void take_back(struct execution *x, const struct rollup *rollup, struct batch_row *row,
                      enum batch_event event)
{
    deadline_clear(x, BATCH_WINDOW_DEADLINE, subject_of(row));
    deadline_clear(x, BATCH_AIR_GAP_DEADLINE, subject_of(row));
    move(x, row, event);
    return_bond(x, rollup, row);
}

/* Batches `from` … head, the newest first; `first` is what happens to batch `from` itself. */
static void take_back_from(struct execution *x, struct rollup *rollup, uint64_t from,
                           enum batch_event first, enum batch_event rest)
{
    struct database *database = execution_database(x);
    struct event_rollup_rolled_back event = { .domain = rollup->domain, .from = rollup->head,
                                              .to = from - 1 };
    struct batch_row row;

    for (uint64_t number = rollup->head; number >= from; number--) {
        INVARIANT(batch_find_number(database, rollup->domain, number, &row),
                  "rollup %" PRIu64 " has no batch %" PRIu64, rollup->domain, number);
        if (number == rollup->head) {
            event.root_before = row.result.root;
            event.inbox_before = row.inbox_to;
        }
        if (batch_before_void != NULL && rest == BATCH_EVENT_VOID)
            batch_before_void(x, &row.id, "frozen");
        take_back(x, rollup, &row, number == from ? first : rest);
    }
    event.root_after = row.previous_root;
    event.inbox_after = row.inbox_from;
    inbox_return(x, rollup->domain, row.inbox_from, event.inbox_before,
                 execution_chain_time(x) + rollup->forced_us);
    inbox_watch(x, rollup);
    rollup->head = from - 1;
    rollup_update(database, rollup);
    event_rollup_rolled_back(x, &event);
    rollup_follow(x, rollup->domain);
}

void batch_reject(struct execution *x, const struct hash *id, const char *reason)
{
    struct rollup rollup;
    struct batch_row row;

    need(x, id, &row, &rollup);
    rollup.jailed_until_us = execution_chain_time(x) + rollup.jail_us;
    event_rollup_rejected(x, &(struct event_rollup_rejected){
        .domain = row.domain, .number = row.number, .batch = row.id, .proposer = row.proposer,
        .reason = reason, .jailed_until_us = rollup.jailed_until_us });
    domain_deadline(x, row.domain, JAIL_DEADLINE, rollup.jailed_until_us);
    take_back_from(x, &rollup, row.number, BATCH_EVENT_REJECT, BATCH_EVENT_REJECT_PARENT);
}

void batch_void(struct execution *x, const struct hash *id)
{
    struct rollup rollup;
    struct batch_row row;

    need(x, id, &row, &rollup);
    take_back_from(x, &rollup, row.number, BATCH_EVENT_VOID, BATCH_EVENT_REJECT_PARENT);
}

void batch_void_unfinal(struct execution *x, struct rollup *rollup)
{
    if (rollup->head > rollup->final)
        take_back_from(x, rollup, rollup->final + 1, BATCH_EVENT_VOID, BATCH_EVENT_VOID);
}
