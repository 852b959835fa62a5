/* libcurl's own parser takes the URL apart, so that what is checked here is what is connected to there. */
#include "network/transport/endpoint_url.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "base/bytes.h"
#include "base/memory.h"

#define SOCKET_PREFIX "unix:"

static void free_part(char **part)
{
    curl_free(*part);
}
#define AUTO_PART CLEANUP(free_part)

static void free_url(CURLU **url)
{
    curl_url_cleanup(*url);
}

static char *part_of(CURLU *url, CURLUPart part, unsigned flags)
{
    char *text = NULL;
    return curl_url_get(url, part, &text, flags) == CURLUE_OK ? text : NULL;
}

static bool is_loopback(const char *host)
{
    struct in_addr four;
    if (inet_pton(AF_INET, host, &four) == 1)
        return ntohl(four.s_addr) >> 24 == 127;
    return strcasecmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0;
}

static enum status parse_socket(const char *path, struct endpoint_url *url, struct error *error)
{
    if (path[0] != '/')
        return error_set(error, ERROR_NETWORK_OPTIONS, "'unix:%.100s': the path begins with '/'", path);
    if (strlen(path) >= sizeof((struct sockaddr_un *)0)->sun_path)
        return error_set(error, ERROR_NETWORK_OPTIONS, "the socket's path has %zu bytes; at most %zu",
                         strlen(path), sizeof((struct sockaddr_un *)0)->sun_path - 1);
    *url = (struct endpoint_url){ .is_socket = true, .loopback = true, .base = text_copy(path),
                                  .label = text_format("unix:%s", path) };
    return OK;
}

static enum status parse_parts(CURLU *parts, struct endpoint_url *url, struct error *error)
{
    AUTO_PART char *scheme = part_of(parts, CURLUPART_SCHEME, 0);
    AUTO_PART char *host = part_of(parts, CURLUPART_HOST, 0);
    AUTO_PART char *port = part_of(parts, CURLUPART_PORT, CURLU_DEFAULT_PORT);
    AUTO_PART char *path = part_of(parts, CURLUPART_PATH, 0);
    AUTO_PART char *query = part_of(parts, CURLUPART_QUERY, 0);
    AUTO_PART char *user = part_of(parts, CURLUPART_USER, 0);
    AUTO_PART char *password = part_of(parts, CURLUPART_PASSWORD, 0);
    AUTO_PART char *fragment = part_of(parts, CURLUPART_FRAGMENT, 0);
    if (scheme == NULL || host == NULL || port == NULL || path == NULL
        || (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0))
        return error_set(error, ERROR_NETWORK_OPTIONS, "the URL is none of http://, https:// and unix:/path");
    if (user != NULL || password != NULL)
        return error_set(error, ERROR_NETWORK_OPTIONS, "the URL holds a user or password: they belong into a "
                         "credentials file");
    if (fragment != NULL)
        return error_set(error, ERROR_NETWORK_OPTIONS, "the URL holds a '#', which no server gets to see");
    size_t size = strlen(path);
    while (size > 0 && path[size - 1] == '/')
        size--;
    *url = (struct endpoint_url){
        .plain = strcmp(scheme, "http") == 0,
        .loopback = is_loopback(host),
        .base = text_format("%s://%s:%s%.*s", scheme, host, port, (int)size, path),
        .query = query == NULL ? NULL : text_format("?%s", query),
        .label = text_format("%s://%s:%s", scheme, host, port),
    };
    text_make_printable(url->label, strlen(url->label));
    return OK;
}

enum status endpoint_url_parse(const char *text, struct endpoint_url *url, struct error *error)
{
    if (text == NULL || strlen(text) > ENDPOINT_URL_MAX)
        return error_set(error, ERROR_NETWORK_OPTIONS, "a URL of at most %d bytes is needed",
                         ENDPOINT_URL_MAX);
    if (strncmp(text, SOCKET_PREFIX, strlen(SOCKET_PREFIX)) == 0)
        return parse_socket(text + strlen(SOCKET_PREFIX), url, error);
    CURLU *parts CLEANUP(free_url) = curl_url();
    if (parts == NULL)
        resource_exhausted("memory");
    CURLUcode code = curl_url_set(parts, CURLUPART_URL, text, 0);
    if (code != CURLUE_OK)
        return error_set(error, ERROR_NETWORK_OPTIONS,
                         "the URL cannot be read: %s; it is like http://127.0.0.1:8545",
                         curl_url_strerror(code));
    return parse_parts(parts, url, error);
}

void endpoint_url_close(struct endpoint_url *url)
{
    free(url->base);
    free(url->query);
    free(url->label);
}

char *endpoint_url_join(const struct endpoint_url *url, const char *path)
{
    if (path == NULL)
        path = "";
    if (url->query == NULL)
        return text_format("%s%s", url->base, path);
    size_t before = strcspn(path, "?");
    const char *more = path[before] == '\0' ? "" : path + before + 1;
    return text_format("%s%.*s%s%s%s", url->base, (int)before, path, url->query, *more == '\0' ? "" : "&",
                       more);
}
