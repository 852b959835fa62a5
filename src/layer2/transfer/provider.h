/* Providers: accounts of this node that lend their value on the other side, what they ask for it, and how
 * much of it. For the operator, whose keys they are. */
#ifndef LAYER2_TRANSFER_PROVIDER_H
#define LAYER2_TRANSFER_PROVIDER_H

#include "kernel/execution.h"
#include "layer2/transfer/rows.h"

struct provider_params {
    struct account_id account;
    const char *name;
};
extern const struct param provider_register_params[2], provider_pause_params[1];
command_handler provider_register, provider_pause_all, provider_resume;

struct terms_params {
    struct account_id provider;
    struct asset_id asset;
    const char *source, *destination;
    uint64_t fee_fixed, fee_ppm, least, most, account_daily, daily;
    struct bytes outside;
};
extern const struct param provider_terms_params[11], provider_withdraw_params[4];
command_handler provider_terms, provider_withdraw;

struct quote_params {
    struct asset_id asset;
    uint64_t amount;
    const char *source, *destination;
    struct account_id provider;
};
extern const struct param quote_parameters[5];
command_handler quote_ask;

/* The terms that serve: the provider's, or the cheapest; the fee by them; and that all limits keep.
 * ERROR_TRANSFER_TERMS_NOT_FOUND, _PROVIDER_NOT_FOUND, _PROVIDER_PAUSED, _AMOUNT, _DAILY_LIMIT. */
MUST_CHECK enum status terms_choose(struct execution *x, const struct account_id *provider,
                                    const struct way *way, uint64_t amount, const struct account_id *account,
                                    struct terms *terms, uint64_t *fee);

/* Both places are of kinds that are built, and not the same channel. Fills in the way. */
MUST_CHECK enum status way_read(struct execution *x, const struct asset_id *asset, const char *source,
                                const char *destination, struct way *way);

#endif
