/* Keys and proofs as canonical bytes; see groth16.h. Here alone points from outside are judged. */
#include <string.h>

#include "base/memory.h"
#include "crypto/hash.h"
#include "proof/groth16.h"

#define VERSION 1
#define CURVE_BN254 1

static const char key_magic[] = "lyvk", proof_magic[] = "lypf";

void groth16_key_init(struct groth16_key *key)
{
    memset(key, 0, sizeof *key);
}

void groth16_key_close(struct groth16_key *key)
{
    memory_free_pointer(&key->ic);
    groth16_key_init(key);
}

static enum groth16_verdict header_read(struct bytes in, const char *magic, const char *what,
                                        struct error *error)
{
    if (in.size < GROTH16_HEADER_BYTES || memcmp(in.data, magic, strlen(magic)) != 0)
        return groth16_refuse(error, GROTH16_MALFORMED, "the bytes are no %s: they must begin with \"%s\"",
                              what, magic);
    if (in.data[4] != VERSION)
        return groth16_refuse(error, GROTH16_MALFORMED, "version %d of a %s; this is version %d", in.data[4],
                              what, VERSION);
    if (in.data[5] != CURVE_BN254)
        return groth16_refuse(error, GROTH16_OTHER_SYSTEM, "curve %d of a %s; BN254 is %d", in.data[5], what,
                              CURVE_BN254);
    return GROTH16_VALID;
}

static void header_write(uint8_t *out, const char *magic)
{
    memcpy(out, magic, strlen(magic));
    out[4] = VERSION;
    out[5] = CURVE_BN254;
}

static enum groth16_verdict coordinate_read(const uint8_t *in, const char *name, struct fp *out,
                                            struct error *error)
{
    if (!fp_from_bytes(out, in))
        return groth16_refuse(error, GROTH16_NOT_CANONICAL,
                              "a coordinate of %s is not below the field's prime", name);
    return GROTH16_VALID;
}

static enum groth16_verdict g1_read(const uint8_t *in, const char *name, struct g1_affine *out,
                                    struct error *error)
{
    TRY_VERDICT(coordinate_read(in, name, &out->x, error));
    TRY_VERDICT(coordinate_read(in + FIELD_BYTES, name, &out->y, error));
    if (g1_affine_is_infinity(out))
        return groth16_refuse(error, GROTH16_INFINITY, "%s is infinity", name);
    if (!g1_affine_on_curve(out))
        return groth16_refuse(error, GROTH16_NOT_ON_CURVE, "%s is not on the curve", name);
    return GROTH16_VALID;
}

static enum groth16_verdict g2_read(const uint8_t *in, const char *name, struct g2_affine *out,
                                    struct error *error)
{
    TRY_VERDICT(coordinate_read(in, name, &out->x.c1, error));
    TRY_VERDICT(coordinate_read(in + FIELD_BYTES, name, &out->x.c0, error));
    TRY_VERDICT(coordinate_read(in + (size_t)2 * FIELD_BYTES, name, &out->y.c1, error));
    TRY_VERDICT(coordinate_read(in + (size_t)3 * FIELD_BYTES, name, &out->y.c0, error));
    if (g2_affine_is_infinity(out))
        return groth16_refuse(error, GROTH16_INFINITY, "%s is infinity", name);
    if (!g2_affine_on_curve(out))
        return groth16_refuse(error, GROTH16_NOT_ON_CURVE, "%s is not on the twist", name);
    if (!g2_affine_in_subgroup(out))
        return groth16_refuse(error, GROTH16_NOT_IN_SUBGROUP, "%s is not in the subgroup of order r", name);
    return GROTH16_VALID;
}

/* Keys that are of the right form and prove nothing. Where two of beta, gamma and delta are one point or
 * opposite ones, anybody makes proofs for any inputs: with X for what the inputs add up to, and delta =
 * gamma, A = alpha, B = beta and C = -X fulfil the equation. This is what a set-up has to which nobody
 * contributed (its gamma and delta both are the generator). Where two inputs have one point, or opposite
 * ones, what one has more and the other less changes nothing. */
static enum groth16_verdict key_soundness_check(const struct groth16_key *key, struct error *error)
{
    const struct { const char *names; const struct g2_affine *one, *other; } pairs[] = {
        { "beta and gamma", &key->beta, &key->gamma },
        { "beta and delta", &key->beta, &key->delta },
        { "gamma and delta", &key->gamma, &key->delta },
    };

    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        if (fp2_equal(&pairs[i].one->x, &pairs[i].other->x))
            return groth16_refuse(error, GROTH16_KEY_FORGEABLE,
                                  "%s are one point or opposite ones: anybody could make proofs",
                                  pairs[i].names);
    for (size_t i = 2; i <= key->public_count; i++)
        for (size_t k = 1; k < i; k++)
            if (fp_equal(&key->ic[k].x, &key->ic[i].x))
                return groth16_refuse(error, GROTH16_KEY_FORGEABLE,
                                      "IC[%zu] and IC[%zu] are one point or opposite ones: a proof would "
                                      "hold for other inputs too", k, i);
    return GROTH16_VALID;
}

static enum groth16_verdict key_points_read(const uint8_t *in, struct groth16_key *key, struct error *error)
{
    char name[32];

    TRY_VERDICT(g1_read(in, "alpha", &key->alpha, error));
    in += G1_BYTES;
    TRY_VERDICT(g2_read(in, "beta", &key->beta, error));
    TRY_VERDICT(g2_read(in + G2_BYTES, "gamma", &key->gamma, error));
    TRY_VERDICT(g2_read(in + 2 * G2_BYTES, "delta", &key->delta, error));
    in += 3 * G2_BYTES;
    for (size_t i = 0; i <= key->public_count; i++) {
        snprintf(name, sizeof name, "IC[%zu]", i);
        TRY_VERDICT(g1_read(in + i * G1_BYTES, name, &key->ic[i], error));
    }
    return key_soundness_check(key, error);
}

enum groth16_verdict groth16_key_decode(struct bytes in, struct groth16_key *key, struct error *error)
{
    CLEANUP(groth16_key_close) struct groth16_key read = { 0 };

    TRY_VERDICT(header_read(in, key_magic, "verification key", error));
    if (in.size < GROTH16_KEY_BYTES(0))
        return groth16_refuse(error, GROTH16_MALFORMED,
                              "a verification key of %zu bytes; it has %zu at least", in.size,
                              GROTH16_KEY_BYTES(0));
    read.public_count = get_be32(in.data + GROTH16_HEADER_BYTES);
    if (read.public_count > GROTH16_PUBLIC_MAX)
        return groth16_refuse(error, GROTH16_LIMIT, "a verification key for %zu public inputs; at most %d",
                              read.public_count, GROTH16_PUBLIC_MAX);
    if (in.size != GROTH16_KEY_BYTES(read.public_count))
        return groth16_refuse(error, GROTH16_MALFORMED,
                              "a verification key of %zu bytes; with %zu public inputs it has %zu", in.size,
                              read.public_count, GROTH16_KEY_BYTES(read.public_count));
    read.ic = memory_array(read.public_count + 1, sizeof *read.ic);
    TRY_VERDICT(key_points_read(in.data + GROTH16_HEADER_BYTES + 4, &read, error));
    *key = read;
    groth16_key_init(&read);
    return GROTH16_VALID;
}

void groth16_key_encode(const struct groth16_key *key, struct buffer *out)
{
    uint8_t *at = buffer_reserve(out, GROTH16_KEY_BYTES(key->public_count));

    header_write(at, key_magic);
    put_be32(at + GROTH16_HEADER_BYTES, (uint32_t)key->public_count);
    at += GROTH16_HEADER_BYTES + 4;
    g1_affine_to_bytes(at, &key->alpha);
    at += G1_BYTES;
    g2_affine_to_bytes(at, &key->beta);
    g2_affine_to_bytes(at + G2_BYTES, &key->gamma);
    g2_affine_to_bytes(at + 2 * G2_BYTES, &key->delta);
    at += 3 * G2_BYTES;
    for (size_t i = 0; i <= key->public_count; i++)
        g1_affine_to_bytes(at + i * G1_BYTES, &key->ic[i]);
    out->size += GROTH16_KEY_BYTES(key->public_count);
}

enum groth16_verdict groth16_proof_decode(struct bytes in, struct groth16_proof *proof, struct error *error)
{
    struct groth16_proof read;

    TRY_VERDICT(header_read(in, proof_magic, "proof", error));
    if (in.size != GROTH16_PROOF_BYTES)
        return groth16_refuse(error, GROTH16_MALFORMED, "a proof of %zu bytes; it has %zu", in.size,
                              GROTH16_PROOF_BYTES);
    const uint8_t *at = in.data + GROTH16_HEADER_BYTES;
    TRY_VERDICT(g1_read(at, "A", &read.a, error));
    TRY_VERDICT(g2_read(at + G1_BYTES, "B", &read.b, error));
    TRY_VERDICT(g1_read(at + G1_BYTES + G2_BYTES, "C", &read.c, error));
    *proof = read;
    return GROTH16_VALID;
}

void groth16_proof_encode(const struct groth16_proof *proof, uint8_t out[GROTH16_PROOF_BYTES])
{
    header_write(out, proof_magic);
    out += GROTH16_HEADER_BYTES;
    g1_affine_to_bytes(out, &proof->a);
    g2_affine_to_bytes(out + G1_BYTES, &proof->b);
    g1_affine_to_bytes(out + G1_BYTES + G2_BYTES, &proof->c);
}

void groth16_key_hash(const struct groth16_key *key, struct hash *out)
{
    CLEANUP(buffer_close) struct buffer bytes = { 0 };

    buffer_init(&bytes);
    groth16_key_encode(key, &bytes);
    tagged_hash(out, "layerd/groth16-key", bytes.data, bytes.size);
}
