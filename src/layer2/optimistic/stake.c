/* What the watcher may put at stake: see stake.h. */
#include "layer2/optimistic/stake.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "kernel/page.h"
#include "kernel/query.h"
#include "layer2/optimistic/optimistic.h"
#include "layer2/optimistic/policy.h"
#include "layer2/optimistic/watcher.h"
#include "ledger/rows.h"

#define LOCK_US ((int64_t)WATCH_LOCK_DAYS * 24 * 3600 * MICROSECONDS_PER_SECOND)
#define ALL_OTHERS 0 /* the domain of the base ledger, which is no rollup */

const char *stake_bar_name(enum stake_bar bar)
{
    switch (bar) {
    case STAKE_FREE: return "nothing";
    case STAKE_FUNDS: return "funds";
    case STAKE_LIMIT: return "stake";
    case STAKE_LOCK: return "lock";
    case STAKE_POLICY: return "policy";
    }
    INVARIANT(false, "no such bar: %d", (int)bar);
}

int64_t stake_lock_us(const struct game_params *params)
{
    return game_longest_us(params) + params->air_gap_us + params->payout_delay_us;
}

/* --- policies --------------------------------------------------------------------------------- */
struct policy {
    bool is_there; /* a row of its own */
    bool play;
    bool has_stake;
    uint64_t max_stake;
    int64_t max_lock_us;
};

static bool read_policy(struct database *database, uint64_t domain, struct policy *policy)
{
    struct statement *s =
        statement(database, "SELECT play, max_stake, max_lock_us FROM watch_policy WHERE domain = ?");

    bind_integer(s, (int64_t)domain);
    if (!statement_row(s))
        return false;
    *policy = (struct policy){ .is_there = domain != ALL_OTHERS, .play = column_integer(s, "play") != 0,
                               .has_stake = !column_is_null(s, "max_stake"), .max_lock_us = INT64_MAX };
    if (policy->has_stake)
        policy->max_stake = (uint64_t)column_integer(s, "max_stake");
    if (!column_is_null(s, "max_lock_us"))
        policy->max_lock_us = column_integer(s, "max_lock_us");
    else if (!policy->is_there)
        policy->max_lock_us = LOCK_US;
    statement_finish(s);
    return true;
}

/* The rollup's own, or what is said of all others, or what is so where nothing is said. */
static struct policy policy_of(struct database *database, uint64_t domain)
{
    struct policy policy;

    if (!read_policy(database, domain, &policy) && !read_policy(database, ALL_OTHERS, &policy))
        policy = (struct policy){ .play = true, .max_lock_us = LOCK_US };
    return policy;
}

/* --- what is at stake ------------------------------------------------------------------------- */
struct at_stake {
    uint64_t used;     /* in the game at hand */
    uint64_t here;     /* in other games of the rollup, with what is set aside for them */
    uint64_t strangers; /* the same in all other games about rollups without a policy of their own */
    uint64_t all;      /* bonds of this asset that this account has in any game */
};

static bool is_own_batch(struct database *database, const struct hash *batch, const struct account_id *own)
{
    struct batch_row row;

    return batch_find(database, batch, &row) && account_equal(&row.proposer, own);
}

static void add_game(struct database *database, const struct account_id *own, const struct stake *stake,
                     struct statement *s, struct at_stake *sum)
{
    const uint64_t domain = (uint64_t)column_integer(s, "domain");
    uint64_t bonds = (uint64_t)column_integer(s, "bonds"), reserve;
    struct rollup rollup;
    struct hash id, batch;

    column_fixed(s, "id", id.bytes, sizeof(id.bytes));
    column_fixed(s, "batch", batch.bytes, sizeof(batch.bytes));
    if (bonds == 0 || !rollup_find(database, domain, &rollup) ||
        memcmp(rollup.bond_asset.bytes, stake->rollup->bond_asset.bytes, sizeof(struct asset_id)) != 0)
        return;
    sum->all += bonds;
    if (stake->game != NULL && hash_equal(&id, stake->game)) {
        sum->used = bonds;
        return;
    }
    rollup.game.max_depth = (unsigned)column_integer(s, "max_depth");
    reserve = policy_reserve(&rollup.game, rollup.game.max_depth);
    if (column_integer(s, "status") == GAME_RUNNING && bonds < reserve)
        bonds = reserve;
    if (domain == stake->rollup->domain)
        sum->here += bonds;
    if (!policy_of(database, domain).is_there && !is_own_batch(database, &batch, own))
        sum->strangers += bonds;
}

/* The root claim's bond was the batch's, and is none of the watcher's. */
static struct at_stake at_stake(struct database *database, const struct account_id *own,
                                const struct stake *stake)
{
    struct statement *s = statement(database,
        "SELECT id, batch, domain, max_depth, status, (SELECT coalesce(sum(bond), 0) FROM claim"
        " WHERE claimant = ? AND game = game.id AND number >= max(paid, 1)) AS bonds"
        " FROM game WHERE paid < claims");
    struct at_stake sum = { .used = 0 };

    bind_blob(s, own->bytes, sizeof(own->bytes));
    while (statement_row(s))
        add_game(database, own, stake, s, &sum);
    return sum;
}

/* --- the check -------------------------------------------------------------------------------- */
static enum stake_bar bar(struct stake *stake, enum stake_bar what, uint64_t needed, uint64_t limit)
{
    stake->needed = needed;
    stake->limit = limit;
    return what;
}

static uint64_t greater(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

enum stake_bar stake_check(struct database *database, const struct account_id *own, struct stake *stake)
{
    const struct policy policy = policy_of(database, stake->rollup->domain);
    const bool is_own = account_equal(&stake->batch->proposer, own);
    const bool limited = policy.is_there || !is_own;
    const struct at_stake sum = at_stake(database, own, stake);
    const bool enters = sum.used == 0;
    struct game_params params = stake->rollup->game;
    uint64_t reserve, wanted, due, half;
    int64_t lock_us;

    params.max_depth = stake->max_depth;
    params.split_depth = BATCH_SPLIT_DEPTH(stake->max_depth);
    reserve = policy_reserve(&params, stake->max_depth);
    wanted = greater(reserve, sum.used + stake->bond);
    lock_us = stake_lock_us(&params);
    stake->held = row_balance_read(database, DOMAIN_BASE, own, &stake->rollup->bond_asset);
    if (limited && enters && !policy.play)
        return bar(stake, STAKE_POLICY, wanted, 0);
    if (limited && enters && lock_us > policy.max_lock_us)
        return bar(stake, STAKE_LOCK, (uint64_t)lock_us, (uint64_t)policy.max_lock_us);
    due = enters && !is_own ? wanted : stake->bond;
    if (stake->held < due)
        return bar(stake, STAKE_FUNDS, due, stake->held);
    if (limited && policy.has_stake && sum.here + wanted > policy.max_stake)
        return bar(stake, STAKE_LIMIT, sum.here + wanted, policy.max_stake);
    half = (stake->held + sum.all) / WATCH_SHARE;
    if (limited && !policy.is_there && sum.strangers + wanted > half)
        return bar(stake, STAKE_LIMIT, sum.strangers + wanted, half);
    return STAKE_FREE;
}

/* --- watch.policy ----------------------------------------------------------------------------- */
struct policy_change {
    uint64_t domain;
    bool play, reset;
    uint64_t max_stake;
    int64_t max_lock;
};

static const struct param policy_change_params[] = {
    PARAM(struct policy_change, domain, INTEGER, OPTIONAL, "the rollup's number; all without a policy when 0",
          .fallback = ALL_OTHERS),
    PARAM(struct policy_change, play, BOOLEAN, OPTIONAL, "whether to play in games about its batches",
          .fallback = true),
    PARAM(struct policy_change, max_stake, AMOUNT, OPTIONAL,
          "at stake in all its games together, of the bonds' asset; when absent, what the account has, or of "
          "all rollups without a policy, half of that"),
    PARAM(struct policy_change, max_lock, DURATION, OPTIONAL,
          "how long a bond may be held at most, chain time; when absent, any, or of all others, 30 days",
          .fallback = NOT_GIVEN),
    PARAM(struct policy_change, reset, BOOLEAN, OPTIONAL, "forget what was said of it", .fallback = false),
};

static void write_policy(struct database *database, const struct policy_change *p)
{
    struct statement *s = statement(database, "DELETE FROM watch_policy WHERE domain = ?");

    bind_integer(s, (int64_t)p->domain);
    (void)statement_run(s);
    if (p->reset)
        return;
    s = statement(database, "INSERT INTO watch_policy (domain, play, max_stake, max_lock_us)"
                            " VALUES (?, ?, ?, ?)");
    bind_integer(s, (int64_t)p->domain);
    bind_integer(s, p->play);
    if (p->max_stake == 0)
        bind_null(s);
    else
        bind_integer(s, (int64_t)p->max_stake);
    if (p->max_lock == (int64_t)NOT_GIVEN)
        bind_null(s);
    else
        bind_integer(s, p->max_lock);
    (void)statement_run(s);
}

static void show(struct writer *w, uint64_t domain, const struct policy *policy)
{
    writer_object_begin(w);
    writer_member_unsigned(w, "domain", domain);
    writer_member_boolean(w, "own", policy->is_there);
    writer_member_boolean(w, "play", policy->play);
    if (policy->has_stake)
        writer_member_unsigned(w, "max_stake", policy->max_stake);
    if (policy->max_lock_us != INT64_MAX)
        writer_member_integer(w, "max_lock_us", policy->max_lock_us);
    writer_object_end(w);
}

static void look_anew(struct kernel *kernel, void *context)
{
    (void)context;
    watcher_forget(kernel);
}

static void nothing(void *context)
{
    (void)context;
}

static enum status change_policy(struct execution *x, const void *params, struct writer *result)
{
    const struct policy_change *p = params;
    struct policy policy;
    struct rollup rollup;

    if (p->domain != ALL_OTHERS && !rollup_find(execution_database(x), p->domain, &rollup))
        return fail(x, ERROR_ROLLUP_NOT_FOUND, "there is no rollup %" PRIu64, p->domain);
    write_policy(execution_database(x), p);
    sweep_request(x, WATCHER_SWEEP, execution_time(x));
    execution_after_commit(x, look_anew, nothing, NULL);
    policy = policy_of(execution_database(x), p->domain);
    show(result, p->domain, &policy);
    return OK;
}

static const struct command watch_commands[] = {
    { "watch.policy", SCOPE_LOCAL, ACCESS_OPERATOR, change_policy,
      PARAMS(struct policy_change, policy_change_params),
      .help = "Say whether, and how far, this node plays in games about a rollup's batches.",
      .result = "the policy as it is now: play, max_stake, max_lock_us",
      .example = "domain=1 max_stake=100000 max_lock=14d" },
};

/* --- watch.policies --------------------------------------------------------------------------- */
static enum status policies(struct query *q, const void *params, struct writer *w)
{
    const struct policy others = policy_of(q->database, ALL_OTHERS);
    struct statement *s = statement(q->database, "SELECT domain FROM watch_policy WHERE domain <> 0"
                                                 " ORDER BY domain LIMIT ?");

    (void)params;
    bind_integer(s, PAGE_LIMIT_MAX);
    writer_array_begin(w);
    show(w, ALL_OTHERS, &others);
    while (statement_row(s)) {
        const uint64_t domain = (uint64_t)column_integer(s, "domain");
        const struct policy policy = policy_of(q->database, domain);

        show(w, domain, &policy);
    }
    writer_array_end(w);
    return OK;
}

static const struct query_method watch_queries[] = {
    { "watch.policies", ACCESS_OPERATOR, policies, NO_PARAMS,
      .help = "In which rollups' games this node plays, and how far; domain 0: all that are not named.",
      .result = "list of {domain, own, play, max_stake, max_lock_us}", .example = "" },
};

const struct module watch_module = {
    .name = "watch",
    .help = "What this node puts at stake against wrong batches.",
    COMMANDS(watch_commands),
    .queries = watch_queries,
    .query_count = COUNT_OF(watch_queries),
};
