/* Random histories of two domains, honest and gone wrong, against a model in plain C: what each step must
 * answer, what every item and withdrawal has become, and what the domains hold. Each message reaches one
 * terminal state, and only one (P2 of research/rollups.md). LAYERD_SEED repeats a history. */
#include "test_message.h"
#include "../sanitized.h"

#define DOMAINS 2
#define ASSETS 2
#define ITEMS_MAX 512

static const char *const senders[] = { "ann", "ben" };
static const char *const symbols[ASSETS] = { "DEV", "GOLD" };

struct model_item {
    enum inbox_state state;
    unsigned asset;
    uint64_t amount;
};

struct model_domain {
    uint64_t number;
    bool ended;
    struct model_item items[ITEMS_MAX];
    size_t item_count, included, done; /* ends of what is included or done, and of what is done */
    uint64_t held[ASSETS], spoken_for[ASSETS];
    struct withdrawals withdrawals;
    size_t final;
    bool claimed[WITHDRAWALS_MAX];
};

struct model {
    struct fixture f;
    uint64_t random;
    struct model_domain domains[DOMAINS];
    struct account_id nobody; /* no key opens it */
    uint64_t credits, accepted, refused;
};

static uint64_t below(struct model *m, uint64_t bound)
{
    return random_below(&m->random, bound);
}

static void expect(struct model *m, enum status expected, const char *who, const char *method, json_t *params)
{
    char *shown AUTO_FREE = json_dumps(params, 0);
    struct reply reply = fixture_call(&m->f, "transaction.submit", fixture_sign(&m->f, who, method, params));
    enum status status = reply.status;

    if (status != expected)
        fail_msg("the model expects %s, the node says %s (%s) to %s %s", status_name(expected),
                 status_name(status), status == OK ? "" : reply.error.message, method, shown);
    reply_close(&reply);
    *(status == OK ? &m->accepted : &m->refused) += 1;
}

static void set_states(struct model_domain *d, size_t from, size_t to, enum inbox_state state)
{
    for (size_t i = from; i < to; i++)
        d->items[i].state = state;
}

/* --- the steps --------------------------------------------------------------------------------- */
static void queue(struct model *m, struct model_domain *d)
{
    struct model_item item = { .asset = (unsigned)below(m, ASSETS), .amount = below(m, 60) };

    if (d->ended || d->item_count == ITEMS_MAX)
        return;
    expect(m, OK, senders[below(m, 2)], "owner.queue",
           fixture_json("{'domain':%" PRIu64 ",'asset':%u,'amount':%" PRIu64 ",'window':%" PRIu64 "}",
                        d->number, item.asset, item.amount, below(m, (uint64_t)HOUR)));
    d->items[d->item_count++] = item;
    d->held[item.asset] += item.amount;
    d->spoken_for[item.asset] += item.amount;
}

static void range(struct model *m, struct model_domain *d, const char *method, size_t from, size_t to)
{
    expect(m, OK, "alice", method,
           fixture_json("{'domain':%" PRIu64 ",'first':%zu,'behind':%zu,'window':%" PRIu64 "}", d->number,
                        from, to, below(m, (uint64_t)HOUR)));
}

static void include(struct model *m, struct model_domain *d)
{
    size_t to = d->included + below(m, d->item_count - d->included + 1);

    if (d->ended)
        return;
    range(m, d, "owner.include", d->included, to);
    set_states(d, d->included, to, INBOX_INCLUDED);
    d->included = to;
}

static void done(struct model *m, struct model_domain *d)
{
    size_t to = d->done + below(m, d->included - d->done + 1);

    range(m, d, "owner.done", d->done, to);
    set_states(d, d->done, to, INBOX_DONE);
    for (; d->done < to; d->done++)
        d->spoken_for[d->items[d->done].asset] -= d->items[d->done].amount;
}

static void take_back(struct model *m, struct model_domain *d, size_t from)
{
    range(m, d, "owner.return", from, d->included);
    set_states(d, from, d->included, INBOX_QUEUED);
    d->included = from;
}

/* Mostly what a user of the domain could have; sometimes more than all there is. */
static void withdraw(struct model *m, struct model_domain *d)
{
    unsigned asset = (unsigned)below(m, ASSETS);
    uint64_t around = d->held[asset] - d->spoken_for[asset];
    uint64_t amount = 1 + (below(m, 8) == 0 ? around + below(m, 100) : below(m, around / 4 + 2));
    struct account_id recipient = below(m, 4) == 0 ? m->nobody : fixture_key(&m->f, "bob")->account;

    if (d->withdrawals.count < WITHDRAWALS_MAX)
        withdrawals_add(&d->withdrawals, asset, amount, &recipient);
}

static void finalize(struct model *m, struct model_domain *d)
{
    size_t count = d->final + below(m, d->withdrawals.count - d->final + 1);
    char root[65];

    withdrawals_root(&d->withdrawals, count, root);
    expect(m, OK, "alice", "owner.final",
           fixture_json("{'domain':%" PRIu64 ",'behind':%zu,'root':'%s'}", d->number, count, root));
    d->final = count;
}

static enum status answer_to_claim(const struct model_domain *d, const struct withdrawal *w, bool wrong)
{
    if (d->claimed[w->number])
        return ERROR_ALREADY_CLAIMED;
    if (w->number >= d->final)
        return ERROR_NOT_FINAL;
    if (wrong)
        return ERROR_WRONG_PROOF;
    return w->amount > d->held[w->asset] - d->spoken_for[w->asset] ? ERROR_INSUFFICIENT_BALANCE : OK;
}

static void claim(struct model *m, struct model_domain *d)
{
    const struct withdrawal *w;
    bool wrong = below(m, 5) == 0;
    enum status expected;
    json_t *params;

    if (d->withdrawals.count == 0)
        return;
    w = &d->withdrawals.made[below(m, d->withdrawals.count)];
    params = withdrawals_claim(&d->withdrawals, d->number, w->number, d->final);
    if (wrong)
        json_object_set_new(params, "amount", json_integer((json_int_t)(w->amount + 1 + below(m, 9))));
    expected = answer_to_claim(d, w, wrong);
    expect(m, expected, "dave", "message.claim", params);
    if (expected != OK)
        return;
    d->claimed[w->number] = true;
    if (account_equal(&w->recipient, &m->nobody)) {
        d->spoken_for[w->asset] += w->amount;
        m->credits++;
    } else {
        d->held[w->asset] -= w->amount;
    }
}

/* The domain is frozen: what is not final comes back, and what waits ends. */
static void end(struct model *m, struct model_domain *d)
{
    take_back(m, d, d->done);
    expect(m, OK, "alice", "owner.end", fixture_json("{'domain':%" PRIu64 "}", d->number));
    d->ended = true;
    for (size_t i = d->done; i < d->item_count; i++) {
        struct model_item *item = &d->items[i];

        item->state = item->amount > 0 ? INBOX_REFUNDED : INBOX_DROPPED;
        d->held[item->asset] -= item->amount;
        d->spoken_for[item->asset] -= item->amount;
    }
}

static void step(struct model *m)
{
    struct model_domain *d = &m->domains[below(m, DOMAINS)];

    switch (below(m, 16)) {
    case 0: case 1: case 2:
        queue(m, d);
        break;
    case 3: case 4:
        include(m, d);
        break;
    case 5: case 6:
        done(m, d);
        break;
    case 7:
        take_back(m, d, d->done + below(m, d->included - d->done + 1));
        break;
    case 8: case 9:
        withdraw(m, d);
        break;
    case 10: case 11:
        finalize(m, d);
        break;
    case 12:
        fixture_advance(&m->f, (int64_t)below(m, (uint64_t)(90 * MICROSECONDS_PER_SECOND)));
        break;
    default:
        claim(m, d);
        break;
    }
}

/* --- comparing --------------------------------------------------------------------------------- */
static int64_t ask(struct model *m, const char *format, ...) PRINTF_LIKE(2, 3);
static int64_t ask(struct model *m, const char *format, ...)
{
    char sql[1024];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(sql, sizeof(sql), format, arguments);
    va_end(arguments);
    return fixture_sql(&m->f, sql);
}

static void compare_domain(struct model *m, const struct model_domain *d)
{
    char expected[2 * ITEMS_MAX + 1] = "";
    char *sql AUTO_FREE = text_format("SELECT coalesce(group_concat(substr(state, 1, 2), ''), '') FROM"
                                      " (SELECT state FROM inbox WHERE domain = %" PRIu64
                                      " ORDER BY number)", d->number);
    char *states AUTO_FREE = fixture_sql_text(&m->f, sql);
    int64_t claimed = 0;

    for (size_t i = 0; i < d->item_count; i++)
        memcpy(&expected[2 * i], inbox_state_name(d->items[i].state), 2);
    expected[2 * d->item_count] = '\0';
    assert_string_equal(states, expected);
    for (unsigned asset = 0; asset < ASSETS; asset++) {
        assert_int_equal(
            ask(m, "SELECT coalesce((SELECT amount FROM balance JOIN asset ON asset.id = balance.asset JOIN"
                   " message_domain AS d ON escrow = account WHERE symbol = '%s' AND d.domain = %" PRIu64
                   "), 0)", symbols[asset], d->number), d->held[asset]);
        assert_int_equal(ask(m, "SELECT reserved FROM domain_asset WHERE domain = %" PRIu64
                                " AND number = %u", d->number, asset), d->spoken_for[asset]);
    }
    for (size_t i = 0; i < d->withdrawals.count; i++)
        claimed += d->claimed[i];
    assert_int_equal(ask(m, "SELECT count(*) FROM withdrawal_claim WHERE domain = %" PRIu64, d->number),
                     claimed);
}

static void compare(struct model *m)
{
    for (size_t i = 0; i < DOMAINS; i++)
        compare_domain(m, &m->domains[i]);
    assert_int_equal(ask(m, "SELECT count(*) FROM credit"), m->credits);
    fixture_audit(&m->f);
}

/* One event that begins each item, one that ends those that went back, one for each withdrawal claimed. */
static void compare_events(struct model *m)
{
    static const char *const more_than_once[] = { "message.queued", "message.refunded", "message.claimed" };

    for (size_t i = 0; i < 3; i++)
        assert_int_equal(ask(m, "SELECT count(*) FROM (SELECT 1 FROM event WHERE type = '%s'"
                                " GROUP BY subject, body ->> 'number' HAVING count(*) > 1)",
                             more_than_once[i]), 0);
    assert_int_equal(ask(m, "SELECT count(*) FROM event WHERE type = 'message.queued'"),
                     ask(m, "SELECT count(*) FROM inbox"));
    assert_int_equal(ask(m, "SELECT count(*) FROM event WHERE type = 'message.refunded'"),
                     ask(m, "SELECT count(*) FROM inbox WHERE state IN ('refunded', 'dropped')"));
    assert_int_equal(ask(m, "SELECT count(*) FROM event WHERE type = 'message.claimed'"),
                     ask(m, "SELECT count(*) FROM withdrawal_claim"));
    assert_int_equal(ask(m, "SELECT count(*) FROM event WHERE type = 'message.credited'"), m->credits);
}

/* --- histories --------------------------------------------------------------------------------- */
static void begin(struct model *m, const char *name)
{
    const char *given = getenv("LAYERD_SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)clock_wall_us();

    print_message("%s: LAYERD_SEED=%" PRIu64 "\n", name, seed);
    m->random = seed * 2 + 1;
    memset(m->nobody.bytes, 0xff, sizeof(m->nobody.bytes));
    fixture_start(&m->f, NETWORK_DEV, owner_modules);
    fixture_run(&m->f, "alice", "ledger.issue", "{'symbol':'GOLD','amount':1000000}");
    for (size_t i = 0; i < 2; i++) {
        fixture_run(&m->f, senders[i], "dev.faucet", "{}");
        fixture_run(&m->f, "alice", "ledger.transfer", "{'to':'%s','asset':'GOLD','amount':500000}",
                    fixture_address(&m->f, senders[i]));
    }
    for (size_t i = 0; i < DOMAINS; i++) {
        json_t *opened AUTO_JSON = fixture_do(&m->f, "alice", "owner.open", "{'behind':2}");

        m->domains[i].number = (uint64_t)json_integer_value(json_object_get(opened, "domain"));
        assert_int_equal(m->domains[i].number, i + 1);
    }
}

static void run_history(const char *name, unsigned steps)
{
    struct model *m = memory_new(sizeof(*m));

    begin(m, name);
    for (unsigned i = 0; i < steps; i++) {
        step(m);
        compare(m);
        if (i % 97 == 96)
            fixture_reopen(&m->f);
    }
    for (size_t i = 0; i < DOMAINS; i++)
        end(m, &m->domains[i]);
    compare(m);
    for (unsigned i = 0; i < steps / 4; i++) /* what is final stays claimable */
        claim(m, &m->domains[below(m, DOMAINS)]);
    compare(m);
    assert_int_equal(ask(m, "SELECT count(*) FROM inbox WHERE state IN ('queued', 'included')"), 0);
    compare_events(m);
    print_message("%s: %" PRIu64 " accepted, %" PRIu64 " refused, %" PRIu64 " credits\n", name, m->accepted,
                  m->refused, m->credits);
    assert_true(m->accepted > steps / 4 && m->refused > 0);
    fixture_replay(&m->f);
    fixture_stop(&m->f);
    memory_free_pointer(&m);
}

static void random_histories_agree_with_the_model_and_replay_to_the_same_blocks(void **state)
{
    (void)state;
    run_history("first history", SANITIZED ? 60 : 300);
    run_history("second history", SANITIZED ? 60 : 300);
}

int histories_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_histories_agree_with_the_model_and_replay_to_the_same_blocks),
    };

    return cmocka_run_group_tests_name("message histories", tests, NULL, NULL);
}
