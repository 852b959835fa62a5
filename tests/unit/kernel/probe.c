/* The probe: see probe.h. Its rows live in `meta`, its events are dev.time_advanced, whose number says what
 * happened. */
#include "probe.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kernel/execution.h"
#include "kernel/kernel.h"
#include "store/migration.h"

atomic_int probe_runs;
atomic_int probe_failures;
char probe_fired[4096];

static void record(struct execution *x, uint64_t number)
{
    event_time_advanced(x, &(struct event_time_advanced){ .by_us = number, .account = execution_account(x) });
}

struct note { uint64_t number; bool refuse; };
static const struct param note_params[] = {
    PARAM(struct note, number, INTEGER, REQUIRED, "what to record"),
    PARAM(struct note, refuse, BOOLEAN, OPTIONAL, "refuse after everything was written"),
};

static enum status note(struct execution *x, const void *params, struct writer *w)
{
    const struct note *p = params;
    char text[24];

    snprintf(text, sizeof(text), "%" PRIu64, p->number);
    meta_set(execution_database(x), "probe", text);
    record(x, p->number);
    writer_object_begin(w);
    writer_member_unsigned(w, "block", execution_block(x));
    writer_member_integer(w, "time_us", execution_time(x));
    writer_object_end(w);
    if (p->refuse)
        return fail(x, ERROR_NOT_FOUND, "as asked, number %" PRIu64, p->number);
    return OK;
}

struct alarm { int64_t in; const char *name; bool chain, clear; };
static const struct param alarm_params[] = {
    PARAM(struct alarm, in, DURATION, REQUIRED, "from now"),
    PARAM(struct alarm, name, TEXT, REQUIRED, "its subject"),
    PARAM(struct alarm, chain, BOOLEAN, OPTIONAL, "on chain time"),
    PARAM(struct alarm, clear, BOOLEAN, OPTIONAL, "take it back"),
};

static enum status set_alarm(struct execution *x, const void *params, struct writer *w)
{
    const struct alarm *p = params;

    (void)w;
    if (p->clear)
        deadline_clear(x, "probe.alarm", bytes_of_text(p->name));
    else
        deadline_set(x, p->chain ? CLOCK_CHAIN : CLOCK_BLOCK,
                     (p->chain ? execution_chain_time(x) : execution_time(x)) + p->in, "probe.alarm",
                     bytes_of_text(p->name));
    return OK;
}

static void alarm_fires(struct execution *x, struct bytes subject)
{
    size_t used = strlen(probe_fired);

    snprintf(probe_fired + used, sizeof(probe_fired) - used, "%.*s@%" PRId64 "/%" PRId64 " ",
             (int)subject.size, (const char *)subject.data, execution_time(x), execution_chain_time(x));
    record(x, 7);
    if (bytes_equal(subject, bytes_of_text("working"))) /* what follows from it takes work outside */
        reaction_request(x, "probe.work", subject);
}

struct work_params { const char *key; uint64_t party; };
static const struct param work_param_table[] = {
    PARAM(struct work_params, key, TEXT, REQUIRED, "idempotency key"),
    PARAM(struct work_params, party, INTEGER, OPTIONAL, "whom it waits for"),
};

static enum status start_work(struct execution *x, const void *params, struct writer *w)
{
    const struct work_params *p = params;

    writer_object_begin(w);
    writer_member_unsigned(w, "effect", effect_request(x, "probe.work", p->key, "{\"n\":1}"));
    writer_object_end(w);
    return OK;
}

static enum status work(struct effect_run *run)
{
    atomic_fetch_add(&probe_runs, 1);
    if (strcmp(run->key, "until-stop") == 0) {
        while (!kernel_stopping(run->kernel))
            usleep(1000);
        return error_set(&run->error, ERROR_STOPPING, "the node is stopping");
    }
    if (atomic_fetch_sub(&probe_failures, 1) > 0)
        return error_set(&run->error, ERROR_CONNECT, "the other side does not answer");
    buffer_append_text(&run->result, "{\"attempt\":");
    buffer_append_format(&run->result, "%u}", run->attempt);
    return OK;
}

/* --- one that waits ------------------------------------------------------------------------------- */
atomic_int probe_waiting, probe_waits_ended, probe_end_next;
atomic_bool probe_go;

static enum status start_wait(struct execution *x, const void *params, struct writer *w)
{
    const struct work_params *p = params;

    writer_object_begin(w);
    if (strcmp(p->key, "cancel") == 0)
        writer_member_boolean(w, "cancelled", effect_cancel(x, "probe.wait", "late"));
    else
        writer_member_unsigned(w, "effect",
                               effect_request_for(x, "probe.wait", p->party, p->key, "{}",
                                                  strcmp(p->key, "late") == 0 ? 1000000 : 0));
    writer_object_end(w);
    return OK;
}

static enum status wait_for_word(struct effect_run *run)
{
    atomic_fetch_add(&probe_waiting, 1);
    while (!atomic_load(&probe_go)) {
        if (strncmp(run->key, "p9-", 3) != 0 && atomic_load(&probe_end_next) > 0 &&
            atomic_fetch_sub(&probe_end_next, 1) > 0)
            break;
        if (kernel_stopping(run->kernel))
            return error_set(&run->error, ERROR_STOPPING, "the node is stopping");
        usleep(1000);
    }
    return OK;
}

static void wait_ended(struct execution *x, uint64_t id, const char *key, const char *request,
                       enum status outcome, const char *result)
{
    (void)x, (void)id, (void)key, (void)request, (void)outcome, (void)result;
    atomic_fetch_add(&probe_waits_ended, 1);
}

static void work_ended(struct execution *x, uint64_t id, const char *key, const char *request,
                       enum status outcome, const char *result)
{
    (void)request, (void)outcome;
    meta_set(execution_database(x), key, result);
    record(x, 1000 + id);
}

/* --- reactions, sweeps, what follows a commit --------------------------------------------------- */
atomic_int probe_reactions, probe_sweeps, probe_followed, probe_dropped;
int64_t probe_sweep_again_us;

static void reacts(struct execution *x, struct bytes subject)
{
    INVARIANT(subject.size == 1, "a probe's reaction is about one byte");
    atomic_fetch_add(&probe_reactions, 1);
    if (subject.data[0] > 0) { /* a reaction may ask for others */
        uint8_t next = (uint8_t)(subject.data[0] - 1);

        reaction_request(x, "probe.react", bytes_of(&next, 1));
    }
}

static void asks_for_work(struct execution *x, struct bytes subject)
{
    (void)subject;
    (void)effect_request(x, "probe.work", "late", "{\"n\":1}");
}

static int64_t sweeps(struct execution *x)
{
    int64_t next_us = probe_sweep_again_us;

    (void)x;
    atomic_fetch_add(&probe_sweeps, 1);
    probe_sweep_again_us = INT64_MAX;
    return next_us;
}

struct asked { uint64_t reactions, sweep_in; bool refuse; };

static const struct param asked_params[] = {
    PARAM(struct asked, reactions, INTEGER, OPTIONAL,
          "how many reactions, each asking for the next; 0: none"),
    PARAM(struct asked, sweep_in, INTEGER, OPTIONAL, "microseconds from now until the sweep"),
    PARAM(struct asked, refuse, BOOLEAN, OPTIONAL, "whether the command fails in the end"),
};

static void follows(struct kernel *kernel, void *context)
{
    (void)kernel, (void)context;
    atomic_fetch_add(&probe_followed, 1);
}

static void drops(void *context)
{
    (void)context;
    atomic_fetch_add(&probe_dropped, 1);
}

static enum status ask(struct execution *x, const void *params, struct writer *w)
{
    const struct asked *p = params;
    uint8_t first = (uint8_t)(p->reactions - 1);

    (void)w;
    execution_after_commit(x, follows, drops, NULL);
    if (p->reactions > 0)
        reaction_request(x, "probe.react", bytes_of(&first, 1));
    reaction_request(x, "probe.nobody", bytes_of(&first, 1)); /* which no module declares */
    if (p->sweep_in > 0)
        sweep_request(x, "probe.sweep", execution_time(x) + (int64_t)p->sweep_in);
    return p->refuse ? fail(x, ERROR_INVALID_PARAMS, "refused as asked") : OK;
}

/* A base command whose check fills what no parameter fills. */
struct checked { uint64_t number, doubled; };

static const struct param checked_params[] = {
    PARAM(struct checked, number, INTEGER, REQUIRED, "at most 1,000"),
};

static enum status check_number(const struct check *check, void *params, struct arena *arena,
                                struct error *error)
{
    struct checked *p = params;

    (void)arena;
    INVARIANT(check->chain != NULL && check->keystore == NULL && check->database == NULL,
              "a base command's check sees more than the chain");
    if (p->number > 1000)
        return error_set(error, ERROR_LIMIT, "%" PRIu64 " is over 1,000", p->number);
    p->doubled = 2 * p->number;
    return OK;
}

static enum status checked(struct execution *x, const void *params, struct writer *w)
{
    const struct checked *p = params;

    record(x, p->doubled);
    writer_object_begin(w);
    writer_member_unsigned(w, "doubled", p->doubled);
    writer_object_end(w);
    return OK;
}

static enum status never(struct execution *x, const void *params, struct writer *w)
{
    (void)params, (void)w;
    return fail(x, ERROR_INTERNAL, "an internal command was called from outside");
}

static const struct command commands[] = {
    { "probe.note", SCOPE_BASE, ACCESS_SIGNED, note, PARAMS(struct note, note_params),
      .help = "Record a number.", .result = "{block, time_us}" },
    { "probe.alarm", SCOPE_BASE, ACCESS_SIGNED, set_alarm, PARAMS(struct alarm, alarm_params),
      .help = "Set a deadline.", .result = "{}" },
    { "probe.work", SCOPE_LOCAL, ACCESS_OPERATOR, start_work, PARAMS(struct work_params, work_param_table),
      .help = "Ask for an effect.", .result = "{effect}" },
    { "probe.wait", SCOPE_LOCAL, ACCESS_OPERATOR, start_wait, PARAMS(struct work_params, work_param_table),
      .help = "Ask for an effect.", .result = "{effect}" },
    { "probe.ask", SCOPE_LOCAL, ACCESS_OPERATOR, ask, PARAMS(struct asked, asked_params),
      .help = "Asks for reactions, a sweep, and something behind the commit.", .result = "nothing" },
    { "probe.checked", SCOPE_BASE, ACCESS_SIGNED, checked, check_number,
      PARAMS(struct checked, checked_params), .help = "Is checked beside the executor.",
      .result = "twice the number" },
    { "probe.internal", SCOPE_LOCAL, ACCESS_INTERNAL, never, NO_PARAMS, .help = "Not for outside.",
      .result = "{}" },
};

static enum status sleepy(struct query *q, const void *params, struct writer *w)
{
    (void)params;
    struct statement *s =
        statement(q->database, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
                               " SELECT max(i) AS most FROM n");

    if (statement_row(s))
        writer_integer(w, column_integer(s, "most"));
    return OK;
}

static const struct query_method queries[] = {
    { "probe.endless", ACCESS_PUBLIC, sleepy, NO_PARAMS, .help = "Never ends by itself.",
      .result = "a number" },
};

static const struct deadline_kind deadlines[] = {
    { "probe.alarm", alarm_fires, "a deadline to watch" },
};

static const struct reaction reactions[] = {
    { "probe.react", reacts, "counts" },
    { "probe.work", asks_for_work, "asks for an effect" },
};

static const struct sweep sweep_kinds[] = {
    { "probe.sweep", sweeps, "counts" },
};

static const struct effect_kind effects[] = {
    { "probe.work", work, work_ended, .attempts = 3, .backoff_us = 1000, .help = "fails on order" },
    { "probe.wait", wait_for_word, wait_ended, .attempts = 3, .waits = PROBE_WAITS, .transient = true,
      .help = "waits until it is told to go on" },
};

const struct module probe_module = {
    .name = "probe",
    .help = "for tests",
    COMMANDS(commands),
    QUERIES(queries),
    DEADLINES(deadlines),
    EFFECTS(effects),
    REACTIONS(reactions),
    SWEEPS(sweep_kinds),
};
