/* BIP-340: the 19 published rows, and what must be refused. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "crypto/hash.h"
#include "crypto/schnorr.h"
#include "vectors.h"

#define BIP340_ROWS 19
#define BIP340_MESSAGE_MAX 128

/* Row 1 of bip340.csv. */
static const char row1_secret[] = "b7e151628aed2a6abf7158809cf4f3c762e7160f38b4da56a784d9045190cfef";
static const char row1_account[] = "dff1d77f2a671c5f36183726db2341be58feae1da2deced843240f7b502ba659";
static const char row1_aux[] = "0000000000000000000000000000000000000000000000000000000000000001";
static const char row1_message[] = "243f6a8885a308d313198a2e03707344a4093822299f31d0082efa98ec4e6c89";
static const char row1_signature[] = "6896bd60eeae296db48a229ff71dfe071bde413e6d43f917dc8dcf8c78de3341"
                                     "8906d11ac976abccb20b091292bff4ea897efcb639ea871cfa95f6de339e4b0a";

/* The next field of a line of comma-separated fields; NULL after the last. */
static char *field_next(char **rest)
{
    return strsep(rest, ",\r\n");
}

static void row_check(char *line)
{
    CLEANUP(secret_free_pointer) struct secret_key *secret = secret_new(sizeof *secret);
    struct account_id account, derived;
    struct signature expected, made;
    uint8_t aux[32], message[BIP340_MESSAGE_MAX];
    char *number = field_next(&line), *secret_text = field_next(&line), *account_text = field_next(&line);
    char *aux_text = field_next(&line), *message_text = field_next(&line);
    char *signature_text = field_next(&line);
    bool valid = strcmp(field_next(&line), "TRUE") == 0;
    size_t size = strlen(message_text) / 2;

    print_message("bip340.csv row %s\n", number);
    assert_true(size <= sizeof message);
    assert_true(hex_decode(account.bytes, 32, account_text, strlen(account_text)));
    assert_true(hex_decode(message, size, message_text, strlen(message_text)));
    assert_true(hex_decode(expected.bytes, 64, signature_text, strlen(signature_text)));
    assert_int_equal(schnorr_verify(&account, message, size, &expected), valid);
    if (secret_text[0] == '\0')
        return;
    assert_true(hex_decode(secret->bytes, 32, secret_text, strlen(secret_text)));
    assert_true(hex_decode(aux, 32, aux_text, strlen(aux_text)));
    assert_true(secret_key_account(secret, &derived));
    assert_true(account_equal(&derived, &account));
    assert_true(schnorr_sign_message(secret, message, size, aux, &made));
    assert_memory_equal(made.bytes, expected.bytes, sizeof made.bytes);
}

static void all_rows_of_bip340_sign_and_verify_as_published(void **state)
{
    size_t size;
    AUTO_FREE char *text = vectors_text("bip340.csv", &size);
    char *line, *rest = text;
    int rows = 0;
    (void)state;

    strsep(&rest, "\n"); /* the head line */
    while ((line = strsep(&rest, "\n")) != NULL) {
        if (line[0] == '\0')
            continue;
        row_check(line);
        rows++;
    }
    assert_int_equal(rows, BIP340_ROWS);
}

struct row1 {
    struct secret_key *secret;
    struct account_id account;
    struct hash message;
    uint8_t aux[32];
    struct signature signature;
};

static struct row1 row1_read(void)
{
    struct row1 row = { .secret = secret_new(sizeof *row.secret) };

    assert_true(hex_decode(row.secret->bytes, 32, row1_secret, 64));
    assert_true(hex_decode(row.account.bytes, 32, row1_account, 64));
    assert_true(hex_decode(row.message.bytes, 32, row1_message, 64));
    assert_true(hex_decode(row.aux, 32, row1_aux, 64));
    assert_true(hex_decode(row.signature.bytes, 64, row1_signature, 128));
    return row;
}

static void signature_is_the_published_one(void **state)
{
    struct row1 row = row1_read();
    struct signature made;
    struct account_id account;
    (void)state;

    assert_true(secret_key_account(row.secret, &account));
    assert_true(account_equal(&account, &row.account));
    assert_true(schnorr_sign(row.secret, &row.message, row.aux, &made));
    assert_memory_equal(made.bytes, row.signature.bytes, 64);
    assert_true(schnorr_verify(&row.account, row.message.bytes, 32, &made));
    secret_free(row.secret);
}

static void every_flipped_bit_is_refused(void **state)
{
    struct row1 row = row1_read();
    (void)state;

    for (unsigned bit = 0; bit < 512; bit++) {
        row.signature.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_false(schnorr_verify(&row.account, row.message.bytes, 32, &row.signature));
        row.signature.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (unsigned bit = 0; bit < 256; bit++) {
        row.message.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_false(schnorr_verify(&row.account, row.message.bytes, 32, &row.signature));
        row.message.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        row.account.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_false(schnorr_verify(&row.account, row.message.bytes, 32, &row.signature));
        row.account.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    assert_false(schnorr_verify(&row.account, row.message.bytes, 31, &row.signature));
    assert_true(schnorr_verify(&row.account, row.message.bytes, 32, &row.signature));
    secret_free(row.secret);
}

/* The group order n (SEC 2, secp256k1): 0 and n are no keys, 1 and n − 1 are. */
static void keys_outside_the_group_order_are_refused(void **state)
{
    static const char order[] = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";
    CLEANUP(secret_free_pointer) struct secret_key *secret = secret_new(sizeof *secret);
    struct account_id account, untouched;
    struct signature signature;
    struct hash message = { .bytes = { 1 } };
    (void)state;

    memset(&account, 9, sizeof account);
    untouched = account;
    assert_false(secret_key_account(secret, &account)); /* 0 */
    assert_false(schnorr_sign(secret, &message, NULL, &signature));
    assert_true(hex_decode(secret->bytes, 32, order, 64));
    assert_false(secret_key_account(secret, &account));
    assert_true(account_equal(&account, &untouched));
    secret->bytes[31]--;
    assert_true(secret_key_account(secret, &account));
    memset(secret->bytes, 0, 32);
    secret->bytes[31] = 1;
    struct account_id one;
    assert_true(secret_key_account(secret, &one)); /* 1 and n − 1 have one x coordinate: the generator's */
    assert_true(account_equal(&account, &one));
}

static void fresh_randomness_gives_different_right_signatures(void **state)
{
    CLEANUP(secret_free_pointer) struct secret_key *secret = secret_new(sizeof *secret);
    struct account_id account;
    struct signature a, b;
    struct hash message = { .bytes = { 1, 2, 3 } };
    (void)state;

    secret_key_generate(secret);
    assert_true(secret_key_account(secret, &account));
    assert_true(account_is_key(&account));
    assert_true(schnorr_sign(secret, &message, NULL, &a));
    assert_true(schnorr_sign(secret, &message, NULL, &b));
    assert_memory_not_equal(a.bytes, b.bytes, 64);
    assert_true(schnorr_verify(&account, message.bytes, 32, &a));
    assert_true(schnorr_verify(&account, message.bytes, 32, &b));
}

/* Row 5 of bip340.csv: x is not on the curve; row 14: x is not below the field size. */
static void bytes_that_are_no_point_are_no_key(void **state)
{
    static const char *const bad[] = { "eefdea4cdb677750a420fee807eacf21eb9898ae79b9768766e4faa04a2d4a34",
                                       "fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc30",
                                       "0000000000000000000000000000000000000000000000000000000000000000" };
    struct signature signature = { .bytes = { 0 } };
    (void)state;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct account_id account;

        assert_true(hex_decode(account.bytes, 32, bad[i], 64));
        assert_false(account_is_key(&account));
        assert_false(schnorr_verify(&account, "", 0, &signature));
    }
}

static void *sign_and_verify(void *argument)
{
    struct secret_key *secret = secret_new(sizeof *secret);
    struct account_id account;
    struct signature signature;
    size_t right = 0;
    (void)argument;

    secret_key_generate(secret);
    for (uint8_t i = 0; i < 50; i++) {
        struct hash message = { .bytes = { i } };
        right += secret_key_account(secret, &account) && schnorr_sign(secret, &message, NULL, &signature) &&
                 schnorr_verify(&account, message.bytes, 32, &signature);
    }
    secret_free(secret);
    return (void *)(uintptr_t)right;
}

static void threads_share_the_context(void **state)
{
    pthread_t threads[4];
    (void)state;

    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, sign_and_verify, NULL), 0);
    for (size_t i = 0; i < 4; i++) {
        void *right;
        assert_int_equal(pthread_join(threads[i], &right), 0);
        assert_int_equal((uintptr_t)right, 50);
    }
}

int schnorr_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_share_the_context), /* first: they also race to make it */
        cmocka_unit_test(all_rows_of_bip340_sign_and_verify_as_published),
        cmocka_unit_test(signature_is_the_published_one),
        cmocka_unit_test(every_flipped_bit_is_refused),
        cmocka_unit_test(keys_outside_the_group_order_are_refused),
        cmocka_unit_test(fresh_randomness_gives_different_right_signatures),
        cmocka_unit_test(bytes_that_are_no_point_are_no_key),
    };
    return cmocka_run_group_tests_name("schnorr", tests, NULL, NULL);
}
