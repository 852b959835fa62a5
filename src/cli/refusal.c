/* What was typed, behind what was refused: see refusal.h. */
#include "cli/refusal.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "cli/account_name.h"

static void hint(struct buffer *out, const struct layerd_failure *failure, const struct parameter *parameter,
                 const char *value)
{
    bool said = strstr(failure->message, value) != NULL;
    if (strcmp(parameter->type, "asset") == 0 && failure->code == LAYERD_ERROR_ASSET_NOT_FOUND && !said)
        buffer_append_format(out, "  (you asked for %s=%s)\n", parameter->name, value);
    if (strcmp(parameter->type, "account") == 0 && failure->code == LAYERD_ERROR_INVALID_PARAMS
        && strncmp(failure->message, parameter->name, strlen(parameter->name)) == 0
        && account_name_like(value))
        buffer_append_format(out,
                             "  (you gave %s=%s, and no key of this node that you may use has this name; "
                             "'layer-cli wallet.list' shows them)\n",
                             parameter->name, value);
}

void refusal_hints(struct buffer *out, const struct layerd_failure *failure,
                   const struct declaration *declaration, const json_t *typed)
{
    for (size_t i = 0; declaration != NULL && i < declaration->count; i++) {
        const char *value = json_string_value(json_object_get(typed, declaration->parameters[i].name));
        if (value != NULL)
            hint(out, failure, &declaration->parameters[i], value);
    }
}

int cli_refused(const struct layerd_failure *failure, const struct declaration *declaration,
                const json_t *typed)
{
    struct buffer hints CLEANUP(buffer_close) = { 0 };
    int code = cli_failed(failure);

    buffer_init(&hints);
    refusal_hints(&hints, failure, declaration, typed);
    fputs(buffer_text(&hints), stderr);
    return code;
}
