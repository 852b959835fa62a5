/* A header is one RLP list; forks appended fields. The table says what each is, in order, so that writing
 * and reading cannot differ. */
#include "network/evm/header.h"

#include <stddef.h>
#include <string.h>

#include "base/memory.h"

enum field_type { FIELD_FIXED, FIELD_NUMBER, FIELD_WIDE, FIELD_BYTES };
struct field { const char *name; enum field_type type; size_t offset, size; };

#define FIXED(member) { #member, FIELD_FIXED, offsetof(struct evm_header, member), \
                        sizeof((struct evm_header *)0)->member }
#define NUMBER(member) { #member, FIELD_NUMBER, offsetof(struct evm_header, member), 0 }
#define WIDE(member) { #member, FIELD_WIDE, offsetof(struct evm_header, member), 0 }
#define BYTES(member) { #member, FIELD_BYTES, offsetof(struct evm_header, member), 0 }

static const struct field fields[EVM_HEADER_FIELDS_MOST] = {
    FIXED(parent_hash), FIXED(ommers_hash), FIXED(beneficiary), FIXED(state_root), FIXED(transactions_root),
    FIXED(receipts_root), FIXED(logs_bloom), WIDE(difficulty), NUMBER(number), NUMBER(gas_limit),
    NUMBER(gas_used), NUMBER(timestamp), BYTES(extra_data), FIXED(mix_hash), FIXED(nonce),
    WIDE(base_fee), FIXED(withdrawals_root), NUMBER(blob_gas_used), NUMBER(excess_blob_gas),
    FIXED(parent_beacon_root), FIXED(requests_hash),
};

static enum status check(const struct evm_header *header, struct error *error)
{
    if (header->fields < EVM_HEADER_FIELDS_LEAST || header->fields > EVM_HEADER_FIELDS_MOST)
        return error_set(error, ERROR_EVM_ENCODING, "a header has %d to %d fields, this one %zu",
                         EVM_HEADER_FIELDS_LEAST, EVM_HEADER_FIELDS_MOST, header->fields);
    if (header->extra_data.size > EVM_EXTRA_DATA_MAX)
        return error_set(error, ERROR_EVM_ENCODING, "a header has at most %d bytes of extra data",
                         EVM_EXTRA_DATA_MAX);
    return OK;
}

static void write_field(const struct field *field, const void *member, struct buffer *out)
{
    const struct bytes *bytes = member;
    const uint64_t *number = member;

    switch (field->type) {
    case FIELD_FIXED:
        rlp_append(out, member, field->size);
        return;
    case FIELD_NUMBER:
        rlp_append_u64(out, *number);
        return;
    case FIELD_WIDE:
        rlp_append_u256(out, member);
        return;
    case FIELD_BYTES:
        rlp_append(out, bytes->data, bytes->size);
        return;
    }
}

static bool read_field(const struct field *field, const struct rlp_item *item, void *member)
{
    struct bytes *bytes = member;

    switch (field->type) {
    case FIELD_FIXED:
        return rlp_fixed(item, member, field->size);
    case FIELD_NUMBER:
        return rlp_u64(item, member);
    case FIELD_WIDE:
        return rlp_u256(item, member);
    case FIELD_BYTES:
        *bytes = item->content;
        return !item->list;
    }
    return false;
}

enum status evm_header_encode(const struct evm_header *header, struct buffer *out, struct error *error)
{
    TRY(check(header, error));
    size_t list = rlp_list_begin(out);
    for (size_t i = 0; i < header->fields; i++)
        write_field(&fields[i], (const char *)header + fields[i].offset, out);
    rlp_list_end(out, list);
    return OK;
}

enum status evm_header_decode(struct bytes raw, struct evm_header *header, struct error *error)
{
    struct rlp_item list, items[EVM_HEADER_FIELDS_MOST];
    struct evm_header read = { 0 };

    if (!rlp_decode(raw, &list) || !rlp_items(&list, items, EVM_HEADER_FIELDS_MOST, &read.fields))
        return error_set(error, ERROR_EVM_ENCODING, "not one list of at most %d fields",
                         EVM_HEADER_FIELDS_MOST);
    TRY(check(&read, error));
    for (size_t i = 0; i < read.fields; i++) {
        if (!read_field(&fields[i], &items[i], (char *)&read + fields[i].offset))
            return error_set(error, ERROR_EVM_ENCODING, "the header's field %s is none", fields[i].name);
    }
    TRY(check(&read, error));
    *header = read;
    return OK;
}

enum status evm_header_hash(const struct evm_header *header, struct hash *hash, struct error *error)
{
    CLEANUP(buffer_close) struct buffer encoded = { 0 };

    TRY(evm_header_encode(header, &encoded, error));
    keccak_hash(hash, encoded.data, encoded.size);
    return OK;
}
