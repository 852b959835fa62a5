/* Answers of Stacks nodes, after a while: see stacks_servers.h. */
#include "stacks_servers.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "measure.h"
#include "network/stacks/wire.h"

#define CONNECTIONS_MAX 1024 /* descriptors below it */
#define EVENTS_AT_ONCE 128
#define READ_SIZE ((size_t)16 * 1024)
#define BACKLOG 512

static const char info[] =
    "{\"network_id\":2147483648,\"server_version\":\"stacks-node bench\",\"stacks_tip_height\":1000,"
    "\"burn_block_height\":900,\"is_fully_synced\":true,\"stacks_tip\":"
    "\"1111111111111111111111111111111111111111111111111111111111111111\"}";

/* A client's connection; the descriptor is its place. */
struct connection {
    bool open;
    uint64_t life; /* which of those that had this descriptor */
    struct buffer input;
};

/* Answers leave in the order in which the requests came, since all wait equally long. */
struct answer {
    int64_t due_ns;
    int socket;
    uint64_t life;
    struct buffer text;
};

struct serving {
    struct stacks_servers_shared *shared;
    int epoll, hold;
    int listeners[STACKS_SERVERS];
    uint64_t lives;
    struct connection connections[CONNECTIONS_MAX];
    struct answer *answers; /* a ring */
    size_t first, count, capacity;
};

/* --- answers ------------------------------------------------------------------------------------ */
static struct answer *new_answer(struct serving *s)
{
    if (s->count == s->capacity) {
        size_t capacity = s->capacity == 0 ? 64 : 2 * s->capacity;
        struct answer *answers = memory_array(capacity, sizeof(*answers));

        for (size_t i = 0; i < s->count; i++)
            answers[i] = s->answers[(s->first + i) % s->capacity];
        free(s->answers);
        s->answers = answers;
        s->capacity = capacity;
        s->first = 0;
    }
    return &s->answers[(s->first + s->count++) % s->capacity];
}

static void answer(struct serving *s, int socket, const char *status, const char *body, size_t size)
{
    struct answer *a = new_answer(s);

    *a = (struct answer){ .due_ns = now_ns() + atomic_load(&s->shared->latency_ns), .socket = socket,
                          .life = s->connections[socket].life };
    buffer_append_format(&a->text, "HTTP/1.1 %s\r\nContent-Type: application/json\r\n"
                                   "Content-Length: %zu\r\n\r\n", status, size);
    buffer_append(&a->text, body, size);
}

static void close_connection(struct serving *s, int socket)
{
    s->connections[socket].open = false;
    buffer_close(&s->connections[socket].input);
    close(socket);
}

/* Short texts into a socket that the client has read empty: they fit. */
static void send_due(struct serving *s)
{
    while (s->count > 0 && s->answers[s->first].due_ns <= now_ns()) {
        struct answer *a = &s->answers[s->first];
        struct connection *c = &s->connections[a->socket];

        if (c->open && c->life == a->life &&
            send(a->socket, a->text.data, a->text.size, MSG_NOSIGNAL) != (ssize_t)a->text.size)
            close_connection(s, a->socket);
        buffer_close(&a->text);
        s->first = (s->first + 1) % s->capacity;
        s->count--;
    }
}

/* --- requests ----------------------------------------------------------------------------------- */
static void answer_transaction(struct serving *s, int socket, const char *body, size_t size)
{
    char hex[65], text[68];
    struct hash id;

    stacks_transaction_id(bytes_of(body, size), &id);
    hex_text(hex, id.bytes, sizeof(id.bytes));
    atomic_fetch_add(&s->shared->transactions, 1);
    answer(s, socket, "200 OK", text, (size_t)snprintf(text, sizeof(text), "\"%s\"", hex));
}

/* What the head says of the body; 0: nothing. */
static size_t body_size(const char *head, size_t size)
{
    static const char name[] = "Content-Length:";
    const char *found = memmem(head, size, name, sizeof(name) - 1);

    return found == NULL ? 0 : strtoul(found + sizeof(name) - 1, NULL, 10);
}

/* One whole request at the beginning: its size; 0: there is none yet. */
static size_t take_request(struct serving *s, int socket, const char *at, size_t size)
{
    static const char post[] = "POST /v2/transactions ", get[] = "GET /v2/info ";
    static const char look[] = "GET /v3/transaction/"; /* once a link: whether the node keeps an index */
    static const char nobodys[] = "No such transaction\n"; /* what one that keeps it says */
    const char *end = memmem(at, size, "\r\n\r\n", 4);
    size_t head = end == NULL ? 0 : (size_t)(end - at) + 4, body;

    if (end == NULL)
        return 0;
    body = body_size(at, head);
    if (size < head + body)
        return 0;
    atomic_fetch_add(&s->shared->requests, 1);
    if (strncmp(at, post, sizeof(post) - 1) == 0)
        answer_transaction(s, socket, at + head, body);
    else if (strncmp(at, get, sizeof(get) - 1) == 0)
        answer(s, socket, "200 OK", info, sizeof(info) - 1);
    else if (strncmp(at, look, sizeof(look) - 1) == 0)
        answer(s, socket, "404 Not Found", nobodys, sizeof(nobodys) - 1);
    else
        fatal("the node asks for what these servers do not have: %.*s", (int)strcspn(at, "\r"), at);
    return head + body;
}

static void take_input(struct serving *s, int socket)
{
    struct connection *c = &s->connections[socket];
    ssize_t got = recv(socket, buffer_reserve(&c->input, READ_SIZE), READ_SIZE, 0);
    size_t taken = 0, one;

    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        close_connection(s, socket);
        return;
    }
    c->input.size += (size_t)got;
    while (taken < c->input.size &&
           (one = take_request(s, socket, (const char *)c->input.data + taken, c->input.size - taken)) > 0)
        taken += one;
    c->input.size -= taken;
    memmove(c->input.data, c->input.data + taken, c->input.size);
}

static void watch(struct serving *s, int descriptor)
{
    struct epoll_event event = { .events = EPOLLIN, .data.fd = descriptor };

    if (epoll_ctl(s->epoll, EPOLL_CTL_ADD, descriptor, &event) != 0)
        fatal("epoll: %s", strerror(errno));
}

static void take_connection(struct serving *s, int listener)
{
    int socket = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), yes = 1;

    if (socket < 0)
        return;
    if (socket >= CONNECTIONS_MAX)
        fatal("the node opens too many connections");
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    s->connections[socket] = (struct connection){ .open = true, .life = ++s->lives };
    watch(s, socket);
}

/* --- the process -------------------------------------------------------------------------------- */
static bool is_listener(const struct serving *s, int descriptor)
{
    for (int i = 0; i < STACKS_SERVERS; i++)
        if (s->listeners[i] == descriptor)
            return true;
    return false;
}

static struct timespec until_due(const struct serving *s)
{
    int64_t left = s->answers[s->first].due_ns - now_ns();

    if (left < 0)
        left = 0;
    return (struct timespec){ .tv_sec = left / NANOSECONDS, .tv_nsec = left % NANOSECONDS };
}

_Noreturn static void serve(struct serving *s)
{
    struct epoll_event events[EVENTS_AT_ONCE];

    for (;;) {
        struct timespec wait = { 0 };
        int count;

        if (s->count > 0)
            wait = until_due(s);
        count = epoll_pwait2(s->epoll, events, EVENTS_AT_ONCE, s->count > 0 ? &wait : NULL, NULL);
        for (int i = 0; i < count; i++) {
            if (events[i].data.fd == s->hold)
                _exit(EXIT_SUCCESS);
            if (is_listener(s, events[i].data.fd))
                take_connection(s, events[i].data.fd);
            else
                take_input(s, events[i].data.fd);
        }
        send_due(s);
    }
}

static int listen_anywhere(uint16_t *port)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (listener < 0 || bind(listener, (const struct sockaddr *)&address, size) != 0 ||
        listen(listener, BACKLOG) != 0 || getsockname(listener, (struct sockaddr *)&address, &size) != 0)
        fatal("no port to listen on: %s", strerror(errno));
    *port = ntohs(address.sin_port);
    return listener;
}

void stacks_servers_start(struct stacks_servers *servers)
{
    struct serving *s = memory_new(sizeof(*s));
    int ends[2];

    servers->shared = mmap(NULL, sizeof(*servers->shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                           -1, 0);
    if (servers->shared == MAP_FAILED || pipe2(ends, O_CLOEXEC) != 0)
        fatal("no servers: %s", strerror(errno));
    s->shared = servers->shared;
    s->epoll = epoll_create1(EPOLL_CLOEXEC);
    s->hold = ends[0];
    watch(s, s->hold);
    for (int i = 0; i < STACKS_SERVERS; i++) {
        s->listeners[i] = listen_anywhere(&servers->ports[i]);
        watch(s, s->listeners[i]);
    }
    servers->hold = ends[1];
    servers->process = fork();
    if (servers->process < 0)
        fatal("no process for the servers: %s", strerror(errno));
    if (servers->process == 0) {
        close(servers->hold);
        serve(s);
    }
    for (int i = 0; i < STACKS_SERVERS; i++)
        close(s->listeners[i]);
    close(s->epoll);
    close(s->hold);
    free(s);
}

void stacks_servers_stop(struct stacks_servers *servers)
{
    int status;

    close(servers->hold);
    if (waitpid(servers->process, &status, 0) != servers->process || status != 0)
        fatal("the servers ended badly");
    munmap(servers->shared, sizeof(*servers->shared));
}
