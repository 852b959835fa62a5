/* Games and proofs of fraud about batches whose data a committee holds. */
#include "rollup/offer.h"

#include "crypto/hash.h"
#include "layer2/optimistic/dispute.h"
#include "layer2/optimistic/fraud_proof.h"
#include "layer2/optimistic/optimistic.h"
#include "layer2/rollup/lane.h"

static int64_t own_balance(struct scene *s)
{
    struct account_id own = kernel_account(s->f.kernel);
    char hex[65], *sql AUTO_FREE = NULL;

    hex_text(hex, own.bytes, sizeof(own.bytes));
    sql = text_format("SELECT amount FROM balance WHERE domain = 0 AND account = x'%s'", hex);
    return fixture_sql(&s->f, sql);
}

static void give_to_node(struct scene *s, const struct offer *o)
{
    char *data AUTO_FREE = offer_data(o);
    struct reply reply = fixture_call(&s->f, "rollup.hold_data",
                                      fixture_json("{'batch':'%s','data':'%s'}", o->hex, data));

    assert_status(OK, reply.status);
    reply_close(&reply);
}

/* Commits to a proof, and opens the commitment two blocks later. */
static enum status try_proof(struct scene *s, const char *who, const struct offer *o)
{
    const uint8_t proof[] = { 1 };
    struct hash salt = { { 7 } }, commitment;
    char salt_hex[65], hex[65];

    fraud_commitment_hash(&commitment, &o->batch, &fixture_key(&s->f, who)->account, &salt,
                          bytes_of(proof, sizeof(proof)));
    hex_text(hex, commitment.bytes, sizeof(commitment.bytes));
    hex_text(salt_hex, salt.bytes, sizeof(salt.bytes));
    fixture_run(&s->f, who, "fraud.commit", "{'commitment':'%s'}", hex);
    for (int i = 0; i < 3; i++)
        fixture_run(&s->f, "bob", "dev.faucet", "{'amount':1}");
    return fixture_try(&s->f, who, "fraud.prove",
                       fixture_json("{'batch':'%s','salt':'%s','proof':'01'}", o->hex, salt_hex), NULL);
}

static void data_that_was_published_shows_fraud_at_once(void **state)
{
    int64_t own, carol, bob, alice;
    struct scene s;
    struct offer o;

    (void)state;
    committee_open(&s);
    own = own_balance(&s);
    carol = base_balance(&s, "carol");
    alice = base_balance(&s, "alice");
    offer_all(&s, &o); /* its transaction has a wrong nonce, and no signature */
    pass(&s, 30 * SECOND);
    assert_int_equal(number_of(&s, "SELECT count(*) FROM rollup_verdict"), 0);
    assert_status(ERROR_DATA_NOT_PUBLISHED, try_proof(&s, "bob", &o));
    bob = base_balance(&s, "bob");
    until(&s, of_batch(&s, &o, "window_end_us") - 1);
    assert_status(OK, demand(&s, "carol", &o));
    until(&s, of_batch(&s, &o, "deadline_us") - 1);
    assert_status(OK, answer(&s, "bob", &o, NULL));
    for (unsigned i = 0; i < 20 && number_of(&s, "SELECT count(*) FROM fraud") == 0; i++) {
        fixture_run(&s.f, "erin", "dev.faucet", "{'amount':1}");
        pass(&s, 3 * SECOND);
        rest(i);
    }
    assert_int_equal(number_of(&s, "SELECT count(*) FROM fraud"), 1);
    assert_int_equal(of_batch(&s, &o, "batch.state"), BATCH_REJECTED);
    assert_int_equal(own_balance(&s), own + BOND / 2);
    assert_int_equal(base_balance(&s, "alice"), alice - BOND);
    assert_int_equal(base_balance(&s, "bob"), bob + AVAILABILITY_BOND);
    assert_int_equal(base_balance(&s, "carol"), carol - AVAILABILITY_BOND);
    offer_close(&o);
    scene_close(&s);
}

/* Chain time passes no faster than the node's workers can follow, on a busy machine too. */
static void until_rejected(struct scene *s, const struct offer *o)
{
    for (unsigned i = 0; i < 60 && of_batch(s, o, "batch.state") != BATCH_REJECTED; i++) {
        pass(s, 20 * SECOND);
        rest(i / 8);
    }
}

/* The ledger has not got the data, and needs none of it: a step shows the item that it is about. */
static void data_that_only_the_node_has_is_enough_for_a_game(void **state)
{
    struct scene s;
    struct offer o;
    int64_t own;

    (void)state;
    committee_open(&s);
    own = own_balance(&s);
    offer_all(&s, &o);
    give_to_node(&s, &o);
    wait_until(&s, "SELECT count(*) FROM game WHERE status = 0", 1);
    assert_int_equal(number_of(&s, "SELECT count(*) FROM fraud_commitment"), 0);
    scene_restart(&s);
    until_rejected(&s, &o);
    assert_int_equal(of_batch(&s, &o, "batch.state"), BATCH_REJECTED);
    assert_int_equal(of_batch(&s, &o, "data_state"), DATA_WITHHELD);
    pass(&s, 700 * SECOND);
    assert_true(own_balance(&s) > own);
    offer_close(&o);
    scene_close(&s);
}

/* Published in the last moment, and right in form: the game that follows is played as any other. */
static void after_an_answer_the_batch_is_disputed_by_a_game(void **state)
{
    struct lane *lane;
    struct scene s;
    struct offer o;

    (void)state;
    committee_open(&s);
    offer_all(&s, &o);
    until(&s, of_batch(&s, &o, "window_end_us") - 1);
    assert_status(OK, demand(&s, "carol", &o));
    pass(&s, 40 * SECOND); /* the window that it had is over */
    fixture_refused(&s.f, ERROR_BATCH_NOT_OPEN, "bob", "game.challenge", "{'batch':'%s','value':'%064d'}",
                    o.hex, 1);
    /* Until bob has challenged it: the node could be quicker, with a game or a proof of its own. */
    lane = lane_lock(s.f.kernel, s.domain);
    assert_non_null(lane);
    assert_status(OK, answer(&s, "bob", &o, NULL));
    fixture_run(&s.f, "bob", "game.challenge", "{'batch':'%s','value':'%064d'}", o.hex, 1);
    assert_int_equal(of_batch(&s, &o, "batch.state"), BATCH_CHALLENGED);
    lane_unlock(lane);
    until_rejected(&s, &o);
    assert_int_equal(of_batch(&s, &o, "batch.state"), BATCH_REJECTED);
    pass(&s, 700 * SECOND);
    offer_close(&o);
    scene_close(&s);
}

static void a_game_that_runs_when_data_fails_to_come_is_void(void **state)
{
    int64_t alice, bob, carol, supply;
    struct scene s;
    struct offer o;
    char *reason;

    (void)state;
    committee_open(&s);
    alice = base_balance(&s, "alice");
    bob = base_balance(&s, "bob");
    carol = base_balance(&s, "carol");
    supply = number_of(&s, "SELECT supply FROM asset WHERE symbol = 'DEV'");
    offer_all(&s, &o);
    fixture_run(&s.f, "bob", "game.challenge", "{'batch':'%s','value':'%064d'}", o.hex, 1);
    assert_true(base_balance(&s, "bob") < bob);
    assert_status(OK, demand(&s, "carol", &o));
    fixture_audit(&s.f);
    until(&s, of_batch(&s, &o, "deadline_us"));
    assert_int_equal(of_batch(&s, &o, "batch.state"), BATCH_REJECTED);
    pass(&s, 10 * SECOND); /* bonds of void games go back by deadlines */
    reason = fixture_sql_text(&s.f, "SELECT json_extract(body, '$.reason') FROM event"
                                    " WHERE type = 'game.ended'");
    assert_string_equal(reason, "data_unavailable");
    free(reason);
    assert_int_equal(base_balance(&s, "alice"), alice - BOND);
    assert_int_equal(base_balance(&s, "bob"), bob);
    assert_int_equal(base_balance(&s, "carol"), carol + BOND / 2);
    assert_int_equal(number_of(&s, "SELECT supply FROM asset WHERE symbol = 'DEV'"), supply - BOND / 2);
    offer_close(&o);
    scene_close(&s);
}

/* A game that ends against the batch returns the bond of whoever waits for its data, or for that of one above
 * it. */
static void a_game_that_is_lost_ends_what_was_demanded(void **state)
{
    struct offer below, above;
    struct scene s;
    int64_t carol;

    (void)state;
    committee_open(&s);
    carol = base_balance(&s, "carol");
    offer_all(&s, &below);
    deposit(&s, "bob", 1);
    offer_all(&s, &above);
    fixture_run(&s.f, "bob", "game.challenge", "{'batch':'%s','value':'%064d'}", below.hex, 1);
    until(&s, of_batch(&s, &below, "proposed_us") + 280 * SECOND); /* its clock is 302.4 s */
    assert_status(OK, demand(&s, "carol", &below));
    assert_status(OK, demand(&s, "carol", &above));
    assert_int_equal(base_balance(&s, "carol"), carol - 2 * AVAILABILITY_BOND);
    pass(&s, 50 * SECOND);
    assert_int_equal(of_batch(&s, &below, "batch.state"), BATCH_REJECTED);
    assert_int_equal(of_batch(&s, &above, "batch.state"), BATCH_PARENT_REJECTED);
    assert_int_equal(of_batch(&s, &below, "c.state"), CHALLENGE_VOID);
    assert_int_equal(of_batch(&s, &above, "c.state"), CHALLENGE_VOID);
    assert_int_equal(base_balance(&s, "carol"), carol);
    pass(&s, 700 * SECOND);
    offer_close(&below);
    offer_close(&above);
    scene_close(&s);
}

/* Those above, with games that run: in the block in which their clocks are over as well, whichever is
 * first. */
static void games_above_are_void_with_the_data_below(int64_t after_us, bool lost_first)
{
    struct offer below, above, top;
    int64_t alice, bob, carol;
    struct scene s;

    committee_open(&s);
    alice = base_balance(&s, "alice");
    bob = base_balance(&s, "bob");
    carol = base_balance(&s, "carol");
    offer_all(&s, &below);
    offer_all(&s, &above);
    offer_all(&s, &top);
    fixture_run(&s.f, "bob", "game.challenge", "{'batch':'%s','value':'%064d'}", above.hex, 1);
    fixture_run(&s.f, "bob", "game.challenge", "{'batch':'%s','value':'%064d'}", top.hex, 1);
    until(&s, of_batch(&s, &below, "proposed_us") + after_us);
    assert_status(OK, demand(&s, "carol", &below));
    assert_status(OK, demand(&s, "bob", &top));
    fixture_audit(&s.f);
    until(&s, of_batch(&s, &below, "deadline_us") - SECOND);
    fixture_advance(&s.f, 30 * SECOND);
    fixture_audit(&s.f);
    assert_int_equal(of_batch(&s, &below, "batch.state"), BATCH_REJECTED);
    assert_int_equal(of_batch(&s, &above, "batch.state"),
                     lost_first ? BATCH_REJECTED : BATCH_PARENT_REJECTED);
    pass(&s, 700 * SECOND);
    fixture_audit(&s.f);
    if (!lost_first) {
        assert_int_equal(base_balance(&s, "bob"), bob);
        assert_int_equal(base_balance(&s, "alice"), alice - BOND);
        assert_int_equal(base_balance(&s, "carol"), carol + BOND / 2);
    }
    offer_close(&above);
    offer_all(&s, &above); /* the same once more */
    assert_status(OK, demand(&s, "carol", &above));
    fixture_audit(&s.f);
    pass(&s, 100 * SECOND);
    assert_int_equal(of_batch(&s, &above, "batch.state"), BATCH_REJECTED);
    offer_close(&below);
    offer_close(&above);
    offer_close(&top);
    scene_close(&s);
}

static void games_above_end_with_the_data_below(void **state)
{
    (void)state;
    games_above_are_void_with_the_data_below(100 * SECOND, false);
    games_above_are_void_with_the_data_below(210 * SECOND, false);
    games_above_are_void_with_the_data_below(240 * SECOND, true);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(data_that_was_published_shows_fraud_at_once),
        cmocka_unit_test(data_that_only_the_node_has_is_enough_for_a_game),
        cmocka_unit_test(after_an_answer_the_batch_is_disputed_by_a_game),
        cmocka_unit_test(a_game_that_runs_when_data_fails_to_come_is_void),
        cmocka_unit_test(a_game_that_is_lost_ends_what_was_demanded),
        cmocka_unit_test(games_above_end_with_the_data_below),
    };

    crypto_start();
    scene_add_module(&game_module);
    scene_add_module(&fraud_module);
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests_name("disputes about data that a committee holds", tests, NULL, NULL);
}
