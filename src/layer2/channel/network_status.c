/* What became of writes on the network "state-channel", and what happened there. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "layer2/channel/network_client.h"

#define LOOK_BACK 10000      /* states of one channel, newest first, among which an older one is looked for */
#define HISTORY_SPAN 20000   /* events that one page of the history looks at */
#define HISTORY_ENTRIES_MAX 1000

/* --- a transaction of the ledger ---------------------------------------------------------------- */
static void ledger_status(struct network_call *call, struct database *reader, const struct written *written,
                          struct network_status *status)
{
    struct statement *s = statement(reader, "SELECT block FROM signed_transaction WHERE id = ?");

    bind_blob(s, written->hash.bytes, sizeof(written->hash.bytes));
    if (!statement_row(s)) {
        status->state = TRANSACTION_UNKNOWN;
        status->reason = client_text(call, "the ledger has no such transaction");
        return;
    }
    status->state = TRANSACTION_CONFIRMED;
    status->finality = FINALITY_FINAL;
    status->has_height = true;
    status->height = (uint64_t)column_integer(s, "block");
    statement_finish(s);
}

/* --- a state ------------------------------------------------------------------------------------ */
/* Whether the state counted once: the log has it. States of a channel come in the order of their turns. */
static bool was_supported(struct database *reader, const struct written *written)
{
    char channel[2 * sizeof(written->channel.bytes) + 1], hash[2 * sizeof(written->hash.bytes) + 1];
    struct statement *s = statement(reader,
        "SELECT json_extract(body, '$.turn') AS turn, json_extract(body, '$.hash') AS hash"
        " FROM v_subject_event WHERE subject = 'channel/' || ? AND type = 'channel.updated'"
        " ORDER BY seq DESC LIMIT ?");
    bool found = false;

    hex_text(channel, written->channel.bytes, sizeof(written->channel.bytes));
    hex_text(hash, written->hash.bytes, sizeof(written->hash.bytes));
    bind_text(s, channel);
    bind_integer(s, LOOK_BACK);
    while (statement_row(s)) {
        uint64_t turn = (uint64_t)column_integer(s, "turn");

        if (turn > written->turn)
            continue;
        found = turn == written->turn && strcmp(column_text(s, "hash"), hash) == 0;
        statement_finish(s);
        break;
    }
    return found;
}

/* The ledger ended the channel with a state of a lower turn, or (an award) another one of this turn. */
static bool is_dispute_lost(struct network_call *call, struct database *reader, const struct written *written,
                            uint64_t *turn)
{
    struct channel_record *record = arena_new(call->arena, sizeof(*record));
    struct hash hash;

    if (!record_read(reader, &written->channel, call->arena, record) || !record->is_settled ||
        record->a.turn_record > written->turn)
        return false;
    *turn = record->a.turn_record;
    if (*turn < written->turn)
        return true;
    channel_state_hash(&record->id, &record->state, &hash);
    return record->a.has_outcome && !hash_equal(&hash, &written->hash);
}

static void confirm(struct network_status *status, const char *reason)
{
    status->state = TRANSACTION_CONFIRMED;
    status->finality = FINALITY_FINAL;
    status->reason = reason;
}

static void fail_status(struct network_status *status, const char *reason)
{
    status->state = TRANSACTION_FAILED;
    status->finality = FINALITY_FINAL;
    status->reason = reason;
}

static void state_status(struct network_call *call, struct database *reader, const struct written *written,
                         struct network_status *status)
{
    struct local_channel *c = arena_new(call->arena, sizeof(*c));
    uint64_t turn;

    status->state = TRANSACTION_UNKNOWN;
    if (!local_read(reader, &written->channel, call->arena, c)) {
        status->reason = client_text(call, "this node does not take part in the channel");
        return;
    }
    status->details = client_text(call, "{\"phase\":\"%s\",\"next_turn\":%" PRIu64 "}",
                                  channel_phase_name(c->phase), c->next_turn);
    if (is_dispute_lost(call, reader, written, &turn)) {
        fail_status(status, client_text(call,
                                        "the ledger ended the channel with another state, of turn %" PRIu64,
                                        turn));
    } else if (c->has_supported && hash_equal(&c->supported.hash, &written->hash)) {
        confirm(status, NULL);
    } else if (c->has_staged && hash_equal(&c->staged.hash, &written->hash)) {
        status->state = TRANSACTION_PENDING;
        status->reason = client_text(call, "%d of %zu have signed", __builtin_popcount(c->staged.signed_by),
                                     c->fixed.participant_count);
    } else if (c->next_turn <= written->turn) {
        status->reason = client_text(call, "the channel is not there yet");
    } else if (was_supported(reader, written)) {
        confirm(status, client_text(call, "a state of a higher turn has taken its place"));
    } else {
        fail_status(status, client_text(call, "turn %" PRIu64 " was rejected, or is another state's",
                                        written->turn));
    }
}

/* --- a payment ---------------------------------------------------------------------------------- */
/* A row of the room above this one, as the view v_payment tells of it (which has no index by hash). */
static void payment_status(struct network_call *call, struct database *reader, const struct written *written,
                           struct network_status *status)
{
    struct statement *s = statement(reader, "SELECT CASE state WHEN 0 THEN 'in_flight' WHEN 1 THEN 'settled'"
                                            " ELSE 'failed' END AS state, fee FROM payment WHERE hash = ?");
    const char *state;

    bind_blob(s, written->hash.bytes, sizeof(written->hash.bytes));
    status->state = TRANSACTION_UNKNOWN;
    if (!statement_row(s)) {
        status->reason = client_text(call, "this node has no such payment");
        return;
    }
    state = column_text(s, "state");
    status->details = client_text(call, "{\"fee\":\"%" PRId64 "\"}", column_integer(s, "fee"));
    if (strcmp(state, "settled") == 0)
        confirm(status, NULL);
    else if (strcmp(state, "failed") == 0)
        fail_status(status, client_text(call, "no route carried it"));
    else
        status->state = TRANSACTION_PENDING;
    statement_finish(s);
}

enum status channel_network_status(void *context, struct network_call *call,
                                   const struct network_prepared *which, struct network_status *status)
{
    struct channel_client *client = context;
    struct database *reader;
    struct written written;

    memset(status, 0, sizeof(*status));
    if (which->transaction == NULL || !written_read(which->transaction, &written))
        return error_set(&call->error, ERROR_INVALID_PARAMS,
                         "transaction: HASH, CHANNEL/TURN/HASH or payment/HASH is expected");
    TRY(client_read(client, &reader, &call->error));
    switch (written.kind) {
    case WRITTEN_LEDGER: ledger_status(call, reader, &written, status); break;
    case WRITTEN_STATE: state_status(call, reader, &written, status); break;
    case WRITTEN_PAYMENT: payment_status(call, reader, &written, status); break;
    }
    return client_read_done(client, reader, &call->error);
}

/* --- history ------------------------------------------------------------------------------------ */
static bool read_entry(struct network_call *call, struct statement *s, struct network_entry *entry)
{
    const char *type = column_text(s, "type"), *hash = column_text(s, "hash");
    struct written written = { .kind = strncmp(type, "payment.", 8) == 0 ? WRITTEN_PAYMENT : WRITTEN_STATE };
    const char *channel = column_text(s, "channel");

    memset(entry, 0, sizeof(*entry));
    if (hash == NULL || !hex_decode(written.hash.bytes, sizeof(written.hash.bytes), hash, strlen(hash)))
        return false;
    if (written.kind == WRITTEN_STATE) {
        if (channel == NULL ||
            !hex_decode(written.channel.bytes, sizeof(written.channel.bytes), channel, strlen(channel)))
            return false;
        written.turn = (uint64_t)column_integer(s, "turn");
        entry->kind = "state";
    } else {
        entry->kind = "payment";
        entry->amount = client_text(call, "%s", column_text(s, "amount"));
    }
    entry->transaction = written_text(call, &written);
    entry->state = strcmp(type, "channel.rejected") == 0 || strcmp(type, "payment.failed") == 0
                       ? TRANSACTION_FAILED : TRANSACTION_CONFIRMED;
    entry->height = (uint64_t)column_integer(s, "block");
    entry->time_s = (uint64_t)(column_integer(s, "time_us") / MICROSECONDS_PER_SECOND);
    return true;
}

/* Where to go on: behind this event. */
static enum status read_after(struct channel_client *client, struct network_call *call, const char *after,
                              uint64_t *before)
{
    char *end = NULL;

    *before = kernel_head(client->kernel) + 1;
    if (after == NULL)
        return OK;
    if (after[0] < '0' || after[0] > '9')
        return error_set(&call->error, ERROR_INVALID_PARAMS,
                         "after: the `next` of a page before is expected");
    *before = strtoull(after, &end, 10);
    if (*end != '\0' || *before > INTEGER_MAX)
        return error_set(&call->error, ERROR_INVALID_PARAMS,
                         "after: the `next` of a page before is expected");
    return OK;
}

/* Events are not ordered by their kind: one page looks at so many of them, and may come back empty with a
 * `next`. */
enum status channel_network_history(void *context, struct network_call *call, const char *after, size_t limit,
                                    struct network_history *history)
{
    struct channel_client *client = context;
    size_t most = limit < HISTORY_ENTRIES_MAX ? limit : HISTORY_ENTRIES_MAX;
    struct network_entry *entries = arena_new(call->arena, (most + 1) * sizeof(*entries));
    struct database *reader;
    struct statement *s;
    uint64_t before, least;

    memset(history, 0, sizeof(*history));
    TRY(read_after(client, call, after, &before));
    least = before > HISTORY_SPAN ? before - HISTORY_SPAN : 1;
    TRY(client_read(client, &reader, &call->error));
    s = statement(reader,
        "SELECT seq, type, block, time_us, json_extract(body, '$.hash') AS hash,"
        " json_extract(body, '$.channel') AS channel, json_extract(body, '$.turn') AS turn,"
        " CAST(json_extract(body, '$.amount') AS TEXT) AS amount FROM event"
        " WHERE seq < ? AND seq >= ? AND type IN ('channel.updated', 'channel.rejected', 'payment.settled',"
        " 'payment.failed') ORDER BY seq DESC LIMIT ?");
    bind_integer(s, (int64_t)before);
    bind_integer(s, (int64_t)least);
    bind_integer(s, (int64_t)most);
    while (statement_row(s)) {
        before = (uint64_t)column_integer(s, "seq");
        if (read_entry(call, s, &entries[history->count]))
            history->count++;
    }
    history->entries = entries;
    if (history->count == most)
        history->next = before > 1 ? client_text(call, "%" PRIu64, before) : NULL;
    else if (least > 1)
        history->next = client_text(call, "%" PRIu64, least);
    return client_read_done(client, reader, &call->error);
}
