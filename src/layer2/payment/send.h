/* The commands that send: payment.send, payment.rebalance, payment.drain. */
#ifndef LAYER2_PAYMENT_SEND_H
#define LAYER2_PAYMENT_SEND_H

#include "kernel/module.h"
#include "crypto/bolt11.h"
#include "layer2/payment/graph.h"
#include "layer2/payment/payment_row.h"

/* The currency of this chain's invoices: "ly", off main "lyt". One smallest unit of the asset is one
 * millisatoshi's place in the amount; the asset's id is the invoice's metadata. */
const char *payment_currency(const char *chain);

/* What a sending command brings, and what its check finds. */
struct sending {
    struct payment payment;
    size_t route_count;
    struct route routes[GRAPH_PARTS_MAX];
    struct hash preimage; /* of a loop */
};

struct send {
    const char *invoice;
    struct account_id payer;
    uint64_t amount, fee_limit, parts;
    int64_t timeout;
    struct sending *sending; /* by the check */
};
extern const struct param send_params[6];
command_check check_send;
command_handler send_payment;

struct loop {
    struct account_id signer;
    struct hash out, in;
    uint64_t amount, fee_limit;
    int64_t timeout;
    struct sending *sending; /* by the check */
};
extern const struct param rebalance_params[6], drain_params[5];
command_check check_rebalance, check_drain;
command_handler send_loop;

#endif
