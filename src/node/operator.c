/* stop, backup and node.log. A backup is an effect: asked for in a transaction, made by a worker after
 * COMMIT, and started again after a restart; its progress comes back as events, at most one a second. */
#include "node/operator.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "kernel/execution.h"
#include "kernel/kernel.h"
#include "kernel/query.h"
#include "node/log_levels.h"
#include "store/backup.h"

#define LOG_ROOM "node"
#define BACKUP_EFFECT "node.backup"
#define BACKUP_FOLDER "backups"
#define BACKUP_NAME_MAX 64
#define BACKUP_PATH_MAX SUBJECT_TEXT_MAX /* the path is the subject of events */
#define BACKUP_ATTEMPTS 3
#define PROGRESS_EVERY_US MICROSECONDS_PER_SECOND
#define LEVELS_TEXT_MAX 512

/* --- stop ----------------------------------------------------------------------------------------------- */
static struct {
    void (*stop)(void *context);
    void *context;
} stopper;

static atomic_bool stopping; /* long work ends early; its effect waits for the next start */

void operator_on_stop(void (*stop)(void *context), void *context)
{
    stopper.stop = stop;
    stopper.context = context;
}

void operator_stopping(void)
{
    atomic_store(&stopping, true);
}

static enum status stop(struct query *q, const void *params, struct writer *result)
{
    (void)params;
    if (stopper.stop == NULL)
        return query_fail(q, ERROR_NOT_FOUND, "this process does not stop by command");
    log_info("stop asked for by uid %" PRId64, q->caller.uid);
    stopper.stop(stopper.context);
    writer_object_begin(result);
    writer_member_boolean(result, "stopped", true);
    writer_object_end(result);
    return OK;
}

/* --- node.log ------------------------------------------------------------------------------------------- */
struct log_params {
    const char *levels;
};
static const struct param log_params[] = {
    PARAM(struct log_params, levels, TEXT, REQUIRED,
          "'info', or with rooms of their own: 'info,api:debug,store:trace'", .most = LEVELS_TEXT_MAX),
};

static enum status node_log(struct query *q, const void *params, struct writer *result)
{
    const struct log_params *p = params;
    struct error error;

    if (log_levels_apply(p->levels, &error) != OK)
        return query_fail(q, error.code, "%s", error.message);
    log_info("log levels are now %s, by uid %" PRId64, p->levels, q->caller.uid);
    writer_object_begin(result);
    writer_member_text(result, "levels", p->levels);
    writer_object_end(result);
    return OK;
}

/* --- backup: the command -------------------------------------------------------------------------------- */
struct backup_params {
    const char *to;
};
static const struct param backup_params[] = {
    PARAM(struct backup_params, to, TEXT, OPTIONAL,
          "absolute path of the copy, or a file name in DIRECTORY/backups; absent: named by the time",
          .most = BACKUP_PATH_MAX),
};

char *backup_destination(const char *directory, const char *to, int64_t now_us, uint64_t seq)
{
    char name[BACKUP_NAME_MAX];
    time_t seconds = (time_t)(now_us / MICROSECONDS_PER_SECOND);
    struct tm parts;

    if (to == NULL) {
        gmtime_r(&seconds, &parts);
        strftime(name, sizeof name, "%Y%m%dT%H%M%SZ", &parts);
        return text_format("%s/" BACKUP_FOLDER "/%s-%" PRIu64 ".sqlite3", directory, name, seq);
    }
    /* Steps back are refused: a path says plainly where it leads. */
    if (to[0] == '/')
        return to[strlen(to) - 1] == '/' || strstr(to, "/../") != NULL ? NULL : text_copy(to);
    if (to[0] == '\0' || to[0] == '.' || strchr(to, '/') != NULL)
        return NULL;
    return text_format("%s/" BACKUP_FOLDER "/%s", directory, to);
}

static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash == path || slash == NULL ? text_copy("/") : text_copy_sized(path, (size_t)(slash - path));
}

/* Looks at the path's text alone: a file system that hangs must not hold up the executor. The effect looks at
 * the files. */
static enum status backup(struct execution *x, const void *params, struct writer *result)
{
    const struct backup_params *p = params;
    char *directory AUTO_FREE = folder_of(kernel_database_path(execution_kernel(x)));
    char *destination AUTO_FREE = backup_destination(directory, p->to, execution_time(x),
                                                     execution_next_seq(x));
    struct buffer request CLEANUP(buffer_close) = { 0 };
    struct writer w;

    buffer_init(&request);
    if (destination == NULL)
        return fail(x, ERROR_INVALID_PARAMS, "to is '%s'; expected an absolute path or a plain file name",
                    p->to);
    if (!event_subject_valid(destination))
        return fail(x, ERROR_INVALID_PARAMS,
                    "the path of the copy has to be of at most %d printable ASCII characters without quotes"
                    " and backslashes, as events are about it", BACKUP_PATH_MAX);

    writer_init(&w, &request);
    writer_object_begin(&w);
    writer_member_text(&w, "destination", destination);
    writer_object_end(&w);
    writer_finish(&w);

    /* The event's seq makes the key: the same path may be asked for again once the copy was moved away. */
    char *key AUTO_FREE = text_format("%" PRIu64 " %s", execution_next_seq(x), destination);
    TRY(event_backup_progress(
        x, &(struct event_backup_progress){ .destination = destination, .phase = "copy" }));
    uint64_t effect = effect_request(x, BACKUP_EFFECT, key, buffer_text(&request));

    writer_object_begin(result);
    writer_member_unsigned(result, "effect", effect);
    writer_member_text(result, "destination", destination);
    writer_object_end(result);
    return OK;
}

/* --- backup: the work ----------------------------------------------------------------------------------- */
static char *requested_destination(const char *request)
{
    json_t *parsed AUTO_JSON = NULL;
    const char *destination = NULL;

    if (json_parse(request, strlen(request), &parsed, NULL) == OK)
        destination = json_string_value(json_object_get(parsed, "destination"));
    INVARIANT(destination != NULL, "a backup without destination: %s", request);
    return text_copy(destination);
}

struct progress {
    struct kernel *kernel;
    const char *destination;
    int64_t next_us; /* monotonic: not before */
};

/* One progress event on its way into the executor. */
struct progress_report {
    struct kernel_task task;
    char *destination;
    const char *phase;
    uint64_t done, total;
};

static enum status record_progress(struct kernel_task *task, struct execution *x)
{
    const struct progress_report *report = (const struct progress_report *)(const void *)task;

    return event_backup_progress(x, &(struct event_backup_progress){ .destination = report->destination,
                                                                     .phase = report->phase,
                                                                     .done = report->done,
                                                                     .total = report->total });
}

static void free_report(struct kernel_task *task, enum status status, const struct error *error)
{
    struct progress_report *report = (struct progress_report *)(void *)task;

    (void)status;
    (void)error;
    free(report->destination);
    free(report);
}

static bool report_progress(void *context, const char *phase, uint64_t done, uint64_t total)
{
    struct progress *progress = context;
    int64_t now_us = clock_monotonic_us();
    struct progress_report *report;

    if (atomic_load(&stopping))
        return false;
    if (now_us < progress->next_us)
        return true;
    progress->next_us = now_us + PROGRESS_EVERY_US;
    report = memory_new(sizeof *report);
    report->task.run = record_progress;
    report->task.done = free_report;
    report->destination = text_copy(progress->destination);
    report->phase = strcmp(phase, "verify") == 0 ? "verify" : "copy";
    report->done = done;
    report->total = total;
    if (!kernel_submit_task(progress->kernel, &report->task)) /* busy: this one is left out */
        free_report(&report->task, OK, NULL);
    return true;
}

static void write_report(const struct backup_report *report, struct buffer *out)
{
    struct writer w;

    writer_init(&w, out);
    writer_object_begin(&w);
    writer_member_unsigned(&w, "head", report->head);
    writer_member_hex(&w, "head_hash", report->head_hash.bytes, sizeof report->head_hash.bytes);
    writer_member_integer(&w, "bytes", report->bytes);
    writer_member_unsigned(&w, "verified", report->verified);
    writer_object_end(&w);
    writer_finish(&w);
}

/* Whether `copy` was made after this effect was asked for: it holds the very event that the asking recorded.
 */
static bool copy_is_ours(const struct effect_run *run, struct database *copy)
{
    uint64_t seq = strtoull(run->key, NULL, 10);
    struct hash asked, copied;
    struct database *own;
    int64_t time_us;
    bool ours;

    if (kernel_reader(run->kernel, &own, NULL) != OK)
        return false;
    ours = event_read(own, seq, &asked, &time_us) && event_read(copy, seq, &copied, &time_us) &&
           hash_equal(&asked, &copied);
    database_close(own);
    return ours;
}

/* The copy may stand already: the process died between finishing it and recording that. It counts when it is
 * this effect's and verifies. */
static enum status accept_standing_copy(const struct effect_run *run, const char *destination,
                                        struct backup_report *report, struct error *error)
{
    struct database_options options = { .path = destination, .mode = DATABASE_READER };
    struct log_report log;
    struct database *copy;
    struct stat facts;
    enum status status;

    if (database_open(&options, &copy, error) != OK)
        return error_set(error, ERROR_BACKUP_EXISTS, "%s exists; a backup replaces nothing", destination);
    if (!copy_is_ours(run, copy) || stat(destination, &facts) != 0)
        status = error_set(error, ERROR_BACKUP_EXISTS, "%s exists; a backup replaces nothing", destination);
    else
        status = log_verify(copy, kernel_node_id(run->kernel), kernel_note_key(run->kernel), 0, 0, NULL, NULL,
                            &log, error);
    database_close(copy);
    TRY(status);
    *report = (struct backup_report){
        .head = log.last, .head_hash = log.head_hash, .bytes = facts.st_size, .verified = log.last };
    return OK;
}

/* Its folder must be there; the data directory's own one is made. Trying again would find the same, so these
 * are no storage errors. */
static enum status check_folder(const char *database_path, const char *destination, struct error *error)
{
    char *directory AUTO_FREE = folder_of(database_path);
    char *own AUTO_FREE = text_format("%s/" BACKUP_FOLDER, directory);
    char *folder AUTO_FREE = folder_of(destination);
    struct stat facts;

    if (strcmp(folder, own) == 0 && mkdir(own, 0750) == 0)
        (void)chmod(own, 0750); /* the umask hides the group's part; a failure leaves it private */
    if (stat(folder, &facts) != 0 || !S_ISDIR(facts.st_mode))
        return error_set(error, ERROR_INVALID_PARAMS, "there is no folder %s", folder);
    if (access(folder, W_OK | X_OK) != 0)
        return error_set(error, ERROR_INVALID_PARAMS, "layerd may not write to %s", folder);
    return OK;
}

static enum status run_backup(struct effect_run *run)
{
    char *destination AUTO_FREE = requested_destination(run->request);
    enum status status;
    struct progress progress = { .kernel = run->kernel, .destination = destination,
                                 .next_us = clock_monotonic_us() + PROGRESS_EVERY_US };
    struct backup_report report;

    log_info("backup to %s begins (attempt %u)", destination, run->attempt);
    TRY(check_folder(kernel_database_path(run->kernel), destination, &run->error));
    status = backup_make(kernel_database_path(run->kernel), destination, kernel_node_id(run->kernel),
                         kernel_note_key(run->kernel), report_progress, &progress, &report, &run->error);
    if (status == ERROR_BACKUP_EXISTS)
        status = accept_standing_copy(run, destination, &report, &run->error);
    TRY(status);
    write_report(&report, &run->result);
    return OK;
}

static bool retry_backup(enum status outcome)
{
    return outcome == ERROR_STORAGE || outcome == ERROR_STOPPING;
}

static void backup_ended(struct execution *x, uint64_t id, const char *key, const char *request,
                         enum status outcome, const char *result)
{
    char *destination AUTO_FREE = requested_destination(request);
    json_t *report AUTO_JSON = NULL;
    struct hash head_hash;
    const char *hash_text;

    (void)id;
    (void)key;
    if (outcome != OK) {
        log_warn("backup to %s failed: %s", destination, result);
        (void)event_backup_failed(
            x, &(struct event_backup_failed){ .destination = destination, .error = result });
        return;
    }
    INVARIANT(json_parse(result, strlen(result), &report, NULL) == OK, "a backup's result is no JSON: %s",
              result);
    hash_text = json_string_value(json_object_get(report, "head_hash"));
    INVARIANT(hash_text != NULL &&
                  hex_decode(head_hash.bytes, sizeof head_hash.bytes, hash_text, strlen(hash_text)),
              "a backup's result has no head_hash: %s", result);
    (void)event_backup_completed(x, &(struct event_backup_completed){
        .destination = destination,
        .head = (uint64_t)json_integer_value(json_object_get(report, "head")),
        .head_hash = head_hash,
        .bytes = (uint64_t)json_integer_value(json_object_get(report, "bytes")) });
    log_info("backup to %s is complete and verified", destination);
}

/* --- the module ----------------------------------------------------------------------------------------- */
static const struct command commands[] = {
    { "backup", SCOPE_LOCAL, ACCESS_OPERATOR, backup, PARAMS(struct backup_params, backup_params),
      .help = "Make a verified copy of the database while the node runs; events tell how it goes.",
      .result = "effect: its id; destination: the path", .example = "to=/var/backups/layerd.sqlite3" },
};

static const struct query_method queries[] = {
    { OPERATOR_STOP_METHOD, ACCESS_OPERATOR, stop, NO_PARAMS,
      .help = "Finish what is queued, close the database, answer, end.",
      .result = "stopped: true, once all is closed", .detached = true },
    { "node.log", ACCESS_OPERATOR, node_log, PARAMS(struct log_params, log_params),
      .help = "Change what the log tells, until the next start.", .result = "levels: as given",
      .example = "levels=info,api:debug", .detached = true },
};

static const struct effect_kind effects[] = {
    { BACKUP_EFFECT, run_backup, backup_ended, .attempts = BACKUP_ATTEMPTS, .retry = retry_backup,
      .help = "Copies the database to a path and verifies the copy." },
};

const struct module operator_module = {
    .name = "node",
    .help = "Running this node: stopping, backups, log.",
    COMMANDS(commands),
    QUERIES(queries),
    EFFECTS(effects),
};
