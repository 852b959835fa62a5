/* confidential: what a pool offers. Parameters and proofs are checked in params.c, rules stand in pool.c. */
#include "confidential/confidential.h"
#include "confidential/invariants.h"
#include "confidential/params.h"
#include "confidential/pool.h"
#include "confidential/queries.h"

static const struct command commands[] = {
    { "confidential.shield", SCOPE_BASE, ACCESS_SIGNED, pool_shield, check_pool_shield,
      PARAMS(struct shield, pool_shield_params),
      .help = "Put an amount into the confidential pool of its asset, as a note with a one-time key.",
      .result = "number of the new note",
      .example = "from=alice asset=GOLD amount=250 key=HEX sealed=HEX" },
    { "confidential.transfer", SCOPE_BASE, ACCESS_SIGNED, pool_transfer, check_pool_transfer,
      PARAMS(struct spending, pool_transfer_params),
      .help = "Spend notes of a confidential pool for new ones; any key may sign, also a fresh one.",
      .result = "number of the first new note, and how many there are" },
    { "confidential.unshield", SCOPE_BASE, ACCESS_SIGNED, pool_unshield, check_pool_unshield,
      PARAMS(struct spending, pool_unshield_params),
      .help = "Spend notes of a confidential pool, and pay an amount out of it in public.",
      .result = "number of the first new note, and how many there are" },
};

static const char *const base_tables[] = { "confidential_pool", "note", "key_image", "unshielding", NULL };

const struct module confidential_module = {
    .name = "confidential",
    .help = "Confidential pools: notes whose owners and amounts nobody sees, and whose sum everybody does.",
    COMMANDS(commands),
    .queries = confidential_queries,
    .query_count = CONFIDENTIAL_QUERIES,
    .invariants = confidential_invariants,
    .invariant_count = CONFIDENTIAL_INVARIANTS,
    .base_tables = base_tables,
};
