/* Vouchers: see voucher.h. */
#include "layer2/channel/voucher.h"

#include <inttypes.h>
#include <string.h>

#include "base/writer.h"

#define APPLICATION "voucher"
#define PAYER VOUCHER_PAYER
#define PAYEE VOUCHER_PAYEE

bool voucher_read(struct database *database, const struct hash *channel, uint64_t *amount,
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
    return voucher_read(database, &c->id, &amount, &signature) ? amount : 0;
}

void voucher_balance(struct database *database, const struct local_channel *c, size_t participant,
                     uint64_t *owed, uint64_t *due)
{
    uint64_t promised = promised_so_far(database, c);

    *owed = participant == PAYER ? promised : 0;
    *due = participant == PAYEE ? promised : 0;
}

enum status voucher_need(const struct channel_fixed *fixed, struct error *error)
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
    TRY(voucher_need(&fixed, error));
    channel_voucher_hash(&p->channel, p->amount, &hash);
    p->authority = arena_new(arena, sizeof(*p->authority));
    return authority_check(check, &fixed, &hash, &fixed.participants[PAYER], p->signature, false,
                           p->authority, error);
}

static enum status check_amount(struct execution *x, const struct voucher *p)
{
    struct arena arena CLEANUP(arena_close);
    struct signature signature;
    struct local_channel c;
    struct hash hash;
    uint64_t promised;

    arena_init(&arena);
    if (!local_read(execution_database(x), &p->channel, &arena, &c) || c.phase != PHASE_RUNNING ||
        c.supported.state.turn != CHANNEL_TURN_POSTFUND)
        return fail(x, ERROR_WRONG_PHASE, "vouchers are for a channel that is running, and stand on turn 1");
    if (local_signature(execution_database(x), &c.id, CHANNEL_TURN_POSTFUND + 1, PAYEE, &hash, &signature))
        return fail(x, ERROR_WRONG_PHASE, "the payee has signed a turn 2: he could redeem no other one");
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
