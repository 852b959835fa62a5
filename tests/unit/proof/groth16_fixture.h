/* What the tests of Groth16 share: vectors, random elements, and the files of the fixtures. Randomness is
 * LAYERD_SEED's (tests/unit/crypto/vectors.h). */
#ifndef TEST_PROOF_GROTH16_FIXTURE_H
#define TEST_PROOF_GROTH16_FIXTURE_H

#include "../crypto/vectors.h"
#include "base/memory.h"
#include "proof/snarkjs_json.h"

void random_bytes(uint8_t *out, size_t size);
void random_fp(struct fp *out);
void random_fr(struct fr *out);
void random_scalar(struct fr_plain *out); /* below r */
void random_fp12(struct fp12 *out);
void random_g1(struct g1_affine *out); /* a random multiple of the generator */
void random_g2(struct g2_affine *out);

/* A point of the twist outside the subgroup of order r, from the published failures. */
void outside_subgroup(struct g2_affine *out);

bool g1_same(const struct g1 *a, const struct g1 *b);
bool g2_same(const struct g2 *a, const struct g2 *b);

/* A file of vectors/groth16/NAME, to be released by the caller. Skips the test where there are no vectors. */
struct bytes fixture_file(const char *name, const char *file);
void fixture_release(struct bytes *bytes); /* for CLEANUP */
#define AUTO_FILE CLEANUP(fixture_release)

extern const char *const fixture_names[];
#define FIXTURES 3

/* A fixture as read: its key, its proof, and its inputs of 32 bytes each. */
struct fixture {
    struct groth16_key key;
    struct groth16_prepared *prepared;
    struct groth16_proof proof;
    struct buffer inputs;
};
void fixture_open(struct fixture *fixture, const char *name);
void fixture_close(struct fixture *fixture);

int groth16_field_tests(void);
int groth16_pairing_tests(void);
int groth16_prove_tests(void);
int groth16_verify_tests(void);

#endif
