/* rollup.propose: see propose.h. What can be seen without executing is refused here, by name; what the batch
 * leads to is claimed, and for others to challenge. */
#include "layer2/rollup/propose.h"

#include <inttypes.h>
#include <string.h>

#include "crypto/hash.h"
#include "layer2/rollup/committee.h"
#include "layer2/rollup/data.h"
#include "layer2/rollup/life.h"
#include "layer2/rollup/module.h"
#include "layer2/rollup/rows.h"
#include "layer2/rollup/rules.h"

const struct param rollup_propose_params[PROPOSE_PARAMS] = {
    PARAM(struct propose, domain, INTEGER, REQUIRED, "the rollup's number"),
    PARAM(struct propose, number, INTEGER, REQUIRED, "the batch's: one more than the newest one's"),
    PARAM(struct propose, parent, HASH, OPTIONAL, "the newest batch's id; none for the first batch"),
    PARAM(struct propose, root, HASH, REQUIRED, "of the state that it leads to"),
    PARAM(struct propose, withdrawal_root, HASH, REQUIRED, "of all withdrawals so far"),
    PARAM(struct propose, withdrawals, INTEGER, REQUIRED, "how many these are"),
    PARAM(struct propose, inbox_to, INTEGER, REQUIRED, "the first inbox item that it does not take in"),
    PARAM(struct propose, data, BYTES, OPTIONAL,
          "its transactions one after the other, as a zlib stream; none without transactions",
          .most = BATCH_PUBLISHED_MAX),
    PARAM(struct propose, data_hash, HASH, OPTIONAL,
          "of data that a committee holds: tagged hash layerd/rollup/data of the zlib stream"),
    PARAM(struct propose, data_size, INTEGER, OPTIONAL, "of that, in bytes", .fallback = 0),
    PARAM(struct propose, items_root, HASH, OPTIONAL, "of all items, when a committee holds the data"),
    PARAM(struct propose, transactions, INTEGER, OPTIONAL, "how many there are in that data", .fallback = 0),
    PARAM(struct propose, attestations, LIST, OPTIONAL, "members who vouch for it, and their signatures",
          .items = attested_params, .item_params = ATTESTED_PARAMS, .item_size = sizeof(struct attested),
          .most = COMMITTEE_MAX),
};

enum status check_batch(const struct check *check, void *params, struct arena *arena, struct error *error)
{
    struct buffer unpacked CLEANUP(buffer_close) = { 0 };
    struct propose *p = params;
    uint8_t *copy;

    (void)check;
    TRY(data_inflate(p->data, &unpacked, error));
    if (unpacked.size == 0)
        return OK;
    copy = arena_new(arena, unpacked.size);
    memcpy(copy, unpacked.data, unpacked.size);
    p->unpacked = bytes_of(copy, unpacked.size);
    return OK;
}

void batch_place_next(struct database *database, const struct rollup *rollup, struct batch_place *place)
{
    struct batch_row head;

    *place = (struct batch_place){ .number = rollup->head + 1, .previous_root = rollup->genesis_root };
    if (rollup->head == 0)
        return;
    INVARIANT(batch_find_number(database, rollup->domain, rollup->head, &head),
              "rollup %" PRIu64 " has no batch %" PRIu64, rollup->domain, rollup->head);
    place->parent = head.id;
    place->previous_root = head.result.root;
    place->inbox_from = head.inbox_to;
    place->withdrawals = head.result.withdrawals;
}

bool batch_takes_inbox(struct database *database, const struct rollup *rollup)
{
    struct batch_place place;

    batch_place_next(database, rollup, &place);
    return place.inbox_from < inbox_count(database, rollup->domain);
}

/* --- putting together ------------------------------------------------------------------------- */
static enum status take_inbox(struct database *database, const struct rollup *rollup, uint64_t from,
                              uint64_t to, struct arena *arena, struct bytes *items, struct error *error)
{
    struct buffer ended CLEANUP(buffer_close) = { 0 };

    for (uint64_t number = from; number < to; number++) {
        struct inbox_item item;
        uint8_t *copy;

        if (!inbox_read(database, rollup->domain, number, &item))
            return error_set(error, ERROR_WRONG_INBOX_RANGE, "the inbox has no item %" PRIu64, number);
        buffer_clear(&ended);
        if (inbox_has_ended(&item)) {
            inbox_forced_encode(number, bytes_of(NULL, 0), &ended);
            item.payload = buffer_bytes(&ended);
        }
        copy = arena_new(arena, item.payload.size);
        memcpy(copy, item.payload.data, item.payload.size);
        items[number - from] = bytes_of(copy, item.payload.size);
    }
    return OK;
}

enum status batch_assemble(struct database *database, const struct rollup *rollup,
                           const struct batch_place *place, uint64_t to, struct bytes data,
                           struct arena *arena, struct batch *batch, struct error *error)
{
    uint64_t inbox = to - place->inbox_from;
    struct bytes *items;
    size_t count = 0;

    if (to < place->inbox_from || inbox > BATCH_ITEMS_MAX)
        return error_set(error, ERROR_WRONG_INBOX_RANGE,
                         "the batch reaches to inbox item %" PRIu64 ", from %" PRIu64 " and at most %u on",
                         to,
                         place->inbox_from, BATCH_ITEMS_MAX);
    items = arena_new(arena, (inbox + BATCH_ITEMS_MAX) * sizeof(*items));
    TRY(take_inbox(database, rollup, place->inbox_from, to, arena, items, error));
    if (data.size > 0)
        TRY(batch_split(data, &rollup->id, rollup->assets, items + inbox, &count, error));
    if (inbox + count > BATCH_ITEMS_MAX)
        return error_set(error, ERROR_LIMIT, "the batch has %" PRIu64 " items; at most are %u",
                         inbox + count, BATCH_ITEMS_MAX);
    *batch = (struct batch){ .machine = { .rollup = rollup->id, .assets = rollup->assets,
                                          .items = inbox + count, .inbox_items = inbox,
                                          .inbox_from = place->inbox_from },
                             .number = place->number, .previous_root = place->previous_root,
                             .items = items };
    return OK;
}

enum status batch_unpack(struct database *database, const struct rollup *rollup, const struct batch_row *row,
                         struct bytes packed, struct arena *arena, struct batch *batch, struct error *error)
{
    const struct batch_place place = { .number = row->number, .parent = row->parent,
                                       .previous_root = row->previous_root, .inbox_from = row->inbox_from };
    struct buffer unpacked CLEANUP(buffer_close) = { 0 };
    uint8_t *copy;

    TRY(data_inflate(packed, &unpacked, error));
    copy = arena_new(arena, unpacked.size + 1);
    if (unpacked.size > 0)
        memcpy(copy, unpacked.data, unpacked.size);
    return batch_assemble(database, rollup, &place, row->inbox_to, bytes_of(copy, unpacked.size), arena,
                          batch, error);
}

enum status batch_restore(struct database *database, const struct rollup *rollup, const struct batch_row *row,
                          struct bytes packed, struct arena *arena, struct batch *batch, struct error *error)
{
    struct batch restored;
    struct hash items_root;

    TRY(batch_unpack(database, rollup, row, packed, arena, &restored, error));
    batch_items_root(&restored, &items_root);
    if (packed.size != row->data_size || restored.machine.items != row->items ||
        !hash_equal(&items_root, &row->items_root))
        return error_set(error, ERROR_WRONG_DATA,
                         "batch %" PRIu64 " tells of %" PRIu64 " items in %" PRIu64 " bytes, and its data"
                         " makes others of them", row->number, row->items, row->data_size);
    *batch = restored;
    return OK;
}

enum status batch_load(struct database *database, const struct rollup *rollup, const struct batch_row *row,
                       struct arena *arena, struct batch *batch, struct error *error)
{
    struct buffer published CLEANUP(buffer_close) = { 0 };

    if (row->data_state != DATA_PUBLISHED || !batch_data(database, &row->id, &published))
        return error_set(error, ERROR_DATA_NOT_PUBLISHED,
                         "the data of batch %" PRIu64 " of rollup %" PRIu64 " is not on the ledger",
                         row->number, row->domain);
    return batch_unpack(database, rollup, row, buffer_bytes(&published), arena, batch, error);
}

/* --- the command ------------------------------------------------------------------------------ */
static enum status may_propose(struct execution *x, const struct propose *p, const struct rollup *rollup,
                               const struct batch_place *place)
{
    struct account_id signer = execution_account(x);

    if (rollup->frozen)
        return fail(x, ERROR_ROLLUP_FROZEN, "the rollup %" PRIu64 " is frozen", p->domain);
    if (!account_equal(&signer, &rollup->operator_))
        return fail(x, ERROR_NOT_THE_OPERATOR, "the rollup %" PRIu64 " has another operator", p->domain);
    if (execution_chain_time(x) < rollup->jailed_until_us)
        return fail(x, ERROR_OPERATOR_JAILED, "jailed until %" PRId64 " of chain time; it is %" PRId64,
                    rollup->jailed_until_us, execution_chain_time(x));
    if (p->number != place->number || !hash_equal(&p->parent, &place->parent))
        return fail(x, ERROR_WRONG_PARENT, "the next batch is %" PRIu64 ", on the newest one that stands",
                    place->number);
    if (rollup->head - rollup->final >= UNFINAL_MAX)
        return fail(x, ERROR_TOO_MANY_UNFINAL, "%u batches are not final", UNFINAL_MAX);
    if (p->withdrawals > OUTBOX_COUNT_MAX)
        return fail(x, ERROR_LIMIT, "%" PRIu64 " withdrawals are more than an outbox holds", p->withdrawals);
    return OK;
}

/* What left while the rollup was frozen comes before all else: nothing is executed on what is not there. */
static enum status check_range(struct execution *x, const struct propose *p, const struct rollup *rollup,
                               const struct batch_place *place)
{
    struct database *database = execution_database(x);
    uint64_t count = inbox_count(database, p->domain);
    uint64_t least, exits = inbox_least(place->inbox_from, rollup->exits_end);

    if (p->inbox_to < place->inbox_from || p->inbox_to > count ||
        p->inbox_to - place->inbox_from > BATCH_ITEMS_MAX)
        return fail(x, ERROR_WRONG_INBOX_RANGE,
                    "it reaches to inbox item %" PRIu64 "; the next one is %" PRIu64 " of %" PRIu64
                    ", and a batch takes in %u at most", p->inbox_to, place->inbox_from, count,
                    BATCH_ITEMS_MAX);
    least = inbox_least(place->inbox_from,
                        inbox_overdue_end(database, p->domain, place->inbox_from, execution_chain_time(x)));
    if (p->inbox_to < exits)
        return fail(x, ERROR_EXITS_OMITTED, "inbox items %" PRIu64 " … %" PRIu64
                    " tell what left while the rollup was frozen", p->inbox_to, exits - 1);
    if (p->inbox_to < least)
        return fail(x, ERROR_OVERDUE_OMITTED, "inbox items %" PRIu64 " … %" PRIu64 " are overdue",
                    p->inbox_to, least - 1);
    return OK;
}

/* The first id in a row of hashes that is free: the same batch may have been taken back; and whoever works
 * out what comes next could have sent value to the account of its bond beforehand, so that nothing could
 * be proposed. */
static void take_id(struct execution *x, struct batch_row *row, struct account_id *account)
{
    struct batch_row earlier;

    for (;;) {
        batch_bond_account(account, &row->id);
        if (!batch_find(execution_database(x), &row->id, &earlier) &&
            account_hold(x, account, BATCH_BOND_KIND) == OK)
            return;
        tagged_hash(&row->id, "layerd/rollup/again", row->id.bytes, sizeof(row->id.bytes));
    }
}

static enum status hold_bond(struct execution *x, const struct rollup *rollup, struct batch_row *row)
{
    struct account_id account;
    struct asset asset;

    TRY(asset_find(x, &rollup->bond_asset, &asset));
    if (balance_of(x, DOMAIN_BASE, &asset, &row->proposer) < row->bond)
        return fail(x, ERROR_MISSING_BOND, "the bond is %" PRIu64 " %s", row->bond, asset.symbol);
    take_id(x, row, &account);
    return balance_move(x, DOMAIN_BASE, &asset, &row->proposer, &account, row->bond, NULL);
}

static void fill_row(struct execution *x, const struct propose *p, const struct rollup *rollup,
                     const struct batch_place *place, const struct batch *batch,
                     const struct hash *items_root, struct batch_row *row)
{
    *row = (struct batch_row){
        .parent = place->parent, .previous_root = place->previous_root, .domain = p->domain,
        .number = place->number, .proposer = execution_account(x),
        .result = { .root = p->root, .withdrawal_root = p->withdrawal_root, .withdrawals = p->withdrawals },
        .inbox_from = place->inbox_from, .inbox_to = p->inbox_to, .items = batch->machine.items,
        .bond = game_bond(&rollup->game, 0), .state = BATCH_PROPOSED, .proposed_us = execution_chain_time(x),
        .window_end_us = execution_chain_time(x) + rollup->challenge_us,
        .data_state = p->data_size > 0 ? DATA_WITHHELD : DATA_PUBLISHED,
        .data_hash = p->data_hash, .data_size = p->data_size, .items_root = *items_root };
    batch_context(batch, &row->items_root, &row->context);
    batch_id(&row->id, &row->context, &row->parent, &row->result, &row->proposer);
}

static enum status assemble(struct execution *x, const struct propose *p, const struct rollup *rollup,
                            const struct batch_place *place, struct arena *arena, struct batch *batch)
{
    struct error error;
    enum status status = batch_assemble(execution_database(x), rollup, place, p->inbox_to, p->unpacked,
                                        arena, batch, &error);

    if (status != OK)
        return fail(x, status, "%s", error.message);
    if (batch->machine.items == 0)
        return fail(x, ERROR_EMPTY_BATCH, "the batch has no items");
    return OK;
}

/* Inbox items are on the ledger in any case: a batch of nothing else needs no committee. */
static enum status check_availability(struct execution *x, const struct propose *p,
                                      const struct rollup *rollup)
{
    if (rollup->availability == AVAILABILITY_LEDGER && committee_is_meant(p))
        return fail(x, ERROR_WRONG_AVAILABILITY, "rollup %" PRIu64 " has no committee: its data is given"
                    " with the batch", p->domain);
    if (rollup->availability == AVAILABILITY_COMMITTEE && p->data.size > 0)
        return fail(x, ERROR_WRONG_AVAILABILITY, "the data of rollup %" PRIu64 " is its committee's: a batch"
                    " has its hash, and their signatures", p->domain);
    return OK;
}

static enum status make_row(struct execution *x, const struct propose *p, const struct rollup *rollup,
                            const struct batch_place *place, struct batch_row *row)
{
    struct arena arena CLEANUP(arena_close);
    struct hash items_root = p->items_root;
    struct batch batch;

    arena_init(&arena);
    TRY(check_availability(x, p, rollup));
    if (committee_is_meant(p)) {
        TRY(committee_outline(x, p, rollup, place, &batch));
    } else {
        TRY(assemble(x, p, rollup, place, &arena, &batch));
        batch_items_root(&batch, &items_root);
    }
    fill_row(x, p, rollup, place, &batch, &items_root, row);
    return committee_is_meant(p) ? committee_check(x, p, rollup, row) : OK;
}

static void keep_row(struct execution *x, const struct propose *p, const struct batch_row *row)
{
    batch_insert(execution_database(x), row, execution_next_seq(x));
    if (row->data_state == DATA_PUBLISHED)
        batch_data_insert(execution_database(x), &row->id, p->data);
    else
        committee_keep(x, p, row);
    inbox_include(x, row->domain, row->inbox_from, row->inbox_to);
}

enum status propose_batch(struct execution *x, const void *params, struct writer *result)
{
    const struct propose *p = params;
    struct batch_place place;
    struct batch_row row;
    struct rollup rollup;

    TRY(rollup_need(x, p->domain, &rollup));
    batch_place_next(execution_database(x), &rollup, &place);
    TRY(may_propose(x, p, &rollup, &place));
    TRY(check_range(x, p, &rollup, &place));
    TRY(make_row(x, p, &rollup, &place, &row));
    TRY(hold_bond(x, &rollup, &row));
    keep_row(x, p, &row);
    rollup.head = row.number;
    rollup_update(execution_database(x), &rollup);
    batch_watch(x, &row);
    rollup_follow(x, row.domain);
    event_rollup_proposed(x, &(struct event_rollup_proposed){
        .domain = row.domain, .number = row.number, .batch = row.id, .proposer = row.proposer,
        .root = row.result.root, .items = row.items, .inbox_to = row.inbox_to, .bond = row.bond,
        .window_end_us = row.window_end_us });
    writer_object_begin(result);
    writer_member_hex(result, "batch", row.id.bytes, sizeof(row.id.bytes));
    writer_member_unsigned(result, "number", row.number);
    writer_member_integer(result, "window_end_us", row.window_end_us);
    writer_object_end(result);
    return OK;
}
