/* What anybody may ask in SQL, and what it may cost: memory, workers, the node's stop; what strangers are not
 * shown; and the lane that long queries share. */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "kernel/query.h"
#include "kernel/query_lane.h"
#include "kernel/registry.h"
#include "kernel/sql.h"
#include "kernel_fixture.h"
#include "ledger/ledger.h"

#include <cmocka.h> /* last: it makes a macro of fail() */

#define ENDLESS "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
#define STRANGER 4711
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true /* and keeps freed memory */
#elif defined(__has_feature)
#define SANITIZED (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#else
#define SANITIZED false
#endif
#define PATIENCE_US (120 * MICROSECONDS_PER_SECOND)
#define ENDLESS_US (5 * MICROSECONDS_PER_SECOND) /* after which a statement without an end is ended */

/* --- a module whose audit never ends, while it is told not to ---------------------------------- */
static atomic_bool audit_is_endless;

static enum status endless_check(struct query *q, char *violation, size_t size)
{
    struct statement *s;

    if (!atomic_load(&audit_is_endless))
        return OK;
    s = statement(q->database, ENDLESS);
    if (!statement_row(s))
        snprintf(violation, size, "no row came"); /* which must not be believed */
    return OK;
}

static const struct invariant invariants[] = {
    { .name = "patience.checked", .help = "for tests", .check = endless_check },
};
static const struct module patience_module = {
    .name = "patience",
    .help = "for tests",
    INVARIANTS(invariants),
};
static const struct module *const modules[] = { &ledger_module, &patience_module, NULL };

static int start(void **state)
{
    struct fixture *f = malloc(sizeof(*f));

    assert_non_null(f);
    atomic_store(&audit_is_endless, false);
    fixture_start(f, NETWORK_DEV, modules);
    *state = f;
    return 0;
}

static int start_with_a_limit(void **state)
{
    struct fixture *f;
    int failed = start(state);

    f = *state;
    f->query_timeout_us = ENDLESS_US;
    fixture_reopen(f);
    return failed;
}

static int stop(void **state)
{
    fixture_stop(*state);
    free(*state);
    return 0;
}

/* --- calls that are not waited for --------------------------------------------------------------- */
struct asked {
    struct call call;
    struct kernel *kernel;
    const char *method;
    json_t *params;
    enum status status;
    char message[ERROR_MESSAGE_MAX];
    atomic_bool done;
};

static void answered(struct call *call, enum status status, const struct error *error, struct bytes result)
{
    struct asked *asked = call->context;

    (void)result;
    asked->status = status;
    snprintf(asked->message, sizeof(asked->message), "%s", status == OK ? "" : error->message);
    atomic_store(&asked->done, true);
}

static void on_worker(struct work *work, size_t worker)
{
    struct call *call = (struct call *)((char *)work - offsetof(struct call, work));
    struct asked *asked = call->context;

    kernel_call(asked->kernel, worker, call, asked->method, asked->params);
}

static void ask(struct fixture *f, struct asked *asked, int64_t uid, const char *method, json_t *params)
{
    *asked = (struct asked){ .kernel = f->kernel, .method = method, .params = params };
    asked->call.caller = (struct caller){ .uid = uid, .gid = uid, .operator_ = uid != STRANGER };
    asked->call.done = answered;
    asked->call.context = asked;
    asked->call.work.run = on_worker;
    assert_true(workers_submit(kernel_workers(f->kernel), &asked->call.work));
}

static enum status answer(struct asked *asked)
{
    int64_t end = clock_monotonic_us() + PATIENCE_US;

    while (!atomic_load(&asked->done)) {
        assert_true(clock_monotonic_us() < end);
        usleep(1000);
    }
    json_release(&asked->params);
    return asked->status;
}

static json_t *query(const char *text)
{
    return json_pack("{s:s}", "query", text);
}

static void refused_as(struct fixture *f, int64_t uid, enum status code, const char *says, const char *text)
{
    struct asked asked;

    ask(f, &asked, uid, "sql", query(text));
    if (answer(&asked) != code || strstr(asked.message, says) == NULL)
        fail_msg("%s: expected was %s with '%s', it came to %s: %s", text, status_name(code), says,
                 status_name(asked.status), asked.message);
}

static void answered_as(struct fixture *f, int64_t uid, const char *text)
{
    struct asked asked;

    ask(f, &asked, uid, "sql", query(text));
    if (answer(&asked) != OK)
        fail_msg("%s: %s", text, asked.message);
}

/* --- memory and bytes ----------------------------------------------------------------------------- */
static size_t peak_bytes(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (size_t)usage.ru_maxrss * 1024;
}

static char *wide(const char *value, size_t columns)
{
    struct buffer text = { 0 };
    char *whole;

    buffer_append_text(&text, "SELECT ");
    for (size_t i = 0; i < columns; i++)
        buffer_append_format(&text, "%s%s", i == 0 ? "" : ", ", value);
    whole = text_copy(buffer_text(&text));
    buffer_close(&text);
    return whole;
}

static void a_greedy_statement_is_refused_and_its_memory_bounded(void **state)
{
    static const char *const greedy[] = {
        "WITH RECURSIVE n(i, b) AS (SELECT 1, randomblob(1000) UNION ALL SELECT i + 1, randomblob(1000)"
        " FROM n WHERE i < 1000000) SELECT i FROM n ORDER BY b",
        "WITH RECURSIVE n(i, b) AS (SELECT 1, '' UNION SELECT i + 1, hex(randomblob(10000)) FROM n)"
        " SELECT max(i) FROM n",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)"
        " SELECT count(DISTINCT randomblob(1000000)) FROM n",
        "WITH b(x) AS MATERIALIZED (SELECT randomblob(1000000)), n(i) AS (SELECT 1 UNION ALL SELECT i + 1"
        " FROM n WHERE i < 200), m AS MATERIALIZED (SELECT i, randomblob(900000) AS y FROM n)"
        " SELECT max(y) FROM m, b",
    };
    char *blobs AUTO_FREE = wide("randomblob(1000000)", 190);
    size_t before;

    refused_as(*state, -1, ERROR_SQL, "too big", "SELECT zeroblob(8000000)");
    answered_as(*state, -1, "SELECT zeroblob(1000)");
    before = peak_bytes();
    refused_as(*state, -1, ERROR_LIMIT, "memory", blobs);
    for (size_t i = 0; i < COUNT_OF(greedy); i++)
        refused_as(*state, -1, ERROR_LIMIT, "memory", greedy[i]);
    if (!SANITIZED)
        assert_true(peak_bytes() - before < 4 * SQL_MEMORY_MAX); /* two workers, and what they write */
    answered_as(*state, -1, "SELECT count(*) FROM event"); /* and the readers are as good as before */
    answered_as(*state, -1, "SELECT count(*) FROM event");
}

static void an_answer_ends_before_the_row_that_does_not_fit(void **state)
{
    json_t *reply AUTO_JSON = NULL;
    char *zeros AUTO_FREE = wide("zeroblob(1000000)", 20);

    refused_as(*state, -1, ERROR_LIMIT, "single row", zeros);
    reply = fixture_query(*state, "sql", "{'query':'SELECT 1 UNION ALL SELECT hex(zeroblob(400000))"
                                         " FROM (SELECT seq FROM event, (VALUES (1),(2),(3),(4),(5),(6)))'}");
    assert_true(json_array_size(json_object_get(reply, "rows")) > 9);
    assert_true(json_array_size(json_object_get(reply, "rows")) < 12);
    assert_true(json_is_true(json_object_get(reply, "truncated")));
}

static void a_sort_within_the_budget_is_answered(void **state)
{
    answered_as(*state, -1, "WITH RECURSIVE n(i, b) AS (SELECT 1, randomblob(100) UNION ALL SELECT i + 1,"
                            " randomblob(100) FROM n WHERE i < 20000) SELECT i FROM n ORDER BY b LIMIT 5");
}

/* --- what strangers are not shown ------------------------------------------------------------------ */
static void only_the_operator_reads_effects_and_cursors(void **state)
{
    static const char *const kept[] = {
        "SELECT * FROM effect",
        "SELECT count(*) FROM effect",
        "SELECT 1 FROM v_effect",
        "SELECT * FROM V_Effect",
        "SELECT \"request\" FROM main.\"EFFECT\" AS harmless",
        "SELECT name FROM cursor",
        "SELECT count(*) FROM v_cursor",
        "WITH x AS (SELECT * FROM cursor) SELECT 1 FROM x",
        "SELECT 1 WHERE EXISTS (SELECT 1 FROM effect WHERE id = 1)",
        "SELECT (SELECT max(id) FROM effect)",
        "SELECT 1 UNION SELECT id FROM effect",
        "SELECT seq FROM event WHERE seq IN effect",
        "EXPLAIN SELECT * FROM cursor",
        "SELECT amount FROM own_note",
        "SELECT * FROM own_payment",
        "SELECT count(*) FROM own_scan",
    };

    for (size_t i = 0; i < COUNT_OF(kept); i++) {
        struct asked asked;

        refused_as(*state, STRANGER, ERROR_DENIED, "for the operator", kept[i]);
        ask(*state, &asked, -1, "sql", query(kept[i]));
        assert_int_not_equal(answer(&asked), ERROR_DENIED);
    }
    answered_as(*state, -1, "SELECT count(*) FROM v_effect, v_cursor");
    answered_as(*state, STRANGER, "SELECT count(*) FROM v_event, v_asset, meta, block");
    answered_as(*state, STRANGER, "SELECT 'effect' AS cursor, 1 AS effect");
}

/* --- the lane -------------------------------------------------------------------------------------- */
static void the_lane_leaves_a_worker_and_lets_no_user_fill_it(void **state)
{
    struct query_lane lane;

    (void)state;
    query_lane_init(&lane, 2);
    assert_int_equal(query_lane_enter(&lane, 1), LANE_ENTERED);
    assert_int_equal(query_lane_enter(&lane, 2), LANE_FULL);
    query_lane_leave(&lane, 1);
    assert_int_equal(query_lane_enter(&lane, 2), LANE_ENTERED);
    query_lane_leave(&lane, 2);
    query_lane_destroy(&lane);

    query_lane_init(&lane, 64);
    assert_int_equal(query_lane_enter(&lane, 1), LANE_ENTERED);
    assert_int_equal(query_lane_enter(&lane, 1), LANE_ENTERED);
    assert_int_equal(query_lane_enter(&lane, 1), LANE_FULL_FOR_UID);
    assert_int_equal(query_lane_enter(&lane, 2), LANE_ENTERED);
    assert_int_equal(query_lane_enter(&lane, 3), LANE_ENTERED);
    assert_int_equal(query_lane_enter(&lane, 4), LANE_FULL);
    query_lane_leave(&lane, 2);
    assert_int_equal(query_lane_enter(&lane, 1), LANE_FULL_FOR_UID);
    query_lane_leave(&lane, 1);
    assert_int_equal(query_lane_enter(&lane, 1), LANE_ENTERED);
    query_lane_leave(&lane, 1);
    query_lane_leave(&lane, 1);
    query_lane_leave(&lane, 3);
    query_lane_destroy(&lane);
}

static void endless_statements_leave_a_worker_for_everybody_else(void **state)
{
    enum { MANY = 6 };
    struct fixture *f = *state;
    struct asked asked[MANY], other;
    size_t busy = 0, timed_out = 0;
    int64_t begin = clock_monotonic_us();

    for (size_t i = 0; i < MANY; i++)
        ask(f, &asked[i], STRANGER, "sql", query(ENDLESS));
    ask(f, &other, STRANGER, "node.info", NULL);
    assert_int_equal(answer(&other), OK);
    assert_true(clock_monotonic_us() - begin < ENDLESS_US / 2); /* the first is still at it */
    for (size_t i = 0; i < MANY; i++) {
        enum status status = answer(&asked[i]);

        busy += status == ERROR_BUSY;
        timed_out += status == ERROR_TIMEOUT;
    }
    assert_int_equal(timed_out, 1);
    assert_int_equal(busy, MANY - 1);
    answered_as(f, STRANGER, "SELECT 1"); /* the place is free again */
}

/* --- stopping -------------------------------------------------------------------------------------- */
static void stop_while(struct fixture *f, struct asked *asked)
{
    int64_t begin;

    usleep(100000); /* it is under way */
    begin = clock_monotonic_us();
    kernel_stop(f->kernel, "the test stops it");
    f->kernel = NULL;
    assert_true(clock_monotonic_us() - begin < ENDLESS_US / 2); /* for a statement; an audit has no limit */
    assert_int_equal(answer(asked), ERROR_STOPPING);
}

static void a_stop_ends_an_audit(void **state)
{
    struct asked asked;

    atomic_store(&audit_is_endless, true);
    ask(*state, &asked, -1, "audit", NULL);
    stop_while(*state, &asked);
}

static void a_stop_ends_a_statement(void **state)
{
    struct asked asked;

    ask(*state, &asked, STRANGER, "sql", query(ENDLESS));
    stop_while(*state, &asked);
}

static void an_audit_that_nobody_stops_tells_of_every_invariant(void **state)
{
    json_t *reply AUTO_JSON = fixture_query(*state, "audit", "{}");

    assert_true(json_is_true(json_object_get(reply, "ok")));
    assert_true(json_array_size(json_object_get(reply, "invariants")) > 5);
}

/* --- secrets --------------------------------------------------------------------------------------- */
struct told { const char *word; };
static const struct param told_params[] = {
    PARAM(struct told, word, SECRET, REQUIRED, "for tests"),
};
static const struct command telling[] = {
    { "gossip.tell", SCOPE_LOCAL, ACCESS_OPERATOR, NULL, PARAMS(struct told, told_params), .help = "Tell.",
      .result = "{}" },
};
static const struct query_method asking[] = {
    { "gossip.ask", ACCESS_PUBLIC, NULL, PARAMS(struct told, told_params), .help = "Ask.", .result = "{}" },
};
static const struct module told_to_a_command = { .name = "gossip", .help = "for tests", COMMANDS(telling) };
static const struct module told_to_a_query = { .name = "gossip", .help = "for tests", QUERIES(asking) };

static int registering_ends_with(const struct module *module)
{
    const struct module *const list[] = { module, NULL };
    int how;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        signal(SIGABRT, SIG_DFL); /* cmocka would carry on with it */
        if (freopen("/dev/null", "w", stderr) == NULL)
            _exit(2);
        registry_free(registry_new(list));
        _exit(0);
    }
    assert_int_equal(waitpid(child, &how, 0), child);
    return WIFSIGNALED(how) ? -WTERMSIG(how) : WEXITSTATUS(how);
}

static void a_secret_is_for_queries_alone(void **state)
{
    (void)state;
    assert_int_equal(registering_ends_with(&told_to_a_query), 0);
    assert_int_equal(registering_ends_with(&told_to_a_command), -SIGABRT);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
#define LIMITED(name) cmocka_unit_test_setup_teardown(name, start_with_a_limit, stop)
    const struct CMUnitTest tests[] = {
        TEST(a_greedy_statement_is_refused_and_its_memory_bounded),
        TEST(an_answer_ends_before_the_row_that_does_not_fit),
        TEST(a_sort_within_the_budget_is_answered),
        TEST(only_the_operator_reads_effects_and_cursors),
        cmocka_unit_test(the_lane_leaves_a_worker_and_lets_no_user_fill_it),
        LIMITED(endless_statements_leave_a_worker_for_everybody_else),
        LIMITED(a_stop_ends_an_audit),
        LIMITED(a_stop_ends_a_statement),
        TEST(an_audit_that_nobody_stops_tells_of_every_invariant),
        cmocka_unit_test(a_secret_is_for_queries_alone),
    };

    return cmocka_run_group_tests_name("kernel/sql", tests, NULL, NULL) == 0 ? 0 : 1;
}
