/* What always holds of rollups: see invariants.h. */
#include "layer2/rollup/invariants.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "kernel/query.h"
#include "layer2/rollup/life.h"
#include "layer2/rollup/local.h"
#include "layer2/rollup/rows.h"
#include "layer2/rollup/rules.h"

/* Numbers without gaps up to the head, each on the one before it; final ones first; a deadline for each that
 * can come. */
static const char states[] =
    "SELECT printf('rollup %d: %d batches stand, its head is %d', domain, (SELECT count(*) FROM batch"
    "  WHERE batch.domain = rollup.domain AND state < 4), head) FROM rollup WHERE head <> (SELECT count(*)"
    "  FROM batch WHERE batch.domain = rollup.domain AND state < 4)"
    " UNION ALL SELECT printf('rollup %d: batch %d is final, the newest final one is %d', rollup.domain,"
    "  number, final) FROM batch JOIN rollup USING (domain) WHERE state < 4 AND (state = 3) <> (number <="
    " final)"
    " UNION ALL SELECT printf('rollup %d: batch %d does not stand on the one before it', b.domain, b.number)"
    " FROM batch AS b LEFT JOIN batch AS p ON p.domain = b.domain AND p.number = b.number - 1 AND p.state < 4"
    " JOIN rollup AS r ON r.domain = b.domain WHERE b.state < 4"
    "  AND (b.parent IS NOT coalesce(p.id, zeroblob(32)) OR b.inbox_from <> coalesce(p.inbox_to, 0)"
    "   OR b.previous_root <> coalesce(p.root, r.genesis_root) OR (b.number > 1 AND p.id IS NULL))"
    " UNION ALL SELECT printf('rollup %d: batch %d is accepted before its parent', b.domain, b.number)"
    " FROM batch AS b JOIN batch AS p ON p.id = b.parent WHERE b.state IN (2, 3) AND p.state NOT IN (2, 3)"
    " UNION ALL SELECT printf('rollup %d: batch %d is final without its parent', b.domain, b.number)"
    " FROM batch AS b JOIN batch AS p ON p.id = b.parent WHERE b.state = 3 AND p.state <> 3"
    " UNION ALL SELECT printf('rollup %d is frozen, and batch %d is not final', domain, number)"
    " FROM batch JOIN rollup USING (domain) WHERE frozen = 1 AND state < 3";

/* What is in batches, and what waits; what ended while the rollup was frozen stays so wherever it stands. */
static const char inboxes[] =
    "WITH cursor AS (SELECT rollup.domain, coalesce((SELECT inbox_to FROM batch WHERE domain = rollup.domain"
    "  AND number = head AND state < 4), 0) AS taken, coalesce((SELECT inbox_to FROM batch"
    "  WHERE domain = rollup.domain AND number = final AND state = 3), 0) AS done FROM rollup)"
    " SELECT printf('rollup %d: inbox item %d is %s, %d are taken in and %d final', domain, number, state,"
    "  taken, done) FROM inbox JOIN cursor USING (domain) JOIN rollup USING (domain) WHERE state <> CASE"
    "  WHEN state IN ('refunded', 'dropped') AND (frozen = 1 OR epoch > 0) THEN state"
    "  WHEN number < done THEN 'done' WHEN number < taken THEN 'included' ELSE 'queued' END"
    " UNION ALL SELECT printf('rollup %d is frozen, and inbox item %d waits', domain, number)"
    " FROM inbox JOIN rollup USING (domain) WHERE frozen = 1 AND state = 'queued' AND lasting = 0"
    "  AND NOT EXISTS"
    "  (SELECT 1 FROM deadline WHERE kind = 'rollup.refund' AND hex(subject) = printf('%016X', domain))"
    " UNION ALL SELECT printf('rollup %d: account %d left in epoch %d, and its inbox item %d is not that',"
    "  e.domain, account, e.epoch, item) FROM rollup_exit AS e JOIN rollup AS r USING (domain)"
    " LEFT JOIN inbox AS i ON i.domain = e.domain AND i.number = e.item WHERE item IS NOT NULL"
    "  AND (i.number IS NULL OR i.lasting = 0 OR item >= exits_end OR e.epoch > r.epoch)"
    " UNION ALL SELECT printf('rollup %d: inbox item %d lasts, and nobody left by it', i.domain, number)"
    " FROM inbox AS i JOIN rollup USING (domain) WHERE lasting = 1 AND NOT EXISTS"
    "  (SELECT 1 FROM rollup_exit AS e WHERE e.domain = i.domain AND item = number)"
    " UNION ALL SELECT printf('rollup %d: batch %d passes over what left while it was frozen', domain,"
    "  number)"
    " FROM batch JOIN rollup USING (domain) WHERE state < 4 AND number > final AND inbox_to < exits_end"
    "  AND inbox_to - inbox_from < 4096"
    " UNION ALL SELECT printf('rollup %d: unfreezing is %s', domain, CASE unfreeze_at_us WHEN 0"
    "  THEN 'due, but not announced' ELSE 'announced, but not due' END) FROM rollup"
    " WHERE (unfreeze_at_us <> 0) <> EXISTS (SELECT 1 FROM deadline WHERE kind = 'rollup.unfreeze'"
    "   AND hex(subject) = printf('%016X', domain)) OR (unfreeze_at_us <> 0 AND frozen = 0)";

/* Who waits for data has his bond in an account of its own, until a deadline; and what stands without its
 * data has enough who vouch for it. */
static const char availability[] =
    "WITH held AS (SELECT c.batch, c.state, c.bond, b.data_state, b.state AS batch_state, b.number, c.domain,"
    "  coalesce((SELECT amount FROM balance WHERE domain = 0 AND account = c.holding AND asset ="
    "   r.bond_asset), 0) AS amount FROM availability_challenge AS c JOIN batch AS b ON b.id = c.batch"
    "  JOIN rollup AS r ON r.domain = c.domain)"
    " SELECT printf('rollup %d: the challenge of batch %d''s data is %d and holds %d of %d', domain, number,"
    "  state, amount, bond) FROM held WHERE amount <> CASE state WHEN 0 THEN bond ELSE 0 END"
    " UNION ALL SELECT printf('rollup %d: the challenge of batch %d''s data is %d, its data %d, it is %d',"
    "  domain, number, state, data_state, batch_state) FROM held WHERE (state = 0) <> (data_state = 2)"
    "  OR (state = 0 AND batch_state NOT IN (0, 1)) OR (state IN (1, 3) AND data_state <> 0)"
    "  OR (state IN (2, 3) AND batch_state <> 4) OR (state = 4 AND batch_state < 4)"
    " UNION ALL SELECT printf('rollup %d: nothing ends the challenge of batch %d''s data', domain, number)"
    " FROM held WHERE state = 0 AND NOT EXISTS (SELECT 1 FROM deadline WHERE kind = 'rollup.availability'"
    "  AND subject = held.batch)"
    " UNION ALL SELECT printf('rollup %d: batch %d''s data is %d, and %d bytes of it on the ledger', domain,"
    "  number, data_state, length(data)) FROM batch LEFT JOIN batch_data ON batch = id"
    " WHERE (data_state = 0) <> (data IS NOT NULL)"
    " UNION ALL SELECT printf('rollup %d: %d vouch for the data of batch %d', domain, (SELECT count(*)"
    "  FROM batch_attestation WHERE batch = batch.id), number) FROM batch JOIN rollup USING (domain)"
    " WHERE data_size > 0 AND (SELECT count(*) FROM batch_attestation WHERE batch = batch.id) <"
    "  committee_threshold";

/* --- bonds ------------------------------------------------------------------------------------ */
static uint64_t base_balance(struct database *database, const struct account_id *account,
                             const struct asset_id *asset)
{
    struct statement *s = statement(database,
        "SELECT amount FROM balance WHERE domain = 0 AND account = ? AND asset = ?");
    uint64_t amount = 0;

    bind_blob(s, account->bytes, sizeof(account->bytes));
    bind_blob(s, asset->bytes, sizeof(asset->bytes));
    if (statement_row(s)) {
        amount = (uint64_t)column_integer(s, "amount");
        statement_finish(s);
    }
    return amount;
}

/* A batch that nobody challenges has its bond; one that is over has none. */
static enum status check_bonds(struct query *q, char *violation, size_t size)
{
    struct batch_row row;
    int64_t after = -1;

    for (;;) {
        struct statement *s = statement(q->database,
            "SELECT created_seq, " BATCH_COLUMNS " FROM batch WHERE created_seq > ? ORDER BY created_seq"
                                                 " LIMIT 1");
        struct account_id account;
        struct rollup rollup;
        uint64_t held, owed;

        bind_integer(s, after);
        if (!statement_row(s))
            return OK;
        after = column_integer(s, "created_seq");
        batch_from_row(s, &row);
        statement_finish(s);
        if (row.state == BATCH_CHALLENGED || !rollup_find(q->database, row.domain, &rollup))
            continue;
        batch_bond_account(&account, &row.id);
        held = base_balance(q->database, &account, &rollup.bond_asset);
        owed = batch_is_over(row.state) ? 0 : row.bond;
        if (held == owed)
            continue;
        snprintf(violation, size, "rollup %" PRIu64 ": batch %" PRIu64 " is %s and holds %" PRIu64
                 " of %" PRIu64, row.domain, row.number, batch_state_name(row.state), held, owed);
        return OK;
    }
}

/* --- value ------------------------------------------------------------------------------------ */
static uint64_t sum_of(struct statement *s, uint64_t domain, unsigned asset)
{
    uint64_t sum = 0;

    bind_integer(s, (int64_t)domain);
    bind_integer(s, asset);
    if (statement_row(s)) {
        sum = (uint64_t)column_integer(s, "sum");
        statement_finish(s);
    }
    return sum;
}

/* The account holds what came in, less what went out. */
static bool check_escrow(struct database *database, const struct rollup *r, unsigned number, char *violation,
                         size_t size)
{
    struct asset_id asset;
    uint64_t in, out, held;

    if (!domain_asset(database, r->domain, number, &asset))
        return true;
    in = sum_of(statement(database,
                          "SELECT coalesce(sum(amount), 0) + coalesce((SELECT sum(amount) FROM credit"
                                    "  WHERE domain = ?1 AND asset = ?2), 0) AS sum FROM inbox WHERE domain"
                                    " = ?1"
                                    " AND asset = ?2 AND state <> 'refunded'"), r->domain, number);
    out = sum_of(statement(database,
        "SELECT coalesce((SELECT sum(amount) FROM withdrawal_claim JOIN domain_asset USING (domain, asset)"
        "  WHERE domain = ?1 AND domain_asset.number = ?2), 0) + coalesce((SELECT sum(amount)"
        "  FROM rollup_exit WHERE domain = ?1 AND asset = ?2), 0) AS sum"), r->domain, number);
    held = base_balance(database, &r->escrow, &asset);
    if (in == held + out)
        return true;
    snprintf(violation, size,
             "rollup %" PRIu64 " holds %" PRIu64 " of asset %u; %" PRIu64 " came in, %" PRIu64
             " went out", r->domain, held, number, in, out);
    return false;
}

static uint64_t exits_before(struct database *database, uint64_t domain, unsigned asset, uint64_t item)
{
    struct statement *s = statement(database, "SELECT coalesce(sum(amount), 0) AS sum FROM rollup_exit"
                                              " WHERE domain = ? AND asset = ? AND item < ?");
    uint64_t sum = 0;

    bind_integer(s, (int64_t)domain);
    bind_integer(s, asset);
    bind_integer(s, (int64_t)item);
    if (statement_row(s)) {
        sum = (uint64_t)column_integer(s, "sum");
        statement_finish(s);
    }
    return sum;
}

/* At the newest batch that was executed here: what is inside, and what was withdrawn or left while the rollup
 * was frozen, was deposited, and not refunded. */
static bool check_inside(struct database *database, const struct rollup *r, unsigned number, uint64_t inside,
                         uint64_t taken, char *violation, size_t size)
{
    struct statement *s = statement(database, "SELECT coalesce(sum(amount), 0) AS sum FROM inbox"
                                              " WHERE domain = ? AND asset = ? AND number < ?"
                                              " AND state <> 'refunded'");
    uint64_t in = 0, out, left;

    bind_integer(s, (int64_t)r->domain);
    bind_integer(s, number);
    bind_integer(s, (int64_t)taken);
    if (statement_row(s)) {
        in = (uint64_t)column_integer(s, "sum");
        statement_finish(s);
    }
    out = sum_of(statement(database, "SELECT coalesce(sum(amount), 0) AS sum FROM rollup_withdrawal"
                                     " WHERE domain = ? AND asset = ?"), r->domain, number);
    left = exits_before(database, r->domain, number, taken);
    if (in == inside + out + left)
        return true;
    snprintf(violation, size, "rollup %" PRIu64 ": %" PRIu64 " of asset %u are inside, %" PRIu64
             " withdrawn and %" PRIu64 " left, but %" PRIu64 " deposited", r->domain, inside, number, out,
             left, in);
    return false;
}

/* What is executed here counts as long as it stands: the ledger may be ahead in taking batches back. */
static bool stands_here(struct database *database, uint64_t domain)
{
    struct lane_row lane;
    struct batch_row row;

    return lane_read(database, domain, &lane) &&
           (lane.number == 0 || (batch_find(database, &lane.batch, &row) && batch_stands(row.state)));
}

static void add_inside(struct database *database, uint64_t domain, uint64_t inside[ROLLUP_ASSETS_MAX])
{
    struct statement *s = statement(database, "SELECT leaf FROM rollup_leaf WHERE domain = ? AND kind = 1");

    bind_integer(s, (int64_t)domain);
    while (statement_row(s)) {
        struct error error;
        struct leaf leaf;

        if (leaf_decode(column_blob(s, "leaf"), &leaf, &error) != OK)
            continue; /* the sum will not be right */
        for (unsigned i = 0; i < ROLLUP_ASSETS_MAX; i++)
            inside[i] += leaf.account.balances[i];
    }
}

static bool check_rollup(struct database *database, uint64_t domain, char *violation, size_t size)
{
    const struct leaf_place place = { .kind = LEAF_GLOBAL };
    uint64_t inside[ROLLUP_ASSETS_MAX] = { 0 };
    struct rollup rollup;
    struct leaf global;

    if (!rollup_find(database, domain, &rollup))
        return true;
    for (unsigned i = 0; i < rollup.assets; i++) {
        if (!check_escrow(database, &rollup, i, violation, size))
            return false;
    }
    if (!stands_here(database, domain) || !leaf_read(database, domain, &place, &global))
        return true;
    add_inside(database, domain, inside);
    for (unsigned i = 0; i < rollup.assets; i++) {
        if (!check_inside(database, &rollup, i, inside[i], global.global.inbox, violation, size))
            return false;
    }
    return true;
}

static enum status check_conservation(struct query *q, char *violation, size_t size)
{
    uint64_t domain = 0;

    for (;;) {
        struct statement *s = statement(q->database, "SELECT domain FROM rollup WHERE domain > ?"
                                                     " ORDER BY domain LIMIT 1");

        bind_integer(s, (int64_t)domain);
        if (!statement_row(s))
            return OK;
        domain = (uint64_t)column_integer(s, "domain");
        statement_finish(s);
        if (!check_rollup(q->database, domain, violation, size))
            return OK;
    }
}

const struct invariant rollup_invariants[ROLLUP_INVARIANTS] = {
    { .name = "rollup.states", .help = "Batches that stand follow each other, final ones first.",
      .sql = states },
    { .name = "rollup.inboxes", .help = "Inbox items are as far as the batches that took them in.",
      .sql = inboxes },
    { .name = "rollup.availability",
      .help = "Whose data is demanded has a bond and a deadline for that; who vouched for data is on record.",
      .sql = availability },
    { .name = "rollup.bonds", .help = "Each batch that can still be wrong has its bond, and no other.",
      .check = check_bonds },
    { .name = "rollup.conservation",
      .help = "A rollup's account holds what came in less what went out, and inside nothing is made or lost.",
      .check = check_conservation },
};
