/* Core Lightning over its Unix socket: the link, its state, its fees. Commands and members are those of its
 * manual pages (doc/schemas), releases 23.08 to 26.06. */
#include "network/lightning/cln.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "network/lightning/begun.h"
#include "network/lightning/lightning.h"
#include "network/lightning/order.h"
#include "network/lightning/reply.h"
#include "network/transport/json_rpc.h"

#define PATH_MAX_TEXT 1024
#define CHANNELS_SHOWN 100
#define CHANNELS_MAX 20000 /* of a node that is believed */
#define ESTIMATES_MAX 64
#define ROUTES_MAX 1000
#define FEE_SEARCH 10      /* times the default: how dear a way may be for its fee to be told */

static const char unix_prefix[] = "unix:";

/* --- options ---------------------------------------------------------------------------------- */
struct cln_options { const char *socket, *chain; uint64_t patience, connections; };

static const struct param cln_params[] = {
    PARAM(struct cln_options, socket, TEXT, REQUIRED,
          "path of lightning-rpc, with or without unix: before it; access is by the file's permissions",
          .most = PATH_MAX_TEXT),
    PARAM(struct cln_options, chain, CHOICE, OPTIONAL,
          "the server's network; by default bitcoin on main, testnet on test, regtest on dev",
          .choices = lightning_chain_names),
    PARAM(struct cln_options, patience, INTEGER, OPTIONAL,
          "seconds that the server may look for ways of a payment", .fallback = LIGHTNING_PATIENCE_DEFAULT),
    CONNECTIONS_PARAM(struct cln_options),
};

static enum status cln_initialize(const struct network_setup *setup, void **out, struct error *error)
{
    const struct cln_options *o = setup->options;
    const char *chain = o->chain != NULL ? o->chain : lightning_chain_default(setup->network);
    const char *path = strncmp(o->socket, unix_prefix, strlen(unix_prefix)) == 0
                           ? o->socket + strlen(unix_prefix) : o->socket;
    struct lightning_client *client;
    struct endpoint *endpoint;
    enum status status;
    char *url;

    if (path[0] != '/')
        return error_set(error, ERROR_NETWORK_OPTIONS, "socket is to be an absolute path");
    if (o->patience < 1 || o->patience > LIGHTNING_PATIENCE_MAX)
        return error_set(error, ERROR_NETWORK_OPTIONS, "patience is to be 1 … %d seconds",
                         LIGHTNING_PATIENCE_MAX);
    if (lightning_chain_named(chain) == NULL)
        return error_set(error, ERROR_NETWORK_OPTIONS, "there is no chain '%s'", chain);
    url = text_format("%s%s", unix_prefix, path);
    status = endpoint_open(setup->transport,
                           &(struct endpoint_options){ .url = url, .socket = true, .name = setup->link,
                                                       .connections_max = o->connections },
                           &endpoint, error);
    free(url);
    TRY(status);
    client = memory_new(sizeof(*client));
    client->backend = &cln_backend;
    client->endpoint = endpoint;
    client->chain = lightning_chain_named(chain);
    client->patience_s = o->patience;
    client->begun = begun_open(clock_wall_us());
    *out = client;
    return OK;
}

/* --- calling ---------------------------------------------------------------------------------- */
enum status cln_call(struct lightning_client *client, struct network_call *call, const char *method,
                     json_t *params, bool write, uint64_t seconds, json_t **result, int64_t *code)
{
    struct rpc_request request = { .method = method, .params = params, .write = write };
    struct rpc_refusal refusal = { 0 };
    struct waiting waiting = lightning_waiting(call, seconds);
    enum status status = rpc_call(client->endpoint, &request, &waiting, result, &refusal, &call->error);

    if (status == ERROR_NETWORK_REJECTED) {
        if (code != NULL)
            *code = refusal.code;
        json_decref(refusal.data);
        if (refusal.code == CLN_PLUGIN_TERMINATED || refusal.code == CLN_SHUTDOWN)
            return error_set(&call->error, write ? ERROR_NETWORK_AMBIGUOUS : ERROR_NETWORK_SERVER,
                             "%s: %s (code %" PRId64 ")", method, refusal.message, refusal.code);
        return error_set(&call->error, ERROR_NETWORK_REJECTED, "%s: %s (code %" PRId64 ")", method,
                         refusal.message, refusal.code);
    }
    TRY(status);
    if (!json_is_object(*result)) {
        json_decref(*result);
        *result = NULL;
        return lightning_protocol_error(client, call, method, "object");
    }
    return OK;
}

/* "xpay invstring [amount_msat] [maxfee] …": its name, then each of its parameters. */
static int abilities_of(const json_t *help)
{
    const char *usage;

    if (!reply_text(json_array_get(reply_array(help, "help"), 0), "command", &usage))
        return CLN_ASKED | CLN_HAS;
    return CLN_ASKED | CLN_HAS | (strstr(usage, "[maxdelay]") != NULL ? CLN_MAXDELAY : 0) |
           (strstr(usage, "[maxfee]") != NULL ? CLN_MAXFEE : 0) |
           (strstr(usage, " invstring") != NULL ? CLN_INVSTRING : 0) |
           (strstr(usage, "[index]") != NULL ? CLN_INDEX : 0);
}

enum status cln_can(struct lightning_client *client, struct network_call *call, const char *command,
                    atomic_int *known, int *abilities)
{
    json_t *help AUTO_JSON = NULL;
    enum status status;
    int64_t code = 0;

    if (atomic_load(known) == CLN_NOT_ASKED) {
        status =
            cln_call(client, call, "help", json_pack("{s:s}", "command", command), false, 0, &help, &code);
        if (status == ERROR_NETWORK_REJECTED && (code == CLN_UNKNOWN_COMMAND || code == CLN_INVALID_PARAMS))
            atomic_store(known, CLN_ASKED); /* -32601 by its source, -32602 by its manual page */
        else if (status != OK)
            return status;
        else
            atomic_store(known, abilities_of(help));
    }
    *abilities = atomic_load(known);
    return OK;
}

/* --- the server ------------------------------------------------------------------------------- */
struct cln_info { struct public_key node; const char *alias, *version, *network, *warning; uint64_t height; };

static enum status get_info(struct lightning_client *client, struct network_call *call, json_t **answer,
                            struct cln_info *info)
{
    struct cln_info told = { 0 };

    TRY(cln_call(client, call, "getinfo", json_object(), false, 0, answer, NULL));
    if (!reply_hex(*answer, "id", told.node.bytes, sizeof(told.node.bytes)))
        return lightning_protocol_error(client, call, "getinfo", "id");
    if (!reply_text(*answer, "version", &told.version))
        return lightning_protocol_error(client, call, "getinfo", "version");
    if (!reply_text(*answer, "network", &told.network))
        return lightning_protocol_error(client, call, "getinfo", "network");
    if (!reply_number(*answer, "blockheight", &told.height))
        return lightning_protocol_error(client, call, "getinfo", "blockheight");
    if (!reply_text(*answer, "alias", &told.alias))
        told.alias = "";
    if (!reply_text(*answer, "warning_bitcoind_sync", &told.warning) &&
        !reply_text(*answer, "warning_lightningd_sync", &told.warning))
        told.warning = NULL;
    if (strcmp(told.network, client->chain->name) != 0)
        return error_set(&call->error, ERROR_NETWORK_WRONG_CHAIN,
                         "the server is on '%.40s'; the link says '%s'", told.network, client->chain->name);
    *info = told;
    return OK;
}

/* *seconds: it deletes what was paid so long ago (autoclean-succeededpays-age), and knows nothing of it from
 * then on; 0: never. */
static enum status forgets_after(struct lightning_client *client, struct network_call *call,
                                 uint64_t *seconds)
{
    json_t *answer AUTO_JSON = NULL;
    const json_t *pays;
    bool enabled;
    enum status status = cln_call(client, call, "autoclean-status",
                                  json_pack("{s:s}", "subsystem", "succeededpays"), false, 0, &answer, NULL);

    *seconds = 0;
    if (status == ERROR_NETWORK_REJECTED) /* it runs without the plugin */
        return OK;
    TRY(status);
    pays = reply_object(reply_object(answer, "autoclean"), "succeededpays");
    if (!reply_flag(pays, "enabled", &enabled))
        return lightning_protocol_error(client, call, "autoclean-status", "enabled");
    if (enabled && (!reply_number(pays, "age", seconds) || *seconds > INT64_MAX))
        return lightning_protocol_error(client, call, "autoclean-status", "age");
    return OK;
}

static enum status cln_greet(struct lightning_client *client, struct network_call *call,
                             struct network_greeting *greeting)
{
    json_t *answer AUTO_JSON = NULL;
    struct buffer text CLEANUP(buffer_close) = { 0 };
    struct cln_info info;
    struct writer w;
    uint64_t forgets_s;
    int xpay;

    TRY(get_info(client, call, &answer, &info));
    atomic_store(&client->can_xpay, CLN_NOT_ASKED); /* the server may be a newer one than before */
    atomic_store(&client->can_pay, CLN_NOT_ASKED);
    atomic_store(&client->can_xkeysend, CLN_NOT_ASKED);
    atomic_store(&client->can_keysend, CLN_NOT_ASKED);
    atomic_store(&client->can_listpays, CLN_NOT_ASKED);
    TRY(cln_can(client, call, "xpay", &client->can_xpay, &xpay));
    TRY(forgets_after(client, call, &forgets_s));
    atomic_store(&client->forgets_s, forgets_s);
    writer_init(&w, &text);
    writer_object_begin(&w);
    writer_member_text(&w, "alias", info.alias);
    writer_member_unsigned(&w, "height", info.height);
    writer_member_boolean(&w, "synced", info.warning == NULL);
    if (info.warning != NULL)
        writer_member_text(&w, "warning", info.warning);
    writer_member_text(&w, "pays_with", (xpay & CLN_HAS) != 0 ? "xpay" : "pay");
    if (forgets_s != 0)
        writer_member_unsigned(&w, "forgets_paid_after_s", forgets_s);
    writer_object_end(&w);
    *greeting = (struct network_greeting){
        .chain = client->chain->name,
        .version = arena_text(call->arena, info.version, strlen(info.version)),
        .account = hex_in(call->arena, info.node.bytes, sizeof(info.node.bytes)),
        .details = arena_text(call->arena, (const char *)text.data, text.size) };
    return OK;
}

static enum status cln_node(struct lightning_client *client, struct network_call *call,
                            struct public_key *node)
{
    json_t *answer AUTO_JSON = NULL;
    struct cln_info info;

    TRY(get_info(client, call, &answer, &info));
    *node = info.node;
    return OK;
}

/* --- channels --------------------------------------------------------------------------------- */
struct cln_channel {
    const char *peer, *state, *id, *funding_txid;
    uint64_t funding_output, ours, total, spendable, receivable;
    bool funded; /* to_us_msat and total_msat are there: not before it is negotiated */
};

static bool is_open(const char *state)
{
    return strcmp(state, "CHANNELD_NORMAL") == 0 || strcmp(state, "CHANNELD_AWAITING_SPLICE") == 0;
}

static enum status read_channel(struct lightning_client *client, struct network_call *call,
                                const json_t *entry, struct cln_channel *channel)
{
    struct cln_channel c = { 0 };

    if (!reply_text(entry, "peer_id", &c.peer) || !reply_text(entry, "state", &c.state))
        return lightning_protocol_error(client, call, "listpeerchannels", "peer_id or state");
    c.funded = reply_msat(entry, "to_us_msat", &c.ours) && reply_msat(entry, "total_msat", &c.total) &&
               reply_text(entry, "funding_txid", &c.funding_txid) &&
               reply_number(entry, "funding_outnum", &c.funding_output);
    if (is_open(c.state) && (!c.funded || c.ours > c.total || c.total > LIGHTNING_AMOUNT_MAX))
        return lightning_protocol_error(client, call, "listpeerchannels", "to_us_msat or total_msat");
    if (!reply_text(entry, "short_channel_id", &c.id))
        c.id = NULL;
    if (!reply_msat(entry, "spendable_msat", &c.spendable))
        c.spendable = 0;
    if (!reply_msat(entry, "receivable_msat", &c.receivable))
        c.receivable = 0;
    *channel = c;
    return OK;
}

static void write_channel(struct network_call *call, struct writer *w, const struct cln_channel *c)
{
    writer_object_begin(w);
    writer_member_text(w, "channel", c->id);
    writer_member_text(w, "peer", c->peer);
    writer_member_text(w, "state", c->state);
    if (c->funded) {
        writer_member_text(w, "ours_msat", lightning_digits(call, c->ours));
        writer_member_text(w, "total_msat", lightning_digits(call, c->total));
    }
    writer_member_text(w, "spendable_msat", lightning_digits(call, c->spendable));
    writer_member_text(w, "receivable_msat", lightning_digits(call, c->receivable));
    writer_object_end(w);
}

static enum status get_channels(struct lightning_client *client, struct network_call *call, json_t **answer,
                                const json_t **channels)
{
    TRY(cln_call(client, call, "listpeerchannels", json_object(), false, 0, answer, NULL));
    *channels = reply_array(*answer, "channels");
    if (*channels == NULL || json_array_size(*channels) > CHANNELS_MAX)
        return lightning_protocol_error(client, call, "listpeerchannels", "channels");
    return OK;
}

/* Writes "channels" and tells the sum of what is ours in open ones. */
static enum status sum_channels(struct lightning_client *client, struct network_call *call, struct writer *w,
                                uint64_t *balance)
{
    json_t *answer AUTO_JSON = NULL;
    const json_t *channels;
    uint64_t ours = 0;

    TRY(get_channels(client, call, &answer, &channels));
    writer_member_unsigned(w, "channel_count", json_array_size(channels));
    writer_key(w, "channels");
    writer_array_begin(w);
    for (size_t i = 0; i < json_array_size(channels); i++) {
        struct cln_channel channel;

        TRY(read_channel(client, call, json_array_get(channels, i), &channel));
        if (is_open(channel.state))
            ours += channel.ours; /* at most 20,000 times 2.1·10^18: kept below 2^64 by the next line */
        if (ours > LIGHTNING_AMOUNT_MAX)
            return lightning_protocol_error(client, call, "listpeerchannels", "to_us_msat");
        if (i < CHANNELS_SHOWN)
            write_channel(call, w, &channel);
    }
    writer_array_end(w);
    *balance = ours;
    return OK;
}

static enum status sum_outputs(struct lightning_client *client, struct network_call *call,
                               uint64_t *confirmed)
{
    json_t *answer AUTO_JSON = NULL;
    const json_t *outputs;
    uint64_t sum = 0;

    TRY(cln_call(client, call, "listfunds", json_object(), false, 0, &answer, NULL));
    outputs = reply_array(answer, "outputs");
    if (outputs == NULL)
        return lightning_protocol_error(client, call, "listfunds", "outputs");
    for (size_t i = 0; i < json_array_size(outputs); i++) {
        const json_t *output = json_array_get(outputs, i);
        const char *status;
        uint64_t amount;

        if (!reply_text(output, "status", &status) || !reply_msat(output, "amount_msat", &amount) ||
            amount > LIGHTNING_AMOUNT_MAX)
            return lightning_protocol_error(client, call, "listfunds", "status or amount_msat");
        if (strcmp(status, "confirmed") == 0)
            sum += amount;
        if (sum > LIGHTNING_AMOUNT_MAX)
            return lightning_protocol_error(client, call, "listfunds", "amount_msat");
    }
    *confirmed = sum;
    return OK;
}

static enum status cln_state(struct lightning_client *client, struct network_call *call, bool brief,
                             struct network_state *state)
{
    json_t *answer AUTO_JSON = NULL;
    struct buffer text CLEANUP(buffer_close) = { 0 };
    struct network_state told = { .has_height = true };
    struct cln_info info;
    uint64_t balance = 0, confirmed = 0;
    struct writer w;

    TRY(get_info(client, call, &answer, &info));
    told.synced = info.warning == NULL;
    told.height = info.height;
    writer_init(&w, &text);
    writer_object_begin(&w);
    if (info.warning != NULL)
        writer_member_text(&w, "warning", info.warning);
    if (!brief) {
        TRY(sum_channels(client, call, &w, &balance));
        TRY(sum_outputs(client, call, &confirmed));
        writer_member_text(&w, "on_chain_msat", lightning_digits(call, confirmed));
        told.balance = lightning_digits(call, balance);
    }
    writer_object_end(&w);
    told.details = arena_text(call->arena, (const char *)text.data, text.size);
    *state = told;
    return OK;
}

/* --- do its lists agree? ---------------------------------------------------------------------- */
static const json_t *fund_of(const json_t *funds, const struct cln_channel *channel)
{
    for (size_t i = 0; i < json_array_size(funds); i++) {
        const json_t *fund = json_array_get(funds, i);
        const char *txid;
        uint64_t output;

        if (reply_text(fund, "funding_txid", &txid) && strcmp(txid, channel->funding_txid) == 0 &&
            reply_number(fund, "funding_output", &output) && output == channel->funding_output)
            return fund;
    }
    return NULL;
}

/* Why the two lists contradict each other; NULL: they agree. */
static enum status compare_lists(struct lightning_client *client, struct network_call *call, const char **why)
{
    json_t *answer AUTO_JSON = NULL, *money AUTO_JSON = NULL;
    const json_t *channels, *funds;

    *why = NULL;
    TRY(get_channels(client, call, &answer, &channels));
    TRY(cln_call(client, call, "listfunds", json_object(), false, 0, &money, NULL));
    funds = reply_array(money, "channels");
    if (funds == NULL || json_array_size(funds) > CHANNELS_MAX)
        return lightning_protocol_error(client, call, "listfunds", "channels");
    for (size_t i = 0; i < json_array_size(channels); i++) {
        struct cln_channel channel;
        const json_t *fund;
        uint64_t ours, total;

        TRY(read_channel(client, call, json_array_get(channels, i), &channel));
        if (!is_open(channel.state))
            continue;
        fund = fund_of(funds, &channel);
        if (fund == NULL || !reply_msat(fund, "our_amount_msat", &ours) ||
            !reply_msat(fund, "amount_msat", &total))
            *why = format_in(call->arena, "the channel with %.16s is not in listfunds", channel.peer);
        else if (ours != channel.ours || total != channel.total)
            *why = format_in(call->arena,
                             "listpeerchannels and listfunds tell different amounts of the channel "
                             "with %.16s",
                             channel.peer);
    }
    return OK;
}

static enum status cln_agreement(struct lightning_client *client, struct network_call *call,
                                 struct network_verdict *verdict)
{
    const char *why;

    TRY(compare_lists(client, call, &why));
    if (why != NULL) /* a payment may have moved between the two questions */
        TRY(compare_lists(client, call, &why));
    *verdict = (struct network_verdict){ .verdict = why == NULL ? PROOF_VALID : PROOF_INVALID,
                                         .anchor = ANCHOR_NODE,
                                         .reason = why != NULL ? why
                                                               : "checked here: the server's two lists of "
                                                                 "channels agree, and no side has more than "
                                                                 "the whole; delegated: that the funding "
                                                                 "outputs are unspent" };
    return OK;
}

/* --- fees ------------------------------------------------------------------------------------- */
/* The estimate for at most that many blocks; the nearest below it. NULL: there is none. */
static const char *estimate_for(struct network_call *call, const json_t *estimates, uint64_t blocks)
{
    uint64_t best = 0, rate = 0;

    for (size_t i = 0; i < json_array_size(estimates) && i < ESTIMATES_MAX; i++) {
        const json_t *entry = json_array_get(estimates, i);
        uint64_t count, feerate;

        if (reply_number(entry, "blockcount", &count) && reply_number(entry, "feerate", &feerate) &&
            count <= blocks && count > best) {
            best = count;
            rate = feerate;
        }
    }
    return best == 0 ? NULL : lightning_digits(call, rate);
}

static enum status cln_chain_fees(struct lightning_client *client, struct network_call *call,
                                  struct network_fees *fees)
{
    json_t *answer AUTO_JSON = NULL;
    const json_t *rates, *estimates;

    TRY(cln_call(client, call, "feerates", json_pack("{s:s}", "style", "perkb"), false, 0, &answer, NULL));
    rates = reply_object(answer, "perkb");
    if (rates == NULL || !reply_list(rates, "estimates", &estimates))
        return lightning_protocol_error(client, call, "feerates", "perkb.estimates");
    fees->fast = estimate_for(call, estimates, 2);
    fees->normal = estimate_for(call, estimates, 12);
    fees->slow = estimate_for(call, estimates, 100);
    return OK;
}

static enum status cln_route_fee(struct lightning_client *client, struct network_call *call,
                                 const struct public_key *payee, uint64_t amount, uint64_t final_delta,
                                 uint64_t *fee_msat)
{
    json_t *answer AUTO_JSON = NULL;
    const json_t *routes;
    struct public_key node;
    uint64_t sent = 0;
    int64_t code = 0;
    enum status status;

    TRY(cln_node(client, call, &node));
    if (memcmp(node.bytes, payee->bytes, sizeof(node.bytes)) == 0) { /* it pays itself: there is no way */
        *fee_msat = 0;
        return OK;
    }
    status = cln_call(client, call, "getroutes",
                 json_pack("{s:s, s:s, s:I, s:[s,s], s:I, s:I}", "source",
                           hex_in(call->arena, node.bytes, sizeof(node.bytes)), "destination",
                           hex_in(call->arena, payee->bytes, sizeof(payee->bytes)), "amount_msat",
                           (json_int_t)amount, "layers", "auto.localchans", "auto.sourcefree", "maxfee_msat",
                           (json_int_t)(order_default_fee(amount) * FEE_SEARCH), "final_cltv",
                           (json_int_t)final_delta),
                 false, 0, &answer, &code);
    /* 24.08 has another name for final_cltv, and so neither knows ours nor does without its own */
    if (status == ERROR_NETWORK_REJECTED && (code == CLN_UNKNOWN_COMMAND || code == CLN_INVALID_PARAMS))
        return error_set(&call->error, ERROR_NETWORK_NOT_SUPPORTED,
                         "this Core Lightning has no getroutes as it is asked here: the fee of a way needs "
                         "release 24.11");
    TRY(status);
    routes = reply_array(answer, "routes");
    if (routes == NULL || json_array_size(routes) < 1 || json_array_size(routes) > ROUTES_MAX)
        return lightning_protocol_error(client, call, "getroutes", "routes");
    for (size_t i = 0; i < json_array_size(routes); i++) {
        const json_t *first = json_array_get(reply_array(json_array_get(routes, i), "path"), 0);
        uint64_t part;

        /* 26.06 has two names for it; before there was one */
        if ((!reply_msat(first, "amount_in_msat", &part) && !reply_msat(first, "amount_msat", &part)) ||
            part > LIGHTNING_AMOUNT_MAX || sent > LIGHTNING_AMOUNT_MAX)
            return lightning_protocol_error(client, call, "getroutes", "path");
        sent += part;
    }
    if (sent < amount)
        return lightning_protocol_error(client, call, "getroutes", "amount_in_msat");
    *fee_msat = sent - amount;
    return OK;
}

static enum status cln_sign_message(struct lightning_client *client, struct network_call *call,
                                    const char *message, const char **zbase)
{
    json_t *answer AUTO_JSON = NULL;
    const char *text;

    TRY(cln_call(client, call, "signmessage", json_pack("{s:s}", "message", message), false, 0, &answer,
                 NULL));
    if (!reply_text(answer, "zbase", &text))
        return lightning_protocol_error(client, call, "signmessage", "zbase");
    *zbase = arena_text(call->arena, text, strlen(text));
    return OK;
}

const struct lightning_backend cln_backend = {
    .greet = cln_greet, .state = cln_state, .agreement = cln_agreement, .node = cln_node,
    .prepare = cln_prepare, .prepare_keysend = cln_prepare_keysend, .send = cln_send, .find = cln_find,
    .list = cln_list, .chain_fees = cln_chain_fees, .route_fee = cln_route_fee,
    .sign_message = cln_sign_message, .create_invoice = cln_create_invoice, .find_invoice = cln_find_invoice,
};

const struct network lightning_network = {
    .name = "lightning",
    .help = "Lightning through Core Lightning's Unix socket: invoices and spontaneous payments, in "
            "millisatoshis.",
    .options = cln_params,
    .option_count = COUNT_OF(cln_params),
    .options_size = sizeof(struct cln_options),
    .initialize = cln_initialize,
    LIGHTNING_TABLE,
};
