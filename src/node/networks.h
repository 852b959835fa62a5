/* The outside networks that this program has. */
#ifndef NODE_NETWORKS_H
#define NODE_NETWORKS_H

#include "network/network.h"

extern const struct network *const networks[]; /* ends with NULL */

#endif
