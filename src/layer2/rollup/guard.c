/* What a lane does about data that somebody has not got: what others demand and this node has, it publishes;
 * what this node has not got, it demands. Whoever demands what is then published loses a bond by it, and
 * anybody makes rollups: so a node does that only where its operator said so (rollup.guard). Data that is
 * here and is not what its batch says costs nothing to show, and is shown at once. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/log.h"
#include "layer2/rollup/held.h"
#include "layer2/rollup/lane.h"
#include "layer2/rollup/rows.h"
#include "layer2/rollup/rules.h"

#define LOG_ROOM "rollup"
#define GUARDED_AT_ONCE 64
#define PATIENCE_PART 4 /* data may come another way for so much of a batch's window: one part of four */

static json_t *hex_json(const void *data, size_t size)
{
    struct buffer hex CLEANUP(buffer_close) = { 0 };

    buffer_append_hex(&hex, data, size);
    return json_stringn((const char *)hex.data, hex.size);
}

static void submit(struct lane *lane, const char *method, const struct batch_row *row, struct bytes data)
{
    json_t *params AUTO_JSON = json_object();
    struct error error;
    enum status status;

    json_object_set_new(params, "batch", hex_json(row->id.bytes, sizeof(row->id.bytes)));
    if (data.size > 0)
        json_object_set_new(params, "data", hex_json(data.data, data.size));
    status = kernel_submit_own(lane->kernel, method, params, NULL, &error);
    if (status != OK && !lane->guard_refused)
        log_warn("rollup %" PRIu64 ", batch %" PRIu64 ": %s: %s", row->domain, row->number, method,
                 error.message);
    lane->guard_refused = status != OK;
}

static void answer(struct lane *lane, struct batch_row *rows)
{
    size_t count = batch_list_demanded(lane->reader, lane->domain, rows, GUARDED_AT_ONCE);

    for (size_t i = 0; i < count && !kernel_stopping(lane->kernel); i++) {
        struct buffer data CLEANUP(buffer_close) = { 0 };

        if (held_read(lane->reader, &rows[i].data_hash, &data) && data.size == rows[i].data_size)
            submit(lane, "rollup.answer_availability", &rows[i], buffer_bytes(&data));
    }
}

static bool can_be_challenged(struct lane *lane, const struct batch_row *row, int64_t now_us)
{
    struct account_id own = kernel_account(lane->kernel);

    return row->data_state == DATA_WITHHELD && batch_may_challenge(row, now_us) &&
           !account_equal(&row->proposer, &own);
}

static void demand(struct lane *lane, const struct rollup *rollup, struct batch_row *rows, int64_t now_us)
{
    size_t count = 0;

    if (guard_bond(lane->reader, lane->domain) >= rollup->availability_bond)
        count = batch_list_missing(lane->reader, lane->domain, rows, GUARDED_AT_ONCE);
    for (size_t i = 0; i < count && !kernel_stopping(lane->kernel); i++) {
        if (can_be_challenged(lane, &rows[i], now_us) &&
            now_us >= rows[i].proposed_us + rollup->challenge_us / PATIENCE_PART)
            submit(lane, "rollup.challenge_availability", &rows[i], bytes_of(NULL, 0));
    }
}

/* Of the very batch that is going to be challenged: another one may have come since the lane looked. */
static bool is_unfit(struct lane *lane, const struct batch_row *row)
{
    struct arena arena CLEANUP(arena_close);
    struct rollup rollup;
    struct batch batch;
    struct error error;
    bool unfit;

    arena_init(&arena);
    database_snapshot_begin(lane->reader);
    unfit = rollup_find(lane->reader, lane->domain, &rollup) && batch_is_here(lane->reader, row) &&
            batch_load_here(lane->reader, &rollup, row, &arena, &batch, &error) != OK &&
            error.code != ERROR_DATA_NOT_HELD;
    database_snapshot_end(lane->reader);
    return unfit && !lane_read_failed(lane);
}

/* The lane stands before it though its data is here. */
static void demand_unfit(struct lane *lane, struct batch_row *row, int64_t now_us)
{
    if (lane->holds_unfit && batch_find_number(lane->reader, lane->domain, lane->at.number + 1, row) &&
        can_be_challenged(lane, row, now_us) && is_unfit(lane, row))
        submit(lane, "rollup.challenge_availability", row, bytes_of(NULL, 0));
}

void lane_guard(struct lane *lane)
{
    struct batch_row *rows AUTO_FREE = NULL;
    struct rollup rollup;
    int64_t now_us;

    if (!rollup_find(lane->reader, lane->domain, &rollup) || rollup.availability != AVAILABILITY_COMMITTEE)
        return;
    rows = memory_array(GUARDED_AT_ONCE, sizeof(*rows));
    now_us = newest_chain_time(lane->reader);
    demand_unfit(lane, rows, now_us);
    demand(lane, &rollup, rows, now_us);
    answer(lane, rows);
}

bool guard_waits(struct execution *x, const struct rollup *rollup)
{
    struct database *database = execution_database(x);
    struct batch_row row;

    if (rollup->availability != AVAILABILITY_COMMITTEE)
        return false;
    return batch_list_demanded(database, rollup->domain, &row, 1) > 0 ||
           (guard_bond(database, rollup->domain) >= rollup->availability_bond &&
            batch_list_missing(database, rollup->domain, &row, 1) > 0);
}
