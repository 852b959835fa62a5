/* The tables of confidential pools: every SQL statement that writes them or reads one row for a rule. */
#ifndef CONFIDENTIAL_ROWS_H
#define CONFIDENTIAL_ROWS_H

#include "confidential/spend.h"
#include "store/database.h"

struct pool {
    uint64_t id;
    struct account_id account;
    uint64_t held, notes; /* what it holds; how many notes there ever were, the next one's number */
};
MUST_CHECK bool row_pool_find(struct database *database, const struct asset_id *asset, struct pool *pool);
void row_pool_insert(struct database *database, const struct asset_id *asset,
                     const struct account_id *account, uint64_t seq);
void row_pool_update(struct database *database, const struct pool *pool, size_t images);

struct pool_note {
    uint64_t number;
    const uint8_t *key, *commitment; /* POINT_SIZE bytes */
    uint64_t amount;                 /* put in in public; 0: hidden */
    struct bytes sealed;             /* size 0: none */
};
void row_note_insert(struct database *database, uint64_t pool, const struct pool_note *note, uint64_t seq);
/* In any pool: a key has one image, whatever the asset. */
MUST_CHECK bool row_note_key_used(struct database *database, const uint8_t key[POINT_SIZE]);
/* Whether the pool's note of that number has this key and this commitment. */
MUST_CHECK bool row_note_is(struct database *database, uint64_t pool, uint64_t number,
                            const uint8_t key[POINT_SIZE], const uint8_t commitment[POINT_SIZE]);

MUST_CHECK bool row_image_spent(struct database *database, const uint8_t image[POINT_SIZE]);
void row_image_insert(struct database *database, const uint8_t image[POINT_SIZE], uint64_t pool,
                      uint64_t seq);

void row_unshielding_insert(struct database *database, uint64_t seq, uint64_t pool, uint64_t amount,
                            const struct account_id *recipient);

#endif
