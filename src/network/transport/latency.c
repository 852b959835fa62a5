/* A ring of the newest, sorted when somebody asks. */
#include "network/transport/latency.h"

#include <stdlib.h>
#include <string.h>

void latency_add(struct latency *latency, int64_t took_us)
{
    uint32_t value = took_us < 0 ? 0 : took_us > UINT32_MAX ? UINT32_MAX : (uint32_t)took_us;
    latency->newest[latency->count++ % LATENCY_KEPT] = value;
}

static int compare(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    return (left > right) - (left < right);
}

void latency_percentiles(const struct latency *latency, const unsigned *percents, size_t count,
                         uint64_t *values)
{
    uint32_t sorted[LATENCY_KEPT];
    size_t kept = latency->count < LATENCY_KEPT ? (size_t)latency->count : LATENCY_KEPT;
    memcpy(sorted, latency->newest, kept * sizeof *sorted);
    qsort(sorted, kept, sizeof *sorted, compare);
    for (size_t i = 0; i < count; i++) {
        size_t rank = (kept * percents[i] + 99) / 100;
        values[i] = kept == 0 ? 0 : sorted[rank == 0 ? 0 : rank - 1];
    }
}
