/* A rollup's accounts in memory: an array by index, whose rows have only as many balances as the rollup has
 * assets, and which index a key has. Pure but for the secret by which keys are spread, since everybody
 * chooses his own. */
#ifndef LAYER2_ROLLUP_ACCOUNT_TABLE_H
#define LAYER2_ROLLUP_ACCOUNT_TABLE_H

#include "layer2/rollup/leaf.h"

#define ACCOUNT_INDEX_MAX (((uint32_t)1 << 30) - 3) /* more than any memory holds */

struct account_row {
    struct account_id key;
    uint64_t nonce;
    uint64_t balances[]; /* of each asset of the rollup */
};

/* What is known of an account besides its row. */
enum account_mark {
    ACCOUNT_THERE = 1,    /* its leaf */
    ACCOUNT_INDEXED = 2,  /* its key's leaf */
    ACCOUNT_IN_TREE = 4,
    ACCOUNT_INDEX_IN_TREE = 8,
    ACCOUNT_DIRTY = 16,   /* the tree does not have it as it is; it is listed */
    ACCOUNT_SEEN = 32,    /* of use to one function at a time; else 0 */
};

#define ACCOUNT_SHORTHASH_KEY 16

struct account_table {
    unsigned assets;
    size_t row_size;
    uint8_t **rows;      /* in chunks, so that growing copies none; whole huge pages, whatever a row's size */
    uint8_t **marks;
    size_t chunk_count;
    uint32_t *slots;     /* indices + 1, by their keys' hash; 0: free */
    uint32_t slot_count; /* a power of two, more than half of them free */
    uint32_t indexed;
    uint8_t secret[ACCOUNT_SHORTHASH_KEY];
};

void account_table_init(struct account_table *table, unsigned assets);
void account_table_close(struct account_table *table);
size_t account_table_memory(const struct account_table *table);

#define ACCOUNT_CHUNK_BITS 18
#define ACCOUNT_CHUNK ((uint32_t)1 << ACCOUNT_CHUNK_BITS)

/* Makes sure that rows up to this index exist, zeroed. */
void account_table_reach(struct account_table *table, uint32_t index);
static inline bool account_table_has(const struct account_table *table, uint32_t index)
{
    return index >> ACCOUNT_CHUNK_BITS < table->chunk_count;
}

/* Within reach. */
static inline struct account_row *account_table_row(const struct account_table *table, uint32_t index)
{
    return (struct account_row *)(void *)(table->rows[index >> ACCOUNT_CHUNK_BITS] +
                                          (index & (ACCOUNT_CHUNK - 1)) * table->row_size);
}
static inline uint8_t *account_table_marks(const struct account_table *table, uint32_t index)
{
    return &table->marks[index >> ACCOUNT_CHUNK_BITS][index & (ACCOUNT_CHUNK - 1)];
}

void account_row_read(const struct account_table *table, const struct account_row *row,
                      struct rollup_account *account);
void account_row_write(const struct account_table *table, struct account_row *row,
                       const struct rollup_account *account);

/* By the keys of rows: a row's key does not change while it is indexed. */
MUST_CHECK bool account_table_find(const struct account_table *table, const struct account_id *key,
                                   uint32_t *index);
void account_table_index(struct account_table *table, uint32_t index);
void account_table_forget(struct account_table *table, uint32_t index);

#endif
