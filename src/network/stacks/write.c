/* Writes to Stacks: made and signed here, sent as they are. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "network/stacks/client.h"

#define CLARITY_VERSION 3          /* SIP-031's network runs it; ours uses nothing newer than 1 */
#define FEE_LEVELS 3
#define FEE_LEAST 180              /* µSTX: what a plain transfer costs at the least rate */
/* µSTX: a server that asks for more does not get it unless `fee` allows it */
#define FEE_UNASKED_MAX 20000000
#define TRAIT_MAINNET "SP3FBR2AGK5H9QBDH3EEN6DF8EK8JY7RX8QJ5SVTE.sip-010-trait-ft-standard.sip-010-trait"

/* --- what is written ---------------------------------------------------------------------------- */
/* Memory of the texts that a transaction points to. */
struct draft {
    struct stacks_transaction transaction;
    struct buffer arguments, code;
    char contract[STACKS_CONTRACT_NAME_MAX + 1], token[STACKS_NAME_MAX + 1];
};

static void draft_init(struct draft *draft)
{
    memset(draft, 0, sizeof(*draft));
    buffer_init(&draft->arguments);
    buffer_init(&draft->code);
}

static void draft_close(struct draft *draft)
{
    buffer_close(&draft->arguments);
    buffer_close(&draft->code);
}

static bool on_this_chain(const struct stacks_client *client, const struct stacks_address *address)
{
    return client->mainnet ? stacks_address_is_mainnet(address) : stacks_address_is_testnet(address);
}

static enum status read_recipient(const struct stacks_client *client, const char *to,
                                  struct stacks_principal *principal, struct error *error)
{
    if (to == NULL || !stacks_principal_read(to, principal))
        return error_set(error, ERROR_INVALID_PARAMS, "to: no Stacks address or contract");
    if (!on_this_chain(client, &principal->address))
        return error_set(error, ERROR_INVALID_PARAMS, "to: %s is an address of another chain than %s", to,
                         client->options->chain);
    return OK;
}

static enum status read_amount(const char *text, struct clarity_uint *amount, struct error *error)
{
    if (text == NULL || !clarity_uint_read(text, amount) || (amount->high | amount->low) == 0)
        return error_set(error, ERROR_INVALID_PARAMS,
                         "amount: expected an integer from 1 on, in smallest units");
    return OK;
}

static enum status draft_coin(const struct stacks_client *client, const struct network_write *write,
                              struct draft *draft, struct error *error)
{
    struct stacks_transaction *t = &draft->transaction;
    struct clarity_uint amount;

    TRY(read_recipient(client, write->to, &t->to, error));
    TRY(read_amount(write->amount, &amount, error));
    if (amount.high != 0)
        return error_set(error, ERROR_INVALID_PARAMS, "amount: more µSTX than there are");
    if (write->memo != NULL && strlen(write->memo) > STACKS_MEMO_MAX)
        return error_set(error, ERROR_INVALID_PARAMS, "memo: at most %d bytes", STACKS_MEMO_MAX);
    t->payload = STACKS_TOKEN_TRANSFER;
    t->amount = amount.low;
    t->memo = write->memo;
    t->has_post_condition = false; /* a transfer of STX takes none: its payload says all that moves */
    return OK;
}

static enum status draft_token(const struct stacks_client *client, const struct network_write *write,
                               struct draft *draft, struct error *error)
{
    struct stacks_transaction *t = &draft->transaction;
    struct stacks_principal sender = { .address = client->account }, recipient;
    struct clarity_uint amount;

    if (!stacks_asset_read(write->asset, &t->to, draft->token) || !on_this_chain(client, &t->to.address))
        return error_set(error, ERROR_INVALID_PARAMS,
                         "asset: expected ADDRESS.contract::token of this chain");
    TRY(read_recipient(client, write->to, &recipient, error));
    TRY(read_amount(write->amount, &amount, error));
    if (amount.high != 0)
        return error_set(error, ERROR_INVALID_PARAMS,
                         "amount: post-conditions take 64 bits, and none is sent without one");
    if (write->memo != NULL && strlen(write->memo) > STACKS_MEMO_MAX)
        return error_set(error, ERROR_INVALID_PARAMS, "memo: at most %d bytes", STACKS_MEMO_MAX);
    t->payload = STACKS_CONTRACT_CALL;
    t->function = "transfer";
    t->has_post_condition = true;
    t->post_condition = (struct stacks_post_condition){ .token = true, .owner = t->to, .amount = amount.low };
    snprintf(t->post_condition.name, sizeof(t->post_condition.name), "%s", draft->token);
    clarity_put_uint(&draft->arguments, amount);
    clarity_put_principal(&draft->arguments, &sender);
    clarity_put_principal(&draft->arguments, &recipient);
    if (write->memo == NULL) {
        clarity_put_none(&draft->arguments);
    } else {
        clarity_put_some(&draft->arguments);
        clarity_put_buffer(&draft->arguments, bytes_of_text(write->memo));
    }
    t->argument_count = 4;
    t->arguments = buffer_bytes(&draft->arguments);
    return OK;
}

static enum status draft_issue(const struct stacks_client *client, const struct network_write *write,
                               struct draft *draft, struct error *error)
{
    struct stacks_transaction *t = &draft->transaction;
    struct clarity_uint supply;

    TRY(read_amount(write->amount, &supply, error));
    if (write->symbol == NULL || !stacks_token_contract_name(write->symbol, draft->contract) ||
        !stacks_token_contract(write->symbol, write->title == NULL ? write->symbol : write->title,
                               write->decimals, supply, client->mainnet ? TRAIT_MAINNET : NULL, &draft->code))
        return error_set(error, ERROR_INVALID_PARAMS,
                         "symbol, title: 1 to %d printable ASCII characters without \" and \\; "
                         "decimals: 0 to 32",
                         STACKS_SYMBOL_MAX);
    t->payload = STACKS_VERSIONED_CONTRACT;
    t->clarity_version = CLARITY_VERSION;
    t->contract = draft->contract;
    t->code = buffer_text(&draft->code);
    return OK;
}

static enum status judge_issue(const struct network_write *write, struct clarity_uint supply,
                               struct error *error)
{
    struct buffer code CLEANUP(buffer_close) = { 0 };
    char contract[STACKS_CONTRACT_NAME_MAX + 1];

    return write->symbol != NULL && stacks_token_contract_name(write->symbol, contract) &&
                   stacks_token_contract(write->symbol, write->title == NULL ? write->symbol : write->title,
                                         write->decimals, supply, NULL, &code)
               ? OK
               : error_set(error, ERROR_INVALID_PARAMS,
                           "symbol, title: 1 to %d printable ASCII characters without \" and \\; "
                           "decimals: 0 to 32", STACKS_SYMBOL_MAX);
}

enum status stacks_judge(const struct network_write *write, struct error *error)
{
    char token[STACKS_NAME_MAX + 1];
    struct stacks_principal principal;
    struct clarity_uint amount;

    if (write->kind == WRITE_SUBMIT)
        return OK;
    TRY(read_amount(write->amount, &amount, error));
    if (write->kind == WRITE_ISSUE)
        return judge_issue(write, amount, error);
    if (write->asset != NULL && !stacks_asset_read(write->asset, &principal, token))
        return error_set(error, ERROR_INVALID_PARAMS, "asset: expected ADDRESS.contract::token");
    if (write->to == NULL || !stacks_principal_read(write->to, &principal))
        return error_set(error, ERROR_INVALID_PARAMS, "to: no Stacks address or contract");
    if (write->memo != NULL && strlen(write->memo) > STACKS_MEMO_MAX)
        return error_set(error, ERROR_INVALID_PARAMS, "memo: at most %d bytes", STACKS_MEMO_MAX);
    return OK;
}

static enum status draft_make(const struct stacks_client *client, const struct network_write *write,
                              struct draft *draft, struct error *error)
{
    struct stacks_transaction *t = &draft->transaction;

    t->mainnet = client->mainnet;
    t->chain = client->chain;
    memcpy(t->signer, client->account.hash, HASH160_SIZE);
    switch (write->kind) {
    case WRITE_TRANSFER:
        return write->asset == NULL ? draft_coin(client, write, draft, error)
                                    : draft_token(client, write, draft, error);
    case WRITE_ISSUE: return draft_issue(client, write, draft, error);
    case WRITE_SUBMIT: break;
    }
    return error_set(error, ERROR_INVALID_PARAMS, "a transaction that is made elsewhere has no draft");
}

/* --- fees --------------------------------------------------------------------------------------- */
static enum status transfer_rate(struct stacks_client *client, struct network_call *call, uint64_t *rate)
{
    AUTO_JSON json_t *json = NULL;
    long status;

    TRY(stacks_get(client, call, "/v2/fees/transfer", &status, &json));
    if (status != 200 || !json_is_integer(json) || json_integer_value(json) < 0 ||
        (uint64_t)json_integer_value(json) > INTEGER_MAX / STACKS_TRANSACTION_MAX)
        return error_set(&call->error, ERROR_NETWORK_PROTOCOL, "/v2/fees/transfer: no rate (HTTP %ld)",
                         status);
    *rate = (uint64_t)json_integer_value(json);
    return OK;
}

/* The node's three estimates for this payload; false where it has none to give (it answers 400). */
static enum status estimates(struct stacks_client *client, struct network_call *call, struct bytes payload,
                             size_t size, uint64_t fees[FEE_LEVELS], bool *known)
{
    struct buffer body CLEANUP(buffer_close) = { 0 };
    AUTO_JSON json_t *json = NULL;
    const json_t *list;
    struct writer w;
    long status;

    buffer_init(&body);
    writer_init(&w, &body);
    writer_object_begin(&w);
    writer_member_unsigned(&w, "estimated_len", size);
    writer_member_hex(&w, "transaction_payload", payload.data, payload.size);
    writer_object_end(&w);
    TRY(stacks_post(client, call, "/v2/fees/transaction", "application/json", buffer_bytes(&body), false,
                    &status,
                    &json));
    list = json_object_get(json, "estimations");
    *known = status == 200 && json_array_size(list) == FEE_LEVELS;
    for (size_t i = 0; *known && i < FEE_LEVELS; i++)
        *known = stacks_member_u64(json_array_get(list, i), "fee", &fees[i]) && fees[i] <= INTEGER_MAX;
    return OK;
}

/* Slow, normal, fast, in µSTX, for a transaction that is there but for its fee. */
static enum status fees_of(struct stacks_client *client, struct network_call *call, struct bytes transaction,
                           size_t payload_at, uint64_t fees[FEE_LEVELS])
{
    uint64_t rate;
    bool known;

    TRY(estimates(client, call,
                  bytes_of(transaction.data + payload_at,
                           transaction.size - payload_at), transaction.size, fees,
                  &known));
    if (known)
        return OK;
    TRY(transfer_rate(client, call, &rate));
    for (size_t i = 0; i < FEE_LEVELS; i++) {
        fees[i] = rate * transaction.size * (i + 1);
        if (fees[i] < FEE_LEAST)
            fees[i] = FEE_LEAST;
    }
    return OK;
}

static enum status encode(const struct stacks_transaction *t, struct buffer *out, size_t *payload_at,
                          struct error *error)
{
    struct stacks_decoded decoded;
    bool valid;

    if (!stacks_encode(t, out) || !stacks_decode(buffer_bytes(out), &decoded, &valid))
        return error_set(error, ERROR_INVALID_PARAMS, "the wire has no form for this transaction");
    *payload_at = decoded.payload_at;
    return OK;
}

enum status stacks_estimate_fees(void *context, struct network_call *call, const struct network_write *write,
                                 struct network_fees *fees)
{
    struct stacks_client *client = context;
    struct buffer bytes CLEANUP(buffer_close) = { 0 };
    struct draft draft CLEANUP(draft_close);
    uint64_t levels[FEE_LEVELS], rate;
    size_t payload_at;

    buffer_init(&bytes);
    draft_init(&draft);
    fees->unit = "microSTX";
    if (write == NULL || write->kind == WRITE_SUBMIT) {
        TRY(transfer_rate(client, call, &rate));
        fees->unit = "microSTX per byte";
        fees->slow = fees->normal = fees->fast = stacks_text(call, "%" PRIu64, rate);
        return OK;
    }
    TRY(draft_make(client, write, &draft, &call->error));
    TRY(encode(&draft.transaction, &bytes, &payload_at, &call->error));
    TRY(fees_of(client, call, buffer_bytes(&bytes), payload_at, levels));
    fees->slow = stacks_text(call, "%" PRIu64, levels[0]);
    fees->normal = stacks_text(call, "%" PRIu64, levels[1]);
    fees->fast = stacks_text(call, "%" PRIu64, levels[2]);
    fees->total = fees->normal;
    return OK;
}

/* --- preparing ---------------------------------------------------------------------------------- */
static const char *id_text(struct network_call *call, const struct hash *id)
{
    char hex[65];

    hex_text(hex, id->bytes, sizeof(id->bytes));
    return stacks_text(call, "0x%s", hex);
}

static void finish(struct network_call *call, const struct buffer *bytes, uint64_t nonce,
                   struct network_prepared *prepared)
{
    struct hash id;

    stacks_transaction_id(buffer_bytes(bytes), &id);
    prepared->transaction = id_text(call, &id);
    prepared->raw = bytes_of(arena_text(call->arena, (const char *)bytes->data, bytes->size), bytes->size);
    prepared->has_sequence = true;
    prepared->sequence = nonce;
}

/* What somebody else made and signed. */
static enum status prepare_given(struct stacks_client *client, struct network_call *call, struct bytes raw,
                                 struct network_prepared *prepared)
{
    struct stacks_decoded decoded;
    struct buffer bytes CLEANUP(buffer_close) = { 0 };
    bool valid;

    buffer_init(&bytes);
    if (!stacks_decode(raw, &decoded, &valid))
        return error_set(&call->error, ERROR_INVALID_PARAMS, "transaction: no Stacks transaction");
    if (decoded.mainnet != client->mainnet || decoded.chain != client->chain)
        return error_set(&call->error, ERROR_INVALID_PARAMS, "transaction: it is for another chain than %s",
                         client->options->chain);
    if (decoded.one_key && !decoded.sponsored && !valid)
        return error_set(&call->error, ERROR_INVALID_PARAMS,
                         "transaction: its signature is not its signer's");
    buffer_append(&bytes, raw.data, raw.size);
    finish(call, &bytes, decoded.nonce, prepared);
    prepared->has_sequence = memcmp(decoded.signer.hash, client->account.hash, HASH160_SIZE) == 0;
    return OK;
}

static enum status choose_fee(struct stacks_client *client, struct network_call *call,
                              const struct network_write *write, struct bytes transaction, size_t payload_at,
                              uint64_t *fee)
{
    struct clarity_uint most = { 0, FEE_UNASKED_MAX };
    uint64_t levels[FEE_LEVELS];

    if (write->fee != NULL && (!clarity_uint_read(write->fee, &most) || most.high != 0))
        return error_set(&call->error, ERROR_INVALID_PARAMS, "fee: expected µSTX, an integer");
    TRY(fees_of(client, call, transaction, payload_at, levels));
    if (levels[1] > most.low)
        return error_set(&call->error, ERROR_NETWORK_REJECTED,
                         "the fee would be %" PRIu64 " µSTX, and at most %" PRIu64 " is allowed", levels[1],
                         most.low);
    *fee = levels[1];
    return OK;
}

static enum status sign(struct stacks_client *client, struct buffer *bytes, struct error *error)
{
    struct signature signature;
    struct hash presigned;
    int recovery_id;

    stacks_signing_hash(buffer_bytes(bytes), NULL, &presigned);
    TRY(client->signer->sign(client->signer, &presigned, &signature, &recovery_id, error));
    stacks_put_signature(bytes, &signature, recovery_id);
    return OK;
}

/* A node that keeps no index could never say what became of a write: none is begun there. */
static enum status check_index(struct stacks_client *client, struct network_call *call)
{
    static const char nobodys[] = "0000000000000000000000000000000000000000000000000000000000000000";
    AUTO_JSON json_t *json = NULL;
    bool known, indexed;

    if (client->options->api || atomic_load(&client->indexed))
        return OK;
    TRY(stacks_get_indexed(client, call, nobodys, &known, &indexed, &json));
    if (!indexed)
        return error_set(&call->error, ERROR_NETWORK_NOT_SUPPORTED,
                         "the node keeps no index of transactions (stacks-core 3.1 with txindex=true; for an "
                         "API, the option api): nobody could follow a write there");
    atomic_store(&client->indexed, true);
    return OK;
}

enum status stacks_prepare(void *context, struct network_call *call, const struct network_write *write,
                           struct network_prepared *prepared)
{
    struct stacks_client *client = context;
    struct buffer bytes CLEANUP(buffer_close) = { 0 };
    struct draft draft CLEANUP(draft_close);
    struct clarity_uint balance;
    uint64_t nonce;
    size_t payload_at;

    buffer_init(&bytes);
    draft_init(&draft);
    memset(prepared, 0, sizeof(*prepared));
    if (write->kind == WRITE_SUBMIT) {
        TRY(check_index(client, call));
        return prepare_given(client, call, write->raw, prepared);
    }
    if (client->signer == NULL)
        return error_set(&call->error, ERROR_NETWORK_NOT_SUPPORTED, "the link has no key: it reads only");
    TRY(draft_make(client, write, &draft, &call->error));
    TRY(encode(&draft.transaction, &bytes, &payload_at, &call->error));
    TRY(check_index(client, call));
    TRY(stacks_account(client, call, client->account_text, &nonce, &balance));
    if (nonce < write->sequence_least)
        nonce = write->sequence_least;
    draft.transaction.nonce = nonce;
    TRY(choose_fee(client, call, write, buffer_bytes(&bytes), payload_at, &draft.transaction.fee));
    buffer_clear(&bytes);
    TRY(encode(&draft.transaction, &bytes, &payload_at, &call->error));
    TRY(sign(client, &bytes, &call->error));
    finish(call, &bytes, nonce, prepared);
    if (write->kind == WRITE_ISSUE)
        prepared->asset = stacks_text(call, "%s.%s::" STACKS_TOKEN_NAME, client->account_text,
                                      draft.contract);
    prepared->details = stacks_text(call, "{\"fee\":\"%" PRIu64 "\",\"nonce\":%" PRIu64 "}",
                                    draft.transaction.fee, nonce);
    return OK;
}

/* --- sending ------------------------------------------------------------------------------------ */
/* Its nonce is in use: by itself, when it was sent before; by another one; or, where nothing is known of it
 * though its
 * nonce is past, by nobody can tell whom. */
static enum status judge_nonce(struct stacks_client *client, struct network_call *call,
                               const struct network_prepared *prepared, bool is_past,
                                   struct network_sent *sent)
{
    struct network_status status = { .state = TRANSACTION_UNKNOWN };

    TRY(stacks_check_status(client, call, prepared, &status));
    switch (status.state) {
    case TRANSACTION_PENDING:
    case TRANSACTION_CONFIRMED:
        sent->outcome = SEND_ACCEPTED;
        return OK;
    case TRANSACTION_FAILED:
        sent->outcome = status.has_height ? SEND_ACCEPTED : SEND_REJECTED;
        return OK;
    case TRANSACTION_UNKNOWN:
        break;
    }
    sent->outcome = is_past ? SEND_AMBIGUOUS : SEND_REJECTED;
    return OK;
}

static bool is_among(const char *reason, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (reason != NULL && strcmp(reason, list[i]) == 0)
            return true;
    }
    return false;
}

/* Reasons of stacks-core's MemPoolRejection, beside those that hold for good. */
static const char *const later[] = { "TooMuchChaining", "EstimatorError" }; /* it was not taken, and may be */
static const char *const nodes_fault[] = { "ServerFailureNoSuchChainTip", "ServerFailureDatabase",
                                           "ServerFailureOther", "TemporarilyBlacklisted" };
static const char *const nonce_waits[] = { "ConflictingNonceInMempool" };
static const char *const nonce_past[] = { "BadNonce" };

static enum status judge_refusal(struct stacks_client *client, struct network_call *call, long status,
                                 const json_t *json, const struct network_prepared *prepared,
                                 struct network_sent *sent)
{
    const char *reason = json_string_value(json_object_get(json, "reason"));
    const char *error = json_string_value(json_object_get(json, "error"));

    sent->reason = stacks_text(call, "%s%s%s", error == NULL ? "refused" : error, reason == NULL ? "" : ": ",
                               reason == NULL ? "" : reason);
    if (status == 400 && is_among(reason, later, COUNT_OF(later)))
        return error_set(&call->error, ERROR_NETWORK_BUSY, "the node does not take it now: %s", sent->reason);
    if (status != 400 || is_among(reason, nodes_fault, COUNT_OF(nodes_fault))) {
        sent->outcome = SEND_AMBIGUOUS;
        return OK;
    }
    if (is_among(reason, nonce_waits, COUNT_OF(nonce_waits)))
        return judge_nonce(client, call, prepared, false, sent);
    if (is_among(reason, nonce_past, COUNT_OF(nonce_past)))
        return judge_nonce(client, call, prepared, true, sent);
    sent->outcome = SEND_REJECTED;
    return OK;
}

enum status stacks_send(void *context, struct network_call *call, const struct network_prepared *prepared,
                        struct network_sent *sent)
{
    struct stacks_client *client = context;
    AUTO_JSON json_t *json = NULL;
    const char *id;
    long status;

    memset(sent, 0, sizeof(*sent));
    sent->transaction = prepared->transaction;
    sent->asset = prepared->asset;
    TRY(stacks_post(client, call, "/v2/transactions", "application/octet-stream", prepared->raw, true,
                    &status,
                    &json));
    if (status != 200)
        return judge_refusal(client, call, status, json, prepared, sent);
    id = json_string_value(json);
    if (id != NULL && strncmp(id, "0x", 2) == 0)
        id += 2;
    if (id == NULL || strcmp(id, prepared->transaction + 2) != 0) {
        endpoint_blame(client->endpoint);
        sent->outcome = SEND_AMBIGUOUS;
        sent->reason = "the node answered with another transaction's id";
        return OK;
    }
    sent->outcome = SEND_ACCEPTED;
    return OK;
}
