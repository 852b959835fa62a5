/* What leaves a domain is paid once, and only as its leaf says. */
#include "test_message.h"

#define COUNT 5

/* Withdrawals of 10, 11, … for bob; the last for carol. */
static void withdraw(struct scene *s)
{
    for (uint64_t i = 0; i < COUNT; i++)
        withdrawals_add(&s->withdrawals, 0, 10 + i,
                        &fixture_key(&s->f, i == COUNT - 1 ? "carol" : "bob")->account);
}

static void set_final(struct scene *s, size_t tree, uint64_t count)
{
    char root[65];

    withdrawals_root(&s->withdrawals, tree, root);
    run(s, "owner.final", ",'behind':%" PRIu64 ",'root':'%s'", count, root);
}

static json_t *claim_of(struct scene *s, uint64_t number)
{
    return withdrawals_claim(&s->withdrawals, s->domain, number, COUNT);
}

static void assert_claim(struct scene *s, enum status expected, json_t *params)
{
    assert_int_equal(fixture_try(&s->f, "dave", "message.claim", params, NULL), expected);
    fixture_audit(&s->f);
}

/* A domain of 1000 with COUNT final withdrawals. */
static void begin(struct scene *s)
{
    deposit(s, 1000);
    withdraw(s);
    set_final(s, COUNT, COUNT);
}

static void a_withdrawal_is_paid_once_as_its_leaf_says(void **state)
{
    struct scene *s = *state;

    deposit(s, 1000);
    withdraw(s);
    assert_claim(s, ERROR_NOT_FINAL, claim_of(s, 0));
    set_final(s, COUNT, COUNT);
    for (uint64_t i = 0; i < COUNT; i++) {
        assert_claim(s, OK, claim_of(s, i));
        assert_claim(s, ERROR_ALREADY_CLAIMED, claim_of(s, i));
    }
    assert_int_equal(balance(s, "bob"), 10 + 11 + 12 + 13);
    assert_int_equal(balance(s, "carol"), 14);
    assert_int_equal(balance(s, "dave"), 0); /* who brought the proofs */
    assert_int_equal(escrowed(s), 1000 - 60);
    json_t *page AUTO_JSON = fixture_query(&s->f, "message.claims", "{'domain':%" PRIu64 ",'limit':2}",
                                           s->domain);
    assert_int_equal(json_array_size(json_object_get(page, "items")), 2);
    assert_int_equal(json_integer_value(json_object_get(page, "next")), 1);
}

static void an_older_proof_does_not_pay_twice(void **state)
{
    struct scene *s = *state;

    begin(s);
    assert_claim(s, OK, claim_of(s, 3));
    withdrawals_add(&s->withdrawals, 0, 7, &fixture_key(&s->f, "carol")->account);
    set_final(s, COUNT + 1, COUNT + 1);
    assert_claim(s, ERROR_ALREADY_CLAIMED, claim_of(s, 3));
    assert_claim(s, ERROR_ALREADY_CLAIMED, withdrawals_claim(&s->withdrawals, s->domain, 3, COUNT + 1));
    assert_claim(s, ERROR_WRONG_PROOF, claim_of(s, 2)); /* proved under the root before */
    assert_claim(s, OK, withdrawals_claim(&s->withdrawals, s->domain, 2, COUNT + 1));
    assert_claim(s, OK, withdrawals_claim(&s->withdrawals, s->domain, COUNT, COUNT + 1));
    assert_int_equal(escrowed(s), 1000 - 12 - 13 - 7);
}

static enum status claim_against(struct scene *s, uint64_t number, uint64_t count)
{
    json_t *params = withdrawals_claim(&s->withdrawals, s->domain, number, count);

    json_object_set_new(params, "count", json_integer((json_int_t)count));
    return fixture_try(&s->f, "dave", "message.claim", params, NULL);
}

static void a_proof_holds_while_further_withdrawals_become_final(void **state)
{
    struct scene *s = *state;
    json_t *params;

    begin(s);
    withdrawals_add(&s->withdrawals, 0, 7, &fixture_key(&s->f, "carol")->account);
    withdrawals_add(&s->withdrawals, 0, 8, &fixture_key(&s->f, "carol")->account);
    assert_int_equal(claim_against(s, 1, COUNT + 2), ERROR_NOT_FINAL); /* nothing is final so far */
    set_final(s, COUNT + 2, COUNT + 2);
    assert_int_equal(claim_against(s, 1, COUNT), OK);
    assert_int_equal(claim_against(s, 1, COUNT + 2), ERROR_ALREADY_CLAIMED);
    assert_int_equal(claim_against(s, 2, COUNT + 2), OK);
    assert_int_equal(claim_against(s, 2, COUNT), ERROR_ALREADY_CLAIMED);
    assert_int_equal(claim_against(s, 3, COUNT + 1), ERROR_NOT_FINAL); /* there was no such batch */
    assert_int_equal(claim_against(s, COUNT, COUNT), ERROR_WRONG_PROOF); /* it came later */
    params = withdrawals_claim(&s->withdrawals, s->domain, 0, COUNT);
    json_object_set_new(params, "count", json_integer(COUNT + 2));
    assert_int_equal(fixture_try(&s->f, "dave", "message.claim", params, NULL), ERROR_WRONG_PROOF);
    assert_int_equal(balance(s, "bob"), 11 + 12);
}

static void a_proof_for_a_root_of_long_ago_is_too_old(void **state)
{
    struct scene *s = *state;

    begin(s);
    for (uint64_t i = 1; i <= FINAL_ROOTS_KEPT; i++) {
        if (i == FINAL_ROOTS_KEPT)
            assert_int_equal(claim_against(s, 0, COUNT), OK); /* the last moment */
        fixture_run(&s->f, "alice", "owner.final",
                    "{'domain':%" PRIu64 ",'behind':%" PRIu64 ",'root':'%064" PRIx64 "'}", s->domain,
                    COUNT + i, i);
    }
    assert_int_equal(claim_against(s, 1, COUNT), ERROR_PROOF_TOO_OLD);
    assert_int_equal(claim_against(s, 1, COUNT - 1), ERROR_PROOF_TOO_OLD);
    assert_int_equal(fixture_sql(&s->f, "SELECT count(*) FROM final_root"), FINAL_ROOTS_KEPT);
    assert_int_equal(fixture_sql(&s->f, "SELECT min(count) FROM final_root"), COUNT + 1);
    fixture_audit(&s->f);
}

static void change(json_t *params, const char *member, json_t *value)
{
    json_object_set_new(params, member, value);
}

static void a_claim_with_another_word_is_refused(void **state)
{
    static const char *const members[] = { "amount", "number" };
    struct scene *s = *state;
    json_t *params;

    begin(s);
    for (size_t i = 0; i < 2; i++) {
        for (int by = -1; by <= 1; by += 2) {
            params = claim_of(s, 1);
            change(params, members[i],
                   json_integer(json_integer_value(json_object_get(params, members[i])) + by));
            assert_claim(s, ERROR_WRONG_PROOF, params);
        }
    }
    params = claim_of(s, 1);
    change(params, "recipient", json_string(fixture_address(&s->f, "dave")));
    assert_claim(s, ERROR_WRONG_PROOF, params);
    params = claim_of(s, 1);
    change(params, "proof", json_string("00"));
    assert_claim(s, ERROR_WRONG_PROOF, params);
    params = claim_of(s, 1);
    change(params, "asset", json_integer(1));
    assert_claim(s, ERROR_ASSET_NOT_FOUND, params);
    params = claim_of(s, 1);
    change(params, "asset", json_integer(256)); /* the same byte as asset 0 */
    assert_claim(s, ERROR_ASSET_NOT_FOUND, params);
    params = claim_of(s, 1);
    change(params, "asset", json_integer((json_int_t)1 << 32));
    assert_claim(s, ERROR_ASSET_NOT_FOUND, params);
    params = claim_of(s, 1);
    change(params, "domain", json_integer((json_int_t)s->domain + 1));
    assert_claim(s, ERROR_DOMAIN_NOT_FOUND, params);
    params = claim_of(s, 1);
    change(params, "domain", json_integer(0)); /* nothing leaves the base ledger */
    assert_claim(s, ERROR_DOMAIN_NOT_FOUND, params);
    params = claim_of(s, 1);
    change(params, "number", json_integer(COUNT));
    assert_claim(s, ERROR_NOT_FINAL, params);
    params = claim_of(s, 1);
    change(params, "number", json_integer((json_int_t)1 + ((json_int_t)1 << 32)));
    assert_claim(s, ERROR_NOT_FINAL, params);
    assert_int_equal(escrowed(s), 1000);
    assert_claim(s, OK, claim_of(s, 1));
}

static void a_proof_with_one_bit_flipped_is_refused(void **state)
{
    struct scene *s = *state;

    begin(s);
    for (size_t bit = 0; bit < 8 * OUTBOX_PROOF_SIZE; bit++) {
        json_t *params = claim_of(s, 1);
        char *text AUTO_FREE = text_copy(json_string_value(json_object_get(params, "proof")));
        uint8_t proof[OUTBOX_PROOF_SIZE];

        assert_true(hex_decode(proof, sizeof(proof), text, strlen(text)));
        proof[bit / 8] ^= (uint8_t)(1 << bit % 8);
        hex_text(text, proof, sizeof(proof));
        change(params, "proof", json_string(text));
        assert_int_equal(fixture_try(&s->f, "dave", "message.claim", params, NULL), ERROR_WRONG_PROOF);
    }
    assert_int_equal(escrowed(s), 1000);
}

static void an_asset_of_the_domain_is_not_another_one(void **state)
{
    struct scene *s = *state;
    char root[65];
    json_t *params;

    fixture_run(&s->f, "alice", "ledger.issue", "{'symbol':'GOLD','amount':1000}");
    json_t *opened AUTO_JSON = fixture_do(&s->f, "alice", "owner.open", "{'behind':2}");
    s->domain = (uint64_t)json_integer_value(json_object_get(opened, "domain"));
    for (int asset = 0; asset < 2; asset++)
        run(s, "owner.queue", ",'asset':%d,'amount':500,'window':1", asset);
    run(s, "owner.include", ",'first':0,'behind':2");
    run(s, "owner.done", ",'first':0,'behind':2");
    withdrawals_add(&s->withdrawals, 1, 100, &fixture_key(&s->f, "bob")->account);
    withdrawals_root(&s->withdrawals, 1, root);
    run(s, "owner.final", ",'behind':1,'root':'%s'", root);
    params = withdrawals_claim(&s->withdrawals, s->domain, 0, 1);
    change(params, "asset", json_integer(0));
    assert_claim(s, ERROR_WRONG_PROOF, params);
    assert_claim(s, OK, withdrawals_claim(&s->withdrawals, s->domain, 0, 1));
    assert_int_equal(balance(s, "bob"), 100);
    assert_int_equal(fixture_sql(&s->f, "SELECT amount FROM balance JOIN asset ON asset.id = balance.asset"
                                        " JOIN message_domain ON escrow = account WHERE symbol = 'GOLD'"),
                     400);
}

/* The root is of more withdrawals, but so many are final; and what is final stays so. */
static void only_what_is_final_is_claimed(void **state)
{
    struct scene *s = *state;

    deposit(s, 1000);
    withdraw(s);
    set_final(s, COUNT, 2);
    assert_claim(s, ERROR_NOT_FINAL, claim_of(s, 2));
    assert_claim(s, OK, claim_of(s, 1));
    set_final(s, 1, 1); /* a domain gone wrong takes a withdrawal back that was claimed */
    assert_int_equal(fixture_sql(&s->f, "SELECT count FROM message_domain"), 2);
    assert_claim(s, ERROR_NOT_FINAL, claim_of(s, 2));
    assert_claim(s, OK, claim_of(s, 0));
    set_final(s, COUNT, COUNT);
    assert_claim(s, OK, claim_of(s, 2));
}

/* An account that a module holds cannot be paid: the amount stays, on record, and is not claimed twice. */
static void who_cannot_be_paid_has_a_credit(void **state)
{
    struct scene *s = *state;
    struct account_id nobody;
    char *escrow AUTO_FREE = NULL;

    deposit(s, 30);
    escrow = fixture_sql_text(&s->f, "SELECT lower(hex(escrow)) FROM message_domain");
    assert_true(hex_decode(nobody.bytes, sizeof(nobody.bytes), escrow, 64));
    withdrawals_add(&s->withdrawals, 0, 10, &nobody);
    memset(nobody.bytes, 0xff, sizeof(nobody.bytes)); /* no point of the curve */
    withdrawals_add(&s->withdrawals, 0, 15, &nobody);
    withdrawals_add(&s->withdrawals, 0, 5, &fixture_key(&s->f, "bob")->account);
    withdrawals_add(&s->withdrawals, 0, 1, &fixture_key(&s->f, "bob")->account);
    withdrawals_add(&s->withdrawals, 0, 1, &nobody);
    set_final(s, COUNT, COUNT);
    for (uint64_t i = 0; i < 2; i++) {
        assert_claim(s, OK, claim_of(s, i));
        assert_claim(s, ERROR_ALREADY_CLAIMED, claim_of(s, i));
    }
    assert_int_equal(escrowed(s), 30);
    assert_int_equal(fixture_sql(&s->f, "SELECT sum(amount) FROM credit"), 25);
    assert_claim(s, OK, claim_of(s, 2));
    assert_int_equal(escrowed(s), 25);
    assert_claim(s, ERROR_INSUFFICIENT_BALANCE, claim_of(s, 3)); /* credits are not paid out to others */
    assert_claim(s, ERROR_INSUFFICIENT_BALANCE, claim_of(s, 4)); /* nor is more credited than there is */
    json_t *credits AUTO_JSON = fixture_query(&s->f, "message.credits", "{'limit':1}");
    assert_int_equal(json_integer_value(json_object_get(credits, "next")), 1);
    assert_int_equal(fixture_sql(&s->f, "SELECT count(*) FROM event WHERE type = 'message.credited'"), 2);
}

/* Only a domain gone wrong promises more than it holds; then the claim is refused and may come again. */
static void a_domain_pays_no_more_than_it_holds(void **state)
{
    struct scene *s = *state;

    deposit(s, 11);
    withdraw(s);
    set_final(s, COUNT, COUNT);
    assert_claim(s, OK, claim_of(s, 0));
    assert_claim(s, ERROR_INSUFFICIENT_BALANCE, claim_of(s, 1));
    deposit(s, 10);
    assert_claim(s, OK, claim_of(s, 1));
    assert_int_equal(escrowed(s), 0);
}

/* Whatever a domain gone wrong promised: deposits that no final batch took in go back to their senders. */
static void deposits_not_done_are_paid_out_to_nobody_else(void **state)
{
    struct scene *s = *state;

    withdraw(s);
    set_final(s, COUNT, COUNT);
    run(s, "owner.queue", ",'amount':100,'window':1");
    assert_claim(s, ERROR_INSUFFICIENT_BALANCE, claim_of(s, 0));
    run(s, "owner.include", ",'first':0,'behind':1");
    assert_claim(s, ERROR_INSUFFICIENT_BALANCE, claim_of(s, 0));
    fixture_refused(&s->f, ERROR_INSUFFICIENT_BALANCE, "alice", "owner.pay",
                    "{'domain':%" PRIu64 ",'amount':1,'to':'%s'}", s->domain, fixture_address(&s->f, "bob"));
    run(s, "owner.return", ",'first':0,'behind':1,'window':1");
    run(s, "owner.end", "%s", "");
    assert_int_equal(balance(s, "alice"), 100000);
    assert_claim(s, ERROR_INSUFFICIENT_BALANCE, claim_of(s, 0));
}

static void views_show_it_to_people(void **state)
{
    struct scene *s = *state;

    begin(s);
    assert_claim(s, OK, claim_of(s, 1));
    run(s, "owner.queue", ",'amount':3,'window':1");
    char *domain AUTO_FREE = fixture_sql_text(
        &s->f, "SELECT name || ' ' || kind || ' ' || withdrawals || ' ' || waiting FROM v_domain");
    char *paid AUTO_FREE = fixture_sql_text(
        &s->f, "SELECT recipient || ' ' || symbol || ' ' || amount FROM v_withdrawal_claim WHERE number = 1");
    char *expected AUTO_FREE = text_format("%s DEV 11", fixture_address(&s->f, "bob"));
    char *item AUTO_FREE = fixture_sql_text(
        &s->f, "SELECT symbol || ' ' || amount || ' ' || state FROM v_inbox WHERE number = 1");

    assert_string_equal(domain, "rollup-1 rollup 5 1");
    assert_string_equal(paid, expected);
    assert_string_equal(item, "DEV 3 queued");
    assert_int_equal(fixture_sql(&s->f, "SELECT count(*) FROM v_credit"), 0);
}

static void withdrawals_have_one_form(void **state)
{
    const struct withdrawal w = { .number = 7, .asset = 3, .amount = 1234567890123,
                                  .recipient = { { 0xaa, 0xbb } } };
    static const char expected[] = "0000000000000007" "03" "0000011f71fb04cb" "aabb";
    uint8_t bytes[WITHDRAWAL_SIZE + 1] = { 0 };
    char text[2 * WITHDRAWAL_SIZE + 1];
    struct withdrawal back;

    (void)state;
    withdrawal_encode(&w, bytes);
    hex_text(text, bytes, WITHDRAWAL_SIZE);
    assert_memory_equal(text, expected, strlen(expected));
    assert_true(withdrawal_decode(bytes_of(bytes, WITHDRAWAL_SIZE), &back));
    assert_true(back.number == 7 && back.asset == 3 && back.amount == 1234567890123);
    assert_true(account_equal(&back.recipient, &w.recipient));
    assert_false(withdrawal_decode(bytes_of(bytes, WITHDRAWAL_SIZE - 1), &back));
    assert_false(withdrawal_decode(bytes_of(bytes, WITHDRAWAL_SIZE + 1), &back));
    memset(bytes + 9, 0, 8);
    assert_false(withdrawal_decode(bytes_of(bytes, WITHDRAWAL_SIZE), &back)); /* of nothing */
    put_be64(bytes + 9, INTEGER_MAX + 1);
    assert_false(withdrawal_decode(bytes_of(bytes, WITHDRAWAL_SIZE), &back));
    put_be64(bytes + 9, INTEGER_MAX);
    put_be64(bytes, OUTBOX_COUNT_MAX);
    assert_false(withdrawal_decode(bytes_of(bytes, WITHDRAWAL_SIZE), &back));
    put_be64(bytes, OUTBOX_COUNT_MAX - 1);
    assert_true(withdrawal_decode(bytes_of(bytes, WITHDRAWAL_SIZE), &back));
}

int claims_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(withdrawals_have_one_form),
        SCENE_TEST(a_withdrawal_is_paid_once_as_its_leaf_says),
        SCENE_TEST(an_older_proof_does_not_pay_twice),
        SCENE_TEST(a_proof_holds_while_further_withdrawals_become_final),
        SCENE_TEST(a_proof_for_a_root_of_long_ago_is_too_old),
        SCENE_TEST(a_claim_with_another_word_is_refused),
        SCENE_TEST(a_proof_with_one_bit_flipped_is_refused),
        SCENE_TEST(an_asset_of_the_domain_is_not_another_one),
        SCENE_TEST(only_what_is_final_is_claimed),
        SCENE_TEST(who_cannot_be_paid_has_a_credit),
        SCENE_TEST(a_domain_pays_no_more_than_it_holds),
        SCENE_TEST(views_show_it_to_people),
        SCENE_TEST(deposits_not_done_are_paid_out_to_nobody_else),
    };

    return cmocka_run_group_tests_name("claims", tests, NULL, NULL);
}
