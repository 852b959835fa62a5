/* State channels for those who keep their own keys: what a state says, and signatures over the hashes that
 * crypto/channel.h names. Nothing here asks a node: who signs computes what it signs. */
#include <string.h>

#include "base/bech32.h"
#include "base/memory.h"
#include "client/client.h"
#include "client/failure.h"
#include "client/key.h"
#include "crypto/channel.h"
#include "crypto/hash.h"

#define PAYMENTS_MAX 64 /* of one withdrawal */

static enum status read_hex(const char *hex, const char *what, struct arena *arena, struct bytes *bytes,
                            struct error *error)
{
    size_t length = hex == NULL ? 0 : strlen(hex);
    uint8_t *data;

    if (length == 0 || length % 2 != 0 || length / 2 > CHANNEL_ENCODING_MAX)
        return error_set(error, ERROR_INVALID_PARAMS, "%s: hex of at most 256 KiB is expected", what);
    data = arena_new(arena, length / 2);
    if (!hex_decode(data, length / 2, hex, length))
        return error_set(error, ERROR_INVALID_PARAMS, "%s: hex digits are expected", what);
    *bytes = bytes_of(data, length / 2);
    return OK;
}

static enum status read_id(const char *channel, struct hash *id, struct error *error)
{
    if (channel == NULL || !hex_decode(id->bytes, sizeof(id->bytes), channel, strlen(channel)))
        return error_set(error, ERROR_INVALID_PARAMS, "channel: 64 hex digits are expected");
    return OK;
}

static enum status read_state(const char *hex, struct arena *arena, struct channel_state *state,
                              struct error *error)
{
    struct bytes bytes;

    TRY(read_hex(hex, "state", arena, &bytes, error));
    return channel_state_decode(bytes, arena, state, error);
}

/* --- reading ---------------------------------------------------------------------------------- */
static enum status channel_id_of(const char *fixed, char channel[LAYERD_HASH_MAX], struct error *error)
{
    struct arena arena CLEANUP(arena_close);
    struct channel_fixed decoded;
    struct bytes bytes;
    struct hash id;

    arena_init(&arena);
    crypto_start();
    TRY(read_hex(fixed, "fixed", &arena, &bytes, error));
    TRY(channel_fixed_decode(bytes, &arena, &decoded, error));
    channel_id(&decoded, &id);
    hex_text(channel, id.bytes, sizeof(id.bytes));
    return OK;
}

enum layerd_error layerd_channel_id(const char *fixed, char channel[LAYERD_HASH_MAX],
                                    struct layerd_failure *failure)
{
    struct error error;

    return failure_report(failure, channel_id_of(fixed, channel, &error), &error);
}

static enum status state_read(const char *hex, const struct layerd_key *key, unsigned asset,
                              struct layerd_channel_state *out, struct error *error)
{
    struct arena arena CLEANUP(arena_close);
    struct channel_state state;

    arena_init(&arena);
    TRY(read_state(hex, &arena, &state, error));
    *out = (struct layerd_channel_state){ .turn = state.turn, .final = state.final,
                                          .entries = state.allocation_count };
    if (!channel_outcome_total(&state, asset, &out->total))
        return error_set(error, ERROR_INVALID_PARAMS, "state: the amounts are too large");
    out->share = channel_outcome_simple(&state, asset, key_account(key));
    return OK;
}

enum layerd_error layerd_channel_state_read(const char *state, const struct layerd_key *key, unsigned asset,
                                            struct layerd_channel_state *out, struct layerd_failure *failure)
{
    struct error error;

    return failure_report(failure, state_read(state, key, asset, out, &error), &error);
}

/* --- signing ---------------------------------------------------------------------------------- */
static void give(const struct layerd_key *key, const struct hash *hash, char signature[LAYERD_SIGNATURE_MAX])
{
    struct signature made;

    key_sign_hash(key, hash, &made);
    hex_text(signature, made.bytes, sizeof(made.bytes));
}

static enum status sign_state(const struct layerd_key *key, const char *channel, const char *hex,
                              bool challenge, char signature[LAYERD_SIGNATURE_MAX], struct error *error)
{
    struct arena arena CLEANUP(arena_close);
    struct channel_state state;
    struct hash id, hash;

    arena_init(&arena);
    TRY(read_id(channel, &id, error));
    TRY(read_state(hex, &arena, &state, error));
    channel_state_hash(&id, &state, &hash);
    if (challenge)
        channel_challenge_hash(&id, &hash, &hash);
    give(key, &hash, signature);
    return OK;
}

enum layerd_error layerd_channel_sign(const struct layerd_key *key, const char *channel, const char *state,
                                      char signature[LAYERD_SIGNATURE_MAX], struct layerd_failure *failure)
{
    struct error error;

    return failure_report(failure, sign_state(key, channel, state, false, signature, &error), &error);
}

enum layerd_error layerd_channel_sign_challenge(const struct layerd_key *key, const char *channel,
                                                const char *state, char signature[LAYERD_SIGNATURE_MAX],
                                                struct layerd_failure *failure)
{
    struct error error;

    return failure_report(failure, sign_state(key, channel, state, true, signature, &error), &error);
}

/* An address of either network, or 64 hex digits. */
static bool read_account(const char *text, struct account_id *account)
{
    size_t length = text == NULL ? 0 : strlen(text);

    return length > 0 &&
           (hex_decode(account->bytes, sizeof(account->bytes), text, length) ||
            bech32m_decode(account->bytes, sizeof(account->bytes), ADDRESS_PREFIX_TEST, text, length) ||
            bech32m_decode(account->bytes, sizeof(account->bytes), ADDRESS_PREFIX_MAIN, text, length));
}

static enum status read_payments(const struct layerd_channel_payment *payments, size_t count,
                                 struct allocation taken[PAYMENTS_MAX], struct error *error)
{
    if (payments == NULL || count < 1 || count > PAYMENTS_MAX)
        return error_set(error, ERROR_INVALID_PARAMS, "payments: 1 … %d are expected", PAYMENTS_MAX);
    for (size_t i = 0; i < count; i++) {
        struct allocation *a = &taken[i];

        *a = (struct allocation){ .asset = payments[i].asset, .amount = payments[i].amount };
        if (a->asset >= CHANNEL_ASSETS_MAX || a->amount < 1 || a->amount > INTEGER_MAX ||
            !read_account(payments[i].to, &a->account))
            return error_set(error, ERROR_INVALID_PARAMS,
                             "payment %zu: an asset 0 … 7, an amount 1 … 2^53−1 and an address are expected",
                             i);
    }
    return OK;
}

static enum status sign_withdrawal(const struct layerd_key *key, const char *channel, const char *hex,
                                   const struct layerd_channel_payment *payments, size_t count,
                                   char signature[LAYERD_SIGNATURE_MAX], struct error *error)
{
    struct arena arena CLEANUP(arena_close);
    struct allocation taken[PAYMENTS_MAX];
    struct channel_state state;
    struct hash id, hash;

    arena_init(&arena);
    TRY(read_id(channel, &id, error));
    TRY(read_state(hex, &arena, &state, error));
    TRY(read_payments(payments, count, taken, error));
    channel_state_hash(&id, &state, &hash);
    channel_withdrawal_hash(&id, &hash, taken, count, &hash);
    give(key, &hash, signature);
    return OK;
}

enum layerd_error layerd_channel_sign_withdrawal(const struct layerd_key *key, const char *channel,
                                                 const char *state,
                                                 const struct layerd_channel_payment *payments, size_t count,
                                                 char signature[LAYERD_SIGNATURE_MAX],
                                                 struct layerd_failure *failure)
{
    struct error error;

    return failure_report(
        failure, sign_withdrawal(key, channel, state, payments, count, signature, &error), &error);
}

static enum status sign_voucher(const struct layerd_key *key, const char *channel, uint64_t amount,
                                char signature[LAYERD_SIGNATURE_MAX], struct error *error)
{
    struct hash id, hash;

    TRY(read_id(channel, &id, error));
    if (amount < 1 || amount > INTEGER_MAX)
        return error_set(error, ERROR_INVALID_PARAMS, "amount: 1 … 2^53−1 is expected");
    channel_voucher_hash(&id, amount, &hash);
    give(key, &hash, signature);
    return OK;
}

enum layerd_error layerd_channel_sign_voucher(const struct layerd_key *key, const char *channel,
                                              uint64_t amount, char signature[LAYERD_SIGNATURE_MAX],
                                              struct layerd_failure *failure)
{
    struct error error;

    return failure_report(failure, sign_voucher(key, channel, amount, signature, &error), &error);
}

static enum status sign_award(const struct layerd_key *key, const char *channel, const char *hex,
                              const uint64_t *fees, size_t fee_count, char signature[LAYERD_SIGNATURE_MAX],
                              struct error *error)
{
    struct arena arena CLEANUP(arena_close);
    struct channel_state award;
    struct hash id, hash;

    arena_init(&arena);
    TRY(read_id(channel, &id, error));
    TRY(read_state(hex, &arena, &award, error));
    if (fee_count > CHANNEL_ASSETS_MAX || (fee_count > 0 && fees == NULL))
        return error_set(error, ERROR_INVALID_PARAMS, "fees: one amount for each of at most %d assets",
                         CHANNEL_ASSETS_MAX);
    for (size_t i = 0; i < fee_count; i++) {
        if (fees[i] > INTEGER_MAX)
            return error_set(error, ERROR_INVALID_PARAMS, "fees: number %zu is over 2^53−1", i);
    }
    channel_award_hash(&id, &award, fees, fee_count, &hash);
    give(key, &hash, signature);
    return OK;
}

enum layerd_error layerd_channel_sign_award(const struct layerd_key *key, const char *channel,
                                            const char *state, const uint64_t *fees, size_t fee_count,
                                            char signature[LAYERD_SIGNATURE_MAX],
                                            struct layerd_failure *failure)
{
    struct error error;

    return failure_report(failure, sign_award(key, channel, state, fees, fee_count, signature, &error),
                          &error);
}
