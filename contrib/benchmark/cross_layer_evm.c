/* cross_layer, swaps between the base ledger and an EVM chain (anvil), one at a time: how long each step
 * takes, by the moments at which the node's events are durable. Account and provider are keys of the node, so
 * that nobody is waited for. Two chains: one with a block for each transaction, at once, and one with a block
 * every second.
 *
 * What no node can be faster than is `confirmations` blocks for what has to be deep: the floor beside the
 * steps that wait for it. */
#include "cross_layer.h"

#include <stdlib.h>
#include <string.h>

#include "anvil_process.h"
#include "base/bech32.h"
#include "base/memory.h"
#include "caller.h"
#include "child.h"
#include "layer2/channel/channel.h"
#include "layer2/payment/payment.h"
#include "layer2/transfer/transfer.h"
#include "ledger/ledger.h"
#include "local_node.h"
#include "measure.h"
#include "network/evm/address.h"
#include "network/evm/evm_client.h"
#include "network/network.h"

#define AMOUNT 5000
#define RECIPIENT_THERE "0x7777777777777777777777777777777777777777"
#define PATIENCE_S 120

/* Moments of one swap. A write is made by the provider's link or the account's; there are two of them. */
enum mark { ASKED, STARTED, SOURCE_LOCKED, DESTINATION_LOCKED, CLAIMED, SETTLED, FIRST_SENT, SECOND_SENT };
#define MARKS 8

struct step {
    const char *name;
    enum mark from, to;
    unsigned floor; /* how often `confirmations` blocks pass in it */
};

#define QUOTED { "quote_to_start", ASKED, STARTED, 0 }
static const struct step to_evm[] = {
    QUOTED,
    { "source_locked", STARTED, SOURCE_LOCKED, 0 },
    { "destination_sent", SOURCE_LOCKED, FIRST_SENT, 0 },
    { "destination_deep", FIRST_SENT, DESTINATION_LOCKED, 1 },
    { "claim_sent", DESTINATION_LOCKED, SECOND_SENT, 0 },
    { "claim_deep", SECOND_SENT, CLAIMED, 1 },
    { "settled", CLAIMED, SETTLED, 0 },
    { "whole", ASKED, SETTLED, 2 },
};
static const struct step from_evm[] = {
    QUOTED,
    { "source_sent", STARTED, FIRST_SENT, 0 },
    { "source_deep", FIRST_SENT, SOURCE_LOCKED, 1 },
    { "destination_locked", SOURCE_LOCKED, DESTINATION_LOCKED, 0 },
    { "claimed", DESTINATION_LOCKED, CLAIMED, 0 },
    { "source_claim_sent", CLAIMED, SECOND_SENT, 0 },
    { "source_claim_deep", SECOND_SENT, SETTLED, 1 },
    { "whole", ASKED, SETTLED, 2 },
};
#define STEPS COUNT_OF(to_evm)
_Static_assert(COUNT_OF(to_evm) == COUNT_OF(from_evm), "both ways have as many steps");

struct mode {
    const char *name;
    unsigned block_s, confirmations;
};
/* Where blocks come by transactions alone, nothing gets deeper than one. */
static const struct mode modes[] = { { "at_once", 0, 1 }, { "blocks", 1, 2 } };

struct swaps {
    struct local_node node;
    struct anvil_process anvil;
    const struct mode *mode;
    struct keystore *keystore;
    char account[ADDRESS_TEXT_MAX], provider[ADDRESS_TEXT_MAX], recipient[ADDRESS_TEXT_MAX];
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int64_t at[MARKS];         /* 0: not yet */
    size_t connected, confirmed; /* links, and writes of ours in a block */
};

/* --- what the log tells, and when ------------------------------------------------------------------- */
static bool is(const struct publication_entry *entry, const char *type)
{
    return entry->type == event_type_index(type);
}

static void mark(struct swaps *s, enum mark mark, int64_t at_ns)
{
    if (s->at[mark] == 0)
        s->at[mark] = at_ns;
}

static void take_event(struct swaps *s, const struct publication_entry *entry, int64_t at_ns)
{
    static const struct {
        const char *type;
        enum mark mark;
    } marks[] = { { "transfer.initiated", STARTED }, { "transfer.source_locked", SOURCE_LOCKED },
                  { "transfer.destination_locked", DESTINATION_LOCKED }, { "transfer.claimed", CLAIMED },
                  { "transfer.settled", SETTLED } };
    static const char *const bad[] = { "transfer.refunded", "transfer.expired", "transfer.failed",
                                       "transfer.lost", "network.transaction_rejected",
                                       "network.transaction_failed" };

    for (size_t i = 0; i < COUNT_OF(marks); i++)
        if (is(entry, marks[i].type))
            mark(s, marks[i].mark, at_ns);
    if (is(entry, "network.transaction_submitted"))
        mark(s, s->at[FIRST_SENT] == 0 ? FIRST_SENT : SECOND_SENT, at_ns);
    s->connected += is(entry, "network.connected");
    s->confirmed += is(entry, "network.transaction_confirmed");
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        if (is(entry, bad[i]))
            fatal("a swap did not go well: %s", bad[i]);
}

static void on_committed(void *context, const struct publication *p, int64_t at_ns)
{
    struct swaps *s = context;

    pthread_mutex_lock(&s->lock);
    for (uint64_t i = 0; p->last >= p->first && i <= p->last - p->first; i++)
        take_event(s, &p->entries[i], at_ns);
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

static void wait_changed(struct swaps *s, int64_t begin_ns, const char *what)
{
    struct timespec until;

    if (seconds_since(begin_ns) > PATIENCE_S)
        fatal("never: %s", what);
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec++;
    pthread_cond_timedwait(&s->changed, &s->lock, &until);
}

static void wait_count(struct swaps *s, const size_t *count, size_t wanted, const char *what)
{
    int64_t begin = now_ns();

    pthread_mutex_lock(&s->lock);
    while (*count < wanted)
        wait_changed(s, begin, what);
    pthread_mutex_unlock(&s->lock);
}

/* --- node and chain --------------------------------------------------------------------------------- */
/* A key of anvil's, which has coin there, as a key of the node with a link of the same name; its address
 * there. */
static struct evm_address new_link(struct swaps *s, const char *name, const struct hash *key,
                                   char address[ADDRESS_TEXT_MAX])
{
    struct secret_key *secret = secret_new(sizeof(*secret));
    struct evm_address there;
    struct public_key public_key;
    struct account_id account;
    struct error error;

    memcpy(secret->bytes, key->bytes, sizeof(secret->bytes));
    if (keystore_import(s->keystore, name, secret, &account, &error) != OK ||
        !secret_key_public(secret, &public_key) || !evm_address_of_key(&public_key, &there))
        fatal("no key: %s", name);
    secret_free(secret);
    address_encode(address, &account);
    tell(s->node.kernel, "dev.faucet", json_pack("{s:s}", "from", name));
    tell(s->node.kernel, "network.initialize",
         json_pack("{s:s, s:s, s:s, s:s, s:{s:s, s:i, s:b}}", "link", name, "network", "bob", "key", name,
                   "poll", "500ms", "options", "url", s->anvil.url, "confirmations",
                   (int)s->mode->confirmations, "withdrawals_root", 0));
    tell(s->node.kernel, "network.connect", json_pack("{s:s}", "link", name));
    return there;
}

static void offer(struct swaps *s, const char *source, const char *destination, const char *contract)
{
    tell(s->node.kernel, "transfer.provider_terms",
         json_pack("{s:s, s:s, s:s, s:s, s:i, s:I, s:{s:s, s:s, s:i, s:i, s:i, s:{s:s, s:s}}}", "provider",
                   s->provider, "asset", "DEV", "source", source, "destination", destination, "fee_fixed", 1,
                   "most", (json_int_t)1000000, "outside", "contract", contract, "units", "1000000000",
                   "confirmations", (int)s->mode->confirmations, "block_s",
                   s->mode->block_s == 0 ? 1 : (int)s->mode->block_s, "skew_s", 1, "wallet", "link",
                   "account", "account", s->account));
}

static void build(struct swaps *s, const char *directory)
{
    static const struct module *const modules[] = { &ledger_module,   &channel_module, &channel_local_module,
                                                    &payment_module,  &invoice_module, &transfer_module,
                                                    &network_module, NULL };
    static const struct network *const networks[] = { &bob_network, NULL };
    char contract[EVM_ADDRESS_TEXT_MAX];
    struct secret_key *secret CLEANUP(secret_free_pointer) = secret_new(sizeof(*secret));
    struct evm_address provider, created;
    struct account_id recipient;

    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->changed, NULL);
    child_directory(directory, NULL);
    s->keystore = new_keystore(directory);
    recipient = new_key(s->keystore, "recipient", secret);
    address_encode(s->recipient, &recipient);
    network_use(networks);
    local_node_start(&s->node, &(struct local_node_options){ .directory = directory, .batch_size = 1024,
                                                             .modules = modules, .keystore = s->keystore,
                                                             .committed = on_committed, .context = s });
    provider = new_link(s, "provider", &s->anvil.keys[0], s->provider);
    (void)new_link(s, "account", &s->anvil.keys[1], s->account);
    wait_count(s, &s->connected, 2, "the links are connected");
    tell(s->node.kernel, "transfer.deploy", json_pack("{s:s}", "link", "provider"));
    wait_count(s, &s->confirmed, 1, "the contract is in a block");
    evm_address_created(&provider, 0, &created);
    evm_address_encode(contract, &created, EVM_CHECKSUM_PLAIN);
    tell(s->node.kernel, "transfer.provider_register",
         json_pack("{s:s, s:s}", "account", s->provider, "name", "provider"));
    offer(s, "base", "evm:provider", contract);
    offer(s, "evm:provider", "base", contract);
}

/* --- swaps ------------------------------------------------------------------------------------------- */
/* A quote of the way; its id. */
static char *quote_of(struct swaps *s, const char *source, const char *destination)
{
    char *answer AUTO_FREE =
        ask(s->node.kernel, "transfer.quote",
            json_pack("{s:s, s:s, s:i, s:s, s:s}", "from", "account", "asset", "DEV", "amount", AMOUNT,
                      "source", source, "destination", destination));
    json_t *values AUTO_JSON = NULL;
    struct error error;
    const char *quote;

    if (json_parse(answer, strlen(answer), &values, &error) != OK)
        fatal("transfer.quote: %s", error.message);
    quote = json_string_value(json_object_get(json_object_get(values, "result"), "quote"));
    if (quote == NULL)
        fatal("transfer.quote: %s", answer);
    return text_copy(quote);
}

static void swap(struct swaps *s, bool there)
{
    const char *source = there ? "base" : "evm:provider", *destination = there ? "evm:provider" : "base";
    int64_t begin = now_ns();

    pthread_mutex_lock(&s->lock);
    memset(s->at, 0, sizeof(s->at));
    s->at[ASKED] = begin;
    pthread_mutex_unlock(&s->lock);
    char *quote AUTO_FREE = quote_of(s, source, destination);
    tell(s->node.kernel, "transfer.start",
         json_pack("{s:s, s:s, s:i, s:s, s:s, s:s, s:s}", "from", "account", "asset", "DEV", "amount", AMOUNT,
                   "source", source, "destination", destination, "recipient",
                   there ? RECIPIENT_THERE : s->recipient, "quote", quote));
    pthread_mutex_lock(&s->lock);
    while (s->at[SETTLED] == 0)
        wait_changed(s, begin, "a swap is settled");
    pthread_mutex_unlock(&s->lock);
}

static void tell_step(const struct swaps *s, const char *way, const struct step *step, struct samples *times)
{
    double floor_ms = step->floor * s->mode->confirmations * s->mode->block_s * 1000.0;
    double median_ms = samples_median(times);
    char *name AUTO_FREE = text_format("%s_%s_%s_ms", way, s->mode->name, step->name);
    char *ratio AUTO_FREE = text_format("%s_%s_%s_over_floor", way, s->mode->name, step->name);

    metric(CROSS_LAYER_BENCH, name, median_ms, "ms", "lower");
    if (floor_ms > 0)
        metric(CROSS_LAYER_BENCH, ratio, median_ms / floor_ms, "ratio", "lower");
    say("%-9s %-8s %-18s %6.0f ms; its blocks alone take %.0f", way, s->mode->name, step->name, median_ms,
        floor_ms);
}

static void measure_way(struct swaps *s, const char *way, const struct step steps[STEPS], bool there)
{
    struct samples times[STEPS] = { { 0 } };

    for (int i = 0; i < REPETITIONS; i++) {
        swap(s, there);
        for (size_t k = 0; k < STEPS; k++)
            samples_add(&times[k], (double)(s->at[steps[k].to] - s->at[steps[k].from]) / 1e6);
    }
    for (size_t k = 0; k < STEPS; k++) {
        tell_step(s, way, &steps[k], &times[k]);
        samples_clear(&times[k]);
    }
}

static bool measure_mode(const char *directory, const char *interop, const struct mode *mode)
{
    struct swaps *s = memory_new(sizeof(*s));
    char *node AUTO_FREE = text_format("%s/evm_%s", directory, mode->name);
    char *chain AUTO_FREE = text_format("%s/anvil_%s", directory, mode->name);
    bool found;

    s->mode = mode;
    found = anvil_process_start(&s->anvil, chain, interop, mode->block_s);
    if (found) {
        build(s, node);
        measure_way(s, "to_evm", to_evm, true);
        measure_way(s, "from_evm", from_evm, false);
        local_node_stop(&s->node);
        keystore_close(s->keystore);
        anvil_process_stop(&s->anvil);
    }
    free(s);
    return found;
}

void measure_evm(const char *directory, const char *interop)
{
    for (size_t i = 0; i < COUNT_OF(modes); i++) {
        if (!measure_mode(directory, interop, &modes[i])) {
            say("SKIPPED: no anvil in %s: no swap with an EVM chain was measured (contrib/bench installs it"
                " from npm)", interop);
            return;
        }
    }
}
