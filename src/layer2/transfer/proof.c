/* Proofs of settled transfers: see proof.h. */
#include "layer2/transfer/proof.h"

#include <inttypes.h>
#include <string.h>

#include "base/json.h"
#include "kernel/kernel.h"
#include "layer2/transfer/bundle.h"
#include "layer2/transfer/leg.h"
#include "layer2/transfer/network_proof_rows.h"
#include "store/event_log.h"

const struct param transfer_proof_params[1] = {
    PARAM(struct proof_params, transfer, HASH, REQUIRED, "its id"),
};

static const struct param block_params[] = {
    { .name = "hash", .type = PARAM_HASH, .required = REQUIRED, .help = "of a block of an EVM chain" },
};

const struct param transfer_verify_params[3] = {
    PARAM(struct verify_params, proof, TEXT, REQUIRED, "the bundle's text", .most = BUNDLE_SIZE_MAX),
    PARAM(struct verify_params, verifier, TEXT, OPTIONAL, "the log's key, if it is to be that one",
          .most = 500),
    PARAM(struct verify_params, blocks, LIST, OPTIONAL,
          "blocks of EVM chains that you trust: those of the bundle are to be among them",
          .items = block_params, .item_params = COUNT_OF(block_params), .item_size = sizeof(struct hash),
          .most = 64),
};

/* --- which events ---------------------------------------------------------------------------------- */
struct chosen {
    size_t count;
    uint64_t seqs[BUNDLE_EVENTS_MAX];
};

static void choose(struct chosen *chosen, uint64_t seq)
{
    size_t at = chosen->count;

    INVARIANT(chosen->count < BUNDLE_EVENTS_MAX, "a transfer of too many events");
    while (at > 0 && chosen->seqs[at - 1] > seq) {
        chosen->seqs[at] = chosen->seqs[at - 1];
        at--;
    }
    chosen->seqs[at] = seq;
    chosen->count++;
}

/* The events of that subject and type, the newest `most` of them. */
static void choose_by_type(struct query *q, struct chosen *chosen, const char *subject, const char *type,
                           const char *part, size_t most)
{
    struct statement *s = statement(q->database,
        "SELECT seq FROM v_subject_event WHERE subject = ? AND type = ? AND instr(body, ?) > 0"
        " ORDER BY seq DESC LIMIT ?");

    bind_text(s, subject);
    bind_text(s, type);
    bind_text(s, part);
    bind_integer(s, (int64_t)most);
    while (statement_row(s))
        choose(chosen, (uint64_t)column_integer(s, "seq"));
}

static void choose_leg(struct query *q, struct chosen *chosen, const struct leg *leg)
{
    char subject[REFERENCE_MAX + 16];

    if (strcmp(leg->place, "base") == 0) {
        snprintf(subject, sizeof(subject), "escrow/%s", leg->reference);
        choose_by_type(q, chosen, subject, "ledger.escrow_locked", "{", 1);
        choose_by_type(q, chosen, subject, "ledger.escrow_claimed", "{", 1);
        return;
    }
    if (leg_kind_known(leg) == &lightning_leg)
        return; /* the invoice stands in the terms, the preimage in the steps */
    if (leg_kind_known(leg)->prove != NULL)
        return; /* choose_networks */
    snprintf(subject, sizeof(subject), "payment/%s", leg->reference);
    if (leg->side == SIDE_DESTINATION) {
        choose_by_type(q, chosen, subject, "payment.settled", "{", 1);
        return;
    }
    choose_by_type(q, chosen, subject, "invoice.changed", "\"accepted\"", 1);
    choose_by_type(q, chosen, subject, "invoice.changed", "\"settled\"", 1);
}

static void choose_steps(struct query *q, struct chosen *chosen, const struct transfer *t)
{
    static const char *const steps[] = { "transfer.initiated", "transfer.source_locked",
                                         "transfer.destination_locked", "transfer.claimed",
                                         "transfer.settled" };
    char id[2 * sizeof(t->id.bytes) + 1], subject[sizeof(id) + 16];

    hex_text(id, t->id.bytes, sizeof(t->id.bytes));
    snprintf(subject, sizeof(subject), "transfer/%s", id);
    for (size_t i = 0; i < COUNT_OF(steps); i++)
        choose_by_type(q, chosen, subject, steps[i], "{", 1);
    for (size_t i = 0; i < SIDES; i++)
        choose_leg(q, chosen, &t->legs[i]);
}

/* --- what the networks prove ------------------------------------------------------------------------- */
/* The proofs of one leg, and the events that name them. */
static enum status choose_network(struct query *q, struct chosen *chosen, const struct transfer *t,
                                  enum side side, json_t *proofs)
{
    for (size_t i = 0; i < BUNDLE_STEPS; i++) {
        struct network_proof proof CLEANUP(network_proof_close) = { .state = PROVING_ASKED };
        struct proof_key key = { t->id, side, (enum bundle_step)i };
        bool known = network_proof_read(q->database, &key, &proof);
        json_t *json;

        if (known && proof.state == PROVING_GIVEN_UP && i == BUNDLE_CONTRACT)
            continue; /* the bundle does without, and its verdict says so */
        if (!known || proof.state != PROVING_HERE)
            return query_fail(q, ERROR_TRANSFER_NOT_PROVED, "the %s at '%s' is %s%s%.200s",
                              bundle_step_name(key.step), t->legs[side].place,
                              known && proof.state == PROVING_ASKED
                                  ? "not proved yet"
                                  : "not proved; 'transfer.prove' asks for it again",
                              proof.reason[0] == '\0' ? "" : ": ", proof.reason);
        TRY(json_parse(buffer_text(&proof.text), proof.text.size, &json, &q->error));
        json_object_set_new(proofs, bundle_step_name(key.step), json);
        choose(chosen, proof.seq);
    }
    return OK;
}

static enum status choose_networks(struct query *q, struct chosen *chosen, const struct transfer *t,
                                   json_t *networks)
{
    for (size_t i = 0; i < SIDES; i++) {
        json_t *proofs;

        if (leg_kind_known(&t->legs[i])->prove == NULL)
            continue;
        proofs = json_object();
        json_object_set_new(networks, side_name((enum side)i), proofs);
        TRY(choose_network(q, chosen, t, (enum side)i, proofs));
    }
    return OK;
}

/* --- the text ---------------------------------------------------------------------------------------- */
static json_t *hex_of(const struct hash *hash)
{
    char hex[2 * sizeof(hash->bytes) + 1];

    hex_text(hex, hash->bytes, sizeof(hash->bytes));
    return json_string(hex);
}

static json_t *row_of(struct query *q, uint64_t seq)
{
    struct statement *s = statement(q->database,
        "SELECT e.block, e.time_us, e.type, e.subject, e.body, e.last, p.hash AS previous"
        "  FROM event AS e JOIN event AS p ON p.seq = e.seq - 1 WHERE e.seq = ?");
    struct hash previous;
    struct bytes body;
    json_t *json;

    bind_integer(s, (int64_t)seq);
    INVARIANT(statement_row(s), "an event that is not there");
    column_fixed(s, "previous", previous.bytes, sizeof(previous.bytes));
    body = column_text_sized(s, "body");
    json = json_pack("{s:I, s:I, s:s, s:s, s:o, s:b, s:o, s:I}", "block",
                     (json_int_t)column_integer(s, "block"), "time_us",
                     (json_int_t)column_integer(s, "time_us"), "type", column_text(s, "type"), "subject",
                     column_text(s, "subject"), "body", json_stringn((const char *)body.data, body.size),
                     "last", (int)column_integer(s, "last"), "previous", hex_of(&previous), "seq",
                     (json_int_t)seq);
    statement_finish(s);
    return json;
}

static enum status event_of(struct query *q, uint64_t seq, uint64_t size, json_t *events)
{
    struct merkle_proof proof;
    struct hash leaf, root;
    json_t *hashes, *json;

    TRY(log_inclusion(q->database, seq, size, &leaf, &proof, &root, &q->error));
    json = row_of(q, seq);
    hashes = json_array();
    for (size_t i = 0; i < proof.count; i++)
        json_array_append_new(hashes, hex_of(&proof.hashes[i]));
    json_object_set_new(json, "proof", hashes);
    json_array_append_new(events, json);
    return OK;
}

static enum status write_bundle(struct query *q, const struct transfer *t, const struct chosen *chosen,
                                json_t *networks, struct buffer *out)
{
    bool has_networks = json_object_size(networks) > 0;
    struct buffer note CLEANUP(buffer_close) = { 0 };
    struct buffer key CLEANUP(buffer_close) = { 0 };
    json_t *events AUTO_JSON = json_array();
    json_t *bundle AUTO_JSON = NULL;
    uint64_t covered;

    TRY(log_checkpoint(q->database, chosen->seqs[chosen->count - 1], &covered, &note, &q->error));
    note_key_text(kernel_note_key(q->kernel), &key);
    for (size_t i = 0; i < chosen->count; i++)
        TRY(event_of(q, chosen->seqs[i], covered, events));
    bundle = json_pack("{s:s, s:O, s:s, s:o, s:o, s:s}", "checkpoint", buffer_text(&note), "events", events,
                       "format", has_networks ? BUNDLE_FORMAT_NETWORKS : BUNDLE_FORMAT, "preimage",
                       hex_of(&t->preimage), "transfer", hex_of(&t->id), "verifier", buffer_text(&key));
    if (has_networks)
        json_object_set(bundle, "networks", networks);
    return json_canonical(bundle, out, &q->error);
}

enum status transfer_proof(struct query *q, const void *params, struct writer *w)
{
    const struct proof_params *p = params;
    struct buffer text CLEANUP(buffer_close) = { 0 };
    struct transfer *t = memory_new(sizeof(*t));
    struct chosen chosen = { .count = 0 };
    json_t *networks AUTO_JSON = json_object();
    enum status status = OK;

    if (!transfer_read(q->database, &p->transfer, t))
        status = query_fail(q, ERROR_TRANSFER_NOT_FOUND, "there is no such transfer");
    else if (t->state != TRANSFER_SETTLED)
        status = query_fail(q, ERROR_TRANSFER_NOT_SETTLED, "the transfer is %s",
                            transfer_state_name(t->state));
    if (status == OK)
        status = choose_networks(q, &chosen, t, networks);
    if (status == OK) {
        choose_steps(q, &chosen, t);
        status = write_bundle(q, t, &chosen, networks, &text);
    }
    if (status == OK)
        writer_raw(w, text.data, text.size);
    memory_free_pointer(&t);
    return status;
}

/* --- judging ------------------------------------------------------------------------------------------ */
enum status transfer_verify_proof(struct query *q, const void *params, struct writer *w)
{
    const struct verify_params *p = params;
    struct bundle_report *r = memory_new(sizeof(*r));
    struct bundle_trust trust = { p->verifier, p->blocks.items, p->blocks.count };
    enum status status = bundle_verify(p->proof, strlen(p->proof), &trust, r, &q->error);

    if (status == OK)
        bundle_report_write(r, w);
    memory_free_pointer(&r);
    return status;
}
