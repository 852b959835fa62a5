/* A seeded history of two rollups on one ledger, with many who act in it: users, a proposer who cheats,
 * people who attack what is right, somebody who answers rightly where it pays nothing, and an honest
 * party. Beside the node stands a model: each rollup's batches executed anew by the pure half alone, and
 * only those that stand and are right, so that it never saw what was taken back. What always holds is
 * compared with it after every step (history_checks.c). */
#ifndef TESTS_ROLLUP_HISTORY_H
#define TESTS_ROLLUP_HISTORY_H

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "kernel_fixture.h"
#include "layer2/optimistic/dispute.h"
#include "layer2/optimistic/honest.h"
#include "layer2/optimistic/optimistic.h"
#include "layer2/rollup/propose.h"

#include <cmocka.h> /* last: it makes a macro of fail() */

#define SECOND MICROSECONDS_PER_SECOND
#define SIDES 2
#define ASSETS 2
#define USERS 3
#define BATCHES_MAX 128     /* of a rollup that stand */
#define WITHDRAWALS_MAX 256
#define INBOX_MAX 512
#define TRUTHS_MAX 256
#define GAMES_MAX 128
#define BOND 1000
#define BURN_PPM 100000
#define CHALLENGE_US (240 * SECOND)
#define CLOCK_US (90 * SECOND)
#define EXTENSION_US (25 * SECOND)
#define STEP_EXTENSION_US (2 * SECOND)
#define AIR_GAP_US (40 * SECOND)
#define PAYOUT_US (5 * SECOND)
#define FORCED_US (60 * SECOND)
#define ESCAPE_US (500 * SECOND)
#define JAIL_US (20 * SECOND)
#define PACE_US (20 * SECOND) /* time passes in pieces of so much at most: everybody can act in between */

extern const char *const users[USERS];
extern const char *const symbols[ASSETS];

/* What a batch says that is not so. */
enum lie {
    LIE_NONE, LIE_ROOT, LIE_STOLEN, LIE_WITHDRAWAL_ROOT, LIE_WITHDRAWALS, LIE_SIGNATURE, LIE_NONCE,
    LIE_BALANCE, LIE_OTHER_ROLLUP, LIE_REGISTRATION, LIES,
};

/* A rollup, and the model of it: its batches from the first one on that stand and are right. */
struct side {
    uint64_t domain;
    struct rollup rollup;       /* as it is in the rows */
    const char *operator_;      /* NULL: the node itself */
    struct rollup_state *state;
    struct hash batches[BATCHES_MAX];
    size_t count;
    struct withdrawal withdrawals[WITHDRAWALS_MAX];
    uint64_t withdrawal_count;
    bool wrong;                 /* the one behind them is: this */
    struct hash wrong_batch;
    bool expects_exits;         /* it is frozen, and each account's final balance is noted */

    enum inbox_state inbox[INBOX_MAX]; /* as they were, to see what became of them */
    size_t inbox_count;
    struct hash finals[BATCHES_MAX];
    size_t final;
    int64_t claimed, exited;
    unsigned sent;              /* transactions that the test gave to the node's sequencer */
};

enum honest_party {
    HONEST_NODE, /* the node's own watcher, on its own threads, and its own sequencer */
    HONEST_HAND, /* "wanda", moved by the test, so that the blocks follow from the seed alone */
};

/* What happened, to be asked for afterwards. */
struct counts {
    unsigned steps, batches, lies[LIES], rejected, parent_rejected, defended, defeated, voided, judged,
        frauds, moves, refused_moves, late_refused, last_moment, freeloaders, duplicates, claims,
        claims_again, escapes,
        exits, exits_again, restarts, crashes, outages, forced, nulls, negatives, final, exit_forced;
};

struct history {
    struct fixture f;
    struct database *reader;    /* in a snapshot: see history_look */
    enum honest_party honest;
    bool restart_always;        /* at every single move */
    bool takes_all;             /* the proposer leaves nothing in an inbox */
    uint64_t random;
    int64_t now_us;             /* chain time of the newest block */
    struct account_id party;    /* the honest one */
    struct side sides[SIDES];
    struct truth { struct hash batch; bool right, root_right; } truths[TRUTHS_MAX];
    size_t truth_count;
    struct { struct hash id; bool ended, paid; } games[GAMES_MAX];
    size_t game_count;
    int64_t supply[ASSETS];
    struct counts *counts;
};

/* --- the world (history.c) ---------------------------------------------------------------------- */
void history_begin(struct history *h, uint64_t seed, enum honest_party honest, struct counts *counts);
/* What an earlier node left, which the honest party was itself. */
void history_open(struct history *h, const char *directory, struct counts *counts);
void history_end(struct history *h); /* audits, replays, rebuilds */
uint64_t roll(struct history *h, uint64_t below);
bool one_in(struct history *h, uint64_t times);
/* A new snapshot of the rows; the model follows them. */
void history_look(struct history *h);
void history_restart(struct history *h);
/* On a copy of the files as they lie there, as if the power had gone. */
void history_crash(struct history *h);
/* Chain time, in one piece; what is due has been done. */
void history_advance(struct history *h, int64_t by_us);
int64_t ask(struct history *h, const char *format, ...) PRINTF_LIKE(2, 3); /* of the snapshot; NULL: −1 */
char *ask_text(struct history *h, const char *format, ...) PRINTF_LIKE(2, 3);
int64_t held_of(struct history *h, const char *symbol); /* by all accounts together */
int64_t burned_so_far(struct history *h);                /* GOLD */
enum status attempt(struct history *h, const char *who, const char *method, json_t *params);
void hex_of(char hex[65], const struct hash *hash);

/* The state after so many batches of the model, executed anew; the caller's. */
struct rollup_state *model_at(struct history *h, const struct side *side, size_t batches);
/* What it leads to, and whether it says so; NULL: that is not known, for it stands on what is wrong. */
const struct truth *truth_of(const struct history *h, const struct hash *batch);

/* --- people (history_people.c) ------------------------------------------------------------------ */
void users_act(struct history *h);
void proposer_acts(struct history *h);
void proposer_proposes(struct history *h, struct side *side, enum lie lie);
void claimer_acts(struct history *h);
void somebody_escapes(struct history *h);
void somebody_exits(struct history *h);
void trickster_acts(struct history *h); /* what must be refused: of another rollup, stale, swapped */
void claim_all(struct history *h);
void exit_all(struct history *h, struct side *side);

/* --- games (history_games.c) -------------------------------------------------------------------- */
void attacker_acts(struct history *h);
void liar_acts(struct history *h);
/* All moves that somebody makes whose trace is true up to a step, and leads to what the root claim says;
 * or, when that is right, to something else. */
void liar_plays(struct history *h, const char *who, const struct hash *game, uint64_t lie);
void last_moment_acts(struct history *h); /* one µs before a clock ends, and when it has ended */
/* Until the honest party has nothing left to do. */
void honest_acts(struct history *h);
/* Time in pieces, the honest party acting in between. */
void history_pass(struct history *h, int64_t us);

/* --- what always holds (history_checks.c) ------------------------------------------------------- */
void history_check(struct history *h);
/* Once all is final or frozen: what stands, in a node that never saw anything else. */
void compare_with_fresh_run(struct history *h);

#endif
