/* rollup_batch: signed transfers of a rollup from the socket into durable, proposed batches. Clients pipeline
 * rollup.submit to a real layerd that operates the rollup; every BIP-340 signature is verified, every
 * transaction is durable before it is answered, then executed in a batch of 1,000, published and proposed on
 * the base ledger. The clock runs from the first byte sent until the batch of the last one is committed. Seen
 * against how many signatures libsecp256k1 alone verifies on one core in the same minutes.
 *
 *   bench_rollup_batch DIRECTORY LAYERD */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/memory.h"
#include "daemon_process.h"
#include "layer2/rollup/item.h"
#include "load.h"
#include "measure.h"
#include "wire.h"

#define BENCH "rollup_batch"
#define CONNECTIONS 8
#define SENDERS (SIGNER_ACCOUNTS / CONNECTIONS) /* of one connection */
#define WINDOW 512
#define REFILL 128
#define TRANSFERS 4000    /* of one connection and repetition: 500 of each sender wait at most */
#define DEPOSIT 1000000000
#define BOND_FUNDS "1000000000000"
#define PATIENCE_S 60.0

struct bench {
    struct daemon_process daemon;
    struct signer signer;
    int calls, events;          /* sockets */
    struct buffer input;        /* of the events */
    uint64_t domain;
    struct hash rollup;
    uint32_t indices[SIGNER_ACCOUNTS]; /* accounts inside */
    uint64_t nonces[SIGNER_ACCOUNTS];
};

/* --- setting up ------------------------------------------------------------------------------- */
/* An unsigned call; its result, the caller's. */
static json_t *call(const struct bench *b, const char *method, const char *params)
{
    char *line AUTO_FREE = text_format("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":%s}\n",
                                       method, params);
    char *reply AUTO_FREE = wire_call(b->calls, line, strlen(line));
    json_t *parsed AUTO_JSON = NULL;
    struct error error;
    json_t *result;

    if (json_parse(reply, strlen(reply), &parsed, &error) != OK ||
        (result = json_object_get(parsed, "result")) == NULL)
        fatal("%s: %s", method, reply);
    return json_incref(result);
}

static void create(struct bench *b)
{
    json_t *info AUTO_JSON = call(b, "node.info", "{}"), *made AUTO_JSON = NULL, *result;
    const char *node = json_string_value(json_object_get(info, "account"));
    char *faucet AUTO_FREE = text_format("{\"amount\":" BOND_FUNDS ",\"to\":\"%s\"}", node);
    char *terms AUTO_FREE = text_format("{\"assets\":[{\"asset\":\"" SIGNER_ASSET "\"}],\"bond\":1,"
                                        "\"bond_asset\":\"DEV\",\"operator\":\"%s\"}", node);
    struct error error;
    char *reply AUTO_FREE = NULL;
    const char *id;

    free(signer_call(&b->signer, b->calls, 0, "dev.faucet", faucet));
    reply = signer_call(&b->signer, b->calls, 0, "rollup.create", terms);
    if (json_parse(reply, strlen(reply), &made, &error) != OK)
        fatal("rollup.create: %s", reply);
    result = json_object_get(json_object_get(made, "result"), "result");
    id = json_string_value(json_object_get(result, "rollup"));
    b->domain = (uint64_t)json_integer_value(json_object_get(result, "domain"));
    if (id == NULL || !hex_decode(b->rollup.bytes, sizeof(b->rollup.bytes), id, strlen(id)))
        fatal("rollup.create: %s", reply);
}

/* Waits until the accounts inside are there, and learns which is whose. */
static void learn_indices(struct bench *b)
{
    int64_t begin = now_ns();

    for (unsigned i = 0; i < SIGNER_ACCOUNTS; i++) {
        char *line AUTO_FREE = text_format("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"rollup.account\","
                                           "\"params\":{\"domain\":%" PRIu64 ",\"key\":\"%s\"}}\n",
                                           b->domain, b->signer.addresses[i]);
        char *reply AUTO_FREE = wire_call(b->calls, line, strlen(line));
        json_t *parsed AUTO_JSON = NULL, *index;
        struct error error;

        if (json_parse(reply, strlen(reply), &parsed, &error) != OK)
            fatal("rollup.account: %s", reply);
        index = json_object_get(json_object_get(parsed, "result"), "account");
        if (json_is_integer(index)) {
            b->indices[i] = (uint32_t)json_integer_value(index);
            continue;
        }
        if (seconds_since(begin) > PATIENCE_S)
            fatal("rollup.account: %s", reply);
        usleep(20000);
        i--;
    }
}

static void fill(struct bench *b)
{
    char *deposit AUTO_FREE = text_format("{\"amount\":%d,\"asset\":\"" SIGNER_ASSET "\",\"domain\":%" PRIu64
                                          "}", DEPOSIT, b->domain);
    char *policy AUTO_FREE = text_format("{\"domain\":%" PRIu64 ",\"batch_time\":\"200ms\"}", b->domain);

    for (unsigned i = 0; i < SIGNER_ACCOUNTS; i++)
        free(signer_call(&b->signer, b->calls, i, "rollup.deposit", deposit));
    json_decref(call(b, "rollup.sequencer", policy));
    learn_indices(b);
}

/* --- lines ------------------------------------------------------------------------------------ */
static void sign_transfer(struct bench *b, unsigned from, unsigned to, uint64_t id,
                          struct signed_lines *lines, size_t i)
{
    struct item item = { .kind = ITEM_TRANSFER, .from = b->indices[from], .nonce = b->nonces[from]++,
                         .output_count = 1, .outputs = { { b->indices[to], 1 } } };
    struct buffer bytes CLEANUP(buffer_close) = { 0 };

    transaction_digest(&item, &b->rollup);
    if (!schnorr_sign(b->signer.secrets[from], &item.digest, NULL, &item.signature))
        fatal("a transaction cannot be signed");
    rollup_transaction_encode(&item, &bytes);
    buffer_append_format(&lines->text,
                         "{\"jsonrpc\":\"2.0\",\"id\":%" PRIu64 ",\"method\":\"rollup.submit\","
                         "\"params\":{\"domain\":%" PRIu64 ",\"transaction\":\"", id, b->domain);
    buffer_append_hex(&lines->text, bytes.data, bytes.size);
    buffer_append_text(&lines->text, "\"}}\n");
    lines->ends[i] = lines->text.size;
    lines->ids[i] = item.digest;
    lines->signatures[i] = item.signature;
    lines->senders[i] = from;
}

/* The transactions of an account go over one connection, in their order. */
static void sign_lines(struct bench *b, struct signed_lines lines[CONNECTIONS])
{
    for (unsigned c = 0; c < CONNECTIONS; c++) {
        lines[c] = (struct signed_lines){ .count = TRANSFERS };
        lines[c].ends = memory_array(TRANSFERS, sizeof(*lines[c].ends));
        lines[c].ids = memory_array(TRANSFERS, sizeof(*lines[c].ids));
        lines[c].signatures = memory_array(TRANSFERS, sizeof(*lines[c].signatures));
        lines[c].senders = memory_array(TRANSFERS, sizeof(*lines[c].senders));
        for (unsigned i = 0; i < TRANSFERS; i++) {
            unsigned from = c * SENDERS + i % SENDERS;
            unsigned to = (from + 1 + i % (SIGNER_ACCOUNTS - 1)) % SIGNER_ACCOUNTS;

            sign_transfer(b, from, to, i + 1, &lines[c], i);
        }
    }
}

/* --- batches ---------------------------------------------------------------------------------- */
static void subscribe(struct bench *b)
{
    static const char line[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"subscribe\",\"params\":"
                               "{\"from\":\"now\",\"types\":[\"rollup.sequenced\"]}}\n";

    b->events = wire_connect(b->daemon.events_path);
    free(wire_call(b->events, line, sizeof(line) - 1));
}

/* How many transactions the batches told of by now have that were not counted yet. */
static uint64_t count_lines(struct bench *b)
{
    uint64_t count = 0;
    char *at = (char *)b->input.data, *newline;

    while ((newline = memchr(at, '\n', b->input.size - (size_t)(at - (char *)b->input.data))) != NULL) {
        json_t *parsed AUTO_JSON = NULL, *data;
        struct error error;

        if (json_parse(at, (size_t)(newline - at), &parsed, &error) != OK)
            fatal("an event is no JSON");
        data = json_object_get(parsed, "data");
        count += (uint64_t)json_integer_value(json_object_get(data, "transactions"));
        at = newline + 1;
    }
    b->input.size -= (size_t)(at - (char *)b->input.data);
    memmove(b->input.data, at, b->input.size);
    return count;
}

static void wait_for_batches(struct bench *b, uint64_t transactions)
{
    uint64_t count = 0;
    int64_t begin = now_ns();

    while (count < transactions) {
        ssize_t got = read(b->events, buffer_reserve(&b->input, 65536), 65536);

        if (got <= 0 || seconds_since(begin) > PATIENCE_S)
            fatal("%" PRIu64 " of %" PRIu64 " transactions came into batches", count, transactions);
        b->input.size += (size_t)got;
        count += count_lines(b);
    }
    if (count > transactions)
        fatal("%" PRIu64 " transactions in batches, of %" PRIu64, count, transactions);
}

static double measure(struct bench *b, const struct signed_lines *lines)
{
    struct load load;
    int64_t begin;
    double rate;

    load_open(&load, b->daemon.calls_path, lines, CONNECTIONS, WINDOW, REFILL);
    begin = now_ns();
    load_run(&load, PATIENCE_S);
    wait_for_batches(b, CONNECTIONS * TRANSFERS);
    rate = CONNECTIONS * TRANSFERS / seconds_since(begin);
    load_close(&load);
    return rate;
}

int main(int argc, char **argv)
{
    struct samples rates = { 0 }, verify_rates = { 0 }, ratios = { 0 };
    struct samples workers_us = { 0 }, executor_us = { 0 };
    struct bench b = { 0 };
    char *directory AUTO_FREE = NULL;

    if (argc != 3)
        fatal("usage: bench_rollup_batch DIRECTORY LAYERD");
    directory = text_format("%s/node", argv[1]);
    daemon_process_start(&b.daemon, argv[2], directory);
    b.calls = wire_connect(b.daemon.calls_path);
    signer_open(&b.signer, b.calls);
    create(&b);
    fill(&b);
    subscribe(&b);
    for (int i = 0; i < REPETITIONS; i++) {
        struct signed_lines lines[CONNECTIONS];
        struct daemon_cpu before, after;
        double verify, rate;

        sign_lines(&b, lines);
        verify = signer_verify_rate(&b.signer, &lines[0]);
        before = daemon_process_cpu(&b.daemon);
        rate = measure(&b, lines);
        after = daemon_process_cpu(&b.daemon);
        verify = (verify + signer_verify_rate(&b.signer, &lines[0])) / 2;
        say("rollup_batch %d of %d: %.0f transactions/s; libsecp256k1 verifies %.0f/s", i + 1, REPETITIONS,
            rate, verify);
        samples_add(&rates, rate);
        samples_add(&verify_rates, verify);
        samples_add(&ratios, rate / verify);
        samples_add(&workers_us, (after.workers - before.workers) * 1e6 / (CONNECTIONS * TRANSFERS));
        samples_add(&executor_us, (after.executor - before.executor) * 1e6 / (CONNECTIONS * TRANSFERS));
        signed_lines_close(lines, CONNECTIONS);
    }
    metric(BENCH, "ratio_to_verify", samples_median(&ratios), "ratio", "higher");
    metric(BENCH, "transactions_per_second", samples_median(&rates), "1/s", "higher");
    metric(BENCH, "verify_per_second", samples_median(&verify_rates), "1/s", "higher");
    metric(BENCH, "worker_us_per_transaction", samples_median(&workers_us), "us", "lower");
    metric(BENCH, "executor_us_per_transaction", samples_median(&executor_us), "us", "lower");
    close(b.events);
    close(b.calls);
    daemon_process_stop(&b.daemon);
    signer_close(&b.signer);
    buffer_close(&b.input);
    return 0;
}
