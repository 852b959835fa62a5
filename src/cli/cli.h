/* One run of layer-cli: what the command line said, and the ways to end. Every word of its own is a function
 * that gets this and returns an exit code. Uses liblayerd by its public header, and base/ for text. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "layerd/layerd.h"

/* Exit codes: a documented interface (contrib/man/layer-cli.1). */
enum exit_code {
    EXIT_DONE = 0,
    EXIT_REFUSED = 1,    /* the node refused, or what was waited for failed */
    EXIT_USAGE = 2,      /* the command line is wrong */
    EXIT_CONNECT = 3,    /* no node answers, or it went away */
    EXIT_TIMED_OUT = 4,  /* --timeout ran out */
    EXIT_UNVERIFIED = 5, /* a check of the log or the ledger failed: do not trust it */
    EXIT_OUTPUT = 6,     /* standard output could not be written */
    EXIT_WRONG = 7,      /* watch --once: a batch is wrong, and what could be done about it was done */
    EXIT_POWERLESS = 8,  /* watch --once: a batch is wrong or cannot be checked, and more is needed than was
                            done */
};

#define CLI_LIST_MAX 64 /* values of an option that may be repeated */
#define CLI_TIMEOUT_DEFAULT_MS 30000
#define CLI_RESUME_MS 60000 /* how long --follow looks for a node that went away, unless --timeout says */

struct cli_list {
    const char *values[CLI_LIST_MAX + 1]; /* ends with NULL */
    size_t count;
};

struct cli {
    /* everywhere */
    const char *directory, *network; /* at most one is given */
    const char *timeout;
    bool json, help, version, print_words;
    const char *passphrase_file;
    /* of some words */
    bool follow, acknowledge, create, csv, once;
    struct cli_list types, subjects, rollups, block_hashes;
    const char *from, *until, *format, *limit, *against, *verifier, *save, *key, *chain, *valid_for, *name;
    const char *max_stake, *keep;
    const char *public_inputs;
    /* the rest */
    const char *word;             /* METHOD or a word of our own; NULL: none */
    const char *const *arguments; /* what stands behind it, without options */
    size_t argument_count;
    /* opened when first needed, closed at the end */
    struct layerd_client *clients[2]; /* by enum layerd_socket */
};

/* --- ends: each says why on standard error and returns the exit code -------------------------- */
int cli_usage(const char *format, ...) __attribute__((format(printf, 1, 2)));
int cli_failed(const struct layerd_failure *failure);
/* The same for a check of the log or the ledger: EXIT_UNVERIFIED when the failure means that the check found
 * something. */
int cli_check_failed(const struct layerd_failure *failure);

/* Whether the sentence about a code says more than the message does: only then it is printed. */
bool cli_meaning_adds(const char *message, const char *meaning);

/* Fills a failure that arose here, in the words of errors.def. */
enum layerd_error cli_fail(struct layerd_failure *failure, enum layerd_error code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* --- the node --------------------------------------------------------------------------------- */
/* The data directory or socket path to use; NULL is the library's default. The caller frees *path. */
enum layerd_error cli_path(const struct cli *cli, char **path, struct layerd_failure *failure);
/* The connection to one of the sockets, opened when first asked for. */
enum layerd_error cli_client(struct cli *cli, enum layerd_socket socket, struct layerd_client **client,
                             struct layerd_failure *failure);
/* Calls on the socket that has the method. *result is to be freed with layerd_free. */
enum layerd_error cli_call(struct cli *cli, const char *method, const char *params, char **result,
                           struct layerd_failure *failure);
enum layerd_socket cli_socket_of(const char *method);
void cli_close(struct cli *cli);

/* --timeout in milliseconds, or `otherwise`. It was checked when the command line was read. */
int cli_timeout(const struct cli *cli, int otherwise);

/* Prints a result: exactly as it came with --json, else as tables. Returns EXIT_DONE. */
int cli_print(const struct cli *cli, const char *result);

#endif
