/* The events of a batch: from the machine into the log, and rendered once for everybody who listens. */
#include <stdlib.h>
#include <string.h>

#include "kernel/internal.h"

/* What a line has besides the body and the subject, about: one allocation then does. */
#define LINE_OVERHEAD ((size_t)160)

static void append_event(struct kernel *k, const struct pending_event *pending, struct publication *p,
                         struct publication_entry *entry)
{
    const uint8_t *text = k->machine.text.data;
    const struct event_type *type = event_type_at((size_t)pending->type);
    char subject[EVENT_SUBJECT_MAX + 1];
    size_t subject_offset;
    struct event event = {
        .seq = event_log_head(k->log) + 1,
        .block = pending->block,
        .time_us = k->event_time_us,
        .type = type->name,
        .body = bytes_of(text + pending->body_offset, pending->body_size),
        .last = pending->last,
    };

    if (pending->subject_size > 0) {
        memcpy(subject, text + pending->subject_offset, pending->subject_size);
        subject[pending->subject_size] = '\0';
        event.subject = subject;
    }
    event_log_append(k->log, &event);
    entry->offset = (uint32_t)p->lines.size;
    subject_offset = event_line(&event, type->version, &p->lines);
    INVARIANT(p->lines.size <= UINT32_MAX, "a batch of more than 4 GiB of events");
    entry->size = (uint32_t)p->lines.size - entry->offset;
    entry->type = (int16_t)pending->type;
    entry->subject_offset = subject_offset == 0 ? 0 : entry->offset + (uint32_t)subject_offset;
    entry->subject_size = (uint16_t)pending->subject_size;
}

struct publication *publication_make(struct kernel *k)
{
    struct machine *m = &k->machine;
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
    for (size_t i = 0; i < m->event_count; i++)
        append_event(k, &m->events[i], p, &p->entries[i]);
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
