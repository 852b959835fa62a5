/* A module for testing the kernel: commands that record what they saw, deadlines on both clocks, effects that
 * fail on order. */
#ifndef TESTS_PROBE_H
#define TESTS_PROBE_H

#include <stdatomic.h>

#include "kernel/module.h"

extern const struct module probe_module;

/* How often the effect "probe.work" ran, and how many of its first runs fail. */
extern atomic_int probe_runs;
extern atomic_int probe_failures;

/* Deadlines fired so far, each as "<subject>@<block time>/<chain time> ". */
extern char probe_fired[4096];

#endif
