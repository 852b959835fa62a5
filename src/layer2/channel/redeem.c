/* Redeeming vouchers: see redeem.h. */
#include "layer2/channel/redeem.h"

#include <inttypes.h>
#include <string.h>

#include "base/bech32.h"
#include "base/json.h"
#include "base/writer.h"
#include "crypto/keystore.h"
#include "kernel/kernel.h"
#include "layer2/channel/commands.h"
#include "layer2/channel/forms.h"
#include "layer2/channel/party.h"
#include "layer2/channel/step.h"
#include "layer2/channel/voucher.h"

#define PAYER VOUCHER_PAYER
#define PAYEE VOUCHER_PAYEE
#define PARTIES VOUCHER_PARTIES
#define KEY_MAX 160
#define REDEEMING_TURN (CHANNEL_TURN_POSTFUND + 1)

const struct param redeem_params[2] = {
    PARAM(struct redeem, channel, HASH, REQUIRED, "its id"),
    PARAM(struct redeem, signer, ACCOUNT, REQUIRED, "the payee, a key of the keystore"),
};

/* --- the redeeming state ---------------------------------------------------------------------- */
/* Turn 2 by the payee alone: turn 1's outcome with the voucher's amount moved, and the voucher as data. */
static void make_state(const struct local_channel *c, uint64_t amount, const struct signature *signature,
                       struct arena *arena, struct signed_state *state)
{
    uint8_t *data = arena_new(arena, 8 + sizeof(signature->bytes));

    state->state = (struct channel_state){ .turn = REDEEMING_TURN, .allocation_count = PARTIES,
                                           .data = bytes_of(data, 8 + sizeof(signature->bytes)) };
    state->state.allocations = arena_new(arena, PARTIES * sizeof(struct allocation));
    memcpy(state->state.allocations, c->supported.state.allocations, PARTIES * sizeof(struct allocation));
    state->state.allocations[PAYER].amount -= amount;
    state->state.allocations[PAYEE].amount += amount;
    put_be64(data, amount);
    memcpy(data + 8, signature->bytes, sizeof(signature->bytes));
    channel_state_hash(&c->id, &state->state, &state->hash);
}

static enum status redeeming_state(struct database *database, const struct local_channel *c,
                                   struct arena *arena, struct signed_state *state, struct error *error)
{
    struct signature signature;
    uint64_t amount;

    TRY(voucher_need(&c->fixed, error));
    if (!voucher_read(database, &c->id, &amount, &signature))
        return error_set(error, ERROR_NOTHING_TO_PAY, "no voucher of this channel is here");
    if (!c->has_supported || c->supported.state.turn != CHANNEL_TURN_POSTFUND ||
        c->supported.signed_by != application_everyone(&c->fixed))
        return error_set(error, ERROR_WRONG_PHASE, "a voucher stands on turn 1 with both signatures");
    if (amount > c->supported.state.allocations[PAYER].amount)
        return error_set(error, ERROR_HOLDINGS_INSUFFICIENT, "the payer has less than the voucher promises");
    make_state(c, amount, &signature, arena, state);
    return OK;
}

static bool may_redeem(enum channel_phase phase)
{
    return phase == PHASE_RUNNING || phase == PHASE_SUSPENDED || phase == PHASE_CLOSING ||
           phase == PHASE_DISPUTE;
}

/* Whether the ledger would still take it, and the payee has signed nothing else with its turn. */
static enum status check_redeemable(struct database *database, const struct local_channel *c,
                                    const struct hash *hash, struct error *error)
{
    struct arena arena CLEANUP(arena_close);
    struct channel_record record;
    struct signature signature;
    struct hash signed_hash;

    arena_init(&arena);
    if (!may_redeem(c->phase))
        return error_set(error, ERROR_WRONG_PHASE, "the channel is %s", channel_phase_name(c->phase));
    if (record_read(database, &c->id, &arena, &record) &&
        (record.is_settled || record.a.turn_record > CHANNEL_TURN_POSTFUND))
        return error_set(error, ERROR_WRONG_PHASE, "the ledger has turn %" PRIu64 " of the channel",
                         record.a.turn_record);
    if (local_signature(database, &c->id, REDEEMING_TURN, PAYEE, &signed_hash, &signature) &&
        !hash_equal(&signed_hash, hash))
        return error_set(error, ERROR_EQUIVOCATION, "the payee has signed another state of turn %d",
                         REDEEMING_TURN);
    return OK;
}

/* --- bringing it ------------------------------------------------------------------------------ */
static void write_redeeming(struct writer *w, const struct signed_state *state,
                            const struct account_id *payee, const struct signature *signature)
{
    struct buffer bytes CLEANUP(buffer_close) = { 0 };

    channel_state_encode(&state->state, &bytes);
    writer_object_begin(w);
    writer_member_hex(w, "state", bytes.data, bytes.size);
    writer_key(w, "signatures");
    writer_array_begin(w);
    signature_write(w, payee, bytes_of(signature->bytes, sizeof(signature->bytes)));
    writer_array_end(w);
    writer_object_end(w);
}

static void write_challenge(struct writer *w, struct database *database, const struct local_channel *c,
                            const struct signed_state *state, const struct signature *redeems,
                            const struct signature *challenges)
{
    char address[ADDRESS_TEXT_MAX];

    address_encode(address, &c->fixed.participants[PAYEE]);
    writer_object_begin(w);
    writer_member_hex(w, "channel", c->id.bytes, sizeof(c->id.bytes));
    writer_key(w, "states");
    writer_array_begin(w);
    writer_object_begin(w);
    party_write_state(database, c, w);
    writer_object_end(w);
    write_redeeming(w, state, &c->fixed.participants[PAYEE], redeems);
    writer_array_end(w);
    writer_member_text(w, "challenger", address);
    writer_member_hex(w, "signature", challenges->bytes, sizeof(challenges->bytes));
    writer_object_end(w);
}

/* The signature is stored before it leaves; with that turn 2 is the payee's last word on it. */
static void bring(struct execution *x, struct local_channel *c, const struct signed_state *state,
                  const struct signature *redeems, const struct signature *challenges)
{
    struct database *database = execution_database(x);
    struct buffer json CLEANUP(buffer_close) = { 0 };
    struct signature present;
    struct hash hash;
    struct writer w;

    if (!local_signature(database, &c->id, REDEEMING_TURN, PAYEE, &hash, &present))
        local_sign(database, &c->id, REDEEMING_TURN, PAYEE, &state->hash, redeems);
    if (c->next_turn <= REDEEMING_TURN)
        c->next_turn = REDEEMING_TURN + 1;
    if (c->has_staged && c->staged.state.turn <= REDEEMING_TURN)
        c->has_staged = false;
    writer_init(&w, &json);
    write_challenge(&w, database, c, state, redeems, challenges);
    party_dispute(x, c, PARTY_REDEEM, buffer_bytes(&json));
}

/* --- channel.redeem --------------------------------------------------------------------------- */
enum status check_redeem(const struct check *check, void *params, struct arena *arena, struct error *error)
{
    static const struct bytes none;
    struct redeem *p = params;
    struct local_channel *c = arena_new(arena, sizeof(*c));
    struct hash challenge;

    if (!local_read(check->database, &p->channel, arena, c))
        return party_unknown(error, &p->channel);
    TRY(redeeming_state(check->database, c, arena, &p->state, error));
    if (!account_equal(&p->signer, &c->fixed.participants[PAYEE]))
        return error_set(error, ERROR_NOT_A_PARTICIPANT, "signer: only the payee redeems");
    p->before = c->supported.hash;
    p->redeems = arena_new(arena, sizeof(*p->redeems));
    p->challenges = arena_new(arena, sizeof(*p->challenges));
    TRY(authority_check(check, &c->fixed, &p->state.hash, &p->signer, none, false, p->redeems, error));
    channel_challenge_hash(&p->channel, &p->state.hash, &challenge);
    return authority_check(check, &c->fixed, &challenge, &p->signer, none, false, p->challenges, error);
}

enum status redeem(struct execution *x, const void *params, struct writer *result)
{
    const struct redeem *p = params;
    struct arena arena CLEANUP(arena_close);
    struct local_channel c;
    struct error error;
    enum status status;

    arena_init(&arena);
    TRY(party_need(x, &p->channel, &arena, &c));
    if (!hash_equal(&c.supported.hash, &p->before))
        return fail(x, ERROR_WRONG_PHASE, "a newer state came in between; call again");
    status = check_redeemable(execution_database(x), &c, &p->state.hash, &error);
    if (status != OK)
        return refuse(x, status, &error);
    bring(x, &c, &p->state, &p->redeems->signatures[PAYEE], &p->challenges->signatures[PAYEE]);
    writer_object_begin(result);
    writer_member_unsigned(result, "amount", get_be64(p->state.state.data.data));
    writer_object_end(result);
    return OK;
}

/* --- by itself -------------------------------------------------------------------------------- */
static void tell(struct execution *x, const struct hash *channel)
{
    struct signature signature;
    uint64_t amount;

    if (voucher_read(execution_database(x), channel, &amount, &signature))
        event_channel_voucher_at_stake(
            x, &(struct event_channel_voucher_at_stake){ .channel = *channel, .amount = amount });
}

/* `number`: one challenge is answered once, and the next one anew. */
static void request(struct execution *x, const struct local_channel *c, const struct hash *hash,
                    int64_t number)
{
    struct buffer json CLEANUP(buffer_close) = { 0 };
    char key[KEY_MAX], address[ADDRESS_TEXT_MAX];
    struct hash challenge;
    struct writer w;

    channel_challenge_hash(&c->id, hash, &challenge);
    address_encode(address, &c->fixed.participants[PAYEE]);
    writer_init(&w, &json);
    writer_object_begin(&w);
    writer_member_text(&w, "payee", address);
    writer_member_hex(&w, "state", hash->bytes, sizeof(hash->bytes));
    writer_member_hex(&w, "challenge", challenge.bytes, sizeof(challenge.bytes));
    writer_object_end(&w);
    hex_text(key, c->id.bytes, sizeof(c->id.bytes));
    key[64] = '/';
    hex_text(key + 65, hash->bytes, sizeof(hash->bytes));
    snprintf(key + 129, sizeof(key) - 129, "/%" PRId64, number);
    (void)effect_request(x, CHANNEL_REDEEM, key, buffer_text(&json));
}

void redeem_defend(struct execution *x, const struct local_channel *c, const struct channel_record *record,
                   bool is_news)
{
    struct arena arena CLEANUP(arena_close);
    struct signed_state state;
    struct signature signature;
    struct error error;
    struct hash hash;

    arena_init(&arena);
    if (record->is_settled || record->a.finalizes_at_us == NEVER_US || c->phase != PHASE_DISPUTE ||
        redeeming_state(execution_database(x), c, &arena, &state, &error) != OK ||
        record->a.turn_record > CHANNEL_TURN_POSTFUND)
        return;
    if (local_signature(execution_database(x), &c->id, REDEEMING_TURN, PAYEE, &hash, &signature) &&
        hash_equal(&hash, &state.hash))
        return; /* it is on its way */
    if (check_redeemable(execution_database(x), c, &state.hash, &error) == OK &&
        step_is_ours(x, &c->fixed.participants[PAYEE]))
        request(x, c, &state.hash, record->a.finalizes_at_us);
    else if (is_news)
        tell(x, &c->id);
}

static enum status sign_member(struct effect_run *run, const json_t *request, const char *name,
                               struct writer *w)
{
    struct keystore *keystore = kernel_keystore(run->kernel);
    const char *text = json_string_value(json_object_get(request, name));
    struct signature signature;
    struct hash hash;

    if (keystore == NULL || text == NULL || !hex_decode(hash.bytes, sizeof(hash.bytes), text, strlen(text)))
        return error_set(&run->error, ERROR_UNSIGNED, "this node keeps no keys");
    TRY(keystore_sign(keystore, json_string_value(json_object_get(request, "payee")), &hash, &signature,
                      &run->error));
    writer_member_hex(w, name, signature.bytes, sizeof(signature.bytes));
    return OK;
}

/* The keystore may be locked: then it is tried again later. */
enum status channel_redeem_run(struct effect_run *run)
{
    json_t *request AUTO_JSON = NULL;
    struct buffer json CLEANUP(buffer_close) = { 0 };
    struct writer w;

    TRY(json_parse(run->request, strlen(run->request), &request, &run->error));
    writer_init(&w, &json);
    writer_object_begin(&w);
    TRY(sign_member(run, request, "state", &w));
    TRY(sign_member(run, request, "challenge", &w));
    writer_object_end(&w);
    buffer_append(&run->result, json.data, json.size);
    return OK;
}

static bool read_signature(const json_t *result, const char *name, struct signature *signature)
{
    const char *text = json_string_value(json_object_get(result, name));

    return text != NULL && hex_decode(signature->bytes, sizeof(signature->bytes), text, strlen(text));
}

/* What the key signed is still what there is to redeem: it is brought. */
static void take_signatures(struct execution *x, struct local_channel *c, const char *key, const char *result)
{
    json_t *made AUTO_JSON = NULL;
    struct arena arena CLEANUP(arena_close);
    struct signature redeems, challenges;
    struct signed_state state;
    struct error error;
    struct hash asked, hash;

    arena_init(&arena);
    if (local_signature(execution_database(x), &c->id, REDEEMING_TURN, PAYEE, &hash, &redeems))
        return; /* it is on its way */
    if (json_parse(result, strlen(result), &made, &error) != OK || !read_signature(made, "state", &redeems) ||
        !read_signature(made, "challenge", &challenges) ||
        strlen(key) < 129 || !hex_decode(asked.bytes, sizeof(asked.bytes), key + 65, 64) ||
        redeeming_state(execution_database(x), c, &arena, &state, &error) != OK ||
        !hash_equal(&asked, &state.hash) ||
        check_redeemable(execution_database(x), c, &state.hash, &error) != OK)
        return;
    bring(x, c, &state, &redeems, &challenges);
}

/* The keystore stayed locked all the time; while the challenge runs, so does this. */
static void go_on(struct execution *x, const struct local_channel *c)
{
    struct arena arena CLEANUP(arena_close);
    struct channel_record record;
    struct signed_state state;
    struct error error;

    arena_init(&arena);
    if (record_read(execution_database(x), &c->id, &arena, &record) && !record.is_settled &&
        record.a.finalizes_at_us != NEVER_US &&
        redeeming_state(execution_database(x), c, &arena, &state, &error) == OK &&
        check_redeemable(execution_database(x), c, &state.hash, &error) == OK)
        request(x, c, &state.hash, (int64_t)execution_next_seq(x));
}

void channel_redeem_ended(struct execution *x, uint64_t id, const char *key, const char *request,
                          enum status outcome, const char *result)
{
    struct arena arena CLEANUP(arena_close);
    struct local_channel c;
    struct hash channel;

    (void)id, (void)request;
    arena_init(&arena);
    if (strlen(key) < 65 || !hex_decode(channel.bytes, sizeof(channel.bytes), key, 64) ||
        !local_read(execution_database(x), &channel, &arena, &c))
        return;
    if (outcome == OK) {
        take_signatures(x, &c, key, result);
        return;
    }
    tell(x, &channel);
    if (outcome == ERROR_KEYSTORE_LOCKED)
        go_on(x, &c);
}
