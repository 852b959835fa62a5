/* Receipts and logs: their RLP, typed (EIP-2718) and legacy, as a block's receipts trie holds them, and the
 * bloom filter over logs. Rootstock's receipts have two fields more. Pure. */
#ifndef NETWORK_EVM_RECEIPT_H
#define NETWORK_EVM_RECEIPT_H

#include "base/memory.h"
#include "network/evm/header.h"

#define EVM_TOPICS_MAX 4
#define EVM_LOGS_MAX 65536
#define EVM_RECEIPT_TYPE_MOST 0x7f /* EIP-2718 */
#define EVM_RECEIPT_DEPOSIT 0x7e   /* OP-Stack's deposits: a nonce and a version follow */

struct evm_log {
    struct evm_address address;
    size_t topic_count;
    struct hash topics[EVM_TOPICS_MAX];
    struct bytes data;
};

enum evm_receipt_shape { EVM_RECEIPT_ETHEREUM, EVM_RECEIPT_ROOTSTOCK };

struct evm_receipt {
    enum evm_receipt_shape shape;
    uint8_t type;              /* 0: legacy, without a type byte */
    bool has_state;            /* before Byzantium: a state root instead of the status */
    struct hash state;
    bool succeeded;            /* the status */
    uint64_t cumulative_gas;
    uint8_t bloom[EVM_BLOOM_SIZE];
    size_t log_count;
    const struct evm_log *logs;
    uint64_t gas_used;         /* Rootstock */
    /* EVM_RECEIPT_DEPOSIT: 0, 1 (Regolith: its nonce) or 2 (Canyon: and the version) */
    size_t deposit_fields;
    uint64_t deposit_nonce, deposit_version;
};

/* ERROR_EVM_ENCODING: more topics or logs than there may be. The bloom is written as it stands:
 * evm_receipt_bloom. */
MUST_CHECK enum status evm_receipt_encode(const struct evm_receipt *receipt, struct buffer *out,
                                          struct error *error);
/* Logs go to the arena, their data stays in `raw`. The bloom must be that of the logs. In Rootstock's
 * receipts a gas of zero may be one zero byte, as Java's big integers write it. */
MUST_CHECK enum status evm_receipt_decode(struct bytes raw, enum evm_receipt_shape shape, struct arena *arena,
                                          struct evm_receipt *receipt, struct error *error);
void evm_receipt_bloom(const struct evm_log *logs, size_t count, uint8_t bloom[EVM_BLOOM_SIZE]);
/* Whether the bloom says that this address or topic may be in it. */
bool evm_bloom_may_have(const uint8_t bloom[EVM_BLOOM_SIZE], const void *data, size_t size);

#endif
