/* Shielding, transfers and unshielding on the rows: see pool.h. */
#include "confidential/pool.h"

#include <inttypes.h>
#include <string.h>

#include "confidential/confidential.h"
#include "confidential/params.h"
#include "confidential/rows.h"
#include "crypto/hash.h"
#include "crypto/schnorr.h"
#include "kernel/execution.h"
#include "ledger/ledger.h"

void pool_account(const char *chain, const struct asset_id *asset, struct account_id *account)
{
    uint8_t number[8];

    for (uint64_t i = 0;; i++) { /* every other hash is no key */
        struct tagged_hash h;
        struct hash hash;

        put_be64(number, i);
        tagged_hash_begin(&h, "layerd/confidential/pool");
        tagged_hash_add(&h, chain, strlen(chain));
        tagged_hash_add(&h, asset->bytes, sizeof(asset->bytes));
        tagged_hash_add(&h, number, sizeof(number));
        tagged_hash_end(&h, &hash);
        memcpy(account->bytes, hash.bytes, sizeof(account->bytes));
        if (!account_is_key(account))
            return;
    }
}

/* --- notes -------------------------------------------------------------------------------------------- */
static enum status refuse_used_key(struct execution *x, const uint8_t key[POINT_SIZE])
{
    char text[2 * POINT_SIZE + 1];

    if (!row_note_key_used(execution_database(x), key))
        return OK;
    hex_text(text, key, POINT_SIZE);
    return fail(x, ERROR_NOTE_KEY_USED, "there is a note with the key %s", text);
}

static void add_note(struct execution *x, struct pool *pool, struct pool_note *note)
{
    note->number = pool->notes++;
    row_note_insert(execution_database(x), pool->id, note, execution_next_seq(x));
}

static void write_notes(struct writer *result, uint64_t first, size_t count)
{
    writer_object_begin(result);
    writer_member_unsigned(result, "note", first);
    writer_member_unsigned(result, "notes", count);
    writer_object_end(result);
}

/* --- into the pool ------------------------------------------------------------------------------------ */
static enum status find_or_open(struct execution *x, const struct asset_id *asset, struct pool *pool)
{
    struct database *database = execution_database(x);
    struct account_id account;

    if (row_pool_find(database, asset, pool))
        return OK;
    pool_account(execution_chain(x), asset, &account);
    TRY(account_hold(x, &account, CONFIDENTIAL_ACCOUNT_KIND));
    row_pool_insert(database, asset, &account, execution_next_seq(x));
    INVARIANT(row_pool_find(database, asset, pool), "the new confidential pool is not there");
    return OK;
}

enum status pool_shield(struct execution *x, const void *params, struct writer *result)
{
    const struct shield *p = params;
    struct account_id from = execution_account(x);
    struct hash commitment;
    struct pool_note note = { .key = p->key.bytes, .commitment = commitment.bytes, .amount = p->amount,
                         .sealed = p->sealed };
    struct asset asset;
    struct pool pool;

    TRY(asset_find(x, &p->asset, &asset));
    TRY(refuse_used_key(x, p->key.bytes));
    TRY(find_or_open(x, &p->asset, &pool));
    TRY(balance_move(x, DOMAIN_BASE, &asset, &from, &pool.account, p->amount, NULL));
    note_commit_public(p->amount, commitment.bytes);
    add_note(x, &pool, &note);
    pool.held += p->amount;
    row_pool_update(execution_database(x), &pool, 0);
    write_notes(result, note.number, 1);
    return event_confidential_shielded(x, &(struct event_confidential_shielded){
        .asset = asset.symbol, .from = from, .amount = p->amount, .held = pool.held, .note = note.number,
        .key = p->key, .commitment = commitment });
}

/* --- in the pool, and out of it ----------------------------------------------------------------------- */
static enum status spend_images(struct execution *x, const struct pool *pool, const struct param_list *list)
{
    const struct input_item *inputs = list->items;
    struct database *database = execution_database(x);

    for (size_t i = 0; i < list->count; i++) {
        const uint8_t *image = inputs[i].signature.data; /* the check saw to its size */

        if (row_image_spent(database, image)) {
            char text[2 * RING_IMAGE_SIZE + 1];

            hex_text(text, image, RING_IMAGE_SIZE);
            return fail(x, ERROR_IMAGE_SPENT, "inputs[%zu]: the key image %s is on record", i, text);
        }
        row_image_insert(database, image, pool->id, execution_next_seq(x));
    }
    return OK;
}

static enum status find_members(struct execution *x, const struct pool *pool, const struct param_list *list)
{
    const struct input_item *inputs = list->items;

    for (size_t i = 0; i < list->count; i++) {
        const struct member_item *members = inputs[i].members.items;

        for (size_t member = 0; member < inputs[i].members.count; member++) {
            if (!row_note_is(execution_database(x), pool->id, members[member].note, members[member].key.bytes,
                             members[member].commitment.bytes))
                return fail(x, ERROR_NOTE_NOT_FOUND,
                            "inputs[%zu]: the pool has no note %" PRIu64 " with this key and commitment", i,
                            members[member].note);
        }
    }
    return OK;
}

static enum status add_outputs(struct execution *x, struct pool *pool, const struct param_list *list)
{
    const struct output_item *outputs = list->items;

    for (size_t i = 0; i < list->count; i++) {
        struct pool_note note = { .key = outputs[i].key.bytes, .commitment = outputs[i].commitment.bytes,
                             .sealed = outputs[i].sealed };

        TRY(refuse_used_key(x, note.key));
        add_note(x, pool, &note);
    }
    return OK;
}

static enum status spend_notes(struct execution *x, const struct spending *p, struct asset *asset,
                               struct pool *pool)
{
    TRY(asset_find(x, &p->asset, asset));
    if (!row_pool_find(execution_database(x), &p->asset, pool))
        return fail(x, ERROR_POOL_NOT_FOUND, "nothing of %s was ever shielded", asset->symbol);
    TRY(find_members(x, pool, &p->inputs));
    TRY(spend_images(x, pool, &p->inputs));
    return add_outputs(x, pool, &p->outputs);
}

/* --- what events tell --------------------------------------------------------------------------------- */
static struct bytes images_json(const struct param_list *list, struct buffer *json)
{
    const struct input_item *inputs = list->items;
    struct writer w;

    writer_init(&w, json);
    writer_array_begin(&w);
    for (size_t i = 0; i < list->count; i++)
        writer_hex(&w, inputs[i].signature.data, RING_IMAGE_SIZE);
    writer_array_end(&w);
    return buffer_bytes(json);
}

static struct bytes notes_json(const struct param_list *list, uint64_t first, struct buffer *json)
{
    const struct output_item *outputs = list->items;
    struct writer w;

    writer_init(&w, json);
    writer_array_begin(&w);
    for (size_t i = 0; i < list->count; i++) {
        writer_object_begin(&w);
        writer_member_unsigned(&w, "number", first + i);
        writer_member_hex(&w, "key", outputs[i].key.bytes, POINT_SIZE);
        writer_member_hex(&w, "commitment", outputs[i].commitment.bytes, POINT_SIZE);
        writer_object_end(&w);
    }
    writer_array_end(&w);
    return buffer_bytes(json);
}

enum status pool_transfer(struct execution *x, const void *params, struct writer *result)
{
    struct buffer images CLEANUP(buffer_close) = { 0 }, notes CLEANUP(buffer_close) = { 0 };
    const struct spending *p = params;
    struct asset asset;
    struct pool pool;
    uint64_t first;

    TRY(spend_notes(x, p, &asset, &pool));
    first = pool.notes - p->outputs.count;
    row_pool_update(execution_database(x), &pool, p->inputs.count);
    write_notes(result, first, p->outputs.count);
    return event_confidential_transferred(x, &(struct event_confidential_transferred){
        .asset = asset.symbol, .images = images_json(&p->inputs, &images),
        .notes = notes_json(&p->outputs, first, &notes) });
}

enum status pool_unshield(struct execution *x, const void *params, struct writer *result)
{
    struct buffer images CLEANUP(buffer_close) = { 0 }, notes CLEANUP(buffer_close) = { 0 };
    const struct spending *p = params;
    struct asset asset;
    struct pool pool;
    uint64_t first;

    TRY(account_can_receive(x, &p->to));
    TRY(spend_notes(x, p, &asset, &pool));
    first = pool.notes - p->outputs.count;
    /* Proofs that hold never ask for more than there is; if ever one should, the pool's public sum still
     * stands. */
    TRY(balance_move(x, DOMAIN_BASE, &asset, &pool.account, &p->to, p->amount, NULL));
    pool.held -= p->amount;
    row_pool_update(execution_database(x), &pool, p->inputs.count);
    row_unshielding_insert(execution_database(x), execution_next_seq(x), pool.id, p->amount, &p->to);
    write_notes(result, first, p->outputs.count);
    return event_confidential_unshielded(x, &(struct event_confidential_unshielded){
        .asset = asset.symbol, .to = p->to, .amount = p->amount, .held = pool.held,
        .images = images_json(&p->inputs, &images), .notes = notes_json(&p->outputs, first, &notes) });
}
