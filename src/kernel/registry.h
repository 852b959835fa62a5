/* The registry: every module's declarations, found by name. Built once at start and read-only from then on.
 * Two modules that declare the same name, a command outside its module's prefix, or a base command that is
 * not signed are broken invariants: they show at the first start, not in production. */
#ifndef KERNEL_REGISTRY_H
#define KERNEL_REGISTRY_H

#include "kernel/module.h"

#define SWEEPS_MAX 32

struct registry;

struct registry *
registry_new(const struct module *const *modules); /* NULL-terminated; the kernel's own is added */
void registry_free(struct registry *registry);

const struct command *registry_command(const struct registry *registry, const char *name);
const struct query_method *registry_query(const struct registry *registry, const char *name);
const struct deadline_kind *registry_deadline(const struct registry *registry, const char *name);
const struct effect_kind *registry_effect(const struct registry *registry, const char *name);
/* All effect kinds, in order of name: 0 … registry_effect_count − 1; the index is −1 for none of that name.
 * */
size_t registry_effect_count(const struct registry *registry);
const struct effect_kind *registry_effect_at(const struct registry *registry, size_t index);
int registry_effect_index(const struct registry *registry, const char *name);

const struct reaction *registry_reaction(const struct registry *registry, const char *name);

/* All sweeps, in order of module: 0 … registry_sweep_count − 1; the index is −1 for none of that name. */
size_t registry_sweep_count(const struct registry *registry);
const struct sweep *registry_sweep(const struct registry *registry, size_t index);
int registry_sweep_index(const struct registry *registry, const char *name);

/* All modules in order, the kernel's own first: index 0 … registry_module_count − 1. */
size_t registry_module_count(const struct registry *registry);
const struct module *registry_module(const struct registry *registry, size_t index);

/* The declared method nearest to a mistyped one, or NULL when none is near. */
const char *registry_suggest(const struct registry *registry, const char *name);

/* How many letters must be changed, added or removed to get from one word to the other (at most `limit` + 1).
 */
unsigned edit_distance(const char *a, const char *b, unsigned limit);

#endif
