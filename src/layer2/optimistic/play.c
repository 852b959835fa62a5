/* One look of the watcher's: see watcher.h. First a plan is made of what the rows say and of the true trace,
 * under the rollup's lock; then, without it, what the plan says is submitted. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "ledger/rows.h"
#include "layer2/optimistic/dispute.h"
#include "layer2/optimistic/fraud_proof.h"
#include "layer2/optimistic/shortage.h"
#include "layer2/optimistic/stake.h"
#include "layer2/optimistic/watcher.h"

#define LOG_ROOM "optimistic"
#define PATIENCE_BLOCKS 10 /* a proof that was not taken after so many blocks more is not waited for */

struct planned {
    struct move move;
    struct buffer witness; /* of a step */
};

struct plan {
    struct kernel *kernel;
    struct database *reader;
    struct rollup rollup;
    struct batch_row batch;
    struct batch_verdict verdict;
    struct account_id own;
    int64_t now_us; /* chain time of the newest block */
    bool has_game;
    struct dispute game;

    /* made under the rollup's lock */
    bool has_proof;
    struct buffer proof;
    struct hash value;    /* half way through the trace */
    bool game_shows;      /* that it is wrong: a game is about the root alone, not about withdrawals */
    struct planned *moves;
    uint32_t move_count;
    bool settled;         /* nothing is left to be done */
    struct watcher_lack lack;
};

static void plan_close(struct plan *plan)
{
    for (uint32_t i = 0; i < plan->move_count; i++)
        buffer_close(&plan->moves[i].witness);
    free(plan->moves);
    buffer_close(&plan->proof);
    dispute_close(&plan->game);
}

static int64_t chain_time(struct database *database)
{
    struct statement *s =
        statement(database, "SELECT chain_time_us FROM block ORDER BY height DESC LIMIT 1");
    int64_t time_us = 0;

    if (statement_row(s)) {
        time_us = column_integer(s, "chain_time_us");
        statement_finish(s);
    }
    return time_us;
}

void watcher_state_read(struct database *database, const struct hash *batch, struct watcher_state *state)
{
    struct game_row row;

    *state = (struct watcher_state){ .claims = 0 };
    if (!game_row_running(database, batch, &row))
        return;
    state->game = row.id;
    state->claims = row.claims;
    state->steps = step_row_count(database, &row.id);
}

/* --- the plan --------------------------------------------------------------------------------- */
/* The step that is looked at ends in the claim's state, or begins there. */
static enum status add_witness(struct plan *plan, struct batch_trace *trace, struct planned *planned,
                               struct error *error)
{
    const struct game *game = &plan->game.game;
    unsigned __int128 index = position_trace_index(game->claims[planned->move.parent].position,
                                                   game->params.max_depth);

    if (planned->move.kind == MOVE_STEP_ATTACK)
        return batch_trace_witness(trace, (uint64_t)index, &planned->witness, error);
    if (planned->move.kind == MOVE_STEP_DEFEND)
        return batch_trace_witness(trace, (uint64_t)index + 1, &planned->witness, error);
    return OK;
}

static enum status plan_moves(struct plan *plan, struct batch_trace *trace, struct error *error)
{
    const struct game *game = &plan->game.game;
    const struct honest_trace truth = { batch_trace_value, trace };
    struct honest_mark *marks AUTO_FREE = memory_array(game->count, sizeof(*marks));
    struct move *moves AUTO_FREE = memory_array(game->count, sizeof(*moves));
    uint32_t count;

    TRY(honest_moves(game, &truth, &plan->own, plan->now_us, marks, moves, &count, error));
    plan->moves = memory_array(count + 1, sizeof(*plan->moves));
    for (uint32_t i = 0; i < count; i++) {
        if (account_equal(&game->claims[moves[i].parent].claimant, &plan->own))
            continue; /* nobody plays against himself */
        plan->moves[plan->move_count++].move = moves[i];
        TRY(add_witness(plan, trace, &plan->moves[plan->move_count - 1], error));
    }
    return OK;
}

/* The first attack, and whether it could win. */
static enum status plan_challenge(struct plan *plan, struct batch_trace *trace, struct error *error)
{
    const unsigned depth = batch_game_depth(plan->batch.items);
    struct hash claimed, last;

    TRY(batch_trace_value(trace, position_trace_index(POSITION_ROOT, depth), &last, error));
    batch_root_claim(&plan->batch.context, depth, &plan->batch.result.root, &claimed);
    plan->game_shows = !hash_equal(&last, &claimed);
    return batch_trace_value(trace, position_trace_index(position_attack(POSITION_ROOT), depth), &plan->value,
                             error);
}

static bool is_to_fall(const struct plan *plan)
{
    return !plan->verdict.right && !account_equal(&plan->batch.proposer, &plan->own);
}

static enum status make_plan(void *context, struct rollup_state *before, const struct batch *batch,
                             struct error *error)
{
    struct plan *plan = context;
    struct batch_trace *trace;
    enum status status = OK;

    if (is_to_fall(plan))
        plan->has_proof = rollup_fraud_prove(before, batch, &plan->batch.result, &plan->proof);
    trace = batch_trace_open(before, batch);
    if (plan->has_game)
        status = plan_moves(plan, trace, error);
    else
        status = plan_challenge(plan, trace, error);
    batch_trace_close(trace);
    return status;
}

/* False: there is nothing to do about the batch; plan->settled tells whether that is so for good. */
static bool read_rows(struct plan *plan, const struct hash *batch)
{
    struct game_row row;

    if (!batch_find(plan->reader, batch, &plan->batch) ||
        !rollup_find(plan->reader, plan->batch.domain, &plan->rollup))
        return false;
    plan->settled = batch_verdict_read(plan->reader, batch, &plan->verdict);
    if (!plan->settled)
        return false;
    plan->now_us = chain_time(plan->reader);
    plan->has_game = game_row_running(plan->reader, batch, &row);
    if (plan->has_game) {
        dispute_of_row(plan->reader, &row, &plan->game);
        dispute_read_all(plan->reader, &plan->game);
        return true;
    }
    return is_to_fall(plan) && plan->now_us < plan->batch.window_end_us &&
           (plan->batch.state == BATCH_PROPOSED || plan->batch.state == BATCH_CHALLENGED);
}

/* --- submitting ------------------------------------------------------------------------------- */
/* Somebody was quicker, or time was; or it cannot be done for the moment. Another look tells. */
static bool is_for_the_moment(enum status status)
{
    return status == ERROR_DUPLICATE_CLAIM || status == ERROR_ALREADY_COUNTERED ||
           status == ERROR_GAME_OVER || status == ERROR_CLOCK_EXPIRED || status == ERROR_GAME_EXISTS ||
           status == ERROR_COMMITMENT_EXISTS || status == ERROR_COMMITMENT_TOO_NEW ||
           status == ERROR_COMMITMENT_NOT_FOUND || status == ERROR_BATCH_NOT_OPEN || status == ERROR_BUSY ||
           status == ERROR_STOPPING || status == ERROR_INSUFFICIENT_BALANCE;
}

static bool submit(struct plan *plan, const char *method, json_t *params)
{
    struct error error;
    enum status status = kernel_submit_own(plan->kernel, method, params, NULL, &error);

    json_release(&params);
    if (status == OK)
        return true;
    plan->settled &= !is_for_the_moment(status);
    if (!is_for_the_moment(status)) {
        log_warn("%s was refused: %s", method, error.message);
        watcher_tell_refused(plan->kernel, &plan->batch.id, method, status);
    }
    return false;
}

static json_t *hex_json(const void *data, size_t size)
{
    struct buffer text CLEANUP(buffer_close) = { 0 };

    buffer_append_hex(&text, data, size);
    return json_stringn((const char *)text.data, text.size);
}

static json_t *hash_json(const struct hash *hash)
{
    return hex_json(hash->bytes, sizeof(hash->bytes));
}

/* Whether the bond is there, and may be put at stake; what bars it is told. */
static bool can_pay(struct plan *plan, uint64_t bond)
{
    struct stake stake = { .rollup = &plan->rollup, .batch = &plan->batch, .bond = bond,
                           .game = plan->has_game ? &plan->game.row.id : NULL,
                           .max_depth = batch_game_depth(plan->batch.items) };
    enum stake_bar bar = stake_check(plan->reader, &plan->own, &stake);

    if (bar == STAKE_FREE)
        return true;
    plan->lack = (struct watcher_lack){ true, plan->rollup.bond_asset, stake.held };
    shortage_note(plan->kernel, plan->reader, &stake, bar);
    return false;
}

/* --- the proof -------------------------------------------------------------------------------- */
/* Commits, or opens the commitment. True: that takes its course, and a game is not needed as well. */
static bool prove(struct plan *plan)
{
    const uint64_t next_block = kernel_height(plan->kernel) + 1;
    struct commitment commitment;
    struct hash salt, hash;

    kernel_derive_own(plan->kernel, "layerd/rollup/fraud-salt", &plan->batch.id, &salt);
    fraud_commitment_hash(&hash, &plan->batch.id, &plan->own, &salt, buffer_bytes(&plan->proof));
    plan->settled = false; /* until the batch is gone */
    if (!commitment_read(plan->reader, &plan->own, &hash, &commitment)) {
        if (!submit(plan, "fraud.commit", json_pack("{s:o}", "commitment", hash_json(&hash))))
            return false;
    } else if (next_block >= commitment.block + FRAUD_REVEAL_BLOCKS) {
        if (submit(plan, "fraud.prove",
                   json_pack("{s:o, s:o, s:o}", "batch", hash_json(&plan->batch.id), "salt",
                             hash_json(&salt), "proof", hex_json(plan->proof.data, plan->proof.size))))
            return true;
        plan->settled = false;
        if (next_block >= commitment.block + PATIENCE_BLOCKS)
            return false;
    }
    /* In the last quarter of its window a batch is not left to a proof alone. */
    return plan->batch.window_end_us - plan->now_us > plan->rollup.challenge_us / 4;
}

/* --- the game --------------------------------------------------------------------------------- */
static void begin_game(struct plan *plan)
{
    struct game_params params = plan->rollup.game;

    params.max_depth = batch_game_depth(plan->batch.items);
    if (can_pay(plan, game_bond(&params, 1)) &&
        submit(plan, "game.challenge",
               json_pack("{s:o, s:o}", "batch", hash_json(&plan->batch.id), "value",
                         hash_json(&plan->value))))
        plan->settled = false; /* should this game end in vain, there may be another one */
}

static void make_move(struct plan *plan, const struct planned *planned)
{
    const struct move *move = &planned->move;
    const bool attacks = move->kind == MOVE_ATTACK || move->kind == MOVE_STEP_ATTACK;
    json_t *params = json_pack("{s:o, s:I, s:s}", "game", hash_json(&plan->game.row.id), "claim",
                               (json_int_t)move->parent, "kind", attacks ? "attack" : "defend");

    if (move->kind == MOVE_ATTACK || move->kind == MOVE_DEFEND) {
        json_object_set_new(params, "disputed", hash_json(&move->disputed));
        json_object_set_new(params, "value", hash_json(&move->value));
        (void)submit(plan, "game.move", params);
    } else {
        json_object_set_new(params, "witness", hex_json(planned->witness.data, planned->witness.size));
        (void)submit(plan, "game.step", params);
    }
}

static void play(struct plan *plan)
{
    for (uint32_t i = 0; i < plan->move_count && !kernel_stopping(plan->kernel); i++) {
        const struct move *move = &plan->moves[i].move;

        if (move->bond == 0 || can_pay(plan, move->bond))
            make_move(plan, &plan->moves[i]);
    }
}

bool watcher_look(struct kernel *kernel, struct database *reader, const struct hash *batch,
                  struct watcher_lack *lack)
{
    struct plan plan CLEANUP(plan_close) = { .kernel = kernel, .reader = reader,
                                             .own = kernel_account(kernel), .settled = true };
    struct error error;
    bool enough = false;

    if (!read_rows(&plan, batch)) {
        shortage_over(kernel, reader, batch);
        return plan.settled;
    }
    if (rollup_with_state(kernel, reader, batch, make_plan, &plan, &error) != OK) {
        if (error.code != ERROR_NOT_READY)
            log_warn("the watcher cannot look into a batch: %s", error.message);
        return false;
    }
    if (plan.has_proof)
        enough = prove(&plan);
    if (plan.has_game)
        play(&plan);
    else if (!enough && plan.game_shows)
        begin_game(&plan);
    *lack = plan.lack;
    if (!plan.lack.is_there)
        shortage_over(kernel, reader, batch);
    return plan.settled;
}
