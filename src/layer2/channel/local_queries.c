/* What people may ask about the channels of this node: see local_queries.h. */
#include "layer2/channel/local_queries.h"

#include <string.h>

#include "base/bech32.h"
#include "kernel/page.h"
#include "kernel/query.h"
#include "layer2/channel/forms.h"
#include "layer2/channel/party.h"
#include "layer2/channel/record.h"
#include "layer2/channel/withdrawal.h"

/* --- channel.status --------------------------------------------------------------------------- */
struct one_local { struct hash channel; };

static const struct param one_local_params[] = {
    PARAM(struct one_local, channel, HASH, REQUIRED, "its id"),
};

static void write_signed(struct writer *w, struct database *database, const struct local_channel *c,
                         const char *key, const struct signed_state *state)
{
    struct buffer bytes CLEANUP(buffer_close) = { 0 };
    struct hash challenge;

    channel_state_encode(&state->state, &bytes);
    channel_challenge_hash(&c->id, &state->hash, &challenge);
    writer_key(w, key);
    writer_object_begin(w);
    writer_key(w, "says");
    state_write(w, &c->id, &state->state);
    writer_member_hex(w, "state", bytes.data, bytes.size);
    writer_member_hex(w, "hash", state->hash.bytes, sizeof(state->hash.bytes));
    writer_member_hex(w, "challenge_hash", challenge.bytes, sizeof(challenge.bytes));
    party_write_signatures(database, c, state, w);
    writer_object_end(w);
}

/* Who must still sign what waits. */
static void write_missing(struct writer *w, const struct local_channel *c)
{
    char address[ADDRESS_TEXT_MAX];

    writer_key(w, "missing");
    writer_array_begin(w);
    for (size_t i = 0; i < c->fixed.participant_count; i++) {
        if ((c->staged.signed_by >> i & 1) != 0)
            continue;
        address_encode(address, &c->fixed.participants[i]);
        writer_text(w, address);
    }
    writer_array_end(w);
}

static uint64_t held_of(struct database *database, const struct channel_record *record, size_t asset)
{
    struct statement *s = statement(database,
        "SELECT amount FROM balance WHERE domain = 0 AND account = ? AND asset = ?");
    uint64_t amount = 0;

    bind_blob(s, record->holding.bytes, sizeof(record->holding.bytes));
    bind_blob(s, record->fixed.assets[asset].bytes, sizeof(record->fixed.assets[asset].bytes));
    if (statement_row(s)) {
        amount = (uint64_t)column_integer(s, "amount");
        statement_finish(s);
    }
    return amount;
}

/* Participants pay in in their order, each what turn 0 gives him: safe once all before him have paid. */
static void write_deposits(struct writer *w, struct database *database, const struct local_channel *c)
{
    struct arena arena CLEANUP(arena_close);
    struct channel_record record;
    char address[ADDRESS_TEXT_MAX];

    arena_init(&arena);
    if (c->phase != PHASE_FUNDING || c->parent_count > 0 ||
        !record_read(database, &c->id, &arena, &record))
        return;
    writer_key(w, "deposits");
    writer_array_begin(w);
    for (unsigned asset = 0; asset < c->fixed.asset_count; asset++) {
        uint64_t held = held_of(database, &record, asset), before = 0;

        for (size_t i = 0; i < c->fixed.participant_count; i++) {
            uint64_t share = channel_outcome_simple(&c->supported.state, asset, &c->fixed.participants[i]);

            if (share > 0 && held < before + share) {
                address_encode(address, &c->fixed.participants[i]);
                writer_object_begin(w);
                writer_member_text(w, "from", address);
                writer_member_hex(w, "asset", c->fixed.assets[asset].bytes,
                                  sizeof(c->fixed.assets[asset].bytes));
                writer_member_unsigned(w, "amount", before + share - (held > before ? held : before));
                writer_member_unsigned(w, "expected_held", held > before ? held : before);
                writer_member_boolean(w, "safe", held >= before);
                writer_object_end(w);
            }
            before += share;
        }
    }
    writer_array_end(w);
}

static void write_parents(struct writer *w, const struct local_channel *c)
{
    writer_key(w, "parents");
    writer_array_begin(w);
    for (size_t i = 0; i < c->parent_count; i++)
        writer_hex(w, c->parents[i].bytes, sizeof(c->parents[i].bytes));
    writer_array_end(w);
}

static enum status one_local(struct query *q, const void *params, struct writer *w)
{
    const struct one_local *p = params;
    struct arena arena CLEANUP(arena_close);
    struct local_channel c;
    char hex[2 * sizeof(p->channel.bytes) + 1];

    arena_init(&arena);
    if (!local_read(q->database, &p->channel, &arena, &c)) {
        hex_text(hex, p->channel.bytes, sizeof(p->channel.bytes));
        return query_fail(q, ERROR_CHANNEL_NOT_FOUND, "this node does not take part in a channel %s", hex);
    }
    writer_object_begin(w);
    writer_member_hex(w, "channel", c.id.bytes, sizeof(c.id.bytes));
    writer_member_text(w, "phase", channel_phase_name(c.phase));
    writer_member_unsigned(w, "next_turn", c.next_turn);
    write_parents(w, &c);
    writer_key(w, "fixed");
    fixed_write(w, &c.fixed);
    if (c.has_supported)
        write_signed(w, q->database, &c, "supported", &c.supported);
    if (c.has_staged) {
        write_signed(w, q->database, &c, "staged", &c.staged);
        withdrawal_write(w, q->database, &c);
        write_missing(w, &c);
    }
    write_deposits(w, q->database, &c);
    writer_object_end(w);
    return OK;
}

/* --- channel.mine ----------------------------------------------------------------------------- */
struct mine { uint64_t after, limit; };

static const struct param mine_params[] = {
    PARAM(struct mine, after, INTEGER, OPTIONAL, "only channels proposed after the event with this seq"),
    PARAM(struct mine, limit, INTEGER, OPTIONAL, PAGE_LIMIT_HELP),
};

static enum status mine(struct query *q, const void *params, struct writer *w)
{
    const struct mine *p = params;
    struct statement *s =
        statement(q->database, "SELECT id, phase, next_turn, created_seq, staged IS NOT NULL"
                               " AS staged FROM channel_local WHERE created_seq > ?"
                               " ORDER BY created_seq LIMIT ?");
    struct page page;
    int64_t last = 0;

    bind_integer(s, (int64_t)p->after);
    page_bind(s, p->limit);
    page = page_begin(w, p->limit);
    while (page_row(&page, s)) {
        writer_object_begin(w);
        write_column_hex(w, s, "id");
        writer_member_text(w, "phase", channel_phase_name((enum channel_phase)column_integer(s, "phase")));
        write_column_integer(w, s, "next_turn");
        writer_member_boolean(w, "staged", column_integer(s, "staged") != 0);
        write_column_integer(w, s, "created_seq");
        writer_object_end(w);
        last = column_integer(s, "created_seq");
    }
    page_end_integer(&page, last);
    return OK;
}

/* --- channel.export --------------------------------------------------------------------------- */
#define EXPORT_BYTES_MAX ((size_t)4 << 20) /* a page, about */

static const struct param export_params[] = {
    PARAM(struct mine, after, INTEGER, OPTIONAL, "only channels proposed after the event with this seq"),
    PARAM(struct mine, limit, INTEGER, OPTIONAL, PAGE_LIMIT_HELP),
};

static void write_backup(struct query *q, const struct hash *id, int64_t created_seq, struct writer *w)
{
    struct arena arena CLEANUP(arena_close);
    struct buffer fixed CLEANUP(buffer_close) = { 0 };
    struct buffer state CLEANUP(buffer_close) = { 0 };
    struct local_channel c;

    arena_init(&arena);
    if (!local_read(q->database, id, &arena, &c) || c.supported.signed_by == 0)
        return; /* the ledger has it, and no signatures on it are here */
    channel_fixed_encode(&c.fixed, &fixed);
    channel_state_encode(&c.supported.state, &state);
    writer_object_begin(w);
    writer_member_hex(w, "channel", id->bytes, sizeof(id->bytes));
    writer_member_integer(w, "created_seq", created_seq);
    writer_member_unsigned(w, "turn", c.supported.state.turn);
    writer_member_hex(w, "fixed", fixed.data, fixed.size);
    writer_key(w, "states");
    writer_array_begin(w);
    writer_object_begin(w);
    writer_member_hex(w, "state", state.data, state.size);
    party_write_signatures(q->database, &c, &c.supported, w);
    writer_object_end(w);
    writer_array_end(w);
    writer_object_end(w);
}

static enum status export_channels(struct query *q, const void *params, struct writer *w)
{
    const struct mine *p = params;
    struct statement *s = statement(q->database,
        "SELECT id, created_seq FROM channel_local WHERE created_seq > ? AND supported IS NOT NULL"
        " AND phase NOT IN (8, 9) AND EXISTS (SELECT 1 FROM channel_signature WHERE channel = id)"
        " ORDER BY created_seq LIMIT ?");
    size_t begin = w->out->size;
    struct page page;
    int64_t last = 0;

    bind_integer(s, (int64_t)p->after);
    page_bind(s, p->limit);
    page = page_begin(w, p->limit);
    while (page_row(&page, s)) {
        struct hash id;

        column_fixed(s, "id", id.bytes, sizeof(id.bytes));
        last = column_integer(s, "created_seq");
        write_backup(q, &id, last, w);
        if (w->out->size - begin > EXPORT_BYTES_MAX)
            page.left = 0;
    }
    page_end_integer(&page, last);
    return OK;
}

/* --- tower.list ------------------------------------------------------------------------------- */
static const struct param tower_params[] = {
    PARAM(struct mine, after, INTEGER, OPTIONAL, "only appointments behind this number"),
    PARAM(struct mine, limit, INTEGER, OPTIONAL, PAGE_LIMIT_HELP),
};

static enum status tower_list(struct query *q, const void *params, struct writer *w)
{
    const struct mine *p = params;
    struct statement *s =
        statement(q->database, "SELECT channel, turn, number, updated_us FROM tower_appointment"
                               " WHERE number > ? ORDER BY number LIMIT ?");
    struct page page;
    int64_t last = 0;

    bind_integer(s, (int64_t)p->after);
    page_bind(s, p->limit);
    page = page_begin(w, p->limit);
    while (page_row(&page, s)) {
        writer_object_begin(w);
        write_column_hex(w, s, "channel");
        write_column_integer(w, s, "turn");
        write_column_integer(w, s, "number");
        write_column_integer(w, s, "updated_us");
        writer_object_end(w);
        last = column_integer(s, "number");
    }
    page_end_integer(&page, last);
    return OK;
}

#define EXAMPLE_ID "4bb06f8e4e3a7715d201d573d0aa423762e55dabd61a2c02278fa56cc6d294e0"

const struct query_method local_queries[LOCAL_QUERIES] = {
    { "channel.status", ACCESS_PUBLIC, one_local, PARAMS(struct one_local, one_local_params),
      .help = "One channel as its participants see it: states, signatures, who must do what next.",
      .result = "phase, supported and staged state, missing signatures, deposits",
      .example = "channel=" EXAMPLE_ID },
    { "channel.mine", ACCESS_PUBLIC, mine, PARAMS(struct mine, mine_params),
      .help = "Channels that live on this node, in order of proposal.", .result = "{items, next}",
      .example = "limit=10" },
    { "channel.export", ACCESS_OPERATOR, export_channels, PARAMS(struct mine, export_params),
      .help =
          "What must not be lost of this node's channels: their newest signed states, to be kept elsewhere.",
      .result = "{items, next}; an item's fixed and states are what 'tower.appoint' of another node takes",
      .example = "limit=10", .slow = true },
    { "tower.list", ACCESS_PUBLIC, tower_list, PARAMS(struct mine, tower_params),
      .help = "Channels that this node watches for others.", .result = "{items, next}",
      .example = "limit=10" },
};
