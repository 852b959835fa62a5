/* A frozen rollup that goes on: what left it is not inside any more, whatever is frozen or taken back in
 * between, and what was shown of an earlier time counts no more. */
#include "node_support.h"
#include "../sanitized.h"

#include <unistd.h>

#define UNFREEZE (605 * SECOND) /* 7 d / 1000 */
#define ESCAPE (610 * SECOND)
#define FINAL (1000 * SECOND)   /* window and air gap */

static void sequence(struct scene *s, bool enabled)
{
    struct reply reply = fixture_call(&s->f, "rollup.sequencer",
                                      fixture_json("{'domain':%" PRIu64 ",'enabled':%s,'batch_time':'10s'}",
                                                   s->domain, enabled ? "true" : "false"));

    assert_int_equal(reply.status, OK);
    reply_close(&reply);
}

/* Until there is a batch with this number, which may come by itself or needs some time to pass. */
static void reach(struct scene *s, int64_t number)
{
    char sql[96];

    snprintf(sql, sizeof(sql), "SELECT head >= %" PRId64 " FROM rollup WHERE domain = ?1", number);
    for (int i = 0; i < 20 && number_of(s, sql) == 0; i++) {
        fixture_advance(&s->f, 6 * SECOND);
        for (int wait = 0; wait < 200 << (i < 5 ? i : 5) && number_of(s, sql) == 0; wait++)
            usleep(1000);
    }
    wait_until(s, sql, 1);
    settle(s);
}

/* A batch of what waits, by a sequencer that stood still: it may not wait for anything. */
static void resume(struct scene *s)
{
    int64_t head = number_of(s, "SELECT head FROM rollup WHERE domain = ?1");

    sequence(s, true);
    reach(s, head + 1);
}

/* What rollup.exit_frozen takes; the caller's. */
static json_t *exit_of(struct scene *s, const char *who)
{
    json_t *answer AUTO_JSON = exit_proof_of(s, who);

    return fixture_json("{'domain':%" PRIu64 ",'account':%" PRId64
                        ",'asset':'DEV','leaf':'%s','proof':'%s','epoch':%" PRId64 "}", s->domain,
                        (int64_t)json_integer_value(json_object_get(answer, "account")),
                        json_string_value(json_object_get(answer, "leaf")),
                        json_string_value(json_object_get(answer, "proof")),
                        (int64_t)json_integer_value(json_object_get(answer, "epoch")));
}

static enum status try_exit(struct scene *s, const char *who)
{
    return fixture_try(&s->f, "carol", "rollup.exit_frozen", exit_of(s, who), NULL);
}

static void freeze(struct scene *s)
{
    struct lane *lane;

    sequence(s, false);
    lane = lane_lock(s->f.kernel, s->domain); /* nothing is on its way into a batch */
    assert_non_null(lane);
    lane_unlock(lane);
    if (number_of(s, "SELECT count(*) FROM inbox WHERE domain = ?1 AND state = 'queued'") == 0)
        deposit(s, "carol", 7);
    pass(s, ESCAPE);
    fixture_run(&s->f, "carol", "rollup.escape", "{'domain':%" PRIu64 "}", s->domain);
    wait_until(s, "SELECT count(*) FROM inbox WHERE domain = ?1 AND state = 'queued' AND lasting = 0", 0);
    settle(s);
    fixture_audit(&s->f);
}

static void announce(struct scene *s)
{
    json_t *done = own_do(s, "rollup.unfreeze", "{'domain':%" PRIu64 "}", s->domain);

    json_release(&done);
}

static void unfreeze(struct scene *s)
{
    announce(s);
    pass(s, UNFREEZE);
    wait_until(s, "SELECT frozen FROM rollup WHERE domain = ?1", 0);
    fixture_audit(&s->f);
}

/* alice has 1000 inside and bob 500, finally. */
static void begin(struct scene *s)
{
    scene_open(s);
    deposit(s, "alice", 1000);
    deposit(s, "bob", 500);
    make_batch(s);
    pass(s, FINAL);
    assert_int_equal(number_of(s, "SELECT final FROM rollup WHERE domain = ?1"), 1);
}

static int64_t epoch(struct scene *s)
{
    return number_of(s, "SELECT epoch FROM rollup WHERE domain = ?1");
}

/* --- who, and when ------------------------------------------------------------------------------ */
static void it_goes_on_when_its_operator_says_so_and_a_while_later(void **state)
{
    struct scene s;
    int64_t alice;

    (void)state;
    begin(&s);
    own_refused(&s, ERROR_ROLLUP_NOT_FROZEN, "rollup.unfreeze", "{'domain':%" PRIu64 "}", s.domain);
    freeze(&s);
    fixture_refused(&s.f, ERROR_NOT_THE_OPERATOR, "alice", "rollup.unfreeze", "{'domain':%" PRIu64 "}",
                    s.domain);
    own_refused(&s, ERROR_ROLLUP_NOT_FOUND, "rollup.unfreeze", "{'domain':%" PRIu64 "}", s.domain + 1);
    own_refused(&s, ERROR_NOT_UNFREEZING, "rollup.unfreeze", "{'domain':%" PRIu64 ",'withdraw':true}",
                s.domain);
    announce(&s);
    fixture_audit(&s.f);
    own_refused(&s, ERROR_UNFREEZING, "rollup.unfreeze", "{'domain':%" PRIu64 "}", s.domain);
    pass(&s, 600 * SECOND);
    assert_int_equal(epoch(&s), 0);
    alice = base_balance(&s, "alice");
    assert_int_equal(try_exit(&s, "alice"), OK); /* until the last moment */
    assert_int_equal(base_balance(&s, "alice"), alice + 1000);
    fixture_refused(&s.f, ERROR_ROLLUP_FROZEN, "alice", "rollup.deposit",
                    "{'domain':%" PRIu64 ",'asset':'DEV','amount':1}", s.domain);
    pass(&s, 5 * SECOND);
    assert_int_equal(epoch(&s), 1);
    assert_int_equal(number_of(&s, "SELECT frozen FROM rollup WHERE domain = ?1"), 0);
    assert_int_equal(number_of(&s, "SELECT count(*) FROM event WHERE type = 'rollup.unfrozen' AND"
                                   " json_extract(body, '$.before') = 0 AND"
                                   " json_extract(body, '$.epoch') = 1"), 1);
    fixture_audit(&s.f);
    scene_close(&s);
}

static void an_announcement_is_taken_back(void **state)
{
    struct scene s;
    json_t *done;

    (void)state;
    begin(&s);
    freeze(&s);
    announce(&s);
    pass(&s, 300 * SECOND);
    done = own_do(&s, "rollup.unfreeze", "{'domain':%" PRIu64 ",'withdraw':true}", s.domain);
    json_release(&done);
    fixture_audit(&s.f);
    pass(&s, 400 * SECOND);
    assert_int_equal(number_of(&s, "SELECT frozen FROM rollup WHERE domain = ?1"), 1);
    assert_int_equal(try_exit(&s, "alice"), OK);
    announce(&s); /* its time begins anew */
    pass(&s, 590 * SECOND);
    assert_int_equal(epoch(&s), 0);
    pass(&s, 20 * SECOND);
    assert_int_equal(epoch(&s), 1);
    scene_close(&s);
}

/* A second batch that reaches to this item alone, and not to the exits behind it. */
static void leave_out_exits(struct scene *s, unsigned inbox_to)
{
    char *parent AUTO_FREE = fixture_sql_text(&s->f, "SELECT lower(hex(id)) FROM batch WHERE number = 1"
                                                     " AND state = 3");

    own_refused(s, ERROR_EXITS_OMITTED, "rollup.propose",
                "{'domain':%" PRIu64 ",'number':2,'parent':'%s','root':'%064d','withdrawal_root':'%064d',"
                "'withdrawals':0,'inbox_to':%u}", s->domain, parent, 0, 0, inbox_to);
}

/* As an older version left it behind: nothing would take from the accounts what left. */
static void without_the_items_of_its_exits_it_stays_frozen(void **state)
{
    struct scene s;

    (void)state;
    begin(&s);
    freeze(&s);
    assert_int_equal(try_exit(&s, "alice"), OK);
    fixture_tamper(&s.f, "UPDATE rollup_exit SET item = NULL");
    own_refused(&s, ERROR_FROZEN_FOR_GOOD, "rollup.unfreeze", "{'domain':%" PRIu64 "}", s.domain);
    assert_int_equal(try_exit(&s, "alice"), ERROR_EXITED_BEFORE);
    fixture_tamper(&s.f, "UPDATE rollup_exit SET item = (SELECT number FROM inbox WHERE lasting = 1)");
    announce(&s);
    scene_close(&s);
}

/* --- what left ---------------------------------------------------------------------------------- */
static void what_left_is_not_inside_any_more(void **state)
{
    struct scene s;
    int64_t base;

    (void)state;
    begin(&s);
    transfer(&s, "alice", "bob", 100); /* waits for the sequencer all the time */
    freeze(&s);
    assert_int_equal(try_exit(&s, "alice"), OK);
    unfreeze(&s);
    assert_int_equal(inside(&s, "alice"), 1000); /* until a batch takes it in */
    leave_out_exits(&s, 2);
    resume(&s);
    assert_int_equal(inside(&s, "alice"), 0);
    assert_int_equal(inside(&s, "bob"), 500);
    assert_int_equal(number_of(&s, "SELECT count(*) FROM event WHERE type = 'rollup.dropped' AND"
                                   " json_extract(body, '$.fault') = 'insufficient_balance'"), 1);
    fixture_audit(&s.f);
    check_rebuild(&s);
    base = base_balance(&s, "bob");
    deposit(&s, "alice", 40);
    withdraw(&s, "bob", 500);
    make_batch(&s);
    assert_int_equal(inside(&s, "alice"), 40);
    pass(&s, FINAL);
    fixture_audit(&s.f);
    assert_int_equal(base_balance(&s, "bob"), base);
    assert_int_equal(number_of(&s, "SELECT count(*) FROM rollup_withdrawal WHERE domain = ?1"), 1);
    scene_close(&s);
}

static void deposits_that_went_back_are_passed_over(void **state)
{
    struct scene s;
    int64_t alice;

    (void)state;
    begin(&s);
    sequence(&s, false);
    alice = base_balance(&s, "alice");
    deposit(&s, "alice", 300);
    fixture_run(&s.f, "bob", "rollup.exit", "{'domain':%" PRIu64 ",'asset':'DEV'}", s.domain);
    freeze(&s);
    assert_int_equal(base_balance(&s, "alice"), alice);
    unfreeze(&s);
    deposit(&s, "alice", 5);
    resume(&s);
    assert_int_equal(inside(&s, "alice"), 1005);
    assert_int_equal(inside(&s, "bob"), 500); /* he had time to leave; his exit ended with the rest */
    assert_int_equal(number_of(&s, "SELECT count(*) FROM inbox WHERE domain = ?1 AND state IN"
                                   " ('refunded', 'dropped')"), 2);
    pass(&s, FINAL);
    assert_int_equal(number_of(&s, "SELECT final FROM rollup WHERE domain = ?1"), 2);
    assert_int_equal(number_of(&s, "SELECT count(*) FROM inbox WHERE domain = ?1 AND state IN"
                                   " ('refunded', 'dropped')"), 2);
    scene_close(&s);
}

/* --- frozen again ------------------------------------------------------------------------------- */
static void nobody_leaves_twice_with_the_same_however_often_it_is_frozen(void **state)
{
    struct scene s;
    json_t *stale;

    (void)state;
    begin(&s);
    freeze(&s);
    stale = exit_of(&s, "alice");
    assert_int_equal(try_exit(&s, "alice"), OK);
    unfreeze(&s);
    assert_int_equal(fixture_try(&s.f, "carol", "rollup.exit_frozen", json_incref(stale), NULL),
                     ERROR_ROLLUP_NOT_FROZEN);
    freeze(&s); /* before any batch: her exit waits, and is what it is frozen for */
    assert_int_equal(fixture_try(&s.f, "carol", "rollup.exit_frozen", json_incref(stale), NULL),
                     ERROR_STALE_EPOCH);
    assert_int_equal(try_exit(&s, "alice"), ERROR_EXITED_BEFORE);
    assert_int_equal(try_exit(&s, "bob"), OK);
    unfreeze(&s);
    resume(&s); /* takes both in */
    assert_int_equal(inside(&s, "alice"), 0);
    assert_int_equal(inside(&s, "bob"), 0);
    deposit(&s, "alice", 70);
    make_batch(&s);
    freeze(&s); /* neither is final */
    assert_int_equal(number_of(&s, "SELECT final FROM rollup WHERE domain = ?1"), 1);
    assert_int_equal(inside(&s, "alice"), 1000);
    assert_int_equal(try_exit(&s, "alice"), ERROR_EXITED_BEFORE);
    assert_int_equal(try_exit(&s, "bob"), ERROR_EXITED_BEFORE);
    unfreeze(&s);
    assert_int_equal(epoch(&s), 3);
    deposit(&s, "alice", 90);
    resume(&s);
    assert_int_equal(inside(&s, "alice"), 90);
    pass(&s, FINAL); /* now they are gone for good, and what came since is another's business */
    freeze(&s);
    assert_int_equal(try_exit(&s, "alice"), OK);
    assert_int_equal(try_exit(&s, "bob"), ERROR_INSUFFICIENT_BALANCE);
    assert_int_equal(number_of(&s, "SELECT sum(amount) FROM rollup_exit WHERE domain = ?1"), 1590);
    json_release(&stale);
    scene_close(&s);
}

static void a_rejected_batch_gives_the_exits_back(void **state)
{
    struct scene s;
    char *batch;

    (void)state;
    begin(&s);
    freeze(&s);
    assert_int_equal(try_exit(&s, "alice"), OK);
    unfreeze(&s);
    resume(&s);
    transfer(&s, "bob", "alice", 50);
    make_batch(&s);
    assert_int_equal(inside(&s, "alice"), 50);
    batch = fixture_sql_text(&s.f, "SELECT lower(hex(id)) FROM batch WHERE number = 2 AND state = 0");
    sequence(&s, false);
    fixture_run(&s.f, "carol", "test.reject", "{'batch':'%s'}", batch);
    settle(&s);
    fixture_audit(&s.f);
    assert_int_equal(inside(&s, "alice"), 1000);
    pass(&s, JAIL);
    leave_out_exits(&s, 3); /* neither overdue, nor to be left out: what ended before it alone is */
    resume(&s);
    assert_int_equal(inside(&s, "alice"), 50);
    free(batch);
    scene_close(&s);
}

/* --- robbers ------------------------------------------------------------------------------------ */
/* Who comes too late with his exit has it inside still, and gets out by way of the inbox. */
static void an_exit_that_comes_too_late_loses_nothing(void **state)
{
    struct scene s;
    json_t *late;
    int64_t bob;

    (void)state;
    begin(&s);
    freeze(&s);
    late = exit_of(&s, "bob");
    unfreeze(&s);
    bob = base_balance(&s, "bob");
    assert_int_equal(fixture_try(&s.f, "bob", "rollup.exit_frozen", late, NULL), ERROR_ROLLUP_NOT_FROZEN);
    assert_int_equal(base_balance(&s, "bob"), bob);
    fixture_run(&s.f, "bob", "rollup.exit", "{'domain':%" PRIu64 ",'asset':'DEV'}", s.domain);
    fixture_refused(&s.f, ERROR_INBOX_IN_TIME, "carol", "rollup.escape", "{'domain':%" PRIu64 "}", s.domain);
    pass(&s, ESCAPE);
    fixture_run(&s.f, "carol", "rollup.escape", "{'domain':%" PRIu64 "}", s.domain);
    settle(&s);
    assert_int_equal(try_exit(&s, "bob"), OK);
    assert_int_equal(base_balance(&s, "bob"), bob + 500);
    scene_close(&s);
}

/* Exits that wait for their first batch are no reason to freeze at once, however long ago they were. */
static void old_exits_freeze_nothing_before_there_was_time_to_take_them_in(void **state)
{
    struct scene s;

    (void)state;
    begin(&s);
    freeze(&s);
    assert_int_equal(try_exit(&s, "alice"), OK);
    pass(&s, 700 * SECOND);
    unfreeze(&s);
    fixture_refused(&s.f, ERROR_INBOX_IN_TIME, "carol", "rollup.escape", "{'domain':%" PRIu64 "}", s.domain);
    pass(&s, 590 * SECOND);
    fixture_refused(&s.f, ERROR_INBOX_IN_TIME, "carol", "rollup.escape", "{'domain':%" PRIu64 "}", s.domain);
    pass(&s, 20 * SECOND);
    fixture_run(&s.f, "carol", "rollup.escape", "{'domain':%" PRIu64 "}", s.domain);
    scene_close(&s);
}

/* A jailed operator does not un-freeze before it may propose: else nobody could serve what waits. */
static void a_jail_is_over_before_it_goes_on(void **state)
{
    struct scene s;
    int64_t jailed;
    char *batch;

    (void)state;
    scene_open(&s);
    {
        json_t *made = own_do(&s, "rollup.create",
                              "{'assets':[{'asset':'DEV'}],'bond':%d,'unfreeze_after':'1h',"
                              "'forced':'1h','escape':'2d','jail':'1d'}", BOND);

        s.domain = (uint64_t)json_integer_value(json_object_get(made, "domain"));
        json_release(&made);
    }
    deposit(&s, "alice", 100);
    pass(&s, 172 * SECOND); /* of 172.8 until it can be frozen */
    own_refused(&s, ERROR_INBOX_IN_TIME, "rollup.escape", "{'domain':%" PRIu64 "}", s.domain);
    {
        json_t *made = own_do(&s, "rollup.propose",
                              "{'domain':%" PRIu64 ",'number':1,'root':'%064d','withdrawal_root':'%064d',"
                              "'withdrawals':0,'inbox_to':1}", s.domain, 0, 0);

        batch = text_copy(json_string_value(json_object_get(made, "batch")));
        json_release(&made);
    }
    fixture_run(&s.f, "carol", "test.reject", "{'batch':'%s'}", batch);
    pass(&s, 80 * SECOND);
    fixture_refused(&s.f, ERROR_INBOX_IN_TIME, "carol", "rollup.escape", "{'domain':%" PRIu64 "}", s.domain);
    pass(&s, 12 * SECOND); /* the jail and an hour */
    fixture_run(&s.f, "carol", "rollup.escape", "{'domain':%" PRIu64 "}", s.domain);
    jailed = number_of(&s, "SELECT jailed_until_us FROM rollup WHERE domain = ?1");
    announce(&s);
    assert_true(number_of(&s, "SELECT unfreeze_at_us FROM rollup WHERE domain = ?1") >= jailed);
    pass(&s, 4 * SECOND);
    assert_int_equal(epoch(&s), 1);
    free(batch);
    scene_close(&s);
}

/* --- withdrawals that are final ------------------------------------------------------------------- */
static enum status claim(struct scene *s, unsigned number)
{
    json_t *w AUTO_JSON = fixture_query(&s->f, "rollup.withdrawal", "{'domain':%" PRIu64 ",'number':%u}",
                                        s->domain, number);

    return fixture_try(&s->f, "carol", "message.claim",
                       fixture_json("{'domain':%" PRIu64 ",'number':%u,'asset':0,'amount':%" PRId64
                                    ",'recipient':'%s','proof':'%s','count':%" PRId64 "}", s->domain, number,
                                    (int64_t)json_integer_value(json_object_get(w, "amount")),
                                    json_string_value(json_object_get(w, "recipient")),
                                    json_string_value(json_object_get(w, "proof")),
                                    (int64_t)json_integer_value(json_object_get(w, "count"))), NULL);
}

static void final_withdrawals_are_claimed_once_whatever_becomes_of_the_rollup(void **state)
{
    struct scene s;
    int64_t alice;

    (void)state;
    begin(&s);
    for (int i = 0; i < 3; i++)
        withdraw(&s, "alice", 100);
    make_batch(&s);
    pass(&s, FINAL);
    withdraw(&s, "alice", 100);
    make_batch(&s); /* is not final */
    alice = base_balance(&s, "alice");
    freeze(&s);
    assert_int_equal(claim(&s, 0), OK);
    assert_int_equal(try_exit(&s, "alice"), OK); /* all that is left: 700 */
    assert_int_equal(base_balance(&s, "alice"), alice + 800);
    announce(&s);
    assert_int_equal(claim(&s, 1), OK);
    pass(&s, UNFREEZE);
    assert_int_equal(claim(&s, 0), ERROR_ALREADY_CLAIMED);
    assert_int_equal(claim(&s, 2), OK);
    resume(&s);
    pass(&s, FINAL);
    for (unsigned number = 0; number < 3; number++)
        assert_int_equal(claim(&s, number), ERROR_ALREADY_CLAIMED);
    assert_int_equal(number_of(&s, "SELECT count(*) FROM rollup_withdrawal WHERE domain = ?1"), 3);
    assert_int_equal(base_balance(&s, "alice"), alice + 1000);
    assert_int_equal(inside(&s, "alice"), 0);
    scene_close(&s);
}

/* A freeze in the midst of a dispute leaves nothing of it behind. */
static void a_batch_that_was_challenged_is_made_anew(void **state)
{
    struct scene s;
    char *batch;

    (void)state;
    begin(&s);
    transfer(&s, "alice", "bob", 30);
    make_batch(&s);
    batch = fixture_sql_text(&s.f, "SELECT lower(hex(id)) FROM batch WHERE number = 2");
    fixture_run(&s.f, "carol", "test.challenge", "{'batch':'%s'}", batch);
    freeze(&s);
    assert_int_equal(inside(&s, "bob"), 500);
    unfreeze(&s);
    fixture_refused(&s.f, ERROR_BATCH_NOT_OPEN, "carol", "test.reject", "{'batch':'%s'}", batch);
    resume(&s);
    assert_int_equal(inside(&s, "bob"), 530);
    pass(&s, FINAL);
    assert_int_equal(number_of(&s, "SELECT final FROM rollup WHERE domain = ?1"), 2);
    free(batch);
    scene_close(&s);
}

/* However short the operator made the delay. */
static void it_does_not_go_on_before_all_deposits_are_back(void **state)
{
    const int deposits = SANITIZED ? 600 : 900; /* pieces of 256 go back */
    struct scene s;
    json_t *made;
    int64_t bob;

    (void)state;
    scene_open(&s);
    made = own_do(&s, "rollup.create", "{'assets':[{'asset':'DEV'}],'bond':%d,'unfreeze_after':'1ms'}", BOND);
    s.domain = (uint64_t)json_integer_value(json_object_get(made, "domain"));
    json_release(&made);
    bob = base_balance(&s, "bob");
    for (int i = 0; i < deposits; i++)
        deposit(&s, "bob", 1);
    pass(&s, ESCAPE);
    fixture_run(&s.f, "carol", "rollup.escape", "{'domain':%" PRIu64 "}", s.domain);
    announce(&s);
    for (int i = 0; i < 100 && epoch(&s) == 0; i++) {
        assert_int_equal(number_of(&s, "SELECT frozen FROM rollup WHERE domain = ?1"), 1);
        fixture_advance(&s.f, 10);
    }
    assert_int_equal(epoch(&s), 1);
    assert_int_equal(number_of(&s, "SELECT count(*) FROM inbox WHERE domain = ?1 AND state = 'refunded'"),
                     deposits);
    assert_int_equal(base_balance(&s, "bob"), bob);
    deposit(&s, "bob", 5);
    resume(&s);
    assert_int_equal(inside(&s, "bob"), 5);
    scene_close(&s);
}

/* An operator who was jailed for a wrong batch, and goes on honestly as soon as he may, keeps his rollup. */
static void a_jail_alone_freezes_nothing(void **state)
{
    struct scene s;
    char *batch;

    (void)state;
    begin(&s);
    sequence(&s, false);
    deposit(&s, "alice", 50);
    pass(&s, 80 * SECOND); /* it is nearly overdue when the batch comes, and long so when that falls */
    resume(&s);
    batch = fixture_sql_text(&s.f, "SELECT lower(hex(id)) FROM batch WHERE number = 2");
    fixture_run(&s.f, "carol", "test.challenge", "{'batch':'%s'}", batch);
    pass(&s, 700 * SECOND);
    fixture_run(&s.f, "carol", "test.reject", "{'batch':'%s'}", batch);
    for (int i = 0; i < 5; i++) {
        fixture_refused(&s.f, ERROR_INBOX_IN_TIME, "carol", "rollup.escape", "{'domain':%" PRIu64 "}",
                        s.domain);
        pass(&s, 50 * SECOND);
    }
    fixture_refused(&s.f, ERROR_INBOX_IN_TIME, "carol", "rollup.escape", "{'domain':%" PRIu64 "}", s.domain);
    pass(&s, 12 * SECOND); /* the jail is over, and there is time left to make a batch */
    fixture_refused(&s.f, ERROR_INBOX_IN_TIME, "carol", "rollup.escape", "{'domain':%" PRIu64 "}", s.domain);
    reach(&s, 2);
    assert_int_equal(inside(&s, "alice"), 1050);
    fixture_refused(&s.f, ERROR_INBOX_IN_TIME, "carol", "rollup.escape", "{'domain':%" PRIu64 "}", s.domain);
    assert_int_equal(number_of(&s, "SELECT count(*) FROM event WHERE type = 'rollup.overdue'"), 0);
    free(batch);
    scene_close(&s);
}

/* --- the node ----------------------------------------------------------------------------------- */
static void go_on(struct scene *s, void (*between)(struct scene *s))
{
    transfer(s, "bob", "alice", 1);
    make_batch(s);
    between(s);
    freeze(s);
    between(s);
    assert_int_equal(try_exit(s, "alice"), OK);
    between(s);
    announce(s);
    between(s);
    pass(s, UNFREEZE);
    between(s);
    wait_until(s, "SELECT frozen FROM rollup WHERE domain = ?1", 0);
    resume(s); /* what waited, too */
    between(s);
    assert_int_equal(inside(s, "alice"), 1);
    assert_int_equal(inside(s, "bob"), 499);
    pass(s, FINAL);
    between(s);
    assert_int_equal(number_of(s, "SELECT final FROM rollup WHERE domain = ?1"), 2);
}

static void the_node_follows_and_sequences_across_restarts_in_each_state(void **state)
{
    struct scene s;

    (void)state;
    begin(&s);
    go_on(&s, scene_restart);
    scene_close(&s);
}

static void the_same_when_the_power_goes(void **state)
{
    struct scene s;

    (void)state;
    begin(&s);
    go_on(&s, scene_crash);
    scene_close(&s);
}

/* --- random histories --------------------------------------------------------------------------- */
#define STEPS (SANITIZED ? 80 : 240)

static uint64_t roll(uint64_t *seed, uint64_t below)
{
    *seed ^= *seed >> 12;
    *seed ^= *seed << 25;
    *seed ^= *seed >> 27;
    return (*seed * UINT64_C(0x2545f4914f6cdd1d) >> 11) % below;
}

struct history {
    struct scene s;
    uint64_t seed;
    bool frozen;
    unsigned frozen_times, exits, rejections;
};

static const char *somebody(struct history *h)
{
    static const char *const people[] = { "alice", "bob", "carol" };

    return people[roll(&h->seed, 3)];
}

static void step_frozen(struct history *h)
{
    struct scene *s = &h->s;
    enum status status;

    switch (roll(&h->seed, 6)) {
    case 0:
        unfreeze(s);
        h->frozen = false;
        sequence(s, roll(&h->seed, 4) > 0);
        break;
    case 1:
        scene_restart(s);
        break;
    default: {
        const char *who = somebody(h);

        if (inside(s, who) < 0)
            break;
        status = try_exit(s, who);
        assert_true(status == OK || status == ERROR_EXITED_BEFORE || status == ERROR_INSUFFICIENT_BALANCE);
        h->exits += status == OK;
    }
    }
}

static void step_open(struct history *h)
{
    struct scene *s = &h->s;
    char *id;

    switch (roll(&h->seed, 9)) {
    case 0:
        freeze(s);
        h->frozen = true;
        h->frozen_times++;
        break;
    case 1:
        id = fixture_sql_text(&s->f, "SELECT lower(hex(id)) FROM batch WHERE state = 0 ORDER BY number"
                                       " LIMIT 1");
        if (id != NULL) {
            fixture_run(&s->f, "carol", "test.void", "{'batch':'%s'}", id);
            h->rejections++;
        }
        free(id);
        break;
    case 2:
        pass(s, FINAL / 2);
        break;
    case 3:
        fixture_run(&s->f, somebody(h), "rollup.exit",
                    "{'domain':%" PRIu64 ",'asset':'DEV','amount':%" PRIu64 "}", s->domain,
                    1 + roll(&h->seed, 60));
        break;
    case 4:
    case 5:
        sequence(s, true);
        settle(s);
        pass(s, 25 * SECOND);
        break;
    default:
        deposit(s, somebody(h), 1 + roll(&h->seed, 100));
        break;
    }
}

static void value_is_kept_whatever_is_frozen_goes_on_and_falls(void **state)
{
    const char *given = getenv("LAYERD_SEED");
    struct history h = { .seed = (uint64_t)clock_monotonic_us() | 1 };

    (void)state;
    if (given != NULL)
        h.seed = strtoull(given, NULL, 10);
    printf("un-freezing: LAYERD_SEED=%" PRIu64 "\n", h.seed);
    begin(&h.s);
    for (unsigned i = 0; i < STEPS; i++) {
        if (h.frozen)
            step_frozen(&h);
        else
            step_open(&h);
        fixture_audit(&h.s.f);
        settle(&h.s);
        fixture_audit(&h.s.f);
        check_rebuild(&h.s);
    }
    printf("un-freezing: frozen %u times, %u exits, %u batches fell\n", h.frozen_times, h.exits,
           h.rejections);
    scene_close(&h.s);
}

int unfreeze_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_goes_on_when_its_operator_says_so_and_a_while_later),
        cmocka_unit_test(an_announcement_is_taken_back),
        cmocka_unit_test(without_the_items_of_its_exits_it_stays_frozen),
        cmocka_unit_test(what_left_is_not_inside_any_more),
        cmocka_unit_test(deposits_that_went_back_are_passed_over),
        cmocka_unit_test(nobody_leaves_twice_with_the_same_however_often_it_is_frozen),
        cmocka_unit_test(a_rejected_batch_gives_the_exits_back),
        cmocka_unit_test(an_exit_that_comes_too_late_loses_nothing),
        cmocka_unit_test(old_exits_freeze_nothing_before_there_was_time_to_take_them_in),
        cmocka_unit_test(a_jail_is_over_before_it_goes_on),
        cmocka_unit_test(final_withdrawals_are_claimed_once_whatever_becomes_of_the_rollup),
        cmocka_unit_test(a_batch_that_was_challenged_is_made_anew),
        cmocka_unit_test(it_does_not_go_on_before_all_deposits_are_back),
        cmocka_unit_test(a_jail_alone_freezes_nothing),
        cmocka_unit_test(the_node_follows_and_sequences_across_restarts_in_each_state),
        cmocka_unit_test(the_same_when_the_power_goes),
        cmocka_unit_test(value_is_kept_whatever_is_frozen_goes_on_and_falls),
    };

    return cmocka_run_group_tests_name("rollup unfreeze", tests, NULL, NULL);
}
