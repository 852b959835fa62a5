/* The commands about invoices: invoice.create, invoice.settle, invoice.cancel. */
#ifndef LAYER2_PAYMENT_INVOICE_H
#define LAYER2_PAYMENT_INVOICE_H

#include "kernel/module.h"

struct create {
    struct account_id payee;
    struct asset_id asset;
    uint64_t amount;
    const char *description;
    int64_t expiry;
    bool hold;
    struct hash hash;
    struct hash preimage; /* by the check, as the next */
    const char *text;
};
extern const struct param create_params[7];
command_check check_create;
command_handler create_invoice;

struct settle {
    struct hash hash, preimage;
};
extern const struct param settle_params[2];
command_handler settle_invoice;

struct cancel {
    struct hash hash;
};
extern const struct param cancel_params[1];
command_handler cancel_invoice;

#endif
