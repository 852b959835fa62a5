/* Our contracts in compiled form: contracts.h. */
#include "network/evm/contracts.h"

#include "network/evm/contracts.inc"

struct bytes contract_token_creation(void)
{
    return bytes_of(token_creation, sizeof token_creation);
}

struct bytes contract_hash_lock_creation(void)
{
    return bytes_of(hash_lock_creation, sizeof hash_lock_creation);
}

struct bytes contract_hash_lock_code(void)
{
    return bytes_of(hash_lock_creation + sizeof hash_lock_creation - HASH_LOCK_CODE_SIZE,
                    HASH_LOCK_CODE_SIZE);
}

/* A hash lock that changes leaves its code's hash here: proofs of locks in the old one stay good. */
bool contract_is_hash_lock(const struct hash *code_hash)
{
    struct bytes code = contract_hash_lock_code();
    struct hash hash;

    keccak_hash(&hash, code.data, code.size);
    return hash_equal(&hash, code_hash);
}
