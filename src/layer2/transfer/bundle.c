/* The judge of a transfer's proof: see bundle.h. First what the log says, by hashes and signature; then that
 * what it says is a settled transfer, nothing less and nothing besides. */
#include "layer2/transfer/bundle.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "crypto/bolt11.h"
#include "crypto/hash.h"
#include "crypto/merkle.h"
#include "crypto/note.h"
#include "layer2/transfer/bundle_evm.h"
#include "store/event_hash.h"

struct seen {
    const char *type, *subject;
    json_t *body;
    uint64_t seq;
    int64_t time_us;
    bool used; /* by what was checked: a bundle has nothing besides */
};

const char *bundle_step_name(enum bundle_step step)
{
    switch (step) {
    case BUNDLE_LOCK: return "lock";
    case BUNDLE_CLAIM: return "claim";
    case BUNDLE_CONTRACT: return "contract";
    }
    INVARIANT(false, "a step %d", (int)step);
}

struct judged {
    json_t *json;
    struct checkpoint checkpoint;
    size_t count;
    struct seen events[BUNDLE_EVENTS_MAX];
    const struct seen *initiated, *source_locked, *destination_locked, *claimed, *settled;
    const char *transfer, *preimage;
    const json_t *networks; /* NULL: no leg is on an EVM chain */
    bool evm[2];            /* of the source, of the destination: it is, and this was found */
    struct bundle_evm_finding found[2];
    size_t networks_used;
};

static void judged_close(struct judged *j)
{
    for (size_t i = 0; i < j->count; i++)
        json_decref(j->events[i].body);
    json_decref(j->json);
}

static enum status wrong(struct error *error, const char *what)
{
    return error_set(error, ERROR_TRANSFER_PROOF, "%s", what);
}

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text == NULL ? "" : text;
}

static bool integer_of(const json_t *object, const char *name, uint64_t *value)
{
    const json_t *number = json_object_get(object, name);

    if (!json_is_integer(number) || json_integer_value(number) < 0)
        return false;
    *value = (uint64_t)json_integer_value(number);
    return true;
}

static bool hash_of(const char *hex, struct hash *hash)
{
    char again[2 * sizeof(hash->bytes) + 1];

    if (!hex_decode(hash->bytes, sizeof(hash->bytes), hex, strlen(hex)))
        return false;
    hex_text(again, hash->bytes, sizeof(hash->bytes));
    return strcmp(again, hex) == 0; /* lower case alone: one value has one text */
}

/* --- the text ------------------------------------------------------------------------------------ */
/* One value has one text: whatever differs in any byte is another value, or no canonical text. */
static enum status read_text(const char *text, size_t size, struct judged *j, struct error *error)
{
    struct buffer again CLEANUP(buffer_close) = { 0 };
    struct error inner;

    if (size > BUNDLE_SIZE_MAX)
        return wrong(error, "it is longer than any bundle");
    if (json_parse(text, size, &j->json, &inner) != OK || !json_is_object(j->json))
        return wrong(error, "it is no JSON object; 'layer-cli --json transfer.proof' prints one");
    if (json_canonical(j->json, &again, &inner) != OK ||
        !bytes_equal(buffer_bytes(&again), bytes_of(text, size)))
        return wrong(error, "it is not in the canonical form");
    if (strcmp(text_of(j->json, "format"), BUNDLE_FORMAT_NETWORKS) == 0) {
        j->networks = json_object_get(j->json, "networks");
        if (json_object_size(j->networks) == 0)
            return wrong(error, "it has no network's proofs, and its format says that it has");
    } else if (strcmp(text_of(j->json, "format"), BUNDLE_FORMAT) != 0) {
        return wrong(error, "it is of no format that is known: " BUNDLE_FORMAT " or " BUNDLE_FORMAT_NETWORKS);
    }
    if (json_object_size(j->json) != (j->networks == NULL ? 6 : 7) ||
        !json_is_array(json_object_get(j->json, "events")))
        return wrong(error, "it has other parts than its format says");
    return OK;
}

/* --- the log --------------------------------------------------------------------------------------- */
static enum status check_head(struct judged *j, const char *verifier, struct error *error)
{
    const char *note = text_of(j->json, "checkpoint"), *own = text_of(j->json, "verifier");
    struct buffer again CLEANUP(buffer_close) = { 0 };
    struct note_key key;
    struct error inner;
    size_t text_size;

    if (verifier != NULL && strcmp(verifier, own) != 0)
        return wrong(error, "the log's key is another one than the one given");
    if (note_key_parse(own, &key, &inner) != OK)
        return wrong(error, "the log's key is none");
    note_key_text(&key, &again);
    if (strcmp(buffer_text(&again), own) != 0)
        return wrong(error, "the log's key is not in its usual form");
    if (note_open(note, strlen(note), &key, &text_size, &inner) != OK)
        return wrong(error, "the head of the log is not signed by its key");
    if (checkpoint_parse(note, text_size, &j->checkpoint, &inner) != OK ||
        strcmp(j->checkpoint.origin, key.name) != 0)
        return wrong(error, "the head of the log is none");
    return OK;
}

static bool read_inclusion(const json_t *texts, struct merkle_proof *proof)
{
    if (!json_is_array(texts) || json_array_size(texts) > MERKLE_PROOF_MAX)
        return false;
    proof->count = json_array_size(texts);
    for (size_t i = 0; i < proof->count; i++) {
        const char *hex = json_string_value(json_array_get(texts, i));

        if (hex == NULL || !hash_of(hex, &proof->hashes[i]))
            return false;
    }
    return true;
}

/* The event's text gives its hash, and the proof leads from there to the signed root. */
static enum status check_event(struct judged *j, const json_t *json, struct seen *seen, struct error *error)
{
    const json_t *last = json_object_get(json, "last");
    struct event event = { .type = text_of(json, "type"), .subject = text_of(json, "subject") };
    const char *body = text_of(json, "body");
    struct hash previous, leaf;
    struct merkle_proof proof;
    uint64_t time_us;

    event.body = bytes_of_text(body);
    if (json_object_size(json) != 9 || !json_is_boolean(last) || !integer_of(json, "seq", &event.seq) ||
        !integer_of(json, "block", &event.block) || !integer_of(json, "time_us", &time_us) ||
        !hash_of(text_of(json, "previous"), &previous) || event.type[0] == '\0' ||
        event.subject[0] == '\0' || strlen(event.type) > EVENT_TYPE_MAX ||
        strlen(event.subject) > EVENT_SUBJECT_MAX || !read_inclusion(json_object_get(json, "proof"), &proof))
        return wrong(error, "an event is incomplete");
    event.time_us = (int64_t)time_us;
    event.last = json_is_true(last);
    event_chain(&event.hash, &previous, &event);
    merkle_leaf(&leaf, event.hash.bytes, sizeof(event.hash.bytes));
    if (event.seq == 0 || event.seq > j->checkpoint.size ||
        !merkle_verify_inclusion(event.seq - 1, j->checkpoint.size, &leaf, &proof, &j->checkpoint.root))
        return error_set(error, ERROR_TRANSFER_PROOF, "event %" PRIu64 " is not in the signed log",
                         event.seq);
    *seen = (struct seen){ .type = event.type, .subject = event.subject, .seq = event.seq,
                           .time_us = event.time_us };
    if (json_parse(body, strlen(body), &seen->body, error) != OK)
        return wrong(error, "an event's body is no JSON");
    return OK;
}

static enum status check_events(struct judged *j, struct error *error)
{
    const json_t *events = json_object_get(j->json, "events");

    if (json_array_size(events) > BUNDLE_EVENTS_MAX)
        return wrong(error, "it has more events than any transfer");
    for (size_t i = 0; i < json_array_size(events); i++) {
        TRY(check_event(j, json_array_get(events, i), &j->events[i], error));
        j->count++;
        if (i > 0 && j->events[i].seq <= j->events[i - 1].seq)
            return wrong(error, "its events are not in order");
    }
    return OK;
}

/* --- the transfer ---------------------------------------------------------------------------------- */
/* The one event of that type and subject. */
static struct seen *take(struct judged *j, const char *type, const char *subject)
{
    for (size_t i = 0; i < j->count; i++) {
        if (!j->events[i].used && strcmp(j->events[i].type, type) == 0 &&
            strcmp(j->events[i].subject, subject) == 0) {
            j->events[i].used = true;
            return &j->events[i];
        }
    }
    return NULL;
}

static bool has(const struct seen *event, const char *field, const char *expected)
{
    return event != NULL && strcmp(text_of(event->body, field), expected) == 0;
}

static bool has_amount(const struct seen *event, const char *field, const char *decimal)
{
    uint64_t value;
    char text[32];

    if (event == NULL || !integer_of(event->body, field, &value))
        return false;
    snprintf(text, sizeof(text), "%" PRIu64, value);
    return strcmp(text, decimal) == 0;
}

static enum status find_steps(struct judged *j, struct error *error)
{
    char subject[sizeof("transfer/") + 64];
    struct hash id;

    j->transfer = text_of(j->json, "transfer");
    if (!hash_of(j->transfer, &id))
        return wrong(error, "the transfer has no id");
    snprintf(subject, sizeof(subject), "transfer/%s", j->transfer);
    j->initiated = take(j, "transfer.initiated", subject);
    j->source_locked = take(j, "transfer.source_locked", subject);
    j->destination_locked = take(j, "transfer.destination_locked", subject);
    j->claimed = take(j, "transfer.claimed", subject);
    j->settled = take(j, "transfer.settled", subject);
    if (j->initiated == NULL || j->source_locked == NULL || j->destination_locked == NULL ||
        j->claimed == NULL || j->settled == NULL)
        return wrong(error, "a step of the transfer is missing");
    if (j->initiated->seq >= j->source_locked->seq || j->source_locked->seq >= j->destination_locked->seq ||
        j->destination_locked->seq >= j->claimed->seq || j->claimed->seq >= j->settled->seq)
        return wrong(error, "the steps of the transfer are out of order");
    return OK;
}

static enum status check_secret(struct judged *j, struct error *error)
{
    char hex[65];
    struct hash preimage, hash;

    j->preimage = text_of(j->json, "preimage");
    if (!hash_of(j->preimage, &preimage))
        return wrong(error, "there is no preimage");
    sha256(&hash, preimage.bytes, sizeof(preimage.bytes));
    hex_text(hex, hash.bytes, sizeof(hash.bytes));
    if (!has(j->initiated, "hash", hex))
        return wrong(error, "the preimage is not that of the transfer's hash");
    if (!has(j->claimed, "preimage", j->preimage) || !has(j->settled, "preimage", j->preimage))
        return wrong(error, "the transfer was settled by another preimage");
    return OK;
}

static enum status check_terms(struct judged *j, struct error *error)
{
    uint64_t source_us, destination_us, amount, fee, settled_amount, settled_fee;

    if (!integer_of(j->source_locked->body, "expiry_us", &source_us) ||
        !integer_of(j->destination_locked->body, "expiry_us", &destination_us) ||
        destination_us >= source_us)
        return wrong(error, "the source was not locked for longer than the destination");
    if (!integer_of(j->initiated->body, "amount", &amount) || !integer_of(j->initiated->body, "fee", &fee) ||
        !integer_of(j->settled->body, "amount", &settled_amount) ||
        !integer_of(j->settled->body, "fee", &settled_fee) || amount != settled_amount || fee != settled_fee)
        return wrong(error, "another amount was settled than agreed");
    if (!has(j->source_locked, "place", text_of(j->initiated->body, "source")) ||
        !has(j->destination_locked, "place", text_of(j->initiated->body, "destination")))
        return wrong(error, "it was locked elsewhere than agreed");
    return OK;
}

/* --- the legs -------------------------------------------------------------------------------------- */
struct agreed { /* of one side */
    const char *place, *from, *to, *asset, *amount, *reference, *hash;
    bool is_source;
};

/* The escrow that the step names: locked by these terms, claimed by the preimage. */
static enum status check_base(struct judged *j, const struct agreed *a, struct error *error)
{
    char subject[sizeof("escrow/") + 64];
    const struct seen *locked, *claimed;

    if (strlen(a->reference) != 64)
        return wrong(error, "an escrow has no id");
    snprintf(subject, sizeof(subject), "escrow/%s", a->reference);
    locked = take(j, "ledger.escrow_locked", subject);
    claimed = take(j, "ledger.escrow_claimed", subject);
    if (!has(locked, "from", a->from) || !has(locked, "to", a->to) || !has(locked, "asset", a->asset) ||
        !has_amount(locked, "amount", a->amount) || !has(locked, "hash", a->hash))
        return wrong(error, "an escrow was not locked as agreed");
    if (!has(claimed, "preimage", j->preimage) || !has(claimed, "to", a->to) ||
        !has_amount(claimed, "amount", a->amount) || claimed->seq <= locked->seq)
        return wrong(error, "an escrow was not claimed by the preimage");
    return OK;
}

/* The source's invoice is the provider's, accepted and then settled; the destination's payment is his, and
 * has the preimage. */
static enum status check_channel(struct judged *j, const struct agreed *a, struct error *error)
{
    char subject[sizeof("payment/") + 64];
    const struct seen *accepted, *settled;

    if (strcmp(a->reference, a->hash) != 0)
        return wrong(error, "a payment is not by the transfer's hash");
    snprintf(subject, sizeof(subject), "payment/%s", a->hash);
    if (!a->is_source) {
        settled = take(j, "payment.settled", subject);
        if (!has(settled, "payer", a->from) || !has_amount(settled, "amount", a->amount) ||
            !has(settled, "preimage", j->preimage))
            return wrong(error, "a payment was not made as agreed");
        return OK;
    }
    accepted = take(j, "invoice.changed", subject);
    settled = take(j, "invoice.changed", subject);
    if (!has(accepted, "state", "accepted") || !has(accepted, "payee", a->to) ||
        !has_amount(accepted, "amount", a->amount) || !has(settled, "state", "settled") ||
        !has(settled, "payee", a->to) || !has_amount(settled, "amount", a->amount))
        return wrong(error, "an invoice was not paid as agreed");
    return OK;
}

/* The recipient's invoice: signed by its payee, for that amount, and by the transfer's hash. */
static enum status check_lightning(const struct agreed *a, struct error *error)
{
    struct arena arena CLEANUP(arena_close);
    struct bolt11 *v;
    struct error inner;
    char hash[65], amount[32];

    arena_init(&arena);
    v = arena_new(&arena, sizeof(*v));
    if (a->is_source || bolt11_decode(a->to, strlen(a->to), &arena, v, &inner) != OK)
        return wrong(error, "an invoice is none, or not signed by its payee");
    hex_text(hash, v->payment_hash.bytes, sizeof(v->payment_hash.bytes));
    snprintf(amount, sizeof(amount), "%" PRIu64, v->amount_msat);
    if (strcmp(hash, a->hash) != 0 || strcmp(a->reference, a->hash) != 0)
        return wrong(error, "an invoice is not by the transfer's hash");
    if (!v->has_amount || strcmp(amount, a->amount) != 0 || strcmp(a->asset, "msat") != 0)
        return wrong(error, "an invoice is not for the amount agreed");
    return OK;
}

static bool is_lightning(const char *place)
{
    return strncmp(place, "lightning:", strlen("lightning:")) == 0;
}

/* --- legs on EVM chains ------------------------------------------------------------------------------ */
static bool is_evm(const char *place)
{
    return strncmp(place, "evm:", strlen("evm:")) == 0;
}

static const char *side_of(bool is_source)
{
    return is_source ? "source" : "destination";
}

static bool has_hash(const struct seen *event, const char *field, const struct hash *expected)
{
    char hex[65];

    hex_text(hex, expected->bytes, sizeof(expected->bytes));
    return has(event, field, hex);
}

static bool has_number(const struct seen *event, const char *field, uint64_t expected)
{
    uint64_t value;

    return integer_of(event->body, field, &value) && value == expected;
}

/* The event by which the log names the block of that proof. */
static const struct seen *take_proved(struct judged *j, const char *side, enum bundle_step step)
{
    for (size_t i = 0; i < j->count; i++) {
        struct seen *event = &j->events[i];

        if (event->used || strcmp(event->type, "transfer.proved") != 0 ||
            strcmp(event->subject, j->initiated->subject) != 0 || !has(event, "side", side) ||
            !has(event, "step", bundle_step_name(step)))
            continue;
        event->used = true;
        return event;
    }
    return NULL;
}

/* What the chain proves stands in a block of that hash; the log's owner signed that he relied on it. */
static enum status check_signed(struct judged *j, const char *place, const char *side, enum bundle_step step,
                                const struct bundle_evm_fact *fact, struct error *error)
{
    const struct seen *proved = take_proved(j, side, step);

    if (proved == NULL)
        return error_set(error, ERROR_TRANSFER_PROOF, "the log names no block of the %s's %s", side,
                         bundle_step_name(step));
    if (!has(proved, "place", place) || !has_number(proved, "chain_id", fact->chain_id) ||
        !has_number(proved, "number", fact->number) || !has_hash(proved, "block", &fact->block))
        return error_set(error, ERROR_TRANSFER_PROOF,
                         "the log names another block of the %s's %s than the one that is proved", side,
                         bundle_step_name(step));
    if (!has_hash(proved, "proof", &fact->text))
        return error_set(error, ERROR_TRANSFER_PROOF,
                         "the proof of the %s's %s is not the one that the log names", side,
                         bundle_step_name(step));
    return OK;
}

static bool is_trusted(const struct bundle_trust *trust, const struct bundle_evm_fact *fact)
{
    for (size_t i = 0; i < trust->block_count; i++)
        if (hash_equal(&trust->blocks[i], &fact->block) || hash_equal(&trust->blocks[i], &fact->vouched))
            return true;
    return false;
}

static enum status check_trusted(const struct bundle_trust *trust, const char *side, enum bundle_step step,
                                 const struct bundle_evm_fact *fact, struct error *error)
{
    char hex[65];

    if (trust == NULL || trust->block_count == 0 || is_trusted(trust, fact))
        return OK;
    hex_text(hex, fact->block.bytes, sizeof(fact->block.bytes));
    return error_set(error, ERROR_TRANSFER_PROOF,
                     "the %s's %s is in block %" PRIu64 " of the chain %" PRIu64
                     ", %s, which is none of those given",
                     side, bundle_step_name(step), fact->number, fact->chain_id, hex);
}

static enum status check_evm(struct judged *j, const struct agreed *a, const struct seen *locked,
                             const struct bundle_trust *trust, struct error *error)
{
    const char *side = side_of(a->is_source);
    struct bundle_evm_finding *found = &j->found[a->is_source ? 0 : 1];
    struct bundle_evm_leg leg = { .from = a->from, .to = a->to, .asset = a->asset, .amount = a->amount,
                                  .reference = a->reference, .hash = a->hash, .preimage = j->preimage,
                                  .proofs = json_object_get(j->networks, side) };

    if (leg.proofs == NULL)
        return error_set(error, ERROR_TRANSFER_PROOF, "the network's proofs of the %s are missing", side);
    j->networks_used++;
    (void)integer_of(locked->body, "expiry_us", &leg.expiry_us); /* check_terms has seen that it is there */
    TRY(bundle_evm_judge(&leg, found, error));
    for (size_t i = 0; i < BUNDLE_STEPS; i++) {
        if (!found->facts[i].present)
            continue;
        TRY(check_signed(j, a->place, side, (enum bundle_step)i, &found->facts[i], error));
        TRY(check_trusted(trust, side, (enum bundle_step)i, &found->facts[i], error));
    }
    j->evm[a->is_source ? 0 : 1] = true;
    return OK;
}

/* On this ledger a unit is a unit: what was to arrive is what the recipient got, and the fee came on top. */
static enum status check_own(const json_t *terms, const struct agreed *a, struct error *error)
{
    uint64_t amount = 0, fee = 0; /* check_terms has seen that they are there */
    char decimal[32];

    (void)integer_of(terms, "amount", &amount);
    (void)integer_of(terms, "fee", &fee);
    snprintf(decimal, sizeof(decimal), "%" PRIu64, a->is_source ? amount + fee : amount);
    if (strcmp(decimal, a->amount) != 0 || strcmp(text_of(terms, "asset"), a->asset) != 0)
        return error_set(error, ERROR_TRANSFER_PROOF, "at the %s another amount or asset was agreed than "
                         "the transfer's", side_of(a->is_source));
    return OK;
}

static enum status check_leg(struct judged *j, bool is_source, const struct bundle_trust *trust,
                             struct error *error)
{
    const json_t *terms = j->initiated->body;
    const struct seen *locked = is_source ? j->source_locked : j->destination_locked;
    struct agreed a = { .place = text_of(terms, is_source ? "source" : "destination"),
                        .from = text_of(terms, is_source ? "source_from" : "destination_from"),
                        .to = text_of(terms, is_source ? "source_to" : "destination_to"),
                        .asset = text_of(terms, is_source ? "source_asset" : "destination_asset"),
                        .amount = text_of(terms, is_source ? "source_amount" : "destination_amount"),
                        .reference = text_of(locked->body, "reference"), .hash = text_of(terms, "hash"),
                        .is_source = is_source };

    if (strcmp(a.place, "base") == 0 || strcmp(a.place, "channel") == 0)
        TRY(check_own(terms, &a, error));
    if (strcmp(a.place, "base") == 0)
        return check_base(j, &a, error);
    if (strcmp(a.place, "channel") == 0)
        return check_channel(j, &a, error);
    if (is_lightning(a.place))
        return check_lightning(&a, error);
    if (is_evm(a.place))
        return check_evm(j, &a, locked, trust, error);
    return error_set(error, ERROR_TRANSFER_PROOF, "a leg at '%.60s' cannot be judged here", a.place);
}

/* --- the verdict ------------------------------------------------------------------------------------ */
static void put(char *out, size_t size, const char *text)
{
    snprintf(out, size, "%s", text);
}

static bool all_mined(const struct bundle_evm_finding *found)
{
    return found->facts[BUNDLE_LOCK].mined && found->facts[BUNDLE_CLAIM].mined;
}

/* What shows a side, and what does not: whoever reads it is to know what he believes. */
static void write_by(const struct judged *j, bool is_source, const char *place, bool trusted, char *out)
{
    const struct bundle_evm_finding *found = &j->found[is_source ? 0 : 1];

    if (is_lightning(place)) {
        put(out, BUNDLE_BY_MAX, "the payee's signature of the invoice, and its preimage");
        return;
    }
    if (!is_evm(place)) {
        put(out, BUNDLE_BY_MAX, "the signed log's own events");
        return;
    }
    snprintf(out, BUNDLE_BY_MAX, "receipts of the chain %" PRIu64 ", proved under %s%s; %s",
             found->facts[BUNDLE_LOCK].chain_id,
             trusted ? "the blocks that were given as trusted"
                     : "blocks whose hashes the log's owner signed: whether they are the chain's "
                       "was not checked",
             all_mined(found) ? " (but for Bitcoin's work behind each)" : "",
             found->facts[BUNDLE_CONTRACT].present
                 ? "the contract's code and the claimed lock in its storage are proved as well"
                 : "that the contract is our hash lock is the log's owner's word");
}

static void write_chain(const struct bundle_evm_finding *found, struct bundle_chain *chain)
{
    chain->present = true;
    chain->chain_id = found->facts[BUNDLE_LOCK].chain_id;
    put(chain->contract, sizeof(chain->contract), found->contract);
    put(chain->asset, sizeof(chain->asset), found->asset);
    put(chain->amount, sizeof(chain->amount), found->amount);
    for (size_t i = 0; i < BUNDLE_STEPS; i++) {
        const struct bundle_evm_fact *fact = &found->facts[i];
        struct bundle_block *block = &chain->blocks[i];

        block->present = fact->present;
        block->number = fact->number;
        hex_text(block->hash, fact->block.bytes, sizeof(fact->block.bytes));
        put(block->difficulty, sizeof(block->difficulty), fact->difficulty);
    }
}

static void write_report(const struct judged *j, const struct bundle_trust *trust, struct bundle_report *r)
{
    const json_t *terms = j->initiated->body;

    memset(r, 0, sizeof(*r));
    put(r->transfer, sizeof(r->transfer), j->transfer);
    put(r->preimage, sizeof(r->preimage), j->preimage);
    put(r->hash, sizeof(r->hash), text_of(terms, "hash"));
    put(r->account, sizeof(r->account), text_of(terms, "account"));
    put(r->provider, sizeof(r->provider), text_of(terms, "provider"));
    put(r->asset, sizeof(r->asset), text_of(terms, "asset"));
    put(r->source, sizeof(r->source), text_of(terms, "source"));
    put(r->destination, sizeof(r->destination), text_of(terms, "destination"));
    put(r->recipient, sizeof(r->recipient), text_of(terms, "destination_to"));
    put(r->verifier, sizeof(r->verifier), text_of(j->json, "verifier"));
    r->log_key_expected = trust != NULL && trust->verifier != NULL;
    r->blocks_trusted = trust != NULL && trust->block_count > 0 && (j->evm[0] || j->evm[1]);
    write_by(j, true, r->source, r->blocks_trusted, r->source_by);
    write_by(j, false, r->destination, r->blocks_trusted, r->destination_by);
    if (j->evm[0])
        write_chain(&j->found[0], &r->source_chain);
    if (j->evm[1])
        write_chain(&j->found[1], &r->destination_chain);
    (void)integer_of(terms, "amount", &r->amount);
    (void)integer_of(terms, "fee", &r->fee);
    r->log_size = j->checkpoint.size;
    r->settled_us = j->settled->time_us;
}

static enum status judge(struct judged *j, const char *text, size_t size, const struct bundle_trust *trust,
                         struct error *error)
{
    TRY(read_text(text, size, j, error));
    TRY(check_head(j, trust == NULL ? NULL : trust->verifier, error));
    TRY(check_events(j, error));
    TRY(find_steps(j, error));
    TRY(check_secret(j, error));
    TRY(check_terms(j, error));
    TRY(check_leg(j, true, trust, error));
    TRY(check_leg(j, false, trust, error));
    if (json_object_size(j->networks) != j->networks_used)
        return wrong(error, "a network's proof has no part in the transfer");
    for (size_t i = 0; i < j->count; i++) {
        if (!j->events[i].used)
            return error_set(error, ERROR_TRANSFER_PROOF, "event %" PRIu64 " has no part in the transfer",
                             j->events[i].seq);
    }
    return OK;
}

enum status bundle_verify(const char *text, size_t size, const struct bundle_trust *trust,
                          struct bundle_report *report, struct error *error)
{
    struct judged j CLEANUP(judged_close) = { .json = NULL };

    crypto_start();
    TRY(judge(&j, text, size, trust, error));
    write_report(&j, trust, report);
    return OK;
}
