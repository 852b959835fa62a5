/* The applications that layerd has. To add one: write its table in a file of its own (tictactoe.c is the
 * worked example), name it here and in ../application.c. */
#ifndef LAYER2_CHANNEL_APPLICATIONS_APPLICATIONS_H
#define LAYER2_CHANNEL_APPLICATIONS_APPLICATIONS_H

#include "layer2/channel/application.h"

/* What the terms of a `payment` channel say, and which side offered one of its hash-locks (−1: none did). */
struct payment_terms {
    uint64_t reserve[2], least, largest;
    unsigned locks; /* that each side may offer at once */
};
struct payment_terms payment_terms_read(const struct channel_fixed *fixed);
#define PAYMENT_EXPIRY_MOST_US ((int64_t)14 * 24 * 3600 * 1000000) /* BOLT's 2,016 blocks of ten minutes */
/* Whether a state (final ones are not asked by the application) has the shape of payments: the two entries,
 * then hash-locks between the two. */
bool payment_is_shaped(const struct channel_fixed *fixed, const struct channel_state *state);
int payment_offerer(const struct channel_fixed *fixed, const struct allocation *lock);

extern const struct application application_consensus;
extern const struct application application_escrow;
extern const struct application application_payment;
extern const struct application application_tictactoe;
extern const struct application application_voucher;

#endif
