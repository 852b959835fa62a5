/* What a node publishes of rollups, batches and games, read from its public queries. Read as it is said:
 * whoever uses it compares it with what he computed. */
#ifndef WATCH_PUBLISHED_H
#define WATCH_PUBLISHED_H

#include "base/buffer.h"
#include "base/memory.h"
#include "layer2/optimistic/game.h"
#include "layer2/rollup/batch.h"
#include "watch/node.h"

#define SYMBOL_MAX 64
#define STATE_MAX 24

struct published_node {
    char chain[LAYERD_NAME_MAX * 2];
    bool main_network;
    uint64_t height;          /* of the newest block */
    int64_t now_us, chain_time_us;
};
MUST_CHECK enum status published_node(struct node *node, struct published_node *out, struct error *error);

struct published_rollup {
    uint64_t domain;
    struct hash id;
    struct account_id operator_;
    unsigned assets;
    char bond_symbol[SYMBOL_MAX];
    struct game_params game;  /* its terms */
    int64_t challenge_us;
    uint64_t head, final;
    struct hash head_batch;   /* id of the newest that stands; zero: none */
    struct hash genesis_root;
};
MUST_CHECK enum status published_rollup(struct node *node, uint64_t domain, struct published_rollup *out,
                                        struct error *error);
/* Numbers of all rollups, in order; the caller frees. */
MUST_CHECK enum status published_rollups(struct node *node, uint64_t **domains, size_t *count,
                                         struct error *error);

struct published_batch {
    struct hash id, parent, previous_root, items_root, context;
    uint64_t domain, number;
    struct account_id proposer;
    struct batch_result result;
    uint64_t inbox_from, inbox_to, items;
    char state[STATE_MAX];
    int64_t window_end_us;
    bool on_ledger;           /* its data; if not, it may be that of a committee, or of nobody */
    struct buffer data;       /* one zlib stream, or nothing */
};
void published_batch_close(struct published_batch *batch);
bool published_batch_is_open(const struct published_batch *batch); /* to be disputed */
/* By number, of those that stand; or by id, if `id` is not NULL. ERROR_BATCH_NOT_FOUND. */
MUST_CHECK enum status published_batch(struct node *node, uint64_t domain, uint64_t number,
                                       const struct hash *id, struct published_batch *out,
                                       struct error *error);

/* The inbox items `from` … `to` − 1 of a rollup; their bytes are the arena's, items[0] … the caller's. */
MUST_CHECK enum status published_inbox(struct node *node, uint64_t domain, uint64_t from, uint64_t to,
                                       struct arena *arena, struct bytes *items, struct error *error);

struct published_game {
    struct hash id, batch, prestate;
    uint64_t domain;
    unsigned max_depth, split_depth;
    bool running;
    uint32_t count, paid;     /* claims; of which so many bonds have left */
    struct claim *claims;     /* NULL: not read */
};
void published_game_close(struct published_game *game);
/* With `whole` its claims as well. */
MUST_CHECK enum status published_game(struct node *node, const struct hash *id, bool whole,
                                      struct published_game *out, struct error *error);

struct published_game_line {
    struct hash id, batch;
    uint64_t domain, begun_seq, claims;
};
/* Games that run; or those in which the account has a claim, begun after that event. The caller frees. */
MUST_CHECK enum status published_games(struct node *node, const struct account_id *account, uint64_t after,
                                       struct published_game_line **list, size_t *count,
                                       struct error *error);

MUST_CHECK enum status published_balance(struct node *node, const struct account_id *account,
                                         const char *symbol, uint64_t *amount, struct error *error);
/* *found: the account's commitment is there, made in block *block. */
MUST_CHECK enum status published_commitment(struct node *node, const struct account_id *account,
                                            const struct hash *commitment, bool *found, uint64_t *block,
                                            struct error *error);

#endif
