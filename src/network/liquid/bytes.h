/* Bitcoin's way of writing things one after the other, read strictly: a cursor over bytes that fails once
 * and for all. Pure. */
#ifndef NETWORK_LIQUID_BYTES_H
#define NETWORK_LIQUID_BYTES_H

#include "base/bytes.h"

struct cursor {
    struct bytes rest;
    bool failed; /* something was missing, or not written the one way */
};

uint8_t cursor_byte(struct cursor *cursor);
uint32_t cursor_le32(struct cursor *cursor);
uint64_t cursor_le64(struct cursor *cursor);
struct bytes cursor_run(struct cursor *cursor, size_t size);
void cursor_hash(struct cursor *cursor, struct hash *hash);
/* A compact size, in its shortest form, at most `most`. */
uint64_t cursor_count(struct cursor *cursor, uint64_t most);
/* A compact size and so many bytes. */
struct bytes cursor_string(struct cursor *cursor, size_t most);
bool cursor_at_end(const struct cursor *cursor); /* nothing failed and nothing is left */

/* SHA-256 of SHA-256. */
void double_sha256(struct hash *out, const void *data, size_t size);
/* The bytes from the last to the first: how hashes are shown. */
void hash_reverse(const struct hash *hash, struct hash *out);
void hash_shown(const struct hash *hash, char text[65]);
MUST_CHECK bool hash_read_shown(const char *text, struct hash *hash);

#endif
