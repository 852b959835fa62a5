/* peers: the same durable append with one subscriber on PostgreSQL and on Redis Streams, in the same minutes
 * on the same disk. A run ends when the subscriber has the last event. Each system is alone while it runs.
 *
 *   bench_peers DIRECTORY LAYERD (not used) */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "appender.h"
#include "child.h"
#include "local_node.h"
#include "measure.h"
#include "peer.h"
#include "probe.h"
#include "reader.h"
#include "wire.h"

#include "base/memory.h"

#define BENCH "peers"
#define PEERS 2
#define KINDS 2

static const struct peer *const peers[PEERS] = { &postgres_peer, &redis_peer };
static struct kind {
    uint64_t group, events;
} kinds[KINDS] = { { 1, 0 }, { 100, 0 } };
#define SECONDS 0.35 /* about as long as one run should take; so many commits of the first kind */
#define WARM_UP 0.4  /* s: the others run all the time, our log must come to its size as theirs did */
#define COMMITS_LEAST 50
#define GROUPED_COMMITS 8 /* of the second kind: so much fewer commits */

struct server {
    const struct peer *peer;
    char *directory;
    pid_t process;
    uint64_t head; /* newest event */
};

/* --- ours ------------------------------------------------------------------------------------- */
static double run_ours(struct reader *reader, const char *directory, struct kind kind)
{
    const struct local_node_options options = { .directory = directory,
                                                .batch_size = kind.group,
                                                .sockets = true };
    struct reader_order order = { .count = 1 };
    struct local_node node;
    struct appender appender;
    int64_t begin;

    reader_order_at(&order, directory);
    local_node_start(&node, &options);
    appender_open(&appender, node.kernel, 2 * kind.group);
    appender_run_for(&appender, WARM_UP);
    reader_subscribe(reader, &order);
    reader_follow(reader, kernel_head(node.kernel) + kind.events, 0);
    begin = now_ns();
    appender_run(&appender, kind.events);
    reader_wait(reader);
    local_node_stop(&node);
    appender_close(&appender);
    return (double)kind.events * NANOSECONDS / (double)(reader->shared->finished_ns - begin);
}

/* --- theirs ----------------------------------------------------------------------------------- */
static void tell_ready(void *context)
{
    wire_write(*(int *)context, "r", 1);
}

_Noreturn static void follow(const struct server *server, uint64_t until, int parent_socket, pid_t parent)
{
    int64_t finished_ns;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(EXIT_FAILURE);
    server->peer->follow(server->directory, server->head, until, tell_ready, &parent_socket);
    finished_ns = now_ns();
    wire_write(parent_socket, &finished_ns, sizeof(finished_ns));
    _exit(EXIT_SUCCESS);
}

static double run_theirs(struct server *server, struct kind kind)
{
    void *connection = server->peer->connect(server->directory);
    pid_t parent = getpid(), follower;
    int64_t begin, finished_ns;
    int ends[2];
    char ready;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0 || (follower = fork()) < 0)
        fatal("no process for the subscriber");
    if (follower == 0) {
        close(ends[0]);
        follow(server, server->head + kind.events, ends[1], parent);
    }
    close(ends[1]);
    if (recv(ends[0], &ready, 1, MSG_WAITALL) != 1)
        fatal("%s: the subscriber ended", server->peer->name);
    begin = now_ns();
    server->peer->produce(connection, server->head + 1, kind.events, kind.group);
    if (recv(ends[0], &finished_ns, sizeof(finished_ns), MSG_WAITALL) != sizeof(finished_ns))
        fatal("%s: the subscriber ended", server->peer->name);
    server->head += kind.events;
    close(ends[0]);
    child_wait(follower, server->directory);
    server->peer->disconnect(connection);
    return (double)kind.events * NANOSECONDS / (double)(finished_ns - begin);
}

static void start(struct server *server, const struct peer *peer, const char *directory)
{
    char *own AUTO_FREE = text_format("%s/%s", directory, peer->name);

    *server = (struct server){ .peer = peer, .directory = realpath(directory, NULL) };
    child_directory(own, peer->user);
    free(server->directory);
    server->directory = realpath(own, NULL);
    server->process = peer->start(server->directory);
    run_theirs(server, kinds[1]); /* warm: state rows, and their logs at their size */
}

/* How many events fit into a run follows from the disk. */
static void choose_events(double fdatasync_rate)
{
    uint64_t commits = (uint64_t)(fdatasync_rate * SECONDS);

    kinds[0].events = commits > COMMITS_LEAST * GROUPED_COMMITS ? commits : COMMITS_LEAST * GROUPED_COMMITS;
    kinds[1].events = kinds[0].events / GROUPED_COMMITS * kinds[1].group;
}

/* --- all of them ------------------------------------------------------------------------------ */
struct results {
    struct samples ours[KINDS], theirs[PEERS][KINDS], ratios[PEERS][KINDS];
};

static void compare(struct results *r, struct server *servers, struct reader *reader, const char *ours,
                    size_t kind)
{
    double our_rate = run_ours(reader, ours, kinds[kind]);

    samples_add(&r->ours[kind], our_rate);
    say("peers: layerd %.0f events/s at %" PRIu64 " a commit", our_rate, kinds[kind].group);
    for (size_t i = 0; i < PEERS; i++) {
        double their_rate = run_theirs(&servers[i], kinds[kind]);

        samples_add(&r->theirs[i][kind], their_rate);
        samples_add(&r->ratios[i][kind], our_rate / their_rate);
        say("peers: %s %.0f events/s at %" PRIu64 " a commit", servers[i].peer->name, their_rate,
            kinds[kind].group);
    }
}

static void print(struct results *r)
{
    for (size_t kind = 0; kind < KINDS; kind++) {
        char *own_name AUTO_FREE = text_format("events_per_second_layerd_%" PRIu64, kinds[kind].group);

        metric(BENCH, own_name, samples_median(&r->ours[kind]), "1/s", "higher");
        for (size_t i = 0; i < PEERS; i++) {
            char *ratio AUTO_FREE = text_format("ratio_%s_%" PRIu64, peers[i]->name, kinds[kind].group);
            char *rate AUTO_FREE = text_format("events_per_second_%s_%" PRIu64, peers[i]->name,
                                               kinds[kind].group);

            metric(BENCH, ratio, samples_median(&r->ratios[i][kind]), "ratio", "higher");
            metric(BENCH, rate, samples_median(&r->theirs[i][kind]), "1/s", "higher");
        }
    }
}

int main(int argc, char **argv)
{
    static struct results results;
    struct server servers[PEERS];
    struct reader reader;
    struct probe probe;
    char *ours AUTO_FREE = NULL;

    if (argc != 3)
        fatal("usage: bench_peers DIRECTORY LAYERD");
    ours = text_format("%s/layerd", argv[1]);
    reader_fork(&reader);
    probe_open(&probe, argv[1]);
    choose_events(probe_run(&probe));
    for (size_t i = 0; i < PEERS; i++)
        start(&servers[i], peers[i], argv[1]);
    for (int i = 0; i < REPETITIONS; i++) {
        probe_run(&probe);
        for (size_t kind = 0; kind < KINDS; kind++)
            compare(&results, servers, &reader, ours, kind);
    }
    for (size_t i = 0; i < PEERS; i++) {
        child_stop(servers[i].process, peers[i]->stop_signal, servers[i].directory);
        free(servers[i].directory);
    }
    reader_stop(&reader);
    print(&results);
    probe_close(&probe, BENCH);
    return 0;
}
