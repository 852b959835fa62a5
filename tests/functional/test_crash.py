"""kill -9 at random moments: nothing that was acknowledged or streamed is lost, and all that is stored
agrees.

CRASH_ROUNDS sets how often (default 25; `make check-crash` runs 1,000); LAYERD_TEST_SEED repeats a run.
"""

import json
import os
import random
import sqlite3
import threading
import time

from layerd_client import Account, CallError, Closed, Events, Rpc, is_event, seq_of, transaction_id
from node import SECOND
from reference import chain, merkle, note
from test_escrow import HASH, PREIMAGE
from test_ledger import assert_conserved

ROUNDS = int(os.environ.get("CRASH_ROUNDS", "25"))
CLIENTS = 3
GONE = (Closed, OSError, TimeoutError)


class Client(threading.Thread):
    """Submits until the node goes away; keeps what was answered, and what was sent and not answered."""

    def __init__(self, node, number, luck):
        super().__init__(daemon=True)
        self.node, self.luck = node, random.Random(luck.random())
        self.account, self.friend = Account("client %d" % number), Account(
            "client %d" % ((number + 1) % CLIENTS)
        )
        self.answered, self.open, self.failure = [], {}, None
        self.escrows = []

    def make(self):
        kind = self.luck.randrange(10)
        if kind == 0:
            return self.node.signed(self.account, "dev.faucet", amount=self.luck.randrange(1, 50))
        if kind == 1:
            return self.node.signed(
                self.account,
                "ledger.lock",
                to=self.friend.address,
                asset="GOLD",
                amount=1,
                hash=HASH,
                timeout=self.luck.choice(("30ms", "1s", "1h")),
            )
        if kind == 2 and self.escrows:
            return self.node.signed(
                self.friend, "ledger.claim", escrow=self.escrows.pop(), preimage=PREIMAGE.hex()
            )
        if kind == 3:
            return self.node.signed(
                self.account,
                "ledger.transfer_batch",
                transfers=[{"to": self.friend.address, "asset": "GOLD", "amount": 1}]
                * self.luck.randrange(1, 20),
            )
        if kind == 4:
            return self.node.signed(
                self.account, "ledger.transfer", to=self.friend.address, asset="GOLD", amount=2**52
            )
        return self.node.signed(
            self.account, "ledger.transfer", to=self.friend.address, asset="GOLD", amount=1
        )

    def run(self):
        try:
            with Rpc(self.node.rpc_path) as rpc:
                numbers = {}
                while True:
                    for _ in range(self.luck.randrange(1, 12)):
                        signed = self.make()
                        number = next(rpc.ids)
                        numbers[number] = signed
                        self.open[number] = signed
                        rpc.send(
                            json.dumps(
                                {
                                    "jsonrpc": "2.0",
                                    "id": number,
                                    "method": "transaction.submit",
                                    "params": signed,
                                }
                            ).encode()
                            + b"\n"
                        )
                    while numbers:
                        reply = rpc.read()
                        signed = numbers.pop(reply["id"])
                        del self.open[reply["id"]]
                        if "result" in reply:
                            self.answered.append((signed, reply["result"]))
                            if signed["transaction"]["method"] == "ledger.lock":
                                self.escrows.append(reply["result"]["result"]["escrow"])
        except GONE:
            pass
        except BaseException as failure:  # pylint: disable=broad-except
            self.failure = failure


class Watcher(threading.Thread):
    """Follows the stream through a cursor, acknowledging at random; keeps lines and acknowledgements."""

    def __init__(self, node, luck):
        super().__init__(daemon=True)
        self.node, self.luck = node, random.Random(luck.random())
        self.lines, self.sent, self.confirmed, self.failure = [], 0, 0, None

    def run(self):
        try:
            with Events(self.node.events_path) as stream:
                sub = stream.subscribe(**{"from": {"cursor": "watcher"}, "ack": "manual"})["sub"]
                waiting = {}
                while True:
                    line = stream.read_line()
                    if is_event(line):
                        self.lines.append(line)
                        if not waiting and self.luck.random() < 0.05:
                            self.sent = max(self.sent, seq_of(line))
                            waiting[stream.send_request("ack", sub=sub, seq=self.sent)] = self.sent
                    elif b'"id"' in line:
                        message = json.loads(line)
                        assert "result" in message, message
                        self.confirmed = max(self.confirmed, waiting.pop(message["id"]))
        except GONE:
            pass
        except BaseException as failure:  # pylint: disable=broad-except
            self.failure = failure


def check_answered(node, clients):
    """Each acknowledged transaction is there with the same result; unanswered ones happened once or not at
    all.
    """
    requests = [
        ("transaction.get", {"id": result["transaction"]})
        for client in clients
        for _, result in client.answered
    ]
    expected = [result for client in clients for _, result in client.answered]
    for found, result in zip(node.main.pipeline(requests), expected):
        assert isinstance(found, dict), "acknowledged and lost: %s %s" % (result, found)
        assert found["result"] == result["result"] and found["block"] == result["block"]
    again = [("transaction.submit", signed) for client in clients for signed, _ in client.answered[-5:]]
    for reply, (signed, first) in zip(
        node.main.pipeline(again), [pair for client in clients for pair in client.answered[-5:]]
    ):
        assert reply == dict(first, repeated=True)
    unanswered = [signed for client in clients for signed in client.open.values()]
    stored = {row[0] for row in node.query("SELECT id FROM signed_transaction")}
    for reply, signed in zip(
        node.main.pipeline([("transaction.submit", signed) for signed in unanswered]), unanswered
    ):
        happened = transaction_id(signed["transaction"]) in stored
        if isinstance(reply, CallError):
            assert not happened, "stored, but refused when it came again: %s" % reply
        else:
            assert reply["repeated"] == happened


def check_streamed(node, watcher):
    """Each line that left the node is in the log with the same bytes."""
    if not watcher.lines:
        return
    first, last = seq_of(watcher.lines[0]), seq_of(watcher.lines[-1])
    stream = node.events()
    stream.subscribe(**{"from": {"after": first - 1}})
    assert stream.event_lines(last) == watcher.lines
    stream.close()


def check_cursor(node, watcher, before):
    listed = node.events().call("cursor.list")
    cursors = listed.get("items", listed.get("cursors")) if isinstance(listed, dict) else listed
    position = [cursor for cursor in cursors if cursor["name"] == "watcher"][0]["acknowledged"]
    assert max(before, watcher.confirmed) <= position <= max(before, watcher.sent)
    return position


def check_rows(node):
    """The whole log by our own code, and rows against events."""
    database = node.database()
    hashes = chain.verify(database, node.call("node.info")["node_id"])
    verifier = note.Verifier(node.call("node.info")["verifier"])
    leaves = [merkle.leaf(value) for value in hashes]
    size, root, text = database.execute(
        "SELECT size, root, note FROM checkpoint ORDER BY size DESC"
    ).fetchone()
    assert note.checkpoint(text, verifier)[1:] == (size, root) and merkle.root(leaves[:size]) == root
    for sql, meaning in (
        ("SELECT seq FROM posting WHERE seq NOT IN (SELECT seq FROM event)", "a posting without its event"),
        (
            "SELECT id FROM signed_transaction"
            " WHERE (SELECT count(*) FROM event WHERE seq BETWEEN first_seq AND last_seq)"
            " <> max(last_seq - first_seq + 1, 0)",
            "a transaction without its events",
        ),
        (
            "SELECT seq FROM event e WHERE type = 'ledger.transferred' AND NOT EXISTS"
            " (SELECT 1 FROM posting p WHERE p.seq = e.seq)",
            "a transfer without its posting",
        ),
        (
            "SELECT b.height FROM block b JOIN block a ON a.height = b.height - 1 WHERE b.previous <> a.hash",
            "blocks that do not chain",
        ),
        (
            "SELECT id FROM escrow WHERE (state = 'locked') <> (closed_seq IS NULL)",
            "a closed escrow without its event",
        ),
    ):
        assert database.execute(sql).fetchall() == [], meaning
    assert database.execute("PRAGMA quick_check").fetchone() == ("ok",)
    database.close()


def replay_equal(node):
    stream = node.events()
    stream.subscribe(**{"from": "now", "types": ["replay.completed"]})
    node.call("replay")
    (event,) = stream.events(1, timeout=120)
    stream.close()
    assert event["data"]["equal"] is True, event
    return event


def test_kill_9_at_random_points_loses_nothing_that_was_acknowledged_or_streamed(node):
    seed = int(os.environ.get("LAYERD_TEST_SEED", str(random.randrange(2**32))))
    print("seed %d, %d rounds" % (seed, ROUNDS))
    luck = random.Random(seed)
    owner = Account("client 0")
    node.issue(owner, "GOLD", 1_000_000)
    for number in range(1, CLIENTS):
        node.transfer(owner, Account("client %d" % number), "GOLD", 300_000)
    node.events().call("cursor.create", name="watcher", **{"from": "first"})
    position = acknowledged = 0
    for number in range(ROUNDS):
        clients = [Client(node, index, luck) for index in range(CLIENTS)]
        watcher = Watcher(node, luck)
        for thread in (*clients, watcher):
            thread.start()
        time.sleep(luck.choice((0.0, 0.002, 0.02, 0.08, 0.2)) * luck.random() + 0.002)
        node.kill()
        for thread in (*clients, watcher):
            thread.join(30)
            assert not thread.is_alive() and thread.failure is None, thread.failure
        if number % 5 == 4:  # sometimes a second crash, during the start itself
            node.launch()
            time.sleep(luck.random() * 0.05)
            node.kill()
        node.start()
        acknowledged += sum(len(client.answered) for client in clients)
        check_answered(node, clients)
        check_streamed(node, watcher)
        position = check_cursor(node, watcher, position)
        if number % 5 == 0 or number == ROUNDS - 1:
            assert_conserved(node)
            assert node.call("verify", after=0)["ok"] is True
        if number % 10 == 9:  # the watcher need not read the whole log again in each of 1,000 rounds
            position = node.query("SELECT max(seq) FROM event")[0][0]
            node.events().call("cursor.set", name="watcher", seq=position)
        if number % 100 == 24 or number == ROUNDS - 1:
            check_rows(node)
            replay_equal(node)
    print("%d transactions acknowledged" % acknowledged)
    assert acknowledged > ROUNDS


def test_a_crash_is_recorded_and_an_orderly_stop_too(node):
    node.crash()
    node.restart()
    rows = node.query("SELECT body ->> 'clean' FROM event WHERE type = 'node.started' ORDER BY seq")
    assert [clean for clean, in rows] == [1, 0, 1]


def test_block_hashes_are_equal_after_a_restart_and_by_replay(node, alice, bob):
    node.issue(alice, "GOLD", 1000)
    escrow = node.submit(
        alice, "ledger.lock", to=bob.address, asset="GOLD", amount=5, hash=HASH, timeout="1h"
    )
    node.submit(alice, "ledger.lock", to=bob.address, asset="GOLD", amount=7, hash=HASH, timeout="2h")
    node.submit(bob, "ledger.claim", escrow=escrow["result"]["escrow"], preimage=PREIMAGE.hex())
    node.advance(alice, 3 * 3600 * SECOND)
    for _ in range(10):
        node.transfer(alice, bob, "GOLD", 1)
    before = node.query("SELECT height, hash FROM block ORDER BY height")
    event = replay_equal(node)
    assert event["data"]["transactions"] == node.query("SELECT count(*) FROM signed_transaction")[0][0]
    node.restart()
    assert node.query("SELECT height, hash FROM block ORDER BY height")[: len(before)] == before
    replay_equal(node)


def test_replay_finds_a_base_row_that_was_changed_behind_the_nodes_back(node, alice, bob):
    node.issue(alice, "GOLD", 1000)
    node.transfer(alice, bob, "GOLD", 1)
    node.terminate()
    database = sqlite3.connect(node.database_path, isolation_level=None)
    database.execute("UPDATE balance SET amount = amount + 1 WHERE account = ?", (bob.public,))
    database.close()
    node.start()
    stream = node.events()
    stream.subscribe(**{"from": "now", "types": ["replay.completed"]})
    node.expect_error(".")
    node.call("replay")
    (event,) = stream.events(1, timeout=60)
    assert event["data"]["equal"] is False and event["data"]["difference"]
    assert node.call("audit")["ok"] is False
