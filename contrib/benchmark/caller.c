/* Calls that wait: see caller.h. */
#include "caller.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bech32.h"
#include "base/memory.h"
#include "crypto/asset.h"
#include "crypto/channel.h"
#include "crypto/hash.h"
#include "measure.h"

#define VERIFICATIONS 4000

/* --- calls ------------------------------------------------------------------------------------ */
struct waiting {
    struct work work;
    struct call call;
    struct kernel *kernel;
    const char *method;
    json_t *params;
    char *result;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool done;
};

static void waiting_done(struct call *call, enum status status, const struct error *error,
                         struct bytes result)
{
    struct waiting *w = call->context;

    if (status != OK)
        fatal("%s: %s", w->method, error->message);
    pthread_mutex_lock(&w->lock);
    w->result = text_copy_sized((const char *)result.data, result.size);
    w->done = true;
    pthread_cond_signal(&w->changed);
    pthread_mutex_unlock(&w->lock);
}

static void waiting_run(struct work *work, size_t worker)
{
    struct waiting *w = (struct waiting *)work;

    w->call = (struct call){ .caller = { .uid = -1, .gid = -1, .operator_ = true }, .done = waiting_done,
                             .context = w };
    kernel_call(w->kernel, worker, &w->call, w->method, w->params);
}

char *ask(struct kernel *kernel, const char *method, json_t *params)
{
    struct waiting w = {
        .work = { .run = waiting_run }, .kernel = kernel, .method = method, .params = params
    };

    pthread_mutex_init(&w.lock, NULL);
    pthread_cond_init(&w.changed, NULL);
    if (!workers_submit(kernel_workers(kernel), &w.work))
        fatal("the workers take no more");
    pthread_mutex_lock(&w.lock);
    while (!w.done)
        pthread_cond_wait(&w.changed, &w.lock);
    pthread_mutex_unlock(&w.lock);
    json_release(&params);
    return w.result;
}

void tell(struct kernel *kernel, const char *method, json_t *params)
{
    free(ask(kernel, method, params));
}

/* --- keys ------------------------------------------------------------------------------------- */
struct keystore *new_keystore(const char *directory)
{
    char *path AUTO_FREE = text_format("%s/keystore.json", directory);
    struct keystore *keystore;
    struct error error;

    if (keystore_open(path, &keystore, &error) != OK ||
        keystore_create(keystore, "of the benchmark", &error) != OK)
        fatal("no keystore: %s", error.message);
    return keystore;
}

struct account_id new_key(struct keystore *keystore, const char *name, struct secret_key *secret)
{
    struct account_id account;
    struct error error;

    secret_key_generate(secret);
    if (keystore_import(keystore, name, secret, &account, &error) != OK)
        fatal("no key: %s", error.message);
    return account;
}

double verify_rate(void)
{
    struct secret_key *secret CLEANUP(secret_free_pointer) = secret_new(sizeof(*secret));
    struct account_id account;
    struct signature signature;
    struct hash message = { { 1 } };
    int64_t begin;

    secret_key_generate(secret);
    if (!secret_key_account(secret, &account) || !schnorr_sign(secret, &message, NULL, &signature))
        fatal("the key does not sign");
    begin = now_ns();
    for (int i = 0; i < VERIFICATIONS; i++)
        if (!schnorr_verify(&account, message.bytes, sizeof(message.bytes), &signature))
            fatal("a good signature is refused");
    return VERIFICATIONS / seconds_since(begin);
}

/* --- channels --------------------------------------------------------------------------------- */
static json_t *hex_of(const void *data, size_t size)
{
    struct buffer text CLEANUP(buffer_close) = { 0 };

    buffer_append_hex(&text, data, size);
    return json_string(buffer_text(&text));
}

void open_channel(struct kernel *kernel, const struct channel_plan *plan, struct hash *id, char hex[65])
{
    struct channel_fixed fixed = { .participant_count = 2, .nonce = plan->nonce,
                                   .challenge_period_us = 3600000000, .dispute_limit_us = 3600000000,
                                   .asset_count = 1, .terms = plan->terms };
    struct buffer bytes CLEANUP(buffer_close) = { 0 };
    char addresses[2][ADDRESS_TEXT_MAX];

    snprintf(fixed.chain, sizeof(fixed.chain), "%s", kernel_chain(kernel));
    snprintf(fixed.application, sizeof(fixed.application), "%s", plan->application);
    memcpy(fixed.participants, plan->participants, sizeof(plan->participants));
    asset_id_from_symbol(&fixed.assets[0], fixed.chain, "DEV");
    for (int i = 0; i < 2; i++)
        address_encode(addresses[i], &plan->participants[i]);
    channel_fixed_encode(&fixed, &bytes);
    channel_id(&fixed, id);
    hex_text(hex, id->bytes, sizeof(id->bytes));
    tell(kernel, "channel.propose",
         json_pack("{s:o, s:s, s:o, s:[{s:s, s:I}, {s:s, s:I}]}", "fixed", hex_of(bytes.data, bytes.size),
                   "signer", addresses[0], "data", hex_of(plan->data.data, plan->data.size), "outcome",
                   "account", addresses[0], "amount", (json_int_t)plan->amounts[0], "account", addresses[1],
                   "amount", (json_int_t)plan->amounts[1]));
    tell(kernel, "channel.register",
         json_pack("{s:s, s:o}", "from", plan->funder, "fixed", hex_of(bytes.data, bytes.size)));
    tell(kernel, "channel.deposit",
         json_pack("{s:s, s:s, s:s, s:I}", "from", plan->funder, "channel", hex, "asset", "DEV", "amount",
                   (json_int_t)(plan->amounts[0] + plan->amounts[1])));
    tell(kernel, "channel.update", json_pack("{s:s, s:s}", "channel", hex, "signer", addresses[0]));
}
