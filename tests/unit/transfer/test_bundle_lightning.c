/* Proofs of transfers that paid an invoice of the outside Lightning network, from a log of our own making
 * whose owner may sign what he likes: what the invoice does not say is refused, however well the log is
 * signed. */
#include "forged_log.h"

#include <stdlib.h>

#include "crypto/bolt11.h"
#include "crypto/hash.h"
#include "layer2/transfer/bundle.h"
#include "sanitized.h"

/* What the log's owner says; NULL: as it is. */
struct told {
    const char *asset, *amount, *reference;
    uint64_t msat;       /* of the invoice; 0: 10,000 */
    bool of_other_hash, is_source, is_damaged;
};

static char preimage_hex[65], hash_hex[65];

static char *invoice_by(uint64_t msat, bool of_other_hash)
{
    struct bolt11 invoice = { .currency = "bcrt", .has_amount = true, .amount_msat = msat,
                              .description = "coffee", .time_s = 1700000000, .expiry_s = 3600,
                              .final_delta = 18, .feature_count = 2, .features = { 8, 14 } };
    struct buffer out CLEANUP(buffer_close) = { 0 };
    struct secret_key *key = secret_new(sizeof(*key));
    struct error error;
    struct hash preimage;

    memset(preimage.bytes, of_other_hash ? 0x34 : 0x33, sizeof(preimage.bytes));
    sha256(&invoice.payment_hash, preimage.bytes, sizeof(preimage.bytes));
    memset(invoice.payment_secret.bytes, 0x44, sizeof(invoice.payment_secret.bytes));
    memset(key->bytes, 5, sizeof(key->bytes));
    assert_int_equal(bolt11_encode(&invoice, "spdxc9", bolt11_sign_with_key, key, &out, &error), OK);
    secret_free(key);
    return text_copy_sized((const char *)out.data, out.size);
}

static void tell(struct forged_log *log, const struct told *told, const char *invoice)
{
    const struct forged_leg here = { "base", "alice", "bob", "GOLD", "12" };
    const struct forged_leg there = { "lightning:ln", "alice", invoice,
                                      told->asset == NULL ? "msat" : told->asset,
                                      told->amount == NULL ? "10000" : told->amount };
    const char *paid = told->reference == NULL ? hash_hex : told->reference;

    forged_add(log, "transfer.initiated", "transfer/" FORGED_TRANSFER,
               forged_terms(told->is_source ? &there : &here, told->is_source ? &here : &there, hash_hex));
    forged_add(log, "ledger.escrow_locked", "escrow/" FORGED_ESCROW,
               json_pack("{s:s, s:s, s:s, s:i, s:s}", "from", "alice", "to", "bob", "asset", "GOLD", "amount",
                         12, "hash", hash_hex));
    forged_add(log, "transfer.source_locked", "transfer/" FORGED_TRANSFER,
               told->is_source ? forged_locked(there.place, paid, 200)
                               : forged_locked("base", FORGED_ESCROW, 200));
    forged_add(log, "transfer.destination_locked", "transfer/" FORGED_TRANSFER,
               told->is_source ? forged_locked("base", FORGED_ESCROW, 100)
                               : forged_locked(there.place, paid, 100));
    forged_add(log, "transfer.claimed", "transfer/" FORGED_TRANSFER,
               json_pack("{s:s}", "preimage", preimage_hex));
    forged_add(log, "ledger.escrow_claimed", "escrow/" FORGED_ESCROW,
               json_pack("{s:s, s:s, s:i}", "preimage", preimage_hex, "to", "bob", "amount", 12));
    forged_add(log, "transfer.settled", "transfer/" FORGED_TRANSFER,
               json_pack("{s:s, s:i, s:i}", "preimage", preimage_hex, "amount", 10, "fee", 2));
}

static char *bundle_of(const struct told *told)
{
    char *invoice = invoice_by(told->msat == 0 ? 10000 : told->msat, told->of_other_hash), *text;
    struct forged_log log CLEANUP(forged_close);

    if (told->is_damaged)
        invoice[40] = invoice[40] == 'q' ? 'p' : 'q';
    forged_open(&log);
    tell(&log, told, invoice);
    text = forged_bundle(&log, BUNDLE_FORMAT, preimage_hex, NULL, NULL);
    free(invoice);
    return text;
}

static enum status judge(const struct told *told, struct bundle_report *report, struct error *error)
{
    char *text = bundle_of(told);
    enum status status = bundle_verify(text, strlen(text), NULL, report, error);

    free(text);
    return status;
}

static int make_secret(void **state)
{
    struct hash preimage, hash;

    (void)state;
    memset(preimage.bytes, 0x33, sizeof(preimage.bytes));
    sha256(&hash, preimage.bytes, sizeof(preimage.bytes));
    hex_text(preimage_hex, preimage.bytes, sizeof(preimage.bytes));
    hex_text(hash_hex, hash.bytes, sizeof(hash.bytes));
    return 0;
}

static void what_an_invoice_does_not_say_no_signature_of_the_log_makes_true(void **state)
{
    static const struct { struct told told; const char *why; } wrong[] = {
        { { .of_other_hash = true }, "not by the transfer's hash" },
        { { .reference = FORGED_ESCROW }, "not by the transfer's hash" },
        { { .msat = 9999 }, "not for the amount" },
        { { .amount = "10001" }, "not for the amount" },
        { { .amount = "010000" }, "not for the amount" },
        { { .asset = "GOLD" }, "not for the amount" },
        { { .is_damaged = true }, "not signed by its payee" },
    };
    struct bundle_report *report = memory_new(sizeof(*report));
    struct told source = { .is_source = true };
    struct error error = { .message = "" };

    (void)state;
    if (judge(&(struct told){ 0 }, report, &error) != OK)
        fail_msg("%s", error.message);
    assert_non_null(strstr(report->destination_by, "signature of the invoice"));
    assert_non_null(strstr(report->source_by, "log"));
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        assert_int_equal(judge(&wrong[i].told, report, &error), ERROR_TRANSFER_PROOF);
        if (strstr(error.message, wrong[i].why) == NULL)
            fail_msg("%zu: %s", i, error.message);
    }
    assert_int_equal(judge(&source, report, &error), ERROR_TRANSFER_PROOF); /* nobody locks there */
    memory_free_pointer(&report);
}

static void a_proof_of_a_paid_invoice_has_no_byte_to_spare(void **state)
{
    struct bundle_report *report = memory_new(sizeof(*report));
    char *text = bundle_of(&(struct told){ 0 });
    size_t size = strlen(text);
    struct error error;

    (void)state;
    assert_int_equal(bundle_verify(text, size, NULL, report, &error), OK);
    for (size_t i = 0; i < size; i += SANITIZED ? 19 : 1) {
        char kept = text[i];

        text[i] ^= i % 2 == 0 ? 0x01 : 0x20; /* the second makes small letters capital ones */
        if (bundle_verify(text, size, NULL, report, &error) != ERROR_TRANSFER_PROOF)
            fail_msg("byte %zu of %zu, '%c' as '%c', is not missed", i, size, kept, text[i]);
        text[i] = kept;
    }
    free(text);
    memory_free_pointer(&report);
}

int bundle_lightning_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_an_invoice_does_not_say_no_signature_of_the_log_makes_true),
        cmocka_unit_test(a_proof_of_a_paid_invoice_has_no_byte_to_spare),
    };

    return cmocka_run_group_tests_name("bundles of Lightning", tests, make_secret, NULL);
}
