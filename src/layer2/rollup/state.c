/* See state.h. The state's leaves; the tree learns of changes when a root is asked for, of removals at once,
 * as long as the keys of what is removed are at hand. */
#include "layer2/rollup/state.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "layer2/rollup/state_leaves.h"

/* Numbers of leaves in the tree. */
#define NUMBER_ACCOUNT(index) (2 * (index))
#define NUMBER_INDEX(index) (2 * (index) + 1)
#define NUMBER_GLOBAL (LEAF_NUMBER_MAX - 1)
#define NUMBER_OUTBOX (LEAF_NUMBER_MAX - 2)
_Static_assert(NUMBER_INDEX(ACCOUNT_INDEX_MAX) < NUMBER_OUTBOX, "each leaf has its own number");

/* --- what the tree asks ----------------------------------------------------------------------- */

static size_t source_key(void *context, uint32_t number, uint8_t out[LEAF_KEY_BYTES_MAX])
{
    const struct rollup_state *state = context;

    if (number >= NUMBER_OUTBOX) {
        out[0] = number == NUMBER_GLOBAL ? LEAF_GLOBAL : LEAF_OUTBOX;
        return 1;
    }
    if (number % 2 == 0) {
        out[0] = LEAF_ACCOUNT;
        put_be32(out + 1, number / 2);
        return 1 + 4;
    }
    const struct account_id *key = &account_table_row(&state->accounts, number / 2)->key;
    out[0] = LEAF_INDEX;
    memcpy(out + 1, key->bytes, sizeof key->bytes);
    return 1 + sizeof key->bytes;
}

static size_t source_value(void *context, uint32_t number, uint8_t *out)
{
    const struct rollup_state *state = context;
    struct buffer buffer = { .data = out, .capacity = LEAF_SIZE_MAX };
    const struct leaf *leaf;
    struct leaf made;

    if (number >= NUMBER_OUTBOX) {
        leaf = number == NUMBER_GLOBAL ? &state->global : &state->outbox;
    } else if (number % 2 == 0) {
        made.kind = LEAF_ACCOUNT;
        account_row_read(&state->accounts, account_table_row(&state->accounts, number / 2), &made.account);
        leaf = &made;
    } else {
        made.kind = LEAF_INDEX;
        made.index = number / 2;
        leaf = &made;
    }
    leaf_encode(leaf, &buffer);
    return buffer.size;
}

void state_prefetch(const struct rollup_state *state, uint32_t index)
{
    if (!account_table_has(&state->accounts, index))
        return;
    const struct account_row *row = account_table_row(&state->accounts, index);
    __builtin_prefetch(row);
    __builtin_prefetch(&row->balances[state->accounts.assets - 1]);
    __builtin_prefetch(account_table_marks(&state->accounts, index));
}

static void source_prefetch(void *context, uint32_t number)
{
    if (number < NUMBER_OUTBOX)
        state_prefetch(context, number / 2);
}

/* --- making and ending ------------------------------------------------------------------------ */

struct rollup_state *rollup_state_empty(unsigned assets)
{
    struct rollup_state *state = memory_new(sizeof *state);
    const struct leaf_source source = {
        .context = state,
        .key = source_key,
        .value = source_value,
        .value_max = LEAF_SIZE_MAX,
        .prefetch = source_prefetch,
        .key_tag = "layerd/rollup/key",
        .value_tag = "layerd/rollup/value",
    };

    INVARIANT(assets >= 1 && assets <= ROLLUP_ASSETS_MAX, "a rollup of %u assets", assets);
    account_table_init(&state->accounts, assets);
    state->global.kind = LEAF_GLOBAL;
    state->outbox.kind = LEAF_OUTBOX;
    state->tree = leaf_tree_new(&source);
    state->shown = memory_new(sizeof *state->shown);
    return state;
}

struct rollup_state *rollup_state_new(unsigned assets, const struct account_id *operator_key)
{
    struct rollup_state *state = rollup_state_empty(assets);
    struct leaf_place places[GENESIS_LEAVES];
    struct leaf leaves[GENESIS_LEAVES];

    leaf_genesis(operator_key, places, leaves);
    for (unsigned i = 0; i < GENESIS_LEAVES; i++)
        state_leaf_write(state, &places[i], &leaves[i], NULL);
    return state;
}

void rollup_state_free(struct rollup_state *state)
{
    if (state == NULL)
        return;
    account_table_close(&state->accounts);
    leaf_tree_free(state->tree);
    free(state->dirty);
    free(state->shown);
    free(state);
}

size_t rollup_state_memory(const struct rollup_state *state)
{
    return sizeof *state + sizeof *state->shown + account_table_memory(&state->accounts) +
           leaf_tree_memory(state->tree) + state->dirty_room * sizeof state->dirty[0];
}

/* --- leaves ----------------------------------------------------------------------------------- */

static uint8_t marks_of(const struct rollup_state *state, uint32_t index)
{
    return account_table_has(&state->accounts, index) ? *account_table_marks(&state->accounts, index) : 0;
}

bool state_read(const struct rollup_state *state, const struct leaf_place *place, struct leaf *leaf)
{
    leaf->kind = place->kind;
    switch (place->kind) {
    case LEAF_ACCOUNT:
        if ((marks_of(state, place->index) & ACCOUNT_THERE) == 0)
            return false;
        account_row_read(&state->accounts, account_table_row(&state->accounts, place->index), &leaf->account);
        return true;
    case LEAF_INDEX:
        return account_table_find(&state->accounts, &place->key, &leaf->index);
    case LEAF_GLOBAL:
        leaf->global = state->global.global;
        return state->global_there;
    case LEAF_OUTBOX:
        leaf->outbox = state->outbox.outbox;
        return state->outbox_there;
    }
    INVARIANT(false, "no such leaf: %d", (int)place->kind);
}

static void mark_dirty(struct rollup_state *state, uint32_t index)
{
    uint8_t *marks = account_table_marks(&state->accounts, index);

    if ((*marks & ACCOUNT_DIRTY) != 0)
        return;
    *marks |= ACCOUNT_DIRTY;
    if (state->dirty_count == state->dirty_room) {
        state->dirty_room = state->dirty_room == 0 ? 1024 : state->dirty_room * 2;
        state->dirty = memory_resize(state->dirty, state->dirty_room * sizeof state->dirty[0]);
    }
    state->dirty[state->dirty_count++] = index;
}

/* Notes what is there before it changes. */
static void journal_add(struct journal *journal, enum leaf_kind kind, uint32_t index, bool was,
                        const void *before, size_t size)
{
    if (journal == NULL)
        return;
    if (journal->count == journal->room) {
        journal->room = journal->room == 0 ? 1024 : journal->room * 2;
        journal->entries = memory_resize(journal->entries, journal->room * sizeof journal->entries[0]);
    }
    journal->entries[journal->count++] = (struct journal_entry){ kind, index, was, journal->bytes.size };
    if (was)
        buffer_append(&journal->bytes, before, size);
}

static void write_account(struct rollup_state *state, uint32_t index, const struct rollup_account *account,
                          struct journal *journal)
{
    account_table_reach(&state->accounts, index);
    struct account_row *row = account_table_row(&state->accounts, index);
    uint8_t *marks = account_table_marks(&state->accounts, index);
    bool was = (*marks & ACCOUNT_THERE) != 0;

    INVARIANT((*marks & ACCOUNT_INDEXED) == 0 || account_equal(&row->key, &account->key),
              "account %u gets another key", index);
    journal_add(journal, LEAF_ACCOUNT, index, was, row, state->accounts.row_size);
    *marks |= ACCOUNT_THERE;
    account_row_write(&state->accounts, row, account);
    mark_dirty(state, index);
}

static void write_index(struct rollup_state *state, const struct account_id *key, uint32_t index,
                        struct journal *journal)
{
    INVARIANT((marks_of(state, index) & ACCOUNT_THERE) != 0 &&
                  account_equal(&account_table_row(&state->accounts, index)->key, key),
              "account %u is not this key's", index);
    uint8_t *marks = account_table_marks(&state->accounts, index);
    if ((*marks & ACCOUNT_INDEXED) != 0)
        return;
    journal_add(journal, LEAF_INDEX, index, false, NULL, 0);
    *marks |= ACCOUNT_INDEXED;
    account_table_index(&state->accounts, index);
    mark_dirty(state, index);
}

void state_leaf_write(struct rollup_state *state, const struct leaf_place *place, const struct leaf *leaf,
                 struct journal *journal)
{
    switch (place->kind) {
    case LEAF_ACCOUNT:
        write_account(state, place->index, &leaf->account, journal);
        return;
    case LEAF_INDEX:
        write_index(state, &place->key, leaf->index, journal);
        return;
    case LEAF_GLOBAL:
        journal_add(journal, LEAF_GLOBAL, 0, state->global_there, &state->global.global,
                    sizeof state->global.global);
        state->global.global = leaf->global;
        state->global_there = state->global_dirty = true;
        return;
    case LEAF_OUTBOX:
        journal_add(journal, LEAF_OUTBOX, 0, state->outbox_there, &state->outbox.outbox,
                    sizeof state->outbox.outbox);
        state->outbox.outbox = leaf->outbox;
        state->outbox_there = state->outbox_dirty = true;
        return;
    }
}

/* --- taking back ------------------------------------------------------------------------------ */

void journal_clear(struct journal *journal)
{
    journal->count = 0;
    buffer_clear(&journal->bytes);
}

void journal_close(struct journal *journal)
{
    free(journal->entries);
    buffer_close(&journal->bytes);
    *journal = (struct journal){ .count = 0 };
}

void journal_before(const struct rollup_state *state, const struct journal *journal,
                    const struct journal_entry *entry, struct leaf *leaf)
{
    const uint8_t *before = journal->bytes.data + entry->before;

    leaf->kind = entry->kind;
    switch (entry->kind) {
    case LEAF_ACCOUNT:
        memcpy(leaf->account.key.bytes, before, sizeof leaf->account.key);
        before += sizeof leaf->account.key;
        memcpy(&leaf->account.nonce, before, sizeof leaf->account.nonce);
        before += sizeof leaf->account.nonce;
        memset(leaf->account.balances, 0, sizeof leaf->account.balances);
        memcpy(leaf->account.balances, before, state->accounts.assets * sizeof leaf->account.balances[0]);
        return;
    case LEAF_INDEX:
        leaf->index = entry->index;
        return;
    case LEAF_GLOBAL:
        memcpy(&leaf->global, before, sizeof leaf->global);
        return;
    case LEAF_OUTBOX:
        memcpy(&leaf->outbox, before, sizeof leaf->outbox);
        return;
    }
}

/* Accounts and keys that go, for the tree; they are removed from it together, before they are gone. */
struct removal {
    uint32_t *numbers;
    size_t count;
};

static void removal_add(const struct rollup_state *state, struct removal *removal, enum leaf_kind kind,
                        uint32_t index)
{
    uint8_t *marks = account_table_marks(&state->accounts, index);
    uint8_t in_tree = kind == LEAF_ACCOUNT ? ACCOUNT_IN_TREE : ACCOUNT_INDEX_IN_TREE;

    if ((*marks & in_tree) == 0)
        return;
    *marks &= (uint8_t)~in_tree;
    removal->numbers[removal->count++] = kind == LEAF_ACCOUNT ? NUMBER_ACCOUNT(index) : NUMBER_INDEX(index);
}

static void removal_finish(struct rollup_state *state, struct removal *removal)
{
    leaf_tree_remove(state->tree, removal->numbers, removal->count);
    free(removal->numbers);
}

static void take_account(struct rollup_state *state, uint32_t index)
{
    uint8_t *marks = account_table_marks(&state->accounts, index);

    INVARIANT((*marks & ACCOUNT_INDEXED) == 0, "account %u goes before its key", index);
    *marks &= (uint8_t)~ACCOUNT_THERE;
    memset(account_table_row(&state->accounts, index), 0, state->accounts.row_size);
}

static void take_index(struct rollup_state *state, uint32_t index)
{
    account_table_forget(&state->accounts, index);
    *account_table_marks(&state->accounts, index) &= (uint8_t)~ACCOUNT_INDEXED;
}

static void undo_entry(struct rollup_state *state, const struct journal *journal,
                       const struct journal_entry *entry)
{
    const uint8_t *before = journal->bytes.data + entry->before;

    switch (entry->kind) {
    case LEAF_ACCOUNT:
        if (entry->was) {
            memcpy(account_table_row(&state->accounts, entry->index), before, state->accounts.row_size);
            mark_dirty(state, entry->index);
        } else {
            take_account(state, entry->index);
        }
        return;
    case LEAF_INDEX:
        take_index(state, entry->index);
        return;
    case LEAF_GLOBAL:
        memcpy(&state->global.global, before, sizeof state->global.global);
        state->global_dirty = true;
        return;
    case LEAF_OUTBOX:
        memcpy(&state->outbox.outbox, before, sizeof state->outbox.outbox);
        state->outbox_dirty = true;
        return;
    }
}

void state_undo(struct rollup_state *state, struct journal *journal, size_t keep)
{
    struct removal removal = { .count = 0 };

    if (journal->count == keep)
        return;
    removal.numbers = memory_array(journal->count - keep, sizeof removal.numbers[0]);
    for (size_t i = keep; i < journal->count; i++) {
        const struct journal_entry *entry = &journal->entries[i];
        if (!entry->was && (entry->kind == LEAF_ACCOUNT || entry->kind == LEAF_INDEX))
            removal_add(state, &removal, entry->kind, entry->index);
    }
    removal_finish(state, &removal);
    while (journal->count > keep) {
        const struct journal_entry *entry = &journal->entries[--journal->count];
        undo_entry(state, journal, entry);
        journal->bytes.size = entry->before;
    }
}

static void revert_one(struct rollup_state *state, const struct leaf_change *change)
{
    if (change->was) {
        state_leaf_write(state, &change->place, &change->before, NULL);
        return;
    }
    INVARIANT(change->place.kind == LEAF_ACCOUNT, "the global leaf and the outbox stay");
    take_account(state, change->place.index);
}

void rollup_revert(struct rollup_state *state, const struct leaf_change *changes, size_t count)
{
    struct removal removal = { .numbers = memory_array(count + 1, sizeof removal.numbers[0]) };

    for (size_t i = 0; i < count; i++) {
        const struct leaf_place *place = &changes[i].place;
        if (!changes[i].was && (place->kind == LEAF_ACCOUNT || place->kind == LEAF_INDEX))
            removal_add(state, &removal, place->kind,
                        place->kind == LEAF_ACCOUNT ? place->index : changes[i].after.index);
    }
    removal_finish(state, &removal);
    for (size_t i = 0; i < count; i++) {
        if (changes[i].place.kind == LEAF_INDEX && !changes[i].was)
            take_index(state, changes[i].after.index);
    }
    for (size_t i = 0; i < count; i++) {
        if (changes[i].place.kind != LEAF_INDEX)
            revert_one(state, &changes[i]);
    }
}

/* --- loading ---------------------------------------------------------------------------------- */

void rollup_state_load(struct rollup_state *state, const struct leaf_place *place, const struct leaf *leaf)
{
    if (place->kind == LEAF_INDEX) /* comes with its account, whatever the order */
        return;
    state_leaf_write(state, place, leaf, NULL);
    if (place->kind != LEAF_ACCOUNT)
        return;
    const struct leaf index = { .kind = LEAF_INDEX, .index = place->index };
    const struct leaf_place at = { .kind = LEAF_INDEX, .key = leaf->account.key };
    state_leaf_write(state, &at, &index, NULL);
}

/* --- asking ----------------------------------------------------------------------------------- */

const struct rollup_account *rollup_state_account(const struct rollup_state *state, uint32_t index)
{
    if ((marks_of(state, index) & ACCOUNT_THERE) == 0)
        return NULL;
    account_row_read(&state->accounts, account_table_row(&state->accounts, index), state->shown);
    return state->shown;
}

bool rollup_state_find(const struct rollup_state *state, const struct account_id *key, uint32_t *index)
{
    return account_table_find(&state->accounts, key, index);
}

uint32_t rollup_state_accounts(const struct rollup_state *state)
{
    return state->global.global.accounts;
}

const struct outbox_tree *rollup_state_outbox(const struct rollup_state *state)
{
    return &state->outbox.outbox;
}

uint64_t rollup_state_total(const struct rollup_state *state, unsigned asset)
{
    uint64_t total = 0;

    for (uint32_t i = 0; i < rollup_state_accounts(state) && asset < state->accounts.assets; i++) {
        if ((marks_of(state, i) & ACCOUNT_THERE) != 0)
            total += account_table_row(&state->accounts, i)->balances[asset];
    }
    return total;
}

/* --- the tree --------------------------------------------------------------------------------- */

#define HASHED_AT_ONCE 8192 /* accounts */

/* The leaves of one dirty account that the tree lacks, or has as they were. */
static size_t dirty_leaves(struct rollup_state *state, uint32_t index, uint32_t *numbers)
{
    uint8_t *marks = account_table_marks(&state->accounts, index);
    size_t count = 0;

    *marks &= (uint8_t)~ACCOUNT_DIRTY;
    if ((*marks & ACCOUNT_THERE) != 0) {
        *marks |= ACCOUNT_IN_TREE;
        numbers[count++] = NUMBER_ACCOUNT(index);
    }
    if ((*marks & ACCOUNT_INDEXED) != 0 && (*marks & ACCOUNT_INDEX_IN_TREE) == 0) {
        *marks |= ACCOUNT_INDEX_IN_TREE;
        numbers[count++] = NUMBER_INDEX(index);
    }
    return count;
}

void state_hash(struct rollup_state *state)
{
    size_t most = state->dirty_count < HASHED_AT_ONCE ? state->dirty_count : HASHED_AT_ONCE;
    uint32_t *numbers AUTO_FREE = memory_array(2 * most + 2, sizeof numbers[0]);
    size_t count = 0;

    if (state->global_dirty)
        numbers[count++] = NUMBER_GLOBAL;
    if (state->outbox_dirty)
        numbers[count++] = NUMBER_OUTBOX;
    state->global_dirty = state->outbox_dirty = false;
    for (size_t i = 0; i < state->dirty_count; i++) {
        if (count > 2 * most) {
            leaf_tree_put(state->tree, numbers, count);
            count = 0;
        }
        count += dirty_leaves(state, state->dirty[i], numbers + count);
    }
    if (count > 0)
        leaf_tree_put(state->tree, numbers, count);
    state->dirty_count = 0;
}

void rollup_state_root(struct rollup_state *state, struct hash *root)
{
    state_hash(state);
    leaf_tree_root(state->tree, root);
}

void rollup_state_prove(struct rollup_state *state, const struct leaf_place *place, struct state_proof *proof,
                        struct leaf *leaf, bool *present)
{
    struct hash key;

    state_hash(state);
    leaf_place_hash(&key, place);
    leaf_tree_prove(state->tree, &key, proof);
    memset(leaf, 0, sizeof *leaf);
    *present = state_read(state, place, leaf);
}
