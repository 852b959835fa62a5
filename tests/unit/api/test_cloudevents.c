/* Event lines read back, and in the other formats. */
#include "test_api.h"

#include <string.h>

#include "api/cloudevents.h"
#include "base/memory.h"
#include "store/event_log.h"

static void render(struct buffer *line, const char *subject, const char *body, bool last)
{
    struct event event = {
        .seq = 42, .block = 7, .time_us = 1700000000000001, .type = "ledger.transferred", .subject = subject,
        .body = bytes_of_text(body), .last = last,
    };
    memset(event.hash.bytes, 0xab, sizeof event.hash.bytes);
    event_line(&event, 3, line);
}

static void a_line_is_read_back_in_its_parts(void **state)
{
    (void)state;
    static const char *const bodies[] = { "{}", "{\"a\":\"}\\\",\\\"last\\\":true,\\\"hash\\\":\\\"\"}",
                                          "{\"last\":false}" };
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        for (int last = 0; last < 2; last++) {
            struct buffer CLEANUP(buffer_close) line = { 0 };
            struct line_parts parts;
            render(&line, i == 0 ? NULL : "a\"\\\x01/b", bodies[i], last);
            assert_true(line_parse((const char *)line.data, line.size, &parts));
            assert_int_equal(parts.seq, 42);
            assert_int_equal(parts.block, 7);
            assert_int_equal(parts.time_us, 1700000000000001);
            assert_int_equal(parts.version, 3);
            assert_int_equal(parts.last, last);
            assert_true(bytes_equal(parts.type, bytes_of_text("ledger.transferred")));
            assert_true(bytes_equal(parts.subject,
                                    i == 0 ? (struct bytes){ 0 } : bytes_of_text("a\\\"\\\\\\u0001/b")));
            assert_true(bytes_equal(parts.data, bytes_of_text(bodies[i])));
            assert_int_equal(parts.hash.size, 64);
        }
    }
}

static void a_line_cut_anywhere_is_refused(void **state)
{
    (void)state;
    struct buffer CLEANUP(buffer_close) line = { 0 };
    struct line_parts parts;
    render(&line, "a/b", "{\"x\":1}", true);
    for (size_t size = 0; size < line.size - 1; size++)
        assert_false(line_parse((const char *)line.data, size, &parts));
}

static void a_cloudevent_has_the_required_members_and_the_same_data(void **state)
{
    (void)state;
    struct buffer CLEANUP(buffer_close) line = { 0 }, out = { 0 };
    struct line_parts parts;
    struct error error;
    render(&line, "a\"b", "{\"amount\":5}", true);
    assert_true(line_parse((const char *)line.data, line.size, &parts));
    cloudevent_write(&out, &parts, "00ff");
    AUTO_JSON json_t *cloud = NULL;
    assert_int_equal(json_parse((const char *)out.data, out.size, &cloud, &error), OK);
    static const struct { const char *member, *value;
    } texts[] = {
        { "specversion", "1.0" },
        { "id", "42" },
        { "source", "/node/00ff" },
        { "type", "layerd.ledger.transferred.v3" },
        { "subject", "a\"b" },
        { "time", "2023-11-14T22:13:20.000001Z" },
        { "datacontenttype", "application/json" },
        { "sequence", "0000000000000042" },
        { "block", "7" },
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_string_equal(json_string_value(json_object_get(cloud, texts[i].member)), texts[i].value);
    assert_true(json_is_true(json_object_get(cloud, "last")));
    assert_int_equal(json_integer_value(json_object_get(json_object_get(cloud, "data"), "amount")), 5);
}

static void a_notice_has_number_and_type_alone(void **state)
{
    (void)state;
    struct buffer CLEANUP(buffer_close) line = { 0 }, out = { 0 };
    struct line_parts parts;
    render(&line, NULL, "{}", false);
    assert_true(line_parse((const char *)line.data, line.size, &parts));
    notice_write(&out, &parts);
    assert_string_equal(buffer_text(&out), "{\"seq\":42,\"type\":\"ledger.transferred\"}");
}

int cloudevents_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_read_back_in_its_parts),
        cmocka_unit_test(a_line_cut_anywhere_is_refused),
        cmocka_unit_test(a_cloudevent_has_the_required_members_and_the_same_data),
        cmocka_unit_test(a_notice_has_number_and_type_alone),
    };
    return cmocka_run_group_tests_name("cloudevents", tests, NULL, NULL);
}
