/* Cutting a byte stream into lines. Pure: bytes in, lines out, whatever the pieces they came in. What is
 * held between two feeds is one unfinished line, and it is wiped when done: a line may carry a
 * passphrase. */
#ifndef API_LINE_H
#define API_LINE_H

#include <stdbool.h>

#include "base/buffer.h"

struct line_framer {
    struct buffer partial; /* a line begun and not finished */
    size_t most;           /* bytes of a line, without its newline */
};

void line_framer_init(struct line_framer *framer, size_t most);
void line_framer_close(struct line_framer *framer);
bool line_framer_in_line(const struct line_framer *framer); /* a line is begun and not finished */

/* Appends; when the buffer must move, what it held is wiped where it lay. */
void line_append(struct buffer *buffer, const char *data, size_t size);

/* Calls `line` for each line that is now complete, in order, without its newline; blank lines are left
 * out. `line` answers false to stop; what follows in `data` is then dropped. The result is false when a
 * line is longer than allowed: the stream cannot be followed any more. */
MUST_CHECK bool line_framer_feed(struct line_framer *framer, const char *data, size_t size,
                                 bool (*line)(void *context, const char *text, size_t size), void *context);

#endif
