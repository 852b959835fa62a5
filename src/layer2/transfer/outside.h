/* What the legs on outside networks share: the writes that they ask of the network module, each under a key
 * of its own so that it is made once, and looks over a link. */
#ifndef LAYER2_TRANSFER_OUTSIDE_H
#define LAYER2_TRANSFER_OUTSIDE_H

#include <jansson.h>

#include "layer2/transfer/leg.h"
#include "layer2/transfer/outside_terms.h"
#include "network/links.h"
#include "network/operation.h"
#include "network/write_rows.h"

#define OUTSIDE_KEY_MAX 128

/* "transfer/ID/SIDE/PURPOSE/NUMBER" */
void outside_key(char key[OUTSIDE_KEY_MAX], const struct leg_work *work, const char *purpose,
                 unsigned number);

/* What became of the write with that key. */
enum fate {
    FATE_NONE,
    FATE_UNDER_WAY, /* or done */
    FATE_DROPPED,   /* nobody knows it any more, or it failed in a block that may go: it may come yet */
    FATE_DENIED,    /* a server that was sent it would not have it, and is not sent it any more: its word */
    FATE_REFUSED,   /* it came to nothing, and is not sent any more */
};
MUST_CHECK enum status outside_fate(struct leg_work *work, const char *link, const char *key,
                                    enum fate *fate);
/* Of the link with that number, be it removed since. */
enum fate outside_fate_at(struct leg_work *work, uint64_t link, const char *key);

/* How many writes of that purpose there were: their keys have numbers without gaps. */
MUST_CHECK enum status outside_count_writes(struct leg_work *work, const char *link, const char *purpose,
                                            unsigned *count);

/* The row of the write with that key; false: there is none. */
MUST_CHECK bool outside_write(struct leg_work *work, const char *link, const char *key,
                              struct write_row *write);
/* Why it came to nothing, as far as it was told; NULL. */
const char *outside_reason(struct leg_work *work, const char *link, const char *key);

/* network.submit_transaction of what `ask` says. It gets an id, and answers as that command does. */
enum status outside_ask(struct execution *x, struct ask *ask, struct writer *result);
/* The same for leg_run, where nobody waits for the answer; context: struct ask. */
leg_task_run outside_submit;

/* Runs `look` with the link at hand, once its server is known to be on the right chain. Errors of the call
 * are in c->call.error. */
typedef enum status outside_look(struct leg_work *work, struct link_call *c, void *context);
MUST_CHECK enum status outside_look_by(struct leg_work *work, const char *link, outside_look *look,
                                       void *context);

#endif
