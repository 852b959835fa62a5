/* The ledger's tables: every SQL statement that writes them or reads one row for a rule. Lists for people
 * stand in queries.c, checks of the whole in invariants.c. */
#ifndef LEDGER_ROWS_H
#define LEDGER_ROWS_H

#include "ledger/ledger.h"

/* --- account */
/* The kind of a known account ("key", "escrow"), or NULL; lives until the next call. */
#define ACCOUNT_KIND_MAX 16
MUST_CHECK bool row_account_kind(struct database *database, const struct account_id *account,
                                 char kind[ACCOUNT_KIND_MAX]);
void row_account_insert(struct database *database, const struct account_id *account, const char *kind,
                        uint64_t seq);

/* --- asset */
MUST_CHECK bool row_asset_read(struct database *database, const struct asset_id *id, struct asset *asset);
void row_asset_insert(struct database *database, const struct asset *asset, const char *name,
                      struct bytes metadata, uint64_t seq);
void row_asset_set_supply(struct database *database, const struct asset_id *id, uint64_t supply);
void row_asset_set_metadata(struct database *database, const struct asset_id *id, struct bytes metadata);

/* --- balance and posting */
uint64_t row_balance_read(struct database *database, uint64_t domain, const struct account_id *account,
                          const struct asset_id *asset); /* 0: no row */
/* Replaces `before` by `after`; either may be 0, not both. */
void row_balance_write(struct database *database, uint64_t domain, const struct account_id *account,
                       const struct asset_id *asset, uint64_t before, uint64_t after);
/* `change` is signed; `balance` is what the account has afterwards. */
void row_posting_insert(struct database *database, uint64_t domain, const struct account_id *account,
                        uint64_t seq, const struct asset_id *asset, int64_t change, uint64_t balance);

/* --- escrow */
struct escrow {
    struct hash id; /* also the account that holds the value */
    uint64_t domain;
    struct asset_id asset;
    uint64_t amount;
    struct account_id sender, recipient;
    struct hash hash;
    int64_t deadline_us;
    enum escrow_state state;
};
MUST_CHECK bool row_escrow_read(struct database *database, const struct hash *id, struct escrow *escrow);
void row_escrow_insert(struct database *database, const struct escrow *escrow, uint64_t seq);
/* `preimage` is NULL for a refund. */
void row_escrow_close(struct database *database, const struct hash *id, enum escrow_state state,
                      const struct hash *preimage, uint64_t seq);

#endif
