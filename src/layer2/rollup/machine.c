/* See machine.h: its table is this file's contents. machine_place says which leaf a step reads; the functions
 * below it say what the step does with that leaf, and know of no other. */
#include "layer2/rollup/machine.h"

#include <inttypes.h>
#include <string.h>

/* The table's rows. */
enum step {
    STEP_TAKE = 0,
    STEP_KEY = 1,
    STEP_ROOM = 2,
    STEP_DEBIT = 3,
    STEP_CREDIT = 4, /* and the seven after it: outputs */
    STEP_APPEND = 4,
    STEP_COUNT = 4,
    STEP_ACCOUNT = 5,
    STEP_INDEX = 6,
    STEP_FEE = 12,
};
_Static_assert((unsigned)STEP_CREDIT + OUTPUTS_MAX <= (unsigned)STEP_FEE && (unsigned)STEP_FEE < ITEM_STEPS,
               "an item fits in its steps");
_Static_assert(1U << ITEM_STEPS_LOG2 == ITEM_STEPS, "the steps of an item are a subtree");

const char *item_fault_name(enum item_fault fault)
{
    switch (fault) {
    case FAULT_NONE:
        return "none";
    case FAULT_MALFORMED:
        return "malformed";
    case FAULT_SIGNATURE:
        return "bad_signature";
    case FAULT_NONCE:
        return "bad_nonce";
    case FAULT_BALANCE:
        return "insufficient_balance";
    case FAULT_NO_ACCOUNT:
        return "no_account";
    case FAULT_EXISTS:
        return "account_exists";
    case FAULT_FULL:
        return "full";
    case FAULT_STATE:
        return "damaged_state";
    }
    INVARIANT(false, "no such fault: %d", (int)fault);
}

/* --- which leaf -------------------------------------------------------------------------------- */

static bool is_transfer(const struct item *item)
{
    return item->kind == ITEM_TRANSFER || item->kind == ITEM_BATCH_TRANSFER;
}

static bool is_transaction(const struct item *item)
{
    return item->kind <= ITEM_REGISTRATION;
}

static bool place_account(struct leaf_place *place, uint32_t index)
{
    place->kind = LEAF_ACCOUNT;
    place->index = index;
    return true;
}

static bool place_index(struct leaf_place *place, const struct account_id *key)
{
    place->kind = LEAF_INDEX;
    place->key = *key;
    return true;
}

static bool place_one(struct leaf_place *place, enum leaf_kind kind)
{
    place->kind = kind;
    return true;
}

static bool place_transfer(const struct item *item, unsigned step, struct leaf_place *place)
{
    return step >= STEP_CREDIT && step - STEP_CREDIT < item->output_count &&
           place_account(place, item->outputs[step - STEP_CREDIT].to);
}

static bool place_withdrawal(unsigned step, struct leaf_place *place)
{
    return (step == STEP_ROOM || step == STEP_APPEND) && place_one(place, LEAF_OUTBOX);
}

/* Of a registration, and of a deposit whose key has no account yet. */
static bool place_account_new(const struct registers *registers, unsigned step, struct leaf_place *place)
{
    if (step == STEP_COUNT)
        return place_one(place, LEAF_GLOBAL);
    if (step == STEP_ACCOUNT)
        return place_account(place, registers->index);
    return step == STEP_INDEX && place_index(place, &registers->item.key);
}

/* Steps 1 … 15 of an item that is not null; `place` is zeroed. */
static bool place_item(const struct registers *registers, unsigned step, struct leaf_place *place)
{
    const struct item *item = &registers->item;

    if (is_transaction(item)) {
        if (step == STEP_KEY || step == STEP_DEBIT)
            return place_account(place, item->from);
        if (step == STEP_FEE)
            return item->fee > 0 && place_account(place, 0);
    }
    switch (item->kind) {
    case ITEM_TRANSFER:
    case ITEM_BATCH_TRANSFER:
        return place_transfer(item, step, place);
    case ITEM_WITHDRAWAL:
        return place_withdrawal(step, place);
    case ITEM_REGISTRATION:
        if (step == STEP_ROOM)
            return place_index(place, &item->key);
        return place_account_new(registers, step, place);
    case ITEM_DEPOSIT:
        if (step == STEP_KEY)
            return place_index(place, &item->key);
        if (registers->known)
            return step == STEP_ACCOUNT && place_account(place, registers->index);
        return place_account_new(registers, step, place);
    case ITEM_FORCED_EXIT:
        if (step == STEP_KEY)
            return place_index(place, &item->key);
        if (step == STEP_DEBIT)
            return place_account(place, registers->index);
        return place_withdrawal(step, place);
    case ITEM_EXITED:
        return step == STEP_DEBIT && place_account(place, item->from);
    case ITEM_FORCED:
        break; /* malformed: null since its first step */
    }
    return false;
}

static bool at_work(const struct machine_batch *batch, const struct machine *machine)
{
    return machine->status == MACHINE_RUNNING && machine->done / ITEM_STEPS < batch->items;
}

bool machine_decodes(const struct machine_batch *batch, const struct machine *machine)
{
    return at_work(batch, machine) && machine->done % ITEM_STEPS == STEP_TAKE;
}

bool machine_place(const struct machine_batch *batch, const struct machine *machine, struct leaf_place *place)
{
    unsigned step = machine->done % ITEM_STEPS;

    if (!at_work(batch, machine))
        return false;
    memset(place, 0, sizeof *place);
    if (step == STEP_TAKE)
        return place_one(place, LEAF_GLOBAL);
    return !machine->registers.null && place_item(&machine->registers, step, place);
}

/* --- what is done with it ------------------------------------------------------------------------- */

/* One step under way. */
struct work {
    const struct machine_batch *batch;
    struct machine *machine;
    const struct machine_access *access;
    uint64_t index;   /* of the item */
    struct leaf *leaf; /* NULL: absent */
    struct leaf fresh; /* what is written where nothing was; only then filled */
    bool write;
};

/* Before anything of the item is written; or the state is damaged. */
static void fail(struct work *work, enum item_fault fault)
{
    struct registers *registers = &work->machine->registers;

    registers->fault = fault;
    if (registers->item.inbox && registers->item.kind != ITEM_DEPOSIT && fault != FAULT_STATE) {
        registers->null = true;
        return;
    }
    work->machine->status = MACHINE_INVALID;
    registers->active = false;
    work->write = false;
}

/* The leaf is there, as in every state that the machine made. */
static bool stands(struct work *work)
{
    if (work->leaf == NULL)
        fail(work, FAULT_STATE);
    return work->leaf != NULL;
}

/* A new leaf where nothing was. */
static struct leaf *fresh(struct work *work, enum leaf_kind kind)
{
    if (work->leaf != NULL) {
        fail(work, FAULT_STATE);
        return NULL;
    }
    memset(&work->fresh, 0, sizeof work->fresh);
    work->fresh.kind = kind;
    work->leaf = &work->fresh;
    work->write = true;
    return work->leaf;
}

static enum status decode(struct work *work, struct error *error)
{
    const struct machine_batch *batch = work->batch;
    struct item *item = &work->machine->registers.item;
    struct bytes bytes;
    enum status status;
    size_t size;

    TRY(work->access->item(work->access->context, work->index, &bytes, error));
    memset(item, 0, sizeof *item);
    if (work->index < batch->inbox_items) {
        status = inbox_item_decode(bytes, NULL, batch->assets, item, NULL);
        if (status != OK || item->number != batch->inbox_from + work->index)
            fail(work, FAULT_STATE);
        else if (item->malformed)
            fail(work, FAULT_MALFORMED);
        return OK;
    }
    status = rollup_transaction_decode(bytes, NULL, batch->assets, item, &size, NULL);
    if (status != OK || size != bytes.size)
        fail(work, FAULT_MALFORMED);
    return OK;
}

static bool accounts_exist(const struct item *item, uint32_t accounts)
{
    if (!is_transaction(item))
        return true;
    for (unsigned i = 0; i < item->output_count; i++) {
        if (item->outputs[i].to >= accounts)
            return false;
    }
    return item->from < accounts;
}

static enum status take(struct work *work, struct error *error)
{
    struct registers *registers = &work->machine->registers;

    registers->active = true;
    registers->null = false;
    registers->known = false;
    registers->fault = FAULT_NONE;
    registers->amount = 0;
    registers->index = 0;
    TRY(decode(work, error));
    if (work->machine->status == MACHINE_INVALID || !stands(work))
        return OK;
    struct rollup_global *global = &work->leaf->global;
    if (!registers->null && !accounts_exist(&registers->item, global->accounts))
        fail(work, FAULT_NO_ACCOUNT);
    if (work->machine->status == MACHINE_INVALID)
        return OK;
    registers->index = global->accounts;
    if (work->index >= work->batch->inbox_items)
        return OK;
    if (global->inbox != registers->item.number || global->inbox == INTEGER_MAX) {
        fail(work, FAULT_STATE);
        return OK;
    }
    global->inbox++;
    work->write = true;
    return OK;
}

static void verify(struct work *work)
{
    struct item *item = &work->machine->registers.item;
    const struct machine_access *access = work->access;

    if (!stands(work))
        return;
    const struct account_id *key = &work->leaf->account.key;
    if (access->verified != NULL && access->verified(access->context, work->index, key, item))
        return;
    transaction_digest(item, &work->batch->rollup);
    if (!schnorr_verify(key, item->digest.bytes, sizeof item->digest, &item->signature))
        fail(work, FAULT_SIGNATURE);
}

/* Whose account a deposit or forced exit is about. */
static void find(struct work *work)
{
    struct registers *registers = &work->machine->registers;

    registers->known = work->leaf != NULL;
    if (registers->known)
        registers->index = work->leaf->index;
    else if (registers->item.kind == ITEM_FORCED_EXIT)
        fail(work, FAULT_NO_ACCOUNT);
    else if (registers->index == UINT32_MAX)
        fail(work, FAULT_FULL);
}

static void room(struct work *work)
{
    if (work->machine->registers.item.kind == ITEM_REGISTRATION) {
        if (work->leaf != NULL)
            fail(work, FAULT_EXISTS);
        else if (work->machine->registers.index == UINT32_MAX)
            fail(work, FAULT_FULL);
    } else if (stands(work) && work->leaf->outbox.count >= OUTBOX_COUNT_MAX) {
        fail(work, FAULT_FULL);
    }
}

static void debit(struct work *work)
{
    const struct item *item = &work->machine->registers.item;
    uint64_t total = transaction_total(item);

    if (!stands(work))
        return;
    struct rollup_account *account = &work->leaf->account;
    if (account->nonce != item->nonce || account->nonce >= INTEGER_MAX) {
        fail(work, FAULT_NONCE);
    } else if (account->balances[item->asset] < total) {
        fail(work, FAULT_BALANCE);
    } else {
        account->nonce++;
        account->balances[item->asset] -= total;
        work->write = true;
    }
}

static void debit_exit(struct work *work)
{
    struct registers *registers = &work->machine->registers;

    if (!stands(work))
        return;
    uint64_t *balance = &work->leaf->account.balances[registers->item.asset];
    uint64_t amount = registers->item.amount != 0 ? registers->item.amount : *balance;
    if (amount == 0 || amount > *balance) {
        fail(work, FAULT_BALANCE);
        return;
    }
    registers->amount = amount;
    *balance -= amount;
    work->write = true;
}

/* What left on the base ledger; that it is not there is a state that no rollup comes to. */
static void debit_exited(struct work *work)
{
    const struct item *item = &work->machine->registers.item;

    if (!stands(work))
        return;
    uint64_t *balance = &work->leaf->account.balances[item->asset];
    if (*balance < item->amount) {
        fail(work, FAULT_STATE);
        return;
    }
    *balance -= item->amount;
    work->write = true;
}

static void credit(struct work *work, uint64_t amount)
{
    if (!stands(work))
        return;
    uint64_t *balance = &work->leaf->account.balances[work->machine->registers.item.asset];
    if (*balance > INTEGER_MAX || amount > INTEGER_MAX - *balance) {
        fail(work, FAULT_STATE); /* more than there is of the asset */
        return;
    }
    *balance += amount;
    work->write = true;
}

static void append(struct work *work)
{
    const struct registers *registers = &work->machine->registers;
    const struct item *item = &registers->item;
    uint8_t message[WITHDRAWAL_SIZE];
    struct hash hash;

    if (!stands(work))
        return;
    const struct withdrawal withdrawal = {
        .number = work->leaf->outbox.count,
        .asset = item->asset,
        .amount = item->kind == ITEM_WITHDRAWAL ? item->amount : registers->amount,
        .recipient = item->recipient,
    };
    withdrawal_encode(&withdrawal, message);
    outbox_leaf(&hash, message, sizeof message);
    if (!outbox_append(outbox_shape(), &work->leaf->outbox, &hash, NULL, NULL)) {
        fail(work, FAULT_STATE);
        return;
    }
    work->write = true;
    if (work->access->withdrew != NULL)
        work->access->withdrew(work->access->context, &withdrawal);
}

static void count(struct work *work)
{
    if (!stands(work))
        return;
    if (work->leaf->global.accounts != work->machine->registers.index ||
        work->machine->registers.index == UINT32_MAX) {
        fail(work, FAULT_STATE);
        return;
    }
    work->leaf->global.accounts++;
    work->write = true;
}

static void account_credit(struct work *work)
{
    const struct registers *registers = &work->machine->registers;

    if (!registers->known) {
        struct leaf *leaf = fresh(work, LEAF_ACCOUNT);
        if (leaf == NULL)
            return;
        leaf->account.key = registers->item.key;
    }
    if (registers->item.kind == ITEM_DEPOSIT)
        credit(work, registers->item.amount);
}

static void index_write(struct work *work)
{
    struct leaf *leaf = fresh(work, LEAF_INDEX);

    if (leaf != NULL)
        leaf->index = work->machine->registers.index;
}

/* Steps 1 … 15 that touch a leaf. */
static void act(struct work *work, unsigned step)
{
    const struct item *item = &work->machine->registers.item;

    if (step == STEP_KEY && is_transaction(item))
        verify(work);
    else if (step == STEP_KEY)
        find(work);
    else if (step == STEP_ROOM)
        room(work);
    else if (step == STEP_DEBIT && is_transaction(item))
        debit(work);
    else if (step == STEP_DEBIT && item->kind == ITEM_EXITED)
        debit_exited(work);
    else if (step == STEP_DEBIT)
        debit_exit(work);
    else if (step == STEP_FEE)
        credit(work, item->fee);
    else if (is_transfer(item))
        credit(work, item->outputs[step - STEP_CREDIT].amount);
    else if (item->kind == ITEM_WITHDRAWAL || item->kind == ITEM_FORCED_EXIT)
        append(work);
    else if (step == STEP_COUNT)
        count(work);
    else if (step == STEP_ACCOUNT)
        account_credit(work);
    else
        index_write(work);
}

enum status machine_step(const struct machine_batch *batch, struct machine *machine,
                         const struct machine_access *access, struct error *error)
{
    unsigned step = machine->done % ITEM_STEPS;
    struct leaf_place place;

    if (machine_place(batch, machine, &place)) {
        struct work work;

        work.batch = batch;
        work.machine = machine;
        work.access = access;
        work.index = machine->done / ITEM_STEPS;
        work.leaf = NULL;
        work.write = false;
        TRY(access->read(access->context, &place, &work.leaf, error));
        if (step == STEP_TAKE)
            TRY(take(&work, error));
        else
            act(&work, step);
        if (work.write)
            TRY(access->write(access->context, &place, work.leaf, error));
    }
    machine->done++;
    if (step == ITEM_STEPS - 1)
        machine->registers.active = false;
    return OK;
}

enum status machine_item(const struct machine_batch *batch, struct machine *machine,
                         const struct machine_access *access, struct error *error)
{
    do
        TRY(machine_step(batch, machine, access, error));
    while (machine->done % ITEM_STEPS != 0);
    return OK;
}
