/* What the proofs of an EVM leg show: that the lock with these terms was made, and claimed by the preimage,
 * in blocks of these hashes. Pure, and without any word of the log but the terms. Whether these blocks are
 * the chain's, this cannot tell. */
#ifndef LAYER2_TRANSFER_BUNDLE_EVM_H
#define LAYER2_TRANSFER_BUNDLE_EVM_H

#include <jansson.h>

#include "layer2/transfer/bundle.h"

/* The leg as it was agreed and as the log has it. */
struct bundle_evm_leg {
    const char *from, *to, *asset, *amount, *reference, *hash, *preimage;
    uint64_t expiry_us;
    const json_t *proofs; /* {"claim", "contract", "lock"}; the contract's may be missing */
};

struct bundle_evm_fact {
    bool present;
    uint64_t chain_id, number;
    struct hash block, vouched; /* the block, and the last of those that lead on from it */
    struct hash text;           /* SHA-256 of the proof's canonical text */
    bool mined;                 /* Rootstock: to this difficulty */
    char difficulty[80];
};
struct bundle_evm_finding {
    struct bundle_evm_fact facts[BUNDLE_STEPS];
    char contract[43];
    char asset[43], amount[80]; /* "coin", or the token */
};

/* ERROR_TRANSFER_PROOF with what is not shown. */
MUST_CHECK enum status bundle_evm_judge(const struct bundle_evm_leg *leg, struct bundle_evm_finding *finding,
                                        struct error *error);

#endif
