/* What a node keeps and what it does while somebody waits are bounded. */
#include "node_support.h"

#include <unistd.h>

#include "layer2/rollup/mempool.h"

static void assert_told(struct scene *s, const struct hash *id, const char *expected)
{
    char *text AUTO_FREE = transaction_state(s, id);

    assert_string_equal(text, expected);
}

static void assert_forgotten(struct scene *s, const struct hash *id)
{
    struct reply reply;
    char hex[65];

    hex_text(hex, id->bytes, sizeof(id->bytes));
    reply = fixture_call_public(&s->f, "rollup.transaction", fixture_json("{'transaction':'%s'}", hex));
    assert_int_equal(reply.status, ERROR_ROLLUP_TRANSACTION_NOT_FOUND);
    reply_close(&reply);
}

/* One more batch, at once. */
static struct hash one_batch(struct scene *s, uint64_t amount)
{
    int64_t head = number_of(s, "SELECT head FROM rollup WHERE domain = ?1");
    struct hash id = transfer(s, "alice", "bob", amount);

    wait_until(s, "SELECT head FROM rollup WHERE domain = ?1", head + 1);
    settle(s);
    return id;
}

static void what_became_of_a_transaction_is_told_for_so_many_batches(void **state)
{
    struct hash first, second, last = { .bytes = { 0 } };
    struct reply reply;
    struct scene s;

    (void)state;
    scene_open(&s);
    deposit(&s, "alice", 1000);
    deposit(&s, "bob", 1000);
    make_batch(&s);
    {
        struct account_id own = kernel_account(s.f.kernel);
        char hex[65];

        hex_text(hex, own.bytes, sizeof(own.bytes)); /* for all the bonds */
        fixture_run(&s.f, "carol", "ledger.transfer", "{'to':'%s','asset':'DEV','amount':50000}", hex);
    }
    reply = fixture_call(&s.f, "rollup.sequencer",
                         fixture_json("{'domain':%" PRIu64 ",'batch_items':1,'batch_time':'10s'}", s.domain));
    reply_close(&reply);
    first = one_batch(&s, 1);
    second = one_batch(&s, 2);
    for (unsigned i = 0; i < PENDING_TOLD_BATCHES - 1; i++)
        last = one_batch(&s, 3);
    assert_told(&s, &first, "in_batch"); /* however many there are: none of them is final */
    pass(&s, 1000 * SECOND);
    wait_until(&s, "SELECT final = head FROM rollup WHERE domain = ?1", 1);
    wait_until(&s, "SELECT count(*) FROM rollup_undo WHERE domain = ?1", 0);
    assert_forgotten(&s, &first);
    assert_told(&s, &second, "final");
    assert_told(&s, &last, "final");
    assert_int_equal(number_of(&s, "SELECT count(*) FROM rollup_pending"), PENDING_TOLD_BATCHES);
    last = one_batch(&s, 1); /* with the next nonce: nothing that counts was forgotten */
    assert_told(&s, &last, "in_batch");
    assert_int_equal(inside(&s, "alice"), 1000 - 4 - 3 * (PENDING_TOLD_BATCHES - 1));
    scene_close(&s);
}

static void what_was_dropped_long_ago_is_forgotten(void **state)
{
    struct hash old, poor;
    struct scene s;
    char sql[128];

    (void)state;
    scene_open(&s);
    deposit(&s, "alice", 100);
    deposit(&s, "bob", 100);
    make_batch(&s);
    old = transfer(&s, "alice", "bob", 5000);
    transfer(&s, "bob", "alice", 1);
    make_batch(&s);
    assert_told(&s, &old, "dropped");
    snprintf(sql, sizeof(sql), "UPDATE rollup_pending SET number = number + %d WHERE state = 1",
             PENDING_TOLD_DROPPED - 2);
    fixture_tamper(&s.f, sql); /* as if so many had come */
    poor = transfer(&s, "alice", "bob", 6000);
    assert_told(&s, &old, "dropped");
    transfer(&s, "bob", "alice", 1);
    make_batch(&s);
    assert_told(&s, &poor, "dropped");
    assert_forgotten(&s, &old);
    scene_close(&s);
}

/* --- a proof of an exit --------------------------------------------------------------------------- */
static void freeze(struct scene *s)
{
    struct reply reply = fixture_call(&s->f, "rollup.sequencer",
                                      fixture_json("{'domain':%" PRIu64 ",'enabled':false}", s->domain));

    reply_close(&reply);
    deposit(s, "carol", 7);
    pass(s, 610 * SECOND);
    fixture_run(&s->f, "carol", "rollup.escape", "{'domain':%" PRIu64 "}", s->domain);
    settle(s);
}

static enum status ask_for_proof(struct scene *s)
{
    struct reply reply = fixture_call_public(&s->f, "rollup.exit_proof",
                                             fixture_json("{'domain':%" PRIu64 ",'account':1}", s->domain));
    enum status status = reply.status;

    reply_close(&reply);
    return status;
}

static void a_proof_does_not_wait_for_a_lane_at_work(void **state)
{
    struct lane *lane;
    struct scene s;

    (void)state;
    scene_open(&s);
    deposit(&s, "alice", 1000);
    make_batch(&s);
    pass(&s, 1000 * SECOND);
    freeze(&s);
    lane = lane_lock(s.f.kernel, s.domain);
    assert_non_null(lane);
    assert_int_equal(ask_for_proof(&s), ERROR_NOT_READY);
    lane_unlock(lane);
    assert_int_equal(ask_for_proof(&s), OK);
    scene_restart(&s);
    assert_int_equal(ask_for_proof(&s), OK); /* a small state is read at once */
    scene_close(&s);
}

/* Any key will do: the first ones after a number that are keys. */
static void deposit_for_many(struct scene *s, unsigned count)
{
    struct account_id key = { .bytes = { 1 } };
    char hex[65];

    for (unsigned next = 0; count > 0; next++) {
        put_be32(key.bytes + 8, next);
        if (!account_is_key(&key))
            continue;
        hex_text(hex, key.bytes, sizeof(key.bytes));
        fixture_run(&s->f, "bob", "rollup.deposit",
                    "{'domain':%" PRIu64 ",'asset':'DEV','amount':1,'key':'%s'}", s->domain, hex);
        count--;
    }
}

static void a_large_state_is_read_by_a_worker_before_it_proves(void **state)
{
    enum status status = ERROR_NOT_READY;
    struct scene s;

    (void)state;
    scene_open(&s);
    deposit_for_many(&s, LANE_LEAVES_SOON / 2);
    make_batch(&s);
    pass(&s, 1000 * SECOND);
    freeze(&s);
    assert_true(number_of(&s, "SELECT count(*) FROM rollup_leaf WHERE domain = ?1") > LANE_LEAVES_SOON);
    assert_int_equal(ask_for_proof(&s), OK);
    {
        struct lane *lane = lane_lock(s.f.kernel, s.domain);

        assert_non_null(lane);
        lane_unload(lane);
        lane_unlock(lane);
    }
    assert_int_equal(ask_for_proof(&s), ERROR_NOT_READY);
    for (unsigned i = 0; i < 60000 && status == ERROR_NOT_READY; i++) {
        usleep(1000);
        status = ask_for_proof(&s);
    }
    assert_int_equal(status, OK);
    scene_close(&s);
}

int bounds_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_became_of_a_transaction_is_told_for_so_many_batches),
        cmocka_unit_test(what_was_dropped_long_ago_is_forgotten),
        cmocka_unit_test(a_proof_does_not_wait_for_a_lane_at_work),
        cmocka_unit_test(a_large_state_is_read_by_a_worker_before_it_proves),
    };

    return cmocka_run_group_tests_name("rollup bounds", tests, NULL, NULL);
}
