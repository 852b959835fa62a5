/* The optimistic dispute game, pure: claims about one trace, moves against them, chess clocks, and who is
 * paid (OP Stack, FaultDisputeGame). No I/O, no clock, no allocation, no machine: time is a parameter, in µs
 * of chain time; the array of claims is the caller's; whether one step is right, a function of his tells.
 *
 * A claim says what the machine's state is at its position's trace index. Whoever disagrees attacks it;
 * whoever agrees, but not with what is said of the trace behind it, defends it. At the greatest depth two
 * claims stand one step apart, and the step itself decides. A claim is countered when one answer to it stands
 * uncountered; the left-most such answer takes its bond. The root wins when nothing counters it.
 *
 * What always holds: a deadline has passed when now >= deadline; what time has run out for changes no more
 * but by what is below it; every bond is paid once. What differs from OP on purpose, README.md tells. */
#ifndef LAYER2_OPTIMISTIC_GAME_H
#define LAYER2_OPTIMISTIC_GAME_H

#include "base/bytes.h"
#include "base/status.h"
#include "layer2/optimistic/position.h"

#define GAME_CLAIMS_MAX 65536u   /* then the game is full, and to be made void: see game_void */
#define GAME_NO_CLAIM UINT32_MAX /* the root's parent; no child, no sibling */
#define GAME_PPM 1000000u
/* Of each bond of a full game, save the root's and the first attack's, burns a sixty-fourth: whoever fills a
 * game makes a verdict impossible, and loses some hundred bonds for it. */
#define GAME_FULL_BURN_PPM 15625u
#define GAME_SPARED 2u /* claims 0 and 1: the batch's own bond, and that of who challenged it */

struct game_params {
    unsigned max_depth;         /* 1 … POSITION_DEPTH_MAX; the trace has 2^max_depth steps */
    unsigned split_depth;       /* < max_depth: the first claim below it takes more time; 0: none does */
    int64_t max_clock_us;       /* time for all moves of one side */
    int64_t extension_us;       /* > 0: whoever moves has so much at least for his next move; or more */
    int64_t step_extension_us;  /* and this much more when the next one is a step */
    int64_t air_gap_us;         /* from the end of the game to its closing */
    int64_t payout_delay_us;    /* from closing to payment */
    uint64_t bond_base;         /* > 0: of the root claim; each depth takes numerator/denominator as much */
    uint32_t bond_numerator;
    uint32_t bond_denominator;
    uint32_t burn_ppm;          /* part of each bond lost that nobody gets, so that nobody counters himself */
    struct hash prestate;       /* before the first step: both sides agree on it */
};

struct claim {
    uint32_t parent;
    struct position position;
    struct hash value;
    struct account_id claimant;
    uint64_t bond;
    int64_t clock_us;   /* what its side had used of its time when it was made */
    int64_t made_at_us;
    bool countered;     /* by a step; or, once resolved, by a claim */
    bool resolved;      /* final */
    struct account_id countered_by; /* who takes the bond */
    /* From here on derived: see game_restore. */
    uint32_t first_child, last_child, next_sibling; /* children in the order of their making */
};

enum game_status {
    GAME_RUNNING,
    GAME_DEFENDED,  /* the root claim stands */
    GAME_DEFEATED,  /* it does not */
    GAME_VOID,      /* ended without a verdict; bonds go back */
};
const char *game_status_name(enum game_status status);

enum game_closing {
    GAME_OPEN,      /* nothing is paid yet */
    GAME_NORMAL,    /* bonds lost go to whoever won them */
    GAME_REFUND,    /* all bonds go back: the game should not have been */
    GAME_FILLED,    /* the same, less what burns because it was full */
};
const char *game_closing_name(enum game_closing closing);

struct game {
    struct game_params params;
    struct claim *claims; /* the caller's; a claim comes after its parent, the root is first */
    uint32_t count;
    uint32_t capacity;
    uint64_t pot;         /* sum of all bonds */
    enum game_status status;
    enum game_closing closing;
    int64_t ended_at_us;  /* unless running */
    int64_t closed_at_us; /* unless open */
};

enum move_kind {
    MOVE_ATTACK,
    MOVE_DEFEND,
    MOVE_STEP_ATTACK, /* the step that leads to the claim's state is not right */
    MOVE_STEP_DEFEND, /* the step that begins with the claim's state leads elsewhere than is claimed */
};
const char *move_kind_name(enum move_kind kind);

struct move {
    enum move_kind kind;
    uint32_t parent;        /* which claim it counters */
    struct hash disputed;   /* and what that claim says, as the mover saw it */
    struct account_id mover;
    struct hash value;      /* steps need none */
    uint64_t bond;          /* nor a bond */
};

/* Tells whether the machine goes from `pre` to `post` by the step with this index, the one that ends in the
 * state of that trace index. What it needs besides (a witness) comes with the context; where that does not
 * belong to `pre`, it refuses, and the move is refused with it. */
struct step_judge {
    enum status (*judge)(void *context, unsigned __int128 index, const struct hash *pre,
                         const struct hash *post, bool *right, struct error *error);
    void *context;
};

/* --- what is paid in, and how long it takes */
/* ERROR_INVALID_PARAMS: parameters that no game can have; bonds and times beyond INTEGER_MAX among them. */
MUST_CHECK enum status game_params_check(const struct game_params *params, struct error *error);
uint64_t game_bond(const struct game_params *params, unsigned depth);
/* Every claim can be resolved so long after the game's beginning, whatever anybody does. */
int64_t game_longest_us(const struct game_params *params);

/* --- a game */
/* A new one with its root claim, whose bond is paid in with it. `claims` has room for `capacity` ≥ 1.
 * ERROR_INVALID_PARAMS. */
MUST_CHECK enum status game_begin(const struct game_params *params, struct claim *claims, uint32_t capacity,
                                  const struct hash *root, const struct account_id *proposer, int64_t now_us,
                                  struct game *game, struct error *error);
/* One read back: `claims` as they were, in their order, save the derived part, which is made here, and so is
 * the pot; status, closing and their times are the caller's to set in *game afterwards. */
void game_restore(const struct game_params *params, struct claim *claims, uint32_t count, uint32_t capacity,
                  struct game *game);

/* When nobody can counter the claim any more, and it can be resolved. */
int64_t game_deadline_us(const struct game *game, uint32_t claim);

/* An attack or a defence. *made: the new claim's place in the array.
 * ERROR_GAME_OVER, ERROR_CLAIM_NOT_FOUND, ERROR_WRONG_CLAIM, ERROR_ROOT_DEFENDED, ERROR_DEPTH_EXCEEDED,
 * ERROR_WRONG_BOND, ERROR_CLOCK_EXPIRED, ERROR_DUPLICATE_CLAIM, ERROR_GAME_FULL, in this order. */
MUST_CHECK enum status game_move(struct game *game, const struct move *move, int64_t now_us, uint32_t *made,
                                 struct error *error);
/* ERROR_GAME_OVER, ERROR_CLAIM_NOT_FOUND, ERROR_WRONG_CLAIM, ERROR_NOT_A_LEAF, ERROR_ALREADY_COUNTERED,
 * ERROR_CLOCK_EXPIRED, what the judge refuses, ERROR_STEP_CONFIRMS, in this order. */
MUST_CHECK enum status game_step(struct game *game, const struct move *move, const struct step_judge *judge,
                                 int64_t now_us, struct error *error);

/* --- its end */
/* ERROR_GAME_OVER, ERROR_CLAIM_NOT_FOUND, ERROR_CLAIM_RESOLVED, ERROR_CLOCK_RUNNING, ERROR_OUT_OF_ORDER. */
MUST_CHECK enum status game_resolve_claim(struct game *game, uint32_t claim, int64_t now_us,
                                          struct error *error);
/* Resolves all claims that can be; returns how many. */
uint32_t game_resolve_ready(struct game *game, int64_t now_us);
/* ERROR_GAME_OVER, ERROR_OUT_OF_ORDER (the root claim is not resolved). */
MUST_CHECK enum status game_resolve(struct game *game, int64_t now_us, struct error *error);
/* Ends a running game without a verdict, bonds to go back at once: what it is about is gone (its parent was
 * rejected: GAME_REFUND), or it is full, so that nobody wins by crowding out the answers (GAME_FILLED).
 * ERROR_GAME_OVER. */
MUST_CHECK enum status game_void(struct game *game, int64_t now_us, struct error *error);
/* ERROR_GAME_NOT_RESOLVED, ERROR_GAME_CLOSED, ERROR_AIR_GAP. `mode` is GAME_NORMAL or
 * GAME_REFUND. */
MUST_CHECK enum status game_close(struct game *game, enum game_closing mode, int64_t now_us,
                                  struct error *error);

struct payout {
    uint32_t claim;               /* whose bond it is */
    struct account_id recipient;
    uint64_t amount;
    uint64_t burned;              /* amount + burned is the bond */
};
/* One payout a claim, in their order, into `payouts` with room for game->count; changes nothing: that it is
 * done once is the caller's to see to. The game may hold a part of its claims alone, of which the first has
 * the number `first`. ERROR_GAME_NOT_RESOLVED (not closed), ERROR_AIR_GAP (too early). */
MUST_CHECK enum status game_payouts(const struct game *game, uint32_t first, int64_t now_us,
                                    struct payout *payouts, struct error *error);

#endif
