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
    while (room->server->listener->count < CLIENTS)
        turn(room);
    for (struct connection *c = room->server->listener->connections; c != NULL; c = c->next)
        c->caller.operator_ = false; /* who is one is always heard */
}

/* Each client's requests: white space is allowed in JSON, and takes room while it waits. */
static void send_requests(struct room *room)
{
    struct buffer CLEANUP(buffer_close) text = { 0 };
    for (size_t i = 0; i < LINES; i++) {
        size_t begun = text.size;
        buffer_append_format(&text, "{\"jsonrpc\":\"2.0\",\"id\":%zu,\"method\":\"sql\",", i);
        buffer_append_format(&text, "\"params\":{\"query\":\"SELECT printf('%%.%dc','x')\"}", REPLY_SIZE);
        while (text.size - begun < LINE_SIZE - 2)
            buffer_append(&text, " ", 1);
        buffer_append(&text, "}\n", 2);
    }
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
    int64_t end = clock_monotonic_us() + PATIENCE_US;
    for (;;) {
        turn(room);
        assert_is_bounded(room);
        struct held now = held(room);
        if (now.steady)
            return now;
        assert_true(clock_monotonic_us() < end);
    }
}

static void room_close(struct room *room)
{
    for (size_t i = 0; i < CLIENTS; i++)
        client_close(&room->clients[i]);
    int64_t end = clock_monotonic_us() + PATIENCE_US;
    while (room->server->listener->count > 0 || atomic_load(&room->server->in_flight) > 0) {
        turn(room);
        assert_true(clock_monotonic_us() < end);
    }
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
    struct held now = settle(&room);
    for (int turns = 0; turns < 10 * CLIENTS || !now.steady; turns++)
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

static void read_replies(struct room *room)
{
    static char text[1 << 20];
    for (size_t i = 0; i < CLIENTS; i++) {
        ssize_t got = recv(room->clients[i].descriptor, text, sizeof text, MSG_DONTWAIT);
        assert_true(got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR)));
        for (ssize_t at = 0; at < got; at++)
            room->lines[i] += text[at] == '\n';
    }
}

/* One reply is as much as the user's share, so that calls have to wait for each other nearly all the time. */
static void clients_that_read_get_all_their_replies_from_the_smallest_budget(void **state)
{
    (void)state;
    static struct room room;
    room_open(&room, 1 << 20);
    assert_true(share(&room, BUDGET_OUTPUT) < REPLY_MEMORY);
    send_requests(&room);
    int64_t end = clock_monotonic_us() + PATIENCE_US;
    for (size_t done = 0; done < CLIENTS;) {
        turn(&room);
        assert_is_bounded(&room);
        read_replies(&room);
        done = 0;
        for (size_t i = 0; i < CLIENTS; i++)
            done += room.lines[i] == LINES;
        assert_true(clock_monotonic_us() < end);
    }
    settle(&room);
    read_replies(&room);
    for (size_t i = 0; i < CLIENTS; i++)
        assert_int_equal(room.lines[i], LINES);
    assert_int_equal(room.server->listener->count, CLIENTS);
    for (size_t kind = 0; kind < BUDGET_KINDS; kind++)
        assert_int_equal(charged(&room, kind), 0);
    room_close(&room);
}

int kept_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_more_is_read_than_may_wait_when_no_worker_comes),
        cmocka_unit_test(a_reply_that_was_read_in_part_counts_as_the_memory_it_lies_in),
        cmocka_unit_test(clients_that_read_get_all_their_replies_from_the_smallest_budget),
    };
    return cmocka_run_group_tests_name("kept", tests, NULL, NULL);
}
