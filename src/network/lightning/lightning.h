/* Lightning as an outside network, through two implementations: Core Lightning ("lightning") over its Unix
 * socket, and LND ("lnd") over REST. */
#ifndef NETWORK_LIGHTNING_LIGHTNING_H
#define NETWORK_LIGHTNING_LIGHTNING_H

#include "network/network.h"

extern const struct network lightning_network; /* Core Lightning */
extern const struct network lnd_network;

#endif
