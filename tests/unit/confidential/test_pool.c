/* A pool on the ledger: what goes in, moves and comes out, and every way in which that is refused. */
#include "test_confidential.h"

#include <pthread.h>

#include "confidential/pool.h"

#define NOTE_AMOUNT 100
/* The encoding of the base point: RFC 9496 appendix A.1. */
#define KEY_TEXT "e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76"

/* `count` notes of 100 each, of alice's wallet. */
static void fill(struct scene *s, size_t count)
{
    for (size_t i = 0; i < count; i++)
        shield(s, ALICE, NOTE_AMOUNT);
}

/* A proved transfer of note 0, of all that is in it, to bob. */
static struct order *transfer_of_one(struct scene *s)
{
    struct order *order = order_gold(s, NULL, 0);

    order_spend(order, 0);
    order_pay(order, &s->wallets[BOB], NOTE_AMOUNT);
    prove(s, order);
    return order;
}

/* The same, of which 30 go to carol in public. */
static struct order *unshield_of_one(struct scene *s)
{
    struct order *order = order_gold(s, "carol", 30);

    order_spend(order, 0);
    order_pay(order, &s->wallets[BOB], NOTE_AMOUNT - 30);
    prove(s, order);
    return order;
}

/* --- the story ---------------------------------------------------------------------------------------- */
static void value_goes_in_moves_and_comes_out(void **state)
{
    struct scene *s = *state;
    struct order *transfer AUTO_FREE = order_gold(s, NULL, 0);
    struct order *unshield AUTO_FREE = order_gold(s, "carol", 120);

    fill(s, 16);
    assert_int_equal(held(s), 1600);
    assert_int_equal(gold_of(s, "alice"), GOLD_SUPPLY - 1600);
    transfer->ring = 16;
    order_spend(transfer, 3);
    order_spend(transfer, 9);
    order_pay(transfer, &s->wallets[BOB], 150);
    order_pay(transfer, &s->wallets[ALICE], 50);
    prove(s, transfer);
    assert_int_equal(submit(s, transfer), OK);
    assert_int_equal(s->purse.notes[16].owner, BOB);
    assert_int_equal(s->purse.notes[16].amount, 150);
    assert_int_equal(held(s), 1600);
    unshield->ring = 11;
    order_spend(unshield, 16);
    order_pay(unshield, &s->wallets[BOB], 30);
    prove(s, unshield);
    assert_int_equal(submit(s, unshield), OK);
    assert_int_equal(gold_of(s, "carol"), 120);
    assert_int_equal(held(s), 1480);
    assert_int_equal(fixture_sql(&s->f, "SELECT count(*) FROM key_image"), 3);
    assert_int_equal(fixture_sql(&s->f, "SELECT count(*) FROM note WHERE amount IS NULL"), 3);
}

static void all_of_the_pool_can_leave_it(void **state)
{
    struct scene *s = *state;
    struct order *unshield AUTO_FREE = order_gold(s, "carol", 2 * NOTE_AMOUNT);

    fill(s, 2);
    order_spend(unshield, 0);
    order_spend(unshield, 1);
    order_pay(unshield, &s->wallets[ALICE], 0);
    prove(s, unshield);
    assert_int_equal(submit(s, unshield), OK);
    assert_int_equal(held(s), 0);
    assert_int_equal(gold_of(s, "carol"), 2 * NOTE_AMOUNT);
}

/* Sums over all times pass 2^53, and in the end 64 bits: nothing in the pool counts on that they do not. */
static void the_whole_supply_goes_in_and_out_again_and_again(void **state)
{
    struct scene *s = *state;
    const uint64_t all = INTEGER_MAX;

    fixture_run(&s->f, "alice", "ledger.issue", "{'symbol':'MUCH','amount':%" PRIu64 "}", all);
    asset_id_from_symbol(&s->gold, kernel_chain(s->f.kernel), "MUCH");
    for (unsigned i = 0; i < 3; i++) {
        struct order *out AUTO_FREE = order_gold(s, "alice", all);
        char key[2 * POINT_SIZE + 1], sealed[2 * NOTE_SEALED_SIZE + 1];

        for (int part = 0; part < 2; part++) {
            uint64_t amount = part == 0 ? 1 : all - 1;
            struct spend_target target;
            struct spend_output note;

            assert_true(hidden_note_seal(&s->wallets[ALICE].address, amount, &target));
            hex_text(key, target.key, POINT_SIZE);
            hex_text(sealed, target.sealed, NOTE_SEALED_SIZE);
            fixture_run(&s->f, "alice", "confidential.shield",
                        "{'asset':'MUCH','amount':%" PRIu64 ",'key':'%s','sealed':'%s'}", amount, key,
                        sealed);
            memcpy(note.key, target.key, POINT_SIZE);
            memcpy(note.sealed, target.sealed, NOTE_SEALED_SIZE);
            note_commit_public(amount, note.commitment);
            assert_true(purse_receive(&s->purse, s->wallets, WALLETS, &note, true));
            order_spend(out, s->purse.count - 1);
        }
        fixture_refused(&s->f, ERROR_INSUFFICIENT_BALANCE, "alice", "confidential.shield",
                        "{'asset':'MUCH','amount':1,'key':'" KEY_TEXT "'}");
        order_pay(out, &s->wallets[ALICE], 0);
        prove(s, out);
        assert_refused(s, OK, out, order_params(out, "MUCH"));
        assert_true(purse_receive(&s->purse, s->wallets, WALLETS, &out->made.outputs[0], false));
        fixture_audit(&s->f);
    }
}

/* --- putting in --------------------------------------------------------------------------------------- */
#define IDENTITY_TEXT "0000000000000000000000000000000000000000000000000000000000000000"
#define NEGATIVE_TEXT "0100000000000000000000000000000000000000000000000000000000000000"
#define BEYOND_TEXT "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"

static void shielding_is_refused_when_a_word_is_wrong(void **state)
{
    struct scene *s = *state;

    fixture_refused(&s->f, ERROR_INVALID_PARAMS, "alice", "confidential.shield",
                    "{'asset':'GOLD','amount':0,'key':'" KEY_TEXT "'}");
    fixture_refused(&s->f, ERROR_ASSET_NOT_FOUND, "alice", "confidential.shield",
                    "{'asset':'LEAD','amount':1,'key':'" KEY_TEXT "'}");
    fixture_refused(&s->f, ERROR_INSUFFICIENT_BALANCE, "alice", "confidential.shield",
                    "{'asset':'GOLD','amount':%d,'key':'" KEY_TEXT "'}", GOLD_SUPPLY + 1);
    fixture_refused(&s->f, ERROR_INSUFFICIENT_BALANCE, "nobody", "confidential.shield",
                    "{'asset':'GOLD','amount':1,'key':'" KEY_TEXT "'}");
    fixture_refused(&s->f, ERROR_MALFORMED_PROOF, "alice", "confidential.shield",
                    "{'asset':'GOLD','amount':1,'key':'" IDENTITY_TEXT "'}");
    fixture_refused(&s->f, ERROR_MALFORMED_PROOF, "alice", "confidential.shield",
                    "{'asset':'GOLD','amount':1,'key':'" NEGATIVE_TEXT "'}");
    fixture_refused(&s->f, ERROR_MALFORMED_PROOF, "alice", "confidential.shield",
                    "{'asset':'GOLD','amount':1,'key':'" BEYOND_TEXT "'}");
    fixture_refused(&s->f, ERROR_MALFORMED_PROOF, "alice", "confidential.shield",
                    "{'asset':'GOLD','amount':1,'key':'" KEY_TEXT "','sealed':'00'}");
    assert_int_equal(fixture_sql(&s->f, "SELECT count(*) FROM confidential_pool"), 0);
    fixture_run(&s->f, "alice", "confidential.shield", "{'asset':'GOLD','amount':1,'key':'" KEY_TEXT "'}");
    assert_int_equal(held(s), 1);
}

static void a_key_serves_for_one_note_whatever_the_asset(void **state)
{
    struct scene *s = *state;

    fixture_run(&s->f, "alice", "dev.faucet", "{}");
    fixture_run(&s->f, "alice", "confidential.shield", "{'asset':'GOLD','amount':1,'key':'" KEY_TEXT "'}");
    fixture_refused(&s->f, ERROR_NOTE_KEY_USED, "alice", "confidential.shield",
                    "{'asset':'GOLD','amount':1,'key':'" KEY_TEXT "'}");
    fixture_refused(&s->f, ERROR_NOTE_KEY_USED, "alice", "confidential.shield",
                    "{'asset':'DEV','amount':1,'key':'" KEY_TEXT "'}");
}

/* Where the account of the pool will be is known to all; yet nobody can put anything there before. */
static void nobody_can_block_a_pool_beforehand(void **state)
{
    struct scene *s = *state;
    struct account_id account;
    char text[2 * sizeof(account.bytes) + 1];

    pool_account(kernel_chain(s->f.kernel), &s->gold, &account);
    hex_text(text, account.bytes, sizeof(account.bytes));
    fixture_refused(&s->f, ERROR_BAD_KEY, "alice", "ledger.transfer",
                    "{'to':'%s','asset':'GOLD','amount':1}", text);
    fill(s, 1);
    fixture_refused(&s->f, ERROR_NOT_A_RECIPIENT, "alice", "ledger.transfer",
                    "{'to':'%s','asset':'GOLD','amount':1}", text);
}

/* --- double spends ------------------------------------------------------------------------------------ */
static void a_note_is_spent_once(void **state)
{
    struct scene *s = *state;

    fill(s, 4);
    struct order *first AUTO_FREE = transfer_of_one(s);
    struct order *second AUTO_FREE = order_gold(s, "carol", NOTE_AMOUNT);
    assert_int_equal(submit(s, first), OK);
    assert_refused(s, ERROR_IMAGE_SPENT, first, order_params(first, "GOLD"));
    second->ring = 5; /* another ring, other outputs, another command */
    order_spend(second, 0);
    order_pay(second, &s->wallets[ALICE], 0);
    prove(s, second);
    assert_refused(s, ERROR_IMAGE_SPENT, second, order_params(second, "GOLD"));
    assert_int_equal(gold_of(s, "carol"), 0);
}

static void a_note_is_spent_once_in_one_transaction(void **state)
{
    struct scene *s = *state;
    json_t *params, *inputs;

    fill(s, 4);
    struct order *order AUTO_FREE = transfer_of_one(s);
    params = order_params(order, "GOLD");
    inputs = json_object_get(params, "inputs");
    json_array_append(inputs, json_array_get(inputs, 0));
    assert_refused(s, ERROR_MALFORMED_PROOF, order, params);
}

struct racer {
    struct fixture *f;
    json_t *signed_;
    enum status status;
    pthread_t thread;
};

static void *race(void *context)
{
    struct racer *racer = context;
    struct reply reply = fixture_call(racer->f, "transaction.submit", racer->signed_);

    racer->status = reply.status;
    reply_close(&reply);
    return NULL;
}

/* They are checked side by side, and meet in one batch or in two. */
static void of_many_spends_of_one_note_at_once_one_is_taken(void **state)
{
    struct scene *s = *state;
    struct racer racers[4];
    size_t taken = 0;

    fill(s, 4);
    for (size_t i = 0; i < 4; i++) {
        struct order *order AUTO_FREE = transfer_of_one(s);

        racers[i].f = &s->f;
        racers[i].signed_ = fixture_sign(&s->f, "mallory", order_method(order), order_params(order, "GOLD"));
    }
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&racers[i].thread, NULL, race, &racers[i]), 0);
    for (size_t i = 0; i < 4; i++) {
        pthread_join(racers[i].thread, NULL);
        taken += racers[i].status == OK;
        if (racers[i].status != OK)
            assert_int_equal(racers[i].status, ERROR_IMAGE_SPENT);
    }
    assert_int_equal(taken, 1);
    assert_int_equal(fixture_sql(&s->f, "SELECT count(*) FROM key_image"), 1);
}

/* --- rings -------------------------------------------------------------------------------------------- */
/* Proves a spend of note `spent` of the purse, some of whose notes are not what the pool has. */
static void assert_ring_refused(struct scene *s, size_t spent, const char *asset)
{
    struct order *order AUTO_FREE = order_gold(s, NULL, 0);

    order->ring = s->purse.count;
    asset_id_from_symbol(&order->terms.asset, kernel_chain(s->f.kernel), asset);
    order_spend(order, spent);
    order_pay(order, &s->wallets[ALICE], s->purse.notes[spent].amount);
    prove(s, order);
    assert_refused(s, ERROR_NOTE_NOT_FOUND, order, order_params(order, asset));
}

static void a_note_that_the_pool_does_not_have_is_not_spent(void **state)
{
    struct scene *s = *state;

    fill(s, 3);
    assert_ring_refused(s, purse_add(&s->purse, &s->wallets[ALICE], 1000000), "GOLD");
    assert_ring_refused(s, 0, "GOLD"); /* nor a decoy */
}

static void a_member_with_a_changed_commitment_is_refused(void **state)
{
    struct scene *s = *state;

    fill(s, 3);
    memcpy(s->purse.notes[1].member.commitment, s->purse.notes[1].member.key, POINT_SIZE);
    assert_ring_refused(s, 0, "GOLD");
}

/* The key is the thief's, in the place of a note of the pool. */
static void a_member_with_a_changed_key_is_refused(void **state)
{
    struct scene *s = *state;

    fill(s, 3);
    s->purse.notes[2] = s->purse.notes[purse_add(&s->purse, &s->wallets[ALICE], NOTE_AMOUNT)];
    memcpy(s->purse.notes[2].member.commitment, s->purse.notes[1].member.commitment, POINT_SIZE);
    s->purse.notes[2].blinding = s->purse.notes[1].blinding;
    s->purse.count--;
    assert_ring_refused(s, 2, "GOLD");
}

static void notes_of_another_asset_are_not_spent(void **state)
{
    struct scene *s = *state;

    fixture_run(&s->f, "alice", "dev.faucet", "{}");
    fixture_run(&s->f, "alice", "confidential.shield", "{'asset':'DEV','amount':1,'key':'" KEY_TEXT "'}");
    fill(s, 3);
    assert_ring_refused(s, 0, "DEV");
}

static void an_asset_without_a_pool_is_refused(void **state)
{
    struct scene *s = *state;
    struct order *order AUTO_FREE = order_gold(s, NULL, 0);

    fill(s, 3);
    asset_id_from_symbol(&order->terms.asset, kernel_chain(s->f.kernel), "DEV");
    order_spend(order, 0);
    order_pay(order, &s->wallets[ALICE], NOTE_AMOUNT);
    prove(s, order);
    assert_refused(s, ERROR_POOL_NOT_FOUND, order, order_params(order, "DEV"));
    assert_refused(s, ERROR_INVALID_PROOF, order, order_params(order, "GOLD"));
}

static void members_come_in_growing_order(void **state)
{
    struct scene *s = *state;
    json_t *params, *members;

    fill(s, 3);
    struct order *order AUTO_FREE = transfer_of_one(s);
    params = order_params(order, "GOLD");
    members = json_object_get(json_array_get(json_object_get(params, "inputs"), 0), "members");
    json_array_append(members, json_array_get(members, 0));
    json_array_remove(members, 0);
    assert_refused(s, ERROR_RING_ORDER, order, params);
    params = order_params(order, "GOLD");
    members = json_object_get(json_array_get(json_object_get(params, "inputs"), 0), "members");
    json_object_set(json_array_get(members, 1), "note", json_object_get(json_array_get(members, 0), "note"));
    assert_refused(s, ERROR_RING_ORDER, order, params);
}

/* --- statements --------------------------------------------------------------------------------------- */
static void a_spend_for_another_chain_or_command_is_refused(void **state)
{
    struct scene *s = *state;
    struct order *order AUTO_FREE = order_gold(s, NULL, 0);

    fill(s, 3);
    order->terms.chain = PURSE_CHAIN;
    order_spend(order, 0);
    order_pay(order, &s->wallets[ALICE], NOTE_AMOUNT);
    prove(s, order);
    assert_refused(s, ERROR_INVALID_PROOF, order, order_params(order, "GOLD"));
    struct order *unshield AUTO_FREE = unshield_of_one(s);
    json_t *params = order_params(unshield, "GOLD");
    json_object_del(params, "amount");
    json_object_del(params, "to");
    assert_int_equal(fixture_try(&s->f, "mallory", "confidential.transfer", params, NULL),
                     ERROR_INVALID_PROOF);
    assert_int_equal(submit(s, unshield), OK);
}

/* Two digits of each hexadecimal word, and each number. */
static void assert_words_bound(struct scene *s, const struct order *order, json_t *root, json_t *json)
{
    const char *name;
    size_t index;
    json_t *value;
    void *next;

    json_array_foreach(json, index, value)
        assert_words_bound(s, order, root, value);
    json_object_foreach_safe(json, next, name, value) {
        char *text AUTO_FREE = text_copy(json_string_value(value));
        enum status status;

        if (text == NULL || strcmp(name, "asset") == 0) {
            assert_words_bound(s, order, root, value);
            continue;
        }
        for (int i = 0; i < 2; i++) {
            char *digit = &text[purse_random(&s->purse, strlen(text))], kept = *digit;

            *digit = kept == '7' ? '8' : '7';
            json_string_set(value, text);
            status = fixture_try(&s->f, "mallory", order_method(order), json_deep_copy(root), NULL);
            if (status != ERROR_INVALID_PROOF && status != ERROR_MALFORMED_PROOF && status != ERROR_BAD_KEY)
                fail_msg("'%s' changed: %s", name, status_name(status));
            *digit = kept;
            json_string_set(value, text);
        }
    }
}

static void no_word_of_a_spend_can_be_changed(void **state)
{
    struct scene *s = *state;
    json_t *params AUTO_JSON = NULL;

    fill(s, 3);
    struct order *order AUTO_FREE = unshield_of_one(s);
    params = order_params(order, "GOLD");
    assert_words_bound(s, order, params, params);
    json_object_set_new(params, "amount", json_integer(31));
    assert_refused(s, ERROR_INVALID_PROOF, order, json_deep_copy(params));
    json_object_set_new(params, "amount", json_integer(0));
    assert_refused(s, ERROR_INVALID_PARAMS, order, json_deep_copy(params));
    json_object_set_new(params, "amount", json_integer(30));
    json_object_set_new(params, "to", json_string(fixture_address(&s->f, "mallory")));
    assert_refused(s, ERROR_INVALID_PROOF, order, json_deep_copy(params));
    assert_int_equal(submit(s, order), OK);
}

/* --- new notes ---------------------------------------------------------------------------------------- */
/* What was refused leaves nothing behind: its image was not spent by it. */
static void a_new_note_needs_a_fresh_key(void **state)
{
    struct scene *s = *state;
    struct order *order AUTO_FREE = order_gold(s, NULL, 0);

    fill(s, 3);
    order_spend(order, 0);
    order_pay(order, &s->wallets[BOB], 40);
    order_pay(order, &s->wallets[BOB], 60);
    memcpy(order->targets[1].key, s->purse.notes[2].member.key, POINT_SIZE);
    prove(s, order);
    assert_refused(s, ERROR_NOTE_KEY_USED, order, order_params(order, "GOLD"));
    assert_int_equal(fixture_sql(&s->f, "SELECT count(*) FROM key_image"), 0);
    assert_int_equal(fixture_sql(&s->f, "SELECT count(*) FROM note"), 3);
    struct order *again AUTO_FREE = transfer_of_one(s);
    assert_int_equal(submit(s, again), OK);
}

static void sealed_bytes_have_one_size(void **state)
{
    struct scene *s = *state;
    json_t *params;

    fill(s, 3);
    struct order *order AUTO_FREE = transfer_of_one(s);
    params = order_params(order, "GOLD");
    json_object_set_new(json_array_get(json_object_get(params, "outputs"), 0), "sealed", json_string("00"));
    assert_refused(s, ERROR_MALFORMED_PROOF, order, params);
}

/* --- coming out --------------------------------------------------------------------------------------- */
static void who_cannot_receive_is_not_paid(void **state)
{
    struct scene *s = *state;
    struct order *held_account AUTO_FREE = order_gold(s, NULL, 1), *no_key AUTO_FREE = order_gold(s, NULL, 1);
    struct account_id pool;

    fill(s, 3);
    pool_account(kernel_chain(s->f.kernel), &s->gold, &pool);
    held_account->terms.recipient = pool;
    memset(no_key->terms.recipient.bytes, 0xff, sizeof(pool.bytes));
    for (int i = 0; i < 2; i++) {
        struct order *order = i == 0 ? held_account : no_key;

        order->terms.purpose = PURPOSE_UNSHIELD;
        order_spend(order, 0);
        order_pay(order, &s->wallets[ALICE], NOTE_AMOUNT - 1);
        prove(s, order);
        assert_refused(s, i == 0 ? ERROR_NOT_A_RECIPIENT : ERROR_BAD_KEY, order, order_params(order, "GOLD"));
    }
    assert_int_equal(fixture_sql(&s->f, "SELECT count(*) FROM key_image"), 0);
}

/* Were the proofs ever broken: a note of a million, which nobody put in, stands in for a forged proof. */
static void even_a_forged_note_takes_out_no_more_than_there_is(void **state)
{
    struct scene *s = *state;
    char key[2 * POINT_SIZE + 1], commitment[2 * POINT_SIZE + 1];
    const struct owned *forged;

    fill(s, 3);
    forged = &s->purse.notes[purse_add(&s->purse, &s->wallets[ALICE], 1000000)];
    hex_text(key, forged->member.key, POINT_SIZE);
    hex_text(commitment, forged->member.commitment, POINT_SIZE);
    char *sql AUTO_FREE = text_format("INSERT INTO note (pool, number, key, commitment, created_seq)"
                                      " VALUES (1, 3, x'%s', x'%s', 1);"
                                      " UPDATE confidential_pool SET notes = 4", key, commitment);
    fixture_tamper(&s->f, sql);
    struct order *order AUTO_FREE = order_gold(s, "carol", 301);
    order_spend(order, 3);
    order_pay(order, &s->wallets[ALICE], 1000000 - 301);
    prove(s, order);
    assert_refused(s, ERROR_INSUFFICIENT_BALANCE, order, order_params(order, "GOLD"));
    assert_int_equal(held(s), 300);
}

/* --- what people see ---------------------------------------------------------------------------------- */
static void queries_tell_what_everybody_may_know(void **state)
{
    struct scene *s = *state;
    char image[2 * RING_IMAGE_SIZE + 1];

    fill(s, 3);
    struct order *order AUTO_FREE = transfer_of_one(s);
    hex_text(image, order->made.signatures[0], RING_IMAGE_SIZE);
    json_t *before AUTO_JSON = fixture_query(&s->f, "confidential.image", "{'image':'%s'}", image);
    assert_true(json_is_false(json_object_get(before, "spent")));
    assert_int_equal(submit(s, order), OK);
    json_t *after AUTO_JSON = fixture_query(&s->f, "confidential.image", "{'image':'%s'}", image);
    assert_true(json_is_true(json_object_get(after, "spent")));
    assert_string_equal(json_string_value(json_object_get(after, "symbol")), "GOLD");
    json_t *pools AUTO_JSON = fixture_query(&s->f, "confidential.pools", "{}");
    json_t *pool = json_array_get(json_object_get(pools, "items"), 0);
    assert_int_equal(json_integer_value(json_object_get(pool, "held")), 300);
    assert_int_equal(json_integer_value(json_object_get(pool, "notes")), 4);
    assert_int_equal(json_integer_value(json_object_get(pool, "images")), 1);
    json_t *notes AUTO_JSON = fixture_query(&s->f, "confidential.pool_notes", "{'asset':'GOLD','after':1}");
    json_t *items = json_object_get(notes, "items");
    assert_int_equal(json_array_size(items), 2);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(items, 0), "amount")), NOTE_AMOUNT);
    assert_null(json_object_get(json_array_get(items, 1), "amount"));
    assert_int_equal(fixture_sql(&s->f, "SELECT count(*) FROM event WHERE type = 'confidential.transferred'"
                                        " AND json_array_length(body, '$.images') = 1"
                                        " AND body ->> '$.notes[0].number' = 3"), 1);
}

static void views_show_it_to_people(void **state)
{
    struct scene *s = *state;

    fill(s, 3);
    struct order *order AUTO_FREE = unshield_of_one(s);
    assert_int_equal(submit(s, order), OK);
    char *pool AUTO_FREE = fixture_sql_text(
        &s->f, "SELECT symbol || ' ' || held || ' ' || notes || ' ' || images FROM v_confidential_pool"
               " WHERE account LIKE 'lyt1%'");
    char *note AUTO_FREE = fixture_sql_text(
        &s->f, "SELECT symbol || ' ' || length(key) || ' ' || length(sealed) FROM v_note"
               " WHERE shielded IS NULL");
    char *paid AUTO_FREE = fixture_sql_text(
        &s->f, "SELECT symbol || ' ' || amount || ' ' || recipient FROM v_unshielding");
    char *expected AUTO_FREE = text_format("GOLD 30 %s", fixture_address(&s->f, "carol"));

    assert_string_equal(pool, "GOLD 270 4 1");
    assert_string_equal(note, "GOLD 64 112");
    assert_string_equal(paid, expected);
    assert_int_equal(fixture_sql(&s->f, "SELECT count(*) FROM v_key_image WHERE symbol = 'GOLD'"), 1);
}

int pool_tests(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(value_goes_in_moves_and_comes_out),
        SCENE_TEST(all_of_the_pool_can_leave_it),
        SCENE_TEST(the_whole_supply_goes_in_and_out_again_and_again),
        SCENE_TEST(shielding_is_refused_when_a_word_is_wrong),
        SCENE_TEST(a_key_serves_for_one_note_whatever_the_asset),
        SCENE_TEST(nobody_can_block_a_pool_beforehand),
        SCENE_TEST(a_note_is_spent_once),
        SCENE_TEST(a_note_is_spent_once_in_one_transaction),
        SCENE_TEST(of_many_spends_of_one_note_at_once_one_is_taken),
        SCENE_TEST(a_note_that_the_pool_does_not_have_is_not_spent),
        SCENE_TEST(a_member_with_a_changed_commitment_is_refused),
        SCENE_TEST(a_member_with_a_changed_key_is_refused),
        SCENE_TEST(notes_of_another_asset_are_not_spent),
        SCENE_TEST(an_asset_without_a_pool_is_refused),
        SCENE_TEST(members_come_in_growing_order),
        SCENE_TEST(a_spend_for_another_chain_or_command_is_refused),
        SCENE_TEST(no_word_of_a_spend_can_be_changed),
        SCENE_TEST(a_new_note_needs_a_fresh_key),
        SCENE_TEST(sealed_bytes_have_one_size),
        SCENE_TEST(who_cannot_receive_is_not_paid),
        cmocka_unit_test_setup_teardown(even_a_forged_note_takes_out_no_more_than_there_is, scene_setup,
                                        scene_teardown_tampered),
        SCENE_TEST(queries_tell_what_everybody_may_know),
        SCENE_TEST(views_show_it_to_people),
    };

    return cmocka_run_group_tests_name("pools", tests, NULL, NULL);
}
