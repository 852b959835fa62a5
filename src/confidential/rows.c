/* The tables of confidential pools: see rows.h. */
#include "confidential/rows.h"

#include <inttypes.h>
#include <string.h>

static void bind_count(struct statement *s, uint64_t count)
{
    bind_integer(s, (int64_t)count);
}

/* --- pools -------------------------------------------------------------------------------------------- */
bool row_pool_find(struct database *database, const struct asset_id *asset, struct pool *pool)
{
    struct statement *s =
        statement(database, "SELECT id, account, held, notes FROM confidential_pool WHERE asset = ?");

    bind_blob(s, asset->bytes, sizeof(asset->bytes));
    if (!statement_row(s))
        return false;
    pool->id = (uint64_t)column_integer(s, "id");
    column_fixed(s, "account", pool->account.bytes, sizeof(pool->account.bytes));
    pool->held = (uint64_t)column_integer(s, "held");
    pool->notes = (uint64_t)column_integer(s, "notes");
    statement_finish(s);
    return true;
}

void row_pool_insert(struct database *database, const struct asset_id *asset,
                     const struct account_id *account, uint64_t seq)
{
    struct statement *s = statement(database, "INSERT INTO confidential_pool (id, asset, account, opened_seq)"
                                              " SELECT coalesce(max(id), 0) + 1, ?, ?, ?"
                                              " FROM confidential_pool");

    bind_blob(s, asset->bytes, sizeof(asset->bytes));
    bind_blob(s, account->bytes, sizeof(account->bytes));
    bind_count(s, seq);
    statement_run(s);
}

void row_pool_update(struct database *database, const struct pool *pool, size_t images)
{
    struct statement *s = statement(
        database, "UPDATE confidential_pool SET held = ?, notes = ?, images = images + ? WHERE id = ?");

    bind_count(s, pool->held);
    bind_count(s, pool->notes);
    bind_count(s, images);
    bind_count(s, pool->id);
    INVARIANT(statement_run(s) == 1, "there is no confidential pool %" PRIu64, pool->id);
}

/* --- notes -------------------------------------------------------------------------------------------- */
void row_note_insert(struct database *database, uint64_t pool, const struct pool_note *note, uint64_t seq)
{
    struct statement *s = statement(database,
        "INSERT INTO note (pool, number, key, commitment, amount, sealed, created_seq)"
        " VALUES (?, ?, ?, ?, nullif(?, 0), ?, ?)");

    bind_count(s, pool);
    bind_count(s, note->number);
    bind_blob(s, note->key, POINT_SIZE);
    bind_blob(s, note->commitment, POINT_SIZE);
    bind_count(s, note->amount);
    bind_blob(s, note->sealed.size == 0 ? NULL : note->sealed.data, note->sealed.size);
    bind_count(s, seq);
    statement_run(s);
}

bool row_note_key_used(struct database *database, const uint8_t key[POINT_SIZE])
{
    struct statement *s = statement(database, "SELECT 1 FROM note WHERE key = ?");

    bind_blob(s, key, POINT_SIZE);
    if (!statement_row(s))
        return false;
    statement_finish(s);
    return true;
}

bool row_note_is(struct database *database, uint64_t pool, uint64_t number, const uint8_t key[POINT_SIZE],
                 const uint8_t commitment[POINT_SIZE])
{
    struct statement *s =
        statement(database, "SELECT key, commitment FROM note WHERE pool = ? AND number = ?");
    uint8_t found_key[POINT_SIZE], found_commitment[POINT_SIZE];

    bind_count(s, pool);
    bind_count(s, number);
    if (!statement_row(s))
        return false;
    column_fixed(s, "key", found_key, sizeof(found_key));
    column_fixed(s, "commitment", found_commitment, sizeof(found_commitment));
    statement_finish(s);
    return memcmp(found_key, key, POINT_SIZE) == 0 && memcmp(found_commitment, commitment, POINT_SIZE) == 0;
}

/* --- what is spent, and what left --------------------------------------------------------------------- */
bool row_image_spent(struct database *database, const uint8_t image[POINT_SIZE])
{
    struct statement *s = statement(database, "SELECT 1 FROM key_image WHERE image = ?");

    bind_blob(s, image, POINT_SIZE);
    if (!statement_row(s))
        return false;
    statement_finish(s);
    return true;
}

void row_image_insert(struct database *database, const uint8_t image[POINT_SIZE], uint64_t pool, uint64_t seq)
{
    struct statement *s = statement(database,
                                    "INSERT INTO key_image (image, pool, spent_seq) VALUES (?, ?, ?)");

    bind_blob(s, image, POINT_SIZE);
    bind_count(s, pool);
    bind_count(s, seq);
    statement_run(s);
}

void row_unshielding_insert(struct database *database, uint64_t seq, uint64_t pool, uint64_t amount,
                            const struct account_id *recipient)
{
    struct statement *s = statement(
        database, "INSERT INTO unshielding (seq, pool, amount, recipient) VALUES (?, ?, ?, ?)");

    bind_count(s, seq);
    bind_count(s, pool);
    bind_count(s, amount);
    bind_blob(s, recipient->bytes, sizeof(recipient->bytes));
    statement_run(s);
}
