/* A network whose server is a piece of shared memory: see fake_network.h. */
#include "fake_network.h"

#include <inttypes.h>
#include <setjmp.h>
#include <sodium.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/memory.h"
#include "crypto/hash.h"
#include "network/transport/cancellation.h"
#include "network/transport/endpoint.h"

#define PATIENCE_MS 60000

struct fake_server *fake;

static const struct network *const networks[] = { &fake_network, &bare_network, NULL };

void fake_open(void)
{
    fake = mmap(NULL, sizeof(*fake), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(fake != MAP_FAILED);
    network_use(networks);
    fake_reset();
}

void fake_reset(void)
{
    pthread_mutexattr_t attributes;

    memset(fake, 0, sizeof(*fake));
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutex_init(&fake->lock, &attributes);
    pthread_mutexattr_destroy(&attributes);
}

void fake_script(size_t count, const enum fake_send *sends)
{
    pthread_mutex_lock(&fake->lock);
    memcpy(fake->script, sends, count * sizeof(*sends));
    fake->script_size = count;
    pthread_mutex_unlock(&fake->lock);
}

void fake_mine(enum transaction_state state, enum finality finality, uint64_t height, const char *block)
{
    pthread_mutex_lock(&fake->lock);
    for (size_t i = 0; i < fake->transaction_count; i++) {
        struct fake_transaction *t = &fake->transactions[i];

        t->state = state;
        t->finality = finality;
        t->height = height;
        snprintf(t->block, sizeof(t->block), "%s", block == NULL ? "" : block);
    }
    pthread_mutex_unlock(&fake->lock);
}

void fake_mine_one(size_t nth, enum finality finality, uint64_t height, const char *block)
{
    const struct fake_transaction *mined = &fake->transactions[nth];

    pthread_mutex_lock(&fake->lock);
    assert_true(nth < fake->transaction_count);
    for (size_t i = 0; i < fake->transaction_count; i++) {
        struct fake_transaction *t = &fake->transactions[i];

        if (t->sequence != mined->sequence)
            continue;
        t->superseded = block != NULL && i != nth;
        t->state = block != NULL && i == nth ? TRANSACTION_CONFIRMED : TRANSACTION_PENDING;
        t->finality = i == nth ? finality : FINALITY_NONE;
        t->height = i == nth ? height : 0;
        snprintf(t->block, sizeof(t->block), "%s", block == NULL || i != nth ? "" : block);
    }
    pthread_mutex_unlock(&fake->lock);
}

void fake_supersede(void)
{
    pthread_mutex_lock(&fake->lock);
    for (size_t i = 0; i < fake->transaction_count; i++)
        fake->transactions[i].superseded = true;
    pthread_mutex_unlock(&fake->lock);
}

void fake_check(void)
{
    assert_int_equal(fake->not_durable, 0);
    assert_int_equal(fake->other_bytes, 0);
    assert_int_equal(fake->out_of_order, 0);
}

void fake_await(const unsigned *counter, unsigned least)
{
    unsigned is = 0;

    for (int i = 0; i < PATIENCE_MS; i++) {
        pthread_mutex_lock(&fake->lock);
        is = *counter;
        pthread_mutex_unlock(&fake->lock);
        if (is >= least)
            return;
        usleep(1000);
    }
    fail_msg("the server counted to %u, it should come to %u", is, least);
}

/* --- options ------------------------------------------------------------------------------------ */
struct fake_options { const char *account, *url; bool sequenced, bad, labelled; };
static const struct param fake_params[] = {
    PARAM(struct fake_options, account, TEXT, REQUIRED, "ours there"),
    PARAM(struct fake_options, url, TEXT, OPTIONAL, "may hold a secret", .most = 1024),
    PARAM(struct fake_options, sequenced, BOOLEAN, OPTIONAL, "writes have a nonce", .fallback = true),
    PARAM(struct fake_options, labelled, BOOLEAN, OPTIONAL,
          "writes have a label and no id before they are sent"),
    PARAM(struct fake_options, bad, BOOLEAN, OPTIONAL, "credentials that are none"),
};

struct fake_client {
    const struct fake_options *options;
    struct network_signer *signer;
};

/* --- waiting, as the transport does ------------------------------------------------------------- */
static enum status wait_for(struct network_call *call, int64_t time_us)
{
    int64_t until_us = clock_monotonic_us() + time_us;

    while (clock_monotonic_us() < until_us) {
        if (cancellation_requested(call->waiting.cancellation)) {
            pthread_mutex_lock(&fake->lock);
            fake->cancelled++;
            pthread_mutex_unlock(&fake->lock);
            return error_set(&call->error, ERROR_NETWORK_CANCELLED, "cancelled while it waited");
        }
        if (clock_monotonic_us() >= call->waiting.deadline_us)
            return error_set(&call->error, ERROR_NETWORK_TIMEOUT, "no answer in time");
        usleep(1000);
    }
    return OK;
}

/* Those that come in while it holds are held together: how many at once says how many ran at once. */
static enum status be_held(struct network_call *call, const bool *holds)
{
    enum status status = OK;

    if (!*holds)
        return OK;
    pthread_mutex_lock(&fake->lock);
    if (++fake->held > fake->held_most)
        fake->held_most = fake->held;
    pthread_mutex_unlock(&fake->lock);
    while (*holds && status == OK)
        status = wait_for(call, 1000);
    pthread_mutex_lock(&fake->lock);
    fake->held--;
    pthread_mutex_unlock(&fake->lock);
    return status;
}

static enum status serve(struct network_call *call, unsigned *counter)
{
    enum status status;
    int64_t latency_us;

    pthread_mutex_lock(&fake->lock);
    ++*counter;
    if (++fake->running > fake->running_most)
        fake->running_most = fake->running;
    latency_us = fake->latency_us; /* whoever sees that it runs, and changes it, does not mean this call */
    pthread_mutex_unlock(&fake->lock);
    status = wait_for(call, latency_us);
    pthread_mutex_lock(&fake->lock);
    fake->running--;
    pthread_mutex_unlock(&fake->lock);
    return status;
}

/* `muted` counts those that wait so. */
static enum status be_mute(const void *client, struct network_call *call)
{
    const struct fake_client *c = client;
    enum status status = OK;

    if (!fake->mute || strcmp(c->options->account, "mute") != 0)
        return OK;
    pthread_mutex_lock(&fake->lock);
    fake->muted++;
    pthread_mutex_unlock(&fake->lock);
    while (fake->mute && status == OK)
        status = wait_for(call, 1000);
    pthread_mutex_lock(&fake->lock);
    fake->muted--;
    pthread_mutex_unlock(&fake->lock);
    return status;
}

static enum status refuse(struct network_call *call, enum status status)
{
    return status == OK ? OK : error_set(&call->error, status, "the fake was told to: %s",
                                         status_name(status));
}

static const char *keep(struct network_call *call, const char *text)
{
    return arena_text(call->arena, text, strlen(text));
}

/* --- a link ------------------------------------------------------------------------------------- */
static enum status initialize(const struct network_setup *setup, void **client, struct error *error)
{
    const struct fake_options *options = setup->options;
    struct fake_client *c;

    if (options->bad || strcmp(options->account, "nobody") == 0)
        return error_set(error, ERROR_NETWORK_CREDENTIALS, "the fake's credentials are none");
    c = memory_new(sizeof(*c));
    c->options = options;
    c->signer = setup->signer;
    *client = c;
    return OK;
}

static void release(void *client)
{
    free(client);
}

static void describe(const void *client, struct writer *w)
{
    writer_object_begin(w);
    writer_member_text(w, "account", ((const struct fake_client *)client)->options->account);
    writer_object_end(w);
}

static bool measure(const void *client, struct endpoint_metrics *metrics)
{
    (void)client;
    metrics->active_connections = 3;
    metrics->connections_max = 8;
    metrics->pool_utilization = 0.375;
    return true;
}

static bool capable(const void *client, enum network_operation operation, const char **reason)
{
    if (operation != NETWORK_GENERATE_PROOF ||
        strcmp(((const struct fake_client *)client)->options->account, "proofless") != 0)
        return true;
    *reason = "this account makes no proofs";
    return false;
}

static enum status connect_server(void *client, struct network_call *call, struct network_greeting *greeting)
{
    TRY(serve(call, &fake->connects));
    TRY(be_held(call, &fake->holds_connects));
    TRY(refuse(call, fake->connect_fails));
    *greeting = (struct network_greeting){ .chain = "fake-1", .version = "1.0",
                                           .account = ((struct fake_client *)client)->options->account };
    return OK;
}

static enum status disconnect(void *client, struct network_call *call)
{
    (void)client;
    return serve(call, &fake->disconnects);
}

/* --- reading ------------------------------------------------------------------------------------ */
static enum status read_something(struct network_call *call)
{
    pthread_mutex_lock(&fake->lock);
    if (fake->reads < 64)
        snprintf(fake->operations[fake->reads], sizeof(fake->operations[0]), "%s", call->operation);
    pthread_mutex_unlock(&fake->lock);
    TRY(serve(call, &fake->reads));
    TRY(be_held(call, &fake->holds_reads));
    return refuse(call, fake->read_fails);
}

static enum status health_check(void *client, struct network_call *call, struct network_state *state)
{
    (void)client;
    TRY(serve(call, &fake->looks));
    TRY(refuse(call, fake->health_fails));
    state->synced = true;
    return OK;
}

static enum status get_state(void *client, struct network_call *call, struct network_state *state)
{
    TRY(be_mute(client, call));
    TRY(read_something(call));
    *state = (struct network_state){ .synced = true, .has_height = true, .height = 42, .tip = "ab42",
                                     .balance = "340282366920938463463374607431768211456",
                                     .details = "{\"peers\":7}" };
    return OK;
}

static enum status sync_state(void *client, struct network_call *call,
                              const struct network_position *position, struct network_sync *sync)
{
    size_t from = 0;

    (void)client;
    TRY(read_something(call));
    sync->rewound = fake->rewind;
    sync->rewound_to = fake->rewind_to;
    if (position->known)
        while (from < fake->block_count &&
               fake->blocks[from].height <= (fake->rewind ? fake->rewind_to : position->height))
            from++;
    sync->count = fake->block_count - from;
    sync->blocks = fake->blocks + from;
    return OK;
}

static enum status judge(void *client, struct network_call *call, const char *text,
                         struct network_verdict *verdict)
{
    (void)client;
    TRY(read_something(call));
    *verdict = (struct network_verdict){ .verdict = fake->verdict, .anchor = ANCHOR_CHECKPOINT,
                                         .reason = keep(call, text) };
    return OK;
}

static enum status generate_proof(void *client, struct network_call *call, const char *claim,
                                  const char **proof)
{
    (void)client, (void)claim;
    TRY(read_something(call));
    *proof = "{\"type\":\"fake\",\"nodes\":[1,2,3]}";
    return OK;
}

static enum status request_payment(void *client, struct network_call *call,
                                   const struct network_payment_request *request,
                                   struct network_payable *payable)
{
    (void)client;
    pthread_mutex_lock(&fake->lock);
    fake->asked_secrets[fake->asked++ % COUNT_OF(fake->asked_secrets)] = request->secret;
    pthread_mutex_unlock(&fake->lock);
    TRY(read_something(call));
    payable->invoice = fake->payable != NULL ? fake->payable : keep(call, request->amount);
    payable->expires_s = request->has_expiry ? 1000 + request->expires_s : 0;
    payable->label = request->memo;
    return OK;
}

static void tell_much(struct network_call *call, struct network_history *history)
{
    struct network_entry *entries = arena_new(call->arena, fake->history_entries * sizeof(*entries));
    char *details = arena_new(call->arena, 200003);

    memset(details, 'x', 200002);
    details[0] = details[200001] = '"';
    for (size_t i = 0; i < fake->history_entries; i++)
        entries[i] = (struct network_entry){ .transaction = "t", .kind = "transfer", .details = details };
    history->entries = entries;
    history->count = fake->history_entries;
}

static enum status get_history(void *client, struct network_call *call, const char *after, size_t limit,
                               struct network_history *history)
{
    static const struct network_entry entries[] = {
        { .transaction = "t2", .kind = "transfer", .amount = "5", .state = TRANSACTION_CONFIRMED,
          .height = 7 },
        { .transaction = "t1", .kind = "transfer", .amount = "4", .state = TRANSACTION_FAILED, .height = 6 },
    };

    (void)client;
    TRY(read_something(call));
    if (fake->history_entries > 0) {
        tell_much(call, history);
        return OK;
    }
    history->entries = after == NULL ? entries : entries + 1;
    history->count = limit < 2 || after != NULL ? 1 : 2;
    history->next = history->count == 1 && after == NULL ? "t2" : NULL;
    return OK;
}

static enum status estimate_fees(void *client, struct network_call *call, const struct network_write *write,
                                 struct network_fees *fees)
{
    (void)client;
    TRY(read_something(call));
    *fees = (struct network_fees){ .slow = "1", .normal = "2", .fast = "3", .unit = "crumbs",
                                   .total = write == NULL ? NULL : "42000" };
    return OK;
}

static struct fake_transaction *find(const char *id)
{
    for (size_t i = 0; i < fake->transaction_count; i++)
        if (strcmp(fake->transactions[i].id, id) == 0 || strcmp(fake->transactions[i].operation, id) == 0)
            return &fake->transactions[i];
    return NULL;
}

static enum status check_status(void *client, struct network_call *call, const struct network_prepared *which,
                                struct network_status *status)
{
    struct fake_transaction *t;

    TRY(be_mute(client, call));
    TRY(serve(call, &fake->statuses));
    TRY(refuse(call, fake->read_fails));
    pthread_mutex_lock(&fake->lock);
    t = find(which->transaction != NULL ? which->transaction : which->label);
    *status = (struct network_status){ .state = TRANSACTION_UNKNOWN };
    if (t != NULL && !fake->forgets)
        *status = (struct network_status){ .state = t->state, .finality = t->finality,
                                           .has_height = t->height > 0, .height = t->height,
                                           .block = t->block[0] == '\0' ? NULL : keep(call, t->block),
                                           .reason = t->state == TRANSACTION_FAILED ? "reverted" : NULL };
    if (t != NULL && t->superseded)
        *status = (struct network_status){ .state = TRANSACTION_FAILED, .reason = "replaced" };
    pthread_mutex_unlock(&fake->lock);
    return OK;
}

/* --- writing ------------------------------------------------------------------------------------ */
static enum status prepare(void *client, struct network_call *call, const struct network_write *write,
                           struct network_prepared *prepared)
{
    struct fake_client *c = client;
    char raw[160], id[65];
    struct hash hash;

    TRY(serve(call, &fake->prepares));
    if (write->memo != NULL && strcmp(write->memo, "refuse") == 0)
        return refuse(call, ERROR_NETWORK_REJECTED);
    pthread_mutex_lock(&fake->lock);
    if (fake->prepare_fails_times > 0) {
        fake->prepare_fails_times--;
        pthread_mutex_unlock(&fake->lock);
        return refuse(call, fake->prepare_fails);
    }
    fake->hole_from = write->hole_from;
    fake->hole_to = write->hole_to;
    prepared->has_sequence = c->options->sequenced;
    prepared->sequence = fake->next_sequence > write->sequence_least ? fake->next_sequence
                                                                     : write->sequence_least;
    if (fake->fixed_sequence > 0)
        prepared->sequence = fake->fixed_sequence;
    pthread_mutex_unlock(&fake->lock);
    if (c->signer != NULL) {
        struct signature signature;
        int recovery_id;

        sha256(&hash, raw, 0);
        TRY(c->signer->sign(c->signer, &hash, &signature, &recovery_id, &call->error));
    }
    snprintf(raw, sizeof(raw), "%s %" PRIu64 " %08" PRIx32, call->operation, prepared->sequence,
             randombytes_random());
    sha256(&hash, raw, strlen(raw));
    hex_text(id, hash.bytes, sizeof(hash.bytes));
    prepared->raw = bytes_of_text(keep(call, raw));
    if (c->options->labelled)
        prepared->label = keep(call, call->operation);
    else
        prepared->transaction = keep(call, id);
    if (write->kind == WRITE_ISSUE)
        prepared->asset = "asset-1";
    return OK;
}

/* The same with another ending: the operation and the sequence stay. */
static enum status raise_fee(void *client, struct network_call *call, const struct network_raise *what,
                             struct network_raised *raised)
{
    char raw[160], id[65], operation[33];
    uint64_t sequence;
    struct hash hash;

    (void)client;
    pthread_mutex_lock(&fake->lock);
    fake->hurried = what->is_hurried;
    fake->left_us = what->left_us;
    pthread_mutex_unlock(&fake->lock);
    if (!fake->raises || what->waited_us < fake->bump_after_us)
        return OK;
    TRY(refuse(call, fake->raise_fails));
    assert_int_equal(sscanf((const char *)what->newest->raw.data, "%32s %" SCNu64, operation, &sequence), 2);
    assert_int_equal(sequence, what->newest->sequence);
    snprintf(raw, sizeof(raw), "%s %" PRIu64 " %08" PRIx32 " raised", operation, sequence,
             randombytes_random());
    sha256(&hash, raw, strlen(raw));
    hex_text(id, hash.bytes, sizeof(hash.bytes));
    *raised = (struct network_raised){ .made = true, .fee = "9", .unit = "crumbs" };
    raised->prepared = *what->newest;
    raised->prepared.raw = bytes_of_text(keep(call, raw));
    raised->prepared.transaction = keep(call, id);
    pthread_mutex_lock(&fake->lock);
    fake->raised++;
    pthread_mutex_unlock(&fake->lock);
    return OK;
}

/* Whether a reader of the node's database sees these bytes. */
static bool is_durable(struct bytes raw)
{
    sqlite3_stmt *statement = NULL;
    sqlite3 *db = NULL;
    bool found = false;

    if (sqlite3_open_v2(fake->database, &db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK &&
        sqlite3_busy_timeout(db, 60000) == SQLITE_OK &&
        sqlite3_prepare_v2(db, "SELECT 1 FROM network_write WHERE raw = ?", -1, &statement,
                           NULL) == SQLITE_OK) {
        sqlite3_bind_blob(statement, 1, raw.data, (int)raw.size, SQLITE_STATIC);
        found = sqlite3_step(statement) == SQLITE_ROW;
    }
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return found;
}

/* Under the lock: the bytes have come in. */
static void arrive(struct network_call *call, const struct network_prepared *prepared)
{
    struct fake_transaction *t, *same;
    struct hash hash;
    char id[65];

    sha256(&hash, prepared->raw.data, prepared->raw.size);
    hex_text(id, hash.bytes, sizeof(hash.bytes));
    same = find(call->operation);
    if (same != NULL && strcmp(same->id, id) != 0 &&
        !(fake->raises && prepared->has_sequence && same->sequence == prepared->sequence))
        fake->other_bytes++;
    t = find(id);
    if (t != NULL) {
        t->sends++;
        return;
    }
    assert_true(fake->transaction_count < FAKE_TRANSACTIONS_MAX);
    t = &fake->transactions[fake->transaction_count++];
    *t = (struct fake_transaction){ .has_sequence = prepared->has_sequence, .sequence = prepared->sequence,
                                    .sends = 1, .attempt = call->attempt, .state = TRANSACTION_PENDING };
    memcpy(t->id, id, sizeof(t->id));
    snprintf(t->operation, sizeof(t->operation), "%s", call->operation);
    if (!prepared->has_sequence)
        return;
    if (same != NULL)
        return;
    if (prepared->sequence != fake->next_sequence)
        fake->out_of_order++;
    fake->next_sequence = prepared->sequence + 1;
}

static enum fake_send next_of_script(void)
{
    enum fake_send next = fake->script_size == 0 ? FAKE_TAKES : fake->script[0];

    if (fake->script_size > 0)
        memmove(fake->script, fake->script + 1, --fake->script_size * sizeof(next));
    return next;
}

static enum status send_raw(void *client, struct network_call *call, const struct network_prepared *prepared,
                            struct network_sent *sent)
{
    enum fake_send what;
    bool durable = fake->database[0] == '\0' || is_durable(prepared->raw);

    (void)client;
    TRY(serve(call, &fake->sends));
    TRY(be_held(call, &fake->holds_sends));
    pthread_mutex_lock(&fake->lock);
    fake->not_durable += !durable;
    what = next_of_script();
    if (what == FAKE_TAKES || what == FAKE_TAKES_MUTE || what == FAKE_HANGS)
        arrive(call, prepared);
    pthread_mutex_unlock(&fake->lock);
    sent->outcome = SEND_ACCEPTED;
    switch (what) {
    case FAKE_TAKES:
        return OK;
    case FAKE_REJECTS:
        *sent = (struct network_sent){ .outcome = SEND_REJECTED, .reason = "insufficient funds" };
        return OK;
    case FAKE_TOO_CHEAP:
        *sent = (struct network_sent){ .outcome = SEND_REJECTED, .too_cheap = true,
                                       .reason = "underpriced" };
        return OK;
    case FAKE_TAKES_MUTE:
        sent->outcome = SEND_AMBIGUOUS;
        return OK;
    case FAKE_LOSES:
        return refuse(call, ERROR_NETWORK_AMBIGUOUS);
    case FAKE_UNREACHABLE:
        return refuse(call, ERROR_NETWORK_TRANSPORT);
    case FAKE_HANGS:
        return wait_for(call, INT64_MAX / 2 - clock_monotonic_us());
    }
    return OK;
}

const struct network fake_network = {
    .name = "fake",
    .help = "A network of the tests.",
    .options = fake_params,
    .option_count = COUNT_OF(fake_params),
    .options_size = sizeof(struct fake_options),
    .initialize = initialize,
    .release = release,
    .describe = describe,
    .measure = measure,
    .capable = capable,
    .connect = connect_server,
    .disconnect = disconnect,
    .health_check = health_check,
    .get_state = get_state,
    .sync_state = sync_state,
    .validate_state = judge,
    .check_transaction_status = check_status,
    .get_transaction_history = get_history,
    .estimate_fees = estimate_fees,
    .writes = 1u << WRITE_SUBMIT | 1u << WRITE_ISSUE | 1u << WRITE_TRANSFER,
    .prepare = prepare,
    .send = send_raw,
    .raise = raise_fee,
    .verify_proof = judge,
    .generate_proof = generate_proof,
    .request_payment = request_payment,
};

const struct network bare_network = {
    .name = "bare",
    .help = "A network of the tests that can do nothing but connect.",
    .options = fake_params,
    .option_count = COUNT_OF(fake_params),
    .options_size = sizeof(struct fake_options),
    .needs_key = true,
    .initialize = initialize,
    .release = release,
    .describe = describe,
    .connect = connect_server,
    .paid_how = "nobody is paid there",
};
