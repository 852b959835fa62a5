/* Fraud proved at once: each kind where it is one, where it is none, where nothing can be told, and proofs
 * that are not sound. */
#include "test_rollup.h"

/* A batch on a small state, and the proof of what an account was before it. */
struct accusation {
    struct world *world;
    struct made made;
    struct batch_result claimed;
};

static void accuse(struct accusation *accusation)
{
    accusation->world = world_small();
    made_init(&accusation->made, accusation->world);
    memset(&accusation->claimed, 0, sizeof accusation->claimed);
}

static void accusation_end(struct accusation *accusation)
{
    world_free(accusation->world);
    made_close(&accusation->made);
}

static void proof_make(struct world *world, enum fraud_kind kind, uint32_t item, struct leaf_place place,
                       struct buffer *out)
{
    struct state_proof proof;
    struct leaf leaf;
    struct error error;
    bool present;

    assert_status(world_prove(world, &place, &proof, &leaf, &present, &error), OK);
    buffer_clear(out);
    fraud_encode(kind, item, present ? &leaf : NULL, &proof, out);
    assert_true(out->size <= FRAUD_SIZE_MAX);
}

static enum status verify_account(struct accusation *accusation, enum fraud_kind kind, uint32_t item,
                                  uint32_t account)
{
    CLEANUP(buffer_close) struct buffer proof = { 0 };
    enum fraud_kind found = 0;
    struct error error;

    proof_make(accusation->world, kind, item,
               (struct leaf_place){ .kind = LEAF_ACCOUNT, .index = account }, &proof);
    enum status status = fraud_verify(&accusation->made.batch, &accusation->claimed, buffer_bytes(&proof),
                                      &found, &error);
    assert_int_equal(found, status == OK ? kind : 0);
    return status;
}

/* A transfer by a person, with this nonce. */
static void pay(struct accusation *accusation, unsigned person, unsigned to, uint64_t amount, uint64_t fee,
                uint64_t nonce, bool forced)
{
    struct item item = transfer(accusation->world, person, to, amount, fee);

    item.nonce = nonce;
    sign_again(accusation->world, person, &item);
    if (forced)
        made_forced(&accusation->made, &item);
    else
        made_transaction(&accusation->made, &item);
}

static void a_signature_by_another_key_is_fraud(void **state)
{
    struct accusation a;

    (void)state;
    accuse(&a);
    struct item item = transfer(a.world, 1, 2, 5, 1);
    made_transaction(&a.made, &item);
    sign_again(a.world, 2, &item);
    made_transaction(&a.made, &item);
    assert_int_equal(verify_account(&a, FRAUD_SIGNATURE, 0, 1), ERROR_NOT_FRAUD);
    assert_int_equal(verify_account(&a, FRAUD_SIGNATURE, 1, 1), OK);
    assert_int_equal(verify_account(&a, FRAUD_SIGNATURE, 1, 2), ERROR_INVALID_WITNESS); /* not the sender's */
    assert_int_equal(verify_account(&a, FRAUD_SIGNATURE, 2, 1), ERROR_INVALID_WITNESS); /* no such item */
    accusation_end(&a);
}

static void a_nonce_out_of_order_is_fraud(void **state)
{
    struct accusation a;

    (void)state;
    accuse(&a);
    pay(&a, 1, 2, 5, 0, 0, false);
    pay(&a, 2, 1, 5, 0, 0, false);
    pay(&a, 1, 2, 5, 0, 1, false);
    pay(&a, 1, 2, 5, 0, 1, false); /* used */
    pay(&a, 1, 2, 5, 0, 5, false); /* too high */
    assert_int_equal(verify_account(&a, FRAUD_NONCE, 0, 1), ERROR_NOT_FRAUD);
    assert_int_equal(verify_account(&a, FRAUD_NONCE, 1, 2), ERROR_NOT_FRAUD);
    assert_int_equal(verify_account(&a, FRAUD_NONCE, 2, 1), ERROR_NOT_FRAUD);
    assert_int_equal(verify_account(&a, FRAUD_NONCE, 3, 1), OK);
    assert_int_equal(verify_account(&a, FRAUD_NONCE, 4, 1), OK);
    accusation_end(&a);
}

static void a_nonce_behind_a_forced_transaction_is_fraud_only_out_of_both(void **state)
{
    struct accusation a;

    (void)state;
    accuse(&a);
    pay(&a, 1, 2, 5, 0, 0, true); /* may be null */
    pay(&a, 1, 2, 5, 0, 0, false);
    pay(&a, 1, 2, 5, 0, 2, false);
    pay(&a, 1, 2, 5, 0, 1, false);
    pay(&a, 1, 2, 5, 0, 5, false);
    assert_int_equal(verify_account(&a, FRAUD_NONCE, 0, 1), ERROR_INVALID_WITNESS); /* of the inbox */
    assert_int_equal(verify_account(&a, FRAUD_NONCE, 1, 1), ERROR_INVALID_WITNESS); /* 0 or 1 */
    assert_int_equal(verify_account(&a, FRAUD_NONCE, 2, 1), ERROR_INVALID_WITNESS); /* 1 or 2 */
    assert_int_equal(verify_account(&a, FRAUD_NONCE, 3, 1), OK);                    /* 2 or 3 */
    assert_int_equal(verify_account(&a, FRAUD_NONCE, 4, 1), OK);                    /* 3 or 4 */
    accusation_end(&a);
}

static void what_a_sender_has_not_got_is_fraud(void **state)
{
    struct accusation a;

    (void)state;
    accuse(&a);
    pay(&a, 1, 2, 900, 100, 0, false); /* all */
    pay(&a, 2, 0, 1900, 1, 0, false);  /* one more than it has now */
    pay(&a, 2, 1, 1900, 0, 0, false);
    pay(&a, 0, 1, 2001, 0, 0, false);  /* fee, 1900 and a fee of 1: exactly */
    pay(&a, 0, 1, 1, 0, 1, false);
    assert_int_equal(verify_account(&a, FRAUD_BALANCE, 0, 1), ERROR_NOT_FRAUD);
    assert_int_equal(verify_account(&a, FRAUD_BALANCE, 1, 2), OK);
    assert_int_equal(verify_account(&a, FRAUD_BALANCE, 2, 2), OK); /* 1901 are gone if it was right */
    assert_int_equal(verify_account(&a, FRAUD_BALANCE, 3, 0), ERROR_NOT_FRAUD);
    assert_int_equal(verify_account(&a, FRAUD_BALANCE, 4, 0), OK);
    accusation_end(&a);
}

static void what_came_in_before_counts(void **state)
{
    struct item more = deposit(1, 50), other_asset = deposit(1, 7000);
    struct accusation a;

    (void)state;
    accuse(&a);
    other_asset.asset = 1;
    made_inbox(&a.made, &more);
    made_inbox(&a.made, &other_asset);
    pay(&a, 1, 2, 1050, 0, 0, false);
    pay(&a, 1, 2, 1, 0, 1, false);
    assert_int_equal(verify_account(&a, FRAUD_BALANCE, 2, 1), ERROR_NOT_FRAUD);
    assert_int_equal(verify_account(&a, FRAUD_BALANCE, 3, 1), OK);
    accusation_end(&a);
}

static void what_left_before_is_gone(void **state)
{
    struct item left = exited(1, 300), of_another = exited(2, 50), other_asset = exited(1, 5);
    struct accusation a;

    (void)state;
    accuse(&a);
    other_asset.asset = 1;
    made_inbox(&a.made, &left);
    made_inbox(&a.made, &of_another);
    made_inbox(&a.made, &other_asset);
    pay(&a, 1, 2, 700, 0, 0, false);
    pay(&a, 1, 2, 1, 0, 1, false);
    assert_int_equal(verify_account(&a, FRAUD_BALANCE, 3, 1), ERROR_NOT_FRAUD);
    assert_int_equal(verify_account(&a, FRAUD_BALANCE, 4, 1), OK);
    accusation_end(&a);
}

static void what_forced_items_may_have_done_is_not_decided(void **state)
{
    struct item exit = forced_exit(1, 0);
    struct accusation a;

    (void)state;
    accuse(&a);
    made_inbox(&a.made, &exit);
    pay(&a, 3, 2, 100, 0, 0, true);    /* may be null */
    pay(&a, 1, 2, 5, 0, 0, false);     /* after the exit of all: wrong, but who knows */
    pay(&a, 1, 2, 1000, 0, 1, false);  /* more than it ever had */
    pay(&a, 2, 1, 1104, 0, 0, false);  /* with both payments 1105 */
    pay(&a, 2, 1, 1106, 0, 0, false);  /* more than with everything */
    assert_int_equal(verify_account(&a, FRAUD_BALANCE, 2, 1), ERROR_INVALID_WITNESS);
    assert_int_equal(verify_account(&a, FRAUD_BALANCE, 3, 1), OK);
    assert_int_equal(verify_account(&a, FRAUD_BALANCE, 4, 2), ERROR_INVALID_WITNESS);
    assert_int_equal(verify_account(&a, FRAUD_BALANCE, 5, 2), OK);
    accusation_end(&a);
}

static void an_account_made_within_the_batch_cannot_be_argued_about(void **state)
{
    struct item first = deposit(8, 10);
    struct accusation a;

    (void)state;
    accuse(&a);
    made_inbox(&a.made, &first);
    struct item item = { .kind = ITEM_TRANSFER, .from = 4, .output_count = 1, .outputs = { { 1, 500 } } };
    sign_again(a.world, 7, &item);
    made_transaction(&a.made, &item);
    for (int kind = FRAUD_SIGNATURE; kind <= FRAUD_BALANCE; kind++)
        assert_int_equal(verify_account(&a, (enum fraud_kind)kind, 1, 4), ERROR_INVALID_WITNESS);
    accusation_end(&a);
}

static enum status verify_outbox(struct accusation *a, struct world *after, uint32_t item,
                                 enum leaf_kind kind)
{
    CLEANUP(buffer_close) struct buffer proof = { 0 };
    enum fraud_kind found;
    struct error error;

    proof_make(after, FRAUD_WITHDRAWALS, item, (struct leaf_place){ .kind = kind }, &proof);
    return fraud_verify(&a->made.batch, &a->claimed, buffer_bytes(&proof), &found, &error);
}

static void another_withdrawal_root_than_the_new_state_s_is_fraud(void **state)
{
    struct machine machine = { .done = 0 };
    struct accusation a;

    (void)state;
    accuse(&a);
    struct item item = withdrawal(a.world, 1, 5, 1);
    made_transaction(&a.made, &item);
    AUTO_WORLD after = world_copy(a.world, true);
    world_execute(after, &a.made, &machine);
    const struct outbox_tree *outbox = &world_one(after, LEAF_OUTBOX)->outbox;
    a.claimed.root = after->root;
    a.claimed.withdrawals = 1;
    outbox_root(outbox_shape(), outbox, &a.claimed.withdrawal_root);
    assert_int_equal(verify_outbox(&a, after, 0, LEAF_OUTBOX), ERROR_NOT_FRAUD);
    assert_int_equal(verify_outbox(&a, after, 1, LEAF_OUTBOX), ERROR_INVALID_WITNESS);
    assert_int_equal(verify_outbox(&a, after, 0, LEAF_GLOBAL), ERROR_INVALID_WITNESS);
    assert_int_equal(verify_outbox(&a, a.world, 0, LEAF_OUTBOX), ERROR_INVALID_WITNESS); /* the old state's */
    a.claimed.withdrawals = 2;
    assert_int_equal(verify_outbox(&a, after, 0, LEAF_OUTBOX), OK);
    a.claimed.withdrawals = 1;
    a.claimed.withdrawal_root.bytes[5] ^= 1;
    assert_int_equal(verify_outbox(&a, after, 0, LEAF_OUTBOX), OK);
    a.claimed.withdrawal_root.bytes[5] ^= 1;
    world_remove(after, &(struct leaf_place){ .kind = LEAF_OUTBOX });
    a.claimed.root = after->root; /* a state without an outbox */
    assert_int_equal(verify_outbox(&a, after, 0, LEAF_OUTBOX), OK);
    accusation_end(&a);
}

/* No single bit of a sound proof can be another and the proof still show the fraud. */
static void a_changed_proof_is_refused(void **state)
{
    CLEANUP(buffer_close) struct buffer proof = { 0 };
    struct leaf_place place = { .kind = LEAF_ACCOUNT, .index = 1 };
    enum fraud_kind kind;
    struct accusation a;
    struct error error;

    (void)state;
    accuse(&a);
    pay(&a, 1, 2, 5, 0, 3, false);
    proof_make(a.world, FRAUD_NONCE, 0, place, &proof);
    assert_status(fraud_verify(&a.made.batch, &a.claimed, buffer_bytes(&proof), &kind, &error), OK);
    assert_int_equal(kind, FRAUD_NONCE);
    for (size_t bit = 0; bit < 8 * proof.size; bit++) {
        proof.data[bit / 8] ^= (uint8_t)(1U << bit % 8);
        enum status status = fraud_verify(&a.made.batch, &a.claimed, buffer_bytes(&proof), &kind, &error);
        proof.data[bit / 8] ^= (uint8_t)(1U << bit % 8);
        /* The kind's own bits: another question, with its own answer. */
        assert_int_equal(status, bit == 0 ? ERROR_NOT_FRAUD : ERROR_INVALID_WITNESS);
    }
    for (size_t size = 0; size < proof.size; size++)
        assert_status(fraud_verify(&a.made.batch, &a.claimed, bytes_of(proof.data, size), &kind, &error),
                      ERROR_INVALID_WITNESS);
    a.made.batch.previous_root.bytes[0] ^= 1;
    assert_status(fraud_verify(&a.made.batch, &a.claimed, buffer_bytes(&proof), &kind, &error),
                  ERROR_INVALID_WITNESS);
    accusation_end(&a);
}

/* Whatever a valid batch is, nobody can be accused of anything. */
static void no_valid_batch_is_fraud(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 15; round++) {
        AUTO_WORLD world = world_small();
        struct accusation a = { .world = world };

        made_random(&a.made, world, &dice, 6, 20, 4, false);
        for (uint32_t item = 0; item < a.made.batch.machine.items; item++) {
            for (int kind = FRAUD_SIGNATURE; kind <= FRAUD_BALANCE; kind++) {
                for (uint32_t account = 0; account < 6; account++)
                    assert_int_not_equal(verify_account(&a, (enum fraud_kind)kind, item, account), OK);
            }
        }
        made_close(&a.made);
    }
}

/* What is shown to be fraud is none that the machine would execute. */
static void what_is_shown_to_be_fraud_is_invalid(void **state)
{
    unsigned shown = 0;

    (void)state;
    for (unsigned round = 0; round < 60; round++) {
        AUTO_WORLD world = world_small();
        AUTO_WORLD after = world_copy(world, false);
        struct accusation a = { .world = world };
        struct machine machine = { .done = 0 };
        bool fraud = false;

        made_random(&a.made, world, &dice, 4, 12, 6, true);
        for (uint32_t item = 0; item < a.made.batch.machine.items; item++) {
            for (int kind = FRAUD_SIGNATURE; kind <= FRAUD_BALANCE; kind++) {
                for (uint32_t account = 0; account < 4; account++)
                    fraud |= verify_account(&a, (enum fraud_kind)kind, item, account) == OK;
            }
        }
        world_execute(after, &a.made, &machine);
        assert_true(!fraud || machine.status == MACHINE_INVALID);
        shown += fraud;
        made_close(&a.made);
    }
    assert_true(shown > 0);
}

int fraud_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_signature_by_another_key_is_fraud),
        cmocka_unit_test(a_nonce_out_of_order_is_fraud),
        cmocka_unit_test(a_nonce_behind_a_forced_transaction_is_fraud_only_out_of_both),
        cmocka_unit_test(what_a_sender_has_not_got_is_fraud),
        cmocka_unit_test(what_came_in_before_counts),
        cmocka_unit_test(what_left_before_is_gone),
        cmocka_unit_test(what_forced_items_may_have_done_is_not_decided),
        cmocka_unit_test(an_account_made_within_the_batch_cannot_be_argued_about),
        cmocka_unit_test(another_withdrawal_root_than_the_new_state_s_is_fraud),
        cmocka_unit_test(a_changed_proof_is_refused),
        cmocka_unit_test(no_valid_batch_is_fraud),
        cmocka_unit_test(what_is_shown_to_be_fraud_is_invalid),
    };

    return cmocka_run_group_tests_name("rollup fraud", tests, NULL, NULL);
}
