/* Taproot Assets as an outside network: tapd over REST. */
#ifndef NETWORK_TAPROOT_TAPROOT_H
#define NETWORK_TAPROOT_TAPROOT_H

#include "network/network.h"

extern const struct network taproot_assets_network;

#endif
