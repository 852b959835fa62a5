/* The tables of messages: every SQL statement that writes them or reads one row for a rule. */
#ifndef MESSAGE_ROWS_H
#define MESSAGE_ROWS_H

#include "message/message.h"

/* --- domain ------------------------------------------------------------------------------------ */
uint64_t row_domain_insert(struct database *database, const char *kind, const struct account_id *escrow);
void row_domain_asset_insert(struct database *database, uint64_t domain, unsigned number,
                             const struct asset_id *asset);
/* What of the asset in the domain's account is spoken for: deposits that are not done, and credits. */
uint64_t row_domain_reserved(struct database *database, uint64_t domain, unsigned number);
void row_domain_reserve(struct database *database, uint64_t domain, unsigned number, uint64_t amount);
void row_domain_release(struct database *database, uint64_t domain, unsigned number, uint64_t amount);
/* The same for all deposits of a range of inbox items. */
void row_domain_release_items(struct database *database, uint64_t domain, uint64_t from, uint64_t to);
/* The newest final root; false: nothing has left the domain for good, or there is no such domain. */
MUST_CHECK bool row_domain_root(struct database *database, uint64_t domain, struct hash *root,
                                uint64_t *count);
/* Writes it, and forgets the oldest one beyond FINAL_ROOTS_KEPT. */
void row_domain_set_root(struct database *database, uint64_t domain, const struct hash *root, uint64_t count);
/* The one with so many withdrawals under it; false: it is no final one, or forgotten. */
MUST_CHECK bool row_final_root(struct database *database, uint64_t domain, uint64_t count, struct hash *root);
/* The smallest count that is kept. */
uint64_t row_final_root_oldest(struct database *database, uint64_t domain);

/* The first item that was never in a batch; and that those before `to` are in one, or were. */
uint64_t row_domain_included_to(struct database *database, uint64_t domain);
void row_domain_included(struct database *database, uint64_t domain, uint64_t to);

/* --- inbox ------------------------------------------------------------------------------------- */
void row_inbox_insert(struct database *database, const struct inbox_item *item, uint64_t seq);
/* Items `from` … `to` − 1; returns how many were in state `before`. */
uint64_t row_inbox_set_state(struct database *database, uint64_t domain, uint64_t from, uint64_t to,
                             enum inbox_state before, enum inbox_state after);
/* How many of them ended before a batch took them in. */
uint64_t row_inbox_ended(struct database *database, uint64_t domain, uint64_t from, uint64_t to);
/* The oldest queued item that does not last. */
MUST_CHECK bool row_inbox_ending(struct database *database, uint64_t domain, struct inbox_item *item);
void row_inbox_not_before(struct database *database, uint64_t domain, uint64_t from, uint64_t to,
                          int64_t deadline_us);

/* --- claims and credits ------------------------------------------------------------------------ */
MUST_CHECK bool row_claim_exists(struct database *database, uint64_t domain, uint64_t number);
void row_claim_insert(struct database *database, uint64_t domain, uint64_t number,
                      const struct asset_id *asset, uint64_t amount, const struct account_id *recipient,
                      uint64_t seq);

struct credit {
    uint64_t id, domain;
    unsigned asset;
    uint64_t amount;
    struct account_id recipient;
};
/* Its id: 1, 2, … */
uint64_t row_credit_insert(struct database *database, const struct credit *credit, uint64_t seq);

#endif
