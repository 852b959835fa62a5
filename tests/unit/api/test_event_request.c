/* What clients ask, read with every bound. */
#include "test_api.h"

#include <string.h>

#include "api/event_request.h"
#include "base/memory.h"

static enum status subscribe(const char *text, struct subscribe_request *request)
{
    AUTO_JSON json_t *params = quoted(text);
    struct error error = { 0 };
    enum status status = subscribe_request_read(params, request, &error);
    assert_true(status == OK || error.message[0] != '\0');
    return status;
}

static void a_bare_subscription_has_the_documented_defaults(void **state)
{
    (void)state;
    struct subscribe_request r;
    assert_int_equal(subscribe("{'from':'first'}", &r), OK);
    assert_int_equal(r.from.kind, POSITION_FIRST);
    assert_true(r.window == NO_WINDOW && r.until == 0 && r.filter == NULL && !r.manual_ack && !r.hash_given);
    assert_int_equal(r.format, FORMAT_NATIVE);
    assert_int_equal(r.slow, SLOW_REPLAY);
    assert_int_equal(r.heartbeat_us, 15000000);
}

static void every_member_is_read(void **state)
{
    (void)state;
    struct subscribe_request r;
    assert_int_equal(
        subscribe(
            "{'from':{'after':9},'until':20,'types':['ledger.*'],'subjects':['a'],'format':'cloudevents',"
            "'window':5,'on_slow':'skip','max_lag':7,'heartbeat_ms':100,'ack':'none','expect_hash':"
            "'00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF'}",
            &r),
        OK);
    assert_int_equal(r.from.kind, POSITION_AFTER);
    assert_true(r.from.after == 9 && r.until == 20 && r.window == 5 && r.max_lag == 7 && r.filter != NULL
                && r.hash_given);
    assert_int_equal(r.format, FORMAT_CLOUDEVENTS);
    assert_int_equal(r.slow, SLOW_SKIP);
    assert_int_equal(r.heartbeat_us, 100000);
    assert_int_equal(r.expect_hash.bytes[31], 0xff);
    subscribe_request_close(&r);
}

static void a_cursor_means_acknowledgements_unless_none_is_said(void **state)
{
    (void)state;
    struct subscribe_request r;
    AUTO_JSON json_t *plain = quoted("{'from':{'cursor':'c'}}");
    struct error error;
    assert_int_equal(subscribe_request_read(plain, &r, &error), OK);
    assert_true(r.manual_ack && r.from.kind == POSITION_CURSOR);
    assert_string_equal(r.from.cursor, "c");
    assert_int_equal(subscribe("{'from':{'cursor':'c'},'ack':'none'}", &r), OK);
    assert_false(r.manual_ack);
    assert_int_equal(subscribe("{'from':'now','ack':'manual'}", &r), ERROR_INVALID_PARAMS);
}

static void times_are_microseconds_or_iso(void **state)
{
    (void)state;
    struct subscribe_request r;
    assert_int_equal(subscribe("{'from':{'time':0}}", &r), OK);
    assert_int_equal(subscribe("{'from':{'time':'2023-11-14T22:13:20Z'}}", &r), OK);
    assert_true(r.from.kind == POSITION_TIME && r.from.time_us == 1700000000000000);
}

static void what_is_wrong_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "{}",
        "{'from':'last'}",
        "{'from':1}",
        "{'from':{}}",
        "{'from':{'after':1,'time':1}}",
        "{'from':{'after':-1}}",
        "{'from':{'after':9007199254740992}}",
        "{'from':{'after':1.0}}",
        "{'from':{'before':1}}",
        "{'from':{'time':-1}}",
        "{'from':{'time':'yesterday'}}",
        "{'from':{'cursor':''}}",
        "{'from':{'cursor':5}}",
        "{'from':'now','until':0}",
        "{'from':'now','window':0}",
        "{'from':'now','window':'9'}",
        "{'from':'now','format':'xml'}",
        "{'from':'now','on_slow':'wait'}",
        "{'from':'now','ack':true}",
        "{'from':'now','max_lag':0}",
        "{'from':'now','heartbeat_ms':99}",
        "{'from':'now','heartbeat_ms':86400001}",
        "{'from':'now','expect_hash':'00'}",
        "{'from':'now','expect_hash':5}",
        "{'from':'now','types':[]}",
        "{'from':'now','typos':['*']}",
    };
    struct subscribe_request r;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(subscribe(wrong[i], &r), ERROR_INVALID_PARAMS);
}

static enum status create(const char *text, struct cursor_create_request *request)
{
    AUTO_JSON json_t *params = quoted(text);
    struct error error = { 0 };
    return cursor_create_request_read(params, request, &error);
}

static void a_cursor_keeps_its_filter_in_canonical_form(void **state)
{
    (void)state;
    struct cursor_create_request r;
    assert_int_equal(
        create("{'name':'a','from':'now','filter':{'types':['ledger.*'],'subjects':['x*']},'max_lag':3}",
               &r),
        OK);
    assert_string_equal(buffer_text(&r.filter), "{\"subjects\":[\"x*\"],\"types\":[\"ledger.*\"]}");
    struct filter *filter;
    struct error error;
    assert_int_equal(cursor_filter_compile(buffer_text(&r.filter), &filter, &error), OK);
    assert_non_null(filter);
    filter_free(filter);
    cursor_create_request_close(&r);
}

static void a_bad_cursor_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "{'from':'now'}",
        "{'name':'a b','from':'now'}",
        "{'name':'','from':'now'}",
        "{'name':'a'}",
        "{'name':'a','from':{'cursor':'b'}}",
        "{'name':'a','from':'now','filter':[]}",
        "{'name':'a','from':'now','filter':{'type':['*']}}",
        "{'name':'a','from':'now','filter':{'types':['no.such']}}",
    };
    struct cursor_create_request r;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(create(wrong[i], &r), ERROR_INVALID_PARAMS);
}

int event_request_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bare_subscription_has_the_documented_defaults),
        cmocka_unit_test(every_member_is_read),
        cmocka_unit_test(a_cursor_means_acknowledgements_unless_none_is_said),
        cmocka_unit_test(times_are_microseconds_or_iso),
        cmocka_unit_test(what_is_wrong_is_refused),
        cmocka_unit_test(a_cursor_keeps_its_filter_in_canonical_form),
        cmocka_unit_test(a_bad_cursor_is_refused),
    };
    return cmocka_run_group_tests_name("event_request", tests, NULL, NULL);
}
