/* Memory from the system's allocator, and the arena. Every size is checked before it is added to or
 * multiplied; a request that cannot be met ends the process, so no caller has a path for it. */
#include "base/memory.h"

#include <malloc.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MEMORY_SIZE_MAX ((size_t)PTRDIFF_MAX)
#define ARENA_CHUNK_FIRST ((size_t)512) /* a queued command owns an arena: 100,000 must stay small */
#define ARENA_CHUNK_MAX ((size_t)65536) /* chunks double up to this; a larger piece gets a chunk of its own */

void resource_exhausted(const char *what)
{
    static const char start[] = "layerd: out of ";
    ssize_t ignored = write(STDERR_FILENO, start, sizeof start - 1);
    ignored = write(STDERR_FILENO, what, strlen(what));
    ignored = write(STDERR_FILENO, "\n", 1);
    (void)ignored; /* nothing is left to do about it */
    _exit(MEMORY_EXIT_CODE);
}

static void *checked(void *memory)
{
    if (memory == NULL)
        resource_exhausted("memory");
    return memory;
}

/* malloc(0) may answer NULL, which would look like exhaustion. */
static size_t sensible(size_t size)
{
    if (size > MEMORY_SIZE_MAX)
        resource_exhausted("memory");
    return size == 0 ? 1 : size;
}

void *memory_new(size_t size)
{
    return checked(calloc(1, sensible(size)));
}

void *memory_array(size_t count, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(count, size, &total))
        resource_exhausted("memory");
    return memory_new(total);
}

void *memory_array_aligned(size_t count, size_t size, size_t alignment)
{
    void *memory;
    size_t total;
    if (__builtin_mul_overflow(count, size, &total))
        resource_exhausted("memory");
    if (alignment < sizeof(void *)) /* less is not taken */
        alignment = sizeof(void *);
    if (posix_memalign(&memory, alignment, sensible(total)) != 0)
        resource_exhausted("memory");
    memset(memory, 0, total);
    return memory;
}

void *memory_resize(void *memory, size_t size)
{
    return checked(realloc(memory, sensible(size)));
}

void *memory_copy(const void *data, size_t size)
{
    void *copy = checked(malloc(sensible(size)));
    if (size > 0)
        memcpy(copy, data, size);
    return copy;
}

char *text_copy(const char *text)
{
    return text == NULL ? NULL : text_copy_sized(text, strlen(text));
}

char *text_copy_sized(const char *text, size_t size)
{
    if (size >= MEMORY_SIZE_MAX)
        resource_exhausted("memory");
    char *copy = checked(malloc(size + 1));
    if (size > 0)
        memcpy(copy, text, size);
    copy[size] = '\0';
    return copy;
}

char *text_format(const char *format, ...)
{
    char *text;
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (length < 0)
        resource_exhausted("memory");
    return text;
}

void memory_free_wiped(void *memory)
{
    if (memory != NULL)
        explicit_bzero(memory, malloc_usable_size(memory));
    free(memory);
}

void memory_free_pointer(void *pointer_to_pointer)
{
    void *memory;
    memcpy(&memory, pointer_to_pointer, sizeof memory);
    free(memory);
    memory = NULL;
    memcpy(pointer_to_pointer, &memory, sizeof memory);
}

struct arena_chunk {
    struct arena_chunk *older;
    size_t size; /* bytes behind this head */
    size_t used;
    alignas(max_align_t) uint8_t data[];
};

void arena_init(struct arena *arena)
{
    *arena = (struct arena){ 0 };
}

static struct arena_chunk *arena_grow(struct arena *arena, size_t least)
{
    size_t size = arena->chunk == NULL ? ARENA_CHUNK_FIRST : arena->chunk->size * 2;
    if (size > ARENA_CHUNK_MAX)
        size = ARENA_CHUNK_MAX;
    if (size < least)
        size = least;
    struct arena_chunk *chunk = checked(malloc(sizeof *chunk + size));
    chunk->older = arena->chunk;
    chunk->size = size;
    chunk->used = 0;
    arena->chunk = chunk;
    arena->total += size;
    return chunk;
}

void *arena_new(struct arena *arena, size_t size)
{
    if (size > MEMORY_SIZE_MAX / 2)
        resource_exhausted("memory");
    size_t step = (size + alignof(max_align_t) - 1) / alignof(max_align_t) * alignof(max_align_t);
    struct arena_chunk *chunk = arena->chunk;
    if (chunk == NULL || chunk->size - chunk->used < step)
        chunk = arena_grow(arena, step);
    void *piece = chunk->data + chunk->used;
    chunk->used += step;
    return memset(piece, 0, size);
}

char *arena_text(struct arena *arena, const char *text, size_t size)
{
    if (size > MEMORY_SIZE_MAX / 2 - 1)
        resource_exhausted("memory");
    char *copy = arena_new(arena, size + 1);
    if (size > 0)
        memcpy(copy, text, size);
    return copy;
}

/* One chunk of ordinary size is worth keeping; a giant one would hold its memory for ever. */
void arena_reset(struct arena *arena)
{
    struct arena_chunk *kept = NULL, *chunk = arena->chunk;
    while (chunk != NULL) {
        struct arena_chunk *older = chunk->older;
        if (kept == NULL && chunk->size <= ARENA_CHUNK_MAX)
            kept = chunk;
        else
            free(chunk);
        chunk = older;
    }
    arena->chunk = kept;
    arena->total = 0;
    if (kept != NULL) {
        kept->older = NULL;
        kept->used = 0;
        arena->total = kept->size;
    }
}

void arena_wipe(struct arena *arena)
{
    for (struct arena_chunk *chunk = arena->chunk; chunk != NULL; chunk = chunk->older)
        explicit_bzero(chunk->data, chunk->used);
}

void arena_close(struct arena *arena)
{
    struct arena_chunk *chunk = arena->chunk;
    while (chunk != NULL) {
        struct arena_chunk *older = chunk->older;
        free(chunk);
        chunk = older;
    }
    arena_init(arena);
}
