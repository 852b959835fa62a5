/* Solidity's contract ABI, as far as the contracts here speak it: static words, strings and bytes,
 * selectors, event topics, and why a call was reverted. Decoding is strict: padding must be zero, offsets
 * where the encoder puts them. Pure. Source: Solidity documentation, "Contract ABI Specification". */
#ifndef NETWORK_EVM_ABI_H
#define NETWORK_EVM_ABI_H

#include "base/buffer.h"
#include "base/memory.h"
#include "network/evm/address.h"
#include "network/evm/u256.h"

#define ABI_WORD 32
#define ABI_SELECTOR 4
#define ABI_VALUES_MAX 16
#define ABI_REASON_MAX 256 /* bytes of a revert's reason that are kept */

enum abi_type {
    ABI_UINT256, ABI_ADDRESS, ABI_BYTES32, ABI_BOOL, ABI_UINT64, ABI_UINT8, ABI_STRING, ABI_BYTES
};
struct abi_value {
    enum abi_type type;
    union {
        struct u256 number;         /* UINT256 */
        struct evm_address address;
        struct hash word;           /* BYTES32 */
        bool truth;
        uint64_t small;             /* UINT64, UINT8 */
        struct bytes bytes;         /* STRING (UTF-8), BYTES; borrowed */
    };
};
struct abi_value abi_number(const struct u256 *number);
struct abi_value abi_address(const struct evm_address *address);
struct abi_value abi_word(const struct hash *word);
struct abi_value abi_truth(bool truth);
struct abi_value abi_small(enum abi_type type, uint64_t small);
struct abi_value abi_bytes(enum abi_type type, const void *data, size_t size);

/* The first four bytes of Keccak-256("transfer(address,uint256)"); and the whole, for events. */
void abi_selector(const char *signature, uint8_t out[ABI_SELECTOR]);
void abi_topic(const char *signature, struct hash *topic);

/* At most ABI_VALUES_MAX values; appended. With the selector before them: abi_encode_call. */
void abi_encode(const struct abi_value *values, size_t count, struct buffer *out);
void abi_encode_call(const char *signature, const struct abi_value *values, size_t count, struct buffer *out);
/* The types stand in `values`; strings and bytes are borrowed from `data`, strings are valid UTF-8. */
MUST_CHECK bool abi_decode(struct bytes data, struct abi_value *values, size_t count);
/* The same with a selector before it. */
MUST_CHECK bool abi_decode_call(const char *signature, struct bytes data, struct abi_value *values,
                                size_t count);

enum abi_revert { ABI_REVERT_PLAIN, ABI_REVERT_REASON, ABI_REVERT_PANIC, ABI_REVERT_CUSTOM };
struct abi_revert_reason {
    enum abi_revert kind;
    /* printable UTF-8: the reason, what the panic means, or the custom error's selector */
    char text[ABI_REASON_MAX + 1];
    uint64_t panic;                /* its code */
    uint8_t selector[ABI_SELECTOR];
};
/* What a reverted call gave back: nothing, Error(string), Panic(uint256), or an error of the contract's
 * own. */
void abi_revert_decode(struct bytes data, struct abi_revert_reason *reason);

#endif
