/* What later modules may ask of the ledger: find an asset, move value between accounts, make and destroy it,
 * and hold value in an account that no key opens. Only for handlers and deadlines, inside the executor.
 *
 * Always: every change of a balance has a posting with the balance after it, under the seq of the event that
 * the caller records right afterwards. The balances of an asset add up to its supply. A balance of nothing
 * has no row. */
#ifndef LEDGER_LEDGER_H
#define LEDGER_LEDGER_H

#include "crypto/asset.h"
#include "kernel/module.h"
#include "ledger/rules.h"

#define DOMAIN_BASE ((uint64_t)0) /* the base ledger */

extern const struct module ledger_module;

/* --- assets ----------------------------------------------------------------------------------- */
/* An asset that exists: only asset_find and asset_create fill one. */
struct asset {
    struct asset_id id;
    char symbol[ASSET_SYMBOL_MAX];
    unsigned decimals;
    struct account_id issuer;
    uint64_t supply, max_supply; /* smallest units; 0 … max_supply … INTEGER_MAX */
};

/* ERROR_ASSET_NOT_FOUND. */
MUST_CHECK enum status asset_find(struct execution *x, const struct asset_id *id, struct asset *asset);

/* More of an asset for `to`, or less of what `from` holds; asset->supply is the supply afterwards. Who may do
 * so is the caller's question. ERROR_SUPPLY_LIMIT; ERROR_INSUFFICIENT_BALANCE. */
MUST_CHECK enum status asset_mint(struct execution *x, uint64_t domain, struct asset *asset,
                                  const struct account_id *to, uint64_t amount);
MUST_CHECK enum status asset_burn(struct execution *x, uint64_t domain, struct asset *asset,
                                  const struct account_id *from, uint64_t amount);

/* --- accounts --------------------------------------------------------------------------------- */
/* The kind of an account that a key opens. What modules hold has kinds of its own, as "escrow". */
#define ACCOUNT_KIND_KEY "key"

/* Whether a user may send to this account. ERROR_BAD_KEY when it is no point on the curve,
 * ERROR_NOT_A_RECIPIENT when a module holds it: value sent there could never leave. */
MUST_CHECK enum status account_can_receive(struct execution *x, const struct account_id *account);

bool account_is_payable(struct execution *x, const struct account_id *account); /* the same, asked */

/* Makes an account that no key opens, for value that a module holds; `kind` is a literal.
 * ERROR_ACCOUNT_EXISTS when the id is in use: somebody may have sent value to it beforehand. */
MUST_CHECK enum status account_hold(struct execution *x, const struct account_id *account, const char *kind);

/* Whether the account is one that a module holds under this kind. */
bool account_is_held(struct execution *x, const struct account_id *account, const char *kind);

/* Makes sure that the account of a key has a row, as whoever holds, issues or may claim something must. */
void account_know(struct execution *x, const struct account_id *account);

/* --- balances --------------------------------------------------------------------------------- */
uint64_t balance_of(struct execution *x, uint64_t domain, const struct asset *asset,
                    const struct account_id *account);

/* Moves amount ≥ 1 from one account to another one; *left (may be NULL) is what `from` has left.
 * ERROR_INSUFFICIENT_BALANCE. */
MUST_CHECK enum status balance_move(struct execution *x, uint64_t domain, const struct asset *asset,
                                    const struct account_id *from, const struct account_id *to,
                                    uint64_t amount, uint64_t *left);

/* One side of a movement, for value that leaves or enters a domain; the supply stays as it is, so that the
 * caller answers for the other side. */
void balance_credit(struct execution *x, uint64_t domain, const struct asset *asset,
                    const struct account_id *to, uint64_t amount);
MUST_CHECK enum status balance_debit(struct execution *x, uint64_t domain, const struct asset *asset,
                                     const struct account_id *from, uint64_t amount, uint64_t *left);

#endif
