/* Claims and proofs made for tests: see test_proving.h. */
#include "proof/groth16.h"
#include "proof/half_aggregate.h"
#include "proof/pedersen.h"
#include "proof/range_proof.h"
#include "proof/ring.h"
#include "test_proving.h"

#define MEMBERS 4
#define SIGNER 2
#define SIGNATURES 3
#define RANGE_BITS 8
#define RANGE_VALUES 2

static void begin(struct made *made, enum claim_system system, const char *chain, const char *purpose)
{
    memset(made, 0, sizeof *made);
    assert_true(strlen(chain) < sizeof made->chain && strlen(purpose) < sizeof made->purpose);
    strcpy(made->chain, chain);
    strcpy(made->purpose, purpose);
    made->claim = (struct claim){ .system = system, .chain = made->chain, .purpose = made->purpose,
                                  .binding = CLAIM_NOT_BOUND };
}

void made_range(struct made *made, const char *chain, const char *purpose, unsigned variant)
{
    const uint64_t values[RANGE_VALUES] = { variant % 256, 255 };
    struct scalar blindings[RANGE_VALUES];
    struct transcript transcript;
    struct error error;

    begin(made, CLAIM_RANGE, chain, purpose);
    for (size_t i = 0; i < RANGE_VALUES; i++)
        scalar_random(&blindings[i]);
    transcript_start(&transcript, CLAIM_RANGE_LABEL);
    transcript_bind(&transcript, chain, purpose);
    assert_int_equal(range_proof_make(&transcript, RANGE_BITS, values, blindings, RANGE_VALUES,
                                      (uint8_t(*)[POINT_SIZE])made->first, made->proof, &error),
                     OK);
    made->proof_size = range_proof_size(RANGE_BITS, RANGE_VALUES);
    made->claim.bits = RANGE_BITS;
    made->claim.commitments = bytes_of(made->first, (size_t)RANGE_VALUES * POINT_SIZE);
}

void made_half_aggregate(struct made *made, const char *chain, const char *purpose, unsigned variant)
{
    struct signed_message messages[SIGNATURES];
    struct signature signatures[SIGNATURES];
    struct error error;
    size_t bad;

    begin(made, CLAIM_HALF_AGGREGATE, chain, purpose);
    for (size_t i = 0; i < SIGNATURES; i++) {
        struct secret_key *key CLEANUP(secret_free_pointer) = secret_new(sizeof *key);

        secret_key_generate(key);
        assert_true(secret_key_account(key, &messages[i].account));
        memcpy(made->first + i * CLAIM_PIECE, messages[i].account.bytes, CLAIM_PIECE);
        memset(made->second + i * CLAIM_PIECE, (int)(variant + i), CLAIM_PIECE);
        claim_bound_message(chain, purpose, made->second + i * CLAIM_PIECE, &messages[i].message);
        assert_true(schnorr_sign(key, &messages[i].message, NULL, &signatures[i]));
    }
    assert_int_equal(half_aggregate_make(messages, signatures, SIGNATURES, made->proof, &bad, &error), OK);
    made->proof_size = half_aggregate_size(SIGNATURES);
    made->claim.keys = bytes_of(made->first, (size_t)SIGNATURES * CLAIM_PIECE);
    made->claim.messages = bytes_of(made->second, (size_t)SIGNATURES * CLAIM_PIECE);
}

void made_ring(struct made *made, const char *chain, const char *purpose, unsigned variant)
{
    struct ring_member members[MEMBERS] = { 0 };
    uint8_t secrets[MEMBERS][SCALAR_SIZE] = { 0 };
    struct ring_signer signer = { .index = SIGNER, .secret = secrets[SIGNER] };
    struct ring ring = { .members = members, .count = MEMBERS };
    struct transcript transcript;
    struct error error;

    begin(made, CLAIM_RING, chain, purpose);
    for (size_t i = 0; i < MEMBERS; i++) {
        secrets[i][0] = (uint8_t)(i + 1); /* the same keys in every variant: one image */
        assert_true(ring_key(secrets[i], members[i].key));
        memcpy(made->first + i * CLAIM_PIECE, members[i].key, CLAIM_PIECE);
    }
    put_be32(made->second, variant);
    ring.message = bytes_of(made->second, 4);
    transcript_start(&transcript, CLAIM_RING_LABEL);
    transcript_bind(&transcript, chain, purpose);
    assert_int_equal(ring_sign(&transcript, &ring, &signer, made->proof, &error), OK);
    made->proof_size = RING_LINKABLE_SIZE(MEMBERS);
    made->claim.keys = bytes_of(made->first, (size_t)MEMBERS * CLAIM_PIECE);
    made->claim.message = ring.message;
}

/* --- Groth16 by the trapdoor -------------------------------------------------------------------- */
static void g1_of(struct g1_affine *out, const struct fr *factor)
{
    struct fr_plain plain;
    struct g1 point;

    fr_to_plain(&plain, factor);
    g1_multiply(&point, &g1_generator, &plain);
    g1_to_affine(out, &point);
}

static void g2_of(struct g2_affine *out, const struct fr *factor)
{
    struct fr_plain plain;
    struct g2 point;

    fr_to_plain(&plain, factor);
    g2_multiply(&point, &g2_generator, &plain);
    g2_to_affine(out, &point);
}

/* A·B = alpha·beta + gamma·(ic0 + Σ inputs·ic) + delta·C, all in the exponent. */
void made_groth16(struct made *made, const char *chain, const char *purpose, unsigned variant, bool bound)
{
    struct fr alpha, beta, gamma, delta, ic[MADE_INPUTS + 1], a, b, c, input, sum, product;
    struct buffer encoded CLEANUP(buffer_close) = { 0 };
    struct g1_affine points[MADE_INPUTS + 1];
    struct groth16_key key = { .public_count = MADE_INPUTS, .ic = points };
    struct groth16_proof proof;
    struct hash binding;

    begin(made, CLAIM_GROTH16, chain, purpose);
    fr_set(&alpha, 3);
    fr_set(&beta, 5);
    fr_set(&gamma, 7);
    fr_set(&delta, 11);
    g1_of(&key.alpha, &alpha);
    g2_of(&key.beta, &beta);
    g2_of(&key.gamma, &gamma);
    g2_of(&key.delta, &delta);
    claim_binding(chain, purpose, &binding);
    sum = fr_zero;
    for (size_t i = 0; i <= MADE_INPUTS; i++) {
        fr_set(&ic[i], 13 + i);
        g1_of(&points[i], &ic[i]);
        product = ic[i];
        if (i > 0) {
            fr_set(&input, 1000 * variant + i);
            if (bound && i - 1 == MADE_BINDING)
                assert_true(fr_from_bytes(&input, binding.bytes));
            fr_to_bytes(made->second + (i - 1) * CLAIM_PIECE, &input);
            fr_multiply(&product, &product, &input);
        }
        fr_add(&sum, &sum, &product);
    }
    fr_multiply(&sum, &sum, &gamma);
    fr_multiply(&product, &alpha, &beta);
    fr_add(&sum, &sum, &product);
    fr_set(&a, 17 + variant);
    fr_set(&b, 19);
    fr_multiply(&product, &a, &b);
    fr_subtract(&c, &product, &sum);
    fr_invert(&product, &delta);
    fr_multiply(&c, &c, &product);
    g1_of(&proof.a, &a);
    g2_of(&proof.b, &b);
    g1_of(&proof.c, &c);
    groth16_proof_encode(&proof, made->proof);
    made->proof_size = GROTH16_PROOF_BYTES;
    buffer_init(&encoded);
    groth16_key_encode(&key, &encoded);
    assert_true(encoded.size <= sizeof made->first);
    memcpy(made->first, encoded.data, encoded.size);
    made->claim.key = bytes_of(made->first, encoded.size);
    made->claim.inputs = bytes_of(made->second, (size_t)MADE_INPUTS * CLAIM_PIECE);
    made->claim.binding = bound ? MADE_BINDING : CLAIM_NOT_BOUND;
}

void made_of(struct made *made, enum claim_system system, const char *chain, const char *purpose,
             unsigned variant)
{
    switch (system) {
    case CLAIM_GROTH16:
        made_groth16(made, chain, purpose, variant, true);
        break;
    case CLAIM_HALF_AGGREGATE:
        made_half_aggregate(made, chain, purpose, variant);
        break;
    case CLAIM_RANGE:
        made_range(made, chain, purpose, variant);
        break;
    case CLAIM_RING:
        made_ring(made, chain, purpose, variant);
        break;
    }
}

struct bytes made_proof(const struct made *made)
{
    return bytes_of(made->proof, made->proof_size);
}

enum status made_verify(const struct made *made)
{
    struct error error;

    return claim_verify(&made->claim, made_proof(made), NULL, &error);
}

static void set_bytes(json_t *params, const char *name, struct bytes bytes)
{
    char *text AUTO_FREE = memory_new(2 * bytes.size + 1);

    if (bytes.size == 0)
        return;
    hex_text(text, bytes.data, bytes.size);
    json_object_set_new(params, name, json_string(text));
}

json_t *made_params(const struct made *made)
{
    const struct claim *claim = &made->claim;
    json_t *params = json_object();

    json_object_set_new(params, "system", json_string(claim_systems[claim->system]));
    json_object_set_new(params, "purpose", json_string(claim->purpose));
    set_bytes(params, "proof", made_proof(made));
    if (claim->bits != 0)
        json_object_set_new(params, "bits", json_integer((json_int_t)claim->bits));
    set_bytes(params, "commitments", claim->commitments);
    set_bytes(params, "keys", claim->keys);
    set_bytes(params, "messages", claim->messages);
    set_bytes(params, "message", claim->message);
    set_bytes(params, "key", claim->key);
    set_bytes(params, "inputs", claim->inputs);
    if (claim->binding != CLAIM_NOT_BOUND)
        json_object_set_new(params, "binding", json_integer((json_int_t)claim->binding));
    return params;
}
