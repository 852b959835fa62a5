/* Level-triggered and one read a turn, so that no client keeps the loop from the others. What was read is
 * wiped at once: requests may carry passphrases. */
#include "api/connection.h"

#include <errno.h>
#include <poll.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/listener.h"
#include "api/request.h"
#include "base/clock.h"
#include "base/memory.h"

#define OUTPUT_KEPT_MAX (4 * 1024) /* memory of an empty output that a connection keeps */

static void on_readable(void *context);
static void on_writable(void *context);

struct connection *connection_new(struct listener *listener, struct budget_user *user, int descriptor,
                                  const struct caller *caller)
{
    const struct connection_handler *handler = listener->options.handler;
    struct connection *c = memory_new(handler->size);
    c->listener = listener;
    c->handler = handler;
    c->caller = *caller;
    c->user = user;
    atomic_fetch_add(&user->holders, 1);
    c->active_us = clock_monotonic_us();
    c->descriptor = descriptor;
    atomic_init(&c->references, 1);
    line_framer_init(&c->framer, handler->line_max);
    buffer_init(&c->output);
    watch_open(&c->readable, listener->options.base, WATCH_READ, descriptor, on_readable, c);
    watch_open(&c->writable, listener->options.base, WATCH_WRITE, descriptor, on_writable, c);
    handler->opened(c);
    connection_resume(c);
    return c;
}

void connection_hold(struct connection *c)
{
    atomic_fetch_add(&c->references, 1);
}

void connection_release(struct connection *c)
{
    if (atomic_fetch_sub(&c->references, 1) != 1)
        return;
    INVARIANT(c->closed, "the last reference to an open connection went away");
    c->handler->destroyed(c);
    for (size_t kind = 0; kind < BUDGET_KINDS; kind++)
        INVARIANT(atomic_load(&c->kept[kind]) == 0, "%zu bytes of a connection that is gone are charged",
                  atomic_load(&c->kept[kind]));
    atomic_fetch_sub(&c->user->holders, 1);
    free(c);
}

void connection_close(struct connection *c)
{
    if (c->closed)
        return;
    c->closed = true;
    c->reading = c->blocked = false;
    watch_close(&c->readable);
    watch_close(&c->writable);
    close(c->descriptor);
    c->descriptor = -1;
    connection_recharge(c, BUDGET_OUTPUT, &c->output_charged, 0);
    connection_recharge(c, BUDGET_INPUT, &c->line_charged, 0);
    buffer_close(&c->output);
    c->sent = 0;
    line_framer_close(&c->framer);
    listener_forget(c->listener, c);
    c->handler->closed(c);
    connection_release(c);
}

/* --- the budget ------------------------------------------------------------------------------- */
void connection_charge(struct connection *c, enum budget_kind kind, size_t bytes)
{
    atomic_fetch_add(&c->kept[kind], bytes);
    budget_charge(&c->listener->budget, c->user, kind, bytes);
}

void connection_refund(struct connection *c, enum budget_kind kind, size_t bytes)
{
    atomic_fetch_sub(&c->kept[kind], bytes);
    budget_refund(&c->listener->budget, c->user, kind, bytes);
}

void connection_recharge(struct connection *c, enum budget_kind kind, size_t *charged, size_t bytes)
{
    if (bytes > *charged)
        connection_charge(c, kind, bytes - *charged);
    else if (bytes < *charged)
        connection_refund(c, kind, *charged - bytes);
    *charged = bytes;
}

bool connection_may_begin(const struct connection *c, size_t unread)
{
    const struct budget *budget = &c->listener->budget;
    return unread < CONNECTION_OUTPUT_PAUSE && !budget_is_spent(budget, c->user, BUDGET_OUTPUT)
           && (unread == 0 || !budget_is_tight(budget, c->user));
}

bool connection_may_read(struct connection *c)
{
    const struct budget *budget = &c->listener->budget;
    bool spent;
    if (atomic_load(&c->kept[BUDGET_INPUT]) - c->line_charged >= CONNECTION_INPUT_PAUSE)
        return false;
    if (c->caller.operator_ && connection_unsent(c) == 0)
        return true; /* the operator is heard whatever the others do */
    if (line_framer_in_line(&c->framer)) /* what makes it shorter is to read on */
        spent = budget_is_exhausted(budget, BUDGET_INPUT);
    else
        spent = budget_is_spent(budget, c->user, BUDGET_INPUT)
                || budget_is_spent(budget, c->user, BUDGET_OUTPUT);
    spent = spent || budget_is_spent(budget, c->user, BUDGET_WAITING);
    if (spent)
        relief_ask(c->listener);
    return !spent;
}

/* --- reading ---------------------------------------------------------------------------------- */
static void update_reading(struct connection *c)
{
    bool wanted = !c->closed && !c->paused && !c->end && !c->close_when_sent;
    if (wanted == c->reading)
        return;
    c->reading = wanted;
    if (!wanted) {
        watch_stop(&c->readable);
        return;
    }
    c->line_begun_us = clock_monotonic_us(); /* while paused the client could not finish its line */
    watch_start(&c->readable);
}

void connection_pause(struct connection *c)
{
    c->paused = true;
    update_reading(c);
}

void connection_resume(struct connection *c)
{
    c->paused = false;
    update_reading(c);
}

void connection_close_when_sent(struct connection *c)
{
    c->close_when_sent = true;
    update_reading(c);
    if (connection_flush(c))
        connection_close(c);
}

/* The client sends no more. When it has gone altogether there is nobody to write to either. */
static void input_ended(struct connection *c)
{
    struct pollfd state = { .fd = c->descriptor };
    if (poll(&state, 1, 0) == 1 && (state.revents & (POLLHUP | POLLERR)) != 0) {
        connection_close(c);
        return;
    }
    c->end = true;
    update_reading(c);
    c->handler->ended(c);
}

static bool on_line(void *context, const char *text, size_t size)
{
    struct connection *c = context;
    c->handler->line(c, text, size);
    return !c->closed && !c->close_when_sent;
}

static void append_error(struct connection *c, enum status status, const char *text)
{
    struct error error;
    struct buffer CLEANUP(buffer_close) reply = { 0 };
    error_set(&error, status, "%s", text);
    reply_error(&reply, "null", 4, status, &error);
    buffer_append(&reply, "\n", 1);
    connection_append(c, reply.data, reply.size);
}

static void refuse_long_line(struct connection *c)
{
    char *text AUTO_FREE = text_format("a line is longer than %zu bytes", c->handler->line_max);
    relief_count(c->listener, c->user, CLOSING_LINE_SIZE);
    append_error(c, ERROR_LIMIT, text);
    connection_close_when_sent(c);
}

void connection_close_telling(struct connection *c, enum closing why, enum status status, const char *text)
{
    relief_count(c->listener, c->user, why);
    connection_hold(c);
    if (connection_unsent(c) == 0) {
        append_error(c, status, text);
        connection_flush(c);
    }
    connection_close(c);
    connection_release(c);
}

static void feed(struct connection *c, const char *data, size_t size)
{
    bool followed = line_framer_feed(&c->framer, data, size, on_line, c);
    if (c->closed)
        return;
    connection_recharge(c, BUDGET_INPUT, &c->line_charged, c->framer.partial.size);
    c->handler->lines_end(c);
    if (c->closed)
        return;
    if (!followed) {
        refuse_long_line(c);
        return;
    }
    if (!line_framer_in_line(&c->framer))
        return;
    if (c->framer.partial.size <= size) /* else it is still the line of an earlier read */
        c->line_begun_us = clock_monotonic_us();
    listener_watch_lines(c->listener);
}

static void on_readable(void *context)
{
    struct connection *c = context;
    char *input = c->listener->input;
    if (!connection_may_read(c)) {
        connection_pause(c);
        return;
    }
    ssize_t got = recv(c->descriptor, input, LISTENER_READ_SIZE, 0);
    if (got < 0) {
        if (errno != EAGAIN && errno != EINTR)
            connection_close(c);
        return;
    }
    connection_hold(c);
    c->active_us = clock_monotonic_us();
    if (got == 0) {
        input_ended(c);
    } else {
        feed(c, input, (size_t)got);
        sodium_memzero(input, (size_t)got);
    }
    connection_release(c);
}

/* --- writing ---------------------------------------------------------------------------------- */
size_t connection_unsent(const struct connection *c)
{
    return c->output.size - c->sent;
}

/* It is the memory that counts: a client may have read most of what lies in it. */
static void charge_output(struct connection *c)
{
    connection_recharge(c, BUDGET_OUTPUT, &c->output_charged,
                        connection_unsent(c) == 0 ? 0 : c->output.capacity);
    relief_watch_memory(c->listener);
}

/* Before bytes are put into the output. */
static void output_begins(struct connection *c)
{
    if (connection_unsent(c) == 0)
        c->unread_since_us = clock_monotonic_us();
}

void connection_append(struct connection *c, const void *data, size_t size)
{
    if (c->closed)
        return;
    output_begins(c);
    buffer_append(&c->output, data, size);
    charge_output(c);
}

void connection_take(struct connection *c, struct buffer *from)
{
    if (!c->closed && c->output.size == 0 && from->size > 0) {
        output_begins(c);
        buffer_close(&c->output);
        buffer_take(&c->output, from);
        charge_output(c);
        return;
    }
    connection_append(c, from->data, from->size);
    buffer_close(from);
}

void connection_wait(struct connection *c)
{
    if (c->closed || c->blocked)
        return;
    c->blocked = true;
    watch_start(&c->writable);
}

static void output_is_empty(struct connection *c)
{
    c->sent = 0;
    if (c->output.capacity > OUTPUT_KEPT_MAX)
        buffer_close(&c->output);
    else
        buffer_clear(&c->output);
}

ssize_t connection_send(struct connection *c, const struct iovec *pieces, size_t count)
{
    if (c->closed)
        return -1;
    struct msghdr message = { .msg_iov = (struct iovec *)pieces, .msg_iovlen = count };
    ssize_t sent;
    do {
        sent = sendmsg(c->descriptor, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    if (sent > 0)
        c->active_us = clock_monotonic_us();
    if (sent >= 0)
        return sent;
    if (errno == EAGAIN || errno == ENOBUFS)
        return 0;
    connection_close(c);
    return -1;
}

bool connection_flush(struct connection *c)
{
    if (c->closed)
        return false;
    while (c->sent < c->output.size) {
        struct iovec piece = { c->output.data + c->sent, c->output.size - c->sent };
        ssize_t sent = connection_send(c, &piece, 1);
        if (sent < 0)
            return false;
        if (sent == 0) {
            connection_wait(c);
            buffer_shrink(&c->output, &c->sent);
            charge_output(c);
            return false;
        }
        c->sent += (size_t)sent;
    }
    output_is_empty(c);
    charge_output(c);
    return true;
}

static void on_writable(void *context)
{
    struct connection *c = context;
    connection_hold(c);
    if (connection_flush(c)) {
        c->blocked = false;
        watch_stop(&c->writable);
        if (c->close_when_sent)
            connection_close(c);
        else
            c->handler->drained(c);
    }
    connection_release(c);
}
