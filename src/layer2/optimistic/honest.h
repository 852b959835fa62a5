/* The honest party's policy, pure: which moves to make now, given what the trace really is. It holds no
 * state: whoever restarts with the claims alone goes on where he was; two that play for one account agree.
 *
 * A right root claim is left alone, a wrong one attacked. Each claim that is countered has one right
 * answer: (parent, position, value), whoever makes it; such an answer is never countered, and everything
 * that counters it is. Of the other answers to a claim, those that stand left of the right one or beside
 * it (freeloaders) are countered too, for the left-most that stands is paid; those to its right can win
 * nothing. */
#ifndef LAYER2_OPTIMISTIC_HONEST_H
#define LAYER2_OPTIMISTIC_HONEST_H

#include "layer2/optimistic/game.h"

struct honest_trace {
    /* The state after the step with this index. A failure ends the search for moves, and is passed on. */
    enum status (*value)(void *context, unsigned __int128 index, struct hash *out, struct error *error);
    void *context;
};

/* What one claim is to the honest party; room to work in, one for each claim. */
struct honest_mark {
    bool honest;             /* his own, or as good as */
    bool counters;           /* to be countered, by: */
    bool answered;           /* and somebody did so */
    enum move_kind kind;
    struct position position; /* unless by a step */
    struct hash value;
};

/* Moves as `mover`, oldest claim first, bonds as they must be, all of them in time; at most one a claim:
 * `marks` and `moves` have room for game->count. None in a game that is over. */
MUST_CHECK enum status honest_moves(const struct game *game, const struct honest_trace *trace,
                                    const struct account_id *mover, int64_t now_us, struct honest_mark *marks,
                                    struct move *moves, uint32_t *count, struct error *error);

#endif
