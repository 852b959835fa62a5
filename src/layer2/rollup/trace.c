/* The trace of one batch: the state is moved to the step that is asked about, forward by executing and
 * back by its journal. Questions of a game come close to each other, and what was answered is kept. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "layer2/rollup/state_leaves.h"
#include "layer2/rollup/witness.h"

#define ANSWERS 4096 /* kept, one for each remainder of a number of steps */

struct answer {
    uint64_t done; /* 0: none */
    struct hash commitment;
};

/* Where an item began. */
struct item_start {
    size_t journal; /* entries before it */
    enum machine_status status;
};

enum signature_known { SIGNATURE_UNKNOWN, SIGNATURE_GOOD, SIGNATURE_BAD };

struct batch_trace {
    struct execution_access access; /* first: the machine's access is both */
    const struct batch *batch;
    struct hash context;
    uint64_t end;           /* steps of all items */
    struct machine machine; /* where the state is */
    struct journal journal;
    struct item_start *starts; /* of the items that were begun, up to the machine's */
    uint8_t *signatures;    /* [item]: enum signature_known */
    struct answer *answers;
};

/* Each signature is verified once, however often its item is executed. */
static bool trace_verified(void *context, uint64_t index, const struct account_id *key,
                           const struct item *item)
{
    struct batch_trace *trace = context;
    uint8_t *known = &trace->signatures[index];

    if (*known == SIGNATURE_UNKNOWN) {
        struct item asked = *item;
        transaction_digest(&asked, &trace->batch->machine.rollup);
        *known = schnorr_verify(key, asked.digest.bytes, sizeof asked.digest, &asked.signature)
                     ? SIGNATURE_GOOD : SIGNATURE_BAD;
    }
    return *known == SIGNATURE_GOOD;
}

struct batch_trace *batch_trace_open(struct rollup_state *before, const struct batch *batch)
{
    struct batch_trace *trace = memory_new(sizeof *trace);
    struct hash items_root;

    trace->batch = batch;
    trace->access = (struct execution_access){ .state = before, .journal = &trace->journal,
                                               .items = batch->items };
    trace->end = batch->machine.items * ITEM_STEPS;
    trace->starts = memory_array(batch->machine.items + 1, sizeof trace->starts[0]);
    trace->signatures = memory_array(batch->machine.items + 1, sizeof trace->signatures[0]);
    trace->answers = memory_array(ANSWERS, sizeof trace->answers[0]);
    batch_items_root(batch, &items_root);
    batch_context(batch, &items_root, &trace->context);
    return trace;
}

void batch_trace_close(struct batch_trace *trace)
{
    if (trace == NULL)
        return;
    state_undo(trace->access.state, &trace->journal, 0);
    journal_close(&trace->journal);
    free(trace->starts);
    free(trace->signatures);
    free(trace->answers);
    free(trace);
}

void batch_trace_trust(struct batch_trace *trace, const bool *verified)
{
    for (uint64_t i = 0; i < trace->batch->machine.items; i++) {
        if (verified[i])
            trace->signatures[i] = SIGNATURE_GOOD;
    }
}

/* Takes the state back to where the item began. */
static void rewind_to(struct batch_trace *trace, uint64_t item)
{
    const struct item_start *start = &trace->starts[item];

    state_undo(trace->access.state, &trace->journal, start->journal);
    memset(&trace->machine, 0, sizeof trace->machine);
    trace->machine.done = item * ITEM_STEPS;
    trace->machine.status = start->status;
}

/* Moves to where so many steps are done; behind the last item nothing moves any more. */
static void go_to(struct batch_trace *trace, uint64_t done)
{
    struct machine_access access = execution_machine_access(&trace->access);
    struct machine *machine = &trace->machine;
    const struct machine_batch *batch = &trace->batch->machine;

    access.verified = trace_verified;
    if (done > trace->end)
        done = trace->end;
    if (done < machine->done)
        rewind_to(trace, done / ITEM_STEPS);
    while (machine->done < done) {
        if (machine->done % ITEM_STEPS == 0)
            trace->starts[machine->done / ITEM_STEPS] =
                (struct item_start){ trace->journal.count, machine->status };
        enum status status = machine->done % ITEM_STEPS == 0 && done - machine->done >= ITEM_STEPS
                                 ? machine_item(batch, machine, &access, NULL)
                                 : machine_step(batch, machine, &access, NULL);
        INVARIANT(status == OK, "the state in memory fails");
    }
}

/* The machine after so many steps; its state is the trace's. */
static void machine_after(struct batch_trace *trace, uint64_t done, struct machine *machine)
{
    go_to(trace, done);
    *machine = trace->machine;
    machine->done = done;
}

static enum status check_index(unsigned __int128 index, struct error *error)
{
    if (index >> 63 == 0)
        return OK;
    return error_set(error, ERROR_INVALID_PARAMS, "no trace has a step beyond 2^63");
}

enum status batch_trace_value(void *context, unsigned __int128 index, struct hash *out, struct error *error)
{
    struct batch_trace *trace = context;
    struct machine machine;
    struct hash root;

    TRY(check_index(index, error));
    uint64_t done = (uint64_t)index + 1;
    struct answer *answer = &trace->answers[done % ANSWERS];
    if (answer->done != done) {
        machine_after(trace, done, &machine);
        rollup_state_root(trace->access.state, &root);
        machine_commitment(&answer->commitment, &trace->context, &machine, &root);
        answer->done = done;
    }
    *out = answer->commitment;
    return OK;
}

static enum status prove(void *context, const struct leaf_place *place, struct state_proof *proof,
                         struct leaf *leaf, bool *present, struct error *error)
{
    (void)error;

    rollup_state_prove(context, place, proof, leaf, present);
    return OK;
}

enum status batch_trace_witness(struct batch_trace *trace, uint64_t index, struct buffer *witness,
                                struct error *error)
{
    struct rollup_state *state = trace->access.state;
    struct machine machine;
    struct hash root;

    TRY(check_index(index, error));
    machine_after(trace, index, &machine);
    rollup_state_root(state, &root);
    return witness_make(&trace->batch->machine, trace->batch->items, &machine, &root, prove, state, witness,
                        error);
}
