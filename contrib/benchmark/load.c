/* Many clients that pipeline: see load.h. */
#include "load.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory.h"
#include "measure.h"
#include "wire.h"

#define READ_SIZE ((size_t)64 * 1024)
#define EVENTS_AT_ONCE 64
#define ANSWER_END "\"repeated\":false}}"
#define ANSWER_END_SIZE (sizeof(ANSWER_END) - 1)
#define STEP_MS 100

void load_open(struct load *load, const char *path, const struct signed_lines *lines, size_t count,
               size_t window, size_t refill)
{
    *load = (struct load){
        .count = count, .window = window, .refill = refill, .epoll = epoll_create1(EPOLL_CLOEXEC)
    };
    load->connections = memory_array(count, sizeof(*load->connections));
    for (size_t i = 0; i < count; i++) {
        struct load_connection *c = &load->connections[i];
        struct epoll_event event = { .events = EPOLLIN, .data.ptr = c };

        c->lines = &lines[i];
        c->socket = wire_connect(path);
        if (fcntl(c->socket, F_SETFL, O_NONBLOCK) != 0 ||
            epoll_ctl(load->epoll, EPOLL_CTL_ADD, c->socket, &event) != 0)
            fatal("epoll: %s", strerror(errno));
    }
}

void load_close(struct load *load)
{
    for (size_t i = 0; i < load->count; i++) {
        close(load->connections[i].socket);
        buffer_close(&load->connections[i].input);
    }
    close(load->epoll);
    free(load->connections);
}

/* --- out -------------------------------------------------------------------------------------- */
static void watch_out(struct load *load, struct load_connection *c, bool wanted)
{
    struct epoll_event event = { .events = EPOLLIN | (wanted ? (uint32_t)EPOLLOUT : 0), .data.ptr = c };

    if (c->wants_out == wanted)
        return;
    c->wants_out = wanted;
    if (epoll_ctl(load->epoll, EPOLL_CTL_MOD, c->socket, &event) != 0)
        fatal("epoll: %s", strerror(errno));
}

static void send_planned(struct load *load, struct load_connection *c)
{
    size_t end = c->planned == 0 ? 0 : c->lines->ends[c->planned - 1];

    while (c->sent_bytes < end) {
        ssize_t sent = send(c->socket, c->lines->text.data + c->sent_bytes, end - c->sent_bytes,
                            MSG_NOSIGNAL);

        if (sent < 0 && errno != EAGAIN && errno != EINTR)
            fatal("layerd takes no more requests: %s", strerror(errno));
        if (sent < 0)
            break;
        c->sent_bytes += (size_t)sent;
    }
    watch_out(load, c, c->sent_bytes < end);
}

static void plan(struct load *load, struct load_connection *c)
{
    size_t free_places = load->window - (c->planned - c->answered), left = c->lines->count - c->planned;
    size_t more = free_places < left ? free_places : left;

    if (more == 0 || free_places < load->refill)
        return;
    c->planned += more;
    load->planned += more;
    send_planned(load, c);
}

size_t load_sent(const struct load *load)
{
    size_t sent = 0;

    for (size_t i = 0; i < load->count; i++) {
        const struct load_connection *c = &load->connections[i];
        size_t lines = c->planned;

        while (lines > 0 && c->lines->ends[lines - 1] > c->sent_bytes)
            lines--;
        sent += lines;
    }
    return sent;
}

/* --- in --------------------------------------------------------------------------------------- */
static void take_lines(struct load *load, struct load_connection *c)
{
    const char *at = (const char *)c->input.data, *end = at + c->input.size, *newline;

    while (at < end && (newline = memchr(at, '\n', (size_t)(end - at))) != NULL) {
        size_t size = (size_t)(newline - at);

        if (size < ANSWER_END_SIZE || memcmp(newline - ANSWER_END_SIZE, ANSWER_END, ANSWER_END_SIZE) != 0)
            fatal("a transfer was refused: %.*s", (int)size, at);
        c->answered++;
        load->answered++;
        at = newline + 1;
    }
    c->input.size = (size_t)(end - at);
    memmove(c->input.data, at, c->input.size);
}

static void take_input(struct load *load, struct load_connection *c)
{
    ssize_t got = recv(c->socket, buffer_reserve(&c->input, READ_SIZE), READ_SIZE, 0);

    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0)
        fatal("layerd closed a connection");
    c->input.size += (size_t)got;
    take_lines(load, c);
}

void load_step(struct load *load, bool send_more, int timeout_ms)
{
    struct epoll_event events[EVENTS_AT_ONCE];
    int count;

    for (size_t i = 0; send_more && i < load->count; i++)
        plan(load, &load->connections[i]);
    count = epoll_wait(load->epoll, events, EVENTS_AT_ONCE, timeout_ms);
    for (int i = 0; i < count; i++) {
        if ((events[i].events & EPOLLOUT) != 0)
            send_planned(load, events[i].data.ptr);
        if ((events[i].events & ~(uint32_t)EPOLLOUT) != 0)
            take_input(load, events[i].data.ptr);
    }
}

static bool has_more(const struct load *load)
{
    for (size_t i = 0; i < load->count; i++)
        if (load->connections[i].planned < load->connections[i].lines->count)
            return true;
    return false;
}

/* All that were sent may be answered in one step, on a busy machine, while there are more to be sent. */
double load_run(struct load *load, double seconds)
{
    int64_t begin = now_ns();
    size_t before = load->answered;

    do
        load_step(load, seconds_since(begin) < seconds, STEP_MS);
    while (load->answered < load->planned || (seconds_since(begin) < seconds && has_more(load)));
    return (double)(load->answered - before) / seconds_since(begin);
}
