/* Providers: see provider.h. */
#include "layer2/transfer/provider.h"

#include <inttypes.h>
#include <string.h>

#include "base/bech32.h"
#include "base/clock.h"
#include "base/json.h"
#include "kernel/kernel.h"
#include "layer2/transfer/leg.h"
#include "layer2/transfer/outside_terms.h"
#include "ledger/ledger.h"

#define QUOTE_LIFE_US (5 * 60 * MICROSECONDS_PER_SECOND)
#define QUOTES_OPEN_MOST 100 /* of one account */

/* --- ways and terms ---------------------------------------------------------------------------- */
static enum status check_place(struct execution *x, bool is_source, const char *place)
{
    const char *name = is_source ? "source" : "destination";
    const struct leg_kind *kind;
    const char *link;
    struct error error;
    enum status status = leg_kind_of(place, &kind, &link, &error);

    if (status != OK)
        return fail(x, status, "%s: %s", name, error.message);
    if (is_source && kind->plan_source == NULL)
        return fail(x, ERROR_TRANSFER_LEG_NOT_BUILT, "source: transfers from '%s' are not built", place);
    return OK;
}

enum status way_read(struct execution *x, const struct asset_id *asset, const char *source,
                     const char *destination, struct way *way)
{
    TRY(check_place(x, true, source));
    TRY(check_place(x, false, destination));
    if (strcmp(source, destination) == 0 && strcmp(source, "base") != 0)
        return fail(x, ERROR_TRANSFER_PLACE, "source, destination: both are '%s'; within it no transfer is "
                    "needed", source);
    way->asset = *asset;
    text_set(way->source, sizeof(way->source), source);
    text_set(way->destination, sizeof(way->destination), destination);
    return OK;
}

static enum status check_limits(struct execution *x, const struct terms *terms, uint64_t amount,
                                const struct account_id *account)
{
    int64_t day = transfer_day(execution_time(x));
    uint64_t mine = volume_read(execution_database(x), terms, account, day);
    uint64_t all = volume_read(execution_database(x), terms, NULL, day);

    if (amount < terms->least || amount > terms->most)
        return fail(x, ERROR_TRANSFER_AMOUNT, "amount: the provider takes %" PRIu64 " … %" PRIu64,
                    terms->least, terms->most);
    if (mine > terms->account_daily || amount > terms->account_daily - mine)
        return fail(x, ERROR_TRANSFER_DAILY_LIMIT,
                    "amount: an account may move %" PRIu64 " a day (UTC); this one has moved %" PRIu64,
                    terms->account_daily, mine);
    if (all > terms->daily || amount > terms->daily - all)
        return fail(x, ERROR_TRANSFER_DAILY_LIMIT,
                    "amount: the provider moves %" PRIu64 " a day (UTC), and has moved %" PRIu64,
                    terms->daily, all);
    return OK;
}

static enum status find_provider(struct execution *x, const struct account_id *account,
                                 struct provider *provider)
{
    char address[ADDRESS_TEXT_MAX];

    if (provider_read(execution_database(x), account, provider))
        return OK;
    address_encode(address, account);
    return fail(x, ERROR_TRANSFER_PROVIDER_NOT_FOUND, "%s is no provider of this node", address);
}

enum status terms_choose(struct execution *x, const struct account_id *account_of_provider,
                         const struct way *way, uint64_t amount, const struct account_id *account,
                         struct terms *terms, uint64_t *fee)
{
    struct provider provider;

    if (account_is_zero(account_of_provider)) {
        if (!terms_cheapest(execution_database(x), way, amount, terms))
            return fail(x, ERROR_TRANSFER_TERMS_NOT_FOUND,
                        "no provider takes that amount from '%s' to '%s' just now", way->source,
                        way->destination);
    } else {
        TRY(find_provider(x, account_of_provider, &provider));
        if (provider.paused)
            return fail(x, ERROR_TRANSFER_PROVIDER_PAUSED, "the provider '%s' begins nothing just now",
                        provider.name);
        if (!terms_read(execution_database(x), account_of_provider, way, terms))
            return fail(x, ERROR_TRANSFER_TERMS_NOT_FOUND, "the provider '%s' has no terms from '%s' to '%s'",
                        provider.name, way->source, way->destination);
    }
    TRY(check_limits(x, terms, amount, account));
    if (!transfer_fee(amount, terms->fee_fixed, terms->fee_ppm, fee))
        return fail(x, ERROR_TRANSFER_AMOUNT, "amount: with its fee it is over 2^53−1");
    return OK;
}

/* --- transfer.provider_register, _pause, _resume ------------------------------------------------ */
const struct param provider_register_params[2] = {
    PARAM(struct provider_params, account, ACCOUNT, REQUIRED, "a key of the keystore, or the node's own"),
    PARAM(struct provider_params, name, TEXT, REQUIRED, "what people call it",
          .most = PROVIDER_NAME_MAX - 1),
};

const struct param provider_pause_params[1] = {
    PARAM(struct provider_params, account, ACCOUNT, REQUIRED, "the provider's account"),
};

enum status provider_register(struct execution *x, const void *params, struct writer *result)
{
    const struct provider_params *p = params;
    struct provider provider = { .account = p->account }, present;
    uint64_t seq = execution_next_seq(x);

    (void)result;
    if (provider_read(execution_database(x), &p->account, &present))
        return fail(x, ERROR_TRANSFER_PROVIDER_EXISTS, "account: it is the provider '%s'", present.name);
    if (p->name[0] == '\0' || provider_named(execution_database(x), p->name))
        return fail(x, ERROR_TRANSFER_PROVIDER_EXISTS, "name: '%s' is taken", p->name);
    if (!leg_signs_for(execution_kernel(x), &p->account))
        return fail(x, ERROR_KEY_NOT_FOUND, "account: its key is not on this node, which signs for it");
    text_set(provider.name, sizeof(provider.name), p->name);
    provider_insert(execution_database(x), &provider, seq);
    return event_transfer_provider_registered(x, &(struct event_transfer_provider_registered){
        .provider = p->account, .name = provider.name });
}

static enum status set_paused(struct execution *x, const void *params, bool paused)
{
    const struct provider_params *p = params;
    struct provider provider;

    TRY(find_provider(x, &p->account, &provider));
    if (provider.paused == paused)
        return OK;
    provider_pause(execution_database(x), &p->account, paused);
    if (paused)
        return event_transfer_provider_paused(x, &(struct event_transfer_provider_paused){
            .provider = p->account, .name = provider.name });
    return event_transfer_provider_resumed(x, &(struct event_transfer_provider_resumed){
        .provider = p->account, .name = provider.name });
}

enum status provider_pause_all(struct execution *x, const void *params, struct writer *result)
{
    (void)result;
    return set_paused(x, params, true);
}

enum status provider_resume(struct execution *x, const void *params, struct writer *result)
{
    (void)result;
    return set_paused(x, params, false);
}

/* --- transfer.provider_terms, _withdraw ---------------------------------------------------------- */
#define WAY_PARAMS(structure)                                                                                \
    PARAM(structure, asset, ASSET, REQUIRED, "asset id or symbol on this ledger"),                           \
    PARAM(structure, source, TEXT, REQUIRED, "base, channel or evm:LINK",                                    \
          .most = PLACE_MAX - 1),                                                                            \
    PARAM(structure, destination, TEXT, REQUIRED, "the same, or lightning:LINK", .most = PLACE_MAX - 1)

const struct param provider_terms_params[11] = {
    PARAM(struct terms_params, provider, ACCOUNT, REQUIRED, "whose terms they are"),
    WAY_PARAMS(struct terms_params),
    PARAM(struct terms_params, fee_fixed, INTEGER, OPTIONAL,
          "of each transfer, in the asset's smallest unit"),
    PARAM(struct terms_params, fee_ppm, INTEGER, OPTIONAL, "of the amount, in millionths; rounded up"),
    PARAM(struct terms_params, least, AMOUNT, OPTIONAL, "the smallest amount; 1"),
    PARAM(struct terms_params, most, AMOUNT, REQUIRED, "the largest amount"),
    PARAM(struct terms_params, account_daily, AMOUNT, OPTIONAL, "of one account a day (UTC); like daily"),
    PARAM(struct terms_params, daily, AMOUNT, OPTIONAL, "of all together a day (UTC); ten times most"),
    PARAM(struct terms_params, outside, JSON, OPTIONAL,
          "for an outside network: an object, like {\"contract\": \"0x…\", \"units\": \"1000000000\"}; "
          "src/layer2/transfer/README.md describes it", .most = OUTSIDE_MAX - 1),
};

const struct param provider_withdraw_params[4] = {
    PARAM(struct terms_params, provider, ACCOUNT, REQUIRED, "whose terms they are"),
    WAY_PARAMS(struct terms_params),
};

static enum status check_leg_terms(struct execution *x, const char *place, const json_t *outside)
{
    const struct leg_kind *kind;
    const char *link;

    TRY(leg_kind_of(place, &kind, &link, NULL));
    return kind->check_terms == NULL ? OK : kind->check_terms(x, link, outside);
}

static bool is_of(const char *place, const struct leg_kind *kind)
{
    const struct leg_kind *found;
    const char *link;

    return leg_kind_of(place, &found, &link, NULL) == OK && found == kind;
}

/* What is wrong with them is said now, and not to whoever transfers. */
static enum status check_outside(struct execution *x, const struct terms *terms)
{
    const char *source = terms->way.source, *destination = terms->way.destination;
    json_t *outside AUTO_JSON = NULL;
    struct error error;

    if (terms->outside[0] != '\0' &&
        json_parse(terms->outside, strlen(terms->outside), &outside, &error) != OK)
        return fail(x, ERROR_INVALID_PARAMS, "outside: %s", error.message);
    if (outside_check_members(outside, is_of(source, &evm_leg) || is_of(destination, &evm_leg),
                              is_of(destination, &lightning_leg), &error) != OK)
        return fail(x, error.code, "%s", error.message);
    /* `outside` has one contract and one unit. */
    if (is_of(source, &evm_leg) && is_of(destination, &evm_leg))
        return fail(x, ERROR_INVALID_PARAMS, "from one EVM network to another there is no direct way: "
                    "offer both ways to the base ledger, for two transfers");
    TRY(check_leg_terms(x, source, outside));
    return check_leg_terms(x, destination, outside);
}

static uint64_t ten_times(uint64_t amount)
{
    return amount > INTEGER_MAX / 10 ? INTEGER_MAX : 10 * amount;
}

enum status provider_terms(struct execution *x, const void *params, struct writer *result)
{
    const struct terms_params *p = params;
    struct terms terms = { .provider = p->provider, .fee_fixed = p->fee_fixed, .fee_ppm = p->fee_ppm,
                           .least = p->least == 0 ? 1 : p->least, .most = p->most,
                           .daily = p->daily == 0 ? ten_times(p->most) : p->daily };
    uint64_t seq = execution_next_seq(x);
    struct provider provider;
    struct asset asset;

    (void)result;
    terms.account_daily = p->account_daily == 0 ? terms.daily : p->account_daily;
    TRY(find_provider(x, &p->provider, &provider));
    TRY(asset_find(x, &p->asset, &asset));
    TRY(way_read(x, &p->asset, p->source, p->destination, &terms.way));
    if (p->fee_ppm > TRANSFER_PPM_MAX)
        return fail(x, ERROR_INVALID_PARAMS, "fee_ppm: at most %d are expected", TRANSFER_PPM_MAX);
    if (terms.least > terms.most)
        return fail(x, ERROR_INVALID_PARAMS, "least: it is over most");
    if (p->outside.data != NULL) {
        memcpy(terms.outside, p->outside.data, p->outside.size);
        terms.outside[p->outside.size] = '\0';
    }
    TRY(check_outside(x, &terms));
    terms_write(execution_database(x), &terms, seq);
    return event_transfer_terms_changed(x, &(struct event_transfer_terms_changed){
        .provider = p->provider, .asset = asset.symbol, .source = p->source, .destination = p->destination,
        .fee_fixed = terms.fee_fixed, .fee_ppm = terms.fee_ppm, .least = terms.least, .most = terms.most,
        .account_daily = terms.account_daily, .daily = terms.daily });
}

enum status provider_withdraw(struct execution *x, const void *params, struct writer *result)
{
    const struct terms_params *p = params;
    struct provider provider;
    struct asset asset;
    struct way way;

    (void)result;
    TRY(find_provider(x, &p->provider, &provider));
    TRY(asset_find(x, &p->asset, &asset));
    TRY(way_read(x, &p->asset, p->source, p->destination, &way));
    if (!terms_delete(execution_database(x), &p->provider, &way))
        return fail(x, ERROR_TRANSFER_TERMS_NOT_FOUND, "the provider '%s' has no terms from '%s' to '%s'",
                    provider.name, p->source, p->destination);
    return event_transfer_terms_withdrawn(x, &(struct event_transfer_terms_withdrawn){
        .provider = p->provider, .asset = asset.symbol, .source = p->source,
        .destination = p->destination });
}

/* --- transfer.quote ------------------------------------------------------------------------------- */
const struct param quote_parameters[5] = {
    WAY_PARAMS(struct quote_params),
    PARAM(struct quote_params, amount, AMOUNT, REQUIRED, "that is to arrive, in the asset's smallest unit"),
    PARAM(struct quote_params, provider, ACCOUNT, OPTIONAL, "whom to ask; the cheapest"),
};

enum status quote_ask(struct execution *x, const void *params, struct writer *result)
{
    const struct quote_params *p = params;
    struct quote quote = { .id = execution_transaction(x), .account = execution_account(x),
                           .amount = p->amount, .expires_us = execution_time(x) + QUOTE_LIFE_US };
    uint64_t seq = execution_next_seq(x);
    char address[ADDRESS_TEXT_MAX];
    struct terms terms;
    struct asset asset;

    TRY(asset_find(x, &p->asset, &asset));
    TRY(way_read(x, &p->asset, p->source, p->destination, &quote.way));
    TRY(terms_choose(x, &p->provider, &quote.way, p->amount, &quote.account, &terms, &quote.fee));
    if (quote_count_open(execution_database(x), &quote.account, execution_time(x)) >= QUOTES_OPEN_MOST)
        return fail(x, ERROR_LIMIT, "the account has %d open quotes; use one, or wait until they expire",
                    QUOTES_OPEN_MOST);
    quote.provider = terms.provider;
    quote_insert(execution_database(x), &quote, seq);
    address_encode(address, &terms.provider);
    writer_object_begin(result);
    writer_member_hex(result, "quote", quote.id.bytes, sizeof(quote.id.bytes));
    writer_member_text(result, "provider", address);
    writer_member_unsigned(result, "amount", quote.amount);
    writer_member_unsigned(result, "fee", quote.fee);
    writer_member_integer(result, "expires_us", quote.expires_us);
    writer_object_end(result);
    return event_transfer_quoted(x, &(struct event_transfer_quoted){
        .quote = quote.id, .account = quote.account, .provider = quote.provider, .asset = asset.symbol,
        .source = p->source, .destination = p->destination, .amount = quote.amount, .fee = quote.fee,
        .expires_us = quote.expires_us });
}
