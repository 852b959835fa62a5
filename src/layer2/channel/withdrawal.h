/* Value taken out of a channel that goes on: a participant makes the next state, in which he has less, and
 * all sign it and the payments by one hash. It is staged like any other state, with that hash in place of the
 * state's, so that nothing else is proposed meanwhile and no key signs its turn twice; signed by all it goes
 * to the ledger, and counts once the ledger has it.
 *
 * A withdrawal that all signed can be brought at any time until the ledger has its turn or a later one. So
 * keys of ours that do not take sign when nobody else's signature lacks, what all signed is given up only
 * when the ledger can never take it, and what was rejected with a signature of ours is outdone by a
 * checkpoint as soon as there is a later state. */
#ifndef LAYER2_CHANNEL_WITHDRAWAL_H
#define LAYER2_CHANNEL_WITHDRAWAL_H

#include "base/writer.h"
#include "layer2/channel/authority.h"
#include "layer2/channel/local.h"
#include "layer2/channel/record.h"

#define WITHDRAWAL_PAYMENTS_MAX 64

/* --- the commands */
struct take_out {
    struct hash channel;
    struct param_list payments;
    struct account_id signer;
    struct bytes signature;
    struct hash before, hash; /* by the check: the supported state, and what is signed; as what follows */
    struct channel_state state, taken; /* the next state; the payments, as a state has them */
    struct authority *authority;
};
extern const struct param take_out_params[4];
command_check check_take_out;
command_handler take_out;

struct sign_withdrawal {
    struct hash channel;
    uint64_t turn;
    struct account_id signer;
    struct bytes signature;
    struct hash hash; /* by the check, as the next */
    struct authority *authority;
};
extern const struct param sign_withdrawal_params[4];
command_check check_sign_withdrawal;
command_handler sign_withdrawal;

/* --- of what is staged, when it is a withdrawal */
/* By all: the ledger takes it or not, and nothing else follows before. */
bool withdrawal_is_signed(const struct local_channel *channel);
void withdrawal_tell(struct execution *x, const struct local_channel *channel);
/* Member `payments`, or nothing. */
void withdrawal_write(struct writer *w, struct database *database, const struct local_channel *channel);
/* Whether a key of ours may sign by itself: besides it only keys of ours lack that would too. */
bool withdrawal_awaits_ours(struct execution *x, const struct local_channel *channel, size_t participant);
/* Nobody but who takes has less, by what is paid; and the ledger holds what all had. */
bool withdrawal_is_safe(struct execution *x, const struct local_channel *channel);
/* Asks for the ledger's command, if all have signed. */
void withdrawal_bring(struct execution *x, const struct local_channel *channel);
/* Before what is staged is rejected: ERROR_WRONG_PHASE when all have signed it. */
MUST_CHECK enum status withdrawal_reject(struct execution *x, struct local_channel *channel);

/* --- afterwards */
/* The ledger said no to `what` (withdraw/turn/…): its turn is burnt, or it is brought again. */
void withdrawal_refused(struct execution *x, const struct hash *channel, const char *what,
                        enum status outcome);
/* A later state is supported: brings it, so that a rejected one never comes. */
void withdrawal_outdo(struct execution *x, const struct local_channel *channel);
/* The ledger has the turn or a later one, or the channel ended. True: `channel` is to be written. */
MUST_CHECK bool withdrawal_follow(struct execution *x, struct local_channel *channel,
                                  const struct channel_record *record);

#endif
