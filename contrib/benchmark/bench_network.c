/* network: operations on outside networks, from the node's socket to the event that says that they ended. A
 * real layerd has a link of every network there is; their servers are a process of their own
 * (network_servers.h). Its own channels are a network too, which asks nobody.
 *
 *   Latency: 100 health checks at once over the links, each answer held back for 100 ms, against one at a
 *   time. It is the operation that every network has, and one request to each server: that is counted.
 *   Overhead: the CPU time of the whole node (all threads, those that ended too) for a health check.
 *   Submissions: signed transactions from the socket to seven links of Stacks, each durable before its
 *   reply, prepared (decoded, its signature verified, its id computed), durable again, posted to its server,
 *   and what the server said durable too. The clock runs from the first byte sent until the last one's end
 *   is told to a subscriber.
 *
 *   bench_network DIRECTORY LAYERD */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/json.h"
#include "base/memory.h"
#include "crypto/hash.h"
#include "daemon_process.h"
#include "load.h"
#include "measure.h"
#include "network/stacks/wire.h"
#include "network_servers.h"
#include "wire.h"

#define BENCH "network"
#define AT_ONCE 100                 /* max-concurrency's default */
#define LATENCY_NS (NANOSECONDS / 10)
/* Links, and connections of each to its server: 100 operations over 8 links need 13; and as usual, 8. */
#define WIDE 'w'
#define WIDE_CONNECTIONS 16
#define USUAL 'u'
#define SUBMITTING 's'              /* as wide, to the servers that take transactions */
#define CHANNELS SERVER_KINDS       /* the link of a set that has no server: the node's own channels */
#define LINKS (SERVER_KINDS + 1)    /* in a set */
#define ALONE 2                     /* reads of each link one at a time, before and after those at once */
#define READS 8000                  /* without latency, in each repetition */
#define SUBMISSIONS 10000           /* in each repetition */
#define CLIENTS 4                   /* connections to the node's socket */
#define WINDOW 512
#define REFILL 64
#define PATIENCE_S 120.0
#define REFERENCE_GAIN 58           /* percent, as the reference design states it, without a method */

static const char *const link_names[LINKS] = {
    [SERVER_BOB] = "bob", [SERVER_ROOTSTOCK] = "rootstock", [SERVER_LIQUID] = "liquid",
    [SERVER_CORE_LIGHTNING] = "core_lightning", [SERVER_LND] = "lnd", [SERVER_STACKS] = "stacks",
    [SERVER_TAPD] = "taproot_assets", [CHANNELS] = "state_channel"
};

struct bench {
    struct daemon_process daemon;
    struct network_servers servers;
    int calls, events;  /* sockets */
    struct buffer input; /* of the events */
    uint64_t nonce;
};

/* --- the node ----------------------------------------------------------------------------------- */
/* A call that is no transaction; it must not fail. */
static void call(const struct bench *b, const char *method, const char *params)
{
    char *line AUTO_FREE = text_format("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":%s}\n",
                                       method, params);
    char *reply AUTO_FREE = wire_call(b->calls, line, strlen(line));

    if (strstr(reply, "\"result\"") == NULL)
        fatal("%s: %s", method, reply);
}

/* Of the whole process, its ended threads among them. */
static double cpu_seconds(const struct bench *b)
{
    struct timespec used;
    clockid_t clock;

    if (clock_getcpuclockid(b->daemon.process, &clock) != 0 || clock_gettime(clock, &used) != 0)
        fatal("layerd is gone: see %s/output", b->daemon.directory);
    return (double)used.tv_sec + (double)used.tv_nsec / NANOSECONDS;
}

static void subscribe(struct bench *b)
{
    static const char line[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"subscribe\",\"params\":"
                               "{\"from\":\"now\",\"types\":[\"network.operation_ended\"]}}\n";

    b->events = wire_connect(b->daemon.events_path);
    free(wire_call(b->events, line, sizeof(line) - 1));
}

static bool holds(const char *line, size_t size, const char *text)
{
    return memmem(line, size, text, strlen(text)) != NULL;
}

/* How many ends the input told; each must be a good one. */
static size_t count_ended(struct bench *b)
{
    const char *at = (const char *)b->input.data, *end = at + b->input.size, *newline;
    size_t count = 0;

    while (at < end && (newline = memchr(at, '\n', (size_t)(end - at))) != NULL) {
        size_t size = (size_t)(newline - at);

        if (holds(at, size, "\"network.operation_ended\"")) {
            if (!holds(at, size, "\"state\":\"done\""))
                fatal("an operation did not end well: %.*s", (int)size, at);
            count++;
        }
        at = newline + 1;
    }
    b->input.size = (size_t)(end - at);
    memmove(b->input.data, at, b->input.size);
    return count;
}

static void wait_for_ends(struct bench *b, size_t wanted)
{
    int64_t begin = now_ns();
    size_t count = 0;

    while (count < wanted) {
        ssize_t got = read(b->events, buffer_reserve(&b->input, 65536), 65536);

        if (got <= 0 || seconds_since(begin) > PATIENCE_S)
            fatal("%zu of %zu operations ended", count, wanted);
        b->input.size += (size_t)got;
        count += count_ended(b);
    }
    if (count > wanted)
        fatal("%zu operations ended, of %zu", count, wanted);
}

/* Nothing but what is measured happens: neither health checks nor looks for what became of a transaction fall
 * into a run. */
static void connect_link(struct bench *b, char set, int number, const char *network, const char *options)
{
    char *link AUTO_FREE = text_format("{\"link\":\"%c%d\",\"network\":\"%s\",\"options\":%s,\"poll\":\"1h\","
                                       "\"health\":\"1h\"}", set, number, network, options);
    char *name AUTO_FREE = text_format("{\"link\":\"%c%d\"}", set, number);

    call(b, "network.initialize", link);
    call(b, "network.connect", name);
    wait_for_ends(b, 1);
}

static void connect_to_servers(struct bench *b, char set, int first, int count, int connections)
{
    for (int i = 0; i < count; i++) {
        char *options AUTO_FREE = network_servers_options(&b->servers, first + i, connections);

        connect_link(b, set, i, network_servers_network(first + i), options);
    }
}

static void connect_set(struct bench *b, char set, int connections)
{
    connect_to_servers(b, set, 0, SERVER_KINDS, connections);
    connect_link(b, set, CHANNELS, "state-channel", "{}");
}

/* --- lines -------------------------------------------------------------------------------------- */
static void lines_open(struct signed_lines *lines, size_t count)
{
    *lines = (struct signed_lines){ .ends = memory_array(count, sizeof(*lines->ends)) };
}

static void lines_close(struct signed_lines *lines, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        buffer_close(&lines[i].text);
        free(lines[i].ends);
    }
}

static void add_line(struct signed_lines *lines, const char *method, char set, size_t link,
                     const struct buffer *raw)
{
    buffer_append_format(&lines->text,
                         "{\"jsonrpc\":\"2.0\",\"id\":%zu,\"method\":\"%s\",\"params\":{\"link\":\"%c%zu\"",
                         lines->count + 1, method, set, link);
    if (raw != NULL) {
        buffer_append_text(&lines->text, ",\"raw\":\"");
        buffer_append_hex(&lines->text, raw->data, raw->size);
        buffer_append_text(&lines->text, "\"");
    }
    buffer_append_text(&lines->text, "}}\n");
    lines->ends[lines->count++] = lines->text.size;
}

static void make_reads(struct signed_lines lines[CLIENTS], char set, size_t count)
{
    for (size_t i = 0; i < CLIENTS; i++)
        lines_open(&lines[i], count);
    for (size_t i = 0; i < count; i++)
        add_line(&lines[i % CLIENTS], "network.health_check", set, i % LINKS, NULL);
}

/* A transfer of STX by some account that is none of the links'. */
static void make_transaction(const struct secret_key *key, const struct stacks_address *signer,
                             uint64_t nonce, struct buffer *out)
{
    struct stacks_transaction t = { .chain = STACKS_CHAIN_TESTNET, .nonce = nonce, .fee = 180,
                                    .payload = STACKS_TOKEN_TRANSFER, .to.address = *signer, .amount = 1 };
    struct signature signature;
    struct hash presigned;
    int recovery_id;

    memcpy(t.signer, signer->hash, sizeof(t.signer));
    if (!stacks_encode(&t, out))
        fatal("a transaction that the wire does not take");
    stacks_signing_hash(buffer_bytes(out), NULL, &presigned);
    if (!ecdsa_sign_recoverable(key, &presigned, &signature, &recovery_id))
        fatal("a transaction cannot be signed");
    stacks_put_signature(out, &signature, recovery_id);
}

static void make_submissions(struct bench *b, struct signed_lines lines[CLIENTS])
{
    struct secret_key *key = secret_new(sizeof(*key));
    struct stacks_address signer;
    struct public_key public_key;

    secret_key_generate(key);
    if (!secret_key_public(key, &public_key))
        fatal("a key has no public key");
    stacks_address_of_key(&public_key, false, &signer);
    for (size_t i = 0; i < CLIENTS; i++)
        lines_open(&lines[i], SUBMISSIONS);
    for (size_t i = 0; i < SUBMISSIONS; i++) {
        struct buffer raw CLEANUP(buffer_close) = { 0 };

        make_transaction(key, &signer, b->nonce++, &raw);
        add_line(&lines[i % CLIENTS], "network.submit_transaction", SUBMITTING, i % SUBMISSION_SERVERS, &raw);
    }
    secret_free(key);
}

/* --- runs --------------------------------------------------------------------------------------- */
/* Seconds until all have ended; `cpu`: the node's, for one of them, in microseconds. */
static double run(struct bench *b, const struct signed_lines lines[CLIENTS], size_t count, double *cpu)
{
    struct load load;
    double before, seconds;
    int64_t begin;

    load_open(&load, b->daemon.calls_path, lines, CLIENTS, WINDOW, REFILL);
    before = cpu_seconds(b);
    begin = now_ns();
    load_run(&load, PATIENCE_S);
    wait_for_ends(b, count);
    seconds = seconds_since(begin);
    *cpu = (cpu_seconds(b) - before) * 1e6 / (double)count;
    load_close(&load);
    return seconds;
}

static uint64_t requests(const struct bench *b)
{
    return atomic_load(&b->servers.shared->requests);
}

/* Each asked its server once and no more: else what was measured is not what the figures are said to be. */
static void expect_requests(const struct bench *b, uint64_t before, size_t reads)
{
    uint64_t came = requests(b) - before;
    size_t expected = 0;

    for (size_t i = 0; i < reads; i++)
        expected += i % LINKS != CHANNELS;
    if (came != expected)
        fatal("%" PRIu64 " requests came to the servers, expected %zu", came, expected);
}

/* Adds the seconds of a read of each link, one at a time. */
static void run_alone(struct bench *b, double seconds[LINKS])
{
    uint64_t before = requests(b);

    for (int i = 0; i < ALONE * LINKS; i++) {
        char *link AUTO_FREE = text_format("{\"link\":\"%c%d\"}", WIDE, i % LINKS);
        int64_t begin = now_ns();

        call(b, "network.health_check", link);
        wait_for_ends(b, 1);
        seconds[i % LINKS] += seconds_since(begin) / ALONE;
    }
    expect_requests(b, before, ALONE * LINKS);
}

static double run_reads(struct bench *b, char set, size_t count, double *cpu)
{
    uint64_t before = requests(b);
    struct signed_lines lines[CLIENTS];
    double seconds;

    make_reads(lines, set, count);
    seconds = run(b, lines, count, cpu);
    lines_close(lines, CLIENTS);
    expect_requests(b, before, count);
    return seconds;
}

/* The mean over the links with a server: without those 100 ms there is nothing to compare with. */
static double mean_alone(const double seconds[LINKS])
{
    double sum = 0;

    for (int i = 0; i < SERVER_KINDS; i++)
        sum += seconds[i];
    return sum / SERVER_KINDS;
}

/* What those that run at once would take one after the other. */
static double in_turn(const double seconds[LINKS])
{
    double sum = 0;

    for (int i = 0; i < AT_ONCE; i++)
        sum += seconds[i % LINKS];
    return sum;
}

static void report_alone(struct samples ones[LINKS])
{
    for (int i = 0; i < LINKS; i++) {
        char *name AUTO_FREE = text_format("one_ms_%s", link_names[i]);

        metric(BENCH, name, samples_median(&ones[i]), "ms", "lower");
        samples_clear(&ones[i]);
    }
}

static void measure_latency(struct bench *b)
{
    struct samples ratios = { 0 }, alone_ms = { 0 }, together_ms = { 0 }, cpu_us = { 0 };
    struct samples usual = { 0 }, gains = { 0 }, ones[LINKS] = { 0 };
    double cpu, ignored;

    atomic_store(&b->servers.shared->latency_ns, LATENCY_NS);
    run_reads(b, WIDE, 2 * AT_ONCE, &cpu); /* connections and threads are there afterwards */
    run_reads(b, USUAL, 2 * AT_ONCE, &cpu);
    for (int i = 0; i < REPETITIONS; i++) {
        double seconds[LINKS] = { 0 }, together, alone;

        run_alone(b, seconds);
        together = run_reads(b, WIDE, AT_ONCE, &cpu);
        run_alone(b, seconds);
        for (int link = 0; link < LINKS; link++) {
            seconds[link] /= 2; /* before and after */
            samples_add(&ones[link], seconds[link] * 1e3);
        }
        alone = mean_alone(seconds);
        samples_add(&usual, run_reads(b, USUAL, AT_ONCE, &ignored) / alone);
        samples_add(&ratios, together / alone);
        samples_add(&gains, 100 - together * 100 / in_turn(seconds));
        samples_add(&alone_ms, alone * 1e3);
        samples_add(&together_ms, together * 1e3);
        samples_add(&cpu_us, cpu);
        say("network %d of %d: one read %.1f ms, %d at once %.1f ms", i + 1, REPETITIONS, alone * 1e3,
            AT_ONCE, together * 1e3);
    }
    atomic_store(&b->servers.shared->latency_ns, 0);
    say("network: %d reads at once take %.1f %% less time than one at a time; the reference design states "
        "%d %%", AT_ONCE, samples_median(&gains), REFERENCE_GAIN);
    metric(BENCH, "wall_over_one", samples_median(&ratios), "ratio", "lower");
    metric(BENCH, "wall_over_one_usual_pool", samples_median(&usual), "ratio", "lower");
    metric(BENCH, "better_than_one_at_a_time", samples_median(&gains), "percent", "higher");
    metric(BENCH, "reference_better_than_one_at_a_time", REFERENCE_GAIN, "percent", "higher");
    metric(BENCH, "one_ms", samples_median(&alone_ms), "ms", "lower");
    report_alone(ones);
    metric(BENCH, "hundred_ms", samples_median(&together_ms), "ms", "lower");
    metric(BENCH, "cpu_ms_per_call", samples_median(&cpu_us) / 1e3, "ms", "lower");
}

static void measure_reads(struct bench *b)
{
    struct samples rates = { 0 }, cpu_us = { 0 };

    for (int i = 0; i < REPETITIONS; i++) {
        double cpu, seconds = run_reads(b, WIDE, READS, &cpu);

        samples_add(&rates, READS / seconds);
        samples_add(&cpu_us, cpu);
        say("network %d of %d: %.0f reads/s, %.0f us of CPU each", i + 1, REPETITIONS, READS / seconds, cpu);
    }
    metric(BENCH, "reads_per_second", samples_median(&rates), "1/s", "higher");
    metric(BENCH, "cpu_ms_per_call_loaded", samples_median(&cpu_us) / 1e3, "ms", "lower");
}

static void measure_submissions(struct bench *b)
{
    struct samples rates = { 0 }, cpu_us = { 0 }, executor_us = { 0 };

    for (int i = 0; i < REPETITIONS; i++) {
        uint64_t before = atomic_load(&b->servers.shared->transactions), came;
        struct signed_lines lines[CLIENTS];
        struct daemon_cpu threads;
        double seconds, cpu;

        make_submissions(b, lines);
        threads = daemon_process_cpu(&b->daemon);
        seconds = run(b, lines, SUBMISSIONS, &cpu);
        samples_add(&executor_us, (daemon_process_cpu(&b->daemon).executor - threads.executor) * 1e6 /
                                      SUBMISSIONS);
        came = atomic_load(&b->servers.shared->transactions) - before;
        if (came != SUBMISSIONS)
            fatal("%" PRIu64 " transactions came to the servers, of %d", came, SUBMISSIONS);
        samples_add(&rates, SUBMISSIONS / seconds);
        samples_add(&cpu_us, cpu);
        say("network %d of %d: %.0f submissions/s, %.0f us of CPU each", i + 1, REPETITIONS,
            SUBMISSIONS / seconds, cpu);
        lines_close(lines, CLIENTS);
    }
    metric(BENCH, "submissions_per_second", samples_median(&rates), "1/s", "higher");
    metric(BENCH, "cpu_ms_per_submission", samples_median(&cpu_us) / 1e3, "ms", "lower");
    metric(BENCH, "executor_us_per_submission", samples_median(&executor_us), "us", "lower");
}

int main(int argc, char **argv)
{
    char *directory AUTO_FREE = NULL, *files AUTO_FREE = NULL;
    struct bench b = { 0 };

    if (argc != 3)
        fatal("usage: bench_network DIRECTORY LAYERD");
    crypto_start();
    files = text_format("%s/servers", argv[1]);
    network_servers_start(&b.servers, files);
    directory = text_format("%s/node", argv[1]);
    daemon_process_start(&b.daemon, argv[2], directory);
    b.calls = wire_connect(b.daemon.calls_path);
    subscribe(&b);
    connect_set(&b, WIDE, WIDE_CONNECTIONS);
    connect_set(&b, USUAL, 0);
    connect_to_servers(&b, SUBMITTING, SERVER_KINDS, SUBMISSION_SERVERS, WIDE_CONNECTIONS);
    measure_latency(&b);
    measure_reads(&b);
    measure_submissions(&b);
    close(b.calls);
    close(b.events);
    buffer_close(&b.input);
    daemon_process_stop(&b.daemon);
    network_servers_stop(&b.servers);
    return 0;
}
