"""SQL for everybody: one read-only statement under limits through the node, and any tool on the file while it
runs.
"""

import os
import subprocess
import threading
import time

import pytest

from layerd_client import PATIENCE, Account, CallError, Rpc
from node import BUILD
from test_access import STRANGER, calls_as, needs_root

MEBIBYTE = 1024 * 1024
ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
GREEDY = [
    "SELECT zeroblob(8000000)" + ", zeroblob(8000000)" * 39,
    "SELECT randomblob(1000000)" + ", randomblob(1000000)" * 189,
    "WITH RECURSIVE n(i, b) AS (SELECT 1, randomblob(1000) UNION ALL SELECT i + 1, randomblob(1000) FROM n"
    " WHERE i < 1000000) SELECT i FROM n ORDER BY b",
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
    " SELECT count(DISTINCT randomblob(900000)) FROM n",
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)"
    " SELECT json_group_array(hex(randomblob(1000))) FROM n",
]


@pytest.fixture(scope="module")
def house(shared):
    shared.alice, shared.bob = Account("alice"), Account("bob")
    shared.issue(shared.alice, "GOLD", 1_000_000)
    for _ in range(20):
        shared.transfer(shared.alice, shared.bob, "GOLD", 1)
    return shared


def ask(node, query, **more):
    return node.call("sql", query=query, **more)


def refused(node, query, *codes):
    with pytest.raises(CallError) as caught:
        ask(node, query)
    assert caught.value.code in (codes or (2011,)), caught.value
    assert caught.value.message
    return caught.value


def test_columns_are_named_and_rows_typed(house):
    reply = ask(house, "SELECT 1 AS one, 'two' AS two, NULL AS three, 4.5 AS four, x'05ff' AS five")
    assert reply["columns"] == ["one", "two", "three", "four", "five"]
    assert reply["rows"] == [[1, "two", None, 4.5, "05ff"]]
    assert len(reply["types"]) == 5 and reply["truncated"] is False


def test_the_ledger_can_be_asked(house):
    reply = ask(house, "SELECT symbol, supply FROM asset ORDER BY symbol")
    assert ["GOLD", 1_000_000] in reply["rows"]
    reply = ask(house, "SELECT type, count(*) AS events FROM event GROUP BY type ORDER BY type")
    assert dict(map(tuple, reply["rows"]))["ledger.transferred"] == 20
    reply = ask(
        house,
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10) SELECT sum(i) FROM n",
    )
    assert reply["rows"] == [[55]]
    assert ask(house, "EXPLAIN QUERY PLAN SELECT * FROM event WHERE subject = 'x'")["rows"]


def test_numbers_that_json_cannot_hold_exactly_are_not_changed_silently(house):
    ((value,),) = ask(house, "SELECT 9223372036854775807 AS big")["rows"]
    assert str(value) == "9223372036854775807"
    for expression in ("1e999", "-1e999"):
        ((value,),) = ask(house, "SELECT %s AS big" % expression)["rows"]
        assert value is None or isinstance(value, str)


def test_text_of_any_kind_comes_back_as_json(house):
    ((value,),) = ask(
        house, "SELECT 'quote \" back \\ line \n euro \u20ac \U0001f600 bell ' || char(7) AS odd"
    )["rows"]
    assert value == 'quote " back \\ line \n euro \u20ac \U0001f600 bell \a'
    assert ask(house, "SELECT cast(x'ff80' AS TEXT) AS broken")["columns"] == ["broken"]


def test_rows_are_limited_and_the_cut_is_told(house):
    reply = ask(house, "SELECT seq FROM event ORDER BY seq", limit=5)
    assert [row[0] for row in reply["rows"]] == [1, 2, 3, 4, 5] and reply["truncated"] is True
    whole = ask(house, "SELECT 1 AS x UNION SELECT 2", limit=2)
    assert len(whole["rows"]) == 2 and whole["truncated"] is False
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"
    reply = ask(house, endless)
    assert reply["truncated"] is True and len(reply["rows"]) <= 100_000


def test_bytes_are_limited(house):
    try:
        reply = ask(
            house,
            "SELECT hex(zeroblob(200000)) AS big UNION ALL SELECT hex(zeroblob(200001))"
            " UNION ALL SELECT hex(zeroblob(20000000))",
        )
        assert reply["truncated"] is True
    except CallError as error:
        assert error.code in (2010, 2011)
    try:
        ask(house, "SELECT zeroblob(1000000000) AS big")
    except CallError as error:
        assert error.code in (2010, 2011)
    assert ask(house, "SELECT 1")["rows"] == [[1]]


@pytest.mark.parametrize(
    "query",
    [
        "INSERT INTO asset DEFAULT VALUES",
        "UPDATE balance SET amount = 1",
        "DELETE FROM event",
        "DROP TABLE event",
        "CREATE TABLE mine (x)",
        "CREATE TEMP TABLE mine (x)",
        "CREATE VIEW mine AS SELECT 1",
        "ALTER TABLE event ADD x",
        "REPLACE INTO meta VALUES ('a', 'b')",
        "WITH x AS (SELECT 1) DELETE FROM event",
        "REINDEX",
        "ANALYZE",
        "VACUUM",
        "VACUUM INTO '/tmp/layerd-never-made'",
        "ATTACH '/tmp/layerd-never-made' AS other",
        "ATTACH ':memory:' AS other",
        "DETACH main",
        "PRAGMA user_version = 5",
        "PRAGMA query_only = 0",
        "PRAGMA writable_schema = 1",
        "PRAGMA journal_mode = DELETE",
        "PRAGMA wal_checkpoint(TRUNCATE)",
        "SELECT load_extension('/tmp/x.so')",
        "BEGIN",
        "BEGIN IMMEDIATE",
        "COMMIT",
        "ROLLBACK",
        "SAVEPOINT x",
        "SELECT writefile('/tmp/layerd-never-made', 'x')",
        "SELECT readfile('/etc/passwd')",
        "SELECT fts3_tokenizer('simple')",
        "SELECT * FROM pragma_wal_checkpoint",
        "PRAGMA database_list",
        "CREATE VIRTUAL TABLE temp.x USING fts5(a)",
    ],
)
def test_what_writes_or_reaches_outside_is_refused(house, query):
    before = house.query("SELECT count(*), max(seq) FROM event")
    refused(house, query)
    assert house.query("SELECT count(*), max(seq) FROM event") == before
    assert not os.path.exists("/tmp/layerd-never-made")


@pytest.mark.parametrize(
    "query",
    [
        "",
        "   ",
        ";",
        "-- nothing",
        "SELECT",
        "SELEC 1",
        "SELECT * FROM nowhere",
        "SELECT nothing",
        "SELECT 1; SELECT 2",
        "SELECT 1; DROP TABLE event",
        "SELECT ?",
        "SELECT 'open",
        "SELECT abs(-9223372036854775808)",
        "(" * 2000 + "1" + ")" * 2000,
        "SELECT " + "1+" * 100_000 + "1",
    ],
    ids=lambda query: query[:30],
)
def test_what_is_not_one_statement_is_refused_and_says_why(house, query):
    refused(house, query, 2011, -32602, 2010)


def test_a_final_semicolon_is_fine(house):
    assert ask(house, "SELECT 1 AS x ; ")["rows"] == [[1]]


def test_a_statement_that_takes_too_long_is_stopped(nodes):
    node = nodes(settings=["--timeout=2s"]).start()
    refused(node, ENDLESS, 2009)
    assert ask(node, "SELECT 1")["rows"] == [[1]]


def test_long_statements_do_not_stop_the_ledger(nodes, alice, bob):
    node = nodes(settings=["--timeout=3s"]).start()
    node.issue(alice, "GOLD", 1000)
    outcomes = []

    def worker():
        with pytest.raises(CallError) as caught:
            node.rpc().call("sql", query=ENDLESS)
        outcomes.append(caught.value.code)

    threads = [threading.Thread(target=worker) for _ in range(8)]
    for thread in threads:
        thread.start()
    for _ in range(20):
        assert node.transfer(alice, bob, "GOLD", 1)["repeated"] is False
    for thread in threads:
        thread.join()
    assert set(outcomes) <= {2009, 2001} and 2009 in outcomes


def wait_until(condition, what):
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "never: " + what
        time.sleep(0.02)


def is_busy(node):
    """Whether a statement has the one place that there is."""
    try:
        ask(node, "SELECT 1")
    except CallError as error:
        assert error.code == 2001, error
        return True
    return False


def peak_bytes(node):
    with open("/proc/%d/status" % node.process.pid) as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))


def test_no_statement_takes_more_than_its_share_of_memory(nodes, sanitized):
    node = nodes().start()
    ask(node, "SELECT 1")
    before = peak_bytes(node)
    for query in GREEDY:
        refused(node, query, 2010, 2011)
    if not sanitized:
        assert peak_bytes(node) - before < 128 * MEBIBYTE
    assert ask(node, "SELECT 1")["rows"] == [[1]]


def test_endless_statements_leave_the_other_calls_alone(nodes):
    node = nodes(settings=["--timeout=6s", "--worker-pool-size=1"]).start()
    codes = []

    def endless():
        with pytest.raises(CallError) as caught:
            node.rpc().call("sql", query=ENDLESS)
        codes.append(caught.value.code)

    threads = [threading.Thread(target=endless) for _ in range(6)]
    for thread in threads:
        thread.start()
    wait_until(lambda: codes == [2001] * 5, "one of them runs, and the others were refused")
    for _ in range(20):
        node.call("node.info")
    assert codes == [2001] * 5, "the other calls waited until it was over"
    refused(node, "SELECT 1", 2001)
    for thread in threads:
        thread.join()
    assert sorted(codes) == [2001] * 5 + [2009]
    assert ask(node, "SELECT 1")["rows"] == [[1]]


def test_a_stop_does_not_wait_for_a_statement(nodes):
    node = nodes(settings=["--timeout=5m", "--worker-pool-size=1"]).start()
    codes = []

    def endless():
        code = 2001
        while code == 2001:  # is_busy had the place just then
            with Rpc(node.rpc_path) as rpc, pytest.raises(CallError) as caught:  # node.wait() closes its own
                rpc.call("sql", query=ENDLESS)
            code = caught.value.code
        codes.append(code)

    thread = threading.Thread(target=endless)
    thread.start()
    wait_until(lambda: is_busy(node), "it runs")
    node.call("stop")
    assert node.wait() == 0
    thread.join()
    assert codes == [2007]


@needs_root
def test_strangers_are_not_shown_what_is_the_operators(house):
    house.directory.chmod(0o750)
    queries = [
        "SELECT count(*) FROM effect",
        "SELECT request FROM v_effect",
        "SELECT name FROM cursor",
        "SELECT 1 FROM v_cursor",
        "WITH x AS (SELECT id FROM Effect) SELECT * FROM x",
    ]
    answers = calls_as(STRANGER, house, *[("rpc", "sql", {"query": query}) for query in queries])
    assert [name for name, _ in answers] == ["denied"] * len(queries)
    assert all("operator" in message for _, message in answers)
    ((name, _),) = calls_as(STRANGER, house, ("rpc", "sql", {"query": "SELECT count(*) FROM v_event"}))
    assert name == "ok"
    for query in queries:
        ask(house, query)


def test_the_sqlite3_shell_reads_while_the_node_writes(house):
    for _ in range(5):
        house.transfer(house.alice, house.bob, "GOLD", 1)
        done = subprocess.run(
            ["sqlite3", "-readonly", str(house.database_path), "SELECT max(seq) FROM event"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        assert int(done.stdout) == house.call("node.info")["head"]
    done = subprocess.run(
        ["sqlite3", "-readonly", str(house.database_path), "DELETE FROM cursor"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert done.returncode != 0 and "readonly" in done.stderr


def test_a_reader_with_an_open_transaction_delays_no_commit(house):
    database = house.database()
    database.execute("BEGIN")
    before = database.execute("SELECT max(seq) FROM event").fetchone()
    for _ in range(20):
        house.transfer(house.alice, house.bob, "GOLD", 1)
    assert database.execute("SELECT max(seq) FROM event").fetchone() == before
    database.execute("COMMIT")
    assert database.execute("SELECT max(seq) FROM event").fetchone()[0] == before[0] + 20
    database.close()


def test_the_database_says_what_it_is(house):
    application, version = (
        house.query("PRAGMA application_id")[0][0],
        house.query("PRAGMA user_version")[0][0],
    )
    assert application != 0 and version >= 1
    assert house.query("PRAGMA journal_mode") == [("wal",)]
    strict = house.query(
        "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND NOT strict"
        " AND name NOT LIKE 'sqlite_%'"
    )
    assert strict == []


def test_every_view_can_be_read(house):
    views = [name for name, in house.query("SELECT name FROM sqlite_schema WHERE type = 'view'")]
    assert views
    for view in views:
        house.query('SELECT * FROM "%s" LIMIT 5' % view)
        assert ask(house, 'SELECT * FROM "%s" LIMIT 5' % view)["columns"]


@pytest.fixture
def extension(sanitized):
    if sanitized:
        pytest.skip("a plain sqlite3 cannot load what needs the sanitizer's runtime")
    path = BUILD / ".libs" / "layerd_sqlite.so"
    assert path.exists(), "the loadable extension was not built: %s" % path
    return path.with_suffix("")


def shell(node, extension, statement):
    done = subprocess.run(
        ["sqlite3", "-readonly", str(node.database_path), "-cmd", ".load %s" % extension, statement],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\n")[:-1]


def test_the_extension_shows_addresses_and_checks_the_log_without_the_daemon(house, extension):
    rows = shell(house, extension, "SELECT address(id), hex32(id) FROM account")
    assert "%s|%s" % (house.alice.address, house.alice.public.hex()) in rows
    recomputed = """
        SELECT count(*), sum(hash IS computed) FROM (
            SELECT hash, event_hash(
                lag(hash, 1, event_genesis((SELECT value FROM meta WHERE key = 'log_node_id')))
                  OVER (ORDER BY seq),
                seq, block, time_us, type, subject, body, last) AS computed
              FROM event)"""
    ((count, equal),) = [row.split("|") for row in shell(house, extension, recomputed)]
    assert count == equal and int(count) > 20
