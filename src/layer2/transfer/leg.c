/* What the legs share: see leg.h. */
#include "layer2/transfer/leg.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/bech32.h"
#include "base/json.h"
#include "crypto/hash.h"
#include "crypto/transaction.h"
#include "kernel/kernel.h"

#define DEV_DIVISOR 1000

static const struct leg_kind *const kinds[] = { &base_leg, &channel_leg, &evm_leg, &lightning_leg };

static bool is_of_kind(const char *place, const char *name, const char **link)
{
    size_t size = strlen(name);

    if (strncmp(place, name, size) != 0 || (place[size] != '\0' && place[size] != ':'))
        return false;
    *link = place[size] == ':' ? place + size + 1 : "";
    return true;
}

enum status leg_kind_of(const char *place, const struct leg_kind **kind, const char **link,
                        struct error *error)
{
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        if (!is_of_kind(place, kinds[i]->name, link))
            continue;
        if (kinds[i]->outside != ((*link)[0] != '\0'))
            return error_set(error, ERROR_TRANSFER_PLACE, "'%s': %s", place,
                             kinds[i]->outside ? "a link is named behind a colon" : "it has no links");
        *kind = kinds[i];
        return OK;
    }
    return error_set(error, ERROR_TRANSFER_PLACE,
                     "'%s': base, channel, evm:LINK or lightning:LINK is expected", place);
}

const struct leg_kind *leg_kind_known(const struct leg *leg)
{
    const struct leg_kind *kind;
    const char *link;
    enum status status = leg_kind_of(leg->place, &kind, &link, NULL);

    INVARIANT(status == OK, "a leg at '%s'", leg->place);
    return kind;
}

int64_t leg_window(enum node_network network, int64_t window_us)
{
    return network == NETWORK_DEV ? window_us / DEV_DIVISOR : window_us;
}

enum status leg_refuse(struct leg_work *work, const char *reason)
{
    char text[REASON_MAX];

    snprintf(text, sizeof(text), "%s", reason);
    return error_set(&work->error, ERROR_TRANSFER_LEG_REFUSED, "%s", text);
}

/* --- what this node signs --------------------------------------------------------------------- */
bool leg_signs_for(struct kernel *kernel, const struct account_id *account)
{
    struct account_id own = kernel_account(kernel);

    return account_equal(&own, account) || keystore_has(kernel_keystore(kernel), account);
}

static enum status encode(struct leg_work *work, const struct account_id *account, const char *method,
                          json_t *params, const char *purpose, int64_t valid_until_us, struct buffer *out,
                          struct hash *id)
{
    struct transaction t = { .account = *account, .chain = kernel_chain(work->kernel), .method = method,
                             .params = params, .valid_until_us = valid_until_us };
    struct tagged_hash h;
    struct hash salt;
    uint8_t side = (uint8_t)work->leg->side;

    tagged_hash_begin(&h, "layerd/transfer-salt");
    tagged_hash_add(&h, work->transfer->id.bytes, sizeof(work->transfer->id.bytes));
    tagged_hash_add(&h, &side, sizeof(side));
    tagged_hash_add(&h, purpose, strlen(purpose));
    tagged_hash_end(&h, &salt);
    memcpy(t.salt, salt.bytes, sizeof(t.salt));
    return transaction_encode(&t, out, id, &work->error);
}

enum status leg_transaction_id(struct leg_work *work, const struct account_id *account, const char *method,
                               json_t *params, const char *purpose, int64_t valid_until_us, struct hash *id)
{
    struct buffer canonical CLEANUP(buffer_close) = { 0 };

    return encode(work, account, method, params, purpose, valid_until_us, &canonical, id);
}

static enum status sign(struct leg_work *work, const struct account_id *account, const struct hash *id,
                        struct signature *signature)
{
    struct account_id own = kernel_account(work->kernel);
    char address[ADDRESS_TEXT_MAX];

    if (account_equal(&own, account)) {
        kernel_sign_own(work->kernel, id, signature);
        return OK;
    }
    if (kernel_keystore(work->kernel) == NULL)
        return error_set(&work->error, ERROR_KEY_NOT_FOUND, "this node keeps no keys");
    address_encode(address, account);
    return keystore_sign(kernel_keystore(work->kernel), address, id, signature, &work->error);
}

enum status leg_submit(struct leg_work *work, const struct account_id *account, const char *method,
                       json_t *params, const char *purpose, int64_t valid_until_us, struct buffer *result)
{
    struct buffer canonical CLEANUP(buffer_close) = { 0 };
    json_t *transaction AUTO_JSON = NULL;
    json_t *submission AUTO_JSON = NULL;
    struct signature signature;
    struct hash id;
    char hex[2 * sizeof(signature.bytes) + 1];

    TRY(encode(work, account, method, params, purpose, valid_until_us, &canonical, &id));
    TRY(sign(work, account, &id, &signature));
    TRY(json_parse((const char *)canonical.data, canonical.size, &transaction, &work->error));
    hex_text(hex, signature.bytes, sizeof(signature.bytes));
    submission = json_pack("{s:O, s:s}", "transaction", transaction, "signature", hex);
    return kernel_submit_signed(work->kernel, submission, result, &work->error);
}

/* --- tasks -------------------------------------------------------------------------------------- */
struct leg_task {
    struct kernel_task task; /* first, so that the executor's pointer is ours */
    leg_task_run *run;
    void *context;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool done;
    enum status status;
    struct error error;
};

static enum status run_task(struct kernel_task *task, struct execution *x)
{
    struct leg_task *t = (struct leg_task *)task;

    return t->run(x, t->context);
}

static void task_done(struct kernel_task *task, enum status status, const struct error *error)
{
    struct leg_task *t = (struct leg_task *)task;

    pthread_mutex_lock(&t->lock);
    t->status = status;
    if (status != OK)
        t->error = *error;
    t->done = true;
    pthread_cond_signal(&t->changed);
    pthread_mutex_unlock(&t->lock);
}

enum status leg_run(struct leg_work *work, leg_task_run *run, void *context)
{
    struct leg_task t = { .task = { .run = run_task, .done = task_done }, .run = run, .context = context };
    bool taken;

    pthread_mutex_init(&t.lock, NULL);
    pthread_cond_init(&t.changed, NULL);
    taken = kernel_submit_task(work->kernel, &t.task);
    pthread_mutex_lock(&t.lock);
    while (taken && !t.done)
        pthread_cond_wait(&t.changed, &t.lock);
    pthread_mutex_unlock(&t.lock);
    pthread_cond_destroy(&t.changed);
    pthread_mutex_destroy(&t.lock);
    if (!taken && kernel_stopping(work->kernel))
        return error_set(&work->error, ERROR_STOPPING, "the node is stopping");
    if (!taken)
        return error_set(&work->error, ERROR_BUSY, "too many commands wait already");
    if (t.status != OK)
        work->error = t.error;
    return t.status;
}
