/* Spends and sealed notes without a ledger: what is made verifies, and nothing else does. */
#include "../sanitized.h"
#include "base/clock.h"
#include "confidential/confidential.h"
#include "proof/pedersen.h"
#include "purse.h"

#define NOTES 64

static struct purse purse;
static struct wallet alice, bob;

static int setup(void **state)
{
    const char *given = getenv("LAYERD_SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)clock_wall_us();

    (void)state;
    print_message("spends: LAYERD_SEED=%" PRIu64 "\n", seed);
    memset(&purse, 0, sizeof purse);
    purse.random = seed * 2 + 1;
    wallet_of("alice", PURSE_CHAIN, &alice);
    wallet_of("bob", PURSE_CHAIN, &bob);
    for (size_t i = 0; i < NOTES; i++)
        purse_add(&purse, &alice, 100);
    return 0;
}

/* `inputs` notes of 100 for `outputs` new ones, of which the first gets what the others and the public do
 * not. */
static struct order *spend_of(size_t inputs, size_t outputs, size_t ring, uint64_t public_amount)
{
    struct order *order = order_new(PURSE_CHAIN, PURPOSE_TRANSFER);

    order->ring = ring;
    order->terms.amount = public_amount;
    memset(order->terms.asset.bytes, 7, sizeof order->terms.asset.bytes);
    if (public_amount > 0)
        memset(order->terms.recipient.bytes, 9, sizeof order->terms.recipient.bytes);
    for (size_t i = 0; i < inputs; i++)
        order->spent[order->spent_count++] = 7 * i + 1;
    order_pay(order, &bob, 100 * inputs - public_amount - (outputs - 1));
    for (size_t i = 1; i < outputs; i++)
        order_pay(order, &alice, 1);
    return order;
}

static struct order *made(size_t inputs, size_t outputs, size_t ring, uint64_t public_amount)
{
    struct order *order = spend_of(inputs, outputs, ring, public_amount);
    struct error error;

    if (order_make(order, &purse, &error) != OK)
        fail_msg("%zu inputs, %zu outputs, rings of %zu: %s", inputs, outputs, ring, error.message);
    return order;
}

static void assert_verdict(const struct spend *spend, enum status expected, const char *words)
{
    struct error error = { 0 };
    enum status status = spend_verify(spend, &error);

    if (status != expected || (status != OK && strstr(error.message, words) == NULL))
        fail_msg("%s expected, of '%s': %s (%s)", status_name(expected), words, status_name(status),
                 error.message);
}

/* --- what holds --------------------------------------------------------------------------------------- */
static void a_spend_of_every_shape_verifies(void **state)
{
    static const struct { size_t inputs, outputs, ring; uint64_t amount; } shapes[] = {
        { 1, 1, 2, 0 }, { 1, 2, 16, 0 }, { 2, 2, 3, 150 }, { 8, 16, 2, 1 }, { 3, 4, 11, 0 }, { 1, 8, 64, 93 },
        { 1, 1, 2, 100 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        struct order *order AUTO_FREE = made(shapes[i].inputs, shapes[i].outputs, shapes[i].ring,
                                             shapes[i].amount);

        assert_verdict(&order->made.spend, OK, "");
    }
}

static void the_same_note_has_the_same_image_in_every_spend(void **state)
{
    struct order *first AUTO_FREE = made(1, 1, 2, 0), *second AUTO_FREE = made(1, 2, 5, 40);
    uint8_t image[RING_IMAGE_SIZE];

    (void)state;
    assert_memory_equal(first->made.signatures[0], second->made.signatures[0], RING_IMAGE_SIZE);
    assert_true(ring_image(purse.notes[1].secret, image));
    assert_memory_equal(first->made.signatures[0], image, RING_IMAGE_SIZE);
}

/* --- what does not ------------------------------------------------------------------------------------ */
static void assert_bound(struct order *order, const char *what, void *data, size_t size)
{
    bool all = !SANITIZED || getenv("LAYERD_THOROUGH") != NULL; /* else one bit of each byte */
    uint8_t *bytes = data;

    for (size_t i = 0; i < 8 * size; i += all ? 1 : 8 - i % 8 + purse_random(&purse, 8)) {
        uint8_t bit = (uint8_t)(1 << i % 8);
        enum status status;
        struct error error;

        bytes[i / 8] ^= bit;
        status = spend_verify(&order->made.spend, &error);
        if (status != ERROR_INVALID_PROOF && status != ERROR_MALFORMED_PROOF)
            fail_msg("%s: byte %zu flipped by %02x: %s", what, i / 8, bit, status_name(status));
        bytes[i / 8] ^= bit;
    }
    assert_verdict(&order->made.spend, OK, "");
}

static void every_flipped_bit_is_refused(void **state)
{
    struct order *order AUTO_FREE = made(1, 1, 2, 30);
    struct spend_made *m = &order->made;

    (void)state;
    assert_bound(order, "asset", m->spend.asset.bytes, sizeof m->spend.asset.bytes);
    assert_bound(order, "recipient", m->spend.recipient.bytes, sizeof m->spend.recipient.bytes);
    assert_bound(order, "amount", &m->spend.amount, sizeof m->spend.amount);
    assert_bound(order, "members", order->members[0], 2 * sizeof order->members[0][0]);
    assert_bound(order, "pseudo", m->inputs[0].pseudo, POINT_SIZE);
    assert_bound(order, "signature", m->signatures[0], RING_CONFIDENTIAL_SIZE(2));
    assert_bound(order, "key", m->outputs[0].key, POINT_SIZE);
    assert_bound(order, "commitment", m->outputs[0].commitment, POINT_SIZE);
    assert_bound(order, "sealed", m->outputs[0].sealed, NOTE_SEALED_SIZE);
    assert_bound(order, "range proof", m->range_proof, range_proof_size(SPEND_BITS, 1));
}

static void it_serves_for_one_chain_and_one_purpose(void **state)
{
    struct order *order AUTO_FREE = made(1, 1, 2, 0);
    struct spend *spend = &order->made.spend;

    (void)state;
    spend->chain = "dev-0123456789abcdee";
    assert_verdict(spend, ERROR_INVALID_PROOF, "");
    spend->chain = PURSE_CHAIN;
    spend->purpose = PURPOSE_UNSHIELD;
    assert_verdict(spend, ERROR_INVALID_PROOF, "");
    spend->purpose = PURPOSE_TRANSFER;
    assert_verdict(spend, OK, "");
}

static void more_out_than_in_is_refused(void **state)
{
    struct order *order AUTO_FREE = made(2, 2, 2, 50);
    struct spend *spend = &order->made.spend;

    (void)state;
    spend->amount = 51;
    assert_verdict(spend, ERROR_INVALID_PROOF, "what goes in is not what comes out");
    spend->amount = 49;
    assert_verdict(spend, ERROR_INVALID_PROOF, "what goes in is not what comes out");
    spend->amount = 0;
    assert_verdict(spend, ERROR_INVALID_PROOF, "what goes in is not what comes out");
}

static void what_does_not_add_up_is_not_made(void **state)
{
    struct order *more AUTO_FREE = spend_of(1, 2, 2, 0), *less AUTO_FREE = spend_of(1, 2, 2, 0);
    struct order *other AUTO_FREE = spend_of(1, 1, 2, 0), *wrapped AUTO_FREE = spend_of(1, 2, 2, 0);
    struct error error;

    (void)state;
    more->targets[0].amount++;
    assert_int_equal(order_make(more, &purse, &error), ERROR_NOT_PROVABLE);
    less->targets[1].amount--;
    assert_int_equal(order_make(less, &purse, &error), ERROR_NOT_PROVABLE);
    wrapped->targets[0].amount = UINT64_MAX; /* with 101 beside it: 100 modulo 2^64 */
    wrapped->targets[1].amount = 101;
    assert_int_equal(order_make(wrapped, &purse, &error), ERROR_NOT_PROVABLE);
    order_surround(other, &purse); /* a note said to hold more than it does */
    other->sources[0] = (struct spend_source){ .members = other->members[0], .count = 2,
                                               .index = other->sources[0].index, .amount = 101,
                                               .blinding = purse.notes[1].blinding };
    memcpy(other->sources[0].secret, purse.notes[1].secret, SCALAR_SIZE);
    other->targets[0].amount = 101;
    assert_int_equal(spend_make(&other->terms, other->sources, 1, other->targets, 1, &other->made, &error),
                     ERROR_NOT_PROVABLE);
}

/* Who puts a negative amount into one note and more into another keeps the sum; the range proof is then that
 * of other commitments, for none can be made for these. */
static void a_negative_amount_has_no_range_proof(void **state)
{
    struct order *order AUTO_FREE = made(1, 2, 2, 0);
    struct spend_made *m = &order->made;
    struct scalar amount, shift;
    struct point point, base;

    (void)state;
    scalar_from_u64(&shift, 1000);
    scalar_from_u64(&amount, 0);
    pedersen_commit_scalar(&base, &shift, &amount);
    for (size_t i = 0; i < 2; i++) {
        assert_true(point_decode(&point, m->outputs[i].commitment));
        if (i == 0)
            point_add(&point, &point, &base);
        else
            point_subtract(&point, &point, &base); /* 1 − 1000 */
        point_encode(m->outputs[i].commitment, &point);
    }
    assert_verdict(&m->spend, ERROR_INVALID_PROOF, "range");
}

static void the_range_proof_of_another_spend_is_refused(void **state)
{
    struct order *order AUTO_FREE = made(1, 2, 2, 0), *other AUTO_FREE = made(1, 2, 2, 0);

    (void)state;
    order->made.spend.range_proof = other->made.spend.range_proof;
    assert_verdict(&order->made.spend, ERROR_INVALID_PROOF, "range");
    order->made.spend.range_proof.size -= 32;
    assert_verdict(&order->made.spend, ERROR_MALFORMED_PROOF, "");
}

static void the_signature_of_another_input_is_refused(void **state)
{
    struct order *order AUTO_FREE = made(2, 2, 2, 0);
    struct spend_made *m = &order->made;
    size_t size = RING_CONFIDENTIAL_SIZE(2) - RING_IMAGE_SIZE;

    (void)state;
    memcpy(m->signatures[0] + RING_IMAGE_SIZE, m->signatures[1] + RING_IMAGE_SIZE, size);
    assert_verdict(&m->spend, ERROR_INVALID_PROOF, "the ring does not close");
}

/* The image is bound to the key: with another one, the same note could be spent again. */
static void another_image_is_refused(void **state)
{
    struct order *order AUTO_FREE = made(1, 1, 2, 0);

    (void)state;
    assert_true(ring_image(purse.notes[2].secret, order->made.signatures[0]));
    assert_verdict(&order->made.spend, ERROR_INVALID_PROOF, "");
}

static void who_is_not_in_the_ring_cannot_sign(void **state)
{
    struct order *order AUTO_FREE = spend_of(1, 1, 2, 0);
    struct error error;

    (void)state;
    order_surround(order, &purse);
    order->sources[0].members = order->members[0];
    order->sources[0].count = 2;
    order->sources[0].amount = 100;
    order->sources[0].blinding = purse.notes[1].blinding;
    memcpy(order->sources[0].secret, purse.notes[5].secret, SCALAR_SIZE);
    if (order->numbers[0][0] == 5 || order->numbers[0][1] == 5)
        memcpy(order->sources[0].secret, purse.notes[6].secret, SCALAR_SIZE);
    assert_int_equal(spend_make(&order->terms, order->sources, 1, order->targets, 1, &order->made, &error),
                     ERROR_NOT_PROVABLE);
}

static void one_note_spent_twice_at_once_is_refused(void **state)
{
    struct order *order AUTO_FREE = spend_of(2, 1, 2, 0);
    struct error error;

    (void)state;
    order->spent[1] = order->spent[0];
    assert_int_equal(order_make(order, &purse, &error), ERROR_MALFORMED_PROOF);
    assert_non_null(strstr(error.message, "spend one note"));
}

static void two_outputs_with_one_key_are_refused(void **state)
{
    struct order *order AUTO_FREE = spend_of(1, 2, 2, 0);
    struct error error;

    (void)state;
    memcpy(order->targets[1].key, order->targets[0].key, POINT_SIZE);
    assert_int_equal(order_make(order, &purse, &error), ERROR_MALFORMED_PROOF);
    assert_non_null(strstr(error.message, "have one key"));
}

static void counts_have_their_limits(void **state)
{
    struct order *order AUTO_FREE = made(2, 2, 2, 0);
    struct spend spend = order->made.spend;
    struct spend_input inputs[SPEND_INPUTS_MAX + 1];

    (void)state;
    spend.input_count = 0;
    assert_verdict(&spend, ERROR_LIMIT, "0 inputs");
    spend.input_count = SPEND_INPUTS_MAX + 1;
    for (size_t i = 0; i < spend.input_count; i++)
        inputs[i] = order->made.inputs[0];
    spend.inputs = inputs;
    assert_verdict(&spend, ERROR_LIMIT, "9 inputs");
    spend = order->made.spend;
    for (spend.output_count = 0; spend.output_count <= SPEND_OUTPUTS_MAX + 1; spend.output_count++) {
        size_t n = spend.output_count;

        if (n != 1 && n != 2 && n != 4 && n != 8 && n != 16)
            assert_verdict(&spend, ERROR_LIMIT, "outputs");
    }
    spend = order->made.spend;
    spend.inputs = inputs;
    inputs[1] = order->made.inputs[1];
    inputs[0].count = 1;
    assert_verdict(&spend, ERROR_LIMIT, "a ring of 1");
    inputs[0].count = RING_MEMBERS_MAX + 1;
    assert_verdict(&spend, ERROR_LIMIT, "a ring of 65");
    inputs[0].count = 2;
    inputs[1].count = 3;
    assert_verdict(&spend, ERROR_LIMIT, "a ring of 3");
}

/* The identity, and 32 bytes ff, which encode nothing. */
static void assert_no_point(struct order *order, uint8_t at[POINT_SIZE], enum status of_ff,
                            enum status of_zero, const char *words)
{
    uint8_t kept[POINT_SIZE];

    memcpy(kept, at, sizeof kept);
    memset(at, 0xff, POINT_SIZE);
    assert_verdict(&order->made.spend, of_ff, words);
    memset(at, 0, POINT_SIZE);
    assert_verdict(&order->made.spend, of_zero, "");
    memcpy(at, kept, sizeof kept);
    assert_verdict(&order->made.spend, OK, "");
}

static void what_is_no_point_is_refused(void **state)
{
    struct order *order AUTO_FREE = made(1, 1, 2, 0);
    struct spend_made *m = &order->made;

    (void)state;
    assert_no_point(order, m->outputs[0].key, ERROR_MALFORMED_PROOF, ERROR_MALFORMED_PROOF,
                    "key of output 0");
    assert_no_point(order, m->outputs[0].commitment, ERROR_MALFORMED_PROOF, ERROR_MALFORMED_PROOF,
                    "the commitment of output 0");
    assert_no_point(order, m->inputs[0].pseudo, ERROR_MALFORMED_PROOF, ERROR_INVALID_PROOF, "the pseudo");
    assert_no_point(order, m->signatures[0] + POINT_SIZE, ERROR_MALFORMED_PROOF, ERROR_MALFORMED_PROOF, "");
    /* These go into the statement, and no range proof was made for that one. */
    assert_no_point(order, m->signatures[0], ERROR_INVALID_PROOF, ERROR_INVALID_PROOF, "");
    assert_no_point(order, order->members[0][1].key, ERROR_INVALID_PROOF, ERROR_INVALID_PROOF, "");
    assert_no_point(order, order->members[0][0].commitment, ERROR_INVALID_PROOF, ERROR_INVALID_PROOF, "");
}

/* A note that commits to nothing with nothing would spoil the rings of others. */
static void the_identity_is_no_commitment(void **state)
{
    struct order *order AUTO_FREE = spend_of(1, 2, 2, 0);
    struct error error;

    (void)state;
    order->targets[0].amount = 100;
    order->targets[1].amount = 0;
    order->targets[1].blinding = scalar_zero;
    assert_int_equal(order_make(order, &purse, &error), ERROR_MALFORMED_PROOF);
    assert_non_null(strstr(error.message, "the commitment of output 1"));
}

/* --- sealed notes ------------------------------------------------------------------------------------- */
static void sealed_note(const struct wallet *to, uint64_t amount, struct spend_output *note)
{
    struct spend_target target;
    struct point point;

    assert_true(hidden_note_seal(&to->address, amount, &target));
    memcpy(note->key, target.key, POINT_SIZE);
    memcpy(note->sealed, target.sealed, NOTE_SEALED_SIZE);
    pedersen_commit(&point, amount, &target.blinding);
    point_encode(note->commitment, &point);
}

static bool opens(const struct wallet *wallet, const struct spend_output *note, struct note_opened *opened)
{
    return hidden_note_open(wallet->keys.view, wallet->address.spend, note, false, opened);
}

static void its_recipient_opens_a_note_and_owns_its_key(void **state)
{
    struct spend_output note, again;
    struct note_opened opened;
    uint8_t secret[SCALAR_SIZE], key[POINT_SIZE];

    (void)state;
    sealed_note(&bob, UINT64_MAX, &note);
    assert_true(opens(&bob, &note, &opened));
    assert_true(opened.amount == UINT64_MAX);
    assert_true(hidden_note_secret(bob.keys.spend, &opened.tweak, secret) && ring_key(secret, key));
    assert_memory_equal(key, note.key, POINT_SIZE);
    sealed_note(&bob, UINT64_MAX, &again);
    assert_memory_not_equal(again.key, note.key, POINT_SIZE);
    assert_memory_not_equal(again.commitment, note.commitment, POINT_SIZE);
}

static void nobody_else_opens_it(void **state)
{
    struct wallet elsewhere, half = bob;
    struct spend_output note;
    struct note_opened opened;

    (void)state;
    sealed_note(&bob, 5, &note);
    assert_false(opens(&alice, &note, &opened));
    wallet_of("bob", "test-0123456789abcdef", &elsewhere);
    assert_false(opens(&elsewhere, &note, &opened));
    memcpy(half.address.spend, alice.address.spend, POINT_SIZE);
    assert_false(opens(&half, &note, &opened));
    assert_false(hidden_note_open(bob.keys.view, bob.address.spend, &note, true,
                                  &opened)); /* its blinding is not 0 */
    assert_true(opens(&bob, &note, &opened));
}

static void a_note_that_says_something_else_is_not_opened(void **state)
{
    struct spend_output note, other, mixed;
    struct note_opened opened;

    (void)state;
    sealed_note(&bob, 5, &note);
    for (size_t i = 0; i < sizeof note; i++) {
        ((uint8_t *)&note)[i] ^= (uint8_t)(1 << purse_random(&purse, 8));
        assert_false(opens(&bob, &note, &opened));
        sealed_note(&bob, 5, &note);
    }
    sealed_note(&bob, 6, &other);
    mixed = note; /* it promises 5, and holds 6 */
    memcpy(mixed.commitment, other.commitment, POINT_SIZE);
    assert_false(opens(&bob, &mixed, &opened));
    mixed = note; /* sealed bytes that are another note's */
    memcpy(mixed.sealed, other.sealed, NOTE_SEALED_SIZE);
    assert_false(opens(&bob, &mixed, &opened));
    memset(mixed.sealed, 0, NOTE_SEALED_SIZE);
    assert_false(opens(&bob, &mixed, &opened));
}

static void an_address_is_two_points(void **state)
{
    struct confidential_address address = bob.address;
    struct spend_target target;

    (void)state;
    assert_true(confidential_address_valid(&address));
    memset(address.view, 0, POINT_SIZE);
    assert_false(confidential_address_valid(&address));
    assert_false(hidden_note_seal(&address, 1, &target));
    address = bob.address;
    memset(address.spend, 0xff, POINT_SIZE);
    assert_false(confidential_address_valid(&address));
    assert_false(hidden_note_seal(&address, 1, &target));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_spend_of_every_shape_verifies),
        cmocka_unit_test(the_same_note_has_the_same_image_in_every_spend),
        cmocka_unit_test(every_flipped_bit_is_refused),
        cmocka_unit_test(it_serves_for_one_chain_and_one_purpose),
        cmocka_unit_test(more_out_than_in_is_refused),
        cmocka_unit_test(what_does_not_add_up_is_not_made),
        cmocka_unit_test(a_negative_amount_has_no_range_proof),
        cmocka_unit_test(the_range_proof_of_another_spend_is_refused),
        cmocka_unit_test(the_signature_of_another_input_is_refused),
        cmocka_unit_test(another_image_is_refused),
        cmocka_unit_test(who_is_not_in_the_ring_cannot_sign),
        cmocka_unit_test(one_note_spent_twice_at_once_is_refused),
        cmocka_unit_test(two_outputs_with_one_key_are_refused),
        cmocka_unit_test(counts_have_their_limits),
        cmocka_unit_test(what_is_no_point_is_refused),
        cmocka_unit_test(the_identity_is_no_commitment),
        cmocka_unit_test(its_recipient_opens_a_note_and_owns_its_key),
        cmocka_unit_test(nobody_else_opens_it),
        cmocka_unit_test(a_note_that_says_something_else_is_not_opened),
        cmocka_unit_test(an_address_is_two_points),
    };

    return cmocka_run_group_tests_name("spends", tests, setup, NULL);
}
