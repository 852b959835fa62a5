/* What effects do for transfers, on threads that may wait, and what comes of it: see engine.h. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "kernel/kernel.h"
#include "layer2/transfer/engine.h"
#include "layer2/transfer/network_proof.h"
#include "layer2/transfer/stuck.h"
#include "layer2/transfer/transfer.h"

#define LOG_ROOM "transfer"
#define AGAIN_US MICROSECONDS_PER_SECOND
#define AGAIN_MOST_US (60 * MICROSECONDS_PER_SECOND)

/* --- on a thread that may wait ----------------------------------------------------------------- */
struct request {
    struct hash id;
    const char *what;
    json_t *json;
};

static bool read_request(const char *text, struct request *r)
{
    const char *id;
    struct error error;

    if (json_parse(text, strlen(text), &r->json, &error) != OK)
        return false;
    id = json_string_value(json_object_get(r->json, "transfer"));
    r->what = json_string_value(json_object_get(r->json, "what"));
    return id != NULL && r->what != NULL && hex_decode(r->id.bytes, sizeof(r->id.bytes), id, strlen(id));
}

static bool action_named(const char *name, enum transfer_action *action)
{
    for (int i = 0; i < TRANSFER_ACTIONS; i++) {
        if (strcmp(name, transfer_action_name((enum transfer_action)i)) == 0) {
            *action = (enum transfer_action)i;
            return true;
        }
    }
    return false;
}

/* What is shown: the secret by whoever has it, else what was seen. */
static struct hash preimage_for(struct leg_work *work, enum transfer_action action)
{
    struct hash preimage = work->transfer->preimage;

    if (action == ACT_CLAIM_DESTINATION && work->transfer->secret == SECRET_NODE)
        engine_secret(work->kernel, &work->transfer->id, &preimage);
    return preimage;
}

static enum status run_action(struct leg_work *work, enum transfer_action action, char detail[DETAIL_MAX])
{
    const struct leg_kind *kind = leg_kind_known(work->leg);
    struct hash preimage;

    switch (action) {
    case ACT_NOTHING:
        break;
    case ACT_LOCK_SOURCE:
    case ACT_LOCK_DESTINATION:
        return kind->lock(work, detail);
    case ACT_CLAIM_DESTINATION:
    case ACT_CLAIM_SOURCE:
        preimage = preimage_for(work, action);
        return kind->claim(work, &preimage);
    case ACT_REFUND_DESTINATION:
    case ACT_REFUND_SOURCE:
        return kind->refund(work);
    }
    return OK;
}

static void write_detail(struct effect_run *run, const char *detail)
{
    struct writer w;

    writer_init(&w, &run->result);
    writer_object_begin(&w);
    writer_member_text(&w, "detail", detail);
    writer_object_end(&w);
}

static enum status act_now(struct effect_run *run, struct leg_work *work, struct transfer *t,
                           const char *what)
{
    char detail[DETAIL_MAX];
    enum transfer_action action;
    enum status status;

    if (!action_named(what, &action))
        return error_set(&work->error, ERROR_INTERNAL, "no action '%s'", what);
    work->leg = &t->legs[action_side(action)];
    text_set(detail, sizeof(detail), work->leg->detail);
    status = run_action(work, action, detail);
    if (status == OK)
        write_detail(run, detail);
    return status;
}

static void write_view(struct effect_run *run, const struct leg_view *view)
{
    struct writer w;

    writer_init(&w, &run->result);
    writer_object_begin(&w);
    writer_member_integer(&w, "sight", view->sight);
    writer_member_integer(&w, "expiry_us", view->expiry_us);
    writer_member_text(&w, "reference", view->reference);
    writer_member_text(&w, "detail", view->detail);
    if (view->preimage_known)
        writer_member_hex(&w, "preimage", view->preimage.bytes, sizeof(view->preimage.bytes));
    writer_object_end(&w);
}

static enum status look_now(struct effect_run *run, struct leg_work *work, struct transfer *t,
                            const char *what)
{
    struct leg *leg = &t->legs[strcmp(what, side_name(SIDE_SOURCE)) == 0 ? SIDE_SOURCE : SIDE_DESTINATION];
    struct leg_view view = engine_view_of(leg);
    enum status status;

    work->leg = leg;
    status = leg_kind_known(leg)->look(work, &view);
    if (status == OK)
        write_view(run, &view);
    return status;
}

/* Connections that effects read by, kept from one to the next. */
#define READERS_MOST 16
struct readers {
    pthread_mutex_t lock;
    size_t count;
    struct database *kept[READERS_MOST];
};

void *engine_memory_open(struct kernel *kernel, struct database *database)
{
    struct readers *readers = memory_new(sizeof(*readers));

    (void)kernel, (void)database;
    pthread_mutex_init(&readers->lock, NULL);
    return readers;
}

void engine_memory_close(void *memory)
{
    struct readers *readers = memory;

    while (readers->count > 0)
        database_close(readers->kept[--readers->count]);
    pthread_mutex_destroy(&readers->lock);
    free(readers);
}

static enum status reader_take(struct kernel *kernel, struct database **reader, struct error *error)
{
    struct readers *readers = kernel_memory(kernel, &transfer_module);

    *reader = NULL;
    pthread_mutex_lock(&readers->lock);
    if (readers->count > 0)
        *reader = readers->kept[--readers->count];
    pthread_mutex_unlock(&readers->lock);
    return *reader != NULL ? OK : kernel_reader(kernel, reader, error);
}

/* What the reader could not read makes nothing of what was found true. */
static enum status reader_give(struct kernel *kernel, struct database *reader, struct error *error)
{
    struct readers *readers = kernel_memory(kernel, &transfer_module);
    enum status status = database_failure(reader, error);

    pthread_mutex_lock(&readers->lock);
    if (status == OK && readers->count < READERS_MOST) {
        readers->kept[readers->count++] = reader;
        reader = NULL;
    }
    pthread_mutex_unlock(&readers->lock);
    database_close(reader);
    return status;
}

/* The rows are read anew: what was asked for may be over. */
enum status engine_run_with_rows(struct effect_run *run, engine_part *part, bool ended_too)
{
    struct arena arena CLEANUP(arena_close);
    struct leg_work work = { .kernel = run->kernel, .now_us = kernel_now(run->kernel), .arena = &arena };
    struct transfer *t = memory_new(sizeof(*t));
    struct request r = { .json = NULL };
    enum status status;

    arena_init(&arena);
    status = reader_take(run->kernel, &work.database, &run->error);
    if (status == OK && (!read_request(run->request, &r) || !transfer_read(work.database, &r.id, t)))
        status = error_set(&run->error, ERROR_TRANSFER_NOT_FOUND, "no such transfer");
    if (status == OK && (ended_too || !transfer_has_ended(t->state))) {
        work.transfer = t;
        status = part(run, &work, t, r.what);
        if (status != OK)
            run->error = work.error;
    }
    if (work.database != NULL) {
        enum status reading = reader_give(run->kernel, work.database, &work.error);

        if (reading != OK && status == OK) {
            status = reading;
            run->error = work.error;
        }
    }
    json_decref(r.json);
    memory_free_pointer(&t);
    return status;
}

static enum status act_run(struct effect_run *run)
{
    return engine_run_with_rows(run, act_now, false);
}

static enum status look_run(struct effect_run *run)
{
    return engine_run_with_rows(run, look_now, false);
}

/* --- in the executor again --------------------------------------------------------------------- */
static int64_t backoff(uint64_t tries)
{
    int64_t delay_us = AGAIN_US;

    for (uint64_t i = 1; i < tries && delay_us < AGAIN_MOST_US; i++)
        delay_us *= 2;
    return delay_us < AGAIN_MOST_US ? delay_us : AGAIN_MOST_US;
}

/* What went wrong, of what. */
static void write_reason(char text[REASON_MAX], const char *what, const json_t *result)
{
    const char *message = json_string_value(json_object_get(result, "message"));
    char whole[REASON_MAX + ERROR_MESSAGE_MAX];
    size_t size;

    snprintf(whole, sizeof(whole), "%s: %s", what, message == NULL ? "" : message);
    size = utf8_valid_prefix(whole, strnlen(whole, REASON_MAX - 1));
    memcpy(text, whole, size);
    text[size] = '\0';
}

/* For whoever looks at the transfer. Said in the node's log when it is new. */
static void note(struct transfer *t, const char *text)
{
    char id[2 * sizeof(t->id.bytes) + 1];

    if (strcmp(text, t->reason) == 0)
        return;
    text_set(t->reason, sizeof(t->reason), text);
    hex_text(id, t->id.bytes, sizeof(t->id.bytes));
    log_warn("transfer %s: %s", id, t->reason);
}

/* That a step fails is worth more than that the ledger is not seen either. */
static bool is_of_action(const char *reason)
{
    for (int i = ACT_NOTHING + 1; i < TRANSFER_ACTIONS; i++) {
        const char *name = transfer_action_name((enum transfer_action)i);

        if (strncmp(reason, name, strlen(name)) == 0 && reason[strlen(name)] == ':')
            return true;
    }
    return false;
}

/* It goes well again. */
static void forget(struct transfer *t, const char *what)
{
    size_t size = strlen(what);

    if (strncmp(t->reason, what, size) == 0 && t->reason[size] == ':')
        t->reason[0] = '\0';
}

static void note_failure(struct transfer *t, struct leg *leg, enum transfer_action action,
                         enum status outcome, const json_t *result)
{
    char text[REASON_MAX];

    write_reason(text, transfer_action_name(action), result);
    note(t, text);
    if (outcome == ERROR_TRANSFER_LEG_REFUSED && action_is_lock(action)) {
        leg->asked = false;
        leg->refused = action == ACT_LOCK_SOURCE;
    }
}

static void act_ended(struct execution *x, uint64_t id, const char *key, const char *request_text,
                      enum status outcome, const char *result_text)
{
    json_t *result AUTO_JSON = NULL;
    struct transfer *t = memory_new(sizeof(*t));
    struct request r = { .json = NULL };
    enum transfer_action action;
    struct error error;

    (void)id, (void)key;
    if (read_request(request_text, &r) && action_named(r.what, &action) &&
        transfer_read(execution_database(x), &r.id, t) && !transfer_has_ended(t->state) &&
        json_parse(result_text, strlen(result_text), &result, &error) == OK) {
        struct leg *leg = &t->legs[action_side(action)];
        const char *detail = json_string_value(json_object_get(result, "detail"));

        leg->acting = ACT_NOTHING;
        leg->tries = leg->acted == action ? leg->tries + 1 : 1;
        leg->acted = action;
        leg->again_us = execution_time(x) + backoff(leg->tries);
        if (outcome != OK)
            note_failure(t, leg, action, outcome, result);
        else
            forget(t, r.what);
        if (outcome == OK && detail != NULL && strlen(detail) < sizeof(leg->detail))
            text_set(leg->detail, sizeof(leg->detail), detail);
        engine_take_on(x, t, outcome == OK);
    }
    json_decref(r.json);
    memory_free_pointer(&t);
}

static bool read_view(const json_t *json, struct leg_view *view)
{
    const char *preimage = json_string_value(json_object_get(json, "preimage"));
    const char *reference = json_string_value(json_object_get(json, "reference"));
    const char *detail = json_string_value(json_object_get(json, "detail"));
    json_int_t sight = json_integer_value(json_object_get(json, "sight"));

    if (!json_is_integer(json_object_get(json, "sight")) || sight < 0 || sight >= SIGHTS ||
        reference == NULL || strlen(reference) >= REFERENCE_MAX || detail == NULL ||
        strlen(detail) >= DETAIL_MAX)
        return false;
    view->sight = (enum sight)sight;
    view->expiry_us = json_integer_value(json_object_get(json, "expiry_us"));
    text_set(view->reference, sizeof(view->reference), reference);
    text_set(view->detail, sizeof(view->detail), detail);
    view->preimage_known = preimage != NULL && hex_decode(view->preimage.bytes, sizeof(view->preimage.bytes),
                                                          preimage, strlen(preimage));
    return true;
}

/* A ledger that could not be looked at: the transfer waits, and says why. */
static void look_failed(struct execution *x, struct transfer *t, enum side side, const char *what,
                        const json_t *result)
{
    char text[REASON_MAX];

    write_reason(text, what, result);
    if (!is_of_action(t->reason))
        note(t, text);
    stuck_in_looking(x, t, &t->legs[side], text);
    transfer_write(execution_database(x), t);
}

static void looked(struct execution *x, struct transfer *t, enum side side, const char *what,
                   const struct leg_view *view)
{
    forget(t, what);
    t->legs[side].unseen_us = 0;
    engine_take_view(t, &t->legs[side], view);
    engine_take_on(x, t, false);
}

static void look_ended(struct execution *x, uint64_t id, const char *key, const char *request_text,
                       enum status outcome, const char *result_text)
{
    json_t *result AUTO_JSON = NULL;
    struct transfer *t = memory_new(sizeof(*t));
    struct request r = { .json = NULL };
    struct leg_view view = { .sight = SIGHT_NONE };
    struct error error;
    char what[sizeof("looking at the destination")];

    (void)id, (void)key;
    if (read_request(request_text, &r) && transfer_read(execution_database(x), &r.id, t) &&
        !transfer_has_ended(t->state) &&
        json_parse(result_text, strlen(result_text), &result, &error) == OK) {
        enum side side = strcmp(r.what, side_name(SIDE_SOURCE)) == 0 ? SIDE_SOURCE : SIDE_DESTINATION;

        snprintf(what, sizeof(what), "looking at the %s", side_name(side));
        if (outcome != OK && outcome != ERROR_STOPPING)
            look_failed(x, t, side, what, result);
        else if (outcome == OK && read_view(result, &view))
            looked(x, t, side, what, &view);
    }
    json_decref(r.json);
    memory_free_pointer(&t);
}

static bool never(enum status outcome)
{
    (void)outcome;
    return false;
}

/* The rows of the transfer say what is tried again, and when. */
const struct effect_kind engine_effects[3] = {
    { .name = TRANSFER_ACT, .run = act_run, .ended = act_ended, .attempts = 1000, .waits = WAITS_USUAL,
      .transient = true, .retry = never, .help = "Locks, claims or takes back one side of a transfer." },
    { .name = TRANSFER_LOOK, .run = look_run, .ended = look_ended, .attempts = 1000, .waits = WAITS_USUAL,
      .transient = true, .retry = never, .help = "Asks an outside ledger how a lock there stands." },
    { .name = TRANSFER_PROVE, .run = network_proof_run, .ended = network_proof_ended, .attempts = 1000,
      .waits = TRANSFER_PROVE_MOST, .transient = true, .retry = never,
      .help = "Fetches a network's proof of a lock or a claim." },
};
