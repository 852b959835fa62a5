/* A connection for calls. Requests get tickets 1, 2, 3 …; a ring of slots holds what became of each until it
 * is collected, in whatever order replies come. Once the other side broke the protocol or went away, the
 * client only fails, but replies that came before can still be collected. */
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "client/client.h"
#include "client/connection.h"
#include "client/failure.h"
#include "client/request.h"

#define REQUEST_ROOM 128 /* bytes of a request beside its method and parameters */
#define SLOTS_FIRST 16   /* grows by doubling up to LAYERD_PENDING_MAX */

enum slot_state {
    SLOT_DONE,      /* collected, or refused before it was sent */
    SLOT_WAITING,   /* sent */
    SLOT_ABANDONED, /* sent, and nobody wants the reply */
    SLOT_ARRIVED,   /* the reply is here */
};

struct slot {
    enum slot_state state;
    bool refused;            /* `text` is the error object, not the result */
    char *text;              /* when arrived */
    uint64_t before, behind; /* neighbours in the order of arrival; 0: none */
};

struct layerd_client {
    struct connection connection;
    struct slot *slots;                   /* the slot of a ticket is ticket & (slot_count − 1) */
    size_t slot_count;                    /* a power of 2 */
    uint64_t first, next;                 /* tickets first … next − 1 have slots */
    size_t pending;                       /* of these, waiting or arrived */
    uint64_t first_arrived, last_arrived; /* 0: none */
    struct error broken;                  /* code OK while the protocol holds */
};

/* --- where the sockets are -------------------------------------------------------------------- */

static enum status directory_of(const char *network, char **directory, struct error *error)
{
    if (network == NULL)
        network = "dev";
    if (strcmp(network, "dev") != 0 && strcmp(network, "test") != 0 && strcmp(network, "main") != 0)
        return error_set(error, ERROR_INVALID_PARAMS, "there is no network '%s'; dev, test and main exist",
                         network);
    const char *home = getenv("HOME");
    if (home == NULL || home[0] == '\0') {
        const struct passwd *user = getpwuid(getuid());
        home = user == NULL ? NULL : user->pw_dir;
    }
    if (home == NULL || home[0] == '\0')
        return error_set(error, ERROR_NOT_FOUND,
                         "this user has no home directory; name the data directory instead");
    *directory = text_format("%s/.layerd/%s", home, network);
    return OK;
}

enum layerd_error layerd_directory(const char *network, char **directory, struct layerd_failure *failure)
{
    struct error error;
    return failure_report(failure, directory_of(network, directory, &error), &error);
}

enum status socket_path(const char *path, enum layerd_socket which, char **out, struct error *error)
{
    AUTO_FREE char *directory = NULL;
    struct stat facts;
    const char *name = "layerd.sock";

    switch (which) {
    case LAYERD_SOCKET_CALLS:
        break;
    case LAYERD_SOCKET_EVENTS:
        name = "events.sock";
        break;
    }
    if (path == NULL)
        TRY(directory_of(NULL, &directory, error));
    else
        directory = text_copy(path);
    if (stat(directory, &facts) == 0 && S_ISSOCK(facts.st_mode))
        *out = text_copy(directory);
    else
        *out = text_format("%s/%s", directory, name);
    return OK;
}

/* --- slots ------------------------------------------------------------------------------------ */

static struct slot *slot_of(struct layerd_client *client, uint64_t ticket)
{
    return &client->slots[ticket & (client->slot_count - 1)];
}

static bool is_open(const struct layerd_client *client, uint64_t ticket)
{
    return ticket >= client->first && ticket < client->next;
}

static void grow_slots(struct layerd_client *client)
{
    size_t count = client->slot_count * 2;
    struct slot *slots = memory_array(count, sizeof *slots);
    for (uint64_t ticket = client->first; ticket < client->next; ticket++)
        slots[ticket & (count - 1)] = *slot_of(client, ticket);
    free(client->slots);
    client->slots = slots;
    client->slot_count = count;
}

static enum status slot_new(struct layerd_client *client, uint64_t *ticket, struct error *error)
{
    if (client->next - client->first == client->slot_count) {
        if (client->slot_count == LAYERD_PENDING_MAX)
            return error_set(error, ERROR_LIMIT,
                             "%d requests wait for their replies to be collected; collect some first",
                             LAYERD_PENDING_MAX);
        grow_slots(client);
    }
    *ticket = client->next++;
    *slot_of(client, *ticket) = (struct slot){ .state = SLOT_WAITING };
    client->pending++;
    return OK;
}

static void arrival_unlink(struct layerd_client *client, struct slot *slot)
{
    if (slot->before != 0)
        slot_of(client, slot->before)->behind = slot->behind;
    else
        client->first_arrived = slot->behind;
    if (slot->behind != 0)
        slot_of(client, slot->behind)->before = slot->before;
    else
        client->last_arrived = slot->before;
}

static void slot_done(struct layerd_client *client, uint64_t ticket)
{
    struct slot *slot = slot_of(client, ticket);
    if (slot->state == SLOT_ARRIVED)
        arrival_unlink(client, slot);
    free(slot->text);
    *slot = (struct slot){ .state = SLOT_DONE };
    while (client->first < client->next && slot_of(client, client->first)->state == SLOT_DONE)
        client->first++;
}

static void slot_arrived(struct layerd_client *client, uint64_t ticket, const struct reply *reply)
{
    struct slot *slot = slot_of(client, ticket);
    if (slot->state == SLOT_ABANDONED) {
        slot_done(client, ticket);
        return;
    }
    slot->state = SLOT_ARRIVED;
    slot->refused = reply->error.text != NULL;
    slot->text = slice_copy(slot->refused ? reply->error : reply->result);
    slot->before = client->last_arrived;
    if (client->last_arrived != 0)
        slot_of(client, client->last_arrived)->behind = ticket;
    else
        client->first_arrived = ticket;
    client->last_arrived = ticket;
}

/* --- what comes in ---------------------------------------------------------------------------- */

static enum status take_reply(struct layerd_client *client, struct slice object, struct error *error)
{
    struct reply reply;
    struct layerd_failure refusal;

    if (!reply_read(object, &reply) || (reply.error.text != NULL && !failure_read(reply.error, &refusal)))
        return error_set(error, ERROR_PROTOCOL, "the node sent what is no JSON-RPC reply: %.80s",
                         object.text);
    if (reply.id == 0 && reply.error.text != NULL)
        return error_set(error, (enum status)refusal.code, "%s", refusal.message);
    if (reply.id == 0 || !is_open(client, reply.id)
        || (slot_of(client, reply.id)->state != SLOT_WAITING
            && slot_of(client, reply.id)->state != SLOT_ABANDONED))
        return error_set(error, ERROR_PROTOCOL, "the node answered a request that was not made: %.80s",
                         object.text);
    slot_arrived(client, reply.id, &reply);
    return OK;
}

static enum status take_line(struct layerd_client *client, const char *line, size_t size, struct error *error)
{
    struct slice value, element;
    struct scan scan;
    enum scan_step step;

    if (!scan_value(line, size, &value))
        return error_set(error, ERROR_PROTOCOL, "the node sent a line that is not JSON");
    if (!scan_array(&scan, value))
        return take_reply(client, value, error);
    while ((step = scan_element(&scan, &element)) == SCAN_ITEM)
        TRY(take_reply(client, element, error));
    return step == SCAN_END ? OK : error_set(error, ERROR_PROTOCOL, "the node sent a line that is not JSON");
}

static enum status take_lines(struct layerd_client *client, struct error *error)
{
    const char *line;
    size_t size;
    while (client->broken.code == OK && connection_take(&client->connection, &line, &size)) {
        if (take_line(client, line, size, error) != OK)
            client->broken = *error;
    }
    if (client->broken.code != OK)
        return error_set(error, client->broken.code, "%s", client->broken.message);
    return OK;
}

/* Waits for something to happen, and sorts in what came. */
static enum status client_step(struct layerd_client *client, int64_t deadline, struct error *error)
{
    TRY(take_lines(client, error));
    TRY(connection_step(&client->connection, deadline, error));
    return take_lines(client, error);
}

/* --- calls ------------------------------------------------------------------------------------ */

static enum status client_open(const char *path, enum layerd_socket which, int timeout_ms,
                               struct layerd_client **client, struct error *error)
{
    AUTO_FREE char *full_path = NULL;
    struct connection connection;

    TRY(socket_path(path, which, &full_path, error));
    TRY(connection_open(&connection, full_path, deadline_after(timeout_ms), error));
    struct layerd_client *opened = memory_new(sizeof *opened);
    opened->connection = connection;
    opened->slot_count = SLOTS_FIRST;
    opened->slots = memory_array(SLOTS_FIRST, sizeof *opened->slots);
    opened->first = opened->next = 1;
    *client = opened;
    return OK;
}

enum layerd_error layerd_connect(const char *path, enum layerd_socket socket, int timeout_ms,
                                 struct layerd_client **client, struct layerd_failure *failure)
{
    struct error error;
    return failure_report(failure, client_open(path, socket, timeout_ms, client, &error), &error);
}

void layerd_close(struct layerd_client *client)
{
    if (client == NULL)
        return;
    for (uint64_t ticket = client->first; ticket < client->next; ticket++)
        free(slot_of(client, ticket)->text);
    free(client->slots);
    connection_close(&client->connection);
    free(client);
}

int layerd_descriptor(const struct layerd_client *client)
{
    return client->connection.descriptor;
}

size_t layerd_pending(const struct layerd_client *client)
{
    return client->pending;
}

void layerd_abandon(struct layerd_client *client, uint64_t ticket)
{
    if (!is_open(client, ticket))
        return;
    struct slot *slot = slot_of(client, ticket);
    if (slot->state == SLOT_WAITING) {
        slot->state = SLOT_ABANDONED;
        client->pending--;
    } else if (slot->state == SLOT_ARRIVED) {
        client->pending--;
        slot_done(client, ticket);
    }
}

/* Waits while more than the bound is queued to be written. */
static enum status make_room(struct layerd_client *client, int64_t deadline, struct error *error)
{
    TRY(take_lines(client, error));
    while (client->connection.out.size - client->connection.out_written > CONNECTION_OUT_MAX)
        TRY(client_step(client, deadline, error));
    if (client->connection.ended)
        return error_set(error, ERROR_DISCONNECTED, "the node closed the connection");
    return OK;
}

static enum status client_submit(struct layerd_client *client, const char *method, const char *params,
                                 int timeout_ms, uint64_t *ticket, struct error *error)
{
    struct buffer line CLEANUP(buffer_close) = { 0 };
    uint64_t id;

    buffer_init(&line);
    TRY(make_room(client, deadline_after(timeout_ms), error));
    TRY(slot_new(client, &id, error));
    /* With the room there from the start, a secret in the parameters leaves no copy behind by growing. */
    buffer_reserve(&line, REQUEST_ROOM + 6 * strlen(method) + (params == NULL ? 0 : strlen(params)));
    enum status status = request_append(&line, id, method, params, error);
    if (status == OK) {
        buffer_append(&line, "\n", 1);
        connection_put(&client->connection, line.data, line.size);
        *ticket = id;
    } else {
        client->pending--;
        slot_done(client, id);
    }
    explicit_bzero(line.data, line.capacity);
    return status;
}

enum layerd_error layerd_submit(struct layerd_client *client, const char *method, const char *params,
                                int timeout_ms, uint64_t *ticket, struct layerd_failure *failure)
{
    struct error error;
    return failure_report(failure, client_submit(client, method, params, timeout_ms, ticket, &error), &error);
}

static void fill_reply(struct layerd_client *client, uint64_t ticket, struct layerd_reply *reply)
{
    struct slot *slot = slot_of(client, ticket);
    *reply = (struct layerd_reply){ .ticket = ticket, .code = LAYERD_OK };
    if (slot->refused) {
        INVARIANT(failure_read((struct slice){ slot->text, strlen(slot->text) }, &reply->failure),
                  "the refusal of ticket %llu was read before", (unsigned long long)ticket);
        reply->code = reply->failure.code;
    } else {
        reply->result = slot->text;
        slot->text = NULL;
    }
    client->pending--;
    slot_done(client, ticket);
}

static enum status client_collect(struct layerd_client *client, uint64_t ticket, int64_t deadline,
                                  struct layerd_reply *reply, struct error *error)
{
    for (;;) {
        enum status broken = take_lines(client, error);
        uint64_t wanted = ticket == 0 ? client->first_arrived : ticket;
        if (ticket != 0 && !is_open(client, ticket))
            return error_set(error, ERROR_NOT_FOUND, "no request %llu is open", (unsigned long long)ticket);
        if (wanted != 0 && slot_of(client, wanted)->state == SLOT_ARRIVED) {
            fill_reply(client, wanted, reply);
            return OK;
        }
        if (client->pending == 0 || (wanted != 0 && slot_of(client, wanted)->state != SLOT_WAITING))
            return error_set(error, ERROR_NOT_FOUND, "no such request is open");
        if (broken != OK)
            return broken;
        TRY(client_step(client, deadline, error));
    }
}

enum layerd_error layerd_collect(struct layerd_client *client, uint64_t ticket, int timeout_ms,
                                 struct layerd_reply *reply, struct layerd_failure *failure)
{
    struct error error;
    enum status status = client_collect(client, ticket, deadline_after(timeout_ms), reply, &error);
    return failure_report(failure, status, &error);
}

void layerd_reply_clear(struct layerd_reply *reply)
{
    free(reply->result);
    *reply = (struct layerd_reply){ .code = LAYERD_OK };
}

enum layerd_error layerd_call(struct layerd_client *client, const char *method, const char *params,
                              int timeout_ms, char **result, struct layerd_failure *failure)
{
    int64_t deadline = deadline_after(timeout_ms);
    struct layerd_reply reply;
    struct error error;
    uint64_t ticket;

    enum status status = client_submit(client, method, params, timeout_ms, &ticket, &error);
    if (status == OK) {
        status = client_collect(client, ticket, deadline, &reply, &error);
        if (status == ERROR_TIMEOUT) {
            layerd_abandon(client, ticket);
            error_set(&error, ERROR_TIMEOUT, "%.64s: no reply within %d ms", method, timeout_ms);
        }
    }
    if (status != OK)
        return failure_report(failure, status, &error);
    if (reply.code != LAYERD_OK) {
        if (failure != NULL)
            *failure = reply.failure;
        return reply.code;
    }
    if (result != NULL)
        *result = reply.result;
    else
        free(reply.result);
    return LAYERD_OK;
}

enum layerd_error layerd_time(struct layerd_client *client, int timeout_ms, int64_t *now_us,
                              struct layerd_failure *failure)
{
    AUTO_FREE char *info = NULL;
    struct slice object;
    struct error error;

    enum layerd_error code = layerd_call(client, "node.info", NULL, timeout_ms, &info, failure);
    if (code != LAYERD_OK)
        return code;
    if (!scan_value(info, strlen(info), &object) || !slice_signed(slice_member(object, "now_us"), now_us)) {
        error_set(&error, ERROR_PROTOCOL, "node.info tells no now_us, the time to sign for");
        return failure_report(failure, ERROR_PROTOCOL, &error);
    }
    return LAYERD_OK;
}

/* --- batches ---------------------------------------------------------------------------------- */

/* One line of all requests with tickets first, first + 1, … */
static enum status batch_line(struct buffer *line, const struct layerd_request *requests, size_t count,
                              uint64_t first, struct error *error)
{
    for (size_t i = 0; i < count; i++) {
        buffer_append_text(line, i == 0 ? "[" : ",");
        TRY(request_append(line, first + i, requests[i].method, requests[i].params, error));
    }
    buffer_append_text(line, "]\n");
    if (line->size > LAYERD_LINE_MAX)
        return error_set(error, ERROR_LIMIT, "the batch has %zu bytes; a line takes at most %d", line->size,
                         LAYERD_LINE_MAX);
    return OK;
}

static enum status batch_submit(struct layerd_client *client, const struct layerd_request *requests,
                                size_t count, int64_t deadline, uint64_t *first, struct error *error)
{
    struct buffer line CLEANUP(buffer_close) = { 0 };
    uint64_t ticket = 0;

    buffer_init(&line);
    if (count == 0 || count > LAYERD_BATCH_MAX)
        return error_set(error, ERROR_LIMIT, "a batch has 1 … %d requests, not %zu", LAYERD_BATCH_MAX, count);
    TRY(make_room(client, deadline, error));
    if (client->next - client->first + count > LAYERD_PENDING_MAX)
        return error_set(error, ERROR_LIMIT, "%d requests may wait at most; collect some first",
                         LAYERD_PENDING_MAX);
    TRY(batch_line(&line, requests, count, client->next, error));
    for (size_t i = 0; i < count; i++)
        TRY(slot_new(client, &ticket, error));
    connection_put(&client->connection, line.data, line.size);
    *first = ticket - count + 1;
    return OK;
}

enum layerd_error layerd_batch(struct layerd_client *client, const struct layerd_request *requests,
                               size_t count, int timeout_ms, struct layerd_reply *replies,
                               struct layerd_failure *failure)
{
    int64_t deadline = deadline_after(timeout_ms);
    struct error error;
    uint64_t first = 0;

    enum status status = batch_submit(client, requests, count, deadline, &first, &error);
    if (status != OK)
        return failure_report(failure, status, &error);
    AUTO_FREE struct layerd_reply *collected = memory_array(count, sizeof *collected);
    for (size_t i = 0; i < count && status == OK; i++)
        status = client_collect(client, first + i, deadline, &collected[i], &error);
    if (status != OK) {
        for (size_t i = 0; i < count; i++) {
            layerd_reply_clear(&collected[i]);
            layerd_abandon(client, first + i);
        }
        return failure_report(failure, status, &error);
    }
    memcpy(replies, collected, count * sizeof *replies);
    return LAYERD_OK;
}
