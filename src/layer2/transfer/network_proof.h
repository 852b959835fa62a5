/* What the networks of a transfer's legs prove of its locks and claims: asked of them as soon as the node's
 * log says that these happened, by an effect that comes again until it has the proof, and kept with the event
 * transfer.proved, which names the block that is relied on. Nothing of a transfer waits for it. */
#ifndef LAYER2_TRANSFER_NETWORK_PROOF_H
#define LAYER2_TRANSFER_NETWORK_PROOF_H

#include "kernel/execution.h"
#include "layer2/transfer/network_proof_rows.h"

#define TRANSFER_PROVE "transfer.prove" /* effect; key: transfer/side/step */
#define TRANSFER_PROVE_MOST 8           /* at once: nobody waits for them */

/* Asks for what the state that the transfer has just come to lets be proved. */
void network_proof_follow(struct execution *x, const struct transfer *transfer);

/* The effect. */
enum status network_proof_run(struct effect_run *run);
void network_proof_ended(struct execution *x, uint64_t id, const char *key, const char *request,
                         enum status outcome, const char *result);

/* transfer.prove */
struct prove_params {
    struct hash transfer;
    bool again;
};
extern const struct param transfer_prove_params[2];
command_handler transfer_prove;

#endif
