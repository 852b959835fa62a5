/* A way for one part of a payment: from the payer's own channel to the payee's, hop by hop. Pure. */
#ifndef LAYER2_PAYMENT_ROUTE_H
#define LAYER2_PAYMENT_ROUTE_H

#include "base/buffer.h"
#include "base/bytes.h"

#define ROUTE_HOPS_MAX 20

struct route_hop {
    struct hash channel;
    size_t side;       /* the participant who offers in it */
    uint64_t amount;   /* that its hash-lock carries */
    int64_t expiry_us; /* of the hash-lock: block time; while a route is looked for, after the last hop's */
};

struct route {
    size_t count;
    struct route_hop hops[ROUTE_HOPS_MAX];
};

/* What the payee gets, and what the hops between keep. */
uint64_t route_amount(const struct route *route);
uint64_t route_fee(const struct route *route);

/* One hop: channel [32] ‖ side [1] ‖ amount [8] ‖ expiry [8]. False: those are no such bytes. */
void route_encode(const struct route *route, struct buffer *out);
MUST_CHECK bool route_decode(struct bytes bytes, struct route *route);

#endif
