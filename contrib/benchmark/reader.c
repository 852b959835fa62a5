/* Subscribers in a process of their own: see reader.h. */
#include "reader.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "measure.h"
#include "wire.h"

#define READ_SIZE ((size_t)256 * 1024)
#define PARTIAL_MAX ((size_t)512 * 1024) /* a line that is not complete yet */
#define EVENTS_AT_ONCE 64
#define EVENT_BEGIN "{\"seq\":"
#define EVENT_BEGIN_SIZE (sizeof(EVENT_BEGIN) - 1)

struct follow {
    uint64_t until, stamps_from;
};

struct subscriber {
    int socket;
    char *partial;
    size_t partial_size;
    uint64_t seq; /* of the newest event */
    bool subscribed;
};

struct following {
    struct reader_shared *shared;
    struct reader_order order;
    struct follow follow;
    struct subscriber *subscribers;
    size_t waiting; /* subscribers that are not done */
    int epoll;
    char *input; /* PARTIAL_MAX, then READ_SIZE: what is read stands behind what was left over */
};

/* --- the child: lines ------------------------------------------------------------------------- */
/* The seq of an event line; 0 for any other line. */
static uint64_t line_seq(const char *line, size_t size)
{
    uint64_t seq = 0;

    if (size < EVENT_BEGIN_SIZE || memcmp(line, EVENT_BEGIN, EVENT_BEGIN_SIZE) != 0)
        return 0;
    for (size_t i = EVENT_BEGIN_SIZE; i < size && line[i] >= '0' && line[i] <= '9'; i++)
        seq = seq * 10 + (uint64_t)(line[i] - '0');
    return seq;
}

static void look_at_event(struct following *f, struct subscriber *s, uint64_t seq, int64_t at_ns)
{
    struct reader_shared *shared = f->shared;

    if (s->seq != 0 && seq != s->seq + 1)
        fatal("event %" PRIu64 " came after event %" PRIu64, seq, s->seq);
    s->seq = seq;
    shared->lines++;
    if (f->follow.stamps_from != 0 && seq >= f->follow.stamps_from &&
        seq - f->follow.stamps_from < READER_STAMPS_MAX)
        shared->received_ns[seq - f->follow.stamps_from] = at_ns;
}

static void look_at_line(struct following *f, struct subscriber *s, const char *line, size_t size,
                         int64_t at_ns)
{
    uint64_t seq = line_seq(line, size);

    if (seq != 0)
        look_at_event(f, s, seq, at_ns);
    else if (memmem(line, size, "\"lost\"", 6) != NULL || memmem(line, size, "\"end\"", 5) != NULL)
        fatal("the subscription is broken: %.*s", (int)size, line);
}

static void look_at_all(struct following *f, struct subscriber *s, const char *text, size_t size)
{
    int64_t at_ns = now_ns();

    while (size > 0) {
        size_t line = (size_t)((const char *)memchr(text, '\n', size) - text);

        look_at_line(f, s, text, line, at_ns);
        text += line + 1;
        size -= line + 1;
    }
}

/* The last event of complete lines: what stands behind it says nothing about events. */
static void look_at_last(struct subscriber *s, const char *text, size_t size)
{
    while (size > 0) {
        const char *before = memrchr(text, '\n', size - 1);
        const char *line = before == NULL ? text : before + 1;
        uint64_t seq = line_seq(line, size - (size_t)(line - text));

        if (seq != 0) {
            s->seq = seq;
            return;
        }
        size = (size_t)(line - text);
    }
}

/* Returns how many bytes of complete lines stand at `text`; what is left over is kept. */
static size_t keep_rest(struct subscriber *s, const char *text, size_t size)
{
    const char *end = memrchr(text, '\n', size);
    size_t complete = end == NULL ? 0 : (size_t)(end - text) + 1;

    s->partial_size = size - complete;
    if (s->partial_size > PARTIAL_MAX)
        fatal("a line is longer than %zu bytes", PARTIAL_MAX);
    if (s->partial_size > 0) {
        s->partial = memory_resize(s->partial, s->partial_size);
        memcpy(s->partial, text + complete, s->partial_size);
    }
    return complete;
}

static void take_input(struct following *f, struct subscriber *s)
{
    ssize_t got = recv(s->socket, f->input + PARTIAL_MAX, READ_SIZE, 0);
    char *text = f->input + PARTIAL_MAX - s->partial_size;
    size_t complete;

    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0)
        fatal("the node closed a subscriber's connection");
    if (s->partial_size > 0)
        memcpy(text, s->partial, s->partial_size);
    f->shared->bytes += (uint64_t)got;
    complete = keep_rest(s, text, s->partial_size + (size_t)got);
    if (s == &f->subscribers[f->order.stalled])
        look_at_all(f, s, text, complete);
    else
        look_at_last(s, text, complete);
}

/* --- the child: what it is told --------------------------------------------------------------- */
static void subscribe(struct following *f, struct subscriber *s)
{
    static const char first[] =
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"subscribe\",\"params\":{\"from\":\"first\"}}\n";
    static const char now[] =
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"subscribe\",\"params\":{\"from\":\"now\"}}\n";
    char answer[1024];

    s->socket = wire_connect(f->order.path);
    wire_write(s->socket, f->order.from_first ? first : now,
               (f->order.from_first ? sizeof(first) : sizeof(now)) - 1);
    /* One byte after the other: what follows the answer's line are events already. */
    for (size_t size = 0;; size++) {
        if (size == sizeof(answer) || recv(s->socket, &answer[size], 1, 0) != 1)
            fatal("no answer to subscribe");
        if (answer[size] == '\n') {
            if (memmem(answer, size, "\"result\"", 8) == NULL)
                fatal("subscribe was refused: %.*s", (int)size, answer);
            return;
        }
    }
}

static void begin_following(struct following *f)
{
    f->subscribers = memory_array(f->order.count, sizeof(*f->subscribers));
    f->waiting = f->order.count - f->order.stalled;
    f->epoll = epoll_create1(EPOLL_CLOEXEC);
    f->shared->lines = f->shared->bytes = 0;
    memset(f->shared->received_ns, 0, sizeof(f->shared->received_ns));
    for (size_t i = 0; i < f->order.count; i++) {
        struct epoll_event event = { .events = EPOLLIN, .data.ptr = &f->subscribers[i] };

        subscribe(f, &f->subscribers[i]);
        if (i >= f->order.stalled &&
            (fcntl(f->subscribers[i].socket, F_SETFL, O_NONBLOCK) != 0 ||
             epoll_ctl(f->epoll, EPOLL_CTL_ADD, f->subscribers[i].socket, &event) != 0))
            fatal("epoll: %s", strerror(errno));
    }
}

static void follow(struct following *f)
{
    struct epoll_event events[EVENTS_AT_ONCE];

    while (f->waiting > 0) {
        int count = epoll_wait(f->epoll, events, EVENTS_AT_ONCE, -1);

        for (int i = 0; i < count; i++) {
            struct subscriber *s = events[i].data.ptr;
            bool was_done = s->seq >= f->follow.until;

            take_input(f, s);
            if (!was_done && s->seq >= f->follow.until)
                f->waiting--;
        }
    }
    f->shared->finished_ns = now_ns();
}

static void end_following(struct following *f)
{
    for (size_t i = 0; i < f->order.count; i++) {
        close(f->subscribers[i].socket);
        free(f->subscribers[i].partial);
    }
    free(f->subscribers);
    close(f->epoll);
}

_Noreturn static void child(int orders, struct reader_shared *shared)
{
    struct following f = { .shared = shared, .input = memory_new(PARTIAL_MAX + READ_SIZE) };
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit); /* too few show when connecting */
    }
    while (recv(orders, &f.order, sizeof(f.order), MSG_WAITALL) == sizeof(f.order)) {
        begin_following(&f);
        wire_write(orders, "r", 1);
        if (recv(orders, &f.follow, sizeof(f.follow), MSG_WAITALL) != sizeof(f.follow))
            break;
        follow(&f);
        end_following(&f);
        wire_write(orders, "d", 1);
    }
    _exit(EXIT_SUCCESS);
}

/* --- the parent ------------------------------------------------------------------------------- */
void reader_order_at(struct reader_order *order, const char *directory)
{
    if (snprintf(order->path, sizeof(order->path), "%s/events.sock", directory) >= (int)sizeof(order->path))
        fatal("%s is too long for a socket: set LAYERD_BENCH_DIR to a shorter directory", directory);
}

void reader_fork(struct reader *reader)
{
    int ends[2];
    pid_t parent = getpid();

    reader->shared = mmap(NULL, sizeof(*reader->shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                          -1, 0);
    if (reader->shared == MAP_FAILED || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0 ||
        (reader->process = fork()) < 0)
        fatal("no process for the subscribers: %s", strerror(errno));
    if (reader->process == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
            _exit(EXIT_FAILURE);
        close(ends[0]);
        child(ends[1], reader->shared);
    }
    close(ends[1]);
    reader->orders = ends[0];
}

static void expect(struct reader *reader, char expected)
{
    char byte;

    if (recv(reader->orders, &byte, 1, MSG_WAITALL) != 1 || byte != expected)
        fatal("the subscribers' process ended");
}

void reader_subscribe(struct reader *reader, const struct reader_order *order)
{
    wire_write(reader->orders, order, sizeof(*order));
    expect(reader, 'r');
}

void reader_follow(struct reader *reader, uint64_t until, uint64_t stamps_from)
{
    const struct follow follow = { .until = until, .stamps_from = stamps_from };

    reader->shared->stamps_from = stamps_from;
    wire_write(reader->orders, &follow, sizeof(follow));
}

void reader_wait(struct reader *reader)
{
    expect(reader, 'd');
}

void reader_stop(struct reader *reader)
{
    close(reader->orders);
    waitpid(reader->process, NULL, 0);
    munmap(reader->shared, sizeof(*reader->shared));
}
