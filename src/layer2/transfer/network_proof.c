/* Proofs by the networks of a transfer's legs: see network_proof.h. */
#include "layer2/transfer/network_proof.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "crypto/hash.h"
#include "layer2/transfer/engine.h"
#include "layer2/transfer/leg.h"

#define AGAIN_US MICROSECONDS_PER_SECOND
#define AGAIN_MOST_US (600 * MICROSECONDS_PER_SECOND)
#define TRIES_MOST 400         /* for about three days */
#define TRIES_MOST_CONTRACT 10 /* for a quarter of an hour: servers keep states for as long at most */
#define WHAT_MAX 32

const struct param transfer_prove_params[2] = {
    PARAM(struct prove_params, transfer, HASH, REQUIRED, "its id"),
    PARAM(struct prove_params, again, BOOLEAN, OPTIONAL,
          "for those of locks and claims that are here as well: a server may have lied, or its block be no "
          "more; what it proves now takes their place"),
};

static uint64_t tries_most(enum bundle_step step)
{
    return step == BUNDLE_CONTRACT ? TRIES_MOST_CONTRACT : TRIES_MOST;
}

/* --- asking ---------------------------------------------------------------------------------------- */
/* `again`: what is here stays until another comes. */
static void request(struct execution *x, const struct proof_key *key, bool again, int64_t delay_us)
{
    char id[2 * sizeof(key->transfer.bytes) + 1], name[sizeof(id) + WHAT_MAX], text[sizeof(id) + 96];

    hex_text(id, key->transfer.bytes, sizeof(key->transfer.bytes));
    snprintf(name, sizeof(name), "%s/%s/%s", id, side_name(key->side), bundle_step_name(key->step));
    snprintf(text, sizeof(text), "{\"transfer\":\"%s\",\"what\":\"%s/%s\"%s}", id, side_name(key->side),
             bundle_step_name(key->step), again ? ",\"again\":true" : "");
    if (delay_us == 0)
        (void)effect_cancel(x, TRANSFER_PROVE, name); /* one that waits for its time */
    (void)effect_request_later(x, TRANSFER_PROVE, name, text, delay_us);
}

/* True when it is asked for now: the leg's network proves such things, and it is not here, or is wanted
 * again. A contract's proof goes with the claim's, for it is of the same block. */
static bool ask(struct execution *x, const struct transfer *t, enum side side, enum bundle_step step,
                bool again)
{
    struct network_proof proof CLEANUP(network_proof_close) = { .state = PROVING_ASKED };
    struct proof_key key = { t->id, side, step };

    if (leg_kind_known(&t->legs[side])->prove == NULL)
        return false;
    if (!network_proof_read(execution_database(x), &key, &proof) || proof.state != PROVING_HERE) {
        network_proof_ask_row(execution_database(x), &key);
        request(x, &key, false, 0);
        return true;
    }
    if (!again || step == BUNDLE_CONTRACT)
        return false;
    network_proof_set_reason(execution_database(x), &key, PROVING_HERE, 0, "");
    request(x, &key, true, 0);
    return true;
}

void network_proof_follow(struct execution *x, const struct transfer *t)
{
    enum side claimed = t->state == TRANSFER_CLAIMED ? SIDE_DESTINATION : SIDE_SOURCE;

    if (t->state == TRANSFER_SOURCE_LOCKED) {
        (void)ask(x, t, SIDE_SOURCE, BUNDLE_LOCK, false);
    } else if (t->state == TRANSFER_DESTINATION_LOCKED) {
        (void)ask(x, t, SIDE_DESTINATION, BUNDLE_LOCK, false);
    } else if (t->state == TRANSFER_CLAIMED || t->state == TRANSFER_SETTLED) {
        (void)ask(x, t, claimed, BUNDLE_CLAIM, false);
        (void)ask(x, t, claimed, BUNDLE_CONTRACT, false);
    }
}

enum status transfer_prove(struct execution *x, const void *params, struct writer *result)
{
    const struct prove_params *p = params;
    struct transfer *t = memory_new(sizeof(*t));
    bool found = transfer_read(execution_database(x), &p->transfer, t);
    enum transfer_state state = t->state;
    uint64_t asked = 0;

    for (size_t side = 0; found && state == TRANSFER_SETTLED && side < SIDES; side++)
        for (size_t step = 0; step < BUNDLE_STEPS; step++)
            asked += ask(x, t, (enum side)side, (enum bundle_step)step, p->again) ? 1 : 0;
    memory_free_pointer(&t);
    if (!found)
        return fail(x, ERROR_TRANSFER_NOT_FOUND, "there is no such transfer");
    if (state != TRANSFER_SETTLED)
        return fail(x, ERROR_TRANSFER_NOT_SETTLED, "the transfer is %s", transfer_state_name(state));
    writer_object_begin(result);
    writer_member_unsigned(result, "asked", asked);
    writer_object_end(result);
    return OK;
}

/* --- on a thread that may wait --------------------------------------------------------------------- */
static bool read_what(const char *what, enum side *side, enum bundle_step *step)
{
    char name[WHAT_MAX];

    for (size_t i = 0; i < SIDES; i++) {
        for (size_t k = 0; k < BUNDLE_STEPS; k++) {
            snprintf(name, sizeof(name), "%s/%s", side_name((enum side)i),
                     bundle_step_name((enum bundle_step)k));
            if (strcmp(name, what) != 0)
                continue;
            *side = (enum side)i;
            *step = (enum bundle_step)k;
            return true;
        }
    }
    return false;
}

static enum status prove_now(struct effect_run *run, struct leg_work *work, struct transfer *t,
                             const char *what)
{
    struct leg_proof proof;
    enum bundle_step step;
    enum side side;
    struct writer w;

    if (!read_what(what, &side, &step))
        return error_set(&work->error, ERROR_INTERNAL, "no proof of '%s'", what);
    work->leg = &t->legs[side];
    TRY(leg_kind_known(work->leg)->prove(work, step, &proof));
    if (strlen(proof.text) > BUNDLE_NETWORK_PROOF_MAX)
        return error_set(&work->error, ERROR_LIMIT, "the proof has %zu bytes, %d is the most",
                         strlen(proof.text), BUNDLE_NETWORK_PROOF_MAX);
    writer_init(&w, &run->result);
    writer_object_begin(&w);
    writer_member_text(&w, "proof", proof.text);
    writer_member_unsigned(&w, "chain_id", proof.chain_id);
    writer_member_unsigned(&w, "number", proof.number);
    writer_member_hex(&w, "block", proof.block.bytes, sizeof(proof.block.bytes));
    writer_object_end(&w);
    return OK;
}

enum status network_proof_run(struct effect_run *run)
{
    return engine_run_with_rows(run, prove_now, true);
}

/* --- in the executor again ------------------------------------------------------------------------- */
static void keep(struct execution *x, const struct transfer *t, const struct proof_key *key,
                 const json_t *result)
{
    const char *text = json_string_value(json_object_get(result, "proof"));
    const char *block = json_string_value(json_object_get(result, "block"));
    struct event_transfer_proved e = { .transfer = key->transfer, .side = side_name(key->side),
                                       .step = bundle_step_name(key->step),
                                       .place = t->legs[key->side].place };

    INVARIANT(text != NULL && block != NULL &&
              hex_decode(e.block.bytes, sizeof(e.block.bytes), block, strlen(block)),
              "a proof that came as none");
    e.chain_id = (uint64_t)json_integer_value(json_object_get(result, "chain_id"));
    e.number = (uint64_t)json_integer_value(json_object_get(result, "number"));
    sha256(&e.proof, text, strlen(text));
    network_proof_set_text(execution_database(x), key, text, execution_next_seq(x));
    event_transfer_proved(x, &e);
}

/* Another claim than the one on record: what was proved of the contract is of that one's block. */
static void replace(struct execution *x, const struct transfer *t, const struct proof_key *key,
                    struct network_proof *before, const json_t *result)
{
    const char *text = json_string_value(json_object_get(result, "proof"));
    struct proof_key contract = { key->transfer, key->side, BUNDLE_CONTRACT };

    if (text != NULL && strcmp(text, buffer_text(&before->text)) == 0) {
        network_proof_set_reason(execution_database(x), key, PROVING_HERE, 0, "");
        return;
    }
    keep(x, t, key, result);
    if (key->step != BUNDLE_CLAIM)
        return;
    network_proof_forget(execution_database(x), &contract);
    request(x, &contract, false, 0);
}

static void try_again(struct execution *x, const struct proof_key *key, bool is_here, uint64_t tries,
                      enum status outcome, const json_t *result)
{
    enum proving given_up = is_here ? PROVING_HERE : PROVING_GIVEN_UP;
    enum proving asked = is_here ? PROVING_HERE : PROVING_ASKED;
    const char *message = json_string_value(json_object_get(result, "message"));
    bool never = outcome == ERROR_NETWORK_NOT_SUPPORTED || outcome == ERROR_LIMIT ||
                 tries >= tries_most(key->step);
    int64_t delay_us = AGAIN_US;
    char reason[REASON_MAX];
    size_t size;

    snprintf(reason, sizeof(reason), "%s", message == NULL ? "" : message);
    size = utf8_valid_prefix(reason, strlen(reason));
    reason[size] = '\0';
    network_proof_set_reason(execution_database(x), key, never ? given_up : asked, tries, reason);
    for (uint64_t i = 1; i < tries && delay_us < AGAIN_MOST_US; i++)
        delay_us *= 2;
    if (!never)
        request(x, key, is_here, delay_us < AGAIN_MOST_US ? delay_us : AGAIN_MOST_US);
}

static bool is_wanted(const struct network_proof *row, const json_t *asked)
{
    return row->state == PROVING_ASKED ||
           (row->state == PROVING_HERE && json_is_true(json_object_get(asked, "again")));
}

void network_proof_ended(struct execution *x, uint64_t id, const char *name, const char *request_text,
                         enum status outcome, const char *result_text)
{
    struct network_proof row CLEANUP(network_proof_close) = { .state = PROVING_ASKED };
    struct transfer *t = memory_new(sizeof(*t));
    json_t *result AUTO_JSON = NULL;
    json_t *asked AUTO_JSON = NULL;
    struct proof_key key;

    (void)id;
    if (hex_decode(key.transfer.bytes, sizeof(key.transfer.bytes), name, 2 * sizeof(key.transfer.bytes)) &&
        read_what(name + 2 * sizeof(key.transfer.bytes) + 1, &key.side, &key.step) &&
        transfer_read(execution_database(x), &key.transfer, t) &&
        network_proof_read(execution_database(x), &key, &row) &&
        json_parse(request_text, strlen(request_text), &asked, NULL) == OK &&
        is_wanted(&row, asked) && json_parse(result_text, strlen(result_text), &result, NULL) == OK) {
        if (outcome != OK)
            try_again(x, &key, row.state == PROVING_HERE, row.tries + 1, outcome, result);
        else if (row.state == PROVING_HERE)
            replace(x, t, &key, &row, result);
        else
            keep(x, t, &key, result);
    }
    memory_free_pointer(&t);
}
