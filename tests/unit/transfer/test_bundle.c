/* Proofs of settled transfers: they hold as they are given, and with no byte changed. */
#include "test_transfer.h"

#include "layer2/transfer/bundle.h"

#include "../sanitized.h"

/* A settled transfer of that way, and its proof; owned by the caller. */
static char *made_proof(struct fixture *f, const char *source, const char *destination)
{
    struct way ab, bc;
    char id[65];
    json_t *bundle;
    char *text;

    market_start(f);
    market_open_channels(f, &ab, &bc);
    start(f, "alice", source, destination, "carol", 5000, "", id);
    await_state(f, id, TRANSFER_SETTLED);
    fixture_advance(f, 11 * 1000000); /* a head of the log is signed */
    fixture_run(f, "alice", "ledger.transfer", "{'to':'%s','asset':'GOLD','amount':1}",
                fixture_address(f, "dave"));
    bundle = fixture_query(f, "transfer.proof", "{'transfer':'%s'}", id);
    text = json_dumps(bundle, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(bundle);
    return text;
}

static enum status verify(const char *text, size_t size, struct error *error)
{
    struct bundle_report *report = memory_new(sizeof(*report));
    enum status status = bundle_verify(text, size, NULL, report, error);

    memory_free_pointer(&report);
    return status;
}

static void holds(struct fixture *f, const char *text)
{
    struct bundle_report *report = memory_new(sizeof(*report));
    struct error error = { .message = "" };
    enum status status = bundle_verify(text, strlen(text), NULL, report, &error);

    if (status != OK)
        fail_msg("%s", error.message);
    assert_int_equal(report->amount, 5000);
    assert_int_equal(report->fee, 51);
    assert_string_equal(report->account, fixture_address(f, "alice"));
    assert_string_equal(report->provider, fixture_address(f, "bob"));
    memory_free_pointer(&report);
}

/* Each byte in turn becomes another one; some become a second one, too. */
static void no_byte_of_it_may_change(const char *text)
{
    static const uint8_t flips[] = { 0x01, 0x20 };
    size_t size = strlen(text), step = SANITIZED ? 17 : 1;
    char *changed = text_copy(text);
    struct error error;

    for (size_t i = 0; i < size; i += step) {
        for (size_t k = 0; k < (i % 8 == 0 ? sizeof(flips) : 1); k++) {
            changed[i] = (char)(text[i] ^ flips[k]);
            if (verify(changed, size, &error) != ERROR_TRANSFER_PROOF)
                fail_msg("byte %zu of %zu, '%c' as '%c', is not missed: …%.40s…", i, size, text[i],
                         changed[i],
                         text + (i < 20 ? 0 : i - 20));
        }
        changed[i] = text[i];
    }
    for (size_t cut = 1; cut < 40; cut++)
        assert_int_equal(verify(text, size - cut, &error), ERROR_TRANSFER_PROOF);
    memory_free_pointer(&changed);
}

static void judge_way(const char *source, const char *destination)
{
    struct fixture *f = memory_new(sizeof(*f));
    char *text = made_proof(f, source, destination);

    holds(f, text);
    no_byte_of_it_may_change(text);
    free(text);
    fixture_stop(f);
    memory_free_pointer(&f);
}

static void a_proof_from_base_to_base_has_no_byte_to_spare(void **state)
{
    (void)state;
    judge_way("base", "base");
}

static void a_proof_from_base_into_a_channel_has_no_byte_to_spare(void **state)
{
    (void)state;
    judge_way("base", "channel");
}

static void a_proof_out_of_a_channel_has_no_byte_to_spare(void **state)
{
    (void)state;
    judge_way("channel", "base");
}

/* What else is wrong although every signature and hash is right. */
static void a_proof_of_parts_or_with_another_key_is_refused(void **state)
{
    static const char other[] = "layerd/other+bb9a4d1b+AQh8vxJ5oTVXkWHBBhwSNVkUMgOHfvFMCNIR5u8ZUuEW";
    struct fixture *f = memory_new(sizeof(*f));
    struct bundle_report *report = memory_new(sizeof(*report));
    const struct bundle_trust trust = { .verifier = other };
    struct error error;

    (void)state;
    char *text = made_proof(f, "base", "base");
    json_t *bundle = json_loads(text, 0, NULL);
    json_t *events = json_object_get(bundle, "events");
    size_t count = json_array_size(events);

    assert_int_equal(count, 9);
    assert_int_equal(bundle_verify(text, strlen(text), &trust, report, &error), ERROR_TRANSFER_PROOF);
    for (size_t i = 0; i < count; i++) { /* without one of its events */
        json_t *copy = json_deep_copy(bundle);

        json_array_remove(json_object_get(copy, "events"), i);
        char *less = json_dumps(copy, JSON_COMPACT | JSON_SORT_KEYS);
        assert_int_equal(verify(less, strlen(less), &error), ERROR_TRANSFER_PROOF);
        free(less);
        json_decref(copy);
    }
    json_array_append(events, json_array_get(events, count - 1)); /* one of them twice */
    char *more = json_dumps(bundle, JSON_COMPACT | JSON_SORT_KEYS);
    assert_int_equal(verify(more, strlen(more), &error), ERROR_TRANSFER_PROOF);
    free(more);
    json_decref(bundle);
    free(text);
    memory_free_pointer(&report);
    fixture_stop(f);
    memory_free_pointer(&f);
}

static void the_node_judges_as_the_library_does(void **state)
{
    struct fixture *f = memory_new(sizeof(*f));
    char *text = made_proof(f, "base", "base");

    (void)state;
    json_t *verdict = fixture_call(f, "transfer.verify_proof", json_pack("{s:s}", "proof", text)).result;
    assert_true(json_is_true(json_object_get(verdict, "valid")));
    /* Nobody said which log's word counts: the verdict says so. */
    assert_true(json_is_false(json_object_get(verdict, "log_key_expected")));
    assert_non_null(strstr(json_string_value(json_object_get(verdict, "log_key")), "anybody can make one"));
    json_t *named = json_pack("{s:s, s:O}", "proof", text, "verifier", json_object_get(verdict, "verifier"));
    json_decref(verdict);
    verdict = fixture_call(f, "transfer.verify_proof", named).result;
    assert_true(json_is_true(json_object_get(verdict, "log_key_expected")));
    json_decref(verdict);
    text[40] ^= 1;
    struct reply reply = fixture_call(f, "transfer.verify_proof", json_pack("{s:s}", "proof", text));
    assert_int_equal(reply.status, ERROR_TRANSFER_PROOF);
    reply_close(&reply);
    free(text);
    fixture_stop(f);
    memory_free_pointer(&f);
}

static void what_is_not_settled_has_no_proof(void **state)
{
    struct fixture *f = memory_new(sizeof(*f));
    char id[65];

    (void)state;
    market_start(f);
    start(f, "dave", "base", "base", "dave", 1000,
          ",'hash':'3333333333333333333333333333333333333333333333333333333333333333'", id);
    refused(f, ERROR_TRANSFER_NOT_SETTLED, "transfer.proof", "{'transfer':'%s'}", id);
    refused(f, ERROR_TRANSFER_NOT_FOUND, "transfer.proof", "{'transfer':'%064d'}", 7);
    fixture_stop(f);
    memory_free_pointer(&f);
}

int bundle_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_proof_from_base_to_base_has_no_byte_to_spare),
        cmocka_unit_test(a_proof_from_base_into_a_channel_has_no_byte_to_spare),
        cmocka_unit_test(a_proof_out_of_a_channel_has_no_byte_to_spare),
        cmocka_unit_test(a_proof_of_parts_or_with_another_key_is_refused),
        cmocka_unit_test(the_node_judges_as_the_library_does),
        cmocka_unit_test(what_is_not_settled_has_no_proof),
    };

    return cmocka_run_group_tests_name("bundles", tests, NULL, NULL);
}
