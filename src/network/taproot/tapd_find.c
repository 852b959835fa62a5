/* tapd: finding what we have asked for. A mint carries our label in its metadata, a transfer as its label, so
 * that both are found whether or not an answer came back. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "network/lightning/reply.h"
#include "network/taproot/anchor.h"
#include "network/taproot/tapd.h"

#define DEPTH_FINAL 6
#define LABEL_MEMBER "layerd"
#define TXID_ZERO "0000000000000000000000000000000000000000000000000000000000000000"

/* --- mints ------------------------------------------------------------------------------------ */
static const struct { const char *name; enum transaction_state state; const char *reason; } batch_states[] = {
    { "BATCH_STATE_PENDING", TRANSACTION_UNKNOWN, "staged in a batch that is not finalized" },
    { "BATCH_STATE_FROZEN", TRANSACTION_PENDING, NULL },
    { "BATCH_STATE_COMMITTED", TRANSACTION_PENDING, NULL },
    { "BATCH_STATE_BROADCAST", TRANSACTION_PENDING, NULL },
    { "BATCH_STATE_CONFIRMED", TRANSACTION_CONFIRMED, NULL },
    { "BATCH_STATE_FINALIZED", TRANSACTION_CONFIRMED, NULL },
    { "BATCH_STATE_SEEDLING_CANCELLED", TRANSACTION_FAILED, "the batch was cancelled" },
    { "BATCH_STATE_SPROUT_CANCELLED", TRANSACTION_FAILED, "the batch was cancelled" },
};

/* Our label in an asset's metadata, which is a JSON object; NULL: it has none. */
static const char *label_of(struct network_call *call, const json_t *asset)
{
    json_t *meta AUTO_JSON = NULL;
    struct bytes data;
    const char *label;

    if (!tapd_bytes(reply_object(asset, "asset_meta"), "data", TAPD_META_MAX, call->arena, &data) ||
        json_parse((const char *)data.data, data.size, &meta, NULL) != OK ||
        !reply_text(meta, LABEL_MEMBER, &label))
        return NULL;
    return arena_text(call->arena, label, strlen(label));
}

static const json_t *assets_of(const json_t *verbose, const json_t *batch)
{
    const json_t *assets = reply_array(batch, "assets");

    return json_array_size(assets) > 0 ? assets : reply_array(verbose, "unsealed_assets");
}

/* Assets that wait for their group's key stand one level deeper. */
static const json_t *asset_at(const json_t *assets, size_t i)
{
    const json_t *entry = json_array_get(assets, i), *inner = reply_object(entry, "asset");

    return inner != NULL ? inner : entry;
}

static enum status read_batch(struct tapd *tapd, struct network_call *call, const json_t *batch,
                              struct tapd_found *found)
{
    const char *state, *txid;
    bool known = false;

    for (size_t i = 0; reply_text(batch, "state", &state) && i < COUNT_OF(batch_states); i++) {
        if (strcmp(batch_states[i].name, state) == 0) {
            found->state = batch_states[i].state;
            found->reason = batch_states[i].reason;
            found->staged = i == 0;
            known = true;
        }
    }
    if (!known)
        return tapd_protocol_error(tapd, call, "mint/batches", "state");
    if (reply_text(batch, "batch_txid", &txid) && strlen(txid) == 64 && strcmp(txid, TXID_ZERO) != 0)
        found->transaction = arena_text(call->arena, txid, strlen(txid));
    if (!reply_number(batch, "created_at", &found->time_s))
        found->time_s = 0;
    return OK;
}

static enum status read_mint(struct tapd *tapd, struct network_call *call, const json_t *batch,
                             const json_t *asset, struct tapd_found *found)
{
    struct tapd_found told = { .found = true };
    const char *name;
    uint64_t amount;

    TRY(read_batch(tapd, call, batch, &told));
    told.label = label_of(call, asset);
    if (reply_text(asset, "name", &name))
        told.name = arena_text(call->arena, name, strlen(name));
    if (reply_number(asset, "amount", &amount))
        told.amount = format_in(call->arena, "%" PRIu64, amount);
    *found = told;
    return OK;
}

static enum status get_batches(struct tapd *tapd, struct network_call *call, json_t **answer,
                               const json_t **batches)
{
    TRY(tapd_get(tapd, call, TAPD_BATCHES, answer, NULL));
    if (!reply_list(*answer, "batches", batches) || json_array_size(*batches) > TAPD_ENTRIES_MAX)
        return tapd_protocol_error(tapd, call, "mint/batches", "batches");
    return OK;
}

/* The id of an asset that was minted in this transaction under this name. */
static enum status find_asset_id(struct tapd *tapd, struct network_call *call, struct tapd_found *found)
{
    json_t *answer AUTO_JSON = NULL;
    const json_t *assets;

    TRY(tapd_get(tapd, call, TAPD_PATH "/assets?include_unconfirmed_mints=true&include_spent=true", &answer,
                 NULL));
    if (!reply_list(answer, "assets", &assets) || json_array_size(assets) > TAPD_ENTRIES_MAX)
        return tapd_protocol_error(tapd, call, "assets", "assets");
    for (size_t i = 0; i < json_array_size(assets); i++) {
        const json_t *asset = json_array_get(assets, i), *genesis = reply_object(asset, "asset_genesis");
        const char *name, *outpoint;
        struct hash id;

        if (!reply_text(genesis, "name", &name) || strcmp(name, found->name) != 0 ||
            !reply_text(reply_object(asset, "chain_anchor"), "anchor_outpoint", &outpoint) ||
            strncmp(outpoint, found->transaction, 64) != 0)
            continue;
        if (!tapd_fixed(genesis, "asset_id", id.bytes, sizeof(id.bytes)))
            return tapd_protocol_error(tapd, call, "assets", "asset_id");
        found->asset = hex_in(call->arena, id.bytes, sizeof(id.bytes));
        if (reply_number(reply_object(asset, "chain_anchor"), "block_height", &found->height) &&
            found->height > 0)
            found->has_height = true;
    }
    return OK;
}

enum status tapd_find_mint(struct tapd *tapd, struct network_call *call, const char *label,
                           const char *transaction, struct tapd_found *found)
{
    json_t *answer AUTO_JSON = NULL;
    const json_t *batches;
    struct tapd_found best = { 0 };

    TRY(get_batches(tapd, call, &answer, &batches));
    for (size_t i = 0; i < json_array_size(batches); i++) {
        const json_t *verbose = json_array_get(batches, i), *batch = reply_object(verbose, "batch");
        const json_t *assets = assets_of(verbose, batch);

        for (size_t j = 0; j < json_array_size(assets); j++) {
            struct tapd_found one;

            TRY(read_mint(tapd, call, batch, asset_at(assets, j), &one));
            if (label != NULL ? one.label == NULL || strcmp(one.label, label) != 0
                              : one.transaction == NULL || strcmp(one.transaction, transaction) != 0)
                continue;
            one.companions = json_array_size(assets) - 1;
            if (!best.found || best.state == TRANSACTION_FAILED) /* an earlier try may have been cancelled */
                best = one;
        }
    }
    if (best.found && best.transaction != NULL && best.name != NULL && best.state != TRANSACTION_FAILED)
        TRY(find_asset_id(tapd, call, &best));
    *found = best;
    return OK;
}

/* --- transfers -------------------------------------------------------------------------------- */
/* Whether every output's proof is where it belongs. */
static bool is_delivered(const json_t *outputs)
{
    for (size_t i = 0; i < json_array_size(outputs); i++) {
        const char *status;

        if (!reply_text(json_array_get(outputs, i), "proof_delivery_status", &status) ||
            (strcmp(status, "PROOF_DELIVERY_STATUS_COMPLETE") != 0 &&
             strcmp(status, "PROOF_DELIVERY_STATUS_NOT_APPLICABLE") != 0))
            return false;
    }
    return true;
}

static bool is_in_a_block(const json_t *entry, struct tapd_found *found)
{
    const char *hash;

    if (reply_number(entry, "anchor_tx_block_height", &found->height) && found->height > 0)
        found->has_height = true;
    return found->has_height || (reply_text(reply_object(entry, "anchor_tx_block_hash"), "hash_str", &hash) &&
                                 hash[0] != '\0');
}

/* The id that the server gives is that of the transaction that it gives, if it gives one. */
static bool matches_transaction(struct network_call *call, const json_t *entry, const struct hash *txid)
{
    struct anchor_transaction transaction;
    struct bytes raw;

    if (json_object_get(entry, "anchor_tx") == NULL ||
        (tapd_bytes(entry, "anchor_tx", 4000000, call->arena, &raw) && raw.size == 0))
        return true; /* before 0.6 there is none */
    return tapd_bytes(entry, "anchor_tx", 4000000, call->arena, &raw) &&
           anchor_transaction_parse(raw, &transaction) && hash_equal(&transaction.txid, txid);
}

enum status tapd_read_transfer(struct tapd *tapd, struct network_call *call, const json_t *entry,
                               struct tapd_found *found)
{
    struct tapd_found told = { .found = true, .state = TRANSACTION_PENDING };
    const json_t *outputs, *inputs;
    struct hash txid, asset;
    const char *label;
    char text[65];

    if (!tapd_fixed(entry, "anchor_tx_hash", txid.bytes, sizeof(txid.bytes)) ||
        !matches_transaction(call, entry, &txid))
        return tapd_protocol_error(tapd, call, "transfers", "anchor_tx_hash");
    if (!reply_list(entry, "outputs", &outputs) || !reply_list(entry, "inputs", &inputs))
        return tapd_protocol_error(tapd, call, "transfers", "outputs or inputs");
    anchor_hash_text(text, &txid);
    told.transaction = arena_text(call->arena, text, 64);
    if (reply_text(entry, "label", &label) && label[0] != '\0')
        told.label = arena_text(call->arena, label, strlen(label));
    if (tapd_fixed(json_array_get(inputs, 0), "asset_id", asset.bytes, sizeof(asset.bytes)))
        told.asset = hex_in(call->arena, asset.bytes, sizeof(asset.bytes));
    if (!reply_number(entry, "transfer_timestamp", &told.time_s))
        told.time_s = 0;
    if (!is_in_a_block(entry, &told))
        told.reason = "its transaction is not in a block yet";
    else if (!is_delivered(outputs))
        told.reason = "it is in a block; its proofs are not delivered yet";
    else
        told.state = TRANSACTION_CONFIRMED;
    *found = told;
    return OK;
}

static enum status get_transfers(struct tapd *tapd, struct network_call *call, json_t **answer,
                                 const json_t **transfers)
{
    TRY(tapd_get(tapd, call, TAPD_PATH "/assets/transfers", answer, NULL));
    if (!reply_list(*answer, "transfers", transfers) || json_array_size(*transfers) > TAPD_ENTRIES_MAX)
        return tapd_protocol_error(tapd, call, "transfers", "transfers");
    return OK;
}

enum status tapd_find_transfer(struct tapd *tapd, struct network_call *call, const char *label,
                               const char *transaction, struct tapd_found *found)
{
    json_t *answer AUTO_JSON = NULL;
    const json_t *transfers;

    *found = (struct tapd_found){ 0 };
    TRY(get_transfers(tapd, call, &answer, &transfers));
    for (size_t i = 0; i < json_array_size(transfers); i++) {
        struct tapd_found one;

        TRY(tapd_read_transfer(tapd, call, json_array_get(transfers, i), &one));
        if (label != NULL ? one.label != NULL && strcmp(one.label, label) == 0
                          : strcmp(one.transaction, transaction) == 0) {
            *found = one;
            return OK;
        }
    }
    return OK;
}

/* --- the interface ---------------------------------------------------------------------------- */
/* tapd watches for reorganizations until a block is six deep (its reorgsafedepth), and so do we. */
static enum status judge_depth(struct tapd *tapd, struct network_call *call, struct network_status *status)
{
    struct network_state state;

    status->finality = FINALITY_FINAL; /* where it tells no height, its word has to do */
    if (!status->has_height)
        return OK;
    TRY(tapd_health_check(tapd, call, &state));
    status->has_confirmations = state.height >= status->height;
    status->confirmations = status->has_confirmations ? state.height - status->height + 1 : 0;
    if (status->confirmations < DEPTH_FINAL)
        status->finality = FINALITY_SAFE;
    return OK;
}

enum status tapd_check_status(void *client, struct network_call *call, const struct network_prepared *which,
                              struct network_status *status)
{
    struct tapd_found found = { 0 };

    if (which->label == NULL && which->transaction == NULL)
        return error_set(&call->error, ERROR_INVALID_PARAMS, "neither a label nor a transaction to look for");
    TRY(tapd_find_transfer(client, call, which->label, which->transaction, &found));
    if (!found.found)
        TRY(tapd_find_mint(client, call, which->label, which->transaction, &found));
    *status = (struct network_status){
        .state = found.found ? found.state : TRANSACTION_UNKNOWN,
        .reason = found.found ? found.reason : "tapd has neither a transfer nor a mint of this name",
        .asset = found.asset, .has_height = found.has_height, .height = found.height };
    if (status->state == TRANSACTION_CONFIRMED)
        TRY(judge_depth(client, call, status));
    if (found.transaction != NULL)
        status->details = format_in(call->arena, "{\"transaction\":\"%s\"}", found.transaction);
    return OK;
}

/* --- history ---------------------------------------------------------------------------------- */
static int newest_first(const void *a, const void *b)
{
    const struct network_entry *x = a, *y = b;

    if (x->time_s != y->time_s)
        return x->time_s < y->time_s ? 1 : -1;
    return strcmp(x->transaction, y->transaction);
}

static struct network_entry entry_of(const struct tapd_found *found, const char *kind)
{
    return (struct network_entry){ .transaction = found->transaction, .kind = kind, .asset = found->asset,
                                   .amount = found->amount, .state = found->state, .height = found->height,
                                   .time_s = found->time_s };
}

static enum status add_mints(struct tapd *tapd, struct network_call *call, struct network_entry *entries,
                             size_t room, size_t *count, const json_t *batches)
{
    for (size_t i = 0; i < json_array_size(batches); i++) {
        const json_t *verbose = json_array_get(batches, i), *batch = reply_object(verbose, "batch");
        const json_t *assets = assets_of(verbose, batch);

        for (size_t j = 0; j < json_array_size(assets) && *count < room; j++) {
            struct tapd_found one;

            TRY(read_mint(tapd, call, batch, asset_at(assets, j), &one));
            if (one.transaction != NULL)
                entries[(*count)++] = entry_of(&one, "mint");
        }
    }
    return OK;
}

/* "1738000000.TXID": what comes behind that one goes on. */
static bool is_behind(const struct network_entry *entry, const struct network_entry *after)
{
    return newest_first(after, entry) < 0;
}

static bool read_cursor(struct network_call *call, const char *text, struct network_entry *after)
{
    const char *point = strchr(text, '.');

    if (point == NULL || strlen(point + 1) != 64)
        return false;
    after->transaction = point + 1;
    return decimal_parse(arena_text(call->arena, text, (size_t)(point - text)), &after->time_s);
}

static enum status gather(struct tapd *tapd, struct network_call *call, struct network_entry **entries,
                          size_t *count)
{
    json_t *answer AUTO_JSON = NULL, *mints AUTO_JSON = NULL;
    const json_t *transfers, *batches;
    size_t room;

    TRY(get_transfers(tapd, call, &answer, &transfers));
    TRY(get_batches(tapd, call, &mints, &batches));
    room = json_array_size(transfers) + TAPD_ENTRIES_MAX;
    if (json_array_size(batches) == 0)
        room = json_array_size(transfers) + 1;
    *entries = memory_array(room, sizeof(**entries));
    *count = 0;
    for (size_t i = 0; i < json_array_size(transfers); i++) {
        struct tapd_found one;

        TRY(tapd_read_transfer(tapd, call, json_array_get(transfers, i), &one));
        (*entries)[(*count)++] = entry_of(&one, "transfer");
    }
    return add_mints(tapd, call, *entries, room, count, batches);
}

enum status tapd_history(void *client, struct network_call *call, const char *after, size_t limit,
                         struct network_history *history)
{
    struct network_entry *entries AUTO_FREE = NULL, *shown, behind = { 0 };
    size_t count, first = 0;

    if (after != NULL && !read_cursor(call, after, &behind))
        return error_set(&call->error, ERROR_INVALID_PARAMS,
                         "'after' is not what a page before gave as 'next'");
    TRY(gather(client, call, &entries, &count));
    qsort(entries, count, sizeof(*entries), newest_first);
    while (after != NULL && first < count && !is_behind(&entries[first], &behind))
        first++;
    if (limit > count - first)
        limit = count - first;
    shown = arena_new(call->arena, (limit + 1) * sizeof(*shown));
    if (limit > 0)
        memcpy(shown, entries + first, limit * sizeof(*shown));
    *history = (struct network_history){ .count = limit, .entries = shown };
    if (limit > 0 && first + limit < count)
        history->next = format_in(call->arena, "%" PRIu64 ".%s", shown[limit - 1].time_s,
                                  shown[limit - 1].transaction);
    return OK;
}
