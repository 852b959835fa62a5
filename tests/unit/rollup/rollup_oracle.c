/* Answers questions about a rollup's state and batches; see ../crypto/questions.h. Questions:
 *   genesis ROLLUP ASSETS KEY         a new state; answers with its root
 *   batch NUMBER INBOX ITEM…          the first INBOX items are of the inbox; executed on the state. Answers
 *                                     with items root, context, then the commitments before the first step
 *                                     and after each one, some steps behind the last item too; then the root,
 *                                     the withdrawal root and the count of withdrawals as 32 bytes
 *   id PARENT PROPOSER                the last batch's id, with its results as claims
 *   depth ITEMS                       the depth of its game, and the root claim of the last batch with it
 *   state KEY                         what the tree has there; "-" for nothing
 * A batch with an invalid item leaves the state as it was before it. */
#include <stdio.h>
#include <string.h>

#include "../crypto/questions.h"
#include "world.h"

#define BEHIND 5 /* steps behind the last item */

static struct world *world;
static struct hash context;
static struct batch_result result;

static void genesis(char **rest)
{
    struct account_id key;
    struct leaf_place places[GENESIS_LEAVES];
    struct leaf leaves[GENESIS_LEAVES];
    struct hash rollup;

    fixed_word(rest, rollup.bytes, sizeof rollup);
    unsigned assets = (unsigned)number_word(rest);
    fixed_word(rest, key.bytes, sizeof key);
    if (world != NULL)
        world_free(world);
    world = world_new(assets);
    world->rollup = rollup;
    while (world->leaf_count > 0) {
        const struct leaf_place place = world->leaves[0].place;
        world_remove(world, &place);
    }
    leaf_genesis(&key, places, leaves);
    for (size_t i = 0; i < GENESIS_LEAVES; i++)
        world_put(world, &places[i], &leaves[i]);
    answer_hashes(&world->root, 1);
}

static void batch(char **rest)
{
    static struct hash answers[5 + WORLD_ITEMS * ITEM_STEPS + BEHIND + 1];
    struct world *trial = world_copy(world, true);
    const struct machine_access access = world_access(trial);
    struct machine machine = { .done = 0 };
    struct error error;
    struct made made;
    size_t count = 0;

    made_init(&made, world);
    made.batch.number = number_word(rest);
    made.batch.machine.inbox_items = number_word(rest);
    while (more(rest))
        made_add(&made, bytes_word(rest));
    made_finish(&made);
    context = made.context;
    trial->items = made.items;
    answers[count++] = made.items_root;
    answers[count++] = made.context;
    batch_prestate(&made.batch, &made.context, &answers[count++]);
    while (machine.done < made.batch.machine.items * ITEM_STEPS + BEHIND) {
        if (machine_step(&made.batch.machine, &machine, &access, &error) != OK)
            fail(error.message);
        machine_commitment(&answers[count++], &made.context, &machine, &trial->root);
    }
    const struct outbox_tree *outbox = &world_one(trial, LEAF_OUTBOX)->outbox;
    result.root = trial->root;
    result.withdrawals = outbox->count;
    outbox_root(outbox_shape(), outbox, &result.withdrawal_root);
    answers[count++] = result.root;
    answers[count++] = result.withdrawal_root;
    memset(&answers[count], 0, sizeof answers[count]);
    put_be64(answers[count++].bytes + 24, result.withdrawals);
    answer_hashes(answers, count);
    made_close(&made);
    if (machine.status == MACHINE_INVALID) {
        world_free(trial);
        return;
    }
    world_free(world);
    world = trial;
}

static void id(char **rest)
{
    struct account_id proposer;
    struct hash parent, answer;

    fixed_word(rest, parent.bytes, sizeof parent);
    fixed_word(rest, proposer.bytes, sizeof proposer);
    batch_id(&answer, &context, &parent, &result, &proposer);
    answer_hashes(&answer, 1);
}

static void depth(char **rest)
{
    struct hash answers[2] = { { { 0 } } };
    unsigned deep = batch_game_depth(number_word(rest));

    answers[0].bytes[31] = (uint8_t)deep;
    batch_root_claim(&context, deep, &result.root, &answers[1]);
    answer_hashes(answers, 2);
}

static void state(char **rest)
{
    struct hash key, value;
    struct error error;
    bool found;

    fixed_word(rest, key.bytes, sizeof key);
    if (state_tree_get(&world->tree, &key, &found, &value, &error) != OK)
        fail(error.message);
    if (found)
        answer_hashes(&value, 1);
    else
        puts("-");
}

static bool question(const char *what, char **rest)
{
    if (strcmp(what, "genesis") == 0)
        genesis(rest);
    else if (strcmp(what, "batch") == 0)
        batch(rest);
    else if (strcmp(what, "id") == 0)
        id(rest);
    else if (strcmp(what, "depth") == 0)
        depth(rest);
    else if (strcmp(what, "state") == 0)
        state(rest);
    else
        return false;
    return true;
}

int main(void)
{
    questions_answer(question);
    if (world != NULL)
        world_free(world);
    return 0;
}
