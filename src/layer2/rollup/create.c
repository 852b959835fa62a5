/* Rollups made, deposits, forced transactions and exits: see create.h. */
#include "layer2/rollup/create.h"

#include <inttypes.h>
#include <string.h>

#include "base/bech32.h"
#include "crypto/hash.h"
#include "layer2/rollup/availability_rows.h"
#include "layer2/rollup/life.h"
#include "layer2/rollup/module.h"
#include "layer2/rollup/rows.h"

#define SECONDS(n) ((uint64_t)(n) * 1000000)
#define HOURS(n) SECONDS((n) * 3600)
#define DAYS(n) HOURS((n) * 24)
/* Whoever plays in its games has bonds held for so long, and so high. */
#define WINDOW_DAYS_MAX 30
#define BOND_GROWTH_MAX 100 /* the deepest claim's bond, of the batch's own */

struct create_asset {
    struct asset_id asset;
    uint64_t deposit_min;
};

static const struct param asset_items[] = {
    PARAM(struct create_asset, asset, ASSET, REQUIRED, "id or symbol"),
    PARAM(struct create_asset, deposit_min, AMOUNT, OPTIONAL, "no deposit of less; 1 when absent"),
};

struct create_member {
    struct account_id member;
};

static const struct param member_items[] = {
    PARAM(struct create_member, member, ACCOUNT, REQUIRED, "a key"),
};

static const char *const availabilities[] = { "ledger", "committee", NULL };

const struct param rollup_create_params[CREATE_PARAMS] = {
    PARAM(struct create, assets, LIST, REQUIRED, "what can be in it: number 0, 1, … inside",
          .items = asset_items, .item_params = COUNT_OF(asset_items),
          .item_size = sizeof(struct create_asset), .most = ROLLUP_ASSETS_MAX),
    PARAM(struct create, bond, AMOUNT, REQUIRED, "held with each batch, and with the first claim of a game"),
    PARAM(struct create, operator, ACCOUNT, OPTIONAL,
          "who proposes its batches, as the node whose 'account' node.info shows; the signer when absent"),
    PARAM(struct create, bond_asset, ASSET, OPTIONAL, "in which bonds are paid; the first asset when absent"),
    PARAM(struct create, bond_numerator, INTEGER, OPTIONAL,
          "each claim of a game takes numerator/denominator of the bond before it", .fallback = 1),
    PARAM(struct create, bond_denominator, INTEGER, OPTIONAL, "see bond_numerator", .fallback = 1),
    PARAM(struct create, burn_ppm, INTEGER, OPTIONAL, "part of a lost bond that nobody gets, in millionths",
          .fallback = 500000),
    PARAM(struct create, challenge, DURATION, OPTIONAL, "how long a batch can be challenged",
          .fallback = DAYS(7)),
    PARAM(struct create, clock, DURATION, OPTIONAL, "time for all moves of one side of a game",
          .fallback = HOURS(84)),
    PARAM(struct create, extension, DURATION, OPTIONAL, "that is left for the next move at least",
          .fallback = HOURS(3)),
    PARAM(struct create, step_extension, DURATION, OPTIONAL, "more of that before a step",
          .fallback = HOURS(3)),
    PARAM(struct create, air_gap, DURATION, OPTIONAL, "from accepted to final, and from a game's end to its "
          "closing", .fallback = HOURS(84)),
    PARAM(struct create, payout_delay, DURATION, OPTIONAL, "from a game's closing to its payments",
          .fallback = 0),
    PARAM(struct create, forced, DURATION, OPTIONAL, "after which an inbox item must be in the next batch",
          .fallback = HOURS(24)),
    PARAM(struct create, escape, DURATION, OPTIONAL, "after which anybody may freeze it when an item waits",
          .fallback = DAYS(7)),
    PARAM(struct create, jail, DURATION, OPTIONAL,
          "without batches after one that was wrong; shorter than 'escape' less 'forced'",
          .fallback = DAYS(3)),
    PARAM(struct create, unfreeze_after, DURATION, OPTIONAL,
          "from the announcement that it is un-frozen until it is", .fallback = DAYS(7)),
    PARAM(struct create, availability, CHOICE, OPTIONAL,
          "where batches have their data: on the ledger, as when absent, or with a committee that gives it"
          " out when somebody challenges it", .choices = availabilities),
    PARAM(struct create, committee, LIST, OPTIONAL, "its members' keys", .items = member_items,
          .item_params = COUNT_OF(member_items), .item_size = sizeof(struct create_member),
          .most = COMMITTEE_MAX),
    PARAM(struct create, committee_threshold, INTEGER, OPTIONAL,
          "so many of them must vouch for a batch's data; all when absent", .fallback = NOT_GIVEN),
    PARAM(struct create, availability_window, DURATION, OPTIONAL,
          "time to publish data that is challenged; a day when absent", .fallback = NOT_GIVEN),
    PARAM(struct create, availability_bond, AMOUNT, OPTIONAL,
          "held with such a challenge, and whoever publishes the data gets it; as 'bond' when absent"),
};

/* --- shared ----------------------------------------------------------------------------------- */
enum status rollup_unknown(struct error *error, uint64_t domain)
{
    return error_set(error, ERROR_ROLLUP_NOT_FOUND, "there is no rollup %" PRIu64, domain);
}

enum status rollup_need(struct execution *x, uint64_t domain, struct rollup *rollup)
{
    if (rollup_find(execution_database(x), domain, rollup))
        return OK;
    return fail(x, ERROR_ROLLUP_NOT_FOUND, "there is no rollup %" PRIu64, domain);
}

void rollup_follow(struct execution *x, uint64_t domain)
{
    uint8_t subject[8];

    put_be64(subject, domain);
    reaction_request(x, ROLLUP_FOLLOW, bytes_of(subject, sizeof(subject)));
}

enum status rollup_asset_number(struct execution *x, const struct rollup *rollup,
                                const struct asset_id *asset, unsigned *number)
{
    for (unsigned i = 0; i < rollup->assets; i++) {
        struct asset_id id;

        if (!domain_asset(execution_database(x), rollup->domain, i, &id) ||
            memcmp(id.bytes, asset->bytes, sizeof(id.bytes)) != 0)
            continue;
        *number = i;
        return OK;
    }
    return fail(x, ERROR_ASSET_NOT_FOUND, "the rollup %" PRIu64 " does not have this asset", rollup->domain);
}

/* --- rollup.create ---------------------------------------------------------------------------- */
static enum status read_assets(struct execution *x, const struct create *p,
                               struct asset_id ids[ROLLUP_ASSETS_MAX], struct asset assets[ROLLUP_ASSETS_MAX])
{
    const struct create_asset *given = p->assets.items;

    for (size_t i = 0; i < p->assets.count; i++) {
        ids[i] = given[i].asset;
        TRY(asset_find(x, &ids[i], &assets[i]));
        for (size_t k = 0; k < i; k++) {
            if (memcmp(ids[k].bytes, ids[i].bytes, sizeof(ids[i].bytes)) == 0)
                return fail(x, ERROR_INVALID_PARAMS, "%s is given twice", assets[i].symbol);
        }
    }
    return OK;
}

static enum status read_windows(struct execution *x, const struct create *p, struct rollup *r)
{
    const int64_t given[] = { p->challenge, p->clock, p->extension, p->step_extension, p->air_gap,
                              p->payout_delay, p->forced, p->escape, p->jail, p->unfreeze_after };

    for (size_t i = 0; i < COUNT_OF(given); i++) {
        if (given[i] < 0 || given[i] > (int64_t)DAYS(WINDOW_DAYS_MAX))
            return fail(x, ERROR_INVALID_PARAMS, "%" PRId64 " µs is no duration of at most %d days", given[i],
                        WINDOW_DAYS_MAX);
    }
    r->challenge_us = execution_window(x, p->challenge);
    r->forced_us = execution_window(x, p->forced);
    r->escape_us = execution_window(x, p->escape);
    r->jail_us = execution_window(x, p->jail);
    r->unfreeze_us = execution_window(x, p->unfreeze_after);
    r->game.max_clock_us = execution_window(x, p->clock);
    r->game.extension_us = execution_window(x, p->extension);
    r->game.step_extension_us = execution_window(x, p->step_extension);
    r->game.air_gap_us = execution_window(x, p->air_gap);
    r->game.payout_delay_us = execution_window(x, p->payout_delay);
    if (r->challenge_us == 0 || r->forced_us == 0 || r->unfreeze_us == 0)
        return fail(x, ERROR_INVALID_PARAMS,
                    "'challenge', 'forced' and 'unfreeze_after' must be longer than nothing");
    if (r->escape_us < r->forced_us)
        return fail(x, ERROR_INVALID_PARAMS, "'escape' must not be shorter than 'forced'");
    if (r->jail_us > 0 && r->jail_us >= r->escape_us - r->forced_us)
        return fail(x, ERROR_INVALID_PARAMS,
                    "'jail' must be shorter than 'escape' less 'forced': a jail alone freezes no rollup");
    return OK;
}

static enum status read_game(struct execution *x, const struct create *p, struct rollup *r)
{
    unsigned depth = batch_game_depth(BATCH_ITEMS_MAX);
    struct error error;

    r->bond_asset = p->bond_asset;
    if (p->bond_numerator > UINT32_MAX || p->bond_denominator > UINT32_MAX || p->burn_ppm > GAME_PPM)
        return fail(x, ERROR_INVALID_PARAMS, "bond_numerator, bond_denominator or burn_ppm is too large");
    r->game.bond_base = p->bond;
    r->game.bond_numerator = (uint32_t)p->bond_numerator;
    r->game.bond_denominator = (uint32_t)p->bond_denominator;
    r->game.burn_ppm = (uint32_t)p->burn_ppm;
    r->game.max_depth = depth;
    r->game.split_depth = BATCH_SPLIT_DEPTH(depth);
    if (game_params_check(&r->game, &error) != OK)
        return fail(x, ERROR_INVALID_PARAMS, "%s", error.message);
    if (game_bond(&r->game, depth) > r->game.bond_base * BOND_GROWTH_MAX)
        return fail(x, ERROR_INVALID_PARAMS, "the bond at depth %u is %" PRIu64 ", over %d times the first",
                    depth, game_bond(&r->game, depth), BOND_GROWTH_MAX);
    return OK;
}

static enum status refuse_committee(struct execution *x, const struct create *p)
{
    if (p->committee.count > 0 || p->committee_threshold != NOT_GIVEN || p->availability_bond != 0 ||
        p->availability_window != (int64_t)NOT_GIVEN)
        return fail(x, ERROR_INVALID_PARAMS, "a committee, its threshold, and window and bond of availability"
                    " go with 'availability' = committee alone");
    return OK;
}

static enum status read_members(struct execution *x, const struct create *p,
                                struct account_id members[COMMITTEE_MAX])
{
    const struct create_member *given = p->committee.items;
    char address[ADDRESS_TEXT_MAX];

    for (size_t i = 0; i < p->committee.count; i++) {
        members[i] = given[i].member;
        address_encode(address, &members[i]);
        if (!account_is_key(&members[i]))
            return fail(x, ERROR_BAD_KEY, "%s is no key, so that nobody could vouch as that", address);
        for (size_t k = 0; k < i; k++) {
            if (account_equal(&members[k], &members[i]))
                return fail(x, ERROR_INVALID_PARAMS, "%s is given twice", address);
        }
    }
    return OK;
}

static enum status read_availability(struct execution *x, const struct create *p, struct rollup *r,
                                     struct account_id members[COMMITTEE_MAX])
{
    const bool has_window = p->availability_window != (int64_t)NOT_GIVEN;
    const int64_t window_us = has_window ? p->availability_window : (int64_t)DAYS(1);

    if (p->availability == NULL || strcmp(p->availability, "ledger") == 0)
        return refuse_committee(x, p);
    TRY(read_members(x, p, members));
    r->availability = AVAILABILITY_COMMITTEE;
    r->committee_threshold = p->committee_threshold == NOT_GIVEN || p->committee_threshold > COMMITTEE_MAX
                                 ? (unsigned)p->committee.count : (unsigned)p->committee_threshold;
    if (p->committee.count == 0 || r->committee_threshold == 0 ||
        (p->committee_threshold != NOT_GIVEN && p->committee_threshold > p->committee.count))
        return fail(x, ERROR_INVALID_PARAMS, "a committee has 1 … %u members, of which 1 or more must vouch",
                    COMMITTEE_MAX);
    if (window_us < 0 || window_us > (int64_t)DAYS(WINDOW_DAYS_MAX) || execution_window(x, window_us) == 0)
        return fail(x, ERROR_INVALID_PARAMS, "'availability_window' is longer than nothing, and at most %d"
                    " days", WINDOW_DAYS_MAX);
    r->availability_us = execution_window(x, window_us);
    r->availability_bond = p->availability_bond == 0 ? p->bond : p->availability_bond;
    return OK;
}

static void make_id(struct execution *x, struct rollup *r)
{
    struct hash transaction = execution_transaction(x);
    struct tagged_hash h;
    uint8_t number[8];

    put_be64(number, r->domain);
    tagged_hash_begin(&h, "layerd/rollup/id");
    tagged_hash_add(&h, execution_chain(x), strlen(execution_chain(x)));
    tagged_hash_add(&h, number, sizeof(number));
    tagged_hash_add(&h, transaction.bytes, sizeof(transaction.bytes));
    tagged_hash_end(&h, &r->id);
}

static void genesis_root(struct rollup *r)
{
    struct rollup_state *state = rollup_state_new(r->assets, &r->operator_);

    rollup_state_root(state, &r->genesis_root);
    rollup_state_free(state);
}

static void tell_created(struct execution *x, const struct rollup *r, const struct asset *assets)
{
    struct buffer json CLEANUP(buffer_close) = { 0 };
    struct writer w;

    writer_init(&w, &json);
    writer_array_begin(&w);
    for (unsigned i = 0; i < r->assets; i++)
        writer_text(&w, assets[i].symbol);
    writer_array_end(&w);
    event_rollup_created(x, &(struct event_rollup_created){
        .domain = r->domain, .rollup = r->id, .proposer = r->operator_, .escrow = r->escrow,
        .assets = buffer_bytes(&json), .root = r->genesis_root });
}

enum status create_rollup(struct execution *x, const void *params, struct writer *result)
{
    const struct create *p = params;
    struct rollup r = { .operator_ = p->operator, .assets = (unsigned)p->assets.count };
    struct asset_id ids[ROLLUP_ASSETS_MAX];
    struct asset assets[ROLLUP_ASSETS_MAX], bond;
    struct account_id members[COMMITTEE_MAX];
    struct hash transaction = execution_transaction(x), hash;
    static const struct asset_id none;

    if (account_is_zero(&r.operator_))
        r.operator_ = execution_account(x);
    TRY(account_can_receive(x, &r.operator_));
    TRY(read_assets(x, p, ids, assets));
    TRY(read_windows(x, p, &r));
    TRY(read_game(x, p, &r));
    TRY(read_availability(x, p, &r, members));
    if (memcmp(r.bond_asset.bytes, none.bytes, sizeof(none.bytes)) == 0)
        r.bond_asset = ids[0];
    TRY(asset_find(x, &r.bond_asset, &bond));
    tagged_hash(&hash, "layerd/rollup/escrow", transaction.bytes, sizeof(transaction.bytes));
    memcpy(r.escrow.bytes, hash.bytes, sizeof(r.escrow.bytes));
    TRY(domain_open(x, &r.escrow, "rollup", ids, r.assets, &r.domain));
    make_id(x, &r);
    genesis_root(&r);
    rollup_insert(execution_database(x), &r, execution_next_seq(x));
    for (unsigned i = 0; i < r.assets; i++) {
        uint64_t least = ((const struct create_asset *)p->assets.items)[i].deposit_min;

        deposit_min_insert(execution_database(x), r.domain, i, least > 0 ? least : 1);
    }
    if (r.availability == AVAILABILITY_COMMITTEE)
        committee_insert(execution_database(x), r.domain, members, (unsigned)p->committee.count);
    rollup_follow(x, r.domain);
    tell_created(x, &r, assets);
    writer_object_begin(result);
    writer_member_unsigned(result, "domain", r.domain);
    writer_member_hex(result, "rollup", r.id.bytes, sizeof(r.id.bytes));
    writer_member_hex(result, "root", r.genesis_root.bytes, sizeof(r.genesis_root.bytes));
    writer_object_end(result);
    return OK;
}

/* --- into the inbox --------------------------------------------------------------------------- */
static enum status need_open(struct execution *x, uint64_t domain, struct rollup *rollup)
{
    TRY(rollup_need(x, domain, rollup));
    if (rollup->frozen)
        return fail(x, ERROR_ROLLUP_FROZEN, "the rollup %" PRIu64 " is frozen", domain);
    return OK;
}

static enum status queue(struct execution *x, const struct rollup *rollup, unsigned asset, uint64_t amount,
                         const struct buffer *payload, struct writer *result)
{
    uint64_t number = inbox_count(execution_database(x), rollup->domain);
    int64_t deadline_us = execution_chain_time(x) + rollup->forced_us;
    struct account_id signer = execution_account(x);

    TRY(inbox_queue(x, rollup->domain, &signer, asset, amount, buffer_bytes(payload), deadline_us));
    deadline_us = inbox_deadline(execution_database(x), rollup->domain, number); /* of what waits before it */
    inbox_watch(x, rollup);
    rollup_follow(x, rollup->domain);
    writer_object_begin(result);
    writer_member_unsigned(result, "number", number);
    writer_member_integer(result, "deadline_us", deadline_us);
    writer_object_end(result);
    return OK;
}

const struct param rollup_deposit_params[DEPOSIT_PARAMS] = {
    PARAM(struct deposit, domain, INTEGER, REQUIRED, "the rollup's number"),
    PARAM(struct deposit, asset, ASSET, REQUIRED, "one of the rollup's assets"),
    PARAM(struct deposit, amount, AMOUNT, REQUIRED, "in the asset's smallest unit"),
    PARAM(struct deposit, key, ACCOUNT, OPTIONAL, "whose account inside gets it; the signer's when absent"),
};

enum status check_rollup_deposit(const struct check *check, void *params, struct arena *arena,
                                 struct error *error)
{
    const struct deposit *p = params;
    char address[ADDRESS_TEXT_MAX];

    (void)check, (void)arena;
    if (account_is_zero(&p->key) || account_is_key(&p->key))
        return OK;
    address_encode(address, &p->key);
    return error_set(error, ERROR_BAD_KEY, "%s is no key, so that nobody could take it out", address);
}

enum status deposit_into(struct execution *x, const void *params, struct writer *result)
{
    const struct deposit *p = params;
    struct item item = { .kind = ITEM_DEPOSIT, .inbox = true, .amount = p->amount,
                         .key = account_is_zero(&p->key) ? execution_account(x) : p->key };
    struct buffer payload CLEANUP(buffer_close) = { 0 };
    struct rollup rollup;
    struct asset asset;
    uint64_t least;

    TRY(need_open(x, p->domain, &rollup));
    TRY(asset_find(x, &p->asset, &asset));
    TRY(rollup_asset_number(x, &rollup, &p->asset, &item.asset));
    least = deposit_min(execution_database(x), p->domain, item.asset);
    if (p->amount < least)
        return fail(x, ERROR_DEPOSIT_TOO_SMALL,
                    "%" PRIu64 " %s are less than %" PRIu64 ", the least that the rollup takes", p->amount,
                    asset.symbol, least);
    item.number = inbox_count(execution_database(x), p->domain);
    inbox_item_encode(&item, &payload);
    TRY(queue(x, &rollup, item.asset, p->amount, &payload, result));
    return event_rollup_deposited(x, &(struct event_rollup_deposited){
        .domain = p->domain, .number = item.number, .from = execution_account(x), .key = item.key,
        .asset = asset.symbol, .amount = p->amount,
        .deadline_us = inbox_deadline(execution_database(x), p->domain, item.number) });
}

const struct param rollup_force_params[FORCE_PARAMS] = {
    PARAM(struct force, domain, INTEGER, REQUIRED, "the rollup's number"),
    PARAM(struct force, transaction, BYTES, REQUIRED, "a signed transaction, as 'rollup.submit' takes it",
          .most = ITEM_SIZE_MAX - 9),
};

static enum status tell_forced(struct execution *x, const struct rollup *rollup, uint64_t number,
                               const char *kind)
{
    return event_rollup_forced(x, &(struct event_rollup_forced){
        .domain = rollup->domain, .number = number, .from = execution_account(x), .kind = kind,
        .deadline_us = inbox_deadline(execution_database(x), rollup->domain, number) });
}

enum status force_transaction(struct execution *x, const void *params, struct writer *result)
{
    const struct force *p = params;
    struct buffer payload CLEANUP(buffer_close) = { 0 };
    struct rollup rollup;
    struct error error;
    struct item item;
    uint64_t number;
    size_t size;

    TRY(need_open(x, p->domain, &rollup));
    if (rollup_transaction_decode(p->transaction, NULL, rollup.assets, &item, &size, &error) == OK &&
        item.kind == ITEM_WITHDRAWAL)
        TRY(account_can_receive(x, &item.recipient)); /* what nobody opens would be a credit for ever */
    number = inbox_count(execution_database(x), p->domain);
    inbox_forced_encode(number, p->transaction, &payload);
    TRY(queue(x, &rollup, 0, 0, &payload, result));
    return tell_forced(x, &rollup, number, "transaction");
}

const struct param rollup_exit_params[EXIT_PARAMS] = {
    PARAM(struct forced_exit, domain, INTEGER, REQUIRED, "the rollup's number"),
    PARAM(struct forced_exit, asset, ASSET, REQUIRED, "one of the rollup's assets"),
    PARAM(struct forced_exit, amount, AMOUNT, OPTIONAL, "in the asset's smallest unit; all when absent"),
    PARAM(struct forced_exit, recipient, ACCOUNT, OPTIONAL,
          "account of the base ledger; the signer's when absent"),
};

enum status force_exit(struct execution *x, const void *params, struct writer *result)
{
    const struct forced_exit *p = params;
    struct account_id signer = execution_account(x);
    struct item item = { .kind = ITEM_FORCED_EXIT, .inbox = true, .amount = p->amount, .key = signer,
                         .recipient = account_is_zero(&p->recipient) ? signer : p->recipient };
    struct buffer payload CLEANUP(buffer_close) = { 0 };
    struct rollup rollup;

    TRY(need_open(x, p->domain, &rollup));
    TRY(rollup_asset_number(x, &rollup, &p->asset, &item.asset));
    TRY(account_can_receive(x, &item.recipient));
    item.number = inbox_count(execution_database(x), p->domain);
    inbox_item_encode(&item, &payload);
    TRY(queue(x, &rollup, 0, 0, &payload, result));
    return tell_forced(x, &rollup, item.number, "exit");
}
