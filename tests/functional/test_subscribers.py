"""A hundred subscribers that stall, break off and come back at random: each sees every matching event once,
in order.
"""

import fnmatch
import json
import os
import random
import selectors
import socket
import threading
import time

from layerd_client import Account, is_event, seq_of

SUBSCRIBERS = 100
EVENTS = 3000
FILTERS = [None, ["ledger.*"], ["ledger.transferred"], ["dev.*"], ["ledger.asset_*", "dev.faucet_paid"]]


class Reader:
    """One subscriber: its filter, what it saw, and its present connection."""

    def __init__(self, node, number, luck):
        self.node, self.number, self.luck = node, number, luck
        self.types = FILTERS[number % len(FILTERS)]
        self.lines = []
        self.position = 0
        self.asleep_until = 0.0
        self.connection = None

    def connect(self):
        self.connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        if self.number % 3 == 0:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.connection.connect(str(self.node.events_path))
        params = {"from": {"after": self.position}}
        if self.types:
            params["types"] = self.types
        request = {"jsonrpc": "2.0", "id": 1, "method": "subscribe", "params": params}
        self.connection.sendall(json.dumps(request).encode() + b"\n")
        self.connection.setblocking(False)
        self.rest = b""

    def disconnect(self):
        self.connection.close()
        self.connection = None

    def take(self):
        try:
            data = self.connection.recv(self.luck.choice((64, 1000, 65536)))
        except BlockingIOError:
            return
        assert data, "the node closed subscriber %d" % self.number
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            if is_event(line):
                self.lines.append(line)
                self.position = seq_of(line)
            elif b'"progress"' in line or b'"caught_up"' in line:
                message = json.loads(line)
                self.position = max(self.position, message.get("progress", 0), message.get("caught_up", 0))
            else:
                message = json.loads(line)
                assert "error" not in message and "lost" not in message and "end" not in message, line


def work(node, alice, bob):
    connection = node.rpc()
    requests = []
    for number in range(EVENTS):
        kind = number % 10
        if kind == 0:
            signed = node.signed(alice, "dev.faucet", amount=1)
        elif kind == 1 and number % 100 == 1:
            signed = node.signed(alice, "ledger.issue", symbol="A%d" % number, amount=1)
        else:
            signed = node.signed(
                alice, "ledger.transfer", to=bob.address, asset="GOLD", amount=1, memo="n%d" % number
            )
        requests.append(("transaction.submit", signed))
    for start in range(0, EVENTS, 300):
        for result in connection.pipeline(requests[start : start + 300], ahead=50):
            assert isinstance(result, dict), result
        time.sleep(0.02)


def test_a_hundred_restless_subscribers_each_see_every_matching_event_once_in_order(node):
    seed = int(os.environ.get("LAYERD_TEST_SEED", str(random.randrange(2**32))))
    print("seed %d" % seed)
    luck = random.Random(seed)
    alice, bob = Account("alice"), Account("bob")
    node.issue(alice, "GOLD", 10_000_000)
    readers = [Reader(node, number, luck) for number in range(SUBSCRIBERS)]
    for reader in readers:
        reader.connect()
    failures = []

    def worker():
        try:
            work(node, alice, bob)
        except BaseException as failure:  # pylint: disable=broad-except
            failures.append(failure)

    thread = threading.Thread(target=worker)
    thread.start()
    end = time.monotonic() + 300  # all that is sent is signed first, in plain Python
    newest = None
    restless = True
    while True:
        now = time.monotonic()
        assert now < end, "behind: %s of %s" % (sorted(reader.position for reader in readers)[:5], newest)
        if newest is None and not thread.is_alive():
            assert not failures, failures
            newest = node.call("node.info")["head"]
            restless = False
        selector = selectors.DefaultSelector()
        for reader in readers:
            if reader.connection is None:
                reader.connect()
            if not restless or reader.asleep_until <= now:
                selector.register(reader.connection, selectors.EVENT_READ, reader)
        for key, _ in selector.select(0.01):
            reader = key.data
            reader.take()
            if restless:
                chance = luck.random()
                if chance < 0.01:
                    reader.disconnect()
                elif chance < 0.03:
                    reader.asleep_until = now + luck.random() * 0.3
        selector.close()
        if newest is not None and all(reader.position >= newest for reader in readers):
            break
    thread.join()

    stream = node.events()
    stream.subscribe(**{"from": "first"})
    stored = stream.event_lines(newest)
    assert [seq_of(line) for line in stored] == list(range(1, newest + 1))
    types = [json.loads(line)["type"] for line in stored]
    for reader in readers:
        expected = [
            line
            for line, name in zip(stored, types)
            if reader.types is None or any(fnmatch.fnmatchcase(name, glob) for glob in reader.types)
        ]
        seen = [line for line in reader.lines if seq_of(line) <= newest]
        assert seen == expected, "subscriber %d, seed %d" % (reader.number, seed)
    for reader in readers:
        if reader.connection is not None:
            reader.disconnect()
