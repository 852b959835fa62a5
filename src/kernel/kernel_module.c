/* What the kernel itself offers: SQL, audit, verify, replay; help and facts about the node; the dev network's
 * clock. The lists of what happened are in history.c. */
#include "kernel/kernel_module.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/bech32.h"
#include "base/clock.h"
#include "config.h"
#include "kernel/audit.h"
#include "kernel/internal.h"
#include "kernel/replay.h"
#include "kernel/rpc_help.h"
#include "kernel/sql.h"

/* --- transaction.submit: declared here, answered by call.c ------------------------------------ */
struct submit_params {
    struct bytes transaction, signature;
};
static const struct param submit_param_table[] = {
    PARAM(struct submit_params, transaction, JSON, REQUIRED,
          "{account, chain, method, params, salt (32 hex digits), valid_until (block time, µs)}"),
    PARAM(struct submit_params, signature, BYTES, REQUIRED,
          "BIP-340 signature, by the account, of the tagged hash layerd/transaction of the RFC 8785 form"),
};
const struct query_method submit_method = {
    METHOD_SUBMIT, ACCESS_PUBLIC, NULL, PARAMS(struct submit_params, submit_param_table),
    .help = "Execute a signed transaction, or answer what it gave the first time.",
    .result = "{transaction, block, result, repeated}",
};

/* --- SQL, audit, verify ----------------------------------------------------------------------- */
struct sql_params { const char *query; uint64_t limit; };
static const struct param sql_param_table[] = {
    PARAM(struct sql_params, query, TEXT, REQUIRED, "one statement that reads", .most = SQL_LENGTH_MAX),
    PARAM(struct sql_params, limit, INTEGER, OPTIONAL, "rows at most, up to 100000",
          .fallback = SQL_ROWS_DEFAULT),
};

static enum status sql(struct query *q, const void *params, struct writer *w)
{
    const struct sql_params *p = params;

    return sql_run(q, p->query, p->limit < SQL_ROWS_MAX ? p->limit : SQL_ROWS_MAX, w);
}

static void write_invariant(void *context, const struct invariant *invariant, const char *violation)
{
    struct writer *w = context;

    writer_object_begin(w);
    writer_member_text(w, "name", invariant->name);
    writer_member_text(w, "help", invariant->help);
    writer_member_boolean(w, "ok", violation == NULL);
    if (violation != NULL)
        writer_member_text(w, "violation", violation);
    writer_object_end(w);
}

static enum status audit(struct query *q, const void *params, struct writer *w)
{
    bool ok;

    (void)params;
    writer_object_begin(w);
    writer_key(w, "invariants");
    writer_array_begin(w);
    ok = audit_run(q->kernel->registry, q, write_invariant, w);
    writer_array_end(w);
    writer_member_boolean(w, "ok", ok);
    writer_object_end(w);
    return OK;
}

struct verify_params { uint64_t after, until; };
static const struct param verify_param_table[] = {
    PARAM(struct verify_params, after, INTEGER, OPTIONAL, "start after this event"),
    PARAM(struct verify_params, until, INTEGER, OPTIONAL, "end with this event; the newest when absent"),
};

static bool not_stopping(void *context, uint64_t done, uint64_t total)
{
    (void)done, (void)total;
    return !kernel_stopping(context);
}

static enum status verify(struct query *q, const void *params, struct writer *w)
{
    const struct verify_params *p = params;
    struct log_report report;

    TRY(log_verify(q->database, kernel_node_id(q->kernel), kernel_note_key(q->kernel), p->after, p->until,
                   not_stopping, q->kernel, &report, &q->error));
    writer_object_begin(w);
    writer_member_boolean(w, "ok", true);
    writer_member_unsigned(w, "first", report.first);
    writer_member_unsigned(w, "last", report.last);
    writer_member_unsigned(w, "head", kernel_head(q->kernel));
    writer_member_hex(w, "head_hash", report.head_hash.bytes, sizeof(report.head_hash.bytes));
    writer_member_boolean(w, "tree_checked", report.tree_checked);
    if (report.tree_checked)
        writer_member_hex(w, "root", report.root.bytes, sizeof(report.root.bytes));
    writer_member_unsigned(w, "checkpoints", report.checkpoints);
    writer_object_end(w);
    return OK;
}

/* --- replay: an effect, because it may take long ---------------------------------------------- */
#define EFFECT_REPLAY "kernel.replay"

static enum status replay(struct execution *x, const void *params, struct writer *w)
{
    char run[33];
    uint64_t id;

    (void)params;
    snprintf(run, sizeof(run), "%" PRIx64, (uint64_t)x->machine->wall_us);
    id = effect_request(x, EFFECT_REPLAY, run, "{}");
    writer_object_begin(w);
    writer_member_unsigned(w, "effect", id);
    writer_member_text(w, "run", run);
    writer_object_end(w);
    return OK;
}

static bool replay_must_stop(void *context)
{
    return kernel_stopping(context);
}

static enum status run_replay(struct effect_run *run)
{
    struct kernel *k = run->kernel;
    char *work_path AUTO_FREE = text_format("%s/replay-%s.sqlite3", k->directory, run->key);
    const struct replay_options options = { .registry = k->registry,
                                            .database_path = k->database_path,
                                            .work_path = work_path,
                                            .chain = k->chain,
                                            .network = k->options.network,
                                            .stop = replay_must_stop,
                                            .context = k };
    struct replay_report report;
    struct writer w;

    TRY(replay_run(&options, &report, &run->error));
    writer_init(&w, &run->result);
    writer_object_begin(&w);
    writer_member_unsigned(&w, "blocks", report.blocks);
    writer_member_unsigned(&w, "transactions", report.transactions);
    writer_member_boolean(&w, "equal", report.equal);
    if (!report.equal)
        writer_member_text(&w, "difference", report.difference);
    writer_object_end(&w);
    return OK;
}

static void replay_ended(struct execution *x, uint64_t id, const char *key, const char *request,
                         enum status outcome, const char *result)
{
    struct event_replay_completed event = { .run = key };
    struct error error;
    json_t *json AUTO_JSON = NULL;

    (void)id, (void)request;
    INVARIANT(json_parse(result, strlen(result), &json, &error) == OK, "an effect's result is JSON");
    if (outcome != OK) {
        event.difference = json_string_value(json_object_get(json, "message"));
    } else {
        event.blocks = (uint64_t)json_integer_value(json_object_get(json, "blocks"));
        event.transactions = (uint64_t)json_integer_value(json_object_get(json, "transactions"));
        event.equal = json_is_true(json_object_get(json, "equal"));
        event.difference = json_string_value(json_object_get(json, "difference"));
    }
    event_replay_completed(x, &event);
}

/* --- facts ------------------------------------------------------------------------------------ */
static enum status node_info(struct query *q, const void *params, struct writer *w)
{
    struct kernel *k = q->kernel;
    struct account_id account = kernel_account(k);
    struct buffer verifier CLEANUP(buffer_close) = { 0 };
    char address[ADDRESS_TEXT_MAX];

    (void)params;
    address_encode(address, &account);
    note_key_text(kernel_note_key(k), &verifier);
    writer_object_begin(w);
    writer_member_text(w, "version", PACKAGE_VERSION);
    writer_member_text(w, "network", network_name(k->options.network));
    writer_member_text(w, "chain", k->chain);
    writer_member_text(w, "node_id", k->node_id);
    writer_member_text(w, "account", address);
    writer_member_text(w, "origin", k->origin);
    writer_member_text(w, "verifier", buffer_text(&verifier));
    writer_member_unsigned(w, "head", kernel_head(k));
    writer_member_unsigned(w, "height", kernel_height(k));
    writer_member_integer(w, "now_us", kernel_now(k));
    writer_member_unsigned(w, "block_time_us", atomic_load(&k->block_time_us));
    writer_member_unsigned(w, "chain_time_us", atomic_load(&k->chain_time_us));
    writer_member_text(w, "directory", k->directory);
    writer_object_end(w);
    return OK;
}

/* Resident pages, as the system counts them; 0 where it does not say. */
static uint64_t resident_bytes(void)
{
    unsigned long whole, resident = 0;
    FILE *file = fopen("/proc/self/statm", "re");

    if (file == NULL)
        return 0;
    if (fscanf(file, "%lu %lu", &whole, &resident) != 2)
        resident = 0;
    fclose(file);
    return (uint64_t)resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static enum status node_status(struct query *q, const void *params, struct writer *w)
{
    struct kernel_counters c;

    (void)params;
    kernel_counters(q->kernel, &c);
    writer_object_begin(w);
    writer_member_unsigned(w, "head", kernel_head(q->kernel));
    writer_member_unsigned(w, "height", kernel_height(q->kernel));
    writer_member_unsigned(w, "commits", c.commits);
    writer_member_unsigned(w, "commands", c.commands);
    writer_member_unsigned(w, "refused", c.refused);
    writer_member_unsigned(w, "events", c.events);
    writer_member_unsigned(w, "blocks", c.blocks);
    writer_member_unsigned(w, "queries", c.queries);
    writer_member_unsigned(w, "busy", c.busy);
    writer_member_unsigned(w, "queued", c.queued);
    writer_member_unsigned(w, "effects_waiting", effects_waiting(q->database));
    writer_member_unsigned(w, "memory_bytes", resident_bytes());
    writer_object_end(w);
    return OK;
}

/* --- help ------------------------------------------------------------------------------------- */
struct help_params { const char *method; };
static const struct param help_param_table[] = {
    PARAM(struct help_params, method, TEXT, OPTIONAL, "one method; all when absent"),
};

static enum status help(struct query *q, const void *params, struct writer *w)
{
    const struct help_params *p = params;
    const char *near;

    if (p->method == NULL) {
        rpc_help_all(q->kernel->registry, w);
        return OK;
    }
    if (rpc_help_one(q->kernel->registry, p->method, w))
        return OK;
    near = registry_suggest(q->kernel->registry, p->method);
    return query_fail(q, ERROR_METHOD_NOT_FOUND, "no method '%.64s'%s%s%s", p->method,
                      near == NULL ? "" : "; did you mean '", near == NULL ? "" : near,
                      near == NULL ? "" : "'?");
}

static enum status discover(struct query *q, const void *params, struct writer *w)
{
    (void)params;
    kernel_write_openrpc(q->kernel->options.modules, w);
    return OK;
}

/* --- the dev network's clock ------------------------------------------------------------------ */
#define ADVANCE_MOST_US ((int64_t)366 * 86400 * MICROSECONDS_PER_SECOND)
#define ADVANCED_TOTAL_MOST_US ((int64_t)100 * 366 * 86400 * MICROSECONDS_PER_SECOND)

struct advance_params { int64_t by; };
static const struct param advance_param_table[] = {
    PARAM(struct advance_params, by, DURATION, REQUIRED, "how far, at most 366 days"),
};

static enum status advance_time(struct execution *x, const void *params, struct writer *w)
{
    const struct advance_params *p = params;

    if (p->by < 1 || p->by > ADVANCE_MOST_US)
        return fail(x, ERROR_INVALID_PARAMS, "by: from 1 microsecond to 366 days are allowed, not %" PRId64,
                    p->by);
    if (x->machine->next.advanced_us + x->machine->next_advance_us + p->by > ADVANCED_TOTAL_MOST_US)
        return fail(x, ERROR_LIMIT, "time was advanced by a hundred years already");
    execution_advance_time(x, p->by);
    writer_object_begin(w);
    writer_member_integer(w, "block_time_us", execution_time(x) + x->machine->next_advance_us);
    writer_object_end(w);
    return event_time_advanced(x, &(struct event_time_advanced){ .by_us = (uint64_t)p->by,
                                                                 .account = execution_account(x) });
}

/* --- the tables ------------------------------------------------------------------------------- */
static const struct command commands[] = {
    { "dev.advance_time", SCOPE_BASE, ACCESS_SIGNED, advance_time,
      PARAMS(struct advance_params, advance_param_table),
      .help = "Move block time and chain time forward, and fire what that makes due before the answer.",
      .result = "{block_time_us}", .example = "from=alice by=2h", .dev_only = true },
    { "replay", SCOPE_LOCAL, ACCESS_OPERATOR, replay, NO_PARAMS,
      .help =
          "Rebuild the base ledger from its transactions and compare every block and row; ends with"
          " replay.completed.",
      .result = "{effect, run}" },
};

static const struct query_method queries[] = {
    { "help", ACCESS_PUBLIC, help, PARAMS(struct help_params, help_param_table),
      .help = "List the methods, or explain one.", .result = "{methods} or {name, help, params, …}",
      .example = "method=ledger.transfer", .detached = true },
    { "rpc.discover", ACCESS_PUBLIC, discover, NO_PARAMS, .help = "The OpenRPC document of all methods.",
      .result = "an OpenRPC 1.2 document", .detached = true },
    { "node.info", ACCESS_PUBLIC, node_info, NO_PARAMS,
      .help = "Who this node is: network, chain, keys, heads.",
      .result = "{version, network, chain, node_id, account, origin, verifier, head, height, now_us, …}",
      .detached = true },
    { "node.status", ACCESS_PUBLIC, node_status, NO_PARAMS,
      .help = "Counters since the start, and memory in use.",
      .result = "{commits, commands, refused, events, …}" },
    { "sql", ACCESS_PUBLIC, sql, PARAMS(struct sql_params, sql_param_table),
      .help = "Run one SQL statement that reads; schema/README.md describes the views.",
      .result = "{columns, types, rows, truncated}", .example = "query=\"SELECT * FROM v_balance\"" },
    { "audit", ACCESS_OPERATOR, audit, NO_PARAMS, .help = "Check every invariant over the whole database.",
      .result = "{ok, invariants}", .slow = true },
    { "verify", ACCESS_OPERATOR, verify, PARAMS(struct verify_params, verify_param_table),
      .help = "Recompute the event log's hash chain and tree, and check its signed checkpoints.",
      .result = "{ok, first, last, head, head_hash, root, checkpoints}", .slow = true },
};

static const struct effect_kind effects[] = {
    { EFFECT_REPLAY, run_replay, replay_ended, .attempts = 1, .help = "rebuild the base ledger and compare" },
};

static const struct invariant invariants[] = {
    { .name = "kernel.blocks",
      .help = "Each block follows the one before: height, hash, time.",
      .sql =
          "SELECT 'block ' || b.height FROM block b LEFT JOIN block p ON p.height = b.height - 1"
          " WHERE b.height > 0 AND (p.hash IS NULL OR b.previous <> p.hash OR b.time_us < p.time_us"
          " OR b.chain_time_us < p.chain_time_us) LIMIT 1" },
    { .name = "kernel.events",
      .help = "Event numbers are dense and their times never go back.",
      .sql = "SELECT 'event ' || seq FROM (SELECT seq, time_us, lag(seq) OVER (ORDER BY seq) AS before,"
             " lag(time_us) OVER (ORDER BY seq) AS time_before FROM event)"
             " WHERE seq <> coalesce(before, 0) + 1 OR time_us < coalesce(time_before, 0) LIMIT 1" },
    { .name = "kernel.subjects",
      .help = "Events are filed under their subjects, each once, up to the number on record.",
      .sql = "SELECT 'event ' || seq || ' is not filed under its subject' FROM"
             " (SELECT subject, seq FROM event WHERE subject IS NOT NULL"
             " AND seq <= (SELECT upto FROM event_subject_progress)"
             " EXCEPT SELECT subject, seq FROM event_subject)"
             " UNION ALL SELECT 'event ' || seq || ' is filed under another subject' FROM"
             " (SELECT subject, seq FROM event_subject EXCEPT SELECT subject, seq FROM event) LIMIT 1" },
    { .name = "kernel.transactions",
      .help = "Each transaction belongs to a block that exists.",
      .sql =
          "SELECT 'transaction ' || number FROM signed_transaction t LEFT JOIN block b ON b.height = t.block"
          " WHERE b.height IS NULL LIMIT 1" },
    { .name = "kernel.cursors",
      .help = "No cursor is ahead of the log.",
      .sql =
          "SELECT 'cursor ' || name FROM cursor"
          " WHERE acknowledged > (SELECT coalesce(max(seq), 0) FROM event) LIMIT 1" },
};

static const char *const base_tables[] = { "block", "deadline", NULL };

const struct module kernel_module = {
    .name = "kernel",
    .help = "transactions, blocks, SQL, checks and facts",
    COMMANDS(commands),
    QUERIES(queries),
    EFFECTS(effects),
    INVARIANTS(invariants),
    .base_tables = base_tables,
};
