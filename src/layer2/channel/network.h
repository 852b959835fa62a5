/* This node's own channels as one of the outside networks (network/network.h): so that whoever follows writes
 * there follows them here in the same way. There is no server; the functions read the node's rows and bring
 * commands in, and add no rule of their own. */
#ifndef LAYER2_CHANNEL_NETWORK_H
#define LAYER2_CHANNEL_NETWORK_H

#include "network/network.h"

extern const struct network state_channel_network; /* "state-channel" */

#endif
