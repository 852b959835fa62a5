/* The tests of the pure EVM library, and what they share. */
#include "test_network_evm.h"

#include "crypto/hash.h"
#include "network/evm/rlp.h"

struct bytes evm_hex(struct arena *arena, const char *hex)
{
    if (strncmp(hex, "0x", 2) == 0)
        hex += 2;
    size_t size = strlen(hex) / 2;
    uint8_t *data = arena_new(arena, size + 1);
    assert_true(hex_decode(data, size, hex, strlen(hex)));
    return bytes_of(data, size);
}

struct bytes evm_member(struct arena *arena, const json_t *object, const char *member)
{
    return evm_hex(arena, member_text(object, member));
}

void evm_member_fixed(const json_t *object, const char *member, void *out, size_t size)
{
    const char *text = member_text(object, member);

    assert_true(strncmp(text, "0x", 2) == 0 && hex_decode(out, size, text + 2, strlen(text) - 2));
}

struct u256 evm_member_quantity(const json_t *object, const char *member)
{
    const char *text = member_text(object, member);
    struct u256 value;

    assert_true(u256_from_quantity(&value, text, strlen(text)));
    return value;
}

uint64_t evm_member_number(const json_t *object, const char *member)
{
    struct u256 value = evm_member_quantity(object, member);
    uint64_t number;

    assert_true(u256_to_u64(&value, &number));
    return number;
}

const struct bytes *evm_members(struct arena *arena, const json_t *array, size_t *count)
{
    *count = json_array_size(array);
    struct bytes *members = arena_new(arena, (*count + 1) * sizeof *members);
    for (size_t i = 0; i < *count; i++)
        members[i] = evm_hex(arena, json_string_value(json_array_get(array, i)));
    return members;
}

void evm_block_header(struct arena *arena, const json_t *block, struct evm_header *header)
{
    memset(header, 0, sizeof *header);
    header->fields = EVM_HEADER_FIELDS_LEAST;
    evm_member_fixed(block, "parentHash", header->parent_hash.bytes, 32);
    evm_member_fixed(block, "sha3Uncles", header->ommers_hash.bytes, 32);
    evm_member_fixed(block, "miner", header->beneficiary.bytes, 20);
    evm_member_fixed(block, "stateRoot", header->state_root.bytes, 32);
    evm_member_fixed(block, "transactionsRoot", header->transactions_root.bytes, 32);
    evm_member_fixed(block, "receiptsRoot", header->receipts_root.bytes, 32);
    evm_member_fixed(block, "logsBloom", header->logs_bloom, sizeof header->logs_bloom);
    header->difficulty = evm_member_quantity(block, "difficulty");
    header->number = evm_member_number(block, "number");
    header->gas_limit = evm_member_number(block, "gasLimit");
    header->gas_used = evm_member_number(block, "gasUsed");
    header->timestamp = evm_member_number(block, "timestamp");
    header->extra_data = evm_member(arena, block, "extraData");
    evm_member_fixed(block, "mixHash", header->mix_hash.bytes, 32);
    evm_member_fixed(block, "nonce", header->nonce, 8);
    if (json_object_get(block, "baseFeePerGas") != NULL) {
        header->fields = 16;
        header->base_fee = evm_member_quantity(block, "baseFeePerGas");
    }
    if (json_object_get(block, "withdrawalsRoot") != NULL) {
        header->fields = 17;
        evm_member_fixed(block, "withdrawalsRoot", header->withdrawals_root.bytes, 32);
    }
    if (json_object_get(block, "blobGasUsed") != NULL) {
        header->fields = 20;
        header->blob_gas_used = evm_member_number(block, "blobGasUsed");
        header->excess_blob_gas = evm_member_number(block, "excessBlobGas");
        evm_member_fixed(block, "parentBeaconBlockRoot", header->parent_beacon_root.bytes, 32);
    }
    if (json_object_get(block, "requestsHash") != NULL) {
        header->fields = 21;
        evm_member_fixed(block, "requestsHash", header->requests_hash.bytes, 32);
    }
}

struct bytes evm_random_bytes(struct arena *arena, size_t size)
{
    uint8_t *data = arena_new(arena, size + 1);

    for (size_t i = 0; i < size; i++)
        data[i] = (uint8_t)random_u64();
    return bytes_of(data, size);
}

struct bytes evm_changed(struct arena *arena, struct bytes bytes, size_t at, uint8_t difference)
{
    uint8_t *data = arena_new(arena, bytes.size + 1);

    memcpy(data, bytes.data, bytes.size);
    data[at] ^= difference;
    return bytes_of(data, bytes.size);
}

void assert_bytes_are(struct bytes bytes, const char *hex)
{
    AUTO_FREE char *text = memory_new(2 * bytes.size + 1);

    hex_text(text, bytes.data, bytes.size);
    assert_string_equal(text, strncmp(hex, "0x", 2) == 0 ? hex + 2 : hex);
}

int main(int argc, char **argv)
{
    crypto_start();
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return evm_number_tests() + evm_rlp_tests() + evm_abi_tests() + evm_transaction_tests() +
           evm_trie_tests() + evm_proof_tests() + evm_receipt_tests() + evm_rootstock_tests();
}
