/* Proofs that this node makes: asked for in a transaction, made by a worker after COMMIT, begun again after a
 * restart. Proving keys and witnesses are plain files in the folder `proving` of the data directory; nothing
 * of a witness comes into rows, events, the log or error messages, and what was read of it is wiped. */
#ifndef PROVING_PROVE_H
#define PROVING_PROVE_H

#include "kernel/module.h"

#define PROVE_EFFECT "proof.prove"
#define PROVING_FOLDER "proving"

extern const struct effect_kind prove_effect;

struct prove_params {
    const char *system, *circuit, *witness;
};
extern const struct param prove_params[3];
enum status prove(struct execution *x, const void *params, struct writer *result);

#endif
