/* How long the newest exchanges took. The owner locks. */
#ifndef NETWORK_TRANSPORT_LATENCY_H
#define NETWORK_TRANSPORT_LATENCY_H

#include <stddef.h>
#include <stdint.h>

#define LATENCY_KEPT 1024

struct latency {
    uint32_t newest[LATENCY_KEPT]; /* microseconds; longer ones than fit (71 minutes) as the largest */
    uint64_t count;                /* of all; the next goes to count mod LATENCY_KEPT */
};

void latency_add(struct latency *latency, int64_t took_us);

/* The smallest kept value such that at least `percent` of those kept are no larger; 0 when there are none. */
void latency_percentiles(const struct latency *latency, const unsigned *percents, size_t count,
                         uint64_t *values);

#endif
