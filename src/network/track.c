/* Following writes: one look at a time, each the later the longer ago it was sent, until nothing more is to
 * come. What a look finds is settled in the executor by write_rules.h. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "network/effects.h"
#include "network/health.h"
#include "network/names.h"
#include "network/raise.h"
#include "network/results.h"
#include "network/write.h"

/* --- on a waiting thread ------------------------------------------------------------------------ */
enum status network_track_run(struct effect_run *run)
{
    struct link_call c CLEANUP(link_call_close) = { .links = NULL };
    json_t *request AUTO_JSON = NULL;
    struct network_status status = { .state = TRANSACTION_UNKNOWN };
    int64_t now_us = kernel_now(run->kernel);
    struct raise_look *look;
    struct writer w;
    uint64_t place;

    INVARIANT(json_parse(run->request, strlen(run->request), &request, NULL) == OK,
              "a request that is no JSON");
    TRY(link_call_open(&c, run->kernel, (uint64_t)json_integer_value(json_object_get(request, "link")), 0, "",
                       run->attempt, network_operation_timeout_us(NETWORK_CHECK_TRANSACTION_STATUS),
                           &run->error));
    look = arena_new(&c.arena, sizeof(*look));
    TRY(raise_read(&c, strtoull(run->key, NULL, 10), now_us, look, &run->error));
    TRY(link_call_verify(&c, &run->error));
    TRY(link_call_ended(&c, raise_status(&c, look, &status, &place), &run->error));
    writer_init(&w, &run->result);
    writer_object_begin(&w);
    result_status(&w, &status);
    raise_ask(&c, look, &status, place, now_us, &w);
    writer_object_end(&w);
    return OK;
}

/* --- in the executor ---------------------------------------------------------------------------- */
static const char *text_of(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

static enum finality finality_of(const json_t *json)
{
    enum finality finality = FINALITY_NONE;

    while (strcmp(finality_name(finality), text_of(json, "finality")) != 0) {
        INVARIANT(finality < FINALITY_FINAL, "a finality of our own that is none");
        finality++;
    }
    return finality;
}

static struct network_status status_of(const json_t *json)
{
    const json_t *confirmations = json_object_get(json, "confirmations"), *height = json_object_get(json,
                                                                                                    "height");
    struct network_status status = {
        .finality = finality_of(json),
        .has_confirmations = confirmations != NULL,
        .has_height = height != NULL,
        .confirmations = (uint64_t)json_integer_value(confirmations),
        .height = (uint64_t)json_integer_value(height),
        .block = text_of(json, "block"),
        .reason = text_of(json, "reason"),
        .asset = text_of(json, "asset"),
    };

    INVARIANT(transaction_state_find(text_of(json, "state"), &status.state),
              "a state of our own that is none");
    return status;
}

struct telling {
    struct execution *x;
    const struct link_row *link;
    const struct write_row *row;
    char id[2 * NETWORK_ID_SIZE + 1];
};

static void tell_confirmed(const struct telling *t)
{
    char height[24];

    snprintf(height, sizeof(height), "%" PRIu64, t->row->height);
    event_network_transaction_confirmed(t->x, &(struct event_network_transaction_confirmed){
        .operation = t->id, .link = t->link->name, .network = t->link->network,
        .transaction = t->row->transaction, .finality = finality_name(t->row->finality),
            .block = t->row->block,
        .height = t->row->has_height ? bytes_of_text(height) : bytes_of(NULL, 0) });
}

/* What the write was to do is done. */
static void tell_arrived(const struct telling *t)
{
    struct arena arena CLEANUP(arena_close);
    json_t *request AUTO_JSON = NULL;
    struct ask ask;

    arena_init(&arena);
    INVARIANT(json_parse(t->row->request, strlen(t->row->request), &request, NULL) == OK,
              "a request that is no JSON");
    ask_read(request, &arena, &ask);
    if (t->row->kind == WRITE_ISSUE)
        event_network_asset_issued(t->x, &(struct event_network_asset_issued){
            .operation = t->id, .link = t->link->name, .network = t->link->network,
            .transaction = t->row->transaction, .asset = t->row->asset, .symbol = ask.symbol,
            .amount = ask.amount });
    else if (t->row->kind == WRITE_TRANSFER)
        event_network_asset_transferred(t->x, &(struct event_network_asset_transferred){
            .operation = t->id, .link = t->link->name, .network = t->link->network,
            .transaction = t->row->transaction, .asset = ask.asset, .to = ask.to, .amount = ask.amount });
}

static void tell_failed(const struct telling *t)
{
    event_network_transaction_failed(t->x, &(struct event_network_transaction_failed){
        .operation = t->id, .link = t->link->name, .network = t->link->network,
        .transaction = t->row->transaction, .reason = t->row->reason });
}

static void tell_dropped(const struct telling *t)
{
    event_network_transaction_dropped(t->x, &(struct event_network_transaction_dropped){
        .operation = t->id, .link = t->link->name, .network = t->link->network,
        .transaction = t->row->transaction, .reason = "the network has known nothing of it for seven days" });
}

static void tell(struct execution *x, const struct link_row *link, const struct write_row *row,
                 const char *block_before, unsigned news)
{
    struct telling t = { .x = x, .link = link, .row = row };

    hex_text(t.id, row->id.bytes, sizeof(row->id.bytes));
    if ((news & NEWS_REORGED) != 0)
        event_network_transaction_reorged(x, &(struct event_network_transaction_reorged){
            .operation = t.id, .link = link->name, .network = link->network, .transaction = row->transaction,
            .block = block_before });
    if ((news & NEWS_CONFIRMED) != 0)
        tell_confirmed(&t);
    if ((news & NEWS_ARRIVED) != 0)
        tell_arrived(&t);
    if ((news & NEWS_FAILED) != 0)
        tell_failed(&t);
    if ((news & NEWS_DROPPED) != 0)
        tell_dropped(&t);
}

static struct write_course course_of(struct execution *x, const struct link_row *link,
                                     const struct write_row *row)
{
    const struct network *network = network_find(link->network);

    return (struct write_course){ .stage = row->stage, .settled = row->settled, .finality = row->finality,
                                  .block = row->block, .sent_us = row->sent_us,
                                  .unknown_us = row->unknown_us, .can_resend = row->raw.size > 0,
                                  .can_raise = row->has_sequence && network != NULL &&
                                               network->raise != NULL,
                                  .awaited = row->has_sequence &&
                                             row_write_awaited(execution_database(x), row->link,
                                                               row->sequence) };
}

static void follow(struct execution *x, const struct link_row *link, struct write_row *row,
                   const json_t *json, struct arena *arena)
{
    struct network_status status = status_of(json);
    struct write_course course = course_of(x, link, row);
    const char *block_before = row->block;
    unsigned news = write_follow(&course, &status, link->poll_us, execution_time(x));

    row->stage = course.stage;
    row->settled = course.settled;
    row->finality = course.finality;
    row->block = course.block;
    row->unknown_us = course.unknown_us;
    row->has_confirmations = status.has_confirmations;
    row->confirmations = status.confirmations;
    row->has_height = course.block != NULL && status.has_height;
    row->height = status.height;
    row->reason = status.reason;
    if (status.asset != NULL)
        row->asset = status.asset;
    raise_take(x, row, json, arena);
    write_update(x, row);
    tell(x, link, row, block_before, news);
    raise_settle(x, link, row, json, arena);
    if ((news & NEWS_RESEND) != 0)
        raise_resend(x, link, row, arena);
}

static bool is_followed(const struct write_row *row)
{
    return !row->settled && row->sent_us != 0;
}

void network_track_ended(struct execution *x, uint64_t id, const char *key, const char *request,
                         enum status outcome, const char *result)
{
    struct arena arena CLEANUP(arena_close);
    json_t *json AUTO_JSON = NULL;
    struct write_course course;
    struct write_row row;
    struct link_row link;

    (void)id, (void)request;
    arena_init(&arena);
    if (!row_write_read(execution_database(x), strtoull(key, NULL, 10), &arena, &row) || !is_followed(&row) ||
        !row_link_read(execution_database(x), row.link, &arena, &link))
        return;
    INVARIANT(json_parse(result, strlen(result), &json, NULL) == OK, "an effect's result is JSON");
    if (outcome == OK)
        follow(x, &link, &row, json, &arena);
    else
        health_suspect(x, row.link, outcome, text_of(json, "message"));
    course = course_of(x, &link, &row);
    if (!row.settled)
        write_track(x, &link, &row, write_poll_delay(&course, link.poll_us, execution_time(x)));
}
