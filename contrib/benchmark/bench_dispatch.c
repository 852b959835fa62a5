/* dispatch: what it costs the node to tell subscribers what was committed, and how little one of them
 * disturbs the others. The events are durable and come from the real executor; the subscribers are a process
 * of their own.
 *
 *   bench_dispatch DIRECTORY LAYERD (not used) */
#include <limits.h>
#include <stdio.h>

#include "appender.h"
#include "local_node.h"
#include "measure.h"
#include "reader.h"

#include "base/memory.h"

#define BENCH "dispatch"
#define GROUP 100         /* events in a commit */
#define MANY 100          /* subscribers */
#define MANY_EVENTS 20000 /* less than the ring holds, so that all come from memory */
#define FEW_EVENTS 60000
#define PACED_EVENTS 4000
#define PACE_NS 300000 /* from one paced event to the next */

struct bench {
    struct local_node node;
    struct appender appender;
    struct reader reader;
    struct reader_order order;
};

/* Events a second from the first task until every subscriber that reads has the last event. */
static double run(struct bench *b, uint32_t subscribers, uint32_t stalled, uint64_t events,
                  double *us_per_delivery)
{
    uint64_t last = kernel_head(b->node.kernel) + events;
    int64_t begin, cpu;

    b->order.count = subscribers;
    b->order.stalled = stalled;
    reader_subscribe(&b->reader, &b->order);
    reader_follow(&b->reader, last, 0);
    cpu = local_node_io_cpu_ns(&b->node);
    begin = now_ns();
    appender_run(&b->appender, events);
    reader_wait(&b->reader);
    cpu = local_node_io_cpu_ns(&b->node) - cpu;
    if (us_per_delivery != NULL)
        *us_per_delivery = (double)cpu / 1000 / ((double)events * (subscribers - stalled));
    if (b->reader.shared->lines < events)
        fatal("a subscriber saw %llu of %llu events", (unsigned long long)b->reader.shared->lines,
              (unsigned long long)events);
    return (double)events * NANOSECONDS / (double)(b->reader.shared->finished_ns - begin);
}

static void start(struct bench *b, const char *directory, const struct local_node_options *options,
                  size_t depth)
{
    reader_order_at(&b->order, directory);
    local_node_start(&b->node, options);
    appender_open(&b->appender, b->node.kernel, depth);
    appender_run(&b->appender, STATE_ROWS);
}

static void stop(struct bench *b)
{
    local_node_stop(&b->node);
    appender_close(&b->appender);
}

/* --- cost and disturbance --------------------------------------------------------------------- */
static void measure_cost(struct bench *b, const char *directory)
{
    const struct local_node_options options = { .directory = directory,
                                                .batch_size = GROUP,
                                                .sockets = true };
    struct samples cost = { 0 }, ten_over_one = { 0 }, stalled = { 0 };
    struct samples one_rate = { 0 }, ten_rate = { 0 }, many_rate = { 0 };
    double us_per_delivery;

    start(b, directory, &options, 2 * GROUP);
    for (int i = 0; i < REPETITIONS; i++) {
        double one = run(b, 1, 0, FEW_EVENTS, NULL), ten = run(b, 10, 0, FEW_EVENTS, NULL);
        double nine = run(b, 10, 1, FEW_EVENTS, NULL), many = run(b, MANY, 0, MANY_EVENTS, &us_per_delivery);

        say("dispatch %d of %d: events/s with 1 subscriber: %.0f; 10: %.0f; one of them stalled: %.0f; 100: "
            "%.0f",
            i + 1, REPETITIONS, one, ten, nine, many);
        samples_add(&cost, us_per_delivery);
        samples_add(&ten_over_one, ten / one);
        samples_add(&stalled, nine / ten);
        samples_add(&one_rate, one);
        samples_add(&ten_rate, ten);
        samples_add(&many_rate, many);
    }
    stop(b);
    metric(BENCH, "us_per_delivery", samples_median(&cost), "us", "lower");
    metric(BENCH, "ten_over_one", samples_median(&ten_over_one), "ratio", "higher");
    metric(BENCH, "stalled_ratio", samples_median(&stalled), "ratio", "higher");
    metric(BENCH, "events_per_second_1", samples_median(&one_rate), "1/s", "higher");
    metric(BENCH, "events_per_second_10", samples_median(&ten_rate), "1/s", "higher");
    metric(BENCH, "events_per_second_100", samples_median(&many_rate), "1/s", "higher");
    metric(BENCH, "deliveries_per_second_100", samples_median(&many_rate) * MANY, "1/s", "higher");
}

/* --- latency ---------------------------------------------------------------------------------- */
struct paced {
    struct appender *appender;
    uint64_t first; /* seq of the first paced event; 0: not begun */
    int64_t committed_ns[PACED_EVENTS];
    struct samples commits_us; /* from the handler to COMMIT's return */
};

static void note_commit(void *context, const struct publication *publication, int64_t at_ns)
{
    struct paced *p = context;

    if (p->first == 0 || publication->first < p->first || publication->first - p->first >= PACED_EVENTS)
        return;
    p->committed_ns[publication->first - p->first] = at_ns;
    samples_add(&p->commits_us, (double)(at_ns - p->appender->begun_ns) / 1000);
}

static void measure_latency(struct bench *b, const char *directory)
{
    static struct paced paced;
    const struct local_node_options options = {
        .directory = directory, .batch_size = 1, .sockets = true, .committed = note_commit, .context = &paced
    };
    struct samples published_us = { 0 };

    paced.appender = &b->appender;
    start(b, directory, &options, 1);
    b->order.count = 1;
    b->order.stalled = 0;
    reader_subscribe(&b->reader, &b->order);
    paced.first = kernel_head(b->node.kernel) + 1;
    reader_follow(&b->reader, paced.first + PACED_EVENTS - 1, paced.first);
    for (int i = 0; i < PACED_EVENTS; i++) {
        appender_run(&b->appender, 1);
        sleep_ns(PACE_NS);
    }
    reader_wait(&b->reader);
    for (size_t i = 0; i < PACED_EVENTS; i++)
        if (paced.committed_ns[i] != 0 && b->reader.shared->received_ns[i] != 0)
            samples_add(&published_us,
                        (double)(b->reader.shared->received_ns[i] - paced.committed_ns[i]) / 1000);
    stop(b);
    metric(BENCH, "publish_over_commit", samples_median(&published_us) / samples_median(&paced.commits_us),
           "ratio", "lower");
    metric(BENCH, "publish_p50", samples_median(&published_us), "us", "lower");
    metric(BENCH, "publish_p99", samples_percentile(&published_us, 99), "us", "lower");
    metric(BENCH, "commit_p50", samples_median(&paced.commits_us), "us", "lower");
    metric(BENCH, "commit_p99", samples_percentile(&paced.commits_us, 99), "us", "lower");
}

int main(int argc, char **argv)
{
    static struct bench bench;
    char *cost AUTO_FREE = NULL, *latency AUTO_FREE = NULL;

    if (argc != 3)
        fatal("usage: bench_dispatch DIRECTORY LAYERD");
    cost = text_format("%s/cost", argv[1]);
    latency = text_format("%s/latency", argv[1]);
    reader_fork(&bench.reader);
    measure_cost(&bench, cost);
    measure_latency(&bench, latency);
    reader_stop(&bench.reader);
    return 0;
}
