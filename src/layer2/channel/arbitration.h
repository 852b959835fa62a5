/* Arbitration: a participant opens a case, all give evidence, the arbiters named in the fixed part decide
 * within its bounds; without an award the state on record stands. */
#ifndef LAYER2_CHANNEL_ARBITRATION_H
#define LAYER2_CHANNEL_ARBITRATION_H

#include "layer2/channel/commands.h"

#define CLAIM_MAX 1024           /* bytes */
#define EVIDENCE_MAX (16 * 1024) /* bytes */
#define EVIDENCE_COUNT_MAX 64    /* pieces in a case, in equal parts for the participants */

struct open_case {
    struct hash channel;
    const char *claim;
};
extern const struct param open_case_params[2];
command_handler open_case;

struct evidence {
    struct hash channel;
    struct bytes body;
};
extern const struct param evidence_params[2];
command_handler evidence;

struct award {
    struct hash channel;
    struct bytes state, fees;
    struct param_list signatures;
    struct proof *proof;               /* by the check, as the next two */
    uint64_t amounts[CHANNEL_ASSETS_MAX];
    size_t amount_count;
};
extern const struct param award_params[4];
command_check check_award;
command_handler award;

#endif
