/* commit: how many durable commits a second the executor makes, seen against the bare disk, and what putting
 * 100 events into one commit gains. Each event is one state row and one row of the log: chained, indexed,
 * guarded by triggers.
 *
 *   bench_commit DIRECTORY LAYERD (not used) */
#include "appender.h"
#include "local_node.h"
#include "measure.h"
#include "probe.h"

#include "base/memory.h"

#define BENCH "commit"
#define WARM_UP 0.4 /* s: rows, pages, and the write-ahead log at its size */
#define SECONDS 1.2 /* of one run */
#define GROUP 100   /* events in a commit of the second kind */

struct intervals {
    struct samples samples; /* between one COMMIT and the next, µs */
    int64_t last_ns;
};

static void note_commit(void *context, const struct publication *publication, int64_t at_ns)
{
    struct intervals *intervals = context;

    (void)publication;
    if (intervals->last_ns != 0)
        samples_add(&intervals->samples, (double)(at_ns - intervals->last_ns) / 1000);
    intervals->last_ns = at_ns;
}

/* Events a second at `group` events in a commit, on a node of its own. */
static double run(const char *directory, size_t group, struct samples *intervals_us)
{
    struct intervals intervals = { { 0 }, 0 };
    struct local_node_options options = {
        .directory = directory, .batch_size = group, .committed = note_commit, .context = &intervals
    };
    struct local_node node;
    struct appender appender;
    double rate;

    local_node_start(&node, &options);
    appender_open(&appender, node.kernel, 2 * group);
    appender_run_for(&appender, WARM_UP);
    samples_clear(&intervals.samples);
    intervals.last_ns = 0;
    rate = appender_run_for(&appender, SECONDS);
    local_node_stop(&node);
    appender_close(&appender);
    for (size_t i = 0; i < intervals.samples.count; i++)
        samples_add(intervals_us, intervals.samples.values[i]);
    samples_clear(&intervals.samples);
    return rate;
}

int main(int argc, char **argv)
{
    struct samples single = { 0 }, grouped = { 0 }, ratios = { 0 }, gains = { 0 };
    struct samples single_us = { 0 }, grouped_us = { 0 };
    struct probe probe;

    if (argc != 3)
        fatal("usage: bench_commit DIRECTORY LAYERD");
    probe_open(&probe, argv[1]);
    for (int i = 0; i < REPETITIONS; i++) {
        char *one AUTO_FREE = text_format("%s/single-%d", argv[1], i);
        char *many AUTO_FREE = text_format("%s/grouped-%d", argv[1], i);
        double before = probe_run(&probe), commits = run(one, 1, &single_us), after = probe_run(&probe);
        double events = run(many, GROUP, &grouped_us);

        say("commit %d of %d: fdatasync %.0f/s; %.0f commits/s of 1 event; %.0f events/s at %d a commit",
            i + 1, REPETITIONS, (before + after) / 2, commits, events, GROUP);
        samples_add(&single, commits);
        samples_add(&grouped, events);
        samples_add(&ratios, commits / ((before + after) / 2));
        samples_add(&gains, events / commits);
    }
    metric(BENCH, "ratio_to_fdatasync", samples_median(&ratios), "ratio", "higher");
    metric(BENCH, "group_gain", samples_median(&gains), "ratio", "higher");
    metric(BENCH, "commits_per_second", samples_median(&single), "1/s", "higher");
    metric(BENCH, "events_per_second_100", samples_median(&grouped), "1/s", "higher");
    metric(BENCH, "commit_p50", samples_median(&single_us), "us", "lower");
    metric(BENCH, "commit_p99", samples_percentile(&single_us, 99), "us", "lower");
    metric(BENCH, "commit_100_p50", samples_median(&grouped_us), "us", "lower");
    metric(BENCH, "commit_100_p99", samples_percentile(&grouped_us, 99), "us", "lower");
    probe_close(&probe, BENCH);
    return 0;
}
