/* The network "stacks": options, connection, state, and the table. */
#include "network/stacks/stacks.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "network/follow.h"
#include "network/stacks/client.h"

#define SECONDS_PER_MINUTE 60.0
#define BURST 10.0

static const char *const chains[] = { "mainnet", "testnet", NULL };

static const struct param options[] = {
    PARAM(struct stacks_options, url, TEXT, REQUIRED, "of a node (port 20443) or an API", .most = 1024),
    PARAM(struct stacks_options, chain, CHOICE, REQUIRED, "the chain", .choices = chains),
    PARAM(struct stacks_options, api, BOOLEAN, OPTIONAL,
          "the server has /extended/v1 too: history, dropped ones"),
    PARAM(struct stacks_options, api_key_file, TEXT, OPTIONAL, "file of the header x-api-key", .most = 1024),
    PARAM(struct stacks_options, checkpoint, TEXT, OPTIONAL, "index block hash that is taken for true",
          .most = 64),
    PARAM(struct stacks_options, confirmations, INTEGER, OPTIONAL, "Bitcoin blocks until a block is final",
          .fallback = 6),
    PARAM(struct stacks_options, rate, INTEGER, OPTIONAL, "requests a minute at most; 0: no limit"),
    CONNECTIONS_PARAM(struct stacks_options),
};

/* --- the link ----------------------------------------------------------------------------------- */
static void release(void *context)
{
    struct stacks_client *client = context;

    endpoint_close(client->endpoint);
    memory_free_wiped(client);
}

static enum status open_endpoint(const struct network_setup *setup, struct stacks_client *client,
                                 struct error *error)
{
    const struct stacks_options *given = client->options;
    const struct endpoint_options endpoint = {
        .url = given->url, .name = setup->link, .header = "x-api-key", .credential_file = given->api_key_file,
        .credential = given->api_key_file == NULL ? CREDENTIAL_NONE : CREDENTIAL_HEADER,
        .rate = (double)given->rate / SECONDS_PER_MINUTE, .burst = given->rate == 0 ? 0 : BURST,
        .connections_max = given->connections,
    };

    return endpoint_open(setup->transport, &endpoint, &client->endpoint, error);
}

static enum status initialize(const struct network_setup *setup, void **out, struct error *error)
{
    const struct stacks_options *given = setup->options;
    struct stacks_client *client;
    struct hash checkpoint;
    enum status outcome;

    if (given->checkpoint != NULL &&
        !hex_decode(checkpoint.bytes, sizeof(checkpoint.bytes), given->checkpoint, strlen(given->checkpoint)))
        return error_set(error, ERROR_NETWORK_OPTIONS, "checkpoint: expected 64 hex digits");
    client = memory_new(sizeof(*client));
    client->options = given;
    client->signer = setup->signer;
    client->mainnet = strcmp(given->chain, "mainnet") == 0;
    client->chain = client->mainnet ? STACKS_CHAIN_MAINNET : STACKS_CHAIN_TESTNET;
    if (setup->signer != NULL) {
        stacks_address_of_key(&setup->signer->public_key, client->mainnet, &client->account);
        stacks_address_text(&client->account, client->account_text);
    }
    outcome = open_endpoint(setup, client, error);
    if (outcome != OK) {
        memory_free_wiped(client);
        return outcome;
    }
    *out = client;
    return OK;
}

static void describe(const void *context, struct writer *w)
{
    const struct stacks_client *client = context;

    writer_object_begin(w);
    writer_member_text(w, "endpoint", endpoint_label(client->endpoint));
    writer_member_text(w, "chain", client->options->chain);
    writer_member_text(w, "account", client->signer == NULL ? NULL : client->account_text);
    writer_member_boolean(w, "api", client->options->api);
    writer_object_end(w);
}

static bool measure(const void *context, struct endpoint_metrics *metrics)
{
    const struct stacks_client *client = context;

    endpoint_measure(client->endpoint, metrics);
    return true;
}

static bool capable(const void *context, enum network_operation operation, const char **reason)
{
    const struct stacks_client *client = context;

    if (operation == NETWORK_GET_TRANSACTION_HISTORY && (!client->options->api || client->signer == NULL)) {
        *reason = "a node keeps no history of accounts: give the link an API (option api) and a key";
        return false;
    }
    if ((operation == NETWORK_ISSUE_ASSET || operation == NETWORK_TRANSFER_ASSET) && client->signer == NULL) {
        *reason = "the link has no key: it reads only";
        return false;
    }
    return true;
}

/* --- connection and state ----------------------------------------------------------------------- */
static enum status connect_link(void *context, struct network_call *call, struct network_greeting *greeting)
{
    struct stacks_client *client = context;
    struct stacks_info info;

    memset(greeting, 0, sizeof(*greeting));
    TRY(stacks_info(client, call, &info));
    greeting->chain = client->options->chain;
    greeting->version = stacks_text(call, "%s", info.version);
    greeting->account = client->signer == NULL ? NULL : client->account_text;
    return OK;
}

static enum status disconnect_link(void *context, struct network_call *call)
{
    (void)context, (void)call; /* connections close by themselves */
    return OK;
}

static void put_state(struct network_call *call, const struct stacks_info *info, struct network_state *state)
{
    char hex[65];

    memset(state, 0, sizeof(*state));
    hex_text(hex, info->tip.bytes, sizeof(info->tip.bytes));
    state->synced = info->synced;
    state->has_height = true;
    state->height = info->height;
    state->tip = stacks_text(call, "0x%s", hex);
}

static enum status health_check(void *context, struct network_call *call, struct network_state *state)
{
    struct stacks_info info;

    TRY(stacks_info(context, call, &info));
    put_state(call, &info, state);
    return OK;
}

static enum status get_state(void *context, struct network_call *call, struct network_state *state)
{
    struct stacks_client *client = context;
    char balance_text[CLARITY_UINT_TEXT];
    struct clarity_uint balance;
    struct stacks_info info;
    uint64_t nonce;

    TRY(stacks_info(client, call, &info));
    put_state(call, &info, state);
    if (client->signer == NULL) {
        state->details = stacks_text(call, "{\"bitcoin_height\":%" PRIu64 "}", info.burn_height);
        return OK;
    }
    TRY(stacks_account(client, call, client->account_text, &nonce, &balance));
    clarity_uint_text(balance, balance_text);
    state->balance = stacks_text(call, "%s", balance_text);
    state->details = stacks_text(call, "{\"bitcoin_height\":%" PRIu64 ",\"nonce\":%" PRIu64 "}",
                                 info.burn_height,
                                 nonce);
    return OK;
}

/* --- following the chain ------------------------------------------------------------------------ */
static const char *hash_text(struct network_call *call, const struct hash *hash)
{
    char hex[65];

    hex_text(hex, hash->bytes, sizeof(hash->bytes));
    return stacks_text(call, "0x%s", hex);
}

static enum status take_block(struct stacks_client *client, struct network_call *call, uint64_t height,
                              struct network_block *out)
{
    struct buffer bytes CLEANUP(buffer_close) = { 0 };
    struct stacks_block block;

    buffer_init(&bytes);
    TRY(stacks_fetch_block(client, call, &height, NULL, &bytes, &block));
    *out = (struct network_block){ .height = height, .hash = hash_text(call, &block.id),
                                   .parent = hash_text(call, &block.parent), .time_s = block.time_s };
    return OK;
}

struct fetching {
    struct stacks_client *client;
    struct network_call *call;
};

static enum status fetch(void *context, uint64_t height, struct network_block *block)
{
    struct fetching *fetching = context;

    return take_block(fetching->client, fetching->call, height, block);
}

static enum status sync_state(void *context, struct network_call *call,
                              const struct network_position *position, struct network_sync *sync)
{
    struct fetching fetching = { context, call };
    struct follower follower = { .context = &fetching, .fetch = fetch, .least = 1 };
    struct stacks_info info;

    TRY(stacks_info(context, call, &info));
    follower.tip = info.height;
    return follow_chain(&follower, position, call->arena, sync);
}

const struct network stacks_network = {
    .name = "stacks",
    .help = "Stacks: STX and SIP-010 tokens, through a node or the API before one.",
    .options = options,
    .option_count = COUNT_OF(options),
    .options_size = sizeof(struct stacks_options),
    .initialize = initialize,
    .release = release,
    .describe = describe,
    .measure = measure,
    .capable = capable,
    .connect = connect_link,
    .disconnect = disconnect_link,
    .health_check = health_check,
    .get_state = get_state,
    .sync_state = sync_state,
    .validate_state = stacks_validate_state,
    .check_transaction_status = stacks_check_status,
    .get_transaction_history = stacks_history,
    .estimate_fees = stacks_estimate_fees,
    .writes = 1 << WRITE_SUBMIT | 1 << WRITE_ISSUE | 1 << WRITE_TRANSFER,
    .judge = stacks_judge,
    .prepare = stacks_prepare,
    .send = stacks_send,
    .verify_proof = stacks_verify_proof,
    .generate_proof = stacks_generate_proof,
    .paid_how = "whoever pays sends to the link's account, which `connect` tells",
};
