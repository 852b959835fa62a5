/* The newest committed event lines, in one ring of bytes shared by all subscribers. Belongs to the I/O
 * thread. Lines lie whole and adjacent, so that a run of them is written with one call; what falls out is
 * read from the database instead. The memory is touched only as it is used. */
#ifndef API_RING_H
#define API_RING_H

#include "base/bytes.h"

#define RING_BYTES_DEFAULT ((size_t)16 << 20)
#define RING_BYTES_MIN 1024
#define RING_BYTES_MAX ((size_t)1 << 30)
#define RING_NO_TYPE (-1) /* a type that the catalogue does not have */

struct ring_entry {
    uint64_t position;       /* of the line in the endless stream of bytes; modulo capacity its place */
    uint32_t size;           /* newline included */
    uint32_t subject_offset; /* of the subject's JSON text within the line */
    uint16_t subject_size;   /* 0: no subject */
    int16_t type;            /* event_type_index */
};

struct ring {
    uint8_t *bytes;
    size_t capacity;         /* a power of two */
    struct ring_entry *entries;
    size_t entry_capacity;   /* a power of two */
    uint64_t write;          /* position where the next line goes */
    uint64_t tail;           /* oldest seq that is here; head + 1: none */
    uint64_t head;           /* newest seq given to the ring, here or not */
};

/* `bytes` is rounded up to a power of two; `head` is the newest event so far, which is not in the ring.
 * `entries` 0: as many as fit the bytes. */
void ring_open(struct ring *ring, size_t bytes, size_t entries, uint64_t head);
void ring_close(struct ring *ring);

/* The line of event head + 1. A line that is too large for the ring empties it: subscribers read it from
 * the database. */
void ring_append(struct ring *ring, const void *line, size_t size, int16_t type, uint32_t subject_offset,
                 uint16_t subject_size);
/* Events up to `head` happened that are not in the ring. */
void ring_skip(struct ring *ring, uint64_t head);

size_t ring_used(const struct ring *ring); /* bytes */

static inline const struct ring_entry *ring_entry(const struct ring *ring, uint64_t seq)
{
    INVARIANT(seq >= ring->tail && seq <= ring->head, "event %llu is not in the ring",
              (unsigned long long)seq);
    return &ring->entries[seq & (ring->entry_capacity - 1)];
}

static inline const uint8_t *ring_line(const struct ring *ring, const struct ring_entry *entry)
{
    return ring->bytes + (entry->position & (ring->capacity - 1));
}

#endif
