/* A refusal of the node, with what was typed behind it: the node names ids where a symbol was given, and
 * knows nothing of names that were meant to be keys. */
#ifndef CLI_REFUSAL_H
#define CLI_REFUSAL_H

#include "base/buffer.h"
#include "cli/declaration.h"

/* cli_failed, and then what was typed where that helps. declaration and typed may be NULL. */
int cli_refused(const struct layerd_failure *failure, const struct declaration *declaration,
                const json_t *typed);

/* The lines behind the error: appended to `out`, nothing when there is nothing to add. */
void refusal_hints(struct buffer *out, const struct layerd_failure *failure,
                   const struct declaration *declaration, const json_t *typed);

#endif
