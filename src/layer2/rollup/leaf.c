/* See leaf.h. Leaves are written into an array of the greatest size: hashing one allocates nothing. */
#include "layer2/rollup/leaf.h"

#include <string.h>

#include "crypto/hash.h"

#define KEY_TAG "layerd/rollup/key"
#define VALUE_TAG "layerd/rollup/value"

_Static_assert(ROLLUP_ASSETS_MAX == 8, "which assets an account holds is one byte");

void leaf_place_hash(struct hash *out, const struct leaf_place *place)
{
    uint8_t bytes[1 + sizeof place->key];
    size_t size = 1;

    bytes[0] = (uint8_t)place->kind;
    if (place->kind == LEAF_ACCOUNT) {
        put_be32(bytes + 1, place->index);
        size += 4;
    } else if (place->kind == LEAF_INDEX) {
        memcpy(bytes + 1, place->key.bytes, sizeof place->key);
        size += sizeof place->key;
    }
    tagged_hash(out, KEY_TAG, bytes, size);
}

void leaf_genesis(const struct account_id *operator_key, struct leaf_place places[GENESIS_LEAVES],
                  struct leaf leaves[GENESIS_LEAVES])
{
    static const enum leaf_kind kinds[GENESIS_LEAVES] = {
        LEAF_ACCOUNT, LEAF_INDEX, LEAF_GLOBAL, LEAF_OUTBOX
    };

    memset(places, 0, GENESIS_LEAVES * sizeof places[0]);
    memset(leaves, 0, GENESIS_LEAVES * sizeof leaves[0]);
    for (unsigned i = 0; i < GENESIS_LEAVES; i++)
        places[i].kind = leaves[i].kind = kinds[i];
    leaves[0].account.key = *operator_key;
    places[1].key = *operator_key;
    leaves[2].global.accounts = 1;
}

/* --- bytes ------------------------------------------------------------------------------------ */

static size_t account_write(const struct rollup_account *account, uint8_t *out)
{
    uint8_t *held = out + sizeof account->key + 8, *end = held + 1;

    memcpy(out, account->key.bytes, sizeof account->key);
    put_be64(out + sizeof account->key, account->nonce);
    *held = 0;
    for (unsigned asset = 0; asset < ROLLUP_ASSETS_MAX; asset++) {
        if (account->balances[asset] == 0)
            continue;
        *held |= (uint8_t)(1U << asset);
        put_be64(end, account->balances[asset]);
        end += 8;
    }
    return (size_t)(end - out);
}

static size_t outbox_write(const struct outbox_tree *outbox, uint8_t *out)
{
    uint8_t *end = out + 8;

    put_be64(out, outbox->count);
    for (unsigned level = 0; level < OUTBOX_DEPTH; level++) {
        if ((outbox->count >> level & 1) == 0)
            continue;
        memcpy(end, outbox->frontier[level].bytes, sizeof outbox->frontier[level]);
        end += sizeof outbox->frontier[level];
    }
    return (size_t)(end - out);
}

static size_t leaf_write(const struct leaf *leaf, uint8_t out[LEAF_SIZE_MAX])
{
    out[0] = (uint8_t)leaf->kind;
    switch (leaf->kind) {
    case LEAF_ACCOUNT:
        return 1 + account_write(&leaf->account, out + 1);
    case LEAF_INDEX:
        put_be32(out + 1, leaf->index);
        return 1 + 4;
    case LEAF_GLOBAL:
        put_be32(out + 1, leaf->global.accounts);
        put_be64(out + 5, leaf->global.inbox);
        return 1 + 12;
    case LEAF_OUTBOX:
        return 1 + outbox_write(&leaf->outbox, out + 1);
    }
    INVARIANT(false, "no such leaf: %d", (int)leaf->kind);
}

void leaf_encode(const struct leaf *leaf, struct buffer *out)
{
    out->size += leaf_write(leaf, buffer_reserve(out, LEAF_SIZE_MAX));
}

void leaf_value_hash(struct hash *out, const struct leaf *leaf)
{
    uint8_t bytes[LEAF_SIZE_MAX];

    tagged_hash(out, VALUE_TAG, bytes, leaf_write(leaf, bytes));
}

/* --- read back: `in` is what stands behind the kind --------------------------------------------- */

static bool account_read(struct bytes in, struct rollup_account *account)
{
    const size_t fixed = sizeof account->key + 8 + 1;

    if (in.size < fixed)
        return false;
    unsigned held = in.data[fixed - 1];
    if (in.size != fixed + 8 * (size_t)__builtin_popcount(held))
        return false;
    memcpy(account->key.bytes, in.data, sizeof account->key);
    account->nonce = get_be64(in.data + sizeof account->key);
    if (account->nonce > INTEGER_MAX)
        return false;
    const uint8_t *balance = in.data + fixed;
    for (unsigned asset = 0; asset < ROLLUP_ASSETS_MAX; asset++) {
        if ((held >> asset & 1) == 0)
            continue;
        account->balances[asset] = get_be64(balance);
        if (account->balances[asset] == 0 || account->balances[asset] > INTEGER_MAX)
            return false;
        balance += 8;
    }
    return true;
}

static bool global_read(struct bytes in, struct rollup_global *global)
{
    if (in.size != 12)
        return false;
    global->accounts = get_be32(in.data);
    global->inbox = get_be64(in.data + 4);
    return global->inbox <= INTEGER_MAX;
}

static bool outbox_read(struct bytes in, struct outbox_tree *outbox)
{
    if (in.size < 8)
        return false;
    outbox->count = get_be64(in.data);
    if (outbox->count > OUTBOX_COUNT_MAX ||
        in.size != 8 + sizeof outbox->frontier[0] * (size_t)__builtin_popcountll(outbox->count))
        return false;
    const uint8_t *hash = in.data + 8;
    for (unsigned level = 0; level < OUTBOX_DEPTH; level++) {
        if ((outbox->count >> level & 1) == 0)
            continue;
        memcpy(outbox->frontier[level].bytes, hash, sizeof outbox->frontier[level]);
        hash += sizeof outbox->frontier[level];
    }
    return true;
}

static bool leaf_read(struct bytes in, struct leaf *leaf)
{
    memset(leaf, 0, sizeof *leaf);
    if (in.size == 0)
        return false;
    const struct bytes rest = { in.data + 1, in.size - 1 };
    switch (in.data[0]) {
    case LEAF_ACCOUNT:
        leaf->kind = LEAF_ACCOUNT;
        return account_read(rest, &leaf->account);
    case LEAF_INDEX:
        leaf->kind = LEAF_INDEX;
        if (rest.size != 4)
            return false;
        leaf->index = get_be32(rest.data);
        return true;
    case LEAF_GLOBAL:
        leaf->kind = LEAF_GLOBAL;
        return global_read(rest, &leaf->global);
    case LEAF_OUTBOX:
        leaf->kind = LEAF_OUTBOX;
        return outbox_read(rest, &leaf->outbox);
    default: /* any byte may stand here */
        return false;
    }
}

enum status leaf_decode(struct bytes bytes, struct leaf *leaf, struct error *error)
{
    struct leaf decoded;

    if (!leaf_read(bytes, &decoded))
        return error_set(error, ERROR_INVALID_PARAMS, "these %zu bytes are not a leaf in its one form",
                         bytes.size);
    *leaf = decoded;
    return OK;
}
