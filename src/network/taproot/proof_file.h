/* Proof files of Taproot Assets ("TAPF"): the framing, and what of it can be checked without knowing assets.
 * Pure. After bip-tap-proof-file and taproot-assets' proof/ (file.go, records.go, tx.go).
 *
 *   file   = "TAPF" version[4] count (length proof hash)*
 *   hash   = SHA-256(hash before ‖ proof), the first with 32 zeros before it
 *   proof  = "TAPP" (type length value)*      types rise; numbers are BigSize, big-endian
 *
 * Checked: framing and chain of hashes; each anchor transaction spends the outpoint that the proof before
 * ended in (the first: the genesis point), pays the taproot output that the proof names, is in a block by its
 * path, and the header has the work that it claims. Not checked: that the block is in the best chain, what
 * the taproot output commits to, and what happens to assets: that is tapd's verdict. */
#ifndef NETWORK_TAPROOT_PROOF_FILE_H
#define NETWORK_TAPROOT_PROOF_FILE_H

#include "network/taproot/anchor.h"

#define PROOF_FILE_MAX ((size_t)8 << 20) /* bytes of a file that is looked at */
#define PROOF_FILE_PROOFS_MAX 10000

struct proof_file {
    size_t proofs;
    struct anchor_outpoint genesis, end; /* what was spent first; where the asset is now */
    struct hash block;                   /* of the last proof */
    bool has_height;
    uint32_t height;
    size_t additional_inputs;            /* proofs that have nested files, which are not looked into */
};

enum proof_file_verdict {
    PROOF_FILE_HOLDS, PROOF_FILE_BROKEN,
    PROOF_FILE_UNKNOWN /* of a version, or with records, that are not known here */
};
#define PROOF_FILE_REASON_MAX 160

/* `easiest`: the chain's limit of work in compact form. `reason` (PROOF_FILE_REASON_MAX) says what does not
 * hold. */
MUST_CHECK enum proof_file_verdict proof_file_check(struct bytes file, uint32_t easiest,
                                                    struct proof_file *out, char *reason);

#endif
