/* What people do in games: see moves.h. The rules are game.c's; here are rows, bonds and events. */
#include "layer2/optimistic/moves.h"

#include <inttypes.h>
#include <string.h>

#include "crypto/hash.h"
#include "layer2/optimistic/dispute.h"

static enum status refuse(struct execution *x, const struct error *error)
{
    return fail(x, error->code, "%s", error->message);
}

static enum status open_game(struct execution *x, const struct hash *id, struct dispute *d)
{
    char hex[2 * sizeof(id->bytes) + 1];
    struct batch_row batch;

    if (dispute_open(execution_database(x), id, d)) {
        if (dispute_is_gone(execution_database(x), &d->row, &batch))
            return fail(x, ERROR_GAME_OVER, "its batch is %s", batch_state_name(batch.state));
        return OK;
    }
    hex_text(hex, id->bytes, sizeof(id->bytes));
    return fail(x, ERROR_GAME_NOT_FOUND, "there is no game %s", hex);
}

static void tell_move(struct execution *x, const struct dispute *d, uint32_t made, enum move_kind kind)
{
    const struct claim *claim = &d->game.claims[made];

    event_game_moved(x, &(struct event_game_moved){
        .game = d->row.id, .claim = made, .parent = claim->parent, .kind = move_kind_name(kind),
        .claimant = claim->claimant, .value = claim->value, .bond = claim->bond,
        .deadline_us = game_deadline_us(&d->game, made) });
}

static void answer_move(struct writer *result, const struct dispute *d, uint32_t made)
{
    writer_object_begin(result);
    writer_member_hex(result, "game", d->row.id.bytes, sizeof(d->row.id.bytes));
    writer_member_unsigned(result, "claim", made);
    writer_member_unsigned(result, "bond", d->game.claims[made].bond);
    writer_member_integer(result, "deadline_us", game_deadline_us(&d->game, made));
    writer_object_end(result);
}

/* --- game.challenge --------------------------------------------------------------------------- */
struct challenge {
    struct hash batch, value;
};

static const struct param challenge_params[] = {
    PARAM(struct challenge, batch, HASH, REQUIRED, "its id"),
    PARAM(struct challenge, value, HASH, REQUIRED,
          "the commitment half way through the trace, as it truly is"),
};

/* The transaction stands in it, so that nobody can know it, and send value to the account, beforehand. */
static void identify(struct execution *x, const struct hash *batch, struct game_row *row)
{
    const struct hash transaction = execution_transaction(x);
    struct tagged_hash h;
    struct hash holding;

    tagged_hash_begin(&h, "layerd/rollup/game");
    tagged_hash_add(&h, batch->bytes, sizeof(batch->bytes));
    tagged_hash_add(&h, transaction.bytes, sizeof(transaction.bytes));
    tagged_hash_end(&h, &row->id);
    tagged_hash(&holding, "layerd/rollup/game-bonds", row->id.bytes, sizeof(row->id.bytes));
    memcpy(row->holding.bytes, holding.bytes, sizeof(holding.bytes));
}

/* The game about a batch before its first move. */
static enum status set_up(struct execution *x, const struct batch_row *batch, struct claim *claims,
                          struct dispute *d)
{
    struct game_params params;
    struct batch outline;
    struct error error;
    struct hash root;

    INVARIANT(rollup_find(execution_database(x), batch->domain, &d->rollup), "a batch without its rollup");
    dispute_batch(&d->rollup, batch, &outline);
    d->row = (struct game_row){ .batch = batch->id, .domain = batch->domain,
                                .max_depth = batch_game_depth(batch->items),
                                .begun_us = execution_chain_time(x) };
    d->row.split_depth = BATCH_SPLIT_DEPTH(d->row.max_depth);
    identify(x, &batch->id, &d->row);
    batch_prestate(&outline, &batch->context, &d->row.prestate);
    batch_root_claim(&batch->context, d->row.max_depth, &batch->result.root, &root);
    dispute_game_params(&d->rollup, d->row.max_depth, d->row.split_depth, &d->row.prestate, &params);
    return game_begin(&params, claims, 2, &root, &batch->proposer, d->row.begun_us, &d->game, &error) == OK
               ? OK
               : refuse(x, &error);
}

/* The challenger pays first: that may be refused, and then nothing was written yet. */
static enum status take_bonds(struct execution *x, const struct dispute *d, const struct batch_row *batch)
{
    const struct claim *root = &d->game.claims[0], *attack = &d->game.claims[1];
    struct account_id from;
    struct asset asset;

    dispute_asset(x, &d->rollup, &asset);
    INVARIANT(root->bond == batch->bond, "a batch has a bond of %" PRIu64 ", not %" PRIu64, batch->bond,
              root->bond);
    TRY(balance_debit(x, DOMAIN_BASE, &asset, &attack->claimant, attack->bond, NULL));
    TRY(account_hold(x, &d->row.holding, ACCOUNT_KIND_GAME));
    balance_credit(x, DOMAIN_BASE, &asset, &d->row.holding, attack->bond);
    batch_bond_account(&from, &batch->id);
    dispute_pay(x, &asset, &from, &d->row.holding, root->bond);
    return OK;
}

static void store(struct execution *x, struct dispute *d)
{
    struct database *database = execution_database(x);

    d->row.claims = d->game.count;
    d->row.pot = d->game.pot;
    game_row_insert(database, &d->row, execution_next_seq(x));
    for (uint32_t i = 0; i < d->game.count; i++)
        claim_row_insert(database, &d->row.id, i, &d->game.claims[i], game_deadline_us(&d->game, i));
}

static enum status challenge(struct execution *x, const void *params, struct writer *result)
{
    const struct challenge *p = params;
    struct dispute d;
    struct claim claims[2];
    struct batch_row batch;
    struct game_row running;
    struct move move = { .kind = MOVE_ATTACK, .mover = execution_account(x), .value = p->value };
    struct error error;
    uint32_t made;

    TRY(batch_open_to_challenge(x, &p->batch, &batch));
    if (game_row_running(execution_database(x), &p->batch, &running))
        return fail(x, ERROR_GAME_EXISTS, "a game about the batch began at %" PRId64 " µs of chain time",
                    running.begun_us);
    TRY(set_up(x, &batch, claims, &d));
    move.disputed = claims[0].value;
    move.bond = game_bond(&d.game.params, 1);
    if (game_move(&d.game, &move, execution_chain_time(x), &made, &error) != OK)
        return refuse(x, &error);
    TRY(take_bonds(x, &d, &batch));
    store(x, &d);
    event_game_begun(x, &(struct event_game_begun){
        .game = d.row.id, .batch = batch.id, .domain = batch.domain, .proposer = batch.proposer,
        .challenger = move.mover, .depth = d.row.max_depth });
    tell_move(x, &d, made, move.kind);
    batch_challenged(x, &batch.id);
    dispute_save(x, &d);
    answer_move(result, &d, made);
    return OK;
}

/* --- game.move -------------------------------------------------------------------------------- */
struct game_move {
    struct hash game;
    uint64_t claim;
    struct hash disputed;
    const char *kind;
    struct hash value;
    uint64_t bond;
};

static const char *const kinds[] = { "attack", "defend", NULL };

static const struct param move_params[] = {
    PARAM(struct game_move, game, HASH, REQUIRED, "its id"),
    PARAM(struct game_move, claim, INTEGER, REQUIRED, "number of the claim to be countered"),
    PARAM(struct game_move, disputed, HASH, REQUIRED, "what that claim says"),
    PARAM(struct game_move, kind, CHOICE, REQUIRED,
          "attack: it is wrong; defend: it is right, but what is said of the trace behind it is not",
          .choices = kinds),
    PARAM(struct game_move, value, HASH, REQUIRED, "the commitment at the new claim's place"),
    PARAM(struct game_move, bond, AMOUNT, OPTIONAL, "refused unless it is exactly the bond at that depth"),
};

/* Reads what the rules look at: the way up, and the same answer if somebody gave it. */
static void read_disputed(struct execution *x, struct dispute *d, const struct move *move)
{
    struct database *database = execution_database(x);
    struct position position;
    uint32_t same;

    if (d->game.status != GAME_RUNNING || move->parent >= d->game.count)
        return; /* the rules refuse it */
    INVARIANT(dispute_read_path(database, d, move->parent), "claim %" PRIu32 " is not there", move->parent);
    position = d->game.claims[move->parent].position;
    if (position_depth(position) >= d->game.params.max_depth ||
        (move->kind == MOVE_DEFEND && move->parent == 0))
        return;
    position = move->kind == MOVE_ATTACK ? position_attack(position) : position_defend(position);
    if (claim_row_find(database, &d->row.id, move->parent, position, &move->value, &same)) {
        INVARIANT(dispute_read_claim(database, d, same), "claim %" PRIu32 " is not there", same);
        dispute_link(d, same);
    }
}

static uint64_t implied_bond(const struct dispute *d, uint32_t parent)
{
    unsigned depth;

    if (d->game.status != GAME_RUNNING || parent >= d->game.count)
        return 0;
    depth = position_depth(d->game.claims[parent].position) + 1;
    return depth > d->game.params.max_depth ? 0 : game_bond(&d->game.params, depth);
}

static uint32_t claim_number(uint64_t given)
{
    return given < GAME_NO_CLAIM ? (uint32_t)given : GAME_NO_CLAIM;
}

static enum status make_move(struct execution *x, const void *params, struct writer *result)
{
    const struct game_move *p = params;
    struct dispute d CLEANUP(dispute_close) = { .game.claims = NULL };
    struct move move = { .kind = strcmp(p->kind, "attack") == 0 ? MOVE_ATTACK : MOVE_DEFEND,
                         .parent = claim_number(p->claim), .disputed = p->disputed, .value = p->value,
                         .mover = execution_account(x) };
    struct asset asset;
    struct error error;
    uint32_t made;

    TRY(open_game(x, &p->game, &d));
    read_disputed(x, &d, &move);
    move.bond = p->bond != 0 ? p->bond : implied_bond(&d, move.parent);
    if (game_move(&d.game, &move, execution_chain_time(x), &made, &error) != OK)
        return refuse(x, &error);
    dispute_asset(x, &d.rollup, &asset);
    TRY(balance_move(x, DOMAIN_BASE, &asset, &move.mover, &d.row.holding, move.bond, NULL));
    claim_row_insert(execution_database(x), &d.row.id, made, &d.game.claims[made],
                     game_deadline_us(&d.game, made));
    tell_move(x, &d, made, move.kind);
    dispute_save(x, &d);
    answer_move(result, &d, made);
    return OK;
}

/* --- game.step -------------------------------------------------------------------------------- */
struct game_step {
    struct hash game;
    uint64_t claim;
    const char *kind;
    struct bytes witness;
};

static const struct param step_params[] = {
    PARAM(struct game_step, game, HASH, REQUIRED, "its id"),
    PARAM(struct game_step, claim, INTEGER, REQUIRED, "number of the claim, at the greatest depth"),
    PARAM(struct game_step, kind, CHOICE, REQUIRED,
          "attack: no step leads to what it says; defend: the step from there leads elsewhere",
          .choices = kinds),
    PARAM(struct game_step, witness, BYTES, REQUIRED, "what the step needs to be looked at, hex",
          .most = WITNESS_SIZE_MAX),
};

struct judging {
    struct execution *x;
    const struct dispute *d;
    struct bytes witness;
};

static enum status judge(void *context, unsigned __int128 index, const struct hash *pre,
                         const struct hash *post, bool *right, struct error *error)
{
    const struct judging *j = context;
    struct batch_row row;
    struct batch batch;

    INVARIANT(batch_find(execution_database(j->x), &j->d->row.batch, &row), "a game without its batch");
    dispute_batch(&j->d->rollup, &row, &batch);
    return machine_judge(&batch.machine, &row.context, &row.items_root, (uint64_t)index, pre, post,
                         j->witness, right, error);
}

static enum status make_step(struct execution *x, const void *params, struct writer *result)
{
    const struct game_step *p = params;
    struct dispute d CLEANUP(dispute_close) = { .game.claims = NULL };
    struct move move = { .kind = strcmp(p->kind, "attack") == 0 ? MOVE_STEP_ATTACK : MOVE_STEP_DEFEND,
                         .parent = claim_number(p->claim), .mover = execution_account(x) };
    struct judging judging = { x, &d, p->witness };
    const struct step_judge step_judge = { judge, &judging };
    struct error error;

    TRY(open_game(x, &p->game, &d));
    if (d.game.status == GAME_RUNNING && dispute_read_path(execution_database(x), &d, move.parent))
        move.disputed = d.game.claims[move.parent].value;
    if (game_step(&d.game, &move, &step_judge, execution_chain_time(x), &error) != OK)
        return refuse(x, &error);
    claim_row_countered(execution_database(x), &d.row.id, move.parent, &move.mover);
    step_row_insert(execution_database(x), &d.row.id, &move, execution_chain_time(x), execution_next_seq(x));
    event_game_stepped(x, &(struct event_game_stepped){ .game = d.row.id, .claim = move.parent,
                                                        .kind = move_kind_name(move.kind),
                                                        .mover = move.mover });
    dispute_save(x, &d);
    writer_object_begin(result);
    writer_member_unsigned(result, "claim", move.parent);
    writer_member_boolean(result, "countered", true);
    writer_object_end(result);
    return OK;
}

/* --- game.resolve, game.close ----------------------------------------------------------------- */
struct one_game {
    struct hash game;
};

static const struct param one_game_params[] = {
    PARAM(struct one_game, game, HASH, REQUIRED, "its id"),
};

static enum status resolve(struct execution *x, const void *params, struct writer *result)
{
    const struct one_game *p = params;
    struct dispute d CLEANUP(dispute_close) = { .game.claims = NULL };
    int64_t due_us = 0;
    uint32_t number = 0, resolved;

    TRY(open_game(x, &p->game, &d));
    if (d.row.status != GAME_RUNNING)
        return fail(x, ERROR_GAME_OVER, "the game is %s", game_status_name(d.row.status));
    if (!claim_row_next(execution_database(x), &d.row.id, &number, &due_us) ||
        due_us > execution_chain_time(x))
        return fail(x, ERROR_CLOCK_RUNNING, "claim %" PRIu32 " is the next, at %" PRId64 " µs; now %" PRId64,
                    number, due_us, execution_chain_time(x));
    resolved = dispute_go_on(x, &d);
    writer_object_begin(result);
    writer_member_unsigned(result, "resolved", resolved);
    writer_member_text(result, "status", game_status_name(d.row.status));
    writer_object_end(result);
    return OK;
}

static enum status close_game(struct execution *x, const void *params, struct writer *result)
{
    const struct one_game *p = params;
    struct dispute d CLEANUP(dispute_close) = { .game.claims = NULL };
    struct error error;

    TRY(open_game(x, &p->game, &d));
    if (game_close(&d.game, GAME_NORMAL, execution_chain_time(x), &error) != OK)
        return refuse(x, &error);
    d.game.closing = GAME_OPEN; /* it may be closed: done where the deadline does it */
    (void)dispute_go_on(x, &d);
    writer_object_begin(result);
    writer_member_text(result, "mode", game_closing_name(d.row.closing));
    writer_object_end(result);
    return OK;
}

/* --- the list --------------------------------------------------------------------------------- */
#define EXAMPLE_ID "4bb06f8e4e3a7715d201d573d0aa423762e55dabd61a2c02278fa56cc6d294e0"
#define EXAMPLE_VALUE "0001020304050607080900010203040506070809000102030405060708090102"

const struct command game_commands[GAME_COMMANDS] = {
    { "game.challenge", SCOPE_BASE, ACCESS_SIGNED, challenge, PARAMS(struct challenge, challenge_params),
      .help = "Dispute a rollup's batch: begin the game about it with an attack on its root claim.",
      .result = "{game, claim, bond, deadline_us}",
      .example = "batch=" EXAMPLE_ID " value=" EXAMPLE_VALUE },
    { "game.move", SCOPE_BASE, ACCESS_SIGNED, make_move, PARAMS(struct game_move, move_params),
      .help = "Counter a claim of a game by another claim; its bond is held until the game is paid.",
      .result = "{game, claim, bond, deadline_us}",
      .example = "game=" EXAMPLE_ID " claim=1 disputed=" EXAMPLE_VALUE " kind=attack value=" EXAMPLE_VALUE },
    { "game.step", SCOPE_BASE, ACCESS_SIGNED, make_step, PARAMS(struct game_step, step_params),
      .help = "Counter a claim at the greatest depth by the step of the trace that it is about.",
      .result = "{claim, countered}", .example = "game=" EXAMPLE_ID " claim=9 kind=attack witness=00" },
    { "game.resolve", SCOPE_BASE, ACCESS_SIGNED, resolve, PARAMS(struct one_game, one_game_params),
      .help = "Resolve the claims of a game whose time is over; the ledger does so by itself as well.",
      .result = "{resolved, status}", .example = "game=" EXAMPLE_ID },
    { "game.close", SCOPE_BASE, ACCESS_SIGNED, close_game, PARAMS(struct one_game, one_game_params),
      .help = "Close a game after its air gap; the ledger does so by itself as well.",
      .result = "{mode}", .example = "game=" EXAMPLE_ID },
};
