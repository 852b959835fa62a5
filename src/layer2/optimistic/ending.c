/* How games end: see dispute.h. */
#include <inttypes.h>
#include <string.h>

#include "base/bech32.h"
#include "layer2/optimistic/dispute.h"

#define RESOLVED_AT_ONCE 256u /* claims that one deadline resolves */
#define PAID_AT_ONCE 64u      /* bonds that one deadline pays */

/* --- resolving -------------------------------------------------------------------------------- */
/* All its answers are resolved; of these, the rules look at the one that is paid. */
static void resolve_claim(struct execution *x, struct dispute *d, uint32_t number)
{
    struct database *database = execution_database(x);
    struct claim *claim = &d->game.claims[number];
    char address[ADDRESS_TEXT_MAX];
    struct error error;
    uint32_t answer;
    enum status status;

    INVARIANT(dispute_read_claim(database, d, number) &&
                  (number == 0 || dispute_read_claim(database, d, claim->parent)),
              "claim %" PRIu32 " is not there", number);
    if (claim_row_standing(database, &d->row.id, number, &answer)) {
        INVARIANT(dispute_read_claim(database, d, answer), "claim %" PRIu32 " is not there", answer);
        dispute_link(d, answer);
    }
    status = game_resolve_claim(&d->game, number, execution_chain_time(x), &error);
    INVARIANT(status == OK, "%s", error.message);
    claim_row_resolved(database, &d->row.id, number, claim);
    address_encode(address, &claim->countered_by);
    event_game_claim_resolved(x, &(struct event_game_claim_resolved){
        .game = d->row.id, .claim = number, .countered = claim->countered,
        .by = claim->countered ? address : NULL });
}

/* The root claim's bond is paid before all others: the game took nothing of it. NULL: back to where it came
 * from, for the batch stands, or stands or falls with others. */
static void pay_root(struct execution *x, struct dispute *d, const struct account_id *to)
{
    struct payout payout = { .claim = 0, .amount = d->game.claims[0].bond };
    struct asset asset;

    dispute_asset(x, &d->rollup, &asset);
    if (to == NULL)
        batch_bond_account(&payout.recipient, &d->row.batch);
    else
        payout.recipient = *to;
    payout_row_insert(execution_database(x), &d->row.id, &payout, execution_chain_time(x),
                      execution_next_seq(x));
    dispute_pay(x, &asset, &d->row.holding, &payout.recipient, payout.amount);
    event_game_paid(x, &(struct event_game_paid){ .game = d->row.id, .claim = 0, .to = payout.recipient,
                                                  .amount = payout.amount, .burned = 0 });
    d->row.paid = 1;
}

void dispute_roll_back(struct execution *x, const struct hash *batch, bool wrong, const char *reason)
{
    struct arena arena CLEANUP(arena_close);
    struct hash *ids;
    size_t count;

    arena_init(&arena);
    count = batch_descendants(x, batch, &arena, &ids);
    for (size_t i = 0; i < count; i++)
        dispute_void_soon(x, &ids[i]);
    if (wrong)
        batch_reject(x, batch, reason);
    else
        batch_void(x, batch);
}

static void end(struct execution *x, struct dispute *d)
{
    const struct claim *root = &d->game.claims[0];
    char winner[ADDRESS_TEXT_MAX];
    struct error error;
    enum status status;

    status = game_resolve(&d->game, execution_chain_time(x), &error);
    INVARIANT(status == OK, "%s", error.message);
    address_encode(winner, root->countered ? &root->countered_by : &root->claimant);
    event_game_ended(x, &(struct event_game_ended){
        .game = d->row.id, .batch = d->row.batch, .status = game_status_name(d->game.status),
        .winner = winner, .reason = "resolved" });
    if (d->game.status == GAME_DEFENDED)
        pay_root(x, d, NULL);
    dispute_save(x, d);
    if (d->game.status == GAME_DEFENDED)
        batch_defended(x, &d->row.batch);
    else
        dispute_roll_back(x, &d->row.batch, true, "game");
}

static uint32_t resolve(struct execution *x, struct dispute *d)
{
    uint32_t resolved = 0, number;
    int64_t due_us;

    while (resolved < RESOLVED_AT_ONCE &&
           claim_row_next(execution_database(x), &d->row.id, &number, &due_us) &&
           due_us <= execution_chain_time(x)) {
        resolve_claim(x, d, number);
        resolved++;
        if (number == 0) {
            end(x, d);
            return resolved;
        }
    }
    if (resolved > 0)
        dispute_save(x, d);
    return resolved;
}

/* --- closing and paying ----------------------------------------------------------------------- */
static void close_game(struct execution *x, struct dispute *d)
{
    struct error error;
    enum status status = game_close(&d->game, GAME_NORMAL, execution_chain_time(x), &error);

    INVARIANT(status == OK, "%s", error.message);
    dispute_save(x, d);
    event_game_closed(x, &(struct event_game_closed){
        .game = d->row.id, .batch = d->row.batch, .mode = game_closing_name(d->game.closing) });
}

static void pay_one(struct execution *x, const struct dispute *d, struct asset *asset,
                    const struct payout *payout)
{
    payout_row_insert(execution_database(x), &d->row.id, payout, execution_chain_time(x),
                      execution_next_seq(x));
    dispute_pay(x, asset, &d->row.holding, &payout->recipient, payout->amount);
    dispute_burn(x, asset, &d->row.holding, payout->burned);
    event_game_paid(x, &(struct event_game_paid){ .game = d->row.id, .claim = payout->claim,
                                                  .to = payout->recipient, .amount = payout->amount,
                                                  .burned = payout->burned });
}

/* The next bonds, as the rules have it: each by itself, so that they need not be looked at together. */
static void pay(struct execution *x, struct dispute *d)
{
    struct claim claims[PAID_AT_ONCE];
    struct payout payouts[PAID_AT_ONCE];
    struct game some = d->game;
    struct asset asset;
    struct error error;
    enum status status;

    some.claims = claims;
    some.count = claim_row_list(execution_database(x), &d->row.id, d->row.paid, PAID_AT_ONCE, claims);
    some.pot = 0;
    for (uint32_t i = 0; i < some.count; i++)
        some.pot += claims[i].bond;
    status = game_payouts(&some, d->row.paid, execution_chain_time(x), payouts, &error);
    INVARIANT(status == OK, "%s", error.message);
    dispute_asset(x, &d->rollup, &asset);
    for (uint32_t i = 0; i < some.count; i++)
        pay_one(x, d, &asset, &payouts[i]);
    d->row.paid += some.count;
    dispute_save(x, d);
}

/* --- what is due ------------------------------------------------------------------------------ */
static bool is_over(const struct dispute *d, int64_t since_us, int64_t delay_us, int64_t now_us)
{
    return d->row.status == GAME_VOID || now_us - since_us >= delay_us;
}

/* As many claims as a game may have: nobody is to win by crowding out the answers. */
static void void_full_game(struct execution *x, const struct dispute *d)
{
    struct batch_row batch;

    INVARIANT(batch_find(execution_database(x), &d->row.batch, &batch), "a game without its batch");
    dispute_void(x, &d->row.batch, &batch.proposer, "full");
    dispute_roll_back(x, &batch.id, false, "game_full");
}

/* The batch is gone, and the root claim's bond with it: it goes where the batch's own would have gone. */
static void void_gone_game(struct execution *x, const struct batch_row *batch)
{
    dispute_void(x, &batch->id, &batch->proposer,
                 batch->state == BATCH_PARENT_REJECTED ? "parent_rejected" : "frozen");
}

bool dispute_is_gone(struct database *database, const struct game_row *row, struct batch_row *batch)
{
    INVARIANT(batch_find(database, &row->batch, batch), "a game without its batch");
    return row->status == GAME_RUNNING && batch->state > BATCH_FINAL;
}

uint32_t dispute_go_on(struct execution *x, struct dispute *d)
{
    const int64_t now_us = execution_chain_time(x);
    struct batch_row batch;

    if (dispute_is_gone(execution_database(x), &d->row, &batch)) {
        void_gone_game(x, &batch);
        return 0;
    }
    if (d->row.status == GAME_RUNNING && d->row.claims == GAME_CLAIMS_MAX) {
        void_full_game(x, d);
        return 0;
    }
    if (d->row.status == GAME_RUNNING)
        return resolve(x, d);
    if (d->row.closing == GAME_OPEN) {
        if (is_over(d, d->row.ended_us, d->game.params.air_gap_us, now_us))
            close_game(x, d);
        return 0;
    }
    if (d->row.paid < d->row.claims &&
        is_over(d, d->row.closed_us, d->game.params.payout_delay_us, now_us))
        pay(x, d);
    return 0;
}

void dispute_deadline(struct execution *x, struct bytes subject)
{
    struct dispute d CLEANUP(dispute_close);
    struct hash id;

    INVARIANT(subject.size == sizeof(id.bytes), "a game's id of %zu bytes", subject.size);
    memcpy(id.bytes, subject.data, sizeof(id.bytes));
    INVARIANT(dispute_open(execution_database(x), &id, &d), "a deadline of a game that is not there");
    (void)dispute_go_on(x, &d);
}

void dispute_void(struct execution *x, const struct hash *batch, const struct account_id *bond_to,
                  const char *reason)
{
    struct dispute d CLEANUP(dispute_close) = { .game.claims = NULL };
    struct game_row row;
    struct error error;
    enum status status;

    if (!game_row_running(execution_database(x), batch, &row))
        return;
    dispute_of_row(execution_database(x), &row, &d);
    INVARIANT(dispute_read_claim(execution_database(x), &d, 0), "a game without a root claim");
    status = game_void(&d.game, execution_chain_time(x), &error);
    INVARIANT(status == OK, "%s", error.message);
    event_game_ended(x, &(struct event_game_ended){
        .game = d.row.id, .batch = *batch, .status = game_status_name(d.game.status), .reason = reason });
    pay_root(x, &d, bond_to);
    dispute_save(x, &d);
}

void dispute_void_soon(struct execution *x, const struct hash *batch)
{
    struct game_row row;

    if (game_row_running(execution_database(x), batch, &row))
        deadline_set(x, CLOCK_CHAIN, execution_chain_time(x) + 1, GAME_DEADLINE,
                     bytes_of(row.id.bytes, sizeof(row.id.bytes)));
}
