/* One step judged from a witness: the witness is tied to the state before by its commitment and the root in
 * it, the very function of the executor makes the step, and the root after it follows from the same proof. */
#include <inttypes.h>

#include "layer2/rollup/registers.h"
#include "layer2/rollup/witness.h"

/* What machine_step sees of the state: one leaf. */
struct view {
    struct witness *witness;
    struct hash key, before;
    bool written;
    struct hash after;
};

static enum status view_item(void *context, uint64_t index, struct bytes *bytes, struct error *error)
{
    const struct view *view = context;

    (void)index, (void)error;
    *bytes = view->witness->item;
    return OK;
}

static enum status view_read(void *context, const struct leaf_place *place, struct leaf **leaf,
                             struct error *error)
{
    struct view *view = context;

    (void)place, (void)error;
    *leaf = view->witness->present ? &view->witness->leaf : NULL;
    return OK;
}

static enum status view_write(void *context, const struct leaf_place *place, const struct leaf *leaf,
                              struct error *error)
{
    struct view *view = context;

    (void)place, (void)error;
    view->written = true;
    leaf_value_hash(&view->after, leaf);
    return OK;
}

/* The machine before the step, as the witness has it; between items and behind the last one registers are
 * not active. */
static bool machine_restore(const struct machine_batch *batch, const struct witness *witness, uint64_t index,
                            struct machine *machine)
{
    *machine = (struct machine){ .done = index, .status = witness->status };
    bool within = machine->status == MACHINE_RUNNING && index / ITEM_STEPS < batch->items &&
                  index % ITEM_STEPS != 0;
    if (witness->registers.size == 0)
        return !within;
    return within && registers_decode(witness->registers, index, batch->assets, &machine->registers);
}

static bool item_fits(const struct machine_batch *batch, const struct machine *machine,
                      const struct witness *witness, const struct hash *items_root)
{
    struct hash leaf;

    if (!machine_decodes(batch, machine))
        return witness->item.size == 0;
    merkle_leaf(&leaf, witness->item.data, witness->item.size);
    return witness->item.size > 0 &&
           merkle_verify_inclusion(machine->done / ITEM_STEPS, batch->items, &leaf, &witness->inclusion,
                                   items_root);
}

/* The leaf is the one that the step reads, and stands under the root. */
static bool leaf_fits(const struct machine_batch *batch, const struct machine *machine, struct view *view)
{
    const struct witness *witness = view->witness;
    struct leaf_place place;

    if (!machine_place(batch, machine, &place))
        return !witness->touches;
    if (!witness->touches)
        return false;
    leaf_place_hash(&view->key, &place);
    if (!witness->present)
        return state_proof_absent(&witness->proof, &view->key, &witness->root);
    if (witness->leaf.kind != place.kind)
        return false;
    leaf_value_hash(&view->before, &witness->leaf);
    return state_proof_present(&witness->proof, &view->key, &view->before, &witness->root);
}

static bool root_after(const struct view *view, struct hash *root)
{
    const struct witness *witness = view->witness;

    *root = witness->root;
    return !view->written || state_proof_change(&witness->proof, &view->key,
                                                witness->present ? &view->before : NULL, &view->after,
                                                &witness->root, root);
}

enum status machine_judge(const struct machine_batch *batch, const struct hash *context,
                          const struct hash *items_root, uint64_t index, const struct hash *pre,
                          const struct hash *post, struct bytes bytes, bool *right, struct error *error)
{
    struct witness witness;
    struct view view = { .witness = &witness };
    const struct machine_access access = {
        .context = &view, .item = view_item, .read = view_read, .write = view_write,
    };
    struct machine machine;
    struct hash commitment, root;

    TRY(witness_decode(bytes, &witness, error));
    if (!machine_restore(batch, &witness, index, &machine))
        return error_set(error, ERROR_INVALID_WITNESS,
                         "the witness has no registers of step %" PRIu64, index);
    machine_commitment(&commitment, context, &machine, &witness.root);
    if (!hash_equal(&commitment, pre))
        return error_set(error, ERROR_INVALID_WITNESS,
                         "the witness is not of the state before step %" PRIu64, index);
    if (!item_fits(batch, &machine, &witness, items_root))
        return error_set(error, ERROR_INVALID_WITNESS,
                         "the witness has not the item that step %" PRIu64 " decodes, or another", index);
    if (!leaf_fits(batch, &machine, &view))
        return error_set(error, ERROR_INVALID_WITNESS,
                         "the witness does not prove the leaf that step %" PRIu64 " touches", index);
    TRY(machine_step(batch, &machine, &access, error));
    if (!root_after(&view, &root))
        return error_set(error, ERROR_INVALID_WITNESS,
                         "the witness does not tell the root after step %" PRIu64, index);
    machine_commitment(&commitment, context, &machine, &root);
    *right = hash_equal(&commitment, post);
    return OK;
}
