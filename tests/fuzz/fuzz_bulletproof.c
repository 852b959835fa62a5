/* Range proofs and commitments from anybody. The first byte chooses: bytes as they come, with any shape
 * and any size, which must never be taken for a proof; or changes to a proof that holds, which must hold
 * exactly as long as nothing has changed. */
#include <stdint.h>
#include <string.h>

#include "crypto/hash.h"
#include "proof/range_proof.h"

#define BITS 8
#define VALUES 2
#define PROOF_SIZE (32 * (9 + 2 * 4))

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct {
    bool made;
    struct transcript transcript;
    uint8_t commitments[VALUES][POINT_SIZE], proof[PROOF_SIZE];
} known;

static void known_make(void)
{
    static const uint64_t values[VALUES] = { 0, 255 };
    struct scalar blindings[VALUES];
    struct transcript after;
    struct error error;

    if (known.made)
        return;
    crypto_start();
    transcript_start(&known.transcript, "fuzz");
    after = known.transcript;
    INVARIANT(range_proof_size(BITS, VALUES) == PROOF_SIZE, "the proof has another size");
    for (size_t j = 0; j < VALUES; j++)
        scalar_random(&blindings[j]);
    INVARIANT(range_proof_make(&after, BITS, values, blindings, VALUES, known.commitments, known.proof,
                               &error) == OK, "two values of 8 bits can be proved");
    known.made = true;
}

/* What stands there: bits and count (a byte each), commitments, and the rest is the proof. */
static void as_it_comes(const uint8_t *data, size_t size)
{
    uint8_t commitments[RANGE_PROOF_VALUES_MAX][POINT_SIZE] = { { 0 } };
    struct error error;
    size_t bad;

    if (size < 2)
        return;
    struct range_claim claim = { &known.transcript, data[0], data[1],
                                 (const uint8_t(*)[POINT_SIZE])commitments, { data + 2, size - 2 } };
    size_t claimed = claim.count * POINT_SIZE;
    if (claim.count <= RANGE_PROOF_VALUES_MAX && claim.proof.size >= claimed) {
        memcpy(commitments, claim.proof.data, claimed);
        claim.proof = bytes_of(claim.proof.data + claimed, claim.proof.size - claimed);
    }
    INVARIANT(range_proof_verify(&claim, NULL, &error) != OK, "a proof that nobody made");
    struct range_claim two[2] = { claim, claim };
    INVARIANT(range_proofs_verify(two, 2, &bad, &error) != OK && bad == 0,
              "a batch of proofs that nobody made");
}

/* Pairs: where (two bytes), and what to add there by exclusive or. */
static void changed(const uint8_t *data, size_t size)
{
    uint8_t all[VALUES * POINT_SIZE + PROOF_SIZE], before[sizeof all];
    struct error error;

    memcpy(all, known.commitments, sizeof known.commitments);
    memcpy(all + sizeof known.commitments, known.proof, sizeof known.proof);
    memcpy(before, all, sizeof all);
    for (; size >= 3; data += 3, size -= 3)
        all[(data[0] | data[1] << 8) % sizeof all] ^= data[2];
    struct range_claim claim = { &known.transcript, BITS, VALUES, (const uint8_t(*)[POINT_SIZE])all,
                                 bytes_of(all + sizeof known.commitments, PROOF_SIZE) };
    bool same = memcmp(all, before, sizeof all) == 0;
    INVARIANT((range_proof_verify(&claim, NULL, &error) == OK) == same,
              "a changed proof holds, or the proof not");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    known_make();
    if (data[0] % 2 == 0)
        as_it_comes(data + 1, size - 1);
    else
        changed(data + 1, size - 1);
    return 0;
}
