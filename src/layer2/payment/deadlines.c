/* What time does: see deadlines.h. Nothing here depends on what is in memory: after months or a restart the
 * same rows are due. */
#include "layer2/payment/deadlines.h"

#include "layer2/channel/challenge.h"
#include "layer2/channel/step.h"
#include "layer2/payment/flow.h"
#include "layer2/payment/ledger_end.h"
#include "layer2/payment/map.h"

#define MOST 500                            /* rows of each kind a sweep */
#define AGAIN_US ((int64_t)10 * 1000000)    /* while something is due and not resolved */

/* One hash-lock that is due, with its channel. */
struct due {
    struct execution *x;
    struct htlc *h;
    struct local_channel c;
    bool recipient_is_ours, offerer_is_ours;
    int64_t now_us;
};

static void dispute(struct due *d)
{
    if (d->recipient_is_ours && d->h->state == HTLC_FULFILLING)
        challenge_in_time(d->x, &d->c, 1 - d->h->offerer);
    else if (d->offerer_is_ours)
        challenge_in_time(d->x, &d->c, d->h->offerer);
}

static void mark_overdue(struct due *d)
{
    if (d->now_us < d->h->expiry_us + OVERDUE_US)
        return;
    if (!d->h->overdue) {
        d->h->overdue = true;
        htlc_write(execution_database(d->x), d->h, d->now_us);
        event_htlc_overdue(d->x, &(struct event_htlc_overdue){
            .channel = d->h->channel, .hash = d->h->hash, .amount = d->h->amount,
            .expiry_us = d->h->expiry_us, .state = htlc_state_name(d->h->state) });
    }
    dispute(d);
}

/* The recipient is ours and has the preimage: the ledger sees it in time, whatever the peer does. */
static void claim_in_time(struct due *d)
{
    struct hash preimage;

    if (d->now_us < d->h->expiry_us && !ledger_preimage(d->x, d->h, &preimage))
        ledger_claim(d->x, &d->c);
    if (!d->h->warned) {
        d->h->warned = true;
        htlc_write(execution_database(d->x), d->h, d->now_us);
        event_htlc_expiring(d->x, &(struct event_htlc_expiring){
            .channel = d->h->channel, .hash = d->h->hash, .amount = d->h->amount,
            .expiry_us = d->h->expiry_us });
    }
    dispute(d);
    mark_overdue(d);
}

/* Ours to keep or to give back, and not claimed: what still depends on a later hop waits for that. */
static void give_back_in_time(struct due *d)
{
    struct htlc next;
    struct invoice v;

    if (!d->h->last) {
        if (d->now_us >= d->h->expiry_us &&
            (!htlc_of_hop(execution_database(d->x), &d->h->hash, d->h->part, d->h->hop + 1, &next) ||
             next.state >= HTLC_FULFILLED))
            flow_give_back(d->x, d->h, FAILURE_EXPIRED);
        mark_overdue(d);
        return;
    }
    if (d->h->counts && invoice_read(execution_database(d->x), &d->h->hash, &v) &&
        (v.state == INVOICE_ACCEPTED || v.state == INVOICE_OPEN))
        flow_cancel(d->x, &v, v.state == INVOICE_ACCEPTED ? INVOICE_CANCELED : INVOICE_OPEN, FAILURE_EXPIRED);
    else
        flow_give_back(d->x, d->h, FAILURE_EXPIRED);
}

/* A stranger could claim it: until its expiry, by showing the ledger the preimage. */
static void await_stranger(struct due *d)
{
    struct hash preimage;

    if (ledger_preimage(d->x, d->h, &preimage))
        flow_preimage(d->x, d->h, &preimage);
    else if (d->now_us >= d->h->expiry_us)
        flow_lapsed(d->x, d->h);
    mark_overdue(d);
}

static void look_at(struct due *d)
{
    switch (d->h->state) {
    case HTLC_WANTED: flow_failed(d->x, d->h, FAILURE_EXPIRY_TOO_SOON); break;
    case HTLC_OFFERED:
        if (d->now_us >= d->h->expiry_us)
            await_stranger(d);
        break;
    case HTLC_LOCKED:
        if (d->recipient_is_ours)
            give_back_in_time(d);
        else
            await_stranger(d);
        break;
    case HTLC_FULFILLING: claim_in_time(d); break;
    case HTLC_FAILING: mark_overdue(d); break;
    case HTLC_FULFILLED:
    case HTLC_FAILED: break;
    }
}

/* All that is due in one channel. */
static void look_at_channel(struct execution *x, const struct hash *id, int64_t now_us)
{
    struct arena arena CLEANUP(arena_close);
    struct due d = { .x = x, .now_us = now_us };
    struct htlc_list list;

    arena_init(&arena);
    if (!local_read(execution_database(x), id, &arena, &d.c))
        return;
    htlc_list_read(execution_database(x), id, &arena, &list);
    for (size_t i = 0; i < list.count; i++) {
        struct htlc *h = &list.items[i];

        if (h->expiry_us > now_us + SAFETY_US ||
            !htlc_read(execution_database(x), h->id, h) || h->state >= HTLC_FULFILLED)
            continue; /* what was done about another one may have changed it */
        d.h = h;
        d.offerer_is_ours = step_is_ours(x, &d.c.fixed.participants[h->offerer]);
        d.recipient_is_ours = step_is_ours(x, &d.c.fixed.participants[1 - h->offerer]);
        look_at(&d);
    }
    flow_wake(x, id);
}

/* False: nothing was due. */
static bool hash_locks(struct execution *x, int64_t now_us)
{
    struct hash channels[MOST], after = { { 0 } };
    size_t count, all = 0;

    do {
        count = htlc_list_due_channels(execution_database(x), now_us + SAFETY_US, &after, MOST, channels);
        for (size_t i = 0; i < count; i++)
            look_at_channel(x, &channels[i], now_us);
        if (count > 0)
            after = channels[count - 1];
        all += count;
    } while (count == MOST);
    return all > 0;
}

static bool invoices(struct execution *x, int64_t now_us)
{
    struct hash hashes[MOST];
    size_t expired = invoice_list_expired(execution_database(x), now_us, MOST, hashes), late;
    struct invoice v;

    for (size_t i = 0; i < expired; i++) {
        if (invoice_read(execution_database(x), &hashes[i], &v))
            flow_cancel(x, &v, INVOICE_EXPIRED, FAILURE_INVOICE_ENDED);
    }
    late = invoice_list_collecting(execution_database(x), now_us, MOST, hashes);
    for (size_t i = 0; i < late; i++) {
        if (invoice_read(execution_database(x), &hashes[i], &v))
            flow_cancel(x, &v, INVOICE_OPEN, FAILURE_MPP_TIMEOUT);
    }
    return expired == MOST || late == MOST;
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int64_t deadlines(struct execution *x)
{
    int64_t now_us = execution_time(x), next_us = INT64_MAX, first_us;

    if (hash_locks(x, now_us))
        next_us = now_us + AGAIN_US;
    if (invoices(x, now_us))
        next_us = now_us;
    first_us = htlc_first_expiry(execution_database(x), now_us + SAFETY_US);
    if (first_us != INT64_MAX)
        next_us = earlier(next_us, first_us - SAFETY_US);
    return earlier(next_us, invoice_first_due(execution_database(x)));
}
