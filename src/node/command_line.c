/* Options of layerd. An option here is either an action, a modifier of one, or a setting (see setting.h),
 * which is kept for config_load to judge. */
#include "node/command_line.h"

#include <string.h>

#include "base/memory.h"
#include "node/config_print.h"
#include "node/setting.h"

enum option_kind {
    OPTION_ACTION,     /* says what to do; one at most */
    OPTION_BACKGROUND,
    OPTION_CONFIG,
    OPTION_HEAD,
};

static const struct option {
    const char *name;
    enum option_kind kind;
    enum action action;
    const char *argument; /* NULL: takes none */
    const char *help;
} options[] = {
    { "help", OPTION_ACTION, ACTION_HELP, NULL, "This text." },
    { "version", OPTION_ACTION, ACTION_VERSION, NULL, "The version." },
    { "config", OPTION_CONFIG, ACTION_RUN, "FILE",
      "Read the settings from FILE instead of ~/.layerd/layerd.conf." },
    { "background", OPTION_BACKGROUND, ACTION_RUN, NULL,
      "Return once the node accepts calls, and leave it running; the log goes to DIRECTORY/layerd.log." },
    { "verify", OPTION_ACTION, ACTION_VERIFY, NULL,
      "Check chain, tree and signatures of the whole event log on disk; reads only, a node may be running." },
    { "head", OPTION_HEAD, ACTION_VERIFY, "FILE",
      "With --verify: FILE holds a signed checkpoint kept elsewhere, which the log must contain." },
    { "restore", OPTION_ACTION, ACTION_RESTORE, "FILE",
      "Put a verified copy of the backup FILE in the place of the database; no node may be running." },
    { "print-config", OPTION_ACTION, ACTION_PRINT_CONFIG, NULL,
      "The settings in force, and where each came from." },
    { "print-config-example", OPTION_ACTION, ACTION_PRINT_CONFIG_EXAMPLE, NULL,
      "A layerd.conf with every setting." },
    { "print-config-manual", OPTION_ACTION, ACTION_PRINT_CONFIG_MANUAL, NULL,
      "The settings' section of layerd.conf(5)." },
    { "print-methods", OPTION_ACTION, ACTION_PRINT_METHODS, NULL,
      "A line a method: name, access, and its parameters as name:type:required:choices, tab-separated." },
    { "print-options", OPTION_ACTION, ACTION_PRINT_OPTIONS, NULL,
      "A line an option of layerd: its name, and its value or values parted by '|', tab-separated." },
    { "print-openrpc", OPTION_ACTION, ACTION_PRINT_OPENRPC, NULL,
      "All methods as an OpenRPC document (schema/rpc.json)." },
    { "print-events-schema", OPTION_ACTION, ACTION_PRINT_EVENTS_SCHEMA, NULL,
      "All events as JSON Schema (schema/events.json)." },
};

static const struct option *option_find(const char *name, size_t length)
{
    for (size_t i = 0; i < COUNT_OF(options); i++)
        if (strlen(options[i].name) == length && memcmp(options[i].name, name, length) == 0)
            return &options[i];
    return NULL;
}

static const char *name_at(size_t index)
{
    return index < COUNT_OF(options) ? options[index].name : settings[index - COUNT_OF(options)].name;
}

static enum status unknown(const char *name, size_t length, struct error *error)
{
    const char *meant = suggestion(name, length, name_at, COUNT_OF(options) + settings_count);
    int shown = length > 80 ? 80 : (int)length;

    if (meant != NULL)
        return error_set(error, ERROR_INVALID_PARAMS, "there is no option '--%.*s'; did you mean '--%s'?",
                         shown, name, meant);
    return error_set(error, ERROR_INVALID_PARAMS, "there is no option '--%.*s'; 'layerd --help' lists them",
                     shown, name);
}

static enum status take_option(struct command_line *line, const struct option *option, const char *value,
                               bool *acted, struct error *error)
{
    switch (option->kind) {
    case OPTION_ACTION:
        if (*acted)
            return error_set(error, ERROR_INVALID_PARAMS, "'--%s' is one thing to do too many", option->name);
        *acted = true;
        line->action = option->action;
        if (option->action == ACTION_RESTORE)
            line->restore_file = value;
        return OK;
    case OPTION_BACKGROUND:
        line->background = true;
        return OK;
    case OPTION_CONFIG:
        line->config_file = value;
        return OK;
    case OPTION_HEAD:
        line->head_file = value;
        return OK;
    }
    INVARIANT(false, "an option of no known kind: %s", option->name);
}

/* The value behind '=' or the next argument; NULL when there is none. Steps *at past what it took. */
static const char *take_value(const char *equals, int argc, char *const *argv, int *at)
{
    if (equals != NULL)
        return equals + 1;
    if (*at + 1 < argc)
        return argv[++*at];
    return NULL;
}

enum status command_line_parse(int argc, char *const *argv, struct command_line *line, struct error *error)
{
    bool acted = false;

    memset(line, 0, sizeof *line);
    for (int i = 1; i < argc; i++) {
        const char *argument = strcmp(argv[i], "-h") == 0 ? "--help" : argv[i];
        if (strncmp(argument, "--", 2) != 0 || argument[2] == '\0')
            return error_set(error, ERROR_INVALID_PARAMS,
                             "unexpected argument '%.80s'; settings are given as --name=value", argument);

        const char *name = argument + 2, *equals = strchr(name, '='), *value = NULL;
        size_t length = equals == NULL ? strlen(name) : (size_t)(equals - name);
        const struct option *option = option_find(name, length);
        const struct setting *setting = option != NULL ? NULL : setting_find(name, length);

        if (option == NULL && setting == NULL)
            return unknown(name, length, error);
        if (option != NULL && option->argument == NULL) {
            if (equals != NULL)
                return error_set(error, ERROR_INVALID_PARAMS, "'--%s' takes no value", option->name);
        } else if (setting != NULL && setting->type == SETTING_BOOLEAN && equals == NULL) {
            value = "true"; /* the option by itself switches it on */
        } else {
            value = take_value(equals, argc, argv, &i);
            if (value == NULL)
                return error_set(error, ERROR_INVALID_PARAMS, "'--%.*s' needs a value", (int)length, name);
        }
        if (option != NULL) {
            TRY(take_option(line, option, value, &acted, error));
            continue;
        }
        if (line->assignment_count == ASSIGNMENTS_MAX)
            return error_set(error, ERROR_INVALID_PARAMS, "more than %d options", ASSIGNMENTS_MAX);
        line->assignments[line->assignment_count++] =
            (struct assignment){ .name = setting->name, .value = value };
    }
    if (line->head_file != NULL && line->action != ACTION_VERIFY)
        return error_set(error, ERROR_INVALID_PARAMS, "'--head' goes with '--verify'");
    if (line->background && line->action != ACTION_RUN)
        return error_set(error, ERROR_INVALID_PARAMS, "'--background' is for a node that runs");
    return OK;
}

void command_line_help(struct buffer *out)
{
    buffer_append_text(out, "layerd: a durable Layer 2 node\n\n"
                            "usage: layerd [--background] [--config FILE] [--SETTING=VALUE …]\n"
                            "       layerd --verify [--head FILE] | --restore FILE | --print-config | …\n\n");
    for (size_t i = 0; i < COUNT_OF(options); i++)
        buffer_append_format(out, "  --%s%s%s\n      %s\n", options[i].name,
                             options[i].argument == NULL ? "" : " ",
                             options[i].argument == NULL ? "" : options[i].argument, options[i].help);
    buffer_append_text(out, "\nsettings (command line over environment over layerd.conf over default):\n");
    config_print_help(out);
    buffer_append_text(
        out,
        "\nexit status: 0 done or stopped in order; 1 it failed (standard error says why); 64 the command "
        "line; 65 the\n"
        "database is damaged, newer, or none of layerd's; 69 another layerd holds the directory; 71 out of "
        "memory;\n"
        "74 storage failed (disk full, I/O error): start again once mended; 78 the configuration\n");
}

/* What a setting's value is, for the completion. */
static void append_value(struct buffer *out, const struct setting *setting)
{
    switch (setting->type) {
    case SETTING_BOOLEAN:
        buffer_append_text(out, "true|false");
        return;
    case SETTING_CHOICE:
        for (size_t i = 0; setting->choices[i] != NULL; i++)
            buffer_append_format(out, "%s%s", i == 0 ? "" : "|", setting->choices[i]);
        return;
    case SETTING_PATH:
        buffer_append_text(out, "PATH");
        return;
    case SETTING_INTEGER:
    case SETTING_BYTES:
    case SETTING_DURATION:
    case SETTING_TEXT:
        buffer_append_text(out, "VALUE");
        return;
    }
}

void command_line_options(struct buffer *out)
{
    for (size_t i = 0; i < COUNT_OF(options); i++)
        buffer_append_format(out, "%s\t%s\n", options[i].name,
                             options[i].argument == NULL ? "" : options[i].argument);
    for (size_t i = 0; i < settings_count; i++) {
        buffer_append_format(out, "%s\t", settings[i].name);
        append_value(out, &settings[i]);
        buffer_append_text(out, "\n");
    }
}
