/* Games in random histories: who attacks what is right, who answers where it pays nothing, and the honest
 * party; see history.h. */
#include "history.h"

#include <time.h>

#include "crypto/hash.h"
#include "layer2/optimistic/fraud_proof.h"

#define SWEEP_US (2 * SECOND + 1)
#define FIRST_SWEEP 2048 /* naps, and each pause is twice as long: on a slow machine, no clock may run out */
#define PATIENCE 120000  /* naps of a millisecond until the node's own watcher must be done */

/* A game with the true trace of its batch, where that is known: it does not stand on a wrong one. */
struct table {
    struct dispute d;
    struct batch_row row;
    bool known;
    struct rollup_state *before;
    struct arena arena;
    struct batch batch;
    struct batch_trace *trace;
    uint64_t lie_from; /* for liars */
};

static struct side *side_of(struct history *h, uint64_t domain)
{
    return &h->sides[domain - 1];
}

static bool stands_on_right(const struct side *side, const struct batch_row *row)
{
    static const struct hash none;

    return row->number - 1 <= side->count &&
           hash_equal(&row->parent, row->number == 1 ? &none : &side->batches[row->number - 2]);
}

static void table_open(struct history *h, const struct hash *game, struct table *t)
{
    struct side *side;
    struct error error;

    memset(t, 0, sizeof(*t));
    arena_init(&t->arena);
    assert_true(dispute_open(h->reader, game, &t->d));
    dispute_read_all(h->reader, &t->d);
    assert_true(batch_find(h->reader, &t->d.row.batch, &t->row));
    side = side_of(h, t->row.domain);
    t->known = stands_on_right(side, &t->row);
    if (!t->known)
        return;
    t->before = model_at(h, side, (size_t)t->row.number - 1);
    assert_int_equal(batch_load(h->reader, &side->rollup, &t->row, &t->arena, &t->batch, &error), OK);
    t->trace = batch_trace_open(t->before, &t->batch);
}

static void table_close(struct table *t)
{
    if (t->known) {
        batch_trace_close(t->trace);
        rollup_state_free(t->before);
    }
    arena_close(&t->arena);
    dispute_close(&t->d);
}

/* The running game with this number among those that run. */
static bool running(struct history *h, uint64_t which, struct hash *game)
{
    char *hex AUTO_FREE = ask_text(h, "SELECT lower(hex(id)) FROM game WHERE status = 0 ORDER BY begun_seq"
                                      " LIMIT 1 OFFSET %" PRIu64, which);

    return hex != NULL && hex_decode(game->bytes, sizeof(game->bytes), hex, 64);
}

static bool any_running(struct history *h, struct hash *game)
{
    int64_t count = ask(h, "SELECT count(*) FROM game WHERE status = 0");

    return count > 0 && running(h, roll(h, (uint64_t)count), game);
}

/* --- submitting ---------------------------------------------------------------------------------- */
static enum status challenge(struct history *h, const char *who, const struct hash *batch,
                             const struct hash *value)
{
    char batch_hex[65], value_hex[65];

    hex_of(batch_hex, batch);
    hex_of(value_hex, value);
    return attempt(h, who, "game.challenge",
                   fixture_json("{'batch':'%s','value':'%s'}", batch_hex, value_hex));
}

static enum status move(struct history *h, const char *who, const struct table *t, bool attacks,
                        uint32_t parent, const struct hash *value)
{
    char game[65], disputed[65], value_hex[65];

    hex_of(game, &t->d.row.id);
    hex_of(disputed, &t->d.game.claims[parent].value);
    hex_of(value_hex, value);
    return attempt(h, who, "game.move",
                   fixture_json("{'game':'%s','claim':%" PRIu32 ",'disputed':'%s','kind':'%s','value':'%s'}",
                                game, parent, disputed, attacks ? "attack" : "defend", value_hex));
}

static enum status step(struct history *h, const char *who, const struct table *t, bool attacks,
                        uint32_t claim, struct bytes witness)
{
    struct buffer text CLEANUP(buffer_close) = { 0 };
    char game[65];

    hex_of(game, &t->d.row.id);
    buffer_append_hex(&text, witness.data, witness.size);
    return attempt(h, who, "game.step",
                   json_pack("{s:s, s:I, s:s, s:s}", "game", game, "claim", (json_int_t)claim, "kind",
                             attacks ? "attack" : "defend", "witness", buffer_text(&text)));
}

/* --- the honest party ---------------------------------------------------------------------------- */
/* What it has to do now; moves against its own claims left out. */
static struct move *missing(struct history *h, struct table *t, uint32_t *count)
{
    const struct honest_trace truth = { batch_trace_value, t->trace };
    struct honest_mark *marks AUTO_FREE = memory_array(t->d.game.count, sizeof(*marks));
    struct move *moves = memory_array(t->d.game.count, sizeof(*moves));
    struct error error;
    uint32_t all, kept = 0;

    if (honest_moves(&t->d.game, &truth, &h->party, h->now_us, marks, moves, &all, &error) != OK)
        fail_msg("%s", error.message);
    for (uint32_t i = 0; i < all; i++) {
        if (!account_equal(&t->d.game.claims[moves[i].parent].claimant, &h->party))
            moves[kept++] = moves[i];
    }
    *count = kept;
    return moves;
}

static void make_by_hand(struct history *h, struct table *t, const struct move *m)
{
    bool attacks = m->kind == MOVE_ATTACK || m->kind == MOVE_STEP_ATTACK;
    struct buffer witness CLEANUP(buffer_close) = { 0 };
    struct error error;
    uint64_t index;

    if (m->kind == MOVE_ATTACK || m->kind == MOVE_DEFEND) {
        assert_string_equal(status_name(move(h, "wanda", t, attacks, m->parent, &m->value)), status_name(OK));
        return;
    }
    index = (uint64_t)position_trace_index(t->d.game.claims[m->parent].position, t->d.game.params.max_depth);
    assert_int_equal(batch_trace_witness(t->trace, attacks ? index : index + 1, &witness, &error), OK);
    assert_string_equal(status_name(step(h, "wanda", t, attacks, m->parent, buffer_bytes(&witness))),
                        status_name(OK));
}

/* How many moves were missing in all games; by hand, they are made. */
static uint32_t play(struct history *h)
{
    uint32_t missed = 0;
    struct hash game;

    for (uint64_t i = 0; running(h, i, &game); i++) {
        struct table t;
        uint32_t count = 0;

        table_open(h, &game, &t);
        if (t.known) {
            struct move *moves AUTO_FREE = missing(h, &t, &count);

            for (uint32_t k = 0; h->honest == HONEST_HAND && k < count; k++)
                make_by_hand(h, &t, &moves[k]);
        }
        missed += count;
        table_close(&t);
    }
    return missed;
}

static bool has_fallen(struct history *h, const char *batch_hex)
{
    return ask(h, "SELECT state IN (%d, %d) FROM batch WHERE id = x'%s'", BATCH_REJECTED,
               BATCH_PARENT_REJECTED, batch_hex) == 1;
}

/* What can be proved at once: committed to, and shown two blocks later, if no game's clock ran out by
 * then. */
static void prove_by_hand(struct history *h, const struct hash *batch, struct bytes proof)
{
    struct hash salt = { { 7 } }, commitment;
    struct buffer text CLEANUP(buffer_close) = { 0 };
    char batch_hex[65], salt_hex[65], hex[65];

    fraud_commitment_hash(&commitment, batch, &h->party, &salt, proof);
    hex_of(hex, &commitment);
    hex_of(batch_hex, batch);
    hex_of(salt_hex, &salt);
    buffer_append_hex(&text, proof.data, proof.size);
    fixture_run(&h->f, "wanda", "fraud.commit", "{'commitment':'%s'}", hex);
    if (!has_fallen(h, batch_hex))
        fixture_refused(&h->f, ERROR_COMMITMENT_TOO_NEW, "wanda", "fraud.prove",
                        "{'batch':'%s','salt':'%s','proof':'%s'}", batch_hex, salt_hex, buffer_text(&text));
    for (int i = 0; i < 2; i++)
        history_advance(h, 1);
    if (has_fallen(h, batch_hex))
        return;
    fixture_run(&h->f, "wanda", "fraud.prove", "{'batch':'%s','salt':'%s','proof':'%s'}", batch_hex, salt_hex,
                buffer_text(&text));
}

/* At once where that is possible, in half of all cases; by a game else, unless one runs. False: by what
 * is done already. */
static bool oppose_by_hand(struct history *h, const struct batch_row *row, bool game_shows, bool runs)
{
    const struct side *side = side_of(h, row->domain);
    const unsigned depth = batch_game_depth(row->items);
    struct rollup_state *before = model_at(h, side, (size_t)row->number - 1);
    struct arena arena CLEANUP(arena_close);
    struct buffer proof CLEANUP(buffer_close) = { 0 };
    struct batch_trace *trace;
    struct batch batch;
    struct error error;
    struct hash value;
    bool done = true;

    arena_init(&arena);
    assert_int_equal(batch_load(h->reader, &side->rollup, row, &arena, &batch, &error), OK);
    if (rollup_fraud_prove(before, &batch, &row->result, &proof) && (!game_shows || one_in(h, 2))) {
        prove_by_hand(h, &row->id, buffer_bytes(&proof));
    } else if (runs) {
        done = false;
    } else {
        assert_true(game_shows); /* what cannot be proved at once, a game can show */
        trace = batch_trace_open(before, &batch);
        assert_int_equal(batch_trace_value(trace, position_trace_index(position_attack(POSITION_ROOT), depth),
                                           &value, &error), OK);
        batch_trace_close(trace);
        assert_string_equal(status_name(challenge(h, "wanda", &row->id, &value)), status_name(OK));
    }
    rollup_state_free(before);
    return done;
}

/* How many wrong batches nobody does anything about. A game is about the root alone. */
static unsigned unopposed(struct history *h)
{
    char party[65], hex[65];
    unsigned count = 0;

    hex_text(party, h->party.bytes, sizeof(h->party.bytes));
    for (size_t i = 0; i < SIDES; i++) {
        const struct side *side = &h->sides[i];
        struct batch_row row;
        bool game_shows, runs;

        if (!side->wrong)
            continue;
        assert_true(batch_find(h->reader, &side->wrong_batch, &row));
        hex_of(hex, &row.id);
        game_shows = !truth_of(h, &row.id)->root_right;
        runs = game_shows && ask(h, "SELECT count(*) FROM game WHERE status = 0 AND batch = x'%s'", hex) > 0;
        if ((row.state == BATCH_PROPOSED && h->now_us >= row.window_end_us) ||
            (row.state != BATCH_PROPOSED && row.state != BATCH_CHALLENGED) ||
            (runs && (h->honest == HONEST_NODE || !one_in(h, 8))) ||
            ask(h, "SELECT count(*) FROM fraud_commitment WHERE account = x'%s' AND seq > (SELECT created_seq"
                   " FROM batch WHERE id = x'%s')", party, hex) > 0)
            continue;
        if (h->honest == HONEST_NODE)
            count++;
        else if (oppose_by_hand(h, &row, game_shows, runs))
            return 1; /* what was seen of the rest may not be so any more */
    }
    return count;
}

/* Lanes that are not as far as they can be. */
static unsigned behind(struct history *h)
{
    unsigned count = 0;

    for (size_t i = 0; h->honest == HONEST_NODE && i < SIDES; i++) {
        const struct side *side = &h->sides[i];
        char hex[65];

        hex_of(hex, &side->wrong_batch);
        count += ask(h, "SELECT number FROM rollup_lane WHERE domain = %" PRIu64, side->domain) !=
                 (int64_t)side->count;
        count += side->count > 0 && ask(h, "SELECT count(*) FROM rollup_lane JOIN batch ON id = batch WHERE"
                                           " rollup_lane.domain = %" PRIu64 " AND state < 4",
                                        side->domain) == 0;
        count += side->wrong && ask(h, "SELECT count(*) FROM rollup_verdict WHERE batch = x'%s'", hex) == 0;
    }
    return count;
}

void honest_acts(struct history *h)
{
    unsigned sweep = FIRST_SWEEP;

    for (unsigned i = 0; i < PATIENCE; i++) {
        unsigned left;

        history_look(h);
        left = behind(h) + unopposed(h);
        if (left == 0 && play(h) == 0)
            return;
        if (h->honest == HONEST_NODE)
            nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
        if (h->honest == HONEST_NODE && i == sweep) {
            fixture_advance(&h->f, SWEEP_US);
            sweep *= 2;
        }
    }
    fail_msg("the honest party does not do what it has to");
}

void history_pass(struct history *h, int64_t us)
{
    while (us > 0) {
        int64_t piece = us < PACE_US ? us : PACE_US;

        honest_acts(h);
        history_advance(h, piece);
        us -= piece;
    }
    honest_acts(h);
}

/* --- everybody else ------------------------------------------------------------------------------ */
static const char *const attackers[] = { "eve", "dave", "fred", "paul", "ann" };

static struct hash lie_at(uint64_t index, uint64_t seed)
{
    struct hash value;
    uint8_t numbers[16];

    put_be64(numbers, index);
    put_be64(numbers + 8, seed);
    tagged_hash(&value, "test/lie", numbers, sizeof(numbers));
    return value;
}

/* What a liar says is there: the truth up to a step, and what the root claim says at the end. */
static struct hash said(struct history *h, struct table *t, uint64_t index)
{
    const uint64_t last = ((uint64_t)1 << t->d.row.max_depth) - 1;
    struct hash value;
    struct error error;

    if (index == last && one_in(h, 2))
        return t->d.game.claims[0].value;
    if (t->known && (index < t->lie_from || one_in(h, 5))) { /* or the truth, where it may not help */
        assert_int_equal(batch_trace_value(t->trace, index, &value, &error), OK);
        h->counts->freeloaders += index >= t->lie_from;
        return value;
    }
    return lie_at(index, roll(h, 3));
}

static void flip(struct history *h, struct buffer *bytes)
{
    size_t at = roll(h, bytes->size);

    bytes->data[at] ^= (uint8_t)(1u << roll(h, 8));
}

static void any_step(struct history *h, const char *who, struct table *t, uint32_t claim, bool attacks)
{
    uint64_t index = (uint64_t)position_trace_index(t->d.game.claims[claim].position, t->d.row.max_depth);
    struct buffer witness CLEANUP(buffer_close) = { 0 };
    struct error error;
    enum status status;

    if (!t->known || one_in(h, 4) ||
        batch_trace_witness(t->trace, attacks ? index : index + 1, &witness, &error) != OK)
        buffer_append(&witness, "no witness of anything", 1 + roll(h, 20));
    else if (one_in(h, 3))
        flip(h, &witness);
    status = step(h, who, t, attacks, claim, buffer_bytes(&witness));
    h->counts->refused_moves += status != OK;
}

/* Against anything, with anything. */
static enum status any_move(struct history *h, const char *who, struct table *t, uint32_t claim)
{
    const struct claim *parent = &t->d.game.claims[claim];
    bool attacks = claim == 0 ? !one_in(h, 8) : one_in(h, 2);
    struct position position;
    struct hash value = lie_at(0, 1);
    enum status status;

    if (position_depth(parent->position) == t->d.row.max_depth) {
        any_step(h, who, t, claim, attacks);
        return OK;
    }
    if (claim > 0 || attacks) {
        position = attacks ? position_attack(parent->position) : position_defend(parent->position);
        value = said(h, t, (uint64_t)position_trace_index(position, t->d.row.max_depth));
    }
    status = move(h, who, t, attacks, claim, &value);
    if (status == OK && one_in(h, 4)) {
        assert_string_equal(status_name(move(h, "dave", t, attacks, claim, &value)),
                            status_name(ERROR_DUPLICATE_CLAIM));
        h->counts->duplicates++;
    }
    h->counts->moves += status == OK;
    h->counts->refused_moves += status != OK;
    return status;
}

/* A batch that stands and may be challenged, right or wrong. */
static void any_challenge(struct history *h)
{
    char *hex AUTO_FREE = ask_text(h, "SELECT lower(hex(id)) FROM batch WHERE state = 0"
                                      " ORDER BY (created_seq * %"
                                      PRIu64 ") %% 7919 LIMIT 1", 1 + roll(h, 1000));
    struct hash batch, value = lie_at(0, roll(h, 4));

    if (hex == NULL)
        return;
    assert_true(hex_decode(batch.bytes, sizeof(batch.bytes), hex, 64));
    (void)challenge(h, attackers[roll(h, COUNT_OF(attackers))], &batch, &value);
}

void attacker_acts(struct history *h)
{
    struct hash game;
    struct table t;

    history_look(h);
    if (!any_running(h, &game) || one_in(h, 4)) {
        any_challenge(h);
        return;
    }
    table_open(h, &game, &t);
    t.lie_from = roll(h, (uint64_t)1 << t.d.row.max_depth);
    for (uint64_t i = 1 + roll(h, 3); i > 0; i--) { /* mostly against what was said last */
        uint32_t claim = one_in(h, 3) ? (uint32_t)roll(h, t.d.game.count)
                                      : t.d.game.count - 1 - (uint32_t)roll(h, t.d.game.count < 3 ? 1 : 3);

        (void)any_move(h, attackers[roll(h, COUNT_OF(attackers))], &t, claim);
    }
    table_close(&t);
    history_look(h);
}

/* --- a liar who plays as well as he can ----------------------------------------------------------- */
struct lying {
    struct history *h;
    struct table *t;
    uint64_t seed;
};

static enum status tell(void *context, unsigned __int128 index, struct hash *out, struct error *error)
{
    const struct lying *lying = context;
    struct table *t = lying->t;

    if ((uint64_t)index == ((uint64_t)1 << t->d.row.max_depth) - 1)
        *out = t->d.game.claims[0].value;
    else if (t->known && (uint64_t)index < t->lie_from)
        return batch_trace_value(t->trace, index, out, error);
    else
        *out = lie_at((uint64_t)index, lying->seed);
    return OK;
}

void liar_plays(struct history *h, const char *who, const struct hash *game, uint64_t lie)
{
    struct table t;

    table_open(h, game, &t);
    t.lie_from = lie % ((uint64_t)1 << t.d.row.max_depth);
    {
        struct lying lying = { h, &t, lie };
        const struct honest_trace trace = { tell, &lying };
        struct honest_mark *marks AUTO_FREE = memory_array(t.d.game.count, sizeof(*marks));
        struct move *moves AUTO_FREE = memory_array(t.d.game.count, sizeof(*moves));
        struct error error;
        uint32_t count;

        if (honest_moves(&t.d.game, &trace, &fixture_key(&h->f, who)->account, h->now_us, marks, moves,
                         &count, &error) != OK)
            fail_msg("%s", error.message);
        for (uint32_t i = 0; i < count; i++) {
            bool attacks = moves[i].kind == MOVE_ATTACK || moves[i].kind == MOVE_STEP_ATTACK;

            if (moves[i].kind == MOVE_ATTACK || moves[i].kind == MOVE_DEFEND)
                h->counts->moves += move(h, who, &t, attacks, moves[i].parent, &moves[i].value) == OK;
            else
                any_step(h, who, &t, moves[i].parent, attacks);
        }
    }
    table_close(&t);
    history_look(h);
}

/* In each game the same lie, whoever tells it. */
void liar_acts(struct history *h)
{
    const char *who = attackers[roll(h, COUNT_OF(attackers))];
    struct hash game;

    history_look(h);
    if (!any_running(h, &game))
        any_challenge(h);
    history_look(h);
    if (any_running(h, &game))
        liar_plays(h, who, &game, game.bytes[0] * UINT64_C(7919));
}

/* The claim of the honest party's that can be countered longest, but not for ever. */
static bool last_claim(struct history *h, struct table *t, uint32_t *claim, int64_t *deadline_us)
{
    bool found = false;

    *claim = 0;
    *deadline_us = 0;
    for (uint32_t i = 0; i < t->d.game.count; i++) {
        int64_t due_us = game_deadline_us(&t->d.game, i);

        if (t->d.game.claims[i].resolved || t->d.game.claims[i].countered || due_us <= h->now_us + 1 ||
            position_depth(t->d.game.claims[i].position) == t->d.row.max_depth ||
            (found && due_us <= *deadline_us))
            continue;
        *claim = i;
        *deadline_us = due_us;
        found = true;
    }
    return found;
}

/* Waits until a claim's time is over but for one µs; `late`: until it is over. */
void last_moment_acts(struct history *h)
{
    const bool late = one_in(h, 2);
    struct hash game, value = lie_at(7, roll(h, UINT64_MAX));
    int64_t deadline_us;
    enum status status;
    uint32_t claim;
    struct table t;
    bool found;

    history_look(h);
    if (!any_running(h, &game))
        return;
    table_open(h, &game, &t);
    found = last_claim(h, &t, &claim, &deadline_us);
    table_close(&t);
    if (!found)
        return;
    history_pass(h, deadline_us - h->now_us - 1);
    if (h->now_us >= deadline_us)
        return; /* the watcher's sweeps took time as well */
    if (deadline_us - h->now_us - 1 > 0)
        history_advance(h, deadline_us - h->now_us - 1);
    if (late)
        history_advance(h, 1);
    history_look(h);
    table_open(h, &game, &t);
    status = move(h, "eve", &t, true, claim, &value);
    table_close(&t);
    history_look(h);
    table_open(h, &game, &t);
    if (t.d.row.status != GAME_RUNNING && status != OK) /* over, or proved wrong by whoever watches */
        assert_string_equal(status_name(status), status_name(ERROR_GAME_OVER));
    else
        assert_string_equal(status_name(status), status_name(late ? ERROR_CLOCK_EXPIRED : OK));
    h->counts->late_refused += late && status != OK;
    h->counts->last_moment += !late && status == OK;
    table_close(&t);
    history_look(h);
}
