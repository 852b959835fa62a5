/* The commands that look after a payment channel: payment.policy, payment.top_up. */
#ifndef LAYER2_PAYMENT_UPKEEP_H
#define LAYER2_PAYMENT_UPKEEP_H

#include "kernel/module.h"

struct policy_change {
    struct hash channel;
    struct account_id signer;
    uint64_t base, ppm;
    int64_t delta;
    bool enabled;
    uint64_t max_balance;
};
extern const struct param policy_change_params[7];
command_handler change_policy;

struct top_up {
    struct hash channel;
    struct account_id signer;
};
extern const struct param top_up_params[2];
command_handler top_up;

#endif
