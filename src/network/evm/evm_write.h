/* What preparing a write and raising its fee share: limits, and signing. For the files of this room. */
#ifndef NETWORK_EVM_EVM_WRITE_H
#define NETWORK_EVM_EVM_WRITE_H

#include "network/evm/fees.h"

/* Whether the write's bytes are a transaction that somebody signed already. */
bool evm_is_signed(const struct network_write *write);

/* What layer 1 takes for it: fees_layer1. */
MUST_CHECK enum status evm_layer1(struct evm_client *client, struct network_call *call,
                                  const struct evm_transaction *transaction, bool *known, struct u256 *fee);
/* The write's own limit or the link's, and what layer 1 takes of it. */
MUST_CHECK enum status evm_fee_limits(struct evm_client *client, struct network_call *call,
                                      const struct network_write *write,
                                      const struct evm_transaction *transaction, struct fee_limits *limits);
/* Signs it with the link's key and hands it out; `most` is what it can cost. */
MUST_CHECK enum status evm_sign(struct evm_client *client, struct network_call *call,
                                const struct network_write *write, struct evm_transaction *transaction,
                                const struct u256 *most, struct network_prepared *prepared);

#endif
