/* Proofs of Stacks: that a transaction is in a block, by the tree of the block's header. What lies under
 * the state's root (a MARF) is not read here, and never called valid. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "network/stacks/client.h"

#define TYPE_TRANSACTION "stacks-transaction"
#define TYPE_ACCOUNT "stacks-account"
#define TYPE_BLOCK "stacks-block"
#define HEADER_MAX 65536

/* --- the parts of a proof ----------------------------------------------------------------------- */
struct inclusion {
    struct buffer transaction, header; /* the header without transactions behind it */
    struct stacks_path path;
};

static void inclusion_close(struct inclusion *inclusion)
{
    buffer_close(&inclusion->transaction);
    buffer_close(&inclusion->header);
}

static bool member_bytes(const json_t *json, const char *name, size_t most, struct buffer *out)
{
    const json_t *member = json_object_get(json, name);
    size_t digits = json_string_length(member);

    if (!json_is_string(member) || digits == 0 || digits % 2 != 0 || digits / 2 > most ||
        !hex_decode(buffer_reserve(out, digits / 2), digits / 2, json_string_value(member), digits))
        return false;
    out->size += digits / 2;
    return true;
}

static bool read_inclusion(const json_t *json, struct inclusion *out)
{
    const json_t *path = json_object_get(json, "path");
    uint64_t position, count;

    if (json_object_size(json) != 6 || !member_bytes(json, "transaction", STACKS_TRANSACTION_MAX,
                                                     &out->transaction) ||
        !member_bytes(json, "header", HEADER_MAX, &out->header) ||
        !stacks_member_u64(json, "position", &position) || !stacks_member_u64(json, "count", &count) ||
        count > STACKS_BLOCK_TRANSACTIONS_MAX || position >= count || !json_is_array(path) ||
        json_array_size(path) > STACKS_PATH_MAX)
        return false;
    out->path.position = (uint32_t)position;
    out->path.count = (uint32_t)count;
    out->path.levels = (unsigned)json_array_size(path);
    for (unsigned i = 0; i < out->path.levels; i++) {
        const json_t *hash = json_array_get(path, i);

        if (!json_is_string(hash) || !hex_decode(out->path.neighbours[i].bytes, 32, json_string_value(hash),
                                                 json_string_length(hash)))
            return false;
    }
    return true;
}

/* --- what a block rests on ---------------------------------------------------------------------- */
static bool is_checkpoint(const struct stacks_client *client, const struct hash *id)
{
    const char *text = client->options->checkpoint;
    struct hash checkpoint;

    return text != NULL && hex_decode(checkpoint.bytes, sizeof(checkpoint.bytes), text, strlen(text)) &&
           hash_equal(&checkpoint, id);
}

/* Whether the node has this block in its chain; or it is the one that the operator vouches for. */
static enum status anchor_block(struct stacks_client *client, struct network_call *call,
                                const struct stacks_block *block, struct network_verdict *verdict)
{
    struct buffer bytes CLEANUP(buffer_close) = { 0 };
    struct stacks_block canonical;
    enum status outcome;

    buffer_init(&bytes);
    if (is_checkpoint(client, &block->id)) {
        verdict->verdict = PROOF_VALID;
        verdict->anchor = ANCHOR_CHECKPOINT;
        return OK;
    }
    outcome = stacks_fetch_block(client, call, &block->height, NULL, &bytes, &canonical);
    if (outcome == ERROR_NETWORK_NOT_FOUND || (outcome == OK && !hash_equal(&canonical.id, &block->id))) {
        verdict->verdict = PROOF_UNVERIFIABLE;
        verdict->anchor = ANCHOR_NONE;
        verdict->reason = "it holds under its header, which is not in the node's chain";
        return OK;
    }
    if (outcome != OK)
        return outcome;
    verdict->verdict = PROOF_VALID;
    verdict->anchor = ANCHOR_NODE;
    verdict->reason =
        "hashes, tree and signature checked here; that the block is in the chain, the node says";
    return OK;
}

/* --- verifying ---------------------------------------------------------------------------------- */
static void refuse(struct network_verdict *verdict, const char *reason)
{
    verdict->verdict = PROOF_INVALID;
    verdict->anchor = ANCHOR_NONE;
    verdict->reason = reason;
}

static enum status verify_inclusion(struct stacks_client *client, struct network_call *call,
                                    const json_t *json, struct network_verdict *verdict)
{
    struct inclusion proof CLEANUP(inclusion_close) = { .path = { .count = 0 } };
    enum stacks_block_verdict header;
    struct stacks_decoded decoded;
    struct stacks_block block;
    struct hash id;
    bool valid;

    buffer_init(&proof.transaction);
    buffer_init(&proof.header);
    if (!read_inclusion(json, &proof)) {
        refuse(verdict, "malformed: expected type, transaction, header, position, count and path");
        return OK;
    }
    header = stacks_header_read(buffer_bytes(&proof.header), &block);
    if (header == STACKS_BLOCK_UNKNOWN_VERSION) {
        verdict->verdict = PROOF_UNVERIFIABLE;
        verdict->reason = stacks_block_verdict_name(header);
        return OK;
    }
    if (header != STACKS_BLOCK_GOOD || block.transactions.size != 0) {
        refuse(verdict, "the header is none");
        return OK;
    }
    if (!stacks_decode(buffer_bytes(&proof.transaction), &decoded, &valid) ||
        decoded.chain != client->chain || decoded.mainnet != client->mainnet ||
        (decoded.one_key && !decoded.sponsored && !valid)) {
        refuse(verdict, "the transaction is none of this chain, or its signature is wrong");
        return OK;
    }
    stacks_transaction_id(buffer_bytes(&proof.transaction), &id);
    if (!stacks_path_holds(&proof.path, &id, &block.transactions_root)) {
        refuse(verdict, "the path does not lead to the header's root");
        return OK;
    }
    return anchor_block(client, call, &block, verdict);
}

enum status stacks_verify_proof(void *context, struct network_call *call, const char *proof,
                                struct network_verdict *verdict)
{
    AUTO_JSON json_t *json = NULL;
    const char *type;

    memset(verdict, 0, sizeof(*verdict));
    if (json_parse(proof, strlen(proof), &json, &call->error) != OK)
        return error_set(&call->error, ERROR_INVALID_PARAMS, "proof: no JSON");
    type = json_string_value(json_object_get(json, "type"));
    if (type != NULL && strcmp(type, TYPE_TRANSACTION) == 0)
        return verify_inclusion(context, call, json, verdict);
    if (type != NULL && strcmp(type, TYPE_ACCOUNT) == 0) {
        verdict->verdict = PROOF_UNVERIFIABLE;
        verdict->reason = "proofs of the state (MARF) are not read by this node";
        return OK;
    }
    return error_set(&call->error, ERROR_INVALID_PARAMS,
                     "proof: expected type " TYPE_TRANSACTION "; " TYPE_ACCOUNT
                     " is answered 'unverifiable'");
}

/* --- making ------------------------------------------------------------------------------------- */
static void write_proof(const struct inclusion *proof, struct buffer *out)
{
    struct writer w;

    writer_init(&w, out);
    writer_object_begin(&w);
    writer_member_text(&w, "type", TYPE_TRANSACTION);
    writer_member_hex(&w, "transaction", proof->transaction.data, proof->transaction.size);
    writer_member_hex(&w, "header", proof->header.data, proof->header.size);
    writer_member_unsigned(&w, "position", proof->path.position);
    writer_member_unsigned(&w, "count", proof->path.count);
    writer_key(&w, "path");
    writer_array_begin(&w);
    for (unsigned i = 0; i < proof->path.levels; i++)
        writer_hex(&w, proof->path.neighbours[i].bytes, 32);
    writer_array_end(&w);
    writer_object_end(&w);
}

static enum status find_block(struct stacks_client *client, struct network_call *call, const json_t *claim,
                              struct hash *id, struct buffer *bytes, struct stacks_block *block)
{
    const char *text = json_string_value(json_object_get(claim, "transaction"));
    struct network_status status;
    struct hash block_id;

    if (text == NULL || !stacks_member_hash(claim, "transaction", id))
        return error_set(&call->error, ERROR_INVALID_PARAMS, "claim: transaction: expected its id");
    TRY(stacks_check_status(client, call, &(struct network_prepared){ .transaction = text }, &status));
    if (!status.has_height || status.block == NULL ||
        !hex_decode(block_id.bytes, 32, status.block + 2, strlen(status.block + 2)))
        return error_set(&call->error, ERROR_NETWORK_NOT_FOUND, "the transaction is in no block: %s",
                         status.reason == NULL ? "it waits" : status.reason);
    return stacks_fetch_block(client, call, NULL, &block_id, bytes, block);
}

enum status stacks_generate_proof(void *context, struct network_call *call, const char *claim,
                                  const char **text)
{
    struct stacks_client *client = context;
    struct inclusion proof CLEANUP(inclusion_close) = { .path = { .count = 0 } };
    struct buffer bytes CLEANUP(buffer_close) = { 0 }, out CLEANUP(buffer_close) = { 0 };
    AUTO_JSON json_t *json = NULL;
    struct stacks_block block;
    struct bytes transaction;
    const char *type;
    struct hash id;

    buffer_init(&proof.transaction);
    buffer_init(&proof.header);
    buffer_init(&bytes);
    buffer_init(&out);
    if (json_parse(claim, strlen(claim), &json, &call->error) != OK)
        return error_set(&call->error, ERROR_INVALID_PARAMS, "claim: no JSON");
    type = json_string_value(json_object_get(json, "type"));
    if (type == NULL || strcmp(type, TYPE_TRANSACTION) != 0)
        return error_set(&call->error, ERROR_INVALID_PARAMS, "claim: expected type " TYPE_TRANSACTION);
    TRY(find_block(client, call, json, &id, &bytes, &block));
    if (!stacks_block_path(&block, &id, &proof.path, &transaction))
        return error_set(&call->error, ERROR_NETWORK_PROTOCOL, "the block does not have the transaction");
    buffer_append(&proof.transaction, transaction.data, transaction.size);
    buffer_append(&proof.header, bytes.data, bytes.size - block.transactions.size);
    write_proof(&proof, &out);
    *text = stacks_details(call, &out);
    return OK;
}

/* --- state -------------------------------------------------------------------------------------- */
/* {"type":"stacks-block","block":hex}: what a block claims of itself, and that it is in the chain. The
 * signers' weights are the node's word, so signatures are counted by key and not judged. */
static enum status validate_block(struct stacks_client *client, struct network_call *call, const json_t *json,
                                  struct network_verdict *verdict)
{
    struct buffer bytes CLEANUP(buffer_close) = { 0 };
    enum stacks_block_verdict judged;
    struct stacks_block block;
    uint32_t recovered = 0;

    buffer_init(&bytes);
    if (!member_bytes(json, "block", STACKS_TRANSACTION_MAX, &bytes))
        return error_set(&call->error, ERROR_INVALID_PARAMS, "claim: block: expected hex");
    judged = stacks_block_read(buffer_bytes(&bytes), &block);
    if (judged == STACKS_BLOCK_UNKNOWN_VERSION) {
        verdict->verdict = PROOF_UNVERIFIABLE;
        verdict->reason = stacks_block_verdict_name(judged);
        return OK;
    }
    if (judged != STACKS_BLOCK_GOOD) {
        refuse(verdict, stacks_block_verdict_name(judged));
        return OK;
    }
    for (uint32_t i = 0; i < block.signature_count; i++) {
        const uint8_t *at = block.signatures + (size_t)i * STACKS_SIGNATURE_SIZE;
        struct signature signature;
        struct public_key key;

        memcpy(signature.bytes, at + 1, sizeof(signature.bytes));
        if (at[0] <= 3 && ecdsa_recover(&block.hash, &signature, at[0], &key))
            recovered++;
    }
    if (recovered != block.signature_count || recovered == 0) {
        refuse(verdict, "a signer's signature is none");
        return OK;
    }
    TRY(anchor_block(client, call, &block, verdict));
    verdict->details = stacks_text(call, "{\"height\":%" PRIu64 ",\"signatures\":%" PRIu32 "}", block.height,
                                   recovered);
    return OK;
}

enum status stacks_validate_state(void *context, struct network_call *call, const char *claim,
                                  struct network_verdict *verdict)
{
    AUTO_JSON json_t *json = NULL;
    const char *type;

    memset(verdict, 0, sizeof(*verdict));
    if (json_parse(claim, strlen(claim), &json, &call->error) != OK)
        return error_set(&call->error, ERROR_INVALID_PARAMS, "claim: no JSON");
    type = json_string_value(json_object_get(json, "type"));
    if (type == NULL || strcmp(type, TYPE_BLOCK) != 0)
        return error_set(&call->error, ERROR_INVALID_PARAMS, "claim: expected type " TYPE_BLOCK);
    return validate_block(context, call, json, verdict);
}
