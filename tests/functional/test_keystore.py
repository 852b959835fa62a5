"""Keys on the node: created, locked, unlocked, exported and imported, and never readable."""

import time
import json

import pytest

from layerd_client import Account, CallError
from test_ledger import balance

PASSPHRASE = "correct horse battery staple \u20ac"


def refused(code, call, *arguments, **named):
    with pytest.raises(CallError) as caught:
        call(*arguments, **named)
    assert caught.value.code == code, caught.value


@pytest.fixture
def wallet(node):
    node.call("wallet.create", passphrase=PASSPHRASE)
    return node


def test_commands_can_be_signed_by_the_node_for_its_operator(wallet):
    key = wallet.call("wallet.new", name="alice")
    other = wallet.call("wallet.new", name="bob")
    reply = wallet.call("ledger.issue", {"from": "alice", "symbol": "GOLD", "amount": 10})
    assert reply["repeated"] is False and len(reply["transaction"]) == 64
    wallet.call("ledger.transfer", {"from": "alice", "to": other["address"], "asset": "GOLD", "amount": 4})
    listed = wallet.call("ledger.balance", account=other["address"])
    assert "4" in json.dumps(listed)
    stored = wallet.call("transaction.get", id=reply["transaction"])
    assert stored["account"] == key["address"]


def test_from_may_be_an_address_of_the_keystore(wallet):
    key = wallet.call("wallet.new", name="alice")
    assert wallet.call("dev.faucet", {"from": key["address"]})["repeated"] is False
    refused(2103, wallet.call, "dev.faucet", {"from": "nobody"})
    refused(2103, wallet.call, "dev.faucet", {"from": Account("stranger").address})


def test_a_locked_keystore_signs_nothing(wallet):
    wallet.call("wallet.new", name="alice")
    wallet.call("wallet.lock")
    refused(2101, wallet.call, "dev.faucet", {"from": "alice"})
    refused(2101, wallet.call, "wallet.new", name="bob")
    refused(2101, wallet.call, "wallet.export", name="alice", passphrase="x")
    refused(2102, wallet.call, "wallet.unlock", passphrase="wrong")
    refused(2101, wallet.call, "dev.faucet", {"from": "alice"})
    wallet.call("wallet.unlock", passphrase=PASSPHRASE)
    assert wallet.call("dev.faucet", {"from": "alice"})["repeated"] is False


def test_a_restart_locks_the_keystore_and_keeps_its_keys(wallet):
    key = wallet.call("wallet.new", name="alice")
    wallet.restart()
    refused(2101, wallet.call, "dev.faucet", {"from": "alice"})
    assert "alice" in json.dumps(wallet.call("wallet.list"))
    wallet.call("wallet.unlock", passphrase=PASSPHRASE)
    wallet.call("dev.faucet", {"from": "alice"})
    wallet.crash()
    assert key["address"] in json.dumps(wallet.call("wallet.list"))


def test_names_are_taken_once_and_must_be_names(wallet):
    wallet.call("wallet.new", name="alice")
    refused(2104, wallet.call, "wallet.new", name="alice")
    for name in ("", "a b", "-a", ".a", "a/b", "x" * 64, "\u00e9"):
        refused(-32602, wallet.call, "wallet.new", name=name)


def test_a_keystore_is_created_once(wallet):
    wallet.call("wallet.new", name="alice")
    with pytest.raises(CallError):
        wallet.call("wallet.create", passphrase="another")
    wallet.call("wallet.lock")
    wallet.call("wallet.unlock", passphrase=PASSPHRASE)
    assert "alice" in json.dumps(wallet.call("wallet.list"))


def test_a_key_moves_to_another_node_as_a_file(wallet, nodes):
    key = wallet.call("wallet.new", name="alice")
    exported = wallet.call("wallet.export", name="alice", passphrase="file passphrase")["key_file"]
    other = nodes().start()
    other.call("wallet.create", passphrase="other")
    refused(2102, other.call, "wallet.import", name="alice", key_file=exported, passphrase="wrong")
    imported = other.call("wallet.import", name="moved", key_file=exported, passphrase="file passphrase")
    assert imported["address"] == key["address"]
    assert other.call("dev.faucet", {"from": "moved"})["repeated"] is False
    refused(2104, other.call, "wallet.import", name="moved", key_file=exported, passphrase="file passphrase")


def test_a_damaged_key_file_is_refused(wallet):
    wallet.call("wallet.new", name="alice")
    exported = wallet.call("wallet.export", name="alice", passphrase="x")["key_file"]
    for wrong in (
        {},
        dict(exported, surprising=1),
        {name: value for name, value in list(exported.items())[1:]},
        "x",
        [],
    ):
        with pytest.raises(CallError) as caught:
            wallet.call("wallet.import", name="copy", key_file=wrong, passphrase="x")
        assert caught.value.code in (2106, 2102, -32602)
    for member, value in exported.items():
        if isinstance(value, str) and value:
            flipped = value[:-1] + ("0" if value[-1] != "0" else "1")
            with pytest.raises(CallError) as caught:
                wallet.call(
                    "wallet.import", name="copy", key_file=dict(exported, **{member: flipped}), passphrase="x"
                )
            assert caught.value.code in (2106, 2102, -32602), member


def test_a_removed_key_is_gone(wallet):
    wallet.call("wallet.new", name="alice")
    wallet.call("wallet.remove", name="alice")
    refused(2103, wallet.call, "dev.faucet", {"from": "alice"})
    refused(2103, wallet.call, "wallet.remove", name="alice")


def test_secrets_stand_neither_in_the_log_nor_in_the_directory(wallet):
    wallet.call("node.log", levels="trace")
    key = wallet.call("wallet.new", name="alice")
    wallet.call("wallet.lock")
    wallet.call("wallet.unlock", passphrase=PASSPHRASE)
    wallet.call("wallet.export", name="alice", passphrase="export secret phrase")
    wallet.call("dev.faucet", {"from": "alice"})
    wallet.terminate()
    assert key["public_key"] in (wallet.directory / "keystore.json").read_text()
    for path in [wallet.log, *(path for path in wallet.directory.rglob("*") if path.is_file())]:
        data = path.read_bytes()
        for secret in (PASSPHRASE.encode(), b"correct horse", b"export secret phrase"):
            assert secret not in data, path


def places_in_memory(node, secret):
    """Where in the running daemon's memory these bytes stand."""
    found = []
    pid = node.process.pid
    with open("/proc/%d/maps" % pid) as maps, open("/proc/%d/mem" % pid, "rb", buffering=0) as memory:
        for line in maps:
            span, mode, *_ = line.split()
            begin, end = (int(text, 16) for text in span.split("-"))
            if "r" not in mode or "[v" in line:
                continue
            try:
                memory.seek(begin)
                data = memory.read(end - begin)
            except OSError:  # what is locked away even from us
                continue
            if secret in data:
                found.append("%s+%#x" % (line.split()[-1], data.index(secret)))
    return found


def test_passphrases_do_not_stay_in_memory(node, sanitized):
    if sanitized:
        pytest.skip("a sanitizer keeps freed memory as it was")
    created, wrong, long = "created-7f3e9a-phrase", "wrong-51c08d-phrase", "long-b2e6-" + "".join("q%03dz" % i for i in range(60))
    public = "no-secret-at-all-93ab"
    node.call("wallet.create", passphrase=created)
    node.call("wallet.new", name="alice")
    node.call("wallet.lock")
    refused(2102, node.call, "wallet.unlock", passphrase=wrong)
    refused(2102, node.call, "wallet.unlock", passphrase=long)
    refused(-32602, node.call, "wallet.unlock", passphrase=wrong, surplus=1)
    refused(-32601, node.call, "wallet.unlok", passphrase=wrong)
    node.call("wallet.unlock", passphrase=created)
    node.call("wallet.export", name="alice", passphrase=long)
    for secret in (created, wrong, long):
        for part in (secret, secret[1:17], secret[-16:]):
            assert places_in_memory(node, part.encode()) == [], part
    node.call("dev.faucet", {"from": "alice", "valid_for": "1h"})
    node.call("wallet.new", name=public)
    assert places_in_memory(node, public.encode()), "the search finds nothing at all"


def test_a_damaged_keystore_is_refused_and_kept(wallet):
    wallet.call("wallet.new", name="alice")
    wallet.terminate()
    path = wallet.directory / "keystore.json"
    original = path.read_bytes()
    for wrong in (original[:-20], b"{}", b"", original.replace(b"alice", b"mallo")):
        path.write_bytes(wrong)
        wallet.expect_error(".")
        try:
            wallet.start()
        except AssertionError:
            pass  # it does not start: good
        else:  # it does: then the keystore must not open
            with pytest.raises(CallError):
                wallet.call("wallet.unlock", passphrase=PASSPHRASE)
            wallet.terminate()
        assert path.read_bytes() == wrong
    path.write_bytes(original)
    wallet.start()
    wallet.call("wallet.unlock", passphrase=PASSPHRASE)
    assert wallet.call("dev.faucet", {"from": "alice"})


def test_balance_of_a_key_of_the_node_is_that_of_its_account(wallet):
    key = wallet.call("wallet.new", name="alice")
    wallet.call("ledger.issue", {"from": "alice", "symbol": "GOLD", "amount": 10})
    holder = Account("unused")
    holder.address = key["address"]
    assert balance(wallet, holder, "GOLD") == 10


def test_the_node_signs_for_the_time_it_keeps_after_time_was_advanced(wallet):
    wallet.call("wallet.new", name="early")
    wallet.call("dev.advance_time", {"from": "early", "by": "1h"})
    time.sleep(5.2)  # the newest block is now older than the transaction may become
    assert wallet.call("dev.faucet", {"from": "early", "valid_for": "5s"})["repeated"] is False
    info = wallet.call("node.info")
    assert info["now_us"] - info["block_time_us"] < 60_000_000
    assert info["now_us"] > time.time() * 1e6 + 3_500_000_000
