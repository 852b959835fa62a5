/* Writes to Liquid: a transaction is made, blinded and signed by the node's wallet, read here, and then
 * sent as it is. */
#include <inttypes.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/writer.h"
#include "crypto/hash.h"
#include "network/liquid/client.h"

#define ISSUE_OUTPUT "0.00001000" /* to ourselves: what an issue is attached to has to spend something */
#define TICKER_LEAST 3
#define TICKER_MAX 24
#define NAME_MAX_BYTES 255
#define FUND_BLOCKS 6      /* in how many it is to be mined */
#define ISSUE_RATE_TIMES 2 /* it is funded before the issue is in it, which about doubles it */

/* A transaction as the node hands it around: hex. */
struct draft {
    char *hex;
    bool funded;                  /* its inputs are locked in the wallet */
    char asset[65];               /* of an issue: what the node says that it will be, */
    struct hash contract;         /* what it commits to, */
    uint64_t amount;              /* and how much there will be */
};

static void draft_close(struct draft *draft)
{
    memory_free_pointer(&draft->hex);
}

static enum status take_hex(struct network_call *call, const char *method, const json_t *value,
                            struct draft *draft)
{
    const char *hex = json_string_value(value);

    if (hex == NULL || strlen(hex) == 0 || strlen(hex) > 2 * (size_t)LIQUID_TRANSACTION_MAX)
        return liquid_malformed(call, method);
    memory_free_pointer(&draft->hex);
    draft->hex = text_copy(hex);
    return OK;
}

/* One step of making it: the answer is the new hex, by itself or as the member "hex". */
static enum status step(struct liquid_client *client, struct network_call *call, const char *method,
                        json_t *params, struct draft *draft)
{
    AUTO_JSON json_t *result = NULL;

    TRY(liquid_ask_wallet(client, call, method, params, &result, NULL));
    return take_hex(call, method, json_is_object(result) ? json_object_get(result, "hex") : result, draft);
}

/* --- transfers ---------------------------------------------------------------------------------- */
static enum status create_transfer(struct liquid_client *client, struct network_call *call,
                                   const struct network_write *write, struct draft *draft)
{
    char decimal[LIQUID_AMOUNT_TEXT];
    json_t *output = json_object();
    uint64_t amount;
    struct hash asset;

    if (write->to == NULL || !liquid_amount_read(write->amount, &amount)) {
        json_decref(output);
        return error_set(&call->error, ERROR_INVALID_PARAMS,
                         "to: an address; amount: an integer from 1 on, in smallest units (10^-8)");
    }
    if (write->asset != NULL && !hash_read_shown(write->asset, &asset)) {
        json_decref(output);
        return error_set(&call->error, ERROR_INVALID_PARAMS, "asset: expected its id, 64 hex digits");
    }
    liquid_amount_decimal(amount, decimal);
    json_object_set_new(output, write->to, json_string(decimal));
    if (write->asset != NULL)
        json_object_set_new(output, "asset", json_string(write->asset));
    return step(client, call, "createrawtransaction", json_pack("[[], [o]]", output), draft);
}

/* --- issues ------------------------------------------------------------------------------------- */
/* The contract that the asset's id commits to, as the asset registry writes it: canonical JSON. */
static enum status make_contract(const struct network_write *write, struct buffer *out, struct error *error)
{
    AUTO_JSON json_t *contract = json_object();
    AUTO_JSON json_t *given = NULL;
    const char *name = write->title == NULL ? write->symbol : write->title, *domain, *issuer;

    if (write->symbol == NULL || strlen(write->symbol) < TICKER_LEAST || strlen(write->symbol) > TICKER_MAX ||
        strlen(name) > NAME_MAX_BYTES || write->decimals > LIQUID_DECIMALS)
        return error_set(error, ERROR_INVALID_PARAMS, "symbol: %d to %d characters; decimals: 0 to %d",
                         TICKER_LEAST, TICKER_MAX, LIQUID_DECIMALS);
    if (write->options != NULL)
        TRY(json_parse(write->options, strlen(write->options), &given, error));
    domain = json_string_value(json_object_get(given, "domain"));
    issuer = json_string_value(json_object_get(given, "issuer_pubkey"));
    json_object_set_new(contract, "name", json_string(name));
    json_object_set_new(contract, "ticker", json_string(write->symbol));
    json_object_set_new(contract, "precision", json_integer(write->decimals));
    json_object_set_new(contract, "version", json_integer(0));
    if (domain != NULL)
        json_object_set_new(contract, "entity", json_pack("{s: s}", "domain", domain));
    if (issuer != NULL)
        json_object_set_new(contract, "issuer_pubkey", json_string(issuer));
    return json_canonical(contract, out, error);
}

static enum status own_address(struct liquid_client *client, struct network_call *call, char **address)
{
    AUTO_JSON json_t *result = NULL;

    TRY(liquid_ask_wallet(client, call, "getnewaddress", NULL, &result, NULL));
    if (!json_is_string(result))
        return liquid_malformed(call, "getnewaddress");
    *address = text_copy(json_string_value(result));
    return OK;
}

/* At so many times the rate that liquid_fee_rate gives: a node without estimates funds nothing unless it is
 * told one (its -fallbackfee is 0). */
static enum status fund(struct liquid_client *client, struct network_call *call, unsigned times,
                        struct draft *draft)
{
    char decimal[LIQUID_AMOUNT_TEXT];
    json_t *params;
    uint64_t rate;

    TRY(liquid_fee_rate(client, call, FUND_BLOCKS, &rate));
    liquid_amount_decimal(times * rate, decimal);
    params = json_pack("[s, {s: b, s: s}]", draft->hex, "lockUnspents", 1, "feeRate", decimal);
    TRY(step(client, call, "fundrawtransaction", params, draft));
    draft->funded = true;
    return OK;
}

/* `asset_amount` has to be a number: Elements passes over a text, and then finds that nothing is issued. */
static void write_issue(struct buffer *out, const struct draft *draft, const char *address)
{
    char decimal[LIQUID_AMOUNT_TEXT], shown[65];
    struct writer w;

    liquid_amount_decimal(draft->amount, decimal);
    hash_shown(&draft->contract, shown);
    writer_init(&w, out);
    writer_array_begin(&w);
    writer_text(&w, draft->hex);
    writer_array_begin(&w);
    writer_object_begin(&w);
    writer_member_raw(&w, "asset_amount", decimal, strlen(decimal));
    writer_member_text(&w, "asset_address", address);
    writer_member_boolean(&w, "blind", false);
    writer_member_text(&w, "contract_hash", shown);
    writer_object_end(&w);
    writer_array_end(&w);
    writer_array_end(&w);
    writer_finish(&w);
}

static enum status attach_issue(struct liquid_client *client, struct network_call *call, const char *address,
                                struct draft *draft)
{
    struct buffer params CLEANUP(buffer_close) = { 0 };
    AUTO_JSON json_t *result = NULL;
    const json_t *issued;
    struct hash asset;

    buffer_init(&params);
    write_issue(&params, draft, address);
    TRY(liquid_ask_wallet_written(client, call, "rawissueasset", buffer_bytes(&params), &result));
    issued = json_array_get(result, 0);
    if (!liquid_member_hash(issued, "asset", &asset))
        return liquid_malformed(call, "rawissueasset");
    hash_shown(&asset, draft->asset);
    return take_hex(call, "rawissueasset", json_object_get(issued, "hex"), draft);
}

static enum status create_issue(struct liquid_client *client, struct network_call *call,
                                const struct network_write *write, struct draft *draft)
{
    struct buffer contract CLEANUP(buffer_close) = { 0 };
    char *address AUTO_FREE = NULL;
    json_t *output;

    buffer_init(&contract);
    TRY(make_contract(write, &contract, &call->error));
    if (!liquid_amount_read(write->amount, &draft->amount))
        return error_set(&call->error, ERROR_INVALID_PARAMS,
                         "amount: the supply, in smallest units, up to 21e14");
    sha256(&draft->contract, contract.data, contract.size);
    TRY(own_address(client, call, &address));
    output = json_object();
    json_object_set_new(output, address, json_string(ISSUE_OUTPUT));
    TRY(step(client, call, "createrawtransaction", json_pack("[[], [o]]", output), draft));
    TRY(fund(client, call, ISSUE_RATE_TIMES, draft));
    return attach_issue(client, call, address, draft);
}

/* --- preparing ---------------------------------------------------------------------------------- */
static enum status read_draft(struct network_call *call, const struct draft *draft, struct buffer *bytes,
                              struct liquid_transaction *transaction)
{
    size_t size = strlen(draft->hex) / 2;

    if (!hex_decode(buffer_reserve(bytes, size), size, draft->hex, strlen(draft->hex)))
        return liquid_malformed(call, "signrawtransactionwithwallet");
    bytes->size = size;
    if (!liquid_transaction_read(buffer_bytes(bytes), transaction))
        return error_set(&call->error, ERROR_NETWORK_PROTOCOL,
                         "the node made what is no transaction of Liquid");
    return OK;
}

static enum status blind_and_sign(struct liquid_client *client, struct network_call *call,
                                  struct draft *draft)
{
    AUTO_JSON json_t *result = NULL;

    /* outputs are blinded where they can be; what is issued is shown, as `rawissueasset` was told */
    TRY(step(client, call, "blindrawtransaction", json_pack("[s, b, [], b]", draft->hex, 1, 0), draft));
    TRY(liquid_ask_wallet(client, call, "signrawtransactionwithwallet", json_pack("[s]", draft->hex), &result,
                          NULL));
    if (!json_is_true(json_object_get(result, "complete")))
        return error_set(&call->error, ERROR_NETWORK_REJECTED, "the wallet cannot sign all inputs");
    return take_hex(call, "signrawtransactionwithwallet", json_object_get(result, "hex"), draft);
}

/* The outputs that funding locked are free again, each by a call of its own: one that was spent meanwhile
 * keeps no
 * other locked. A failure of this is the operator's to see, not an error of its own. */
static void unlock(struct liquid_client *client, struct network_call *call, const char *hex)
{
    AUTO_JSON json_t *decoded = NULL;
    struct error saved = call->error;
    const json_t *inputs;

    if (liquid_ask(client, call, "decoderawtransaction", json_pack("[s]", hex), &decoded, NULL) == OK) {
        inputs = json_object_get(decoded, "vin");
        for (size_t i = 0; i < json_array_size(inputs); i++) {
            const json_t *input = json_array_get(inputs, i);
            const char *id = json_string_value(json_object_get(input, "txid"));
            AUTO_JSON json_t *result = NULL;

            if (id != NULL)
                (void)!liquid_ask_wallet(client, call, "lockunspent",
                                         json_pack("[b, [{s: s, s: I}]]", 1, "txid", id, "vout",
                                                   json_integer_value(json_object_get(input, "vout"))),
                                         &result, NULL);
        }
    }
    call->error = saved;
}

/* The node may not take more than was allowed; and it must pay at all, or nobody will mine it. */
static enum status check_fee(struct network_call *call, const struct network_write *write, uint64_t fee)
{
    uint64_t most = LIQUID_AMOUNT_MAX;

    if (write->fee != NULL && !liquid_amount_read(write->fee, &most))
        return error_set(&call->error, ERROR_INVALID_PARAMS, "fee: an integer from 1 on, in smallest units");
    if (fee == 0)
        return error_set(&call->error, ERROR_NETWORK_PROTOCOL, "the node made a transaction without a fee");
    if (fee > most)
        return error_set(&call->error, ERROR_NETWORK_REJECTED,
                         "the fee would be %" PRIu64 ", and at most %" PRIu64 " is allowed", fee, most);
    return OK;
}

static bool issues_what_was_asked(const struct draft *draft, const struct liquid_issue *issue)
{
    char asset[65];

    hash_shown(&issue->asset, asset);
    return issue->there && !issue->reissue && !issue->blinded && issue->amount == draft->amount &&
           hash_equal(&issue->contract, &draft->contract) && strcmp(asset, draft->asset) == 0;
}

static enum status fill(struct network_call *call, const struct network_write *write,
                        const struct draft *draft,
                        struct network_prepared *prepared)
{
    struct buffer bytes CLEANUP(buffer_close) = { 0 };
    struct liquid_transaction transaction;
    char id[65];

    buffer_init(&bytes);
    TRY(read_draft(call, draft, &bytes, &transaction));
    TRY(check_fee(call, write, transaction.fee));
    if (write->kind == WRITE_ISSUE && !issues_what_was_asked(draft, &transaction.issue))
        return error_set(&call->error, ERROR_NETWORK_PROTOCOL,
                         "the node's transaction issues something else than was asked for");
    hash_shown(&transaction.id, id);
    prepared->transaction = liquid_text(call, "%s", id);
    prepared->raw = bytes_of(arena_text(call->arena, (const char *)bytes.data, bytes.size), bytes.size);
    prepared->details = liquid_text(call, "{\"fee\":\"%" PRIu64 "\"}", transaction.fee);
    if (write->kind == WRITE_ISSUE)
        prepared->asset = liquid_text(call, "%s", draft->asset);
    return OK;
}

static enum status prepare_made(struct liquid_client *client, struct network_call *call,
                                const struct network_write *write, struct network_prepared *prepared,
                                struct draft *draft)
{
    if (write->kind == WRITE_ISSUE) {
        TRY(create_issue(client, call, write, draft));
    } else {
        TRY(create_transfer(client, call, write, draft));
        TRY(fund(client, call, 1, draft));
    }
    TRY(blind_and_sign(client, call, draft));
    return fill(call, write, draft, prepared);
}

enum status liquid_prepare(void *context, struct network_call *call, const struct network_write *write,
                           struct network_prepared *prepared)
{
    struct draft draft CLEANUP(draft_close) = { .hex = NULL };
    struct liquid_client *client = context;
    struct liquid_transaction given;
    enum status outcome;
    char id[65];

    memset(prepared, 0, sizeof(*prepared));
    if (write->kind == WRITE_SUBMIT) {
        if (!liquid_transaction_read(write->raw, &given))
            return error_set(&call->error, ERROR_INVALID_PARAMS, "transaction: no transaction of Liquid");
        hash_shown(&given.id, id);
        prepared->transaction = liquid_text(call, "%s", id);
        prepared->raw = write->raw;
        return OK;
    }
    outcome = prepare_made(client, call, write, prepared, &draft);
    if (outcome != OK && draft.funded)
        unlock(client, call, draft.hex);
    return outcome;
}

/* --- sending ------------------------------------------------------------------------------------ */
static bool is_there_already(const char *reason)
{
    return strcmp(reason, "txn-already-in-mempool") == 0 || strcmp(reason, "txn-already-known") == 0;
}

/* They are missing, or spent by another one that waits: perhaps by the very transaction, in other words. */
static bool is_about_inputs(const char *reason)
{
    return strcmp(reason, "missing-inputs") == 0 || strcmp(reason, "bad-txns-inputs-missingorspent") == 0 ||
           strcmp(reason, "txn-same-nonwitness-data-in-mempool") == 0;
}

/* What the node's mempool would say. *accepted is false with sent->outcome set. */
static enum status try_out(struct liquid_client *client, struct network_call *call, const char *hex,
                           struct network_sent *sent, bool *go_on)
{
    AUTO_JSON json_t *result = NULL;
    const json_t *verdict;
    const char *reason;

    TRY(liquid_ask(client, call, "testmempoolaccept", json_pack("[[s]]", hex), &result, NULL));
    verdict = json_array_get(result, 0);
    *go_on = json_is_true(json_object_get(verdict, "allowed"));
    if (*go_on)
        return OK;
    reason = json_string_value(json_object_get(verdict, "reject-reason"));
    if (reason == NULL)
        return liquid_malformed(call, "testmempoolaccept");
    sent->outcome = is_there_already(reason) ? SEND_ACCEPTED : SEND_REJECTED;
    sent->reason = liquid_text(call, "%s", reason);
    return OK;
}

/* A missing input can mean that the transaction itself has spent it. */
static enum status judge_missing(struct liquid_client *client, struct network_call *call,
                                 const struct network_prepared *prepared, struct network_sent *sent)
{
    struct network_status status;

    TRY(liquid_check_status(client, call, prepared, &status));
    sent->outcome = status.state == TRANSACTION_PENDING || status.state == TRANSACTION_CONFIRMED
                        ? SEND_ACCEPTED : SEND_REJECTED;
    return OK;
}

static enum status judge_refusal(struct liquid_client *client, struct network_call *call,
                                 const struct rpc_refusal *refusal, const struct network_prepared *prepared,
                                 struct network_sent *sent)
{
    sent->reason = liquid_text(call, "%s (%" PRId64 ")", refusal->message, refusal->code);
    if (refusal->code == RPC_IN_CHAIN) {
        sent->outcome = SEND_ACCEPTED;
        return OK;
    }
    if (refusal->code == RPC_VERIFY)
        return judge_missing(client, call, prepared, sent);
    sent->outcome = SEND_REJECTED;
    return OK;
}

/* *outcome as rpc_call: what is sent is the prepared bytes. */
static enum status send_bytes(struct liquid_client *client, struct network_call *call, const char *hex,
                              const struct network_prepared *prepared, struct network_sent *sent)
{
    const struct rpc_request request = { .method = "sendrawtransaction", .params = json_pack("[s]", hex),
                                         .write = true };
    AUTO_JSON json_t *result = NULL;
    struct rpc_refusal refusal = { .code = 0 };
    enum status outcome = liquid_call(client, call, &request, &result, &refusal);

    if (outcome == ERROR_NETWORK_REJECTED)
        return judge_refusal(client, call, &refusal, prepared, sent);
    if (outcome != OK)
        return outcome;
    if (!json_is_string(result) || strcmp(json_string_value(result), prepared->transaction) != 0) {
        endpoint_blame(client->endpoint);
        sent->outcome = SEND_AMBIGUOUS;
        sent->reason = "the node answered with another transaction's id";
        return OK;
    }
    sent->outcome = SEND_ACCEPTED;
    return OK;
}

enum status liquid_send(void *context, struct network_call *call, const struct network_prepared *prepared,
                        struct network_sent *sent)
{
    struct liquid_client *client = context;
    char *hex AUTO_FREE = memory_new(2 * prepared->raw.size + 1);
    bool go_on;

    memset(sent, 0, sizeof(*sent));
    sent->transaction = prepared->transaction;
    sent->asset = prepared->asset;
    hex_text(hex, prepared->raw.data, prepared->raw.size);
    TRY(try_out(client, call, hex, sent, &go_on));
    if (go_on)
        TRY(send_bytes(client, call, hex, prepared, sent));
    else if (sent->outcome == SEND_REJECTED && is_about_inputs(sent->reason))
        TRY(judge_missing(client, call, prepared, sent));
    if (sent->outcome == SEND_REJECTED && prepared->details != NULL) /* made here: its inputs were locked */
        unlock(client, call, hex);
    return OK;
}
