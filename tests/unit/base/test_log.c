/* The log: its lines, its levels, its file. */
#include "support.h"

#include <errno.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"

#define LOG_ROOM "test"

struct place {
    char folder[64], file[80], moved[80];
};

static int place_make(void **state)
{
    struct place *place = memory_new(sizeof *place);
    strcpy(place->folder, "/tmp/layerd-log-XXXXXX");
    if (mkdtemp(place->folder) == NULL)
        return -1;
    snprintf(place->file, sizeof place->file, "%s/log", place->folder);
    snprintf(place->moved, sizeof place->moved, "%s/log.1", place->folder);
    *state = place;
    return 0;
}

static int place_remove(void **state)
{
    struct place *place = *state;
    log_close();
    unlink(place->file);
    unlink(place->moved);
    int status = rmdir(place->folder);
    free(place);
    return status;
}

static void open_log(const struct place *place, bool json, const char *levels)
{
    struct log_options options = { .path = place->file, .json = json, .levels = levels };
    struct error error = { 0 };
    if (log_open(&options, &error) != OK)
        fail_msg("%s", error.message);
}

static char *content(const char *path)
{
    struct buffer text;
    buffer_init(&text);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t got;
    while ((got = fread(buffer_reserve(&text, 65536), 1, 65536, file)) > 0)
        text.size += got;
    fclose(file);
    return buffer_text(&text);
}

static void a_line_has_time_level_room_and_message(void **state)
{
    struct place *place = *state;
    open_log(place, false, NULL);
    log_info("hello %d", 42);
    log_error("bad");
    AUTO_FREE char *text = content(place->file);
    char time[TIME_TEXT_MAX] = { 0 };
    int64_t time_us;
    memcpy(time, text, 27);
    assert_true(time_parse(time, &time_us));
    assert_memory_equal(text + 27, " info  test: hello 42\n", 22);
    assert_string_equal(text + 27 + 22 + 27, " error test: bad\n");
}

static void a_json_line_is_json(void **state)
{
    struct place *place = *state;
    open_log(place, true, NULL);
    log_warn("quote \" backslash \\ line\nbell\a \xe2\x82\xac \xff end");
    AUTO_FREE char *text = content(place->file);
    AUTO_JSON json_t *line = NULL;
    assert_int_equal(json_parse(text, strlen(text), &line, NULL), OK);
    assert_int_equal(json_object_size(line), 4);
    assert_string_equal(json_string_value(json_object_get(line, "level")), "warn");
    assert_string_equal(json_string_value(json_object_get(line, "room")), "test");
    assert_string_equal(json_string_value(json_object_get(line, "message")),
                        "quote \" backslash \\ line\nbell\a \xe2\x82\xac ? end");
    assert_non_null(json_object_get(line, "time"));
}

static void a_message_cannot_forge_a_line(void **state)
{
    struct place *place = *state;
    open_log(place, false, NULL);
    log_info("%s", "a\n2026-01-01T00:00:00.000000Z error api: forged\r\x1b[31m\x7f");
    AUTO_FREE char *text = content(place->file);
    assert_string_equal(text + 27, " info  test: a\\n2026-01-01T00:00:00.000000Z error api: forged"
                                   "\\u000d\\u001b[31m\\u007f\n");
}

static void a_long_message_is_cut_at_a_character(void **state)
{
    struct place *place = *state;
    open_log(place, true, NULL);
    AUTO_FREE char *message = memory_new(30001);
    for (size_t i = 0; i < 30000; i += 3)
        memcpy(message + i, "\xe2\x82\xac", 3);
    log_info("%s", message);
    memset(message, '\x01', 30000);
    log_info("%s", message);
    AUTO_FREE char *text = content(place->file);
    char *second = strchr(text, '\n') + 1;
    for (int i = 0; i < 2; i++) {
        AUTO_JSON json_t *line = NULL;
        const char *start = i == 0 ? text : second;
        assert_int_equal(json_parse(start, (size_t)(strchr(start, '\n') - start), &line, NULL), OK);
        const char *kept = json_string_value(json_object_get(line, "message"));
        assert_true(strlen(kept) > 4000 && strlen(kept) < 4100);
        assert_string_equal(kept + strlen(kept) - 3, "\xe2\x80\xa6");
    }
    assert_string_equal(strchr(second, '\n'), "\n");
}

static void levels_hold_per_room(void **state)
{
    (void)state;
    struct error error;
    assert_int_equal(log_set_levels("warn,api:debug,store:trace,node:error", &error), OK);
    assert_false(log_wants("kernel", LOG_INFO));
    assert_true(log_wants("kernel", LOG_WARN));
    assert_false(log_wants("api", LOG_TRACE));
    assert_true(log_wants("api", LOG_DEBUG));
    assert_true(log_wants("store", LOG_TRACE));
    assert_false(log_wants("node", LOG_WARN));
    assert_true(log_wants("node", LOG_ERROR));
    assert_false(log_wants("apiary", LOG_DEBUG));

    assert_int_equal(log_set_levels("api:debug", &error), OK);
    assert_true(log_wants("kernel", LOG_INFO));
    assert_false(log_wants("kernel", LOG_DEBUG));
    assert_int_equal(log_set_levels("info", &error), OK);
    assert_false(log_wants("api", LOG_DEBUG));
}

static void bad_levels_are_refused_and_change_nothing(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "", "loud", "INFO", "info,", ",info", "info,debug", "info,api:", "info,:debug", "info,api:loud",
        "info,api:debug,api:trace", "info api:debug", "info,Api:debug", "info, api:debug", "api:debug,info",
        "info,a_name_that_is_much_longer_than_any_room:debug", "info,api:debug:trace",
    };
    struct error error = { 0 };
    assert_int_equal(log_set_levels("warn,api:trace", &error), OK);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (log_set_levels(texts[i], &error) != ERROR_INVALID_PARAMS)
            fail_msg("'%s' was taken for log levels", texts[i]);
        assert_false(log_wants("kernel", LOG_INFO));
        assert_true(log_wants("api", LOG_TRACE));
    }
    CLEANUP(buffer_close) struct buffer many = { 0 };
    buffer_init(&many);
    buffer_append_text(&many, "info");
    for (int i = 0; i < 32; i++)
        buffer_append_format(&many, ",room%d:debug", i);
    assert_int_equal(log_set_levels(buffer_text(&many), &error), OK);
    buffer_append_text(&many, ",more:debug");
    assert_int_equal(log_set_levels(buffer_text(&many), &error), ERROR_INVALID_PARAMS);
}

static void unwanted_messages_are_not_written(void **state)
{
    struct place *place = *state;
    open_log(place, false, "info,test:warn");
    log_info("no");
    log_debug("no");
    log_trace("no");
    log_warn("yes");
    assert_int_equal(log_set_levels("trace", NULL), OK);
    log_trace("finest");
    AUTO_FREE char *text = content(place->file);
    assert_null(strstr(text, "no"));
    assert_non_null(strstr(text, " warn  test: yes\n"));
    assert_non_null(strstr(text, " trace test: finest\n"));
}

static void reopening_starts_a_new_file_under_the_same_descriptor(void **state)
{
    struct place *place = *state;
    open_log(place, false, NULL);
    int descriptor = log_descriptor();
    log_info("first");
    assert_int_equal(rename(place->file, place->moved), 0);
    log_info("second");
    log_reopen();
    log_info("third");
    assert_int_equal(log_descriptor(), descriptor);
    AUTO_FREE char *old = content(place->moved);
    AUTO_FREE char *new = content(place->file);
    assert_non_null(strstr(old, "first"));
    assert_non_null(strstr(old, "second"));
    assert_null(strstr(old, "third"));
    assert_non_null(strstr(new, "third"));
    assert_null(strstr(new, "second"));
}

static void a_file_that_does_not_open_is_an_error_and_changes_nothing(void **state)
{
    struct place *place = *state;
    open_log(place, false, NULL);
    struct log_options nowhere = { .path = "/nonexistent/folder/log" };
    struct error error = { 0 };
    assert_int_equal(log_open(&nowhere, &error), ERROR_STORAGE);
    assert_non_null(strstr(error.message, "/nonexistent/folder/log"));
    struct log_options bad_levels = { .path = place->moved, .levels = "loud" };
    assert_int_equal(log_open(&bad_levels, &error), ERROR_INVALID_PARAMS);
    assert_int_equal(access(place->moved, F_OK), -1);
    log_info("still here");
    AUTO_FREE char *text = content(place->file);
    assert_non_null(strstr(text, "still here"));
}

static void logging_keeps_errno_and_the_file_private(void **state)
{
    struct place *place = *state;
    open_log(place, false, NULL);
    errno = ENOSPC;
    log_info("%s", strerror(errno));
    assert_int_equal(errno, ENOSPC);
    struct stat info;
    assert_int_equal(stat(place->file, &info), 0);
    assert_int_equal(info.st_mode & 07, 0);
}

static void *write_many(void *argument)
{
    for (int i = 0; i < 500; i++)
        log_info("thread %s line %d end", (const char *)argument, i);
    return NULL;
}

static void lines_of_threads_do_not_mix(void **state)
{
    struct place *place = *state;
    open_log(place, false, NULL);
    static const char *const names[] = { "one", "two", "three", "four" };
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_many, (void *)names[i]), 0);
    for (int i = 0; i < 20; i++)
        log_reopen();
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    AUTO_FREE char *text = content(place->file);
    int lines = 0;
    for (char *line = text; *line != '\0';) {
        char *end = strchr(line, '\n');
        assert_non_null(end);
        *end = '\0';
        assert_memory_equal(line + 27, " info  test: thread ", 20);
        assert_string_equal(end - 4, " end");
        lines++;
        line = end + 1;
    }
    assert_int_equal(lines, 2000);
}

int log_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_line_has_time_level_room_and_message, place_make, place_remove),
        cmocka_unit_test_setup_teardown(a_json_line_is_json, place_make, place_remove),
        cmocka_unit_test_setup_teardown(a_message_cannot_forge_a_line, place_make, place_remove),
        cmocka_unit_test_setup_teardown(a_long_message_is_cut_at_a_character, place_make, place_remove),
        cmocka_unit_test(levels_hold_per_room),
        cmocka_unit_test(bad_levels_are_refused_and_change_nothing),
        cmocka_unit_test_setup_teardown(unwanted_messages_are_not_written, place_make, place_remove),
        cmocka_unit_test_setup_teardown(reopening_starts_a_new_file_under_the_same_descriptor, place_make,
                                        place_remove),
        cmocka_unit_test_setup_teardown(a_file_that_does_not_open_is_an_error_and_changes_nothing, place_make,
                                        place_remove),
        cmocka_unit_test_setup_teardown(logging_keeps_errno_and_the_file_private, place_make, place_remove),
        cmocka_unit_test_setup_teardown(lines_of_threads_do_not_mix, place_make, place_remove),
    };
    return cmocka_run_group_tests_name("base/log", tests, NULL, NULL);
}
