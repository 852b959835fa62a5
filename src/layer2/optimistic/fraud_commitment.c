/* See fraud_commitment.h. */
#include "layer2/optimistic/fraud_commitment.h"

#include "crypto/hash.h"

void fraud_commitment_hash(struct hash *out, const struct hash *batch, const struct account_id *account,
                           const struct hash *salt, struct bytes proof)
{
    struct tagged_hash h;
    struct hash digest;

    sha256(&digest, proof.data, proof.size);
    tagged_hash_begin(&h, "layerd/rollup/fraud-commitment");
    tagged_hash_add(&h, batch->bytes, sizeof(batch->bytes));
    tagged_hash_add(&h, account->bytes, sizeof(account->bytes));
    tagged_hash_add(&h, salt->bytes, sizeof(salt->bytes));
    tagged_hash_add(&h, digest.bytes, sizeof(digest.bytes));
    tagged_hash_end(&h, out);
}
