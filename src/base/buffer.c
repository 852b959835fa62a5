/* The parts of a buffer that are not on the fast path. Capacity doubles, so n appends cost O(n); size <=
 * capacity always. */
#include "base/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"

#define BUFFER_CAPACITY_FIRST ((size_t)256)

void buffer_init(struct buffer *buffer)
{
    *buffer = (struct buffer){ 0 };
}

void buffer_close(struct buffer *buffer)
{
    free(buffer->data);
    buffer_init(buffer);
}

void buffer_clear(struct buffer *buffer)
{
    buffer->size = 0;
}

void buffer_grow(struct buffer *buffer, size_t more)
{
    INVARIANT(more <= BUFFER_SIZE_MAX - buffer->size, "a buffer of %zu bytes was to grow by %zu",
              buffer->size, more);
    size_t needed = buffer->size + more;
    size_t capacity = buffer->capacity < BUFFER_CAPACITY_FIRST ? BUFFER_CAPACITY_FIRST : buffer->capacity;
    while (capacity < needed)
        capacity *= 2;
    buffer->data = memory_resize(buffer->data, capacity);
    buffer->capacity = capacity;
}

void buffer_append_format(struct buffer *buffer, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    buffer_reserve(buffer, 1);
    size_t room = buffer->capacity - buffer->size;
    int length = vsnprintf((char *)buffer->data + buffer->size, room, format, arguments);
    INVARIANT(length >= 0, "the format '%s' cannot be written", format);
    if ((size_t)length >= room) {
        uint8_t *out = buffer_reserve(buffer, (size_t)length + 1);
        vsnprintf((char *)out, (size_t)length + 1, format, again);
    }
    buffer->size += (size_t)length;
    va_end(again);
    va_end(arguments);
}

void buffer_append_hex(struct buffer *buffer, const void *data, size_t size)
{
    INVARIANT(size <= BUFFER_SIZE_MAX / 2, "%zu bytes are too many for hex", size);
    hex_encode((char *)buffer_reserve(buffer, 2 * size), data, size);
    buffer->size += 2 * size;
}

struct bytes buffer_bytes(const struct buffer *buffer)
{
    return bytes_of(buffer->data, buffer->size);
}

char *buffer_text(struct buffer *buffer)
{
    *buffer_reserve(buffer, 1) = '\0';
    return (char *)buffer->data;
}

void buffer_take(struct buffer *to, struct buffer *from)
{
    if (to == from)
        return;
    free(to->data);
    *to = *from;
    buffer_init(from);
}

void buffer_shrink(struct buffer *buffer, size_t *eaten)
{
    INVARIANT(*eaten <= buffer->size, "%zu bytes of %zu were eaten", *eaten, buffer->size);
    size_t left = buffer->size - *eaten;
    if (buffer->capacity <= BUFFER_SHRINK_LEAST || left > buffer->capacity / 2)
        return;
    struct buffer rest = { 0 };
    buffer_append(&rest, buffer->data + *eaten, left);
    memory_free_wiped(buffer->data);
    *buffer = rest;
    *eaten = 0;
}
