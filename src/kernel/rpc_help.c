/* Help: see rpc_help.h. */
#include "kernel/rpc_help.h"

#include <string.h>

#include "kernel/kernel_module.h"
#include "kernel/param.h"

const char *access_name(enum access access)
{
    switch (access) {
    case ACCESS_PUBLIC: return "public";
    case ACCESS_SIGNED: return "signed";
    case ACCESS_OPERATOR: return "operator";
    case ACCESS_INTERNAL: return "internal";
    }
    return "";
}

static void write_line(struct writer *w, const char *name, const char *kind, enum access access,
                       const char *text)
{
    writer_object_begin(w);
    writer_member_text(w, "name", name);
    writer_member_text(w, "kind", kind);
    writer_member_text(w, "access", access_name(access));
    writer_member_text(w, "help", text);
    writer_object_end(w);
}

void rpc_help_all(const struct registry *registry, struct writer *w)
{
    writer_object_begin(w);
    writer_key(w, "methods");
    writer_array_begin(w);
    write_line(w, submit_method.name, "command", submit_method.access, submit_method.help);
    for (size_t i = 0; i < registry_module_count(registry); i++) {
        const struct module *module = registry_module(registry, i);

        for (size_t j = 0; j < module->command_count; j++) {
            if (module->commands[j].access != ACCESS_INTERNAL)
                write_line(w, module->commands[j].name, "command", module->commands[j].access,
                           module->commands[j].help);
        }
        for (size_t j = 0; j < module->query_count; j++)
            write_line(w, module->queries[j].name, "query", module->queries[j].access,
                       module->queries[j].help);
    }
    writer_array_end(w);
    writer_object_end(w);
}

static void write_params(struct writer *w, const struct param *params, size_t count)
{
    writer_array_begin(w);
    for (size_t i = 0; i < count; i++) {
        writer_object_begin(w);
        writer_member_text(w, "name", params[i].name);
        writer_member_text(w, "type", param_type_name(params[i].type));
        writer_member_boolean(w, "required", params[i].required);
        writer_member_text(w, "help", params[i].help);
        if (params[i].fallback != 0 && params[i].fallback != NOT_GIVEN)
            writer_member_unsigned(w, "default", params[i].fallback);
        if (params[i].choices != NULL) {
            writer_key(w, "choices");
            writer_array_begin(w);
            for (const char *const *choice = params[i].choices; *choice != NULL; choice++)
                writer_text(w, *choice);
            writer_array_end(w);
        }
        if (params[i].items != NULL) {
            writer_key(w, "items");
            write_params(w, params[i].items, params[i].item_params);
        }
        writer_object_end(w);
    }
    writer_array_end(w);
}

static void write_one(struct writer *w, const char *name, const char *kind, enum access access,
                      const char *text, const char *result, const char *example, const struct param *params,
                      size_t count)
{
    writer_object_begin(w);
    writer_member_text(w, "name", name);
    writer_member_text(w, "kind", kind);
    writer_member_text(w, "access", access_name(access));
    writer_member_text(w, "help", text);
    writer_member_text(w, "result", result);
    if (example != NULL)
        writer_member_text(w, "example", example);
    writer_key(w, "params");
    write_params(w, params, count);
    writer_object_end(w);
}

bool rpc_help_one(const struct registry *registry, const char *name, struct writer *w)
{
    const struct command *c = registry_command(registry, name);
    const struct query_method *q = registry_query(registry, name);

    if (strcmp(name, submit_method.name) == 0)
        write_one(w, submit_method.name, "command", submit_method.access, submit_method.help,
                  submit_method.result, submit_method.example, submit_method.params,
                  submit_method.param_count);
    else if (c != NULL && c->access != ACCESS_INTERNAL)
        write_one(w, c->name, "command", c->access, c->help, c->result, c->example, c->params,
                  c->param_count);
    else if (q != NULL)
        write_one(w, q->name, "query", q->access, q->help, q->result, q->example, q->params, q->param_count);
    else
        return false;
    return true;
}
