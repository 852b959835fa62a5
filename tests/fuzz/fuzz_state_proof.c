/* Proofs over the state tree from anybody, and pages of it as a disk may give them back. What is taken must
 * be what we would write; and whatever a proof is, under the root of a small tree it shows only what is
 * there. */
#include <stdlib.h>
#include <string.h>

#include "crypto/hash.h"
#include "crypto/state_page.h"

#define FUZZ_SIZE_MAX 16384
#define LEAVES 6

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct state_change leaves[LEAVES]; /* keys 0x00…, 0x20…, …: their paths part early */
static struct hash root;

static uint8_t page_bytes[STATE_PAGE_SIZE_MAX]; /* the tree's only page */
static size_t page_size;

static enum status only_page(void *context, const struct state_page_id *id, struct bytes *page,
                             struct error *error)
{
    (void)context, (void)id, (void)error;
    *page = bytes_of(page_bytes, page_size);
    return OK;
}

static enum status keep_page(void *context, const struct state_page_id *id, struct bytes page,
                             struct error *error)
{
    (void)context, (void)error;
    INVARIANT(id->depth == 0, "a page of depth %u", id->depth);
    memcpy(page_bytes, page.data, page.size);
    page_size = page.size;
    return OK;
}

static const struct state_tree tree = { .read = only_page, .write = keep_page };

static void start(void)
{
    struct arena arena;
    struct error error;

    crypto_start();
    for (size_t i = 0; i < LEAVES; i++) {
        leaves[i].present = true;
        leaves[i].key.bytes[0] = (uint8_t)(i << 5);
        leaves[i].value.bytes[31] = (uint8_t)i;
    }
    arena_init(&arena);
    if (state_tree_update(&tree, leaves, LEAVES, &arena, &root, &error) != OK)
        abort();
    arena_close(&arena);
}

static void check_truth(const struct state_proof *proof, const struct hash *asked)
{
    static const struct hash other = { .bytes = { 0xff } };
    struct hash changed;
    bool there = false;

    for (size_t i = 0; i < LEAVES; i++) {
        there |= hash_equal(&leaves[i].key, asked);
        INVARIANT(!state_proof_absent(proof, &leaves[i].key, &root), "a leaf is shown to be absent");
        INVARIANT(!state_proof_present(proof, &leaves[i].key, &other, &root), "a leaf has another value");
        INVARIANT(!state_proof_change(proof, &leaves[i].key, NULL, NULL, &root, &changed), "as above");
    }
    for (size_t i = 0; !there && i < LEAVES; i++)
        INVARIANT(!state_proof_present(proof, asked, &leaves[i].value, &root), "as below");
    INVARIANT(there || !state_proof_present(proof, asked, &other, &root), "a key is shown that is not there");
    if (state_proof_absent(proof, asked, &root))
        INVARIANT(state_proof_change(proof, asked, NULL, &other, &root, &changed) &&
                  !hash_equal(&changed, &root), "an absence is not enough to end it");
}

static void check_proof(const uint8_t *data, size_t size)
{
    CLEANUP(buffer_close) struct buffer again = { 0 };
    struct state_proof proof;
    struct error error;
    struct hash asked;

    if (size < sizeof asked)
        return;
    memcpy(&asked, data, sizeof asked);
    buffer_init(&again);
    if (state_proof_decode(bytes_of(data + sizeof asked, size - sizeof asked), &proof, &error) != OK)
        return;
    state_proof_encode(&proof, &again);
    INVARIANT(bytes_equal(buffer_bytes(&again), bytes_of(data + sizeof asked, size - sizeof asked)),
              "a proof is read and written differently");
    check_truth(&proof, &asked);
}

/* The tree's own proof of a key, changed in some places: takes the key, then a place and a mask each. */
static void check_changed(const uint8_t *data, size_t size)
{
    CLEANUP(buffer_close) struct buffer bytes = { 0 };
    struct hash asked = { .bytes = { 0 } };
    struct state_proof proof;
    struct error error;

    if (size == 0)
        return;
    asked.bytes[0] = data[0];
    if (state_tree_prove(&tree, &asked, &proof, &error) != OK)
        abort();
    buffer_init(&bytes);
    buffer_append(&bytes, asked.bytes, sizeof asked.bytes);
    state_proof_encode(&proof, &bytes);
    check_proof(bytes.data, bytes.size);
    for (size_t i = 1; i + 1 < size; i += 2)
        bytes.data[data[i] % bytes.size] ^= data[i + 1];
    check_proof(bytes.data, bytes.size);
}

static void check_page(const uint8_t *data, size_t size)
{
    uint8_t again[STATE_PAGE_SIZE_MAX];
    struct state_page_id id;
    struct state_page page;
    struct hash place;

    if (size < 1 + sizeof place)
        return;
    id.depth = data[0] % (STATE_DEPTH_MAX / STATE_PAGE_LEVELS) * STATE_PAGE_LEVELS;
    memcpy(&place, data + 1, sizeof place);
    state_key_prefix(&id.prefix, &place, id.depth);
    struct bytes bytes = bytes_of(data + 1 + sizeof place, size - 1 - sizeof place);
    if (state_page_decode(bytes, &id, &page))
        INVARIANT(bytes.size <= sizeof again &&
                  bytes_equal(bytes_of(again, state_page_encode(&page, again)), bytes),
                  "a page is read and written differently");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool started;

    if (!started)
        start();
    started = true;
    if (size == 0 || size > FUZZ_SIZE_MAX)
        return 0;
    if (data[0] % 3 == 0)
        check_proof(data + 1, size - 1);
    else if (data[0] % 3 == 1)
        check_changed(data + 1, size - 1);
    else
        check_page(data + 1, size - 1);
    return 0;
}
