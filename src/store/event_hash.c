/* The hash chain's arithmetic. Everything but the body is laid out in one piece, so that an event costs
 * two calls of the hash function whatever it holds. */
#include "store/event_hash.h"

#include <string.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "crypto/hash.h"

#define EVENT_DOMAIN "layerd/event/1"
#define GENESIS_DOMAIN "layerd/genesis/1"
#define NO_SUBJECT UINT64_MAX
#define INTEGER_BYTES 8
/* Everything before the body: three integers and three lengths among it, and one byte for `last`. */
#define HEAD_MAX                                                                                           \
    (sizeof(EVENT_DOMAIN) + sizeof(struct hash) + 6 * INTEGER_BYTES + 1 + EVENT_TYPE_MAX + EVENT_SUBJECT_MAX)

void event_genesis(struct hash *out, const char *node_id)
{
    struct buffer text CLEANUP(buffer_close) = { 0 };

    buffer_append_text(&text, GENESIS_DOMAIN);
    buffer_append_text(&text, node_id);
    blake2b256(out, text.data, text.size);
}

static uint8_t *put(uint8_t *at, const void *data, size_t size)
{
    memcpy(at, data, size);
    return at + size;
}

static uint8_t *put_integer(uint8_t *at, uint64_t value)
{
    put_le64(at, value);
    return at + INTEGER_BYTES;
}

void event_chain(struct hash *out, const struct hash *previous, const struct event *event)
{
    uint8_t head[HEAD_MAX];
    size_t type_size = strlen(event->type);
    size_t subject_size = event->subject == NULL ? 0 : strlen(event->subject);
    crypto_generichash_state state;
    uint8_t *at = head;

    INVARIANT(type_size <= EVENT_TYPE_MAX && subject_size <= EVENT_SUBJECT_MAX,
              "event %s: type or subject too long", event->type);
    at = put(at, EVENT_DOMAIN, strlen(EVENT_DOMAIN));
    at = put(at, previous->bytes, sizeof(previous->bytes));
    at = put_integer(at, event->seq);
    at = put_integer(at, event->block);
    at = put_integer(at, (uint64_t)event->time_us);
    *at++ = event->last ? 1 : 0;
    at = put_integer(at, type_size);
    at = put(at, event->type, type_size);
    at = put_integer(at, event->subject == NULL ? NO_SUBJECT : subject_size);
    at = put(at, event->subject == NULL ? "" : event->subject, subject_size);
    at = put_integer(at, event->body.size);

    crypto_generichash_init(&state, NULL, 0, sizeof(out->bytes));
    crypto_generichash_update(&state, head, (size_t)(at - head));
    crypto_generichash_update(&state, event->body.data, event->body.size);
    crypto_generichash_final(&state, out->bytes, sizeof(out->bytes));
}
