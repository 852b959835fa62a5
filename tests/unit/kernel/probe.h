/* A module for testing the kernel: commands that record what they saw, deadlines on both clocks, effects that
 * fail on order. */
#ifndef TESTS_PROBE_H
#define TESTS_PROBE_H

#include <stdatomic.h>

#include "kernel/module.h"

extern const struct module probe_module;

/* How often the effect "probe.work" ran, and how many of its first runs fail. */
extern atomic_int probe_runs;
#define PROBE_WAITS 20 /* at once */
extern atomic_int probe_waiting, probe_waits_ended;
extern atomic_bool probe_go; /* those that wait may end */
extern atomic_int probe_end_next; /* so many of them may, but none of party 9's (keys "p9-…") */
extern atomic_int probe_failures;

/* How often the reaction and the sweep ran, and what became of work behind a commit. */
extern atomic_int probe_reactions, probe_sweeps, probe_followed, probe_dropped;
extern int64_t probe_sweep_again_us; /* what the next sweep answers; then INT64_MAX */

/* Deadlines fired so far, each as "<subject>@<block time>/<chain time> ". */
extern char probe_fired[4096];

#endif
