/* Drives a network's table from a test: one request a line on standard input, one answer a line. The real
 * transport, the real network, no daemon: what is tested is how a link speaks with its server.
 *
 *   {"do": "initialize", "network": "lnd", "options": {…}}      then connect, health_check, get_state,
 *   validate_state {claim}, prepare {write}, send {prepared}, status {prepared}, history {after, limit},
 *   fees {write}, verify_proof {proof}, generate_proof {claim}, request_payment {amount, asset, memo,
 *   expires_s, secret}, pay {order}, look_up {hash}
 * Each may have "timeout_ms" and "operation". Answers: {"status": "ok", …} or {"status": NAME, "message"}. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "crypto/hash.h"
#include "network/lightning/lightning.h"
#include "network/lightning/lightning_pay.h"
#include "network/taproot/taproot.h"
#include "network/transport/endpoint.h"

#define NO_OPERATION "00000000000000000000000000000000"

static const struct network *const networks[] = { &lightning_network, &lnd_network, &taproot_assets_network };
static const struct network *network;
static struct transport *transport;
static void *client;
static void *options;
static json_t *kept; /* the options' texts */

/* --- answers ---------------------------------------------------------------------------------- */
static void put_text(json_t *object, const char *name, const char *text)
{
    json_object_set_new(object, name, text == NULL ? json_null() : json_string(text));
}

static void put_json(json_t *object, const char *name, const char *text)
{
    json_t *value = text == NULL ? json_null() : json_loads(text, JSON_DECODE_ANY, NULL);

    INVARIANT(value != NULL, "'%s' is no JSON: %s", name, text);
    json_object_set_new(object, name, value);
}

static void put_number(json_t *object, const char *name, uint64_t number)
{
    json_object_set_new(object, name, json_integer((json_int_t)number));
}

static void put_hash(json_t *object, const char *name, const struct hash *hash)
{
    char hex[65];

    hex_text(hex, hash->bytes, sizeof(hash->bytes));
    put_text(object, name, hex);
}

static const char *text_of(const json_t *request, const char *name)
{
    return json_string_value(json_object_get(request, name));
}

static uint64_t number_of(const json_t *request, const char *name)
{
    return (uint64_t)json_integer_value(json_object_get(request, name));
}

static void read_hash(const json_t *request, const char *name, struct hash *hash)
{
    const char *hex = text_of(request, name);

    memset(hash, 0, sizeof(*hash));
    if (hex != NULL && !hex_decode(hash->bytes, sizeof(hash->bytes), hex, strlen(hex)))
        INVARIANT(false, "'%s' is no hash", name);
}

/* --- setting up ------------------------------------------------------------------------------- */
static enum status initialize(const json_t *request, struct error *error)
{
    const char *name = text_of(request, "network");
    const json_t *given = json_object_get(request, "options");
    struct network_setup setup = { .link = "link", .network = NETWORK_DEV, .transport = transport };

    network = NULL;
    for (size_t i = 0; i < COUNT_OF(networks); i++) {
        if (name != NULL && strcmp(networks[i]->name, name) == 0)
            network = networks[i];
    }
    INVARIANT(network != NULL, "no such network");
    kept = json_deep_copy(given);
    options = memory_new(network->options_size);
    for (size_t i = 0; i < network->option_count; i++) {
        const struct param *p = &network->options[i];
        const json_t *value = json_object_get(kept, p->name);
        void *at = (char *)options + p->offset;

        if (p->type == PARAM_INTEGER)
            *(uint64_t *)at = value == NULL ? p->fallback : (uint64_t)json_integer_value(value);
        else
            *(const char **)at = json_string_value(value);
    }
    setup.options = options;
    return network->initialize(&setup, &client, error);
}

/* --- reads ------------------------------------------------------------------------------------ */
static enum status put_greeting(struct network_call *call, json_t *answer)
{
    struct network_greeting greeting;

    TRY(network->connect(client, call, &greeting));
    put_text(answer, "chain", greeting.chain);
    put_text(answer, "version", greeting.version);
    put_text(answer, "account", greeting.account);
    put_json(answer, "details", greeting.details);
    return OK;
}

static enum status put_state(struct network_call *call, json_t *answer, bool brief)
{
    struct network_state state;

    TRY(brief ? network->health_check(client, call, &state) : network->get_state(client, call, &state));
    json_object_set_new(answer, "synced", json_boolean(state.synced));
    put_number(answer, "height", state.height);
    put_text(answer, "balance", state.balance);
    put_json(answer, "details", state.details);
    return OK;
}

static void put_verdict(json_t *answer, const struct network_verdict *verdict)
{
    static const char *const verdicts[] = { "valid", "invalid", "unverifiable" };
    static const char *const anchors[] = { "none", "work", "federation", "signature", "checkpoint", "node" };

    put_text(answer, "verdict", verdicts[verdict->verdict]);
    put_text(answer, "anchor", anchors[verdict->anchor]);
    put_text(answer, "reason", verdict->reason);
    put_json(answer, "details", verdict->details);
}

static const char *const states[] = { "unknown", "pending", "confirmed", "failed" };

static enum status put_history(struct network_call *call, const json_t *request, json_t *answer)
{
    struct network_history history;
    json_t *entries = json_array();

    json_object_set_new(answer, "entries", entries);
    TRY(network->get_transaction_history(client, call, text_of(request, "after"), number_of(request, "limit"),
                                         &history));
    for (size_t i = 0; i < history.count; i++) {
        const struct network_entry *e = &history.entries[i];
        json_t *entry = json_object();

        put_text(entry, "transaction", e->transaction);
        put_text(entry, "kind", e->kind);
        put_text(entry, "amount", e->amount);
        put_text(entry, "state", states[e->state]);
        put_number(entry, "time_s", e->time_s);
        json_array_append_new(entries, entry);
    }
    put_text(answer, "next", history.next);
    return OK;
}

/* --- writes ----------------------------------------------------------------------------------- */
static void read_write(const json_t *given, struct network_write *write)
{
    const char *kind = text_of(given, "kind"), *raw = text_of(given, "raw");

    INVARIANT(kind != NULL, "a write has a kind");
    *write = (struct network_write){
        .kind = strcmp(kind, "issue") == 0 ? WRITE_ISSUE
                : strcmp(kind, "transfer") == 0 ? WRITE_TRANSFER : WRITE_SUBMIT,
        .raw = raw == NULL ? bytes_of(NULL, 0) : bytes_of_text(raw), .symbol = text_of(given, "symbol"),
        .title = text_of(given, "title"), .decimals = (unsigned)number_of(given, "decimals"),
        .amount = text_of(given, "amount"), .asset = text_of(given, "asset"), .to = text_of(given, "to"),
        .memo = text_of(given, "memo"), .fee = text_of(given, "fee"), .options = text_of(given, "options") };
}

static enum status put_prepared(struct network_call *call, const json_t *request, json_t *answer)
{
    json_t *told = json_object();
    struct network_prepared prepared;
    struct network_write write;

    json_object_set_new(answer, "prepared", told);
    read_write(json_object_get(request, "write"), &write);
    TRY(network->prepare(client, call, &write, &prepared));
    put_text(told, "transaction", prepared.transaction);
    put_text(told, "label", prepared.label);
    json_object_set_new(told, "raw", json_stringn((const char *)prepared.raw.data, prepared.raw.size));
    put_json(told, "details", prepared.details);
    return OK;
}

static void read_prepared(struct network_call *call, const json_t *request, struct network_prepared *prepared)
{
    const json_t *given = json_object_get(request, "prepared"), *details = json_object_get(given, "details");
    char *text AUTO_FREE = details == NULL ? NULL : json_dumps(details, JSON_COMPACT);
    const char *raw = text_of(given, "raw");

    *prepared = (struct network_prepared){ .transaction = text_of(given, "transaction"),
                                           .label = text_of(given, "label"),
                                           .raw = raw == NULL ? bytes_of(NULL, 0) : bytes_of_text(raw) };
    if (text != NULL)
        prepared->details = arena_text(call->arena, text, strlen(text));
}

static enum status put_sent(struct network_call *call, const json_t *request, json_t *answer)
{
    static const char *const outcomes[] = { "accepted", "rejected", "ambiguous" };
    struct network_prepared prepared;
    struct network_sent sent;

    read_prepared(call, request, &prepared);
    TRY(network->send(client, call, &prepared, &sent));
    put_text(answer, "outcome", outcomes[sent.outcome]);
    put_text(answer, "transaction", sent.transaction);
    put_text(answer, "asset", sent.asset);
    put_text(answer, "reason", sent.reason);
    put_json(answer, "details", sent.details);
    return OK;
}

static enum status put_status(struct network_call *call, const json_t *request, json_t *answer)
{
    struct network_prepared prepared;
    struct network_status status;

    read_prepared(call, request, &prepared);
    TRY(network->check_transaction_status(client, call, &prepared, &status));
    put_text(answer, "state", states[status.state]);
    put_text(answer, "reason", status.reason);
    put_text(answer, "asset", status.asset);
    put_json(answer, "details", status.details);
    return OK;
}

static enum status put_fees(struct network_call *call, const json_t *request, json_t *answer)
{
    const json_t *given = json_object_get(request, "write");
    struct network_write write;
    struct network_fees fees;

    if (given != NULL)
        read_write(given, &write);
    TRY(network->estimate_fees(client, call, given == NULL ? NULL : &write, &fees));
    put_text(answer, "slow", fees.slow);
    put_text(answer, "normal", fees.normal);
    put_text(answer, "fast", fees.fast);
    put_text(answer, "total", fees.total);
    return OK;
}

static enum status put_payable(struct network_call *call, const json_t *request, json_t *answer)
{
    struct network_payment_request asked = {
        .amount = text_of(request, "amount"), .asset = text_of(request, "asset"),
        .memo = text_of(request, "memo"), .has_expiry = json_object_get(request, "expires_s") != NULL,
        .expires_s = number_of(request, "expires_s") };
    struct network_payable payable = { .invoice = NULL };

    read_hash(request, "secret", &asked.secret);
    TRY(network->request_payment(client, call, &asked, &payable));
    put_text(answer, "invoice", payable.invoice);
    put_text(answer, "address", payable.address);
    put_text(answer, "payment_hash", payable.payment_hash);
    put_text(answer, "label", payable.label);
    put_number(answer, "expires", payable.expires_s);
    return OK;
}

/* --- lightning_pay.h -------------------------------------------------------------------------- */
static void put_payment(json_t *answer, const struct lightning_payment *payment)
{
    static const char *const names[] = { "unknown", "pending", "complete", "failed" };

    put_text(answer, "state", names[payment->state]);
    if (payment->has_preimage)
        put_hash(answer, "preimage", &payment->preimage);
    put_text(answer, "reason", payment->reason);
}

static enum status run_lightning(const char *what, struct network_call *call, const json_t *request,
                                 json_t *answer)
{
    struct lightning_payment payment;
    struct hash hash;

    if (strcmp(what, "pay") == 0) {
        struct lightning_order order = {
            .invoice = text_of(request, "invoice"), .amount_msat = number_of(request, "amount_msat"),
            .max_delay = number_of(request, "max_delay"), .seconds = number_of(request, "seconds") };

        TRY(lightning_pay(network, client, call, &order, &payment));
        put_payment(answer, &payment);
        return OK;
    }
    INVARIANT(strcmp(what, "look_up") == 0, "'%s' is nothing to do", what);
    read_hash(request, "hash", &hash);
    TRY(lightning_look_up_payment(network, client, call, &hash, &payment));
    put_payment(answer, &payment);
    return OK;
}

/* --- one request ------------------------------------------------------------------------------ */
static enum status run(const char *what, struct network_call *call, const json_t *request, json_t *answer)
{
    struct network_verdict verdict;
    const char *proof;

    if (strcmp(what, "connect") == 0)
        return put_greeting(call, answer);
    if (strcmp(what, "health_check") == 0 || strcmp(what, "get_state") == 0)
        return put_state(call, answer, what[0] == 'h');
    if (strcmp(what, "prepare") == 0)
        return put_prepared(call, request, answer);
    if (strcmp(what, "send") == 0)
        return put_sent(call, request, answer);
    if (strcmp(what, "status") == 0)
        return put_status(call, request, answer);
    if (strcmp(what, "history") == 0)
        return put_history(call, request, answer);
    if (strcmp(what, "fees") == 0)
        return put_fees(call, request, answer);
    if (strcmp(what, "validate_state") == 0 || strcmp(what, "verify_proof") == 0) {
        TRY(what[0] == 'v' && what[1] == 'a'
                ? network->validate_state(client, call, text_of(request, "claim"), &verdict)
                : network->verify_proof(client, call, text_of(request, "proof"), &verdict));
        put_verdict(answer, &verdict);
        return OK;
    }
    if (strcmp(what, "generate_proof") == 0) {
        TRY(network->generate_proof(client, call, text_of(request, "claim"), &proof));
        put_text(answer, "proof", proof);
        return OK;
    }
    if (strcmp(what, "request_payment") == 0)
        return put_payable(call, request, answer);
    return run_lightning(what, call, request, answer);
}

static void answer_line(const char *line)
{
    json_t *request AUTO_JSON = json_loads(line, 0, NULL), *answer AUTO_JSON = json_object();
    const char *what = text_of(request, "do"), *operation = text_of(request, "operation");
    struct network_call call = { .operation = operation == NULL ? NO_OPERATION : operation, .attempt = 1 };
    struct arena arena;
    enum status status;
    char *text;

    INVARIANT(what != NULL, "a request says what to do");
    arena_init(&arena);
    call.arena = &arena;
    if (json_object_get(request, "timeout_ms") != NULL)
        call.waiting.deadline_us = clock_monotonic_us() + (int64_t)number_of(request, "timeout_ms") * 1000;
    status = strcmp(what, "initialize") == 0 ? initialize(request, &call.error)
                                             : run(what, &call, request, answer);
    put_text(answer, "status", status_name(status));
    if (status != OK)
        put_text(answer, "message", call.error.message);
    text = json_dumps(answer, JSON_COMPACT);
    puts(text);
    fflush(stdout);
    free(text);
    arena_close(&arena);
}

int main(void)
{
    char *line = NULL;
    size_t room = 0;

    crypto_start();
    transport = transport_start();
    while (getline(&line, &room, stdin) > 0)
        answer_line(line);
    free(line);
    if (client != NULL)
        network->release(client);
    free(options);
    json_decref(kept);
    transport_stop(transport);
    return 0;
}
