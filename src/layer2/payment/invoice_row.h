/* Invoices of this node's keys as rows. */
#ifndef LAYER2_PAYMENT_INVOICE_ROW_H
#define LAYER2_PAYMENT_INVOICE_ROW_H

#include "base/bytes.h"
#include "store/database.h"

enum invoice_state {
    INVOICE_OPEN,
    INVOICE_ACCEPTED, /* a hold invoice whose whole amount is locked: settle or cancel it */
    INVOICE_SETTLED,
    INVOICE_CANCELED,
    INVOICE_EXPIRED,
};
const char *invoice_state_name(enum invoice_state state);

struct invoice {
    struct hash hash;
    struct account_id payee;
    struct asset_id asset;
    uint64_t amount;        /* 0: what the payer likes */
    const char *text, *description; /* of the one to be inserted; not read back */
    bool has_preimage, hold;
    struct hash preimage;
    enum invoice_state state;
    uint64_t received;
    int64_t expires_us;
    int64_t collect_us;     /* until when the parts that lack may come; 0: none has come */
    uint64_t created_seq;
};

MUST_CHECK bool invoice_read(struct database *database, const struct hash *hash, struct invoice *invoice);
void invoice_insert(struct database *database, const struct invoice *invoice, int64_t now_us);
/* State, received, preimage. */
void invoice_write(struct database *database, const struct invoice *invoice, int64_t now_us);
/* Lists at most `most` open ones that have expired; `hashes` gets which. */
size_t invoice_list_expired(struct database *database, int64_t now_us, size_t most, struct hash *hashes);
/* The same for those whose parts did not all come in time. */
size_t invoice_list_collecting(struct database *database, int64_t now_us, size_t most, struct hash *hashes);
/* When the first of them is due; INT64_MAX: there is none. */
int64_t invoice_first_due(struct database *database);

#endif
