/* The watcher's policy on real batches, without a ledger: what it asks for and when, and whole games that it
 * plays against somebody who invents, on the rules and the machine alone. LAYERD_SEED repeats the games. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../rollup/world.h"
#include "base/clock.h"
#include "crypto/hash.h"
#include "layer2/optimistic/policy.h"

#include <cmocka.h>

#define WINDOW_US INT64_C(1000000)
#define CLAIMS 256u
#define GAMES 40
#define WATCHER 9 /* persons */
#define LIAR 5

static struct dice dice;

/* A batch of three deposits on the state before it, proposed by somebody. */
struct scene {
    struct world *world;
    struct made made;
    struct rollup_state *state;
    struct hash before; /* its root */
    struct batch_result truth;
    struct policy_view view;
};

static void add_deposits(struct made *made)
{
    for (unsigned person = 1; person <= 3; person++)
        made_inbox(made, &(struct item){ .kind = ITEM_DEPOSIT, .inbox = true, .amount = 100 * person,
                                         .key = *person_key(person) });
    made_finish(made);
}

static void find_truth(struct scene *s)
{
    struct batch_effects effects = { .changes = NULL };
    enum item_fault fault;
    struct error error;
    uint64_t invalid;

    assert_int_equal(rollup_execute(s->state, &s->made.batch, NULL, &s->truth, &effects, &invalid, &fault,
                                    &error), OK);
    rollup_revert(s->state, effects.changes, effects.change_count);
    batch_effects_close(&effects);
}

static void scene_open(struct scene *s)
{
    *s = (struct scene){ .world = world_new(1), .state = rollup_state_new(1, person_key(0)) };
    made_init(&s->made, s->world);
    rollup_state_root(s->state, &s->before);
    assert_true(hash_equal(&s->before, &s->world->root));
    add_deposits(&s->made);
    find_truth(s);
    s->view = (struct policy_view){
        .own = *person_key(WATCHER), .now_us = 0, .next_block = 8, .batch = { { 7 } },
        .context = s->made.context,
        .proposer = *person_key(LIAR), .items = 3, .claimed = s->truth, .right = true, .open = true,
        .published = true,
        .window_end_us = WINDOW_US, .challenge_us = WINDOW_US,
        .terms = { .max_clock_us = 1000, .extension_us = 100, .step_extension_us = 30, .air_gap_us = 500,
                   .payout_delay_us = 200, .bond_base = 100, .bond_numerator = 3, .bond_denominator = 2 } };
}

static void claim_false_root(struct scene *s)
{
    s->view.claimed.root.bytes[0] ^= 1;
    s->view.right = false;
}

static void claim_false_withdrawals(struct scene *s)
{
    s->view.claimed.withdrawal_root.bytes[0] ^= 1;
    s->view.right = false;
}

static void make_plan(struct scene *s, struct policy_plan *plan)
{
    struct error error;
    struct hash after;

    *plan = (struct policy_plan){ .moves = NULL };
    assert_int_equal(policy_plan_make(&s->view, s->state, &s->made.batch, plan, &error), OK);
    rollup_state_root(s->state, &after);
    assert_true(hash_equal(&after, &s->before));
}

static void scene_close(struct scene *s)
{
    rollup_state_free(s->state);
    made_close(&s->made);
    world_free(s->world);
}

/* --- whether there is anything to do ---------------------------------------------------------- */
static void only_a_wrong_batch_of_others_in_its_window_concerns_it(void **state)
{
    static const struct game game;
    struct scene s;

    (void)state;
    scene_open(&s);
    assert_false(policy_is_concerned(&s.view));
    claim_false_root(&s);
    assert_true(policy_is_concerned(&s.view));
    s.view.now_us = WINDOW_US - 1;
    assert_true(policy_is_concerned(&s.view));
    s.view.now_us = WINDOW_US;
    assert_false(policy_is_concerned(&s.view));
    s.view.now_us = 0;
    s.view.open = false;
    assert_false(policy_is_concerned(&s.view));
    s.view.open = true;
    s.view.proposer = s.view.own;
    assert_false(policy_is_concerned(&s.view));
    s.view.game = &game; /* one that runs always does: moves in it may be missing */
    assert_true(policy_is_concerned(&s.view));
    scene_close(&s);
}

/* --- the challenge ---------------------------------------------------------------------------- */
static void a_false_root_is_challenged_with_the_truth_half_way(void **state)
{
    const unsigned depth = batch_game_depth(3);
    struct policy_command command;
    struct policy_plan plan;
    struct batch_trace *trace;
    struct hash value;
    struct error error;
    struct scene s;
    char hex[65];

    (void)state;
    scene_open(&s);
    claim_false_root(&s);
    make_plan(&s, &plan);
    assert_false(plan.has_proof);
    assert_int_equal(policy_proof_next(&s.view, &plan, NULL), POLICY_NO_PROOF);
    trace = batch_trace_open(s.state, &s.made.batch);
    assert_int_equal(batch_trace_value(trace, ((unsigned)1 << (depth - 1)) - 1, &value, &error), OK);
    batch_trace_close(trace);
    assert_true(hash_equal(&value, &plan.value));
    policy_challenge_command(&s.view, &plan, &command);
    assert_string_equal(command.method, "game.challenge");
    assert_int_equal(command.bond, 150);
    hex_text(hex, value.bytes, sizeof(value.bytes));
    assert_string_equal(json_string_value(json_object_get(command.params, "value")), hex);
    hex_text(hex, s.view.batch.bytes, sizeof(s.view.batch.bytes));
    assert_string_equal(json_string_value(json_object_get(command.params, "batch")), hex);
    json_decref(command.params);
    policy_plan_close(&plan);
    scene_close(&s);
}

/* --- the proof -------------------------------------------------------------------------------- */
static void false_withdrawals_are_committed_to_and_proved(void **state)
{
    const struct hash salt = { { 3 } };
    struct policy_command command;
    struct policy_plan plan;
    enum fraud_kind kind;
    struct error error;
    struct hash hash;
    struct scene s;
    char hex[65];

    (void)state;
    scene_open(&s);
    claim_false_withdrawals(&s);
    make_plan(&s, &plan);
    assert_true(plan.has_proof);
    assert_int_equal(fraud_verify(&s.made.batch, &s.view.claimed, buffer_bytes(&plan.proof), &kind, &error),
                     OK);
    assert_int_equal(kind, FRAUD_WITHDRAWALS);
    policy_commit_command(&s.view, &plan, &salt, &command);
    assert_string_equal(command.method, "fraud.commit");
    assert_int_equal(command.bond, 0);
    fraud_commitment_hash(&hash, &s.view.batch, &s.view.own, &salt, buffer_bytes(&plan.proof));
    hex_text(hex, hash.bytes, sizeof(hash.bytes));
    assert_string_equal(json_string_value(json_object_get(command.params, "commitment")), hex);
    json_decref(command.params);
    policy_reveal_command(&s.view, &plan, &salt, &command);
    assert_string_equal(command.method, "fraud.prove");
    assert_int_equal(strlen(json_string_value(json_object_get(command.params, "proof"))),
                     2 * plan.proof.size);
    json_decref(command.params);
    policy_plan_close(&plan);
    scene_close(&s);
}

static void every_part_of_a_commitment_counts(void **state)
{
    const struct hash batches[] = { { { 1 } }, { { 2 } } }, salts[] = { { { 3 } }, { { 4 } } };
    const char *const proofs[] = { "proof", "prooF" };
    struct hash first, changed;

    (void)state;
    fraud_commitment_hash(&first, &batches[0], person_key(1), &salts[0], bytes_of_text(proofs[0]));
    fraud_commitment_hash(&changed, &batches[1], person_key(1), &salts[0], bytes_of_text(proofs[0]));
    assert_false(hash_equal(&first, &changed));
    fraud_commitment_hash(&changed, &batches[0], person_key(2), &salts[0], bytes_of_text(proofs[0]));
    assert_false(hash_equal(&first, &changed));
    fraud_commitment_hash(&changed, &batches[0], person_key(1), &salts[1], bytes_of_text(proofs[0]));
    assert_false(hash_equal(&first, &changed));
    fraud_commitment_hash(&changed, &batches[0], person_key(1), &salts[0], bytes_of_text(proofs[1]));
    assert_false(hash_equal(&first, &changed));
}

static void nobody_proves_against_himself_nor_what_is_over_or_unseen(void **state)
{
    struct policy_plan plan;
    struct scene s;

    (void)state;
    scene_open(&s);
    claim_false_withdrawals(&s);
    s.view.proposer = s.view.own;
    make_plan(&s, &plan);
    assert_false(plan.has_proof);
    policy_plan_close(&plan);
    s.view.proposer = *person_key(LIAR);
    s.view.open = false;
    make_plan(&s, &plan);
    assert_false(plan.has_proof);
    policy_plan_close(&plan);
    s.view.open = true;
    s.view.published = false;
    make_plan(&s, &plan);
    assert_false(plan.has_proof);
    policy_plan_close(&plan);
    scene_close(&s);
}

static void a_game_shows_a_wrong_root_and_not_wrong_withdrawals(void **state)
{
    struct policy_plan plan;
    struct scene s;

    (void)state;
    scene_open(&s);
    claim_false_root(&s);
    make_plan(&s, &plan);
    assert_true(plan.game_shows);
    policy_plan_close(&plan);
    s.view.claimed = s.truth;
    s.view.claimed.withdrawals++;
    make_plan(&s, &plan);
    assert_false(plan.game_shows);
    policy_plan_close(&plan);
    scene_close(&s);
}

static void a_commitment_waits_two_blocks_and_is_not_relied_on_for_ever(void **state)
{
    const struct policy_plan plan = { .has_proof = true };
    const uint64_t made = 100;
    struct policy_view view = { .next_block = 101 };

    (void)state;
    assert_int_equal(policy_proof_next(&view, &plan, NULL), POLICY_COMMIT);
    assert_int_equal(policy_proof_next(&view, &plan, &made), POLICY_WAIT);
    view.next_block = 102;
    assert_int_equal(policy_proof_next(&view, &plan, &made), POLICY_REVEAL);
    view.next_block = 109;
    assert_int_equal(policy_proof_next(&view, &plan, &made), POLICY_REVEAL);
    view.next_block = 110;
    assert_int_equal(policy_proof_next(&view, &plan, &made), POLICY_REVEAL_LATE);
}

static void in_the_last_quarter_of_its_window_a_batch_is_not_left_to_a_proof(void **state)
{
    struct policy_view view = { .challenge_us = 400, .window_end_us = 400, .now_us = 299 };

    (void)state;
    assert_true(policy_leaves_it_to_the_proof(&view, POLICY_COMMIT, true));
    assert_true(policy_leaves_it_to_the_proof(&view, POLICY_WAIT, false));
    assert_true(policy_leaves_it_to_the_proof(&view, POLICY_REVEAL, false));
    assert_false(policy_leaves_it_to_the_proof(&view, POLICY_COMMIT, false));
    assert_false(policy_leaves_it_to_the_proof(&view, POLICY_NO_PROOF, false));
    assert_false(policy_leaves_it_to_the_proof(&view, POLICY_REVEAL_LATE, false));
    assert_true(policy_leaves_it_to_the_proof(&view, POLICY_REVEAL_LATE, true));
    view.now_us = 300;
    assert_false(policy_leaves_it_to_the_proof(&view, POLICY_COMMIT, true));
    assert_false(policy_leaves_it_to_the_proof(&view, POLICY_WAIT, false));
    assert_false(policy_leaves_it_to_the_proof(&view, POLICY_REVEAL, false));
    assert_true(policy_leaves_it_to_the_proof(&view, POLICY_REVEAL, true));
}

/* --- games ------------------------------------------------------------------------------------ */
struct table {
    struct scene scene;
    struct claim claims[CLAIMS];
    struct game game;
    int64_t now_us;
    unsigned steps[2]; /* attacking, defending */
};

static void table_open(struct table *t, bool right)
{
    struct game_params params;
    struct error error;
    struct hash root;

    *t = (struct table){ .now_us = 1000 };
    scene_open(&t->scene);
    if (!right)
        claim_false_root(&t->scene);
    params = t->scene.view.terms;
    params.max_depth = batch_game_depth(3);
    params.split_depth = BATCH_SPLIT_DEPTH(params.max_depth);
    batch_prestate(&t->scene.made.batch, &t->scene.made.context, &params.prestate);
    batch_root_claim(&t->scene.made.context, params.max_depth, &t->scene.view.claimed.root, &root);
    assert_int_equal(game_begin(&params, t->claims, CLAIMS, &root, &t->scene.view.proposer, t->now_us,
                                &t->game, &error), OK);
    t->scene.view.game = &t->game;
    t->scene.view.game_id = (struct hash){ { 4 } };
}

struct judged {
    const struct scene *scene;
    const struct buffer *witness;
};

static enum status judge(void *context, unsigned __int128 index, const struct hash *pre,
                         const struct hash *post, bool *right, struct error *error)
{
    const struct judged *j = context;

    return machine_judge(&j->scene->made.batch.machine, &j->scene->made.context, &j->scene->made.items_root,
                         (uint64_t)index, pre, post, buffer_bytes(j->witness), right, error);
}

static void check_command(const struct table *t, const struct policy_move *planned)
{
    const enum move_kind kind = planned->move.kind;
    const bool claims = kind == MOVE_ATTACK || kind == MOVE_DEFEND;
    struct policy_command command;

    policy_move_command(&t->scene.view, planned, &command);
    assert_string_equal(command.method, claims ? "game.move" : "game.step");
    assert_string_equal(json_string_value(json_object_get(command.params, "kind")),
                        kind == MOVE_ATTACK || kind == MOVE_STEP_ATTACK ? "attack" : "defend");
    assert_int_equal(json_integer_value(json_object_get(command.params, "claim")), planned->move.parent);
    assert_int_equal(command.bond, claims ? planned->move.bond : 0);
    assert_true((json_object_get(command.params, "witness") != NULL) == !claims);
    assert_true((json_object_get(command.params, "value") != NULL) == claims);
    json_decref(command.params);
}

/* What the policy says, each move taken at its word. Returns how many. */
static uint32_t watcher_plays(struct table *t)
{
    struct policy_plan plan;
    struct error error;
    uint32_t made, count;

    t->scene.view.now_us = t->now_us;
    make_plan(&t->scene, &plan);
    for (uint32_t i = 0; i < plan.move_count; i++) {
        const struct move *move = &plan.moves[i].move;
        struct judged judged = { &t->scene, &plan.moves[i].witness };

        assert_false(account_equal(&t->claims[move->parent].claimant, &t->scene.view.own));
        check_command(t, &plan.moves[i]);
        if (move->kind == MOVE_ATTACK || move->kind == MOVE_DEFEND) {
            assert_int_equal(game_move(&t->game, move, t->now_us, &made, &error), OK);
        } else {
            assert_int_equal(game_step(&t->game, move, &(struct step_judge){ judge, &judged }, t->now_us,
                                       &error), OK);
            t->steps[move->kind == MOVE_STEP_DEFEND]++;
        }
    }
    count = plan.move_count;
    policy_plan_close(&plan);
    return count;
}

static void tell_truth(struct table *t, struct move *move)
{
    const struct position parent = t->claims[move->parent].position;
    const struct position at = move->kind == MOVE_ATTACK ? position_attack(parent) : position_defend(parent);
    struct batch_trace *trace = batch_trace_open(t->scene.state, &t->scene.made.batch);
    struct error error;

    assert_int_equal(batch_trace_value(trace, position_trace_index(at, t->game.params.max_depth),
                                       &move->value, &error), OK);
    batch_trace_close(trace);
}

/* Invents something against one of the claims; or says the truth where it does not belong. */
static void liar_plays(struct table *t)
{
    const uint32_t parent = (uint32_t)dice_roll(&dice, t->game.count);
    struct move move = { .kind = parent > 0 && dice_one_in(&dice, 2) ? MOVE_DEFEND : MOVE_ATTACK,
                         .parent = parent, .disputed = t->claims[parent].value, .mover = *person_key(LIAR) };
    const unsigned depth = position_depth(t->claims[parent].position);
    struct error error;
    uint32_t made;

    if (depth == t->game.params.max_depth)
        return;
    if (dice_one_in(&dice, 3))
        tell_truth(t, &move);
    else
        put_be64(move.value.bytes, dice_roll(&dice, UINT64_MAX));
    move.bond = game_bond(&t->game.params, depth + 1);
    if (game_move(&t->game, &move, t->now_us, &made, &error) == OK)
        assert_true(made > 0);
}

static void end_game(struct table *t)
{
    struct error error;

    t->now_us += game_longest_us(&t->game.params);
    while (game_resolve_ready(&t->game, t->now_us) > 0)
        continue;
    assert_int_equal(game_resolve(&t->game, t->now_us, &error), OK);
}

static void it_wins_every_game_and_none_of_its_claims_falls(void **state)
{
    unsigned attacking = 0, defending = 0;

    (void)state;
    for (unsigned i = 0; i < GAMES; i++) {
        struct table t;

        table_open(&t, i % 4 == 0);
        for (unsigned turn = 0; turn < 12; turn++) {
            liar_plays(&t);
            (void)watcher_plays(&t);
            assert_int_equal(watcher_plays(&t), 0); /* it looks again, and has said all */
            t.now_us += (int64_t)dice_roll(&dice, 20);
        }
        end_game(&t);
        assert_int_equal(t.game.status, t.scene.view.right ? GAME_DEFENDED : GAME_DEFEATED);
        for (uint32_t k = 0; k < t.game.count; k++)
            if (account_equal(&t.claims[k].claimant, &t.scene.view.own))
                assert_false(t.claims[k].countered);
        attacking += t.steps[0];
        defending += t.steps[1];
        scene_close(&t.scene);
    }
    assert_true(attacking > 0 && defending > 0);
}

static void it_does_not_play_against_claims_of_its_own_account(void **state)
{
    struct table t;

    (void)state;
    table_open(&t, false);
    t.claims[0].claimant = t.scene.view.own;
    t.scene.view.proposer = t.scene.view.own;
    assert_int_equal(watcher_plays(&t), 0);
    t.claims[0].claimant = *person_key(LIAR);
    assert_int_equal(watcher_plays(&t), 1);
    scene_close(&t.scene);
}

static void a_reserve_is_the_dearer_sides_way_down(void **state)
{
    struct game_params terms = { .bond_base = 100, .bond_numerator = 3, .bond_denominator = 2 };

    (void)state;
    assert_int_equal(policy_reserve(&terms, 1), 150);
    assert_int_equal(policy_reserve(&terms, 2), 225);
    assert_int_equal(policy_reserve(&terms, 3), 150 + 337);
    terms.bond_numerator = 1; /* each claim half of the one above */
    assert_int_equal(policy_reserve(&terms, 4), 50 + 12);
}

/* --- refusals --------------------------------------------------------------------------------- */
static void refusals_that_pass_are_told_from_those_that_do_not(void **state)
{
    unsigned passing = 0;

    (void)state;
    for (size_t i = 0; i < status_count(); i++)
        passing += policy_refusal_passes(status_at(i));
    assert_int_equal(passing, 12);
    assert_true(policy_refusal_passes(ERROR_DUPLICATE_CLAIM));
    assert_true(policy_refusal_passes(ERROR_INSUFFICIENT_BALANCE));
    assert_false(policy_refusal_passes(ERROR_STEP_CONFIRMS));
    assert_false(policy_refusal_passes(ERROR_INVALID_WITNESS));
    assert_false(policy_refusal_passes(ERROR_NOT_FRAUD));
    assert_false(policy_refusal_passes(OK));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_a_wrong_batch_of_others_in_its_window_concerns_it),
        cmocka_unit_test(a_false_root_is_challenged_with_the_truth_half_way),
        cmocka_unit_test(false_withdrawals_are_committed_to_and_proved),
        cmocka_unit_test(every_part_of_a_commitment_counts),
        cmocka_unit_test(nobody_proves_against_himself_nor_what_is_over_or_unseen),
        cmocka_unit_test(a_game_shows_a_wrong_root_and_not_wrong_withdrawals),
        cmocka_unit_test(a_commitment_waits_two_blocks_and_is_not_relied_on_for_ever),
        cmocka_unit_test(in_the_last_quarter_of_its_window_a_batch_is_not_left_to_a_proof),
        cmocka_unit_test(it_wins_every_game_and_none_of_its_claims_falls),
        cmocka_unit_test(it_does_not_play_against_claims_of_its_own_account),
        cmocka_unit_test(a_reserve_is_the_dearer_sides_way_down),
        cmocka_unit_test(refusals_that_pass_are_told_from_those_that_do_not),
    };
    const char *seed = getenv("LAYERD_SEED");

    crypto_start();
    dice.state = seed != NULL ? strtoull(seed, NULL, 10) : (uint64_t)clock_wall_us();
    print_message("LAYERD_SEED=%" PRIu64 "\n", dice.state);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
