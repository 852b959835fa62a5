/* Words that are one call with its own way of showing the result, or work on the node that is waited for:
 * `sql`, `audit`, `stop`, `replay`, `backup`. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "cli/follow.h"
#include "cli/table.h"
#include "cli/terminal.h"
#include "cli/word.h"

#define STOP_TIMEOUT_MS 120000 /* the node finishes what is queued and closes its database */
#define IDLE_MS 500            /* how often progress moves while nothing comes */

/* The value of "key=value", or the argument itself: words take their one argument either way. */
static const char *argument_value(const char *argument, const char *key)
{
    size_t size = strlen(key);
    return strncmp(argument, key, size) == 0 && argument[size] == '=' ? argument + size + 1 : argument;
}

/* --- sql -------------------------------------------------------------------------------------- */

static int print_rows(const struct cli *cli, const char *result)
{
    AUTO_JSON json_t *answer = NULL;
    struct error error;

    if (cli->json)
        return cli_print(cli, result);
    const json_t *columns = NULL, *rows = NULL;
    if (json_parse(result, strlen(result), &answer, &error) == OK) {
        columns = json_object_get(answer, "columns");
        rows = json_object_get(answer, "rows");
    }
    if (!json_is_array(columns) || !json_is_array(rows))
        return cli_print(cli, result);
    if (cli->csv)
        table_print_csv(stdout, columns, rows);
    else
        table_print_rows(stdout, columns, rows);
    if (json_is_true(json_object_get(answer, "truncated")))
        fprintf(
            stderr,
            "layer-cli: there are more rows; ask for them with a narrower question or a larger --limit\n");
    return EXIT_DONE;
}

int word_sql(struct cli *cli)
{
    const char *query = argument_value(cli->arguments[0], "query");
    struct buffer text CLEANUP(buffer_close) = { 0 };
    AUTO_FREE char *result = NULL;
    struct layerd_failure failure;
    struct error error;

    buffer_init(&text);
    if (cli->csv && cli->json)
        return cli_usage("give --csv or --json, not both");
    if (cli->limit != NULL
        && (strlen(cli->limit) > 9 || strspn(cli->limit, "0123456789") != strlen(cli->limit)))
        return cli_usage("--limit: a whole number is expected, not '%.40s'", cli->limit);
    if (query[0] == '@' || strcmp(query, "-") == 0) {
        if (argument_file(query[0] == '@' ? query + 1 : query, &text, &error) != OK)
            return cli_usage("%s", error.message);
        query = buffer_text(&text);
    }
    AUTO_JSON json_t *params = json_pack("{s:s}", "query", query);
    if (params == NULL)
        return cli_usage("the statement is not UTF-8 text");
    if (cli->limit != NULL)
        json_object_set_new(params, "limit", json_integer(strtol(cli->limit, NULL, 10)));
    AUTO_FREE char *params_text = json_dumps(params, JSON_COMPACT);
    if (cli_call(cli, "sql", params_text, &result, &failure) != LAYERD_OK)
        return cli_failed(&failure);
    return print_rows(cli, result);
}

/* --- audit, stop ------------------------------------------------------------------------------ */

/* A call that may take long: without --timeout it has no limit, and time passes visibly. */
static enum layerd_error slow_call(struct cli *cli, const char *method, const char *params, const char *what,
                                   char **result, struct layerd_failure *failure)
{
    int left_ms = cli_timeout(cli, -1);
    struct layerd_client *client;
    struct layerd_reply reply;
    struct progress progress;
    uint64_t ticket;

    enum layerd_error code = cli_client(cli, cli_socket_of(method), &client, failure);
    if (code == LAYERD_OK)
        code = layerd_submit(client, method, params, left_ms, &ticket, failure);
    if (code != LAYERD_OK)
        return code;
    progress_begin(&progress);
    for (int waited_ms = 0;; waited_ms += IDLE_MS) {
        int slice_ms = left_ms >= 0 && left_ms - waited_ms < IDLE_MS ? left_ms - waited_ms : IDLE_MS;
        code = layerd_collect(client, ticket, slice_ms < 0 ? 0 : slice_ms, &reply, failure);
        if (code != LAYERD_ERROR_TIMEOUT || (left_ms >= 0 && waited_ms + slice_ms >= left_ms))
            break;
        progress_show(&progress, "%s … %d s", what, (waited_ms + slice_ms) / 1000);
    }
    progress_end(&progress);
    if (code != LAYERD_OK)
        return code;
    *result = reply.result;
    if (reply.code != LAYERD_OK)
        *failure = reply.failure;
    return reply.code;
}

int word_audit(struct cli *cli)
{
    AUTO_FREE char *result = NULL;
    AUTO_JSON json_t *answer = NULL;
    struct layerd_failure failure;
    struct error error;

    if (slow_call(cli, "audit", NULL, "checking every invariant", &result, &failure) != LAYERD_OK)
        return cli_check_failed(&failure);
    cli_print(cli, result);
    if (json_parse(result, strlen(result), &answer, &error) == OK
        && json_is_true(json_object_get(answer, "ok")))
        return EXIT_DONE;
    cli_fail(&failure, LAYERD_ERROR_CORRUPT, "an invariant is broken");
    return cli_check_failed(&failure);
}

int word_stop(struct cli *cli)
{
    AUTO_FREE char *result = NULL;
    struct layerd_client *client;
    struct layerd_failure failure;

    if (cli_client(cli, LAYERD_SOCKET_CALLS, &client, &failure) != LAYERD_OK
        || layerd_call(client, "stop", NULL, cli_timeout(cli, STOP_TIMEOUT_MS), &result, &failure)
               != LAYERD_OK)
        return cli_failed(&failure);
    if (cli->json)
        return cli_print(cli, result);
    printf("the node has stopped; its database is closed\n");
    return EXIT_DONE;
}

/* --- work that is waited for ------------------------------------------------------------------ */

/* Work on the node that ends with an event. */
struct job {
    const char *method;
    const char *params;             /* JSON text, or NULL */
    const char *what;               /* for progress */
    const char *completed, *failed; /* event types; failed may be NULL */
    const char *progress;           /* event type or NULL */
    const char *member;             /* of the reply: names the subject … */
    const char *subject_kind;       /* … "<kind>/<member>" */
};

/* What is being waited for. */
struct waiting {
    const struct job *job;
    char *subject; /* of the events of this run */
    char *effect;  /* subject of effect.ended */
    char *outcome; /* data of the completed event; NULL while it runs */
    bool failed;
    struct layerd_failure failure;
};

static void waiting_close(struct waiting *waiting)
{
    free(waiting->subject);
    free(waiting->effect);
    free(waiting->outcome);
}

static enum layerd_error start(struct cli *cli, struct waiting *waiting)
{
    const struct job *job = waiting->job;
    AUTO_FREE char *text = NULL;
    AUTO_JSON json_t *reply = NULL;
    struct error error;

    enum layerd_error code = cli_call(cli, job->method, job->params, &text, &waiting->failure);
    if (code != LAYERD_OK)
        return code;
    if (json_parse(text, strlen(text), &reply, &error) != OK
        || !json_is_integer(json_object_get(reply, "effect"))
        || !json_is_string(json_object_get(reply, job->member)))
        return cli_fail(&waiting->failure, LAYERD_ERROR_PROTOCOL, "%s: the reply names no effect or no %s",
                        job->method, job->member);
    waiting->subject =
        text_format("%s/%s", job->subject_kind, json_string_value(json_object_get(reply, job->member)));
    waiting->effect =
        text_format("effect/%" JSON_INTEGER_FORMAT, json_integer_value(json_object_get(reply, "effect")));
    return LAYERD_OK;
}

static void show_progress(struct progress *progress, const struct job *job, const char *data)
{
    AUTO_JSON json_t *json = NULL;
    struct error error;
    if (json_parse(data, strlen(data), &json, &error) != OK)
        return;
    const char *phase = json_string_value(json_object_get(json, "phase"));
    json_int_t done = json_integer_value(json_object_get(json, "done"));
    json_int_t total = json_integer_value(json_object_get(json, "total"));
    progress_show(progress, "%s: %s %" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT " (%d %%)", job->what,
                  phase == NULL ? "" : phase, done, total,
                  total > 0 ? (int)(100.0 * (double)done / (double)total) : 0);
}

/* An effect's error is {"code","name","message"}, or text of it; anything else is shown as it is. */
static void fail_as_told(struct waiting *waiting, const json_t *told, enum layerd_error otherwise)
{
    const char *text = json_string_value(told);
    AUTO_JSON json_t *read = NULL;
    struct error error;

    waiting->failed = true;
    if (text != NULL && json_parse(text, strlen(text), &read, &error) == OK)
        told = read;
    const char *message = json_string_value(json_object_get(told, "message"));
    json_int_t code = json_integer_value(json_object_get(told, "code"));
    if (message != NULL && code != 0 && code >= INT32_MIN && code <= INT32_MAX) {
        cli_fail(&waiting->failure, (enum layerd_error)code, "%s", message);
        return;
    }
    AUTO_FREE char *shown = told == NULL ? NULL : json_dumps(told, JSON_COMPACT | JSON_ENCODE_ANY);
    cli_fail(&waiting->failure, otherwise, "%s failed: %s", waiting->job->method,
             text != NULL ? text : shown == NULL ? "" : shown);
}

static void handle(struct waiting *waiting, struct progress *progress, const struct layerd_event *event)
{
    const struct job *job = waiting->job;
    AUTO_JSON json_t *data = NULL;
    struct error error;

    if (event->kind == LAYERD_END) {
        waiting->failed = true;
        cli_fail(&waiting->failure, LAYERD_ERROR_DISCONNECTED, "the node went away before the end of it");
        return;
    }
    if (event->kind != LAYERD_EVENT || event->subject == NULL
        || json_parse(event->data, strlen(event->data), &data, &error) != OK)
        return;
    if (strcmp(event->subject, waiting->subject) == 0) {
        if (strcmp(event->type, job->completed) == 0) {
            waiting->outcome = text_copy(event->data);
        } else if (job->failed != NULL && strcmp(event->type, job->failed) == 0) {
            fail_as_told(waiting, json_object_get(data, "error"), LAYERD_ERROR_STORAGE);
        } else if (job->progress != NULL && strcmp(event->type, job->progress) == 0) {
            show_progress(progress, job, event->data);
        }
    } else if (strcmp(event->subject, waiting->effect) == 0
               && strcmp(json_string_value(json_object_get(data, "state")) == NULL
                             ? ""
                             : json_string_value(json_object_get(data, "state")),
                         "failed")
                      == 0) {
        fail_as_told(waiting, json_object_get(data, "result"), LAYERD_ERROR_INTERNAL);
    }
}

static enum layerd_error wait_for_end(struct follow *follow, struct waiting *waiting)
{
    struct progress progress;
    struct layerd_event event;
    int waited = 0;

    progress_begin(&progress);
    while (waiting->outcome == NULL && !waiting->failed) {
        enum follow_step step = follow_next(follow, &event, &waiting->failure);
        if (step == FOLLOW_EVENT) {
            handle(waiting, &progress, &event);
            continue;
        }
        if (step == FOLLOW_IDLE)
            step = follow_wait(follow, IDLE_MS, &waiting->failure);
        if (step == FOLLOW_FAILED)
            break;
        progress_show(&progress, "%s … %d s", waiting->job->what, ++waited * IDLE_MS / 1000);
    }
    progress_end(&progress);
    return waiting->outcome != NULL ? LAYERD_OK : waiting->failure.code;
}

/* Starts the job and waits for its event. The subscription stands before the start, so that no event is
 * missed. */
static enum layerd_error run_job(struct cli *cli, struct waiting *waiting)
{
    const struct job *job = waiting->job;
    struct follow follow CLEANUP(follow_end) = { .signals = -1 };
    const char *types[4] = { "effect.ended", job->completed };
    size_t count = 2;

    if (job->failed != NULL)
        types[count++] = job->failed;
    if (job->progress != NULL)
        types[count++] = job->progress;
    struct layerd_subscribe_options options = { .from = "now", .types = types, .type_count = count };
    enum layerd_error code =
        follow_begin(&follow, cli, &options, false, cli_timeout(cli, -1), &waiting->failure);
    if (code == LAYERD_OK)
        code = start(cli, waiting);
    return code == LAYERD_OK ? wait_for_end(&follow, waiting) : code;
}

int word_replay(struct cli *cli)
{
    static const struct job job = { .method = "replay",
                                    .what = "rebuilding the ledger",
                                    .completed = "replay.completed",
                                    .member = "run",
                                    .subject_kind = "replay" };
    struct waiting waiting CLEANUP(waiting_close) = { .job = &job };
    AUTO_JSON json_t *outcome = NULL;
    struct layerd_failure failure;
    struct error error;

    if (run_job(cli, &waiting) != LAYERD_OK)
        return cli_check_failed(&waiting.failure);
    cli_print(cli, waiting.outcome);
    if (json_parse(waiting.outcome, strlen(waiting.outcome), &outcome, &error) == OK
        && json_is_true(json_object_get(outcome, "equal")))
        return EXIT_DONE;
    const char *difference = json_string_value(json_object_get(outcome, "difference"));
    cli_fail(&failure, LAYERD_ERROR_CORRUPT, "the ledger rebuilt from its transactions differs: %s",
             difference == NULL ? "" : difference);
    return cli_check_failed(&failure);
}

/* The node has another working directory than we. */
static char *absolute_path(const char *path)
{
    if (path[0] == '/')
        return text_copy(path);
    AUTO_FREE char *here = getcwd(NULL, 0);
    return text_format("%s/%s", here == NULL ? "." : here, path);
}

/* A name with a line's end or an escape sequence in it is a trap for who lists the folder. */
static bool has_controls(const char *text)
{
    size_t size = strlen(text);
    for (size_t at = 0, length; at < size; at += length) {
        length = utf8_character_size(text + at, size - at);
        if (length == 0)
            length = 1;
        else if (utf8_steers(text + at, length))
            return true;
    }
    return false;
}

int word_backup(struct cli *cli)
{
    AUTO_FREE char *path = absolute_path(argument_value(cli->arguments[0], "to"));
    AUTO_JSON json_t *params = json_pack("{s:s}", "to", path);
    AUTO_FREE char *text = params == NULL ? NULL : json_dumps(params, JSON_COMPACT);
    struct job job = { .method = "backup",
                       .params = text,
                       .what = "backup",
                       .completed = "backup.completed",
                       .failed = "backup.failed",
                       .progress = "backup.progress",
                       .member = "destination",
                       .subject_kind = "backup" };
    struct waiting waiting CLEANUP(waiting_close) = { .job = &job };

    if (text == NULL)
        return cli_usage("the path is not UTF-8 text");
    if (has_controls(path))
        return cli_usage("the path has control characters in it; choose another");
    if (run_job(cli, &waiting) != LAYERD_OK)
        return cli_failed(&waiting.failure);
    return cli_print(cli, waiting.outcome);
}
