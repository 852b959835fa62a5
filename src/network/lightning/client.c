/* What both implementations share of a link: see client.h. */
#include "network/lightning/client.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "crypto/hash.h"
#include "network/lightning/begun.h"
#include "network/lightning/lightning.h"
#include "network/lightning/reply.h"

/* --- chains ----------------------------------------------------------------------------------- */
/* Core Lightning: bitcoin/chainparams.c; LND: chainreg; currencies: BOLT 11 and the implementations. */
static const struct lightning_chain chains[] = {
    { "bitcoin", "mainnet", "bc" },   { "testnet", "testnet", "tb" }, { "testnet4", "testnet4", "tb" },
    { "signet", "signet", "tbs" },    { "regtest", "regtest", "bcrt" }, { "simnet", "simnet", "sb" },
};
const char *const lightning_chain_names[] = { "bitcoin", "testnet", "testnet4", "signet", "regtest", "simnet",
                                              NULL };

const struct lightning_chain *lightning_chain_named(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(chains); i++) {
        if (strcmp(chains[i].name, name) == 0)
            return &chains[i];
    }
    return NULL;
}

const char *lightning_chain_default(enum node_network network)
{
    switch (network) {
    case NETWORK_DEV: return "regtest";
    case NETWORK_TEST: return "testnet";
    case NETWORK_MAIN: return "bitcoin";
    }
    INVARIANT(false, "no such network: %d", (int)network);
}

bool lightning_facts_of(const char *network, const char *chain, const char *options,
                        struct lightning_facts *facts)
{
    const struct lightning_chain *found = chain == NULL ? NULL : lightning_chain_named(chain);
    json_t *json AUTO_JSON = NULL;
    const json_t *patience;

    if (found == NULL || (strcmp(network, lightning_network.name) != 0 &&
                          strcmp(network, lnd_network.name) != 0) ||
        json_parse(options, strlen(options), &json, NULL) != OK)
        return false;
    patience = json_object_get(json, "patience");
    *facts = (struct lightning_facts){ .currency = found->currency,
                                       .patience_s = LIGHTNING_PATIENCE_DEFAULT };
    if (json_is_integer(patience))
        facts->patience_s = (uint64_t)json_integer_value(patience);
    return true;
}

/* --- helpers ---------------------------------------------------------------------------------- */
enum status lightning_protocol_error(struct lightning_client *client, struct network_call *call,
                                     const char *question, const char *member)
{
    endpoint_blame(client->endpoint);
    return error_set(&call->error, ERROR_NETWORK_PROTOCOL, "the server's answer to %s has no good '%s'",
                     question, member);
}

enum status lightning_check_preimage(struct lightning_client *client, struct network_call *call,
                                     const struct lightning_payment *payment)
{
    struct hash hash;

    if (payment->state != LIGHTNING_PAYMENT_COMPLETE)
        return OK;
    if (payment->has_preimage && payment->has_hash) {
        sha256(&hash, payment->preimage.bytes, sizeof(payment->preimage.bytes));
        if (hash_equal(&hash, &payment->payment_hash))
            return OK;
    }
    endpoint_blame(client->endpoint);
    return error_set(&call->error, ERROR_NETWORK_PROTOCOL,
                     "the server calls the payment complete, but its preimage is not that of the payment "
                     "hash");
}

struct waiting lightning_waiting(const struct network_call *call, uint64_t seconds)
{
    struct waiting waiting = call->waiting;

    if (waiting.deadline_us == 0 && seconds > 0)
        waiting.deadline_us = clock_monotonic_us() +
                              (int64_t)(seconds + LIGHTNING_PATIENCE_MARGIN) * MICROSECONDS_PER_SECOND;
    return waiting;
}

const char *lightning_digits(struct network_call *call, uint64_t number)
{
    return format_in(call->arena, "%" PRIu64, number);
}

/* --- the link --------------------------------------------------------------------------------- */
void lightning_release(void *pointer)
{
    struct lightning_client *client = pointer;

    if (client == NULL)
        return;
    endpoint_close(client->endpoint);
    begun_close(client->begun);
    free(client);
}

void lightning_describe(const void *pointer, struct writer *w)
{
    const struct lightning_client *client = pointer;

    writer_object_begin(w);
    writer_member_text(w, "endpoint", endpoint_label(client->endpoint));
    writer_member_text(w, "chain", client->chain->name);
    writer_member_unsigned(w, "patience_s", client->patience_s);
    writer_object_end(w);
}

bool lightning_measure(const void *pointer, struct endpoint_metrics *metrics)
{
    const struct lightning_client *client = pointer;

    endpoint_measure(client->endpoint, metrics);
    return true;
}

bool lightning_capable(const void *pointer, enum network_operation operation, const char **reason)
{
    (void)pointer;
    switch (operation) {
    case NETWORK_ISSUE_ASSET:
        *reason = "Lightning moves bitcoin alone; Taproot Assets issue on it (network taproot-assets)";
        return false;
    case NETWORK_SYNC_STATE:
        *reason = "Lightning has no blocks of its own; get_state tells the height that the server has seen";
        return false;
    case NETWORK_CONNECT: case NETWORK_DISCONNECT: case NETWORK_HEALTH_CHECK: case NETWORK_GET_STATE:
    case NETWORK_VALIDATE_STATE: case NETWORK_SUBMIT_TRANSACTION: case NETWORK_CHECK_TRANSACTION_STATUS:
    case NETWORK_GET_TRANSACTION_HISTORY: case NETWORK_ESTIMATE_FEES: case NETWORK_TRANSFER_ASSET:
    case NETWORK_VERIFY_PROOF: case NETWORK_GENERATE_PROOF: case NETWORK_REQUEST_PAYMENT:
    case NETWORK_OPERATIONS:
        break;
    }
    return operation < NETWORK_OPERATIONS;
}

enum status lightning_connect(void *pointer, struct network_call *call, struct network_greeting *greeting)
{
    struct lightning_client *client = pointer;

    return client->backend->greet(client, call, greeting);
}

enum status lightning_disconnect(void *pointer, struct network_call *call)
{
    (void)pointer;
    (void)call;
    return OK; /* every exchange stands for itself: nothing is open on the server's side */
}

enum status lightning_health_check(void *pointer, struct network_call *call, struct network_state *state)
{
    struct lightning_client *client = pointer;

    return client->backend->state(client, call, true, state);
}

enum status lightning_get_state(void *pointer, struct network_call *call, struct network_state *state)
{
    struct lightning_client *client = pointer;

    return client->backend->state(client, call, false, state);
}

/* --- claims about the state ------------------------------------------------------------------- */
static enum status check_height(struct lightning_client *client, struct network_call *call,
                                const json_t *claim, struct network_verdict *verdict)
{
    struct network_state state;
    uint64_t height, tolerance = 0, apart;

    if (!reply_number(claim, "height", &height) ||
        (json_object_get(claim, "tolerance") != NULL && !reply_number(claim, "tolerance", &tolerance)))
        return error_set(&call->error, ERROR_INVALID_PARAMS,
                         "a claim about the height has type, height and perhaps tolerance (blocks)");
    TRY(client->backend->state(client, call, true, &state));
    apart = state.height > height ? state.height - height : height - state.height;
    *verdict = (struct network_verdict){
        .verdict = apart <= tolerance && state.synced ? PROOF_VALID : PROOF_INVALID, .anchor = ANCHOR_NODE,
        .reason = format_in(call->arena, "delegated: the server's word alone; it is at height %" PRIu64 "%s",
                            state.height, state.synced ? "" : " and not synchronized") };
    return OK;
}

enum status lightning_validate_state(void *pointer, struct network_call *call, const char *claim,
                                     struct network_verdict *verdict)
{
    struct lightning_client *client = pointer;
    json_t *value AUTO_JSON = NULL;
    const char *type;

    if (claim == NULL)
        return client->backend->agreement(client, call, verdict);
    TRY(json_parse(claim, strlen(claim), &value, &call->error));
    if (!reply_text(value, "type", &type))
        return error_set(&call->error, ERROR_INVALID_PARAMS, "a claim is an object with a type");
    if (strcmp(type, "channels") == 0 && json_object_size(value) == 1)
        return client->backend->agreement(client, call, verdict);
    if (strcmp(type, "height") == 0)
        return check_height(client, call, value, verdict);
    return error_set(&call->error, ERROR_INVALID_PARAMS,
                     "'%.40s' is no claim that is known here: channels (nothing else in it), height", type);
}
