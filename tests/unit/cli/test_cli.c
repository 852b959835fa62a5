/* layer-cli's pure parts: the command line, key=value to JSON, tables, CSV, event lines. What it does over
 * the sockets is in tests/functional. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/memory.h"
#include "cli/account_name.h"
#include "cli/argument.h"
#include "cli/event_text.h"
#include "cli/options.h"
#include "cli/refusal.h"
#include "cli/screen.h"
#include "cli/secret_params.h"
#include "cli/table.h"
#include "cli/word.h"

/* --- the command line ------------------------------------------------------------------------- */

#define PARSE(...)                                                                                           \
    const char *argv[] = { "layer-cli", __VA_ARGS__, NULL };                                                 \
    struct cli cli = { .word = NULL };                                                                       \
    struct error error;                                                                                      \
    enum status status = options_parse((int)(sizeof argv / sizeof argv[0]) - 1, (char **)argv, &cli, &error)

static void options_may_stand_anywhere(void **state)
{
    PARSE("--directory", "/d", "events", "--follow", "--type", "a.*", "--json", "--type=b", "--from=cursor:x",
          "--ack");
    (void)state;
    assert_int_equal(status, OK);
    assert_string_equal(cli.word, "events");
    assert_string_equal(cli.directory, "/d");
    assert_true(cli.follow && cli.json && cli.acknowledge && !cli.create);
    assert_int_equal(cli.types.count, 2);
    assert_string_equal(cli.types.values[0], "a.*");
    assert_string_equal(cli.types.values[1], "b");
    assert_null(cli.types.values[2]);
    assert_string_equal(cli.from, "cursor:x");
    assert_int_equal(cli.argument_count, 0);
}

static void arguments_keep_their_order_and_dashes_may_follow_the_end_of_options(void **state)
{
    PARSE("ledger.transfer", "a=1", "--json", "--", "--b=2", "-");
    (void)state;
    assert_int_equal(status, OK);
    assert_int_equal(cli.argument_count, 3);
    assert_string_equal(cli.arguments[0], "a=1");
    assert_string_equal(cli.arguments[1], "--b=2");
    assert_string_equal(cli.arguments[2], "-");
}

#define REFUSED(...)                                                                                         \
    do {                                                                                                     \
        PARSE(__VA_ARGS__);                                                                                  \
        assert_int_equal(status, ERROR_INVALID_PARAMS);                                                      \
        assert_true(strlen(error.message) > 0);                                                              \
    } while (0)

static void wrong_command_lines_are_refused(void **state)
{
    (void)state;
    REFUSED("--nonsense");
    REFUSED("-x");
    REFUSED("help", "--timeout");
    REFUSED("help", "--timeout", "soon");
    REFUSED("help", "--timeout", "0");
    REFUSED("help", "--timeout", "-1");
    REFUSED("help", "--timeout", "1", "--timeout", "2");
    REFUSED("help", "--json=yes");
    REFUSED("help", "--directory", "/d", "--network", "dev");
    REFUSED("help", "--network", "moon");
    REFUSED("help", "--follow");       /* of another word */
    REFUSED("ledger.assets", "--csv"); /* of a word, with a method */
    REFUSED("--follow");
    REFUSED("sql");           /* too few */
    REFUSED("sql", "a", "b"); /* too many */
    REFUSED("key", "new");
    REFUSED("backup");
}

static void timeouts_are_seconds_or_durations(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int ms;
    } cases[] = { { "2", 2000 }, { "0.5", 500 }, { "250ms", 250 }, { "2m", 120000 }, { "1000d", INT32_MAX } };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        PARSE("help", "--timeout", cases[i].text);
        assert_int_equal(status, OK);
        assert_int_equal(cli_timeout(&cli, 7), cases[i].ms);
    }
    PARSE("help");
    assert_int_equal(status, OK);
    assert_int_equal(cli_timeout(&cli, 7), 7);
}

static void every_option_of_a_word_exists(void **state)
{
    (void)state;
    for (size_t i = 0; i < word_count(); i++) {
        AUTO_FREE char *names = text_copy(word_at(i)->options);
        for (char *at, *name = strtok_r(names, " ", &at); name != NULL; name = strtok_r(NULL, " ", &at)) {
            size_t found = 0;
            for (size_t j = 0; j < option_count(); j++)
                found += strcmp(option_at(j)->name, name) == 0 && !option_at(j)->everywhere;
            if (found != 1)
                fail_msg("%s: --%s", word_at(i)->name, name);
        }
    }
}

static void requests_go_to_the_socket_that_knows_them(void **state)
{
    (void)state;
    assert_int_equal(cli_socket_of("cursor.list"), LAYERD_SOCKET_EVENTS);
    assert_int_equal(cli_socket_of("proof.inclusion"), LAYERD_SOCKET_EVENTS);
    assert_int_equal(cli_socket_of("proof.consistency"), LAYERD_SOCKET_EVENTS);
    assert_int_equal(cli_socket_of("proof.verify"), LAYERD_SOCKET_CALLS);
    assert_int_equal(cli_socket_of("head"), LAYERD_SOCKET_EVENTS);
    assert_int_equal(cli_socket_of("heads"), LAYERD_SOCKET_CALLS);
    assert_int_equal(cli_socket_of("ledger.balance"), LAYERD_SOCKET_CALLS);
    assert_int_equal(cli_socket_of("verify"), LAYERD_SOCKET_CALLS);
}

/* --- key=value -------------------------------------------------------------------------------- */

static const char document[] =
    "{\"openrpc\":\"1.2.6\",\"methods\":[{\"name\":\"t.do\",\"summary\":\"Do "
    "it.\",\"x-access\":\"signed\",\"params\":["
    "{\"name\":\"to\",\"description\":\"who\",\"required\":true,\"schema\":{\"x-type\":\"account\"}},"
    "{\"name\":\"amount\",\"required\":true,\"schema\":{\"x-type\":\"amount\"}},"
    "{\"name\":\"memo\",\"required\":false,\"schema\":{\"x-type\":\"text\"}},"
    "{\"name\":\"now\",\"required\":false,\"schema\":{\"x-type\":\"boolean\"}},"
    "{\"name\":\"when\",\"required\":false,\"schema\":{\"x-type\":\"time\"}},"
    "{\"name\":\"meta\",\"required\":false,\"schema\":{\"x-type\":\"json\"}},"
    "{\"name\":\"items\",\"required\":false,\"schema\":{\"x-type\":\"list\"}},"
    "{\"name\":\"kind\",\"required\":false,\"schema\":{\"x-type\":\"choice\",\"enum\":[\"a\",\"b\"]}}]},"
    "{\"name\":\"w.open\",\"x-access\":\"operator\",\"params\":[{\"name\":\"passphrase\",\"required\":true,"
    "\"schema\":{\"x-type\":"
    "\"secret\"}}]}]}";

static struct declarations declare(void)
{
    struct declarations declarations;
    json_t *json = json_loads(document, 0, NULL);
    assert_non_null(json);
    assert_true(declarations_read(json, &declarations));
    return declarations;
}

/* What the arguments give, as JSON text, or the error's message. */
static char *parse(const char *method, const char *const *arguments, size_t count)
{
    struct declarations declarations CLEANUP(declarations_close) = declare();
    const struct declaration *declaration = method == NULL ? NULL : declaration_find(&declarations, method);
    AUTO_JSON json_t *object = NULL;
    struct error error;
    if (arguments_parse(arguments, count, declaration, &object, &error) != OK)
        return text_copy(error.message);
    return json_dumps(object, JSON_COMPACT);
}

#define GIVES(expected, method, ...)                                                                         \
    do {                                                                                                     \
        const char *const arguments[] = { __VA_ARGS__ };                                                     \
        AUTO_FREE char *given = parse(method, arguments, sizeof arguments / sizeof arguments[0]);            \
        assert_string_equal(given, expected);                                                                \
    } while (0)
#define SAYS(part, method, ...)                                                                              \
    do {                                                                                                     \
        const char *const arguments[] = { __VA_ARGS__ };                                                     \
        AUTO_FREE char *given = parse(method, arguments, sizeof arguments / sizeof arguments[0]);            \
        if (strstr(given, part) == NULL)                                                                     \
            fail_msg("'%s' does not say '%s'", given, part);                                                 \
    } while (0)

static void each_type_gets_its_json(void **state)
{
    (void)state;
    GIVES("{\"to\":\"123\",\"amount\":123,\"memo\":\"5\"}", "t.do", "to=123", "amount=123", "memo=5");
    GIVES("{\"now\":true,\"when\":1795200000000000}", "t.do", "now=true", "when=1795200000000000");
    GIVES("{\"now\":false,\"when\":\"2h\"}", "t.do", "now=no", "when=2h");
    GIVES("{\"meta\":{\"a\":[1]},\"items\":[{\"b\":1}]}", "t.do", "meta={\"a\":[1]}", "items=[{\"b\":1}]");
    GIVES("{\"memo\":\"a=b=c\",\"kind\":\"a\"}", "t.do", "memo=a=b=c", "kind=a");
    GIVES("{\"memo\":\"\"}", "t.do", "memo=");
    GIVES("{\"memo\":\"{}\"}", "t.do", "memo={}");
    GIVES("{\"from\":\"alice\",\"valid_for\":\"90s\"}", "t.do", "from=alice", "valid_for=90s");
    GIVES("{\"amount\":9007199254740991}", "t.do", "amount=9007199254740991");
}

static void one_object_may_stand_for_all(void **state)
{
    (void)state;
    GIVES("{\"amount\":5,\"anything\":[]}", "t.do", "{ \"amount\": 5, \"anything\": [] }");
    SAYS("not JSON", "t.do", "{\"amount\":");
}

static void what_is_wrong_is_named(void **state)
{
    (void)state;
    SAYS("did you mean 'amount'", "t.do", "amuont=5");
    SAYS("it takes to, amount", "t.do", "zzzzzz=5");
    SAYS("amount: a whole number", "t.do", "amount=five");
    SAYS("amount: a whole number", "t.do", "amount=-1");
    SAYS("amount: a whole number", "t.do", "amount=1.5");
    SAYS("amount: a whole number", "t.do", "amount=007");
    SAYS("amount: a whole number", "t.do", "amount=99999999999999999999");
    SAYS("amount: a whole number", "t.do", "amount=");
    SAYS("now: true or false", "t.do", "now=maybe");
    SAYS("meta: JSON is expected", "t.do", "meta={");
    SAYS("items: a JSON array", "t.do", "items={}");
    SAYS("amount is given twice", "t.do", "amount=1", "amount=2");
    SAYS("key=value", "t.do", "amount");
    SAYS("key=value", "t.do", "=5");
    SAYS("not UTF-8", "t.do", "memo=\xff");
}

static void without_a_declaration_the_value_decides(void **state)
{
    (void)state;
    GIVES("{\"a\":5,\"b\":\"x\",\"c\":true,\"d\":[1],\"e\":\"007\",\"f\":\"12\"}", NULL, "a=5", "b=x",
          "c=true", "d=[1]", "e=007", "f=\"12\"");
}

static void secrets_are_refused_on_the_command_line(void **state)
{
    (void)state;
    SAYS("never stands on the command line", "w.open", "passphrase=hunter2");
    SAYS("never stands on the command line", "w.open", "{\"passphrase\":\"hunter2\"}");
    const char *const arguments[] = { "passphrase=hunter2" };
    AUTO_FREE char *message = parse("w.open", arguments, 1);
    assert_null(strstr(message, "hunter2"));
}

static void values_come_from_files_with_an_at_sign(void **state)
{
    char path[] = "/tmp/layer-cli-XXXXXX", argument[64];
    int descriptor = mkstemp(path);
    (void)state;
    assert_true(descriptor >= 0);
    assert_int_equal(write(descriptor, "line 1\nline 2\n", 14), 14);
    close(descriptor);
    snprintf(argument, sizeof argument, "memo=@%s", path);
    GIVES("{\"memo\":\"line 1\\nline 2\"}", "t.do", argument);
    GIVES("{\"memo\":\"@home\"}", "t.do", "memo=@@home");
    unlink(path);
    SAYS("cannot read", "t.do", argument);
}

static void secrets_are_read_from_the_file_into_the_text(void **state)
{
    char path[] = "/tmp/layer-cli-XXXXXX";
    int descriptor = mkstemp(path);
    struct declarations declarations CLEANUP(declarations_close) = declare();
    struct secret_params params CLEANUP(secret_params_close) = { .text = { .data = NULL } };
    struct secret_params none CLEANUP(secret_params_close) = { .text = { .data = NULL } };
    AUTO_JSON json_t *object = json_object();
    struct cli cli = { .passphrase_file = path };
    struct error error;
    (void)state;
    assert_int_equal(write(descriptor, "hun\"ter2\r\n", 10), 10);
    close(descriptor);
    assert_int_equal(
        secret_params_fill(&cli, declaration_find(&declarations, "w.open"), object, &params, &error), OK);
    assert_string_equal(secret_params_text(&params), "{\"passphrase\":\"hun\\\"ter2\"}");
    assert_int_equal(truncate(path, 0), 0);
    assert_int_equal(
        secret_params_fill(&cli, declaration_find(&declarations, "w.open"), object, &none, &error),
        ERROR_INVALID_PARAMS);
    unlink(path);
}

static void declarations_hold_the_stream_methods_and_the_envelope(void **state)
{
    struct declarations declarations CLEANUP(declarations_close) = declare();
    struct declarations broken;
    (void)state;
    assert_non_null(declaration_find(&declarations, "cursor.create"));
    assert_non_null(parameter_find(declaration_find(&declarations, "t.do"), "from"));
    assert_null(parameter_find(declaration_find(&declarations, "w.open"), "from"));
    assert_null(declaration_find(&declarations, "t.d"));
    assert_false(declarations_read(json_loads("{}", 0, NULL), &broken));
    assert_false(declarations_read(json_loads("{\"methods\":[{}]}", 0, NULL), &broken));
}

/* --- what people see -------------------------------------------------------------------------- */

static void shows(const char *json, const char *expected)
{
    json_t *value = json_loads(json, JSON_DECODE_ANY, NULL);
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(value);
    table_print(out, value);
    fclose(out);
    json_decref(value);
    if (strcmp(text, expected) != 0)
        fail_msg("%s gives\n%snot\n%s", json, text, expected);
    free(text);
}

static void objects_are_lines_and_arrays_are_columns(void **state)
{
    (void)state;
    shows("{\"a\":1,\"long\":\"x\",\"n\":null,\"o\":{\"p\":true},\"l\":[1,\"b\"]}",
          "a     1\nlong  x\nn     -\no.p   true\nl     1, b\n");
    shows("[{\"name\":\"a\",\"n\":5},{\"name\":\"bcd\",\"n\":500,\"z\":{}}]",
          "name    n  z\na       5  \nbcd   500  {}\n");
    shows("{\"items\":[{\"a\":1}],\"next\":null}", "a\n1\n");
    shows("{\"items\":[{\"a\":1}],\"next\":7}", "a\n1\nnext  7\n");
    shows("{\"x\":1,\"y\":2,\"t\":[{\"a\":1}]}", "x  1\ny  2\nt:\n  a\n  1\n");
    shows("{\"items\":[],\"next\":null}", "(none)\n");
    shows("[]", "(none)\n");
    shows("{}", "done\n");
    shows("[1,\"a\"]", "1\na\n");
    shows("\"text\"", "text\n");
}

static void times_show_as_people_read_them(void **state)
{
    (void)state;
    shows("{\"t_us\":1795214583000000}", "t_us  1795214583000000  2026-11-20T22:43:03.000000Z\n");
    shows("[{\"t_us\":1795214583000000}]", "t_us\n2026-11-20T22:43:03.000000Z\n");
    shows("{\"by_us\":60000000,\"t\":1795214583000000}", "by_us  60000000\nt      1795214583000000\n");
}

static void text_from_outside_cannot_steer_the_terminal(void **state)
{
    (void)state;
    shows("{\"a\\u001b\":\"\\u001b[31mred\\r\\n\\u009b\\u007f\xc3\xa4\"}",
          "a\\x1b  \\x1b[31mred\\x0d\\n\\x9b\\x7f\xc3\xa4\n");
    shows("[{\"a\":\"\xc3\xa4\",\"b\":1},{\"a\":\"xy\",\"b\":2}]", "a   b\n\xc3\xa4   1\nxy  2\n");
}

static void csv_is_rfc_4180(void **state)
{
    json_t *columns = json_loads("[\"a\",\"b,c\"]", 0, NULL);
    json_t *rows = json_loads("[[1,\"x\\\"y\"],[null,\"two\\nlines\"],[true,\"\"]]", 0, NULL);
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    (void)state;
    table_print_csv(out, columns, rows);
    fclose(out);
    assert_string_equal(text, "a,\"b,c\"\r\n1,\"x\"\"y\"\r\n,\"two\nlines\"\r\ntrue,\r\n");
    json_decref(columns);
    json_decref(rows);
    free(text);
}

static void an_event_is_one_line_without_what_its_subject_says(void **state)
{
    struct layerd_event event = { .kind = LAYERD_EVENT,
                                  .seq = 12,
                                  .time_us = 1795214583000000,
                                  .type = "a.b",
                                  .subject = "account/lyt1x",
                                  .data = "{\"from\":\"lyt1y\",\"to\":\"lyt1x\",\"n\":5,\"m\":\"\\n\"}" };
    struct buffer text CLEANUP(buffer_close) = { 0 };
    char data[400], key[] = "{\"k\":\"";
    (void)state;
    buffer_init(&text);
    event_text(&text, &event);
    assert_string_equal(buffer_text(&text),
                        "2026-11-20T22:43:03.000000Z  12  a.b  account/lyt1x  from=lyt1y n=5 m=\\n");
    buffer_clear(&text);
    event.subject = NULL;
    event.data = "{}";
    event_text(&text, &event);
    assert_string_equal(buffer_text(&text), "2026-11-20T22:43:03.000000Z  12  a.b");
    memset(data, 'x', sizeof data);
    memcpy(data, key, sizeof key - 1);
    memcpy(data + sizeof data - 3, "\"}", 3);
    buffer_clear(&text);
    event.data = data;
    event_text(&text, &event);
    assert_true(text.size < 200);
}

/* --- what a terminal gets --------------------------------------------------------------------- */

/* The bytes in pieces of every size give the same as in one. */
static void screens(const char *bytes, const char *expected)
{
    for (size_t piece = 1; piece <= strlen(bytes); piece++) {
        struct screen screen = { .descriptor = -1 };
        struct buffer out CLEANUP(buffer_close) = { 0 };
        buffer_init(&out);
        for (size_t at = 0; at < strlen(bytes); at += piece) {
            size_t left = strlen(bytes) - at;
            screen_escape(&screen, bytes + at, left < piece ? left : piece, &out);
        }
        screen_rest(&screen, &out);
        assert_string_equal(buffer_text(&out), expected);
    }
}

static void a_terminal_gets_no_character_that_steers_it(void **state)
{
    (void)state;
    screens("plain \xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80\tx\n",
            "plain \xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80\tx\n");
    screens("\x1b[31mred\x07\x7f", "\\u001b[31mred\\u0007\\u007f");
    screens("\xc2\x9b"
            "31m",
            "\\u009b31m");
    screens("\xe2\x80\xaetxt\xe2\x80\xac \xe2\x81\xa6", "\\u202etxt\\u202c \\u2066");
    screens("a,b\r\nover\rwritten\r", "a,b\r\nover\\u000dwritten\\u000d");
    screens("\x9b\xff\xe2\x82|\xc3", "\\x9b\\xff\\xe2\\x82|\\xc3");
}

/* --- names of keys, and refusals -------------------------------------------------------------- */

#define ALICE "lyt1sgxjpw4cx7txm6truaeh5w2ujrrgfl4zc95kacw2za2k6dgyweqq7exphp"

static const char account_methods[] =
    "{\"methods\":[{\"name\":\"t\",\"params\":["
    "{\"name\":\"to\",\"schema\":{\"x-type\":\"account\"}},"
    "{\"name\":\"asset\",\"schema\":{\"x-type\":\"asset\"}},"
    "{\"name\":\"memo\",\"schema\":{\"x-type\":\"text\"}},"
    "{\"name\":\"list\",\"schema\":{\"x-type\":\"list\",\"items\":{\"properties\":{"
    "\"to\":{\"x-type\":\"account\"},\"memo\":{\"x-type\":\"text\"}}}}}]}]}";

static void account_declarations(struct declarations *declarations)
{
    assert_true(declarations_read(json_loads(account_methods, 0, NULL), declarations));
}

static void names_of_keys_become_addresses_where_accounts_are_expected(void **state)
{
    struct declarations declarations CLEANUP(declarations_close);
    AUTO_JSON json_t *keys =
        json_loads("{\"items\":[{\"name\":\"alice\",\"address\":\"" ALICE "\"}]}", 0, NULL);
    AUTO_JSON json_t *typed = json_loads("{\"to\":\"alice\",\"asset\":\"alice\",\"memo\":\"alice\",\"list\":["
                                         "{\"to\":\"alice\",\"memo\":\"alice\"},{\"to\":\"carl\"},7]}",
                                         0, NULL);
    AUTO_JSON json_t *expected = json_loads("{\"to\":\"" ALICE "\",\"asset\":\"alice\",\"memo\":\"alice\","
                                            "\"list\":[{\"to\":\"" ALICE "\",\"memo\":\"alice\"},"
                                            "{\"to\":\"carl\"},7]}",
                                            0, NULL);
    (void)state;
    account_declarations(&declarations);
    const struct declaration *t = declaration_find(&declarations, "t");
    AUTO_JSON json_t *resolved = account_names_apply(t, typed, keys);
    assert_true(json_equal(resolved, expected));
    AUTO_JSON json_t *without_keys = account_names_apply(t, typed, NULL);
    assert_true(json_equal(without_keys, typed));
    AUTO_JSON json_t *undeclared = account_names_apply(NULL, typed, keys);
    assert_true(json_equal(undeclared, typed));
}

static void an_address_or_hex_is_no_name(void **state)
{
    (void)state;
    assert_true(account_name_like("alice"));
    assert_true(account_name_like("lyt1"));
    assert_false(account_name_like(ALICE));
    assert_false(account_name_like("820d20bab837966de963e7737a395c90c684fea2c1696ee1ca17556d35047640"));
    assert_false(account_name_like(""));
    assert_false(account_name_like("two words"));
}

static void expect_hints(enum layerd_error code, const char *message, const char *typed_text,
                         const char *expected)
{
    struct declarations declarations CLEANUP(declarations_close);
    struct buffer out CLEANUP(buffer_close) = { 0 };
    AUTO_JSON json_t *typed = json_loads(typed_text, 0, NULL);
    struct layerd_failure failure = { .code = code };
    buffer_init(&out);
    account_declarations(&declarations);
    snprintf(failure.message, sizeof failure.message, "%s", message);
    refusal_hints(&out, &failure, declaration_find(&declarations, "t"), typed);
    assert_string_equal(buffer_text(&out), expected);
}

static void a_refusal_is_followed_by_what_was_typed(void **state)
{
    (void)state;
    expect_hints(LAYERD_ERROR_ASSET_NOT_FOUND, "there is no asset with the id a8b6", "{\"asset\":\"NOPE\"}",
                 "  (you asked for asset=NOPE)\n");
    expect_hints(LAYERD_ERROR_ASSET_NOT_FOUND, "there is no asset NOPE", "{\"asset\":\"NOPE\"}", "");
    expect_hints(LAYERD_ERROR_INSUFFICIENT_BALANCE, "5 are needed", "{\"asset\":\"GOLD\"}", "");
    expect_hints(LAYERD_ERROR_INVALID_PARAMS, "to: an address is expected", "{\"to\":\"bob\"}",
                 "  (you gave to=bob, and no key of this node that you may use has this name; "
                 "'layer-cli wallet.list' shows them)\n");
    expect_hints(LAYERD_ERROR_INVALID_PARAMS, "memo: too long", "{\"to\":\"bob\"}", "");
}

static void a_meaning_is_printed_when_it_says_more_than_the_message(void **state)
{
    (void)state;
    assert_false(cli_meaning_adds("the asset GOLD exists already; an asset with this symbol",
                                  "An asset with this symbol exists already."));
    assert_true(cli_meaning_adds("the asset GOLD exists already",
                                 "An asset with this symbol exists already; choose another symbol."));
    assert_true(cli_meaning_adds("", "The node is stopping."));
    assert_false(cli_meaning_adds("anything", ""));
}

static void a_note_is_shown_as_its_lines_and_nothing_else_is(void **state)
{
    (void)state;
    shows("{\"size\":1,\"note\":\"layerd/a\\n1\\n\\n\\u001bx\\n\"}",
          "size  1\nnote:\n  layerd/a\n  1\n\n  \\x1bx\n");
    shows("{\"size\":1,\"memo\":\"a\\nb\"}", "size  1\nmemo  a\\nb\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_may_stand_anywhere),
        cmocka_unit_test(arguments_keep_their_order_and_dashes_may_follow_the_end_of_options),
        cmocka_unit_test(wrong_command_lines_are_refused),
        cmocka_unit_test(timeouts_are_seconds_or_durations),
        cmocka_unit_test(every_option_of_a_word_exists),
        cmocka_unit_test(requests_go_to_the_socket_that_knows_them),
        cmocka_unit_test(each_type_gets_its_json),
        cmocka_unit_test(one_object_may_stand_for_all),
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(without_a_declaration_the_value_decides),
        cmocka_unit_test(secrets_are_refused_on_the_command_line),
        cmocka_unit_test(values_come_from_files_with_an_at_sign),
        cmocka_unit_test(secrets_are_read_from_the_file_into_the_text),
        cmocka_unit_test(declarations_hold_the_stream_methods_and_the_envelope),
        cmocka_unit_test(objects_are_lines_and_arrays_are_columns),
        cmocka_unit_test(times_show_as_people_read_them),
        cmocka_unit_test(text_from_outside_cannot_steer_the_terminal),
        cmocka_unit_test(csv_is_rfc_4180),
        cmocka_unit_test(an_event_is_one_line_without_what_its_subject_says),
        cmocka_unit_test(a_terminal_gets_no_character_that_steers_it),
        cmocka_unit_test(names_of_keys_become_addresses_where_accounts_are_expected),
        cmocka_unit_test(an_address_or_hex_is_no_name),
        cmocka_unit_test(a_refusal_is_followed_by_what_was_typed),
        cmocka_unit_test(a_meaning_is_printed_when_it_says_more_than_the_message),
        cmocka_unit_test(a_note_is_shown_as_its_lines_and_nothing_else_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
