/* The registry written out. The kernel writes the documents; here they are broken into lines, so that a
 * change of them can be read in a diff. */
#include "node/exports.h"

#include <stdlib.h>

#include "base/json.h"
#include "kernel/kernel.h"
#include "kernel/param.h"
#include "kernel/registry.h"
#include "node/modules.h"

#define INDENT 2

static void append_indented(struct buffer *out, const struct buffer *document)
{
    json_t *value AUTO_JSON =
        json_loadb((const char *)document->data, document->size, JSON_REJECT_DUPLICATES, NULL);
    char *text;

    INVARIANT(value != NULL, "the kernel wrote a document that is no JSON");
    text = json_dumps(value, JSON_INDENT(INDENT) | JSON_PRESERVE_ORDER);
    INVARIANT(text != NULL, "a document that was read cannot be written");
    buffer_append_format(out, "%s\n", text);
    free(text);
}

void export_openrpc(struct buffer *out)
{
    struct buffer document CLEANUP(buffer_close);
    struct writer w;

    buffer_init(&document);
    writer_init(&w, &document);
    kernel_write_openrpc(modules, &w);
    writer_finish(&w);
    append_indented(out, &document);
}

void export_events_schema(struct buffer *out)
{
    struct buffer document CLEANUP(buffer_close);
    struct writer w;

    buffer_init(&document);
    writer_init(&w, &document);
    kernel_write_event_schema(&w);
    writer_finish(&w);
    append_indented(out, &document);
}

static const char *access_name(enum access access)
{
    switch (access) {
    case ACCESS_PUBLIC:
        return "public";
    case ACCESS_SIGNED:
        return "signed";
    case ACCESS_OPERATOR:
        return "operator";
    case ACCESS_INTERNAL:
        return "internal";
    }
    return "";
}

static void append_method(struct buffer *out, const char *name, enum access access,
                          const struct param *params, size_t count)
{
    if (access == ACCESS_INTERNAL)
        return;
    buffer_append_format(out, "%s\t%s", name, access_name(access));
    for (size_t i = 0; i < count; i++) {
        buffer_append_format(out, "\t%s:%s:%s:", params[i].name, param_type_name(params[i].type),
                             params[i].required ? "required" : "optional");
        for (size_t c = 0; params[i].choices != NULL && params[i].choices[c] != NULL; c++)
            buffer_append_format(out, "%s%s", c == 0 ? "" : "|", params[i].choices[c]);
    }
    buffer_append_text(out, "\n");
}

void export_methods(struct buffer *out)
{
    struct registry *registry = registry_new(modules);

    for (size_t m = 0; m < registry_module_count(registry); m++) {
        const struct module *module = registry_module(registry, m);

        for (size_t i = 0; i < module->command_count; i++)
            append_method(out, module->commands[i].name, module->commands[i].access,
                          module->commands[i].params, module->commands[i].param_count);
        for (size_t i = 0; i < module->query_count; i++)
            append_method(out, module->queries[i].name, module->queries[i].access, module->queries[i].params,
                          module->queries[i].param_count);
    }
    registry_free(registry);
}
