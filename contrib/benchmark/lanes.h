/* A whole node whose commands follow each other in lanes: as many are under way at once, and each that ends,
 * as an event tells, makes room for another. With channels of payments, whose keys are in its keystore. */
#ifndef BENCHMARK_LANES_H
#define BENCHMARK_LANES_H

#include <stdatomic.h>

#include "base/json.h"
#include "local_node.h"

#define LANES_MOST 256
#define NO_EVENT (-2)       /* the type of none */

struct lanes;

struct lane {
    struct work work;
    struct call call;
    struct lanes *lanes;
};

struct lanes {
    struct local_node node;
    struct keystore *keystore;
    struct secret_key *secret; /* for new_key */
    const char *method;
    json_t *(*params)(void *context, size_t i); /* of the i-th command of a run, on a worker */
    void *context;
    size_t at_once;            /* up to LANES_MOST */
    int ended_type;            /* the event that ends a command; event_type_index */
    int failed_type;           /* NO_EVENT: none. One of these ends the benchmark */

    size_t count;              /* commands of the run */
    atomic_size_t next;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t ended, failed;
    struct lane all[LANES_MOST];
};

/* Makes the directory, starts the node with a key "bank" that the faucet paid `faucets` times. */
void lanes_start(struct lanes *lanes, const char *directory, const struct module *const *modules,
                 size_t faucets);
/* Runs the commands 0 … count − 1; how many a second. */
double lanes_run(struct lanes *lanes, size_t count);
void lanes_stop(struct lanes *lanes);

/* A payment channel without reserves, in which `first` has all of `funds`, paid in by "bank". */
void lanes_open_channel(struct lanes *lanes, struct account_id first, struct account_id second, size_t nonce,
                        uint64_t funds);

#endif
