/* Inside the network "state-channel": its client, and how it names what was written. */
#ifndef LAYER2_CHANNEL_NETWORK_CLIENT_H
#define LAYER2_CHANNEL_NETWORK_CLIENT_H

#include <pthread.h>

#include "base/bech32.h"
#include "base/json.h"
#include "kernel/kernel.h"
#include "layer2/channel/network.h"
#include "layer2/channel/proof.h"
#include "layer2/channel/record.h"
#include "layer2/channel/local.h"

#define READERS_KEPT 4  /* connections to the database that wait for use */
#define PROMISES_MAX 32 /* turns in preparation */

/* A turn that a transfer was prepared for, and that the channel may not have come to yet. */
struct promise {
    struct hash channel;
    uint64_t turn;
    int64_t until_us;
};

struct channel_client {
    struct kernel *kernel;
    bool has_account;
    struct account_id account; /* of the link's key */
    char address[ADDRESS_TEXT_MAX];
    pthread_mutex_t lock;      /* of the rest */
    struct database *readers[READERS_KEPT];
    size_t reader_count;
    struct promise promises[PROMISES_MAX];
    size_t promise_next;
};

/* A connection for one operation, with a snapshot begun; and its end: ERROR_STORAGE when what was read is not
 * to be believed. */
MUST_CHECK enum status client_read(struct channel_client *client, struct database **reader,
                                   struct error *error);
MUST_CHECK enum status client_read_done(struct channel_client *client, struct database *reader,
                                        struct error *error);
/* The same without a snapshot, for commands' checks. */
MUST_CHECK enum status client_reader_take(struct channel_client *client, struct database **reader,
                                          struct error *error);
void client_reader_give(struct channel_client *client, struct database *reader);

/* Text in the call's arena. */
const char *client_text(struct network_call *call, const char *format, ...) PRINTF_LIKE(2, 3);
const char *client_copy(struct network_call *call, const struct buffer *text);

/* --- ids of transactions */
enum written_kind {
    WRITTEN_LEDGER,  /* HASH: a signed transaction of the base ledger */
    WRITTEN_STATE,   /* CHANNEL/TURN/HASH: a state of a channel */
    WRITTEN_PAYMENT, /* payment/HASH: over channels, by its payment hash */
};
struct written {
    enum written_kind kind;
    struct hash hash, channel;
    uint64_t turn;
};
MUST_CHECK bool written_read(const char *text, struct written *written);
const char *written_text(struct network_call *call, const struct written *written);

/* --- the table's functions in other files */
enum status channel_network_prepare(void *client, struct network_call *call,
                                    const struct network_write *write,
                                    struct network_prepared *prepared);
enum status channel_network_send(void *client, struct network_call *call,
                                 const struct network_prepared *prepared, struct network_sent *sent);
enum status channel_network_status(void *client, struct network_call *call,
                                   const struct network_prepared *which, struct network_status *status);
enum status channel_network_history(void *client, struct network_call *call, const char *after, size_t limit,
                                    struct network_history *history);
enum status channel_network_verify(void *client, struct network_call *call, const char *proof,
                                   struct network_verdict *verdict);
enum status channel_network_generate(void *client, struct network_call *call, const char *claim,
                                     const char **proof);
enum status channel_network_validate(void *client, struct network_call *call, const char *claim,
                                     struct network_verdict *verdict);

#endif
