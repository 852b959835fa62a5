/* See world.h. */
#include "world.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/hash.h"

uint64_t dice_roll(struct dice *dice, uint64_t below)
{
    uint64_t mixed = dice->state += UINT64_C(0x9e3779b97f4a7c15);

    mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
    return (mixed ^ mixed >> 31) % below;
}

bool dice_one_in(struct dice *dice, uint64_t times)
{
    return times > 0 && dice_roll(dice, times) == 0;
}

/* --- leaves and their tree ---------------------------------------------------------------------- */

static struct world *world_empty(unsigned assets, bool rooted)
{
    struct world *world = memory_new(sizeof *world);

    crypto_start();
    memset(world->rollup.bytes, 0x5a, sizeof world->rollup);
    world->assets = assets;
    world->rooted = rooted;
    page_store_init(&world->store);
    world->tree = page_store_tree(&world->store);
    arena_init(&world->arena);
    return world;
}

struct world *world_new(unsigned assets)
{
    struct world *world = world_empty(assets, true);
    struct leaf_place places[GENESIS_LEAVES];
    struct leaf leaves[GENESIS_LEAVES];

    leaf_genesis(person_key(0), places, leaves);
    for (size_t i = 0; i < GENESIS_LEAVES; i++)
        world_put(world, &places[i], &leaves[i]);
    return world;
}

void world_free(struct world *world)
{
    page_store_close(&world->store);
    arena_close(&world->arena);
    free(world);
}

void world_free_pointer(struct world **world)
{
    if (*world != NULL)
        world_free(*world);
}

struct world *world_copy(const struct world *from, bool rooted)
{
    struct world *world = world_empty(from->assets, rooted);

    world->rollup = from->rollup;
    for (size_t i = 0; i < from->leaf_count; i++)
        world_put(world, &from->leaves[i].place, &from->leaves[i].leaf);
    memcpy(world->withdrawals, from->withdrawals, sizeof world->withdrawals);
    world->withdrawal_count = from->withdrawal_count;
    world->all_verified = from->all_verified;
    return world;
}

static bool same_place(const struct leaf_place *a, const struct leaf_place *b)
{
    return a->kind == b->kind && a->index == b->index && account_equal(&a->key, &b->key);
}

struct leaf *world_find(struct world *world, const struct leaf_place *place)
{
    for (size_t i = 0; i < world->leaf_count; i++) {
        if (same_place(&world->leaves[i].place, place))
            return &world->leaves[i].leaf;
    }
    return NULL;
}

static void tree_change(struct world *world, const struct leaf_place *place, const struct leaf *leaf)
{
    struct state_change change = { .present = leaf != NULL };
    struct error error;

    if (!world->rooted)
        return;
    leaf_place_hash(&change.key, place);
    if (leaf != NULL)
        leaf_value_hash(&change.value, leaf);
    arena_reset(&world->arena);
    INVARIANT(state_tree_update(&world->tree, &change, 1, &world->arena, &world->root, &error) == OK, "%s",
              error.message);
}

void world_put(struct world *world, const struct leaf_place *place, const struct leaf *leaf)
{
    struct leaf *found = world_find(world, place);

    if (found == NULL) {
        INVARIANT(world->leaf_count < WORLD_LEAVES, "more than %d leaves", WORLD_LEAVES);
        world->leaves[world->leaf_count].place = *place;
        found = &world->leaves[world->leaf_count++].leaf;
    }
    if (found != leaf)
        *found = *leaf;
    tree_change(world, place, leaf);
}

void world_remove(struct world *world, const struct leaf_place *place)
{
    for (size_t i = 0; i < world->leaf_count; i++) {
        if (same_place(&world->leaves[i].place, place)) {
            world->leaves[i] = world->leaves[--world->leaf_count];
            tree_change(world, place, NULL);
            return;
        }
    }
}

static bool same_leaf(const struct leaf *a, const struct leaf *b)
{
    struct hash values[2];

    leaf_value_hash(&values[0], a);
    leaf_value_hash(&values[1], b);
    return hash_equal(&values[0], &values[1]);
}

bool world_equal(const struct world *a, const struct world *b)
{
    if (a->leaf_count != b->leaf_count)
        return false;
    for (size_t i = 0; i < a->leaf_count; i++) {
        size_t j = 0;

        while (j < b->leaf_count && !same_place(&a->leaves[i].place, &b->leaves[j].place))
            j++;
        if (j == b->leaf_count || !same_leaf(&a->leaves[i].leaf, &b->leaves[j].leaf))
            return false;
    }
    return true;
}

struct rollup_account *world_account(struct world *world, uint32_t index)
{
    struct leaf *leaf = world_find(world, &(struct leaf_place){ .kind = LEAF_ACCOUNT, .index = index });

    return leaf == NULL ? NULL : &leaf->account;
}

bool world_index(struct world *world, const struct account_id *key, uint32_t *index)
{
    const struct leaf *leaf = world_find(world, &(struct leaf_place){ .kind = LEAF_INDEX, .key = *key });

    if (leaf != NULL)
        *index = leaf->index;
    return leaf != NULL;
}

struct leaf *world_one(struct world *world, enum leaf_kind kind)
{
    return world_find(world, &(struct leaf_place){ .kind = kind });
}

uint64_t world_total(const struct world *world, unsigned asset)
{
    uint64_t total = 0;

    for (size_t i = 0; i < world->leaf_count; i++) {
        if (world->leaves[i].leaf.kind == LEAF_ACCOUNT)
            total += world->leaves[i].leaf.account.balances[asset];
    }
    return total;
}

/* --- as the machine sees it ---------------------------------------------------------------------- */

static enum status access_item(void *context, uint64_t index, struct bytes *bytes, struct error *error)
{
    const struct world *world = context;

    (void)error;
    *bytes = world->items[index];
    return OK;
}

static enum status access_read(void *context, const struct leaf_place *place, struct leaf **leaf,
                               struct error *error)
{
    struct world *world = context;

    (void)error;
    world->reads++;
    *leaf = world_find(world, place);
    return OK;
}

static enum status access_write(void *context, const struct leaf_place *place, const struct leaf *leaf,
                                struct error *error)
{
    struct world *world = context;

    (void)error;
    world->writes++;
    world_put(world, place, leaf);
    return OK;
}

static bool access_verified(void *context, uint64_t index, const struct account_id *key,
                            const struct item *item)
{
    const struct world *world = context;

    (void)index, (void)key, (void)item;
    return world->all_verified;
}

static void access_withdrew(void *context, const struct withdrawal *withdrawal)
{
    struct world *world = context;

    INVARIANT(world->withdrawal_count < WORLD_WITHDRAWALS, "more than %d withdrawals", WORLD_WITHDRAWALS);
    world->withdrawals[world->withdrawal_count++] = *withdrawal;
}

struct machine_access world_access(struct world *world)
{
    return (struct machine_access){ .context = world, .item = access_item, .read = access_read,
                                    .write = access_write, .verified = access_verified,
                                    .withdrew = access_withdrew };
}

enum status world_prove(void *context, const struct leaf_place *place, struct state_proof *proof,
                        struct leaf *leaf, bool *present, struct error *error)
{
    struct world *world = context;
    const struct leaf *found = world_find(world, place);
    struct hash key;

    *present = found != NULL;
    if (found != NULL)
        *leaf = *found;
    leaf_place_hash(&key, place);
    return state_tree_prove(&world->tree, &key, proof, error);
}

void world_execute(struct world *world, const struct made *made, struct machine *machine)
{
    const struct machine_access access = world_access(world);
    struct error error;

    world->items = made->items;
    while (machine->done < made->batch.machine.items * ITEM_STEPS)
        INVARIANT(machine_item(&made->batch.machine, machine, &access, &error) == OK, "%s", error.message);
}

/* --- people ------------------------------------------------------------------------------------- */

static struct secret_key person_secret(unsigned person)
{
    struct secret_key secret = { { 0 } };

    secret.bytes[31] = (uint8_t)(person + 1);
    return secret;
}

const struct account_id *person_key(unsigned person)
{
    static struct account_id keys[PEOPLE];

    INVARIANT(person < PEOPLE, "person %u", person);
    if (account_is_zero(&keys[person])) {
        struct secret_key secret = person_secret(person);
        INVARIANT(secret_key_account(&secret, &keys[person]), "a small number is a secret key");
    }
    return &keys[person];
}

void person_sign(unsigned person, struct item *item, const struct hash *rollup)
{
    static const uint8_t aux[32];
    struct secret_key secret = person_secret(person);

    transaction_digest(item, rollup);
    INVARIANT(schnorr_sign(&secret, &item->digest, aux, &item->signature), "a small number is a secret key");
}
