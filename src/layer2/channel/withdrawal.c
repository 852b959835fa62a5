/* Value taken out of a channel that goes on: see withdrawal.h. */
#include "layer2/channel/withdrawal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bech32.h"
#include "layer2/channel/commands.h"
#include "layer2/channel/party.h"
#include "layer2/channel/settlement.h"
#include "layer2/channel/step.h"
#include "layer2/channel/waiting.h"
#include "ledger/ledger.h"

#define KEY_MAX 160

/* --- the row ---------------------------------------------------------------------------------- */
/* Payments are written as a state that has them as its outcome. */
static void insert(struct execution *x, struct local_channel *c, const struct channel_state *taken)
{
    struct statement *s = statement(execution_database(x),
        "INSERT INTO channel_withdrawal (channel, turn, payments) VALUES (?, ?, ?)"
        " ON CONFLICT (channel) DO UPDATE SET turn = excluded.turn, payments = excluded.payments");
    struct buffer bytes CLEANUP(buffer_close) = { 0 };

    channel_state_encode(taken, &bytes);
    bind_blob(s, c->id.bytes, sizeof(c->id.bytes));
    bind_integer(s, (int64_t)taken->turn);
    bind_blob(s, bytes.data, bytes.size);
    (void)statement_run(s);
    c->withdrawal = taken->turn;
}

static void forget(struct execution *x, struct local_channel *c)
{
    struct statement *s =
        statement(execution_database(x), "DELETE FROM channel_withdrawal WHERE channel = ?");

    bind_blob(s, c->id.bytes, sizeof(c->id.bytes));
    (void)statement_run(s);
    c->withdrawal = 0;
}

static void read_taken(struct database *database, const struct local_channel *c, struct arena *arena,
                       struct channel_state *taken)
{
    struct statement *s = statement(database, "SELECT payments FROM channel_withdrawal WHERE channel = ?");
    struct error error;
    enum status status;

    bind_blob(s, c->id.bytes, sizeof(c->id.bytes));
    INVARIANT(statement_row(s), "a withdrawal without payments is staged");
    status = channel_state_read(column_blob(s, "payments"), arena, taken, &error);
    INVARIANT(status == OK, "stored payments do not decode: %s", error.message);
    statement_finish(s);
}

static void write_payments(struct writer *w, const struct channel_state *taken)
{
    char address[ADDRESS_TEXT_MAX];

    writer_array_begin(w);
    for (size_t i = 0; i < taken->allocation_count; i++) {
        address_encode(address, &taken->allocations[i].account);
        writer_object_begin(w);
        writer_member_unsigned(w, "asset", taken->allocations[i].asset);
        writer_member_unsigned(w, "amount", taken->allocations[i].amount);
        writer_member_text(w, "to", address);
        writer_object_end(w);
    }
    writer_array_end(w);
}

void withdrawal_write(struct writer *w, struct database *database, const struct local_channel *c)
{
    struct arena arena CLEANUP(arena_close);
    struct channel_state taken;

    arena_init(&arena);
    if (!local_is_withdrawing(c))
        return;
    read_taken(database, c, &arena, &taken);
    writer_key(w, "payments");
    write_payments(w, &taken);
}

/* --- signatures ------------------------------------------------------------------------------- */
bool withdrawal_is_signed(const struct local_channel *c)
{
    return local_is_withdrawing(c) && c->staged.signed_by == application_everyone(&c->fixed);
}

/* Keys that this node does not keep have all signed. */
static bool have_others_signed(struct execution *x, const struct local_channel *c)
{
    for (size_t i = 0; i < c->fixed.participant_count; i++) {
        if ((c->staged.signed_by >> i & 1) == 0 && !step_is_ours(x, &c->fixed.participants[i]))
            return false;
    }
    return true;
}

bool withdrawal_awaits_ours(struct execution *x, const struct local_channel *c, size_t participant)
{
    for (size_t i = 0; i < c->fixed.participant_count; i++) {
        if ((c->staged.signed_by >> i & 1) == 0 && i != participant &&
            local_policy(execution_database(x), &c->fixed.participants[i], &c->id) == COUNTERSIGN_NEVER)
            return false;
    }
    return have_others_signed(x, c);
}

/* Everything but what `taker` has in simple entries. */
static void encode_others(const struct channel_state *state, const struct account_id *taker,
                          struct arena *arena, struct buffer *bytes)
{
    struct allocation *all = arena_new(arena, (state->allocation_count + 1) * sizeof(*all));

    for (size_t i = 0; i < state->allocation_count; i++) {
        all[i] = state->allocations[i];
        if (all[i].kind == ALLOCATION_SIMPLE && account_equal(&all[i].account, taker))
            all[i].amount = 0;
    }
    channel_allocations_encode(all, state->allocation_count, bytes);
}

static bool stay_others_as_they_were(const struct local_channel *c, struct arena *arena)
{
    const struct account_id *taker = &c->fixed.participants[c->staged_by];
    struct buffer before CLEANUP(buffer_close) = { 0 };
    struct buffer after CLEANUP(buffer_close) = { 0 };

    encode_others(&c->supported.state, taker, arena, &before);
    encode_others(&c->staged.state, taker, arena, &after);
    return before.size == after.size && memcmp(before.data, after.data, before.size) == 0;
}

/* What the ledger holds covers what the newest state gives. */
static bool is_backed(struct execution *x, const struct local_channel *c, struct arena *arena)
{
    uint64_t holdings[CHANNEL_ASSETS_MAX], total;
    struct channel_record record;

    if (!record_read(execution_database(x), &c->id, arena, &record) || record.is_settled ||
        holdings_read(x, &record, holdings) != OK)
        return false;
    for (unsigned asset = 0; asset < c->fixed.asset_count; asset++) {
        if (!channel_outcome_total(&c->supported.state, asset, &total) || holdings[asset] < total)
            return false;
    }
    return true;
}

bool withdrawal_is_safe(struct execution *x, const struct local_channel *c)
{
    struct arena arena CLEANUP(arena_close);
    struct channel_state taken;
    uint64_t before, after, paid;

    arena_init(&arena);
    read_taken(execution_database(x), c, &arena, &taken);
    for (unsigned asset = 0; asset < c->fixed.asset_count; asset++) {
        if (!channel_outcome_total(&c->supported.state, asset, &before) ||
            !channel_outcome_total(&c->staged.state, asset, &after) ||
            !channel_outcome_total(&taken, asset, &paid) || before != after + paid)
            return false;
    }
    return stay_others_as_they_were(c, &arena) && is_backed(x, c, &arena);
}

void withdrawal_tell(struct execution *x, const struct local_channel *c)
{
    struct arena arena CLEANUP(arena_close);
    struct buffer bytes CLEANUP(buffer_close) = { 0 };
    struct buffer text CLEANUP(buffer_close) = { 0 };
    struct buffer json CLEANUP(buffer_close) = { 0 };
    struct channel_state taken;
    struct writer w;

    arena_init(&arena);
    read_taken(execution_database(x), c, &arena, &taken);
    channel_state_encode(&c->staged.state, &bytes);
    buffer_append_hex(&text, bytes.data, bytes.size);
    writer_init(&w, &json);
    write_payments(&w, &taken);
    event_channel_withdrawal_proposed(x, &(struct event_channel_withdrawal_proposed){
        .channel = c->id, .turn = c->staged.state.turn, .by = c->fixed.participants[c->staged_by],
        .hash = c->staged.hash, .state = buffer_text(&text), .payments = buffer_bytes(&json) });
}

/* --- bringing it before the ledger ------------------------------------------------------------ */
static void make_key(char key[KEY_MAX], const struct hash *id, const char *what, uint64_t turn, uint64_t seq)
{
    hex_text(key, id->bytes, sizeof(id->bytes));
    snprintf(key + 64, KEY_MAX - 64, "/%s/%" PRIu64 "/%" PRIu64, what, turn, seq);
}

void withdrawal_bring(struct execution *x, const struct local_channel *c)
{
    struct buffer bytes CLEANUP(buffer_close) = { 0 };
    struct buffer json CLEANUP(buffer_close) = { 0 };
    char key[KEY_MAX];
    struct writer w;

    if (!withdrawal_is_signed(c))
        return;
    channel_state_encode(&c->staged.state, &bytes);
    writer_init(&w, &json);
    writer_object_begin(&w);
    writer_member_hex(&w, "channel", c->id.bytes, sizeof(c->id.bytes));
    writer_member_hex(&w, "state", bytes.data, bytes.size);
    withdrawal_write(&w, execution_database(x), c);
    party_write_signatures(execution_database(x), c, &c->staged, &w);
    writer_object_end(&w);
    make_key(key, &c->id, PARTY_WITHDRAW, c->staged.state.turn, execution_next_seq(x));
    party_submit(x, key, "channel.withdraw", buffer_bytes(&json));
}

/* --- its end ---------------------------------------------------------------------------------- */
/* Its turn is used up whatever became of it. */
static void burn(struct execution *x, struct local_channel *c)
{
    c->has_staged = false;
    c->wants_signature = false;
    c->next_turn = c->staged.state.turn + 1;
    forget(x, c);
}

/* An earlier one may have been rejected with a signature of ours, and is to be outdone still. */
static bool is_another_out(struct execution *x, const struct local_channel *c)
{
    for (size_t i = 0; i < c->fixed.participant_count; i++) {
        if (step_is_ours(x, &c->fixed.participants[i]) &&
            local_has_signed(execution_database(x), &c->id, i, c->supported.state.turn, c->staged.state.turn))
            return true;
    }
    return false;
}

enum status withdrawal_reject(struct execution *x, struct local_channel *c)
{
    if (withdrawal_is_signed(c))
        return fail(x, ERROR_WRONG_PHASE, "all have signed the withdrawal: it is the ledger's now");
    if (local_is_withdrawing(c) && !party_has_own_signature(x, c) && !is_another_out(x, c))
        forget(x, c); /* nobody can complete it without us */
    return OK;
}

void withdrawal_refused(struct execution *x, const struct hash *channel, const char *what,
                        enum status outcome)
{
    struct arena arena CLEANUP(arena_close);
    struct local_channel c;

    arena_init(&arena);
    if (!local_read(execution_database(x), channel, &arena, &c) || !withdrawal_is_signed(&c) ||
        c.withdrawal != strtoull(what + strlen(PARTY_WITHDRAW "/"), NULL, 10))
        return;
    if (channel_submit_retry(outcome)) { /* it may still come, so nothing can follow before it */
        withdrawal_bring(x, &c);
        return;
    }
    burn(x, &c);
    party_save(x, &c);
    party_wake_application(x, &c, PARTY_NOBODY);
}

void withdrawal_outdo(struct execution *x, const struct local_channel *c)
{
    struct buffer json CLEANUP(buffer_close) = { 0 };
    char key[KEY_MAX];
    struct writer w;

    if (c->withdrawal == 0 || c->supported.state.turn <= c->withdrawal || c->supported.state.final)
        return;
    writer_init(&w, &json);
    writer_object_begin(&w);
    party_write_proof(execution_database(x), c, &w);
    writer_object_end(&w);
    make_key(key, &c->id, "outdo", c->withdrawal, 0); /* one of the states after it is enough */
    party_submit(x, key, "channel.checkpoint", buffer_bytes(&json));
}

bool withdrawal_follow(struct execution *x, struct local_channel *c, const struct channel_record *record)
{
    if (c->withdrawal == 0 ||
        (!record->is_settled && !(record->a.has_outcome && record->state.turn >= c->withdrawal)))
        return false;
    if (local_is_withdrawing(c))
        burn(x, c);
    else
        forget(x, c);
    return true;
}

/* --- what the two commands share -------------------------------------------------------------- */
static enum status check_single(struct execution *x, const struct local_channel *c, size_t participant)
{
    struct signature signature;
    struct hash hash;

    if (local_signature(execution_database(x), &c->id, c->staged.state.turn, participant, &hash,
                        &signature) && !hash_equal(&hash, &c->staged.hash))
        return fail(x, ERROR_EQUIVOCATION, "another state of turn %" PRIu64 " has this signature",
                    c->staged.state.turn);
    return OK;
}

static void answer(struct writer *result, const struct local_channel *c)
{
    writer_object_begin(result);
    writer_member_hex(result, "channel", c->id.bytes, sizeof(c->id.bytes));
    writer_member_unsigned(result, "turn", c->staged.state.turn);
    writer_member_hex(result, "hash", c->staged.hash.bytes, sizeof(c->staged.hash.bytes));
    writer_member_boolean(result, "signed", withdrawal_is_signed(c));
    writer_object_end(result);
}

/* The signature of who says so, and those that our own policies allow now. */
static enum status collect(struct execution *x, struct local_channel *c, const struct authority *authority,
                           bool is_new, struct writer *result)
{
    TRY(check_single(x, c, authority->participant));
    if (withdrawal_is_signed(c)) { /* it is on its way */
        answer(result, c);
        return OK;
    }
    (void)party_add_signature(x, c, authority->participant, &authority->signatures[authority->participant]);
    for (size_t i = 0; i < c->fixed.participant_count; i++) {
        if ((authority->at_hand >> i & 1) != 0 && i != authority->participant && party_countersigns(x, c, i))
            (void)party_add_signature(x, c, i, &authority->signatures[i]);
    }
    if (!party_support_if_complete(x, c)) {
        if (is_new) {
            party_tell_staged(x, c);
            waiting_as_staged(x, c);
        }
        step_request(x, c);
    }
    local_write(execution_database(x), c, execution_time(x));
    answer(result, c);
    return OK;
}

#define SIGNER_PARAMS(structure)                                                                             \
    PARAM(structure, signer, ACCOUNT, REQUIRED, "the participant who says so"),                              \
    PARAM(structure, signature, BYTES, OPTIONAL,                                                             \
          "his over the withdrawal's hash; absent: the keystore signs, for the operator", .most = 64)

/* --- channel.take_out ------------------------------------------------------------------------- */
struct payment {
    uint64_t asset, amount;
    struct account_id account;
};

static const struct param payment_params[] = {
    PARAM(struct payment, asset, INTEGER, OPTIONAL, "which of the channel's assets: 0, 1, …; the first"),
    PARAM(struct payment, amount, AMOUNT, REQUIRED, "in the asset's smallest unit"),
    PARAM(struct payment, account, ACCOUNT, OPTIONAL, "who receives; the signer"),
};

const struct param take_out_params[4] = {
    PARAM(struct take_out, channel, HASH, REQUIRED, "its id"),
    PARAM(struct take_out, payments, LIST, REQUIRED, "1 … 64 of {asset?, amount, account?}",
          .most = WITHDRAWAL_PAYMENTS_MAX, .items = payment_params,
          .item_params = COUNT_OF(payment_params), .item_size = sizeof(struct payment)),
    SIGNER_PARAMS(struct take_out),
};

/* Takes it from the signer's simple entries, the first ones first. */
static enum status reduce(struct channel_state *state, const struct account_id *signer,
                          const struct allocation *payment, struct error *error)
{
    uint64_t left = payment->amount, share = channel_outcome_simple(state, payment->asset, signer);

    if (share < left)
        return error_set(error, ERROR_HOLDINGS_INSUFFICIENT,
                         "asset %u: the signer has %" PRIu64 " left, less than the %" PRIu64 " to be taken",
                         payment->asset, share, left);
    for (size_t i = 0; i < state->allocation_count && left > 0; i++) {
        struct allocation *a = &state->allocations[i];
        uint64_t part;

        if (a->kind != ALLOCATION_SIMPLE || a->asset != payment->asset || !account_equal(&a->account, signer))
            continue;
        part = a->amount < left ? a->amount : left;
        a->amount -= part;
        left -= part;
    }
    return OK;
}

static enum status read_payments(struct take_out *p, const struct local_channel *c, struct arena *arena,
                                 struct error *error)
{
    const struct payment *payments = p->payments.items;
    struct channel_state *taken = &p->taken;

    *taken = (struct channel_state){ .turn = p->state.turn,
        .allocations = arena_new(arena, p->payments.count * sizeof(*taken->allocations)) };
    for (size_t i = 0; i < p->payments.count; i++) {
        struct allocation *a = &taken->allocations[taken->allocation_count++];

        if (payments[i].asset >= c->fixed.asset_count)
            return error_set(error, ERROR_INVALID_PARAMS, "payment %zu: the channel has %zu assets", i,
                             c->fixed.asset_count);
        *a = (struct allocation){ .asset = (unsigned)payments[i].asset, .amount = payments[i].amount,
                                  .account = payments[i].account };
        if (account_is_zero(&a->account))
            a->account = p->signer;
        TRY(reduce(&p->state, &p->signer, a, error));
    }
    return OK;
}

/* The state with which the channel goes on. */
static enum status make_state(struct take_out *p, const struct local_channel *c, struct arena *arena,
                              struct error *error)
{
    const struct channel_state *now = &c->supported.state;
    size_t size = now->allocation_count * sizeof(*now->allocations);
    int participant = channel_participant(&c->fixed, &p->signer);

    if (participant < 0)
        return error_set(error, ERROR_NOT_A_PARTICIPANT, "signer: none of the channel's participants");
    if (c->application->take_out == NULL)
        return error_set(error, ERROR_INVALID_TRANSITION,
                         "nothing can be taken out of a channel that runs '%s'", c->application->name);
    p->state = (struct channel_state){ .turn = c->next_turn, .allocation_count = now->allocation_count,
                                       .allocations = arena_new(arena, size + 1) };
    if (size > 0)
        memcpy(p->state.allocations, now->allocations, size);
    TRY(read_payments(p, c, arena, error));
    TRY(c->application->take_out(&c->fixed, now, &p->state, (size_t)participant, arena, error));
    return channel_state_check(&c->fixed, &p->state, error);
}

enum status check_take_out(const struct check *check, void *params, struct arena *arena, struct error *error)
{
    struct take_out *p = params;
    struct local_channel *c = arena_new(arena, sizeof(*c));
    struct hash state;

    if (!local_read(check->database, &p->channel, arena, c))
        return party_unknown(error, &p->channel);
    if (!c->has_supported)
        return error_set(error, ERROR_WRONG_PHASE, "turn 0 is not signed by all yet");
    TRY(make_state(p, c, arena, error));
    p->before = c->supported.hash;
    channel_state_hash(&p->channel, &p->state, &state);
    channel_withdrawal_hash(&p->channel, &state, p->taken.allocations, p->taken.allocation_count, &p->hash);
    p->authority = arena_new(arena, sizeof(*p->authority));
    return authority_check(check, &c->fixed, &p->hash, &p->signer, p->signature, true, p->authority, error);
}

static enum status check_possible(struct execution *x, const struct local_channel *c,
                                  const struct take_out *p, struct arena *arena)
{
    if (c->has_staged)
        return fail(x, ERROR_PROPOSAL_PENDING, "turn %" PRIu64 " waits for signatures", c->staged.state.turn);
    if (c->phase != PHASE_RUNNING)
        return fail(x, ERROR_WRONG_PHASE, "the channel is %s", channel_phase_name(c->phase));
    if (c->parent_count > 0)
        return fail(x, ERROR_WRONG_PHASE, "other channels hold what is in it, not the ledger");
    if (c->next_turn != p->state.turn || !hash_equal(&c->supported.hash, &p->before))
        return fail(x, ERROR_WRONG_TURN, "a newer state came in between; call again");
    if (!is_backed(x, c, arena))
        return fail(x, ERROR_HOLDINGS_INSUFFICIENT, "the ledger holds less than the newest state gives");
    for (size_t i = 0; i < p->taken.allocation_count; i++)
        TRY(account_can_receive(x, &p->taken.allocations[i].account));
    return OK;
}

enum status take_out(struct execution *x, const void *params, struct writer *result)
{
    const struct take_out *p = params;
    struct arena arena CLEANUP(arena_close);
    struct local_channel c;

    arena_init(&arena);
    TRY(party_need(x, &p->channel, &arena, &c));
    if (local_is_withdrawing(&c) && hash_equal(&c.staged.hash, &p->hash)) {
        if (life_may_sign(c.phase))
            return collect(x, &c, p->authority, false, result);
        answer(result, &c); /* he has signed it, and nobody else does now */
        return OK;
    }
    TRY(check_possible(x, &c, p, &arena));
    c.staged = (struct signed_state){ .state = p->state, .hash = p->hash };
    c.staged_by = p->authority->participant;
    c.has_staged = true;
    insert(x, &c, &p->taken);
    return collect(x, &c, p->authority, true, result);
}

/* --- channel.sign_withdrawal ------------------------------------------------------------------ */
const struct param sign_withdrawal_params[4] = {
    PARAM(struct sign_withdrawal, channel, HASH, REQUIRED, "its id"),
    PARAM(struct sign_withdrawal, turn, INTEGER, REQUIRED, "of the withdrawal that waits"),
    SIGNER_PARAMS(struct sign_withdrawal),
};

static enum status nothing_waits(struct error *error, uint64_t turn)
{
    return error_set(error, ERROR_WRONG_TURN, "no withdrawal of turn %" PRIu64 " waits for signatures", turn);
}

enum status check_sign_withdrawal(const struct check *check, void *params, struct arena *arena,
                                  struct error *error)
{
    struct sign_withdrawal *p = params;
    struct local_channel *c = arena_new(arena, sizeof(*c));

    if (!local_read(check->database, &p->channel, arena, c))
        return party_unknown(error, &p->channel);
    if (!local_is_withdrawing(c) || c->withdrawal != p->turn)
        return nothing_waits(error, p->turn);
    p->hash = c->staged.hash;
    p->authority = arena_new(arena, sizeof(*p->authority));
    return authority_check(check, &c->fixed, &p->hash, &p->signer, p->signature, true, p->authority, error);
}

enum status sign_withdrawal(struct execution *x, const void *params, struct writer *result)
{
    const struct sign_withdrawal *p = params;
    struct arena arena CLEANUP(arena_close);
    struct local_channel c;
    struct error error;

    arena_init(&arena);
    TRY(party_need(x, &p->channel, &arena, &c));
    if (!local_is_withdrawing(&c) || !hash_equal(&c.staged.hash, &p->hash))
        return refuse(x, nothing_waits(&error, p->turn), &error);
    if (!life_may_sign(c.phase))
        return fail(x, ERROR_WRONG_PHASE, "nothing is signed: the channel is %s",
                    channel_phase_name(c.phase));
    if (p->signature.data == NULL && !have_others_signed(x, &c))
        return fail(x, ERROR_WRONG_PHASE, "who keeps his key elsewhere signs first: with this signature he "
                                          "could bring the withdrawal whenever he likes");
    return collect(x, &c, p->authority, false, result);
}
