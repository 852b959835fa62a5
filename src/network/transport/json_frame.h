/* Where one JSON object ends in a stream of bytes that comes in pieces. It counts braces outside strings and
 * judges nothing else: the parser does. */
#ifndef NETWORK_TRANSPORT_JSON_FRAME_H
#define NETWORK_TRANSPORT_JSON_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_frame {
    uint64_t depth;
    bool begun, quoted, escaped;
};

enum json_frame_state {
    FRAME_GOES_ON,
    FRAME_ENDS,   /* *used bytes of the piece belong to it */
    FRAME_NONE,   /* it does not begin with '{' */
};

/* Starts from zeroed memory. */
enum json_frame_state json_frame_feed(struct json_frame *frame, const uint8_t *piece, size_t size,
                                      size_t *used);

#endif
