/* OP-Stack withdrawals: the hash of the message, its slot, the proofs of account and slot, the output root.
 */
#include "network/evm/withdrawal.h"

#include <string.h>

#include "network/evm/abi.h"

const struct evm_address evm_message_passer = { {
    0x42, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x16 } };

void withdrawal_hash(const struct withdrawal *withdrawal, struct hash *hash)
{
    CLEANUP(buffer_close) struct buffer encoded = { 0 };
    const struct abi_value values[] = {
        abi_number(&withdrawal->nonce), abi_address(&withdrawal->sender), abi_address(&withdrawal->target),
        abi_number(&withdrawal->value), abi_number(&withdrawal->gas_limit),
        abi_bytes(ABI_BYTES, withdrawal->data.data, withdrawal->data.size),
    };

    abi_encode(values, sizeof values / sizeof *values, &encoded);
    keccak_hash(hash, encoded.data, encoded.size);
}

/* sentMessages is the contract's first mapping, at position 0. */
void withdrawal_slot(const struct hash *hash, struct u256 *slot)
{
    uint8_t words[2 * ABI_WORD] = { 0 };
    struct hash found;

    memcpy(words, hash->bytes, sizeof hash->bytes);
    keccak_hash(&found, words, sizeof words);
    memcpy(slot->bytes, found.bytes, sizeof slot->bytes);
}

void output_root(const struct hash *state_root, const struct hash *storage_root,
                 const struct hash *block_hash, struct hash *root)
{
    uint8_t words[4 * ABI_WORD] = { 0 }; /* the first is the version, 0 */

    memcpy(words + ABI_WORD, state_root->bytes, sizeof state_root->bytes);
    memcpy(words + 2 * ABI_WORD, storage_root->bytes, sizeof storage_root->bytes);
    memcpy(words + 3 * ABI_WORD, block_hash->bytes, sizeof block_hash->bytes);
    keccak_hash(root, words, sizeof words);
}

enum status withdrawal_verify(const struct withdrawal *withdrawal, const struct withdrawal_proof *proof,
                              struct withdrawal_finding *finding, struct error *error)
{
    const struct evm_header *header = proof->header;
    const struct u256 sent = u256_of(1);
    struct withdrawal_finding found;
    struct evm_account account;
    struct u256 slot, value;
    bool present;

    TRY(evm_header_hash(header, &found.block, error));
    TRY(evm_account_verify(&header->state_root, &evm_message_passer, proof->account_nodes,
                           proof->account_count, &present, &account, error));
    if (!present)
        return error_set(error, ERROR_INVALID_PROOF, "the chain has no L2ToL1MessagePasser in this block");
    if (proof->isthmus && (header->fields < EVM_HEADER_FIELDS_WITHDRAWALS ||
                           !hash_equal(&header->withdrawals_root, &account.storage_root)))
        return error_set(error, ERROR_INVALID_PROOF,
                         "the header's withdrawals root is not the message passer's storage root");
    withdrawal_hash(withdrawal, &found.withdrawal);
    withdrawal_slot(&found.withdrawal, &slot);
    TRY(evm_storage_verify(&account.storage_root, &slot, proof->storage_nodes, proof->storage_count, &value,
                           error));
    if (u256_compare(&value, &sent) != 0)
        return error_set(error, ERROR_INVALID_PROOF, "the withdrawal was not sent by this block");
    found.storage_root = account.storage_root;
    output_root(&header->state_root, &account.storage_root, &found.block, &found.output_root);
    *finding = found;
    return OK;
}
