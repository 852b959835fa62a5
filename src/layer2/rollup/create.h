/* Rollups made, and what goes into their inboxes: base commands. */
#ifndef LAYER2_ROLLUP_CREATE_H
#define LAYER2_ROLLUP_CREATE_H

#include "layer2/rollup/rollup.h"

struct create {
    struct param_list assets;
    struct account_id operator;
    struct asset_id bond_asset;
    uint64_t bond, bond_numerator, bond_denominator, burn_ppm;
    int64_t challenge, clock, extension, step_extension, air_gap, payout_delay, forced, escape, jail;
    int64_t unfreeze_after;
    const char *availability;
    struct param_list committee;
    uint64_t committee_threshold, availability_bond;
    int64_t availability_window;
};
#define CREATE_PARAMS 22
extern const struct param rollup_create_params[CREATE_PARAMS];
enum status create_rollup(struct execution *x, const void *params, struct writer *result);

struct deposit {
    uint64_t domain, amount;
    struct asset_id asset;
    struct account_id key;
};
#define DEPOSIT_PARAMS 4
extern const struct param rollup_deposit_params[DEPOSIT_PARAMS];
enum status check_rollup_deposit(const struct check *check, void *params, struct arena *arena,
                                 struct error *error);
enum status deposit_into(struct execution *x, const void *params, struct writer *result);

struct force {
    uint64_t domain;
    struct bytes transaction;
};
#define FORCE_PARAMS 2
extern const struct param rollup_force_params[FORCE_PARAMS];
enum status force_transaction(struct execution *x, const void *params, struct writer *result);

struct forced_exit {
    uint64_t domain, amount;
    struct asset_id asset;
    struct account_id recipient;
};
#define EXIT_PARAMS 4
extern const struct param rollup_exit_params[EXIT_PARAMS];
enum status force_exit(struct execution *x, const void *params, struct writer *result);

/* Which number an asset has inside. ERROR_ASSET_NOT_FOUND. */
MUST_CHECK enum status rollup_asset_number(struct execution *x, const struct rollup *rollup,
                                           const struct asset_id *asset, unsigned *number);

#endif
