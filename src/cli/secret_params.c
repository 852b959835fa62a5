/* Secrets on their way into a call: see secret_params.h. */
#include "cli/secret_params.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/writer.h"
#include "cli/terminal.h"

/* Every byte of a secret may need six in JSON; with the memory there from the start no copy is left behind by
 * growing. */
#define SECRET_ROOM ((size_t)16 * TERMINAL_SECRET_MAX)

/* A passphrase that makes something new is asked for twice: a slip would lock its owner out. */
static bool makes_new(const struct declaration *declaration)
{
    return strcmp(declaration->name, "wallet.create") == 0 || strcmp(declaration->name, "wallet.export") == 0;
}

static enum status append_secret(const struct declaration *declaration, const struct parameter *parameter,
                                 struct terminal_secrets *secrets, struct buffer *out, struct error *error)
{
    struct terminal_secret secret CLEANUP(terminal_secret_close) = { NULL };
    const char *reason = "";

    if (!terminal_secret_next(secrets, parameter->name, makes_new(declaration), &secret, &reason))
        return error_set(error, ERROR_INVALID_PARAMS, "%s: %s", parameter->name, reason);
    if (utf8_valid_prefix(secret.text, strlen(secret.text)) != strlen(secret.text))
        return error_set(error, ERROR_INVALID_PARAMS, "%s: it is not UTF-8", parameter->name);
    buffer_append_text(out, out->data[out->size - 1] == '{' ? "" : ",");
    buffer_append_json_string(out, parameter->name, strlen(parameter->name));
    buffer_append_text(out, ":");
    buffer_append_json_string(out, secret.text, strlen(secret.text));
    return OK;
}

enum status secret_params_fill(const struct cli *cli, const struct declaration *declaration,
                               const json_t *object, struct secret_params *params, struct error *error)
{
    struct terminal_secrets secrets CLEANUP(terminal_secrets_close) = { .path = cli->passphrase_file };
    AUTO_FREE char *text = json_dumps(object, JSON_COMPACT);

    if (text == NULL || !json_is_object(object))
        return error_set(error, ERROR_INVALID_PARAMS, "the parameters must be one JSON object");
    size_t size = strlen(text);
    buffer_init(&params->text);
    buffer_reserve(&params->text, size + SECRET_ROOM);
    buffer_append(&params->text, text, size - 1); /* open again: without the final brace */
    for (size_t i = 0; declaration != NULL && i < declaration->count; i++) {
        const struct parameter *parameter = &declaration->parameters[i];
        if (parameter->required && strcmp(parameter->type, "secret") == 0)
            TRY(append_secret(declaration, parameter, &secrets, &params->text, error));
    }
    buffer_append_text(&params->text, "}");
    return OK;
}

const char *secret_params_text(struct secret_params *params)
{
    return buffer_text(&params->text);
}

void secret_params_close(struct secret_params *params)
{
    if (params->text.data != NULL)
        explicit_bzero(params->text.data, params->text.capacity);
    buffer_close(&params->text);
}
