/* Hash-locked escrow: value leaves the sender, is held under the escrow's own id, and goes to the recipient
 * who shows the preimage before the deadline, or back to the sender by itself when the deadline comes (block
 * time). */
#ifndef LEDGER_ESCROW_H
#define LEDGER_ESCROW_H

#include "ledger/rows.h"

#define ESCROW_DEADLINE "ledger.escrow"
#define ACCOUNT_KIND_ESCROW "escrow"

/* Locks what the escrow's fields say; fills in id and state. Records ledger.escrow_locked.
 * ERROR_INSUFFICIENT_BALANCE, ERROR_ACCOUNT_EXISTS. */
MUST_CHECK enum status escrow_lock(struct execution *x, struct escrow *escrow, const struct asset *asset);

/* Gives the value to the recipient, who must be the signer; *claimed and *asset tell what it was. Records
 * ledger.escrow_claimed. ERROR_ESCROW_NOT_FOUND, ERROR_NOT_THE_RECIPIENT, ERROR_ESCROW_CLOSED,
 * ERROR_ESCROW_EXPIRED, ERROR_WRONG_PREIMAGE. */
MUST_CHECK enum status escrow_claim(struct execution *x, const struct hash *id, const struct hash *preimage,
                                    struct escrow *claimed, struct asset *asset);

/* The deadline: gives the value back. Records ledger.escrow_refunded. */
void escrow_refund(struct execution *x, struct bytes subject);

#endif
