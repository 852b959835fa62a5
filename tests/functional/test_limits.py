"""Bounds: slow and many clients, queues, and memory."""

import contextlib
import json
import os
import resource
import socket
import subprocess
import sys
import time

import pytest

from layerd_client import PATIENCE, CallError, Closed, Connection, Events, Rpc
from node import environment

MEBIBYTE = 1 << 20
STRANGERS = (54321, 54322)

# Many connections of one user to one socket, each of which sends as much of a text as it can and reads
# nothing. Tells how many were neither refused nor closed, whenever it is asked.
CROWD = r"""
import os, select, socket, sys
uid, path, count, text = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4].encode()
os.setgroups([])
os.setuid(uid)
crowd = []
for _ in range(count):
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.connect(path)
    connection.setblocking(False)
    crowd.append(connection)
    try:
        connection.send(text)
    except OSError:
        pass
print("ready", flush=True)
for _ in sys.stdin:
    poll = select.poll()
    for connection in crowd:
        poll.register(connection, 0)  # tells of hang-ups alone
    alive = len(crowd) - len(poll.poll(0))
    print(alive, flush=True)
"""


@contextlib.contextmanager
def crowd(uid, node, path, count, text=""):
    """Another user's many connections. What it gives counts those that are still open."""
    process = subprocess.Popen(
        [sys.executable, "-B", "-c", CROWD, str(uid), str(path), str(count), text],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment(node.home),
    )

    def alive():
        process.stdin.write("count\n")
        process.stdin.flush()
        return int(process.stdout.readline())

    try:
        assert process.stdout.readline() == "ready\n"
        yield alive
    finally:
        process.stdin.close()
        process.wait(PATIENCE)
        process.stdout.close()


def request(method, **params):
    return json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}) + "\n"


def settles(alive, count):
    """Refusals may still be under way."""
    end = time.monotonic() + PATIENCE
    while alive() != count:
        assert time.monotonic() < end, "%d are open, not %d" % (alive(), count)
        time.sleep(0.05)


def slowest(node, seconds):
    """The longest that a caller had to wait for either socket."""
    worst, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        begun = time.monotonic()
        with Rpc(node.rpc_path) as rpc:
            rpc.call("node.info")
        with Events(node.events_path) as events:
            events.call("events.get", after=0, limit=1)
        worst = max(worst, time.monotonic() - begun)
    return worst


def subsides(node, most):
    """What was sent before a connection was closed is still carried out, and takes its memory until then."""
    end = time.monotonic() + 15
    while node.resident_bytes() >= most:
        assert time.monotonic() < end, "%d MiB are kept" % (node.resident_bytes() // MEBIBYTE)
        time.sleep(0.2)


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can call as somebody else")


@needs_root
@pytest.mark.parametrize("name", ["layerd.sock", "events.sock"])
def test_clients_that_read_nothing_take_no_more_than_their_part(nodes, alice, bob, name, sanitized):
    node = nodes(settings=["--connections=1000", "--connections-per-uid=500"]).start()
    node.issue(alice, "GOLD", 1_000_000)
    transfers = [{"to": bob.address, "asset": "GOLD", "amount": 1, "memo": "x" * 200}] * 100
    for _ in range(20):
        node.call("transaction.submit", node.signed(alice, "ledger.transfer_batch", transfers=transfers))
    method = request("rpc.discover") if name == "layerd.sock" else request("events.get", limit=1000)
    before = node.resident_bytes()
    with crowd(STRANGERS[0], node, node.directory / name, 400, method * 1000) as alive:
        assert slowest(node, 5) < 2
        during = node.resident_bytes()
        assert alive() < 400  # who reads nothing while others wait is closed in the end
    # A user may have 4 MiB of replies, 4 of requests behind them (8 when lines are unfinished), and 4 that no worker has
    # come to; the rest is what workers and the allocator have at hand. One reply for each client would be 200 MiB.
    if not sanitized:
        assert during - before < 48 * MEBIBYTE
    closings = [line for line in node.log_text().splitlines() if "uid %d" % STRANGERS[0] in line]
    assert 0 < len(closings) < 20  # one line a second, with a count
    if not sanitized:
        subsides(node, before + 32 * MEBIBYTE)


@needs_root
@pytest.mark.parametrize("name", ["layerd.sock", "events.sock"])
def test_strangers_cannot_lock_out_the_operator_or_each_other(nodes, name):
    node = nodes(settings=["--connections=64", "--connections-per-uid=64"]).start()
    path = node.directory / name
    idle = request("node.info" if name == "layerd.sock" else "head")
    with crowd(STRANGERS[0], node, path, 64, idle) as first:
        settles(first, 48)  # 16 places are the operator's
        operator = [Connection(path) for _ in range(16)]
        for connection in operator:
            connection.send(idle.encode())
            assert "result" in connection.read()
        with crowd(STRANGERS[1], node, path, 10, idle) as second:  # the one with the most gives way
            settles(second, 10)
            settles(first, 38)
        for connection in operator:
            connection.close()


def test_stop_waits_for_no_query(nodes):
    node = nodes(settings=["--worker-pool-size=1", "--timeout=5m"]).start()
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    busy = [Connection(node.rpc_path) for _ in range(3)]
    for connection in busy:
        connection.send(request("sql", query=endless).encode())
    time.sleep(0.3)
    stop = Connection(node.rpc_path)
    stop.send(request("stop").encode())
    assert node.wait() == 0  # long before the first of them would have been over
    assert "stop asked for by" in node.log_text()
    stop.close()
    for connection in busy:
        connection.close()


@pytest.fixture(autouse=True, scope="module")
def many_descriptors():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 16384), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize("name", ["layerd.sock", "events.sock"])
def test_a_line_begun_and_not_finished_in_time_closes_the_connection(nodes, name):
    node = nodes(settings=["--idle-line-timeout=1s"]).start()
    slow = Connection(node.directory / name)
    idle = Connection(node.directory / name)
    start = time.monotonic()
    closed = False
    try:
        while time.monotonic() < start + PATIENCE:  # one byte at a time, for ever
            slow.send(b" " if time.monotonic() > start + 0.2 else b"{")
            time.sleep(0.05)
    except (BrokenPipeError, ConnectionResetError):
        closed = True
    assert closed and 0.5 < time.monotonic() - start < 20  # without the setting it would be 30
    # Who has begun no line may be silent for as long as it likes.
    method = "node.info" if name == "layerd.sock" else "head"
    idle.send(json.dumps({"jsonrpc": "2.0", "id": 1, "method": method}).encode() + b"\n")
    assert "result" in idle.read()
    idle.close()
    slow.close()


@pytest.mark.parametrize("name", ["layerd.sock", "events.sock"])
def test_thousands_of_connections_are_held_or_refused_clearly(nodes, name):
    node = nodes(settings=["--connections=2100", "--connections-per-uid=2100"]).start()
    path = str(node.directory / name)
    held, refused = [], 0
    for _ in range(2500):
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(PATIENCE)
        connection.connect(path)
        held.append(connection)
    method = b"node.info" if name == "layerd.sock" else b"head"
    request = b'{"jsonrpc":"2.0","id":1,"method":"%s"}\n' % method
    answered = 0
    for connection in held:
        try:
            connection.sendall(request)
        except OSError:
            pass
        try:
            data = connection.recv(65536)
        except ConnectionResetError:
            data = b""
        if b'"result"' in data:
            answered += 1
        else:
            assert b"1005" in data, data
            refused += 1
    assert answered >= 2000 and refused >= 350
    for connection in held:
        connection.close()
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            with Rpc(node.rpc_path) as rpc:
                assert rpc.call("node.info")
                break
        except (CallError, Closed, OSError, AssertionError):
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_one_uid_cannot_take_all_connections(nodes):
    node = nodes(settings=["--connections-per-uid=20"]).start()
    connections = [Connection(node.rpc_path) for _ in range(40)]
    alive = 0
    for connection in connections:
        try:
            connection.send(b'{"jsonrpc":"2.0","id":1,"method":"node.info"}\n')
            alive += "result" in connection.read()
        except (OSError, Closed):
            pass
    assert alive <= 20
    for connection in connections:
        connection.close()


def test_a_full_queue_answers_busy_and_loses_nothing(nodes, alice, bob):
    node = nodes(settings=["--queue-size=16", "--max-concurrent=16"]).start()
    node.issue(alice, "GOLD", 1_000_000)
    requests = [
        ("transaction.submit", node.signed(alice, "ledger.transfer", to=bob.address, asset="GOLD", amount=1))
        for _ in range(2000)
    ]
    results = node.rpc().pipeline(requests, ahead=2000)
    refused = [result for result in results if isinstance(result, CallError)]
    assert {result.code for result in refused} <= {2001}
    done = len(results) - len(refused)
    assert node.query("SELECT sum(amount) FROM balance WHERE account = ?", bob.public) == [(done,)]
    for result, request in zip(results, requests):  # who heard "busy" may come again
        if isinstance(result, CallError):
            assert node.call(*request)["repeated"] is False
            break


def test_an_idle_node_is_small(node, sanitized):
    if sanitized:
        pytest.skip("the sanitizer's own memory is counted")
    time.sleep(0.2)
    assert node.resident_bytes() < 32 * MEBIBYTE


def test_a_thousand_subscribers_that_do_not_read_stay_bounded(nodes, alice, bob, sanitized):
    """While 10,000 events are made for them. `contrib/bench memory` fills the queue of commands as well."""
    if sanitized:
        pytest.skip("the sanitizer's own memory is counted")
    node = nodes().start()
    node.issue(alice, "GOLD", 10_000_000)
    streams = []
    for _ in range(1000):
        stream = Events(node.events_path, hello=False, receive_buffer=4096)
        stream.subscribe(**{"from": "first"})
        streams.append(stream)
    transfers = [{"to": bob.address, "asset": "GOLD", "amount": 1, "memo": "x" * 200}] * 100
    requests = [
        ("transaction.submit", node.signed(alice, "ledger.transfer_batch", transfers=transfers))
        for _ in range(100)
    ]
    assert all(isinstance(result, dict) for result in node.rpc().pipeline(requests, ahead=100))
    assert node.resident_bytes() < 256 * MEBIBYTE
    newest = node.call("node.info")["head"]
    assert len(streams[0].event_lines(newest)) == newest
    for stream in streams:
        stream.close()


def test_memory_does_not_grow_with_work_that_is_done(nodes, alice, bob, sanitized):
    if sanitized:
        pytest.skip("the sanitizer's own memory is counted")
    node = nodes().start()
    node.issue(alice, "GOLD", 10_000_000)

    def work(count):
        requests = [
            (
                "transaction.submit",
                node.signed(alice, "ledger.transfer", to=bob.address, asset="GOLD", amount=1),
            )
            for _ in range(count)
        ]
        node.rpc().pipeline(requests, ahead=100)
        for _ in range(200):
            with Rpc(node.rpc_path) as rpc:
                rpc.call("rpc.discover")
            with Events(node.events_path) as stream:
                stream.subscribe(**{"from": "now"})

    work(3000)
    before = node.resident_bytes()
    work(3000)
    work(3000)
    assert node.resident_bytes() - before < 12 * MEBIBYTE


def test_descriptors_are_given_back(node):
    def count():
        return len(os.listdir("/proc/%d/fd" % node.process.pid))

    before = count()
    for _ in range(50):
        with Rpc(node.rpc_path) as rpc:
            rpc.call("node.info")
        with Events(node.events_path) as stream:
            stream.subscribe(**{"from": "first"})
    deadline = time.monotonic() + PATIENCE
    while count() > before + 3:
        assert time.monotonic() < deadline, "%d descriptors before, %d now" % (before, count())
        time.sleep(0.02)


def test_the_status_counts_what_happens(node, alice, bob):
    before = json.dumps(node.call("node.status"))
    node.issue(alice, "GOLD", 10)
    node.transfer(alice, bob, "GOLD", 1)
    assert json.dumps(node.call("node.status")) != before


def test_two_calls_at_a_time_are_enough_for_everybody(nodes):
    """LAYER2_MAX_CONCURRENT makes callers wait; it refuses nobody and loses nothing."""
    node = nodes(env={"LAYER2_MAX_CONCURRENT": "2"}).start()
    callers = [Rpc(node.rpc_path) for _ in range(4)]
    for rpc in callers:
        for number in range(500):
            request = {"jsonrpc": "2.0", "id": number, "method": "node.info"}
            rpc.send(json.dumps(request).encode() + b"\n")
    for rpc in callers:
        assert sorted(rpc.read()["id"] for _ in range(500)) == list(range(500))
        rpc.close()
