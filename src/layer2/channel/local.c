/* Channels as this node's participants see them: see local.h. */
#include "layer2/channel/local.h"

#include <string.h>

static void bind_hash(struct statement *s, const struct hash *hash)
{
    bind_blob(s, hash->bytes, sizeof(hash->bytes));
}

const char *countersign_policy_name(enum countersign_policy policy)
{
    static const char *const names[] = { "never", "safe", "always" };

    return names[policy];
}

/* --- the row ---------------------------------------------------------------------------------- */
static void read_fixed(struct bytes encoding, struct arena *arena, struct channel_fixed *fixed)
{
    struct error error;
    enum status status = channel_fixed_read(encoding, arena, fixed, &error);

    INVARIANT(status == OK, "a stored fixed part does not decode: %s", error.message);
}

static void read_state(struct statement *s, const char *column, const char *hash_column, struct arena *arena,
                       const struct hash *id, bool *present, struct signed_state *state)
{
    struct error error;
    enum status status;

    *present = !column_is_null(s, column);
    if (!*present)
        return;
    status = channel_state_read(column_blob(s, column), arena, &state->state, &error);
    INVARIANT(status == OK, "a stored state does not decode: %s", error.message);
    if (column_is_null(s, hash_column)) /* of before the column was there */
        channel_state_hash(id, &state->state, &state->hash);
    else
        column_fixed(s, hash_column, state->hash.bytes, sizeof(state->hash.bytes));
}

static void read_parents(struct bytes ids, struct local_channel *channel)
{
    channel->parent_count = ids.size / sizeof(channel->parents[0]);
    INVARIANT(channel->parent_count <= PARENTS_MAX, "a channel has %zu parents", channel->parent_count);
    if (ids.size > 0)
        memcpy(channel->parents, ids.data, ids.size);
}

static uint32_t read_signers(struct database *database, const struct hash *id,
                             const struct signed_state *state)
{
    struct statement *s = statement(database, "SELECT participant FROM channel_signature"
                                              " WHERE channel = ? AND turn = ? AND hash = ?");
    uint32_t mask = 0;

    bind_hash(s, id);
    bind_integer(s, (int64_t)state->state.turn);
    bind_hash(s, &state->hash);
    while (statement_row(s))
        mask |= UINT32_C(1) << column_integer(s, "participant");
    return mask;
}

bool local_is_withdrawing(const struct local_channel *channel)
{
    return channel->has_staged && channel->withdrawal == channel->staged.state.turn &&
           channel->withdrawal != 0;
}

bool local_read(struct database *database, const struct hash *id, struct arena *arena,
                struct local_channel *channel)
{
    struct statement *s = statement(database, "SELECT fixed, phase, supported, staged, staged_by, next_turn,"
                                              " parents, wants_signature, phase_before, challenging,"
                                              " expires_us, overdue_us, supported_hash, staged_hash,"
                                              " (SELECT turn FROM channel_withdrawal WHERE channel = id)"
                                              " AS withdrawal FROM channel_local WHERE id = ?");
    struct error error;
    enum status status;

    bind_hash(s, id);
    if (!statement_row(s))
        return false;
    memset(channel, 0, sizeof(*channel));
    channel->id = *id;
    read_fixed(column_blob(s, "fixed"), arena, &channel->fixed);
    channel->phase = (enum channel_phase)column_integer(s, "phase");
    channel->phase_before = (enum channel_phase)column_integer(s, "phase_before");
    channel->challenging = (uint64_t)column_integer(s, "challenging");
    channel->expires_us = column_is_null(s, "expires_us") ? 0 : column_integer(s, "expires_us");
    channel->overdue_us = column_is_null(s, "overdue_us") ? 0 : column_integer(s, "overdue_us");
    read_state(s, "supported", "supported_hash", arena, id, &channel->has_supported, &channel->supported);
    read_state(s, "staged", "staged_hash", arena, id, &channel->has_staged, &channel->staged);
    channel->staged_by = channel->has_staged ? (size_t)column_integer(s, "staged_by") : 0;
    channel->next_turn = (uint64_t)column_integer(s, "next_turn");
    channel->wants_signature = column_integer(s, "wants_signature") != 0;
    read_parents(column_blob(s, "parents"), channel);
    channel->withdrawal = column_is_null(s, "withdrawal") ? 0 : (uint64_t)column_integer(s, "withdrawal");
    statement_finish(s);
    if (channel->has_supported)
        channel->supported.signed_by = read_signers(database, id, &channel->supported);
    if (channel->has_staged)
        channel->staged.signed_by = read_signers(database, id, &channel->staged);
    status = application_find(channel->fixed.application, &channel->application, &error);
    INVARIANT(status == OK, "a stored channel has an application that is not there");
    return true;
}

bool local_read_fixed(struct database *database, const struct hash *id, struct arena *arena,
                      struct channel_fixed *fixed)
{
    struct statement *s = statement(database, "SELECT fixed FROM channel_local WHERE id = ?");

    bind_hash(s, id);
    if (!statement_row(s))
        return false;
    read_fixed(column_blob(s, "fixed"), arena, fixed);
    statement_finish(s);
    return true;
}

void local_insert(struct database *database, const struct local_channel *channel, int64_t now_us,
                  uint64_t seq)
{
    struct statement *s = statement(database,
        "INSERT INTO channel_local (id, fixed, phase, next_turn, parents, changed_us, created_seq, proposer)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
    struct buffer fixed CLEANUP(buffer_close) = { 0 };

    channel_fixed_encode(&channel->fixed, &fixed);
    bind_hash(s, &channel->id);
    bind_blob(s, fixed.data, fixed.size);
    bind_integer(s, channel->phase);
    bind_integer(s, (int64_t)channel->next_turn);
    bind_blob(s, channel->parents, channel->parent_count * sizeof(channel->parents[0]));
    bind_integer(s, now_us);
    bind_integer(s, (int64_t)seq);
    bind_blob(s, channel->fixed.participants[channel->staged_by].bytes, sizeof(struct account_id));
    (void)statement_run(s);
}

static void bind_time(struct statement *s, int64_t time_us)
{
    if (time_us == 0)
        bind_null(s);
    else
        bind_integer(s, time_us);
}

static void bind_state(struct statement *s, bool present, const struct signed_state *state,
                       struct buffer *bytes)
{
    if (!present) {
        bind_null(s);
        return;
    }
    channel_state_encode(&state->state, bytes);
    bind_blob(s, bytes->data, bytes->size);
}

void local_write(struct database *database, const struct local_channel *channel, int64_t now_us)
{
    struct statement *s = statement(database,
        "UPDATE channel_local SET phase = ?, supported = ?, staged = ?, staged_by = ?, next_turn = ?,"
        " changed_us = ?, wants_signature = ?, phase_before = ?, challenging = ?,"
        " expires_us = ?, overdue_us = ?, supported_hash = ?, staged_hash = ? WHERE id = ?");
    struct buffer supported CLEANUP(buffer_close) = { 0 };
    struct buffer staged CLEANUP(buffer_close) = { 0 };

    bind_integer(s, channel->phase);
    bind_state(s, channel->has_supported, &channel->supported, &supported);
    bind_state(s, channel->has_staged, &channel->staged, &staged);
    if (channel->has_staged)
        bind_integer(s, (int64_t)channel->staged_by);
    else
        bind_null(s);
    bind_integer(s, (int64_t)channel->next_turn);
    bind_integer(s, now_us);
    bind_integer(s, channel->wants_signature);
    bind_integer(s, channel->phase_before);
    bind_integer(s, (int64_t)channel->challenging);
    bind_time(s, channel->phase <= PHASE_FUNDING ? channel->expires_us : 0);
    bind_time(s, channel->has_staged ? channel->overdue_us : 0);
    bind_blob(s, channel->has_supported ? channel->supported.hash.bytes : NULL, sizeof(struct hash));
    bind_blob(s, channel->has_staged ? channel->staged.hash.bytes : NULL, sizeof(struct hash));
    bind_hash(s, &channel->id);
    (void)statement_run(s);
}

uint64_t local_early_count(struct database *database, const struct account_id *proposer)
{
    struct statement *s = statement(database, proposer == NULL
        ? "SELECT count(*) AS count FROM channel_local WHERE phase < 2"
        : "SELECT count(*) AS count FROM channel_local WHERE phase < 2 AND proposer = ?");
    uint64_t count;

    if (proposer != NULL)
        bind_blob(s, proposer->bytes, sizeof(proposer->bytes));
    INVARIANT(statement_row(s), "an aggregate gives one row");
    count = (uint64_t)column_integer(s, "count");
    statement_finish(s);
    return count;
}

/* --- signatures ------------------------------------------------------------------------------- */
void local_sign(struct database *database, const struct hash *id, uint64_t turn, size_t participant,
                const struct hash *hash, const struct signature *signature)
{
    struct statement *s =
        statement(database, "INSERT INTO channel_signature (channel, turn, participant, hash,"
                            " signature) VALUES (?, ?, ?, ?, ?)");

    bind_hash(s, id);
    bind_integer(s, (int64_t)turn);
    bind_integer(s, (int64_t)participant);
    bind_hash(s, hash);
    bind_blob(s, signature->bytes, sizeof(signature->bytes));
    (void)statement_run(s);
}

bool local_signature(struct database *database, const struct hash *id, uint64_t turn, size_t participant,
                     struct hash *hash, struct signature *signature)
{
    struct statement *s = statement(database, "SELECT hash, signature FROM channel_signature"
                                              " WHERE channel = ? AND turn = ? AND participant = ?");

    bind_hash(s, id);
    bind_integer(s, (int64_t)turn);
    bind_integer(s, (int64_t)participant);
    if (!statement_row(s))
        return false;
    column_fixed(s, "hash", hash->bytes, sizeof(hash->bytes));
    column_fixed(s, "signature", signature->bytes, sizeof(signature->bytes));
    statement_finish(s);
    return true;
}

bool local_has_signed(struct database *database, const struct hash *id, size_t participant, uint64_t above,
                      uint64_t below)
{
    struct statement *s = statement(database, "SELECT 1 FROM channel_signature WHERE channel = ? AND turn > ?"
                                              " AND turn < ? AND participant = ? LIMIT 1");
    bool has_signed;

    bind_hash(s, id);
    bind_integer(s, (int64_t)above);
    bind_integer(s, (int64_t)below);
    bind_integer(s, (int64_t)participant);
    has_signed = statement_row(s);
    if (has_signed)
        statement_finish(s);
    return has_signed;
}

void local_forget_signatures(struct database *database, const struct hash *id, uint64_t below_turn)
{
    struct statement *s =
        statement(database, "DELETE FROM channel_signature WHERE channel = ? AND turn < ?");

    bind_hash(s, id);
    bind_integer(s, (int64_t)below_turn);
    (void)statement_run(s);
}

bool local_equivocation(struct database *database, const struct hash *id, uint64_t turn, size_t participant,
                        const struct hash *first_hash, const struct signature *first,
                        const struct hash *second_hash, const struct signature *second, uint64_t seq)
{
    struct statement *s = statement(database,
        "INSERT OR IGNORE INTO channel_equivocation (channel, turn, participant, first_hash, first,"
        " second_hash, second, seq) VALUES (?, ?, ?, ?, ?, ?, ?, ?)");

    bind_hash(s, id);
    bind_integer(s, (int64_t)turn);
    bind_integer(s, (int64_t)participant);
    bind_hash(s, first_hash);
    bind_blob(s, first->bytes, sizeof(first->bytes));
    bind_hash(s, second_hash);
    if (second != NULL)
        bind_blob(s, second->bytes, sizeof(second->bytes));
    else
        bind_blob(s, "", 0);
    bind_integer(s, (int64_t)seq);
    return statement_run(s) == 1;
}

/* --- policies --------------------------------------------------------------------------------- */
enum countersign_policy local_policy(struct database *database, const struct account_id *account,
                                     const struct hash *channel)
{
    static const struct hash every;
    struct statement *s = statement(database, "SELECT policy FROM channel_policy WHERE account = ?1"
                                              " AND channel IN (?2, ?3) ORDER BY channel = ?3 LIMIT 1");
    enum countersign_policy policy = COUNTERSIGN_SAFE;

    bind_blob(s, account->bytes, sizeof(account->bytes));
    bind_hash(s, channel);
    bind_hash(s, &every);
    if (statement_row(s)) {
        policy = (enum countersign_policy)column_integer(s, "policy");
        statement_finish(s);
    }
    return policy;
}

void local_set_policy(struct database *database, const struct account_id *account, const struct hash *channel,
                      enum countersign_policy policy)
{
    struct statement *s = statement(database,
        "INSERT INTO channel_policy (account, channel, policy) VALUES (?, ?, ?)"
        " ON CONFLICT (account, channel) DO UPDATE SET policy = excluded.policy");

    bind_blob(s, account->bytes, sizeof(account->bytes));
    bind_hash(s, channel);
    bind_integer(s, policy);
    (void)statement_run(s);
}
