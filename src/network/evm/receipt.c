/* Receipts and their logs, to RLP and back; the bloom filter sets three bits of 2,048 for each address and
 * topic (Yellow Paper, §4.3.1). */
#include "network/evm/receipt.h"

#include <string.h>

#define FIELDS_ETHEREUM 4
#define FIELDS_ROOTSTOCK 6
#define FIELDS_DEPOSIT_MOST 6
#define LOG_FIELDS 3
#define BLOOM_BITS 2048
#define BLOOM_PAIRS 3
#define LIST_FIRST 0xc0 /* from here on a first byte begins a list, which is a legacy receipt */

/* --- bloom --------------------------------------------------------------------------------------- */
/* Bit number `pair` of what the bytes set: from two bytes of their hash, counted from the filter's end. */
static unsigned bloom_bit(const struct hash *hash, size_t pair)
{
    return ((unsigned)hash->bytes[2 * pair] << 8 | hash->bytes[2 * pair + 1]) % BLOOM_BITS;
}

static void bloom_add(uint8_t bloom[EVM_BLOOM_SIZE], const void *data, size_t size)
{
    struct hash hash;

    keccak_hash(&hash, data, size);
    for (size_t i = 0; i < BLOOM_PAIRS; i++) {
        unsigned bit = bloom_bit(&hash, i);
        bloom[EVM_BLOOM_SIZE - 1 - bit / 8] |= (uint8_t)(1u << bit % 8);
    }
}

void evm_receipt_bloom(const struct evm_log *logs, size_t count, uint8_t bloom[EVM_BLOOM_SIZE])
{
    memset(bloom, 0, EVM_BLOOM_SIZE);
    for (size_t i = 0; i < count; i++) {
        bloom_add(bloom, logs[i].address.bytes, sizeof logs[i].address.bytes);
        for (size_t k = 0; k < logs[i].topic_count; k++)
            bloom_add(bloom, logs[i].topics[k].bytes, sizeof logs[i].topics[k].bytes);
    }
}

bool evm_bloom_may_have(const uint8_t bloom[EVM_BLOOM_SIZE], const void *data, size_t size)
{
    struct hash hash;

    keccak_hash(&hash, data, size);
    for (size_t i = 0; i < BLOOM_PAIRS; i++) {
        unsigned bit = bloom_bit(&hash, i);
        if ((bloom[EVM_BLOOM_SIZE - 1 - bit / 8] & 1u << bit % 8) == 0)
            return false;
    }
    return true;
}

/* --- writing --------------------------------------------------------------------------------------- */
static enum status check(const struct evm_receipt *receipt, struct error *error)
{
    if (receipt->log_count > EVM_LOGS_MAX)
        return error_set(error, ERROR_EVM_ENCODING, "a receipt has at most %d logs", EVM_LOGS_MAX);
    for (size_t i = 0; i < receipt->log_count; i++) {
        if (receipt->logs[i].topic_count > EVM_TOPICS_MAX)
            return error_set(error, ERROR_EVM_ENCODING, "a log has at most %d topics", EVM_TOPICS_MAX);
    }
    if (receipt->type > EVM_RECEIPT_TYPE_MOST ||
        (receipt->shape == EVM_RECEIPT_ROOTSTOCK && receipt->type != 0))
        return error_set(error, ERROR_EVM_ENCODING, "no receipt has type %u", receipt->type);
    if (receipt->deposit_fields > (receipt->type == EVM_RECEIPT_DEPOSIT ? 2 : 0))
        return error_set(error, ERROR_EVM_ENCODING, "a deposit alone has a nonce and a version");
    return OK;
}

static void append_status(struct buffer *out, const struct evm_receipt *receipt)
{
    if (receipt->has_state)
        rlp_append(out, receipt->state.bytes, sizeof receipt->state.bytes);
    else
        rlp_append_u64(out, receipt->succeeded);
}

static void append_logs(struct buffer *out, const struct evm_log *logs, size_t count)
{
    size_t list = rlp_list_begin(out);

    for (size_t i = 0; i < count; i++) {
        size_t log = rlp_list_begin(out);
        rlp_append(out, logs[i].address.bytes, sizeof logs[i].address.bytes);
        size_t topics = rlp_list_begin(out);
        for (size_t k = 0; k < logs[i].topic_count; k++)
            rlp_append(out, logs[i].topics[k].bytes, sizeof logs[i].topics[k].bytes);
        rlp_list_end(out, topics);
        rlp_append(out, logs[i].data.data, logs[i].data.size);
        rlp_list_end(out, log);
    }
    rlp_list_end(out, list);
}

enum status evm_receipt_encode(const struct evm_receipt *receipt, struct buffer *out, struct error *error)
{
    TRY(check(receipt, error));
    if (receipt->type != 0)
        buffer_append(out, &receipt->type, 1);
    size_t list = rlp_list_begin(out);
    append_status(out, receipt);
    rlp_append_u64(out, receipt->cumulative_gas);
    rlp_append(out, receipt->bloom, sizeof receipt->bloom);
    append_logs(out, receipt->logs, receipt->log_count);
    if (receipt->shape == EVM_RECEIPT_ROOTSTOCK) {
        rlp_append_u64(out, receipt->gas_used);
        rlp_append_u64(out, receipt->succeeded);
    }
    if (receipt->deposit_fields > 0)
        rlp_append_u64(out, receipt->deposit_nonce);
    if (receipt->deposit_fields > 1)
        rlp_append_u64(out, receipt->deposit_version);
    rlp_list_end(out, list);
    return OK;
}

/* --- reading --------------------------------------------------------------------------------------- */
static bool read_log(const struct rlp_item *item, struct evm_log *log)
{
    struct rlp_item parts[LOG_FIELDS], topics[EVM_TOPICS_MAX];
    size_t count;

    if (!rlp_items(item, parts, LOG_FIELDS, &count) || count != LOG_FIELDS ||
        !rlp_fixed(&parts[0], log->address.bytes, sizeof log->address.bytes) ||
        !rlp_items(&parts[1], topics, EVM_TOPICS_MAX, &log->topic_count) || parts[2].list)
        return false;
    for (size_t i = 0; i < log->topic_count; i++) {
        if (!rlp_fixed(&topics[i], log->topics[i].bytes, sizeof log->topics[i].bytes))
            return false;
    }
    log->data = parts[2].content;
    return true;
}

static bool read_logs(const struct rlp_item *item, struct arena *arena, struct evm_receipt *receipt)
{
    struct bytes rest = item->content;
    struct rlp_item log;
    size_t count;

    if (!rlp_count(item, &count) || count > EVM_LOGS_MAX)
        return false;
    struct evm_log *logs = arena_new(arena, (count + 1) * sizeof *logs);
    for (size_t i = 0; i < count; i++) {
        if (!rlp_read(&rest, &log) || !read_log(&log, &logs[i]))
            return false;
    }
    receipt->log_count = count;
    receipt->logs = logs;
    return true;
}

/* Rootstock's gas comes out of Java's big integers: a zero may be one zero byte. */
static bool read_gas(const struct rlp_item *item, enum evm_receipt_shape shape, uint64_t *gas)
{
    if (shape == EVM_RECEIPT_ROOTSTOCK && !item->list && item->content.size == 1 &&
        item->content.data[0] == 0) {
        *gas = 0;
        return true;
    }
    return rlp_u64(item, gas);
}

static bool read_truth(const struct rlp_item *item, bool *truth)
{
    uint64_t value;

    if (!rlp_u64(item, &value) || value > 1)
        return false;
    *truth = value == 1;
    return true;
}

static bool read_status(const struct rlp_item *item, struct evm_receipt *receipt)
{
    receipt->has_state = !item->list && item->content.size == sizeof receipt->state.bytes;
    if (receipt->has_state)
        return rlp_fixed(item, receipt->state.bytes, sizeof receipt->state.bytes);
    return read_truth(item, &receipt->succeeded);
}

/* What follows the four fields that all receipts have. */
static bool read_more(const struct rlp_item *items, size_t count, struct evm_receipt *receipt)
{
    bool status;

    if (receipt->shape == EVM_RECEIPT_ROOTSTOCK) {
        if (count != FIELDS_ROOTSTOCK || !read_gas(&items[4], receipt->shape, &receipt->gas_used) ||
            !read_truth(&items[5], &status) || (!receipt->has_state && status != receipt->succeeded))
            return false;
        receipt->succeeded = status;
        return true;
    }
    if (receipt->type != EVM_RECEIPT_DEPOSIT)
        return count == FIELDS_ETHEREUM;
    receipt->deposit_fields = count - FIELDS_ETHEREUM;
    return (count < 5 || rlp_u64(&items[4], &receipt->deposit_nonce)) &&
           (count < 6 || rlp_u64(&items[5], &receipt->deposit_version));
}

enum status evm_receipt_decode(struct bytes raw, enum evm_receipt_shape shape, struct arena *arena,
                               struct evm_receipt *receipt, struct error *error)
{
    struct rlp_item list, items[FIELDS_DEPOSIT_MOST];
    struct evm_receipt read = { .shape = shape };
    uint8_t bloom[EVM_BLOOM_SIZE];
    size_t count;

    if (raw.size > 0 && raw.data[0] < LIST_FIRST) {
        read.type = raw.data[0];
        if (read.type == 0)
            return error_set(error, ERROR_EVM_ENCODING, "a legacy receipt has no type byte");
        raw = bytes_of(raw.data + 1, raw.size - 1);
    }
    TRY(check(&read, error));
    if (!rlp_decode(raw, &list) || !rlp_items(&list, items, FIELDS_DEPOSIT_MOST, &count) ||
        count < FIELDS_ETHEREUM)
        return error_set(error, ERROR_EVM_ENCODING, "not one list of a receipt's fields");
    if (!read_status(&items[0], &read) || !read_gas(&items[1], shape, &read.cumulative_gas) ||
        !rlp_fixed(&items[2], read.bloom, sizeof read.bloom) || !read_logs(&items[3], arena, &read) ||
        !read_more(items, count, &read))
        return error_set(error, ERROR_EVM_ENCODING, "a field of the receipt is none");
    evm_receipt_bloom(read.logs, read.log_count, bloom);
    if (memcmp(bloom, read.bloom, sizeof bloom) != 0)
        return error_set(error, ERROR_EVM_ENCODING, "the bloom is not that of the logs");
    *receipt = read;
    return OK;
}
