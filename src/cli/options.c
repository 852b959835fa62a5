/* Reading the command line: see options.h. */
#include "cli/options.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cli/word.h"

#define PLACE(field) offsetof(struct cli, field)

static const struct option options[] = {
    { "directory", "DIR", true, PLACE(directory), false, "the node's data directory, or its socket" },
    { "network", "NAME", true, PLACE(network), false,
      "dev (default), test or main: the directory ~/.layerd/NAME" },
    { "json", NULL, true, PLACE(json), false, "print the result as the JSON that the node sent" },
    { "timeout", "S", true, PLACE(timeout), false,
      "seconds, or 500ms, 10m, …, to wait at most (30 for a call)" },
    { "passphrase-file", "FILE", true, PLACE(passphrase_file), false,
      "secrets are its lines, in order; '-' is standard input" },
    { "help", NULL, true, PLACE(help), false, "this text" },
    { "print-words", NULL, true, PLACE(print_words), false,
      "words, options and stream methods, for completion" },
    { "version", NULL, true, PLACE(version), false, "the version" },
    { "follow", NULL, false, PLACE(follow), false,
      "go on with the events to come, also over a restart of the node" },
    { "type", "GLOB", false, PLACE(types), true, "events of these types: ledger.*" },
    { "subject", "S", false, PLACE(subjects), true, "events about these subjects: account/lyt1…" },
    { "from", "WHERE", false, PLACE(from), false, OPTION_FROM_FORMS },
    { "until", "N", false, PLACE(until), false, "stop after event N" },
    { "ack", NULL, false, PLACE(acknowledge), false, "move the cursor behind what was printed" },
    { "create", NULL, false, PLACE(create), false, "make the cursor, at the first event, if there is none" },
    { "format", "NAME", false, PLACE(format), false, "text (default), native or cloudevents" },
    { "csv", NULL, false, PLACE(csv), false, "comma-separated values (RFC 4180)" },
    { "limit", "N", false, PLACE(limit), false, "rows at most" },
    { "against", "FILE", false, PLACE(against), false, "a head kept by 'checkpoint --save FILE'" },
    { "verifier", "KEY", false, PLACE(verifier), false, "the log's public key: name+id+base64, or @FILE" },
    { "block-hash", "HASH", false, PLACE(block_hashes), true,
      "a block of an EVM chain that you trust; with any, all of the proof's are to be such" },
    { "save", "FILE", false, PLACE(save), false, "keep the head in FILE and the log's key in FILE.key" },
    { "key", "FILE", false, PLACE(key), false,
      "the key file to sign with; to verify a proof: snarkjs's verification_key.json" },
    { "public", "FILE", false, PLACE(public_inputs), false, "snarkjs's public.json" },
    { "chain", "ID", false, PLACE(chain), false,
      "the chain to sign for, also without a node (then this machine's clock counts); to verify a claim: "
      "its chain" },
    { "valid-for", "TIME", false, PLACE(valid_for), false,
      "refused when it waits longer: 10m (default), 90s, 2h" },
    { "rollup", "N", false, PLACE(rollups), true, "watch this rollup; all there are when absent" },
    { "max-stake", "AMOUNT", false, PLACE(max_stake), false,
      "bonds locked at once at most, of each asset, in its smallest unit" },
    { "keep", "MIB", false, PLACE(keep), false,
      "memory for each rollup of what takes batches back (256); with less, that may take long" },
    { "once", NULL, false, PLACE(once), false, "look once; the exit code tells what was found" },
    { "name", "NAME", false, PLACE(name), false, "the key's name; the file's name when absent" },
};

size_t option_count(void)
{
    return sizeof options / sizeof options[0];
}

const struct option *option_at(size_t index)
{
    return &options[index];
}

static const struct option *find_option(const char *name, size_t size)
{
    for (size_t i = 0; i < option_count(); i++)
        if (strlen(options[i].name) == size && memcmp(options[i].name, name, size) == 0)
            return &options[i];
    return NULL;
}

static enum status set_value(struct cli *cli, const struct option *option, const char *value,
                             struct error *error)
{
    char *place = (char *)cli + option->offset;
    if (option->repeated) {
        struct cli_list *list = (struct cli_list *)place;
        if (list->count == CLI_LIST_MAX)
            return error_set(error, ERROR_INVALID_PARAMS, "--%s may be given %d times", option->name,
                             CLI_LIST_MAX);
        list->values[list->count++] = value;
        return OK;
    }
    const char **text = (const char **)place;
    if (*text != NULL)
        return error_set(error, ERROR_INVALID_PARAMS, "--%s is given twice", option->name);
    *text = value;
    return OK;
}

/* One "--name", "--name value" or "--name=value" at argv[*at], which moves to the last argument used. */
static enum status take_option(int argc, char **argv, int *at, struct cli *cli, struct error *error)
{
    const char *text = argv[*at] + 2, *equals = strchr(text, '=');
    size_t size = equals == NULL ? strlen(text) : (size_t)(equals - text);
    const struct option *option = find_option(text, size);

    if (option == NULL)
        return error_set(error, ERROR_INVALID_PARAMS, "there is no option --%.*s", (int)size, text);
    if (option->value == NULL) {
        if (equals != NULL)
            return error_set(error, ERROR_INVALID_PARAMS, "--%s takes no value", option->name);
        *(bool *)((char *)cli + option->offset) = true;
        return OK;
    }
    if (equals != NULL)
        return set_value(cli, option, equals + 1, error);
    if (*at + 1 >= argc)
        return error_set(error, ERROR_INVALID_PARAMS, "--%s needs a value: %s", option->name, option->value);
    return set_value(cli, option, argv[++*at], error);
}

static bool is_given(const struct cli *cli, const struct option *option)
{
    const char *place = (const char *)cli + option->offset;
    if (option->repeated)
        return ((const struct cli_list *)place)->count > 0;
    return option->value == NULL ? *(const bool *)place : *(const char *const *)place != NULL;
}

static enum status check_word(const struct cli *cli, struct error *error)
{
    const struct word *word = cli->word == NULL ? NULL : word_find(cli->word);

    for (size_t i = 0; i < option_count(); i++)
        if (!options[i].everywhere && is_given(cli, &options[i])
            && (word == NULL || !word_takes(word, options[i].name)))
            return error_set(error, ERROR_INVALID_PARAMS, "--%s does not belong to %s", options[i].name,
                             cli->word == NULL ? "nothing" : cli->word);
    if (word == NULL || cli->help)
        return OK;
    if (cli->argument_count < word->least || cli->argument_count > word->most)
        return error_set(error, ERROR_INVALID_PARAMS, "usage: layer-cli %s %s", word->name, word->usage);
    return OK;
}

static bool is_seconds(const char *text)
{
    char *end;
    double seconds = strtod(text, &end);
    return end != text && *end == '\0' && seconds > 0 && seconds < 1e9
           && strspn(text, "0123456789.") == strlen(text);
}

static enum status check_everywhere(const struct cli *cli, struct error *error)
{
    int64_t duration_us;
    if (cli->directory != NULL && cli->network != NULL)
        return error_set(error, ERROR_INVALID_PARAMS, "give --directory or --network, not both");
    if (cli->network != NULL && strcmp(cli->network, "dev") != 0 && strcmp(cli->network, "test") != 0
        && strcmp(cli->network, "main") != 0)
        return error_set(error, ERROR_INVALID_PARAMS, "--network: dev, test or main is expected, not '%.40s'",
                         cli->network);
    if (cli->timeout != NULL && !is_seconds(cli->timeout)
        && (!duration_parse(cli->timeout, &duration_us) || duration_us == 0))
        return error_set(error, ERROR_INVALID_PARAMS,
                         "--timeout: seconds (or 500ms, 10m, …) are expected, not '%.40s'", cli->timeout);
    return OK;
}

enum status options_parse(int argc, char **argv, struct cli *cli, struct error *error)
{
    int kept = 0;
    bool only_arguments = false;

    for (int i = 1; i < argc; i++) {
        if (!only_arguments && strcmp(argv[i], "--") == 0)
            only_arguments = true;
        else if (!only_arguments && strcmp(argv[i], "-h") == 0)
            cli->help = true;
        else if (!only_arguments && argv[i][0] == '-' && argv[i][1] == '-')
            TRY(take_option(argc, argv, &i, cli, error));
        else if (!only_arguments && argv[i][0] == '-' && argv[i][1] != '\0')
            return error_set(error, ERROR_INVALID_PARAMS, "there is no option %s", argv[i]);
        else
            argv[kept++] = argv[i];
    }
    if (kept > 0) {
        cli->word = argv[0];
        cli->arguments = (const char *const *)argv + 1;
        cli->argument_count = (size_t)kept - 1;
    }
    TRY(check_everywhere(cli, error));
    return check_word(cli, error);
}
