/* Redeeming the highest voucher on the ledger, for the payee: by command, or by itself when a challenge would
 * end the channel without it. What a redeeming state must be stands in applications/voucher.c.
 *
 * Always: the payee's key signs one state of turn 2, stored by the commit that lets the signature out. */
#ifndef LAYER2_CHANNEL_REDEEM_H
#define LAYER2_CHANNEL_REDEEM_H

#include "kernel/module.h"
#include "layer2/channel/authority.h"
#include "layer2/channel/local.h"
#include "layer2/channel/record.h"

#define CHANNEL_REDEEM "channel.redeem" /* effect; request: {payee, state, challenge}, what his key signs */

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

/* The ledger has a challenge to the channel: the voucher that is here is redeemed before its end, if the
 * payee's key is here too; otherwise its owner is told, when the challenge is news. */
void redeem_defend(struct execution *x, const struct local_channel *channel,
                   const struct channel_record *record, bool is_news);

enum status channel_redeem_run(struct effect_run *run);
void channel_redeem_ended(struct execution *x, uint64_t id, const char *key, const char *request,
                          enum status outcome, const char *result);

#endif
