/* What cannot be proposed, submitted or made, each refused by name. */
#include "node_support.h"

#include <dirent.h>
#include <unistd.h>

#include "crypto/hash.h"
#include "layer2/rollup/data.h"

#define ZERO "0000000000000000000000000000000000000000000000000000000000000000"

/* A proposal of inbox items alone, right in form. */
static const char proposal[] = "{'domain':%" PRIu64 ",'number':%d,'parent':'%s','root':'" ZERO
                               "','withdrawal_root':'" ZERO "','withdrawals':0,'inbox_to':%d,'data':'%s'}";

static char *packed(struct bytes data)
{
    struct buffer out CLEANUP(buffer_close) = { 0 }, hex CLEANUP(buffer_close) = { 0 };

    data_deflate(data, &out);
    buffer_append_hex(&hex, out.data, out.size);
    return text_copy(buffer_text(&hex));
}

static void stop_sequencing(struct scene *s)
{
    struct reply reply = fixture_call(&s->f, "rollup.sequencer",
                                      fixture_json("{'domain':%" PRIu64 ",'enabled':false}", s->domain));

    assert_int_equal(reply.status, OK);
    reply_close(&reply);
}

static void what_is_wrong_with_a_proposal_is_named(void **state)
{
    char *garbage AUTO_FREE = packed(bytes_of("\xff\xff\xff", 3));
    struct scene s;
    json_t *made;

    (void)state;
    scene_open(&s);
    stop_sequencing(&s);
    deposit(&s, "alice", 100);
    deposit(&s, "bob", 100);
    fixture_refused(&s.f, ERROR_NOT_THE_OPERATOR, "alice", "rollup.propose", proposal, s.domain, 1, ZERO, 2,
                    "");
    fixture_refused(&s.f, ERROR_ROLLUP_NOT_FOUND, "alice", "rollup.propose", proposal, s.domain + 1, 1, ZERO,
                    2,
                    "");
    own_refused(&s, ERROR_WRONG_PARENT, "rollup.propose", proposal, s.domain, 2, ZERO, 2, "");
    own_refused(&s, ERROR_WRONG_PARENT, "rollup.propose", proposal, s.domain, 0, ZERO, 2, "");
    own_refused(&s, ERROR_WRONG_PARENT, "rollup.propose", proposal, s.domain, 1,
                "01" "00000000000000000000000000000000000000000000000000000000000000", 2, "");
    own_refused(&s, ERROR_WRONG_INBOX_RANGE, "rollup.propose", proposal, s.domain, 1, ZERO, 3, "");
    own_refused(&s, ERROR_EMPTY_BATCH, "rollup.propose", proposal, s.domain, 1, ZERO, 0, "");
    own_refused(&s, ERROR_MALFORMED_DATA, "rollup.propose", proposal, s.domain, 1, ZERO, 2, "00ff");
    own_refused(&s, ERROR_MALFORMED_ITEM, "rollup.propose", proposal, s.domain, 1, ZERO, 2, garbage);
    pass(&s, 50 * SECOND);
    made = own_do(&s, "rollup.propose", proposal, s.domain, 1, ZERO, 1, ""); /* its root is wrong */
    own_refused(&s, ERROR_WRONG_INBOX_RANGE, "rollup.propose", proposal, s.domain, 2,
                json_string_value(json_object_get(made, "batch")), 0, "");
    fixture_run(&s.f, "carol", "test.reject", "{'batch':'%s'}",
                json_string_value(json_object_get(made, "batch")));
    own_refused(&s, ERROR_OPERATOR_JAILED, "rollup.propose", proposal, s.domain, 1, ZERO, 2, "");
    pass(&s, 610 * SECOND);
    own_refused(&s, ERROR_OVERDUE_OMITTED, "rollup.propose", proposal, s.domain, 1, ZERO, 1, "");
    json_release(&made);
    scene_close(&s);
}

/* Who failed to defend a right batch may propose it anew; it is another one for games and bonds. */
static void the_same_batch_again_has_another_id(void **state)
{
    struct scene s;
    json_t *made, *again;

    (void)state;
    scene_open(&s);
    stop_sequencing(&s);
    deposit(&s, "alice", 100);
    made = own_do(&s, "rollup.propose", proposal, s.domain, 1, ZERO, 1, "");
    fixture_run(&s.f, "carol", "test.reject", "{'batch':'%s'}",
                json_string_value(json_object_get(made, "batch")));
    pass(&s, 610 * SECOND);
    again = own_do(&s, "rollup.propose", proposal, s.domain, 1, ZERO, 1, "");
    assert_string_not_equal(json_string_value(json_object_get(made, "batch")),
                            json_string_value(json_object_get(again, "batch")));
    fixture_refused(&s.f, ERROR_BATCH_NOT_OPEN, "carol", "test.reject", "{'batch':'%s'}",
                    json_string_value(json_object_get(made, "batch")));
    fixture_run(&s.f, "carol", "test.reject", "{'batch':'%s'}",
                json_string_value(json_object_get(again, "batch")));
    json_release(&made);
    json_release(&again);
    scene_close(&s);
}

/* Anybody can work out what comes next: who sends value to where its bond would lie stops nothing. */
static void nobody_takes_the_account_of_a_bond_beforehand(void **state)
{
    struct account_id account;
    struct hash batch;
    struct scene s;
    int sent = 0;
    char hex[65];
    json_t *made;

    (void)state;
    scene_open(&s);
    stop_sequencing(&s);
    for (int number = 1; number <= 64 && sent == 0; number++) { /* half of all hashes can be sent to */

        deposit(&s, "alice", 100);
        made = own_do(&s, "rollup.propose", proposal, s.domain, 1, ZERO, number, "");
        assert_true(hex_decode(batch.bytes, sizeof(batch.bytes),
                               json_string_value(json_object_get(made, "batch")), 64));
        fixture_run(&s.f, "carol", "test.reject", "{'batch':'%s'}",
                    json_string_value(json_object_get(made, "batch")));
        pass(&s, 610 * SECOND);
        tagged_hash(&batch, "layerd/rollup/again", batch.bytes, sizeof(batch.bytes));
        batch_bond_account(&account, &batch);
        hex_text(hex, account.bytes, sizeof(account.bytes));
        sent += fixture_try(&s.f, "bob", "ledger.transfer",
                            fixture_json("{'to':'%s','asset':'DEV','amount':1}", hex), NULL) == OK;
        json_release(&made);
        made = own_do(&s, "rollup.propose", proposal, s.domain, 1, ZERO, number, "");
        if (sent > 0)
            fixture_audit(&s.f); /* its bond lies elsewhere */
        fixture_run(&s.f, "carol", "test.reject", "{'batch':'%s'}",
                    json_string_value(json_object_get(made, "batch")));
        pass(&s, 610 * SECOND);
        json_release(&made);
    }
    assert_true(sent > 0);
    scene_close(&s);
}

static unsigned open_files(void)
{
    DIR *directory = opendir("/proc/self/fd");
    unsigned count = 0;

    assert_non_null(directory);
    while (readdir(directory) != NULL)
        count++;
    closedir(directory);
    return count;
}

/* Anybody makes as many as he likes: they take no files and no memory of this node's for good. */
static void many_rollups_take_few_files(void **state)
{
    unsigned before;
    struct scene s;

    (void)state;
    scene_open(&s);
    before = open_files();
    for (uint64_t i = 1; i <= 200; i++) {
        fixture_run(&s.f, "bob", "rollup.create", "{'assets':[{'asset':'DEV'}],'bond':1}");
        fixture_run(&s.f, "bob", "rollup.deposit", "{'domain':%" PRIu64 ",'asset':'DEV','amount':1}",
                    s.domain + i);
    }
    wait_until(&s, "SELECT count(*) FROM rollup_lane", 201);
    settle(&s);
    assert_in_range(open_files(), 1, before + 2 * 80);
    deposit(&s, "alice", 100);
    make_batch(&s);
    assert_int_equal(inside(&s, "alice"), 100);
    scene_close(&s);
}

static void no_batch_without_its_bond(void **state)
{
    struct scene s;
    json_t *moved;

    (void)state;
    scene_open(&s);
    stop_sequencing(&s);
    deposit(&s, "alice", 100);
    moved = own_do(&s, "ledger.transfer", "{'to':'%s','asset':'DEV','amount':%d}",
                   fixture_address(&s.f, "bob"), 50000 - BOND + 1);
    json_release(&moved);
    own_refused(&s, ERROR_MISSING_BOND, "rollup.propose", proposal, s.domain, 1, ZERO, 1, "");
    scene_close(&s);
}

static void a_node_without_the_bond_says_so_once_and_goes_on_later(void **state)
{
    struct account_id own;
    struct scene s;
    json_t *moved;
    char hex[65];

    (void)state;
    scene_open(&s);
    own = kernel_account(s.f.kernel);
    hex_text(hex, own.bytes, sizeof(own.bytes));
    moved = own_do(&s, "ledger.transfer", "{'to':'%s','asset':'DEV','amount':50000}",
                   fixture_address(&s.f, "bob"));
    json_release(&moved);
    deposit(&s, "alice", 100);
    for (int i = 0; i < 10; i++) {
        usleep(20000); /* so that its lane sees what the time is */
        pass(&s, 12 * SECOND);
    }
    wait_until(&s, "SELECT count(*) FROM event WHERE type = 'rollup.stalled'", 1);
    fixture_run(&s.f, "bob", "ledger.transfer", "{'to':'%s','asset':'DEV','amount':50000}", hex);
    pass(&s, 12 * SECOND);
    wait_until(&s, "SELECT head FROM rollup WHERE domain = ?1", 1);
    assert_int_equal(number_of(&s, "SELECT count(*) FROM event WHERE type = 'rollup.stalled'"), 1);
    scene_close(&s);
}

static void a_wrong_root_is_seen_and_nothing_is_built_on_it(void **state)
{
    struct scene s;
    json_t *made;

    (void)state;
    scene_open(&s);
    stop_sequencing(&s);
    deposit(&s, "alice", 100);
    made = own_do(&s, "rollup.propose", proposal, s.domain, 1, ZERO, 1, "");
    wait_until(&s, "SELECT count(*) FROM rollup_verdict WHERE is_right = 0", 1);
    assert_int_equal(inside(&s, "alice"), -1);
    assert_int_equal(number_of(&s, "SELECT number FROM rollup_lane WHERE domain = ?1"), 0);
    fixture_audit(&s.f);
    scene_restart(&s);
    fixture_run(&s.f, "carol", "test.reject", "{'batch':'%s'}",
                json_string_value(json_object_get(made, "batch")));
    json_release(&made);
    scene_close(&s);
}

/* Signed by nobody: published all the same, seen, and nothing is built on it. */
static void an_item_that_cannot_be_executed_is_seen(void **state)
{
    struct item item = { .kind = ITEM_TRANSFER, .from = 1, .nonce = 0, .output_count = 1,
                         .outputs = { { .to = 2, .amount = 5 } } };
    struct buffer bytes CLEANUP(buffer_close) = { 0 };
    struct scene s;
    json_t *made;
    char *data, *parent;

    (void)state;
    scene_open(&s);
    deposit(&s, "alice", 100);
    deposit(&s, "bob", 100);
    make_batch(&s);
    stop_sequencing(&s);
    rollup_transaction_encode(&item, &bytes);
    data = packed(buffer_bytes(&bytes));
    parent = fixture_sql_text(&s.f, "SELECT lower(hex(id)) FROM batch WHERE number = 1");
    made = own_do(&s, "rollup.propose", proposal, s.domain, 2, parent, 2, data);
    wait_until(&s, "SELECT count(*) FROM rollup_verdict WHERE invalid = 1 AND item = 0", 1);
    assert_int_equal(inside(&s, "bob"), 100);
    fixture_run(&s.f, "carol", "test.reject", "{'batch':'%s'}",
                json_string_value(json_object_get(made, "batch")));
    json_release(&made);
    free(data);
    free(parent);
    scene_close(&s);
}

static json_t *submission(struct scene *s, const struct item *given, const char *who)
{
    struct buffer bytes CLEANUP(buffer_close) = { 0 }, hex CLEANUP(buffer_close) = { 0 };
    struct item item = *given;

    transaction_digest(&item, &s->rollup);
    assert_true(schnorr_sign(fixture_key(&s->f, who)->secret, &item.digest, NULL, &item.signature));
    rollup_transaction_encode(&item, &bytes);
    buffer_append_hex(&hex, bytes.data, bytes.size);
    return fixture_json("{'domain':%" PRIu64 ",'transaction':'%s'}", s->domain, buffer_text(&hex));
}

static void submit_comes_to(struct scene *s, const struct item *item, const char *who, enum status expected)
{
    struct reply reply = fixture_call_public(&s->f, "rollup.submit", submission(s, item, who));

    if (reply.status != expected)
        fail_msg("%s instead of %s (%s)", status_name(reply.status), status_name(expected),
                 reply.status == OK ? "" : reply.error.message);
    reply_close(&reply);
}

static void what_is_wrong_with_a_transaction_is_named(void **state)
{
    struct item item = { .kind = ITEM_TRANSFER, .from = 1, .nonce = 0, .output_count = 1,
                         .outputs = { { .to = 2, .amount = 5 } } };
    struct scene s;

    (void)state;
    scene_open(&s);
    deposit(&s, "alice", 100);
    deposit(&s, "bob", 100);
    submit_comes_to(&s, &item, "alice", ERROR_NO_ROLLUP_ACCOUNT);
    make_batch(&s);
    submit_comes_to(&s, &item, "bob", ERROR_BAD_SIGNATURE);
    item.nonce = 1;
    submit_comes_to(&s, &item, "alice", ERROR_WRONG_NONCE);
    item.nonce = 0;
    submit_comes_to(&s, &item, "alice", OK);
    submit_comes_to(&s, &item, "alice", OK); /* the same again */
    item.outputs[0].amount = 6;
    submit_comes_to(&s, &item, "alice", ERROR_WRONG_NONCE);
    item.nonce = 1;
    submit_comes_to(&s, &item, "alice", OK);
    assert_int_equal(number_of(&s, "SELECT count(*) FROM rollup_pending WHERE domain = ?1"), 2);
    make_batch(&s);
    assert_int_equal(inside(&s, "bob"), 111);
    submit_comes_to(&s, &item, "alice", OK); /* still the same */
    assert_int_equal(number_of(&s, "SELECT count(*) FROM rollup_pending WHERE state = 0"), 0);
    item.from = 9;
    submit_comes_to(&s, &item, "alice", ERROR_NO_ROLLUP_ACCOUNT);
    scene_close(&s);
}

/* What nobody opens could never be claimed but as a credit: neither door lets it in. */
static void no_withdrawal_goes_to_what_no_key_opens(void **state)
{
    static const char *const nobodys = "0000000000000000000000000000000000000000000000000000000000000005";
    struct item item = { .kind = ITEM_WITHDRAWAL, .from = 1, .amount = 5 };
    struct scene s;
    struct account_id escrow;
    char *hex;

    (void)state;
    scene_open(&s);
    deposit(&s, "alice", 100);
    make_batch(&s);
    assert_true(hex_decode(item.recipient.bytes, sizeof(item.recipient.bytes), nobodys, 64));
    submit_comes_to(&s, &item, "alice", ERROR_BAD_KEY);
    assert_int_equal(fixture_try(&s.f, "bob", "rollup.force", submission(&s, &item, "alice"), NULL),
                     ERROR_BAD_KEY);
    fixture_refused(&s.f, ERROR_BAD_KEY, "alice", "rollup.exit",
                    "{'domain':%" PRIu64 ",'asset':'DEV','recipient':'%s'}", s.domain, nobodys);
    hex = fixture_sql_text(&s.f, "SELECT lower(hex(escrow)) FROM rollup");
    assert_true(hex_decode(escrow.bytes, sizeof(escrow.bytes), hex, 64));
    item.recipient = escrow;
    submit_comes_to(&s, &item, "alice", ERROR_NOT_A_RECIPIENT);
    assert_int_equal(fixture_try(&s.f, "bob", "rollup.force", submission(&s, &item, "alice"), NULL),
                     ERROR_NOT_A_RECIPIENT);
    item.recipient = fixture_key(&s.f, "bob")->account;
    submit_comes_to(&s, &item, "alice", OK);
    item.nonce++;
    assert_int_equal(fixture_try(&s.f, "bob", "rollup.force", submission(&s, &item, "alice"), NULL), OK);
    free(hex);
    scene_close(&s);
}

static void dust_is_not_taken_in(void **state)
{
    struct scene s;
    json_t *made, *got;

    (void)state;
    scene_open(&s);
    fixture_run(&s.f, "carol", "ledger.issue", "{'symbol':'GOLD','decimals':0,'amount':1000}");
    fixture_refused(&s.f, ERROR_INVALID_PARAMS, "alice", "rollup.create",
                    "{'assets':[{'asset':'DEV','deposit_min':0}],'bond':1}");
    made = own_do(&s, "rollup.create",
                  "{'assets':[{'asset':'DEV','deposit_min':50},{'asset':'GOLD'}],'bond':1}");
    s.domain = (uint64_t)json_integer_value(json_object_get(made, "domain"));
    fixture_refused(&s.f, ERROR_DEPOSIT_TOO_SMALL, "alice", "rollup.deposit",
                    "{'domain':%" PRIu64 ",'asset':'DEV','amount':49}", s.domain);
    deposit(&s, "alice", 50);
    fixture_run(&s.f, "carol", "rollup.deposit", "{'domain':%" PRIu64 ",'asset':'GOLD','amount':1}",
                s.domain);
    assert_int_equal(number_of(&s, "SELECT count(*) FROM inbox WHERE domain = ?1"), 2);
    got = fixture_query(&s.f, "rollup.get", "{'domain':%" PRIu64 "}", s.domain);
    assert_int_equal(json_integer_value(json_array_get(json_object_get(got, "deposit_min"), 0)), 50);
    assert_int_equal(json_integer_value(json_array_get(json_object_get(got, "deposit_min"), 1)), 1);
    json_release(&got);
    json_release(&made);
    scene_close(&s);
}

/* Windows of 30 days at most; a bond at the greatest depth, 16, of a hundred times the first at most:
 * (4/3)^16 = 99.77, and 1.334^16 = 100.57. */
static void nobody_is_held_for_too_long_or_too_dearly(struct scene *s)
{
    static const char *const windows[] = { "challenge", "clock", "extension", "step_extension", "air_gap",
                                           "payout_delay", "forced", "escape", "jail" };

    for (size_t i = 0; i < COUNT_OF(windows); i++)
        fixture_refused(&s->f, ERROR_INVALID_PARAMS, "alice", "rollup.create",
                        "{'assets':[{'asset':'DEV'}],'bond':1,'%s':%" PRId64 "}", windows[i],
                        30 * 24 * 3600 * SECOND + 1);
    fixture_refused(&s->f, ERROR_INVALID_PARAMS, "alice", "rollup.create",
                    "{'assets':[{'asset':'DEV'}],'bond':1000000,'bond_numerator':1334,"
                    "'bond_denominator':1000}");
    fixture_run(&s->f, "alice", "rollup.create",
                "{'assets':[{'asset':'DEV'}],'bond':1000000,'bond_numerator':4,'bond_denominator':3,"
                "'challenge':'30d','clock':'30d','extension':'15d','step_extension':'15d','air_gap':'30d',"
                "'payout_delay':'30d','forced':'15d','escape':'30d','jail':'14d'}");
}

static void a_rollup_needs_terms_that_can_be(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s);
    fixture_refused(&s.f, ERROR_ASSET_NOT_FOUND, "alice", "rollup.create",
                    "{'assets':[{'asset':'NONE'}],'bond':1}");
    fixture_refused(&s.f, ERROR_INVALID_PARAMS, "alice", "rollup.create",
                    "{'assets':[{'asset':'DEV'},{'asset':'DEV'}],'bond':1}");
    fixture_refused(&s.f, ERROR_INVALID_PARAMS, "alice", "rollup.create",
                    "{'assets':[{'asset':'DEV'}],'bond':1,'challenge':0}");
    fixture_refused(&s.f, ERROR_INVALID_PARAMS, "alice", "rollup.create",
                    "{'assets':[{'asset':'DEV'}],'bond':1,'forced':'2h','escape':'1h'}");
    fixture_refused(&s.f, ERROR_INVALID_PARAMS, "alice", "rollup.create",
                    "{'assets':[{'asset':'DEV'}],'bond':1,'burn_ppm':1000001}");
    fixture_refused(&s.f, ERROR_INVALID_PARAMS, "alice", "rollup.create",
                    "{'assets':[{'asset':'DEV'}],'bond':1,'unfreeze_after':0}");
    fixture_refused(&s.f, ERROR_INVALID_PARAMS, "alice", "rollup.create",
                    "{'assets':[{'asset':'DEV'}],'bond':1,'forced':'1h','escape':'9h','jail':'8h'}");
    fixture_run(&s.f, "alice", "rollup.create",
                "{'assets':[{'asset':'DEV'}],'bond':1,'forced':'1h','escape':'9h','jail':'7h'}");
    nobody_is_held_for_too_long_or_too_dearly(&s);
    fixture_refused(&s.f, ERROR_ROLLUP_NOT_FOUND, "alice", "rollup.deposit",
                    "{'domain':77,'asset':'DEV','amount':1}");
    fixture_refused(&s.f, ERROR_INSUFFICIENT_BALANCE, "alice", "rollup.deposit",
                    "{'domain':%" PRIu64 ",'asset':'DEV','amount':100000000}", s.domain);
    fixture_refused(&s.f, ERROR_BAD_KEY, "alice", "rollup.deposit",
                    "{'domain':%" PRIu64 ",'asset':'DEV','amount':1,'key':'"
                    "0000000000000000000000000000000000000000000000000000000000000005" "'}", s.domain);
    scene_close(&s);
}

int refusal_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_wrong_with_a_proposal_is_named),
        cmocka_unit_test(the_same_batch_again_has_another_id),
        cmocka_unit_test(nobody_takes_the_account_of_a_bond_beforehand),
        cmocka_unit_test(many_rollups_take_few_files),
        cmocka_unit_test(no_batch_without_its_bond),
        cmocka_unit_test(a_node_without_the_bond_says_so_once_and_goes_on_later),
        cmocka_unit_test(a_wrong_root_is_seen_and_nothing_is_built_on_it),
        cmocka_unit_test(an_item_that_cannot_be_executed_is_seen),
        cmocka_unit_test(what_is_wrong_with_a_transaction_is_named),
        cmocka_unit_test(no_withdrawal_goes_to_what_no_key_opens),
        cmocka_unit_test(dust_is_not_taken_in),
        cmocka_unit_test(a_rollup_needs_terms_that_can_be),
    };

    return cmocka_run_group_tests_name("rollup refusals", tests, NULL, NULL);
}
