/* Claims and their proofs: see claim.h. */
#include "proving/claim.h"

#include <inttypes.h>
#include <string.h>

#include "base/memory.h"
#include "crypto/hash.h"
#include "proof/groth16.h"
#include "proof/half_aggregate.h"
#include "proof/range_proof.h"
#include "proof/ring.h"

#define BINDING_MASK 0x1f /* of the highest byte: 2^253 is below r */

/* --- which parts a claim has -------------------------------------------------------------------- */
enum part {
    PART_BITS = 1,
    PART_COMMITMENTS = 2,
    PART_KEYS = 4,
    PART_MESSAGES = 8,
    PART_MESSAGE = 16,
    PART_KEY = 32,
    PART_INPUTS = 64,
    PART_BINDING = 128,
};

static const struct {
    const char *name;
    unsigned needs, may;
} shapes[] = {
    [CLAIM_GROTH16] = { "groth16", PART_KEY, PART_KEY | PART_INPUTS | PART_BINDING },
    [CLAIM_HALF_AGGREGATE] = { "half_aggregate", PART_KEYS | PART_MESSAGES, PART_KEYS | PART_MESSAGES },
    [CLAIM_RANGE] = { "range", PART_BITS | PART_COMMITMENTS, PART_BITS | PART_COMMITMENTS },
    [CLAIM_RING] = { "ring", PART_KEYS | PART_MESSAGE, PART_KEYS | PART_MESSAGE },
};
#define SYSTEMS (sizeof shapes / sizeof shapes[0])

const char *const claim_systems[] = { "groth16", "half_aggregate", "range", "ring", NULL };

bool claim_system_find(const char *name, enum claim_system *system)
{
    for (size_t i = 0; i < SYSTEMS; i++)
        if (strcmp(name, shapes[i].name) == 0) {
            *system = (enum claim_system)i;
            return true;
        }
    return false;
}

static enum status check_part(const struct claim *claim, enum part part, const char *name, bool given,
                              struct error *error)
{
    if (given && (shapes[claim->system].may & part) == 0)
        return error_set(error, ERROR_INVALID_PARAMS, "%s: no part of a claim of the system %s", name,
                         shapes[claim->system].name);
    if (!given && (shapes[claim->system].needs & part) != 0)
        return error_set(error, ERROR_INVALID_PARAMS, "%s: missing; a claim of the system %s has it", name,
                         shapes[claim->system].name);
    return OK;
}

static enum status check_pieces(const char *name, struct bytes pieces, size_t most, struct error *error)
{
    if (pieces.size % CLAIM_PIECE != 0)
        return error_set(error, ERROR_INVALID_PARAMS, "%s: %zu bytes; a multiple of %d is expected", name,
                         pieces.size, CLAIM_PIECE);
    if (pieces.size / CLAIM_PIECE > most)
        return error_set(error, ERROR_LIMIT, "%s: %zu of them; %zu at most", name,
                         pieces.size / CLAIM_PIECE, most);
    return OK;
}

enum status claim_check(const struct claim *claim, struct error *error)
{
    size_t purpose = strlen(claim->purpose);

    if (purpose == 0 || purpose > CLAIM_PURPOSE_MAX)
        return error_set(error, ERROR_INVALID_PARAMS, "purpose: %zu bytes; 1 to %d are expected", purpose,
                         CLAIM_PURPOSE_MAX);
    TRY(check_part(claim, PART_BITS, "bits", claim->bits != 0, error));
    TRY(check_part(claim, PART_COMMITMENTS, "commitments", claim->commitments.size > 0, error));
    TRY(check_part(claim, PART_KEYS, "keys", claim->keys.size > 0, error));
    TRY(check_part(claim, PART_MESSAGES, "messages", claim->messages.size > 0, error));
    TRY(check_part(claim, PART_MESSAGE, "message", claim->message.size > 0, error));
    TRY(check_part(claim, PART_KEY, "key", claim->key.size > 0, error));
    TRY(check_part(claim, PART_INPUTS, "inputs", claim->inputs.size > 0, error));
    TRY(check_part(claim, PART_BINDING, "binding", claim->binding != CLAIM_NOT_BOUND, error));
    TRY(check_pieces("commitments", claim->commitments, CLAIM_COMMITMENTS_MAX, error));
    TRY(check_pieces("keys", claim->keys,
                     claim->system == CLAIM_RING ? CLAIM_MEMBERS_MAX : CLAIM_SIGNATURES_MAX, error));
    TRY(check_pieces("messages", claim->messages, CLAIM_SIGNATURES_MAX, error));
    TRY(check_pieces("inputs", claim->inputs, CLAIM_KEY_INPUTS_MAX, error));
    if (claim->system == CLAIM_HALF_AGGREGATE && claim->keys.size != claim->messages.size)
        return error_set(error, ERROR_INVALID_PARAMS, "messages: %zu of them for %zu keys",
                         claim->messages.size / CLAIM_PIECE, claim->keys.size / CLAIM_PIECE);
    if (claim->message.size > CLAIM_MESSAGE_MAX)
        return error_set(error, ERROR_LIMIT, "message: %zu bytes; %d at most", claim->message.size,
                         CLAIM_MESSAGE_MAX);
    return OK;
}

/* --- binding ------------------------------------------------------------------------------------ */
bool claim_is_bound(const struct claim *claim)
{
    return claim->system != CLAIM_GROTH16 || claim->binding != CLAIM_NOT_BOUND;
}

static void add_sized(struct tagged_hash *h, const char *text)
{
    uint8_t size[4];

    put_be32(size, (uint32_t)strlen(text));
    tagged_hash_add(h, size, sizeof(size));
    tagged_hash_add(h, text, strlen(text));
}

void claim_binding(const char *chain, const char *purpose, struct hash *out)
{
    struct tagged_hash h;

    tagged_hash_begin(&h, "layerd/proof-binding");
    add_sized(&h, chain);
    add_sized(&h, purpose);
    tagged_hash_end(&h, out);
    out->bytes[0] &= BINDING_MASK;
}

void claim_bound_message(const char *chain, const char *purpose, const uint8_t message[CLAIM_PIECE],
                         struct hash *out)
{
    struct tagged_hash h;

    tagged_hash_begin(&h, "layerd/proof-message");
    add_sized(&h, chain);
    add_sized(&h, purpose);
    tagged_hash_add(&h, message, CLAIM_PIECE);
    tagged_hash_end(&h, out);
}

/* --- Groth16 ------------------------------------------------------------------------------------ */
/* The verdict's name goes before its message. */
static enum status refuse_verdict(struct error *error, enum status code, enum groth16_verdict verdict,
                                  const struct error *reason)
{
    return error_set(error, code, "%s: %s", groth16_verdict_name(verdict), reason->message);
}

static enum status read_key(struct bytes bytes, struct groth16_key *key, struct error *error)
{
    enum groth16_verdict verdict;
    struct error reason;

    if (bytes.size > GROTH16_KEY_BYTES(CLAIM_KEY_INPUTS_MAX))
        return error_set(error, ERROR_LIMIT, "key: %zu bytes; %zu at most (%d public inputs)", bytes.size,
                         GROTH16_KEY_BYTES(CLAIM_KEY_INPUTS_MAX), CLAIM_KEY_INPUTS_MAX);
    verdict = groth16_key_decode(bytes, key, &reason);
    return verdict == GROTH16_VALID ? OK : refuse_verdict(error, ERROR_VERIFICATION_KEY, verdict, &reason);
}

enum status claim_key_read(struct bytes bytes, uint64_t *public_inputs, struct hash *hash,
                           struct error *error)
{
    struct groth16_key key CLEANUP(groth16_key_close);

    groth16_key_init(&key);
    TRY(read_key(bytes, &key, error));
    *public_inputs = key.public_count;
    groth16_key_hash(&key, hash);
    return OK;
}

static enum status check_binding(const struct claim *claim, struct error *error)
{
    struct hash expected;

    if (claim->binding == CLAIM_NOT_BOUND)
        return OK;
    if (claim->binding >= claim->inputs.size / CLAIM_PIECE)
        return error_set(error, ERROR_INVALID_PARAMS, "binding: there is no public input %" PRIu64,
                         claim->binding);
    claim_binding(claim->chain, claim->purpose, &expected);
    if (memcmp(claim->inputs.data + claim->binding * CLAIM_PIECE, expected.bytes, CLAIM_PIECE) != 0)
        return error_set(error, ERROR_NOT_BOUND, "public input %" PRIu64 " is for another chain or purpose",
                         claim->binding);
    return OK;
}

static void free_prepared(struct groth16_prepared **prepared)
{
    groth16_prepared_free(*prepared);
}

static enum status verify_groth16(const struct claim *claim, struct bytes bytes, struct hash *key_hash,
                                  struct error *error)
{
    struct groth16_prepared *prepared CLEANUP(free_prepared) = NULL;
    struct groth16_key key CLEANUP(groth16_key_close);
    enum groth16_verdict verdict;
    struct groth16_proof proof;
    struct error reason;

    groth16_key_init(&key);
    TRY(check_binding(claim, error));
    TRY(read_key(claim->key, &key, error));
    verdict = groth16_proof_decode(bytes, &proof, &reason);
    if (verdict != GROTH16_VALID)
        return refuse_verdict(error, ERROR_MALFORMED_PROOF, verdict, &reason);
    prepared = groth16_prepare(&key);
    verdict = groth16_verify(prepared, &proof, claim->inputs, &reason);
    if (verdict == GROTH16_VALID) {
        if (key_hash != NULL)
            groth16_key_hash(&key, key_hash);
        return OK;
    }
    return refuse_verdict(error, verdict == GROTH16_EQUATION ? ERROR_INVALID_PROOF : ERROR_MALFORMED_PROOF,
                          verdict, &reason);
}

/* --- the others --------------------------------------------------------------------------------- */
static enum status verify_half_aggregate(const struct claim *claim, struct bytes proof, struct error *error)
{
    struct signed_message messages[CLAIM_SIGNATURES_MAX];
    size_t count = claim->keys.size / CLAIM_PIECE;

    for (size_t i = 0; i < count; i++) {
        memcpy(messages[i].account.bytes, claim->keys.data + i * CLAIM_PIECE, CLAIM_PIECE);
        claim_bound_message(claim->chain, claim->purpose, claim->messages.data + i * CLAIM_PIECE,
                            &messages[i].message);
    }
    return half_aggregate_verify(proof, messages, count, error);
}

static enum status verify_range(const struct claim *claim, struct bytes proof, struct error *error)
{
    uint8_t commitments[CLAIM_COMMITMENTS_MAX][POINT_SIZE];
    struct transcript transcript;
    struct range_claim range = { .transcript = &transcript,
                                 .bits = claim->bits,
                                 .count = claim->commitments.size / CLAIM_PIECE,
                                 .commitments = (const uint8_t(*)[POINT_SIZE])commitments,
                                 .proof = proof };

    memcpy(commitments, claim->commitments.data, claim->commitments.size);
    transcript_start(&transcript, CLAIM_RANGE_LABEL);
    transcript_bind(&transcript, claim->chain, claim->purpose);
    return range_proof_verify(&range, NULL, error);
}

static enum status verify_ring(const struct claim *claim, struct bytes proof, struct error *error)
{
    struct ring_member members[CLAIM_MEMBERS_MAX] = { 0 };
    struct ring ring = { .members = members, .count = claim->keys.size / CLAIM_PIECE,
                         .message = claim->message };
    struct transcript transcript;

    for (size_t i = 0; i < ring.count; i++)
        memcpy(members[i].key, claim->keys.data + i * CLAIM_PIECE, CLAIM_PIECE);
    transcript_start(&transcript, CLAIM_RING_LABEL);
    transcript_bind(&transcript, claim->chain, claim->purpose);
    return ring_verify(&transcript, &ring, proof, error);
}

enum status claim_verify(const struct claim *claim, struct bytes proof, struct hash *key_hash,
                         struct error *error)
{
    TRY(claim_check(claim, error));
    switch (claim->system) {
    case CLAIM_GROTH16:
        return verify_groth16(claim, proof, key_hash, error);
    case CLAIM_HALF_AGGREGATE:
        return verify_half_aggregate(claim, proof, error);
    case CLAIM_RANGE:
        return verify_range(claim, proof, error);
    case CLAIM_RING:
        return verify_ring(claim, proof, error);
    }
    INVARIANT(false, "proof system %d", (int)claim->system);
    return ERROR_INTERNAL;
}

/* --- canonical bytes ---------------------------------------------------------------------------- */
static void append_sized(struct buffer *out, const void *data, size_t size)
{
    put_be32(buffer_reserve(out, 4), (uint32_t)size);
    out->size += 4;
    buffer_append(out, data, size);
}

static void append_number(struct buffer *out, uint64_t number)
{
    uint8_t bytes[8];

    put_be64(bytes, number);
    append_sized(out, bytes, sizeof(bytes));
}

void claim_encode(const struct claim *claim, const struct hash *key_hash, struct buffer *out)
{
    const uint8_t system = (uint8_t)claim->system;

    buffer_append(out, "lycl\1", 5);
    buffer_append(out, &system, 1);
    append_sized(out, claim->chain, strlen(claim->chain));
    append_sized(out, claim->purpose, strlen(claim->purpose));
    switch (claim->system) {
    case CLAIM_GROTH16:
        append_sized(out, key_hash->bytes, sizeof(key_hash->bytes));
        append_number(out, claim->binding);
        append_sized(out, claim->inputs.data, claim->inputs.size);
        break;
    case CLAIM_HALF_AGGREGATE:
        append_sized(out, claim->keys.data, claim->keys.size);
        append_sized(out, claim->messages.data, claim->messages.size);
        break;
    case CLAIM_RANGE:
        append_number(out, claim->bits);
        append_sized(out, claim->commitments.data, claim->commitments.size);
        break;
    case CLAIM_RING:
        append_sized(out, claim->keys.data, claim->keys.size);
        append_sized(out, claim->message.data, claim->message.size);
        break;
    }
}

void claim_id(struct bytes encoded, struct hash *out)
{
    tagged_hash(out, "layerd/proof-claim", encoded.data, encoded.size);
}
