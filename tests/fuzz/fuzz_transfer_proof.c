/* Proofs of transfers from anybody, as `layer-cli verify-transfer` and transfer.verify_proof are given them:
 * any bytes must be judged. The proofs of an EVM chain lie behind a signature which no fuzzer makes, so that
 * they are judged by themselves as well, for the lock that the corpus has. */
#include <stdint.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "crypto/hash.h"
#include "layer2/transfer/bundle_evm.h"

#define TEXT_MAX 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void judge_whole(struct bytes text)
{
    struct bundle_report *report = memory_new(sizeof(*report));
    struct buffer out CLEANUP(buffer_close) = { 0 };
    struct error error;
    struct writer w;

    if (bundle_verify((const char *)text.data, text.size, NULL, report, &error) == OK) {
        INVARIANT(!report->log_key_expected && !report->blocks_trusted, "nobody named a key, or blocks");
        writer_init(&w, &out);
        bundle_report_write(report, &w);
        writer_finish(&w);
    }
    memory_free_pointer(&report);
}

/* The terms are those of tests/unit/transfer/forged_swap.c, which made the seed. */
static void judge_networks(struct bytes text)
{
    struct bundle_evm_leg leg = {
        .from = "0xa1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1",
        .to = "0xb2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2", .asset = "coin", .amount = "1000",
        .hash = "deb0e38ced1e41de6f92e70e80c418d2d356afaaa99e26f5939dbc7d3ef4772a",
        .expiry_us = 1700001000000000,
        .preimage = "3333333333333333333333333333333333333333333333333333333333333333" };
    struct bundle_evm_finding finding;
    json_t *json AUTO_JSON = NULL;
    struct error error;

    if (json_parse((const char *)text.data, text.size, &json, &error) != OK || !json_is_object(json))
        return;
    leg.reference = json_string_value(json_object_get(json, "reference"));
    leg.proofs = json_object_get(json, "proofs");
    if (leg.reference == NULL || bundle_evm_judge(&leg, &finding, &error) != OK)
        return;
    INVARIANT(finding.facts[BUNDLE_LOCK].present && finding.facts[BUNDLE_CLAIM].present,
              "a leg without a lock or a claim");
    INVARIANT(finding.facts[BUNDLE_LOCK].number <= finding.facts[BUNDLE_CLAIM].number,
              "claimed before it was locked");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool started;

    if (!started)
        crypto_start();
    started = true;
    if (size == 0 || size > TEXT_MAX)
        return 0;
    if (data[0] == '{')
        judge_whole(bytes_of(data, size));
    else
        judge_networks(bytes_of(data + 1, size - 1));
    return 0;
}
