/* Subscriptions over a real socket to a scripted peer: order, interleaved answers, breaks, and going on
 * behind them. */
#include "test_client.h"

#include <poll.h>

#include "base/memory.h"
#include "peer.h"

#define TIMEOUT_MS 60000
#define HASH "0c3db5b12b03682dfe16b6d940d643399dc37edc0290ea18620fb3f6c7b4bc99"

static char line[PEER_LINE_MAX]; /* the peer's: one script runs at a time */
static char seen[4][1024];       /* what was asked of the peer, by connection */

static void say_event(int descriptor, int seq)
{
    char text[512];
    snprintf(text, sizeof text,
             "{\"seq\":%d,\"block\":1,\"ts\":1795200000000000,\"type\":\"a.b\",\"v\":1,\"subject\":\"x/%d\","
             "\"data\":{\"n\":%d},\"last\":true,\"hash\":\"" HASH "\"}\n",
             seq, seq, seq);
    peer_say(descriptor, text);
}

static void take_subscribe(int descriptor, int connection, const char *result)
{
    if (!peer_read(descriptor, line))
        return;
    snprintf(seen[connection], sizeof seen[connection], "%.1000s", line);
    peer_reply(descriptor, line, result);
}

static struct layerd_subscription *subscribe(const struct peer *peer,
                                             const struct layerd_subscribe_options *options)
{
    struct layerd_subscription *subscription;
    struct layerd_failure failure;
    if (layerd_subscribe(peer_directory(peer), options, TIMEOUT_MS, &subscription, &failure) != LAYERD_OK)
        fail_msg("%s", failure.message);
    return subscription;
}

static void expect_event(struct layerd_subscription *subscription, uint64_t seq)
{
    struct layerd_event event;
    struct layerd_failure failure;
    if (layerd_event_next(subscription, TIMEOUT_MS, &event, &failure) != LAYERD_OK)
        fail_msg("event %llu: %s", (unsigned long long)seq, failure.message);
    assert_int_equal(event.kind, LAYERD_EVENT);
    assert_true(event.seq == seq);
    assert_true(layerd_position(subscription) == seq);
}

static void stream_script(int descriptor, void *context)
{
    (void)context;
    take_subscribe(descriptor, 0, "{\"sub\":1,\"start\":4,\"head\":9}");
    say_event(descriptor, 5);
    say_event(descriptor, 6);
    peer_say(descriptor, "{\"caught_up\":6}\n{\"progress\":8}\n{\"heartbeat\":8,\"ts\":1}\n");
    say_event(descriptor, 9);
    peer_say(descriptor, "{\"lost\":{\"from\":10,\"to\":12,\"why\":\"skip\"}}\n{\"end\":{\"sub\":1,\"why\":"
                         "\"until\",\"next\":13}}\n");
    peer_read(descriptor, line);
}

static void options_are_asked_for_and_marks_are_kept_back(void **state)
{
    peer_script *const scripts[] = { stream_script };
    struct peer *peer = peer_start("events.sock", scripts, 1, NULL);
    static const char *const types[] = { "a.*", "c" }, *const subjects[] = { "x/\"1\"" };
    struct layerd_subscribe_options options = { .from = "after:4",
                                                .until = 12,
                                                .types = types,
                                                .type_count = 2,
                                                .subjects = subjects,
                                                .subject_count = 1,
                                                .cloudevents = true,
                                                .heartbeat_ms = 500 };
    struct layerd_subscription *subscription = subscribe(peer, &options);
    struct layerd_event event;
    (void)state;

    assert_non_null(
        strstr(seen[0],
               "\"method\":\"subscribe\",\"params\":{\"from\":{\"after\":4},\"until\":12,\"types\":[\"a.*\","
               "\"c\"],\"subjects\":[\"x/\\\"1\\\"\"],\"format\":\"cloudevents\",\"heartbeat_ms\":500}"));
    assert_true(layerd_position(subscription) == 4);
    expect_event(subscription, 5);
    expect_event(subscription, 6);
    assert_int_equal(layerd_event_next(subscription, TIMEOUT_MS, &event, NULL), LAYERD_OK);
    assert_true(event.kind == LAYERD_EVENT && event.seq == 9);
    assert_string_equal(event.data, "{\"n\":9}");
    assert_int_equal(layerd_event_next(subscription, TIMEOUT_MS, &event, NULL), LAYERD_OK);
    assert_true(event.kind == LAYERD_LOST && event.first == 10 && event.seq == 12);
    assert_int_equal(layerd_event_next(subscription, TIMEOUT_MS, &event, NULL), LAYERD_OK);
    assert_int_equal(event.kind, LAYERD_END);
    assert_string_equal(event.why, "until");
    assert_int_equal(layerd_event_next(subscription, TIMEOUT_MS, &event, NULL), LAYERD_ERROR_DISCONNECTED);
    layerd_unsubscribe(subscription);
    peer_stop(peer);
}

static bool count_kinds(void *context, const struct layerd_event *event)
{
    int *counts = context;
    counts[event->kind]++;
    return true;
}

static void with_marks_all_lines_are_given(void **state)
{
    peer_script *const scripts[] = { stream_script };
    struct peer *peer = peer_start("events.sock", scripts, 1, NULL);
    struct layerd_subscribe_options options = { .from = "time:2026-11-20T22:43:03Z", .marks = true };
    struct layerd_subscription *subscription = subscribe(peer, &options);
    int counts[6] = { 0 };
    (void)state;
    assert_non_null(strstr(seen[0], "\"from\":{\"time\":1795214583000000}"));
    assert_int_equal(layerd_event_each(subscription, TIMEOUT_MS, count_kinds, counts, NULL), LAYERD_OK);
    assert_true(counts[LAYERD_EVENT] == 3 && counts[LAYERD_CAUGHT_UP] == 1 && counts[LAYERD_PROGRESS] == 1
                && counts[LAYERD_HEARTBEAT] == 1 && counts[LAYERD_LOST] == 1 && counts[LAYERD_END] == 1);
    layerd_unsubscribe(subscription);
    peer_stop(peer);
}

static void a_bad_start_is_refused_before_it_is_asked(void **state)
{
    static const char *const bad[] = {
        "",        "yesterday", "after:",    "after:x",        "after:-1", "after:99999999999999999999",
        "cursor:", "time:",     "time:noon", "time:2026-13-01"
    };
    struct layerd_subscription *subscription = NULL;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct layerd_subscribe_options options = { .from = bad[i] };
        assert_int_equal(layerd_subscribe("/nonexistent", &options, 0, &subscription, NULL),
                         LAYERD_ERROR_INVALID_PARAMS);
    }
    assert_int_equal(layerd_subscribe("/nonexistent", NULL, 0, &subscription, NULL), LAYERD_ERROR_CONNECT);
    assert_null(subscription);
}

/* --- acknowledgements ------------------------------------------------------------------------- */

static void ack_script(int descriptor, void *context)
{
    (void)context;
    take_subscribe(descriptor, 0, "{\"sub\":3,\"start\":0,\"head\":9}");
    say_event(descriptor, 1);
    peer_read(descriptor, line); /* an acknowledgement that is waited for: events come in between */
    char request[1024];
    snprintf(request, sizeof request, "%.1000s", line);
    for (int seq = 2; seq <= 2000; seq++)
        say_event(descriptor, seq);
    peer_reply(descriptor, request, "{}");
    say_event(descriptor, 2001);
    peer_read(descriptor, line); /* one that is not */
    snprintf(seen[1], sizeof seen[1], "%.1000s", line);
    peer_read(descriptor, line);
    char refusal[128];
    snprintf(refusal, sizeof refusal,
             "{\"jsonrpc\":\"2.0\",\"id\":%llu,\"error\":{\"code\":1006,\"message\":\"not yet\"}}\n",
             peer_id(line));
    peer_say(descriptor, refusal);
    peer_read(descriptor, line);
}

static void an_acknowledgement_waits_and_keeps_the_events_between(void **state)
{
    peer_script *const scripts[] = { ack_script };
    struct peer *peer = peer_start("events.sock", scripts, 1, NULL);
    struct layerd_subscribe_options options = { .from = "cursor:me" };
    struct layerd_subscription *subscription = subscribe(peer, &options);
    struct layerd_failure failure;
    (void)state;
    assert_non_null(strstr(seen[0], "\"from\":{\"cursor\":\"me\"}"));
    expect_event(subscription, 1);
    assert_int_equal(layerd_acknowledge(subscription, 1, TIMEOUT_MS, &failure), LAYERD_OK);
    for (uint64_t seq = 2; seq <= 2001; seq++)
        expect_event(subscription, seq);
    assert_int_equal(layerd_acknowledge(subscription, 2001, 0, &failure), LAYERD_OK);
    assert_int_equal(layerd_acknowledge(subscription, 9999, TIMEOUT_MS, &failure), LAYERD_ERROR_FUTURE);
    assert_string_equal(failure.message, "not yet");
    assert_non_null(strstr(seen[1], "\"method\":\"ack\",\"params\":{\"cursor\":\"me\",\"seq\":2001}"));
    assert_null(strstr(seen[1], "\"id\""));
    layerd_unsubscribe(subscription);
    peer_stop(peer);
}

static void without_a_cursor_nothing_is_acknowledged(void **state)
{
    peer_script *const scripts[] = { stream_script };
    struct peer *peer = peer_start("events.sock", scripts, 1, NULL);
    struct layerd_subscription *subscription = subscribe(peer, NULL);
    (void)state;
    assert_int_equal(layerd_acknowledge(subscription, 1, 0, NULL), LAYERD_ERROR_INVALID_PARAMS);
    layerd_unsubscribe(subscription);
    peer_stop(peer);
}

/* --- breaks ----------------------------------------------------------------------------------- */

static void broken_script(int descriptor, void *context)
{
    (void)context;
    take_subscribe(descriptor, 0, "{\"sub\":1,\"start\":0,\"head\":9}");
    say_event(descriptor, 1);
    say_event(descriptor, 2);
    peer_say(descriptor, "{\"seq\":3,\"block\":1,\"ts\":17952"); /* breaks off in the middle */
}

static void busy_script(int descriptor, void *context)
{
    (void)context;
    char refusal[128];
    peer_read(descriptor, line);
    snprintf(refusal, sizeof refusal,
             "{\"jsonrpc\":\"2.0\",\"id\":%llu,\"error\":{\"code\":1003,\"message\":\"held\"}}\n",
             peer_id(line));
    peer_say(descriptor, refusal);
}

static void on_script(int descriptor, void *context)
{
    (void)context;
    take_subscribe(descriptor, 1, "{\"sub\":1,\"start\":2,\"head\":9}");
    for (int seq = 3; seq <= 5; seq++)
        say_event(descriptor, seq);
    peer_read(descriptor, line);
}

static void after_a_break_it_goes_on_behind_the_last_event_with_its_hash(void **state)
{
    peer_script *const scripts[] = { broken_script, busy_script, on_script };
    struct peer *peer = peer_start("events.sock", scripts, 3, NULL);
    struct layerd_subscribe_options options = { .from = "first" };
    struct layerd_subscription *subscription = subscribe(peer, &options);
    struct layerd_event event;
    struct layerd_failure failure;
    (void)state;
    expect_event(subscription, 1);
    expect_event(subscription, 2);
    assert_int_equal(layerd_event_next(subscription, TIMEOUT_MS, &event, &failure),
                     LAYERD_ERROR_DISCONNECTED);
    assert_int_equal(layerd_resume(subscription, TIMEOUT_MS, &failure), LAYERD_OK);
    assert_non_null(strstr(seen[1], "\"from\":{\"after\":2},\"expect_hash\":\"" HASH "\""));
    for (uint64_t seq = 3; seq <= 5; seq++)
        expect_event(subscription, seq);
    layerd_unsubscribe(subscription);
    peer_stop(peer);
}

/* A cursor of which nothing was acknowledged repeats from its start. */
static void repeating_script(int descriptor, void *context)
{
    (void)context;
    take_subscribe(descriptor, 1, "{\"sub\":1,\"start\":0,\"head\":9}");
    for (int seq = 1; seq <= 4; seq++)
        say_event(descriptor, seq);
    peer_read(descriptor, line);
}

static void what_a_cursor_repeats_is_not_given_twice(void **state)
{
    peer_script *const scripts[] = { broken_script, repeating_script };
    struct peer *peer = peer_start("events.sock", scripts, 2, NULL);
    struct layerd_subscribe_options options = { .from = "cursor:me" };
    struct layerd_subscription *subscription = subscribe(peer, &options);
    struct layerd_event event;
    struct layerd_failure failure;
    (void)state;
    expect_event(subscription, 1);
    expect_event(subscription, 2);
    assert_int_equal(layerd_event_next(subscription, TIMEOUT_MS, &event, &failure),
                     LAYERD_ERROR_DISCONNECTED);
    assert_int_equal(layerd_resume(subscription, TIMEOUT_MS, &failure), LAYERD_OK);
    assert_non_null(strstr(seen[1], "\"from\":{\"cursor\":\"me\"}"));
    assert_null(strstr(seen[1], "expect_hash"));
    expect_event(subscription, 3);
    expect_event(subscription, 4);
    layerd_unsubscribe(subscription);
    peer_stop(peer);
}

static void fork_script(int descriptor, void *context)
{
    (void)context;
    char refusal[128];
    peer_read(descriptor, line);
    snprintf(refusal, sizeof refusal,
             "{\"jsonrpc\":\"2.0\",\"id\":%llu,\"error\":{\"code\":1002,\"message\":\"other hash\"}}\n",
             peer_id(line));
    peer_say(descriptor, refusal);
}

static void a_replaced_log_is_noticed_and_not_followed(void **state)
{
    peer_script *const scripts[] = { broken_script, fork_script };
    struct peer *peer = peer_start("events.sock", scripts, 2, NULL);
    struct layerd_subscribe_options options = { .from = "first" };
    struct layerd_subscription *subscription = subscribe(peer, &options);
    struct layerd_event event;
    struct layerd_failure failure;
    (void)state;
    expect_event(subscription, 1);
    expect_event(subscription, 2);
    assert_int_equal(layerd_event_next(subscription, TIMEOUT_MS, &event, &failure),
                     LAYERD_ERROR_DISCONNECTED);
    assert_int_equal(layerd_resume(subscription, TIMEOUT_MS, &failure), LAYERD_ERROR_FORK);
    assert_int_equal(layerd_event_next(subscription, TIMEOUT_MS, &event, &failure),
                     LAYERD_ERROR_DISCONNECTED);
    assert_int_equal(layerd_acknowledge(subscription, 1, 0, &failure), LAYERD_ERROR_INVALID_PARAMS);
    layerd_unsubscribe(subscription);
    peer_stop(peer);
}

static void nonsense_script(int descriptor, void *context)
{
    (void)context;
    take_subscribe(descriptor, 0, "{\"sub\":1,\"start\":0,\"head\":9}");
    say_event(descriptor, 1);
    peer_say(descriptor, "{\"what\":\"is this\"}\n");
    say_event(descriptor, 2);
    peer_read(descriptor, line);
}

static void an_unknown_line_is_an_error_and_not_skipped(void **state)
{
    peer_script *const scripts[] = { nonsense_script };
    struct peer *peer = peer_start("events.sock", scripts, 1, NULL);
    struct layerd_subscription *subscription = subscribe(peer, NULL);
    struct layerd_event event;
    (void)state;
    expect_event(subscription, 1);
    assert_int_equal(layerd_event_next(subscription, TIMEOUT_MS, &event, NULL), LAYERD_ERROR_PROTOCOL);
    assert_int_equal(layerd_event_next(subscription, TIMEOUT_MS, &event, NULL), LAYERD_ERROR_DISCONNECTED);
    layerd_unsubscribe(subscription);
    peer_stop(peer);
}

static void waiting_ends_at_its_time_and_the_descriptor_can_be_polled(void **state)
{
    peer_script *const scripts[] = { stream_script };
    struct peer *peer = peer_start("events.sock", scripts, 1, NULL);
    struct layerd_subscription *subscription = subscribe(peer, NULL);
    struct pollfd polled = { .fd = layerd_subscription_descriptor(subscription), .events = POLLIN };
    struct layerd_event event;
    int events = 0;
    (void)state;
    while (events < 5) { /* 3 events, lost, end */
        enum layerd_error code = layerd_event_next(subscription, 0, &event, NULL);
        if (code == LAYERD_OK)
            events++;
        else
            assert_int_equal(code, LAYERD_ERROR_TIMEOUT);
        if (code != LAYERD_OK)
            assert_int_equal(poll(&polled, 1, TIMEOUT_MS), 1);
    }
    layerd_unsubscribe(subscription);
    peer_stop(peer);
}

int subscription_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_are_asked_for_and_marks_are_kept_back),
        cmocka_unit_test(with_marks_all_lines_are_given),
        cmocka_unit_test(a_bad_start_is_refused_before_it_is_asked),
        cmocka_unit_test(an_acknowledgement_waits_and_keeps_the_events_between),
        cmocka_unit_test(without_a_cursor_nothing_is_acknowledged),
        cmocka_unit_test(after_a_break_it_goes_on_behind_the_last_event_with_its_hash),
        cmocka_unit_test(what_a_cursor_repeats_is_not_given_twice),
        cmocka_unit_test(a_replaced_log_is_noticed_and_not_followed),
        cmocka_unit_test(an_unknown_line_is_an_error_and_not_skipped),
        cmocka_unit_test(waiting_ends_at_its_time_and_the_descriptor_can_be_polled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
