/* The off-chain life of channels: local commands. Signatures are verified and made in the commands' checks
 * (authority.h); here is decided what counts, and stored. What follows on the ledger stands in watch.c. */
#include <inttypes.h>
#include <string.h>

#include "base/bech32.h"
#include "base/writer.h"
#include "kernel/kernel.h"
#include "layer2/channel/authority.h"
#include "layer2/channel/channel.h"
#include "layer2/channel/commands.h"
#include "layer2/channel/forms.h"
#include "layer2/channel/local_queries.h"
#include "layer2/channel/operator.h"
#include "layer2/channel/party.h"
#include "layer2/channel/redeem.h"
#include "layer2/channel/step.h"
#include "layer2/channel/voucher.h"
#include "layer2/channel/waiting.h"
#include "layer2/channel/withdrawal.h"

#define NEXT_TURN NOT_GIVEN /* `turn` absent */

/* --- what the commands share ------------------------------------------------------------------ */
enum status party_unknown(struct error *error, const struct hash *id)
{
    char hex[2 * sizeof(id->bytes) + 1];

    hex_text(hex, id->bytes, sizeof(id->bytes));
    return error_set(error, ERROR_CHANNEL_NOT_FOUND, "this node does not take part in a channel %s", hex);
}

enum status party_need(struct execution *x, const struct hash *id, struct arena *arena,
                              struct local_channel *channel)
{
    struct error error;

    if (local_read(execution_database(x), id, arena, channel))
        return OK;
    return refuse(x, party_unknown(&error, id), &error);
}

void party_save(struct execution *x, const struct local_channel *channel)
{
    local_write(execution_database(x), channel, execution_time(x));
    channel_changed(x, &channel->id);
}

/* --- signatures on what is staged ------------------------------------------------------------- */
static bool has_signed_another(struct execution *x, const struct local_channel *c, size_t participant)
{
    struct signature signature;
    struct hash hash;

    return local_signature(execution_database(x), &c->id, c->staged.state.turn, participant, &hash,
                           &signature) && !hash_equal(&hash, &c->staged.hash);
}

bool party_add_signature(struct execution *x, struct local_channel *c, size_t participant,
                         const struct signature *signature)
{
    if ((c->staged.signed_by >> participant & 1) != 0 || has_signed_another(x, c, participant))
        return false;
    local_sign(execution_database(x), &c->id, c->staged.state.turn, participant, &c->staged.hash, signature);
    c->staged.signed_by |= UINT32_C(1) << participant;
    return true;
}

void party_tell_staged(struct execution *x, const struct local_channel *c)
{
    struct buffer bytes CLEANUP(buffer_close) = { 0 };
    struct buffer text CLEANUP(buffer_close) = { 0 };

    if (local_is_withdrawing(c)) {
        withdrawal_tell(x, c);
        return;
    }
    channel_state_encode(&c->staged.state, &bytes);
    buffer_append_hex(&text, bytes.data, bytes.size);
    event_channel_proposed(x, &(struct event_channel_proposed){
        .channel = c->id, .turn = c->staged.state.turn, .by = c->fixed.participants[c->staged_by],
        .final = c->staged.state.final, .hash = c->staged.hash, .state = buffer_text(&text) });
}

static enum life_event event_of(const struct channel_state *state)
{
    if (state->turn == CHANNEL_TURN_PREFUND)
        return LIFE_PREFUND;
    if (state->final)
        return LIFE_FINAL;
    return state->turn == CHANNEL_TURN_POSTFUND ? LIFE_POSTFUND : LIFE_UPDATE;
}

/* All have signed: what was staged is what counts now. */
static void support(struct execution *x, struct local_channel *c)
{
    if (c->has_supported)
        party_wake_targets(x, &c->supported.state);
    party_wake_targets(x, &c->staged.state);
    c->supported = c->staged;
    c->has_supported = true;
    c->has_staged = false;
    c->wants_signature = false;
    c->next_turn = c->supported.state.turn + 1;
    local_forget_signatures(execution_database(x), &c->id, c->supported.state.turn);
    event_channel_updated(x, &(struct event_channel_updated){ .channel = c->id,
                                                              .turn = c->supported.state.turn,
                                                              .final = c->supported.state.final,
                                                              .hash = c->supported.hash });
    party_move(x, c, event_of(&c->supported.state));
    if (c->supported.state.turn == CHANNEL_TURN_PREFUND)
        waiting_for_funds(x, c);
    if (c->supported.state.turn == CHANNEL_TURN_PREFUND && c->parent_count == 0)
        party_register(x, c);
    withdrawal_outdo(x, c);
    party_wake_application(x, c, c->staged_by);
}

bool party_has_own_signature(struct execution *x, const struct local_channel *c)
{
    for (size_t i = 0; i < c->fixed.participant_count; i++) {
        if ((c->staged.signed_by >> i & 1) != 0 && step_is_ours(x, &c->fixed.participants[i]))
            return true;
    }
    return false;
}

bool party_support_if_complete(struct execution *x, struct local_channel *c)
{
    if (c->staged.signed_by != application_everyone(&c->fixed)) {
        if (c->staged.state.final && party_has_own_signature(x, c))
            party_move(x, c, LIFE_CLOSING); /* whoever has it may complete it whenever he likes */
        return false;
    }
    if (!local_is_withdrawing(c)) {
        support(x, c);
        return true;
    }
    c->wants_signature = false;
    c->overdue_us = 0;
    withdrawal_bring(x, c); /* it counts when the ledger has it */
    return true;
}

/* Keys of ours that could not sign just now, as while the keystore is locked, do it later. */
static void sign_later(struct execution *x, struct local_channel *c, const struct authority *authority)
{
    for (size_t i = 0; i < c->fixed.participant_count; i++) {
        if ((authority->at_hand >> i & 1) == 0 && (c->staged.signed_by >> i & 1) == 0 &&
            step_is_ours(x, &c->fixed.participants[i]) && party_countersigns(x, c, i)) {
            step_request(x, c);
            return;
        }
    }
}

void party_answer(struct writer *result, const struct local_channel *c, uint64_t turn,
                        const struct hash *hash)
{
    bool supported = c->has_supported && hash_equal(&c->supported.hash, hash);

    writer_object_begin(result);
    writer_member_hex(result, "channel", c->id.bytes, sizeof(c->id.bytes));
    writer_member_unsigned(result, "turn", turn);
    writer_member_hex(result, "hash", hash->bytes, sizeof(hash->bytes));
    writer_member_boolean(result, "supported", supported);
    writer_member_text(result, "phase", channel_phase_name(c->phase));
    writer_object_end(result);
}

/* Takes the signatures at hand: his who says so, and those that our own policies allow. */
static enum status collect(struct execution *x, struct local_channel *c, const struct authority *authority,
                           bool is_new, struct writer *result)
{
    uint64_t turn = c->staged.state.turn;
    struct hash hash = c->staged.hash;
    enum channel_phase before = c->phase;

    if (has_signed_another(x, c, authority->participant))
        return fail(x, ERROR_EQUIVOCATION, "another state of turn %" PRIu64 " has this signature", turn);
    (void)party_add_signature(x, c, authority->participant, &authority->signatures[authority->participant]);
    for (size_t i = 0; i < c->fixed.participant_count; i++) {
        if ((authority->at_hand >> i & 1) != 0 && i != authority->participant && party_countersigns(x, c, i))
            (void)party_add_signature(x, c, i, &authority->signatures[i]);
    }
    if (!party_support_if_complete(x, c) && is_new) {
        party_tell_staged(x, c);
        waiting_as_staged(x, c);
        sign_later(x, c, authority);
    }
    local_write(execution_database(x), c, execution_time(x));
    if (c->phase != before || turn == CHANNEL_TURN_PREFUND || c->parent_count > 0)
        channel_changed(x, &c->id); /* otherwise nothing follows from one more state */
    party_answer(result, c, turn, &hash);
    return OK;
}

/* --- channel.propose -------------------------------------------------------------------------- */
struct parent_param { struct hash channel; };

static const struct param parent_params[] = {
    PARAM(struct parent_param, channel, HASH, REQUIRED, "id of a channel that funds this one"),
};

struct propose {
    struct bytes fixed, data, signature;
    struct param_list outcome, parents;
    struct account_id signer;
    struct channel_fixed *decoded; /* by the check, as what follows */
    struct channel_state state;
    struct hash id, hash;
    struct authority *authority;
};

static const struct param propose_params[] = {
    PARAM(struct propose, fixed, BYTES, REQUIRED, "the fixed part's encoding as hex, from 'channel.encode'",
          .most = CHANNEL_ENCODING_MAX),
    OUTCOME_PARAM(struct propose, outcome, REQUIRED),
    PARAM(struct propose, data, BYTES, OPTIONAL, "the application's, hex", .most = CHANNEL_DATA_MAX),
    PARAM(struct propose, parents, LIST, OPTIONAL,
          "{channel} that fund it by their own outcomes: one, or the two ledger channels of a virtual one",
          .most = PARENTS_MAX, .items = parent_params, .item_params = COUNT_OF(parent_params),
          .item_size = sizeof(struct parent_param)),
    PARAM(struct propose, signer, ACCOUNT, REQUIRED, "the participant who proposes"),
    PARAM(struct propose, signature, BYTES, OPTIONAL,
          "his over turn 0's hash; absent: the keystore signs, for the operator", .most = 64),
};

static enum status check_propose(const struct check *check, void *params, struct arena *arena,
                                 struct error *error)
{
    struct propose *p = params;
    const struct application *application;

    p->decoded = arena_new(arena, sizeof(*p->decoded));
    p->authority = arena_new(arena, sizeof(*p->authority));
    TRY(channel_fixed_decode(p->fixed, arena, p->decoded, error));
    if (strcmp(p->decoded->chain, check->chain) != 0)
        return error_set(error, ERROR_WRONG_CHAIN, "the channel is for the chain %s, this one is %s",
                         p->decoded->chain, check->chain);
    TRY(application_find(p->decoded->application, &application, error));
    TRY(application->fixed_ok(p->decoded, error));
    p->state.data = p->data;
    TRY(outcome_from_form(&p->outcome, arena, &p->state, error));
    TRY(channel_state_check(p->decoded, &p->state, error));
    TRY(application->init_ok(p->decoded, &p->state, error));
    channel_id(p->decoded, &p->id);
    channel_state_hash(&p->id, &p->state, &p->hash);
    return authority_check(check, p->decoded, &p->hash, &p->signer, p->signature, true, p->authority, error);
}

static enum status propose(struct execution *x, const void *params, struct writer *result)
{
    const struct propose *p = params;
    const struct parent_param *parents = p->parents.items;
    struct arena arena CLEANUP(arena_close);
    struct local_channel c = { .id = p->id, .fixed = *p->decoded, .phase = PHASE_PROPOSED, .has_staged = true,
                               .staged = { .state = p->state, .hash = p->hash },
                               .staged_by = p->authority->participant, .parent_count = p->parents.count };
    struct local_channel present;
    struct error error;

    arena_init(&arena);
    if (local_read(execution_database(x), &p->id, &arena, &present))
        return fail(x, ERROR_WRONG_PHASE, "this channel is %s already; take another nonce for another one",
                    channel_phase_name(present.phase));
    TRY(application_find(c.fixed.application, &c.application, &error));
    for (size_t i = 0; i < p->parents.count; i++)
        c.parents[i] = parents[i].channel;
    if (p->signature.data != NULL) /* the operator has room for himself */
        TRY(waiting_room(x, &p->signer));
    if (c.parent_count == 2 && hash_equal(&c.parents[0], &c.parents[1]))
        return fail(x, ERROR_INVALID_PARAMS, "parents: the same channel twice");
    waiting_for_signatures(x, &c);
    local_insert(execution_database(x), &c, execution_time(x), execution_next_seq(x));
    return collect(x, &c, p->authority, true, result);
}

/* --- channel.update, channel.close ------------------------------------------------------------ */
struct update {
    struct hash channel;
    uint64_t turn;
    bool final;
    struct param_list outcome;
    struct bytes data, signature;
    struct account_id signer;
    struct channel_state state; /* by the check, as what follows */
    struct hash hash;
    struct authority *authority;
};

#define SIGNER_PARAMS(structure, what)                                                                       \
    PARAM(structure, signer, ACCOUNT, REQUIRED, "the participant who says so"),                              \
    PARAM(structure, signature, BYTES, OPTIONAL,                                                             \
          "his over " what "; absent: the keystore signs, for the operator", .most = 64)

static const struct param update_params[] = {
    PARAM(struct update, channel, HASH, REQUIRED, "its id"),
    PARAM(struct update, turn, INTEGER, OPTIONAL, "the state's turn; the next one when absent",
          .fallback = NEXT_TURN),
    PARAM(struct update, final, BOOLEAN, OPTIONAL, "the last state: it concludes the channel; false"),
    OUTCOME_PARAM(struct update, outcome, OPTIONAL),
    PARAM(struct update, data, BYTES, OPTIONAL, "the application's, hex; as before when absent",
          .most = CHANNEL_DATA_MAX),
    SIGNER_PARAMS(struct update, "the state's hash"),
};

static const struct param close_params[] = {
    PARAM(struct update, channel, HASH, REQUIRED, "its id"),
    SIGNER_PARAMS(struct update, "the final state's hash"),
};

/* What is not given stays as it is. The executor may be ahead of the rows read here: then the turn is no
 * longer the next one, and the proposal is refused. */
static enum status complete_state(struct update *p, const struct local_channel *c, struct arena *arena,
                                  struct error *error)
{
    p->state = (struct channel_state){ .turn = p->turn, .final = p->final, .data = p->data };
    if (p->turn == NEXT_TURN)
        p->state.turn = c->next_turn;
    if (p->data.data == NULL && c->has_supported)
        p->state.data = c->supported.state.data;
    if (p->outcome.count > 0)
        return outcome_from_form(&p->outcome, arena, &p->state, error);
    if (!c->has_supported)
        return error_set(error, ERROR_WRONG_PHASE, "turn 0 is not signed by all yet");
    p->state.allocations = c->supported.state.allocations;
    p->state.allocation_count = c->supported.state.allocation_count;
    return OK;
}

static enum status check_update(const struct check *check, void *params, struct arena *arena,
                                struct error *error)
{
    struct update *p = params;
    struct local_channel *c = arena_new(arena, sizeof(*c));

    if (!local_read(check->database, &p->channel, arena, c))
        return party_unknown(error, &p->channel);
    TRY(complete_state(p, c, arena, error));
    TRY(channel_state_check(&c->fixed, &p->state, error));
    channel_state_hash(&p->channel, &p->state, &p->hash);
    p->authority = arena_new(arena, sizeof(*p->authority));
    return authority_check(check, &c->fixed, &p->hash, &p->signer, p->signature, true, p->authority, error);
}

static enum status check_close(const struct check *check, void *params, struct arena *arena,
                               struct error *error)
{
    struct update *p = params;

    p->turn = NEXT_TURN;
    p->final = true;
    return check_update(check, params, arena, error);
}

/* Each asset's sum stays what it was, or becomes what the ledger holds for the channel (after a top-up). */
static enum status check_conserved(struct execution *x, const struct local_channel *c,
                                   const struct channel_state *next, struct arena *arena)
{
    uint64_t holdings[CHANNEL_ASSETS_MAX] = { 0 };
    struct channel_record record;
    bool on_ledger = record_read(execution_database(x), &c->id, arena, &record);

    if (on_ledger)
        TRY(holdings_read(x, &record, holdings));
    for (unsigned asset = 0; asset < c->fixed.asset_count; asset++) {
        uint64_t before = 0, after = 0;

        if (!channel_outcome_total(&c->supported.state, asset, &before) ||
            !channel_outcome_total(next, asset, &after) ||
            (after != before && !(on_ledger && c->parent_count == 0 && after == holdings[asset])))
            return fail(x, ERROR_NOT_CONSERVED,
                        "asset %u: the outcome adds up to %" PRIu64 " instead of %" PRIu64, asset, after,
                        before);
    }
    return OK;
}

/* Two states of one turn with signatures of one participant: kept as evidence, with an answer that says so,
 * for a refusal would take the evidence back. */
static bool is_equivocation(struct execution *x, const struct local_channel *c, const struct update *p)
{
    size_t by = p->authority->participant;
    const struct signature *second = &p->authority->signatures[by];
    struct signature first;
    struct hash first_hash;

    if (p->signature.data == NULL ||
        !local_signature(execution_database(x), &c->id, p->state.turn, by, &first_hash, &first) ||
        hash_equal(&first_hash, &p->hash))
        return false;
    if (local_equivocation(execution_database(x), &c->id, p->state.turn, by, &first_hash, &first, &p->hash,
                           second, execution_next_seq(x)))
        event_channel_equivocated(x, &(struct event_channel_equivocated){
            .channel = c->id, .turn = p->state.turn, .by = c->fixed.participants[by], .first = first_hash,
            .second = p->hash });
    return true;
}

bool party_same_outcome(const struct hash *id, const struct channel_state *a, const struct channel_state *b)
{
    struct hash first, second;

    channel_outcome_hash(id, a, &first);
    channel_outcome_hash(id, b, &second);
    return hash_equal(&first, &second);
}

static enum status check_proposal(struct execution *x, const struct local_channel *c, const struct update *p,
                                  struct arena *arena)
{
    struct error error;
    enum status status;

    if (c->has_staged)
        return fail(x, ERROR_PROPOSAL_PENDING, "turn %" PRIu64 " waits for signatures", c->staged.state.turn);
    if (!life_may_propose(c->phase, p->state.turn, p->state.final))
        return fail(x, ERROR_WRONG_PHASE, "nothing like turn %" PRIu64 " can be proposed: the channel is %s",
                    p->state.turn, channel_phase_name(c->phase));
    if (p->state.turn != c->next_turn)
        return fail(x, ERROR_WRONG_TURN, "turn %" PRIu64 " is expected, not %" PRIu64, c->next_turn,
                    p->state.turn);
    TRY(check_conserved(x, c, &p->state, arena));
    if (p->state.final)
        return OK; /* how they part is between the participants */
    if (p->state.turn == CHANNEL_TURN_POSTFUND &&
        !party_same_outcome(&c->id, &c->supported.state, &p->state))
        return fail(x, ERROR_INVALID_TRANSITION, "turn 1 has turn 0's outcome: nothing moves before it");
    status = c->application->next_ok(&c->fixed, &c->supported.state, &p->state, p->authority->participant,
                                     &error);
    return status == OK ? OK : refuse(x, status, &error);
}

/* Says the same again, or one signature more. */
static enum status sign_staged(struct execution *x, struct local_channel *c,
                               const struct authority *authority, struct writer *result)
{
    if (life_may_sign(c->phase))
        return collect(x, c, authority, false, result);
    if ((c->staged.signed_by >> authority->participant & 1) == 0)
        return fail(x, ERROR_WRONG_PHASE, "nothing is signed: the channel is %s",
                    channel_phase_name(c->phase));
    party_answer(result, c, c->staged.state.turn, &c->staged.hash);
    return OK;
}

static enum status update(struct execution *x, const void *params, struct writer *result)
{
    const struct update *p = params;
    struct arena arena CLEANUP(arena_close);
    struct local_channel c;

    arena_init(&arena);
    TRY(party_need(x, &p->channel, &arena, &c));
    if (c.has_staged && hash_equal(&c.staged.hash, &p->hash))
        return sign_staged(x, &c, p->authority, result);
    if (c.has_supported && hash_equal(&c.supported.hash, &p->hash)) {
        party_answer(result, &c, p->state.turn, &p->hash);
        return OK;
    }
    if (is_equivocation(x, &c, p)) {
        writer_object_begin(result);
        writer_member_text(result, "refused", status_name(ERROR_EQUIVOCATION));
        writer_object_end(result);
        return OK;
    }
    TRY(check_proposal(x, &c, p, &arena));
    c.staged = (struct signed_state){ .state = p->state, .hash = p->hash };
    c.staged_by = p->authority->participant;
    c.has_staged = true;
    return collect(x, &c, p->authority, true, result);
}

/* --- channel.sign, channel.reject ------------------------------------------------------------- */
struct answer {
    struct hash channel;
    uint64_t turn;
    struct account_id signer;
    struct bytes signature;
    struct hash hash; /* by the check: what is staged, as the next */
    struct authority *authority;
};

static const struct param sign_params[] = {
    PARAM(struct answer, channel, HASH, REQUIRED, "its id"),
    PARAM(struct answer, turn, INTEGER, REQUIRED, "of the state that waits"),
    SIGNER_PARAMS(struct answer, "the state's hash"),
};

static const struct param reject_params[] = {
    PARAM(struct answer, channel, HASH, REQUIRED, "its id"),
    PARAM(struct answer, turn, INTEGER, REQUIRED, "of the state that waits"),
    SIGNER_PARAMS(struct answer, "the rejection's hash"),
};

static enum status nothing_staged(struct error *error, uint64_t turn)
{
    return error_set(error, ERROR_WRONG_TURN, "no state of turn %" PRIu64 " waits for signatures", turn);
}

static enum status read_staged(const struct check *check, struct answer *p, struct arena *arena,
                               struct local_channel *c, struct error *error)
{
    if (!local_read(check->database, &p->channel, arena, c))
        return party_unknown(error, &p->channel);
    if (!c->has_staged || c->staged.state.turn != p->turn)
        return nothing_staged(error, p->turn);
    p->hash = c->staged.hash;
    p->authority = arena_new(arena, sizeof(*p->authority));
    return OK;
}

static enum status check_sign(const struct check *check, void *params, struct arena *arena,
                              struct error *error)
{
    struct answer *p = params;
    struct local_channel *c = arena_new(arena, sizeof(*c));

    TRY(read_staged(check, p, arena, c, error));
    return authority_check(check, &c->fixed, &p->hash, &p->signer, p->signature, false, p->authority, error);
}

static enum status check_reject(const struct check *check, void *params, struct arena *arena,
                                struct error *error)
{
    struct answer *p = params;
    struct local_channel *c = arena_new(arena, sizeof(*c));
    struct hash message;

    TRY(read_staged(check, p, arena, c, error));
    channel_reject_hash(&p->channel, &p->hash, &message);
    return authority_check(check, &c->fixed, &message, &p->signer, p->signature, false, p->authority, error);
}

static enum status need_staged(struct execution *x, const struct answer *p, struct arena *arena,
                               struct local_channel *c)
{
    struct error error;

    TRY(party_need(x, &p->channel, arena, c));
    if (!c->has_staged || !hash_equal(&c->staged.hash, &p->hash))
        return refuse(x, nothing_staged(&error, p->turn), &error);
    return OK;
}

static enum status sign(struct execution *x, const void *params, struct writer *result)
{
    const struct answer *p = params;
    struct arena arena CLEANUP(arena_close);
    struct local_channel c;

    arena_init(&arena);
    TRY(need_staged(x, p, &arena, &c));
    if (local_is_withdrawing(&c))
        return fail(x, ERROR_WRONG_PHASE, "a withdrawal waits: 'channel.sign_withdrawal' signs it");
    return sign_staged(x, &c, p->authority, result);
}

static enum status reject(struct execution *x, const void *params, struct writer *result)
{
    const struct answer *p = params;
    struct arena arena CLEANUP(arena_close);
    struct local_channel c;

    arena_init(&arena);
    TRY(need_staged(x, p, &arena, &c));
    TRY(withdrawal_reject(x, &c));
    c.has_staged = false;
    c.next_turn = c.staged.state.turn + 1; /* signatures on that turn are out: it is never used again */
    event_channel_rejected(x, &(struct event_channel_rejected){
        .channel = c.id, .turn = p->turn, .by = c.fixed.participants[p->authority->participant],
        .hash = p->hash });
    party_move(x, &c, LIFE_REJECT);
    party_save(x, &c);
    party_wake_application(x, &c, PARTY_NOBODY);
    writer_object_begin(result);
    writer_member_unsigned(result, "next_turn", c.next_turn);
    writer_object_end(result);
    return OK;
}

/* --- the module ------------------------------------------------------------------------------- */
#define EXAMPLE_ID "4bb06f8e4e3a7715d201d573d0aa423762e55dabd61a2c02278fa56cc6d294e0"

static const struct command commands[] = {
    { "channel.propose", SCOPE_LOCAL, ACCESS_PUBLIC, propose, check_propose,
      PARAMS(struct propose, propose_params),
      .help =
          "Propose a new channel with its first state; all participants must sign before anybody pays in.",
      .result = "channel, turn 0's hash, whether all signed" },
    { "channel.update", SCOPE_LOCAL, ACCESS_PUBLIC, update, check_update,
      PARAMS(struct update, update_params),
      .help = "Propose the channel's next state; the keystore's other keys countersign as their policy says.",
      .result = "turn, hash, whether all signed" },
    { "channel.close", SCOPE_LOCAL, ACCESS_PUBLIC, update, check_close, PARAMS(struct update, close_params),
      .help = "Propose to end the channel with the outcome that it has.",
      .result = "turn, hash, whether all signed", .example = "channel=" EXAMPLE_ID " signer=alice" },
    { "channel.sign", SCOPE_LOCAL, ACCESS_PUBLIC, sign, check_sign, PARAMS(struct answer, sign_params),
      .help = "Countersign the state that waits.", .result = "turn, hash, whether all signed",
      .example = "channel=" EXAMPLE_ID " turn=2 signer=alice" },
    { "channel.reject", SCOPE_LOCAL, ACCESS_PUBLIC, reject, check_reject,
      PARAMS(struct answer, reject_params),
      .help = "Say no to the state that waits; its turn is not used again.", .result = "the next turn",
      .example = "channel=" EXAMPLE_ID " turn=2 signer=alice" },
    { "channel.take_out", SCOPE_LOCAL, ACCESS_PUBLIC, take_out, check_take_out,
      PARAMS(struct take_out, take_out_params),
      .help = "Take value out of a running channel, out of one's own share, once all participants signed.",
      .result = "turn, hash that all sign, whether all signed" },
    { "channel.sign_withdrawal", SCOPE_LOCAL, ACCESS_PUBLIC, sign_withdrawal, check_sign_withdrawal,
      PARAMS(struct sign_withdrawal, sign_withdrawal_params),
      .help = "Countersign the withdrawal that waits; once all have, it goes to the ledger.",
      .result = "turn, hash that all sign, whether all signed",
      .example = "channel=" EXAMPLE_ID " turn=2 signer=alice" },
    { "channel.suspend", SCOPE_LOCAL, ACCESS_OPERATOR, channel_suspend, PARAMS(struct pause, pause_params),
      .help = "Stop signing new states of a channel.", .result = "its phase",
      .example = "channel=" EXAMPLE_ID },
    { "channel.resume", SCOPE_LOCAL, ACCESS_OPERATOR, channel_resume, PARAMS(struct pause, pause_params),
      .help = "Go on with a suspended channel.", .result = "its phase", .example = "channel=" EXAMPLE_ID },
    { "channel.policy", SCOPE_LOCAL, ACCESS_OPERATOR, channel_policy, PARAMS(struct policy, policy_params),
      .help = "What a key of the keystore countersigns by itself; safe unless said otherwise.",
      .result = "nothing more", .example = "signer=alice countersign=never" },
    { "channel.dispute", SCOPE_LOCAL, ACCESS_OPERATOR, channel_dispute, check_dispute,
      PARAMS(struct dispute, dispute_params),
      .help = "Challenge on the ledger with the newest state that all signed.",
      .result = "turn and hash of that state", .example = "channel=" EXAMPLE_ID " signer=alice" },
    { "channel.voucher", SCOPE_LOCAL, ACCESS_PUBLIC, voucher, check_voucher,
      PARAMS(struct voucher, voucher_params),
      .help = "Promise more to the payee of a channel that runs vouchers, or hand in such a promise.",
      .result = "amount and the payer's signature", .example = "channel=" EXAMPLE_ID " amount=5" },
    { "channel.redeem", SCOPE_LOCAL, ACCESS_OPERATOR, redeem, check_redeem,
      PARAMS(struct redeem, redeem_params),
      .help =
          "Challenge on the ledger with the highest voucher: its amount is the payee's when nobody answers.",
      .result = "the amount", .example = "channel=" EXAMPLE_ID " signer=bob" },
    { "tower.appoint", SCOPE_LOCAL, ACCESS_PUBLIC, appoint, check_appoint,
      PARAMS(struct appoint, appoint_params),
      .help = "Let this node watch a channel for you: it answers stale challenges with this state.",
      .result = "number, turn, and a receipt signed by the node's account" },
};

static const struct reaction reactions[] = {
    { CHANNEL_WATCH, channel_watch, "Follows a channel on the ledger and answers stale challenges." },
};

static const struct sweep sweeps[] = {
    { CHANNEL_WAITING, waiting_sweep, "What has waited too long for signatures, funds, or the ledger." },
    { CHANNEL_UNSIGNED, step_resume, "Staged states that lack a signature which a key of ours gives." },
};

static const struct effect_kind effects[] = {
    { CHANNEL_SUBMIT, channel_submit_run, channel_submit_ended, .attempts = 40,
      .retry = channel_submit_retry,
      .help = "Brings a channel's state before the ledger, as the node's own account." },
    { CHANNEL_REDEEM, channel_redeem_run, channel_redeem_ended, .attempts = 40,
      .help = "Signs for the payee what redeems his voucher, when a challenge would end the channel." },
};

const struct module channel_local_module = {
    .name = "channel",
    .help = "Channels as this node's participants see them, and what it watches.",
    COMMANDS(commands),
    .queries = local_queries,
    .query_count = LOCAL_QUERIES,
    REACTIONS(reactions),
    SWEEPS(sweeps),
    EFFECTS(effects),
};
