/* Channels funded by channels on a whole node: a sub-channel of alice and bob, and a virtual channel of alice
 * and bob through ingrid. Each runs with all keys here and with one of them elsewhere, without and with a
 * restart between any two steps; and each ends on the ledger when somebody vanishes. What everybody has at
 * the end is exact. */
#include "virtual_support.h"

#include "base/bech32.h"
#include "crypto/keystore.h"

static int setup(void **state)
{
    *state = memory_new(sizeof(struct scene));
    return 0;
}

static int teardown(void **state)
{
    struct scene *s = *state;

    fixture_audit(&s->p.f);
    fixture_replay(&s->p.f);
    fixture_stop(&s->p.f);
    memory_free_pointer(state);
    return 0;
}

/* --- a channel in a channel ------------------------------------------------------------------- */
static void fund_child(struct scene *s)
{
    run_on_ledger(s, &s->parent, 1, "alice", 600, "bob", 400);
    describe_side(s, &s->child, "alice", "bob", NULL, 2);
    open_side(s, &s->child, "alice", shares(s, "alice", 200, "bob", 100), &s->parent, NULL);
    is_in(s, &s->child, PHASE_FUNDING);
    bring(s, &s->parent, "alice", with(shares(s, "alice", 400, "bob", 300), funding(&s->child, 300)), false);
    is_in(s, &s->child, PHASE_FUNDED);
}

static void run_child(struct scene *s)
{
    fund_child(s);
    bring(s, &s->child, "alice", shares(s, "alice", 200, "bob", 100), false);
    is_in(s, &s->child, PHASE_RUNNING);
    bring(s, &s->child, "alice", shares(s, "alice", 120, "bob", 180), false);
    bring(s, &s->child, "alice", shares(s, "alice", 50, "bob", 250), false);
}

static void end_child(struct scene *s)
{
    run_child(s);
    bring(s, &s->child, "alice", shares(s, "alice", 50, "bob", 250), true);
    is_in(s, &s->child, PHASE_FINAL);
}

static void live_in_a_channel(struct scene *s)
{
    end_child(s);
    bring(s, &s->parent, "alice", shares(s, "alice", 450, "bob", 550), false);
    is_in(s, &s->child, PHASE_CLOSED);
    assert_int_equal(number(&s->p, "SELECT count(*) FROM channel WHERE id = x'$'"), 0);
    bring(s, &s->parent, "alice", shares(s, "alice", 450, "bob", 550), true);
    comes_to(s, &s->parent, PHASE_CLOSED);
    gains(s, -150, 0, 150);
}

static void a_channel_in_a_channel_lives_and_ends(void **state)
{
    struct scene *s = *state;

    begin(s, NULL);
    live_in_a_channel(s);
}

static void a_channel_in_a_channel_lives_with_restarts(void **state)
{
    struct scene *s = *state;

    s->restarts = true;
    begin(s, NULL);
    live_in_a_channel(s);
}

static void a_channel_in_a_channel_lives_with_a_key_elsewhere(void **state)
{
    struct scene *s = *state;

    s->restarts = true;
    begin(s, "bob");
    live_in_a_channel(s);
}

/* Bob is gone: the parent's end pays into the child, which goes on as a channel of the ledger. */
static void end_on_ledger(struct scene *s, enum channel_phase of_child, int alice)
{
    s->is_gone = true;
    dispute(s, &s->parent, "alice");
    let_time_run(s);
    comes_to(s, &s->parent, PHASE_CLOSED);
    comes_to(s, &s->child, of_child);
    if (of_child != PHASE_CLOSED) {
        assert_int_equal(fixture_sql(&s->p.f, "SELECT sum(amount) FROM v_channel_holding"), 300);
        dispute(s, &s->child, "alice");
        let_time_run(s);
        comes_to(s, &s->child, PHASE_CLOSED);
    }
    gains(s, alice, 0, -alice);
}

static void a_child_that_never_ran_gives_back_what_was_put_in(void **state)
{
    struct scene *s = *state;

    begin(s, "bob");
    fund_child(s);
    end_on_ledger(s, PHASE_FUNDED, 0);
}

static void a_running_child_takes_its_parents_money_on_the_ledger(void **state)
{
    struct scene *s = *state;

    s->restarts = true;
    begin(s, "bob");
    run_child(s);
    end_on_ledger(s, PHASE_RUNNING, -150);
}

static void a_final_child_is_concluded_with_its_parents_money(void **state)
{
    struct scene *s = *state;

    s->restarts = true;
    begin(s, "bob");
    end_child(s);
    end_on_ledger(s, PHASE_CLOSED, -150);
}

/* The other way round: the money comes when the child has ended already. */
static void a_child_that_ended_first_pays_on_what_comes_later(void **state)
{
    struct scene *s = *state;

    s->restarts = true;
    begin(s, "bob");
    end_child(s);
    conclude_by_stranger(s, &s->child);
    assert_int_equal(events(s, "channel.paid"), 0);
    end_on_ledger(s, PHASE_CLOSED, -150);
    assert_int_equal(fixture_sql(&s->p.f, "SELECT count(*) FROM effect WHERE key LIKE '%/transfer/%'"), 1);
}

/* --- a channel through somebody --------------------------------------------------------------- */
static void open_through(struct scene *s)
{
    run_on_ledger(s, &s->left, 11, "alice", 600, "ingrid", 400);
    run_on_ledger(s, &s->right, 12, "ingrid", 500, "bob", 300);
    describe_side(s, &s->through, "alice", "ingrid", "bob", 13);
    open_side(s, &s->through, s->outside != NULL && strcmp(s->outside, "alice") == 0 ? "bob" : "alice",
              shares(s, "alice", 200, "bob", 100), &s->left, &s->right);
    is_in(s, &s->through, PHASE_FUNDING);
}

/* Whoever of two is here. */
static const char *who(const struct scene *s, const char *first, const char *second)
{
    return s->outside != NULL && strcmp(s->outside, first) == 0 ? second : first;
}

static void guarantee_left(struct scene *s)
{
    bring(s, &s->left, who(s, "alice", "ingrid"),
          with(shares(s, "alice", 400, "ingrid", 300), guarantee(s, 300, "alice", "ingrid")), false);
    is_in(s, &s->through, PHASE_FUNDING);
}

static void guarantee_right(struct scene *s)
{
    bring(s, &s->right, who(s, "ingrid", "bob"),
          with(shares(s, "ingrid", 300, "bob", 200), guarantee(s, 300, "ingrid", "bob")), false);
    is_in(s, &s->through, PHASE_FUNDED);
}

static void run_through(struct scene *s)
{
    const char *by = who(s, "alice", "bob");

    open_through(s);
    guarantee_left(s);
    guarantee_right(s);
    bring(s, &s->through, by, shares(s, "alice", 200, "bob", 100), false);
    is_in(s, &s->through, PHASE_RUNNING);
    bring(s, &s->through, by, shares(s, "alice", 120, "bob", 180), false);
    bring(s, &s->through, by, shares(s, "alice", 50, "bob", 250), false);
}

static void end_through(struct scene *s)
{
    run_through(s);
    bring(s, &s->through, who(s, "alice", "bob"), shares(s, "alice", 50, "bob", 250), true);
    is_in(s, &s->through, PHASE_FINAL);
}

/* Taken back off the ledger by the two of a side, and their channel concluded. */
static void close_left(struct scene *s, int alice, int ingrid)
{
    const char *by = who(s, "alice", "ingrid");

    bring(s, &s->left, by, shares(s, "alice", alice, "ingrid", ingrid), false);
    bring(s, &s->left, by, shares(s, "alice", alice, "ingrid", ingrid), true);
    comes_to(s, &s->left, PHASE_CLOSED);
}

static void close_right(struct scene *s, int ingrid, int bob)
{
    const char *by = who(s, "ingrid", "bob");

    bring(s, &s->right, by, shares(s, "ingrid", ingrid, "bob", bob), false);
    bring(s, &s->right, by, shares(s, "ingrid", ingrid, "bob", bob), true);
    comes_to(s, &s->right, PHASE_CLOSED);
}

static void live_through(struct scene *s)
{
    end_through(s);
    bring(s, &s->left, who(s, "alice", "ingrid"), shares(s, "alice", 450, "ingrid", 550), false);
    is_in(s, &s->through, PHASE_FINAL); /* the right one holds its part still */
    close_right(s, 350, 450);
    is_in(s, &s->through, PHASE_CLOSED);
    assert_int_equal(number(&s->p, "SELECT count(*) FROM channel WHERE id = x'$'"), 0);
    bring(s, &s->left, who(s, "alice", "ingrid"), shares(s, "alice", 450, "ingrid", 550), true);
    comes_to(s, &s->left, PHASE_CLOSED);
    gains(s, -150, 0, 150);
}

static void a_channel_through_somebody_lives_and_ends(void **state)
{
    struct scene *s = *state;

    begin(s, NULL);
    live_through(s);
}

static void a_channel_through_somebody_lives_with_restarts(void **state)
{
    struct scene *s = *state;

    s->restarts = true;
    begin(s, NULL);
    live_through(s);
}

static void a_channel_through_somebody_lives_with_bobs_key_elsewhere(void **state)
{
    struct scene *s = *state;

    s->restarts = true;
    begin(s, "bob");
    live_through(s);
}

static void a_channel_through_somebody_lives_with_his_key_elsewhere(void **state)
{
    struct scene *s = *state;

    begin(s, "ingrid");
    live_through(s);
}

/* --- somebody vanishes ------------------------------------------------------------------------ */
/* Before the right one guarantees anything: the left one takes back without the ledger. */
static void half_a_guarantee_is_taken_back_when_bob_is_gone(void **state)
{
    struct scene *s = *state;

    s->restarts = true;
    begin(s, "bob");
    open_through(s);
    guarantee_left(s);
    s->is_gone = true;
    close_left(s, 600, 400);
    dispute(s, &s->right, "ingrid");
    let_time_run(s);
    comes_to(s, &s->right, PHASE_CLOSED);
    gains(s, 0, 0, 0);
}

/* The left one ends on the ledger with a guarantee for a channel that nobody ever ran. */
static void half_a_guarantee_comes_home_when_ingrid_is_gone(void **state)
{
    struct scene *s = *state;

    s->restarts = true;
    begin(s, "ingrid");
    open_through(s);
    guarantee_left(s);
    s->is_gone = true;
    dispute_both(s);
    let_time_run(s);
    comes_to(s, &s->left, PHASE_CLOSED);
    comes_to(s, &s->right, PHASE_CLOSED);
    assert_int_equal(events(s, "channel.reclaimed"), 1);
    gains(s, 0, 0, 0);
}

static void both_guarantees_come_home_before_the_first_step(void **state)
{
    struct scene *s = *state;

    s->restarts = true;
    begin(s, "ingrid");
    open_through(s);
    guarantee_left(s);
    guarantee_right(s);
    s->is_gone = true;
    dispute(s, &s->left, "alice");
    let_time_run(s);
    comes_to(s, &s->left, PHASE_CLOSED);
    dispute(s, &s->right, "bob");
    let_time_run(s);
    comes_to(s, &s->right, PHASE_CLOSED);
    gains(s, 0, 0, 0);
}

/* One side ends on the ledger, the other one without it. */
static void lose_bob(struct scene *s)
{
    s->is_gone = true;
    dispute(s, &s->right, "ingrid");
    let_time_run(s);
    comes_to(s, &s->right, PHASE_CLOSED);
    comes_to(s, &s->through, PHASE_CLOSED);
    close_left(s, 450, 550);
    assert_int_equal(events(s, "channel.reclaimed"), 1);
    gains(s, -150, 0, 150);
}

static void lose_alice(struct scene *s)
{
    s->is_gone = true;
    dispute(s, &s->left, "ingrid");
    let_time_run(s);
    comes_to(s, &s->left, PHASE_CLOSED);
    comes_to(s, &s->through, PHASE_CLOSED);
    close_right(s, 350, 450);
    assert_int_equal(events(s, "channel.reclaimed"), 1);
    gains(s, -150, 0, 150);
}

static void lose_ingrid(struct scene *s)
{
    s->is_gone = true;
    dispute_both(s);
    let_time_run(s);
    comes_to(s, &s->left, PHASE_CLOSED);
    comes_to(s, &s->right, PHASE_CLOSED);
    comes_to(s, &s->through, PHASE_CLOSED);
    assert_int_equal(events(s, "channel.reclaimed"), 2);
    gains(s, -150, 0, 150);
}

static void somebody_vanishes(struct scene *s, const char *who_does, bool is_final, bool restarts)
{
    s->restarts = restarts;
    begin(s, who_does);
    if (is_final)
        end_through(s);
    else
        run_through(s);
    if (strcmp(who_does, "alice") == 0)
        lose_alice(s);
    else if (strcmp(who_does, "bob") == 0)
        lose_bob(s);
    else
        lose_ingrid(s);
    assert_int_equal(events(s, "channel.submit_failed"), 0);
}

static void bob_vanishes_while_it_runs(void **state)
{
    somebody_vanishes(*state, "bob", false, true);
}

static void alice_vanishes_while_it_runs(void **state)
{
    somebody_vanishes(*state, "alice", false, false);
}

static void ingrid_vanishes_while_it_runs(void **state)
{
    somebody_vanishes(*state, "ingrid", false, true);
}

static void bob_vanishes_at_the_end(void **state)
{
    somebody_vanishes(*state, "bob", true, false);
}

static void alice_vanishes_at_the_end(void **state)
{
    somebody_vanishes(*state, "alice", true, true);
}

static void ingrid_vanishes_at_the_end(void **state)
{
    somebody_vanishes(*state, "ingrid", true, true);
}

/* --- what else may happen on the way ---------------------------------------------------------- */
/* Alice, who is to get less, brings an older state before she is gone. */
static void an_old_state_of_the_channel_through_is_answered(void **state)
{
    struct scene *s = *state;
    struct channel_state old;
    struct buffer bytes CLEANUP(buffer_close) = { 0 };
    struct hash hash, challenge;
    struct place *p = &s->p;
    json_t *signatures = json_array(), *params;

    begin(s, "alice");
    run_through(s);
    s->is_gone = true;
    at(s, &s->through);
    register_by_stranger(s, &s->through);
    old = state_of(&p->fixed, 2, (uint64_t[]){ 120, 180, UINT64_MAX }, p->all);
    p->all[1].account = fixture_key(&p->f, "bob")->account;
    channel_state_encode(&old, &bytes);
    channel_state_hash(&p->id, &old, &hash);
    channel_challenge_hash(&p->id, &hash, &challenge);
    for (size_t i = 0; i < 3; i++)
        json_array_append_new(signatures, json_pack("{s:s, s:o}", "key", fixture_address(&p->f, people[i]),
                                                    "signature", signature_of(p, people[i], &hash)));
    params = json_pack("{s:s, s:[{s:o, s:o}], s:s, s:o}", "channel", p->hex, "states", "state",
                       hex_json(bytes.data, bytes.size), "signatures", signatures, "challenger",
                       fixture_address(&p->f, "alice"), "signature", signature_of(p, "alice", &challenge));
    assert_int_equal(fixture_try(&p->f, "alice", "channel.challenge", params, NULL), OK);
    come_to_rest(s);
    is_in(s, &s->through, PHASE_RUNNING);
    lose_alice(s);
}

static void a_challenge_waits_for_the_keystore(void **state)
{
    struct scene *s = *state;
    struct error error;

    begin(s, "bob");
    run_through(s);
    register_by_stranger(s, &s->through);
    s->is_gone = true;
    dispute(s, &s->right, "ingrid");
    keystore_lock(s->p.f.keystore);
    advance(&s->p, 11 * MINUTE);
    await(&s->p, "SELECT count(*) FROM effect WHERE state = 'waiting' AND attempts > 0", 1);
    at(s, &s->through);
    assert_int_equal(number(&s->p, "SELECT turn_record FROM channel WHERE id = x'$'"), 0);
    assert_int_equal(keystore_unlock(s->p.f.keystore, "the tests' own", &error), OK);
    come_to_rest(s);
    assert_int_equal(number(&s->p, "SELECT turn_record FROM channel WHERE id = x'$'"), 3);
    let_time_run(s);
    comes_to(s, &s->right, PHASE_CLOSED);
    close_left(s, 450, 550);
    gains(s, -150, 0, 150);
}

static void a_pause_is_not_challenged(void **state)
{
    struct scene *s = *state;

    begin(s, "bob");
    run_through(s);
    at(s, &s->through);
    assert_call(OK, &s->p, "channel.suspend", json_pack("{s:s}", "channel", s->p.hex), NULL);
    s->is_gone = true;
    dispute(s, &s->right, "ingrid");
    let_time_run(s);
    is_in(s, &s->through, PHASE_SUSPENDED);
    assert_int_equal(events(s, "channel.reclaimed"), 0);
    assert_call(OK, &s->p, "channel.resume", json_pack("{s:s}", "channel", s->p.hex), NULL);
    let_time_run(s);
    comes_to(s, &s->right, PHASE_CLOSED);
    close_left(s, 450, 550);
    gains(s, -150, 0, 150);
}

/* The target ends first; then the guarantee comes home as soon as its own channel ends. */
static void a_channel_through_that_ended_first_is_waited_for_by_nobody(void **state)
{
    struct scene *s = *state;

    s->restarts = true;
    begin(s, "bob");
    end_through(s);
    conclude_by_stranger(s, &s->through);
    come_to_rest(s);
    is_in(s, &s->through, PHASE_CLOSED);
    lose_bob(s);
}

/* Two channels through ingrid in one pair of ledger channels: both guarantees come home, each once. */
static void several_guarantees_come_home_one_after_the_other(void **state)
{
    struct scene *s = *state;
    struct side first;
    json_t *entries;

    begin(s, "bob");
    open_through(s);
    guarantee_left(s);
    guarantee_right(s);
    bring(s, &s->through, "alice", shares(s, "alice", 200, "bob", 100), false);
    first = s->through;
    describe_side(s, &s->through, "alice", "ingrid", "bob", 14);
    open_side(s, &s->through, "alice", shares(s, "alice", 20, "bob", 10), &s->left, &s->right);
    entries = with(with(shares(s, "alice", 380, "ingrid", 290), guarantee(s, 30, "alice", "ingrid")),
                   guarantee_for(s, &first, 300, "alice", "ingrid"));
    bring(s, &s->left, "alice", entries, false);
    entries = with(with(shares(s, "ingrid", 280, "bob", 190), guarantee(s, 30, "ingrid", "bob")),
                   guarantee_for(s, &first, 300, "ingrid", "bob"));
    bring(s, &s->right, "ingrid", entries, false);
    bring(s, &s->through, "alice", shares(s, "alice", 20, "bob", 10), false);
    bring(s, &s->through, "alice", shares(s, "alice", 5, "bob", 25), false);
    bring(s, &first, "alice", shares(s, "alice", 50, "bob", 250), false);
    s->is_gone = true;
    dispute(s, &s->right, "ingrid");
    advance(&s->p, 5 * MINUTE);
    dispute(s, &first, "alice");
    advance(&s->p, 5 * MINUTE);
    dispute(s, &s->through, "alice");
    let_time_run(s);
    comes_to(s, &s->right, PHASE_CLOSED);
    assert_int_equal(events(s, "channel.reclaimed"), 2);
    close_left(s, 435, 565);
    gains(s, -165, 0, 165);
}

/* --- cheats ----------------------------------------------------------------------------------- */
struct share { const char *who; uint64_t amount; };

/* A state of simple entries; ended by who NULL. */
static struct channel_state state_with(struct scene *s, const struct side *side, uint64_t turn, bool final,
                                       const struct share *shares)
{
    struct channel_state state = { .turn = turn, .final = final, .allocations = s->p.all };

    at(s, side);
    for (; shares->who != NULL; shares++)
        s->p.all[state.allocation_count++] = (struct allocation){
            .amount = shares->amount, .account = fixture_key(&s->p.f, shares->who)->account };
    return state;
}

/* Whoever keeps his key elsewhere proposes it. True: all have signed. */
static bool is_signed_at_once(struct scene *s, const struct side *side, const char *by,
                              const struct channel_state *state, json_t *entries)
{
    json_t *result = NULL;
    struct hash hash;
    bool supported;

    at(s, side);
    channel_state_hash(&side->id, state, &hash);
    assert_call(OK, &s->p, "channel.update",
                json_pack("{s:s, s:I, s:b, s:o, s:s, s:o}", "channel", side->hex, "turn",
                          (json_int_t)state->turn, "final", state->final, "outcome", entries, "signer",
                          fixture_address(&s->p.f, by), "signature", signature_of(&s->p, by, &hash)),
                &result);
    supported = json_is_true(json_object_get(result, "supported"));
    json_decref(result);
    return supported;
}

static json_t *entries_of(const struct channel_state *state)
{
    json_t *entries = json_array();
    char address[ADDRESS_TEXT_MAX];

    for (size_t i = 0; i < state->allocation_count; i++) {
        address_encode(address, &state->allocations[i].account);
        json_array_append_new(entries, json_pack("{s:s, s:I}", "account", address, "amount",
                                                 (json_int_t)state->allocations[i].amount));
    }
    return entries;
}

static bool offer(struct scene *s, const struct side *side, const char *by, uint64_t turn, bool final,
                  const struct share *shares)
{
    struct channel_state state = state_with(s, side, turn, final, shares);

    return is_signed_at_once(s, side, by, &state, entries_of(&state));
}

static void reject(struct scene *s, const struct side *side, const char *by, uint64_t turn)
{
    struct hash hash, message;
    char sql[200], *text;

    at(s, side);
    snprintf(sql, sizeof(sql), "SELECT hex(staged_hash) FROM channel_local WHERE id = x'%s'", side->hex);
    text = fixture_sql_text(&s->p.f, sql);
    assert_true(hex_decode(hash.bytes, sizeof(hash.bytes), text, strlen(text)));
    free(text);
    channel_reject_hash(&side->id, &hash, &message);
    assert_call(OK, &s->p, "channel.reject",
                json_pack("{s:s, s:I, s:s, s:o}", "channel", side->hex, "turn", (json_int_t)turn, "signer",
                          fixture_address(&s->p.f, by), "signature", signature_of(&s->p, by, &message)),
                NULL);
}

static void set_policy(struct scene *s, const char *signer, const char *policy, const struct side *side)
{
    assert_call(OK, &s->p, "channel.policy",
                json_pack("{s:s, s:s, s:s}", "signer", fixture_address(&s->p.f, signer), "countersign",
                          policy, "channel", side->hex), NULL);
}

/* Guarantees come home by the places of the two entries, not by whose they are. */
static void entries_keep_their_places_under_a_guarantee(void **state)
{
    struct scene *s = *state;

    begin(s, "bob");
    run_through(s); /* alice 50, bob 250, by turn 3 */
    assert_false(offer(s, &s->through, "bob", 4, false,
                       (struct share[]){ { "bob", 250 }, { "alice", 50 }, { NULL, 0 } }));
    reject(s, &s->through, "bob", 4);
    assert_false(offer(s, &s->through, "bob", 5, false,
                       (struct share[]){ { "alice", 50 }, { "bob", 200 }, { "bob", 50 }, { NULL, 0 } }));
    reject(s, &s->through, "bob", 5);
    assert_true(offer(s, &s->through, "bob", 6, false,
                      (struct share[]){ { "alice", 60 }, { "bob", 240 }, { NULL, 0 } }));
}

/* Alice puts another guarantee for the same channel before the one by which ingrid gets 250. */
static void a_guarantee_does_not_hide_behind_another(void **state)
{
    struct scene *s = *state;
    struct channel_state two;
    struct allocation first;

    begin(s, "alice");
    end_through(s);
    two = state_with(s, &s->left, 3, false,
                     (struct share[]){ { "alice", 399 }, { "ingrid", 300 }, { NULL, 0 } });
    first = (struct allocation){ .kind = ALLOCATION_GUARANTEE, .amount = 1, .target = s->through.id,
                                 .left = fixture_key(&s->p.f, "alice")->account,
                                 .right = fixture_key(&s->p.f, "bob")->account };
    two.allocations[two.allocation_count++] = first;
    first.amount = 300;
    first.right = fixture_key(&s->p.f, "ingrid")->account;
    two.allocations[two.allocation_count++] = first;
    assert_true(is_signed_at_once(s, &s->left, "alice", &two,
                                  with(with(shares(s, "alice", 399, "ingrid", 300),
                                            guarantee(s, 1, "alice", "bob")),
                                       guarantee(s, 300, "alice", "ingrid"))));
    assert_false(offer(s, &s->left, "alice", 4, false,
                       (struct share[]){ { "alice", 700 }, { "ingrid", 300 }, { NULL, 0 } }));
}

/* A final state that has ingrid's signature may be brought later: with two of them the ends choose, one of
 * them at each side. */
static void one_end_is_signed_under_a_guarantee(void **state)
{
    struct scene *s = *state;
    const struct share one[] = { { "alice", 100 }, { "bob", 200 }, { NULL, 0 } };
    const struct share other[] = { { "alice", 250 }, { "bob", 50 }, { NULL, 0 } };

    begin(s, "alice");
    run_through(s);
    set_policy(s, "bob", "always", &s->through);
    assert_call(OK, &s->p, "channel.update",
                json_pack("{s:s, s:o, s:s, s:b}", "channel", s->through.hex, "outcome",
                          shares(s, "alice", 100, "bob", 200), "signer", fixture_address(&s->p.f, "bob"),
                          "final", true), NULL);
    is_in(s, &s->through, PHASE_CLOSING);
    reject(s, &s->through, "alice", 4);
    assert_false(offer(s, &s->through, "alice", 5, true, other));
    assert_int_equal(number(&s->p, "SELECT count(*) FROM channel_signature WHERE turn = 5"
                                   " AND channel = x'$'"), 2);
    reject(s, &s->through, "alice", 5);
    assert_false(offer(s, &s->through, "alice", 6, true, one));
}

/* Both ends found ingrid's operator willing: what the ledger ended with counts, not what is held here. */
static void an_older_end_on_the_ledger_is_what_a_guarantee_is_worth(void **state)
{
    struct scene *s = *state;
    struct buffer bytes CLEANUP(buffer_close) = { 0 };
    json_t *signatures = json_array();
    struct channel_state old;
    struct hash hash;

    begin(s, "alice");
    run_through(s);
    set_policy(s, "bob", "always", &s->through);
    set_policy(s, "ingrid", "always", &s->through);
    assert_call(OK, &s->p, "channel.update",
                json_pack("{s:s, s:o, s:s, s:b}", "channel", s->through.hex, "outcome",
                          shares(s, "alice", 100, "bob", 200), "signer", fixture_address(&s->p.f, "bob"),
                          "final", true), NULL);
    reject(s, &s->through, "alice", 4);
    assert_true(offer(s, &s->through, "alice", 5, true,
                      (struct share[]){ { "alice", 250 }, { "bob", 50 }, { NULL, 0 } }));
    is_in(s, &s->through, PHASE_FINAL);
    register_by_stranger(s, &s->through);
    old = state_with(s, &s->through, 4, true,
                     (struct share[]){ { "alice", 100 }, { "bob", 200 }, { NULL, 0 } });
    channel_state_encode(&old, &bytes);
    channel_state_hash(&s->through.id, &old, &hash);
    for (size_t i = 0; i < 3; i++)
        json_array_append_new(signatures, json_pack("{s:s, s:o}", "key", fixture_address(&s->p.f, people[i]),
                                                    "signature", signature_of(&s->p, people[i], &hash)));
    assert_int_equal(fixture_try(&s->p.f, "alice", "channel.conclude",
                                 json_pack("{s:s, s:o, s:o}", "channel", s->through.hex, "state",
                                           hex_json(bytes.data, bytes.size), "signatures", signatures), NULL),
                     OK);
    come_to_rest(s);
    assert_false(offer(s, &s->left, "alice", 3, false,
                       (struct share[]){ { "alice", 650 }, { "ingrid", 350 }, { NULL, 0 } }));
    reject(s, &s->left, "alice", 3);
    assert_true(offer(s, &s->left, "alice", 4, false,
                      (struct share[]){ { "alice", 500 }, { "ingrid", 500 }, { NULL, 0 } }));
}

/* While alice can complete a state by which the left one takes back what it guarantees, the channel through
 * ingrid does not move by itself. */
static void nothing_moves_while_a_guarantee_may_be_taken_back(void **state)
{
    struct scene *s = *state;
    const struct share moved[] = { { "alice", 50 }, { "bob", 250 }, { NULL, 0 } };

    begin(s, "alice");
    open_through(s);
    guarantee_left(s);
    at(s, &s->left);
    assert_call(OK, &s->p, "channel.update",
                json_pack("{s:s, s:o, s:s}", "channel", s->left.hex, "outcome",
                          shares(s, "alice", 600, "ingrid", 400), "signer",
                          fixture_address(&s->p.f, "ingrid")), NULL);
    assert_int_equal(number(&s->p, STAGED), 1);
    guarantee_right(s);
    bring(s, &s->through, "bob", shares(s, "alice", 200, "bob", 100), false);
    is_in(s, &s->through, PHASE_RUNNING);
    assert_false(offer(s, &s->through, "alice", 2, false, moved));
    reject(s, &s->through, "alice", 2);
    reject(s, &s->left, "alice", 3); /* she has ingrid's signature still */
    assert_false(offer(s, &s->through, "alice", 3, false, moved));
    reject(s, &s->through, "alice", 3);
    bring(s, &s->left, "ingrid",
          with(shares(s, "alice", 401, "ingrid", 299), guarantee(s, 300, "alice", "ingrid")), false);
    assert_true(offer(s, &s->through, "alice", 4, false, moved));
}

/* Alice brings the rejected guarantee to the ledger when its channel was given up long ago. */
static void a_guarantee_for_a_channel_that_was_given_up_comes_home(void **state)
{
    struct scene *s = *state;
    struct channel_state late;

    begin(s, "alice");
    open_through(s);
    at(s, &s->left);
    assert_call(OK, &s->p, "channel.update",
                json_pack("{s:s, s:o, s:s}", "channel", s->left.hex, "outcome",
                          with(shares(s, "alice", 400, "ingrid", 300), guarantee(s, 300, "alice", "ingrid")),
                          "signer", fixture_address(&s->p.f, "ingrid")), NULL);
    reject(s, &s->left, "alice", 2);
    for (int i = 0; i < 8; i++)
        advance(&s->p, (int64_t)24 * 60 * MINUTE);
    comes_to(s, &s->through, PHASE_REJECTED);
    late = state_with(s, &s->left, 2, false,
                      (struct share[]){ { "alice", 400 }, { "ingrid", 300 }, { NULL, 0 } });
    late.allocations[late.allocation_count++] = (struct allocation){
        .kind = ALLOCATION_GUARANTEE, .amount = 300, .target = s->through.id,
        .left = fixture_key(&s->p.f, "alice")->account, .right = fixture_key(&s->p.f, "ingrid")->account };
    s->p.first = "alice";
    s->p.second = "ingrid";
    checkpoint_by(&s->p, "alice", &late);
    s->is_gone = true;
    dispute(s, &s->left, "ingrid");
    let_time_run(s);
    comes_to(s, &s->left, PHASE_CLOSED);
    assert_int_equal(events(s, "channel.reclaimed"), 1);
    close_right(s, 500, 300);
    gains(s, 0, 0, 0);
}

/* The keystore stays locked for longer than an effect is tried. */
static void a_challenge_waits_for_the_keystore_as_long_as_it_takes(void **state)
{
    struct scene *s = *state;
    struct error error;

    begin(s, "bob");
    run_through(s);
    register_by_stranger(s, &s->through);
    s->is_gone = true;
    dispute(s, &s->right, "ingrid");
    keystore_lock(s->p.f.keystore);
    advance(&s->p, 11 * MINUTE);
    await(&s->p, "SELECT count(*) FROM effect WHERE state = 'waiting' AND attempts > 0", 1);
    fixture_tamper(&s->p.f, "UPDATE effect SET attempts = 39 WHERE state = 'waiting'");
    fixture_advance(&s->p.f, MINUTE);
    await(&s->p, "SELECT count(*) FROM effect WHERE state = 'failed'", 1);
    at(s, &s->through);
    is_in(s, &s->through, PHASE_DISPUTE);
    assert_int_equal(keystore_unlock(s->p.f.keystore, "the tests' own", &error), OK);
    come_to_rest(s);
    assert_int_equal(number(&s->p, "SELECT turn_record FROM channel WHERE id = x'$'"), 3);
}

/* --- the table -------------------------------------------------------------------------------- */
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int virtual_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_channel_in_a_channel_lives_and_ends),
        TEST(a_channel_in_a_channel_lives_with_restarts),
        TEST(a_channel_in_a_channel_lives_with_a_key_elsewhere),
        TEST(a_child_that_never_ran_gives_back_what_was_put_in),
        TEST(a_running_child_takes_its_parents_money_on_the_ledger),
        TEST(a_final_child_is_concluded_with_its_parents_money),
        TEST(a_child_that_ended_first_pays_on_what_comes_later),
        TEST(a_channel_through_somebody_lives_and_ends),
        TEST(a_channel_through_somebody_lives_with_restarts),
        TEST(a_channel_through_somebody_lives_with_bobs_key_elsewhere),
        TEST(a_channel_through_somebody_lives_with_his_key_elsewhere),
        TEST(half_a_guarantee_is_taken_back_when_bob_is_gone),
        TEST(half_a_guarantee_comes_home_when_ingrid_is_gone),
        TEST(both_guarantees_come_home_before_the_first_step),
        TEST(bob_vanishes_while_it_runs),
        TEST(alice_vanishes_while_it_runs),
        TEST(ingrid_vanishes_while_it_runs),
        TEST(bob_vanishes_at_the_end),
        TEST(alice_vanishes_at_the_end),
        TEST(ingrid_vanishes_at_the_end),
        TEST(an_old_state_of_the_channel_through_is_answered),
        TEST(a_challenge_waits_for_the_keystore),
        TEST(a_pause_is_not_challenged),
        TEST(a_channel_through_that_ended_first_is_waited_for_by_nobody),
        TEST(several_guarantees_come_home_one_after_the_other),
        TEST(entries_keep_their_places_under_a_guarantee),
        TEST(a_guarantee_does_not_hide_behind_another),
        TEST(one_end_is_signed_under_a_guarantee),
        TEST(an_older_end_on_the_ledger_is_what_a_guarantee_is_worth),
        TEST(nothing_moves_while_a_guarantee_may_be_taken_back),
        TEST(a_guarantee_for_a_channel_that_was_given_up_comes_home),
        TEST(a_challenge_waits_for_the_keystore_as_long_as_it_takes),
    };

    return cmocka_run_group_tests_name("channels in channels", tests, NULL, NULL);
}
