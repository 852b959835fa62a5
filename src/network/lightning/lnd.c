/* LND over REST: the link, its state, its fees. Calls and members are those of lnrpc's and routerrpc's
 * definitions, releases 0.15 to 0.21. */
#include "network/lightning/lnd.h"

#include <inttypes.h>
#include <string.h>

#include "base/json.h"
#include "network/lightning/lightning.h"
#include "network/lightning/reply.h"

#define URL_MAX 1024
#define PATH_MAX_TEXT 1024
#define CHANNELS_SHOWN 100
#define CHANNELS_MAX 20000
#define SATOSHI_MAX (LIGHTNING_AMOUNT_MAX / 1000)
#define KW_TO_KVB 4 /* a virtual byte weighs 4 */

/* --- options ---------------------------------------------------------------------------------- */
struct lnd_options {
    const char *url, *macaroon_file, *certificate_file, *chain;
    uint64_t patience, connections;
};

static const struct param lnd_params[] = {
    PARAM(struct lnd_options, url, TEXT, REQUIRED, "https://host:port of LND's REST listener",
          .most = URL_MAX),
    PARAM(struct lnd_options, macaroon_file, TEXT, REQUIRED,
          "path of a macaroon, mode 0600, or credential:NAME; bake one with no more rights than are used",
          .most = PATH_MAX_TEXT),
    PARAM(struct lnd_options, certificate_file, TEXT, OPTIONAL,
          "path of LND's tls.cert: the one certificate that is trusted; by default the system's authorities",
          .most = PATH_MAX_TEXT),
    PARAM(struct lnd_options, chain, CHOICE, OPTIONAL,
          "the server's network; by default bitcoin on main, testnet on test, regtest on dev",
          .choices = lightning_chain_names),
    PARAM(struct lnd_options, patience, INTEGER, OPTIONAL,
          "seconds that the server may look for ways of a payment", .fallback = LIGHTNING_PATIENCE_DEFAULT),
    CONNECTIONS_PARAM(struct lnd_options),
};

static enum status lnd_initialize(const struct network_setup *setup, void **out, struct error *error)
{
    const struct lnd_options *o = setup->options;
    const char *chain = o->chain != NULL ? o->chain : lightning_chain_default(setup->network);
    struct endpoint_options options = { .url = o->url,
                                        .name = setup->link,
                                        .credential = CREDENTIAL_HEADER_HEX,
                                        .credential_file = o->macaroon_file,
                                        .header = "Grpc-Metadata-macaroon",
                                        .ca_file = o->certificate_file,
                                        .connections_max = o->connections };
    struct lightning_client *client;
    struct endpoint *endpoint;

    if (strncmp(o->url, "https://", strlen("https://")) != 0)
        return error_set(error, ERROR_NETWORK_OPTIONS,
                         "url is to begin with https://: the macaroon is a secret");
    if (o->patience < 1 || o->patience > LIGHTNING_PATIENCE_MAX)
        return error_set(error, ERROR_NETWORK_OPTIONS, "patience is to be 1 … %d seconds",
                         LIGHTNING_PATIENCE_MAX);
    if (lightning_chain_named(chain) == NULL)
        return error_set(error, ERROR_NETWORK_OPTIONS, "there is no chain '%s'", chain);
    TRY(endpoint_open(setup->transport, &options, &endpoint, error));
    client = memory_new(sizeof(*client));
    client->backend = &lnd_backend;
    client->endpoint = endpoint;
    client->chain = lightning_chain_named(chain);
    client->patience_s = o->patience;
    *out = client;
    return OK;
}

/* --- calling ---------------------------------------------------------------------------------- */
enum status lnd_get(struct lightning_client *client, struct network_call *call, const char *path,
                    json_t **reply, struct rest_refusal *refusal)
{
    struct rest_request request = { .method = "GET", .path = path };

    return rest_call(client->endpoint, &request, &call->waiting, reply, refusal, &call->error);
}

enum status lnd_post(struct lightning_client *client, struct network_call *call, const char *path,
                     json_t *body, bool write, json_t **reply, struct rest_refusal *refusal)
{
    struct rest_request request = { .method = "POST", .path = path, .body = body, .write = write };

    return rest_call(client->endpoint, &request, &call->waiting, reply, refusal, &call->error);
}

/* --- the server ------------------------------------------------------------------------------- */
struct lnd_info {
    struct public_key node;
    const char *alias, *version, *tip;
    uint64_t height;
    bool synced, graph_synced;
};

static enum status check_chain(struct lightning_client *client, struct network_call *call,
                               const json_t *answer)
{
    const json_t *chain = json_array_get(reply_array(answer, "chains"), 0);
    const char *name, *network;

    if (!reply_text(chain, "network", &network) ||
        (reply_text(chain, "chain", &name) && strcmp(name, "bitcoin") != 0))
        return lightning_protocol_error(client, call, "getinfo", "chains");
    if (strcmp(network, client->chain->lnd_name) != 0)
        return error_set(&call->error, ERROR_NETWORK_WRONG_CHAIN,
                         "the server is on '%.40s'; the link says '%s'", network, client->chain->lnd_name);
    return OK;
}

static enum status get_info(struct lightning_client *client, struct network_call *call, json_t **answer,
                            struct lnd_info *info)
{
    struct lnd_info told = { 0 };

    TRY(lnd_get(client, call, "/v1/getinfo", answer, NULL));
    if (!reply_hex(*answer, "identity_pubkey", told.node.bytes, sizeof(told.node.bytes)))
        return lightning_protocol_error(client, call, "getinfo", "identity_pubkey");
    if (!reply_text(*answer, "version", &told.version))
        return lightning_protocol_error(client, call, "getinfo", "version");
    if (!reply_number(*answer, "block_height", &told.height))
        return lightning_protocol_error(client, call, "getinfo", "block_height");
    if (!reply_flag(*answer, "synced_to_chain", &told.synced) ||
        !reply_flag(*answer, "synced_to_graph", &told.graph_synced))
        return lightning_protocol_error(client, call, "getinfo", "synced_to_chain");
    if (!reply_text(*answer, "block_hash", &told.tip))
        told.tip = NULL;
    if (!reply_text(*answer, "alias", &told.alias))
        told.alias = "";
    TRY(check_chain(client, call, *answer));
    *info = told;
    return OK;
}

static enum status lnd_greet(struct lightning_client *client, struct network_call *call,
                             struct network_greeting *greeting)
{
    json_t *answer AUTO_JSON = NULL;
    struct buffer text CLEANUP(buffer_close) = { 0 };
    struct lnd_info info;
    struct writer w;

    TRY(get_info(client, call, &answer, &info));
    writer_init(&w, &text);
    writer_object_begin(&w);
    writer_member_text(&w, "alias", info.alias);
    writer_member_unsigned(&w, "height", info.height);
    writer_member_boolean(&w, "synced", info.synced);
    writer_member_boolean(&w, "graph_synced", info.graph_synced);
    writer_object_end(&w);
    *greeting = (struct network_greeting){
        .chain = client->chain->name,
        .version = arena_text(call->arena, info.version, strlen(info.version)),
        .account = hex_in(call->arena, info.node.bytes, sizeof(info.node.bytes)),
        .details = arena_text(call->arena, (const char *)text.data, text.size) };
    return OK;
}

static enum status lnd_node(struct lightning_client *client, struct network_call *call,
                            struct public_key *node)
{
    json_t *answer AUTO_JSON = NULL;
    struct lnd_info info;

    TRY(get_info(client, call, &answer, &info));
    *node = info.node;
    return OK;
}

/* --- channels --------------------------------------------------------------------------------- */
struct lnd_channel {
    const char *peer, *id, *point;
    bool active;
    uint64_t capacity, ours, theirs, unsettled; /* satoshis */
};

static enum status read_channel(struct lightning_client *client, struct network_call *call,
                                const json_t *entry, struct lnd_channel *channel)
{
    struct lnd_channel c = { 0 };

    if (!reply_text(entry, "remote_pubkey", &c.peer) || !reply_text(entry, "channel_point", &c.point) ||
        !reply_text(entry, "chan_id", &c.id) || !reply_flag(entry, "active", &c.active))
        return lightning_protocol_error(client, call, "channels", "remote_pubkey or channel_point");
    if (!reply_number(entry, "capacity", &c.capacity) || !reply_number(entry, "local_balance", &c.ours) ||
        !reply_number(entry, "remote_balance", &c.theirs) ||
        !reply_number(entry, "unsettled_balance", &c.unsettled) || c.capacity > SATOSHI_MAX ||
        c.ours > c.capacity || c.theirs > c.capacity || c.unsettled > c.capacity)
        return lightning_protocol_error(client, call, "channels", "capacity or balances");
    *channel = c;
    return OK;
}

static enum status get_channels(struct lightning_client *client, struct network_call *call, json_t **answer,
                                const json_t **channels)
{
    TRY(lnd_get(client, call, "/v1/channels", answer, NULL));
    if (!reply_list(*answer, "channels", channels) || json_array_size(*channels) > CHANNELS_MAX)
        return lightning_protocol_error(client, call, "channels", "channels");
    return OK;
}

static enum status write_channels(struct lightning_client *client, struct network_call *call,
                                  struct writer *w)
{
    json_t *answer AUTO_JSON = NULL;
    const json_t *channels;

    TRY(get_channels(client, call, &answer, &channels));
    writer_member_unsigned(w, "channel_count", json_array_size(channels));
    writer_key(w, "channels");
    writer_array_begin(w);
    for (size_t i = 0; i < json_array_size(channels) && i < CHANNELS_SHOWN; i++) {
        struct lnd_channel c;

        TRY(read_channel(client, call, json_array_get(channels, i), &c));
        writer_object_begin(w);
        writer_member_text(w, "channel", c.id);
        writer_member_text(w, "peer", c.peer);
        writer_member_text(w, "state", c.active ? "active" : "inactive");
        writer_member_text(w, "ours_msat", lightning_digits(call, c.ours * 1000));
        writer_member_text(w, "total_msat", lightning_digits(call, c.capacity * 1000));
        writer_object_end(w);
    }
    writer_array_end(w);
    return OK;
}

static enum status get_balance(struct lightning_client *client, struct network_call *call, uint64_t *sat,
                               uint64_t *msat)
{
    json_t *answer AUTO_JSON = NULL;
    const json_t *local;

    TRY(lnd_get(client, call, "/v1/balance/channels", &answer, NULL));
    local = reply_object(answer, "local_balance");
    if (!reply_number(local, "sat", sat) || !reply_number(local, "msat", msat) ||
        *msat > LIGHTNING_AMOUNT_MAX)
        return lightning_protocol_error(client, call, "balance/channels", "local_balance");
    return OK;
}

static enum status lnd_state(struct lightning_client *client, struct network_call *call, bool brief,
                             struct network_state *state)
{
    json_t *answer AUTO_JSON = NULL, *wallet AUTO_JSON = NULL;
    struct buffer text CLEANUP(buffer_close) = { 0 };
    struct network_state told = { .has_height = true };
    struct lnd_info info;
    uint64_t sat, msat, confirmed;
    struct writer w;

    TRY(get_info(client, call, &answer, &info));
    told.synced = info.synced;
    told.height = info.height;
    if (info.tip != NULL)
        told.tip = arena_text(call->arena, info.tip, strlen(info.tip));
    writer_init(&w, &text);
    writer_object_begin(&w);
    writer_member_boolean(&w, "graph_synced", info.graph_synced);
    if (!info.synced)
        writer_member_text(&w, "warning", "LND has not caught up with the chain");
    if (!brief) {
        TRY(write_channels(client, call, &w));
        TRY(get_balance(client, call, &sat, &msat));
        TRY(lnd_get(client, call, "/v1/balance/blockchain", &wallet, NULL));
        if (!reply_number(wallet, "confirmed_balance", &confirmed) || confirmed > SATOSHI_MAX)
            return lightning_protocol_error(client, call, "balance/blockchain", "confirmed_balance");
        writer_member_text(&w, "on_chain_msat", lightning_digits(call, confirmed * 1000));
        told.balance = lightning_digits(call, msat);
    }
    writer_object_end(&w);
    told.details = arena_text(call->arena, (const char *)text.data, text.size);
    *state = told;
    return OK;
}

/* --- do its lists agree? ---------------------------------------------------------------------- */
static enum status compare_lists(struct lightning_client *client, struct network_call *call, const char **why)
{
    json_t *answer AUTO_JSON = NULL;
    const json_t *channels;
    uint64_t sat, msat, sum = 0;

    *why = NULL;
    TRY(get_channels(client, call, &answer, &channels));
    TRY(get_balance(client, call, &sat, &msat));
    for (size_t i = 0; i < json_array_size(channels); i++) {
        struct lnd_channel c;

        TRY(read_channel(client, call, json_array_get(channels, i), &c));
        sum += c.ours; /* 20,000 times 2.1·10^15 at most */
        /* not "commit_fee": it is what the outputs leave of the capacity (createRPCOpenChannel in LND's
         * rpcserver.go), so balances and payments below the dust limit are in it as well */
        if (c.ours + c.theirs + c.unsettled > c.capacity)
            *why = format_in(call->arena, "the channel %.80s holds more than its capacity", c.point);
    }
    /* each channel's balance is cut to whole satoshis; the sum is cut once */
    if (sum > sat || sat - sum > json_array_size(channels))
        *why = format_in(call->arena, "the channels sum to %" PRIu64 " satoshis, the balance is %" PRIu64,
                         sum, sat);
    return OK;
}

static enum status lnd_agreement(struct lightning_client *client, struct network_call *call,
                                 struct network_verdict *verdict)
{
    const char *why;

    TRY(compare_lists(client, call, &why));
    if (why != NULL) /* a payment may have moved between the two questions */
        TRY(compare_lists(client, call, &why));
    *verdict = (struct network_verdict){ .verdict = why == NULL ? PROOF_VALID : PROOF_INVALID,
                                         .anchor = ANCHOR_NODE,
                                         .reason = why != NULL ? why
                                                               : "checked here: the server's channels sum to "
                                                                 "its balance, and none holds more than "
                                                                 "its capacity; delegated: that the funding "
                                                                 "outputs are unspent" };
    return OK;
}

/* --- fees ------------------------------------------------------------------------------------- */
static enum status fee_for(struct lightning_client *client, struct network_call *call, unsigned blocks,
                           const char **fee)
{
    json_t *answer AUTO_JSON = NULL;
    uint64_t rate;

    TRY(lnd_get(client, call, format_in(call->arena, "/v2/wallet/estimatefee/%u", blocks), &answer, NULL));
    if (!reply_number(answer, "sat_per_kw", &rate) || rate > SATOSHI_MAX)
        return lightning_protocol_error(client, call, "estimatefee", "sat_per_kw");
    *fee = lightning_digits(call, rate * KW_TO_KVB);
    return OK;
}

static enum status lnd_chain_fees(struct lightning_client *client, struct network_call *call,
                                  struct network_fees *fees)
{
    TRY(fee_for(client, call, 2, &fees->fast));
    TRY(fee_for(client, call, 12, &fees->normal));
    return fee_for(client, call, 100, &fees->slow);
}

static enum status lnd_route_fee(struct lightning_client *client, struct network_call *call,
                                 const struct public_key *payee, uint64_t amount, uint64_t final_delta,
                                 uint64_t *fee_msat)
{
    json_t *answer AUTO_JSON = NULL;
    const char *failure;

    (void)final_delta; /* the way is found in LND's graph, which takes its own */
    TRY(lnd_post(client, call, "/v2/router/route/estimatefee",
                 json_pack("{s:s, s:s}", "dest", base64_text(call->arena, payee->bytes, sizeof(payee->bytes)),
                           "amt_sat", lightning_digits(call, (amount + 999) / 1000)),
                 false, &answer, NULL));
    if (reply_text(answer, "failure_reason", &failure) && strcmp(failure, "FAILURE_REASON_NONE") != 0)
        return error_set(&call->error, ERROR_NETWORK_REJECTED, "the server finds no way: %.60s", failure);
    if (!reply_number(answer, "routing_fee_msat", fee_msat))
        return lightning_protocol_error(client, call, "estimatefee", "routing_fee_msat");
    return OK;
}

static enum status lnd_sign_message(struct lightning_client *client, struct network_call *call,
                                    const char *message, const char **zbase)
{
    json_t *answer AUTO_JSON = NULL;
    const char *text;

    TRY(lnd_post(client, call, "/v1/signmessage",
                 json_pack("{s:s}", "msg", base64_text(call->arena, message, strlen(message))), false,
                 &answer, NULL));
    if (!reply_text(answer, "signature", &text))
        return lightning_protocol_error(client, call, "signmessage", "signature");
    *zbase = arena_text(call->arena, text, strlen(text));
    return OK;
}

const struct lightning_backend lnd_backend = {
    .greet = lnd_greet, .state = lnd_state, .agreement = lnd_agreement, .node = lnd_node,
    .prepare = lnd_prepare, .prepare_keysend = lnd_prepare_keysend, .send = lnd_send, .find = lnd_find,
    .list = lnd_list, .chain_fees = lnd_chain_fees, .route_fee = lnd_route_fee,
    .sign_message = lnd_sign_message, .create_invoice = lnd_create_invoice, .find_invoice = lnd_find_invoice,
};

const struct network lnd_network = {
    .name = "lnd",
    .help = "Lightning through LND's REST listener: invoices and spontaneous payments, in millisatoshis.",
    .options = lnd_params, .option_count = COUNT_OF(lnd_params), .options_size = sizeof(struct lnd_options),
    .initialize = lnd_initialize, LIGHTNING_TABLE,
};
