/* Sending writes: those with a sequence in it, several in one run, each after the former was taken; the
 * others each by itself. A run that follows one which was cut off, or whose outcome was ambiguous, looks
 * for the transaction first, and sends the same bytes again only when the network knows nothing of it. */
#include <inttypes.h>
#include <string.h>

#include "base/json.h"
#include "network/effects.h"
#include "network/health.h"
#include "network/candidate_rows.h"
#include "network/names.h"
#include "network/results.h"
#include "network/write.h"

/* What came of one. Untouched: the run did not come to it. */
/* Superseded: another transaction has its sequence, and it can never come. */
enum verdict {
    VERDICT_ACCEPTED, VERDICT_REJECTED, VERDICT_AMBIGUOUS, VERDICT_LATER, VERDICT_LOST, VERDICT_SUPERSEDED,
    VERDICTS
};
static const char *const verdict_names[VERDICTS] = { "accepted", "rejected", "ambiguous", "later", "lost",
                                                     "superseded" };

/* --- on a waiting thread ------------------------------------------------------------------------ */
struct sending {
    struct write_row row;
    struct network_prepared prepared;
    struct network_sent sent;
    enum status status;
    struct error error;
};

static enum status read_row(struct link_call *c, uint64_t number, struct write_row *row, bool *found,
                            struct error *error)
{
    struct database *database = links_reader(c->links, error);

    if (database == NULL)
        return ERROR_STORAGE;
    *found = row_write_read(database, number, &c->arena, row);
    return links_reader_done(c->links, error);
}

/* OK: *known says whether the network has it; *superseded, that it will never have it. */
static enum status look_for(struct link_call *c, struct sending *s, bool *known, bool *superseded)
{
    struct network_status status = { .state = TRANSACTION_UNKNOWN };

    s->status = link_call_ended(
        c, c->link->network->check_transaction_status(c->link->client, &c->call, &s->prepared, &status),
        &s->error);
    *superseded = s->status == OK && s->row.has_sequence && status.state == TRANSACTION_FAILED &&
                  status.block == NULL;
    *known = s->status == OK && status.state != TRANSACTION_UNKNOWN && !*superseded;
    if (*superseded)
        s->sent.reason = status.reason;
    return s->status == ERROR_NETWORK_NOT_FOUND ? OK : s->status;
}

static bool can_be_found(const struct link_call *c, const struct sending *s)
{
    return c->link->network->check_transaction_status != NULL &&
           (s->prepared.transaction != NULL || s->prepared.label != NULL);
}

static enum verdict send_now(struct link_call *c, struct sending *s, bool checked)
{
    s->status = link_call_ended(c, c->link->network->send(c->link->client, &c->call, &s->prepared, &s->sent),
                                &s->error);
    if (s->status == OK)
        return s->sent.outcome == SEND_ACCEPTED   ? VERDICT_ACCEPTED
               : s->sent.outcome == SEND_REJECTED ? VERDICT_REJECTED
                                                  : VERDICT_AMBIGUOUS;
    s->sent = (struct network_sent){ .reason = s->error.message };
    if (write_error_of(s->status) == WRITE_ERROR_REFUSED)
        return VERDICT_REJECTED;
    return write_error_of(s->status) == WRITE_ERROR_NOT_NOW && !checked ? VERDICT_LATER : VERDICT_AMBIGUOUS;
}

static enum verdict send_row(struct link_call *c, struct sending *s, bool check)
{
    bool known = false, superseded = false;

    s->prepared = (struct network_prepared){
        .transaction = s->row.transaction, .label = s->row.label, .raw = s->row.raw,
        .has_sequence = s->row.has_sequence, .sequence = s->row.sequence, .asset = s->row.asset,
        .details = s->row.details };
    if (check && !can_be_found(c, s)) {
        s->sent.reason = "it may have been sent, and there is nothing to find it by";
        return VERDICT_LOST;
    }
    if (check && look_for(c, s, &known, &superseded) != OK) {
        s->sent.reason = s->error.message;
        return VERDICT_AMBIGUOUS;
    }
    if (superseded)
        return VERDICT_SUPERSEDED;
    return known ? VERDICT_ACCEPTED : send_now(c, s, check);
}

static void write_outcome(struct writer *w, const struct sending *s, enum verdict verdict)
{
    writer_object_begin(w);
    writer_member_unsigned(w, "number", s->row.number);
    writer_member_text(w, "verdict", verdict_names[verdict]);
    writer_member_integer(w, "code", s->status);
    result_text(w, "transaction", s->sent.transaction);
    result_text(w, "asset", s->sent.asset);
    result_text(w, "reason", s->sent.reason);
    result_text(w, "sent", s->row.transaction);
    if (s->sent.too_cheap)
        writer_member_boolean(w, "too_cheap", true);
    result_details(w, s->sent.details);
    writer_object_end(w);
}

/* False: nothing behind it may be sent now. */
static bool send_and_write(struct link_call *c, const json_t *asked, const struct effect_run *run,
                           struct writer *w)
{
    uint64_t number = (uint64_t)json_integer_value(json_object_get(asked, "number"));
    struct sending *s = arena_new(&c->arena, sizeof(*s));
    char id[2 * NETWORK_ID_SIZE + 1];
    enum verdict verdict;
    bool found;

    if (read_row(c, number, &s->row, &found, &s->error) != OK || !found || s->row.settled)
        return false;
    hex_text(id, s->row.id.bytes, sizeof(s->row.id.bytes));
    link_call_again(c, number, id, (unsigned)s->row.sends + 1, s->row.timeout_us);
    verdict = send_row(c, s, run->attempt > 1 || json_is_true(json_object_get(asked, "check")));
    write_outcome(w, s, verdict);
    return verdict == VERDICT_ACCEPTED || (verdict == VERDICT_REJECTED && run->attempt > 1);
}

static void send_all(struct link_call *c, const json_t *request, const struct effect_run *run,
                     struct writer *w)
{
    const json_t *asked;
    size_t index;

    json_array_foreach(json_object_get(request, "writes"), index, asked) {
        if (index > 0 && kernel_stopping(run->kernel))
            return;
        if (!send_and_write(c, asked, run, w))
            return;
    }
}

/* Of one that came to nothing before anything was sent. */
static enum status answer_failure(struct writer *w, enum status status, const struct error *error)
{
    if (status == ERROR_STOPPING)
        return status;
    writer_array_end(w);
    writer_member_integer(w, "code", status);
    result_text(w, "message", error->message);
    writer_object_end(w);
    return OK;
}

enum status network_send_run(struct effect_run *run)
{
    struct link_call c CLEANUP(link_call_close) = { .links = NULL };
    json_t *request AUTO_JSON = NULL;
    enum status status;
    struct writer w;

    INVARIANT(json_parse(run->request, strlen(run->request), &request, NULL) == OK,
              "a request that is no JSON");
    writer_init(&w, &run->result);
    writer_object_begin(&w);
    writer_member_unsigned(&w, "attempt", run->attempt);
    writer_key(&w, "outcomes");
    writer_array_begin(&w);
    status = link_call_open(&c, run->kernel, (uint64_t)json_integer_value(json_object_get(request, "link")),
                            0,
                            "", run->attempt, network_operation_timeout_us(NETWORK_CONNECT), &run->error);
    if (status == OK)
        status = link_call_verify(&c, &run->error);
    if (status != OK)
        return answer_failure(&w, status, &run->error);
    send_all(&c, request, run, &w);
    writer_array_end(&w);
    writer_object_end(&w);
    return OK;
}

/* --- in the executor ---------------------------------------------------------------------------- */
static const char *text_of(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

/* Otherwise it was taken before, and forgotten. */
static bool is_first_send(const struct write_row *row)
{
    return row->stage == STAGE_SENDING || row->stage == STAGE_AMBIGUOUS;
}

/* One run, being settled. */
struct settling {
    struct execution *x;
    struct link_row link;
    struct arena arena;
    bool first_attempt; /* what the run did not come to, nobody has seen */
    bool gap;           /* a sequence came to nothing: the lowest */
    uint64_t gap_at;
    enum status code;   /* why the run sent nothing; OK: it did */
    const char *message;
};

static void end_done(struct settling *t, const struct write_row *row)
{
    struct buffer result CLEANUP(buffer_close) = { 0 };
    struct operation_row operation;
    struct writer w;

    if (!row_operation_read(execution_database(t->x), row->number, &t->arena, &operation) ||
        strcmp(operation.state, "queued") != 0)
        return;
    writer_init(&w, &result);
    writer_object_begin(&w);
    if (row->transaction != NULL)
        writer_member_text(&w, "transaction", row->transaction);
    if (row->label != NULL)
        writer_member_text(&w, "label", row->label);
    if (row->asset != NULL)
        writer_member_text(&w, "asset", row->asset);
    if (row->has_sequence)
        writer_member_unsigned(&w, "sequence", row->sequence);
    if (row->details != NULL)
        writer_member_raw(&w, "details", row->details, strlen(row->details));
    writer_object_end(&w);
    operation_end(t->x, &operation, t->link.name, buffer_bytes(&result), NULL);
}

static void record_submitted(struct settling *t, const struct write_row *row, bool resent)
{
    char id[2 * NETWORK_ID_SIZE + 1];

    hex_text(id, row->id.bytes, sizeof(row->id.bytes));
    event_network_transaction_submitted(t->x, &(struct event_network_transaction_submitted){
        .operation = id, .link = t->link.name, .network = t->link.network, .kind = write_kind_name(row->kind),
        .transaction = row->transaction, .resent = resent });
}

static void take_details(struct settling *t, struct write_row *row, const json_t *outcome)
{
    const char *details = result_details_of(outcome, &t->arena);

    if (details != NULL)
        row->details = details;
}

static void settle_accepted(struct settling *t, struct write_row *row, const json_t *outcome)
{
    const char *sent = text_of(outcome, "sent");
    bool first = is_first_send(row), resent = !first;

    if (row->transaction == NULL)
        row->transaction = text_of(outcome, "transaction");
    if (row->asset == NULL)
        row->asset = text_of(outcome, "asset");
    take_details(t, row, outcome);
    row->sent_us = execution_time(t->x);
    row->retries = 0;
    row->reason = NULL;
    if (first) {
        row->stage = STAGE_SENT;
        row->priced_us = row->sent_us;
    } else if (sent != NULL && row_candidate_taken(execution_database(t->x), row->number, sent,
                                                   row->sent_us)) {
        resent = false; /* at its new fee the network had not seen it before */
    }
    write_update(t->x, row);
    end_done(t, row);
    record_submitted(t, row, resent);
    if (first)
        write_track(t->x, &t->link, row, t->link.poll_us);
}

/* Nobody will use its sequence: what is prepared behind it, or being prepared, is of no use. */
static void leave_gap(struct settling *t, const struct write_row *row)
{
    if (!row->has_sequence)
        return;
    if (!t->gap)
        t->gap_at = row->sequence;
    t->gap = true;
    row_link_gap(execution_database(t->x), row->link);
}

static void settle_rejected(struct settling *t, struct write_row *row, const json_t *outcome)
{
    enum status code = (enum status)json_integer_value(json_object_get(outcome, "code"));
    const char *reason = text_of(outcome, "reason");

    write_fail(t->x, row, &t->link, STAGE_REJECTED, code == OK ? ERROR_NETWORK_REJECTED : code,
               reason == NULL ? "the network gave no reason" : reason);
    leave_gap(t, row);
}

/* Back to before, to be tried again after a while: `seen` when the network may have it. */
static void settle_again(struct settling *t, struct write_row *row, bool seen, enum status code,
                         const char *reason)
{
    row->stage = seen ? STAGE_AMBIGUOUS : STAGE_PREPARED;
    row->retries++;
    row->reason = reason;
    write_update(t->x, row);
    if (code != OK)
        health_suspect(t->x, row->link, code, reason == NULL ? status_meaning(code) : reason);
    if (!row->has_sequence)
        write_send_one(t->x, &t->link, row, write_retry_delay(row->retries));
}

/* Of those that the run did not come to: nobody has seen them, unless an earlier attempt was cut off. */
static void settle_untouched(struct settling *t, struct write_row *row)
{
    if (row->stage != STAGE_SENDING)
        return;
    row->stage = t->first_attempt ? STAGE_PREPARED : STAGE_AMBIGUOUS;
    write_update(t->x, row);
    if (!row->has_sequence)
        write_send_one(t->x, &t->link, row, 0);
}

static void settle(struct settling *t, struct write_row *row, bool check, const json_t *outcome)
{
    const char *name = text_of(outcome, "verdict"), *reason = text_of(outcome, "reason");
    enum status code = (enum status)json_integer_value(json_object_get(outcome, "code"));
    enum verdict verdict = VERDICT_ACCEPTED;

    while (verdict < VERDICTS && strcmp(verdict_names[verdict], name) != 0)
        verdict++;
    row->sends++;
    if (!is_first_send(row)) { /* what is not taken once more is followed on */
        if (verdict == VERDICT_ACCEPTED)
            settle_accepted(t, row, outcome);
        else if (verdict == VERDICT_REJECTED && text_of(outcome, "sent") != NULL)
            row_candidate_refused(execution_database(t->x), row->number, text_of(outcome, "sent"), reason,
                                  json_is_true(json_object_get(outcome, "too_cheap")));
        return;
    }
    switch (verdict) {
    case VERDICT_ACCEPTED:
        settle_accepted(t, row, outcome);
        return;
    case VERDICT_REJECTED:
    case VERDICT_SUPERSEDED:
        settle_rejected(t, row, outcome);
        return;
    case VERDICT_AMBIGUOUS:
    case VERDICT_LATER:
        settle_again(t, row, verdict == VERDICT_AMBIGUOUS || check, code, reason);
        return;
    case VERDICT_LOST:
        write_fail(t->x, row, &t->link, STAGE_DROPPED, ERROR_NETWORK_AMBIGUOUS, reason);
        leave_gap(t, row);
        return;
    case VERDICTS:
        break;
    }
    INVARIANT(false, "a verdict '%s'", name);
}

static const json_t *outcome_of(const json_t *outcomes, uint64_t number)
{
    const json_t *outcome;
    size_t index;

    json_array_foreach(outcomes, index, outcome)
        if ((uint64_t)json_integer_value(json_object_get(outcome, "number")) == number)
            return outcome;
    return NULL;
}

static void settle_run(struct settling *t, const json_t *asked, const json_t *outcomes)
{
    const json_t *each, *outcome;
    struct write_row row;
    size_t index;

    json_array_foreach(asked, index, each) {
        uint64_t number = (uint64_t)json_integer_value(json_object_get(each, "number"));
        bool check = !t->first_attempt || json_is_true(json_object_get(each, "check"));

        if (!row_write_read(execution_database(t->x), number, &t->arena, &row) || row.settled)
            continue; /* abandoned meanwhile */
        outcome = outcome_of(outcomes, number);
        if (outcome != NULL)
            settle(t, &row, check, outcome);
        else if (t->code != OK && index == 0 && is_first_send(&row))
            settle_again(t, &row, check, t->code, t->message);
        else if (check && is_first_send(&row))
            settle_again(t, &row, true, OK, row.reason);
        else
            settle_untouched(t, &row);
    }
}

void network_send_ended(struct execution *x, uint64_t id, const char *key, const char *request,
                        enum status outcome, const char *result)
{
    struct settling t = { .x = x };
    json_t *asked AUTO_JSON = NULL;
    json_t *told AUTO_JSON = NULL;

    (void)id, (void)key;
    INVARIANT(json_parse(request, strlen(request), &asked, NULL) == OK &&
                  json_parse(result, strlen(result), &told, NULL) == OK, "JSON of our own that is none");
    arena_init(&t.arena);
    if (row_link_read(execution_database(x), (uint64_t)json_integer_value(json_object_get(asked, "link")),
                      &t.arena, &t.link)) {
        t.first_attempt = outcome == OK && json_integer_value(json_object_get(told, "attempt")) == 1;
        t.code = (enum status)json_integer_value(json_object_get(told, "code"));
        t.message = text_of(told, "message");
        settle_run(&t, json_object_get(asked, "writes"), json_object_get(told, "outcomes"));
        if (t.gap) /* behind it as they are now, those that this run did not come to among them */
            row_write_requeue(execution_database(x), t.link.id, t.gap_at);
        write_send_next(x, &t.link);
        write_prepare_next(x, &t.link);
    }
    arena_close(&t.arena);
}
