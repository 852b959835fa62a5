/* Rings and their signatures made for tests. */
#ifndef TEST_PROOF_RING_SUPPORT_H
#define TEST_PROOF_RING_SUPPORT_H

#include "proof/ring.h"
#include "support.h"

#define RING_MESSAGE "seven apples to the neighbour"
#define RING_MESSAGE_SIZE (sizeof(RING_MESSAGE) - 1)

/* `ring` points into the struct: made_ring stays where it was made. */
struct made_ring {
    struct transcript transcript;
    bool confidential;
    size_t count, index, size;
    uint64_t amount; /* of the signer's commitment and the pseudo one */
    struct ring_member members[RING_MEMBERS_MAX + 1];
    uint8_t secrets[RING_MEMBERS_MAX + 1][SCALAR_SIZE];
    uint8_t blinding[SCALAR_SIZE], pseudo_blinding[SCALAR_SIZE], difference[SCALAR_SIZE];
    uint8_t pseudo[POINT_SIZE], message[RING_MESSAGE_SIZE], signature[RING_SIGNATURE_MAX];
};

/* Of fresh secrets, all of them known; members but the signer have commitments to anything. Not signed. */
void ring_make(struct made_ring *made, bool confidential, size_t count, size_t index);
struct ring ring_of(const struct made_ring *made);
struct ring_signer ring_signer_of(const struct made_ring *made);

enum status ring_sign_made(struct made_ring *made);
void ring_make_signed(struct made_ring *made, bool confidential, size_t count, size_t index);
enum status ring_verify_made(const struct made_ring *made);

void random_secret(uint8_t out[SCALAR_SIZE]);
/* amount·B + blinding·K */
void ring_commit(uint8_t out[POINT_SIZE], uint64_t amount, const uint8_t blinding[SCALAR_SIZE]);
void ring_scalar_subtract(uint8_t out[SCALAR_SIZE], const uint8_t a[SCALAR_SIZE],
                          const uint8_t b[SCALAR_SIZE]);

int ring_tests(void);
int ring_refusal_tests(void);

#endif
