/* Proofs of transfers with a leg on an EVM chain, from blocks and a log of our own making: they hold, in no
 * byte otherwise; and what the chain's proofs do not show is refused, however well the log is signed and the
 * rest of the proof is made. */
#include "forged_swap.h"

#include <stdlib.h>

#include "../sanitized.h"

static enum status judge(const char *text, const struct bundle_trust *trust, struct bundle_report *report,
                         struct error *error)
{
    return bundle_verify(text, strlen(text), trust, report, error);
}

static struct bundle_report *good(struct scene *s, const struct bundle_trust *trust)
{
    struct bundle_report *report = memory_new(sizeof(*report));
    struct error error = { .message = "" };
    char *text = forged_swap_bundle(s, NULL);

    if (judge(text, trust, report, &error) != OK)
        fail_msg("%s", error.message);
    free(text);
    return report;
}

static void bundles_of_all_kinds_hold_and_say_what_they_rest_on(void **state)
{
    static const struct { struct scene scene; const char *words; } kinds[] = {
        { { .is_source = false }, "storage are proved" },
        { { .is_source = true }, "storage are proved" },
        { { .has_token = true }, "storage are proved" },
        { { .no_contract = true }, "log's owner's word" },
        { { .is_rootstock = true, .is_source = true }, "log's owner's word" },
        { { .is_rootstock = true, .has_token = true }, "log's owner's word" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        struct scene scene = kinds[i].scene;
        struct bundle_report *report = good(&scene, NULL);
        const struct bundle_chain *chain =
            scene.is_source ? &report->source_chain : &report->destination_chain;
        const char *by = scene.is_source ? report->source_by : report->destination_by;

        assert_false(report->log_key_expected);
        assert_false(report->blocks_trusted);
        assert_true(chain->present && chain->chain_id == FORGED_CHAIN);
        assert_string_equal(chain->contract, "0xc0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0");
        assert_string_equal(chain->amount, "1000");
        assert_string_equal(chain->asset,
                            scene.has_token ? "0xd3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3" : "coin");
        assert_int_equal(chain->blocks[BUNDLE_LOCK].number, FORGED_LOCK_BLOCK);
        assert_string_equal(chain->blocks[BUNDLE_CLAIM].hash, scene.facts[BUNDLE_CLAIM].block);
        if (strstr(by, kinds[i].words) == NULL || strstr(by, "was not checked") == NULL)
            fail_msg("%zu: %s", i, by);
        memory_free_pointer(&report);
    }
}

/* Each byte in turn becomes another one; or each seventh, of a kind of which most was seen already. */
static void no_byte_to_spare(struct scene scene)
{
    struct bundle_report *report = memory_new(sizeof(*report));
    char *text = forged_swap_bundle(&scene, NULL);
    size_t size = strlen(text), step = SANITIZED ? 19 : scene.is_rootstock ? 7 : 1;
    struct error error;

    assert_int_equal(judge(text, NULL, report, &error), OK);
    for (size_t i = 0; i < size; i += step) {
        char kept = text[i];

        text[i] ^= i % 2 == 0 ? 0x01 : 0x20; /* the second makes small letters capital ones */
        if (bundle_verify(text, size, NULL, report, &error) != ERROR_TRANSFER_PROOF)
            fail_msg("byte %zu of %zu, '%c' as '%c', is not missed: …%.40s…", i, size, kept, text[i],
                     text + (i < 20 ? 0 : i - 20));
        text[i] = kept;
    }
    free(text);
    memory_free_pointer(&report);
}

static void a_proof_to_an_evm_chain_has_no_byte_to_spare(void **state)
{
    (void)state;
    no_byte_to_spare((struct scene){ .is_source = false });
}

static void a_proof_from_an_evm_chain_has_no_byte_to_spare(void **state)
{
    (void)state;
    no_byte_to_spare((struct scene){ .is_source = true, .has_token = true });
    no_byte_to_spare((struct scene){ .is_source = true, .is_rootstock = true });
}

static void what_the_chain_does_not_show_no_signature_of_the_log_makes_true(void **state)
{
    static const struct { enum lie lie; const char *why; } lies[] = {
        { LIE_AMOUNT, "not of the amount agreed" },
        { LIE_AMOUNT_FORM, "not of the amount agreed" },
        { LIE_ASSET, "not of the asset agreed" },
        { LIE_SENDER, "not between those agreed" },
        { LIE_RECIPIENT, "not between those agreed" },
        { LIE_HASH, "not by the transfer's hash" },
        { LIE_EXPIRY, "does not end when the log says" },
        { LIE_REFERENCE, "no lock whose terms" },
        { LIE_OWN_AMOUNT, "at the source another amount" },
        { LIE_OWN_ASSET, "at the source another amount or asset" },
        { LIE_LOCK_FAILED, "the lock's transaction failed" },
        { LIE_LOCK_ABSENT, "no lock whose terms" },
        { LIE_CLAIM_FAILED, "the claim's transaction failed" },
        { LIE_CLAIM_ABSENT, "no claim of that lock" },
        { LIE_CLAIM_BY_OTHER_CONTRACT, "no claim of that lock" },
        { LIE_CLAIM_OF_OTHER_LOCK, "no claim of that lock" },
        { LIE_CLAIM_BY_OTHER_SECRET, "by another preimage" },
        { LIE_CLAIM_BEFORE_LOCK, "before it was made" },
        { LIE_CLAIM_TOO_LATE, "after its end" },
        { LIE_OTHER_CODE, "is not our hash lock" },
        { LIE_OTHER_STATE, "storage does not say" },
        { LIE_OTHER_SLOT, "storage does not say" },
        { LIE_OTHER_ACCOUNT, "not of the contract as it was" },
        { LIE_CONTRACT_OF_LOCK_BLOCK, "not of the contract as it was" },
        { LIE_CHAIN, "no lock whose terms" },
        { LIE_CHAIN_OF_CLAIM, "not receipts of one chain" },
        { LIE_INDEX, "proof of the lock:" },
        { LIE_NODE, "proof of the lock:" },
        { LIE_RECEIPT, "proof of the claim:" },
        { LIE_HEADER, "another block of the destination's lock" },
        { LIE_KINDS, "not receipts of one chain" },
        { LIE_SLOT_VALUE, "proof of the contract:" },
        { LIE_MEMBER, "prove nothing" },
        { LIE_NO_LOCK, "proof of the lock is missing" },
        { LIE_NO_CLAIM, "proof of the claim is missing" },
        { LIE_FOURTH, "no part in the transfer" },
        { LIE_OTHER_SIDE, "no part in the transfer" },
        { LIE_NO_SIDE, "proofs of the destination are missing" },
        { LIE_BLOCK, "names another block of the destination's claim" },
        { LIE_NUMBER, "names another block" },
        { LIE_LOGGED_CHAIN, "names another block" },
        { LIE_PLACE, "names another block" },
        { LIE_PROOF_HASH, "is not the one that the log names" },
        { LIE_NO_EVENT, "names no block of the destination's claim" },
        { LIE_EVENT_OF_OTHER_STEP, "names no block of the destination's claim" },
        { LIE_FORMAT_ONE, "other parts than its format says" },
        { LIE_NO_NETWORKS, "no network's proofs" },
        { LIE_FORMAT, "no format that is known" },
    };
    struct bundle_report *report = memory_new(sizeof(*report));
    struct scene scene = { .lie = LIE_EVENT_WITHOUT_PROOF, .no_contract = true };
    struct error error = { .message = "" };
    char *text;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(lies); i++) {
        struct scene told = { .lie = lies[i].lie, .has_token = lies[i].lie == LIE_ASSET };

        text = forged_swap_bundle(&told, NULL);
        assert_int_equal(judge(text, NULL, report, &error), ERROR_TRANSFER_PROOF);
        if (strstr(error.message, lies[i].why) == NULL)
            fail_msg("lie %d: %s", (int)lies[i].lie, error.message);
        free(text);
    }
    for (int own = LIE_OWN_AMOUNT; own <= LIE_OWN_ASSET; own++) {
        struct scene told = { .lie = (enum lie)own, .is_source = true };

        text = forged_swap_bundle(&told, NULL);
        assert_int_equal(judge(text, NULL, report, &error), ERROR_TRANSFER_PROOF);
        assert_non_null(strstr(error.message, "at the destination another amount or asset"));
        free(text);
    }
    text = forged_swap_bundle(&scene, NULL); /* the log names a contract's proof that was left out */
    assert_int_equal(judge(text, NULL, report, &error), ERROR_TRANSFER_PROOF);
    assert_non_null(strstr(error.message, "has no part in the transfer"));
    free(text);
    memory_free_pointer(&report);
}

static void blocks_that_are_named_must_be_those_of_the_bundle(void **state)
{
    struct bundle_report *report = memory_new(sizeof(*report));
    struct scene scene = { .is_source = false };
    struct hash blocks[3];
    struct bundle_trust trust = { NULL, blocks, 3 };
    struct error error = { .message = "" };
    char *text = forged_swap_bundle(&scene, NULL);

    (void)state;
    memset(blocks, 7, sizeof(blocks));
    for (size_t i = 0; i < 2; i++)
        assert_true(hex_decode(blocks[i].bytes, 32, scene.facts[i].block, 64));
    assert_int_equal(judge(text, &trust, report, &error), OK);
    assert_true(report->blocks_trusted);
    assert_non_null(strstr(report->destination_by, "given as trusted"));
    assert_null(strstr(report->destination_by, "was not checked"));
    for (size_t i = 0; i < 2; i++) { /* the other one alone */
        trust = (struct bundle_trust){ NULL, &blocks[1 - i], 1 };
        assert_int_equal(judge(text, &trust, report, &error), ERROR_TRANSFER_PROOF);
        assert_non_null(strstr(error.message, scene.facts[i].block)); /* it says which to ask about */
        assert_non_null(strstr(error.message, "none of those given"));
    }
    free(text);
    memory_free_pointer(&report);
}

static void a_key_that_is_given_is_the_one_that_counts(void **state)
{
    static const char other[] = "layerd/other+bb9a4d1b+AQh8vxJ5oTVXkWHBBhwSNVkUMgOHfvFMCNIR5u8ZUuEW";
    struct bundle_report *report = memory_new(sizeof(*report));
    struct buffer key CLEANUP(buffer_close) = { 0 };
    struct scene scene = { .is_source = true };
    struct bundle_trust trust = { .verifier = other };
    struct error error = { .message = "" };
    char *text = forged_swap_bundle(&scene, &key);

    (void)state;
    assert_int_equal(judge(text, &trust, report, &error), ERROR_TRANSFER_PROOF);
    trust.verifier = buffer_text(&key);
    assert_int_equal(judge(text, &trust, report, &error), OK);
    assert_true(report->log_key_expected);
    assert_null(strstr(bundle_log_words(report), "anybody"));
    assert_int_equal(judge(text, NULL, report, &error), OK);
    assert_false(report->log_key_expected);
    assert_non_null(strstr(bundle_log_words(report), "anybody can make one"));
    free(text);
    memory_free_pointer(&report);
}

int bundle_evm_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bundles_of_all_kinds_hold_and_say_what_they_rest_on),
        cmocka_unit_test(a_proof_to_an_evm_chain_has_no_byte_to_spare),
        cmocka_unit_test(a_proof_from_an_evm_chain_has_no_byte_to_spare),
        cmocka_unit_test(what_the_chain_does_not_show_no_signature_of_the_log_makes_true),
        cmocka_unit_test(blocks_that_are_named_must_be_those_of_the_bundle),
        cmocka_unit_test(a_key_that_is_given_is_the_one_that_counts),
    };

    return cmocka_run_group_tests_name("bundles of EVM chains", tests, NULL, NULL);
}
