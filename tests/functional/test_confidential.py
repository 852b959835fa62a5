"""A confidential pool over the sockets: value goes in, moves between wallets of the node, and comes out; what
everybody may see adds up, and what nobody may see is not told."""

import json
import time

import pytest

from layerd_client import CallError
from node import PATIENCE

PASSPHRASE = "correct horse battery staple"


def refused(code, call, *arguments, **named):
    with pytest.raises(CallError) as caught:
        call(*arguments, **named)
    assert caught.value.code == code, caught.value


class House:
    """A node with a keystore, in which alice issued GOLD."""

    def __init__(self, node):
        self.node = node
        node.call("wallet.create", passphrase=PASSPHRASE)
        self.keys = {name: node.call("wallet.new", name=name)["address"] for name in ("alice", "bob", "carol")}
        node.call("ledger.issue", {"from": "alice", "symbol": "GOLD", "amount": 10_000})

    def address(self, name):
        return self.node.call("confidential.address", signer=self.keys[name])["address"]

    def shield(self, name, amount):
        note = self.node.call("confidential.seal", to=self.address(name), amount=amount)
        return self.node.call("confidential.shield", {"from": "alice", "asset": "GOLD", "amount": amount, **note})

    def balance(self, name):
        return self.node.call("confidential.balance", signer=self.keys[name], asset="GOLD")["balance"]

    def public_balance(self, name):
        rows = self.node.query(
            "SELECT amount FROM v_balance WHERE symbol = 'GOLD' AND address = ?", self.keys[name]
        )
        return rows[0][0] if rows else 0

    def held(self):
        return self.node.call("confidential.pools")["items"][0]["held"]

    def pay(self, method, **params):
        payment = self.node.call(method, asset="GOLD", **params)["payment"]
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            found = self.node.call("confidential.payments", after=payment - 1, limit=1)["items"][0]
            if found["state"] != "submitted":
                return found
            time.sleep(0.02)
        raise AssertionError("the payment %d is still under way" % payment)

    def send(self, source, target, amount):
        return self.pay(
            "confidential.send", signer=self.keys[source], to=self.address(target), amount=amount
        )

    def withdraw(self, source, target, amount):
        return self.pay(
            "confidential.withdraw", signer=self.keys[source], account=self.keys[target], amount=amount
        )


@pytest.fixture
def house(node):
    return House(node)


def test_value_goes_in_moves_unseen_and_comes_out(house):
    for amount in (1000, 500, 250):
        house.shield("alice", amount)
    assert house.balance("alice") == house.held() == 1750
    assert house.send("alice", "bob", 1200)["state"] == "done"
    assert (house.balance("alice"), house.balance("bob"), house.held()) == (550, 1200, 1750)
    assert house.withdraw("bob", "carol", 700)["state"] == "done"
    assert (house.balance("bob"), house.public_balance("carol"), house.held()) == (500, 700, 1050)
    assert house.public_balance("alice") == 10_000 - 1750
    audit = house.node.cli("audit")
    assert audit.returncode == 0


def test_nothing_on_the_ledger_tells_the_amount_of_a_payment(house):
    for amount in (7001, 11, 12):
        house.shield("alice", amount)
    before = house.node.query("SELECT max(seq) FROM event")[0][0]
    assert house.send("alice", "bob", 4321)["state"] == "done"
    told = house.node.query(
        "SELECT body FROM event WHERE seq > ? UNION ALL SELECT body FROM signed_transaction"
        " WHERE method = 'confidential.transfer' UNION ALL SELECT result FROM signed_transaction",
        before,
    )
    bodies = [json.loads(body) for (body,) in told if "signature" not in body]

    def numbers(value):
        if isinstance(value, dict):
            return [n for member in value.values() for n in numbers(member)]
        if isinstance(value, list):
            return [n for member in value for n in numbers(member)]
        return [value] if isinstance(value, int) else []

    assert not {4321, 7001 - 4321} & {n for body in bodies for n in numbers(body)}
    for name in ("alice", "bob"):
        assert not any(house.keys[name] in body for (body,) in told if "confidential.transfer" in body)


def test_what_was_sent_survives_a_crash_and_is_sent_once(house):
    for _ in range(4):
        house.shield("alice", 100)
    assert house.send("alice", "bob", 150)["state"] == "done"
    house.node.call(
        "confidential.send", asset="GOLD", signer=house.keys["alice"], to=house.address("bob"), amount=10
    )
    house.node.crash()
    house.node.call("wallet.unlock", passphrase=PASSPHRASE)
    deadline = time.monotonic() + PATIENCE
    while any(p["state"] == "submitted" for p in house.node.call("confidential.payments")["items"]):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert [p["state"] for p in house.node.call("confidential.payments")["items"]] == ["done", "done"]
    assert (house.balance("alice"), house.balance("bob"), house.held()) == (240, 160, 400)


def test_a_locked_keystore_tells_nothing(house):
    house.shield("alice", 100)
    house.node.call("wallet.lock")
    refused(2101, house.node.call, "confidential.address", signer=house.keys["alice"])
    refused(2101, house.node.call, "confidential.balance", signer=house.keys["alice"], asset="GOLD")


def test_a_spent_note_is_not_spent_again(house):
    for _ in range(3):
        house.shield("alice", 100)
    assert house.send("alice", "bob", 100)["state"] == "done"
    body = json.loads(
        house.node.query("SELECT body FROM signed_transaction WHERE method = 'confidential.transfer'")[0][0]
    )
    params = body["params"]
    refused(3201, house.node.call, "confidential.transfer", {"from": "bob", **params})
    params["range_proof"] = "00" * 32 + params["range_proof"][64:]
    refused(6001, house.node.call, "confidential.transfer", {"from": "bob", **params})
    assert house.held() == 300
