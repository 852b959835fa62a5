/* What follows on the ledger: see party.h. */
#include <inttypes.h>
#include <string.h>

#include "base/bech32.h"
#include "base/json.h"
#include "base/writer.h"
#include "kernel/kernel.h"
#include "layer2/channel/commands.h"
#include "layer2/channel/party.h"

#define SUBMIT_KEY_MAX 128

void party_move(struct execution *x, struct local_channel *c, enum life_event event)
{
    enum channel_phase next;

    if (!life_next(c->phase, event, &next))
        return;
    event_channel_phase_changed(x, &(struct event_channel_phase_changed){
        .channel = c->id, .from = channel_phase_name(c->phase), .to = channel_phase_name(next) });
    c->phase = next;
}

/* --- bringing things before the ledger -------------------------------------------------------- */
static void write_signatures(struct database *database, const struct local_channel *c, struct writer *w)
{
    char address[ADDRESS_TEXT_MAX];
    struct signature signature;
    struct hash hash;

    writer_key(w, "signatures");
    writer_array_begin(w);
    for (size_t i = 0; i < c->fixed.participant_count; i++) {
        if (!local_signature(database, &c->id, c->supported.state.turn, i, &hash, &signature))
            continue;
        address_encode(address, &c->fixed.participants[i]);
        writer_object_begin(w);
        writer_member_text(w, "key", address);
        writer_member_hex(w, "signature", signature.bytes, sizeof(signature.bytes));
        writer_object_end(w);
    }
    writer_array_end(w);
}

void party_write_state(struct database *database, const struct local_channel *c, struct writer *w)
{
    struct buffer bytes CLEANUP(buffer_close) = { 0 };

    channel_state_encode(&c->supported.state, &bytes);
    writer_member_hex(w, "state", bytes.data, bytes.size);
    write_signatures(database, c, w);
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
/* The ledger may have a newer state than this node: then that one counts. */
static void adopt(struct execution *x, struct local_channel *c, const struct channel_record *record)
{
    uint64_t turn = record->state.turn;

    if (!record->a.has_outcome || (c->has_supported && turn <= c->supported.state.turn))
        return;
    if (c->has_supported)
        party_wake_targets(x, &c->supported.state);
    party_wake_targets(x, &record->state);
    c->supported = (struct signed_state){ .state = record->state };
    channel_state_hash(&c->id, &c->supported.state, &c->supported.hash);
    c->has_supported = true;
    if (c->has_staged && c->staged.state.turn <= turn)
        c->has_staged = false;
    if (c->next_turn <= turn)
        c->next_turn = turn + 1;
    local_forget_signatures(execution_database(x), &c->id, turn);
    event_channel_updated(x, &(struct event_channel_updated){
        .channel = c->id, .turn = turn, .final = c->supported.state.final, .hash = c->supported.hash });
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

static bool owes_nothing(struct execution *x, const struct channel_record *record)
{
    uint64_t holdings[CHANNEL_ASSETS_MAX], held = 0, owed = 0;

    if (holdings_read(x, record, holdings) != OK)
        return false;
    for (unsigned asset = 0; asset < record->fixed.asset_count; asset++)
        held += holdings[asset];
    for (size_t i = 0; i < record->outcome.allocation_count; i++)
        owed += record->outcome.allocations[i].amount;
    return held == 0 || owed == 0;
}

static void follow_ledger(struct execution *x, struct local_channel *c, const struct channel_record *record)
{
    adopt(x, c, record);
    if (record->is_settled)
        party_move(x, c, LIFE_FINALIZED);
    else if (record->a.finalizes_at_us != NEVER_US)
        party_move(x, c, LIFE_CHALLENGED);
    else
        party_move(x, c, LIFE_CLEARED);
    if (c->phase == PHASE_FUNDING && holds_enough(x, c, record))
        party_move(x, c, LIFE_FUNDS);
    if (c->phase == PHASE_DEFUNDING && owes_nothing(x, record))
        party_move(x, c, LIFE_SETTLED);
    if (c->phase == PHASE_FINAL && c->parent_count == 0 &&
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

/* Whether every parent covers the whole outcome; *any: some parent still sets something apart. */
static bool parents_cover(struct execution *x, const struct local_channel *c, bool *any)
{
    bool covered = c->has_supported;

    *any = false;
    for (size_t i = 0; i < c->parent_count; i++) {
        struct arena arena CLEANUP(arena_close);
        struct local_channel parent;

        arena_init(&arena);
        if (!local_read(execution_database(x), &c->parents[i], &arena, &parent))
            return false;
        for (unsigned asset = 0; asset < c->fixed.asset_count; asset++) {
            uint64_t total = 0, apart = set_apart(&parent, &c->id, &c->fixed.assets[asset]);

            *any |= apart > 0;
            covered = covered && channel_outcome_total(&c->supported.state, asset, &total) && apart >= total;
        }
    }
    return covered;
}

static void follow_parents(struct execution *x, struct local_channel *c)
{
    bool any, covered = parents_cover(x, c, &any);

    if (c->phase == PHASE_FUNDING && covered)
        party_move(x, c, LIFE_FUNDS);
    if (c->phase == PHASE_FINAL && !any)
        party_move(x, c, LIFE_SETTLED);
}

void channel_watch(struct execution *x, struct bytes subject)
{
    struct arena arena CLEANUP(arena_close);
    struct channel_record record;
    struct local_channel c;
    struct hash id;
    enum channel_phase before;
    uint64_t turn_before;
    bool is_local, is_on_ledger;

    arena_init(&arena);
    memcpy(id.bytes, subject.data, sizeof(id.bytes));
    is_local = local_read(execution_database(x), &id, &arena, &c);
    is_on_ledger = record_read(execution_database(x), &id, &arena, &record);
    if (is_on_ledger)
        defend(x, &record, is_local ? &c : NULL);
    if (!is_local)
        return;
    before = c.phase;
    turn_before = c.supported.state.turn;
    if (is_on_ledger)
        follow_ledger(x, &c, &record);
    if (c.parent_count > 0)
        follow_parents(x, &c);
    if (c.phase != before || c.supported.state.turn != turn_before)
        local_write(execution_database(x), &c, execution_time(x));
    party_wake_application(x, &c, PARTY_NOBODY);
}

/* --- the effect ------------------------------------------------------------------------------- */
/* Somebody else was quicker: the ledger has this already, or what is newer. */
static bool is_done_already(const char *method, enum status status)
{
    if (strcmp(method, "channel.checkpoint") == 0)
        return status == ERROR_TURN_NOT_INCREASED;
    return strcmp(method, "channel.conclude") == 0 && status == ERROR_CHANNEL_FINALIZED;
}

enum status channel_submit_run(struct effect_run *run)
{
    json_t *request AUTO_JSON = NULL;
    const char *method;
    enum status status;

    TRY(json_parse(run->request, strlen(run->request), &request, &run->error));
    method = json_string_value(json_object_get(request, "method"));
    status = kernel_submit_own(run->kernel, method, json_object_get(request, "params"), &run->result,
                               &run->error);
    if (status != OK && is_done_already(method, status)) {
        buffer_append_text(&run->result, "{}");
        return OK;
    }
    return status;
}

void channel_submit_ended(struct execution *x, uint64_t id, const char *key, const char *request,
                          enum status outcome, const char *result)
{
    struct hash channel;

    (void)id, (void)request, (void)result;
    if (outcome == OK || strlen(key) < 64 || !hex_decode(channel.bytes, sizeof(channel.bytes), key, 64))
        return;
    event_channel_submit_failed(x, &(struct event_channel_submit_failed){
        .channel = channel, .what = key + 65, .error = status_name(outcome) });
}
