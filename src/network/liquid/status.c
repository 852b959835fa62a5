/* What became of a transaction on Liquid, and which there were. */
#include <inttypes.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "network/liquid/client.h"

#define HISTORY_MAX 100

/* Peg-outs stand in the outputs; a peg-in is a flag of an input, read from the transaction itself. */
static void describe_pegs(struct network_call *call, const json_t *answer, struct network_status *status)
{
    /* of `gettransaction` in a member of its own, of `getrawtransaction` at the top */
    const json_t *decoded = json_object_get(answer, "decoded");
    const json_t *outputs = json_object_get(decoded == NULL ? answer : decoded, "vout");
    struct buffer bytes CLEANUP(buffer_close) = { 0 };
    struct liquid_transaction transaction;
    const char *chain = NULL;
    bool pegs_in;

    buffer_init(&bytes);
    pegs_in = liquid_member_hex(json_object_get(answer, "hex"), LIQUID_TRANSACTION_MAX, &bytes) &&
              liquid_transaction_read(buffer_bytes(&bytes), &transaction) && transaction.pegs_in;
    for (size_t i = 0; i < json_array_size(outputs) && chain == NULL; i++) {
        const json_t *script = json_object_get(json_array_get(outputs, i), "scriptPubKey");

        chain = json_string_value(json_object_get(script, "pegout_chain"));
    }
    if (pegs_in || chain != NULL)
        status->details = liquid_text(call, "{\"peg_in\":%s,\"peg_out\":%s}", pegs_in ? "true" : "false",
                                      chain == NULL ? "false" : "true");
}

static bool is_abandoned(const json_t *answer)
{
    const json_t *details = json_object_get(answer, "details");

    for (size_t i = 0; i < json_array_size(details); i++) {
        if (json_is_true(json_object_get(json_array_get(details, i), "abandoned")))
            return true;
    }
    return false;
}

/* Not in the chain: another one that spends the same is, so and so deep; or its block is no more; or it
 * waits. */
static void judge_outside(const struct liquid_client *client, const json_t *answer, json_int_t depth,
                          struct network_status *status)
{
    uint64_t above = (uint64_t)-(depth + 1) + 1;

    if (is_abandoned(answer) || (depth < 0 && above >= client->options->confirmations)) {
        status->state = TRANSACTION_FAILED;
        status->reason = depth < 0 ? "another transaction that spends the same is in the chain" : "abandoned";
    } else if (depth < 0) {
        status->state = TRANSACTION_PENDING;
        status->reason = "another transaction that spends the same is in a block that is not final";
    } else if (json_object_get(answer, "blockhash") != NULL) {
        status->state = TRANSACTION_UNKNOWN; /* so it is sent again */
        status->reason = "its block is no longer part of the chain";
    } else {
        status->state = TRANSACTION_PENDING;
    }
}

static enum status judge(struct liquid_client *client, struct network_call *call, const json_t *answer,
                         struct network_status *status)
{
    const json_t *confirmations = json_object_get(answer, "confirmations");
    json_int_t depth = json_integer_value(confirmations);
    struct hash block;
    char shown[65];

    if (!json_is_object(answer) || (confirmations != NULL && !json_is_integer(confirmations)))
        return liquid_malformed(call, "gettransaction");
    describe_pegs(call, answer, status);
    if (depth <= 0 || is_abandoned(answer)) {
        judge_outside(client, answer, depth, status);
        return OK;
    }
    if (!liquid_member_hash(answer, "blockhash", &block))
        return liquid_malformed(call, "gettransaction");
    hash_shown(&block, shown);
    status->state = TRANSACTION_CONFIRMED;
    status->block = liquid_text(call, "%s", shown);
    status->has_confirmations = true;
    status->confirmations = (uint64_t)depth;
    status->has_height = liquid_member_u64(answer, "blockheight", &status->height);
    status->finality =
        status->confirmations >= client->options->confirmations ? FINALITY_FINAL : FINALITY_SOFT;
    return OK;
}

/* One question; *known is false where the node answers that it does not know the transaction. */
static enum status ask_about(struct liquid_client *client, struct network_call *call, bool wallet,
                             const char *id, json_t **answer, bool *known)
{
    struct rpc_refusal refusal = { .code = 0 };
    enum status outcome =
        wallet ? liquid_ask_wallet(client, call, "gettransaction", json_pack("[s, b, b]", id, 1, 1), answer,
                                   &refusal)
               : liquid_ask(client, call, "getrawtransaction", json_pack("[s, b]", id, 1), answer, &refusal);

    *known = outcome == OK;
    return outcome == ERROR_NETWORK_REJECTED && refusal.code == RPC_NOT_FOUND ? OK : outcome;
}

enum status liquid_check_status(void *context, struct network_call *call,
                                const struct network_prepared *which,
                                struct network_status *status)
{
    struct liquid_client *client = context;
    AUTO_JSON json_t *answer = NULL;
    struct hash id;
    bool known = false;

    memset(status, 0, sizeof(*status));
    if (which->transaction == NULL || !hash_read_shown(which->transaction, &id))
        return error_set(&call->error, ERROR_INVALID_PARAMS, "transaction: expected its id, 64 hex digits");
    if (client->wallet_path != NULL)
        TRY(ask_about(client, call, true, which->transaction, &answer, &known));
    if (!known)
        TRY(ask_about(client, call, false, which->transaction, &answer, &known));
    status->asset = which->asset;
    if (known)
        return judge(client, call, answer, status);
    status->state = TRANSACTION_UNKNOWN;
    status->reason = "neither wallet, mempool nor (with txindex) chain of the node know it";
    return OK;
}

/* --- history ------------------------------------------------------------------------------------ */
static bool read_entry(struct network_call *call, const json_t *json, struct network_entry *entry)
{
    const char *kind = json_string_value(json_object_get(json, "category"));
    const char *asset = json_string_value(json_object_get(json, "asset"));
    json_int_t depth = json_integer_value(json_object_get(json, "confirmations"));
    struct hash id;
    uint64_t amount;
    char shown[65];

    if (kind == NULL || !liquid_member_hash(json, "txid", &id) ||
        !liquid_amount_of_json(json_object_get(json, "amount"), &amount))
        return false;
    hash_shown(&id, shown);
    entry->transaction = liquid_text(call, "%s", shown);
    entry->kind = liquid_text(call, "%s", kind);
    entry->asset = asset == NULL ? NULL : liquid_text(call, "%s", asset);
    entry->amount = liquid_text(call, "%" PRIu64, amount);
    entry->state = depth < 0 ? TRANSACTION_FAILED : depth == 0 ? TRANSACTION_PENDING : TRANSACTION_CONFIRMED;
    if (!liquid_member_u64(json, "blockheight", &entry->height))
        entry->height = 0;
    if (!liquid_member_u64(json, "time", &entry->time_s))
        entry->time_s = 0;
    return true;
}

enum status liquid_history(void *context, struct network_call *call, const char *after, size_t limit,
                           struct network_history *history)
{
    struct liquid_client *client = context;
    AUTO_JSON json_t *list = NULL;
    struct network_entry *entries;
    uint64_t skip = 0;
    size_t count;

    memset(history, 0, sizeof(*history));
    if (after != NULL && !liquid_amount_read(after, &skip))
        return error_set(&call->error, ERROR_INVALID_PARAMS, "after: expected what 'next' said");
    if (limit == 0 || limit > HISTORY_MAX)
        limit = HISTORY_MAX;
    TRY(liquid_ask_wallet(client, call, "listtransactions",
                          json_pack("[s, I, I, b]", "*", (json_int_t)limit, (json_int_t)skip, 1), &list,
                              NULL));
    count = json_array_size(list);
    if (!json_is_array(list) || count > limit)
        return liquid_malformed(call, "listtransactions");
    entries = arena_new(call->arena, (count + 1) * sizeof(*entries));
    for (size_t i = 0; i < count; i++) { /* the node gives the newest last */
        if (!read_entry(call, json_array_get(list, count - 1 - i), &entries[i]))
            return liquid_malformed(call, "listtransactions");
    }
    history->entries = entries;
    history->count = count;
    if (count == limit)
        history->next = liquid_text(call, "%" PRIu64, skip + count);
    return OK;
}
