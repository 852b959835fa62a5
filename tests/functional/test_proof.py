"""The log can be checked by anybody: chain, tree and signed heads, verified by our own code alone."""

import base64
import json
import sqlite3
import subprocess

import pytest

from layerd_client import Account, CallError
from node import environment
from reference import chain, merkle, note


@pytest.fixture(scope="module")
def house(shared):
    """The shared node with more than one tile of 256 events, and a checkpoint over them."""
    shared.alice, shared.bob = Account("alice"), Account("bob")
    shared.issue(shared.alice, "GOLD", 1_000_000)
    transfers = [{"to": shared.bob.address, "asset": "GOLD", "amount": 1}] * 50
    for _ in range(24):
        shared.submit(shared.alice, "ledger.transfer_batch", transfers=transfers)
    shared.restart()  # a checkpoint is signed at each stop
    database = shared.database()
    shared.hashes = chain.verify(database, shared.call("node.info")["node_id"])
    database.close()
    shared.leaves = [merkle.leaf(value) for value in shared.hashes]
    shared.verifier = note.Verifier(shared.call("node.info")["verifier"])
    return shared


def signed_head(node, **parameters):
    reply = node.events().call("checkpoint.get", **parameters)
    text = reply["note"] if isinstance(reply, dict) else reply
    return text, note.checkpoint(text, node.verifier)


def test_the_signed_checkpoint_states_the_root_that_we_compute(house):
    _, (origin, size, root) = signed_head(house)
    assert origin == house.call("node.info")["origin"]
    assert 1200 < size <= len(house.leaves)
    assert root == merkle.root(house.leaves[:size])


def test_every_stored_checkpoint_is_signed_and_right(house):
    rows = house.query("SELECT size, root, note FROM checkpoint ORDER BY size")
    assert rows
    for size, root, text in rows:
        assert note.checkpoint(text, house.verifier) == (house.call("node.info")["origin"], size, root)
        assert root == merkle.root(house.leaves[:size])


def test_a_checkpoint_with_one_changed_bit_does_not_open(house):
    text, _ = signed_head(house)
    lines = text.split("\n")
    lines[1] = str(int(lines[1]) + 1)
    with pytest.raises(AssertionError):
        note.checkpoint("\n".join(lines), house.verifier)


def test_a_checkpoint_of_at_least_a_size_can_be_had(house):
    _, (_, size, _) = signed_head(house, size=1024)
    assert size >= 1024
    with pytest.raises(CallError) as caught:
        house.events().call("checkpoint.get", size=10**9)
    assert caught.value.code == 1010


def proof_of(reply):
    return [bytes.fromhex(step) for step in reply["proof"]]


def test_inclusion_proofs_lead_to_the_signed_root(house):
    _, (_, size, root) = signed_head(house)
    stream = house.events()
    for seq in sorted({1, 2, 3, 255, 256, 257, 511, 512, 513, 777, 1024, 1025, size - 1, size}):
        reply = stream.call("proof.inclusion", seq=seq, size=size)
        assert merkle.verify_inclusion(seq - 1, size, house.leaves[seq - 1], proof_of(reply), root), seq
        assert not merkle.verify_inclusion(
            seq - 1, size, house.leaves[seq % size], proof_of(reply), root
        ), seq


def test_inclusion_proofs_hold_in_trees_of_every_size(house):
    stream = house.events()
    for size in (1, 2, 3, 7, 8, 255, 256, 257, 1000):
        root = merkle.root(house.leaves[:size])
        for seq in sorted({1, (size + 1) // 2, size}):
            reply = stream.call("proof.inclusion", seq=seq, size=size)
            assert merkle.verify_inclusion(seq - 1, size, house.leaves[seq - 1], proof_of(reply), root), (
                seq,
                size,
            )


def test_consistency_proofs_hold_between_sizes(house):
    newest = signed_head(house)[1][1]
    stream = house.events()
    for first, second in (
        (1, 2),
        (1, newest),
        (2, 3),
        (7, 8),
        (255, 256),
        (256, 257),
        (256, 512),
        (300, 1000),
        (1024, newest),
        (newest - 1, newest),
        (newest, newest),
    ):
        reply = stream.call("proof.consistency", first=first, second=second)
        roots = merkle.root(house.leaves[:first]), merkle.root(house.leaves[:second])
        assert merkle.verify_consistency(first, second, *roots, proof_of(reply)), (first, second)
        if first != second:
            assert not merkle.verify_consistency(first, second, roots[1], roots[0], proof_of(reply)), (
                first,
                second,
            )


@pytest.mark.parametrize(
    "method, params",
    [
        ("proof.inclusion", {"seq": 0, "size": 10}),
        ("proof.inclusion", {"seq": 11, "size": 10}),
        ("proof.inclusion", {"seq": 1, "size": 10**9}),
        ("proof.consistency", {"first": 0, "second": 5}),
        ("proof.consistency", {"first": 6, "second": 5}),
        ("proof.consistency", {"first": 5, "second": 10**9}),
    ],
)
def test_a_proof_about_what_the_log_has_not_is_refused(house, method, params):
    with pytest.raises(CallError) as caught:
        house.events().call(method, **params)
    assert caught.value.code in (1010, -32602)


def test_verify_agrees_with_our_own_chain_and_tree(house):
    reply = house.call("verify")
    newest = house.query("SELECT max(seq) FROM event")[0][0]
    assert reply["ok"] is True and reply["first"] == 1 and reply["tree_checked"] is True
    assert reply["last"] <= newest and reply["checkpoints"] >= 1
    assert reply["head_hash"] == house.hashes[reply["last"] - 1].hex()
    root = reply["root"]
    ours = merkle.root(house.leaves[: reply["last"]])
    assert root in (ours.hex(), base64.b64encode(ours).decode())
    part = house.call("verify", after=500, until=900)
    assert (part["first"], part["last"], part["tree_checked"]) == (501, 900, False)
    assert part["head_hash"] == house.hashes[899].hex()


def tamper(node, sql, *values):
    """Changes the database behind the node's back, seat-belts off."""
    database = sqlite3.connect(node.database_path, isolation_level=None)
    database.execute("DROP TRIGGER IF EXISTS event_no_update")
    database.execute("DROP TRIGGER IF EXISTS event_no_delete")
    database.execute(sql, values)
    database.close()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE event SET body = replace(body, '\"amount\":1', '\"amount\":2') WHERE seq = 20",
        "UPDATE event SET time_us = time_us + 1 WHERE seq = 20",
        "UPDATE event SET block = block + 1 WHERE seq = 20",
        "UPDATE event SET type = 'ledger.asset_minted' WHERE seq = 20",
        "UPDATE event SET subject = subject || 'x' WHERE seq = 20",
        "UPDATE event SET last = 1 - last WHERE seq = 20",
        "UPDATE event SET hash = zeroblob(32) WHERE seq = 20",
        "DELETE FROM event WHERE seq = 20",
        "UPDATE checkpoint SET root = zeroblob(32)",
        "UPDATE checkpoint SET note = replace(note, char(10) || '20', char(10) || '21')",
    ],
    ids=["body", "time", "block", "type", "subject", "last", "hash", "deleted", "root", "note"],
)
def test_each_kind_of_tampering_is_found_by_verify(node, alice, bob, change):
    node.issue(alice, "GOLD", 1000)
    for _ in range(30):
        node.transfer(alice, bob, "GOLD", 1)
    node.restart()
    for _ in range(30):
        node.transfer(alice, bob, "GOLD", 1)
    assert node.call("verify")["ok"] is True
    if "'20'" in change or "|| '20'" in change:
        (size,) = node.query("SELECT min(size) FROM checkpoint")[0]
        change = "UPDATE checkpoint SET note = replace(note, char(10) || '%d', char(10) || '%d')" % (
            size,
            size + 1,
        )
    tamper(node, change)
    node.expect_error(".")
    with pytest.raises(CallError) as caught:
        node.call("verify")
    assert caught.value.code in (2202, 2004)
    if "20" in change and "checkpoint" not in change:
        assert "20" in caught.value.message
    node.kill()


def verify_offline(node, *more):
    return subprocess.run(
        node.command("--verify", *more),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment(node.home),
        timeout=60,
    )


def test_the_log_can_be_verified_without_the_daemon_and_beside_it(node, alice, bob):
    node.issue(alice, "GOLD", 1000)
    node.transfer(alice, bob, "GOLD", 1)
    beside = verify_offline(node)
    assert beside.returncode == 0, beside.stdout
    node.terminate()
    assert verify_offline(node).returncode == 0
    tamper(node, "UPDATE event SET body = replace(body, '1000', '1001') WHERE type = 'ledger.asset_issued'")
    done = verify_offline(node)
    assert done.returncode != 0 and done.stdout


def test_the_seat_belts_stop_accidents(node, alice):
    node.issue(alice, "GOLD", 1000)
    node.terminate()
    database = sqlite3.connect(node.database_path, isolation_level=None)
    for sql in (
        "UPDATE event SET body = '{}' WHERE seq = 1",
        "DELETE FROM event WHERE seq = 1",
        "INSERT INTO event SELECT 100, block, time_us, type, subject, body, last, hash FROM event LIMIT 1",
    ):
        with pytest.raises(sqlite3.IntegrityError):
            database.execute(sql)
    database.close()


def test_a_database_whose_newest_events_were_changed_is_refused_at_the_start(node, alice, bob):
    node.issue(alice, "GOLD", 1000)
    node.transfer(alice, bob, "GOLD", 1)
    node.kill()
    newest = node.query("SELECT max(seq) FROM event")[0][0]
    tamper(node, "UPDATE event SET body = '{}' WHERE seq = %d" % newest)
    node.expect_error(".")
    node.launch()
    assert node.wait() != 0


def test_a_rolled_back_log_is_found_by_the_hash_that_a_subscriber_kept(node, alice, bob):
    """An old copy put in the node's place: expect_hash says fork, and the kept head does not verify."""
    node.issue(alice, "GOLD", 1000)
    node.terminate()
    old = node.database_path.read_bytes()
    node.start()
    for _ in range(5):
        node.transfer(alice, bob, "GOLD", 1)
    stream = node.events()
    stream.subscribe(**{"from": "first"})
    kept = json.loads(stream.event_lines(node.call("node.info")["head"])[-1])
    node.terminate()
    head = node.home / "head"
    head.write_text(node.query("SELECT note FROM checkpoint ORDER BY size DESC LIMIT 1")[0][0])
    assert verify_offline(node, "--head=%s" % head).returncode == 0
    for leftover in node.directory.glob("layerd.sqlite3-*"):
        leftover.unlink()
    node.database_path.write_bytes(old)
    node.start()
    for _ in range(8):
        node.transfer(alice, bob, "GOLD", 2)
    with pytest.raises(CallError) as caught:
        node.events().subscribe(**{"from": {"after": kept["seq"]}, "expect_hash": kept["hash"]})
    assert caught.value.code == 1002
    node.terminate()
    assert verify_offline(node).returncode == 0
    assert verify_offline(node, "--head=%s" % head).returncode != 0
