/* Writes, as the executor settles them: see write.h. */
#include "network/write.h"

#include <inttypes.h>
#include <string.h>

#include "network/names.h"

void write_update(struct execution *x, const struct write_row *row)
{
    row_write_update(execution_database(x), row);
}

/* --- asking for runs ---------------------------------------------------------------------------- */
void write_prepare_next(struct execution *x, const struct link_row *link)
{
    char *key AUTO_FREE = text_format("%" PRIu64, link->id);
    uint64_t retries;

    if (link->state != LINK_IDLE && row_write_is_queued(execution_database(x), link->id, &retries))
        effect_request_for(x, PREPARE_EFFECT, link->id, key, key,
                           retries == 0 ? 0 : write_retry_delay(retries));
}

/* What a run is to send; with `check` it is looked for before. */
static void request_send(struct execution *x, const char *key, uint64_t link, const struct write_row *rows,
                         size_t count, int64_t delay_us)
{
    struct buffer request CLEANUP(buffer_close) = { 0 };
    struct writer w;

    writer_init(&w, &request);
    writer_object_begin(&w);
    writer_member_unsigned(&w, "link", link);
    writer_key(&w, "writes");
    writer_array_begin(&w);
    for (size_t i = 0; i < count; i++) {
        writer_object_begin(&w);
        writer_member_unsigned(&w, "number", rows[i].number);
        writer_member_boolean(&w, "check", rows[i].stage != STAGE_PREPARED);
        writer_object_end(&w);
    }
    writer_array_end(&w);
    writer_object_end(&w);
    effect_request_for(x, SEND_EFFECT, link, key, buffer_text(&request), delay_us);
}

/* From here on it may have been sent. One of which this is true already stays what it is. */
static void begin_sending(struct execution *x, const struct write_row *row)
{
    struct write_row sending = *row;

    if (row->stage != STAGE_PREPARED)
        return;
    sending.stage = STAGE_SENDING;
    write_update(x, &sending);
}

/* Those that nobody has seen wait until it is known what became of the ones before. */
static size_t count_alike(const struct write_row *rows, size_t count)
{
    size_t alike = 0;

    while (alike < count && rows[alike].stage == rows[0].stage)
        alike++;
    return alike;
}

void write_send_next(struct execution *x, const struct link_row *link)
{
    struct write_row rows[WRITES_AT_ONCE];
    struct arena arena CLEANUP(arena_close);
    char *key AUTO_FREE = text_format("link/%" PRIu64, link->id);
    size_t count;

    arena_init(&arena);
    if (link->state == LINK_IDLE || effect_is_asked(x, SEND_EFFECT, key))
        return;
    count = count_alike(rows, row_write_lane(execution_database(x), link->id, &arena, rows));
    if (count == 0)
        return;
    request_send(x, key, link->id, rows, count, rows[0].retries == 0 ? 0
                 : write_retry_delay(rows[0].retries));
    for (size_t i = 0; i < count; i++)
        begin_sending(x, &rows[i]);
}

void write_send_one(struct execution *x, const struct link_row *link, const struct write_row *row,
                    int64_t delay_us)
{
    char *key AUTO_FREE = text_format("write/%" PRIu64, row->number);

    if (link->state == LINK_IDLE || effect_is_asked(x, SEND_EFFECT, key))
        return;
    request_send(x, key, row->link, row, 1, delay_us);
    begin_sending(x, row);
}

bool write_is_being_sent(struct execution *x, uint64_t number)
{
    char *key AUTO_FREE = text_format("write/%" PRIu64, number);

    return effect_is_asked(x, SEND_EFFECT, key);
}

void write_track(struct execution *x, const struct link_row *link, const struct write_row *row,
                 int64_t delay_us)
{
    const struct network *network = network_find(link->network);
    char *key AUTO_FREE = text_format("%" PRIu64, row->number);
    char *request AUTO_FREE = text_format("{\"link\":%" PRIu64 "}", row->link);

    if (link->state != LINK_IDLE && network != NULL && network->check_transaction_status != NULL)
        effect_request_for(x, TRACK_EFFECT, row->link, key, request, delay_us);
}

/* --- the beginning ------------------------------------------------------------------------------ */
void write_begin(struct execution *x, const struct operation_row *operation, enum write_kind kind,
                 int64_t give_up_after_us, int64_t urgent_us)
{
    const struct write_row row = { .number = operation->number, .link = operation->link, .kind = kind,
                                   .give_up_us = execution_time(x) + give_up_after_us,
                                   .urgent_us = urgent_us };
    char *key AUTO_FREE = text_format("%" PRIu64, operation->link);

    row_write_insert(execution_database(x), &row);
    /* one that waits or runs goes on with it */
    effect_request_for(x, PREPARE_EFFECT, operation->link, key, key, 0);
}

static void resume_one(struct execution *x, const struct link_row *link, const struct write_row *row)
{
    if (row->sent_us != 0)
        write_track(x, link, row, 0);
    else if (!row->has_sequence && (row->stage == STAGE_PREPARED || row->stage == STAGE_AMBIGUOUS))
        write_send_one(x, link, row, 0);
}

void write_resume(struct execution *x, const struct link_row *link)
{
    struct arena arena CLEANUP(arena_close);
    struct write_row row;

    arena_init(&arena);
    for (uint64_t after = 0; row_write_next_open(execution_database(x), link->id, after, &arena, &row);
         after = row.number) {
        resume_one(x, link, &row);
        arena_reset(&arena);
    }
    write_send_next(x, link);
    write_prepare_next(x, link);
}

/* --- the end ------------------------------------------------------------------------------------ */
static void record_end(struct execution *x, const struct write_row *row, const struct link_row *link,
                       const char *reason)
{
    char id[2 * NETWORK_ID_SIZE + 1];

    hex_text(id, row->id.bytes, sizeof(row->id.bytes));
    if (row->stage == STAGE_REJECTED)
        event_network_transaction_rejected(x, &(struct event_network_transaction_rejected){
            .operation = id, .link = link->name, .network = link->network, .transaction = row->transaction,
            .reason = reason });
    else if (row->stage == STAGE_FAILED)
        event_network_transaction_failed(x, &(struct event_network_transaction_failed){
            .operation = id, .link = link->name, .network = link->network, .transaction = row->transaction,
            .reason = reason });
    else if (row->stage == STAGE_DROPPED)
        event_network_transaction_dropped(x, &(struct event_network_transaction_dropped){
            .operation = id, .link = link->name, .network = link->network, .transaction = row->transaction,
            .reason = reason });
}

void write_fail(struct execution *x, struct write_row *row, const struct link_row *link,
                enum write_stage stage, enum status code, const char *reason)
{
    const struct operation_failure failure = { code, reason };
    struct arena arena CLEANUP(arena_close);
    struct operation_row operation;

    arena_init(&arena);
    row->stage = stage;
    row->settled = true;
    row->reason = reason;
    write_update(x, row);
    if (row_operation_read(execution_database(x), row->number, &arena, &operation) &&
        strcmp(operation.state, "queued") == 0)
        operation_end(x, &operation, link->name, bytes_of(NULL, 0), &failure);
    record_end(x, row, link, reason);
}

bool write_cancel(struct execution *x, uint64_t number)
{
    struct arena arena CLEANUP(arena_close);
    struct write_row row;

    arena_init(&arena);
    if (!row_write_read(execution_database(x), number, &arena, &row) || row.stage != STAGE_QUEUED)
        return false;
    row.stage = STAGE_CANCELLED;
    row.settled = true;
    write_update(x, &row);
    return true;
}

static void forget_runs(struct execution *x, const struct write_row *row)
{
    char *look AUTO_FREE = text_format("%" PRIu64, row->number);
    char *send AUTO_FREE = text_format("write/%" PRIu64, row->number);

    (void)effect_cancel(x, TRACK_EFFECT, look);
    (void)effect_cancel(x, SEND_EFFECT, send);
}

/* A send that runs cannot be called back: what comes of it is looked at no more. */
void write_abandon(struct execution *x, const struct link_row *link, size_t most)
{
    struct arena arena CLEANUP(arena_close);
    struct write_row row;

    arena_init(&arena);
    for (; most > 0 && row_write_next_open(execution_database(x), link->id, 0, &arena, &row); most--) {
        forget_runs(x, &row);
        write_fail(x, &row, link, STAGE_DROPPED, ERROR_NETWORK_CANCELLED, "the link was removed");
        arena_reset(&arena);
    }
}
