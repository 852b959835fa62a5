/* Reading servers' answers: see reply.h. */
#include "network/lightning/reply.h"

#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *member_string(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

bool reply_text(const json_t *object, const char *name, const char **text)
{
    const char *value = member_string(object, name);

    if (value == NULL)
        return false;
    *text = value;
    return true;
}

/* The digits at the beginning of a text; false when there are none, too many, or a needless zero. */
static bool digits_parse(const char *text, uint64_t *value, const char **rest)
{
    size_t digits = strspn(text, "0123456789");
    uint64_t sum = 0;

    if (digits == 0 || digits > DECIMAL_MAX || (text[0] == '0' && digits > 1))
        return false;
    for (size_t i = 0; i < digits; i++) {
        unsigned digit = (unsigned)(text[i] - '0');

        if (sum > (REPLY_NUMBER_MAX - digit) / 10)
            return false;
        sum = sum * 10 + digit;
    }
    *value = sum;
    *rest = text + digits;
    return true;
}

bool decimal_parse(const char *text, uint64_t *value)
{
    const char *rest;
    uint64_t number;

    if (!digits_parse(text, &number, &rest) || *rest != '\0')
        return false;
    *value = number;
    return true;
}

static bool number_of(const json_t *member, const char *suffix, uint64_t *value)
{
    const char *rest;
    uint64_t number;

    if (json_is_integer(member)) {
        if (json_integer_value(member) < 0)
            return false;
        *value = (uint64_t)json_integer_value(member);
        return true;
    }
    if (!json_is_string(member) || !digits_parse(json_string_value(member), &number, &rest) ||
        (*rest != '\0' && strcmp(rest, suffix) != 0))
        return false;
    *value = number;
    return true;
}

bool reply_number(const json_t *object, const char *name, uint64_t *value)
{
    return number_of(json_object_get(object, name), "", value);
}

bool reply_msat(const json_t *object, const char *name, uint64_t *value)
{
    return number_of(json_object_get(object, name), "msat", value);
}

bool reply_flag(const json_t *object, const char *name, bool *value)
{
    const json_t *member = json_object_get(object, name);

    if (!json_is_object(object) || (member != NULL && !json_is_boolean(member)))
        return false;
    *value = json_is_true(member);
    return true;
}

bool reply_hex(const json_t *object, const char *name, void *out, size_t size)
{
    const char *text = member_string(object, name);

    return text != NULL && hex_decode(out, size, text, strlen(text));
}

bool reply_base64(const json_t *object, const char *name, void *out, size_t size)
{
    const char *text = member_string(object, name), *end;
    size_t length, filled;
    bool fits;

    if (text == NULL)
        return false;
    length = strlen(text);
    if (length != sodium_base64_ENCODED_LEN(size, sodium_base64_VARIANT_ORIGINAL) - 1)
        return false;
    {
        uint8_t *bytes AUTO_FREE = memory_new(size + 1);

        fits = sodium_base642bin(bytes, size, text, length, NULL, &filled, &end,
                                 sodium_base64_VARIANT_ORIGINAL) == 0 &&
               filled == size && end == text + length;
        if (fits)
            memcpy(out, bytes, size);
    }
    return fits;
}

const json_t *reply_array(const json_t *object, const char *name)
{
    const json_t *member = json_object_get(object, name);

    return json_is_array(member) ? member : NULL;
}

const json_t *reply_object(const json_t *object, const char *name)
{
    const json_t *member = json_object_get(object, name);

    return json_is_object(member) ? member : NULL;
}

bool reply_list(const json_t *object, const char *name, const json_t **list)
{
    const json_t *member = json_object_get(object, name);

    if (!json_is_object(object) || (member != NULL && !json_is_null(member) && !json_is_array(member)))
        return false;
    *list = json_is_array(member) ? member : NULL;
    return true;
}

/* --- writing ---------------------------------------------------------------------------------- */
static const char *base64_of(struct arena *arena, const void *data, size_t size, int variant)
{
    size_t room = sodium_base64_encoded_len(size, variant);
    char *text = arena_new(arena, room);

    return sodium_bin2base64(text, room, data, size, variant);
}

const char *base64_text(struct arena *arena, const void *data, size_t size)
{
    return base64_of(arena, data, size, sodium_base64_VARIANT_ORIGINAL);
}

const char *base64_url_text(struct arena *arena, const void *data, size_t size)
{
    return base64_of(arena, data, size, sodium_base64_VARIANT_URLSAFE);
}

const char *hex_in(struct arena *arena, const void *data, size_t size)
{
    char *text = arena_new(arena, 2 * size + 1);

    hex_text(text, data, size);
    return text;
}

char *format_in(struct arena *arena, const char *format, ...)
{
    va_list arguments, again;
    char *text;
    int length;

    va_start(arguments, format);
    va_copy(again, arguments);
    length = vsnprintf(NULL, 0, format, arguments);
    INVARIANT(length >= 0, "a format that cannot be written");
    text = arena_new(arena, (size_t)length + 1);
    vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    va_end(arguments);
    return text;
}
