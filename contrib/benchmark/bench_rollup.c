/* rollup: batches executed in memory, against how many signatures libsecp256k1 alone verifies on one core in
 * the same minutes; proofs of fraud; batches taken back. No node, no rows: one thread, which never waits; so
 * all times are this thread's CPU time, and other work on the machine counts only by what it takes of caches.
 *
 *   rollup_execute  batches of 1,000 random transfers, each with a fee, to a new root each, and with what is
 *                   told of them for rows (effects). Among 1,000,000 accounts, and among 1,000; once with
 *                   every signature verified, once with all known to be good
 *   fraud_proof     of a batch of 1,000 signed transfers: a typed proof of a bad signature in the last one,
 *                   and witnesses of steps of the last ten, each from nothing: every signature is verified on
 *                   the way; then judged
 *   rollback        100 batches of 1,000 transfers taken back, with the root before them
 *
 *   bench_rollup DIRECTORY LAYERD (neither is used) */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "crypto/hash.h"
#include "crypto/schnorr.h"
#include "layer2/rollup/state.h"
#include "measure.h"

#define EXECUTE "rollup_execute"
#define FRAUD "fraud_proof"
#define ROLLBACK "rollback"
#define BATCH 1000
#define MANY 1000000
#define FEW 1000
#define FUNDS ((uint64_t)1000000000)
#define BATCHES 40         /* of one repetition */
#define SIGNED_BATCHES 10
#define ROLLED_BACK 100
#define SIGNERS 256        /* accounts 1 … have keys that can sign */
#define WITNESSES 20
#define VERIFICATIONS 4000

struct bench {
    struct rollup_state *state;
    uint32_t accounts;
    uint64_t *nonces;
    struct key_pair *pairs[SIGNERS + 1]; /* [account] */
    bool good[BATCH];      /* every signature is known */
    uint64_t random;
    uint64_t number;
};

/* Batches with their bytes. */
struct batches {
    struct batch *batches;
    struct bytes *items;
    struct buffer *bytes;
    size_t count;
};

static uint64_t roll(struct bench *b, uint64_t below)
{
    uint64_t mixed = b->random += UINT64_C(0x9e3779b97f4a7c15);

    mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
    return (mixed ^ mixed >> 31) % below;
}

static int64_t cpu_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * NANOSECONDS + now.tv_nsec;
}

static double cpu_seconds_since(int64_t begin)
{
    return (double)(cpu_ns() - begin) / NANOSECONDS;
}

/* Signatures a second. */
static double verify_rate(struct bench *b)
{
    const struct account_id *key = &rollup_state_account(b->state, 1)->key;
    const struct hash message = { { 1 } };
    struct signature signature;
    int64_t begin;

    schnorr_sign_pair(b->pairs[1], &message, &signature);
    begin = cpu_ns();
    for (int i = 0; i < VERIFICATIONS; i++) {
        if (!schnorr_verify(key, message.bytes, sizeof message.bytes, &signature))
            fatal("a good signature is refused");
    }
    return VERIFICATIONS / cpu_seconds_since(begin);
}

/* --- a state ---------------------------------------------------------------------------------- */

static void key_of(struct bench *b, uint32_t index, struct account_id *key)
{
    struct secret_key *secret;

    for (size_t i = 0; i < sizeof key->bytes; i += 8)
        put_be64(key->bytes + i, roll(b, UINT64_MAX));
    if (index > SIGNERS)
        return;
    secret = secret_new(sizeof *secret);
    b->pairs[index] = secret_new(sizeof *b->pairs[index]);
    secret_key_generate(secret);
    if (!secret_key_account(secret, key) || !key_pair_make(secret, b->pairs[index]))
        fatal("no key");
    secret_free(secret);
}

static void bench_open(struct bench *b, uint32_t accounts)
{
    struct leaf leaf = { .kind = LEAF_GLOBAL, .global = { .accounts = accounts } };
    struct leaf_place place = { .kind = LEAF_GLOBAL };
    struct hash root;
    int64_t begin;

    *b = (struct bench){ .accounts = accounts, .state = rollup_state_empty(1), .random = accounts };
    b->nonces = memory_array(accounts, sizeof b->nonces[0]);
    for (unsigned i = 0; i < BATCH; i++)
        b->good[i] = true;
    begin = cpu_ns();
    rollup_state_load(b->state, &place, &leaf);
    leaf = (struct leaf){ .kind = place.kind = LEAF_OUTBOX };
    rollup_state_load(b->state, &place, &leaf);
    place.kind = LEAF_ACCOUNT;
    for (uint32_t i = 0; i < accounts; i++) {
        leaf = (struct leaf){ .kind = LEAF_ACCOUNT };
        key_of(b, i, &leaf.account.key);
        leaf.account.balances[0] = FUNDS;
        place.index = i;
        rollup_state_load(b->state, &place, &leaf);
    }
    rollup_state_root(b->state, &root);
    say("%u accounts loaded and hashed in %.2f s; %zu MiB", accounts, cpu_seconds_since(begin),
        rollup_state_memory(b->state) >> 20);
}

static void bench_close(struct bench *b)
{
    rollup_state_free(b->state);
    free(b->nonces);
    for (unsigned i = 0; i <= SIGNERS; i++)
        secret_free(b->pairs[i]);
}

/* --- batches ---------------------------------------------------------------------------------- */

static void transfer_make(struct bench *b, const struct hash *rollup, bool sign, struct buffer *out)
{
    struct item item = { .kind = ITEM_TRANSFER, .fee = 1, .output_count = 1 };
    uint32_t senders = sign && SIGNERS < b->accounts ? SIGNERS : b->accounts - 1;

    item.from = 1 + (uint32_t)roll(b, senders);
    item.nonce = b->nonces[item.from]++;
    item.outputs[0].to = 1 + (uint32_t)roll(b, b->accounts - 1);
    item.outputs[0].amount = 1 + roll(b, 1000);
    if (sign) {
        transaction_digest(&item, rollup);
        schnorr_sign_pair(b->pairs[item.from], &item.digest, &item.signature);
    }
    rollup_transaction_encode(&item, out);
}

static void batches_make(struct bench *b, struct batches *made, size_t count, bool sign)
{
    *made = (struct batches){ .count = count };
    made->batches = memory_array(count, sizeof made->batches[0]);
    made->items = memory_array(count * BATCH, sizeof made->items[0]);
    made->bytes = memory_array(count * BATCH, sizeof made->bytes[0]);
    for (size_t i = 0; i < count; i++) {
        struct batch *batch = &made->batches[i];

        *batch = (struct batch){ .machine = { .assets = 1, .items = BATCH }, .number = ++b->number,
                                 .items = made->items + i * BATCH };
        for (size_t k = i * BATCH; k < (i + 1) * BATCH; k++) {
            transfer_make(b, &batch->machine.rollup, sign, &made->bytes[k]);
            made->items[k] = buffer_bytes(&made->bytes[k]);
        }
    }
}

static void batches_close(struct batches *made)
{
    for (size_t i = 0; i < made->count * BATCH; i++)
        buffer_close(&made->bytes[i]);
    free(made->batches);
    free(made->items);
    free(made->bytes);
}

static void execute(struct bench *b, const struct batch *batch, const bool *verified,
                    struct batch_effects *effects)
{
    struct batch_result result;
    struct error error;

    if (rollup_execute(b->state, batch, verified, &result, effects, NULL, NULL, &error) != OK)
        fatal("%s", error.message);
}

/* --- rollup_execute --------------------------------------------------------------------------- */

/* Transfers a second. */
static double execute_rate(struct bench *b, size_t count, bool sign)
{
    struct batches made;
    int64_t begin;

    batches_make(b, &made, count, sign);
    begin = cpu_ns();
    for (size_t i = 0; i < count; i++) {
        struct batch_effects effects;

        execute(b, &made.batches[i], sign ? NULL : b->good, &effects);
        batch_effects_close(&effects);
    }
    double rate = (double)(count * BATCH) / cpu_seconds_since(begin);
    batches_close(&made);
    return rate;
}

static void measure_execute(struct bench *many, struct bench *few)
{
    struct samples rates = { 0 }, ratios = { 0 }, costs = { 0 };

    for (int i = 0; i < REPETITIONS; i++) {
        double before = verify_rate(many);
        double sign_rate = execute_rate(many, SIGNED_BATCHES, true);
        double verify = (before + verify_rate(many)) / 2;
        double few_rate = execute_rate(few, BATCHES, false);
        double rate = execute_rate(many, BATCHES, false);

        few_rate = (few_rate + execute_rate(few, BATCHES, false)) / 2;
        samples_add(&rates, rate);
        samples_add(&ratios, sign_rate / verify);
        samples_add(&costs, few_rate / rate);
        say("%s %d of %d: %.0f/s, of 1,000 accounts %.0f/s; verified %.0f/s; libsecp256k1 verifies %.0f/s",
            EXECUTE, i + 1, REPETITIONS, rate, few_rate, sign_rate, verify);
    }
    metric(EXECUTE, "ratio_to_verify", samples_median(&ratios), "ratio", "higher");
    metric(EXECUTE, "executions_per_second", samples_median(&rates), "1/s", "higher");
    metric(EXECUTE, "cost_million_over_thousand", samples_median(&costs), "ratio", "lower");
    metric(EXECUTE, "memory_mib", (double)rollup_state_memory(many->state) / (1 << 20), "MiB", "lower");
}

/* --- fraud_proof ------------------------------------------------------------------------------ */

struct fraud_samples {
    struct samples generate, verify, bytes;
};

static double milliseconds_since(int64_t begin)
{
    return cpu_seconds_since(begin) * 1000;
}

/* The last transfer's signature is made a bad one. */
static void measure_typed(struct bench *b, struct batches *made, struct fraud_samples *samples)
{
    CLEANUP(buffer_close) struct buffer proof = { 0 };
    struct batch *batch = &made->batches[0];
    struct batch_result claimed = { .withdrawals = 0 };
    struct error error;
    enum fraud_kind kind;
    int64_t begin;

    rollup_state_root(b->state, &batch->previous_root);
    made->bytes[BATCH - 1].data[made->bytes[BATCH - 1].size - 1] ^= 1;
    begin = cpu_ns();
    if (!rollup_fraud_prove(b->state, batch, &claimed, &proof))
        fatal("a bad signature cannot be proved");
    samples_add(&samples->generate, milliseconds_since(begin));
    begin = cpu_ns();
    if (fraud_verify(batch, &claimed, buffer_bytes(&proof), &kind, &error) != OK)
        fatal("%s", error.message);
    samples_add(&samples->verify, milliseconds_since(begin));
    samples_add(&samples->bytes, (double)proof.size);
    made->bytes[BATCH - 1].data[made->bytes[BATCH - 1].size - 1] ^= 1;
}

static void measure_witness(struct bench *b, const struct batch *batch, uint64_t step,
                            struct fraud_samples *samples)
{
    CLEANUP(buffer_close) struct buffer witness = { 0 };
    struct hash items_root, context, pre, post;
    struct error error;
    bool right;
    int64_t begin = cpu_ns();
    struct batch_trace *trace = batch_trace_open(b->state, batch);

    if (batch_trace_witness(trace, step, &witness, &error) != OK)
        fatal("%s", error.message);
    samples_add(&samples->generate, milliseconds_since(begin));
    samples_add(&samples->bytes, (double)witness.size);
    if (batch_trace_value(trace, step - 1, &pre, &error) != OK ||
        batch_trace_value(trace, step, &post, &error) != OK)
        fatal("%s", error.message);
    batch_trace_close(trace);
    batch_items_root(batch, &items_root);
    batch_context(batch, &items_root, &context);
    begin = cpu_ns();
    if (machine_judge(&batch->machine, &context, &items_root, step, &pre, &post, buffer_bytes(&witness),
                      &right, &error) != OK || !right)
        fatal("a right step is judged wrong");
    samples_add(&samples->verify, milliseconds_since(begin));
}

static void measure_fraud(struct bench *b)
{
    struct fraud_samples samples = { 0 };
    struct batches made;

    for (int i = 0; i < REPETITIONS; i++) {
        uint64_t *nonces AUTO_FREE = memory_copy(b->nonces, b->accounts * sizeof b->nonces[0]);

        batches_make(b, &made, 1, true);
        measure_typed(b, &made, &samples);
        for (unsigned k = 0; k < WITNESSES; k++) {
            uint64_t step = (BATCH - 1 - roll(b, 10)) * ITEM_STEPS + roll(b, ITEM_STEPS);
            measure_witness(b, &made.batches[0], step, &samples);
        }
        memcpy(b->nonces, nonces, b->accounts * sizeof b->nonces[0]); /* the batch is not executed */
        batches_close(&made);
    }
    say("%s: generated in %.1f to %.1f ms, verified in %.2f to %.2f ms", FRAUD,
        samples_percentile(&samples.generate, 1), samples_percentile(&samples.generate, 100),
        samples_percentile(&samples.verify, 1), samples_percentile(&samples.verify, 100));
    metric(FRAUD, "generate_ms", samples_median(&samples.generate), "ms", "lower");
    metric(FRAUD, "verify_ms", samples_percentile(&samples.verify, 95), "ms", "lower");
    metric(FRAUD, "bytes", samples_percentile(&samples.bytes, 100), "bytes", "lower");
}

/* --- rollback --------------------------------------------------------------------------------- */

static void measure_rollback(struct bench *b)
{
    struct batch_effects *effects AUTO_FREE = memory_array(ROLLED_BACK, sizeof effects[0]);
    struct samples times = { 0 };
    struct batches made;

    for (int i = 0; i < REPETITIONS; i++) {
        uint64_t *nonces AUTO_FREE = memory_copy(b->nonces, b->accounts * sizeof b->nonces[0]);
        struct hash before, after;
        int64_t begin;

        rollup_state_root(b->state, &before);
        batches_make(b, &made, ROLLED_BACK, false);
        for (size_t k = 0; k < ROLLED_BACK; k++)
            execute(b, &made.batches[k], b->good, &effects[k]);
        begin = cpu_ns();
        for (size_t k = ROLLED_BACK; k-- > 0;)
            rollup_revert(b->state, effects[k].changes, effects[k].change_count);
        rollup_state_root(b->state, &after);
        samples_add(&times, milliseconds_since(begin));
        if (!hash_equal(&before, &after))
            fatal("another root after taking back");
        memcpy(b->nonces, nonces, b->accounts * sizeof b->nonces[0]);
        for (size_t k = 0; k < ROLLED_BACK; k++)
            batch_effects_close(&effects[k]);
        batches_close(&made);
    }
    metric(ROLLBACK, "ms", samples_median(&times), "ms", "lower");
}

int main(int argc, char **argv)
{
    static struct bench many, few;

    (void)argv;
    if (argc != 3)
        fatal("usage: bench_rollup DIRECTORY LAYERD");
    crypto_start();
    bench_open(&many, MANY);
    bench_open(&few, FEW);
    measure_execute(&many, &few);
    measure_fraud(&many);
    measure_rollback(&many);
    bench_close(&many);
    bench_close(&few);
    return 0;
}
