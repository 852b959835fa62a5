/* Where typed events go: into the machine's open batch. Only event.c calls this. */
#ifndef KERNEL_EVENT_RECORD_H
#define KERNEL_EVENT_RECORD_H

#include "base/buffer.h"

struct execution;

/* Two empty buffers of the machine's to write into: an event is recorded without allocating. */
void event_begin(struct execution *x, struct buffer **subject, struct buffer **body);

/* `subject` NULL: none. The bytes are copied. */
void event_record(struct execution *x, int type, const struct buffer *subject, const struct buffer *body);

#endif
