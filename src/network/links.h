/* Links in memory: what a row says, made into a client of its network; and the calls under way, so that
 * they can be cancelled. A client is made when it is first needed and again after it could not be made: a
 * row whose credentials have become bad costs nobody the start. Safe from any thread.
 *
 * Who holds a link may use its client; removing the link waits for nobody: the last who lets go releases
 * the client. */
#ifndef NETWORK_LINKS_H
#define NETWORK_LINKS_H

#include <stdatomic.h>

#include "kernel/kernel.h"
#include "network/network.h"
#include "network/transport/endpoint.h"

#define LINK_NAME_MAX 32 /* bytes */
#define CLIENT_AGAIN_US (5 * MICROSECONDS_PER_SECOND) /* until one that could not be made is tried anew */

/* How the operations of one link went since the node started. */
struct link_counts {
    atomic_uint_fast64_t calls, failures, time_us, running;
};

struct link {
    uint64_t id;
    char *name;
    const struct network *network;
    void *client;
    struct link_counts counts;
    /* This life has seen that the server is on the right chain, and nothing since that puts it in doubt. */
    atomic_bool verified;
    pthread_mutex_t verifying; /* while a server is asked: nobody but calls may wait for it */
    atomic_uint_fast64_t verifications; /* how many there were, */
    struct error refusal;               /* and what the newest came to, when it failed: under `verifying` */

    /* links.c's own */
    struct link *next;
    pthread_mutex_t making; /* of the client, which asks nobody: queries wait for it too */
    struct arena arena; /* options */
    struct link_signer *signer;
    struct error error; /* why there is no client */
    int64_t again_us;
    unsigned holders;
    bool removed;
    atomic_bool resting;    /* the operator wants no connection */
    bool resting_known;     /* from the operator's last word, not only from the row */
};

/* The networks of this program, by name; NULL: none. */
const struct network *network_find(const char *name);
const struct network *const *network_all(void); /* ends with NULL */

void *links_open(struct kernel *kernel, struct database *database); /* the module's memory */
void links_close(void *memory);
void links_stopping(void *memory);

struct links;
struct links *links_of(struct kernel *kernel);

/* For network.initialize, on a worker: reads the options and has the network check them. With a key its
 * public half is told. ERROR_NETWORK_OPTIONS, _CREDENTIALS, ERROR_INVALID_PARAMS, ERROR_KEY…. */
MUST_CHECK enum status links_check(struct links *links, const char *name, const struct network *network,
                                   struct bytes options, const char *key, struct public_key *public_key,
                                   struct error *error);

/* The link by its row's id; let go with link_release. ERROR_NETWORK_LINK_NOT_FOUND, or why there is no
 * client. */
MUST_CHECK enum status link_hold(struct links *links, uint64_t id, struct link **link, struct error *error);
void link_release(struct links *links, struct link *link);
void links_forget(struct links *links, uint64_t id); /* its row is removed */
void links_rest(struct links *links, uint64_t id, bool resting);

/* A reader for short looks at rows: one at a time, taken and given back. NULL: it could not be opened. */
struct database *links_reader(struct links *links, struct error *error);
MUST_CHECK enum status links_reader_done(struct links *links, struct error *error);

/* --- calls under way --------------------------------------------------------------------------- */
/* One run of an effect on a link. `number` is the operation's; 0: it cannot be cancelled by it. */
struct link_call {
    struct links *links;
    struct link *link;
    uint64_t number;
    struct cancellation *cancellation;
    struct arena arena;
    struct network_call call;
    char operation[33];
    int64_t begun_us;
    struct link_call *next, *before;
};

/* ERROR_STOPPING, or as link_hold. Close it in either case. */
MUST_CHECK enum status link_call_open(struct link_call *c, struct kernel *kernel, uint64_t link,
                                      uint64_t number, const char *operation, unsigned attempt,
                                      int64_t timeout_us, struct error *error);
void link_call_close(struct link_call *c);
/* Goes on with another operation in the same run: the clock starts anew. */
void link_call_again(struct link_call *c, uint64_t number, const char *operation, unsigned attempt,
                     int64_t timeout_us);
/* What a call to the network came to: counted; a stop of the node becomes ERROR_STOPPING; doubts about the
 * server are kept for the next call. */
enum status link_call_ended(struct link_call *c, enum status status, struct error *error);
/* Makes sure that the server is on the right chain, unless this is known. ERROR_NETWORK_NOT_CONNECTED: the
 * link rests. */
MUST_CHECK enum status link_call_verify(struct link_call *c, struct error *error);
/* Wakes the operation, when it runs. */
void links_cancel(struct links *links, uint64_t number);

#endif
