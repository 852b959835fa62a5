/* Declarations of methods: see declaration.h. */
#include "cli/declaration.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

#define EVENT_PARAMETERS_MAX 4

/* The requests of events.sock that make sense alone (src/api/README.md). */
static const struct event_method {
    const char *name, *help, *result;
    struct {
        const char *name, *type;
        bool required;
        const char *help;
    } parameters[EVENT_PARAMETERS_MAX];
} event_methods[] = {
    { "hello",
      "Who the node is, and all types of events.",
      "{node, origin, types, …}",
      { { NULL, NULL, false, NULL } } },
    { "head", "The newest event.", "{head, hash, …}", { { NULL, NULL, false, NULL } } },
    { "events.get",
      "Events after a position, for scripts that poll.",
      "{events, next}",
      { { "after", "integer", false, "the seq before the first one wanted; 0: from the first" },
        { "limit", "integer", false, "how many at most" },
        { "types", "json", false, "array of globs; an event needs to match one" },
        { "subjects", "json", false, "array of subjects; an event needs to have one" } } },
    { "cursor.create",
      "Make a durable position.",
      "{}",
      { { "name", "text", true, "its name" },
        { "from", "", true, "first, now, {\"after\":N} or {\"time\":T}" },
        { "filter", "json", false, "what its subscriptions get: {\"types\":[…],\"subjects\":[…]}" },
        { "max_lag", "integer", false, "events it may fall behind before it is reported; 0: no bound" } } },
    { "cursor.list",
      "Your cursors; the operator sees all.",
      "{items, next}",
      { { "after", "text", false, "the name before the first one wanted" },
        { "limit", "integer", false, "how many at most" } } },
    { "cursor.set",
      "Move a cursor, either way.",
      "{}",
      { { "name", "text", true, "which" },
        { "seq", "integer", true, "all up to this event counts as done" } } },
    { "cursor.delete", "Forget a cursor.", "{}", { { "name", "text", true, "which" } } },
    { "checkpoint.get",
      "A signed head of the log.",
      "{size, note}",
      { { "size", "integer", false, "covering at least so many events; absent: the newest" } } },
    { "proof.inclusion",
      "That an event is in the log of a given size.",
      "{proof, …}",
      { { "seq", "integer", true, "the event" }, { "size", "integer", false, "events in the tree" } } },
    { "proof.consistency",
      "That a log is the beginning of a later one.",
      "{proof, …}",
      { { "first", "integer", true, "events in the earlier tree" },
        { "second", "integer", true, "events in the later tree" } } },
    { "ping", "An answer, as a sign of life.", "{}", { { NULL, NULL, false, NULL } } },
};

#define EVENT_METHOD_COUNT (sizeof event_methods / sizeof event_methods[0])

static const char *text_member(const json_t *object, const char *key, const char *otherwise)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? otherwise : text;
}

static void read_parameter(const json_t *json, struct parameter *parameter)
{
    const json_t *schema = json_object_get(json, "schema");
    const json_t *choices = json_object_get(schema, "enum");
    *parameter = (struct parameter){
        .name = text_member(json, "name", ""),
        .type = text_member(schema, "x-type", ""),
        .help = text_member(json, "description", ""),
        .required = json_is_true(json_object_get(json, "required")),
        .choices = json_is_array(choices) ? choices : NULL,
        .fallback = json_object_get(schema, "default"),
        .items = json_object_get(schema, "items"),
    };
}

/* A signed command may also be called with these two beside its own parameters. */
static const struct parameter envelope[] = {
    { .name = "from", .type = "text", .help = "the key of the node's keystore that signs (name or address)" },
    { .name = "valid_for",
      .type = "duration",
      .help = "how long the signed transaction may wait for its block" },
};

#define ENVELOPE_COUNT (sizeof envelope / sizeof envelope[0])

static bool read_method(const json_t *json, struct declaration *method)
{
    const json_t *parameters = json_object_get(json, "params");
    if (!json_is_string(json_object_get(json, "name")))
        return false;
    *method = (struct declaration){
        .name = text_member(json, "name", ""),
        .help = text_member(json, "summary", ""),
        .result = text_member(json_object_get(json, "result"), "description", ""),
        .example = text_member(json, "x-example", NULL),
        .access = text_member(json, "x-access", ""),
        .dev_only = strcmp(text_member(json, "x-network", ""), "dev") == 0,
    };
    bool is_signed = strcmp(method->access, "signed") == 0;
    method->parameters =
        memory_array(json_array_size(parameters) + ENVELOPE_COUNT, sizeof *method->parameters);
    for (size_t i = 0; i < json_array_size(parameters); i++)
        read_parameter(json_array_get(parameters, i), &method->parameters[method->count++]);
    for (size_t i = 0; is_signed && i < ENVELOPE_COUNT; i++)
        method->parameters[method->count++] = envelope[i];
    return true;
}

static void read_event_method(const struct event_method *known, struct declaration *method)
{
    *method = (struct declaration){
        .name = known->name, .help = known->help, .result = known->result, .access = "public"
    };
    method->parameters = memory_array(EVENT_PARAMETERS_MAX, sizeof *method->parameters);
    while (method->count < EVENT_PARAMETERS_MAX && known->parameters[method->count].name != NULL) {
        method->parameters[method->count] =
            (struct parameter){ .name = known->parameters[method->count].name,
                                .type = known->parameters[method->count].type,
                                .required = known->parameters[method->count].required,
                                .help = known->parameters[method->count].help };
        method->count++;
    }
}

bool declarations_read(json_t *document, struct declarations *declarations)
{
    const json_t *methods = json_object_get(document, "methods");
    struct declarations read = { .document = document };
    size_t count = json_array_size(methods);
    bool good = json_is_array(methods);

    read.methods = memory_array(count + EVENT_METHOD_COUNT, sizeof *read.methods);
    for (size_t i = 0; good && i < count; i++) {
        good = read_method(json_array_get(methods, i), &read.methods[read.count]);
        read.count += good;
    }
    if (!good) {
        declarations_close(&read);
        return false;
    }
    for (size_t i = 0; i < EVENT_METHOD_COUNT; i++)
        if (declaration_find(&read, event_methods[i].name) == NULL)
            read_event_method(&event_methods[i], &read.methods[read.count++]);
    *declarations = read;
    return true;
}

void declarations_of_stream(struct declarations *declarations)
{
    *declarations =
        (struct declarations){ .methods = memory_array(EVENT_METHOD_COUNT, sizeof(struct declaration)) };
    for (size_t i = 0; i < EVENT_METHOD_COUNT; i++)
        read_event_method(&event_methods[i], &declarations->methods[declarations->count++]);
}

void declarations_close(struct declarations *declarations)
{
    for (size_t i = 0; i < declarations->count; i++)
        free(declarations->methods[i].parameters);
    free(declarations->methods);
    json_decref(declarations->document);
    *declarations = (struct declarations){ .document = NULL };
}

enum layerd_error declarations_fetch(struct cli *cli, struct declarations *declarations,
                                     struct layerd_failure *failure)
{
    AUTO_FREE char *text = NULL;
    json_t *document;
    struct error error;

    enum layerd_error code = cli_call(cli, "rpc.discover", NULL, &text, failure);
    if (code != LAYERD_OK)
        return code;
    if (json_parse(text, strlen(text), &document, &error) != OK || !declarations_read(document, declarations))
        return cli_fail(failure, LAYERD_ERROR_PROTOCOL,
                        "the node's answer to rpc.discover is no OpenRPC document");
    return LAYERD_OK;
}

const struct declaration *declaration_find(const struct declarations *declarations, const char *method)
{
    for (size_t i = 0; i < declarations->count; i++)
        if (strcmp(declarations->methods[i].name, method) == 0)
            return &declarations->methods[i];
    return NULL;
}

const struct parameter *parameter_find(const struct declaration *declaration, const char *name)
{
    for (size_t i = 0; i < declaration->count; i++)
        if (strcmp(declaration->parameters[i].name, name) == 0)
            return &declaration->parameters[i];
    return NULL;
}
