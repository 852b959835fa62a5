/* Writes on EVM networks: what is to be done becomes a transaction with gas, fee and nonce, signed here, and
 * its bytes are sent. evm_client.h. */
#include <ctype.h>

#include "network/evm/abi.h"
#include "network/evm/contracts.h"
#include "network/evm/evm_write.h"

#define GAS_PLAIN 21000    /* a payment to an account without code */
#define GAS_MOST 16777216  /* of one transaction: EIP-7825 */
#define GAS_DOUBLINGS 3
#define TOKEN_TEXT_MAX 64  /* bytes of a token's symbol or name */
#define TOKEN_DECIMALS_MAX 36

/* --- what is to be done ------------------------------------------------------------------------------ */
struct plan {
    struct evm_transaction transaction; /* all but nonce, fee and signature */
    struct server_message message;      /* the same, to be tried */
    bool moves_token;
};

#define refuse(call, ...) error_set(&(call)->error, ERROR_INVALID_PARAMS, __VA_ARGS__)

static enum status take_amount(struct network_call *call, const char *text, struct u256 *amount)
{
    if (text == NULL || !u256_from_decimal(amount, text, strlen(text)))
        return refuse(call, "the amount is '%s'; it takes decimal digits below 2^256",
                      text == NULL ? "" : text);
    return OK;
}

static enum status take_address(const struct evm_client *client, struct network_call *call, const char *text,
                                const char *name, struct evm_address *address)
{
    if (text == NULL || !evm_address_decode(address, text, strlen(text), client->checksum))
        return error_set(&call->error, ERROR_INVALID_PARAMS,
                         "%s is '%s'; it takes 0x and 40 hex digits, in one case or with the right checksum",
                         name, text == NULL ? "" : text);
    if (evm_address_is_zero(address))
        return refuse(call, "%s is the zero address, which is nobody's", name);
    return OK;
}

/* Whether a checksum is the right one, the link alone knows: Rootstock's is of the chain's number. */
static enum status judge_address(const char *text, const char *name, struct error *error)
{
    char lower[EVM_ADDRESS_TEXT_MAX] = "";
    struct evm_address address;
    if (text != NULL && strlen(text) < sizeof lower)
        for (size_t i = 0; text[i] != '\0'; i++)
            lower[i] = i < 2 ? text[i] : (char)tolower((unsigned char)text[i]);
    if (!evm_address_decode(&address, lower, strlen(lower), EVM_CHECKSUM_PLAIN))
        return error_set(error, ERROR_INVALID_PARAMS, "%s is '%.64s'; it takes 0x and 40 hex digits", name,
                         text == NULL ? "" : text);
    if (evm_address_is_zero(&address))
        return error_set(error, ERROR_INVALID_PARAMS, "%s is the zero address, which is nobody's", name);
    return OK;
}

static enum status judge_issue(const struct network_write *write, struct error *error)
{
    const char *symbol = write->symbol == NULL ? "" : write->symbol;
    const char *title = write->title == NULL ? symbol : write->title;
    if (symbol[0] == '\0' || strlen(symbol) > TOKEN_TEXT_MAX || strlen(title) > TOKEN_TEXT_MAX)
        return error_set(error, ERROR_INVALID_PARAMS, "symbol '%.80s' and title have 1 to 64 bytes", symbol);
    if (write->decimals > TOKEN_DECIMALS_MAX)
        return error_set(error, ERROR_INVALID_PARAMS, "decimals go to 36");
    return OK;
}

static enum status judge_transfer(const struct network_write *write, struct error *error)
{
    TRY(judge_address(write->to, "to", error));
    if (write->asset != NULL)
        TRY(judge_address(write->asset, "asset", error));
    if (write->memo != NULL)
        return error_set(error, ERROR_INVALID_PARAMS, "payments on this network carry no memo");
    return OK;
}

enum status evm_judge(const struct network_write *write, struct error *error)
{
    struct u256 amount;
    if (write->kind == WRITE_SUBMIT)
        return OK;
    if (write->amount == NULL || !u256_from_decimal(&amount, write->amount, strlen(write->amount)))
        return error_set(error, ERROR_INVALID_PARAMS,
                         "the amount is '%.80s'; it takes decimal digits below 2^256",
                         write->amount == NULL ? "" : write->amount);
    return write->kind == WRITE_ISSUE ? judge_issue(write, error) : judge_transfer(write, error);
}

static struct bytes keep(struct network_call *call, const struct buffer *buffer)
{
    uint8_t *copy = arena_new(call->arena, buffer->size + 1);
    memcpy(copy, buffer->data, buffer->size);
    return bytes_of(copy, buffer->size);
}

static enum status plan_issue(struct evm_client *client, struct network_call *call,
                              const struct network_write *write, struct plan *plan)
{
    struct u256 supply;
    TRY(take_amount(call, write->amount, &supply));
    const char *symbol = write->symbol == NULL ? "" : write->symbol;
    const char *title = write->title == NULL ? symbol : write->title;
    struct buffer data CLEANUP(buffer_close);
    buffer_init(&data);
    struct bytes creation = contract_token_creation();
    buffer_append(&data, creation.data, creation.size);
    const struct abi_value values[] = {
        abi_bytes(ABI_STRING, title, strlen(title)), abi_bytes(ABI_STRING, symbol, strlen(symbol)),
        abi_small(ABI_UINT8, write->decimals), abi_number(&supply), abi_address(&client->account)};
    abi_encode(values, COUNT_OF(values), &data);
    plan->transaction.creates = true;
    plan->transaction.data = keep(call, &data);
    return OK;
}

static enum status plan_transfer(struct evm_client *client, struct network_call *call,
                                 const struct network_write *write, struct plan *plan)
{
    struct evm_address to;
    struct u256 amount;
    TRY(take_address(client, call, write->to, "to", &to));
    TRY(take_amount(call, write->amount, &amount));
    if (write->asset == NULL) {
        plan->transaction.to = to;
        plan->transaction.value = amount;
        return OK;
    }
    TRY(take_address(client, call, write->asset, "asset", &plan->transaction.to));
    struct buffer data CLEANUP(buffer_close);
    buffer_init(&data);
    const struct abi_value values[] = {abi_address(&to), abi_number(&amount)};
    abi_encode_call("transfer(address,uint256)", values, COUNT_OF(values), &data);
    plan->transaction.data = keep(call, &data);
    plan->moves_token = true;
    return OK;
}

/* Signed bytes never begin as a call's text: a legacy transaction is a list (0xc0 or more), and no type is
 * 0x7b. */
bool evm_is_signed(const struct network_write *write)
{
    return write->kind == WRITE_SUBMIT && write->raw.size > 0 && write->raw.data[0] != '{';
}

/* {"to": address or null, "value": wei, "data": "0x…"}, as text or as options: a call with our key. */
static enum status plan_call(struct evm_client *client, struct network_call *call,
                             const struct network_write *write, struct plan *plan)
{
    struct bytes text = write->raw.size > 0      ? write->raw
                        : write->options == NULL ? bytes_of(NULL, 0)
                                                 : bytes_of_text(write->options);
    if (text.size == 0)
        return refuse(call, "signed bytes are needed, or {to, value, data} as text or options");
    AUTO_JSON json_t *options = NULL;
    TRY(json_parse((const char *)text.data, text.size, &options, &call->error));
    const json_t *to = json_object_get(options, "to"), *value = json_object_get(options, "value"),
                 *data = json_object_get(options, "data");
    size_t known = (to != NULL) + (value != NULL) + (data != NULL);
    if (!json_is_object(options) || json_object_size(options) != known)
        return refuse(call, "a call is {to, value, data}");
    if (to == NULL || json_is_null(to))
        plan->transaction.creates = true;
    else
        TRY(take_address(client, call, json_string_value(to), "to", &plan->transaction.to));
    if (value != NULL)
        TRY(take_amount(call, json_string_value(value), &plan->transaction.value));
    if (data != NULL && !reply_data(data, call->arena, &plan->transaction.data))
        return refuse(call, "data is 0x and hex digits");
    if (plan->transaction.creates && plan->transaction.data.size == 0)
        return refuse(call, "a call needs to, or data that creates a contract");
    return OK;
}

static enum status make_plan(struct evm_client *client, struct network_call *call,
                             const struct network_write *write, struct plan *plan)
{
    if (client->signer == NULL)
        return error_set(&call->error, ERROR_NETWORK_NOT_SUPPORTED, "the link has no key to sign with");
    TRY(evm_judge(write, &call->error));
    *plan = (struct plan){.transaction = {.kind = client->chain->family == EVM_OPTIMISM ? EVM_DYNAMIC_FEE
                                                                                        : EVM_LEGACY,
                                          .chain_id = client->chain_id}};
    switch (write->kind) {
    case WRITE_SUBMIT: TRY(plan_call(client, call, write, plan)); break;
    case WRITE_ISSUE: TRY(plan_issue(client, call, write, plan)); break;
    case WRITE_TRANSFER: TRY(plan_transfer(client, call, write, plan)); break;
    }
    plan->message = (struct server_message){.sender = &client->account,
                                            .to = plan->transaction.creates ? NULL : &plan->transaction.to,
                                            .value = plan->transaction.value, .data = plan->transaction.data};
    return OK;
}

/* --- trying it --------------------------------------------------------------------------------------- */
static enum status refused_by_network(struct network_call *call, const char *reason)
{
    return error_set(&call->error, ERROR_NETWORK_REJECTED, "%s", reason);
}

/* A token answers true or nothing; an address without code answers nothing to everything. */
static enum status try_token(struct evm_client *client, struct network_call *call, const struct plan *plan)
{
    struct server_outcome outcome;
    TRY(server_call(client, call, &plan->message, "latest", &outcome));
    if (outcome.reverted)
        return refused_by_network(call, outcome.reason);
    struct abi_value answer = {.type = ABI_BOOL};
    if (outcome.answer.size > 0)
        return abi_decode(outcome.answer, &answer, 1) && answer.truth
                   ? OK
                   : refused_by_network(call, "the token answers that it would not transfer");
    AUTO_JSON json_t *code = NULL;
    struct bytes bytes;
    json_t *params = json_pack("[os]", json_data(plan->transaction.to.bytes, EVM_ADDRESS_SIZE), "latest");
    TRY(server_ask(client, call, "eth_getCode", params, &code));
    if (!reply_data(code, call->arena, &bytes))
        return server_lied(client, call, "eth_getCode gave no bytes");
    return bytes.size > 0 ? OK : refused_by_network(call, "there is no contract at the asset's address");
}

/* Estimates differ: some servers look for the least gas with which it succeeds, others (rskj) tell what one
 * run with plenty used up, which is too little for a contract that asks how much is left. So it is tried with
 * the very limit that will be signed, and with more where that fails. */
static enum status try_limit(struct evm_client *client, struct network_call *call, struct plan *plan)
{
    struct server_outcome outcome;
    for (unsigned doubled = 0;; doubled++) {
        plan->message.gas = plan->transaction.gas_limit;
        TRY(server_call(client, call, &plan->message, "latest", &outcome));
        if (!outcome.reverted)
            return OK;
        if (doubled == GAS_DOUBLINGS || plan->transaction.gas_limit > GAS_MOST / 2)
            return refused_by_network(call, outcome.reason);
        plan->transaction.gas_limit *= 2;
    }
}

/* Gas by the server's estimate, with a quarter more where code runs: the state may be another by then. What
 * is not used is not paid. */
static enum status plan_gas(struct evm_client *client, struct network_call *call, struct plan *plan)
{
    if (plan->moves_token)
        TRY(try_token(client, call, plan));
    struct server_outcome outcome;
    uint64_t gas = 0;
    TRY(server_gas(client, call, &plan->message, &outcome, &gas));
    if (outcome.reverted)
        return refused_by_network(call, outcome.reason);
    uint64_t least = evm_transaction_intrinsic_gas(&plan->transaction);
    if (gas < least || gas > (uint64_t)UINT32_MAX)
        return server_lied(client, call, "eth_estimateGas says %llu; it takes at least %llu",
                           (unsigned long long)gas, (unsigned long long)least);
    if (gas == GAS_PLAIN) {
        plan->transaction.gas_limit = gas;
        return OK;
    }
    uint64_t ample = gas + gas / 4;
    plan->transaction.gas_limit = ample < GAS_MOST ? ample : GAS_MOST;
    return try_limit(client, call, plan);
}

/* --- fees -------------------------------------------------------------------------------------------- */
static const char *wei(struct network_call *call, const struct u256 *value)
{
    char text[U256_DECIMAL_MAX];
    u256_decimal(text, value);
    return arena_text(call->arena, text, strlen(text));
}

static const char *kept_text(struct network_call *call, const struct buffer *text)
{
    return arena_text(call->arena, (const char *)text->data, text->size);
}

enum status evm_estimate_fees(void *client, struct network_call *call, const struct network_write *write,
                              struct network_fees *fees)
{
    struct evm_client *c = client;
    struct fee_prices prices;
    struct plan plan;
    bool layer1_known = false;
    struct u256 most = u256_of(0);
    struct fee_limits unlimited = {.layer1 = u256_of(0)};
    TRY(fees_read(c, call, &prices));
    memset(unlimited.total.bytes, 0xff, sizeof unlimited.total.bytes);
    unlimited.price = unlimited.total;
    if (write != NULL) {
        TRY(make_plan(c, call, write, &plan));
        TRY(plan_gas(c, call, &plan));
        TRY(evm_layer1(c, call, &plan.transaction, &layer1_known, &unlimited.layer1));
        TRY(fees_put(&prices, &unlimited, &plan.transaction, &most, &call->error));
    }
    struct buffer details CLEANUP(buffer_close);
    buffer_init(&details);
    struct writer w;
    writer_init(&w, &details);
    writer_object_begin(&w);
    writer_member_text(&w, prices.dynamic ? "base_fee" : "least", wei(call, &prices.base));
    if (prices.dynamic)
        writer_member_text(&w, "priority_fee", wei(call, &prices.tip[FEE_NORMAL]));
    if (write != NULL)
        writer_member_unsigned(&w, "gas_limit", plan.transaction.gas_limit);
    if (layer1_known)
        writer_member_text(&w, "layer1_fee", wei(call, &unlimited.layer1));
    else if (c->chain->family == EVM_OPTIMISM)
        writer_member_text(&w, "note", write == NULL
                           ? "layer 1 takes a fee for each byte on top"
                           : "the server has no GasPriceOracle: what layer 1 takes is not in it");
    writer_object_end(&w);
    *fees = (struct network_fees){.slow = wei(call, &prices.price[FEE_SLOW]),
                                  .normal = wei(call, &prices.price[FEE_NORMAL]),
                                  .fast = wei(call, &prices.price[FEE_FAST]),
                                  .unit = "wei per gas", .total = write == NULL ? NULL : wei(call, &most),
                                  .details = kept_text(call, &details)};
    return OK;
}

enum status evm_layer1(struct evm_client *client, struct network_call *call,
                       const struct evm_transaction *transaction, bool *known, struct u256 *fee)
{
    struct buffer raw CLEANUP(buffer_close);
    buffer_init(&raw);
    TRY(evm_transaction_unsigned(transaction, &raw, &call->error));
    return fees_layer1(client, call, buffer_bytes(&raw), known, fee);
}

enum status evm_fee_limits(struct evm_client *client, struct network_call *call,
                           const struct network_write *write, const struct evm_transaction *transaction,
                           struct fee_limits *limits)
{
    bool known;
    *limits = (struct fee_limits){.total = client->fee_limit, .price = client->price_limit};
    if (write->fee != NULL && !u256_from_decimal(&limits->total, write->fee, strlen(write->fee)))
        return refuse(call, "fee is '%s'; it takes decimal wei", write->fee);
    return evm_layer1(client, call, transaction, &known, &limits->layer1);
}

/* --- prepare ----------------------------------------------------------------------------------------- */
static enum status sign_with(void *context, const struct hash *digest, struct signature *signature,
                             int *recovery_id, struct error *error)
{
    struct network_signer *signer = context;
    return signer->sign(signer, digest, signature, recovery_id, error);
}

static void write_details(const struct evm_client *client, const struct evm_transaction *transaction,
                          const struct evm_address *sender, const struct u256 *most, struct writer *w)
{
    char text[U256_DECIMAL_MAX], address[EVM_ADDRESS_TEXT_MAX];
    writer_object_begin(w);
    writer_member_text(w, "sender", evm_address_encode(address, sender, client->checksum));
    if (!transaction->creates)
        writer_member_text(w, "to", evm_address_encode(address, &transaction->to, client->checksum));
    writer_member_text(w, "value", u256_decimal(text, &transaction->value));
    writer_member_unsigned(w, "nonce", transaction->nonce);
    writer_member_unsigned(w, "gas_limit", transaction->gas_limit);
    writer_member_text(w, "gas_price", u256_decimal(text, &transaction->gas_price));
    if (transaction->kind == EVM_DYNAMIC_FEE)
        writer_member_text(w, "priority_fee", u256_decimal(text, &transaction->priority_fee));
    if (most != NULL)
        writer_member_text(w, "cost_most", u256_decimal(text, most));
    writer_object_end(w);
}

/* Hands out the signed bytes with their id, and the contract's address where one is created. */
static void hand_out(const struct evm_client *client, struct network_call *call, struct bytes raw,
                     const struct evm_transaction *transaction, const struct evm_address *sender,
                     const struct u256 *most, struct network_prepared *prepared)
{
    struct hash id;
    char id_text[REPLY_HASH_TEXT_MAX], asset[EVM_ADDRESS_TEXT_MAX];
    struct evm_address created;
    struct buffer details CLEANUP(buffer_close);
    buffer_init(&details);
    struct writer w;
    writer_init(&w, &details);
    write_details(client, transaction, sender, most, &w);
    evm_transaction_id(raw, &id);
    reply_hash_text(id_text, &id);
    *prepared = (struct network_prepared){
        .transaction = arena_text(call->arena, id_text, strlen(id_text)),
        .raw = raw, .details = kept_text(call, &details),
        .has_sequence = client->signer != NULL && evm_address_equal(sender, &client->account),
        .sequence = transaction->nonce};
    if (transaction->creates) {
        evm_address_created(sender, transaction->nonce, &created);
        evm_address_encode(asset, &created, client->checksum);
        prepared->asset = arena_text(call->arena, asset, strlen(asset));
    }
}

enum status evm_sign(struct evm_client *client, struct network_call *call, const struct network_write *write,
                     struct evm_transaction *transaction, const struct u256 *most,
                     struct network_prepared *prepared)
{
    TRY(evm_transaction_sign(transaction, &client->signer->public_key, sign_with, client->signer,
                             &call->error));
    struct buffer raw CLEANUP(buffer_close);
    buffer_init(&raw);
    TRY(evm_transaction_encode(transaction, &raw, &call->error));
    hand_out(client, call, keep(call, &raw), transaction, &client->account, most, prepared);
    if (write->kind != WRITE_ISSUE)
        prepared->asset = NULL; /* a contract that a call creates is no asset */
    return OK;
}

/* Somebody else signed: the chain must be ours, or the bytes would be worth something elsewhere alone. */
static enum status prepare_signed(struct evm_client *client, struct network_call *call,
                                  const struct network_write *write, struct network_prepared *prepared)
{
    struct evm_transaction transaction;
    struct evm_address sender;
    TRY(evm_transaction_decode(write->raw, call->arena, &transaction, &sender, &call->error));
    if (transaction.chain_id != client->chain_id)
        return error_set(&call->error, ERROR_INVALID_PARAMS,
                         "the transaction is signed for chain %llu, the link is on %llu",
                         (unsigned long long)transaction.chain_id, (unsigned long long)client->chain_id);
    hand_out(client, call, write->raw, &transaction, &sender, NULL, prepared);
    return OK;
}

static enum status next_nonce(struct evm_client *client, struct network_call *call,
                              const struct network_write *write, uint64_t *nonce)
{
    TRY(server_nonce(client, call, &client->account, json_string("pending"), nonce));
    /* The server may have dropped, or never seen, what was signed before: those numbers are taken all the
     * same. One that nothing was signed for, and all that was signed waits behind, is filled. */
    bool is_hole = *nonce >= write->hole_from && *nonce < write->hole_to;
    if (*nonce < write->sequence_least && !is_hole)
        *nonce = write->sequence_least;
    if (*nonce >= INTEGER_MAX)
        return server_lied(client, call, "the account's nonce is %llu", (unsigned long long)*nonce);
    return OK;
}

enum status evm_prepare(void *client, struct network_call *call, const struct network_write *write,
                        struct network_prepared *prepared)
{
    struct evm_client *c = client;
    if (evm_is_signed(write))
        return prepare_signed(c, call, write, prepared);
    struct plan plan;
    struct fee_prices prices;
    struct fee_limits limits;
    struct u256 most;
    TRY(make_plan(c, call, write, &plan));
    TRY(plan_gas(c, call, &plan));
    TRY(fees_read(c, call, &prices));
    TRY(evm_fee_limits(c, call, write, &plan.transaction, &limits));
    TRY(fees_put(&prices, &limits, &plan.transaction, &most, &call->error));
    TRY(next_nonce(c, call, write, &plan.transaction.nonce));
    return evm_sign(c, call, write, &plan.transaction, &most, prepared);
}
