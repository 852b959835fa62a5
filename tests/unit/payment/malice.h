/* Strangers who try everything, at random: carol, whom alice pays through bob, and dave, who pays bob. They
 * sign or not, claim, give back, claim what is not theirs, show preimages to the ledger, offer too much or
 * for too short, challenge with old states, replay what was signed; time passes, the node restarts, its
 * keystore is locked for a while. Whatever they do, at the end alice and bob together have what they had,
 * less what carol can be proved to have been paid, plus what bob's invoices say he got.
 *
 * What strangers know stands apart from the node, so that it can outlive it. */
#ifndef TESTS_MALICE_H
#define TESTS_MALICE_H

#include "test_payment.h"

#include "base/clock.h"
#include "crypto/asset.h"
#include "layer2/channel/life.h"
#include "layer2/channel/local.h"

#define MALICE_STEPS 120
#define MALICE_OLD_STATES 40
#define MALICE_FUNDS 20000

struct old_state {
    size_t way;
    char state[24 * 1024], signatures[2][129]; /* hex */
    struct hash hash;
};

struct memory {
    uint64_t seed;
    struct hash preimages[MALICE_STEPS]; /* carol's, and of bob's invoices the hashes */
    size_t preimage_count;
    char hashes[MALICE_STEPS][65];       /* of bob's invoices */
    size_t hash_count;
    struct old_state old[MALICE_OLD_STATES];
    size_t old_count;
    int64_t before;                      /* what alice and bob had together */
    int64_t paid, received;              /* as the node last told */
    /* for the node's next life: */
    char directory[256];
    int64_t now_us, advanced_us;
    uint64_t salt;
    size_t steps;
};

struct world {
    struct fixture f;
    struct way ways[3]; /* alice–bob, bob–carol, dave–bob */
    struct memory *m;
};

/* A new town; w->m is there, with its seed, and all else in it zero. */
void malice_begin(struct world *w);
void malice_step(struct world *w);
/* Time passes until nothing is under way; fails the test when alice and bob lost anything. Stops the node. */
void malice_end(struct world *w);
int64_t malice_ours(struct world *w); /* what alice and bob have, on the ledger and in channels */
/* What the node told as settled is so still. */
void malice_nothing_undone(struct world *w);

/* Keeps what the next life needs; and begins it, on the same directory, after the node died. */
void malice_note(struct world *w);
void malice_go_on(struct world *w);

#endif
