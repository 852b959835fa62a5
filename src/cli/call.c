/* Any method of the node by its name: the parameters are read by its declaration, secrets are asked for, and
 * the result is shown. */
#include <string.h>

#include "base/memory.h"
#include "cli/account_name.h"
#include "cli/refusal.h"
#include "cli/secret_params.h"
#include "cli/word.h"

int word_method(struct cli *cli)
{
    struct declarations declarations CLEANUP(declarations_close) = { .document = NULL };
    struct secret_params params CLEANUP(secret_params_close) = { .text = { .data = NULL } };
    AUTO_JSON json_t *typed = NULL;
    AUTO_JSON json_t *object = NULL;
    struct layerd_failure failure;
    struct error error;
    char *result;

    if (declarations_fetch(cli, &declarations, &failure) != LAYERD_OK)
        return cli_failed(&failure);
    const struct declaration *declaration = declaration_find(&declarations, cli->word);
    if (arguments_parse(cli->arguments, cli->argument_count, declaration, &typed, &error) != OK)
        return cli_usage("%s", error.message);
    object = account_names_resolve(cli, declaration, typed);
    if (secret_params_fill(cli, declaration, object, &params, &error) != OK)
        return cli_usage("%s", error.message);
    if (cli_call(cli, cli->word, secret_params_text(&params), &result, &failure) != LAYERD_OK)
        return cli_refused(&failure, declaration, typed);
    cli_print(cli, result);
    layerd_free(result);
    return EXIT_DONE;
}
