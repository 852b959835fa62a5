/* One call from outside, on a worker: find the method, check who asks and what for, verify the signature, and
 * either answer (a query) or queue (a command). Everything that can be refused without the database is
 * refused here. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "crypto/hash.h"
#include "kernel/internal.h"
#include "kernel/kernel_module.h"
#include "kernel/param.h"

#define VALID_FOR_DEFAULT_US (60 * MICROSECONDS_PER_SECOND)

static void answer_error(struct call *call, enum status status, const struct error *error)
{
    call->done(call, status, error, bytes_of(NULL, 0));
}

/* --- commands --------------------------------------------------------------------------------- */
static void queue_command(struct kernel *k, struct call *call, struct job *job)
{
    struct error error;

    job->call = call;
    if (executor_submit(k, job))
        return;
    job_free(job);
    if (kernel_stopping(k)) {
        answer_error(call, error_set(&error, ERROR_STOPPING, "the node is stopping"), &error);
        return;
    }
    atomic_fetch_add(&k->busy, 1);
    answer_error(call, error_set(&error, ERROR_BUSY, "%zu commands wait already; try again shortly",
                                 queue_count(&k->queue)), &error);
}

static enum status check_network(const struct kernel *k, const struct command *command, struct error *error)
{
    if (command->dev_only && k->options.network != NETWORK_DEV)
        return error_set(error, ERROR_NOT_ON_THIS_NETWORK, "%s exists on the dev network; this is %s",
                         command->name, network_name(k->options.network));
    return OK;
}

/* What takes time and needs no rows. A reader is there for local commands that come from outside. */
static enum status check_command(struct kernel *k, const struct caller *caller, struct database *reader,
                                 struct job *job, struct error *error)
{
    const bool local = job->command->scope == SCOPE_LOCAL;
    const struct check check = { .chain = k->chain,
                                 .operator_ = caller->operator_,
                                 .keystore = local ? k->options.keystore : NULL,
                                 .database = local ? reader : NULL,
                                 .kernel = local ? k : NULL };

    if (job->command->check == NULL)
        return OK;
    return job->command->check(&check, (void *)job->params, &job->arena, error);
}

/* Fills the job from a decoded transaction whose canonical bytes are `canonical`. */
static enum status job_from_transaction(struct kernel *k, const struct transaction *t,
                                        const struct buffer *canonical, struct job *job, struct error *error)
{
    void *params;

    job->command = registry_command(k->registry, t->method);
    if (job->command == NULL || job->command->access != ACCESS_SIGNED)
        return error_set(error, ERROR_METHOD_NOT_FOUND,
                         "transaction.method: no command '%s' takes a signature", t->method);
    if (strcmp(t->chain, k->chain) != 0)
        return error_set(error, ERROR_WRONG_CHAIN, "the transaction is for chain '%s'; this is '%s'",
                         t->chain, k->chain);
    TRY(check_network(k, job->command, error));
    TRY(params_parse(job->command->params, job->command->param_count, job->command->params_size, t->params,
                     k->chain, &job->arena, &params, error));
    job->params = params;
    job->is_signed = true;
    job->account = t->account;
    job->method = job->command->name;
    job->valid_until_us = t->valid_until_us;
    job->canonical =
        bytes_of(arena_text(&job->arena, (const char *)canonical->data, canonical->size), canonical->size);
    return OK;
}

static enum status prepare_submitted(struct kernel *k, const json_t *params, struct job *job,
                                     struct error *error)
{
    const json_t *transaction = json_object_get(params, "transaction"),
                 *signature = json_object_get(params, "signature");
    struct buffer canonical CLEANUP(buffer_close) = { 0 };
    struct transaction t;

    if (!json_is_object(params) || json_object_size(params) != 2 || transaction == NULL ||
        !json_is_string(signature))
        return error_set(error, ERROR_INVALID_PARAMS,
                         "exactly 'transaction' (an object) and 'signature' (128 hex digits) are "
                         "expected");
    if (!hex_decode(job->signature.bytes, sizeof(job->signature.bytes), json_string_value(signature),
                    json_string_length(signature)))
        return error_set(error, ERROR_INVALID_PARAMS, "signature: 128 hex digits are expected");
    TRY(transaction_decode(transaction, &t, &canonical, &job->id, error));
    TRY(job_from_transaction(k, &t, &canonical, job, error));
    if (!schnorr_verify(&t.account, job->id.bytes, sizeof(job->id.bytes), &job->signature))
        return error_set(error, ERROR_BAD_SIGNATURE,
                         "the signature does not match the account and the transaction");
    return OK;
}

static void call_submit(struct kernel *k, size_t worker, struct call *call, const json_t *params)
{
    struct job *job = job_new(JOB_COMMAND);
    struct error error;
    enum status status = prepare_submitted(k, params, job, &error);

    if (status == OK)
        status = check_command(k, &call->caller, k->readers[worker], job, &error);
    if (status == OK) {
        queue_command(k, call, job);
        return;
    }
    job_free(job);
    atomic_fetch_add(&k->refused, 1);
    answer_error(call, status, &error);
}

/* An unsigned call of a signed command: the node signs with the key that `from` names. */
static enum status envelope(const struct kernel *k, const json_t *params, const char **from,
                            int64_t *valid_for_us, json_t **inner, struct error *error)
{
    const json_t *name = json_object_get(params, "from"), *valid_for = json_object_get(params, "valid_for");

    if (!json_is_string(name))
        return error_set(error, ERROR_UNSIGNED,
                         "sign the transaction, or name a key of this node with 'from'");
    if (k->options.keystore == NULL)
        return error_set(error, ERROR_UNSIGNED, "this node keeps no keys; sign the transaction");
    *from = json_string_value(name);
    *valid_for_us = VALID_FOR_DEFAULT_US;
    if (json_is_integer(valid_for) && json_integer_value(valid_for) > 0 &&
        (uint64_t)json_integer_value(valid_for) <= INTEGER_MAX / 2)
        *valid_for_us = json_integer_value(valid_for);
    else if (valid_for != NULL &&
             !(json_is_string(valid_for) && duration_parse(json_string_value(valid_for), valid_for_us)))
        return error_set(error, ERROR_INVALID_PARAMS,
                         "valid_for: a duration is expected: microseconds, or like 90s, 10m");
    *inner = json_copy((json_t *)params);
    if (*inner == NULL)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    json_object_del(*inner, "from");
    json_object_del(*inner, "valid_for");
    return OK;
}

static enum status prepare_own(struct kernel *k, const struct command *command, const json_t *params,
                               struct job *job, struct error *error)
{
    struct buffer canonical CLEANUP(buffer_close) = { 0 };
    json_t *inner AUTO_JSON = NULL;
    struct transaction t = { .chain = k->chain, .method = command->name };
    const char *from = NULL;
    int64_t valid_for_us = 0;

    TRY(envelope(k, params, &from, &valid_for_us, &inner, error));
    TRY(keystore_account(k->options.keystore, from, &t.account, error));
    t.valid_until_us = kernel_now(k) + valid_for_us;
    t.params = inner;
    randombytes_buf(t.salt, sizeof(t.salt));
    TRY(transaction_encode(&t, &canonical, &job->id, error));
    TRY(job_from_transaction(k, &t, &canonical, job, error));
    return keystore_sign(k->options.keystore, from, &job->id, &job->signature, error);
}

static enum status prepare_unsigned(struct kernel *k, const struct command *command, const json_t *params,
                                    struct job *job, struct error *error)
{
    void *parsed;

    TRY(check_network(k, command, error));
    TRY(params_parse(command->params, command->param_count, command->params_size, params, k->chain,
                     &job->arena, &parsed, error));
    job->params = parsed;
    job->command = command;
    job->method = command->name;
    return OK;
}

static enum status prepare_command(struct kernel *k, const struct caller *caller,
                                   const struct command *command, const json_t *params, struct job *job,
                                   struct error *error)
{
    switch (command->access) {
    case ACCESS_PUBLIC:
        return prepare_unsigned(k, command, params, job, error);
    case ACCESS_SIGNED:
        if (json_object_get(params, "from") == NULL)
            return error_set(error, ERROR_UNSIGNED, "sign the transaction and send it with " METHOD_SUBMIT
                                                    ", or name a key of this node with 'from'");
        if (!caller->operator_)
            return error_set(error, ERROR_DENIED,
                             "the node signs for its operator alone; sign the transaction yourself");
        return prepare_own(k, command, params, job, error);
    case ACCESS_OPERATOR:
        if (!caller->operator_)
            return error_set(error, ERROR_DENIED, "%s is for the operator; your uid is %" PRId64,
                             command->name, caller->uid);
        return prepare_unsigned(k, command, params, job, error);
    case ACCESS_INTERNAL:
        break;
    }
    return error_set(error, ERROR_METHOD_NOT_FOUND, "no method '%s'", command->name);
}

static void call_command(struct kernel *k, size_t worker, struct call *call, const struct command *command,
                         const json_t *params)
{
    struct job *job = job_new(JOB_COMMAND);
    struct error error;
    enum status status = prepare_command(k, &call->caller, command, params, job, &error);

    if (status == OK)
        status = check_command(k, &call->caller, k->readers[worker], job, &error);
    if (status == OK) {
        queue_command(k, call, job);
        return;
    }
    job_free(job);
    atomic_fetch_add(&k->refused, 1);
    answer_error(call, status, &error);
}

/* --- the node's own transactions -------------------------------------------------------------- */
struct own_call {
    struct call call;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool done;
    enum status status;
    struct error *error;
    struct buffer *result;
};

static void own_done(struct call *call, enum status status, const struct error *error, struct bytes result)
{
    struct own_call *own = call->context;

    pthread_mutex_lock(&own->lock);
    own->status = status;
    if (status != OK)
        *own->error = *error;
    else if (own->result != NULL)
        buffer_append(own->result, result.data, result.size);
    own->done = true;
    pthread_cond_signal(&own->changed);
    pthread_mutex_unlock(&own->lock);
}

void kernel_sign_own(const struct kernel *k, const struct hash *message, struct signature *signature)
{
    INVARIANT(schnorr_sign(k->own_key, message, NULL, signature), "the node's own key does not sign");
}

void kernel_derive_own(const struct kernel *k, const char *tag, const struct hash *subject,
                       struct hash *secret)
{
    struct tagged_hash h;

    tagged_hash_begin(&h, tag);
    tagged_hash_add(&h, k->own_key->bytes, sizeof(k->own_key->bytes));
    tagged_hash_add(&h, subject->bytes, sizeof(subject->bytes));
    tagged_hash_end(&h, secret);
    sodium_memzero(&h, sizeof(h));
}

static enum status prepare_own_account(struct kernel *k, const char *method, const json_t *params,
                                       struct job *job, struct error *error)
{
    const struct caller caller = { .uid = -1, .gid = -1, .operator_ = true };
    struct buffer canonical CLEANUP(buffer_close) = { 0 };
    struct transaction t = { .account = k->own_account, .chain = k->chain, .method = method, .params = params,
                             .valid_until_us = kernel_now(k) + VALID_FOR_DEFAULT_US };

    randombytes_buf(t.salt, sizeof(t.salt));
    TRY(transaction_encode(&t, &canonical, &job->id, error));
    TRY(job_from_transaction(k, &t, &canonical, job, error));
    INVARIANT(job->command->scope == SCOPE_BASE, "%s is no transaction of the ledger", method);
    TRY(check_command(k, &caller, NULL, job, error));
    kernel_sign_own(k, &job->id, &job->signature);
    return OK;
}

/* The job is queued when it was prepared well, and its end awaited. */
static enum status submit_and_wait(struct kernel *k, struct job *job, enum status prepared,
                                   struct buffer *result, struct error *error)
{
    struct own_call own = { .call = { .done = own_done }, .error = error, .result = result };

    if (prepared != OK) {
        job_free(job);
        return prepared;
    }
    own.call.context = &own;
    pthread_mutex_init(&own.lock, NULL);
    pthread_cond_init(&own.changed, NULL);
    queue_command(k, &own.call, job);
    pthread_mutex_lock(&own.lock);
    while (!own.done)
        pthread_cond_wait(&own.changed, &own.lock);
    pthread_mutex_unlock(&own.lock);
    pthread_cond_destroy(&own.changed);
    pthread_mutex_destroy(&own.lock);
    return own.status;
}

enum status kernel_submit_own(struct kernel *k, const char *method, const json_t *params,
                              struct buffer *result, struct error *error)
{
    struct job *job = job_new(JOB_COMMAND);

    return submit_and_wait(k, job, prepare_own_account(k, method, params, job, error), result, error);
}

enum status kernel_submit_local(struct kernel *k, struct database *reader, const char *method,
                                const json_t *params, struct buffer *result, struct error *error)
{
    const struct caller caller = { .uid = -1, .gid = -1, .operator_ = true };
    const struct command *command = registry_command(k->registry, method);
    struct job *job;
    enum status status;

    if (command == NULL)
        return error_set(error, ERROR_METHOD_NOT_FOUND, "no method '%s'", method);
    INVARIANT(command->scope == SCOPE_LOCAL && command->access != ACCESS_INTERNAL,
              "%s is no local command for the operator", method);
    job = job_new(JOB_COMMAND);
    status = prepare_unsigned(k, command, params, job, error);
    if (status == OK)
        status = check_command(k, &caller, reader, job, error);
    return submit_and_wait(k, job, status, result, error);
}

enum status kernel_submit_signed(struct kernel *k, const json_t *params, struct buffer *result,
                                 struct error *error)
{
    const struct caller caller = { .uid = -1, .gid = -1, .operator_ = true };
    struct job *job = job_new(JOB_COMMAND);
    enum status status = prepare_submitted(k, params, job, error);

    if (status == OK)
        status = check_command(k, &caller, NULL, job, error);
    return submit_and_wait(k, job, status, result, error);
}

/* --- queries ---------------------------------------------------------------------------------- */
enum status query_fail(struct query *q, enum status code, const char *format, ...)
{
    va_list arguments;

    q->error.code = code;
    va_start(arguments, format);
    vsnprintf(q->error.message, sizeof(q->error.message), format, arguments);
    va_end(arguments);
    return code;
}

enum status query_long_begin(struct query *q)
{
    enum lane_answer answer = query_lane_enter(&q->kernel->lane, q->caller.uid);

    if (answer == LANE_ENTERED)
        return OK;
    atomic_fetch_add(&q->kernel->busy, 1);
    if (answer == LANE_FULL)
        return query_fail(q, ERROR_BUSY, "as many long queries run as may at once; try again shortly");
    return query_fail(q, ERROR_BUSY, "uid %" PRId64 " runs %d long queries already; try again shortly",
                      q->caller.uid, QUERY_LANE_PER_UID);
}

void query_long_end(struct query *q)
{
    query_lane_leave(&q->kernel->lane, q->caller.uid);
}

/* Each takes its own snapshots, and the time it needs. */
static enum status run_slow(struct query *q, const struct query_method *method, const void *params,
                            struct writer *w)
{
    enum status status;

    if (atomic_exchange(&q->kernel->slow_query, true))
        return query_fail(q, ERROR_BUSY, "another long query runs; %s runs one at a time", method->name);
    status = query_long_begin(q);
    if (status == OK) {
        database_set_time_limit(q->database, 0);
        status = method->run(q, params, w);
        query_long_end(q);
    }
    atomic_store(&q->kernel->slow_query, false);
    return status;
}

static enum status run_query(struct kernel *k, size_t worker, struct query *q,
                             const struct query_method *method, const void *params, struct buffer *out)
{
    struct database *reader = k->readers[worker];
    struct writer w;
    enum status status, storage;

    writer_init(&w, out);
    if (method->detached)
        return method->run(q, params, &w);
    q->database = reader;
    if (method->slow) {
        status = run_slow(q, method, params, &w);
    } else {
        database_set_time_limit(reader, clock_monotonic_us() + k->options.query_timeout_us);
        database_snapshot_begin(reader);
        status = method->run(q, params, &w);
        database_set_time_limit(reader, 0); /* or the end of the snapshot could be ended */
        database_snapshot_end(reader);
    }
    storage = database_failure(reader, status == OK ? &q->error : NULL);
    return status != OK ? status : storage;
}

static void call_query(struct kernel *k, size_t worker, struct call *call, const struct query_method *method,
                       const json_t *params)
{
    struct query q = { .kernel = k, .caller = call->caller };
    struct arena arena;
    struct buffer out CLEANUP(buffer_close) = { 0 };
    void *parsed;
    enum status status;

    arena_init(&arena);
    if (method->access == ACCESS_OPERATOR && !call->caller.operator_)
        status = query_fail(&q, ERROR_DENIED, "%s is for the operator; your uid is %" PRId64, method->name,
                            call->caller.uid);
    else
        status = params_parse(method->params, method->param_count, method->params_size, params, k->chain,
                              &arena, &parsed, &q.error);
    if (status == OK)
        status = run_query(k, worker, &q, method, parsed, &out);
    if (out.size == 0)
        buffer_append_text(&out, "{}");
    atomic_fetch_add(&k->queries, 1);
    call->done(call, status, &q.error, buffer_bytes(&out));
    if (params_have_secret(method->params, method->param_count))
        arena_wipe(&arena);
    arena_close(&arena);
}

/* --- the door --------------------------------------------------------------------------------- */
void kernel_call(struct kernel *k, size_t worker, struct call *call, const char *method, const json_t *params)
{
    const struct command *command;
    const struct query_method *query;
    const char *near;
    struct error error;

    if (strcmp(method, METHOD_SUBMIT) == 0) {
        call_submit(k, worker, call, params);
        return;
    }
    command = registry_command(k->registry, method);
    if (command != NULL) {
        call_command(k, worker, call, command, params);
        return;
    }
    query = registry_query(k->registry, method);
    if (query != NULL) {
        call_query(k, worker, call, query, params);
        return;
    }
    near = registry_suggest(k->registry, method);
    if (near != NULL)
        error_set(&error, ERROR_METHOD_NOT_FOUND, "no method '%.64s'; did you mean '%s'?", method, near);
    else
        error_set(&error, ERROR_METHOD_NOT_FOUND, "no method '%.64s'; 'help' lists them", method);
    answer_error(call, ERROR_METHOD_NOT_FOUND, &error);
}
