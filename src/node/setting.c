/* The table of settings, and how one value is read, checked and written. */
#include "node/setting.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "kernel/registry.h"

#define KIBIBYTE ((uint64_t)1024)
#define MEBIBYTE (KIBIBYTE * 1024)
#define GIBIBYTE (MEBIBYTE * 1024)
#define MILLISECOND ((uint64_t)1000)
#define SECOND (MILLISECOND * 1000)
#define MINUTE (SECOND * 60)
#define HOUR (MINUTE * 60)
#define DAY (HOUR * 24)

#define SUGGESTION_LENGTH_MAX 48 /* longer names are no slip of the finger */
#define SUGGESTION_DISTANCE_MAX 3

static const char *const networks[] = { "dev", "test", "main", NULL };
static const char *const log_formats[] = { "text", "json", NULL };

#define FIELD_OF(member) .offset = offsetof(struct config, member)

const struct setting settings[] = {
    { "enabled", "LAYER2_ENABLED", SETTING_BOOLEAN, FIELD_OF(enabled), .fallback = "true",
      .help = "When false, layerd says so and exits at once with status 0: a switch for whoever deploys "
              "it." },
    { "network", NULL, SETTING_CHOICE, FIELD_OF(network_text), .fallback = "dev", .choices = networks,
      .help = "The network this node belongs to. dev has a faucet, time that can be advanced, and windows "
              "divided by 1000." },
    { "directory", NULL, SETTING_PATH, FIELD_OF(directory), .fallback = "",
      .fallback_help = "~/.layerd/NETWORK",
      .help = "The data directory: database, sockets, keys, log. Made when it is absent." },
    { "max-concurrent", "LAYER2_MAX_CONCURRENT", SETTING_INTEGER, FIELD_OF(max_concurrent),
      .fallback = "104000", .least = 1, .most = 1000000,
      .help = "Calls in flight at once, over all connections. Beyond it no more are read until half of them "
              "have ended: callers wait, nothing is lost. More than queue-size lets the queue fill." },
    { "max-concurrency", "LAYER2_MAX_CONCURRENCY", SETTING_INTEGER, FIELD_OF(max_concurrency),
      .fallback = "100", .least = 1, .most = 256,
      .help = "Operations that read from outside networks at once; one more waits its turn. One link gets a "
              "quarter of them at most. Threads are started when they are needed." },
    { "timeout", "LAYER2_TIMEOUT", SETTING_DURATION, FIELD_OF(timeout_us), .fallback = "10s",
      .least = MILLISECOND, .most = HOUR,
      .help = "The time one query may take, 'sql' included. audit, verify and replay are not bound by it." },
    { "memory-limit", "LAYER2_MEMORY_LIMIT", SETTING_BYTES, FIELD_OF(memory_limit), .fallback = "256MiB",
      .least = 32 * MEBIBYTE, .most = 1024 * GIBIBYTE,
      .help = "What the ring, the queues, the connections, unread replies and SQLite's caches may take "
              "together. layerd refuses to start when the settings do not fit into it; what was left at its "
              "default gives way first. Unlocking the keystore takes 64 MiB besides, for a moment." },
    { "batch-size", "LAYER2_BATCH_SIZE", SETTING_INTEGER, FIELD_OF(batch_size), .fallback = "1024",
      .least = 1, .most = 65536,
      .help = "Commands one commit takes at most. A batch never waits to fill: it is what queued during "
              "the commit before." },
    { "worker-pool-size", "LAYER2_WORKER_POOL_SIZE", SETTING_INTEGER, FIELD_OF(worker_pool_size),
      .fallback = "0", .fallback_help = "as many as there are CPUs online, at least 4", .least = 0,
      .most = 256,
      .help =
          "Threads that verify signatures and answer queries; at least 2. All but one, and at most 4, may be "
          "busy with 'sql' at once." },
    { "queue-size", "LAYER2_QUEUE_SIZE", SETTING_INTEGER, FIELD_OF(queue_size), .fallback = "100000",
      .least = 1, .most = 10000000,
      .help = "Commands that may wait for the executor. One more is answered 'busy'." },
    { "ring-size", NULL, SETTING_BYTES, FIELD_OF(ring_size), .fallback = "16MiB", .least = 64 * KIBIBYTE,
      .most = GIBIBYTE,
      .help = "Committed events kept in memory for subscribers. One that falls further behind reads from "
              "the database." },
    { "connections", NULL, SETTING_INTEGER, FIELD_OF(connections), .fallback = "2048", .least = 1,
      .most = 100000, .help = "Connections to each of the two sockets." },
    { "connections-per-uid", NULL, SETTING_INTEGER, FIELD_OF(connections_per_uid), .fallback = "1000",
      .least = 1, .most = 100000, .help = "Connections of one user to each of the two sockets." },
    { "idle-line-timeout", NULL, SETTING_DURATION, FIELD_OF(idle_line_timeout_us), .fallback = "30s",
      .least = 100 * MILLISECOND, .most = HOUR,
      .help = "A request that was begun and is not finished after this time closes its connection." },
    { "block-interval", NULL, SETTING_DURATION, FIELD_OF(block_interval_us), .fallback = "1s",
      .least = 10 * MILLISECOND, .most = MINUTE,
      .help = "Time between blocks while deadlines run. Commands make blocks at once and do not wait for "
              "it." },
    { "operator-uids", NULL, SETTING_TEXT, FIELD_OF(operator_uids_text), .fallback = "",
      .fallback_help = "nobody else",
      .help = "User numbers, separated by commas, that may call operator methods besides root and the "
              "node's own user." },
    { "log-file", NULL, SETTING_PATH, FIELD_OF(log_file), .fallback = "",
      .fallback_help = "standard error; with --background DIRECTORY/layerd.log",
      .help = "Where the log goes. SIGHUP opens it anew, for log rotation." },
    { "log-format", NULL, SETTING_CHOICE, FIELD_OF(log_format), .fallback = "text", .choices = log_formats,
      .help = "Lines for people, or one JSON object a line." },
    { "log-level", NULL, SETTING_TEXT, FIELD_OF(log_level), .fallback = "info",
      .help = "trace, debug, info, warn or error; rooms can have their own: 'info,api:debug,store:trace'." },
    { "watch-rollups", NULL, SETTING_BOOLEAN, FIELD_OF(watch_rollups), .fallback = "true",
      .help = "Whether the node's own account disputes wrong batches of rollups and plays in the games about "
              "them. When false, somebody else should: 'layer-cli watch' with a key of its own." },
    { "core-dumps", NULL, SETTING_BOOLEAN, FIELD_OF(core_dumps), .fallback = "false",
      .help = "Whether a crash may write a core file. Keys in memory would be in it; crash.log is written "
              "in any case." },
};
const size_t settings_count = COUNT_OF(settings);
_Static_assert(COUNT_OF(settings) <= SETTINGS_MAX, "SETTINGS_MAX bounds the table");

/* --- names ---------------------------------------------------------------------------------------------- */
const struct setting *setting_find(const char *name, size_t length)
{
    for (size_t i = 0; i < settings_count; i++)
        if (strlen(settings[i].name) == length && memcmp(settings[i].name, name, length) == 0)
            return &settings[i];
    return NULL;
}

const char *suggestion(const char *name, size_t length, const char *(*candidate)(size_t index), size_t count)
{
    char word[SUGGESTION_LENGTH_MAX + 1];
    const char *best = NULL;
    unsigned best_distance = SUGGESTION_DISTANCE_MAX + 1;

    if (length > SUGGESTION_LENGTH_MAX)
        return NULL;
    memcpy(word, name, length);
    word[length] = '\0';
    for (size_t i = 0; i < count; i++) {
        const char *known = candidate(i);
        if (known == NULL)
            continue;
        unsigned distance = edit_distance(word, known, best_distance);
        /* A name of four letters that differs in two is another word. */
        if (distance < best_distance && distance * 2 < strlen(known)) {
            best = known;
            best_distance = distance;
        }
    }
    return best;
}

static const char *name_at(size_t index)
{
    return settings[index].name;
}

static const char *environment_at(size_t index)
{
    return settings[index].environment;
}

const char *setting_suggestion(const char *name, size_t length)
{
    char plain[SUGGESTION_LENGTH_MAX];

    if (length > sizeof plain)
        return NULL;
    for (size_t i = 0; i < length; i++)
        plain[i] = name[i] == '_' ? '-' : (char)tolower((unsigned char)name[i]);
    return suggestion(plain, length, name_at, settings_count);
}

const char *environment_suggestion(const char *name, size_t length)
{
    return suggestion(name, length, environment_at, settings_count);
}

/* --- units ---------------------------------------------------------------------------------------------- */
struct unit {
    const char *name;
    uint64_t size;
};
/* From the largest to the smallest, so that the first one that divides a value writes it best. */
static const struct unit byte_units[] = {
    { "TiB", 1024 * GIBIBYTE }, { "GiB", GIBIBYTE }, { "MiB", MEBIBYTE }, { "KiB", KIBIBYTE }, { "", 1 },
};
static const struct unit duration_units[] = {
    { "d", DAY }, { "h", HOUR }, { "m", MINUTE }, { "s", SECOND }, { "ms", MILLISECOND }, { "us", 1 },
};

static void format_with_units(const struct unit *units, size_t count, uint64_t value, struct buffer *out)
{
    for (size_t i = 0; i < count; i++) {
        if (value % units[i].size == 0 && (value != 0 || i + 1 == count)) {
            buffer_append_format(out, "%" PRIu64 "%s", value / units[i].size, units[i].name);
            return;
        }
    }
}

static void format_number(enum setting_type type, uint64_t value, struct buffer *out)
{
    if (type == SETTING_BYTES)
        format_with_units(byte_units, COUNT_OF(byte_units), value, out);
    else if (type == SETTING_DURATION)
        format_with_units(duration_units, COUNT_OF(duration_units), value, out);
    else
        buffer_append_format(out, "%" PRIu64, value);
}

/* Digits and nothing else before *rest; false when there are none or they pass 2^53 − 1. */
static bool parse_digits(const char *text, uint64_t *value, const char **rest)
{
    uint64_t number = 0;
    const char *p = text;

    for (; *p >= '0' && *p <= '9'; p++) {
        number = number * 10 + (uint64_t)(*p - '0');
        if (number > INTEGER_MAX)
            return false;
    }
    if (p == text)
        return false;
    *value = number;
    *rest = p;
    return true;
}

static bool parse_bytes(const char *text, uint64_t *value)
{
    const char *unit;
    uint64_t number;

    if (!parse_digits(text, &number, &unit))
        return false;
    for (size_t i = 0; i < COUNT_OF(byte_units); i++) {
        if (strcmp(unit, byte_units[i].name) == 0) {
            if (number > INTEGER_MAX / byte_units[i].size)
                return false;
            *value = number * byte_units[i].size;
            return true;
        }
    }
    return false;
}

/* --- one value ------------------------------------------------------------------------------------------ */
void setting_range(const struct setting *setting, struct buffer *out)
{
    switch (setting->type) {
    case SETTING_BOOLEAN:
        buffer_append_text(out, "true or false");
        return;
    case SETTING_INTEGER:
    case SETTING_BYTES:
    case SETTING_DURATION:
        format_number(setting->type, setting->least, out);
        buffer_append_text(out, " to ");
        format_number(setting->type, setting->most, out);
        return;
    case SETTING_CHOICE:
        for (size_t i = 0; setting->choices[i] != NULL; i++)
            buffer_append_format(out, "%s%s", i == 0 ? "" : setting->choices[i + 1] == NULL ? " or " : ", ",
                                 setting->choices[i]);
        return;
    case SETTING_TEXT:
    case SETTING_PATH:
        return;
    }
}

static const char *expectation(enum setting_type type)
{
    switch (type) {
    case SETTING_INTEGER:
        return "a whole number, ";
    case SETTING_BYTES:
        return "bytes as '4096', '64KiB', '256MiB' or '2GiB', ";
    case SETTING_DURATION:
        return "a time with its unit as '500ms', '30s', '10m' or '2h', ";
    case SETTING_BOOLEAN:
    case SETTING_CHOICE:
    case SETTING_TEXT:
    case SETTING_PATH:
        return "";
    }
    return "";
}

static enum status refuse(const struct setting *setting, const char *text, struct error *error)
{
    struct buffer range CLEANUP(buffer_close) = { 0 };

    buffer_init(&range);
    setting_range(setting, &range);
    return error_set(error, ERROR_INVALID_PARAMS, "%s is '%.80s'; expected %s%s", setting->name, text,
                     expectation(setting->type), buffer_text(&range));
}

static bool parse_boolean(const char *text, bool *value)
{
    static const char *const yes[] = { "true", "yes", "on", "1" }, *const no[] = { "false", "no", "off",
                                                                                   "0" };

    for (size_t i = 0; i < COUNT_OF(yes); i++) {
        if (strcmp(text, yes[i]) == 0 || strcmp(text, no[i]) == 0) {
            *value = strcmp(text, yes[i]) == 0;
            return true;
        }
    }
    return false;
}

static const char *parse_choice(const struct setting *setting, const char *text)
{
    for (size_t i = 0; setting->choices[i] != NULL; i++)
        if (strcmp(setting->choices[i], text) == 0)
            return setting->choices[i];
    return NULL;
}

static bool parse_number(const struct setting *setting, const char *text, uint64_t *value)
{
    uint64_t number = 0;
    int64_t duration;
    const char *rest;

    if (setting->type == SETTING_BYTES) {
        if (!parse_bytes(text, &number))
            return false;
    } else if (setting->type == SETTING_DURATION) {
        if (!duration_parse(text, &duration) || duration < 0)
            return false;
        number = (uint64_t)duration;
    } else if (!parse_digits(text, &number, &rest) || *rest != '\0') {
        return false;
    }
    if (number < setting->least || number > setting->most)
        return false;
    *value = number;
    return true;
}

static void replace_text(char **field, char *text)
{
    free(*field);
    *field = text;
}

enum status setting_parse(const struct setting *setting, const char *text, struct config *config,
                          struct error *error)
{
    void *field = (char *)config + setting->offset;
    uint64_t number;
    const char *choice;

    switch (setting->type) {
    case SETTING_BOOLEAN:
        return parse_boolean(text, field) ? OK : refuse(setting, text, error);
    case SETTING_INTEGER:
    case SETTING_BYTES:
        return parse_number(setting, text, field) ? OK : refuse(setting, text, error);
    case SETTING_DURATION:
        if (!parse_number(setting, text, &number))
            return refuse(setting, text, error);
        *(int64_t *)field = (int64_t)number;
        return OK;
    case SETTING_CHOICE:
        choice = parse_choice(setting, text);
        if (choice == NULL)
            return refuse(setting, text, error);
        *(const char **)field = choice;
        return OK;
    case SETTING_TEXT:
        replace_text(field, text[0] == '\0' ? NULL : text_copy(text));
        return OK;
    case SETTING_PATH:
        replace_text(field, text[0] == '\0' ? NULL : config_path(text));
        return OK;
    }
    INVARIANT(false, "a setting of no known type: %s", setting->name);
}

void setting_format(const struct setting *setting, const struct config *config, struct buffer *out)
{
    const void *field = (const char *)config + setting->offset;

    switch (setting->type) {
    case SETTING_BOOLEAN:
        buffer_append_text(out, *(const bool *)field ? "true" : "false");
        return;
    case SETTING_INTEGER:
    case SETTING_BYTES:
        format_number(setting->type, *(const uint64_t *)field, out);
        return;
    case SETTING_DURATION:
        format_number(setting->type, (uint64_t) * (const int64_t *)field, out);
        return;
    case SETTING_CHOICE:
    case SETTING_TEXT:
    case SETTING_PATH:
        if (*(const char *const *)field != NULL)
            buffer_append_text(out, *(const char *const *)field);
        return;
    }
}
