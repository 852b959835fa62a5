/* The daemon's log: one line a message, text or JSON, with time, level and room. The level is a contract:
 * ERROR means the operator must act or layerd has a bug (tests fail on an undeclared one), WARN something odd
 * outside, INFO what the operator would ask about later, DEBUG and TRACE for the developer. Never a secret.
 * Safe from any thread. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>

#include "base/status.h"

enum log_level { LOG_TRACE, LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

struct log_options {
    const char *path;  /* NULL: standard error */
    bool json;         /* JSON lines instead of text */
    const char *levels; /* "info" or "info,api:debug,store:trace": the default, then rooms; NULL: "info" */
};

/* Before this the log goes to standard error at level info. ERROR_INVALID_PARAMS for a bad level,
 * ERROR_STORAGE when the file does not open. */
MUST_CHECK enum status log_open(const struct log_options *options, struct error *error);
MUST_CHECK enum status log_set_levels(const char *levels, struct error *error);
void log_reopen(void); /* after the file was moved away (SIGHUP) */
void log_close(void);
bool log_wants(const char *room, enum log_level level);
int log_descriptor(void); /* for the crash handler: async-signal-safe */

/* Each file defines LOG_ROOM as its room's name before including this header's users. */
void log_message(const char *room, enum log_level level, const char *format, ...) PRINTF_LIKE(3, 4);
#define log_error(...) log_message(LOG_ROOM, LOG_ERROR, __VA_ARGS__)
#define log_warn(...) log_message(LOG_ROOM, LOG_WARN, __VA_ARGS__)
#define log_info(...) log_message(LOG_ROOM, LOG_INFO, __VA_ARGS__)
#define log_debug(...)                                           \
    do {                                                         \
        if (log_wants(LOG_ROOM, LOG_DEBUG))                      \
            log_message(LOG_ROOM, LOG_DEBUG, __VA_ARGS__);       \
    } while (0)
#define log_trace(...)                                           \
    do {                                                         \
        if (log_wants(LOG_ROOM, LOG_TRACE))                      \
            log_message(LOG_ROOM, LOG_TRACE, __VA_ARGS__);       \
    } while (0)

#endif
