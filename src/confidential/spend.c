/* The statement goes into one transcript; the range proof goes on from it, and each ring signs a fork of
 * what is left: see spend.h. */
#include "confidential/spend.h"

#include <sodium.h>
#include <string.h>

#include "proof/pedersen.h"
#include "proof/secret.h"

bool note_point_valid(const uint8_t in[POINT_SIZE])
{
    struct point point;

    return point_decode(&point, in) && !point_is_identity(&point);
}

void note_commit_public(uint64_t amount, uint8_t commitment[POINT_SIZE])
{
    struct scalar scalar;
    struct point point;

    scalar_from_u64(&scalar, amount);
    points_multiply_public(&point, &scalar, point_base(), 1);
    point_encode(commitment, &point);
}

static enum status check_counts(const struct spend *s, struct error *error)
{
    if (s->input_count < 1 || s->input_count > SPEND_INPUTS_MAX)
        return error_set(error, ERROR_LIMIT, "%zu inputs; expected 1 to %d", s->input_count,
                         SPEND_INPUTS_MAX);
    if (range_proof_size(SPEND_BITS, s->output_count) == 0)
        return error_set(error, ERROR_LIMIT, "%zu outputs; expected 1, 2, 4, 8 or %d", s->output_count,
                         SPEND_OUTPUTS_MAX);
    return OK;
}

/* Of one size, so that no input is hidden worse than the others. */
static enum status check_rings(const struct spend *s, struct error *error)
{
    for (size_t i = 0; i < s->input_count; i++) {
        size_t count = s->inputs[i].count;

        if (count < RING_MEMBERS_MIN || count > RING_MEMBERS_MAX || count != s->inputs[0].count)
            return error_set(error, ERROR_LIMIT,
                             "input %zu has a ring of %zu; expected %d to %d, all of one size", i, count,
                             RING_MEMBERS_MIN, RING_MEMBERS_MAX);
    }
    return OK;
}

static enum status check_twice(const struct spend *s, struct error *error)
{
    for (size_t i = 0; i < s->input_count; i++) {
        if (s->inputs[i].signature.size < RING_IMAGE_SIZE)
            return error_set(error, ERROR_MALFORMED_PROOF, "the signature of input %zu has %zu bytes", i,
                             s->inputs[i].signature.size);
        for (size_t j = 0; j < i; j++) {
            if (memcmp(s->inputs[i].signature.data, s->inputs[j].signature.data, RING_IMAGE_SIZE) == 0)
                return error_set(error, ERROR_MALFORMED_PROOF, "inputs %zu and %zu spend one note", j, i);
        }
    }
    for (size_t i = 0; i < s->output_count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (memcmp(s->outputs[i].key, s->outputs[j].key, POINT_SIZE) == 0)
                return error_set(error, ERROR_MALFORMED_PROOF, "outputs %zu and %zu have one key", j, i);
        }
    }
    return OK;
}

/* --- the statement ------------------------------------------------------------------------------------ */

static void append_inputs(struct transcript *t, const struct spend *s)
{
    transcript_append_u64(t, "inputs", s->input_count);
    for (size_t i = 0; i < s->input_count; i++) {
        const struct spend_input *input = &s->inputs[i];

        transcript_append_u64(t, "members", input->count);
        for (size_t member = 0; member < input->count; member++) {
            transcript_append(t, "P", input->members[member].key, POINT_SIZE);
            transcript_append(t, "C", input->members[member].commitment, POINT_SIZE);
        }
        transcript_append(t, "pseudo", input->pseudo, POINT_SIZE);
    }
}

static void append_outputs(struct transcript *t, const struct spend *s)
{
    transcript_append_u64(t, "outputs", s->output_count);
    for (size_t i = 0; i < s->output_count; i++) {
        transcript_append(t, "key", s->outputs[i].key, POINT_SIZE);
        transcript_append(t, "commitment", s->outputs[i].commitment, POINT_SIZE);
        transcript_append(t, "sealed", s->outputs[i].sealed, NOTE_SEALED_SIZE);
    }
}

/* All but what the range proof and the rings add. `images`: RING_IMAGE_SIZE bytes for each input. */
static void begin(struct transcript *t, const struct spend *s, const uint8_t (*images)[RING_IMAGE_SIZE])
{
    transcript_start(t, "layerd confidential v1");
    transcript_bind(t, s->chain, s->purpose);
    transcript_append(t, "asset", s->asset.bytes, sizeof s->asset.bytes);
    append_inputs(t, s);
    for (size_t i = 0; i < s->input_count; i++)
        transcript_append(t, "image", images[i], RING_IMAGE_SIZE);
    append_outputs(t, s);
    transcript_append_u64(t, "amount", s->amount);
    transcript_append(t, "recipient", s->recipient.bytes, sizeof s->recipient.bytes);
}

static struct transcript ring_transcript(const struct transcript *after, size_t input)
{
    struct transcript fork = *after;

    transcript_append_u64(&fork, "input", input);
    return fork;
}

/* --- verifying ---------------------------------------------------------------------------------------- */

static enum status add_point(struct point *sum, const uint8_t in[POINT_SIZE], const char *name, size_t index,
                             struct error *error)
{
    struct point point;

    if (!point_decode(&point, in))
        return error_set(error, ERROR_MALFORMED_PROOF, "the %s %zu is not the encoding of a point", name,
                         index);
    point_add(sum, sum, &point);
    return OK;
}

static enum status check_sums(const struct spend *s, struct error *error)
{
    struct point in = *point_identity(), out;
    struct scalar amount;

    scalar_from_u64(&amount, s->amount);
    points_multiply_public(&out, &amount, point_base(), 1);
    for (size_t i = 0; i < s->input_count; i++)
        TRY(add_point(&in, s->inputs[i].pseudo, "pseudo commitment", i, error));
    for (size_t i = 0; i < s->output_count; i++)
        TRY(add_point(&out, s->outputs[i].commitment, "commitment of output", i, error));
    if (!point_equal(&in, &out))
        return error_set(error, ERROR_INVALID_PROOF, "what goes in is not what comes out");
    return OK;
}

/* Range proofs take the identity as a commitment, and rings do not: such a note would spoil every ring that
 * somebody puts it into, and could never be spent. */
static enum status check_notes(const struct spend *s, struct error *error)
{
    for (size_t i = 0; i < s->output_count; i++) {
        if (!note_point_valid(s->outputs[i].key))
            return error_set(error, ERROR_MALFORMED_PROOF, "the key of output %zu is not one", i);
        if (!note_point_valid(s->outputs[i].commitment))
            return error_set(error, ERROR_MALFORMED_PROOF, "the commitment of output %zu is not one", i);
    }
    return OK;
}

static enum status check_range(const struct spend *s, const struct transcript *statement,
                               struct transcript *after, struct error *error)
{
    uint8_t commitments[SPEND_OUTPUTS_MAX][POINT_SIZE];
    const struct range_claim claim = { .transcript = statement, .bits = SPEND_BITS, .count = s->output_count,
                                       .commitments = (const uint8_t (*)[POINT_SIZE])commitments,
                                       .proof = s->range_proof };

    for (size_t i = 0; i < s->output_count; i++)
        memcpy(commitments[i], s->outputs[i].commitment, POINT_SIZE);
    TRY(range_proof_verify(&claim, after, error));
    transcript_append(after, "range", s->range_proof.data, s->range_proof.size);
    return OK;
}

static struct ring ring_of(const struct spend_input *input)
{
    return (struct ring){ input->members, input->count, input->pseudo, { NULL, 0 } };
}

enum status spend_verify(const struct spend *s, struct error *error)
{
    uint8_t images[SPEND_INPUTS_MAX][RING_IMAGE_SIZE];
    struct transcript statement, after;

    TRY(check_counts(s, error));
    TRY(check_rings(s, error));
    TRY(check_twice(s, error));
    TRY(check_notes(s, error));
    TRY(check_sums(s, error));
    for (size_t i = 0; i < s->input_count; i++)
        memcpy(images[i], s->inputs[i].signature.data, RING_IMAGE_SIZE);
    begin(&statement, s, (const uint8_t (*)[RING_IMAGE_SIZE])images);
    TRY(check_range(s, &statement, &after, error));
    for (size_t i = 0; i < s->input_count; i++) {
        struct transcript transcript = ring_transcript(&after, i);
        const struct ring ring = ring_of(&s->inputs[i]);

        TRY(ring_verify(&transcript, &ring, s->inputs[i].signature, error));
    }
    return OK;
}

/* --- making one --------------------------------------------------------------------------------------- */

static enum status check_amounts(const struct spend *terms, const struct spend_source *sources,
                                 size_t source_count, const struct spend_target *targets, size_t target_count,
                                 struct error *error)
{
    unsigned __int128 in = 0, out = terms->amount;
    bool same;

    for (size_t i = 0; i < source_count; i++)
        in += sources[i].amount;
    for (size_t i = 0; i < target_count; i++)
        out += targets[i].amount;
    same = in == out;
    secret_published(&same, sizeof same);
    if (!same)
        return error_set(error, ERROR_NOT_PROVABLE, "what goes in is not what comes out");
    return OK;
}

/* Blindings of the pseudo commitments: random, but that their sum is that of the outputs. */
static void choose_blindings(const struct spend_target *targets, size_t target_count,
                             struct scalar *blindings, size_t count)
{
    struct scalar left = scalar_zero;

    for (size_t i = 0; i < target_count; i++)
        scalar_add(&left, &left, &targets[i].blinding);
    for (size_t i = 0; i + 1 < count; i++) {
        scalar_random(&blindings[i]);
        scalar_subtract(&left, &left, &blindings[i]);
    }
    blindings[count - 1] = left;
    scalar_wipe(&left);
}

static void commit(uint8_t out[POINT_SIZE], uint64_t amount, const struct scalar *blinding)
{
    struct point point;

    pedersen_commit(&point, amount, blinding);
    point_encode(out, &point);
    secret_published(out, POINT_SIZE);
}

static enum status make_range(const struct spend_target *targets, size_t count, struct transcript *transcript,
                              struct spend_made *made, struct error *error)
{
    uint8_t commitments[SPEND_OUTPUTS_MAX][POINT_SIZE];
    struct scalar blindings[SPEND_OUTPUTS_MAX];
    uint64_t values[SPEND_OUTPUTS_MAX];
    enum status status;

    for (size_t i = 0; i < count; i++) {
        values[i] = targets[i].amount;
        blindings[i] = targets[i].blinding;
    }
    status = range_proof_make(transcript, SPEND_BITS, values, blindings, count, commitments,
                              made->range_proof, error);
    for (size_t i = 0; i < count; i++) {
        scalar_wipe(&blindings[i]);
        values[i] = 0;
    }
    return status;
}

static enum status sign(const struct spend_source *source, const struct spend_input *input,
                        const struct scalar *pseudo_blinding, struct transcript *transcript,
                        uint8_t *signature, struct error *error)
{
    const struct ring ring = ring_of(input);
    uint8_t encoded[SCALAR_SIZE];
    const struct ring_signer signer = { .index = source->index, .secret = source->secret,
                                        .difference = encoded };
    struct scalar difference;
    enum status status;

    scalar_subtract(&difference, &source->blinding, pseudo_blinding);
    scalar_encode(encoded, &difference);
    status = ring_sign(transcript, &ring, &signer, signature, error);
    scalar_wipe(&difference);
    sodium_memzero(encoded, sizeof encoded);
    return status;
}

static enum status prove(struct spend_made *made, const struct spend_source *sources,
                         const struct spend_target *targets, const struct scalar *blindings,
                         struct error *error)
{
    uint8_t images[SPEND_INPUTS_MAX][RING_IMAGE_SIZE];
    struct transcript transcript;

    for (size_t i = 0; i < made->spend.input_count; i++) {
        commit(made->inputs[i].pseudo, sources[i].amount, &blindings[i]);
        if (!ring_image(sources[i].secret, images[i]))
            return error_set(error, ERROR_NOT_PROVABLE, "the secret of input %zu is none", i);
    }
    for (size_t i = 0; i < made->spend.output_count; i++)
        commit(made->outputs[i].commitment, targets[i].amount, &targets[i].blinding);
    begin(&transcript, &made->spend, (const uint8_t (*)[RING_IMAGE_SIZE])images);
    TRY(make_range(targets, made->spend.output_count, &transcript, made, error));
    transcript_append(&transcript, "range", made->range_proof, made->spend.range_proof.size);
    for (size_t i = 0; i < made->spend.input_count; i++) {
        struct transcript fork = ring_transcript(&transcript, i);

        TRY(sign(&sources[i], &made->inputs[i], &blindings[i], &fork, made->signatures[i], error));
    }
    return spend_verify(&made->spend, error);
}

enum status spend_make(const struct spend *terms, const struct spend_source *sources, size_t source_count,
                       const struct spend_target *targets, size_t target_count, struct spend_made *made,
                       struct error *error)
{
    struct scalar blindings[SPEND_INPUTS_MAX];
    enum status status;

    made->spend = *terms;
    made->spend.inputs = made->inputs;
    made->spend.input_count = source_count;
    made->spend.outputs = made->outputs;
    made->spend.output_count = target_count;
    TRY(check_counts(&made->spend, error));
    TRY(check_amounts(terms, sources, source_count, targets, target_count, error));
    made->spend.range_proof = (struct bytes){ made->range_proof, range_proof_size(SPEND_BITS, target_count) };
    for (size_t i = 0; i < source_count; i++) {
        made->inputs[i].members = sources[i].members;
        made->inputs[i].count = sources[i].count;
        made->inputs[i].signature = (struct bytes){ made->signatures[i],
                                                    RING_CONFIDENTIAL_SIZE(sources[i].count) };
    }
    TRY(check_rings(&made->spend, error));
    for (size_t i = 0; i < target_count; i++) {
        memcpy(made->outputs[i].key, targets[i].key, POINT_SIZE);
        memcpy(made->outputs[i].sealed, targets[i].sealed, NOTE_SEALED_SIZE);
    }
    choose_blindings(targets, target_count, blindings, source_count);
    status = prove(made, sources, targets, blindings, error);
    for (size_t i = 0; i < source_count; i++)
        scalar_wipe(&blindings[i]);
    return status;
}
