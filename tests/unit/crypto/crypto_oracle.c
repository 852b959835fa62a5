/* Answers questions about this room's pure functions, one line each, for a second implementation to compare
 * with. Bytes are hex, "-" is none. A question that makes no sense ends the program. Questions:
 *   sha256 DATA · tagged TAG DATA
 *   account SECRET · sign SECRET MESSAGE AUX · verify ACCOUNT MESSAGE SIGNATURE
 *   channel FIXED               id and holding account of a fixed part
 *   state ID STATE              state, outcome and challenge hash
 *   tree DATA…        keeps these leaves for what follows; answers with the root
 *   root SIZE · inclusion INDEX SIZE · consistency FIRST SECOND      hashes, "-" for none, "refused"
 *   verify_inclusion INDEX SIZE LEAF_HASH ROOT HASH…
 *   verify_consistency FIRST SECOND ROOT ROOT HASH… */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "crypto/channel.h"
#include "crypto/hash.h"
#include "crypto/merkle.h"
#include "crypto/schnorr.h"
#include "questions.h"

#define LEAVES_MAX 1024

static struct hash leaves[LEAVES_MAX];
static uint64_t leaf_count;

static void answer_proof(bool made, const struct merkle_proof *proof)
{
    char hex[65];

    if (!made) {
        puts("refused");
        return;
    }
    if (proof->count == 0)
        putchar('-');
    for (size_t i = 0; i < proof->count; i++) {
        hex_text(hex, proof->hashes[i].bytes, sizeof proof->hashes[i].bytes);
        printf("%s%s", i == 0 ? "" : " ", hex);
    }
    putchar('\n');
}

/* Complete subtrees, computed from the leaves each time. */
static bool leaves_read(void *context, unsigned level, uint64_t index, struct hash *hash)
{
    struct merkle_range range;
    uint64_t width = (uint64_t)1 << level;
    (void)context;

    if ((index + 1) * width > leaf_count)
        fail("a subtree that is not complete was asked for");
    merkle_range_init(&range);
    for (uint64_t i = index * width; i < (index + 1) * width; i++)
        merkle_range_append(&range, &leaves[i], NULL, NULL);
    merkle_range_root(&range, hash);
    return true;
}

static struct merkle_proof proof_words(char **rest)
{
    struct merkle_proof proof = { .count = 0 };

    while (more(rest)) {
        if (proof.count == MERKLE_PROOF_MAX)
            fail("the proof is too long");
        fixed_word(rest, proof.hashes[proof.count++].bytes, sizeof proof.hashes[0].bytes);
    }
    return proof;
}

static bool channel_question(const char *what, char **rest)
{
    struct channel_fixed fixed;
    struct channel_state state;
    struct account_id holding;
    struct hash answer[3], id;
    struct error error;

    if (strcmp(what, "channel") == 0) {
        if (channel_fixed_decode(bytes_word(rest), &words, &fixed, &error) != OK)
            fail(error.message);
        channel_id(&fixed, &answer[0]);
        channel_holding(&answer[0], &holding);
        memcpy(answer[1].bytes, holding.bytes, sizeof answer[1].bytes);
        answer_hashes(answer, 2);
    } else if (strcmp(what, "state") == 0) {
        fixed_word(rest, id.bytes, sizeof id.bytes);
        if (channel_state_decode(bytes_word(rest), &words, &state, &error) != OK)
            fail(error.message);
        channel_state_hash(&id, &state, &answer[0]);
        channel_outcome_hash(&id, &state, &answer[1]);
        channel_challenge_hash(&id, &answer[0], &answer[2]);
        answer_hashes(answer, 3);
    } else {
        return false;
    }
    return true;
}

static bool hash_question(const char *what, char **rest)
{
    struct hash hash;

    if (strcmp(what, "sha256") == 0) {
        struct bytes data = bytes_word(rest);
        sha256(&hash, data.data, data.size);
    } else if (strcmp(what, "tagged") == 0) {
        const char *tag = word(rest);
        struct bytes data = bytes_word(rest);
        tagged_hash(&hash, tag, data.data, data.size);
    } else {
        return false;
    }
    answer_bytes(hash.bytes, sizeof hash.bytes);
    return true;
}

static bool key_question(const char *what, char **rest)
{
    CLEANUP(secret_free_pointer) struct secret_key *secret = secret_new(sizeof *secret);
    struct account_id account;
    struct signature signature;
    uint8_t aux[32];

    if (strcmp(what, "account") == 0) {
        fixed_word(rest, secret->bytes, sizeof secret->bytes);
        if (secret_key_account(secret, &account))
            answer_bytes(account.bytes, sizeof account.bytes);
        else
            puts("refused");
    } else if (strcmp(what, "sign") == 0) {
        fixed_word(rest, secret->bytes, sizeof secret->bytes);
        struct bytes message = bytes_word(rest);
        fixed_word(rest, aux, sizeof aux);
        if (schnorr_sign_message(secret, message.data, message.size, aux, &signature))
            answer_bytes(signature.bytes, sizeof signature.bytes);
        else
            puts("refused");
    } else if (strcmp(what, "verify") == 0) {
        fixed_word(rest, account.bytes, sizeof account.bytes);
        struct bytes message = bytes_word(rest);
        fixed_word(rest, signature.bytes, sizeof signature.bytes);
        puts(schnorr_verify(&account, message.data, message.size, &signature) ? "yes" : "no");
    } else {
        return false;
    }
    return true;
}

static void tree_take(char **rest)
{
    struct merkle_range range;
    struct hash root;

    merkle_range_init(&range);
    for (leaf_count = 0; more(rest); leaf_count++) {
        struct bytes data = bytes_word(rest);

        if (leaf_count == LEAVES_MAX)
            fail("too many leaves");
        merkle_leaf(&leaves[leaf_count], data.data, data.size);
        merkle_range_append(&range, &leaves[leaf_count], NULL, NULL);
    }
    merkle_range_root(&range, &root);
    answer_bytes(root.bytes, sizeof root.bytes);
}

static bool tree_question(const char *what, char **rest)
{
    struct merkle_proof proof;
    struct hash first_hash, second_hash;

    if (strcmp(what, "tree") == 0) {
        tree_take(rest);
        return true;
    }
    if (strcmp(what, "root") == 0) {
        if (!merkle_root(number_word(rest), leaves_read, NULL, &first_hash))
            fail("no root");
        answer_bytes(first_hash.bytes, sizeof first_hash.bytes);
        return true;
    }
    bool verify = strncmp(what, "verify_", 7) == 0;
    bool inclusion = strcmp(what + (verify ? 7 : 0), "inclusion") == 0;
    if (!inclusion && strcmp(what + (verify ? 7 : 0), "consistency") != 0)
        return false;
    uint64_t first = number_word(rest), second = number_word(rest);
    if (!verify) {
        answer_proof(inclusion ? merkle_inclusion(first, second, leaves_read, NULL, &proof)
                               : merkle_consistency(first, second, leaves_read, NULL, &proof), &proof);
        return true;
    }
    fixed_word(rest, first_hash.bytes, sizeof first_hash.bytes);
    fixed_word(rest, second_hash.bytes, sizeof second_hash.bytes);
    proof = proof_words(rest);
    puts((inclusion ? merkle_verify_inclusion(first, second, &first_hash, &proof, &second_hash)
                    : merkle_verify_consistency(first, second, &first_hash, &second_hash, &proof))
             ? "yes" : "no");
    return true;
}

static bool question(const char *what, char **rest)
{
    return hash_question(what, rest) || key_question(what, rest) || channel_question(what, rest) ||
           tree_question(what, rest);
}

int main(void)
{
    crypto_start();
    questions_answer(question);
    return 0;
}
