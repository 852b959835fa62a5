/* BOLT 11: every published invoice decodes to its published fields, the invalid ones are refused, and
 * encoding gives the published text again. Random invoices come back as they were; no single changed letter
 * is taken. */
#include "test_payment.h"

#include "base/clock.h"
#include "base/json.h"
#include "crypto/hash.h"
#include "crypto/bolt11.h"

/* BOLT 11, "Examples": the private key and the first invoice. */
#define KEY "e126f68f7eafcc8b74f54d269fe206be715000f94dac067d1c04a8ca3b2db734"
static struct secret_key *published_key(void)
{
    struct secret_key *key = secret_new(sizeof(*key));

    assert_true(hex_decode(key->bytes, sizeof(key->bytes), KEY, 64));
    return key;
}

static enum status decode(const char *text, struct arena *arena, struct bolt11 *invoice, struct error *error)
{
    return bolt11_decode(text, strlen(text), arena, invoice, error);
}

static json_t *vectors(void)
{
    const char *folder = getenv("LAYERD_VECTORS");
    AUTO_FREE char *path =
        text_format("%s/bolt11.json", folder == NULL ? SOURCE_ROOT "/../shared/vectors" : folder);
    json_error_t problem;
    json_t *value = json_load_file(path, 0, &problem);

    if (value == NULL) {
        print_message("SKIPPED: vectors not found: %s\n", path);
        memory_free_pointer(&path);
        skip();
    }
    return value;
}

static void assert_hex(const json_t *fields, const char *name, const void *data, size_t size)
{
    char *hex AUTO_FREE = memory_new(2 * size + 1);
    const char *expected = json_string_value(json_object_get(fields, name));

    hex_text(hex, data, size);
    assert_string_equal(hex, expected == NULL ? "" : expected);
}

static uint64_t integer(const json_t *fields, const char *name)
{
    return (uint64_t)json_integer_value(json_object_get(fields, name));
}

static void assert_features(const json_t *fields, const struct bolt11 *invoice)
{
    const json_t *list = json_object_get(fields, "feature_bits");

    assert_int_equal(invoice->feature_count, json_array_size(list));
    for (size_t i = 0; i < invoice->feature_count; i++)
        assert_int_equal(invoice->features[i], json_integer_value(json_array_get(list, i)));
}

static void assert_routes(const json_t *fields, const struct bolt11 *invoice)
{
    const json_t *routes = json_object_get(fields, "routes"), *hops, *hop;
    size_t i, j;

    assert_int_equal(invoice->route_count, json_array_size(routes));
    json_array_foreach (routes, i, hops) {
        assert_int_equal(invoice->routes[i].count, json_array_size(hops));
        json_array_foreach (hops, j, hop) {
            const struct bolt11_hop *got = &invoice->routes[i].hops[j];
            unsigned block, transaction, output;

            assert_hex(hop, "pubkey", got->node.bytes, sizeof(got->node.bytes));
            assert_int_equal(sscanf(json_string_value(json_object_get(hop, "short_channel_id")), "%ux%ux%u",
                                    &block, &transaction, &output),
                             3);
            assert_true(got->channel == ((uint64_t)block << 40 | (uint64_t)transaction << 16 | output));
            assert_int_equal(got->fee_base_msat, integer(hop, "fee_base_msat"));
            assert_int_equal(got->fee_ppm, integer(hop, "fee_proportional_millionths"));
            assert_int_equal(got->delta, integer(hop, "cltv_expiry_delta"));
        }
    }
}

static void assert_fallbacks(const json_t *fields, const struct bolt11 *invoice)
{
    const json_t *list = json_object_get(fields, "fallbacks"), *item;
    size_t i;

    assert_int_equal(invoice->fallback_count, json_array_size(list));
    json_array_foreach (list, i, item) {
        const char *type = json_string_value(json_object_get(item, "type"));
        const struct bolt11_fallback *got = &invoice->fallbacks[i];

        if (strcmp(type, "witness") == 0) {
            assert_int_equal(got->version, integer(item, "version"));
            assert_hex(item, "program", got->program.data, got->program.size);
        } else {
            assert_int_equal(got->version, strcmp(type, "p2pkh") == 0 ? 17 : 18);
            assert_hex(item, "hash", got->program.data, got->program.size);
        }
    }
}

static void assert_fields(const json_t *fields, const struct bolt11 *invoice)
{
    const char *prefix = json_string_value(json_object_get(fields, "prefix"));
    const char *description = json_string_value(json_object_get(fields, "description"));

    assert_string_equal(invoice->currency, prefix + 2);
    assert_int_equal(invoice->has_amount, !json_is_null(json_object_get(fields, "amount_msat")));
    assert_true(invoice->amount_msat == integer(fields, "amount_msat"));
    assert_true(invoice->time_s == integer(fields, "timestamp"));
    assert_true(invoice->expiry_s == integer(fields, "expiry"));
    assert_true(invoice->final_delta == integer(fields, "min_final_cltv_expiry_delta"));
    assert_hex(fields, "payment_hash", invoice->payment_hash.bytes, 32);
    assert_hex(fields, "payment_secret", invoice->payment_secret.bytes, 32);
    if (description == NULL)
        assert_null(invoice->description);
    else
        assert_string_equal(invoice->description, description);
    if (invoice->has_description_hash)
        assert_hex(fields, "description_hash", invoice->description_hash.bytes, 32);
    else
        assert_null(json_object_get(fields, "description_hash"));
    assert_hex(fields, "metadata", invoice->metadata.data, invoice->metadata.size);
    assert_hex(fields, "signature", invoice->signature.bytes, 64);
    assert_int_equal(invoice->recovery_id, integer(fields, "recovery_id"));
    assert_hex(fields, "payee", invoice->payee.bytes, sizeof(invoice->payee.bytes));
    assert_features(fields, invoice);
    assert_fallbacks(fields, invoice);
    assert_routes(fields, invoice);
}

/* Written again, it is the published text (in lower case), signature and all. */
static void assert_written_again(const json_t *row, struct bolt11 *invoice)
{
    struct secret_key *key CLEANUP(secret_free_pointer) = published_key();
    struct buffer text CLEANUP(buffer_close) = { 0 };
    char *published AUTO_FREE = text_copy(json_string_value(json_object_get(row, "invoice")));
    const char *order = json_string_value(json_object_get(json_object_get(row, "fields"), "tag_order"));
    struct error error = { .message = "" };

    for (char *c = published; *c != '\0'; c++)
        *c = *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c;
    assert_int_equal(bolt11_encode(invoice, order, bolt11_sign_with_key, key, &text, &error), OK);
    assert_string_equal(buffer_text(&text), published);
}

static void published_invoices_decode_and_are_written_again(void **state)
{
    json_t *whole AUTO_JSON = vectors();
    const json_t *rows = json_object_get(whole, "invoices"), *row;
    size_t i, valid = 0, invalid = 0;

    (void)state;
    json_array_foreach (rows, i, row) {
        const char *text = json_string_value(json_object_get(row, "invoice"));
        struct arena arena CLEANUP(arena_close);
        struct bolt11 invoice;
        struct error error = { .message = "" };
        enum status status;

        arena_init(&arena);
        status = decode(text, &arena, &invoice, &error);
        if (json_is_true(json_object_get(row, "valid"))) {
            if (status != OK)
                fail_msg("invoice %d: %s", (int)json_integer_value(json_object_get(row, "number")),
                         error.message);
            assert_fields(json_object_get(row, "fields"), &invoice);
            assert_written_again(row, &invoice);
            valid++;
        } else {
            const char *reason = json_string_value(json_object_get(row, "reason"));

            assert_int_equal(status, strstr(reason, "feature") != NULL      ? ERROR_INVOICE_FEATURE
                                     : strstr(reason, "recoverable") != NULL ? ERROR_BAD_SIGNATURE
                                                                             : ERROR_INVALID_INVOICE);
            invalid++;
        }
    }
    assert_int_equal(valid, 8);
    assert_int_equal(invalid, 5);
}

static void first_published_invoice_is_a_donation(void **state)
{
    struct arena arena CLEANUP(arena_close);
    struct bolt11 invoice;
    struct error error = { .message = "" };

    (void)state;
    arena_init(&arena);
    assert_int_equal(decode(DONATION, &arena, &invoice, &error), OK);
    assert_string_equal(invoice.currency, "bc");
    assert_false(invoice.has_amount);
    assert_string_equal(invoice.description, "Please consider supporting this project");
    assert_false(bolt11_expired(&invoice, 1496314658 + 3599));
    assert_true(bolt11_expired(&invoice, 1496314658 + 3600));
}

/* Every letter changed to every other one: refused, or (in the checksum's own letters too) never taken. */
static void no_changed_letter_is_taken(void **state)
{
    static const char letters[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    char text[] = DONATION;
    struct arena arena CLEANUP(arena_close);
    struct bolt11 invoice;
    struct error error;

    (void)state;
    arena_init(&arena);
    for (size_t i = 0; i < sizeof(text) - 1; i++) {
        char right = text[i];

        for (size_t k = 0; letters[k] != '\0'; k++) {
            if (letters[k] == right)
                continue;
            text[i] = letters[k];
            assert_int_not_equal(decode(text, &arena, &invoice, &error), OK);
        }
        text[i] = right;
        assert_int_not_equal(bolt11_decode(text, i, &arena, &invoice, &error), OK);
        arena_reset(&arena);
    }
}

/* --- random invoices -------------------------------------------------------------------------- */
static uint64_t below(uint64_t *seed, uint64_t bound)
{
    *seed ^= *seed >> 12;
    *seed ^= *seed << 25;
    *seed ^= *seed >> 27;
    return (*seed * UINT64_C(0x2545f4914f6cdd1d) >> 11) % bound;
}

static void fill(uint64_t *seed, void *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        ((uint8_t *)data)[i] = (uint8_t)below(seed, 256);
}

static void random_invoice(uint64_t *seed, struct bolt11 *v, struct bolt11_route *routes, uint8_t *metadata)
{
    static const uint16_t bits[] = { 8, 9, 14, 15, 17, 49, 99, 131 };

    *v = (struct bolt11){ .currency = "lyt", .time_s = below(seed, UINT64_C(1) << 35),
                          .expiry_s = below(seed, 1 << 30), .final_delta = below(seed, 5000),
                          .description = "a description", .routes = routes, .route_count = below(seed, 3) };
    v->has_amount = below(seed, 3) > 0;
    v->amount_msat = v->has_amount ? 1 + below(seed, INTEGER_MAX / 20) : 0;
    if (below(seed, 2) == 0)
        v->amount_msat -= v->amount_msat % 100000;
    v->has_amount = v->amount_msat > 0;
    fill(seed, v->payment_hash.bytes, 32);
    fill(seed, v->payment_secret.bytes, 32);
    v->has_description_hash = below(seed, 2) == 0;
    if (v->has_description_hash)
        fill(seed, v->description_hash.bytes, 32);
    v->metadata = bytes_of(metadata, below(seed, 60));
    fill(seed, metadata, 60);
    for (size_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++)
        if (below(seed, 2) == 0)
            v->features[v->feature_count++] = bits[i];
    for (size_t i = 0; i < v->route_count; i++) {
        routes[i].count = 1 + below(seed, BOLT11_HOPS_MAX);
        fill(seed, routes[i].hops, sizeof(routes[i].hops));
    }
}

static void random_invoices_come_back_as_they_were(void **state)
{
    const char *given = getenv("LAYERD_SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)clock_wall_us();
    struct secret_key *key CLEANUP(secret_free_pointer) = published_key();

    (void)state;
    print_message("random_invoices_come_back_as_they_were: LAYERD_SEED=%" PRIu64 "\n", seed);
    seed = seed * 2 + 1;
    for (int i = 0; i < 400; i++) {
        struct bolt11_route routes[3];
        struct bolt11 v, got;
        uint8_t metadata[60];
        struct buffer text CLEANUP(buffer_close) = { 0 };
        struct buffer again CLEANUP(buffer_close) = { 0 };
        struct arena arena CLEANUP(arena_close);
        struct error error = { .message = "" };

        arena_init(&arena);
        random_invoice(&seed, &v, routes, metadata);
        assert_true(secret_key_public(key, &v.payee));
        assert_int_equal(bolt11_encode(&v, "pshdmxc9nr", bolt11_sign_with_key, key, &text, &error), OK);
        if (decode(buffer_text(&text), &arena, &got, &error) != OK)
            fail_msg("%s: %s", error.message, buffer_text(&text));
        assert_true(got.has_amount == v.has_amount && got.amount_msat == v.amount_msat);
        assert_true(got.time_s == v.time_s && got.expiry_s == v.expiry_s && got.final_delta == v.final_delta);
        assert_memory_equal(got.payment_hash.bytes, v.payment_hash.bytes, 32);
        assert_memory_equal(got.payee.bytes, v.payee.bytes, 33);
        assert_true(bytes_equal(got.metadata, v.metadata));
        assert_int_equal(got.feature_count, v.feature_count);
        assert_int_equal(got.route_count, v.route_count);
        assert_int_equal(bolt11_encode(&got, "pshdmxc9nr", bolt11_sign_with_key, key, &again, &error), OK);
        assert_string_equal(buffer_text(&text), buffer_text(&again));
    }
}

/* --- refusals --------------------------------------------------------------------------------- */
static void missing_fields_and_other_signers_are_refused(void **state)
{
    struct secret_key *key CLEANUP(secret_free_pointer) = published_key();
    struct bolt11 v = { .currency = "bc", .time_s = 1, .description = "d", .expiry_s = 60 };
    static const char *const orders[] = { "psd", "sd", "pd", "ps" };
    struct arena arena CLEANUP(arena_close);
    struct bolt11 got;
    struct error error = { .message = "" };

    (void)state;
    arena_init(&arena);
    for (size_t i = 0; i < 4; i++) {
        struct buffer text CLEANUP(buffer_close) = { 0 };

        assert_int_equal(bolt11_encode(&v, orders[i], bolt11_sign_with_key, key, &text, &error), OK);
        assert_int_equal(decode(buffer_text(&text), &arena, &got, &error),
                         i == 0 ? OK : ERROR_INVALID_INVOICE);
    }
    v.amount_msat = INTEGER_MAX;
    v.has_amount = true;
    {
        struct buffer text CLEANUP(buffer_close) = { 0 };

        assert_int_equal(bolt11_encode(&v, "psd", bolt11_sign_with_key, key, &text, &error),
                         ERROR_INVALID_INVOICE);
        assert_int_equal(decode("lnbc2500000001p1qqqqqqq", &arena, &got, &error), ERROR_INVALID_INVOICE);
        assert_int_equal(decode("", &arena, &got, &error), ERROR_INVALID_INVOICE);
    }
}

static void ecdsa_signs_recovers_and_verifies(void **state)
{
    struct secret_key *key CLEANUP(secret_free_pointer) = published_key();
    struct public_key mine, found;
    struct signature signature;
    struct hash message = { { 5 } };
    int recovery_id;

    (void)state;
    assert_true(secret_key_public(key, &mine));
    assert_true(ecdsa_sign_recoverable(key, &message, &signature, &recovery_id));
    assert_true(ecdsa_recover(&message, &signature, recovery_id, &found));
    assert_memory_equal(mine.bytes, found.bytes, sizeof(mine.bytes));
    assert_true(ecdsa_verify(&mine, &message, &signature));
    message.bytes[0] ^= 1;
    assert_false(ecdsa_verify(&mine, &message, &signature));
    assert_false(ecdsa_recover(&message, &signature, 4, &found));
    memset(signature.bytes, 0xFF, sizeof(signature.bytes));
    assert_false(ecdsa_recover(&message, &signature, 0, &found));
    assert_false(ecdsa_verify(&mine, &message, &signature));
}

int invoice_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_invoices_decode_and_are_written_again),
        cmocka_unit_test(first_published_invoice_is_a_donation),
        cmocka_unit_test(no_changed_letter_is_taken),
        cmocka_unit_test(random_invoices_come_back_as_they_were),
        cmocka_unit_test(missing_fields_and_other_signers_are_refused),
        cmocka_unit_test(ecdsa_signs_recovers_and_verifies),
    };

    return cmocka_run_group_tests_name("invoices", tests, NULL, NULL);
}
