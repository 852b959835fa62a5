/* Lives on a disk that fails: a child lives, telling what was acknowledged, until its disk fails at the Nth
 * change; then somebody looks at what it left. For each N, or for some. For tests alone. */
#ifndef FAULT_LIFE_H
#define FAULT_LIFE_H

#include <stddef.h>

#include "fault/fault_vfs.h"

struct life {
    /* In a child with the VFS in place: calls fault_vfs_arm(fault) when it matters, tells `out` line by line
     * what is acknowledged, and returns when all is done. */
    void (*live)(int out, const struct fault *fault);
    /* In the parent: the child's lines, whether it came to its end or not. */
    void (*look)(const char *told);
};

/* One life; how many changes there were since the arming, 0 unless it came to its end. Fails the test when
 * the child ended otherwise than by its disk. */
uint64_t life_run(const struct life *life, const struct fault *fault);

/* A life without a fault, then one for each `stride`th change, beginning at random; for every one with
 * LAYERD_THOROUGH set. */
void life_each(const struct life *life, enum fault_kind kind, uint64_t stride);

/* The number behind `name` in the last line that begins with it; `fallback` when there is none. */
int64_t life_told(const char *told, const char *name, int64_t fallback);
/* The text behind it, up to the line's end. False: there is none. */
bool life_told_text(const char *told, const char *name, char *text, size_t size);

#endif
