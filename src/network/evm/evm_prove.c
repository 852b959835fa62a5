/* Proofs, made from what a server gives and checked before they are handed out: of accounts and of
 * withdrawals. evm_client.h, evm_proof.h. */
#include "network/evm/prove.h"

/* --- claims ------------------------------------------------------------------------------------------ */
enum status prove_malformed(struct network_call *call, const char *what)
{
    return error_set(&call->error, ERROR_INVALID_PARAMS, "the claim's '%s' is missing or not of its form",
                     what);
}

bool prove_briefly(const json_t *claim)
{
    return json_is_true(json_object_get(claim, "brief"));
}

/* The block that a claim names, by number or hash, or the newest with the link's confirmations. */
enum status prove_block(struct evm_client *client, struct network_call *call, const json_t *claim,
                                 struct server_block *block)
{
    const json_t *told = json_object_get(claim, "block");
    struct hash hash;
    const char *which;
    if (told == NULL) {
        struct server_tips tips;
        TRY(server_tips(client, call, &tips));
        which = server_block_number(call, server_settled(client, tips.latest.number));
    } else if (json_is_integer(told) && json_integer_value(told) >= 0) {
        which = server_block_number(call, (uint64_t)json_integer_value(told));
    } else if (reply_hash(told, &hash)) {
        which = server_block_hash(call, &hash);
    } else {
        return prove_malformed(call, "block");
    }
    TRY(server_block(client, call, which, block));
    return block->known ? OK
                        : error_set(&call->error, ERROR_NETWORK_NOT_FOUND, "the server has no such block");
}

/* --- what all proofs begin with ---------------------------------------------------------------------- */
static enum status write_descendants(struct evm_client *client, struct network_call *call,
                                     const struct server_block *block, bool brief, struct writer *w)
{
    static const struct hash none;
    struct server_block trusted, blocks[RPC_BATCH_MAX];
    const char *which[RPC_BATCH_MAX];
    const struct hash *checkpoint = &client->options->checkpoint;
    writer_key(w, "descendants");
    writer_array_begin(w);
    if (!brief && !hash_equal(checkpoint, &none) && !hash_equal(checkpoint, &block->hash)) {
        TRY(server_block(client, call, server_block_hash(call, checkpoint), &trusted));
        bool near = trusted.known && trusted.number > block->number &&
                    trusted.number - block->number <= EVM_PROOF_DESCENDANTS_MAX;
        for (uint64_t at = block->number + 1; near && at <= trusted.number;) {
            size_t count = 0;
            while (count < RPC_BATCH_MAX && at <= trusted.number)
                which[count++] = server_block_number(call, at++);
            TRY(server_blocks(client, call, which, count, blocks));
            for (size_t i = 0; i < count; i++)
                if (blocks[i].known)
                    writer_data(w, blocks[i].header.data, blocks[i].header.size);
        }
    }
    writer_array_end(w);
    return OK;
}

enum status prove_head(struct evm_client *client, struct network_call *call, const char *type,
                              const struct server_block *block, bool brief, struct writer *w)
{
    writer_object_begin(w);
    writer_member_text(w, "type", type);
    writer_member_unsigned(w, "chain_id", client->chain_id);
    writer_member_data(w, "header", block->header.data, block->header.size);
    return write_descendants(client, call, block, brief, w);
}

void prove_nodes(const char *key, const struct bytes *nodes, size_t count, struct writer *w)
{
    writer_key(w, key);
    writer_array_begin(w);
    for (size_t i = 0; i < count; i++)
        writer_data(w, nodes[i].data, nodes[i].size);
    writer_array_end(w);
}

/* No proof leaves that would not be taken: what the server gave is checked as anybody's. */
enum status prove_hand_out(struct evm_client *client, struct network_call *call, const struct buffer *out,
                            const char **text, struct evm_proof *proof)
{
    struct error why = {0};
    const char *made = arena_text(call->arena, (const char *)out->data, out->size);
    if (evm_proof_verify(made, client->options->withdrawals_root, call->arena, proof, &why) != OK)
        return server_lied(client, call, "what it gave proves nothing: %s", why.message);
    *text = made;
    return OK;
}

/* --- accounts (EIP-1186) ----------------------------------------------------------------------------- */
struct account_reply {
    const struct bytes *nodes;
    size_t count;
    bool present;
    struct evm_account account;
};

static enum status ask_account(struct evm_client *client, struct network_call *call,
                               const struct evm_address *address, json_t *slots,
                               const struct server_block *block, json_t **json, struct account_reply *reply)
{
    json_t *params = json_pack("[oo{ss}]", json_data(address->bytes, EVM_ADDRESS_SIZE), slots, "blockHash",
                               server_block_hash(call, &block->hash));
    TRY(server_ask(client, call, "eth_getProof", params, json));
    if (!reply_nodes(json_object_get(*json, "accountProof"), call->arena, &reply->nodes, &reply->count))
        return server_lied(client, call, "eth_getProof gave no nodes");
    struct error why = {0};
    if (evm_account_verify(&block->state_root, address, reply->nodes, reply->count, &reply->present,
                           &reply->account, &why) != OK)
        return server_lied(client, call, "eth_getProof's account: %s", why.message);
    return OK;
}

static bool storage_nodes(const json_t *json, size_t index, struct arena *arena, const struct bytes **nodes,
                          size_t *count)
{
    const json_t *entry = json_array_get(json_object_get(json, "storageProof"), index);
    return reply_nodes(json_object_get(entry, "proof"), arena, nodes, count);
}

static enum status write_slots(struct evm_client *client, struct network_call *call, const json_t *json,
                               const struct evm_account *account, const json_t *slots, struct writer *w)
{
    writer_key(w, "slots");
    writer_array_begin(w);
    for (size_t i = 0; i < json_array_size(slots); i++) {
        struct u256 slot, value;
        struct error why = {0};
        char text[U256_DECIMAL_MAX];
        const struct bytes *nodes;
        size_t count;
        if (!reply_word(json_array_get(slots, i), &slot) ||
            !storage_nodes(json, i, call->arena, &nodes, &count) ||
            evm_storage_verify(&account->storage_root, &slot, nodes, count, &value, &why) != OK)
            return server_lied(client, call, "eth_getProof's slot %zu: %s", i, why.message);
        writer_object_begin(w);
        writer_member_data(w, "slot", slot.bytes, sizeof slot.bytes);
        writer_member_text(w, "value", u256_decimal(text, &value));
        prove_nodes("nodes", nodes, count, w);
        writer_object_end(w);
    }
    writer_array_end(w);
    return OK;
}

enum status prove_account(struct evm_client *client, struct network_call *call, const json_t *claim,
                                 const char **text, struct evm_proof *proof)
{
    struct evm_address address;
    struct server_block block;
    struct account_reply reply = {0};
    char number[U256_DECIMAL_MAX];
    AUTO_JSON json_t *json = NULL;
    AUTO_JSON json_t *slots = json_array();
    const json_t *told = json_object_get(claim, "slots"), *place = json_object_get(claim, "address");
    if (!json_is_string(place) || !evm_address_decode(&address, json_string_value(place),
                                                      json_string_length(place), client->checksum))
        return prove_malformed(call, "address");
    if (told != NULL && (!json_is_array(told) || json_array_size(told) > EVM_PROOF_SLOTS_MAX))
        return prove_malformed(call, "slots");
    for (size_t i = 0; i < json_array_size(told); i++) {
        struct u256 slot;
        if (!reply_word(json_array_get(told, i), &slot))
            return prove_malformed(call, "slots");
        json_array_append_new(slots, json_data(slot.bytes, sizeof slot.bytes));
    }
    TRY(prove_block(client, call, claim, &block));
    TRY(ask_account(client, call, &address, json_incref(slots), &block, &json, &reply));

    struct buffer out CLEANUP(buffer_close);
    buffer_init(&out);
    struct writer w;
    writer_init(&w, &out);
    TRY(prove_head(client, call, "evm_account", &block, prove_briefly(claim), &w));
    writer_member_data(&w, "address", address.bytes, sizeof address.bytes);
    writer_member_boolean(&w, "present", reply.present);
    writer_member_unsigned(&w, "nonce", reply.account.nonce);
    writer_member_text(&w, "balance", u256_decimal(number, &reply.account.balance));
    writer_member_data(&w, "storage_root", reply.account.storage_root.bytes, 32);
    writer_member_data(&w, "code_hash", reply.account.code_hash.bytes, 32);
    prove_nodes("nodes", reply.nodes, reply.count, &w);
    TRY(write_slots(client, call, json, &reply.account, slots, &w));
    writer_object_end(&w);
    return prove_hand_out(client, call, &out, text, proof);
}

/* --- withdrawals ------------------------------------------------------------------------------------- */
static bool read_withdrawal(const json_t *json, struct arena *arena, struct withdrawal *withdrawal)
{
    const struct { const char *name; struct u256 *into; } amounts[] = {
        {"nonce", &withdrawal->nonce}, {"value", &withdrawal->value}, {"gas_limit", &withdrawal->gas_limit}};
    for (size_t i = 0; i < COUNT_OF(amounts); i++) {
        const json_t *value = json_object_get(json, amounts[i].name);
        if (!json_is_string(value) ||
            !u256_from_decimal(amounts[i].into, json_string_value(value), json_string_length(value)))
            return false;
    }
    return reply_address(json_object_get(json, "sender"), &withdrawal->sender) &&
           reply_address(json_object_get(json, "target"), &withdrawal->target) &&
           reply_data(json_object_get(json, "data"), arena, &withdrawal->data);
}

static void write_withdrawal(const struct withdrawal *withdrawal, struct writer *w)
{
    char text[U256_DECIMAL_MAX];
    writer_key(w, "withdrawal");
    writer_object_begin(w);
    writer_member_text(w, "nonce", u256_decimal(text, &withdrawal->nonce));
    writer_member_data(w, "sender", withdrawal->sender.bytes, EVM_ADDRESS_SIZE);
    writer_member_data(w, "target", withdrawal->target.bytes, EVM_ADDRESS_SIZE);
    writer_member_text(w, "value", u256_decimal(text, &withdrawal->value));
    writer_member_text(w, "gas_limit", u256_decimal(text, &withdrawal->gas_limit));
    writer_member_data(w, "data", withdrawal->data.data, withdrawal->data.size);
    writer_object_end(w);
}

static enum status prove_withdrawal(struct evm_client *client, struct network_call *call,
                                    const json_t *claim, const char **text, struct evm_proof *proof)
{
    struct withdrawal withdrawal = {0};
    struct server_block block;
    struct account_reply reply = {0};
    struct hash hash, root;
    struct u256 slot;
    const struct bytes *nodes;
    size_t count;
    AUTO_JSON json_t *json = NULL;
    if (!read_withdrawal(json_object_get(claim, "withdrawal"), call->arena, &withdrawal))
        return prove_malformed(call, "withdrawal");
    withdrawal_hash(&withdrawal, &hash);
    withdrawal_slot(&hash, &slot);
    TRY(prove_block(client, call, claim, &block));
    json_t *slots = json_pack("[o]", json_data(slot.bytes, sizeof slot.bytes));
    TRY(ask_account(client, call, &evm_message_passer, slots, &block, &json, &reply));
    if (!storage_nodes(json, 0, call->arena, &nodes, &count))
        return server_lied(client, call, "eth_getProof gave no nodes for the slot");
    struct u256 sent;
    struct error why = {0};
    if (evm_storage_verify(&reply.account.storage_root, &slot, nodes, count, &sent, &why) != OK)
        return server_lied(client, call, "eth_getProof's slot: %s", why.message);
    if (u256_is_zero(&sent))
        return error_set(&call->error, ERROR_NETWORK_NOT_FOUND,
                         "no such withdrawal was sent up to that block");
    output_root(&block.state_root, &reply.account.storage_root, &block.hash, &root);

    struct buffer out CLEANUP(buffer_close);
    buffer_init(&out);
    struct writer w;
    writer_init(&w, &out);
    TRY(prove_head(client, call, "op_withdrawal", &block, prove_briefly(claim), &w));
    write_withdrawal(&withdrawal, &w);
    prove_nodes("account_nodes", reply.nodes, reply.count, &w);
    prove_nodes("storage_nodes", nodes, count, &w);
    writer_member_data(&w, "output_root", root.bytes, sizeof root.bytes);
    writer_object_end(&w);
    return prove_hand_out(client, call, &out, text, proof);
}

/* --- all of them ------------------------------------------------------------------------------------- */
enum status evm_generate_proof(void *client, struct network_call *call, const char *claim,
                               const char **proof)
{
    struct evm_client *c = client;
    struct evm_proof made;
    AUTO_JSON json_t *json = NULL;
    const char *why;
    if (!evm_capable(client, NETWORK_GENERATE_PROOF, &why))
        return error_set(&call->error, ERROR_NETWORK_NOT_SUPPORTED, "%s", why);
    TRY(json_parse(claim, strlen(claim), &json, &call->error));
    const char *type = json_string_value(json_object_get(json, "type"));
    if (type != NULL && strcmp(type, "receipt") == 0)
        return prove_receipt(c, call, json, proof, &made);
    if (c->chain->family == EVM_ROOTSTOCK)
        return error_set(&call->error, ERROR_NETWORK_NOT_SUPPORTED,
                         "on Rootstock receipts can be proved: its servers give no proofs of accounts");
    if (type != NULL && strcmp(type, "account") == 0)
        return prove_account(c, call, json, proof, &made);
    if (type != NULL && strcmp(type, "withdrawal") == 0)
        return prove_withdrawal(c, call, json, proof, &made);
    return prove_malformed(call, "type");
}
