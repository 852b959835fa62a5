/* EVM transactions: one list of fields, laid out differently by kind. What is signed and what is sent
 * differ in their last fields alone, so that one function writes both. */
#include "network/evm/transaction.h"

#include <string.h>

#define TYPE_ACCESS_LIST 0x01
#define TYPE_DYNAMIC_FEE 0x02
#define TYPES_MOST 0x7f            /* EIP-2718: a first byte from 0xc0 on is a legacy list */

#define LEGACY_FIELDS 9
#define ACCESS_LIST_FIELDS 11
#define DYNAMIC_FEE_FIELDS 12

#define V_PLAIN 27                 /* + parity */
#define V_PROTECTED 35             /* + parity + 2 · chain id (EIP-155) */
#define CHAIN_ID_MAX ((UINT64_MAX - V_PROTECTED - 1) / 2)
#define NONCE_MAX (UINT64_MAX - 1) /* EIP-2681 */

/* What gas is paid before anything runs. */
#define GAS_TRANSACTION 21000
#define GAS_CREATE 32000
#define GAS_CODE_WORD 2            /* EIP-3860 */
#define GAS_ZERO_BYTE 4
#define GAS_BYTE 16                /* EIP-2028 */
#define GAS_ACCESS_ADDRESS 2400    /* EIP-2930 */
#define GAS_ACCESS_KEY 1900
#define GAS_FLOOR_TOKEN 10         /* EIP-7623: a zero byte is one token, another four */
#define TOKENS_BYTE 4

/* Half of secp256k1's order, rounded down: the highest s (EIP-2); and the order. SEC 2, §2.4.1. */
static const struct u256 half_order = { {
    0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0x5d, 0x57, 0x6e, 0x73, 0x57, 0xa4, 0x50, 0x1d, 0xdf, 0xe9, 0x2f, 0x46, 0x68, 0x1b, 0x20, 0xa0 } };
static const struct u256 order = { {
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe,
    0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48, 0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41 } };

/* --- writing ----------------------------------------------------------------------------------- */
static void append_to(struct buffer *out, const struct evm_transaction *transaction)
{
    rlp_append(out, transaction->to.bytes, transaction->creates ? 0 : sizeof transaction->to.bytes);
}

static void append_access(struct buffer *out, const struct evm_transaction *transaction)
{
    size_t list = rlp_list_begin(out);

    for (size_t i = 0; i < transaction->access_count; i++) {
        const struct evm_access *access = &transaction->access[i];
        size_t entry = rlp_list_begin(out);
        rlp_append(out, access->address.bytes, sizeof access->address.bytes);
        size_t keys = rlp_list_begin(out);
        for (size_t k = 0; k < access->key_count; k++)
            rlp_append(out, access->keys[k].bytes, sizeof access->keys[k].bytes);
        rlp_list_end(out, keys);
        rlp_list_end(out, entry);
    }
    rlp_list_end(out, list);
}

static void append_signature(struct buffer *out, const struct evm_transaction *transaction, uint64_t v)
{
    struct u256 r, s;

    memcpy(r.bytes, transaction->signature.bytes, sizeof r.bytes);
    memcpy(s.bytes, transaction->signature.bytes + sizeof r.bytes, sizeof s.bytes);
    rlp_append_u64(out, v);
    rlp_append_u256(out, &r);
    rlp_append_u256(out, &s);
}

static void append_legacy_end(struct buffer *out, const struct evm_transaction *transaction,
                              bool with_signature)
{
    uint64_t chain_id = transaction->chain_id;

    if (with_signature) {
        uint64_t base = chain_id == 0 ? V_PLAIN : V_PROTECTED + 2 * chain_id;
        append_signature(out, transaction, base + (uint64_t)transaction->parity);
    } else if (chain_id != 0) {
        rlp_append_u64(out, chain_id);
        rlp_append_u64(out, 0);
        rlp_append_u64(out, 0);
    }
}

static void write(const struct evm_transaction *transaction, struct buffer *out, bool with_signature)
{
    static const uint8_t access_list = TYPE_ACCESS_LIST, dynamic_fee = TYPE_DYNAMIC_FEE;
    bool legacy = transaction->kind == EVM_LEGACY, dynamic = transaction->kind == EVM_DYNAMIC_FEE;

    if (!legacy)
        buffer_append(out, dynamic ? &dynamic_fee : &access_list, 1);
    size_t list = rlp_list_begin(out);
    if (!legacy)
        rlp_append_u64(out, transaction->chain_id);
    rlp_append_u64(out, transaction->nonce);
    if (dynamic)
        rlp_append_u256(out, &transaction->priority_fee);
    rlp_append_u256(out, &transaction->gas_price);
    rlp_append_u64(out, transaction->gas_limit);
    append_to(out, transaction);
    rlp_append_u256(out, &transaction->value);
    rlp_append(out, transaction->data.data, transaction->data.size);
    if (legacy) {
        append_legacy_end(out, transaction, with_signature);
    } else {
        append_access(out, transaction);
        if (with_signature)
            append_signature(out, transaction, (uint64_t)transaction->parity);
    }
    rlp_list_end(out, list);
}

/* What no transaction may be, whoever wrote it. */
static enum status check(const struct evm_transaction *transaction, struct error *error)
{
    if (transaction->nonce > NONCE_MAX)
        return error_set(error, ERROR_EVM_ENCODING, "a nonce is below 2^64 - 1");
    if (transaction->chain_id > CHAIN_ID_MAX)
        return error_set(error, ERROR_EVM_ENCODING, "a chain id is at most %llu",
                         (unsigned long long)CHAIN_ID_MAX);
    if (transaction->kind == EVM_LEGACY && transaction->access_count > 0)
        return error_set(error, ERROR_EVM_ENCODING, "a legacy transaction has no access list");
    if (transaction->kind == EVM_DYNAMIC_FEE &&
        u256_compare(&transaction->priority_fee, &transaction->gas_price) > 0)
        return error_set(error, ERROR_EVM_ENCODING, "the priority fee is above the whole fee");
    if (transaction->data.size > EVM_TRANSACTION_SIZE_MAX || transaction->access_count > EVM_ACCESS_MAX)
        return error_set(error, ERROR_EVM_ENCODING, "a transaction has at most %zu bytes of data",
                         EVM_TRANSACTION_SIZE_MAX);
    for (size_t i = 0; i < transaction->access_count; i++) {
        if (transaction->access[i].key_count > EVM_ACCESS_MAX)
            return error_set(error, ERROR_EVM_ENCODING, "an entry of an access list has at most %d keys",
                             EVM_ACCESS_MAX);
    }
    return OK;
}

enum status evm_transaction_unsigned(const struct evm_transaction *transaction, struct buffer *out,
                                     struct error *error)
{
    TRY(check(transaction, error));
    if (transaction->chain_id == 0)
        return error_set(error, ERROR_EVM_ENCODING, "a transaction is signed for a chain, not for 0");
    write(transaction, out, false);
    return OK;
}

static void digest_of(const struct evm_transaction *transaction, struct hash *digest)
{
    CLEANUP(buffer_close) struct buffer out = { 0 };

    write(transaction, &out, false);
    keccak_hash(digest, out.data, out.size);
}

enum status evm_transaction_digest(const struct evm_transaction *transaction, struct hash *digest,
                                   struct error *error)
{
    CLEANUP(buffer_close) struct buffer out = { 0 };

    TRY(evm_transaction_unsigned(transaction, &out, error));
    keccak_hash(digest, out.data, out.size);
    return OK;
}

enum status evm_transaction_encode(const struct evm_transaction *transaction, struct buffer *out,
                                   struct error *error)
{
    TRY(check(transaction, error));
    if (!transaction->is_signed)
        return error_set(error, ERROR_EVM_SIGNATURE, "the transaction is not signed");
    write(transaction, out, true);
    return OK;
}

void evm_transaction_id(struct bytes raw, struct hash *id)
{
    keccak_hash(id, raw.data, raw.size);
}

/* --- signing ----------------------------------------------------------------------------------- */
static bool signature_in_range(const struct signature *signature)
{
    struct u256 r, s;

    memcpy(r.bytes, signature->bytes, sizeof r.bytes);
    memcpy(s.bytes, signature->bytes + sizeof r.bytes, sizeof s.bytes);
    return !u256_is_zero(&r) && u256_compare(&r, &order) < 0 && !u256_is_zero(&s) &&
           u256_compare(&s, &half_order) <= 0;
}

enum status evm_transaction_put_signature(struct evm_transaction *transaction,
                                          const struct signature *signature, int recovery_id,
                                          struct error *error)
{
    if (recovery_id != 0 && recovery_id != 1)
        return error_set(error, ERROR_EVM_SIGNATURE, "a recovery id here is 0 or 1, not %d", recovery_id);
    if (!signature_in_range(signature))
        return error_set(error, ERROR_EVM_SIGNATURE, "r or s is 0, above the order, or s in its upper half");
    transaction->is_signed = true;
    transaction->parity = recovery_id;
    transaction->signature = *signature;
    return OK;
}

enum status evm_transaction_sign(struct evm_transaction *transaction, const struct public_key *key,
                                 enum status (*sign)(void *context, const struct hash *digest,
                                                     struct signature *signature, int *recovery_id,
                                                     struct error *error),
                                 void *context, struct error *error)
{
    struct hash digest;
    struct signature signature;
    struct public_key signer;
    int recovery_id;

    TRY(evm_transaction_digest(transaction, &digest, error));
    TRY(sign(context, &digest, &signature, &recovery_id, error));
    if (!ecdsa_recover(&digest, &signature, recovery_id, &signer) ||
        memcmp(signer.bytes, key->bytes, sizeof signer.bytes) != 0)
        return error_set(error, ERROR_EVM_SIGNATURE, "the signature is not the key's");
    return evm_transaction_put_signature(transaction, &signature, recovery_id, error);
}

/* --- reading ----------------------------------------------------------------------------------- */
/* Reads field after field; once one is wrong, `wrong` names it and the rest is not looked at. */
struct reader { const struct rlp_item *items; size_t next; const char *wrong; };

static const struct rlp_item *next(struct reader *reader)
{
    return &reader->items[reader->next++];
}

static void read_u64(struct reader *reader, const char *name, uint64_t *out)
{
    if (!rlp_u64(next(reader), out) && reader->wrong == NULL)
        reader->wrong = name;
}

static void read_u256(struct reader *reader, const char *name, struct u256 *out)
{
    if (!rlp_u256(next(reader), out) && reader->wrong == NULL)
        reader->wrong = name;
}

static void read_to(struct reader *reader, struct evm_transaction *transaction)
{
    const struct rlp_item *item = next(reader);

    transaction->creates = !item->list && item->content.size == 0;
    if (!transaction->creates && !rlp_fixed(item, transaction->to.bytes, sizeof transaction->to.bytes) &&
        reader->wrong == NULL)
        reader->wrong = "to";
}

static void read_data(struct reader *reader, struct evm_transaction *transaction)
{
    const struct rlp_item *item = next(reader);

    transaction->data = item->content;
    if (item->list && reader->wrong == NULL)
        reader->wrong = "data";
}

static bool read_access_entry(const struct rlp_item *item, struct arena *arena, struct evm_access *access)
{
    struct rlp_item parts[2], key;
    size_t count;

    if (!rlp_items(item, parts, 2, &count) || count != 2 ||
        !rlp_fixed(&parts[0], access->address.bytes, sizeof access->address.bytes) ||
        !rlp_count(&parts[1], &count) || count > EVM_ACCESS_MAX)
        return false;
    struct hash *keys = arena_new(arena, (count + 1) * sizeof *keys);
    struct bytes rest = parts[1].content;
    for (size_t i = 0; i < count; i++) {
        if (!rlp_read(&rest, &key) || !rlp_fixed(&key, keys[i].bytes, sizeof keys[i].bytes))
            return false;
    }
    access->key_count = count;
    access->keys = keys;
    return true;
}

static bool read_access_list(const struct rlp_item *item, struct arena *arena,
                             struct evm_transaction *transaction)
{
    struct rlp_item entry;
    size_t count;

    if (!rlp_count(item, &count) || count > EVM_ACCESS_MAX)
        return false;
    struct evm_access *access = arena_new(arena, (count + 1) * sizeof *access);
    struct bytes rest = item->content;
    for (size_t i = 0; i < count; i++) {
        if (!rlp_read(&rest, &entry) || !read_access_entry(&entry, arena, &access[i]))
            return false;
    }
    transaction->access_count = count;
    transaction->access = access;
    return true;
}

static void read_access(struct reader *reader, struct arena *arena, struct evm_transaction *transaction)
{
    if (!read_access_list(next(reader), arena, transaction) && reader->wrong == NULL)
        reader->wrong = "the access list";
}

/* v of a legacy transaction to chain id and parity. */
static bool take_v(uint64_t v, struct evm_transaction *transaction)
{
    if (v == V_PLAIN || v == V_PLAIN + 1) {
        transaction->chain_id = 0;
        transaction->parity = (int)(v - V_PLAIN);
        return true;
    }
    if (v < V_PROTECTED + 2) /* EIP-155 has no chain 0 */
        return false;
    transaction->chain_id = (v - V_PROTECTED) / 2;
    transaction->parity = (int)((v - V_PROTECTED) % 2);
    return true;
}

static enum status read_fields(const struct rlp_item *items, struct arena *arena,
                               struct evm_transaction *transaction, struct error *error)
{
    struct reader reader = { .items = items };
    bool legacy = transaction->kind == EVM_LEGACY;
    struct u256 r = { { 0 } }, s = { { 0 } };
    uint64_t v = 0;

    if (!legacy)
        read_u64(&reader, "the chain id", &transaction->chain_id);
    read_u64(&reader, "the nonce", &transaction->nonce);
    if (transaction->kind == EVM_DYNAMIC_FEE)
        read_u256(&reader, "the priority fee", &transaction->priority_fee);
    read_u256(&reader, "the gas price", &transaction->gas_price);
    read_u64(&reader, "the gas limit", &transaction->gas_limit);
    read_to(&reader, transaction);
    read_u256(&reader, "the value", &transaction->value);
    read_data(&reader, transaction);
    if (!legacy)
        read_access(&reader, arena, transaction);
    read_u64(&reader, "v", &v);
    read_u256(&reader, "r", &r);
    read_u256(&reader, "s", &s);
    if (reader.wrong == NULL && (legacy ? !take_v(v, transaction) : v > 1))
        reader.wrong = "v";
    if (reader.wrong != NULL)
        return error_set(error, ERROR_EVM_ENCODING, "%s of the transaction is none", reader.wrong);
    if (!legacy)
        transaction->parity = (int)v;
    transaction->is_signed = true;
    memcpy(transaction->signature.bytes, r.bytes, sizeof r.bytes);
    memcpy(transaction->signature.bytes + sizeof r.bytes, s.bytes, sizeof s.bytes);
    return OK;
}

static enum status recover(const struct evm_transaction *transaction, struct evm_address *sender,
                           struct error *error)
{
    struct hash digest;
    struct public_key key;

    if (!signature_in_range(&transaction->signature))
        return error_set(error, ERROR_EVM_SIGNATURE, "r or s is 0, above the order, or s in its upper half");
    digest_of(transaction, &digest);
    if (!ecdsa_recover(&digest, &transaction->signature, transaction->parity, &key) ||
        !evm_address_of_key(&key, sender))
        return error_set(error, ERROR_EVM_SIGNATURE, "nobody's key made the signature");
    return OK;
}

enum status evm_transaction_decode(struct bytes raw, struct arena *arena, struct evm_transaction *transaction,
                                   struct evm_address *sender, struct error *error)
{
    struct rlp_item items[DYNAMIC_FEE_FIELDS], list;
    struct evm_transaction read = { .kind = EVM_LEGACY };
    struct evm_address from;
    size_t count, expected = LEGACY_FIELDS;

    if (raw.size == 0 || raw.size > EVM_TRANSACTION_SIZE_MAX)
        return error_set(error, ERROR_EVM_ENCODING, "a transaction has 1 to %zu bytes, this %zu",
                         EVM_TRANSACTION_SIZE_MAX, raw.size);
    if (raw.data[0] <= TYPES_MOST) {
        if (raw.data[0] != TYPE_ACCESS_LIST && raw.data[0] != TYPE_DYNAMIC_FEE)
            return error_set(error, ERROR_EVM_ENCODING, "transactions of type %u are not supported",
                             raw.data[0]);
        read.kind = raw.data[0] == TYPE_DYNAMIC_FEE ? EVM_DYNAMIC_FEE : EVM_ACCESS_LIST;
        expected = read.kind == EVM_DYNAMIC_FEE ? DYNAMIC_FEE_FIELDS : ACCESS_LIST_FIELDS;
        raw = bytes_of(raw.data + 1, raw.size - 1);
    }
    if (!rlp_decode(raw, &list) || !rlp_items(&list, items, expected, &count) || count != expected)
        return error_set(error, ERROR_EVM_ENCODING, "not one list of %zu fields", expected);
    TRY(read_fields(items, arena, &read, error));
    if (read.kind != EVM_LEGACY && read.chain_id == 0)
        return error_set(error, ERROR_EVM_ENCODING, "the chain id is 0");
    TRY(check(&read, error));
    TRY(recover(&read, &from, error));
    *transaction = read;
    *sender = from;
    return OK;
}

/* --- what it costs at least ------------------------------------------------------------------------ */
uint64_t evm_transaction_intrinsic_gas(const struct evm_transaction *transaction)
{
    uint64_t zeros = 0, gas = GAS_TRANSACTION;

    for (size_t i = 0; i < transaction->data.size; i++)
        zeros += transaction->data.data[i] == 0;
    uint64_t others = transaction->data.size - zeros;
    gas += zeros * GAS_ZERO_BYTE + others * GAS_BYTE;
    if (transaction->creates)
        gas += GAS_CREATE + (transaction->data.size + 31) / 32 * GAS_CODE_WORD;
    for (size_t i = 0; i < transaction->access_count; i++)
        gas += GAS_ACCESS_ADDRESS + transaction->access[i].key_count * GAS_ACCESS_KEY;
    uint64_t least = GAS_TRANSACTION + (zeros + others * TOKENS_BYTE) * GAS_FLOOR_TOKEN;
    return gas < least ? least : gas;
}
