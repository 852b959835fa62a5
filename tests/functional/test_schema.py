"""The exported documents are what the binary exports, and describe what it does."""

import json
import re
import subprocess

import pytest

from layerd_client import CallError
from node import LAYERD, ROOT, environment
from reference.schema import Schema, validate_event

ERRORS = re.compile(r"ERROR\(([A-Z_0-9]+),\s*(-?\d+),")
EVENTS = re.compile(r'EVENT\(\w+,\s*"([a-z_.]+)",\s*(\d+),')


def declared_events():
    return {
        name: int(version)
        for name, version in EVENTS.findall((ROOT / "include" / "layerd" / "events.def").read_text())
    }


def declared_errors():
    return {
        name.lower(): int(code)
        for name, code in ERRORS.findall((ROOT / "include" / "layerd" / "errors.def").read_text())
    }


def test_rpc_discover_is_schema_rpc_json(shared):
    assert shared.call("rpc.discover") == json.loads((ROOT / "schema" / "rpc.json").read_text())


@pytest.mark.parametrize(
    "option, name", [("--print-openrpc", "rpc.json"), ("--print-events-schema", "events.json")]
)
def test_the_binary_prints_the_document_in_the_tree(option, name, tmp_path):
    done = subprocess.run(
        [str(LAYERD), option],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        timeout=60,
        env=environment(tmp_path),
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == (ROOT / "schema" / name).read_bytes()


def test_every_method_has_a_name_params_and_result_and_a_summary():
    document = json.loads((ROOT / "schema" / "rpc.json").read_text())
    assert document["openrpc"].startswith("1.")
    assert document["info"]["title"] and document["info"]["version"]
    names = [method["name"] for method in document["methods"]]
    assert len(names) == len(set(names)) > 40
    for method in document["methods"]:
        assert method.get("summary") or method.get("description"), method["name"]
        for param in method["params"]:
            assert (
                param["name"] and "schema" in param and (param.get("description") or param.get("summary"))
            ), method["name"]


def test_every_method_of_the_document_exists_and_no_other(shared):
    document = shared.call("rpc.discover")
    for method in document["methods"]:
        if method["name"] == "stop":
            continue
        with pytest.raises(CallError) as caught:
            shared.call(method["name"], {"no such parameter": 1})
        assert caught.value.code != -32601, method["name"]
    for name in (
        "transaction.submit",
        "transaction.get",
        "transaction.list",
        "block.get",
        "block.list",
        "deadline.list",
        "effect.list",
        "effect.get",
        "sql",
        "audit",
        "verify",
        "replay",
        "help",
        "rpc.discover",
        "node.info",
        "node.status",
        "node.log",
        "stop",
        "backup",
        "dev.advance_time",
        "dev.faucet",
        "ledger.issue",
        "ledger.mint",
        "ledger.burn",
        "ledger.describe",
        "ledger.transfer",
        "ledger.transfer_batch",
        "ledger.lock",
        "ledger.claim",
        "ledger.balance",
        "ledger.statement",
        "ledger.asset",
        "ledger.assets",
        "ledger.account",
        "ledger.accounts",
        "ledger.escrow",
        "ledger.escrows",
        "ledger.domains",
        "wallet.create",
        "wallet.unlock",
        "wallet.lock",
        "wallet.status",
        "wallet.new",
        "wallet.list",
        "wallet.import",
        "wallet.export",
        "wallet.remove",
    ):
        assert name in {method["name"] for method in document["methods"]}, name


def test_help_knows_every_method_of_the_document(shared):
    overview = json.dumps(shared.call("help"))
    for method in shared.call("rpc.discover")["methods"]:
        assert method["name"] in overview
        text = json.dumps(shared.call("help", {"method": method["name"]}))
        assert method["name"] in text
        for param in method["params"]:
            assert param["name"] in text, (method["name"], param["name"])


def test_the_event_schema_names_every_declared_event():
    text = (ROOT / "schema" / "events.json").read_text()
    for name in declared_events():
        assert '"%s"' % name in text, name


def test_the_event_schema_refuses_what_is_no_event(shared, alice):
    schema = Schema(json.loads((ROOT / "schema" / "events.json").read_text()))
    shared.issue(alice, "GOLD", 5)
    stream = shared.events()
    stream.subscribe(**{"from": "first", "types": ["ledger.asset_issued"]})
    (event,) = stream.events(1)
    validate_event(schema, event)
    for change in (
        {"seq": "1"},
        {"type": "ledger.unknown"},
        {"hash": "00"},
        {"data": {}},
        {"v": 99},
        {"data": dict(event["data"], amount="5")},
        {"data": dict(event["data"], surprising=1)},
    ):
        with pytest.raises(AssertionError):
            validate_event(schema, dict(event, **change))
    for member in ("seq", "block", "ts", "type", "v", "data", "last", "hash"):
        with pytest.raises(AssertionError):
            validate_event(schema, {name: value for name, value in event.items() if name != member})


def test_error_codes_and_names_are_those_of_errors_def(shared):
    codes = declared_errors()
    assert len(set(codes.values())) == len(codes)
    for method, params, name in (
        ("no.such", {}, "method_not_found"),
        ("block.get", {"height": 10**9}, "not_found"),
        ("block.get", {"height": "x"}, "invalid_params"),
        ("sql", {"query": "DELETE FROM event"}, "sql"),
        ("ledger.asset", {"asset": "NONE"}, "asset_not_found"),
        ("ledger.escrow", {"escrow": "00" * 32}, "escrow_not_found"),
    ):
        with pytest.raises(CallError) as caught:
            shared.call(method, params)
        assert (caught.value.name, caught.value.code) == (name, codes[name])
        assert caught.value.data["meaning"]


def test_every_table_column_and_view_is_described_for_people(shared):
    text = (ROOT / "schema" / "README.md").read_text()
    for kind, name in shared.query(
        "SELECT type, name FROM sqlite_schema WHERE type IN ('table', 'view')" " AND name NOT LIKE 'sqlite_%'"
    ):
        assert name in text, "%s %s is not in schema/README.md" % (kind, name)
        for (column,) in shared.query("SELECT name FROM pragma_table_info(?)", name):
            assert column in text, "%s.%s is not in schema/README.md" % (name, column)


def test_the_worked_questions_of_the_schema_readme_all_run(shared):
    text = (ROOT / "schema" / "README.md").read_text()
    questions = [block for block in re.findall(r"```sql\n(.*?)```", text, re.S)]
    assert len(questions) >= 10
    for question in questions:
        statement = re.sub(r"--.*", "", question).strip()
        if "load_extension" in statement or statement.startswith("."):
            continue
        for part in filter(str.strip, statement.split(";")):
            shared.query(part)


@pytest.mark.parametrize("values", [[], ["x"], ["-1"], [""]], ids=repr)
def test_numbers_that_are_text_are_refused(shared, values):
    with pytest.raises(CallError) as caught:
        shared.call("block.get", height=values)
    assert caught.value.code == -32602
