/* What a call can answer: OK, or one of the errors of include/layerd/errors.def, with a message.
 *
 * A function that can fail returns enum status and fills a struct error: a stable code, and a message that
 * holds the value that was wrong and what was expected. A failed call leaves its other outputs untouched.
 * Three kinds of failure never mix: an ordinary "no" (returned here), a broken invariant (INVARIANT, ends the
 * process), and memory running out (ends the process; the database is always consistent). */
#ifndef BASE_STATUS_H
#define BASE_STATUS_H

#include <stdbool.h>
#include <stddef.h>

enum status {
    OK = 0,
#define ERROR(name, code, text) ERROR_##name = (code),
#include "layerd/errors.def"
#undef ERROR
};

#define ERROR_MESSAGE_MAX 512

struct error {
    enum status code;                /* OK until filled */
    char message[ERROR_MESSAGE_MAX]; /* one line of UTF-8 without a final full stop; never holds a secret */
};

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(position, first) __attribute__((format(printf, position, first)))

/* Leaves the enclosing function with the status of `call` unless it is OK. */
#define TRY(call)                        \
    do {                                 \
        enum status try_status = (call); \
        if (try_status != OK)            \
            return try_status;           \
    } while (0)

/* Fills `error` (which may be NULL) and returns `code`, so that a refusal is one line:
 *     return error_set(error, ERROR_NOT_FOUND, "no block %d; the newest is %d", asked, head); */
enum status error_set(struct error *error, enum status code, const char *format, ...) PRINTF_LIKE(3, 4);

/* The lower-case stable name of a code ("insufficient_balance") and its one-sentence meaning. "ok" for OK. */
const char *status_name(enum status status);
const char *status_meaning(enum status status);

/* Walks all codes in the order of errors.def: index 0 … status_count()-1. */
size_t status_count(void);
enum status status_at(size_t index);

/* What must always hold. When it does not, the process says where and aborts: going on could only spread the
 * damage. */
#define INVARIANT(condition, ...)                                                    \
    do {                                                                             \
        if (__builtin_expect(!(condition), 0))                                       \
            invariant_broken(__FILE__, __LINE__, #condition, __VA_ARGS__);           \
    } while (0)
_Noreturn void invariant_broken(const char *file, int line, const char *condition, const char *format, ...)
    PRINTF_LIKE(4, 5);

#endif
