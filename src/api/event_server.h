/* events.sock: the event stream, and questions about the log. All of it runs on the I/O thread, but for
 * what would hold it up: proofs, pages and verification run on workers (event_job.h), cursors are written
 * by the executor (cursor_writer.h).
 *
 * A committed batch comes in as a publication, is copied into the ring once, and written from there to
 * every subscriber that keeps up; whoever does not is served from the database, page by page, in turns.
 * Files: event_server (connections, publications, life), event_method (requests), event_stream
 * (subscriptions and turns), event_reply (answers). */
#ifndef API_EVENT_SERVER_H
#define API_EVENT_SERVER_H

#include <pthread.h>

#include "api/listener.h"
#include "api/page_reader.h"
#include "api/ring.h"
#include "api/subscriber.h"
#include "api/wake.h"
#include "kernel/kernel.h"
#include "store/cursor.h"

#define EVENT_LINE_MAX ((size_t)1 << 20)
#define EVENT_BATCH_MAX 1024                     /* requests in one array */
#define EVENT_IN_FLIGHT_MAX 256                  /* requests of one connection not answered: it is not read */
#define EVENT_JOBS_MAX 4                         /* of them, those that wait for a worker */
#define EVENT_RUN_LINES 64                       /* lines of a backlog begun in one turn */
#define SUBSCRIPTIONS_MAX 8                      /* of one connection */
/* handed over and not taken yet; beyond, lines are read from the database */
#define PUBLISHED_BYTES_MAX ((size_t)64 << 20)
#define JOBS_WAITING_MAX 1024                    /* in one lane; beyond, the greediest user's are refused */

struct cursor_writer;
struct event_reply;

struct event_connection {
    struct connection connection;
    struct event_server *server;
    struct subscription *subscriptions; /* oldest first */
    size_t subscription_count;
    uint32_t newest_subscription;       /* the number given last */
    size_t in_flight;                   /* requests not answered yet */
    struct buffer backlog;              /* lines not begun; handled up to backlog_at */
    size_t backlog_at;
    size_t backlog_charged;             /* what its memory is charged for */
    size_t jobs;                        /* waiting for a worker */
    uint64_t job_turn;                  /* when a job of its had its turn last; 0: never */
    bool ready;                         /* in the queue of those that have their turn */
    struct event_connection *next_ready;
    struct event_connection *next, *previous; /* those with subscriptions */
};

struct subscription {
    struct subscriber subscriber;
    struct event_connection *connection;
    struct subscription *next;
    struct watch timer;                 /* heartbeat, and progress of a filter that lets nothing through */
    int64_t heartbeat_us, last_sent_us; /* monotonic */
    char cursor[CURSOR_NAME_MAX];       /* held by this subscription; "": none */
    bool manual_ack;
};

/* A request that waits for the next event. */
struct waiter {
    struct waiter *next;
    struct event_server *server;
    struct event_reply *reply;
    uint64_t after;
    struct watch timer;
};

/* Jobs of one kind run one after the other, so that they take one worker and one read connection at most. */
struct event_lane {
    struct event_server *server;
    struct database *reader;      /* opened by the first job; used by the running one */
    bool running;
    struct event_job *first, **end;
    size_t waiting;
};

struct event_server {
    struct event_base *base;
    struct wake *wake;
    struct kernel *kernel;
    struct listener *listener;
    char *node_id, *origin, *chain;
    const char *network;
    atomic_uint_fast64_t *subscriber_count, *delivery_count, *request_count, *ring_bytes;

    struct ring ring;
    struct database *reader;           /* for pages on the I/O thread; NULL once paused */
    struct turn *turn;                 /* what is being sent */
    struct page_reader *pages;         /* from the first long replay on; NULL: none */
    bool pages_refused;                /* it could not be started */
    struct event_connection *page_waiter; /* held; has its turn once its page is read; NULL: nobody */
    uint64_t page_awaited;             /* the first event of that page */
    struct event_connection *streaming; /* connections with subscriptions */
    struct event_connection *ready_first, *ready_last;
    struct watch ready;
    struct waiter *waiters;
    struct cursor_writer *cursors;
    struct event_lane quick, slow;     /* pages and proofs; verification */
    uint64_t job_turns;                /* jobs begun in both */
    atomic_bool paused;
    bool finishing;                    /* nothing is read from the database any more */

    pthread_mutex_t lock;              /* guards the lists that other threads fill */
    struct published { struct published *next; struct publication *publication; } *published, **published_end;
    size_t published_bytes;
    struct event_job *jobs_done;
    atomic_bool published_some;
};

struct event_server_options {
    struct listener_options listener;  /* handler and context are filled in here */
    struct wake *wake;
    struct kernel *kernel;
    size_t ring_bytes;
    atomic_uint_fast64_t *subscriber_count, *delivery_count, *request_count, *ring_bytes_now;
};

/* Before the kernel exists: takes publications from then on. */
struct event_server *event_server_new(void);
MUST_CHECK enum status event_server_open(struct event_server *server,
                                         const struct event_server_options *options, struct error *error);

/* From the executor: takes over the publication. The caller wakes the I/O thread when its batch is done. */
void event_server_publish(struct event_server *server, struct publication *publication);

/* On the I/O thread. */
/* what was published: into the ring, and to the subscribers */
void event_server_take(struct event_server *server);
/* jobs and cursor writes that are done: their answers */
void event_server_collect(struct event_server *server);
void event_server_pause(struct event_server *server);   /* no more connections and requests */
/* the kernel is gone: last events, and "end" to every subscriber */
void event_server_finish(struct event_server *server);
void event_server_free(struct event_server *server);

/* Begins what waits in a connection's backlog, as far as there is room. */
void event_connection_begin(struct event_connection *connection);
bool event_connection_may_read(struct event_connection *connection);

static inline uint64_t event_server_head(const struct event_server *server)
{
    return server->ring.head;
}

static inline struct event_connection *event_connection_of(struct connection *connection)
{
    return (struct event_connection *)connection; /* its first member */
}

#endif
