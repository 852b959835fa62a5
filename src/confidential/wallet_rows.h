/* The local tables of confidential wallets, and the readers of notes that they need. */
#ifndef CONFIDENTIAL_WALLET_ROWS_H
#define CONFIDENTIAL_WALLET_ROWS_H

#include "confidential/wallet.h"

struct stored_note {
    uint64_t number;
    struct spend_output output;
    bool is_public;  /* put in in public: its blinding is 0 */
    bool has_sealed; /* else output.sealed is zero */
};
MUST_CHECK bool row_note_read(struct database *database, uint64_t pool, uint64_t number,
                              struct stored_note *note);

/* How many notes of the pool the wallet has tried. */
uint64_t row_scan_read(struct database *database, const struct account_id *owner, uint64_t pool);
/* What a scan found, and how far it came; scans side by side may be stored in any order. */
void row_scan_store(struct database *database, const struct account_id *owner, const struct scan *scan);

struct own_note {
    uint64_t number, amount;
    bool spent, reserved; /* reserved: by a payment of this wallet that is not on the ledger yet */
};
struct own_sums {
    uint64_t notes;             /* not spent */
    uint64_t free, reserved;    /* amounts; at most what the pool holds */
};
void row_own_sums(struct database *database, const struct account_id *owner, uint64_t pool,
                  struct own_sums *sums);
MUST_CHECK bool row_own_note_read(struct database *database, const struct account_id *owner, uint64_t pool,
                                  uint64_t number, struct own_note *note);
/* The largest ones that are neither spent nor reserved; returns how many, at most `most`. */
size_t row_own_notes_largest(struct database *database, const struct account_id *owner, uint64_t pool,
                             struct own_note *notes, size_t most);
void row_own_note_reserve(struct database *database, const struct account_id *owner, uint64_t pool,
                          uint64_t number, uint64_t payment);

struct own_payment {
    struct account_id owner;
    uint64_t pool, amount;
    const char *kind, *recipient;
    struct hash transaction;
    int64_t made_us;
};
uint64_t row_payment_insert(struct database *database, const struct own_payment *payment);
/* Whether one event of the ledger spent the note of this image and made the note of this key. */
MUST_CHECK bool row_spend_recorded(struct database *database, const uint8_t image[RING_IMAGE_SIZE],
                                   const uint8_t key[POINT_SIZE]);
/* It is on the ledger (failure NULL), or never will be: then its notes are free again. */
void row_payment_end(struct database *database, const struct hash *transaction, const char *failure);

#endif
