/* channel: what the base ledger offers for channels. Signatures are verified in the commands' checks, the
 * rules stand in rules.c, what a channel's end gives to whom in settlement.c. A handler reads the channel,
 * asks the rule, writes the row, and records the event. */
#include <inttypes.h>
#include <string.h>

#include "base/bech32.h"
#include "base/writer.h"
#include "kernel/execution.h"
#include "layer2/channel/arbitration.h"
#include "layer2/channel/channel.h"
#include "layer2/channel/commands.h"
#include "layer2/channel/invariants.h"
#include "layer2/channel/queries.h"
#include "ledger/ledger.h"

/* --- what the handlers share ------------------------------------------------------------------ */
enum status refuse(struct execution *x, enum status status, const struct error *error)
{
    return fail(x, status, "%s", error->message);
}

enum status record_need(struct execution *x, const struct hash *id, struct arena *arena,
                        struct channel_record *record)
{
    char hex[2 * sizeof(id->bytes) + 1];
    struct account_id account;

    if (record_read(execution_database(x), id, arena, record))
        return OK;
    hex_text(hex, id->bytes, sizeof(id->bytes));
    memcpy(account.bytes, id->bytes, sizeof(account.bytes));
    if (account_is_held(x, &account, ACCOUNT_KIND_KEY))
        return fail(x, ERROR_EXTERNAL_DESTINATION, "%s is an account, not a channel", hex);
    return fail(x, ERROR_CHANNEL_NOT_FOUND, "the ledger does not know a channel %s", hex);
}

static const struct application *application_of(const struct channel_record *record)
{
    const struct application *application = NULL;
    struct error error;
    enum status status = application_find(record->fixed.application, &application, &error);

    INVARIANT(status == OK, "a registered channel has an application that is not there");
    return application;
}

/* --- channel.register ------------------------------------------------------------------------- */
struct registration {
    struct bytes fixed;
    struct channel_fixed *decoded; /* by the check */
};

static const struct param register_params[] = {
    PARAM(struct registration, fixed, BYTES, REQUIRED, "the fixed part's encoding as hex",
          .most = CHANNEL_ENCODING_MAX),
};

static enum status check_register(const struct check *check, void *params, struct arena *arena,
                                  struct error *error)
{
    struct registration *p = params;
    const struct application *application;

    p->decoded = arena_new(arena, sizeof(*p->decoded));
    TRY(channel_fixed_decode(p->fixed, arena, p->decoded, error));
    if (strcmp(p->decoded->chain, check->chain) != 0)
        return error_set(error, ERROR_WRONG_CHAIN, "the channel is for the chain %s, this one is %s",
                         p->decoded->chain, check->chain);
    TRY(application_find(p->decoded->application, &application, error));
    return application->fixed_ok(p->decoded, error);
}

static void write_participants(struct buffer *json, const struct channel_fixed *fixed)
{
    char address[ADDRESS_TEXT_MAX];
    struct writer w;

    writer_init(&w, json);
    writer_array_begin(&w);
    for (size_t i = 0; i < fixed->participant_count; i++) {
        address_encode(address, &fixed->participants[i]);
        writer_text(&w, address);
    }
    writer_array_end(&w);
}

static void answer_channel(struct writer *result, const struct hash *id)
{
    writer_object_begin(result);
    writer_member_hex(result, "channel", id->bytes, sizeof(id->bytes));
    writer_object_end(result);
}

static enum status register_(struct execution *x, const void *params, struct writer *result)
{
    const struct registration *p = params;
    struct channel_record record = { .fixed = *p->decoded };
    struct buffer participants CLEANUP(buffer_close) = { 0 };
    struct asset asset;

    channel_id(p->decoded, &record.id);
    answer_channel(result, &record.id);
    if (record_exists(execution_database(x), &record.id))
        return OK;
    for (size_t i = 0; i < record.fixed.asset_count; i++)
        TRY(asset_find(x, &record.fixed.assets[i], &asset));
    TRY(holding_make(x, &record.id, &record.holding));
    record_insert(execution_database(x), &record, p->fixed, execution_next_seq(x));
    channel_changed(x, &record.id);
    write_participants(&participants, &record.fixed);
    return event_channel_registered(x, &(struct event_channel_registered){
        .channel = record.id, .application = record.fixed.application,
        .participants = buffer_bytes(&participants), .holding = record.holding });
}

/* --- channel.deposit -------------------------------------------------------------------------- */
#define EXPECT_NOTHING INTEGER_MAX /* no channel can hold as much and take more */

struct deposit {
    struct hash channel;
    struct asset_id asset;
    uint64_t amount, expected_held;
};

static const struct param deposit_params[] = {
    PARAM(struct deposit, channel, HASH, REQUIRED, "its id"),
    PARAM(struct deposit, asset, ASSET, REQUIRED, "asset id or symbol, one of the channel's"),
    PARAM(struct deposit, amount, AMOUNT, REQUIRED, "in the asset's smallest unit"),
    PARAM(struct deposit, expected_held, INTEGER, OPTIONAL,
          "refused unless the channel holds exactly this much before; 2^53−1, as when absent: not compared",
          .fallback = EXPECT_NOTHING),
};

static enum status need_asset(struct execution *x, const struct channel_record *record,
                              const struct asset *asset, unsigned *index)
{
    for (unsigned i = 0; i < record->fixed.asset_count; i++) {
        if (memcmp(&record->fixed.assets[i], &asset->id, sizeof(asset->id)) == 0) {
            *index = i;
            return OK;
        }
    }
    return fail(x, ERROR_ASSET_MISMATCH, "the channel is not for %s", asset->symbol);
}

/* A channel that has ended takes only what it lacks to pay what it still owes. */
static enum status need_use(struct execution *x, const struct channel_record *record, unsigned asset,
                            uint64_t held, uint64_t amount)
{
    uint64_t owed = 0;

    if (adjudication_mode(&record->a, execution_chain_time(x)) != CHANNEL_FINALIZED)
        return OK;
    INVARIANT(!record->is_settled || channel_outcome_total(&record->outcome, asset, &owed),
              "what a channel owes is no amount");
    if (owed >= held && amount <= owed - held)
        return OK;
    return fail(x, ERROR_CHANNEL_FINALIZED,
                "the channel is finalized, and holds %" PRIu64 " of the %" PRIu64 " that it owes", held,
                owed);
}

static enum status deposit(struct execution *x, const void *params, struct writer *result)
{
    const struct deposit *p = params;
    struct account_id from = execution_account(x);
    struct arena arena CLEANUP(arena_close);
    struct channel_record record;
    struct asset asset;
    unsigned index = 0;
    uint64_t held;

    arena_init(&arena);
    TRY(record_need(x, &p->channel, &arena, &record));
    TRY(asset_find(x, &p->asset, &asset));
    TRY(need_asset(x, &record, &asset, &index));
    held = balance_of(x, DOMAIN_BASE, &asset, &record.holding);
    if (p->expected_held != EXPECT_NOTHING && p->expected_held != held)
        return fail(x, ERROR_HELD_MISMATCH, "the channel holds %" PRIu64 " %s, not %" PRIu64, held,
                    asset.symbol, p->expected_held);
    TRY(need_use(x, &record, index, held, p->amount));
    TRY(balance_move(x, DOMAIN_BASE, &asset, &from, &record.holding, p->amount, NULL));
    writer_object_begin(result);
    writer_member_unsigned(result, "held", held + p->amount);
    writer_object_end(result);
    channel_changed(x, &p->channel);
    return event_channel_deposited(x, &(struct event_channel_deposited){
        .channel = p->channel, .from = from, .asset = asset.symbol, .amount = p->amount,
        .held = held + p->amount });
}

/* --- channel.challenge, channel.checkpoint ---------------------------------------------------- */
struct challenge {
    struct hash channel;
    struct param_list states;
    struct account_id challenger;
    struct bytes signature;
    struct proof *proof; /* by the check */
};

static const struct param challenge_params[] = {
    PARAM(struct challenge, channel, HASH, REQUIRED, "its id"),
    STATES_PARAM(struct challenge, states, REQUIRED,
                 "{state, signatures}, oldest first, that support the last"),
    PARAM(struct challenge, challenger, ACCOUNT, REQUIRED, "the participant who challenges"),
    PARAM(struct challenge, signature, BYTES, REQUIRED, "his signature over the challenge, 64 bytes as hex",
          .most = 64),
};

static enum status check_challenge(const struct check *check, void *params, struct arena *arena,
                                   struct error *error)
{
    struct challenge *p = params;
    struct signature_param signature = { .key = p->challenger, .signature = p->signature };
    struct hash hash;

    (void)check;
    TRY(proof_check(&p->channel, &p->states, arena, &p->proof, error));
    channel_challenge_hash(&p->channel, &p->proof->items[p->proof->count - 1].hash, &hash);
    return signature_check(&signature, &hash, "challenge", error);
}

/* The event of a proved cheat, when the rule has just found one. */
static enum status tell_cheat(struct execution *x, const struct channel_record *record,
                              const struct adjudication *before, uint64_t turn)
{
    uint32_t new_one = record->a.cheaters & ~before->cheaters;

    if (new_one == 0)
        return OK;
    return event_channel_cheated(x, &(struct event_channel_cheated){
        .channel = record->id, .cheater = record->fixed.participants[__builtin_ctz(new_one)],
        .challenged = before->challenge_turn, .turn = turn, .penalty_ppm = record->fixed.penalty_ppm });
}

/* The channel's end is due at another chain time than before, or no more. */
static void move_deadline(struct execution *x, const struct channel_record *record)
{
    struct bytes subject = bytes_of(record->id.bytes, sizeof(record->id.bytes));

    if (record->a.finalizes_at_us == NEVER_US || record->is_settled)
        deadline_clear(x, CHANNEL_FINALIZED_DEADLINE, subject);
    else
        deadline_set(x, CLOCK_CHAIN, record->a.finalizes_at_us, CHANNEL_FINALIZED_DEADLINE, subject);
}

static void keep(struct execution *x, struct channel_record *record, const struct channel_state *state)
{
    if (!record->is_settled) /* else the state that it ended with stays */
        record->state = *state;
    record_write(execution_database(x), record);
    move_deadline(x, record);
    channel_changed(x, &record->id);
}

static void answer_record(struct writer *result, const struct channel_record *record)
{
    writer_object_begin(result);
    writer_member_unsigned(result, "turn", record->a.turn_record);
    if (record->a.finalizes_at_us != NEVER_US)
        writer_member_integer(result, "finalizes_us", record->a.finalizes_at_us);
    writer_object_end(result);
}

static enum status challenge(struct execution *x, const void *params, struct writer *result)
{
    const struct challenge *p = params;
    struct arena arena CLEANUP(arena_close);
    struct signed_state states[PROOF_STATES_MAX], *last = &states[p->proof->count - 1];
    struct channel_record record;
    struct adjudication before;
    struct error error;
    enum status status;

    arena_init(&arena);
    TRY(record_need(x, &p->channel, &arena, &record));
    before = record.a;
    status = proof_match(&record.fixed, p->proof, states, &error);
    if (status == OK)
        status = rules_challenge(application_of(&record), &record.fixed, states, p->proof->count,
                                 channel_participant(&record.fixed, &p->challenger), execution_chain_time(x),
                                 &record.a, &error);
    if (status != OK)
        return refuse(x, status, &error);
    keep(x, &record, &last->state);
    answer_record(result, &record);
    TRY(tell_cheat(x, &record, &before, last->state.turn));
    return event_channel_challenged(x, &(struct event_channel_challenged){
        .channel = record.id, .turn = last->state.turn, .challenger = p->challenger,
        .finalizes_us = record.a.finalizes_at_us, .state = last->hash });
}

struct checkpoint {
    struct hash channel;
    struct param_list states;
    struct proof *proof; /* by the check */
};

static const struct param checkpoint_params[] = {
    PARAM(struct checkpoint, channel, HASH, REQUIRED, "its id"),
    STATES_PARAM(struct checkpoint, states, REQUIRED,
                 "{state, signatures}, oldest first, that support the last"),
};

static enum status check_checkpoint(const struct check *check, void *params, struct arena *arena,
                                    struct error *error)
{
    struct checkpoint *p = params;

    (void)check;
    return proof_check(&p->channel, &p->states, arena, &p->proof, error);
}

static enum status tell_checkpoint(struct execution *x, const struct channel_record *record,
                                   const struct signed_state *last, bool cleared)
{
    if (cleared)
        return event_channel_cleared(x, &(struct event_channel_cleared){
            .channel = record->id, .turn = last->state.turn, .state = last->hash });
    return event_channel_checkpointed(x, &(struct event_channel_checkpointed){
        .channel = record->id, .turn = last->state.turn, .state = last->hash });
}

static enum status checkpoint(struct execution *x, const void *params, struct writer *result)
{
    const struct checkpoint *p = params;
    struct arena arena CLEANUP(arena_close);
    struct signed_state states[PROOF_STATES_MAX], *last = &states[p->proof->count - 1];
    struct channel_record record;
    struct adjudication before;
    struct error error;
    enum status status;
    bool cleared = false;

    arena_init(&arena);
    TRY(record_need(x, &p->channel, &arena, &record));
    before = record.a;
    status = proof_match(&record.fixed, p->proof, states, &error);
    if (status == OK)
        status = rules_checkpoint(application_of(&record), &record.fixed, states, p->proof->count,
                                  execution_chain_time(x), &record.a, &cleared, &error);
    if (status != OK)
        return refuse(x, status, &error);
    keep(x, &record, &last->state);
    answer_record(result, &record);
    TRY(tell_cheat(x, &record, &before, last->state.turn));
    return tell_checkpoint(x, &record, last, cleared);
}

/* --- channel.conclude ------------------------------------------------------------------------- */
struct conclude {
    struct hash channel;
    struct bytes state;
    struct param_list signatures;
    struct proof *proof; /* by the check */
};

static const struct param conclude_params[] = {
    PARAM(struct conclude, channel, HASH, REQUIRED, "its id"),
    PARAM(struct conclude, state, BYTES, REQUIRED, "a final state's encoding as hex",
          .most = CHANNEL_ENCODING_MAX),
    SIGNATURES_PARAM(struct conclude, signatures, REQUIRED, "{key, signature} of every participant"),
};

static enum status check_conclude(const struct check *check, void *params, struct arena *arena,
                                  struct error *error)
{
    struct conclude *p = params;

    (void)check;
    return proof_check_one(&p->channel, p->state, &p->signatures, arena, &p->proof, error);
}

static enum status conclude(struct execution *x, const void *params, struct writer *result)
{
    const struct conclude *p = params;
    struct arena arena CLEANUP(arena_close);
    struct signed_state states[PROOF_STATES_MAX];
    struct channel_record record;
    struct error error;
    enum status status;

    arena_init(&arena);
    TRY(record_need(x, &p->channel, &arena, &record));
    status = proof_match(&record.fixed, p->proof, states, &error);
    if (status == OK)
        status = rules_conclude(&record.fixed, &states[0], execution_chain_time(x), &record.a, &error);
    if (status != OK)
        return refuse(x, status, &error);
    record.state = states[0].state;
    deadline_clear(x, CHANNEL_FINALIZED_DEADLINE, bytes_of(record.id.bytes, sizeof(record.id.bytes)));
    answer_record(result, &record);
    return channel_settle(x, &record, &arena, "concluded");
}

/* --- channel.withdraw ------------------------------------------------------------------------- */
struct payment {
    uint64_t asset, amount;
    struct account_id to;
};

static const struct param payment_params[] = {
    PARAM(struct payment, asset, INTEGER, REQUIRED, "which of the channel's assets: 0, 1, …"),
    PARAM(struct payment, amount, AMOUNT, REQUIRED, "in the asset's smallest unit"),
    PARAM(struct payment, to, ACCOUNT, REQUIRED, "who receives"),
};

struct withdraw {
    struct hash channel;
    struct bytes state;
    struct param_list payments, signatures;
    struct proof *proof;           /* by the check, as the next */
    struct allocation *allocations;
};

static const struct param withdraw_params[] = {
    PARAM(struct withdraw, channel, HASH, REQUIRED, "its id"),
    PARAM(struct withdraw, state, BYTES, REQUIRED, "encoding of the state with which it goes on, as hex",
          .most = CHANNEL_ENCODING_MAX),
    PARAM(struct withdraw, payments, LIST, REQUIRED, "1 … 64 of {asset, amount, to}", .most = 64,
          .items = payment_params, .item_params = COUNT_OF(payment_params),
          .item_size = sizeof(struct payment)),
    SIGNATURES_PARAM(struct withdraw, signatures, REQUIRED,
                     "{key, signature} of every participant over the withdrawal"),
};

/* All sign the state and the payments at once: by one hash. */
static enum status check_withdraw(const struct check *check, void *params, struct arena *arena,
                                  struct error *error)
{
    static const struct param_list none;
    struct withdraw *p = params;
    const struct payment *payments = p->payments.items;
    struct hash hash;

    (void)check;
    TRY(proof_check_one(&p->channel, p->state, &none, arena, &p->proof, error));
    p->allocations = arena_new(arena, p->payments.count * sizeof(*p->allocations));
    for (size_t i = 0; i < p->payments.count; i++) {
        if (payments[i].asset >= CHANNEL_ASSETS_MAX)
            return error_set(error, ERROR_INVALID_PARAMS, "payments: an asset's number is at most 7");
        p->allocations[i] = (struct allocation){ .asset = (unsigned)payments[i].asset,
                                                 .amount = payments[i].amount, .account = payments[i].to };
    }
    channel_withdrawal_hash(&p->channel, &p->proof->items[0].hash, p->allocations, p->payments.count, &hash);
    return signatures_check(&p->signatures, &hash, error);
}

static enum status match_withdrawal(const struct channel_record *record, const struct withdraw *p,
                                    struct signed_state *state, struct error *error)
{
    for (size_t i = 0; i < p->payments.count; i++) {
        if (p->allocations[i].asset >= record->fixed.asset_count)
            return error_set(error, ERROR_INVALID_PARAMS, "payment %zu: the channel has %zu assets", i,
                             record->fixed.asset_count);
    }
    TRY(proof_match(&record->fixed, p->proof, state, error));
    return signers_match(record->fixed.participants, record->fixed.participant_count, &p->signatures,
                         &state->signed_by, error);
}

static enum status withdraw(struct execution *x, const void *params, struct writer *result)
{
    const struct withdraw *p = params;
    struct arena arena CLEANUP(arena_close);
    struct buffer json CLEANUP(buffer_close) = { 0 };
    struct signed_state states[PROOF_STATES_MAX];
    uint64_t holdings[CHANNEL_ASSETS_MAX];
    struct channel_record record;
    struct error error;
    enum status status;

    arena_init(&arena);
    TRY(record_need(x, &p->channel, &arena, &record));
    TRY(holdings_read(x, &record, holdings));
    status = match_withdrawal(&record, p, states, &error);
    if (status == OK && record.is_settled)
        status = rules_withdraw_rest(&record.fixed, &states[0], p->allocations, p->payments.count,
                                     &record.outcome, holdings, &record.a, &error);
    else if (status == OK)
        status = rules_withdraw(&record.fixed, &states[0], p->allocations, p->payments.count, holdings,
                                execution_chain_time(x), &record.a, &error);
    if (status != OK)
        return refuse(x, status, &error);
    TRY(channel_pay_simple(x, &record, p->allocations, p->payments.count, &json));
    keep(x, &record, &states[0].state);
    answer_record(result, &record);
    return event_channel_withdrawn(x, &(struct event_channel_withdrawn){
        .channel = record.id, .turn = states[0].state.turn, .payments = buffer_bytes(&json) });
}

/* --- the module ------------------------------------------------------------------------------- */
#define EXAMPLE_ID "4bb06f8e4e3a7715d201d573d0aa423762e55dabd61a2c02278fa56cc6d294e0"

static const struct command commands[] = {
    { "channel.register", SCOPE_BASE, ACCESS_SIGNED, register_, check_register,
      PARAMS(struct registration, register_params),
      .help = "Make a channel known to the ledger, so that it can hold funds; anybody may, once is enough.",
      .result = "its id" },
    { "channel.deposit", SCOPE_BASE, ACCESS_SIGNED, deposit, PARAMS(struct deposit, deposit_params),
      .help = "Pay into a channel, to fund it or to add to what it holds.", .result = "what it holds then",
      .example = "from=alice channel=" EXAMPLE_ID " asset=DEV amount=5000000" },
    { "channel.challenge", SCOPE_BASE, ACCESS_SIGNED, challenge, check_challenge,
      PARAMS(struct challenge, challenge_params),
      .help = "Bring a state before the ledger: the channel ends with it unless a newer one comes in time.",
      .result = "turn on record, and when the channel ends" },
    { "channel.checkpoint", SCOPE_BASE, ACCESS_SIGNED, checkpoint, check_checkpoint,
      PARAMS(struct checkpoint, checkpoint_params),
      .help = "Put a newer state on record; a challenge with an older one is over.",
      .result = "turn on record" },
    { "channel.conclude", SCOPE_BASE, ACCESS_SIGNED, conclude, check_conclude,
      PARAMS(struct conclude, conclude_params),
      .help = "End a channel at once with a final state that all signed, and pay it out.",
      .result = "turn on record" },
    { "channel.withdraw", SCOPE_BASE, ACCESS_SIGNED, withdraw, check_withdraw,
      PARAMS(struct withdraw, withdraw_params),
      .help = "Take value out of a channel that goes on, as all participants signed.",
      .result = "turn on record" },
    { "channel.transfer", SCOPE_BASE, ACCESS_SIGNED, channel_transfer, check_transfer,
      PARAMS(struct transfer, transfer_params),
      .help = "Pay what a finalized channel still owes, as far as its holdings allow.",
      .result = "how many entries got something", .example = "from=alice channel=" EXAMPLE_ID },
    { "channel.reclaim", SCOPE_BASE, ACCESS_SIGNED, channel_reclaim, PARAMS(struct reclaim, reclaim_params),
      .help = "Bring a guarantee home from a finalized channel, and pay what it gives.",
      .result = "nothing more" },
    { "channel.reveal", SCOPE_BASE, ACCESS_SIGNED, channel_reveal, PARAMS(struct reveal, reveal_params),
      .help = "Show a preimage to the ledger: every hash-lock that waits for it is paid at once.",
      .result = "its hash",
      .example = "from=bob preimage=0000000000000000000000000000000000000000000000000000000000000000" },
    { "channel.open_case", SCOPE_BASE, ACCESS_SIGNED, open_case, PARAMS(struct open_case, open_case_params),
      .help = "Ask the channel's arbiters about the state on record.",
      .result = "until when evidence is taken, and when the channel ends without an award" },
    { "channel.evidence", SCOPE_BASE, ACCESS_SIGNED, evidence, PARAMS(struct evidence, evidence_params),
      .help = "Give evidence in an open case.", .result = "its number" },
    { "channel.award", SCOPE_BASE, ACCESS_SIGNED, award, check_award, PARAMS(struct award, award_params),
      .help = "End a channel as its arbiters decided, within the bounds that its fixed part sets.",
      .result = "turn that was judged on" },
};

static const struct deadline_kind deadlines[] = {
    { CHANNEL_FINALIZED_DEADLINE, channel_timeout, "A challenge that nobody answered ends its channel." },
    { CHANNEL_HASHLOCK_DEADLINE, channel_hashlock_expire,
      "A hash-lock whose preimage never came goes back." },
    { CHANNEL_UNLOCK_DEADLINE, channel_unlock_rest,
      "More channels than one command pays have hash-locks of one preimage." },
};

static const char *const base_tables[] = { "channel",       "channel_participant", "channel_hashlock",
                                           "preimage",      "channel_case",        "channel_evidence",
                                           NULL };

const struct module channel_module = {
    .name = "channel",
    .help = "State channels: their funds, disputes, ends and arbitration on the base ledger.",
    COMMANDS(commands),
    .queries = channel_queries,
    .query_count = CHANNEL_QUERIES,
    DEADLINES(deadlines),
    .invariants = channel_invariants,
    .invariant_count = CHANNEL_INVARIANTS,
    .base_tables = base_tables,
};
