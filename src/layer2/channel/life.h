/* The life of a channel as its participants see it: phases and what moves between them, as one table. Pure.
 */
#ifndef LAYER2_CHANNEL_LIFE_H
#define LAYER2_CHANNEL_LIFE_H

#include <stdbool.h>

enum channel_phase {
    PHASE_PROPOSED,  /* turn 0 lacks signatures; nothing may be paid in */
    PHASE_FUNDING,   /* all signed how to get everything back; participants pay in, in order */
    PHASE_FUNDED,    /* everything is there; turn 1 lacks signatures */
    PHASE_RUNNING,   /* states follow each other */
    PHASE_SUSPENDED, /* a pause: nothing new is signed */
    PHASE_DISPUTE,   /* the ledger has a challenge, or one of ours is on its way: nothing is signed */
    PHASE_FINAL,     /* all signed a final state */
    PHASE_DEFUNDING, /* the channel ended on the ledger, and something is still owed */
    PHASE_CLOSED,    /* nothing is left in it */
    PHASE_REJECTED,  /* a participant did not want it, or nobody paid in */
    PHASE_CLOSING,   /* a key of ours signed a final state that not all signed: only final ones may follow */
};
#define PHASE_COUNT 11

enum life_event {
    LIFE_PREFUND,    /* all signed turn 0 */
    LIFE_FUNDS,      /* holdings or parents cover the outcome */
    LIFE_POSTFUND,   /* all signed turn 1 */
    LIFE_UPDATE,     /* all signed a later state */
    LIFE_FINAL,      /* all signed a final state */
    LIFE_REJECT,     /* a participant rejected what is staged */
    LIFE_SUSPEND,
    LIFE_RESUME,
    LIFE_CHALLENGED, /* the ledger has a challenge */
    LIFE_CLEARED,    /* it has none any more: on with what was before */
    LIFE_FINALIZED,  /* the ledger ended the channel */
    LIFE_SETTLED,    /* nothing is left to be paid, or the parents took it back */
    LIFE_CLOSING,    /* a signature of ours on a final state is out */
    LIFE_EXPIRE,     /* it has waited too long for signatures or funds */
};
#define LIFE_COUNT 14

/* The phase after the event; false: the event means nothing in this phase, which stays. `before` is the phase
 * from which a dispute came, and means nothing elsewhere. */
bool life_next(enum channel_phase phase, enum channel_phase before, enum life_event event,
               enum channel_phase *next);

/* Whether a participant may propose a state of this turn (and kind) in this phase. */
bool life_may_propose(enum channel_phase phase, unsigned long long turn, bool final);

/* Whether keys of ours sign what is staged. */
bool life_may_sign(enum channel_phase phase);

/* Whether what another channel sets apart for it now comes out as its newest state says. */
bool life_keeps_funds(enum channel_phase phase);

const char *channel_phase_name(enum channel_phase phase);

#endif
