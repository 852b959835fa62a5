/* snarkjs in a node process of its own (snarkjs.mjs), asked over a socket so that its runs and ours take
 * turns. */
#ifndef BENCHMARK_SNARKJS_PROCESS_H
#define BENCHMARK_SNARKJS_PROCESS_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

struct snarkjs {
    pid_t process;
    FILE *answers;
    int questions;
    double peak_mib; /* of its memory, as of the last answer */
};

/* Starts it and waits until it is warm. `folder`: where tests/interop/snarkjs has installed snarkjs;
 * `circuit`: a folder of vectors/groth16. False when there is no node or nothing installed. */
bool snarkjs_start(struct snarkjs *snarkjs, const char *folder, const char *circuit);

/* The median of `count` runs, in seconds. `what`: "verify" or "prove". */
double snarkjs_seconds(struct snarkjs *snarkjs, const char *what, int count);

void snarkjs_stop(struct snarkjs *snarkjs);

#endif
