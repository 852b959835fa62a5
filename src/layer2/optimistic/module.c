/* optimistic: what the two modules declare. */
#include <string.h>

#include "kernel/module.h"
#include "layer2/optimistic/dispute.h"
#include "layer2/optimistic/fraud_proof.h"
#include "layer2/optimistic/fraud_queries.h"
#include "layer2/optimistic/invariants.h"
#include "layer2/optimistic/moves.h"
#include "layer2/optimistic/optimistic.h"
#include "layer2/optimistic/queries.h"
#include "layer2/optimistic/watcher.h"

static const struct deadline_kind game_deadlines[] = {
    { GAME_DEADLINE, dispute_deadline, "Resolves a game's claims, closes it after the air gap, pays bonds." },
};

static const struct reaction game_reactions[] = {
    { BATCH_VERDICT_REACTION, watcher_changed, "This node found out whether a batch is right." },
    { GAME_CHANGED, watcher_changed, "Somebody moved in a game." },
};

static const struct sweep game_sweeps[] = {
    { WATCHER_SWEEP, watcher_sweep, "Games that run, and wrong batches." },
};

static const char *const game_tables[] = { "game", "claim", "step", "payout", NULL };

const struct module game_module = {
    .name = "game",
    .help = "Dispute games about rollups' batches.",
    .commands = game_commands,
    .command_count = GAME_COMMANDS,
    .queries = game_queries,
    .query_count = GAME_QUERIES,
    DEADLINES(game_deadlines),
    REACTIONS(game_reactions),
    SWEEPS(game_sweeps),
    .invariants = game_invariants,
    .invariant_count = GAME_INVARIANTS,
    .base_tables = game_tables,
    .memory_open = watcher_open,
    .memory_close = watcher_close,
};

static const struct deadline_kind fraud_deadlines[] = {
    { FRAUD_DEADLINE, fraud_forget, "Forgets a commitment that was not opened." },
};

static const char *const fraud_tables[] = { "fraud_commitment", "fraud", NULL };

const struct module fraud_module = {
    .name = "fraud",
    .help = "Fraud in rollups' batches that is proved at once.",
    .commands = fraud_commands,
    .command_count = FRAUD_COMMANDS,
    .queries = fraud_queries,
    .query_count = FRAUD_QUERIES,
    DEADLINES(fraud_deadlines),
    .base_tables = fraud_tables,
};

/* Also in replay, which opens no module's memory: rollups take back batches there as well. */
static void void_before(struct execution *x, const struct hash *batch, const char *reason)
{
    if (reason == NULL)
        dispute_void_soon(x, batch);
    else
        dispute_void(x, batch, NULL, reason);
}

__attribute__((constructor)) static void set_hook(void)
{
    batch_before_void = void_before;
}
