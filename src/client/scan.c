/* One pass over JSON text: see scan.h. The nesting is a bit per level (object or array), so no input can
 * exhaust the stack. */
#include "client/scan.h"

#include <string.h>

#include "base/memory.h"

static const char *skip_space(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r'))
        at++;
    return at;
}

static bool is_digit(char character)
{
    return character >= '0' && character <= '9';
}

static int hex_digit(char character)
{
    if (is_digit(character))
        return character - '0';
    if (character >= 'a' && character <= 'f')
        return character - 'a' + 10;
    if (character >= 'A' && character <= 'F')
        return character - 'A' + 10;
    return -1;
}

/* Four hex digits at `at`, or −1. */
static int32_t hex_unit(const char *at, const char *end)
{
    int32_t unit = 0;
    if (end - at < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(at[i]);
        if (digit < 0)
            return -1;
        unit = unit * 16 + digit;
    }
    return unit;
}

/* Behind the closing quote, or NULL. */
static const char *skip_string(const char *at, const char *end)
{
    const char *begin = ++at;
    bool wide = false;
    for (; at < end && *at != '"'; at++) {
        if ((unsigned char)*at < 0x20)
            return NULL;
        wide |= (unsigned char)*at >= 0x80;
        if (*at != '\\')
            continue;
        if (++at == end || strchr("\"\\/bfnrtu", *at) == NULL || *at == '\0')
            return NULL;
        if (*at == 'u' && hex_unit(at + 1, end) < 0)
            return NULL;
    }
    if (at >= end || (wide && utf8_valid_prefix(begin, (size_t)(at - begin)) != (size_t)(at - begin)))
        return NULL;
    return at + 1;
}

static const char *skip_digits(const char *at, const char *end)
{
    const char *begin = at;
    while (at < end && is_digit(*at))
        at++;
    return at == begin ? NULL : at;
}

static const char *skip_number(const char *at, const char *end)
{
    if (*at == '-')
        at++;
    if (at < end && *at == '0')
        at++;
    else if ((at = skip_digits(at, end)) == NULL)
        return NULL;
    if (at < end && *at == '.' && (at = skip_digits(at + 1, end)) == NULL)
        return NULL;
    if (at < end && (*at == 'e' || *at == 'E')) {
        at++;
        if (at < end && (*at == '+' || *at == '-'))
            at++;
        at = skip_digits(at, end);
    }
    return at;
}

static const char *skip_word(const char *at, const char *end, const char *word)
{
    size_t size = strlen(word);
    return (size_t)(end - at) >= size && memcmp(at, word, size) == 0 ? at + size : NULL;
}

/* A value that is neither object nor array. */
static const char *skip_scalar(const char *at, const char *end)
{
    if (*at == '"')
        return skip_string(at, end);
    if (*at == '-' || is_digit(*at))
        return skip_number(at, end);
    if (*at == 't')
        return skip_word(at, end, "true");
    if (*at == 'f')
        return skip_word(at, end, "false");
    return skip_word(at, end, "null");
}

/* `"key" :`; gives the place of the value. */
static const char *skip_key(const char *at, const char *end)
{
    if (at == end || *at != '"' || (at = skip_string(at, end)) == NULL)
        return NULL;
    at = skip_space(at, end);
    return at < end && *at == ':' ? skip_space(at + 1, end) : NULL;
}

/* Behind one value that begins at `at`, or NULL. */
static const char *skip_value(const char *at, const char *end)
{
    bool objects[SCAN_DEPTH_MAX];
    size_t depth = 0;

    while (at != NULL && at < end) {
        if (*at == '{' || *at == '[') {
            bool object = *at == '{';
            if (depth == SCAN_DEPTH_MAX)
                return NULL;
            objects[depth++] = object;
            at = skip_space(at + 1, end);
            if (at == end || *at != (object ? '}' : ']')) {
                if (object)
                    at = skip_key(at, end);
                continue;
            }
        } else if ((at = skip_scalar(at, end)) == NULL) {
            return NULL;
        } else {
            if (depth == 0)
                return at;
            at = skip_space(at, end);
        }
        /* Behind a value, or at the end of an empty one. */
        while (depth > 0 && at < end && *at == (objects[depth - 1] ? '}' : ']')) {
            at++;
            if (--depth == 0)
                return at;
            at = skip_space(at, end);
        }
        if (at == end || *at != ',')
            return NULL;
        at = skip_space(at + 1, end);
        if (objects[depth - 1])
            at = skip_key(at, end);
    }
    return NULL;
}

bool scan_value(const char *text, size_t size, struct slice *value)
{
    const char *end = text + size;
    const char *begin = skip_space(text, end);
    const char *behind = begin < end ? skip_value(begin, end) : NULL;
    if (behind == NULL || skip_space(behind, end) != end)
        return false;
    *value = (struct slice){ begin, (size_t)(behind - begin) };
    return true;
}

static bool begin_inside(struct scan *scan, struct slice slice, char opener)
{
    if (slice.size < 2 || slice.text[0] != opener)
        return false;
    scan->end = slice.text + slice.size;
    scan->at = skip_space(slice.text + 1, scan->end);
    scan->first = true;
    return true;
}

bool scan_object(struct scan *scan, struct slice object)
{
    return begin_inside(scan, object, '{');
}

bool scan_array(struct scan *scan, struct slice array)
{
    return begin_inside(scan, array, '[');
}

/* To the next item: past the comma, or to the end. */
static enum scan_step next_item(struct scan *scan, char closer)
{
    if (scan->at < scan->end && *scan->at == closer)
        return SCAN_END;
    if (!scan->first) {
        if (scan->at == scan->end || *scan->at != ',')
            return SCAN_BAD;
        scan->at = skip_space(scan->at + 1, scan->end);
    }
    scan->first = false;
    return scan->at < scan->end ? SCAN_ITEM : SCAN_BAD;
}

static enum scan_step take_value(struct scan *scan, struct slice *value)
{
    const char *behind = scan->at < scan->end ? skip_value(scan->at, scan->end) : NULL;
    if (behind == NULL)
        return SCAN_BAD;
    *value = (struct slice){ scan->at, (size_t)(behind - scan->at) };
    scan->at = skip_space(behind, scan->end);
    return SCAN_ITEM;
}

enum scan_step scan_member(struct scan *scan, struct slice *key, struct slice *value)
{
    enum scan_step step = next_item(scan, '}');
    if (step != SCAN_ITEM)
        return step;
    const char *begin = scan->at;
    const char *behind = *begin == '"' ? skip_string(begin, scan->end) : NULL;
    if (behind == NULL || (scan->at = skip_key(begin, scan->end)) == NULL)
        return SCAN_BAD;
    *key = (struct slice){ begin, (size_t)(behind - begin) };
    return take_value(scan, value);
}

enum scan_step scan_element(struct scan *scan, struct slice *value)
{
    enum scan_step step = next_item(scan, ']');
    return step == SCAN_ITEM ? take_value(scan, value) : step;
}

bool slice_is(struct slice slice, const char *text)
{
    return slice.size == strlen(text) && memcmp(slice.text, text, slice.size) == 0;
}

bool key_is(struct slice key, const char *name)
{
    return key.size == strlen(name) + 2 && memcmp(key.text + 1, name, key.size - 2) == 0;
}

bool slice_unsigned(struct slice slice, uint64_t *value)
{
    uint64_t number = 0;
    if (slice.size == 0)
        return false;
    for (size_t i = 0; i < slice.size; i++) {
        if (!is_digit(slice.text[i]) || __builtin_mul_overflow(number, (uint64_t)10, &number)
            || __builtin_add_overflow(number, (uint64_t)(slice.text[i] - '0'), &number))
            return false;
    }
    *value = number;
    return true;
}

bool slice_signed(struct slice slice, int64_t *value)
{
    uint64_t magnitude;
    if (slice.size == 0)
        return false;
    bool negative = slice.text[0] == '-';
    if (!slice_unsigned((struct slice){ slice.text + negative, slice.size - negative }, &magnitude)
        || magnitude > INT64_MAX)
        return false;
    *value = negative ? -(int64_t)magnitude : (int64_t)magnitude;
    return true;
}

bool slice_is_string(struct slice slice)
{
    return slice.size >= 2 && slice.text[0] == '"';
}

static void append_code_point(struct buffer *out, uint32_t point)
{
    uint8_t bytes[4];
    size_t size = 0;
    if (point < 0x80) {
        bytes[size++] = (uint8_t)point;
    } else if (point < 0x800) {
        bytes[size++] = (uint8_t)(0xc0 | point >> 6);
    } else if (point < 0x10000) {
        bytes[size++] = (uint8_t)(0xe0 | point >> 12);
        bytes[size++] = (uint8_t)(0x80 | (point >> 6 & 0x3f));
    } else {
        bytes[size++] = (uint8_t)(0xf0 | point >> 18);
        bytes[size++] = (uint8_t)(0x80 | (point >> 12 & 0x3f));
        bytes[size++] = (uint8_t)(0x80 | (point >> 6 & 0x3f));
    }
    if (point >= 0x80)
        bytes[size++] = (uint8_t)(0x80 | (point & 0x3f));
    buffer_append(out, bytes, size);
}

/* At the 'u' of an escape. A surrogate without its partner and NUL are refused: neither can stand in a C
 * string of UTF-8. */
static const char *append_unicode(const char *at, const char *end, struct buffer *out)
{
    int32_t unit = hex_unit(at + 1, end);
    at += 5;
    if (unit <= 0 || (unit >= 0xdc00 && unit <= 0xdfff))
        return NULL;
    uint32_t point = (uint32_t)unit;
    if (unit >= 0xd800 && unit <= 0xdbff) {
        int32_t low = end - at >= 6 && at[0] == '\\' && at[1] == 'u' ? hex_unit(at + 2, end) : -1;
        if (low < 0xdc00 || low > 0xdfff)
            return NULL;
        point = 0x10000 + ((point - 0xd800) << 10) + ((uint32_t)low - 0xdc00);
        at += 6;
    }
    append_code_point(out, point);
    return at;
}

bool slice_string(struct slice slice, struct buffer *out)
{
    if (!slice_is_string(slice))
        return false;
    size_t start = out->size;
    const char *at = slice.text + 1, *end = slice.text + slice.size - 1;
    while (at < end) {
        const char *run = at;
        while (at < end && *at != '\\')
            at++;
        buffer_append(out, run, (size_t)(at - run));
        if (at == end)
            break;
        static const char names[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
        at++;
        const char *known = *at == 'u' ? NULL : strchr(names, *at);
        if (known != NULL) {
            buffer_append(out, &meant[known - names], 1);
            at++;
        } else if ((at = append_unicode(at, end, out)) == NULL) {
            out->size = start;
            return false;
        }
    }
    buffer_append(out, "", 1);
    return true;
}

char *slice_copy(struct slice slice)
{
    return text_copy_sized(slice.text, slice.size);
}

struct slice slice_member(struct slice object, const char *name)
{
    struct scan scan;
    struct slice key, value;
    if (scan_object(&scan, object))
        while (scan_member(&scan, &key, &value) == SCAN_ITEM)
            if (key_is(key, name))
                return value;
    return (struct slice){ NULL, 0 };
}
