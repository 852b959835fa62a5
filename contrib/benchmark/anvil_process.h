/* anvil, an EVM node of npm's, as a child on a free port of 127.0.0.1; contrib/bench installs it. */
#ifndef BENCHMARK_ANVIL_PROCESS_H
#define BENCHMARK_ANVIL_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/bytes.h"

#define ANVIL_KEYS 2 /* accounts that it gives coin to at its start */

struct anvil_process {
    pid_t process;
    char *directory, *url;
    struct hash keys[ANVIL_KEYS]; /* secret keys, which are nobody's secret */
};

/* False: it is not installed in `interop`. `block_s` 0: a block for each transaction, at once. */
bool anvil_process_start(struct anvil_process *anvil, const char *directory, const char *interop,
                         unsigned block_s);
void anvil_process_stop(struct anvil_process *anvil);

#endif
