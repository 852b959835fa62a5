/* Arbitration: see arbitration.h. The bounds stand in rules.c. */
#include "layer2/channel/arbitration.h"

#include <inttypes.h>
#include <string.h>

#include "base/json.h"
#include "base/writer.h"

static void write_deadline(struct execution *x, const struct channel_record *record)
{
    deadline_set(x, CLOCK_CHAIN, record->a.finalizes_at_us, CHANNEL_FINALIZED_DEADLINE,
                 bytes_of(record->id.bytes, sizeof(record->id.bytes)));
}

/* --- channel.open_case ------------------------------------------------------------------------ */
const struct param open_case_params[2] = {
    PARAM(struct open_case, channel, HASH, REQUIRED, "its id"),
    PARAM(struct open_case, claim, TEXT, REQUIRED, "what you say, up to 1,024 bytes", .most = CLAIM_MAX),
};

enum status open_case(struct execution *x, const void *params, struct writer *result)
{
    const struct open_case *p = params;
    struct account_id opener = execution_account(x);
    struct arena arena CLEANUP(arena_close);
    struct channel_record record;
    struct error error;
    enum status status;

    arena_init(&arena);
    TRY(record_need(x, &p->channel, &arena, &record));
    status = rules_open_case(&record.fixed, channel_participant(&record.fixed, &opener),
                             execution_chain_time(x), &record.a, &error);
    if (status != OK)
        return refuse(x, status, &error);
    record_write(execution_database(x), &record);
    record_case_insert(execution_database(x), &record.id, &opener, p->claim, execution_next_seq(x));
    write_deadline(x, &record);
    channel_changed(x, &record.id);
    writer_object_begin(result);
    writer_member_integer(result, "evidence_until_us", record.a.evidence_until_us);
    writer_member_integer(result, "finalizes_us", record.a.finalizes_at_us);
    writer_object_end(result);
    return event_channel_case_opened(x, &(struct event_channel_case_opened){
        .channel = record.id, .opener = opener, .claim = p->claim,
        .evidence_until_us = record.a.evidence_until_us, .finalizes_us = record.a.finalizes_at_us });
}

/* --- channel.evidence ------------------------------------------------------------------------- */
const struct param evidence_params[2] = {
    PARAM(struct evidence, channel, HASH, REQUIRED, "its id"),
    PARAM(struct evidence, body, BYTES, REQUIRED,
          "what shows it, as hex: a signed message, a document's hash", .most = EVIDENCE_MAX),
};

enum status evidence(struct execution *x, const void *params, struct writer *result)
{
    const struct evidence *p = params;
    struct account_id from = execution_account(x);
    struct arena arena CLEANUP(arena_close);
    struct channel_record record;
    struct error error;
    enum status status;
    uint64_t number, share;

    arena_init(&arena);
    TRY(record_need(x, &p->channel, &arena, &record));
    if (channel_participant(&record.fixed, &from) < 0)
        return fail(x, ERROR_NOT_A_PARTICIPANT, "only participants give evidence");
    status = rules_evidence(&record.a, execution_chain_time(x), &error);
    if (status != OK)
        return refuse(x, status, &error);
    share = EVIDENCE_COUNT_MAX / record.fixed.participant_count;
    if (record_evidence_of(execution_database(x), &record.id, &from) >= share)
        return fail(x, ERROR_LIMIT, "a case takes %" PRIu64 " pieces of evidence of each participant", share);
    number = record_evidence_insert(execution_database(x), &record.id, &from, p->body, execution_next_seq(x));
    writer_object_begin(result);
    writer_member_unsigned(result, "number", number);
    writer_object_end(result);
    return event_channel_evidence_given(x, &(struct event_channel_evidence_given){
        .channel = record.id, .account = from, .number = number, .size = p->body.size });
}

/* --- channel.award ---------------------------------------------------------------------------- */
const struct param award_params[4] = {
    PARAM(struct award, channel, HASH, REQUIRED, "its id"),
    PARAM(struct award, state, BYTES, REQUIRED,
          "encoding of the state on record's turn with the outcome that the arbiters give, as hex",
          .most = CHANNEL_ENCODING_MAX),
    PARAM(struct award, fees, JSON, OPTIONAL,
          "what the arbiters take, one amount for each asset; nothing "
          "when absent",
          .most = 512),
    SIGNATURES_PARAM(struct award, signatures, REQUIRED,
                     "{key, signature} of enough arbiters over the award"),
};

static enum status read_fees(struct award *p, struct error *error)
{
    json_t *json AUTO_JSON = NULL;
    const json_t *item;
    size_t i;

    if (p->fees.data == NULL)
        return OK;
    TRY(json_parse((const char *)p->fees.data, p->fees.size, &json, error));
    if (!json_is_array(json) || json_array_size(json) > CHANNEL_ASSETS_MAX)
        return error_set(error, ERROR_INVALID_PARAMS, "fees: a list of at most 8 amounts is expected");
    json_array_foreach (json, i, item) {
        if (!json_is_integer(item) || json_integer_value(item) < 0 ||
            (uint64_t)json_integer_value(item) > INTEGER_MAX)
            return error_set(error, ERROR_INVALID_PARAMS, "fees: number %zu is no amount", i);
        p->amounts[i] = (uint64_t)json_integer_value(item);
    }
    p->amount_count = json_array_size(json);
    return OK;
}

enum status check_award(const struct check *check, void *params, struct arena *arena, struct error *error)
{
    static const struct param_list none;
    struct award *p = params;
    struct hash hash;

    (void)check;
    TRY(read_fees(p, error));
    TRY(proof_check_one(&p->channel, p->state, &none, arena, &p->proof, error));
    channel_award_hash(&p->channel, &p->proof->items[0].state, p->amounts, p->amount_count, &hash);
    return signatures_check(&p->signatures, &hash, error);
}

/* The award's outcome with the fees in equal parts for those who take them, what does not divide to the
 * first. */
static void add_fees(const struct channel_fixed *fixed, const struct award *p, uint32_t takers,
                     struct channel_state *outcome)
{
    uint64_t parts = (uint64_t)__builtin_popcount(takers);

    for (unsigned asset = 0; asset < fixed->asset_count; asset++) {
        uint64_t rest = p->amounts[asset] % parts;

        for (size_t i = 0; i < fixed->arbiter_count && p->amounts[asset] > 0; i++) {
            if ((takers >> i & 1) == 0)
                continue;
            channel_outcome_add(outcome, &(struct allocation){ .kind = ALLOCATION_SIMPLE, .asset = asset,
                                                               .amount = p->amounts[asset] / parts + rest,
                                                               .account = fixed->arbiters[i] });
            rest = 0;
        }
    }
}

static enum status judge(struct execution *x, const struct award *p, struct channel_record *record,
                         uint32_t *takers, struct error *error)
{
    struct signed_state states[PROOF_STATES_MAX];
    uint64_t holdings[CHANNEL_ASSETS_MAX];
    uint32_t signers = 0;

    if (p->amount_count != 0 && p->amount_count != record->fixed.asset_count)
        return error_set(error, ERROR_INVALID_PARAMS, "fees: the channel has %zu assets",
                         record->fixed.asset_count);
    TRY(holdings_read(x, record, holdings));
    TRY(proof_match(&record->fixed, p->proof, states, error));
    TRY(signers_match(record->fixed.arbiters, record->fixed.arbiter_count, &p->signatures, &signers, error));
    TRY(rules_award(&record->fixed, &record->state, &states[0].state, p->amounts, holdings, signers,
                    execution_chain_time(x), &record->a, error));
    TRY(rules_fee_takers(&record->fixed, &states[0].state, takers, error));
    record->state = states[0].state;
    return OK;
}

/* A copy with room for the fees' entries. */
static enum status make_outcome(struct channel_record *record, const struct award *p, uint32_t takers,
                                struct arena *arena, struct error *error)
{
    size_t most = record->state.allocation_count + (size_t)CHANNEL_ARBITERS_MAX * CHANNEL_ASSETS_MAX;
    struct allocation *all = arena_new(arena, most * sizeof(*all));

    memcpy(all, record->state.allocations, record->state.allocation_count * sizeof(*all));
    record->state.allocations = all;
    add_fees(&record->fixed, p, takers, &record->state);
    if (record->state.allocation_count > CHANNEL_ALLOCATIONS_MAX)
        return error_set(error, ERROR_AWARD_OUT_OF_BOUNDS, "award and fees are over 1,024 entries");
    return OK;
}

static void write_fees(const struct award *p, struct buffer *json)
{
    struct writer w;

    writer_init(&w, json);
    writer_array_begin(&w);
    for (size_t i = 0; i < p->amount_count; i++)
        writer_unsigned(&w, p->amounts[i]);
    writer_array_end(&w);
}

enum status award(struct execution *x, const void *params, struct writer *result)
{
    const struct award *p = params;
    struct arena arena CLEANUP(arena_close);
    struct buffer fees CLEANUP(buffer_close) = { 0 };
    struct channel_record record;
    struct error error;
    uint32_t takers = 0;
    enum status status;

    arena_init(&arena);
    TRY(record_need(x, &p->channel, &arena, &record));
    status = judge(x, p, &record, &takers, &error);
    if (status == OK)
        status = make_outcome(&record, p, takers, &arena, &error);
    if (status != OK)
        return refuse(x, status, &error);
    write_fees(p, &fees);
    record_case_award(execution_database(x), &record.id, p->state, buffer_bytes(&fees));
    deadline_clear(x, CHANNEL_FINALIZED_DEADLINE, bytes_of(record.id.bytes, sizeof(record.id.bytes)));
    writer_object_begin(result);
    writer_member_unsigned(result, "turn", record.a.turn_record);
    writer_object_end(result);
    TRY(event_channel_awarded(x, &(struct event_channel_awarded){
        .channel = record.id, .turn = record.state.turn, .fees = buffer_bytes(&fees) }));
    return channel_settle(x, &record, &arena, "award");
}
