/* Accounts and what they hold: see ledger.h. Every change of a balance goes through balance_set, which writes
 * the posting beside it. */
#include <inttypes.h>
#include <string.h>

#include "base/bech32.h"
#include "crypto/schnorr.h"
#include "kernel/execution.h"
#include "ledger/rows.h"

enum status account_can_receive(struct execution *x, const struct account_id *account)
{
    char kind[ACCOUNT_KIND_MAX], address[ADDRESS_TEXT_MAX];

    if (row_account_kind(execution_database(x), account, kind)) {
        if (strcmp(kind, ACCOUNT_KIND_KEY) == 0)
            return OK;
        address_encode(address, account);
        return fail(x, ERROR_NOT_A_RECIPIENT, "%s is held by the ledger itself (%s); nobody can send to it",
                    address, kind);
    }
    if (account_is_key(account))
        return OK;
    address_encode(address, account);
    return fail(x, ERROR_BAD_KEY, "%s is not the address of a key: what is sent there could never leave",
                address);
}

bool account_is_payable(struct execution *x, const struct account_id *account)
{
    char kind[ACCOUNT_KIND_MAX];

    if (row_account_kind(execution_database(x), account, kind))
        return strcmp(kind, ACCOUNT_KIND_KEY) == 0;
    return account_is_key(account);
}

bool account_is_held(struct execution *x, const struct account_id *account, const char *kind)
{
    char present[ACCOUNT_KIND_MAX];

    return row_account_kind(execution_database(x), account, present) && strcmp(present, kind) == 0;
}

enum status account_hold(struct execution *x, const struct account_id *account, const char *kind)
{
    char present[ACCOUNT_KIND_MAX], address[ADDRESS_TEXT_MAX];

    if (row_account_kind(execution_database(x), account, present)) {
        address_encode(address, account);
        return fail(x, ERROR_ACCOUNT_EXISTS, "the account %s exists already (%s)", address, present);
    }
    row_account_insert(execution_database(x), account, kind, execution_next_seq(x));
    return OK;
}

void account_know(struct execution *x, const struct account_id *account)
{
    char kind[ACCOUNT_KIND_MAX];

    if (!row_account_kind(execution_database(x), account, kind))
        row_account_insert(execution_database(x), account, ACCOUNT_KIND_KEY, execution_next_seq(x));
}

static void balance_set(struct execution *x, uint64_t domain, const struct asset_id *asset,
                        const struct account_id *account, uint64_t before, uint64_t after)
{
    struct database *database = execution_database(x);

    row_balance_write(database, domain, account, asset, before, after);
    row_posting_insert(database, domain, account, execution_next_seq(x), asset,
                       (int64_t)after - (int64_t)before, after);
}

uint64_t balance_of(struct execution *x, uint64_t domain, const struct asset *asset,
                    const struct account_id *account)
{
    return row_balance_read(execution_database(x), domain, account, &asset->id);
}

void balance_credit(struct execution *x, uint64_t domain, const struct asset *asset,
                    const struct account_id *to, uint64_t amount)
{
    uint64_t before = balance_of(x, domain, asset, to), after;

    INVARIANT(amount > 0 && amount_add(before, amount, asset->max_supply, &after),
              "%" PRIu64 " more %s beside %" PRIu64 " would pass the limit of the whole supply", amount,
              asset->symbol, before);
    if (before == 0)
        account_know(x, to);
    balance_set(x, domain, &asset->id, to, before, after);
}

enum status balance_debit(struct execution *x, uint64_t domain, const struct asset *asset,
                          const struct account_id *from, uint64_t amount, uint64_t *left)
{
    uint64_t before = balance_of(x, domain, asset, from), after;
    char address[ADDRESS_TEXT_MAX];

    INVARIANT(amount > 0, "nothing cannot be moved");
    if (!amount_subtract(before, amount, &after)) {
        address_encode(address, from);
        return fail(x, ERROR_INSUFFICIENT_BALANCE, "%s holds %" PRIu64 " %s; %" PRIu64 " are needed", address,
                    before, asset->symbol, amount);
    }
    balance_set(x, domain, &asset->id, from, before, after);
    if (left != NULL)
        *left = after;
    return OK;
}

enum status balance_move(struct execution *x, uint64_t domain, const struct asset *asset,
                         const struct account_id *from, const struct account_id *to, uint64_t amount,
                         uint64_t *left)
{
    INVARIANT(!account_equal(from, to), "value moves between two accounts");
    TRY(balance_debit(x, domain, asset, from, amount, left));
    balance_credit(x, domain, asset, to, amount);
    return OK;
}
