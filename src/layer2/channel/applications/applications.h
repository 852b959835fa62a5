/* The applications that layerd has. To add one: write its table in a file of its own (tictactoe.c is the
 * worked example), name it here and in ../application.c. */
#ifndef LAYER2_CHANNEL_APPLICATIONS_APPLICATIONS_H
#define LAYER2_CHANNEL_APPLICATIONS_APPLICATIONS_H

#include "layer2/channel/application.h"

extern const struct application application_consensus;
extern const struct application application_escrow;
extern const struct application application_payment;
extern const struct application application_tictactoe;
extern const struct application application_voucher;

#endif
