/* Keys in files, and signing away from the node: the words `key`, `sign`, `submit` and `call`. */
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "cli/account_name.h"
#include "cli/argument.h"
#include "cli/refusal.h"
#include "cli/terminal.h"
#include "cli/word.h"

#define VALID_FOR_DEFAULT_US (10 * 60 * MICROSECONDS_PER_SECOND)

/* --- key -------------------------------------------------------------------------------------- */

static int print_key(const struct cli *cli, const char *path)
{
    char name[LAYERD_NAME_MAX], address[LAYERD_ADDRESS_MAX];
    struct layerd_failure failure;

    if (layerd_key_inspect(path, cli->network, name, address, &failure) != LAYERD_OK)
        return cli_failed(&failure);
    AUTO_JSON json_t *shown = json_pack("{s:s,s:s,s:s}", "name", name, "address", address, "file", path);
    AUTO_FREE char *text = shown == NULL ? NULL : json_dumps(shown, JSON_COMPACT);
    if (text == NULL)
        return cli_usage("the file's path is not UTF-8");
    return cli_print(cli, text);
}

/* "/home/a/alice.key" is alice's. */
static char *name_of_file(const char *path)
{
    AUTO_FREE char *copy = text_copy(path);
    char *name = text_copy(basename(copy));
    char *point = strrchr(name, '.');
    if (point != NULL && point != name)
        *point = '\0';
    return name;
}

static int new_key(struct cli *cli, const char *path)
{
    struct terminal_secrets secrets CLEANUP(terminal_secrets_close) = { .path = cli->passphrase_file };
    struct terminal_secret passphrase CLEANUP(terminal_secret_close) = { NULL };
    AUTO_FREE char *name = cli->name != NULL ? text_copy(cli->name) : name_of_file(path);
    struct layerd_failure failure;
    const char *reason = "";

    if (!terminal_secret_next(&secrets, "passphrase for the new key", true, &passphrase, &reason))
        return cli_usage("passphrase: %s", reason);
    if (layerd_key_generate(path, name, passphrase.text, &failure) != LAYERD_OK)
        return cli_failed(&failure);
    return print_key(cli, path);
}

int word_key(struct cli *cli)
{
    if (strcmp(cli->arguments[0], "new") == 0)
        return new_key(cli, cli->arguments[1]);
    if (strcmp(cli->arguments[0], "show") == 0)
        return print_key(cli, cli->arguments[1]);
    return cli_usage("key: new or show is expected, not '%.40s'", cli->arguments[0]);
}

/* --- signing ---------------------------------------------------------------------------------- */

/* What the transaction needs to know of the node; without one: --chain and this machine's clock, which is
 * behind the node's when dev.advance_time was called there. */
struct circumstances {
    char *chain;
    int64_t now_us;                   /* the node's time, or the clock */
    struct declarations declarations; /* empty when there is no node */
    json_t *typed;                    /* the parameters as they were given; NULL until they are read */
};

static void circumstances_close(struct circumstances *c)
{
    free(c->chain);
    declarations_close(&c->declarations);
    json_decref(c->typed);
}

static enum layerd_error ask_node(struct cli *cli, struct circumstances *c, struct layerd_failure *failure)
{
    AUTO_FREE char *text = NULL;
    AUTO_JSON json_t *info = NULL;
    struct error error;

    enum layerd_error code = cli_call(cli, "node.info", NULL, &text, failure);
    if (code != LAYERD_OK)
        return code;
    if (json_parse(text, strlen(text), &info, &error) != OK
        || !json_is_string(json_object_get(info, "chain"))
        || !json_is_integer(json_object_get(info, "now_us")))
        return cli_fail(failure, LAYERD_ERROR_PROTOCOL, "node.info tells no chain or no now_us");
    if (c->chain == NULL)
        c->chain = text_copy(json_string_value(json_object_get(info, "chain")));
    c->now_us = json_integer_value(json_object_get(info, "now_us"));
    return declarations_fetch(cli, &c->declarations, failure);
}

static enum layerd_error learn(struct cli *cli, struct circumstances *c, struct layerd_failure *failure)
{
    c->now_us = clock_wall_us();
    c->chain = text_copy(cli->chain);
    enum layerd_error code = ask_node(cli, c, failure);
    return code == LAYERD_ERROR_CONNECT && cli->chain != NULL ? LAYERD_OK : code;
}

static enum status command_params(struct cli *cli, struct circumstances *c, char **text, struct error *error)
{
    const char *method = cli->arguments[0];
    const struct declaration *declaration = declaration_find(&c->declarations, method);

    if (declaration == NULL && c->declarations.count > 0)
        return error_set(error, ERROR_INVALID_PARAMS, "the node has no method '%.64s'", method);
    if (declaration != NULL && strcmp(declaration->access, "signed") != 0)
        return error_set(error, ERROR_INVALID_PARAMS, "%s is not a signed command; call it as it is", method);
    TRY(arguments_parse(cli->arguments + 1, cli->argument_count - 1, declaration, &c->typed, error));
    if (json_object_get(c->typed, "from") != NULL || json_object_get(c->typed, "valid_for") != NULL)
        return error_set(error, ERROR_INVALID_PARAMS,
                         "from and valid_for are for the node's own keys; use --key and --valid-for");
    AUTO_JSON json_t *object = account_names_resolve(cli, declaration, c->typed);
    *text = json_dumps(object, JSON_COMPACT);
    return *text != NULL ? OK
                         : error_set(error, ERROR_INVALID_PARAMS, "the parameters must be one JSON object");
}

int word_open_key(const struct cli *cli, struct layerd_key **key)
{
    struct terminal_secrets secrets CLEANUP(terminal_secrets_close) = { .path = cli->passphrase_file };
    struct terminal_secret passphrase CLEANUP(terminal_secret_close) = { NULL };
    char name[LAYERD_NAME_MAX], address[LAYERD_ADDRESS_MAX];
    struct layerd_failure failure;
    const char *reason = "";

    if (layerd_key_inspect(cli->key, NULL, name, address, &failure) != LAYERD_OK)
        return cli_failed(&failure);
    AUTO_FREE char *prompt = text_format("passphrase for the key %s", name);
    if (!terminal_secret_next(&secrets, prompt, false, &passphrase, &reason))
        return cli_usage("passphrase: %s", reason);
    if (layerd_key_open(cli->key, passphrase.text, key, &failure) != LAYERD_OK)
        return cli_failed(&failure);
    return EXIT_DONE;
}

/* Signs what stands on the command line. */
static int sign_command(struct cli *cli, struct circumstances *c, char **signed_text)
{
    AUTO_FREE char *params = NULL;
    int64_t valid_for_us = VALID_FOR_DEFAULT_US;
    struct layerd_key *key;
    struct layerd_failure failure;
    struct error error;

    if (cli->key == NULL)
        return cli_usage("%s needs --key FILE; 'layer-cli key new FILE' makes one", cli->word);
    if (cli->valid_for != NULL && !duration_parse(cli->valid_for, &valid_for_us))
        return cli_usage("--valid-for: 90s, 10m, 2h or the like is expected, not '%.40s'", cli->valid_for);
    if (learn(cli, c, &failure) != LAYERD_OK)
        return cli_failed(&failure);
    if (command_params(cli, c, &params, &error) != OK)
        return cli_usage("%s", error.message);
    int code = word_open_key(cli, &key);
    if (code != EXIT_DONE)
        return code;
    enum layerd_error signing = layerd_sign(key, c->chain, cli->arguments[0], params,
                                            c->now_us + valid_for_us, signed_text, NULL, &failure);
    layerd_key_close(key);
    return signing == LAYERD_OK ? EXIT_DONE : cli_failed(&failure);
}

static int submit_text(struct cli *cli, const char *signed_text, const struct declaration *declaration,
                       const json_t *typed)
{
    AUTO_FREE char *result = NULL;
    struct layerd_failure failure;
    if (cli_call(cli, "transaction.submit", signed_text, &result, &failure) != LAYERD_OK)
        return cli_refused(&failure, declaration, typed);
    return cli_print(cli, result);
}

int word_sign(struct cli *cli)
{
    struct circumstances c CLEANUP(circumstances_close) = { .chain = NULL };
    AUTO_FREE char *signed_text = NULL;
    int code = sign_command(cli, &c, &signed_text);
    if (code == EXIT_DONE)
        printf("%s\n", signed_text);
    return code;
}

int word_call(struct cli *cli)
{
    struct circumstances c CLEANUP(circumstances_close) = { .chain = NULL };
    AUTO_FREE char *signed_text = NULL;
    int code = sign_command(cli, &c, &signed_text);
    if (code != EXIT_DONE)
        return code;
    return submit_text(cli, signed_text, declaration_find(&c.declarations, cli->arguments[0]), c.typed);
}

int word_submit(struct cli *cli)
{
    struct buffer text CLEANUP(buffer_close) = { 0 };
    struct error error;

    buffer_init(&text);
    if (argument_file(cli->arguments[0], &text, &error) != OK)
        return cli_usage("%s", error.message);
    return submit_text(cli, buffer_text(&text), NULL, NULL);
}
