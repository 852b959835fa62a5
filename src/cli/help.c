/* Help: of the program from its own tables, of methods from what the node declares. */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "cli/options.h"
#include "cli/table.h"
#include "cli/word.h"

#define NAME_COLUMN 18

static void print_options(bool everywhere)
{
    for (size_t i = 0; i < option_count(); i++) {
        const struct option *option = option_at(i);
        char name[64];
        if (option->everywhere != everywhere)
            continue;
        snprintf(name, sizeof name, "--%s%s%s", option->name, option->value == NULL ? "" : " ",
                 option->value == NULL ? "" : option->value);
        printf("  %-24s %s\n", name, option->help);
    }
}

void help_print_usage(void)
{
    printf("layer-cli: a layerd node from the command line\n\n"
           "Usage: layer-cli [OPTIONS] METHOD [key=value… | JSON]\n"
           "       layer-cli [OPTIONS] WORD …\n\n"
           "METHOD is any method of the node ('layer-cli help' lists them). A value '@FILE' is read from a "
           "file.\n"
           "Where an account is expected, the operator may give the name of a key of the node.\n"
           "Secrets are asked for on the terminal, or read by --passphrase-file; never from the command "
           "line.\n\n"
           "Words:\n");
    for (size_t i = 0; i < word_count(); i++) {
        const struct word *word = word_at(i);
        printf("  %s%s%s\n      %s\n", word->name, word->usage[0] == '\0' ? "" : " ", word->usage,
               word->help);
    }
    printf("\nOptions:\n");
    print_options(true);
    printf("\nOptions of words:\n");
    print_options(false);
    printf("\nExit codes: 0 done · 1 the node refused · 2 wrong usage · 3 no node answers · 4 timed out\n"
           "            5 a check failed: do not trust what was checked · 6 output could not be written\n"
           "More: man layer-cli\n");
}

void help_print_words(void)
{
    struct declarations stream CLEANUP(declarations_close);

    declarations_of_stream(&stream);
    for (size_t i = 0; i < word_count(); i++)
        printf("word\t%s\t%s\n", word_at(i)->name, word_at(i)->options);
    for (size_t i = 0; i < option_count(); i++) {
        const struct option *option = option_at(i);
        printf("option\t%s\t%s\t%s\n", option->name, option->value == NULL ? "" : option->value,
               option->everywhere ? "everywhere" : "");
    }
    for (size_t i = 0; i < stream.count; i++) {
        printf("method\t%s\t%s", stream.methods[i].name, stream.methods[i].access);
        for (size_t j = 0; j < stream.methods[i].count; j++) {
            const struct parameter *p = &stream.methods[i].parameters[j];
            printf("\t%s:%s:%s:", p->name, p->type, p->required ? "required" : "optional");
        }
        printf("\n");
    }
}

/* --- the list --------------------------------------------------------------------------------- */

/* The part of a method's name before its first point. */
static size_t group_size(const char *name)
{
    return strcspn(name, ".");
}

static bool same_group(const char *a, const char *b)
{
    return group_size(a) == group_size(b) && memcmp(a, b, group_size(a)) == 0;
}

static size_t group_count(const struct declarations *declarations, const char *name)
{
    size_t count = 0;
    for (size_t i = 0; i < declarations->count; i++)
        count += same_group(declarations->methods[i].name, name);
    return count;
}

static void print_line(const struct declaration *method)
{
    printf("  %-24s %s%s\n", method->name, method->help,
           strcmp(method->access, "operator") == 0 ? " (operator)" : "");
}

/* Group by group, in the order in which the node has them; those with one method stand together at the
 * beginning. */
static void print_methods(const struct declarations *declarations)
{
    const struct declaration *methods = declarations->methods;
    printf("Methods of this node. 'layer-cli help METHOD' tells how each is called; 'layer-cli --help' the "
           "rest.\n\n");
    for (size_t i = 0; i < declarations->count; i++)
        if (group_count(declarations, methods[i].name) == 1)
            print_line(&methods[i]);
    for (size_t i = 0; i < declarations->count; i++) {
        bool first = group_count(declarations, methods[i].name) > 1;
        for (size_t j = 0; j < i && first; j++)
            first = !same_group(methods[j].name, methods[i].name);
        if (!first)
            continue;
        printf("\n");
        for (size_t j = i; j < declarations->count; j++)
            if (same_group(methods[j].name, methods[i].name))
                print_line(&methods[j]);
    }
}

/* --- one method ------------------------------------------------------------------------------- */

static const char *access_text(const char *access)
{
    if (strcmp(access, "signed") == 0)
        return "signed: with from=KEY the node signs (operator), or 'layer-cli call --key FILE' signs here";
    if (strcmp(access, "operator") == 0)
        return "the operator of the node";
    return "anybody who can open the socket";
}

static void add_row(json_t *rows, const struct parameter *parameter)
{
    struct buffer help CLEANUP(buffer_close) = { 0 };
    buffer_init(&help);
    buffer_append_text(&help, parameter->help);
    for (size_t i = 0; i < json_array_size(parameter->choices); i++)
        buffer_append_format(&help, "%s%s", i == 0 ? "; one of " : ", ",
                             json_string_value(json_array_get(parameter->choices, i)));
    bool is_none = json_is_integer(parameter->fallback) && json_integer_value(parameter->fallback) == 0;
    if (parameter->fallback != NULL && !is_none) { /* 0 is how the registry says "none" */
        buffer_append_text(&help, "; default ");
        if (strcmp(parameter->type, "duration") == 0)
            buffer_append_format(&help, "%.6gs", (double)json_integer_value(parameter->fallback) / 1000000);
        else
            table_cell(&help, NULL, parameter->fallback);
    }
    json_array_append_new(rows, json_pack("[s,s,s,s]", parameter->name,
                                          parameter->type[0] == '\0' ? "any" : parameter->type,
                                          parameter->required ? "required" : "optional", buffer_text(&help)));
}

/* What each item of a list is made of. */
static void add_item_rows(json_t *rows, const struct parameter *list)
{
    const char *key;
    json_t *schema;
    json_t *needed = json_object_get(list->items, "required");
    json_object_foreach(json_object_get(list->items, "properties"), key, schema) {
        bool required = false;
        for (size_t i = 0; i < json_array_size(needed); i++)
            required |= strcmp(json_string_value(json_array_get(needed, i)), key) == 0;
        AUTO_FREE char *name = text_format("  each .%s", key);
        const char *type = json_string_value(json_object_get(schema, "x-type"));
        const char *help = json_string_value(json_object_get(schema, "description"));
        add_row(rows, &(struct parameter){ .name = name,
                                           .type = type == NULL ? "" : type,
                                           .required = required,
                                           .help = help == NULL ? "" : help });
    }
}

static void print_parameters(const struct declaration *method)
{
    AUTO_JSON json_t *columns = json_pack("[s,s,s,s]", "parameter", "type", "", "meaning");
    AUTO_JSON json_t *rows = json_array();
    for (size_t i = 0; i < method->count; i++) {
        add_row(rows, &method->parameters[i]);
        if (method->parameters[i].items != NULL)
            add_item_rows(rows, &method->parameters[i]);
    }
    if (json_array_size(rows) == 0) {
        printf("No parameters.\n");
        return;
    }
    table_print_rows(stdout, columns, rows);
}

static bool takes_accounts(const struct declaration *method)
{
    for (size_t i = 0; i < method->count; i++)
        if (strcmp(method->parameters[i].type, "account") == 0)
            return true;
    return false;
}

static void print_method(const struct declaration *method)
{
    printf("%s\n\nUsage: layer-cli %s", method->help, method->name);
    for (size_t i = 0; i < method->count; i++) {
        const struct parameter *p = &method->parameters[i];
        if (strcmp(p->type, "secret") == 0)
            continue;
        printf(p->required ? " %s=…" : " [%s=…]", p->name);
    }
    printf("\n\n");
    print_parameters(method);
    printf("\nResult: %s\nFor:    %s%s\n", method->result[0] == '\0' ? "see --json" : method->result,
           access_text(method->access), method->dev_only ? "; on the dev network alone" : "");
    printf("Errors: each has a stable name and code, shown with its meaning; include/layerd/errors.def lists "
           "them.\n");
    if (takes_accounts(method))
        printf("Accounts: an address; from the operator also the name of one of the node's keys.\n");
    if (method->example != NULL)
        printf("\nExample:\n  layer-cli %s %s\n", method->name, method->example);
}

int word_help(struct cli *cli)
{
    struct declarations declarations CLEANUP(declarations_close) = { .document = NULL };
    struct layerd_failure failure;
    const struct word *word = cli->argument_count == 1 ? word_find(cli->arguments[0]) : NULL;

    if (word != NULL && strchr(word->name, '.') == NULL) {
        printf("%s\n\nUsage: layer-cli %s %s\n", word->help, word->name, word->usage);
        for (size_t i = 0; i < option_count(); i++)
            if (word_takes(word, option_at(i)->name))
                printf("  --%-16s %s\n", option_at(i)->name, option_at(i)->help);
        return EXIT_DONE;
    }
    if (declarations_fetch(cli, &declarations, &failure) != LAYERD_OK)
        return cli_failed(&failure);
    if (cli->argument_count == 0) {
        print_methods(&declarations);
        return EXIT_DONE;
    }
    const struct declaration *method = declaration_find(&declarations, cli->arguments[0]);
    if (method == NULL) {
        cli_fail(&failure, LAYERD_ERROR_METHOD_NOT_FOUND, "there is no method '%.64s'", cli->arguments[0]);
        return cli_failed(&failure);
    }
    print_method(method);
    return EXIT_DONE;
}
