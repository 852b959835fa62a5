/* What the legs on outside networks share: see outside.h. */
#include "layer2/transfer/outside.h"

#include <sodium.h>
#include <stdio.h>

#include "base/clock.h"
#include "kernel/kernel.h"

#define WRITES_MOST (1u << 24) /* for one claim or refund: a century of one a minute */
#define CALL_US (20 * MICROSECONDS_PER_SECOND)

void outside_key(char key[OUTSIDE_KEY_MAX], const struct leg_work *work, const char *purpose, unsigned number)
{
    char id[2 * sizeof(work->transfer->id.bytes) + 1];

    hex_text(id, work->transfer->id.bytes, sizeof(work->transfer->id.bytes));
    snprintf(key, OUTSIDE_KEY_MAX, "transfer/%s/%s/%s/%u", id, side_name(work->leg->side), purpose, number);
}

enum fate outside_fate_at(struct leg_work *work, uint64_t link, const char *key)
{
    struct operation_row operation;
    struct write_row write;

    if (!row_operation_requested(work->database, link, key, work->arena, &operation))
        return FATE_NONE;
    if (!row_write_read(work->database, operation.number, work->arena, &write))
        return FATE_UNDER_WAY;
    if (write.stage == STAGE_REJECTED && write.raw.size > 0)
        return FATE_DENIED; /* signed bytes are mined by whoever has them */
    if (write.stage == STAGE_FAILED || write.stage == STAGE_REJECTED || write.stage == STAGE_CANCELLED)
        return write.settled ? FATE_REFUSED : FATE_DROPPED;
    return write.stage == STAGE_DROPPED ? FATE_DROPPED : FATE_UNDER_WAY;
}

enum status outside_fate(struct leg_work *work, const char *link, const char *key, enum fate *fate)
{
    struct link_row row;

    if (!row_link_find(work->database, link, work->arena, &row))
        return error_set(&work->error, ERROR_NETWORK_LINK_NOT_FOUND, "no link '%s'", link);
    *fate = outside_fate_at(work, row.id, key);
    return OK;
}

enum status outside_ask(struct execution *x, struct ask *ask, struct writer *result)
{
    randombytes_buf(ask->id.bytes, sizeof(ask->id.bytes)); /* local scope: no replay */
    return operation_ask(x, ask, NETWORK_SUBMIT_TRANSACTION, result);
}

enum status outside_count_writes(struct leg_work *work, const char *link, const char *purpose,
                                 unsigned *count)
{
    unsigned there = 0, absent = 1; /* the number of one that is there (or 0), and of one that is not */
    char key[OUTSIDE_KEY_MAX];
    enum fate fate;

    for (bool found = true; found; there = found ? absent : there, absent = found ? 2 * absent : absent) {
        INVARIANT(absent <= WRITES_MOST, "more than %u writes for one %s", WRITES_MOST, purpose);
        outside_key(key, work, purpose, absent);
        TRY(outside_fate(work, link, key, &fate));
        found = fate != FATE_NONE;
    }
    while (absent - there > 1) {
        unsigned middle = there + (absent - there) / 2;

        outside_key(key, work, purpose, middle);
        TRY(outside_fate(work, link, key, &fate));
        if (fate == FATE_NONE)
            absent = middle;
        else
            there = middle;
    }
    *count = there;
    return OK;
}

bool outside_write(struct leg_work *work, const char *link, const char *key, struct write_row *write)
{
    struct operation_row operation;
    struct link_row row;

    return row_link_find(work->database, link, work->arena, &row) &&
           row_operation_requested(work->database, row.id, key, work->arena, &operation) &&
           row_write_read(work->database, operation.number, work->arena, write);
}

const char *outside_reason(struct leg_work *work, const char *link, const char *key)
{
    struct write_row write;

    return outside_write(work, link, key, &write) ? write.reason : NULL;
}

enum status outside_submit(struct execution *x, void *context)
{
    struct buffer answer CLEANUP(buffer_close) = { 0 };
    struct writer w;

    writer_init(&w, &answer);
    return outside_ask(x, context, &w);
}

enum status outside_look_by(struct leg_work *work, const char *link, outside_look *look, void *context)
{
    struct link_call c;
    struct link_row row;
    enum status status;

    if (!row_link_find(work->database, link, work->arena, &row))
        return error_set(&work->error, ERROR_NETWORK_LINK_NOT_FOUND, "no link '%s'", link);
    status = link_call_open(&c, work->kernel, row.id, 0, "transfer", 1, CALL_US, &work->error);
    if (status == OK)
        status = link_call_verify(&c, &work->error);
    if (status == OK)
        status = link_call_ended(&c, look(work, &c, context), &work->error);
    link_call_close(&c);
    return status;
}
