/* Parameters: from JSON to the struct that a handler takes, by the command's declaration. Pure; the same for
 * calls, signed transactions and replay. */
#ifndef KERNEL_PARAM_H
#define KERNEL_PARAM_H

#include <jansson.h>

#include "kernel/module.h"

/* Fills a new struct of `size` bytes, with what it points to, in `arena`. NULL json means no parameters.
 * `chain` turns asset symbols into ids. ERROR_INVALID_PARAMS names the parameter, what was wrong and what is
 * expected; unknown members are errors. */
MUST_CHECK enum status params_parse(const struct param *params, size_t count, size_t size, const json_t *json,
                                    const char *chain, struct arena *arena, void **out, struct error *error);

/* Whether any of them, or of their lists' items, is a PARAM_SECRET: then the arena is to be wiped. */
bool params_have_secret(const struct param *params, size_t count);

/* The type as people see it ("account", "amount", "list of …"). */
const char *param_type_name(enum param_type type);

/* Writes the JSON Schema of one parameter. */
void param_write_schema(const struct param *param, struct writer *w);

#endif
