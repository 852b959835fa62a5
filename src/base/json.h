/* Reading JSON from outside, with jansson, under limits: depth 32, no duplicate keys, no NUL in strings,
 * nothing after the value. And the canonical form that signatures cover. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <jansson.h>

#include "base/buffer.h"
#include "base/status.h"

#define JSON_DEPTH_MAX 32     /* arrays and objects inside each other */
#define JSON_MEMBERS_MAX 4096 /* members of one object that json_canonical sorts */

/* One JSON value of any kind. *value is a new reference. ERROR_PARSE with the place and the reason. */
MUST_CHECK enum status json_parse(const char *text, size_t size, json_t **value, struct error *error);

/* The same for what comes from a server: ERROR_LIMIT when it holds more values than `most`, which is looked
 * at before any is made. A text can hold half as many values as bytes, and each takes a hundred bytes. */
MUST_CHECK enum status json_parse_bounded(const char *text, size_t size, size_t most, json_t **value,
                                          struct error *error);

/* RFC 8785 (JCS) with one restriction: numbers are integers of at most 2^53−1 in magnitude. Members sorted by
 * UTF-16 code units, no white space, shortest escapes. Appends to `out`. ERROR_NOT_CANONICAL for other
 * numbers; ERROR_LIMIT when it is deeper than JSON_DEPTH_MAX or an object has more than JSON_MEMBERS_MAX
 * members (no parsed value is deeper). */
MUST_CHECK enum status json_canonical(const json_t *value, struct buffer *out, struct error *error);

/* For CLEANUP: drops the reference and sets the pointer NULL. */
void json_release(json_t **value);
#define AUTO_JSON __attribute__((cleanup(json_release)))

#endif
