/* Channels funded by channels under test: see virtual_support.h. */
#include "virtual_support.h"

#include <time.h>

const char *const people[3] = { "alice", "ingrid", "bob" };

/* --- who is there ----------------------------------------------------------------------------- */
static int64_t gold(struct scene *s, const char *who)
{
    char sql[200], hex[65];

    hex_text(hex, fixture_key(&s->p.f, who)->account.bytes, 32);
    snprintf(sql, sizeof(sql), "SELECT sum(amount) FROM balance WHERE account = x'%s'", hex);
    return fixture_sql(&s->p.f, sql);
}

void begin(struct scene *s, const char *outside)
{
    char names[64] = "";

    fixture_start(&s->p.f, NETWORK_DEV, party_modules);
    s->outside = outside;
    for (size_t i = 0; i < 3; i++) {
        if (outside != NULL && strcmp(outside, people[i]) == 0)
            continue;
        snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s%s", names[0] == '\0' ? "" : " ",
                 people[i]);
    }
    fixture_keep_keys(&s->p.f, names);
    fixture_run(&s->p.f, "alice", "ledger.issue", "{'symbol':'GOLD','amount':1000000}");
    for (size_t i = 1; i < 3; i++)
        fixture_run(&s->p.f, "alice", "ledger.transfer", "{'to':'%s','asset':'GOLD','amount':100000}",
                    fixture_address(&s->p.f, people[i]));
    for (size_t i = 0; i < 3; i++)
        s->before[i] = gold(s, people[i]);
}

void gains(struct scene *s, int64_t alice, int64_t ingrid, int64_t bob)
{
    assert_int_equal(gold(s, "alice") - s->before[0], alice);
    assert_int_equal(gold(s, "ingrid") - s->before[1], ingrid);
    assert_int_equal(gold(s, "bob") - s->before[2], bob);
    assert_int_equal(fixture_sql(&s->p.f, "SELECT count(*) FROM v_channel_holding WHERE amount > 0"), 0);
}

/* --- steps ------------------------------------------------------------------------------------ */
void at(struct scene *s, const struct side *side)
{
    s->p.fixed = side->fixed;
    s->p.id = side->id;
    memcpy(s->p.hex, side->hex, sizeof(s->p.hex));
}

static void step(struct scene *s)
{
    if (s->restarts)
        fixture_reopen(&s->p.f);
}

void describe_side(struct scene *s, struct side *side, const char *first, const char *second,
                          const char *third, uint64_t nonce)
{
    struct place *p = &s->p;

    describe(p, first, second, nonce);
    if (third != NULL) {
        p->fixed.participants[2] = fixture_key(&p->f, third)->account;
        p->fixed.participant_count = 3;
        channel_id(&p->fixed, &p->id);
        hex_text(p->hex, p->id.bytes, sizeof(p->id.bytes));
    }
    side->fixed = p->fixed;
    side->id = p->id;
    memcpy(side->hex, p->hex, sizeof(side->hex));
}

json_t *shares(struct scene *s, const char *first, int amount, const char *second, int rest)
{
    return json_pack("[{s:s, s:i}, {s:s, s:i}]", "account", fixture_address(&s->p.f, first), "amount", amount,
                     "account", fixture_address(&s->p.f, second), "amount", rest);
}

json_t *with(json_t *entries, json_t *one_more)
{
    json_array_append_new(entries, one_more);
    return entries;
}

json_t *funding(const struct side *child, int amount)
{
    return json_pack("{s:s, s:i, s:s}", "kind", "channel", "amount", amount, "target", child->hex);
}

json_t *guarantee_for(struct scene *s, const struct side *target, int amount, const char *left,
                             const char *right)
{
    return json_pack("{s:s, s:i, s:s, s:s, s:s}", "kind", "guarantee", "amount", amount, "target",
                     target->hex, "left", fixture_address(&s->p.f, left), "right",
                     fixture_address(&s->p.f, right));
}

json_t *guarantee(struct scene *s, int amount, const char *left, const char *right)
{
    return guarantee_for(s, &s->through, amount, left, right);
}

/* Whoever keeps his key elsewhere signs what waits, over the command. */
static void sign_what_waits(struct scene *s)
{
    struct place *p = &s->p;
    char sql[200], *text;
    struct hash hash;

    if (s->outside == NULL || s->is_gone || number(p, STAGED) == 0 ||
        channel_participant(&p->fixed, &fixture_key(&p->f, s->outside)->account) < 0)
        return;
    step(s);
    snprintf(sql, sizeof(sql), "SELECT hex(staged_hash) FROM channel_local WHERE id = x'%s'", p->hex);
    text = fixture_sql_text(&p->f, sql);
    assert_true(hex_decode(hash.bytes, sizeof(hash.bytes), text, strlen(text)));
    free(text);
    assert_call(OK, p, "channel.sign",
                json_pack("{s:s, s:I, s:s, s:o}", "channel", p->hex, "turn",
                          (json_int_t)number(p, "SELECT next_turn FROM channel_local WHERE id = x'$'"),
                          "signer", fixture_address(&p->f, s->outside), "signature",
                          signature_of(p, s->outside, &hash)), NULL);
}

static void all_signed(struct scene *s)
{
    sign_what_waits(s);
    assert_int_equal(number(&s->p, STAGED), 0);
    step(s);
}

void open_side(struct scene *s, const struct side *side, const char *by, json_t *entries,
                      const struct side *first, const struct side *second)
{
    struct buffer fixed CLEANUP(buffer_close) = { 0 };
    json_t *parents = json_array(), *params;

    at(s, side);
    channel_fixed_encode(&side->fixed, &fixed);
    if (first != NULL)
        json_array_append_new(parents, json_pack("{s:s}", "channel", first->hex));
    if (second != NULL)
        json_array_append_new(parents, json_pack("{s:s}", "channel", second->hex));
    params = json_pack("{s:o, s:o, s:s}", "fixed", hex_json(fixed.data, fixed.size), "outcome", entries,
                       "signer", fixture_address(&s->p.f, by));
    if (json_array_size(parents) > 0)
        json_object_set(params, "parents", parents);
    json_release(&parents);
    assert_call(OK, &s->p, "channel.propose", params, NULL);
    all_signed(s);
}

void bring(struct scene *s, const struct side *side, const char *by, json_t *entries, bool final)
{
    at(s, side);
    assert_call(OK, &s->p, "channel.update",
                json_pack("{s:s, s:o, s:s, s:b}", "channel", side->hex, "outcome", entries, "signer",
                          fixture_address(&s->p.f, by), "final", final), NULL);
    all_signed(s);
}

void is_in(struct scene *s, const struct side *side, enum channel_phase expected)
{
    at(s, side);
    assert_string_equal(phase(&s->p), channel_phase_name(expected));
}

void comes_to(struct scene *s, const struct side *side, enum channel_phase expected)
{
    at(s, side);
    await(&s->p, PHASE, expected);
}

void run_on_ledger(struct scene *s, struct side *side, uint64_t nonce, const char *first, int amount,
                          const char *second, int rest)
{
    const char *by = s->outside != NULL && strcmp(s->outside, first) == 0 ? second : first;

    describe_side(s, side, first, second, NULL, nonce);
    open_side(s, side, by, shares(s, first, amount, second, rest), NULL, NULL);
    await(&s->p, "SELECT count(*) FROM channel WHERE id = x'$'", 1);
    deposit(&s->p, first, amount);
    step(s);
    deposit(&s->p, second, rest);
    step(s);
    is_in(s, side, PHASE_FUNDED);
    bring(s, side, by, shares(s, first, amount, second, rest), false);
    is_in(s, side, PHASE_RUNNING);
}

/* --- on the ledger ---------------------------------------------------------------------------- */
void come_to_rest(struct scene *s)
{
    const struct timespec nap = { .tv_nsec = 5000000 };

    for (int i = 1; i < 12000; i++) {
        if (fixture_sql(&s->p.f, "SELECT count(*) FROM effect WHERE state = 'waiting'") == 0)
            return;
        nanosleep(&nap, NULL);
        if (i % 40 == 0 && fixture_sql(&s->p.f, "SELECT count(*) FROM effect WHERE running = 1") == 0)
            fixture_advance(&s->p.f, MICROSECONDS_PER_SECOND);
    }
    fail_msg("an effect comes to no end");
}

void dispute(struct scene *s, const struct side *side, const char *by)
{
    at(s, side);
    assert_call(OK, &s->p, "channel.dispute",
                json_pack("{s:s, s:s}", "channel", side->hex, "signer", fixture_address(&s->p.f, by)), NULL);
    step(s);
    come_to_rest(s);
}

void dispute_both(struct scene *s)
{
    dispute(s, &s->left, "alice");
    advance(&s->p, 5 * MINUTE);
    dispute(s, &s->right, "bob");
}

void let_time_run(struct scene *s)
{
    for (int i = 0; i < 20; i++) {
        come_to_rest(s);
        if (fixture_sql(&s->p.f, "SELECT count(*) FROM channel WHERE finalizes_us IS NOT NULL"
                                 " AND outcome IS NULL") == 0)
            return;
        advance(&s->p, 4 * MINUTE);
        step(s);
    }
    fail_msg("the disputes come to no end");
}

int64_t events(struct scene *s, const char *type)
{
    char sql[200];

    snprintf(sql, sizeof(sql), "SELECT count(*) FROM event WHERE type = '%s'", type);
    return fixture_sql(&s->p.f, sql);
}

void register_by_stranger(struct scene *s, const struct side *side)
{
    struct buffer fixed CLEANUP(buffer_close) = { 0 };
    json_t *params;

    channel_fixed_encode(&side->fixed, &fixed);
    params = json_pack("{s:o}", "fixed", hex_json(fixed.data, fixed.size));
    assert_int_equal(fixture_try(&s->p.f, "dave", "channel.register", params, NULL), OK);
}

void conclude_by_stranger(struct scene *s, const struct side *side)
{
    struct place *p = &s->p;
    json_t *exported AUTO_JSON = NULL, *states, *one = NULL;
    json_t *item;
    size_t i;

    at(s, side);
    register_by_stranger(s, side);
    exported = fixture_query(&p->f, "channel.export", "{}");
    json_array_foreach (json_object_get(exported, "items"), i, item) {
        if (strcmp(json_string_value(json_object_get(item, "channel")), side->hex) == 0)
            one = item;
    }
    assert_non_null(one);
    states = json_object_get(one, "states");
    one = json_array_get(states, json_array_size(states) - 1);
    assert_int_equal(fixture_try(&p->f, "dave", "channel.conclude",
                                 json_pack("{s:s, s:O, s:O}", "channel", side->hex, "state",
                                           json_object_get(one, "state"), "signatures",
                                           json_object_get(one, "signatures")), NULL), OK);
}
