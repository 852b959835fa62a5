/* Replay: the base ledger built again from its stored transactions, every signature verified, every block
 * hash and every base row compared with what is on disk. Works on a running node: it reads a bounded number
 * of blocks at a time and holds a snapshot of the live database only for the last of them and the comparison
 * of rows. */
#ifndef KERNEL_REPLAY_H
#define KERNEL_REPLAY_H

#include "kernel/execution.h"
#include "kernel/registry.h"

struct replay_options {
    const struct registry *registry;
    const char *database_path; /* what is replayed */
    const char *work_path;     /* the rebuilt database; made, and removed at the end */
    const char *chain;
    enum node_network network;
    bool (*stop)(void *context); /* asked between blocks; true ends with ERROR_STOPPING */
    void *context;
};

struct replay_report {
    uint64_t blocks, transactions;
    bool equal;
    char difference[256]; /* the first thing that differs */
};

MUST_CHECK enum status replay_run(const struct replay_options *options, struct replay_report *report,
                                  struct error *error);

#endif
