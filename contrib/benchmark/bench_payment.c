/* payment: HTLC payments through channels, from payment.send to the settled payment, durable at each step,
 * against how many signatures libsecp256k1 alone verifies on one core in the same minutes.
 *
 *   direct      CHAINS channels, one hop
 *   three_hop   CHAINS chains of three channels
 *   pending     held payments, in few and in many channels: what one more costs when 10,000 wait, against the
 *               first ones
 *   route       the cheapest way in a graph of 100,000 channels and 1,000 accounts, without a node
 *
 * All keys are in the node's keystore; OUTSTANDING payments are under way at once.
 *
 *   bench_payment DIRECTORY LAYERD (not used) */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bech32.h"
#include "base/memory.h"
#include "caller.h"
#include "crypto/hash.h"
#include "lanes.h"
#include "layer2/channel/channel.h"
#include "layer2/payment/graph.h"
#include "layer2/payment/payment.h"
#include "ledger/ledger.h"
#include "measure.h"

#define BENCH "payment"
#define CHAINS 16
#define HOPS_MOST 3
#define FUNDS 100000000
#define AMOUNT 100
#define OUTSTANDING 256
#define PAYMENTS 6000     /* of one repetition */
#define PENDING 10000
#define PENDING_FEW 25
#define PENDING_MANY 250
#define GRAPH_NODES 1000
#define GRAPH_CHANNELS 100000
#define ROUTES 400

struct bench {
    struct lanes lanes;
    char addresses[PENDING_MANY][HOPS_MOST + 1][ADDRESS_TEXT_MAX];
    size_t chains, hops;
    char **invoices;          /* of this repetition; the i-th is of chain i mod chains */
    size_t count;
};

static json_t *params(void *context, size_t i)
{
    const struct bench *b = context;

    return json_pack("{s:s, s:s, s:i}", "invoice", b->invoices[i], "payer", b->addresses[i % b->chains][0],
                     "fee_limit", 1000);
}

/* --- a node with chains of channels ----------------------------------------------------------- */
static void make_invoices(struct bench *b, size_t count, bool hold)
{
    b->count = count;
    b->invoices = memory_array(count, sizeof(*b->invoices));
    for (size_t i = 0; i < count; i++) {
        char *answer AUTO_FREE =
            ask(b->lanes.node.kernel, "invoice.create",
                json_pack("{s:s, s:s, s:i, s:b, s:s}", "payee", b->addresses[i % b->chains][b->hops], "asset",
                          "DEV", "amount", AMOUNT, "hold", hold, "expiry", "24h"));
        json_t *values AUTO_JSON = NULL;
        struct error error;

        if (json_parse(answer, strlen(answer), &values, &error) != OK)
            fatal("invoice.create: %s", error.message);
        b->invoices[i] = text_copy(json_string_value(json_object_get(values, "invoice")));
    }
}

static void forget_invoices(struct bench *b)
{
    for (size_t i = 0; i < b->count; i++)
        free(b->invoices[i]);
    free(b->invoices);
}

static void open_chain(struct bench *b, size_t chain)
{
    struct account_id keys[HOPS_MOST + 1];

    for (size_t i = 0; i <= b->hops; i++) {
        char *name AUTO_FREE = text_format("key%zu.%zu", chain, i);

        keys[i] = new_key(b->lanes.keystore, name, b->lanes.secret);
        address_encode(b->addresses[chain][i], &keys[i]);
    }
    for (size_t i = 0; i < b->hops; i++)
        lanes_open_channel(&b->lanes, keys[i], keys[i + 1], chain, FUNDS);
}

static void start(struct bench *b, const char *directory, size_t chains, size_t hops)
{
    static const struct module *const modules[] = { &ledger_module,  &channel_module, &channel_local_module,
                                                    &payment_module, &invoice_module, NULL };

    b->chains = chains;
    b->hops = hops;
    b->lanes.method = "payment.send";
    b->lanes.params = params;
    b->lanes.context = b;
    b->lanes.at_once = OUTSTANDING;
    b->lanes.ended_type = event_type_index("payment.settled");
    b->lanes.failed_type = event_type_index("payment.failed");
    lanes_start(&b->lanes, directory, modules, chains * hops / 8 + 1);
    for (size_t i = 0; i < chains; i++)
        open_chain(b, i);
}

static void measure(const char *directory, size_t hops, const char *name)
{
    struct bench *b = memory_new(sizeof(*b));
    struct samples rates = { 0 }, ratios = { 0 };
    char *metric_name AUTO_FREE = text_format("%s_ratio_to_verify", name);
    char *rate_name AUTO_FREE = text_format("%s_per_second", name);

    start(b, directory, CHAINS, hops);
    for (int i = 0; i < REPETITIONS; i++) {
        double before, rate, verify;

        make_invoices(b, PAYMENTS, false);
        before = verify_rate();
        rate = lanes_run(&b->lanes, b->count);
        verify = (before + verify_rate()) / 2;
        samples_add(&rates, rate);
        samples_add(&ratios, rate / verify);
        say("%s %d of %d: %.0f payments/s; libsecp256k1 verifies %.0f/s", name, i + 1, REPETITIONS, rate,
            verify);
        forget_invoices(b);
    }
    metric(BENCH, metric_name, samples_median(&ratios), "ratio", "higher");
    metric(BENCH, rate_name, samples_median(&rates), "1/s", "higher");
    lanes_stop(&b->lanes);
    free(b);
}

/* --- many that wait --------------------------------------------------------------------------- */
/* Held payments in steps of a tenth: the time of the last step against that of the first one. */
static void measure_pending(const char *directory, size_t channels, const char *name)
{
    struct bench *b = memory_new(sizeof(*b));
    double first = 0, last = 0;

    start(b, directory, channels, 1);
    for (int i = 0; i < 10; i++) {
        double rate;

        b->lanes.ended_type = NO_EVENT; /* an invoice that is made changes as well */
        make_invoices(b, PENDING / 10, true);
        b->lanes.ended_type = event_type_index("invoice.changed"); /* accepted */
        rate = lanes_run(&b->lanes, b->count);
        say("%s: %d wait in %zu channels, %.0f/s", name, (i + 1) * PENDING / 10, channels, rate);
        if (i == 0)
            first = rate;
        last = rate;
        forget_invoices(b);
    }
    metric(BENCH, name, first / last, "ratio", "lower");
    lanes_stop(&b->lanes);
    free(b);
}

/* --- routes ----------------------------------------------------------------------------------- */
static void measure_routes(void)
{
    struct graph *g;
    struct samples times = { 0 };
    struct asset_id asset = { { 1 } };
    struct graph_query query = { .asset = asset, .amount = 1000, .fee_limit = 1000, .final_delta_us = 1 };
    size_t found = 0, before = mallinfo2().uordblks;

    g = graph_new();
    srandom(1);
    for (size_t i = 0; i < GRAPH_CHANNELS; i++) {
        struct graph_side sides[2];
        struct hash id;

        sha256(&id, &i, sizeof(i));
        for (size_t k = 0; k < 2; k++) {
            sides[k] = (struct graph_side){ .enabled = true,
                                            .spendable = (uint64_t)random() % 20000,
                                            .least = 1,
                                            .most = INTEGER_MAX,
                                            .base = (uint64_t)random() % 10,
                                            .ppm = (uint64_t)random() % 1000,
                                            .delta_us = 2400000000 };
            put_be64(sides[k].account.bytes, (uint64_t)random() % GRAPH_NODES);
        }
        if (!account_equal(&sides[0].account, &sides[1].account))
            graph_set(g, &id, &asset, sides);
    }
    metric(BENCH, "bytes_per_idle_channel", (double)(mallinfo2().uordblks - before) / GRAPH_CHANNELS, "bytes",
           "lower");
    for (size_t i = 0; i < ROUTES; i++) {
        struct route route;
        int64_t begin;

        put_be64(query.from.bytes, (uint64_t)random() % GRAPH_NODES);
        put_be64(query.to.bytes, (uint64_t)random() % GRAPH_NODES);
        if (account_equal(&query.from, &query.to))
            continue;
        begin = now_ns();
        found += graph_route(g, &query, &route);
        samples_add(&times, seconds_since(begin) * 1000);
    }
    if (found < ROUTES / 2)
        fatal("only %zu of %d routes were found", found, ROUTES);
    metric(BENCH, "route_ms", samples_median(&times), "ms", "lower");
    metric(BENCH, "route_p99_ms", samples_percentile(&times, 99), "ms", "lower");
    graph_free(g);
}

int main(int argc, char **argv)
{
    if (argc != 3)
        fatal("usage: bench_payment DIRECTORY LAYERD");
    crypto_start();
    measure_routes();
    {
        char *direct AUTO_FREE = text_format("%s/direct", argv[1]);
        char *three AUTO_FREE = text_format("%s/three", argv[1]);
        char *few AUTO_FREE = text_format("%s/few", argv[1]);
        char *many AUTO_FREE = text_format("%s/many", argv[1]);

        measure(direct, 1, "direct");
        measure(three, 3, "three_hop");
        measure_pending(few, PENDING_FEW, "pending_cost_few");
        measure_pending(many, PENDING_MANY, "pending_cost");
    }
    return 0;
}
