/* Proofs and claims of others: what is proved, and what their block rests on. evm_client.h, evm_proof.h. */
#include "network/evm/prove.h"

/* --- validate_state ---------------------------------------------------------------------------------- */
/* Whether a claimed number is what was found; one that was not claimed is. */
static bool claimed_is(const json_t *claim, const char *name, const struct u256 *found, bool *formed)
{
    const json_t *told = json_object_get(claim, name);
    struct u256 value;
    if (told == NULL)
        return true;
    bool read = json_is_integer(told) && json_integer_value(told) >= 0;
    if (read)
        value = u256_of((uint64_t)json_integer_value(told));
    else
        read = json_is_string(told) &&
               u256_from_decimal(&value, json_string_value(told), json_string_length(told));
    *formed = *formed && read;
    return read && u256_compare(&value, found) == 0;
}

static enum status word_at(struct evm_client *client, struct network_call *call, const char *method,
                           json_t *params, struct u256 *value)
{
    AUTO_JSON json_t *json = NULL;
    TRY(server_ask(client, call, method, params, &json));
    return reply_word(json, value) ? OK : server_lied(client, call, "%s gave no number", method);
}

/* A claim that claims nothing would be `valid`, or what "the server says": something has to be claimed, and a
 * value for each slot. Before a server is asked, and for both kinds of chain. */
static enum status check_claimed(struct network_call *call, const json_t *claim)
{
    const json_t *slots = json_object_get(claim, "slots");
    struct u256 slot;
    if (slots != NULL && !json_is_array(slots))
        return prove_malformed(call, "slots");
    if (json_array_size(slots) > EVM_PROOF_SLOTS_MAX)
        return error_set(&call->error, ERROR_INVALID_PARAMS, "the claim has %zu slots; %d at most",
                         json_array_size(slots), EVM_PROOF_SLOTS_MAX);
    for (size_t i = 0; i < json_array_size(slots); i++) {
        const json_t *entry = json_array_get(slots, i);
        if (!reply_word(json_object_get(entry, "slot"), &slot))
            return prove_malformed(call, "slots");
        if (json_object_get(entry, "value") == NULL)
            return error_set(&call->error, ERROR_INVALID_PARAMS, "slot %zu of the claim has no 'value'", i);
    }
    if (json_array_size(slots) == 0 && json_object_get(claim, "nonce") == NULL &&
        json_object_get(claim, "balance") == NULL)
        return error_set(&call->error, ERROR_INVALID_PARAMS,
                         "the claim says nothing of the account: nonce, balance or slots is expected");
    return OK;
}

/* Without proofs: what the server says, compared with what is claimed. */
static enum status compare_words(struct evm_client *client, struct network_call *call, const json_t *claim,
                                 struct network_verdict *verdict)
{
    struct evm_address address;
    struct server_block block;
    struct u256 balance, nonce;
    bool formed = true;
    const json_t *place = json_object_get(claim, "address"), *slots = json_object_get(claim, "slots");
    if (!json_is_string(place) || !evm_address_decode(&address, json_string_value(place),
                                                      json_string_length(place), client->checksum))
        return prove_malformed(call, "address");
    TRY(prove_block(client, call, claim, &block));
    const char *at = server_block_number(call, block.number);
    AUTO_JSON json_t *who = json_data(address.bytes, sizeof address.bytes);
    TRY(word_at(client, call, "eth_getBalance", json_pack("[Os]", who, at), &balance));
    TRY(word_at(client, call, "eth_getTransactionCount", json_pack("[Os]", who, at), &nonce));
    bool same = claimed_is(claim, "balance", &balance, &formed);
    same = claimed_is(claim, "nonce", &nonce, &formed) && same;
    for (size_t i = 0; i < json_array_size(slots); i++) {
        const json_t *entry = json_array_get(slots, i);
        struct u256 slot, value;
        if (!reply_word(json_object_get(entry, "slot"), &slot))
            return prove_malformed(call, "slots");
        json_t *params = json_pack("[Oos]", who, json_data(slot.bytes, sizeof slot.bytes), at);
        TRY(word_at(client, call, "eth_getStorageAt", params, &value));
        same = claimed_is(entry, "value", &value, &formed) && same;
    }
    if (!formed)
        return prove_malformed(call, "nonce, balance or value");
    *verdict = same ? (struct network_verdict){PROOF_UNVERIFIABLE, ANCHOR_NODE,
                                               "the server says the same; this network's servers prove no "
                                               "accounts", NULL}
                    : (struct network_verdict){PROOF_INVALID, ANCHOR_NODE, "the server says otherwise", NULL};
    return OK;
}

enum status server_validate_account(struct evm_client *client, struct network_call *call,
                                    const json_t *claim, struct network_verdict *verdict)
{
    TRY(check_claimed(call, claim));
    if (client->chain->family == EVM_ROOTSTOCK)
        return compare_words(client, call, claim, verdict);
    struct evm_proof proof;
    const char *text;
    bool formed = true;
    const json_t *slots = json_object_get(claim, "slots");
    AUTO_JSON json_t *wanted = json_pack("{so}", "slots", json_array());
    for (size_t i = 0; i < json_array_size(slots); i++)
        json_array_append(json_object_get(wanted, "slots"),
                          json_object_get(json_array_get(slots, i), "slot"));
    json_object_set(wanted, "address", json_object_get(claim, "address"));
    if (json_object_get(claim, "block") != NULL)
        json_object_set(wanted, "block", json_object_get(claim, "block"));
    TRY(prove_account(client, call, wanted, &text, &proof));
    struct u256 nonce = u256_of(proof.account.nonce);
    bool same = claimed_is(claim, "balance", &proof.account.balance, &formed);
    same = claimed_is(claim, "nonce", &nonce, &formed) && same;
    for (size_t i = 0; i < proof.slot_count && i < json_array_size(slots); i++)
        same = claimed_is(json_array_get(slots, i), "value", &proof.slots[i].value, &formed) && same;
    if (!formed || proof.slot_count != json_array_size(slots))
        return prove_malformed(call, "nonce, balance or slots");
    bool trusted = hash_equal(&proof.vouched, &client->options->checkpoint);
    *verdict = (struct network_verdict){
        same ? PROOF_VALID : PROOF_INVALID, trusted ? ANCHOR_CHECKPOINT : ANCHOR_NODE,
        same ? "proved under the block's state root" : "the block's state root proves otherwise", NULL};
    return OK;
}

/* --- verify_proof ------------------------------------------------------------------------------------ */
static const char *proof_details(const struct evm_client *client, struct network_call *call,
                                 const struct evm_proof *proof)
{
    char hash[REPLY_HASH_TEXT_MAX], number[U256_DECIMAL_MAX], address[EVM_ADDRESS_TEXT_MAX];
    struct buffer out CLEANUP(buffer_close);
    buffer_init(&out);
    struct writer w;
    writer_init(&w, &out);
    writer_object_begin(&w);
    writer_member_unsigned(&w, "block", proof->number);
    writer_member_text(&w, "block_hash", reply_hash_text(hash, &proof->block));
    switch (proof->type) {
    case EVM_PROOF_ACCOUNT:
        writer_member_text(&w, "address", evm_address_encode(address, &proof->address, client->checksum));
        writer_member_text(&w, "balance", u256_decimal(number, &proof->account.balance));
        break;
    case EVM_PROOF_RECEIPT:
    case EVM_PROOF_ROOTSTOCK_RECEIPT:
        writer_member_boolean(&w, "succeeded", proof->receipt.succeeded);
        if (proof->has_transaction)
            writer_member_text(&w, "transaction", reply_hash_text(hash, &proof->transaction));
        break;
    case EVM_PROOF_WITHDRAWAL:
        writer_member_text(&w, "withdrawal", reply_hash_text(hash, &proof->withdrawal.withdrawal));
        writer_member_text(&w, "output_root", reply_hash_text(hash, &proof->withdrawal.output_root));
        break;
    }
    if (proof->mined)
        writer_member_text(&w, "difficulty", u256_decimal(number, &proof->difficulty));
    writer_object_end(&w);
    return arena_text(call->arena, (const char *)out.data, out.size);
}

/* What was not checked, beside the block. */
static const char *open_question(const struct evm_proof *proof)
{
    switch (proof->type) {
    case EVM_PROOF_ACCOUNT:
        return "";
    case EVM_PROOF_RECEIPT:
        return proof->has_transaction ? "" : "; which transaction stands at that index is not proved";
    case EVM_PROOF_WITHDRAWAL:
        return "; whether Ethereum has this output root is not checked";
    case EVM_PROOF_ROOTSTOCK_RECEIPT:
        return "; which transaction stands at that index is not proved";
    }
    return "";
}

static enum status anchor(struct evm_client *client, struct network_call *call, const struct evm_proof *proof,
                          struct network_verdict *verdict, const char **rests_on)
{
    if (hash_equal(&proof->vouched, &client->options->checkpoint)) {
        verdict->anchor = ANCHOR_CHECKPOINT;
        *rests_on = "the block is the link's checkpoint, or one before it";
        return OK;
    }
    if (proof->mined && !u256_is_zero(&client->work_least) &&
        u256_compare(&proof->difficulty, &client->work_least) >= 0) {
        verdict->anchor = ANCHOR_WORK;
        *rests_on = "the block has the Bitcoin work that the link asks for";
        return OK;
    }
    struct server_block there;
    TRY(server_block(client, call, server_block_number(call, proof->vouched_number), &there));
    bool same = there.known && hash_equal(&there.hash, &proof->vouched);
    verdict->verdict = same ? PROOF_VALID : PROOF_UNVERIFIABLE;
    verdict->anchor = same ? ANCHOR_NODE : ANCHOR_NONE;
    *rests_on = same ? "that the block is the chain's is the server's word"
                     : "the server's block of that number is another, or it has none";
    return OK;
}

enum status evm_verify_proof(void *client, struct network_call *call, const char *proof,
                             struct network_verdict *verdict)
{
    struct evm_client *c = client;
    struct evm_proof found;
    struct error why = {0};
    const char *rests_on;
    struct network_verdict result = {.verdict = PROOF_INVALID, .anchor = ANCHOR_NONE};
    bool rootstock = c->chain->family == EVM_ROOTSTOCK;
    enum status status =
        evm_proof_verify(proof, c->options->withdrawals_root, call->arena, &found, &why);
    if (status != OK) {
        result.reason = arena_text(call->arena, why.message, strlen(why.message));
    } else if (found.chain_id != c->chain_id || (found.type == EVM_PROOF_ROOTSTOCK_RECEIPT) != rootstock) {
        result.reason = "it is a proof of another chain";
    } else {
        result.verdict = PROOF_VALID;
        result.details = proof_details(c, call, &found);
        TRY(anchor(c, call, &found, &result, &rests_on));
        struct buffer reason CLEANUP(buffer_close);
        buffer_init(&reason);
        buffer_append_format(&reason, "proved under the block's header, whose hash was recomputed; %s%s",
                             rests_on, open_question(&found));
        result.reason = arena_text(call->arena, (const char *)reason.data, reason.size);
    }
    *verdict = result;
    return OK;
}
