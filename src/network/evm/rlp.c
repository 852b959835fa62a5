/* RLP read and written. The prefix byte tells: below 0x80 the byte itself; to 0xb7 a string of up to 55
 * bytes; to 0xbf the size of a string's size; the same from 0xc0 and 0xf8 on for lists. */
#include "network/evm/rlp.h"

#include <string.h>

#define STRING_SHORT 0x80
#define STRING_LONG 0xb7  /* plus the bytes of the size */
#define LIST_SHORT 0xc0
#define LIST_LONG 0xf7
#define SHORT_MAX 55      /* bytes whose number stands in the prefix itself */
#define PREFIX_MAX 9

/* --- reading ----------------------------------------------------------------------------------- */
/* The size of a long item: `count` bytes behind the prefix, the first not zero, more than the short form
 * takes. */
static bool read_size(struct bytes input, size_t count, size_t *size)
{
    uint64_t value = 0;

    if (input.size - 1 < count || input.data[1] == 0)
        return false;
    for (size_t i = 1; i <= count; i++)
        value = value << 8 | input.data[i];
    if (value <= SHORT_MAX || value > input.size - 1 - count)
        return false;
    *size = (size_t)value;
    return true;
}

bool rlp_read(struct bytes *input, struct rlp_item *item)
{
    struct bytes in = *input;
    size_t head = 1, size;

    if (in.size == 0)
        return false;
    uint8_t prefix = in.data[0];
    bool list = prefix >= LIST_SHORT;
    uint8_t shortest = list ? LIST_SHORT : STRING_SHORT, longest = list ? LIST_LONG : STRING_LONG;
    if (prefix < STRING_SHORT) {
        head = 0;
        size = 1;
    } else if (prefix <= longest) {
        size = (size_t)(prefix - shortest);
        if (size > in.size - 1)
            return false;
    } else {
        head += (size_t)(prefix - longest);
        if (!read_size(in, head - 1, &size))
            return false;
    }
    if (!list && size == 1 && head > 0 && in.data[head] < STRING_SHORT)
        return false; /* it is its own encoding */
    item->list = list;
    item->content = bytes_of(in.data + head, size);
    item->encoding = bytes_of(in.data, head + size);
    *input = bytes_of(in.data + head + size, in.size - head - size);
    return true;
}

static bool well_formed(const struct rlp_item *item, unsigned depth)
{
    struct bytes rest = item->content;
    struct rlp_item inner;

    if (!item->list)
        return true;
    if (depth == RLP_DEPTH_MAX)
        return false;
    while (rest.size > 0) {
        if (!rlp_read(&rest, &inner) || !well_formed(&inner, depth + 1))
            return false;
    }
    return true;
}

bool rlp_decode(struct bytes input, struct rlp_item *item)
{
    struct rlp_item read;

    if (!rlp_read(&input, &read) || input.size > 0 || !well_formed(&read, 0))
        return false;
    *item = read;
    return true;
}

bool rlp_items(const struct rlp_item *list, struct rlp_item *items, size_t most, size_t *count)
{
    struct bytes rest = list->content;
    size_t found = 0;

    if (!list->list)
        return false;
    for (; rest.size > 0; found++) {
        if (found == most || !rlp_read(&rest, &items[found]))
            return false;
    }
    *count = found;
    return true;
}

bool rlp_count(const struct rlp_item *list, size_t *count)
{
    struct bytes rest = list->content;
    struct rlp_item item;
    size_t found = 0;

    if (!list->list)
        return false;
    for (; rest.size > 0; found++) {
        if (!rlp_read(&rest, &item))
            return false;
    }
    *count = found;
    return true;
}

bool rlp_u256(const struct rlp_item *item, struct u256 *value)
{
    if (item->list || (item->content.size > 0 && item->content.data[0] == 0))
        return false;
    return u256_from_bytes(value, item->content.data, item->content.size);
}

bool rlp_u64(const struct rlp_item *item, uint64_t *value)
{
    struct u256 wide;

    return rlp_u256(item, &wide) && u256_to_u64(&wide, value);
}

bool rlp_fixed(const struct rlp_item *item, void *out, size_t size)
{
    if (item->list || item->content.size != size)
        return false;
    if (size > 0)
        memcpy(out, item->content.data, size);
    return true;
}

/* --- writing ----------------------------------------------------------------------------------- */
/* The prefix of a string or list of `size` bytes into `out`; returns how many bytes it has. */
static size_t write_prefix(uint8_t out[PREFIX_MAX], uint8_t shortest, uint8_t longest, size_t size)
{
    size_t count = 0;

    if (size <= SHORT_MAX) {
        out[0] = (uint8_t)(shortest + size);
        return 1;
    }
    for (uint64_t rest = size; rest > 0; rest >>= 8)
        count++;
    out[0] = (uint8_t)(longest + count);
    for (size_t i = 0; i < count; i++)
        out[1 + i] = (uint8_t)((uint64_t)size >> (8 * (count - 1 - i)));
    return 1 + count;
}

void rlp_append(struct buffer *out, const void *data, size_t size)
{
    uint8_t prefix[PREFIX_MAX];

    if (size != 1 || *(const uint8_t *)data >= STRING_SHORT)
        buffer_append(out, prefix, write_prefix(prefix, STRING_SHORT, STRING_LONG, size));
    buffer_append(out, data, size);
}

void rlp_append_u64(struct buffer *out, uint64_t value)
{
    struct u256 wide = u256_of(value);

    rlp_append_u256(out, &wide);
}

void rlp_append_u256(struct buffer *out, const struct u256 *value)
{
    struct bytes minimal = u256_minimal(value);

    rlp_append(out, minimal.data, minimal.size);
}

size_t rlp_list_begin(const struct buffer *out)
{
    return out->size;
}

void rlp_list_end(struct buffer *out, size_t begin)
{
    uint8_t prefix[PREFIX_MAX];
    size_t size = out->size - begin;
    size_t head = write_prefix(prefix, LIST_SHORT, LIST_LONG, size);

    INVARIANT(begin <= out->size, "a list ends at %zu before its begin at %zu", out->size, begin);
    buffer_reserve(out, head);
    memmove(out->data + begin + head, out->data + begin, size);
    memcpy(out->data + begin, prefix, head);
    out->size += head;
}
