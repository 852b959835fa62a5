/* Verifying Groth16 proofs; see groth16.h. */
#include "proof/groth16.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/memory.h"

struct groth16_prepared {
    struct fp12 alpha_beta;    /* e(alpha, beta) */
    struct fp12 right;         /* its inverse: what the other three pairings must multiply to */
    struct g2_prepared gamma, delta;
    size_t public_count;
    struct g1_affine *ic;
};

const char *groth16_verdict_name(enum groth16_verdict verdict)
{
    switch (verdict) {
    case GROTH16_VALID: return "valid";
    case GROTH16_MALFORMED: return "malformed";
    case GROTH16_OTHER_SYSTEM: return "other_system";
    case GROTH16_LIMIT: return "limit";
    case GROTH16_NOT_CANONICAL: return "not_canonical";
    case GROTH16_INFINITY: return "infinity";
    case GROTH16_NOT_ON_CURVE: return "not_on_curve";
    case GROTH16_NOT_IN_SUBGROUP: return "not_in_subgroup";
    case GROTH16_KEY_DISAGREES: return "key_disagrees";
    case GROTH16_KEY_FORGEABLE: return "key_forgeable";
    case GROTH16_PUBLIC_COUNT: return "public_count";
    case GROTH16_PUBLIC_RANGE: return "public_range";
    case GROTH16_EQUATION: return "equation";
    case GROTH16_UNSATISFIED: return "unsatisfied";
    }
    INVARIANT(false, "no verdict %d", (int)verdict);
    return NULL;
}

enum groth16_verdict groth16_refuse(struct error *error, enum groth16_verdict verdict, const char *format,
                                    ...)
{
    char message[ERROR_MESSAGE_MAX];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    (void)error_set(error, ERROR_INVALID_PARAMS, "%s", message);
    return verdict;
}

struct groth16_prepared *groth16_prepare(const struct groth16_key *key)
{
    struct groth16_prepared *prepared = memory_new(sizeof *prepared);
    AUTO_FREE struct g2_prepared *beta = memory_new(sizeof *beta);
    struct pairing_term term = { key->alpha, beta };

    g2_prepare(beta, &key->beta);
    pairing_loop(&prepared->alpha_beta, &term, 1);
    final_exponentiation(&prepared->alpha_beta, &prepared->alpha_beta);
    fp12_conjugate(&prepared->right, &prepared->alpha_beta);
    g2_prepare(&prepared->gamma, &key->gamma);
    g2_prepare(&prepared->delta, &key->delta);
    prepared->public_count = key->public_count;
    prepared->ic = memory_array(key->public_count + 1, sizeof *prepared->ic);
    for (size_t i = 0; i <= key->public_count; i++)
        prepared->ic[i] = key->ic[i];
    return prepared;
}

void groth16_prepared_free(struct groth16_prepared *prepared)
{
    if (prepared == NULL)
        return;
    memory_free_pointer(&prepared->ic);
    memory_free_pointer(&prepared);
}

size_t groth16_public_count(const struct groth16_prepared *prepared)
{
    return prepared->public_count;
}

const struct fp12 *groth16_alpha_beta(const struct groth16_prepared *prepared)
{
    return &prepared->alpha_beta;
}

/* ic[0] + Σ input[i]·ic[i + 1] */
static enum groth16_verdict inputs_add_up(const struct groth16_prepared *key, struct bytes inputs,
                                          struct g1_affine *out, struct error *error)
{
    size_t count = inputs.size / FIELD_BYTES;
    AUTO_FREE struct fr_plain *factors = memory_array(count + 1, sizeof *factors);
    struct g1 sum;

    for (size_t i = 0; i < count; i++) {
        limbs_from_big_endian(factors[i].limb, inputs.data + i * FIELD_BYTES);
        if (!fr_plain_below_r(&factors[i]))
            return groth16_refuse(error, GROTH16_PUBLIC_RANGE,
                                  "public input %zu is not below the field's order r", i);
    }
    g1_multiply_many(&sum, key->ic + 1, factors, count, 1);
    g1_add_affine(&sum, &sum, &key->ic[0]);
    g1_to_affine(out, &sum);
    return GROTH16_VALID;
}

/* e(A, B) = e(alpha, beta)·e(inputs, gamma)·e(C, delta), with A negated and brought over. */
enum groth16_verdict groth16_verify(const struct groth16_prepared *key, const struct groth16_proof *proof,
                                    struct bytes inputs, struct error *error)
{
    struct g2_prepared b;
    struct pairing_term terms[3];
    struct fp12 product;

    if (inputs.size % FIELD_BYTES != 0)
        return groth16_refuse(error, GROTH16_MALFORMED, "%zu bytes of public inputs; each has %d",
                              inputs.size, FIELD_BYTES);
    if (inputs.size / FIELD_BYTES != key->public_count)
        return groth16_refuse(error, GROTH16_PUBLIC_COUNT,
                              "%zu public inputs; the verification key is for %zu", inputs.size / FIELD_BYTES,
                              key->public_count);
    g1_affine_negate(&terms[0].p, &proof->a);
    TRY_VERDICT(inputs_add_up(key, inputs, &terms[1].p, error));
    terms[2].p = proof->c;
    g2_prepare(&b, &proof->b);
    terms[0].q = &b;
    terms[1].q = &key->gamma;
    terms[2].q = &key->delta;
    pairing_loop(&product, terms, 3);
    final_exponentiation(&product, &product);
    if (!fp12_equal(&product, &key->right))
        return groth16_refuse(error, GROTH16_EQUATION,
                              "the proof does not hold for this key and these public inputs");
    return GROTH16_VALID;
}
