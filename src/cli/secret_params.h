/* Parameters with secrets in them: the secrets come from the terminal or --passphrase-file, go straight into
 * the JSON text that is sent, and the text is wiped. */
#ifndef CLI_SECRET_PARAMS_H
#define CLI_SECRET_PARAMS_H

#include "base/buffer.h"
#include "cli/declaration.h"

struct secret_params {
    struct buffer text;
};

/* The JSON text of `object`, with each required secret of the declaration (may be NULL) that it lacks. New
 * secrets are asked for twice. ERROR_INVALID_PARAMS when one cannot be had. */
MUST_CHECK enum status secret_params_fill(const struct cli *cli, const struct declaration *declaration,
                                          const json_t *object, struct secret_params *params,
                                          struct error *error);
const char *secret_params_text(struct secret_params *params);
void secret_params_close(struct secret_params *params); /* wipes; for CLEANUP; may be zeroed */

#endif
