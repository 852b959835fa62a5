/* Receipts, calls and logs of an EVM server: server.h. */
#include <stdio.h>

#include "network/evm/abi.h"
#include "network/evm/server.h"

/* --- receipts ---------------------------------------------------------------------------------------- */
enum status server_receipt(struct evm_client *client, struct network_call *call,
                           const struct hash *transaction, struct server_receipt *receipt)
{
    AUTO_JSON json_t *json = NULL;
    json_t *params = json_pack("[o]", json_data(transaction->bytes, sizeof transaction->bytes));
    TRY(server_ask(client, call, "eth_getTransactionReceipt", params, &json));
    struct server_receipt found = {0};
    if (json_is_null(json)) {
        *receipt = found;
        return OK;
    }
    uint64_t status;
    if (!reply_hash(json_object_get(json, "transactionHash"), &found.transaction) ||
        !hash_equal(&found.transaction, transaction) ||
        !reply_hash(json_object_get(json, "blockHash"), &found.block) ||
        !reply_u64(json_object_get(json, "blockNumber"), &found.number) ||
        !reply_u64(json_object_get(json, "transactionIndex"), &found.index) ||
        !reply_u64(json_object_get(json, "gasUsed"), &found.gas_used) ||
        !reply_u64(json_object_get(json, "status"), &status) || status > 1)
        return server_lied(client, call, "eth_getTransactionReceipt gave no receipt of that transaction");
    found.known = true;
    found.succeeded = status == 1;
    found.has_contract = reply_address(json_object_get(json, "contractAddress"), &found.contract);
    found.has_l1_fee = reply_u256(json_object_get(json, "l1Fee"), &found.l1_fee);
    if (!reply_u256(json_object_get(json, "effectiveGasPrice"), &found.gas_price))
        found.gas_price = u256_of(0); /* servers before London do not tell it */
    *receipt = found;
    return OK;
}

/* --- calls ------------------------------------------------------------------------------------------- */
/* What our own contracts say when they refuse: their errors are selectors, people read names. */
static const char *const own_errors[] = {
    "NoAccount()", "BalanceTooSmall(uint256,uint256)", "AllowanceTooSmall(uint256,uint256)", "Reentered()",
    "WrongTerms()", "DeadlinePassed()", "DeadlineNotReached()", "LockExists()", "NotLocked()",
    "WrongSecret()", "NotReceived()", "TransferFailed()", "NotEnoughGas()", "NothingOwed()",
};

static void explain(struct bytes data, const char *message, char out[SERVER_REASON_MAX])
{
    struct abi_revert_reason reason;
    abi_revert_decode(data, &reason);
    if (reason.kind == ABI_REVERT_CUSTOM)
        for (size_t i = 0; i < COUNT_OF(own_errors); i++) {
            uint8_t selector[ABI_SELECTOR];
            abi_selector(own_errors[i], selector);
            if (memcmp(selector, reason.selector, ABI_SELECTOR) == 0) {
                snprintf(out, SERVER_REASON_MAX, "reverted: %s", own_errors[i]);
                return;
            }
        }
    if (reason.kind == ABI_REVERT_PLAIN)
        snprintf(out, SERVER_REASON_MAX, "%s", message);
    else
        snprintf(out, SERVER_REASON_MAX, "reverted: %s", reason.text);
}

/* Servers hang what a revert gave back in places of their own: as the error's data, or in an object there. */
static bool revert_data(const struct rpc_refusal *refusal, struct arena *arena, struct bytes *data)
{
    if (reply_data(refusal->data, arena, data))
        return true;
    return json_is_object(refusal->data) && reply_data(json_object_get(refusal->data, "data"), arena, data);
}

static json_t *message_json(const struct server_message *message)
{
    json_t *json = json_object();
    if (message->sender != NULL)
        json_object_set_new(json, "from", json_data(message->sender->bytes, EVM_ADDRESS_SIZE));
    if (message->to != NULL)
        json_object_set_new(json, "to", json_data(message->to->bytes, EVM_ADDRESS_SIZE));
    if (!u256_is_zero(&message->value))
        json_object_set_new(json, "value", json_amount(&message->value));
    if (message->data.size > 0)
        json_object_set_new(json, "data", json_data(message->data.data, message->data.size));
    if (message->gas > 0)
        json_object_set_new(json, "gas", json_quantity(message->gas));
    return json;
}

static enum status run(struct evm_client *client, struct network_call *call, const char *method,
                       json_t *params, struct server_outcome *outcome, json_t **result)
{
    struct rpc_refusal refusal;
    bool refused;
    *outcome = (struct server_outcome){0};
    TRY(server_ask_or_no(client, call, method, params, result, &refused, &refusal));
    if (!refused)
        return OK;
    outcome->reverted = true;
    if (!revert_data(&refusal, call->arena, &outcome->answer))
        outcome->answer = bytes_of(NULL, 0);
    explain(outcome->answer, refusal.message, outcome->reason);
    json_decref(refusal.data);
    return OK;
}

enum status server_call(struct evm_client *client, struct network_call *call,
                        const struct server_message *message, const char *block,
                        struct server_outcome *outcome)
{
    AUTO_JSON json_t *result = NULL;
    json_t *at = strlen(block) == REPLY_HASH_TEXT_MAX - 1 ? json_pack("{ss}", "blockHash", block)
                                                            : json_string(block);
    TRY(run(client, call, "eth_call", json_pack("[oo]", message_json(message), at), outcome, &result));
    if (!outcome->reverted && !reply_data(result, call->arena, &outcome->answer))
        return server_lied(client, call, "eth_call gave no bytes");
    return OK;
}

enum status server_gas(struct evm_client *client, struct network_call *call,
                       const struct server_message *message, struct server_outcome *outcome, uint64_t *gas)
{
    AUTO_JSON json_t *result = NULL;
    TRY(run(client, call, "eth_estimateGas", json_pack("[o]", message_json(message)), outcome, &result));
    if (!outcome->reverted && !reply_u64(result, gas))
        return server_lied(client, call, "eth_estimateGas gave no quantity");
    return OK;
}

/* --- logs -------------------------------------------------------------------------------------------- */
static bool log_of_json(const json_t *json, struct arena *arena, struct server_log *log)
{
    const json_t *topics = json_object_get(json, "topics");
    if (!json_is_array(topics) || json_array_size(topics) > EVM_TOPICS_MAX)
        return false;
    log->topic_count = json_array_size(topics);
    for (size_t i = 0; i < log->topic_count; i++)
        if (!reply_hash(json_array_get(topics, i), &log->topics[i]))
            return false;
    /* Not every server tells the time with a log. */
    if (!reply_u64(json_object_get(json, "blockTimestamp"), &log->time_s) || log->time_s > INTEGER_MAX)
        log->time_s = 0;
    return reply_address(json_object_get(json, "address"), &log->address) &&
           reply_data(json_object_get(json, "data"), arena, &log->data) &&
           reply_hash(json_object_get(json, "transactionHash"), &log->transaction) &&
           reply_hash(json_object_get(json, "blockHash"), &log->block) &&
           reply_u64(json_object_get(json, "blockNumber"), &log->number) &&
           reply_u64(json_object_get(json, "logIndex"), &log->index);
}

/* A server could answer with what was not asked for. */
static bool log_fits(const json_t *filter, const struct server_log *log)
{
    uint64_t first, last;
    struct evm_address address;
    if (reply_u64(json_object_get(filter, "fromBlock"), &first) && log->number < first)
        return false;
    if (reply_u64(json_object_get(filter, "toBlock"), &last) && log->number > last)
        return false;
    if (reply_address(json_object_get(filter, "address"), &address) &&
        !evm_address_equal(&address, &log->address))
        return false;
    const json_t *topics = json_object_get(filter, "topics");
    for (size_t i = 0; i < json_array_size(topics); i++) {
        struct hash topic;
        if (reply_hash(json_array_get(topics, i), &topic) &&
            (i >= log->topic_count || !hash_equal(&topic, &log->topics[i])))
            return false;
    }
    return true;
}

enum status server_logs(struct evm_client *client, struct network_call *call, json_t *filter,
                        struct server_logs *logs)
{
    AUTO_JSON json_t *asked = json_incref(filter);
    AUTO_JSON json_t *result = NULL;
    TRY(server_ask(client, call, "eth_getLogs", json_pack("[o]", filter), &result));
    size_t count = json_array_size(result);
    if (!json_is_array(result) || count > SERVER_LOGS_MAX)
        return server_lied(client, call, "eth_getLogs gave no list of at most %d logs", SERVER_LOGS_MAX);
    struct server_log *list = arena_new(call->arena, (count + 1) * sizeof *list);
    for (size_t i = 0; i < count; i++)
        if (!log_of_json(json_array_get(result, i), call->arena, &list[i]) || !log_fits(asked, &list[i]))
            return server_lied(client, call, "eth_getLogs gave what is no log, or was not asked for");
    *logs = (struct server_logs){.count = count, .logs = list};
    return OK;
}
