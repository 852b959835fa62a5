/* The terminal, kept from being steered by what is shown on it. Data comes from strangers: a memo, an asset's
 * metadata or a kept event may hold escape sequences or turn the direction of text. When standard output or
 * standard error is a terminal, such characters appear there as \u009b; \xff stands for a byte that is not
 * UTF-8. In JSON the form is JSON's own, so the value stays. Into files and pipes every byte goes as it is.
 */
#ifndef CLI_SCREEN_H
#define CLI_SCREEN_H

#include <stdbool.h>

#include "base/buffer.h"

#define SCREEN_HELD_MAX 4

/* A stream of bytes may be cut anywhere: what may be the beginning of a character waits for its rest. */
struct screen {
    int descriptor;
    char held[SCREEN_HELD_MAX];
    size_t held_size;
};

/* Puts the screens between the program's streams and its terminals. Once, before anything is written. */
void screen_begin(void);
/* Writes what still waits. Once, after the last flush; false: it could not be written. */
bool screen_end(void);

/* What the terminal gets for these bytes, appended to `out`. */
void screen_escape(struct screen *screen, const char *bytes, size_t size, struct buffer *out);
/* What still waits, as it is shown when nothing follows. */
void screen_rest(struct screen *screen, struct buffer *out);

#endif
