/* The commands of whoever transfers: transfer.start, transfer.cancel, transfer.reveal. */
#ifndef LAYER2_TRANSFER_START_H
#define LAYER2_TRANSFER_START_H

#include "kernel/module.h"

struct start_params {
    struct asset_id asset;
    uint64_t amount;
    const char *source, *destination, *recipient;
    int64_t timeout;
    struct account_id provider;
    struct hash quote, hash;
    uint64_t fee_limit;
    const char *account_there;
};
extern const struct param start_parameters[11];
command_handler transfer_start;

struct cancel_params {
    struct hash transfer;
};
extern const struct param transfer_cancel_params[1];
command_handler transfer_cancel;

struct reveal_params {
    struct hash transfer, preimage;
};
extern const struct param transfer_reveal_params[2];
command_handler transfer_reveal;

#endif
