/* Where typed events go: into the machine's open batch. Only event.c calls this. */
#ifndef KERNEL_EVENT_RECORD_H
#define KERNEL_EVENT_RECORD_H

#include "base/buffer.h"

struct execution;

/* `subject` NULL: none. The bytes are copied. */
void event_record(struct execution *x, int type, const struct buffer *subject, const struct buffer *body);

#endif
