/* What to do now about one batch: see policy.h. */
#include "layer2/optimistic/policy.h"

#include <stdlib.h>

#include "base/memory.h"

bool policy_wants_it_gone(const struct policy_view *view)
{
    return !view->right && !account_equal(&view->proposer, &view->own);
}

bool policy_is_concerned(const struct policy_view *view)
{
    if (view->game != NULL)
        return true;
    return policy_wants_it_gone(view) && view->open && view->now_us < view->window_end_us;
}

/* --- the plan --------------------------------------------------------------------------------- */
/* The step that is looked at ends in the claim's state, or begins there. */
static enum status add_witness(const struct game *game, struct batch_trace *trace, struct policy_move *move,
                               struct error *error)
{
    unsigned __int128 index =
        position_trace_index(game->claims[move->move.parent].position, game->params.max_depth);

    if (move->move.kind == MOVE_STEP_ATTACK)
        return batch_trace_witness(trace, (uint64_t)index, &move->witness, error);
    if (move->move.kind == MOVE_STEP_DEFEND)
        return batch_trace_witness(trace, (uint64_t)index + 1, &move->witness, error);
    return OK;
}

static enum status plan_moves(const struct policy_view *view, struct batch_trace *trace,
                              struct policy_plan *plan, struct error *error)
{
    const struct game *game = view->game;
    const struct honest_trace truth = { batch_trace_value, trace };
    struct honest_mark *marks AUTO_FREE = memory_array(game->count, sizeof(*marks));
    struct move *moves AUTO_FREE = memory_array(game->count, sizeof(*moves));
    uint32_t count;

    TRY(honest_moves(game, &truth, &view->own, view->now_us, marks, moves, &count, error));
    plan->moves = memory_array(count + 1, sizeof(*plan->moves));
    for (uint32_t i = 0; i < count; i++) {
        if (account_equal(&game->claims[moves[i].parent].claimant, &view->own))
            continue; /* nobody plays against himself */
        plan->moves[plan->move_count++].move = moves[i];
        TRY(add_witness(game, trace, &plan->moves[plan->move_count - 1], error));
    }
    return OK;
}

enum status policy_plan_make(const struct policy_view *view, struct rollup_state *before,
                             const struct batch *batch, struct policy_plan *plan, struct error *error)
{
    const unsigned depth = batch_game_depth(view->items);
    struct batch_trace *trace;
    enum status status;

    if (policy_wants_it_gone(view) && view->open && view->published)
        plan->has_proof = rollup_fraud_prove(before, batch, &view->claimed, &plan->proof);
    trace = batch_trace_open(before, batch);
    if (view->game != NULL)
        status = plan_moves(view, trace, plan, error);
    else
        status = batch_trace_value(trace, position_trace_index(position_attack(POSITION_ROOT), depth),
                                   &plan->value, error);
    batch_trace_close(trace);
    return status;
}

void policy_plan_close(struct policy_plan *plan)
{
    for (uint32_t i = 0; i < plan->move_count; i++)
        buffer_close(&plan->moves[i].witness);
    free(plan->moves);
    buffer_close(&plan->proof);
    *plan = (struct policy_plan){ .moves = NULL };
}

/* --- the proof -------------------------------------------------------------------------------- */
enum policy_proof policy_proof_next(const struct policy_view *view, const struct policy_plan *plan,
                                    const uint64_t *commitment)
{
    if (!plan->has_proof)
        return POLICY_NO_PROOF;
    if (commitment == NULL)
        return POLICY_COMMIT;
    if (view->next_block >= *commitment + POLICY_PATIENCE_BLOCKS)
        return POLICY_GIVE_UP;
    return view->next_block >= *commitment + FRAUD_REVEAL_BLOCKS ? POLICY_REVEAL : POLICY_WAIT;
}

bool policy_leaves_it_to_the_proof(const struct policy_view *view, enum policy_proof next, bool taken)
{
    const bool is_time = view->window_end_us - view->now_us > view->challenge_us / 4;

    switch (next) {
    case POLICY_NO_PROOF:
    case POLICY_GIVE_UP:
        return false;
    case POLICY_COMMIT:
        return taken && is_time;
    case POLICY_REVEAL:
        return taken || is_time;
    case POLICY_WAIT:
        return is_time;
    }
    return false;
}

/* --- what is submitted ------------------------------------------------------------------------ */
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

void policy_commit_command(const struct policy_view *view, const struct policy_plan *plan,
                           const struct hash *salt, struct policy_command *command)
{
    struct hash hash;

    fraud_commitment_hash(&hash, &view->batch, &view->own, salt, buffer_bytes(&plan->proof));
    *command = (struct policy_command){ "fraud.commit", 0,
                                        json_pack("{s:o}", "commitment", hash_json(&hash)) };
}

void policy_reveal_command(const struct policy_view *view, const struct policy_plan *plan,
                           const struct hash *salt, struct policy_command *command)
{
    *command = (struct policy_command){
        "fraud.prove", 0,
        json_pack("{s:o, s:o, s:o}", "batch", hash_json(&view->batch), "salt", hash_json(salt), "proof",
                  hex_json(plan->proof.data, plan->proof.size)) };
}

void policy_challenge_command(const struct policy_view *view, const struct policy_plan *plan,
                              struct policy_command *command)
{
    struct game_params params = view->terms;

    params.max_depth = batch_game_depth(view->items);
    *command = (struct policy_command){
        "game.challenge", game_bond(&params, 1),
        json_pack("{s:o, s:o}", "batch", hash_json(&view->batch), "value", hash_json(&plan->value)) };
}

void policy_move_command(const struct policy_view *view, const struct policy_move *planned,
                         struct policy_command *command)
{
    const struct move *move = &planned->move;
    const bool attacks = move->kind == MOVE_ATTACK || move->kind == MOVE_STEP_ATTACK;
    const bool claims = move->kind == MOVE_ATTACK || move->kind == MOVE_DEFEND;
    json_t *params = json_pack("{s:o, s:I, s:s}", "game", hash_json(&view->game_id), "claim",
                               (json_int_t)move->parent, "kind", attacks ? "attack" : "defend");

    if (claims) {
        json_object_set_new(params, "disputed", hash_json(&move->disputed));
        json_object_set_new(params, "value", hash_json(&move->value));
    } else {
        json_object_set_new(params, "witness", hex_json(planned->witness.data, planned->witness.size));
    }
    *command = (struct policy_command){ claims ? "game.move" : "game.step", claims ? move->bond : 0, params };
}

uint64_t policy_reserve(const struct game_params *terms, unsigned max_depth)
{
    struct game_params params = *terms;
    uint64_t sides[2] = { 0, 0 };

    params.max_depth = max_depth;
    for (unsigned depth = 1; depth <= max_depth; depth++)
        sides[depth % 2] += game_bond(&params, depth);
    return sides[0] > sides[1] ? sides[0] : sides[1];
}

bool policy_refusal_passes(enum status status)
{
    return status == ERROR_DUPLICATE_CLAIM || status == ERROR_ALREADY_COUNTERED ||
           status == ERROR_GAME_OVER || status == ERROR_CLOCK_EXPIRED || status == ERROR_GAME_EXISTS ||
           status == ERROR_COMMITMENT_EXISTS || status == ERROR_COMMITMENT_TOO_NEW ||
           status == ERROR_COMMITMENT_NOT_FOUND || status == ERROR_BATCH_NOT_OPEN || status == ERROR_BUSY ||
           status == ERROR_STOPPING || status == ERROR_INSUFFICIENT_BALANCE;
}
