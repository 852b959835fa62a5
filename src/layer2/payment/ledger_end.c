/* Hash-locks that the ledger decides about: see ledger_end.h. */
#include "layer2/payment/ledger_end.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "layer2/channel/party.h"
#include "layer2/channel/record.h"
#include "layer2/payment/flow.h"

#define AGAIN_US ((int64_t)120 * 1000000) /* a claim that failed for good is tried again */

bool ledger_preimage(struct execution *x, const struct htlc *h, struct hash *preimage)
{
    struct statement *s = statement(execution_database(x),
                                    "SELECT preimage FROM preimage WHERE hash = ? AND revealed_us < ?");

    bind_blob(s, h->hash.bytes, sizeof(h->hash.bytes));
    bind_integer(s, h->expiry_us);
    if (!statement_row(s))
        return false;
    column_fixed(s, "preimage", preimage->bytes, sizeof(preimage->bytes));
    statement_finish(s);
    return true;
}

static void reveal(struct execution *x, const struct htlc *h)
{
    char key[128], preimage[2 * sizeof(h->preimage.bytes) + 1];
    char params[sizeof(preimage) + 32];

    hex_text(key, h->channel.bytes, sizeof(h->channel.bytes));
    snprintf(key + 64, sizeof(key) - 64, "/reveal/%" PRId64 "/%" PRId64, h->id, execution_time(x) / AGAIN_US);
    hex_text(preimage, h->preimage.bytes, sizeof(h->preimage.bytes));
    snprintf(params, sizeof(params), "{\"preimage\":\"%s\"}", preimage);
    party_submit(x, key, "channel.reveal", bytes_of_text(params));
}

void ledger_claim(struct execution *x, const struct local_channel *c)
{
    struct arena arena CLEANUP(arena_close);
    struct htlc_list list;
    struct hash preimage;

    arena_init(&arena);
    htlc_list_read(execution_database(x), &c->id, &arena, &list);
    for (size_t i = 0; i < list.count; i++) {
        if (list.items[i].state == HTLC_FULFILLING && !ledger_preimage(x, &list.items[i], &preimage))
            reveal(x, &list.items[i]);
    }
}

/* Where the outcome has the row, from `place` on: entries whose rows have ended stand between. */
static bool is_in(const struct channel_record *record, size_t *place, const struct htlc *h)
{
    for (size_t i = *place; i < record->state.allocation_count; i++) {
        if (!htlc_is(h, &record->fixed, &record->state.allocations[i]))
            continue;
        *place = i + 1;
        return true;
    }
    return false;
}

/* Its offer was signed by both after all. */
static void take_in(struct execution *x, struct htlc *h)
{
    h->state = HTLC_LOCKED;
    htlc_write(execution_database(x), h, execution_time(x));
}

void ledger_end(struct execution *x, const struct local_channel *c, const struct htlc_list *list)
{
    struct arena arena CLEANUP(arena_close);
    struct channel_record record;
    size_t place = 0;

    arena_init(&arena);
    if (!record_read(execution_database(x), &c->id, &arena, &record) || !record.is_settled)
        return;
    for (size_t i = 0; i < list->count && list->items[i].entered != HTLC_NOT_ENTERED; i++) {
        struct htlc *h = &list->items[i];
        struct hash preimage;

        if (!is_in(&record, &place, h))
            flow_failed(x, h, FAILURE_CHANNEL);
        else if (ledger_preimage(x, h, &preimage))
            flow_fulfilled(x, h, &preimage);
        else if (execution_time(x) >= h->expiry_us)
            flow_failed(x, h, FAILURE_EXPIRED);
        else if (h->state == HTLC_OFFERED)
            take_in(x, h);
    }
    ledger_claim(x, c);
}
