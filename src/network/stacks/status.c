/* What became of a transaction on Stacks, and which there were. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "network/stacks/client.h"

#define HISTORY_MAX 50

/* Where a transaction was mined, as the server says; to be verified. */
struct place {
    bool known;
    bool by_height;     /* the API names a block by its height and hash, a node by its id */
    uint64_t height;
    struct hash block;  /* id, or with by_height the header's hash */
    char result[256];   /* Clarity: "(ok true)" */
    bool failed;
    const char *dropped; /* the API's word for why it waits no more; NULL */
};

/* --- asking the node ---------------------------------------------------------------------------- */
static enum status ask_index(struct stacks_client *client, struct network_call *call, const char *hex,
                             struct place *place, bool *indexed)
{
    AUTO_JSON json_t *json = NULL;
    const char *result;
    bool known;

    TRY(stacks_get_indexed(client, call, hex, &known, indexed, &json));
    if (!known || json_is_false(json_object_get(json, "is_canonical")))
        return OK; /* not there; or it was in a block that is no more */
    result = json_string_value(json_object_get(json, "result"));
    if (!stacks_member_hash(json, "index_block_hash", &place->block) || result == NULL)
        return error_set(&call->error, ERROR_NETWORK_PROTOCOL, "/v3/transaction/%s: no transaction", hex);
    place->known = true;
    snprintf(place->result, sizeof(place->result), "%s", result);
    place->failed = strncmp(result, "(err", 4) == 0;
    return OK;
}

static enum status ask_mempool(struct stacks_client *client, struct network_call *call, const char *hex,
                               bool *waiting)
{
    char path[sizeof("/v2/transactions/unconfirmed/") + 64];
    AUTO_JSON json_t *json = NULL;
    long status;

    snprintf(path, sizeof(path), "/v2/transactions/unconfirmed/%s", hex);
    TRY(stacks_get(client, call, path, &status, &json));
    if (status != 200 && status != 404)
        return error_set(&call->error, ERROR_NETWORK_PROTOCOL, "%s: HTTP %ld", path, status);
    *waiting = status == 200;
    return OK;
}

/* The API's states (stacks-blockchain-api, TransactionStatus and MempoolTransactionStatus). */
static enum status ask_api(struct stacks_client *client, struct network_call *call, const char *hex,
                           struct place *place, bool *waiting)
{
    char path[sizeof("/extended/v1/tx/0x") + 64];
    AUTO_JSON json_t *json = NULL;
    const char *state, *result;
    long status;

    snprintf(path, sizeof(path), "/extended/v1/tx/0x%s", hex);
    TRY(stacks_get(client, call, path, &status, &json));
    if (status == 404)
        return OK;
    state = json_string_value(json_object_get(json, "tx_status"));
    if (status != 200 || state == NULL)
        return error_set(&call->error, ERROR_NETWORK_PROTOCOL, "%s: no transaction (HTTP %ld)", path, status);
    if (strcmp(state, "pending") == 0) {
        *waiting = true;
        return OK;
    }
    if (strncmp(state, "dropped_", 8) == 0)
        place->dropped = stacks_text(call, "%s", state);
    if (place->dropped != NULL || json_is_false(json_object_get(json, "canonical")))
        return OK; /* or it was in a block that is no more */
    if (!stacks_member_hash(json, "block_hash", &place->block) ||
        !stacks_member_u64(json, "block_height", &place->height))
        return error_set(&call->error, ERROR_NETWORK_PROTOCOL, "%s: '%s' without a block", path, state);
    place->known = place->by_height = true;
    place->failed = strcmp(state, "success") != 0;
    result = json_string_value(json_object_get(json_object_get(json, "tx_result"), "repr"));
    snprintf(place->result, sizeof(place->result), "%s: %s", state, result == NULL ? "" : result);
    return OK;
}

/* How many Bitcoin blocks there are since the one that the block's tenure began with. */
static enum status bitcoin_depth(struct stacks_client *client, struct network_call *call,
                                 const struct stacks_block *block, uint64_t burn_height, bool *known,
                                 uint64_t *depth)
{
    char path[sizeof("/v3/sortitions/consensus/") + 2 * STACKS_CONSENSUS_HASH_SIZE];
    char hex[2 * STACKS_CONSENSUS_HASH_SIZE + 1];
    AUTO_JSON json_t *json = NULL;
    const json_t *sortition;
    uint64_t height;
    long status;

    hex_text(hex, block->consensus_hash, STACKS_CONSENSUS_HASH_SIZE);
    snprintf(path, sizeof(path), "/v3/sortitions/consensus/%s", hex);
    TRY(stacks_get(client, call, path, &status, &json));
    sortition = json_is_array(json) ? json_array_get(json, 0) : json;
    *known = status == 200 && stacks_member_u64(sortition, "burn_block_height", &height) &&
             height <= burn_height;
    if (*known)
        *depth = burn_height - height + 1;
    return OK;
}

/* What a missing block at this height means: the chain is shorter now; or, where it is not, that the server
 * has no such
 * path, which says nothing of the block. */
static enum status judge_height(struct stacks_client *client, struct network_call *call, uint64_t height)
{
    struct stacks_info info;

    TRY(stacks_info(client, call, &info));
    if (info.height < height)
        return OK;
    return error_set(&call->error, ERROR_NETWORK_PROTOCOL,
                     "the chain has %" PRIu64 " blocks, and the server none at %" PRIu64, info.height,
                         height);
}

/* Whether the block is the one in the chain at its height. */
static enum status is_in_chain(struct stacks_client *client, struct network_call *call,
                               const struct stacks_block *block, bool *there)
{
    struct buffer bytes CLEANUP(buffer_close) = { 0 };
    struct stacks_block canonical;
    enum status outcome;

    buffer_init(&bytes);
    outcome = stacks_fetch_block(client, call, &block->height, NULL, &bytes, &canonical);
    *there = outcome == OK && hash_equal(&canonical.id, &block->id);
    return outcome == ERROR_NETWORK_NOT_FOUND ? judge_height(client, call, block->height) : outcome;
}

/* The block that the server named, fetched and hashed. False in *there: it is no longer part of the chain. */
static enum status fetch_place(struct stacks_client *client, struct network_call *call,
                               const struct place *place, struct buffer *bytes, struct stacks_block *block,
                               bool *there)
{
    enum status outcome;

    if (!place->by_height) {
        TRY(stacks_fetch_block(client, call, NULL, &place->block, bytes, block));
        return is_in_chain(client, call, block, there);
    }
    outcome = stacks_fetch_block(client, call, &place->height, NULL, bytes, block);
    *there = outcome == OK && hash_equal(&block->hash, &place->block);
    return outcome == ERROR_NETWORK_NOT_FOUND ? judge_height(client, call, place->height) : outcome;
}

/* A node's index tells the result that a call computed, and not that its post-conditions undid it. */
static bool hides_post_conditions(const struct stacks_client *client, struct bytes transaction,
                                  const struct place *place)
{
    struct stacks_decoded decoded;

    return !client->options->api && !place->failed && stacks_decode(transaction, &decoded, NULL) &&
           decoded.payload == STACKS_CONTRACT_CALL;
}

/* The transaction in its block, and how deep that lies. *there as above. */
static enum status verify_place(struct stacks_client *client, struct network_call *call,
                                const struct hash *id, const struct place *place, bool *there,
                                struct network_status *out)
{
    struct buffer bytes CLEANUP(buffer_close) = { 0 };
    struct stacks_block block;
    struct stacks_info info;
    struct stacks_path path;
    struct bytes transaction;
    uint64_t depth;
    char hex[65];
    bool known;

    buffer_init(&bytes);
    TRY(fetch_place(client, call, place, &bytes, &block, there));
    if (!*there)
        return OK;
    if (!stacks_block_path(&block, id, &path, &transaction))
        return error_set(&call->error, ERROR_NETWORK_PROTOCOL,
                         "the node says that the transaction is in a block, and it is not there");
    TRY(stacks_info(client, call, &info));
    TRY(bitcoin_depth(client, call, &block, info.burn_height, &known, &depth));
    hex_text(hex, block.id.bytes, sizeof(block.id.bytes));
    out->block = stacks_text(call, "0x%s", hex);
    out->height = block.height;
    out->has_height = true;
    out->has_confirmations = true;
    out->confirmations = info.height >= block.height ? info.height - block.height + 1 : 1;
    out->state = place->failed ? TRANSACTION_FAILED : TRANSACTION_CONFIRMED;
    out->reason = stacks_text(call, "%s%s", place->result, hides_post_conditions(client, transaction, place)
                                  ? "; whether its post-conditions held, an API tells and a node does not"
                                      : "");
    out->finality = known && depth >= client->options->confirmations ? FINALITY_FINAL : FINALITY_SOFT;
    if (known)
        out->details = stacks_text(call, "{\"bitcoin_confirmations\":%" PRIu64 "}", depth);
    return OK;
}

/* The nonce that the account's next transaction has. The API tells it from what it knows of transactions:
 * the node
 * behind it may be ahead. */
static enum status next_nonce(struct stacks_client *client, struct network_call *call, uint64_t *nonce)
{
    char path[sizeof("/extended/v1/address//nonces") + STACKS_ADDRESS_TEXT];
    AUTO_JSON json_t *json = NULL;
    struct clarity_uint balance;
    uint64_t last;
    long status;

    if (!client->options->api)
        return stacks_account(client, call, client->account_text, nonce, &balance);
    snprintf(path, sizeof(path), "/extended/v1/address/%s/nonces", client->account_text);
    TRY(stacks_get(client, call, path, &status, &json));
    *nonce = 0;
    if (status == 200 && json_is_null(json_object_get(json, "last_executed_tx_nonce")))
        return OK;
    if (status != 200 || !stacks_member_u64(json, "last_executed_tx_nonce", &last) || last >= INTEGER_MAX)
        return error_set(&call->error, ERROR_NETWORK_PROTOCOL, "%s: no nonces (HTTP %ld)", path, status);
    *nonce = last + 1;
    return OK;
}

static enum status ask_server(struct stacks_client *client, struct network_call *call, const char *hex,
                              struct place *place, bool *waiting, bool *indexed)
{
    *place = (struct place){ .known = false };
    *waiting = false;
    *indexed = true;
    return client->options->api ? ask_api(client, call, hex, place, waiting)
                                : ask_index(client, call, hex, place, indexed);
}

/* Nowhere to be found: gone for good only when another one took its nonce, and the server, asked again after
 * it was
 * taken, still does not know this one. */
static enum status judge_missing(struct stacks_client *client, struct network_call *call,
                                 const struct network_prepared *which, const char *hex, bool indexed,
                                 const struct place *place, struct network_status *out)
{
    struct place again;
    uint64_t nonce;
    bool waiting;

    out->state = TRANSACTION_UNKNOWN;
    out->reason = place->dropped != NULL ? place->dropped
                  : indexed ? "the node does not know it, or its block is no longer part of the chain"
                            : "it does not wait there, and the node keeps no index of what "
                              "is mined (txindex)";
    if (!indexed || !which->has_sequence || client->signer == NULL)
        return OK;
    TRY(next_nonce(client, call, &nonce));
    if (nonce <= which->sequence)
        return OK;
    TRY(ask_server(client, call, hex, &again, &waiting, &indexed));
    if (again.known || waiting || !indexed)
        return OK; /* by the next look it is clear */
    out->state = TRANSACTION_FAILED;
    out->reason = stacks_text(call, "replaced%s%s: the account is at nonce %" PRIu64 ", past its %" PRIu64,
                              place->dropped == NULL ? "" : ", ", place->dropped == NULL ? ""
                                  : place->dropped,
                              nonce, which->sequence);
    return OK;
}

static enum status read_id(struct network_call *call, const char *text, char hex[65], struct hash *id)
{
    const char *digits = text != NULL && strncmp(text, "0x", 2) == 0 ? text + 2 : text;

    if (digits == NULL || !hex_decode(id->bytes, sizeof(id->bytes), digits, strlen(digits)))
        return error_set(&call->error, ERROR_INVALID_PARAMS, "transaction: expected its id, 64 hex digits");
    hex_text(hex, id->bytes, sizeof(id->bytes)); /* the node's paths know small letters alone */
    return OK;
}

enum status stacks_check_status(void *context, struct network_call *call,
                                const struct network_prepared *which,
                                struct network_status *out)
{
    struct stacks_client *client = context;
    bool indexed, waiting, there = false;
    struct place place;
    struct hash id;
    char hex[65];

    memset(out, 0, sizeof(*out));
    TRY(read_id(call, which->transaction, hex, &id));
    TRY(ask_server(client, call, hex, &place, &waiting, &indexed));
    if (place.known)
        TRY(verify_place(client, call, &id, &place, &there, out));
    if (there)
        return OK;
    if (!waiting && place.dropped == NULL)
        TRY(ask_mempool(client, call, hex, &waiting));
    if (!waiting)
        return judge_missing(client, call, which, hex, indexed, &place, out);
    out->state = TRANSACTION_PENDING;
    return OK;
}

/* --- history (the API alone) -------------------------------------------------------------------- */
static enum transaction_state state_of(const char *state)
{
    if (state == NULL)
        return TRANSACTION_UNKNOWN;
    if (strcmp(state, "success") == 0)
        return TRANSACTION_CONFIRMED;
    return strcmp(state, "pending") == 0 ? TRANSACTION_PENDING : TRANSACTION_FAILED;
}

static bool read_entry(struct network_call *call, const json_t *json, struct network_entry *entry)
{
    const json_t *transfer = json_object_get(json, "token_transfer");
    const char *kind = json_string_value(json_object_get(json, "tx_type"));
    const char *amount = json_string_value(json_object_get(transfer, "amount"));
    struct hash id;
    char hex[65];

    if (!stacks_member_hash(json, "tx_id", &id) || kind == NULL)
        return false;
    hex_text(hex, id.bytes, sizeof(id.bytes));
    entry->transaction = stacks_text(call, "0x%s", hex);
    entry->kind = stacks_text(call, "%s", kind);
    entry->amount = amount == NULL ? NULL : stacks_text(call, "%s", amount);
    entry->state = state_of(json_string_value(json_object_get(json, "tx_status")));
    if (!stacks_member_u64(json, "block_height", &entry->height))
        entry->height = 0;
    if (!stacks_member_u64(json, "block_time", &entry->time_s))
        entry->time_s = 0;
    return true;
}

enum status stacks_history(void *context, struct network_call *call, const char *after, size_t limit,
                           struct network_history *history)
{
    struct stacks_client *client = context;
    AUTO_JSON json_t *json = NULL;
    struct clarity_uint offset = { 0, 0 };
    struct network_entry *entries;
    const json_t *results;
    uint64_t total;
    char path[256];
    long status;

    memset(history, 0, sizeof(*history));
    if (after != NULL && (!clarity_uint_read(after, &offset) || offset.high != 0 || offset.low > INTEGER_MAX))
        return error_set(&call->error, ERROR_INVALID_PARAMS, "after: expected what 'next' said");
    if (limit == 0 || limit > HISTORY_MAX)
        limit = HISTORY_MAX;
    snprintf(path, sizeof(path), "/extended/v1/address/%s/transactions?limit=%zu&offset=%" PRIu64,
             client->account_text, limit, offset.low);
    TRY(stacks_get(client, call, path, &status, &json));
    results = json_object_get(json, "results");
    if (status != 200 || !json_is_array(results) || !stacks_member_u64(json, "total", &total))
        return error_set(&call->error, ERROR_NETWORK_PROTOCOL, "the API's list of transactions: HTTP %ld",
                         status);
    if (json_array_size(results) < limit)
        limit = json_array_size(results);
    entries = arena_new(call->arena, (limit + 1) * sizeof(*entries));
    for (size_t i = 0; i < limit; i++) {
        if (!read_entry(call, json_array_get(results, i), &entries[i]))
            return error_set(&call->error, ERROR_NETWORK_PROTOCOL,
                             "the API's list of transactions: entry %zu", i);
    }
    history->entries = entries;
    history->count = limit;
    if (limit > 0 && offset.low + limit < total)
        history->next = stacks_text(call, "%" PRIu64, offset.low + limit);
    return OK;
}
