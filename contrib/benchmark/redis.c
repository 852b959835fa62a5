/* Redis Streams as a peer: XADD pipelined by group with appendfsync always, which answers once the
 * append-only file is synced; the subscriber blocks in XREAD. Redis keeps no state row, index or hash chain
 * here: it does less. */
#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "child.h"
#include "measure.h"
#include "peer.h"

#define USER "redis"
#define START_SECONDS 10.0
#define POLL_NS (NANOSECONDS / 20)
#define ID_SIZE 32

static redisContext *try_open(const char *directory)
{
    char *path AUTO_FREE = text_format("%s/redis.sock", directory);
    redisContext *connection = redisConnectUnix(path);

    if (connection != NULL && connection->err == 0)
        return connection;
    if (connection != NULL)
        redisFree(connection);
    return NULL;
}

static void *open_or_fail(const char *directory)
{
    redisContext *connection = try_open(directory);

    if (connection == NULL)
        fatal("redis takes no connection");
    return connection;
}

static pid_t start(const char *directory)
{
    char *path AUTO_FREE = text_format("%s/redis.sock", directory);
    const char *const arguments[] = {
        "redis-server", "--port", "0", "--unixsocket", path, "--dir", directory, "--appendonly", "yes",
        "--appendfsync", "always", "--save", "", "--daemonize", "no", NULL
    };
    pid_t process = child_start(directory, USER, arguments);
    redisContext *connection;
    int64_t begin = now_ns();

    while ((connection = try_open(directory)) == NULL) {
        child_check(process, directory);
        if (seconds_since(begin) > START_SECONDS)
            fatal("redis does not listen: see %s/output", directory);
        sleep_ns(POLL_NS);
    }
    redisFree(connection);
    return process;
}

static void disconnect(void *connection)
{
    redisFree(connection);
}

static redisReply *take_reply(redisContext *connection, int type)
{
    void *reply;

    if (redisGetReply(connection, &reply) != REDIS_OK)
        fatal("redis: %s", connection->errstr);
    if (((redisReply *)reply)->type != type)
        fatal("redis: %s", ((redisReply *)reply)->type == REDIS_REPLY_ERROR ? ((redisReply *)reply)->str
                                                                            : "another reply");
    return reply;
}

static void send_event(redisContext *connection, uint64_t seq)
{
    char id[ID_SIZE];
    struct peer_event event;
    const char *arguments[] = { "XADD",    "log",         id,     "type",    PEER_EVENT_TYPE,
                                "subject", event.subject, "body", event.body };

    peer_event(seq, &event);
    snprintf(id, sizeof(id), "%" PRIu64 "-0", seq);
    if (redisAppendCommandArgv(connection, sizeof(arguments) / sizeof(arguments[0]), arguments, NULL) !=
        REDIS_OK)
        fatal("redis: %s", connection->errstr);
}

static void produce(void *context, uint64_t first, uint64_t count, uint64_t group)
{
    redisContext *connection = context;

    for (uint64_t seq = first; seq < first + count;) {
        uint64_t sent = 0;

        for (; sent < group && seq < first + count; sent++)
            send_event(connection, seq++);
        for (; sent > 0; sent--)
            freeReplyObject(take_reply(connection, REDIS_REPLY_STRING));
    }
}

/* [[log, [[id, [name, value, …]], …]]]: the newest id. */
static uint64_t last_of(const redisReply *reply, uint64_t after)
{
    const redisReply *entries = reply->element[0]->element[1];

    for (size_t i = 0; i < entries->elements; i++)
        if (strtoull(entries->element[i]->element[0]->str, NULL, 10) != ++after)
            fatal("redis: event %" PRIu64 " did not come", after);
    return after;
}

static void follow(const char *directory, uint64_t after, uint64_t until, void (*ready)(void *context),
                   void *context)
{
    redisContext *connection = open_or_fail(directory);

    ready(context);
    while (after < until) {
        redisReply *reply;

        if (redisAppendCommand(connection, "XREAD COUNT 1000 BLOCK 0 STREAMS log %llu-0",
                               (unsigned long long)after) != REDIS_OK)
            fatal("redis: %s", connection->errstr);
        reply = take_reply(connection, REDIS_REPLY_ARRAY);
        after = last_of(reply, after);
        freeReplyObject(reply);
    }
    redisFree(connection);
}

const struct peer redis_peer = {
    .name = "redis",
    .user = USER,
    .start = start,
    .stop_signal = SIGTERM,
    .connect = open_or_fail,
    .disconnect = disconnect,
    .produce = produce,
    .follow = follow,
};
