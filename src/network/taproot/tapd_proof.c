/* tapd: proof files. Their framing, their chain of hashes, and what they rest on in Bitcoin are checked here;
 * what they say about assets, and that their blocks are in the best chain, is tapd's verdict, and said so. */
#include <inttypes.h>
#include <string.h>

#include "base/json.h"
#include "network/lightning/reply.h"
#include "network/taproot/proof_file.h"
#include "network/taproot/tapd.h"

#define SCRIPT_KEY_SIZE 33

static const char *outpoint_text(struct network_call *call, const struct anchor_outpoint *outpoint)
{
    char text[65];

    anchor_hash_text(text, &outpoint->txid);
    return format_in(call->arena, "%s:%" PRIu32, text, outpoint->index);
}

static const char *file_details(struct network_call *call, const struct proof_file *file)
{
    char block[65];

    anchor_hash_text(block, &file->block);
    return format_in(call->arena,
                     "{\"proofs\":%zu,\"genesis_point\":\"%s\",\"outpoint\":\"%s\",\"block\":\"%s\","
                     "\"height\":%" PRIu32 ",\"nested\":%zu}",
                     file->proofs, outpoint_text(call, &file->genesis), outpoint_text(call, &file->end),
                     block, file->height, file->additional_inputs);
}

/* --- verifying -------------------------------------------------------------------------------- */
static enum status judge(struct network_verdict *verdict, enum proof_verdict what, enum proof_anchor anchor,
                         const char *reason, const char *details)
{
    *verdict = (struct network_verdict){ .verdict = what, .anchor = anchor, .reason = reason,
                                         .details = details };
    return OK;
}

/* tapd says yes, or no by a refusal or by a word. */
static enum status ask_tapd(struct tapd *tapd, struct network_call *call, struct bytes bytes,
                            const struct proof_file *file, bool *valid, const char **why)
{
    json_t *answer AUTO_JSON = NULL;
    struct rest_refusal refusal = { 0 };
    const char *text;
    enum status status;

    TRY(tapd_write_bytes(tapd, call, bytes.data, bytes.size, &text));
    status = tapd_post(tapd, call, TAPD_PATH "/proofs/verify",
                       json_pack("{s:s, s:s}", "raw_proof_file", text, "genesis_point",
                                 outpoint_text(call, &file->genesis)),
                       false, &answer, &refusal);
    *valid = false;
    if (status == ERROR_NETWORK_REJECTED) {
        *why = arena_text(call->arena, refusal.message, strlen(refusal.message));
        return OK;
    }
    TRY(status);
    *why = "it gives no reason";
    if (!reply_flag(answer, "valid", valid))
        return tapd_protocol_error(tapd, call, "proofs/verify", "valid");
    return OK;
}

static enum status verify_file(struct tapd *tapd, struct network_call *call, const json_t *proof,
                               struct network_verdict *verdict)
{
    char reason[PROOF_FILE_REASON_MAX];
    struct proof_file file;
    struct bytes bytes;
    const char *why;
    bool valid;

    if (!tapd_bytes(proof, "proof", PROOF_FILE_MAX, call->arena, &bytes) || json_object_size(proof) != 2)
        return error_set(&call->error, ERROR_INVALID_PARAMS,
                         "a proof has type and proof (the file in base64, at most 8 MiB), no more");
    switch (proof_file_check(bytes, tapd->chain->easiest, &file, reason)) {
    case PROOF_FILE_BROKEN:
        return judge(verdict, PROOF_INVALID, ANCHOR_NONE, format_in(call->arena, "checked here: %s", reason),
                     NULL);
    case PROOF_FILE_UNKNOWN:
        return judge(verdict, PROOF_UNVERIFIABLE, ANCHOR_NONE, format_in(call->arena, "%s", reason), NULL);
    case PROOF_FILE_HOLDS:
        break;
    }
    TRY(ask_tapd(tapd, call, bytes, &file, &valid, &why));
    if (!valid)
        return judge(verdict, PROOF_INVALID, ANCHOR_NODE,
                     format_in(call->arena, "its form holds, but tapd refuses it: %s", why),
                     file_details(call, &file));
    return judge(verdict, PROOF_VALID, ANCHOR_NODE,
                 "checked here: the chain of hashes, that each transaction spends where the one before "
                 "ended, is "
                 "in its block, and the block has the work it names; delegated to tapd: commitments, "
                 "amounts, "
                 "signatures, nested files, and that the blocks are in the best chain",
                 file_details(call, &file));
}

enum status tapd_verify_proof(void *client, struct network_call *call, const char *proof,
                              struct network_verdict *verdict)
{
    json_t *value AUTO_JSON = NULL;
    const char *type;

    TRY(json_parse(proof, strlen(proof), &value, &call->error));
    if (!reply_text(value, "type", &type) || strcmp(type, "file") != 0)
        return error_set(&call->error, ERROR_INVALID_PARAMS, "a proof is an object of the type 'file'");
    return verify_file(client, call, value, verdict);
}

/* --- making ----------------------------------------------------------------------------------- */
enum status tapd_generate_proof(void *client, struct network_call *call, const char *claim,
                                const char **proof)
{
    struct tapd *tapd = client;
    json_t *value AUTO_JSON = NULL, *answer AUTO_JSON = NULL;
    char reason[PROOF_FILE_REASON_MAX];
    uint8_t script_key[SCRIPT_KEY_SIZE];
    struct proof_file file;
    struct bytes bytes;
    struct hash asset;
    const char *type, *id, *asset_text, *key_text;

    TRY(json_parse(claim, strlen(claim), &value, &call->error));
    if (!reply_text(value, "type", &type) || strcmp(type, "file") != 0 || !reply_text(value, "asset", &id) ||
        !reply_hex(value, "script_key", script_key, sizeof(script_key)) || json_object_size(value) != 3)
        return error_set(&call->error, ERROR_INVALID_PARAMS,
                         "a claim has type 'file', asset (id) and script_key (66 hex digits), no more");
    TRY(tapd_asset(call, id, &asset));
    TRY(tapd_write_bytes(tapd, call, asset.bytes, sizeof(asset.bytes), &asset_text));
    TRY(tapd_write_bytes(tapd, call, script_key, sizeof(script_key), &key_text));
    TRY(tapd_post(tapd, call, TAPD_PATH "/proofs/export",
                  json_pack("{s:s, s:s}", "asset_id", asset_text, "script_key", key_text), false, &answer,
                  NULL));
    if (!tapd_bytes(answer, "raw_proof_file", PROOF_FILE_MAX, call->arena, &bytes))
        return tapd_protocol_error(tapd, call, "proofs/export", "raw_proof_file");
    if (proof_file_check(bytes, tapd->chain->easiest, &file, reason) == PROOF_FILE_BROKEN)
        return tapd_protocol_error(tapd, call, "proofs/export", "raw_proof_file");
    *proof = format_in(call->arena, "{\"type\":\"file\",\"proof\":\"%s\"}",
                       base64_text(call->arena, bytes.data, bytes.size));
    return OK;
}
