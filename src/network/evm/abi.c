/* The contract ABI: a head of one word a value, then the strings and bytes to which words of the head
 * point. */
#include "network/evm/abi.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define ERROR_SIGNATURE "Error(string)"
#define PANIC_SIGNATURE "Panic(uint256)"

/* --- values ---------------------------------------------------------------------------------------- */
struct abi_value abi_number(const struct u256 *number)
{
    return (struct abi_value){ .type = ABI_UINT256, .number = *number };
}

struct abi_value abi_address(const struct evm_address *address)
{
    return (struct abi_value){ .type = ABI_ADDRESS, .address = *address };
}

struct abi_value abi_word(const struct hash *word)
{
    return (struct abi_value){ .type = ABI_BYTES32, .word = *word };
}

struct abi_value abi_truth(bool truth)
{
    return (struct abi_value){ .type = ABI_BOOL, .truth = truth };
}

struct abi_value abi_small(enum abi_type type, uint64_t small)
{
    INVARIANT(type == ABI_UINT64 || (type == ABI_UINT8 && small <= UINT8_MAX), "no small number of type %d",
              (int)type);
    return (struct abi_value){ .type = type, .small = small };
}

struct abi_value abi_bytes(enum abi_type type, const void *data, size_t size)
{
    INVARIANT(type == ABI_STRING || type == ABI_BYTES, "type %d is not of any size", (int)type);
    return (struct abi_value){ .type = type, .bytes = bytes_of(data, size) };
}

static bool is_dynamic(enum abi_type type)
{
    return type == ABI_STRING || type == ABI_BYTES;
}

static size_t padded(size_t size)
{
    return (size + ABI_WORD - 1) / ABI_WORD * ABI_WORD;
}

/* --- selectors ----------------------------------------------------------------------------------- */
void abi_topic(const char *signature, struct hash *topic)
{
    keccak_hash(topic, signature, strlen(signature));
}

void abi_selector(const char *signature, uint8_t out[ABI_SELECTOR])
{
    struct hash topic;

    abi_topic(signature, &topic);
    memcpy(out, topic.bytes, ABI_SELECTOR);
}

/* --- writing --------------------------------------------------------------------------------------- */
static void append_number(struct buffer *out, uint64_t number)
{
    struct u256 word = u256_of(number);

    buffer_append(out, word.bytes, sizeof word.bytes);
}

static void append_head(struct buffer *out, const struct abi_value *value, size_t offset)
{
    static const uint8_t zeros[ABI_WORD];

    switch (value->type) {
    case ABI_UINT256:
        buffer_append(out, value->number.bytes, sizeof value->number.bytes);
        return;
    case ABI_ADDRESS:
        buffer_append(out, zeros, ABI_WORD - EVM_ADDRESS_SIZE);
        buffer_append(out, value->address.bytes, sizeof value->address.bytes);
        return;
    case ABI_BYTES32:
        buffer_append(out, value->word.bytes, sizeof value->word.bytes);
        return;
    case ABI_BOOL:
        append_number(out, value->truth);
        return;
    case ABI_UINT64:
    case ABI_UINT8:
        append_number(out, value->small);
        return;
    case ABI_STRING:
    case ABI_BYTES:
        append_number(out, offset);
        return;
    }
}

void abi_encode(const struct abi_value *values, size_t count, struct buffer *out)
{
    static const uint8_t zeros[ABI_WORD];
    size_t offset = count * ABI_WORD;

    INVARIANT(count <= ABI_VALUES_MAX, "%zu values", count);
    for (size_t i = 0; i < count; i++) {
        append_head(out, &values[i], offset);
        if (is_dynamic(values[i].type))
            offset += ABI_WORD + padded(values[i].bytes.size);
    }
    for (size_t i = 0; i < count; i++) {
        if (!is_dynamic(values[i].type))
            continue;
        append_number(out, values[i].bytes.size);
        buffer_append(out, values[i].bytes.data, values[i].bytes.size);
        buffer_append(out, zeros, padded(values[i].bytes.size) - values[i].bytes.size);
    }
}

void abi_encode_call(const char *signature, const struct abi_value *values, size_t count, struct buffer *out)
{
    uint8_t selector[ABI_SELECTOR];

    abi_selector(signature, selector);
    buffer_append(out, selector, sizeof selector);
    abi_encode(values, count, out);
}

/* --- reading --------------------------------------------------------------------------------------- */
static bool word_number(const uint8_t *word, uint64_t most, uint64_t *number)
{
    struct u256 value;
    uint64_t read;

    memcpy(value.bytes, word, sizeof value.bytes);
    if (!u256_to_u64(&value, &read) || read > most)
        return false;
    *number = read;
    return true;
}

static bool all_zero(const uint8_t *data, size_t size)
{
    uint8_t any = 0;

    for (size_t i = 0; i < size; i++)
        any |= data[i];
    return any == 0;
}

/* What the word at the head points to: at *end, where the values before it end. */
static bool read_tail(struct bytes data, const uint8_t *word, size_t *end, struct abi_value *value)
{
    uint64_t offset, size;

    if (!word_number(word, data.size, &offset) || offset != *end || data.size - offset < ABI_WORD ||
        !word_number(data.data + offset, data.size - offset - ABI_WORD, &size) ||
        padded((size_t)size) > data.size - offset - ABI_WORD)
        return false;
    const uint8_t *at = data.data + offset + ABI_WORD;
    if (!all_zero(at + size, padded((size_t)size) - (size_t)size))
        return false;
    if (value->type == ABI_STRING && utf8_valid_prefix((const char *)at, (size_t)size) != size)
        return false;
    value->bytes = bytes_of(at, (size_t)size);
    *end += ABI_WORD + padded((size_t)size);
    return true;
}

static bool read_value(struct bytes data, const uint8_t *word, size_t *end, struct abi_value *value)
{
    uint64_t number;

    switch (value->type) {
    case ABI_UINT256:
        memcpy(value->number.bytes, word, ABI_WORD);
        return true;
    case ABI_ADDRESS:
        memcpy(value->address.bytes, word + ABI_WORD - EVM_ADDRESS_SIZE, EVM_ADDRESS_SIZE);
        return all_zero(word, ABI_WORD - EVM_ADDRESS_SIZE);
    case ABI_BYTES32:
        memcpy(value->word.bytes, word, ABI_WORD);
        return true;
    case ABI_BOOL:
        if (!word_number(word, 1, &number))
            return false;
        value->truth = number == 1;
        return true;
    case ABI_UINT64:
        return word_number(word, UINT64_MAX, &value->small);
    case ABI_UINT8:
        return word_number(word, UINT8_MAX, &value->small);
    case ABI_STRING:
    case ABI_BYTES:
        return read_tail(data, word, end, value);
    }
    return false;
}

bool abi_decode(struct bytes data, struct abi_value *values, size_t count)
{
    size_t end = count * ABI_WORD;

    INVARIANT(count <= ABI_VALUES_MAX, "%zu values", count);
    if (data.size < end)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!read_value(data, data.data + i * ABI_WORD, &end, &values[i]))
            return false;
    }
    return end == data.size;
}

bool abi_decode_call(const char *signature, struct bytes data, struct abi_value *values, size_t count)
{
    uint8_t selector[ABI_SELECTOR];

    abi_selector(signature, selector);
    return data.size >= sizeof selector && memcmp(data.data, selector, sizeof selector) == 0 &&
           abi_decode(bytes_of(data.data + sizeof selector, data.size - sizeof selector), values, count);
}

/* --- why a call was reverted ------------------------------------------------------------------------- */
/* Solidity documentation, "Panic via assert and Error via require". */
static const struct { uint64_t code; const char *meaning; } panics[] = {
    { 0x00, "a panic that the compiler put in" },
    { 0x01, "an assertion does not hold" },
    { 0x11, "an addition, subtraction or multiplication leaves its range" },
    { 0x12, "a division by zero" },
    { 0x21, "a number that is no value of the enum" },
    { 0x22, "a byte array in storage is encoded wrongly" },
    { 0x31, "pop of an empty array" },
    { 0x32, "an index outside of the array" },
    { 0x41, "too much memory or too large an array" },
    { 0x51, "a call of a function that was never set" },
};

static void tell_panic(struct abi_revert_reason *reason)
{
    const char *meaning = "a panic without a known meaning";

    for (size_t i = 0; i < sizeof panics / sizeof *panics; i++) {
        if (panics[i].code == reason->panic)
            meaning = panics[i].meaning;
    }
    snprintf(reason->text, sizeof reason->text, "panic 0x%02" PRIx64 ": %s", reason->panic, meaning);
}

void abi_revert_decode(struct bytes data, struct abi_revert_reason *reason)
{
    struct abi_value text = { .type = ABI_BYTES }, code = { .type = ABI_UINT64 };

    memset(reason, 0, sizeof *reason);
    if (data.size < ABI_SELECTOR) {
        snprintf(reason->text, sizeof reason->text, "reverted without a reason");
        return;
    }
    memcpy(reason->selector, data.data, ABI_SELECTOR);
    if (abi_decode_call(ERROR_SIGNATURE, data, &text, 1)) {
        size_t size = text.bytes.size < ABI_REASON_MAX ? text.bytes.size : ABI_REASON_MAX;
        reason->kind = ABI_REVERT_REASON;
        if (size < text.bytes.size) { /* not in the middle of a character */
            size_t whole = utf8_valid_prefix((const char *)text.bytes.data, size);
            size = size - whole < 4 ? whole : size;
        }
        memcpy(reason->text, text.bytes.data, size);
        text_make_printable(reason->text, size);
        return;
    }
    if (abi_decode_call(PANIC_SIGNATURE, data, &code, 1)) {
        reason->kind = ABI_REVERT_PANIC;
        reason->panic = code.small;
        tell_panic(reason);
        return;
    }
    reason->kind = ABI_REVERT_CUSTOM;
    snprintf(reason->text, sizeof reason->text, "the contract's error 0x%02x%02x%02x%02x",
             reason->selector[0], reason->selector[1], reason->selector[2], reason->selector[3]);
}
