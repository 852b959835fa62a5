/* PostgreSQL as a peer: an upsert and an insert for each event, one transaction for a group, all of it
 * pipelined; NOTIFY in the transaction wakes the subscriber, which selects by sequence number. Settings are
 * the defaults, which are durable. */
#include <inttypes.h>
#include <libpq-fe.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "child.h"
#include "measure.h"
#include "peer.h"

#define USER "postgres"
#define START_SECONDS 20.0
#define POLL_NS (NANOSECONDS / 20)
#define NUMBER_SIZE 24
#define PAGE "1000" /* rows that the subscriber takes at once */

static PGconn *try_open(const char *directory)
{
    char *where AUTO_FREE = text_format("host=%s user=" USER " dbname=postgres", directory);
    PGconn *connection = PQconnectdb(where);

    if (PQstatus(connection) == CONNECTION_OK)
        return connection;
    PQfinish(connection);
    return NULL;
}

static void execute(PGconn *connection, const char *sql)
{
    PGresult *result = PQexec(connection, sql);

    if (PQresultStatus(result) != PGRES_COMMAND_OK)
        fatal("postgres: %s: %s", sql, PQerrorMessage(connection));
    PQclear(result);
}

/* --- the server ------------------------------------------------------------------------------- */
static void programs_directory(char *path, size_t size)
{
    FILE *output = popen("pg_config --bindir", "re");

    if (output == NULL || fgets(path, (int)size, output) == NULL)
        fatal("postgres: pg_config does not say where its programs are");
    path[strcspn(path, "\n")] = '\0';
    pclose(output);
}

static void make_cluster(const char *programs, const char *directory, const char *data)
{
    char *program AUTO_FREE = text_format("%s/initdb", programs);
    const char *const arguments[] = { program,      "-D", data,   "-U",        USER, "--auth=trust",
                                      "--locale=C", "-E", "UTF8", "--no-sync", NULL };

    child_wait(child_start(directory, USER, arguments), directory);
}

static pid_t start(const char *directory)
{
    char programs[1024];
    char *data AUTO_FREE = text_format("%s/data", directory), *program AUTO_FREE = NULL;
    PGconn *connection;
    int64_t begin;
    pid_t process;

    programs_directory(programs, sizeof(programs));
    program = text_format("%s/postgres", programs);
    make_cluster(programs, directory, data);
    process = child_start(
        directory, USER,
        (const char *const[]){ program, "-D", data, "-k", directory, "-c", "listen_addresses=", NULL });
    begin = now_ns();
    while ((connection = try_open(directory)) == NULL) {
        child_check(process, directory);
        if (seconds_since(begin) > START_SECONDS)
            fatal("postgres does not listen: see %s/output", directory);
        sleep_ns(POLL_NS);
    }
    execute(connection, "CREATE TABLE state (key text PRIMARY KEY, value text NOT NULL)");
    execute(connection,
            "CREATE TABLE event (seq bigint PRIMARY KEY, time_us bigint NOT NULL, type text NOT NULL,"
            " subject text, body text NOT NULL)");
    execute(connection, "CREATE INDEX event_subject ON event (subject, seq)");
    PQfinish(connection);
    return process;
}

/* --- the producer ----------------------------------------------------------------------------- */
static void prepare(PGconn *connection, const char *name, const char *sql)
{
    PGresult *result = PQprepare(connection, name, sql, 0, NULL);

    if (PQresultStatus(result) != PGRES_COMMAND_OK)
        fatal("postgres: %s: %s", sql, PQerrorMessage(connection));
    PQclear(result);
}

static void *producer_connect(const char *directory)
{
    PGconn *connection = try_open(directory);

    if (connection == NULL)
        fatal("postgres takes no connection");
    prepare(connection, "state",
            "INSERT INTO state (key, value) VALUES ($1, $2)"
            " ON CONFLICT (key) DO UPDATE SET value = excluded.value");
    prepare(connection, "event",
            "INSERT INTO event (seq, time_us, type, subject, body) VALUES ($1, $2, $3, $4, $5)");
    prepare(connection, "notify", "NOTIFY event");
    if (PQenterPipelineMode(connection) != 1)
        fatal("postgres: no pipeline");
    return connection;
}

static void disconnect(void *connection)
{
    PQfinish(connection);
}

static void send_query(PGconn *connection, const char *name, int count, const char *const *values)
{
    if (PQsendQueryPrepared(connection, name, count, values, NULL, NULL, 0) != 1)
        fatal("postgres: %s", PQerrorMessage(connection));
}

static void send_event(PGconn *connection, uint64_t seq)
{
    char seq_text[NUMBER_SIZE], time_text[NUMBER_SIZE];
    struct peer_event event;

    peer_event(seq, &event);
    snprintf(seq_text, sizeof(seq_text), "%" PRIu64, seq);
    snprintf(time_text, sizeof(time_text), "%" PRId64, now_ns() / 1000);
    send_query(connection, "state", 2, (const char *const[]){ event.key, event.value });
    send_query(connection, "event", 5,
               (const char *const[]){ seq_text, time_text, PEER_EVENT_TYPE, event.subject, event.body });
}

/* Everything up to the end of the transaction: after it, it is durable. */
static void take_results(PGconn *connection)
{
    for (;;) {
        PGresult *result = PQgetResult(connection);
        ExecStatusType status = PQresultStatus(result);

        if (result == NULL) /* the end of one statement */
            continue;
        PQclear(result);
        if (status == PGRES_PIPELINE_SYNC)
            return;
        if (status != PGRES_COMMAND_OK)
            fatal("postgres: %s", PQerrorMessage(connection));
    }
}

/* What is pipelined up to a sync is one transaction. */
static void produce(void *context, uint64_t first, uint64_t count, uint64_t group)
{
    PGconn *connection = context;

    for (uint64_t seq = first; seq < first + count;) {
        for (uint64_t i = 0; i < group && seq < first + count; i++)
            send_event(connection, seq++);
        send_query(connection, "notify", 0, NULL);
        if (PQpipelineSync(connection) != 1)
            fatal("postgres: %s", PQerrorMessage(connection));
        take_results(connection);
    }
}

/* --- the subscriber --------------------------------------------------------------------------- */
static uint64_t read_page(PGconn *connection, uint64_t after)
{
    char after_text[NUMBER_SIZE];
    PGresult *result;
    int rows;

    snprintf(after_text, sizeof(after_text), "%" PRIu64, after);
    result = PQexecPrepared(connection, "page", 1, (const char *const[]){ after_text }, NULL, NULL, 0);
    if (PQresultStatus(result) != PGRES_TUPLES_OK)
        fatal("postgres: %s", PQerrorMessage(connection));
    rows = PQntuples(result);
    for (int i = 0; i < rows; i++)
        if (strtoull(PQgetvalue(result, i, 0), NULL, 10) != ++after)
            fatal("postgres: event %" PRIu64 " did not come", after);
    PQclear(result);
    return after;
}

static void wait_for_notification(PGconn *connection)
{
    struct pollfd readable = { .fd = PQsocket(connection), .events = POLLIN };
    PGnotify *notification;
    bool any = false;

    while (!any) {
        while ((notification = PQnotifies(connection)) != NULL) {
            PQfreemem(notification);
            any = true;
        }
        if (!any && (poll(&readable, 1, -1) < 0 || PQconsumeInput(connection) != 1))
            fatal("postgres: %s", PQerrorMessage(connection));
    }
}

static void follow(const char *directory, uint64_t after, uint64_t until, void (*ready)(void *context),
                   void *context)
{
    PGconn *connection = try_open(directory);

    if (connection == NULL)
        fatal("postgres takes no connection");
    prepare(connection, "page",
            "SELECT seq, time_us, type, subject, body FROM event WHERE seq > $1 ORDER BY seq LIMIT " PAGE);
    execute(connection, "LISTEN event");
    ready(context);
    while (after < until) {
        uint64_t reached = read_page(connection, after);

        if (reached == after)
            wait_for_notification(connection);
        after = reached;
    }
    PQfinish(connection);
}

const struct peer postgres_peer = {
    .name = "postgres",
    .user = USER,
    .start = start,
    .stop_signal = SIGINT,
    .connect = producer_connect,
    .disconnect = disconnect,
    .produce = produce,
    .follow = follow,
};
