/* The network "stacks". */
#ifndef NETWORK_STACKS_STACKS_H
#define NETWORK_STACKS_STACKS_H

#include "network/network.h"

extern const struct network stacks_network;

#endif
