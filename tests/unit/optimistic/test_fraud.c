/* Fraud that is proved at once: commitments, their opening, rewards. */
#include "table.h"

#include "crypto/hash.h"
#include "layer2/optimistic/fraud_proof.h"

#define DEPTH 5u

static const struct hash salt = { { 1, 2, 3 } };

static enum status commit(struct table *t, const char *who, const char *proof)
{
    const struct account_id account = fixture_key(&t->f, who)->account;
    struct hash hash;
    char hex[65];

    fraud_commitment_hash(&hash, &t->batch, &account, &salt, bytes_of_text(proof));
    hex_text(hex, hash.bytes, sizeof(hash.bytes));
    return fixture_try(&t->f, who, "fraud.commit", fixture_json("{'commitment':'%s'}", hex), NULL);
}

static enum status prove(struct table *t, const char *who, const char *proof)
{
    char salt_hex[65], proof_hex[200];

    hex_text(salt_hex, salt.bytes, sizeof(salt.bytes));
    hex_text(proof_hex, proof, strlen(proof));
    return fixture_try(&t->f, who, "fraud.prove",
                       fixture_json("{'batch':'%s','salt':'%s','proof':'%s'}", t->batch_hex, salt_hex,
                                    proof_hex), NULL);
}

/* A block that has nothing to do with it. */
static void make_block(struct table *t)
{
    fixture_run(&t->f, "alice", "ledger.transfer", "{'to':'%s','asset':'GOLD','amount':1}",
                fixture_address(&t->f, "erin"));
}

/* A watcher whose rollup is never ready stays out of it. */
static void open_alone(struct table *t)
{
    table_open(t, 0);
    atomic_store(&stand_in_not_ready, true);
}

static void a_proof_takes_the_bond_less_what_burns(void **state)
{
    struct table t;

    (void)state;
    open_alone(&t);
    propose(&t, "paul", DEPTH, 20, true);
    assert_status(OK, commit(&t, "carol", STAND_IN_PROOF));
    make_block(&t);
    fixture_audit(&t.f);
    assert_status(OK, prove(&t, "carol", STAND_IN_PROOF));
    assert_string_equal(batch_state(&t), "rejected");
    assert_int_equal(held_by_person(&t, "carol"), RICH + BOND_BASE - BOND_BASE / 10);
    assert_int_equal(held_by_person(&t, "paul"), RICH - BOND_BASE);
    assert_int_equal(fixture_sql(&t.f, "SELECT count(*) FROM fraud_commitment"), 0);
    assert_int_equal(fixture_sql(&t.f, "SELECT reward + burned FROM fraud"), BOND_BASE);
    assert_int_equal(fixture_sql(&t.f, "SELECT count(*) FROM event WHERE type = 'fraud.proved'"), 1);
    assert_status(ERROR_BATCH_NOT_OPEN, prove(&t, "carol", STAND_IN_PROOF));
    table_close(&t);
}

static void each_refusal_has_its_name(void **state)
{
    struct table t;

    (void)state;
    open_alone(&t);
    propose(&t, "paul", DEPTH, 20, true);
    assert_status(ERROR_COMMITMENT_NOT_FOUND, prove(&t, "carol", STAND_IN_PROOF));
    assert_status(OK, commit(&t, "carol", STAND_IN_PROOF));
    assert_status(ERROR_COMMITMENT_EXISTS, commit(&t, "carol", STAND_IN_PROOF));
    assert_status(ERROR_COMMITMENT_TOO_NEW, prove(&t, "carol", STAND_IN_PROOF));
    make_block(&t);
    assert_status(ERROR_COMMITMENT_NOT_FOUND, prove(&t, "dave", STAND_IN_PROOF)); /* seen, and taken over */
    assert_status(ERROR_COMMITMENT_NOT_FOUND, prove(&t, "carol", "another proof"));
    assert_status(OK, commit(&t, "dave", "no proof at all"));
    make_block(&t);
    make_block(&t);
    assert_status(ERROR_INVALID_WITNESS, prove(&t, "dave", "no proof at all"));
    assert_string_equal(batch_state(&t), "proposed");
    assert_status(OK, prove(&t, "carol", STAND_IN_PROOF));
    table_close(&t);
}

static void a_right_batch_cannot_be_proved_wrong(void **state)
{
    struct table t;

    (void)state;
    open_alone(&t);
    propose(&t, "paul", DEPTH, NEVER_LIES, false);
    assert_status(OK, commit(&t, "carol", STAND_IN_PROOF));
    make_block(&t);
    make_block(&t);
    assert_status(ERROR_NOT_FRAUD, prove(&t, "carol", STAND_IN_PROOF));
    assert_string_equal(batch_state(&t), "proposed");
    advance(&t, CHALLENGE_US - 10);
    assert_status(ERROR_NOT_FRAUD, prove(&t, "carol", STAND_IN_PROOF));
    advance(&t, 10);
    assert_status(ERROR_BATCH_NOT_OPEN, prove(&t, "carol", STAND_IN_PROOF));
    table_close(&t);
}

static void commitments_are_forgotten(void **state)
{
    struct table t;

    (void)state;
    open_alone(&t);
    propose(&t, "paul", DEPTH, 20, true);
    assert_status(OK, commit(&t, "carol", STAND_IN_PROOF));
    assert_int_equal(fixture_sql(&t.f, "SELECT count(*) FROM fraud_commitment"), 1);
    advance(&t, 605 * SECOND); /* seven days, a thousandth of it on dev */
    assert_int_equal(fixture_sql(&t.f, "SELECT count(*) FROM fraud_commitment"), 0);
    assert_status(OK, commit(&t, "carol", STAND_IN_PROOF));
    table_close(&t);
}

static void a_proof_ends_the_game_and_its_children(void **state)
{
    struct table t;
    struct hash batch;
    char hex[65];

    (void)state;
    open_alone(&t);
    propose(&t, "paul", DEPTH, 20, true);
    assert_status(OK, challenge(&t, "dave", NEVER_LIES));
    assert_status(OK, commit(&t, "carol", STAND_IN_PROOF));
    batch = t.batch;
    snprintf(hex, sizeof(hex), "%s", t.batch_hex);
    propose_child(&t, "paul", DEPTH, NEVER_LIES);
    assert_status(OK, challenge(&t, "erin", 2));
    t.batch = batch;
    snprintf(t.batch_hex, sizeof(t.batch_hex), "%s", hex);
    assert_status(OK, prove(&t, "carol", STAND_IN_PROOF));
    fixture_audit(&t.f);
    advance(&t, 1);
    assert_int_equal(fixture_sql(&t.f, "SELECT count(*) FROM game WHERE status = 3 AND paid = claims"), 2);
    assert_int_equal(held_by_person(&t, "dave"), RICH);
    assert_int_equal(held_by_person(&t, "erin"), RICH);
    assert_int_equal(held_by_person(&t, "carol"), RICH + BOND_BASE - BOND_BASE / 10);
    assert_int_equal(held_by_person(&t, "paul"), RICH - BOND_BASE);
    table_close(&t);
}

/* In either order, without a block or a moment between them. */
static void a_challenge_and_a_proof_meet(void **state)
{
    struct table t;

    (void)state;
    for (int proof_first = 0; proof_first < 2; proof_first++) {
        open_alone(&t);
        propose(&t, "paul", DEPTH, 20, true);
        assert_status(OK, commit(&t, "carol", STAND_IN_PROOF));
        make_block(&t);
        if (proof_first) {
            assert_status(OK, prove(&t, "carol", STAND_IN_PROOF));
            assert_status(ERROR_BATCH_NOT_OPEN, challenge(&t, "dave", NEVER_LIES));
        } else {
            assert_status(OK, challenge(&t, "dave", NEVER_LIES));
            assert_status(OK, prove(&t, "carol", STAND_IN_PROOF));
        }
        advance(&t, 1);
        assert_string_equal(batch_state(&t), "rejected");
        assert_int_equal(held_by_person(&t, "dave"), RICH);
        assert_int_equal(held_by_person(&t, "carol"), RICH + BOND_BASE - BOND_BASE / 10);
        table_close(&t);
    }
}

int fraud_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_proof_takes_the_bond_less_what_burns),
        cmocka_unit_test(each_refusal_has_its_name),
        cmocka_unit_test(a_right_batch_cannot_be_proved_wrong),
        cmocka_unit_test(commitments_are_forgotten),
        cmocka_unit_test(a_proof_ends_the_game_and_its_children),
        cmocka_unit_test(a_challenge_and_a_proof_meet),
    };

    return cmocka_run_group_tests_name("fraud proofs", tests, NULL, NULL);
}
