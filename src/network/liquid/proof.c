/* Proofs of Liquid: that a transaction is in a block, and that the federation signed the block. */
#include <inttypes.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "network/liquid/client.h"

#define TYPE_TRANSACTION "liquid-transaction"
#define TYPE_HEADER "liquid-header"
#define PROOF_MAX (1 << 20)

static void refuse(struct network_verdict *verdict, const char *reason)
{
    verdict->verdict = PROOF_INVALID;
    verdict->anchor = ANCHOR_NONE;
    verdict->reason = reason;
}

/* --- what a header rests on --------------------------------------------------------------------- */
static bool challenge_is_trusted(const struct liquid_client *client, const struct liquid_header *header)
{
    const char *text = client->options->challenge;
    struct buffer trusted CLEANUP(buffer_close) = { 0 };
    size_t size = text == NULL ? 0 : strlen(text) / 2;

    buffer_init(&trusted);
    if (size == 0 || !hex_decode(buffer_reserve(&trusted, size), size, text, strlen(text)))
        return false;
    trusted.size = size;
    return bytes_equal(buffer_bytes(&trusted), header->challenge);
}

/* By the federation, whose script the operator named; INVALID where it did not sign. False: no more can be
 * said. */
static bool anchor_federation(const struct liquid_client *client, struct network_call *call,
                              const struct liquid_header *header, struct network_verdict *verdict)
{
    size_t signers, keys;

    if (!challenge_is_trusted(client, header))
        return false;
    switch (liquid_header_signatures(header, &signers, &keys)) {
    case SIGNATURES_GOOD:
        verdict->verdict = PROOF_VALID;
        verdict->anchor = ANCHOR_FEDERATION;
        verdict->reason = liquid_text(call, "signed by %zu of the federation's %zu keys", signers, keys);
        return true;
    case SIGNATURES_WRONG:
        refuse(verdict, "the federation did not sign the block");
        return true;
    case SIGNATURES_OPEN:
    case SIGNATURES_UNKNOWN: break;
    }
    return false;
}

/* Whether the node has the block in its chain: its word. */
static enum status anchor_node(struct liquid_client *client, struct network_call *call, const char *hash,
                               struct network_verdict *verdict)
{
    AUTO_JSON json_t *answer = NULL;
    json_int_t confirmations;

    TRY(liquid_ask(client, call, "getblockheader", json_pack("[s, b]", hash, 1), &answer, NULL));
    confirmations = json_integer_value(json_object_get(answer, "confirmations"));
    if (confirmations < 1) {
        verdict->verdict = PROOF_UNVERIFIABLE;
        verdict->reason = "it holds under its header, which is not in the node's chain";
        return OK;
    }
    verdict->verdict = PROOF_VALID;
    verdict->anchor = ANCHOR_NODE;
    verdict->reason = "hashes and tree checked here; that the block is in the chain, the node says";
    return OK;
}

static enum status anchor_block(struct liquid_client *client, struct network_call *call,
                                const struct hash *block, struct network_verdict *verdict)
{
    struct buffer bytes CLEANUP(buffer_close) = { 0 };
    struct liquid_header header;
    struct hash checkpoint;
    enum status outcome;
    char shown[65];

    buffer_init(&bytes);
    hash_shown(block, shown);
    if (client->options->checkpoint != NULL && hash_read_shown(client->options->checkpoint, &checkpoint) &&
        hash_equal(&checkpoint, block)) {
        verdict->verdict = PROOF_VALID;
        verdict->anchor = ANCHOR_CHECKPOINT;
        return OK;
    }
    outcome = liquid_fetch_header(client, call, shown, &bytes, &header);
    if (outcome == ERROR_NETWORK_NOT_FOUND) {
        verdict->verdict = PROOF_UNVERIFIABLE;
        verdict->reason = "it holds under its header, which the node does not know";
        return OK;
    }
    if (outcome != OK)
        return outcome;
    if (anchor_federation(client, call, &header, verdict))
        return OK;
    return anchor_node(client, call, shown, verdict);
}

/* --- verifying ---------------------------------------------------------------------------------- */
static enum status parse(struct network_call *call, const char *text, const char *what, const char *type,
                         json_t **json)
{
    const char *given;

    if (json_parse(text, strlen(text), json, &call->error) != OK)
        return error_set(&call->error, ERROR_INVALID_PARAMS, "%s: no JSON", what);
    given = json_string_value(json_object_get(*json, "type"));
    if (given == NULL || strcmp(given, type) != 0)
        return error_set(&call->error, ERROR_INVALID_PARAMS, "%s: expected type %s", what, type);
    return OK;
}

enum status liquid_verify_proof(void *context, struct network_call *call, const char *text,
                                struct network_verdict *verdict)
{
    struct liquid_client *client = context;
    struct buffer bytes CLEANUP(buffer_close) = { 0 };
    AUTO_JSON json_t *json = NULL;
    struct liquid_header header;
    enum liquid_proof judged;
    uint32_t position;
    struct hash id;

    buffer_init(&bytes);
    memset(verdict, 0, sizeof(*verdict));
    TRY(parse(call, text, "proof", TYPE_TRANSACTION, &json));
    if (json_object_size(json) != 3 || !liquid_member_hash(json, "transaction", &id) ||
        !liquid_member_hex(json_object_get(json, "proof"), PROOF_MAX, &bytes)) {
        refuse(verdict, "malformed: expected type, transaction and proof");
        return OK;
    }
    judged = liquid_proof_check(buffer_bytes(&bytes), &id, &header, &position);
    if (judged != LIQUID_PROOF_GOOD) {
        refuse(verdict, liquid_proof_name(judged));
        return OK;
    }
    TRY(anchor_block(client, call, &header.hash, verdict));
    verdict->details = liquid_text(call, "{\"height\":%" PRIu32 ",\"position\":%" PRIu32 "}", header.height,
                                   position);
    return OK;
}

/* --- making ------------------------------------------------------------------------------------- */
enum status liquid_generate_proof(void *context, struct network_call *call, const char *claim,
                                  const char **text)
{
    struct liquid_client *client = context;
    AUTO_JSON json_t *json = NULL, *answer = NULL;
    struct buffer bytes CLEANUP(buffer_close) = { 0 }, out CLEANUP(buffer_close) = { 0 };
    struct network_status status;
    struct liquid_header header;
    struct writer w;
    const char *id;
    struct hash hash;
    uint32_t position;

    buffer_init(&bytes);
    buffer_init(&out);
    TRY(parse(call, claim, "claim", TYPE_TRANSACTION, &json));
    id = json_string_value(json_object_get(json, "transaction"));
    if (!liquid_member_hash(json, "transaction", &hash))
        return error_set(&call->error, ERROR_INVALID_PARAMS, "claim: transaction: expected its id");
    TRY(liquid_check_status(client, call, &(struct network_prepared){ .transaction = id }, &status));
    if (status.state != TRANSACTION_CONFIRMED)
        return error_set(&call->error, ERROR_NETWORK_NOT_FOUND, "the transaction is in no block");
    TRY(liquid_ask(client, call, "gettxoutproof", json_pack("[[s], s]", id, status.block), &answer, NULL));
    if (!liquid_member_hex(answer, PROOF_MAX, &bytes) ||
        liquid_proof_check(buffer_bytes(&bytes), &hash, &header, &position) != LIQUID_PROOF_GOOD)
        return error_set(&call->error, ERROR_NETWORK_PROTOCOL, "gettxoutproof: no proof of the transaction");
    writer_init(&w, &out);
    writer_object_begin(&w);
    writer_member_text(&w, "type", TYPE_TRANSACTION);
    writer_member_text(&w, "transaction", id);
    writer_member_hex(&w, "proof", bytes.data, bytes.size);
    writer_object_end(&w);
    *text = arena_text(call->arena, (const char *)out.data, out.size);
    return OK;
}

/* --- state -------------------------------------------------------------------------------------- */
/* {"type":"liquid-header","header":hex}, as getblockheader gives it. */
enum status liquid_validate_state(void *context, struct network_call *call, const char *claim,
                                  struct network_verdict *verdict)
{
    struct liquid_client *client = context;
    struct buffer bytes CLEANUP(buffer_close) = { 0 };
    AUTO_JSON json_t *json = NULL;
    struct liquid_header header;

    buffer_init(&bytes);
    memset(verdict, 0, sizeof(*verdict));
    TRY(parse(call, claim, "claim", TYPE_HEADER, &json));
    if (!liquid_member_hex(json_object_get(json, "header"), PROOF_MAX, &bytes))
        return error_set(&call->error, ERROR_INVALID_PARAMS, "claim: header: expected hex");
    if (!liquid_header_of(buffer_bytes(&bytes), &header)) {
        refuse(verdict, "no header of Liquid");
        return OK;
    }
    verdict->details = liquid_text(call, "{\"height\":%" PRIu32 "}", header.height);
    if (anchor_federation(client, call, &header, verdict))
        return OK;
    return anchor_block(client, call, &header.hash, verdict);
}
