/* One look of the watcher's: see watcher.h. What it does is policy.c's; here are the rows that the policy is
 * told, the rollup's state, and the node's own key. First a plan is made under the rollup's lock; then,
 * without it, what the plan says is submitted. */
#include <inttypes.h>

#include "base/log.h"
#include "ledger/rows.h"
#include "layer2/optimistic/dispute.h"
#include "layer2/optimistic/policy.h"
#include "layer2/optimistic/shortage.h"
#include "layer2/optimistic/watcher.h"

#define LOG_ROOM "optimistic"

struct look {
    struct kernel *kernel;
    struct database *reader;
    struct rollup rollup;
    struct batch_row batch;
    struct dispute game; /* when view.game is not NULL */
    struct policy_view view;
    struct policy_plan plan;
    bool settled;        /* nothing is left to be done */
    struct watcher_lack lack;
};

static void look_close(struct look *look)
{
    policy_plan_close(&look->plan);
    dispute_close(&look->game);
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

/* --- what is known ---------------------------------------------------------------------------- */
static void fill_view(struct look *look, const struct batch_verdict *verdict)
{
    const struct batch_row *row = &look->batch;

    look->view = (struct policy_view){
        .own = kernel_account(look->kernel), .now_us = chain_time(look->reader),
        .next_block = kernel_height(look->kernel) + 1, .batch = row->id, .proposer = row->proposer,
        .items = row->items, .claimed = row->result, .right = verdict->right,
        .open = row->state == BATCH_PROPOSED || row->state == BATCH_CHALLENGED, .published = true,
        .window_end_us = row->window_end_us, .challenge_us = look->rollup.challenge_us,
        .terms = look->rollup.game };
}

/* False: there is nothing to do about the batch; look->settled tells whether that is so for good. */
static bool read_rows(struct look *look, const struct hash *batch)
{
    struct batch_verdict verdict;
    struct game_row row;

    if (!batch_find(look->reader, batch, &look->batch) ||
        !rollup_find(look->reader, look->batch.domain, &look->rollup))
        return false;
    look->settled = batch_verdict_read(look->reader, batch, &verdict);
    if (!look->settled)
        return false;
    fill_view(look, &verdict);
    if (game_row_running(look->reader, batch, &row)) {
        dispute_of_row(look->reader, &row, &look->game);
        dispute_read_all(look->reader, &look->game);
        look->view.game = &look->game.game;
        look->view.game_id = row.id;
    }
    return policy_is_concerned(&look->view);
}

static enum status make_plan(void *context, struct rollup_state *before, const struct batch *batch,
                             struct error *error)
{
    struct look *look = context;

    return policy_plan_make(&look->view, before, batch, &look->plan, error);
}

/* --- submitting ------------------------------------------------------------------------------- */
static bool submit(struct look *look, struct policy_command *command)
{
    struct error error;
    enum status status = kernel_submit_own(look->kernel, command->method, command->params, NULL, &error);

    json_release(&command->params);
    if (status == OK)
        return true;
    look->settled &= !policy_refusal_passes(status);
    if (!policy_refusal_passes(status)) {
        log_warn("%s was refused: %s", command->method, error.message);
        watcher_tell_refused(look->kernel, &look->batch.id, command->method, status);
    }
    return false;
}

/* Whether the bond is there; what is lacking is told. */
static bool can_pay(struct look *look, uint64_t bond)
{
    uint64_t held;

    if (bond == 0)
        return true;
    held = row_balance_read(look->reader, DOMAIN_BASE, &look->view.own, &look->rollup.bond_asset);
    if (held >= bond)
        return true;
    look->lack = (struct watcher_lack){ true, look->rollup.bond_asset, held };
    shortage_note(look->kernel, look->reader, &look->batch.id, &look->rollup.bond_asset, bond, held);
    return false;
}

static bool pay_and_submit(struct look *look, struct policy_command *command)
{
    if (can_pay(look, command->bond))
        return submit(look, command);
    json_release(&command->params);
    return false;
}

/* --- the proof -------------------------------------------------------------------------------- */
/* Commits, or opens the commitment. True: that takes its course, and a game is not needed as well. */
static bool prove(struct look *look)
{
    struct commitment commitment;
    struct policy_command command;
    enum policy_proof next;
    struct hash salt, hash;
    bool known, taken = false;

    kernel_derive_own(look->kernel, FRAUD_SALT_TAG, &look->batch.id, &salt);
    fraud_commitment_hash(&hash, &look->batch.id, &look->view.own, &salt, buffer_bytes(&look->plan.proof));
    known = commitment_read(look->reader, &look->view.own, &hash, &commitment);
    next = policy_proof_next(&look->view, &look->plan, known ? &commitment.block : NULL);
    if (next == POLICY_COMMIT) {
        policy_commit_command(&look->view, &look->plan, &salt, &command);
        taken = submit(look, &command);
    } else if (next == POLICY_REVEAL) {
        policy_reveal_command(&look->view, &look->plan, &salt, &command);
        taken = submit(look, &command);
    }
    look->settled = false; /* until the batch is gone */
    return policy_leaves_it_to_the_proof(&look->view, next, taken);
}

/* --- the game --------------------------------------------------------------------------------- */
static void begin_game(struct look *look)
{
    struct policy_command command;

    policy_challenge_command(&look->view, &look->plan, &command);
    if (pay_and_submit(look, &command))
        look->settled = false; /* should this game end in vain, there may be another one */
}

static void play(struct look *look)
{
    for (uint32_t i = 0; i < look->plan.move_count && !kernel_stopping(look->kernel); i++) {
        struct policy_command command;

        policy_move_command(&look->view, &look->plan.moves[i], &command);
        (void)pay_and_submit(look, &command);
    }
}

bool watcher_look(struct kernel *kernel, struct database *reader, const struct hash *batch,
                  struct watcher_lack *lack)
{
    struct look look CLEANUP(look_close) = { .kernel = kernel, .reader = reader, .settled = true };
    struct error error;
    bool enough = false;

    if (!kernel_takes_part(kernel))
        return true;
    if (!read_rows(&look, batch)) {
        shortage_over(kernel, reader, batch);
        return look.settled;
    }
    if (rollup_with_state(kernel, reader, batch, make_plan, &look, &error) != OK) {
        if (error.code != ERROR_NOT_READY)
            log_warn("the watcher cannot look into a batch: %s", error.message);
        return false;
    }
    if (look.plan.has_proof)
        enough = prove(&look);
    if (look.view.game != NULL)
        play(&look);
    else if (!enough)
        begin_game(&look);
    *lack = look.lack;
    if (!look.lack.is_there)
        shortage_over(kernel, reader, batch);
    return look.settled;
}
