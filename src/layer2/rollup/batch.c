/* See batch.h. */
#include "layer2/rollup/batch.h"

#include <inttypes.h>
#include <string.h>

#include "crypto/hash.h"
#include "crypto/merkle.h"

#define CONTEXT_TAG "layerd/rollup/context"
#define BATCH_TAG "layerd/rollup/batch"

enum status batch_split(struct bytes data, const struct hash *rollup, unsigned assets, struct bytes *items,
                        size_t *count, struct error *error)
{
    size_t found = 0;

    (void)rollup;
    if (data.size > BATCH_DATA_MAX)
        return error_set(error, ERROR_LIMIT, "%zu bytes of transactions; a batch has at most %zu", data.size,
                         BATCH_DATA_MAX);
    for (size_t at = 0; at < data.size; found++) {
        struct error why;
        struct item item;
        size_t size;

        if (found == BATCH_ITEMS_MAX)
            return error_set(error, ERROR_LIMIT, "more than %u transactions", BATCH_ITEMS_MAX);
        const struct bytes rest = { data.data + at, data.size - at };
        if (rollup_transaction_decode(rest, NULL, assets, &item, &size, &why) != OK)
            return error_set(error, ERROR_MALFORMED_ITEM, "transaction %zu, at byte %zu: %s", found, at,
                             why.message);
        items[found] = bytes_of(data.data + at, size);
        at += size;
    }
    *count = found;
    return OK;
}

/* --- what identifies it ------------------------------------------------------------------------- */

void batch_items_root(const struct batch *batch, struct hash *root)
{
    struct merkle_range range;
    struct hash leaf;

    merkle_range_init(&range);
    for (uint64_t i = 0; i < batch->machine.items; i++) {
        merkle_leaf(&leaf, batch->items[i].data, batch->items[i].size);
        merkle_range_append(&range, &leaf, NULL, NULL);
    }
    merkle_range_root(&range, root);
}

static void add_hash(struct tagged_hash *h, const void *bytes)
{
    tagged_hash_add(h, bytes, sizeof(struct hash));
}

static void add_number(struct tagged_hash *h, uint64_t number)
{
    uint8_t bytes[8];

    put_be64(bytes, number);
    tagged_hash_add(h, bytes, sizeof bytes);
}

void batch_context(const struct batch *batch, const struct hash *items_root, struct hash *context)
{
    const struct machine_batch *machine = &batch->machine;
    const uint8_t assets = (uint8_t)machine->assets;
    struct tagged_hash h;

    tagged_hash_begin(&h, CONTEXT_TAG);
    add_hash(&h, machine->rollup.bytes);
    add_number(&h, batch->number);
    add_hash(&h, batch->previous_root.bytes);
    add_hash(&h, items_root->bytes);
    add_number(&h, machine->items);
    add_number(&h, machine->inbox_items);
    add_number(&h, machine->inbox_from);
    tagged_hash_add(&h, &assets, sizeof assets);
    tagged_hash_end(&h, context);
}

void batch_id(struct hash *id, const struct hash *context, const struct hash *parent,
              const struct batch_result *result, const struct account_id *proposer)
{
    struct tagged_hash h;

    tagged_hash_begin(&h, BATCH_TAG);
    add_hash(&h, context->bytes);
    add_hash(&h, parent->bytes);
    add_hash(&h, result->root.bytes);
    add_hash(&h, result->withdrawal_root.bytes);
    add_number(&h, result->withdrawals);
    add_hash(&h, proposer->bytes);
    tagged_hash_end(&h, id);
}

/* --- its game --------------------------------------------------------------------------------- */

unsigned batch_game_depth(uint64_t items)
{
    unsigned depth = 1;

    INVARIANT(items <= BATCH_ITEMS_MAX, "%" PRIu64 " items in a batch", items);
    while ((uint64_t)1 << depth < items)
        depth++;
    return depth + ITEM_STEPS_LOG2;
}

void batch_prestate(const struct batch *batch, const struct hash *context, struct hash *out)
{
    const struct machine machine = { .done = 0, .status = MACHINE_RUNNING };

    machine_commitment(out, context, &machine, &batch->previous_root);
}

void batch_root_claim(const struct hash *context, unsigned depth, const struct hash *root, struct hash *out)
{
    const struct machine machine = { .done = (uint64_t)1 << depth, .status = MACHINE_RUNNING };

    machine_commitment(out, context, &machine, root);
}
