/* BOB: an OP-Stack chain that settles on Ethereum. Blocks every two seconds; `safe` is what its batches on
 * Ethereum say, `finalized` what Ethereum cannot take back. Source of the chain id: BOB's documentation,
 * "Network configuration" (mainnet 60808; the test network Sepolia is 808813). */
#include "network/evm/evm_client.h"

static const struct param options[] = {
    EVM_OPTIONS_COMMON,
    PARAM(struct evm_options, withdrawals_root, BOOLEAN, OPTIONAL,
          "withdrawal proofs: headers carry the message passer's storage root (Isthmus), and it is checked; "
          "false for development servers that do not fill it in", .fallback = true),
};

const struct evm_chain bob_chain = {
    .name = "bob", .family = EVM_OPTIMISM, .chain_id = 60808,
    .confirmations = 5,                 /* ten seconds of the sequencer's word */
    .fee_limit = "10000000000000000",   /* 0.01 ether */
    .log_range = 2000,                  /* what public servers of Ethereum chains allow */
    .bump_after = 30000000,             /* fifteen blocks */
    /* An eighth: geth and op-geth ask a tenth of both fees (txpool.pricebump), OpenEthereum an eighth. */
    .bump = 125,
};

static enum status initialize(const struct network_setup *setup, void **client, struct error *error)
{
    return evm_initialize(&bob_chain, setup, client, error);
}

const struct network bob_network = {
    .name = "bob",
    .help = "BOB, an OP-Stack rollup on Ethereum; or another OP-Stack chain, by chain_id",
    .options = options, .option_count = COUNT_OF(options), .options_size = sizeof(struct evm_options),
    .initialize = initialize,
    EVM_TABLE,
};
