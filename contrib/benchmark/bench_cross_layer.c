/* cross_layer: transfers between ledgers.
 *
 *   settled     between the base ledger and payment channels, from transfer.start to the settled transfer
 *               (both locks, both claims, each durable), half of them each way, OUTSTANDING under way at once
 *   evm         between the base ledger and an EVM chain, one at a time, step by step: cross_layer_evm.c
 *
 *   bench_cross_layer DIRECTORY LAYERD      anvil lies in interop/ beside layerd */
#include <libgen.h>
#include <stdlib.h>
#include <string.h>

#include "base/bech32.h"
#include "base/memory.h"
#include "caller.h"
#include "cross_layer.h"
#include "crypto/hash.h"
#include "lanes.h"
#include "layer2/channel/channel.h"
#include "layer2/payment/payment.h"
#include "layer2/transfer/transfer.h"
#include "ledger/ledger.h"
#include "measure.h"

#define CHAINS 16         /* account – provider, provider – recipient */
#define FUNDS 100000000
#define AMOUNT 1000
#define OUTSTANDING 128
#define TRANSFERS 600     /* of one repetition */
#define SOURCE_TIMEOUT "1h" /* of a channel: what is needed at least is seconds on dev */

struct bench {
    struct lanes lanes;
    char accounts[CHAINS][ADDRESS_TEXT_MAX], recipients[CHAINS][ADDRESS_TEXT_MAX];
};

static json_t *params(void *context, size_t i)
{
    const struct bench *b = context;

    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:i, s:s*}", "from", b->accounts[i % CHAINS], "asset", "DEV",
                     "source", i % 2 == 0 ? "base" : "channel", "destination",
                     i % 2 == 0 ? "channel" : "base", "recipient", b->recipients[i % CHAINS], "amount",
                     AMOUNT, "timeout", i % 2 == 0 ? NULL : SOURCE_TIMEOUT);
}

static void offer(struct bench *b, const char *provider, const char *source, const char *destination)
{
    tell(b->lanes.node.kernel, "transfer.provider_terms",
         json_pack("{s:s, s:s, s:s, s:s, s:i, s:i, s:I}", "provider", provider, "asset", "DEV", "source",
                   source, "destination", destination, "fee_fixed", 1, "most", 10 * AMOUNT, "daily",
                   (json_int_t)FUNDS * 100));
}

static struct account_id new_account(struct bench *b, const char *kind, size_t i,
                                     char address[ADDRESS_TEXT_MAX])
{
    char *name AUTO_FREE = text_format("%s%zu", kind, i);
    struct account_id account = new_key(b->lanes.keystore, name, b->lanes.secret);

    address_encode(address, &account);
    return account;
}

static void build(struct bench *b, const char *directory)
{
    static const struct module *const modules[] = { &ledger_module,  &channel_module, &channel_local_module,
                                                    &payment_module, &invoice_module, &transfer_module,
                                                    NULL };
    char address[ADDRESS_TEXT_MAX];
    struct account_id provider;

    b->lanes.method = "transfer.start";
    b->lanes.params = params;
    b->lanes.context = b;
    b->lanes.at_once = OUTSTANDING;
    b->lanes.ended_type = event_type_index("transfer.settled");
    b->lanes.failed_type = event_type_index("transfer.expired");
    lanes_start(&b->lanes, directory, modules, 8);
    provider = new_key(b->lanes.keystore, "provider", b->lanes.secret);
    address_encode(address, &provider);
    tell(b->lanes.node.kernel, "dev.faucet", json_pack("{s:s}", "from", "provider"));
    for (size_t i = 0; i < CHAINS; i++) {
        struct account_id from = new_account(b, "account", i, b->accounts[i]);
        struct account_id to = new_account(b, "recipient", i, b->recipients[i]);

        tell(b->lanes.node.kernel, "dev.faucet", json_pack("{s:s}", "from", b->accounts[i]));
        lanes_open_channel(&b->lanes, from, provider, 2 * i, FUNDS);
        lanes_open_channel(&b->lanes, provider, to, 2 * i + 1, FUNDS);
    }
    tell(b->lanes.node.kernel, "transfer.provider_register",
         json_pack("{s:s, s:s}", "account", address, "name", "provider"));
    offer(b, address, "base", "channel");
    offer(b, address, "channel", "base");
}

static void measure_rate(const char *directory)
{
    struct bench *b = memory_new(sizeof(*b));
    struct samples rates = { 0 };

    build(b, directory);
    for (int i = 0; i < REPETITIONS; i++) {
        double rate = lanes_run(&b->lanes, TRANSFERS);

        samples_add(&rates, rate);
        say("cross_layer %d of %d: %.0f transfers/s", i + 1, REPETITIONS, rate);
    }
    metric(CROSS_LAYER_BENCH, "settled_per_second", samples_median(&rates), "1/s", "higher");
    lanes_stop(&b->lanes);
    free(b);
}

int main(int argc, char **argv)
{
    if (argc != 3)
        fatal("usage: bench_cross_layer DIRECTORY LAYERD");
    crypto_start();
    char *node AUTO_FREE = text_format("%s/node", argv[1]);
    char *layerd AUTO_FREE = text_copy(argv[2]);
    char *interop AUTO_FREE = text_format("%s/interop", dirname(layerd));

    measure_rate(node);
    measure_evm(argv[1], interop);
    return 0;
}
