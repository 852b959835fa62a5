/* Writes that wait at too low a fee: see raise.h. */
#include "network/raise.h"

#include <inttypes.h>
#include <string.h>

#include "base/json.h"
#include "network/ask.h"
#include "network/names.h"
#include "network/results.h"
#include "network/write.h"

/* --- on a waiting thread ------------------------------------------------------------------------ */
enum status raise_read(struct link_call *c, uint64_t number, int64_t now_us, struct raise_look *look,
                       struct error *error)
{
    struct database *database = links_reader(c->links, error);
    bool found;

    if (database == NULL)
        return ERROR_STORAGE;
    database_snapshot_begin(database);
    found = row_write_read(database, number, &c->arena, &look->row);
    if (found)
        row_candidates_read(database, number, &c->arena, &look->candidates);
    look->urgent_us = found && look->row.has_sequence
                          ? row_write_urgent(database, look->row.link, look->row.sequence, now_us)
                          : 0;
    database_snapshot_end(database);
    TRY(links_reader_done(c->links, error));
    return found ? OK : error_set(error, ERROR_NETWORK_OPERATION_NOT_FOUND, "the write is no more");
}

static struct network_prepared prepared_of(const struct write_row *row)
{
    return (struct network_prepared){ .transaction = row->transaction, .label = row->label, .raw = row->raw,
                                      .has_sequence = row->has_sequence, .sequence = row->sequence,
                                      .asset = row->asset, .details = row->details };
}

static struct network_prepared candidate_prepared(const struct write_row *row,
                                                  const struct candidate *candidate)
{
    struct network_prepared prepared = prepared_of(row);

    prepared.transaction = candidate->transaction;
    prepared.raw = candidate->raw;
    prepared.details = candidate->details;
    return prepared;
}

/* Each has the time that one look may take. */
static void begin_question(struct link_call *c)
{
    link_call_again(c, 0, "", c->call.attempt,
                    network_operation_timeout_us(NETWORK_CHECK_TRANSACTION_STATUS));
}

static enum status status_of(struct link_call *c, const struct network_prepared *which,
                             struct network_status *status)
{
    *status = (struct network_status){ .state = TRANSACTION_UNKNOWN };
    return c->link->network->check_transaction_status(c->link->client, &c->call, which, status);
}

/* How much it says of the write that the network says this of one candidate. That one has failed without a
 * block, because its sequence was used, says something only when it is true of all. */
static int weight_of(const struct network_status *status)
{
    if (status->block != NULL || status->state == TRANSACTION_CONFIRMED)
        return 3;
    if (status->state == TRANSACTION_PENDING)
        return 2;
    return status->state == TRANSACTION_UNKNOWN ? 1 : 0;
}

enum status raise_status(struct link_call *c, const struct raise_look *look, struct network_status *status,
                         uint64_t *place)
{
    struct network_prepared which = prepared_of(&look->row);
    struct network_status found, best = { .state = TRANSACTION_UNKNOWN };
    uint64_t best_place = 0;

    *place = 0;
    if (look->candidates.count == 0)
        return status_of(c, &which, status);
    for (uint64_t i = look->candidates.count; i > 0; i--) { /* the newest first */
        which = candidate_prepared(&look->row, &look->candidates.items[i - 1]);
        begin_question(c);
        TRY(status_of(c, &which, &found));
        if (best_place == 0 || weight_of(&found) > weight_of(&best)) {
            best = found;
            best_place = i;
        }
    }
    *status = best;
    *place = best_place;
    return OK;
}

static struct network_prepared newest_of(const struct raise_look *look)
{
    size_t count = look->candidates.count;

    return count == 0 ? prepared_of(&look->row)
                      : candidate_prepared(&look->row, &look->candidates.items[count - 1]);
}

static bool may_be_raised(const struct link_call *c, const struct raise_look *look,
                          const struct network_status *status)
{
    return c->link->network->raise != NULL && look->row.has_sequence && look->row.raw.size > 0 &&
           look->row.transaction != NULL && !look->row.settled && status->block == NULL &&
           (status->state == TRANSACTION_PENDING || status->state == TRANSACTION_UNKNOWN);
}

/* Of a fee that cannot be raised whoever answers. What ails the server is told otherwise. */
static bool is_lasting(enum status status)
{
    return status == ERROR_NETWORK_FEE_LIMIT || status == ERROR_KEYSTORE_LOCKED ||
           status == ERROR_KEY_NOT_FOUND || status == ERROR_LIMIT;
}

static void write_raised(struct writer *w, const struct network_raised *raised)
{
    writer_key(w, "raised");
    writer_object_begin(w);
    result_prepared(w, &raised->prepared);
    result_text(w, "fee", raised->fee);
    result_text(w, "unit", raised->unit);
    writer_object_end(w);
}

static enum status sign_anew(struct link_call *c, const struct raise_look *look, int64_t now_us,
                             struct network_raised *raised)
{
    json_t *request AUTO_JSON = NULL;
    struct network_prepared newest = newest_of(look);
    struct network_raise what = { .newest = &newest, .waited_us = now_us - look->row.priced_us };
    size_t count = look->candidates.count;
    struct network_write write;
    struct ask ask;

    INVARIANT(json_parse(look->row.request, strlen(look->row.request), &request, NULL) == OK,
              "a request that is no JSON");
    ask_read(request, &c->arena, &ask);
    write = ask_as_write(&ask, look->row.kind);
    what.write = &write;
    what.too_cheap = count > 0 && look->candidates.items[count - 1].too_cheap;
    what.is_hurried = look->urgent_us > now_us;
    what.left_us = look->urgent_us - now_us;
    begin_question(c);
    TRY(c->link->network->raise(c->link->client, &c->call, &what, raised));
    if (!raised->made)
        return OK;
    if (count == CANDIDATES_MOST)
        return error_set(&c->call.error, ERROR_LIMIT, "it was signed %d times, each time at a higher fee",
                         CANDIDATES_MOST);
    INVARIANT(raised->prepared.has_sequence && raised->prepared.sequence == look->row.sequence &&
                  raised->prepared.transaction != NULL && raised->prepared.raw.size > 0,
              "a raised fee that changes more than the fee");
    return raised->prepared.raw.size <= ASK_RAW_MAX
               ? OK
               : error_set(&c->call.error, ERROR_LIMIT, "%zu bytes", raised->prepared.raw.size);
}

void raise_ask(struct link_call *c, const struct raise_look *look, const struct network_status *status,
               uint64_t place, int64_t now_us, struct writer *w)
{
    struct network_raised raised = { .made = false };
    enum status result;
    struct error error;

    if (place > 0)
        writer_member_unsigned(w, "place", place);
    writer_member_unsigned(w, "candidates", look->candidates.count);
    if (!may_be_raised(c, look, status))
        return;
    result = link_call_ended(c, sign_anew(c, look, now_us, &raised), &error);
    if (result == OK && raised.made)
        write_raised(w, &raised);
    else if (result == OK)
        writer_member_boolean(w, "fee_is_enough", true);
    else if (is_lasting(result))
        result_text(w, "not_raised", error.message);
}

/* --- in the executor ---------------------------------------------------------------------------- */
static const char *text_of(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

static void become(struct write_row *row, const struct candidate *candidate)
{
    row->transaction = candidate->transaction;
    row->raw = candidate->raw;
    row->details = candidate->details;
}

void raise_take(struct execution *x, struct write_row *row, const json_t *look, struct arena *arena)
{
    size_t place = (size_t)json_integer_value(json_object_get(look, "place"));
    struct candidates candidates;

    if (text_of(look, "block") == NULL)
        return;
    row->fee_reason = NULL;
    if (place == 0)
        return;
    row_candidates_read(execution_database(x), row->number, arena, &candidates);
    INVARIANT(place <= candidates.count, "a candidate that is no more");
    become(row, &candidates.items[place - 1]);
}

void raise_resend(struct execution *x, const struct link_row *link, struct write_row *row,
                  struct arena *arena)
{
    struct candidates candidates;

    if (write_is_being_sent(x, row->number))
        return;
    row_candidates_read(execution_database(x), row->number, arena, &candidates);
    if (candidates.count > 0) {
        become(row, &candidates.items[candidates.count - 1]);
        write_update(x, row);
    }
    write_send_one(x, link, row, 0);
}

static void keep_candidate(struct execution *x, const struct link_row *link, struct write_row *row,
                           const json_t *raised, const struct candidates *there, struct arena *arena)
{
    struct network_prepared prepared = result_prepared_of(raised, arena);
    const struct candidate first = { .transaction = row->transaction, .raw = row->raw,
                                     .details = row->details };
    const struct candidate *before = there->count == 0 ? &first : &there->items[there->count - 1];
    const struct candidate made = { .transaction = prepared.transaction, .raw = prepared.raw,
                                    .details = prepared.details };
    int64_t now_us = execution_time(x);
    uint64_t place = there->count == 0 ? 2 : there->count + 1;
    char id[2 * NETWORK_ID_SIZE + 1];

    if (there->count == 0) /* it was the write alone until now */
        row_candidate_insert(execution_database(x), row->number, 1, &first, row->priced_us, row->priced_us);
    row_candidate_insert(execution_database(x), row->number, place, &made, now_us, 0);
    become(row, &made);
    row->priced_us = now_us;
    row->fee_reason = NULL;
    write_update(x, row);
    hex_text(id, row->id.bytes, sizeof(row->id.bytes));
    event_network_fee_raised(x, &(struct event_network_fee_raised){
        .operation = id, .link = link->name, .network = link->network, .transaction = made.transaction,
        .replaces = before->transaction, .candidates = place, .fee = text_of(raised, "fee"),
        .unit = text_of(raised, "unit") });
    write_send_one(x, link, row, 0);
}

static void keep_reason(struct execution *x, const struct link_row *link, struct write_row *row,
                        const char *reason)
{
    bool is_news = row->fee_reason == NULL;
    char id[2 * NETWORK_ID_SIZE + 1];

    row->fee_reason = reason;
    write_update(x, row);
    hex_text(id, row->id.bytes, sizeof(row->id.bytes));
    if (is_news)
        event_network_fee_not_raised(x, &(struct event_network_fee_not_raised){
            .operation = id, .link = link->name, .network = link->network, .transaction = row->transaction,
            .reason = reason });
}

/* The newest was not taken, for another reason than its fee, or a crash or the link's rest came between. */
static bool is_newest_untaken(const struct candidates *candidates)
{
    const struct candidate *newest;

    if (candidates->count == 0)
        return false;
    newest = &candidates->items[candidates->count - 1];
    return !newest->is_taken && !newest->too_cheap;
}

void raise_settle(struct execution *x, const struct link_row *link, struct write_row *row, const json_t *look,
                  struct arena *arena)
{
    const json_t *raised = json_object_get(look, "raised");
    const char *reason = text_of(look, "not_raised");
    struct candidates candidates;

    if (row->settled || (row->stage != STAGE_SENT && row->stage != STAGE_PENDING) ||
        text_of(look, "block") != NULL || link->state == LINK_IDLE || write_is_being_sent(x, row->number))
        return;
    row_candidates_read(execution_database(x), row->number, arena, &candidates);
    if (candidates.count != (size_t)json_integer_value(json_object_get(look, "candidates")))
        return; /* the look is older than what is on record */
    if (raised != NULL)
        keep_candidate(x, link, row, raised, &candidates, arena);
    else if (reason != NULL)
        keep_reason(x, link, row, reason);
    else if (row->fee_reason != NULL && json_is_true(json_object_get(look, "fee_is_enough")))
        keep_reason(x, link, row, NULL);
    if (raised == NULL && is_newest_untaken(&candidates))
        raise_resend(x, link, row, arena);
}
