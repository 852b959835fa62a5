/* What waits for others: see waiting.h. */
#include "layer2/channel/waiting.h"

#include "base/clock.h"
#include "layer2/channel/party.h"

#define HOUR_US (3600 * MICROSECONDS_PER_SECOND)
#define SIGNATURES_US (24 * HOUR_US)  /* for turn 0's */
#define FUNDS_US (7 * 24 * HOUR_US)   /* for the first deposit */
#define STAGED_US (10 * 60 * MICROSECONDS_PER_SECOND)
#define SWEEP_MOST 200                /* channels a sweep, of each kind */

/* --- time runs -------------------------------------------------------------------------------- */
static int64_t due(struct execution *x, int64_t window_us)
{
    int64_t due_us = execution_time(x) + execution_window(x, window_us);

    sweep_request(x, CHANNEL_WAITING, due_us);
    return due_us;
}

void waiting_for_signatures(struct execution *x, struct local_channel *c)
{
    c->expires_us = due(x, SIGNATURES_US);
}

void waiting_for_funds(struct execution *x, struct local_channel *c)
{
    c->expires_us = due(x, FUNDS_US);
}

void waiting_as_staged(struct execution *x, struct local_channel *c)
{
    c->overdue_us = due(x, STAGED_US);
}

enum status waiting_room(struct execution *x, const struct account_id *proposer)
{
    if (local_early_count(execution_database(x), proposer) >= EARLY_CHANNELS_EACH_MAX)
        return fail(x, ERROR_LIMIT, "%d channels of this proposer wait for signatures or funds already",
                    EARLY_CHANNELS_EACH_MAX);
    if (local_early_count(execution_database(x), NULL) >= EARLY_CHANNELS_MAX)
        return fail(x, ERROR_LIMIT, "%d channels wait for signatures or funds already", EARLY_CHANNELS_MAX);
    return OK;
}

/* --- it is over ------------------------------------------------------------------------------- */
/* What has some money in it waits as long as it takes. */
static void expire(struct execution *x, struct local_channel *c)
{
    c->expires_us = 0;
    if (c->phase == PHASE_PROPOSED || !party_has_funds(x, c)) {
        event_channel_expired(x, &(struct event_channel_expired){ .channel = c->id,
                                                                  .phase = channel_phase_name(c->phase) });
        party_move(x, c, LIFE_EXPIRE);
        c->has_staged = false;
        c->wants_signature = false;
    }
    local_write(execution_database(x), c, execution_time(x));
    party_wake_application(x, c, PARTY_NOBODY);
}

static void tell_overdue(struct execution *x, struct local_channel *c)
{
    c->overdue_us = 0; /* once */
    if (c->has_staged)
        event_channel_overdue(x, &(struct event_channel_overdue){
            .channel = c->id, .turn = c->staged.state.turn, .by = c->fixed.participants[c->staged_by],
            .hash = c->staged.hash });
    local_write(execution_database(x), c, execution_time(x));
}

static void each_due(struct execution *x, const char *sql,
                     void (*act)(struct execution *x, struct local_channel *channel))
{
    struct statement *s = statement(execution_database(x), sql);
    struct hash ids[SWEEP_MOST];
    size_t count = 0;

    bind_integer(s, execution_time(x));
    bind_integer(s, SWEEP_MOST);
    while (statement_row(s))
        column_fixed(s, "id", ids[count++].bytes, sizeof(ids[0].bytes));
    for (size_t i = 0; i < count; i++) {
        struct arena arena CLEANUP(arena_close);
        struct local_channel c;

        arena_init(&arena);
        if (local_read(execution_database(x), &ids[i], &arena, &c))
            act(x, &c);
    }
}

static int64_t next_due(struct database *database)
{
    struct statement *s = statement(database,
        "SELECT min(due_us) AS due_us FROM ("
        "SELECT min(expires_us) AS due_us FROM channel_local WHERE expires_us IS NOT NULL UNION ALL "
        "SELECT min(overdue_us) FROM channel_local WHERE overdue_us IS NOT NULL UNION ALL "
        "SELECT min(expires_us) FROM tower_appointment WHERE expires_us IS NOT NULL)");
    int64_t due_us;

    INVARIANT(statement_row(s), "an aggregate gives one row");
    due_us = column_is_null(s, "due_us") ? INT64_MAX : column_integer(s, "due_us");
    statement_finish(s);
    return due_us;
}

int64_t waiting_sweep(struct execution *x)
{
    each_due(x, "SELECT id FROM channel_local WHERE expires_us <= ? ORDER BY expires_us LIMIT ?", expire);
    each_due(x, "SELECT id FROM channel_local WHERE overdue_us <= ? ORDER BY overdue_us LIMIT ?",
             tell_overdue);
    tower_expire(x, SWEEP_MOST);
    return next_due(execution_database(x));
}
