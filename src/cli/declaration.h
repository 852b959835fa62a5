/* What the node declares of its methods (rpc.discover, OpenRPC), so that key=value on the command line gets
 * the right JSON types, and help can be shown. Methods of events.sock, which are no part of the node's
 * registry, are declared here. */
#ifndef CLI_DECLARATION_H
#define CLI_DECLARATION_H

#include "base/json.h"
#include "cli/cli.h"

/* All borrowed from `document` or static. */
struct parameter {
    const char *name;
    const char *type; /* "account", "amount", "text", "secret", "list", …; "" when the node does not say */
    const char *help;
    bool required;
    const json_t *choices;  /* array of texts, or NULL */
    const json_t *fallback; /* the value when it is absent, or NULL */
    const json_t *items;    /* of a list: the JSON Schema of one item, or NULL */
};

struct declaration {
    const char *name, *help, *result, *example, *access; /* example may be NULL */
    bool dev_only;
    struct parameter *parameters;
    size_t count;
};

struct declarations {
    json_t *document;            /* what the node sent */
    struct declaration *methods; /* in the node's order; those of events.sock last */
    size_t count;
};

/* Asks the node. */
enum layerd_error declarations_fetch(struct cli *cli, struct declarations *declarations,
                                     struct layerd_failure *failure);
/* Reads an OpenRPC document (taken over). False when it is none. */
MUST_CHECK bool declarations_read(json_t *document, struct declarations *declarations);
void declarations_close(struct declarations *declarations); /* for CLEANUP; may be zeroed */

/* The methods of events.sock alone, without asking any node. */
void declarations_of_stream(struct declarations *declarations);

const struct declaration *declaration_find(const struct declarations *declarations,
                                           const char *method);                                  /* or NULL */
const struct parameter *parameter_find(const struct declaration *declaration, const char *name); /* or NULL */

#endif
