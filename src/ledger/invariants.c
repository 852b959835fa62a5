/* The ledger's invariants: see invariants.h. Each is one row of SQL for a violation, or a check in C where
 * SQL lacks a hash. */
#include "ledger/invariants.h"

#include <stdio.h>
#include <string.h>

#include "base/bech32.h"
#include "crypto/asset.h"
#include "kernel/kernel.h"
#include "kernel/query.h"
#include "ledger/rules.h"

/* Both directions: an asset whose balances do not add up, and balances of no asset. */
static const char conservation[] =
    "WITH held AS (SELECT asset, sum(amount) AS total FROM balance GROUP BY asset)"
    " SELECT printf('asset %s: balances add up to %d, its supply is %d', symbol, coalesce(total, 0), supply)"
    " FROM asset LEFT JOIN held ON held.asset = asset.id WHERE coalesce(total, 0) <> supply"
    " UNION ALL SELECT printf('balances of %d of the asset %s, which is not there', total, lower(hex(asset)))"
    " FROM held WHERE asset NOT IN (SELECT id FROM asset)";

/* Every posting carries the sum of all postings up to it, and the sum of all of them is the balance. */
static const char postings[] =
    "WITH posted AS"
    " (SELECT domain, account, asset, sum(amount) AS total FROM posting GROUP BY domain, account, asset)"
    " SELECT printf('account %s, asset %s: postings add up to %d, the balance is %d',"
    "  lower(hex(posted.account)), lower(hex(posted.asset)), total, coalesce(balance.amount, 0))"
    " FROM posted LEFT JOIN balance USING (domain, account, asset) WHERE total <> coalesce(balance.amount, 0)"
    " UNION ALL SELECT printf('account %s, asset %s: a balance of %d without postings',"
    "  lower(hex(balance.account)), lower(hex(balance.asset)), balance.amount)"
    " FROM balance LEFT JOIN posted USING (domain, account, asset) WHERE total IS NULL"
    " UNION ALL SELECT printf('event %d, account %s: a posting gives the balance as %d, the sum is %d',"
    "  seq, lower(hex(account)), balance, running)"
    " FROM (SELECT account, seq, balance, sum(amount)"
    "  OVER (PARTITION BY domain, account, asset ORDER BY seq, entry) AS running FROM posting)"
    " WHERE balance <> running OR running < 0"
    " UNION ALL SELECT printf('event %d, account %s: a posting of nothing', seq, lower(hex(account)))"
    " FROM posting WHERE amount = 0"
    " UNION ALL SELECT printf('event %d is not there, but explains a posting of the account %s',"
    "  seq, lower(hex(account)))"
    " FROM posting WHERE seq NOT IN (SELECT seq FROM event)";

/* A locked escrow holds its amount, nothing else, and has its deadline; a closed one has neither. */
static const char escrows[] =
    "SELECT printf('escrow %s is locked, but holds %d instead of %d',"
    "  lower(hex(escrow.id)), coalesce(balance.amount, 0), escrow.amount)"
    " FROM escrow LEFT JOIN balance ON balance.domain = escrow.domain AND balance.account = escrow.id"
    "  AND balance.asset = escrow.asset"
    " WHERE state = 'locked' AND coalesce(balance.amount, 0) <> escrow.amount"
    " UNION ALL SELECT printf('escrow %s holds an asset that nobody locked', lower(hex(escrow.id)))"
    " FROM escrow JOIN balance ON balance.account = escrow.id"
    " WHERE balance.asset <> escrow.asset OR balance.domain <> escrow.domain"
    " UNION ALL SELECT"
    "  printf('escrow %s is %s, but still holds %d', lower(hex(escrow.id)), state, balance.amount)"
    " FROM escrow JOIN balance ON balance.account = escrow.id WHERE state <> 'locked'"
    " UNION ALL SELECT"
    "  printf('escrow %s is locked, but has no deadline at %d', lower(hex(escrow.id)), deadline_us)"
    " FROM escrow LEFT JOIN deadline ON kind = 'ledger.escrow' AND subject = escrow.id AND clock = 0"
    "  AND due_us = deadline_us WHERE state = 'locked' AND deadline.id IS NULL"
    " UNION ALL SELECT printf('a deadline for the escrow %s, which is not locked', lower(hex(subject)))"
    " FROM deadline"
    " WHERE kind = 'ledger.escrow' AND subject NOT IN (SELECT id FROM escrow WHERE state = 'locked')"
    " UNION ALL SELECT printf('escrow %s is %s, with closed_seq %s and %s preimage',"
    "  lower(hex(id)), state, coalesce(closed_seq, 'NULL'), iif(preimage IS NULL, 'no', 'a'))"
    " FROM escrow"
    " WHERE (state = 'locked') <> (closed_seq IS NULL) OR (state = 'claimed') <> (preimage IS NOT NULL)"
    " UNION ALL SELECT printf('escrow %s has no account of its own', lower(hex(id)))"
    " FROM escrow WHERE id NOT IN (SELECT id FROM account WHERE kind = 'escrow')";

static const char accounts[] =
    "SELECT printf('the account %s holds %d, but is not known', lower(hex(account)), amount)"
    " FROM balance WHERE account NOT IN (SELECT id FROM account)"
    " UNION ALL SELECT"
    "  printf('the account %s moved something in event %d, but is not known', lower(hex(account)), seq)"
    " FROM posting WHERE account NOT IN (SELECT id FROM account)"
    " UNION ALL SELECT printf('the issuer of %s is not known', symbol)"
    " FROM asset WHERE issuer NOT IN (SELECT id FROM account)"
    " UNION ALL SELECT printf('sender or recipient of the escrow %s is not known', lower(hex(id)))"
    " FROM escrow WHERE sender NOT IN (SELECT id FROM account) OR recipient NOT IN (SELECT id FROM account)";

static const char supply[] =
    "SELECT printf('asset %s: its supply is %d of at most %d', symbol, supply, max_supply)"
    " FROM asset WHERE supply < 0 OR supply > max_supply OR max_supply < 1 OR max_supply > 9007199254740991";

/* Says what is wrong about the row at hand, whose statement it ends. */
static void report(char *violation, size_t size, struct statement *s, const char *column, const char *wrong)
{
    struct bytes id = column_blob(s, column);
    struct buffer text CLEANUP(buffer_close) = { 0 };

    buffer_init(&text);
    buffer_append_hex(&text, id.data, id.size);
    snprintf(violation, size, "%s: %s", buffer_text(&text), wrong);
    statement_finish(s);
}

static enum status check_addresses(struct query *q, char *violation, size_t size)
{
    struct statement *s = statement(q->database, "SELECT id, address FROM account");
    struct account_id account;
    char address[ADDRESS_TEXT_MAX];

    while (statement_row(s)) {
        column_fixed(s, "id", account.bytes, sizeof(account.bytes));
        address_encode(address, &account);
        if (strcmp(address, column_text(s, "address")) != 0) {
            report(violation, size, s, "id", "the account's address is another one's");
            break;
        }
    }
    return OK;
}

static enum status check_assets(struct query *q, char *violation, size_t size)
{
    struct statement *s = statement(q->database, "SELECT id, symbol FROM asset");
    struct asset_id id, expected;

    while (statement_row(s)) {
        column_fixed(s, "id", id.bytes, sizeof(id.bytes));
        asset_id_from_symbol(&expected, kernel_chain(q->kernel), column_text(s, "symbol"));
        if (!asset_symbol_valid(column_text(s, "symbol")) || memcmp(&id, &expected, sizeof(id)) != 0) {
            report(violation, size, s, "id", "the asset's id does not follow from its symbol");
            break;
        }
    }
    return OK;
}

static enum status check_preimages(struct query *q, char *violation, size_t size)
{
    struct statement *s =
        statement(q->database, "SELECT id, hash, preimage FROM escrow WHERE preimage IS NOT NULL");
    struct hash hash, preimage;

    while (statement_row(s)) {
        column_fixed(s, "hash", hash.bytes, sizeof(hash.bytes));
        column_fixed(s, "preimage", preimage.bytes, sizeof(preimage.bytes));
        if (!preimage_matches(&preimage, &hash)) {
            report(violation, size, s, "id", "the escrow's preimage does not hash to its hash");
            break;
        }
    }
    return OK;
}

const struct invariant ledger_invariants[LEDGER_INVARIANTS] = {
    { "ledger.conservation", "The balances of each asset add up to its supply.", .sql = conservation },
    { "ledger.postings",
      "Each balance is the sum of its postings, and each posting carries the sum up to it.",
      .sql = postings },
    { "ledger.escrows", "A locked escrow holds its amount and has its deadline; a closed one has neither.",
      .sql = escrows },
    { "ledger.accounts", "Whoever holds, moves, issues or may claim anything has an account row.",
      .sql = accounts },
    { "ledger.supply", "No supply is negative or over its limit.", .sql = supply },
    { "ledger.addresses", "Each account's address is that of its id.", .check = check_addresses },
    { "ledger.assets", "Each asset's id follows from chain and symbol.", .check = check_assets },
    { "ledger.preimages", "Each preimage shown hashes to its escrow's hash.", .check = check_preimages },
};
