/* What the parts of the leg on an EVM network share: leg_evm.c acts and looks, leg_evm_plan.c plans by the
 * links and the provider's terms, in the executor. */
#ifndef LAYER2_TRANSFER_LEG_EVM_H
#define LAYER2_TRANSFER_LEG_EVM_H

#include "layer2/transfer/leg.h"
#include "network/evm/address.h"

bool evm_leg_network(const char *network); /* of a link: it is an EVM network */

/* The account of a link, and the number of its chain. */
MUST_CHECK enum status evm_leg_link(struct execution *x, const char *name, struct evm_address *account,
                                    uint64_t *chain_id);

/* Of struct leg_kind. */
void evm_leg_timing(enum node_network network, const char *detail, struct leg_timing *timing);
MUST_CHECK enum status evm_leg_check_terms(struct execution *x, const char *link, const json_t *json);
MUST_CHECK enum status evm_leg_plan_source(struct execution *x, struct leg_plan *plan,
                                           const struct account_id *account, uint64_t amount);
MUST_CHECK enum status evm_leg_plan_destination(struct execution *x, struct leg_plan *plan, uint64_t amount);

#endif
