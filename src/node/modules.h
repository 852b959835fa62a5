/* The list of modules: what this node can do. A new one is a folder under src/ and one line in modules.c. */
#ifndef NODE_MODULES_H
#define NODE_MODULES_H

#include "kernel/module.h"

extern const struct module *const modules[]; /* ends with NULL; the kernel's own module is not in it */

#endif
