/* Hash-locks (HTLCs) of this node's payment channels, as rows: from the wish to offer one to its end.
 *
 *   WANTED ──staged──▶ OFFERED ──signed by both──▶ LOCKED ──▶ FULFILLING ──both signed──▶ FULFILLED
 *      │                  │                           └─────▶ FAILING ─────both signed──▶ FAILED
 *      └──────────────────┴──────────────────────── not offered after all ──────────────▶ FAILED
 *
 * FULFILLING and FAILING are wishes of the recipient, whose key is ours. Who keeps his key elsewhere offers
 * and removes by his own proposals: rows of his begin at LOCKED and end from there. A channel that ends on
 * the ledger ends its rows as the ledger says. */
#ifndef LAYER2_PAYMENT_HTLC_H
#define LAYER2_PAYMENT_HTLC_H

#include "base/bytes.h"
#include "base/memory.h"
#include "layer2/payment/failure.h"
#include "store/database.h"

enum htlc_state {
    HTLC_WANTED,
    HTLC_OFFERED,
    HTLC_LOCKED,
    HTLC_FULFILLING,
    HTLC_FAILING,
    HTLC_FULFILLED, /* ended from here on: the indexes of the table say so too */
    HTLC_FAILED,
};
#define HTLC_STATES 7
const char *htlc_state_name(enum htlc_state state);

#define HTLC_NOT_ENTERED UINT64_MAX
#define HTLC_NO_PART UINT64_MAX
#define HTLC_PLACES 2048 /* more than entries in a state: entered = turn × HTLC_PLACES + place */

struct htlc {
    int64_t id;
    struct hash channel;
    size_t offerer;      /* participant 0 or 1 */
    struct hash hash;
    uint64_t amount;
    int64_t expiry_us;
    enum htlc_state state;
    uint64_t entered;
    uint64_t part, hop;  /* part HTLC_NO_PART: a stranger's, which this node does not route */
    bool last;           /* its recipient is whom the payment is for, */
    bool counts;         /* and it counts for the invoice of its hash */
    bool warned;
    enum failure failure;
    bool overdue, has_preimage;
    struct hash preimage;
};

struct htlc_list {
    size_t count, capacity;
    struct htlc *items; /* in the arena it was read with */
};

/* The live ones of a channel: first those that entered, in the order in which its states have them. */
void htlc_list_read(struct database *database, const struct hash *channel, struct arena *arena,
                    struct htlc_list *list);
/* The live ones with this hash. */
void htlc_list_by_hash(struct database *database, const struct hash *hash, struct arena *arena,
                       struct htlc_list *list);
/* At most `most` channels behind `after`, in order of id, with live ones that expire until `until_us`. */
size_t htlc_list_due_channels(struct database *database, int64_t until_us, const struct hash *after,
                              size_t most, struct hash *channels);
/* The earliest expiry of a live one; INT64_MAX: there is none. */
int64_t htlc_first_expiry(struct database *database, int64_t after_us);
/* What `offerer` has locked in the channel for the other side, and that one has not given back. */
uint64_t htlc_incoming(struct database *database, const struct hash *channel, size_t offerer);
MUST_CHECK bool htlc_of_hop(struct database *database, const struct hash *hash, uint64_t part, uint64_t hop,
                            struct htlc *htlc);
MUST_CHECK bool htlc_read(struct database *database, int64_t id, struct htlc *htlc);
void htlc_insert(struct database *database, struct htlc *htlc, int64_t now_us); /* fills id */
void htlc_write(struct database *database, const struct htlc *htlc, int64_t now_us);

#endif
