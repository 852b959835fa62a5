/* Gathers the settings from their sources and checks what concerns several of them at once. */
#include "node/config.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "node/log_levels.h"
#include "node/setting.h"

#define ENVIRONMENT_PREFIX "LAYER2_"
#define ORIGIN_DEFAULT "default"
#define WORKERS_DEFAULT_LEAST 4 /* so that a few long queries leave room for others */
#define WORKERS_MAX 256

/* What the parts take, measured and rounded up: see contrib/bench, "memory". */
#define PROCESS_BYTES ((uint64_t)20 << 20)
#define WORKER_BYTES ((uint64_t)512 << 10)    /* a worker's touched stack and scratch */
#define QUEUED_COMMAND_BYTES ((uint64_t)1600) /* a waiting command of the usual size */
#define CONNECTION_BYTES ((uint64_t)8 << 10)  /* buffers of one connection to each socket, at rest */
#define REPLIES_PART 8                        /* of memory-limit */
#define QUEUE_LEAST ((uint64_t)1000) /* defaults are not lowered beyond these */
#define CONNECTIONS_LEAST ((uint64_t)64)
#define RING_LEAST ((uint64_t)1 << 20)
#define CACHE_LEAST ((uint64_t)8 << 20)     /* SQLite cannot work in less */

/* --- paths ---------------------------------------------------------------------------------------------- */
static char *home_path(void)
{
    const char *home = getenv("HOME");
    struct passwd *entry;

    if (home != NULL && home[0] == '/')
        return text_copy(home);
    entry = getpwuid(geteuid());
    return text_copy(entry != NULL && entry->pw_dir != NULL ? entry->pw_dir : "/");
}

char *config_path(const char *text)
{
    char *base AUTO_FREE = NULL;

    if (text[0] == '/')
        return text_copy(text);
    if (strcmp(text, "~") == 0)
        return home_path();
    if (strncmp(text, "~/", 2) == 0) {
        base = home_path();
        return text_format("%s/%s", base, text + 2);
    }
    base = getcwd(NULL, 0);
    return text_format("%s/%s", base == NULL ? "" : base, text);
}

/* --- one assignment ------------------------------------------------------------------------------------- */
static void set_origin(struct config *config, const struct setting *setting, const char *origin)
{
    char **slot = &config->origins[setting - settings];

    free(*slot);
    *slot = text_copy(origin);
}

static enum status assign(struct config *config, const struct setting *setting, const char *value,
                          const char *origin, struct error *error)
{
    struct error reason = { .code = OK };

    if (setting_parse(setting, value, config, &reason) != OK)
        return error_set(error, ERROR_INVALID_PARAMS, "%s: %s", origin, reason.message);
    set_origin(config, setting, origin);
    return OK;
}

static enum status unknown(const char *origin, const char *what, const char *name, size_t length,
                           const char *meant, struct error *error)
{
    int shown = length > 80 ? 80 : (int)length;

    if (meant != NULL)
        return error_set(error, ERROR_INVALID_PARAMS, "%s: there is no %s '%.*s'; did you mean '%s'?", origin,
                         what, shown, name, meant);
    return error_set(error, ERROR_INVALID_PARAMS, "%s: there is no %s '%.*s'; 'layerd --help' lists them",
                     origin, what, shown, name);
}

/* --- sources -------------------------------------------------------------------------------------------- */
enum status config_apply_defaults(struct config *config, struct error *error)
{
    memset(config, 0, sizeof *config);
    for (size_t i = 0; i < settings_count; i++)
        TRY(assign(config, &settings[i], settings[i].fallback, ORIGIN_DEFAULT, error));
    return OK;
}

/* The part of a line before a comment: '#' at its start or behind a blank. */
static size_t without_comment(const char *line, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (line[i] == '#' && (i == 0 || line[i - 1] == ' ' || line[i - 1] == '\t'))
            return i;
    return size;
}

static void trim(const char **text, size_t *size)
{
    while (*size > 0 && isspace((unsigned char)(*text)[0])) {
        (*text)++;
        (*size)--;
    }
    while (*size > 0 && isspace((unsigned char)(*text)[*size - 1]))
        (*size)--;
}

static enum status apply_line(struct config *config, const char *line, size_t size, const char *origin,
                              bool *seen, struct error *error)
{
    const char *equals, *name = line, *value;
    size_t name_size, value_size;
    char *value_text AUTO_FREE = NULL;

    size = without_comment(line, size);
    trim(&line, &size);
    if (size == 0)
        return OK;
    equals = memchr(line, '=', size);
    if (equals == NULL)
        return error_set(error, ERROR_INVALID_PARAMS, "%s: expected 'name = value', found '%.*s'", origin,
                         size > 80 ? 80 : (int)size, line);
    name = line;
    name_size = (size_t)(equals - line);
    value = equals + 1;
    value_size = size - name_size - 1;
    trim(&name, &name_size);
    trim(&value, &value_size);

    const struct setting *setting = setting_find(name, name_size);
    if (setting == NULL)
        return unknown(origin, "setting", name, name_size, setting_suggestion(name, name_size), error);
    if (seen[setting - settings])
        return error_set(error, ERROR_INVALID_PARAMS, "%s: %s is set a second time", origin, setting->name);
    seen[setting - settings] = true;
    value_text = text_copy_sized(value, value_size);
    return assign(config, setting, value_text, origin, error);
}

enum status config_apply_text(struct config *config, const char *text, size_t size, const char *name,
                              struct error *error)
{
    bool seen[SETTINGS_MAX] = { false };
    unsigned line = 0;

    if (size > CONFIG_FILE_MAX)
        return error_set(error, ERROR_INVALID_PARAMS, "%s: larger than %d bytes", name, CONFIG_FILE_MAX);
    if (memchr(text, '\0', size) != NULL || utf8_valid_prefix(text, size) != size)
        return error_set(error, ERROR_INVALID_PARAMS, "%s: not a text file (UTF-8)", name);
    while (size > 0) {
        const char *newline = memchr(text, '\n', size);
        size_t length = newline == NULL ? size : (size_t)(newline - text);
        char *origin AUTO_FREE = text_format("%s:%u", name, ++line);

        TRY(apply_line(config, text, length, origin, seen, error));
        length += newline != NULL;
        text += length;
        size -= length;
    }
    return OK;
}

static enum status read_file(const char *path, struct buffer *out, struct error *error)
{
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat facts;
    ssize_t got;

    if (file < 0)
        return error_set(error, errno == ENOENT ? ERROR_NOT_FOUND : ERROR_STORAGE, "%s: %s", path,
                         strerror(errno));
    if (fstat(file, &facts) != 0 || !S_ISREG(facts.st_mode)) {
        close(file);
        return error_set(error, ERROR_STORAGE, "%s: not a regular file", path);
    }
    do {
        got = read(file, buffer_reserve(out, 4096), 4096);
        if (got > 0)
            out->size += (size_t)got;
    } while ((got > 0 || (got < 0 && errno == EINTR)) && out->size <= CONFIG_FILE_MAX);
    close(file);
    if (got < 0)
        return error_set(error, ERROR_STORAGE, "%s: %s", path, strerror(errno));
    return OK;
}

static enum status apply_file(struct config *config, const char *named, struct error *error)
{
    char *path AUTO_FREE = config_path(named != NULL ? named : "~/.layerd/layerd.conf");
    struct buffer text CLEANUP(buffer_close) = { 0 };
    enum status status;

    buffer_init(&text);
    status = read_file(path, &text, error);
    if (status == ERROR_NOT_FOUND && named == NULL)
        return OK;
    TRY(status);
    return config_apply_text(config, buffer_text(&text), text.size, path, error);
}

static enum status apply_variable(struct config *config, const char *variable, struct error *error)
{
    const char *equals = strchr(variable, '=');
    size_t length = equals == NULL ? strlen(variable) : (size_t)(equals - variable);
    char *origin AUTO_FREE = NULL;

    if (equals == NULL || strncmp(variable, ENVIRONMENT_PREFIX, strlen(ENVIRONMENT_PREFIX)) != 0)
        return OK;
    for (size_t i = 0; i < settings_count; i++) {
        const char *name = settings[i].environment;
        if (name == NULL || strlen(name) != length || memcmp(name, variable, length) != 0)
            continue;
        if (equals[1] == '\0')
            return OK; /* set to nothing is as good as not set */
        origin = text_format("environment %s", name);
        return assign(config, &settings[i], equals + 1, origin, error);
    }
    return unknown("environment", "variable", variable, length, environment_suggestion(variable, length),
                   error);
}

enum status config_apply_environment(struct config *config, char *const *environment, struct error *error)
{
    for (size_t i = 0; environment != NULL && environment[i] != NULL; i++)
        TRY(apply_variable(config, environment[i], error));
    return OK;
}

static enum status apply_command_line(struct config *config, const struct assignment *assignments,
                                      size_t count, struct error *error)
{
    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(assignments[i].name);
        const struct setting *setting = setting_find(assignments[i].name, length);

        if (setting == NULL)
            return unknown("command line", "option", assignments[i].name, length,
                           setting_suggestion(assignments[i].name, length), error);
        TRY(assign(config, setting, assignments[i].value, "command line", error));
    }
    return OK;
}

/* --- checks over several settings ----------------------------------------------------------------------- */
static enum status parse_uids(struct config *config, struct error *error)
{
    const char *p = config->operator_uids_text;

    config->operator_uid_count = 0;
    while (p != NULL && *p != '\0') {
        char *end;
        unsigned long long uid;

        if (config->operator_uid_count == OPERATOR_UIDS_MAX)
            return error_set(error, ERROR_INVALID_PARAMS, "operator-uids has more than %d entries",
                             OPERATOR_UIDS_MAX);
        errno = 0;
        uid = strtoull(p, &end, 10);
        if (!isdigit((unsigned char)*p) || errno != 0 || uid >= UINT32_MAX || (*end != ',' && *end != '\0') ||
            (*end == ',' && end[1] == '\0'))
            return error_set(
                error, ERROR_INVALID_PARAMS,
                "operator-uids is '%.80s'; expected user numbers separated by commas, as '1000,1001'",
                config->operator_uids_text);
        config->operator_uids[config->operator_uid_count++] = (int64_t)uid;
        p = *end == ',' ? end + 1 : end;
    }
    return OK;
}

static enum node_network network_of(const char *text)
{
    return strcmp(text, "main") == 0 ? NETWORK_MAIN : strcmp(text, "test") == 0 ? NETWORK_TEST : NETWORK_DEV;
}

/* Halves a number that nobody chose; false when it cannot get smaller or somebody did choose it. */
static bool lower(struct config *config, const char *name, uint64_t least)
{
    const struct setting *setting = setting_find(name, strlen(name));
    uint64_t *field = (uint64_t *)(void *)((char *)config + setting->offset);

    if (strncmp(config->origins[setting - settings], ORIGIN_DEFAULT, strlen(ORIGIN_DEFAULT)) != 0 ||
        *field / 2 < least)
        return false;
    *field /= 2;
    set_origin(config, setting, ORIGIN_DEFAULT ", lowered to fit memory-limit");
    return true;
}

/* A small memory-limit alone should be enough to get a small node: what was left at its default gives way,
 * one after the other and no further than needed. */
static void lower_defaults(struct config *config)
{
    static const struct {
        const char *name;
        uint64_t least;
    } yielding[] = {
        { "ring-size", RING_LEAST }, { "connections", CONNECTIONS_LEAST }, { "queue-size", QUEUE_LEAST }
    };
    struct memory_plan plan;
    size_t refused = 0; /* in a row */

    for (size_t i = 0; refused < COUNT_OF(yielding) && config_memory_plan(config, &plan, NULL) != OK; i++) {
        size_t turn = i % COUNT_OF(yielding);
        refused = lower(config, yielding[turn].name, yielding[turn].least) ? 0 : refused + 1;
    }
}

static enum status apply_log_level(const char *levels, struct error *error)
{
    struct error reason;

    if (log_levels_apply(levels, &reason) == OK)
        return OK;
    return error_set(
        error, ERROR_INVALID_PARAMS,
        "log-level is '%.80s'; expected a level (trace, debug, info, warn, error), or levels of rooms "
        "behind it: 'info,api:debug' (%s)",
        levels, reason.message);
}

enum status config_finish(struct config *config, struct error *error)
{
    struct memory_plan plan;

    config->network = network_of(config->network_text);
    if (config->directory == NULL) {
        char *written AUTO_FREE = text_format("~/.layerd/%s", config->network_text);
        config->directory = config_path(written);
    }
    if (config->worker_pool_size == 0) {
        long online = sysconf(_SC_NPROCESSORS_ONLN);
        config->worker_pool_size = online < WORKERS_DEFAULT_LEAST ? WORKERS_DEFAULT_LEAST
                                   : online > WORKERS_MAX         ? WORKERS_MAX
                                                                  : (uint64_t)online;
    }
    TRY(parse_uids(config, error));
    TRY(apply_log_level(config->log_level == NULL ? "" : config->log_level, error));
    lower_defaults(config);
    return config_memory_plan(config, &plan, error);
}

enum status config_memory_plan(const struct config *config, struct memory_plan *plan, struct error *error)
{
    struct memory_plan p = {
        .process = PROCESS_BYTES + config->worker_pool_size * WORKER_BYTES,
        .ring = config->ring_size,
        .queue = config->queue_size * QUEUED_COMMAND_BYTES,
        .connections = config->connections * CONNECTION_BYTES,
        .replies = config->memory_limit / REPLIES_PART,
    };
    uint64_t fixed = p.process + p.ring + p.queue + p.connections + p.replies;

    if (config->memory_limit < fixed + CACHE_LEAST)
        return error_set(
            error, ERROR_INVALID_PARAMS,
            "memory-limit is %" PRIu64 " MiB, but the settings need %" PRIu64 " MiB: the process %" PRIu64
            ", ring-size %" PRIu64 ", queue-size %" PRIu64 ", connections %" PRIu64
            ", unread replies %" PRIu64 ", caches at least %" PRIu64 "; raise the limit or lower the others",
            config->memory_limit >> 20, (fixed + CACHE_LEAST + ((1 << 20) - 1)) >> 20, p.process >> 20,
            p.ring >> 20, p.queue >> 20, p.connections >> 20, p.replies >> 20, CACHE_LEAST >> 20);
    p.cache = config->memory_limit - fixed;
    *plan = p;
    return OK;
}

/* --- all of it ------------------------------------------------------------------------------------------ */
enum status config_load(const struct config_sources *sources, struct config *config, struct error *error)
{
    TRY(config_apply_defaults(config, error));
    TRY(apply_file(config, sources->file, error));
    TRY(config_apply_environment(config, sources->environment, error));
    TRY(apply_command_line(config, sources->command_line, sources->command_line_count, error));
    return config_finish(config, error);
}

void config_close(struct config *config)
{
    for (size_t i = 0; i < SETTINGS_MAX; i++)
        free(config->origins[i]);
    free(config->directory);
    free(config->operator_uids_text);
    free(config->log_file);
    free(config->log_level);
    memset(config, 0, sizeof *config);
}
