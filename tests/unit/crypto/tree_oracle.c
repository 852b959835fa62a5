/* Answers questions about the state tree and the outbox tree; see questions.h. Trees last as long as the
 * program. Questions:
 *   change KEY VALUE|- …                     a batch in ascending order; answers with the root, or "refused"
 *   get KEY · below KEY · above KEY          the value; the nearest leaf's key and value; "-" for none
 *   prove KEY                                the bytes of its proof
 *   verify KEY VALUE|- ROOT PROOF            yes or no
 *   changed KEY BEFORE|- AFTER|- ROOT PROOF  the root then, or "refused"
 *   append LEAF…                             to the outbox; answers with its root
 *   message DATA                             the leaf of a message
 *   outbox_prove INDEX COUNT                 32 hashes, or "refused"
 *   outbox_verify INDEX LEAF ROOT HASH…      yes or no */
#include <stdio.h>
#include <string.h>

#include "crypto/hash.h"
#include "crypto/outbox_tree.h"
#include "crypto/state_tree.h"
#include "page_store.h"
#include "questions.h"

#define CHANGES_MAX 4096
#define LEAVES_MAX 1024
#define LEVELS 11 /* 2^10 = LEAVES_MAX */

static struct page_store store;
static struct state_tree tree;
static struct outbox_tree outbox;
static struct hash subtrees[LEVELS][LEAVES_MAX];

static const struct hash *hash_word(char **rest)
{
    struct bytes bytes = bytes_word(rest);

    if (bytes.size != 0 && bytes.size != sizeof(struct hash))
        fail("a hash of a wrong length");
    return bytes.size == 0 ? NULL : (const struct hash *)bytes.data;
}

static const struct hash *needed_hash(char **rest)
{
    const struct hash *hash = hash_word(rest);

    if (hash == NULL)
        fail("a hash is missing");
    return hash;
}

static void must(enum status status, const struct error *error)
{
    if (status != OK)
        fail(error->message);
}

static void change(char **rest)
{
    static struct state_change batch[CHANGES_MAX];
    struct error error;
    struct hash root;
    size_t count = 0;

    for (; more(rest); count++) {
        if (count == CHANGES_MAX)
            fail("too many changes");
        batch[count].key = *needed_hash(rest);
        const struct hash *value = hash_word(rest);
        batch[count].present = value != NULL;
        if (value != NULL)
            batch[count].value = *value;
    }
    enum status status = state_tree_update(&tree, batch, count, &words, &root, &error);
    if (status == ERROR_INVALID_PARAMS) {
        puts("refused");
        return;
    }
    must(status, &error);
    answer_hashes(&root, 1);
}

static bool state_question(const char *what, char **rest)
{
    struct state_leaf leaf;
    struct error error;
    bool found;

    if (strcmp(what, "change") == 0) {
        change(rest);
    } else if (strcmp(what, "get") == 0) {
        must(state_tree_get(&tree, needed_hash(rest), &found, &leaf.value, &error), &error);
        if (found)
            answer_hashes(&leaf.value, 1);
        else
            puts("-");
    } else if (strcmp(what, "below") == 0 || strcmp(what, "above") == 0) {
        enum state_side side = what[0] == 'b' ? STATE_BELOW : STATE_ABOVE;
        must(state_tree_nearest(&tree, needed_hash(rest), side, &found, &leaf, &error), &error);
        if (found)
            answer_hashes(&leaf.key, 2);
        else
            puts("-");
    } else {
        return false;
    }
    return true;
}

static bool proof_question(const char *what, char **rest)
{
    const struct hash *key, *before, *after = NULL, *root;
    struct state_proof proof;
    struct error error;
    struct hash changed;

    if (strcmp(what, "prove") == 0) {
        CLEANUP(buffer_close) struct buffer bytes = { 0 };

        buffer_init(&bytes);
        must(state_tree_prove(&tree, needed_hash(rest), &proof, &error), &error);
        state_proof_encode(&proof, &bytes);
        answer_bytes(bytes.data, bytes.size);
        return true;
    }
    bool verify = strcmp(what, "verify") == 0;
    if (!verify && strcmp(what, "changed") != 0)
        return false;
    key = needed_hash(rest);
    before = hash_word(rest);
    if (!verify)
        after = hash_word(rest);
    root = needed_hash(rest);
    bool decoded = state_proof_decode(bytes_word(rest), &proof, &error) == OK;
    if (verify)
        puts(decoded && (before != NULL ? state_proof_present(&proof, key, before, root)
                                        : state_proof_absent(&proof, key, root)) ? "yes" : "no");
    else if (decoded && state_proof_change(&proof, key, before, after, root, &changed))
        answer_hashes(&changed, 1);
    else
        puts("refused");
    return true;
}

static void keep_subtree(void *context, unsigned level, uint64_t index, const struct hash *hash)
{
    (void)context;
    subtrees[level][index] = *hash;
}

static bool read_subtree(void *context, unsigned level, uint64_t index, struct hash *hash)
{
    (void)context;
    if ((index + 1) << level > outbox.count)
        fail("a subtree that is not complete was asked for");
    *hash = subtrees[level][index];
    return true;
}

static bool outbox_question(const char *what, char **rest)
{
    struct outbox_proof proof;
    struct hash hash;

    if (strcmp(what, "append") == 0) {
        while (more(rest)) {
            const struct hash *leaf = needed_hash(rest);

            if (outbox.count == LEAVES_MAX)
                fail("too many leaves");
            subtrees[0][outbox.count] = *leaf;
            if (!outbox_append(outbox_shape(), &outbox, leaf, keep_subtree, NULL))
                fail("the leaf is refused");
        }
        outbox_root(outbox_shape(), &outbox, &hash);
        answer_hashes(&hash, 1);
    } else if (strcmp(what, "message") == 0) {
        struct bytes message = bytes_word(rest);

        outbox_leaf(&hash, message.data, message.size);
        answer_hashes(&hash, 1);
    } else if (strcmp(what, "outbox_prove") == 0) {
        uint64_t index = number_word(rest), count = number_word(rest);

        if (outbox_prove(outbox_shape(), index, count, read_subtree, NULL, &proof))
            answer_hashes(proof.siblings, OUTBOX_DEPTH);
        else
            puts("refused");
    } else if (strcmp(what, "outbox_verify") == 0) {
        uint64_t index = number_word(rest);
        const struct hash *leaf = needed_hash(rest), *root = needed_hash(rest);

        for (size_t level = 0; level < OUTBOX_DEPTH; level++)
            proof.siblings[level] = *needed_hash(rest);
        puts(outbox_verify(outbox_shape(), index, leaf, &proof, root) ? "yes" : "no");
    } else {
        return false;
    }
    return true;
}

static bool question(const char *what, char **rest)
{
    return state_question(what, rest) || proof_question(what, rest) || outbox_question(what, rest);
}

int main(void)
{
    crypto_start();
    page_store_init(&store);
    tree = page_store_tree(&store);
    questions_answer(question);
    page_store_close(&store);
    return 0;
}
