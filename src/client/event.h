/* Lines of the event stream: an event in the native or the CloudEvents format, or a mark about the stream.
 * Pure. */
#ifndef CLIENT_EVENT_H
#define CLIENT_EVENT_H

#include "client/scan.h"
#include "layerd/layerd.h"

/* Reads one line of checked JSON. What *event points to is put into *storage, whose old content is dropped.
 * False when the line is neither an event nor a mark that this version knows. */
MUST_CHECK bool event_read(struct slice line, struct buffer *storage, struct layerd_event *event);

#endif
