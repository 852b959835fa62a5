/* The table of errors, how an error is filled, and what happens when an invariant is broken.
 *
 * Error messages go to clients as JSON and to the log as one line, whatever was in the values that they
 * quote. So every message is made valid UTF-8 without control characters here, once. */
#include "base/status.h"

#include <ctype.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/log.h"

#define LOG_ROOM "base"
#define STATUS_NAME_MAX 40

static const struct {
    enum status status;
    const char *name, *meaning;
} table[] = {
#define ERROR(name, code, text) { ERROR_##name, #name, text },
#include "layerd/errors.def"
#undef ERROR
};

#define STATUS_COUNT (sizeof table / sizeof table[0])

static char lower_names[STATUS_COUNT][STATUS_NAME_MAX];
static pthread_once_t lower_names_once = PTHREAD_ONCE_INIT;

static void fill_lower_names(void)
{
    for (size_t i = 0; i < STATUS_COUNT; i++) {
        size_t length = strlen(table[i].name);
        INVARIANT(length < STATUS_NAME_MAX, "the error name %s is too long", table[i].name);
        for (size_t k = 0; k < length; k++)
            lower_names[i][k] = (char)tolower((unsigned char)table[i].name[k]);
    }
}

enum status error_set(struct error *error, enum status code, const char *format, ...)
{
    if (error == NULL)
        return code;

    /* Through a second buffer: a caller may wrap the message that stands in `error` already. */
    char message[ERROR_MESSAGE_MAX];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    if (length < 0)
        message[0] = '\0';

    text_make_printable(message, strlen(message));
    memcpy(error->message, message, strlen(message) + 1);
    error->code = code;
    return code;
}

static size_t status_index(enum status status)
{
    size_t i = 0;
    while (i < STATUS_COUNT && table[i].status != status)
        i++;
    return i;
}

const char *status_name(enum status status)
{
    if (status == OK)
        return "ok";
    pthread_once(&lower_names_once, fill_lower_names);
    size_t i = status_index(status);
    return i < STATUS_COUNT ? lower_names[i] : "unknown";
}

const char *status_meaning(enum status status)
{
    if (status == OK)
        return "The call succeeded.";
    size_t i = status_index(status);
    return i < STATUS_COUNT ? table[i].meaning : "An error that this version does not know.";
}

size_t status_count(void)
{
    return STATUS_COUNT;
}

enum status status_at(size_t index)
{
    INVARIANT(index < STATUS_COUNT, "there are %zu errors, not %zu", (size_t)STATUS_COUNT, index + 1);
    return table[index].status;
}

void invariant_broken(const char *file, int line, const char *condition, const char *format, ...)
{
    char detail[ERROR_MESSAGE_MAX];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(detail, sizeof detail, format, arguments);
    va_end(arguments);
    if (length < 0)
        detail[0] = '\0';
    log_error("invariant broken at %s:%d: %s: %s", file, line, condition, detail);
    abort();
}
