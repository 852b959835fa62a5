/* Random histories of two rollups with people who cheat: P1 … P11, P17 and P18 of research/rollups.md, 6.10.
 *
 *     LAYERD_SEED=N        one history, again
 *     LAYERD_HISTORIES=N   so many of each kind, instead of a few */
#include "history.h"
#include "../sanitized.h"

#include "crypto/hash.h"

#define HISTORIES (SANITIZED ? 2 : 3) /* of each kind */
#define STEPS 100
#define FIXED_SEED 600 /* of histories whose ends are written down here */
#define FIXED_HISTORIES 8
#define FIXED_HASH "72d7dc34660cd871c6c8ae9ead1a2cace8733f749293103e8220dac831c758ba"
#define OUTAGE_STEP_US (60 * SECOND) /* CHAIN_TIME_STEP_MAX_US: no block moves chain time by more */
#define DUEL_MOST 12
#define ENDING_MOST 60 /* pieces of time until everything is over */

static uint64_t first_seed(void)
{
    const char *given = getenv("LAYERD_SEED");

    return given != NULL ? strtoull(given, NULL, 10) : (uint64_t)clock_wall_us();
}

static unsigned histories(void)
{
    const char *given = getenv("LAYERD_HISTORIES");

    if (getenv("LAYERD_SEED") != NULL)
        return 1;
    return given != NULL ? (unsigned)strtoul(given, NULL, 10) : HISTORIES;
}

/* --- one step ------------------------------------------------------------------------------------ */
/* The wall clock goes on for hours, the ledger does not: no window may shrink by more than a block's step. */
static void outage(struct history *h)
{
    int64_t before_us;

    history_look(h);
    before_us = h->now_us;
    fixture_advance(&h->f, (int64_t)(1 + roll(h, 48)) * 3600 * SECOND);
    history_look(h);
    if (h->now_us - before_us > OUTAGE_STEP_US)
        fail_msg("an outage took %" PRId64 " µs of all windows", h->now_us - before_us);
    h->counts->outages++;
}

/* A game, move by move, down to its last step. */
static void duel(struct history *h)
{
    for (unsigned i = 0; i < DUEL_MOST; i++) {
        unsigned before = h->counts->moves;

        liar_acts(h);
        if (h->restart_always) {
            history_restart(h);
            history_look(h);
            if (h->honest == HONEST_NODE)
                history_advance(h, 2 * SECOND + 1);
        }
        honest_acts(h);
        if (h->counts->moves == before)
            break;
        history_check(h);
    }
}

static void let_time_pass(struct history *h)
{
    static const int64_t pieces[] = { 1, SECOND, 3 * SECOND, 9 * SECOND, PACE_US };

    history_pass(h, pieces[roll(h, COUNT_OF(pieces))]);
}

static void act(struct history *h)
{
    switch (roll(h, 24)) {
    case 0: case 1: case 2: case 3:
        users_act(h);
        break;
    case 4: case 5: case 6: case 7:
        proposer_acts(h);
        break;
    case 8: case 9:
        attacker_acts(h);
        break;
    case 10: case 11: case 17:
        liar_acts(h);
        break;
    case 18: case 19: case 20:
        duel(h);
        break;
    case 12:
        claimer_acts(h);
        break;
    case 13:
        last_moment_acts(h);
        break;
    case 14:
        if (one_in(h, 2))
            somebody_escapes(h);
        else
            somebody_exits(h);
        break;
    case 15:
        trickster_acts(h);
        break;
    case 16:
        if (one_in(h, 4))
            outage(h);
        else
            history_pass(h, PACE_US * 3);
        break;
    default:
        let_time_pass(h);
        break;
    }
}

static void step(struct history *h)
{
    act(h);
    h->counts->steps++;
    if (h->restart_always || one_in(h, 12)) {
        if (one_in(h, 3))
            history_crash(h);
        else
            history_restart(h);
        history_look(h);
        if (h->honest == HONEST_NODE)
            history_advance(h, 2 * SECOND + 1); /* what nobody asks for any more, a sweep finds */
    }
    honest_acts(h);
    history_check(h);
}

/* --- the end ------------------------------------------------------------------------------------- */
static bool all_over(struct history *h)
{
    return ask(h, "SELECT (SELECT count(*) FROM game WHERE paid < claims) + (SELECT count(*) FROM batch"
                  " WHERE state < 3)") == 0;
}

static void wind_up(struct history *h)
{
    for (unsigned i = 0; i < ENDING_MOST && !all_over(h); i++) {
        history_pass(h, PACE_US);
        history_check(h);
    }
    assert_true(all_over(h));
    assert_int_equal(ask(h, "SELECT count(*) FROM inbox WHERE state = 'included'"), 0);
}

/* Nobody makes batches any more: whoever waits frees everybody. */
static void abandon(struct history *h, struct side *side)
{
    if (side->operator_ == NULL) {
        struct reply reply = fixture_call(&h->f, "rollup.sequencer",
                                          fixture_json("{'domain':%" PRIu64 ",'enabled':false}",
                                                       side->domain));

        assert_int_equal(reply.status, OK);
        reply_close(&reply);
    }
    if (!side->rollup.frozen)
        fixture_run(&h->f, "ben", "rollup.deposit", "{'domain':%" PRIu64 ",'asset':'GOLD','amount':77}",
                    side->domain);
    for (int64_t passed = 0; passed <= ESCAPE_US; passed += 3 * PACE_US) {
        history_pass(h, 3 * PACE_US);
        history_check(h);
    }
    if (!side->rollup.frozen) {
        fixture_run(&h->f, "fred", "rollup.escape", "{'domain':%" PRIu64 "}", side->domain);
        h->counts->escapes++;
    }
    honest_acts(h);
    history_check(h);
    assert_int_equal(ask(h, "SELECT count(*) FROM inbox WHERE domain = %" PRIu64 " AND state IN ('queued',"
                            " 'included')", side->domain), 0);
    exit_all(h, side);
    history_check(h);
}

static void note_fallen(struct history *h)
{
    h->counts->rejected += (unsigned)ask(h, "SELECT count(*) FROM batch WHERE state = 4");
    h->counts->parent_rejected += (unsigned)ask(h, "SELECT count(*) FROM batch WHERE state = 5");
    h->counts->judged += (unsigned)ask(h, "SELECT count(*) FROM step");
    h->counts->frauds += (unsigned)ask(h, "SELECT count(*) FROM fraud");
}

/* The last block and both rollups' states, in one hash. */
static struct hash end_of(struct history *h)
{
    char *block AUTO_FREE = ask_text(h, "SELECT lower(hex(hash)) FROM block ORDER BY height DESC LIMIT 1");
    struct tagged_hash hash;
    struct hash out;

    tagged_hash_begin(&hash, "test/end");
    tagged_hash_add(&hash, block, strlen(block));
    for (size_t i = 0; i < SIDES; i++) {
        struct hash root;

        rollup_state_root(h->sides[i].state, &root);
        tagged_hash_add(&hash, root.bytes, sizeof(root.bytes));
    }
    tagged_hash_end(&hash, &out);
    return out;
}

static void run_history(uint64_t seed, enum honest_party honest, bool restart_always, unsigned steps,
                        struct counts *counts, struct hash *end)
{
    struct history *h = memory_new(sizeof(*h));

    print_message("LAYERD_SEED=%" PRIu64 "\n", seed);
    history_begin(h, seed, honest, counts);
    h->restart_always = restart_always;
    for (size_t i = 0; i < SIDES * USERS; i++)
        fixture_run(&h->f, users[i / SIDES], "rollup.deposit", "{'domain':%zu,'asset':'GOLD','amount':5000}",
                    1 + i % SIDES);
    for (unsigned i = 0; i < steps; i++)
        step(h);
    if (one_in(h, 2)) {
        wind_up(h);
        if (!h->sides[0].rollup.frozen)
            proposer_proposes(h, &h->sides[0], LIE_NONE);
    } else {
        abandon(h, &h->sides[roll(h, SIDES)]);
    }
    wind_up(h);
    claim_all(h);
    note_fallen(h);
    history_check(h);
    if (honest == HONEST_NODE)
        compare_with_fresh_run(h);
    if (end != NULL)
        *end = end_of(h);
    history_end(h);
    memory_free_pointer(&h);
}

/* --- the tests ----------------------------------------------------------------------------------- */
static void tell(const struct counts *c)
{
    print_message("%u steps, %u batches (%u final, %u rejected, %u with a parent), lies", c->steps,
                  c->batches, c->final, c->rejected, c->parent_rejected);
    for (int i = 1; i < LIES; i++)
        print_message(" %u", c->lies[i]);
    print_message("; games: %u defended, %u defeated, %u void; %u moves, %u refused, %u steps, %u frauds, %u"
                  " freeloaders, %u duplicates, %u at the last moment, %u too late; %u forced, %u forced"
                  " exits, %u null; %u claims, %u again; %u escapes, %u exits, %u again; %u tricks,"
                  " %u restarts, %u crashes,"
                  " %u outages\n", c->defended, c->defeated, c->voided, c->moves, c->refused_moves, c->judged,
                  c->frauds, c->freeloaders, c->duplicates, c->last_moment, c->late_refused, c->forced,
                  c->exit_forced, c->nulls, c->claims, c->claims_again, c->escapes, c->exits, c->exits_again,
                  c->negatives, c->restarts, c->crashes, c->outages);
}

static void honest_people_win_whatever_others_do(void **state)
{
    struct counts counts = { .steps = 0 };
    uint64_t seed = first_seed();

    (void)state;
    for (unsigned i = 0; i < histories(); i++)
        run_history(seed + i, HONEST_NODE, false, STEPS, &counts, NULL);
    tell(&counts);
    assert_true(counts.batches > 0 && counts.defended + counts.defeated + counts.voided > 0);
}

/* Killed, or stopped, at every single move. */
static void the_same_when_the_node_starts_anew_at_every_step(void **state)
{
    struct counts counts = { .steps = 0 };
    uint64_t seed = first_seed();

    (void)state;
    for (unsigned i = 0; i < (histories() + 1) / 2; i++)
        run_history(seed + i, HONEST_NODE, true, STEPS / 2, &counts, NULL);
    tell(&counts);
    assert_true(counts.restarts > counts.steps / 4 && counts.crashes > 0);
}

/* The honest party, too, is moved by the test: whatever happens follows from the seed. */
static void the_same_by_hand(void **state)
{
    struct counts counts = { .steps = 0 };
    uint64_t seed = first_seed();

    (void)state;
    for (unsigned i = 0; i < histories(); i++)
        run_history(seed + i, HONEST_HAND, false, STEPS, &counts, NULL);
    tell(&counts);
}

/* Nothing of what is counted may be missing: histories in which nothing happens show nothing. */
static void all_happened(const struct counts *counts)
{
    const unsigned *each = (const unsigned *)counts;

    for (size_t i = 0; i < sizeof(*counts) / sizeof(*each); i++) {
        if (each[i] == 0)
            fail_msg("of what is counted, number %zu never happened", i);
    }
}

/* The tables of accounts are in another order in each run, for their hashes have a key of the moment. */
static void one_seed_gives_the_same_blocks_and_roots_in_every_build(void **state)
{
    struct counts counts = { .steps = 0 };
    struct tagged_hash all;
    struct hash end;
    char hex[65];

    (void)state;
    tagged_hash_begin(&all, "test/all");
    for (unsigned i = 0; i < FIXED_HISTORIES; i++) {
        run_history(FIXED_SEED + i, HONEST_HAND, false, STEPS, &counts, &end);
        tagged_hash_add(&all, end.bytes, sizeof(end.bytes));
    }
    tagged_hash_end(&all, &end);
    tell(&counts);
    all_happened(&counts);
    hex_of(hex, &end);
    assert_string_equal(hex, FIXED_HASH);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(honest_people_win_whatever_others_do),
        cmocka_unit_test(the_same_when_the_node_starts_anew_at_every_step),
        cmocka_unit_test(the_same_by_hand),
        cmocka_unit_test(one_seed_gives_the_same_blocks_and_roots_in_every_build),
    };

    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests_name("random histories of rollups", tests, NULL, NULL);
}
