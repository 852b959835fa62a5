/* The state of a link: see health.h. */
#include "network/health.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "network/effects.h"
#include "network/links.h"
#include "network/names.h"
#include "network/results.h"

#define LOG_ROOM "network"

/* --- states ------------------------------------------------------------------------------------- */
enum ailment { AILMENT_NONE, AILMENT_DEGRADED, AILMENT_LOST };

/* What an error tells of the server. What the application refuses tells nothing. */
static enum ailment ailment_of(enum status code)
{
    static const enum status lost[] = { ERROR_NETWORK_TRANSPORT, ERROR_NETWORK_TLS, ERROR_NETWORK_AUTH,
                                        ERROR_NETWORK_WRONG_CHAIN, ERROR_NETWORK_CREDENTIALS,
                                        ERROR_NETWORK_OPTIONS };
    static const enum status degraded[] = { ERROR_NETWORK_TIMEOUT, ERROR_NETWORK_RATE_LIMITED,
                                            ERROR_NETWORK_CIRCUIT_OPEN, ERROR_NETWORK_BUSY,
                                            ERROR_NETWORK_PROTOCOL, ERROR_NETWORK_TOO_LARGE,
                                            ERROR_NETWORK_SERVER, ERROR_NETWORK_AMBIGUOUS };

    for (size_t i = 0; i < COUNT_OF(lost); i++)
        if (code == lost[i])
            return AILMENT_LOST;
    for (size_t i = 0; i < COUNT_OF(degraded); i++)
        if (code == degraded[i])
            return AILMENT_DEGRADED;
    return AILMENT_NONE;
}

static const char *text_of(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

/* How many good looks in a row it takes until a link counts as connected again. */
static uint64_t good_needed(uint64_t flaps)
{
    return flaps <= HEALTH_FLAPS_FREE ? 1 : (uint64_t)1 << (flaps - HEALTH_FLAPS_FREE);
}

static void count_flap(struct link_row *row, int64_t now_us)
{
    if (row->state != LINK_CONNECTED)
        return;
    if (now_us - row->changed_us >= HEALTH_FLAP_US)
        row->flaps = 0;
    else if (row->flaps < HEALTH_FLAPS_MOST)
        row->flaps++;
}

void health_connected(struct execution *x, struct link_row *row, const json_t *greeting, bool asked)
{
    bool news = row->state != LINK_CONNECTED;

    if (asked)
        row->flaps = 0;
    row->failures = 0;
    if (news && row->state != LINK_CONNECTING && ++row->good < good_needed(row->flaps)) {
        row_link_update(execution_database(x), row, execution_time(x));
        return;
    }
    row->good = 0;
    row->state = LINK_CONNECTED;
    row->error = NULL;
    if (greeting != NULL) {
        row->chain = text_of(greeting, "chain");
        row->version = text_of(greeting, "version");
        row->account = text_of(greeting, "account");
    }
    row_link_update(execution_database(x), row, execution_time(x));
    if (news)
        event_network_connected(x, &(struct event_network_connected){
            .link = row->name, .network = row->network, .chain = row->chain, .version = row->version,
            .account = row->account });
}

static void record_lost(struct execution *x, const struct link_row *row, enum status code)
{
    event_network_lost(x, &(struct event_network_lost){ .link = row->name, .network = row->network,
                                                        .error = status_name(code), .message = row->error });
}

static void record_degraded(struct execution *x, const struct link_row *row, enum status code)
{
    event_network_degraded(x, &(struct event_network_degraded){
        .link = row->name, .network = row->network, .error = status_name(code), .message = row->error });
}

void health_failed(struct execution *x, struct link_row *row, enum status code, const char *message)
{
    enum ailment ailment = ailment_of(code);
    enum link_state before = row->state;

    count_flap(row, execution_time(x));
    row->good = 0;
    row->failures++;
    row->error = message;
    /* Without a connection there is nothing that could be merely degraded. */
    if (ailment == AILMENT_DEGRADED && before != LINK_LOST && before != LINK_CONNECTING &&
        row->failures < HEALTH_FAILURES_LOST)
        row->state = LINK_DEGRADED;
    else
        row->state = LINK_LOST;
    row_link_update(execution_database(x), row, execution_time(x));
    if (row->state == before)
        return;
    if (row->state == LINK_LOST)
        record_lost(x, row, code);
    else
        record_degraded(x, row, code);
}

void health_suspect(struct execution *x, uint64_t link, enum status code, const char *message)
{
    struct arena arena CLEANUP(arena_close);
    struct link_row row;

    arena_init(&arena);
    if (ailment_of(code) == AILMENT_NONE || !row_link_read(execution_database(x), link, &arena, &row) ||
        row.state != LINK_CONNECTED)
        return;
    if (code == ERROR_NETWORK_CIRCUIT_OPEN)
        health_failed(x, &row, code, message);
    health_look_now(x, &row);
}

/* --- looking ------------------------------------------------------------------------------------ */
static void look(struct execution *x, const struct link_row *row, int64_t delay_us)
{
    char *key AUTO_FREE = text_format("%" PRIu64, row->id);

    effect_request_for(x, HEALTH_EFFECT, row->id, key, key, delay_us); /* a number is JSON */
}

void health_schedule(struct execution *x, const struct link_row *row)
{
    look(x, row, row->health_us);
}

void health_stop(struct execution *x, const struct link_row *row)
{
    char *key AUTO_FREE = text_format("%" PRIu64, row->id);

    (void)effect_cancel(x, HEALTH_EFFECT, key); /* one that runs finds the link idle when it ends */
}

void health_look_now(struct execution *x, const struct link_row *row)
{
    health_stop(x, row);
    look(x, row, 0);
}

/* A server that answers, on the chain that it should be on. */
static enum status run_look(struct link_call *c, struct writer *w)
{
    const struct network *network = c->link->network;
    struct network_greeting greeting = { .chain = NULL };
    struct network_state state = { .tip = NULL };
    enum status status;

    if (atomic_load(&c->link->resting))
        return error_set(&c->call.error, ERROR_NETWORK_NOT_CONNECTED, "the link is not connected");
    if (atomic_load(&c->link->verified) && network->health_check != NULL)
        return network->health_check(c->link->client, &c->call, &state);
    if (network->connect == NULL)
        return OK;
    status = network->connect(c->link->client, &c->call, &greeting);
    if (status != OK)
        return status;
    atomic_store(&c->link->verified, true);
    result_greeting(w, &greeting);
    return OK;
}

enum status network_health_run(struct effect_run *run)
{
    struct link_call c CLEANUP(link_call_close) = { .links = NULL };
    struct writer w;

    TRY(link_call_open(&c, run->kernel, strtoull(run->key, NULL, 10), 0, "", run->attempt,
                       network_operation_timeout_us(NETWORK_HEALTH_CHECK), &run->error));
    writer_init(&w, &run->result);
    writer_object_begin(&w);
    TRY(link_call_ended(&c, run_look(&c, &w), &run->error));
    writer_object_end(&w);
    return OK;
}

void network_health_ended(struct execution *x, uint64_t id, const char *key, const char *request,
                          enum status outcome, const char *result)
{
    struct arena arena CLEANUP(arena_close);
    json_t *json AUTO_JSON = NULL;
    struct link_row row;

    (void)id, (void)request;
    arena_init(&arena);
    if (!row_link_read(execution_database(x), strtoull(key, NULL, 10), &arena, &row) ||
        row.state == LINK_IDLE)
        return;
    INVARIANT(json_parse(result, strlen(result), &json, NULL) == OK, "an effect's result is JSON");
    if (outcome == OK)
        health_connected(x, &row, json_object_get(json, "chain") == NULL ? NULL : json, false);
    else
        health_failed(x, &row, outcome, text_of(json, "message"));
    health_schedule(x, &row);
}

/* --- the start of a life ------------------------------------------------------------------------ */
struct known_links {
    uint64_t ids[LINKS_MAX];
    size_t count;
};

static void note_link(void *context, const struct link_row *row)
{
    struct known_links *known = context;

    if (row->state != LINK_IDLE && known->count < LINKS_MAX)
        known->ids[known->count++] = row->id;
}

static void connect_anew(struct execution *x, uint64_t id)
{
    struct arena arena CLEANUP(arena_close);
    struct link_row row;

    arena_init(&arena);
    if (!row_link_read(execution_database(x), id, &arena, &row))
        return;
    row.state = LINK_CONNECTING;
    row.failures = 0;
    row_link_update(execution_database(x), &row, execution_time(x));
    health_look_now(x, &row);
}

/* A sweep runs anew when its batch was rolled back: what it does twice it did once. */
int64_t health_sweep(struct execution *x)
{
    struct known_links known = { .count = 0 };

    row_link_each(execution_database(x), note_link, &known);
    for (size_t i = 0; i < known.count; i++)
        connect_anew(x, known.ids[i]);
    return INT64_MAX;
}
