/* Writes on the network "state-channel": prepared as JSON that says all, sent as commands of this node. What
 * is brought again is the same transaction, state or payment, and is answered as the first time. */
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/writer.h"
#include "crypto/bolt11.h"
#include "crypto/transaction.h"
#include "kernel/param.h"
#include "layer2/channel/forms.h"
#include "layer2/channel/network_client.h"

#define COMMANDS_PREFIX "channel."
#define PROMISE_US (10 * MICROSECONDS_PER_SECOND) /* after that, the turn it was for is not waited for */

/* A state with signatures on it, as submit takes it. */
struct submitted {
    struct hash channel;
    struct state_param state;
};
static const struct param submitted_params[] = {
    PARAM(struct submitted, channel, HASH, REQUIRED, "its id"),
    { .name = "state", .type = PARAM_BYTES, .required = REQUIRED,
      .offset = offsetof(struct submitted, state.state), .help = "its encoding",
      .most = CHANNEL_ENCODING_MAX },
    { .name = "signatures", .type = PARAM_LIST, .required = REQUIRED,
      .offset = offsetof(struct submitted, state.signatures), .help = "{key, signature}",
      .most = CHANNEL_PARTICIPANTS_MAX, .items = signature_params, .item_params = COUNT_OF(signature_params),
      .item_size = sizeof(struct signature_param) },
};

static enum status finish(struct network_call *call, const json_t *json, const struct written *written,
                          struct network_prepared *prepared)
{
    struct buffer raw CLEANUP(buffer_close) = { 0 };

    if (json_canonical(json, &raw, &call->error) != OK)
        return call->error.code = ERROR_INVALID_PARAMS;
    prepared->transaction = written_text(call, written);
    prepared->raw = bytes_of(client_copy(call, &raw), raw.size);
    return OK;
}

/* Whatever a check of the room says of something that was brought: it will not say otherwise later. */
static enum status refused(struct network_call *call, enum status status)
{
    return status == ERROR_STORAGE ? status : (call->error.code = ERROR_INVALID_PARAMS);
}

/* --- submit ------------------------------------------------------------------------------------- */
static enum status prepare_signed(struct channel_client *client, struct network_call *call,
                                  const json_t *json,
                                  struct network_prepared *prepared)
{
    const json_t *signature = json_object_get(json, "signature");
    struct buffer canonical CLEANUP(buffer_close) = { 0 };
    struct written written = { .kind = WRITTEN_LEDGER };
    struct transaction t;
    struct signature given;

    if (transaction_decode(json_object_get(json, "transaction"), &t, &canonical, &written.hash,
                           &call->error) != OK)
        return refused(call, call->error.code);
    if (strcmp(t.chain, kernel_chain(client->kernel)) != 0)
        return error_set(&call->error, ERROR_INVALID_PARAMS,
                         "transaction: it is for the chain %s, this one is %s",
                         t.chain, kernel_chain(client->kernel));
    if (strncmp(t.method, COMMANDS_PREFIX, sizeof(COMMANDS_PREFIX) - 1) != 0)
        return error_set(&call->error, ERROR_INVALID_PARAMS,
                         "transaction: a command of channels is expected, not %s", t.method);
    if (json_object_size(json) != 2 || !json_is_string(signature) ||
        !hex_decode(given.bytes, sizeof(given.bytes), json_string_value(signature),
                    json_string_length(signature)) ||
        !schnorr_verify(&t.account, written.hash.bytes, sizeof(written.hash.bytes), &given))
        return error_set(&call->error, ERROR_INVALID_PARAMS,
                         "signature: it is not the account's over the transaction");
    return finish(call, json, &written, prepared);
}

static enum status read_fixed(struct channel_client *client, struct network_call *call, const struct hash *id,
                              struct channel_fixed *fixed)
{
    struct database *reader;
    bool found;

    TRY(client_read(client, &reader, &call->error));
    found = local_read_fixed(reader, id, call->arena, fixed);
    TRY(client_read_done(client, reader, &call->error));
    if (!found)
        return error_set(&call->error, ERROR_NETWORK_NOT_FOUND,
                         "channel: this node does not take part in it");
    return OK;
}

static enum status prepare_state(struct channel_client *client, struct network_call *call, const json_t *json,
                                 struct network_prepared *prepared)
{
    struct channel_fixed *fixed = arena_new(call->arena, sizeof(*fixed));
    struct signed_state *states = arena_new(call->arena, PROOF_STATES_MAX * sizeof(*states));
    struct written written = { .kind = WRITTEN_STATE };
    const struct submitted *s;
    struct proof *proof;
    void *parsed;

    if (params_parse(submitted_params, COUNT_OF(submitted_params), sizeof(struct submitted), json,
                     kernel_chain(client->kernel), call->arena, &parsed, &call->error) != OK)
        return refused(call, call->error.code);
    s = parsed;
    if (s->state.signatures.count == 0)
        return error_set(&call->error, ERROR_INVALID_PARAMS, "signatures: at least one is expected");
    TRY(read_fixed(client, call, &s->channel, fixed));
    if (proof_check_one(&s->channel, s->state.state, &s->state.signatures, call->arena, &proof,
                        &call->error) != OK ||
        proof_match(fixed, proof, states, &call->error) != OK ||
        channel_state_check(fixed, &states[0].state, &call->error) != OK)
        return refused(call, call->error.code);
    written.channel = s->channel;
    written.turn = states[0].state.turn;
    written.hash = states[0].hash;
    return finish(call, json, &written, prepared);
}

static enum status prepare_submit(struct channel_client *client, struct network_call *call, struct bytes raw,
                                  struct network_prepared *prepared)
{
    json_t *json AUTO_JSON = NULL;

    if (json_parse((const char *)raw.data, raw.size, &json, &call->error) != OK)
        return refused(call, call->error.code);
    if (json_object_get(json, "transaction") != NULL)
        return prepare_signed(client, call, json, prepared);
    return prepare_state(client, call, json, prepared);
}

/* --- transfer inside a channel ------------------------------------------------------------------ */
struct inside { struct hash channel; };
static const struct param inside_params[] = {
    PARAM(struct inside, channel, HASH, REQUIRED, "the channel to pay in"),
};

static enum status read_amount(struct network_call *call, const char *text, uint64_t *amount)
{
    uint64_t value = 0;

    for (const char *at = text; *at != '\0'; at++) {
        if (*at < '0' || *at > '9' || value > INTEGER_MAX / 10)
            return error_set(&call->error, ERROR_INVALID_PARAMS, "amount: 1 … 2^53 − 1 is expected");
        value = 10 * value + (uint64_t)(*at - '0');
    }
    if (value == 0 || value > INTEGER_MAX)
        return error_set(&call->error, ERROR_INVALID_PARAMS, "amount: 1 … 2^53 − 1 is expected");
    *amount = value;
    return OK;
}

/* Which of the channel's assets; without a name the first, when there is no other. */
static enum status find_asset(struct network_call *call, struct database *reader,
                              const struct channel_fixed *fixed, const char *name, unsigned *asset)
{
    if (name == NULL && fixed->asset_count == 1) {
        *asset = 0;
        return OK;
    }
    for (*asset = 0; name != NULL && *asset < fixed->asset_count; ++*asset) {
        const struct asset_id *id = &fixed->assets[*asset];
        struct statement *s = statement(reader, "SELECT 1 AS found FROM asset WHERE id = ?1"
                                                " AND (symbol = ?2 OR lower(hex(id)) = ?2)");

        bind_blob(s, id->bytes, sizeof(id->bytes));
        bind_text(s, name);
        if (!statement_row(s))
            continue;
        statement_finish(s);
        return OK;
    }
    return error_set(&call->error, ERROR_INVALID_PARAMS, "asset: one of the channel's is expected");
}

/* Takes it out of the payer's simple entries; they stay, empty or not, where they stand. */
static bool take_from(struct channel_state *state, unsigned asset, const struct account_id *payer,
                      uint64_t amount)
{
    for (size_t i = 0; i < state->allocation_count && amount > 0; i++) {
        struct allocation *a = &state->allocations[i];
        uint64_t part;

        if (a->kind != ALLOCATION_SIMPLE || a->asset != asset || !account_equal(&a->account, payer))
            continue;
        part = a->amount < amount ? a->amount : amount;
        a->amount -= part;
        amount -= part;
    }
    return amount == 0;
}

static void give_to(struct channel_state *state, unsigned asset, const struct account_id *payee,
                    uint64_t amount)
{
    for (size_t i = 0; i < state->allocation_count; i++) {
        struct allocation *a = &state->allocations[i];

        if (a->kind == ALLOCATION_SIMPLE && a->asset == asset && account_equal(&a->account, payee)) {
            a->amount += amount;
            return;
        }
    }
    (void)channel_outcome_add(state, &(struct allocation){ .kind = ALLOCATION_SIMPLE, .asset = asset,
                                                           .amount = amount, .account = *payee });
}

/* The state behind the one that counts. */
static enum status pay_in(struct channel_client *client, struct network_call *call,
                          const struct local_channel *c,
                          unsigned asset, const struct account_id *payee, uint64_t amount,
                          struct channel_state *next)
{
    int payer = channel_participant(&c->fixed, &client->account);

    if (payer < 0)
        return error_set(&call->error, ERROR_INVALID_PARAMS, "channel: %s takes no part in it",
                         client->address);
    if (channel_participant(&c->fixed, payee) < 0 || account_equal(payee, &client->account))
        return error_set(&call->error, ERROR_INVALID_PARAMS,
                         "to: another participant of the channel is expected");
    if (c->phase != PHASE_RUNNING || !c->has_supported)
        return error_set(&call->error, ERROR_NETWORK_REJECTED, "the channel is %s",
                         channel_phase_name(c->phase));
    if (c->has_staged)
        return error_set(&call->error, ERROR_NETWORK_BUSY, "turn %" PRIu64 " waits for signatures",
                         c->staged.state.turn);
    *next = c->supported.state;
    next->turn = c->next_turn;
    next->allocations = arena_new(call->arena, (next->allocation_count + 1) * sizeof(*next->allocations));
    memcpy(next->allocations, c->supported.state.allocations,
           next->allocation_count * sizeof(*next->allocations));
    if (!take_from(next, asset, &client->account, amount))
        return error_set(&call->error, ERROR_NETWORK_REJECTED, "%s has less than that in the channel",
                         client->address);
    give_to(next, asset, payee, amount);
    if (channel_state_check(&c->fixed, next, &call->error) != OK ||
        c->application->next_ok(&c->fixed, &c->supported.state, next, (size_t)payer, &call->error) != OK)
        return call->error.code = ERROR_NETWORK_REJECTED;
    return OK;
}

/* Of several transfers that are prepared in a row, each needs the state that the one before leads to. */
static enum status promise(struct channel_client *client, struct network_call *call,
                           const struct hash *channel,
                           uint64_t turn)
{
    int64_t now_us = clock_monotonic_us();
    bool waits = false;

    pthread_mutex_lock(&client->lock);
    for (size_t i = 0; i < PROMISES_MAX; i++) {
        const struct promise *p = &client->promises[i];

        waits |= hash_equal(&p->channel, channel) && p->turn == turn && p->until_us > now_us;
    }
    if (!waits)
        client->promises[client->promise_next++ % PROMISES_MAX] =
            (struct promise){ *channel, turn, now_us + PROMISE_US };
    pthread_mutex_unlock(&client->lock);
    if (waits)
        return error_set(&call->error, ERROR_NETWORK_BUSY, "another payment of the link has turn %" PRIu64,
                         turn);
    return OK;
}

static enum status next_state(struct channel_client *client, struct network_call *call,
                              struct database *reader,
                              const struct network_write *write, const struct hash *id,
                              struct channel_state *next)
{
    struct local_channel *c = arena_new(call->arena, sizeof(*c));
    struct account_id payee;
    uint64_t amount;
    unsigned asset;

    if (write->to == NULL || !address_decode(&payee, write->to, strlen(write->to)))
        return error_set(&call->error, ERROR_INVALID_PARAMS, "to: an address is expected");
    TRY(read_amount(call, write->amount, &amount));
    if (!local_read(reader, id, call->arena, c))
        return error_set(&call->error, ERROR_NETWORK_NOT_FOUND,
                         "channel: this node does not take part in it");
    TRY(find_asset(call, reader, &c->fixed, write->asset, &asset));
    return pay_in(client, call, c, asset, &payee, amount, next);
}

static enum status prepare_inside(struct channel_client *client, struct network_call *call,
                                  const struct network_write *write, struct network_prepared *prepared)
{
    struct buffer text CLEANUP(buffer_close) = { 0 };
    struct buffer hex CLEANUP(buffer_close) = { 0 };
    struct written written = { .kind = WRITTEN_STATE };
    json_t *options AUTO_JSON = NULL;
    json_t *json AUTO_JSON = NULL;
    struct channel_state next;
    struct database *reader;
    enum status status;
    char id[2 * sizeof(written.channel.bytes) + 1];
    void *parsed;

    if (json_parse(write->options, strlen(write->options), &options, &call->error) != OK ||
        params_parse(inside_params, COUNT_OF(inside_params), sizeof(struct inside), options,
                     kernel_chain(client->kernel), call->arena, &parsed, &call->error) != OK)
        return refused(call, call->error.code);
    if (write->fee != NULL)
        return error_set(&call->error, ERROR_INVALID_PARAMS, "fee: inside a channel there are none");
    written.channel = ((const struct inside *)parsed)->channel;
    TRY(client_read(client, &reader, &call->error));
    status = next_state(client, call, reader, write, &written.channel, &next);
    if (client_read_done(client, reader, &call->error) != OK)
        return ERROR_STORAGE;
    TRY(status);
    TRY(promise(client, call, &written.channel, next.turn));
    written.turn = next.turn;
    channel_state_hash(&written.channel, &next, &written.hash);
    channel_state_encode(&next, &text);
    buffer_append_hex(&hex, text.data, text.size);
    hex_text(id, written.channel.bytes, sizeof(written.channel.bytes));
    json = json_pack("{s:s, s:s, s:s}", "channel", id, "signer", client->address, "state", buffer_text(&hex));
    return finish(call, json, &written, prepared);
}

/* --- transfer over channels --------------------------------------------------------------------- */
static enum status prepare_payment(struct channel_client *client, struct network_call *call,
                                   const struct network_write *write, struct network_prepared *prepared)
{
    struct written written = { .kind = WRITTEN_PAYMENT };
    struct bolt11 *invoice = arena_new(call->arena, sizeof(*invoice));
    json_t *json AUTO_JSON = NULL;
    uint64_t amount, fee;

    if (write->to == NULL ||
        bolt11_decode(write->to, strlen(write->to), call->arena, invoice, &call->error) != OK)
        return error_set(&call->error, ERROR_INVALID_PARAMS,
                         "to: an invoice of this chain is expected; or name the channel to pay in "
                         "by options");
    TRY(read_amount(call, write->amount, &amount));
    if (invoice->has_amount && invoice->amount_msat != amount)
        return error_set(&call->error, ERROR_INVALID_PARAMS, "amount: the invoice is for %" PRIu64,
                         invoice->amount_msat);
    if (write->asset != NULL)
        return error_set(&call->error, ERROR_INVALID_PARAMS, "asset: the invoice names it");
    written.hash = invoice->payment_hash;
    json = json_pack("{s:s, s:s}", "invoice", write->to, "payer", client->address);
    if (!invoice->has_amount)
        json_object_set_new(json, "amount", json_integer((json_int_t)amount));
    if (write->fee != NULL) {
        TRY(read_amount(call, write->fee, &fee));
        json_object_set_new(json, "fee_limit", json_integer((json_int_t)fee));
    }
    return finish(call, json, &written, prepared);
}

enum status channel_network_prepare(void *context, struct network_call *call,
                                    const struct network_write *write,
                                    struct network_prepared *prepared)
{
    struct channel_client *client = context;

    if (write->kind == WRITE_SUBMIT)
        return prepare_submit(client, call, write->raw, prepared);
    if (!client->has_account)
        return error_set(&call->error, ERROR_NETWORK_NOT_SUPPORTED, "the link has no key to pay with");
    if (write->memo != NULL)
        return error_set(&call->error, ERROR_INVALID_PARAMS, "memo: channels take none");
    return write->options != NULL ? prepare_inside(client, call, write, prepared)
                                  : prepare_payment(client, call, write, prepared);
}

/* --- sending ------------------------------------------------------------------------------------ */
/* What came of a command: what it says of itself is for good; of the node, for now. */
static enum status settle(struct network_call *call, enum status status, struct network_sent *sent)
{
    if (status == OK) {
        sent->outcome = SEND_ACCEPTED;
        return OK;
    }
    if (status == ERROR_BUSY)
        return call->error.code = ERROR_NETWORK_BUSY;
    if (status == ERROR_STORAGE || status == ERROR_STOPPING || status == ERROR_KEYSTORE_LOCKED)
        return status;
    sent->outcome = SEND_REJECTED;
    sent->reason = client_text(call, "%s: %s", status_name(status), call->error.message);
    return OK;
}

static enum status run_local(struct channel_client *client, struct network_call *call, const char *method,
                             const json_t *params, struct buffer *result)
{
    struct database *reader;
    struct error error;
    enum status status;

    TRY(client_reader_take(client, &reader, &call->error));
    status = kernel_submit_local(client->kernel, reader, method, params, result, &call->error);
    if (database_failure(reader, &error) == OK)
        client_reader_give(client, reader);
    else
        database_close(reader);
    return status;
}

/* channel.update says it again as often as there are signatures: the first stages the state. */
static enum status say(struct channel_client *client, struct network_call *call, const struct hash *id,
                       const struct channel_state *state, const char *signer, const char *signature)
{
    struct buffer text CLEANUP(buffer_close) = { 0 };
    struct buffer result CLEANUP(buffer_close) = { 0 };
    json_t *params AUTO_JSON = NULL;
    struct writer w;

    writer_init(&w, &text);
    writer_object_begin(&w);
    writer_member_hex(&w, "channel", id->bytes, sizeof(id->bytes));
    writer_member_unsigned(&w, "turn", state->turn);
    writer_member_boolean(&w, "final", state->final);
    writer_key(&w, "outcome");
    outcome_write(&w, state);
    writer_member_hex(&w, "data", state->data.data, state->data.size);
    writer_member_text(&w, "signer", signer);
    if (signature != NULL)
        writer_member_text(&w, "signature", signature);
    writer_object_end(&w);
    writer_finish(&w);
    TRY(json_parse((const char *)text.data, text.size, &params, &call->error));
    TRY(run_local(client, call, "channel.update", params, &result));
    if (strstr(buffer_text(&result), "\"refused\"") != NULL)
        return error_set(&call->error, ERROR_EQUIVOCATION,
                         "another state of turn %" PRIu64 " has this signature",
                         state->turn);
    return OK;
}

static enum status say_all(struct channel_client *client, struct network_call *call, const json_t *json,
                           const struct hash *id, const struct channel_state *state)
{
    const json_t *signer = json_object_get(json, "signer"), *each;
    size_t index;

    if (signer != NULL)
        return say(client, call, id, state, json_string_value(signer), NULL);
    json_array_foreach(json_object_get(json, "signatures"), index, each)
        TRY(say(client, call, id, state, json_string_value(json_object_get(each, "key")),
                json_string_value(json_object_get(each, "signature"))));
    return OK;
}

static enum status send_state(struct channel_client *client, struct network_call *call, const json_t *json)
{
    const char *channel = json_string_value(json_object_get(json, "channel"));
    const char *hex = json_string_value(json_object_get(json, "state"));
    size_t size = strlen(hex) / 2;
    uint8_t *bytes = arena_new(call->arena, size + 1);
    struct channel_state state;
    struct hash id;

    INVARIANT(hex_decode(bytes, size, hex, 2 * size) &&
                  hex_decode(id.bytes, sizeof(id.bytes), channel, strlen(channel)),
              "a state of our own that is no hex");
    TRY(channel_state_decode(bytes_of(bytes, size), call->arena, &state, &call->error));
    return say_all(client, call, json, &id, &state);
}

enum status channel_network_send(void *context, struct network_call *call,
                                 const struct network_prepared *prepared, struct network_sent *sent)
{
    struct channel_client *client = context;
    json_t *json AUTO_JSON = NULL;
    enum status status;

    sent->transaction = prepared->transaction;
    TRY(json_parse((const char *)prepared->raw.data, prepared->raw.size, &json, &call->error));
    if (json_object_get(json, "transaction") != NULL)
        status = kernel_submit_signed(client->kernel, json, NULL, &call->error);
    else if (json_object_get(json, "invoice") != NULL)
        status = run_local(client, call, "payment.send", json, NULL);
    else
        status = send_state(client, call, json);
    return settle(call, status, sent);
}
