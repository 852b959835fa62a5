/* Each invariant of confidential pools is broken on purpose, behind the node's back, and must be reported:
 * one that cannot fail would prove nothing. */
#include "test_confidential.h"

/* Three notes put in, one spent for two, and one for a payment out. */
static int history_setup(void **state)
{
    struct scene *s;

    scene_setup(state);
    s = *state;
    for (uint64_t i = 1; i <= 3; i++)
        shield(s, ALICE, 100 * i);
    struct order *transfer AUTO_FREE = order_gold(s, NULL, 0);
    struct order *unshield AUTO_FREE = order_gold(s, "carol", 30);
    order_spend(transfer, 0);
    order_pay(transfer, &s->wallets[BOB], 60);
    order_pay(transfer, &s->wallets[ALICE], 40);
    prove(s, transfer);
    assert_int_equal(submit(s, transfer), OK);
    order_spend(unshield, 3);
    order_pay(unshield, &s->wallets[BOB], 30);
    prove(s, unshield);
    assert_int_equal(submit(s, unshield), OK);
    fixture_audit(&s->f);
    return 0;
}

static void assert_reported(void **state, const char *invariant, const char *tampering, const char *words)
{
    struct scene *s = *state;
    char *violation AUTO_FREE = NULL;

    fixture_tamper(&s->f, tampering);
    violation = fixture_violation(&s->f, invariant);
    if (violation == NULL)
        fail_msg("%s does not see: %s", invariant, tampering);
    if (strstr(violation, words) == NULL)
        fail_msg("%s says '%s', which does not speak of '%s'", invariant, violation, words);
}

static void a_pool_that_is_short_is_reported(void **state)
{
    assert_reported(state, "confidential.conservation",
                    "UPDATE balance SET amount = 569 WHERE account = (SELECT account FROM confidential_pool)",
                    "570 are held; its account has 569");
}

static void a_payment_forgotten_is_reported(void **state)
{
    assert_reported(state, "confidential.conservation", "DELETE FROM unshielding",
                    "570 are held; what was shielded less what was unshielded is 600");
}

static void a_deposit_invented_is_reported(void **state)
{
    assert_reported(state, "confidential.conservation",
                    "UPDATE note SET amount = 4294967396 WHERE number = 0", /* 2^32 more */
                    "less what was unshielded is 4294967866");
}

static void a_note_gone_is_reported(void **state)
{
    assert_reported(state, "confidential.notes", "DELETE FROM note WHERE number = 4",
                    "its notes are 5 in number, the last one is 5; 6 are expected");
}

static void an_image_gone_is_reported(void **state)
{
    assert_reported(state, "confidential.notes",
                    "DELETE FROM key_image WHERE image = (SELECT max(image) FROM key_image)",
                    "1 key images; 2 are expected");
}

static void more_images_than_notes_are_reported(void **state)
{
    assert_reported(state, "confidential.notes",
                    "UPDATE confidential_pool SET images = 7;"
                    " INSERT INTO key_image SELECT randomblob(32), 1, 1"
                    " FROM (VALUES (1), (2), (3), (4), (5))", "more images (7) than notes (6)");
}

static void a_note_of_another_amount_is_reported(void **state)
{
    assert_reported(state, "confidential.commitments",
                    "UPDATE note SET commitment = (SELECT commitment FROM note WHERE number = 2)"
                    " WHERE number = 1", "the note 1 does not commit to what was put in");
}

static void an_account_not_held_is_reported(void **state)
{
    assert_reported(state, "confidential.accounts",
                    "UPDATE account SET kind = 'key' WHERE id = (SELECT account FROM confidential_pool)",
                    "its account is not the one held for it");
}

#define HISTORY_TEST(name) cmocka_unit_test_setup_teardown(name, history_setup, scene_teardown_tampered)

int pool_invariants_tests(void)
{
    const struct CMUnitTest tests[] = {
        HISTORY_TEST(a_pool_that_is_short_is_reported),
        HISTORY_TEST(a_payment_forgotten_is_reported),
        HISTORY_TEST(a_deposit_invented_is_reported),
        HISTORY_TEST(a_note_gone_is_reported),
        HISTORY_TEST(an_image_gone_is_reported),
        HISTORY_TEST(more_images_than_notes_are_reported),
        HISTORY_TEST(a_note_of_another_amount_is_reported),
        HISTORY_TEST(an_account_not_held_is_reported),
    };

    return cmocka_run_group_tests_name("invariants of pools", tests, NULL, NULL);
}
