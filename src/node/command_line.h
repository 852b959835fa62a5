/* What was asked for on the command line: run the daemon, or do one of the things that need none. */
#ifndef NODE_COMMAND_LINE_H
#define NODE_COMMAND_LINE_H

#include "node/config.h"

#define ASSIGNMENTS_MAX 128

enum action {
    ACTION_RUN,
    ACTION_HELP,
    ACTION_VERSION,
    ACTION_PRINT_CONFIG,
    ACTION_PRINT_CONFIG_EXAMPLE,
    ACTION_PRINT_CONFIG_MANUAL,
    ACTION_PRINT_OPENRPC,
    ACTION_PRINT_EVENTS_SCHEMA,
    ACTION_PRINT_METHODS,
    ACTION_PRINT_OPTIONS,
    ACTION_VERIFY,
    ACTION_RESTORE,
};

struct command_line {
    enum action action;
    bool background;
    const char *config_file;  /* NULL: the usual place */
    const char *restore_file; /* with ACTION_RESTORE */
    const char *head_file;    /* with ACTION_VERIFY; NULL: none */
    struct assignment assignments[ASSIGNMENTS_MAX];
    size_t assignment_count;
};

/* ERROR_INVALID_PARAMS when it makes no sense. Names of settings are checked later, by config_load. Borrows
 * from argv. */
MUST_CHECK enum status command_line_parse(int argc, char *const *argv, struct command_line *line,
                                          struct error *error);

/* The text of --help. */
void command_line_help(struct buffer *out);

/* Every option and setting as a line for the completion: name, and what its value is (nothing, FILE, PATH,
 * VALUE, or the choices parted by '|'). */
void command_line_options(struct buffer *out);

#endif
