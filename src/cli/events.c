/* The words `events` and `wait`: the event stream as lines for people, or as the lines that came. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "cli/event_text.h"
#include "cli/follow.h"
#include "cli/options.h"
#include "cli/word.h"

#define ACKNOWLEDGE_MS 5000 /* how long the last acknowledgement may take */

/* --- what is asked for ------------------------------------------------------------------------ */

static bool whole_number(const char *text, uint64_t *value)
{
    if (text[0] == '\0' || strlen(text) > 15 || strspn(text, "0123456789") != strlen(text))
        return false;
    *value = strtoull(text, NULL, 10);
    return true;
}

/* "--from 5" is event 5 and on. Everything else is in the library's words. */
static char *from_text(const char *from)
{
    uint64_t seq;
    if (whole_number(from, &seq))
        return text_format("after:%" PRIu64, seq == 0 ? 0 : seq - 1);
    return text_copy(from);
}

static enum status read_format(const struct cli *cli, enum event_format *format, struct error *error)
{
    const char *name = cli->format == NULL ? (cli->json ? "native" : "text") : cli->format;
    if (strcmp(name, "text") == 0)
        *format = EVENT_FORMAT_TEXT;
    else if (strcmp(name, "native") == 0)
        *format = EVENT_FORMAT_NATIVE;
    else if (strcmp(name, "cloudevents") == 0)
        *format = EVENT_FORMAT_CLOUDEVENTS;
    else
        return error_set(error, ERROR_INVALID_PARAMS,
                         "--format: text, native or cloudevents is expected, not '%.40s'", name);
    return OK;
}

static enum status check_from(const char *from, struct error *error)
{
    static const char *const begins[] = { "after:", "cursor:", "time:" };
    uint64_t seq;
    if (from == NULL || whole_number(from, &seq) || strcmp(from, "first") == 0 || strcmp(from, "now") == 0)
        return OK;
    for (size_t i = 0; i < sizeof begins / sizeof begins[0]; i++)
        if (strncmp(from, begins[i], strlen(begins[i])) == 0)
            return OK;
    return error_set(error, ERROR_INVALID_PARAMS, "--from: '%.40s' is none of %s", from, OPTION_FROM_FORMS);
}

static enum status check_options(const struct cli *cli, uint64_t *until, struct error *error)
{
    bool cursor = cli->from != NULL && strncmp(cli->from, "cursor:", 7) == 0;
    if ((cli->acknowledge || cli->create) && !cursor)
        return error_set(error, ERROR_INVALID_PARAMS, "--ack and --create go with --from cursor:NAME");
    TRY(check_from(cli->from, error));
    if (cli->until != NULL && (!whole_number(cli->until, until) || *until == 0))
        return error_set(error, ERROR_INVALID_PARAMS, "--until: the seq of an event is expected, not '%.40s'",
                         cli->until);
    return OK;
}

/* A new cursor begins at the first event: nothing was acknowledged. One that is there already is as good. */
static enum layerd_error create_cursor(struct cli *cli, const char *name, struct layerd_failure *failure)
{
    AUTO_JSON json_t *params = json_pack("{s:s,s:s}", "name", name, "from", "first");
    AUTO_FREE char *text = params == NULL ? NULL : json_dumps(params, JSON_COMPACT);
    AUTO_FREE char *result = NULL;
    enum layerd_error code = cli_call(cli, "cursor.create", text, &result, failure);
    return code == LAYERD_ERROR_CURSOR_EXISTS ? LAYERD_OK : code;
}

/* --- the stream ------------------------------------------------------------------------------- */

struct stream {
    struct cli *cli;
    struct follow follow;
    enum event_format format;
    uint64_t acknowledged; /* the last seq that was acknowledged */
    bool done;             /* nothing more is wanted */
    bool away;             /* the node ended the stream and --follow goes on */
    int code;              /* how to exit */
};

static void handle(struct stream *stream, const struct layerd_event *event)
{
    switch (event->kind) {
    case LAYERD_EVENT:
        event_print(stdout, event, stream->format);
        break;
    case LAYERD_CAUGHT_UP:
        stream->done = !stream->cli->follow;
        break;
    case LAYERD_LOST:
        fprintf(stderr, "layer-cli: events %" PRIu64 " … %" PRIu64 " are lost: %s\n", event->first,
                event->seq, event->why == NULL ? "" : event->why);
        break;
    case LAYERD_PROGRESS:
    case LAYERD_HEARTBEAT:
        break;
    case LAYERD_END:
        if (event->why != NULL && strcmp(event->why, "until") == 0)
            stream->done = true;
        else
            stream->away = true;
        break;
    }
}

/* Only what is printed and flushed counts as done. */
static void acknowledge(struct stream *stream, int timeout_ms)
{
    struct layerd_failure failure;
    uint64_t position = layerd_position(stream->follow.subscription);
    if (!stream->cli->acknowledge || (position <= stream->acknowledged && timeout_ms == 0) || position == 0)
        return;
    enum layerd_error code = layerd_acknowledge(stream->follow.subscription, position, timeout_ms, &failure);
    if (code == LAYERD_OK)
        stream->acknowledged = position;
    else if (timeout_ms != 0)
        stream->code = cli_failed(&failure);
}

/* The node went away: with --follow it is looked for. */
static enum follow_step come_back(struct stream *stream, struct layerd_failure *failure)
{
    stream->away = false;
    if (!stream->cli->follow)
        return FOLLOW_FAILED;
    fprintf(stderr, "layer-cli: the node went away; going on after event %" PRIu64 " when it is back\n",
            layerd_position(stream->follow.subscription));
    enum follow_step step = follow_resume(&stream->follow, cli_timeout(stream->cli, CLI_RESUME_MS), failure);
    if (step == FOLLOW_IDLE)
        fprintf(stderr, "layer-cli: the node is back\n");
    return step;
}

/* Everything that is here. */
static enum follow_step drain(struct stream *stream, struct layerd_failure *failure)
{
    struct layerd_event event;
    enum follow_step step = FOLLOW_EVENT;
    while (!stream->done && !stream->away
           && (step = follow_next(&stream->follow, &event, failure)) == FOLLOW_EVENT)
        handle(stream, &event);
    if (fflush(stdout) != 0)
        stream->done = true;
    else
        acknowledge(stream, 0);
    if (stream->away)
        cli_fail(failure, LAYERD_ERROR_DISCONNECTED, "the node ended the subscription");
    if (stream->away || (step == FOLLOW_FAILED && failure->code == LAYERD_ERROR_DISCONNECTED))
        return come_back(stream, failure);
    return step == FOLLOW_EVENT ? FOLLOW_IDLE : step;
}

static int run_stream(struct stream *stream)
{
    struct layerd_failure failure;
    enum follow_step step = FOLLOW_IDLE;

    while (!stream->done && step == FOLLOW_IDLE) {
        step = drain(stream, &failure);
        if (!stream->done && step == FOLLOW_IDLE)
            step = follow_wait(&stream->follow, -1, &failure);
    }
    if (step == FOLLOW_FAILED && !stream->done) {
        bool expected = failure.code == LAYERD_ERROR_TIMEOUT && stream->cli->follow;
        acknowledge(stream, ACKNOWLEDGE_MS);
        return expected ? EXIT_TIMED_OUT : cli_failed(&failure);
    }
    acknowledge(stream, ACKNOWLEDGE_MS);
    return stream->code;
}

int word_events(struct cli *cli)
{
    struct stream stream = { .cli = cli, .follow = { .signals = -1 } };
    AUTO_FREE char *from = from_text(cli->from == NULL ? (cli->follow ? "now" : "first") : cli->from);
    struct layerd_failure failure;
    struct error error;
    uint64_t until = 0;

    if (check_options(cli, &until, &error) != OK || read_format(cli, &stream.format, &error) != OK)
        return cli_usage("%s", error.message);
    if (cli->create && create_cursor(cli, from + strlen("cursor:"), &failure) != LAYERD_OK)
        return cli_failed(&failure);
    struct layerd_subscribe_options options = {
        .from = from,
        .until = until,
        .types = cli->types.values,
        .type_count = cli->types.count,
        .subjects = cli->subjects.values,
        .subject_count = cli->subjects.count,
        .cloudevents = stream.format == EVENT_FORMAT_CLOUDEVENTS,
        .marks = true,
    };
    if (follow_begin(&stream.follow, cli, &options, true, cli_timeout(cli, -1), &failure) != LAYERD_OK)
        return cli_failed(&failure);
    int code = run_stream(&stream);
    follow_end(&stream.follow);
    return code;
}

/* --- one event -------------------------------------------------------------------------------- */

int word_wait(struct cli *cli)
{
    struct follow follow CLEANUP(follow_end) = { .signals = -1 };
    AUTO_FREE char *from = from_text(cli->from == NULL ? "now" : cli->from);
    enum event_format format;
    struct layerd_failure failure;
    struct layerd_event event;
    struct error error;

    if (check_from(cli->from, &error) != OK || read_format(cli, &format, &error) != OK)
        return cli_usage("%s", error.message);
    struct layerd_subscribe_options options = { .from = from,
                                                .types = cli->arguments,
                                                .type_count = 1,
                                                .subjects = cli->subjects.values,
                                                .subject_count = cli->subjects.count,
                                                .cloudevents = format == EVENT_FORMAT_CLOUDEVENTS };
    if (follow_begin(&follow, cli, &options, false, cli_timeout(cli, -1), &failure) != LAYERD_OK)
        return cli_failed(&failure);
    for (;;) {
        enum follow_step step = follow_next(&follow, &event, &failure);
        if (step == FOLLOW_EVENT && event.kind == LAYERD_EVENT) {
            event_print(stdout, &event, format);
            return EXIT_DONE;
        }
        if (step == FOLLOW_EVENT && event.kind == LAYERD_END) {
            cli_fail(&failure, LAYERD_ERROR_DISCONNECTED, "the node ended the subscription (%s)",
                     event.why == NULL ? "" : event.why);
            return cli_failed(&failure);
        }
        if (step == FOLLOW_IDLE)
            step = follow_wait(&follow, -1, &failure);
        if (step == FOLLOW_FAILED)
            return cli_failed(&failure);
    }
}
