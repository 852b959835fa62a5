/* Proofs of the network "state-channel": a state with its signatures, {"type": "channel-state", "channel": …,
 * "fixed": …, "states": …} as channel.export has them. Nothing is believed: the id follows from the fixed
 * part, every signature is verified, and the application says whether they are enough. Of two such states the
 * one with the higher turn counts; so a state that is outdone proves nothing. */
#include <inttypes.h>
#include <string.h>

#include "base/writer.h"
#include "kernel/param.h"
#include "layer2/channel/network_client.h"
#include "layer2/channel/party.h"

static const char *const types[] = { "channel-state", NULL };

struct claim {
    const char *type;
    struct hash channel;
    struct bytes fixed;
    struct param_list states;
};
static const struct param claim_params[] = {
    PARAM(struct claim, type, CHOICE, REQUIRED, "what is claimed", .choices = types),
    PARAM(struct claim, channel, HASH, REQUIRED, "its id"),
    PARAM(struct claim, fixed, BYTES, OPTIONAL, "its fixed part; absent: this node knows the channel",
          .most = CHANNEL_ENCODING_MAX),
    STATES_PARAM(struct claim, states, OPTIONAL,
                 "{state, signatures}, oldest first; absent: what counts on this node"),
};

/* What a judgement is about, and what this node knows of it. */
struct judged {
    const struct claim *claim;
    struct channel_fixed fixed;
    struct hash hash;            /* of the newest claimed state */
    const struct channel_state *state;
    bool is_local, is_on_ledger;
    struct local_channel local;
    struct channel_record record;
};

static enum status decide(struct network_verdict *verdict, enum proof_verdict what, const char *reason)
{
    verdict->verdict = what;
    verdict->anchor = what == PROOF_UNVERIFIABLE ? ANCHOR_NONE : ANCHOR_SIGNATURE;
    verdict->reason = reason;
    return OK;
}

static enum status read_claim(struct channel_client *client, struct network_call *call, const char *text,
                              const struct claim **claim)
{
    json_t *json AUTO_JSON = NULL;
    void *parsed;

    if (json_parse(text, strlen(text), &json, &call->error) != OK ||
        params_parse(claim_params, COUNT_OF(claim_params), sizeof(struct claim), json,
                     kernel_chain(client->kernel), call->arena, &parsed, &call->error) != OK)
        return call->error.code = ERROR_INVALID_PARAMS;
    *claim = parsed;
    return OK;
}

static enum status look_up(struct channel_client *client, struct network_call *call, struct judged *j)
{
    struct database *reader;

    TRY(client_read(client, &reader, &call->error));
    j->is_local = local_read(reader, &j->claim->channel, call->arena, &j->local);
    j->is_on_ledger = record_read(reader, &j->claim->channel, call->arena, &j->record);
    return client_read_done(client, reader, &call->error);
}

/* False: `verdict` says why. */
static bool has_fixed(struct network_call *call, struct judged *j, struct network_verdict *verdict)
{
    struct error error;
    struct hash id;

    if (j->claim->fixed.size == 0) {
        if (j->is_local)
            j->fixed = j->local.fixed;
        else if (j->is_on_ledger)
            j->fixed = j->record.fixed;
        else
            (void)decide(verdict, PROOF_UNVERIFIABLE,
                         "this node does not know the channel, and its fixed part is not given");
        return j->is_local || j->is_on_ledger;
    }
    if (channel_fixed_decode(j->claim->fixed, call->arena, &j->fixed, &error) != OK) {
        (void)decide(verdict, PROOF_INVALID, client_text(call, "fixed: %s", error.message));
        return false;
    }
    channel_id(&j->fixed, &id);
    if (!hash_equal(&id, &j->claim->channel)) {
        (void)decide(verdict, PROOF_INVALID, "fixed: the channel's id is another one");
        return false;
    }
    return true;
}

/* Signatures, participants, and that they are enough. False: `verdict` says why. */
static bool is_supported(struct network_call *call, struct judged *j, struct network_verdict *verdict)
{
    struct signed_state *states = arena_new(call->arena, PROOF_STATES_MAX * sizeof(*states));
    const struct application *application;
    struct proof *proof;
    struct error error;
    size_t last;

    if (application_find(j->fixed.application, &application, &error) != OK) {
        (void)decide(verdict, PROOF_UNVERIFIABLE, client_text(call, "%s", error.message));
        return false;
    }
    if (j->claim->states.count == 0 ||
        proof_check(&j->claim->channel, &j->claim->states, call->arena, &proof, &error) != OK ||
        proof_match(&j->fixed, proof, states, &error) != OK ||
        application_supported(application, &j->fixed, states, proof->count, &error) != OK) {
        const char *what = j->claim->states.count == 0 ? "states: none is given" : error.message;

        (void)decide(verdict, PROOF_INVALID, client_text(call, "%s", what));
        return false;
    }
    last = proof->count - 1;
    if (channel_state_check(&j->fixed, &states[last].state, &error) != OK) {
        (void)decide(verdict, PROOF_INVALID, client_text(call, "%s", error.message));
        return false;
    }
    j->state = &states[last].state;
    j->hash = states[last].hash;
    return true;
}

/* An award ends a channel with another state of the same turn. */
static bool is_end(const struct judged *j)
{
    struct hash hash;

    if (!j->record.a.has_outcome || j->record.a.turn_record != j->state->turn)
        return false;
    channel_state_hash(&j->record.id, &j->record.state, &hash);
    return hash_equal(&hash, &j->hash);
}

/* The rule of the higher turn, as far as this node has seen the channel. */
static bool is_outdone(struct network_call *call, const struct judged *j, struct network_verdict *verdict)
{
    uint64_t turn = j->state->turn;

    if (j->is_on_ledger && j->record.is_settled && !is_end(j))
        (void)decide(verdict, PROOF_INVALID,
                     client_text(call, "it is signed, but the ledger ended the channel with another state, "
                                       "of turn %" PRIu64, j->record.a.turn_record));
    else if (j->is_on_ledger && j->record.a.turn_record > turn)
        (void)decide(verdict, PROOF_INVALID,
                     client_text(call, "a higher turn outdoes it: the ledger has turn %" PRIu64,
                                 j->record.a.turn_record));
    else if (j->is_local && j->local.has_supported && j->local.supported.state.turn > turn)
        (void)decide(verdict, PROOF_INVALID,
                     client_text(call, "a higher turn outdoes it: all signed turn %" PRIu64,
                                 j->local.supported.state.turn));
    else
        return false;
    return true;
}

static enum status judge(struct channel_client *client, struct network_call *call, const struct claim *claim,
                         struct judged *j, struct network_verdict *verdict, bool *holds)
{
    *holds = false;
    j->claim = claim;
    TRY(look_up(client, call, j));
    if (!has_fixed(call, j, verdict) || !is_supported(call, j, verdict) || is_outdone(call, j, verdict))
        return OK;
    *holds = true;
    return OK;
}

static const char *outcome_details(struct network_call *call, const struct judged *j)
{
    struct buffer text CLEANUP(buffer_close) = { 0 };
    struct hash outcome;
    struct writer w;

    channel_outcome_hash(&j->claim->channel, j->state, &outcome);
    writer_init(&w, &text);
    writer_object_begin(&w);
    writer_member_unsigned(&w, "turn", j->state->turn);
    writer_member_boolean(&w, "final", j->state->final);
    writer_member_hex(&w, "hash", j->hash.bytes, sizeof(j->hash.bytes));
    writer_member_hex(&w, "outcome", outcome.bytes, sizeof(outcome.bytes));
    writer_object_end(&w);
    writer_finish(&w);
    return client_copy(call, &text);
}

enum status channel_network_verify(void *context, struct network_call *call, const char *text,
                                   struct network_verdict *verdict)
{
    struct channel_client *client = context;
    struct judged *j = arena_new(call->arena, sizeof(*j));
    const struct claim *claim;
    bool holds;

    TRY(read_claim(client, call, text, &claim));
    TRY(judge(client, call, claim, j, verdict, &holds));
    if (!holds)
        return OK;
    verdict->details = outcome_details(call, j);
    if (strcmp(j->fixed.chain, kernel_chain(client->kernel)) != 0)
        return decide(verdict, PROOF_UNVERIFIABLE,
                      client_text(call, "the signatures are good; the channel is of the chain %s, and "
                                        "whether a higher turn is there cannot be told here",
                                  j->fixed.chain));
    return decide(verdict, PROOF_VALID,
                  "who must sign has signed channel, turn and outcome; a state with a higher turn would "
                  "outdo it, and this node knows of none");
}

/* --- claims about the state --------------------------------------------------------------------- */
static uint64_t held(struct database *reader, const struct channel_record *record, unsigned asset)
{
    struct statement *s = statement(reader, "SELECT amount FROM balance WHERE domain = 0 AND account = ?"
                                            " AND asset = ?");
    uint64_t amount = 0;

    bind_blob(s, record->holding.bytes, sizeof(record->holding.bytes));
    bind_blob(s, record->fixed.assets[asset].bytes, sizeof(record->fixed.assets[asset].bytes));
    if (statement_row(s)) {
        amount = (uint64_t)column_integer(s, "amount");
        statement_finish(s);
    }
    return amount;
}

/* NULL: everything that the state gives is there. */
static const char *what_lacks(struct network_call *call, struct database *reader, const struct judged *j)
{
    for (unsigned asset = 0; asset < j->fixed.asset_count; asset++) {
        uint64_t given = 0, there = 0;

        if (!(j->is_local && j->local.parent_count > 0))
            there = held(reader, &j->record, asset);
        else if (!channel_outcome_total(&j->local.supported.state, asset, &there))
            return "the outcome that counts here adds up to more than an amount can be";
        if (!channel_outcome_total(j->state, asset, &given))
            return "the outcome adds up to more than an amount can be";
        if (given > there)
            return client_text(call, "asset %u: the outcome gives %" PRIu64 ", and %" PRIu64 " is there",
                               asset, given, there);
    }
    return NULL;
}

static enum status judge_funds(struct channel_client *client, struct network_call *call,
                               const struct judged *j, struct network_verdict *verdict)
{
    bool has_parents = j->is_local && j->local.parent_count > 0;
    struct database *reader;
    const char *lacking;

    if (!j->is_on_ledger && !has_parents)
        return decide(verdict, PROOF_UNVERIFIABLE,
                      "signed well; the ledger does not know the channel, so that nothing says "
                      "what is paid in");
    if (j->is_on_ledger && j->record.is_settled)
        return decide(verdict, PROOF_VALID, "the ledger ended the channel with this state");
    TRY(client_read(client, &reader, &call->error));
    lacking = what_lacks(call, reader, j);
    TRY(client_read_done(client, reader, &call->error));
    if (lacking != NULL)
        return decide(verdict, PROOF_INVALID, lacking);
    if (j->is_on_ledger && j->record.a.finalizes_at_us != NEVER_US &&
        j->record.a.turn_record < j->state->turn)
        return decide(verdict, PROOF_VALID,
                      client_text(call, "signed, and covered by what is held; but a challenge with turn "
                                        "%" PRIu64 " ends the channel at %" PRId64 " us of chain time "
                                        "unless this state is brought",
                                  j->record.a.turn_record, j->record.a.finalizes_at_us));
    return decide(verdict, PROOF_VALID,
                  "signed by who must sign, no higher turn is known, and what it gives is held");
}

/* The fixed part and the newest state with its signatures; NULL: this node has none to show. */
static const char *write_proof(struct network_call *call, struct database *reader,
                               const struct local_channel *c)
{
    struct buffer text CLEANUP(buffer_close) = { 0 };
    struct buffer fixed CLEANUP(buffer_close) = { 0 };
    struct writer w;

    if (!c->has_supported || c->supported.signed_by != application_everyone(&c->fixed))
        return NULL;
    channel_fixed_encode(&c->fixed, &fixed);
    writer_init(&w, &text);
    writer_object_begin(&w);
    writer_member_text(&w, "type", types[0]);
    writer_member_hex(&w, "channel", c->id.bytes, sizeof(c->id.bytes));
    writer_member_hex(&w, "fixed", fixed.data, fixed.size);
    writer_key(&w, "states");
    writer_array_begin(&w);
    writer_object_begin(&w);
    party_write_state(reader, c, &w);
    writer_object_end(&w);
    writer_array_end(&w);
    writer_object_end(&w);
    writer_finish(&w);
    return client_copy(call, &text);
}

static enum status own_proof(struct channel_client *client, struct network_call *call,
                             const struct hash *channel, const char **proof)
{
    struct local_channel *c = arena_new(call->arena, sizeof(*c));
    struct database *reader;
    bool found;

    *proof = NULL;
    TRY(client_read(client, &reader, &call->error));
    found = local_read(reader, channel, call->arena, c);
    if (found)
        *proof = write_proof(call, reader, c);
    TRY(client_read_done(client, reader, &call->error));
    if (*proof == NULL)
        return error_set(&call->error, ERROR_NETWORK_NOT_FOUND,
                         "channel: this node has no state of it with all signatures");
    return OK;
}

enum status channel_network_generate(void *context, struct network_call *call, const char *text,
                                     const char **proof)
{
    struct channel_client *client = context;
    const struct claim *claim;

    TRY(read_claim(client, call, text, &claim));
    if (claim->states.count > 0 || claim->fixed.size > 0)
        return error_set(&call->error, ERROR_INVALID_PARAMS, "claim: type and channel alone are expected");
    return own_proof(client, call, &claim->channel, proof);
}

/* Without states it is about the one that counts on this node, with the signatures that are kept here. */
enum status channel_network_validate(void *context, struct network_call *call, const char *text,
                                     struct network_verdict *verdict)
{
    struct channel_client *client = context;
    struct judged *j = arena_new(call->arena, sizeof(*j));
    const struct claim *claim;
    const char *own;
    bool holds;

    TRY(read_claim(client, call, text, &claim));
    if (claim->states.count == 0) {
        TRY(own_proof(client, call, &claim->channel, &own));
        TRY(read_claim(client, call, own, &claim));
    }
    TRY(judge(client, call, claim, j, verdict, &holds));
    if (!holds)
        return OK;
    verdict->details = outcome_details(call, j);
    return judge_funds(client, call, j, verdict);
}
