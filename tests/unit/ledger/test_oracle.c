/* The oracle: SQLite's session extension records every row that a transaction changed, and each must be
 * explained by an event of the same transaction; and the other way round, the events alone say what each
 * balance must have become. */
#define SQLITE_ENABLE_SESSION 1
#define SQLITE_ENABLE_PREUPDATE_HOOK 1
#include "test_ledger.h"

#include "base/bech32.h"
#include "kernel/execution.h"

/* --- a module of the test's own, which opens and reads the session on the writer -------------- */
static sqlite3_session *session; /* touched by the executor alone */
static void *changeset;          /* handed over under the reply of the command that took it */
static int changeset_size;

static const char *const watched[] = { "domain",  "account", "asset",   "balance",
                                       "posting", "escrow",  "deadline" };

static void session_open(struct execution *x)
{
    sqlite3 *db = database_handle(execution_database(x));

    assert_int_equal(sqlite3session_create(db, "main", &session), SQLITE_OK);
    for (size_t i = 0; i < COUNT_OF(watched); i++)
        assert_int_equal(sqlite3session_attach(session, watched[i]), SQLITE_OK);
}

/* What changed since the last call. */
static enum status take(struct execution *x, const void *params, struct writer *result)
{
    (void)params;
    (void)result;
    changeset = NULL;
    changeset_size = 0;
    if (session != NULL) {
        assert_int_equal(sqlite3session_changeset(session, &changeset_size, &changeset), SQLITE_OK);
        sqlite3session_delete(session);
    }
    session_open(x);
    return OK;
}

static enum status finish(struct execution *x, const void *params, struct writer *result)
{
    (void)x;
    (void)params;
    (void)result;
    sqlite3session_delete(session);
    session = NULL;
    return OK;
}

static const struct command commands[] = {
    { "oracle.take", SCOPE_LOCAL, ACCESS_PUBLIC, take, NO_PARAMS, .help = "Hands over what changed." },
    { "oracle.finish", SCOPE_LOCAL, ACCESS_PUBLIC, finish, NO_PARAMS, .help = "Closes the session." },
};
static const struct module oracle_module = { .name = "oracle",
                                             .help = "Records changed rows.",
                                             COMMANDS(commands) };
static const struct module *const modules[] = { &ledger_module, &oracle_module, NULL };

static void call_oracle(struct fixture *f, const char *method)
{
    struct reply reply = fixture_call(f, method, NULL);

    assert_int_equal(reply.status, OK);
    reply_close(&reply);
}

/* --- what the events of one step say ---------------------------------------------------------- */
#define MOVES_MAX 4096
#define NAME_TEXT_MAX 80

/* An event moves an amount from one account to another; supply comes from or goes to the account "". */
struct move {
    int64_t seq;
    char from[NAME_TEXT_MAX], to[NAME_TEXT_MAX]; /* 64 hex digits of the account, or "" */
    char asset[NAME_TEXT_MAX];                   /* 64 hex digits */
    int64_t amount;
    bool seen_from, seen_to; /* the posting was found */
};

struct story {
    struct fixture *f;
    struct move moves[MOVES_MAX];
    size_t count;
    int64_t after; /* events behind this seq */
    json_t *events;
};

static void hex_of_account(const char *text, char out[NAME_TEXT_MAX])
{
    struct account_id account;

    assert_true(address_decode(&account, text, strlen(text)));
    hex_text(out, account.bytes, sizeof(account.bytes));
}

static const char *member(const json_t *body, const char *key)
{
    const char *text = json_string_value(json_object_get(body, key));

    assert_non_null(text);
    return text;
}

static void add_move(struct story *s, int64_t seq, const char *from, const char *to, const char *symbol,
                     int64_t amount)
{
    struct move *move = &s->moves[s->count++];
    struct asset_id asset;

    assert_true(s->count <= MOVES_MAX);
    memset(move, 0, sizeof(*move));
    move->seq = seq;
    snprintf(move->from, sizeof(move->from), "%s", from);
    snprintf(move->to, sizeof(move->to), "%s", to);
    asset_id_from_symbol(&asset, kernel_chain(s->f->kernel), symbol);
    hex_text(move->asset, asset.bytes, sizeof(asset.bytes));
    move->amount = amount;
    move->seen_from = from[0] == '\0';
    move->seen_to = to[0] == '\0';
}

static void read_event(struct story *s, int64_t seq, const char *type, const json_t *body)
{
    char from[NAME_TEXT_MAX] = "", to[NAME_TEXT_MAX] = "";
    int64_t amount = json_integer_value(json_object_get(body, "amount"));
    const char *symbol;

    if (strncmp(type, "ledger.", 7) != 0 && strcmp(type, "dev.faucet_paid") != 0)
        return;
    if (amount == 0)
        return;
    symbol = strncmp(type, "ledger.asset_", 13) == 0 ? member(body, "symbol") : member(body, "asset");
    if (strcmp(type, "ledger.asset_issued") == 0)
        hex_of_account(member(body, "issuer"), to);
    if (strcmp(type, "ledger.asset_minted") == 0 || strcmp(type, "dev.faucet_paid") == 0 ||
        strcmp(type, "ledger.transferred") == 0 || strcmp(type, "ledger.escrow_claimed") == 0 ||
        strcmp(type, "ledger.escrow_refunded") == 0)
        hex_of_account(member(body, "to"), to);
    if (strcmp(type, "ledger.asset_burned") == 0 || strcmp(type, "ledger.transferred") == 0 ||
        strcmp(type, "ledger.escrow_locked") == 0)
        hex_of_account(member(body, "from"), from);
    if (strcmp(type, "ledger.escrow_locked") == 0)
        snprintf(to, sizeof(to), "%s", member(body, "escrow"));
    if (strcmp(type, "ledger.escrow_claimed") == 0 || strcmp(type, "ledger.escrow_refunded") == 0)
        snprintf(from, sizeof(from), "%s", member(body, "escrow"));
    add_move(s, seq, from, to, symbol, amount);
}

static void read_events(struct story *s)
{
    char sql[256];
    char *text AUTO_FREE = NULL;
    struct error error;
    const json_t *event;
    size_t index;

    snprintf(sql, sizeof(sql),
             "SELECT json_group_array(json_array(seq, type, json(body))) FROM event WHERE seq > %" PRId64,
             s->after);
    text = fixture_sql_text(s->f, sql);
    assert_int_equal(json_parse(text, strlen(text), &s->events, &error), OK);
    s->count = 0;
    json_array_foreach(s->events, index, event) {
        s->after = json_integer_value(json_array_get(event, 0));
        read_event(s, s->after, json_string_value(json_array_get(event, 1)), json_array_get(event, 2));
    }
}

/* Some event of this step whose type is one of `types` (separated by spaces) has this text somewhere in its
 * body. */
static bool told(const struct story *s, const char *types, const char *text)
{
    const json_t *event;
    size_t index;

    json_array_foreach(s->events, index, event) {
        char *body AUTO_FREE = json_dumps(json_array_get(event, 2), 0);

        if (strstr(types, json_string_value(json_array_get(event, 1))) != NULL && strstr(body, text) != NULL)
            return true;
    }
    return false;
}

/* --- what the rows say ------------------------------------------------------------------------ */
struct row {
    const char *table;
    int operation, columns;
    sqlite3_changeset_iter *iterator;
};

/* The value of a column: after the change, or what it was for a DELETE and for key columns that do not
 * change. */
static sqlite3_value *value_of(const struct row *row, int column)
{
    sqlite3_value *value = NULL;

    if (row->operation != SQLITE_DELETE)
        sqlite3changeset_new(row->iterator, column, &value);
    if (value == NULL && row->operation != SQLITE_INSERT)
        sqlite3changeset_old(row->iterator, column, &value);
    return value;
}

static void hex_of_column(const struct row *row, int column, char out[NAME_TEXT_MAX])
{
    sqlite3_value *value = value_of(row, column);

    assert_non_null(value);
    assert_int_equal(sqlite3_value_bytes(value), 32);
    hex_text(out, sqlite3_value_blob(value), 32);
}

static int64_t integer_of(const struct row *row, int column)
{
    sqlite3_value *value = value_of(row, column);

    assert_non_null(value);
    return sqlite3_value_int64(value);
}

/* How much a balance row changed: the row's amount after minus before; no row is 0. */
static int64_t change_of_balance(const struct row *row)
{
    sqlite3_value *before = NULL, *after = NULL;

    if (row->operation != SQLITE_INSERT)
        sqlite3changeset_old(row->iterator, 3, &before);
    if (row->operation != SQLITE_DELETE)
        sqlite3changeset_new(row->iterator, 3, &after);
    return (after == NULL ? 0 : sqlite3_value_int64(after)) -
           (before == NULL ? 0 : sqlite3_value_int64(before));
}

static int64_t told_change(const struct story *s, const char *account, const char *asset)
{
    int64_t change = 0;

    for (size_t i = 0; i < s->count; i++) {
        if (strcmp(s->moves[i].asset, asset) != 0)
            continue;
        if (strcmp(s->moves[i].from, account) == 0)
            change -= s->moves[i].amount;
        if (strcmp(s->moves[i].to, account) == 0)
            change += s->moves[i].amount;
    }
    return change;
}

static void explain_balance(struct story *s, const struct row *row)
{
    char account[NAME_TEXT_MAX], asset[NAME_TEXT_MAX];

    hex_of_column(row, 1, account);
    hex_of_column(row, 2, asset);
    if (change_of_balance(row) != told_change(s, account, asset))
        fail_msg("the balance of %s changed by %" PRId64 ", the events say %" PRId64, account,
                 change_of_balance(row), told_change(s, account, asset));
}

static void explain_posting(struct story *s, const struct row *row)
{
    char account[NAME_TEXT_MAX], asset[NAME_TEXT_MAX];
    int64_t seq = integer_of(row, 2), amount = integer_of(row, 5);

    assert_int_equal(row->operation, SQLITE_INSERT);
    hex_of_column(row, 1, account);
    hex_of_column(row, 4, asset);
    for (size_t i = 0; i < s->count; i++) {
        struct move *move = &s->moves[i];

        if (move->seq != seq || strcmp(move->asset, asset) != 0 ||
            move->amount != (amount < 0 ? -amount : amount))
            continue;
        if (amount < 0 && !move->seen_from && strcmp(move->from, account) == 0) {
            move->seen_from = true;
            return;
        }
        if (amount > 0 && !move->seen_to && strcmp(move->to, account) == 0) {
            move->seen_to = true;
            return;
        }
    }
    fail_msg("the event %" PRId64 " does not explain a posting of %" PRId64 " on %s", seq, amount, account);
}

static void explain_account(struct story *s, const struct row *row)
{
    char account[NAME_TEXT_MAX], address[NAME_TEXT_MAX];

    assert_int_equal(row->operation, SQLITE_INSERT);
    hex_of_column(row, 0, account);
    snprintf(address, sizeof(address), "%s", (const char *)sqlite3_value_text(value_of(row, 1)));
    if (!told(
            s,
            "ledger.asset_issued ledger.asset_minted ledger.transferred ledger.escrow_locked dev.faucet_paid",
            address) &&
        !told(s, "ledger.escrow_locked", account))
        fail_msg("no event names the new account %s", address);
}

static void explain_asset(struct story *s, const struct row *row)
{
    char id[NAME_TEXT_MAX], sql[160];
    char *symbol AUTO_FREE = NULL;

    assert_int_not_equal(row->operation, SQLITE_DELETE);
    hex_of_column(row, 0, id);
    snprintf(sql, sizeof(sql), "SELECT '\"' || symbol || '\"' FROM asset WHERE id = x'%s'", id);
    symbol = fixture_sql_text(s->f, sql);
    if (!told(s,
              "ledger.asset_issued ledger.asset_minted ledger.asset_burned ledger.asset_described"
              " dev.faucet_paid",
              symbol))
        fail_msg("no event explains the change of the asset %s", symbol);
}

static void explain_escrow(struct story *s, const struct row *row)
{
    char id[NAME_TEXT_MAX];

    assert_int_not_equal(row->operation, SQLITE_DELETE);
    hex_of_column(row, 0, id);
    if (!told(s,
              row->operation == SQLITE_INSERT ? "ledger.escrow_locked"
                                              : "ledger.escrow_claimed ledger.escrow_refunded",
              id))
        fail_msg("no event explains the change of the escrow %s", id);
}

static void explain_deadline(struct story *s, const struct row *row)
{
    char id[NAME_TEXT_MAX];

    assert_int_not_equal(row->operation, SQLITE_UPDATE);
    hex_of_column(row, 4, id);
    if (!told(s,
              row->operation == SQLITE_INSERT ? "ledger.escrow_locked"
                                              : "ledger.escrow_claimed ledger.escrow_refunded",
              id))
        fail_msg("no event explains the deadline of the escrow %s", id);
}

static void explain_row(struct story *s, const struct row *row)
{
    static const struct {
        const char *table;
        void (*explain)(struct story *s, const struct row *row);
    } tables[] = {
        { "balance", explain_balance }, { "posting", explain_posting }, { "account", explain_account },
        { "asset", explain_asset },     { "escrow", explain_escrow },   { "deadline", explain_deadline },
    };

    for (size_t i = 0; i < COUNT_OF(tables); i++)
        if (strcmp(tables[i].table, row->table) == 0) {
            tables[i].explain(s, row);
            return;
        }
    fail_msg("nothing may change the table %s", row->table);
}

/* All that changed since the call before, against all events since then. Returns how many rows there were. */
static size_t explain(struct story *s)
{
    sqlite3_changeset_iter *iterator;
    size_t rows = 0;

    call_oracle(s->f, "oracle.take");
    read_events(s);
    assert_int_equal(sqlite3changeset_start(&iterator, changeset_size, changeset), SQLITE_OK);
    while (sqlite3changeset_next(iterator) == SQLITE_ROW) {
        struct row row = { .iterator = iterator };
        int indirect;

        sqlite3changeset_op(iterator, &row.table, &row.columns, &row.operation, &indirect);
        explain_row(s, &row);
        rows++;
    }
    assert_int_equal(sqlite3changeset_finalize(iterator), SQLITE_OK);
    sqlite3_free(changeset);
    for (size_t i = 0; i < s->count; i++)
        if (!s->moves[i].seen_from || !s->moves[i].seen_to)
            fail_msg("the event %" PRId64 " tells of a movement that no posting shows", s->moves[i].seq);
    json_release(&s->events);
    return rows;
}

/* --- the history ------------------------------------------------------------------------------ */
static json_t *random_command(uint64_t *random, struct fixture *f, const char **method, char last_escrow[65])
{
    const char *to = fixture_address(f, random_below(random, 2) == 0 ? "bob" : "carol");
    uint64_t amount = 1 + random_below(random, 300);
    char preimage[65], hash[65];

    preimage_of(7, preimage, hash);
    switch (random_below(random, 9)) {
    case 0:
        *method = "ledger.mint";
        return fixture_json("{'asset':'GOLD','amount':%" PRIu64 ",'to':'%s'}", amount, to);
    case 1:
        *method = "ledger.burn";
        return fixture_json("{'asset':'GOLD','amount':%" PRIu64 "}", amount);
    case 2:
        *method = "ledger.lock";
        return fixture_json("{'to':'%s','asset':'GOLD','amount':%" PRIu64 ",'hash':'%s','timeout':'%" PRIu64
                            "s'}",
                            to, amount, hash, 1 + random_below(random, 30));
    case 3:
        *method = "ledger.claim";
        return fixture_json("{'escrow':'%s','preimage':'%s'}", last_escrow, preimage);
    case 4:
        *method = "dev.faucet";
        return fixture_json("{'amount':%" PRIu64 "}", amount);
    case 5:
        *method = "ledger.describe";
        return fixture_json("{'asset':'GOLD','metadata':{'n':%" PRIu64 "}}", amount);
    case 6:
        *method = "ledger.transfer_batch";
        return fixture_json("{'transfers':[{'to':'%s','asset':'GOLD','amount':%" PRIu64 "},"
                            "{'to':'%s','asset':'DEV','amount':%" PRIu64 "}]}", to, amount, to, amount);
    default:
        *method = "ledger.transfer";
        return fixture_json("{'to':'%s','asset':'%s','amount':%" PRIu64 "}", to,
                            random_below(random, 2) == 0 ? "GOLD" : "DEV", amount);
    }
}

static void every_changed_row_is_explained_by_an_event_of_its_transaction(void **state)
{
    static const char *const who[] = { "alice", "bob", "carol", "newcomer" };
    uint64_t random = random_seed("oracle");
    struct fixture f;
    struct story *s = memory_new(sizeof(*s));
    char escrow[65];
    size_t rows = 0;

    (void)state;
    fixture_start(&f, NETWORK_DEV, modules);
    s->f = &f;
    s->after = fixture_sql(&f, "SELECT max(seq) FROM event");
    snprintf(escrow, sizeof(escrow), "%064d", 0);
    call_oracle(&f, "oracle.take");
    fixture_run(&f, "alice", "ledger.issue", "{'symbol':'GOLD','amount':5000}");
    assert_int_equal(explain(s), 4); /* asset, account, balance, posting */
    for (int i = 0; i < 400; i++) {
        const char *method;
        json_t *result, *params = random_command(&random, &f, &method, escrow);
        enum status status =
            fixture_try(&f, who[random_below(&random, COUNT_OF(who))], method, params, &result);

        if (status == OK && strcmp(method, "ledger.lock") == 0)
            snprintf(escrow, sizeof(escrow), "%s", json_string_value(json_object_get(result, "escrow")));
        json_release(&result);
        if (status != OK)
            assert_int_equal(explain(s), 0);
        else
            rows += explain(s);
        if (random_below(&random, 8) == 0) {
            fixture_advance(&f, (int64_t)random_below(&random, 20) * SECOND);
            rows += explain(s);
        }
    }
    print_message("oracle: %zu changed rows explained\n", rows);
    assert_true(rows > 400);
    call_oracle(&f, "oracle.finish");
    fixture_audit(&f);
    fixture_stop(&f);
    memory_free_pointer(&s);
}

int oracle_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_changed_row_is_explained_by_an_event_of_its_transaction),
    };

    return cmocka_run_group_tests_name("ledger oracle", tests, NULL, NULL);
}
