/* A growable run of bytes. Append-only; the owner frees it. */
#ifndef BASE_BUFFER_H
#define BASE_BUFFER_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

struct buffer {
    uint8_t *data;
    size_t size;     /* bytes in use */
    size_t capacity; /* bytes allocated */
};

void buffer_init(struct buffer *buffer);
void buffer_close(struct buffer *buffer); /* frees; also fits CLEANUP */
void buffer_clear(struct buffer *buffer); /* size = 0, keeps the memory */
uint8_t *buffer_reserve(struct buffer *buffer, size_t more); /* room for `more` bytes at data + size */
void buffer_append(struct buffer *buffer, const void *data, size_t size);
void buffer_append_text(struct buffer *buffer, const char *text);
void buffer_append_format(struct buffer *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buffer_append_hex(struct buffer *buffer, const void *data, size_t size);
struct bytes buffer_bytes(const struct buffer *buffer);
char *buffer_text(struct buffer *buffer); /* adds a final zero behind size (size unchanged); valid until changed */
void buffer_take(struct buffer *to, struct buffer *from); /* moves the memory; `from` is empty afterwards */

#endif
