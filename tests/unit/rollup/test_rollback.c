/* Batches that are shown to be wrong: what was before them is there again, exactly. */
#include "node_support.h"

#include "crypto/hash.h"

static char *batch_id_of(struct scene *s, int64_t number)
{
    char sql[128];

    snprintf(sql, sizeof(sql),
             "SELECT lower(hex(id)) FROM batch WHERE domain = %" PRIu64 " AND number = %" PRId64
             " AND state < 4", s->domain, number);
    return fixture_sql_text(&s->f, sql);
}

static void reject(struct scene *s, int64_t number)
{
    char *id AUTO_FREE = batch_id_of(s, number);

    fixture_run(&s->f, "carol", "test.reject", "{'batch':'%s'}", id);
    settle(s);
}

/* One deposit each in a batch, and something that waits. */
static void prepare(struct scene *s)
{
    scene_open(s);
    deposit(s, "alice", 1000);
    deposit(s, "bob", 500);
    make_batch(s);
}

static void all_of_it_is_as_before_the_batch(void **state)
{
    struct hash before, after;
    struct scene s;

    (void)state;
    prepare(&s);
    deposit(&s, "carol", 70);
    transfer(&s, "alice", "bob", 10);
    withdraw(&s, "bob", 20);
    settle(&s);
    before = fingerprint(&s);
    make_batch(&s);
    assert_int_equal(inside(&s, "carol"), 70);
    assert_int_equal(number_of(&s, "SELECT count(*) FROM rollup_withdrawal WHERE domain = ?1"), 1);
    reject(&s, 2);
    assert_int_equal(inside(&s, "carol"), -1);
    assert_int_equal(inside(&s, "alice"), 1000);
    assert_int_equal(number_of(&s, "SELECT count(*) FROM rollup_withdrawal WHERE domain = ?1"), 0);
    after = fingerprint(&s);
    assert_true(hash_equal(&before, &after));
    fixture_audit(&s.f);
    pass(&s, JAIL); /* until it may propose again: the same batch, under another id */
    wait_until(&s, "SELECT head FROM rollup WHERE domain = ?1", 2);
    settle(&s);
    assert_int_equal(inside(&s, "carol"), 70);
    assert_int_equal(number_of(&s, "SELECT count(DISTINCT root) FROM batch WHERE number = 2"), 1);
    scene_close(&s);
}

static void descendants_go_with_it(void **state)
{
    struct hash before, after;
    struct scene s;

    (void)state;
    prepare(&s);
    settle(&s);
    before = fingerprint(&s);
    for (int i = 0; i < 5; i++) {
        transfer(&s, "alice", "bob", 10);
        make_batch(&s);
    }
    withdraw(&s, "bob", 5);
    make_batch(&s);
    assert_int_equal(number_of(&s, "SELECT head FROM rollup WHERE domain = ?1"), 7);
    reject(&s, 2);
    assert_int_equal(number_of(&s, "SELECT head FROM rollup WHERE domain = ?1"), 1);
    assert_int_equal(number_of(&s, "SELECT count(*) FROM batch WHERE state = 4"), 1);
    assert_int_equal(number_of(&s, "SELECT count(*) FROM batch WHERE state = 5"), 5);
    assert_int_equal(number_of(&s, "SELECT count(*) FROM rollup_pending WHERE state = 0"), 6);
    fixture_tamper(&s.f, "DELETE FROM rollup_pending"); /* all else is as before them */
    after = fingerprint(&s);
    assert_true(hash_equal(&before, &after));
    assert_int_equal(number_of(&s, "SELECT count(*) FROM event WHERE type = 'rollup.rolled_back'"), 1);
    scene_close(&s);
}

/* The first batch, the one below everything. */
static void nothing_is_left_when_the_first_goes(void **state)
{
    struct hash before, after;
    struct scene s;

    (void)state;
    scene_open(&s);
    deposit(&s, "alice", 1000);
    settle(&s);
    before = fingerprint(&s);
    make_batch(&s);
    deposit(&s, "alice", 1);
    make_batch(&s);
    reject(&s, 1);
    assert_int_equal(number_of(&s, "SELECT head FROM rollup WHERE domain = ?1"), 0);
    assert_int_equal(number_of(&s, "SELECT count(*) FROM inbox WHERE state = 'queued'"), 2);
    after = fingerprint(&s);
    assert_false(hash_equal(&before, &after)); /* the second deposit waits as well */
    assert_int_equal(inside(&s, "alice"), -1);
    scene_close(&s);
}

/* What was rejected is taken up again later, in order, and comes to the same as without it. */
static void the_end_is_that_of_a_run_without_it(void **state)
{
    struct hash ends[2];

    (void)state;
    for (int with = 0; with < 2; with++) {
        struct scene s;

        prepare(&s);
        if (with) {
            transfer(&s, "alice", "bob", 10);
            transfer(&s, "alice", "bob", 20);
            make_batch(&s);
            transfer(&s, "bob", "alice", 5);
            reject(&s, 2);
        } else {
            transfer(&s, "alice", "bob", 10);
            transfer(&s, "alice", "bob", 20);
            transfer(&s, "bob", "alice", 5);
        }
        deposit(&s, "alice", 3);
        pass(&s, 610 * SECOND);
        wait_until(&s, "SELECT count(*) FROM rollup_pending WHERE state = 0", 0);
        settle(&s);
        assert_int_equal(inside(&s, "alice"), 978);
        {
            char *leaves AUTO_FREE = fixture_sql_text(&s.f,
                "SELECT group_concat(printf('%d:%s:%s', kind, hex(place), hex(leaf))) FROM (SELECT * FROM"
                " rollup_leaf WHERE kind <> 2 AND NOT (kind = 1 AND place = x'00000000') ORDER BY kind,"
                " place)");

            sha256(&ends[with], leaves, strlen(leaves));
        }
        scene_close(&s);
    }
    assert_true(hash_equal(&ends[0], &ends[1]));
}

/* The rejection is on the ledger, and this node ends before it has taken anything back itself. */
static void a_node_that_ends_before_it_took_back_does_so_later(void **state)
{
    struct hash before, after;
    struct scene s;
    char *id;

    (void)state;
    prepare(&s);
    transfer(&s, "alice", "bob", 10);
    settle(&s);
    before = fingerprint(&s);
    make_batch(&s);
    id = batch_id_of(&s, 2);
    fixture_run(&s.f, "carol", "test.reject", "{'batch':'%s'}", id);
    scene_crash(&s);
    settle(&s);
    after = fingerprint(&s);
    assert_true(hash_equal(&before, &after));
    free(id);
    scene_close(&s);
}

/* --- the state before a batch ----------------------------------------------------------------- */
static enum status look(void *context, struct rollup_state *before, const struct batch *batch,
                        struct error *error)
{
    struct hash root;

    (void)error;
    rollup_state_root(before, &root);
    *(bool *)context = hash_equal(&root, &batch->previous_root);
    return OK;
}

static enum status state_before(struct scene *s, int64_t number, bool *right)
{
    struct database *reader;
    struct batch_row row;
    struct error error;
    enum status status;

    assert_int_equal(kernel_reader(s->f.kernel, &reader, &error), OK);
    assert_true(batch_find_number(reader, s->domain, (uint64_t)number, &row));
    status = rollup_with_state(s->f.kernel, reader, &row.id, look, right, &error);
    database_close(reader);
    return status;
}

static void the_state_before_any_batch_that_is_not_final_is_at_hand(void **state)
{
    struct scene s;
    bool right;

    (void)state;
    prepare(&s);
    for (int i = 0; i < 4; i++) {
        transfer(&s, "alice", "bob", 10);
        make_batch(&s);
    }
    for (int64_t number = 1; number <= 5; number++) {
        right = false;
        assert_int_equal(state_before(&s, number, &right), OK);
        assert_true(right);
    }
    transfer(&s, "alice", "bob", 10); /* and the lane goes on as if nothing had been */
    make_batch(&s);
    assert_int_equal(inside(&s, "alice"), 950);
    pass(&s, 1000 * SECOND);
    wait_until(&s, "SELECT count(*) FROM rollup_undo", 0);
    assert_int_equal(state_before(&s, 2, &right), ERROR_NOT_READY);
    scene_close(&s);
}

int rollback_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_of_it_is_as_before_the_batch),
        cmocka_unit_test(descendants_go_with_it),
        cmocka_unit_test(nothing_is_left_when_the_first_goes),
        cmocka_unit_test(the_end_is_that_of_a_run_without_it),
        cmocka_unit_test(a_node_that_ends_before_it_took_back_does_so_later),
        cmocka_unit_test(the_state_before_any_batch_that_is_not_final_is_at_hand),
    };

    return cmocka_run_group_tests_name("rollup rollback", tests, NULL, NULL);
}
