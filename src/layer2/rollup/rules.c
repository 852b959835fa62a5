/* What becomes of a batch: see rules.h. */
#include "layer2/rollup/rules.h"

#define NO 0xFF

/* [state][event]: the state afterwards. */
static const uint8_t table[BATCH_STATES][BATCH_EVENTS] = {
    [BATCH_PROPOSED] = { BATCH_CHALLENGED, NO, BATCH_ACCEPTED, NO, BATCH_REJECTED, BATCH_PARENT_REJECTED,
                         BATCH_VOIDED },
    [BATCH_CHALLENGED] = { NO, BATCH_PROPOSED, NO, NO, BATCH_REJECTED, BATCH_PARENT_REJECTED, BATCH_VOIDED },
    [BATCH_ACCEPTED] = { NO, NO, NO, BATCH_FINAL, NO, NO, BATCH_VOIDED }, /* its parents are accepted */
    [BATCH_FINAL] = { NO, NO, NO, NO, NO, NO, NO },
    [BATCH_REJECTED] = { NO, NO, NO, NO, NO, NO, NO },
    [BATCH_PARENT_REJECTED] = { NO, NO, NO, NO, NO, NO, NO },
    [BATCH_VOIDED] = { NO, NO, NO, NO, NO, NO, NO },
};

const char *batch_state_name(enum batch_state state)
{
    switch (state) {
    case BATCH_PROPOSED: return "proposed";
    case BATCH_CHALLENGED: return "challenged";
    case BATCH_ACCEPTED: return "accepted";
    case BATCH_FINAL: return "final";
    case BATCH_REJECTED: return "rejected";
    case BATCH_PARENT_REJECTED: return "parent_rejected";
    case BATCH_VOIDED: return "voided";
    }
    INVARIANT(false, "batch state %d", (int)state);
}

const char *data_state_name(enum data_state state)
{
    switch (state) {
    case DATA_PUBLISHED: return "published";
    case DATA_WITHHELD: return "committee";
    case DATA_CHALLENGED: return "challenged";
    }
    INVARIANT(false, "data state %d", (int)state);
}

const char *availability_name(enum availability availability)
{
    switch (availability) {
    case AVAILABILITY_LEDGER: return "ledger";
    case AVAILABILITY_COMMITTEE: return "committee";
    }
    INVARIANT(false, "availability %d", (int)availability);
}

bool batch_next(enum batch_state state, enum batch_event event, enum batch_state *next)
{
    uint8_t found = table[state][event];

    if (found == NO)
        return false;
    *next = (enum batch_state)found;
    return true;
}

bool batch_stands(enum batch_state state)
{
    return state <= BATCH_FINAL;
}

bool batch_is_over(enum batch_state state)
{
    return state >= BATCH_FINAL;
}

bool batch_may_accept(const struct batch_row *row, const enum batch_state *parent, int64_t now_us)
{
    if (row->state != BATCH_PROPOSED || row->data_state == DATA_CHALLENGED || now_us < row->window_end_us)
        return false;
    return parent == NULL || *parent == BATCH_ACCEPTED || *parent == BATCH_FINAL;
}

bool batch_may_finalize(const struct batch_row *row, const enum batch_state *parent, int64_t air_gap_us,
                        int64_t now_us)
{
    if (row->state != BATCH_ACCEPTED || now_us < row->accepted_us + air_gap_us)
        return false;
    return parent == NULL || *parent == BATCH_FINAL;
}

bool batch_may_challenge(const struct batch_row *row, int64_t now_us)
{
    return row->state == BATCH_CHALLENGED || (row->state == BATCH_PROPOSED && now_us < row->window_end_us);
}

uint64_t inbox_least(uint64_t from, uint64_t overdue_end)
{
    if (overdue_end <= from)
        return from;
    return overdue_end - from > BATCH_ITEMS_MAX ? from + BATCH_ITEMS_MAX : overdue_end;
}
