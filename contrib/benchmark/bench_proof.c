/* proof: what verifying costs, against what it cannot do without: a range proof of 64 bits against one sum
 * of multiples of as many points with libdecaf alone, a batch against single proofs, a half-aggregate
 * against single signatures.
 *
 * bench_proof DIRECTORY LAYERD (neither used) */
#include <decaf/point_255.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "measure.h"

#include "base/memory.h"
#include "crypto/hash.h"
#include "proof/half_aggregate.h"
#include "proof/range_proof.h"

#define BENCH "proof"
#define POINTS 147 /* of a range proof of 64 bits: 130 generators, 17 of its own */
#define BATCH 64
#define SIGNATURES 256
#define DIGITS 256
#define WIDTH 5
#define MULTIPLES (1 << (WIDTH - 2))

/* Of this thread: all here is one thread that computes, and a batch takes longer than a busy machine
 * leaves it alone. */
static double cpu_seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / NANOSECONDS;
}

/* --- the yardstick: Straus's method, digits of width 5, on libdecaf's functions alone ------------------- */

struct straus_term {
    decaf_255_point_t multiples[MULTIPLES];
    int digits[DIGITS];
};

static void straus_recode(int digits[DIGITS], const decaf_255_scalar_t scalar)
{
    unsigned char bytes[DECAF_255_SCALAR_BYTES + 1] = { 0 };
    int carry = 0;

    decaf_255_scalar_encode(bytes, scalar);
    memset(digits, 0, DIGITS * sizeof digits[0]);
    for (int at = 0; at < DECAF_255_SCALAR_BITS + 1;) {
        int window = (bytes[at / 8] | bytes[at / 8 + 1] << 8) >> at % 8 & ((1 << WIDTH) - 1);
        if ((window & 1) == carry) {
            at++;
            continue;
        }
        window += carry;
        carry = window >> (WIDTH - 1) & 1;
        digits[at] = window - (carry << WIDTH);
        at += WIDTH;
    }
}

static void straus(decaf_255_point_t sum, struct straus_term *terms, decaf_255_scalar_t *scalars,
                   decaf_255_point_t *points, size_t count)
{
    decaf_255_point_t twice;

    for (size_t i = 0; i < count; i++) {
        straus_recode(terms[i].digits, scalars[i]);
        decaf_255_point_copy(terms[i].multiples[0], points[i]);
        decaf_255_point_double(twice, points[i]);
        for (size_t k = 1; k < MULTIPLES; k++)
            decaf_255_point_add(terms[i].multiples[k], terms[i].multiples[k - 1], twice);
    }
    decaf_255_point_copy(sum, decaf_255_point_identity);
    for (int at = DIGITS; at-- > 0;) {
        decaf_255_point_double(sum, sum);
        for (size_t i = 0; i < count; i++) {
            int digit = terms[i].digits[at];
            if (digit > 0)
                decaf_255_point_add(sum, sum, terms[i].multiples[digit / 2]);
            else if (digit < 0)
                decaf_255_point_sub(sum, sum, terms[i].multiples[-digit / 2]);
        }
    }
}

struct yardstick {
    struct straus_term terms[POINTS];
    decaf_255_point_t points[POINTS];
    decaf_255_scalar_t scalars[POINTS];
};

static struct yardstick *yardstick_new(void)
{
    struct yardstick *yardstick = memory_array_aligned(1, sizeof *yardstick, _Alignof(struct yardstick));
    decaf_255_point_t sum, expected, term;

    for (size_t i = 0; i < POINTS; i++) {
        unsigned char uniform[64];
        randombytes_buf(uniform, sizeof uniform);
        decaf_255_point_from_hash_uniform(yardstick->points[i], uniform);
        randombytes_buf(uniform, sizeof uniform);
        decaf_255_scalar_decode_long(yardstick->scalars[i], uniform, sizeof uniform);
    }
    straus(sum, yardstick->terms, yardstick->scalars, yardstick->points, POINTS);
    decaf_255_point_copy(expected, decaf_255_point_identity);
    for (size_t i = 0; i < POINTS; i++) {
        decaf_255_point_scalarmul(term, yardstick->points[i], yardstick->scalars[i]);
        decaf_255_point_add(expected, expected, term);
    }
    if (decaf_255_point_eq(sum, expected) != DECAF_TRUE)
        fatal("the yardstick computes another sum than its points have");
    return yardstick;
}

/* --- what is measured ----------------------------------------------------------------------------------- */

struct proofs {
    struct transcript transcript;
    uint8_t commitments[BATCH][1][POINT_SIZE], proofs[BATCH][RANGE_PROOF_SIZE_MAX];
    struct range_claim claims[BATCH];
};

static double make_proofs(struct proofs *proofs)
{
    struct samples times = { 0 };

    transcript_start(&proofs->transcript, "bench");
    for (size_t i = 0; i < BATCH; i++) {
        struct transcript transcript = proofs->transcript;
        struct scalar blinding;
        struct error error;
        uint64_t value = i * 1000003;
        scalar_random(&blinding);
        double begin = cpu_seconds();
        if (range_proof_make(&transcript, 64, &value, &blinding, 1, proofs->commitments[i], proofs->proofs[i],
                             &error) != OK)
            fatal("no proof: %s", error.message);
        samples_add(&times, cpu_seconds() - begin);
        proofs->claims[i] = (struct range_claim){ &proofs->transcript, 64, 1,
                                                  (const uint8_t(*)[POINT_SIZE])proofs->commitments[i],
                                                  bytes_of(proofs->proofs[i], range_proof_size(64, 1)) };
    }
    return samples_median(&times);
}

static void measure_range_proofs(void)
{
    struct samples sums = { 0 }, singles = { 0 }, batches = { 0 };
    struct proofs *proofs = memory_new(sizeof *proofs);
    struct yardstick *yardstick = yardstick_new();
    decaf_255_point_t sum;
    struct error error;
    size_t bad;

    metric(BENCH, "bulletproof_make_ms", 1000 * make_proofs(proofs), "ms", "lower");
    for (int i = 0; i < REPETITIONS; i++) {
        for (size_t k = 0; k < BATCH; k++) {
            double begin = cpu_seconds();
            straus(sum, yardstick->terms, yardstick->scalars, yardstick->points, POINTS);
            samples_add(&sums, cpu_seconds() - begin);
            begin = cpu_seconds();
            if (range_proof_verify(&proofs->claims[k], NULL, &error) != OK)
                fatal("a proof does not hold: %s", error.message);
            samples_add(&singles, cpu_seconds() - begin);
        }
        double begin = cpu_seconds();
        if (range_proofs_verify(proofs->claims, BATCH, &bad, &error) != OK)
            fatal("a batch does not hold: %s", error.message);
        samples_add(&batches, (cpu_seconds() - begin) / BATCH);
    }
    metric(BENCH, "bulletproof_verify_ms", 1000 * samples_median(&singles), "ms", "lower");
    metric(BENCH, "bulletproof_verify_over_msm", samples_median(&singles) / samples_median(&sums), "ratio",
           "lower");
    metric(BENCH, "bulletproof_batch64_over_single", samples_median(&batches) / samples_median(&singles),
           "ratio", "lower");
    free(yardstick);
    free(proofs);
}

static void measure_half_aggregate(void)
{
    struct signed_message messages[SIGNATURES];
    struct signature signatures[SIGNATURES];
    uint8_t aggregate[32 * (SIGNATURES + 1)];
    struct samples singles = { 0 }, aggregates = { 0 };
    struct secret_key *key = secret_new(sizeof *key);
    struct error error;
    size_t bad;

    for (size_t i = 0; i < SIGNATURES; i++) {
        secret_key_generate(key);
        randombytes_buf(messages[i].message.bytes, sizeof messages[i].message.bytes);
        if (!secret_key_account(key, &messages[i].account) ||
            !schnorr_sign(key, &messages[i].message, NULL, &signatures[i]))
            fatal("no signature");
    }
    secret_free(key);
    if (half_aggregate_make(messages, signatures, SIGNATURES, aggregate, &bad, &error) != OK)
        fatal("no aggregate: %s", error.message);
    for (int i = 0; i < REPETITIONS; i++) {
        double begin = cpu_seconds();
        for (size_t k = 0; k < SIGNATURES; k++)
            if (!schnorr_verify(&messages[k].account, messages[k].message.bytes, 32, &signatures[k]))
                fatal("a signature does not hold");
        samples_add(&singles, cpu_seconds() - begin);
        begin = cpu_seconds();
        if (half_aggregate_verify(bytes_of(aggregate, sizeof aggregate), messages, SIGNATURES, &error) != OK)
            fatal("the aggregate does not hold: %s", error.message);
        samples_add(&aggregates, cpu_seconds() - begin);
    }
    metric(BENCH, "halfagg_verify_over_single", samples_median(&aggregates) / samples_median(&singles),
           "ratio", "lower");
}

int main(int argc, char **argv)
{
    (void)argv;
    if (argc != 3)
        fatal("usage: bench_proof DIRECTORY LAYERD");
    crypto_start();
    measure_range_proofs();
    measure_half_aggregate();
    return 0;
}
