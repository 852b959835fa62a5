/* snarkjs's JSON files; see snarkjs_json.h. What is read becomes canonical bytes (groth16.h) first, so that
 * points are judged in one place. */
#include "proof/snarkjs_json.h"

#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "proof/snarkjs_decimal.h"

#define TEXT_MAX ((size_t)4 << 20) /* a key with GROTH16_PUBLIC_MAX inputs has some 0.7 MB */

static const char *const key_members[] = { "protocol",   "curve",           "nPublic",
                                           "vk_alpha_1", "vk_beta_2",       "vk_gamma_2",
                                           "vk_delta_2", "vk_alphabeta_12", "IC" };
static const char *const proof_members[] = { "pi_a", "pi_b", "pi_c", "protocol", "curve" };

static enum groth16_verdict text_parse(struct bytes text, json_t **value, struct error *error)
{
    struct error cause;

    if (text.size > TEXT_MAX)
        return groth16_refuse(error, GROTH16_LIMIT, "a file of %zu bytes; at most %zu", text.size, TEXT_MAX);
    if (json_parse((const char *)text.data, text.size, value, &cause) != OK)
        return groth16_refuse(error, GROTH16_MALFORMED, "%.400s", cause.message);
    return GROTH16_VALID;
}

static enum groth16_verdict members_check(const json_t *object, const char *const names[], size_t count,
                                          const char *what, struct error *error)
{
    const char *name;
    json_t *value;

    if (!json_is_object(object))
        return groth16_refuse(error, GROTH16_MALFORMED, "a %s is a JSON object", what);
    json_object_foreach((json_t *)object, name, value) {
        size_t i = 0;
        while (i < count && strcmp(name, names[i]) != 0)
            i++;
        if (i == count)
            return groth16_refuse(error, GROTH16_MALFORMED, "'%.40s' is no member of a %s", name, what);
    }
    return GROTH16_VALID;
}

static enum groth16_verdict word_check(const json_t *object, const char *member, const char *expected,
                                       struct error *error)
{
    const char *text = json_string_value(json_object_get(object, member));

    if (text == NULL)
        return groth16_refuse(error, GROTH16_MALFORMED, "'%s' must be the text \"%s\"", member, expected);
    if (strcmp(text, expected) != 0)
        return groth16_refuse(error, GROTH16_OTHER_SYSTEM, "'%s' is \"%.40s\"; only \"%s\" can be verified",
                              member, text, expected);
    return GROTH16_VALID;
}

static enum groth16_verdict number_read(const json_t *value, const char *name, uint8_t out[FIELD_BYTES],
                                        struct error *error)
{
    if (!json_is_string(value))
        return groth16_refuse(error, GROTH16_MALFORMED, "a number of '%s' is not text", name);
    if (!decimal_read(out, json_string_value(value), json_string_length(value)))
        return groth16_refuse(error, GROTH16_NOT_CANONICAL,
                              "a number of '%s' is not decimal digits without a leading zero, below 2^256",
                              name);
    return GROTH16_VALID;
}

/* An array of exactly that many values. */
static enum groth16_verdict array_check(const json_t *value, size_t size, const char *name,
                                        struct error *error)
{
    if (!json_is_array(value) || json_array_size(value) != size)
        return groth16_refuse(error, GROTH16_MALFORMED, "'%s' must have arrays of %zu values", name, size);
    return GROTH16_VALID;
}

static enum groth16_verdict one_check(const json_t *value, const char *expected, const char *name,
                                      struct error *error)
{
    const char *text = json_string_value(value);

    if (text == NULL || strcmp(text, expected) != 0)
        return groth16_refuse(
            error, strcmp(text == NULL ? "" : text, "0") == 0 ? GROTH16_INFINITY : GROTH16_NOT_CANONICAL,
            "'%s' must be affine: its third coordinate is one", name);
    return GROTH16_VALID;
}

/* ["x", "y", "1"] */
static enum groth16_verdict g1_read(const json_t *value, const char *name, uint8_t out[G1_BYTES],
                                    struct error *error)
{
    TRY_VERDICT(array_check(value, 3, name, error));
    TRY_VERDICT(number_read(json_array_get(value, 0), name, out, error));
    TRY_VERDICT(number_read(json_array_get(value, 1), name, out + FIELD_BYTES, error));
    return one_check(json_array_get(value, 2), "1", name, error);
}

/* [["x0", "x1"], ["y0", "y1"], ["1", "0"]]; the bytes have the factor of i, x1, first. */
static enum groth16_verdict g2_read(const json_t *value, const char *name, uint8_t out[G2_BYTES],
                                    struct error *error)
{
    TRY_VERDICT(array_check(value, 3, name, error));
    for (size_t i = 0; i < 3; i++)
        TRY_VERDICT(array_check(json_array_get(value, i), 2, name, error));
    for (size_t i = 0; i < 2; i++) {
        const json_t *pair = json_array_get(value, i);
        TRY_VERDICT(number_read(json_array_get(pair, 1), name, out + 2 * i * FIELD_BYTES, error));
        TRY_VERDICT(number_read(json_array_get(pair, 0), name, out + (2 * i + 1) * FIELD_BYTES, error));
    }
    TRY_VERDICT(one_check(json_array_get(json_array_get(value, 2), 0), "1", name, error));
    const char *imaginary = json_string_value(json_array_get(json_array_get(value, 2), 1));
    if (imaginary == NULL || strcmp(imaginary, "0") != 0)
        return groth16_refuse(error, GROTH16_NOT_CANONICAL,
                              "'%s' must be affine: its third coordinate is one", name);
    return GROTH16_VALID;
}

/* --- verification_key.json --- */

/* The twelve numbers of vk_alphabeta_12, in the order of the file. */
#define TOWER_NUMBERS 12
static void tower_list(const struct fp12 *value, const struct fp *list[TOWER_NUMBERS])
{
    const struct fp2 *part[] = { &value->c0.c0, &value->c0.c1, &value->c0.c2,
                                 &value->c1.c0, &value->c1.c1, &value->c1.c2 };

    for (size_t i = 0; i < TOWER_NUMBERS; i++)
        list[i] = i % 2 == 0 ? &part[i / 2]->c0 : &part[i / 2]->c1;
}

static enum groth16_verdict alpha_beta_check(const json_t *value, const struct groth16_key *key,
                                             struct error *error)
{
    static const char name[] = "vk_alphabeta_12";
    uint8_t given[FIELD_BYTES], right[FIELD_BYTES];
    const struct fp *list[TOWER_NUMBERS];
    bool same = true;

    struct groth16_prepared *prepared = groth16_prepare(key);
    struct fp12 alpha_beta = *groth16_alpha_beta(prepared);
    groth16_prepared_free(prepared);
    tower_list(&alpha_beta, list);
    TRY_VERDICT(array_check(value, 2, name, error));
    for (size_t i = 0; i < TOWER_NUMBERS; i++) {
        const json_t *half = json_array_get(value, i / 6);
        TRY_VERDICT(array_check(half, 3, name, error));
        const json_t *pair = json_array_get(half, i / 2 % 3);
        TRY_VERDICT(array_check(pair, 2, name, error));
        TRY_VERDICT(number_read(json_array_get(pair, i % 2), name, given, error));
        fp_to_bytes(right, list[i]);
        same = same && memcmp(given, right, sizeof right) == 0;
    }
    if (!same)
        return groth16_refuse(error, GROTH16_KEY_DISAGREES,
                              "'%s' is not the pairing of vk_alpha_1 and vk_beta_2", name);
    return GROTH16_VALID;
}

static enum groth16_verdict key_points_read(const json_t *value, size_t count, uint8_t *at,
                                            struct error *error)
{
    static const char *const pairs[] = { "vk_beta_2", "vk_gamma_2", "vk_delta_2" };
    const json_t *ic = json_object_get(value, "IC");

    TRY_VERDICT(g1_read(json_object_get(value, "vk_alpha_1"), "vk_alpha_1", at, error));
    at += G1_BYTES;
    for (size_t i = 0; i < 3; i++, at += G2_BYTES)
        TRY_VERDICT(g2_read(json_object_get(value, pairs[i]), pairs[i], at, error));
    for (size_t i = 0; i <= count; i++)
        TRY_VERDICT(g1_read(json_array_get(ic, i), "IC", at + i * G1_BYTES, error));
    return GROTH16_VALID;
}

enum groth16_verdict snarkjs_key_read(struct bytes text, struct groth16_key *key, struct error *error)
{
    CLEANUP(groth16_key_close) struct groth16_key read = { 0 };
    CLEANUP(buffer_close) struct buffer bytes = { 0 };
    AUTO_JSON json_t *value = NULL;

    buffer_init(&bytes);
    TRY_VERDICT(text_parse(text, &value, error));
    TRY_VERDICT(members_check(value, key_members, sizeof key_members / sizeof *key_members,
                              "verification key", error));
    TRY_VERDICT(word_check(value, "protocol", "groth16", error));
    TRY_VERDICT(word_check(value, "curve", "bn128", error));
    const json_t *public = json_object_get(value, "nPublic"), *ic = json_object_get(value, "IC");
    if (!json_is_integer(public) || json_integer_value(public) < 0)
        return groth16_refuse(error, GROTH16_MALFORMED, "'nPublic' must be the number of public inputs");
    if (json_integer_value(public) > GROTH16_PUBLIC_MAX)
        return groth16_refuse(error, GROTH16_LIMIT, "'nPublic' is %lld; at most %d",
                              (long long)json_integer_value(public), GROTH16_PUBLIC_MAX);
    size_t count = (size_t)json_integer_value(public);
    if (!json_is_array(ic) || json_array_size(ic) != count + 1)
        return groth16_refuse(error, GROTH16_KEY_DISAGREES,
                              "'IC' must have one point more than 'nPublic' says, %zu", count + 1);

    /* Header and count as any key has them, then the points. */
    uint8_t *at = buffer_reserve(&bytes, GROTH16_KEY_BYTES(count));
    memcpy(at, "lyvk\1\1", GROTH16_HEADER_BYTES);
    put_be32(at + GROTH16_HEADER_BYTES, (uint32_t)count);
    TRY_VERDICT(key_points_read(value, count, at + GROTH16_HEADER_BYTES + 4, error));
    bytes.size = GROTH16_KEY_BYTES(count);
    TRY_VERDICT(groth16_key_decode(buffer_bytes(&bytes), &read, error));
    const json_t *alpha_beta = json_object_get(value, "vk_alphabeta_12");
    if (alpha_beta != NULL)
        TRY_VERDICT(alpha_beta_check(alpha_beta, &read, error));
    *key = read;
    groth16_key_init(&read);
    return GROTH16_VALID;
}

enum groth16_verdict snarkjs_proof_read(struct bytes text, struct groth16_proof *proof, struct error *error)
{
    uint8_t bytes[GROTH16_PROOF_BYTES] = "lypf\1\1", *at = bytes + GROTH16_HEADER_BYTES;
    AUTO_JSON json_t *value = NULL;

    TRY_VERDICT(text_parse(text, &value, error));
    TRY_VERDICT(
        members_check(value, proof_members, sizeof proof_members / sizeof *proof_members, "proof", error));
    TRY_VERDICT(word_check(value, "protocol", "groth16", error));
    TRY_VERDICT(word_check(value, "curve", "bn128", error));
    TRY_VERDICT(g1_read(json_object_get(value, "pi_a"), "pi_a", at, error));
    TRY_VERDICT(g2_read(json_object_get(value, "pi_b"), "pi_b", at + G1_BYTES, error));
    TRY_VERDICT(g1_read(json_object_get(value, "pi_c"), "pi_c", at + G1_BYTES + G2_BYTES, error));
    return groth16_proof_decode(bytes_of(bytes, sizeof bytes), proof, error);
}

enum groth16_verdict snarkjs_inputs_read(struct bytes text, struct buffer *inputs, struct error *error)
{
    AUTO_JSON json_t *value = NULL;
    CLEANUP(buffer_close) struct buffer read = { 0 };
    struct fr_plain scalar;
    const json_t *number;
    size_t i;

    buffer_init(&read);
    TRY_VERDICT(text_parse(text, &value, error));
    if (!json_is_array(value))
        return groth16_refuse(error, GROTH16_MALFORMED, "public inputs are a JSON array");
    if (json_array_size(value) > GROTH16_PUBLIC_MAX)
        return groth16_refuse(error, GROTH16_LIMIT, "%zu public inputs; at most %d", json_array_size(value),
                              GROTH16_PUBLIC_MAX);
    json_array_foreach(value, i, number) {
        uint8_t *at = buffer_reserve(&read, FIELD_BYTES);
        TRY_VERDICT(number_read(number, "public inputs", at, error));
        limbs_from_big_endian(scalar.limb, at);
        if (!fr_plain_below_r(&scalar))
            return groth16_refuse(error, GROTH16_PUBLIC_RANGE,
                                  "public input %zu is not below the field's order r", i);
        read.size += FIELD_BYTES;
    }
    buffer_append(inputs, read.data, read.size);
    return GROTH16_VALID;
}

/* --- writing --- */

/* JSON.stringify(value, null, 1): each value on its own line behind as many blanks as it is deep. */
static void line_begin(struct buffer *out, size_t depth)
{
    buffer_append_text(out, "\n");
    for (size_t i = 0; i < depth; i++)
        buffer_append_text(out, " ");
}

static void number_write(struct buffer *out, size_t depth, const uint8_t in[FIELD_BYTES], const char *after)
{
    char digits[DECIMAL_256_MAX + 1];

    decimal_write(digits, in);
    line_begin(out, depth);
    buffer_append_format(out, "\"%s\"%s", digits, after);
}

static void fp_write(struct buffer *out, size_t depth, const struct fp *a, const char *after)
{
    uint8_t bytes[FIELD_BYTES];

    fp_to_bytes(bytes, a);
    number_write(out, depth, bytes, after);
}

/* The two numbers of an element of Fp2 as an array, at that depth. */
static void fp2_write(struct buffer *out, size_t depth, const struct fp2 *a, const char *after)
{
    line_begin(out, depth);
    buffer_append_text(out, "[");
    fp_write(out, depth + 1, &a->c0, ",");
    fp_write(out, depth + 1, &a->c1, "");
    line_begin(out, depth);
    buffer_append_format(out, "]%s", after);
}

static void g1_write(struct buffer *out, size_t depth, const struct g1_affine *a)
{
    buffer_append_text(out, "[");
    fp_write(out, depth + 1, &a->x, ",");
    fp_write(out, depth + 1, &a->y, ",");
    fp_write(out, depth + 1, &fp_one, "");
    line_begin(out, depth);
    buffer_append_text(out, "]");
}

static void g2_write(struct buffer *out, size_t depth, const struct g2_affine *a)
{
    buffer_append_text(out, "[");
    fp2_write(out, depth + 1, &a->x, ",");
    fp2_write(out, depth + 1, &a->y, ",");
    fp2_write(out, depth + 1, &fp2_one, "");
    line_begin(out, depth);
    buffer_append_text(out, "]");
}

static void alpha_beta_write(struct buffer *out, const struct groth16_key *key)
{
    struct groth16_prepared *prepared = groth16_prepare(key);
    const struct fp12 *value = groth16_alpha_beta(prepared);
    const struct fp6 *half[] = { &value->c0, &value->c1 };

    buffer_append_text(out, "[");
    for (size_t i = 0; i < 2; i++) {
        line_begin(out, 2);
        buffer_append_text(out, "[");
        fp2_write(out, 3, &half[i]->c0, ",");
        fp2_write(out, 3, &half[i]->c1, ",");
        fp2_write(out, 3, &half[i]->c2, "");
        line_begin(out, 2);
        buffer_append_text(out, i == 0 ? "]," : "]");
    }
    line_begin(out, 1);
    buffer_append_text(out, "]");
    groth16_prepared_free(prepared);
}

void snarkjs_key_write(const struct groth16_key *key, struct buffer *out)
{
    buffer_append_format(
        out, "{\n \"protocol\": \"groth16\",\n \"curve\": \"bn128\",\n \"nPublic\": %zu,\n \"vk_alpha_1\": ",
        key->public_count);
    g1_write(out, 1, &key->alpha);
    buffer_append_text(out, ",\n \"vk_beta_2\": ");
    g2_write(out, 1, &key->beta);
    buffer_append_text(out, ",\n \"vk_gamma_2\": ");
    g2_write(out, 1, &key->gamma);
    buffer_append_text(out, ",\n \"vk_delta_2\": ");
    g2_write(out, 1, &key->delta);
    buffer_append_text(out, ",\n \"vk_alphabeta_12\": ");
    alpha_beta_write(out, key);
    buffer_append_text(out, ",\n \"IC\": [");
    for (size_t i = 0; i <= key->public_count; i++) {
        buffer_append_text(out, i == 0 ? "\n  " : ",\n  ");
        g1_write(out, 2, &key->ic[i]);
    }
    buffer_append_text(out, "\n ]\n}");
}

void snarkjs_proof_write(const struct groth16_proof *proof, struct buffer *out)
{
    buffer_append_text(out, "{\n \"pi_a\": ");
    g1_write(out, 1, &proof->a);
    buffer_append_text(out, ",\n \"pi_b\": ");
    g2_write(out, 1, &proof->b);
    buffer_append_text(out, ",\n \"pi_c\": ");
    g1_write(out, 1, &proof->c);
    buffer_append_text(out, ",\n \"protocol\": \"groth16\",\n \"curve\": \"bn128\"\n}");
}

void snarkjs_inputs_write(struct bytes inputs, struct buffer *out)
{
    size_t count = inputs.size / FIELD_BYTES;

    buffer_append_text(out, "[");
    for (size_t i = 0; i < count; i++)
        number_write(out, 1, inputs.data + i * FIELD_BYTES, i + 1 < count ? "," : "");
    buffer_append_text(out, count > 0 ? "\n]" : "]");
}
