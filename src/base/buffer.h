/* A growable run of bytes. Append-only; the owner frees it. The parts that run for every value written are
 * inline. */
#ifndef BASE_BUFFER_H
#define BASE_BUFFER_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/bytes.h"

#define BUFFER_SIZE_MAX ((size_t)1 << 32) /* nothing here comes near 4 GiB: past it something runs away */

struct buffer {
    uint8_t *data;
    size_t size;     /* bytes in use */
    size_t capacity; /* bytes allocated */
};

void buffer_init(struct buffer *buffer);
void buffer_close(struct buffer *buffer); /* frees; also fits CLEANUP */
void buffer_clear(struct buffer *buffer); /* size = 0, keeps the memory */
void buffer_grow(struct buffer *buffer, size_t more); /* the slow half of buffer_reserve */

/* Room for `more` bytes at data + size, which it returns. */
static inline uint8_t *buffer_reserve(struct buffer *buffer, size_t more)
{
    if (__builtin_expect(buffer->capacity - buffer->size < more || buffer->data == NULL, 0))
        buffer_grow(buffer, more);
    return buffer->data + buffer->size;
}

static inline void buffer_append(struct buffer *buffer, const void *data, size_t size)
{
    if (size == 0)
        return;
    memcpy(buffer_reserve(buffer, size), data, size);
    buffer->size += size;
}

static inline void buffer_append_text(struct buffer *buffer, const char *text)
{
    buffer_append(buffer, text, strlen(text));
}

void buffer_append_format(struct buffer *buffer, const char *format, ...) PRINTF_LIKE(2, 3);
void buffer_append_hex(struct buffer *buffer, const void *data, size_t size);
struct bytes buffer_bytes(const struct buffer *buffer);
char *buffer_text(struct buffer *buffer); /* adds a final zero, outside size; valid until changed */
void buffer_take(struct buffer *to, struct buffer *from); /* moves the memory; `from` is empty afterwards */

/* For a buffer that is eaten from the front: when what is left fills at most half of the memory, it
 * moves to memory of its own size, and the old is wiped; `*eaten` is 0 then. So each byte moves once
 * on average. Memory of BUFFER_SHRINK_LEAST bytes stays. */
#define BUFFER_SHRINK_LEAST ((size_t)4096)
void buffer_shrink(struct buffer *buffer, size_t *eaten);

#endif
