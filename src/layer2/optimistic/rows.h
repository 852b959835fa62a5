/* The tables of dispute games and of fraud: game, claim, step, payout, fraud_commitment, fraud. All of them
 * are base tables; this file alone writes them.
 *
 * A claim's place in a game never changes. `waits_for` counts its unresolved answers, so that what can be
 * resolved next is found without looking at the others. */
#ifndef LAYER2_OPTIMISTIC_ROWS_H
#define LAYER2_OPTIMISTIC_ROWS_H

#include "layer2/optimistic/game.h"
#include "store/database.h"

#define GAME_ROW_DEPTH_MAX 61 /* positions are integers of SQLite */

struct game_row {
    struct hash id, batch;
    uint64_t domain;
    struct account_id holding;
    unsigned max_depth, split_depth;
    struct hash prestate;
    uint32_t claims;
    uint64_t pot;
    enum game_status status;
    enum game_closing closing;
    uint32_t paid;     /* bonds of claims 0 … paid − 1 have left */
    int64_t begun_us;
    int64_t ended_us;  /* 0: not ended */
    int64_t closed_us; /* 0: not closed */
};

MUST_CHECK bool game_row_read(struct database *database, const struct hash *id, struct game_row *row);
/* The one that runs about the batch. */
MUST_CHECK bool game_row_running(struct database *database, const struct hash *batch, struct game_row *row);
void game_row_insert(struct database *database, const struct game_row *row, uint64_t seq);
void game_row_update(struct database *database, const struct game_row *row); /* claims … closed_us */
/* Batches of running games in the order of their ids, after that one. */
size_t game_row_list_running(struct database *database, const struct hash *after, struct hash *batches,
                             size_t most);

/* Fills all but what game.h calls derived. */
MUST_CHECK bool claim_row_read(struct database *database, const struct hash *game, uint32_t number,
                               struct claim *claim);
/* Claims `from` … of the game, at most so many, into claims[0] …; returns how many. */
uint32_t claim_row_list(struct database *database, const struct hash *game, uint32_t from, uint32_t most,
                        struct claim *claims);
void claim_row_insert(struct database *database, const struct hash *game, uint32_t number,
                      const struct claim *claim, int64_t deadline_us);
void claim_row_countered(struct database *database, const struct hash *game, uint32_t number,
                         const struct account_id *by);
/* Writes that it is resolved, and by whom it is countered; its parent waits for one less. */
void claim_row_resolved(struct database *database, const struct hash *game, uint32_t number,
                        const struct claim *claim);
/* The answer to `parent` at this place with this value. */
MUST_CHECK bool claim_row_find(struct database *database, const struct hash *game, uint32_t parent,
                               struct position position, const struct hash *value, uint32_t *number);
/* The left-most answer that stands, the oldest of these. */
MUST_CHECK bool claim_row_standing(struct database *database, const struct hash *game, uint32_t parent,
                                   uint32_t *number);
/* The claim to be resolved next, and from when on it can be; false: all are resolved. */
MUST_CHECK bool claim_row_next(struct database *database, const struct hash *game, uint32_t *number,
                               int64_t *deadline_us);

void step_row_insert(struct database *database, const struct hash *game, const struct move *move,
                     int64_t now_us, uint64_t seq);
void payout_row_insert(struct database *database, const struct hash *game, const struct payout *payout,
                       int64_t now_us, uint64_t seq);
/* How many steps there are in the game. */
uint32_t step_row_count(struct database *database, const struct hash *game);

struct commitment {
    struct account_id account;
    struct hash hash;
    uint64_t block;
    int64_t expires_us;
};
MUST_CHECK bool commitment_read(struct database *database, const struct account_id *account,
                                const struct hash *hash, struct commitment *commitment);
void commitment_insert(struct database *database, const struct commitment *commitment, uint64_t seq);
void commitment_delete(struct database *database, const struct account_id *account, const struct hash *hash);

struct fraud_row {
    struct hash batch;
    unsigned kind; /* enum fraud_kind */
    struct account_id prover;
    uint64_t reward, burned;
};
void fraud_row_insert(struct database *database, const struct fraud_row *row, uint64_t seq);

#endif
