/* Checkpoints, inclusion and consistency, checked without a node: what is right passes, one flipped bit
 * anywhere does not. The log of the tests is built here, with the tree and the notes of crypto/; consistency
 * also runs the published cases. */
#include "test_client.h"

#include <jansson.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "crypto/hash.h"
#include "crypto/merkle.h"
#include "crypto/note.h"

#define EVENTS 13
#define ORIGIN "layerd/00112233445566778899aabbccddeeff"

struct log {
    struct hash events[EVENTS], leaves[EVENTS];
    struct note_signer *signer;
    char verifier[256];
};

static bool read_node(void *context, unsigned level, uint64_t index, struct hash *hash)
{
    struct log *log = context;
    if (level == 0) {
        *hash = log->leaves[index];
        return true;
    }
    struct hash left, right;
    if (!read_node(log, level - 1, 2 * index, &left) || !read_node(log, level - 1, 2 * index + 1, &right))
        return false;
    merkle_node(hash, &left, &right);
    return true;
}

static struct log *log_new(void)
{
    struct log *log = memory_new(sizeof *log);
    static const uint8_t seed[32] = { 7, 7, 7 };
    struct buffer text CLEANUP(buffer_close) = { 0 };

    crypto_start();
    buffer_init(&text);
    for (uint8_t i = 0; i < EVENTS; i++) {
        sha256(&log->events[i], &i, 1);
        merkle_leaf(&log->leaves[i], log->events[i].bytes, sizeof log->events[i].bytes);
    }
    log->signer = note_signer_new(ORIGIN, seed);
    note_key_text(note_signer_key(log->signer), &text);
    strcpy(log->verifier, buffer_text(&text));
    return log;
}

static void log_free(struct log *log)
{
    note_signer_free(log->signer);
    free(log);
}

/* The signed note of the first `size` events. */
static char *head_of(struct log *log, uint64_t size, const char *origin)
{
    struct buffer text CLEANUP(buffer_close) = { 0 }, note CLEANUP(buffer_close) = { 0 };
    struct checkpoint checkpoint = { .size = size };

    buffer_init(&text);
    buffer_init(&note);
    strcpy(checkpoint.origin, origin);
    assert_true(merkle_root(size, read_node, log, &checkpoint.root));
    checkpoint_text(&checkpoint, &text);
    note_sign(log->signer, buffer_text(&text), &note);
    return text_copy(buffer_text(&note));
}

static struct layerd_checkpoint checkpoint_of(struct log *log, uint64_t size)
{
    struct layerd_checkpoint checkpoint;
    AUTO_FREE char *note = head_of(log, size, ORIGIN);
    assert_int_equal(layerd_checkpoint_verify(note, log->verifier, &checkpoint, NULL), LAYERD_OK);
    assert_int_equal(checkpoint.size, size);
    return checkpoint;
}

struct hex_proof {
    char text[MERKLE_PROOF_MAX][LAYERD_HASH_MAX];
    const char *hashes[MERKLE_PROOF_MAX];
};

static void to_hex(const struct merkle_proof *proof, struct hex_proof *hex)
{
    for (size_t i = 0; i < proof->count; i++) {
        hex_text(hex->text[i], proof->hashes[i].bytes, sizeof proof->hashes[i].bytes);
        hex->hashes[i] = hex->text[i];
    }
}

static void flip(char *hex)
{
    *hex = *hex == '0' ? '1' : '0';
}

static void a_checkpoint_needs_the_right_signature(void **state)
{
    struct log *log = log_new();
    struct layerd_checkpoint checkpoint = { .size = 77 };
    static const uint8_t other_seed[32] = { 8 };
    AUTO_FREE char *note = head_of(log, 5, ORIGIN);
    AUTO_FREE char *foreign = head_of(log, 5, "layerd/somebody-else");
    struct buffer other CLEANUP(buffer_close) = { 0 };
    (void)state;

    buffer_init(&other);
    assert_int_equal(layerd_checkpoint_verify(note, log->verifier, &checkpoint, NULL), LAYERD_OK);
    assert_string_equal(checkpoint.origin, ORIGIN);
    assert_int_equal(checkpoint.size, 5);
    checkpoint.size = 77;

    struct note_signer *stranger = note_signer_new(ORIGIN, other_seed);
    note_key_text(note_signer_key(stranger), &other);
    assert_int_equal(layerd_checkpoint_verify(note, buffer_text(&other), &checkpoint, NULL),
                     LAYERD_ERROR_BAD_SIGNATURE);
    note_signer_free(stranger);
    assert_int_equal(layerd_checkpoint_verify(foreign, log->verifier, &checkpoint, NULL),
                     LAYERD_ERROR_BAD_SIGNATURE);
    assert_int_equal(layerd_checkpoint_verify(note, "nonsense", &checkpoint, NULL), LAYERD_ERROR_BAD_KEY);
    assert_int_equal(layerd_checkpoint_verify("", log->verifier, &checkpoint, NULL),
                     LAYERD_ERROR_BAD_SIGNATURE);
    for (size_t i = 0; note[i] != '\0'; i++) {
        char kept = note[i];
        note[i] = kept == 'A' ? 'B' : 'A';
        if (layerd_checkpoint_verify(note, log->verifier, &checkpoint, NULL) == LAYERD_OK)
            fail_msg("the note verifies with byte %zu changed", i);
        note[i] = kept;
    }
    assert_int_equal(checkpoint.size, 77);
    log_free(log);
}

static void every_event_is_proved_in_every_tree_that_covers_it(void **state)
{
    struct log *log = log_new();
    (void)state;
    for (uint64_t size = 1; size <= EVENTS; size++) {
        struct layerd_checkpoint checkpoint = checkpoint_of(log, size);
        for (uint64_t seq = 1; seq <= size; seq++) {
            struct merkle_proof proof;
            struct hex_proof hex;
            char hash[LAYERD_HASH_MAX];
            assert_true(merkle_inclusion(seq - 1, size, read_node, log, &proof));
            to_hex(&proof, &hex);
            hex_text(hash, log->events[seq - 1].bytes, 32);
            assert_int_equal(layerd_inclusion_verify(&checkpoint, seq, hash, hex.hashes, proof.count, NULL),
                             LAYERD_OK);
            flip(hash);
            assert_int_equal(layerd_inclusion_verify(&checkpoint, seq, hash, hex.hashes, proof.count, NULL),
                             LAYERD_ERROR_CORRUPT);
            flip(hash);
            hex_text(hash, log->events[seq - 1].bytes, 32);
            for (size_t i = 0; i < proof.count; i++) {
                flip(hex.text[i]);
                assert_int_equal(
                    layerd_inclusion_verify(&checkpoint, seq, hash, hex.hashes, proof.count, NULL),
                    LAYERD_ERROR_CORRUPT);
                to_hex(&proof, &hex);
            }
            for (uint64_t other = 1; other <= size; other++)
                if (other != seq)
                    assert_int_equal(
                        layerd_inclusion_verify(&checkpoint, other, hash, hex.hashes, proof.count, NULL),
                        LAYERD_ERROR_CORRUPT);
        }
    }
    log_free(log);
}

static void inclusion_refuses_what_is_out_of_range_or_no_hex(void **state)
{
    struct log *log = log_new();
    struct layerd_checkpoint checkpoint = checkpoint_of(log, 5);
    const char *short_hash[] = { "00" }, *none[] = { NULL };
    char hash[LAYERD_HASH_MAX];
    (void)state;
    hex_text(hash, log->events[0].bytes, 32);
    assert_int_equal(layerd_inclusion_verify(&checkpoint, 0, hash, NULL, 0, NULL), LAYERD_ERROR_PROOF_RANGE);
    assert_int_equal(layerd_inclusion_verify(&checkpoint, 6, hash, NULL, 0, NULL), LAYERD_ERROR_PROOF_RANGE);
    assert_int_equal(layerd_inclusion_verify(&checkpoint, 1, hash, NULL, 0, NULL), LAYERD_ERROR_CORRUPT);
    assert_int_equal(layerd_inclusion_verify(&checkpoint, 1, hash, short_hash, 1, NULL),
                     LAYERD_ERROR_INVALID_PARAMS);
    assert_int_equal(layerd_inclusion_verify(&checkpoint, 1, hash, none, 1, NULL),
                     LAYERD_ERROR_INVALID_PARAMS);
    assert_int_equal(layerd_inclusion_verify(&checkpoint, 1, hash, short_hash, 65, NULL),
                     LAYERD_ERROR_INVALID_PARAMS);
    assert_int_equal(layerd_inclusion_verify(&checkpoint, 1, "zz", NULL, 0, NULL),
                     LAYERD_ERROR_INVALID_PARAMS);
    log_free(log);
}

static void a_log_that_grew_continues_its_earlier_head(void **state)
{
    struct log *log = log_new();
    (void)state;
    for (uint64_t first = 1; first <= EVENTS; first++) {
        for (uint64_t second = first; second <= EVENTS; second++) {
            struct layerd_checkpoint earlier = checkpoint_of(log, first), later = checkpoint_of(log, second);
            struct merkle_proof proof;
            struct hex_proof hex;
            assert_true(merkle_consistency(first, second, read_node, log, &proof));
            to_hex(&proof, &hex);
            assert_int_equal(layerd_consistency_verify(&earlier, &later, hex.hashes, proof.count, NULL),
                             LAYERD_OK);
            flip(earlier.root);
            assert_int_equal(layerd_consistency_verify(&earlier, &later, hex.hashes, proof.count, NULL),
                             LAYERD_ERROR_FORK);
            flip(earlier.root);
            flip(later.root);
            assert_int_equal(layerd_consistency_verify(&earlier, &later, hex.hashes, proof.count, NULL),
                             LAYERD_ERROR_FORK);
        }
    }
    log_free(log);
}

static void a_log_that_shrank_or_is_anothers_is_a_fork(void **state)
{
    struct log *log = log_new();
    struct layerd_checkpoint earlier = checkpoint_of(log, 8), later = checkpoint_of(log, 5);
    struct layerd_failure failure;
    (void)state;
    assert_int_equal(layerd_consistency_verify(&earlier, &later, NULL, 0, &failure), LAYERD_ERROR_FORK);
    assert_string_equal(failure.name, "fork");
    later = checkpoint_of(log, 8);
    assert_int_equal(layerd_consistency_verify(&earlier, &later, NULL, 0, NULL), LAYERD_OK);
    strcpy(later.origin, "layerd/other");
    assert_int_equal(layerd_consistency_verify(&earlier, &later, NULL, 0, NULL), LAYERD_ERROR_FORK);
    log_free(log);
}

/* --- the published cases ---------------------------------------------------------------------- */

static json_t *load_vectors(void)
{
    const char *folder = getenv("LAYERD_VECTORS");
    AUTO_FREE char *path =
        text_format("%s/rfc6962.json", folder != NULL ? folder : SOURCE_ROOT "/../shared/vectors");
    json_t *vectors = json_load_file(path, 0, NULL);
    if (vectors == NULL)
        printf("\n*** SKIPPED: vectors not found: %s ***\n\n", path);
    return vectors;
}

static void published_consistency_cases_give_the_published_answers(void **state)
{
    json_t *vectors = load_vectors(), *one;
    size_t index;
    (void)state;
    if (vectors == NULL)
        skip();
    json_array_foreach(json_object_get(vectors, "consistency"), index, one)
    {
        struct layerd_checkpoint earlier = { .origin = "o" }, later = { .origin = "o" };
        const char *hashes[MERKLE_PROOF_MAX];
        const json_t *proof = json_object_get(one, "proof");
        const char *root1 = json_string_value(json_object_get(one, "root1"));
        const char *root2 = json_string_value(json_object_get(one, "root2"));
        size_t count = json_array_size(proof);

        earlier.size = (uint64_t)json_integer_value(json_object_get(one, "size1"));
        later.size = (uint64_t)json_integer_value(json_object_get(one, "size2"));
        if (earlier.size == 0 || count > MERKLE_PROOF_MAX || strlen(root1) > 64 || strlen(root2) > 64)
            continue; /* of an empty log there is nothing to prove; roots of other sizes do not fit here */
        strcpy(earlier.root, root1);
        strcpy(later.root, root2);
        for (size_t i = 0; i < count; i++)
            hashes[i] = json_string_value(json_array_get(proof, i));
        bool valid = json_is_true(json_object_get(one, "valid"));
        enum layerd_error code = layerd_consistency_verify(&earlier, &later, hashes, count, NULL);
        if ((code == LAYERD_OK) != valid)
            fail_msg("case %s: %s", json_string_value(json_object_get(one, "case")), layerd_error_name(code));
    }
    json_decref(vectors);
}

int proof_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_checkpoint_needs_the_right_signature),
        cmocka_unit_test(every_event_is_proved_in_every_tree_that_covers_it),
        cmocka_unit_test(inclusion_refuses_what_is_out_of_range_or_no_hex),
        cmocka_unit_test(a_log_that_grew_continues_its_earlier_head),
        cmocka_unit_test(a_log_that_shrank_or_is_anothers_is_a_fork),
        cmocka_unit_test(published_consistency_cases_give_the_published_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
