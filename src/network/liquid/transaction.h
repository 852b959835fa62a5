/* Liquid's transactions on the wire: as much as is needed to know their id, what they spend and what they
 * issue. Pure. */
#ifndef NETWORK_LIQUID_TRANSACTION_H
#define NETWORK_LIQUID_TRANSACTION_H

#include "base/buffer.h"
#include "network/liquid/asset.h"

#define LIQUID_TRANSACTION_MAX (1 << 20)
#define LIQUID_INPUTS_MAX 10000

struct liquid_issue {
    bool there;
    bool reissue;           /* by a token's holder */
    bool blinded;           /* the amount is a commitment */
    uint32_t input;
    struct hash entropy;    /* of a first issue: made of contract and spent output */
    struct hash contract;
    struct hash asset;
    uint64_t amount;        /* smallest units, unless blinded */
};

struct liquid_transaction {
    struct hash id;         /* wire order */
    uint32_t version, lock_time;
    size_t input_count, output_count;
    struct liquid_outpoint first_spent;
    bool pegs_in;
    /* what the outputs without a script pay, whose amounts are open; smallest units */
    uint64_t fee;
    struct liquid_issue issue; /* the first one */
};

/* Strict; the whole of the bytes. */
MUST_CHECK bool liquid_transaction_read(struct bytes bytes, struct liquid_transaction *out);

#endif
