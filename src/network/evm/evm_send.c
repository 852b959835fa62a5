/* Sending signed bytes to an EVM network, and what servers answer, each in its own words. evm_client.h. */
#include <ctype.h>
#include <stdio.h>

#include "network/evm/server.h"

/* What a refusal means, by a piece of it in lower case. Words of geth and op-geth (core/txpool/errors.go),
 * anvil, hardhat, rskj (TransactionGateway, PendingTransactionValidator) and OpenEthereum. */
enum meaning {
    HAS_IT,     /* it has this very transaction */
    NOT_NOW,    /* another moment or another server may say otherwise */
    TOO_CHEAP,  /* not at this fee */
    NEVER,      /* not with these bytes, unless it knows them all the same */
};
static const struct { const char *piece; enum meaning meaning; } dialects[] = {
    {"already known", HAS_IT},
    {"already imported", HAS_IT},
    {"alreadyknown", HAS_IT},
    {"known transaction", HAS_IT},
    {"already exists", HAS_IT},
    {"already in the pool", HAS_IT},
    /* It was mined and the server is ahead, or another one took the number: its status tells, deep enough. */
    {"nonce too low", NOT_NOW},
    {"nonce is too low", NOT_NOW},
    {"too low, expected nonce", NOT_NOW},
    {"lower than the current nonce", NOT_NOW},
    /* What comes before it is not there yet. */
    {"nonce too high", NOT_NOW},
    {"nonce is too high", NOT_NOW},
    {"nonce gap", NOT_NOW},
    {"txpool is full", NOT_NOW},
    {"pool is full", NOT_NOW},
    {"too many pending", NOT_NOW},
    {"limit exceeded", NOT_NOW},
    {"too many requests", NOT_NOW},
    {"timeout", NOT_NOW},
    {"timed out", NOT_NOW},
    {"internal error", NOT_NOW},
    {"underpriced", TOO_CHEAP},
    {"not enough to bump", TOO_CHEAP},        /* rskj, of a replacement */
    {"less than block base fee", TOO_CHEAP},
    {"too low for the next block", TOO_CHEAP}, /* hardhat, of the base fee */
    {"lower than the minimum", TOO_CHEAP},
};

static enum meaning meaning_of(const char *message)
{
    char lower[sizeof ((struct rpc_refusal *)0)->message];
    size_t size = 0;
    for (; message[size] != '\0' && size + 1 < sizeof lower; size++)
        lower[size] = (char)tolower((unsigned char)message[size]);
    lower[size] = '\0';
    for (size_t i = 0; i < COUNT_OF(dialects); i++)
        if (strstr(lower, dialects[i].piece) != NULL)
            return dialects[i].meaning;
    return NEVER;
}

/* Whether the server knows the transaction: hardhat, for one, refuses what it then mines as failed. */
static enum status is_known(struct evm_client *client, struct network_call *call, const struct hash *id,
                            bool *known)
{
    AUTO_JSON json_t *found = NULL;
    json_t *params = json_pack("[o]", json_data(id->bytes, sizeof id->bytes));
    TRY(server_ask(client, call, "eth_getTransactionByHash", params, &found));
    struct hash told;
    *known = reply_hash(json_object_get(found, "hash"), &told) && hash_equal(&told, id);
    return OK;
}

static enum status judge_refusal(struct evm_client *client, struct network_call *call, const struct hash *id,
                                 const struct rpc_refusal *refusal, struct network_sent *sent)
{
    enum meaning meaning = meaning_of(refusal->message);
    sent->reason = arena_text(call->arena, refusal->message, strlen(refusal->message));
    if (meaning == HAS_IT) {
        sent->outcome = SEND_ACCEPTED;
        return OK;
    }
    bool known = false;
    if (is_known(client, call, id, &known) != OK) {
        sent->outcome = SEND_AMBIGUOUS;
        return OK;
    }
    sent->outcome = known ? SEND_ACCEPTED : meaning == NOT_NOW ? SEND_AMBIGUOUS : SEND_REJECTED;
    sent->too_cheap = sent->outcome == SEND_REJECTED && meaning == TOO_CHEAP;
    return OK;
}

/* What it means for a write when there was no answer to it. */
static enum status judge_failure(struct network_call *call, enum status status, struct network_sent *sent)
{
    bool perhaps = status == ERROR_NETWORK_AMBIGUOUS || status == ERROR_NETWORK_TIMEOUT ||
                   status == ERROR_NETWORK_PROTOCOL || status == ERROR_NETWORK_TOO_LARGE ||
                   status == ERROR_NETWORK_SERVER;
    if (!perhaps)
        return status; /* it was certainly not received */
    sent->outcome = SEND_AMBIGUOUS;
    sent->reason = arena_text(call->arena, call->error.message, strlen(call->error.message));
    return OK;
}

enum status evm_send(void *client, struct network_call *call, const struct network_prepared *prepared,
                     struct network_sent *sent)
{
    struct evm_client *c = client;
    struct hash id, told;
    struct rpc_refusal refusal = {0};
    AUTO_JSON json_t *result = NULL;
    evm_transaction_id(prepared->raw, &id);
    *sent = (struct network_sent){.transaction = prepared->transaction, .asset = prepared->asset};
    struct rpc_request request = {.method = "eth_sendRawTransaction", .write = true,
                                  .params = json_pack("[o]", json_data(prepared->raw.data,
                                                                       prepared->raw.size))};
    enum status status =
        rpc_call(c->endpoint, &request, &call->waiting, &result, &refusal, &call->error);
    if (status == ERROR_NETWORK_REJECTED) {
        status = judge_refusal(c, call, &id, &refusal, sent);
        json_decref(refusal.data);
        return status;
    }
    if (status != OK)
        return judge_failure(call, status, sent);
    /* Another id than that of the bytes is a lie, and so may be the acceptance. */
    if (!reply_hash(result, &told) || !hash_equal(&told, &id))
        return judge_failure(call, server_lied(c, call, "eth_sendRawTransaction answered another id"), sent);
    sent->outcome = SEND_ACCEPTED;
    return OK;
}
