/* See ring_support.h. */
#include "ring_support.h"

#include <string.h>

#include "proof/pedersen.h"

void random_secret(uint8_t out[SCALAR_SIZE])
{
    struct scalar scalar;

    random_scalar(&scalar);
    scalar_encode(out, &scalar);
}

static struct scalar scalar_of(const uint8_t in[SCALAR_SIZE])
{
    struct scalar scalar;

    assert_true(scalar_decode(&scalar, in));
    return scalar;
}

void ring_commit(uint8_t out[POINT_SIZE], uint64_t amount, const uint8_t blinding[SCALAR_SIZE])
{
    struct scalar scalar = scalar_of(blinding);
    struct point point;

    pedersen_commit(&point, amount, &scalar);
    point_encode(out, &point);
}

void ring_scalar_subtract(uint8_t out[SCALAR_SIZE], const uint8_t a[SCALAR_SIZE],
                          const uint8_t b[SCALAR_SIZE])
{
    struct scalar left = scalar_of(a), right = scalar_of(b);

    scalar_subtract(&left, &left, &right);
    scalar_encode(out, &left);
}

void ring_make(struct made_ring *made, bool confidential, size_t count, size_t index)
{
    uint8_t other[SCALAR_SIZE];

    memset(made, 0, sizeof *made);
    made->transcript = transcript_of("layerd test ring", "dev", "spend");
    made->confidential = confidential;
    made->count = count;
    made->index = index;
    made->size = confidential ? RING_CONFIDENTIAL_SIZE(count) : RING_LINKABLE_SIZE(count);
    made->amount = random_u64();
    memcpy(made->message, RING_MESSAGE, sizeof made->message);
    random_secret(made->blinding);
    random_secret(made->pseudo_blinding);
    ring_scalar_subtract(made->difference, made->blinding, made->pseudo_blinding);
    ring_commit(made->pseudo, made->amount, made->pseudo_blinding);
    for (size_t i = 0; i < count; i++) {
        random_secret(made->secrets[i]);
        assert_true(ring_key(made->secrets[i], made->members[i].key));
        random_secret(other);
        ring_commit(made->members[i].commitment, i == index ? made->amount : random_u64(),
                    i == index ? made->blinding : other);
    }
}

struct ring ring_of(const struct made_ring *made)
{
    return (struct ring){ made->members, made->count, made->confidential ? made->pseudo : NULL,
                          bytes_of(made->message, sizeof made->message) };
}

struct ring_signer ring_signer_of(const struct made_ring *made)
{
    return (struct ring_signer){ made->index, made->secrets[made->index],
                                 made->confidential ? made->difference : NULL, NULL };
}

enum status ring_sign_made(struct made_ring *made)
{
    struct transcript transcript = made->transcript;
    struct ring_signer signer = ring_signer_of(made);
    struct ring ring = ring_of(made);
    struct error error;

    return ring_sign(&transcript, &ring, &signer, made->signature, &error);
}

void ring_make_signed(struct made_ring *made, bool confidential, size_t count, size_t index)
{
    ring_make(made, confidential, count, index);
    assert_int_equal(ring_sign_made(made), OK);
}

enum status ring_verify_made(const struct made_ring *made)
{
    struct transcript transcript = made->transcript;
    struct ring ring = ring_of(made);
    struct error error;

    return ring_verify(&transcript, &ring, bytes_of(made->signature, made->size), &error);
}
