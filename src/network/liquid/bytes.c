/* Bitcoin's way of writing things: see bytes.h. */
#include "network/liquid/bytes.h"

#include <string.h>

#include "crypto/hash.h"

struct bytes cursor_run(struct cursor *cursor, size_t size)
{
    struct bytes run = cursor->rest;

    if (cursor->failed || size > cursor->rest.size) {
        cursor->failed = true;
        return bytes_of(NULL, 0);
    }
    run.size = size;
    cursor->rest = bytes_of(cursor->rest.data + size, cursor->rest.size - size);
    return run;
}

static uint64_t little_endian(struct cursor *cursor, size_t size)
{
    struct bytes run = cursor_run(cursor, size);
    uint64_t value = 0;

    for (size_t i = 0; i < run.size; i++)
        value |= (uint64_t)run.data[i] << (8 * i);
    return value;
}

uint8_t cursor_byte(struct cursor *cursor)
{
    return (uint8_t)little_endian(cursor, 1);
}

uint32_t cursor_le32(struct cursor *cursor)
{
    return (uint32_t)little_endian(cursor, 4);
}

uint64_t cursor_le64(struct cursor *cursor)
{
    return little_endian(cursor, 8);
}

void cursor_hash(struct cursor *cursor, struct hash *hash)
{
    struct bytes run = cursor_run(cursor, sizeof(hash->bytes));

    memset(hash, 0, sizeof(*hash));
    if (run.size > 0)
        memcpy(hash->bytes, run.data, sizeof(hash->bytes));
}

uint64_t cursor_count(struct cursor *cursor, uint64_t most)
{
    static const struct { size_t size; uint64_t least; } forms[] = {
        { 2, 0xfd }, { 4, 0x10000 }, { 8, 0x100000000 },
    };
    uint64_t value = cursor_byte(cursor);

    if (value >= 0xfd) {
        size_t form = (size_t)(value - 0xfd);

        value = little_endian(cursor, forms[form].size);
        if (value < forms[form].least)
            cursor->failed = true;
    }
    if (value > most)
        cursor->failed = true;
    return cursor->failed ? 0 : value;
}

struct bytes cursor_string(struct cursor *cursor, size_t most)
{
    return cursor_run(cursor, (size_t)cursor_count(cursor, most));
}

bool cursor_at_end(const struct cursor *cursor)
{
    return !cursor->failed && cursor->rest.size == 0;
}

void double_sha256(struct hash *out, const void *data, size_t size)
{
    struct hash first;

    sha256(&first, data, size);
    sha256(out, first.bytes, sizeof(first.bytes));
}

void hash_reverse(const struct hash *hash, struct hash *out)
{
    struct hash reversed;

    for (size_t i = 0; i < sizeof(reversed.bytes); i++)
        reversed.bytes[i] = hash->bytes[sizeof(hash->bytes) - 1 - i];
    *out = reversed;
}

void hash_shown(const struct hash *hash, char text[65])
{
    struct hash reversed;

    hash_reverse(hash, &reversed);
    hex_text(text, reversed.bytes, sizeof(reversed.bytes));
}

bool hash_read_shown(const char *text, struct hash *hash)
{
    if (!hex_decode(hash->bytes, sizeof(hash->bytes), text, strlen(text)))
        return false;
    hash_reverse(hash, hash);
    return true;
}
