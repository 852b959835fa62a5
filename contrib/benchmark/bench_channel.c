/* channel: off-chain updates and vouchers, each durable before it is answered, against how many signatures
 * libsecp256k1 alone verifies on one core in the same minutes.
 *
 *   channel_update   two participants, both keys in the node's keystore: both signatures made, verified (by
 * the signer, before they leave it) and stored with the state in one command voucher          the payer's
 * signature was made elsewhere; the node verifies and keeps it
 *
 *   bench_channel DIRECTORY LAYERD (not used) */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/bech32.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"
#include "crypto/channel.h"
#include "crypto/hash.h"
#include "layer2/channel/channel.h"
#include "ledger/ledger.h"
#include "caller.h"
#include "local_node.h"
#include "measure.h"

#define UPDATES "channel_update"
#define VOUCHERS "voucher"
#define CHANNELS 256      /* each with one command under way */
#define FUNDS 1000000
#define SECONDS 2.5       /* of one repetition */
#define VOUCHERS_EACH 400 /* signed beforehand, of one channel and repetition */

struct bench;

struct lane {
    struct bench *bench;
    struct work work;
    struct call call;
    struct hash id;
    char hex[65];
    uint64_t round;    /* commands done in this repetition */
    uint64_t paid;     /* in all */
    char (*vouchers)[129];
};

struct bench {
    struct local_node node;
    struct keystore *keystore;
    struct secret_key *secrets[2];
    struct account_id accounts[2];
    char addresses[2][ADDRESS_TEXT_MAX];
    struct lane lanes[CHANNELS];
    bool vouchers;
    uint64_t base;     /* vouchers promised before this repetition */
    atomic_uint_fast64_t done;
    atomic_size_t under_way;
    int64_t until_ns;
    pthread_mutex_t lock;
    pthread_cond_t finished;
};

/* --- one call after the other on each lane ---------------------------------------------------- */
static void finish_one(struct bench *b)
{
    pthread_mutex_lock(&b->lock);
    if (atomic_fetch_sub(&b->under_way, 1) == 1)
        pthread_cond_signal(&b->finished);
    pthread_mutex_unlock(&b->lock);
}

static void lane_next(struct lane *lane)
{
    struct bench *b = lane->bench;
    bool more = now_ns() < b->until_ns && (!b->vouchers || lane->round < VOUCHERS_EACH);

    if (!more || !workers_submit(kernel_workers(b->node.kernel), &lane->work))
        finish_one(b);
}

static void call_done(struct call *call, enum status status, const struct error *error, struct bytes result)
{
    struct lane *lane = call->context;

    if (status != OK)
        fatal("a command was refused: %s", error->message);
    if (!lane->bench->vouchers && memmem(result.data, result.size, "\"supported\":true", 16) == NULL)
        fatal("an update was not countersigned");
    atomic_fetch_add(&lane->bench->done, 1);
    lane->round++;
    lane_next(lane);
}

static json_t *update_params(struct lane *lane)
{
    const struct bench *b = lane->bench;
    json_int_t paid = (json_int_t)++lane->paid; /* always in one direction: the other key signs by itself */

    return json_pack("{s:s, s:s, s:[{s:s, s:I}, {s:s, s:I}]}", "channel", lane->hex, "signer",
                     b->addresses[0], "outcome", "account", b->addresses[0], "amount",
                     (json_int_t)FUNDS - paid, "account", b->addresses[1], "amount",
                     (json_int_t)FUNDS + paid);
}

static void lane_run(struct work *work, size_t worker)
{
    struct lane *lane = (struct lane *)((char *)work - offsetof(struct lane, work));
    struct bench *b = lane->bench;
    json_t *params AUTO_JSON = NULL;

    lane->call = (struct call){ .caller = { .uid = -1, .gid = -1, .operator_ = true }, .done = call_done,
                                .context = lane };
    if (b->vouchers) {
        params = json_pack("{s:s, s:I, s:s}", "channel", lane->hex, "amount",
                           (json_int_t)(b->base + lane->round + 1), "signature", lane->vouchers[lane->round]);
        kernel_call(b->node.kernel, worker, &lane->call, "channel.voucher", params);
    } else {
        params = update_params(lane);
        kernel_call(b->node.kernel, worker, &lane->call, "channel.update", params);
    }
}

/* Commands a second of all lanes. */
static double run(struct bench *b, bool vouchers)
{
    int64_t begin = now_ns();

    b->vouchers = vouchers;
    b->until_ns = begin + (int64_t)(SECONDS * NANOSECONDS);
    atomic_store(&b->done, 0);
    atomic_store(&b->under_way, CHANNELS);
    for (size_t i = 0; i < CHANNELS; i++) {
        b->lanes[i].round = 0;
        b->lanes[i].work.run = lane_run;
        if (!workers_submit(kernel_workers(b->node.kernel), &b->lanes[i].work))
            fatal("the workers take no more");
    }
    pthread_mutex_lock(&b->lock);
    while (atomic_load(&b->under_way) > 0)
        pthread_cond_wait(&b->finished, &b->lock);
    pthread_mutex_unlock(&b->lock);
    return (double)atomic_load(&b->done) / seconds_since(begin);
}

/* --- making channels -------------------------------------------------------------------------- */
static void make_keys(struct bench *b, const char *directory)
{
    static const char *const names[2] = { "first", "second" };

    b->keystore = new_keystore(directory);
    for (int i = 0; i < 2; i++) {
        b->secrets[i] = secret_new(sizeof(struct secret_key));
        b->accounts[i] = new_key(b->keystore, names[i], b->secrets[i]);
        address_encode(b->addresses[i], &b->accounts[i]);
    }
}

static void open_lane(struct bench *b, size_t lane, const char *application)
{
    struct lane *l = &b->lanes[lane];
    const struct channel_plan plan = {
        .application = application, .participants = { b->accounts[0], b->accounts[1] }, .nonce = lane,
        .amounts = { FUNDS, strcmp(application, "voucher") == 0 ? 0 : FUNDS }, .funder = "first" };

    *l = (struct lane){ .bench = b };
    open_channel(b->node.kernel, &plan, &l->id, l->hex);
}

static void sign_vouchers(struct bench *b)
{
    for (size_t i = 0; i < CHANNELS; i++) {
        struct lane *l = &b->lanes[i];

        if (l->vouchers == NULL)
            l->vouchers = memory_array(VOUCHERS_EACH, sizeof(*l->vouchers));
        for (uint64_t k = 0; k < VOUCHERS_EACH; k++) {
            struct signature signature;
            struct hash hash;

            channel_voucher_hash(&l->id, b->base + k + 1, &hash);
            if (!schnorr_sign(b->secrets[0], &hash, NULL, &signature))
                fatal("the key does not sign");
            hex_text(l->vouchers[k], signature.bytes, sizeof(signature.bytes));
        }
    }
}

static void measure(struct bench *b, bool vouchers)
{
    const char *name = vouchers ? VOUCHERS : UPDATES;
    struct samples rates = { 0 }, ratios = { 0 };

    for (int i = 0; i < REPETITIONS; i++) {
        double before, rate, verify;

        if (vouchers)
            sign_vouchers(b);
        before = verify_rate();
        rate = run(b, vouchers);
        verify = (before + verify_rate()) / 2;
        b->base += VOUCHERS_EACH;
        samples_add(&rates, rate);
        samples_add(&ratios, rate / verify);
        say("%s %d of %d: %.0f/s; libsecp256k1 verifies %.0f/s", name, i + 1, REPETITIONS, rate, verify);
    }
    metric(name, "ratio_to_verify", samples_median(&ratios), "ratio", "higher");
    metric(name, "per_second", samples_median(&rates), "1/s", "higher");
}

static void run_kind(struct bench *b, const char *directory, bool vouchers)
{
    static const struct module *const modules[] = { &ledger_module, &channel_module, &channel_local_module,
                                                    NULL };

    if (mkdir(directory, 0700) != 0)
        fatal("%s cannot be made", directory);
    make_keys(b, directory);
    local_node_start(&b->node, &(struct local_node_options){ .directory = directory, .batch_size = 1024,
                                                             .modules = modules, .keystore = b->keystore });
    tell(b->node.kernel, "dev.faucet", json_pack("{s:s}", "from", "first"));
    for (size_t i = 0; i < CHANNELS; i++)
        open_lane(b, i, vouchers ? "voucher" : "consensus");
    measure(b, vouchers);
    local_node_stop(&b->node);
    keystore_close(b->keystore);
    for (int i = 0; i < 2; i++)
        secret_free(b->secrets[i]);
    for (size_t i = 0; i < CHANNELS; i++)
        free(b->lanes[i].vouchers);
}

int main(int argc, char **argv)
{
    static struct bench updates, promises;
    struct bench *kinds[2] = { &updates, &promises };

    if (argc != 3)
        fatal("usage: bench_channel DIRECTORY LAYERD");
    crypto_start();
    for (int i = 0; i < 2; i++) {
        char *directory AUTO_FREE = text_format("%s/%s", argv[1], i == 0 ? "updates" : "vouchers");

        pthread_mutex_init(&kinds[i]->lock, NULL);
        pthread_cond_init(&kinds[i]->finished, NULL);
        run_kind(kinds[i], directory, i == 1);
    }
    return 0;
}
