/* What a server's JSON holds: reply.h. */
#include "network/evm/reply.h"

/* The digits after "0x"; false: it is no such text. */
static bool digits_of(const json_t *value, const char **digits, size_t *length)
{
    if (!json_is_string(value))
        return false;
    const char *text = json_string_value(value);
    size_t size = json_string_length(value);
    if (size < 2 || text[0] != '0' || text[1] != 'x')
        return false;
    *digits = text + 2;
    *length = size - 2;
    return true;
}

bool reply_u256(const json_t *value, struct u256 *out)
{
    return json_is_string(value) &&
           u256_from_quantity(out, json_string_value(value), json_string_length(value));
}

bool reply_u64(const json_t *value, uint64_t *out)
{
    struct u256 number;
    return reply_u256(value, &number) && u256_to_u64(&number, out);
}

bool reply_word(const json_t *value, struct u256 *out)
{
    return json_is_string(value) && u256_from_hex(out, json_string_value(value), json_string_length(value));
}

bool reply_fixed(const json_t *value, void *out, size_t size)
{
    const char *digits;
    size_t length;
    return digits_of(value, &digits, &length) && hex_decode(out, size, digits, length);
}

bool reply_hash(const json_t *value, struct hash *out)
{
    return reply_fixed(value, out->bytes, sizeof out->bytes);
}

bool reply_address(const json_t *value, struct evm_address *out)
{
    return reply_fixed(value, out->bytes, sizeof out->bytes);
}

bool reply_data(const json_t *value, struct arena *arena, struct bytes *out)
{
    const char *digits;
    size_t length;
    if (!digits_of(value, &digits, &length) || length % 2 != 0 || length / 2 > REPLY_DATA_MAX)
        return false;
    uint8_t *data = arena_new(arena, length / 2 + 1);
    if (!hex_decode(data, length / 2, digits, length))
        return false;
    *out = bytes_of(data, length / 2);
    return true;
}

bool reply_nodes(const json_t *value, struct arena *arena, const struct bytes **nodes, size_t *count)
{
    if (!json_is_array(value) || json_array_size(value) > REPLY_NODES_MAX)
        return false;
    size_t size = json_array_size(value);
    struct bytes *list = arena_new(arena, (size + 1) * sizeof *list);
    for (size_t i = 0; i < size; i++)
        if (!reply_data(json_array_get(value, i), arena, &list[i]))
            return false;
    *nodes = list;
    *count = size;
    return true;
}

json_t *json_quantity(uint64_t value)
{
    struct u256 number = u256_of(value);
    return json_amount(&number);
}

json_t *json_amount(const struct u256 *value)
{
    char text[U256_HEX_MAX];
    return json_string(u256_quantity(text, value));
}

json_t *json_data(const void *data, size_t size)
{
    AUTO_FREE char *text = memory_new(2 * size + 3);
    text[0] = '0';
    text[1] = 'x';
    hex_text(text + 2, data, size);
    return json_stringn(text, 2 * size + 2);
}

char *reply_hash_text(char out[REPLY_HASH_TEXT_MAX], const struct hash *hash)
{
    out[0] = '0';
    out[1] = 'x';
    hex_text(out + 2, hash->bytes, sizeof hash->bytes);
    return out;
}

void writer_data(struct writer *w, const void *data, size_t size)
{
    AUTO_FREE char *text = memory_new(2 * size + 3);
    text[0] = '0';
    text[1] = 'x';
    hex_text(text + 2, data, size);
    writer_string(w, text, 2 * size + 2);
}

void writer_member_data(struct writer *w, const char *key, const void *data, size_t size)
{
    writer_key(w, key);
    writer_data(w, data, size);
}
