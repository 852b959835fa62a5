/* The frame of iden3's binary files: magic, version, sections. For snarkjs_zkey.c and snarkjs_wtns.c. */
#ifndef PROOF_SNARKJS_SECTIONS_H
#define PROOF_SNARKJS_SECTIONS_H

#include "proof/groth16.h"

#define SECTIONS_MAX 10

/* Sections by their number, 1 … SECTIONS_MAX; [0] is not used. They point into the file. */
struct sections { struct bytes section[SECTIONS_MAX + 1]; };

uint32_t little_u32(const uint8_t *in);

/* A file with that magic (four characters) and version, and the sections 1 … count, each once, in any order,
 * and nothing else. */
MUST_CHECK enum groth16_verdict sections_read(struct bytes file, const char *magic, uint32_t version,
                                              size_t count, struct sections *out, struct error *error);

/* A section of exactly that size. */
MUST_CHECK enum groth16_verdict section_size_check(const struct sections *sections, size_t number,
                                                   size_t size, struct error *error);

/* What an n8 and a prime of 32 bytes say: this one? */
MUST_CHECK enum groth16_verdict prime_check(const uint8_t *in, const uint64_t modulus[LIMBS],
                                            const char *name, struct error *error);
#define PRIME_BYTES ((size_t)4 + FIELD_BYTES)

#endif
