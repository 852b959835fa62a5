/* Answers questions about the proof systems, for the second implementations in Python to compare with; see
 * ../crypto/questions.h. "refused" answers a request to compute from what is not allowed; every failure of a
 * verifier, malformed input included, is "no". LABEL is a transcript's, as hex. Questions:
 *   permute STATE · sha3_256 DATA · sha3_512 DATA · keccak256 DATA · shake256 SIZE DATA
 *   merlin LABEL [append LABEL DATA | number LABEL VALUE | challenge LABEL SIZE |
 *          bind CHAIN PURPOSE]…                                         the challenges
 *   nonces LABEL RANDOM SIZE [LABEL SECRET]…                       drawn after the secrets and RANDOM
 *   scalar_reduce WIDE · scalar_add A B · scalar_subtract A B · scalar_multiply A B · scalar_invert A
 *   element DATA · element_uniform WIDE · element_add A B · element_subtract A B
 *   element_multiply SCALAR A · element_base SCALAR · element_sum [SCALAR A]…
 *   commit VALUE BLINDING · range_generator G|H PARTY INDEX
 *   range_prove BITS LABEL [VALUE BLINDING]…     the proof, and a challenge "after" of 32 bytes past it
 *   range_verify BITS LABEL PROOF COMMITMENT… · range_after BITS LABEL PROOF COMMITMENT…    that challenge
 *   range_batch BITS LABEL COUNT [PROOF COMMITMENT]…
 *   signatures [KEY MESSAGE SIGNATURE]…                            each one's verdict
 *   half_aggregate [KEY MESSAGE SIGNATURE]… · half_verify AGGREGATE [KEY MESSAGE]…
 *   half_extend AGGREGATE HAD [KEY MESSAGE]… [KEY MESSAGE SIGNATURE]…
 *   ring_key SECRET                                                                key and image
 *   ring_sign LABEL MESSAGE RANDOM INDEX SECRET KEY… · ring_verify LABEL MESSAGE SIGNATURE KEY…
 *   clsag_sign LABEL MESSAGE RANDOM INDEX SECRET DIFFERENCE PSEUDO [KEY COMMITMENT]…
 *   clsag_verify LABEL MESSAGE SIGNATURE PSEUDO [KEY COMMITMENT]…
 *   bn254_add INPUT · bn254_multiply INPUT · bn254_pairing INPUT
 *   groth16_verify KEY PROOF PUBLIC · groth16_prove ZKEY WTNS   snarkjs's files; the answer: PROOF PUBLIC
 * Where the C code has two ways to one answer, both are gone and must agree. */
#include <stdio.h>
#include <string.h>

#include "../crypto/questions.h"
#include "proof_reference.h"
#include "crypto/hash.h"
#include "proof/generators.h"
#include "proof/half_aggregate.h"
#include "proof/keccak.h"
#include "proof/pedersen.h"
#include "proof/range_proof.h"
#include "proof/signature_batch.h"
#include "proof/transcript.h"

#define SQUEEZE_MAX 4096
#define ROWS_MAX 1024 /* of anything that a question may repeat */

void refused(void) { puts("refused"); }
void answer_verdict(bool valid) { puts(valid ? "yes" : "no"); }

/* --- words ------------------------------------------------------------------------------------------- */

static const char *text_word(char **rest)
{
    struct bytes bytes = bytes_word(rest);

    return arena_text(&words, (const char *)bytes.data, bytes.size);
}

static size_t count_word(char **rest, size_t most)
{
    uint64_t count = number_word(rest);

    if (count > most)
        fail("a number is too large");
    return (size_t)count;
}

/* Both false for what is no canonical encoding, of any size. */
static bool scalar_word(char **rest, struct scalar *out)
{
    struct bytes bytes = bytes_word(rest);

    return bytes.size == SCALAR_SIZE && scalar_decode(out, bytes.data);
}

static bool point_word(char **rest, struct point *out)
{
    struct bytes bytes = bytes_word(rest);

    return bytes.size == POINT_SIZE && point_decode(out, bytes.data);
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

static void need_same(const struct point *a, const struct point *b)
{
    if (!point_equal(a, b))
        fail("two ways to one multiple differ");
}

/* --- Keccak and Merlin ------------------------------------------------------------------------------- */

static void permute(char **rest)
{
    uint8_t bytes[KECCAK_STATE_SIZE];
    struct keccak state = { .lanes = { 0 } };

    fixed_word(rest, bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++)
        state.lanes[i / 8] |= (uint64_t)bytes[i] << (8 * (i % 8));
    keccak_permute(&state);
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(state.lanes[i / 8] >> (8 * (i % 8)));
    answer_bytes(bytes, sizeof bytes);
}

static void shake(char **rest)
{
    size_t size = count_word(rest, SQUEEZE_MAX);
    struct bytes data = bytes_word(rest);
    uint8_t once[SQUEEZE_MAX], pieces[SQUEEZE_MAX];
    struct sponge sponge;

    shake256(once, size, data.data, data.size);
    shake256_begin(&sponge);
    sponge_absorb(&sponge, data.data, data.size / 3);
    sponge_absorb(&sponge, data.data + data.size / 3, data.size - data.size / 3);
    sponge_squeeze(&sponge, pieces, size / 2);
    sponge_squeeze(&sponge, pieces + size / 2, size - size / 2);
    if (memcmp(once, pieces, size) != 0)
        fail("SHAKE in pieces differs");
    answer_bytes(once, size);
}

static bool hash_question(const char *what, char **rest)
{
    uint8_t out[64];

    if (strcmp(what, "permute") == 0) {
        permute(rest);
    } else if (strcmp(what, "shake256") == 0) {
        shake(rest);
    } else if (strcmp(what, "sha3_256") == 0) {
        struct bytes data = bytes_word(rest);
        sha3_256(out, data.data, data.size);
        answer_bytes(out, 32);
    } else if (strcmp(what, "sha3_512") == 0) {
        struct bytes data = bytes_word(rest);
        sha3_512(out, data.data, data.size);
        answer_bytes(out, 64);
    } else if (strcmp(what, "keccak256") == 0) {
        struct bytes data = bytes_word(rest);
        keccak_256(out, data.data, data.size);
        answer_bytes(out, 32);
    } else {
        return false;
    }
    return true;
}

static bool merlin_question(const char *what, char **rest)
{
    struct transcript transcript;
    bool any = false;

    if (strcmp(what, "merlin") != 0)
        return false;
    transcript_start(&transcript, text_word(rest));
    while (more(rest)) {
        const char *step = word(rest), *label = text_word(rest);

        if (strcmp(step, "append") == 0) {
            struct bytes data = bytes_word(rest);
            transcript_append(&transcript, label, data.data, data.size);
        } else if (strcmp(step, "number") == 0) {
            transcript_append_u64(&transcript, label, number_word(rest));
        } else if (strcmp(step, "bind") == 0) {
            transcript_bind(&transcript, label, text_word(rest));
        } else if (strcmp(step, "challenge") == 0) {
            uint8_t out[SQUEEZE_MAX];
            char hex[2 * SQUEEZE_MAX + 1];
            size_t size = count_word(rest, sizeof out);

            transcript_challenge(&transcript, label, out, size);
            hex_text(hex, out, size);
            printf("%s%s", any ? " " : "", hex);
            any = true;
        } else {
            fail("no such step of a transcript");
        }
    }
    puts(any ? "" : "-");
    return true;
}

static bool nonces_question(const char *what, char **rest)
{
    uint8_t random[32], out[SQUEEZE_MAX];
    struct transcript transcript;
    struct nonces nonces;

    if (strcmp(what, "nonces") != 0)
        return false;
    transcript_start(&transcript, text_word(rest));
    fixed_word(rest, random, sizeof random);
    size_t size = count_word(rest, sizeof out);
    nonces_fork(&nonces, &transcript);
    while (more(rest)) {
        const char *label = text_word(rest);
        struct bytes secret = bytes_word(rest);

        nonces_secret(&nonces, label, secret.data, secret.size);
    }
    nonces_ready(&nonces, random);
    nonces_draw(&nonces, out, size);
    nonces_wipe(&nonces);
    answer_bytes(out, size);
    return true;
}

/* --- ristretto255 ------------------------------------------------------------------------------------ */

static bool scalar_question(const char *what, char **rest)
{
    struct scalar a, b;

    if (strcmp(what, "scalar_reduce") == 0) {
        uint8_t wide[SCALAR_WIDE_SIZE];
        fixed_word(rest, wide, sizeof wide);
        scalar_from_wide(&a, wide);
        answer_scalar(&a);
        return true;
    }
    if (strcmp(what, "scalar_invert") == 0) {
        if (!scalar_word(rest, &a) || scalar_is_zero(&a)) {
            refused();
            return true;
        }
        b = a;
        scalars_invert_public(&b, 1);
        scalar_invert(&a, &a);
        if (!scalar_equal(&a, &b))
            fail("two ways to one inverse differ");
        answer_scalar(&a);
        return true;
    }
    void (*operation)(struct scalar *, const struct scalar *, const struct scalar *) =
        strcmp(what, "scalar_add") == 0 ? scalar_add
        : strcmp(what, "scalar_subtract") == 0 ? scalar_subtract
        : strcmp(what, "scalar_multiply") == 0 ? scalar_multiply : NULL;
    if (operation == NULL)
        return false;
    bool first = scalar_word(rest, &a), second = scalar_word(rest, &b);
    if (first && second) {
        operation(&a, &a, &b);
        answer_scalar(&a);
    } else {
        refused();
    }
    return true;
}

static void element_multiply(char **rest)
{
    struct point point, by_table, by_public;
    struct scalar scalar;
    bool first = scalar_word(rest, &scalar), second = point_word(rest, &point);

    if (!first || !second) {
        refused();
        return;
    }
    struct point_table *table = point_table_new(&point);
    point_table_multiply(&by_table, &scalar, table);
    point_table_free(table);
    points_multiply_public(&by_public, &scalar, &point, 1);
    point_multiply(&point, &scalar, &point);
    need_same(&point, &by_table);
    need_same(&point, &by_public);
    answer_point(&point);
}

static void element_base(char **rest)
{
    struct point out, same;
    struct scalar scalar;

    if (!scalar_word(rest, &scalar)) {
        refused();
        return;
    }
    point_multiply_base(&out, &scalar);
    point_multiply(&same, &scalar, point_base());
    need_same(&out, &same);
    answer_point(&out);
}

static void element_sum(char **rest)
{
    struct scalar *scalars = arena_new(&words, ROWS_MAX * sizeof *scalars);
    struct point *points = memory_array(ROWS_MAX, sizeof *points);
    struct point sum, same;
    size_t count = 0;
    bool decoded = true;

    for (; more(rest); count++) {
        if (count == ROWS_MAX)
            fail("too many terms");
        bool first = scalar_word(rest, &scalars[count]), second = point_word(rest, &points[count]);
        decoded = decoded && first && second;
    }
    if (decoded) {
        points_multiply_public(&sum, scalars, points, count);
        points_multiply(&same, scalars, points, count);
        need_same(&sum, &same);
        answer_point(&sum);
    } else {
        refused();
    }
    memory_free_pointer(&points);
}

static bool element_question(const char *what, char **rest)
{
    struct point a, b;

    if (strcmp(what, "element") == 0) {
        answer_verdict(point_word(rest, &a));
    } else if (strcmp(what, "element_uniform") == 0) {
        struct bytes wide = bytes_word(rest);
        if (wide.size == POINT_UNIFORM_SIZE) {
            point_from_uniform(&a, wide.data);
            answer_point(&a);
        } else {
            refused();
        }
    } else if (strcmp(what, "element_add") == 0 || strcmp(what, "element_subtract") == 0) {
        bool first = point_word(rest, &a), second = point_word(rest, &b);
        if (first && second) {
            (strcmp(what, "element_add") == 0 ? point_add : point_subtract)(&a, &a, &b);
            answer_point(&a);
        } else {
            refused();
        }
    } else if (strcmp(what, "element_multiply") == 0) {
        element_multiply(rest);
    } else if (strcmp(what, "element_base") == 0) {
        element_base(rest);
    } else if (strcmp(what, "element_sum") == 0) {
        element_sum(rest);
    } else {
        return false;
    }
    return true;
}

/* --- commitments and range proofs -------------------------------------------------------------------- */

static void commit(char **rest)
{
    uint64_t value = number_word(rest);
    struct scalar blinding, wide;
    struct point out, same;

    if (!scalar_word(rest, &blinding)) {
        refused();
        return;
    }
    scalar_from_u64(&wide, value);
    pedersen_commit(&out, value, &blinding);
    pedersen_commit_scalar(&same, &wide, &blinding);
    need_same(&out, &same);
    answer_point(&out);
}

static void range_generator(char **rest)
{
    bool first = word(rest)[0] == 'G';
    size_t party = count_word(rest, GENERATORS_PARTIES - 1), index = count_word(rest, GENERATORS_BITS - 1);

    answer_point(generator(first ? GENERATOR_G(party, index) : GENERATOR_H(party, index)));
}

static void answer_after(struct transcript *transcript)
{
    uint8_t out[32];

    transcript_challenge(transcript, "after", out, sizeof out);
    answer_bytes(out, sizeof out);
}

static void range_prove(char **rest)
{
    size_t bits = count_word(rest, ROWS_MAX), count = 0;
    struct transcript transcript;
    uint64_t values[ROWS_MAX];
    struct scalar blindings[ROWS_MAX];
    uint8_t commitments[RANGE_PROOF_VALUES_MAX][POINT_SIZE], proof[RANGE_PROOF_SIZE_MAX];
    struct error error;
    bool decoded = true;

    transcript_start(&transcript, text_word(rest));
    for (; more(rest); count++) {
        if (count == ROWS_MAX)
            fail("too many values");
        values[count] = number_word(rest);
        decoded = scalar_word(rest, &blindings[count]) && decoded;
    }
    if (!decoded ||
        range_proof_make(&transcript, bits, values, blindings, count, commitments, proof, &error) != OK) {
        refused();
        return;
    }
    for (size_t i = 0; i < count; i++) {
        uint8_t bytes[POINT_SIZE];
        struct point expected;

        pedersen_commit(&expected, values[i], &blindings[i]);
        point_encode(bytes, &expected);
        if (memcmp(bytes, commitments[i], sizeof bytes) != 0)
            fail("the prover's commitment is another");
    }
    char hex[2 * RANGE_PROOF_SIZE_MAX + 1];
    hex_text(hex, proof, range_proof_size(bits, count));
    printf("%s ", hex);
    answer_after(&transcript);
}

/* A claim with `count` commitments from the words; false when one has another size. */
static bool claim_words(char **rest, struct range_claim *claim, size_t count)
{
    uint8_t(*commitments)[POINT_SIZE] = arena_new(&words, (count + 1) * POINT_SIZE);
    bool sized = true;

    for (size_t i = 0; i < count; i++) {
        struct bytes bytes = bytes_word(rest);

        if (bytes.size == POINT_SIZE)
            memcpy(commitments[i], bytes.data, POINT_SIZE);
        else
            sized = false;
    }
    claim->commitments = (const uint8_t(*)[POINT_SIZE])commitments;
    claim->count = count;
    return sized;
}

static size_t words_left(const char *rest)
{
    size_t count = rest != NULL && rest[0] != '\0' && rest[0] != '\n';

    for (; count > 0 && *rest != '\0'; rest++)
        count += *rest == ' ';
    return count;
}

static void range_verify(char **rest, bool going_on)
{
    struct transcript transcript, after;
    struct range_claim claim = { .transcript = &transcript, .bits = count_word(rest, ROWS_MAX) };
    struct error error;
    size_t bad;

    transcript_start(&transcript, text_word(rest));
    claim.proof = bytes_word(rest);
    if (!claim_words(rest, &claim, words_left(*rest))) {
        answer_verdict(false);
        return;
    }
    enum status single = range_proof_verify(&claim, &after, &error);
    if (range_proofs_verify(&claim, 1, &bad, &error) != single)
        fail("a batch of one is judged otherwise than the one");
    if (single == OK && going_on)
        answer_after(&after);
    else
        answer_verdict(single == OK);
}

static void range_batch(char **rest)
{
    size_t bits = count_word(rest, ROWS_MAX), bad;
    struct transcript transcript;
    struct range_claim claims[ROWS_MAX];
    struct error error;
    bool sized = true;

    transcript_start(&transcript, text_word(rest));
    size_t count = count_word(rest, ROWS_MAX);
    for (size_t i = 0; i < count; i++) {
        claims[i] = (struct range_claim){ .transcript = &transcript, .bits = bits };
        claims[i].proof = bytes_word(rest);
        sized = claim_words(rest, &claims[i], 1) && sized;
    }
    answer_verdict(sized && range_proofs_verify(claims, count, &bad, &error) == OK);
}

static bool range_question(const char *what, char **rest)
{
    if (strcmp(what, "commit") == 0)
        commit(rest);
    else if (strcmp(what, "range_generator") == 0)
        range_generator(rest);
    else if (strcmp(what, "range_prove") == 0)
        range_prove(rest);
    else if (strcmp(what, "range_verify") == 0)
        range_verify(rest, false);
    else if (strcmp(what, "range_after") == 0)
        range_verify(rest, true);
    else if (strcmp(what, "range_batch") == 0)
        range_batch(rest);
    else
        return false;
    return true;
}

/* --- BIP-340 signatures and half-aggregation ---------------------------------------------------------- */

static void half_question_add(char **rest, struct bytes aggregate, size_t had, bool at_once)
{
    struct signed_message messages[ROWS_MAX];
    struct signature signatures[ROWS_MAX];
    struct error error;
    size_t count = 0, bad;

    for (; more(rest); count++) {
        if (count == ROWS_MAX)
            fail("too many signatures");
        fixed_word(rest, messages[count].account.bytes, sizeof messages[count].account.bytes);
        fixed_word(rest, messages[count].message.bytes, sizeof messages[count].message.bytes);
        if (count >= had)
            fixed_word(rest, signatures[count - had].bytes, sizeof signatures[count - had].bytes);
    }
    uint8_t *out = arena_new(&words, half_aggregate_size(count));
    enum status status =
        at_once ? half_aggregate_make(messages, signatures, count, out, &bad, &error)
                : half_aggregate_add(aggregate, messages, had, signatures, count - had, out, &bad, &error);
    if (status == OK)
        answer_bytes(out, half_aggregate_size(count));
    else
        refused();
}

static void half_verify(char **rest)
{
    struct bytes aggregate = bytes_word(rest);
    struct signed_message messages[ROWS_MAX];
    struct error error;
    size_t count = 0;

    for (; more(rest); count++) {
        if (count == ROWS_MAX)
            fail("too many messages");
        fixed_word(rest, messages[count].account.bytes, sizeof messages[count].account.bytes);
        fixed_word(rest, messages[count].message.bytes, sizeof messages[count].message.bytes);
    }
    answer_verdict(half_aggregate_verify(aggregate, messages, count, &error) == OK);
}

static void signatures(char **rest)
{
    struct signature_check *checks = arena_new(&words, ROWS_MAX * sizeof *checks);
    size_t count = 0;

    for (; more(rest); count++) {
        if (count == ROWS_MAX)
            fail("too many signatures");
        fixed_word(rest, checks[count].account.bytes, sizeof checks[count].account.bytes);
        checks[count].message = bytes_word(rest);
        fixed_word(rest, checks[count].signature.bytes, sizeof checks[count].signature.bytes);
    }
    bool all = signatures_verify(NULL, checks, count), found = true;
    for (size_t i = 0; i < count; i++) {
        printf("%s ", checks[i].holds ? "yes" : "no");
        found = found && checks[i].holds;
    }
    if (all != found)
        fail("the verdict on all is not the sum of the verdicts");
    answer_verdict(all);
}

static bool half_question(const char *what, char **rest)
{
    if (strcmp(what, "half_aggregate") == 0) {
        half_question_add(rest, (struct bytes){ 0 }, 0, true);
    } else if (strcmp(what, "half_extend") == 0) {
        struct bytes aggregate = bytes_word(rest);
        half_question_add(rest, aggregate, count_word(rest, ROWS_MAX), false);
    } else if (strcmp(what, "signatures") == 0) {
        signatures(rest);
    } else if (strcmp(what, "half_verify") == 0) {
        half_verify(rest);
    } else {
        return false;
    }
    return true;
}

static bool question(const char *what, char **rest)
{
    return hash_question(what, rest) || merlin_question(what, rest) || nonces_question(what, rest) ||
           scalar_question(what, rest) || element_question(what, rest) || range_question(what, rest) ||
           half_question(what, rest) || ring_question(what, rest) || pairing_question(what, rest);
}

int main(void)
{
    crypto_start();
    questions_answer(question);
    return 0;
}
