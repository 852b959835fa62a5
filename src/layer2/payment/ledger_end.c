/* Hash-locks that the ledger decides about: see ledger_end.h. */
#include "layer2/payment/ledger_end.h"

#include <stdio.h>
#include <string.h>

#include "layer2/channel/party.h"
#include "layer2/channel/record.h"
#include "layer2/payment/flow.h"

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
    char key[2 * sizeof(h->hash.bytes) + sizeof("/reveal")], preimage[2 * sizeof(h->preimage.bytes) + 1];
    char params[sizeof(preimage) + 32];

    hex_text(key, h->channel.bytes, sizeof(h->channel.bytes));
    hex_text(key, h->hash.bytes, sizeof(h->hash.bytes));
    strcat(key, "/reveal");
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

static bool is_in(const struct channel_record *record, size_t *place, const struct htlc *h)
{
    const struct channel_state *state = &record->state;

    while (*place < state->allocation_count && state->allocations[*place].kind != ALLOCATION_HASHLOCK)
        (*place)++;
    if (*place >= state->allocation_count || !htlc_is(h, &record->fixed, &state->allocations[*place]))
        return false;
    (*place)++;
    return true;
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
            h->state = HTLC_LOCKED, htlc_write(execution_database(x), h, execution_time(x));
    }
    ledger_claim(x, c);
}
