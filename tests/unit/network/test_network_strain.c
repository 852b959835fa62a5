/* What one server, or one caller, can do to the rest: servers that never answer, that flap, that are gone
 * while much is under way; and links that go, with what they knew. */
#include "scene.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/buffer.h"
#include "kernel/effect.h"
#include "network/health.h"
#include "network/results.h"
#include "network/write.h"

#define PLACES 100 /* max-concurrency's default */
#define SHARE (PLACES / EFFECT_SHARE)

static int begin(void **state)
{
    static struct fixture f;

    scene_begin(&f);
    *state = &f;
    return 0;
}

static int end(void **state)
{
    fake->mute = false;
    scene_end(*state);
    return 0;
}

/* --- servers that never answer ------------------------------------------------------------------ */
static void wait_for_muted(unsigned count)
{
    fake_await(&fake->muted, count);
    assert_int_equal(fake->muted, count);
}

static void read_main(struct fixture *f)
{
    struct operation o = ask(f, "network.get_state", "{'link':'main'}");

    await_operation(f, &o, "done");
}

static void a_server_that_never_answers_keeps_no_other_link_from_being_read(void **state)
{
    struct fixture *f = *state;

    scene_link(f, "dead", "{'account':'mute'}");
    fake->mute = true;
    for (int i = 0; i < PLACES; i++)
        ask(f, "network.get_state", "{'link':'dead','timeout':'5m'}");
    wait_for_muted(SHARE);
    read_main(f);
    usleep(20000);
    assert_int_equal(fake->muted, SHARE); /* and no more of its own were begun */
    fake->mute = false;
    await(f, "SELECT count(*) FROM network_operation WHERE state = 'queued'", 0);
}

static void nor_do_several_that_hold_every_place_between_them(void **state)
{
    struct fixture *f = *state;
    char name[16];

    fake->mute = true;
    for (int i = 0; i < EFFECT_SHARE; i++) {
        snprintf(name, sizeof(name), "dead%d", i);
        scene_link(f, name, "{'account':'mute'}");
        for (int k = 0; k < SHARE + 5; k++)
            ask(f, "network.get_state", "{'link':'%s','timeout':'5m'}", name);
    }
    wait_for_muted(PLACES);
    for (int i = 0; i < 3; i++)
        read_main(f);
    assert_int_equal(fake->muted, PLACES);
    fixture_reopen(f); /* nor after a start, where they all are begun again */
    wait_for_muted(PLACES);
    await(f, "SELECT count(*) FROM network_link WHERE state = 'connected'", EFFECT_SHARE + 1);
    read_main(f);
    fake->mute = false;
    await(f, "SELECT count(*) FROM network_operation WHERE state = 'queued'", 0);
}

static void a_server_that_never_answers_delays_nobody_elses_looks(void **state)
{
    struct fixture *f = *state;
    struct operation o;
    char name[16];

    scene_link(f, "dead", "{'account':'mute','sequenced':false}");
    for (int i = 0; i < TRACK_AT_ONCE + 8; i++) {
        snprintf(name, sizeof(name), "d%d", i);
        transfer(f, "dead", name);
    }
    await(f, "SELECT count(*) FROM network_write WHERE state = 'sent'", TRACK_AT_ONCE + 8);
    fake->mute = true;
    await_later(f, "SELECT count(*) FROM effect WHERE kind = 'network.track' AND running = 1",
                TRACK_AT_ONCE / EFFECT_SHARE);
    o = transfer(f, "main", "mine");
    await_operation(f, &o, "done");
    fake_mine(TRANSACTION_CONFIRMED, FINALITY_FINAL, 7, "b7");
    await_later(f, "SELECT count(*) FROM network_write w JOIN network_link l ON l.id = w.link"
                   " WHERE l.name = 'main' AND w.state = 'final'", 1);
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM network_write WHERE state = 'sent'"),
                     TRACK_AT_ONCE + 8);
    fake->mute = false;
    await_later(f, "SELECT count(*) FROM network_write WHERE state = 'final'", TRACK_AT_ONCE + 9);
}

/* --- a server that comes and goes --------------------------------------------------------------- */
#define ROUNDS 25

static void await_no_look(struct fixture *f)
{
    await(f, "SELECT count(*) FROM effect WHERE kind = 'network.health' AND running = 0", 1);
}

/* The next look at main's server, which then is as told. The clock moves to that look, however long a thread
 * takes for it: how long a connection lasted is what these tests are about. */
static void look_once(struct fixture *f, enum status fails)
{
    int64_t due_us;
    unsigned looks;

    await_no_look(f);
    looks = fake->looks;
    fake->health_fails = fails;
    due_us = fixture_sql(f, "SELECT next_us FROM effect WHERE kind = 'network.health'");
    fixture_advance(f, due_us > fixture_now(f) ? due_us - fixture_now(f) : 0);
    fake_await(&fake->looks, looks + 1);
    await_no_look(f);
}

static int64_t changes(struct fixture *f)
{
    return events(f, "connected") + events(f, "degraded") + events(f, "lost");
}

static void a_server_that_comes_and_goes_makes_few_events_and_recovers(void **state)
{
    struct fixture *f = *state;
    int64_t before = changes(f);

    for (int i = 0; i < ROUNDS; i++) {
        look_once(f, ERROR_NETWORK_TIMEOUT);
        look_once(f, OK);
    }
    assert_in_range(changes(f) - before, 2 * HEALTH_FLAPS_FREE, 2 * HEALTH_FLAPS_FREE + 2);
    await(f, "SELECT count(*) FROM network_link WHERE state = 'degraded'", 1);
    read_main(f); /* which keeps nobody from using it */
    look_once(f, OK);
    await(f, "SELECT count(*) FROM network_link WHERE state = 'connected' AND error IS NULL", 1);
    before = changes(f);
    look_once(f, ERROR_NETWORK_TIMEOUT);
    await(f, "SELECT count(*) FROM network_link WHERE state = 'degraded'", 1);
    fake->health_fails = OK;
    ask(f, "network.connect", "{'link':'main'}"); /* the operator's word counts more */
    await(f, "SELECT count(*) FROM network_link WHERE state = 'connected' AND flaps = 0", 1);
    assert_int_equal(changes(f) - before, 2);
}

static void a_connection_that_lasted_is_not_held_against_the_next(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < HEALTH_FLAPS_FREE; i++) {
        look_once(f, ERROR_NETWORK_TIMEOUT);
        look_once(f, OK);
    }
    await(f, "SELECT flaps FROM network_link", HEALTH_FLAPS_FREE);
    fixture_advance(f, HEALTH_FLAP_US);
    look_once(f, ERROR_NETWORK_TIMEOUT);
    await(f, "SELECT count(*) FROM network_link WHERE state = 'degraded' AND flaps = 0", 1);
}

/* --- a server that tells too much --------------------------------------------------------------- */
static void a_result_of_many_large_parts_is_refused_as_a_whole(void **state)
{
    struct fixture *f = *state;
    struct operation o;

    fake->history_entries = RESULT_MAX / 200000 - 1;
    o = ask(f, "network.get_transaction_history", "{'link':'main','limit':1000}");
    await_operation(f, &o, "done");
    fake->history_entries = RESULT_MAX / 200000 + 1;
    o = ask(f, "network.get_transaction_history", "{'link':'main','limit':1000}");
    await_operation(f, &o, "failed");
    await(f, "SELECT count(*) FROM network_operation WHERE error LIKE 'the result has more than%'", 1);
}

/* --- links that go ------------------------------------------------------------------------------ */
#define SECRET "SECRET-0f2a77c1-provider-key"
#define FOUR_SECRETS SECRET "/" SECRET "/" SECRET "/" SECRET /* what comes instead covers the first of them */
#define PENDING 1100 /* more than one removal gives up */

static bool file_holds(struct fixture *f, const char *text)
{
    struct buffer all CLEANUP(buffer_close) = { 0 };
    FILE *file;
    size_t got;

    fixture_reopen(f); /* what is in the write-ahead log comes into the file */
    file = fopen(kernel_database_path(f->kernel), "re");
    assert_non_null(file);
    while ((got = fread(buffer_reserve(&all, 65536), 1, 65536, file)) > 0)
        all.size += got;
    fclose(file);
    return memmem(all.data, all.size, text, strlen(text)) != NULL;
}

static void of_a_link_that_is_removed_no_secret_stays_in_the_file(void **state)
{
    struct fixture *f = *state;
    struct reply reply;

    scene_link(f, "keyed", "{'account':'me','url':'https://host/v1/" FOUR_SECRETS "'}");
    for (int i = 0; i < 8; i++) { /* rows of many sizes: they move */
        ask(f, "network.disconnect", "{'link':'keyed'}");
        await(f, "SELECT count(*) FROM network_link WHERE name = 'keyed' AND state = 'idle'", 1);
        fake->connect_fails = i % 2 == 0 ? ERROR_NETWORK_WRONG_CHAIN : OK;
        ask(f, "network.connect", "{'link':'keyed'}");
        await(f, "SELECT state IN ('lost', 'connected') FROM network_link WHERE name = 'keyed'", 1);
    }
    assert_true(file_holds(f, SECRET)); /* it is there, or the next look would show nothing */
    await(f, "SELECT count(*) FROM network_link WHERE state = 'connected'", 2);
    reply = fixture_call(f, "network.remove", fixture_json("{'link':'keyed'}"));
    assert_int_equal(reply.status, OK);
    reply_close(&reply);
    await(f, "SELECT count(*) FROM network_link WHERE state = 'removed' AND options = '{}'", 1);
    assert_false(file_holds(f, SECRET));
}

static bool remove_main(struct fixture *f)
{
    struct reply reply = fixture_call(f, "network.remove", fixture_json("{'link':'main','abandon':true}"));
    bool removed;

    if (reply.status != OK)
        fail_msg("%s", reply.error.message);
    removed = json_is_true(json_object_get(reply.result, "removed"));
    reply_close(&reply);
    return removed;
}

static void many_pending_writes_outlive_a_stop_and_go_with_their_link(void **state)
{
    struct fixture *f = *state;
    char name[16];

    for (int i = 0; i < PENDING; i++) {
        snprintf(name, sizeof(name), "w%d", i);
        transfer(f, "main", name);
    }
    await(f, "SELECT count(*) FROM network_write WHERE state = 'sent'", PENDING);
    fixture_reopen(f);
    fake->statuses = 0;
    fake_mine(TRANSACTION_PENDING, FINALITY_NONE, 0, NULL);
    fixture_advance(f, MICROSECONDS_PER_SECOND); /* the link's interval: each is looked at, and once */
    await(f, "SELECT count(*) FROM network_write WHERE state = 'pending'", PENDING);
    assert_int_equal(fake->sends, PENDING); /* none twice */
    assert_int_equal(fake->statuses, PENDING);
    assert_false(remove_main(f));
    await(f, "SELECT count(*) FROM network_link WHERE state = 'idle'", 1);
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM network_write WHERE settled = 0"), PENDING - 1000);
    assert_true(remove_main(f));
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM network_write WHERE settled = 0"), 0);
    await(f, "SELECT count(*) FROM effect", 0); /* nobody looks for them any more */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(a_server_that_never_answers_keeps_no_other_link_from_being_read),
        TEST(nor_do_several_that_hold_every_place_between_them),
        TEST(a_server_that_never_answers_delays_nobody_elses_looks),
        TEST(a_server_that_comes_and_goes_makes_few_events_and_recovers),
        TEST(a_connection_that_lasted_is_not_held_against_the_next),
        TEST(a_result_of_many_large_parts_is_refused_as_a_whole),
        TEST(of_a_link_that_is_removed_no_secret_stays_in_the_file),
        TEST(many_pending_writes_outlive_a_stop_and_go_with_their_link),
    };

    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    fake_open();
    return cmocka_run_group_tests_name("what one server does to the rest", tests, NULL, NULL) == 0 ? 0 : 1;
}
