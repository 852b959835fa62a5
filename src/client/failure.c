/* What a failed call tells: see failure.h. Also the library's few functions about itself. */
#include "client/failure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "config.h"

const char *layerd_error_name(enum layerd_error error)
{
    return status_name((enum status)error);
}

const char *layerd_error_meaning(enum layerd_error error)
{
    return status_meaning((enum status)error);
}

const char *layerd_version(void)
{
    return PACKAGE_VERSION;
}

void layerd_free(void *memory)
{
    free(memory);
}

/* Fits the text into the field; a character of several bytes is never cut in two. */
static void set_field(char *field, size_t capacity, const char *text)
{
    size_t size = strlen(text);
    if (size >= capacity)
        size = utf8_valid_prefix(text, capacity - 1);
    memcpy(field, text, size);
    field[size] = '\0';
}

enum layerd_error failure_report(struct layerd_failure *failure, enum status status,
                                 const struct error *error)
{
    if (status != OK && failure != NULL) {
        failure->code = (enum layerd_error)status;
        set_field(failure->name, sizeof failure->name, status_name(status));
        set_field(failure->message, sizeof failure->message, error->message);
        set_field(failure->meaning, sizeof failure->meaning, status_meaning(status));
    }
    return (enum layerd_error)status;
}

/* The text of a string member made fit to be printed, or `otherwise`. */
static void read_field(struct slice object, const char *member, const char *otherwise, char *field,
                       size_t capacity)
{
    struct buffer text CLEANUP(buffer_close) = { 0 };
    buffer_init(&text);
    if (!slice_string(slice_member(object, member), &text)) {
        set_field(field, capacity, otherwise);
        return;
    }
    set_field(field, capacity, (const char *)text.data);
    text_make_printable(field, strlen(field));
}

bool failure_read(struct slice object, struct layerd_failure *failure)
{
    int64_t code;
    if (!slice_signed(slice_member(object, "code"), &code) || code == 0 || code < INT32_MIN
        || code > INT32_MAX || !slice_is_string(slice_member(object, "message")))
        return false;
    struct slice data = slice_member(object, "data");
    enum status status = (enum status)code;
    failure->code = (enum layerd_error)code;
    read_field(object, "message", "", failure->message, sizeof failure->message);
    read_field(data, "name", status_name(status), failure->name, sizeof failure->name);
    read_field(data, "meaning", status_meaning(status), failure->meaning, sizeof failure->meaning);
    return true;
}
