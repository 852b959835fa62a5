"""What is written for people is true.

schema/README.md describes every table, column and view of a fresh database and no other, and its questions
give the answers printed below them; commands shown exist; every room has its own README; error codes keep to
their ranges; exported documents are what the binary exports.
"""

import hashlib
import json
import re
import shlex
import sqlite3
import subprocess
import time

import pytest

from layerd_client import Account
from node import BUILD, LAYERD, PATIENCE, ROOT, Node, environment, is_sanitized
from reference import chain

SCHEMA_README = ROOT / "schema" / "README.md"
EXTENSION_README = ROOT / "contrib" / "sqlite" / "README.md"
TOP_README = ROOT / "README.md"
ERRORS_DEF = ROOT / "include" / "layerd" / "errors.def"

PREIMAGE = hashlib.sha256(b"the secret of the story").digest()
QUESTIONS_MIN = 10

# Columns of printed answers that differ from node to node: times, random ids, paths. In all other columns the
# printed cell must be the cell.
VARIES = re.compile(
    r"time|hour|hash|escrow|transaction|key|first|last|locked|reason|deadline|claimed|left|behind"
)


def place(path):
    return str(path.relative_to(ROOT))


# --- Markdown -------------------------------------------------------------------------------------


def fences(text):
    """Fenced blocks in order: (language, content)."""
    return re.findall(r"^```(\w*)\n(.*?)^```$", text, re.S | re.M)


def described(text):
    """What schema/README.md describes: {"table" or "view": {name: [column, …]}}."""
    found, columns = {"table": {}, "view": {}}, None
    for line in text.splitlines():
        if line.startswith("#"):
            heading = re.fullmatch(r"### (Table|View) `(\w+)`", line)
            columns = None
            if heading:
                columns = found[heading[1].lower()].setdefault(heading[2], [])
                assert not columns, "%s is described twice" % heading[2]
        elif columns is not None and line.startswith("| `"):
            columns.append(re.match(r"\| `(\w+)` \|", line)[1])
    return found


def answer(text):
    """A printed table: its columns, and its rows as {column: cell}; cells are two blanks or more apart."""
    lines = [line for line in text.splitlines() if line.strip()]
    columns = re.split(r" {2,}", lines[0].strip())
    starts = [re.search(r"(?:^|(?<=  ))%s(?=  |$)" % re.escape(name), lines[0]).start() for name in columns]
    rows = []
    for line in lines[1:]:
        if set(line) <= set("- "):
            continue
        cells = re.split(r" {2,}", line.strip())
        assert len(cells) == len(starts), "not %d cells: %r" % (len(starts), line)
        rows.append(dict(zip(columns, cells)))
    return columns, rows


def questions():
    """The worked questions: (title, SQL, printed answer)."""
    part = SCHEMA_README.read_text().split("\n## Worked questions\n")[1].split("\n## ")[0]
    found = []
    for section in part.split("\n### ")[1:]:
        blocks = fences(section)
        for (language, sql), following in zip(blocks, blocks[1:] + [(None, None)]):
            if language == "sql":
                assert following[0] == "text", "no answer is printed below: " + sql
                found.append((section.splitlines()[0], sql, following[1]))
    return found


# --- a node with a story --------------------------------------------------------------------------


def wait_until(condition, what, seconds=PATIENCE):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "never: " + what
        time.sleep(0.05)


def lock(node, sender, recipient, asset, amount, **named):
    digest = hashlib.sha256(PREIMAGE).hexdigest()
    reply = node.submit(
        sender, "ledger.lock", to=recipient.address, asset=asset, amount=amount, hash=digest, **named
    )
    return reply["result"]["escrow"]


def tell_the_story(node):
    """The history behind the answers: invoices, escrows of each fate, cursors, a backup that fails."""
    alice, bob, carol = Account("alice"), Account("bob"), Account("carol")
    node.fund(alice)
    node.fund(bob)
    node.issue(alice, "GOLD", 100_000, name="Gold", decimals=2, max_supply=1_000_000)
    node.transfer(alice, bob, "GOLD", 25_000, memo="invoice 17")
    node.transfer(alice, bob, "GOLD", 12_000, memo="invoice 18")
    node.transfer(bob, carol, "GOLD", 5_000, memo="rent")
    both = [
        {"to": bob.address, "asset": "DEV", "amount": 300},
        {"to": carol.address, "asset": "GOLD", "amount": 1_250, "memo": "share"},
    ]
    node.submit(alice, "ledger.transfer_batch", transfers=both)
    claimed = lock(node, alice, bob, "GOLD", 1_000, timeout="2h")
    node.submit(bob, "ledger.claim", escrow=claimed, preimage=PREIMAGE.hex())
    lock(node, alice, carol, "GOLD", 777, timeout="10m")
    node.advance(alice, 11 * 60 * 1_000_000)
    lock(node, alice, bob, "GOLD", 2_000, timeout="2h")
    lock(node, bob, carol, "DEV", 150, timeout="7d")
    node.submit(alice, "ledger.mint", asset="GOLD", amount=5_000, to=carol.address)
    node.submit(carol, "ledger.burn", asset="GOLD", amount=250)
    stream = node.events()
    stream.call("cursor.create", name="billing", **{"from": {"after": 6}})
    stream.call("cursor.create", name="archive", **{"from": {"after": 14}})
    (node.directory / "backups" / "nightly.sqlite3.partial").mkdir(parents=True)
    node.expect_error("backup")
    effect = node.call("backup", to="nightly.sqlite3")["effect"]
    wait_until(lambda: node.call("effect.get", id=effect)["state"] == "failed", "the backup fails")
    node.told = node.call("node.info")["head"]


@pytest.fixture(scope="module")
def story():
    node = Node()
    try:
        tell_the_story(node.start())
        yield node
    finally:
        node.finish()


@pytest.fixture(scope="module")
def fresh():
    """What a fresh node's database holds: {"table" or "view": {name: [column, …]}}."""
    node = Node()
    try:
        node.start()
        found = {"table": {}, "view": {}}
        for kind, name in node.query("SELECT type, name FROM sqlite_schema WHERE type IN ('table', 'view')"):
            if not name.startswith("sqlite_"):
                found[kind][name] = [
                    row[0] for row in node.query("SELECT name FROM pragma_table_info(?)", name)
                ]
        yield found
    finally:
        node.finish()


# --- schema/README.md -----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["table", "view"])
def test_every_table_and_view_is_described_and_no_other(fresh, kind):
    assert sorted(described(SCHEMA_README.read_text())[kind]) == sorted(fresh[kind])


@pytest.mark.parametrize("kind", ["table", "view"])
def test_every_column_is_described_in_its_order_and_no_other(fresh, kind):
    for name, columns in described(SCHEMA_README.read_text())[kind].items():
        assert columns == fresh[kind][name], name


def test_the_check_of_descriptions_finds_what_is_missing_and_what_is_invented():
    text = SCHEMA_README.read_text()
    whole = described(text)
    assert described(text.replace("| `acknowledged` |", "| acknowledged |", 1)) != whole
    assert described(text.replace("### Table `cursor`", "### `cursor`", 1)) != whole
    assert "invented" in described(text + "\n### Table `invented`\n\n| `one` | integer | x |\n")["table"]


def test_the_documented_version_is_the_database_version(story):
    (number,) = story.query("PRAGMA user_version")[0]
    assert "`user_version` = %d" % number in SCHEMA_README.read_text()
    (application,) = story.query("PRAGMA application_id")[0]
    assert "0x%08X" % application in SCHEMA_README.read_text()


def test_every_key_of_meta_is_described_and_no_other(story):
    part = SCHEMA_README.read_text().split("#### Keys of `meta`")[1].split("\n### ")[0]
    keys = sorted(key for key, in story.query("SELECT key FROM meta"))
    assert sorted(re.findall(r"^\| `(\w+)` \|", part, re.M)) == keys


def test_there_are_at_least_ten_worked_questions():
    assert len({title for title, _, _ in questions()}) >= QUESTIONS_MIN


@pytest.mark.parametrize("sql, printed", [pytest.param(*rest, id=title) for title, *rest in questions()])
def test_a_worked_question_gives_the_printed_answer(story, sql, printed):
    reply = story.call("sql", query=sql)
    columns, rows = answer(printed)
    assert columns == reply["columns"]
    if columns[0] == "hour":  # the story may lie within one hour or two: then only the sums are the same
        columns = columns[1:]
        rows = [{column: str(sum(int(row[column]) for row in rows)) for column in columns}]
        reply["rows"] = [[sum(cells) for cells in list(zip(*reply["rows"]))[1:]]]
    assert len(rows) == len(reply["rows"]) > 0
    for expected, row in zip(rows, reply["rows"]):
        for column, cell in zip(columns, row):
            if not VARIES.search(column):
                assert expected[column] == ("-" if cell is None else str(cell)), column


def test_every_statement_runs_in_any_tool_on_the_live_file(story):
    for _, sql in [block for block in fences(SCHEMA_README.read_text()) if block[0] == "sql"]:
        for statement in filter(str.strip, re.sub(r"--.*", "", sql).split(";")):
            story.query(statement)


# --- the log, checked in SQL ----------------------------------------------------------------------


def extension():
    if is_sanitized():
        pytest.skip("the plain sqlite3 shell cannot load a sanitized extension")
    path = BUILD / ".libs" / "layerd_sqlite.so"
    assert path.exists(), "the loadable extension was not built: %s" % path
    return path.with_suffix("")


def one_statement():
    """The statement of schema/README.md that checks the whole log."""
    (statement,) = re.findall(r"<<'SQL'\n(.*?)^SQL$", SCHEMA_README.read_text(), re.S | re.M)
    return statement


def recipes():
    """The statements of contrib/sqlite/README.md for the chain and for the checkpoints."""
    return [sql for language, sql in fences(EXTENSION_README.read_text()) if language == "sql"][:2]


def shell(database, statement):
    """Rows as {column: value}, by the sqlite3 shell with the extension."""
    done = subprocess.run(
        ["sqlite3", "-readonly", "-json", str(database), "-cmd", ".load %s" % extension(), statement],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert done.returncode == 0 and not done.stderr, done.stderr
    return json.loads(done.stdout or "[]")


def verdict(path):
    (row,) = shell(path, one_statement())
    return row


@pytest.fixture
def copy(story, tmp_path):
    """A copy of the story's database that may be tampered with."""
    wait_for_checkpoint(story)
    path = tmp_path / "copy.sqlite3"
    source, target = story.database(), sqlite3.connect(path)
    source.backup(target)
    source.close()
    for (trigger,) in target.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
        target.execute("DROP TRIGGER " + trigger)
    target.commit()
    yield target, path
    target.close()


def wait_for_checkpoint(node):
    """A checkpoint covers events within 10 s of them: the whole story."""
    wait_until(lambda: node.query("SELECT coalesce(max(size), 0) FROM checkpoint")[0][0] >= node.told, "a checkpoint")


def test_the_one_statement_finds_a_log_that_is_whole(story):
    wait_for_checkpoint(story)
    row = verdict(story.database_path)
    assert (row["wrong"], row["root_is_signed"]) == (0, 1)
    assert row["events"] == story.query("SELECT max(seq) FROM event")[0][0]
    report = story.call("verify", until=row["signed"])
    assert row["root"] == report["root"]
    printed = SCHEMA_README.read_text().split("\nSQL\n```\n```text\n")[1].split("```")[0]
    assert re.findall(r"^ *(\w+) = ", printed, re.M) == list(row)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE event SET body = replace(body, '25000', '25001') WHERE seq = 6",
        "UPDATE event SET time_us = time_us + 1 WHERE seq = 5",
        "UPDATE event SET subject = NULL WHERE seq = 6",
        "UPDATE event SET last = 1 - last WHERE seq = 6",
        "DELETE FROM event WHERE seq = 4",
    ],
    ids=["body", "time", "subject", "last", "deleted"],
)
def test_the_one_statement_finds_a_changed_event(story, copy, change):
    database, path = copy
    assert verdict(path)["wrong"] == 0
    assert database.execute(change).rowcount == 1
    database.commit()
    assert verdict(path)["wrong"] > 0


def test_the_one_statement_finds_a_log_rewritten_after_it_was_signed(story, copy):
    database, path = copy
    (node_id,) = database.execute("SELECT value FROM meta WHERE key = 'log_node_id'").fetchone()
    previous, changed = chain.genesis(node_id), False
    for row in list(chain.rows(database)):
        values = list(row[:-1])
        if values[0] == 6:
            values[5], changed = values[5].replace("25000", "25001"), True
        previous = chain.event_hash(previous, *values)
        database.execute(
            "UPDATE event SET body = ?, hash = ? WHERE seq = ?", (values[5], previous, values[0])
        )
    database.commit()
    assert changed
    row = verdict(path)
    assert (row["wrong"], row["root_is_signed"]) == (0, 0)


def test_the_recipes_of_the_extension_answer_nothing_for_a_whole_log(story):
    wait_for_checkpoint(story)
    for recipe in recipes():
        assert shell(story.database_path, recipe) == [], recipe


def test_the_recipes_of_the_extension_name_what_was_changed(story, copy):
    database, path = copy
    database.execute("UPDATE event SET hash = zeroblob(32) WHERE seq = 6")
    database.commit()
    chain_recipe, checkpoint_recipe = recipes()
    assert [row["seq"] for row in shell(path, chain_recipe)] == [6, 7]
    assert shell(path, checkpoint_recipe)


def test_the_extension_readme_names_every_function_and_no_other():
    source = (ROOT / "contrib" / "sqlite" / "layerd_sqlite.c").read_text()
    made = set(re.findall(r'^\s*\{ "(\w+)", \d', source, re.M))
    made.update(re.findall(r'sqlite3_create_window_function\(database, "(\w+)"', source))
    table = [line for line in EXTENSION_README.read_text().splitlines() if line.startswith("| `")]
    assert set(re.findall(r"`(\w+)\(", "".join(table))) == made


# --- README.md and the rooms ----------------------------------------------------------------------


def shown_commands(text):
    """Every layer-cli command in console and shell fences, as words; continued lines are joined."""
    for language, content in fences(text):
        if language not in ("console", "sh", "bash", "shell"):
            continue
        for line in re.sub(r"\\\n\s*", " ", content).splitlines():
            line = re.sub(r"^\$ ", "", line.strip())
            if re.match(r"(build/|\./)?layer-cli( |$)", line):
                yield shlex.split(line, comments=True)[1:]


def known_words(node):
    """Words of layer-cli itself, from its table of words, and the node's methods."""
    words = set(re.findall(r'^    \{ "([a-z]+)",', (ROOT / "src" / "cli" / "words.c").read_text(), re.M))
    return words | {method["name"] for method in node.call("rpc.discover")["methods"]}


def first_word(arguments):
    """The command's word: what comes first after options and their values."""
    valued = {"--directory", "--network", "--timeout", "--passphrase-file"}
    arguments = iter(arguments)
    for argument in arguments:
        if argument in valued:
            next(arguments, None)
        elif not argument.startswith("-"):
            return argument
    return None


@pytest.mark.parametrize("path", [TOP_README, SCHEMA_README], ids=place)
def test_every_command_shown_names_a_word_or_a_method_that_exists(story, path):
    known, shown = known_words(story), [first_word(words) for words in shown_commands(path.read_text())]
    assert shown, "%s shows no command" % path
    assert [word for word in shown if word is not None and word not in known] == []


def test_every_room_has_a_readme_that_says_what_it_is():
    for room in sorted(path for path in (ROOT / "src").rglob("*") if path.is_dir()):
        if any(room.glob("*.c")):
            readme = room / "README.md"
            assert readme.exists(), "no README.md in src/%s" % room.name
            assert readme.read_text().startswith("# "), room.name
            assert len(readme.read_text().split()) > 50, "src/%s/README.md says next to nothing" % room.name


@pytest.mark.parametrize("path", [TOP_README, SCHEMA_README, EXTENSION_README], ids=place)
def test_every_relative_link_leads_somewhere(path):
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text()):
        assert (path.parent / target).exists(), target


# --- errors and exports ---------------------------------------------------------------------------


def error_ranges():
    """The ranges that the head of errors.def names, [(from, to)]: each runs up to the next."""
    head = re.sub(r"\s+\*\s+", " ", ERRORS_DEF.read_text().split("*/")[0])
    starts = sorted(int(number) for number in re.findall(r"[:·]\s+(\d{4}) ", head.split("Ranges")[1]))
    assert starts, "errors.def names no ranges"
    ends = [
        min(start - start % 100 + (100 if start % 1000 else 1000), after)
        for start, after in zip(starts, starts[1:] + [10**6])
    ]
    return [(-32768, -31999)] + list(zip(starts, ends))


def declared_errors():
    return [
        (name, int(code))
        for name, code in re.findall(r"^ERROR\((\w+),\s*(-?\d+),", ERRORS_DEF.read_text(), re.M)
    ]


def test_error_names_and_codes_are_unique():
    errors = declared_errors()
    assert len(errors) > 30
    assert len({name for name, _ in errors}) == len({code for _, code in errors}) == len(errors)


def test_error_codes_lie_within_the_documented_ranges():
    ranges = error_ranges()
    for name, code in declared_errors():
        assert any(first <= code < after for first, after in ranges), (name, code)


@pytest.mark.parametrize(
    "option, name", [("--print-openrpc", "rpc.json"), ("--print-events-schema", "events.json")]
)
def test_the_exported_documents_are_what_the_binary_exports(option, name, tmp_path):
    done = subprocess.run(
        [str(LAYERD), option], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(tmp_path)
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == json.loads((ROOT / "schema" / name).read_text())
