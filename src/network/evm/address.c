/* Addresses from keys, from texts with their checksum, and of contracts to be made. Points are decompressed
 * by libsecp256k1, with a context that never signs and therefore needs no blinding. */
#include "network/evm/address.h"

#include <string.h>
#include <secp256k1.h>

#include "base/memory.h"
#include "network/evm/rlp.h"
#include "proof/keccak.h"

#define POINT_SIZE 65 /* 0x04, x, y */

void keccak_hash(struct hash *out, const void *data, size_t size)
{
    keccak_256(out->bytes, data, size);
}

bool evm_address_equal(const struct evm_address *a, const struct evm_address *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

bool evm_address_is_zero(const struct evm_address *address)
{
    static const struct evm_address zero;

    return evm_address_equal(address, &zero);
}

static void last_of_hash(struct evm_address *address, const void *data, size_t size)
{
    struct hash hash;

    keccak_hash(&hash, data, size);
    memcpy(address->bytes, hash.bytes + sizeof hash.bytes - sizeof address->bytes, sizeof address->bytes);
}

bool evm_address_of_key(const struct public_key *key, struct evm_address *address)
{
    secp256k1_pubkey point;
    uint8_t written[POINT_SIZE];
    size_t size = sizeof written;

    if (secp256k1_ec_pubkey_parse(secp256k1_context_static, &point, key->bytes, sizeof key->bytes) != 1)
        return false;
    INVARIANT(secp256k1_ec_pubkey_serialize(secp256k1_context_static, written, &size, &point,
                                            SECP256K1_EC_UNCOMPRESSED) == 1,
              "a point is written");
    last_of_hash(address, written + 1, sizeof written - 1);
    return true;
}

void evm_address_created(const struct evm_address *sender, uint64_t nonce, struct evm_address *address)
{
    CLEANUP(buffer_close) struct buffer encoded = { 0 };

    size_t list = rlp_list_begin(&encoded);
    rlp_append(&encoded, sender->bytes, sizeof sender->bytes);
    rlp_append_u64(&encoded, nonce);
    rlp_list_end(&encoded, list);
    last_of_hash(address, encoded.data, encoded.size);
}

/* --- texts ------------------------------------------------------------------------------------- */
/* EIP-55 hashes the 40 digits in lower case; EIP-1191 puts the chain id and "0x" before them. A letter
 * stands in upper case where the hash's digit at its place is 8 or more. */
char *evm_address_encode(char out[EVM_ADDRESS_TEXT_MAX], const struct evm_address *address, uint64_t chain_id)
{
    char hashed[DECIMAL_MAX + EVM_ADDRESS_TEXT_MAX];
    size_t size = 0;
    struct hash hash;

    out[0] = '0';
    out[1] = 'x';
    hex_text(out + 2, address->bytes, sizeof address->bytes);
    if (chain_id != EVM_CHECKSUM_PLAIN) {
        size = decimal_encode(hashed, chain_id);
        memcpy(hashed + size, "0x", 2);
        size += 2;
    }
    memcpy(hashed + size, out + 2, 2 * EVM_ADDRESS_SIZE);
    keccak_hash(&hash, hashed, size + 2 * EVM_ADDRESS_SIZE);
    for (size_t i = 0; i < 2 * EVM_ADDRESS_SIZE; i++) {
        unsigned digit = i % 2 == 0 ? hash.bytes[i / 2] >> 4 : hash.bytes[i / 2] & 15;
        if (digit >= 8 && out[2 + i] >= 'a')
            out[2 + i] = (char)(out[2 + i] - 'a' + 'A');
    }
    return out;
}

bool evm_address_decode(struct evm_address *address, const char *text, size_t length, uint64_t chain_id)
{
    char right[EVM_ADDRESS_TEXT_MAX];
    bool upper = false, lower = false;
    struct evm_address read;

    if (length != 2 + 2 * EVM_ADDRESS_SIZE || text[0] != '0' || text[1] != 'x' ||
        !hex_decode(read.bytes, sizeof read.bytes, text + 2, length - 2))
        return false;
    for (size_t i = 2; i < length; i++) {
        upper |= text[i] >= 'A' && text[i] <= 'F';
        lower |= text[i] >= 'a' && text[i] <= 'f';
    }
    if (upper && lower && memcmp(evm_address_encode(right, &read, chain_id), text, length) != 0)
        return false;
    *address = read;
    return true;
}
