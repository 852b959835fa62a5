/* One computation in independent parts, on a few threads that live as long as it does. */
#ifndef PROOF_BN254_PARALLEL_H
#define PROOF_BN254_PARALLEL_H

#include <stddef.h>

#define PARALLEL_THREADS_MAX 64

/* Runs part(context, 0 … count − 1), each once, in no order, on `threads` threads (the caller's is one of
 * them); returns when all are done. Where the system gives no more threads there are fewer. */
void parallel_run(size_t threads, size_t count, void (*part)(void *context, size_t index), void *context);

#endif
