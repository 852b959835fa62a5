/* Proofs that are checked here alone, and the reading of answers under them. */
#include "lightning_support.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "network/lightning/proofs.h"
#include "network/lightning/reply.h"
#include "network/lightning/zbase32.h"

/* Signed by LND nodes of three people; in Core Lightning's tests/test_misc.py (test_signmessage). */
static const struct { const char *message, *zbase, *key; } published[] = {
    { "is this compatible?",
      "rbgfioj114mh48d8egqx8o9qxqw4fmhe8jbeeabdioxnjk8z3t1ma1hu1fiswpakgucwwzwo6ofycffbsqusqdimugbh41n1g698hr"
      "9t",
      "02b80cabdf82638aac86948e4c06e82064f547768dcef977677b9ea931ea75bab5" },
    { "hi",
      "rnrphcjswusbacjnmmmrynh9pqip7sy5cx695h6mfu64iac6qmcmsd8xnsyczwmpqp9shqkth3h4jmkgyqu5z47jfn1q7gpxtaqpx4"
      "xg",
      "02de60d194e1ca5947b59fe8e2efd6aadeabfb67f2e89e13ae1a799c1e08e4a43b" },
    { "hi",
      "ry8bbsopmduhxy3dr5d9ekfeabdpimfx95kagdem7914wtca79jwamtbw4rxh69hg7n6x9ty8cqk33knbxaqftgxsfsaeprxkn1k48"
      "p3",
      "022b8ece90ee891cbcdac0c1cc6af46b73c47212d8defbce80265ac81a6b794931" },
};

static struct arena arena;

static enum status verify(const char *proof, struct network_verdict *verdict)
{
    struct error error;

    return proofs_verify(proof, "bcrt", &arena, verdict, &error);
}

static void published_signed_messages_give_their_keys(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(published); i++) {
        struct public_key signer;
        char hex[67];

        assert_true(proofs_signer(published[i].message, published[i].zbase, &signer));
        hex_text(hex, signer.bytes, sizeof(signer.bytes));
        assert_string_equal(hex, published[i].key);
    }
}

static void a_signed_message_is_valid_and_each_changed_letter_is_not(void **state)
{
    struct network_verdict verdict;
    size_t length = strlen(published[0].zbase);

    (void)state;
    for (size_t i = 0; i <= length; i++) {
        char *zbase AUTO_FREE = text_copy(published[0].zbase), *proof AUTO_FREE = NULL;

        if (i < length)
            zbase[i] = zbase[i] == 'y' ? 'b' : 'y';
        proof = text_format("{\"type\":\"message\",\"message\":\"%s\",\"signature\":\"%s\",\"public_key\":\"%"
                            "s\"}",
                            published[0].message, zbase, published[0].key);
        assert_int_equal(verify(proof, &verdict), OK);
        assert_int_equal(verdict.verdict, i == length ? PROOF_VALID : PROOF_INVALID);
        assert_int_equal(verdict.anchor, i == length ? ANCHOR_SIGNATURE : ANCHOR_NONE);
    }
}

static void another_message_or_key_is_not_what_was_signed(void **state)
{
    struct network_verdict verdict;
    char *proof AUTO_FREE = text_format("{\"type\":\"message\",\"message\":\"hi!\",\"signature\":\"%s\","
                                        "\"public_key\":\"%s\"}", published[1].zbase, published[1].key);
    char *other AUTO_FREE = text_format("{\"type\":\"message\",\"message\":\"hi\",\"signature\":\"%s\","
                                        "\"public_key\":\"%s\"}", published[1].zbase, published[2].key);

    (void)state;
    assert_int_equal(verify(proof, &verdict), OK);
    assert_int_equal(verdict.verdict, PROOF_INVALID);
    assert_int_equal(verify(other, &verdict), OK);
    assert_int_equal(verdict.verdict, PROOF_INVALID);
}

static void a_paid_invoice_is_valid_with_its_preimage_alone(void **state)
{
    struct network_verdict verdict;
    struct hash preimage;

    (void)state;
    assert_true(hex_decode(preimage.bytes, 32, preimage_hex, 64));
    assert_int_equal(
        verify(proofs_write_payment(&arena, invoice_of("bcrt", 5000, 99999), &preimage), &verdict),
        OK); /* long expired: it was paid in its time */
    assert_int_equal(verdict.verdict, PROOF_VALID);
    assert_int_equal(verdict.anchor, ANCHOR_SIGNATURE);
    assert_has(verdict.details, "\"payee\":\"" NODE "\"");
    assert_has(verdict.details, "\"amount_msat\":\"5000\"");
    assert_int_equal(verify(proofs_write_payment(&arena, invoice_of("bc", 5000, 0), &preimage), &verdict),
                     OK);
    assert_int_equal(verdict.verdict, PROOF_INVALID); /* of another chain */
    for (size_t bit = 0; bit < 256; bit += 37) {
        struct hash wrong = preimage;

        wrong.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(verify(proofs_write_payment(&arena, invoice_of("bcrt", 5000, 0), &wrong), &verdict),
                         OK);
        assert_int_equal(verdict.verdict, PROOF_INVALID);
    }
}

static void what_is_no_proof_is_a_bad_parameter(void **state)
{
    static const char *const bad[] = {
        "", "{}", "[]", "{\"type\":7}", "{\"type\":\"x\"}", "{\"type\":\"payment\",\"invoice\":\"lnbcrt\"}",
        "{\"type\":\"payment\",\"invoice\":\"a\",\"preimage\":\"12\"}",
        "{\"type\":\"message\",\"message\":\"m\",\"signature\":\"s\"}",
        "{\"type\":\"message\",\"message\":\"m\",\"signature\":\"s\",\"public_key\":\"02\"}" };
    struct network_verdict verdict;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_int_not_equal(verify(bad[i], &verdict), OK);
}

static void a_proof_is_made_of_a_complete_payment_and_of_nothing_else(void **state)
{
    struct network_verdict verdict;
    const char *proof;
    struct link link;
    char *claim AUTO_FREE = text_format("{\"type\":\"payment\",\"transaction\":\"%s\"}", hash_hex);
    char *invoice AUTO_FREE = text_copy(invoice_of("bcrt", 10000, 0));

    (void)state;
    link_open(&link, &lightning_network);
    script("listpays",
           "{\"pays\":[{\"payment_hash\":\"%s\",\"status\":\"complete\",\"created_at\":5,\"bolt11\":"
           "\"%s\",\"preimage\":\"%s\"}]}",
           hash_hex, invoice, preimage_hex);
    assert_int_equal(lightning_network.generate_proof(link.client, &link.call, claim, &proof), OK);
    assert_int_equal(lightning_network.verify_proof(link.client, &link.call, proof, &verdict), OK);
    assert_int_equal(verdict.verdict, PROOF_VALID);
    script("listpays",
           "{\"pays\":[{\"payment_hash\":\"%s\",\"status\":\"pending\",\"created_at\":5,\"bolt11\":"
           "\"%s\"}]}",
           hash_hex, invoice);
    assert_int_equal(lightning_network.generate_proof(link.client, &link.call, claim, &proof),
                     ERROR_NETWORK_REJECTED);
    script("listpays", "{\"pays\":[]}");
    assert_int_equal(lightning_network.generate_proof(link.client, &link.call, claim, &proof),
                     ERROR_NETWORK_NOT_FOUND);
    script("listpays", "{\"pays\":[{\"payment_hash\":\"%s\",\"status\":\"complete\",\"created_at\":5,"
                       "\"preimage\":\"%s\"}]}", hash_hex, preimage_hex);
    assert_int_equal(lightning_network.generate_proof(link.client, &link.call, claim, &proof),
                     ERROR_NETWORK_REJECTED);
    assert_has(link.call.error.message, "without an invoice");
    script("getinfo", "{\"id\":\"%s\",\"version\":\"v\",\"blockheight\":1,\"network\":\"regtest\"}",
           published[1].key);
    script("signmessage", "{\"signature\":\"00\",\"recid\":\"00\",\"zbase\":\"%s\"}", published[1].zbase);
    assert_int_equal(lightning_network.generate_proof(link.client, &link.call,
                                                      "{\"type\":\"message\",\"message\":\"hi\"}", &proof),
                     OK);
    assert_int_equal(lightning_network.verify_proof(link.client, &link.call, proof, &verdict), OK);
    assert_int_equal(verdict.verdict, PROOF_VALID);
    script("getinfo", "{\"id\":\"%s\",\"version\":\"v\",\"blockheight\":1,\"network\":\"regtest\"}",
           published[2].key);
    script("signmessage", "{\"signature\":\"00\",\"recid\":\"00\",\"zbase\":\"%s\"}", published[1].zbase);
    assert_int_equal(lightning_network.generate_proof(link.client, &link.call,
                                                      "{\"type\":\"message\",\"message\":\"hi\"}", &proof),
                     ERROR_NETWORK_PROTOCOL);
    link_close(&link);
}

/* --- reading ---------------------------------------------------------------------------------- */
static void zbase32_is_its_own_inverse_and_strict(void **state)
{
    uint8_t bytes[9], back[9];
    char text[32];

    (void)state;
    for (size_t size = 1; size <= sizeof(bytes); size++) {
        memset(bytes, 0xa5, sizeof(bytes));
        zbase32_encode(text, bytes, size);
        assert_int_equal(strlen(text), ZBASE32_SIZE(size));
        assert_true(zbase32_decode(back, size, text, strlen(text)));
        assert_memory_equal(bytes, back, size);
        assert_false(zbase32_decode(back, size, text, strlen(text) - 1));
        text[0] = 'l';
        assert_false(zbase32_decode(back, size, text, strlen(text)));
    }
    assert_true(zbase32_decode(back, 1, "yy", 2));
    assert_false(zbase32_decode(back, 1, "yb", 2)); /* bits that make no byte */
}

static void numbers_are_taken_in_their_documented_forms_alone(void **state)
{
    static const struct { const char *json; bool number, msat; uint64_t value; } cases[] = {
        { "{\"n\":0}", true, true, 0 }, { "{\"n\":7}", true, true, 7 }, { "{\"n\":\"7\"}", true, true, 7 },
        { "{\"n\":\"7msat\"}", false, true, 7 }, { "{\"n\":\"9223372036854775807\"}", true, true, INT64_MAX },
        { "{\"n\":\"9223372036854775808\"}", false, false, 0 }, { "{\"n\":\"07\"}", false, false, 0 },
        { "{\"n\":\"\"}", false, false, 0 }, { "{\"n\":-1}", false, false, 0 },
        { "{\"n\":\"-1\"}", false, false, 0 }, { "{\"n\":1.5}", false, false, 0 },
        { "{\"n\":\"7sat\"}", false, false, 0 }, { "{\"n\":null}", false, false, 0 },
        { "{\"n\":true}", false, false, 0 }, { "{}", false, false, 0 }, { "[]", false, false, 0 },
        { "{\"n\":\"123456789012345678901\"}", false, false, 0 } };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        json_t *value AUTO_JSON = NULL;
        uint64_t number = 1, msat = 1;

        assert_int_equal(json_parse(cases[i].json, strlen(cases[i].json), &value, NULL), OK);
        assert_int_equal(reply_number(value, "n", &number), cases[i].number);
        assert_int_equal(reply_msat(value, "n", &msat), cases[i].msat);
        assert_int_equal(number, cases[i].number ? cases[i].value : 1);
        assert_int_equal(msat, cases[i].msat ? cases[i].value : 1);
    }
}

static void bytes_are_of_their_size_alone(void **state)
{
    static const struct { const char *text; bool hex, base64; } cases[] = {
        { "0a0b0c", true, false },    { "CgsM", false, true },
                  { "0A0B0C", true, false },    { "0a0b", false, true },
                  { "CgsMDQ==", false, false }, { "Cgs", false, false },
                  { "Cgs=", false, false },     { "C\\u0000sM", false, false },
                  { "Cg M", false, false },     { "Cg-_", false, false },
                  { "", false, false } };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char *json AUTO_FREE = text_format("{\"b\":\"%s\"}", cases[i].text);
        json_t *value AUTO_JSON = NULL;
        uint8_t bytes[3];

        if (json_parse(json, strlen(json), &value, NULL) != OK)
            continue; /* a zero inside is refused by the parser itself */
        assert_int_equal(reply_hex(value, "b", bytes, sizeof(bytes)), cases[i].hex);
        assert_int_equal(reply_base64(value, "b", bytes, sizeof(bytes)), cases[i].base64);
    }
}

static int setup(void **state)
{
    (void)state;
    arena_init(&arena);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_close(&arena);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int proof_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(published_signed_messages_give_their_keys),
        TEST(a_signed_message_is_valid_and_each_changed_letter_is_not),
        TEST(another_message_or_key_is_not_what_was_signed),
        TEST(a_paid_invoice_is_valid_with_its_preimage_alone),
        TEST(what_is_no_proof_is_a_bad_parameter),
        TEST(a_proof_is_made_of_a_complete_payment_and_of_nothing_else),
        TEST(zbase32_is_its_own_inverse_and_strict),
        TEST(numbers_are_taken_in_their_documented_forms_alone),
        TEST(bytes_are_of_their_size_alone),
    };

    return cmocka_run_group_tests_name("proofs and answers", tests, NULL, NULL);
}
