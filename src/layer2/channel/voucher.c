/* Vouchers: see voucher.h. What a redeeming state must be stands in applications/voucher.c. */
#include "layer2/channel/voucher.h"

#include <inttypes.h>
#include <string.h>

#include "base/bech32.h"
#include "base/writer.h"
#include "layer2/channel/commands.h"
#include "layer2/channel/party.h"

#define APPLICATION "voucher"
enum { PAYER, PAYEE, PARTIES };

static bool read_voucher(struct database *database, const struct hash *channel, uint64_t *amount,
                         struct signature *signature)
{
    struct statement *s =
        statement(database, "SELECT amount, signature FROM channel_voucher WHERE channel = ?");

    bind_blob(s, channel->bytes, sizeof(channel->bytes));
    if (!statement_row(s))
        return false;
    *amount = (uint64_t)column_integer(s, "amount");
    column_fixed(s, "signature", signature->bytes, sizeof(signature->bytes));
    statement_finish(s);
    return true;
}

static uint64_t promised_so_far(struct database *database, const struct local_channel *c)
{
    struct signature signature;
    uint64_t amount;

    if (strcmp(c->fixed.application, APPLICATION) != 0 || c->supported.state.turn != CHANNEL_TURN_POSTFUND)
        return 0;
    return read_voucher(database, &c->id, &amount, &signature) ? amount : 0;
}

void voucher_balance(struct database *database, const struct local_channel *c, size_t participant,
                     uint64_t *owed, uint64_t *due)
{
    uint64_t promised = promised_so_far(database, c);

    *owed = participant == PAYER ? promised : 0;
    *due = participant == PAYEE ? promised : 0;
}

static enum status need_vouchers(const struct channel_fixed *fixed, struct error *error)
{
    if (strcmp(fixed->application, APPLICATION) != 0)
        return error_set(error, ERROR_WRONG_PHASE,
                         "the channel runs '%s'; vouchers are for '" APPLICATION "'", fixed->application);
    return OK;
}

static enum status not_here(struct error *error)
{
    return error_set(error, ERROR_CHANNEL_NOT_FOUND, "this node does not take part in such a channel");
}

/* --- channel.voucher -------------------------------------------------------------------------- */
const struct param voucher_params[3] = {
    PARAM(struct voucher, channel, HASH, REQUIRED, "its id"),
    PARAM(struct voucher, amount, AMOUNT, REQUIRED, "promised in all so far, in the asset's smallest unit"),
    PARAM(struct voucher, signature, BYTES, OPTIONAL,
          "the payer's over the voucher's hash; absent: the keystore signs, for the operator", .most = 64),
};

enum status check_voucher(const struct check *check, void *params, struct arena *arena, struct error *error)
{
    struct voucher *p = params;
    struct channel_fixed fixed;
    struct hash hash;

    if (!local_read_fixed(check->database, &p->channel, arena, &fixed))
        return not_here(error);
    TRY(need_vouchers(&fixed, error));
    channel_voucher_hash(&p->channel, p->amount, &hash);
    p->authority = arena_new(arena, sizeof(*p->authority));
    return authority_check(check, &fixed, &hash, &fixed.participants[PAYER], p->signature, false,
                           p->authority, error);
}

static enum status check_amount(struct execution *x, const struct voucher *p)
{
    struct arena arena CLEANUP(arena_close);
    struct local_channel c;
    uint64_t promised;

    arena_init(&arena);
    if (!local_read(execution_database(x), &p->channel, &arena, &c) || c.phase != PHASE_RUNNING ||
        c.supported.state.turn != CHANNEL_TURN_POSTFUND)
        return fail(x, ERROR_WRONG_PHASE, "vouchers are for a channel that is running, and stand on turn 1");
    promised = promised_so_far(execution_database(x), &c);
    if (p->amount <= promised)
        return fail(x, ERROR_VOUCHER_NOT_HIGHER, "%" PRIu64 " are promised already", promised);
    if (p->amount > c.supported.state.allocations[PAYER].amount)
        return fail(x, ERROR_HOLDINGS_INSUFFICIENT, "the payer has %" PRIu64 " in the channel",
                    c.supported.state.allocations[PAYER].amount);
    return OK;
}

enum status voucher(struct execution *x, const void *params, struct writer *result)
{
    const struct voucher *p = params;
    struct statement *s;

    TRY(check_amount(x, p));
    s = statement(execution_database(x),
                  "INSERT INTO channel_voucher (channel, amount, signature, updated_us) VALUES (?, ?, ?, ?)"
                  " ON CONFLICT (channel) DO UPDATE SET amount = excluded.amount,"
                  " signature = excluded.signature, updated_us = excluded.updated_us");
    bind_blob(s, p->channel.bytes, sizeof(p->channel.bytes));
    bind_integer(s, (int64_t)p->amount);
    bind_blob(s, p->authority->signatures[PAYER].bytes, sizeof(struct signature));
    bind_integer(s, execution_time(x));
    (void)statement_run(s);
    writer_object_begin(result);
    writer_member_unsigned(result, "amount", p->amount);
    writer_member_hex(result, "signature", p->authority->signatures[PAYER].bytes, sizeof(struct signature));
    writer_object_end(result);
    return event_channel_voucher_kept(
        x, &(struct event_channel_voucher_kept){ .channel = p->channel, .amount = p->amount });
}

/* --- channel.redeem --------------------------------------------------------------------------- */
const struct param redeem_params[2] = {
    PARAM(struct redeem, channel, HASH, REQUIRED, "its id"),
    PARAM(struct redeem, signer, ACCOUNT, REQUIRED, "the payee, a key of the keystore"),
};

/* Turn 2 by the payee alone: turn 1's outcome with the voucher's amount moved, and the voucher as data. */
static void make_state(const struct local_channel *c, uint64_t amount, const struct signature *signature,
                       struct arena *arena, struct signed_state *state)
{
    uint8_t *data = arena_new(arena, 8 + sizeof(signature->bytes));

    state->state = (struct channel_state){ .turn = CHANNEL_TURN_POSTFUND + 1, .allocation_count = PARTIES,
                                           .data = bytes_of(data, 8 + sizeof(signature->bytes)) };
    state->state.allocations = arena_new(arena, PARTIES * sizeof(struct allocation));
    memcpy(state->state.allocations, c->supported.state.allocations, PARTIES * sizeof(struct allocation));
    state->state.allocations[PAYER].amount -= amount;
    state->state.allocations[PAYEE].amount += amount;
    put_be64(data, amount);
    memcpy(data + 8, signature->bytes, sizeof(signature->bytes));
    channel_state_hash(&c->id, &state->state, &state->hash);
}

static enum status need_redeemable(const struct local_channel *c, uint64_t amount, struct error *error)
{
    TRY(need_vouchers(&c->fixed, error));
    if (!c->has_supported || c->supported.state.turn != CHANNEL_TURN_POSTFUND ||
        c->supported.signed_by != application_everyone(&c->fixed))
        return error_set(error, ERROR_WRONG_PHASE, "a voucher stands on turn 1 with both signatures");
    if (amount > c->supported.state.allocations[PAYER].amount)
        return error_set(error, ERROR_HOLDINGS_INSUFFICIENT, "the payer has less than the voucher promises");
    return OK;
}

enum status check_redeem(const struct check *check, void *params, struct arena *arena, struct error *error)
{
    static const struct bytes none;
    struct redeem *p = params;
    struct local_channel *c = arena_new(arena, sizeof(*c));
    struct signature signature;
    struct hash challenge;
    uint64_t amount;

    if (!local_read(check->database, &p->channel, arena, c))
        return not_here(error);
    if (!read_voucher(check->database, &p->channel, &amount, &signature))
        return error_set(error, ERROR_NOTHING_TO_PAY, "no voucher of this channel is here");
    TRY(need_redeemable(c, amount, error));
    if (!account_equal(&p->signer, &c->fixed.participants[PAYEE]))
        return error_set(error, ERROR_NOT_A_PARTICIPANT, "signer: only the payee redeems");
    p->before = c->supported.hash;
    make_state(c, amount, &signature, arena, &p->state);
    p->redeems = arena_new(arena, sizeof(*p->redeems));
    p->challenges = arena_new(arena, sizeof(*p->challenges));
    TRY(authority_check(check, &c->fixed, &p->state.hash, &p->signer, none, false, p->redeems, error));
    channel_challenge_hash(&p->channel, &p->state.hash, &challenge);
    return authority_check(check, &c->fixed, &challenge, &p->signer, none, false, p->challenges, error);
}

static void write_redeeming(struct writer *w, const struct redeem *p, const char *address)
{
    struct buffer bytes CLEANUP(buffer_close) = { 0 };

    channel_state_encode(&p->state.state, &bytes);
    writer_object_begin(w);
    writer_member_hex(w, "state", bytes.data, bytes.size);
    writer_key(w, "signatures");
    writer_array_begin(w);
    writer_object_begin(w);
    writer_member_text(w, "key", address);
    writer_member_hex(w, "signature", p->redeems->signatures[PAYEE].bytes, sizeof(struct signature));
    writer_object_end(w);
    writer_array_end(w);
    writer_object_end(w);
}

enum status redeem(struct execution *x, const void *params, struct writer *result)
{
    const struct redeem *p = params;
    struct buffer json CLEANUP(buffer_close) = { 0 };
    struct arena arena CLEANUP(arena_close);
    struct local_channel c;
    char address[ADDRESS_TEXT_MAX], key[128];
    struct writer w;

    arena_init(&arena);
    if (!local_read(execution_database(x), &p->channel, &arena, &c) ||
        !hash_equal(&c.supported.hash, &p->before) || c.phase != PHASE_RUNNING)
        return fail(x, ERROR_WRONG_PHASE, "the channel is not running, or moved in between");
    address_encode(address, &p->signer);
    writer_init(&w, &json);
    writer_object_begin(&w);
    writer_member_hex(&w, "channel", c.id.bytes, sizeof(c.id.bytes));
    writer_key(&w, "states");
    writer_array_begin(&w);
    writer_object_begin(&w);
    party_write_state(execution_database(x), &c, &w);
    writer_object_end(&w);
    write_redeeming(&w, p, address);
    writer_array_end(&w);
    writer_member_text(&w, "challenger", address);
    writer_member_hex(&w, "signature", p->challenges->signatures[PAYEE].bytes, sizeof(struct signature));
    writer_object_end(&w);
    party_register(x, &c);
    hex_text(key, c.id.bytes, sizeof(c.id.bytes));
    snprintf(key + 64, sizeof(key) - 64, "/redeem/%" PRIu64, execution_next_seq(x));
    party_submit(x, key, "channel.challenge", buffer_bytes(&json));
    writer_object_begin(result);
    writer_member_unsigned(result, "amount", get_be64(p->state.state.data.data));
    writer_object_end(result);
    return OK;
}
