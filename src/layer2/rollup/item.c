/* See item.h. Decoding goes through one reader that remembers that something was wrong, so that every field
 * is one line; the message tells where the bytes stopped being a transaction. */
#include "layer2/rollup/item.h"

#include <string.h>

#include "crypto/hash.h"

#define TRANSACTION_TAG "layerd/rollup/transaction"
#define OUTPUTS_MIN 2   /* of a batch transfer */
#define INTEGER_BYTES 8 /* 2^53 − 1 as LEB128 */

/* kind, from, nonce, asset, fee, number of outputs, outputs */
_Static_assert(1 + 5 + INTEGER_BYTES + 1 + INTEGER_BYTES + 1 + OUTPUTS_MAX * (5 + INTEGER_BYTES) <=
                   TRANSACTION_BODY_MAX, "a transaction's body has room");
_Static_assert(9 + TRANSACTION_BODY_MAX + sizeof(struct signature) <= ITEM_SIZE_MAX, "an item has room");

/* --- reading ---------------------------------------------------------------------------------- */

struct reader {
    const uint8_t *at, *end;
    bool wrong;
};

static uint8_t read_byte(struct reader *reader)
{
    if (reader->at == reader->end) {
        reader->wrong = true;
        return 0;
    }
    return *reader->at++;
}

/* LEB128 in its shortest form. */
static uint64_t read_integer(struct reader *reader, uint64_t most)
{
    uint64_t value = 0;

    for (unsigned shift = 0; shift < 7 * INTEGER_BYTES; shift += 7) {
        uint8_t byte = read_byte(reader);

        value |= (uint64_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) != 0)
            continue;
        if (value > most || (byte == 0 && shift > 0))
            reader->wrong = true;
        return value;
    }
    reader->wrong = true;
    return 0;
}

static void read_bytes(struct reader *reader, void *out, size_t size)
{
    if ((size_t)(reader->end - reader->at) < size) {
        reader->wrong = true;
        reader->at = reader->end;
        return;
    }
    memcpy(out, reader->at, size);
    reader->at += size;
}

static bool is_transaction(unsigned kind)
{
    return kind >= ITEM_TRANSFER && kind <= ITEM_REGISTRATION;
}

static void read_outputs(struct reader *reader, struct item *item)
{
    item->output_count = 1;
    if (item->kind == ITEM_BATCH_TRANSFER) {
        item->output_count = read_byte(reader);
        if (item->output_count < OUTPUTS_MIN || item->output_count > OUTPUTS_MAX) {
            reader->wrong = true;
            item->output_count = 0;
        }
    }
    for (unsigned i = 0; i < item->output_count; i++) {
        item->outputs[i].to = (uint32_t)read_integer(reader, UINT32_MAX);
        item->outputs[i].amount = read_integer(reader, INTEGER_MAX);
        reader->wrong |= item->outputs[i].amount == 0;
        for (unsigned j = 0; j < i; j++)
            reader->wrong |= item->outputs[j].to == item->outputs[i].to;
    }
}

/* All before the signature, into a zeroed item. */
static void read_body(struct reader *reader, unsigned assets, struct item *item)
{
    unsigned kind = read_byte(reader);

    if (!is_transaction(kind)) {
        reader->wrong = true;
        return;
    }
    item->kind = (enum item_kind)kind;
    item->from = (uint32_t)read_integer(reader, UINT32_MAX);
    item->nonce = read_integer(reader, INTEGER_MAX);
    item->asset = read_byte(reader);
    reader->wrong |= item->asset >= assets;
    item->fee = read_integer(reader, INTEGER_MAX);
    if (item->kind == ITEM_TRANSFER || item->kind == ITEM_BATCH_TRANSFER) {
        read_outputs(reader, item);
    } else if (item->kind == ITEM_WITHDRAWAL) {
        read_bytes(reader, item->recipient.bytes, sizeof item->recipient);
        item->amount = read_integer(reader, INTEGER_MAX);
        reader->wrong |= item->amount == 0 || account_is_zero(&item->recipient);
    } else {
        read_bytes(reader, item->key.bytes, sizeof item->key);
        reader->wrong |= account_is_zero(&item->key);
    }
    reader->wrong |= transaction_total(item) > INTEGER_MAX;
}

uint64_t transaction_total(const struct item *item)
{
    uint64_t total = item->fee + item->amount; /* ten times 2^53 stay below 2^64 */

    for (unsigned i = 0; i < item->output_count; i++)
        total += item->outputs[i].amount;
    return total;
}

static void digest(struct hash *out, const struct hash *rollup, const void *body, size_t size)
{
    struct tagged_hash h;

    tagged_hash_begin(&h, TRANSACTION_TAG);
    tagged_hash_add(&h, rollup->bytes, sizeof *rollup);
    tagged_hash_add(&h, body, size);
    tagged_hash_end(&h, out);
}

/* Into a zeroed item; on false it holds what could be read. */
static bool read_transaction(struct reader *reader, const struct hash *rollup, unsigned assets,
                             struct item *item)
{
    const uint8_t *body = reader->at;

    read_body(reader, assets, item);
    size_t size = (size_t)(reader->at - body);
    read_bytes(reader, item->signature.bytes, sizeof item->signature);
    if (reader->wrong)
        return false;
    if (rollup != NULL)
        digest(&item->digest, rollup, body, size);
    return true;
}

enum status rollup_transaction_decode(struct bytes bytes, const struct hash *rollup, unsigned assets,
                               struct item *item, size_t *size, struct error *error)
{
    struct reader reader = { .at = bytes.data, .end = bytes.data + bytes.size };
    struct item decoded;

    memset(&decoded, 0, sizeof decoded);
    if (!read_transaction(&reader, rollup, assets, &decoded))
        return error_set(error, ERROR_MALFORMED_ITEM,
                         "no transaction stands here: kind %u, wrong at or before byte %zu of %zu",
                         bytes.size > 0 ? bytes.data[0] : 0U, (size_t)(reader.at - bytes.data), bytes.size);
    *item = decoded;
    *size = (size_t)(reader.at - bytes.data);
    return OK;
}

bool transaction_body_decode(struct bytes bytes, unsigned assets, struct item *item)
{
    struct reader reader = { .at = bytes.data, .end = bytes.data + bytes.size };

    memset(item, 0, sizeof *item);
    read_body(&reader, assets, item);
    return !reader.wrong && reader.at == reader.end;
}

/* --- writing ---------------------------------------------------------------------------------- */

static uint8_t *write_integer(uint8_t *out, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        *out++ = (uint8_t)(value | 0x80);
    *out++ = (uint8_t)value;
    return out;
}

size_t transaction_body(const struct item *item, uint8_t out[TRANSACTION_BODY_MAX])
{
    uint8_t *end = out;

    INVARIANT(is_transaction(item->kind) && item->output_count <= OUTPUTS_MAX, "item kind %d, %u outputs",
              (int)item->kind, item->output_count);
    *end++ = (uint8_t)item->kind;
    end = write_integer(end, item->from);
    end = write_integer(end, item->nonce);
    *end++ = (uint8_t)item->asset;
    end = write_integer(end, item->fee);
    if (item->kind == ITEM_BATCH_TRANSFER)
        *end++ = (uint8_t)item->output_count;
    for (unsigned i = 0; i < item->output_count; i++) {
        end = write_integer(end, item->outputs[i].to);
        end = write_integer(end, item->outputs[i].amount);
    }
    if (item->kind == ITEM_WITHDRAWAL) {
        memcpy(end, item->recipient.bytes, sizeof item->recipient);
        end = write_integer(end + sizeof item->recipient, item->amount);
    } else if (item->kind == ITEM_REGISTRATION) {
        memcpy(end, item->key.bytes, sizeof item->key);
        end += sizeof item->key;
    }
    return (size_t)(end - out);
}

void rollup_transaction_encode(const struct item *item, struct buffer *out)
{
    out->size += transaction_body(item, buffer_reserve(out, TRANSACTION_BODY_MAX));
    buffer_append(out, item->signature.bytes, sizeof item->signature);
}

void transaction_digest(struct item *item, const struct hash *rollup)
{
    uint8_t body[TRANSACTION_BODY_MAX];

    digest(&item->digest, rollup, body, transaction_body(item, body));
}

/* --- inbox items ------------------------------------------------------------------------------ */

static uint64_t read_be64(struct reader *reader)
{
    uint8_t bytes[8] = { 0 };

    read_bytes(reader, bytes, sizeof bytes);
    uint64_t value = get_be64(bytes);
    reader->wrong |= value > INTEGER_MAX;
    return value;
}

static uint32_t read_be32(struct reader *reader)
{
    uint8_t bytes[4] = { 0 };

    read_bytes(reader, bytes, sizeof bytes);
    return get_be32(bytes);
}

static void read_forced(struct reader *reader, const struct hash *rollup, unsigned assets, struct item *item)
{
    struct reader transaction = *reader;
    uint64_t number = item->number;

    if (read_transaction(&transaction, rollup, assets, item) && transaction.at == transaction.end) {
        item->inbox = true;
        item->number = number;
        return;
    }
    *item = (struct item){ .kind = ITEM_FORCED, .inbox = true, .number = number, .malformed = true };
}

enum status inbox_item_decode(struct bytes bytes, const struct hash *rollup, unsigned assets,
                              struct item *item, struct error *error)
{
    struct reader reader = { .at = bytes.data, .end = bytes.data + bytes.size };
    struct item decoded;

    memset(&decoded, 0, sizeof decoded);
    unsigned kind = read_byte(&reader);
    decoded.inbox = true;
    decoded.number = read_be64(&reader);
    if (kind == ITEM_DEPOSIT || kind == ITEM_FORCED_EXIT || kind == ITEM_EXITED) {
        decoded.kind = (enum item_kind)kind;
        decoded.asset = read_byte(&reader);
        decoded.amount = read_be64(&reader);
        if (kind == ITEM_EXITED)
            decoded.from = read_be32(&reader);
        else
            read_bytes(&reader, decoded.key.bytes, sizeof decoded.key);
        if (kind == ITEM_FORCED_EXIT)
            read_bytes(&reader, decoded.recipient.bytes, sizeof decoded.recipient);
        else
            reader.wrong |= decoded.amount == 0;
        reader.wrong |= decoded.asset >= assets || reader.at != reader.end;
    } else if (kind == ITEM_FORCED) {
        reader.wrong |= bytes.size > ITEM_SIZE_MAX;
        if (!reader.wrong)
            read_forced(&reader, rollup, assets, &decoded);
    } else {
        reader.wrong = true;
    }
    if (reader.wrong)
        return error_set(error, ERROR_MALFORMED_ITEM, "these %zu bytes are no inbox item: kind %u",
                         bytes.size, kind);
    *item = decoded;
    return OK;
}

static void inbox_head(enum item_kind kind, uint64_t number, struct buffer *out)
{
    uint8_t head[9];

    head[0] = (uint8_t)kind;
    put_be64(head + 1, number);
    buffer_append(out, head, sizeof head);
}

void inbox_item_encode(const struct item *item, struct buffer *out)
{
    uint8_t fields[9 + 4];

    INVARIANT(item->kind == ITEM_DEPOSIT || item->kind == ITEM_FORCED_EXIT || item->kind == ITEM_EXITED,
              "item kind %d", (int)item->kind);
    inbox_head(item->kind, item->number, out);
    fields[0] = (uint8_t)item->asset;
    put_be64(fields + 1, item->amount);
    put_be32(fields + 9, item->from);
    buffer_append(out, fields, item->kind == ITEM_EXITED ? sizeof fields : sizeof fields - 4);
    if (item->kind == ITEM_EXITED)
        return;
    buffer_append(out, item->key.bytes, sizeof item->key);
    if (item->kind == ITEM_FORCED_EXIT)
        buffer_append(out, item->recipient.bytes, sizeof item->recipient);
}

void inbox_forced_encode(uint64_t number, struct bytes transaction, struct buffer *out)
{
    INVARIANT(transaction.size <= ITEM_SIZE_MAX - 9, "a forced transaction of %zu bytes", transaction.size);
    inbox_head(ITEM_FORCED, number, out);
    buffer_append(out, transaction.data, transaction.size);
}
