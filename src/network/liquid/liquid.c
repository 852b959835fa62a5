/* The network "liquid": options, connection, state, and the table. */
#include "network/liquid/liquid.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "network/follow.h"
#include "network/liquid/client.h"

#define WALLET_NAME_MAX 128

static const struct param options[] = {
    PARAM(struct liquid_options, url, TEXT, REQUIRED, "of the node's RPC", .most = 1024),
    PARAM(struct liquid_options, chain, TEXT, REQUIRED, "liquidv1, liquidtestnet, or the test chain's name",
          .most = 64),
    PARAM(struct liquid_options, wallet, TEXT, OPTIONAL, "the node's wallet; without one the link reads only",
          .most = WALLET_NAME_MAX),
    PARAM(struct liquid_options, auth_file, TEXT, REQUIRED, "file with user:password, or the node's .cookie",
          .most = 1024),
    PARAM(struct liquid_options, ca_file, TEXT, OPTIONAL, "certificate authority of an https URL",
          .most = 1024),
    PARAM(struct liquid_options, challenge, TEXT, OPTIONAL,
          "the federation's script that signs blocks, in hex: what is signed under it needs nobody's word",
          .most = 4096),
    PARAM(struct liquid_options, checkpoint, TEXT, OPTIONAL, "hash of a block that is taken for true",
          .most = 64),
    PARAM(struct liquid_options, confirmations, INTEGER, OPTIONAL,
          "blocks until a transaction is final, 1 at least", .fallback = 2),
    CONNECTIONS_PARAM(struct liquid_options),
};

/* --- the link ----------------------------------------------------------------------------------- */
static void release(void *context)
{
    struct liquid_client *client = context;

    endpoint_close(client->endpoint);
    free(client->wallet_path);
    free(client);
}

/* A wallet's name becomes part of a path: what a path would take otherwise is refused. */
static bool wallet_name_is_plain(const char *name)
{
    for (const char *at = name; *at != '\0'; at++) {
        if ((*at < 'a' || *at > 'z') && (*at < 'A' || *at > 'Z') && (*at < '0' || *at > '9') && *at != '-' &&
            *at != '_' && *at != '.')
            return false;
    }
    return strstr(name, "..") == NULL;
}

static enum status check_options(const struct liquid_options *given, struct error *error)
{
    struct hash hash;

    if (given->wallet != NULL && !wallet_name_is_plain(given->wallet))
        return error_set(error, ERROR_NETWORK_OPTIONS, "wallet: letters, digits, and . _ - alone");
    if (given->checkpoint != NULL && !hash_read_shown(given->checkpoint, &hash))
        return error_set(error, ERROR_NETWORK_OPTIONS, "checkpoint: expected 64 hex digits");
    if (given->confirmations == 0)
        return error_set(error, ERROR_NETWORK_OPTIONS, "confirmations is 0; the least is 1");
    if (given->challenge != NULL) {
        size_t digits = strlen(given->challenge);

        if (digits % 2 != 0 || strspn(given->challenge, "0123456789abcdefABCDEF") != digits)
            return error_set(error, ERROR_NETWORK_OPTIONS, "challenge: expected a script in hex");
    }
    return OK;
}

static enum status initialize(const struct network_setup *setup, void **out, struct error *error)
{
    const struct liquid_options *given = setup->options;
    const struct endpoint_options endpoint = {
        .url = given->url, .name = setup->link, .credential = CREDENTIAL_BASIC,
        .credential_file = given->auth_file, .ca_file = given->ca_file,
        .connections_max = given->connections,
    };
    struct liquid_client *client;
    enum status outcome;

    TRY(check_options(given, error));
    client = memory_new(sizeof(*client));
    client->options = given;
    if (given->wallet != NULL)
        client->wallet_path = text_format("/wallet/%s", given->wallet);
    outcome = endpoint_open(setup->transport, &endpoint, &client->endpoint, error);
    if (outcome != OK) {
        free(client->wallet_path);
        free(client);
        return outcome;
    }
    *out = client;
    return OK;
}

static void describe(const void *context, struct writer *w)
{
    const struct liquid_client *client = context;

    writer_object_begin(w);
    writer_member_text(w, "endpoint", endpoint_label(client->endpoint));
    writer_member_text(w, "chain", client->options->chain);
    writer_member_text(w, "wallet", client->options->wallet);
    writer_object_end(w);
}

static bool capable(const void *context, enum network_operation operation, const char **reason)
{
    const struct liquid_client *client = context;

    if (client->wallet_path == NULL &&
        (operation == NETWORK_ISSUE_ASSET || operation == NETWORK_TRANSFER_ASSET ||
         operation == NETWORK_GET_TRANSACTION_HISTORY)) {
        *reason = "the link has no wallet: it reads only";
        return false;
    }
    return true;
}

/* --- connection and state ----------------------------------------------------------------------- */
struct chain_info {
    uint64_t blocks, headers;
    struct hash best;
    bool synced;
};

static enum status chain_info(struct liquid_client *client, struct network_call *call,
                              struct chain_info *info)
{
    AUTO_JSON json_t *answer = NULL;
    const char *chain;

    TRY(liquid_ask(client, call, "getblockchaininfo", NULL, &answer, NULL));
    chain = json_string_value(json_object_get(answer, "chain"));
    if (chain == NULL || !liquid_member_u64(answer, "blocks", &info->blocks) ||
        !liquid_member_u64(answer, "headers", &info->headers) ||
        !liquid_member_hash(answer, "bestblockhash", &info->best))
        return liquid_malformed(call, "getblockchaininfo");
    if (strcmp(chain, client->options->chain) != 0)
        return error_set(&call->error, ERROR_NETWORK_WRONG_CHAIN,
                         "the node is on the chain '%s'; the link says '%s'",
                         liquid_text(call, "%s", chain), client->options->chain);
    info->synced = !json_is_true(json_object_get(answer, "initialblockdownload")) &&
                   info->blocks == info->headers;
    return OK;
}

static enum status load_wallet(struct liquid_client *client, struct network_call *call)
{
    AUTO_JSON json_t *answer = NULL;

    if (client->wallet_path == NULL)
        return OK;
    TRY(liquid_ask(client, call, "listwallets", NULL, &answer, NULL));
    for (size_t i = 0; i < json_array_size(answer); i++) {
        const char *name = json_string_value(json_array_get(answer, i));

        if (name != NULL && strcmp(name, client->options->wallet) == 0)
            return OK;
    }
    return liquid_load_wallet(client, call);
}

static enum status pegged_asset(struct liquid_client *client, struct network_call *call, char shown[65])
{
    AUTO_JSON json_t *sidechain = NULL;
    struct hash pegged;

    TRY(liquid_ask(client, call, "getsidechaininfo", NULL, &sidechain, NULL));
    if (!liquid_member_hash(sidechain, "pegged_asset", &pegged))
        return liquid_malformed(call, "getsidechaininfo");
    hash_shown(&pegged, shown);
    return OK;
}

static enum status connect_link(void *context, struct network_call *call, struct network_greeting *greeting)
{
    struct liquid_client *client = context;
    AUTO_JSON json_t *network = NULL;
    struct chain_info info;
    const char *version;
    char shown[65];

    memset(greeting, 0, sizeof(*greeting));
    TRY(chain_info(client, call, &info));
    TRY(liquid_ask(client, call, "getnetworkinfo", NULL, &network, NULL));
    version = json_string_value(json_object_get(network, "subversion"));
    if (version == NULL)
        return liquid_malformed(call, "getnetworkinfo");
    TRY(pegged_asset(client, call, shown));
    TRY(load_wallet(client, call));
    greeting->chain = client->options->chain;
    greeting->version = liquid_text(call, "%s", version);
    greeting->account = client->options->wallet;
    greeting->details = liquid_text(call, "{\"pegged_asset\":\"%s\"}", shown);
    return OK;
}

static enum status disconnect_link(void *context, struct network_call *call)
{
    (void)context, (void)call; /* connections close by themselves */
    return OK;
}

static enum status health_check(void *context, struct network_call *call, struct network_state *state)
{
    struct chain_info info;
    char shown[65];

    memset(state, 0, sizeof(*state));
    TRY(chain_info(context, call, &info));
    hash_shown(&info.best, shown);
    state->synced = info.synced;
    state->has_height = true;
    state->height = info.blocks;
    state->tip = liquid_text(call, "%s", shown);
    return OK;
}

/* The node shows assets by label where it has one ("bitcoin" for the pegged one, unless it is told
 * otherwise). */
static const char *asset_id(const json_t *labels, const char *shown)
{
    const char *id = json_string_value(json_object_get(labels, shown));

    return id == NULL ? shown : id;
}

/* What the wallet has of each asset, confirmed and ours. */
static enum status put_balances(struct liquid_client *client, struct network_call *call,
                                struct network_state *state)
{
    struct buffer out CLEANUP(buffer_close) = { 0 };
    AUTO_JSON json_t *answer = NULL, *labels = NULL;
    json_t *trusted, *number;
    const char *asset;
    char pegged[65];
    struct writer w;
    uint64_t amount;

    buffer_init(&out);
    TRY(pegged_asset(client, call, pegged));
    TRY(liquid_ask(client, call, "dumpassetlabels", NULL, &labels, NULL));
    TRY(liquid_ask_wallet(client, call, "getbalances", NULL, &answer, NULL));
    trusted = json_object_get(json_object_get(answer, "mine"), "trusted");
    if (!json_is_object(trusted))
        return liquid_malformed(call, "getbalances");
    writer_init(&w, &out);
    writer_object_begin(&w);
    writer_key(&w, "balances");
    writer_object_begin(&w);
    state->balance = "0";
    json_object_foreach(trusted, asset, number) {
        const char *id = asset_id(labels, asset);

        if (!liquid_amount_of_json(number, &amount))
            return liquid_malformed(call, "getbalances");
        writer_key(&w, liquid_text(call, "%s", id));
        writer_text(&w, liquid_text(call, "%" PRIu64, amount));
        if (strcmp(id, pegged) == 0)
            state->balance = liquid_text(call, "%" PRIu64, amount);
    }
    writer_object_end(&w);
    writer_object_end(&w);
    state->details = arena_text(call->arena, (const char *)out.data, out.size);
    return OK;
}

static enum status get_state(void *context, struct network_call *call, struct network_state *state)
{
    struct liquid_client *client = context;

    TRY(health_check(context, call, state));
    return client->wallet_path == NULL ? OK : put_balances(client, call, state);
}

/* --- following the chain ------------------------------------------------------------------------ */
static enum status take_header(struct liquid_client *client, struct network_call *call, uint64_t height,
                               struct network_block *out)
{
    struct buffer bytes CLEANUP(buffer_close) = { 0 };
    AUTO_JSON json_t *hash = NULL;
    struct liquid_header header;
    char shown[65];

    buffer_init(&bytes);
    TRY(liquid_ask(client, call, "getblockhash", json_pack("[I]", (json_int_t)height), &hash, NULL));
    if (!json_is_string(hash))
        return liquid_malformed(call, "getblockhash");
    TRY(liquid_fetch_header(client, call, json_string_value(hash), &bytes, &header));
    if (header.height != height)
        return error_set(&call->error, ERROR_NETWORK_PROTOCOL,
                         "getblockhash: block %" PRIu64 " is of height %" PRIu32,
                         height, header.height);
    out->height = height;
    out->time_s = header.time_s;
    hash_shown(&header.hash, shown);
    out->hash = liquid_text(call, "%s", shown);
    hash_shown(&header.parent, shown);
    out->parent = liquid_text(call, "%s", shown);
    return OK;
}

struct fetching {
    struct liquid_client *client;
    struct network_call *call;
};

static enum status fetch(void *context, uint64_t height, struct network_block *block)
{
    struct fetching *fetching = context;

    return take_header(fetching->client, fetching->call, height, block);
}

static enum status sync_state(void *context, struct network_call *call,
                              const struct network_position *position, struct network_sync *sync)
{
    struct fetching fetching = { context, call };
    struct follower follower = { .context = &fetching, .fetch = fetch };
    struct chain_info info;

    TRY(chain_info(context, call, &info));
    follower.tip = info.blocks;
    return follow_chain(&follower, position, call->arena, sync);
}

static bool measure(const void *context, struct endpoint_metrics *metrics)
{
    const struct liquid_client *client = context;

    endpoint_measure(client->endpoint, metrics);
    return true;
}

const struct network liquid_network = {
    .name = "liquid",
    .help = "Liquid: L-BTC and issued assets, through an Elements node and its wallet.",
    .options = options,
    .option_count = COUNT_OF(options),
    .options_size = sizeof(struct liquid_options),
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
    .validate_state = liquid_validate_state,
    .check_transaction_status = liquid_check_status,
    .get_transaction_history = liquid_history,
    .estimate_fees = liquid_estimate_fees,
    .writes = 1 << WRITE_SUBMIT | 1 << WRITE_ISSUE | 1 << WRITE_TRANSFER,
    .prepare = liquid_prepare,
    .send = liquid_send,
    .verify_proof = liquid_verify_proof,
    .generate_proof = liquid_generate_proof,
    .paid_how = "addresses are its server's wallet's to give: ask that one (getnewaddress)",
};
