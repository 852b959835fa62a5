/* Proofs from the database: against checkpoints, against a tree built anew in memory, and all that is
 * refused. */
#include "test_store.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "store/log_tree.h"

static int begin(void **state)
{
    struct place *place = malloc(sizeof(*place));

    place_begin(place);
    place_open(place);
    *state = place;
    return 0;
}

static int end(void **state)
{
    place_end(*state);
    free(*state);
    return 0;
}

/* The root of the first `size` events from nothing but their hashes. */
static void root_anew(struct database *reader, uint64_t size, struct hash *root)
{
    struct event_reader events;
    struct merkle_range range;
    struct event event;
    struct hash leaf;

    merkle_range_init(&range);
    event_reader_begin(&events, reader, 0, size);
    while (event_reader_next(&events, &event)) {
        merkle_leaf(&leaf, event.hash.bytes, sizeof(event.hash.bytes));
        merkle_range_append(&range, &leaf, NULL, NULL);
    }
    event_reader_end(&events);
    merkle_range_root(&range, root);
}

static void try_inclusion(struct database *reader, uint64_t seq, uint64_t size)
{
    struct merkle_proof proof;
    struct hash leaf, root, expected;
    struct error error;

    assert_ok(log_inclusion(reader, seq, size, &leaf, &proof, &root, &error));
    root_anew(reader, size, &expected);
    assert_memory_equal(root.bytes, expected.bytes, 32);
    assert_true(merkle_verify_inclusion(seq - 1, size, &leaf, &proof, &expected));
    leaf.bytes[seq % 32] ^= 1;
    assert_false(merkle_verify_inclusion(seq - 1, size, &leaf, &proof, &expected));
}

static void try_consistency(struct database *reader, uint64_t first, uint64_t second)
{
    struct hash first_root, second_root, expected;
    struct merkle_proof proof;
    struct error error;

    assert_ok(log_consistency(reader, first, second, &proof, &first_root, &second_root, &error));
    root_anew(reader, first, &expected);
    assert_memory_equal(first_root.bytes, expected.bytes, 32);
    root_anew(reader, second, &expected);
    assert_memory_equal(second_root.bytes, expected.bytes, 32);
    assert_true(merkle_verify_consistency(first, second, &first_root, &second_root, &proof));
    first_root.bytes[first % 32] ^= 1;
    assert_false(merkle_verify_consistency(first, second, &first_root, &second_root, &proof));
}

static void proofs_over_random_sizes_verify(void **state)
{
    struct place *place = *state;
    struct database *reader = place_reader(place);
    uint64_t random = chance_begin("proofs_over_random_sizes_verify");
    uint64_t head = 0;

    for (int round = 0; round < 30; round++) {
        uint64_t more = 1 + chance(&random) % 200;

        place_append(place, more);
        head += more;
        for (int i = 0; i < 10; i++) {
            uint64_t size = 1 + chance(&random) % head;

            try_inclusion(reader, 1 + chance(&random) % size, size);
            try_consistency(reader, 1 + chance(&random) % size, size);
        }
        try_inclusion(reader, 1, head);
        try_inclusion(reader, head, head);
        try_consistency(reader, head, head);
    }
    /* every shape below two tiles and a bit */
    for (uint64_t size = 1; size < head; size += size < 600 ? 1 : 97)
        try_inclusion(reader, 1 + chance(&random) % size, size);
    database_close(reader);
}

static void tiles_of_tiles_serve_proofs_of_a_large_log(void **state)
{
    struct place *place = *state;
    struct database *reader = place_reader(place);
    struct log_report report;
    struct error error;
    struct hash tile;

    for (int i = 0; i < 7; i++)
        place_append(place, 10000);
    assert_true(log_tree_tile(reader, 16, 0, &tile));
    assert_true(log_tree_tile(reader, 8, 272, &tile));
    assert_false(log_tree_tile(reader, 8, 273, &tile)); /* 70,000 events: that tile is not complete */
    try_inclusion(reader, 1, 65536);
    try_inclusion(reader, 65536, 65537);
    try_inclusion(reader, 69999, 70000);
    try_inclusion(reader, 12345, 70000);
    try_consistency(reader, 65535, 70000);
    try_consistency(reader, 65536, 70000);
    try_consistency(reader, 1, 70000);
    assert_ok(verify_all(place, &report, &error));
    database_close(reader);
    place_close(place); /* and the compact range is found again from the tiles */
    place_open(place);
    place_append(place, 500);
    place_checkpoint(place);
    assert_ok(verify_all(place, &report, &error));
    assert_int_equal(report.last, 70500);
}

static void checkpoint_signs_the_root_that_proofs_lead_to(void **state)
{
    struct place *place = *state;
    struct database *reader = place_reader(place);
    struct buffer note CLEANUP(buffer_close) = { 0 };
    struct checkpoint checkpoint;
    struct merkle_proof proof;
    struct hash leaf, root;
    struct error error;
    uint64_t covered = 0;
    size_t size;

    assert_refused(log_checkpoint(reader, 0, &covered, &note, &error), ERROR_PROOF_RANGE);
    place_append(place, 333);
    place_checkpoint(place);
    place_append(place, 100);
    assert_refused(log_checkpoint(reader, 334, &covered, &note, &error), ERROR_PROOF_RANGE);
    place_checkpoint(place);
    assert_ok(log_checkpoint(reader, 10, &covered, &note, &error));
    assert_int_equal(covered, 433);
    assert_ok(note_open(buffer_text(&note), note.size, note_signer_key(place->signer), &size, &error));
    assert_ok(checkpoint_parse(buffer_text(&note), size, &checkpoint, &error));
    assert_string_equal(checkpoint.origin, LOG_NAME);
    assert_int_equal(checkpoint.size, 433);
    assert_ok(log_inclusion(reader, 200, checkpoint.size, &leaf, &proof, &root, &error));
    assert_true(merkle_verify_inclusion(199, checkpoint.size, &leaf, &proof, &checkpoint.root));
    database_close(reader);
}

static void proofs_outside_the_log_are_refused(void **state)
{
    struct place *place = *state;
    struct database *reader = place_reader(place);
    struct hash leaf, root, second;
    struct merkle_proof proof;
    struct error error;

    assert_refused(log_inclusion(reader, 1, 1, &leaf, &proof, &root, &error), ERROR_PROOF_RANGE);
    place_append(place, 10);
    assert_refused(log_inclusion(reader, 0, 10, &leaf, &proof, &root, &error), ERROR_PROOF_RANGE);
    assert_refused(log_inclusion(reader, 11, 10, &leaf, &proof, &root, &error), ERROR_PROOF_RANGE);
    assert_refused(log_inclusion(reader, 5, 11, &leaf, &proof, &root, &error), ERROR_PROOF_RANGE);
    assert_refused(log_inclusion(reader, 1, 0, &leaf, &proof, &root, &error), ERROR_PROOF_RANGE);
    assert_refused(log_inclusion(reader, UINT64_MAX, UINT64_MAX, &leaf, &proof, &root, &error),
                   ERROR_PROOF_RANGE);
    assert_refused(log_consistency(reader, 0, 10, &proof, &root, &second, &error), ERROR_PROOF_RANGE);
    assert_refused(log_consistency(reader, 5, 4, &proof, &root, &second, &error), ERROR_PROOF_RANGE);
    assert_refused(log_consistency(reader, 5, 11, &proof, &root, &second, &error), ERROR_PROOF_RANGE);
    database_close(reader);
}

static void hole_in_the_tree_is_named_and_not_papered_over(void **state)
{
    struct place *place = *state;
    struct database *reader;
    struct hash leaf, root;
    struct merkle_proof proof;
    struct error error;

    place_append(place, 1000);
    place_close(place);
    tamper(place, "DELETE FROM tree_tile WHERE level = 8 AND idx = 1");
    reader = place_reader(place);
    assert_refused(log_inclusion(reader, 5, 1000, &leaf, &proof, &root, &error), ERROR_CORRUPT);
    database_close(reader);
}

const struct CMUnitTest log_tree_tests[] = {
    cmocka_unit_test_setup_teardown(proofs_over_random_sizes_verify, begin, end),
    cmocka_unit_test_setup_teardown(tiles_of_tiles_serve_proofs_of_a_large_log, begin, end),
    cmocka_unit_test_setup_teardown(checkpoint_signs_the_root_that_proofs_lead_to, begin, end),
    cmocka_unit_test_setup_teardown(proofs_outside_the_log_are_refused, begin, end),
    cmocka_unit_test_setup_teardown(hole_in_the_tree_is_named_and_not_papered_over, begin, end),
};
const size_t log_tree_tests_count = sizeof(log_tree_tests) / sizeof(log_tree_tests[0]);
