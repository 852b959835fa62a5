/* A game of the ledger's while a command or a deadline is at it: its row, its rollup, and struct game over
 * as many of its claims as the rules look at. The array has a place for every claim, so that claims keep
 * their numbers; a place that was not read is not looked at either. What a move costs does not depend on how
 * many claims there are. */
#ifndef LAYER2_OPTIMISTIC_DISPUTE_H
#define LAYER2_OPTIMISTIC_DISPUTE_H

#include "kernel/execution.h"
#include "ledger/ledger.h"
#include "layer2/optimistic/rows.h"
#include "layer2/rollup/rollup.h"

#define GAME_DEADLINE "game.next"
#define GAME_CHANGED "optimistic.game" /* the watcher's reaction; subject: the batch */
#define ACCOUNT_KIND_GAME "game"

struct dispute {
    struct game_row row;
    struct rollup rollup;
    struct game game; /* claims with room for one more than there are */
};

/* Its game has no claims read yet. False: there is none. Close it in any case. */
MUST_CHECK bool dispute_open(struct database *database, const struct hash *id, struct dispute *d);
void dispute_of_row(struct database *database, const struct game_row *row, struct dispute *d);
void dispute_close(struct dispute *d);

/* Reads one claim into its place; one with all above it; and the whole game. False: no such claim. */
MUST_CHECK bool dispute_read_claim(struct database *database, struct dispute *d, uint32_t number);
MUST_CHECK bool dispute_read_path(struct database *database, struct dispute *d, uint32_t number);
void dispute_read_all(struct database *database, struct dispute *d);
/* Makes a claim that was read known to its parent, as if it were the only answer. */
void dispute_link(struct dispute *d, uint32_t number);

/* The game's parameters: the rollup's, and the batch's own. */
void dispute_game_params(const struct rollup *rollup, unsigned max_depth, unsigned split_depth,
                    const struct hash *prestate, struct game_params *params);
/* The batch without its items' bytes: what commitments and steps depend on. */
void dispute_batch(const struct rollup *rollup, const struct batch_row *row, struct batch *batch);

/* Writes the row, sets the deadline for what comes next in the game, and wakes the watcher. */
void dispute_save(struct execution *x, struct dispute *d);

/* The asset that bonds are paid in. */
void dispute_asset(struct execution *x, const struct rollup *rollup, struct asset *asset);
/* Pays out of an account that only this room uses; nothing for an amount of 0. */
void dispute_pay(struct execution *x, const struct asset *asset, const struct account_id *from,
                 const struct account_id *to, uint64_t amount);
void dispute_burn(struct execution *x, struct asset *asset, const struct account_id *from, uint64_t amount);

/* --- ends (ending.c) ---------------------------------------------------------------------------- */
/* Does what is due in the game, at most some hundred claims: makes it void when it is full; resolves, closes,
 * pays. Returns how many claims it resolved. */
uint32_t dispute_go_on(struct execution *x, struct dispute *d);
/* Ends the game that runs about the batch, if there is one, without a verdict. The root claim's bond goes at
 * once to `bond_to`, or back to the batch's account when that is NULL; all others go back soon. */
void dispute_void(struct execution *x, const struct hash *batch, const struct account_id *bond_to,
                  const char *reason);
/* The game that runs about the batch, if there is one, ends without a verdict by its next deadline: for a
 * batch that goes together with others, of which there may be more than a command has events. Until then
 * nothing can be done in it (dispute_is_gone). */
void dispute_void_soon(struct execution *x, const struct hash *batch);
/* It runs about a batch that does not stand any more; *batch is filled in any case. */
MUST_CHECK bool dispute_is_gone(struct database *database, const struct game_row *row,
                                struct batch_row *batch);
/* The batch cannot stay, for it was wrong or nobody can tell: rolls it and its descendants back, and ends the
 * games about these soon. Its own game is over, and its bond was taken care of. */
void dispute_roll_back(struct execution *x, const struct hash *batch, bool wrong, const char *reason);
/* GAME_DEADLINE. */
void dispute_deadline(struct execution *x, struct bytes subject);

#endif
