/* One line a network: see src/network/README.md for how one is added. Order is that of network.networks. */
#include "node/networks.h"

#include "layer2/channel/network.h"
#include "network/evm/evm_client.h"
#include "network/lightning/lightning.h"
#include "network/liquid/liquid.h"
#include "network/stacks/stacks.h"
#include "network/taproot/taproot.h"

const struct network *const networks[] = {
    &bob_network,
    &rootstock_network,
    &liquid_network,
    &lightning_network,
    &lnd_network,
    &stacks_network,
    &taproot_assets_network,
    &state_channel_network,
    NULL,
};
