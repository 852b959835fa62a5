/* Vouchers: the payer of a channel with the application `voucher` promises more and more in all; the node
 * keeps the highest, and redeems it on the ledger for the payee. */
#ifndef LAYER2_CHANNEL_VOUCHER_H
#define LAYER2_CHANNEL_VOUCHER_H

#include "layer2/channel/authority.h"
#include "layer2/channel/local.h"

struct voucher {
    struct hash channel;
    uint64_t amount;
    struct bytes signature;
    struct authority *authority; /* by the check */
};
extern const struct param voucher_params[3];
command_check check_voucher;
command_handler voucher;

struct redeem {
    struct hash channel;
    struct account_id signer;
    struct hash before; /* by the check: the supported state that it stands on, as the rest */
    struct signed_state state;
    struct authority *redeems, *challenges;
};
extern const struct param redeem_params[2];
command_check check_redeem;
command_handler redeem;

/* What the highest voucher promises beyond the newest supported state: what a participant owes, and what is
 * due to him. Both 0: nothing, as whenever that state is no longer turn 1, on which vouchers stand. */
void voucher_balance(struct database *database, const struct local_channel *channel, size_t participant,
                     uint64_t *owed, uint64_t *due);

#endif
