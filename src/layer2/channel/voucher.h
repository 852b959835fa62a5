/* Vouchers: the payer of a channel with the application `voucher` promises more and more in all; the node
 * keeps the highest. redeem.h brings it before the ledger for the payee. */
#ifndef LAYER2_CHANNEL_VOUCHER_H
#define LAYER2_CHANNEL_VOUCHER_H

#include "layer2/channel/authority.h"
#include "layer2/channel/local.h"

enum { VOUCHER_PAYER, VOUCHER_PAYEE, VOUCHER_PARTIES };

struct voucher {
    struct hash channel;
    uint64_t amount;
    struct bytes signature;
    struct authority *authority; /* by the check */
};
extern const struct param voucher_params[3];
command_check check_voucher;
command_handler voucher;

/* The highest voucher that is here; false: there is none. */
MUST_CHECK bool voucher_read(struct database *database, const struct hash *channel, uint64_t *amount,
                             struct signature *signature);
/* ERROR_WRONG_PHASE for a channel that runs another application. */
MUST_CHECK enum status voucher_need(const struct channel_fixed *fixed, struct error *error);

/* What the highest voucher promises beyond the newest supported state: what a participant owes, and what is
 * due to him. Both 0: nothing, as whenever that state is no longer turn 1, on which vouchers stand. */
void voucher_balance(struct database *database, const struct local_channel *channel, size_t participant,
                     uint64_t *owed, uint64_t *due);

#endif
