/* Proving with Groth16: from a proving key (a circuit after its ceremony) and a witness to a proof, which is
 * verified before it is given out.
 *
 * The witness is secret and this code takes time that depends on it: a prover runs on the machine and for the
 * eyes of the witness's owner, never as a service that others can time. What is computed from the witness is
 * wiped when it is freed; what the compiler keeps in registers and on the stack is not. */
#ifndef PROOF_GROTH16_PROVE_H
#define PROOF_GROTH16_PROVE_H

#include "proof/groth16.h"

#define GROTH16_DOMAIN_BITS_MAX 24 /* constraints of one circuit: 2^24 */

/* One entry of the circuit's matrices A and B: what a row takes of a variable. */
struct groth16_coefficient {
    uint32_t matrix; /* 0: A, 1: B */
    uint32_t row, variable;
    struct fr
        value; /* times 2^256 once more than its Montgomery form: times a plain number it gives that form */
};

/* All points on their curves, infinity allowed (a variable that a matrix does not use). Arrays are owned. */
struct groth16_proving_key {
    struct groth16_key key;              /* the verification key that belongs to it */
    struct g1_affine beta1, delta1;      /* beta and delta once more, in G1 */
    size_t variables;                    /* the constant one, public inputs, the rest */
    unsigned domain_bits;                /* rows: 2^domain_bits */
    struct groth16_coefficient *coefficients;
    size_t coefficient_count;
    struct g1_affine *a, *b1, *c, *h;    /* variables, variables, private variables, rows */
    struct g2_affine *b2;                /* variables */
};

/* The value of every variable, below r; the first is 1. Secret. */
struct groth16_witness {
    struct fr_plain *value; /* owned */
    size_t count;
};

void groth16_proving_key_init(struct groth16_proving_key *key);
void groth16_proving_key_close(struct groth16_proving_key *key); /* also fits CLEANUP */
void groth16_witness_init(struct groth16_witness *witness);
void groth16_witness_close(struct groth16_witness *witness); /* wipes; also fits CLEANUP */

/* The proof, and its public inputs of 32 bytes each (appended). GROTH16_UNSATISFIED when the witness does not
 * satisfy the circuit, or the key is not one: the proof then made does not verify and is not given out.
 * GROTH16_PUBLIC_COUNT when the witness has another number of variables. `threads`: 1 … PARALLEL_THREADS_MAX.
 * crypto_start() comes first. */
MUST_CHECK enum groth16_verdict groth16_prove(const struct groth16_proving_key *key,
                                              const struct groth16_witness *witness, size_t threads,
                                              struct groth16_proof *proof, struct buffer *inputs,
                                              struct error *error);

#endif
