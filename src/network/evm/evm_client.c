/* The EVM client: options, connection, state. evm_client.h. */
#include "network/evm/evm_client.h"

#include "network/evm/server.h"

#define BUMP_AFTER_LEAST 1000000 /* µs */

const char *const evm_credentials[] = {"none", "basic", "header", NULL};

/* --- initialize -------------------------------------------------------------------------------------- */
static bool hash_is_zero(const struct hash *hash)
{
    static const struct hash zero;
    return hash_equal(hash, &zero);
}

static enum status take_wei(struct u256 *out, const char *text, const char *name, struct error *error)
{
    if (!u256_from_decimal(out, text, strlen(text)))
        return error_set(error, ERROR_NETWORK_OPTIONS, "%s is '%s'; it takes decimal digits below 2^256",
                         name, text);
    return OK;
}

static enum status take_credential(const struct evm_options *options, struct endpoint_options *endpoint,
                                   struct error *error)
{
    const char *kind = options->credential == NULL ? "none" : options->credential;
    endpoint->credential = strcmp(kind, "basic") == 0    ? CREDENTIAL_BASIC
                           : strcmp(kind, "header") == 0 ? CREDENTIAL_HEADER
                                                         : CREDENTIAL_NONE;
    bool wanted = endpoint->credential != CREDENTIAL_NONE;
    if (wanted != (options->credential_file != NULL))
        return error_set(error, ERROR_NETWORK_OPTIONS, "credential %s %s credential_file", kind,
                         wanted ? "needs a" : "takes no");
    if ((endpoint->credential == CREDENTIAL_HEADER) != (options->header != NULL))
        return error_set(error, ERROR_NETWORK_OPTIONS, "credential header and the option header go together");
    return OK;
}

/* What the options say that needs no server. */
static enum status take_options(struct evm_client *client, enum node_network network, struct error *error)
{
    const struct evm_options *options = client->options;
    client->chain_id = options->chain_id == NOT_GIVEN ? client->chain->chain_id : options->chain_id;
    /* Test coins are worth nothing: a node with real ones does not mix them up. */
    if (client->chain_id == 0 || (network == NETWORK_MAIN && client->chain_id != client->chain->chain_id))
        return error_set(error, ERROR_NETWORK_OPTIONS, "chain id %llu; on main it is %llu",
                         (unsigned long long)client->chain_id, (unsigned long long)client->chain->chain_id);
    client->confirmations =
        options->confirmations == NOT_GIVEN ? client->chain->confirmations : options->confirmations;
    if (client->confirmations == 0)
        return error_set(error, ERROR_NETWORK_OPTIONS, "confirmations is 0; the least is 1");
    client->checksum = client->chain->family == EVM_ROOTSTOCK ? client->chain_id : EVM_CHECKSUM_PLAIN;
    const char *limit = options->fee_limit == NULL ? client->chain->fee_limit : options->fee_limit;
    TRY(take_wei(&client->fee_limit, limit, "fee_limit", error));
    memset(client->price_limit.bytes, 0xff, sizeof client->price_limit.bytes);
    if (options->max_fee_per_gas != NULL)
        TRY(take_wei(&client->price_limit, options->max_fee_per_gas, "max_fee_per_gas", error));
    client->bump_after =
        options->bump_after == (int64_t)NOT_GIVEN ? client->chain->bump_after : options->bump_after;
    if (client->bump_after < 0 || (client->bump_after > 0 && client->bump_after < BUMP_AFTER_LEAST))
        return error_set(error, ERROR_NETWORK_OPTIONS, "bump_after is 0 (never), or a second at least");
    return options->work_least == NULL
               ? OK
               : take_wei(&client->work_least, options->work_least, "work_least", error);
}

bool evm_confirmations_of(const char *network, const char *options, uint64_t *confirmations)
{
    const struct evm_chain *const chains[] = {&bob_chain, &rootstock_chain};
    AUTO_JSON json_t *json = NULL;
    for (size_t i = 0; i < COUNT_OF(chains); i++) {
        if (strcmp(network, chains[i]->name) != 0)
            continue;
        if (json_parse(options, strlen(options), &json, NULL) != OK)
            return false;
        const json_t *given = json_object_get(json, "confirmations");
        *confirmations =
            json_is_integer(given) ? (uint64_t)json_integer_value(given) : chains[i]->confirmations;
        return true;
    }
    return false;
}

enum status evm_initialize(const struct evm_chain *chain, const struct network_setup *setup, void **client,
                           struct error *error)
{
    struct evm_client made = {.chain = chain, .options = setup->options, .signer = setup->signer};
    const struct evm_options *options = setup->options;
    TRY(take_options(&made, setup->network, error));
    struct endpoint_options endpoint = {.url = options->url, .name = setup->link, .ca_file = options->ca_file,
                                        .credential_file = options->credential_file,
                                        .header = options->header, .rate = (double)options->rate,
                                        .timeout_us = options->timeout,
                                        .connections_max = options->connections};
    TRY(take_credential(options, &endpoint, error));
    made.genesis = options->genesis;
    if (made.signer != NULL) {
        if (!evm_address_of_key(&made.signer->public_key, &made.account))
            return error_set(error, ERROR_NETWORK_OPTIONS, "the link's key is no point of secp256k1");
        evm_address_encode(made.account_text, &made.account, made.checksum);
    }
    TRY(endpoint_open(setup->transport, &endpoint, &made.endpoint, error));
    struct evm_client *kept = memory_copy(&made, sizeof made);
    pthread_mutex_init(&kept->lock, NULL);
    *client = kept;
    return OK;
}

void evm_release(void *client)
{
    struct evm_client *c = client;
    endpoint_close(c->endpoint);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

void evm_describe(const void *client, struct writer *w)
{
    const struct evm_client *c = client;
    writer_object_begin(w);
    writer_member_text(w, "endpoint", endpoint_label(c->endpoint));
    writer_member_unsigned(w, "chain_id", c->chain_id);
    writer_member_text(w, "account", c->signer == NULL ? NULL : c->account_text);
    writer_member_unsigned(w, "confirmations", c->confirmations);
    writer_object_end(w);
}

bool evm_measure(const void *client, struct endpoint_metrics *metrics)
{
    const struct evm_client *c = client;
    endpoint_measure(c->endpoint, metrics);
    return true;
}

bool evm_capable(const void *client, enum network_operation operation, const char **reason)
{
    const struct evm_client *c = client;
    bool proofs = operation == NETWORK_VERIFY_PROOF || operation == NETWORK_GENERATE_PROOF;
    if (proofs && c->chain->family == EVM_ROOTSTOCK && !c->options->rsk_methods) {
        *reason = "the link says that its server has no rsk_ methods: there are no proofs without them";
        return false;
    }
    if ((operation == NETWORK_ISSUE_ASSET || operation == NETWORK_TRANSFER_ASSET) && c->signer == NULL) {
        *reason = "the link has no key: make it anew with key=NAME";
        return false;
    }
    return true;
}

/* --- connect ----------------------------------------------------------------------------------------- */
/* The genesis is what the options pin, or else what the first connection showed. Its hash is the server's
 * word: on Rootstock it cannot be recomputed. */
static enum status check_genesis(struct evm_client *client, struct network_call *call, struct hash *seen)
{
    AUTO_JSON json_t *block = NULL;
    TRY(server_ask(client, call, "eth_getBlockByNumber", json_pack("[sb]", "0x0", 0), &block));
    if (!reply_hash(json_object_get(block, "hash"), seen))
        return server_lied(client, call, "block 0 has no hash");
    pthread_mutex_lock(&client->lock);
    if (hash_is_zero(&client->genesis))
        client->genesis = *seen;
    struct hash expected = client->genesis;
    pthread_mutex_unlock(&client->lock);
    if (hash_equal(&expected, seen))
        return OK;
    char got[REPLY_HASH_TEXT_MAX], wanted[REPLY_HASH_TEXT_MAX];
    return error_set(&call->error, ERROR_NETWORK_WRONG_CHAIN, "the server's block 0 is %s, expected %s",
                     reply_hash_text(got, seen), reply_hash_text(wanted, &expected));
}

/* A server on a fork of its own has another block at the checkpoint's height, or none. */
static enum status check_checkpoint(struct evm_client *client, struct network_call *call)
{
    if (hash_is_zero(&client->options->checkpoint))
        return OK;
    struct server_block trusted, there;
    TRY(server_block(client, call, server_block_hash(call, &client->options->checkpoint), &trusted));
    if (trusted.known) {
        TRY(server_block(client, call, server_block_number(call, trusted.number), &there));
        if (there.known && hash_equal(&there.hash, &trusted.hash))
            return OK;
    }
    return error_set(&call->error, ERROR_NETWORK_WRONG_CHAIN,
                     "the checkpoint's block is not in the server's chain");
}

static enum status check_chain_id(const struct evm_client *client, struct network_call *call,
                                  const struct u256 *told)
{
    uint64_t chain_id;
    char text[U256_DECIMAL_MAX];
    if (u256_to_u64(told, &chain_id) && chain_id == client->chain_id)
        return OK;
    return error_set(&call->error, ERROR_NETWORK_WRONG_CHAIN,
                     "the server has chain id %s, the link says %llu", u256_decimal(text, told),
                     (unsigned long long)client->chain_id);
}

enum status evm_connect(void *client, struct network_call *call, struct network_greeting *greeting)
{
    struct evm_client *c = client;
    struct u256 told;
    TRY(server_quantity(c, call, "eth_chainId", NULL, &told));
    TRY(check_chain_id(c, call, &told));
    struct hash genesis;
    TRY(check_genesis(c, call, &genesis));
    TRY(check_checkpoint(c, call));

    /* Some servers keep their version to themselves. */
    struct rpc_refusal refusal;
    bool refused;
    AUTO_JSON json_t *version = NULL;
    TRY(server_ask_or_no(c, call, "web3_clientVersion", NULL, &version, &refused, &refusal));
    json_decref(refusal.data);
    if (c->chain->family == EVM_ROOTSTOCK && c->options->rsk_methods) {
        AUTO_JSON json_t *modules = NULL;
        TRY(server_ask(c, call, "rpc_modules", NULL, &modules));
        if (json_object_get(modules, "rsk") == NULL)
            return error_set(&call->error, ERROR_NETWORK_NOT_SUPPORTED,
                             "the server has no module rsk; a link with rsk_methods=false does without");
    }
    char chain[DECIMAL_MAX + 1], genesis_text[REPLY_HASH_TEXT_MAX];
    struct buffer details CLEANUP(buffer_close);
    buffer_init(&details);
    struct writer w;
    writer_init(&w, &details);
    writer_object_begin(&w);
    writer_member_text(&w, "genesis", reply_hash_text(genesis_text, &genesis));
    writer_member_boolean(&w, "genesis_pinned", !hash_is_zero(&c->options->genesis));
    writer_member_boolean(&w, "checkpoint", !hash_is_zero(&c->options->checkpoint));
    writer_object_end(&w);
    *greeting = (struct network_greeting){
        .chain = arena_text(call->arena, chain, decimal_encode(chain, c->chain_id)),
        .version = arena_text(call->arena, json_is_string(version) ? json_string_value(version) : "",
                              json_string_length(version)),
        .account = c->signer == NULL ? NULL : c->account_text,
        .details = arena_text(call->arena, (const char *)details.data, details.size)};
    return OK;
}

enum status evm_disconnect(void *client, struct network_call *call)
{
    (void)client; /* there is no session: connections are the endpoint's, and end with it */
    (void)call;
    return OK;
}

/* --- state ------------------------------------------------------------------------------------------- */
/* Asked of every link again and again, and nobody keeps what it tells: so one exchange, and no block, whose
 * hash would have to be computed. A server behind a balancer that has changed its chain is found here. */
enum status evm_health_check(void *client, struct network_call *call, struct network_state *state)
{
    struct evm_client *c = client;
    enum { CHAIN, NUMBER, SYNCING, QUESTIONS };
    struct rpc_request requests[QUESTIONS] = {
        [CHAIN] = {.method = "eth_chainId", .params = json_array()},
        [NUMBER] = {.method = "eth_blockNumber", .params = json_array()},
        [SYNCING] = {.method = "eth_syncing", .params = json_array()},
    };
    json_t *results[QUESTIONS] = {0};
    TRY(rpc_batch(c->endpoint, requests, QUESTIONS, &call->waiting, results, NULL, &call->error));
    struct u256 chain_id;
    uint64_t number = 0;
    bool has_chain = reply_u256(results[CHAIN], &chain_id);
    bool has_number = reply_u64(results[NUMBER], &number) && number <= INTEGER_MAX;
    bool synced = json_is_false(results[SYNCING]);
    for (size_t i = 0; i < QUESTIONS; i++)
        json_decref(results[i]);
    if (!has_chain || !has_number)
        return server_lied(c, call, "%s gave no quantity", has_chain ? "eth_blockNumber" : "eth_chainId");
    TRY(check_chain_id(c, call, &chain_id));
    *state = (struct network_state){.synced = synced, .has_height = true, .height = number};
    return OK;
}

enum status evm_get_state(void *client, struct network_call *call, struct network_state *state)
{
    struct evm_client *c = client;
    struct server_tips tips;
    TRY(server_tips(c, call, &tips));
    enum { SYNCING, PRICE, PEERS, BALANCE, QUESTIONS };
    struct rpc_request requests[QUESTIONS] = {
        [SYNCING] = {.method = "eth_syncing", .params = json_array()},
        [PRICE] = {.method = "eth_gasPrice", .params = json_array()},
        [PEERS] = {.method = "net_peerCount", .params = json_array()},
    };
    size_t count = c->signer == NULL ? BALANCE : QUESTIONS;
    if (c->signer != NULL)
        requests[BALANCE] = (struct rpc_request){
            .method = "eth_getBalance",
            .params = json_pack("[os]", json_data(c->account.bytes, EVM_ADDRESS_SIZE), "latest")};
    json_t *results[QUESTIONS] = {0};
    TRY(rpc_batch(c->endpoint, requests, count, &call->waiting, results, NULL, &call->error));

    char tip[REPLY_HASH_TEXT_MAX], number[U256_DECIMAL_MAX];
    struct u256 value;
    uint64_t peers;
    struct buffer details CLEANUP(buffer_close);
    buffer_init(&details);
    struct writer w;
    writer_init(&w, &details);
    writer_object_begin(&w);
    writer_member_unsigned(&w, "time_s", tips.latest.timestamp);
    if (reply_u256(results[PRICE], &value))
        writer_member_text(&w, "gas_price", u256_decimal(number, &value));
    if (tips.latest.has_base_fee)
        writer_member_text(&w, "base_fee", u256_decimal(number, &tips.latest.base_fee));
    if (tips.latest.has_minimum_gas_price)
        writer_member_text(&w, "minimum_gas_price", u256_decimal(number, &tips.latest.minimum_gas_price));
    if (reply_u64(results[PEERS], &peers) && peers <= INTEGER_MAX)
        writer_member_unsigned(&w, "peers", peers);
    writer_object_end(&w);
    reply_hash_text(tip, &tips.latest.hash);
    *state = (struct network_state){
        /* true is only said where the server says that it is not catching up */
        .synced = json_is_false(results[SYNCING]),
        .has_height = true, .height = tips.latest.number,
        .has_safe = tips.has_safe, .safe = tips.safe,
        .has_final = tips.has_final, .final = tips.final,
        .tip = arena_text(call->arena, tip, strlen(tip)),
        .details = arena_text(call->arena, (const char *)details.data, details.size)};
    if (reply_u256(results[BALANCE], &value)) {
        u256_decimal(number, &value);
        state->balance = arena_text(call->arena, number, strlen(number));
    }
    for (size_t i = 0; i < QUESTIONS; i++)
        json_decref(results[i]);
    return OK;
}
