/* Leaves, transactions, inbox items and withdrawals as bytes: what is written is read, and nothing else. */
#include "test_rollup.h"

static struct hash rollup = { { 0x5a } };

static struct item random_transaction(void)
{
    struct item item = { .kind = (enum item_kind)(1 + dice_roll(&dice, 4)) };

    item.from = (uint32_t)dice_roll(&dice, dice_one_in(&dice, 2) ? 100 : (uint64_t)1 << 32);
    item.nonce = dice_roll(&dice, dice_one_in(&dice, 2) ? 200 : INTEGER_MAX + 1);
    item.asset = (unsigned)dice_roll(&dice, 8);
    item.fee = dice_roll(&dice, dice_one_in(&dice, 2) ? 200 : INTEGER_MAX / 2);
    if (item.kind == ITEM_TRANSFER || item.kind == ITEM_BATCH_TRANSFER) {
        item.output_count = item.kind == ITEM_TRANSFER ? 1 : 2 + (unsigned)dice_roll(&dice, 7);
        for (unsigned i = 0; i < item.output_count; i++) {
            item.outputs[i].to = (uint32_t)(i + 17 * dice_roll(&dice, 1000000) * OUTPUTS_MAX);
            item.outputs[i].amount = 1 + dice_roll(&dice, INTEGER_MAX / 17);
        }
    } else if (item.kind == ITEM_WITHDRAWAL) {
        item.recipient.bytes[dice_roll(&dice, 32)] = 1;
        item.amount = 1 + dice_roll(&dice, INTEGER_MAX / 2);
    } else {
        item.key.bytes[dice_roll(&dice, 32)] = 0x80;
    }
    for (unsigned i = 0; i < sizeof item.signature; i++)
        item.signature.bytes[i] = (uint8_t)dice_roll(&dice, 256);
    transaction_digest(&item, &rollup);
    return item;
}

static bool same_outputs(const struct item *a, const struct item *b)
{
    for (unsigned i = 0; i < a->output_count; i++) {
        if (a->outputs[i].to != b->outputs[i].to || a->outputs[i].amount != b->outputs[i].amount)
            return false;
    }
    return a->output_count == b->output_count;
}

static void assert_same(const struct item *a, const struct item *b)
{
    assert_int_equal(a->kind, b->kind);
    assert_true(a->from == b->from && a->nonce == b->nonce && a->asset == b->asset && a->fee == b->fee);
    assert_true(a->amount == b->amount && same_outputs(a, b));
    assert_memory_equal(&a->key, &b->key, sizeof a->key);
    assert_memory_equal(&a->recipient, &b->recipient, sizeof a->recipient);
    assert_memory_equal(&a->digest, &b->digest, sizeof a->digest);
    assert_memory_equal(&a->signature, &b->signature, sizeof a->signature);
}

/* Whether these bytes are a transaction, alone; what is read must be written again. */
static bool is_transaction(const uint8_t *data, size_t size)
{
    CLEANUP(buffer_close) struct buffer again = { 0 };
    struct item item;
    size_t length;

    if (rollup_transaction_decode(bytes_of(data, size), &rollup, 8, &item, &length,
                                  NULL) != OK || length != size)
        return false;
    rollup_transaction_encode(&item, &again);
    assert_true(bytes_equal(buffer_bytes(&again), bytes_of(data, size)));
    return true;
}

static void a_transaction_is_read_as_it_was_written(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 2000; round++) {
        CLEANUP(buffer_close) struct buffer bytes = { 0 };
        struct item item = random_transaction(), read;
        struct error error;
        size_t size;

        rollup_transaction_encode(&item, &bytes);
        assert_true(bytes.size <= ITEM_SIZE_MAX - 9);
        size_t length = bytes.size;
        buffer_append_text(&bytes, "what follows");
        assert_status(rollup_transaction_decode(buffer_bytes(&bytes), &rollup, 8, &read, &size, &error), OK);
        assert_int_equal(size, length);
        assert_same(&item, &read);
        for (size_t cut = 0; cut < length; cut++)
            assert_status(rollup_transaction_decode(bytes_of(bytes.data, cut), &rollup, 8, &read, &size,
                                                    &error),
                          ERROR_MALFORMED_ITEM);
        memset(&item.digest, 0, sizeof item.digest);
        assert_status(rollup_transaction_decode(buffer_bytes(&bytes), NULL, 8, &read, &size, &error), OK);
        assert_same(&item, &read);
        uint8_t body[TRANSACTION_BODY_MAX];
        size = transaction_body(&item, body);
        assert_true(transaction_body_decode(bytes_of(body, size), 8, &read));
        assert_false(transaction_body_decode(bytes_of(body, size - 1), 8, &read));
    }
}

static void any_changed_bytes_are_another_transaction_or_none(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 300; round++) {
        CLEANUP(buffer_close) struct buffer bytes = { 0 };
        struct item item = random_transaction();

        rollup_transaction_encode(&item, &bytes);
        for (size_t bit = 0; bit < 8 * bytes.size; bit++) {
            bytes.data[bit / 8] ^= (uint8_t)(1U << bit % 8);
            (void)is_transaction(bytes.data, bytes.size);
            bytes.data[bit / 8] ^= (uint8_t)(1U << bit % 8);
        }
    }
}

static void random_bytes_are_read_as_they_would_be_written(void **state)
{
    unsigned found = 0;
    uint8_t data[200];

    (void)state;
    for (unsigned round = 0; round < 200000; round++) {
        size_t size = 60 + dice_roll(&dice, sizeof data - 59);

        for (size_t i = 0; i < size; i++)
            data[i] = (uint8_t)dice_roll(&dice, i < 8 ? 10 : 256);
        for (size_t length = size; length > size - 20 && length <= size; length--)
            found += is_transaction(data, length);
    }
    assert_true(found > 0);
}

/* A body as its bytes, then 64 bytes for the signature. */
static bool body_is(const char *hex)
{
    uint8_t data[256] = { 0 };
    size_t size = strlen(hex) / 2;

    assert_true(hex_decode(data, size, hex, 2 * size));
    return is_transaction(data, size + 64);
}

static void no_transaction_has_a_second_form(void **state)
{
    (void)state;
    assert_true(body_is("01" "01" "02" "00" "03" "04" "05"));
    assert_true(body_is("01" "7f" "02" "07" "00" "04" "01"));
    assert_false(body_is("01" "01" "02" "08" "03" "04" "05"));     /* an asset that it has not */
    assert_false(body_is("01" "8100" "02" "00" "03" "04" "05"));   /* 1 in two bytes */
    assert_false(body_is("01" "01" "8000" "00" "03" "04" "05"));   /* 0 in two bytes */
    assert_false(body_is("01" "01" "02" "00" "03" "04" "00"));     /* nothing moves */
    assert_false(body_is("00" "01" "02" "00" "03" "04" "05"));
    assert_false(body_is("05" "01" "02" "00" "03" "04" "05"));
    assert_false(body_is("01" "01" "02" "00" "03" "04" "05" "00")); /* longer than it is */
    assert_true(body_is("01" "ffffffff0f" "02" "00" "03" "04" "05"));
    assert_false(body_is("01" "8080808010" "02" "00" "03" "04" "05"));     /* index 2^32 */
    assert_true(body_is("01" "01" "ffffffffffffff0f" "00" "03" "04" "05"));
    assert_false(body_is("01" "01" "8080808080808010" "00" "03" "04" "05")); /* nonce 2^53 */
    assert_false(body_is("01" "01" "ffffffffffffffff01" "00" "03" "04" "05"));
    assert_true(body_is("01" "01" "02" "00" "00" "04" "ffffffffffffff0f"));
    assert_false(body_is("01" "01" "02" "00" "01" "04" "ffffffffffffff0f")); /* a sum of 2^53 */
    assert_true(body_is("02" "01" "02" "00" "00" "02" "0401" "0501"));
    assert_false(body_is("02" "01" "02" "00" "00" "01" "0401"));
    assert_false(body_is("02" "01" "02" "00" "00" "02" "0401" "0401")); /* the same account twice */
    assert_false(body_is("02" "01" "02" "00" "00" "03" "0401" "0501" "0402"));
    assert_true(body_is("02" "01" "02" "00" "00" "08" "0001" "0101" "0201" "0301" "0401" "0501" "0601"
                        "0701"));
    assert_false(body_is("02" "01" "02" "00" "00" "09" "0001" "0101" "0201" "0301" "0401" "0501" "0601" "0701"
                         "0801"));
}

static void zero_is_no_key_and_no_recipient(void **state)
{
    struct item item = { .kind = ITEM_REGISTRATION };
    CLEANUP(buffer_close) struct buffer bytes = { 0 };

    (void)state;
    rollup_transaction_encode(&item, &bytes);
    assert_false(is_transaction(bytes.data, bytes.size));
    bytes.data[5] = 1;
    assert_true(is_transaction(bytes.data, bytes.size));
    buffer_clear(&bytes);
    item.kind = ITEM_WITHDRAWAL;
    item.amount = 1;
    rollup_transaction_encode(&item, &bytes);
    assert_false(is_transaction(bytes.data, bytes.size));
    bytes.data[36] = 1;
    assert_true(is_transaction(bytes.data, bytes.size));
    bytes.data[37] = 0; /* nothing is withdrawn */
    assert_false(is_transaction(bytes.data, bytes.size));
}

static void the_digest_is_the_rollup_s_and_the_body_s(void **state)
{
    struct item item = random_transaction(), other = item;
    struct hash another = rollup;

    (void)state;
    another.bytes[31] ^= 1;
    transaction_digest(&other, &another);
    assert_memory_not_equal(&item.digest, &other.digest, sizeof item.digest);
    other = item;
    other.nonce ^= 1;
    transaction_digest(&other, &rollup);
    assert_memory_not_equal(&item.digest, &other.digest, sizeof item.digest);
    other = item;
    other.signature.bytes[0] ^= 1;
    transaction_digest(&other, &rollup);
    assert_memory_equal(&item.digest, &other.digest, sizeof item.digest);
}

/* --- inbox items ------------------------------------------------------------------------------ */

static enum status inbox_read(struct buffer *bytes, struct item *item, struct error *error)
{
    return inbox_item_decode(buffer_bytes(bytes), &rollup, 2, item, error);
}

static void an_inbox_item_is_read_as_it_was_written(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 500; round++) {
        CLEANUP(buffer_close) struct buffer bytes = { 0 };
        struct item item = dice_one_in(&dice, 2)   ? forced_exit(2, dice_roll(&dice, 3))
                           : dice_one_in(&dice, 2) ? deposit(3, 1 + dice_roll(&dice, 9))
                                                   : exited((uint32_t)dice_roll(&dice, UINT32_MAX), 1);
        struct item read;
        struct error error;

        item.number = dice_roll(&dice, INTEGER_MAX + 1);
        item.asset = (unsigned)dice_roll(&dice, 2);
        inbox_item_encode(&item, &bytes);
        assert_status(inbox_read(&bytes, &read, &error), OK);
        assert_same(&item, &read);
        assert_true(read.inbox && read.number == item.number && !read.malformed);
        buffer_append(&bytes, "", 1);
        assert_status(inbox_read(&bytes, &read, &error), ERROR_MALFORMED_ITEM);
        for (bytes.size--; bytes.size > 0;) {
            bytes.size--;
            assert_status(inbox_read(&bytes, &read, &error), ERROR_MALFORMED_ITEM);
        }
    }
}

static void an_inbox_item_out_of_range_is_refused(void **state)
{
    CLEANUP(buffer_close) struct buffer bytes = { 0 };
    struct item item = deposit(1, 5), read;
    struct error error;

    (void)state;
    inbox_item_encode(&item, &bytes);
    assert_status(inbox_read(&bytes, &read, &error), OK);
    for (unsigned kind = 0; kind < 256; kind++) {
        bytes.data[0] = (uint8_t)kind;
        assert_status(inbox_read(&bytes, &read, &error),
                      kind == ITEM_DEPOSIT || kind == ITEM_FORCED ? OK : ERROR_MALFORMED_ITEM);
    }
    bytes.data[0] = ITEM_DEPOSIT;
    bytes.data[9] = 2;
    assert_status(inbox_read(&bytes, &read, &error), ERROR_MALFORMED_ITEM);
    bytes.data[9] = 1;
    put_be64(bytes.data + 10, 0);
    assert_status(inbox_read(&bytes, &read, &error), ERROR_MALFORMED_ITEM);
    put_be64(bytes.data + 10, INTEGER_MAX + 1);
    assert_status(inbox_read(&bytes, &read, &error), ERROR_MALFORMED_ITEM);
    put_be64(bytes.data + 10, INTEGER_MAX);
    assert_status(inbox_read(&bytes, &read, &error), OK);
    put_be64(bytes.data + 1, INTEGER_MAX + 1);
    assert_status(inbox_read(&bytes, &read, &error), ERROR_MALFORMED_ITEM);
}

static void a_forced_transaction_is_its_own_or_malformed(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 500; round++) {
        CLEANUP(buffer_close) struct buffer bytes = { 0 }, transaction = { 0 };
        struct item item = random_transaction(), read;
        struct error error;

        item.asset %= 2;
        transaction_digest(&item, &rollup);
        rollup_transaction_encode(&item, &transaction);
        inbox_forced_encode(77, buffer_bytes(&transaction), &bytes);
        assert_status(inbox_read(&bytes, &read, &error), OK);
        assert_same(&item, &read);
        assert_true(read.inbox && read.number == 77 && !read.malformed);
        bytes.size = 9 + dice_roll(&dice, transaction.size);
        assert_status(inbox_read(&bytes, &read, &error), OK);
        assert_true(read.malformed && read.kind == ITEM_FORCED && read.number == 77 && read.inbox);
        assert_int_equal(read.from, 0);
        buffer_clear(&bytes);
        buffer_append(&transaction, "", 1);
        inbox_forced_encode(77, buffer_bytes(&transaction), &bytes);
        assert_status(inbox_read(&bytes, &read, &error), OK);
        assert_true(read.malformed);
    }
}

static void a_withdrawal_is_read_as_it_was_written(void **state)
{
    struct withdrawal out = { .number = 7, .asset = 1, .amount = 12, .recipient = { { 9 } } }, in;
    uint8_t bytes[WITHDRAWAL_SIZE];

    (void)state;
    withdrawal_encode(&out, bytes);
    assert_true(withdrawal_decode(bytes_of(bytes, sizeof bytes), &in));
    assert_true(in.number == 7 && in.asset == 1 && in.amount == 12);
    assert_true(account_equal(&in.recipient, &out.recipient));
    assert_false(withdrawal_decode(bytes_of(bytes, sizeof bytes - 1), &in));
    put_be64(bytes + 9, 0);
    assert_false(withdrawal_decode(bytes_of(bytes, sizeof bytes), &in));
    put_be64(bytes + 9, INTEGER_MAX + 1);
    assert_false(withdrawal_decode(bytes_of(bytes, sizeof bytes), &in));
    put_be64(bytes + 9, INTEGER_MAX);
    put_be64(bytes, OUTBOX_COUNT_MAX);
    assert_false(withdrawal_decode(bytes_of(bytes, sizeof bytes), &in));
}

/* --- leaves ----------------------------------------------------------------------------------- */

static struct leaf random_leaf(void)
{
    struct leaf leaf;

    memset(&leaf, 0, sizeof leaf);
    leaf.kind = (enum leaf_kind)(1 + dice_roll(&dice, 4));
    if (leaf.kind == LEAF_ACCOUNT) {
        leaf.account.key = *person_key((unsigned)dice_roll(&dice, PEOPLE));
        leaf.account.nonce = dice_roll(&dice, INTEGER_MAX + 1);
        for (unsigned asset = 0; asset < ROLLUP_ASSETS_MAX; asset++)
            leaf.account.balances[asset] = dice_one_in(&dice, 2) ? 0 : dice_roll(&dice, INTEGER_MAX + 1);
    } else if (leaf.kind == LEAF_INDEX) {
        leaf.index = (uint32_t)dice_roll(&dice, UINT32_MAX);
    } else if (leaf.kind == LEAF_GLOBAL) {
        leaf.global.accounts = (uint32_t)dice_roll(&dice, UINT32_MAX);
        leaf.global.inbox = dice_roll(&dice, INTEGER_MAX + 1);
    } else {
        leaf.outbox.count = dice_one_in(&dice, 4) ? OUTBOX_COUNT_MAX : dice_roll(&dice, OUTBOX_COUNT_MAX);
        for (unsigned level = 0; level < OUTBOX_DEPTH; level++) {
            if ((leaf.outbox.count >> level & 1) != 0)
                memset(leaf.outbox.frontier[level].bytes, (int)level + 1, 32);
        }
    }
    return leaf;
}

/* Whether these bytes are a leaf; what is read must be written again. */
static bool is_leaf(const uint8_t *data, size_t size)
{
    CLEANUP(buffer_close) struct buffer again = { 0 };
    struct leaf leaf;

    if (leaf_decode(bytes_of(data, size), &leaf, NULL) != OK)
        return false;
    leaf_encode(&leaf, &again);
    assert_true(bytes_equal(buffer_bytes(&again), bytes_of(data, size)));
    return true;
}

static void a_leaf_is_read_as_it_was_written(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 2000; round++) {
        CLEANUP(buffer_close) struct buffer bytes = { 0 };
        struct leaf leaf = random_leaf(), read;
        struct hash values[2];
        struct error error;

        leaf_encode(&leaf, &bytes);
        assert_true(bytes.size <= LEAF_SIZE_MAX);
        assert_status(leaf_decode(buffer_bytes(&bytes), &read, &error), OK);
        assert_memory_equal(&leaf, &read, sizeof leaf);
        leaf_value_hash(&values[0], &leaf);
        leaf_value_hash(&values[1], &read);
        assert_memory_equal(&values[0], &values[1], sizeof values[0]);
        for (size_t size = 0; size < bytes.size; size++)
            assert_false(is_leaf(bytes.data, size));
        for (size_t bit = 0; bit < 8 * bytes.size && bit < 400; bit++) {
            bytes.data[bit / 8] ^= (uint8_t)(1U << bit % 8);
            if (is_leaf(bytes.data, bytes.size)) {
                assert_status(leaf_decode(buffer_bytes(&bytes), &read, &error), OK);
                leaf_value_hash(&values[1], &read);
                assert_memory_not_equal(&values[0], &values[1], sizeof values[0]);
            }
            bytes.data[bit / 8] ^= (uint8_t)(1U << bit % 8);
        }
        buffer_append(&bytes, "", 1);
        assert_false(is_leaf(bytes.data, bytes.size));
    }
}

static void a_leaf_with_a_number_that_no_state_has_is_refused(void **state)
{
    struct leaf leaf = { .kind = LEAF_ACCOUNT, .account = { .balances = { 5 } } };
    CLEANUP(buffer_close) struct buffer bytes = { 0 };

    (void)state;
    leaf_encode(&leaf, &bytes);
    assert_int_equal(bytes.size, 1 + 32 + 8 + 1 + 8);
    assert_true(is_leaf(bytes.data, bytes.size));
    put_be64(bytes.data + 42, 0); /* a balance of 0 that is listed */
    assert_false(is_leaf(bytes.data, bytes.size));
    put_be64(bytes.data + 42, INTEGER_MAX + 1);
    assert_false(is_leaf(bytes.data, bytes.size));
    put_be64(bytes.data + 42, INTEGER_MAX);
    assert_true(is_leaf(bytes.data, bytes.size));
    put_be64(bytes.data + 33, INTEGER_MAX + 1);
    assert_false(is_leaf(bytes.data, bytes.size));

    static const uint8_t full[9] = { LEAF_OUTBOX, 0, 0, 0, 1 }; /* 2^32 withdrawals */
    assert_false(is_leaf(full, sizeof full));
}

static void places_have_keys_of_their_own(void **state)
{
    struct leaf_place places[5] = { { .kind = LEAF_ACCOUNT }, { .kind = LEAF_ACCOUNT, .index = 1 },
                                    { .kind = LEAF_INDEX }, { .kind = LEAF_GLOBAL },
                                    { .kind = LEAF_OUTBOX } };
    struct hash keys[5], again;

    (void)state;
    for (unsigned i = 0; i < 5; i++) {
        leaf_place_hash(&keys[i], &places[i]);
        for (unsigned j = 0; j < i; j++)
            assert_memory_not_equal(&keys[i], &keys[j], sizeof keys[i]);
    }
    places[3].index = 9; /* not its part */
    leaf_place_hash(&again, &places[3]);
    assert_memory_equal(&again, &keys[3], sizeof again);
}

int codec_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_transaction_is_read_as_it_was_written),
        cmocka_unit_test(any_changed_bytes_are_another_transaction_or_none),
        cmocka_unit_test(random_bytes_are_read_as_they_would_be_written),
        cmocka_unit_test(no_transaction_has_a_second_form),
        cmocka_unit_test(zero_is_no_key_and_no_recipient),
        cmocka_unit_test(the_digest_is_the_rollup_s_and_the_body_s),
        cmocka_unit_test(an_inbox_item_is_read_as_it_was_written),
        cmocka_unit_test(an_inbox_item_out_of_range_is_refused),
        cmocka_unit_test(a_forced_transaction_is_its_own_or_malformed),
        cmocka_unit_test(a_withdrawal_is_read_as_it_was_written),
        cmocka_unit_test(a_leaf_is_read_as_it_was_written),
        cmocka_unit_test(a_leaf_with_a_number_that_no_state_has_is_refused),
        cmocka_unit_test(places_have_keys_of_their_own),
    };

    return cmocka_run_group_tests_name("rollup codecs", tests, NULL, NULL);
}
