/* Signed transfers, and what it costs to verify them: see signer.h. */
#include "signer.h"

#include <inttypes.h>
#include <pthread.h>
#include <secp256k1_schnorrsig.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"
#include "crypto/hash.h"
#include "crypto/transaction.h"
#include "measure.h"
#include "wire.h"

#define SUPPLY ((uint64_t)1 << 50)
#define SHARE (SUPPLY / SIGNER_ACCOUNTS)
#define PARAMS_MAX 256
#define VALID_FOR_US (3600 * MICROSECONDS_PER_SECOND)
#define VERIFY_SECONDS 0.5
#define VERIFIED_AT_ONCE 64 /* signatures between two looks at the clock */
#define THREADS_MAX 64

/* --- one line --------------------------------------------------------------------------------- */
/* Appends the request; `params` is canonical JSON. Each salt is used once. */
static void sign_line(const struct signer *signer, unsigned from, const char *method, const char *params,
                      uint64_t id, struct buffer *out, struct hash *transaction, struct signature *signature)
{
    static atomic_uint_fast64_t salt;
    size_t start;

    buffer_append_format(out,
                         "{\"jsonrpc\":\"2.0\",\"id\":%" PRIu64 ",\"method\":\"transaction.submit\","
                         "\"params\":{\"transaction\":",
                         id);
    start = out->size;
    buffer_append_format(
        out,
        "{\"account\":\"%s\",\"chain\":\"%s\",\"method\":\"%s\",\"params\":%s,\"salt\":\"%032" PRIx64
        "\",\"valid_until\":%" PRId64 "}",
        signer->addresses[from], signer->chain, method, params, (uint64_t)atomic_fetch_add(&salt, 1),
        signer->valid_until_us);
    transaction_id(transaction, out->data + start, out->size - start);
    if (!schnorr_sign(signer->secrets[from], transaction, NULL, signature))
        fatal("a transaction cannot be signed");
    buffer_append_text(out, ",\"signature\":\"");
    buffer_append_hex(out, signature->bytes, sizeof(signature->bytes));
    buffer_append_text(out, "\"}}\n");
}

/* --- the accounts ----------------------------------------------------------------------------- */
static void learn_chain(struct signer *signer, int socket)
{
    static const char line[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"node.info\"}\n";
    char *reply AUTO_FREE = wire_call(socket, line, sizeof(line) - 1);
    json_t *parsed AUTO_JSON = NULL;
    struct error error;
    const char *chain;

    if (json_parse(reply, strlen(reply), &parsed, &error) != OK ||
        (chain = json_string_value(json_object_get(json_object_get(parsed, "result"), "chain"))) == NULL)
        fatal("node.info: %s", reply);
    snprintf(signer->chain, sizeof(signer->chain), "%s", chain);
}

char *signer_call(const struct signer *signer, int socket, unsigned from, const char *method,
                  const char *params)
{
    struct buffer line CLEANUP(buffer_close) = { 0 };
    struct signature signature;
    struct hash id;
    char *reply;

    sign_line(signer, from, method, params, 1, &line, &id, &signature);
    reply = wire_call(socket, (const char *)line.data, line.size);
    if (strstr(reply, "\"repeated\":false") == NULL)
        fatal("%s: %s", method, reply);
    return reply;
}

static void fund(const struct signer *signer, int socket)
{
    struct buffer shares CLEANUP(buffer_close) = { 0 };
    char issue[PARAMS_MAX];

    snprintf(issue, sizeof(issue), "{\"amount\":%" PRIu64 ",\"symbol\":\"" SIGNER_ASSET "\"}", SUPPLY);
    free(signer_call(signer, socket, 0, "ledger.issue", issue));
    buffer_append_text(&shares, "{\"transfers\":[");
    for (size_t i = 1; i < SIGNER_ACCOUNTS; i++)
        buffer_append_format(&shares,
                             "%s{\"amount\":%" PRIu64 ",\"asset\":\"" SIGNER_ASSET "\",\"to\":\"%s\"}",
                             i == 1 ? "" : ",", SHARE, signer->addresses[i]);
    buffer_append_text(&shares, "]}");
    free(signer_call(signer, socket, 0, "ledger.transfer_batch", buffer_text(&shares)));
}

void signer_open(struct signer *signer, int socket)
{
    *signer = (struct signer){ .valid_until_us = clock_wall_us() + VALID_FOR_US };
    crypto_start();
    for (size_t i = 0; i < SIGNER_ACCOUNTS; i++) {
        signer->secrets[i] = secret_new(sizeof(*signer->secrets[i]));
        secret_key_generate(signer->secrets[i]);
        if (!secret_key_account(signer->secrets[i], &signer->accounts[i]))
            fatal("a key has no account");
        address_encode(signer->addresses[i], &signer->accounts[i]);
    }
    learn_chain(signer, socket);
    fund(signer, socket);
}

void signer_close(struct signer *signer)
{
    for (size_t i = 0; i < SIGNER_ACCOUNTS; i++)
        secret_free(signer->secrets[i]);
}

/* --- many lines ------------------------------------------------------------------------------- */
struct signing {
    const struct signer *signer;
    struct signed_lines *lines;
    size_t count, each;
    atomic_size_t next; /* connection that nobody signs for yet */
};

static void sign_connection(const struct signing *signing, size_t connection)
{
    const struct signer *signer = signing->signer;
    struct signed_lines *lines = &signing->lines[connection];
    char params[PARAMS_MAX];

    *lines = (struct signed_lines){ .count = signing->each };
    lines->ends = memory_array(signing->each, sizeof(*lines->ends));
    lines->ids = memory_array(signing->each, sizeof(*lines->ids));
    lines->signatures = memory_array(signing->each, sizeof(*lines->signatures));
    lines->senders = memory_array(signing->each, sizeof(*lines->senders));
    for (size_t i = 0; i < signing->each; i++) {
        unsigned from = (unsigned)((connection * 7 + i) % SIGNER_ACCOUNTS);
        unsigned to = (unsigned)((from + 1 + i % (SIGNER_ACCOUNTS - 1)) % SIGNER_ACCOUNTS);

        snprintf(params, sizeof(params), "{\"amount\":1,\"asset\":\"" SIGNER_ASSET "\",\"to\":\"%s\"}",
                 signer->addresses[to]);
        sign_line(signer, from, "ledger.transfer", params, i + 1, &lines->text, &lines->ids[i],
                  &lines->signatures[i]);
        lines->ends[i] = lines->text.size;
        lines->senders[i] = from;
    }
}

static void *sign_main(void *context)
{
    struct signing *signing = context;
    size_t connection;

    while ((connection = atomic_fetch_add(&signing->next, 1)) < signing->count)
        sign_connection(signing, connection);
    return NULL;
}

void signer_make(const struct signer *signer, struct signed_lines *lines, size_t count, size_t each)
{
    struct signing signing = { .signer = signer, .lines = lines, .count = count, .each = each };
    pthread_t threads[THREADS_MAX];
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    size_t used = cpus < 1 ? 1 : cpus > THREADS_MAX ? THREADS_MAX : (size_t)cpus;

    for (size_t i = 0; i < used; i++)
        if (pthread_create(&threads[i], NULL, sign_main, &signing) != 0)
            fatal("no thread for signing");
    for (size_t i = 0; i < used; i++)
        pthread_join(threads[i], NULL);
}

void signed_lines_close(struct signed_lines *lines, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        buffer_close(&lines[i].text);
        free(lines[i].ends);
        free(lines[i].ids);
        free(lines[i].signatures);
        free(lines[i].senders);
    }
}

/* --- the yardstick ---------------------------------------------------------------------------- */
double signer_verify_rate(const struct signer *signer, const struct signed_lines *lines)
{
    secp256k1_xonly_pubkey keys[SIGNER_ACCOUNTS];
    size_t verified = 0;
    int64_t begin;

    for (size_t i = 0; i < SIGNER_ACCOUNTS; i++)
        if (!secp256k1_xonly_pubkey_parse(secp256k1_context_static, &keys[i], signer->accounts[i].bytes))
            fatal("an account is no key");
    begin = now_ns();
    while (seconds_since(begin) < VERIFY_SECONDS) {
        for (size_t end = verified + VERIFIED_AT_ONCE; verified < end; verified++) {
            size_t i = verified % lines->count;

            if (!secp256k1_schnorrsig_verify(secp256k1_context_static, lines->signatures[i].bytes,
                                             lines->ids[i].bytes, sizeof(lines->ids[i].bytes),
                                             &keys[lines->senders[i]]))
                fatal("a signature is wrong");
        }
    }
    return (double)verified / seconds_since(begin);
}
