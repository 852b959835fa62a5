/* See account_table.h. The index of keys is a table of open addresses with linear probing. */
#include "layer2/rollup/account_table.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "crypto/hash.h"
#include "layer2/rollup/chunk.h"

#define SLOTS_FIRST 1024

_Static_assert(ACCOUNT_SHORTHASH_KEY == crypto_shorthash_KEYBYTES, "the secret is a key of libsodium's");

void account_table_init(struct account_table *table, unsigned assets)
{
    *table = (struct account_table){ .assets = assets, .slot_count = SLOTS_FIRST };
    table->row_size = sizeof(struct account_row) + assets * sizeof(uint64_t);
    table->slots = memory_array(table->slot_count, sizeof table->slots[0]);
    randombytes_buf(table->secret, sizeof table->secret);
}

void account_table_close(struct account_table *table)
{
    for (size_t i = 0; i < table->chunk_count; i++) {
        chunk_free(table->rows[i], ACCOUNT_CHUNK * table->row_size);
        chunk_free(table->marks[i], ACCOUNT_CHUNK);
    }
    free(table->rows);
    free(table->marks);
    free(table->slots);
    *table = (struct account_table){ .assets = 0 };
}

size_t account_table_memory(const struct account_table *table)
{
    return table->indexed * (table->row_size + 1) +
           table->slot_count * sizeof table->slots[0];
}

void account_table_reach(struct account_table *table, uint32_t index)
{
    size_t needed = (size_t)(index >> ACCOUNT_CHUNK_BITS) + 1;

    INVARIANT(index <= ACCOUNT_INDEX_MAX, "account %u is beyond what memory holds", index);
    if (needed <= table->chunk_count)
        return;
    table->rows = memory_resize(table->rows, needed * sizeof table->rows[0]);
    table->marks = memory_resize(table->marks, needed * sizeof table->marks[0]);
    for (; table->chunk_count < needed; table->chunk_count++) {
        bool huge = table->chunk_count > 0;
        table->rows[table->chunk_count] = chunk_new(ACCOUNT_CHUNK * table->row_size, huge);
        table->marks[table->chunk_count] = chunk_new(ACCOUNT_CHUNK, false);
    }
}

void account_row_read(const struct account_table *table, const struct account_row *row,
                      struct rollup_account *account)
{
    account->key = row->key;
    account->nonce = row->nonce;
    for (unsigned asset = 0; asset < ROLLUP_ASSETS_MAX; asset++)
        account->balances[asset] = asset < table->assets ? row->balances[asset] : 0;
}

void account_row_write(const struct account_table *table, struct account_row *row,
                       const struct rollup_account *account)
{
    row->key = account->key;
    row->nonce = account->nonce;
    memcpy(row->balances, account->balances, table->assets * sizeof row->balances[0]);
}

/* --- keys ------------------------------------------------------------------------------------- */

static uint32_t slot_home(const struct account_table *table, const struct account_id *key)
{
    uint8_t hash[crypto_shorthash_BYTES];

    crypto_shorthash(hash, key->bytes, sizeof key->bytes, table->secret);
    return get_be32(hash) & (table->slot_count - 1);
}

static uint32_t slot_next(const struct account_table *table, uint32_t slot)
{
    return (slot + 1) & (table->slot_count - 1);
}

static const struct account_id *slot_key(const struct account_table *table, uint32_t slot)
{
    return &account_table_row(table, table->slots[slot] - 1)->key;
}

/* The key's slot, or the free one where it belongs. */
static uint32_t slot_of(const struct account_table *table, const struct account_id *key)
{
    uint32_t slot = slot_home(table, key);

    while (table->slots[slot] != 0 && !account_equal(slot_key(table, slot), key))
        slot = slot_next(table, slot);
    return slot;
}

bool account_table_find(const struct account_table *table, const struct account_id *key, uint32_t *index)
{
    uint32_t found = table->slots[slot_of(table, key)];

    if (found != 0)
        *index = found - 1;
    return found != 0;
}

static void slots_grow(struct account_table *table)
{
    uint32_t *before = table->slots, count = table->slot_count;

    INVARIANT(count <= UINT32_MAX / 4, "%u keys", table->indexed);
    table->slot_count = count * 2;
    table->slots = memory_array(table->slot_count, sizeof table->slots[0]);
    for (uint32_t i = 0; i < count; i++) {
        if (before[i] != 0)
            table->slots[slot_of(table, &account_table_row(table, before[i] - 1)->key)] = before[i];
    }
    free(before);
}

void account_table_index(struct account_table *table, uint32_t index)
{
    if (table->indexed >= table->slot_count / 2)
        slots_grow(table);
    uint32_t slot = slot_of(table, &account_table_row(table, index)->key);
    INVARIANT(table->slots[slot] == 0, "the key of account %u has an account", index);
    table->slots[slot] = index + 1;
    table->indexed++;
}

void account_table_forget(struct account_table *table, uint32_t index)
{
    uint32_t gap = slot_of(table, &account_table_row(table, index)->key);
    uint32_t mask = table->slot_count - 1;

    INVARIANT(table->slots[gap] == index + 1, "the key of account %u is another's", index);
    /* Those behind it whose way leads over the gap move into it. */
    for (uint32_t slot = slot_next(table, gap); table->slots[slot] != 0; slot = slot_next(table, slot)) {
        uint32_t home = slot_home(table, slot_key(table, slot));

        if (((slot - home) & mask) >= ((slot - gap) & mask)) {
            table->slots[gap] = table->slots[slot];
            gap = slot;
        }
    }
    table->slots[gap] = 0;
    table->indexed--;
}
