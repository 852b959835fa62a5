/* The registry written out. The kernel writes the documents; here they are broken into lines, so that a
 * change of them can be read in a diff. */
#include "node/exports.h"

#include <stdlib.h>

#include "base/json.h"
#include "kernel/kernel.h"
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
    struct buffer document CLEANUP(buffer_close) = { 0 };
    struct writer w;

    buffer_init(&document);
    writer_init(&w, &document);
    kernel_write_openrpc(modules, &w);
    writer_finish(&w);
    append_indented(out, &document);
}

void export_events_schema(struct buffer *out)
{
    struct buffer document CLEANUP(buffer_close) = { 0 };
    struct writer w;

    buffer_init(&document);
    writer_init(&w, &document);
    kernel_write_event_schema(&w);
    writer_finish(&w);
    append_indented(out, &document);
}

static const char *member(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text == NULL ? "" : text;
}

static void append_param(struct buffer *out, const json_t *param)
{
    const json_t *schema = json_object_get(param, "schema"), *choice;
    size_t index;

    buffer_append_format(out, "\t%s:%s:%s:", member(param, "name"), member(schema, "x-type"),
                         json_is_true(json_object_get(param, "required")) ? "required" : "optional");
    json_array_foreach (json_object_get(schema, "enum"), index, choice)
        buffer_append_format(out, "%s%s", index == 0 ? "" : "|", json_string_value(choice));
}

void export_methods(struct buffer *out)
{
    struct buffer text CLEANUP(buffer_close) = { 0 };
    json_t *document AUTO_JSON = NULL;
    const json_t *method, *param;
    size_t index, place;

    buffer_init(&text);
    export_openrpc(&text);
    document = json_loadb((const char *)text.data, text.size, 0, NULL);
    INVARIANT(document != NULL, "the OpenRPC document is no JSON");
    json_array_foreach (json_object_get(document, "methods"), index, method) {
        buffer_append_format(out, "%s\t%s", member(method, "name"), member(method, "x-access"));
        json_array_foreach (json_object_get(method, "params"), place, param)
            append_param(out, param);
        buffer_append_text(out, "\n");
    }
}
