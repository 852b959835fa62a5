/* One pass over the bytes, whatever the pieces. */
#include "network/transport/json_frame.h"

#include <string.h>

enum json_frame_state json_frame_feed(struct json_frame *frame, const uint8_t *piece, size_t size,
                                      size_t *used)
{
    for (size_t i = 0; i < size; i++) {
        uint8_t byte = piece[i];
        if (frame->escaped) {
            frame->escaped = false;
        } else if (frame->quoted) {
            frame->escaped = byte == '\\';
            frame->quoted = byte != '"';
        } else if (byte == '{') {
            frame->begun = true;
            frame->depth++;
        } else if (!frame->begun) {
            if (byte != ' ' && byte != '\t' && byte != '\r' && byte != '\n')
                return FRAME_NONE;
        } else if (byte == '}') {
            if (--frame->depth == 0) {
                *used = i + 1;
                return FRAME_ENDS;
            }
        } else if (byte == '"') {
            frame->quoted = true;
        }
    }
    return FRAME_GOES_ON;
}
