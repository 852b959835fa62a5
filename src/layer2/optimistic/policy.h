/* The watcher's policy, pure: what to do now about one batch, given what the rows say of it and of its game,
 * and what it truly leads to. The watcher in the node (play.c) feeds it from rows, `layer-cli watch`
 * (src/watch) from what any node publishes; both submit what it answers, each with its own key.
 *
 * What always holds: it keeps nothing between two looks, and two that play for one account agree. It counters
 * no claim of its own account, and asks for no bond but for a claim. */
#ifndef LAYER2_OPTIMISTIC_POLICY_H
#define LAYER2_OPTIMISTIC_POLICY_H

#include "base/json.h"
#include "layer2/optimistic/fraud_commitment.h"
#include "layer2/optimistic/honest.h"
#include "layer2/rollup/batch.h"
#include "layer2/rollup/state.h"

#define POLICY_PATIENCE_BLOCKS 10 /* a proof not taken after so many blocks more is not waited for */

/* What whoever looks knows of the batch. */
struct policy_view {
    struct account_id own;       /* who plays */
    int64_t now_us;              /* chain time of the newest block */
    uint64_t next_block;         /* the first one that a command submitted now can be in */
    struct hash batch;           /* its id */
    struct account_id proposer;
    uint64_t items;
    struct batch_result claimed;
    bool right;                  /* whether it leads there, as was found by executing it */
    bool open;                   /* proposed or challenged */
    bool published;              /* its data is on the ledger, which a proof is checked against */
    int64_t window_end_us;
    int64_t challenge_us;        /* the length of its rollup's windows */
    struct game_params terms;    /* its rollup's; depths and prestate are of no account */
    const struct game *game;     /* the one that runs, with all its claims; NULL: none does */
    struct hash game_id;
};

/* Whether there may be anything to do; if not, nobody need look at the state before the batch. */
MUST_CHECK bool policy_is_concerned(const struct policy_view *view);
/* A wrong batch, and of somebody else: it is not ours to show our own. */
MUST_CHECK bool policy_wants_it_gone(const struct policy_view *view);

struct policy_move {
    struct move move;
    struct buffer witness; /* of a step */
};
/* What could be done, as far as the state before the batch tells. */
struct policy_plan {
    bool has_proof;
    struct buffer proof;       /* for fraud.prove */
    struct hash value;         /* for game.challenge: half way through the trace */
    struct policy_move *moves; /* in the game that runs */
    uint32_t move_count;
};
/* The state is left as it was. Close the plan in any case. */
MUST_CHECK enum status policy_plan_make(const struct policy_view *view, struct rollup_state *before,
                                        const struct batch *batch, struct policy_plan *plan,
                                        struct error *error);
void policy_plan_close(struct policy_plan *plan);

/* --- fraud that can be proved ------------------------------------------------------------------ */
enum policy_proof {
    POLICY_NO_PROOF,  /* a game must show it */
    POLICY_COMMIT,
    POLICY_WAIT,      /* until the commitment may be opened */
    POLICY_REVEAL,
    POLICY_GIVE_UP,   /* it was opened again and again, and is not taken */
};
/* `commitment`: the block that ours to this very proof was made in; NULL: there is none. */
enum policy_proof policy_proof_next(const struct policy_view *view, const struct policy_plan *plan,
                                    const uint64_t *commitment);
/* Whether the batch may be left to the proof; if not, a game is needed as well: in the last quarter of its
 * window a batch is not left to a proof alone. `taken`: the ledger took what was to be submitted. */
bool policy_leaves_it_to_the_proof(const struct policy_view *view, enum policy_proof next, bool taken);

/* --- what is submitted -------------------------------------------------------------------------- */
struct policy_command {
    const char *method; /* literal */
    uint64_t bond;      /* what it locks; 0: nothing */
    json_t *params;     /* the receiver's */
};
void policy_commit_command(const struct policy_view *view, const struct policy_plan *plan,
                           const struct hash *salt, struct policy_command *command);
void policy_reveal_command(const struct policy_view *view, const struct policy_plan *plan,
                           const struct hash *salt, struct policy_command *command);
void policy_challenge_command(const struct policy_view *view, const struct policy_plan *plan,
                              struct policy_command *command);
void policy_move_command(const struct policy_view *view, const struct policy_move *move,
                         struct policy_command *command);

/* The bonds along the longest way down a game of this depth, of the dearer side: whoever enters one without
 * them may have to leave a claim unanswered, and lose what it put in before. */
uint64_t policy_reserve(const struct game_params *terms, unsigned max_depth);

/* Somebody was quicker, or time was; or it cannot be done for the moment. Another look tells. */
MUST_CHECK bool policy_refusal_passes(enum status refusal);

#endif
