/* Batches executed: the machine on the state's own leaves, and what it changed, told or taken back. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "layer2/rollup/state_leaves.h"

/* --- the machine's access --------------------------------------------------------------------- */

static enum status access_item(void *context, uint64_t index, struct bytes *bytes, struct error *error)
{
    const struct execution_access *access = context;
    (void)error;

    *bytes = access->items[index];
    return OK;
}

static enum status access_read(void *context, const struct leaf_place *place, struct leaf **leaf,
                               struct error *error)
{
    struct execution_access *access = context;
    (void)error;

    *leaf = state_read(access->state, place, &access->leaf) ? &access->leaf : NULL;
    return OK;
}

static enum status access_write(void *context, const struct leaf_place *place, const struct leaf *leaf,
                                struct error *error)
{
    struct execution_access *access = context;
    (void)error;

    state_leaf_write(access->state, place, leaf, access->journal);
    return OK;
}

static bool access_verified(void *context, uint64_t index, const struct account_id *key,
                            const struct item *item)
{
    const struct execution_access *access = context;
    (void)key;
    (void)item;

    return access->verified[index];
}

static void access_withdrew(void *context, const struct withdrawal *withdrawal)
{
    struct execution_access *access = context;

    if (access->withdrawal_count == access->withdrawal_room) {
        access->withdrawal_room = access->withdrawal_room == 0 ? 16 : access->withdrawal_room * 2;
        access->withdrawals = memory_resize(access->withdrawals,
                                            access->withdrawal_room * sizeof access->withdrawals[0]);
    }
    access->withdrawals[access->withdrawal_count++] = *withdrawal;
}

struct machine_access execution_machine_access(struct execution_access *access)
{
    return (struct machine_access){
        .context = access,
        .item = access_item,
        .read = access_read,
        .write = access_write,
        .verified = access->verified != NULL ? access_verified : NULL,
        .withdrew = access->collect ? access_withdrew : NULL,
    };
}

#define ITEMS_AHEAD 4

/* Fetches the accounts of an item that comes soon into the cache: with many accounts they are nowhere
 * near. */
static void accounts_fetch(const struct execution_access *access, const struct machine_batch *batch,
                           uint64_t index)
{
    struct item item;
    size_t size;

    if (index < batch->inbox_items || index >= batch->items ||
        rollup_transaction_decode(access->items[index], NULL, batch->assets, &item, &size, NULL) != OK)
        return;
    state_prefetch(access->state, item.from);
    for (unsigned i = 0; i < item.output_count; i++)
        state_prefetch(access->state, item.outputs[i].to);
}

void execute_items(struct execution_access *access, const struct machine_batch *batch,
                   struct machine *machine, enum item_fault *faults)
{
    const struct machine_access machine_access = execution_machine_access(access);

    memset(machine, 0, sizeof *machine);
    for (uint64_t i = 0; i < batch->items && machine->status == MACHINE_RUNNING; i++) {
        accounts_fetch(access, batch, i + ITEMS_AHEAD);
        enum status status = machine_item(batch, machine, &machine_access, NULL);

        INVARIANT(status == OK, "the state in memory fails");
        if (faults != NULL)
            faults[i] = machine->registers.fault;
    }
}

void state_result(struct rollup_state *state, struct batch_result *result)
{
    rollup_state_root(state, &result->root);
    outbox_root(outbox_shape(), &state->outbox.outbox, &result->withdrawal_root);
    result->withdrawals = state->outbox.outbox.count;
}

/* --- effects ---------------------------------------------------------------------------------- */

void batch_effects_close(struct batch_effects *effects)
{
    free(effects->changes);
    free(effects->withdrawals);
    free(effects->faults);
    *effects = (struct batch_effects){ .change_count = 0 };
}

/* Whether the entry is the first of its place: the others tell of states in between. */
static bool first_of_place(struct rollup_state *state, const struct journal_entry *entry, bool *global,
                           bool *outbox)
{
    bool *once = entry->kind == LEAF_GLOBAL ? global : outbox;

    if (entry->kind == LEAF_INDEX) /* written once for ever */
        return true;
    if (entry->kind == LEAF_ACCOUNT) {
        uint8_t *marks = account_table_marks(&state->accounts, entry->index);
        bool seen = (*marks & ACCOUNT_SEEN) != 0;
        *marks |= ACCOUNT_SEEN;
        return !seen;
    }
    bool seen = *once;
    *once = true;
    return !seen;
}

static void change_fill(struct rollup_state *state, const struct journal *journal,
                        const struct journal_entry *entry, struct leaf_change *change)
{
    change->place = (struct leaf_place){ .kind = entry->kind };
    if (entry->kind == LEAF_ACCOUNT)
        change->place.index = entry->index;
    if (entry->kind == LEAF_INDEX)
        change->place.key = account_table_row(&state->accounts, entry->index)->key;
    change->was = entry->was;
    if (change->was)
        journal_before(state, journal, entry, &change->before);
    change->is = state_read(state, &change->place, &change->after);
}

static void effects_fill(struct rollup_state *state, const struct journal *journal,
                         struct batch_effects *effects)
{
    const struct journal_entry **firsts AUTO_FREE = memory_array(journal->count + 1, sizeof(void *));
    bool global = false, outbox = false;

    effects->change_count = 0;
    for (size_t i = 0; i < journal->count; i++) {
        if (first_of_place(state, &journal->entries[i], &global, &outbox))
            firsts[effects->change_count++] = &journal->entries[i];
    }
    effects->changes = memory_resize(NULL, (effects->change_count + 1) * sizeof effects->changes[0]);
    for (size_t i = 0; i < effects->change_count; i++) {
        change_fill(state, journal, firsts[i], &effects->changes[i]);
        if (firsts[i]->kind == LEAF_ACCOUNT)
            *account_table_marks(&state->accounts, firsts[i]->index) &= (uint8_t)~ACCOUNT_SEEN;
    }
}

/* --- executing -------------------------------------------------------------------------------- */

static enum status refuse(const struct machine *machine, uint64_t *invalid, enum item_fault *fault,
                          struct error *error)
{
    uint64_t index = (machine->done - 1) / ITEM_STEPS;

    if (invalid != NULL)
        *invalid = index;
    if (fault != NULL)
        *fault = machine->registers.fault;
    return error_set(error, ERROR_INVALID_BATCH, "item %" PRIu64 " cannot be executed: %s", index,
                     item_fault_name(machine->registers.fault));
}

enum status rollup_execute(struct rollup_state *state, const struct batch *batch, const bool *verified,
                           struct batch_result *result, struct batch_effects *effects, uint64_t *invalid,
                           enum item_fault *fault, struct error *error)
{
    CLEANUP(journal_close) struct journal journal = { .count = 0 };
    struct execution_access access = { .state = state, .journal = &journal, .items = batch->items,
                                       .verified = verified, .collect = effects != NULL };
    enum item_fault *faults = NULL;
    struct machine machine;

    if (effects != NULL)
        faults = memory_array(batch->machine.items + 1, sizeof faults[0]);
    execute_items(&access, &batch->machine, &machine, faults);
    if (machine.status == MACHINE_INVALID) {
        state_undo(state, &journal, 0);
        free(faults);
        free(access.withdrawals);
        return refuse(&machine, invalid, fault, error);
    }
    if (effects != NULL) { /* before the tree needs the cache for itself */
        effects->faults = faults;
        effects->withdrawals = access.withdrawals;
        effects->withdrawal_count = access.withdrawal_count;
        effects_fill(state, &journal, effects);
    }
    if (result != NULL)
        state_result(state, result);
    return OK;
}

enum item_fault rollup_try(struct rollup_state *state, const struct machine_batch *batch,
                           struct bytes transaction)
{
    CLEANUP(journal_close) struct journal journal = { .count = 0 };
    struct execution_access access = { .state = state, .journal = &journal, .items = &transaction };
    struct machine_batch alone = *batch;
    struct machine machine;

    alone.items = 1;
    alone.inbox_items = 0;
    execute_items(&access, &alone, &machine, NULL);
    state_undo(state, &journal, 0);
    return machine.status == MACHINE_INVALID ? machine.registers.fault : FAULT_NONE;
}
