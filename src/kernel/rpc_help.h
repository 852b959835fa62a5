/* Help: the registry's declarations as people read them. */
#ifndef KERNEL_RPC_HELP_H
#define KERNEL_RPC_HELP_H

#include "kernel/registry.h"

/* {"methods":[{"name","kind","access","help"}…]} */
void rpc_help_all(const struct registry *registry, struct writer *w);

/* {"name","kind","access","help","result","example","params":[{"name","type","required","help","default",
 * "choices"}…]}; false: no such method. */
bool rpc_help_one(const struct registry *registry, const char *name, struct writer *w);

/* The word for who may call. */
const char *access_name(enum access access);

#endif
