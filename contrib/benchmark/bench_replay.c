/* replay: how fast a subscriber gets the whole log from its first event, over the real socket and out of the
 * database, seen against how fast events were made durable. The node is started anew before each replay, so
 * that nothing of the log is in its memory.
 *
 *   bench_replay DIRECTORY LAYERD (not used) */
#include <stdio.h>

#include "appender.h"
#include "local_node.h"
#include "measure.h"
#include "reader.h"

#include "base/memory.h"

#define BENCH "replay"
#define GROUP 100   /* events in a commit */
#define SECONDS 1.2 /* of appending before each replay */

static double append(const char *directory)
{
    const struct local_node_options options = { .directory = directory, .batch_size = GROUP };
    struct local_node node;
    struct appender appender;
    double rate;

    local_node_start(&node, &options);
    appender_open(&appender, node.kernel, 2 * GROUP);
    appender_run(&appender, STATE_ROWS);
    rate = appender_run_for(&appender, SECONDS);
    local_node_stop(&node);
    appender_close(&appender);
    return rate;
}

static double replay(struct reader *reader, const char *directory)
{
    const struct local_node_options options = { .directory = directory,
                                                .batch_size = GROUP,
                                                .sockets = true };
    struct reader_order order = { .count = 1, .from_first = true };
    struct local_node node;
    uint64_t head;
    int64_t begin;

    reader_order_at(&order, directory);
    local_node_start(&node, &options);
    head = kernel_head(node.kernel);
    begin = now_ns();
    reader_subscribe(reader, &order);
    reader_follow(reader, head, 0);
    reader_wait(reader);
    local_node_stop(&node);
    if (reader->shared->lines != head)
        fatal("the subscriber saw %llu of %llu events", (unsigned long long)reader->shared->lines,
              (unsigned long long)head);
    return (double)head * NANOSECONDS / (double)(reader->shared->finished_ns - begin);
}

int main(int argc, char **argv)
{
    struct samples appended = { 0 }, replayed = { 0 }, ratios = { 0 };
    struct reader reader;
    char *directory AUTO_FREE = NULL;

    if (argc != 3)
        fatal("usage: bench_replay DIRECTORY LAYERD");
    directory = text_format("%s/log", argv[1]);
    reader_fork(&reader);
    for (int i = 0; i < REPETITIONS; i++) {
        double append_rate = append(directory), replay_rate = replay(&reader, directory);

        say("replay %d of %d: appended %.0f events/s, replayed %.0f events/s", i + 1, REPETITIONS,
            append_rate, replay_rate);
        samples_add(&appended, append_rate);
        samples_add(&replayed, replay_rate);
        samples_add(&ratios, replay_rate / append_rate);
    }
    reader_stop(&reader);
    metric(BENCH, "ratio_to_append", samples_median(&ratios), "ratio", "higher");
    metric(BENCH, "events_per_second", samples_median(&replayed), "1/s", "higher");
    metric(BENCH, "append_events_per_second", samples_median(&appended), "1/s", "higher");
    return 0;
}
