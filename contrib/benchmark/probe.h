/* How fast this disk makes 4 KiB durable right now: overwriting allocated blocks and fdatasync, which is what
 * the write-ahead log does in its steady state. Every figure about durability is seen against it, because
 * absolute figures say more about the machine than about the program. */
#ifndef BENCHMARK_PROBE_H
#define BENCHMARK_PROBE_H

#include "measure.h"

struct probe {
    int file;
    size_t block;           /* written next */
    struct samples rates;   /* per second, one for each run */
    struct samples p50s_us; /* the median of each run */
};

void probe_open(struct probe *probe, const char *directory);
double probe_run(struct probe *probe); /* takes half a second; syncs per second */
/* Prints fdatasync_per_second and fdatasync_p50, warns when the machine is too slow or too busy to judge. */
void probe_close(struct probe *probe, const char *bench);

#endif
