/* Names of the node's own keys where an account is expected: account=alice. Only the operator may ask the
 * node for its keys, so a name that cannot be looked up goes to the node as it is. */
#ifndef CLI_ACCOUNT_NAME_H
#define CLI_ACCOUNT_NAME_H

#include "cli/declaration.h"

/* The parameters with names of keys replaced by their addresses; a new reference. Asks wallet.list, at most
 * once and only when something may be a name. declaration NULL: nothing is known to be an account. */
json_t *account_names_resolve(struct cli *cli, const struct declaration *declaration, const json_t *typed);

/* The same with the answer of wallet.list at hand (NULL: none). */
json_t *account_names_apply(const struct declaration *declaration, const json_t *typed, const json_t *keys);

/* Whether the text could be a key's name and is no address. */
bool account_name_like(const char *text);

#endif
