"""Start and stop: what a stop leaves behind, who may hold a directory, and what the log does on SIGHUP."""

import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import threading
import time

import pytest

from layerd_client import PATIENCE, CallError, Closed, Rpc
from node import LAYERD, environment


def assert_closed(node):
    """The database is closed: no log beside it, and an exclusive lock can be had at once."""
    assert (
        not os.path.exists(str(node.database_path) + "-wal")
        or os.path.getsize(str(node.database_path) + "-wal") == 0
    )
    database = sqlite3.connect(node.database_path, timeout=0, isolation_level=None)
    database.execute("PRAGMA locking_mode = EXCLUSIVE")
    database.execute("BEGIN EXCLUSIVE")
    ((newest,),) = database.execute("SELECT max(seq) FROM event")
    ((event_type,),) = database.execute("SELECT type FROM event WHERE seq = ?", (newest,))
    ((covered,),) = database.execute("SELECT max(size) FROM checkpoint")
    database.execute("ROLLBACK")
    database.close()
    assert event_type == "node.stopped" and covered == newest


def test_stop_answers_only_after_the_database_is_closed(node, alice):
    node.issue(alice, "GOLD", 5)
    rpc = node.rpc()
    rpc.call("stop")
    assert_closed(node)
    assert node.wait() == 0


def test_everything_sent_before_stop_is_answered(node, alice, bob):
    node.issue(alice, "GOLD", 1000)
    rpc = node.rpc()
    lines = []
    for number in range(100):
        signed = node.signed(alice, "ledger.transfer", to=bob.address, asset="GOLD", amount=1)
        lines.append(
            json.dumps({"jsonrpc": "2.0", "id": number, "method": "transaction.submit", "params": signed})
        )
    lines.append(json.dumps({"jsonrpc": "2.0", "id": "stop", "method": "stop"}))
    rpc.send("\n".join(lines).encode() + b"\n")
    replies = [rpc.read() for _ in range(101)]
    assert replies[-1]["id"] == "stop" and "result" in replies[-1]
    done = {reply["result"]["transaction"] for reply in replies[:-1] if "result" in reply}
    refused = [reply["error"]["code"] for reply in replies[:-1] if "error" in reply]
    assert set(refused) <= {2007}
    assert node.wait() == 0
    stored = {
        row[0].hex()
        for row in node.query("SELECT id FROM signed_transaction WHERE method = 'ledger.transfer'")
    }
    assert stored == done


def test_nothing_answers_after_stop(node):
    rpc, other = node.rpc(), node.rpc()
    rpc.call("stop")
    node.wait()
    with pytest.raises((Closed, OSError)):
        other.call("node.info")
    with pytest.raises((FileNotFoundError, ConnectionRefusedError)):
        Rpc(node.rpc_path)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_in_order(node, alice, number):
    node.issue(alice, "GOLD", 5)
    node.terminate(number)
    assert_closed(node)
    node.start()
    assert node.query(
        "SELECT body ->> 'clean' FROM event WHERE type = 'node.started' ORDER BY seq DESC LIMIT 1"
    ) == [(1,)]


def test_a_stop_under_load_loses_nothing_that_was_answered(node, alice, bob):
    node.issue(alice, "GOLD", 1_000_000)
    answered, failures = [], []

    def worker():
        with Rpc(node.rpc_path) as rpc:
            try:
                while True:
                    signed = node.signed(alice, "ledger.transfer", to=bob.address, asset="GOLD", amount=1)
                    answered.append(rpc.call("transaction.submit", signed)["transaction"])
            except (Closed, OSError):
                pass
            except CallError as error:
                if error.code != 2007:
                    failures.append(error)

    node.chain  # pylint: disable=pointless-statement
    threads = [threading.Thread(target=worker) for _ in range(4)]
    for thread in threads:
        thread.start()
    end = time.monotonic() + PATIENCE
    while len(answered) < 8 and not failures and time.monotonic() < end:
        time.sleep(0.05)
    node.terminate()
    for thread in threads:
        thread.join()
    assert not failures
    stored = {row[0].hex() for row in node.query("SELECT id FROM signed_transaction")}
    assert answered and set(answered) <= stored


def test_a_second_daemon_on_the_directory_is_refused(node):
    second = subprocess.run(
        node.command(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE,
        env=environment(node.home),
    )
    assert second.returncode != 0
    assert str(node.directory) in second.stdout and str(node.process.pid) in second.stdout
    assert node.call("node.info")
    node.terminate()
    assert_closed(node)


def test_what_a_killed_daemon_left_does_not_stop_the_next(node):
    node.kill()
    assert node.rpc_path.exists()
    node.start()
    assert node.call("node.info")


def test_a_stop_of_a_node_that_just_started_is_orderly(nodes):
    node = nodes()
    for delay in (0, 0.005, 0.01, 0.02, 0.05, 0.1):
        node.launch()
        time.sleep(delay)
        node.process.send_signal(signal.SIGTERM)
        assert node.process.wait(PATIENCE) in (0, -signal.SIGTERM)
        node.process = None
    node.start()
    assert node.call("verify")["ok"] is True


def test_sighup_reopens_the_log_after_it_was_moved(nodes):
    node = nodes()
    log = node.home / "daemon.log"
    node.settings.append("--log-file=%s" % log)
    node.start()
    assert log.stat().st_size > 0
    moved = node.home / "daemon.log.1"
    log.rename(moved)
    size = moved.stat().st_size
    node.process.send_signal(signal.SIGHUP)
    end = time.monotonic() + PATIENCE
    while not log.exists():
        assert time.monotonic() < end
        time.sleep(0.01)
    node.call("node.info")
    node.terminate()
    assert log.stat().st_size > 0
    assert moved.stat().st_size - size < 500


def test_the_log_can_be_json_lines(nodes):
    node = nodes()
    log = node.home / "daemon.log"
    node.settings += ["--log-file=%s" % log, "--log-format=json"]
    node.start()
    node.terminate()
    lines = log.read_text().splitlines()
    assert lines
    for line in lines:
        assert {"level", "room", "message"} <= set(json.loads(line)), line


def test_log_levels_change_while_running(node):
    node.call("node.log", levels="debug")
    node.call("node.log", levels="info,api:trace")
    for levels in ("loud", "info,api:loud", "", ":"):
        with pytest.raises(CallError) as caught:
            node.call("node.log", levels=levels)
        assert caught.value.code == -32602


def test_systemd_is_told_when_the_node_is_ready_and_when_it_stops(nodes):
    node = nodes()
    path = str(node.home / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(path)
        notify.settimeout(PATIENCE)
        node.env["NOTIFY_SOCKET"] = path
        node.launch()
        message = notify.recv(4096).decode()
        while "READY=1" not in message:
            message = notify.recv(4096).decode()
        assert Rpc(node.rpc_path).call("node.info")
        node.process.send_signal(signal.SIGTERM)
        while "STOPPING=1" not in message:
            message = notify.recv(4096).decode()
        assert node.wait() == 0


def test_the_node_keeps_its_identity(node):
    before = node.call("node.info")
    node.restart()
    after = node.call("node.info")
    for name in ("node_id", "chain", "origin", "verifier", "network", "version"):
        assert before[name] == after[name]
    assert before["origin"] == "layerd/" + before["node_id"]
    assert before["network"] == "dev" and before["chain"].startswith("dev-")


def test_a_directory_of_one_network_is_refused_by_another(node):
    node.terminate()
    node.network = "test"
    node.launch()
    assert node.wait() != 0
    node.network = "dev"
    node.expect_error("network")


def test_a_newer_database_is_refused_and_left_alone(node):
    node.terminate()
    database = sqlite3.connect(node.database_path, isolation_level=None)
    ((version,),) = database.execute("PRAGMA user_version")
    database.execute("PRAGMA user_version = %d" % (version + 1))
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    before = node.database_path.read_bytes()
    node.expect_error("schema")
    node.launch()
    assert node.wait() != 0
    assert "schema %d" % (version + 1) in node.log_text()
    assert node.database_path.read_bytes() == before


def test_a_file_that_is_no_layerd_database_is_refused_and_left_alone(nodes):
    node = nodes()
    node.directory.mkdir(mode=0o700)
    database = sqlite3.connect(node.database_path)
    database.execute("CREATE TABLE mine (x)")
    database.commit()
    database.close()
    before = node.database_path.read_bytes()
    node.expect_error(".")
    node.launch()
    assert node.wait() != 0
    assert node.database_path.read_bytes() == before


def test_a_directory_that_cannot_be_written_is_refused_with_a_clear_message(nodes):
    node = nodes()
    node.home.joinpath("file").write_text("x")
    node.directory = node.home / "file" / "data"
    node.expect_error(".")
    node.launch()
    assert node.wait() != 0
    assert "file" in node.log_text()


def test_a_socket_path_that_is_too_long_is_refused_with_a_clear_message(nodes):
    node = nodes()
    node.directory = node.home / ("d" * 120)
    node.expect_error(".")
    node.launch()
    assert node.wait() != 0
    assert "socket" in node.log_text() or "path" in node.log_text()


def test_the_whole_directory_can_be_copied_when_the_node_is_stopped(node, nodes, alice):
    node.issue(alice, "GOLD", 5)
    node.terminate()
    copy = nodes()
    shutil.copytree(node.directory, copy.directory)
    copy.start()
    assert copy.call("ledger.asset", asset="GOLD")["supply"] == 5


def test_version_and_help_need_no_directory():
    for argument in ("--version", "--help"):
        done = subprocess.run(
            [str(LAYERD), argument],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment("/nonexistent"),
            timeout=PATIENCE,
        )
        assert done.returncode == 0 and done.stdout and "layerd" in done.stdout


def is_running(process):
    """It may end at any moment; what nobody has waited for yet has ended, too."""
    try:
        with open("/proc/%d/stat" % process) as file:
            return "Z" not in file.read().split(")")[1][:3]
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_daemon_in_the_background_answers_when_its_starter_returns(nodes):
    node = nodes()
    done = subprocess.run(
        node.command("--background"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE,
        env=environment(node.home),
    )
    assert done.returncode == 0, done.stdout
    with Rpc(node.rpc_path) as rpc:
        rpc.call("node.info")
        process = int((node.directory / "layerd.pid").read_text())
        assert os.path.exists("/proc/%d" % process)
        rpc.call("stop")
    end = time.monotonic() + PATIENCE
    while is_running(process):
        assert time.monotonic() < end
        time.sleep(0.01)
    assert (node.directory / "layerd.log").stat().st_size > 0
    assert " ERROR " not in (node.directory / "layerd.log").read_text()


def test_stalled_clients_do_not_keep_the_node_from_stopping(node, alice, bob):
    node.issue(alice, "GOLD", 1_000_000)
    stalled = node.events(receive_buffer=4096)
    stalled.subscribe(**{"from": "first"})
    deaf = node.rpc(receive_buffer=4096)
    deaf.send(b'{"jsonrpc":"2.0","id":1,"method":"rpc.discover"}\n' * 50)
    transfers = [{"to": bob.address, "asset": "GOLD", "amount": 1, "memo": "x" * 200}] * 100
    requests = [
        ("transaction.submit", node.signed(alice, "ledger.transfer_batch", transfers=transfers))
        for _ in range(20)
    ]
    assert all(isinstance(result, dict) for result in node.rpc().pipeline(requests))
    start = time.monotonic()
    node.process.send_signal(signal.SIGTERM)
    assert node.process.wait(PATIENCE) == 0
    node.process = None
    assert time.monotonic() - start < 40  # of the 5 s that they may take, at most
    node.disconnect()
    assert_closed(node)
