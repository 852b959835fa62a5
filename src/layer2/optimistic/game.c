/* See game.h. */
#include "layer2/optimistic/game.h"

#include <inttypes.h>

const char *game_status_name(enum game_status status)
{
    switch (status) {
    case GAME_RUNNING:
        return "running";
    case GAME_DEFENDED:
        return "defended";
    case GAME_DEFEATED:
        return "defeated";
    case GAME_VOID:
        return "void";
    }
    INVARIANT(false, "no such status of a game: %d", (int)status);
}

const char *game_closing_name(enum game_closing closing)
{
    switch (closing) {
    case GAME_OPEN:
        return "open";
    case GAME_NORMAL:
        return "normal";
    case GAME_REFUND:
        return "refund";
    case GAME_FILLED:
        return "filled";
    }
    INVARIANT(false, "no such closing of a game: %d", (int)closing);
}

const char *move_kind_name(enum move_kind kind)
{
    switch (kind) {
    case MOVE_ATTACK:
        return "attack";
    case MOVE_DEFEND:
        return "defend";
    case MOVE_STEP_ATTACK:
        return "step_attack";
    case MOVE_STEP_DEFEND:
        return "step_defend";
    }
    INVARIANT(false, "no such kind of move: %d", (int)kind);
}

/* --- what is paid in, and how long it takes --------------------------------------------------- */
static bool bond_at(const struct game_params *params, unsigned depth, uint64_t *bond)
{
    unsigned __int128 amount = params->bond_base;

    for (unsigned i = 0; i < depth && amount <= INTEGER_MAX; i++)
        amount = amount * params->bond_numerator / params->bond_denominator;
    *bond = (uint64_t)amount;
    return amount <= INTEGER_MAX;
}

uint64_t game_bond(const struct game_params *params, unsigned depth)
{
    uint64_t bond;

    INVARIANT(depth <= params->max_depth && bond_at(params, depth, &bond), "no bond at depth %u", depth);
    return bond;
}

/* What whoever makes a claim at this depth has at least for his next move, two levels down. */
static int64_t extension_us(const struct game_params *params, unsigned depth)
{
    if (depth + 1 == params->max_depth)
        return params->extension_us + params->step_extension_us;
    if (depth + 1 == params->split_depth)
        return 2 * params->extension_us;
    return params->extension_us;
}

int64_t game_longest_us(const struct game_params *params)
{
    int64_t longest = 2 * params->max_clock_us;

    for (unsigned depth = 1; depth <= params->max_depth; depth++)
        longest += extension_us(params, depth);
    return longest;
}

static bool is_time(int64_t us)
{
    return us >= 0 && (uint64_t)us <= INTEGER_MAX / (POSITION_DEPTH_MAX + 3); /* 814 days */
}

enum status game_params_check(const struct game_params *params, struct error *error)
{
    uint64_t bond;

    if (params->max_depth < 1 || params->max_depth > POSITION_DEPTH_MAX)
        return error_set(error, ERROR_INVALID_PARAMS, "max_depth is %u, not 1 … %d", params->max_depth,
                         POSITION_DEPTH_MAX);
    if (params->split_depth >= params->max_depth)
        return error_set(error, ERROR_INVALID_PARAMS, "split_depth %u is not above max_depth %u",
                         params->split_depth, params->max_depth);
    if (!is_time(params->max_clock_us) || !is_time(params->extension_us) ||
        !is_time(params->step_extension_us) || !is_time(params->air_gap_us) ||
        !is_time(params->payout_delay_us))
        return error_set(error, ERROR_INVALID_PARAMS, "a time of the game is negative or too long");
    if (params->extension_us == 0)
        return error_set(error, ERROR_INVALID_PARAMS, "without an extension the last to move always wins");
    if (2 * params->extension_us > params->max_clock_us ||
        params->extension_us + params->step_extension_us > params->max_clock_us)
        return error_set(error, ERROR_INVALID_PARAMS,
                         "the clock of %" PRId64 " µs is shorter than its extensions", params->max_clock_us);
    if (params->bond_base == 0 || params->bond_denominator == 0 ||
        params->bond_numerator < params->bond_denominator)
        return error_set(error, ERROR_INVALID_PARAMS, "bonds are 0, or get less with depth");
    if (!bond_at(params, params->max_depth, &bond))
        return error_set(error, ERROR_INVALID_PARAMS, "the bond at depth %u is over %" PRIu64,
                         params->max_depth, INTEGER_MAX);
    if (params->burn_ppm > GAME_PPM)
        return error_set(error, ERROR_INVALID_PARAMS, "burn_ppm is %" PRIu32 ", not at most %u",
                         params->burn_ppm, GAME_PPM);
    return OK;
}

/* --- a game ----------------------------------------------------------------------------------- */
static void append(struct game *game, const struct claim *claim)
{
    uint32_t index = game->count++;
    struct claim *made = &game->claims[index], *parent;

    INVARIANT(claim->made_at_us >= 0 && (uint64_t)claim->made_at_us <= INTEGER_MAX,
              "%" PRId64 " is no time", claim->made_at_us);
    *made = *claim;
    made->first_child = made->last_child = made->next_sibling = GAME_NO_CLAIM;
    game->pot += made->bond;
    if (index == 0)
        return;
    parent = &game->claims[made->parent];
    if (parent->first_child == GAME_NO_CLAIM)
        parent->first_child = index;
    else
        game->claims[parent->last_child].next_sibling = index;
    parent->last_child = index;
}

enum status game_begin(const struct game_params *params, struct claim *claims, uint32_t capacity,
                       const struct hash *root, const struct account_id *proposer, int64_t now_us,
                       struct game *game, struct error *error)
{
    struct claim claim = { .parent = GAME_NO_CLAIM, .position = POSITION_ROOT, .value = *root,
                           .claimant = *proposer, .made_at_us = now_us };

    INVARIANT(capacity > 0, "no room for the root claim");
    TRY(game_params_check(params, error));
    claim.bond = game_bond(params, 0);
    *game = (struct game){ .params = *params, .claims = claims, .capacity = capacity };
    append(game, &claim);
    return OK;
}

void game_restore(const struct game_params *params, struct claim *claims, uint32_t count, uint32_t capacity,
                  struct game *game)
{
    INVARIANT(count > 0 && count <= capacity, "%" PRIu32 " claims with room for %" PRIu32, count, capacity);
    *game = (struct game){ .params = *params, .claims = claims, .capacity = capacity };
    for (uint32_t i = 0; i < count; i++) {
        struct claim claim = claims[i];

        INVARIANT(i == 0 ? claim.parent == GAME_NO_CLAIM : claim.parent < i,
                  "claim %" PRIu32 " comes before its parent", i);
        append(game, &claim);
    }
}

/* What the other side will have used of its time if it counters the claim now; not more than all of it. */
static int64_t clock_used_us(const struct game *game, uint32_t index, int64_t now_us)
{
    const struct claim *claim = &game->claims[index];
    int64_t before_us = index == 0 ? 0 : game->claims[claim->parent].clock_us;
    int64_t passed_us, left_us = game->params.max_clock_us - before_us;

    INVARIANT(now_us >= claim->made_at_us, "time went back to %" PRId64 " µs", now_us);
    passed_us = now_us - claim->made_at_us;
    return passed_us < left_us ? before_us + passed_us : game->params.max_clock_us;
}

int64_t game_deadline_us(const struct game *game, uint32_t index)
{
    int64_t before_us = index == 0 ? 0 : game->claims[game->claims[index].parent].clock_us;

    return game->claims[index].made_at_us + game->params.max_clock_us - before_us;
}

/* What stands before any move and any step: which claim it is against. */
static enum status disputed(const struct game *game, const struct move *move, struct error *error)
{
    if (game->status != GAME_RUNNING)
        return error_set(error, ERROR_GAME_OVER, "the game is %s", game_status_name(game->status));
    if (move->parent >= game->count)
        return error_set(error, ERROR_CLAIM_NOT_FOUND, "claim %" PRIu32 " of %" PRIu32, move->parent,
                         game->count);
    if (!hash_equal(&game->claims[move->parent].value, &move->disputed))
        return error_set(error, ERROR_WRONG_CLAIM, "claim %" PRIu32 " says something else", move->parent);
    return OK;
}

static enum status in_time(const struct game *game, uint32_t index, int64_t now_us, int64_t *used_us,
                           struct error *error)
{
    *used_us = clock_used_us(game, index, now_us);
    if (*used_us >= game->params.max_clock_us)
        return error_set(error, ERROR_CLOCK_EXPIRED, "claim %" PRIu32 " could be countered before %" PRId64
                         " µs; now %" PRId64, index, game_deadline_us(game, index), now_us);
    return OK;
}

static bool exists(const struct game *game, const struct claim *claim)
{
    const struct claim *other;

    for (uint32_t i = game->claims[claim->parent].first_child; i != GAME_NO_CLAIM; i = other->next_sibling) {
        other = &game->claims[i];
        if (position_equal(other->position, claim->position) && hash_equal(&other->value, &claim->value))
            return true;
    }
    return false;
}

enum status game_move(struct game *game, const struct move *move, int64_t now_us, uint32_t *made,
                      struct error *error)
{
    const struct game_params *params = &game->params;
    struct claim claim = { .parent = move->parent, .value = move->value, .claimant = move->mover,
                           .bond = move->bond, .made_at_us = now_us };
    int64_t latest_us;
    unsigned depth;

    INVARIANT(move->kind == MOVE_ATTACK || move->kind == MOVE_DEFEND, "a step is not a claim");
    TRY(disputed(game, move, error));
    if (move->parent == 0 && move->kind == MOVE_DEFEND)
        return error_set(error, ERROR_ROOT_DEFENDED, "claim 0 can only be attacked");
    depth = position_depth(game->claims[move->parent].position) + 1;
    if (depth > params->max_depth)
        return error_set(error, ERROR_DEPTH_EXCEEDED, "claim %" PRIu32 " is at depth %u, the greatest",
                         move->parent, params->max_depth);
    claim.position = move->kind == MOVE_ATTACK ? position_attack(game->claims[move->parent].position)
                                               : position_defend(game->claims[move->parent].position);
    if (move->bond != game_bond(params, depth))
        return error_set(error, ERROR_WRONG_BOND, "the bond is %" PRIu64 "; depth %u takes %" PRIu64,
                         move->bond, depth, game_bond(params, depth));
    TRY(in_time(game, move->parent, now_us, &claim.clock_us, error));
    if (exists(game, &claim))
        return error_set(error, ERROR_DUPLICATE_CLAIM, "claim %" PRIu32 " is answered so already",
                         move->parent);
    if (game->count >= game->capacity || game->count >= GAME_CLAIMS_MAX ||
        move->bond > INTEGER_MAX - game->pot)
        return error_set(error, ERROR_GAME_FULL, "the game has %" PRIu32 " claims with %" PRIu64 " in bonds",
                         game->count, game->pot);

    latest_us = params->max_clock_us - extension_us(params, depth);
    if (claim.clock_us > latest_us)
        claim.clock_us = latest_us;
    *made = game->count;
    append(game, &claim);
    return OK;
}

/* The claim on the way from `from` to the root that commits to this leaf. Between a leaf on the path and its
 * neighbour there always is one: the path once turned aside there. */
static const struct claim *claim_of_leaf(const struct game *game, uint32_t from, struct position leaf)
{
    struct position wanted = position_trace_ancestor(leaf);

    while (!position_equal(game->claims[from].position, wanted)) {
        INVARIANT(from != 0, "no claim commits to the leaf");
        from = game->claims[from].parent;
    }
    return &game->claims[from];
}

enum status game_step(struct game *game, const struct move *move, const struct step_judge *judge,
                      int64_t now_us, struct error *error)
{
    const unsigned max_depth = game->params.max_depth;
    const struct claim *post;
    const struct hash *pre;
    struct claim *claim;
    int64_t used_us;
    bool right, same_side;

    INVARIANT(move->kind == MOVE_STEP_ATTACK || move->kind == MOVE_STEP_DEFEND, "a claim is not a step");
    TRY(disputed(game, move, error));
    claim = &game->claims[move->parent];
    if (position_depth(claim->position) != max_depth)
        return error_set(error, ERROR_NOT_A_LEAF, "claim %" PRIu32 " is at depth %u, not %u", move->parent,
                         position_depth(claim->position), max_depth);
    if (claim->countered)
        return error_set(error, ERROR_ALREADY_COUNTERED, "a step counters claim %" PRIu32, move->parent);
    TRY(in_time(game, move->parent, now_us, &used_us, error));
    if (move->kind == MOVE_STEP_ATTACK) {
        pre = position_index(claim->position) == 0
                  ? &game->params.prestate
                  : &claim_of_leaf(game, claim->parent, position_left_of(claim->position))->value;
        post = claim;
    } else {
        pre = &claim->value;
        post = claim_of_leaf(game, claim->parent, position_right_of(claim->position));
    }
    TRY(judge->judge(judge->context, position_trace_index(post->position, max_depth), pre, &post->value,
                     &right, error));
    /* Claims an even number of levels apart are of one side. */
    same_side = (max_depth - position_depth(post->position)) % 2 == 0;
    if (same_side == right)
        return error_set(error, ERROR_STEP_CONFIRMS, "the step is %s, as claim %" PRIu32 " has it",
                         right ? "right" : "wrong", move->parent);
    claim->countered = true;
    claim->countered_by = move->mover;
    return OK;
}

/* --- its end ---------------------------------------------------------------------------------- */
static bool children_resolved(const struct game *game, uint32_t index)
{
    for (uint32_t i = game->claims[index].first_child; i != GAME_NO_CLAIM; i = game->claims[i].next_sibling) {
        if (!game->claims[i].resolved)
            return false;
    }
    return true;
}

/* The left-most child that stands, the oldest of these at the same place; NULL: none does. */
static const struct claim *best_counter(const struct game *game, uint32_t index)
{
    const struct claim *best = NULL, *child;

    for (uint32_t i = game->claims[index].first_child; i != GAME_NO_CLAIM; i = child->next_sibling) {
        child = &game->claims[i];
        if (!child->countered && (best == NULL || child->position.gindex < best->position.gindex))
            best = child;
    }
    return best;
}

enum status game_resolve_claim(struct game *game, uint32_t index, int64_t now_us, struct error *error)
{
    const struct claim *counter;
    struct claim *claim;

    if (game->status != GAME_RUNNING)
        return error_set(error, ERROR_GAME_OVER, "the game is %s", game_status_name(game->status));
    if (index >= game->count)
        return error_set(error, ERROR_CLAIM_NOT_FOUND, "claim %" PRIu32 " of %" PRIu32, index, game->count);
    claim = &game->claims[index];
    if (claim->resolved)
        return error_set(error, ERROR_CLAIM_RESOLVED, "claim %" PRIu32 " is resolved", index);
    if (clock_used_us(game, index, now_us) < game->params.max_clock_us)
        return error_set(error, ERROR_CLOCK_RUNNING, "claim %" PRIu32 " can be countered before %" PRId64
                         " µs; now %" PRId64, index, game_deadline_us(game, index), now_us);
    if (!children_resolved(game, index))
        return error_set(error, ERROR_OUT_OF_ORDER, "an answer to claim %" PRIu32 " is not resolved", index);
    counter = best_counter(game, index);
    if (counter != NULL) {
        claim->countered = true;
        claim->countered_by = counter->claimant;
    }
    claim->resolved = true;
    return OK;
}

uint32_t game_resolve_ready(struct game *game, int64_t now_us)
{
    uint32_t resolved = 0;

    for (uint32_t i = game->count; i-- > 0;) /* children come after their parent */
        resolved += game_resolve_claim(game, i, now_us, NULL) == OK;
    return resolved;
}

enum status game_resolve(struct game *game, int64_t now_us, struct error *error)
{
    if (game->status != GAME_RUNNING)
        return error_set(error, ERROR_GAME_OVER, "the game is %s", game_status_name(game->status));
    if (!game->claims[0].resolved)
        return error_set(error, ERROR_OUT_OF_ORDER, "the root claim is not resolved");
    game->status = game->claims[0].countered ? GAME_DEFEATED : GAME_DEFENDED;
    game->ended_at_us = now_us;
    return OK;
}

enum status game_void(struct game *game, int64_t now_us, struct error *error)
{
    if (game->status != GAME_RUNNING)
        return error_set(error, ERROR_GAME_OVER, "the game is %s", game_status_name(game->status));
    game->status = GAME_VOID;
    game->closing = game->count == GAME_CLAIMS_MAX ? GAME_FILLED : GAME_REFUND;
    game->ended_at_us = game->closed_at_us = now_us;
    return OK;
}

/* Whether `delay_us` have passed since. */
static enum status delay_over(int64_t since_us, int64_t delay_us, int64_t now_us, struct error *error)
{
    INVARIANT(now_us >= since_us, "time went back to %" PRId64 " µs", now_us);
    if (now_us - since_us < delay_us)
        return error_set(error, ERROR_AIR_GAP, "not before %" PRId64 " µs; now %" PRId64,
                         since_us + delay_us, now_us);
    return OK;
}

enum status game_close(struct game *game, enum game_closing mode, int64_t now_us, struct error *error)
{
    INVARIANT(mode != GAME_OPEN, "a game is not closed to be open");
    if (game->status == GAME_RUNNING)
        return error_set(error, ERROR_GAME_NOT_RESOLVED, "the game is running");
    if (game->closing != GAME_OPEN)
        return error_set(error, ERROR_GAME_CLOSED, "the game is closed: %s",
                         game_closing_name(game->closing));
    TRY(delay_over(game->ended_at_us, game->params.air_gap_us, now_us, error));
    game->closing = mode;
    game->closed_at_us = now_us;
    return OK;
}

/* What nobody gets of a claim's bond. */
static uint64_t burned_of(const struct game *game, const struct claim *claim, uint32_t number, bool lost)
{
    uint32_t ppm = 0;

    if (lost)
        ppm = game->params.burn_ppm;
    if (game->closing == GAME_FILLED && number >= GAME_SPARED)
        ppm = GAME_FULL_BURN_PPM;
    return (uint64_t)((unsigned __int128)claim->bond * ppm / GAME_PPM);
}

enum status game_payouts(const struct game *game, uint32_t first, int64_t now_us, struct payout *payouts,
                         struct error *error)
{
    uint64_t paid = 0;

    if (game->closing == GAME_OPEN)
        return error_set(error, ERROR_GAME_NOT_RESOLVED, "the game is not closed");
    if (game->status != GAME_VOID)
        TRY(delay_over(game->closed_at_us, game->params.payout_delay_us, now_us, error));
    for (uint32_t i = 0; i < game->count; i++) {
        const struct claim *claim = &game->claims[i];
        bool lost = game->closing == GAME_NORMAL && claim->countered;

        payouts[i] = (struct payout){ .claim = first + i,
                                      .recipient = lost ? claim->countered_by : claim->claimant };
        payouts[i].burned = burned_of(game, claim, first + i, lost);
        payouts[i].amount = claim->bond - payouts[i].burned;
        paid += payouts[i].amount + payouts[i].burned;
    }
    INVARIANT(paid == game->pot, "bonds of %" PRIu64 " would be paid as %" PRIu64, game->pot, paid);
    return OK;
}
