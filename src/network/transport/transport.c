/* One eventfd wakes the loop; it is written once however many tasks are handed in before the loop has looked.
 * All signals are blocked here, so that a TLS connection that broke cannot end the process by SIGPIPE. */
#include "network/transport/transport.h"

#include <curl/curl.h>
#include <pthread.h>
#include <signal.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/memory.h"
#include "network/transport/pool.h"

struct transport {
    pthread_t thread;
    struct event_base *base;
    struct event *woken;
    int descriptor;          /* eventfd */
    atomic_bool wake_pending;
    atomic_bool cancellations;
    pthread_mutex_t lock;    /* of the list of tasks */
    struct task *first, **last;
    struct endpoint_list endpoints; /* the thread's own */
    bool stopping;           /* the same */
};

/* --- other threads ---------------------------------------------------------------------------------- */
static void wake(struct transport *transport)
{
    if (atomic_exchange(&transport->wake_pending, true))
        return;
    uint64_t one = 1;
    ssize_t written = write(transport->descriptor, &one, sizeof one);
    INVARIANT(written == (ssize_t)sizeof one, "the eventfd took %zd bytes", written);
}

void transport_post(struct transport *transport, struct task *task)
{
    task->next = NULL;
    pthread_mutex_lock(&transport->lock);
    *transport->last = task;
    transport->last = &task->next;
    pthread_mutex_unlock(&transport->lock);
    wake(transport);
}

void transport_look_for_cancelled(struct transport *transport)
{
    atomic_store(&transport->cancellations, true);
    wake(transport);
}

struct errand {
    struct task task;
    void (*run)(void *context);
    void *context;
    pthread_mutex_t lock;
    pthread_cond_t done;
    bool is_done;
};

static void run_errand(struct task *task)
{
    struct errand *errand = (struct errand *)task;
    errand->run(errand->context);
    pthread_mutex_lock(&errand->lock);
    errand->is_done = true;
    pthread_cond_signal(&errand->done);
    pthread_mutex_unlock(&errand->lock);
}

void transport_run(struct transport *transport, void (*run)(void *context), void *context)
{
    struct errand errand = { .task = { .run = run_errand }, .run = run, .context = context,
                             .lock = PTHREAD_MUTEX_INITIALIZER, .done = PTHREAD_COND_INITIALIZER };
    transport_post(transport, &errand.task);
    pthread_mutex_lock(&errand.lock);
    while (!errand.is_done)
        pthread_cond_wait(&errand.done, &errand.lock);
    pthread_mutex_unlock(&errand.lock);
    pthread_cond_destroy(&errand.done);
    pthread_mutex_destroy(&errand.lock);
}

/* --- the thread --------------------------------------------------------------------------------------- */
static void on_woken(evutil_socket_t descriptor, short what, void *context)
{
    struct transport *transport = context;
    (void)what;
    uint64_t count;
    ssize_t got = read((int)descriptor, &count, sizeof count);
    (void)got; /* nothing there is fine: the list tells what is to be done */
    /* before the list is taken: what is put in afterwards wakes again */
    atomic_store(&transport->wake_pending, false);
    pthread_mutex_lock(&transport->lock);
    struct task *task = transport->first;
    transport->first = NULL;
    transport->last = &transport->first;
    pthread_mutex_unlock(&transport->lock);
    while (task != NULL) {
        struct task *next = task->next; /* `task` may be gone once it has run */
        task->run(task);
        task = next;
    }
    if (atomic_exchange(&transport->cancellations, false)) {
        struct endpoint *endpoint;
        TAILQ_FOREACH(endpoint, &transport->endpoints, link)
            pool_end_cancelled(endpoint);
    }
    if (transport->stopping)
        event_base_loopbreak(transport->base);
}

static void *run_loop(void *context)
{
    struct transport *transport = context;
    int ended = event_base_loop(transport->base, EVLOOP_NO_EXIT_ON_EMPTY);
    INVARIANT(ended >= 0, "the transport's event loop failed");
    return NULL;
}

static void set_up_libraries(void)
{
    INVARIANT(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK && sodium_init() >= 0,
              "libcurl or libsodium does not start");
}

static void start_thread(struct transport *transport)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (pthread_create(&transport->thread, NULL, run_loop, transport) != 0)
        resource_exhausted("threads");
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_setname_np(transport->thread, "transport");
}

struct transport *transport_start(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, set_up_libraries);
    struct transport *transport = memory_new(sizeof *transport);
    transport->last = &transport->first;
    TAILQ_INIT(&transport->endpoints);
    INVARIANT(pthread_mutex_init(&transport->lock, NULL) == 0, "the system gives no lock");
    transport->descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (transport->descriptor < 0)
        resource_exhausted("file descriptors");
    transport->base = event_base_new();
    if (transport->base == NULL)
        resource_exhausted("memory or file descriptors");
    transport->woken = event_new(transport->base, transport->descriptor, EV_READ | EV_PERSIST, on_woken,
                                 transport);
    if (transport->woken == NULL)
        resource_exhausted("memory");
    event_add(transport->woken, NULL);
    start_thread(transport);
    return transport;
}

static void stop(void *context)
{
    struct transport *transport = context;
    INVARIANT(TAILQ_EMPTY(&transport->endpoints), "an endpoint is still open");
    transport->stopping = true;
}

void transport_stop(struct transport *transport)
{
    if (transport == NULL)
        return;
    transport_run(transport, stop, transport);
    pthread_join(transport->thread, NULL);
    event_free(transport->woken);
    event_base_free(transport->base);
    close(transport->descriptor);
    pthread_mutex_destroy(&transport->lock);
    free(transport);
}

struct event_base *transport_base(struct transport *transport)
{
    return transport->base;
}

void transport_add_endpoint(struct transport *transport, struct endpoint *endpoint)
{
    TAILQ_INSERT_TAIL(&transport->endpoints, endpoint, link);
}

void transport_remove_endpoint(struct transport *transport, struct endpoint *endpoint)
{
    TAILQ_REMOVE(&transport->endpoints, endpoint, link);
}
