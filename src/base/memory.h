/* Memory that never answers NULL: when there is none left the process says so and ends (crash-only).
 * Scope-bound cleanup by attribute. */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stddef.h>

#define MEMORY_EXIT_CODE 71 /* EX_OSERR of sysexits.h: how a process ends that the system gives no more */

void *memory_new(size_t size);                        /* zeroed */
void *memory_array(size_t count, size_t size);        /* zeroed; overflow ends the process */
void *memory_array_aligned(size_t count, size_t size, size_t alignment); /* zeroed */
void *memory_resize(void *memory, size_t size);       /* what is new is not zeroed */
void *memory_copy(const void *data, size_t size);
char *text_copy(const char *text);                    /* NULL gives NULL */
char *text_copy_sized(const char *text, size_t size); /* adds a final zero */
char *text_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

void memory_free_wiped(void *memory); /* overwrites the whole block first; NULL is fine */
void memory_free_pointer(void *pointer_to_pointer); /* frees *p and sets it NULL; for CLEANUP */
#define CLEANUP(function) __attribute__((cleanup(function)))
#define AUTO_FREE CLEANUP(memory_free_pointer)

/* Says "layerd: out of <what>" on standard error and ends the process at once, without exit handlers. */
_Noreturn void resource_exhausted(const char *what);

/* An arena: many small pieces with one life. Pieces are zeroed and aligned for any type. */
struct arena {
    struct arena_chunk *chunk; /* newest chunk, linked to the older ones */
    size_t total;              /* bytes of all chunks */
};
void arena_init(struct arena *arena);
void *arena_new(struct arena *arena, size_t size);
char *arena_text(struct arena *arena, const char *text, size_t size); /* copy with a final zero */
void arena_reset(struct arena *arena); /* forgets all pieces, keeps one chunk */
void arena_wipe(struct arena *arena);  /* overwrites all pieces with zeros; they stay where they are */
void arena_close(struct arena *arena);

#endif
