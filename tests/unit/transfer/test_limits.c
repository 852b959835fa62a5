/* What costs nobody anything is bounded: transfers that are started and not locked, and what those that have
 * ended leave behind. */
#include "test_transfer.h"

#include <pthread.h>
#include <sqlite3.h>

#include "kernel/execution.h"

#define OVER 2000 /* of each row that one transfer leaves */

static int setup(void **state)
{
    struct fixture *f = memory_new(sizeof(*f));

    market_start(f);
    *state = f;
    return 0;
}

static int broken_teardown(void **state)
{
    fixture_stop(*state);
    memory_free_pointer(state);
    return 0;
}

static int teardown(void **state)
{
    fixture_audit(*state);
    fixture_replay(*state);
    return broken_teardown(state);
}

static unsigned started;

/* dave's key is elsewhere: he starts, and leaves it at that. */
static void leave(struct fixture *f, const char *who, uint64_t amount, char id[65])
{
    char *more AUTO_FREE = text_format(",'hash':'%064x'", ++started);

    start(f, who, "base", "base", "carol", amount, more, id);
}

static void leave_refused(struct fixture *f, enum status code, const char *who, uint64_t amount)
{
    char *more AUTO_FREE = text_format(",'hash':'%064x'", ++started);

    start_refused(f, code, who, "base", "base", "carol", amount, more);
}

static void terms(struct fixture *f, const char *more)
{
    json_decref(ask(f, "transfer.provider_terms",
                    "{'provider':'%s','asset':'GOLD','source':'base','destination':'base'%s}",
                    fixture_address(f, "bob"), more));
}

static void an_account_has_few_that_wait_for_its_lock(void **state)
{
    struct fixture *f = *state;
    char id[65], hash[65], first[65];

    for (int i = 0; i < AWAITED_ACCOUNT_MOST; i++)
        leave(f, "dave", 10, i == 0 ? first : id);
    leave_refused(f, ERROR_TRANSFER_AWAITED, "dave", 10);
    /* who locks at once, or is another, is not kept */
    start(f, "alice", "base", "base", "carol", 10, "", id);
    await_state(f, id, TRANSFER_SETTLED);
    fixture_run(f, "dave", "transfer.cancel", "{'transfer':'%s'}", first);
    leave(f, "dave", 10, id);
    /* what is locked makes room */
    snprintf(hash, sizeof(hash), "%064x", started);
    fixture_run(f, "dave", "ledger.lock",
                "{'to':'%s','asset':'GOLD','amount':12,'hash':'%s','timeout':'1h'}",
                fixture_address(f, "bob"), hash);
    await_state(f, id, TRANSFER_DESTINATION_LOCKED);
    leave(f, "dave", 10, id);
    leave_refused(f, ERROR_TRANSFER_AWAITED, "dave", 10);
}

/* Accounts cost nothing: so many of them keep but a part of the provider's day from others. */
static void what_waits_takes_a_part_of_the_providers_day_and_gives_it_back(void **state)
{
    static const char *const others[] = { "erin", "frank", "grace" };
    struct fixture *f = *state;
    char id[65];

    for (size_t i = 0; i < 3; i++)
        fixture_run(f, "alice", "ledger.transfer", "{'to':'%s','asset':'GOLD','amount':1000}",
                    fixture_address(f, others[i]));
    terms(f, ",'most':500,'daily':2000,'least':1");
    leave(f, "dave", 300, id);
    leave_refused(f, ERROR_TRANSFER_AWAITED, "erin", 201);
    leave(f, "erin", 200, id);
    leave_refused(f, ERROR_TRANSFER_AWAITED, "frank", 1);
    for (int i = 0; i < 3; i++) { /* three quarters are everybody's */
        start(f, "alice", "base", "base", "carol", 500, "", id);
        await_state(f, id, TRANSFER_SETTLED);
    }
    start_refused(f, ERROR_TRANSFER_DAILY_LIMIT, "alice", "base", "base", "carol", 1, "");
    fixture_advance(f, LOCK_WINDOW_US + MINUTE);
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM transfer WHERE state = 6"), 2);
    leave(f, "frank", 500, id);
}

static void a_provider_has_few_that_wait_whoever_they_are_of(void **state)
{
    struct fixture *f = *state;
    char name[FIXTURE_NAME_MAX], id[65];

    terms(f, ",'most':1,'daily':1000000,'least':1");
    for (int i = 0; i < AWAITED_PROVIDER_MOST; i++) {
        snprintf(name, sizeof(name), "nobody%d", i / AWAITED_ACCOUNT_MOST);
        if (i % AWAITED_ACCOUNT_MOST == 0)
            fixture_run(f, "alice", "ledger.transfer", "{'to':'%s','asset':'GOLD','amount':100}",
                        fixture_address(f, name));
        leave(f, name, 1, id);
    }
    leave_refused(f, ERROR_TRANSFER_AWAITED, "dave", 1);
    start(f, "alice", "base", "base", "carol", 1, "", id);
    await_state(f, id, TRANSFER_SETTLED);
    fixture_audit(f);
    fixture_advance(f, LOCK_WINDOW_US + MINUTE);
    fixture_advance(f, 1); /* a sweep takes some of them */
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM transfer WHERE due_us IS NOT NULL"), 0);
    assert_int_equal(fixture_sql(f, "SELECT amount FROM transfer_volume WHERE account = x''"), 1);
}

static void who_has_not_what_he_would_lock_starts_nothing(void **state)
{
    struct fixture *f = *state;

    fixture_run(f, "dave", "ledger.transfer", "{'to':'%s','asset':'GOLD','amount':9999000}",
                fixture_address(f, "alice"));
    leave_refused(f, ERROR_INSUFFICIENT_BALANCE, "dave", 1000);
}

static void a_source_that_is_not_locked_within_minutes_is_too_late(void **state)
{
    struct fixture *f = *state;
    char id[65], hash[65];

    char *more AUTO_FREE = text_format(",'timeout':'20h','hash':'%064x'", ++started);
    start(f, "dave", "base", "base", "carol", 1000, more, id);
    snprintf(hash, sizeof(hash), "%064x", started);
    fixture_advance(f, LOCK_WINDOW_US + MINUTE);
    await_state(f, id, TRANSFER_EXPIRED);
    fixture_run(f, "dave", "ledger.lock",
                "{'to':'%s','asset':'GOLD','amount':1011,'hash':'%s','timeout':'20h'}",
                fixture_address(f, "bob"), hash);
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM escrow"), 1); /* his, and nobody follows it */
}

/* --- what ended costs nothing ------------------------------------------------------------------------- */
/* Steps of SQLite's machine that the executor's statements took, since they were counted last. */
struct count {
    struct kernel_task task; /* first, so that the executor's pointer is ours */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool done;
    int64_t steps;
};

static enum status count_steps(struct kernel_task *task, struct execution *x)
{
    sqlite3 *db = database_handle(execution_database(x));
    struct count *count = (struct count *)task;

    count->steps = 0;
    for (sqlite3_stmt *s = sqlite3_next_stmt(db, NULL); s != NULL; s = sqlite3_next_stmt(db, s))
        count->steps += sqlite3_stmt_status(s, SQLITE_STMTSTATUS_VM_STEP, 1);
    return OK;
}

static void counted(struct kernel_task *task, enum status status, const struct error *error)
{
    struct count *count = (struct count *)task;

    (void)status, (void)error;
    pthread_mutex_lock(&count->lock);
    count->done = true;
    pthread_cond_signal(&count->changed);
    pthread_mutex_unlock(&count->lock);
}

static int64_t steps_since(struct fixture *f)
{
    struct count count = { .task = { .run = count_steps, .done = counted },
                           .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

    assert_true(kernel_submit_task(f->kernel, &count.task));
    pthread_mutex_lock(&count.lock);
    while (!count.done)
        pthread_cond_wait(&count.changed, &count.lock);
    pthread_mutex_unlock(&count.lock);
    return count.steps;
}

/* What some transfers each way take, of a node that has just begun. */
static int64_t steps_of_transfers(struct fixture *f)
{
    static const char *const ways[][2] = { { "base", "channel" }, { "channel", "base" }, { "base", "base" } };
    struct error error;
    char id[65];

    if (keystore_is_locked(f->keystore))
        assert_int_equal(keystore_unlock(f->keystore, "the tests' own", &error), OK);
    for (size_t i = 0; i < 9; i++) {
        if (i == 3)
            (void)steps_since(f); /* the first of each have made the statements */
        start(f, "alice", ways[i % 3][0], ways[i % 3][1], "carol", 1000, "", id);
        await_state(f, id, TRANSFER_SETTLED);
        await_sql(f, "SELECT count(*) FROM htlc WHERE state < 5", "", 0);
    }
    return steps_since(f);
}

#define NUMBERS "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) "
#define COPY(table, changed)                                                                                 \
    "CREATE TEMP TABLE old AS SELECT * FROM " table ";" NUMBERS                                              \
    "INSERT INTO " table " SELECT " changed " FROM old, n WHERE old.rowid = 1; DROP TABLE old;"

/* As if each had happened 2,000 times more: the same people, assets and ways. */
static const char history[] =
    COPY("escrow", "randomblob(32), domain, asset, amount, sender, recipient, randomblob(32), deadline_us,"
                   " state, preimage, -i, closed_seq")
    NUMBERS "INSERT INTO escrow SELECT randomblob(32), e.domain, e.asset, e.amount, e.recipient, e.sender,"
            " randomblob(32), e.deadline_us, e.state, e.preimage, -i - 2000, e.closed_seq"
            " FROM (SELECT * FROM escrow WHERE created_seq > 0 LIMIT 1) AS e, n;"
    NUMBERS "INSERT INTO transfer SELECT CAST(printf('%032d', i) AS BLOB), account, provider, asset,"
        " amount, fee,"
            " randomblob(32), secret, NULL, 6, 0, NULL, NULL, lock_until_us, -1, NULL, started_us,"
            " started_us,"
            " -i, 0 FROM (SELECT * FROM transfer LIMIT 1), n;"
    "INSERT INTO transfer_leg SELECT t.id, l.side, l.place, l.sender, l.recipient, l.asset, l.amount,"
    " l.expiry_us, 0, 0, 0, 0, 0, 0, 0, NULL, NULL, 0, 0, 0, 0 FROM (SELECT * FROM transfer_leg LIMIT 2) AS"
    " l,"
    " transfer AS t WHERE t.state = 6;"
    NUMBERS "INSERT INTO invoice SELECT randomblob(32), payee, asset, amount, text, description, preimage,"
        " hold,"
            " state, received, expires_us, NULL, created_us, ended_us, -i FROM (SELECT * FROM invoice LIMIT"
            " 1), n;"
    NUMBERS "INSERT INTO payment (hash, payer, payee, asset, amount, fee_limit, parts_most, state, unrouted,"
            " attempts, until_us, avoid, fee, failure, preimage, created_us, ended_us, created_seq) SELECT"
            " randomblob(32), payer, payee, asset, amount, fee_limit, parts_most, state, 0, attempts,"
            " until_us,"
            " avoid, fee, failure, preimage, created_us, ended_us, -i FROM (SELECT * FROM payment LIMIT 1),"
            " n;"
    NUMBERS "INSERT INTO htlc (channel, offerer, hash, amount, expiry_us, state, entered, last, counts,"
        " failure,"
            " warned, overdue, preimage, changed_us) SELECT channel, offerer, randomblob(32), amount,"
            " expiry_us,"
            " state, entered, last, counts, failure, warned, overdue, preimage, changed_us"
            " FROM (SELECT * FROM htlc LIMIT 1), n;"
    NUMBERS "INSERT INTO account SELECT e.id, hex(e.id), 'escrow', 1 FROM (SELECT id FROM escrow"
            " WHERE created_seq < 0) AS e WHERE e.id NOT IN (SELECT id FROM account);";

/* The rate of a bench that ran again and again fell from 78 to 30 a second: each look for a lock went through
 * everything that its sender had ever locked. */
static void what_a_transfer_takes_does_not_grow_with_those_that_ended(void **state)
{
    struct fixture *f = *state;
    struct way ab, bc;
    int64_t before, after;

    market_open_channels(f, &ab, &bc);
    before = steps_of_transfers(f);
    fixture_tamper(f, history);
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM transfer WHERE state = 6"), OVER);
    assert_true(fixture_sql(f, "SELECT count(*) FROM escrow") > 2 * OVER);
    after = steps_of_transfers(f);
    if (after > before + before / 4)
        fail_msg("six transfers took %" PRId64 " steps, and %" PRId64 " after %d others", before, after,
                 OVER);
}

static void rounds_in_which_nothing_is_due_cost_nothing_whatever_expired(void **state)
{
    struct fixture *f = *state;
    struct way ab, bc;
    char id[65];
    int64_t before, after;

    market_open_channels(f, &ab, &bc);
    (void)steps_of_transfers(f);
    for (int i = 0; i < 2; i++) {
        leave(f, "dave", 10, id);
        (void)steps_since(f);
        for (int k = 0; k < 10; k++)
            fixture_advance(f, 1000);
        after = steps_since(f);
        if (i == 0) {
            before = after;
            fixture_tamper(f, history);
            leave(f, "dave", 10, id);
            fixture_advance(f, 1000);
        }
    }
    if (after > before + before / 4)
        fail_msg("ten rounds took %" PRId64 " steps, and %" PRId64 " after %d had ended", before, after,
                 OVER);
}

int limit_tests(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(an_account_has_few_that_wait_for_its_lock),
        TEST(what_waits_takes_a_part_of_the_providers_day_and_gives_it_back),
        TEST(a_provider_has_few_that_wait_whoever_they_are_of),
        TEST(who_has_not_what_he_would_lock_starts_nothing),
        TEST(a_source_that_is_not_locked_within_minutes_is_too_late),
        cmocka_unit_test_setup_teardown(what_a_transfer_takes_does_not_grow_with_those_that_ended, setup,
                                        broken_teardown),
        cmocka_unit_test_setup_teardown(rounds_in_which_nothing_is_due_cost_nothing_whatever_expired, setup,
                                        broken_teardown),
#undef TEST
    };

    return cmocka_run_group_tests_name("limits", tests, NULL, NULL);
}
