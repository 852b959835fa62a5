/* Links in memory: see links.h. */
#include "network/links.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "crypto/hash.h"
#include "kernel/param.h"
#include "network/rows.h"
#include "network/transport/cancellation.h"

#define LOG_ROOM "network"
#define PUBLIC_KEY_TAG "layerd/network/key"
#define VERIFYING_LOOK_US (50 * 1000) /* between looks whether a call that waits was cancelled */

struct links {
    struct kernel *kernel;
    pthread_mutex_t lock; /* of all below but the reader */
    struct link *first;
    struct link_call *calls;
    struct transport *transport;
    bool stopping;
    pthread_mutex_t reading;
    struct database *reader;
};

/* Signs with a key of the keystore, by its name. */
struct link_signer {
    struct network_signer signer; /* first, so that the network's pointer leads here */
    struct keystore *keystore;
    char *key;
};

/* --- the networks there are --------------------------------------------------------------------- */
static const struct network *const none[] = { NULL };
static const struct network *const *networks = none;

void network_use(const struct network *const *list)
{
    networks = list;
}

const struct network *const *network_all(void)
{
    return networks;
}

const struct network *network_find(const char *name)
{
    for (const struct network *const *n = networks; *n != NULL; n++)
        if (strcmp((*n)->name, name) == 0)
            return *n;
    return NULL;
}

/* --- the memory --------------------------------------------------------------------------------- */
void *links_open(struct kernel *kernel, struct database *database)
{
    struct links *links = memory_new(sizeof(*links));

    (void)database; /* clients are made when they are needed */
    links->kernel = kernel;
    pthread_mutex_init(&links->lock, NULL);
    pthread_mutex_init(&links->reading, NULL);
    return links;
}

struct links *links_of(struct kernel *kernel)
{
    return kernel_memory(kernel, &network_module);
}

static void free_client(struct link *link)
{
    if (link->client != NULL)
        link->network->release(link->client);
    link->client = NULL;
    if (link->signer != NULL) {
        free(link->signer->key);
        memory_free_pointer(&link->signer);
    }
    arena_close(&link->arena);
    arena_init(&link->arena);
}

static void free_link(struct link *link)
{
    free_client(link);
    arena_close(&link->arena);
    pthread_mutex_destroy(&link->verifying);
    pthread_mutex_destroy(&link->making);
    free(link->name);
    free(link);
}

void links_close(void *memory)
{
    struct links *links = memory;

    INVARIANT(links->calls == NULL, "a call outlives the node");
    while (links->first != NULL) {
        struct link *link = links->first;

        links->first = link->next;
        INVARIANT(link->holders == 0, "somebody holds the link %s", link->name);
        free_link(link);
    }
    if (links->transport != NULL)
        transport_stop(links->transport);
    database_close(links->reader);
    pthread_mutex_destroy(&links->lock);
    pthread_mutex_destroy(&links->reading);
    free(links);
}

void links_stopping(void *memory)
{
    struct links *links = memory;

    pthread_mutex_lock(&links->lock);
    links->stopping = true;
    for (struct link_call *c = links->calls; c != NULL; c = c->next)
        cancellation_cancel(c->cancellation);
    pthread_mutex_unlock(&links->lock);
}

struct database *links_reader(struct links *links, struct error *error)
{
    pthread_mutex_lock(&links->reading);
    if (links->reader != NULL || kernel_reader(links->kernel, &links->reader, error) == OK)
        return links->reader;
    pthread_mutex_unlock(&links->reading);
    return NULL;
}

enum status links_reader_done(struct links *links, struct error *error)
{
    enum status status = database_failure(links->reader, error);

    pthread_mutex_unlock(&links->reading);
    return status;
}

/* --- making a client ---------------------------------------------------------------------------- */
static enum status sign(struct network_signer *signer, const struct hash *digest, struct signature *signature,
                        int *recovery_id, struct error *error)
{
    struct link_signer *s = (struct link_signer *)(void *)signer;
    struct signature made;
    struct public_key public_key;
    int recovery;

    TRY(keystore_sign_ecdsa(s->keystore, s->key, digest, &made, &recovery, &public_key, error));
    if (memcmp(public_key.bytes, signer->public_key.bytes, sizeof(public_key.bytes)) != 0)
        return error_set(error, ERROR_KEY_NOT_FOUND,
                         "key: '%s' is another key than the one the link was made with", s->key);
    *signature = made;
    *recovery_id = recovery;
    return OK;
}

static struct link_signer *new_signer(struct kernel *kernel, const char *key,
                                      const struct public_key *public_key)
{
    struct link_signer *signer = memory_new(sizeof(*signer));

    signer->signer.public_key = *public_key;
    signer->signer.sign = sign;
    signer->keystore = kernel_keystore(kernel);
    signer->key = text_copy(key);
    return signer;
}

/* Which public key it is can only be told by signing with it. */
static enum status find_public_key(struct kernel *kernel, const char *key, struct public_key *public_key,
                                   struct error *error)
{
    struct keystore *keystore = kernel_keystore(kernel);
    struct signature signature;
    struct hash digest;
    int recovery_id;

    if (keystore == NULL)
        return error_set(error, ERROR_KEY_NOT_FOUND, "key: this node keeps no keys");
    tagged_hash(&digest, PUBLIC_KEY_TAG, key, strlen(key));
    return keystore_sign_ecdsa(keystore, key, &digest, &signature, &recovery_id, public_key, error);
}

static struct transport *one_transport(struct links *links)
{
    struct transport *transport;

    pthread_mutex_lock(&links->lock);
    if (links->transport == NULL)
        links->transport = transport_start();
    transport = links->transport;
    pthread_mutex_unlock(&links->lock);
    return transport;
}

/* The command's own help does not know what each network takes: the error says who does. */
static enum status parse_options(struct links *links, struct link *link, const json_t *json, void **parsed,
                                 struct error *error)
{
    const struct network *network = link->network;
    struct error found;
    enum status status = params_parse(network->options, network->option_count, network->options_size, json,
                                      kernel_chain(links->kernel), &link->arena, parsed, &found);

    return status == OK ? OK
                        : error_set(error, status,
                                    "options: %s; 'network.networks network=%s' shows what it takes",
                                    found.message, network->name);
}

static enum status make_client(struct links *links, struct link *link, struct bytes options,
                               struct error *error)
{
    struct network_setup setup = { .link = link->name, .network = kernel_network(links->kernel),
                                   .signer = link->signer == NULL ? NULL : &link->signer->signer,
                                   .transport = one_transport(links), .kernel = links->kernel };
    json_t *json AUTO_JSON = NULL;
    void *parsed = NULL;

    if (options.size > 0)
        TRY(json_parse((const char *)options.data, options.size, &json, error));
    TRY(parse_options(links, link, json, &parsed, error));
    setup.options = parsed;
    return link->network->initialize(&setup, &link->client, error);
}

enum status links_check(struct links *links, const char *name, const struct network *network,
                        struct bytes options, const char *key, struct public_key *public_key,
                        struct error *error)
{
    struct link *link = memory_new(sizeof(*link));
    enum status status = OK;

    link->name = text_copy(name);
    link->network = network;
    arena_init(&link->arena);
    pthread_mutex_init(&link->verifying, NULL);
    pthread_mutex_init(&link->making, NULL);
    if (key != NULL) {
        status = find_public_key(links->kernel, key, public_key, error);
        link->signer = new_signer(links->kernel, key, public_key);
    }
    if (status == OK)
        status = make_client(links, link, options, error);
    free_link(link);
    return status;
}

/* --- holding one -------------------------------------------------------------------------------- */
/* From the row; the client is not made yet. */
static enum status read_link(struct links *links, struct link *link, struct buffer *options,
                             struct error *error)
{
    struct database *database = links_reader(links, error);
    struct link_row row;
    enum status status = OK;

    if (database == NULL)
        return ERROR_STORAGE;
    if (!row_link_read(database, link->id, &link->arena, &row))
        status = error_set(error, ERROR_NETWORK_LINK_NOT_FOUND, "the link was removed");
    if (links_reader_done(links, error) != OK)
        return ERROR_STORAGE;
    TRY(status);
    free(link->name);
    link->name = text_copy(row.name);
    link->network = network_find(row.network);
    if (link->network == NULL)
        return error_set(error, ERROR_NETWORK_NOT_SUPPORTED, "this layerd has no network '%s'", row.network);
    if (row.key != NULL)
        link->signer = new_signer(links->kernel, row.key, &row.public_key);
    buffer_append_text(options, row.options);
    pthread_mutex_lock(&links->lock);
    if (!link->resting_known)
        atomic_store(&link->resting, row.state == LINK_IDLE);
    pthread_mutex_unlock(&links->lock);
    return OK;
}

static enum status make_link(struct links *links, struct link *link)
{
    struct buffer options CLEANUP(buffer_close) = { 0 };
    enum status status = read_link(links, link, &options, &link->error);

    if (status == OK)
        status = make_client(links, link, buffer_bytes(&options), &link->error);
    if (status != OK) {
        free_client(link);
        link->error.code = status;
        link->again_us = clock_monotonic_us() + CLIENT_AGAIN_US;
        log_warn("link %" PRIu64 ": %s", link->id, link->error.message);
    }
    return status;
}

static struct link *find_link(struct links *links, uint64_t id)
{
    for (struct link *link = links->first; link != NULL; link = link->next)
        if (link->id == id)
            return link;
    return NULL;
}

static struct link *find_or_add(struct links *links, uint64_t id)
{
    struct link *link = find_link(links, id);

    if (link != NULL)
        return link;
    link = memory_new(sizeof(*link));
    link->id = id;
    link->name = text_copy("");
    arena_init(&link->arena);
    pthread_mutex_init(&link->verifying, NULL);
    pthread_mutex_init(&link->making, NULL);
    link->next = links->first;
    links->first = link;
    return link;
}

enum status link_hold(struct links *links, uint64_t id, struct link **link, struct error *error)
{
    enum status status = OK;
    struct link *held;

    pthread_mutex_lock(&links->lock);
    held = find_or_add(links, id);
    held->holders++;
    pthread_mutex_unlock(&links->lock);

    pthread_mutex_lock(&held->making); /* one makes it, the others wait */
    if (held->client == NULL) {
        if (held->again_us > clock_monotonic_us())
            status = held->error.code;
        else
            status = make_link(links, held);
        if (status != OK)
            *error = held->error;
    }
    pthread_mutex_unlock(&held->making);
    if (status == OK) {
        *link = held;
        return OK;
    }
    link_release(links, held);
    if (status == ERROR_NETWORK_LINK_NOT_FOUND)
        links_forget(links, id);
    return status;
}

/* Under the lock: takes it out of the list. */
static void take_out(struct links *links, struct link *link)
{
    struct link **at = &links->first;

    while (*at != link)
        at = &(*at)->next;
    *at = link->next;
}

void link_release(struct links *links, struct link *link)
{
    bool last;

    pthread_mutex_lock(&links->lock);
    last = --link->holders == 0 && link->removed;
    pthread_mutex_unlock(&links->lock);
    if (last)
        free_link(link);
}

void links_forget(struct links *links, uint64_t id)
{
    struct link *link;
    bool last = false;

    pthread_mutex_lock(&links->lock);
    link = find_link(links, id);
    if (link != NULL) {
        take_out(links, link);
        link->removed = true;
        last = link->holders == 0;
    }
    pthread_mutex_unlock(&links->lock);
    if (last)
        free_link(link);
}

void links_rest(struct links *links, uint64_t id, bool resting)
{
    struct link *link;

    pthread_mutex_lock(&links->lock);
    link = find_link(links, id);
    if (link != NULL) {
        atomic_store(&link->resting, resting);
        link->resting_known = true;
    }
    pthread_mutex_unlock(&links->lock);
}

/* --- calls under way --------------------------------------------------------------------------- */
void link_call_again(struct link_call *c, uint64_t number, const char *operation, unsigned attempt,
                     int64_t timeout_us)
{
    pthread_mutex_lock(&c->links->lock);
    c->number = number;
    pthread_mutex_unlock(&c->links->lock);
    snprintf(c->operation, sizeof(c->operation), "%s", operation);
    c->call = (struct network_call){ .operation = c->operation, .attempt = attempt, .arena = &c->arena };
    c->call.waiting.deadline_us = clock_monotonic_us() + timeout_us;
    c->call.waiting.cancellation = c->cancellation;
}

static bool enlist(struct link_call *c)
{
    struct links *links = c->links;
    bool stopping;

    pthread_mutex_lock(&links->lock);
    stopping = links->stopping;
    c->next = links->calls;
    if (links->calls != NULL)
        links->calls->before = c;
    links->calls = c;
    pthread_mutex_unlock(&links->lock);
    return !stopping;
}

static void delist(struct link_call *c)
{
    pthread_mutex_lock(&c->links->lock);
    if (c->before != NULL)
        c->before->next = c->next;
    else
        c->links->calls = c->next;
    if (c->next != NULL)
        c->next->before = c->before;
    pthread_mutex_unlock(&c->links->lock);
}

enum status link_call_open(struct link_call *c, struct kernel *kernel, uint64_t link, uint64_t number,
                           const char *operation, unsigned attempt, int64_t timeout_us, struct error *error)
{
    memset(c, 0, sizeof(*c));
    arena_init(&c->arena);
    c->links = links_of(kernel);
    c->cancellation = cancellation_new();
    c->number = number;
    if (!enlist(c))
        return error_set(error, ERROR_STOPPING, "the node is stopping");
    TRY(link_hold(c->links, link, &c->link, error));
    link_call_again(c, number, operation, attempt, timeout_us);
    c->begun_us = clock_monotonic_us();
    atomic_fetch_add(&c->link->counts.running, 1);
    return OK;
}

void link_call_close(struct link_call *c)
{
    if (c->links == NULL)
        return;
    delist(c);
    if (c->link != NULL) {
        atomic_fetch_sub(&c->link->counts.running, 1);
        atomic_fetch_add(&c->link->counts.time_us, (uint64_t)(clock_monotonic_us() - c->begun_us));
        link_release(c->links, c->link);
    }
    cancellation_free(c->cancellation);
    arena_close(&c->arena);
}

/* After these the server may be another one when it answers again. */
static bool is_doubt(enum status status)
{
    return status == ERROR_NETWORK_TRANSPORT || status == ERROR_NETWORK_TLS ||
           status == ERROR_NETWORK_WRONG_CHAIN;
}

enum status link_call_ended(struct link_call *c, enum status status, struct error *error)
{
    atomic_fetch_add(&c->link->counts.calls, 1);
    if (status == OK)
        return OK;
    atomic_fetch_add(&c->link->counts.failures, 1);
    if (is_doubt(status))
        atomic_store(&c->link->verified, false);
    if (kernel_stopping(c->links->kernel) && cancellation_requested(c->cancellation))
        return error_set(error, ERROR_STOPPING, "the node is stopping");
    text_make_printable(c->call.error.message, strlen(c->call.error.message));
    return error_set(error, status, "%s",
                     c->call.error.message[0] == '\0' ? status_meaning(status) : c->call.error.message);
}

/* No longer than the call may. */
static enum status wait_to_verify(struct link_call *c)
{
    const struct waiting *waiting = &c->call.waiting;

    for (;;) {
        int64_t now_us = clock_monotonic_us(), until_us = now_us + VERIFYING_LOOK_US;
        struct timespec until;

        if (cancellation_requested(waiting->cancellation))
            return error_set(&c->call.error, ERROR_NETWORK_CANCELLED, "cancelled");
        if (now_us >= waiting->deadline_us)
            return error_set(&c->call.error, ERROR_NETWORK_TIMEOUT,
                             "the server has not told yet which chain it is on");
        until_us = until_us < waiting->deadline_us ? until_us : waiting->deadline_us;
        until.tv_sec = until_us / MICROSECONDS_PER_SECOND;
        until.tv_nsec = until_us % MICROSECONDS_PER_SECOND * 1000;
        if (pthread_mutex_clocklock(&c->link->verifying, CLOCK_MONOTONIC, &until) == 0)
            return OK;
    }
}

/* One asks the server, and what it says holds for all who waited meanwhile: otherwise a dead server would
 * take the time of each of them in turn. A caller's own end says nothing of the server. */
static enum status verify_once(struct link_call *c, uint64_t seen)
{
    struct network_greeting greeting = { .chain = NULL };
    struct link *link = c->link;
    enum status status;

    if (atomic_load(&link->verified))
        return OK;
    if (atomic_load(&link->verifications) != seen) {
        c->call.error = link->refusal;
        return link->refusal.code;
    }
    status = link->network->connect(link->client, &c->call, &greeting);
    if (status == OK) {
        atomic_store(&link->verified, true);
    } else if (!cancellation_requested(c->cancellation) &&
               clock_monotonic_us() < c->call.waiting.deadline_us) {
        link->refusal = c->call.error;
        link->refusal.code = status;
        atomic_fetch_add(&link->verifications, 1);
    }
    return status;
}

enum status link_call_verify(struct link_call *c, struct error *error)
{
    uint64_t seen = atomic_load(&c->link->verifications);
    enum status status;

    if (atomic_load(&c->link->resting))
        return error_set(error, ERROR_NETWORK_NOT_CONNECTED, "the link is not connected");
    if (c->link->network->connect == NULL || atomic_load(&c->link->verified))
        return OK;
    status = wait_to_verify(c);
    if (status == OK) {
        status = verify_once(c, seen);
        pthread_mutex_unlock(&c->link->verifying);
    }
    return status == OK ? OK : link_call_ended(c, status, error);
}

void links_cancel(struct links *links, uint64_t number)
{
    pthread_mutex_lock(&links->lock);
    for (struct link_call *c = links->calls; c != NULL; c = c->next)
        if (c->number == number)
            cancellation_cancel(c->cancellation);
    pthread_mutex_unlock(&links->lock);
}
