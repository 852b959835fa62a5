/* What people may ask about channels: see queries.h. */
#include "layer2/channel/queries.h"

#include <string.h>

#include "base/bech32.h"
#include "kernel/kernel.h"
#include "kernel/page.h"
#include "kernel/query.h"
#include "layer2/channel/forms.h"
#include "layer2/channel/record.h"

static void bind_hash(struct statement *s, const struct hash *hash)
{
    bind_blob(s, hash->bytes, sizeof(hash->bytes));
}

static enum status refuse_channel(struct query *q, const struct hash *id)
{
    char hex[2 * sizeof(id->bytes) + 1];

    hex_text(hex, id->bytes, sizeof(id->bytes));
    return query_fail(q, ERROR_CHANNEL_NOT_FOUND, "the ledger does not know a channel %s", hex);
}

static int64_t chain_time(struct database *database)
{
    struct statement *s =
        statement(database, "SELECT chain_time_us FROM block ORDER BY height DESC LIMIT 1");
    int64_t time_us = 0;

    if (statement_row(s)) {
        time_us = column_integer(s, "chain_time_us");
        statement_finish(s);
    }
    return time_us;
}

/* --- channel.get ------------------------------------------------------------------------------ */
struct one_channel {
    struct hash channel;
};

static const struct param one_channel_params[] = {
    PARAM(struct one_channel, channel, HASH, REQUIRED, "its id"),
};

/* What it holds, by symbol. */
static void write_holdings(struct writer *w, struct database *database, const struct channel_record *record)
{
    writer_key(w, "holdings");
    writer_array_begin(w);
    for (size_t i = 0; i < record->fixed.asset_count; i++) {
        struct statement *s = statement(database,
            "SELECT symbol, coalesce((SELECT amount FROM balance WHERE domain = 0 AND account = ?1"
            " AND asset = asset.id), 0) AS amount FROM asset WHERE id = ?2");

        bind_blob(s, record->holding.bytes, sizeof(record->holding.bytes));
        bind_blob(s, record->fixed.assets[i].bytes, sizeof(record->fixed.assets[i].bytes));
        if (!statement_row(s))
            continue;
        writer_object_begin(w);
        write_column_text(w, s, "symbol");
        write_column_integer(w, s, "amount");
        writer_object_end(w);
        statement_finish(s);
    }
    writer_array_end(w);
}

static void write_challenge(struct writer *w, const struct channel_record *record)
{
    char address[ADDRESS_TEXT_MAX];

    if (record->a.finalizes_at_us != NEVER_US)
        writer_member_integer(w, "finalizes_us", record->a.finalizes_at_us);
    if (record->a.challenger >= 0) {
        address_encode(address, &record->fixed.participants[record->a.challenger]);
        writer_member_text(w, "challenger", address);
        writer_member_unsigned(w, "challenge_turn", record->a.challenge_turn);
    }
    writer_key(w, "cheaters");
    writer_array_begin(w);
    for (size_t i = 0; i < record->fixed.participant_count; i++) {
        if ((record->a.cheaters >> i & 1) == 0)
            continue;
        address_encode(address, &record->fixed.participants[i]);
        writer_text(w, address);
    }
    writer_array_end(w);
    if (record->a.case_state != CASE_NONE) {
        writer_member_text(w, "case", case_state_name(record->a.case_state));
        if (record->a.evidence_until_us != NEVER_US)
            writer_member_integer(w, "evidence_until_us", record->a.evidence_until_us);
    }
}

static void write_record(struct writer *w, struct database *database, const struct channel_record *record)
{
    char address[ADDRESS_TEXT_MAX];
    struct hash owed;

    address_encode(address, &record->holding);
    writer_object_begin(w);
    writer_member_hex(w, "channel", record->id.bytes, sizeof(record->id.bytes));
    writer_member_text(w, "mode",
                       channel_mode_name(record->is_settled
                                             ? CHANNEL_FINALIZED
                                             : adjudication_mode(&record->a, chain_time(database))));
    writer_member_unsigned(w, "turn_record", record->a.turn_record);
    write_challenge(w, record);
    writer_member_text(w, "holding", address);
    write_holdings(w, database, record);
    writer_key(w, "fixed");
    fixed_write(w, &record->fixed);
    if (record->a.has_outcome) {
        writer_key(w, "state");
        state_write(w, &record->id, &record->state);
    }
    if (record->is_settled) {
        channel_outcome_hash(&record->id, &record->outcome, &owed);
        writer_member_hex(w, "outcome", owed.bytes, sizeof(owed.bytes));
        writer_key(w, "owed");
        outcome_write(w, &record->outcome);
    }
    writer_object_end(w);
}

static enum status one_channel(struct query *q, const void *params, struct writer *w)
{
    const struct one_channel *p = params;
    struct arena arena CLEANUP(arena_close);
    struct channel_record record;

    arena_init(&arena);
    if (!record_read(q->database, &p->channel, &arena, &record))
        return refuse_channel(q, &p->channel);
    write_record(w, q->database, &record);
    return OK;
}

/* --- channel.list ----------------------------------------------------------------------------- */
struct channels {
    struct account_id account;
    uint64_t after, limit;
};

static const struct param channels_params[] = {
    PARAM(struct channels, account, ACCOUNT, OPTIONAL, "only channels that this account takes part in"),
    PARAM(struct channels, after, INTEGER, OPTIONAL,
          "only channels registered after the event with this seq"),
    PARAM(struct channels, limit, INTEGER, OPTIONAL, PAGE_LIMIT_HELP),
};

#define MODE_SQL                                                                            \
    "iif(outcome IS NOT NULL, 'finalized', iif(finalizes_us IS NULL, 'open',"               \
    " iif(finalizes_us > (SELECT chain_time_us FROM block ORDER BY height DESC LIMIT 1),"   \
    " 'challenge', 'finalized'))) AS mode"

static struct statement *channels_statement(struct query *q, const struct channels *p)
{
    struct statement *s;

    if (account_is_zero(&p->account)) {
        s = statement(q->database, "SELECT id, application, turn_record, finalizes_us, registered_seq, "
                                   MODE_SQL " FROM channel WHERE registered_seq > ?"
                                   " ORDER BY registered_seq LIMIT ?");
    } else {
        s = statement(q->database, "SELECT id, application, turn_record, finalizes_us, registered_seq, "
                                   MODE_SQL " FROM channel_participant JOIN channel ON id = channel"
                                   " WHERE account = ? AND registered_seq > ?"
                                   " ORDER BY registered_seq LIMIT ?");
        bind_blob(s, p->account.bytes, sizeof(p->account.bytes));
    }
    bind_integer(s, (int64_t)p->after);
    page_bind(s, p->limit);
    return s;
}

static enum status channels(struct query *q, const void *params, struct writer *w)
{
    const struct channels *p = params;
    struct statement *s = channels_statement(q, p);
    struct page page = page_begin(w, p->limit);
    int64_t last = 0;

    while (page_row(&page, s)) {
        writer_object_begin(w);
        write_column_hex(w, s, "id");
        write_column_text(w, s, "mode");
        write_column_text(w, s, "application");
        write_column_integer(w, s, "turn_record");
        write_column_integer(w, s, "registered_seq");
        writer_object_end(w);
        last = column_integer(s, "registered_seq");
    }
    page_end_integer(&page, last);
    return OK;
}

/* --- channel.applications --------------------------------------------------------------------- */
static enum status applications(struct query *q, const void *params, struct writer *w)
{
    (void)q, (void)params;
    writer_array_begin(w);
    for (size_t i = 0; application_at(i) != NULL; i++) {
        writer_object_begin(w);
        writer_member_text(w, "name", application_at(i)->name);
        writer_member_text(w, "help", application_at(i)->help);
        writer_object_end(w);
    }
    writer_array_end(w);
    return OK;
}

/* --- channel.case ----------------------------------------------------------------------------- */
static void write_evidence(struct writer *w, struct database *database, const struct hash *channel)
{
    struct statement *s = statement(database, "SELECT number, account, body, seq FROM channel_evidence"
                                              " WHERE channel = ? ORDER BY number");

    bind_hash(s, channel);
    writer_key(w, "evidence");
    writer_array_begin(w);
    while (statement_row(s)) {
        writer_object_begin(w);
        write_column_integer(w, s, "number");
        write_column_account(w, s, "account");
        write_column_hex(w, s, "body");
        write_column_integer(w, s, "seq");
        writer_object_end(w);
    }
    writer_array_end(w);
}

static enum status one_case(struct query *q, const void *params, struct writer *w)
{
    const struct one_channel *p = params;
    struct statement *s = statement(q->database,
        "SELECT opener, claim, award, fees, seq, case_state, evidence_until_us, finalizes_us"
        " FROM channel_case JOIN channel ON id = channel WHERE channel = ?");

    bind_hash(s, &p->channel);
    if (!statement_row(s))
        return record_exists(q->database, &p->channel)
                   ? query_fail(q, ERROR_CASE_NOT_FOUND, "nobody opened a case about this channel")
                   : refuse_channel(q, &p->channel);
    writer_object_begin(w);
    writer_member_text(w, "state", case_state_name((enum case_state)column_integer(s, "case_state")));
    write_column_account(w, s, "opener");
    write_column_text(w, s, "claim");
    write_column_integer(w, s, "evidence_until_us");
    if (!column_is_null(s, "finalizes_us"))
        write_column_integer(w, s, "finalizes_us");
    if (!column_is_null(s, "award")) {
        write_column_hex(w, s, "award");
        write_column_json(w, s, "fees");
    }
    write_column_integer(w, s, "seq");
    statement_finish(s);
    write_evidence(w, q->database, &p->channel);
    writer_object_end(w);
    return OK;
}

/* --- channel.preimage ------------------------------------------------------------------------- */
struct one_preimage {
    struct hash hash;
};

static const struct param preimage_params[] = {
    PARAM(struct one_preimage, hash, HASH, REQUIRED, "SHA-256 of the preimage"),
};

static enum status one_preimage(struct query *q, const void *params, struct writer *w)
{
    const struct one_preimage *p = params;
    struct statement *s =
        statement(q->database, "SELECT preimage, revealed_us, seq FROM preimage WHERE hash = ?");

    bind_hash(s, &p->hash);
    if (!statement_row(s))
        return query_fail(q, ERROR_NOT_FOUND, "nobody has shown the ledger a preimage of this hash");
    writer_object_begin(w);
    write_column_hex(w, s, "preimage");
    write_column_integer(w, s, "revealed_us");
    write_column_integer(w, s, "seq");
    writer_object_end(w);
    statement_finish(s);
    return OK;
}

/* --- channel.encode, channel.encode_state, channel.decode_state ------------------------------- */
static enum status encode(struct query *q, const void *params, struct writer *w)
{
    struct buffer bytes CLEANUP(buffer_close) = { 0 };
    struct channel_fixed fixed;
    struct account_id holding;
    char address[ADDRESS_TEXT_MAX];
    struct error error;
    struct hash id;
    enum status status = fixed_from_form(params, kernel_chain(q->kernel), &fixed, &error);
    const struct application *application;

    if (status == OK)
        status = application_find(fixed.application, &application, &error);
    if (status == OK)
        status = application->fixed_ok(&fixed, &error);
    if (status != OK)
        return query_fail(q, status, "%s", error.message);
    channel_fixed_encode(&fixed, &bytes);
    channel_id(&fixed, &id);
    channel_holding(&id, &holding);
    address_encode(address, &holding);
    writer_object_begin(w);
    writer_member_hex(w, "channel", id.bytes, sizeof(id.bytes));
    writer_member_hex(w, "fixed", bytes.data, bytes.size);
    writer_member_text(w, "holding", address);
    writer_object_end(w);
    return OK;
}

struct encode_state {
    struct hash channel;
    uint64_t turn;
    bool final;
    struct param_list outcome;
    struct bytes data;
};

static const struct param encode_state_params[] = {
    PARAM(struct encode_state, channel, HASH, REQUIRED, "whose state it is"),
    PARAM(struct encode_state, turn, INTEGER, REQUIRED, "0, 1, …"),
    PARAM(struct encode_state, final, BOOLEAN, OPTIONAL, "whether it may conclude the channel; false"),
    OUTCOME_PARAM(struct encode_state, outcome, OPTIONAL),
    PARAM(struct encode_state, data, BYTES, OPTIONAL, "the application's, hex", .most = CHANNEL_DATA_MAX),
};

/* With what its participants sign: the state itself, and a challenge with it. */
static void answer_state(struct writer *w, const struct hash *channel, const struct channel_state *state)
{
    struct buffer bytes CLEANUP(buffer_close) = { 0 };
    struct hash hash, challenge;

    channel_state_encode(state, &bytes);
    channel_state_hash(channel, state, &hash);
    channel_challenge_hash(channel, &hash, &challenge);
    writer_object_begin(w);
    writer_member_hex(w, "state", bytes.data, bytes.size);
    writer_member_hex(w, "hash", hash.bytes, sizeof(hash.bytes));
    writer_member_hex(w, "challenge_hash", challenge.bytes, sizeof(challenge.bytes));
    writer_object_end(w);
}

static enum status encode_state(struct query *q, const void *params, struct writer *w)
{
    const struct encode_state *p = params;
    struct channel_state state = { .turn = p->turn, .final = p->final, .data = p->data }, again;
    struct buffer bytes CLEANUP(buffer_close) = { 0 };
    struct arena arena CLEANUP(arena_close);
    struct error error;
    enum status status;

    arena_init(&arena);
    status = outcome_from_form(&p->outcome, &arena, &state, &error);
    if (status == OK) {
        channel_state_encode(&state, &bytes);
        status = channel_state_decode(buffer_bytes(&bytes), &arena, &again, &error);
    }
    if (status != OK)
        return query_fail(q, status, "%s", error.message);
    answer_state(w, &p->channel, &state);
    return OK;
}

struct decode_state {
    struct hash channel;
    struct bytes state;
};

static const struct param decode_state_params[] = {
    PARAM(struct decode_state, channel, HASH, REQUIRED, "whose state it is"),
    PARAM(struct decode_state, state, BYTES, REQUIRED, "its encoding as hex", .most = CHANNEL_ENCODING_MAX),
};

static enum status decode_state(struct query *q, const void *params, struct writer *w)
{
    const struct decode_state *p = params;
    struct arena arena CLEANUP(arena_close);
    struct channel_state state;
    struct error error;
    enum status status;

    arena_init(&arena);
    status = channel_state_decode(p->state, &arena, &state, &error);
    if (status != OK)
        return query_fail(q, status, "%s", error.message);
    state_write(w, &p->channel, &state);
    return OK;
}

/* --- the list --------------------------------------------------------------------------------- */
#define EXAMPLE_ID "4bb06f8e4e3a7715d201d573d0aa423762e55dabd61a2c02278fa56cc6d294e0"

const struct query_method channel_queries[CHANNEL_QUERIES] = {
    { "channel.get", ACCESS_PUBLIC, one_channel, PARAMS(struct one_channel, one_channel_params),
      .help = "One channel as the ledger has it.", .result = "mode, record, holdings, state, what is owed",
      .example = "channel=" EXAMPLE_ID },
    { "channel.list", ACCESS_PUBLIC, channels, PARAMS(struct channels, channels_params),
      .help = "Channels that the ledger knows, in order of registration.", .result = "{items, next}",
      .example = "account=alice" },
    { "channel.applications", ACCESS_PUBLIC, applications, NO_PARAMS,
      .help = "The applications that a channel can run.", .result = "list of {name, help}",
      .example = "", .detached = true },
    { "channel.case", ACCESS_PUBLIC, one_case, PARAMS(struct one_channel, one_channel_params),
      .help = "A channel's arbitration case with its evidence.", .result = "state, claim, evidence, award",
      .example = "channel=" EXAMPLE_ID },
    { "channel.preimage", ACCESS_PUBLIC, one_preimage, PARAMS(struct one_preimage, preimage_params),
      .help = "A preimage that was shown to the ledger, by its hash.", .result = "preimage, time, event",
      .example = "hash=66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925" },
    { "channel.encode", ACCESS_PUBLIC, encode, PARAMS(struct fixed_form, fixed_form_params),
      .help = "The encoding of a channel's fixed part, and its id; nothing is stored.",
      .result = "channel, fixed, holding", .detached = true },
    { "channel.encode_state", ACCESS_PUBLIC, encode_state, PARAMS(struct encode_state, encode_state_params),
      .help = "The encoding of a state, and the hashes to sign; nothing is stored.",
      .result = "state, hash, challenge_hash", .detached = true },
    { "channel.decode_state", ACCESS_PUBLIC, decode_state, PARAMS(struct decode_state, decode_state_params),
      .help = "What an encoded state says.", .result = "turn, final, hash, outcome, data",
      .detached = true },
};
