/* A swap on an EVM chain of a test's own making: blocks, their proofs, a log that names them, and the bundle
 * of it all. */
#ifndef TESTS_FORGED_SWAP_H
#define TESTS_FORGED_SWAP_H

#include "forged_log.h"

#include "layer2/transfer/bundle.h"
#include "network/evm/evm_swap_terms.h"

#define FORGED_CHAIN 31337
#define FORGED_LOCK_BLOCK 100

/* One thing that is not so, everything else being made for it. */
enum lie {
    LIE_NONE,
    /* of what was agreed */
    LIE_AMOUNT, LIE_AMOUNT_FORM, LIE_ASSET, LIE_SENDER, LIE_RECIPIENT, LIE_HASH, LIE_EXPIRY, LIE_REFERENCE,
    LIE_OWN_AMOUNT, LIE_OWN_ASSET,
    /* of what the chain has */
    LIE_LOCK_FAILED, LIE_LOCK_ABSENT, LIE_CLAIM_FAILED, LIE_CLAIM_ABSENT, LIE_CLAIM_BY_OTHER_CONTRACT,
    LIE_CLAIM_OF_OTHER_LOCK, LIE_CLAIM_BY_OTHER_SECRET, LIE_CLAIM_BEFORE_LOCK, LIE_CLAIM_TOO_LATE,
    LIE_OTHER_CODE, LIE_OTHER_STATE, LIE_OTHER_SLOT, LIE_OTHER_ACCOUNT, LIE_CONTRACT_OF_LOCK_BLOCK,
    /* of the proofs */
    LIE_CHAIN, LIE_CHAIN_OF_CLAIM, LIE_INDEX, LIE_NODE, LIE_HEADER, LIE_RECEIPT, LIE_KINDS, LIE_SLOT_VALUE,
    LIE_MEMBER, LIE_NO_LOCK, LIE_NO_CLAIM, LIE_FOURTH, LIE_OTHER_SIDE, LIE_NO_SIDE,
    /* of the log */
    LIE_BLOCK, LIE_NUMBER, LIE_LOGGED_CHAIN, LIE_PLACE, LIE_PROOF_HASH, LIE_NO_EVENT, LIE_EVENT_OF_OTHER_STEP,
    LIE_EVENT_WITHOUT_PROOF,
    /* of the whole */
    LIE_FORMAT_ONE, LIE_NO_NETWORKS, LIE_FORMAT,
};

struct fact { char block[65], text[65]; uint64_t number; };

struct scene {
    enum lie lie;
    bool is_source, is_rootstock, has_token, no_contract;
    struct arena arena;
    struct hash secret, hash, id;
    struct evm_swap_terms terms;
    char secret_hex[65], hash_hex[65];
    json_t *proofs;
    struct fact facts[BUNDLE_STEPS];
};

/* The bundle, which is the caller's; the log's key is appended to `key`, when that is given. */
char *forged_swap_bundle(struct scene *scene, struct buffer *key);

#endif
