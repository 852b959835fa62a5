/* The command line: options, anywhere, and what is left. Pure but for the table of words. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include "base/status.h"
#include "cli/cli.h"

/* Fills `cli`; what it points to lives in `argv`, whose elements are put in another order.
 * ERROR_INVALID_PARAMS says what is wrong: an option unknown or not for this word, a value missing or given
 * twice, a bad --timeout, too many arguments. */
MUST_CHECK enum status options_parse(int argc, char **argv, struct cli *cli, struct error *error);

struct option {
    const char *name;  /* without "--" */
    const char *value; /* what it takes, for help; NULL: nothing */
    bool everywhere;   /* may stand with any word */
    size_t offset;     /* in struct cli: of a bool, a const char *, or a struct cli_list */
    bool repeated;     /* the place is a struct cli_list */
    const char *help;
};

/* What --from takes. */
#define OPTION_FROM_FORMS "first, now, N (event N and on), after:N, cursor:NAME, time:2026-11-20T22:43:03Z"

size_t option_count(void);
const struct option *option_at(size_t index);

#endif
