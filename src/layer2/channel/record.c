/* The adjudicator's rows: see record.h. */
#include "layer2/channel/record.h"

#include <string.h>

static void bind_hash(struct statement *s, const struct hash *hash)
{
    bind_blob(s, hash->bytes, sizeof(hash->bytes));
}

static void bind_account(struct statement *s, const struct account_id *account)
{
    bind_blob(s, account->bytes, sizeof(account->bytes));
}

/* --- channel ---------------------------------------------------------------------------------- */
static int64_t read_time(struct statement *s, const char *column)
{
    return column_is_null(s, column) ? NEVER_US : column_integer(s, column);
}

static void bind_time(struct statement *s, int64_t time_us)
{
    if (time_us == NEVER_US)
        bind_null(s);
    else
        bind_integer(s, time_us);
}

static void read_adjudication(struct statement *s, struct adjudication *a)
{
    *a = (struct adjudication){ .turn_record = (uint64_t)column_integer(s, "turn_record"),
                                .has_outcome = !column_is_null(s, "state"),
                                .finalizes_at_us = read_time(s, "finalizes_us"),
                                .first_challenge_us = read_time(s, "first_challenge_us"),
                                .challenger = (int)column_integer(s, "challenger"),
                                .challenge_turn = (uint64_t)column_integer(s, "challenge_turn"),
                                .cheaters = (uint32_t)column_integer(s, "cheaters"),
                                .case_state = (enum case_state)column_integer(s, "case_state"),
                                .evidence_until_us = read_time(s, "evidence_until_us") };
}

static void read_state(struct statement *s, const char *column, struct arena *arena,
                       struct channel_state *state)
{
    struct error error;
    enum status status = channel_state_read(column_blob(s, column), arena, state, &error);

    INVARIANT(status == OK, "a stored state does not decode: %s", error.message);
}

bool record_read(struct database *database, const struct hash *id, struct arena *arena,
                 struct channel_record *record)
{
    struct statement *s = statement(database,
        "SELECT fixed, holding, turn_record, state, outcome, finalizes_us, first_challenge_us,"
        " challenger, challenge_turn, cheaters, case_state, evidence_until_us FROM channel WHERE id = ?");
    struct error error;
    enum status status;

    bind_hash(s, id);
    if (!statement_row(s))
        return false;
    memset(record, 0, sizeof(*record));
    record->id = *id;
    status = channel_fixed_read(column_blob(s, "fixed"), arena, &record->fixed, &error);
    INVARIANT(status == OK, "a stored fixed part does not decode: %s", error.message);
    column_fixed(s, "holding", record->holding.bytes, sizeof(record->holding.bytes));
    read_adjudication(s, &record->a);
    if (record->a.has_outcome)
        read_state(s, "state", arena, &record->state);
    record->is_settled = !column_is_null(s, "outcome");
    if (record->is_settled)
        read_state(s, "outcome", arena, &record->outcome);
    else if (record->a.has_outcome)
        channel_state_hash(&record->id, &record->state, &record->a.state);
    statement_finish(s);
    return true;
}

bool record_exists(struct database *database, const struct hash *id)
{
    struct statement *s = statement(database, "SELECT 1 AS one FROM channel WHERE id = ?");
    bool found;

    bind_hash(s, id);
    found = statement_row(s);
    if (found)
        statement_finish(s);
    return found;
}

static void insert_participants(struct database *database, const struct channel_record *record)
{
    for (size_t i = 0; i < record->fixed.participant_count; i++) {
        struct statement *s = statement(
            database, "INSERT INTO channel_participant (account, channel, position) VALUES (?, ?, ?)");

        bind_account(s, &record->fixed.participants[i]);
        bind_hash(s, &record->id);
        bind_integer(s, (int64_t)i);
        (void)statement_run(s);
    }
}

void record_insert(struct database *database, const struct channel_record *record, struct bytes fixed,
                   uint64_t seq)
{
    struct statement *s = statement(database,
        "INSERT INTO channel (id, fixed, application, holding, turn_record, challenger, challenge_turn,"
        " cheaters, case_state, registered_seq) VALUES (?, ?, ?, ?, 0, -1, 0, 0, 0, ?)");

    bind_hash(s, &record->id);
    bind_blob(s, fixed.data, fixed.size);
    bind_text(s, record->fixed.application);
    bind_account(s, &record->holding);
    bind_integer(s, (int64_t)seq);
    (void)statement_run(s);
    insert_participants(database, record);
}

static void bind_state(struct statement *s, bool present, const struct channel_state *state,
                       struct buffer *bytes)
{
    if (!present) {
        bind_null(s);
        return;
    }
    channel_state_encode(state, bytes);
    bind_blob(s, bytes->data, bytes->size);
}

void record_write(struct database *database, const struct channel_record *record)
{
    struct statement *s = statement(database,
        "UPDATE channel SET turn_record = ?, state = ?, outcome = ?, finalizes_us = ?,"
        " first_challenge_us = ?, challenger = ?, challenge_turn = ?, cheaters = ?, case_state = ?,"
        " evidence_until_us = ? WHERE id = ?");
    struct buffer state CLEANUP(buffer_close) = { 0 };
    struct buffer outcome CLEANUP(buffer_close) = { 0 };
    const struct adjudication *a = &record->a;

    bind_integer(s, (int64_t)a->turn_record);
    bind_state(s, a->has_outcome, &record->state, &state);
    bind_state(s, record->is_settled, &record->outcome, &outcome);
    bind_time(s, a->finalizes_at_us);
    bind_time(s, a->first_challenge_us);
    bind_integer(s, a->challenger);
    bind_integer(s, (int64_t)a->challenge_turn);
    bind_integer(s, a->cheaters);
    bind_integer(s, a->case_state);
    bind_time(s, a->evidence_until_us);
    bind_hash(s, &record->id);
    (void)statement_run(s);
}

/* --- hash-locks ------------------------------------------------------------------------------- */
void record_lock_insert(struct database *database, const struct hash *channel, uint64_t lock,
                        const struct hash *hash, int64_t expiry_us)
{
    struct statement *s = statement(
        database, "INSERT INTO channel_hashlock (channel, lock, hash, expiry_us) VALUES (?, ?, ?, ?)");

    bind_hash(s, channel);
    bind_integer(s, (int64_t)lock);
    bind_hash(s, hash);
    bind_integer(s, expiry_us);
    (void)statement_run(s);
}

void record_lock_delete(struct database *database, const struct hash *channel, uint64_t lock)
{
    struct statement *s =
        statement(database, "DELETE FROM channel_hashlock WHERE channel = ? AND lock = ?");

    bind_hash(s, channel);
    bind_integer(s, (int64_t)lock);
    (void)statement_run(s);
}

bool record_lock_channel(struct database *database, const struct hash *hash, struct hash *channel)
{
    struct statement *s = statement(
        database, "SELECT channel FROM channel_hashlock WHERE hash = ? ORDER BY channel LIMIT 1");

    bind_hash(s, hash);
    if (!statement_row(s))
        return false;
    column_fixed(s, "channel", channel->bytes, sizeof(channel->bytes));
    statement_finish(s);
    return true;
}

size_t record_locks(struct database *database, const struct hash *channel, const struct hash *hash,
                    int64_t now_us, uint64_t locks[CHANNEL_ALLOCATIONS_MAX])
{
    struct statement *s = statement(database, "SELECT lock FROM channel_hashlock WHERE channel = ?"
                                              " AND (hash = ? OR expiry_us <= ?) ORDER BY lock");
    size_t count = 0;

    bind_hash(s, channel);
    if (hash == NULL)
        bind_null(s);
    else
        bind_hash(s, hash);
    bind_integer(s, now_us);
    while (statement_row(s)) {
        INVARIANT(count < CHANNEL_ALLOCATIONS_MAX, "a channel has more hash-locks than entries");
        locks[count++] = (uint64_t)column_integer(s, "lock");
    }
    return count;
}

/* --- preimages -------------------------------------------------------------------------------- */
bool record_preimage(struct database *database, const struct hash *hash, int64_t *revealed_us)
{
    struct statement *s = statement(database, "SELECT revealed_us FROM preimage WHERE hash = ?");

    bind_hash(s, hash);
    if (!statement_row(s))
        return false;
    *revealed_us = column_integer(s, "revealed_us");
    statement_finish(s);
    return true;
}

void record_preimage_insert(struct database *database, const struct hash *hash, const struct hash *preimage,
                            int64_t revealed_us, uint64_t seq)
{
    struct statement *s = statement(
        database, "INSERT INTO preimage (hash, preimage, revealed_us, seq) VALUES (?, ?, ?, ?)");

    bind_hash(s, hash);
    bind_hash(s, preimage);
    bind_integer(s, revealed_us);
    bind_integer(s, (int64_t)seq);
    (void)statement_run(s);
}

/* --- arbitration ------------------------------------------------------------------------------ */
void record_case_insert(struct database *database, const struct hash *channel,
                        const struct account_id *opener, const char *claim, uint64_t seq)
{
    struct statement *s =
        statement(database, "INSERT INTO channel_case (channel, opener, claim, seq) VALUES (?, ?, ?, ?)");

    bind_hash(s, channel);
    bind_account(s, opener);
    bind_text(s, claim);
    bind_integer(s, (int64_t)seq);
    (void)statement_run(s);
}

void record_case_award(struct database *database, const struct hash *channel, struct bytes award,
                       struct bytes fees)
{
    struct statement *s =
        statement(database, "UPDATE channel_case SET award = ?, fees = ? WHERE channel = ?");

    bind_blob(s, award.data, award.size);
    bind_text_sized(s, (const char *)fees.data, fees.size);
    bind_hash(s, channel);
    (void)statement_run(s);
}

uint64_t record_evidence_of(struct database *database, const struct hash *channel,
                            const struct account_id *account)
{
    struct statement *s = statement(
        database, "SELECT count(*) AS count FROM channel_evidence WHERE channel = ? AND account = ?");
    uint64_t count;

    bind_hash(s, channel);
    bind_account(s, account);
    INVARIANT(statement_row(s), "an aggregate gives one row");
    count = (uint64_t)column_integer(s, "count");
    statement_finish(s);
    return count;
}

static uint64_t evidence_count(struct database *database, const struct hash *channel)
{
    struct statement *s = statement(
        database, "SELECT coalesce(max(number), 0) AS count FROM channel_evidence WHERE channel = ?");
    uint64_t count;

    bind_hash(s, channel);
    INVARIANT(statement_row(s), "an aggregate gives one row");
    count = (uint64_t)column_integer(s, "count");
    statement_finish(s);
    return count;
}

uint64_t record_evidence_insert(struct database *database, const struct hash *channel,
                                const struct account_id *account, struct bytes body, uint64_t seq)
{
    uint64_t number = evidence_count(database, channel) + 1;
    struct statement *s = statement(
        database,
        "INSERT INTO channel_evidence (channel, number, account, body, seq) VALUES (?, ?, ?, ?, ?)");

    bind_hash(s, channel);
    bind_integer(s, (int64_t)number);
    bind_account(s, account);
    bind_blob(s, body.data, body.size);
    bind_integer(s, (int64_t)seq);
    (void)statement_run(s);
    return number;
}
