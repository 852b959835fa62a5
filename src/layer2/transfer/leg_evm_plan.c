/* Planning a leg on an EVM network: see leg_evm.h. Nothing here asks a server. */
#include "layer2/transfer/leg_evm.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/kernel.h"
#include "layer2/transfer/outside.h"
#include "network/evm/evm_client.h"

void evm_leg_timing(enum node_network network, const char *detail, struct leg_timing *timing)
{
    json_t *json AUTO_JSON = NULL;
    uint64_t confirmations, block_s, skew_s;

    if (json_parse(detail, strlen(detail), &json, NULL) != OK)
        json = json_object();
    confirmations = outside_number(json, "confirmations", EVM_CONFIRMATIONS);
    block_s = outside_number(json, "block_s", EVM_BLOCK_S);
    skew_s = outside_number(json, "skew_s", EVM_SKEW_S);
    /* Once more than the confirmations, for blocks that are lost and come again; a second for rounding. */
    *timing = (struct leg_timing){
        .depth_us = (int64_t)(2 * (confirmations + 1) * block_s) * MICROSECONDS_PER_SECOND,
        .skew_us = (int64_t)(skew_s + 1) * MICROSECONDS_PER_SECOND,
        .reaction_us = leg_window(network, REACTION_US) };
}

static void address_text(char *out, size_t size, const struct evm_address *address)
{
    char hex[2 * EVM_ADDRESS_SIZE + 1];

    hex_text(hex, address->bytes, EVM_ADDRESS_SIZE);
    snprintf(out, size, "0x%s", hex); /* lower case is right on every chain */
}

bool evm_leg_network(const char *network)
{
    return strcmp(network, "bob") == 0 || strcmp(network, "rootstock") == 0;
}

/* The account of a link, and the number of its chain. */
enum status evm_leg_link(struct execution *x, const char *name, struct evm_address *account,
                         uint64_t *chain_id)
{
    struct arena arena CLEANUP(arena_close);
    struct link_row row;
    char *end;

    arena_init(&arena);
    if (!row_link_find(execution_database(x), name, &arena, &row))
        return fail(x, ERROR_NETWORK_LINK_NOT_FOUND, "no link '%s'", name);
    if (!evm_leg_network(row.network))
        return fail(x, ERROR_TRANSFER_PLACE, "the link '%s' is of '%s', which is no EVM network", name,
                    row.network);
    if (row.account == NULL || row.chain == NULL)
        return fail(x, ERROR_NETWORK_NOT_CONNECTED, "the link '%s' was not connected yet, or has no key",
                    name);
    *chain_id = strtoull(row.chain, &end, 10);
    if (*end != '\0' || *chain_id == 0)
        return fail(x, ERROR_NETWORK_WRONG_CHAIN, "the link '%s' is of the chain '%s'", name, row.chain);
    if (!evm_outside_address(row.account, *chain_id, account))
        return fail(x, ERROR_NETWORK_NOT_CONNECTED, "the link '%s' has no account", name);
    return OK;
}

/* What the terms say of the network. A lock counts at the link's depth, or the terms' where that is more. */
static enum status read_outside(struct execution *x, const struct terms *terms, const char *link,
                                uint64_t chain_id, json_t **json, struct evm_outside *outside)
{
    struct arena arena CLEANUP(arena_close);
    struct link_row row;
    struct error error;
    uint64_t confirmations;

    arena_init(&arena);
    if (json_parse(terms->outside, strlen(terms->outside), json, NULL) != OK)
        *json = NULL;
    if (evm_outside_read(*json, chain_id, outside, &error) != OK)
        return fail(x, ERROR_TRANSFER_TERMS_NOT_FOUND, "the provider's terms: %s", error.message);
    if (row_link_find(execution_database(x), link, &arena, &row) &&
        evm_confirmations_of(row.network, row.options, &confirmations) &&
        confirmations > outside->confirmations)
        outside->confirmations = confirmations;
    if (outside->confirmations > EVM_NUMBER_MOST)
        return fail(x, ERROR_TRANSFER_TERMS_NOT_FOUND, "the link '%s' counts nothing before %" PRIu64
                    " confirmations; %d are the most that a transfer waits for", link, outside->confirmations,
                    EVM_NUMBER_MOST);
    return OK;
}

/* Both links must be there, and of one chain; and nobody is his own wallet. */
static enum status check_wallet(struct execution *x, const char *link, const struct evm_address *provider,
                                uint64_t chain_id, const struct evm_outside *outside)
{
    struct evm_address account;
    uint64_t wallet_chain;

    if (outside->wallet == NULL)
        return OK;
    TRY(evm_leg_link(x, outside->wallet, &account, &wallet_chain));
    if (wallet_chain != chain_id)
        return fail(x, ERROR_INVALID_PARAMS, "outside.wallet.link: '%s' is of another chain than '%s'",
                    outside->wallet, link);
    if (evm_address_equal(&account, provider))
        return fail(x, ERROR_INVALID_PARAMS,
                    "outside.wallet.link: its key is the provider's, who would lock for himself");
    return OK;
}

enum status evm_leg_check_terms(struct execution *x, const char *link, const json_t *json)
{
    struct arena arena CLEANUP(arena_close);
    struct evm_outside outside;
    struct link_row row;
    struct error error;
    struct evm_address provider;
    uint64_t chain_id, confirmations;

    arena_init(&arena);
    TRY(evm_leg_link(x, link, &provider, &chain_id));
    if (evm_outside_read(json, chain_id, &outside, &error) != OK)
        return fail(x, error.code, "%s", error.message);
    if (json_object_get(json, "units") == NULL) /* terms of old are taken as they were: 1 */
        return fail(x, ERROR_INVALID_PARAMS, "outside.units: how many units there (wei, or the token's least "
                    "part) are one here is expected, as a text of decimal digits");
    TRY(check_wallet(x, link, &provider, chain_id, &outside));
    if (json_object_get(json, "confirmations") != NULL &&
        row_link_find(execution_database(x), link, &arena, &row) &&
        evm_confirmations_of(row.network, row.options, &confirmations) &&
        confirmations > outside.confirmations)
        return fail(x, ERROR_INVALID_PARAMS, "outside.confirmations: the link '%s' counts nothing before %"
                    PRIu64 "; at least as many are expected", link, confirmations);
    return OK;
}

static enum status write_leg(struct execution *x, struct leg_plan *plan, const struct evm_outside *outside,
                             uint64_t chain_id, const char *wallet, uint64_t amount)
{
    struct leg *leg = plan->leg;
    struct u256 there;
    json_t *notes AUTO_JSON = json_object();
    char *text AUTO_FREE = NULL;

    if (!u256_multiply_small(&there, &outside->units, amount))
        return fail(x, ERROR_TRANSFER_AMOUNT, "amount: in that many units it is none there");
    u256_decimal(leg->amount, &there);
    text_set(leg->asset, sizeof(leg->asset), outside->token_text == NULL ? "coin" : outside->token_text);
    json_object_set_new(notes, "contract", json_string(outside->contract_text));
    json_object_set_new(notes, "chain_id", json_integer((json_int_t)chain_id));
    json_object_set_new(notes, "confirmations", json_integer((json_int_t)outside->confirmations));
    json_object_set_new(notes, "block_s", json_integer((json_int_t)outside->block_s));
    json_object_set_new(notes, "skew_s", json_integer((json_int_t)outside->skew_s));
    if (wallet != NULL)
        json_object_set_new(notes, "wallet", json_string(wallet));
    text = json_dumps(notes, JSON_COMPACT | JSON_SORT_KEYS);
    text_set(leg->detail, sizeof(leg->detail), text);
    return OK;
}

enum status evm_leg_plan_source(struct execution *x, struct leg_plan *plan, const struct account_id *account,
                               uint64_t amount)
{
    const char *link = strchr(plan->leg->place, ':') + 1;
    struct evm_address provider, sender, wallet_account;
    json_t *json AUTO_JSON = NULL;
    struct evm_outside outside;
    uint64_t chain_id, wallet_chain;
    const char *wallet; /* the link that locks for this account: the terms name it, and whose it is */

    TRY(evm_leg_link(x, link, &provider, &chain_id));
    TRY(read_outside(x, plan->terms, link, chain_id, &json, &outside));
    wallet = account_equal(&outside.account, account) ? outside.wallet : NULL;
    if (wallet != NULL)
        TRY(evm_leg_link(x, wallet, &wallet_account, &wallet_chain));
    if (plan->account_there == NULL && wallet == NULL)
        return fail(x, ERROR_INVALID_PARAMS, "account_there: your address on '%s' is needed",
                    plan->leg->place);
    if (plan->account_there == NULL)
        sender = wallet_account;
    else if (!evm_outside_address(plan->account_there, chain_id, &sender))
        return fail(x, ERROR_INVALID_PARAMS, "account_there: 0x and 40 hex digits are expected");
    if (evm_address_equal(&sender, &provider))
        return fail(x, ERROR_SAME_ACCOUNT, "%s: it would be from the provider to himself", plan->leg->place);
    plan->locks = wallet != NULL && wallet_chain == chain_id && evm_address_equal(&sender, &wallet_account);
    address_text(plan->leg->sender, sizeof(plan->leg->sender), &sender);
    address_text(plan->leg->recipient, sizeof(plan->leg->recipient), &provider);
    return write_leg(x, plan, &outside, chain_id, plan->locks ? wallet : NULL, amount);
}

enum status evm_leg_plan_destination(struct execution *x, struct leg_plan *plan, uint64_t amount)
{
    const char *link = strchr(plan->leg->place, ':') + 1;
    struct evm_address provider, recipient;
    json_t *json AUTO_JSON = NULL;
    struct evm_outside outside;
    uint64_t chain_id;

    TRY(evm_leg_link(x, link, &provider, &chain_id));
    TRY(read_outside(x, plan->terms, link, chain_id, &json, &outside));
    if (!evm_outside_address(plan->recipient, chain_id, &recipient) || evm_address_is_zero(&recipient))
        return fail(x, ERROR_TRANSFER_RECIPIENT, "recipient: 0x and 40 hex digits are expected");
    if (evm_address_equal(&recipient, &outside.contract) || evm_address_equal(&recipient, &outside.token))
        return fail(x, ERROR_TRANSFER_RECIPIENT, "recipient: it is the contract that holds the amount");
    if (evm_address_equal(&recipient, &provider))
        return fail(x, ERROR_SAME_ACCOUNT, "recipient: it is the provider");
    address_text(plan->leg->sender, sizeof(plan->leg->sender), &provider);
    address_text(plan->leg->recipient, sizeof(plan->leg->recipient), &recipient);
    plan->takes_secret = true; /* whoever shows it there, the recipient gets the amount */
    return write_leg(x, plan, &outside, chain_id, NULL, amount);
}
