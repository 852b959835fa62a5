/* What the tests of proof systems share; published vectors are read by tests/unit/crypto/vectors.h. */
#ifndef TEST_PROOF_SUPPORT_H
#define TEST_PROOF_SUPPORT_H

#include "../crypto/vectors.h"
#include "proof/transcript.h"

void assert_bytes_are(const void *bytes, size_t size, const char *hex);
void random_bytes(void *out, size_t size); /* of the printed seed */
void random_scalar(struct scalar *out);
void random_point(struct point *out);

/* A transcript as a caller starts it. */
struct transcript transcript_of(const char *label, const char *chain, const char *purpose);

int half_aggregate_tests(void);
int range_proof_tests(void);
int range_refusal_tests(void);
int ristretto_tests(void);
int transcript_tests(void);

#endif
