/* See witness.h. */
#include "layer2/rollup/witness.h"

#include <string.h>

#include "base/memory.h"
#include "layer2/rollup/registers.h"

/* --- bytes ------------------------------------------------------------------------------------ */

static void write_run(struct buffer *out, struct bytes run)
{
    const uint8_t length[2] = { (uint8_t)(run.size >> 8), (uint8_t)run.size };

    INVARIANT(run.size <= UINT16_MAX, "%zu bytes in a witness", run.size);
    buffer_append(out, length, sizeof length);
    buffer_append(out, run.data, run.size);
}

void witness_encode(const struct witness *witness, struct buffer *out)
{
    const uint8_t status = (uint8_t)witness->status, count = (uint8_t)witness->inclusion.count;

    buffer_append(out, &status, 1);
    buffer_append(out, witness->root.bytes, sizeof witness->root);
    write_run(out, witness->registers);
    write_run(out, witness->item);
    if (witness->item.size > 0) {
        buffer_append(out, &count, 1);
        buffer_append(out, witness->inclusion.hashes, count * sizeof witness->inclusion.hashes[0]);
    }
    if (!witness->touches) {
        write_run(out, bytes_of(NULL, 0));
        return;
    }
    CLEANUP(buffer_close) struct buffer leaf = { 0 };
    if (witness->present)
        leaf_encode(&witness->leaf, &leaf);
    write_run(out, buffer_bytes(&leaf));
    state_proof_encode(&witness->proof, out);
}

/* Takes `size` bytes from the front. */
static bool take(struct bytes *rest, size_t size, struct bytes *run)
{
    if (rest->size < size)
        return false;
    *run = (struct bytes){ rest->data, size };
    *rest = (struct bytes){ rest->data + size, rest->size - size };
    return true;
}

static bool take_run(struct bytes *rest, struct bytes *run)
{
    struct bytes length;

    return take(rest, 2, &length) && take(rest, (size_t)length.data[0] << 8 | length.data[1], run);
}

static bool take_inclusion(struct bytes *rest, struct merkle_proof *inclusion)
{
    struct bytes count, hashes;

    if (!take(rest, 1, &count) || count.data[0] > MERKLE_PROOF_MAX ||
        !take(rest, count.data[0] * sizeof inclusion->hashes[0], &hashes))
        return false;
    inclusion->count = count.data[0];
    memcpy(inclusion->hashes, hashes.data, hashes.size);
    return true;
}

static bool read_witness(struct bytes rest, struct witness *witness)
{
    struct bytes status, root, leaf;

    if (!take(&rest, 1, &status) || status.data[0] > MACHINE_INVALID ||
        !take(&rest, sizeof witness->root, &root) || !take_run(&rest, &witness->registers) ||
        !take_run(&rest, &witness->item))
        return false;
    witness->status = (enum machine_status)status.data[0];
    memcpy(witness->root.bytes, root.data, root.size);
    witness->inclusion.count = 0;
    if (witness->item.size > 0 && !take_inclusion(&rest, &witness->inclusion))
        return false;
    if (!take_run(&rest, &leaf))
        return false;
    witness->touches = rest.size > 0;
    witness->present = leaf.size > 0;
    if (witness->present && leaf_decode(leaf, &witness->leaf, NULL) != OK)
        return false;
    if (!witness->touches)
        return !witness->present;
    return state_proof_decode(rest, &witness->proof, NULL) == OK;
}

enum status witness_decode(struct bytes bytes, struct witness *witness, struct error *error)
{
    if (bytes.size > WITNESS_SIZE_MAX || !read_witness(bytes, witness))
        return error_set(error, ERROR_INVALID_WITNESS, "these %zu bytes are no witness in its one form",
                         bytes.size);
    return OK;
}

/* --- made ------------------------------------------------------------------------------------- */

/* The tree's leaves are items; its levels number 64 at most. */
static bool item_subtree(void *context, unsigned level, uint64_t index, struct hash *hash)
{
    const struct bytes *items = context;
    struct hash right;

    if (level == 0) {
        merkle_leaf(hash, items[index].data, items[index].size);
        return true;
    }
    if (!item_subtree(context, level - 1, 2 * index, hash) ||
        !item_subtree(context, level - 1, 2 * index + 1, &right))
        return false;
    merkle_node(hash, hash, &right);
    return true;
}

enum status witness_make(const struct machine_batch *batch, const struct bytes *items,
                         const struct machine *machine, const struct hash *root, witness_prove *prove,
                         void *context, struct buffer *out, struct error *error)
{
    uint8_t registers[REGISTERS_SIZE_MAX];
    struct leaf_place place;
    struct witness witness;

    witness.status = machine->status;
    witness.root = *root;
    witness.registers = bytes_of(registers, machine->registers.active ?
                                                registers_encode(machine, registers) : 0);
    witness.item = bytes_of(NULL, 0);
    witness.inclusion.count = 0;
    if (machine_decodes(batch, machine)) {
        uint64_t index = machine->done / ITEM_STEPS;
        union { const struct bytes *items; void *context; } tree = { items };

        witness.item = items[index];
        INVARIANT(merkle_inclusion(index, batch->items, item_subtree, tree.context, &witness.inclusion),
                  "an item within the batch");
    }
    witness.touches = machine_place(batch, machine, &place);
    if (witness.touches)
        TRY(prove(context, &place, &witness.proof, &witness.leaf, &witness.present, error));
    witness_encode(&witness, out);
    return OK;
}
