"""Who may call what: the operator is the node's own user, root, or a listed uid; all others get public
methods alone.
"""

import json
import os
import stat
import subprocess
import sys

import pytest

from layerd_client import CallError
from node import environment

STRANGER = 54321

CLIENT = r"""
import json, os, sys
os.setgroups([])
os.setuid(int(sys.argv[1]))
sys.path.insert(0, sys.argv[2])
from layerd_client import Rpc, Events, CallError
answers = []
for socket, method, params in json.load(sys.stdin):
    kind, name = (Rpc, "/layerd.sock") if socket == "rpc" else (Events, "/events.sock")
    connection = kind(sys.argv[3] + name)
    try:
        call = connection.call(method, params) if socket == "rpc" else connection.call(method, **params)
        answers.append(["ok", call])
    except CallError as error:
        answers.append([error.name, error.message])
    connection.close()
json.dump(answers, sys.stdout)
"""


def calls_as(uid, node, *calls):
    """Each (socket, method, params) called by a process of this uid, in the node's group: ["ok", result] or
    [the error's name, its message].
    """
    done = subprocess.run(
        [
            sys.executable,
            "-B",
            "-c",
            CLIENT,
            str(uid),
            os.path.dirname(os.path.abspath(__file__)),
            str(node.directory),
        ],
        input=json.dumps(calls),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env=environment(node.home),
    )
    return json.loads(done.stdout)


needs_root = pytest.mark.skipif(os.getuid() != 0, reason="changing uid needs root")


@pytest.fixture
def open_house(node):
    """A node whose directory lets its group in."""
    os.chmod(node.directory, 0o750)
    return node


OPERATOR_CALLS = [
    ("stop", {}),
    ("backup", {"to": "/tmp/never-made.sqlite3"}),
    ("replay", {}),
    ("wallet.status", {}),
    ("wallet.list", {}),
    ("wallet.lock", {}),
    ("wallet.create", {"passphrase": "x"}),
    ("wallet.unlock", {"passphrase": "x"}),
    ("wallet.new", {"name": "x"}),
    ("wallet.export", {"name": "x", "passphrase": "x"}),
    ("wallet.remove", {"name": "x"}),
    ("node.log", {"levels": "trace"}),
]


@needs_root
def test_a_stranger_is_denied_every_operator_method(open_house):
    answers = calls_as(STRANGER, open_house, *[("rpc", method, params) for method, params in OPERATOR_CALLS])
    assert [(call[0], answer[0]) for call, answer in zip(OPERATOR_CALLS, answers)] == [
        (call[0], "denied") for call in OPERATOR_CALLS
    ]
    assert open_house.call("node.info")
    assert not os.path.exists("/tmp/never-made.sqlite3")


@needs_root
def test_a_stranger_may_query_and_submit_signed_transactions(open_house, alice):
    signed = open_house.signed(alice, "ledger.issue", symbol="GOLD", amount=5)
    answers = calls_as(
        STRANGER,
        open_house,
        ("rpc", "node.info", {}),
        ("rpc", "transaction.submit", signed),
        ("rpc", "ledger.balance", {"account": alice.address}),
        ("rpc", "sql", {"query": "SELECT 1 AS one"}),
        ("rpc", "help", {}),
        ("rpc", "rpc.discover", {}),
        ("rpc", "ledger.assets", {}),
    )
    assert [name for name, _ in answers] == ["ok"] * 7


@needs_root
def test_a_stranger_may_not_sign_with_the_nodes_keys(open_house):
    open_house.call("wallet.create", passphrase="a long passphrase")
    open_house.call("wallet.new", name="alice")
    answers = calls_as(STRANGER, open_house, ("rpc", "dev.faucet", {"from": "alice"}))
    assert answers[0][0] == "denied"
    assert open_house.call("dev.faucet", {"from": "alice"})["repeated"] is False


@needs_root
def test_a_stranger_may_read_the_event_stream_but_not_verify(open_house):
    open_house.restart()  # so that there is a signed checkpoint
    answers = calls_as(
        STRANGER,
        open_house,
        ("events", "head", {}),
        ("events", "subscribe", {"from": "first"}),
        ("events", "events.get", {"after": 0, "limit": 1}),
        ("events", "checkpoint.get", {}),
        ("events", "verify", {}),
    )
    assert [name for name, _ in answers[:4]] == ["ok"] * 4
    assert answers[4][0] == "denied"


@needs_root
def test_a_cursor_belongs_to_the_uid_that_made_it(open_house):
    made = calls_as(STRANGER, open_house, ("events", "cursor.create", {"name": "mine", "from": "first"}))
    assert made[0][0] == "ok", made
    others = calls_as(
        STRANGER + 1,
        open_house,
        ("events", "cursor.set", {"name": "mine", "seq": 0}),
        ("events", "cursor.delete", {"name": "mine"}),
        ("events", "ack", {"cursor": "mine", "seq": 1}),
        ("events", "subscribe", {"from": {"cursor": "mine"}}),
    )
    assert [name for name, _ in others] == ["cursor_denied"] * 4
    owner = calls_as(
        STRANGER,
        open_house,
        ("events", "cursor.set", {"name": "mine", "seq": 0}),
        ("events", "subscribe", {"from": {"cursor": "mine"}}),
    )
    assert [name for name, _ in owner] == ["ok", "ok"]
    assert open_house.events().call("cursor.delete", name="mine") is not None  # the operator may


@needs_root
def test_one_uid_has_256_cursors_at_most_and_leaves_room_for_others(open_house):
    made = calls_as(
        STRANGER,
        open_house,
        *[("events", "cursor.create", {"name": "c%d" % number, "from": "first"}) for number in range(258)],
    )
    assert [name for name, _ in made] == ["ok"] * 256 + ["too_many"] * 2
    mine = calls_as(
        STRANGER,
        open_house,
        ("events", "cursor.delete", {"name": "c7"}),
        ("events", "cursor.create", {"name": "again", "from": "first"}),
        ("events", "cursor.create", {"name": "one-more", "from": "first"}),
    )
    assert [name for name, _ in mine] == ["ok", "ok", "too_many"]
    other = calls_as(STRANGER + 1, open_house, ("events", "cursor.create", {"name": "o", "from": "first"}))
    assert other[0][0] == "ok"
    operator = open_house.events()
    for number in range(258):
        operator.call("cursor.create", name="op%d" % number, **{"from": "first"})


@needs_root
def test_somebody_outside_the_group_cannot_open_the_sockets(open_house):
    for name in ("layerd.sock", "events.sock"):
        done = subprocess.run(
            [
                sys.executable,
                "-c",
                "import os, socket, sys\nos.setgroups([])\nos.setgid(54321)\n"
                "os.setuid(54321)\nsocket.socket(socket.AF_UNIX).connect(sys.argv[1])",
                str(open_house.directory / name),
            ],
            stderr=subprocess.PIPE,
            text=True,
        )
        assert done.returncode != 0 and "PermissionError" in done.stderr


def test_sockets_and_secrets_have_narrow_modes(node):
    node.call("wallet.create", passphrase="a long passphrase")
    node.call("wallet.new", name="alice")
    modes = {
        name: stat.S_IMODE(os.stat(node.directory / name).st_mode)
        for name in ("layerd.sock", "events.sock", "node.key", "keystore.json")
    }
    assert modes == {"layerd.sock": 0o660, "events.sock": 0o660, "node.key": 0o600, "keystore.json": 0o600}
    assert stat.S_IMODE(os.stat(node.directory).st_mode) & 0o007 == 0
    assert stat.S_IMODE(os.stat(node.database_path).st_mode) & 0o007 == 0


def test_internal_commands_cannot_be_called(shared):
    for method in ("effect.end", "effect.ended", "node.backup", "ledger.escrow.refund", "kernel.task"):
        with pytest.raises(CallError) as caught:
            shared.call(method)
        assert caught.value.code in (-32601, 2006)


@needs_root
def test_a_listed_uid_is_an_operator(nodes):
    node = nodes(settings=["--operator-uids=%d" % STRANGER]).start()
    os.chmod(node.directory, 0o750)
    listed = calls_as(STRANGER, node, ("rpc", "wallet.status", {}), ("rpc", "node.log", {"levels": "info"}))
    assert [name for name, _ in listed] == ["ok", "ok"]
    other = calls_as(STRANGER + 1, node, ("rpc", "wallet.status", {}))
    assert other[0][0] == "denied"
    assert calls_as(STRANGER, node, ("rpc", "stop", {}))[0][0] == "ok"
    assert node.wait() == 0
