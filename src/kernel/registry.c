/* The registry: see registry.h. A sorted table for each kind of declaration, searched by halves. */
#include "kernel/registry.h"

#include <stdlib.h>
#include <string.h>

#include "kernel/history.h"
#include "kernel/kernel_module.h"
#include "kernel/param.h"

#define MODULES_MAX 64
#define WORD_MAX 64

struct entry {
    const char *name;
    const void *declaration;
};

struct table {
    struct entry *entries;
    size_t count;
};

struct registry {
    const struct module *modules[MODULES_MAX];
    size_t module_count;
    struct table commands, queries, deadlines, effects, reactions;
    const struct sweep *sweeps[SWEEPS_MAX];
    size_t sweep_count;
};

static int entry_compare(const void *a, const void *b)
{
    return strcmp(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

static void table_add(struct table *table, const char *name, const void *declaration)
{
    table->entries = memory_resize(table->entries, (table->count + 1) * sizeof(*table->entries));
    table->entries[table->count++] = (struct entry){ name, declaration };
}

static void table_sort(struct table *table)
{
    if (table->count == 0)
        return;
    qsort(table->entries, table->count, sizeof(*table->entries), entry_compare);
    for (size_t i = 1; i < table->count; i++)
        INVARIANT(strcmp(table->entries[i - 1].name, table->entries[i].name) != 0, "'%s' is declared twice",
                  table->entries[i].name);
}

static const struct entry *table_entry(const struct table *table, const char *name)
{
    const struct entry key = { name, NULL };

    if (table->count == 0)
        return NULL;
    return bsearch(&key, table->entries, table->count, sizeof(*table->entries), entry_compare);
}

static const void *table_find(const struct table *table, const char *name)
{
    const struct entry *found = table_entry(table, name);

    return found == NULL ? NULL : found->declaration;
}

static void check_params(const char *method, const struct param *params, size_t count, size_t size)
{
    for (size_t i = 0; i < count; i++) {
        INVARIANT(params[i].offset < size, "%s: parameter %s lies outside its struct", method,
                  params[i].name);
        INVARIANT(strcmp(params[i].name, "from") != 0 && strcmp(params[i].name, "valid_for") != 0,
                  "%s: '%s' belongs to the envelope of unsigned calls", method, params[i].name);
        INVARIANT(params[i].type != PARAM_CHOICE || params[i].choices != NULL, "%s: %s has no choices",
                  method, params[i].name);
        INVARIANT(params[i].type != PARAM_LIST || (params[i].item_size > 0 && params[i].most > 0),
                  "%s: the list %s has no bound", method, params[i].name);
    }
}

static void add_module(struct registry *r, const struct module *module)
{
    INVARIANT(r->module_count < MODULES_MAX, "more than %d modules", MODULES_MAX);
    r->modules[r->module_count++] = module;
    for (size_t i = 0; i < module->command_count; i++) {
        const struct command *c = &module->commands[i];

        INVARIANT(c->scope != SCOPE_BASE || c->access == ACCESS_SIGNED, "%s: base commands are signed",
                  c->name);
        INVARIANT(!c->sealed || (c->scope == SCOPE_LOCAL && c->access == ACCESS_SIGNED),
                  "%s: what all replicas execute, or nobody signs, cannot be sealed", c->name);
        INVARIANT(!params_have_secret(c->params, c->param_count),
                  "%s: a command's parameters wait and may be stored; secrets are for queries", c->name);
        check_params(c->name, c->params, c->param_count, c->params_size);
        table_add(&r->commands, c->name, c);
    }
    for (size_t i = 0; i < module->query_count; i++) {
        const struct query_method *q = &module->queries[i];

        INVARIANT(q->access == ACCESS_PUBLIC || q->access == ACCESS_OPERATOR, "%s: queries are not signed",
                  q->name);
        check_params(q->name, q->params, q->param_count, q->params_size);
        table_add(&r->queries, q->name, q);
    }
    for (size_t i = 0; i < module->deadline_count; i++)
        table_add(&r->deadlines, module->deadlines[i].name, &module->deadlines[i]);
    for (size_t i = 0; i < module->effect_count; i++)
        table_add(&r->effects, module->effects[i].name, &module->effects[i]);
    for (size_t i = 0; i < module->reaction_count; i++)
        table_add(&r->reactions, module->reactions[i].name, &module->reactions[i]);
    for (size_t i = 0; i < module->sweep_count; i++) {
        INVARIANT(r->sweep_count < SWEEPS_MAX, "more than %d sweeps", SWEEPS_MAX);
        r->sweeps[r->sweep_count++] = &module->sweeps[i];
    }
}

struct registry *registry_new(const struct module *const *modules)
{
    struct registry *r = memory_new(sizeof(*r));

    add_module(r, &kernel_module);
    add_module(r, &history_module);
    for (; *modules != NULL; modules++)
        add_module(r, *modules);
    table_sort(&r->commands);
    table_sort(&r->queries);
    table_sort(&r->deadlines);
    table_sort(&r->effects);
    table_sort(&r->reactions);
    for (size_t i = 0; i < r->commands.count; i++)
        INVARIANT(table_find(&r->queries, r->commands.entries[i].name) == NULL,
                  "'%s' is a command and a query", r->commands.entries[i].name);
    return r;
}

void registry_free(struct registry *r)
{
    if (r == NULL)
        return;
    free(r->commands.entries);
    free(r->queries.entries);
    free(r->deadlines.entries);
    free(r->effects.entries);
    free(r->reactions.entries);
    free(r);
}

const struct command *registry_command(const struct registry *r, const char *name)
{
    return table_find(&r->commands, name);
}

const struct query_method *registry_query(const struct registry *r, const char *name)
{
    return table_find(&r->queries, name);
}

const struct deadline_kind *registry_deadline(const struct registry *r, const char *name)
{
    return table_find(&r->deadlines, name);
}

const struct effect_kind *registry_effect(const struct registry *r, const char *name)
{
    return table_find(&r->effects, name);
}

size_t registry_effect_count(const struct registry *r)
{
    return r->effects.count;
}

const struct effect_kind *registry_effect_at(const struct registry *r, size_t index)
{
    return r->effects.entries[index].declaration;
}

int registry_effect_index(const struct registry *r, const char *name)
{
    const struct entry *found = table_entry(&r->effects, name);

    return found == NULL ? -1 : (int)(found - r->effects.entries);
}

const struct reaction *registry_reaction(const struct registry *r, const char *name)
{
    return table_find(&r->reactions, name);
}

size_t registry_sweep_count(const struct registry *r)
{
    return r->sweep_count;
}

const struct sweep *registry_sweep(const struct registry *r, size_t index)
{
    return r->sweeps[index];
}

int registry_sweep_index(const struct registry *r, const char *name)
{
    for (size_t i = 0; i < r->sweep_count; i++)
        if (strcmp(r->sweeps[i]->name, name) == 0)
            return (int)i;
    return -1;
}

size_t registry_module_count(const struct registry *r)
{
    return r->module_count;
}

const struct module *registry_module(const struct registry *r, size_t index)
{
    return r->modules[index];
}

unsigned edit_distance(const char *a, const char *b, unsigned limit)
{
    unsigned row[WORD_MAX + 1];
    size_t a_size = strlen(a), b_size = strlen(b);

    if (a_size > WORD_MAX || b_size > WORD_MAX)
        return limit + 1;
    for (size_t j = 0; j <= b_size; j++)
        row[j] = (unsigned)j;
    for (size_t i = 1; i <= a_size; i++) {
        unsigned diagonal = row[0];

        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b_size; j++) {
            unsigned above = row[j];
            unsigned best = diagonal + (a[i - 1] != b[j - 1]);

            if (above + 1 < best)
                best = above + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
            diagonal = above;
        }
    }
    return row[b_size] > limit ? limit + 1 : row[b_size];
}

const char *registry_suggest(const struct registry *r, const char *name)
{
    const struct table *tables[] = { &r->commands, &r->queries };
    const char *best = NULL;
    unsigned distance = 3;

    for (size_t t = 0; t < COUNT_OF(tables); t++) {
        for (size_t i = 0; i < tables[t]->count; i++) {
            unsigned here = edit_distance(name, tables[t]->entries[i].name, distance);

            if (here < distance) {
                distance = here;
                best = tables[t]->entries[i].name;
            }
        }
    }
    return best;
}
