/* An event line in the other formats that subscribers may ask for, made from the line's own bytes. Pure. */
#ifndef API_CLOUDEVENTS_H
#define API_CLOUDEVENTS_H

#include "base/buffer.h"

/* The parts of an event line (event_log.h, event_line), borrowed from it. Texts are JSON text without
 * their quotes. */
struct line_parts {
    uint64_t seq, block;
    int64_t time_us;
    unsigned version;
    struct bytes type, subject; /* subject of size 0: none */
    struct bytes data;          /* one JSON object */
    struct bytes hash;          /* 64 hex digits */
    bool last;
};

/* Takes a line with or without its newline. False when it is not one that event_line writes. */
MUST_CHECK bool line_parse(const char *line, size_t size, struct line_parts *parts);

/* One CloudEvents 1.0 object in the JSON format. */
void cloudevent_write(struct buffer *out, const struct line_parts *parts, const char *node_id);
/* {"seq":N,"type":"…"}: that something happened, and what. */
void notice_write(struct buffer *out, const struct line_parts *parts);

#endif
