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

static enum status no_page(void *context, const struct state_page_id *id, struct bytes *page,
                           struct error *error)
{
    (void)context, (void)id, (void)error;
    *page = bytes_of(NULL, 0);
    return OK;
}

static enum status no_keeping(void *context, const struct state_page_id *id, struct bytes page,
                              struct error *error)
{
    (void)context, (void)id, (void)page, (void)error;
    return OK;
}

static void start(void)
{
    const struct state_tree tree = { .read = no_page, .write = no_keeping };
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
    if (data[0] % 2 == 0)
        check_proof(data + 1, size - 1);
    else
        check_page(data + 1, size - 1);
    return 0;
}
