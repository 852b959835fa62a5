/* Complete lines of a piece are handed out where they lie; only a line that spans pieces is copied. */
#include "api/line.h"

#include <sodium.h>
#include <string.h>

#define PARTIAL_KEPT_MAX 4096 /* memory an idle connection keeps for its next unfinished line */

void line_framer_init(struct line_framer *framer, size_t most)
{
    buffer_init(&framer->partial);
    framer->most = most;
}

void line_framer_close(struct line_framer *framer)
{
    if (framer->partial.size > 0)
        sodium_memzero(framer->partial.data, framer->partial.size);
    buffer_close(&framer->partial);
}

bool line_framer_in_line(const struct line_framer *framer)
{
    return framer->partial.size > 0;
}

void line_append(struct buffer *buffer, const char *data, size_t size)
{
    if (buffer->capacity - buffer->size < size) {
        struct buffer larger = { 0 };
        buffer_reserve(&larger, buffer->size + size); /* capacities double */
        buffer_append(&larger, buffer->data, buffer->size);
        if (buffer->size > 0)
            sodium_memzero(buffer->data, buffer->size);
        buffer_take(buffer, &larger);
    }
    buffer_append(buffer, data, size);
}

static bool blank(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (text[i] != ' ' && text[i] != '\t' && text[i] != '\r')
            return false;
    return true;
}

static void forget_partial(struct line_framer *framer)
{
    sodium_memzero(framer->partial.data, framer->partial.size);
    if (framer->partial.capacity > PARTIAL_KEPT_MAX)
        buffer_close(&framer->partial);
    else
        buffer_clear(&framer->partial);
}

bool line_framer_feed(struct line_framer *framer, const char *data, size_t size,
                      bool (*line)(void *context, const char *text, size_t size), void *context)
{
    while (size > 0) {
        const char *newline = memchr(data, '\n', size);
        size_t piece = newline == NULL ? size : (size_t)(newline - data);
        if (framer->partial.size + piece > framer->most)
            return false;
        if (newline == NULL) {
            line_append(&framer->partial, data, piece);
            return true;
        }
        bool go_on = true;
        if (framer->partial.size > 0) {
            line_append(&framer->partial, data, piece);
            const char *text = (const char *)framer->partial.data;
            if (!blank(text, framer->partial.size))
                go_on = line(context, text, framer->partial.size);
            forget_partial(framer);
        } else if (!blank(data, piece)) {
            go_on = line(context, data, piece);
        }
        if (!go_on)
            return true;
        data += piece + 1;
        size -= piece + 1;
    }
    return true;
}
