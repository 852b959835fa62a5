/* What takes a batch back: see undo.h. One leaf: kind (1), index (4) or key (32) or nothing; then before and
 * after, each a length (2, 0: absent) and as many bytes of leaf_encode. */
#include "watch/undo.h"

#include <string.h>

#include "base/memory.h"

static void pack_leaf(struct buffer *out, bool present, const struct leaf *leaf)
{
    struct buffer bytes CLEANUP(buffer_close) = { 0 };
    uint8_t size[2];

    if (present)
        leaf_encode(leaf, &bytes);
    size[0] = (uint8_t)(bytes.size >> 8);
    size[1] = (uint8_t)bytes.size;
    buffer_append(out, size, sizeof(size));
    buffer_append(out, bytes.data, bytes.size);
}

static size_t place_size(enum leaf_kind kind)
{
    return kind == LEAF_ACCOUNT ? 4 : kind == LEAF_INDEX ? sizeof(struct account_id) : 0;
}

void undo_pack(struct undo *undo, const struct batch_effects *effects)
{
    *undo = (struct undo){ .count = effects->change_count };
    for (size_t i = 0; i < effects->change_count; i++) {
        const struct leaf_change *change = &effects->changes[i];
        const uint8_t kind = (uint8_t)change->place.kind;
        uint8_t index[4];

        put_be32(index, change->place.index);
        buffer_append(&undo->bytes, &kind, 1);
        buffer_append(&undo->bytes, change->place.kind == LEAF_ACCOUNT ? index : change->place.key.bytes,
                      place_size(change->place.kind));
        pack_leaf(&undo->bytes, change->was, &change->before);
        pack_leaf(&undo->bytes, change->is, &change->after);
    }
}

void undo_close(struct undo *undo)
{
    buffer_close(&undo->bytes);
    *undo = (struct undo){ .count = 0 };
}

static bool unpack_leaf(const uint8_t **at, struct leaf *leaf)
{
    const size_t size = (size_t)(*at)[0] << 8 | (*at)[1];
    enum status status = OK;
    struct error error;

    *at += 2;
    if (size > 0)
        status = leaf_decode(bytes_of(*at, size), leaf, &error);
    INVARIANT(status == OK, "a leaf that was packed here: %s", error.message);
    *at += size;
    return size > 0;
}

static struct leaf_change *unpack(const struct undo *undo)
{
    struct leaf_change *changes = memory_array(undo->count + 1, sizeof(*changes));
    const uint8_t *at = undo->bytes.data;

    for (size_t i = 0; i < undo->count; i++) {
        struct leaf_change *change = &changes[i];

        change->place.kind = (enum leaf_kind)*at++;
        if (change->place.kind == LEAF_ACCOUNT)
            change->place.index = get_be32(at);
        if (change->place.kind == LEAF_INDEX)
            memcpy(change->place.key.bytes, at, sizeof(change->place.key.bytes));
        at += place_size(change->place.kind);
        change->was = unpack_leaf(&at, &change->before);
        change->is = unpack_leaf(&at, &change->after);
    }
    return changes;
}

void undo_back(const struct undo *undo, struct rollup_state *state)
{
    struct leaf_change *changes AUTO_FREE = unpack(undo);

    rollup_revert(state, changes, undo->count);
}

/* A batch makes leaves and changes them, and removes none. */
void undo_forth(const struct undo *undo, struct rollup_state *state)
{
    struct leaf_change *changes AUTO_FREE = unpack(undo);

    for (size_t i = 0; i < undo->count; i++)
        rollup_state_load(state, &changes[i].place, &changes[i].after);
}
