/* JSON-RPC 2.0: what is a request, what is none, and what the replies look like. */
#include "test_api.h"

#include <string.h>

#include "api/request.h"
#include "base/memory.h"

/* The status of parsing; the id to answer with must be `id`. */
static enum status parse(const char *text, const char *id, bool notification)
{
    AUTO_JSON json_t *value = quoted(text);
    struct request request;
    struct error error = { 0 };
    enum status status = request_parse(value, &request, &error);
    assert_int_equal(request.id_size, strlen(id));
    assert_memory_equal(request.id, id, strlen(id));
    assert_int_equal(request.notification, notification);
    assert_true(status == OK || error.message[0] != '\0');
    return status;
}

static void ids_are_echoed_as_they_are(void **state)
{
    (void)state;
    assert_int_equal(parse("{'jsonrpc':'2.0','id':1,'method':'x'}", "1", false), OK);
    assert_int_equal(
        parse("{'jsonrpc':'2.0','id':-9223372036854775808,'method':'x'}", "-9223372036854775808", false),
        OK);
    assert_int_equal(
        parse("{'jsonrpc':'2.0','id':'a\\n\\u20ac\\\"','method':'x'}", "\"a\\n\xe2\x82\xac\\\"\"", false),
        OK);
    assert_int_equal(parse("{'jsonrpc':'2.0','id':'','method':'x','params':{}}", "\"\"", false), OK);
    assert_int_equal(parse("{'jsonrpc':'2.0','id':null,'method':'x','params':[]}", "null", false), OK);
}

static void without_an_id_it_is_a_notification(void **state)
{
    (void)state;
    assert_int_equal(parse("{'jsonrpc':'2.0','method':'x'}", "null", true), OK);
    assert_int_equal(parse("{'jsonrpc':'2.0','method':'x','params':[1]}", "null", true),
                     ERROR_INVALID_PARAMS);
}

static void what_is_no_request_is_answered_with_the_id_that_was_readable(void **state)
{
    (void)state;
    static const char *const none[] = {
        "1",
        "'x'",
        "null",
        "[]",
        "{}",
        "{'jsonrpc':'2.0'}",
        "{'method':'x'}",
        "{'jsonrpc':'1.0','method':'x'}",
        "{'jsonrpc':2,'method':'x'}",
        "{'jsonrpc':'2.0','method':1}",
        "{'jsonrpc':'2.0','method':null}",
        "{'jsonrpc':'2.0','id':1.5,'method':'x'}",
        "{'jsonrpc':'2.0','id':[],'method':'x'}",
        "{'jsonrpc':'2.0','id':{},'method':'x'}",
        "{'jsonrpc':'2.0','id':true,'method':'x'}",
        "{'jsonrpc':'2.0','method':'x','params':1}",
        "{'jsonrpc':'2.0','method':'x','params':null}",
        "{'jsonrpc':'2.0','method':'x','parameters':{}}",
    };
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        assert_int_equal(parse(none[i], "null", false), ERROR_INVALID_REQUEST);
    assert_int_equal(parse("{'jsonrpc':'2.0','id':7}", "7", false), ERROR_INVALID_REQUEST);
    assert_int_equal(parse("{'id':7,'method':'x'}", "7", false), ERROR_INVALID_REQUEST);
    assert_int_equal(parse("{'jsonrpc':'2.0','id':7,'method':'x','params':[1]}", "7", false),
                     ERROR_INVALID_PARAMS);
}

static void an_id_has_a_bound(void **state)
{
    (void)state;
    for (int size = REQUEST_ID_MAX - 2; size <= REQUEST_ID_MAX - 1; size++) { /* and two quotes */
        char id[REQUEST_ID_MAX] = { 0 };
        memset(id, 'x', (size_t)size);
        char *AUTO_FREE text = text_format("{'jsonrpc':'2.0','id':'%s','method':'x'}", id);
        char *AUTO_FREE echoed = text_format("\"%s\"", id);
        bool fits = size == REQUEST_ID_MAX - 2;
        assert_int_equal(parse(text, fits ? echoed : "null", false), fits ? OK : ERROR_INVALID_REQUEST);
    }
}

static void replies_have_their_form(void **state)
{
    (void)state;
    struct buffer CLEANUP(buffer_close) out = { 0 };
    reply_result(&out, "1", 1, bytes_of_text("{\"a\":1}"));
    assert_string_equal(buffer_text(&out), "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"a\":1}}");
    buffer_clear(&out);
    reply_result(&out, "null", 4, (struct bytes){ 0 });
    assert_string_equal(buffer_text(&out), "{\"jsonrpc\":\"2.0\",\"id\":null,\"result\":{}}");
    buffer_clear(&out);

    struct error error;
    enum status status = error_set(&error, ERROR_BUSY, "say \"%s\"", "later\n");
    reply_error(&out, "\"x\"", 3, status, &error);
    AUTO_JSON json_t *reply = NULL;
    assert_int_equal(json_parse((const char *)out.data, out.size, &reply, &error), OK);
    const json_t *told = json_object_get(reply, "error");
    assert_int_equal(json_integer_value(json_object_get(told, "code")), 2001);
    assert_non_null(strstr(json_string_value(json_object_get(told, "message")), "say \"later"));
    assert_string_equal(json_string_value(json_object_get(json_object_get(told, "data"), "name")), "busy");
}

static void an_error_without_message_tells_what_its_code_means(void **state)
{
    (void)state;
    struct buffer CLEANUP(buffer_close) out = { 0 };
    reply_error(&out, "1", 1, ERROR_STOPPING, &(struct error){ 0 });
    assert_non_null(strstr(buffer_text(&out), "\"message\":\"The node is stopping"));
}

int request_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_are_echoed_as_they_are),
        cmocka_unit_test(without_an_id_it_is_a_notification),
        cmocka_unit_test(what_is_no_request_is_answered_with_the_id_that_was_readable),
        cmocka_unit_test(an_id_has_a_bound),
        cmocka_unit_test(replies_have_their_form),
        cmocka_unit_test(an_error_without_message_tells_what_its_code_means),
    };
    return cmocka_run_group_tests_name("request", tests, NULL, NULL);
}
