/* The network "state-channel": the link, what there is, and the table. */
#include "layer2/channel/network.h"

#include <config.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/writer.h"
#include "layer2/channel/network_client.h"

#define CHANNELS_MAX 10000 /* that get_state looks at */
#define BALANCES_MAX 64    /* assets that it tells of */

/* --- the link ----------------------------------------------------------------------------------- */
static enum status initialize(const struct network_setup *setup, void **out, struct error *error)
{
    struct channel_client *client;

    if (setup->kernel == NULL)
        return error_set(error, ERROR_NETWORK_NOT_SUPPORTED,
                         "this node's channels are read where the node runs");
    client = memory_new(sizeof(*client));
    client->kernel = setup->kernel;
    pthread_mutex_init(&client->lock, NULL);
    if (setup->signer != NULL) {
        /* Accounts are keys without the byte that says which of two points it is (BIP-340). */
        client->has_account = true;
        memcpy(client->account.bytes, setup->signer->public_key.bytes + 1, sizeof(client->account.bytes));
        address_encode(client->address, &client->account);
    }
    *out = client;
    return OK;
}

static void release(void *context)
{
    struct channel_client *client = context;

    for (size_t i = 0; i < client->reader_count; i++)
        database_close(client->readers[i]);
    pthread_mutex_destroy(&client->lock);
    free(client);
}

static void describe(const void *context, struct writer *w)
{
    const struct channel_client *client = context;

    writer_object_begin(w);
    writer_member_text(w, "chain", kernel_chain(client->kernel));
    writer_member_text(w, "account", client->has_account ? client->address : NULL);
    writer_object_end(w);
}

static bool capable(const void *context, enum network_operation operation, const char **reason)
{
    const struct channel_client *client = context;

    if (operation != NETWORK_TRANSFER_ASSET || client->has_account)
        return true;
    *reason = "the link has no key to pay with";
    return false;
}

static enum status connect_link(void *context, struct network_call *call, struct network_greeting *greeting)
{
    struct channel_client *client = context;
    struct database *reader;

    TRY(client_read(client, &reader, &call->error));
    TRY(client_read_done(client, reader, &call->error));
    greeting->chain = kernel_chain(client->kernel);
    greeting->version = PACKAGE_VERSION;
    greeting->account = client->has_account ? client->address : NULL;
    return OK;
}

/* --- what there is ------------------------------------------------------------------------------ */
struct summary {
    uint64_t phases[PHASE_COUNT];
    bool complete;
    size_t count;
    struct { struct asset_id asset; uint64_t amount; } balances[BALANCES_MAX];
};

static void add_balance(struct summary *s, const struct asset_id *asset, uint64_t amount)
{
    size_t i = 0;

    while (i < s->count && memcmp(&s->balances[i].asset, asset, sizeof(*asset)) != 0)
        i++;
    if (i == BALANCES_MAX) {
        s->complete = false;
        return;
    }
    if (i == s->count)
        s->balances[s->count++].asset = *asset;
    s->balances[i].amount += amount; /* at most 2^53 a channel */
}

static void add_channel(struct channel_client *client, const struct local_channel *c, struct summary *s)
{
    s->phases[c->phase]++;
    if (!client->has_account || !c->has_supported || channel_participant(&c->fixed, &client->account) < 0)
        return;
    for (unsigned asset = 0; asset < c->fixed.asset_count; asset++)
        add_balance(s, &c->fixed.assets[asset], channel_outcome_simple(&c->supported.state, asset,
                                                                       &client->account));
}

static void sum_up(struct channel_client *client, struct database *reader, struct summary *s)
{
    struct statement *list = statement(reader, "SELECT id FROM channel_local WHERE phase NOT IN (?, ?)"
                                               " ORDER BY created_seq LIMIT ?");
    struct arena arena CLEANUP(arena_close);
    size_t seen = 0;

    arena_init(&arena);
    s->complete = true;
    bind_integer(list, PHASE_CLOSED);
    bind_integer(list, PHASE_REJECTED);
    bind_integer(list, CHANNELS_MAX + 1);
    while (statement_row(list)) {
        struct local_channel c;
        struct hash id;

        if (++seen > CHANNELS_MAX) {
            s->complete = false;
            statement_finish(list);
            return;
        }
        column_fixed(list, "id", id.bytes, sizeof(id.bytes));
        if (local_read(reader, &id, &arena, &c))
            add_channel(client, &c, s);
        arena_reset(&arena);
    }
}

static void write_symbol(struct writer *w, struct database *reader, const struct asset_id *asset)
{
    struct statement *s = statement(reader, "SELECT symbol FROM asset WHERE id = ?");

    bind_blob(s, asset->bytes, sizeof(asset->bytes));
    if (statement_row(s)) {
        writer_member_text(w, "symbol", column_text(s, "symbol"));
        statement_finish(s);
    }
}

static void write_summary(struct writer *w, struct database *reader, const struct summary *s)
{
    writer_object_begin(w);
    writer_key(w, "channels");
    writer_object_begin(w);
    for (size_t i = 0; i < PHASE_COUNT; i++) {
        if (s->phases[i] > 0)
            writer_member_unsigned(w, channel_phase_name((enum channel_phase)i), s->phases[i]);
    }
    writer_object_end(w);
    writer_member_boolean(w, "complete", s->complete);
    writer_key(w, "balances");
    writer_array_begin(w);
    for (size_t i = 0; i < s->count; i++) {
        char amount[24];

        snprintf(amount, sizeof(amount), "%" PRIu64, s->balances[i].amount);
        writer_object_begin(w);
        writer_member_hex(w, "asset", s->balances[i].asset.bytes, sizeof(s->balances[i].asset.bytes));
        write_symbol(w, reader, &s->balances[i].asset);
        writer_member_text(w, "amount", amount);
        writer_object_end(w);
    }
    writer_array_end(w);
    writer_object_end(w);
}

/* What the ledger has committed is final, and there is no other newest block. */
static void put_height(struct channel_client *client, struct network_state *state)
{
    state->synced = true;
    state->has_height = state->has_safe = state->has_final = true;
    state->height = state->safe = state->final = kernel_height(client->kernel);
}

static enum status health_check(void *context, struct network_call *call, struct network_state *state)
{
    struct channel_client *client = context;
    struct database *reader;

    TRY(client_read(client, &reader, &call->error));
    put_height(client, state);
    return client_read_done(client, reader, &call->error);
}

static enum status get_state(void *context, struct network_call *call, struct network_state *state)
{
    struct channel_client *client = context;
    struct summary *s = arena_new(call->arena, sizeof(*s));
    struct buffer details CLEANUP(buffer_close) = { 0 };
    struct database *reader;
    struct writer w;

    TRY(client_read(client, &reader, &call->error));
    put_height(client, state);
    sum_up(client, reader, s);
    writer_init(&w, &details);
    write_summary(&w, reader, s);
    writer_finish(&w);
    state->details = client_copy(call, &details);
    return client_read_done(client, reader, &call->error);
}

const struct network state_channel_network = {
    .name = "state-channel",
    .help = "This node's own channels: states, payments inside them and over them.",
    .initialize = initialize,
    .release = release,
    .describe = describe,
    .capable = capable,
    .connect = connect_link,
    .health_check = health_check,
    .get_state = get_state,
    .validate_state = channel_network_validate,
    .check_transaction_status = channel_network_status,
    .get_transaction_history = channel_network_history,
    .writes = 1 << WRITE_SUBMIT | 1 << WRITE_TRANSFER,
    .prepare = channel_network_prepare,
    .send = channel_network_send,
    .verify_proof = channel_network_verify,
    .generate_proof = channel_network_generate,
    .paid_how = "whoever pays names the channel; nothing is asked for beforehand",
};
