/* Hash locks as such: evm_swap_terms.h. */
#include "network/evm/evm_swap_terms.h"

#include <string.h>

#include "network/evm/abi.h"

#define LOCKS_SLOT 0     /* of the mapping `locks` in HashLock.sol */
#define LOCKED_TOPICS 4  /* its signature's hash, id, sender, recipient */
#define CLAIMED_TOPICS 2 /* its signature's hash, id */

/* --- ids and slots ----------------------------------------------------------------------------------- */
void evm_swap_id(uint64_t chain_id, const struct evm_swap_terms *terms, struct hash *id)
{
    struct u256 chain = u256_of(chain_id);
    const struct abi_value values[] = {
        abi_number(&chain), abi_address(&terms->contract), abi_address(&terms->sender),
        abi_address(&terms->recipient), abi_word(&terms->hash), abi_small(ABI_UINT64, terms->deadline_s),
        abi_address(&terms->token), abi_number(&terms->amount)};
    struct buffer encoded CLEANUP(buffer_close);
    buffer_init(&encoded);
    abi_encode(values, sizeof values / sizeof *values, &encoded);
    keccak_hash(id, encoded.data, encoded.size);
}

/* Solidity documentation, "Layout of State Variables in Storage": keccak256(key ‖ slot). */
void evm_swap_slot(const struct hash *id, struct u256 *slot)
{
    uint8_t place[64] = {0};
    struct hash hash;
    memcpy(place, id->bytes, sizeof id->bytes);
    place[sizeof place - 1] = LOCKS_SLOT;
    keccak_hash(&hash, place, sizeof place);
    memcpy(slot->bytes, hash.bytes, sizeof hash.bytes);
}

/* Members are packed from the word's low end: sender (20 bytes), deadline (8), state (1). */
bool evm_swap_word_read(const struct u256 *word, struct evm_swap_word *read)
{
    struct evm_swap_word found;
    static const uint8_t blank[3];
    if (memcmp(word->bytes, blank, sizeof blank) != 0 || word->bytes[3] >= EVM_SWAP_STATES)
        return false;
    found.state = (enum evm_swap_state)word->bytes[3];
    found.deadline_s = get_be64(word->bytes + 4);
    memcpy(found.sender.bytes, word->bytes + 12, EVM_ADDRESS_SIZE);
    *read = found;
    return true;
}

/* --- events ------------------------------------------------------------------------------------------ */
static bool is_event(const struct evm_log *log, const char *signature, size_t topics, const struct hash *id)
{
    struct hash topic;
    abi_topic(signature, &topic);
    return log->topic_count == topics && hash_equal(&log->topics[0], &topic) &&
           hash_equal(&log->topics[1], id);
}

/* Indexed values stand in topics, each a word. */
static bool topic_address(const struct hash *topic, struct evm_address *address)
{
    struct abi_value value = {.type = ABI_ADDRESS};
    if (!abi_decode(bytes_of(topic->bytes, sizeof topic->bytes), &value, 1))
        return false;
    *address = value.address;
    return true;
}

static bool read_locked(const struct evm_log *log, struct evm_swap_terms *terms)
{
    struct abi_value values[] = {{.type = ABI_ADDRESS}, {.type = ABI_UINT256}, {.type = ABI_BYTES32},
                                 {.type = ABI_UINT64}};
    if (!topic_address(&log->topics[2], &terms->sender) ||
        !topic_address(&log->topics[3], &terms->recipient) ||
        !abi_decode(log->data, values, sizeof values / sizeof *values))
        return false;
    terms->contract = log->address;
    terms->token = values[0].address;
    terms->amount = values[1].number;
    terms->hash = values[2].word;
    terms->deadline_s = values[3].small;
    return true;
}

bool evm_swap_find_locked(const struct evm_receipt *receipt, uint64_t chain_id, const struct hash *id,
                          struct evm_swap_terms *terms)
{
    for (size_t i = 0; i < receipt->log_count; i++) {
        struct evm_swap_terms said;
        struct hash computed;
        if (!is_event(&receipt->logs[i], EVM_SWAP_EVENT_LOCKED, LOCKED_TOPICS, id) ||
            !read_locked(&receipt->logs[i], &said))
            continue;
        evm_swap_id(chain_id, &said, &computed);
        if (!hash_equal(&computed, id))
            continue;
        *terms = said;
        return true;
    }
    return false;
}

bool evm_swap_find_claimed(const struct evm_receipt *receipt, const struct evm_address *contract,
                           const struct hash *id, struct hash *secret)
{
    struct abi_value value = {.type = ABI_BYTES32};
    for (size_t i = 0; i < receipt->log_count; i++) {
        const struct evm_log *log = &receipt->logs[i];
        if (!evm_address_equal(&log->address, contract) ||
            !is_event(log, EVM_SWAP_EVENT_CLAIMED, CLAIMED_TOPICS, id) ||
            !abi_decode(log->data, &value, 1))
            continue;
        *secret = value.word;
        return true;
    }
    return false;
}
