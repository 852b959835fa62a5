/* The watchtower: the newest state that somebody leaves here for a channel, O(1) a channel; its newer states
 * replace it. The reaction in watch.c acts on it. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bech32.h"
#include "base/writer.h"
#include "crypto/hash.h"
#include "kernel/kernel.h"
#include "layer2/channel/commands.h"
#include "layer2/channel/forms.h"
#include "layer2/channel/party.h"
#include "layer2/channel/waiting.h"

#define TOWER_MAX 10000 /* channels; each up to some 100 KiB */
#define UNKNOWN_MAX 1000 /* of them that the ledger does not know */
#define UNKNOWN_US (24 * 3600 * MICROSECONDS_PER_SECOND) /* for the ledger to come to know them */
#define RECEIPT_TAG "layerd/tower/receipt"

const struct param appoint_params[2] = {
    PARAM(struct appoint, fixed, BYTES, REQUIRED, "the fixed part's encoding as hex",
          .most = CHANNEL_ENCODING_MAX),
    STATES_PARAM(struct appoint, states, REQUIRED,
                 "{state, signatures}, oldest first, that support the last"),
};

enum status check_appoint(const struct check *check, void *params, struct arena *arena, struct error *error)
{
    struct appoint *p = params;
    const struct application *application;
    struct signed_state states[PROOF_STATES_MAX];

    p->decoded = arena_new(arena, sizeof(*p->decoded));
    TRY(channel_fixed_decode(p->fixed, arena, p->decoded, error));
    if (strcmp(p->decoded->chain, check->chain) != 0)
        return error_set(error, ERROR_WRONG_CHAIN, "the channel is for the chain %s, this one is %s",
                         p->decoded->chain, check->chain);
    TRY(application_find(p->decoded->application, &application, error));
    TRY(application->fixed_ok(p->decoded, error));
    channel_id(p->decoded, &p->channel);
    TRY(proof_check(&p->channel, &p->states, arena, &p->proof, error));
    TRY(proof_match(p->decoded, p->proof, states, error));
    p->turn = states[p->proof->count - 1].state.turn;
    return application_supported(application, p->decoded, states, p->proof->count, error);
}

/* The parameters of the checkpoint that it will be. */
static void write_proof(struct buffer *json, const struct appoint *p)
{
    const struct state_param *items = p->states.items;
    const struct signature_param *given;
    struct writer w;

    writer_init(&w, json);
    writer_object_begin(&w);
    writer_member_hex(&w, "channel", p->channel.bytes, sizeof(p->channel.bytes));
    writer_key(&w, "states");
    writer_array_begin(&w);
    for (size_t i = 0; i < p->states.count; i++) {
        writer_object_begin(&w);
        writer_member_hex(&w, "state", items[i].state.data, items[i].state.size);
        writer_key(&w, "signatures");
        writer_array_begin(&w);
        given = items[i].signatures.items;
        for (size_t j = 0; j < items[i].signatures.count; j++)
            signature_write(&w, &given[j].key, given[j].signature);
        writer_array_end(&w);
        writer_object_end(&w);
    }
    writer_array_end(&w);
    writer_object_end(&w);
}

static uint64_t count(struct database *database, const char *sql)
{
    struct statement *s = statement(database, sql);
    uint64_t value;

    INVARIANT(statement_row(s), "an aggregate gives one row");
    value = (uint64_t)column_integer(s, "value");
    statement_finish(s);
    return value;
}

static bool held_turn(struct database *database, const struct hash *channel, uint64_t *turn)
{
    struct statement *s = statement(database, "SELECT turn FROM tower_appointment WHERE channel = ?");

    bind_blob(s, channel->bytes, sizeof(channel->bytes));
    if (!statement_row(s))
        return false;
    *turn = (uint64_t)column_integer(s, "turn");
    statement_finish(s);
    return true;
}

static void receipt_hash(const struct appoint *p, uint64_t number, struct hash *hash)
{
    struct tagged_hash h;
    uint8_t bytes[16];

    put_be64(bytes, p->turn);
    put_be64(bytes + 8, number);
    tagged_hash_begin(&h, RECEIPT_TAG);
    tagged_hash_add(&h, p->channel.bytes, sizeof(p->channel.bytes));
    tagged_hash_add(&h, p->proof->items[p->proof->count - 1].hash.bytes, sizeof(struct hash));
    tagged_hash_add(&h, bytes, sizeof(bytes));
    tagged_hash_end(&h, hash);
}

static void bind_expiry(struct execution *x, struct statement *s, const struct hash *channel)
{
    int64_t expires_us = execution_time(x) + execution_window(x, UNKNOWN_US);

    if (record_exists(execution_database(x), channel)) {
        bind_null(s);
        return;
    }
    bind_integer(s, expires_us);
    sweep_request(x, CHANNEL_WAITING, expires_us);
}

static void store(struct execution *x, const struct appoint *p, uint64_t number,
                  const struct signature *receipt)
{
    struct statement *s = statement(execution_database(x),
        "INSERT INTO tower_appointment (channel, fixed, turn, proof, number, receipt, updated_us, expires_us)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (channel) DO UPDATE SET turn = excluded.turn,"
        " proof = excluded.proof, number = excluded.number, receipt = excluded.receipt,"
        " updated_us = excluded.updated_us, expires_us = excluded.expires_us");
    struct buffer json CLEANUP(buffer_close) = { 0 };

    write_proof(&json, p);
    bind_blob(s, p->channel.bytes, sizeof(p->channel.bytes));
    bind_blob(s, p->fixed.data, p->fixed.size);
    bind_integer(s, (int64_t)p->turn);
    bind_text_sized(s, (const char *)json.data, json.size);
    bind_integer(s, (int64_t)number);
    bind_blob(s, receipt->bytes, sizeof(receipt->bytes));
    bind_integer(s, execution_time(x));
    bind_expiry(x, s, &p->channel);
    (void)statement_run(s);
}

enum status appoint(struct execution *x, const void *params, struct writer *result)
{
    const struct appoint *p = params;
    struct database *database = execution_database(x);
    struct signature receipt;
    struct hash hash;
    char address[ADDRESS_TEXT_MAX];
    struct account_id account = kernel_account(execution_kernel(x));
    uint64_t number, held;
    bool replaces = held_turn(database, &p->channel, &held);

    if (replaces && p->turn <= held)
        return fail(x, ERROR_TURN_NOT_INCREASED, "turn %" PRIu64 " is held already", held);
    if (!replaces && count(database, "SELECT count(*) AS value FROM tower_appointment") >= TOWER_MAX)
        return fail(x, ERROR_LIMIT, "the tower watches %d channels already", TOWER_MAX);
    if (!replaces && !record_exists(database, &p->channel) &&
        count(database, "SELECT count(*) AS value FROM tower_appointment WHERE expires_us IS NOT NULL") >=
            UNKNOWN_MAX)
        return fail(x, ERROR_LIMIT, "the tower watches %d channels already that the ledger does not know",
                    UNKNOWN_MAX);
    number = count(database, "SELECT coalesce(max(number), 0) + 1 AS value FROM tower_appointment");
    receipt_hash(p, number, &hash);
    kernel_sign_own(execution_kernel(x), &hash, &receipt);
    store(x, p, number, &receipt);
    channel_changed(x, &p->channel);
    address_encode(address, &account);
    writer_object_begin(result);
    writer_member_hex(result, "channel", p->channel.bytes, sizeof(p->channel.bytes));
    writer_member_unsigned(result, "turn", p->turn);
    writer_member_unsigned(result, "number", number);
    writer_member_text(result, "tower", address);
    writer_member_hex(result, "receipt", receipt.bytes, sizeof(receipt.bytes));
    writer_object_end(result);
    return event_tower_appointed(
        x, &(struct event_tower_appointed){ .channel = p->channel, .turn = p->turn, .number = number });
}

/* --- channels that the ledger does not know --------------------------------------------------- */
/* The newest one stays until another comes: a number is never given twice. */
static bool is_newest(struct database *database, const struct hash *channel)
{
    struct statement *s =
        statement(database, "SELECT channel FROM tower_appointment ORDER BY number DESC LIMIT 1");
    struct hash newest;

    INVARIANT(statement_row(s), "an appointment expires, and there is none");
    column_fixed(s, "channel", newest.bytes, sizeof(newest.bytes));
    statement_finish(s);
    return hash_equal(&newest, channel);
}

static void expire(struct execution *x, const struct hash *channel, uint64_t turn)
{
    struct database *database = execution_database(x);
    struct statement *s;

    if (record_exists(database, channel) || is_newest(database, channel)) {
        s = statement(database, "UPDATE tower_appointment SET expires_us = ? WHERE channel = ?");
        bind_expiry(x, s, channel);
        bind_blob(s, channel->bytes, sizeof(channel->bytes));
        (void)statement_run(s);
        return;
    }
    s = statement(database, "DELETE FROM tower_appointment WHERE channel = ?");
    bind_blob(s, channel->bytes, sizeof(channel->bytes));
    (void)statement_run(s);
    event_tower_expired(x, &(struct event_tower_expired){ .channel = *channel, .turn = turn });
}

void tower_expire(struct execution *x, size_t most)
{
    struct statement *s = statement(execution_database(x),
        "SELECT channel, turn FROM tower_appointment WHERE expires_us <= ? ORDER BY expires_us LIMIT ?");
    struct hash *channels = memory_array(most, sizeof(*channels));
    uint64_t *turns = memory_array(most, sizeof(*turns));
    size_t count = 0;

    bind_integer(s, execution_time(x));
    bind_integer(s, (int64_t)most);
    while (statement_row(s)) {
        column_fixed(s, "channel", channels[count].bytes, sizeof(channels[count].bytes));
        turns[count++] = (uint64_t)column_integer(s, "turn");
    }
    for (size_t i = 0; i < count; i++)
        expire(x, &channels[i], turns[i]);
    free(channels);
    free(turns);
}

bool tower_proof(struct database *database, const struct hash *channel, uint64_t above, uint64_t *turn,
                 struct buffer *proof)
{
    struct statement *s =
        statement(database, "SELECT turn, proof FROM tower_appointment WHERE channel = ? AND turn > ?");

    bind_blob(s, channel->bytes, sizeof(channel->bytes));
    bind_integer(s, (int64_t)above);
    if (!statement_row(s))
        return false;
    *turn = (uint64_t)column_integer(s, "turn");
    buffer_append_text(proof, column_text(s, "proof"));
    statement_finish(s);
    return true;
}
