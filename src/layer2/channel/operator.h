/* What the operator does with a channel by hand: pause it, say what his keys countersign, bring it before the
 * ledger. */
#ifndef LAYER2_CHANNEL_OPERATOR_H
#define LAYER2_CHANNEL_OPERATOR_H

#include "kernel/module.h"

struct pause { struct hash channel; };
extern const struct param pause_params[1];
command_handler channel_suspend, channel_resume;

struct policy {
    struct account_id signer;
    struct hash channel;
    const char *countersign;
};
extern const struct param policy_params[3];
command_handler channel_policy;

struct dispute {
    struct hash channel;
    struct account_id signer;
};
extern const struct param dispute_params[2];
command_check check_dispute;
command_handler channel_dispute;

#endif
