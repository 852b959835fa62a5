/* Every application by one kit of random play. Beside the ledger: lawful steps are taken, and changed ones
 * exactly when the kit calls them lawful too. On the ledger: a tree of states with forks, of which people
 * bring what they like, when they like, with all signatures, the fewest, or one too few; old states, states
 * that do not follow, early ends. A model of a few lines says what the ledger must answer and pay. Audit
 * after each step, restarts in between; at the end a replay gives the same blocks. */
#include "kit.h"
#include "../sanitized.h"

#include <inttypes.h>

#define GAMES 60    /* of an application, beside the ledger */
#define CHANGES 6   /* of each step */
#define DISPUTES 6  /* of an application, on the ledger */
#define ACTIONS 24  /* in each */
#define PERIOD 10   /* minutes; as party_support's describe has it */
#define LIMIT 30

static int setup(void **state)
{
    struct game *g = memory_new(sizeof(*g));

    party_begin(&g->p);
    *state = g;
    return 0;
}

static int teardown(void **state)
{
    struct game *g = *state;

    fixture_audit(&g->p.f);
    fixture_replay(&g->p.f);
    fixture_stop(&g->p.f);
    memory_free_pointer(state);
    return 0;
}

static void kit_has_every_application_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < kit_count || application_at(i) != NULL; i++) {
        assert_true(i < kit_count && application_at(i) != NULL);
        assert_ptr_equal(application_at(i), kits[i].application);
    }
}

/* --- beside the ledger ------------------------------------------------------------------------ */
static void change(struct game *g, const struct kit_state *from, struct kit_state *s, size_t *mover)
{
    struct channel_state *state = &s->state;
    size_t i = random_below(&g->seed, state->allocation_count);

    switch (random_below(&g->seed, 9)) {
    case 0: s->all[i].amount++; break;
    case 1:
        if (from->all[i].amount > 0) /* a bit less than before */
            s->all[i].amount = from->all[i].amount - 1;
        break;
    case 2:
        if (s->all[i].amount > 0) {
            s->all[i].amount--;
            s->all[random_below(&g->seed, g->kit->participants)].amount++;
        }
        break;
    case 3:
        if (state->data.size > 0)
            s->data[random_below(&g->seed, state->data.size)] ^= (uint8_t)(1u << random_below(&g->seed, 8));
        break;
    case 4: state->data.size -= state->data.size > 0; break;
    case 5: s->data[state->data.size++] = 1; break;
    case 6: s->all[i].account = g->p.fixed.participants[random_below(&g->seed, g->kit->participants)]; break;
    case 7:
        if (state->allocation_count > 1)
            state->allocation_count--;
        break;
    default: *mover = random_below(&g->seed, g->kit->participants);
    }
}

static enum status step_check(const struct game *g, const struct kit_state *from, const struct kit_state *to,
                              size_t mover, struct error *error)
{
    return g->kit->application->next_ok(&g->p.fixed, &from->state, &to->state, mover, error);
}

static void change_and_check(struct game *g, const struct kit_state *from, const struct kit_state *to,
                             size_t counts[2])
{
    size_t mover = to->mover;
    struct kit_state changed;
    struct error error = { .message = "" };
    bool lawful, taken;

    kit_copy(&changed, to);
    change(g, from, &changed, &mover);
    lawful = g->kit->lawful(g, from, &changed, mover);
    taken = step_check(g, from, &changed, mover, &error) == OK;
    counts[taken]++;
    if (taken != lawful && (taken || g->kit->is_exact))
        fail_msg("%s: turn %" PRIu64 " %s", g->kit->application->name, to->state.turn,
                 taken ? "is taken and is not lawful" : error.message);
}

static void play(struct game *g, const struct kit *kit)
{
    size_t counts[2] = { 0, 0 };
    struct error error = { .message = "" };

    for (uint64_t game = 0; game < GAMES; game++) {
        game_begin(g, kit, game);
        for (int step = 0; step < KIT_STATES; step++) {
            size_t from = 1 + random_below(&g->seed, g->count - 1);
            const struct kit_state *to = &g->states[g->count];

            if (!game_grow(g, from))
                continue;
            assert_true(kit->lawful(g, &g->states[from], to, to->mover));
            assert_status(step_check(g, &g->states[from], to, to->mover, &error), OK);
            for (int i = 0; i < CHANGES; i++)
                change_and_check(g, &g->states[from], to, counts);
        }
    }
    print_message("%s: %zu changed steps taken, %zu refused\n", kit->application->name, counts[1], counts[0]);
    assert_true(counts[1] > 50 && (counts[0] > 500 || kit->application == &application_consensus));
}

static void only_lawful_steps_follow_in_any_application(void **state)
{
    struct game *g = *state;

    g->seed = random_seed("only_lawful_steps_follow_in_any_application");
    for (size_t i = 0; i < kit_count; i++)
        play(g, &kits[i]);
}

/* --- on the ledger ---------------------------------------------------------------------------- */
/* What the ledger must say: the whole of its rules, for channels without arbiters and penalties. */
struct model {
    bool has_state, is_challenged, has_ended;
    uint64_t turn;
    struct kit_state on_record;
    int64_t now, first, finalizes; /* minutes */
    bool revealed[KIT_NUMBERS];
};

static struct hash hash_of(const struct game *g, const struct kit_state *s)
{
    struct hash hash;

    channel_state_hash(&g->p.id, &s->state, &hash);
    return hash;
}

static json_t *signed_json(struct game *g, const struct kit_state *s, uint32_t signers)
{
    struct buffer bytes CLEANUP(buffer_close) = { 0 };
    struct hash hash = hash_of(g, s);
    json_t *list = json_array();

    channel_state_encode(&s->state, &bytes);
    for (size_t i = 0; i < g->kit->participants; i++) {
        if ((signers >> i & 1) != 0)
            json_array_append_new(list, json_pack("{s:s, s:o}", "key",
                                                  fixture_address(&g->p.f, kit_people[i]), "signature",
                                                  signature_of(&g->p, kit_people[i], &hash)));
    }
    if (signers == 0)
        json_release(&list);
    return json_pack("{s:o, s:o*}", "state", hex_json(bytes.data, bytes.size), "signatures", list);
}

static json_t *states_json(struct game *g, const struct support *support, const struct kit_state *last)
{
    json_t *list = json_array();

    for (size_t i = 0; i < support->count; i++)
        json_array_append_new(list, signed_json(g, i + 1 == support->count ? last
                                                       : &g->states[support->states[i]],
                                                support->signers[i]));
    return list;
}

static void one_too_few(struct game *g, struct support *support)
{
    size_t which = random_below(&g->seed, support->count);
    uint32_t drop;

    do {
        drop = 1u << random_below(&g->seed, g->kit->participants);
    } while ((support->signers[which] & drop) == 0);
    support->signers[which] -= drop;
}

/* All signatures; or the fewest, where there is such a thing; or of either of them one too few. */
static bool choose_support(struct game *g, size_t index, struct support *support)
{
    struct support least;

    *support = (struct support){ 1, { index }, { application_everyone(&g->p.fixed) } };
    if (g->kit->least != NULL && g->kit->least(g, index, &least) && random_below(&g->seed, 3) > 0)
        *support = least;
    if (random_below(&g->seed, 4) > 0)
        return true;
    one_too_few(g, support);
    return false;
}

static enum status bring(struct game *g, const char *method, size_t challenger, const struct support *support,
                         const struct kit_state *last)
{
    json_t *params = json_pack("{s:s, s:o}", "channel", g->p.hex, "states", states_json(g, support, last));

    if (strcmp(method, "channel.challenge") == 0) {
        struct hash hash = hash_of(g, last), challenge;

        channel_challenge_hash(&g->p.id, &hash, &challenge);
        json_object_set_new(params, "challenger",
                            json_string(fixture_address(&g->p.f, kit_people[challenger])));
        json_object_set_new(params, "signature", signature_of(&g->p, kit_people[challenger], &challenge));
    }
    return fixture_try(&g->p.f, "dave", method, params, NULL);
}

static void recorded(struct model *m, const struct kit_state *s)
{
    m->has_state = true;
    if (s->state.turn > m->turn)
        m->turn = s->state.turn;
    kit_copy(&m->on_record, s);
}

static bool is_on_record(const struct game *g, const struct model *m, const struct kit_state *s)
{
    struct hash here = hash_of(g, s), there = hash_of(g, &m->on_record);

    return m->has_state && s->state.turn == m->turn && hash_equal(&here, &there);
}

static void challenge(struct game *g, struct model *m)
{
    size_t index = random_below(&g->seed, g->count);
    const struct kit_state *s = &g->states[index];
    struct support support;
    bool good = choose_support(g, index, &support);

    if (m->has_state && s->state.turn == m->turn)
        good = is_on_record(g, m, s);
    good = good && !m->has_ended && (m->is_challenged ? s->state.turn > m->turn : s->state.turn >= m->turn);
    assert_int_equal(bring(g, "channel.challenge", random_below(&g->seed, g->kit->participants), &support, s)
                         == OK, good);
    if (!good)
        return;
    recorded(m, s);
    m->first = m->is_challenged ? m->first : m->now;
    m->is_challenged = true;
    m->finalizes = m->now + PERIOD < m->first + LIMIT ? m->now + PERIOD : m->first + LIMIT;
}

static void checkpoint(struct game *g, struct model *m)
{
    size_t index = random_below(&g->seed, g->count);
    const struct kit_state *s = &g->states[index];
    struct support support;
    bool good = choose_support(g, index, &support) && !m->has_ended && s->state.turn > m->turn;

    assert_int_equal(bring(g, "channel.checkpoint", 0, &support, s) == OK, good);
    if (!good)
        return;
    recorded(m, s);
    m->is_challenged = false;
}

/* Signed by as few as may be, but nobody's rules let it follow; or a step that follows, signed by one less:
 * neither ever counts. */
static void cheat(struct game *g, const struct model *m)
{
    size_t index = 1 + random_below(&g->seed, g->count - 1), mover;
    struct support support;
    struct kit_state changed;
    struct error error;
    bool is_enough;

    if (g->kit->least == NULL || !g->kit->least(g, index, &support))
        return;
    kit_copy(&changed, &g->states[index]);
    mover = changed.mover;
    is_enough = random_below(&g->seed, 2) == 0;
    if (is_enough)
        change(g, &g->states[changed.before], &changed, &mover);
    else
        one_too_few(g, &support);
    if (is_on_record(g, m, &changed) || channel_state_check(&g->p.fixed, &changed.state, &error) != OK ||
        (is_enough && g->kit->lawful(g, &g->states[changed.before], &changed, changed.mover)))
        return;
    if (bring(g, "channel.challenge", 0, &support, &changed) == OK ||
        bring(g, "channel.checkpoint", 0, &support, &changed) == OK)
        fail_msg("%s: turn %" PRIu64 " counts", g->kit->application->name, changed.state.turn);
}

static void conclude(struct game *g, struct model *m)
{
    struct kit_state last;
    uint32_t all = application_everyone(&g->p.fixed), signers = all;
    bool is_final = random_below(&g->seed, 4) > 0, good;
    json_t *params;

    kit_copy(&last, &g->states[random_below(&g->seed, g->count)]);
    last.state.turn++;
    last.state.final = is_final;
    if (random_below(&g->seed, 3) > 0)
        signers &= ~(1u << random_below(&g->seed, g->kit->participants));
    good = is_final && signers == all && !m->has_ended;
    params = signed_json(g, &last, signers);
    json_object_set_new(params, "channel", json_string(g->p.hex));
    assert_int_equal(fixture_try(&g->p.f, "dave", "channel.conclude", params, NULL) == OK, good);
    if (!good)
        return;
    recorded(m, &last);
    m->is_challenged = false;
    m->has_ended = true;
}

static void pass_time(struct game *g, struct model *m, int64_t minutes)
{
    advance(&g->p, minutes * MINUTE);
    m->now += minutes;
    if (m->is_challenged && m->now >= m->finalizes) {
        m->has_ended = true;
        m->is_challenged = false;
    }
}

static void reveal(struct game *g, struct model *m)
{
    struct hash preimage;
    char hex[65];
    uint64_t number;

    if (g->number == 0)
        return;
    number = 1 + random_below(&g->seed, g->number);
    preimage = kit_preimage(g, number);
    hex_text(hex, preimage.bytes, sizeof(preimage.bytes));
    fixture_run(&g->p.f, "dave", "channel.reveal", "{'preimage':'%s'}", hex);
    m->revealed[number] = true;
}

/* --- what the ledger says, and pays ----------------------------------------------------------- */
static void compare(struct game *g, const struct model *m)
{
    assert_int_equal(number(&g->p, "SELECT turn_record FROM channel WHERE id = x'$'"), m->turn);
    assert_int_equal(number(&g->p, "SELECT outcome IS NOT NULL FROM channel WHERE id = x'$'"), m->has_ended);
    assert_int_equal(number(&g->p, "SELECT finalizes_us IS NOT NULL FROM channel WHERE id = x'$'"),
                     m->has_ended || m->is_challenged);
    fixture_audit(&g->p.f);
}

static int64_t gold(struct game *g, const char *who)
{
    char sql[200], hex[65];

    hex_text(hex, fixture_key(&g->p.f, who)->account.bytes, 32);
    snprintf(sql, sizeof(sql), "SELECT coalesce(sum(amount), 0) FROM balance WHERE account = x'%s'", hex);
    return fixture_sql(&g->p.f, sql);
}

static int64_t due_to(const struct game *g, const struct model *m, size_t participant)
{
    const struct kit_state *s = &m->on_record;
    int64_t sum = 0;

    for (size_t i = 0; i < s->state.allocation_count; i++) {
        const struct allocation *a = &s->all[i];
        bool is_back = a->kind == ALLOCATION_HASHLOCK && !m->revealed[a->expiry_us - g->expiry_us];

        if (account_equal(is_back ? &a->refund : &a->account, &g->p.fixed.participants[participant]))
            sum += (int64_t)a->amount;
    }
    return sum;
}

static void act(struct game *g, struct model *m)
{
    switch (random_below(&g->seed, 16)) {
    case 0:
    case 1:
    case 2: game_grow(g, g->count - 1); break;
    case 3: game_grow(g, 1 + random_below(&g->seed, g->count - 1)); break;
    case 4:
    case 5:
    case 6:
    case 7: challenge(g, m); break;
    case 8:
    case 9: checkpoint(g, m); break;
    case 10:
    case 11: cheat(g, m); break;
    case 12:
        if (random_below(&g->seed, 3) == 0)
            conclude(g, m);
        break;
    case 13: reveal(g, m); break;
    case 14: pass_time(g, m, 1 + (int64_t)random_below(&g->seed, 8)); break;
    default:
        if (random_below(&g->seed, 4) == 0)
            fixture_reopen(&g->p.f);
    }
}

static void open_on_ledger(struct game *g, int64_t *before)
{
    struct buffer fixed CLEANUP(buffer_close) = { 0 };

    channel_fixed_encode(&g->p.fixed, &fixed);
    assert_int_equal(fixture_try(&g->p.f, "dave", "channel.register",
                                 json_pack("{s:o}", "fixed", hex_json(fixed.data, fixed.size)), NULL), OK);
    for (size_t i = 0; i < g->kit->participants; i++) {
        before[i] = gold(g, kit_people[i]);
        if (g->states[0].all[i].amount > 0)
            deposit(&g->p, kit_people[i], (int)g->states[0].all[i].amount);
    }
}

static void bring_to_an_end(struct game *g, struct model *m)
{
    struct support all = { 1, { 0 }, { application_everyone(&g->p.fixed) } };

    if (!m->has_ended && !m->is_challenged) {
        if (!m->has_state)
            recorded(m, &g->states[1]);
        assert_int_equal(bring(g, "channel.challenge", 0, &all, &m->on_record), OK);
        m->is_challenged = true;
        m->finalizes = m->now + PERIOD;
    }
    if (!m->has_ended)
        pass_time(g, m, LIMIT);
    compare(g, m);
    pass_time(g, m, 600); /* hash-locks go back */
}

static void dispute(struct game *g, const struct kit *kit, uint64_t nonce)
{
    int64_t before[KIT_PEOPLE];
    struct model m = { .has_state = false };

    game_begin(g, kit, nonce);
    open_on_ledger(g, before);
    for (int i = 0; i < 6; i++) {
        game_grow(g, 1 + random_below(&g->seed, g->count - 1));
        cheat(g, &m);
    }
    for (int i = 0; i < ACTIONS; i++) {
        act(g, &m);
        compare(g, &m);
    }
    bring_to_an_end(g, &m);
    for (size_t i = 0; i < kit->participants; i++) {
        int64_t paid_in = (int64_t)g->states[0].all[i].amount, due = due_to(g, &m, i);
        int64_t got = gold(g, kit_people[i]) - before[i] + paid_in;

        if (got != due)
            fail_msg("%s: turn %" PRIu64 " gives %s %" PRId64 ", not %" PRId64, kit->application->name,
                     m.on_record.state.turn, kit_people[i], got, due);
    }
    assert_int_equal(number(&g->p, "SELECT coalesce(sum(amount), 0) FROM v_channel_holding"
                                   " WHERE channel = '$'"), 0);
    fixture_audit(&g->p.f);
}

static void ledger_ends_any_application_as_its_rules_say(void **state)
{
    struct game *g = *state;

    g->seed = random_seed("ledger_ends_any_application_as_its_rules_say");
    for (size_t i = 0; i < kit_count; i++)
        for (uint64_t nonce = 0; nonce < (SANITIZED ? 1 : DISPUTES); nonce++)
            dispute(g, &kits[i], nonce);
}

int kit_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kit_has_every_application_once),
        cmocka_unit_test_setup_teardown(only_lawful_steps_follow_in_any_application, setup, teardown),
        cmocka_unit_test_setup_teardown(ledger_ends_any_application_as_its_rules_say, setup, teardown),
    };

    return cmocka_run_group_tests_name("any application at random", tests, NULL, NULL);
}
