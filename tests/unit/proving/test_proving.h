/* What the tests of proofs in the node share: claims with proofs of every system, made here. */
#ifndef TESTS_TEST_PROVING_H
#define TESTS_TEST_PROVING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kernel_fixture.h"
#include "proving/claim.h"
#include "proving/proving.h"

#include "../crypto/vectors.h"

#include <cmocka.h>

#define CHAIN "dev-0123456789abcdef"
#define PURPOSE "tests of claims"
#define MADE_PARTS_MAX 4096

/* A claim with its proof, and where their bytes are. */
struct made {
    struct claim claim;
    char chain[72], purpose[CLAIM_PURPOSE_MAX + 1];
    uint8_t first[MADE_PARTS_MAX], second[MADE_PARTS_MAX]; /* commitments, keys or key; messages or inputs */
    uint8_t proof[2048];
    size_t proof_size;
};

#define MADE_INPUTS 3   /* public inputs of the Groth16 claims */
#define MADE_BINDING 1  /* which of them binds, where one does */

/* `variant` makes different claims of one system; for Groth16 all are of one key. */
void made_range(struct made *made, const char *chain, const char *purpose, unsigned variant);
void made_half_aggregate(struct made *made, const char *chain, const char *purpose, unsigned variant);
void made_ring(struct made *made, const char *chain, const char *purpose, unsigned variant);
/* Proved with the trapdoor of a key that is made here: any inputs have a proof. */
void made_groth16(struct made *made, const char *chain, const char *purpose, unsigned variant, bool bound);
/* The same for each system in turn; Groth16 with a binding input. */
void made_of(struct made *made, enum claim_system system, const char *chain, const char *purpose,
             unsigned variant);

enum status made_verify(const struct made *made);
struct bytes made_proof(const struct made *made);
/* What proof.verify and proof.check take. */
json_t *made_params(const struct made *made);

int claim_tests(void);
int job_tests(void);
int record_tests(void);

#endif
