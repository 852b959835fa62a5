/* What follows on the ledger: see party.h. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/writer.h"
#include "kernel/kernel.h"
#include "layer2/channel/challenge.h"
#include "layer2/channel/commands.h"
#include "layer2/channel/forms.h"
#include "layer2/channel/party.h"
#include "layer2/channel/redeem.h"
#include "layer2/channel/step.h"
#include "layer2/channel/unwind.h"
#include "layer2/channel/withdrawal.h"

#define SUBMIT_KEY_MAX 128
#define NESTING_MAX 4 /* channels in channels that are looked at for the money behind them */

void party_move(struct execution *x, struct local_channel *c, enum life_event event)
{
    enum channel_phase next;

    if (!life_next(c->phase, c->phase_before, event, &next))
        return;
    if (next == PHASE_DISPUTE)
        c->phase_before = c->phase;
    event_channel_phase_changed(x, &(struct event_channel_phase_changed){
        .channel = c->id, .from = channel_phase_name(c->phase), .to = channel_phase_name(next) });
    c->phase = next;
}

/* --- bringing things before the ledger -------------------------------------------------------- */
void party_write_signatures(struct database *database, const struct local_channel *c,
                            const struct signed_state *state, struct writer *w)
{
    struct signature signature;
    struct hash hash;

    writer_key(w, "signatures");
    writer_array_begin(w);
    for (size_t i = 0; i < c->fixed.participant_count; i++) {
        if (local_signature(database, &c->id, state->state.turn, i, &hash, &signature) &&
            hash_equal(&hash, &state->hash)) /* else over a withdrawal, or another state of the turn */
            signature_write(w, &c->fixed.participants[i], bytes_of(signature.bytes, sizeof(signature.bytes)));
    }
    writer_array_end(w);
}

void party_write_state(struct database *database, const struct local_channel *c, struct writer *w)
{
    struct buffer bytes CLEANUP(buffer_close) = { 0 };

    channel_state_encode(&c->supported.state, &bytes);
    writer_member_hex(w, "state", bytes.data, bytes.size);
    if (c->supported.signed_by != 0) /* else the ledger has it, and asks for none */
        party_write_signatures(database, c, &c->supported, w);
}

void party_write_proof(struct database *database, const struct local_channel *c, struct writer *w)
{
    writer_member_hex(w, "channel", c->id.bytes, sizeof(c->id.bytes));
    writer_key(w, "states");
    writer_array_begin(w);
    writer_object_begin(w);
    party_write_state(database, c, w);
    writer_object_end(w);
    writer_array_end(w);
}

void party_submit(struct execution *x, const char *key, const char *method, struct bytes params)
{
    struct buffer request CLEANUP(buffer_close) = { 0 };
    struct writer w;

    writer_init(&w, &request);
    writer_object_begin(&w);
    writer_member_text(&w, "method", method);
    writer_member_raw(&w, "params", params.data, params.size);
    writer_object_end(&w);
    (void)effect_request(x, CHANNEL_SUBMIT, key, buffer_text(&request));
}

/* One key for one thing to do about one channel at one turn. */
static void submit_key(char key[SUBMIT_KEY_MAX], const struct hash *id, const char *what, uint64_t turn)
{
    hex_text(key, id->bytes, sizeof(id->bytes));
    snprintf(key + 64, SUBMIT_KEY_MAX - 64, "/%s/%" PRIu64, what, turn);
}

void party_register(struct execution *x, const struct local_channel *c)
{
    struct buffer json CLEANUP(buffer_close) = { 0 };
    struct buffer fixed CLEANUP(buffer_close) = { 0 };
    char key[SUBMIT_KEY_MAX];
    struct writer w;

    if (record_exists(execution_database(x), &c->id))
        return;
    channel_fixed_encode(&c->fixed, &fixed);
    writer_init(&w, &json);
    writer_object_begin(&w);
    writer_member_hex(&w, "fixed", fixed.data, fixed.size);
    writer_object_end(&w);
    submit_key(key, &c->id, "register", 0);
    party_submit(x, key, "channel.register", buffer_bytes(&json));
}

static void conclude(struct execution *x, const struct local_channel *c)
{
    struct buffer json CLEANUP(buffer_close) = { 0 };
    char key[SUBMIT_KEY_MAX];
    struct writer w;

    writer_init(&w, &json);
    writer_object_begin(&w);
    writer_member_hex(&w, "channel", c->id.bytes, sizeof(c->id.bytes));
    party_write_state(execution_database(x), c, &w);
    writer_object_end(&w);
    submit_key(key, &c->id, "conclude", c->supported.state.turn);
    party_submit(x, key, "channel.conclude", buffer_bytes(&json));
}

/* --- answering stale challenges --------------------------------------------------------------- */
static bool own_proof(struct execution *x, const struct local_channel *c, uint64_t above, uint64_t *turn,
                      struct buffer *json)
{
    struct writer w;

    if (!c->has_supported || c->supported.state.turn <= above ||
        c->supported.signed_by != application_everyone(&c->fixed))
        return false;
    *turn = c->supported.state.turn;
    writer_init(&w, json);
    writer_object_begin(&w);
    party_write_proof(execution_database(x), c, &w);
    writer_object_end(&w);
    return true;
}

/* With the newest state that is here, whether a participant's own or one held for others. */
static void defend(struct execution *x, const struct channel_record *record, const struct local_channel *c)
{
    struct buffer own CLEANUP(buffer_close) = { 0 };
    struct buffer held CLEANUP(buffer_close) = { 0 };
    struct buffer *best = NULL;
    uint64_t turn = record->a.turn_record;
    char key[SUBMIT_KEY_MAX];

    if (record->is_settled || record->a.finalizes_at_us == NEVER_US)
        return;
    if (c != NULL && own_proof(x, c, turn, &turn, &own))
        best = &own;
    if (tower_proof(execution_database(x), &record->id, turn, &turn, &held))
        best = &held;
    if (best == NULL)
        return;
    submit_key(key, &record->id, "checkpoint", turn);
    party_submit(x, key, "channel.checkpoint", buffer_bytes(best));
    event_channel_defended(x, &(struct event_channel_defended){ .channel = record->id, .turn = turn,
                                                                .challenged = record->a.challenge_turn });
}

void party_wake_targets(struct execution *x, const struct channel_state *state)
{
    for (size_t i = 0; i < state->allocation_count; i++) {
        const struct allocation *a = &state->allocations[i];

        if (a->kind == ALLOCATION_CHANNEL || a->kind == ALLOCATION_GUARANTEE)
            channel_changed(x, &a->target);
    }
}

void party_wake_application(struct execution *x, const struct local_channel *c, size_t mover)
{
    uint8_t subject[sizeof(c->id.bytes) + 1];
    char name[CHANNEL_APPLICATION_MAX + sizeof(".channel")];

    memcpy(subject, c->id.bytes, sizeof(c->id.bytes));
    subject[sizeof(c->id.bytes)] = (uint8_t)mover;
    snprintf(name, sizeof(name), "%s.channel", c->application->name);
    reaction_request(x, name, bytes_of(subject, sizeof(subject)));
}

/* --- following the ledger --------------------------------------------------------------------- */
/* An event for the channel, or for what it goes back to after its dispute. */
static void move_beneath(struct execution *x, struct local_channel *c, enum life_event event)
{
    if (c->phase == PHASE_DISPUTE)
        (void)life_next(c->phase_before, c->phase_before, event, &c->phase_before);
    else
        party_move(x, c, event);
}

/* What the ledger shows was signed: the phase is what it would be had it been signed here. */
static void catch_up(struct execution *x, struct local_channel *c)
{
    move_beneath(x, c, LIFE_PREFUND);
    if (c->supported.state.turn >= CHANNEL_TURN_POSTFUND) {
        move_beneath(x, c, LIFE_FUNDS);
        move_beneath(x, c, LIFE_POSTFUND);
    }
    if (c->supported.state.final)
        move_beneath(x, c, LIFE_FINAL);
}

/* Whose step led to a state that comes from the ledger. */
static size_t find_mover(const struct local_channel *c, const struct channel_state *next)
{
    struct error error;

    for (size_t i = 0; c->has_supported && i < c->fixed.participant_count; i++) {
        if (c->application->next_ok(&c->fixed, &c->supported.state, next, i, &error) == OK)
            return i;
    }
    return PARTY_NOBODY;
}

static void adopt(struct execution *x, struct local_channel *c, const struct channel_record *record)
{
    uint64_t turn = record->state.turn;
    size_t mover = find_mover(c, &record->state);

    if (c->has_supported)
        party_wake_targets(x, &c->supported.state);
    party_wake_targets(x, &record->state);
    c->supported = (struct signed_state){ .state = record->state };
    channel_state_hash(&c->id, &c->supported.state, &c->supported.hash);
    c->has_supported = true;
    if (c->has_staged && c->next_turn <= c->staged.state.turn)
        c->next_turn = c->staged.state.turn + 1; /* it followed another state: its turn is not used again */
    if (!withdrawal_is_signed(c) || c->staged.state.turn <= turn)
        c->has_staged = c->wants_signature = false; /* else it can still be brought, with what it pays */
    if (c->next_turn <= turn)
        c->next_turn = turn + 1;
    local_forget_signatures(execution_database(x), &c->id, turn);
    event_channel_updated(x, &(struct event_channel_updated){
        .channel = c->id, .turn = turn, .final = c->supported.state.final, .hash = c->supported.hash });
    party_wake_application(x, c, mover);
    catch_up(x, c);
}

/* Two states of one turn, of which one is on the ledger: whoever signed both is known where all must sign. */
static void note_contradiction(struct execution *x, const struct local_channel *c, const struct hash *ledger)
{
    struct signature signature;
    struct hash hash;
    bool is_new = !c->supported.state.final; /* for then it is not compared again */

    for (size_t i = 0; i < c->fixed.participant_count && c->application->supported == NULL; i++) {
        if ((c->supported.signed_by >> i & 1) != 0 &&
            local_signature(execution_database(x), &c->id, c->supported.state.turn, i, &hash, &signature))
            is_new |= local_equivocation(execution_database(x), &c->id, c->supported.state.turn, i, &hash,
                                         &signature, ledger, NULL, execution_next_seq(x));
    }
    if (is_new)
        event_channel_contradicted(x, &(struct event_channel_contradicted){
            .channel = c->id, .turn = c->supported.state.turn, .here = c->supported.hash,
            .ledger = *ledger });
}

/* The ledger may have a newer state than this node, or another one of the same turn: then that one counts,
 * unless it will give way to the final state that all signed. */
static bool compare(struct execution *x, struct local_channel *c, const struct channel_record *record)
{
    struct hash hash;

    if (!record->a.has_outcome || (c->has_supported && record->state.turn < c->supported.state.turn))
        return false;
    if (c->has_supported && record->state.turn == c->supported.state.turn) {
        channel_state_hash(&c->id, &record->state, &hash);
        if (record->is_settled || hash_equal(&hash, &c->supported.hash))
            return false;
        note_contradiction(x, c, &hash);
        if (c->supported.state.final)
            return false;
    }
    adopt(x, c, record);
    return true;
}

static bool holds_enough(struct execution *x, const struct local_channel *c,
                         const struct channel_record *record)
{
    uint64_t holdings[CHANNEL_ASSETS_MAX], total;

    if (!c->has_supported || holdings_read(x, record, holdings) != OK)
        return false;
    for (unsigned asset = 0; asset < c->fixed.asset_count; asset++) {
        if (!channel_outcome_total(&c->supported.state, asset, &total) || holdings[asset] < total)
            return false;
    }
    return true;
}

static bool holds_anything(struct execution *x, const struct channel_record *record)
{
    uint64_t holdings[CHANNEL_ASSETS_MAX];

    if (holdings_read(x, record, holdings) != OK)
        return true;
    for (unsigned asset = 0; asset < record->fixed.asset_count; asset++) {
        if (holdings[asset] > 0)
            return true;
    }
    return false;
}

/* What waited for signatures when the dispute began waits again. */
static void clear(struct execution *x, struct local_channel *c)
{
    if (c->phase != PHASE_DISPUTE)
        return;
    party_move(x, c, LIFE_CLEARED);
    if (c->has_staged && life_may_sign(c->phase))
        step_request(x, c);
    withdrawal_bring(x, c);
}

static void follow_ledger(struct execution *x, struct local_channel *c, const struct channel_record *record)
{
    bool holds = holds_anything(x, record);

    if (record->is_settled)
        party_move(x, c, LIFE_FINALIZED);
    else if (record->a.finalizes_at_us != NEVER_US)
        party_move(x, c, LIFE_CHALLENGED);
    else if (c->challenging == 0)
        clear(x, c);
    if (c->phase == PHASE_FUNDING && holds_enough(x, c, record))
        party_move(x, c, LIFE_FUNDS);
    if (c->phase == PHASE_DEFUNDING && !holds)
        party_move(x, c, LIFE_SETTLED);
    if (c->phase == PHASE_FINAL && (c->parent_count == 0 || holds) &&
        c->supported.signed_by == application_everyone(&c->fixed))
        conclude(x, c);
}

/* --- channels in channels --------------------------------------------------------------------- */
/* What a parent's supported state sets apart for the child, of one of the child's assets. */
static uint64_t set_apart(const struct local_channel *parent, const struct hash *child,
                          const struct asset_id *asset)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < parent->supported.state.allocation_count; i++) {
        const struct allocation *a = &parent->supported.state.allocations[i];

        if ((a->kind == ALLOCATION_CHANNEL || a->kind == ALLOCATION_GUARANTEE) &&
            hash_equal(&a->target, child) &&
            memcmp(&parent->fixed.assets[a->asset], asset, sizeof(*asset)) == 0)
            sum += a->amount;
    }
    return sum;
}

static bool ledger_holds_enough(struct execution *x, const struct local_channel *c)
{
    struct arena arena CLEANUP(arena_close);
    struct channel_record record;

    arena_init(&arena);
    return record_read(execution_database(x), &c->id, &arena, &record) && !record.is_settled &&
           holds_enough(x, c, &record);
}

static bool parents_cover(struct execution *x, const struct local_channel *c, unsigned depth, bool *any);

/* What a parent sets apart is there: the ledger holds it, or its own parents cover it. */
static bool is_backed(struct execution *x, const struct local_channel *parent, unsigned depth)
{
    bool any;

    if (parent->phase == PHASE_FUNDING || !life_keeps_funds(parent->phase))
        return false;
    return ledger_holds_enough(x, parent) ||
           (parent->parent_count > 0 && depth < NESTING_MAX && parents_cover(x, parent, depth + 1, &any));
}

/* Whether every parent covers the whole outcome; *any: some parent still sets something apart. */
static bool parents_cover(struct execution *x, const struct local_channel *c, unsigned depth, bool *any)
{
    bool covered = c->has_supported;

    *any = false;
    for (size_t i = 0; i < c->parent_count; i++) {
        struct arena arena CLEANUP(arena_close);
        struct local_channel parent;

        arena_init(&arena);
        if (!local_read(execution_database(x), &c->parents[i], &arena, &parent) || !parent.has_supported) {
            covered = false;
            continue;
        }
        for (unsigned asset = 0; asset < c->fixed.asset_count; asset++) {
            uint64_t total = 0, apart = set_apart(&parent, &c->id, &c->fixed.assets[asset]);

            *any |= apart > 0;
            covered = covered && channel_outcome_total(&c->supported.state, asset, &total) && apart >= total;
        }
        covered = covered && is_backed(x, &parent, depth);
    }
    return covered;
}

bool party_has_funds(struct execution *x, const struct local_channel *c)
{
    struct arena arena CLEANUP(arena_close);
    struct channel_record record;
    bool any;

    arena_init(&arena);
    if (record_read(execution_database(x), &c->id, &arena, &record) && holds_anything(x, &record))
        return true;
    (void)parents_cover(x, c, 0, &any);
    return any;
}

static void follow_parents(struct execution *x, struct local_channel *c, const struct channel_record *record)
{
    bool any, covered = parents_cover(x, c, 0, &any);

    if (c->phase == PHASE_FUNDING && covered)
        party_move(x, c, LIFE_FUNDS);
    if (c->phase == PHASE_FINAL && !any && (record == NULL || !holds_anything(x, record)))
        party_move(x, c, LIFE_SETTLED);
}

void channel_watch(struct execution *x, struct bytes subject)
{
    struct arena arena CLEANUP(arena_close);
    struct channel_record record;
    struct local_channel c;
    struct hash id;
    enum channel_phase before;
    bool is_local, is_on_ledger, is_adopted;

    arena_init(&arena);
    memcpy(id.bytes, subject.data, sizeof(id.bytes));
    is_local = local_read(execution_database(x), &id, &arena, &c);
    is_on_ledger = record_read(execution_database(x), &id, &arena, &record);
    if (is_on_ledger)
        defend(x, &record, is_local ? &c : NULL);
    if (!is_local)
        return;
    before = c.phase;
    is_adopted = is_on_ledger && compare(x, &c, &record);
    if (is_on_ledger)
        is_adopted |= withdrawal_follow(x, &c, &record);
    if (is_on_ledger)
        follow_ledger(x, &c, &record);
    else if (c.challenging == 0)
        clear(x, &c); /* it was never registered */
    if (is_on_ledger)
        redeem_defend(x, &c, &record, before != PHASE_DISPUTE);
    if (c.parent_count > 0)
        follow_parents(x, &c, is_on_ledger ? &record : NULL);
    if (unwind_follow(x, &c, is_on_ledger ? &record : NULL,
                      is_adopted || before != PHASE_DISPUTE || c.phase == PHASE_DISPUTE))
        conclude(x, &c);
    if (c.phase != before && c.has_supported)
        party_wake_targets(x, &c.supported.state);
    if (c.phase != before || is_adopted)
        local_write(execution_database(x), &c, execution_time(x));
    party_wake_application(x, &c, PARTY_NOBODY);
}

/* --- the effect ------------------------------------------------------------------------------- */
/* Somebody else was quicker: the ledger has this already, or what is newer. */
static bool is_done_already(const char *method, enum status status)
{
    if (strcmp(method, "channel.checkpoint") == 0 || strcmp(method, "channel.withdraw") == 0)
        return status == ERROR_TURN_NOT_INCREASED;
    if (strcmp(method, "channel.reclaim") == 0)
        return status == ERROR_FINGERPRINT_MISMATCH; /* its entries have moved: the watch looks again */
    if (strcmp(method, "channel.transfer") == 0)
        return status == ERROR_NOTHING_TO_PAY;
    return strcmp(method, "channel.conclude") == 0 && status == ERROR_CHANNEL_FINALIZED;
}

enum status channel_submit_run(struct effect_run *run)
{
    json_t *request AUTO_JSON = NULL;
    const char *method;
    enum status status;

    TRY(json_parse(run->request, strlen(run->request), &request, &run->error));
    method = json_string_value(json_object_get(request, "method"));
    TRY(challenge_sign(run, json_object_get(request, "params")));
    status = kernel_submit_own(run->kernel, method, json_object_get(request, "params"), &run->result,
                               &run->error);
    if (status != OK && is_done_already(method, status)) {
        buffer_append_text(&run->result, "{}");
        return OK;
    }
    return status;
}

/* The ledger has said why not, and will not say otherwise. */
bool channel_submit_retry(enum status outcome)
{
    return outcome != ERROR_TURN_DECREASED && outcome != ERROR_TURN_NOT_INCREASED &&
           outcome != ERROR_CHANNEL_FINALIZED && outcome != ERROR_WRONG_SIGNERS &&
           outcome != ERROR_INVALID_TRANSITION && outcome != ERROR_BAD_SIGNATURE &&
           outcome != ERROR_BAD_KEY && outcome != ERROR_NOT_A_RECIPIENT && outcome != ERROR_INVALID_PARAMS;
}

void party_dispute(struct execution *x, struct local_channel *c, const char *what, struct bytes params)
{
    char key[SUBMIT_KEY_MAX];

    party_register(x, c);
    c->challenging = execution_next_seq(x);
    submit_key(key, &c->id, what, c->challenging);
    party_submit(x, key, "channel.challenge", params);
    party_move(x, c, LIFE_CHALLENGED);
    party_save(x, c);
}

/* A challenge of ours has arrived, or never will: now the ledger says whether there is a dispute. */
static void arrived(struct execution *x, const struct hash *id, const char *what)
{
    struct arena arena CLEANUP(arena_close);
    struct local_channel c;
    const char *seq = strrchr(what, '/');

    arena_init(&arena);
    if (seq == NULL || !local_read(execution_database(x), id, &arena, &c) || c.challenging == 0 ||
        c.challenging != strtoull(seq + 1, NULL, 10))
        return;
    c.challenging = 0;
    party_save(x, &c);
}

void channel_submit_ended(struct execution *x, uint64_t id, const char *key, const char *request,
                          enum status outcome, const char *result)
{
    struct hash channel;

    (void)id, (void)result;
    if (strlen(key) < 65 || !hex_decode(channel.bytes, sizeof(channel.bytes), key, 64))
        return;
    if (outcome == ERROR_KEYSTORE_LOCKED && challenge_again(x, &channel, key + 65, request))
        return;
    if (strncmp(key + 65, PARTY_CHALLENGE, strlen(PARTY_CHALLENGE)) == 0 ||
        strncmp(key + 65, PARTY_REDEEM, strlen(PARTY_REDEEM)) == 0)
        arrived(x, &channel, key + 65);
    if (outcome == OK)
        return;
    if (strncmp(key + 65, PARTY_WITHDRAW, strlen(PARTY_WITHDRAW)) == 0)
        withdrawal_refused(x, &channel, key + 65, outcome);
    event_channel_submit_failed(x, &(struct event_channel_submit_failed){
        .channel = channel, .what = key + 65, .error = status_name(outcome) });
}
