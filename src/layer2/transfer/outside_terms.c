/* What a provider's terms say of outside networks: see outside_terms.h. */
#include "layer2/transfer/outside_terms.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bech32.h"
#include "kernel/module.h"
#include "network/evm/address.h"
#include "network/lightning/lightning_pay.h"
#include "network/links.h"

static const char *const evm_members[] = { "contract", "token", "units", "confirmations", "block_s", "skew_s",
                                           "wallet" };
static const char *const wallet_members[] = { "link", "account" };
static const char *const lightning_members[] = { "units", "max_fee", "max_delay", "resolve", "block_s",
                                                 "send_s", "skew_s" };

uint64_t outside_number(const json_t *json, const char *name, uint64_t otherwise)
{
    const json_t *number = json_object_get(json, name);

    if (!json_is_integer(number) || json_integer_value(number) < 0)
        return otherwise;
    return (uint64_t)json_integer_value(number);
}

static bool is_one_of(const char *name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(name, names[i]) == 0)
            return true;
    }
    return false;
}

static enum status check_names(const json_t *object, const char *what, const char *const *names, size_t count,
                               struct error *error)
{
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)object, name, value) {
        if (!is_one_of(name, names, count))
            return error_set(error, ERROR_INVALID_PARAMS, "%s has no member '%.40s'", what, name);
    }
    return OK;
}

static enum status read_number(const json_t *object, const char *what, const char *name, uint64_t least,
                               uint64_t most, uint64_t otherwise, uint64_t *number, struct error *error)
{
    const json_t *value = json_object_get(object, name);

    *number = otherwise;
    if (value == NULL)
        return OK;
    if (!json_is_integer(value) || json_integer_value(value) < (json_int_t)least ||
        (uint64_t)json_integer_value(value) > most)
        return error_set(error, ERROR_INVALID_PARAMS, "%s.%s: an integer of %" PRIu64 " … %" PRIu64
                         " is expected", what, name, least, most);
    *number = (uint64_t)json_integer_value(value);
    return OK;
}

/* --- an EVM network -------------------------------------------------------------------------------- */
bool evm_outside_address(const char *text, uint64_t chain_id, struct evm_address *address)
{
    return text != NULL && (evm_address_decode(address, text, strlen(text), EVM_CHECKSUM_PLAIN) ||
                            evm_address_decode(address, text, strlen(text), chain_id));
}

static enum status read_address(const json_t *outside, const char *name, uint64_t chain_id,
                                struct evm_address *address, const char **text, struct error *error)
{
    *text = json_string_value(json_object_get(outside, name));
    if (!evm_outside_address(*text, chain_id, address) || evm_address_is_zero(address))
        return error_set(error, ERROR_INVALID_PARAMS,
                         "outside.%s: an address is expected, 0x and 40 hex digits", name);
    return OK;
}

static enum status read_wallet(const json_t *outside, struct evm_outside *read, struct error *error)
{
    const json_t *wallet = json_object_get(outside, "wallet");
    const char *account = json_string_value(json_object_get(wallet, "account"));

    if (wallet == NULL)
        return OK;
    if (!json_is_object(wallet))
        return error_set(error, ERROR_INVALID_PARAMS,
                         "outside.wallet: {\"link\":…, \"account\":…} is expected");
    TRY(check_names(wallet, "outside.wallet", wallet_members, COUNT_OF(wallet_members), error));
    read->wallet = json_string_value(json_object_get(wallet, "link"));
    if (read->wallet == NULL || read->wallet[0] == '\0' || strlen(read->wallet) > LINK_NAME_MAX)
        return error_set(error, ERROR_INVALID_PARAMS, "outside.wallet.link: a link's name is expected");
    if (account == NULL || !address_decode(&read->account, account, strlen(account)))
        return error_set(error, ERROR_INVALID_PARAMS,
                         "outside.wallet.account: an address of this ledger is expected");
    return OK;
}

static enum status read_units(const json_t *outside, struct evm_outside *read, struct error *error)
{
    const json_t *value = json_object_get(outside, "units");
    const char *text = value == NULL ? "1" : json_string_value(value);

    if (text == NULL || !u256_from_decimal(&read->units, text, strlen(text)) || u256_is_zero(&read->units))
        return error_set(error, ERROR_INVALID_PARAMS,
                         "outside.units: a text of decimal digits is expected, 1 … 2^256−1");
    return OK;
}

enum status evm_outside_read(const json_t *outside, uint64_t chain_id, struct evm_outside *read,
                             struct error *error)
{
    *read = (struct evm_outside){ .wallet = NULL };
    if (!json_is_object(outside))
        return error_set(error, ERROR_INVALID_PARAMS,
                         "outside: an EVM network needs a hash-lock contract: {\"contract\":\"0x…\", …}");
    TRY(read_address(outside, "contract", chain_id, &read->contract, &read->contract_text, error));
    if (json_object_get(outside, "token") != NULL)
        TRY(read_address(outside, "token", chain_id, &read->token, &read->token_text, error));
    if (memcmp(&read->token, &read->contract, sizeof(read->token)) == 0)
        return error_set(error, ERROR_INVALID_PARAMS, "outside.token: it is the hash-lock contract");
    TRY(read_units(outside, read, error));
    TRY(read_number(outside, "outside", "confirmations", 1, EVM_NUMBER_MOST, EVM_CONFIRMATIONS,
                    &read->confirmations, error));
    TRY(read_number(outside, "outside", "block_s", 1, EVM_NUMBER_MOST, EVM_BLOCK_S, &read->block_s, error));
    TRY(read_number(outside, "outside", "skew_s", 0, EVM_NUMBER_MOST, EVM_SKEW_S, &read->skew_s, error));
    return read_wallet(outside, read, error);
}

/* --- Lightning --------------------------------------------------------------------------------------- */
static bool read_msat(const json_t *value, uint64_t *msat)
{
    const char *text = json_string_value(value);

    if (text == NULL || text[0] == '\0' || strlen(text) >= LIGHTNING_DIGITS_MAX ||
        strspn(text, "0123456789") != strlen(text))
        return false;
    *msat = strtoull(text, NULL, 10);
    return *msat <= LIGHTNING_AMOUNT_MAX;
}

enum status lightning_outside_read(const json_t *outside, struct lightning_outside *read, struct error *error)
{
    static const char what[] = "outside.lightning";
    const json_t *terms = json_object_get(outside, "lightning");
    const json_t *units = json_object_get(terms, "units"), *max_fee = json_object_get(terms, "max_fee");
    uint64_t number;

    *read = (struct lightning_outside){ .units = 1 };
    if (terms == NULL)
        return OK;
    if (!json_is_object(terms))
        return error_set(error, ERROR_INVALID_PARAMS, "outside.lightning: an object is expected");
    TRY(check_names(terms, what, lightning_members, COUNT_OF(lightning_members), error));
    if (units != NULL && (!read_msat(units, &read->units) || read->units == 0))
        return error_set(error, ERROR_INVALID_PARAMS,
                         "outside.lightning.units: a text of decimal digits is expected, msat from 1 on");
    if (max_fee != NULL && !read_msat(max_fee, &number))
        return error_set(error, ERROR_INVALID_PARAMS,
                         "outside.lightning.max_fee: a text of decimal digits is expected, msat");
    TRY(read_number(terms, what, "max_delay", 1, LIGHTNING_DELAY_MAX, 1, &number, error));
    TRY(read_number(terms, what, "resolve", 0, LIGHTNING_NUMBER_MOST, 0, &number, error));
    TRY(read_number(terms, what, "block_s", 1, LIGHTNING_NUMBER_MOST, 1, &number, error));
    TRY(read_number(terms, what, "send_s", 0, LIGHTNING_NUMBER_MOST, 0, &number, error));
    return read_number(terms, what, "skew_s", 0, LIGHTNING_NUMBER_MOST, 0, &number, error);
}

/* --- both ---------------------------------------------------------------------------------------------- */
enum status outside_check_members(const json_t *outside, bool evm, bool lightning, struct error *error)
{
    const char *name;
    json_t *value;

    if (outside == NULL)
        return OK;
    if (!json_is_object(outside))
        return error_set(error, ERROR_INVALID_PARAMS, "outside: an object is expected");
    json_object_foreach((json_t *)outside, name, value) {
        bool is_known = strcmp(name, "lightning") == 0 ? lightning
                                                        : evm && is_one_of(name, evm_members,
                                                                           COUNT_OF(evm_members));

        if (!is_known)
            return error_set(error, ERROR_INVALID_PARAMS, "outside: nothing on this way has a member '%.40s'",
                             name);
    }
    return OK;
}
