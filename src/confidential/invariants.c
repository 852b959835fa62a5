/* The invariants of confidential pools: see invariants.h. */
#include "confidential/invariants.h"

#include <inttypes.h>
#include <string.h>

#include "confidential/confidential.h"
#include "confidential/pool.h"
#include "confidential/spend.h"
#include "kernel/kernel.h"
#include "kernel/query.h"

/* What is in the pool's account is what went in in public less what came out. Sums over all times can pass
 * 64 bits, for value may go in and out again and again: so they are taken in halves of 32 bits. */
static const char conservation[] =
    "WITH moved AS"
    " (SELECT pool, amount >> 32 AS high, amount & 4294967295 AS low FROM note WHERE amount IS NOT NULL"
    "  UNION ALL SELECT pool, -(amount >> 32), -(amount & 4294967295) FROM unshielding),"
    " total AS (SELECT pool, sum(high) * 4294967296 + sum(low) AS amount FROM moved GROUP BY pool)"
    " SELECT printf('pool %d: %d are held; what was shielded less what was unshielded is %d', id, held,"
    "  coalesce(total.amount, 0))"
    " FROM confidential_pool LEFT JOIN total ON total.pool = id WHERE held IS NOT coalesce(total.amount, 0)"
    " UNION ALL SELECT printf('pool %d: %d are held; its account has %d', id, held,"
    "  coalesce(balance.amount, 0))"
    " FROM confidential_pool LEFT JOIN balance ON balance.domain = 0"
    "  AND balance.account = confidential_pool.account AND balance.asset = confidential_pool.asset"
    " WHERE held <> coalesce(balance.amount, 0)";

static const char notes[] =
    "SELECT printf('pool %d: its notes are %d in number, the last one is %d; %d are expected', id,"
    "  count(number), max(number), notes)"
    " FROM confidential_pool LEFT JOIN note ON pool = id GROUP BY id"
    " HAVING count(number) <> notes OR coalesce(max(number) + 1, 0) <> notes"
    " UNION ALL SELECT printf('pool %d: %d key images; %d are expected', id, count(image), images)"
    " FROM confidential_pool LEFT JOIN key_image ON pool = id GROUP BY id HAVING count(image) <> images"
    " UNION ALL SELECT printf('pool %d: more images (%d) than notes (%d)', id, images, notes)"
    " FROM confidential_pool WHERE images > notes";

static enum status check_accounts(struct query *q, char *violation, size_t size)
{
    struct statement *s = statement(q->database,
        "SELECT p.id AS id, p.asset AS asset, p.account AS account, a.kind AS kind"
        " FROM confidential_pool AS p LEFT JOIN account AS a ON a.id = p.account");

    while (statement_row(s)) {
        struct account_id account, expected;
        struct asset_id asset;

        column_fixed(s, "asset", asset.bytes, sizeof(asset.bytes));
        column_fixed(s, "account", account.bytes, sizeof(account.bytes));
        pool_account(kernel_chain(q->kernel), &asset, &expected);
        if (!column_is_null(s, "kind") && strcmp(column_text(s, "kind"), CONFIDENTIAL_ACCOUNT_KIND) == 0 &&
            account_equal(&account, &expected))
            continue;
        snprintf(violation, size, "pool %" PRId64 ": its account is not the one held for it",
                 column_integer(s, "id"));
        statement_finish(s);
        break;
    }
    return OK;
}

static enum status check_commitments(struct query *q, char *violation, size_t size)
{
    struct statement *s = statement(
        q->database, "SELECT pool, number, commitment, amount FROM note WHERE amount IS NOT NULL");

    while (statement_row(s)) {
        uint8_t commitment[POINT_SIZE], expected[POINT_SIZE];

        column_fixed(s, "commitment", commitment, sizeof(commitment));
        note_commit_public((uint64_t)column_integer(s, "amount"), expected);
        if (memcmp(commitment, expected, sizeof(expected)) == 0)
            continue;
        snprintf(violation, size, "pool %" PRId64 ": the note %" PRId64 " does not commit to what was put in",
                 column_integer(s, "pool"), column_integer(s, "number"));
        statement_finish(s);
        break;
    }
    return OK;
}

const struct invariant confidential_invariants[CONFIDENTIAL_INVARIANTS] = {
    { "confidential.conservation", "A pool holds what was shielded less what was unshielded.",
      .sql = conservation },
    { "confidential.notes", "Notes are numbered without gaps, and no more are spent than there are.",
      .sql = notes },
    { "confidential.accounts", "A pool's account is held for it, and its id follows from the asset.",
      .check = check_accounts },
    { "confidential.commitments", "A note that was shielded commits to the amount that was put in.",
      .check = check_commitments },
};
