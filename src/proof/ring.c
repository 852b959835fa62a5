/* Both kinds of rings by one text: a linkable ring is a confidential one in which keys weigh 1, commitments
 * nothing. Names in comments are those of tests/unit/proof/rings.md. */
#include "proof/ring.h"

#include <pthread.h>
#include <string.h>

#include "crypto/schnorr.h"
#include "proof/keccak.h"
#include "proof/pedersen.h"
#include "proof/secret.h"

#define IMAGE_LABEL "layerd ring image base v1"

/* What all signatures of one statement share: the ring decoded, and the transcript after the statement. It is
 * public. */
struct statement {
    size_t count;
    bool confidential;
    struct point keys[RING_MEMBERS_MAX];
    struct point differences[RING_MEMBERS_MAX]; /* C_i − C' */
    struct scalar key_weight, difference_weight; /* mu_P, mu_C */
    struct point image;                          /* W~: what responses are tied to */
    struct transcript transcript;
};

/* --- K ------------------------------------------------------------------------------------------------ */

static pthread_once_t base_made = PTHREAD_ONCE_INIT;
static struct fixed_points *base_table; /* K alone; kept until the process ends */

static void base_make(void)
{
    base_table = fixed_points_new(pedersen_blinding_base(), 1, 1);
}

static void base_multiply(struct point *out, const struct scalar *scalar)
{
    pedersen_commit_scalar(out, &scalar_zero, scalar);
}

/* Hp(P) */
static void image_base(struct point *out, const uint8_t key[POINT_SIZE])
{
    uint8_t input[sizeof(IMAGE_LABEL) - 1 + POINT_SIZE], uniform[POINT_UNIFORM_SIZE];

    memcpy(input, IMAGE_LABEL, sizeof(IMAGE_LABEL) - 1);
    memcpy(input + sizeof(IMAGE_LABEL) - 1, key, POINT_SIZE);
    sha3_512(uniform, input, sizeof input);
    point_from_uniform(out, uniform);
}

static bool secret_decode(struct scalar *out, const uint8_t secret[SCALAR_SIZE])
{
    bool taken = scalar_decode(out, secret);

    secret_published(&taken, sizeof taken);
    if (!taken)
        return false;
    taken = !scalar_is_zero(out);
    secret_published(&taken, sizeof taken);
    return taken;
}

bool ring_key(const uint8_t secret[SCALAR_SIZE], uint8_t key[POINT_SIZE])
{
    struct scalar x;
    struct point point;

    if (!secret_decode(&x, secret))
        return false;
    base_multiply(&point, &x);
    point_encode(key, &point);
    secret_published(key, POINT_SIZE);
    point_wipe(&point);
    scalar_wipe(&x);
    return true;
}

static void image_of(const struct scalar *x, const uint8_t key[POINT_SIZE], struct point *image)
{
    struct point base;

    image_base(&base, key);
    point_multiply(image, x, &base);
}

bool ring_image(const uint8_t secret[SCALAR_SIZE], uint8_t image[RING_IMAGE_SIZE])
{
    uint8_t key[POINT_SIZE];
    struct scalar x;
    struct point point;

    if (!ring_key(secret, key) || !secret_decode(&x, secret))
        return false;
    image_of(&x, key, &point);
    point_encode(image, &point);
    secret_published(image, RING_IMAGE_SIZE);
    point_wipe(&point);
    scalar_wipe(&x);
    return true;
}

/* --- the statement ------------------------------------------------------------------------------------ */

static enum status read_point(struct point *out, const uint8_t in[POINT_SIZE], const char *name,
                              struct error *error)
{
    if (!point_decode(out, in))
        return error_set(error, ERROR_MALFORMED_PROOF, "%s is not the encoding of a point", name);
    if (point_is_identity(out))
        return error_set(error, ERROR_MALFORMED_PROOF, "%s is the identity", name);
    return OK;
}

static enum status read_members(struct statement *s, const struct ring *ring, struct error *error)
{
    struct point pseudo;

    if (ring->count < RING_MEMBERS_MIN || ring->count > RING_MEMBERS_MAX)
        return error_set(error, ERROR_LIMIT, "a ring of %zu members; expected %d to %d", ring->count,
                         RING_MEMBERS_MIN, RING_MEMBERS_MAX);
    s->count = ring->count;
    s->confidential = ring->pseudo != NULL;
    if (s->confidential)
        TRY(read_point(&pseudo, ring->pseudo, "the pseudo commitment", error));
    for (size_t i = 0; i < ring->count; i++) {
        TRY(read_point(&s->keys[i], ring->members[i].key, "a member's key", error));
        for (size_t j = 0; j < i; j++) {
            if (memcmp(ring->members[i].key, ring->members[j].key, POINT_SIZE) == 0)
                return error_set(error, ERROR_MALFORMED_PROOF, "members %zu and %zu have one key", j, i);
        }
        if (!s->confidential)
            continue;
        TRY(read_point(&s->differences[i], ring->members[i].commitment, "a member's commitment", error));
        if (memcmp(ring->members[i].commitment, ring->pseudo, POINT_SIZE) == 0)
            return error_set(error, ERROR_MALFORMED_PROOF, "the commitment of member %zu is the pseudo one",
                             i);
        point_subtract(&s->differences[i], &s->differences[i], &pseudo);
    }
    return OK;
}

/* Puts the statement into the transcript, and draws what it weighs with. `tied`: D; not looked at in linkable
 * rings. */
static void begin(struct statement *s, const struct transcript *transcript, const struct ring *ring,
                  const uint8_t image[POINT_SIZE], const uint8_t *tied)
{
    struct transcript *t = &s->transcript;

    *t = *transcript;
    transcript_append_text(t, "dom-sep",
                           s->confidential ? "layerd ring confidential v1" : "layerd ring linkable v1");
    transcript_append_u64(t, "n", s->count);
    for (size_t i = 0; i < s->count; i++) {
        transcript_append(t, "P", ring->members[i].key, POINT_SIZE);
        if (s->confidential)
            transcript_append(t, "C", ring->members[i].commitment, POINT_SIZE);
    }
    if (s->confidential)
        transcript_append(t, "pseudo", ring->pseudo, POINT_SIZE);
    transcript_append(t, "I", image, POINT_SIZE);
    if (s->confidential)
        transcript_append(t, "D", tied, POINT_SIZE);
    transcript_append(t, "m", ring->message.data, ring->message.size);
    s->key_weight = scalar_one;
    s->difference_weight = scalar_zero;
    if (s->confidential) {
        transcript_challenge_scalar(t, "mu_P", &s->key_weight);
        transcript_challenge_scalar(t, "mu_C", &s->difference_weight);
    }
}

/* W~ = mu_P·I + mu_C·D; in linkable rings I. */
static void tie_image(struct statement *s, const struct point *image, const struct point *tied)
{
    const struct scalar weights[2] = { s->key_weight, s->difference_weight };
    const struct point points[2] = { *image, *tied };

    s->image = *image;
    if (s->confidential)
        points_multiply_public(&s->image, weights, points, 2);
}

/* --- one member --------------------------------------------------------------------------------------- */

/* The challenge for the member after the one that L and R are of. */
static void step(const struct statement *s, const struct point *left, const struct point *right,
                 struct scalar *challenge)
{
    struct transcript fork = s->transcript;

    transcript_append_point(&fork, "L", left);
    transcript_append_point(&fork, "R", right);
    transcript_challenge_scalar(&fork, "c", challenge);
}

/* L = response·K + challenge·W_i, R = response·Hp(P_i) + challenge·W~; the challenge becomes the next one. */
static void go_on(const struct statement *s, const struct ring *ring, size_t i, const struct scalar *response,
                  struct scalar *challenge)
{
    const struct fixed_run run = { 0, 1, response };
    struct scalar scalars[2];
    struct point points[2], left, right;

    pthread_once(&base_made, base_make);
    points[0] = s->keys[i];
    scalar_multiply(&scalars[0], challenge, &s->key_weight);
    if (s->confidential) {
        points[1] = s->differences[i];
        scalar_multiply(&scalars[1], challenge, &s->difference_weight);
    }
    points_multiply_public_fixed(&left, scalars, points, s->confidential ? 2 : 1, base_table, &run, 1);
    scalars[0] = *response;
    scalars[1] = *challenge;
    image_base(&points[0], ring->members[i].key);
    points[1] = s->image;
    points_multiply_public(&right, scalars, points, 2);
    step(s, &left, &right, challenge);
}

/* --- verifying ---------------------------------------------------------------------------------------- */

static enum status check_size(const struct ring *ring, size_t size, struct error *error)
{
    size_t expected = ring->pseudo != NULL ? RING_CONFIDENTIAL_SIZE(ring->count)
                                           : RING_LINKABLE_SIZE(ring->count);

    if (size != expected)
        return error_set(error, ERROR_MALFORMED_PROOF, "a ring signature of %zu bytes; expected %zu", size,
                         expected);
    return OK;
}

static enum status read_responses(const struct statement *s, const uint8_t *from, struct scalar *responses,
                                  struct error *error)
{
    for (size_t i = 0; i < s->count; i++) {
        if (!scalar_decode(&responses[i], from + i * SCALAR_SIZE))
            return error_set(error, ERROR_MALFORMED_PROOF, "response %zu is not below the group order", i);
    }
    return OK;
}

enum status ring_verify(struct transcript *transcript, const struct ring *ring, struct bytes signature,
                        struct error *error)
{
    const uint8_t *at = signature.data, *tied = NULL;
    struct scalar first, challenge, responses[RING_MEMBERS_MAX];
    struct point image, tied_point = *point_identity();
    struct statement s;

    TRY(read_members(&s, ring, error));
    TRY(check_size(ring, signature.size, error));
    TRY(read_point(&image, at, "the image", error));
    at += POINT_SIZE;
    if (s.confidential) {
        tied = at;
        TRY(read_point(&tied_point, tied, "D", error));
        at += POINT_SIZE;
    }
    if (!scalar_decode(&first, at))
        return error_set(error, ERROR_MALFORMED_PROOF, "the challenge is not below the group order");
    TRY(read_responses(&s, at + SCALAR_SIZE, responses, error));
    begin(&s, transcript, ring, signature.data, tied);
    tie_image(&s, &image, &tied_point);
    challenge = first;
    for (size_t i = 0; i < s.count; i++)
        go_on(&s, ring, i, &responses[i], &challenge);
    if (!scalar_equal(&challenge, &first))
        return error_set(error, ERROR_INVALID_PROOF, "the ring does not close: no member signed this");
    return OK;
}

/* --- signing ------------------------------------------------------------------------------------------ */

/* In locked memory that is wiped. */
struct signing {
    struct scalar x, z, nonce;
    uint8_t *signature;
    size_t responses_at;
};

/* The secrets are the member's: x·K is its key, z·K is its commitment less the pseudo one. */
static enum status read_secrets(const struct statement *s, const struct ring *ring,
                                const struct ring_signer *signer, struct signing *signing,
                                struct error *error)
{
    uint8_t key[POINT_SIZE];
    struct point difference;
    bool same;

    if (signer->index >= s->count)
        return error_set(error, ERROR_NOT_PROVABLE, "the ring of %zu has no member %zu", s->count,
                         signer->index);
    if (!ring_key(signer->secret, key) || !secret_decode(&signing->x, signer->secret) ||
        memcmp(key, ring->members[signer->index].key, sizeof key) != 0)
        return error_set(error, ERROR_NOT_PROVABLE, "the secret is not that of member %zu", signer->index);
    if (!s->confidential)
        return OK;
    if (signer->difference == NULL || !secret_decode(&signing->z, signer->difference))
        return error_set(error, ERROR_NOT_PROVABLE, "the difference of blindings is no scalar");
    base_multiply(&difference, &signing->z);
    same = point_equal(&difference, &s->differences[signer->index]);
    point_wipe(&difference);
    secret_published(&same, sizeof same);
    if (!same)
        return error_set(error, ERROR_NOT_PROVABLE, "the commitment of member %zu hides another amount",
                         signer->index);
    return OK;
}

/* secret·Hp(key) into the signature, and out again: what the encoding does not say (by which coordinates the
 * point was reached) stays here. */
static void write_image(const struct scalar *secret, const uint8_t key[POINT_SIZE], uint8_t *out,
                        struct point *image)
{
    struct point computed;

    image_of(secret, key, &computed);
    point_encode(out, &computed);
    point_wipe(&computed);
    secret_published(out, POINT_SIZE);
    INVARIANT(point_decode(image, out), "an image that was encoded cannot be decoded");
}

static void write_images(const struct statement *s, const struct ring *ring, const struct ring_signer *signer,
                         struct signing *signing, struct point *image, struct point *tied)
{
    const uint8_t *key = ring->members[signer->index].key;

    write_image(&signing->x, key, signing->signature, image);
    signing->responses_at = POINT_SIZE + SCALAR_SIZE;
    if (s->confidential) {
        write_image(&signing->z, key, signing->signature + POINT_SIZE, tied);
        signing->responses_at += POINT_SIZE;
    }
}

static void draw(const struct statement *s, const struct ring_signer *signer, struct signing *signing,
                 struct scalar *responses)
{
    struct nonces nonces;

    nonces_fork(&nonces, &s->transcript);
    nonces_secret(&nonces, "x", signer->secret, SCALAR_SIZE);
    if (s->confidential)
        nonces_secret(&nonces, "z", signer->difference, SCALAR_SIZE);
    nonces_ready(&nonces, signer->randomness);
    nonces_draw_scalar(&nonces, &signing->nonce);
    for (size_t i = 1; i < s->count; i++)
        nonces_draw_scalar(&nonces, &responses[(signer->index + i) % s->count]);
    nonces_wipe(&nonces);
    for (size_t i = 1; i < s->count; i++) /* they go out as they are */
        secret_published(&responses[(signer->index + i) % s->count], sizeof responses[0]);
}

/* response = nonce − challenge·(mu_P·x + mu_C·z) */
static void close_ring(const struct statement *s, const struct signing *signing,
                       const struct scalar *challenge, struct scalar *response)
{
    struct scalar sum;

    scalar_multiply(&sum, &s->key_weight, &signing->x);
    if (s->confidential)
        scalar_multiply_add(&sum, &s->difference_weight, &signing->z);
    scalar_multiply(&sum, challenge, &sum);
    scalar_subtract(response, &signing->nonce, &sum);
    scalar_wipe(&sum);
    secret_published(response, sizeof *response);
}

static void go_round(const struct statement *s, const struct ring *ring, const struct ring_signer *signer,
                     struct signing *signing)
{
    struct scalar responses[RING_MEMBERS_MAX], challenge, first;
    struct point base, left, right;

    draw(s, signer, signing, responses);
    image_base(&base, ring->members[signer->index].key);
    base_multiply(&left, &signing->nonce);
    point_multiply(&right, &signing->nonce, &base);
    step(s, &left, &right, &challenge);
    point_wipe(&left);
    point_wipe(&right);
    secret_published(&challenge, sizeof challenge);
    for (size_t i = 1; i <= s->count; i++) {
        size_t member = (signer->index + i) % s->count;

        if (member == 0)
            first = challenge;
        if (i < s->count)
            go_on(s, ring, member, &responses[member], &challenge);
    }
    close_ring(s, signing, &challenge, &responses[signer->index]);
    scalar_encode(signing->signature + signing->responses_at - SCALAR_SIZE, &first);
    for (size_t i = 0; i < s->count; i++)
        scalar_encode(signing->signature + signing->responses_at + i * SCALAR_SIZE, &responses[i]);
}

enum status ring_sign(struct transcript *transcript, const struct ring *ring,
                      const struct ring_signer *signer, uint8_t *signature, struct error *error)
{
    struct point image, tied = *point_identity();
    struct signing *signing;
    struct statement s;
    enum status status;

    TRY(read_members(&s, ring, error));
    signing = secret_new(sizeof *signing);
    signing->signature = signature;
    status = read_secrets(&s, ring, signer, signing, error);
    if (status == OK) {
        write_images(&s, ring, signer, signing, &image, &tied);
        begin(&s, transcript, ring, signature, signature + POINT_SIZE);
        tie_image(&s, &image, &tied);
        go_round(&s, ring, signer, signing);
    }
    secret_free(signing);
    return status;
}
