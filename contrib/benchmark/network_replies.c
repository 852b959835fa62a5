/* The tables of what is answered, and how it is put on the wire: see network_replies.h. */
#include "network_replies.h"

#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/writer.h"
#include "measure.h"
#include "network/stacks/wire.h"

#define HASH "1111111111111111111111111111111111111111111111111111111111111111"
#define NODE_KEY "025cbdf0646e5db4eaa398f365f2ea7a0e3d419b7e0330e39ce92bddedcac4f9bc"

enum server_way server_way(enum server_kind kind)
{
    switch (kind) {
    case SERVER_CORE_LIGHTNING: return WAY_SOCKET;
    case SERVER_LND:
    case SERVER_TAPD: return WAY_HTTPS;
    case SERVER_BOB:
    case SERVER_ROOTSTOCK:
    case SERVER_LIQUID:
    case SERVER_STACKS:
    case SERVER_KINDS: break;
    }
    return WAY_HTTP;
}

/* --- the tables ----------------------------------------------------------------------------------- */
struct rpc_reply { enum server_kind kind; const char *method, *result; };

static const struct rpc_reply rpc_replies[] = {
    { SERVER_BOB, "eth_chainId", "\"0xed88\"" },
    { SERVER_BOB, "eth_blockNumber", "\"0x1c9c380\"" },
    { SERVER_BOB, "eth_syncing", "false" },
    { SERVER_BOB, "eth_getBlockByNumber", "{\"number\":\"0x0\",\"hash\":\"0x" HASH "\"}" },
    { SERVER_BOB, "web3_clientVersion", "\"Geth/v1.101503.4-stable/linux-amd64/go1.23.8\"" },
    { SERVER_ROOTSTOCK, "eth_chainId", "\"0x1e\"" },
    { SERVER_ROOTSTOCK, "eth_blockNumber", "\"0x7a1200\"" },
    { SERVER_ROOTSTOCK, "eth_syncing", "false" },
    { SERVER_ROOTSTOCK, "eth_getBlockByNumber", "{\"number\":\"0x0\",\"hash\":\"0x" HASH "\"}" },
    { SERVER_ROOTSTOCK, "web3_clientVersion", "\"RskJ/9.0.1/Linux/Java17/VETIVER-SNAPSHOT\"" },
    { SERVER_ROOTSTOCK, "rpc_modules",
      "{\"eth\":\"1.0\",\"net\":\"1.0\",\"rpc\":\"1.0\",\"rsk\":\"1.0\",\"web3\":\"1.0\"}" },
    { SERVER_LIQUID, "getblockchaininfo",
      "{\"chain\":\"elementsregtest\",\"blocks\":1000,\"headers\":1000,\"bestblockhash\":\"" HASH "\","
      "\"time\":1700000000,\"mediantime\":1700000000,\"verificationprogress\":1,"
      "\"initialblockdownload\":false,\"size_on_disk\":300000,\"pruned\":false,"
      "\"current_params_root\":\"" HASH "\",\"epoch_length\":10,\"total_valid_epochs\":2,\"epoch_age\":0,"
      "\"warnings\":\"\"}" },
    { SERVER_LIQUID, "getnetworkinfo", "{\"version\":230201,\"subversion\":\"/Elements Core:23.2.1/\"}" },
    { SERVER_LIQUID, "getsidechaininfo", "{\"fedpegscript\":\"51\",\"pegged_asset\":\"" HASH "\"}" },
    { SERVER_CORE_LIGHTNING, "getinfo",
      "{\"id\":\"" NODE_KEY "\",\"alias\":\"SILENTARTIST\",\"color\":\"022d22\",\"num_peers\":1,"
      "\"num_pending_channels\":0,\"num_active_channels\":1,\"num_inactive_channels\":0,\"address\":[],"
      "\"binding\":[],\"version\":\"v25.02\",\"blockheight\":110,\"network\":\"regtest\","
      "\"fees_collected_msat\":0,\"lightning-dir\":\"/root/.lightning/regtest\"}" },
    { SERVER_CORE_LIGHTNING, "help",
      "{\"help\":[{\"command\":\"xpay invstring [amount_msat] [maxfee] [layers] [retry_for] [maxdelay]\"}],"
      "\"format-hint\":\"simple\"}" },
    { SERVER_CORE_LIGHTNING, "autoclean-status",
      "{\"autoclean\":{\"succeededpays\":{\"enabled\":false,\"cleaned\":0}}}" },
};

struct rest_reply { enum server_kind kind; const char *request, *status, *body; };

static const struct rest_reply rest_replies[] = {
    { SERVER_LND, "GET /v1/getinfo ", "200 OK",
      "{\"version\":\"0.18.5-beta commit=v0.18.5-beta\",\"identity_pubkey\":\"" NODE_KEY "\","
      "\"alias\":\"carol\",\"color\":\"#3399ff\",\"num_pending_channels\":0,\"num_active_channels\":1,"
      "\"num_inactive_channels\":0,\"num_peers\":1,\"block_height\":110,\"block_hash\":\"" HASH "\","
      "\"best_header_timestamp\":\"1700000000\",\"synced_to_chain\":true,\"synced_to_graph\":true,"
      "\"testnet\":false,\"chains\":[{\"chain\":\"bitcoin\",\"network\":\"regtest\"}],\"uris\":[]}" },
    { SERVER_TAPD, "GET /v1/taproot-assets/getinfo ", "200 OK",
      "{\"version\":\"0.5.1-alpha\",\"lnd_version\":\"0.18.5-beta\",\"network\":\"regtest\","
      "\"lnd_identity_pubkey\":\"" NODE_KEY "\",\"node_alias\":\"carol\",\"block_height\":110,"
      "\"block_hash\":\"" HASH "\",\"sync_to_chain\":true}" },
    { SERVER_STACKS, "GET /v2/info ", "200 OK",
      "{\"network_id\":2147483648,\"server_version\":\"stacks-node bench\",\"stacks_tip_height\":1000,"
      "\"burn_block_height\":900,\"is_fully_synced\":true,\"stacks_tip\":\"" HASH "\"}" },
    /* once a link: whether the node keeps an index. This is what one that keeps it says. */
    { SERVER_STACKS, "GET /v3/transaction/", "404 Not Found", "No such transaction\n" },
};

/* --- JSON-RPC ------------------------------------------------------------------------------------- */
static const char *result_of(enum server_kind kind, const char *method)
{
    for (size_t i = 0; i < sizeof(rpc_replies) / sizeof(rpc_replies[0]); i++)
        if (rpc_replies[i].kind == kind && strcmp(rpc_replies[i].method, method) == 0)
            return rpc_replies[i].result;
    fatal("the node asks for a method that these servers do not have: %s", method);
}

static void append_rpc(enum server_kind kind, const json_t *request, struct buffer *out)
{
    const char *method = json_string_value(json_object_get(request, "method"));
    const json_t *id = json_object_get(request, "id");

    if (method == NULL || id == NULL)
        fatal("the node sends what is no request of JSON-RPC");
    buffer_append_text(out, "{\"jsonrpc\":\"2.0\",\"id\":");
    if (json_is_string(id))
        buffer_append_json_string(out, json_string_value(id), json_string_length(id));
    else
        buffer_append_format(out, "%lld", (long long)json_integer_value(id));
    buffer_append_format(out, ",\"result\":%s}", result_of(kind, method));
}

static void reply_rpc(enum server_kind kind, struct bytes body, struct buffer *out)
{
    AUTO_JSON json_t *asked = json_loadb((const char *)body.data, body.size, 0, NULL);

    if (!json_is_array(asked)) {
        append_rpc(kind, asked, out);
        return;
    }
    for (size_t i = 0; i < json_array_size(asked); i++) {
        buffer_append_text(out, i == 0 ? "[" : ",");
        append_rpc(kind, json_array_get(asked, i), out);
    }
    buffer_append_text(out, "]");
}

/* --- HTTP ----------------------------------------------------------------------------------------- */
static bool begins(struct bytes head, const char *text)
{
    return head.size >= strlen(text) && memcmp(head.data, text, strlen(text)) == 0;
}

static void append_http(struct buffer *out, const char *status, struct bytes body)
{
    buffer_append_format(out, "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
                         status, body.size);
    buffer_append(out, body.data, body.size);
}

static const struct rest_reply *find_rest(enum server_kind kind, struct bytes head)
{
    for (size_t i = 0; i < sizeof(rest_replies) / sizeof(rest_replies[0]); i++)
        if (rest_replies[i].kind == kind && begins(head, rest_replies[i].request))
            return &rest_replies[i];
    fatal("the node asks for what these servers do not have: %.*s",
          (int)strcspn((const char *)head.data, "\r"), (const char *)head.data);
}

/* Any body is taken, and its id (SHA-512/256) is the answer. */
static void reply_transaction(struct bytes body, struct buffer *out)
{
    struct buffer text CLEANUP(buffer_close) = { 0 };
    struct hash id;

    stacks_transaction_id(body, &id);
    buffer_append_text(&text, "\"");
    buffer_append_hex(&text, id.bytes, sizeof(id.bytes));
    buffer_append_text(&text, "\"");
    append_http(out, "200 OK", buffer_bytes(&text));
}

static void reply_http_rpc(enum server_kind kind, struct bytes body, struct buffer *out)
{
    struct buffer text CLEANUP(buffer_close) = { 0 };

    reply_rpc(kind, body, &text);
    append_http(out, "200 OK", buffer_bytes(&text));
}

static void reply_rest(enum server_kind kind, struct bytes head, struct buffer *out)
{
    const struct rest_reply *reply = find_rest(kind, head);

    append_http(out, reply->status, bytes_of_text(reply->body));
}

bool network_reply(enum server_kind kind, struct bytes head, struct bytes body, struct buffer *out)
{
    bool transaction = kind == SERVER_STACKS && begins(head, "POST /v2/transactions ");

    switch (kind) {
    case SERVER_BOB:
    case SERVER_ROOTSTOCK:
    case SERVER_LIQUID: reply_http_rpc(kind, body, out); break;
    case SERVER_CORE_LIGHTNING:
        reply_rpc(kind, body, out);
        buffer_append_text(out, "\n\n");
        break;
    case SERVER_STACKS:
        if (transaction)
            reply_transaction(body, out);
        else
            reply_rest(kind, head, out);
        break;
    case SERVER_LND:
    case SERVER_TAPD: reply_rest(kind, head, out); break;
    case SERVER_KINDS: fatal("no kind of server");
    }
    return transaction;
}
