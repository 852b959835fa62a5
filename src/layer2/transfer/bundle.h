/* The proof of a settled transfer, as one self-contained piece of canonical JSON (RFC 8785), and the judge of
 * it. Pure: no rows, no kernel, no network; the node and `layer-cli verify-transfer` judge by this alone.
 *
 *   {"checkpoint": signed head of the log (C2SP tlog-checkpoint),
 *    "events": [{"block","body","last","previous","proof":[…],"seq","subject","time_us","type"}, …] by seq,
 *    "format": "layerd/transfer-proof/1", "preimage", "transfer", "verifier": the log's key}
 *
 * and with a leg on an EVM chain the format "layerd/transfer-proof/2", with one member more:
 *
 *   "networks": {"destination": {"claim": …, "contract": …, "lock": …}, "source": …}
 *
 * What is in it, and each byte of it counts: the five events of the transfer, which have its terms; for each
 * leg of this log's the events that show the lock and the claim; for each leg on an EVM chain the chain's own
 * proofs (network/evm/evm_proof.h) of the receipts of lock and claim, and perhaps of the contract's code and
 * the lock's state, with an event each that names the block and the proof's hash. An invoice of the outside
 * Lightning network shows by its payee's signature and the preimage that it was paid, not by whom.
 *
 * Each event's hash covers its text; the proof leads from that hash to the root in the checkpoint (RFC 6962
 * §2.1.1), which the key signed. Whoever judges without a key of his own trusts the one in the bundle, and
 * anybody can make a key: then it shows what the holder of that key put on record. A chain's proof leads to a
 * block's hash; that this block is the chain's is the word of the log's owner, unless whoever judges names
 * the blocks that he trusts. */
#ifndef LAYER2_TRANSFER_BUNDLE_H
#define LAYER2_TRANSFER_BUNDLE_H

#include "base/buffer.h"
#include "base/status.h"
#include "base/writer.h"

#define BUNDLE_FORMAT "layerd/transfer-proof/1"
#define BUNDLE_FORMAT_NETWORKS "layerd/transfer-proof/2"
#define BUNDLE_SIZE_MAX (512 * 1024)
#define BUNDLE_NETWORK_PROOF_MAX (64 * 1024) /* bytes of one; there are six at most */
#define BUNDLE_EVENTS_MAX 32
#define BUNDLE_TEXT_MAX 1100
#define BUNDLE_BY_MAX 400

/* What a chain proves of a leg. */
enum bundle_step { BUNDLE_LOCK, BUNDLE_CLAIM, BUNDLE_CONTRACT };
#define BUNDLE_STEPS 3
const char *bundle_step_name(enum bundle_step step);

/* What whoever judges trusts beforehand; all of it may be missing. */
struct bundle_trust {
    const char *verifier;        /* the log's key; NULL: the bundle's own */
    const struct hash *blocks;   /* of EVM chains; when any are given, all of the bundle's are to be such */
    size_t block_count;
};

struct bundle_block {
    bool present;
    uint64_t number;
    char hash[65];
    char difficulty[80];         /* of the Bitcoin work behind it (Rootstock); "": none is shown */
};
struct bundle_chain {            /* of a leg on an EVM chain */
    bool present;
    uint64_t chain_id;
    char contract[43];
    char asset[43], amount[80];  /* that the chain shows: its coin or a token, in the smallest unit there */
    struct bundle_block blocks[BUNDLE_STEPS];
};

/* What a good bundle shows. */
struct bundle_report {
    char transfer[65], preimage[65], hash[65];
    char account[BUNDLE_TEXT_MAX], provider[BUNDLE_TEXT_MAX];
    char asset[16];
    uint64_t amount, fee;
    char source[80], destination[80];
    char recipient[BUNDLE_TEXT_MAX];
    char source_by[BUNDLE_BY_MAX], destination_by[BUNDLE_BY_MAX]; /* what shows that side's lock and claim */
    struct bundle_chain source_chain, destination_chain;
    bool blocks_trusted;         /* all of them were given as trusted */
    char verifier[512];
    bool log_key_expected;       /* it is the key that was given; else whoever made the bundle chose it */
    uint64_t log_size;
    int64_t settled_us;
};

/* `trust` NULL: nothing. ERROR_TRANSFER_PROOF with what does not hold. */
MUST_CHECK enum status bundle_verify(const char *text, size_t size, const struct bundle_trust *trust,
                                     struct bundle_report *report, struct error *error);
/* One JSON object: the verdict. */
void bundle_report_write(const struct bundle_report *report, struct writer *w);
/* What the verdict rests on, in words. */
const char *bundle_log_words(const struct bundle_report *report);

#endif
