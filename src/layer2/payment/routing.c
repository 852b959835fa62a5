/* Routes for payments: see routing.h. */
#include "layer2/payment/routing.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "layer2/payment/flow.h"
#include "layer2/payment/map.h"

#define RESUME_US (2 * MICROSECONDS_PER_SECOND)
#define RESUME_MOST 200 /* payments a sweep */

/* A search on its way through a worker. */
struct search {
    struct work work;
    struct kernel_task task;
    struct kernel *kernel;
    struct hash payment, first, last;
    struct graph_query query;
    size_t most, count;
    struct route routes[GRAPH_PARTS_MAX];
};

void routing_query(const struct payment *p, const struct part_sums *sums, int64_t now_us,
                   struct graph_query *query)
{
    *query = (struct graph_query){ .from = p->payer, .to = p->payee, .asset = p->asset,
                                   .amount = p->amount - sums->amount,
                                   .fee_limit = p->fee_limit > sums->fee ? p->fee_limit - sums->fee : 0,
                                   .final_delta_us = FINAL_DELTA_US, .now_us = now_us,
                                   .first = p->is_loop ? &p->first_hop : NULL,
                                   .last = p->is_loop ? &p->last_hop : NULL,
                                   .avoid_count = p->avoid_count };
    memcpy(query->avoid, p->avoid, p->avoid_count * sizeof(p->avoid[0]));
}

/* --- in the executor again -------------------------------------------------------------------- */
void routing_use(struct execution *x, struct payment *p, const struct route *routes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct payment_part part = { .hash = p->hash, .part = ++p->attempts, .route = routes[i],
                                     .amount = route_amount(&routes[i]), .fee = route_fee(&routes[i]) };
        struct htlc first;

        for (size_t k = 0; k < part.route.count; k++) /* by the part's number: two of them are never alike */
            part.route.hops[k].expiry_us += execution_time(x) + (int64_t)part.part;
        part_insert(execution_database(x), &part);
        first = (struct htlc){ .channel = part.route.hops[0].channel, .offerer = part.route.hops[0].side,
                               .hash = p->hash, .amount = part.route.hops[0].amount,
                               .expiry_us = part.route.hops[0].expiry_us, .state = HTLC_WANTED,
                               .entered = HTLC_NOT_ENTERED, .part = part.part,
                               .last = part.route.count == 1 };
        htlc_insert(execution_database(x), &first, execution_time(x));
        flow_wake(x, &first.channel);
        sweep_request(x, PAYMENT_DEADLINES, first.expiry_us - SAFETY_US);
    }
    p->unrouted = false;
    payment_write(execution_database(x), p, execution_time(x));
}

static struct part_sums under_way(struct execution *x, const struct payment *p)
{
    struct part_sums flight = part_sums(execution_database(x), &p->hash, PAYMENT_IN_FLIGHT);
    struct part_sums settled = part_sums(execution_database(x), &p->hash, PAYMENT_SETTLED);

    return (struct part_sums){ flight.amount + settled.amount, flight.fee + settled.fee,
                               flight.count + settled.count };
}

static enum status use_routes(struct kernel_task *task, struct execution *x)
{
    struct search *s = (struct search *)((char *)task - offsetof(struct search, task));
    struct part_sums sums;
    struct payment p;

    if (!payment_read(execution_database(x), &s->payment, &p) || !p.unrouted || p.state != PAYMENT_IN_FLIGHT)
        return OK;
    sums = under_way(x, &p);
    if (sums.amount + s->query.amount != p.amount)
        return OK; /* another part failed in between: another search is on its way */
    for (size_t i = 0; i < s->count; i++)
        sums.fee += route_fee(&s->routes[i]);
    if (sums.fee > p.fee_limit)
        return OK; /* dearer parts were made in between: the sweep looks again */
    if (s->count == 0)
        flow_payment_over(x, &p, p.avoid_count == 0 ? FAILURE_NO_ROUTE : FAILURE_CHANNEL);
    else
        routing_use(x, &p, s->routes, s->count);
    return OK;
}

static void used(struct kernel_task *task, enum status status, const struct error *error)
{
    (void)status, (void)error;
    free((char *)task - offsetof(struct search, task));
}

/* --- on a worker ------------------------------------------------------------------------------ */
static void look(struct work *work, size_t worker)
{
    struct search *s = (struct search *)((char *)work - offsetof(struct search, work));

    (void)worker;
    s->count = map_routes(map_of(s->kernel), &s->query, s->most, s->routes);
    s->task = (struct kernel_task){ .run = use_routes, .done = used };
    if (!kernel_submit_task(s->kernel, &s->task))
        free(s); /* the sweep takes it up */
}

static void hand_on(struct kernel *kernel, void *context)
{
    struct search *s = context;

    s->kernel = kernel;
    s->work.run = look;
    if (!workers_submit(kernel_workers(kernel), &s->work))
        free(s);
}

void routing_request(struct execution *x, const struct payment *p)
{
    struct part_sums sums = under_way(x, p);
    struct search *s = memory_new(sizeof(*s));

    routing_query(p, &sums, execution_time(x), &s->query);
    s->payment = p->hash;
    if (p->is_loop) { /* the payment itself does not live that long */
        s->first = p->first_hop;
        s->last = p->last_hop;
        s->query.first = &s->first;
        s->query.last = &s->last;
    }
    s->most = p->parts_most > sums.count ? (size_t)(p->parts_most - sums.count) : 0;
    sweep_request(x, PAYMENT_ROUTING, execution_time(x) + RESUME_US);
    execution_after_commit(x, hand_on, free, s);
}

/* --- the sweep -------------------------------------------------------------------------------- */
int64_t routing_resume(struct execution *x)
{
    struct hash hashes[RESUME_MOST];
    size_t count = payment_list_unrouted(execution_database(x), RESUME_MOST, hashes);

    for (size_t i = 0; i < count; i++) {
        struct payment p;

        if (payment_read(execution_database(x), &hashes[i], &p))
            routing_request(x, &p);
    }
    return count == 0 ? INT64_MAX : execution_time(x) + RESUME_US;
}
