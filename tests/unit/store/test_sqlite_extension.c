/* The sqlite3 extension, loaded as any program would load it, on a database that layerd's store has made;
 * its statements are those of contrib/sqlite/README.md. */
#include "store_support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bech32.h"
#include "base/memory.h"

#define CHANGED_EVENTS                                                                                       \
    "SELECT group_concat(seq) FROM (SELECT seq, hash, event_hash("                                           \
    "lag(hash, 1, event_genesis((SELECT value FROM meta WHERE key = 'log_node_id'))) OVER (ORDER BY seq),"   \
    " seq, block, time_us, type, subject, body, last) AS computed FROM event) WHERE hash IS NOT computed"
#define WRONG_CHECKPOINTS                                                                                    \
    "SELECT group_concat(c.size) FROM checkpoint c LEFT JOIN"                                                \
    " (SELECT seq, rfc6962_root(seq, hash) OVER (ORDER BY seq) AS root FROM event) r ON r.seq = c.size"      \
    " WHERE c.root IS NOT r.root OR checkpoint_root(c.note) IS NOT r.root"                                   \
    " OR checkpoint_size(c.note) IS NOT c.size"                                                              \
    " OR NOT checkpoint_verify(c.note, (SELECT value FROM meta WHERE key = 'log_verifier_key'))"

static int begin(void **state)
{
    struct place *place = malloc(sizeof(*place));

    place_begin(place);
    place_open(place);
    *state = place;
    return 0;
}

static int end(void **state)
{
    place_end(*state);
    free(*state);
    return 0;
}

static sqlite3 *load(const struct place *place)
{
    sqlite3 *handle = NULL;
    char *message = NULL;

    assert_int_equal(sqlite3_open_v2(place->path, &handle, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 1, (int *)NULL);
    if (sqlite3_load_extension(handle, EXTENSION, NULL, &message) != SQLITE_OK)
        fail_msg("%s", message);
    return handle;
}

/* The one value of a query as text: "NULL", or "error: …". */
static const char *ask(sqlite3 *handle, const char *sql)
{
    static char answer[512];
    sqlite3_stmt *s = NULL;

    if (sqlite3_prepare_v2(handle, sql, -1, &s, NULL) == SQLITE_OK && sqlite3_step(s) == SQLITE_ROW)
        snprintf(answer, sizeof(answer), "%s",
                 sqlite3_column_type(s, 0) == SQLITE_NULL ? "NULL" : (const char *)sqlite3_column_text(s, 0));
    else
        snprintf(answer, sizeof(answer), "error: %s", sqlite3_errmsg(handle));
    sqlite3_finalize(s);
    return answer;
}

static void fill(struct place *place)
{
    for (int i = 0; i < 3; i++) {
        place_append(place, 300);
        place_checkpoint(place);
    }
}

static void one_statement_checks_the_whole_chain(void **state)
{
    struct place *place = *state;
    sqlite3 *handle;

    fill(place);
    handle = load(place);
    assert_string_equal(ask(handle, CHANGED_EVENTS), "NULL");
    sqlite3_close(handle);
    place_close(place);
    tamper(place, "UPDATE event SET body = '{}' WHERE seq IN (1, 450)");
    handle = load(place);
    assert_string_equal(ask(handle, CHANGED_EVENTS), "1,450");
    sqlite3_close(handle);
    tamper(place, "DELETE FROM event WHERE seq = 700");
    handle = load(place);
    assert_string_equal(ask(handle, CHANGED_EVENTS), "1,450,701");
    sqlite3_close(handle);
}

static void one_statement_checks_all_checkpoints(void **state)
{
    struct place *place = *state;
    sqlite3 *handle;

    fill(place);
    handle = load(place);
    assert_string_equal(ask(handle, WRONG_CHECKPOINTS), "NULL");
    sqlite3_close(handle);
    place_close(place);
    tamper(place, "UPDATE event SET hash = zeroblob(32) WHERE seq = 450");
    handle = load(place);
    assert_string_equal(ask(handle, WRONG_CHECKPOINTS), "600,900");
    sqlite3_close(handle);
    tamper(place, "UPDATE checkpoint SET note = replace(note, 'layerd', 'Layerd') WHERE size = 300");
    handle = load(place);
    assert_string_equal(ask(handle, WRONG_CHECKPOINTS), "300,600,900");
    sqlite3_close(handle);
}

static void root_needs_rows_in_order(void **state)
{
    static const char *const wrong[] = {
        "SELECT rfc6962_root(seq, hash) FROM (SELECT seq, hash FROM event ORDER BY seq DESC LIMIT 10)",
        "SELECT rfc6962_root(seq, hash) FROM event WHERE seq <> 5",
        "SELECT rfc6962_root(seq, x'00') FROM event",
        "SELECT rfc6962_root(seq, hash) OVER (ORDER BY seq ROWS 5 PRECEDING) FROM event",
    };
    struct place *place = *state;
    char expected[2 * 32 + 1];
    struct log_report report;
    struct error error;
    sqlite3 *handle;

    fill(place);
    assert_ok(verify_all(place, &report, &error));
    hex_text(expected, report.root.bytes, 32);
    handle = load(place);
    assert_string_equal(ask(handle, "SELECT hex32(rfc6962_root(seq, hash)) FROM event"), expected);
    assert_string_equal(ask(handle, "SELECT hex32(rfc6962_root(seq, hash)) FROM event WHERE seq < 0"),
                        /* RFC 6962 §2.1 */
                        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char *message = NULL;

        assert_int_not_equal(sqlite3_exec(handle, wrong[i], NULL, NULL, &message), SQLITE_OK);
        assert_non_null(strstr(message, "rfc6962_root: expected"));
        sqlite3_free(message);
    }
    sqlite3_close(handle);
}

static void addresses_and_hex_go_both_ways(void **state)
{
    struct place *place = *state;
    sqlite3 *handle = load(place);
    struct account_id account;
    char address[ADDRESS_TEXT_MAX];

    memset(account.bytes, 0x5A, sizeof(account.bytes));
    address_encode(address, &account);
    assert_string_equal(ask(handle, "SELECT address(hex32(replace(hex(zeroblob(32)), '00', '5a')))"),
                        address);
    {
        AUTO_FREE char *back = text_format("SELECT hex32(address_key('%s'))", address);
        AUTO_FREE char *broken = text_format("SELECT address_key('%.*sq')", (int)strlen(address) - 1,
                                             address);

        assert_string_equal(ask(handle, back),
                            "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a");
        assert_non_null(strstr(ask(handle, broken), "error: address_key"));
    }
    assert_string_equal(ask(handle, "SELECT substr(address(zeroblob(32), 'ly'), 1, 3)"), "ly1");
    assert_string_equal(ask(handle, "SELECT hex32(address_key(address(zeroblob(32), 'ly')))"),
                        "0000000000000000000000000000000000000000000000000000000000000000");
    assert_string_equal(ask(handle, "SELECT address(NULL)"), "NULL");
    assert_non_null(strstr(ask(handle, "SELECT address(x'00')"), "error: address"));
    assert_non_null(strstr(ask(handle, "SELECT address(zeroblob(32), 'bc')"), "error: address"));
    assert_non_null(strstr(ask(handle, "SELECT hex32('abc')"), "error: hex32"));
    assert_string_equal(ask(handle, "SELECT hex32(sha256('abc'))"), /* FIPS 180-2, appendix B.1 */
                        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    sqlite3_close(handle);
}

static void checkpoint_of_another_key_or_text_does_not_verify(void **state)
{
    struct place *place = *state;
    sqlite3 *handle;

    fill(place);
    handle = load(place);
    assert_string_equal(ask(handle, "SELECT min(checkpoint_verify(note, value)) FROM checkpoint, meta"
                                    " WHERE key = 'log_verifier_key'"), "1");
    assert_string_equal(ask(handle, "SELECT max(checkpoint_verify(replace(note, '300', '301'), value))"
                                    " FROM checkpoint, meta WHERE key = 'log_verifier_key' AND size = 300"),
                        "0");
    assert_string_equal(ask(handle, "SELECT checkpoint_verify(NULL, value) FROM meta"
                                    " WHERE key = 'log_verifier_key'"), "0");
    assert_string_equal(ask(handle, "SELECT checkpoint_verify('', value) FROM meta"
                                    " WHERE key = 'log_verifier_key'"), "0");
    assert_non_null(strstr(ask(handle, "SELECT checkpoint_verify('', 'nonsense')"),
                           "error: checkpoint_verify"));
    assert_string_equal(ask(handle, "SELECT checkpoint_size('nonsense')"), "NULL");
    assert_string_equal(ask(handle, "SELECT checkpoint_root(5)"), "NULL");
    sqlite3_close(handle);
}

static void columns_that_no_event_has_give_no_hash(void **state)
{
    static const char *const calls[] = {
        "SELECT event_hash(x'00', 1, 0, 0, 'a', NULL, '{}', 1)",
        "SELECT event_hash(zeroblob(32), '1', 0, 0, 'a', NULL, '{}', 1)",
        "SELECT event_hash(zeroblob(32), 1, 0, 0, NULL, NULL, '{}', 1)",
        "SELECT event_hash(zeroblob(32), 1, 0, 0, 'a' || char(0), NULL, '{}', 1)",
        "SELECT event_hash(zeroblob(32), 1, 0, 0, hex(zeroblob(50)), NULL, '{}', 1)",
        "SELECT event_hash(zeroblob(32), 1, 0, 0, 'a', hex(zeroblob(101)), '{}', 1)",
        "SELECT event_hash(zeroblob(32), 1, 0, 0, 'a', NULL, x'7b7d', 1)",
    };
    struct place *place = *state;
    sqlite3 *handle = load(place);

    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
        assert_string_equal(ask(handle, calls[i]), "NULL");
    assert_string_equal(ask(handle, "SELECT length(event_hash(zeroblob(32), 1, 0, 0, 'a', NULL, '{}', 1))"),
                        "32");
    sqlite3_close(handle);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_statement_checks_the_whole_chain, begin, end),
        cmocka_unit_test_setup_teardown(one_statement_checks_all_checkpoints, begin, end),
        cmocka_unit_test_setup_teardown(root_needs_rows_in_order, begin, end),
        cmocka_unit_test_setup_teardown(addresses_and_hex_go_both_ways, begin, end),
        cmocka_unit_test_setup_teardown(checkpoint_of_another_key_or_text_does_not_verify, begin, end),
        cmocka_unit_test_setup_teardown(columns_that_no_event_has_give_no_hash, begin, end),
    };

    return cmocka_run_group_tests_name("sqlite extension", tests, NULL, NULL);
}
