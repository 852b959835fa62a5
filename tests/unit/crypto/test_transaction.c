/* The signed form of a command and the id of an asset: exact bytes, and every field bound and checked. */
#include <stdio.h>
#include <string.h>

#include "base/bech32.h"
#include "base/memory.h"
#include "crypto/asset.h"
#include "crypto/hash.h"
#include "crypto/transaction.h"
#include "vectors.h"

/* The account is that of row 1 of bip340.csv. */
#define ACCOUNT_HEX "dff1d77f2a671c5f36183726db2341be58feae1da2deced843240f7b502ba659"
#define SALT "000102030405060708090a0b0c0d0e0f"

/* As a careless client may write it: other order, white space, needless escapes. `%s` is the account. */
static const char written[] =
    "{ \"valid_until\": 1800000000000000, \"salt\": \"" SALT "\", \"params\": { \"to\": \"b\",\n"
    "  \"amount\": 5, \"memo\": \"caf\\u00e9 \\u0041\\/\" }, \"method\": \"ledger.transfer\","
    " \"chain\": \"dev-0123\", \"account\": \"%s\" }";
static const char canonical[] =
    "{\"account\":\"%s\",\"chain\":\"dev-0123\",\"method\":\"ledger.transfer\","
    "\"params\":{\"amount\":5,\"memo\":\"caf\xc3\xa9 A/\",\"to\":\"b\"},"
    "\"salt\":\"" SALT "\",\"valid_until\":1800000000000000}";

static const char *address(void)
{
    static char text[ADDRESS_TEXT_MAX];
    struct account_id account;

    assert_true(hex_decode(account.bytes, 32, ACCOUNT_HEX, 64));
    address_encode(text, &account);
    return text;
}

static enum status decoded(const char *text, struct buffer *out, struct hash *id)
{
    AUTO_JSON json_t *json = NULL;
    struct transaction transaction;
    struct error error;

    assert_int_equal(json_parse(text, strlen(text), &json, &error), OK);
    enum status status = transaction_decode(json, &transaction, out, id, &error);
    assert_true(status == OK || error.code == status);
    return status;
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* the two forms above differ in nothing else */
static char *with_account(const char *form, const char *account)
{
    return text_format(form, account);
}
#pragma GCC diagnostic pop

static void one_transaction_has_one_form_and_one_id(void **state)
{
    AUTO_FREE char *first = with_account(written, address()), *second = with_account(written, ACCOUNT_HEX);
    AUTO_FREE char *expected = with_account(canonical, address());
    CLEANUP(buffer_close) struct buffer out = { 0 };
    struct hash id, expected_id;
    (void)state;

    buffer_init(&out);
    tagged_hash(&expected_id, "layerd/transaction", expected, strlen(expected));
    const char *const forms[] = { first, second, expected };
    for (size_t i = 0; i < 3; i++) {
        buffer_clear(&out);
        buffer_append_text(&out, "before");
        assert_int_equal(decoded(forms[i], &out, &id), OK);
        assert_string_equal(buffer_text(&out) + strlen("before"), expected);
        assert_true(hash_equal(&id, &expected_id));
    }
    transaction_id(&id, expected, strlen(expected));
    assert_true(hash_equal(&id, &expected_id));
}

/* One part of the canonical text replaced by another. */
static char *changed(const char *from, const char *to)
{
    AUTO_FREE char *text = with_account(canonical, address());
    char *place = strstr(text, from);

    assert_non_null(place);
    return text_format("%.*s%s%s", (int)(place - text), text, to, place + strlen(from));
}

static void every_field_is_bound_by_the_id(void **state)
{
    static const struct { const char *from, *to; } changes[] = {
        { "dev-0123", "dev-0124" },
        { "ledger.transfer", "ledger.transfes" }, { "\"amount\":5", "\"amount\":6" },
        { "\"to\":\"b\"", "\"to\":\"c\"" }, { SALT, "100102030405060708090a0b0c0d0e0f" },
        { "1800000000000000", "1800000000000001" },
    };
    AUTO_FREE char *text = with_account(canonical, address());
    CLEANUP(buffer_close) struct buffer out = { 0 };
    struct hash id, other;
    (void)state;

    buffer_init(&out);
    assert_int_equal(decoded(text, &out, &id), OK);
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        AUTO_FREE char *another = changed(changes[i].from, changes[i].to);
        assert_int_equal(decoded(another, &out, &other), OK);
        assert_false(hash_equal(&id, &other));
    }
}

static void malformed_transactions_are_refused(void **state)
{
    static const struct { const char *from, *to; enum status status; } changes[] = {
        { ",\"salt\":\"" SALT "\"", "", ERROR_INVALID_PARAMS },
        { "\"salt\":", "\"extra\":1,\"salt\":", ERROR_INVALID_PARAMS },
        { "\"salt\":", "\"salz\":", ERROR_INVALID_PARAMS },
        { SALT, "0001", ERROR_INVALID_PARAMS },
        { SALT, SALT "00", ERROR_INVALID_PARAMS },
        { "\"" SALT "\"", "7", ERROR_INVALID_PARAMS },
        { "dev-0123", "", ERROR_INVALID_PARAMS },
        { "dev-0123", "Dev-0123", ERROR_INVALID_PARAMS },
        { "\"ledger.transfer\"", "null", ERROR_INVALID_PARAMS },
        { "ledger.transfer", "ledger transfer", ERROR_INVALID_PARAMS },
        { "{\"amount\"", "[{\"amount\"", ERROR_INVALID_PARAMS }, /* closed below */
        { "1800000000000000", "0", ERROR_INVALID_PARAMS },
        { "1800000000000000", "-1", ERROR_INVALID_PARAMS },
        { "1800000000000000", "9007199254740992", ERROR_INVALID_PARAMS },
        { "1800000000000000", "1.5", ERROR_INVALID_PARAMS },
        { "1800000000000000", "\"1800000000000000\"", ERROR_INVALID_PARAMS },
        { "\"amount\":5", "\"amount\":5.0", ERROR_NOT_CANONICAL },
        { "\"amount\":5", "\"amount\":9007199254740992", ERROR_NOT_CANONICAL },
        { "\"account\":\"", "\"account\":\"x", ERROR_INVALID_PARAMS },
    };
    CLEANUP(buffer_close) struct buffer out = { 0 };
    struct hash id;
    (void)state;

    buffer_init(&out);
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        AUTO_FREE char *text = changed(changes[i].from, changes[i].to);

        if (changes[i].to[0] == '[')
            memcpy(strstr(text, "\"b\"}"), "\"\"}]", 4); /* params becomes a list */
        print_message("%s -> %s\n", changes[i].from, changes[i].to);
        assert_int_equal(decoded(text, &out, &id), changes[i].status);
        assert_int_equal(out.size, 0); /* nothing is left of a refused one */
    }
    assert_int_equal(decoded("[]", &out, &id), ERROR_INVALID_PARAMS);
    assert_int_equal(decoded("{}", &out, &id), ERROR_INVALID_PARAMS);
}

static void an_over_long_transaction_is_refused(void **state)
{
    AUTO_FREE char *memo = memory_new(TRANSACTION_SIZE_MAX + 1);
    CLEANUP(buffer_close) struct buffer out = { 0 };
    struct hash id;
    (void)state;

    buffer_init(&out);
    memset(memo, 'm', TRANSACTION_SIZE_MAX);
    AUTO_FREE char *over = changed("\"to\":\"b\"", "\"to\":\"%s\"");
    AUTO_FREE char *text = with_account(over, memo);
    assert_int_equal(decoded(text, &out, &id), ERROR_LIMIT);
    assert_int_equal(out.size, 0);
    memo[TRANSACTION_SIZE_MAX - 1000] = '\0';
    memory_free_pointer(&text);
    text = with_account(over, memo);
    assert_int_equal(decoded(text, &out, &id), OK);
}

static void an_asset_is_its_chain_and_symbol(void **state)
{
    static const uint8_t bytes[] = { 0, 0, 0, 3, 'd', 'e', 'v', 0, 0, 0, 4, 'G', 'O', 'L', 'D' };
    struct asset_id asset, other;
    struct hash expected;
    (void)state;

    tagged_hash(&expected, "layerd/asset", bytes, sizeof bytes);
    asset_id_from_symbol(&asset, "dev", "GOLD");
    assert_memory_equal(asset.bytes, expected.bytes, 32);
    asset_id_from_symbol(&other, "devG", "OLD");
    assert_memory_not_equal(asset.bytes, other.bytes, 32);
    asset_id_from_symbol(&other, "dev", "GOLE");
    assert_memory_not_equal(asset.bytes, other.bytes, 32);
}

int transaction_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_transaction_has_one_form_and_one_id),
        cmocka_unit_test(every_field_is_bound_by_the_id),
        cmocka_unit_test(malformed_transactions_are_refused),
        cmocka_unit_test(an_over_long_transaction_is_refused),
        cmocka_unit_test(an_asset_is_its_chain_and_symbol),
    };
    return cmocka_run_group_tests_name("transaction", tests, NULL, NULL);
}
