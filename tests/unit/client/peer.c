/* A scripted peer: see peer.h. */
#include "peer.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct peer {
    char directory[64], path[96];
    int listener;
    peer_script *const *scripts;
    size_t count;
    void *context;
    pthread_t thread;
};

static void must(int condition, const char *what)
{
    if (condition)
        return;
    perror(what);
    abort();
}

static void *play(void *argument)
{
    struct peer *peer = argument;
    for (size_t i = 0; i < peer->count; i++) {
        int descriptor = accept(peer->listener, NULL, NULL);
        if (descriptor < 0)
            break;
        peer->scripts[i](descriptor, peer->context);
        close(descriptor);
    }
    return NULL;
}

struct peer *peer_start(const char *name, peer_script *const *scripts, size_t count, void *context)
{
    struct peer *peer = calloc(1, sizeof *peer);
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    must(peer != NULL, "calloc");
    *peer = (struct peer){ .scripts = scripts, .count = count, .context = context };
    strcpy(peer->directory, "/tmp/layerd-client-XXXXXX");
    must(mkdtemp(peer->directory) != NULL, "mkdtemp");
    snprintf(peer->path, sizeof peer->path, "%s/%s", peer->directory, name);
    strcpy(address.sun_path, peer->path);
    peer->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(peer->listener >= 0, "socket");
    must(bind(peer->listener, (struct sockaddr *)&address, sizeof address) == 0, "bind");
    must(listen(peer->listener, 8) == 0, "listen");
    must(pthread_create(&peer->thread, NULL, play, peer) == 0, "pthread_create");
    return peer;
}

const char *peer_directory(const struct peer *peer)
{
    return peer->directory;
}

void peer_stop(struct peer *peer)
{
    shutdown(peer->listener, SHUT_RDWR); /* a script that nobody connected to is not waited for */
    pthread_join(peer->thread, NULL);
    close(peer->listener);
    unlink(peer->path);
    rmdir(peer->directory);
    free(peer);
}

int peer_read(int descriptor, char *line)
{
    for (size_t size = 0; size < PEER_LINE_MAX; size++) {
        if (read(descriptor, line + size, 1) != 1)
            return 0;
        if (line[size] == '\n') {
            line[size] = '\0';
            return 1;
        }
    }
    return 0;
}

void peer_say(int descriptor, const char *text)
{
    size_t size = strlen(text);
    while (size > 0) {
        ssize_t written = send(descriptor, text, size, MSG_NOSIGNAL);
        if (written <= 0)
            return;
        text += written;
        size -= (size_t)written;
    }
}

unsigned long long peer_id(const char *request)
{
    const char *id = strstr(request, "\"id\":");
    return id == NULL ? 0 : strtoull(id + 5, NULL, 10);
}

void peer_reply(int descriptor, const char *request, const char *result)
{
    size_t room = strlen(result) + 100;
    char *line = malloc(room);
    must(line != NULL, "malloc");
    snprintf(line, room, "{\"jsonrpc\":\"2.0\",\"id\":%llu,\"result\":%s}\n", peer_id(request), result);
    peer_say(descriptor, line);
    free(line);
}
