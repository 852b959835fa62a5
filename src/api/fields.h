/* Reading the members of a params object one by one: each has its type and range, none may be left over.
 * The first thing that is wrong is what fields_end tells. Pure. */
#ifndef API_FIELDS_H
#define API_FIELDS_H

#include "base/bytes.h"
#include "base/json.h"

#define FIELDS_MAX 24 /* members that one method knows */

struct fields {
    const json_t *object; /* NULL: no params */
    const char *where;    /* what the object is, for messages: "params", "from" */
    const char *known[FIELDS_MAX];
    size_t known_count, found;
    struct error *error;
    enum status status;
};

void fields_begin(struct fields *fields, const json_t *object, const char *where, struct error *error);
/* ERROR_INVALID_PARAMS when a field was wrong, or the object has a member that nobody asked for. */
MUST_CHECK enum status fields_end(struct fields *fields);

/* Each returns true when the member is there and right. `required` makes its absence an error. */
bool fields_unsigned(struct fields *fields, const char *name, bool required, uint64_t least, uint64_t most,
                     uint64_t *value);
bool fields_text(struct fields *fields, const char *name, bool required, size_t most, const char **text);
bool fields_hash(struct fields *fields, const char *name, struct hash *hash);
/* One of the texts, which end with NULL; its place. */
bool fields_choice(struct fields *fields, const char *name, const char *const *choices, int *choice);
/* Any value: NULL when absent. */
const json_t *fields_any(struct fields *fields, const char *name);
/* Says what is wrong with a value from fields_any. */
void fields_refuse(struct fields *fields, const char *name, const char *expected);

#endif
