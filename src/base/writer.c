/* The JSON writer. Each value reserves its worst case once, writes through a plain pointer, and sets the
 * buffer's size at the end; strings are scanned eight bytes at a time for what needs an escape, which is
 * almost never there. */
#include "base/writer.h"

#include "base/clock.h"

#define ESCAPE_MAX 6 /* \u001f */

void writer_init(struct writer *writer, struct buffer *out)
{
    *writer = (struct writer){ .out = out };
}

void writer_finish(const struct writer *w)
{
    INVARIANT(w->depth == 0 && w->need_comma, "%u objects or arrays are still open", w->depth);
}

static inline bool inside_object(const struct writer *w)
{
    return w->depth > 0 && (w->objects >> (w->depth - 1) & 1);
}

/* Where the next value goes, with room for `size` bytes; the comma before it is written. */
static inline char *value_begin(struct writer *w, size_t size)
{
    if (!w->after_key) {
        INVARIANT(!inside_object(w), "a value in an object needs a key");
        INVARIANT(w->depth > 0 || !w->need_comma, "one writer writes one value");
    }
    char *at = (char *)buffer_reserve(w->out, size + 1);
    if (w->need_comma)
        *at++ = ',';
    w->after_key = false;
    w->need_comma = true;
    return at;
}

static inline void value_end(struct writer *w, const char *at)
{
    w->out->size = (size_t)(at - (const char *)w->out->data);
}

static void open_container(struct writer *w, bool object)
{
    INVARIANT(w->depth < WRITER_DEPTH_MAX, "JSON deeper than %d", WRITER_DEPTH_MAX);
    char *at = value_begin(w, 1);
    *at++ = object ? '{' : '[';
    value_end(w, at);
    uint32_t bit = (uint32_t)1 << w->depth++;
    w->objects = object ? w->objects | bit : w->objects & ~bit;
    w->need_comma = false;
}

static void close_container(struct writer *w, bool object)
{
    INVARIANT(w->depth > 0 && !w->after_key, "nothing to close here");
    INVARIANT(inside_object(w) == object, "an object's end for an array, or the reverse");
    *buffer_reserve(w->out, 1) = object ? '}' : ']';
    w->out->size++;
    w->depth--;
    w->need_comma = true;
}

void writer_object_begin(struct writer *w)
{
    open_container(w, true);
}

void writer_object_end(struct writer *w)
{
    close_container(w, true);
}

void writer_array_begin(struct writer *w)
{
    open_container(w, false);
}

void writer_array_end(struct writer *w)
{
    close_container(w, false);
}

void writer_key_sized(struct writer *w, const char *key, size_t size)
{
    INVARIANT(inside_object(w) && !w->after_key, "the key '%s' where none can stand", key);
    char *at = (char *)buffer_reserve(w->out, size + 4);
    if (w->need_comma)
        *at++ = ',';
    *at++ = '"';
    memcpy(at, key, size);
    at += size;
    *at++ = '"';
    *at++ = ':';
    value_end(w, at);
    w->need_comma = false;
    w->after_key = true;
}

static inline bool needs_escape(uint8_t byte)
{
    return byte < 0x20 || byte == '"' || byte == '\\';
}

/* Whether one of eight bytes may need an escape: exact tests for "below 0x20" and "equal to", all lanes at
 * once. */
static inline bool word_needs_escape(uint64_t word)
{
    const uint64_t ones = 0x0101010101010101, highs = 0x8080808080808080;
    uint64_t quote = word ^ ones * '"', backslash = word ^ ones * '\\';
    uint64_t below = (word - ones * 0x20) & ~word;
    return ((below | ((quote - ones) & ~quote) | ((backslash - ones) & ~backslash)) & highs) != 0;
}

/* How many bytes from the start stand for themselves. */
static inline size_t plain_run(const char *text, size_t size)
{
    size_t at = 0;
    while (size - at >= sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, text + at, sizeof word);
        if (word_needs_escape(word))
            break;
        at += sizeof word;
    }
    while (at < size && !needs_escape((uint8_t)text[at]))
        at++;
    return at;
}

static size_t escape(char *out, char character)
{
    static const char short_forms[0x20] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r',
    };
    out[0] = '\\';
    if (character == '"' || character == '\\') {
        out[1] = character;
        return 2;
    }
    if (short_forms[(uint8_t)character] != 0) {
        out[1] = short_forms[(uint8_t)character];
        return 2;
    }
    memcpy(out + 1, "u00", 3);
    hex_encode(out + 4, &character, 1);
    return ESCAPE_MAX;
}

static void append_escaped(struct buffer *out, const char *text, size_t size)
{
    for (;;) {
        size_t run = plain_run(text, size);
        buffer_append(out, text, run);
        if (run == size)
            return;
        out->size += escape((char *)buffer_reserve(out, ESCAPE_MAX), text[run]);
        text += run + 1;
        size -= run + 1;
    }
}

void buffer_append_json_string(struct buffer *out, const char *text, size_t size)
{
    size_t run = plain_run(text, size);
    char *at = (char *)buffer_reserve(out, run + 2);
    *at++ = '"';
    if (run > 0)
        memcpy(at, text, run);
    if (run == size) {
        at[run] = '"';
        out->size += run + 2;
        return;
    }
    out->size += run + 1;
    append_escaped(out, text + run, size - run);
    buffer_append(out, "\"", 1);
}

void writer_string(struct writer *w, const char *text, size_t size)
{
    value_end(w, value_begin(w, 0));
    buffer_append_json_string(w->out, text, size);
}

void writer_text(struct writer *w, const char *text)
{
    if (text == NULL)
        writer_null(w);
    else
        writer_string(w, text, strlen(text));
}

void writer_integer(struct writer *w, int64_t value)
{
    char *at = value_begin(w, DECIMAL_MAX + 1);
    uint64_t magnitude = (uint64_t)value;
    if (value < 0) {
        *at++ = '-';
        magnitude = 0 - magnitude;
    }
    value_end(w, at + decimal_encode(at, magnitude));
}

void writer_unsigned(struct writer *w, uint64_t value)
{
    char *at = value_begin(w, DECIMAL_MAX);
    value_end(w, at + decimal_encode(at, value));
}

static void write_word(struct writer *w, const char *word, size_t size)
{
    char *at = value_begin(w, size);
    memcpy(at, word, size);
    value_end(w, at + size);
}

void writer_boolean(struct writer *w, bool value)
{
    if (value)
        write_word(w, "true", 4);
    else
        write_word(w, "false", 5);
}

void writer_null(struct writer *w)
{
    write_word(w, "null", 4);
}

void writer_hex(struct writer *w, const void *data, size_t size)
{
    INVARIANT(size <= BUFFER_SIZE_MAX / 4, "%zu bytes are too many for hex", size);
    char *at = value_begin(w, 2 * size + 2);
    *at++ = '"';
    hex_encode(at, data, size);
    at += 2 * size;
    *at++ = '"';
    value_end(w, at);
}

void writer_raw(struct writer *w, const void *json, size_t size)
{
    INVARIANT(size > 0, "no bytes are no JSON value");
    write_word(w, json, size);
}

void writer_time(struct writer *w, int64_t time_us)
{
    char text[TIME_TEXT_MAX];
    time_text(text, time_us);
    size_t size = strlen(text);
    char *at = value_begin(w, size + 2);
    *at++ = '"';
    memcpy(at, text, size);
    at += size;
    *at++ = '"';
    value_end(w, at);
}
