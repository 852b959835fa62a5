/* Proofs that this node makes: asked for in a transaction, made by a worker after COMMIT, begun again after a
 * restart. Groth16: of files in the folder `proving` of the data directory (prove_files.h); nothing of a
 * witness comes into rows, events, the log or error messages. Half-aggregates: of keys, messages and
 * signatures, which are public and stand in the request. */
#ifndef PROVING_PROVE_H
#define PROVING_PROVE_H

#include "kernel/module.h"
#include "proving/claim.h"

#define PROVE_EFFECT "proof.prove"
#define PROVING_FOLDER "proving"

extern const struct effect_kind prove_effect;

struct prove_params {
    const char *system;
    const char *circuit, *witness;           /* groth16 */
    const char *purpose;                     /* half_aggregate */
    struct bytes keys, messages, signatures; /* half_aggregate */
};
#define PROVE_PARAMS 7
extern const struct param prove_params[PROVE_PARAMS];
enum status prove(struct execution *x, const void *params, struct writer *result);

#endif
