/* memory: how much the node takes when nothing happens, and with 1,000 subscribers and 100,000 commands in
 * its queue, all settings at their defaults.
 *
 * Commands only queue up when the disk is slower than the clients. Here another program holds the database's
 * write lock, as a backup tool may: the executor waits for it, while workers verify and queue what the
 * clients send. Held too long it would end the node (SQLite's busy timeout), so the lock is given back for a
 * moment now and then.
 *
 *   bench_memory DIRECTORY LAYERD */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon_process.h"
#include "load.h"
#include "measure.h"
#include "reader.h"
#include "wire.h"

#include "base/memory.h"

#define BENCH "memory"
#define CONNECTIONS 25
#define WINDOW 4000 /* of one connection: less than the node takes before it stops reading */
#define COMMANDS ((size_t)CONNECTIONS * WINDOW)
#define COMMANDS_EACH 4800 /* of one connection: some are executed while the queue fills */
#define SUBSCRIBERS 1000
#define STALLED 900 /* of them never read: the others follow every event */
#define BATCH 1024  /* commands that the executor has taken out of the queue already */
#define IDLE_NS (2 * (int64_t)NANOSECONDS)
#define HOLD_SECONDS 2.5    /* half of what the executor waits */
#define RELEASE_SECONDS 0.5 /* at most; the first answer ends it */
#define LOCK_WAIT_SECONDS 10.0
#define FILL_SECONDS 60.0
#define STEP_MS 2

/* --- the lock --------------------------------------------------------------------------------- */
static void execute(sqlite3 *database, const char *sql)
{
    if (sqlite3_exec(database, sql, NULL, NULL, NULL) != SQLITE_OK)
        fatal("%s: %s", sql, sqlite3_errmsg(database));
}

/* Asks for the lock again and again: between two commits of a busy executor there is little time for it. */
static int ask_again(void *context, int asked)
{
    static int64_t begin;

    (void)context;
    if (asked == 0)
        begin = now_ns();
    return seconds_since(begin) < LOCK_WAIT_SECONDS;
}

static sqlite3 *open_database(const char *directory)
{
    char *path AUTO_FREE = text_format("%s/layerd.sqlite3", directory);
    sqlite3 *database;

    if (sqlite3_open_v2(path, &database, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK)
        fatal("%s: %s", path, sqlite3_errmsg(database));
    sqlite3_busy_handler(database, ask_again, NULL);
    return database;
}

/* --- what the node says ----------------------------------------------------------------------- */
static size_t status_number(int socket, const char *name)
{
    static const char line[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"node.status\"}\n";
    char *reply AUTO_FREE = wire_call(socket, line, sizeof(line) - 1);
    char *key AUTO_FREE = text_format("\"%s\":", name);
    const char *at = strstr(reply, key);

    if (at == NULL)
        fatal("node.status: %s", reply);
    return (size_t)strtoull(at + strlen(key), NULL, 10);
}

/* Lets the executor have the lock until it has used it. */
static void release_for_a_moment(sqlite3 *database, struct load *load)
{
    size_t answered = load->answered;
    int64_t begin = now_ns();

    execute(database, "ROLLBACK");
    while (load->answered == answered && seconds_since(begin) < RELEASE_SECONDS)
        load_step(load, false, STEP_MS);
    execute(database, "BEGIN IMMEDIATE");
}

/* Sends while the executor waits, until so many commands as the clients may have under way stand in its
 * queue. */
static void fill_queue(struct load *load, int control, const char *directory)
{
    sqlite3 *database = open_database(directory);
    int64_t held_since, begin = now_ns();

    execute(database, "BEGIN IMMEDIATE");
    held_since = now_ns();
    do {
        load_step(load, true, STEP_MS);
        if (seconds_since(begin) > FILL_SECONDS)
            fatal("the queue does not fill: %zu commands wait", load_sent(load) - load->answered);
        if (seconds_since(held_since) > HOLD_SECONDS) {
            release_for_a_moment(database, load);
            held_since = now_ns();
        }
    } while (load_sent(load) - load->answered < COMMANDS ||
             status_number(control, "queued") + BATCH < COMMANDS);
    execute(database, "ROLLBACK");
    sqlite3_close(database);
}

static void measure_loaded(const struct daemon_process *daemon, struct reader *reader)
{
    struct reader_order order = { .count = SUBSCRIBERS, .stalled = STALLED };
    struct signed_lines lines[CONNECTIONS];
    struct signer signer;
    struct load load;
    int control = wire_connect(daemon->calls_path);
    size_t head;

    signer_open(&signer, control);
    say("memory: signing %d transfers", CONNECTIONS * COMMANDS_EACH);
    signer_make(&signer, lines, CONNECTIONS, COMMANDS_EACH);
    reader_order_at(&order, daemon->directory);
    reader_subscribe(reader, &order);
    head = status_number(control, "head");
    reader_follow(reader, head + COMMANDS, 0);
    load_open(&load, daemon->calls_path, lines, CONNECTIONS, WINDOW, 1);
    fill_queue(&load, control, daemon->directory);
    say("memory: %zu commands wait, %d subscribers: %.1f MiB", COMMANDS, SUBSCRIBERS,
        daemon_process_rss(daemon));
    metric(BENCH, "queued_rss_mib", daemon_process_rss(daemon), "MiB", "lower");
    while (load.answered < load.planned)
        load_step(&load, false, STEP_MS);
    reader_wait(reader);
    load_close(&load);
    signed_lines_close(lines, CONNECTIONS);
    signer_close(&signer);
    close(control);
    metric(BENCH, "loaded_rss_mib", daemon_process_peak_rss(daemon), "MiB", "lower");
    metric(BENCH, "after_load_rss_mib", daemon_process_rss(daemon), "MiB", "lower");
}

int main(int argc, char **argv)
{
    struct daemon_process daemon;
    struct reader reader;
    char *directory AUTO_FREE = NULL;

    if (argc != 3)
        fatal("usage: bench_memory DIRECTORY LAYERD");
    directory = text_format("%s/node", argv[1]);
    reader_fork(&reader);
    daemon_process_start(&daemon, argv[2], directory);
    sleep_ns(IDLE_NS);
    metric(BENCH, "idle_rss_mib", daemon_process_rss(&daemon), "MiB", "lower");
    measure_loaded(&daemon, &reader);
    daemon_process_stop(&daemon);
    reader_stop(&reader);
    return 0;
}
