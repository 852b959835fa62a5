/* Groth16 over BN254: is this proof right for this verification key and these public inputs? (Groth, "On the
 * size of pairing-based non-interactive arguments", EUROCRYPT 2016, section 3.2.) Pure: bytes in, verdict
 * out.
 *
 * What always holds: a struct groth16_key or groth16_proof that a function here gave out has coordinates
 * below p, points on their curves, B and the key's points of G2 in the subgroup, and infinity nowhere; of a
 * key's three points of G2 no two are equal or opposite. Order of arguments: what is read, what is written,
 * the error. A failed call leaves its outputs untouched.
 *
 * Verifying takes time that depends on the data, which is public. A proof's bytes are no id: from one valid
 * proof anybody makes others for the same inputs. What a proof is for (chain, purpose, recipient, nullifier)
 * must be among its public inputs. BN254 gives about 100 bits of security today, and a key is worth no more
 * than the ceremony that made it: accept keys by their hash, from a list. */
#ifndef PROOF_GROTH16_H
#define PROOF_GROTH16_H

#include "base/buffer.h"
#include "base/bytes.h"
#include "base/status.h"
#include "proof/bn254_pairing.h"

#define GROTH16_PUBLIC_MAX 4096 /* public inputs of one circuit */

/* The answer to any question here: one is yes, each other a reason for no. With a reason goes a message
 * (struct error, whose code is ERROR_INVALID_PARAMS). */
enum groth16_verdict {
    GROTH16_VALID,
    GROTH16_MALFORMED,       /* not the shape it must have: JSON, members, sizes, version */
    GROTH16_OTHER_SYSTEM,    /* made for another protocol or curve */
    GROTH16_LIMIT,           /* more of something than this code takes */
    GROTH16_NOT_CANONICAL,   /* a number is not in its one form, or not below its modulus */
    GROTH16_INFINITY,        /* a point is infinity where none may be */
    GROTH16_NOT_ON_CURVE,
    GROTH16_NOT_IN_SUBGROUP, /* a point of the twist whose order is not r */
    GROTH16_KEY_DISAGREES,   /* parts of a key contradict each other */
    GROTH16_KEY_FORGEABLE,   /* anybody could make proofs for this key */
    GROTH16_PUBLIC_COUNT,    /* not as many public inputs as the key has */
    GROTH16_PUBLIC_RANGE,    /* a public input is not below r: it would stand for another one */
    GROTH16_EQUATION,        /* everything is well-formed, and the proof is wrong */
    GROTH16_UNSATISFIED,     /* proving: the witness does not satisfy the circuit */
};
#define GROTH16_VERDICTS (GROTH16_UNSATISFIED + 1)

const char *groth16_verdict_name(enum groth16_verdict verdict); /* "valid", "not_in_subgroup" … */

/* Leaves the enclosing function with the verdict of `call` unless it is GROTH16_VALID. */
#define TRY_VERDICT(call)                             \
    do {                                              \
        enum groth16_verdict try_verdict = (call);    \
        if (try_verdict != GROTH16_VALID)             \
            return try_verdict;                       \
    } while (0)

/* Fills `error` (which may be NULL) and returns `verdict`. */
enum groth16_verdict groth16_refuse(struct error *error, enum groth16_verdict verdict, const char *format,
                                    ...) PRINTF_LIKE(3, 4);

/* A verification key. ic has public_count + 1 points: the first stands alone, each other is for one input. */
struct groth16_key {
    struct g1_affine alpha;
    struct g2_affine beta, gamma, delta;
    size_t public_count;
    struct g1_affine *ic; /* owned */
};

struct groth16_proof {
    struct g1_affine a;
    struct g2_affine b;
    struct g1_affine c;
};

void groth16_key_init(struct groth16_key *key);
void groth16_key_close(struct groth16_key *key); /* also fits CLEANUP */

/* --- canonical bytes, to be stored and hashed ---
 * Numbers are 32 bytes, highest first, below their modulus; points are x, y; coordinates in Fp2 are the
 * factor of i, then the other part (EIP-197).
 *   key    "lyvk" version=1 curve=1 count:4 alpha:64 beta:128 gamma:128 delta:128 ic:64·(count + 1)
 *   proof  "lypf" version=1 curve=1 a:64 b:128 c:64
 *   inputs 32 bytes each
 * There is one form of each key and each proof, and decoding takes nothing else. */
#define GROTH16_HEADER_BYTES ((size_t)6)
#define GROTH16_KEY_BYTES(count)                                                                             \
    (GROTH16_HEADER_BYTES + 4 + G1_BYTES + 3 * G2_BYTES + ((size_t)(count) + 1) * G1_BYTES)
#define GROTH16_PROOF_BYTES (GROTH16_HEADER_BYTES + 2 * G1_BYTES + G2_BYTES)

MUST_CHECK enum groth16_verdict groth16_key_decode(struct bytes in, struct groth16_key *key,
                                                   struct error *error);
void groth16_key_encode(const struct groth16_key *key, struct buffer *out); /* appends */
MUST_CHECK enum groth16_verdict groth16_proof_decode(struct bytes in, struct groth16_proof *proof,
                                                     struct error *error);
void groth16_proof_encode(const struct groth16_proof *proof, uint8_t out[GROTH16_PROOF_BYTES]);

/* What a key is known by: the tagged hash "layerd/groth16-key" of its canonical bytes. */
void groth16_key_hash(const struct groth16_key *key, struct hash *out);

/* --- verifying --- */

/* A key made ready: e(alpha, beta) and the lines of gamma and delta, some 36 kB. Read-only once made, so that
 * threads may share it. */
struct groth16_prepared;
struct groth16_prepared *groth16_prepare(const struct groth16_key *key); /* copies what it needs */
void groth16_prepared_free(struct groth16_prepared *prepared);           /* NULL is fine */
size_t groth16_public_count(const struct groth16_prepared *prepared);
const struct fp12 *groth16_alpha_beta(const struct groth16_prepared *prepared); /* e(alpha, beta) */

/* GROTH16_VALID, _PUBLIC_COUNT, _PUBLIC_RANGE, _EQUATION, or _MALFORMED when the inputs' size is no multiple
 * of 32. */
MUST_CHECK enum groth16_verdict groth16_verify(const struct groth16_prepared *key,
                                               const struct groth16_proof *proof, struct bytes inputs,
                                               struct error *error);

#endif
