/* Proofs of claims: see claim_make.h. */
#include "proving/claim_make.h"

#include <string.h>

#include "crypto/hash.h"
#include "proof/half_aggregate.h"
#include "proof/range_proof.h"
#include "proof/ring.h"

/* Room for `size` bytes of a proof behind what is there. */
static uint8_t *room(struct buffer *proof, size_t size)
{
    return buffer_reserve(proof, size);
}

/* Nothing is given out that the claim's verifier would refuse. */
static enum status hand_out(const struct claim *claim, struct buffer *proof, size_t size, struct error *error)
{
    TRY(claim_verify(claim, bytes_of(proof->data + proof->size, size), NULL, error));
    proof->size += size;
    return OK;
}

/* --- half-aggregates ---------------------------------------------------------------------------- */
enum status claim_check_signatures(const struct claim *claim, struct bytes signatures, struct error *error)
{
    size_t count = claim->keys.size / CLAIM_PIECE;

    TRY(claim_check(claim, error));
    if (signatures.size != count * CLAIM_SIGNATURE)
        return error_set(error, ERROR_INVALID_PARAMS, "signatures: %zu bytes; %zu keys have %zu",
                         signatures.size, count, count * CLAIM_SIGNATURE);
    return OK;
}

enum status claim_make_half_aggregate(const struct claim *claim, struct bytes signatures,
                                      struct buffer *proof, struct error *error)
{
    struct signed_message messages[CLAIM_SIGNATURES_MAX];
    struct signature each[CLAIM_SIGNATURES_MAX];
    size_t count = claim->keys.size / CLAIM_PIECE, bad;

    TRY(claim_check_signatures(claim, signatures, error));
    for (size_t i = 0; i < count; i++) {
        memcpy(messages[i].account.bytes, claim->keys.data + i * CLAIM_PIECE, CLAIM_PIECE);
        claim_bound_message(claim->chain, claim->purpose, claim->messages.data + i * CLAIM_PIECE,
                            &messages[i].message);
        memcpy(each[i].bytes, signatures.data + i * CLAIM_SIGNATURE, CLAIM_SIGNATURE);
    }
    TRY(half_aggregate_make(messages, each, count, room(proof, half_aggregate_size(count)), &bad, error));
    return hand_out(claim, proof, half_aggregate_size(count), error);
}

/* --- ranges ------------------------------------------------------------------------------------- */
enum status claim_make_range(struct claim *claim, const uint64_t *values, const struct scalar *blindings,
                             size_t count, uint8_t *commitments, struct buffer *proof, struct error *error)
{
    struct transcript transcript;
    uint8_t made[CLAIM_COMMITMENTS_MAX][POINT_SIZE];
    size_t size = range_proof_size(claim->bits, count);

    if (size == 0)
        return error_set(error, ERROR_LIMIT, "there is no proof of %zu values of %llu bits: 1, 2, 4, 8 or 16 "
                         "values of 8, 16, 32 or 64", count, (unsigned long long)claim->bits);
    transcript_start(&transcript, CLAIM_RANGE_LABEL);
    transcript_bind(&transcript, claim->chain, claim->purpose);
    TRY(range_proof_make(&transcript, claim->bits, values, blindings, count, made, room(proof, size), error));
    memcpy(commitments, made, count * POINT_SIZE);
    claim->commitments = bytes_of(commitments, count * POINT_SIZE);
    return hand_out(claim, proof, size, error);
}

/* --- rings -------------------------------------------------------------------------------------- */
/* Which member the secret's key is. */
static enum status find_signer(const struct claim *claim, const uint8_t *secret, size_t *index,
                               struct error *error)
{
    uint8_t key[POINT_SIZE];
    char text[2 * POINT_SIZE + 1];

    if (!ring_key(secret, key))
        return error_set(error, ERROR_NOT_PROVABLE, "secret: it is 0 or not below the group's order");
    for (*index = 0; *index < claim->keys.size / CLAIM_PIECE; (*index)++)
        if (memcmp(claim->keys.data + *index * CLAIM_PIECE, key, sizeof key) == 0)
            return OK;
    hex_text(text, key, sizeof key);
    return error_set(error, ERROR_NOT_PROVABLE, "the secret's key is %s, which is no member", text);
}

enum status claim_make_ring(const struct claim *claim, const uint8_t *secret, struct buffer *proof,
                            struct error *error)
{
    struct ring_member members[CLAIM_MEMBERS_MAX] = { 0 };
    struct ring ring = { .members = members, .count = claim->keys.size / CLAIM_PIECE,
                         .message = claim->message };
    struct ring_signer signer = { .secret = secret };
    struct transcript transcript;

    TRY(claim_check(claim, error));
    TRY(find_signer(claim, secret, &signer.index, error));
    for (size_t i = 0; i < ring.count; i++)
        memcpy(members[i].key, claim->keys.data + i * CLAIM_PIECE, CLAIM_PIECE);
    transcript_start(&transcript, CLAIM_RING_LABEL);
    transcript_bind(&transcript, claim->chain, claim->purpose);
    TRY(ring_sign(&transcript, &ring, &signer, room(proof, RING_LINKABLE_SIZE(ring.count)), error));
    return hand_out(claim, proof, RING_LINKABLE_SIZE(ring.count), error);
}
