/* Witnesses of steps (machine.h tells their form): made by whoever has the state, read by machine_judge.
 * Pure. */
#ifndef LAYER2_ROLLUP_WITNESS_H
#define LAYER2_ROLLUP_WITNESS_H

#include "crypto/merkle.h"
#include "crypto/state_proof.h"
#include "layer2/rollup/machine.h"

struct witness {
    enum machine_status status; /* before the step, as the next two */
    struct hash root;
    struct bytes registers;     /* encoded; size 0: not active */
    struct bytes item;          /* size 0: the step decodes none */
    struct merkle_proof inclusion; /* of the item */
    bool touches;               /* a leaf, to which what follows belongs */
    bool present;
    struct leaf leaf;           /* when present */
    struct state_proof proof;
};

void witness_encode(const struct witness *witness, struct buffer *out);
/* What it gives points into `bytes`. ERROR_INVALID_WITNESS for all bytes that witness_encode would not write;
 * what registers and item hold is not looked at. */
MUST_CHECK enum status witness_decode(struct bytes bytes, struct witness *witness, struct error *error);

/* The leaf there, or *present = false, and the proof of either under the root given to witness_make. */
typedef enum status witness_prove(void *context, const struct leaf_place *place, struct state_proof *proof,
                                  struct leaf *leaf, bool *present, struct error *error);
/* The witness of the machine's next step on the state with this root; `items` are the batch's. Hashes all
 * items when the step decodes one. Fails only when `prove` does. */
MUST_CHECK enum status witness_make(const struct machine_batch *batch, const struct bytes *items,
                                    const struct machine *machine, const struct hash *root,
                                    witness_prove *prove, void *context, struct buffer *out,
                                    struct error *error);

#endif
