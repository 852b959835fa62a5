/* verify: how fast the whole log is checked: hash chain, tree, tiles and every signed checkpoint.
 *
 *   bench_verify DIRECTORY LAYERD (not used) */
#include "appender.h"
#include "local_node.h"
#include "measure.h"

#include "base/memory.h"

#define BENCH "verify"
#define GROUP 100
#define EVENTS 300000

int main(int argc, char **argv)
{
    struct samples rates = { 0 };
    struct local_node node;
    struct appender appender;
    struct database *reader;
    struct log_report report;
    struct error error;
    char *directory AUTO_FREE = NULL;

    if (argc != 3)
        fatal("usage: bench_verify DIRECTORY LAYERD");
    directory = text_format("%s/log", argv[1]);
    local_node_start(&node, &(struct local_node_options){ .directory = directory, .batch_size = GROUP });
    appender_open(&appender, node.kernel, 2 * GROUP);
    appender_run(&appender, EVENTS);
    if (kernel_reader(node.kernel, &reader, &error) != OK)
        fatal("no reader: %s", error.message);
    for (int i = 0; i < REPETITIONS; i++) {
        int64_t begin = now_ns();

        if (log_verify(reader, kernel_node_id(node.kernel), kernel_note_key(node.kernel), 0, 0, NULL, NULL,
                       &report, &error) != OK)
            fatal("the log is wrong: %s", error.message);
        if (!report.tree_checked)
            fatal("the tree was not checked");
        samples_add(&rates, (double)(report.last - report.first + 1) / seconds_since(begin));
    }
    database_close(reader);
    local_node_stop(&node);
    appender_close(&appender);
    metric(BENCH, "events_per_second", samples_median(&rates), "1/s", "higher");
    return 0;
}
