/* Preparing writes: one run a link, up to WRITES_AT_ONCE of those that are queued, in order. They become
 * durable together, and only then are they sent; so a run that is lost has done nothing. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "network/call.h"
#include "network/effects.h"
#include "network/health.h"
#include "network/names.h"
#include "network/results.h"
#include "network/transport/cancellation.h"
#include "network/write.h"

#define RUN_MOST_US (500 * 1000) /* then what is ready is put on record before going on */

/* --- on a waiting thread ------------------------------------------------------------------------ */
struct batch {
    struct write_row rows[WRITES_AT_ONCE];
    size_t count;
    uint64_t sequence_least, gaps, hole_from, hole_to;
};

/* One snapshot: a write that is refused meanwhile shows as a gap when the run is settled. */
static enum status read_batch(struct link_call *c, struct batch *batch, struct error *error)
{
    struct database *database = links_reader(c->links, error);

    if (database == NULL)
        return ERROR_STORAGE;
    database_snapshot_begin(database);
    batch->count = row_write_queued(database, c->link->id, &c->arena, batch->rows);
    batch->sequence_least = row_write_sequence_least(database, c->link->id);
    batch->gaps = row_link_gaps(database, c->link->id);
    row_write_hole(database, c->link->id, &batch->hole_from, &batch->hole_to);
    database_snapshot_end(database);
    return links_reader_done(c->links, error);
}

/* What would not fit on record. */
static enum status check_prepared(struct link_call *c, const struct network_prepared *p)
{
    if (p->raw.size > ASK_RAW_MAX || (p->has_sequence && p->sequence > INTEGER_MAX))
        return error_set(&c->call.error, ERROR_LIMIT, "a prepared transaction of %zu bytes", p->raw.size);
    return OK;
}

static enum status prepare_one(struct link_call *c, const struct write_row *row, const struct batch *batch,
                               struct network_prepared *prepared)
{
    json_t *request AUTO_JSON = NULL;
    struct network_write write;
    enum network_operation operation = row->kind == WRITE_SUBMIT  ? NETWORK_SUBMIT_TRANSACTION
                                       : row->kind == WRITE_ISSUE ? NETWORK_ISSUE_ASSET
                                                                  : NETWORK_TRANSFER_ASSET;
    const char *reason;
    struct ask ask;

    if (!link_offers(c->link, operation, &reason))
        return refuse_not_offered(c->link->network, operation, reason, &c->call.error);
    INVARIANT(json_parse(row->request, strlen(row->request), &request, NULL) == OK,
              "a request that is no JSON");
    ask_read(request, &c->arena, &ask);
    write = ask_as_write(&ask, row->kind);
    write.sequence_least = batch->sequence_least;
    write.hole_from = batch->hole_from;
    write.hole_to = batch->hole_to;
    TRY(c->link->network->prepare(c->link->client, &c->call, &write, prepared));
    return check_prepared(c, prepared);
}

/* False: what comes behind it has to wait. */
static bool prepare_and_write(struct link_call *c, const struct write_row *row, struct batch *batch,
                              struct writer *w)
{
    struct network_prepared prepared = { .transaction = NULL };
    struct error error;
    enum status status = link_call_ended(c, prepare_one(c, row, batch, &prepared), &error);

    if (status == ERROR_STOPPING || cancellation_requested(c->cancellation))
        return false; /* the rest goes on in another run */
    writer_object_begin(w);
    writer_member_unsigned(w, "number", row->number);
    if (status == OK) {
        result_prepared(w, &prepared);
        if (prepared.has_sequence && prepared.sequence >= batch->sequence_least)
            batch->sequence_least = prepared.sequence + 1;
        if (prepared.has_sequence && prepared.sequence >= batch->hole_from &&
            prepared.sequence < batch->hole_to)
            batch->hole_from = prepared.sequence + 1;
    } else {
        writer_member_integer(w, "code", status);
        writer_member_text(w, "message", error.message);
    }
    writer_object_end(w);
    return status == OK || write_error_of(status) == WRITE_ERROR_REFUSED;
}

static void prepare_batch(struct link_call *c, struct batch *batch, struct writer *w)
{
    char id[2 * NETWORK_ID_SIZE + 1];

    for (size_t i = 0; i < batch->count; i++) {
        const struct write_row *row = &batch->rows[i];

        if (i > 0 && clock_monotonic_us() - c->begun_us > RUN_MOST_US)
            return;
        hex_text(id, row->id.bytes, sizeof(row->id.bytes));
        link_call_again(c, row->number, id, (unsigned)row->retries + 1, row->timeout_us);
        if (!prepare_and_write(c, row, batch, w))
            return;
    }
}

enum status network_prepare_run(struct effect_run *run)
{
    struct link_call c CLEANUP(link_call_close) = { .links = NULL };
    struct batch *batch;
    struct writer w;

    TRY(link_call_open(&c, run->kernel, strtoull(run->key, NULL, 10), 0, "", run->attempt,
                       network_operation_timeout_us(NETWORK_CONNECT), &run->error));
    TRY(link_call_verify(&c, &run->error));
    batch = arena_new(&c.arena, sizeof(*batch));
    TRY(read_batch(&c, batch, &run->error));
    writer_init(&w, &run->result);
    writer_object_begin(&w);
    writer_member_unsigned(&w, "gaps", batch->gaps);
    writer_key(&w, "writes");
    writer_array_begin(&w);
    prepare_batch(&c, batch, &w);
    writer_array_end(&w);
    writer_object_end(&w);
    return OK;
}

/* --- in the executor ---------------------------------------------------------------------------- */
static const char *text_of(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

/* It did not come to bytes: for good, or not yet. */
static void not_prepared(struct execution *x, struct write_row *row, const struct link_row *link,
                         enum status code, const char *message)
{
    if (write_error_of(code) == WRITE_ERROR_REFUSED) {
        write_fail(x, row, link, STAGE_REJECTED, code, message);
    } else if (code != ERROR_KEYSTORE_LOCKED && execution_time(x) >= row->give_up_us) {
        write_fail(x, row, link, STAGE_FAILED, code, message);
    } else {
        row->retries++;
        row->reason = message;
        write_update(x, row);
        health_suspect(x, row->link, code, message);
    }
}

static void take_prepared(struct write_row *row, const json_t *made, struct arena *arena)
{
    struct network_prepared prepared = result_prepared_of(made, arena);

    row->stage = STAGE_PREPARED;
    row->transaction = prepared.transaction;
    row->label = prepared.label;
    row->raw = prepared.raw;
    row->has_sequence = prepared.has_sequence;
    row->sequence = prepared.sequence;
    row->asset = prepared.asset;
    row->details = prepared.details;
    row->retries = 0;
    row->reason = NULL;
}

/* `gap`: a write with a sequence came to nothing, and those that were made for behind it are made anew. */
static void settle_one(struct execution *x, const struct link_row *link, const json_t *made, bool *gap,
                       struct arena *arena)
{
    const json_t *code = json_object_get(made, "code"), *sequence = json_object_get(made, "sequence");
    struct write_row row;

    if (!row_write_read(execution_database(x), (uint64_t)json_integer_value(json_object_get(made, "number")),
                        arena, &row) ||
        row.stage != STAGE_QUEUED) { /* cancelled meanwhile */
        *gap = true;
    } else if (code != NULL) {
        not_prepared(x, &row, link, (enum status)json_integer_value(code), text_of(made, "message"));
    } else if (sequence != NULL && *gap) {
        return;
    } else if (sequence != NULL && row_write_sequence_taken(execution_database(x), row.link,
                                                            (uint64_t)json_integer_value(sequence))) {
        *gap = true;
        not_prepared(x, &row, link, ERROR_NETWORK_PROTOCOL, "the network gave a sequence that is taken");
    } else {
        take_prepared(&row, made, arena);
        write_update(x, &row);
        if (!row.has_sequence)
            write_send_one(x, link, &row, 0);
    }
}

/* The run itself failed: the first in the queue tells for all. */
static void settle_failure(struct execution *x, const struct link_row *link, enum status code,
                           const json_t *error, struct arena *arena)
{
    struct write_row rows[WRITES_AT_ONCE];

    if (row_write_queued(execution_database(x), link->id, arena, rows) > 0)
        not_prepared(x, &rows[0], link, code, text_of(error, "message"));
}

void network_prepare_ended(struct execution *x, uint64_t id, const char *key, const char *request,
                           enum status outcome, const char *result)
{
    struct arena arena CLEANUP(arena_close);
    json_t *json AUTO_JSON = NULL;
    struct link_row link;
    const json_t *made;
    bool gap;
    size_t index;

    (void)id, (void)request;
    arena_init(&arena);
    if (!row_link_read(execution_database(x), strtoull(key, NULL, 10), &arena, &link))
        return;
    INVARIANT(json_parse(result, strlen(result), &json, NULL) == OK, "an effect's result is JSON");
    gap = (uint64_t)json_integer_value(json_object_get(json, "gaps")) !=
          row_link_gaps(execution_database(x), link.id);
    if (outcome != OK)
        settle_failure(x, &link, outcome, json, &arena);
    else
        json_array_foreach(json_object_get(json, "writes"), index, made)
            settle_one(x, &link, made, &gap, &arena);
    write_send_next(x, &link);
    write_prepare_next(x, &link);
}
