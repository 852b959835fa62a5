/* The fdatasync probe: see probe.h. */
#include "probe.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"

#define BLOCK_SIZE 4096
#define BLOCKS 1024 /* 4 MiB, as much as the write-ahead log holds between two moves */
#define RUN_NS (NANOSECONDS / 2)
#define TRUSTWORTHY_US 1000 /* above it scheduling is measured, not the disk */

static void write_block(struct probe *probe)
{
    static char block[BLOCK_SIZE];

    memset(block, (int)(probe->block % 251), sizeof(block));
    if (pwrite(probe->file, block, sizeof(block), (off_t)(probe->block % BLOCKS) * BLOCK_SIZE) != BLOCK_SIZE)
        fatal("the probe's file cannot be written");
    probe->block++;
}

void probe_open(struct probe *probe, const char *directory)
{
    char *path AUTO_FREE = text_format("%s/probe", directory);

    *probe = (struct probe){ .file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) };
    if (probe->file < 0)
        fatal("%s cannot be made", path);
    for (size_t i = 0; i < BLOCKS; i++)
        write_block(probe);
    if (fsync(probe->file) != 0)
        fatal("%s cannot be synced", path);
}

double probe_run(struct probe *probe)
{
    struct samples each = { 0 };
    int64_t begin = now_ns(), before = begin, after = begin;
    double rate;

    while (after - begin < RUN_NS) {
        write_block(probe);
        if (fdatasync(probe->file) != 0)
            fatal("the probe's file cannot be synced");
        after = now_ns();
        samples_add(&each, (double)(after - before) / 1000);
        before = after;
    }
    rate = (double)each.count * NANOSECONDS / (double)(after - begin);
    samples_add(&probe->rates, rate);
    samples_add(&probe->p50s_us, samples_median(&each));
    samples_clear(&each);
    return rate;
}

void probe_close(struct probe *probe, const char *bench)
{
    double p50_us = samples_median(&probe->p50s_us);

    metric(bench, "fdatasync_per_second", samples_median(&probe->rates), "1/s", "higher");
    metric(bench, "fdatasync_p50", p50_us, "us", "lower");
    if (p50_us > TRUSTWORTHY_US)
        say("WARNING: fdatasync takes %.0f us (p50); over %d us the machine is too busy or its disk too "
            "slow, and what "
            "is printed here cannot be trusted",
            p50_us, TRUSTWORTHY_US);
    close(probe->file);
    samples_clear(&probe->rates);
    samples_clear(&probe->p50s_us);
}
