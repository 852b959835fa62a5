/* The log. A line is formatted on the caller's stack and leaves in one write(2), so lines of different
 * threads never mix and nothing is lost in a buffer when the process dies. Reopening puts the new file under
 * the same descriptor number, so writers need no lock. Only a question about a room's own level takes one. */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/memory.h"

#define LOG_ROOM "base"
#define LOG_MESSAGE_MAX 4096 /* bytes of one message; longer ones end in LOG_CUT */
#define LOG_CUT "…"
#define LOG_ESCAPE_MAX 6
#define LOG_LINE_MAX (LOG_ESCAPE_MAX * LOG_MESSAGE_MAX + 256) /* every byte escaped, and what stands before */
#define LOG_ROOMS_MAX 32
#define LOG_ROOM_NAME_MAX 32 /* with the final zero */
#define LOG_FILE_MODE 0640

static const char *const level_names[] = { "trace", "debug", "info", "warn", "error" };
#define LEVEL_COUNT (sizeof level_names / sizeof level_names[0])

struct levels {
    enum log_level standard;
    size_t count;
    struct {
        char name[LOG_ROOM_NAME_MAX];
        enum log_level level;
    } room[LOG_ROOMS_MAX];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards levels and path */
static struct levels levels = { .standard = LOG_INFO };
static char *path;

/* From the lowest to the highest level that any room has: outside it the answer needs no lock. */
static atomic_int level_lowest = LOG_INFO, level_highest = LOG_INFO;
static atomic_int descriptor = STDERR_FILENO;
static atomic_bool as_json;

static bool level_parse(const char *name, size_t length, enum log_level *level)
{
    for (size_t i = 0; i < LEVEL_COUNT; i++) {
        if (strlen(level_names[i]) == length && memcmp(level_names[i], name, length) == 0) {
            *level = (enum log_level)i;
            return true;
        }
    }
    return false;
}

static bool room_name_fits(const char *name, size_t length)
{
    if (length == 0 || length >= LOG_ROOM_NAME_MAX)
        return false;
    for (size_t i = 0; i < length; i++) {
        char c = name[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '/'))
            return false;
    }
    return true;
}

/* One item of "info,api:debug": a level alone may stand first only. */
static enum status parse_item(struct levels *parsed, const char *item, size_t length, bool first,
                              struct error *error)
{
    const char *colon = memchr(item, ':', length);
    const char *level_name = colon == NULL ? item : colon + 1;
    enum log_level level;
    if (!level_parse(level_name, length - (size_t)(level_name - item), &level))
        return error_set(error, ERROR_INVALID_PARAMS,
                         "log level '%.*s': expected trace, debug, info, warn or error, as in "
                         "\"info,api:debug\"",
                         (int)length, item);
    if (colon == NULL) {
        if (!first)
            return error_set(error, ERROR_INVALID_PARAMS,
                             "log level '%.*s': only the first may stand without a room", (int)length, item);
        parsed->standard = level;
        return OK;
    }

    size_t name_length = (size_t)(colon - item);
    if (!room_name_fits(item, name_length))
        return error_set(error, ERROR_INVALID_PARAMS, "log level '%.*s': no room has such a name",
                         (int)length, item);
    if (parsed->count == LOG_ROOMS_MAX)
        return error_set(error, ERROR_INVALID_PARAMS, "log levels for more than %d rooms", LOG_ROOMS_MAX);
    char name[LOG_ROOM_NAME_MAX] = { 0 };
    memcpy(name, item, name_length);
    for (size_t i = 0; i < parsed->count; i++)
        if (strcmp(parsed->room[i].name, name) == 0)
            return error_set(error, ERROR_INVALID_PARAMS, "log level '%.*s': the room is named twice",
                             (int)length, item);
    memcpy(parsed->room[parsed->count].name, name, sizeof name);
    parsed->room[parsed->count++].level = level;
    return OK;
}

static enum status parse_levels(const char *text, struct levels *parsed, struct error *error)
{
    const char *item = text;
    for (;;) {
        const char *end = strchrnul(item, ',');
        TRY(parse_item(parsed, item, (size_t)(end - item), item == text, error));
        if (*end == '\0')
            return OK;
        item = end + 1;
    }
}

static void levels_install(const struct levels *wanted)
{
    int lowest = wanted->standard, highest = wanted->standard;
    for (size_t i = 0; i < wanted->count; i++) {
        int level = wanted->room[i].level;
        lowest = level < lowest ? level : lowest;
        highest = level > highest ? level : highest;
    }
    pthread_mutex_lock(&lock);
    levels = *wanted;
    atomic_store(&level_lowest, lowest);
    atomic_store(&level_highest, highest);
    pthread_mutex_unlock(&lock);
}

enum status log_set_levels(const char *text, struct error *error)
{
    struct levels parsed = { .standard = LOG_INFO };
    TRY(parse_levels(text, &parsed, error));
    levels_install(&parsed);
    return OK;
}

bool log_wants(const char *room, enum log_level level)
{
    if ((int)level < atomic_load_explicit(&level_lowest, memory_order_relaxed))
        return false;
    if ((int)level >= atomic_load_explicit(&level_highest, memory_order_relaxed))
        return true;
    pthread_mutex_lock(&lock);
    enum log_level least = levels.standard;
    for (size_t i = 0; i < levels.count; i++)
        if (strcmp(levels.room[i].name, room) == 0)
            least = levels.room[i].level;
    pthread_mutex_unlock(&lock);
    return level >= least;
}

int log_descriptor(void)
{
    return atomic_load(&descriptor);
}

static int open_file(const char *file)
{
    return open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, LOG_FILE_MODE);
}

enum status log_open(const struct log_options *options, struct error *error)
{
    struct levels parsed = { .standard = LOG_INFO };
    if (options->levels != NULL)
        TRY(parse_levels(options->levels, &parsed, error));

    int opened = STDERR_FILENO;
    if (options->path != NULL) {
        opened = open_file(options->path);
        if (opened < 0)
            return error_set(error, ERROR_STORAGE, "the log '%s' does not open: %s", options->path,
                             strerror(errno));
    }
    log_close();
    levels_install(&parsed);
    pthread_mutex_lock(&lock);
    path = text_copy(options->path);
    pthread_mutex_unlock(&lock);
    atomic_store(&as_json, options->json);
    atomic_store(&descriptor, opened);
    return OK;
}

void log_reopen(void)
{
    int failure = 0;
    pthread_mutex_lock(&lock);
    if (path != NULL) {
        int opened = open_file(path);
        if (opened < 0 || dup3(opened, log_descriptor(), O_CLOEXEC) < 0)
            failure = errno;
        if (opened >= 0)
            close(opened);
    }
    pthread_mutex_unlock(&lock);
    if (failure != 0)
        log_error("the log does not open again, the old file stays in use: %s", strerror(failure));
}

void log_close(void)
{
    pthread_mutex_lock(&lock);
    int old = atomic_exchange(&descriptor, STDERR_FILENO);
    if (old != STDERR_FILENO)
        close(old);
    memory_free_pointer(&path);
    pthread_mutex_unlock(&lock);
    atomic_store(&as_json, false);
    levels_install(&(struct levels){ .standard = LOG_INFO });
}

static bool is_control(char character)
{
    return (unsigned char)character < 0x20 || character == 0x7f;
}

/* Copies with control characters as escapes (and in JSON, quotes and backslashes too): one message stays one
 * line. */
static char *append_escaped(char *at, const char *text, bool json)
{
    for (; *text != '\0'; text++) {
        if (*text == '\n') {
            memcpy(at, "\\n", 2);
            at += 2;
        } else if (is_control(*text)) {
            memcpy(at, "\\u00", 4);
            hex_encode(at + 4, text, 1);
            at += LOG_ESCAPE_MAX;
        } else {
            if (json && (*text == '"' || *text == '\\'))
                *at++ = '\\';
            *at++ = *text;
        }
    }
    return at;
}

static void write_line(const char *line, size_t size)
{
    ssize_t written;
    do
        written = write(log_descriptor(), line, size);
    while (written < 0 && errno == EINTR);
    /* A log that cannot be written has nobody to tell. */
}

/* Fills `message`; cuts it at a character's boundary when it is too long. */
static void PRINTF_LIKE(2, 0)
format_message(char message[LOG_MESSAGE_MAX], const char *format, va_list arguments)
{
    int length = vsnprintf(message, LOG_MESSAGE_MAX, format, arguments);
    if (length < 0) {
        message[0] = '\0';
    } else if (length >= LOG_MESSAGE_MAX) {
        size_t kept = utf8_valid_prefix(message, LOG_MESSAGE_MAX - sizeof LOG_CUT);
        memcpy(message + kept, LOG_CUT, sizeof LOG_CUT);
    }
    for (size_t at = 0, size = strlen(message);;) {
        at += utf8_valid_prefix(message + at, size - at);
        if (at == size)
            return;
        message[at++] = '?';
    }
}

void log_message(const char *room, enum log_level level, const char *format, ...)
{
    if (!log_wants(room, level))
        return;
    int saved = errno; /* logging must not disturb what the caller is about to report */
    char message[LOG_MESSAGE_MAX], line[LOG_LINE_MAX], time[TIME_TEXT_MAX];
    va_list arguments;
    va_start(arguments, format);
    format_message(message, format, arguments);
    va_end(arguments);
    time_text(time, clock_wall_us());

    bool json = atomic_load_explicit(&as_json, memory_order_relaxed);
    int head = snprintf(line, sizeof line - sizeof message,
                        json ? "{\"time\":\"%s\",\"level\":\"%s\",\"room\":\"%.64s\",\"message\":\""
                             : "%s %-5s %.64s: ",
                        time, level_names[level], room);
    char *at = append_escaped(line + head, message, json);
    if (json) {
        *at++ = '"';
        *at++ = '}';
    }
    *at++ = '\n';
    write_line(line, (size_t)(at - line));
    errno = saved;
}
