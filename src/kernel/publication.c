/* The events of a batch: from the machine into the log, and rendered once for everybody who listens. */
#include <stdlib.h>

#include "kernel/internal.h"

/* What a line has besides the body and the subject, about: one allocation then does. */
#define LINE_OVERHEAD ((size_t)160)

/* The batch as the log takes it. Texts stay where the machine has them. */
static struct event *gather(struct kernel *k)
{
    const struct machine *m = &k->machine;
    struct event *events = memory_array(m->event_count, sizeof(*events));
    const uint64_t first = event_log_head(k->log) + 1;

    for (size_t i = 0; i < m->event_count; i++) {
        const struct pending_event *pending = &m->events[i];
        const uint8_t *subject = m->text.data + pending->subject_offset;

        events[i] = (struct event){
            .seq = first + i,
            .block = pending->block,
            .time_us = k->event_time_us,
            .type = event_type_at((size_t)pending->type)->name,
            .subject = pending->subject_size == 0 ? NULL : (const char *)subject,
            .body = bytes_of(m->text.data + pending->body_offset, pending->body_size),
            .last = pending->last,
        };
    }
    return events;
}

struct rendering {
    const struct pending_event *pending;
    struct publication *publication;
};

/* Perhaps on the tree's thread (event_log.h): nobody else looks at the publication meanwhile. */
static void render(void *context, size_t index, const struct event *event)
{
    const struct rendering *rendering = context;
    const struct pending_event *pending = &rendering->pending[index];
    struct publication *p = rendering->publication;
    struct publication_entry *entry = &p->entries[index];
    size_t subject_offset;

    entry->offset = (uint32_t)p->lines.size;
    subject_offset = event_line(event, event_type_at((size_t)pending->type)->version, &p->lines);
    INVARIANT(p->lines.size <= UINT32_MAX, "a batch of more than 4 GiB of events");
    entry->size = (uint32_t)p->lines.size - entry->offset;
    entry->type = (int16_t)pending->type;
    entry->subject_offset = subject_offset == 0 ? 0 : entry->offset + (uint32_t)subject_offset;
    entry->subject_size = (uint16_t)pending->subject_size;
}

struct publication *publication_make(struct kernel *k)
{
    const struct machine *m = &k->machine;
    AUTO_FREE struct event *events = NULL;
    struct publication *p;

    if (m->event_count == 0)
        return NULL;
    if (m->next.time_us > k->event_time_us)
        k->event_time_us = m->next.time_us;
    p = memory_new(sizeof(*p));
    buffer_init(&p->lines);
    buffer_reserve(&p->lines, m->text.size + m->event_count * LINE_OVERHEAD);
    p->first = event_log_head(k->log) + 1;
    p->last = p->first + m->event_count - 1;
    p->time_us = k->event_time_us;
    p->entries = memory_array(m->event_count, sizeof(*p->entries));
    events = gather(k);
    event_log_append_batch(k->log, events, m->event_count, render,
                           &(struct rendering){ .pending = m->events, .publication = p });
    return p;
}

void publication_free(struct publication *p)
{
    if (p == NULL)
        return;
    buffer_close(&p->lines);
    free(p->entries);
    free(p);
}
