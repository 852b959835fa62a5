/* Proving keys from .zkey files; see snarkjs_binary.h. Points stand in Montgomery form with R = 2^256, lowest
 * byte first, as memory has them here; those of G2 have the part without i first. */
#include <inttypes.h>

#include "base/memory.h"
#include "proof/snarkjs_binary.h"
#include "proof/snarkjs_sections.h"

#define ZKEY_VERSION 1
#define ZKEY_GROTH16 1

enum zkey_section {
    ZKEY_PROTOCOL = 1,
    ZKEY_HEADER,
    ZKEY_IC,
    ZKEY_COEFFICIENTS,
    ZKEY_A,
    ZKEY_B1,
    ZKEY_B2,
    ZKEY_C,
    ZKEY_H,
    ZKEY_CONTRIBUTIONS, /* the ceremony's history, for people; not read */
    ZKEY_SECTIONS = ZKEY_CONTRIBUTIONS,
};

/* In the header, behind both primes: variables, public inputs, rows. */
#define COUNTS_AT (2 * PRIME_BYTES)
#define POINTS_AT (COUNTS_AT + 12) /* alpha1 beta1 beta2 gamma2 delta1 delta2 */
#define HEADER_BYTES (POINTS_AT + 3 * G1_BYTES + 3 * G2_BYTES)
#define COEFFICIENT_BYTES ((size_t)12 + FIELD_BYTES)

static enum groth16_verdict g1_read(const uint8_t *in, const char *name, struct g1_affine *out,
                                    struct error *error)
{
    if (!fp_from_montgomery_bytes(&out->x, in) || !fp_from_montgomery_bytes(&out->y, in + FIELD_BYTES))
        return groth16_refuse(error, GROTH16_NOT_CANONICAL,
                              "a coordinate of %s is not below the field's prime", name);
    if (!g1_affine_is_infinity(out) && !g1_affine_on_curve(out))
        return groth16_refuse(error, GROTH16_NOT_ON_CURVE, "a point of %s is not on the curve", name);
    return GROTH16_VALID;
}

static enum groth16_verdict g2_read(const uint8_t *in, const char *name, struct g2_affine *out,
                                    struct error *error)
{
    if (!fp_from_montgomery_bytes(&out->x.c0, in) ||
        !fp_from_montgomery_bytes(&out->x.c1, in + FIELD_BYTES) ||
        !fp_from_montgomery_bytes(&out->y.c0, in + (size_t)2 * FIELD_BYTES) ||
        !fp_from_montgomery_bytes(&out->y.c1, in + (size_t)3 * FIELD_BYTES))
        return groth16_refuse(error, GROTH16_NOT_CANONICAL,
                              "a coordinate of %s is not below the field's prime", name);
    if (!g2_affine_is_infinity(out) && !g2_affine_on_curve(out))
        return groth16_refuse(error, GROTH16_NOT_ON_CURVE, "a point of %s is not on the twist", name);
    return GROTH16_VALID;
}

static enum groth16_verdict g1_section_read(const struct sections *s, enum zkey_section number, size_t count,
                                            const char *name, struct g1_affine **out, struct error *error)
{
    TRY_VERDICT(section_size_check(s, number, count * G1_BYTES, error));
    *out = memory_array(count + 1, sizeof **out);
    for (size_t i = 0; i < count; i++)
        TRY_VERDICT(g1_read(s->section[number].data + i * G1_BYTES, name, &(*out)[i], error));
    return GROTH16_VALID;
}

static enum groth16_verdict g2_section_read(const struct sections *s, enum zkey_section number, size_t count,
                                            const char *name, struct g2_affine **out, struct error *error)
{
    TRY_VERDICT(section_size_check(s, number, count * G2_BYTES, error));
    *out = memory_array(count + 1, sizeof **out);
    for (size_t i = 0; i < count; i++)
        TRY_VERDICT(g2_read(s->section[number].data + i * G2_BYTES, name, &(*out)[i], error));
    return GROTH16_VALID;
}

static enum groth16_verdict counts_read(const uint8_t *in, struct groth16_proving_key *key,
                                        struct error *error)
{
    uint32_t variables = little_u32(in), public = little_u32(in + 4), rows = little_u32(in + 8);

    if (public > GROTH16_PUBLIC_MAX)
        return groth16_refuse(error, GROTH16_LIMIT, "%" PRIu32 " public inputs; at most %d", public,
                              GROTH16_PUBLIC_MAX);
    if (variables <= public)
        return groth16_refuse(error, GROTH16_MALFORMED,
                              "%" PRIu32 " variables, and %" PRIu32 " of them public", variables, public);
    if (rows == 0 || (rows & (rows - 1)) != 0)
        return groth16_refuse(error, GROTH16_MALFORMED, "%" PRIu32 " rows; they are a power of two", rows);
    if (rows > (uint32_t)1 << GROTH16_DOMAIN_BITS_MAX)
        return groth16_refuse(error, GROTH16_LIMIT, "%" PRIu32 " rows; at most %d", rows,
                              1 << GROTH16_DOMAIN_BITS_MAX);
    key->variables = variables;
    key->key.public_count = public;
    while ((uint32_t)1 << key->domain_bits < rows)
        key->domain_bits++;
    return GROTH16_VALID;
}

static enum groth16_verdict header_read(const struct sections *s, struct groth16_proving_key *key,
                                        struct error *error)
{
    TRY_VERDICT(section_size_check(s, ZKEY_PROTOCOL, 4, error));
    uint32_t protocol = little_u32(s->section[ZKEY_PROTOCOL].data);
    if (protocol != ZKEY_GROTH16)
        return groth16_refuse(error, GROTH16_OTHER_SYSTEM, "protocol %" PRIu32 " in a .zkey; Groth16 is %d",
                              protocol, ZKEY_GROTH16);
    TRY_VERDICT(section_size_check(s, ZKEY_HEADER, HEADER_BYTES, error));
    const uint8_t *in = s->section[ZKEY_HEADER].data;
    TRY_VERDICT(prime_check(in, fp_modulus.limb, "q", error));
    TRY_VERDICT(prime_check(in + PRIME_BYTES, fr_modulus.limb, "r", error));
    TRY_VERDICT(counts_read(in + COUNTS_AT, key, error));
    in += POINTS_AT;
    TRY_VERDICT(g1_read(in, "alpha1", &key->key.alpha, error));
    TRY_VERDICT(g1_read(in + G1_BYTES, "beta1", &key->beta1, error));
    in += 2 * G1_BYTES;
    TRY_VERDICT(g2_read(in, "beta2", &key->key.beta, error));
    TRY_VERDICT(g2_read(in + G2_BYTES, "gamma2", &key->key.gamma, error));
    in += 2 * G2_BYTES;
    TRY_VERDICT(g1_read(in, "delta1", &key->delta1, error));
    return g2_read(in + G1_BYTES, "delta2", &key->key.delta, error);
}

static enum groth16_verdict coefficients_read(const struct sections *s, struct groth16_proving_key *key,
                                              struct error *error)
{
    struct bytes section = s->section[ZKEY_COEFFICIENTS];

    if (section.size < 4)
        return groth16_refuse(error, GROTH16_MALFORMED, "section %d has no count", ZKEY_COEFFICIENTS);
    key->coefficient_count = little_u32(section.data);
    TRY_VERDICT(
        section_size_check(s, ZKEY_COEFFICIENTS, 4 + key->coefficient_count * COEFFICIENT_BYTES, error));
    key->coefficients = memory_array(key->coefficient_count + 1, sizeof *key->coefficients);
    for (size_t i = 0; i < key->coefficient_count; i++) {
        const uint8_t *in = section.data + 4 + i * COEFFICIENT_BYTES;
        struct groth16_coefficient *c = &key->coefficients[i];
        c->matrix = little_u32(in);
        c->row = little_u32(in + 4);
        c->variable = little_u32(in + 8);
        limbs_from_little_endian(c->value.limb, in + 12);
        if (c->matrix > 1 || c->row >> key->domain_bits != 0 || c->variable >= key->variables)
            return groth16_refuse(error, GROTH16_MALFORMED,
                                  "coefficient %zu is for matrix %" PRIu32 ", row %" PRIu32
                                  ", variable %" PRIu32 ": the circuit has no such place",
                                  i, c->matrix, c->row, c->variable);
        if (!limbs_below(c->value.limb, fr_modulus.limb))
            return groth16_refuse(error, GROTH16_NOT_CANONICAL, "coefficient %zu is not below r", i);
    }
    return GROTH16_VALID;
}

/* As strictly as any verification key: through its canonical bytes. */
static enum groth16_verdict key_check(const struct groth16_key *key, struct error *error)
{
    CLEANUP(buffer_close) struct buffer bytes = { 0 };
    CLEANUP(groth16_key_close) struct groth16_key checked = { 0 };

    buffer_init(&bytes);
    groth16_key_encode(key, &bytes);
    return groth16_key_decode(buffer_bytes(&bytes), &checked, error);
}

enum groth16_verdict snarkjs_zkey_read(struct bytes file, struct groth16_proving_key *key,
                                       struct error *error)
{
    CLEANUP(groth16_proving_key_close) struct groth16_proving_key read = { 0 };
    struct sections s;

    TRY_VERDICT(sections_read(file, "zkey", ZKEY_VERSION, ZKEY_SECTIONS, &s, error));
    TRY_VERDICT(header_read(&s, &read, error));
    size_t public = read.key.public_count;
    TRY_VERDICT(g1_section_read(&s, ZKEY_IC, public + 1, "IC", &read.key.ic, error));
    TRY_VERDICT(key_check(&read.key, error));
    TRY_VERDICT(coefficients_read(&s, &read, error));
    TRY_VERDICT(g1_section_read(&s, ZKEY_A, read.variables, "A", &read.a, error));
    TRY_VERDICT(g1_section_read(&s, ZKEY_B1, read.variables, "B1", &read.b1, error));
    TRY_VERDICT(g2_section_read(&s, ZKEY_B2, read.variables, "B2", &read.b2, error));
    TRY_VERDICT(g1_section_read(&s, ZKEY_C, read.variables - public - 1, "C", &read.c, error));
    TRY_VERDICT(g1_section_read(&s, ZKEY_H, (size_t)1 << read.domain_bits, "H", &read.h, error));
    *key = read;
    groth16_proving_key_init(&read);
    return GROTH16_VALID;
}
