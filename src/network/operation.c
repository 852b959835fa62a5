/* Operations: see operation.h. */
#include "network/operation.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "crypto/hash.h"
#include "network/call.h"
#include "network/effects.h"
#include "network/health.h"
#include "network/names.h"
#include "network/sync.h"
#include "network/write.h"

/* --- asking ------------------------------------------------------------------------------------- */
static void write_id(struct writer *w, const struct network_id *id, bool repeated)
{
    writer_object_begin(w);
    writer_member_hex(w, "operation", id->bytes, sizeof(id->bytes));
    writer_member_boolean(w, "repeated", repeated);
    writer_object_end(w);
}

/* The same request key again is the same operation. */
static enum status answer_repeated(struct execution *x, const struct operation_row *first,
                                   enum network_operation operation, const char *request,
                                       struct writer *result)
{
    if (first->operation != operation || strcmp(first->request, request) != 0)
        return fail(x, ERROR_NETWORK_REQUEST_DIFFERS, "request: '%s' was a %s with other parameters",
                    first->request_key, network_operation_name(first->operation));
    write_id(result, &first->id, true);
    return OK;
}

static enum status fail_not_offered(struct execution *x, const struct network *network,
                                    enum network_operation operation)
{
    struct error error;

    (void)refuse_not_offered(network, operation, network_lacks(network, operation), &error);
    return fail(x, ERROR_NETWORK_NOT_SUPPORTED, "link: %s", error.message);
}

static enum status check_link(struct execution *x, const struct link_row *row,
                              enum network_operation operation)
{
    const struct network *network = network_find(row->network);

    if (network == NULL)
        return fail(x, ERROR_NETWORK_NOT_SUPPORTED, "link: this layerd has no network '%s'", row->network);
    if (!network_offers(network, operation))
        return fail_not_offered(x, network, operation);
    if (row->state == LINK_IDLE && operation != NETWORK_CONNECT && operation != NETWORK_DISCONNECT)
        return fail(x, ERROR_NETWORK_NOT_CONNECTED, "link: '%s' is not connected", row->name);
    if (row_operation_too_many(execution_database(x), row->id, OPERATIONS_QUEUED_MAX))
        return fail(x, ERROR_NETWORK_BUSY, "link: %d operations of '%s' are under way, and no more are taken",
                    OPERATIONS_QUEUED_MAX, row->name);
    return OK;
}

/* The link's state goes with the operator's word at once; how it goes on, the server decides. */
struct rest { uint64_t link; bool resting; };

static void tell_links(struct kernel *kernel, void *context)
{
    struct rest *rest = context;

    links_rest(links_of(kernel), rest->link, rest->resting);
    free(rest);
}

static void rest_later(struct execution *x, uint64_t link, bool resting)
{
    struct rest *rest = memory_new(sizeof(*rest));

    *rest = (struct rest){ link, resting };
    execution_after_commit(x, tell_links, free, rest);
}

void operation_rest(struct execution *x, struct link_row *link)
{
    health_stop(x, link);
    link->state = LINK_IDLE;
    link->error = NULL;
    row_link_update(execution_database(x), link, execution_time(x));
    rest_later(x, link->id, true);
    event_network_disconnected(x, &(struct event_network_disconnected){ .link = link->name,
                                                                        .network = link->network });
}

static void change_link(struct execution *x, struct link_row *row, enum network_operation operation)
{
    if (operation == NETWORK_CONNECT && row->state == LINK_IDLE) {
        row->state = LINK_CONNECTING;
        row->failures = 0;
        row_link_update(execution_database(x), row, execution_time(x));
        rest_later(x, row->id, false);
        write_resume(x, row);
    } else if (operation == NETWORK_DISCONNECT && row->state != LINK_IDLE) {
        operation_rest(x, row);
    }
}

static void request_call(struct execution *x, const struct operation_row *row, const struct ask *ask)
{
    struct buffer request CLEANUP(buffer_close) = { 0 };
    char key[2 * NETWORK_ID_SIZE + 1];
    struct writer w;

    hex_text(key, row->id.bytes, sizeof(row->id.bytes));
    writer_init(&w, &request);
    writer_object_begin(&w);
    writer_member_unsigned(&w, "number", row->number);
    writer_member_unsigned(&w, "link", row->link);
    writer_member_text(&w, "operation", network_operation_name(row->operation));
    writer_member_integer(&w, "timeout_us", row->timeout_us);
    writer_member_raw(&w, "ask", row->request, strlen(row->request));
    if (row->operation == NETWORK_REQUEST_PAYMENT) /* gone with the effect, once the server has it */
        writer_member_hex(&w, "secret", ask->secret.bytes, sizeof(ask->secret.bytes));
    writer_object_end(&w);
    effect_request_for(x, CALL_EFFECT, row->link, key, buffer_text(&request), 0);
}

/* What could never be prepared is not put on record. */
static enum status judge_write(struct execution *x, const struct link_row *link, const struct ask *ask,
                               enum write_kind kind)
{
    const struct network *network = network_find(link->network);
    struct network_write write = ask_as_write(ask, kind);
    struct error error;

    if (network->judge == NULL || network->judge(&write, &error) == OK)
        return OK;
    return fail(x, error.code, "%s", error.message);
}

enum status operation_ask(struct execution *x, const struct ask *ask, enum network_operation operation,
                          struct writer *result)
{
    struct buffer request CLEANUP(buffer_close) = { 0 };
    struct arena arena CLEANUP(arena_close);
    struct operation_row row = { .id = ask->id, .operation = operation, .request_key = ask->request,
                                 .timeout_us = ask->timeout }, first;
    struct link_row link;
    enum write_kind kind;

    arena_init(&arena);
    if (!row_link_find(execution_database(x), ask->link, &arena, &link))
        return fail(x, ERROR_NETWORK_LINK_NOT_FOUND, "link: there is no '%s'", ask->link);
    ask_write(ask, &request);
    row.link = link.id;
    row.request = buffer_text(&request);
    if (ask->request != NULL &&
        row_operation_requested(execution_database(x), link.id, ask->request, &arena, &first))
        return answer_repeated(x, &first, operation, row.request, result);
    TRY(check_link(x, &link, operation));
    if (network_operation_writes(operation, &kind))
        TRY(judge_write(x, &link, ask, kind));
    if (row.timeout_us == (int64_t)NOT_GIVEN)
        row.timeout_us = network_operation_timeout_us(operation);
    row.number = row_operation_insert(execution_database(x), &row, execution_time(x));
    row_operation_prune(execution_database(x), row.number);
    change_link(x, &link, operation);
    if (network_operation_writes(operation, &kind))
        write_begin(x, &row, kind, ask->give_up_after, ask->urgent_by);
    else
        request_call(x, &row, ask);
    write_id(result, &row.id, false);
    return OK;
}

/* --- ending ------------------------------------------------------------------------------------- */
void operation_end(struct execution *x, const struct operation_row *row, const char *link,
                   struct bytes result, const struct operation_failure *failure)
{
    const char *state = failure == NULL ? "done"
                        : failure->code == ERROR_NETWORK_CANCELLED ? "cancelled" : "failed";
    char id[2 * NETWORK_ID_SIZE + 1];

    hex_text(id, row->id.bytes, sizeof(row->id.bytes));
    row_operation_end(execution_database(x), row->number, state, result, failure == NULL ? OK : failure->code,
                      failure == NULL ? NULL : failure->message, execution_time(x));
    event_network_operation_ended(x, &(struct event_network_operation_ended){
        .operation = id, .link = link, .kind = network_operation_name(row->operation), .state = state,
        .error = failure == NULL ? NULL : status_name(failure->code),
        .message = failure == NULL ? NULL : failure->message });
}

/* --- the effect of a read ----------------------------------------------------------------------- */
static json_t *read_own(const char *text)
{
    json_t *json;

    INVARIANT(json_parse(text, strlen(text), &json, NULL) == OK, "JSON of our own that is none: %.200s",
              text);
    return json;
}

static uint64_t number_of(const json_t *json, const char *name)
{
    return (uint64_t)json_integer_value(json_object_get(json, name));
}

static void read_secret(const json_t *request, struct ask *ask)
{
    const json_t *hex = json_object_get(request, "secret");

    INVARIANT(hex_decode(ask->secret.bytes, sizeof(ask->secret.bytes), json_string_value(hex),
                         json_string_length(hex)), "a secret of our own that is none");
}

enum status network_call_run(struct effect_run *run)
{
    struct link_call c CLEANUP(link_call_close) = { .links = NULL };
    json_t *request AUTO_JSON = read_own(run->request);
    enum network_operation operation;
    struct ask ask;

    INVARIANT(network_operation_find(json_string_value(json_object_get(request, "operation")), &operation),
              "an operation that is none");
    TRY(link_call_open(&c, run->kernel, number_of(request, "link"), number_of(request, "number"), run->key,
                       run->attempt, (int64_t)number_of(request, "timeout_us"), &run->error));
    ask_read(json_object_get(request, "ask"), &c.arena, &ask);
    if (operation == NETWORK_REQUEST_PAYMENT)
        read_secret(request, &ask);
    return call_run(&c, operation, &ask, &run->result, &run->error);
}

static void store_verdict(struct execution *x, const struct operation_row *row, const char *link,
                          const json_t *result)
{
    const char *kind = row->operation == NETWORK_VERIFY_PROOF ? "proof" : "claim";
    const char *verdict = json_string_value(json_object_get(result, "verdict"));
    const char *anchor = json_string_value(json_object_get(result, "anchor"));
    const char *reason = json_string_value(json_object_get(result, "reason"));
    struct arena arena CLEANUP(arena_close);
    json_t *request AUTO_JSON = read_own(row->request);
    char id[2 * NETWORK_ID_SIZE + 1];
    struct hash hash;
    struct ask ask;

    arena_init(&arena);
    ask_read(request, &arena, &ask);
    sha256(&hash, row->operation == NETWORK_VERIFY_PROOF ? ask.proof.data : ask.claim.data,
           row->operation == NETWORK_VERIFY_PROOF ? ask.proof.size : ask.claim.size);
    hex_text(id, row->id.bytes, sizeof(row->id.bytes));
    row_verdict_insert(execution_database(x), row->number, row->link, kind, &hash, verdict, anchor, reason);
    event_network_proof_checked(x, &(struct event_network_proof_checked){
        .operation = id, .link = link, .kind = kind, .hash = hash, .verdict = verdict, .anchor = anchor,
        .reason = reason });
}

/* What a result changes besides its own row. False: it came too late to be one. */
static bool apply_result(struct execution *x, const struct operation_row *row, struct link_row *link,
                         const json_t *result)
{
    if (row->operation == NETWORK_CONNECT && link->state != LINK_IDLE) {
        health_connected(x, link, result, true);
        health_schedule(x, link);
    } else if (row->operation == NETWORK_SYNC_STATE) {
        return sync_store(x, row->link, link->name, result);
    } else if (row->operation == NETWORK_VERIFY_PROOF || row->operation == NETWORK_VALIDATE_STATE) {
        store_verdict(x, row, link->name, result);
    }
    return true;
}

/* The operator has taken it back. */
static void undo_connect(struct execution *x, struct link_row *link)
{
    if (link->state != LINK_CONNECTING)
        return;
    link->state = LINK_IDLE;
    row_link_update(execution_database(x), link, execution_time(x));
    rest_later(x, link->id, true);
}

static void apply_failure(struct execution *x, const struct operation_row *row, struct link_row *link,
                          const struct operation_failure *failure)
{
    if (row->operation != NETWORK_CONNECT) {
        health_suspect(x, row->link, failure->code, failure->message);
    } else if (failure->code == ERROR_NETWORK_CANCELLED) {
        undo_connect(x, link);
    } else if (link->state != LINK_IDLE) {
        health_failed(x, link, failure->code, failure->message);
        health_schedule(x, link);
    }
}

static void end_call(struct execution *x, const struct operation_row *row, struct link_row *link,
                     enum status outcome, const char *text)
{
    static const struct operation_failure too_late = { ERROR_NETWORK_BUSY,
                                                       "another sync of the link came first; ask again" };
    json_t *result AUTO_JSON = read_own(text);
    const struct operation_failure failure = {
        outcome, json_string_value(json_object_get(result, "message")) };

    if (outcome != OK) {
        operation_end(x, row, link->name, bytes_of(NULL, 0), &failure);
        apply_failure(x, row, link, &failure);
    } else if (apply_result(x, row, link, result)) {
        operation_end(x, row, link->name, bytes_of_text(text), NULL);
    } else {
        operation_end(x, row, link->name, bytes_of(NULL, 0), &too_late);
    }
}

void network_call_ended(struct execution *x, uint64_t id, const char *key, const char *request,
                        enum status outcome, const char *text)
{
    json_t *asked AUTO_JSON = read_own(request);
    struct arena arena CLEANUP(arena_close);
    struct operation_row row;
    struct link_row link;

    (void)id, (void)key;
    arena_init(&arena);
    if (!row_operation_read(execution_database(x), number_of(asked, "number"), &arena, &row) ||
        strcmp(row.state, "queued") != 0)
        return; /* ended otherwise: the link was removed */
    if (row_link_read(execution_database(x), row.link, &arena, &link))
        end_call(x, &row, &link, outcome, text);
}

/* --- cancelling --------------------------------------------------------------------------------- */
struct wake { uint64_t number; };

static void wake_call(struct kernel *kernel, void *context)
{
    struct wake *wake = context;

    links_cancel(links_of(kernel), wake->number);
    free(wake);
}

static void wake_later(struct execution *x, uint64_t number)
{
    struct wake *wake = memory_new(sizeof(*wake));

    wake->number = number;
    execution_after_commit(x, wake_call, free, wake);
}

/* Whether nothing of it can happen any more. */
static bool stop_operation(struct execution *x, const struct operation_row *row)
{
    char key[2 * NETWORK_ID_SIZE + 1];
    enum write_kind kind;

    hex_text(key, row->id.bytes, sizeof(row->id.bytes));
    if (network_operation_writes(row->operation, &kind))
        return write_cancel(x, row->number);
    return effect_cancel(x, CALL_EFFECT, key);
}

size_t operation_abandon(struct execution *x, const struct link_row *link, size_t most)
{
    static const struct operation_failure removed = { ERROR_NETWORK_CANCELLED, "the link was removed" };
    struct arena arena CLEANUP(arena_close);
    struct operation_row row;
    size_t count = 0;

    arena_init(&arena);
    while (count < most && row_operation_first_queued(execution_database(x), link->id, &arena, &row)) {
        stop_operation(x, &row);
        operation_end(x, &row, link->name, bytes_of(NULL, 0), &removed);
        wake_later(x, row.number);
        arena_reset(&arena);
        count++;
    }
    return count;
}

enum status operation_cancel(struct execution *x, const struct network_id *id, struct writer *result)
{
    static const struct operation_failure cancelled = { ERROR_NETWORK_CANCELLED,
                                                        "cancelled by the operator" };
    struct arena arena CLEANUP(arena_close);
    struct operation_row row;
    struct link_row link;
    enum write_kind kind;
    bool stopped;

    arena_init(&arena);
    if (!row_operation_find(execution_database(x), id, &arena, &row))
        return fail(x, ERROR_NETWORK_OPERATION_NOT_FOUND, "operation: there is none with this id");
    if (strcmp(row.state, "queued") != 0)
        return fail(x, ERROR_NETWORK_OPERATION_ENDED, "operation: it is %s", row.state);
    stopped = stop_operation(x, &row);
    if (!stopped && network_operation_writes(row.operation, &kind))
        return fail(x, ERROR_NETWORK_OPERATION_ENDED,
                    "operation: its transaction is prepared and may have been sent");
    if (stopped && row_link_read(execution_database(x), row.link, &arena, &link))
        operation_end(x, &row, link.name, bytes_of(NULL, 0), &cancelled);
    if (stopped && row.operation == NETWORK_CONNECT && row_link_read(execution_database(x), row.link, &arena,
                                                                     &link))
        undo_connect(x, &link);
    wake_later(x, row.number); /* what runs; or its preparation, which is of no use any more */
    writer_object_begin(result);
    writer_member_boolean(result, "cancelled", stopped);
    writer_object_end(result);
    return OK;
}
