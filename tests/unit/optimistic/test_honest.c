/* The honest party against everybody else: named cases, disputes of two, and random games whose every end is
 * compared with a second account of the rules. */
#include "test_optimistic.h"

#define HONEST 100
#define CROWD 4u /* the others are persons 1 … CROWD */
#define JOURNAL_MAX 2048

struct entry {
    struct move move;
    int64_t now_us;
    enum status status;
};

/* A game as it is played. */
struct play {
    uint64_t seed, pace; /* one wait in `pace` is long */
    struct machine truth, lie;
    struct game_params params;
    struct account_id proposer;
    struct hash root;
    struct game game;
    int64_t now_us;
    size_t journal_count;
    struct claim claims[CLAIMS], copies[CLAIMS];
    struct honest_mark marks[CLAIMS];
    struct move moves[CLAIMS], again[CLAIMS];
    struct payout payouts[CLAIMS];
    struct entry journal[JOURNAL_MAX];
};
static struct play p;

static void begin(const struct hash *root, unsigned proposer)
{
    struct error error = { .message = "" };

    p.params.prestate = machine_prestate(&p.truth);
    p.proposer = person(proposer);
    p.root = *root;
    p.now_us = NOW_US;
    p.journal_count = 0;
    memset(p.claims, 0, sizeof(p.claims));
    assert_status(game_begin(&p.params, p.claims, CLAIMS, root, &p.proposer, NOW_US, &p.game, &error), OK);
}

static enum status apply(struct game *game, const struct move *move, int64_t now_us, struct error *error)
{
    struct step_judge judge = machine_judge(&p.truth);
    uint32_t made;

    if (move->kind == MOVE_ATTACK || move->kind == MOVE_DEFEND)
        return game_move(game, move, now_us, &made, error);
    return game_step(game, move, &judge, now_us, error);
}

static enum status play(const struct move *move, struct error *error)
{
    enum status status = apply(&p.game, move, p.now_us, error);

    assert_true(p.journal_count < JOURNAL_MAX);
    p.journal[p.journal_count++] = (struct entry){ .move = *move, .now_us = p.now_us, .status = status };
    return status;
}

static uint32_t find_moves(struct machine *machine, unsigned mover, struct move *moves)
{
    struct honest_trace trace = machine_trace(machine);
    struct account_id account = person(mover);
    struct error error = { .message = "" };
    uint32_t count;

    assert_status(honest_moves(&p.game, &trace, &account, p.now_us, p.marks, moves, &count, &error), OK);
    return count;
}

static bool is_of(const struct account_id *account, unsigned number)
{
    struct account_id expected = person(number);

    return account_equal(account, &expected);
}

/* --- named cases ------------------------------------------------------------------------------ */
static void begin_small(bool root_right)
{
    struct hash root;

    p.truth = (struct machine){ .states = 1, .depth = 4 };
    p.params = params_small();
    root = machine_value(&p.truth, 15, !root_right);
    begin(&root, 1);
}

/* A claim that is right or wrong. */
static uint32_t claim(enum move_kind kind, uint32_t parent, bool right, unsigned mover)
{
    struct position at = kind == MOVE_DEFEND ? position_defend(p.claims[parent].position)
                                             : position_attack(p.claims[parent].position);
    struct hash value = machine_value(&p.truth, position_trace_index(at, p.params.max_depth), !right);
    struct move move = move_of(&p.game, kind, parent, &value, mover);
    struct error error = { .message = "" };

    assert_status(play(&move, &error), OK);
    return p.game.count - 1;
}

static void right_root_is_left_alone_and_a_wrong_one_attacked(void **state)
{
    struct hash right;

    (void)state;
    begin_small(true);
    assert_int_equal(find_moves(&p.truth, HONEST, p.moves), 0);
    begin_small(false);
    assert_int_equal(find_moves(&p.truth, HONEST, p.moves), 1);
    right = machine_truth(&p.truth, 7);
    assert_int_equal(p.moves[0].kind, MOVE_ATTACK);
    assert_int_equal(p.moves[0].bond, 150);
    assert_true(hash_equal(&p.moves[0].value, &right));
    assert_true(hash_equal(&p.moves[0].disputed, &p.claims[0].value));
    assert_true(is_of(&p.moves[0].mover, HONEST));
}

static void whatever_counters_a_right_root_is_countered_by_what_is_right_of_it(void **state)
{
    (void)state;
    begin_small(true);
    claim(MOVE_ATTACK, 0, false, 2); /* wrong about the first half */
    claim(MOVE_ATTACK, 0, true, 2);  /* right about it, and yet against the root */
    assert_int_equal(find_moves(&p.truth, HONEST, p.moves), 2);
    assert_int_equal(p.moves[0].kind, MOVE_ATTACK);
    assert_int_equal(p.moves[0].parent, 1);
    assert_int_equal(p.moves[1].kind, MOVE_DEFEND);
    assert_int_equal(p.moves[1].parent, 2);
}

static void freeloaders_left_and_beside_are_countered_those_to_the_right_are_not(void **state)
{
    (void)state;
    begin_small(true);
    claim(MOVE_ATTACK, 0, true, 2);   /* 1: the right answer is a defence */
    claim(MOVE_DEFEND, 1, true, HONEST);
    claim(MOVE_ATTACK, 1, true, 3);   /* 3: right, left of it */
    claim(MOVE_ATTACK, 1, false, 3);  /* 4: wrong, left of it */
    claim(MOVE_DEFEND, 1, false, 3);  /* 5: wrong, beside it */
    assert_int_equal(find_moves(&p.truth, HONEST, p.moves), 3);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(p.moves[i].parent, 3 + i);

    begin_small(false);
    claim(MOVE_ATTACK, 0, false, 2);  /* beside the right attack: countered; the answer to it is an attack */
    claim(MOVE_ATTACK, 0, true, HONEST);
    assert_int_equal(find_moves(&p.truth, HONEST, p.moves), 1);
    assert_int_equal(p.moves[0].kind, MOVE_ATTACK);
    claim(MOVE_ATTACK, 1, true, HONEST);
    claim(MOVE_DEFEND, 1, true, 4);   /* right of the answer: left alone, and what is said against it too */
    claim(MOVE_ATTACK, 4, false, 4);
    assert_int_equal(find_moves(&p.truth, HONEST, p.moves), 0);
}

static void right_answer_counts_whoever_made_it(void **state)
{
    (void)state;
    begin_small(false);
    claim(MOVE_ATTACK, 0, true, 4);
    assert_int_equal(find_moves(&p.truth, HONEST, p.moves), 0);
    claim(MOVE_ATTACK, 1, false, 1);
    assert_int_equal(find_moves(&p.truth, HONEST, p.moves), 1); /* and is stood up for */
}

static void own_mistake_is_countered_like_any_other(void **state)
{
    (void)state;
    begin_small(true);
    claim(MOVE_ATTACK, 0, false, HONEST);
    assert_int_equal(find_moves(&p.truth, HONEST, p.moves), 1);
    assert_int_equal(p.moves[0].parent, 1);
}

static void leaves_are_stepped_against_once(void **state)
{
    struct error error = { .message = "" };

    (void)state;
    begin_small(false);
    claim(MOVE_ATTACK, 0, true, HONEST);
    claim(MOVE_ATTACK, 1, false, 1);
    claim(MOVE_ATTACK, 2, true, HONEST);
    claim(MOVE_ATTACK, 3, true, 1);  /* right, yet against a right claim */
    claim(MOVE_ATTACK, 3, false, 2);
    assert_int_equal(find_moves(&p.truth, HONEST, p.moves), 2);
    assert_int_equal(p.moves[0].kind, MOVE_STEP_DEFEND);
    assert_int_equal(p.moves[1].kind, MOVE_STEP_ATTACK);
    assert_int_equal(p.moves[1].bond, 0);
    assert_status(play(&p.moves[0], &error), OK);
    assert_status(play(&p.moves[1], &error), OK);
    assert_int_equal(find_moves(&p.truth, HONEST, p.moves), 0);
}

static void no_moves_are_found_too_late_or_in_a_game_that_is_over(void **state)
{
    struct error error = { .message = "" };

    (void)state;
    begin_small(false);
    p.now_us = game_deadline_us(&p.game, 0) - 1;
    assert_int_equal(find_moves(&p.truth, HONEST, p.moves), 1);
    p.now_us++;
    assert_int_equal(find_moves(&p.truth, HONEST, p.moves), 0);
    p.now_us = NOW_US;
    assert_status(game_void(&p.game, NOW_US, &error), OK);
    assert_int_equal(find_moves(&p.truth, HONEST, p.moves), 0);
}

static enum status no_value(void *context, unsigned __int128 index, struct hash *out, struct error *error)
{
    (void)context, (void)index, (void)out;
    return error_set(error, ERROR_STORAGE, "the batch's data is not there");
}

static void trace_that_cannot_be_told_is_passed_on(void **state)
{
    struct honest_trace trace = { .value = no_value };
    struct account_id account = person(HONEST);
    struct error error = { .message = "" };
    uint32_t count = 77;

    (void)state;
    begin_small(false);
    assert_status(honest_moves(&p.game, &trace, &account, NOW_US, p.marks, p.moves, &count, &error),
                  ERROR_STORAGE);
    assert_int_equal(count, 77);
}

/* --- a dispute of two ------------------------------------------------------------------------- */
/* How many moves are made until neither side has any. */
static unsigned alternate(unsigned liar)
{
    struct error error = { .message = "" };
    unsigned made = 0, before;

    do {
        before = made;
        for (unsigned side = 0; side < 2; side++) {
            uint32_t count = side == 0 ? find_moves(&p.truth, HONEST, p.moves)
                                       : find_moves(&p.lie, liar, p.moves);

            for (uint32_t i = 0; i < count; i++) {
                enum status status = play(&p.moves[i], &error);

                if (side == 0)
                    assert_status(status, OK);
                made += status == OK; /* a liar's step is refused */
            }
            p.now_us += 1;
        }
    } while (made > before);
    return made;
}

static void finish(enum game_status expected)
{
    struct error error = { .message = "" };
    int64_t last_us = 0;

    for (uint32_t i = 0; i < p.game.count; i++)
        last_us = game_deadline_us(&p.game, i) > last_us ? game_deadline_us(&p.game, i) : last_us;
    assert_true(last_us <= NOW_US + game_longest_us(&p.params));
    if (p.now_us < last_us)
        p.now_us = last_us;
    (void)game_resolve_ready(&p.game, p.now_us);
    assert_status(game_resolve(&p.game, p.now_us, &error), OK);
    assert_int_equal(p.game.status, expected);
}

static void dispute_of_two_takes_at_most_twice_the_depth_and_four_moves(void **state)
{
    uint64_t seed = random_seed("dispute_of_two_takes_at_most_twice_the_depth_and_four_moves");
    unsigned most = 0;

    (void)state;
    for (unsigned depth = 1; depth <= POSITION_DEPTH_MAX; depth++) {
        for (unsigned round = 0; round < 8; round++) {
            unsigned __int128 from = (unsigned __int128)random_below(&seed, UINT64_MAX) << 64 | seed;
            bool liar_proposes = round % 2 == 0;
            struct hash root;
            unsigned moves;

            p.truth = (struct machine){ .states = 1, .depth = depth };
            p.lie = p.truth;
            p.lie.lying = true;
            p.lie.wrong_from = from & (((unsigned __int128)1 << depth) - 1);
            p.params = params_small();
            p.params.max_depth = depth;
            p.params.split_depth = depth / 2;
            p.params.bond_numerator = p.params.bond_denominator;
            root = machine_truth(liar_proposes ? &p.lie : &p.truth, ((unsigned __int128)1 << depth) - 1);
            begin(&root, liar_proposes ? 1 : HONEST);
            moves = alternate(1);
            assert_true(moves <= 2 * depth + 4);
            most = moves > depth + most ? moves - depth : most;
            finish(liar_proposes ? GAME_DEFEATED : GAME_DEFENDED);
        }
    }
    print_message("moves are at most depth + %u\n", most);
}

/* --- how a game ended ------------------------------------------------------------------------- */
/* A second account of the rules, straight from their words: whether a claim stands, and who counters it. */
static bool stands(uint32_t index, uint32_t *counter)
{
    *counter = GAME_NO_CLAIM;
    for (uint32_t i = p.game.count; i-- > index + 1;) {
        uint32_t deeper;

        if (p.claims[i].parent == index && stands(i, &deeper) &&
            (*counter == GAME_NO_CLAIM || p.claims[i].position.gindex <= p.claims[*counter].position.gindex))
            *counter = i;
    }
    if (position_depth(p.claims[index].position) == p.params.max_depth)
        return !p.claims[index].countered;
    return *counter == GAME_NO_CLAIM;
}

static void assert_verdict_is_the_second_accounts(void)
{
    for (uint32_t i = 0; i < p.game.count; i++) {
        uint32_t counter;
        bool standing = stands(i, &counter);

        assert_true(p.claims[i].resolved);
        assert_int_equal(p.claims[i].countered, !standing);
        if (counter != GAME_NO_CLAIM)
            assert_true(account_equal(&p.claims[i].countered_by, &p.claims[counter].claimant));
    }
}

static void assert_honest_party_is_paid(enum game_closing mode)
{
    struct error error = { .message = "" };
    uint64_t paid_in = 0, paid_out = 0;

    p.now_us += p.params.air_gap_us;
    assert_status(game_close(&p.game, mode, p.now_us, &error), OK);
    assert_status(game_payouts(&p.game, 0, p.now_us + p.params.payout_delay_us, p.payouts, &error), OK);
    for (uint32_t i = 0; i < p.game.count; i++) {
        paid_in += p.claims[i].bond;
        paid_out += p.payouts[i].amount + p.payouts[i].burned;
        assert_int_equal(p.payouts[i].claim, i);
        assert_true(p.payouts[i].burned <= p.claims[i].bond * p.params.burn_ppm / GAME_PPM);
        if (is_of(&p.claims[i].claimant, HONEST)) {
            assert_false(p.claims[i].countered);
            assert_true(is_of(&p.payouts[i].recipient, HONEST) && p.payouts[i].amount == p.claims[i].bond);
            if (i > 0 && mode == GAME_NORMAL)
                assert_true(is_of(&p.payouts[p.claims[i].parent].recipient, HONEST));
        }
        if (mode == GAME_REFUND)
            assert_true(account_equal(&p.payouts[i].recipient, &p.claims[i].claimant));
    }
    assert_true(paid_in == paid_out && paid_in == p.game.pot);
    for (size_t i = 0; i < p.journal_count; i++) { /* steps that counted */
        const struct entry *entry = &p.journal[i];

        if (entry->status == OK && entry->move.kind >= MOVE_STEP_ATTACK && mode == GAME_NORMAL)
            assert_true(account_equal(&p.payouts[entry->move.parent].recipient, &entry->move.mover));
    }
}

/* The same moves again, claims resolved one by one in random order: the same game. */
static void assert_replay_is_the_same(void)
{
    struct error error = { .message = "" };
    struct game other;
    uint32_t left;

    memset(p.copies, 0, sizeof(p.copies));
    assert_status(game_begin(&p.params, p.copies, CLAIMS, &p.root, &p.proposer, NOW_US, &other, &error), OK);
    for (size_t i = 0; i < p.journal_count; i++) {
        const struct entry *entry = &p.journal[i];

        assert_int_equal(apply(&other, &entry->move, entry->now_us, &error), entry->status);
    }
    for (left = other.count; left > 0;)
        left -= game_resolve_claim(&other, (uint32_t)random_below(&p.seed, other.count),
                                   NOW_US + game_longest_us(&p.params), NULL) == OK;
    assert_int_equal(other.count, p.game.count);
    for (uint32_t i = 0; i < other.count; i++) {
        const struct claim *a = &p.claims[i], *b = &p.copies[i];

        assert_true(a->parent == b->parent && position_equal(a->position, b->position) &&
                    hash_equal(&a->value, &b->value) && account_equal(&a->claimant, &b->claimant) &&
                    a->bond == b->bond && a->clock_us == b->clock_us && a->made_at_us == b->made_at_us &&
                    a->countered == b->countered && a->resolved == b->resolved &&
                    account_equal(&a->countered_by, &b->countered_by));
    }
}

/* Whoever has the claims alone, as rows keep them, finds the same moves. */
static void assert_restart_finds_the_same(uint32_t count)
{
    struct honest_trace trace = machine_trace(&p.truth);
    struct account_id account = person(HONEST);
    struct error error = { .message = "" };
    struct game restored;
    uint32_t found;

    memcpy(p.copies, p.claims, sizeof(p.copies));
    for (uint32_t i = 0; i < p.game.count; i++)
        p.copies[i].first_child = p.copies[i].last_child = p.copies[i].next_sibling = 12345;
    game_restore(&p.params, p.copies, p.game.count, CLAIMS, &restored);
    assert_true(restored.pot == p.game.pot);
    assert_memory_equal(p.copies, p.claims, sizeof(p.claims[0]) * p.game.count);
    assert_status(honest_moves(&restored, &trace, &account, p.now_us, p.marks, p.again, &found, &error), OK);
    assert_int_equal(found, count);
    assert_memory_equal(p.again, p.moves, count * sizeof(p.moves[0]));
}

/* --- every game of depth 2 -------------------------------------------------------------------- */
/* The crowd's claim number n of ten: 0 and 1 attack the root, the others what these are; false: not there yet
 * to be answered, or there already. */
static bool crowd_claims(unsigned n)
{
    enum move_kind kind = n < 2 || (n & 2) == 0 ? MOVE_ATTACK : MOVE_DEFEND;
    uint32_t parent = 0;
    struct position at;
    struct hash value;
    struct move move;

    if (n >= 2) {
        value = machine_truth(&p.truth, 1);
        value.bytes[31] ^= n < 6; /* of two states the other one */
        for (parent = 1; parent < p.game.count; parent++) {
            if (p.claims[parent].parent == 0 && hash_equal(&p.claims[parent].value, &value))
                break;
        }
        if (parent == p.game.count)
            return false;
    }
    at = p.claims[parent].position;
    at = kind == MOVE_DEFEND ? position_defend(at) : position_attack(at);
    value = machine_truth(&p.truth, position_trace_index(at, 2));
    value.bytes[31] ^= n & 1;
    move = move_of(&p.game, kind, parent, &value, 1);
    return play(&move, NULL) == OK;
}

static void honest_party_answers(void)
{
    struct error error = { .message = "" };
    uint32_t count;

    while ((count = find_moves(&p.truth, HONEST, p.moves)) > 0) {
        for (uint32_t i = 0; i < count; i++)
            assert_status(play(&p.moves[i], &error), OK);
    }
}

static void crowd_steps(void)
{
    for (uint32_t i = 0; i < p.game.count; i++) {
        struct move attack = move_of(&p.game, MOVE_STEP_ATTACK, i, NULL, 2),
                    defend = move_of(&p.game, MOVE_STEP_DEFEND, i, NULL, 2);

        (void)play(&attack, NULL);
        (void)play(&defend, NULL);
    }
}

/* Each set of claims that the crowd can make, upwards or downwards, answered at once or at the end, with the
 * crowd's steps before the honest party's or none, each with four traces of two states. */
static void honest_party_wins_every_game_of_depth_2(void **state)
{
    (void)state;
    p.params = params_small();
    p.params.max_depth = 2;
    p.params.split_depth = 1;
    for (unsigned game = 0; game < 1u << 16; game++) {
        unsigned claims = game & 1023, at_once = game >> 10 & 1, downwards = game >> 11 & 1;
        unsigned steps = game >> 12 & 1, wrong = game >> 13 & 1;
        struct hash root;

        p.truth = (struct machine){ .seed = game * UINT64_C(0x9e3779b97f4a7c15), .states = 2, .depth = 2 };
        root = machine_truth(&p.truth, 3);
        root.bytes[31] ^= wrong;
        begin(&root, 1);
        for (unsigned i = 0; i < 10; i++) {
            unsigned n = downwards ? 9 - i : i;

            if ((claims >> n & 1) != 0 && crowd_claims(n) && at_once)
                honest_party_answers();
        }
        for (unsigned round = 0; round < 2; round++) { /* what the answers made possible */
            if (steps)
                crowd_steps();
            honest_party_answers();
            for (unsigned n = 0; n < 10; n++)
                (void)((claims >> n & 1) != 0 && crowd_claims(n));
        }
        honest_party_answers();
        finish(wrong ? GAME_DEFEATED : GAME_DEFENDED);
        assert_verdict_is_the_second_accounts();
        assert_honest_party_is_paid(GAME_NORMAL);
    }
}

/* --- random games ----------------------------------------------------------------------------- */
static struct hash random_value(struct position at)
{
    unsigned __int128 index = position_trace_index(at, p.params.max_depth);

    switch (random_below(&p.seed, 4)) {
    case 0:
        return machine_truth(&p.lie, index);
    case 1:
        return machine_value(&p.truth, index, (unsigned)random_below(&p.seed, p.truth.states));
    default:
        return machine_truth(&p.truth, index);
    }
}

/* Some move of somebody who does not care for the truth. */
static void crowd_moves_at_random(void)
{
    uint32_t parent = (uint32_t)(random_below(&p.seed, 3) == 0 ? p.game.count - 1
                                                              : random_below(&p.seed, p.game.count));
    bool leaf = position_depth(p.claims[parent].position) == p.params.max_depth;
    enum move_kind kind = leaf ? MOVE_STEP_ATTACK : MOVE_ATTACK;
    struct position at = p.claims[parent].position;
    struct hash value = p.root;
    struct move move;

    if (random_below(&p.seed, 2) == 0)
        kind = leaf ? MOVE_STEP_DEFEND : MOVE_DEFEND;
    if (!leaf)
        value = random_value(kind == MOVE_DEFEND && parent > 0 ? position_defend(at) : position_attack(at));
    move = move_of(&p.game, kind, parent, &value, 1 + (unsigned)random_below(&p.seed, CROWD));
    if (random_below(&p.seed, 40) == 0)
        move.bond++;
    (void)play(&move, NULL);
}

/* A liar who plays by a trace of his own, or a copycat who makes the honest party's moves before it does. */
static void crowd_moves_by_plan(struct machine *machine)
{
    uint32_t count = find_moves(machine, 1 + (unsigned)random_below(&p.seed, CROWD), p.again);

    if (count > 0)
        (void)play(&p.again[random_below(&p.seed, count)], NULL);
}

static void crowd_moves(void)
{
    for (uint64_t i = random_below(&p.seed, 8); i > 0 && p.game.count < CLAIMS / 4; i--) {
        uint64_t how = random_below(&p.seed, 8);

        if (how < 3)
            crowd_moves_by_plan(how == 0 ? &p.truth : &p.lie);
        else
            crowd_moves_at_random();
    }
}

/* When somebody acts next: often at somebody's last µs, or one before or after it. */
static int64_t next_time(void)
{
    int64_t deadline_us;

    if (random_below(&p.seed, p.pace) != 0)
        return p.now_us + (random_below(&p.seed, 8) == 0);
    switch (random_below(&p.seed, 3)) {
    case 0:
        return p.now_us + (int64_t)random_below(&p.seed, (uint64_t)p.params.max_clock_us / 8 + 1);
    default:
        deadline_us = game_deadline_us(&p.game, (uint32_t)random_below(&p.seed, p.game.count)) - 2 +
                      (int64_t)random_below(&p.seed, 4);
        return deadline_us > p.now_us ? deadline_us : p.now_us;
    }
}

/* Moves time on, but never past the honest party's last µs; then the honest party plays all, some, or, while
 * it can wait, none of its moves. */
static void honest_party_moves(bool all)
{
    uint32_t count = find_moves(&p.truth, HONEST, p.moves);
    int64_t limit_us = INT64_MAX, next_us = next_time();
    struct error error = { .message = "" };

    for (uint32_t i = 0; i < count; i++) {
        int64_t last_us = game_deadline_us(&p.game, p.moves[i].parent) - 1;

        limit_us = last_us < limit_us ? last_us : limit_us;
    }
    assert_true(limit_us >= p.now_us);
    p.now_us = next_us < limit_us ? next_us : limit_us;
    assert_int_equal(find_moves(&p.truth, HONEST, p.moves), count); /* none was lost by waiting */
    assert_restart_finds_the_same(count);
    if (!all && p.now_us < limit_us && random_below(&p.seed, 2) == 0)
        return;
    for (uint32_t i = 0; i < count; i++) {
        bool due = p.now_us == game_deadline_us(&p.game, p.moves[i].parent) - 1;

        if (all || due || random_below(&p.seed, 4) != 0)
            assert_status(play(&p.moves[i], &error), OK);
    }
}

static void begin_random(uint64_t seed)
{
    unsigned depth = 1 + (unsigned)random_below(&seed, 6);
    int64_t clock_us = 2 + (int64_t)random_below(&seed, random_below(&seed, 2) == 0 ? 30 : 100000);
    int64_t extension_us = 1 + (int64_t)random_below(&seed, (uint64_t)clock_us / 2);
    struct hash root;

    p.truth = (struct machine){ .seed = random_below(&seed, UINT64_MAX), .depth = depth,
                                .states = 2 + (unsigned)random_below(&seed, 5) };
    p.lie = p.truth;
    p.lie.lying = true;
    p.lie.wrong_from = random_below(&seed, 1u << depth);
    p.params = (struct game_params){
        .max_depth = depth, .split_depth = (unsigned)random_below(&seed, depth), .max_clock_us = clock_us,
        .extension_us = extension_us,
        .step_extension_us = (int64_t)random_below(&seed, (uint64_t)(clock_us - extension_us + 1)),
        .air_gap_us = (int64_t)random_below(&seed, 100), .payout_delay_us = (int64_t)random_below(&seed, 100),
        .bond_base = 1 + random_below(&seed, 1000),
        .bond_numerator = 10 + (uint32_t)random_below(&seed, 5), .bond_denominator = 10,
        .burn_ppm = (uint32_t)random_below(&seed, GAME_PPM + 1),
    };
    p.pace = 1 + random_below(&seed, 30);
    p.seed = seed;
    switch (random_below(&p.seed, 3)) {
    case 0:
        root = machine_truth(&p.truth, (1u << depth) - 1);
        begin(&root, HONEST);
        break;
    case 1:
        root = random_value(POSITION_ROOT);
        begin(&root, 1);
        break;
    default:
        root = machine_truth(&p.lie, (1u << depth) - 1);
        begin(&root, 2);
        break;
    }
}

static void honest_party_wins_every_random_game_and_is_paid(void **state)
{
    uint64_t seed = random_seed("honest_party_wins_every_random_game_and_is_paid");
    unsigned claims = 0, honest = 0, expired = 0, duplicates = 0, confirming = 0, defeated = 0;

    (void)state;
    for (unsigned round = 0; round < 3000; round++) {
        struct hash truth;

        begin_random(seed + round * 2);
        for (unsigned turn = 0; turn < 60; turn++) {
            honest_party_moves(false);
            crowd_moves();
            if (random_below(&p.seed, 6) == 0)
                (void)game_resolve_ready(&p.game, p.now_us);
        }
        honest_party_moves(true);
        truth = machine_truth(&p.truth, (1u << p.params.max_depth) - 1);
        finish(hash_equal(&p.root, &truth) ? GAME_DEFENDED : GAME_DEFEATED);
        assert_verdict_is_the_second_accounts();
        assert_honest_party_is_paid(random_below(&p.seed, 5) == 0 ? GAME_REFUND : GAME_NORMAL);
        assert_replay_is_the_same();

        defeated += p.game.status == GAME_DEFEATED;
        claims += p.game.count;
        for (uint32_t i = 0; i < p.game.count; i++)
            honest += is_of(&p.claims[i].claimant, HONEST);
        for (size_t i = 0; i < p.journal_count; i++) {
            expired += p.journal[i].status == ERROR_CLOCK_EXPIRED;
            duplicates += p.journal[i].status == ERROR_DUPLICATE_CLAIM;
            confirming += p.journal[i].status == ERROR_STEP_CONFIRMS;
        }
    }
    print_message("%u claims, %u of the honest party; %u roots defeated; refused: %u late, %u duplicates, %u "
                  "steps\n", claims, honest, defeated, expired, duplicates, confirming);
}

int honest_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(right_root_is_left_alone_and_a_wrong_one_attacked),
        cmocka_unit_test(whatever_counters_a_right_root_is_countered_by_what_is_right_of_it),
        cmocka_unit_test(freeloaders_left_and_beside_are_countered_those_to_the_right_are_not),
        cmocka_unit_test(right_answer_counts_whoever_made_it),
        cmocka_unit_test(own_mistake_is_countered_like_any_other),
        cmocka_unit_test(leaves_are_stepped_against_once),
        cmocka_unit_test(no_moves_are_found_too_late_or_in_a_game_that_is_over),
        cmocka_unit_test(trace_that_cannot_be_told_is_passed_on),
        cmocka_unit_test(dispute_of_two_takes_at_most_twice_the_depth_and_four_moves),
        cmocka_unit_test(honest_party_wins_every_game_of_depth_2),
        cmocka_unit_test(honest_party_wins_every_random_game_and_is_paid),
    };

    return cmocka_run_group_tests_name("the honest party", tests, NULL, NULL);
}
