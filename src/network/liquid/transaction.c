/* Liquid's transactions: see transaction.h. */
#include "network/liquid/transaction.h"

#include <string.h>

#include "base/memory.h"

#define FLAG_WITNESS 1
#define SCRIPT_MAX 10000
#define WITNESS_ITEM_MAX (1 << 20)
#define WITNESS_ITEMS_MAX 500
#define OUTPUT_NONE 0xffffffffu   /* a coinbase spends nothing */
#define OUTPUT_ISSUES (1u << 31)
#define OUTPUT_PEGS_IN (1u << 30)
#define EXPLICIT 1
#define COMMITMENT_SIZE 32

enum confidential { CONFIDENTIAL_ASSET, CONFIDENTIAL_VALUE, CONFIDENTIAL_NONCE };

/* A prefix, and what it says: nothing, the thing itself, or a commitment. *explicit_value: of explicit
 * values. */
static bool skip_confidential(struct cursor *in, enum confidential kind, uint8_t *prefix,
                              uint64_t *explicit_value)
{
    static const uint8_t first_commitment[] = { 0x0a, 0x08, 0x02 };
    struct bytes run;
    uint8_t first = first_commitment[kind];

    *prefix = cursor_byte(in);
    if (in->failed || *prefix == 0)
        return !in->failed;
    if (*prefix == EXPLICIT && kind == CONFIDENTIAL_VALUE) {
        run = cursor_run(in, 8);
        *explicit_value = in->failed ? 0 : get_be64(run.data);
        return !in->failed;
    }
    if (*prefix != EXPLICIT && *prefix != first && *prefix != first + 1)
        in->failed = true;
    (void)cursor_run(in, COMMITMENT_SIZE);
    return !in->failed;
}

static bool read_issue(struct cursor *in, const struct liquid_outpoint *spent, uint32_t input,
                       struct liquid_issue *issue)
{
    struct liquid_issue found = { .there = true, .input = input };
    struct hash nonce, entropy;
    uint8_t amount, keys;
    uint64_t tokens;

    cursor_hash(in, &nonce);
    cursor_hash(in, &entropy);
    if (!skip_confidential(in, CONFIDENTIAL_VALUE, &amount, &found.amount) ||
        !skip_confidential(in, CONFIDENTIAL_VALUE, &keys, &tokens) || (amount == 0 && keys == 0))
        return false;
    found.reissue = !hash_equal(&nonce, &(struct hash){ .bytes = { 0 } });
    found.blinded = amount != EXPLICIT && amount != 0;
    if (found.reissue) {
        found.entropy = entropy;
    } else {
        found.contract = entropy;
        liquid_entropy(spent, &entropy, &found.entropy);
    }
    liquid_asset(&found.entropy, &found.asset);
    if (!issue->there)
        *issue = found;
    return true;
}

static bool read_input(struct cursor *in, uint32_t index, struct liquid_transaction *out)
{
    struct liquid_outpoint spent;
    uint32_t output;

    cursor_hash(in, &spent.transaction);
    output = cursor_le32(in);
    (void)cursor_string(in, SCRIPT_MAX);
    (void)cursor_le32(in);
    if (in->failed)
        return false;
    spent.output = output == OUTPUT_NONE ? output : output & ~(OUTPUT_ISSUES | OUTPUT_PEGS_IN);
    if (index == 0)
        out->first_spent = spent;
    if (output == OUTPUT_NONE)
        return true;
    out->pegs_in |= (output & OUTPUT_PEGS_IN) != 0;
    return (output & OUTPUT_ISSUES) == 0 || read_issue(in, &spent, index, &out->issue);
}

/* A fee is an output of its own: of an open amount, to no script. */
static bool read_output(struct cursor *in, uint64_t *fee)
{
    uint64_t value = 0, unused;
    uint8_t asset, amount, nonce;

    if (!skip_confidential(in, CONFIDENTIAL_ASSET, &asset, &unused) ||
        !skip_confidential(in, CONFIDENTIAL_VALUE, &amount, &value) ||
        !skip_confidential(in, CONFIDENTIAL_NONCE, &nonce, &unused) || asset == 0 || amount == 0)
        return false;
    if (cursor_string(in, SCRIPT_MAX).size == 0 && amount == EXPLICIT &&
        __builtin_add_overflow(*fee, value, fee))
        return false;
    return !in->failed;
}

static bool skip_stack(struct cursor *in)
{
    uint64_t count = cursor_count(in, WITNESS_ITEMS_MAX);

    for (uint64_t i = 0; i < count && !in->failed; i++)
        (void)cursor_string(in, WITNESS_ITEM_MAX);
    return !in->failed;
}

/* Of each input: proofs of the issue's amounts, the script's and the peg-in's witness; of each output: two
 * proofs. */
static bool skip_witness(struct cursor *in, const struct liquid_transaction *transaction)
{
    for (size_t i = 0; i < transaction->input_count; i++) {
        (void)cursor_string(in, WITNESS_ITEM_MAX);
        (void)cursor_string(in, WITNESS_ITEM_MAX);
        if (!skip_stack(in) || !skip_stack(in))
            return false;
    }
    for (size_t i = 0; i < transaction->output_count; i++) {
        (void)cursor_string(in, WITNESS_ITEM_MAX);
        (void)cursor_string(in, WITNESS_ITEM_MAX);
    }
    return !in->failed;
}

/* The hash of everything but the witness, with the flag that says there is none. */
static void hash_transaction(struct bytes bytes, size_t witness_at, struct hash *id)
{
    struct buffer plain CLEANUP(buffer_close) = { 0 };

    buffer_init(&plain);
    buffer_append(&plain, bytes.data, witness_at);
    plain.data[4] = 0;
    double_sha256(id, plain.data, plain.size);
}

bool liquid_transaction_read(struct bytes bytes, struct liquid_transaction *out)
{
    struct cursor in = { .rest = bytes };
    size_t witness_at;
    uint8_t flags;

    memset(out, 0, sizeof(*out));
    if (bytes.size > LIQUID_TRANSACTION_MAX)
        return false;
    out->version = cursor_le32(&in);
    flags = cursor_byte(&in);
    if (in.failed || (flags & ~FLAG_WITNESS) != 0)
        return false;
    out->input_count = (size_t)cursor_count(&in, LIQUID_INPUTS_MAX);
    for (size_t i = 0; i < out->input_count; i++) {
        if (!read_input(&in, (uint32_t)i, out))
            return false;
    }
    out->output_count = (size_t)cursor_count(&in, LIQUID_INPUTS_MAX);
    for (size_t i = 0; i < out->output_count; i++) {
        if (!read_output(&in, &out->fee))
            return false;
    }
    out->lock_time = cursor_le32(&in);
    if (in.failed || out->input_count == 0 || out->output_count == 0)
        return false;
    witness_at = bytes.size - in.rest.size;
    if (flags == FLAG_WITNESS && !skip_witness(&in, out))
        return false;
    if (!cursor_at_end(&in))
        return false;
    hash_transaction(bytes, witness_at, &out->id);
    return true;
}
