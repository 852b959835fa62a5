/* The life of a channel: see life.h. */
#include "layer2/channel/life.h"

#include <stddef.h>

static const struct {
    enum channel_phase from;
    enum life_event event;
    enum channel_phase to;
} transitions[] = {
    { PHASE_PROPOSED, LIFE_PREFUND, PHASE_FUNDING },
    { PHASE_PROPOSED, LIFE_REJECT, PHASE_REJECTED },
    { PHASE_PROPOSED, LIFE_EXPIRE, PHASE_REJECTED },

    { PHASE_FUNDING, LIFE_FUNDS, PHASE_FUNDED },
    { PHASE_FUNDING, LIFE_EXPIRE, PHASE_REJECTED },
    { PHASE_FUNDING, LIFE_CLOSING, PHASE_CLOSING },
    { PHASE_FUNDING, LIFE_FINAL, PHASE_FINAL },
    { PHASE_FUNDING, LIFE_CHALLENGED, PHASE_DISPUTE },
    { PHASE_FUNDING, LIFE_FINALIZED, PHASE_DEFUNDING },

    { PHASE_FUNDED, LIFE_POSTFUND, PHASE_RUNNING },
    { PHASE_FUNDED, LIFE_CLOSING, PHASE_CLOSING },
    { PHASE_FUNDED, LIFE_FINAL, PHASE_FINAL },
    { PHASE_FUNDED, LIFE_CHALLENGED, PHASE_DISPUTE },
    { PHASE_FUNDED, LIFE_FINALIZED, PHASE_DEFUNDING },

    { PHASE_RUNNING, LIFE_CLOSING, PHASE_CLOSING },
    { PHASE_RUNNING, LIFE_FINAL, PHASE_FINAL },
    { PHASE_RUNNING, LIFE_SUSPEND, PHASE_SUSPENDED },
    { PHASE_RUNNING, LIFE_CHALLENGED, PHASE_DISPUTE },
    { PHASE_RUNNING, LIFE_FINALIZED, PHASE_DEFUNDING },

    { PHASE_SUSPENDED, LIFE_RESUME, PHASE_RUNNING },
    { PHASE_SUSPENDED, LIFE_FINAL, PHASE_FINAL },
    { PHASE_SUSPENDED, LIFE_CHALLENGED, PHASE_DISPUTE },
    { PHASE_SUSPENDED, LIFE_FINALIZED, PHASE_DEFUNDING },

    { PHASE_CLOSING, LIFE_FINAL, PHASE_FINAL },
    { PHASE_CLOSING, LIFE_CHALLENGED, PHASE_DISPUTE },
    { PHASE_CLOSING, LIFE_FINALIZED, PHASE_DEFUNDING },

    { PHASE_DISPUTE, LIFE_FINALIZED, PHASE_DEFUNDING }, /* LIFE_CLEARED: the phase before */

    { PHASE_FINAL, LIFE_CHALLENGED, PHASE_DISPUTE },
    { PHASE_FINAL, LIFE_FINALIZED, PHASE_DEFUNDING },
    { PHASE_FINAL, LIFE_SETTLED, PHASE_CLOSED },

    { PHASE_DEFUNDING, LIFE_SETTLED, PHASE_CLOSED },
};

bool life_next(enum channel_phase phase, enum channel_phase before, enum life_event event,
               enum channel_phase *next)
{
    if (phase == PHASE_DISPUTE && event == LIFE_CLEARED) {
        *next = before;
        return true;
    }
    for (size_t i = 0; i < sizeof(transitions) / sizeof(transitions[0]); i++) {
        if (transitions[i].from == phase && transitions[i].event == event) {
            *next = transitions[i].to;
            return true;
        }
    }
    return false;
}

bool life_may_propose(enum channel_phase phase, unsigned long long turn, bool final)
{
    switch (phase) {
    case PHASE_FUNDING: return turn > 0 && final; /* all agree to give up */
    case PHASE_FUNDED: return turn == 1 || final;
    case PHASE_RUNNING: return turn > 1;
    case PHASE_CLOSING: return final;
    case PHASE_PROPOSED:
    case PHASE_SUSPENDED:
    case PHASE_DISPUTE:
    case PHASE_FINAL:
    case PHASE_DEFUNDING:
    case PHASE_CLOSED:
    case PHASE_REJECTED: return false;
    }
    return false;
}

bool life_may_sign(enum channel_phase phase)
{
    switch (phase) {
    case PHASE_PROPOSED:
    case PHASE_FUNDING:
    case PHASE_FUNDED:
    case PHASE_RUNNING:
    case PHASE_CLOSING: return true;
    case PHASE_SUSPENDED:
    case PHASE_DISPUTE:
    case PHASE_FINAL:
    case PHASE_DEFUNDING:
    case PHASE_CLOSED:
    case PHASE_REJECTED: return false;
    }
    return false;
}

bool life_keeps_funds(enum channel_phase phase)
{
    switch (phase) {
    case PHASE_FUNDING:
    case PHASE_FUNDED:
    case PHASE_RUNNING:
    case PHASE_SUSPENDED:
    case PHASE_CLOSING:
    case PHASE_FINAL: return true;
    case PHASE_PROPOSED:
    case PHASE_DISPUTE:
    case PHASE_DEFUNDING:
    case PHASE_CLOSED:
    case PHASE_REJECTED: return false;
    }
    return false;
}

const char *channel_phase_name(enum channel_phase phase)
{
    static const char *const names[PHASE_COUNT] = { "proposed",  "funding", "funded", "running",
                                                    "suspended", "dispute", "final",  "defunding",
                                                    "closed",    "rejected", "closing" };

    return names[phase];
}
