/* tapd: minting and sending. Neither has an id before it is made, so both carry a label of ours, by which
 * they are looked for before anything is asked for again. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "network/lightning/reply.h"
#include "network/taproot/tapd.h"

#define NAME_MAX_BYTES 64          /* of an asset: taproot-assets' asset.MaxAssetNameLength */
#define DECIMALS_MAX 12            /* taproot-assets' proof.MaxDecDisplay */
#define ADDRESS_MAX 1024
#define VERSION_OPEN "ADDR_VERSION_V2"
#define BECH32_LETTERS "abcdefghijklmnopqrstuvwxyz0123456789"
#define FEE_RATE_MAX 1000000       /* satoshi per 1,000 weight */

static const char *label_for(struct network_call *call)
{
    return format_in(call->arena, "layerd-%s", call->operation);
}

static void keep(struct network_call *call, json_t *body, struct network_prepared *prepared)
{
    char *text = json_dumps(body, JSON_COMPACT);

    INVARIANT(text != NULL, "a request that cannot be written");
    prepared->raw = bytes_of_text(arena_text(call->arena, text, strlen(text)));
    free(text);
    json_decref(body);
}

/* {"fee_rate": satoshi per 1,000 weight}; 0: tapd estimates. */
static enum status read_options(struct network_call *call, const struct network_write *write,
                                uint64_t *fee_rate)
{
    json_t *options AUTO_JSON = NULL;

    *fee_rate = 0;
    if (write->fee != NULL)
        return error_set(&call->error, ERROR_INVALID_PARAMS,
                         "tapd takes a rate, not a fee: options={\"fee_rate\":satoshi per 1,000 weight}");
    if (write->options == NULL)
        return OK;
    TRY(json_parse(write->options, strlen(write->options), &options, &call->error));
    if (!reply_number(options, "fee_rate", fee_rate) || json_object_size(options) != 1 || *fee_rate < 1 ||
        *fee_rate > FEE_RATE_MAX)
        return error_set(&call->error, ERROR_INVALID_PARAMS, "the one option is fee_rate, 1 … %d",
                         FEE_RATE_MAX);
    return OK;
}

static void put_rate(json_t *body, uint64_t fee_rate)
{
    if (fee_rate > 0)
        json_object_set_new(body, "fee_rate", json_integer((json_int_t)fee_rate));
}

/* --- minting ---------------------------------------------------------------------------------- */
/* Metadata: what people call it, and our label, which makes this mint findable and its id its own. */
static const char *metadata(struct network_call *call, const struct network_write *write, const char *label)
{
    struct buffer text CLEANUP(buffer_close) = { 0 };
    struct writer w;

    writer_init(&w, &text);
    writer_object_begin(&w);
    if (write->title != NULL)
        writer_member_text(&w, "title", write->title);
    if (write->memo != NULL)
        writer_member_text(&w, "memo", write->memo);
    writer_member_text(&w, "layerd", label);
    writer_object_end(&w);
    return base64_text(call->arena, text.data, text.size);
}

static enum status prepare_mint(struct network_call *call, const struct network_write *write,
                                struct network_prepared *prepared)
{
    uint64_t amount, fee_rate;
    json_t *asset, *body;

    if (write->symbol == NULL || write->symbol[0] == '\0' || strlen(write->symbol) > NAME_MAX_BYTES)
        return error_set(&call->error, ERROR_INVALID_PARAMS, "the symbol is to have 1 … %d bytes",
                         NAME_MAX_BYTES);
    if (write->decimals > DECIMALS_MAX)
        return error_set(&call->error, ERROR_INVALID_PARAMS, "at most %d decimals", DECIMALS_MAX);
    if (write->amount == NULL || !decimal_parse(write->amount, &amount) || amount < 1)
        return error_set(&call->error, ERROR_INVALID_PARAMS, "the supply is to be 1 … 2^63−1, digits alone");
    TRY(read_options(call, write, &fee_rate));
    prepared->label = label_for(call);
    asset = json_pack("{s:s, s:s, s:s, s:{s:s, s:s}, s:s, s:i, s:b}", "asset_version", "ASSET_VERSION_V0",
                      "asset_type", "NORMAL", "name", write->symbol, "asset_meta", "data",
                      metadata(call, write, prepared->label), "type", "META_TYPE_JSON", "amount",
                      write->amount, "decimal_display", (int)write->decimals, "new_grouped_asset", 0);
    body = json_pack("{s:o, s:b}", "asset", asset, "short_response", 1);
    if (body == NULL)
        return error_set(&call->error, ERROR_INVALID_PARAMS, "the symbol is no text");
    put_rate(body, fee_rate); /* goes to mint/finalize */
    keep(call, body, prepared);
    return OK;
}

/* tapd has one batch for all who use it: finalizing ours would finalize theirs, and cancelling too. */
static enum status check_alone(struct tapd *tapd, struct network_call *call, const char *label, bool *alone)
{
    json_t *answer AUTO_JSON = NULL;
    const json_t *batches;

    *alone = true;
    TRY(tapd_get(tapd, call, TAPD_BATCHES, &answer, NULL));
    if (!reply_list(answer, "batches", &batches))
        return tapd_protocol_error(tapd, call, "mint/batches", "batches");
    for (size_t i = 0; i < json_array_size(batches); i++) {
        const char *state;

        if (reply_text(reply_object(json_array_get(batches, i), "batch"), "state", &state) &&
            strcmp(state, "BATCH_STATE_PENDING") == 0)
            *alone = false;
    }
    if (!*alone) {
        struct tapd_found found;

        TRY(tapd_find_mint(tapd, call, label, NULL, &found));
        *alone = found.staged && found.companions == 0;
    }
    return OK;
}

static enum status reject(struct network_call *call, struct network_sent *sent, const char *reason)
{
    *sent = (struct network_sent){ .outcome = SEND_REJECTED,
                                   .reason = arena_text(call->arena, reason, strlen(reason)) };
    return OK;
}

static enum status doubt(struct network_call *call, struct network_sent *sent)
{
    *sent = (struct network_sent){
        .outcome = SEND_AMBIGUOUS,
        .reason = arena_text(call->arena, call->error.message, strlen(call->error.message)) };
    return OK;
}

static bool may_have_happened(enum status status)
{
    return status == ERROR_NETWORK_AMBIGUOUS || status == ERROR_NETWORK_TIMEOUT ||
           status == ERROR_NETWORK_CANCELLED || status == ERROR_NETWORK_SERVER ||
           status == ERROR_NETWORK_PROTOCOL || status == ERROR_NETWORK_TOO_LARGE;
}

/* tapd would not finalize: our asset must not stay behind, to be minted with somebody's next batch. */
static enum status take_back(struct tapd *tapd, struct network_call *call, const char *reason,
                             struct network_sent *sent)
{
    json_t *answer AUTO_JSON = NULL;

    if (tapd_post(tapd, call, TAPD_PATH "/assets/mint/cancel", json_object(), true, &answer, NULL) != OK)
        return doubt(call, sent);
    return reject(call, sent, reason);
}

static enum status finalize(struct tapd *tapd, struct network_call *call, const char *label,
                            uint64_t fee_rate, struct network_sent *sent)
{
    json_t *answer AUTO_JSON = NULL, *body = json_pack("{s:b}", "short_response", 1);
    struct tapd_found found;
    enum status status;

    put_rate(body, fee_rate);
    status = tapd_post(tapd, call, TAPD_PATH "/assets/mint/finalize", body, true, &answer, NULL);
    if (status != OK && status != ERROR_NETWORK_REJECTED)
        return may_have_happened(status) ? doubt(call, sent) : status;
    if (status == ERROR_NETWORK_REJECTED) {
        const char *reason = arena_text(call->arena, call->error.message, strlen(call->error.message));

        if (tapd_find_mint(tapd, call, label, NULL, &found) != OK)
            return doubt(call, sent);
        if (found.staged)
            return take_back(tapd, call, reason, sent);
        if (!found.found || found.state == TRANSACTION_FAILED)
            return reject(call, sent, reason);
    } else if (tapd_find_mint(tapd, call, label, NULL, &found) != OK || !found.found) {
        return doubt(call, sent);
    }
    *sent = (struct network_sent){ .outcome = SEND_ACCEPTED, .transaction = found.transaction,
                                   .asset = found.asset };
    return OK;
}

/* Metadata are kept in base64; they go out in the form that the server takes. */
static enum status put_metadata(struct tapd *tapd, struct network_call *call, json_t *body)
{
    json_t *meta = json_object_get(json_object_get(body, "asset"), "asset_meta");
    struct bytes data;
    const char *text;

    if (!tapd_bytes(meta, "data", TAPD_META_MAX, call->arena, &data))
        return error_set(&call->error, ERROR_INVALID_PARAMS,
                         "what is kept of the write is not what was prepared");
    TRY(tapd_write_bytes(tapd, call, data.data, data.size, &text));
    json_object_set_new(meta, "data", json_string(text));
    return OK;
}

/* Two calls: staged in tapd's batch, then the batch finalized. Each is looked for before it is made. */
static enum status send_mint(struct tapd *tapd, struct network_call *call, json_t *body, const char *label,
                             struct network_sent *sent)
{
    json_t *answer AUTO_JSON = NULL;
    struct tapd_found found;
    uint64_t fee_rate = 0;
    enum status status;
    bool alone;

    TRY(tapd_find_mint(tapd, call, label, NULL, &found));
    if (found.found && !found.staged && found.state != TRANSACTION_FAILED) {
        *sent = (struct network_sent){ .outcome = SEND_ACCEPTED, .transaction = found.transaction,
                                       .asset = found.asset };
        return OK;
    }
    if (found.found && found.state == TRANSACTION_FAILED)
        return reject(call, sent, "its batch was cancelled");
    TRY(check_alone(tapd, call, label, &alone));
    if (!alone)
        return reject(call, sent,
                      "tapd has a batch with other assets that is not finalized: finalize or cancel "
                      "that one first");
    if (reply_number(body, "fee_rate", &fee_rate))
        json_object_del(body, "fee_rate");
    if (!found.found) {
        TRY(put_metadata(tapd, call, body));
        status = tapd_post(tapd, call, TAPD_PATH "/assets", json_incref(body), true, &answer, NULL);
        if (status == ERROR_NETWORK_REJECTED)
            return reject(call, sent, call->error.message);
        if (status != OK)
            return may_have_happened(status) ? doubt(call, sent) : status;
    }
    return finalize(tapd, call, label, fee_rate, sent);
}

/* --- sending ---------------------------------------------------------------------------------- */
static enum status read_amount(struct network_call *call, const char *text, uint64_t *amount)
{
    if (text == NULL || !decimal_parse(text, amount) || *amount < 1)
        return error_set(&call->error, ERROR_INVALID_PARAMS, "the amount is to be 1 … 2^63−1, digits alone");
    return OK;
}

/* tapd reads its own addresses; what it reads must be what is to be sent. *open: the address leaves the
 * amount to the sender, as those of version 2 may. */
static enum status check_address(struct tapd *tapd, struct network_call *call,
                                 const struct network_write *write, bool *open)
{
    json_t *answer AUTO_JSON = NULL;
    struct hash asset, its;
    uint64_t amount, asked;
    const char *text;

    TRY(tapd_asset(call, write->asset, &asset));
    TRY(read_amount(call, write->amount, &asked));
    TRY(tapd_post(tapd, call, TAPD_PATH "/addrs/decode", json_pack("{s:s}", "addr", write->to), false,
                  &answer, NULL));
    if (reply_text(answer, "group_key", &text) && text[0] != '\0' && reply_text(answer, "asset_id", &text) &&
        text[0] == '\0')
        return error_set(&call->error, ERROR_NETWORK_NOT_SUPPORTED,
                         "the address takes any asset of a group; only one asset is sent here");
    if (!tapd_fixed(answer, "asset_id", its.bytes, sizeof(its.bytes)) ||
        !reply_number(answer, "amount", &amount))
        return tapd_protocol_error(tapd, call, "addrs/decode", "asset_id or amount");
    if (!hash_equal(&asset, &its))
        return error_set(&call->error, ERROR_INVALID_PARAMS, "the address takes another asset: %s",
                         hex_in(call->arena, its.bytes, sizeof(its.bytes)));
    *open = amount == 0 && reply_text(answer, "address_version", &text) && strcmp(text, VERSION_OPEN) == 0;
    if (amount != asked && !*open)
        return error_set(&call->error, ERROR_INVALID_PARAMS, "the address takes %" PRIu64 ", not %" PRIu64,
                         amount, asked);
    return OK;
}

static bool is_address(const struct tapd *tapd, const char *text)
{
    size_t prefix = strlen(tapd->chain->address);

    return strlen(text) <= ADDRESS_MAX && strncmp(text, tapd->chain->address, prefix) == 0 &&
           text[prefix] == '1' && strspn(text, BECH32_LETTERS) == strlen(text);
}

static enum status prepare_transfer(struct tapd *tapd, struct network_call *call,
                                    const struct network_write *write, struct network_prepared *prepared)
{
    uint64_t fee_rate;
    json_t *body;
    bool open;

    if (write->asset == NULL)
        return error_set(&call->error, ERROR_NETWORK_NOT_SUPPORTED,
                         "bitcoin itself is moved by the networks lightning and lnd; name an asset");
    if (write->to == NULL || !is_address(tapd, write->to))
        return error_set(&call->error, ERROR_INVALID_PARAMS, "'to' is to be an address %s1… of this chain",
                         tapd->chain->address);
    TRY(read_options(call, write, &fee_rate));
    TRY(check_address(tapd, call, write, &open));
    prepared->label = label_for(call);
    if (open)
        body = json_pack("{s:[{s:s, s:s}], s:s}", "addresses_with_amounts", "tap_addr", write->to, "amount",
                         write->amount, "label", prepared->label);
    else
        body = json_pack("{s:[s], s:s}", "tap_addrs", write->to, "label", prepared->label);
    put_rate(body, fee_rate);
    keep(call, body, prepared);
    return OK;
}

static enum status accept_transfer(struct network_sent *sent, const struct tapd_found *found)
{
    *sent = (struct network_sent){ .outcome = SEND_ACCEPTED, .transaction = found->transaction,
                                   .asset = found->asset };
    return OK;
}

static enum status send_transfer(struct tapd *tapd, struct network_call *call, json_t *body,
                                 const char *label, struct network_sent *sent)
{
    json_t *answer AUTO_JSON = NULL;
    struct tapd_found found;
    enum status status;

    TRY(tapd_find_transfer(tapd, call, label, NULL, &found));
    if (found.found)
        return accept_transfer(sent, &found);
    status = tapd_post(tapd, call, TAPD_PATH "/send", json_incref(body), true, &answer, NULL);
    if (status == ERROR_NETWORK_REJECTED) {
        const char *reason = arena_text(call->arena, call->error.message, strlen(call->error.message));

        /* it may refuse after it has sent, and what it has sent stands in its list */
        if (tapd_find_transfer(tapd, call, label, NULL, &found) != OK)
            return doubt(call, sent);
        return found.found ? accept_transfer(sent, &found) : reject(call, sent, reason);
    }
    if (status != OK)
        return may_have_happened(status) ? doubt(call, sent) : status;
    if (tapd_read_transfer(tapd, call, reply_object(answer, "transfer"), &found) != OK)
        return doubt(call, sent);
    return accept_transfer(sent, &found);
}

/* --- being paid ------------------------------------------------------------------------------- */
/* No write, for it may be asked for again: a second one is another address of the same wallet, and does no
 * harm. */
enum status tapd_request_payment(void *client, struct network_call *call,
                                 const struct network_payment_request *request,
                                 struct network_payable *payable)
{
    struct tapd *tapd = client;
    json_t *answer AUTO_JSON = NULL;
    struct hash asset, its;
    uint64_t asked, amount;
    const char *id, *address;

    if (request->asset == NULL)
        return error_set(&call->error, ERROR_NETWORK_NOT_SUPPORTED,
                         "bitcoin itself is asked for by the networks lightning and lnd; name an asset");
    if (request->memo != NULL || request->has_expiry)
        return error_set(&call->error, ERROR_INVALID_PARAMS,
                         "an address of Taproot Assets has no memo and does not expire");
    TRY(tapd_asset(call, request->asset, &asset));
    TRY(read_amount(call, request->amount, &asked));
    TRY(tapd_write_bytes(tapd, call, asset.bytes, sizeof(asset.bytes), &id));
    TRY(tapd_post(tapd, call, TAPD_PATH "/addrs",
                  json_pack("{s:s, s:s}", "asset_id", id, "amt", format_in(call->arena, "%" PRIu64, asked)),
                  false, &answer, NULL));
    if (!reply_text(answer, "encoded", &address) || !is_address(tapd, address))
        return tapd_protocol_error(tapd, call, "addrs", "encoded");
    if (!tapd_fixed(answer, "asset_id", its.bytes, sizeof(its.bytes)) || !hash_equal(&asset, &its))
        return tapd_protocol_error(tapd, call, "addrs", "asset_id");
    if (!reply_number(answer, "amount", &amount) || amount != asked)
        return tapd_protocol_error(tapd, call, "addrs", "amount");
    *payable = (struct network_payable){ .address = arena_text(call->arena, address, strlen(address)) };
    return OK;
}

/* --- the interface ---------------------------------------------------------------------------- */
enum status tapd_prepare(void *client, struct network_call *call, const struct network_write *write,
                         struct network_prepared *prepared)
{
    struct network_prepared made = { 0 };

    switch (write->kind) {
    case WRITE_SUBMIT:
        return error_set(&call->error, ERROR_NETWORK_NOT_SUPPORTED, "tapd takes no finished transactions");
    case WRITE_ISSUE:
        TRY(prepare_mint(call, write, &made));
        break;
    case WRITE_TRANSFER:
        TRY(prepare_transfer(client, call, write, &made));
        break;
    }
    *prepared = made;
    return OK;
}

enum status tapd_send(void *client, struct network_call *call, const struct network_prepared *prepared,
                      struct network_sent *sent)
{
    json_t *body AUTO_JSON = NULL;

    if (prepared->label == NULL ||
        json_parse((const char *)prepared->raw.data, prepared->raw.size, &body, NULL) != OK)
        return error_set(&call->error, ERROR_INVALID_PARAMS,
                         "what is kept of the write is not what was prepared");
    if (json_object_get(body, "asset") != NULL)
        return send_mint(client, call, body, prepared->label, sent);
    return send_transfer(client, call, body, prepared->label, sent);
}
