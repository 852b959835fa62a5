/* The log, checked by the one who reads it: signatures of heads, inclusion of events, growth without change,
 * and what an event's hash covers. Nothing here asks the node: all is computed from what the caller holds. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client/failure.h"
#include "crypto/hash.h"
#include "crypto/merkle.h"
#include "crypto/note.h"

#define EVENT_DOMAIN "layerd/event/1"
#define GENESIS_DOMAIN "layerd/genesis/1"
#define NODE_ID_DIGITS 32

static enum status read_hash(const char *what, const char *hex, struct hash *hash, struct error *error)
{
    if (hex == NULL || !hex_decode(hash->bytes, sizeof hash->bytes, hex, strlen(hex)))
        return error_set(error, ERROR_INVALID_PARAMS, "%s: 64 hex digits are expected", what);
    return OK;
}

static enum status read_proof(const char *const *texts, size_t count, struct merkle_proof *proof,
                              struct error *error)
{
    if (count > MERKLE_PROOF_MAX)
        return error_set(error, ERROR_INVALID_PARAMS, "a proof has at most %d hashes, not %zu",
                         MERKLE_PROOF_MAX, count);
    for (size_t i = 0; i < count; i++)
        TRY(read_hash("proof", texts[i], &proof->hashes[i], error));
    proof->count = count;
    return OK;
}

static enum status verify_checkpoint(const char *note, const char *verifier,
                                     struct layerd_checkpoint *checkpoint, struct error *error)
{
    struct note_key key;
    struct checkpoint read;
    size_t text_size;

    _Static_assert(sizeof checkpoint->origin >= sizeof read.origin, "an origin fits");
    crypto_start();
    TRY(note_key_parse(verifier, &key, error));
    TRY(note_open(note, strlen(note), &key, &text_size, error));
    TRY(checkpoint_parse(note, text_size, &read, error));
    if (strcmp(read.origin, key.name) != 0)
        return error_set(error, ERROR_BAD_SIGNATURE, "the checkpoint is of '%s' but signed by '%s'",
                         read.origin, key.name);
    memset(checkpoint, 0, sizeof *checkpoint);
    strcpy(checkpoint->origin, read.origin);
    checkpoint->size = read.size;
    hex_text(checkpoint->root, read.root.bytes, sizeof read.root.bytes);
    return OK;
}

enum layerd_error layerd_checkpoint_verify(const char *note, const char *verifier,
                                           struct layerd_checkpoint *checkpoint,
                                           struct layerd_failure *failure)
{
    struct error error;
    return failure_report(failure, verify_checkpoint(note, verifier, checkpoint, &error), &error);
}

static enum status verify_inclusion(const struct layerd_checkpoint *checkpoint, uint64_t seq,
                                    const char *event_hash, const char *const *texts, size_t count,
                                    struct error *error)
{
    struct hash root, hash, leaf;
    struct merkle_proof proof;

    crypto_start();
    if (seq == 0 || seq > checkpoint->size)
        return error_set(error, ERROR_PROOF_RANGE,
                         "the checkpoint covers events 1 … %" PRIu64 ", not %" PRIu64, checkpoint->size, seq);
    TRY(read_hash("root", checkpoint->root, &root, error));
    TRY(read_hash("event_hash", event_hash, &hash, error));
    TRY(read_proof(texts, count, &proof, error));
    merkle_leaf(&leaf, hash.bytes, sizeof hash.bytes);
    if (!merkle_verify_inclusion(seq - 1, checkpoint->size, &leaf, &proof, &root))
        return error_set(error, ERROR_CORRUPT,
                         "the proof does not lead from event %" PRIu64 " to the signed root of %" PRIu64
                         " events",
                         seq, checkpoint->size);
    return OK;
}

enum layerd_error layerd_inclusion_verify(const struct layerd_checkpoint *checkpoint, uint64_t seq,
                                          const char *event_hash, const char *const *proof, size_t count,
                                          struct layerd_failure *failure)
{
    struct error error;
    return failure_report(failure, verify_inclusion(checkpoint, seq, event_hash, proof, count, &error),
                          &error);
}

static enum status verify_consistency(const struct layerd_checkpoint *earlier,
                                      const struct layerd_checkpoint *later, const char *const *texts,
                                      size_t count, struct error *error)
{
    struct hash first, second;
    struct merkle_proof proof;

    crypto_start();
    if (strcmp(earlier->origin, later->origin) != 0)
        return error_set(error, ERROR_FORK, "the heads are of two logs, '%s' and '%s'", earlier->origin,
                         later->origin);
    if (earlier->size > later->size)
        return error_set(error, ERROR_FORK, "the log had %" PRIu64 " events and now has %" PRIu64,
                         earlier->size, later->size);
    TRY(read_hash("root", earlier->root, &first, error));
    TRY(read_hash("root", later->root, &second, error));
    TRY(read_proof(texts, count, &proof, error));
    if (earlier->size == 0 && count == 0)
        return OK;
    if (!merkle_verify_consistency(earlier->size, later->size, &first, &second, &proof))
        return error_set(error, ERROR_FORK,
                         "the log of %" PRIu64 " events does not begin with the one of %" PRIu64 " events",
                         later->size, earlier->size);
    return OK;
}

enum layerd_error layerd_consistency_verify(const struct layerd_checkpoint *earlier,
                                            const struct layerd_checkpoint *later, const char *const *proof,
                                            size_t count, struct layerd_failure *failure)
{
    struct error error;
    return failure_report(failure, verify_consistency(earlier, later, proof, count, &error), &error);
}

/* --- an event's hash -------------------------------------------------------------------------- */

static void add_integer(crypto_generichash_state *state, uint64_t value)
{
    uint8_t bytes[8];
    put_le64(bytes, value);
    crypto_generichash_update(state, bytes, sizeof bytes);
}

static void add_text(crypto_generichash_state *state, const char *text)
{
    if (text == NULL) {
        add_integer(state, UINT64_MAX);
        return;
    }
    add_integer(state, strlen(text));
    crypto_generichash_update(state, (const unsigned char *)text, strlen(text));
}

/* The hash before the event: given, or for the first one made of the node's id. */
static enum status previous_hash(uint64_t seq, const char *previous, struct hash *hash, struct error *error)
{
    char text[sizeof GENESIS_DOMAIN + NODE_ID_DIGITS];
    if (seq != 1)
        return read_hash("previous", previous, hash, error);
    if (strlen(previous) != NODE_ID_DIGITS || strspn(previous, "0123456789abcdef") != NODE_ID_DIGITS)
        return error_set(error, ERROR_INVALID_PARAMS,
                         "previous: for event 1 the node id, %d hex digits, is expected", NODE_ID_DIGITS);
    int size = snprintf(text, sizeof text, GENESIS_DOMAIN "%s", previous);
    blake2b256(hash, text, (size_t)size);
    return OK;
}

static enum status event_hash(const struct layerd_event *event, const char *previous,
                              char out[LAYERD_HASH_MAX], struct error *error)
{
    crypto_generichash_state state;
    uint8_t last = event->last ? 1 : 0;
    struct hash hash;

    crypto_start();
    if (event->kind != LAYERD_EVENT || event->type == NULL || event->data == NULL || event->seq == 0)
        return error_set(error, ERROR_INVALID_PARAMS, "not an event");
    TRY(previous_hash(event->seq, previous, &hash, error));
    crypto_generichash_init(&state, NULL, 0, sizeof hash.bytes);
    crypto_generichash_update(&state, (const unsigned char *)EVENT_DOMAIN, strlen(EVENT_DOMAIN));
    crypto_generichash_update(&state, hash.bytes, sizeof hash.bytes);
    add_integer(&state, event->seq);
    add_integer(&state, event->block);
    add_integer(&state, (uint64_t)event->time_us);
    crypto_generichash_update(&state, &last, 1);
    add_text(&state, event->type);
    add_text(&state, event->subject);
    add_text(&state, event->data);
    crypto_generichash_final(&state, hash.bytes, sizeof hash.bytes);
    hex_text(out, hash.bytes, sizeof hash.bytes);
    return OK;
}

enum layerd_error layerd_event_hash(const struct layerd_event *event, const char *previous,
                                    char hash[LAYERD_HASH_MAX], struct layerd_failure *failure)
{
    struct error error;
    return failure_report(failure, event_hash(event, previous, hash, &error), &error);
}
