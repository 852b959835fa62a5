"""A rollup whose data a committee holds, as its operator and a member elsewhere see it: what the member signs
follows from the published layout alone, a kill -9 loses nothing that was vouched for, and data that is
demanded comes.
"""

import time
import zlib

import pytest

from layerd_client import Account, CallError
from node import PATIENCE
from reference import merkle, schnorr

PASSPHRASE = "a passphrase of the committee"
BOND = 1000


def eventually(condition, what, seconds=PATIENCE):
    end = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < end, "never: " + what
        time.sleep(0.02)


def refused(name, call, *arguments, **named):
    with pytest.raises(CallError) as caught:
        call(*arguments, **named)
    assert caught.value.name == name, caught.value


@pytest.fixture
def rollup(node):
    """Operated by the node; one member is the node itself, the other is carol, whose key is not here."""
    node.call("wallet.create", passphrase=PASSPHRASE)
    node.carol = Account("carol")
    node.fund(node.carol, 100_000)
    node.own = node.call("node.info")["account"]
    for name in ("alice", "bob"):
        node.call("wallet.new", name=name)
        node.call("dev.faucet", {"from": name, "amount": 100_000})
    node.call("ledger.transfer", {"from": "alice", "to": node.own, "asset": "DEV", "amount": 50_000})
    made = node.call(
        "rollup.create",
        {
            "from": "alice",
            "operator": node.own,
            "assets": [{"asset": "DEV"}],
            "bond": BOND,
            "availability": "committee",
            "committee": [{"member": node.own}, {"member": node.carol.address}],
            "availability_bond": 300,
        },
    )["result"]
    node.domain, node.rollup_id = made["domain"], made["rollup"]
    node.call("rollup.sequencer", domain=node.domain, batch_time=100_000)
    for name in ("alice", "bob"):
        node.call("rollup.deposit", {"from": name, "domain": node.domain, "asset": "DEV", "amount": 500})
    eventually(lambda: node.call("rollup.get", domain=node.domain)["executed"], "inbox items alone need nobody")
    eventually(lambda: inside(node, "bob") == 500, "bob's deposit")
    return node


def address(node, name):
    return {key["name"]: key["address"] for key in node.call("wallet.list")["items"]}[name]


def inside(node, name):
    try:
        account = node.call("rollup.account", domain=node.domain, key=address(node, name))
    except CallError:
        return None
    return account["balances"][0]["amount"]


def number(value, size=8):
    return value.to_bytes(size, "big")


def what_is_signed(node, sealed, data):
    """From src/layer2/rollup/committee.h, batch.h and the batch's public parts alone."""
    transactions = zlib.decompress(data)
    assert sealed["transactions"] == 1
    items_root = merkle.root([merkle.leaf(transactions)])
    assert items_root.hex() == sealed["items_root"]
    data_hash = schnorr.tagged_hash("layerd/rollup/data", data)
    assert data_hash.hex() == sealed["data_hash"]
    below = node.call("rollup.batch", batch=sealed["parent"])
    context = schnorr.tagged_hash(
        "layerd/rollup/context",
        bytes.fromhex(node.rollup_id)
        + number(sealed["number"])
        + bytes.fromhex(below["root"])
        + items_root
        + number(1)
        + number(0)
        + number(below["inbox_to"])
        + number(1, 1),
    )
    chain = node.chain.encode()
    return schnorr.tagged_hash(
        "layerd/rollup/availability",
        number(len(chain))
        + chain
        + bytes.fromhex(node.rollup_id)
        + context
        + bytes.fromhex(sealed["parent"])
        + data_hash
        + number(len(data))
        + number(0),  # the rollup's epoch
    )


def sealed_batch(node):
    try:
        return node.call("rollup.sealed", domain=node.domain)
    except CallError as error:
        assert error.name == "not_ready"
        return None


def make_batch(node):
    """A transfer in a batch that carol vouches for; its number."""
    node.call(
        "rollup.transfer",
        domain=node.domain,
        signer=address(node, "alice"),
        to=address(node, "bob"),
        asset="DEV",
        amount=5,
    )
    sealed = eventually(lambda: sealed_batch(node), "a batch waits")
    data = bytes.fromhex(node.call("rollup.data", data_hash=sealed["data_hash"])["data"])
    message = what_is_signed(node, sealed, data)
    assert message.hex() == sealed["message"]
    return sealed, schnorr.sign(node.carol.secret, message, bytes(32))


def test_a_member_elsewhere_signs_what_the_layout_says(rollup):
    sealed, signature = make_batch(rollup)
    flipped = bytearray(signature)
    flipped[40] ^= 1
    named = {"domain": rollup.domain, "member": rollup.carol.address}
    refused("bad_attestation", rollup.call, "rollup.attested", signature=bytes(flipped).hex(), **named)
    refused(
        "not_a_member",
        rollup.call,
        "rollup.attested",
        domain=rollup.domain,
        member=address(rollup, "bob"),
        signature=signature.hex(),
    )
    rollup.crash()  # what waits is still there, and the same
    assert sealed_batch(rollup)["message"] == sealed["message"]
    rollup.call("rollup.attested", signature=signature.hex(), **named)
    rollup.crash()
    number = sealed["number"]  # the deposits before it came in one batch or in two
    eventually(lambda: rollup.call("rollup.get", domain=rollup.domain)["executed"] == number, "the batch")
    assert inside(rollup, "bob") == 505
    batch = rollup.call("rollup.batch", domain=rollup.domain, number=number)
    assert (batch["data_state"], batch["data_here"]) == ("committee", True)
    assert [a["member"] for a in batch["attestations"]].count(rollup.carol.address) == 1
    assert rollup.query("SELECT count(*) FROM batch_data WHERE length(data) > 0") == [(0,)]
    assert rollup.call("rollup.rebuild", domain=rollup.domain)["equal"] is True
    assert rollup.call("audit")["ok"] is True


def test_data_that_is_demanded_is_published_by_who_has_it(rollup):
    sealed, signature = make_batch(rollup)
    rollup.call(
        "rollup.attested", domain=rollup.domain, member=rollup.carol.address, signature=signature.hex()
    )
    number = sealed["number"]
    eventually(lambda: rollup.call("rollup.get", domain=rollup.domain)["executed"] == number, "the batch")
    batch = rollup.call("rollup.batch", domain=rollup.domain, number=number)
    rollup.submit(rollup.carol, "rollup.challenge_availability", batch=batch["batch"])
    columns = "state, challenger, answerer, bond FROM v_availability_challenge"
    eventually(lambda: rollup.query("SELECT " + columns)[0][0] == "answered", "an answer")
    assert rollup.query("SELECT " + columns) == [("answered", rollup.carol.address, rollup.own, 300)]
    shown = rollup.call("rollup.batch", domain=rollup.domain, number=2)
    assert shown["data_state"] == "published" and shown["data"] == batch["data"]
    assert shown["window_end_us"] > batch["window_end_us"]
    refused(
        "challenged_before", rollup.submit, rollup.carol, "rollup.challenge_availability", batch=batch["batch"]
    )
    assert rollup.call("rollup.rebuild", domain=rollup.domain)["equal"] is True
    assert rollup.call("audit")["ok"] is True
