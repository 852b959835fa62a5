/* Claims and proofs from anybody, as proof.verify and `layer-cli proof verify` are given them: any parts of
 * any sizes must be judged, and bytes that nobody made into a proof are none. */
#include <stdint.h>
#include <string.h>

#include "base/memory.h"
#include "crypto/hash.h"
#include "proving/claim.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct rest {
    const uint8_t *at;
    size_t left;
};

static uint8_t take_byte(struct rest *rest)
{
    if (rest->left == 0)
        return 0;
    rest->left--;
    return *rest->at++;
}

/* Two bytes say how much of what is left; of a piece's size when the first is odd. */
static struct bytes take_part(struct rest *rest)
{
    uint8_t shape = take_byte(rest);
    size_t wanted = shape % 2 == 0 ? take_byte(rest) : (size_t)CLAIM_PIECE * (shape / 2);
    struct bytes part = bytes_of(rest->at, wanted < rest->left ? wanted : rest->left);

    rest->at += part.size;
    rest->left -= part.size;
    return part;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint64_t bits[] = { 8, 16, 32, 64, 0, 7 };
    struct rest rest = { data, size };
    struct claim claim = { .chain = "dev-fuzz", .purpose = "fuzzing" };
    struct hash hash, id;
    struct error error;
    struct bytes proof;

    crypto_start();
    claim.system = (enum claim_system)(take_byte(&rest) % 4);
    claim.bits = bits[take_byte(&rest) % (sizeof bits / sizeof bits[0])];
    claim.binding = take_byte(&rest) % 2 == 0 ? CLAIM_NOT_BOUND : take_byte(&rest);
    claim.commitments = take_part(&rest);
    claim.keys = take_part(&rest);
    claim.messages = take_part(&rest);
    claim.message = take_part(&rest);
    claim.key = take_part(&rest);
    claim.inputs = take_part(&rest);
    proof = take_part(&rest);
    if (claim_verify(&claim, proof, &hash, &error) == OK) {
        struct buffer encoded CLEANUP(buffer_close) = { 0 };

        /* An aggregate of nothing is the only proof that chance makes. */
        INVARIANT(claim.system == CLAIM_HALF_AGGREGATE && claim.keys.size == 0, "nobody proved this");
        claim_encode(&claim, &hash, &encoded);
        claim_id(buffer_bytes(&encoded), &id);
    }
    return 0;
}
