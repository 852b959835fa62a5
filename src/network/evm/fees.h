/* What a transaction costs on an EVM chain, and what it may cost. For the files of this room. */
#ifndef NETWORK_EVM_FEES_H
#define NETWORK_EVM_FEES_H

#include "network/evm/server.h"

enum fee_speed { FEE_SLOW, FEE_NORMAL, FEE_FAST, FEE_SPEEDS };
struct fee_prices {
    bool dynamic;                      /* EIP-1559; else one price */
    struct u256 base;                  /* dynamic: the next block's; else the least that is taken, or 0 */
    struct u256 tip[FEE_SPEEDS];       /* dynamic */
    struct u256 price[FEE_SPEEDS];     /* what a gas unit may cost: dynamic twice the base and the tip */
};
MUST_CHECK enum status fees_read(struct evm_client *client, struct network_call *call,
                                 struct fee_prices *prices);

/* What layer 1 takes for the bytes on an OP-Stack chain, by its GasPriceOracle; *known false where there is
 * none. */
MUST_CHECK enum status fees_layer1(struct evm_client *client, struct network_call *call, struct bytes raw,
                                   bool *known, struct u256 *fee);

struct fee_limits {
    struct u256 total;                 /* wei that it may cost, layer 1 included */
    struct u256 price;                 /* wei that a unit of gas may cost */
    struct u256 layer1;                /* what of the total layer 1 takes */
};
/* Puts prices into the transaction, whose gas limit is there, within the limits. ERROR_NETWORK_FEE_LIMIT:
 * what blocks take now does not fit. *most: what it can cost. */
MUST_CHECK enum status fees_put(const struct fee_prices *prices, const struct fee_limits *limits,
                                struct evm_transaction *transaction, struct u256 *most, struct error *error);

/* Whether the next block takes it before others of that speed. */
bool fees_suffice(const struct fee_prices *prices, enum fee_speed speed,
                  const struct evm_transaction *transaction);
/* Raises its prices to what that speed asks, each by `bump` per mille at least. ERROR_NETWORK_FEE_LIMIT, and
 * the transaction is untouched: the limits do not allow it, or not so much that a block would take it. */
MUST_CHECK enum status fees_raise(const struct fee_prices *prices, enum fee_speed speed, uint64_t bump,
                                  const struct fee_limits *limits, struct evm_transaction *transaction,
                                  struct u256 *most, struct error *error);

#endif
