/* Rings and signatures from anybody. The first byte chooses the kind, and: bytes as they come, with any
 * number of members and any size, which must never be taken for a signature; or changes to a signature that
 * holds, or to what it is about, which must hold exactly as long as nothing has changed. */
#include <stdint.h>
#include <string.h>

#include "crypto/hash.h"
#include "proof/pedersen.h"
#include "proof/ring.h"

#define MEMBERS 3
#define SIGNER 1
#define MESSAGE "fuzz"
#define MESSAGE_SIZE (sizeof(MESSAGE) - 1)
#define AMOUNT 7

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Bytes alone, so that a place in all of it is a number. */
struct signed_ring {
    struct ring_member members[MEMBERS];
    uint8_t pseudo[POINT_SIZE], message[MESSAGE_SIZE], signature[RING_CONFIDENTIAL_SIZE(MEMBERS)];
};

static struct transcript start;
static struct signed_ring known[2]; /* linkable, confidential */

static void commit(uint8_t out[POINT_SIZE], uint64_t amount, const struct scalar *blinding)
{
    struct point point;

    pedersen_commit(&point, amount, blinding);
    point_encode(out, &point);
}

static void known_make(struct signed_ring *made, bool confidential)
{
    struct scalar secret, blinding, pseudo_blinding;
    uint8_t secrets[MEMBERS][SCALAR_SIZE], difference[SCALAR_SIZE];
    struct transcript transcript = start;
    struct error error;

    memcpy(made->message, MESSAGE, MESSAGE_SIZE);
    for (size_t i = 0; i < MEMBERS; i++) {
        scalar_random(&secret);
        scalar_encode(secrets[i], &secret);
        INVARIANT(ring_key(secrets[i], made->members[i].key), "a random scalar is a secret");
        commit(made->members[i].commitment, i, &secret);
    }
    scalar_random(&blinding);
    scalar_random(&pseudo_blinding);
    commit(made->members[SIGNER].commitment, AMOUNT, &blinding);
    commit(made->pseudo, AMOUNT, &pseudo_blinding);
    scalar_subtract(&blinding, &blinding, &pseudo_blinding);
    scalar_encode(difference, &blinding);
    struct ring ring = { made->members, MEMBERS, confidential ? made->pseudo : NULL,
                         bytes_of(made->message, MESSAGE_SIZE) };
    struct ring_signer signer = { SIGNER, secrets[SIGNER], confidential ? difference : NULL, NULL };
    INVARIANT(ring_sign(&transcript, &ring, &signer, made->signature, &error) == OK, "a member can sign: %s",
              error.message);
}

static bool holds(const struct ring *ring, struct bytes signature)
{
    struct transcript transcript = start;
    struct error error;

    return ring_verify(&transcript, ring, signature, &error) == OK;
}

/* The number of members (a byte), the pseudo commitment, members, and the rest is the signature; keys of the
 * known ring stand where a member begins with a zero, so that more than encodings is tried. */
static void as_it_comes(const uint8_t *data, size_t size, bool confidential)
{
    struct ring_member members[RING_MEMBERS_MAX + 1] = { 0 };
    size_t each = confidential ? 2 * POINT_SIZE : POINT_SIZE, count;
    uint8_t pseudo[POINT_SIZE];

    if (size < 1 + POINT_SIZE)
        return;
    count = data[0] % (RING_MEMBERS_MAX + 2);
    memcpy(pseudo, data + 1, POINT_SIZE);
    data += 1 + POINT_SIZE;
    size -= 1 + POINT_SIZE;
    for (size_t i = 0; i < count && size >= each; i++, data += each, size -= each) {
        memcpy(&members[i], data, each);
        if (data[0] == 0)
            members[i] = known[confidential].members[i % MEMBERS];
    }
    struct ring ring = { members, count, confidential ? pseudo : NULL, bytes_of(data, size / 2) };
    INVARIANT(!holds(&ring, bytes_of(data, size)), "a signature that nobody made");
}

/* Threes: where (two bytes), and what to add there by exclusive or. Commitments and the pseudo one are no
 * part of a linkable ring. */
static void changed(const uint8_t *data, size_t size, bool confidential)
{
    struct signed_ring ring_bytes = known[confidential];
    uint8_t *all = (uint8_t *)&ring_bytes;
    size_t signature_size = confidential ? RING_CONFIDENTIAL_SIZE(MEMBERS) : RING_LINKABLE_SIZE(MEMBERS);
    bool same = true;

    for (; size >= 3; data += 3, size -= 3)
        all[(data[0] | data[1] << 8) % sizeof ring_bytes] ^= data[2];
    for (size_t i = 0; i < MEMBERS; i++) {
        const struct ring_member *now = &ring_bytes.members[i], *then = &known[confidential].members[i];
        same = same && memcmp(now->key, then->key, POINT_SIZE) == 0;
        same = same && (!confidential || memcmp(now->commitment, then->commitment, POINT_SIZE) == 0);
    }
    same = same && (!confidential || memcmp(ring_bytes.pseudo, known[1].pseudo, POINT_SIZE) == 0);
    same = same && memcmp(ring_bytes.message, MESSAGE, MESSAGE_SIZE) == 0;
    same = same && memcmp(ring_bytes.signature, known[confidential].signature, signature_size) == 0;
    struct ring ring = { ring_bytes.members, MEMBERS, confidential ? ring_bytes.pseudo : NULL,
                         bytes_of(ring_bytes.message, MESSAGE_SIZE) };
    INVARIANT(holds(&ring, bytes_of(ring_bytes.signature, signature_size)) == same,
              "a changed signature holds, or the signature not");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool made;

    if (!made) {
        crypto_start();
        transcript_start(&start, "fuzz");
        known_make(&known[0], false);
        known_make(&known[1], true);
        made = true;
    }
    if (size == 0)
        return 0;
    bool confidential = data[0] & 2;
    if (data[0] % 2 == 0)
        as_it_comes(data + 1, size - 1, confidential);
    else
        changed(data + 1, size - 1, confidential);
    return 0;
}
