/* Lines come out the same, however the bytes came in. */
#include "test_api.h"

#include <stdlib.h>
#include <string.h>

#include "api/line.h"
#include "base/memory.h"

struct lines {
    struct buffer text; /* each line, then "|" */
    size_t count, stop_after;
};

static bool take(void *context, const char *text, size_t size)
{
    struct lines *lines = context;
    buffer_append(&lines->text, text, size);
    buffer_append(&lines->text, "|", 1);
    return ++lines->count != lines->stop_after;
}

static bool feed(struct line_framer *framer, struct lines *lines, const char *text, size_t size)
{
    return line_framer_feed(framer, text, size, take, lines);
}

static void a_stream_gives_the_same_lines_split_at_every_byte(void **state)
{
    (void)state;
    static const char stream[] = "one\ntwo three\n\n  \t\r\nfour\r\n{\"a\":1}\nunfinished";
    for (size_t cut = 0; cut < sizeof stream; cut++) {
        struct line_framer framer;
        struct lines lines = { 0 };
        line_framer_init(&framer, 100);
        assert_true(feed(&framer, &lines, stream, cut));
        assert_true(feed(&framer, &lines, stream + cut, sizeof stream - 1 - cut));
        assert_string_equal(buffer_text(&lines.text), "one|two three|four\r|{\"a\":1}|");
        assert_true(line_framer_in_line(&framer));
        line_framer_close(&framer);
        buffer_close(&lines.text);
    }
}

static void single_bytes_make_lines(void **state)
{
    (void)state;
    struct line_framer framer;
    struct lines lines = { 0 };
    line_framer_init(&framer, 10);
    for (const char *at = "ab\ncd\n"; *at != '\0'; at++)
        assert_true(feed(&framer, &lines, at, 1));
    assert_string_equal(buffer_text(&lines.text), "ab|cd|");
    assert_false(line_framer_in_line(&framer));
    line_framer_close(&framer);
    buffer_close(&lines.text);
}

static bool limit_holds(size_t line, size_t piece)
{
    const size_t most = 1 << 20;
    struct line_framer framer;
    struct lines lines = { 0 };
    char *AUTO_FREE text = memory_new(line + 1);
    memset(text, 'x', line);
    text[line] = '\n';
    line_framer_init(&framer, most);
    bool taken = true;
    for (size_t at = 0; taken && at < line + 1; at += piece)
        taken = feed(&framer, &lines, text + at, line + 1 - at < piece ? line + 1 - at : piece);
    assert_true(!taken || lines.count == 1);
    line_framer_close(&framer);
    buffer_close(&lines.text);
    return taken;
}

static void one_mebibyte_is_taken_and_one_byte_more_is_not(void **state)
{
    (void)state;
    for (size_t piece = 4096; piece <= (size_t)2 << 20; piece *= 8) {
        assert_true(limit_holds(1 << 20, piece));
        assert_false(limit_holds((1 << 20) + 1, piece));
    }
}

static void a_line_without_end_is_refused_before_it_fills_memory(void **state)
{
    (void)state;
    struct line_framer framer;
    struct lines lines = { 0 };
    line_framer_init(&framer, 1000);
    char piece[100];
    memset(piece, 'x', sizeof piece);
    for (int i = 0; i < 10; i++)
        assert_true(feed(&framer, &lines, piece, sizeof piece));
    assert_false(feed(&framer, &lines, piece, 1));
    assert_true(framer.partial.size <= 1000);
    line_framer_close(&framer);
    buffer_close(&lines.text);
}

static void the_handler_may_stop_in_the_middle(void **state)
{
    (void)state;
    struct line_framer framer;
    struct lines lines = { .stop_after = 2 };
    line_framer_init(&framer, 100);
    assert_true(feed(&framer, &lines, "a\nb\nc\nd\n", 8));
    assert_string_equal(buffer_text(&lines.text), "a|b|");
    line_framer_close(&framer);
    buffer_close(&lines.text);
}

int line_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stream_gives_the_same_lines_split_at_every_byte),
        cmocka_unit_test(single_bytes_make_lines),
        cmocka_unit_test(one_mebibyte_is_taken_and_one_byte_more_is_not),
        cmocka_unit_test(a_line_without_end_is_refused_before_it_fills_memory),
        cmocka_unit_test(the_handler_may_stop_in_the_middle),
    };
    return cmocka_run_group_tests_name("line", tests, NULL, NULL);
}
