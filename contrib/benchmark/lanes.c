/* Commands that follow each other: see lanes.h. */
#include "lanes.h"

#include <sys/stat.h>

#include "base/memory.h"
#include "caller.h"
#include "measure.h"

#define TERMS_SIZE 34     /* of a payment channel: layer2/channel/applications/payment.c */
#define HASH_LOCKS_MOST 483

/* --- runs ------------------------------------------------------------------------------------- */
static void accepted(struct call *call, enum status status, const struct error *error, struct bytes result)
{
    const struct lane *lane = call->context;

    (void)result;
    if (status != OK)
        fatal("%s: %s", lane->lanes->method, error->message);
}

static void lane_run(struct work *work, size_t worker)
{
    struct lane *lane = (struct lane *)work;
    struct lanes *l = lane->lanes;
    size_t i = atomic_fetch_add(&l->next, 1);
    json_t *params AUTO_JSON = NULL;

    if (i >= l->count)
        return;
    params = l->params(l->context, i);
    lane->call = (struct call){ .caller = { .uid = -1, .gid = -1, .operator_ = true }, .done = accepted,
                                .context = lane };
    kernel_call(l->node.kernel, worker, &lane->call, l->method, params);
}

static void start_next(struct lanes *l, struct lane *lane)
{
    lane->lanes = l;
    lane->work.run = lane_run;
    if (!workers_submit(kernel_workers(l->node.kernel), &lane->work))
        fatal("the workers take no more");
}

static void on_committed(void *context, const struct publication *p, int64_t at_ns)
{
    struct lanes *l = context;
    size_t ended = 0;

    (void)at_ns;
    pthread_mutex_lock(&l->lock);
    for (uint64_t i = 0; p->last >= p->first && i <= p->last - p->first; i++) {
        l->failed += p->entries[i].type == l->failed_type;
        ended += p->entries[i].type == l->ended_type;
    }
    for (size_t i = 0; i < ended; i++)
        start_next(l, &l->all[(l->ended + i) % l->at_once]);
    l->ended += ended;
    pthread_cond_signal(&l->changed);
    pthread_mutex_unlock(&l->lock);
}

double lanes_run(struct lanes *l, size_t count)
{
    int64_t begin = now_ns();

    l->count = count;
    atomic_store(&l->next, 0);
    pthread_mutex_lock(&l->lock);
    l->ended = 0;
    for (size_t i = 0; i < l->at_once; i++)
        start_next(l, &l->all[i]);
    while (l->ended < count && l->failed == 0)
        pthread_cond_wait(&l->changed, &l->lock);
    if (l->failed > 0)
        fatal("%s: %zu failed", l->method, l->failed);
    pthread_mutex_unlock(&l->lock);
    return (double)count / seconds_since(begin);
}

/* --- the node --------------------------------------------------------------------------------- */
void lanes_start(struct lanes *l, const char *directory, const struct module *const *modules, size_t faucets)
{
    if (mkdir(directory, 0700) != 0)
        fatal("%s cannot be made", directory);
    l->secret = secret_new(sizeof(*l->secret));
    l->keystore = new_keystore(directory);
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->changed, NULL);
    (void)new_key(l->keystore, "bank", l->secret);
    local_node_start(&l->node, &(struct local_node_options){ .directory = directory, .batch_size = 1024,
                                                             .modules = modules, .keystore = l->keystore,
                                                             .committed = on_committed, .context = l });
    for (size_t i = 0; i < faucets; i++)
        tell(l->node.kernel, "dev.faucet", json_pack("{s:s}", "from", "bank"));
}

void lanes_stop(struct lanes *l)
{
    local_node_stop(&l->node);
    keystore_close(l->keystore);
    secret_free(l->secret);
}

void lanes_open_channel(struct lanes *l, struct account_id first, struct account_id second, size_t nonce,
                        uint64_t funds)
{
    static const uint8_t zeros[8];
    uint8_t terms[TERMS_SIZE] = { 0 }; /* reserves 0 and 0, payments of 1 … funds */
    const struct channel_plan plan = { .application = "payment", .participants = { first, second },
                                       .nonce = nonce, .amounts = { funds, 0 }, .funder = "bank",
                                       .terms = bytes_of(terms, sizeof(terms)),
                                       .data = bytes_of(zeros, sizeof(zeros)) };
    struct hash id;
    char hex[65];

    put_be64(terms + 16, 1);
    put_be64(terms + 24, funds);
    terms[32] = HASH_LOCKS_MOST >> 8;
    terms[33] = HASH_LOCKS_MOST & 0xFF;
    open_channel(l->node.kernel, &plan, &id, hex);
}
