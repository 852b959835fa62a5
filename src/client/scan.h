/* Walks JSON text without building a tree, so that results and event data are handed on as the very bytes
 * that came (they are what was hashed), and a line costs no allocation. Checks the whole grammar of RFC 8259
 * on its way; refuses nesting deeper than SCAN_DEPTH_MAX and bytes that are not UTF-8. Pure. */
#ifndef CLIENT_SCAN_H
#define CLIENT_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"

#define SCAN_DEPTH_MAX 64 /* arrays and objects inside each other */

/* A piece of somebody else's text. */
struct slice {
    const char *text;
    size_t size;
};

enum scan_step {
    SCAN_ITEM, /* one more was given */
    SCAN_END,  /* the object or array is complete */
    SCAN_BAD,  /* not JSON */
};

struct scan {
    const char *at, *end;
    bool first; /* no item was given yet */
};

/* Whether the text is one JSON value with nothing but white space around it; *value is it without the white
 * space. */
MUST_CHECK bool scan_value(const char *text, size_t size, struct slice *value);

/* Begin: false when the slice is no object (array). Then step until SCAN_END. */
MUST_CHECK bool scan_object(struct scan *scan, struct slice object);
MUST_CHECK enum scan_step scan_member(struct scan *scan, struct slice *key, struct slice *value);
MUST_CHECK bool scan_array(struct scan *scan, struct slice array);
MUST_CHECK enum scan_step scan_element(struct scan *scan, struct slice *value);

/* Compares the raw text: slice_is(key, "\"seq\"")'s short form for keys is key_is(key, "seq"). */
bool slice_is(struct slice slice, const char *text);
bool key_is(struct slice key, const char *name);
MUST_CHECK bool slice_unsigned(struct slice slice, uint64_t *value); /* digits alone, at most 2^64 − 1 */
MUST_CHECK bool slice_signed(struct slice slice, int64_t *value);
bool slice_is_string(struct slice slice);
/* Appends the string's characters, unescaped, and a final zero. False when it is no string or has a NUL
 * inside. */
MUST_CHECK bool slice_string(struct slice slice, struct buffer *out);
char *slice_copy(struct slice slice); /* with a final zero; the caller frees */

/* The member of an object, or an empty slice (text NULL) when it is absent. The object was checked by
 * scan_value. */
struct slice slice_member(struct slice object, const char *name);

#endif
