/* tapd over REST: the link, its state, claims about it, the universe. */
#include "network/taproot/tapd.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "network/lightning/client.h"
#include "network/lightning/reply.h"
#include "network/taproot/taproot.h"

#define URL_MAX 1024
#define PATH_MAX_TEXT 1024
#define UNIVERSE_MAX 256
#define BODY_MAX ((uint64_t)64 << 20) /* lists of transfers carry their proofs */
#define BALANCES_SHOWN 100

/* Limits of work: Bitcoin's chain parameters. Prefixes: taproot-assets' address/params.go. */
static const struct tapd_chain chains[] = {
    { "bitcoin", "mainnet", "tapbc", 0x1d00ffff },  { "testnet", "testnet", "taptb", 0x1d00ffff },
    { "testnet4", "testnet4", "taptb", 0x1d00ffff }, { "signet", "signet", "taptb", 0x1e0377ae },
    { "regtest", "regtest", "taprt", 0x207fffff },  { "simnet", "simnet", "tapsb", 0x207fffff },
};

/* --- options ---------------------------------------------------------------------------------- */
struct tapd_options {
    const char *url, *macaroon_file, *certificate_file, *chain, *universe;
    uint64_t connections;
};

static const struct param tapd_params[] = {
    PARAM(struct tapd_options, url, TEXT, REQUIRED, "https://host:port of tapd's REST listener",
          .most = URL_MAX),
    PARAM(struct tapd_options, macaroon_file, TEXT, REQUIRED,
          "path of a macaroon, mode 0600, or credential:NAME; bake one with no more rights than are used",
          .most = PATH_MAX_TEXT),
    PARAM(struct tapd_options, certificate_file, TEXT, OPTIONAL,
          "path of tapd's tls.cert: the one certificate that is trusted; by default the system's authorities",
          .most = PATH_MAX_TEXT),
    PARAM(struct tapd_options, chain, CHOICE, OPTIONAL,
          "the server's network; by default bitcoin on main, testnet on test, regtest on dev",
          .choices = lightning_chain_names),
    PARAM(struct tapd_options, universe, TEXT, OPTIONAL, "host:port of a universe that sync_state asks",
          .most = UNIVERSE_MAX),
    CONNECTIONS_PARAM(struct tapd_options),
};

static enum status tapd_initialize(const struct network_setup *setup, void **out, struct error *error)
{
    const struct tapd_options *o = setup->options;
    const char *name = o->chain != NULL ? o->chain : lightning_chain_default(setup->network);
    struct endpoint_options options = { .url = o->url,
                                        .name = setup->link,
                                        .credential = CREDENTIAL_HEADER_HEX,
                                        .credential_file = o->macaroon_file,
                                        .header = "Grpc-Metadata-macaroon",
                                        .ca_file = o->certificate_file,
                                        .body_max = BODY_MAX,
                                        .connections_max = o->connections };
    const struct tapd_chain *chain = NULL;
    struct endpoint *endpoint;
    struct tapd *tapd;

    if (strncmp(o->url, "https://", strlen("https://")) != 0)
        return error_set(error, ERROR_NETWORK_OPTIONS,
                         "url is to begin with https://: the macaroon is a secret");
    for (size_t i = 0; i < COUNT_OF(chains); i++) {
        if (strcmp(chains[i].name, name) == 0)
            chain = &chains[i];
    }
    if (chain == NULL)
        return error_set(error, ERROR_NETWORK_OPTIONS, "there is no chain '%s'", name);
    TRY(endpoint_open(setup->transport, &options, &endpoint, error));
    tapd = memory_new(sizeof(*tapd));
    *tapd = (struct tapd){ .endpoint = endpoint, .chain = chain, .universe = text_copy(o->universe) };
    *out = tapd;
    return OK;
}

static void tapd_release(void *client)
{
    struct tapd *tapd = client;

    if (tapd == NULL)
        return;
    endpoint_close(tapd->endpoint);
    free(tapd->universe);
    free(tapd);
}

static void tapd_describe(const void *client, struct writer *w)
{
    const struct tapd *tapd = client;

    writer_object_begin(w);
    writer_member_text(w, "endpoint", endpoint_label(tapd->endpoint));
    writer_member_text(w, "chain", tapd->chain->name);
    writer_member_text(w, "universe", tapd->universe);
    writer_object_end(w);
}

static bool tapd_measure(const void *client, struct endpoint_metrics *metrics)
{
    const struct tapd *tapd = client;

    endpoint_measure(tapd->endpoint, metrics);
    return true;
}

static bool tapd_capable(const void *client, enum network_operation operation, const char **reason)
{
    const struct tapd *tapd = client;

    switch (operation) {
    case NETWORK_SUBMIT_TRANSACTION:
        *reason = "tapd takes no finished transactions: it builds what it anchors; use transfer_asset";
        return false;
    case NETWORK_ESTIMATE_FEES:
        *reason = "tapd estimates no fees; the LND under it does (network lnd)";
        return false;
    case NETWORK_SYNC_STATE:
        if (tapd->universe == NULL)
            *reason = "the link names no universe";
        return tapd->universe != NULL;
    case NETWORK_CONNECT: case NETWORK_DISCONNECT: case NETWORK_HEALTH_CHECK: case NETWORK_GET_STATE:
    case NETWORK_VALIDATE_STATE: case NETWORK_CHECK_TRANSACTION_STATUS: case NETWORK_GET_TRANSACTION_HISTORY:
    case NETWORK_ISSUE_ASSET: case NETWORK_TRANSFER_ASSET: case NETWORK_VERIFY_PROOF:
    case NETWORK_GENERATE_PROOF: case NETWORK_REQUEST_PAYMENT: case NETWORK_OPERATIONS:
        break;
    }
    return operation < NETWORK_OPERATIONS;
}

/* --- calling ---------------------------------------------------------------------------------- */
enum status tapd_get(struct tapd *tapd, struct network_call *call, const char *path, json_t **reply,
                     struct rest_refusal *refusal)
{
    struct rest_request request = { .method = "GET", .path = path };

    return rest_call(tapd->endpoint, &request, &call->waiting, reply, refusal, &call->error);
}

enum status tapd_post(struct tapd *tapd, struct network_call *call, const char *path, json_t *body,
                      bool write, json_t **reply, struct rest_refusal *refusal)
{
    struct rest_request request = { .method = "POST", .path = path, .body = body, .write = write };

    return rest_call(tapd->endpoint, &request, &call->waiting, reply, refusal, &call->error);
}

enum status tapd_protocol_error(struct tapd *tapd, struct network_call *call, const char *question,
                                const char *member)
{
    endpoint_blame(tapd->endpoint);
    return error_set(&call->error, ERROR_NETWORK_PROTOCOL, "the server's answer to %s has no good '%s'",
                     question, member);
}

enum status tapd_asset(struct network_call *call, const char *text, struct hash *asset)
{
    if (text == NULL || !hex_decode(asset->bytes, sizeof(asset->bytes), text, strlen(text)))
        return error_set(&call->error, ERROR_INVALID_PARAMS, "an asset is named by its id: 64 hex digits");
    return OK;
}

/* --- the server ------------------------------------------------------------------------------- */
struct tapd_info { const char *version, *lnd_version, *node, *tip; uint64_t height; bool synced; };

static enum status get_info(struct tapd *tapd, struct network_call *call, json_t **answer,
                            struct tapd_info *info)
{
    struct tapd_info told = { 0 };
    const char *network;

    TRY(tapd_get(tapd, call, TAPD_PATH "/getinfo", answer, NULL));
    if (!reply_text(*answer, "version", &told.version) ||
        !reply_text(*answer, "lnd_version", &told.lnd_version))
        return tapd_protocol_error(tapd, call, "getinfo", "version");
    if (!reply_text(*answer, "network", &network))
        return tapd_protocol_error(tapd, call, "getinfo", "network");
    if (!reply_number(*answer, "block_height", &told.height) || !reply_text(*answer, "block_hash", &told.tip))
        return tapd_protocol_error(tapd, call, "getinfo", "block_height or block_hash");
    if (!reply_flag(*answer, "sync_to_chain", &told.synced))
        return tapd_protocol_error(tapd, call, "getinfo", "sync_to_chain");
    if (!reply_text(*answer, "lnd_identity_pubkey", &told.node))
        told.node = NULL;
    if (strcmp(network, tapd->chain->network) != 0)
        return error_set(&call->error, ERROR_NETWORK_WRONG_CHAIN,
                         "the server is on '%.40s'; the link says '%s'", network, tapd->chain->name);
    *info = told;
    return OK;
}

static const char *kept(struct network_call *call, const char *text)
{
    return text == NULL ? NULL : arena_text(call->arena, text, strlen(text));
}

static enum status tapd_connect(void *client, struct network_call *call, struct network_greeting *greeting)
{
    struct tapd *tapd = client;
    json_t *answer AUTO_JSON = NULL;
    struct buffer text CLEANUP(buffer_close) = { 0 };
    struct tapd_info info;
    struct writer w;

    tapd_forget_form(tapd);
    TRY(get_info(tapd, call, &answer, &info));
    writer_init(&w, &text);
    writer_object_begin(&w);
    writer_member_text(&w, "lnd_version", info.lnd_version);
    writer_member_unsigned(&w, "height", info.height);
    writer_member_boolean(&w, "synced", info.synced);
    writer_object_end(&w);
    *greeting =
        (struct network_greeting){ .chain = tapd->chain->name,
                                   .version = kept(call, info.version),
                                   .account = kept(call, info.node),
                                   .details = arena_text(call->arena, (const char *)text.data, text.size) };
    return OK;
}

static enum status tapd_disconnect(void *client, struct network_call *call)
{
    (void)client;
    (void)call;
    return OK; /* every exchange stands for itself */
}

enum status tapd_health_check(void *client, struct network_call *call, struct network_state *state)
{
    json_t *answer AUTO_JSON = NULL;
    struct tapd_info info;

    TRY(get_info(client, call, &answer, &info));
    *state = (struct network_state){ .synced = info.synced, .has_height = true, .height = info.height,
                                     .tip = kept(call, info.tip) };
    return OK;
}

static enum status write_balances(struct tapd *tapd, struct network_call *call, struct writer *w)
{
    json_t *answer AUTO_JSON = NULL;
    const json_t *balances;
    const char *id;
    json_t *entry;
    size_t shown = 0;

    TRY(tapd_get(tapd, call, TAPD_PATH "/assets/balance?asset_id=true", &answer, NULL));
    balances = json_object_get(answer, "asset_balances");
    if (balances != NULL && !json_is_object(balances))
        return tapd_protocol_error(tapd, call, "balance", "asset_balances");
    writer_member_unsigned(w, "asset_count", json_object_size(balances));
    writer_key(w, "assets");
    writer_array_begin(w);
    json_object_foreach((json_t *)balances, id, entry) {
        const char *name;
        uint64_t balance;
        struct hash asset;

        if (!hex_decode(asset.bytes, sizeof(asset.bytes), id, strlen(id)) ||
            !reply_number(entry, "balance", &balance) ||
            !reply_text(reply_object(entry, "asset_genesis"), "name", &name))
            return tapd_protocol_error(tapd, call, "balance", "asset_balances");
        if (shown++ >= BALANCES_SHOWN)
            continue;
        writer_object_begin(w);
        writer_member_text(w, "asset", id);
        writer_member_text(w, "name", name);
        writer_member_text(w, "balance", format_in(call->arena, "%" PRIu64, balance));
        writer_object_end(w);
    }
    writer_array_end(w);
    return OK;
}

static enum status tapd_get_state(void *client, struct network_call *call, struct network_state *state)
{
    struct buffer text CLEANUP(buffer_close) = { 0 };
    struct network_state told;
    struct writer w;

    TRY(tapd_health_check(client, call, &told));
    writer_init(&w, &text);
    writer_object_begin(&w);
    TRY(write_balances(client, call, &w));
    writer_object_end(&w);
    told.details = arena_text(call->arena, (const char *)text.data, text.size);
    *state = told;
    return OK;
}

/* --- the universe ----------------------------------------------------------------------------- */
static enum status tapd_sync_state(void *client, struct network_call *call,
                                   const struct network_position *position, struct network_sync *sync)
{
    struct tapd *tapd = client;
    json_t *answer AUTO_JSON = NULL;
    const json_t *synced;

    (void)position;
    if (tapd->universe == NULL)
        return error_set(&call->error, ERROR_NETWORK_NOT_SUPPORTED, "the link names no universe");
    TRY(tapd_post(tapd, call, TAPD_PATH "/universe/sync",
                  json_pack("{s:s, s:s}", "universe_host", tapd->universe, "sync_mode", "SYNC_FULL"), false,
                  &answer, NULL));
    if (!reply_list(answer, "synced_universes", &synced))
        return tapd_protocol_error(tapd, call, "universe/sync", "synced_universes");
    *sync = (struct network_sync){
        .details = format_in(call->arena, "{\"changed_universes\":%zu,\"checked_by\":\"tapd\"}",
                             json_array_size(synced)) };
    return OK;
}

/* --- claims ----------------------------------------------------------------------------------- */
static enum status by_the_server(struct network_verdict *verdict, bool holds, const char *reason)
{
    *verdict = (struct network_verdict){ .verdict = holds ? PROOF_VALID : PROOF_INVALID,
                                         .anchor = ANCHOR_NODE,
                                         .reason = reason };
    return OK;
}

/* What the server cannot be asked, or has nothing of. */
static enum status unknown_there(struct network_verdict *verdict, const char *reason)
{
    *verdict = (struct network_verdict){ .verdict = PROOF_UNVERIFIABLE, .anchor = ANCHOR_NONE,
                                         .reason = reason };
    return OK;
}

/* tapd tells its newest block alone: of any other it says neither yes nor no. */
static enum status check_block(struct tapd *tapd, struct network_call *call, const json_t *claim,
                               struct network_verdict *verdict)
{
    json_t *answer AUTO_JSON = NULL;
    struct tapd_info info;
    const char *hash;
    uint64_t height;

    if (!reply_number(claim, "height", &height) || !reply_text(claim, "hash", &hash) ||
        json_object_size(claim) != 3)
        return error_set(&call->error, ERROR_INVALID_PARAMS, "a claim of a block has type, height and hash");
    TRY(get_info(tapd, call, &answer, &info));
    if (info.height != height && strcmp(info.tip, hash) != 0)
        return unknown_there(
            verdict, format_in(call->arena, "tapd tells only its newest block, which is at %" PRIu64
                               "; of the block at %" PRIu64 " it says nothing", info.height, height));
    return by_the_server(
        verdict, info.height == height && strcmp(info.tip, hash) == 0,
        format_in(call->arena, "delegated: tapd's newest block is %.64s at %" PRIu64, info.tip, info.height));
}

/* Of an asset that it never saw tapd gives trees without a root. */
static bool has_root(const json_t *tree)
{
    const json_t *root = json_object_get(tree, "root_hash");

    return root != NULL && !json_is_null(root) && !(json_is_string(root) && json_string_length(root) == 0);
}

static enum status check_root(struct tapd *tapd, struct network_call *call, const json_t *claim,
                              struct network_verdict *verdict)
{
    static const char *const members[] = { "issuance_root", "transfer_root" };
    json_t *answer AUTO_JSON = NULL;
    struct hash asset, root, its;
    bool known = false;
    const char *id;

    if (!reply_text(claim, "asset", &id) || !reply_hex(claim, "root", root.bytes, sizeof(root.bytes)) ||
        json_object_size(claim) != 3)
        return error_set(&call->error, ERROR_INVALID_PARAMS,
                         "a claim of a universe's root has type, asset (id) and root (64 hex digits)");
    TRY(tapd_asset(call, id, &asset));
    TRY(tapd_get(tapd, call,
                 format_in(call->arena, TAPD_PATH "/universe/roots/asset-id/%s",
                           hex_in(call->arena, asset.bytes, sizeof(asset.bytes))),
                 &answer, NULL));
    for (size_t i = 0; i < COUNT_OF(members); i++) {
        const json_t *tree = reply_object(reply_object(answer, members[i]), "mssmt_root");

        if (!has_root(tree))
            continue;
        if (!tapd_fixed(tree, "root_hash", its.bytes, sizeof(its.bytes)))
            return tapd_protocol_error(tapd, call, "universe/roots", "root_hash");
        if (hash_equal(&its, &root))
            return by_the_server(verdict, true, "delegated: tapd's own universe has this root");
        known = true;
    }
    if (!known)
        return unknown_there(verdict, "tapd's own universe has nothing of this asset");
    return by_the_server(verdict, false, "delegated: tapd's own universe has another root for this asset");
}

static enum status tapd_validate_state(void *client, struct network_call *call, const char *claim,
                                       struct network_verdict *verdict)
{
    struct tapd *tapd = client;
    json_t *value AUTO_JSON = NULL;
    struct network_state state;
    const char *type;

    if (claim == NULL) {
        TRY(tapd_health_check(tapd, call, &state));
        return by_the_server(verdict, state.synced, state.synced
                             ? "delegated: tapd calls itself synchronized with its chain"
                             : "delegated: tapd says that it is behind its chain");
    }
    TRY(json_parse(claim, strlen(claim), &value, &call->error));
    if (!reply_text(value, "type", &type))
        return error_set(&call->error, ERROR_INVALID_PARAMS, "a claim is an object with a type");
    if (strcmp(type, "block") == 0)
        return check_block(tapd, call, value, verdict);
    if (strcmp(type, "universe_root") == 0)
        return check_root(tapd, call, value, verdict);
    return error_set(&call->error, ERROR_INVALID_PARAMS, "'%.40s' is no claim that is known here: block, "
                     "universe_root", type);
}

const struct network taproot_assets_network = {
    .name = "taproot-assets",
    .help = "Taproot Assets through tapd's REST listener: mint, send, and verify proofs.",
    .options = tapd_params,
    .option_count = COUNT_OF(tapd_params),
    .options_size = sizeof(struct tapd_options),
    .initialize = tapd_initialize,
    .release = tapd_release,
    .describe = tapd_describe, .measure = tapd_measure,
    .capable = tapd_capable,
    .connect = tapd_connect,
    .disconnect = tapd_disconnect,
    .health_check = tapd_health_check,
    .get_state = tapd_get_state,
    .sync_state = tapd_sync_state,
    .validate_state = tapd_validate_state,
    .check_transaction_status = tapd_check_status,
    .get_transaction_history = tapd_history,
    .writes = 1u << WRITE_ISSUE | 1u << WRITE_TRANSFER,
    .prepare = tapd_prepare,
    .send = tapd_send,
    .verify_proof = tapd_verify_proof,
    .generate_proof = tapd_generate_proof,
    .request_payment = tapd_request_payment,
};
