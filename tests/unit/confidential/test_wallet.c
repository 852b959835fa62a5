/* Confidential wallets of a node: what they find, send and withdraw, over restarts, and what they refuse. */
#include "test_confidential.h"

#include <pthread.h>
#include <time.h>

#include "confidential/wallet.h"
#include "crypto/keystore.h"

#define PATIENCE_MS 120000

static int wallet_setup(void **state)
{
    scene_setup(state);
    fixture_keep_keys(&((struct scene *)*state)->f, "alice bob");
    return 0;
}

static char *address_of(struct scene *s, const char *who)
{
    json_t *shown AUTO_JSON = fixture_query(&s->f, "confidential.address", "{'signer':'%s'}",
                                            fixture_address(&s->f, who));

    return text_copy(json_string_value(json_object_get(shown, "address")));
}

/* alice's account puts it in for somebody's wallet. */
static void put_in(struct scene *s, const char *whose, uint64_t amount)
{
    char *address AUTO_FREE = address_of(s, whose);
    json_t *sealed AUTO_JSON = fixture_query(&s->f, "confidential.seal", "{'to':'%s','amount':%" PRIu64 "}",
                                             address, amount);

    fixture_run(&s->f, "alice", "confidential.shield",
                "{'asset':'GOLD','amount':%" PRIu64 ",'key':'%s','sealed':'%s'}", amount,
                json_string_value(json_object_get(sealed, "key")),
                json_string_value(json_object_get(sealed, "sealed")));
}

static int64_t balance_member(struct scene *s, const char *who, const char *member)
{
    json_t *shown AUTO_JSON = fixture_query(&s->f, "confidential.balance", "{'signer':'%s','asset':'GOLD'}",
                                            fixture_address(&s->f, who));

    return json_integer_value(json_object_get(shown, member));
}

static int64_t balance(struct scene *s, const char *who)
{
    return balance_member(s, who, "balance");
}

static json_t *send_params(struct scene *s, const char *from, const char *to, uint64_t amount)
{
    char *address AUTO_FREE = address_of(s, to);

    return fixture_json("{'signer':'%s','asset':'GOLD','amount':%" PRIu64 ",'to':'%s'}",
                        fixture_address(&s->f, from), amount, address);
}

static json_t *withdraw_params(struct scene *s, const char *from, const char *to, uint64_t amount)
{
    return fixture_json("{'signer':'%s','asset':'GOLD','amount':%" PRIu64 ",'account':'%s'}",
                        fixture_address(&s->f, from), amount, fixture_address(&s->f, to));
}

static void assert_call(struct scene *s, enum status expected, const char *method, json_t *params)
{
    struct reply reply = fixture_call(&s->f, method, params);

    if (reply.status != expected)
        fail_msg("%s: %s expected, not %s (%s)", method, status_name(expected), status_name(reply.status),
                 reply.status == OK ? "" : reply.error.message);
    reply_close(&reply);
}

/* Until no payment is under way. */
static void settle(struct scene *s)
{
    const struct timespec pause = { .tv_nsec = 1000000 };

    for (int waited = 0; waited < PATIENCE_MS; waited++) {
        if (fixture_sql(&s->f, "SELECT count(*) FROM own_payment WHERE state = 'submitted'") == 0)
            return;
        nanosleep(&pause, NULL);
    }
    fail_msg("a payment is still under way after %d ms", PATIENCE_MS);
}

static int64_t payments(struct scene *s, const char *state)
{
    char *sql AUTO_FREE = text_format("SELECT count(*) FROM own_payment WHERE state = '%s'", state);

    return fixture_sql(&s->f, sql);
}

static void wallets_find_what_is_theirs_and_pay_with_it(void **state)
{
    struct scene *s = *state;

    for (uint64_t i = 1; i <= 4; i++)
        put_in(s, "alice", 100 * i);
    put_in(s, "bob", 7);
    assert_int_equal(balance(s, "alice"), 1000);
    assert_int_equal(balance(s, "bob"), 7);
    assert_int_equal(balance_member(s, "alice", "untried"), 0);
    assert_call(s, OK, "confidential.send", send_params(s, "alice", "bob", 450)); /* two notes, and change */
    settle(s);
    assert_int_equal(payments(s, "done"), 1);
    assert_int_equal(balance(s, "alice"), 550);
    assert_int_equal(balance(s, "bob"), 457);
    assert_call(s, OK, "confidential.withdraw", withdraw_params(s, "bob", "carol", 457));
    settle(s);
    assert_int_equal(payments(s, "done"), 2);
    assert_int_equal(balance(s, "bob"), 0);
    assert_int_equal(gold_of(s, "carol"), 457);
    assert_int_equal(held(s), 1007 - 457);
    assert_int_equal(fixture_sql(&s->f, "SELECT count(*) FROM key_image"), 4);
    json_t *notes AUTO_JSON = fixture_query(&s->f, "confidential.notes", "{'signer':'%s','asset':'GOLD'}",
                                            fixture_address(&s->f, "alice"));
    json_t *items = json_object_get(notes, "items");
    assert_int_equal(json_array_size(items), 5);
    assert_string_equal(json_string_value(json_object_get(json_array_get(items, 3), "state")), "spent");
    assert_string_equal(json_string_value(json_object_get(json_array_get(items, 0), "state")), "free");
}

/* Eight notes, each in a ring of sixty-four: as large as a spend can be. */
static void the_largest_payment_is_made(void **state)
{
    struct scene *s = *state;
    json_t *params;

    for (int i = 0; i < RING_MEMBERS_MAX; i++)
        put_in(s, "alice", 1);
    assert_call(s, ERROR_INSUFFICIENT_BALANCE, "confidential.send",
                send_params(s, "alice", "bob", SPEND_INPUTS_MAX + 1));
    params = send_params(s, "alice", "bob", SPEND_INPUTS_MAX);
    json_object_set_new(params, "ring", json_integer(RING_MEMBERS_MAX));
    assert_call(s, OK, "confidential.send", params);
    settle(s);
    assert_int_equal(payments(s, "done"), 1);
    assert_int_equal(balance(s, "bob"), SPEND_INPUTS_MAX);
    assert_int_equal(balance(s, "alice"), RING_MEMBERS_MAX - SPEND_INPUTS_MAX);
}

struct sender {
    struct fixture *f;
    json_t *params;
    enum status status;
    pthread_t thread;
};

static void *send_beside_others(void *context)
{
    struct sender *sender = context;
    struct reply reply = fixture_call(sender->f, "confidential.send", sender->params);

    sender->status = reply.status;
    reply_close(&reply);
    return NULL;
}

/* They choose the same note side by side; one gets it, the others are told that it is gone. */
static void of_payments_at_once_with_one_note_one_is_made(void **state)
{
    struct sender senders[4];
    struct scene *s = *state;
    size_t made = 0;

    put_in(s, "alice", 100);
    put_in(s, "bob", 1);
    assert_int_equal(balance(s, "alice"), 100);
    for (size_t i = 0; i < 4; i++) {
        senders[i].f = &s->f;
        senders[i].params = send_params(s, "alice", "bob", 60);
    }
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&senders[i].thread, NULL, send_beside_others, &senders[i]), 0);
    for (size_t i = 0; i < 4; i++) {
        pthread_join(senders[i].thread, NULL);
        made += senders[i].status == OK;
        if (senders[i].status != OK && senders[i].status != ERROR_NOTES_CHANGED)
            assert_int_equal(senders[i].status, ERROR_INSUFFICIENT_BALANCE); /* it looked when all was over */
    }
    assert_int_equal(made, 1);
    settle(s);
    assert_int_equal(payments(s, "done"), 1);
    assert_int_equal(balance(s, "bob"), 61);
}

/* Each transaction is signed by a key that nobody has seen before. */
static void who_pays_is_not_who_signs(void **state)
{
    struct scene *s = *state;

    for (int i = 0; i < 3; i++)
        put_in(s, "alice", 100);
    for (int i = 0; i < 2; i++) {
        assert_call(s, OK, "confidential.send", send_params(s, "alice", "bob", 100));
        settle(s);
    }
    assert_int_equal(payments(s, "done"), 2);
    assert_int_equal(fixture_sql(&s->f, "SELECT count(DISTINCT account) FROM signed_transaction"
                                        " WHERE method = 'confidential.transfer' AND account NOT IN"
                                        " (SELECT id FROM account)"), 2);
}

static void a_wallet_is_the_same_after_a_restart(void **state)
{
    struct scene *s = *state;

    for (int i = 0; i < 3; i++)
        put_in(s, "alice", 100);
    char *before AUTO_FREE = address_of(s, "alice");
    assert_int_equal(balance(s, "alice"), 300);
    assert_call(s, OK, "confidential.send", send_params(s, "alice", "bob", 10));
    fixture_reopen(&s->f); /* the payment is under way, or done */
    char *after AUTO_FREE = address_of(s, "alice");
    assert_string_equal(before, after);
    settle(s);
    assert_int_equal(payments(s, "done"), 1);
    assert_int_equal(balance(s, "alice"), 290);
    assert_int_equal(balance(s, "bob"), 10);
    assert_int_equal(fixture_sql(&s->f, "SELECT count(*) FROM key_image"), 1);
}

/* The same secrets elsewhere: the ledger tells. */
static void a_note_spent_elsewhere_is_spent_here(void **state)
{
    struct scene *s = *state;
    struct hash seed;
    struct error error;

    assert_int_equal(keystore_derive(s->f.keystore, "alice", "layerd/confidential/wallet", &seed, &error),
                     OK);
    wallet_keys_derive(seed.bytes, kernel_chain(s->f.kernel), &s->wallets[ALICE].keys);
    wallet_address(&s->wallets[ALICE].keys, &s->wallets[ALICE].address);
    for (int i = 0; i < 3; i++)
        shield(s, ALICE, 100);
    assert_int_equal(balance(s, "alice"), 300);
    struct order *order AUTO_FREE = order_gold(s, NULL, 0);
    order_spend(order, 1);
    order_pay(order, &s->wallets[BOB], 100);
    prove(s, order);
    assert_int_equal(submit(s, order), OK);
    assert_int_equal(balance(s, "alice"), 200);
    assert_call(s, OK, "confidential.send", send_params(s, "alice", "alice", 200));
    settle(s);
    assert_int_equal(payments(s, "done"), 1);
    assert_int_equal(balance(s, "alice"), 200);
}

/* What the ledger refuses: the payment failed, and its notes are free again. */
static void a_payment_that_fails_gives_its_notes_back(void **state)
{
    struct scene *s = *state;
    char *pool AUTO_FREE = NULL;

    for (int i = 0; i < 2; i++)
        put_in(s, "alice", 100);
    pool = fixture_sql_text(&s->f, "SELECT account FROM v_confidential_pool");
    assert_call(s, OK, "confidential.withdraw",
                fixture_json("{'signer':'%s','asset':'GOLD','amount':5,'account':'%s'}",
                             fixture_address(&s->f, "alice"), pool));
    settle(s);
    assert_int_equal(payments(s, "failed"), 1);
    assert_int_equal(fixture_sql(&s->f, "SELECT failure = 'not_a_recipient' FROM own_payment"), 1);
    assert_int_equal(balance(s, "alice"), 200);
    assert_int_equal(balance_member(s, "alice", "reserved"), 0);
    assert_int_equal(held(s), 200);
}

/* The effect of the wallet's payment, which is done, begins again with its spend signed by mallory: so
 * looks what the wallet sees when mallory was faster, for its own transaction is refused then. */
static void replay_payment_as_refused(struct scene *s, const char *change)
{
    char *request AUTO_FREE = fixture_sql_text(&s->f,
        "SELECT request FROM effect WHERE kind = 'confidential.submit' ORDER BY id DESC LIMIT 1");
    json_t *parsed AUTO_JSON = NULL, *again AUTO_JSON = NULL;
    struct error error;

    assert_int_equal(json_parse(request, strlen(request), &parsed, &error), OK);
    json_t *transaction = json_object_get(parsed, "transaction");
    json_t *params = json_deep_copy(json_object_get(transaction, "params"));
    if (change != NULL)
        json_object_set_new(json_array_get(json_object_get(params, "outputs"), 0), "key",
                            json_string(change));
    again = fixture_sign(&s->f, "mallory", json_string_value(json_object_get(transaction, "method")), params);
    char *text AUTO_FREE = json_dumps(again, JSON_COMPACT);
    char *sql AUTO_FREE = text_format(
        "UPDATE effect SET state = 'waiting', attempts = 0, result = NULL, ended_us = NULL, next_us = 0,"
        " request = '%s' WHERE id = (SELECT max(id) FROM effect WHERE kind = 'confidential.submit');"
        "UPDATE own_payment SET state = 'submitted'", text);
    fixture_tamper(&s->f, sql);
    settle(s);
}

static void a_spend_that_another_brought_in_is_a_payment_made(void **state)
{
    struct scene *s = *state;

    for (int i = 0; i < 2; i++)
        put_in(s, "alice", 100);
    assert_call(s, OK, "confidential.send", send_params(s, "alice", "bob", 30));
    settle(s);
    replay_payment_as_refused(s, NULL);
    assert_int_equal(fixture_sql(&s->f, "SELECT state = 'failed' FROM effect ORDER BY id DESC LIMIT 1"), 1);
    assert_int_equal(payments(s, "done"), 1); /* and not failed, or alice would pay again */
    assert_int_equal(balance(s, "alice"), 170);
    assert_int_equal(balance(s, "bob"), 30);
    assert_int_equal(fixture_sql(&s->f, "SELECT count(*) FROM key_image"), 1);
    /* A note of another key is not what was paid: refused is refused. */
    char *other AUTO_FREE = fixture_sql_text(&s->f, "SELECT lower(hex(key)) FROM note WHERE number = 0");
    replay_payment_as_refused(s, other);
    assert_int_equal(payments(s, "failed"), 1);
}

static void a_wallet_refuses_what_it_cannot_do(void **state)
{
    struct scene *s = *state;
    json_t *params;

    assert_call(s, ERROR_POOL_NOT_FOUND, "confidential.send", send_params(s, "alice", "bob", 1));
    put_in(s, "alice", 100);
    assert_call(s, ERROR_RING_TOO_LARGE, "confidential.send", send_params(s, "alice", "bob", 1));
    put_in(s, "bob", 100);
    assert_call(s, ERROR_INSUFFICIENT_BALANCE, "confidential.send", send_params(s, "alice", "bob", 101));
    params = send_params(s, "alice", "bob", 1);
    json_object_set_new(params, "ring", json_integer(3));
    assert_call(s, ERROR_RING_TOO_LARGE, "confidential.send", params);
    params = send_params(s, "alice", "bob", 1);
    json_object_set_new(params, "ring", json_integer(65));
    assert_call(s, ERROR_LIMIT, "confidential.send", params);
    params = send_params(s, "alice", "bob", 1);
    json_object_set_new(params, "to", json_string(fixture_address(&s->f, "bob")));
    assert_call(s, ERROR_WRONG_CONFIDENTIAL_ADDRESS, "confidential.send", params);
    params = send_params(s, "alice", "bob", 1);
    json_object_set_new(params, "signer", json_string(fixture_address(&s->f, "carol")));
    assert_call(s, ERROR_KEY_NOT_FOUND, "confidential.send", params);
    assert_int_equal(fixture_call_public(&s->f, "confidential.send", send_params(s, "alice", "bob",
                                                                                 1)).status,
                     ERROR_DENIED);
    assert_int_equal(fixture_call_public(&s->f, "confidential.balance",
                                         fixture_json("{'signer':'%s','asset':'GOLD'}",
                                                      fixture_address(&s->f, "alice"))).status, ERROR_DENIED);
    keystore_lock(s->f.keystore);
    assert_call(s, ERROR_KEYSTORE_LOCKED, "confidential.balance",
                fixture_json("{'signer':'%s','asset':'GOLD'}", fixture_address(&s->f, "alice")));
    assert_int_equal(fixture_sql(&s->f, "SELECT count(*) FROM own_payment"), 0);
}

/* The log is everybody's: what this node does of its own says neither which transaction nor which note. */
static void no_local_event_names_the_transaction_of_a_payment(void **state)
{
    static const char *const hidden[] = {
        "SELECT lower(hex(\"transaction\")) FROM own_payment", "SELECT lower(hex(image)) FROM key_image",
        "SELECT lower(hex(key)) FROM note WHERE amount IS NULL", "SELECT '\"note\"'", "SELECT '\"block\"'" };
    struct scene *s = *state;

    for (int i = 0; i < 2; i++)
        put_in(s, "alice", 100);
    assert_call(s, OK, "confidential.send", send_params(s, "alice", "bob", 30));
    settle(s);
    replay_payment_as_refused(s, NULL); /* and one that is refused, for its image */
    assert_int_equal(fixture_sql(&s->f, "SELECT count(*) FROM event WHERE type = 'effect.ended'"), 2);
    for (size_t i = 0; i < sizeof hidden / sizeof hidden[0]; i++) {
        char *sql AUTO_FREE = text_format("SELECT count(*) FROM event WHERE type = 'effect.ended'"
                                          " AND instr(body, (%s LIMIT 1)) > 0", hidden[i]);
        assert_int_equal(fixture_sql(&s->f, sql), 0);
    }
}

/* Nor does anybody learn by SQL what a wallet holds. */
static void only_the_operator_reads_a_wallets_rows(void **state)
{
    static const char *const tables[] = { "own_note", "own_payment", "own_scan" };
    struct scene *s = *state;

    for (size_t i = 0; i < 3; i++) {
        struct reply denied = fixture_call_public(&s->f, "sql",
                                                  fixture_json("{'query':'SELECT * FROM %s'}", tables[i]));
        struct reply shown = fixture_call(&s->f, "sql", fixture_json("{'query':'SELECT * FROM %s'}",
                                                                     tables[i]));

        assert_int_equal(denied.status, ERROR_DENIED);
        assert_int_equal(shown.status, OK);
        reply_close(&shown);
    }
}

static void an_address_with_one_letter_changed_is_refused(void **state)
{
    struct confidential_address address, read;
    struct wallet wallet;
    char text[CONFIDENTIAL_TEXT_MAX], changed[CONFIDENTIAL_TEXT_MAX];
    struct error error;

    (void)state;
    wallet_of("alice", PURSE_CHAIN, &wallet);
    address = wallet.address;
    confidential_address_encode(text, &address);
    assert_memory_equal(text, "lytc1", 5);
    assert_int_equal(confidential_address_decode(&read, text, &error), OK);
    assert_memory_equal(&read, &address, sizeof address);
    for (size_t i = 0; i < strlen(text); i++) {
        snprintf(changed, sizeof changed, "%s", text);
        changed[i] = text[i] == 'q' ? 'p' : 'q';
        assert_int_equal(confidential_address_decode(&read, changed, &error),
                         ERROR_WRONG_CONFIDENTIAL_ADDRESS);
    }
    text[strlen(text) - 1] = '\0';
    assert_int_equal(confidential_address_decode(&read, text, &error), ERROR_WRONG_CONFIDENTIAL_ADDRESS);
    assert_int_equal(confidential_address_decode(&read, "", &error), ERROR_WRONG_CONFIDENTIAL_ADDRESS);
    memset(address.view, 0, POINT_SIZE); /* a right checksum over what is no key */
    confidential_address_encode(text, &address);
    assert_int_equal(confidential_address_decode(&read, text, &error), ERROR_WRONG_CONFIDENTIAL_ADDRESS);
}

#define WALLET_TEST(name) cmocka_unit_test_setup_teardown(name, wallet_setup, scene_teardown)

int wallet_tests(void)
{
    const struct CMUnitTest tests[] = {
        WALLET_TEST(wallets_find_what_is_theirs_and_pay_with_it),
        WALLET_TEST(the_largest_payment_is_made),
        WALLET_TEST(of_payments_at_once_with_one_note_one_is_made),
        WALLET_TEST(who_pays_is_not_who_signs),
        WALLET_TEST(a_wallet_is_the_same_after_a_restart),
        WALLET_TEST(a_note_spent_elsewhere_is_spent_here),
        WALLET_TEST(a_payment_that_fails_gives_its_notes_back),
        WALLET_TEST(a_spend_that_another_brought_in_is_a_payment_made),
        WALLET_TEST(a_wallet_refuses_what_it_cannot_do),
        WALLET_TEST(no_local_event_names_the_transaction_of_a_payment),
        WALLET_TEST(only_the_operator_reads_a_wallets_rows),
        cmocka_unit_test(an_address_with_one_letter_changed_is_refused),
    };

    return cmocka_run_group_tests_name("confidential wallets", tests, NULL, NULL);
}
