/* The node that a watcher asks: calls, as JSON in and out, over a connection that is made again when
 * it broke. */
#ifndef WATCH_NODE_H
#define WATCH_NODE_H

#include <jansson.h>

#include "base/bytes.h"
#include "layerd/layerd.h"

struct node {
    char *path;                    /* NULL: the dev network's */
    int timeout_ms;
    struct layerd_client *client;  /* NULL: not connected */
};
void node_close(struct node *node);

/* Calls the method; takes over `params`. *result is the caller's. A refusal has the node's code. */
MUST_CHECK enum status node_call(struct node *node, const char *method, json_t *params, json_t **result,
                                 struct error *error);
/* Submits what layerd_sign gave. When no reply comes, the same again: it runs once. */
MUST_CHECK enum status node_submit(struct node *node, const char *signed_text, struct error *error);
/* Whether the failure is one of the way to the node, which may be better the next time. */
MUST_CHECK bool node_is_away(enum status status);

/* --- members of a reply -------------------------------------------------------------------------- */
/* What is missing or of another kind is noted; fields_end tells. Outputs are then zero. */
struct fields {
    const json_t *object;
    const char *bad; /* the first such member */
};
void field_hash(struct fields *f, const char *name, struct hash *out);
void field_account(struct fields *f, const char *name, struct account_id *out);
uint64_t field_number(struct fields *f, const char *name);
bool field_boolean(struct fields *f, const char *name);
const char *field_text(struct fields *f, const char *name);   /* "" when it is bad */
const json_t *field_list(struct fields *f, const char *name); /* NULL when it is bad */
bool field_is_there(const struct fields *f, const char *name);
/* ERROR_PROTOCOL names the member. */
MUST_CHECK enum status fields_end(const struct fields *f, const char *method, struct error *error);

#endif
