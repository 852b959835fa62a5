/* Proofs of receipts: of Ethereum's kind, with the block's receipts trie rebuilt here, and of Rootstock's,
 * whose servers give the nodes. prove.h. */
#include "network/evm/prove.h"
#include "network/evm/trie.h"

#define PROVED_TRANSACTIONS_MAX 4096 /* of a block whose receipts are all read */

/* --- receipts ---------------------------------------------------------------------------------------- */
static bool receipt_log(const json_t *json, struct arena *arena, struct evm_log *log)
{
    const json_t *topics = json_object_get(json, "topics");
    log->topic_count = json_array_size(topics);
    if (!json_is_array(topics) || log->topic_count > EVM_TOPICS_MAX)
        return false;
    for (size_t i = 0; i < log->topic_count; i++)
        if (!reply_hash(json_array_get(topics, i), &log->topics[i]))
            return false;
    return reply_address(json_object_get(json, "address"), &log->address) &&
           reply_data(json_object_get(json, "data"), arena, &log->data);
}

/* A receipt's JSON back to what stands in the block's trie. */
static bool receipt_of_json(const json_t *json, struct arena *arena, struct bytes *raw)
{
    struct evm_receipt receipt = {.shape = EVM_RECEIPT_ETHEREUM};
    uint64_t type = 0, status;
    const json_t *logs = json_object_get(json, "logs"), *told = json_object_get(json, "type");
    if ((told != NULL && !reply_u64(told, &type)) || type > EVM_RECEIPT_TYPE_MOST || !json_is_array(logs) ||
        !reply_u64(json_object_get(json, "status"), &status) || status > 1 ||
        !reply_u64(json_object_get(json, "cumulativeGasUsed"), &receipt.cumulative_gas) ||
        !reply_fixed(json_object_get(json, "logsBloom"), receipt.bloom, EVM_BLOOM_SIZE))
        return false;
    receipt.type = (uint8_t)type;
    receipt.succeeded = status == 1;
    receipt.log_count = json_array_size(logs);
    struct evm_log *list = arena_new(arena, (receipt.log_count + 1) * sizeof *list);
    for (size_t i = 0; i < receipt.log_count; i++)
        if (!receipt_log(json_array_get(logs, i), arena, &list[i]))
            return false;
    receipt.logs = list;
    if (receipt.type == EVM_RECEIPT_DEPOSIT &&
        reply_u64(json_object_get(json, "depositNonce"), &receipt.deposit_nonce)) {
        receipt.deposit_fields = 1;
        if (reply_u64(json_object_get(json, "depositReceiptVersion"), &receipt.deposit_version))
            receipt.deposit_fields = 2;
    }
    struct error error = {0};
    struct buffer out CLEANUP(buffer_close);
    buffer_init(&out);
    if (evm_receipt_encode(&receipt, &out, &error) != OK)
        return false;
    uint8_t *copy = arena_new(arena, out.size + 1);
    memcpy(copy, out.data, out.size);
    *raw = bytes_of(copy, out.size);
    return true;
}

/* The raw transactions of a block, all of them; *count 0 when the server does not give one of them. */
static enum status read_transactions(struct evm_client *client, struct network_call *call,
                                     const struct hash *block, size_t total, struct bytes *list, bool *all)
{
    const char *hash = server_block_hash(call, block);
    *all = true;
    for (size_t at = 0; at < total && *all; at += RPC_BATCH_MAX) {
        struct rpc_request requests[RPC_BATCH_MAX];
        json_t *results[RPC_BATCH_MAX] = {0};
        size_t count = total - at < RPC_BATCH_MAX ? total - at : RPC_BATCH_MAX;
        for (size_t i = 0; i < count; i++)
            requests[i] = (struct rpc_request){.method = "eth_getRawTransactionByBlockHashAndIndex",
                                               .params = json_pack("[so]", hash, json_quantity(at + i))};
        TRY(rpc_batch(client->endpoint, requests, count, &call->waiting, results, NULL, &call->error));
        for (size_t i = 0; i < count; i++) {
            *all = *all && reply_data(results[i], call->arena, &list[at + i]);
            json_decref(results[i]);
        }
    }
    return OK;
}

/* The proof that the transaction stands at the same index, or null when that is not asked for, or the server
 * gives no raw transactions, or others than the header commits to. */
static enum status write_transaction(struct evm_client *client, struct network_call *call,
                                     const struct server_receipt *receipt, const struct evm_header *header,
                                     size_t total, bool brief, struct writer *w)
{
    bool all = false;
    struct trie *trie;
    uint8_t key[TRIE_INDEX_KEY_MAX];
    struct error error = {0};
    const struct bytes *nodes;
    size_t count;
    struct bytes *list = arena_new(call->arena, (total + 1) * sizeof *list);
    if (!brief)
        TRY(read_transactions(client, call, &receipt->block, total, list, &all));
    bool given = all && trie_of_list(list, total, call->arena, &trie, &error) == OK &&
                 hash_equal(trie_root(trie), &header->transactions_root);
    if (!given) {
        writer_key(w, "transaction");
        writer_null(w);
        writer_key(w, "transaction_nodes");
        writer_null(w);
        return OK;
    }
    size_t size = trie_index_key(key, receipt->index);
    trie_prove(trie, bytes_of(key, size), call->arena, &nodes, &count);
    writer_member_data(w, "transaction", list[receipt->index].data, list[receipt->index].size);
    prove_nodes("transaction_nodes", nodes, count, w);
    return OK;
}

/* One by one, where the server has no eth_getBlockReceipts. */
static enum status receipts_one_by_one(struct evm_client *client, struct network_call *call,
                                       const struct server_block *block, json_t **list)
{
    AUTO_JSON json_t *json = NULL;
    json_t *params = json_pack("[sb]", server_block_hash(call, &block->hash), 0);
    TRY(server_ask(client, call, "eth_getBlockByHash", params, &json));
    const json_t *ids = json_object_get(json, "transactions");
    size_t total = json_array_size(ids);
    if (total > PROVED_TRANSACTIONS_MAX)
        return server_lied(client, call, "a block of %zu transactions", total);
    AUTO_JSON json_t *receipts = json_array();
    for (size_t at = 0; at < total; at += RPC_BATCH_MAX) {
        struct rpc_request requests[RPC_BATCH_MAX];
        json_t *results[RPC_BATCH_MAX] = {0};
        size_t count = total - at < RPC_BATCH_MAX ? total - at : RPC_BATCH_MAX;
        for (size_t i = 0; i < count; i++)
            requests[i] = (struct rpc_request){.method = "eth_getTransactionReceipt",
                                               .params = json_pack("[O]", json_array_get(ids, at + i))};
        TRY(rpc_batch(client->endpoint, requests, count, &call->waiting, results, NULL, &call->error));
        for (size_t i = 0; i < count; i++)
            json_array_append_new(receipts, results[i] == NULL ? json_null() : results[i]);
    }
    *list = json_incref(receipts);
    return OK;
}

static enum status block_receipts(struct evm_client *client, struct network_call *call,
                                  const struct server_block *block, const struct bytes **list, size_t *count)
{
    AUTO_JSON json_t *json = NULL;
    struct rpc_refusal refusal;
    bool refused;
    *count = 0;
    *list = NULL;
    json_t *params = json_pack("[s]", server_block_hash(call, &block->hash));
    TRY(server_ask_or_no(client, call, "eth_getBlockReceipts", params, &json, &refused, &refusal));
    json_decref(refusal.data);
    if (refused)
        TRY(receipts_one_by_one(client, call, block, &json));
    size_t total = json_array_size(json);
    if (!json_is_array(json) || total == 0 || total > PROVED_TRANSACTIONS_MAX)
        return server_lied(client, call, "the block's receipts are no list of 1 to %d",
                           PROVED_TRANSACTIONS_MAX);
    struct bytes *receipts = arena_new(call->arena, total * sizeof *receipts);
    for (size_t i = 0; i < total; i++)
        if (!receipt_of_json(json_array_get(json, i), call->arena, &receipts[i]))
            return server_lied(client, call, "the block's receipt %zu is none", i);
    *list = receipts;
    *count = total;
    return OK;
}

static enum status prove_ethereum_receipt(struct evm_client *client, struct network_call *call,
                                          const struct server_receipt *receipt,
                                          const struct server_block *block, bool brief,
                                          const char **text, struct evm_proof *proof)
{
    const struct bytes *receipts, *nodes;
    size_t total, count;
    struct trie *trie;
    struct evm_header header;
    uint8_t key[TRIE_INDEX_KEY_MAX];
    TRY(evm_header_decode(block->header, &header, &call->error));
    TRY(block_receipts(client, call, block, &receipts, &total));
    TRY(trie_of_list(receipts, total, call->arena, &trie, &call->error));
    if (receipt->index >= total || !hash_equal(trie_root(trie), &header.receipts_root))
        return server_lied(client, call, "the block's receipts are not those that its header commits to");
    size_t size = trie_index_key(key, receipt->index);
    trie_prove(trie, bytes_of(key, size), call->arena, &nodes, &count);

    struct buffer out CLEANUP(buffer_close);
    buffer_init(&out);
    struct writer w;
    writer_init(&w, &out);
    TRY(prove_head(client, call, "evm_receipt", block, brief, &w));
    writer_member_unsigned(&w, "index", receipt->index);
    writer_member_data(&w, "receipt", receipts[receipt->index].data, receipts[receipt->index].size);
    prove_nodes("nodes", nodes, count, &w);
    TRY(write_transaction(client, call, receipt, &header, total, brief, &w));
    writer_object_end(&w);
    return prove_hand_out(client, call, &out, text, proof);
}

/* What eth_getBlockByHash tells of the merged mining, or null: blocks of development servers have none. */
static enum status write_mining(struct evm_client *client, struct network_call *call,
                                const struct server_block *block, struct writer *w)
{
    AUTO_JSON json_t *json = NULL;
    struct bytes merkle_proof, coinbase;
    json_t *params = json_pack("[sb]", server_block_hash(call, &block->hash), 0);
    TRY(server_ask(client, call, "eth_getBlockByHash", params, &json));
    writer_key(w, "mining");
    if (!reply_data(json_object_get(json, "bitcoinMergedMiningMerkleProof"), call->arena, &merkle_proof) ||
        !reply_data(json_object_get(json, "bitcoinMergedMiningCoinbaseTransaction"), call->arena,
                    &coinbase) ||
        coinbase.size == 0) {
        writer_null(w);
        return OK;
    }
    writer_object_begin(w);
    writer_member_data(w, "merkle_proof", merkle_proof.data, merkle_proof.size);
    writer_member_data(w, "coinbase", coinbase.data, coinbase.size);
    writer_object_end(w);
    return OK;
}

static enum status prove_rootstock_receipt(struct evm_client *client, struct network_call *call,
                                           const struct server_receipt *receipt,
                                           const struct server_block *block, bool brief,
                                           const char **text, struct evm_proof *proof)
{
    AUTO_JSON json_t *raw = NULL;
    AUTO_JSON json_t *list = NULL;
    struct bytes bytes;
    const struct bytes *nodes;
    size_t count;
    AUTO_JSON json_t *id = json_data(receipt->transaction.bytes, 32);
    TRY(server_ask(client, call, "rsk_getRawTransactionReceiptByHash", json_pack("[O]", id), &raw));
    json_t *params = json_pack("[sO]", server_block_hash(call, &block->hash), id);
    TRY(server_ask(client, call, "rsk_getTransactionReceiptNodesByHash", params, &list));
    if (!reply_data(raw, call->arena, &bytes) || !reply_nodes(list, call->arena, &nodes, &count))
        return server_lied(client, call, "rsk_getTransactionReceiptNodesByHash gave no nodes");
    struct buffer out CLEANUP(buffer_close);
    buffer_init(&out);
    struct writer w;
    writer_init(&w, &out);
    TRY(prove_head(client, call, "rootstock_receipt", block, brief, &w));
    writer_member_unsigned(&w, "index", receipt->index);
    writer_member_data(&w, "receipt", bytes.data, bytes.size);
    prove_nodes("nodes", nodes, count, &w);
    TRY(write_mining(client, call, block, &w));
    writer_object_end(&w);
    return prove_hand_out(client, call, &out, text, proof);
}

enum status prove_receipt(struct evm_client *client, struct network_call *call, const json_t *claim,
                                 const char **text, struct evm_proof *proof)
{
    struct hash id;
    struct server_receipt receipt;
    struct server_block block;
    bool brief = prove_briefly(claim);
    if (!reply_hash(json_object_get(claim, "transaction"), &id))
        return prove_malformed(call, "transaction");
    TRY(server_receipt(client, call, &id, &receipt));
    if (!receipt.known)
        return error_set(&call->error, ERROR_NETWORK_NOT_FOUND, "the transaction has no receipt");
    TRY(server_block(client, call, server_block_hash(call, &receipt.block), &block));
    if (!block.known)
        return server_lied(client, call, "the receipt's block is none");
    return client->chain->family == EVM_ROOTSTOCK
               ? prove_rootstock_receipt(client, call, &receipt, &block, brief, text, proof)
               : prove_ethereum_receipt(client, call, &receipt, &block, brief, text, proof);
}
