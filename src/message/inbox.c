/* The inbox, and what a domain holds on the base ledger: see message.h. */
#include "message/message.h"

#include <inttypes.h>

#include "kernel/execution.h"
#include "message/rows.h"

enum status domain_open(struct execution *x, const struct account_id *escrow, const char *kind,
                        const struct asset_id *assets, unsigned asset_count, uint64_t *domain)
{
    struct database *database = execution_database(x);

    INVARIANT(asset_count >= 1 && asset_count <= DOMAIN_ASSETS_MAX, "a domain of %u assets", asset_count);
    TRY(account_hold(x, escrow, kind));
    *domain = row_domain_insert(database, kind, escrow);
    for (unsigned number = 0; number < asset_count; number++)
        row_domain_asset_insert(database, *domain, number, &assets[number]);
    return OK;
}

/* The domain's account, and one of its assets; both must be there. */
static void must_find(struct execution *x, uint64_t domain, unsigned number, struct account_id *escrow,
                      struct asset *asset)
{
    struct asset_id id;
    unsigned count;

    INVARIANT(domain_find(execution_database(x), domain, escrow, &count) &&
                  domain_asset(execution_database(x), domain, number, &id) && asset_find(x, &id, asset) == OK,
              "the domain %" PRIu64 " has no asset %u", domain, number);
}

/* --- the inbox -------------------------------------------------------------------------------- */
static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* Nothing is due before what was queued before it, so that what is overdue is found without looking at all
 * that waits (inbox_overdue_end). */
static int64_t in_order(struct database *database, uint64_t domain, uint64_t number, int64_t deadline_us)
{
    return number == 0 ? deadline_us : later(deadline_us, inbox_deadline(database, domain, number - 1));
}

/* The same of what comes back: it is due when all of it is, and not before what came back behind it. */
static int64_t not_before(struct database *database, uint64_t domain, uint64_t from, uint64_t to,
                          int64_t deadline_us)
{
    if (from == to)
        return deadline_us;
    deadline_us = later(deadline_us, inbox_deadline(database, domain, from));
    deadline_us = later(deadline_us, inbox_deadline(database, domain, to - 1));
    if (to < row_domain_included_to(database, domain))
        deadline_us = later(deadline_us, inbox_deadline(database, domain, to));
    return deadline_us;
}

static enum status queue(struct execution *x, struct inbox_item *item)
{
    struct database *database = execution_database(x);
    struct account_id escrow;
    struct asset found;

    INVARIANT(item->payload.size > 0 && item->payload.size <= INBOX_PAYLOAD_MAX,
              "an inbox item of %zu bytes", item->payload.size);
    item->number = inbox_count(database, item->domain);
    item->deadline_us = in_order(database, item->domain, item->number, item->deadline_us);
    item->queued_us = execution_chain_time(x);
    item->state = INBOX_QUEUED;
    must_find(x, item->domain, item->asset, &escrow, &found);
    if (item->amount > 0) {
        TRY(balance_move(x, DOMAIN_BASE, &found, &item->sender, &escrow, item->amount, NULL));
        row_domain_reserve(database, item->domain, item->asset, item->amount);
    }
    row_inbox_insert(database, item, execution_next_seq(x));
    return event_message_queued(x, &(struct event_message_queued){
        .domain = item->domain, .number = item->number, .sender = item->sender, .asset = found.symbol,
        .amount = item->amount, .deadline_us = item->deadline_us });
}

enum status inbox_queue(struct execution *x, uint64_t domain, const struct account_id *sender, unsigned asset,
                        uint64_t amount, struct bytes payload, int64_t deadline_us)
{
    struct inbox_item item = { .domain = domain, .sender = *sender, .asset = asset, .amount = amount,
                               .payload = payload, .deadline_us = deadline_us };

    return queue(x, &item);
}

enum status inbox_queue_lasting(struct execution *x, uint64_t domain, const struct account_id *sender,
                                unsigned asset, struct bytes payload, int64_t deadline_us)
{
    struct inbox_item item = { .domain = domain, .sender = *sender, .asset = asset, .payload = payload,
                               .deadline_us = deadline_us, .lasting = true };

    return queue(x, &item);
}

bool inbox_has_ended(const struct inbox_item *item)
{
    return item->state == INBOX_REFUNDED || item->state == INBOX_DROPPED;
}

static void set_states(struct execution *x, uint64_t domain, uint64_t from, uint64_t to,
                       enum inbox_state before, enum inbox_state after)
{
    uint64_t changed = row_inbox_set_state(execution_database(x), domain, from, to, before, after);

    INVARIANT(changed == to - from ||
                  changed + row_inbox_ended(execution_database(x), domain, from, to) == to - from,
              "domain %" PRIu64 ": of the inbox items %" PRIu64 " to %" PRIu64 " only %" PRIu64 " were %s",
              domain, from, to, changed, inbox_state_name(before));
}

void inbox_include(struct execution *x, uint64_t domain, uint64_t from, uint64_t to)
{
    set_states(x, domain, from, to, INBOX_QUEUED, INBOX_INCLUDED);
    row_domain_included(execution_database(x), domain, to);
}

void inbox_done(struct execution *x, uint64_t domain, uint64_t from, uint64_t to)
{
    set_states(x, domain, from, to, INBOX_INCLUDED, INBOX_DONE);
    row_domain_release_items(execution_database(x), domain, from, to);
}

void inbox_return(struct execution *x, uint64_t domain, uint64_t from, uint64_t to, int64_t deadline_us)
{
    set_states(x, domain, from, to, INBOX_INCLUDED, INBOX_QUEUED);
    row_inbox_not_before(execution_database(x), domain, from, to,
                         not_before(execution_database(x), domain, from, to, deadline_us));
}

bool inbox_end(struct execution *x, uint64_t domain, unsigned most)
{
    struct database *database = execution_database(x);
    struct inbox_item item;

    for (; row_inbox_ending(database, domain, &item); most--) {
        bool deposit = item.amount > 0, credited = false;
        struct account_id escrow;
        struct asset asset;

        if (most == 0)
            return true;
        row_inbox_set_state(database, domain, item.number, item.number + 1, INBOX_QUEUED,
                            deposit ? INBOX_REFUNDED : INBOX_DROPPED);
        must_find(x, domain, item.asset, &escrow, &asset);
        if (deposit) {
            row_domain_release(database, domain, item.asset, item.amount);
            INVARIANT(domain_pay(x, domain, item.asset, &item.sender, item.amount, &credited) == OK,
                      "the domain %" PRIu64 " does not hold a deposit", domain);
        }
        INVARIANT(event_message_refunded(x, &(struct event_message_refunded){
                      .domain = domain, .number = item.number, .sender = item.sender,
                      .asset = asset.symbol, .amount = item.amount, .credited = credited }) == OK,
                  "the end of an inbox item has no event");
    }
    return false;
}

bool inbox_is_ending(struct database *database, uint64_t domain)
{
    struct inbox_item item;

    return row_inbox_ending(database, domain, &item);
}

/* --- what leaves ------------------------------------------------------------------------------ */
void outbox_final(struct execution *x, uint64_t domain, const struct hash *root, uint64_t count)
{
    struct database *database = execution_database(x);
    struct hash before;
    uint64_t count_before;

    if (!row_domain_root(database, domain, &before, &count_before) || count >= count_before)
        row_domain_set_root(database, domain, root, count);
}

/* What is spoken for stays: deposits that no final batch took in can always go back, and credits are covered,
 * whatever a domain gone wrong promised to others. */
static enum status check_funds(struct execution *x, uint64_t domain, unsigned number,
                               const struct account_id *escrow, const struct asset *asset, uint64_t amount)
{
    uint64_t held = balance_of(x, DOMAIN_BASE, asset, escrow), free_of_claims;
    uint64_t reserved = row_domain_reserved(execution_database(x), domain, number);

    INVARIANT(amount_subtract(held, reserved, &free_of_claims),
              "domain %" PRIu64 " holds %" PRIu64 " of its asset %u; %" PRIu64 " are spoken for", domain,
              held, number, reserved);
    if (amount > free_of_claims)
        return fail(x, ERROR_INSUFFICIENT_BALANCE,
                    "the domain %" PRIu64 " holds %" PRIu64 " %s, of which %" PRIu64
                    " are deposits that still wait, and credits; %" PRIu64 " are needed",
                    domain, held, asset->symbol, reserved, amount);
    return OK;
}

enum status domain_pay(struct execution *x, uint64_t domain, unsigned asset,
                       const struct account_id *recipient, uint64_t amount, bool *credited)
{
    struct credit credit = { .domain = domain, .asset = asset, .amount = amount, .recipient = *recipient };
    struct account_id escrow;
    struct asset found;

    must_find(x, domain, asset, &escrow, &found);
    TRY(check_funds(x, domain, asset, &escrow, &found, amount));
    *credited = !account_is_payable(x, recipient);
    if (!*credited)
        return balance_move(x, DOMAIN_BASE, &found, &escrow, recipient, amount, NULL);
    row_domain_reserve(execution_database(x), domain, asset, amount);
    credit.id = row_credit_insert(execution_database(x), &credit, execution_next_seq(x));
    return event_message_credited(x, &(struct event_message_credited){
        .credit = credit.id, .domain = domain, .recipient = *recipient, .asset = found.symbol,
        .amount = amount });
}
