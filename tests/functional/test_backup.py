"""Backups: made while the node runs, verified, never half there, and a node restored from one is the node it
was.
"""

import os
import shutil
import sqlite3
import stat
import subprocess

import pytest

from layerd_client import CallError
from node import LAYERD, environment
from reference import chain
from test_ledger import assert_conserved, balance


@pytest.fixture
def house(node, alice, bob):
    node.issue(alice, "GOLD", 1_000_000)
    for _ in range(20):
        node.transfer(alice, bob, "GOLD", 1)
    return node


def backup(node, destination):
    """Asks for a backup and waits for its last event."""
    stream = node.events()
    stream.subscribe(**{"from": "now", "types": ["backup.*"]})
    reply = node.call("backup", to=str(destination))
    assert reply["destination"] == str(destination)
    events = []
    while not events or events[-1]["type"] == "backup.progress":
        events += stream.events(1, timeout=60)
    stream.close()
    return events


def test_a_backup_is_a_whole_database_up_to_its_head(house):
    path = house.home / "copy.sqlite3"
    events = backup(house, path)
    completed = events[-1]
    assert completed["type"] == "backup.completed" and completed["subject"] == "backup/" + str(path)
    assert completed["data"]["bytes"] == path.stat().st_size
    database = sqlite3.connect("file:%s?mode=ro&immutable=1" % path, uri=True)
    assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    hashes = chain.verify(database, house.call("node.info")["node_id"])
    assert len(hashes) == completed["data"]["head"]
    assert hashes[-1].hex() == completed["data"]["head_hash"]
    database.close()


def test_commits_go_on_during_a_backup(house, alice, bob):
    stream = house.events()
    stream.subscribe(**{"from": "now", "types": ["backup.completed", "backup.failed"]})
    house.call("backup", to=str(house.home / "copy.sqlite3"))
    for _ in range(50):
        house.transfer(alice, bob, "GOLD", 1)
    (event,) = stream.events(1, timeout=60)
    assert event["type"] == "backup.completed"


def test_an_existing_file_is_never_overwritten(house):
    path = house.home / "copy.sqlite3"
    path.write_text("precious")
    failed = backup(house, path)[-1]
    assert failed["type"] == "backup.failed" and "a backup replaces nothing" in failed["data"]["error"]
    assert path.read_text() == "precious"


@pytest.mark.parametrize(
    "destination, attempts",  # what is no folder stays none; a disk that refuses may be emptied
    [("/nonexistent/folder/copy.sqlite3", 1), ("/proc/copy.sqlite3", 3)],
)
def test_a_backup_that_cannot_be_made_fails_by_event_and_leaves_nothing(house, destination, attempts):
    failed = backup(house, destination)[-1]
    assert failed["type"] == "backup.failed" and failed["data"]["error"]
    (effect,) = house.call("effect.list")["items"]
    assert (effect["state"], effect["attempts"]) == ("failed", attempts)
    assert house.call("node.info")


def test_a_destination_that_is_no_path_is_refused(house):
    for destination in (
        *("", 5, "x" * 10_000, "../copy.sqlite3", "a/b", "/", "/tmp/", "/tmp/../tmp/copy.sqlite3"),
        *("/tmp/" + "x" * 176, "/tmp/caf\u00e9.sqlite3", '/tmp/"quoted".sqlite3', "/tmp/a\\b", "/tmp/a\nb"),
    ):
        with pytest.raises(CallError) as caught:
            house.call("backup", to=destination)
        assert caught.value.code in (-32602, 2010)
    assert house.call("effect.list")["items"] == []


def test_two_backups_in_one_second_have_two_names(house):
    stream = house.events()
    stream.subscribe(**{"from": "now", "types": ["backup.completed", "backup.failed"]})
    replies = house.rpc().pipeline([("backup", {})] * 3)
    named = {reply["destination"] for reply in replies}
    assert len(named) == 3
    events = stream.events(3, timeout=60)
    assert {event["type"] for event in events} == {"backup.completed"}
    assert {event["data"]["destination"] for event in events} == named


def test_a_backup_without_destination_or_with_a_plain_name_lies_in_the_data_directory(house):
    stream = house.events()
    stream.subscribe(**{"from": "now", "types": ["backup.completed"]})
    named = house.call("backup", to="mine.sqlite3")["destination"]
    unnamed = house.call("backup")["destination"]
    assert named == str(house.directory / "backups" / "mine.sqlite3")
    assert os.path.dirname(unnamed) == str(house.directory / "backups")
    assert {event["data"]["destination"] for event in stream.events(2)} == {named, unnamed}
    for path in (named, unnamed):
        assert stat.S_IMODE(os.stat(path).st_mode) & 0o077 == 0


def test_the_effect_of_a_backup_ends_done(house):
    reply_events = backup(house, house.home / "copy.sqlite3")
    assert reply_events[-1]["type"] == "backup.completed"
    effects = house.call("effect.list")["items"]
    assert [effect["state"] for effect in effects] == ["done"]
    assert house.call("effect.get", id=effects[0]["id"])["kind"] == effects[0]["kind"]


def restore(node, path):
    """Puts the copy in the node's place, with the daemon's own command."""
    return subprocess.run(
        [str(LAYERD), "--directory", str(node.directory), "--network", node.network, "--restore=%s" % path],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment(node.home),
        timeout=60,
    )


def test_a_restored_node_continues_where_the_backup_was_made(house, alice, bob):
    path = house.home / "copy.sqlite3"
    completed = backup(house, path)[-1]
    for _ in range(5):
        house.transfer(alice, bob, "GOLD", 1)
    assert balance(house, bob, "GOLD") == 25
    house.terminate()
    done = restore(house, path)
    assert done.returncode == 0, done.stdout
    house.start()
    assert balance(house, bob, "GOLD") == 20
    assert house.call("verify")["ok"] is True
    head = completed["data"]["head"]
    assert house.query("SELECT lower(hex(hash)) FROM event WHERE seq = ?", head) == [
        (completed["data"]["head_hash"],)
    ]
    house.transfer(alice, bob, "GOLD", 1)
    assert_conserved(house)
    assert [path for path in house.directory.iterdir() if ".replaced-" in path.name]


def test_a_backup_serves_a_node_in_another_directory(house, nodes, alice, bob):
    path = house.home / "copy.sqlite3"
    backup(house, path)
    other = nodes()
    other.directory.mkdir(mode=0o700)
    shutil.copy(house.directory / "node.key", other.directory / "node.key")
    done = restore(other, path)
    assert done.returncode == 0, done.stdout
    other.start()
    assert other.chain == house.chain
    assert balance(other, bob, "GOLD") == 20


def test_a_damaged_backup_is_not_restored(house):
    path = house.home / "copy.sqlite3"
    backup(house, path)
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("DROP TRIGGER event_no_update")
    database.execute("UPDATE event SET body = replace(body, '1', '2') WHERE seq = 5")
    database.close()
    house.terminate()
    before = house.database_path.read_bytes()
    done = restore(house, path)
    assert done.returncode != 0
    assert house.database_path.read_bytes() == before
    (house.home / "nonsense").write_bytes(b"not a database at all" * 100)
    assert restore(house, house.home / "nonsense").returncode != 0
    assert restore(house, house.home / "absent").returncode != 0
    house.start()
    assert house.call("verify")["ok"] is True


def test_nothing_is_restored_under_a_running_node(house):
    path = house.home / "copy.sqlite3"
    backup(house, path)
    done = restore(house, path)
    assert done.returncode != 0
    assert house.call("verify")["ok"] is True


def test_a_backup_asked_for_before_a_crash_ends_after_it(house):
    """An effect is a row: it is run again after the restart and comes to exactly one end."""
    path = house.home / "copy.sqlite3"
    reply = house.call("backup", to=str(path))
    house.kill()
    house.expect_error("backup")
    house.start()
    stream = house.events()
    stream.subscribe(**{"from": "first", "types": ["backup.completed", "backup.failed"]})
    stream.events(1, timeout=60)
    assert stream.silent(0.3)
    assert house.call("effect.get", id=reply["effect"])["state"] in ("done", "failed")
