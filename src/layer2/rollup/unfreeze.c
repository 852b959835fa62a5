/* Un-freezing: see unfreeze.h. */
#include "layer2/rollup/unfreeze.h"

#include <inttypes.h>

#include "layer2/rollup/escape.h"
#include "layer2/rollup/life.h"
#include "layer2/rollup/module.h"
#include "layer2/rollup/rows.h"

const struct param unfreeze_params[UNFREEZE_PARAMS] = {
    PARAM(struct unfreeze, domain, INTEGER, REQUIRED, "the rollup's number"),
    PARAM(struct unfreeze, withdraw, BOOLEAN, OPTIONAL, "take the announcement back: it stays frozen"),
};

static void set_deadline(struct execution *x, uint64_t domain, int64_t due_us)
{
    uint8_t subject[8];

    put_be64(subject, domain);
    deadline_set(x, CLOCK_CHAIN, due_us, UNFREEZE_DEADLINE, bytes_of(subject, sizeof(subject)));
}

static enum status withdraw(struct execution *x, struct rollup *rollup)
{
    uint8_t subject[8];

    if (rollup->unfreeze_at_us == 0)
        return fail(x, ERROR_NOT_UNFREEZING, "no un-freezing of the rollup %" PRIu64 " is announced",
                    rollup->domain);
    put_be64(subject, rollup->domain);
    deadline_clear(x, UNFREEZE_DEADLINE, bytes_of(subject, sizeof(subject)));
    rollup->unfreeze_at_us = 0;
    rollup_update(execution_database(x), rollup);
    return event_rollup_unfreeze_withdrawn(x, &(struct event_rollup_unfreeze_withdrawn){
        .domain = rollup->domain, .epoch = rollup->epoch });
}

/* Not while its operator may not propose: the exits would wait, and it would have to be frozen again. */
static enum status announce(struct execution *x, struct rollup *rollup)
{
    int64_t due_us = execution_chain_time(x) + rollup->unfreeze_us;

    if (rollup->unfreeze_at_us != 0)
        return fail(x, ERROR_UNFREEZING, "the rollup %" PRIu64 " is un-frozen at %" PRId64 " of chain time",
                    rollup->domain, rollup->unfreeze_at_us);
    if (exit_lacks_item(execution_database(x), rollup->domain))
        return fail(x, ERROR_FROZEN_FOR_GOOD,
                    "accounts left the rollup %" PRIu64 " and are not debited inside", rollup->domain);
    rollup->unfreeze_at_us = due_us > rollup->jailed_until_us ? due_us : rollup->jailed_until_us;
    rollup_update(execution_database(x), rollup);
    set_deadline(x, rollup->domain, rollup->unfreeze_at_us);
    return event_rollup_unfreezing(x, &(struct event_rollup_unfreezing){
        .domain = rollup->domain, .epoch = rollup->epoch, .due_us = rollup->unfreeze_at_us });
}

enum status unfreeze_rollup(struct execution *x, const void *params, struct writer *result)
{
    const struct unfreeze *p = params;
    struct account_id signer = execution_account(x);
    struct rollup rollup;

    TRY(rollup_need(x, p->domain, &rollup));
    if (!account_equal(&signer, &rollup.operator_))
        return fail(x, ERROR_NOT_THE_OPERATOR, "the rollup %" PRIu64 " has another operator", p->domain);
    if (!rollup.frozen)
        return fail(x, ERROR_ROLLUP_NOT_FROZEN, "the rollup %" PRIu64 " is not frozen", p->domain);
    TRY(p->withdraw ? withdraw(x, &rollup) : announce(x, &rollup));
    writer_object_begin(result);
    writer_member_unsigned(result, "epoch", rollup.epoch);
    writer_member_integer(result, "unfreeze_at_us", rollup.unfreeze_at_us);
    writer_object_end(result);
    return OK;
}

/* Nothing that waits from before goes on: what is queued has been given back first, however long it takes. */
void unfreeze_due(struct execution *x, struct bytes subject)
{
    struct database *database = execution_database(x);
    struct event_rollup_unfrozen event;
    struct rollup rollup;

    INVARIANT(rollup_find(database, get_be64(subject.data), &rollup) && rollup.frozen,
              "no such rollup is frozen");
    if (inbox_is_ending(database, rollup.domain)) {
        set_deadline(x, rollup.domain, execution_chain_time(x) + 1);
        return;
    }
    event = (struct event_rollup_unfrozen){ .domain = rollup.domain, .before = rollup.epoch,
                                            .epoch = rollup.epoch + 1, .final = rollup.final,
                                            .exits_end = rollup.exits_end };
    rollup_final_state(database, &rollup, &event.root, &event.inbox);
    rollup.frozen = false;
    rollup.epoch++;
    rollup.unfreeze_at_us = 0;
    rollup.unfrozen_us = execution_chain_time(x);
    rollup_update(database, &rollup);
    event_rollup_unfrozen(x, &event);
    inbox_watch(x, &rollup);
    rollup_follow(x, rollup.domain);
}
