/* How a channel moves: see machine.h. */
#include "layer2/payment/machine.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "crypto/hash.h"
#include "layer2/channel/applications/applications.h"
#include "layer2/channel/party.h"
#include "layer2/channel/record.h"
#include "layer2/channel/step.h"
#include "layer2/payment/flow.h"
#include "layer2/payment/ledger_end.h"
#include "layer2/payment/map.h"

#define LOG_ROOM "payment"
#define FIRST_LOCK 2        /* the two simple entries stand before */
#define CLAIMS_MOST ((CHANNEL_DATA_MAX - 8) / 32) /* preimages that a step's data holds */

/* --- comparing rows with a state -------------------------------------------------------------- */
bool htlc_is(const struct htlc *h, const struct channel_fixed *fixed, const struct allocation *a)
{
    return h->amount == a->amount && h->expiry_us == a->expiry_us && hash_equal(&h->hash, &a->hash) &&
           payment_offerer(fixed, a) == (int)h->offerer;
}

/* The preimages that the step to the supported state shows, in the order of what they unlock. */
struct shown {
    const uint8_t *next;
    size_t count;
};

static bool take_preimage(struct shown *shown, const struct hash *lock, struct hash *preimage)
{
    struct hash hash;

    if (shown->count == 0)
        return false;
    sha256(&hash, shown->next, 32);
    if (!hash_equal(&hash, lock))
        return false;
    memcpy(preimage->bytes, shown->next, 32);
    shown->next += 32;
    shown->count--;
    return true;
}

/* It was in the state before, and is not in this one. */
static void gone(struct execution *x, struct htlc *h, size_t mover, struct shown *shown)
{
    struct hash preimage;

    if (mover != h->offerer && take_preimage(shown, &h->hash, &preimage))
        flow_fulfilled(x, h, &preimage);
    else if (mover == h->offerer)
        flow_fulfilled(x, h, NULL);
    else
        flow_failed(x, h, FAILURE_CANCELED);
}

/* It was offered in a state that is not this one. Signatures on that state may be out: it counts as not
 * offered once a later state is signed by both. */
static void not_there(struct execution *x, const struct local_channel *c, struct htlc *h)
{
    if (c->supported.state.turn > h->entered / HTLC_PLACES)
        flow_failed(x, h, FAILURE_CHANNEL);
}

static void locked(struct execution *x, const struct local_channel *c, struct htlc *h)
{
    const struct account_id *recipient = &c->fixed.participants[1 - h->offerer];

    flow_locked(x, h, recipient, &c->fixed.assets[0], step_is_ours(x, recipient),
                c->supported.state.allocations[1 - h->offerer].amount);
}

/* A stranger offered it by a proposal of his own. */
static void found(struct execution *x, const struct local_channel *c, size_t place)
{
    const struct allocation *a = &c->supported.state.allocations[place];
    struct htlc h = { .channel = c->id, .offerer = (size_t)payment_offerer(&c->fixed, a), .hash = a->hash,
                      .amount = a->amount, .expiry_us = a->expiry_us, .state = HTLC_LOCKED,
                      .entered = c->supported.state.turn * HTLC_PLACES + place, .part = HTLC_NO_PART,
                      .last = true };

    htlc_insert(execution_database(x), &h, execution_time(x));
    sweep_request(x, PAYMENT_DEADLINES, h.expiry_us - SAFETY_US);
    locked(x, c, &h);
}

static void compare(struct execution *x, const struct local_channel *c, const struct htlc_list *list,
                    size_t mover)
{
    const struct channel_state *state = &c->supported.state;
    struct shown shown = { state->data.data + 8, state->turn <= CHANNEL_TURN_POSTFUND || state->data.size < 8
                                                     ? 0 : (state->data.size - 8) / 32 };
    size_t place = FIRST_LOCK;

    for (size_t i = 0; i < list->count && list->items[i].entered != HTLC_NOT_ENTERED; i++) {
        struct htlc *h = &list->items[i];

        if (place < state->allocation_count && htlc_is(h, &c->fixed, &state->allocations[place])) {
            place++;
            if (h->state == HTLC_OFFERED)
                locked(x, c, h);
        } else if (h->state == HTLC_OFFERED) {
            not_there(x, c, h);
        } else {
            gone(x, h, mover, &shown);
        }
    }
    for (; place < state->allocation_count; place++)
        found(x, c, place);
}

/* --- the next step ---------------------------------------------------------------------------- */
struct plan {
    struct execution *x;
    struct local_channel *c;
    size_t mover;
    struct payment_terms terms;
    struct channel_state state;
    struct buffer data;
    struct hash *claimed; /* of the whole channel, rising */
    size_t claimed_count;
    size_t claims, offers; /* offers: of the mover, pending ones included */
    bool moves;
};

/* What the side wants to happen. A claim that comes after its expiry is the ledger's to decide. */
static bool is_wish(const struct htlc *h, size_t side, int64_t now_us)
{
    switch (h->state) {
    case HTLC_WANTED: return h->offerer == side;
    case HTLC_FULFILLING: return h->offerer != side && h->expiry_us > now_us;
    case HTLC_FAILING: return h->offerer != side;
    case HTLC_OFFERED:
    case HTLC_LOCKED:
    case HTLC_FULFILLED:
    case HTLC_FAILED: return false;
    }
    return false;
}

/* The side that has waited longest. */
static bool choose_mover(const struct htlc_list *list, int64_t now_us, size_t *mover)
{
    const struct htlc *first = NULL;

    for (size_t i = 0; i < list->count; i++) {
        const struct htlc *h = &list->items[i];

        if ((is_wish(h, 0, now_us) || is_wish(h, 1, now_us)) && (first == NULL || h->id < first->id))
            first = h;
    }
    if (first != NULL)
        *mover = is_wish(first, 0, now_us) ? 0 : 1;
    return first != NULL;
}

static int compare_hashes(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct hash));
}

/* The hashes of all that is claimed, rising. */
static void find_claimed(struct plan *p, struct arena *arena, const struct htlc_list *list)
{
    p->claimed = arena_new(arena, (list->count + 1) * sizeof(*p->claimed));
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i].state == HTLC_FULFILLING)
            p->claimed[p->claimed_count++] = list->items[i].hash;
    }
    qsort(p->claimed, p->claimed_count, sizeof(*p->claimed), compare_hashes);
}

/* Another hash-lock with this hash is claimed: the preimage, which goes by hash alone, must not be taken to
 * be for this one, which is given back in a later step. */
static bool is_claimed_too(const struct plan *p, const struct htlc *h)
{
    return bsearch(&h->hash, p->claimed, p->claimed_count, sizeof(*p->claimed), compare_hashes) != NULL;
}

/* A hash-lock of the supported state: stays, or ends as its recipient wishes. */
static void plan_pending(struct plan *p, const struct htlc *h, const struct allocation *a)
{
    bool is_claim = h->state == HTLC_FULFILLING;

    if (!is_wish(h, p->mover, execution_time(p->x)) || (is_claim && p->claims == CLAIMS_MOST) ||
        (!is_claim && is_claimed_too(p, h))) {
        p->state.allocations[p->state.allocation_count++] = *a;
        p->offers += h->offerer == p->mover;
        return;
    }
    if (is_claim) {
        buffer_append(&p->data, h->preimage.bytes, sizeof(h->preimage.bytes));
        p->claims++;
    }
    p->state.allocations[is_claim ? p->mover : 1 - p->mover].amount += h->amount;
    p->moves = true;
}

static bool fits(const struct plan *p, const struct htlc *h)
{
    uint64_t share = p->state.allocations[p->mover].amount;

    return h->expiry_us > execution_time(p->x) && h->amount >= p->terms.least &&
           h->amount <= p->terms.largest && p->offers < p->terms.locks &&
           p->state.allocation_count < CHANNEL_ALLOCATIONS_MAX && share >= h->amount &&
           share - h->amount >= p->terms.reserve[p->mover];
}

static void plan_offer(struct plan *p, struct htlc *h)
{
    if (!fits(p, h)) {
        flow_failed(p->x, h, FAILURE_CHANNEL);
        return;
    }
    h->state = HTLC_OFFERED;
    h->entered = p->state.turn * HTLC_PLACES + p->state.allocation_count;
    p->state.allocations[p->mover].amount -= h->amount;
    p->state.allocations[p->state.allocation_count++] = (struct allocation){
        .kind = ALLOCATION_HASHLOCK, .amount = h->amount,
        .account = p->c->fixed.participants[1 - p->mover], .refund = p->c->fixed.participants[p->mover],
        .hash = h->hash, .expiry_us = h->expiry_us };
    p->offers++;
    p->moves = true;
}

static void plan_begin(struct plan *p, struct arena *arena, const struct htlc_list *list)
{
    const struct channel_state *now = &p->c->supported.state;
    uint8_t turn[8];

    p->terms = payment_terms_read(&p->c->fixed);
    p->state.turn = p->c->next_turn;
    p->state.allocations =
        arena_new(arena, (now->allocation_count + list->count) * sizeof(*p->state.allocations));
    memcpy(p->state.allocations, now->allocations, FIRST_LOCK * sizeof(*now->allocations));
    p->state.allocation_count = FIRST_LOCK;
    put_be64(turn, now->turn);
    buffer_append(&p->data, turn, sizeof(turn));
    find_claimed(p, arena, list);
}

/* Rows and the supported state agree: whatever is locked stands in the state, in order. */
static bool agrees(const struct local_channel *c, const struct htlc_list *list)
{
    size_t place = FIRST_LOCK;

    for (size_t i = 0; i < list->count; i++) {
        const struct htlc *h = &list->items[i];

        if (h->state != HTLC_LOCKED && h->state != HTLC_FULFILLING && h->state != HTLC_FAILING)
            continue;
        if (place >= c->supported.state.allocation_count ||
            !htlc_is(h, &c->fixed, &c->supported.state.allocations[place++]))
            return false;
    }
    return place == c->supported.state.allocation_count;
}

/* The offers of a step that is staged. */
static void write_offers(struct execution *x, const struct htlc_list *list, uint64_t turn)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct htlc *h = &list->items[i];

        if (h->state == HTLC_OFFERED && h->entered / HTLC_PLACES == turn)
            htlc_write(execution_database(x), h, execution_time(x));
    }
}

/* False: nothing of what the side wishes can be. */
static bool plan_step(struct execution *x, struct local_channel *c, const struct htlc_list *list,
                      size_t mover, struct arena *arena)
{
    struct plan p = { .x = x, .c = c, .mover = mover };
    size_t place = FIRST_LOCK;
    struct error error;

    plan_begin(&p, arena, list);
    for (size_t i = 0; i < list->count; i++) {
        const struct htlc *h = &list->items[i];

        if (h->state == HTLC_LOCKED || h->state == HTLC_FULFILLING || h->state == HTLC_FAILING)
            plan_pending(&p, h, &c->supported.state.allocations[place++]);
    }
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i].state == HTLC_WANTED && list->items[i].offerer == mover)
            plan_offer(&p, &list->items[i]);
    }
    p.state.data = buffer_bytes(&p.data);
    if (p.moves && c->application->next_ok(&c->fixed, &c->supported.state, &p.state, mover, &error) != OK) {
        log_error("turn %" PRIu64 " of a channel cannot follow: %s", p.state.turn, error.message);
        p.moves = false;
    }
    if (p.moves) {
        write_offers(x, list, p.state.turn);
        step_stage(x, c, &p.state, mover);
    }
    buffer_close(&p.data);
    return p.moves;
}

/* The side that has waited longest, or else the other one. */
static void move(struct execution *x, struct local_channel *c, struct arena *arena)
{
    struct htlc_list list;
    size_t mover;

    htlc_list_read(execution_database(x), &c->id, arena, &list);
    if (!agrees(c, &list)) {
        log_error("hash-locks as rows are not those of their channel's state; the channel does not move");
        return;
    }
    if (!choose_mover(&list, execution_time(x), &mover))
        return;
    if (step_is_ours(x, &c->fixed.participants[mover]) && plan_step(x, c, &list, mover, arena))
        return;
    htlc_list_read(execution_database(x), &c->id, arena, &list);
    if (step_is_ours(x, &c->fixed.participants[1 - mover]))
        (void)plan_step(x, c, &list, 1 - mover, arena);
}

/* What waits to be offered in a channel that does not move any more. */
static void refuse_wishes(struct execution *x, const struct htlc_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i].state == HTLC_WANTED)
            flow_failed(x, &list->items[i], FAILURE_CHANNEL_DISABLED);
    }
}

/* --- the reactions ---------------------------------------------------------------------------- */
/* What the channel's newest state, or the ledger, says about its rows. */
static void follow(struct execution *x, const struct local_channel *c, size_t mover, struct arena *arena)
{
    struct htlc_list list;

    htlc_list_read(execution_database(x), &c->id, arena, &list);
    if (c->phase == PHASE_DEFUNDING || c->phase == PHASE_CLOSED)
        ledger_end(x, c, &list);
    else if (list.count > 0 || c->supported.state.allocation_count > FIRST_LOCK)
        compare(x, c, &list, mover);
    if (c->phase == PHASE_DISPUTE)
        ledger_claim(x, c);
    if (c->phase != PHASE_RUNNING)
        refuse_wishes(x, &list);
}

/* A step is under way: what is wished for meanwhile is taken up when it has ended. Asked before the channel
 * is read, for that takes as long as many hash-locks are pending. */
static bool is_moving(struct execution *x, const struct hash *channel)
{
    struct statement *s = statement(execution_database(x), "SELECT 1 FROM channel_local WHERE id = ?"
                                                           " AND phase = ? AND staged IS NOT NULL");
    bool moving;

    bind_blob(s, channel->bytes, sizeof(channel->bytes));
    bind_integer(s, PHASE_RUNNING);
    moving = statement_row(s);
    if (moving)
        statement_finish(s);
    return moving;
}

/* Channels of strangers alone are none of our business, and neither are states without the shape of payments
 * (a final state may have any): what the ledger makes of those ends the rows. */
static bool is_ours_to_follow(struct execution *x, const struct local_channel *c)
{
    bool ends = c->phase == PHASE_DEFUNDING || c->phase == PHASE_CLOSED;

    return (step_is_ours(x, &c->fixed.participants[0]) || step_is_ours(x, &c->fixed.participants[1])) &&
           (ends || payment_is_shaped(&c->fixed, &c->supported.state));
}

void machine_channel(struct execution *x, struct bytes subject)
{
    struct arena arena CLEANUP(arena_close);
    struct local_channel c;
    struct hash id;
    size_t mover = subject.data[sizeof(id.bytes)];

    arena_init(&arena);
    memcpy(id.bytes, subject.data, sizeof(id.bytes));
    if (mover == FLOW_WISH && is_moving(x, &id))
        return;
    if (!local_read(execution_database(x), &id, &arena, &c) || !c.has_supported ||
        strcmp(c.application->name, PAYMENT_APPLICATION) != 0 || !is_ours_to_follow(x, &c))
        return;
    map_note(map_of(execution_kernel(x)), execution_database(x), &c, false);
    if (mover != FLOW_WISH || c.phase != PHASE_RUNNING)
        follow(x, &c, mover, &arena);
    if (c.phase == PHASE_RUNNING && !c.has_staged)
        move(x, &c, &arena);
}

void machine_preimage(struct execution *x, struct bytes subject)
{
    struct arena arena CLEANUP(arena_close);
    struct hash hash, preimage;
    struct htlc_list list;

    arena_init(&arena);
    memcpy(hash.bytes, subject.data, sizeof(hash.bytes));
    memcpy(preimage.bytes, subject.data + sizeof(hash.bytes), sizeof(preimage.bytes));
    htlc_list_by_hash(execution_database(x), &hash, &arena, &list);
    for (size_t i = 0; i < list.count; i++) {
        const struct htlc *h = &list.items[i];
        bool is_claimable =
            h->state == HTLC_OFFERED || h->state == HTLC_LOCKED || h->state == HTLC_FULFILLING;

        if (is_claimable && h->expiry_us > execution_time(x))
            flow_preimage(x, h, &preimage);
    }
    flow_shown(x, &hash); /* after the hops: they claim by it, and so does the payee */
}
