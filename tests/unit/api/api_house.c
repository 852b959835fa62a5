/* Order of start and stop as in node/main.c. */
#include "api_house.h"

#include <errno.h>
#include <event2/thread.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/memory.h"

#define PATIENCE_MS 60000

static const struct module *const no_modules[] = { NULL };

static void *run_loop(void *context)
{
    api_run(context);
    return NULL;
}

void house_open(struct house *house, const struct house_options *options)
{
    static const struct house_options defaults;
    if (options == NULL)
        options = &defaults;
    *house = (struct house){ .directory = "/tmp/layerd-api-XXXXXX" };
    assert_non_null(mkdtemp(house->directory));
    assert_int_equal(evthread_use_pthreads(), 0);
    house->base = event_base_new();
    const struct api_options api = {
        .base = house->base,
        .directory = house->directory,
        .connections_max = options->connections_max == 0 ? 100 : options->connections_max,
        .connections_per_uid = options->connections_per_uid == 0 ? 100 : options->connections_per_uid,
        .ring_bytes = options->ring_bytes,
        .calls_max = options->calls_max,
        .unsent_bytes_max = options->unsent_bytes_max,
        .idle_line_timeout_us = options->line_timeout_us,
        .hold_method = options->hold_method,
    };
    house->api = api_new(&api);
    const struct kernel_options kernel = {
        .directory = house->directory,
        .network = NETWORK_DEV,
        .modules = no_modules,
        .workers = 2,
        .queue_size = options->queue_size == 0 ? 10000 : options->queue_size,
        .batch_size = 256,
        .block_interval_us = 1000000,
        .query_timeout_us = 5000000,
        .publish = api_publish,
        .batch_done = api_wake,
        .context = house->api,
    };
    struct error error;
    if (kernel_start(&kernel, &house->kernel, &error) != OK
        || api_listen(house->api, house->kernel, &error) != OK)
        give_up("the house does not open: %s", error.message);
    assert_int_equal(pthread_create(&house->thread, NULL, run_loop, house->api), 0);
    house->running = true;
}

void house_stop(struct house *house)
{
    api_break(house->api);
    pthread_join(house->thread, NULL);
    house->running = false;
    api_pause(house->api);
    kernel_stop(house->kernel, "test");
    api_finish(house->api);
    api_free(house->api);
    house->api = NULL;
}

void house_close(struct house *house)
{
    if (house->running)
        house_stop(house);
    event_base_free(house->base);
    char *AUTO_FREE command = text_format("rm -rf '%s'", house->directory);
    assert_int_equal(system(command), 0);
}

uint64_t house_head(const struct house *house)
{
    return kernel_head(house->kernel);
}

/* --- events ----------------------------------------------------------------------------------- */
struct commit {
    struct kernel_task task;
    size_t count;
    const char *destination;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool done;
};

static enum status record(struct kernel_task *task, struct execution *x)
{
    const struct commit *commit = (const struct commit *)task;
    for (size_t i = 0; i < commit->count; i++)
        event_backup_failed(x, &(struct event_backup_failed){ .destination = commit->destination,
                                                              .error = "for a test" });
    return OK;
}

static void recorded(struct kernel_task *task, enum status status, const struct error *error)
{
    (void)error;
    struct commit *commit = (struct commit *)task;
    INVARIANT(status == OK, "the task failed");
    pthread_mutex_lock(&commit->lock);
    commit->done = true;
    pthread_cond_signal(&commit->changed);
    pthread_mutex_unlock(&commit->lock);
}

void house_commit(struct house *house, size_t count, const char *destination)
{
    struct commit commit = {
        .task = { .run = record, .done = recorded }, .count = count, .destination = destination,
        .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER,
    };
    assert_true(kernel_submit_task(house->kernel, &commit.task));
    pthread_mutex_lock(&commit.lock);
    while (!commit.done)
        pthread_cond_wait(&commit.changed, &commit.lock);
    pthread_mutex_unlock(&commit.lock);
}

/* --- clients ---------------------------------------------------------------------------------- */
void client_open(struct client *client, const struct house *house, const char *name)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    *client = (struct client){ .descriptor = socket(AF_UNIX, SOCK_STREAM, 0) };
    snprintf(address.sun_path, sizeof address.sun_path, "%s/%s", house->directory, name);
    assert_int_equal(connect(client->descriptor, (struct sockaddr *)&address, sizeof address), 0);
}

void client_close(struct client *client)
{
    close(client->descriptor);
    buffer_close(&client->input);
}

void client_send(struct client *client, const char *text)
{
    size_t size = strlen(text);
    while (size > 0) {
        ssize_t sent = send(client->descriptor, text, size, MSG_NOSIGNAL);
        if (sent < 0 && (errno == EPIPE || errno == ECONNRESET))
            return; /* closed: what reads next will see it */
        assert_true(sent > 0);
        text += sent;
        size -= (size_t)sent;
    }
}

void client_ask(struct client *client, const char *quoted_text)
{
    char *AUTO_FREE text = text_format("%s\n", quoted_text);
    for (char *at = text; *at != '\0'; at++)
        if (*at == '\'')
            *at = '"';
    client_send(client, text);
}

static bool wait_readable(const struct client *client, int milliseconds)
{
    struct pollfd state = { .fd = client->descriptor, .events = POLLIN };
    return poll(&state, 1, milliseconds) == 1;
}

const char *client_line(struct client *client)
{
    struct buffer *input = &client->input;
    if (client->taken > 0)
        memmove(input->data, input->data + client->taken, input->size - client->taken);
    input->size -= client->taken;
    client->taken = 0;
    for (size_t scanned = 0;;) {
        uint8_t *newline =
            input->size == scanned ? NULL : memchr(input->data + scanned, '\n', input->size - scanned);
        if (newline != NULL) {
            *newline = '\0';
            client->taken = (size_t)(newline - input->data) + 1;
            return (const char *)input->data;
        }
        scanned = input->size;
        if (!wait_readable(client, PATIENCE_MS))
            give_up("the node says nothing");
        ssize_t got = recv(client->descriptor, buffer_reserve(input, 65536), 65536, 0);
        if (got <= 0)
            return NULL;
        input->size += (size_t)got;
    }
}

json_t *client_value(struct client *client)
{
    const char *line = client_line(client);
    json_t *value = NULL;
    struct error error;
    if (line == NULL)
        give_up("the node closed the connection");
    if (json_parse(line, strlen(line), &value, &error) != OK)
        give_up("not JSON: %s", line);
    return value;
}

json_t *client_until(struct client *client, const char *member)
{
    for (;;) {
        json_t *value = client_value(client);
        if (json_object_get(value, member) != NULL)
            return value;
        json_decref(value);
    }
}

bool client_is_silent(struct client *client, int milliseconds)
{
    return client->input.size == client->taken && !wait_readable(client, milliseconds);
}

int64_t integer_at(const json_t *value, const char *path)
{
    char name[64];
    while (*path != '\0') {
        size_t size = strcspn(path, ".");
        snprintf(name, sizeof name, "%.*s", (int)size, path);
        value = json_object_get(value, name);
        path += size + (path[size] == '.');
    }
    if (!json_is_integer(value))
        give_up("no integer at %s", name);
    return json_integer_value(value);
}
