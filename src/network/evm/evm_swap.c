/* Hash-locked amounts on an EVM chain: evm_swap.h. */
#include "network/evm/evm_swap.h"

#include "crypto/hash.h"
#include "network/evm/contracts.h"
#include "network/evm/server.h"

/* --- calls ------------------------------------------------------------------------------------------- */
static void begin(struct evm_swap_call *call, const struct evm_address *to)
{
    *call = (struct evm_swap_call){.creates = to == NULL};
    if (to != NULL)
        call->to = *to;
    buffer_init(&call->data);
}

void evm_swap_call_close(struct evm_swap_call *call)
{
    buffer_close(&call->data);
}

void evm_swap_deploy(struct evm_swap_call *call)
{
    struct bytes creation = contract_hash_lock_creation();
    begin(call, NULL);
    buffer_append(&call->data, creation.data, creation.size);
}

void evm_swap_approve(const struct evm_swap_terms *terms, struct evm_swap_call *call)
{
    struct u256 unlimited;
    memset(unlimited.bytes, 0xff, sizeof unlimited.bytes);
    const struct abi_value values[] = {abi_address(&terms->contract), abi_number(&unlimited)};
    begin(call, &terms->token);
    abi_encode_call("approve(address,uint256)", values, COUNT_OF(values), &call->data);
}

void evm_swap_lock(const struct evm_swap_terms *terms, struct evm_swap_call *call)
{
    const struct abi_value values[] = {
        abi_address(&terms->recipient), abi_word(&terms->hash), abi_small(ABI_UINT64, terms->deadline_s),
        abi_address(&terms->token), abi_number(&terms->amount)};
    begin(call, &terms->contract);
    if (evm_address_is_zero(&terms->token))
        call->value = terms->amount;
    abi_encode_call("lock(address,bytes32,uint64,address,uint256)", values, COUNT_OF(values), &call->data);
}

void evm_swap_claim(const struct evm_address *contract, const struct hash *id, const struct hash *secret,
                    struct evm_swap_call *call)
{
    const struct abi_value values[] = {abi_word(id), abi_word(secret)};
    begin(call, contract);
    abi_encode_call("claim(bytes32,bytes32)", values, COUNT_OF(values), &call->data);
}

void evm_swap_refund(const struct evm_address *contract, const struct hash *id, struct evm_swap_call *call)
{
    const struct abi_value values[] = {abi_word(id)};
    begin(call, contract);
    abi_encode_call("refund(bytes32)", values, COUNT_OF(values), &call->data);
}

void evm_swap_withdraw(const struct evm_address *contract, const struct evm_address *token,
                       const struct evm_address *to, struct evm_swap_call *call)
{
    const struct abi_value values[] = {abi_address(token), abi_address(to)};
    begin(call, contract);
    abi_encode_call("withdraw(address,address)", values, COUNT_OF(values), &call->data);
}

void evm_swap_options(const struct evm_swap_call *call, struct buffer *out)
{
    char to[EVM_ADDRESS_TEXT_MAX], value[U256_DECIMAL_MAX];
    struct writer w;
    writer_init(&w, out);
    writer_object_begin(&w);
    writer_key(&w, "to");
    if (call->creates) {
        writer_null(&w);
    } else {
        /* all lower case: right on every chain, whatever checksum it has */
        to[0] = '0';
        to[1] = 'x';
        hex_text(to + 2, call->to.bytes, EVM_ADDRESS_SIZE);
        writer_text(&w, to);
    }
    writer_member_text(&w, "value", u256_decimal(value, &call->value));
    writer_member_data(&w, "data", call->data.data, call->data.size);
    writer_object_end(&w);
}

/* --- reading ----------------------------------------------------------------------------------------- */
static enum status check_code(struct evm_client *client, struct network_call *call,
                              const struct evm_address *contract, const char *block)
{
    AUTO_JSON json_t *code = NULL;
    struct bytes bytes;
    json_t *params = json_pack("[os]", json_data(contract->bytes, EVM_ADDRESS_SIZE), block);
    TRY(server_ask(client, call, "eth_getCode", params, &code));
    if (!reply_data(code, call->arena, &bytes))
        return server_lied(client, call, "eth_getCode gave no bytes");
    if (bytes_equal(bytes, contract_hash_lock_code()))
        return OK;
    char text[EVM_ADDRESS_TEXT_MAX];
    evm_address_encode(text, contract, client->checksum);
    return error_set(&call->error, ERROR_NETWORK_NOT_FOUND, "at %s stands %s", text,
                     bytes.size == 0 ? "no contract" : "another contract than our hash lock");
}

/* read(id) gives (sender, deadline, state, recipient, token, amount, hash). */
static bool decode_lock(struct bytes answer, struct evm_swap_reading *reading)
{
    struct abi_value values[] = {{.type = ABI_ADDRESS}, {.type = ABI_UINT64}, {.type = ABI_UINT8},
                                 {.type = ABI_ADDRESS}, {.type = ABI_ADDRESS}, {.type = ABI_UINT256},
                                 {.type = ABI_BYTES32}};
    if (!abi_decode(answer, values, COUNT_OF(values)) || values[2].small >= EVM_SWAP_STATES)
        return false;
    reading->state = (enum evm_swap_state)values[2].small;
    reading->terms.sender = values[0].address;
    reading->terms.deadline_s = values[1].small;
    reading->terms.recipient = values[3].address;
    reading->terms.token = values[4].address;
    reading->terms.amount = values[5].number;
    reading->terms.hash = values[6].word;
    return true;
}

/* After the block that has so many confirmations; 0: the newest. */
static enum status read_lock(struct evm_client *c, struct network_call *call,
                             const struct evm_address *contract, const struct hash *id,
                             uint64_t confirmations, struct evm_swap_reading *reading)
{
    struct server_tips tips;
    struct server_block block, again;
    struct server_outcome outcome;
    TRY(server_tips(c, call, &tips));
    uint64_t latest = tips.latest.number, above = confirmations == 0 ? 0 : confirmations - 1;
    struct evm_swap_reading found = {.latest = latest, .time_s = (int64_t)tips.latest.timestamp,
                                     .height = latest > above ? latest - above : 0};
    const char *at = server_block_number(call, found.height);
    TRY(server_block(c, call, at, &block));
    TRY(check_code(c, call, contract, at));
    struct buffer data CLEANUP(buffer_close);
    buffer_init(&data);
    struct abi_value value = abi_word(id);
    abi_encode_call("read(bytes32)", &value, 1, &data);
    struct server_message message = {.to = contract, .data = buffer_bytes(&data)};
    TRY(server_call(c, call, &message, at, &outcome));
    if (outcome.reverted || !decode_lock(outcome.answer, &found))
        return server_lied(c, call, "the hash lock's read gave no lock");
    /* While it was read, the chain may have changed below. */
    TRY(server_block(c, call, at, &again));
    if (!block.known || !again.known || !hash_equal(&block.hash, &again.hash))
        return error_set(&call->error, ERROR_NETWORK_TRANSPORT, "the chain changed while it was read");
    found.block = block.hash;
    found.terms.contract = *contract;
    if (found.state != EVM_SWAP_NONE) {
        /* The id covers all terms: a server cannot show others. */
        struct hash computed;
        evm_swap_id(c->chain_id, &found.terms, &computed);
        if (!hash_equal(&computed, id))
            return server_lied(c, call, "the lock's terms are not those of its id");
    }
    *reading = found;
    return OK;
}

enum status evm_swap_read(void *client, struct network_call *call, const struct evm_address *contract,
                          const struct hash *id, bool settled, struct evm_swap_reading *reading)
{
    struct evm_client *c = client;
    return read_lock(c, call, contract, id, settled ? c->confirmations : 0, reading);
}

enum status evm_swap_read_deep(void *client, struct network_call *call, const struct evm_address *contract,
                               const struct hash *id, uint64_t confirmations,
                               struct evm_swap_reading *reading)
{
    struct evm_client *c = client;
    return read_lock(c, call, contract, id,
                     confirmations > c->confirmations ? confirmations : c->confirmations,
                     reading);
}

enum status evm_swap_allowance(void *client, struct network_call *call, const struct evm_swap_terms *terms,
                               struct u256 *allowed)
{
    const struct abi_value values[] = {abi_address(&terms->sender), abi_address(&terms->contract)};
    struct abi_value answer = {.type = ABI_UINT256};
    struct buffer data CLEANUP(buffer_close);
    struct server_outcome outcome;
    buffer_init(&data);
    abi_encode_call("allowance(address,address)", values, COUNT_OF(values), &data);
    struct server_message message = {.to = &terms->token, .data = buffer_bytes(&data)};
    TRY(server_call(client, call, &message, "latest", &outcome));
    if (outcome.reverted || !abi_decode(outcome.answer, &answer, 1))
        return error_set(&call->error, ERROR_NETWORK_NOT_FOUND, "the token tells no allowance; it is none");
    *allowed = answer.number;
    return OK;
}

enum status evm_swap_next_number(void *client, struct network_call *call, const struct evm_address *account,
                                 uint64_t height, uint64_t *number)
{
    return server_nonce(client, call, account, json_quantity(height), number);
}

static enum status look_for_secret(struct evm_client *client, struct network_call *call,
                                   const struct evm_address *contract, const struct hash *id,
                                   const struct hash *hash, uint64_t first, uint64_t last, bool *found,
                                   struct hash *secret, struct hash *transaction)
{
    struct hash topic, digest;
    struct server_logs logs;
    abi_topic(EVM_SWAP_EVENT_CLAIMED, &topic);
    json_t *filter = json_pack("{sosososo}", "address", json_data(contract->bytes, EVM_ADDRESS_SIZE),
                               "fromBlock", json_quantity(first), "toBlock", json_quantity(last), "topics",
                               json_pack("[oo]", json_data(topic.bytes, sizeof topic.bytes),
                                         json_data(id->bytes, sizeof id->bytes)));
    TRY(server_logs(client, call, filter, &logs));
    for (size_t i = 0; i < logs.count; i++) {
        struct abi_value value = {.type = ABI_BYTES32};
        if (!abi_decode(logs.logs[i].data, &value, 1))
            continue;
        sha256(&digest, value.word.bytes, sizeof value.word.bytes);
        if (!hash_equal(&digest, hash))
            return server_lied(client, call, "the hash lock was claimed with what is not its secret");
        *found = true;
        *secret = value.word;
        *transaction = logs.logs[i].transaction;
        return OK;
    }
    return OK;
}

enum status evm_swap_secret(void *client, struct network_call *call, const struct evm_address *contract,
                            const struct hash *id, const struct hash *hash, uint64_t since, bool *found,
                            struct hash *secret, struct hash *transaction)
{
    struct evm_client *c = client;
    struct server_tips tips;
    bool claimed = false;
    TRY(server_tips(c, call, &tips));
    uint64_t latest = tips.latest.number, span = c->chain->log_range;
    for (uint64_t first = since; first <= latest && !claimed; first += span) {
        uint64_t last = latest - first < span ? latest : first + span - 1;
        TRY(look_for_secret(c, call, contract, id, hash, first, last, &claimed, secret, transaction));
    }
    *found = claimed;
    return OK;
}
