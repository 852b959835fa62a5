/* Every getter registers the name it asks for; what the object has beyond these is unknown. */
#include "api/fields.h"

#include <inttypes.h>
#include <string.h>

void fields_begin(struct fields *f, const json_t *object, const char *where, struct error *error)
{
    *f = (struct fields){ .object = object, .where = where, .error = error };
}

const json_t *fields_any(struct fields *f, const char *name)
{
    INVARIANT(f->known_count < FIELDS_MAX, "more than %d fields", FIELDS_MAX);
    f->known[f->known_count++] = name;
    const json_t *value = f->object == NULL ? NULL : json_object_get(f->object, name);
    f->found += value != NULL;
    return value;
}

void fields_refuse(struct fields *f, const char *name, const char *expected)
{
    if (f->status == OK)
        f->status = error_set(f->error, ERROR_INVALID_PARAMS, "\"%s\" in %s: expected %s", name, f->where,
                              expected);
}

/* The value when it is there and of this type. */
static const json_t *typed(struct fields *f, const char *name, bool required, json_type type,
                           const char *expected)
{
    const json_t *value = fields_any(f, name);
    if (value == NULL) {
        if (required && f->status == OK)
            f->status = error_set(f->error, ERROR_INVALID_PARAMS, "%s needs \"%s\", %s", f->where, name,
                                  expected);
        return NULL;
    }
    if (json_typeof(value) == type)
        return value;
    fields_refuse(f, name, expected);
    return NULL;
}

bool fields_unsigned(struct fields *f, const char *name, bool required, uint64_t least, uint64_t most,
                     uint64_t *value)
{
    const json_t *found = typed(f, name, required, JSON_INTEGER, "an integer");
    if (found == NULL)
        return false;
    json_int_t number = json_integer_value(found);
    if (number < 0 || (uint64_t)number < least || (uint64_t)number > most) {
        if (f->status == OK)
            f->status =
                error_set(f->error, ERROR_INVALID_PARAMS,
                          "\"%s\" in %s is %" JSON_INTEGER_FORMAT "; expected %" PRIu64 " to %" PRIu64,
                          name, f->where, number, least, most);
        return false;
    }
    *value = (uint64_t)number;
    return true;
}

bool fields_text(struct fields *f, const char *name, bool required, size_t most, const char **text)
{
    const json_t *found = typed(f, name, required, JSON_STRING, "a string");
    if (found == NULL)
        return false;
    if (json_string_length(found) == 0 || json_string_length(found) > most) {
        if (f->status == OK)
            f->status =
                error_set(f->error, ERROR_INVALID_PARAMS, "\"%s\" in %s has %zu bytes; expected 1 to %zu",
                          name, f->where, json_string_length(found), most);
        return false;
    }
    *text = json_string_value(found);
    return true;
}

bool fields_hash(struct fields *f, const char *name, struct hash *hash)
{
    const char *text;
    if (!fields_text(f, name, false, 2 * sizeof hash->bytes, &text))
        return false;
    if (hex_decode(hash->bytes, sizeof hash->bytes, text, strlen(text)))
        return true;
    fields_refuse(f, name, "64 hex digits");
    return false;
}

bool fields_choice(struct fields *f, const char *name, const char *const *choices, int *choice)
{
    const json_t *found = typed(f, name, false, JSON_STRING, "a string");
    if (found == NULL)
        return false;
    for (int i = 0; choices[i] != NULL; i++) {
        if (strcmp(choices[i], json_string_value(found)) == 0) {
            *choice = i;
            return true;
        }
    }
    char list[128] = "one of";
    for (int i = 0; choices[i] != NULL; i++) {
        strncat(list, " ", sizeof list - strlen(list) - 1);
        strncat(list, choices[i], sizeof list - strlen(list) - 1);
    }
    fields_refuse(f, name, list);
    return false;
}

static bool is_known(const struct fields *f, const char *name)
{
    for (size_t i = 0; i < f->known_count; i++)
        if (strcmp(f->known[i], name) == 0)
            return true;
    return false;
}

enum status fields_end(struct fields *f)
{
    if (f->status != OK || f->object == NULL || f->found == json_object_size(f->object))
        return f->status;
    json_t *object = (json_t *)f->object; /* jansson's iteration takes no const, but changes nothing */
    for (void *at = json_object_iter(object); at != NULL; at = json_object_iter_next(object, at))
        if (!is_known(f, json_object_iter_key(at)))
            return error_set(f->error, ERROR_INVALID_PARAMS, "%s takes no \"%.64s\"", f->where,
                             json_object_iter_key(at));
    return OK;
}
