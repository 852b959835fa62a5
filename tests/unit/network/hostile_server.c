/* One thread accepts, one a connection serves, straight on with blocking calls: the behaviours read as what
 * they do. */
#include "hostile_server.h"

#include <arpa/inet.h>
#include <jansson.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/status.h"

#define CONNECTIONS_MAX 512
#define PATHS_MAX 64
#define REQUEST_MAX (1 << 20)
#define GIBIBYTE ((uint64_t)1 << 30)

struct hostile_server {
    int listener;
    unsigned port;
    bool lines;
    pthread_t acceptor;
    pthread_mutex_t lock;
    pthread_cond_t fewer;
    bool stopping;
    int open[CONNECTIONS_MAX];
    unsigned open_count, accepted, most;
    struct { char path[64]; unsigned count; } received[PATHS_MAX];
    char expected[256];
    void (*before_refusal)(const char *);
    const char *before_context;
    uint64_t sent;
};

struct connection {
    struct hostile_server *server;
    int descriptor;
    char *text; /* what was read; the request begins at 0 */
    size_t size;
    char method[64], path[64], authorization[256];
    char *body;
    size_t whole;      /* of the request, with its body */
    unsigned requests; /* on this connection, with this one */
};

/* --- plumbing ------------------------------------------------------------------------------------------- */
static bool put(struct connection *c, const void *data, size_t size)
{
    const char *at = data;
    while (size > 0) {
        ssize_t sent = send(c->descriptor, at, size, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        at += sent;
        size -= (size_t)sent;
        pthread_mutex_lock(&c->server->lock);
        c->server->sent += (uint64_t)sent;
        pthread_mutex_unlock(&c->server->lock);
    }
    return true;
}

static bool put_text(struct connection *c, const char *text)
{
    return put(c, text, strlen(text));
}

/* False: the other side has gone. */
static bool sit(struct connection *c, int milliseconds)
{
    struct pollfd gone = { .fd = c->descriptor, .events = POLLRDHUP };
    return poll(&gone, 1, milliseconds) == 0;
}

static bool answer(struct connection *c, const char *status, const char *headers, const char *body)
{
    AUTO_FREE char *text = text_format("HTTP/1.1 %s\r\nContent-Length: %zu\r\n%s\r\n%s", status, strlen(body),
                                       headers, body);
    return put_text(c, text);
}

static unsigned count_received(struct hostile_server *server, const char *path, unsigned more)
{
    unsigned count = 0;
    pthread_mutex_lock(&server->lock);
    for (size_t i = 0; i < PATHS_MAX; i++) {
        if (server->received[i].path[0] == '\0' && more > 0)
            (void)snprintf(server->received[i].path, sizeof server->received[i].path, "%s", path);
        if (strcmp(server->received[i].path, path) == 0) {
            count = server->received[i].count += more;
            break;
        }
    }
    pthread_mutex_unlock(&server->lock);
    return count;
}

static bool read_more(struct connection *c)
{
    if (c->size == REQUEST_MAX)
        return false;
    ssize_t got = read(c->descriptor, c->text + c->size, REQUEST_MAX - c->size);
    if (got <= 0)
        return false;
    c->size += (size_t)got;
    c->text[c->size] = '\0';
    return true;
}

static void copy_header(const char *head, const char *name, char *out, size_t size)
{
    const char *at = strcasestr(head, name);
    out[0] = '\0';
    if (at != NULL)
        (void)snprintf(out, size, "%.*s", (int)strcspn(at + strlen(name), "\r"), at + strlen(name));
}

static bool read_http(struct connection *c)
{
    char *end;
    while ((end = strstr(c->text, "\r\n\r\n")) == NULL) {
        if (!read_more(c))
            return false;
    }
    char length[32];
    if (sscanf(c->text, "%63s %63s", c->method, c->path) != 2)
        return false;
    copy_header(c->text, "\r\nContent-Length: ", length, sizeof length);
    copy_header(c->text, "\r\nAuthorization: ", c->authorization, sizeof c->authorization);
    size_t head = (size_t)(end - c->text) + 4;
    c->whole = head + strtoul(length, NULL, 10);
    while (c->size < c->whole) {
        if (!read_more(c))
            return false;
    }
    c->body = text_copy_sized(c->text + head, c->whole - head);
    return true;
}

/* --- JSON-RPC ------------------------------------------------------------------------------------------- */
static char *reply_to(const char *request, const char *kind)
{
    json_t *asked = json_loads(request, 0, NULL);
    json_t *id = json_incref(json_object_get(asked, "id"));
    const char *method = json_string_value(json_object_get(asked, "method"));
    char *shown = id == NULL ? text_copy("null") : json_dumps(id, JSON_ENCODE_ANY);
    char *text;
    if (strcmp(kind, "wrong-id") == 0)
        text = text_format("{\"jsonrpc\":\"2.0\",\"id\":%s9,\"result\":true}",
                           json_is_string(id) ? "8" : shown);
    else if (strcmp(kind, "text-id") == 0)
        text = text_format("{\"jsonrpc\":\"2.0\",\"id\":\"%s\",\"result\":true}", shown);
    else if (strcmp(kind, "duplicate-keys") == 0)
        text = text_format("{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":1,\"result\":2}", shown);
    else if (strcmp(kind, "truncated") == 0)
        text = text_format("{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":[1,2", shown);
    else if (strcmp(kind, "elements") == 0)
        text =
            text_format("{\"result\":null,\"error\":{\"code\":-5,\"message\":\"no\\u0007such\",\"data\":[7]},"
                           "\"id\":%s}\n", shown);
    else
        text = text_format("{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":\"%s\"}", shown,
                           method == NULL ? "none" : method);
    free(shown);
    json_decref(id);
    json_decref(asked);
    return text;
}

static bool answer_rpc(struct connection *c, const char *status, const char *kind)
{
    AUTO_FREE char *reply = reply_to(c->body, kind);
    return answer(c, status, "Content-Type: application/json\r\n", reply);
}

/* A batch's replies backwards; the one with an even id is refused. `skip`: the first reply is left out. */
static bool answer_batch(struct connection *c, const char *kind)
{
    json_t *asked = json_loads(c->body, 0, NULL), *replies = json_array();
    for (size_t i = json_array_size(asked); i-- > 0;) {
        json_t *id = json_object_get(json_array_get(asked, i), "id");
        json_int_t number = json_integer_value(id);
        if (strcmp(kind, "missing") == 0 && i == 0)
            continue;
        if (strcmp(kind, "twice") == 0 && i == 0)
            number++;
        if (number % 2 == 0)
            json_array_append_new(replies, json_pack("{s:I, s:{s:i, s:s}}", "id", number, "error", "code", -1,
                                                     "message", "even"));
        else
            json_array_append_new(replies, json_pack("{s:s, s:I, s:I}", "jsonrpc", "2.0", "id", number,
                                                     "result",
                                                     number));
    }
    char *text = json_dumps(replies, JSON_COMPACT);
    bool put_all = answer(c, "200 OK", "", text);
    free(text);
    json_decref(replies);
    json_decref(asked);
    return put_all;
}

/* --- behaviours: true goes on with the connection ------------------------------------------------------- */
static bool pour(struct connection *c, bool chunked)
{
    char block[65536 + 16];
    memset(block, 'x', sizeof block);
    if (chunked) {
        memcpy(block, "10000\r\n", 7);
        memcpy(block + 7 + 65536, "\r\n", 2);
    }
    put_text(c, chunked ? "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" : "HTTP/1.1 200 OK\r\n"
             "Content-Length: 1073741824\r\n\r\n");
    for (uint64_t sent = 0; sent < GIBIBYTE; sent += 65536) {
        if (!put(c, block, chunked ? 65536 + 9 : 65536))
            break;
    }
    return false;
}

static bool trickle(struct connection *c, const char *begin, const char *piece)
{
    put_text(c, begin);
    while (sit(c, 50) && put_text(c, piece))
        ;
    return false;
}

static bool reset(struct connection *c, const char *begin)
{
    struct linger at_once = { .l_onoff = 1, .l_linger = 0 };
    put_text(c, begin);
    sit(c, 50); /* or the reset would overtake what was sent */
    setsockopt(c->descriptor, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    return false;
}

static bool too_many(struct connection *c, bool dated, long seconds)
{
    char header[96], date[64];
    time_t moment = time(NULL) + seconds;
    struct tm tm;
    gmtime_r(&moment, &tm);
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", &tm);
    if (dated)
        (void)snprintf(header, sizeof header, "Retry-After: %s\r\n", date);
    else
        (void)snprintf(header, sizeof header, "retry-after: %ld\r\n", seconds);
    return answer(c, "429 Too Many Requests", header, "{}");
}

static bool stream_lines(struct connection *c, bool breaks)
{
    put_text(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 5; i++) {
        char line[64], chunk[96];
        int size = snprintf(line, sizeof line, "{\"status\":%d}\n", i);
        (void)snprintf(chunk, sizeof chunk, "%x\r\n%s\r\n", (unsigned)size, line);
        put_text(c, chunk);
        sit(c, 10);
    }
    return !breaks && put_text(c, "0\r\n\r\n");
}

static bool is(const struct connection *c, const char *path)
{
    return strcmp(c->path, path) == 0;
}

static bool behave(struct connection *c)
{
    unsigned count = count_received(c->server, c->path, 1);
    if (strncmp(c->path, "/delay-", 7) == 0)
        return sit(c, atoi(c->path + 7)) && answer_rpc(c, "200 OK", "");
    if (is(c, "/hang") || (is(c, "/hang-once") && count == 1))
        return sit(c, -1);
    if (is(c, "/slow-headers"))
        return trickle(c, "HTTP/1.1 200 OK\r\n", "X: y\r\n");
    if (is(c, "/slow-body"))
        return trickle(c, "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", "x");
    if (is(c, "/reset"))
        return reset(c, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"a\":");
    if (is(c, "/reset-once"))
        return count == 1 ? reset(c, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"a\":")
                          : answer_rpc(c, "200 OK", "");
    if (is(c, "/429-seconds") || is(c, "/429-date"))
        return count == 1 ? too_many(c, is(c, "/429-date"), is(c, "/429-date") ? 2 : 1)
                          : answer_rpc(c, "200 OK", "");
    if (is(c, "/429-hour") || is(c, "/429-minute"))
        return too_many(c, false, is(c, "/429-hour") ? 3600 : 60);
    if (is(c, "/left-none"))
        return answer(c, "200 OK", "RateLimit-Remaining: 0\r\nRateLimit-Reset: 3000\r\n", "{}");
    if (is(c, "/503-once"))
        return count == 1 ? answer(c, "503 Service Unavailable", "", "Work queue depth exceeded")
                          : answer_rpc(c, "200 OK", "");
    if (is(c, "/503-retry-after"))
        return answer(c, "503 Service Unavailable", "Retry-After: 1\r\n", "");
    if (is(c, "/500"))
        return answer(c, "500 Internal Server Error", "", "<html>oops</html>");
    if (strncmp(c->path, "/repeat", 7) == 0) {
        AUTO_FREE char *page = text_format("Cannot %s %s with %s", c->method, c->path, c->authorization);
        return answer(c, "500 Internal Server Error", "", page);
    }
    if (is(c, "/403"))
        return answer(c, "403 Forbidden", "", "");
    if (is(c, "/404"))
        return answer(c, "404 Not Found", "", "not here");
    if (is(c, "/secret")) {
        pthread_mutex_lock(&c->server->lock);
        bool right = strcmp(c->server->expected, c->authorization) == 0;
        void (*before)(const char *) = right ? NULL : c->server->before_refusal;
        c->server->before_refusal = right ? c->server->before_refusal : NULL;
        pthread_mutex_unlock(&c->server->lock);
        if (before != NULL)
            before(c->server->before_context);
        return right ? answer_rpc(c, "200 OK", "") : answer(c, "401 Unauthorized", "", "");
    }
    if (is(c, "/redirect"))
        return answer(c, "302 Found", "Location: http://user:SECRET@evil.example:1/x?SECRET\r\n", "");
    if (is(c, "/huge") || is(c, "/huge-chunked"))
        return pour(c, is(c, "/huge-chunked"));
    if (is(c, "/huge-headers"))
        return put_text(c, "HTTP/1.1 200 OK\r\n") && trickle(c, "", "X: y\r\n");
    if (is(c, "/header-flood")) {
        put_text(c, "HTTP/1.1 200 OK\r\n");
        while (put_text(c, "X-Flood: 0123456789012345678901234567890123456789012345678901234567890123\r\n"))
            ;
        return false;
    }
    if (is(c, "/no-http"))
        return put_text(c, "SSH-2.0-OpenSSH\r\n") && sit(c, 20) && false;
    if (is(c, "/close"))
        return false;
    if (is(c, "/dies-when-reused"))
        return c->requests == 1 && answer_rpc(c, "200 OK", "");
    if (is(c, "/elements-500"))
        return answer_rpc(c, "500 Internal Server Error", "elements");
    if (is(c, "/elements-404"))
        return answer_rpc(c, "404 Not Found", "elements");
    if (is(c, "/lines") || is(c, "/lines-broken"))
        return stream_lines(c, is(c, "/lines-broken"));
    if (is(c, "/batch") || is(c, "/batch-missing") || is(c, "/batch-twice"))
        return answer_batch(c, c->path + (c->path[6] == '\0' ? 6 : 7));
    if (is(c, "/batch-refused"))
        return answer(c, "400 Bad Request", "", "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32600,"
                      "\"message\":\"batches are off\"}}");
    return answer_rpc(c, "200 OK", c->path + 1);
}

/* --- JSON lines on a Unix socket ------------------------------------------------------------------------ */
static void serve_lines(struct connection *c)
{
    char *end;
    while ((end = strstr(c->text, "\n\n")) == NULL) {
        if (!read_more(c))
            return;
    }
    json_t *asked = json_loadb(c->text, (size_t)(end - c->text), 0, NULL);
    (void)snprintf(c->path, sizeof c->path, "%s", json_string_value(json_object_get(asked, "method")));
    json_decref(asked);
    c->text[end - c->text] = '\0';
    count_received(c->server, c->path, 1);
    AUTO_FREE char *reply = reply_to(c->text, c->path);
    if (is(c, "hang")) {
        sit(c, -1);
    } else if (is(c, "close")) {
        return;
    } else if (is(c, "pieces")) {
        for (size_t i = 0; reply[i] != '\0' && put(c, reply + i, 1); i++)
            sit(c, 1);
        sit(c, -1); /* no blank line: the object itself is the end */
    } else if (is(c, "truncated")) {
        put_text(c, reply);
    } else if (is(c, "garbage")) {
        put_text(c, "[1]\n\n");
        sit(c, -1);
    } else if (is(c, "huge")) {
        put_text(c, "{\"a\":\"");
        while (put_text(c, "0123456789012345678901234567890123456789012345678901234567890123"))
            ;
    } else {
        put_text(c, reply);
        put_text(c, "\n\n");
        sit(c, -1);
    }
}

/* --- threads -------------------------------------------------------------------------------------------- */
static void serve_http(struct connection *c)
{
    while (read_http(c)) {
        c->requests++;
        bool goes_on = behave(c);
        free(c->body);
        if (!goes_on)
            return;
        memmove(c->text, c->text + c->whole, c->size - c->whole + 1);
        c->size -= c->whole;
    }
}

static void *serve(void *context)
{
    struct connection *c = context;
    struct hostile_server *server = c->server;
    c->text = memory_new(REQUEST_MAX + 1);
    if (server->lines)
        serve_lines(c);
    else
        serve_http(c);
    pthread_mutex_lock(&server->lock);
    for (unsigned i = 0; i < server->open_count; i++) {
        if (server->open[i] == c->descriptor) {
            server->open[i] = server->open[--server->open_count];
            break;
        }
    }
    close(c->descriptor);
    pthread_cond_signal(&server->fewer);
    pthread_mutex_unlock(&server->lock);
    free(c->text);
    free(c);
    return NULL;
}

/* Those whose other side has closed are gone, though their thread may not have noticed. */
static unsigned count_open(const struct hostile_server *server)
{
    unsigned count = 0;
    for (unsigned i = 0; i < server->open_count; i++) {
        struct pollfd gone = { .fd = server->open[i], .events = POLLRDHUP };
        count += poll(&gone, 1, 0) == 0;
    }
    return count;
}

static void *accept_all(void *context)
{
    struct hostile_server *server = context;
    for (;;) {
        int descriptor = accept(server->listener, NULL, NULL);
        pthread_mutex_lock(&server->lock);
        bool stop = server->stopping || descriptor < 0;
        if (!stop) {
            INVARIANT(server->open_count < CONNECTIONS_MAX, "too many connections for the test's server");
            server->accepted++;
            server->open[server->open_count++] = descriptor;
            unsigned open = count_open(server);
            server->most = open > server->most ? open : server->most;
        }
        pthread_mutex_unlock(&server->lock);
        if (stop) {
            if (descriptor >= 0)
                close(descriptor);
            return NULL;
        }
        int one = 1;
        setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        struct connection *c = memory_new(sizeof *c);
        c->server = server;
        c->descriptor = descriptor;
        pthread_t thread;
        INVARIANT(pthread_create(&thread, NULL, serve, c) == 0, "no thread for the test's server");
        pthread_detach(thread);
    }
}

struct hostile_server *hostile_start(const char *socket_path)
{
    struct hostile_server *server = memory_new(sizeof *server);
    pthread_mutex_init(&server->lock, NULL);
    pthread_cond_init(&server->fewer, NULL);
    server->lines = socket_path != NULL;
    struct sockaddr_un local = { .sun_family = AF_UNIX };
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof address;
    bool ready;
    server->listener = socket(socket_path != NULL ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (socket_path != NULL) {
        (void)snprintf(local.sun_path, sizeof local.sun_path, "%s", socket_path);
        unlink(socket_path);
        ready = bind(server->listener, (struct sockaddr *)&local, sizeof local) == 0;
    } else {
        ready = bind(server->listener, (struct sockaddr *)&address, sizeof address) == 0
                && getsockname(server->listener, (struct sockaddr *)&address, &size) == 0;
        server->port = ntohs(address.sin_port);
    }
    INVARIANT(ready && listen(server->listener, 512) == 0, "the test's server cannot listen");
    INVARIANT(pthread_create(&server->acceptor, NULL, accept_all, server) == 0, "no thread");
    return server;
}

void hostile_stop(struct hostile_server *server)
{
    pthread_mutex_lock(&server->lock);
    server->stopping = true;
    shutdown(server->listener, SHUT_RDWR);
    for (unsigned i = 0; i < server->open_count; i++)
        shutdown(server->open[i], SHUT_RDWR);
    while (server->open_count > 0)
        pthread_cond_wait(&server->fewer, &server->lock);
    pthread_mutex_unlock(&server->lock);
    pthread_join(server->acceptor, NULL);
    close(server->listener);
    pthread_cond_destroy(&server->fewer);
    pthread_mutex_destroy(&server->lock);
    free(server);
}

unsigned hostile_port(const struct hostile_server *server)
{
    return server->port;
}

unsigned hostile_received(struct hostile_server *server, const char *path)
{
    return count_received(server, path, 0);
}

unsigned hostile_connections(struct hostile_server *server)
{
    pthread_mutex_lock(&server->lock);
    unsigned count = server->accepted;
    pthread_mutex_unlock(&server->lock);
    return count;
}

unsigned hostile_most_connections(struct hostile_server *server)
{
    pthread_mutex_lock(&server->lock);
    unsigned most = server->most;
    pthread_mutex_unlock(&server->lock);
    return most;
}

uint64_t hostile_bytes_sent(struct hostile_server *server)
{
    pthread_mutex_lock(&server->lock);
    uint64_t sent = server->sent;
    pthread_mutex_unlock(&server->lock);
    return sent;
}

void hostile_before_refusal(struct hostile_server *server, void (*run)(const char *), const char *context)
{
    pthread_mutex_lock(&server->lock);
    server->before_refusal = run;
    server->before_context = context;
    pthread_mutex_unlock(&server->lock);
}

void hostile_expect(struct hostile_server *server, const char *authorization)
{
    pthread_mutex_lock(&server->lock);
    (void)snprintf(server->expected, sizeof server->expected, "%s", authorization);
    pthread_mutex_unlock(&server->lock);
}
