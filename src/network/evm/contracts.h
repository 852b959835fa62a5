/* Our contracts in compiled form: contracts/Token.sol and contracts/HashLock.sol. contrib/contracts makes
 * contracts.inc. */
#ifndef NETWORK_EVM_CONTRACTS_H
#define NETWORK_EVM_CONTRACTS_H

#include "network/evm/address.h"

struct bytes contract_token_creation(void);     /* before (name, symbol, decimals, supply, owner) */
struct bytes contract_hash_lock_creation(void);
struct bytes contract_hash_lock_code(void);     /* what stands at its address then */
/* Whether an account with this code hash is a hash lock of ours, of this program's or of one before it. */
bool contract_is_hash_lock(const struct hash *code_hash);

#endif
