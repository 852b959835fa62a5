/* transfer: signed transfers end to end. Clients pipeline over the real socket of a real layerd; every
 * BIP-340 signature is verified, every transfer is durable before it is answered. Seen against how many
 * signatures libsecp256k1 alone verifies on one core in the same minutes.
 *
 *   bench_transfer DIRECTORY LAYERD */
#include <unistd.h>

#include "daemon_process.h"
#include "load.h"
#include "measure.h"
#include "wire.h"

#include "base/memory.h"

#define BENCH "transfer"
#define CONNECTIONS 8
#define WINDOW 512     /* requests of one connection that wait for a reply */
#define REFILL 128     /* sent at once */
#define TRANSFERS 7500 /* of one connection and repetition: more than fit into SECONDS on most machines */
#define SECONDS 2.5    /* of one repetition */
#define LATENCY_CALLS 4000
#define LATENCY_SECONDS 4.0

struct results {
    struct samples rates, verify_rates, ratios, io_us, workers_us, executor_us;
};

static void note_cpu(struct results *r, struct daemon_cpu before, struct daemon_cpu after,
                     double transactions)
{
    samples_add(&r->io_us, (after.io - before.io) * 1e6 / transactions);
    samples_add(&r->workers_us, (after.workers - before.workers) * 1e6 / transactions);
    samples_add(&r->executor_us, (after.executor - before.executor) * 1e6 / transactions);
}

static void measure_rate(const struct daemon_process *daemon, const struct signer *signer, struct results *r)
{
    struct signed_lines lines[CONNECTIONS];
    struct load load;
    double verify_before, verify_after, rate, verify;
    struct daemon_cpu cpu;

    signer_make(signer, lines, CONNECTIONS, TRANSFERS);
    verify_before = signer_verify_rate(signer, &lines[0]);
    load_open(&load, daemon->calls_path, lines, CONNECTIONS, WINDOW, REFILL);
    cpu = daemon_process_cpu(daemon);
    rate = load_run(&load, SECONDS);
    note_cpu(r, cpu, daemon_process_cpu(daemon), (double)load.answered);
    load_close(&load);
    verify_after = signer_verify_rate(signer, &lines[0]);
    verify = (verify_before + verify_after) / 2;
    samples_add(&r->rates, rate);
    samples_add(&r->verify_rates, verify);
    samples_add(&r->ratios, rate / verify);
    signed_lines_close(lines, CONNECTIONS);
    say("transfer %zu of %d: %.0f transactions/s; libsecp256k1 verifies %.0f/s", r->rates.count, REPETITIONS,
        rate, verify);
}

/* One client that asks, waits, and asks again. */
static void measure_latency(const struct daemon_process *daemon, const struct signer *signer)
{
    struct signed_lines lines;
    struct samples each_us = { 0 };
    struct load load;
    int64_t begin = now_ns();

    signer_make(signer, &lines, 1, LATENCY_CALLS);
    load_open(&load, daemon->calls_path, &lines, 1, 1, 1);
    while (load.answered < LATENCY_CALLS && seconds_since(begin) < LATENCY_SECONDS) {
        int64_t asked = now_ns();

        do
            load_step(&load, load.planned == load.answered, -1);
        while (load.answered < load.planned);
        samples_add(&each_us, (double)(now_ns() - asked) / 1000);
    }
    load_close(&load);
    signed_lines_close(&lines, 1);
    metric(BENCH, "latency_p50", samples_median(&each_us), "us", "lower");
    metric(BENCH, "latency_p99", samples_percentile(&each_us, 99), "us", "lower");
}

int main(int argc, char **argv)
{
    struct daemon_process daemon;
    struct results r = { 0 };
    struct signer signer;
    char *directory AUTO_FREE = NULL;
    int socket;

    if (argc != 3)
        fatal("usage: bench_transfer DIRECTORY LAYERD");
    directory = text_format("%s/node", argv[1]);
    daemon_process_start(&daemon, argv[2], directory);
    socket = wire_connect(daemon.calls_path);
    signer_open(&signer, socket);
    close(socket);
    for (int i = 0; i < REPETITIONS; i++)
        measure_rate(&daemon, &signer, &r);
    metric(BENCH, "ratio_to_verify", samples_median(&r.ratios), "ratio", "higher");
    metric(BENCH, "transactions_per_second", samples_median(&r.rates), "1/s", "higher");
    metric(BENCH, "verify_per_second", samples_median(&r.verify_rates), "1/s", "higher");
    metric(BENCH, "worker_us_per_transaction", samples_median(&r.workers_us), "us", "lower");
    metric(BENCH, "executor_us_per_transaction", samples_median(&r.executor_us), "us", "lower");
    metric(BENCH, "io_us_per_transaction", samples_median(&r.io_us), "us", "lower");
    measure_latency(&daemon, &signer);
    daemon_process_stop(&daemon);
    signer_close(&signer);
    return 0;
}
