/* What clients make the node keep, by the memory that holds it: a server of layerd.sock whose I/O thread is
 * the test itself, so that it can look between any two steps. */
#include "api_house.h"

#include <errno.h>
#include <event2/event.h>
#include <semaphore.h>
#include <string.h>
#include <sys/socket.h>

#include "api/rpc_server.h"
#include "base/clock.h"
#include "base/memory.h"

#define WORKERS 2           /* of the house */
#define CLIENTS 30
#define LINES 10            /* that each client sends at once */
#define LINE_SIZE 6000
#define REPLY_SIZE 262200   /* a little more than a power of two, and than a socket takes */
#define REPLY_MEMORY (512 << 10)
#define PATIENCE_US (60 * MICROSECONDS_PER_SECOND)

struct gate {
    struct work work;
    sem_t *reached, *opened;
};

struct room {
    struct house house;
    struct event_base *base;
    struct wake wake;
    struct rpc_server *server;
    atomic_uint_fast64_t connections, refused, requests;
    sem_t reached, opened;
    struct gate gates[WORKERS];
    struct client clients[CLIENTS];
    size_t lines[CLIENTS]; /* that came back */
};

static void collect(void *context)
{
    struct room *room = context;
    if (room->server != NULL)
        rpc_server_collect(room->server);
}

static void turn(struct room *room)
{
    event_base_loop(room->base, EVLOOP_NONBLOCK);
}

/* One of the turns of a wait that began with `end` still to come. */
static void turn_before(struct room *room, int64_t end)
{
    turn(room);
    assert_true(clock_monotonic_us() < end);
}

static int64_t patience_ends(void)
{
    return clock_monotonic_us() + PATIENCE_US;
}

static const struct budget *budget_of(const struct room *room)
{
    return &room->server->listener->budget;
}

static size_t charged(const struct room *room, enum budget_kind kind)
{
    return atomic_load(&budget_of(room)->bytes[kind]);
}

static size_t share(const struct room *room, enum budget_kind kind)
{
    return budget_of(room)->most[kind] / 2;
}

static void room_open(struct room *room, size_t most)
{
    *room = (struct room){ 0 };
    house_open(&room->house, NULL);
    room->base = event_base_new();
    wake_open(&room->wake, room->base, collect, room);
    char *AUTO_FREE path = text_format("%s/other.sock", room->house.directory);
    const struct rpc_server_options options = {
        .listener = { .base = room->base, .path = path, .connections_max = 100, .connections_per_uid = 100,
                      .kept_bytes_max = most, .line_timeout_us = PATIENCE_US,
                      .connection_count = &room->connections, .refused_count = &room->refused },
        .wake = &room->wake,
        .kernel = room->house.kernel,
        .request_count = &room->requests,
        .calls_max = SIZE_MAX,
        .calls_bytes_max = SIZE_MAX,
    };
    struct error error;
    assert_int_equal(rpc_server_open(&options, &room->server, &error), OK);
    for (size_t i = 0; i < CLIENTS; i++)
        client_open(&room->clients[i], &room->house, "other.sock");
    int64_t end = patience_ends();
    while (room->server->listener->count < CLIENTS)
        turn_before(room, end);
    for (struct connection *c = room->server->listener->connections; c != NULL; c = c->next)
        c->caller.operator_ = false; /* who is one is always heard */
}

/* Requests: white space is allowed in JSON, and takes room while it waits. */
static void append_requests(struct buffer *text, size_t count, const char *call)
{
    for (size_t i = 0; i < count; i++) {
        size_t begun = text->size;
        buffer_append_format(text, "{\"jsonrpc\":\"2.0\",\"id\":%zu,\"method\":%s", i, call);
        while (text->size - begun < LINE_SIZE - 2)
            buffer_append(text, " ", 1);
        buffer_append(text, "}\n", 2);
    }
}

/* The method and parameters of what is answered with REPLY_SIZE. */
static char *large_call(void)
{
    return text_format("\"sql\",\"params\":{\"query\":\"SELECT printf('%%.%dc','x')\"}", REPLY_SIZE);
}

/* Each client's. */
static void send_requests(struct room *room)
{
    struct buffer CLEANUP(buffer_close) text = { 0 };
    char *AUTO_FREE call = large_call();
    append_requests(&text, LINES, call);
    for (size_t i = 0; i < CLIENTS; i++)
        client_send(&room->clients[i], buffer_text(&text));
}

static void wait_at_gate(struct work *work, size_t worker)
{
    (void)worker;
    struct gate *gate = (struct gate *)work;
    sem_post(gate->reached);
    while (sem_wait(gate->opened) != 0)
        assert_int_equal(errno, EINTR);
}

/* No worker comes to any request until workers_go_on. */
static void workers_stop_here(struct room *room)
{
    sem_init(&room->reached, 0, 0);
    sem_init(&room->opened, 0, 0);
    for (size_t i = 0; i < WORKERS; i++) {
        room->gates[i] = (struct gate){ { wait_at_gate }, &room->reached, &room->opened };
        assert_true(workers_submit(kernel_workers(room->house.kernel), &room->gates[i].work));
    }
    for (size_t i = 0; i < WORKERS; i++)
        while (sem_wait(&room->reached) != 0)
            assert_int_equal(errno, EINTR);
}

static void workers_go_on(struct room *room)
{
    for (size_t i = 0; i < WORKERS; i++)
        sem_post(&room->opened);
}

struct held { size_t memory[BUDGET_KINDS]; bool steady; };

/* What the buffers take that the budget is about. Only when it is steady are they the test's to look at. */
static struct held held(const struct room *room)
{
    struct held held = { .steady = true };
    for (struct connection *c = room->server->listener->connections; c != NULL; c = c->next) {
        struct rpc_connection *r = (struct rpc_connection *)c;
        pthread_mutex_lock(&r->lock);
        held.steady = held.steady && !r->running && !r->woken;
        held.memory[BUDGET_OUTPUT] += r->replies.capacity;
        held.memory[BUDGET_INPUT] += r->parked ? r->lines.capacity + r->backlog.capacity : 0;
        pthread_mutex_unlock(&r->lock);
        held.memory[BUDGET_OUTPUT] += connection_unsent(c) > 0 ? c->output.capacity : 0;
        held.memory[BUDGET_INPUT] += c->framer.partial.size;
    }
    return held;
}

static void assert_is_bounded(const struct room *room)
{
    /* a worker's reply is charged a second time while it is handed over */
    assert_in_range(charged(room, BUDGET_OUTPUT), 0,
                    share(room, BUDGET_OUTPUT) + (WORKERS + 1) * REPLY_MEMORY);
    /* what is parked may lie in twice its memory; who is in the middle of a line is read on */
    size_t input = budget_of(room)->most[BUDGET_INPUT] + 2 * share(room, BUDGET_WAITING);
    assert_in_range(charged(room, BUDGET_INPUT), 0, input + 2 * LISTENER_READ_SIZE);
}

static struct held settle(struct room *room)
{
    int64_t end = patience_ends();
    for (;;) {
        turn_before(room, end);
        assert_is_bounded(room);
        struct held now = held(room);
        if (now.steady)
            return now;
    }
}

static void room_close(struct room *room)
{
    for (size_t i = 0; i < CLIENTS; i++)
        client_close(&room->clients[i]);
    int64_t end = patience_ends();
    while (room->server->listener->count > 0 || atomic_load(&room->server->in_flight) > 0)
        turn_before(room, end);
    house_stop(&room->house); /* no worker hands over anything after this */
    rpc_server_collect(room->server);
    for (size_t kind = 0; kind < BUDGET_KINDS; kind++)
        assert_int_equal(charged(room, kind), 0);
    rpc_server_close(room->server);
    wake_close(&room->wake);
    house_close(&room->house);
    event_base_free(room->base);
}

/* Before the first of them is begun, which is when nothing is spent yet. */
static void no_more_is_read_than_may_wait_when_no_worker_comes(void **state)
{
    (void)state;
    static struct room room;
    room_open(&room, 2 << 20);
    workers_stop_here(&room);
    send_requests(&room);
    for (int turns = 0; turns < 10 * CLIENTS; turns++)
        turn(&room);
    size_t waiting = charged(&room, BUDGET_WAITING);
    assert_in_range(waiting, share(&room, BUDGET_WAITING), share(&room, BUDGET_WAITING) + LISTENER_READ_SIZE);
    assert_true(waiting < (size_t)CLIENTS * LINES * LINE_SIZE / 2);
    assert_int_equal(charged(&room, BUDGET_OUTPUT), 0);
    workers_go_on(&room);
    settle(&room);
    assert_int_equal(charged(&room, BUDGET_WAITING), 0); /* it is parked behind replies that nobody reads */
    assert_true(charged(&room, BUDGET_INPUT) > 0);
    room_close(&room);
}

static void a_reply_that_was_read_in_part_counts_as_the_memory_it_lies_in(void **state)
{
    (void)state;
    static struct room room;
    room_open(&room, 4 << 20);
    send_requests(&room);
    struct held now = settle(&room); /* steady, or it fails */
    for (int turns = 0; turns < 10 * CLIENTS; turns++)
        now = settle(&room);
    assert_true(now.memory[BUDGET_OUTPUT] > 0);
    assert_int_equal(charged(&room, BUDGET_OUTPUT), now.memory[BUDGET_OUTPUT]);
    assert_int_equal(charged(&room, BUDGET_INPUT), now.memory[BUDGET_INPUT]);
    size_t unread = 0;
    for (struct connection *c = room.server->listener->connections; c != NULL; c = c->next)
        unread += connection_unsent(c);
    assert_true(now.memory[BUDGET_OUTPUT] < 2 * unread); /* and the memory follows what is left */
    room_close(&room);
}

/* What has come for the first `count` clients, none of which may be closed. */
static void read_replies(struct room *room, size_t count)
{
    static char text[1 << 20];
    for (size_t i = 0; i < count; i++) {
        ssize_t got = recv(room->clients[i].descriptor, text, sizeof text, MSG_DONTWAIT);
        assert_true(got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR)));
        for (ssize_t at = 0; at < got; at++)
            room->lines[i] += text[at] == '\n';
    }
}

static bool have_read(const struct room *room, size_t count, size_t lines)
{
    for (size_t i = 0; i < count; i++)
        if (room->lines[i] < lines)
            return false;
    return true;
}

/* One reply is as much as the user's share, so that calls have to wait for each other nearly all the time. */
static void clients_that_read_get_all_their_replies_from_the_smallest_budget(void **state)
{
    (void)state;
    static struct room room;
    room_open(&room, 1 << 20);
    assert_true(share(&room, BUDGET_OUTPUT) < REPLY_MEMORY);
    send_requests(&room);
    int64_t end = patience_ends();
    while (!have_read(&room, CLIENTS, LINES)) {
        turn_before(&room, end);
        assert_is_bounded(&room);
        read_replies(&room, CLIENTS);
    }
    settle(&room);
    read_replies(&room, CLIENTS);
    for (size_t i = 0; i < CLIENTS; i++)
        assert_int_equal(room.lines[i], LINES);
    assert_int_equal(room.server->listener->count, CLIENTS);
    for (size_t kind = 0; kind < BUDGET_KINDS; kind++)
        assert_int_equal(charged(&room, kind), 0);
    room_close(&room);
}

static void ask_for_a_large_reply(struct room *room, size_t client)
{
    struct buffer CLEANUP(buffer_close) text = { 0 };
    char *AUTO_FREE call = large_call();
    append_requests(&text, 1, call);
    client_send(&room->clients[client], buffer_text(&text));
}

/* Clients from `first` on leave a reply unread each, until the next would spend the share; who comes next. */
static size_t nearly_spend_output(struct room *room, size_t first)
{
    size_t client = first, before = 0, one = 0;
    while (before + one < share(room, BUDGET_OUTPUT)) {
        assert_true(client < CLIENTS);
        ask_for_a_large_reply(room, client++);
        int64_t end = patience_ends();
        while (charged(room, BUDGET_OUTPUT) <= before || !held(room).steady)
            turn_before(room, end);
        one = charged(room, BUDGET_OUTPUT) - before;
        before += one;
    }
    return client;
}

static void wait_until_waiting(struct room *room, size_t bytes)
{
    int64_t end = patience_ends();
    while (charged(room, BUDGET_WAITING) < bytes)
        turn_before(room, end);
}

/* As much as a socket takes at a time. */
static void send_in_pieces(struct room *room, size_t client, const struct buffer *text)
{
    int64_t end = patience_ends();
    for (size_t at = 0; at < text->size;) {
        ssize_t sent = send(room->clients[client].descriptor, text->data + at, text->size - at, MSG_DONTWAIT);
        assert_true(sent > 0 || (sent < 0 && (errno == EAGAIN || errno == EINTR)));
        at += sent > 0 ? (size_t)sent : 0;
        turn_before(room, end);
    }
}

/* Their requests wait for room that the deaf clients of the same user take, and are most of what is kept. */
static void clients_that_read_are_not_starved_by_the_deaf(void **state)
{
    (void)state;
    enum { READERS = 4, MINE = 40 };
    static struct room room;
    struct buffer CLEANUP(buffer_close) text = { 0 };
    room_open(&room, 4 << 20);
    size_t deaf = nearly_spend_output(&room, READERS);
    workers_stop_here(&room); /* so that the last two of the deaf come before all who read */
    assert_true(deaf + 2 <= CLIENTS);
    ask_for_a_large_reply(&room, deaf);
    ask_for_a_large_reply(&room, deaf + 1);
    wait_until_waiting(&room, (size_t)2 * LINE_SIZE);
    append_requests(&text, MINE, "\"node.info\"");
    for (size_t i = 0; i < READERS; i++)
        send_in_pieces(&room, i, &text);
    wait_until_waiting(&room, 2 * LINE_SIZE + READERS * text.size);
    workers_go_on(&room);
    int64_t end = patience_ends();
    while (charged(&room, BUDGET_WAITING) > 0) /* nothing is collected, so that all who read are parked */
        assert_true(clock_monotonic_us() < end);
    assert_in_range(charged(&room, BUDGET_INPUT), READERS * text.size, SIZE_MAX);
    end = patience_ends();
    while (!have_read(&room, READERS, MINE)) {
        turn_before(&room, end);
        read_replies(&room, READERS);
    }
    assert_true(room.server->listener->count < CLIENTS);
    room_close(&room);
}

int kept_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_more_is_read_than_may_wait_when_no_worker_comes),
        cmocka_unit_test(a_reply_that_was_read_in_part_counts_as_the_memory_it_lies_in),
        cmocka_unit_test(clients_that_read_get_all_their_replies_from_the_smallest_budget),
        cmocka_unit_test(clients_that_read_are_not_starved_by_the_deaf),
    };
    return cmocka_run_group_tests_name("kept", tests, NULL, NULL);
}
