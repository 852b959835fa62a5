/* Servers that answer after a while: see network_servers.h. */
#include "network_servers.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "child.h"
#include "measure.h"
#include "tls_server.h"

#define CONNECTIONS_MAX 1024 /* descriptors below it */
#define EVENTS_AT_ONCE 128
#define READ_SIZE ((size_t)16 * 1024) /* a record of TLS, so that none stays in the library unseen */
#define BACKLOG 512
#define CREDENTIAL "bench:bench" /* user and password, and what passes for a macaroon: nobody looks at it */

/* A client's connection; the descriptor is its place. */
struct connection {
    bool open;
    uint64_t life; /* which of those that had this descriptor */
    enum server_kind kind;
    SSL *tls; /* NULL: in the clear */
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
    struct network_servers_shared *shared;
    SSL_CTX *tls;
    int epoll, hold;
    int listeners[SERVERS];
    uint64_t lives;
    struct connection connections[CONNECTIONS_MAX];
    struct answer *answers; /* a ring */
    size_t first, count, capacity;
};

static enum server_kind kind_of(int server)
{
    return server < SERVER_KINDS ? (enum server_kind)server : SERVER_STACKS;
}

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

static void answer(struct serving *s, int socket, struct bytes head, struct bytes body)
{
    struct answer *a = new_answer(s);

    *a = (struct answer){ .due_ns = now_ns() + atomic_load(&s->shared->latency_ns), .socket = socket,
                          .life = s->connections[socket].life };
    atomic_fetch_add(&s->shared->requests, 1);
    if (network_reply(s->connections[socket].kind, head, body, &a->text))
        atomic_fetch_add(&s->shared->transactions, 1);
}

static void close_connection(struct serving *s, int socket)
{
    struct connection *c = &s->connections[socket];

    c->open = false;
    SSL_free(c->tls);
    c->tls = NULL;
    buffer_close(&c->input);
    close(socket);
}

/* Short texts into a socket that the client has read empty: they fit. */
static bool send_text(const struct connection *c, int socket, const struct buffer *text)
{
    ssize_t sent = c->tls != NULL ? tls_server_write(c->tls, text->data, text->size)
                                  : send(socket, text->data, text->size, MSG_NOSIGNAL);

    return sent == (ssize_t)text->size;
}

static void send_due(struct serving *s)
{
    while (s->count > 0 && s->answers[s->first].due_ns <= now_ns()) {
        struct answer *a = &s->answers[s->first];
        const struct connection *c = &s->connections[a->socket];

        if (c->open && c->life == a->life && !send_text(c, a->socket, &a->text))
            close_connection(s, a->socket);
        buffer_close(&a->text);
        s->first = (s->first + 1) % s->capacity;
        s->count--;
    }
}

/* --- requests ----------------------------------------------------------------------------------- */
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
    bool http = server_way(s->connections[socket].kind) != WAY_SOCKET;
    const char *mark = http ? "\r\n\r\n" : "\n\n", *end = memmem(at, size, mark, strlen(mark));
    size_t head = end == NULL ? 0 : (size_t)(end - at) + strlen(mark), body;

    if (end == NULL)
        return 0;
    if (!http) {
        answer(s, socket, bytes_of(NULL, 0), bytes_of(at, head));
        return head;
    }
    body = body_size(at, head);
    if (size < head + body)
        return 0;
    answer(s, socket, bytes_of(at, head), bytes_of(at + head, body));
    return head + body;
}

static void take_input(struct serving *s, int socket)
{
    struct connection *c = &s->connections[socket];
    void *into = buffer_reserve(&c->input, READ_SIZE);
    ssize_t got = c->tls != NULL ? tls_server_read(c->tls, into, READ_SIZE)
                                 : recv(socket, into, READ_SIZE, 0);
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

static SSL *new_tls(struct serving *s, int socket)
{
    SSL *tls = SSL_new(s->tls);

    if (tls == NULL || SSL_set_fd(tls, socket) != 1)
        fatal("no TLS for a connection");
    SSL_set_accept_state(tls);
    return tls;
}

static void take_connection(struct serving *s, int server)
{
    int socket = accept4(s->listeners[server], NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), yes = 1;
    enum server_way way = server_way(kind_of(server));

    if (socket < 0)
        return;
    if (socket >= CONNECTIONS_MAX)
        fatal("the node opens too many connections");
    if (way != WAY_SOCKET)
        setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    s->connections[socket] = (struct connection){ .open = true, .life = ++s->lives, .kind = kind_of(server),
                                                  .tls = way == WAY_HTTPS ? new_tls(s, socket) : NULL };
    watch(s, socket);
}

/* --- the process -------------------------------------------------------------------------------- */
/* -1: it is a connection. */
static int server_of(const struct serving *s, int descriptor)
{
    for (int i = 0; i < SERVERS; i++)
        if (s->listeners[i] == descriptor)
            return i;
    return -1;
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
            int server = server_of(s, events[i].data.fd);

            if (events[i].data.fd == s->hold)
                _exit(EXIT_SUCCESS);
            if (server >= 0)
                take_connection(s, server);
            else
                take_input(s, events[i].data.fd);
        }
        send_due(s);
    }
}

/* --- start and end ------------------------------------------------------------------------------ */
static char *path_of(const struct network_servers *servers, const char *name)
{
    return text_format("%s/%s", servers->directory, name);
}

static int listen_on_socket(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (strlen(path) >= sizeof(address.sun_path))
        fatal("%s: too long for a Unix socket; set LAYERD_BENCH_DIR to a shorter path", path);
    memcpy(address.sun_path, path, strlen(path));
    if (listener < 0 || bind(listener, (const struct sockaddr *)&address, sizeof(address)) != 0 ||
        listen(listener, BACKLOG) != 0)
        fatal("%s: %s", path, strerror(errno));
    return listener;
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

static void listen_all(struct network_servers *servers, struct serving *s)
{
    char *socket AUTO_FREE = path_of(servers, "lightning-rpc");

    for (int i = 0; i < SERVERS; i++) {
        s->listeners[i] = server_way(kind_of(i)) == WAY_SOCKET ? listen_on_socket(socket)
                                                               : listen_anywhere(&servers->ports[i]);
        watch(s, s->listeners[i]);
    }
}

/* Links take no credential that others could read. */
static void write_credential(const char *path)
{
    FILE *file = fopen(path, "we");

    if (file == NULL || fchmod(fileno(file), S_IRUSR | S_IWUSR) != 0 || fputs(CREDENTIAL, file) < 0 ||
        fclose(file) != 0)
        fatal("%s cannot be written", path);
}

void network_servers_start(struct network_servers *servers, const char *directory)
{
    struct serving *s = memory_new(sizeof(*s));
    char *certificate AUTO_FREE = NULL, *credential AUTO_FREE = NULL;
    int ends[2];

    child_directory(directory, NULL);
    servers->directory = text_copy(directory);
    certificate = path_of(servers, "tls.cert");
    credential = path_of(servers, "credential");
    write_credential(credential);
    servers->shared = mmap(NULL, sizeof(*servers->shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                           -1, 0);
    if (servers->shared == MAP_FAILED || pipe2(ends, O_CLOEXEC) != 0)
        fatal("no servers: %s", strerror(errno));
    s->shared = servers->shared;
    s->tls = tls_server_new(certificate);
    s->epoll = epoll_create1(EPOLL_CLOEXEC);
    s->hold = ends[0];
    watch(s, s->hold);
    listen_all(servers, s);
    servers->hold = ends[1];
    servers->process = fork();
    if (servers->process < 0)
        fatal("no process for the servers: %s", strerror(errno));
    if (servers->process == 0) {
        close(servers->hold);
        signal(SIGPIPE, SIG_IGN); /* TLS writes without MSG_NOSIGNAL */
        serve(s);
    }
    for (int i = 0; i < SERVERS; i++)
        close(s->listeners[i]);
    SSL_CTX_free(s->tls);
    close(s->epoll);
    close(s->hold);
    free(s);
}

void network_servers_stop(struct network_servers *servers)
{
    int status;

    close(servers->hold);
    if (waitpid(servers->process, &status, 0) != servers->process || status != 0)
        fatal("the servers ended badly");
    munmap(servers->shared, sizeof(*servers->shared));
    free(servers->directory);
}

/* --- links to them ------------------------------------------------------------------------------ */
const char *network_servers_network(int server)
{
    switch (kind_of(server)) {
    case SERVER_BOB: return "bob";
    case SERVER_ROOTSTOCK: return "rootstock";
    case SERVER_LIQUID: return "liquid";
    case SERVER_CORE_LIGHTNING: return "lightning";
    case SERVER_LND: return "lnd";
    case SERVER_STACKS: return "stacks";
    case SERVER_TAPD: return "taproot-assets";
    case SERVER_KINDS: break;
    }
    fatal("no kind of server");
}

char *network_servers_options(const struct network_servers *servers, int server, int connections)
{
    const char *directory = servers->directory;
    unsigned port = servers->ports[server];

    switch (kind_of(server)) {
    case SERVER_BOB:
    case SERVER_ROOTSTOCK:
        return text_format("{\"connections\":%d,\"url\":\"http://127.0.0.1:%u\"}", connections, port);
    case SERVER_LIQUID:
        return text_format("{\"connections\":%d,\"url\":\"http://127.0.0.1:%u\",\"chain\":"
                           "\"elementsregtest\",\"auth_file\":\"%s/credential\"}",
                           connections, port, directory);
    case SERVER_CORE_LIGHTNING:
        return text_format("{\"connections\":%d,\"socket\":\"%s/lightning-rpc\"}", connections, directory);
    case SERVER_LND:
    case SERVER_TAPD:
        return text_format("{\"connections\":%d,\"url\":\"https://127.0.0.1:%u\",\"macaroon_file\":"
                           "\"%s/credential\",\"certificate_file\":\"%s/tls.cert\"}",
                           connections, port, directory, directory);
    case SERVER_STACKS:
        return text_format("{\"connections\":%d,\"url\":\"http://127.0.0.1:%u\",\"chain\":\"testnet\"}",
                           connections, port);
    case SERVER_KINDS: break;
    }
    fatal("no kind of server");
}
