/* Rootstock: a chain with its own EVM, merged-mined with Bitcoin. Legacy transactions alone, no tags but
 * depth, no EIP-1186: its trie is another, and proofs are of receipts. Blocks every thirty seconds. Sources:
 * rskj (RskJ 9), module rsk; Rootstock's documentation "MetaMask" (chain ids 30, 31 for the test network;
 * regtest is 33). */
#include "network/evm/evm_client.h"

static const struct param options[] = {
    EVM_OPTIONS_COMMON,
    PARAM(struct evm_options, rsk_methods, BOOLEAN, OPTIONAL,
          "the server has the module rsk, from which headers and proofs come; false for development servers "
          "that have Ethereum's methods alone", .fallback = true),
    PARAM(struct evm_options, work_least, TEXT, OPTIONAL,
          "decimal difficulty from which on a block's merged mining counts as an anchor of proofs; default: "
          "it never does"),
};

const struct evm_chain rootstock_chain = {
    .name = "rootstock", .family = EVM_ROOTSTOCK, .chain_id = 30,
    .confirmations = 12,                /* six minutes */
    .fee_limit = "500000000000000",     /* 0.0005 bitcoin */
    .log_range = 5000,                  /* rskj's limit */
    .bump_after = 150000000,            /* five blocks; pools forget what is ten old */
    .bump = 400,                        /* rskj's transaction.gasPriceBump, reference.conf */
};

static enum status initialize(const struct network_setup *setup, void **client, struct error *error)
{
    return evm_initialize(&rootstock_chain, setup, client, error);
}

const struct network rootstock_network = {
    .name = "rootstock",
    .help = "Rootstock, a chain with an EVM that is merged-mined with Bitcoin",
    .options = options, .option_count = COUNT_OF(options), .options_size = sizeof(struct evm_options),
    .initialize = initialize,
    EVM_TABLE,
};
