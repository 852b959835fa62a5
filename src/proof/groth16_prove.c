/* Making Groth16 proofs; see groth16_prove.h. */
#include "proof/groth16_prove.h"

#include <sodium.h>
#include <string.h>

#include "base/memory.h"
#include "proof/groth16_quotient.h"

void groth16_proving_key_init(struct groth16_proving_key *key)
{
    memset(key, 0, sizeof *key);
}

void groth16_proving_key_close(struct groth16_proving_key *key)
{
    groth16_key_close(&key->key);
    memory_free_pointer(&key->coefficients);
    memory_free_pointer(&key->a);
    memory_free_pointer(&key->b1);
    memory_free_pointer(&key->c);
    memory_free_pointer(&key->h);
    memory_free_pointer(&key->b2);
    groth16_proving_key_init(key);
}

void groth16_witness_init(struct groth16_witness *witness)
{
    memset(witness, 0, sizeof *witness);
}

void groth16_witness_close(struct groth16_witness *witness)
{
    memory_free_wiped(witness->value);
    groth16_witness_init(witness);
}

/* The five sums over the key's points, and what hides them. */
struct sums {
    struct g1 a, b1, c, h;
    struct g2 b2;
    struct fr r, s;
};

static void random_element(struct fr *out)
{
    uint8_t bytes[2 * FIELD_BYTES];

    randombytes_buf(bytes, sizeof bytes);
    fr_from_random(out, bytes);
    sodium_memzero(bytes, sizeof bytes);
}

static void sums_compute(struct sums *sums, const struct groth16_proving_key *key,
                         const struct groth16_witness *witness, size_t threads)
{
    size_t rows = (size_t)1 << key->domain_bits, open = key->key.public_count + 1;
    struct fr_plain *quotient = memory_array(rows, sizeof *quotient);

    groth16_quotient(key, witness, threads, quotient);
    g1_multiply_many(&sums->h, key->h, quotient, rows, threads);
    memory_free_wiped(quotient);
    g1_multiply_many(&sums->a, key->a, witness->value, witness->count, threads);
    g1_multiply_many(&sums->b1, key->b1, witness->value, witness->count, threads);
    g2_multiply_many(&sums->b2, key->b2, witness->value, witness->count, threads);
    g1_multiply_many(&sums->c, key->c, witness->value + open, witness->count - open, threads);
    random_element(&sums->r);
    random_element(&sums->s);
}

static void add_multiple(struct g1 *sum, const struct g1_affine *point, const struct fr *factor)
{
    struct fr_plain plain;
    struct g1 product;

    fr_to_plain(&plain, factor);
    g1_multiply(&product, point, &plain);
    g1_add(sum, sum, &product);
    sodium_memzero(&plain, sizeof plain);
}

/* A = alpha + Σa + r·delta, B = beta + Σb + s·delta (in both groups), C = Σc + Σh + s·A + r·B − rs·delta. */
static void proof_assemble(struct groth16_proof *proof, struct sums *sums,
                           const struct groth16_proving_key *key)
{
    struct g1_affine b1;
    struct fr_plain s;
    struct fr rs;
    struct g2 blinding;

    g1_add_affine(&sums->a, &sums->a, &key->key.alpha);
    add_multiple(&sums->a, &key->delta1, &sums->r);
    g1_to_affine(&proof->a, &sums->a);

    fr_to_plain(&s, &sums->s);
    g2_multiply(&blinding, &key->key.delta, &s);
    g2_add_affine(&sums->b2, &sums->b2, &key->key.beta);
    g2_add(&sums->b2, &sums->b2, &blinding);
    g2_to_affine(&proof->b, &sums->b2);
    g1_add_affine(&sums->b1, &sums->b1, &key->beta1);
    add_multiple(&sums->b1, &key->delta1, &sums->s);
    g1_to_affine(&b1, &sums->b1);

    g1_add(&sums->c, &sums->c, &sums->h);
    add_multiple(&sums->c, &proof->a, &sums->s);
    add_multiple(&sums->c, &b1, &sums->r);
    fr_multiply(&rs, &sums->r, &sums->s);
    fr_negate(&rs, &rs);
    add_multiple(&sums->c, &key->delta1, &rs);
    g1_to_affine(&proof->c, &sums->c);
    sodium_memzero(&s, sizeof s);
    sodium_memzero(&rs, sizeof rs);
    sodium_memzero(&blinding, sizeof blinding);
    sodium_memzero(&b1, sizeof b1);
}

enum groth16_verdict groth16_prove(const struct groth16_proving_key *key,
                                   const struct groth16_witness *witness, size_t threads,
                                   struct groth16_proof *proof, struct buffer *inputs, struct error *error)
{
    CLEANUP(buffer_close) struct buffer public = { 0 };
    uint8_t bytes[GROTH16_PROOF_BYTES];
    struct groth16_proof made;
    struct sums sums;

    if (witness->count != key->variables)
        return groth16_refuse(error, GROTH16_PUBLIC_COUNT, "a witness of %zu variables; the circuit has %zu",
                              witness->count, key->variables);
    buffer_init(&public);
    for (size_t i = 1; i <= key->key.public_count; i++) {
        limbs_to_big_endian(buffer_reserve(&public, FIELD_BYTES), witness->value[i].limb);
        public.size += FIELD_BYTES;
    }
    sums_compute(&sums, key, witness, threads);
    proof_assemble(&made, &sums, key);
    sodium_memzero(&sums, sizeof sums);

    struct groth16_prepared *prepared = groth16_prepare(&key->key);
    groth16_proof_encode(&made, bytes);
    enum groth16_verdict verdict = groth16_proof_decode(bytes_of(bytes, sizeof bytes), &made, NULL);
    if (verdict == GROTH16_VALID)
        verdict = groth16_verify(prepared, &made, buffer_bytes(&public), NULL);
    groth16_prepared_free(prepared);
    if (verdict != GROTH16_VALID)
        return groth16_refuse(error, GROTH16_UNSATISFIED,
                              "the witness does not satisfy the circuit, or the proving key is damaged (%s)",
                              groth16_verdict_name(verdict));
    *proof = made;
    buffer_append(inputs, public.data, public.size);
    return GROTH16_VALID;
}
