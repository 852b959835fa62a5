/* Large pieces of memory for tables that are read here and there: zeroed, taken from the system when they are
 * touched, and in huge pages where it has them, so that finding a page costs less than what stands in it. */
#ifndef LAYER2_ROLLUP_CHUNK_H
#define LAYER2_ROLLUP_CHUNK_H

#include <stdbool.h>
#include <stddef.h>

#define CHUNK_ALIGNMENT ((size_t)2 << 20)

/* `huge` is for tables that are large already: the first touch takes CHUNK_ALIGNMENT bytes then. */
void *chunk_new(size_t size, bool huge);
void chunk_free(void *chunk, size_t size);

#endif
