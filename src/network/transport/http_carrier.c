/* HTTP by libcurl: one multi handle an endpoint, driven by the transport's event loop, and as many easy
 * handles ("lanes") as connections, made when first needed and used again.
 *
 * A write goes out once. libcurl sends a request again by itself in two cases: when a connection that it used
 * before turns out to be dead before any byte of the reply (so writes get a connection of their own,
 * CURLOPT_FRESH_CONNECT), and when an HTTP/2 server refuses a stream (so this is HTTP/1.1). The third, a 417
 * to "Expect: 100-continue", cannot come because no such header is sent. */
#include <curl/curl.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "network/transport/pool.h"
#include "network/transport/retry_after.h"

#define CONNECT_TIMEOUT_MS 3000L
#define HEADERS_SIZE_MAX 65536  /* bytes of a reply's headers */
#define IDLE_MAX_S 60L          /* older connections are not used again */
#define LOW_SPEED_BYTES 16L     /* a second, over … */
#define LOW_SPEED_S 30L
#define CERTIFICATES_READ_AGAIN_S 300L

struct lane {
    struct endpoint *endpoint;
    CURL *easy;                 /* NULL until first needed */
    struct exchange *exchange;  /* NULL: free */
    struct lane *next_free;
    size_t headers_size;
    bool too_large;
    bool has_retry_after, has_left, has_reset;
    int64_t retry_after_us, reset_us;
    uint64_t left;
    char reason[CURL_ERROR_SIZE];
};

/* What libcurl waits for on one socket. */
struct socket_watch { struct event event; struct endpoint *endpoint; };

#define SET(easy, option, value)                                                                   \
    do {                                                                                           \
        CURLcode set_code = curl_easy_setopt(easy, option, value);                                 \
        INVARIANT(set_code == CURLE_OK, "libcurl: " #option ": %s", curl_easy_strerror(set_code)); \
    } while (0)

/* --- what comes in -------------------------------------------------------------------------------------- */
/* Of a stream of lines only the last is of use: all before it is dropped as soon as another one begins. What
 * came before the newest piece, from `from` on, was looked through already, but for a newline at its end. */
static void keep_last_line(struct buffer *reply, size_t from)
{
    size_t end = reply->size;
    while (end > 0 && (reply->data[end - 1] == '\n' || reply->data[end - 1] == '\r'))
        end--;
    from -= from < 2 ? from : 2;
    const uint8_t *newline = end <= from ? NULL : memrchr(reply->data + from, '\n', end - from);
    if (newline == NULL)
        return;
    size_t drop = (size_t)(newline - reply->data) + 1;
    memmove(reply->data, reply->data + drop, reply->size - drop);
    reply->size -= drop;
}

static size_t on_body(char *data, size_t one, size_t size, void *context)
{
    (void)one;
    struct lane *lane = context;
    struct buffer *reply = lane->exchange->reply;
    if (size > lane->endpoint->body_max - reply->size) {
        lane->too_large = true;
        return CURL_WRITEFUNC_ERROR;
    }
    buffer_append(reply, data, size);
    if (lane->exchange->lines)
        keep_last_line(reply, reply->size - size);
    return size;
}

static bool header_is(const char *line, size_t size, const char *name, const char **value,
                      size_t *value_size)
{
    size_t length = strlen(name);
    if (size <= length || line[length] != ':' || strncasecmp(line, name, length) != 0)
        return false;
    *value = line + length + 1;
    *value_size = size - length - 1;
    while (*value_size > 0 && strchr("\r\n", (*value)[*value_size - 1]) != NULL)
        (*value_size)--;
    return true;
}

/* Where a redirect points, without what may be secret in it: scheme and host. */
static void note_redirect(struct exchange *exchange, const char *value, size_t size)
{
    while (size > 0 && *value == ' ') {
        value++;
        size--;
    }
    const char *scheme_end = size == 0 ? NULL : memmem(value, size, "://", 3);
    if (scheme_end == NULL) /* a path of the same server */
        return;
    const char *host = scheme_end + 3, *end = host;
    while (end < value + size && strchr("/?#", *end) == NULL)
        end++;
    const char *user_end = memrchr(host, '@', (size_t)(end - host));
    if (user_end != NULL)
        host = user_end + 1;
    (void)snprintf(exchange->redirect, sizeof exchange->redirect, "%.*s%.*s", (int)(scheme_end + 3 - value),
                   value, (int)(end - host), host);
    text_make_printable(exchange->redirect, strlen(exchange->redirect));
}

static size_t on_header(char *line, size_t one, size_t size, void *context)
{
    (void)one;
    struct lane *lane = context;
    lane->headers_size += size;
    if (lane->headers_size > HEADERS_SIZE_MAX) {
        lane->too_large = true;
        return 0;
    }
    int64_t now = clock_wall_us();
    const char *value;
    size_t length;
    uint64_t number;
    if (header_is(line, size, "content-length", &value, &length)) {
        if (!lane->exchange->lines && rate_limit_remaining_parse(value, length, &number)
            && number > lane->endpoint->body_max) {
            lane->too_large = true;
            return 0;
        }
    } else if (header_is(line, size, "retry-after", &value, &length)) {
        lane->has_retry_after = retry_after_parse(value, length, now, &lane->retry_after_us);
    } else if (header_is(line, size, "ratelimit-remaining", &value, &length)
               || header_is(line, size, "x-ratelimit-remaining", &value, &length)) {
        lane->has_left = rate_limit_remaining_parse(value, length, &lane->left);
    } else if (header_is(line, size, "ratelimit-reset", &value, &length)
               || header_is(line, size, "x-ratelimit-reset", &value, &length)) {
        lane->has_reset = rate_limit_reset_parse(value, length, now, &lane->reset_us);
    } else if (header_is(line, size, "location", &value, &length)) {
        note_redirect(lane->exchange, value, length);
    }
    return size;
}

/* --- a lane --------------------------------------------------------------------------------------------- */
static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void)context;
    (void)purpose;
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static void set_trust(CURL *easy, const struct endpoint *endpoint)
{
    SET(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    SET(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    SET(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    const curl_version_info_data *curl = curl_version_info(CURLVERSION_NOW);
    if (endpoint->ca_file != NULL)
        SET(easy, CURLOPT_CAINFO, endpoint->ca_file);
    /* the folder of certificates would be trusted beside the file; and with the file alone libcurl keeps what
     * it has read of it */
    if (endpoint->ca_file != NULL || (curl->cainfo != NULL && access(curl->cainfo, R_OK) == 0))
        SET(easy, CURLOPT_CAPATH, (char *)NULL);
#if LIBCURL_VERSION_NUM >= 0x075700
    SET(easy, CURLOPT_CA_CACHE_TIMEOUT, CERTIFICATES_READ_AGAIN_S);
    SET(easy, CURLOPT_QUICK_EXIT, 1L); /* do not wait for a name server that we gave up */
#endif
}

static void make_easy(struct lane *lane)
{
    CURL *easy = lane->easy = curl_easy_init();
    if (easy == NULL)
        resource_exhausted("memory");
    SET(easy, CURLOPT_NOSIGNAL, 1L);
    SET(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    SET(easy, CURLOPT_FOLLOWLOCATION, 0L);
    SET(easy, CURLOPT_UNRESTRICTED_AUTH, 0L);
    SET(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    SET(easy, CURLOPT_PROXY, "");
    SET(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
    SET(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    SET(easy, CURLOPT_MAXAGE_CONN, IDLE_MAX_S);
    SET(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    SET(easy, CURLOPT_ERRORBUFFER, lane->reason);
    SET(easy, CURLOPT_WRITEFUNCTION, on_body);
    SET(easy, CURLOPT_WRITEDATA, lane);
    SET(easy, CURLOPT_HEADERFUNCTION, on_header);
    SET(easy, CURLOPT_HEADERDATA, lane);
    SET(easy, CURLOPT_PRIVATE, lane);
    SET(easy, CURLOPT_SHARE, lane->endpoint->share);
    set_trust(easy, lane->endpoint);
}

static bool has_text(const char *text, const char *name)
{
    return strcmp(text, name) == 0;
}

/* False: libcurl does not take it. */
static bool prepare(struct lane *lane, struct exchange *exchange)
{
    CURL *easy = lane->easy;
    if (curl_easy_setopt(easy, CURLOPT_URL, exchange->url) != CURLE_OK)
        return false;
    bool plain_get = has_text(exchange->method, "GET") && exchange->body.size == 0;
    if (plain_get) {
        SET(easy, CURLOPT_HTTPGET, 1L);
    } else {
        SET(easy, CURLOPT_POST, 1L);
        SET(easy, CURLOPT_POSTFIELDS, exchange->body.size == 0 ? "" : (const char *)exchange->body.data);
        SET(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)exchange->body.size);
    }
    bool own_method = !plain_get && !has_text(exchange->method, "POST");
    SET(easy, CURLOPT_CUSTOMREQUEST, own_method ? exchange->method : (char *)NULL);
    SET(easy, CURLOPT_HTTPHEADER, exchange->headers);
    SET(easy, CURLOPT_FRESH_CONNECT, exchange->write ? 1L : 0L);
    bool may_be_silent = exchange->write || exchange->lines;
    SET(easy, CURLOPT_LOW_SPEED_LIMIT, may_be_silent ? 0L : LOW_SPEED_BYTES);
    SET(easy, CURLOPT_LOW_SPEED_TIME, may_be_silent ? 0L : LOW_SPEED_S);
    return true;
}

static void start(struct exchange *exchange)
{
    struct endpoint *endpoint = exchange->endpoint;
    struct lane *lane = endpoint->free_lane;
    INVARIANT(lane != NULL, "more exchanges under way than connections");
    if (lane->easy == NULL)
        make_easy(lane);
    if (!prepare(lane, exchange)) {
        pool_ended(exchange, (struct outcome){ .ending = ENDING_BAD_REQUEST });
        return;
    }
    endpoint->free_lane = lane->next_free;
    lane->exchange = exchange;
    lane->headers_size = 0;
    lane->too_large = lane->has_retry_after = lane->has_left = lane->has_reset = false;
    lane->reason[0] = '\0';
    exchange->carrier = lane;
    CURLMcode code = curl_multi_add_handle(endpoint->multi, lane->easy);
    INVARIANT(code == CURLM_OK, "libcurl: %s", curl_multi_strerror(code));
}

static bool was_sent(const struct lane *lane)
{
    long size = 0;
    return curl_easy_getinfo(lane->easy, CURLINFO_REQUEST_SIZE, &size) == CURLE_OK && size > 0;
}

static void free_the_lane(struct lane *lane)
{
    struct endpoint *endpoint = lane->endpoint;
    curl_multi_remove_handle(endpoint->multi, lane->easy);
    lane->exchange = NULL;
    lane->next_free = endpoint->free_lane;
    endpoint->free_lane = lane;
}

static bool abandon(struct exchange *exchange)
{
    struct lane *lane = exchange->carrier;
    bool sent = was_sent(lane);
    free_the_lane(lane); /* the connection is closed with it: a reply is still due there */
    return sent;
}

/* --- the end -------------------------------------------------------------------------------------------- */
static enum ending ending_of(CURLcode code, const struct lane *lane, bool sent)
{
    static const struct { CURLcode code; enum ending ending; } endings[] = {
        { CURLE_OK, ENDING_REPLY },
        { CURLE_COULDNT_RESOLVE_HOST, ENDING_UNREACHABLE },
        { CURLE_COULDNT_CONNECT, ENDING_UNREACHABLE },
        { CURLE_FILESIZE_EXCEEDED, ENDING_TOO_LARGE },
        { CURLE_URL_MALFORMAT, ENDING_BAD_REQUEST },
        { CURLE_UNSUPPORTED_PROTOCOL, ENDING_NO_HTTP }, /* also: a reply of HTTP/0.9 */
        { CURLE_WEIRD_SERVER_REPLY, ENDING_NO_HTTP },
        { CURLE_BAD_CONTENT_ENCODING, ENDING_NO_HTTP },
        { CURLE_PEER_FAILED_VERIFICATION, ENDING_TLS },
        { CURLE_SSL_ENGINE_NOTFOUND, ENDING_TLS },
        { CURLE_SSL_CERTPROBLEM, ENDING_TLS },
        { CURLE_SSL_CIPHER, ENDING_TLS },
        { CURLE_SSL_CACERT_BADFILE, ENDING_TLS },
        { CURLE_SSL_ISSUER_ERROR, ENDING_TLS },
        { CURLE_SSL_PINNEDPUBKEYNOTMATCH, ENDING_TLS },
        { CURLE_SSL_INVALIDCERTSTATUS, ENDING_TLS },
    };
    if (lane->too_large)
        return ENDING_TOO_LARGE;
    if (code == CURLE_OUT_OF_MEMORY)
        resource_exhausted("memory");
    if (code == CURLE_OPERATION_TIMEDOUT) /* of the connection, or of a reply that trickles */
        return sent ? ENDING_TIMEOUT : ENDING_UNREACHABLE;
    if (code == CURLE_SSL_CONNECT_ERROR) /* the connection may have ended inside the handshake */
        return strstr(lane->reason, "SSL_ERROR_SYSCALL") != NULL ? ENDING_UNREACHABLE : ENDING_TLS;
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        if (endings[i].code == code)
            return endings[i].ending;
    }
    return sent ? ENDING_BROKEN : ENDING_UNREACHABLE;
}

/* What the server said about its limits, told to the rate limiter. */
static void heed(struct lane *lane, long http_status)
{
    struct endpoint *endpoint = lane->endpoint;
    if (lane->has_left)
        rate_limiter_left(&endpoint->limiter, (double)lane->left, clock_monotonic_us());
    if (lane->has_retry_after && (http_status == 429 || http_status == 503))
        pool_pause(endpoint, lane->retry_after_us);
    else if (lane->has_left && lane->left == 0 && lane->has_reset)
        pool_pause(endpoint, lane->reset_us);
}

static void finish(CURL *easy, CURLcode code)
{
    struct lane *lane = NULL;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&lane);
    struct exchange *exchange = lane->exchange;
    struct outcome outcome = { .sent = was_sent(lane) };
    outcome.ending = ending_of(code, lane, outcome.sent);
    if (outcome.ending == ENDING_REPLY) {
        curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &outcome.http_status);
        outcome.has_retry_after = lane->has_retry_after;
        heed(lane, outcome.http_status);
    } else {
        const char *reason = lane->reason[0] == '\0' ? curl_easy_strerror(code) : lane->reason;
        (void)snprintf(exchange->reason, sizeof exchange->reason, "%s", reason);
        text_make_printable(exchange->reason, strlen(exchange->reason));
    }
    free_the_lane(lane);
    pool_ended(exchange, outcome);
}

static void finish_all(struct endpoint *endpoint)
{
    int left;
    CURLMsg *message;
    while ((message = curl_multi_info_read(endpoint->multi, &left)) != NULL) {
        if (message->msg == CURLMSG_DONE)
            finish(message->easy_handle, message->data.result); /* the message is gone with the handle */
    }
}

/* --- libcurl on libevent -------------------------------------------------------------------------------- */
static void act(struct endpoint *endpoint, curl_socket_t socket, int what)
{
    int running;
    CURLMcode code = curl_multi_socket_action(endpoint->multi, socket, what, &running);
    INVARIANT(code == CURLM_OK, "libcurl: %s", curl_multi_strerror(code));
    finish_all(endpoint);
}

static void on_socket(evutil_socket_t socket, short what, void *context)
{
    struct socket_watch *watch = context;
    act(watch->endpoint, socket,
        (what & EV_READ ? CURL_CSELECT_IN : 0) | (what & EV_WRITE ? CURL_CSELECT_OUT : 0));
}

static int watch_socket(CURL *easy, curl_socket_t socket, int what, void *context, void *socket_context)
{
    (void)easy;
    struct endpoint *endpoint = context;
    struct socket_watch *watch = socket_context;
    if (watch != NULL)
        event_del(&watch->event);
    if (what == CURL_POLL_REMOVE) {
        free(watch);
        return 0;
    }
    if (watch == NULL) {
        watch = memory_new(sizeof *watch);
        watch->endpoint = endpoint;
        curl_multi_assign(endpoint->multi, socket, watch);
    }
    short wanted = (short)(EV_PERSIST | (what & CURL_POLL_IN ? EV_READ : 0)
                           | (what & CURL_POLL_OUT ? EV_WRITE : 0));
    event_assign(&watch->event, transport_base(endpoint->transport), socket, wanted, on_socket, watch);
    event_add(&watch->event, NULL);
    return 0;
}

static void on_timer(evutil_socket_t socket, short what, void *context)
{
    (void)socket;
    (void)what;
    act(context, CURL_SOCKET_TIMEOUT, 0);
}

static int set_timer(CURLM *multi, long wait_ms, void *context)
{
    (void)multi;
    struct endpoint *endpoint = context;
    if (wait_ms < 0) {
        event_del(&endpoint->multi_timer);
        return 0;
    }
    struct timeval wait = { .tv_sec = wait_ms / 1000, .tv_usec = wait_ms % 1000 * 1000 };
    event_add(&endpoint->multi_timer, &wait);
    return 0;
}

#define SET_MULTI(multi, option, value)                                                                \
    do {                                                                                               \
        CURLMcode set_code = curl_multi_setopt(multi, option, value);                                  \
        INVARIANT(set_code == CURLM_OK, "libcurl: " #option ": %s", curl_multi_strerror(set_code));    \
    } while (0)

static void open_multi(struct endpoint *endpoint)
{
    endpoint->multi = curl_multi_init();
    endpoint->share = curl_share_init();
    if (endpoint->multi == NULL || endpoint->share == NULL)
        resource_exhausted("memory");
    curl_share_setopt(endpoint->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
    evtimer_assign(&endpoint->multi_timer, transport_base(endpoint->transport), on_timer, endpoint);
    SET_MULTI(endpoint->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
    SET_MULTI(endpoint->multi, CURLMOPT_SOCKETDATA, endpoint);
    SET_MULTI(endpoint->multi, CURLMOPT_TIMERFUNCTION, set_timer);
    SET_MULTI(endpoint->multi, CURLMOPT_TIMERDATA, endpoint);
    /* idle ones count: libcurl closes the oldest idle one before it opens one more */
    SET_MULTI(endpoint->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)endpoint->connections_max);
    SET_MULTI(endpoint->multi, CURLMOPT_MAXCONNECTS, (long)endpoint->connections_max);
    endpoint->lanes = memory_array(endpoint->connections_max, sizeof *endpoint->lanes);
    for (unsigned i = 0; i < endpoint->connections_max; i++) {
        endpoint->lanes[i].endpoint = endpoint;
        endpoint->lanes[i].next_free = endpoint->free_lane;
        endpoint->free_lane = &endpoint->lanes[i];
    }
}

static void close_multi(struct endpoint *endpoint)
{
    for (unsigned i = 0; i < endpoint->connections_max; i++) {
        if (endpoint->lanes[i].easy != NULL)
            curl_easy_cleanup(endpoint->lanes[i].easy);
    }
    curl_multi_cleanup(endpoint->multi);
    curl_share_cleanup(endpoint->share);
    event_del(&endpoint->multi_timer);
    free(endpoint->lanes);
}

const struct carrier http_carrier = { open_multi, close_multi, start, abandon };
