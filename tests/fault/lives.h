/* Lives on a disk that fails. For every N, a child lives through the same history while the Nth change to the
 * disk (or Nth read) fails; it tells through a pipe what was acknowledged. It must finish, or stop with
 * EXIT_STORAGE or for lack of power; then what it left is checked.
 *
 * With LAYERD_THOROUGH set every N is tried, otherwise every so many, beginning at random. */
#ifndef FAULT_LIVES_H
#define FAULT_LIVES_H

#include "fault/fault_vfs.h"

struct lives {
    /* In the child, on the disk that fails once it is armed with `fault`; tells lines through `out`, among
     * them "directory <where its node lives>", and ends by lives_end(). */
    void (*live)(int out, const struct fault *fault);
    /* What it told, line by line, without the line's end; `line` NULL: from here on another life. */
    void (*hear)(const char *line);
    /* What it left, when it told of its directory. */
    void (*check)(const char *directory);
    uint64_t stride; /* every how manieth N is tried when nobody asked for all */
};

_Noreturn void lives_end(int out, const struct fault *fault);

/* One whole life, then one for each N. Fails the test that runs. */
void lives_each(const struct lives *lives, unsigned operations, enum fault_kind kind);

#endif
