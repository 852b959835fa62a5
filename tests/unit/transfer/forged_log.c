/* Logs of a test's own making: see forged_log.h. */
#include "forged_log.h"

#include <stdlib.h>

#include "crypto/hash.h"
#include "crypto/merkle.h"
#include "crypto/note.h"
#include "store/event_hash.h"

static bool read_leaf(void *context, unsigned level, uint64_t index, struct hash *hash)
{
    const struct hash *leaves = context;
    struct hash left, right;

    if (level == 0) {
        *hash = leaves[index];
        return true;
    }
    if (!read_leaf(context, level - 1, 2 * index, &left) ||
        !read_leaf(context, level - 1, 2 * index + 1, &right))
        return false;
    merkle_node(hash, &left, &right);
    return true;
}

json_t *forged_hex(const struct hash *hash)
{
    char hex[65];

    hex_text(hex, hash->bytes, sizeof(hash->bytes));
    return json_string(hex);
}

void forged_open(struct forged_log *log)
{
    memset(log, 0, sizeof(*log));
    log->events = json_array();
}

void forged_close(struct forged_log *log)
{
    json_decref(log->events);
}

void forged_add(struct forged_log *log, const char *type, const char *subject, json_t *body)
{
    const struct hash previous = { { 9 } };
    char *text = json_dumps(body, JSON_COMPACT | JSON_SORT_KEYS);
    uint64_t seq = log->count + 1;
    struct event event = { .seq = seq, .block = seq, .time_us = (int64_t)seq, .last = true, .type = type,
                           .subject = subject, .body = bytes_of_text(text) };
    struct hash hash;

    assert_true(log->count < FORGED_EVENTS_MAX);
    event_chain(&hash, &previous, &event);
    merkle_leaf(&log->leaves[log->count++], hash.bytes, sizeof(hash.bytes));
    json_array_append_new(log->events,
                          json_pack("{s:I, s:s, s:b, s:o, s:I, s:s, s:I, s:s}", "block", (json_int_t)seq,
                                    "body", text, "last", 1, "previous", forged_hex(&previous), "seq",
                                    (json_int_t)seq, "subject", subject, "time_us", (json_int_t)seq, "type",
                                    type));
    json_decref(body);
    free(text);
}

static json_t *proved_events(const struct forged_log *log)
{
    json_t *events = json_deep_copy(log->events);

    for (size_t i = 0; i < log->count; i++) {
        struct merkle_proof proof;
        json_t *hashes = json_array();

        assert_true(merkle_inclusion(i, log->count, read_leaf, (void *)(uintptr_t)log->leaves, &proof));
        for (size_t k = 0; k < proof.count; k++)
            json_array_append_new(hashes, forged_hex(&proof.hashes[k]));
        json_object_set_new(json_array_get(events, i), "proof", hashes);
    }
    return events;
}

char *forged_bundle(const struct forged_log *log, const char *format, const char *preimage, json_t *networks,
                    struct buffer *key)
{
    const uint8_t seed[32] = { 7 };
    struct note_signer *signer = note_signer_new("layerd/forger", seed);
    struct checkpoint head = { .origin = "layerd/forger", .size = log->count };
    struct buffer text CLEANUP(buffer_close) = { 0 };
    struct buffer note CLEANUP(buffer_close) = { 0 };
    struct buffer own CLEANUP(buffer_close) = { 0 };
    struct buffer bundle CLEANUP(buffer_close) = { 0 };
    struct error error;
    json_t *json;

    assert_true(merkle_root(log->count, read_leaf, (void *)(uintptr_t)log->leaves, &head.root));
    checkpoint_text(&head, &text);
    note_sign(signer, buffer_text(&text), &note);
    note_key_text(note_signer_key(signer), &own);
    json = json_pack("{s:s, s:o, s:s, s:s, s:s, s:s}", "checkpoint", buffer_text(&note), "events",
                     proved_events(log), "format", format, "preimage", preimage, "transfer", FORGED_TRANSFER,
                     "verifier", buffer_text(&own));
    if (networks != NULL)
        json_object_set_new(json, "networks", networks);
    assert_int_equal(json_canonical(json, &bundle, &error), OK);
    if (key != NULL)
        buffer_append(key, own.data, own.size);
    json_decref(json);
    note_signer_free(signer);
    return text_copy_sized((const char *)bundle.data, bundle.size);
}

static void put_leg(json_t *body, const char *side, const struct forged_leg *leg)
{
    const char *const names[] = { "from", "to", "asset", "amount" };
    const char *const values[] = { leg->from, leg->to, leg->asset, leg->amount };

    json_object_set_new(body, side, json_string(leg->place));
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        char name[32];

        snprintf(name, sizeof(name), "%s_%s", side, names[i]);
        json_object_set_new(body, name, json_string(values[i]));
    }
}

json_t *forged_terms(const struct forged_leg *source, const struct forged_leg *destination, const char *hash)
{
    json_t *body = json_pack("{s:s, s:s, s:s, s:i, s:i, s:s}", "account", "alice", "provider", "bob", "asset",
                             "GOLD", "amount", 10, "fee", 2, "hash", hash);

    put_leg(body, "source", source);
    put_leg(body, "destination", destination);
    return body;
}

json_t *forged_locked(const char *place, const char *reference, int64_t expiry_us)
{
    return json_pack("{s:s, s:s, s:I}", "place", place, "reference", reference, "expiry_us",
                     (json_int_t)expiry_us);
}
