/* Answers questions about this room's functions, one line each, for a second implementation to compare
 * with (see tests/unit/crypto/questions.h for the form). A question that makes no sense ends the
 * program. Questions: sha3_256 DATA · sha3_512 DATA · keccak_256 DATA · shake256 SIZE DATA transcript
 * LABEL [append NAME DATA | challenge NAME SIZE]…        the challenges, one after another nonces LABEL
 * NAME SECRET RANDOMNESS COUNT                         so many scalars wide BYTES64 · invert SCALAR ·
 * product SCALAR SCALAR · hash_point BYTES64 point BYTES32 · scalar BYTES32
 * "yes" or "no": whether it is one multiply SCALAR POINT · commit VALUE BLINDING · sum [SCALAR POINT]…
 * range_make LABEL BITS [VALUE BLINDING]…                           commitments, proof range_verify
 * LABEL BITS PROOF COMMITMENT…                         "ok" or the error's name aggregate [ACCOUNT
 * MESSAGE SIGNATURE]…                            the aggregate, or the error's name aggregate_verify
 * AGGREGATE [ACCOUNT MESSAGE]…                     "ok" or the error's name LABEL and NAME are words. */
#include <stdio.h>
#include <string.h>

#include "../crypto/questions.h"
#include "crypto/hash.h"
#include "proof/half_aggregate.h"
#include "proof/pedersen.h"
#include "proof/range_proof.h"

#define ANSWER_MAX 4096
#define TERMS_MAX 4096

static struct scalar scalar_word(char **rest)
{
    uint8_t bytes[SCALAR_SIZE];
    struct scalar scalar;

    fixed_word(rest, bytes, sizeof bytes);
    if (!scalar_decode(&scalar, bytes))
        fail("not a scalar");
    return scalar;
}

static struct point point_word(char **rest)
{
    uint8_t bytes[POINT_SIZE];
    struct point point;

    fixed_word(rest, bytes, sizeof bytes);
    if (!point_decode(&point, bytes))
        fail("not a point");
    return point;
}

static void answer_scalar(const struct scalar *scalar)
{
    uint8_t bytes[SCALAR_SIZE];

    scalar_encode(bytes, scalar);
    answer_bytes(bytes, sizeof bytes);
}

static void answer_point(const struct point *point)
{
    uint8_t bytes[POINT_SIZE];

    point_encode(bytes, point);
    answer_bytes(bytes, sizeof bytes);
}

static bool hash_question(const char *what, char **rest)
{
    uint8_t out[ANSWER_MAX];
    size_t size = strcmp(what, "sha3_512") == 0 ? 64 : 32;
    struct bytes data;

    if (strcmp(what, "shake256") == 0) {
        size = number_word(rest);
        if (size > sizeof out)
            fail("too long an answer");
        data = bytes_word(rest);
        shake256(out, size, data.data, data.size);
    } else if (strcmp(what, "sha3_256") == 0) {
        data = bytes_word(rest);
        sha3_256(out, data.data, data.size);
    } else if (strcmp(what, "sha3_512") == 0) {
        data = bytes_word(rest);
        sha3_512(out, data.data, data.size);
    } else if (strcmp(what, "keccak_256") == 0) {
        data = bytes_word(rest);
        keccak_256(out, data.data, data.size);
    } else {
        return false;
    }
    answer_bytes(out, size);
    return true;
}

static void transcript_run(char **rest)
{
    struct transcript transcript;
    uint8_t out[ANSWER_MAX];
    size_t used = 0;

    transcript_start(&transcript, word(rest));
    while (more(rest)) {
        const char *operation = word(rest), *name = word(rest);
        if (strcmp(operation, "append") == 0) {
            struct bytes data = bytes_word(rest);
            transcript_append(&transcript, name, data.data, data.size);
        } else if (strcmp(operation, "challenge") == 0) {
            size_t size = number_word(rest);
            if (size > sizeof out - used)
                fail("too long an answer");
            transcript_challenge(&transcript, name, out + used, size);
            used += size;
        } else {
            fail("no such operation");
        }
    }
    answer_bytes(out, used);
}

static void nonces_run(char **rest)
{
    struct transcript transcript;
    struct nonces nonces;
    uint8_t randomness[32], out[ANSWER_MAX];
    size_t used = 0;

    transcript_start(&transcript, word(rest));
    const char *name = word(rest);
    struct bytes secret = bytes_word(rest);
    fixed_word(rest, randomness, sizeof randomness);
    size_t count = number_word(rest);
    if (count > sizeof out / SCALAR_SIZE)
        fail("too long an answer");
    nonces_fork(&nonces, &transcript);
    nonces_secret(&nonces, name, secret.data, secret.size);
    nonces_ready(&nonces, randomness);
    for (size_t i = 0; i < count; i++, used += SCALAR_SIZE) {
        struct scalar scalar;
        nonces_draw_scalar(&nonces, &scalar);
        scalar_encode(out + used, &scalar);
    }
    answer_bytes(out, used);
}

/* The same sum for public and for secret scalars. */
static void sum_run(char **rest)
{
    AUTO_FREE struct scalar *scalars = memory_array(TERMS_MAX, sizeof *scalars);
    AUTO_FREE struct point *points = memory_array_aligned(TERMS_MAX, sizeof *points, _Alignof(struct point));
    struct point sum, other;
    size_t count = 0;

    for (; more(rest); count++) {
        if (count == TERMS_MAX)
            fail("too many terms");
        scalars[count] = scalar_word(rest);
        points[count] = point_word(rest);
    }
    points_multiply_public(&sum, scalars, points, count);
    points_multiply(&other, scalars, points, count);
    if (!point_equal(&sum, &other))
        fail("the two sums differ");
    answer_point(&sum);
}

static bool group_question(const char *what, char **rest)
{
    uint8_t bytes[64];
    struct scalar scalar;
    struct point point;

    if (strcmp(what, "wide") == 0 || strcmp(what, "hash_point") == 0) {
        fixed_word(rest, bytes, 64);
        if (strcmp(what, "wide") == 0) {
            scalar_from_wide(&scalar, bytes);
            answer_scalar(&scalar);
        } else {
            point_from_uniform(&point, bytes);
            answer_point(&point);
        }
    } else if (strcmp(what, "invert") == 0) {
        scalar = scalar_word(rest);
        scalar_invert(&scalar, &scalar);
        answer_scalar(&scalar);
    } else if (strcmp(what, "product") == 0) {
        struct scalar other;
        scalar = scalar_word(rest);
        other = scalar_word(rest);
        scalar_multiply(&scalar, &scalar, &other);
        answer_scalar(&scalar);
    } else if (strcmp(what, "point") == 0 || strcmp(what, "scalar") == 0) {
        fixed_word(rest, bytes, 32);
        puts((what[0] == 'p' ? point_decode(&point, bytes) : scalar_decode(&scalar, bytes)) ? "yes" : "no");
    } else if (strcmp(what, "multiply") == 0) {
        scalar = scalar_word(rest);
        point = point_word(rest);
        point_multiply(&point, &scalar, &point);
        answer_point(&point);
    } else if (strcmp(what, "commit") == 0) {
        uint64_t value = number_word(rest);
        scalar = scalar_word(rest);
        pedersen_commit(&point, value, &scalar);
        answer_point(&point);
    } else {
        return false;
    }
    return true;
}

static bool range_question(const char *what, char **rest)
{
    uint8_t out[RANGE_PROOF_VALUES_MAX * POINT_SIZE + RANGE_PROOF_SIZE_MAX];
    uint8_t(*commitments)[POINT_SIZE] = (uint8_t(*)[POINT_SIZE])out;
    bool make = strcmp(what, "range_make") == 0;
    uint64_t values[RANGE_PROOF_VALUES_MAX];
    struct scalar blindings[RANGE_PROOF_VALUES_MAX];
    struct transcript transcript;
    struct bytes proof = { NULL, 0 };
    struct error error;
    size_t count = 0;

    if (!make && strcmp(what, "range_verify") != 0)
        return false;
    transcript_start(&transcript, word(rest));
    size_t bits = number_word(rest);
    if (!make)
        proof = bytes_word(rest);
    for (; more(rest); count++) {
        if (count == RANGE_PROOF_VALUES_MAX)
            fail("too many values");
        if (make) {
            values[count] = number_word(rest);
            blindings[count] = scalar_word(rest);
        } else {
            fixed_word(rest, commitments[count], POINT_SIZE);
        }
    }
    if (make) {
        uint8_t *at = out + count * POINT_SIZE;
        enum status status =
            range_proof_make(&transcript, bits, values, blindings, count, commitments, at, &error);
        if (status == OK)
            answer_bytes(out, count * POINT_SIZE + range_proof_size(bits, count));
        else
            puts(status_name(status));
        return true;
    }
    struct range_claim claim = { &transcript, bits, count, (const uint8_t(*)[POINT_SIZE])commitments, proof };
    puts(status_name(range_proof_verify(&claim, NULL, &error)));
    return true;
}

static bool aggregate_question(const char *what, char **rest)
{
    AUTO_FREE struct signed_message *messages = memory_array(TERMS_MAX, sizeof *messages);
    AUTO_FREE struct signature *signatures = memory_array(TERMS_MAX, sizeof *signatures);
    AUTO_FREE uint8_t *out = memory_new(half_aggregate_size(TERMS_MAX));
    bool make = strcmp(what, "aggregate") == 0;
    struct bytes aggregate = { NULL, 0 };
    size_t count = 0, bad;
    struct error error;

    if (!make && strcmp(what, "aggregate_verify") != 0)
        return false;
    if (!make)
        aggregate = bytes_word(rest);
    for (; more(rest); count++) {
        if (count == TERMS_MAX)
            fail("too many signatures");
        fixed_word(rest, messages[count].account.bytes, 32);
        fixed_word(rest, messages[count].message.bytes, 32);
        if (make)
            fixed_word(rest, signatures[count].bytes, 64);
    }
    if (!make) {
        puts(status_name(half_aggregate_verify(aggregate, messages, count, &error)));
        return true;
    }
    enum status status = half_aggregate_make(messages, signatures, count, out, &bad, &error);
    if (status == OK)
        answer_bytes(out, half_aggregate_size(count));
    else
        puts(status_name(status));
    return true;
}

static bool question(const char *what, char **rest)
{
    if (strcmp(what, "transcript") == 0)
        transcript_run(rest);
    else if (strcmp(what, "nonces") == 0)
        nonces_run(rest);
    else if (strcmp(what, "sum") == 0)
        sum_run(rest);
    else
        return hash_question(what, rest) || group_question(what, rest) || range_question(what, rest) ||
               aggregate_question(what, rest);
    return true;
}

int main(void)
{
    crypto_start();
    questions_answer(question);
    return 0;
}
