/* Connections to the node's database, texts, and ids of transactions: see network_client.h. */
#include "layer2/channel/network_client.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define TEXT_MAX 1024
#define HEX_SIZE (2 * sizeof(struct hash))
#define PAYMENT_PREFIX "payment/"

/* --- connections -------------------------------------------------------------------------------- */
enum status client_reader_take(struct channel_client *client, struct database **reader, struct error *error)
{
    struct database *kept = NULL;

    pthread_mutex_lock(&client->lock);
    if (client->reader_count > 0)
        kept = client->readers[--client->reader_count];
    pthread_mutex_unlock(&client->lock);
    if (kept == NULL)
        return kernel_reader(client->kernel, reader, error);
    *reader = kept;
    return OK;
}

void client_reader_give(struct channel_client *client, struct database *reader)
{
    bool kept;

    pthread_mutex_lock(&client->lock);
    kept = client->reader_count < READERS_KEPT;
    if (kept)
        client->readers[client->reader_count++] = reader;
    pthread_mutex_unlock(&client->lock);
    if (!kept)
        database_close(reader);
}

enum status client_read(struct channel_client *client, struct database **reader, struct error *error)
{
    TRY(client_reader_take(client, reader, error));
    database_snapshot_begin(*reader);
    return OK;
}

enum status client_read_done(struct channel_client *client, struct database *reader, struct error *error)
{
    enum status status;

    database_snapshot_end(reader);
    status = database_failure(reader, error);
    if (status == OK)
        client_reader_give(client, reader);
    else
        database_close(reader);
    return status;
}

/* --- texts -------------------------------------------------------------------------------------- */
const char *client_text(struct network_call *call, const char *format, ...)
{
    char text[TEXT_MAX];
    va_list arguments;
    int size;

    va_start(arguments, format);
    size = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    INVARIANT(size >= 0, "a text that cannot be written");
    if ((size_t)size >= sizeof(text))
        size = (int)utf8_valid_prefix(text, sizeof(text) - 1);
    return arena_text(call->arena, text, (size_t)size);
}

const char *client_copy(struct network_call *call, const struct buffer *text)
{
    return arena_text(call->arena, (const char *)text->data, text->size);
}

/* --- ids ---------------------------------------------------------------------------------------- */
static bool read_hash(const char *text, size_t size, struct hash *hash)
{
    return size == HEX_SIZE && hex_decode(hash->bytes, sizeof(hash->bytes), text, size);
}

/* Digits without any in front that mean nothing: one text for each id. */
static bool read_turn(const char *text, size_t size, uint64_t *turn)
{
    uint64_t value = 0;

    if (size == 0 || (size > 1 && text[0] == '0'))
        return false;
    for (size_t i = 0; i < size; i++) {
        if (text[i] < '0' || text[i] > '9' || value > INTEGER_MAX / 10)
            return false;
        value = 10 * value + (uint64_t)(text[i] - '0');
    }
    *turn = value;
    return value <= INTEGER_MAX;
}

static bool read_state(const char *text, struct written *written)
{
    const char *turn = text + HEX_SIZE + 1, *end = strchr(turn, '/');

    written->kind = WRITTEN_STATE;
    return end != NULL && read_hash(text, HEX_SIZE, &written->channel) &&
           read_turn(turn, (size_t)(end - turn), &written->turn) &&
           read_hash(end + 1, strlen(end + 1), &written->hash);
}

bool written_read(const char *text, struct written *written)
{
    size_t size = strlen(text);

    memset(written, 0, sizeof(*written));
    if (strncmp(text, PAYMENT_PREFIX, sizeof(PAYMENT_PREFIX) - 1) == 0) {
        written->kind = WRITTEN_PAYMENT;
        return read_hash(text + sizeof(PAYMENT_PREFIX) - 1, size - (sizeof(PAYMENT_PREFIX) - 1),
                         &written->hash);
    }
    if (size > HEX_SIZE && text[HEX_SIZE] == '/')
        return read_state(text, written);
    written->kind = WRITTEN_LEDGER;
    return read_hash(text, size, &written->hash);
}

const char *written_text(struct network_call *call, const struct written *written)
{
    char hash[HEX_SIZE + 1], channel[HEX_SIZE + 1];

    hex_text(hash, written->hash.bytes, sizeof(written->hash.bytes));
    hex_text(channel, written->channel.bytes, sizeof(written->channel.bytes));
    switch (written->kind) {
    case WRITTEN_LEDGER: return client_text(call, "%s", hash);
    case WRITTEN_STATE: return client_text(call, "%s/%" PRIu64 "/%s", channel, written->turn, hash);
    case WRITTEN_PAYMENT: return client_text(call, PAYMENT_PREFIX "%s", hash);
    }
    INVARIANT(false, "a write of no kind");
}
