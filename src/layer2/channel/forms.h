/* Channels in JSON: parameters from which fixed parts and states are made, and states written for people.
 * Assets of allocations are numbers: which of the channel's assets. */
#ifndef LAYER2_CHANNEL_FORMS_H
#define LAYER2_CHANNEL_FORMS_H

#include "base/writer.h"
#include "crypto/channel.h"
#include "kernel/module.h"

struct key_param { struct account_id key; };
struct asset_param { struct asset_id asset; };

struct fixed_form {
    struct param_list participants, arbiters, assets;
    const char *application;
    uint64_t nonce, penalty_ppm, arbiter_threshold, arbitration_fee_ppm;
    int64_t challenge_period, dispute_limit, arbitration_window;
    struct bytes terms;
};
extern const struct param fixed_form_params[12];

struct allocation_form {
    uint64_t asset, amount;
    const char *kind;
    struct account_id account, left, right, refund;
    struct hash target, hash;
    int64_t expiry;
};
extern const struct param allocation_form_params[10];
#define OUTCOME_PARAM(structure, field, need)                                                                \
    PARAM(structure, field, LIST, need,                                                                      \
          "{asset, amount, kind?, account?, target?, left?, right?, refund?, hash?, expiry?}",               \
          .most = CHANNEL_ALLOCATIONS_MAX, .items = allocation_form_params,                                  \
          .item_params = COUNT_OF(allocation_form_params), .item_size = sizeof(struct allocation_form))

/* Checked: ERROR_INVALID_PARAMS, ERROR_BAD_KEY. `fixed` points into the form. */
MUST_CHECK enum status fixed_from_form(const struct fixed_form *form, const char *chain,
                                       struct channel_fixed *fixed, struct error *error);
/* The allocations, sorted by asset, in `arena`. */
MUST_CHECK enum status outcome_from_form(const struct param_list *outcome, struct arena *arena,
                                         struct channel_state *state, struct error *error);

/* {key, signature}, as commands take it. */
void signature_write(struct writer *w, const struct account_id *key, struct bytes signature);

/* One object; the fixed part's symbols are asked for by whoever has rows. */
void fixed_write(struct writer *w, const struct channel_fixed *fixed);
void outcome_write(struct writer *w, const struct channel_state *state);
/* {turn, final, hash, outcome, data} */
void state_write(struct writer *w, const struct hash *channel, const struct channel_state *state);

#endif
