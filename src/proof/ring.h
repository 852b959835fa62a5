/* Ring signatures on ristretto255: one of 2 … 64 keys has signed, and nobody learns which; the key image
 * shows when the same key signs again. Linkable rings are bLSAG (Back, 2015; Liu, Wei, Wong, 2004),
 * confidential ones CLSAG (Goodell, Noether, RandomRun, ePrint 2019/654). tests/unit/proof/rings.md specifies
 * both to the byte.
 *
 * Keys are P = x·K, where K is the blinding base of commitments (pedersen.h): so a key has one image, and a
 * commitment's difference z·K can be shown by the same response.
 *
 * The transcript is started by the caller, who binds chain, purpose and all else that the signature is for;
 * it serves for one signature, and what becomes of it is not said. Signing takes the same time for all
 * secrets but reads and writes memory by the signer's index: sign locally. Verifying is of public data. Safe
 * from any thread. */
#ifndef PROOF_RING_H
#define PROOF_RING_H

#include "proof/transcript.h"

#define RING_MEMBERS_MIN 2
#define RING_MEMBERS_MAX 64
#define RING_IMAGE_SIZE POINT_SIZE
#define RING_LINKABLE_SIZE(members) (32 * ((size_t)(members) + 2))     /* image, c0, responses */
#define RING_CONFIDENTIAL_SIZE(members) (32 * ((size_t)(members) + 3)) /* image, D, c0, responses */
#define RING_SIGNATURE_MAX RING_CONFIDENTIAL_SIZE(RING_MEMBERS_MAX)

/* Of a secret x, 0 < x < l: its key x·K, and the image x·Hp(key) of the key. False for other secrets. */
MUST_CHECK bool ring_key(const uint8_t secret[SCALAR_SIZE], uint8_t key[POINT_SIZE]);
MUST_CHECK bool ring_image(const uint8_t secret[SCALAR_SIZE], uint8_t image[RING_IMAGE_SIZE]);

struct ring_member {
    uint8_t key[POINT_SIZE];
    uint8_t commitment[POINT_SIZE]; /* in confidential rings; otherwise it is not looked at */
};

/* What a signature is about. The image is the first RING_IMAGE_SIZE bytes of a signature of either kind. */
struct ring {
    const struct ring_member *members; /* all keys different; their order counts */
    size_t count;
    const uint8_t *pseudo;             /* POINT_SIZE bytes: confidential; NULL: linkable alone */
    struct bytes message;
};

/* Confidential rings: the signer's commitment less `pseudo` is difference·K, so both hide one amount. */
struct ring_signer {
    size_t index;              /* of the members */
    const uint8_t *secret;     /* SCALAR_SIZE bytes */
    const uint8_t *difference; /* the same; NULL in linkable rings */
    const uint8_t *randomness; /* 32 bytes; NULL: the operating system's (anything else is for tests) */
};

/* RING_LINKABLE_SIZE or RING_CONFIDENTIAL_SIZE bytes into `signature`.
 * Errors: LIMIT, the number of members; MALFORMED_PROOF, an encoding, the identity, keys that are equal, a
 * commitment that is the pseudo one; NOT_PROVABLE, the secrets are not the member's. */
MUST_CHECK enum status ring_sign(struct transcript *transcript, const struct ring *ring,
                                 const struct ring_signer *signer, uint8_t *signature, struct error *error);

/* Errors: LIMIT and MALFORMED_PROOF as above, also for the signature's size and encodings; INVALID_PROOF. */
MUST_CHECK enum status ring_verify(struct transcript *transcript, const struct ring *ring,
                                   struct bytes signature, struct error *error);

#endif
