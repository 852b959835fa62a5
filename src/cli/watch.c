/* The word `watch`: the watcher of rollups (src/watch) as a program. Reports go to standard output, one a
 * line; events of the node wake it, and a sweep does when none come. */
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"
#include "cli/follow.h"
#include "cli/terminal.h"
#include "cli/word.h"
#include "watch/watch.h"

#define SOON_MS 1000      /* until the next look while something is under way */
#define SWEEP_MS 15000    /* while nothing is */
#define MEBIBYTE ((size_t)1024 * 1024)
#define KEEP_MIB_MOST 1048576u
#define UNFINISHED_MOST 8 /* looks of --once while the ledger changes under them */

struct watching {
    struct cli *cli;
    struct follow follow;
    struct progress progress;
    bool stopped;
    bool away; /* it was told that the node does not answer */
};

/* --- what it tells ---------------------------------------------------------------------------- */
static void print_line(struct watching *w, const char *what, const json_t *facts, const char *line)
{
    progress_end(&w->progress);
    if (w->cli->json) {
        AUTO_JSON json_t *object =
            json_pack("{s:I, s:s}", "time_us", (json_int_t)clock_wall_us(), "what", what);
        json_object_update(object, (json_t *)(uintptr_t)facts);
        AUTO_FREE char *text = json_dumps(object, JSON_COMPACT);
        printf("%s\n", text);
    } else {
        printf("%s\n", line);
    }
    fflush(stdout);
}

static void tell(void *context, const struct watch_report *report)
{
    print_line(context, report->what, report->facts, report->line);
}

static void show_progress(void *context, uint64_t rollup, uint64_t done, uint64_t of)
{
    struct watching *w = context;
    progress_show(&w->progress, "rollup %" PRIu64 ": batch %" PRIu64 " of %" PRIu64, rollup, done, of);
}

static bool is_stopped(void *context)
{
    struct watching *w = context;
    struct pollfd polled = { .fd = w->follow.signals, .events = POLLIN };
    w->stopped = w->stopped || poll(&polled, 1, 0) > 0;
    return w->stopped;
}

static void tell_node(struct watching *w, bool away, const char *why)
{
    if (away == w->away)
        return;
    w->away = away;
    AUTO_JSON json_t *facts = away ? json_pack("{s:s}", "why", why) : json_object();
    AUTO_FREE char *line =
        away ? text_format("the node does not answer: %s", why) : text_copy("the node answers again");
    print_line(w, away ? "node_away" : "node_back", facts, line);
}

/* --- waiting ---------------------------------------------------------------------------------- */
/* Takes all events that are here; *woken when there was one. */
static enum follow_step drain(struct watching *w, bool *woken, struct layerd_failure *failure)
{
    struct layerd_event event;
    enum follow_step step;

    while ((step = follow_next(&w->follow, &event, failure)) == FOLLOW_EVENT) {
        *woken |= event.kind == LAYERD_EVENT || event.kind == LAYERD_LOST;
        if (event.kind == LAYERD_END) {
            cli_fail(failure, LAYERD_ERROR_DISCONNECTED, "the node ended the subscription (%s)",
                     event.why == NULL ? "" : event.why);
            return FOLLOW_FAILED;
        }
    }
    return step;
}

/* Waits for an event, or so long. Over a break it waits for the node, however long that takes. */
static enum follow_step rest(struct watching *w, int limit_ms, struct layerd_failure *failure)
{
    const int64_t end_us = clock_monotonic_us() + (int64_t)limit_ms * 1000;
    bool woken = false;

    for (;;) {
        enum follow_step step = drain(w, &woken, failure);
        if (step == FOLLOW_FAILED && failure->code == LAYERD_ERROR_DISCONNECTED) {
            tell_node(w, true, failure->message);
            step = follow_resume(&w->follow, INT_MAX, failure);
            woken = true;
        }
        if (step != FOLLOW_IDLE || woken)
            return step;
        const int64_t left_ms = (end_us - clock_monotonic_us() + 999) / 1000;
        if (left_ms <= 0)
            return FOLLOW_IDLE;
        step = follow_wait(&w->follow, (int)left_ms, failure);
        if (step != FOLLOW_IDLE)
            return step;
    }
}

/* --- looking ---------------------------------------------------------------------------------- */
static bool passes(enum layerd_error code)
{
    return code == LAYERD_ERROR_CONNECT || code == LAYERD_ERROR_DISCONNECTED || code == LAYERD_ERROR_TIMEOUT
           || code == LAYERD_ERROR_STOPPING || code == LAYERD_ERROR_BUSY;
}

static enum layerd_error look(struct watching *w, struct watch *watch, struct watch_summary *summary,
                              struct layerd_failure *failure)
{
    struct error error;

    progress_begin(&w->progress);
    enum status status = watch_look(watch, summary, &error);
    progress_end(&w->progress);
    return status == OK ? LAYERD_OK
                        : cli_fail(failure, (enum layerd_error)status, "%s", error.message);
}

static int summarize(struct watching *w, const struct watch_summary *summary)
{
    static const struct {
        const char *name, *text;
        int code;
    } verdicts[] = {
        [WATCH_RIGHT] = { "right", "all right", EXIT_DONE },
        [WATCH_ACTED] = { "acted", "something is wrong, and what could be done was done", EXIT_WRONG },
        [WATCH_COULD_NOT] = { "could_not", "something is wrong or cannot be checked, and not all that is "
                                           "needed could be done", EXIT_POWERLESS },
        [WATCH_UNVERIFIED] = { "unverified", "NOT VERIFIED: what the node serves does not fit together",
                               EXIT_UNVERIFIED },
    };
    AUTO_JSON json_t *facts =
        json_pack("{s:s, s:I, s:I}", "verdict", verdicts[summary->verdict].name, "rollups",
                  (json_int_t)summary->rollups, "batches", (json_int_t)summary->batches);
    AUTO_FREE char *line = text_format("%" PRIu64 " rollup%s watched: %s", summary->rollups,
                                       summary->rollups == 1 ? "" : "s", verdicts[summary->verdict].text);
    print_line(w, "summary", facts, line);
    return verdicts[summary->verdict].code;
}

static int watch_once(struct watching *w, struct watch *watch)
{
    struct watch_summary summary = { .unfinished = true };
    struct layerd_failure failure;

    for (int i = 0; i < UNFINISHED_MOST && summary.unfinished && !is_stopped(w); i++)
        if (look(w, watch, &summary, &failure) != LAYERD_OK)
            return cli_check_failed(&failure);
    if (w->stopped) {
        fprintf(stderr, "layer-cli: stopped before everything was looked at\n");
        return EXIT_REFUSED;
    }
    if (summary.unfinished && summary.verdict == WATCH_RIGHT)
        summary.verdict = WATCH_COULD_NOT;
    return summarize(w, &summary);
}

static int watch_on(struct watching *w, struct watch *watch)
{
    struct watch_summary summary = { .verdict = WATCH_RIGHT };
    struct layerd_failure failure;
    bool begun = false;

    while (!is_stopped(w)) {
        enum layerd_error code = look(w, watch, &summary, &failure);
        if ((code != LAYERD_OK && !begun && !passes(code)) || code == LAYERD_ERROR_CORRUPT)
            return cli_check_failed(&failure);
        tell_node(w, code != LAYERD_OK, failure.message);
        if (!begun && code == LAYERD_OK)
            (void)summarize(w, &summary);
        begun |= code == LAYERD_OK;
        enum follow_step step = rest(w, code != LAYERD_OK || summary.soon ? SOON_MS : SWEEP_MS, &failure);
        if (step == FOLLOW_INTERRUPTED)
            break;
        if (step == FOLLOW_FAILED)
            return cli_check_failed(&failure); /* FORK: another log than it was */
    }
    return summary.verdict == WATCH_UNVERIFIED ? EXIT_UNVERIFIED : EXIT_DONE;
}

/* --- the word --------------------------------------------------------------------------------- */
static bool whole_number(const char *text, uint64_t *number)
{
    if (text[0] == '\0' || strlen(text) > 16 || strspn(text, "0123456789") != strlen(text))
        return false;
    *number = 0;
    for (; *text != '\0'; text++)
        *number = 10 * *number + (uint64_t)(*text - '0');
    return *number <= INTEGER_MAX;
}

static int read_options(struct cli *cli, struct watch_options *options)
{
    if (cli->key == NULL)
        return cli_usage("watch needs --key FILE; 'layer-cli key new FILE' makes one");
    options->max_stake = WATCH_ANY_STAKE;
    if (cli->max_stake != NULL && !whole_number(cli->max_stake, &options->max_stake))
        return cli_usage("--max-stake: an amount in the asset's smallest unit is expected, not '%.40s'",
                         cli->max_stake);
    for (size_t i = 0; i < cli->rollups.count; i++)
        if (!whole_number(cli->rollups.values[i], &options->rollups[i]))
            return cli_usage("--rollup: a rollup's number is expected, not '%.40s'", cli->rollups.values[i]);
    uint64_t keep = WATCH_KEEP_DEFAULT / MEBIBYTE;
    if (cli->keep != NULL && (!whole_number(cli->keep, &keep) || keep > KEEP_MIB_MOST))
        return cli_usage("--keep: at most %u MiB are expected, as a number, not '%.40s'", KEEP_MIB_MOST,
                         cli->keep);
    options->keep_most = (size_t)keep * MEBIBYTE;
    options->rollup_count = cli->rollups.count;
    options->chain = cli->chain;
    options->timeout_ms = cli_timeout(cli, CLI_TIMEOUT_DEFAULT_MS);
    return EXIT_DONE;
}

static int run(struct cli *cli, struct watch_options *options)
{
    static const char *const types[] = { "rollup.*", "game.*", "fraud.*" };
    const struct layerd_subscribe_options wanted = { .from = "now", .types = types,
                                                     .type_count = sizeof types / sizeof types[0] };
    struct watching w = { .cli = cli, .follow = { .signals = -1 } };
    struct layerd_failure failure;
    int code = EXIT_CONNECT;

    options->listener = (struct watch_listener){ &w, tell, show_progress, is_stopped };
    progress_begin(&w.progress);
    if (follow_begin(&w.follow, cli, &wanted, true, -1, &failure) == LAYERD_OK) {
        struct watch *watch = watch_open(options);
        code = cli->once ? watch_once(&w, watch) : watch_on(&w, watch);
        watch_close(watch);
    } else {
        code = cli_failed(&failure);
    }
    follow_end(&w.follow);
    return code;
}

int word_watch(struct cli *cli)
{
    struct watch_options options = { .path = NULL };
    AUTO_FREE char *path = NULL;
    struct layerd_key *key = NULL;
    struct layerd_failure failure;

    _Static_assert(WATCH_ROLLUPS_MAX >= CLI_LIST_MAX, "each --rollup has a place");
    int code = read_options(cli, &options);
    if (code != EXIT_DONE)
        return code;
    if (cli_path(cli, &path, &failure) != LAYERD_OK)
        return cli_failed(&failure);
    code = word_open_key(cli, &key);
    if (code != EXIT_DONE)
        return code;
    options.path = path;
    options.key = key;
    code = run(cli, &options);
    layerd_key_close(key);
    return code;
}
