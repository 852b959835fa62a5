/* A line never wraps: when it does not fit before the end of the memory, it begins at the start, and the
 * rest is skipped. */
#include "api/ring.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

#define LINE_TYPICAL                                                                                     \
    128 /* bytes: smaller than lines are on average, so that bytes run out before entries do */
#define ENTRIES_MIN 4

static size_t power_of_two(size_t least)
{
    size_t power = 1;
    while (power < least)
        power *= 2;
    return power;
}

void ring_open(struct ring *ring, size_t bytes, size_t entries, uint64_t head)
{
    INVARIANT(bytes >= RING_BYTES_MIN && bytes <= RING_BYTES_MAX, "a ring of %zu bytes", bytes);
    *ring = (struct ring){ .capacity = power_of_two(bytes), .tail = head + 1, .head = head };
    if (entries == 0)
        entries = ring->capacity / LINE_TYPICAL;
    ring->entry_capacity = power_of_two(entries < ENTRIES_MIN ? ENTRIES_MIN : entries);
    ring->bytes = memory_new(ring->capacity);
    ring->entries = memory_array(ring->entry_capacity, sizeof *ring->entries);
}

void ring_close(struct ring *ring)
{
    free(ring->bytes);
    free(ring->entries);
    *ring = (struct ring){ 0 };
}

/* Position of the oldest byte in use. */
static uint64_t oldest(const struct ring *ring)
{
    return ring->tail > ring->head ? ring->write : ring_entry(ring, ring->tail)->position;
}

void ring_append(struct ring *ring, const void *line, size_t size, int16_t type, uint32_t subject_offset,
                 uint16_t subject_size)
{
    if (size > ring->capacity / 2) {
        ring_skip(ring, ring->head + 1);
        return;
    }
    uint64_t position = ring->write;
    size_t to_end = ring->capacity - (position & (ring->capacity - 1));
    if (size > to_end)
        position += to_end;
    while (ring->tail <= ring->head
           && (position + size - oldest(ring) > ring->capacity
               || ring->head + 1 - ring->tail >= ring->entry_capacity))
        ring->tail++;

    uint64_t seq = ++ring->head;
    ring->entries[seq & (ring->entry_capacity - 1)] = (struct ring_entry){
        .position = position,
        .size = (uint32_t)size,
        .subject_offset = subject_offset,
        .subject_size = subject_size,
        .type = type,
    };
    memcpy(ring->bytes + (position & (ring->capacity - 1)), line, size);
    ring->write = position + size;
}

void ring_skip(struct ring *ring, uint64_t head)
{
    INVARIANT(head >= ring->head, "the log went back from %llu to %llu", (unsigned long long)ring->head,
              (unsigned long long)head);
    if (head == ring->head)
        return;
    ring->head = head;
    ring->tail = head + 1;
}

size_t ring_used(const struct ring *ring)
{
    return (size_t)(ring->write - oldest(ring));
}
