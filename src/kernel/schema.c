/* The registry as documents: OpenRPC for methods, JSON Schema for events. schema/rpc.json and
 * schema/events.json are these. */
#include <string.h>

#include "config.h"
#include "kernel/kernel.h"
#include "kernel/history.h"
#include "kernel/kernel_module.h"
#include "kernel/param.h"
#include "kernel/rpc_help.h"

/* --- OpenRPC ---------------------------------------------------------------------------------- */
static void write_param(const struct param *param, struct writer *w)
{
    writer_object_begin(w);
    writer_member_text(w, "name", param->name);
    writer_member_text(w, "description", param->help);
    writer_member_boolean(w, "required", param->required);
    writer_key(w, "schema");
    param_write_schema(param, w);
    writer_object_end(w);
}

struct method {
    const char *name, *help, *result, *example, *kind;
    enum access access;
    const struct param *params;
    size_t param_count;
    bool dev_only;
};

static void write_method(const struct method *m, struct writer *w)
{
    writer_object_begin(w);
    writer_member_text(w, "name", m->name);
    writer_member_text(w, "summary", m->help);
    writer_member_text(w, "paramStructure", "by-name");
    writer_key(w, "params");
    writer_array_begin(w);
    for (size_t i = 0; i < m->param_count; i++)
        write_param(&m->params[i], w);
    writer_array_end(w);
    writer_key(w, "result");
    writer_object_begin(w);
    writer_member_text(w, "name", "result");
    writer_member_text(w, "description", m->result);
    writer_key(w, "schema");
    writer_object_begin(w);
    writer_object_end(w);
    writer_object_end(w);
    writer_member_text(w, "x-kind", m->kind);
    writer_member_text(w, "x-access", access_name(m->access));
    if (m->dev_only)
        writer_member_text(w, "x-network", "dev");
    if (m->example != NULL)
        writer_member_text(w, "x-example", m->example);
    writer_object_end(w);
}

static void write_methods(const struct module *module, struct writer *w)
{
    for (size_t i = 0; i < module->command_count; i++) {
        const struct command *c = &module->commands[i];

        if (c->access != ACCESS_INTERNAL)
            write_method(&(struct method){ c->name, c->help, c->result, c->example, "command", c->access,
                                           c->params, c->param_count, c->dev_only },
                         w);
    }
    for (size_t i = 0; i < module->query_count; i++) {
        const struct query_method *q = &module->queries[i];

        write_method(&(struct method){ q->name, q->help, q->result, q->example, "query", q->access, q->params,
                                       q->param_count, false }, w);
    }
}

static void write_submit(struct writer *w)
{
    const struct query_method *m = &submit_method;

    write_method(&(struct method){ m->name, m->help, m->result, m->example, "command", m->access, m->params,
                                   m->param_count, false }, w);
}

void kernel_write_openrpc(const struct module *const *modules, struct writer *w)
{
    writer_object_begin(w);
    writer_member_text(w, "openrpc", "1.2.6");
    writer_key(w, "info");
    writer_object_begin(w);
    writer_member_text(w, "title", "layerd");
    writer_member_text(w, "version", PACKAGE_VERSION);
    writer_member_text(
        w, "description",
        "JSON-RPC 2.0, one message a line, on layerd.sock. Methods of access 'signed' are sent inside "
        METHOD_SUBMIT
        ", or as they are with 'from' naming a key of the node (and 'valid_for').");
    writer_object_end(w);
    writer_key(w, "methods");
    writer_array_begin(w);
    write_submit(w);
    write_methods(&kernel_module, w);
    write_methods(&history_module, w);
    for (; *modules != NULL; modules++)
        write_methods(*modules, w);
    writer_array_end(w);
    writer_key(w, "components");
    writer_object_begin(w);
    writer_key(w, "errors");
    writer_object_begin(w);
    for (size_t i = 0; i < status_count(); i++) {
        writer_key(w, status_name(status_at(i)));
        writer_object_begin(w);
        writer_member_integer(w, "code", status_at(i));
        writer_member_text(w, "message", status_meaning(status_at(i)));
        writer_object_end(w);
    }
    writer_object_end(w);
    writer_object_end(w);
    writer_object_end(w);
}

/* --- events ----------------------------------------------------------------------------------- */
static void write_field_schema(const struct event_field *field, struct writer *w)
{
    writer_object_begin(w);
    writer_member_text(w, "description", field->help);
    writer_member_text(w, "x-type", field->type);
    if (strcmp(field->type, "account") == 0) {
        writer_member_text(w, "type", "string");
        writer_member_text(w, "pattern", "^lyt?1[02-9ac-hj-np-z]{58}$");
    } else if (strcmp(field->type, "hash") == 0) {
        writer_member_text(w, "type", "string");
        writer_member_text(w, "pattern", "^[0-9a-f]{64}$");
    } else if (strcmp(field->type, "symbol") == 0) {
        writer_member_text(w, "type", "string");
        writer_member_text(w, "pattern", "^[A-Z][A-Z0-9]{1,11}$");
    } else if (strcmp(field->type, "text") == 0) {
        writer_member_text(w, "type", "string");
    } else if (strcmp(field->type, "boolean") == 0) {
        writer_member_text(w, "type", "boolean");
    } else if (strcmp(field->type, "json") != 0) {
        writer_member_text(w, "type", "integer");
        writer_member_unsigned(w, "minimum", strcmp(field->type, "amount") == 0 ? 1 : 0);
        writer_member_unsigned(w, "maximum", INTEGER_MAX);
    }
    writer_object_end(w);
}

static void write_event_type(const struct event_type *type, struct writer *w)
{
    writer_key(w, type->name);
    writer_object_begin(w);
    writer_member_text(w, "description", type->text);
    writer_member_unsigned(w, "x-version", type->version);
    if (type->subject_kind != NULL)
        writer_member_text(w, "x-subject", type->subject_kind);
    writer_member_text(w, "type", "object");
    writer_key(w, "properties");
    writer_object_begin(w);
    for (size_t i = 0; i < type->field_count; i++) {
        writer_key(w, type->fields[i].name);
        write_field_schema(&type->fields[i], w);
    }
    writer_object_end(w);
    writer_key(w, "required");
    writer_array_begin(w);
    for (size_t i = 0; i < type->field_count; i++) {
        if (!type->fields[i].optional)
            writer_text(w, type->fields[i].name);
    }
    writer_array_end(w);
    writer_member_boolean(w, "additionalProperties", false);
    writer_object_end(w);
}

void kernel_write_event_schema(struct writer *w)
{
    writer_object_begin(w);
    writer_member_text(w, "$schema", "https://json-schema.org/draft/2020-12/schema");
    writer_member_text(w, "title", "layerd events");
    writer_member_text(w, "description",
                       "The data member of each event, by type. A type's version only grows.");
    writer_key(w, "$defs");
    writer_object_begin(w);
    for (size_t i = 0; i < event_type_count(); i++)
        write_event_type(event_type_at(i), w);
    writer_object_end(w);
    writer_object_end(w);
}
