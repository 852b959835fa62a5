/* Games on the ledger: moves, refusals, clocks, ends, bonds. The watcher's account has nothing here, so that
 * people play alone. */
#include "table.h"

#include "crypto/hash.h"

#define DEPTH 5u
#define LAST ((1u << DEPTH) - 1)

/* Nor does it know enough to make steps, which cost nothing. */
static void open_alone(struct table *t)
{
    table_open(t, 0);
    atomic_store(&stand_in_not_ready, true);
}

static int64_t game_number(struct table *t, const char *column)
{
    char sql[200];

    snprintf(sql, sizeof(sql), "SELECT %s FROM game WHERE id = x'%s'", column, t->game_hex);
    return fixture_sql(&t->f, sql);
}

static void a_right_batch_stands_and_its_challenger_pays(void **state)
{
    struct table t;

    (void)state;
    open_alone(&t);
    propose(&t, "paul", DEPTH, NEVER_LIES, false);
    assert_int_equal(held_by_person(&t, "paul"), RICH - BOND_BASE);
    assert_status(OK, challenge(&t, "carol", 3));
    assert_string_equal(batch_state(&t), "challenged");
    fixture_audit(&t.f);
    for (unsigned i = 0; i < 10; i++) { /* paul tells the truth, carol a lie */
        (void)play_all(&t, "paul", NEVER_LIES);
        (void)play_all(&t, "carol", 3);
        fixture_audit(&t.f);
    }
    play_out(&t);
    assert_int_equal(game_number(&t, "status"), GAME_DEFENDED);
    advance(&t, CHALLENGE_US);
    assert_string_equal(batch_state(&t), "accepted");
    assert_true(held_by_person(&t, "paul") > RICH);
    assert_true(held_by_person(&t, "carol") < RICH - 1000);
    assert_int_equal(fixture_sql(&t.f, "SELECT sum(amount + burned) - (SELECT sum(bond) FROM claim)"
                                       " FROM payout"), 0);
    assert_true(fixture_sql(&t.f, "SELECT sum(burned) FROM payout") > 0);
    table_close(&t);
}

static void a_wrong_batch_falls_and_its_proposer_is_jailed(void **state)
{
    struct table t;
    struct rollup rollup;
    struct database *reader;
    struct error error;

    (void)state;
    open_alone(&t);
    propose(&t, "paul", DEPTH, 20, false);
    assert_status(OK, challenge(&t, "carol", NEVER_LIES));
    for (unsigned i = 0; i < 10; i++) {
        (void)play_all(&t, "paul", 20);
        (void)play_all(&t, "carol", NEVER_LIES);
        fixture_audit(&t.f);
    }
    advance(&t, 3 * CLOCK_US);
    assert_int_equal(game_number(&t, "status"), GAME_DEFEATED);
    assert_string_equal(batch_state(&t), "rejected");
    assert_int_equal(kernel_reader(t.f.kernel, &reader, &error), OK);
    assert_true(rollup_find(reader, t.domain, &rollup));
    database_close(reader);
    assert_true(rollup.jailed_until_us > 0);
    assert_int_equal(game_number(&t, "paid"), 0);
    play_out(&t);
    assert_true(held_by_person(&t, "carol") > RICH);
    assert_true(held_by_person(&t, "paul") < RICH - BOND_BASE);
    table_close(&t);
}

/* Unlike advance, not 1 µs more. */
static void pass_exactly(struct table *t, int64_t us)
{
    fixture_run(&t->f, "alice", "dev.advance_time", "{'by':%" PRId64 "}", us);
    t->f.advanced_us += us;
    fixture_advance(&t->f, 0);
}

/* Whoever began is gone: somebody else goes on in the same game, and is paid for what he answers. */
static void a_challenger_who_is_gone_is_replaced_by_anybody(void **state)
{
    struct table t;

    (void)state;
    open_alone(&t);
    propose(&t, "paul", DEPTH, 20, false);
    assert_status(OK, challenge(&t, "carol", NEVER_LIES));
    for (unsigned i = 0; i < 10; i++) {
        (void)play_all(&t, "paul", 20);
        (void)play_all(&t, "dave", NEVER_LIES);
    }
    play_out(&t);
    assert_string_equal(batch_state(&t), "rejected");
    assert_int_equal(held_by_person(&t, "carol"), RICH + BOND_BASE - BOND_BASE / 10);
    assert_true(held_by_person(&t, "dave") > RICH);
    table_close(&t);
}

static void unanswered_a_challenge_wins_the_bond(void **state)
{
    struct table t;

    (void)state;
    open_alone(&t);
    propose(&t, "paul", DEPTH, NEVER_LIES, false); /* who does not defend what is right loses it */
    assert_status(OK, challenge(&t, "carol", 0));
    pass_exactly(&t, fixture_sql(&t.f, "SELECT deadline_us - (SELECT chain_time_us FROM block"
                                       " ORDER BY height DESC LIMIT 1) - 1 FROM claim WHERE number = 1"));
    assert_int_equal(game_number(&t, "status"), GAME_RUNNING);
    pass_exactly(&t, 1);
    assert_int_equal(game_number(&t, "status"), GAME_DEFEATED);
    play_out(&t);
    assert_string_equal(batch_state(&t), "rejected");
    assert_int_equal(held_by_person(&t, "carol"), RICH + BOND_BASE - BOND_BASE / 10);
    assert_int_equal(held_by_person(&t, "paul"), RICH - BOND_BASE);
    assert_int_equal(fixture_sql(&t.f, "SELECT supply FROM asset WHERE symbol = 'GOLD'"),
                     100000000 - BOND_BASE / 10);
    table_close(&t);
}

static void each_claim_is_resolved_in_its_own_time(void **state)
{
    const struct hash other = { { 8 } };
    struct table t;
    int64_t left;

    (void)state;
    open_alone(&t);
    propose(&t, "paul", DEPTH, 20, false);
    assert_status(OK, challenge(&t, "carol", NEVER_LIES));
    pass_exactly(&t, 10 * SECOND);
    assert_status(OK, move_at(&t, "frank", 0, "attack", &other));
    left = fixture_sql(&t.f, "SELECT deadline_us - (SELECT chain_time_us FROM block ORDER BY height DESC"
                             " LIMIT 1) FROM claim WHERE number = 1");
    pass_exactly(&t, left);
    assert_int_equal(fixture_sql(&t.f, "SELECT sum(number) FROM claim WHERE resolved = 1"), 1);
    assert_int_equal(game_number(&t, "status"), GAME_RUNNING);
    pass_exactly(&t, 10 * SECOND - 1);
    assert_int_equal(game_number(&t, "status"), GAME_RUNNING);
    pass_exactly(&t, 1);
    assert_int_equal(game_number(&t, "status"), GAME_DEFEATED);
    table_close(&t);
}

static void each_refusal_has_its_name_and_changes_nothing(void **state)
{
    const struct hash value = { { 9 } };
    struct table t;
    struct hash lie, root;
    char other[65], root_hex[65];

    (void)state;
    open_alone(&t);
    propose(&t, "paul", DEPTH, 20, false);
    memset(other, 'a', 64);
    other[64] = '\0';
    fixture_refused(&t.f, ERROR_BATCH_NOT_FOUND, "carol", "game.challenge",
                    "{'batch':'%s','value':'%s'}", other, other);
    fixture_refused(&t.f, ERROR_INSUFFICIENT_BALANCE, "gwen", "game.challenge", "{'batch':'%s','value':'%s'}",
                    t.batch_hex, other);
    fixture_refused(&t.f, ERROR_GAME_NOT_FOUND, "carol", "game.resolve", "{'game':'%s'}", other);
    assert_status(OK, challenge(&t, "carol", NEVER_LIES));
    fixture_refused(&t.f, ERROR_GAME_EXISTS, "dave", "game.challenge", "{'batch':'%s','value':'%s'}",
                    t.batch_hex, other);
    lie = value_at(&t, 7, 3);
    root = value_at(&t, LAST, 20);
    hex_text(root_hex, root.bytes, sizeof(root.bytes));
    assert_status(ERROR_CLAIM_NOT_FOUND, move_at(&t, "paul", 2, "attack", &value));
    assert_status(ERROR_ROOT_DEFENDED, move_at(&t, "paul", 0, "defend", &value));
    fixture_refused(&t.f, ERROR_WRONG_CLAIM, "paul", "game.move",
                    "{'game':'%s','claim':1,'disputed':'%s','kind':'attack','value':'%s'}", t.game_hex,
                    other, other);
    assert_status(OK, move_at(&t, "paul", 1, "attack", &lie));
    assert_status(ERROR_DUPLICATE_CLAIM, move_at(&t, "dave", 1, "attack", &lie));
    assert_status(ERROR_INSUFFICIENT_BALANCE, move_at(&t, "gwen", 2, "attack", &value));
    assert_status(ERROR_NOT_A_LEAF, step_at(&t, "dave", 2, "attack", STAND_IN_WITNESS));
    assert_status(ERROR_CLAIM_NOT_FOUND, step_at(&t, "dave", 3, "attack", STAND_IN_WITNESS));
    fixture_refused(&t.f, ERROR_WRONG_BOND, "dave", "game.move",
                    "{'game':'%s','claim':0,'disputed':'%s','kind':'attack','value':'%s','bond':1}",
                    t.game_hex, root_hex, other);
    fixture_refused(&t.f, ERROR_CLOCK_RUNNING, "carol", "game.resolve", "{'game':'%s'}", t.game_hex);
    fixture_refused(&t.f, ERROR_GAME_NOT_RESOLVED, "carol", "game.close", "{'game':'%s'}", t.game_hex);
    for (unsigned i = 0; i < 4; i++) {
        (void)play_all(&t, "carol", NEVER_LIES);
        (void)play_all(&t, "paul", 20);
    }
    fixture_audit(&t.f);
    assert_int_equal(game_number(&t, "claims"), fixture_sql(&t.f, "SELECT count(*) FROM claim"));
    play_out(&t);
    fixture_refused(&t.f, ERROR_GAME_OVER, "carol", "game.resolve", "{'game':'%s'}", t.game_hex);
    fixture_refused(&t.f, ERROR_GAME_CLOSED, "carol", "game.close", "{'game':'%s'}", t.game_hex);
    assert_status(ERROR_GAME_OVER, move_at(&t, "paul", 1, "attack", &value));
    assert_status(ERROR_BATCH_NOT_OPEN, challenge(&t, "carol", 0));
    table_close(&t);
}

/* To the greatest depth: the last claim is answered by a step, and by no other. Depth 5 is the
 * challenger's. */
static void steps_decide_and_bad_witnesses_do_not(void **state)
{
    const struct hash none = { { 1 } };
    struct table t;
    struct dispute d;
    uint32_t leaf = GAME_NO_CLAIM;

    (void)state;
    open_alone(&t);
    propose(&t, "paul", DEPTH, NEVER_LIES, false);
    assert_status(OK, challenge(&t, "carol", 20));
    for (unsigned i = 0; i < DEPTH && leaf == GAME_NO_CLAIM; i++) {
        (void)play_all(&t, i % 2 == 0 ? "paul" : "carol", i % 2 == 0 ? NEVER_LIES : 20);
        read_game(&t, &d);
        if (position_depth(d.game.claims[d.game.count - 1].position) == DEPTH)
            leaf = d.game.count - 1;
        dispute_close(&d);
    }
    assert_int_not_equal(leaf, GAME_NO_CLAIM);
    assert_status(ERROR_DEPTH_EXCEEDED, move_at(&t, "dave", leaf, "attack", &none));
    assert_status(ERROR_INVALID_WITNESS, step_at(&t, "paul", leaf, "attack", "else"));
    if (step_at(&t, "paul", leaf, "attack", STAND_IN_WITNESS) != OK) {
        assert_status(ERROR_STEP_CONFIRMS, step_at(&t, "paul", leaf, "attack", STAND_IN_WITNESS));
        assert_status(OK, step_at(&t, "paul", leaf, "defend", STAND_IN_WITNESS));
    }
    assert_status(ERROR_ALREADY_COUNTERED, step_at(&t, "dave", leaf, "attack", STAND_IN_WITNESS));
    assert_int_equal(fixture_sql(&t.f, "SELECT count(*) FROM step"), 1);
    play_out(&t);
    assert_int_equal(game_number(&t, "status"), GAME_DEFENDED);
    table_close(&t);
}

/* A deadline has passed when now >= deadline, and not 1 µs before. */
static void clocks_are_exact(void **state)
{
    const struct hash value = { { 5 } };
    struct table t;
    int64_t left;

    (void)state;
    open_alone(&t);
    propose(&t, "paul", DEPTH, NEVER_LIES, false);
    assert_status(OK, challenge(&t, "carol", 0));
    left = fixture_sql(&t.f, "SELECT deadline_us - (SELECT chain_time_us FROM block"
                             " ORDER BY height DESC LIMIT 1) FROM claim WHERE number = 1");
    assert_int_equal(left, CLOCK_US);
    fixture_run(&t.f, "alice", "dev.advance_time", "{'by':%" PRId64 "}", left - 1);
    t.f.advanced_us += left - 1;
    assert_status(OK, move_at(&t, "paul", 1, "attack", &value)); /* 1 µs is left */
    assert_int_equal(fixture_sql(&t.f, "SELECT count(*) FROM claim WHERE resolved = 1"), 0);
    fixture_run(&t.f, "alice", "dev.advance_time", "{'by':1}");
    t.f.advanced_us += 1;
    assert_status(ERROR_CLOCK_EXPIRED, move_at(&t, "paul", 1, "defend", &value));
    fixture_advance(&t.f, 0);
    assert_int_equal(game_number(&t, "status"), GAME_RUNNING); /* claim 1 waits for its answer */
    assert_true(fixture_sql(&t.f, "SELECT deadline_us - made_us FROM claim WHERE number = 2") >=
                EXTENSION_US);
    play_out(&t);
    advance(&t, CHALLENGE_US);
    assert_string_equal(batch_state(&t), "accepted");
    table_close(&t);
}

static void a_game_resolves_closes_and_pays_by_itself_in_time(void **state)
{
    struct table t;

    (void)state;
    open_alone(&t);
    propose(&t, "paul", DEPTH, 20, false);
    assert_status(OK, challenge(&t, "carol", NEVER_LIES));
    advance(&t, CLOCK_US - 10);
    assert_int_equal(game_number(&t, "status"), GAME_RUNNING);
    advance(&t, 10);
    assert_int_equal(game_number(&t, "status"), GAME_DEFEATED);
    fixture_refused(&t.f, ERROR_AIR_GAP, "dave", "game.close", "{'game':'%s'}", t.game_hex);
    advance(&t, AIR_GAP_US - 100);
    assert_int_equal(game_number(&t, "closing"), GAME_OPEN);
    advance(&t, 100);
    assert_int_equal(game_number(&t, "closing"), GAME_NORMAL);
    assert_int_equal(game_number(&t, "paid"), 0);
    advance(&t, PAYOUT_US - 100);
    assert_int_equal(game_number(&t, "paid"), 0);
    advance(&t, 100);
    assert_int_equal(game_number(&t, "paid"), 2);
    assert_int_equal(fixture_sql(&t.f, "SELECT count(*) FROM deadline WHERE kind = 'game.next'"), 0);
    assert_int_equal(fixture_sql(&t.f, "SELECT count(*) FROM event WHERE type IN ('game.begun', 'game.moved',"
                                       " 'game.ended', 'game.closed')"), 4);
    assert_int_equal(fixture_sql(&t.f, "SELECT count(*) FROM event WHERE type = 'game.paid'"), 2);
    table_close(&t);
}

/* Who answers with the right value at another place is no honest party, and wins nothing. */
static void freeloaders_are_left_behind(void **state)
{
    struct table t;
    struct hash right;

    (void)state;
    open_alone(&t);
    propose(&t, "paul", DEPTH, 20, false);
    assert_status(OK, challenge(&t, "carol", NEVER_LIES));
    right = value_at(&t, 15, 2); /* frank: wrong, at the right place, against the root too */
    assert_status(OK, move_at(&t, "frank", 0, "attack", &right));
    for (unsigned i = 0; i < 12; i++) {
        (void)play_all(&t, "paul", 20);
        (void)play_all(&t, "carol", NEVER_LIES);
    }
    fixture_audit(&t.f);
    play_out(&t);
    assert_string_equal(batch_state(&t), "rejected");
    assert_true(held_by_person(&t, "carol") > RICH);
    assert_true(held_by_person(&t, "frank") < RICH);
    table_close(&t);
}

static void whoever_challenges_himself_loses_by_it(void **state)
{
    struct table t;

    (void)state;
    open_alone(&t);
    propose(&t, "paul", DEPTH, 20, false);
    assert_status(OK, challenge(&t, "paul", NEVER_LIES));
    play_out(&t);
    assert_string_equal(batch_state(&t), "rejected");
    assert_int_equal(held_by_person(&t, "paul"), RICH - BOND_BASE / 10);
    table_close(&t);
}

static void a_child_game_is_void_when_its_parent_falls(void **state)
{
    struct table t;
    struct hash parent_game, child_game;
    char child_hex[65], sql[200];

    (void)state;
    open_alone(&t);
    propose(&t, "paul", DEPTH, 20, false);
    assert_status(OK, challenge(&t, "carol", NEVER_LIES));
    parent_game = t.game;
    propose_child(&t, "paul", DEPTH, NEVER_LIES);
    advance(&t, 20 * SECOND);
    assert_status(OK, challenge(&t, "dave", 4));
    child_game = t.game;
    snprintf(child_hex, sizeof(child_hex), "%s", t.game_hex);
    (void)play_all(&t, "erin", NEVER_LIES);
    fixture_audit(&t.f);
    advance(&t, 85 * SECOND); /* the parent's game ends; the child's has time left */
    assert_string_equal(batch_state(&t), "parent_rejected");
    assert_int_equal(game_number(&t, "status"), GAME_VOID);
    advance(&t, 1);
    snprintf(sql, sizeof(sql), "SELECT paid = claims FROM game WHERE id = x'%s'", child_hex);
    assert_int_equal(fixture_sql(&t.f, sql), 1);
    assert_int_equal(held_by_person(&t, "dave"), RICH);
    assert_int_equal(held_by_person(&t, "erin"), RICH);
    assert_int_equal(held_by_person(&t, "paul"), RICH - BOND_BASE); /* the child's came back */
    assert_false(hash_equal(&parent_game, &child_game));
    advance(&t, 200 * SECOND);
    table_close(&t);
}

static void a_frozen_rollup_voids_its_games(void **state)
{
    struct table t;

    (void)state;
    open_alone(&t);
    propose(&t, "paul", DEPTH, 20, false);
    assert_status(OK, challenge(&t, "carol", NEVER_LIES));
    fixture_run(&t.f, "alice", "test.freeze", "{'domain':%" PRIu64 "}", t.domain);
    assert_string_equal(batch_state(&t), "voided");
    advance(&t, 1);
    assert_int_equal(held_by_person(&t, "carol"), RICH);
    assert_int_equal(held_by_person(&t, "paul"), RICH);
    assert_int_equal(game_number(&t, "status"), GAME_VOID);
    table_close(&t);
}

static void after_a_defence_there_may_be_another_game(void **state)
{
    struct table t;
    struct hash first;

    (void)state;
    open_alone(&t);
    propose(&t, "paul", DEPTH, NEVER_LIES, false);
    assert_status(OK, challenge(&t, "carol", 3));
    first = t.game;
    for (unsigned i = 0; i < 8; i++)
        (void)play_all(&t, "paul", NEVER_LIES);
    for (unsigned i = 0; i < 12 && game_number(&t, "status") == GAME_RUNNING; i++)
        advance(&t, 10 * SECOND);
    assert_string_equal(batch_state(&t), "proposed");
    assert_int_equal(game_number(&t, "status"), GAME_DEFENDED);
    assert_status(OK, challenge(&t, "dave", 9));
    assert_false(hash_equal(&first, &t.game));
    fixture_audit(&t.f);
    for (unsigned i = 0; i < 8; i++)
        (void)play_all(&t, "paul", NEVER_LIES);
    play_out(&t);
    advance(&t, CHALLENGE_US);
    assert_string_equal(batch_state(&t), "accepted");
    t.game = first;
    hex_text(t.game_hex, first.bytes, sizeof(first.bytes));
    play_out(&t);
    assert_true(held_by_person(&t, "paul") > RICH + 1000);
    table_close(&t);
}

static unsigned challenge_children(struct table *t, unsigned children)
{
    for (unsigned i = 0; i < children; i++) {
        propose_child(t, "paul", DEPTH, NEVER_LIES);
        assert_status(OK, challenge(t, "carol", 0));
    }
    return children;
}

/* A command has 4,096 events, and each game that ends two of them: here none is the command's own. */
#define MORE_GAMES_THAN_EVENTS 2060u /* with LAYERD_LONG=1, as many as that; 10 s */
#define SOME_GAMES 40u

static void a_batch_that_falls_takes_any_number_of_games_along(void **state)
{
    struct table t;
    struct hash child;
    unsigned games;

    (void)state;
    open_alone(&t);
    fixture_run(&t.f, "alice", "ledger.transfer", "{'to':'%s','asset':'GOLD','amount':10000000}",
                fixture_address(&t.f, "paul"));
    fixture_run(&t.f, "alice", "ledger.transfer", "{'to':'%s','asset':'GOLD','amount':10000000}",
                fixture_address(&t.f, "carol"));
    propose(&t, "paul", DEPTH, 20, false);
    games = challenge_children(&t, getenv("LAYERD_LONG") != NULL ? MORE_GAMES_THAN_EVENTS : SOME_GAMES);
    child = t.game;
    fixture_run(&t.f, "alice", "test.freeze", "{'domain':%" PRIu64 "}", t.domain);
    assert_string_equal(batch_state(&t), "voided"); /* at once; its game a little later */
    assert_int_equal(fixture_sql(&t.f, "SELECT count(*) FROM game WHERE status = 0"), games);
    assert_int_equal(fixture_sql(&t.f, "SELECT count(*) FROM event WHERE type = 'game.ended'"), 0);
    fixture_audit(&t.f);
    assert_status(ERROR_GAME_OVER, move_at(&t, "paul", 1, "attack", &child));
    fixture_refused(&t.f, ERROR_GAME_OVER, "paul", "game.resolve", "{'game':'%s'}", t.game_hex);
    for (unsigned i = 0; i < 20; i++)
        advance(&t, 1);
    assert_int_equal(fixture_sql(&t.f, "SELECT count(*) FROM game WHERE status = 3 AND paid = claims"),
                     games);
    assert_int_equal(fixture_sql(&t.f, "SELECT count(*) FROM event WHERE type = 'game.ended'"), games);
    assert_int_equal(held_by_person(&t, "carol"), RICH + 10000000);
    assert_int_equal(held_by_person(&t, "paul"), RICH + 10000000);
    table_close(&t);
}

/* Claims put into the rows behind the node's back, up to the last but one, each with a bond of which one unit
 * burns. */
#define FILLER_BOND 64
#define FILLERS (GAME_CLAIMS_MAX - 3)

static void fill_but_one(struct table *t)
{
    char sql[1200];

    snprintf(sql, sizeof(sql),
             "WITH RECURSIVE n (i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < %u)"
             " INSERT INTO claim SELECT game, i, 0, 2, randomblob(32), claimant, %d, clock_us, made_us,"
             " deadline_us, 0, NULL, 0, 0 FROM claim JOIN n WHERE number = 1;", GAME_CLAIMS_MAX - 2,
             FILLER_BOND);
    fixture_tamper(&t->f, sql);
    snprintf(sql, sizeof(sql), "UPDATE claim SET waits_for = %u WHERE number = 0", GAME_CLAIMS_MAX - 2);
    fixture_tamper(&t->f, sql);
    snprintf(sql, sizeof(sql), "UPDATE game SET claims = %u, pot = pot + %u", GAME_CLAIMS_MAX - 1,
             FILLERS * FILLER_BOND);
    fixture_tamper(&t->f, sql);
    snprintf(sql, sizeof(sql), "UPDATE balance SET amount = amount + %d * iif(account = (SELECT holding FROM"
                               " game), 1, -1) WHERE account IN (SELECT holding FROM game UNION ALL"
                               " SELECT id FROM account WHERE address = '%s')", FILLERS * FILLER_BOND,
             fixture_address(&t->f, "carol"));
    fixture_tamper(&t->f, sql);
}

static void a_full_game_is_void_and_costs_whoever_filled_it(void **state)
{
    const struct hash value = { { 77 } };
    static const char *const hold[] = { "game.bonds", "game.claims", "game.deadlines", "game.batches",
                                        "ledger.conservation" };
    const int64_t last_bond = 1210, funds = 10000000;
    struct table t;
    int64_t supply;

    (void)state;
    open_alone(&t);
    fixture_run(&t.f, "alice", "ledger.transfer", "{'to':'%s','asset':'GOLD','amount':%" PRId64 "}",
                fixture_address(&t.f, "carol"), funds - RICH);
    propose(&t, "paul", DEPTH, NEVER_LIES, false);
    assert_status(OK, challenge(&t, "carol", 3));
    fill_but_one(&t);
    supply = fixture_sql(&t.f, "SELECT supply FROM asset WHERE symbol = 'GOLD'");
    assert_status(OK, move_at(&t, "paul", 1, "attack", &value));
    advance(&t, 1); /* by a deadline: a command may record so many events only */
    assert_int_equal(game_number(&t, "status"), GAME_VOID);
    assert_int_equal(game_number(&t, "closing"), GAME_FILLED);
    assert_string_equal(batch_state(&t), "voided");
    assert_int_equal(held_by_person(&t, "paul") >= RICH - last_bond, 1); /* the batch's own bond is there */
    for (unsigned i = 0; i < 1100 && game_number(&t, "paid") < GAME_CLAIMS_MAX; i++)
        advance(&t, 10);
    assert_int_equal(game_number(&t, "paid"), GAME_CLAIMS_MAX);
    assert_int_equal(held_by_person(&t, "paul"), RICH - last_bond / 64);
    assert_int_equal(held_by_person(&t, "carol"), funds - FILLERS); /* nothing of claim 1's bond */
    assert_int_equal(fixture_sql(&t.f, "SELECT sum(burned) FROM payout"), FILLERS + last_bond / 64);
    assert_int_equal(fixture_sql(&t.f, "SELECT sum(amount + burned) - (SELECT pot FROM game)"
                                       " FROM payout"), 0);
    assert_int_equal(fixture_sql(&t.f, "SELECT supply FROM asset WHERE symbol = 'GOLD'"),
                     supply - FILLERS - last_bond / 64);
    for (size_t i = 0; i < COUNT_OF(hold); i++) { /* not of postings, of which the fillers have none */
        char *violation AUTO_FREE = fixture_violation(&t.f, hold[i]);

        assert_null(violation);
    }
    fixture_stop(&t.f);
}

static void people_can_ask(void **state)
{
    struct table t;
    json_t *game, *list;

    (void)state;
    open_alone(&t);
    propose(&t, "paul", DEPTH, 20, false);
    assert_status(OK, challenge(&t, "carol", NEVER_LIES));
    (void)play_all(&t, "paul", 20);
    game = fixture_query(&t.f, "game.get", "{'game':'%s','limit':2}", t.game_hex);
    assert_string_equal(json_string_value(json_object_get(game, "status")), "running");
    list = json_object_get(game, "list");
    assert_int_equal(json_array_size(json_object_get(list, "items")), 2);
    assert_int_equal(json_integer_value(json_object_get(list, "next")), 1);
    json_decref(game);
    game = fixture_query(&t.f, "game.get", "{'game':'%s','after':1}", t.game_hex);
    list = json_object_get(game, "list");
    assert_int_equal(json_array_size(json_object_get(list, "items")), 1);
    assert_true(json_is_null(json_object_get(list, "next")));
    json_decref(game);
    list = fixture_query(&t.f, "game.list", "{'running':true}");
    assert_int_equal(json_array_size(json_object_get(list, "items")), 1);
    json_decref(list);
    list = fixture_query(&t.f, "game.list", "{'account':'%s','batch':'%s'}", fixture_address(&t.f, "carol"),
                         t.batch_hex);
    assert_int_equal(json_array_size(json_object_get(list, "items")), 1);
    json_decref(list);
    list = fixture_query(&t.f, "game.list", "{'account':'%s'}", fixture_address(&t.f, "erin"));
    assert_int_equal(json_array_size(json_object_get(list, "items")), 0);
    json_decref(list);
    table_close(&t);
}

int dispute_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_right_batch_stands_and_its_challenger_pays),
        cmocka_unit_test(a_wrong_batch_falls_and_its_proposer_is_jailed),
        cmocka_unit_test(a_challenger_who_is_gone_is_replaced_by_anybody),
        cmocka_unit_test(unanswered_a_challenge_wins_the_bond),
        cmocka_unit_test(each_claim_is_resolved_in_its_own_time),
        cmocka_unit_test(each_refusal_has_its_name_and_changes_nothing),
        cmocka_unit_test(steps_decide_and_bad_witnesses_do_not),
        cmocka_unit_test(clocks_are_exact),
        cmocka_unit_test(a_game_resolves_closes_and_pays_by_itself_in_time),
        cmocka_unit_test(freeloaders_are_left_behind),
        cmocka_unit_test(whoever_challenges_himself_loses_by_it),
        cmocka_unit_test(a_child_game_is_void_when_its_parent_falls),
        cmocka_unit_test(a_frozen_rollup_voids_its_games),
        cmocka_unit_test(after_a_defence_there_may_be_another_game),
        cmocka_unit_test(a_batch_that_falls_takes_any_number_of_games_along),
        cmocka_unit_test(a_full_game_is_void_and_costs_whoever_filled_it),
        cmocka_unit_test(people_can_ask),
    };

    return cmocka_run_group_tests_name("games on the ledger", tests, NULL, NULL);
}

int main(int argc, char **argv)
{
    crypto_start();
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return dispute_tests() + fraud_tests() + watcher_tests() + stake_tests() + random_tests();
}
