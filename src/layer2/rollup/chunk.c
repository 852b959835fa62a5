/* See chunk.h. */
#include "layer2/rollup/chunk.h"

#include <stdint.h>
#include <sys/mman.h>

#include "base/memory.h"

static size_t whole(size_t size)
{
    return (size + CHUNK_ALIGNMENT - 1) / CHUNK_ALIGNMENT * CHUNK_ALIGNMENT;
}

void *chunk_new(size_t size, bool huge)
{
    size_t rounded = whole(size), mapped = rounded + CHUNK_ALIGNMENT;
    uint8_t *begin = mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (begin == MAP_FAILED)
        resource_exhausted("memory");
    size_t before = (CHUNK_ALIGNMENT - (uintptr_t)begin % CHUNK_ALIGNMENT) % CHUNK_ALIGNMENT;
    uint8_t *chunk = begin + before;
    if (before > 0)
        munmap(begin, before);
    munmap(chunk + rounded, CHUNK_ALIGNMENT - before);
#ifdef MADV_HUGEPAGE
    if (huge)
        (void)madvise(chunk, rounded, MADV_HUGEPAGE); /* a wish: what it answers changes nothing */
#else
    (void)huge;
#endif
    return chunk;
}

void chunk_free(void *chunk, size_t size)
{
    if (chunk != NULL)
        munmap(chunk, whole(size));
}
