/* Payments out of a confidential wallet: see payment.h. */
#include "confidential/payment.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/bech32.h"
#include "base/clock.h"
#include "base/json.h"
#include "confidential/confidential.h"
#include "crypto/transaction.h"
#include "kernel/execution.h"
#include "kernel/kernel.h"

#define VALID_FOR_US (3600 * MICROSECONDS_PER_SECOND) /* as long as the effect tries */
#define SEND_OUTPUTS 2                                /* the recipient's note and the change */
#define RING_PARAM                                                                                           \
    PARAM(struct payment_params, ring, INTEGER, OPTIONAL,                                                    \
          "notes in each ring, 2 to 64; 16 when absent, or as many as the pool has")

const struct param confidential_send_params[SEND_PARAMS] = {
    PARAM(struct payment_params, signer, ACCOUNT, REQUIRED, "a key of the keystore, whose wallet pays"),
    PARAM(struct payment_params, asset, ASSET, REQUIRED, "asset id or symbol"),
    PARAM(struct payment_params, amount, AMOUNT, REQUIRED, "in the asset's smallest unit"),
    PARAM(struct payment_params, to, TEXT, REQUIRED, "confidential address of the recipient",
          .most = CONFIDENTIAL_TEXT_MAX),
    RING_PARAM,
};

const struct param confidential_withdraw_params[WITHDRAW_PARAMS] = {
    PARAM(struct payment_params, signer, ACCOUNT, REQUIRED, "a key of the keystore, whose wallet pays"),
    PARAM(struct payment_params, asset, ASSET, REQUIRED, "asset id or symbol"),
    PARAM(struct payment_params, amount, AMOUNT, REQUIRED, "in the asset's smallest unit; public"),
    PARAM(struct payment_params, account, ACCOUNT, REQUIRED, "who receives it, in public"),
    RING_PARAM,
};

/* --- what is spent ------------------------------------------------------------------------------------ */
struct secrets { /* in locked memory */
    struct spend_source sources[SPEND_INPUTS_MAX];
    struct spend_target targets[SEND_OUTPUTS];
};

struct draft {
    const struct check *check;
    struct payment_params *params;
    struct own_wallet *wallet;
    struct secrets *secrets;
    struct ring_member members[SPEND_INPUTS_MAX][RING_MEMBERS_MAX];
    uint64_t numbers[SPEND_INPUTS_MAX][RING_MEMBERS_MAX];
    struct spend terms;
    size_t ring, target_count;
    uint64_t change;
    struct spend_made made;
};

static void draft_free(struct draft **draft)
{
    if (*draft == NULL)
        return;
    secret_free((*draft)->secrets);
    secret_free((*draft)->wallet);
    free(*draft);
}

static int by_amount(const void *a, const void *b)
{
    const struct own_note *left = a, *right = b;

    return (left->amount < right->amount) - (left->amount > right->amount);
}

static bool is_chosen(const struct payment_params *p, uint64_t number)
{
    for (size_t i = 0; i < p->chosen_count; i++) {
        if (p->chosen[i] == number)
            return true;
    }
    return false;
}

/* The largest notes first, so that few are needed: those on record, and those that this scan found. */
static enum status choose_notes(struct draft *d, struct arena *arena, struct error *error)
{
    struct payment_params *p = d->params;
    struct own_note *notes = arena_new(arena, (SPEND_INPUTS_MAX + p->scan.count) * sizeof *notes);
    uint64_t sum = 0;
    size_t count = row_own_notes_largest(d->check->database, &p->signer, p->scan.pool.id, notes,
                                         SPEND_INPUTS_MAX);

    for (size_t i = 0; i < p->scan.count; i++) {
        const struct found_note *found = &p->scan.found[i];

        if (found->amount > 0 && !row_image_spent(d->check->database, found->image))
            notes[count++] = (struct own_note){ .number = found->number, .amount = found->amount };
    }
    qsort(notes, count, sizeof *notes, by_amount);
    for (size_t i = 0; i < count && sum < p->amount && p->chosen_count < SPEND_INPUTS_MAX; i++) {
        if (is_chosen(p, notes[i].number)) /* a scan beside this one has stored what this one found */
            continue;
        p->chosen[p->chosen_count++] = notes[i].number;
        sum += notes[i].amount;
    }
    if (sum < p->amount)
        return error_set(error, ERROR_INSUFFICIENT_BALANCE,
                         "the %d largest notes of the wallet hold %" PRIu64 "; %" PRIu64 " are needed%s",
                         SPEND_INPUTS_MAX, sum, p->amount,
                         p->scan.scanned < p->scan.pool.notes ? " (not all notes have been tried yet)" : "");
    d->change = sum - p->amount;
    return OK;
}

static enum status choose_ring_size(struct draft *d, struct error *error)
{
    uint64_t notes = d->params->scan.pool.notes, asked = d->params->ring;

    d->ring = (size_t)(asked != 0 ? asked : notes < RING_USUAL ? notes : RING_USUAL);
    if (asked != 0 && (asked < RING_MEMBERS_MIN || asked > RING_MEMBERS_MAX))
        return error_set(error, ERROR_LIMIT, "a ring of %" PRIu64 "; expected %d to %d", asked,
                         RING_MEMBERS_MIN, RING_MEMBERS_MAX);
    if (d->ring > notes || d->ring < RING_MEMBERS_MIN)
        return error_set(error, ERROR_RING_TOO_LARGE, "the pool has %" PRIu64 " notes", notes);
    return OK;
}

static int by_number(const void *a, const void *b)
{
    const uint64_t *left = a, *right = b;

    return (*left > *right) - (*left < *right);
}

/* Evenly from all notes of the pool: a rule that prefers some would have to know how people spend. */
static void draw_members(struct draft *d, size_t input)
{
    uint64_t *numbers = d->numbers[input];
    size_t count = 1;

    numbers[0] = d->params->chosen[input];
    while (count < d->ring) {
        uint64_t number = randombytes_uniform((uint32_t)d->params->scan.pool.notes);
        bool is_new = true;

        for (size_t i = 0; i < count; i++)
            is_new &= numbers[i] != number;
        if (is_new)
            numbers[count++] = number;
    }
    qsort(numbers, count, sizeof *numbers, by_number);
}

static enum status read_member(struct draft *d, size_t input, size_t member, struct error *error)
{
    struct spend_source *source = &d->secrets->sources[input];
    struct stored_note note;
    struct note_opened opened;
    bool ours;

    if (!row_note_read(d->check->database, d->params->scan.pool.id, d->numbers[input][member], &note))
        return error_set(error, ERROR_INTERNAL, "a note of the pool is missing");
    memcpy(d->members[input][member].key, note.output.key, POINT_SIZE);
    memcpy(d->members[input][member].commitment, note.output.commitment, POINT_SIZE);
    if (note.number != d->params->chosen[input])
        return OK;
    ours = hidden_note_open(d->wallet->keys.view, d->wallet->address.spend, &note.output, note.is_public,
                            &opened) &&
           hidden_note_secret(d->wallet->keys.spend, &opened.tweak, source->secret);
    if (!ours)
        return error_set(error, ERROR_NOT_PROVABLE, "the note %" PRIu64 " is not the wallet's", note.number);
    source->index = member;
    source->amount = opened.amount;
    source->blinding = opened.blinding;
    sodium_memzero(&opened, sizeof opened);
    return OK;
}

static enum status read_rings(struct draft *d, struct error *error)
{
    for (size_t input = 0; input < d->params->chosen_count; input++) {
        draw_members(d, input);
        d->secrets->sources[input].members = d->members[input];
        d->secrets->sources[input].count = d->ring;
        for (size_t member = 0; member < d->ring; member++)
            TRY(read_member(d, input, member, error));
    }
    return OK;
}

/* --- what comes of it --------------------------------------------------------------------------------- */
/* The change may be nothing: so the number of notes tells nothing. It stands first or last by chance. */
static enum status make_targets(struct draft *d, const struct confidential_address *to, struct error *error)
{
    size_t change = to == NULL ? 0 : randombytes_uniform(SEND_OUTPUTS);
    struct spend_target *targets = d->secrets->targets;
    bool sealed = hidden_note_seal(&d->wallet->address, d->change, &targets[change]);

    d->target_count = 1;
    if (to != NULL) {
        sealed &= hidden_note_seal(to, d->params->amount, &targets[1 - change]);
        d->target_count = SEND_OUTPUTS;
    }
    if (!sealed)
        return error_set(error, ERROR_WRONG_CONFIDENTIAL_ADDRESS, "the address is not of two points");
    return OK;
}

static void write_input(struct writer *w, const struct draft *d, size_t input)
{
    const struct spend_input *made = &d->made.inputs[input];

    writer_object_begin(w);
    writer_key(w, "members");
    writer_array_begin(w);
    for (size_t i = 0; i < d->ring; i++) {
        writer_object_begin(w);
        writer_member_unsigned(w, "note", d->numbers[input][i]);
        writer_member_hex(w, "key", d->members[input][i].key, POINT_SIZE);
        writer_member_hex(w, "commitment", d->members[input][i].commitment, POINT_SIZE);
        writer_object_end(w);
    }
    writer_array_end(w);
    writer_member_hex(w, "pseudo", made->pseudo, POINT_SIZE);
    writer_member_hex(w, "signature", made->signature.data, made->signature.size);
    writer_object_end(w);
}

static void write_spend(struct writer *w, const struct draft *d)
{
    const struct spend *spend = &d->made.spend;

    writer_object_begin(w);
    writer_member_hex(w, "asset", spend->asset.bytes, sizeof spend->asset.bytes);
    writer_key(w, "inputs");
    writer_array_begin(w);
    for (size_t i = 0; i < spend->input_count; i++)
        write_input(w, d, i);
    writer_array_end(w);
    writer_key(w, "outputs");
    writer_array_begin(w);
    for (size_t i = 0; i < spend->output_count; i++) {
        writer_object_begin(w);
        writer_member_hex(w, "key", spend->outputs[i].key, POINT_SIZE);
        writer_member_hex(w, "commitment", spend->outputs[i].commitment, POINT_SIZE);
        writer_member_hex(w, "sealed", spend->outputs[i].sealed, NOTE_SEALED_SIZE);
        writer_object_end(w);
    }
    writer_array_end(w);
    writer_member_hex(w, "range_proof", spend->range_proof.data, spend->range_proof.size);
    if (spend->amount > 0) {
        writer_member_unsigned(w, "amount", spend->amount);
        writer_member_hex(w, "to", spend->recipient.bytes, sizeof spend->recipient.bytes);
    }
    writer_object_end(w);
}

/* {"transaction":…,"signature":…}, signed by a key that is used for nothing else and kept nowhere. */
static enum status sign_request(struct draft *d, struct arena *arena, struct error *error)
{
    CLEANUP(secret_free_pointer) struct secret_key *key = secret_new(sizeof *key);
    struct buffer params CLEANUP(buffer_close) = { 0 }, canonical CLEANUP(buffer_close) = { 0 };
    struct buffer request CLEANUP(buffer_close) = { 0 };
    struct transaction t = { .chain = d->check->chain, .method = d->terms.purpose,
                             .valid_until_us = kernel_now(d->check->kernel) + VALID_FOR_US };
    json_t *json AUTO_JSON = NULL;
    struct signature signature;
    struct writer w;

    writer_init(&w, &params);
    write_spend(&w, d);
    TRY(json_parse((const char *)params.data, params.size, &json, error));
    secret_key_generate(key);
    INVARIANT(secret_key_account(key, &t.account), "a fresh key has no account");
    t.params = json;
    randombytes_buf(t.salt, sizeof t.salt);
    TRY(transaction_encode(&t, &canonical, &d->params->transaction, error));
    INVARIANT(schnorr_sign(key, &d->params->transaction, NULL, &signature), "a fresh key does not sign");
    writer_init(&w, &request);
    writer_object_begin(&w);
    writer_member_raw(&w, "transaction", canonical.data, canonical.size);
    writer_member_hex(&w, "signature", signature.bytes, sizeof signature.bytes);
    writer_object_end(&w);
    d->params->request = arena_text(arena, (const char *)request.data, request.size);
    return OK;
}

static enum status prepare(const struct check *check, struct payment_params *p,
                           const struct confidential_address *to, struct arena *arena, struct error *error)
{
    CLEANUP(draft_free) struct draft *d = memory_new(sizeof *d);

    d->check = check;
    d->params = p;
    d->terms = (struct spend){ .chain = check->chain, .purpose = PURPOSE_TRANSFER, .asset = p->asset };
    if (to == NULL) {
        d->terms.purpose = PURPOSE_UNSHIELD;
        d->terms.amount = p->amount;
        d->terms.recipient = p->account;
    }
    TRY(wallet_open(check->keystore, check->chain, &p->signer, &d->wallet, error));
    d->secrets = secret_new(sizeof *d->secrets);
    TRY(wallet_scan(check->database, d->wallet, &p->asset, arena, &p->scan, error));
    TRY(choose_ring_size(d, error));
    TRY(choose_notes(d, arena, error));
    TRY(read_rings(d, error));
    TRY(make_targets(d, to, error));
    TRY(spend_make(&d->terms, d->secrets->sources, p->chosen_count, d->secrets->targets, d->target_count,
                   &d->made, error));
    return sign_request(d, arena, error);
}

enum status check_confidential_send(const struct check *check, void *params, struct arena *arena,
                                    struct error *error)
{
    struct payment_params *p = params;
    struct confidential_address to;

    TRY(confidential_address_decode(&to, p->to, error));
    p->kind = "send";
    p->recipient = p->to;
    return prepare(check, p, &to, arena, error);
}

enum status check_confidential_withdraw(const struct check *check, void *params, struct arena *arena,
                                        struct error *error)
{
    struct payment_params *p = params;
    char address[ADDRESS_TEXT_MAX];

    address_encode(address, &p->account);
    p->kind = "withdraw";
    p->recipient = arena_text(arena, address, strlen(address));
    return prepare(check, p, NULL, arena, error);
}

/* --- the handler and the effect ----------------------------------------------------------------------- */
/* What the check chose may have been taken by another payment since. */
static enum status still_free(struct execution *x, const struct payment_params *p)
{
    struct own_note note;

    for (size_t i = 0; i < p->chosen_count; i++) {
        if (!row_own_note_read(execution_database(x), &p->signer, p->scan.pool.id, p->chosen[i], &note) ||
            note.spent || note.reserved)
            return fail(x, ERROR_NOTES_CHANGED, "the note %" PRIu64 " is not free any more", p->chosen[i]);
    }
    return OK;
}

enum status confidential_pay(struct execution *x, const void *params, struct writer *result)
{
    const struct payment_params *p = params;
    struct database *database = execution_database(x);
    const struct own_payment payment = { .owner = p->signer, .pool = p->scan.pool.id, .amount = p->amount,
                                         .kind = p->kind, .recipient = p->recipient,
                                         .transaction = p->transaction, .made_us = execution_time(x) };
    char key[2 * sizeof(p->transaction.bytes) + 1];
    uint64_t id;

    row_scan_store(database, &p->signer, &p->scan);
    TRY(still_free(x, p));
    id = row_payment_insert(database, &payment);
    for (size_t i = 0; i < p->chosen_count; i++)
        row_own_note_reserve(database, &p->signer, p->scan.pool.id, p->chosen[i], id);
    hex_text(key, p->transaction.bytes, sizeof(p->transaction.bytes));
    (void)effect_request(x, CONFIDENTIAL_SUBMIT, key, p->request);
    writer_object_begin(result);
    writer_member_unsigned(result, "payment", id);
    writer_member_text(result, "transaction", key);
    writer_object_end(result);
    return OK;
}

enum status payment_submit_run(struct effect_run *run)
{
    struct buffer reply CLEANUP(buffer_close) = { 0 };
    json_t *request AUTO_JSON = NULL;
    struct error error;

    TRY(json_parse(run->request, strlen(run->request), &request, &run->error));
    buffer_init(&reply);
    /* Everybody reads effect.ended: neither the reply (which transaction, which notes) nor the reason of a
     * refusal (which image) goes there. */
    enum status status = kernel_submit_signed(run->kernel, request, &reply, &error);
    if (status != OK)
        return error_set(&run->error, status, "%s", status_meaning(status));
    buffer_append_text(&run->result, "{}");
    return OK;
}

/* All else the ledger will not say otherwise. */
bool payment_submit_retry(enum status outcome)
{
    return outcome == ERROR_BUSY || outcome == ERROR_STOPPING;
}

/* Whether the spend of this request is on the ledger. A spend does not say who signs its transaction: whoever
 * saw ours can have brought it in as his own first, and ours is then refused. It is paid all the same, and
 * one event shows it, which spent our note and made the note that the spend is bound to. */
static bool is_recorded(struct execution *x, const char *request)
{
    uint8_t image[RING_IMAGE_SIZE], key[POINT_SIZE];
    json_t *json AUTO_JSON = NULL;
    const json_t *params;

    if (json_parse(request, strlen(request), &json, NULL) != OK)
        return false;
    params = json_object_get(json_object_get(json, "transaction"), "params");
    const char *signature = json_string_value(
        json_object_get(json_array_get(json_object_get(params, "inputs"), 0), "signature"));
    const char *note = json_string_value(
        json_object_get(json_array_get(json_object_get(params, "outputs"), 0), "key"));
    return signature != NULL && note != NULL && strlen(signature) > 2 * sizeof image &&
           hex_decode(image, sizeof image, signature, 2 * sizeof image) &&
           hex_decode(key, sizeof key, note, strlen(note)) &&
           row_spend_recorded(execution_database(x), image, key);
}

void payment_submit_ended(struct execution *x, uint64_t id, const char *key, const char *request,
                          enum status outcome, const char *result)
{
    struct hash transaction;
    bool paid = outcome == OK || is_recorded(x, request);

    (void)id, (void)result;
    if (hex_decode(transaction.bytes, sizeof(transaction.bytes), key, strlen(key)))
        row_payment_end(execution_database(x), &transaction, paid ? NULL : status_name(outcome));
}
