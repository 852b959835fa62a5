/* One subscription on its own connection. `position` moves only when a line is given out, so that
 * layerd_resume can go on behind it; what an old position would repeat (a cursor that was not acknowledged
 * yet) is dropped here by its seq. */
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/writer.h"
#include "client/client.h"
#include "client/connection.h"
#include "client/event.h"
#include "client/failure.h"
#include "client/request.h"

#define CURSOR_PREFIX "cursor:"
#define RESUME_PAUSE_FIRST_MS 50 /* between tries to connect again; doubles … */
#define RESUME_PAUSE_MAX_MS 2000 /* … up to this */

struct layerd_subscription {
    char *path;                              /* of events.sock */
    struct layerd_subscribe_options options; /* with copies of all that it points to */
    struct connection connection;
    uint64_t next_id;  /* of the next request on this connection */
    uint64_t position; /* every matching event up to here was given out */
    bool started;      /* position means something */
    bool ended;        /* the node said "end" */
    uint64_t hash_seq; /* the event that `hash` belongs to; 0: none */
    char hash[LAYERD_HASH_MAX];
    struct buffer storage; /* what the last event given out points to */
};

/* --- what is asked for ------------------------------------------------------------------------ */

static void write_position(struct writer *w, const char *kind, uint64_t value)
{
    writer_key(w, "from");
    writer_object_begin(w);
    writer_member_unsigned(w, kind, value);
    writer_object_end(w);
}

static enum status write_time(struct writer *w, const char *text, struct error *error)
{
    uint64_t number;
    int64_t time_us;
    if (slice_unsigned((struct slice){ text, strlen(text) }, &number) && number <= INTEGER_MAX)
        time_us = (int64_t)number;
    else if (!time_parse(text, &time_us))
        return error_set(error, ERROR_INVALID_PARAMS,
                         "from: '%.64s' is no time; µs or 2026-11-20T22:43:03Z is expected", text);
    write_position(w, "time", (uint64_t)time_us);
    return OK;
}

static enum status write_from(struct writer *w, const char *from, struct error *error)
{
    uint64_t after;
    if (from == NULL)
        from = "now";
    if (strcmp(from, "now") == 0 || strcmp(from, "first") == 0) {
        writer_member_text(w, "from", from);
        return OK;
    }
    if (strncmp(from, "time:", 5) == 0)
        return write_time(w, from + 5, error);
    if (strncmp(from, CURSOR_PREFIX, strlen(CURSOR_PREFIX)) == 0 && from[strlen(CURSOR_PREFIX)] != '\0'
        && utf8_valid_prefix(from, strlen(from)) == strlen(from)) {
        writer_key(w, "from");
        writer_object_begin(w);
        writer_member_text(w, "cursor", from + strlen(CURSOR_PREFIX));
        writer_object_end(w);
        return OK;
    }
    if (strncmp(from, "after:", 6) == 0
        && slice_unsigned((struct slice){ from + 6, strlen(from + 6) }, &after) && after <= INTEGER_MAX) {
        write_position(w, "after", after);
        return OK;
    }
    return error_set(error, ERROR_INVALID_PARAMS,
                     "from: first, now, after:N, cursor:NAME or time:T is expected, not '%.64s'", from);
}

static bool from_cursor(const struct layerd_subscription *s)
{
    return s->options.from != NULL && strncmp(s->options.from, CURSOR_PREFIX, strlen(CURSOR_PREFIX)) == 0;
}

/* Where to begin: as asked at first, and a cursor always, so that it is held again. Otherwise behind the last
 * event whose hash is known, which the node compares with its own: no event between it and the position
 * matched. */
static enum status write_start(struct writer *w, const struct layerd_subscription *s, struct error *error)
{
    if (!s->started || from_cursor(s))
        return write_from(w, s->options.from, error);
    write_position(w, "after", s->hash_seq != 0 ? s->hash_seq : s->position);
    if (s->hash_seq != 0)
        writer_member_text(w, "expect_hash", s->hash);
    return OK;
}

static enum status write_texts(struct writer *w, const char *key, const char *const *texts, size_t count,
                               struct error *error)
{
    if (count == 0)
        return OK;
    writer_key(w, key);
    writer_array_begin(w);
    for (size_t i = 0; i < count; i++) {
        size_t size = strlen(texts[i]);
        if (utf8_valid_prefix(texts[i], size) != size)
            return error_set(error, ERROR_INVALID_PARAMS, "%s: a text is not UTF-8", key);
        writer_string(w, texts[i], size);
    }
    writer_array_end(w);
    return OK;
}

static enum status subscribe_params(const struct layerd_subscription *s, struct buffer *out,
                                    struct error *error)
{
    const struct layerd_subscribe_options *o = &s->options;
    struct writer w;

    writer_init(&w, out);
    writer_object_begin(&w);
    TRY(write_start(&w, s, error));
    if (o->until != 0)
        writer_member_unsigned(&w, "until", o->until);
    TRY(write_texts(&w, "types", o->types, o->type_count, error));
    TRY(write_texts(&w, "subjects", o->subjects, o->subject_count, error));
    if (o->cloudevents)
        writer_member_text(&w, "format", "cloudevents");
    if (o->heartbeat_ms != 0)
        writer_member_unsigned(&w, "heartbeat_ms", o->heartbeat_ms);
    writer_object_end(&w);
    return OK;
}

/* --- requests on the stream ------------------------------------------------------------------- */

/* Finds the reply to `id` among the lines that are here, takes it out, and leaves the others. */
static bool find_reply(struct layerd_subscription *s, uint64_t id, size_t *offset, struct buffer *text)
{
    const char *line;
    size_t size;
    struct slice value;
    struct reply reply;

    while (connection_look(&s->connection, offset, &line, &size)) {
        if (!scan_value(line, size, &value) || !reply_read(value, &reply)
            || (reply.id != id && reply.id != 0))
            continue;
        buffer_append(text, value.text, value.size);
        connection_blank(&s->connection, line, size);
        return true;
    }
    return false;
}

/* Sends a request and waits for its reply, whose result is appended to `result`. */
static enum status stream_request(struct layerd_subscription *s, const char *method, const char *params,
                                  int64_t deadline, struct buffer *result, struct error *error)
{
    struct buffer line CLEANUP(buffer_close) = { 0 }, text CLEANUP(buffer_close) = { 0 };
    struct layerd_failure refusal;
    struct reply reply;
    size_t offset = 0;
    uint64_t id = s->next_id;

    buffer_init(&line);
    buffer_init(&text);
    TRY(request_append(&line, id, method, params, error));
    buffer_append(&line, "\n", 1);
    connection_put(&s->connection, line.data, line.size);
    s->next_id++;
    while (!find_reply(s, id, &offset, &text)) {
        /* Bytes before the first line move when more are read: begin again only with what was looked at. */
        size_t looked = offset > s->connection.in_taken ? offset - s->connection.in_taken : 0;
        TRY(connection_step(&s->connection, deadline, error));
        offset = s->connection.in_taken + looked;
    }
    if (!reply_read((struct slice){ (const char *)text.data, text.size }, &reply))
        return error_set(error, ERROR_PROTOCOL, "the node sent what is no JSON-RPC reply");
    if (reply.error.text == NULL) {
        buffer_append(result, reply.result.text, reply.result.size);
        return OK;
    }
    if (!failure_read(reply.error, &refusal))
        return error_set(error, ERROR_PROTOCOL, "the node sent what is no JSON-RPC error");
    return error_set(error, (enum status)refusal.code, "%s", refusal.message);
}

/* Connects and subscribes. When it fails, the connection is closed. */
static enum status stream_open(struct layerd_subscription *s, int64_t deadline, struct error *error)
{
    struct buffer params CLEANUP(buffer_close) = { 0 }, result CLEANUP(buffer_close) = { 0 };
    uint64_t start;

    buffer_init(&params);
    buffer_init(&result);
    TRY(subscribe_params(s, &params, error));
    TRY(connection_open(&s->connection, s->path, deadline, error));
    s->next_id = 1;
    s->ended = false;
    enum status status = stream_request(s, "subscribe", buffer_text(&params), deadline, &result, error);
    struct slice object = { (const char *)result.data, result.size };
    if (status == OK && !slice_unsigned(slice_member(object, "start"), &start))
        status = error_set(error, ERROR_PROTOCOL, "the node's answer to subscribe has no start");
    if (status != OK) {
        connection_close(&s->connection);
        return status;
    }
    if (!s->started)
        s->position = start;
    s->started = true;
    return OK;
}

/* --- options are copied ----------------------------------------------------------------------- */

static const char *const *copy_texts(const char *const *texts, size_t count)
{
    if (count == 0)
        return NULL;
    const char **copy = memory_array(count, sizeof *copy);
    for (size_t i = 0; i < count; i++)
        copy[i] = text_copy(texts[i]);
    return copy;
}

static void free_texts(const char *const *texts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free((char *)texts[i]);
    free((void *)texts);
}

void layerd_unsubscribe(struct layerd_subscription *s)
{
    if (s == NULL)
        return;
    connection_close(&s->connection);
    free((char *)s->options.from);
    free_texts(s->options.types, s->options.type_count);
    free_texts(s->options.subjects, s->options.subject_count);
    buffer_close(&s->storage);
    free(s->path);
    free(s);
}

enum layerd_error layerd_subscribe(const char *path, const struct layerd_subscribe_options *options,
                                   int timeout_ms, struct layerd_subscription **subscription,
                                   struct layerd_failure *failure)
{
    struct layerd_subscription *s = memory_new(sizeof *s);
    struct error error;

    s->connection.descriptor = -1;
    if (options != NULL) {
        s->options = *options;
        s->options.from = text_copy(options->from);
        s->options.types = copy_texts(options->types, options->type_count);
        s->options.subjects = copy_texts(options->subjects, options->subject_count);
    }
    enum status status = socket_path(path, LAYERD_SOCKET_EVENTS, &s->path, &error);
    if (status == OK)
        status = stream_open(s, deadline_after(timeout_ms), &error);
    if (status == OK)
        *subscription = s;
    else
        layerd_unsubscribe(s);
    return failure_report(failure, status, &error);
}

/* --- the stream ------------------------------------------------------------------------------- */

static void remember(struct layerd_subscription *s, const struct layerd_event *event)
{
    switch (event->kind) {
    case LAYERD_EVENT:
        s->position = event->seq;
        if (event->hash != NULL && strlen(event->hash) < sizeof s->hash) {
            strcpy(s->hash, event->hash);
            s->hash_seq = event->seq;
        }
        break;
    case LAYERD_CAUGHT_UP:
    case LAYERD_PROGRESS:
    case LAYERD_LOST:
        if (event->seq > s->position)
            s->position = event->seq;
        break;
    case LAYERD_HEARTBEAT:
        break;
    case LAYERD_END:
        s->ended = true;
        break;
    }
}

static bool is_wanted(const struct layerd_subscription *s, const struct layerd_event *event)
{
    switch (event->kind) {
    case LAYERD_EVENT:
        return event->seq > s->position;
    case LAYERD_CAUGHT_UP:
    case LAYERD_PROGRESS:
    case LAYERD_HEARTBEAT:
        return s->options.marks;
    case LAYERD_LOST:
    case LAYERD_END:
        return true;
    }
    return false;
}

/* Takes lines until one is to be given out. *found tells whether one was here. */
static enum status take_event(struct layerd_subscription *s, struct layerd_event *event, bool *found,
                              struct error *error)
{
    const char *line;
    size_t size;
    struct slice value;
    struct reply reply;

    *found = false;
    while (!*found && connection_take(&s->connection, &line, &size)) {
        if (!scan_value(line, size, &value))
            return error_set(error, ERROR_PROTOCOL, "the node sent a line that is not JSON");
        if (!event_read(value, &s->storage, event)) {
            if (reply_read(value, &reply)) /* to an acknowledgement that was not waited for any more */
                continue;
            return error_set(error, ERROR_PROTOCOL, "the node sent an unknown line: %.*s",
                             value.size > 80 ? 80 : (int)value.size, value.text);
        }
        *found = is_wanted(s, event);
        if (event->kind != LAYERD_EVENT || *found)
            remember(s, event);
    }
    return OK;
}

static enum status event_wait(struct layerd_subscription *s, int64_t deadline, struct layerd_event *event,
                              struct error *error)
{
    bool found;

    if (s->ended)
        return error_set(error, ERROR_DISCONNECTED, "the node ended the subscription");
    if (s->connection.descriptor < 0)
        return error_set(error, ERROR_DISCONNECTED, "the subscription is not connected");
    for (;;) {
        enum status status = take_event(s, event, &found, error);
        if (status != OK) {
            connection_close(&s->connection);
            return status;
        }
        if (found)
            return OK;
        TRY(connection_step(&s->connection, deadline, error));
    }
}

enum layerd_error layerd_event_next(struct layerd_subscription *subscription, int timeout_ms,
                                    struct layerd_event *event, struct layerd_failure *failure)
{
    struct layerd_event next;
    struct error error;
    enum status status = event_wait(subscription, deadline_after(timeout_ms), &next, &error);
    if (status == OK)
        *event = next;
    return failure_report(failure, status, &error);
}

enum layerd_error layerd_event_each(struct layerd_subscription *subscription, int timeout_ms,
                                    bool (*each)(void *context, const struct layerd_event *event),
                                    void *context, struct layerd_failure *failure)
{
    struct layerd_event event;
    for (;;) {
        enum layerd_error code = layerd_event_next(subscription, timeout_ms, &event, failure);
        if (code != LAYERD_OK)
            return code;
        if (!each(context, &event) || event.kind == LAYERD_END)
            return LAYERD_OK;
    }
}

int layerd_subscription_descriptor(const struct layerd_subscription *subscription)
{
    return subscription->connection.descriptor;
}

uint64_t layerd_position(const struct layerd_subscription *subscription)
{
    return subscription->position;
}

/* By the cursor's name, not the subscription's number: it holds also when the node has ended the
 * subscription. */
static enum status acknowledge(struct layerd_subscription *s, uint64_t seq, int timeout_ms,
                               struct error *error)
{
    struct buffer line CLEANUP(buffer_close) = { 0 }, params CLEANUP(buffer_close) = { 0 },
                       result CLEANUP(buffer_close) = { 0 };
    int64_t deadline = deadline_after(timeout_ms);
    struct writer w;

    buffer_init(&line);
    buffer_init(&params);
    buffer_init(&result);
    if (!from_cursor(s))
        return error_set(error, ERROR_INVALID_PARAMS, "only a subscription from a cursor is acknowledged");
    if (s->connection.descriptor < 0)
        return error_set(error, ERROR_DISCONNECTED, "the subscription is not connected");
    writer_init(&w, &params);
    writer_object_begin(&w);
    writer_member_text(&w, "cursor", s->options.from + strlen(CURSOR_PREFIX));
    writer_member_unsigned(&w, "seq", seq);
    writer_object_end(&w);
    if (timeout_ms != 0)
        return stream_request(s, "ack", buffer_text(&params), deadline, &result, error);
    TRY(request_append(&line, 0, "ack", buffer_text(&params), error));
    buffer_append(&line, "\n", 1);
    connection_put(&s->connection, line.data, line.size);
    return connection_flush(&s->connection, CONNECTION_OUT_MAX, deadline, error);
}

enum layerd_error layerd_acknowledge(struct layerd_subscription *subscription, uint64_t seq, int timeout_ms,
                                     struct layerd_failure *failure)
{
    struct error error;
    return failure_report(failure, acknowledge(subscription, seq, timeout_ms, &error), &error);
}

/* Failures that pass by themselves: the node starts, is full, or has not noticed yet that our old connection
 * is gone. */
static bool passes(enum status status)
{
    static const enum status passing[] = { ERROR_CONNECT, ERROR_DISCONNECTED, ERROR_STOPPING,
                                           ERROR_BUSY,    ERROR_TOO_MANY,     ERROR_CURSOR_BUSY };
    for (size_t i = 0; i < sizeof passing / sizeof passing[0]; i++)
        if (status == passing[i])
            return true;
    return false;
}

static enum status resume(struct layerd_subscription *s, int64_t deadline, struct error *error)
{
    int pause = RESUME_PAUSE_FIRST_MS;

    connection_close(&s->connection);
    for (;;) {
        enum status status = stream_open(s, deadline, error);
        int left = deadline_left_ms(deadline);
        if (status == OK || !passes(status) || left == 0)
            return status;
        poll(NULL, 0, left > 0 && left < pause ? left : pause);
        pause = pause * 2 > RESUME_PAUSE_MAX_MS ? RESUME_PAUSE_MAX_MS : pause * 2;
    }
}

enum layerd_error layerd_resume(struct layerd_subscription *subscription, int timeout_ms,
                                struct layerd_failure *failure)
{
    struct error error;
    return failure_report(failure, resume(subscription, deadline_after(timeout_ms), &error), &error);
}
