/* JSON in: the limits that jansson does not know, checked before it sees a byte. JSON out: the canonical form
 * of RFC 8785, which is on the path of every transaction, so it sorts pointers on the stack and copies keys
 * straight to the output. The same value always gives the same bytes; a refused value leaves the output as it
 * was. */
#include "base/json.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/writer.h"

#define MEMBERS_ON_STACK 32   /* objects with more sort on the heap */
#define MEMBERS_BY_INSERTION 16 /* up to here insertion beats qsort */

/* The byte at which nesting passes JSON_DEPTH_MAX, or `size`. Wrong quoting is left for jansson to name. */
static size_t too_deep_at(const char *text, size_t size)
{
    /* '[' and '{' differ in one bit. With few of them the text cannot be deep, and this loop is cheap. */
    size_t openers = 0;
    for (size_t i = 0; i < size; i++)
        openers += (text[i] | 0x20) == '{';
    if (openers <= JSON_DEPTH_MAX)
        return size;

    size_t depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < size; i++) {
        char character = text[i];
        if (quoted) {
            if (character == '\\')
                i++;
            else if (character == '"')
                quoted = false;
        } else if (character == '"') {
            quoted = true;
        } else if (character == '[' || character == '{') {
            if (++depth > JSON_DEPTH_MAX)
                return i;
        } else if ((character == ']' || character == '}') && depth > 0) {
            depth--;
        }
    }
    return size;
}

enum status json_parse(const char *text, size_t size, json_t **value, struct error *error)
{
    size_t deep = too_deep_at(text, size);
    if (deep < size)
        return error_set(error, ERROR_PARSE, "JSON nested deeper than %d at byte %zu", JSON_DEPTH_MAX, deep);

    /* jansson takes a NUL between tokens for the end of the text and would not look at what follows. */
    const char *zero = size == 0 ? NULL : memchr(text, '\0', size);
    if (zero != NULL)
        return error_set(error, ERROR_PARSE, "not JSON at byte %zu: a NUL", (size_t)(zero - text));

    json_error_t reason;
    json_t *parsed = json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &reason);
    if (parsed == NULL)
        return error_set(error, ERROR_PARSE, "not JSON at byte %d: %s", reason.position, reason.text);
    *value = parsed;
    return OK;
}

/* One more than there are commas, arrays and objects outside of strings is as many as there can be. */
static bool has_more_values(const char *text, size_t size, size_t most)
{
    size_t values = 1;
    bool quoted = false;
    for (size_t i = 0; i < size && values <= most; i++) {
        char character = text[i];
        if (quoted && character == '\\')
            i++;
        else if (character == '"')
            quoted = !quoted;
        else if (!quoted)
            values += character == ',' || character == '[' || character == '{';
    }
    return values > most;
}

enum status json_parse_bounded(const char *text, size_t size, size_t most, json_t **value,
                               struct error *error)
{
    if (size > most && has_more_values(text, size, most))
        return error_set(error, ERROR_LIMIT, "JSON of more than %zu values", most);
    return json_parse(text, size, value, error);
}

struct member {
    const char *key;
    json_t *value;
};

/* Order of UTF-16 code units (RFC 8785 §3.2.3). UTF-8 bytes sort by code point, which is the same but for one
 * case: characters past U+FFFF (lead byte F0 and up) are surrogates in UTF-16, which come before U+E000 …
 * U+FFFF (lead EE, EF). */
static int compare_keys(const char *a, const char *b)
{
    while (*a == *b && *a != '\0') {
        a++;
        b++;
    }
    uint8_t left = (uint8_t)*a, right = (uint8_t)*b;
    if (left >= 0xee && right >= 0xee && (left >= 0xf0) != (right >= 0xf0))
        return left >= 0xf0 ? -1 : 1;
    return (left > right) - (left < right);
}

static int compare_members(const void *a, const void *b)
{
    const struct member *left = a, *right = b;
    return compare_keys(left->key, right->key);
}

static void sort_members(struct member *members, size_t count)
{
    if (count > MEMBERS_BY_INSERTION) {
        qsort(members, count, sizeof *members, compare_members);
        return;
    }
    for (size_t i = 1; i < count; i++) {
        struct member member = members[i];
        size_t at = i;
        for (; at > 0 && compare_keys(members[at - 1].key, member.key) > 0; at--)
            members[at] = members[at - 1];
        members[at] = member;
    }
}

static enum status append_value(const json_t *value, struct buffer *out, unsigned depth, struct error *error);

static enum status append_object(const json_t *object, struct buffer *out, unsigned depth,
                                 struct error *error)
{
    json_t *source = (json_t *)object; /* jansson's iteration takes no const, but changes nothing */
    size_t count = json_object_size(source), filled = 0;
    if (count > JSON_MEMBERS_MAX)
        return error_set(error, ERROR_LIMIT, "an object of %zu members; at most %d", count, JSON_MEMBERS_MAX);

    struct member on_stack[MEMBERS_ON_STACK];
    AUTO_FREE struct member *on_heap = NULL;
    struct member *members = on_stack;
    if (count > MEMBERS_ON_STACK)
        members = on_heap = memory_array(count, sizeof *members);

    for (void *at = json_object_iter(source); at != NULL; at = json_object_iter_next(source, at))
        members[filled++] = (struct member){ json_object_iter_key(at), json_object_iter_value(at) };
    INVARIANT(filled == count, "an object of %zu members gave %zu", count, filled);
    sort_members(members, count);

    buffer_append(out, "{", 1);
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buffer_append(out, ",", 1);
        buffer_append_json_string(out, members[i].key, strlen(members[i].key));
        buffer_append(out, ":", 1);
        TRY(append_value(members[i].value, out, depth, error));
    }
    buffer_append(out, "}", 1);
    return OK;
}

static enum status append_array(const json_t *array, struct buffer *out, unsigned depth, struct error *error)
{
    size_t count = json_array_size(array);
    buffer_append(out, "[", 1);
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buffer_append(out, ",", 1);
        TRY(append_value(json_array_get(array, i), out, depth, error));
    }
    buffer_append(out, "]", 1);
    return OK;
}

static enum status append_integer(json_int_t value, struct buffer *out, struct error *error)
{
    bool negative = value < 0;
    uint64_t magnitude = negative ? 0 - (uint64_t)value : (uint64_t)value;
    if (magnitude > INTEGER_MAX)
        return error_set(error, ERROR_NOT_CANONICAL,
                         "the number %" JSON_INTEGER_FORMAT " is not within ±(2^53 − 1)", value);
    char *at = (char *)buffer_reserve(out, DECIMAL_MAX + 1);
    if (negative)
        *at = '-';
    out->size += negative + decimal_encode(at + negative, magnitude);
    return OK;
}

static enum status append_value(const json_t *value, struct buffer *out, unsigned depth, struct error *error)
{
    json_type type = json_typeof(value);
    if ((type == JSON_OBJECT || type == JSON_ARRAY) && depth == JSON_DEPTH_MAX)
        return error_set(error, ERROR_LIMIT, "JSON nested deeper than %d", JSON_DEPTH_MAX);

    switch (type) {
    case JSON_OBJECT:
        return append_object(value, out, depth + 1, error);
    case JSON_ARRAY:
        return append_array(value, out, depth + 1, error);
    case JSON_STRING:
        buffer_append_json_string(out, json_string_value(value), json_string_length(value));
        return OK;
    case JSON_INTEGER:
        return append_integer(json_integer_value(value), out, error);
    case JSON_REAL:
        return error_set(error, ERROR_NOT_CANONICAL, "the number %.17g is not written as an integer",
                         json_real_value(value));
    case JSON_TRUE:
        buffer_append(out, "true", 4);
        return OK;
    case JSON_FALSE:
        buffer_append(out, "false", 5);
        return OK;
    case JSON_NULL:
        buffer_append(out, "null", 4);
        return OK;
    }
    INVARIANT(false, "a JSON value of type %d", (int)type);
}

enum status json_canonical(const json_t *value, struct buffer *out, struct error *error)
{
    size_t before = out->size;
    enum status status = append_value(value, out, 0, error);
    if (status != OK)
        out->size = before;
    return status;
}

void json_release(json_t **value)
{
    json_decref(*value);
    *value = NULL;
}
