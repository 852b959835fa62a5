/* Which events a subscriber wants: types by glob, subjects by name or prefix. Compiled once against the
 * catalogue of event types, so that the test for one event is a bit and, when subjects are given, a look
 * into a sorted table. Pure. */
#ifndef API_FILTER_H
#define API_FILTER_H

#include "api/fields.h"
#include "base/buffer.h"

#define FILTER_TYPES_MAX 64     /* globs */
#define FILTER_SUBJECTS_MAX 1024

struct filter;

/* `types` and `subjects` are arrays of strings or NULL (all). *filter becomes NULL when everything is
 * wanted. In a type '*' stands for any run of characters; in a subject it may stand at the end.
 * ERROR_INVALID_PARAMS also for a type that no event has: it is a mistake that would wait for ever. */
MUST_CHECK enum status filter_compile(const json_t *types, const json_t *subjects, struct filter **filter,
                                      struct error *error);
void filter_free(struct filter *filter); /* NULL is fine */

/* `type` is the event's place in the catalogue. `subject` is its JSON text without the quotes; size 0: it
 * has none. */
bool filter_matches(const struct filter *filter, int type, struct bytes subject);
/* The same for a type that the catalogue does not have (an event of another version of layerd). */
bool filter_matches_name(const struct filter *filter, const char *type, struct bytes subject);

/* The subject as filter_matches takes it; borrowed from `subject`, or written to `scratch` when it has
 * escapes. */
struct bytes filter_subject(const char *subject, struct buffer *scratch);

/* Whether `pattern` ('*' for any run) covers the whole text. */
bool glob_matches(const char *pattern, const char *text);

/* Place of a type in the catalogue, −1 for none: event_type_index, found by hash. */
int catalogue_index(const char *type);

#endif
