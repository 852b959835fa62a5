/* Lines of the event stream, and the hash that binds an event's text to the log. The two hashes were computed
 * apart from this code, with Python's hashlib from the formula in src/store/event_log.h. */
#include "test_client.h"

#define NODE_ID "00112233445566778899aabbccddeeff"
#define HASH_1 "64ed45bbc828f399538d697058bff71785aed3fc4612edcb27667baf90e0235d"
#define HASH_2 "0c3db5b12b03682dfe16b6d940d643399dc37edc0290ea18620fb3f6c7b4bc99"
#define LINE_1                                                                                               \
    "{\"seq\":1,\"block\":1,\"ts\":1795200000000000,\"type\":\"node.started\",\"v\":1,\"data\":{"            \
    "\"version\":\"0.1.0\","                                                                                 \
    "\"network\":\"dev\",\"height\":0,\"clean\":true},\"last\":true,\"hash\":\"" HASH_1 "\"}"
#define LINE_2                                                                                               \
    "{\"seq\":2,\"block\":2,\"ts\":1795200001000000,\"type\":\"backup.progress\",\"v\":3,\"subject\":"       \
    "\"backup//tmp/\xc3\xa4 \\\"b\\\"\",\"data\":{\"destination\":\"/tmp/\xc3\xa4 "                          \
    "\\\"b\\\"\",\"phase\":\"copy\",\"done\":1,"                                                             \
    "\"total\":2},\"last\":false,\"hash\":\"" HASH_2 "\"}"

static void a_native_line_is_read_whole(void **state)
{
    struct layerd_event event;
    void *storage;
    (void)state;
    assert_int_equal(layerd_event_parse(LINE_2, &event, &storage, NULL), LAYERD_OK);
    assert_int_equal(event.kind, LAYERD_EVENT);
    assert_true(event.seq == 2 && event.block == 2 && event.time_us == 1795200001000000 && event.version == 3
                && !event.last);
    assert_string_equal(event.type, "backup.progress");
    assert_string_equal(event.subject, "backup//tmp/\xc3\xa4 \"b\"");
    assert_string_equal(
        event.data,
        "{\"destination\":\"/tmp/\xc3\xa4 \\\"b\\\"\",\"phase\":\"copy\",\"done\":1,\"total\":2}");
    assert_string_equal(event.hash, HASH_2);
    assert_string_equal(event.line, LINE_2);
    layerd_free(storage);
}

static void a_cloudevent_is_read(void **state)
{
    struct layerd_event event;
    void *storage;
    (void)state;
    assert_int_equal(layerd_event_parse(
                         "{\"specversion\":\"1.0\",\"id\":\"12\",\"source\":\"/node/aa\",\"type\":"
                         "\"layerd.ledger.transferred.v1\",\"subject\":\"account/lyt1x\",\"time\":"
                         "\"2026-11-20T22:43:03.000000Z\",\"datacontenttype\":\"application/json\","
                         "\"sequence\":\"0000000000000012\",\"block\":\"9\",\"last\":true,\"hash\":\"" HASH_1
                         "\",\"data\":{\"amount\":5}}",
                         &event, &storage, NULL),
                     LAYERD_OK);
    assert_true(event.kind == LAYERD_EVENT && event.seq == 12 && event.block == 9 && event.last);
    assert_true(event.time_us == 1795214583000000);
    assert_string_equal(event.data, "{\"amount\":5}");
    layerd_free(storage);
}

static void marks_are_told_apart(void **state)
{
    static const struct {
        const char *line;
        enum layerd_event_kind kind;
        uint64_t seq, first;
        const char *why;
    } marks[] = {
        { "{\"caught_up\":7}", LAYERD_CAUGHT_UP, 7, 0, NULL },
        { "{\"progress\":1000}", LAYERD_PROGRESS, 1000, 0, NULL },
        { "{\"heartbeat\":9,\"ts\":1795200001000000}", LAYERD_HEARTBEAT, 9, 0, NULL },
        { "{\"lost\":{\"from\":3,\"to\":8,\"why\":\"skip\"}}", LAYERD_LOST, 8, 3, "skip" },
        { "{\"end\":{\"sub\":1,\"why\":\"shutdown\",\"next\":12}}", LAYERD_END, 12, 0, "shutdown" },
        { "{\"sub\":2,\"caught_up\":7}", LAYERD_CAUGHT_UP, 7, 0, NULL },
    };
    (void)state;
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
        struct layerd_event event;
        void *storage;
        assert_int_equal(layerd_event_parse(marks[i].line, &event, &storage, NULL), LAYERD_OK);
        assert_int_equal(event.kind, marks[i].kind);
        assert_true(event.seq == marks[i].seq && event.first == marks[i].first && event.type == NULL);
        if (marks[i].why != NULL)
            assert_string_equal(event.why, marks[i].why);
        layerd_free(storage);
    }
}

static void what_is_no_event_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "{}",
        "[]",
        "7",
        "{\"seq\":1}",
        "{\"type\":\"a\"}",
        "{\"caught_up\":-1}",
        "{\"caught_up\":\"1\"}",
        "{\"unknown\":1}",
        "{\"seq\":1,\"block\":1,\"ts\":1,\"type\":\"a\",\"v\":1,\"last\":true,\"hash\":\"00\"}",
        "{\"seq\":\"1\",\"block\":1,\"ts\":1,\"type\":\"a\",\"data\":{},\"hash\":\"00\"}",
        "{\"seq\":1,\"block\":1,\"ts\":1,\"type\":7,\"data\":{},\"hash\":\"00\"}",
        "{\"specversion\":\"1.0\",\"id\":\"x\",\"type\":\"a\",\"data\":{}}",
        "{\"lost\":{\"from\":1}}",
        "{\"lost\":1}",
        "{\"seq\":1,\"block\":1,\"ts\":1,\"type\":\"a\",\"data\":{},\"hash\":\"00\"} x",
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct layerd_event event = { .seq = 77 };
        struct layerd_failure failure;
        void *storage;
        if (layerd_event_parse(bad[i], &event, &storage, &failure) != LAYERD_ERROR_PROTOCOL)
            fail_msg("%s is taken", bad[i]);
        assert_int_equal(event.seq, 77);
        assert_string_equal(failure.name, "protocol");
    }
}

static void the_hash_of_an_event_is_the_one_of_the_formula(void **state)
{
    struct layerd_event event;
    char hash[LAYERD_HASH_MAX];
    void *storage;
    (void)state;
    assert_int_equal(layerd_event_parse(LINE_1, &event, &storage, NULL), LAYERD_OK);
    assert_int_equal(layerd_event_hash(&event, NODE_ID, hash, NULL), LAYERD_OK);
    assert_string_equal(hash, HASH_1);
    layerd_free(storage);
    assert_int_equal(layerd_event_parse(LINE_2, &event, &storage, NULL), LAYERD_OK);
    assert_int_equal(layerd_event_hash(&event, HASH_1, hash, NULL), LAYERD_OK);
    assert_string_equal(hash, HASH_2);
    layerd_free(storage);
}

static void any_change_of_an_event_changes_its_hash(void **state)
{
    struct layerd_event event, changed;
    char hash[LAYERD_HASH_MAX];
    void *storage;
    (void)state;
    assert_int_equal(layerd_event_parse(LINE_2, &event, &storage, NULL), LAYERD_OK);
#define CHANGE(field, value)                                                                                 \
    do {                                                                                                     \
        changed = event;                                                                                     \
        changed.field = value;                                                                               \
        assert_int_equal(layerd_event_hash(&changed, HASH_1, hash, NULL), LAYERD_OK);                        \
        assert_string_not_equal(hash, HASH_2);                                                               \
    } while (0)
    CHANGE(seq, 3);
    CHANGE(block, 3);
    CHANGE(time_us, event.time_us + 1);
    CHANGE(last, true);
    CHANGE(type, "backup.progresS");
    CHANGE(subject, NULL);
    CHANGE(subject, "");
    CHANGE(data, "{}");
#undef CHANGE
    assert_int_equal(layerd_event_hash(&event, HASH_2, hash, NULL), LAYERD_OK);
    assert_string_not_equal(hash, HASH_2);
    layerd_free(storage);
}

static void a_hash_needs_an_event_and_the_hash_before(void **state)
{
    struct layerd_event event = { .kind = LAYERD_EVENT, .seq = 2, .type = "a", .data = "{}" };
    char hash[LAYERD_HASH_MAX] = "untouched";
    (void)state;
    assert_int_equal(layerd_event_hash(&event, NODE_ID, hash, NULL), LAYERD_ERROR_INVALID_PARAMS);
    assert_int_equal(layerd_event_hash(&event, "", hash, NULL), LAYERD_ERROR_INVALID_PARAMS);
    event.seq = 1;
    assert_int_equal(layerd_event_hash(&event, HASH_1, hash, NULL), LAYERD_ERROR_INVALID_PARAMS);
    event.kind = LAYERD_CAUGHT_UP;
    assert_int_equal(layerd_event_hash(&event, NODE_ID, hash, NULL), LAYERD_ERROR_INVALID_PARAMS);
    assert_string_equal(hash, "untouched");
}

int event_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_native_line_is_read_whole),
        cmocka_unit_test(a_cloudevent_is_read),
        cmocka_unit_test(marks_are_told_apart),
        cmocka_unit_test(what_is_no_event_is_refused),
        cmocka_unit_test(the_hash_of_an_event_is_the_one_of_the_formula),
        cmocka_unit_test(any_change_of_an_event_changes_its_hash),
        cmocka_unit_test(a_hash_needs_an_event_and_the_hash_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
