/* Applications: the rules by which a channel's states may follow each other. An application is a table of
 * pure functions over signed states: no rows, no clock, no I/O, bounded work. The adjudicator and the
 * participants' own node use the same table. applications/tictactoe.c is the worked example; the list is in
 * application.c.
 *
 * Applications say what supports a state: all signatures on it, or fewer of them on several states in a row.
 * A state that nothing supports has no effect anywhere. A final state that all signed always concludes. */
#ifndef LAYER2_CHANNEL_APPLICATION_H
#define LAYER2_CHANNEL_APPLICATION_H

#include "crypto/channel.h"

#define CHANNEL_TURN_PREFUND 0  /* all sign it before anybody pays in: how to get everything back */
#define CHANNEL_TURN_POSTFUND 1 /* all sign it when everything is paid in: play begins */

/* A state with the participants whose signatures on it were verified (bit i: participant i). */
struct signed_state {
    struct channel_state state;
    struct hash hash;
    uint32_t signed_by;
};

struct application {
    const char *name; /* "tictactoe" */
    const char *help; /* one sentence */
    /* Whether the fixed part suits the application: participants, assets, terms. */
    enum status (*fixed_ok)(const struct channel_fixed *fixed, struct error *error);
    /* Whether a channel may begin with this state (turn 0). */
    enum status (*init_ok)(const struct channel_fixed *fixed, const struct channel_state *state,
                           struct error *error);
    /* Whether `next` may follow `previous` when participant `mover` proposes it. What a node's signer asks
     * before it countersigns, also where unanimity could do more. */
    enum status (*next_ok)(const struct channel_fixed *fixed, const struct channel_state *previous,
                           const struct channel_state *next, size_t mover, struct error *error);
    /* Whether the signed states (oldest first, turns rising) support the last one.
     * ERROR_WRONG_NUMBER_OF_STATES, ERROR_WRONG_SIGNERS, ERROR_INVALID_TRANSITION, … NULL: one state with all
     * signatures does, nothing else. */
    enum status (*supported)(const struct channel_fixed *fixed, const struct signed_state *states,
                             size_t count, struct error *error);
    /* The turn of a supported state that whoever signs this one knows of; false when it does not tell. Who
     * challenges with a lower turn than he signed to know of has cheated. NULL: states never tell. */
    bool (*known)(const struct channel_state *state, uint64_t *turn);
    /* Whether a valid step is wrong at `now_us` (block time): the mover claims what its expiry gave back to
     * the other side, or offers what expires already or too late. No key countersigns it by itself. NULL:
     * there is no such thing. */
    bool (*is_late)(const struct channel_fixed *fixed, const struct channel_state *previous,
                    const struct channel_state *next, size_t mover, int64_t now_us);
    /* Whether fewer than all signatures may support such a state behind others: signing it is a decision of
     * the key's owner, which no policy takes for him. NULL: there are no such states. */
    bool (*by_hand)(const struct channel_state *state);
    /* Whether the mover may take value out of a channel that goes on: `next` is `previous` with less in his
     * simple entries. Gives `next` its data (in `arena`), so that states may follow it. NULL: nobody may. */
    enum status (*take_out)(const struct channel_fixed *fixed, const struct channel_state *previous,
                            struct channel_state *next, size_t mover, struct arena *arena,
                            struct error *error);
    /* next_ok lets no mover take what others could claim: they may countersign whatever it accepts. */
    bool next_is_safe;
};

/* ERROR_APPLICATION_NOT_FOUND names those that exist. */
MUST_CHECK enum status application_find(const char *name, const struct application **application,
                                        struct error *error);
const struct application *application_at(size_t index); /* NULL after the last */

/* Whether the states support their last one, as the application says. */
MUST_CHECK enum status application_supported(const struct application *application,
                                             const struct channel_fixed *fixed,
                                             const struct signed_state *states, size_t count,
                                             struct error *error);

/* Two kinds of support that applications are made of: one state that all signed; or, where participants move
 * in turn with one signature a state, exactly as many states as participants, with consecutive turns, each
 * signed by participant (turn mod n) and nobody else, each a valid next one of the one before (ForceMove's
 * strict turn taking). */
MUST_CHECK enum status application_unanimous(const struct channel_fixed *fixed,
                                             const struct signed_state *states, size_t count,
                                             struct error *error);
MUST_CHECK enum status application_turn_taking(const struct application *application,
                                               const struct channel_fixed *fixed,
                                               const struct signed_state *states, size_t count,
                                               struct error *error);

/* All participants of a channel as a mask. */
uint32_t application_everyone(const struct channel_fixed *fixed);

#endif
