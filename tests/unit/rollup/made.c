/* Batches for the world: put together by hand, or random ones that mostly can be executed. See world.h. */
#include <string.h>

#include "world.h"

void made_init(struct made *made, const struct world *world)
{
    memset(made, 0, sizeof *made);
    arena_init(&made->arena);
    made->batch.machine.rollup = world->rollup;
    made->batch.machine.assets = world->assets;
    made->batch.number = 1;
    made->batch.previous_root = world->root;
    made->batch.items = made->items;
    for (size_t i = 0; i < world->leaf_count; i++) {
        if (world->leaves[i].leaf.kind == LEAF_GLOBAL)
            made->batch.machine.inbox_from = world->leaves[i].leaf.global.inbox;
    }
}

void made_close(struct made *made)
{
    arena_close(&made->arena);
}

void made_add(struct made *made, struct bytes bytes)
{
    uint64_t index = made->batch.machine.items++;

    INVARIANT(index < WORLD_ITEMS, "more than %d items", WORLD_ITEMS);
    made->items[index] = bytes_of(arena_text(&made->arena, (const char *)bytes.data, bytes.size), bytes.size);
}

void made_transaction(struct made *made, const struct item *item)
{
    CLEANUP(buffer_close) struct buffer bytes = { 0 };

    rollup_transaction_encode(item, &bytes);
    made_add(made, buffer_bytes(&bytes));
}

static uint64_t next_number(struct made *made)
{
    INVARIANT(made->batch.machine.items == made->batch.machine.inbox_items, "inbox items come first");
    return made->batch.machine.inbox_from + made->batch.machine.inbox_items++;
}

void made_inbox(struct made *made, const struct item *item)
{
    CLEANUP(buffer_close) struct buffer bytes = { 0 };
    struct item numbered = *item;

    numbered.number = next_number(made);
    inbox_item_encode(&numbered, &bytes);
    made_add(made, buffer_bytes(&bytes));
}

void made_forced(struct made *made, const struct item *item)
{
    CLEANUP(buffer_close) struct buffer bytes = { 0 }, transaction = { 0 };

    rollup_transaction_encode(item, &transaction);
    inbox_forced_encode(next_number(made), buffer_bytes(&transaction), &bytes);
    made_add(made, buffer_bytes(&bytes));
}

void made_finish(struct made *made)
{
    batch_items_root(&made->batch, &made->items_root);
    batch_context(&made->batch, &made->items_root, &made->context);
}

/* --- random ones ---------------------------------------------------------------------------------- */

/* What is known while a batch is made: the state as it will be then. */
struct making {
    struct made *made;
    struct world *then;
    struct dice *dice;
    unsigned wrong;
};

static struct account_id random_recipient(struct dice *dice)
{
    struct account_id recipient;

    memset(recipient.bytes, (int)(1 + dice_roll(dice, 200)), sizeof recipient);
    return recipient;
}

/* Somebody with an account; with some more in it than nothing, mostly. */
static unsigned random_sender(struct making *making, unsigned asset)
{
    unsigned person = 0;
    uint32_t index;

    for (unsigned i = 0; i < 8; i++) {
        person = (unsigned)dice_roll(making->dice, PEOPLE);
        if (world_index(making->then, person_key(person), &index) &&
            world_account(making->then, index)->balances[asset] > 0)
            return person;
    }
    while (!world_index(making->then, person_key(person), &index))
        person = (person + 1) % PEOPLE;
    return person;
}

static bool has_output(const struct item *item, uint32_t to)
{
    for (unsigned i = 0; i < item->output_count; i++) {
        if (item->outputs[i].to == to)
            return true;
    }
    return false;
}

static void random_outputs(struct making *making, struct item *item, uint64_t *left)
{
    uint32_t accounts = world_one(making->then, LEAF_GLOBAL)->global.accounts;
    unsigned count = item->kind == ITEM_TRANSFER ? 1 : 2 + (unsigned)dice_roll(making->dice, OUTPUTS_MAX - 1);

    for (unsigned tries = 0; tries < 40 && item->output_count < count && *left > 0; tries++) {
        uint32_t to = dice_one_in(making->dice, 5) ? 0 : (uint32_t)dice_roll(making->dice, accounts);

        if (has_output(item, to))
            continue;
        uint64_t amount = 1 + dice_roll(making->dice, dice_one_in(making->dice, 6) ? *left : 1 + *left / 8);
        *left -= amount;
        item->outputs[item->output_count++] = (struct output){ to, amount };
    }
    if (item->kind == ITEM_BATCH_TRANSFER && item->output_count == 1)
        item->kind = ITEM_TRANSFER;
}

/* Something of a good transaction is changed for the worse. */
static void spoil(struct making *making, struct item *item)
{
    switch (dice_roll(making->dice, 5)) {
    case 0:
        item->nonce += dice_one_in(making->dice, 2) ? 1 : 77;
        break;
    case 1:
        item->fee += (uint64_t)1 << 40;
        break;
    case 2:
        if (item->output_count > 0)
            item->outputs[item->output_count - 1].to = 0xfffffff0;
        else
            item->from = 0xfffffff0;
        break;
    case 3:
        item->from = (uint32_t)dice_roll(making->dice, 4); /* the signature may be another's */
        break;
    case 4:
        item->nonce = item->nonce == 0 ? 1 : item->nonce - 1;
        break;
    }
}

/* False: nothing can be done by that sender. */
static bool random_transaction(struct making *making, struct item *item)
{
    struct dice *dice = making->dice;
    uint32_t index = 0;

    memset(item, 0, sizeof *item);
    item->kind = (enum item_kind)(1 + dice_roll(dice, 4));
    item->asset = (unsigned)dice_roll(dice, making->then->assets);
    unsigned person = random_sender(making, item->asset), stranger = (unsigned)dice_roll(dice, PEOPLE);
    INVARIANT(world_index(making->then, person_key(person), &index), "a sender has an account");
    const struct rollup_account *account = world_account(making->then, index);
    uint64_t left = account->balances[item->asset];
    item->from = index;
    item->nonce = account->nonce;
    item->fee = left > 1 ? dice_roll(dice, left < 20 ? left : 20) : 0;
    left -= item->fee;
    if (item->kind == ITEM_REGISTRATION && world_index(making->then, person_key(stranger), &index) &&
        !dice_one_in(dice, making->wrong))
        item->kind = ITEM_TRANSFER;
    if (left == 0 && item->kind != ITEM_REGISTRATION)
        return false;
    if (item->kind == ITEM_TRANSFER || item->kind == ITEM_BATCH_TRANSFER) {
        random_outputs(making, item, &left);
    } else if (item->kind == ITEM_WITHDRAWAL) {
        item->recipient = random_recipient(dice);
        item->amount = 1 + dice_roll(dice, left);
    } else {
        item->key = *person_key(stranger);
    }
    if (dice_one_in(dice, making->wrong))
        spoil(making, item);
    person_sign(person, item, &making->then->rollup);
    if (dice_one_in(dice, making->wrong))
        item->signature.bytes[dice_roll(dice, 64)] ^= 1;
    return true;
}

/* What an account has of the asset, or part of it, as if it had left. False: this one has nothing. */
static bool random_exited(struct making *making, struct item *item)
{
    uint32_t accounts = world_one(making->then, LEAF_GLOBAL)->global.accounts;
    uint32_t index = (uint32_t)dice_roll(making->dice, accounts);
    uint64_t held = world_account(making->then, index)->balances[item->asset];

    if (held == 0)
        return false;
    if (dice_one_in(making->dice, 2))
        held = 1 + dice_roll(making->dice, held);
    *item = (struct item){ .kind = ITEM_EXITED, .inbox = true, .asset = item->asset, .amount = held,
                           .from = index };
    return true;
}

static void random_inbox_item(struct making *making)
{
    struct dice *dice = making->dice;
    unsigned person = (unsigned)dice_roll(dice, PEOPLE);
    struct item item = { .kind = ITEM_DEPOSIT, .inbox = true };

    item.asset = (unsigned)dice_roll(dice, making->then->assets);
    item.amount = 1 + dice_roll(dice, 100000);
    item.key = *person_key(person);
    if (dice_one_in(dice, 5) && random_exited(making, &item)) {
        made_inbox(making->made, &item);
        return;
    }
    if (dice_one_in(dice, 3)) {
        item.kind = ITEM_FORCED_EXIT;
        item.amount = dice_one_in(dice, 2) ? 0 : 1 + dice_roll(dice, 20000);
        item.recipient = random_recipient(dice);
    } else if (dice_one_in(dice, 3)) {
        if (dice_one_in(dice, making->wrong)) {
            item = (struct item){ .kind = ITEM_REGISTRATION, .inbox = true, .asset = 200 };
            made_forced(making->made, &item);
            return;
        }
        if (random_transaction(making, &item)) {
            made_forced(making->made, &item);
            return;
        }
        item = (struct item){ .kind = ITEM_DEPOSIT, .amount = 9, .key = *person_key(person) };
    }
    made_inbox(making->made, &item);
}

/* The newest item is executed on the state that the next one will find. */
static void follow(struct making *making, struct machine *machine)
{
    const struct machine_access access = world_access(making->then);
    struct error error;

    making->then->items = making->made->items;
    INVARIANT(machine_item(&making->made->batch.machine, machine, &access, &error) == OK, "%s",
              error.message);
}

void made_random(struct made *made, const struct world *world, struct dice *dice, unsigned inbox,
                 unsigned transactions, unsigned wrong, bool invalid)
{
    AUTO_WORLD then = world_copy(world, false);
    struct making making = { made, then, dice, wrong };
    struct machine machine = { .done = 0 };
    struct item item;

    made_init(made, world);
    for (unsigned i = 0; i < inbox; i++) {
        random_inbox_item(&making);
        follow(&making, &machine);
    }
    making.wrong = invalid ? wrong : 0;
    for (unsigned i = 0; i < transactions; i++) {
        if (!random_transaction(&making, &item))
            continue;
        made_transaction(made, &item);
        follow(&making, &machine);
    }
    made_finish(made);
}
