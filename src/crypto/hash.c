/* Hashes over libsodium. A tagged hash starts from the SHA-256 state after its two tag blocks; each thread
 * keeps the states of the tags it used last, so that the common tags cost nothing per transaction. The cache
 * holds public data and never changes an answer. */
#include "crypto/hash.h"

#include <string.h>

#define TAGS_CACHED 16
#define CACHED_TAG_MAX 48 /* with the final zero; a longer tag is hashed each time */

struct tag_state {
    char tag[CACHED_TAG_MAX]; /* empty: the slot is free */
    crypto_hash_sha256_state state;
};

static _Thread_local struct tag_state tag_states[TAGS_CACHED];
static _Thread_local unsigned tag_states_next; /* the slot that the next new tag takes */

void crypto_start(void)
{
    INVARIANT(sodium_init() >= 0, "libsodium does not start: no source of randomness");
}

void sha256(struct hash *out, const void *data, size_t size)
{
    crypto_hash_sha256(out->bytes, data, size);
}

void blake2b256(struct hash *out, const void *data, size_t size)
{
    crypto_generichash(out->bytes, sizeof out->bytes, data, size, NULL, 0);
}

static void tag_state_make(crypto_hash_sha256_state *state, const char *tag, size_t length)
{
    struct hash tag_hash;

    sha256(&tag_hash, tag, length);
    crypto_hash_sha256_init(state);
    crypto_hash_sha256_update(state, tag_hash.bytes, sizeof tag_hash.bytes);
    crypto_hash_sha256_update(state, tag_hash.bytes, sizeof tag_hash.bytes);
}

void tagged_hash_begin(struct tagged_hash *h, const char *tag)
{
    INVARIANT(tag[0] != '\0', "a tag has at least one character");
    for (size_t i = 0; i < TAGS_CACHED; i++) {
        if (strcmp(tag_states[i].tag, tag) == 0) {
            h->state = tag_states[i].state;
            return;
        }
    }

    size_t length = strlen(tag);
    tag_state_make(&h->state, tag, length);
    if (length >= CACHED_TAG_MAX)
        return;
    struct tag_state *slot = &tag_states[tag_states_next++ % TAGS_CACHED];
    memcpy(slot->tag, tag, length + 1);
    slot->state = h->state;
}

void tagged_hash_add(struct tagged_hash *h, const void *data, size_t size)
{
    crypto_hash_sha256_update(&h->state, data, size);
}

void tagged_hash_end(struct tagged_hash *h, struct hash *out)
{
    crypto_hash_sha256_final(&h->state, out->bytes);
}

void tagged_hash(struct hash *out, const char *tag, const void *data, size_t size)
{
    struct tagged_hash h;

    tagged_hash_begin(&h, tag);
    tagged_hash_add(&h, data, size);
    tagged_hash_end(&h, out);
}
