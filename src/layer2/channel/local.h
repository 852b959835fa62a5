/* Channels as this node's participants see them: off-chain states, their signatures, and what the node does
 * with the keys it keeps. The interface for rooms above (payment/): read a channel, propose its next state
 * for a key of the node's keystore, hear what became of it. Only for local handlers, reactions and sweeps.
 *
 * Always: a state is stored before any signature of ours on it exists, and a signature is stored before it
 * leaves. Our signer never signs two states with one turn. */
#ifndef LAYER2_CHANNEL_LOCAL_H
#define LAYER2_CHANNEL_LOCAL_H

#include "kernel/execution.h"
#include "layer2/channel/application.h"

enum channel_phase {
    CHANNEL_PROPOSED,     /* turn 0 lacks signatures */
    CHANNEL_PREFUND_DONE, /* all signed how to get everything back */
    CHANNEL_FUNDING,      /* participants pay in, in order */
    CHANNEL_FUNDED,       /* everything is there; turn 1 lacks signatures */
    CHANNEL_RUNNING,      /* no proposal is under way */
    CHANNEL_SIGNING,      /* one is */
    CHANNEL_SUSPENDED,    /* a countersignature is overdue, or a participant asked for a pause */
    CHANNEL_DISPUTE,      /* the ledger has a challenge or a case */
    CHANNEL_FINAL,        /* all signed a final state */
    CHANNEL_DEFUNDING,    /* finalized; paying out */
    CHANNEL_CLOSED,       /* nothing is left in it */
    CHANNEL_ABORTING,     /* funding failed: on the way back by turn 0 */
    CHANNEL_REJECTED,     /* a participant did not want it; nothing was paid in */
};
const char *channel_phase_name(enum channel_phase phase);

/* A channel as it stands, all in `arena`. */
struct channel_view {
    struct hash id;
    struct channel_fixed fixed;
    const struct application *application;
    enum channel_phase phase;
    struct signed_state supported; /* newest that all signed (or the application supports) */
    bool is_staged;
    struct signed_state staged;    /* proposed, not supported yet */
    size_t staged_by;              /* participant */
    uint64_t next_turn;            /* what the next proposal must carry: burnt turns are skipped */
    uint32_t own; /* participants whose keys are in this node's keystore (known by address, also
                   * while it is locked) */
};

/* False: this node does not know the channel. */
MUST_CHECK bool channel_load(struct execution *x, const struct hash *id, struct arena *arena,
                             struct channel_view *view);
MUST_CHECK bool channel_read(struct database *database, const struct hash *id, struct arena *arena,
                             struct channel_view *view); /* for queries */

/* Stages `next` (its turn is view->next_turn) as participant `mover` proposes it, whose key this node keeps;
 * once the transaction is committed, the keys of `own` sign, those of others' countersigning as their policy
 * allows. Nothing is written when it is refused: ERROR_PROPOSAL_PENDING, ERROR_WRONG_PHASE, ERROR_WRONG_TURN,
 * ERROR_NOT_CONSERVED, ERROR_INVALID_TRANSITION, …
 *
 * What comes of it is told by reaction "<application>.channel" (subject: the channel's id), asked for
 * whenever supported state, staged state, phase or ledger record changed; the module that declares it looks
 * for itself.
 */
MUST_CHECK enum status channel_stage(struct execution *x, const struct channel_view *view,
                                     const struct channel_state *next, size_t mover);

/* Says no for participant `by`, whose key this node keeps: the turn is burnt, the channel runs on. */
MUST_CHECK enum status channel_decline(struct execution *x, const struct channel_view *view, size_t by);

/* Brings the newest supported state before the ledger (register and challenge, as effects). */
MUST_CHECK enum status channel_dispute(struct execution *x, const struct channel_view *view, size_t by);

#endif
