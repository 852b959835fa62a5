/* Clarity values: see clarity.h. */
#include "network/stacks/clarity.h"

#include <string.h>

/* --- numbers ------------------------------------------------------------------------------------ */
bool clarity_uint_read(const char *decimal, struct clarity_uint *value)
{
    unsigned __int128 sum = 0, most = ~(unsigned __int128)0;

    if (decimal[0] == '\0' || (decimal[0] == '0' && decimal[1] != '\0'))
        return false;
    for (const char *digit = decimal; *digit != '\0'; digit++) {
        if (*digit < '0' || *digit > '9')
            return false;
        unsigned number = (unsigned)(*digit - '0');
        if (sum > (most - number) / 10)
            return false;
        sum = sum * 10 + number;
    }
    value->high = (uint64_t)(sum >> 64);
    value->low = (uint64_t)sum;
    return true;
}

void clarity_uint_text(struct clarity_uint value, char text[CLARITY_UINT_TEXT])
{
    unsigned __int128 rest = (unsigned __int128)value.high << 64 | value.low;
    char digits[CLARITY_UINT_TEXT];
    size_t count = 0;

    do {
        digits[count++] = (char)('0' + (unsigned)(rest % 10));
        rest /= 10;
    } while (rest > 0);
    for (size_t i = 0; i < count; i++)
        text[i] = digits[count - 1 - i];
    text[count] = '\0';
}

/* --- writing ------------------------------------------------------------------------------------ */
static void put_byte(struct buffer *out, uint8_t byte)
{
    buffer_append(out, &byte, 1);
}

static void put_run(struct buffer *out, enum clarity_type type, struct bytes run)
{
    uint8_t head[5];

    head[0] = (uint8_t)type;
    put_be32(head + 1, (uint32_t)run.size);
    buffer_append(out, head, sizeof(head));
    buffer_append(out, run.data, run.size);
}

void clarity_put_uint(struct buffer *out, struct clarity_uint value)
{
    uint8_t bytes[17];

    bytes[0] = CLARITY_UINT;
    put_be64(bytes + 1, value.high);
    put_be64(bytes + 9, value.low);
    buffer_append(out, bytes, sizeof(bytes));
}

void clarity_put_boolean(struct buffer *out, bool value)
{
    put_byte(out, value ? CLARITY_TRUE : CLARITY_FALSE);
}

void clarity_put_principal(struct buffer *out, const struct stacks_principal *principal)
{
    size_t name_size = strlen(principal->contract);

    put_byte(out, name_size == 0 ? CLARITY_ACCOUNT : CLARITY_CONTRACT);
    put_byte(out, principal->address.version);
    buffer_append(out, principal->address.hash, HASH160_SIZE);
    if (name_size == 0)
        return;
    put_byte(out, (uint8_t)name_size);
    buffer_append(out, principal->contract, name_size);
}

void clarity_put_buffer(struct buffer *out, struct bytes value)
{
    put_run(out, CLARITY_BUFFER, value);
}

void clarity_put_ascii(struct buffer *out, const char *text)
{
    put_run(out, CLARITY_ASCII, bytes_of_text(text));
}

void clarity_put_none(struct buffer *out)
{
    put_byte(out, CLARITY_NONE);
}

void clarity_put_some(struct buffer *out)
{
    put_byte(out, CLARITY_SOME);
}

/* --- reading ------------------------------------------------------------------------------------ */
static bool take(struct bytes *in, size_t size, const uint8_t **data)
{
    if (in->size < size)
        return false;
    *data = in->data;
    in->data += size;
    in->size -= size;
    return true;
}

static bool take_number(struct bytes *in, struct clarity_uint *number)
{
    const uint8_t *data;

    if (!take(in, 16, &data))
        return false;
    number->high = get_be64(data);
    number->low = get_be64(data + 8);
    return true;
}

static bool take_run(struct bytes *in, struct bytes *run)
{
    const uint8_t *data;
    size_t size;

    if (!take(in, 4, &data))
        return false;
    size = get_be32(data);
    if (size > CLARITY_SIZE_MAX || !take(in, size, &data))
        return false;
    *run = bytes_of(data, size);
    return true;
}

static bool take_principal(struct bytes *in, bool contract, struct stacks_principal *principal)
{
    const uint8_t *data;
    size_t size;

    if (!take(in, 1 + HASH160_SIZE, &data) || data[0] > 31)
        return false;
    principal->address.version = data[0];
    memcpy(principal->address.hash, data + 1, HASH160_SIZE);
    if (!contract)
        return true;
    if (!take(in, 1, &data))
        return false;
    size = data[0];
    if (!take(in, size, &data) || !stacks_contract_name_valid((const char *)data, size))
        return false;
    memcpy(principal->contract, data, size);
    return true;
}

static bool is_ascii(struct bytes text)
{
    for (size_t i = 0; i < text.size; i++) {
        if ((text.data[i] < 0x20 || text.data[i] > 0x7e) && !(text.data[i] >= '\t' && text.data[i] <= '\r'))
            return false;
    }
    return true;
}

static bool take_count(struct bytes *in, uint32_t *count)
{
    const uint8_t *data;

    if (!take(in, 4, &data))
        return false;
    *count = get_be32(data);
    return *count <= in->size; /* every part takes a byte at least */
}

bool clarity_read(struct bytes *in, struct clarity_value *value)
{
    const uint8_t *type;

    memset(value, 0, sizeof(*value));
    if (!take(in, 1, &type) || *type > CLARITY_UTF8)
        return false;
    value->type = (enum clarity_type)*type;
    switch (value->type) {
    case CLARITY_INT:
    case CLARITY_UINT: return take_number(in, &value->number);
    case CLARITY_BUFFER: return take_run(in, &value->data);
    case CLARITY_ASCII: return take_run(in, &value->data) && is_ascii(value->data);
    case CLARITY_UTF8:
        return take_run(in, &value->data) &&
               utf8_valid_prefix((const char *)value->data.data, value->data.size) == value->data.size;
    case CLARITY_ACCOUNT: return take_principal(in, false, &value->principal);
    case CLARITY_CONTRACT: return take_principal(in, true, &value->principal);
    case CLARITY_LIST:
    case CLARITY_TUPLE: return take_count(in, &value->count);
    case CLARITY_TRUE:
    case CLARITY_FALSE:
    case CLARITY_NONE:
    case CLARITY_OK:
    case CLARITY_ERR:
    case CLARITY_SOME: return true;
    }
    return false;
}

static bool take_name(struct bytes *in, struct bytes *name)
{
    const uint8_t *data;
    size_t size;

    if (!take(in, 1, &data))
        return false;
    size = data[0];
    if (!take(in, size, &data) || !stacks_clarity_name_valid((const char *)data, size))
        return false;
    *name = bytes_of(data, size);
    return true;
}

static size_t parts_of(const struct clarity_value *value)
{
    switch (value->type) {
    case CLARITY_OK:
    case CLARITY_ERR:
    case CLARITY_SOME: return 1;
    case CLARITY_LIST:
    case CLARITY_TUPLE: return value->count;
    case CLARITY_INT:
    case CLARITY_UINT:
    case CLARITY_BUFFER:
    case CLARITY_TRUE:
    case CLARITY_FALSE:
    case CLARITY_ACCOUNT:
    case CLARITY_CONTRACT:
    case CLARITY_NONE:
    case CLARITY_ASCII:
    case CLARITY_UTF8: return 0;
    }
    return 0;
}

static void write_head(const struct clarity_value *value, struct buffer *out)
{
    char number[CLARITY_UINT_TEXT], principal[STACKS_PRINCIPAL_TEXT];
    struct clarity_uint magnitude = value->number;

    switch (value->type) {
    case CLARITY_INT:
        if (magnitude.high >> 63 != 0) {
            unsigned __int128 negative = (unsigned __int128)magnitude.high << 64 | magnitude.low;

            negative = -negative;
            magnitude = (struct clarity_uint){ (uint64_t)(negative >> 64), (uint64_t)negative };
            buffer_append_text(out, "-");
        }
        clarity_uint_text(magnitude, number);
        buffer_append_text(out, number);
        break;
    case CLARITY_UINT:
        clarity_uint_text(value->number, number);
        buffer_append_format(out, "u%s", number);
        break;
    case CLARITY_BUFFER:
        buffer_append_text(out, "0x");
        buffer_append_hex(out, value->data.data, value->data.size);
        break;
    case CLARITY_ASCII:
    case CLARITY_UTF8:
        buffer_append_text(out, value->type == CLARITY_UTF8 ? "u\"" : "\"");
        buffer_append(out, value->data.data, value->data.size);
        buffer_append_text(out, "\"");
        break;
    case CLARITY_ACCOUNT:
    case CLARITY_CONTRACT:
        stacks_principal_text(&value->principal, principal);
        buffer_append_text(out, principal);
        break;
    case CLARITY_TRUE: buffer_append_text(out, "true"); break;
    case CLARITY_FALSE: buffer_append_text(out, "false"); break;
    case CLARITY_NONE: buffer_append_text(out, "none"); break;
    case CLARITY_OK: buffer_append_text(out, "(ok"); break;
    case CLARITY_ERR: buffer_append_text(out, "(err"); break;
    case CLARITY_SOME: buffer_append_text(out, "(some"); break;
    case CLARITY_LIST: buffer_append_text(out, "(list"); break;
    case CLARITY_TUPLE: buffer_append_text(out, "(tuple"); break;
    }
}

/* One whole value; `out` NULL: only passed over. */
static bool walk(struct bytes *in, struct buffer *out, unsigned depth)
{
    struct clarity_value value;
    struct bytes name;
    size_t parts;
    bool grouped;

    if (depth > CLARITY_DEPTH_MAX || !clarity_read(in, &value))
        return false;
    parts = parts_of(&value);
    grouped = parts > 0 || value.type == CLARITY_LIST || value.type == CLARITY_TUPLE;
    if (out != NULL)
        write_head(&value, out);
    for (size_t i = 0; i < parts; i++) {
        if (value.type == CLARITY_TUPLE) {
            if (!take_name(in, &name))
                return false;
            if (out != NULL)
                buffer_append_format(out, " (%.*s", (int)name.size, (const char *)name.data);
        }
        if (out != NULL)
            buffer_append_text(out, " ");
        if (!walk(in, out, depth + 1))
            return false;
        if (out != NULL && value.type == CLARITY_TUPLE)
            buffer_append_text(out, ")");
    }
    if (out != NULL && grouped)
        buffer_append_text(out, ")");
    return true;
}

bool clarity_skip(struct bytes *in)
{
    return walk(in, NULL, 1);
}

bool clarity_is_value(struct bytes bytes)
{
    return bytes.size <= CLARITY_SIZE_MAX && walk(&bytes, NULL, 1) && bytes.size == 0;
}

bool clarity_text(struct bytes bytes, struct buffer *out)
{
    return bytes.size <= CLARITY_SIZE_MAX && walk(&bytes, out, 1) && bytes.size == 0;
}
