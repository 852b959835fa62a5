/* Random histories of valid and invalid commands against a model in plain C: the model says what each command
 * must answer and what everybody holds afterwards; the node must say the same, and every invariant must hold.
 * LAYERD_SEED repeats one. */
#include "test_ledger.h"
#include "../sanitized.h"

#define PEOPLE 6
#define ASSETS 5
#define ESCROWS_MAX 4096
#define NO_ISSUER (-1)

static const char *const people[PEOPLE] = { "ann", "ben", "cleo", "dan", "eve", "finn" };
static const char *const symbols[ASSETS] = { "DEV", "AA", "BB", "CC", "DD" };

struct model_asset {
    bool exists;
    int issuer; /* NO_ISSUER: the faucet */
    uint64_t supply, max_supply;
    uint64_t held[PEOPLE];
};

struct model_escrow {
    char id[65];
    int sender, recipient, asset;
    uint64_t amount, number;
    int64_t deadline_us;
    enum escrow_state state;
};

struct model {
    struct fixture *f;
    uint64_t random;
    int64_t now_us;
    struct model_asset assets[ASSETS];
    struct model_escrow escrows[ESCROWS_MAX];
    size_t escrow_count;
    uint64_t accepted, refused;
    json_t *last; /* the transaction accepted last */
};

static uint64_t below(struct model *m, uint64_t bound)
{
    return random_below(&m->random, bound);
}

/* Mostly small, sometimes all there is, sometimes the largest there can be. */
static uint64_t random_amount(struct model *m, uint64_t around)
{
    switch (below(m, 12)) {
    case 0:
        return INTEGER_MAX - below(m, 3);
    case 1:
        return around > 0 ? around : 1;
    case 2:
        return around + 1;
    default:
        return 1 + below(m, around / 4 + 20);
    }
}

/* Submits, and compares the answer with what the model expects. */
static json_t *expect(struct model *m, enum status expected, int who, const char *method, json_t *params)
{
    json_t *transaction = fixture_sign(m->f, people[who], method, params);
    struct reply reply = fixture_call(m->f, "transaction.submit", json_incref(transaction));
    json_t *result = NULL;

    if (reply.status != expected) {
        char *shown = json_dumps(json_object_get(transaction, "transaction"), 0);

        fail_msg("the model expects %s, the node says %s (%s) to %s", status_name(expected),
                 status_name(reply.status), reply.status == OK ? "" : reply.error.message, shown);
    }
    if (expected == OK) {
        m->accepted++;
        result = json_incref(json_object_get(reply.result, "result"));
        json_release(&m->last);
        m->last = json_incref(transaction);
    } else {
        m->refused++;
    }
    reply_close(&reply);
    json_release(&transaction);
    return result;
}

static void expect_done(struct model *m, enum status expected, int who, const char *method, json_t *params)
{
    json_t *result = expect(m, expected, who, method, params);

    json_release(&result);
}

static void step_issue(struct model *m)
{
    int who = (int)below(m, PEOPLE), asset = (int)below(m, ASSETS);
    struct model_asset *a = &m->assets[asset];
    uint64_t max_supply = 1 + below(m, 2) * 100000 + below(m, 1000), amount = below(m, 1000);
    enum status expected = a->exists ? ERROR_ASSET_EXISTS : amount > max_supply ? ERROR_SUPPLY_LIMIT : OK;

    expect_done(m, expected, who, "ledger.issue",
                fixture_json("{'symbol':'%s','amount':%" PRIu64 ",'max_supply':%" PRIu64 "}", symbols[asset],
                             amount, max_supply));
    if (expected == OK) {
        *a =
            (struct model_asset){ .exists = true, .issuer = who, .supply = amount, .max_supply = max_supply };
        a->held[who] = amount;
    }
}

static void step_mint(struct model *m)
{
    int who = (int)below(m, PEOPLE), to = (int)below(m, PEOPLE), asset = (int)below(m, ASSETS);
    struct model_asset *a = &m->assets[asset];
    uint64_t amount = random_amount(m, a->max_supply - a->supply);
    enum status expected = OK;

    if (a->exists && a->issuer != NO_ISSUER && below(m, 3) != 0)
        who = a->issuer;
    if (amount > INTEGER_MAX)
        amount = INTEGER_MAX;
    if (!a->exists)
        expected = ERROR_ASSET_NOT_FOUND;
    else if (a->issuer != who)
        expected = ERROR_NOT_THE_ISSUER;
    else if (amount > a->max_supply - a->supply)
        expected = ERROR_SUPPLY_LIMIT;
    expect_done(m, expected, who, "ledger.mint",
                fixture_json("{'asset':'%s','amount':%" PRIu64 ",'to':'%s'}", symbols[asset], amount,
                             fixture_address(m->f, people[to])));
    if (expected == OK) {
        a->supply += amount;
        a->held[to] += amount;
    }
}

static void step_burn(struct model *m)
{
    int who = (int)below(m, PEOPLE), asset = (int)below(m, ASSETS);
    struct model_asset *a = &m->assets[asset];
    uint64_t amount = random_amount(m, a->held[who]);
    enum status expected = !a->exists                ? ERROR_ASSET_NOT_FOUND
                           : amount > a->held[who] ? ERROR_INSUFFICIENT_BALANCE
                                                     : OK;

    expect_done(m, expected, who, "ledger.burn",
                fixture_json("{'asset':'%s','amount':%" PRIu64 "}", symbols[asset], amount));
    if (expected == OK) {
        a->supply -= amount;
        a->held[who] -= amount;
    }
}

static void pay(struct model *m, int who, uint64_t amount)
{
    enum status expected = amount > FAUCET_MAX ? ERROR_FAUCET_LIMIT : OK;

    expect_done(m, expected, who, "dev.faucet", fixture_json("{'amount':%" PRIu64 "}", amount));
    if (expected == OK) {
        m->assets[0].supply += amount;
        m->assets[0].held[who] += amount;
    }
}

static void step_faucet(struct model *m)
{
    pay(m, (int)below(m, PEOPLE), below(m, 10) == 0 ? FAUCET_MAX + 1 : 1 + below(m, 5000));
}

static enum status transfer_outcome(const struct model_asset *a, int from, int to, uint64_t amount)
{
    if (from == to)
        return ERROR_SAME_ACCOUNT;
    if (!a->exists)
        return ERROR_ASSET_NOT_FOUND;
    return amount > a->held[from] ? ERROR_INSUFFICIENT_BALANCE : OK;
}

static void step_transfer(struct model *m)
{
    int from = (int)below(m, PEOPLE), to = (int)below(m, PEOPLE), asset = (int)below(m, ASSETS);
    struct model_asset *a = &m->assets[asset];
    uint64_t amount = random_amount(m, a->held[from]);
    enum status expected = transfer_outcome(a, from, to, amount);
    json_t *result = expect(m, expected, from, "ledger.transfer",
                            fixture_json("{'to':'%s','asset':'%s','amount':%" PRIu64 "}",
                                         fixture_address(m->f, people[to]), symbols[asset], amount));

    if (expected == OK) {
        a->held[from] -= amount;
        a->held[to] += amount;
        assert_int_equal(json_integer_value(json_object_get(result, "balance")), a->held[from]);
    }
    json_release(&result);
}

static void step_batch(struct model *m)
{
    struct model_asset before[ASSETS];
    int from = (int)below(m, PEOPLE);
    enum status expected = OK;
    json_t *list = json_array();

    memcpy(before, m->assets, sizeof(before));
    for (uint64_t left = 1 + below(m, 6); left > 0; left--) {
        int to = (int)((uint64_t)from + 1 + below(m, PEOPLE - 1)) % PEOPLE, asset = (int)below(m, ASSETS);
        struct model_asset *a = &m->assets[asset];
        uint64_t amount = 1 + below(m, a->held[from] / 2 + 2);

        json_array_append_new(list, fixture_json("{'to':'%s','asset':'%s','amount':%" PRIu64 "}",
                                                 fixture_address(m->f, people[to]), symbols[asset], amount));
        if (expected == OK)
            expected = transfer_outcome(a, from, to, amount);
        if (expected == OK) {
            a->held[from] -= amount;
            a->held[to] += amount;
        }
    }
    if (expected != OK)
        memcpy(m->assets, before, sizeof(before));
    expect_done(m, expected, from, "ledger.transfer_batch", json_pack("{s:o}", "transfers", list));
}

static void step_lock(struct model *m)
{
    int from = (int)below(m, PEOPLE), to = (int)below(m, PEOPLE), asset = (int)below(m, ASSETS);
    struct model_asset *a = &m->assets[asset];
    uint64_t amount = random_amount(m, a->held[from] / 3), number = random_next(&m->random);
    int64_t deadline_us = m->now_us + (int64_t)below(m, 60) * SECOND;
    enum status expected = transfer_outcome(a, from, to, amount);
    struct model_escrow *e = &m->escrows[m->escrow_count];
    char preimage[65], hash[65];
    json_t *result;

    if ((expected == OK || expected == ERROR_INSUFFICIENT_BALANCE) && deadline_us <= m->now_us)
        expected = ERROR_DEADLINE_PASSED;
    preimage_of(number, preimage, hash);
    result = expect(
        m, expected, from, "ledger.lock",
        fixture_json("{'to':'%s','asset':'%s','amount':%" PRIu64 ",'hash':'%s','deadline':%" PRId64 "}",
                     fixture_address(m->f, people[to]), symbols[asset], amount, hash, deadline_us));
    if (expected == OK) {
        assert_true(m->escrow_count < ESCROWS_MAX);
        *e = (struct model_escrow){ .sender = from, .recipient = to, .asset = asset, .amount = amount,
                                    .number = number, .deadline_us = deadline_us, .state = ESCROW_LOCKED };
        snprintf(e->id, sizeof(e->id), "%s", json_string_value(json_object_get(result, "escrow")));
        m->escrow_count++;
        a->held[from] -= amount;
    }
    json_release(&result);
}

static enum status claim_outcome(const struct model_escrow *e, int who, bool right)
{
    if (who != e->recipient)
        return ERROR_NOT_THE_RECIPIENT;
    switch (e->state) {
    case ESCROW_LOCKED:
        return right ? OK : ERROR_WRONG_PREIMAGE;
    case ESCROW_CLAIMED:
        return ERROR_ESCROW_CLOSED;
    case ESCROW_REFUNDED:
        return ERROR_ESCROW_EXPIRED;
    }
    return ERROR_INTERNAL;
}

static void step_claim(struct model *m)
{
    struct model_escrow *e;
    bool right = below(m, 4) != 0;
    char preimage[65], hash[65];
    enum status expected;
    int who;

    if (m->escrow_count == 0)
        return;
    /* Rather a young one: the old ones are closed. */
    e = &m->escrows[m->escrow_count - 1 - below(m, m->escrow_count < 12 ? m->escrow_count : 12)];
    who = below(m, 5) == 0 ? (int)below(m, PEOPLE) : e->recipient;
    expected = claim_outcome(e, who, right);
    preimage_of(right ? e->number : e->number + 1, preimage, hash);
    expect_done(m, expected, who, "ledger.claim",
                fixture_json("{'escrow':'%s','preimage':'%s'}", e->id, preimage));
    if (expected == OK) {
        e->state = ESCROW_CLAIMED;
        m->assets[e->asset].held[e->recipient] += e->amount;
    }
}

static void step_time(struct model *m)
{
    int64_t by_us = (int64_t)below(m, 30 * SECOND);

    m->now_us += by_us;
    fixture_advance(m->f, by_us);
    for (size_t i = 0; i < m->escrow_count; i++) {
        struct model_escrow *e = &m->escrows[i];

        if (e->state == ESCROW_LOCKED && m->now_us >= e->deadline_us) {
            e->state = ESCROW_REFUNDED;
            m->assets[e->asset].held[e->sender] += e->amount;
        }
    }
}

static void step_repeat(struct model *m)
{
    struct reply reply;

    if (m->last == NULL)
        return;
    reply = fixture_call(m->f, "transaction.submit", json_incref(m->last));
    assert_int_equal(reply.status, OK);
    assert_true(json_is_true(json_object_get(reply.result, "repeated")));
    reply_close(&reply);
}

static void step(struct model *m)
{
    static void (*const steps[])(struct model *m) = {
        step_issue, step_mint, step_mint, step_burn, step_faucet, step_transfer, step_transfer, step_transfer,
        step_transfer, step_transfer, step_transfer, step_batch, step_batch, step_lock, step_lock, step_claim,
        step_claim, step_claim, step_time, step_repeat,
    };

    steps[below(m, sizeof(steps) / sizeof(steps[0]))](m);
}

/* --- comparing -------------------------------------------------------------------------------- */
static void compare_balances(struct model *m)
{
    for (int asset = 0; asset < ASSETS; asset++) {
        const struct model_asset *a = &m->assets[asset];
        char sql[256];

        snprintf(sql, sizeof(sql), "SELECT supply FROM asset WHERE symbol = '%s'", symbols[asset]);
        assert_int_equal(fixture_sql(m->f, sql), a->exists ? (int64_t)a->supply : -1);
        for (int who = 0; who < PEOPLE && a->exists; who++) {
            snprintf(sql, sizeof(sql),
                     "SELECT coalesce(sum(amount), 0) FROM v_balance WHERE address = '%s' AND symbol = '%s'",
                     fixture_address(m->f, people[who]), symbols[asset]);
            assert_int_equal(fixture_sql(m->f, sql), a->held[who]);
        }
    }
}

static void compare_escrows(struct model *m)
{
    int64_t counts[ESCROW_STATES] = { 0 };

    for (size_t i = 0; i < m->escrow_count; i++)
        counts[m->escrows[i].state]++;
    for (int state = 0; state < ESCROW_STATES; state++) {
        char sql[128];

        snprintf(sql, sizeof(sql), "SELECT count(*) FROM escrow WHERE state = '%s'",
                 escrow_state_name((enum escrow_state)state));
        assert_int_equal(fixture_sql(m->f, sql), counts[state]);
    }
}

static void run_history(struct fixture *f, const char *name, unsigned steps, unsigned check_every)
{
    struct model *m = memory_new(sizeof(*m));

    m->f = f;
    m->random = random_seed(name);
    m->now_us = fixture_now(f);
    m->assets[0] = (struct model_asset){ .exists = true, .issuer = NO_ISSUER, .max_supply = INTEGER_MAX };
    for (int who = 0; who < PEOPLE; who++)
        pay(m, who, 10000);
    for (unsigned i = 1; i <= steps; i++) {
        step(m);
        if (i % check_every == 0 || i == steps) {
            compare_balances(m);
            compare_escrows(m);
            fixture_audit(f);
        }
    }
    print_message("%s: %" PRIu64 " commands accepted, %" PRIu64 " refused, %zu escrows\n", name, m->accepted,
                  m->refused, m->escrow_count);
    assert_true(m->accepted > steps / 10 && m->refused > steps / 10);
    fixture_replay(f);
    json_release(&m->last);
    memory_free_pointer(&m);
}

static void a_short_history_agrees_with_the_model_after_every_step(void **state)
{
    run_history(*state, "short history", SANITIZED ? 40 : 200, 1);
}

static void a_long_history_agrees_with_the_model(void **state)
{
    run_history(*state, "long history", SANITIZED ? 400 : 3000, 50);
}

#define LEDGER_TEST(name) cmocka_unit_test_setup_teardown(name, ledger_setup, ledger_teardown)

int histories_tests(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(a_short_history_agrees_with_the_model_after_every_step),
        LEDGER_TEST(a_long_history_agrees_with_the_model),
    };

    return cmocka_run_group_tests_name("ledger histories", tests, NULL, NULL);
}
