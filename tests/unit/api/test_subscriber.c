/* One position for replay and live: histories of commits, stalls and partial writes over a ring of four
 * events, for every kind of subscriber. Whatever happens, each sees every matching event once, in order,
 * byte for byte. */
#include "test_api.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/cloudevents.h"
#include "api/subscriber.h"
#include "base/memory.h"
#include "kernel/event.h"

#define EVENTS_MAX 4000
#define READERS 12
#define TINY_RING 2048
#define TINY_ENTRIES 4

/* The log: what a database would hold. */
static struct event *events[EVENTS_MAX + 1];
static uint64_t newest;

static const char *const types[] = { "ledger.transferred", "ledger.asset_issued", "node.started",
                                     "a.forgotten_type" };

static void log_clear(void)
{
    for (uint64_t seq = 1; seq <= newest; seq++) {
        free((void *)events[seq]->subject);
        free((void *)events[seq]->body.data);
        free(events[seq]);
    }
    newest = 0;
}

static struct event *log_append(struct luck *luck)
{
    struct event *event = memory_new(sizeof *event);
    event->seq = ++newest;
    event->block = newest / 3;
    event->time_us = (int64_t)newest * 1000;
    event->type = types[luck_below(luck, 4)];
    if (luck_below(luck, 3) > 0)
        event->subject = text_format("asset/%" PRIu64, luck_below(luck, 3));
    char *body = text_format("{\"n\":%" PRIu64 ",\"text\":\"%*s\"}", newest, (int)luck_below(luck, 120), "");
    event->body = bytes_of_text(body);
    event->last = luck_below(luck, 2);
    memset(event->hash.bytes, (int)newest, sizeof event->hash.bytes);
    events[newest] = event;
    return event;
}

static unsigned version_of(const struct event *event)
{
    const struct event_type *type = event_type_find(event->type);
    return type == NULL ? 1 : type->version;
}

static void publish(struct ring *ring, const struct event *event)
{
    struct buffer CLEANUP(buffer_close) line = { 0 };
    event_line(event, version_of(event), &line);
    const char *subject = strstr(buffer_text(&line), "\"subject\":\"");
    ring_append(ring, line.data, line.size, (int16_t)event_type_index(event->type),
                subject == NULL ? 0 : (uint32_t)(subject - (char *)line.data) + 11,
                event->subject == NULL ? 0 : (uint16_t)strlen(event->subject));
}

static enum status read_log(void *context, uint64_t after, uint64_t limit,
                            bool (*each)(void *each_context, const struct event *event), void *each_context,
                            struct error *error)
{
    (void)context;
    (void)error;
    for (uint64_t seq = after + 1; seq <= newest && limit > 0; seq++, limit--)
        if (!each(each_context, events[seq]))
            break;
    return OK;
}

/* --- a client --------------------------------------------------------------------------------- */
struct reader {
    struct subscriber subscriber;
    uint64_t start;
    struct buffer pending;  /* output of the connection: goes out first */
    struct buffer received;
};

static const char *const filters[][2] = {
    { NULL, NULL }, { "['ledger.*']", NULL }, { "['node.started']", NULL }, { NULL, "['asset/1']" },
    { "['*']", "['asset/*']" }, { "['ledger.transferred']", "['asset/0','asset/2']" },
};

static void reader_open(struct reader *r, struct luck *luck, uint32_t id)
{
    *r = (struct reader){ .start = luck_below(luck, newest + 1) };
    r->subscriber = (struct subscriber){
        .id = id, .prefixed = luck_below(luck, 4) == 0, .format = (enum subscriber_format)luck_below(luck, 3),
        .node_id = "0011", .next = r->start + 1, .reported = r->start, .credit = NO_WINDOW, .replaying = true,
    };
    const char *const *filter = filters[luck_below(luck, sizeof filters / sizeof filters[0])];
    AUTO_JSON json_t *type_list = filter[0] == NULL ? NULL : quoted(filter[0]);
    AUTO_JSON json_t *subject_list = filter[1] == NULL ? NULL : quoted(filter[1]);
    struct error error;
    assert_int_equal(filter_compile(type_list, subject_list, &r->subscriber.filter, &error), OK);
}

static void reader_close(struct reader *r)
{
    filter_free(r->subscriber.filter);
    buffer_close(&r->pending);
    buffer_close(&r->received);
}

/* The client takes up to `room` bytes of what waits. */
static size_t take_pending(struct reader *r, size_t room)
{
    size_t taken = r->pending.size < room ? r->pending.size : room;
    if (taken == 0)
        return room;
    buffer_append(&r->received, r->pending.data, taken);
    memmove(r->pending.data, r->pending.data + taken, r->pending.size - taken);
    r->pending.size -= taken;
    return room - taken;
}

/* One turn as event_stream does it, with a socket that takes `room` bytes. */
static void reader_turn(struct reader *r, const struct ring *ring, struct turn *turn, size_t room)
{
    struct error error;
    room = take_pending(r, room);
    if (r->pending.size > 0)
        return;
    const struct event_source source = { read_log, NULL };
    assert_int_equal(subscriber_gather(&r->subscriber, ring, &source, turn, &error), OK);
    size_t sent = turn->bytes < room ? turn->bytes : room, copied = 0;
    for (size_t i = 0; i < turn->piece_count && copied < sent; i++) {
        size_t size = turn->pieces[i].iov_len < sent - copied ? turn->pieces[i].iov_len : sent - copied;
        buffer_append(&r->received, turn->pieces[i].iov_base, size);
        copied += size;
    }
    assert_int_equal(copied, sent);
    subscriber_advance(&r->subscriber, turn, sent, &r->pending);
    if (sent == turn->bytes)
        subscriber_tell(&r->subscriber, ring->head, false, &r->pending);
}

/* --- what it must have seen ------------------------------------------------------------------- */
static void expected_line(const struct reader *r, const struct event *event, struct buffer *out)
{
    const struct subscriber *s = &r->subscriber;
    struct buffer CLEANUP(buffer_close) line = { 0 }, other = { 0 };
    struct line_parts parts;
    event_line(event, version_of(event), &line);
    assert_true(line_parse((const char *)line.data, line.size, &parts));
    if (s->format == FORMAT_CLOUDEVENTS)
        cloudevent_write(&other, &parts, s->node_id);
    else if (s->format == FORMAT_NOTIFY)
        notice_write(&other, &parts);
    else
        buffer_append(&other, line.data, line.size - 1);
    if (s->prefixed) {
        buffer_append_format(out, "{\"sub\":%" PRIu32 ",", s->id);
        buffer_append(out, other.data + 1, other.size - 1);
    } else {
        buffer_append(out, other.data, other.size);
    }
    buffer_append(out, "\n", 1);
}

static bool wanted(const struct reader *r, const struct event *event)
{
    struct buffer CLEANUP(buffer_close) scratch = { 0 };
    return r->subscriber.filter == NULL
           || filter_matches_name(r->subscriber.filter, event->type,
                                  filter_subject(event->subject, &scratch));
}

/* Takes lines about the stream at `at` out of the comparison; each must tell no more than was sent. */
static const char *skip_marks(const struct reader *r, const char *at, const char *end, uint64_t examined)
{
    for (;;) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        if (newline == NULL)
            return at;
        AUTO_JSON json_t *line = NULL;
        struct error error;
        assert_int_equal(json_parse(at, (size_t)(newline - at), &line, &error), OK);
        const json_t *mark = json_object_get(line, "caught_up");
        if (mark == NULL)
            mark = json_object_get(line, "progress");
        if (mark == NULL)
            return at;
        assert_true((uint64_t)json_integer_value(mark) >= examined);
        assert_int_equal(json_object_get(line, "sub") != NULL, r->subscriber.prefixed);
        at = newline + 1;
    }
}

static void check_received(const struct reader *r)
{
    const char *at = (const char *)r->received.data, *end = at + r->received.size;
    uint64_t sent = r->start;
    for (uint64_t seq = r->start + 1; seq <= newest; seq++) {
        if (!wanted(r, events[seq]))
            continue;
        struct buffer CLEANUP(buffer_close) line = { 0 };
        expected_line(r, events[seq], &line);
        at = skip_marks(r, at, end, sent);
        if ((size_t)(end - at) < line.size || memcmp(at, line.data, line.size) != 0)
            give_up("reader %" PRIu32 ": event %" PRIu64 " is not where it must be", r->subscriber.id, seq);
        at += line.size;
        sent = seq;
    }
    at = skip_marks(r, at, end, sent);
    assert_ptr_equal(at, end);
}

static void each_reader_sees_every_matching_event_once_in_order(void **state)
{
    (void)state;
    struct luck luck = luck_new();
    static struct turn turn;
    turn_open(&turn);
    for (int history = 0; history < 30; history++) {
        struct ring ring;
        struct reader readers[READERS];
        for (uint64_t before = luck_below(&luck, 50); before > 0; before--)
            log_append(&luck);
        ring_open(&ring, TINY_RING, TINY_ENTRIES, newest);
        for (uint32_t i = 0; i < READERS; i++)
            reader_open(&readers[i], &luck, i + 1);
        for (int step = 0; step < 1500; step++) {
            if (luck_below(&luck, 4) == 0)
                for (uint64_t more = 1 + luck_below(&luck, 6); more > 0 && newest < EVENTS_MAX; more--)
                    publish(&ring, log_append(&luck));
            struct reader *r = &readers[luck_below(&luck, READERS)];
            reader_turn(r, &ring, &turn,
                        luck_below(&luck, 3) == 0 ? luck_below(&luck, 40) : luck_below(&luck, 3000));
        }
        for (size_t i = 0; i < READERS; i++) {
            while (readers[i].pending.size > 0 || subscriber_has_work(&readers[i].subscriber, ring.head))
                reader_turn(&readers[i], &ring, &turn, SIZE_MAX);
            check_received(&readers[i]);
            reader_close(&readers[i]);
        }
        ring_close(&ring);
        log_clear();
    }
    turn_close(&turn);
}

/* --- single facts ----------------------------------------------------------------------------- */
struct world {
    struct luck luck;
    struct ring ring;
    struct turn *turn;
};

static void world_open(struct world *w, uint64_t count)
{
    w->luck = (struct luck){ 7 };
    w->turn = memory_new(sizeof *w->turn);
    turn_open(w->turn);
    ring_open(&w->ring, 1 << 20, 0, 0);
    for (uint64_t i = 0; i < count; i++)
        publish(&w->ring, log_append(&w->luck));
}

static void world_close(struct world *w)
{
    turn_close(w->turn);
    free(w->turn);
    ring_close(&w->ring);
    log_clear();
}

static struct reader plain(uint64_t after)
{
    struct reader r = { .start = after };
    r.subscriber = (struct subscriber){
        .id = 1, .next = after + 1, .reported = after, .credit = NO_WINDOW, .replaying = true
    };
    return r;
}

static size_t count_lines(const struct reader *r)
{
    size_t count = 0;
    for (size_t i = 0; i < r->received.size; i++)
        count += r->received.data[i] == '\n';
    return count;
}

static void a_window_lets_as_many_events_through_as_it_says(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, 20);
    struct reader r = plain(0);
    r.subscriber.credit = 7;
    for (int i = 0; i < 5; i++)
        reader_turn(&r, &w.ring, w.turn, SIZE_MAX);
    assert_int_equal(count_lines(&r), 7);
    assert_false(subscriber_has_work(&r.subscriber, w.ring.head));
    r.subscriber.credit += 2;
    reader_turn(&r, &w.ring, w.turn, SIZE_MAX);
    assert_int_equal(count_lines(&r), 9);
    assert_int_equal(r.subscriber.next, 10);
    reader_close(&r);
    world_close(&w);
}

static void a_window_counts_a_line_that_was_cut(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, 5);
    struct reader r = plain(0);
    r.subscriber.credit = 1;
    reader_turn(&r, &w.ring, w.turn, 10);
    assert_int_equal(r.subscriber.credit, 0);
    assert_true(r.pending.size > 0);
    reader_turn(&r, &w.ring, w.turn, SIZE_MAX);
    assert_int_equal(count_lines(&r), 1);
    reader_close(&r);
    world_close(&w);
}

static void until_is_the_last_event_sent(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, 20);
    struct reader r = plain(3);
    r.subscriber.until = 8;
    reader_turn(&r, &w.ring, w.turn, SIZE_MAX);
    assert_int_equal(count_lines(&r), 5);
    assert_true(subscriber_is_over(&r.subscriber));
    struct buffer CLEANUP(buffer_close) end = { 0 };
    subscriber_end(&r.subscriber, "until", &end);
    assert_string_equal(buffer_text(&end), "{\"end\":{\"sub\":1,\"why\":\"until\",\"next\":9}}\n");
    reader_close(&r);
    world_close(&w);
}

static void who_caught_up_is_told_once(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, 3);
    struct reader r = plain(3);
    reader_turn(&r, &w.ring, w.turn, SIZE_MAX);
    reader_turn(&r, &w.ring, w.turn, SIZE_MAX);
    publish(&w.ring, log_append(&w.luck));
    reader_turn(&r, &w.ring, w.turn, SIZE_MAX);
    reader_turn(&r, &w.ring, w.turn, SIZE_MAX);
    assert_int_equal(count_lines(&r), 2);
    assert_memory_equal(r.received.data, "{\"caught_up\":3}\n{\"seq\":4,", 24);
    reader_close(&r);
    world_close(&w);
}

static void what_is_skipped_is_told_with_its_bounds(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, 10);
    struct reader r = plain(2);
    assert_int_equal(subscriber_lag(&r.subscriber, w.ring.head), 8);
    subscriber_skip(&r.subscriber, 6);
    subscriber_skip(&r.subscriber, w.ring.head);
    assert_true(subscriber_has_work(&r.subscriber, w.ring.head));
    struct buffer CLEANUP(buffer_close) line = { 0 };
    subscriber_tell_lost(&r.subscriber, &line);
    subscriber_tell_lost(&r.subscriber, &line);
    assert_string_equal(buffer_text(&line), "{\"lost\":{\"from\":3,\"to\":10,\"why\":\"skip\"}}\n");
    assert_int_equal(r.subscriber.next, 11);
    reader_close(&r);
    world_close(&w);
}

static void a_filter_that_lets_nothing_through_still_shows_progress(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, 10);
    struct reader r = plain(0);
    struct error error;
    AUTO_JSON json_t *subjects = quoted("['nobody']");
    assert_int_equal(filter_compile(NULL, subjects, &r.subscriber.filter, &error), OK);
    r.subscriber.replaying = false;
    reader_turn(&r, &w.ring, w.turn, SIZE_MAX);
    assert_int_equal(r.pending.size, 0); /* less than 1,000 events: only with the clock's tick */
    subscriber_tell(&r.subscriber, w.ring.head, true, &r.pending);
    assert_string_equal(buffer_text(&r.pending), "{\"progress\":10}\n");
    subscriber_tell(&r.subscriber, w.ring.head, true, &r.pending);
    assert_string_equal(buffer_text(&r.pending), "{\"progress\":10}\n");
    for (int i = 0; i < 1000; i++)
        publish(&w.ring, log_append(&w.luck));
    reader_turn(&r, &w.ring, w.turn, SIZE_MAX);
    assert_string_equal(buffer_text(&r.pending), "{\"progress\":1010}\n");
    reader_close(&r);
    world_close(&w);
}

static enum status broken_read(void *context, uint64_t after, uint64_t limit,
                               bool (*each)(void *each_context, const struct event *event),
                               void *each_context, struct error *error)
{
    (void)context;
    (void)after;
    (void)limit;
    (void)each;
    (void)each_context;
    return error_set(error, ERROR_STORAGE, "the disk is gone");
}

static void what_cannot_be_read_moves_nobody(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, 10);
    ring_skip(&w.ring, 10); /* nothing lost, but a later ring */
    w.ring.tail = 11;
    struct reader r = plain(0);
    struct error error;
    const struct event_source broken = { broken_read, NULL };
    assert_int_equal(subscriber_gather(&r.subscriber, &w.ring, &broken, w.turn, &error), ERROR_STORAGE);
    assert_int_equal(r.subscriber.next, 1);
    reader_close(&r);
    world_close(&w);
}

static void a_heartbeat_carries_head_and_time(void **state)
{
    (void)state;
    struct buffer CLEANUP(buffer_close) line = { 0 };
    struct subscriber s = { .id = 3 };
    subscriber_heartbeat(&s, 17, 99, &line);
    s.prefixed = true;
    subscriber_heartbeat(&s, 17, 99, &line);
    assert_string_equal(buffer_text(&line),
                        "{\"heartbeat\":17,\"ts\":99}\n{\"sub\":3,\"heartbeat\":17,\"ts\":99}\n");
}

int subscriber_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_reader_sees_every_matching_event_once_in_order),
        cmocka_unit_test(a_window_lets_as_many_events_through_as_it_says),
        cmocka_unit_test(a_window_counts_a_line_that_was_cut),
        cmocka_unit_test(until_is_the_last_event_sent),
        cmocka_unit_test(who_caught_up_is_told_once),
        cmocka_unit_test(what_is_skipped_is_told_with_its_bounds),
        cmocka_unit_test(a_filter_that_lets_nothing_through_still_shows_progress),
        cmocka_unit_test(what_cannot_be_read_moves_nobody),
        cmocka_unit_test(a_heartbeat_carries_head_and_time),
    };
    return cmocka_run_group_tests_name("subscriber", tests, NULL, NULL);
}
