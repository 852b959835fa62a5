/* The network "liquid". */
#ifndef NETWORK_LIQUID_LIQUID_H
#define NETWORK_LIQUID_LIQUID_H

#include "network/network.h"

extern const struct network liquid_network;

#endif
