/* Subjects are kept and compared as JSON text, as they stand in the event lines: escaping works character
 * by character, so a prefix stays a prefix. */
#include "api/filter.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "kernel/event.h"
#include "store/event_log.h"

#define CATALOGUE_SLOTS 2048 /* a power of two, several times the number of event types */
#define BITS_PER_WORD 64

struct filter {
    uint64_t *types;      /* bit per type of the catalogue; NULL: all types */
    char **globs;         /* for types that are not in the catalogue */
    size_t glob_count;
    bool by_subject;
    struct bytes *exact;  /* sorted by size, then bytes */
    size_t exact_count;
    struct bytes *prefixes;
    size_t prefix_count;
};

/* --- the catalogue by name -------------------------------------------------------------------- */
static int16_t catalogue[CATALOGUE_SLOTS]; /* index + 1; 0: empty */
static pthread_once_t catalogue_once = PTHREAD_ONCE_INIT;

static size_t slot_of(const char *name)
{
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (; *name != '\0'; name++)
        hash = (hash ^ (uint8_t)*name) * 16777619u;
    return hash & (CATALOGUE_SLOTS - 1);
}

static void catalogue_fill(void)
{
    INVARIANT(event_type_count() < CATALOGUE_SLOTS / 2, "%zu event types are too many for the table",
              event_type_count());
    for (size_t i = 0; i < event_type_count(); i++) {
        size_t slot = slot_of(event_type_at(i)->name);
        while (catalogue[slot] != 0)
            slot = (slot + 1) & (CATALOGUE_SLOTS - 1);
        catalogue[slot] = (int16_t)(i + 1);
    }
}

/* Events of one type come in runs. */
int catalogue_index(const char *type)
{
    static _Thread_local int last = -1;

    if (last >= 0 && strcmp(event_type_at((size_t)last)->name, type) == 0)
        return last;
    pthread_once(&catalogue_once, catalogue_fill);
    for (size_t slot = slot_of(type); catalogue[slot] != 0; slot = (slot + 1) & (CATALOGUE_SLOTS - 1))
        if (strcmp(event_type_at((size_t)catalogue[slot] - 1)->name, type) == 0)
            return last = catalogue[slot] - 1;
    return -1;
}

/* --- types ------------------------------------------------------------------------------------ */
bool glob_matches(const char *pattern, const char *text)
{
    const char *star = NULL, *resume = NULL; /* the newest '*', and where its run ends so far */
    while (*text != '\0') {
        if (*pattern == '*') {
            star = pattern++;
            resume = text;
        } else if (*pattern == *text) {
            pattern++;
            text++;
        } else if (star != NULL) {
            pattern = star + 1;
            text = ++resume;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == '\0';
}

static enum status add_glob(struct filter *filter, const json_t *value, struct error *error)
{
    if (!json_is_string(value) || json_string_length(value) == 0
        || json_string_length(value) > EVENT_TYPE_MAX)
        return error_set(error, ERROR_INVALID_PARAMS, "\"types\" holds names of 1 to %d bytes",
                         EVENT_TYPE_MAX);
    const char *glob = json_string_value(value);
    bool some = false;
    for (size_t i = 0; i < event_type_count(); i++) {
        if (!glob_matches(glob, event_type_at(i)->name))
            continue;
        filter->types[i / BITS_PER_WORD] |= (uint64_t)1 << (i % BITS_PER_WORD);
        some = true;
    }
    if (!some)
        return error_set(error, ERROR_INVALID_PARAMS, "no event type matches \"%s\"; 'hello' lists them",
                         glob);
    filter->globs[filter->glob_count++] = text_copy(glob);
    return OK;
}

static enum status compile_types(struct filter *filter, const json_t *types, struct error *error)
{
    size_t count = json_array_size(types);
    if (!json_is_array(types) || count == 0 || count > FILTER_TYPES_MAX)
        return error_set(error, ERROR_INVALID_PARAMS, "\"types\" is an array of 1 to %d strings",
                         FILTER_TYPES_MAX);
    filter->types = memory_array(event_type_count() / BITS_PER_WORD + 1, sizeof *filter->types);
    filter->globs = memory_array(count, sizeof *filter->globs);
    for (size_t i = 0; i < count; i++)
        TRY(add_glob(filter, json_array_get(types, i), error));
    return OK;
}

/* --- subjects --------------------------------------------------------------------------------- */
/* As event_line writes a subject: control characters as \u00XX, quotes and backslashes behind a backslash. */
static void append_escaped(struct buffer *out, const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if ((uint8_t)text[i] < 0x20) {
            buffer_append_text(out, "\\u00");
            buffer_append_hex(out, text + i, 1);
        } else {
            if (text[i] == '"' || text[i] == '\\')
                buffer_append(out, "\\", 1);
            buffer_append(out, text + i, 1);
        }
    }
}

static struct bytes escaped(const char *text, size_t size)
{
    struct buffer json = { 0 }; /* its memory is the result's */
    append_escaped(&json, text, size);
    return buffer_bytes(&json);
}

static int compare_bytes(const void *a, const void *b)
{
    const struct bytes *left = a, *right = b;
    if (left->size != right->size)
        return left->size < right->size ? -1 : 1;
    return left->size == 0 ? 0 : memcmp(left->data, right->data, left->size);
}

static enum status add_subject(struct filter *filter, const json_t *value, struct error *error)
{
    if (!json_is_string(value) || json_string_length(value) == 0
        || json_string_length(value) > EVENT_SUBJECT_MAX)
        return error_set(error, ERROR_INVALID_PARAMS, "\"subjects\" holds texts of 1 to %d bytes",
                         EVENT_SUBJECT_MAX);
    const char *text = json_string_value(value), *star = strchr(text, '*');
    size_t size = json_string_length(value);
    if (star == NULL)
        filter->exact[filter->exact_count++] = escaped(text, size);
    else if (star[1] == '\0')
        filter->prefixes[filter->prefix_count++] = escaped(text, size - 1);
    else
        return error_set(error, ERROR_INVALID_PARAMS,
                         "\"%s\": in a subject '*' may stand at the end only", text);
    return OK;
}

static enum status compile_subjects(struct filter *filter, const json_t *subjects, struct error *error)
{
    size_t count = json_array_size(subjects);
    if (!json_is_array(subjects) || count == 0 || count > FILTER_SUBJECTS_MAX)
        return error_set(error, ERROR_INVALID_PARAMS, "\"subjects\" is an array of 1 to %d strings",
                         FILTER_SUBJECTS_MAX);
    filter->by_subject = true;
    filter->exact = memory_array(count, sizeof *filter->exact);
    filter->prefixes = memory_array(count, sizeof *filter->prefixes);
    for (size_t i = 0; i < count; i++)
        TRY(add_subject(filter, json_array_get(subjects, i), error));
    qsort(filter->exact, filter->exact_count, sizeof *filter->exact, compare_bytes);
    return OK;
}

static bool subject_wanted(const struct filter *filter, struct bytes subject)
{
    if (subject.size == 0)
        return false;
    if (filter->exact_count > 0
        && bsearch(&subject, filter->exact, filter->exact_count, sizeof *filter->exact, compare_bytes)
               != NULL)
        return true;
    for (size_t i = 0; i < filter->prefix_count; i++)
        if (filter->prefixes[i].size <= subject.size
            && memcmp(filter->prefixes[i].data, subject.data, filter->prefixes[i].size) == 0)
            return true;
    return false;
}

struct bytes filter_subject(const char *subject, struct buffer *scratch)
{
    if (subject == NULL)
        return (struct bytes){ 0 };
    size_t size = 0;
    while ((uint8_t)subject[size] >= 0x20 && subject[size] != '"' && subject[size] != '\\')
        size++;
    if (subject[size] == '\0')
        return bytes_of(subject, size);
    buffer_clear(scratch);
    append_escaped(scratch, subject, strlen(subject));
    return buffer_bytes(scratch);
}

/* --- the filter ------------------------------------------------------------------------------- */
enum status filter_compile(const json_t *types, const json_t *subjects, struct filter **filter,
                           struct error *error)
{
    if (types == NULL && subjects == NULL) {
        *filter = NULL;
        return OK;
    }
    struct filter *f = memory_new(sizeof *f);
    enum status status = types == NULL ? OK : compile_types(f, types, error);
    if (status == OK && subjects != NULL)
        status = compile_subjects(f, subjects, error);
    if (status != OK) {
        filter_free(f);
        return status;
    }
    *filter = f;
    return OK;
}

void filter_free(struct filter *filter)
{
    if (filter == NULL)
        return;
    for (size_t i = 0; i < filter->glob_count; i++)
        free(filter->globs[i]);
    for (size_t i = 0; i < filter->exact_count; i++)
        free((void *)filter->exact[i].data);
    for (size_t i = 0; i < filter->prefix_count; i++)
        free((void *)filter->prefixes[i].data);
    free(filter->globs);
    free(filter->exact);
    free(filter->prefixes);
    free(filter->types);
    free(filter);
}

bool filter_matches(const struct filter *filter, int type, struct bytes subject)
{
    if (filter->types != NULL
        && (filter->types[(size_t)type / BITS_PER_WORD] >> ((size_t)type % BITS_PER_WORD) & 1) == 0)
        return false;
    return !filter->by_subject || subject_wanted(filter, subject);
}

bool filter_matches_name(const struct filter *filter, const char *type, struct bytes subject)
{
    bool wanted = filter->types == NULL;
    for (size_t i = 0; i < filter->glob_count && !wanted; i++)
        wanted = glob_matches(filter->globs[i], type);
    return wanted && (!filter->by_subject || subject_wanted(filter, subject));
}
