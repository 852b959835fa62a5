/* What an EVM server is asked, and its blocks: server.h. */
#include "network/evm/server.h"

#include <stdarg.h>
#include <stdio.h>

static json_t *params_or_none(json_t *params)
{
    return params == NULL ? json_array() : params;
}

enum status server_ask(struct evm_client *client, struct network_call *call, const char *method,
                       json_t *params, json_t **result)
{
    struct rpc_request request = {.method = method, .params = params_or_none(params)};
    return rpc_call(client->endpoint, &request, &call->waiting, result, NULL, &call->error);
}

enum status server_ask_or_no(struct evm_client *client, struct network_call *call, const char *method,
                             json_t *params, json_t **result, bool *refused, struct rpc_refusal *refusal)
{
    struct rpc_request request = {.method = method, .params = params_or_none(params)};
    *refusal = (struct rpc_refusal){0};
    *result = NULL;
    enum status status =
        rpc_call(client->endpoint, &request, &call->waiting, result, refusal, &call->error);
    *refused = status == ERROR_NETWORK_REJECTED;
    return *refused ? OK : status;
}

enum status server_lied(struct evm_client *client, struct network_call *call, const char *format, ...)
{
    char what[ERROR_MESSAGE_MAX / 2];
    va_list list;
    va_start(list, format);
    vsnprintf(what, sizeof what, format, list);
    va_end(list);
    endpoint_blame(client->endpoint);
    return error_set(&call->error, ERROR_NETWORK_PROTOCOL, "%s: %s", endpoint_label(client->endpoint), what);
}

enum status server_quantity(struct evm_client *client, struct network_call *call, const char *method,
                            json_t *params, struct u256 *value)
{
    AUTO_JSON json_t *result = NULL;
    TRY(server_ask(client, call, method, params, &result));
    if (!reply_u256(result, value))
        return server_lied(client, call, "%s gave no quantity", method);
    return OK;
}

enum status server_nonce(struct evm_client *client, struct network_call *call,
                         const struct evm_address *account, json_t *block, uint64_t *nonce)
{
    struct u256 value;
    json_t *params = json_pack("[oo]", json_data(account->bytes, sizeof account->bytes), block);
    TRY(server_quantity(client, call, "eth_getTransactionCount", params, &value));
    if (!u256_to_u64(&value, nonce))
        return server_lied(client, call, "eth_getTransactionCount is past 64 bits");
    return OK;
}

/* --- blocks ------------------------------------------------------------------------------------------ */
const char *server_block_number(struct network_call *call, uint64_t number)
{
    char text[U256_HEX_MAX];
    struct u256 value = u256_of(number);
    u256_quantity(text, &value);
    return arena_text(call->arena, text, strlen(text));
}

const char *server_block_hash(struct network_call *call, const struct hash *hash)
{
    char text[REPLY_HASH_TEXT_MAX];
    reply_hash_text(text, hash);
    return arena_text(call->arena, text, strlen(text));
}

static bool is_hash(const char *which)
{
    return strlen(which) == REPLY_HASH_TEXT_MAX - 1;
}

/* Fields that later forks appended: each is there only when all before it are. */
static bool header_tail(const json_t *json, struct evm_header *header)
{
    static const char *const names[] = {"baseFeePerGas", "withdrawalsRoot", "blobGasUsed", "excessBlobGas",
                                        "parentBeaconBlockRoot", "requestsHash"};
    size_t count = 0;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        const json_t *value = json_object_get(json, names[i]);
        if (value == NULL || json_is_null(value))
            continue;
        if (count != i)
            return false;
        count++;
    }
    header->fields = EVM_HEADER_FIELDS_LEAST + count;
    return (count < 1 || reply_u256(json_object_get(json, names[0]), &header->base_fee)) &&
           (count < 2 || reply_hash(json_object_get(json, names[1]), &header->withdrawals_root)) &&
           (count < 3 || reply_u64(json_object_get(json, names[2]), &header->blob_gas_used)) &&
           (count < 4 || reply_u64(json_object_get(json, names[3]), &header->excess_blob_gas)) &&
           (count < 5 || reply_hash(json_object_get(json, names[4]), &header->parent_beacon_root)) &&
           (count < 6 || reply_hash(json_object_get(json, names[5]), &header->requests_hash));
}

static bool header_of_json(const json_t *json, struct arena *arena, struct evm_header *header)
{
    *header = (struct evm_header){0};
    return reply_hash(json_object_get(json, "parentHash"), &header->parent_hash) &&
           reply_hash(json_object_get(json, "sha3Uncles"), &header->ommers_hash) &&
           reply_address(json_object_get(json, "miner"), &header->beneficiary) &&
           reply_hash(json_object_get(json, "stateRoot"), &header->state_root) &&
           reply_hash(json_object_get(json, "transactionsRoot"), &header->transactions_root) &&
           reply_hash(json_object_get(json, "receiptsRoot"), &header->receipts_root) &&
           reply_fixed(json_object_get(json, "logsBloom"), header->logs_bloom, EVM_BLOOM_SIZE) &&
           reply_u256(json_object_get(json, "difficulty"), &header->difficulty) &&
           reply_u64(json_object_get(json, "number"), &header->number) &&
           reply_u64(json_object_get(json, "gasLimit"), &header->gas_limit) &&
           reply_u64(json_object_get(json, "gasUsed"), &header->gas_used) &&
           reply_u64(json_object_get(json, "timestamp"), &header->timestamp) &&
           reply_data(json_object_get(json, "extraData"), arena, &header->extra_data) &&
           reply_hash(json_object_get(json, "mixHash"), &header->mix_hash) &&
           reply_fixed(json_object_get(json, "nonce"), header->nonce, sizeof header->nonce) &&
           header_tail(json, header);
}

static struct bytes arena_bytes(struct arena *arena, const struct buffer *buffer)
{
    uint8_t *copy = arena_new(arena, buffer->size + 1);
    memcpy(copy, buffer->data, buffer->size);
    return bytes_of(copy, buffer->size);
}

/* Ethereum's form: the hash is that of the fields. */
static bool block_of_json(const json_t *json, struct network_call *call, struct server_block *block)
{
    struct evm_header header;
    struct hash told;
    struct error error = {0};
    if (!header_of_json(json, call->arena, &header) || !reply_hash(json_object_get(json, "hash"), &told))
        return false;
    struct buffer raw CLEANUP(buffer_close);
    buffer_init(&raw);
    if (evm_header_encode(&header, &raw, &error) != OK)
        return false;
    keccak_hash(&block->hash, raw.data, raw.size);
    if (!hash_equal(&block->hash, &told))
        return false;
    block->parent = header.parent_hash;
    block->state_root = header.state_root;
    block->receipts_root = header.receipts_root;
    block->number = header.number;
    block->timestamp = header.timestamp;
    block->gas_limit = header.gas_limit;
    block->has_base_fee = header.fields > EVM_HEADER_FIELDS_LEAST;
    block->base_fee = header.base_fee;
    block->difficulty = header.difficulty;
    block->header = arena_bytes(call->arena, &raw);
    block->known = true;
    return true;
}

/* Rootstock's: the raw header is asked for by hash and has to have it. */
static bool block_of_raw(const json_t *raw, struct network_call *call, struct server_block *block)
{
    struct bytes bytes;
    struct rootstock_header header;
    struct error error = {0};
    if (!reply_data(raw, call->arena, &bytes) || rootstock_header_decode(bytes, &header, &error) != OK ||
        !hash_equal(&header.hash, &block->hash))
        return false;
    block->parent = header.parent_hash;
    block->state_root = header.state_root;
    block->receipts_root = header.receipts_root;
    block->number = header.number;
    block->timestamp = header.timestamp;
    block->gas_limit = header.gas_limit;
    block->has_minimum_gas_price = true;
    block->minimum_gas_price = header.minimum_gas_price;
    block->difficulty = header.difficulty;
    block->header = bytes;
    block->known = true;
    return true;
}

static void release_all(json_t **results, size_t count)
{
    for (size_t i = 0; i < count; i++)
        json_decref(results[i]);
}

static enum status read_raw_headers(struct evm_client *client, struct network_call *call,
                                    struct server_block *const *blocks, size_t count)
{
    struct rpc_request requests[RPC_BATCH_MAX];
    json_t *results[RPC_BATCH_MAX] = {0};
    for (size_t i = 0; i < count; i++)
        requests[i] = (struct rpc_request){
            .method = "rsk_getRawBlockHeaderByHash",
            .params = json_pack("[s]", server_block_hash(call, &blocks[i]->hash))};
    TRY(rpc_batch(client->endpoint, requests, count, &call->waiting, results, NULL, &call->error));
    enum status status = OK;
    for (size_t i = 0; i < count && status == OK; i++)
        if (!block_of_raw(results[i], call, blocks[i]))
            status = server_lied(client, call, "rsk_getRawBlockHeaderByHash gave no header with that hash");
    release_all(results, count);
    return status;
}

static bool asked_number(const char *which, uint64_t *number)
{
    struct u256 value;
    return !is_hash(which) && u256_from_quantity(&value, which, strlen(which)) && u256_to_u64(&value, number);
}

/* Whether the block is the one that was asked for. */
static bool fits(const char *which, const struct server_block *block)
{
    uint64_t number;
    char text[REPLY_HASH_TEXT_MAX];
    if (is_hash(which))
        return strcmp(which, reply_hash_text(text, &block->hash)) == 0;
    return !asked_number(which, &number) || number == block->number;
}

enum status server_blocks(struct evm_client *client, struct network_call *call, const char *const *which,
                          size_t count, struct server_block *blocks)
{
    struct rpc_request requests[RPC_BATCH_MAX];
    json_t *results[RPC_BATCH_MAX] = {0};
    INVARIANT(count > 0 && count <= RPC_BATCH_MAX, "%zu blocks at once", count);
    bool raw = client->chain->family == EVM_ROOTSTOCK && client->options->rsk_methods;
    for (size_t i = 0; i < count; i++)
        requests[i] = (struct rpc_request){
            .method = is_hash(which[i]) ? "eth_getBlockByHash" : "eth_getBlockByNumber",
            .params = json_pack("[sb]", which[i], 0)};
    TRY(rpc_batch(client->endpoint, requests, count, &call->waiting, results, NULL, &call->error));

    enum status status = OK;
    struct server_block *rest[RPC_BATCH_MAX];
    size_t rest_count = 0;
    for (size_t i = 0; i < count && status == OK; i++) {
        blocks[i] = (struct server_block){0};
        if (results[i] == NULL || json_is_null(results[i]))
            continue;
        if (raw && reply_hash(json_object_get(results[i], "hash"), &blocks[i].hash))
            rest[rest_count++] = &blocks[i];
        else if (raw || !block_of_json(results[i], call, &blocks[i]))
            status = server_lied(client, call, "the block %s is none, or its hash is not that of its fields",
                                 which[i]);
    }
    release_all(results, count);
    if (status == OK && rest_count > 0)
        status = read_raw_headers(client, call, rest, rest_count);
    for (size_t i = 0; i < count && status == OK; i++)
        if (blocks[i].known && (blocks[i].number > INTEGER_MAX || blocks[i].timestamp > INTEGER_MAX ||
                                !fits(which[i], &blocks[i])))
            status = server_lied(client, call, "asked for the block %s it gave block %llu", which[i],
                                 (unsigned long long)blocks[i].number);
    return status;
}

enum status server_block(struct evm_client *client, struct network_call *call, const char *which,
                         struct server_block *block)
{
    return server_blocks(client, call, &which, 1, block);
}

uint64_t server_settled(const struct evm_client *client, uint64_t latest)
{
    return latest + 1 < client->confirmations ? 0 : latest + 1 - client->confirmations;
}

enum status server_tips(struct evm_client *client, struct network_call *call, struct server_tips *tips)
{
    static const char *const tags[] = {"latest", "safe", "finalized"};
    struct server_block blocks[COUNT_OF(tags)] = {0};
    bool tagged = client->chain->family == EVM_OPTIMISM;
    TRY(server_blocks(client, call, tags, tagged ? COUNT_OF(tags) : 1, blocks));
    if (!blocks[0].known)
        return server_lied(client, call, "it has no newest block");
    uint64_t latest = blocks[0].number;
    *tips = (struct server_tips){.latest = blocks[0]};
    if (tagged) {
        /* They were asked for at moments of their own: none is past the newest. */
        tips->has_safe = blocks[1].known;
        tips->safe = blocks[1].number < latest ? blocks[1].number : latest;
        tips->has_final = blocks[2].known;
        tips->final = blocks[2].number < latest ? blocks[2].number : latest;
    } else {
        tips->has_safe = tips->has_final = true;
        tips->safe = tips->final = server_settled(client, latest);
    }
    return OK;
}
