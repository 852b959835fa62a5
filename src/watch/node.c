/* The node that a watcher asks: see node.h. */
#include "watch/node.h"

#include <stdlib.h>
#include <string.h>

#include "base/bech32.h"
#include "base/json.h"
#include "base/memory.h"

#define SUBMITS_MOST 3 /* of one transaction, in one look */

void node_close(struct node *node)
{
    layerd_close(node->client);
    node->client = NULL;
    free(node->path);
    node->path = NULL;
}

bool node_is_away(enum status status)
{
    return status == ERROR_CONNECT || status == ERROR_DISCONNECTED || status == ERROR_TIMEOUT ||
           status == ERROR_STOPPING || status == ERROR_BUSY;
}

static enum status failed(struct node *node, const struct layerd_failure *failure, struct error *error)
{
    const enum status status = (enum status)failure->code;

    if (status == ERROR_DISCONNECTED || status == ERROR_PROTOCOL || status == ERROR_TIMEOUT) {
        layerd_close(node->client);
        node->client = NULL;
    }
    return error_set(error, status, "%s", failure->message);
}

static enum status call_text(struct node *node, const char *method, const char *params, char **result,
                             struct error *error)
{
    struct layerd_failure failure;

    if (node->client == NULL &&
        layerd_connect(node->path, LAYERD_SOCKET_CALLS, node->timeout_ms, &node->client, &failure) !=
            LAYERD_OK)
        return error_set(error, (enum status)failure.code, "%s", failure.message);
    if (layerd_call(node->client, method, params, node->timeout_ms, result, &failure) != LAYERD_OK)
        return failed(node, &failure, error);
    return OK;
}

/* Where the connection broke, on a new one: a query may be asked again; a signed transaction runs once. */
static enum status call_twice(struct node *node, const char *method, const char *params, char **result,
                              struct error *error)
{
    enum status status = call_text(node, method, params, result, error);

    return status == ERROR_DISCONNECTED ? call_text(node, method, params, result, error) : status;
}

enum status node_call(struct node *node, const char *method, json_t *params, json_t **result,
                      struct error *error)
{
    AUTO_JSON json_t *taken = params;
    char *text AUTO_FREE = NULL;
    char *reply AUTO_FREE = NULL;

    text = taken == NULL ? NULL : json_dumps(taken, JSON_COMPACT);
    TRY(call_twice(node, method, text, &reply, error));
    return json_parse(reply, strlen(reply), result, error);
}

enum status node_submit(struct node *node, const char *signed_text, struct error *error)
{
    enum status status = OK;

    for (int i = 0; i < SUBMITS_MOST; i++) {
        char *reply AUTO_FREE = NULL;

        status = call_twice(node, "transaction.submit", signed_text, &reply, error);
        if (status != ERROR_TIMEOUT)
            break;
    }
    return status;
}

/* --- members of a reply ----------------------------------------------------------------------- */
static void note_bad(struct fields *f, const char *name)
{
    if (f->bad == NULL)
        f->bad = name;
}

const char *field_text(struct fields *f, const char *name)
{
    const char *text = json_string_value(json_object_get(f->object, name));

    if (text == NULL)
        note_bad(f, name);
    return text == NULL ? "" : text;
}

void field_hash(struct fields *f, const char *name, struct hash *out)
{
    const char *text = field_text(f, name);

    *out = (struct hash){ { 0 } };
    if (!hex_decode(out->bytes, sizeof(out->bytes), text, strlen(text)))
        note_bad(f, name);
}

void field_account(struct fields *f, const char *name, struct account_id *out)
{
    const char *text = field_text(f, name);

    *out = (struct account_id){ { 0 } };
    if (!address_decode(out, text, strlen(text)))
        note_bad(f, name);
}

uint64_t field_number(struct fields *f, const char *name)
{
    const json_t *value = json_object_get(f->object, name);

    if (json_is_integer(value) && json_integer_value(value) >= 0 &&
        (uint64_t)json_integer_value(value) <= INTEGER_MAX)
        return (uint64_t)json_integer_value(value);
    note_bad(f, name);
    return 0;
}

bool field_boolean(struct fields *f, const char *name)
{
    const json_t *value = json_object_get(f->object, name);

    if (!json_is_boolean(value))
        note_bad(f, name);
    return json_is_true(value);
}

const json_t *field_list(struct fields *f, const char *name)
{
    const json_t *value = json_object_get(f->object, name);

    if (json_is_array(value))
        return value;
    note_bad(f, name);
    return NULL;
}

bool field_is_there(const struct fields *f, const char *name)
{
    const json_t *value = json_object_get(f->object, name);

    return value != NULL && !json_is_null(value);
}

enum status fields_end(const struct fields *f, const char *method, struct error *error)
{
    if (f->bad == NULL)
        return OK;
    return error_set(error, ERROR_PROTOCOL, "%s: the reply has no '%s' of the kind that is expected", method,
                     f->bad);
}
