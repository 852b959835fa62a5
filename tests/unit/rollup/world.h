/* A small rollup in memory for this room's tests: its leaves as a plain list, and a real state tree beside
 * them, so that every root is one. Also random batches for it. No test framework, so that the program which
 * answers the second implementation, and the fuzzer, can use it. */
#ifndef TESTS_ROLLUP_WORLD_H
#define TESTS_ROLLUP_WORLD_H

#include "../crypto/page_store.h"
#include "layer2/rollup/batch.h"
#include "layer2/rollup/witness.h"

#define WORLD_LEAVES 256
#define WORLD_WITHDRAWALS 256
#define WORLD_ITEMS 128 /* of a batch */
#define PEOPLE 12       /* person 0 is the operator */

struct dice { uint64_t state; };
uint64_t dice_roll(struct dice *dice, uint64_t below);
bool dice_one_in(struct dice *dice, uint64_t times);

struct world_leaf {
    struct leaf_place place;
    struct leaf leaf;
};

struct world {
    struct hash rollup;
    unsigned assets;
    bool rooted; /* the tree follows the leaves */
    struct page_store store;
    struct state_tree tree;
    struct arena arena;
    struct hash root;
    struct world_leaf leaves[WORLD_LEAVES];
    size_t leaf_count;
    struct withdrawal withdrawals[WORLD_WITHDRAWALS];
    size_t withdrawal_count;
    const struct bytes *items; /* of the batch that is executed */
    bool all_verified;         /* every signature is taken for good */
    unsigned reads, writes;    /* since they were set to 0 */
};

/* The genesis state, with person 0 as the operator. */
struct world *world_new(unsigned assets);
void world_free(struct world *world);
void world_free_pointer(struct world **world);
#define AUTO_WORLD CLEANUP(world_free_pointer) struct world *
struct world *world_copy(const struct world *from, bool rooted);

struct leaf *world_find(struct world *world, const struct leaf_place *place);
void world_put(struct world *world, const struct leaf_place *place, const struct leaf *leaf);
void world_remove(struct world *world, const struct leaf_place *place);
bool world_equal(const struct world *a, const struct world *b); /* the same leaves */
struct rollup_account *world_account(struct world *world, uint32_t index);
bool world_index(struct world *world, const struct account_id *key, uint32_t *index);
struct leaf *world_one(struct world *world, enum leaf_kind kind);
uint64_t world_total(const struct world *world, unsigned asset); /* of all accounts */
struct machine_access world_access(struct world *world);
witness_prove world_prove;

const struct account_id *person_key(unsigned person);
/* Fills digest and signature. */
void person_sign(unsigned person, struct item *item, const struct hash *rollup);

/* A batch with its memory. */
struct made {
    struct batch batch;
    struct bytes items[WORLD_ITEMS];
    struct arena arena;
    struct hash items_root, context;
};
void made_init(struct made *made, const struct world *world);
void made_close(struct made *made);
/* An item at the end; those of the inbox first. */
void made_add(struct made *made, struct bytes bytes);
void made_transaction(struct made *made, const struct item *item);
void made_inbox(struct made *made, const struct item *item);   /* deposit, forced exit */
void made_forced(struct made *made, const struct item *item); /* a signed transaction */
void made_finish(struct made *made); /* roots and context */
/* `inbox` items and `transactions` random ones. One item in `wrong` has something wrong with it (0: none),
 * except that transactions have nothing wrong unless `invalid`. */
void made_random(struct made *made, const struct world *world, struct dice *dice, unsigned inbox,
                 unsigned transactions, unsigned wrong, bool invalid);
/* Executes it all on the world. */
void world_execute(struct world *world, const struct made *made, struct machine *machine);

#endif
