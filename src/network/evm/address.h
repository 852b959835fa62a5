/* Addresses of EVM chains: the last 20 bytes of a key's Keccak-256, or of what made a contract. Texts carry
 * a checksum in the case of their letters: EIP-55, and EIP-1191 where the chain id goes in (Rootstock).
 * Pure. */
#ifndef NETWORK_EVM_ADDRESS_H
#define NETWORK_EVM_ADDRESS_H

#include "crypto/schnorr.h"

#define EVM_ADDRESS_SIZE 20
#define EVM_ADDRESS_TEXT_MAX 43  /* "0x", 40 digits and the final zero */
#define EVM_CHECKSUM_PLAIN 0     /* instead of a chain id: EIP-55 */

struct evm_address { uint8_t bytes[EVM_ADDRESS_SIZE]; };

void keccak_hash(struct hash *out, const void *data, size_t size); /* Keccak-256 */

bool evm_address_equal(const struct evm_address *a, const struct evm_address *b);
bool evm_address_is_zero(const struct evm_address *address);
/* False: the 33 bytes are no point. */
MUST_CHECK bool evm_address_of_key(const struct public_key *key, struct evm_address *address);
/* CREATE: Keccak-256(RLP([sender, nonce])). */
void evm_address_created(const struct evm_address *sender, uint64_t nonce, struct evm_address *address);
/* "0x" and 40 digits: all lower case, all upper case, or mixed with the right checksum for `chain_id`
 * (EVM_CHECKSUM_PLAIN: EIP-55). */
MUST_CHECK bool evm_address_decode(struct evm_address *address, const char *text, size_t length,
                                   uint64_t chain_id);
/* With the checksum for `chain_id`; with a final zero; returns the text. */
char *evm_address_encode(char out[EVM_ADDRESS_TEXT_MAX], const struct evm_address *address,
                         uint64_t chain_id);

#endif
