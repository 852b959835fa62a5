/* An extension for the sqlite3 shell and any program that loads SQLite extensions: with it the event log
 * can be checked in SQL alone, without the daemon. contrib/sqlite/README.md lists the functions and the
 * statements to check with.
 *
 *     sqlite3 -readonly layerd.sqlite3 -cmd '.load /usr/lib/layerd/layerd_sqlite' */
#include <sqlite3ext.h>
SQLITE_EXTENSION_INIT1

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/bech32.h"
#include "base/memory.h"
#include "crypto/hash.h"
#include "crypto/merkle.h"
#include "crypto/note.h"
#include "store/event_hash.h"

#define FUNCTION_FLAGS (SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS)

/* --- arguments and results -------------------------------------------------------------------- */

static void refuse(sqlite3_context *context, const char *function, const char *expected)
{
    char message[160];

    snprintf(message, sizeof(message), "%s: expected %s", function, expected);
    sqlite3_result_error(context, message, -1);
}

static bool is_null(sqlite3_value *value)
{
    return sqlite3_value_type(value) == SQLITE_NULL;
}

static bool take_hash(sqlite3_value *value, struct hash *hash)
{
    if (sqlite3_value_type(value) != SQLITE_BLOB || sqlite3_value_bytes(value) != (int)sizeof(hash->bytes))
        return false;
    memcpy(hash->bytes, sqlite3_value_blob(value), sizeof(hash->bytes));
    return true;
}

/* Text without a zero byte inside, so that C sees all of it. */
static const char *take_text(sqlite3_value *value)
{
    const char *text;

    if (sqlite3_value_type(value) != SQLITE_TEXT)
        return NULL;
    text = (const char *)sqlite3_value_text(value);
    return text != NULL && strlen(text) == (size_t)sqlite3_value_bytes(value) ? text : NULL;
}

static void answer_blob(sqlite3_context *context, const void *data, size_t size)
{
    sqlite3_result_blob(context, data, (int)size, SQLITE_TRANSIENT);
}

/* --- values ----------------------------------------------------------------------------------- */

/* address(id), address(id, prefix): an account as people see it. The prefix is 'lyt' (dev and test) unless
 * given. */
static void address_function(sqlite3_context *context, int count, sqlite3_value **values)
{
    const char *prefix = count == 2 ? take_text(values[1]) : ADDRESS_PREFIX_TEST;
    char text[ADDRESS_TEXT_MAX];
    struct hash id;

    if (is_null(values[0]))
        return;
    if (!take_hash(values[0], &id)) {
        refuse(context, "address", "a blob of 32 bytes");
        return;
    }
    if (prefix == NULL || (strcmp(prefix, ADDRESS_PREFIX_MAIN) != 0 &&
                           strcmp(prefix, ADDRESS_PREFIX_TEST) != 0)) {
        refuse(context, "address", "the prefix 'ly' or 'lyt'");
        return;
    }
    bech32m_encode(text, prefix, id.bytes, sizeof(id.bytes));
    sqlite3_result_text(context, text, -1, SQLITE_TRANSIENT);
}

/* address_key(text): the 32 bytes behind an address of either prefix, or behind 64 hex digits. */
static void address_key_function(sqlite3_context *context, int count, sqlite3_value **values)
{
    const char *text = take_text(values[0]);
    size_t size = text == NULL ? 0 : strlen(text);
    struct hash id;

    (void)count;
    if (is_null(values[0]))
        return;
    if (text != NULL && (hex_decode(id.bytes, sizeof(id.bytes), text, size) ||
                         bech32m_decode(id.bytes, sizeof(id.bytes), ADDRESS_PREFIX_TEST, text, size) ||
                         bech32m_decode(id.bytes, sizeof(id.bytes), ADDRESS_PREFIX_MAIN, text, size)))
        answer_blob(context, id.bytes, sizeof(id.bytes));
    else
        refuse(context, "address_key", "an address or 64 hex digits");
}

/* hex32(blob): 64 lower-case digits; hex32(text): the blob of 32 bytes. */
static void hex32_function(sqlite3_context *context, int count, sqlite3_value **values)
{
    const char *text = take_text(values[0]);
    char digits[2 * sizeof(struct hash) + 1];
    struct hash hash;

    (void)count;
    if (is_null(values[0]))
        return;
    if (take_hash(values[0], &hash)) {
        hex_text(digits, hash.bytes, sizeof(hash.bytes));
        sqlite3_result_text(context, digits, -1, SQLITE_TRANSIENT);
    } else if (text != NULL && hex_decode(hash.bytes, sizeof(hash.bytes), text, strlen(text))) {
        answer_blob(context, hash.bytes, sizeof(hash.bytes));
    } else {
        refuse(context, "hex32", "a blob of 32 bytes or 64 hex digits");
    }
}

/* sha256(value): of a blob's bytes or a text's UTF-8. */
static void sha256_function(sqlite3_context *context, int count, sqlite3_value **values)
{
    struct hash hash;

    (void)count;
    if (is_null(values[0]))
        return;
    if (sqlite3_value_type(values[0]) != SQLITE_BLOB && sqlite3_value_type(values[0]) != SQLITE_TEXT) {
        refuse(context, "sha256", "a blob or text");
        return;
    }
    sha256(&hash, sqlite3_value_blob(values[0]), (size_t)sqlite3_value_bytes(values[0]));
    answer_blob(context, hash.bytes, sizeof(hash.bytes));
}

/* --- the chain -------------------------------------------------------------------------------- */

/* event_genesis(node_id): the hash before event 1. */
static void event_genesis_function(sqlite3_context *context, int count, sqlite3_value **values)
{
    const char *node_id = take_text(values[0]);
    struct hash hash;

    (void)count;
    if (node_id == NULL) {
        refuse(context, "event_genesis", "the node id as text");
        return;
    }
    event_genesis(&hash, node_id);
    answer_blob(context, hash.bytes, sizeof(hash.bytes));
}

/* event_hash(previous_hash, seq, block, time_us, type, subject, body, last): what column hash has to be;
 * NULL for columns that no event can have, which equals no hash either. */
static void event_hash_function(sqlite3_context *context, int count, sqlite3_value **values)
{
    struct event event = { .type = take_text(values[4]), .subject = take_text(values[5]) };
    struct hash previous, hash;

    (void)count;
    for (int i = 1; i <= 7; i++)
        if (i != 4 && i != 5 && i != 6 && sqlite3_value_type(values[i]) != SQLITE_INTEGER)
            return;
    if (!take_hash(values[0], &previous) || event.type == NULL || strlen(event.type) > EVENT_TYPE_MAX ||
        (event.subject == NULL && !is_null(values[5])) ||
        (event.subject != NULL && strlen(event.subject) > EVENT_SUBJECT_MAX) ||
        sqlite3_value_type(values[6]) != SQLITE_TEXT)
        return;
    event.seq = (uint64_t)sqlite3_value_int64(values[1]);
    event.block = (uint64_t)sqlite3_value_int64(values[2]);
    event.time_us = sqlite3_value_int64(values[3]);
    event.body.data = sqlite3_value_text(values[6]);
    event.body.size = (size_t)sqlite3_value_bytes(values[6]);
    event.last = sqlite3_value_int64(values[7]) != 0;
    event_chain(&hash, &previous, &event);
    answer_blob(context, hash.bytes, sizeof(hash.bytes));
}

/* --- the tree --------------------------------------------------------------------------------- */

struct root_state {
    bool begun, refused;
    struct merkle_range range;
};

/* rfc6962_root(seq, hash): root of the tree whose leaves are these hashes. seq must count 1, 2, …:
 * aggregates see rows in whatever order they come, and a root of another order would be a wrong answer. */
static void root_step(sqlite3_context *context, int count, sqlite3_value **values)
{
    struct root_state *state = sqlite3_aggregate_context(context, sizeof(*state));
    struct hash hash, leaf;

    (void)count;
    if (state == NULL) {
        sqlite3_result_error_nomem(context);
        return;
    }
    if (!state->begun) {
        merkle_range_init(&state->range);
        state->begun = true;
    }
    if (state->refused)
        return;
    if (sqlite3_value_type(values[0]) != SQLITE_INTEGER ||
        (uint64_t)sqlite3_value_int64(values[0]) != state->range.size + 1) {
        state->refused = true;
        refuse(context, "rfc6962_root", "rows in the order seq = 1, 2, 3, … without gaps");
        return;
    }
    if (!take_hash(values[1], &hash)) {
        state->refused = true;
        refuse(context, "rfc6962_root", "hashes of 32 bytes");
        return;
    }
    merkle_leaf(&leaf, hash.bytes, sizeof(hash.bytes));
    merkle_range_append(&state->range, &leaf, NULL, NULL);
}

static void root_value(sqlite3_context *context)
{
    struct root_state *state = sqlite3_aggregate_context(context, 0);
    struct merkle_range empty;
    struct hash root;

    if (state != NULL && state->refused)
        return;
    merkle_range_init(&empty);
    merkle_range_root(state == NULL || !state->begun ? &empty : &state->range, &root);
    answer_blob(context, root.bytes, sizeof(root.bytes));
}

static void root_inverse(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count;
    (void)values;
    refuse(context, "rfc6962_root", "a window that begins with the first row");
}

/* checkpoint_verify(note, verifier_key): 1 when the note is a checkpoint signed by this key
 * (name+id+base64), else 0. */
static void checkpoint_verify_function(sqlite3_context *context, int count, sqlite3_value **values)
{
    const char *note = take_text(values[0]);
    const char *verifier = take_text(values[1]);
    struct checkpoint checkpoint;
    struct note_key key;
    size_t size;

    (void)count;
    if (verifier == NULL || note_key_parse(verifier, &key, NULL) != OK) {
        refuse(context, "checkpoint_verify", "a verifier key name+id+base64 as its second argument");
        return;
    }
    sqlite3_result_int(context, note != NULL && note_open(note, strlen(note), &key, &size, NULL) == OK &&
                                    checkpoint_parse(note, size, &checkpoint, NULL) == OK &&
                                    strcmp(checkpoint.origin, key.name) == 0);
}

/* checkpoint_size(note), checkpoint_root(note): what a checkpoint says; NULL when the text is none. */
static bool read_checkpoint(sqlite3_value *value, struct checkpoint *checkpoint)
{
    const char *note = take_text(value);
    const char *blank = note == NULL ? NULL : strstr(note, "\n\n");

    return blank != NULL && checkpoint_parse(note, (size_t)(blank - note) + 1, checkpoint, NULL) == OK;
}

static void checkpoint_size_function(sqlite3_context *context, int count, sqlite3_value **values)
{
    struct checkpoint checkpoint;

    (void)count;
    if (read_checkpoint(values[0], &checkpoint) && checkpoint.size <= INT64_MAX)
        sqlite3_result_int64(context, (sqlite3_int64)checkpoint.size);
}

static void checkpoint_root_function(sqlite3_context *context, int count, sqlite3_value **values)
{
    struct checkpoint checkpoint;

    (void)count;
    if (read_checkpoint(values[0], &checkpoint))
        answer_blob(context, checkpoint.root.bytes, sizeof(checkpoint.root.bytes));
}

/* --- loading ---------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    int arguments;
    void (*call)(sqlite3_context *context, int count, sqlite3_value **values);
} functions[] = {
    { "address", 1, address_function },
    { "address", 2, address_function },
    { "address_key", 1, address_key_function },
    { "hex32", 1, hex32_function },
    { "sha256", 1, sha256_function },
    { "event_genesis", 1, event_genesis_function },
    { "event_hash", 8, event_hash_function },
    { "checkpoint_verify", 2, checkpoint_verify_function },
    { "checkpoint_size", 1, checkpoint_size_function },
    { "checkpoint_root", 1, checkpoint_root_function },
};

/* The name that SQLite derives from the file's. */
int sqlite3_layerdsqlite_init(sqlite3 *database, char **message, const sqlite3_api_routines *api);

int sqlite3_layerdsqlite_init(sqlite3 *database, char **message, const sqlite3_api_routines *api)
{
    int code = SQLITE_OK;

    (void)message;
    SQLITE_EXTENSION_INIT2(api);
    crypto_start();
    for (size_t i = 0; code == SQLITE_OK && i < sizeof(functions) / sizeof(functions[0]); i++)
        code = sqlite3_create_function(database, functions[i].name, functions[i].arguments, FUNCTION_FLAGS,
                                       NULL, functions[i].call, NULL, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_create_window_function(database, "rfc6962_root", 2, FUNCTION_FLAGS, NULL, root_step,
                                              root_value, root_value, root_inverse, NULL);
    return code;
}
