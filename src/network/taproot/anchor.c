/* Transactions, paths and work: see anchor.h. */
#include "network/taproot/anchor.h"

#include <string.h>

#include "crypto/hash.h"

#define TRANSACTION_MAX 4000000 /* bytes: a block weighs no more */
#define BITS_AT 72
#define ROOT_AT 36

static void sha256_twice(struct hash *out, const void *data, size_t size)
{
    sha256(out, data, size);
    sha256(out, out->bytes, sizeof(out->bytes));
}

/* --- reading ---------------------------------------------------------------------------------- */
struct cursor { struct bytes bytes; size_t at; bool good; };

static const uint8_t *take(struct cursor *c, uint64_t size)
{
    const uint8_t *from = c->bytes.data + c->at;

    if (!c->good || size > c->bytes.size - c->at) {
        c->good = false;
        return NULL;
    }
    c->at += (size_t)size;
    return from;
}

/* Bitcoin's compact size: 1, 3, 5 or 9 bytes, the shortest that holds the number. */
static uint64_t take_count(struct cursor *c)
{
    static const uint64_t least[] = { 0xfd, 0x10000, UINT64_C(0x100000000) };
    const uint8_t *first = take(c, 1), *rest;
    uint64_t value = 0;
    size_t size;

    if (first == NULL || *first < 0xfd)
        return first == NULL ? 0 : *first;
    size = (size_t)2 << (*first - 0xfd);
    rest = take(c, size);
    if (rest == NULL)
        return 0;
    for (size_t i = size; i-- > 0;)
        value = value << 8 | rest[i];
    if (value < least[*first - 0xfd])
        c->good = false;
    return value;
}

static void skip_inputs(struct cursor *c, size_t count)
{
    for (size_t i = 0; i < count && c->good; i++) {
        take(c, 36);
        take(c, take_count(c));
        take(c, 4);
    }
}

static void skip_outputs(struct cursor *c, size_t count)
{
    for (size_t i = 0; i < count && c->good; i++) {
        take(c, 8);
        take(c, take_count(c));
    }
}

static void skip_witness(struct cursor *c, size_t inputs)
{
    for (size_t i = 0; i < inputs && c->good; i++) {
        uint64_t items = take_count(c);

        for (uint64_t j = 0; j < items && c->good; j++)
            take(c, take_count(c));
    }
}

static size_t take_limited(struct cursor *c, size_t most)
{
    uint64_t count = take_count(c);

    if (count > most)
        c->good = false;
    return c->good ? (size_t)count : 0;
}

/* The id covers the transaction without its witness. */
static void hash_parts(const struct bytes *whole, size_t body_at, size_t body_end, struct hash *txid)
{
    crypto_hash_sha256_state state;

    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, whole->data, 4);
    crypto_hash_sha256_update(&state, whole->data + body_at, body_end - body_at);
    crypto_hash_sha256_update(&state, whole->data + whole->size - 4, 4);
    crypto_hash_sha256_final(&state, txid->bytes);
    sha256(txid, txid->bytes, sizeof(txid->bytes));
}

bool anchor_transaction_parse(struct bytes bytes, struct anchor_transaction *out)
{
    struct cursor c = { .bytes = bytes, .good = bytes.size >= 10 && bytes.size <= TRANSACTION_MAX };
    struct anchor_transaction t = { .whole = bytes };
    bool witness = c.good && bytes.data[4] == 0 && bytes.data[5] == 1;
    size_t body_at, body_end;

    take(&c, 4);
    if (witness)
        take(&c, 2);
    body_at = c.at;
    t.input_count = take_limited(&c, ANCHOR_INPUTS_MAX);
    t.inputs_at = c.at;
    skip_inputs(&c, t.input_count);
    t.output_count = take_limited(&c, ANCHOR_OUTPUTS_MAX);
    t.outputs_at = c.at;
    skip_outputs(&c, t.output_count);
    body_end = c.at;
    if (witness)
        skip_witness(&c, t.input_count);
    take(&c, 4);
    if (!c.good || c.at != bytes.size || t.input_count == 0 || t.output_count == 0)
        return false;
    hash_parts(&bytes, body_at, body_end, &t.txid);
    *out = t;
    return true;
}

bool anchor_spends(const struct anchor_transaction *t, const struct anchor_outpoint *outpoint)
{
    struct cursor c = { .bytes = t->whole, .at = t->inputs_at, .good = true };

    for (size_t i = 0; i < t->input_count; i++) {
        const uint8_t *input = take(&c, 36);
        uint32_t index;

        if (input == NULL)
            return false;
        index = (uint32_t)input[32] | (uint32_t)input[33] << 8 | (uint32_t)input[34] << 16 |
                (uint32_t)input[35] << 24;
        if (memcmp(input, outpoint->txid.bytes, 32) == 0 && index == outpoint->index)
            return true;
        take(&c, take_count(&c));
        take(&c, 4);
    }
    return false;
}

struct bytes anchor_script(const struct anchor_transaction *t, uint32_t index)
{
    struct cursor c = { .bytes = t->whole, .at = t->outputs_at, .good = true };

    if (index >= t->output_count)
        return bytes_of(NULL, 0);
    for (size_t i = 0;; i++) {
        const uint8_t *script;
        uint64_t size;

        take(&c, 8);
        size = take_count(&c);
        script = take(&c, size);
        if (script == NULL)
            return bytes_of(NULL, 0);
        if (i == index)
            return bytes_of(script, (size_t)size);
    }
}

/* --- blocks ----------------------------------------------------------------------------------- */
bool anchor_is_in_block(const struct hash *txid, const uint8_t *hashes, size_t count, const uint8_t *right,
                        const uint8_t header[ANCHOR_HEADER_SIZE])
{
    struct hash at = *txid;

    if (count > ANCHOR_PATH_MAX)
        return false;
    for (size_t i = 0; i < count; i++) {
        uint8_t both[64];
        bool is_right = right[i / 8] >> i % 8 & 1;

        memcpy(both + (is_right ? 0 : 32), at.bytes, 32);
        memcpy(both + (is_right ? 32 : 0), hashes + 32 * i, 32);
        sha256_twice(&at, both, sizeof(both));
    }
    return memcmp(at.bytes, header + ROOT_AT, 32) == 0;
}

void anchor_block_hash(const uint8_t header[ANCHOR_HEADER_SIZE], struct hash *hash)
{
    sha256_twice(hash, header, ANCHOR_HEADER_SIZE);
}

/* The number that the compact form writes, low byte first as hashes are compared; false: negative, zero, or
 * more than 256 bits. */
static bool expand(uint32_t compact, uint8_t target[32])
{
    uint32_t mantissa = compact & 0x7fffff, size = compact >> 24;

    memset(target, 0, 32);
    if ((compact & 0x800000) != 0 || mantissa == 0)
        return false;
    for (uint32_t i = 0; i < 3; i++) {
        uint8_t byte = (uint8_t)(mantissa >> (8 * i));

        if (size + i < 3)
            continue; /* shifted out */
        if (size + i - 3 >= 32) {
            if (byte != 0)
                return false;
            continue;
        }
        target[size + i - 3] = byte;
    }
    return true;
}

static bool at_most(const uint8_t a[32], const uint8_t b[32])
{
    for (size_t i = 32; i-- > 0;) {
        if (a[i] != b[i])
            return a[i] < b[i];
    }
    return true;
}

bool anchor_has_work(const uint8_t header[ANCHOR_HEADER_SIZE], uint32_t easiest)
{
    const uint8_t *bits = header + BITS_AT;
    uint8_t target[32], limit[32];
    struct hash hash;

    if (!expand((uint32_t)bits[0] | (uint32_t)bits[1] << 8 | (uint32_t)bits[2] << 16 |
                    (uint32_t)bits[3] << 24,
                target) ||
        !expand(easiest, limit))
        return false;
    anchor_block_hash(header, &hash);
    return at_most(target, limit) && at_most(hash.bytes, target);
}

void anchor_hash_text(char out[65], const struct hash *hash)
{
    struct hash back;

    for (size_t i = 0; i < 32; i++)
        back.bytes[i] = hash->bytes[31 - i];
    hex_text(out, back.bytes, sizeof(back.bytes));
}
