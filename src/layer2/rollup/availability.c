/* Whether a batch's data can be had: see availability.h. */
#include "layer2/rollup/availability.h"

#include <inttypes.h>
#include <string.h>

#include "crypto/hash.h"
#include "layer2/rollup/data.h"
#include "layer2/rollup/life.h"
#include "layer2/rollup/module.h"
#include "layer2/rollup/propose.h"
#include "layer2/rollup/rows.h"

static struct bytes subject_of(const struct hash *batch)
{
    return bytes_of(batch->bytes, sizeof(batch->bytes));
}

static void bond_asset(struct execution *x, const struct rollup *rollup, struct asset *asset)
{
    enum status status = asset_find(x, &rollup->bond_asset, asset);

    INVARIANT(status == OK, "the bond's asset is gone");
}

static void pay(struct execution *x, const struct asset *asset, const struct account_id *from,
                const struct account_id *to, uint64_t amount)
{
    enum status status = amount == 0 ? OK : balance_move(x, DOMAIN_BASE, asset, from, to, amount, NULL);

    INVARIANT(status == OK, "a bond is not there");
}

/* --- rollup.challenge_availability ------------------------------------------------------------- */
const struct param demand_params[DEMAND_PARAMS] = {
    PARAM(struct demand, batch, HASH, REQUIRED, "its id"),
};

/* The transaction stands in it, so that nobody can know it, and send value to the account, beforehand. */
static void make_holding(struct execution *x, struct availability_challenge *challenge)
{
    const struct hash transaction = execution_transaction(x);
    struct tagged_hash h;
    struct hash holding;

    tagged_hash_begin(&h, "layerd/rollup/availability-bond");
    tagged_hash_add(&h, challenge->batch.bytes, sizeof(challenge->batch.bytes));
    tagged_hash_add(&h, transaction.bytes, sizeof(transaction.bytes));
    tagged_hash_end(&h, &holding);
    memcpy(challenge->holding.bytes, holding.bytes, sizeof(holding.bytes));
}

static enum status may_challenge(struct execution *x, const struct hash *id, struct batch_row *row)
{
    struct availability_challenge before;

    TRY(batch_open_to_challenge(x, id, row));
    if (challenge_read(execution_database(x), id, &before))
        return fail(x, ERROR_CHALLENGED_BEFORE, "it was challenged at %" PRId64 " of chain time: %s",
                    before.begun_us, challenge_state_name(before.state));
    if (row->data_state == DATA_PUBLISHED)
        return fail(x, ERROR_DATA_PUBLISHED, "batch %" PRIu64 " was published with its data", row->number);
    return OK;
}

enum status challenge_availability(struct execution *x, const void *params, struct writer *result)
{
    const struct demand *p = params;
    struct availability_challenge challenge = { .batch = p->batch, .challenger = execution_account(x),
                                                .begun_us = execution_chain_time(x) };
    struct batch_row row;
    struct rollup rollup;
    struct asset asset;

    TRY(may_challenge(x, &p->batch, &row));
    TRY(rollup_need(x, row.domain, &rollup));
    challenge.domain = row.domain;
    challenge.bond = rollup.availability_bond;
    challenge.deadline_us = challenge.begun_us + rollup.availability_us;
    make_holding(x, &challenge);
    bond_asset(x, &rollup, &asset);
    TRY(balance_debit(x, DOMAIN_BASE, &asset, &challenge.challenger, challenge.bond, NULL));
    TRY(account_hold(x, &challenge.holding, AVAILABILITY_HOLDING_KIND));
    balance_credit(x, DOMAIN_BASE, &asset, &challenge.holding, challenge.bond);
    challenge_insert(execution_database(x), &challenge, execution_next_seq(x));
    row.data_state = DATA_CHALLENGED;
    batch_update(execution_database(x), &row);
    deadline_set(x, CLOCK_CHAIN, challenge.deadline_us, AVAILABILITY_DEADLINE, subject_of(&row.id));
    rollup_follow(x, row.domain);
    event_rollup_availability_challenged(x, &(struct event_rollup_availability_challenged){
        .domain = row.domain, .number = row.number, .batch = row.id, .data_hash = row.data_hash,
        .challenger = challenge.challenger, .bond = challenge.bond, .deadline_us = challenge.deadline_us });
    writer_object_begin(result);
    writer_member_unsigned(result, "bond", challenge.bond);
    writer_member_integer(result, "deadline_us", challenge.deadline_us);
    writer_object_end(result);
    return OK;
}

/* --- how it ends ------------------------------------------------------------------------------ */
static void end(struct execution *x, struct availability_challenge *challenge, enum challenge_state state)
{
    challenge->state = state;
    challenge->ended_us = execution_chain_time(x);
    challenge_update(execution_database(x), challenge);
    deadline_clear(x, AVAILABILITY_DEADLINE, subject_of(&challenge->batch));
}

void availability_void(struct execution *x, const struct rollup *rollup, struct batch_row *row)
{
    struct availability_challenge challenge;
    struct asset asset;

    if (row->data_state != DATA_CHALLENGED)
        return;
    INVARIANT(challenge_read(execution_database(x), &row->id, &challenge), "a challenge without its row");
    bond_asset(x, rollup, &asset);
    pay(x, &asset, &challenge.holding, &challenge.challenger, challenge.bond);
    row->data_state = DATA_WITHHELD;
    end(x, &challenge, CHALLENGE_VOID);
}

/* Games about it, and about those above it, have nothing to decide any more: the bond of the first is back
 * with the batch afterwards. */
static void void_games(struct execution *x, const struct hash *batch, const char *reason)
{
    struct arena arena CLEANUP(arena_close);
    struct hash *above;
    size_t count;

    arena_init(&arena);
    if (batch_before_void == NULL)
        return;
    count = batch_descendants(x, batch, &arena, &above);
    for (size_t i = 0; i < count; i++)
        batch_before_void(x, &above[i], NULL);
    batch_before_void(x, batch, reason);
}

/* The batch's bond to whoever challenged it, less what burns so that nobody challenges himself for nothing:
 * shared as for a proof of fraud. */
static void slash(struct execution *x, const struct rollup *rollup, const struct batch_row *row,
                  struct asset *asset, struct availability_challenge *challenge)
{
    struct account_id held;
    enum status status;

    batch_bond_account(&held, &row->id);
    challenge->burned = (uint64_t)((unsigned __int128)row->bond * rollup->game.burn_ppm / GAME_PPM);
    challenge->reward = row->bond - challenge->burned;
    pay(x, asset, &held, &challenge->challenger, challenge->reward);
    status = challenge->burned == 0 ? OK : asset_burn(x, DOMAIN_BASE, asset, &held, challenge->burned);
    INVARIANT(status == OK, "a bond is not there");
}

static void fall(struct execution *x, const struct rollup *rollup, struct batch_row *row,
                 struct availability_challenge *challenge, enum challenge_state state, const char *reason)
{
    struct asset asset;

    void_games(x, &row->id, reason);
    bond_asset(x, rollup, &asset);
    pay(x, &asset, &challenge->holding, &challenge->challenger, challenge->bond);
    slash(x, rollup, row, &asset, challenge);
    row->data_state = state == CHALLENGE_MALFORMED ? DATA_PUBLISHED : DATA_WITHHELD;
    batch_update(execution_database(x), row);
    end(x, challenge, state);
    event_rollup_availability_failed(x, &(struct event_rollup_availability_failed){
        .domain = row->domain, .number = row->number, .batch = row->id,
        .challenger = challenge->challenger, .bond = challenge->bond, .reward = challenge->reward,
        .burned = challenge->burned, .reason = reason });
    batch_reject(x, &row->id, reason);
}

void availability_over(struct execution *x, struct bytes subject)
{
    struct availability_challenge challenge;
    struct batch_row row;
    struct rollup rollup;
    struct hash id;

    memcpy(id.bytes, subject.data, sizeof(id.bytes));
    INVARIANT(batch_find(execution_database(x), &id, &row) && row.data_state == DATA_CHALLENGED &&
                  challenge_read(execution_database(x), &id, &challenge) &&
                  rollup_find(execution_database(x), row.domain, &rollup),
              "a deadline of a challenge that does not run");
    fall(x, &rollup, &row, &challenge, CHALLENGE_UNANSWERED, "data_unavailable");
}

/* --- rollup.answer_availability ---------------------------------------------------------------- */
const struct param publish_params[PUBLISH_PARAMS] = {
    PARAM(struct publish, batch, HASH, REQUIRED, "its id"),
    PARAM(struct publish, data, BYTES, REQUIRED, "as the committee vouched for it: a zlib stream",
          .most = BATCH_PUBLISHED_MAX),
};

static enum status may_answer(struct execution *x, const struct publish *p, struct batch_row *row,
                              struct availability_challenge *challenge)
{
    struct hash hash;

    if (!batch_find(execution_database(x), &p->batch, row))
        return fail(x, ERROR_BATCH_NOT_FOUND, "there is no such batch");
    if (row->data_state != DATA_CHALLENGED)
        return fail(x, ERROR_NOT_CHALLENGED, "the data of batch %" PRIu64 " is in the state '%s'",
                    row->number, data_state_name(row->data_state));
    INVARIANT(challenge_read(execution_database(x), &p->batch, challenge), "a challenge without its row");
    if (execution_chain_time(x) >= challenge->deadline_us)
        return fail(x, ERROR_NOT_CHALLENGED, "the time for it was over at %" PRId64 " of chain time",
                    challenge->deadline_us);
    data_hash(&hash, p->data);
    if (p->data.size != row->data_size || !hash_equal(&hash, &row->data_hash))
        return fail(x, ERROR_WRONG_DATA, "%zu bytes with another hash, or not %" PRIu64 " bytes",
                    p->data.size, row->data_size);
    return OK;
}

/* What 'rollup.propose' finds out when the data comes with the batch. NULL: all is right. */
static const char *what_is_wrong(struct execution *x, const struct rollup *rollup,
                                 const struct batch_row *row, struct bytes data)
{
    struct arena arena CLEANUP(arena_close);
    struct batch batch;
    struct error error;
    enum status status;

    arena_init(&arena);
    status = batch_restore(execution_database(x), rollup, row, data, &arena, &batch, &error);
    if (status == OK)
        return NULL;
    return status == ERROR_WRONG_DATA ? "data_mismatch" : "data_malformed";
}

static void settle(struct execution *x, const struct rollup *rollup, struct batch_row *row,
                   struct availability_challenge *challenge)
{
    struct asset asset;

    bond_asset(x, rollup, &asset);
    pay(x, &asset, &challenge->holding, &challenge->answerer, challenge->bond);
    row->data_state = DATA_PUBLISHED;
    batch_reopen(x, rollup, row);
    end(x, challenge, CHALLENGE_ANSWERED);
    rollup_follow(x, row->domain);
    event_rollup_availability_answered(x, &(struct event_rollup_availability_answered){
        .domain = row->domain, .number = row->number, .batch = row->id, .answerer = challenge->answerer,
        .bond = challenge->bond, .window_end_us = row->window_end_us });
}

enum status answer_availability(struct execution *x, const void *params, struct writer *result)
{
    const struct publish *p = params;
    struct availability_challenge challenge;
    struct batch_row row;
    struct rollup rollup;
    const char *wrong;

    TRY(may_answer(x, p, &row, &challenge));
    TRY(rollup_need(x, row.domain, &rollup));
    challenge.answerer = execution_account(x);
    batch_data_insert(execution_database(x), &row.id, p->data);
    wrong = what_is_wrong(x, &rollup, &row, p->data);
    if (wrong == NULL)
        settle(x, &rollup, &row, &challenge);
    else
        fall(x, &rollup, &row, &challenge, CHALLENGE_MALFORMED, wrong);
    writer_object_begin(result);
    writer_member_boolean(result, "right", wrong == NULL);
    writer_member_text(result, "reason", wrong);
    writer_member_integer(result, "window_end_us", row.window_end_us);
    writer_object_end(result);
    return OK;
}
