/* Whoever plays in disputes with a key of his own: see player.h. */
#include "watch/player.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "crypto/hash.h"

#define VALID_FOR_US (10 * 60 * MICROSECONDS_PER_SECOND)

struct look {
    struct player *player;
    struct follower *follower;
    const struct published_batch *batch;
    struct published_game published;
    struct game game;
    struct policy_view view;
    struct policy_plan plan;
    struct played *played;
};

static void look_close(struct look *look)
{
    policy_plan_close(&look->plan);
    published_game_close(&look->published);
}

/* --- what is known ---------------------------------------------------------------------------- */
/* Each claim stands where an answer to its parent can. */
static bool claims_fit(const struct published_game *game)
{
    for (uint32_t i = 1; i < game->count; i++) {
        const struct position at = game->claims[i].position;
        const struct position parent = game->claims[game->claims[i].parent].position;

        if (position_depth(parent) >= game->max_depth ||
            (!position_equal(at, position_attack(parent)) &&
             (position_equal(parent, POSITION_ROOT) || !position_equal(at, position_defend(parent)))))
            return false;
    }
    return true;
}

/* The game is the one that the ledger would have begun about this batch. */
static bool game_fits(const struct follower *f, const struct published_batch *batch,
                      const struct published_game *game)
{
    const struct batch outline = { .machine = { .rollup = f->terms.id }, .number = batch->number,
                                   .previous_root = batch->previous_root };
    struct hash prestate, root;

    batch_prestate(&outline, &batch->context, &prestate);
    batch_root_claim(&batch->context, batch_game_depth(batch->items), &batch->result.root, &root);
    return hash_equal(&game->batch, &batch->id) && game->domain == f->domain &&
           game->max_depth == batch_game_depth(batch->items) &&
           game->split_depth == BATCH_SPLIT_DEPTH(game->max_depth) &&
           hash_equal(&game->prestate, &prestate) && hash_equal(&game->claims[0].value, &root) &&
           position_equal(game->claims[0].position, POSITION_ROOT) && claims_fit(game);
}

static enum status read_game(struct look *look, const struct hash *id, struct error *error)
{
    const struct follower *f = look->follower;
    struct published_game *published = &look->published;
    struct game_params params = f->terms.game;

    TRY(published_game(look->player->node, id, true, published, error));
    if (!published->running)
        return OK;
    if (!game_fits(f, look->batch, published))
        return error_set(error, ERROR_CORRUPT, "the game about batch %" PRIu64 " is not about this batch",
                         look->batch->number);
    params.max_depth = published->max_depth;
    params.split_depth = published->split_depth;
    params.prestate = published->prestate;
    game_restore(&params, published->claims, published->count, published->count, &look->game);
    look->game.status = GAME_RUNNING;
    look->game.closing = GAME_OPEN;
    look->view.game = &look->game;
    look->view.game_id = *id;
    return OK;
}

static void fill_view(struct look *look, bool right)
{
    const struct published_batch *b = look->batch;

    look->view = (struct policy_view){
        .own = look->player->own, .now_us = look->player->now.chain_time_us,
        .next_block = look->player->now.height + 1, .batch = b->id, .proposer = b->proposer,
        .context = b->context, .items = b->items, .claimed = b->result, .right = right,
        .open = published_batch_is_open(b),
        .published = b->on_ledger,
        .window_end_us = b->window_end_us, .challenge_us = look->follower->terms.challenge_us,
        .terms = look->follower->terms.game };
}

static enum status make_plan(void *context, struct rollup_state *before, const struct batch *batch,
                             struct error *error)
{
    struct look *look = context;

    return policy_plan_make(&look->view, before, batch, &look->plan, error);
}

/* --- what is locked --------------------------------------------------------------------------- */
/* Bonds of this account in games of one asset: in there now, and still to be put in should the games that run
 * go all the way down. */
struct staked {
    uint64_t locked, aside;
};

static enum status staked_in(const struct player *p, const struct published_game_line *line,
                             const char *symbol, bool *ended, struct staked *staked, struct error *error)
{
    struct published_game game CLEANUP(published_game_close) = { .claims = NULL };
    struct published_rollup terms;
    uint64_t locked = 0, reserve;

    TRY(published_game(p->node, &line->id, false, &game, error));
    *ended = game.paid == game.count;
    if (*ended)
        return OK;
    TRY(published_rollup(p->node, line->domain, &terms, error));
    if (strcmp(terms.bond_symbol, symbol) != 0)
        return OK;
    published_game_close(&game);
    TRY(published_game(p->node, &line->id, true, &game, error));
    for (uint32_t i = game.paid; i < game.count; i++)
        if (account_equal(&game.claims[i].claimant, &p->own))
            locked += game.claims[i].bond;
    reserve = policy_reserve(&terms.game, game.max_depth);
    staked->locked += locked;
    if (game.running && locked < reserve)
        staked->aside += reserve - locked;
    return OK;
}

/* From rows alone. */
static enum status find_staked(struct player *p, const char *symbol, struct staked *staked,
                               struct error *error)
{
    struct published_game_line *lines AUTO_FREE = NULL;
    bool all_ended = true;
    size_t count = 0;

    *staked = (struct staked){ .locked = 0 };
    TRY(published_games(p->node, &p->own, p->ended_to, &lines, &count, error));
    for (size_t i = 0; i < count; i++) {
        bool ended;

        TRY(staked_in(p, &lines[i], symbol, &ended, staked, error));
        all_ended &= ended;
        if (all_ended)
            p->ended_to = lines[i].begun_seq;
    }
    return OK;
}

/* --- telling ---------------------------------------------------------------------------------- */
/* The same trouble is told once, until something was done. */
static bool is_news(struct follower *f, uint64_t number, const char *said)
{
    char key[ERROR_MESSAGE_MAX];
    struct hash hash;

    snprintf(key, sizeof(key), "%" PRIu64 " %s", number, said);
    sha256(&hash, key, strlen(key));
    for (size_t i = 0; i < f->trouble_count && i < TROUBLES_MOST; i++)
        if (hash_equal(&f->troubles[i], &hash))
            return false;
    f->troubles[f->trouble_count++ % TROUBLES_MOST] = hash;
    return true;
}

static void trouble(struct look *look, const char *what, json_t *facts, const char *said)
{
    look->played->could_not = true;
    if (is_news(look->follower, look->batch->number, said))
        follower_tell(look->follower, look->player->listener, what, look->batch, facts, "%s", said);
    else
        json_decref(facts);
}

static void tell_barred(struct look *look, const char *what, const struct policy_command *command,
                        uint64_t needed, const char *name, uint64_t there, uint64_t locked)
{
    const char *symbol = look->follower->terms.bond_symbol;
    char said[256];

    snprintf(said, sizeof(said),
             "%s needs %" PRIu64 " %.20s for its bond and those that may follow; %s: %" PRIu64
             ", locked or set aside: %" PRIu64, command->method, needed, symbol, name, there, locked);
    trouble(look, what,
            json_pack("{s:s, s:I, s:I, s:I, s:s}", "method", command->method, "needed", (json_int_t)needed,
                      name, (json_int_t)there, "locked", (json_int_t)locked, "asset", symbol), said);
}

static bool is_in_the_game(const struct look *look)
{
    for (uint32_t i = 0; look->view.game != NULL && i < look->game.count; i++)
        if (account_equal(&look->game.claims[i].claimant, &look->player->own))
            return true;
    return false;
}

/* Whether the bond is there and within the stake; before the first one of a game, all that may follow. */
static enum status may_lock(struct look *look, const struct policy_command *command, bool *may,
                            struct error *error)
{
    struct player *p = look->player;
    const struct published_rollup *terms = &look->follower->terms;
    const bool enters = !is_in_the_game(look);
    struct staked staked = { .locked = 0 };
    uint64_t held, needed = command->bond;

    *may = false;
    TRY(published_balance(p->node, &p->own, terms->bond_symbol, &held, error));
    if (enters || p->max_stake != WATCH_ANY_STAKE)
        TRY(find_staked(p, terms->bond_symbol, &staked, error));
    if (enters)
        needed = policy_reserve(&terms->game, batch_game_depth(look->batch->items));
    else
        staked.aside = 0; /* the bond is of what was set aside */
    if (held < needed + staked.aside)
        tell_barred(look, "underfunded", command, needed, "held", held, staked.locked + staked.aside);
    else if (p->max_stake != WATCH_ANY_STAKE && staked.locked + staked.aside + needed > p->max_stake)
        tell_barred(look, "stake_limit", command, needed, "limit", p->max_stake,
                    staked.locked + staked.aside);
    else
        *may = true;
    return OK;
}

static void tell_taken(struct look *look, const struct policy_command *command)
{
    const char *symbol = look->follower->terms.bond_symbol;
    json_t *facts = json_pack("{s:s}", "method", command->method);
    const json_t *claim = json_object_get(command->params, "claim");
    char bond[64] = "", against[64] = "";

    if (command->bond > 0) {
        json_object_set_new(facts, "bond", json_integer((json_int_t)command->bond));
        json_object_set_new(facts, "asset", json_string(symbol));
        snprintf(bond, sizeof(bond), ", bond %" PRIu64 " %.20s", command->bond, symbol);
    }
    if (claim != NULL) {
        const char *kind = json_string_value(json_object_get(command->params, "kind"));

        json_object_set_new(facts, "claim", json_integer(json_integer_value(claim)));
        json_object_set_new(facts, "kind", json_string(kind));
        snprintf(against, sizeof(against), ", %s claim %" JSON_INTEGER_FORMAT,
                 strcmp(kind, "attack") == 0 ? "against" : "on", json_integer_value(claim));
    }
    look->follower->trouble_count = 0;
    follower_tell(look->follower, look->player->listener, "submitted", look->batch, facts, "%s%s%s",
                  command->method, against, bond);
}

/* --- submitting ------------------------------------------------------------------------------- */
static enum status sign(const struct player *p, const struct policy_command *command, char **signed_text,
                        struct error *error)
{
    char *params AUTO_FREE = json_dumps(command->params, JSON_COMPACT);
    struct layerd_failure failure;

    if (layerd_sign(p->key, p->now.chain, command->method, params, p->now.now_us + VALID_FOR_US, signed_text,
                    NULL, &failure) != LAYERD_OK)
        return error_set(error, (enum status)failure.code, "%s", failure.message);
    return OK;
}

/* Signs, submits and tells; takes over the command's parameters. Fails only when the node does not answer. */
static enum status submit(struct look *look, struct policy_command *command, bool *taken,
                          struct error *error)
{
    AUTO_JSON json_t *params = command->params;
    char *text AUTO_FREE = NULL;
    struct error why;
    enum status status;
    char said[256];
    bool may = true;

    *taken = false;
    if (command->bond > 0)
        TRY(may_lock(look, command, &may, error));
    if (!may)
        return OK;
    TRY(sign(look->player, command, &text, error));
    status = node_submit(look->player->node, text, &why);
    json_incref(params);
    if (status == OK) {
        tell_taken(look, command);
        look->played->done++;
        *taken = true;
    } else if (node_is_away(status) || status == ERROR_PROTOCOL) {
        json_decref(params);
        return error_set(error, status, "%s", why.message);
    } else if (policy_refusal_passes(status) || status == ERROR_EXPIRED) {
        look->played->waits = true;
    } else {
        snprintf(said, sizeof(said), "%s was refused: %.180s", command->method, why.message);
        trouble(look, "refused",
                json_pack("{s:s, s:s}", "method", command->method, "error", status_name(status)), said);
    }
    json_decref(params);
    return OK;
}

/* --- proof and game --------------------------------------------------------------------------- */
static void derive_salt(const struct player *p, const struct hash *batch, struct hash *salt)
{
    char subject[LAYERD_HASH_MAX], secret[LAYERD_HASH_MAX];
    struct layerd_failure failure;
    enum layerd_error code;
    bool read;

    hex_text(subject, batch->bytes, sizeof(batch->bytes));
    code = layerd_key_derive(p->key, FRAUD_SALT_TAG, subject, secret, &failure);
    INVARIANT(code == LAYERD_OK, "a key derives nothing from %s", subject);
    read = hex_decode(salt->bytes, sizeof(salt->bytes), secret, strlen(secret));
    INVARIANT(read, "a secret of %zu characters", strlen(secret));
}

/* *enough: that takes its course, and a game is not needed as well. */
static enum status prove(struct look *look, bool *enough, struct error *error)
{
    struct player *p = look->player;
    struct policy_command command;
    enum policy_proof next;
    struct hash salt, hash;
    bool known, taken = false;
    uint64_t block;

    derive_salt(p, &look->batch->id, &salt);
    fraud_commitment_hash(&hash, &look->batch->id, &p->own, &salt, buffer_bytes(&look->plan.proof));
    TRY(published_commitment(p->node, &p->own, &hash, &known, &block, error));
    next = policy_proof_next(&look->view, &look->plan, known ? &block : NULL);
    if (next == POLICY_COMMIT) {
        policy_commit_command(&look->view, &look->plan, &salt, &command);
        TRY(submit(look, &command, &taken, error));
    } else if (next == POLICY_REVEAL || next == POLICY_REVEAL_LATE) {
        policy_reveal_command(&look->view, &look->plan, &salt, &command);
        TRY(submit(look, &command, &taken, error));
    }
    *enough = policy_leaves_it_to_the_proof(&look->view, next, taken);
    look->played->waits = true;
    return OK;
}

static enum status play(struct look *look, struct error *error)
{
    const struct watch_listener *listener = look->player->listener;

    for (uint32_t i = 0; i < look->plan.move_count && !listener->stopped(listener->context); i++) {
        struct policy_command command;
        bool taken;

        policy_move_command(&look->view, &look->plan.moves[i], &command);
        TRY(submit(look, &command, &taken, error));
    }
    return OK;
}

static enum status dispute(struct look *look, struct error *error)
{
    struct policy_command command;
    bool enough = false, taken;

    if (look->plan.has_proof)
        TRY(prove(look, &enough, error));
    if (look->view.game != NULL)
        return play(look, error);
    if (enough || !look->plan.game_shows)
        return OK;
    policy_challenge_command(&look->view, &look->plan, &command);
    return submit(look, &command, &taken, error);
}

/* --- looks that can be spared ----------------------------------------------------------------- */
bool player_has_settled(const struct player *p, const struct published_game_line *game)
{
    for (size_t i = 0; i < p->settled_count; i++)
        if (hash_equal(&p->settled[i].game, &game->id))
            return p->settled[i].claims == game->claims;
    return false;
}

static void note_settled(struct player *p, const struct look *look)
{
    size_t at = 0;

    while (at < p->settled_count && !hash_equal(&p->settled[at].game, &look->view.game_id))
        at++;
    if (at == p->settled_count)
        at = p->settled_count < SETTLED_MOST ? p->settled_count++ : p->settled_next++ % SETTLED_MOST;
    p->settled[at] = (struct settled){ look->view.game_id, look->game.count };
}

static void tell_too_late(struct look *look)
{
    const bool own = account_equal(&look->batch->proposer, &look->player->own);

    trouble(look, own ? "own_batch" : "too_late", json_pack("{s:s}", "state", look->batch->state),
            own ? "it is wrong, and this very key proposed it" :
                  "it is wrong, and cannot be disputed any more");
}

enum status player_look(struct player *player, struct follower *follower,
                        const struct published_batch *batch, bool right,
                        const struct published_game_line *game, struct played *played, struct error *error)
{
    struct look look CLEANUP(look_close) = { .player = player, .follower = follower, .batch = batch,
                                             .played = played };

    *played = (struct played){ .done = 0 };
    fill_view(&look, right);
    if (game != NULL)
        TRY(read_game(&look, &game->id, error));
    if (!policy_is_concerned(&look.view)) {
        played->could_not = !right;
        if (!right && (!look.view.open || account_equal(&batch->proposer, &player->own)))
            tell_too_late(&look);
        return OK;
    }
    TRY(follower_before(follower, player->node, batch, make_plan, &look, error));
    TRY(dispute(&look, error));
    if (look.view.game != NULL && !played->could_not && !played->waits &&
        played->done == look.plan.move_count)
        note_settled(player, &look);
    return OK;
}
