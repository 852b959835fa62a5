"""The life of a hash-locked escrow: locked, then either claimed by preimage or refunded after its deadline,
never both.
"""

import hashlib
import time

import pytest

from layerd_client import PATIENCE, CallError
from node import SECOND
from test_ledger import assert_conserved, balance, refused

PREIMAGE = hashlib.sha256(b"functional preimage").digest()
HASH = hashlib.sha256(PREIMAGE).hexdigest()


@pytest.fixture
def house(node, alice):
    node.issue(alice, "GOLD", 1000)
    return node


def lock(node, sender, recipient, amount=100, **named):
    named.setdefault("hash", HASH)
    if "timeout" not in named and "deadline" not in named:
        named["timeout"] = "1h"
    reply = node.submit(sender, "ledger.lock", to=recipient.address, asset="GOLD", amount=amount, **named)
    return reply["result"]["escrow"]


def claim(node, claimant, escrow, preimage=PREIMAGE):
    return node.submit(claimant, "ledger.claim", escrow=escrow, preimage=preimage.hex())


def state(node, escrow):
    return node.call("ledger.escrow", escrow=escrow)["state"]


def wait_for_state(node, escrow, expected, seconds=PATIENCE):
    end = time.monotonic() + seconds
    while state(node, escrow) != expected:
        assert time.monotonic() < end, "escrow stays %s" % state(node, escrow)
        time.sleep(0.02)


def test_the_recipient_claims_with_the_preimage(house, alice, bob):
    escrow = lock(house, alice, bob)
    assert state(house, escrow) == "locked"
    assert (balance(house, alice, "GOLD"), balance(house, bob, "GOLD")) == (900, 0)
    assert_conserved(house)
    claim(house, bob, escrow)
    assert state(house, escrow) == "claimed"
    assert (balance(house, alice, "GOLD"), balance(house, bob, "GOLD")) == (900, 100)
    assert_conserved(house)


def test_the_preimage_of_a_claim_is_public_in_its_event(house, alice, bob):
    escrow = lock(house, alice, bob)
    stream = house.events()
    stream.subscribe(**{"from": "first", "subjects": ["escrow/" + escrow]})
    claim(house, bob, escrow)
    locked, claimed = stream.events(2)
    assert locked["type"] == "ledger.escrow_locked" and locked["data"]["hash"] == HASH
    assert claimed["type"] == "ledger.escrow_claimed" and claimed["data"]["preimage"] == PREIMAGE.hex()


def test_a_wrong_preimage_is_refused(house, alice, bob):
    escrow = lock(house, alice, bob)
    flipped = bytearray(PREIMAGE)
    flipped[31] ^= 1
    refused(3009, claim, house, bob, escrow, bytes(flipped))
    refused(3009, claim, house, bob, escrow, bytes(32))
    for size in (0, 31, 33):
        with pytest.raises(CallError) as caught:
            claim(house, bob, escrow, bytes(size))
        assert caught.value.code in (-32602, 3009)
    assert state(house, escrow) == "locked"


def test_nobody_but_the_recipient_claims(house, alice, bob, carol):
    escrow = lock(house, alice, bob)
    refused(3012, claim, house, carol, escrow)
    refused(3012, claim, house, alice, escrow)
    assert state(house, escrow) == "locked"


def test_an_escrow_is_claimed_once(house, alice, bob):
    escrow = lock(house, alice, bob)
    claim(house, bob, escrow)
    refused(3007, claim, house, bob, escrow)
    assert balance(house, bob, "GOLD") == 100


def test_two_claims_at_once_pay_once(house, alice, bob):
    escrow = lock(house, alice, bob)
    requests = [
        ("transaction.submit", house.signed(bob, "ledger.claim", escrow=escrow, preimage=PREIMAGE.hex()))
        for _ in range(20)
    ]
    results = house.rpc().pipeline(requests)
    assert sum(isinstance(result, dict) for result in results) == 1
    assert {result.code for result in results if isinstance(result, CallError)} == {3007}
    assert balance(house, bob, "GOLD") == 100


def test_an_unknown_escrow_is_refused(house, bob):
    refused(3006, claim, house, bob, "00" * 32)
    refused(3006, house.call, "ledger.escrow", escrow="00" * 32)


def test_the_amount_goes_back_by_itself_when_the_deadline_passes(house, alice, bob):
    escrow = lock(house, alice, bob, timeout="1h")
    stream = house.events()
    stream.subscribe(**{"from": "now", "types": ["ledger.escrow_refunded"]})
    house.advance(alice, 3540 * SECOND)
    assert stream.silent(0.2)
    assert state(house, escrow) == "locked"
    house.advance(alice, 61 * SECOND)
    (event,) = stream.events(1)
    assert event["data"] == {"escrow": escrow, "to": alice.address, "asset": "GOLD", "amount": 100}
    assert state(house, escrow) == "refunded"
    assert balance(house, alice, "GOLD") == 1000
    assert_conserved(house)


def test_a_claim_after_the_deadline_is_refused(house, alice, bob):
    escrow = lock(house, alice, bob, timeout="1h")
    house.advance(alice, 3600 * SECOND)
    with pytest.raises(CallError) as caught:
        claim(house, bob, escrow)
    assert caught.value.code in (3007, 3008)
    wait_for_state(house, escrow, "refunded")
    assert balance(house, bob, "GOLD") == 0
    assert_conserved(house)


def test_a_claim_just_before_the_deadline_succeeds_and_nothing_goes_back(house, alice, bob):
    escrow = lock(house, alice, bob, timeout="1h")
    house.advance(alice, 3540 * SECOND)
    claim(house, bob, escrow)
    house.advance(alice, 3600 * SECOND)
    time.sleep(0.2)
    assert state(house, escrow) == "claimed"
    assert house.query("SELECT count(*) FROM event WHERE type = 'ledger.escrow_refunded'") == [(0,)]
    assert_conserved(house)


def test_deadlines_fire_in_order_of_time(house, alice, bob):
    escrows = {hours: lock(house, alice, bob, amount=hours, timeout="%dh" % hours) for hours in (3, 1, 2)}
    house.advance(alice, 4 * 3600 * SECOND)
    for escrow in escrows.values():
        wait_for_state(house, escrow, "refunded")
    rows = house.query(
        "SELECT body ->> 'amount' FROM event WHERE type = 'ledger.escrow_refunded' ORDER BY seq"
    )
    assert [int(amount) for amount, in rows] == [1, 2, 3]


def test_a_deadline_may_be_a_time(house, alice, bob):
    deadline = house.now_us() + 3600 * SECOND
    escrow = lock(house, alice, bob, deadline=deadline)
    assert house.call("ledger.escrow", escrow=escrow)["deadline_us"] == deadline


def test_a_deadline_that_is_not_ahead_is_refused(house, alice, bob):
    refused(3010, lock, house, alice, bob, deadline=house.now_us() - SECOND)
    refused(3010, lock, house, alice, bob, deadline=1)


def test_a_lock_needs_exactly_one_of_timeout_and_deadline(house, alice, bob):
    arguments = dict(to=bob.address, asset="GOLD", amount=1, hash=HASH)
    refused(-32602, house.submit, alice, "ledger.lock", **arguments)
    refused(
        -32602,
        house.submit,
        alice,
        "ledger.lock",
        timeout="1h",
        deadline=house.now_us() + SECOND,
        **arguments,
    )
    for timeout in ("1 hour", "-1h", "h", "", "1.5h", "99999999d", None, {}):
        refused(-32602, house.submit, alice, "ledger.lock", timeout=timeout, **arguments)


def test_a_lock_of_more_than_one_holds_is_refused(house, alice, bob):
    refused(3001, lock, house, alice, bob, amount=1001)
    refused(3001, lock, house, bob, alice, amount=1)


def test_a_deadline_that_passed_while_the_node_was_down_fires_at_the_start(house, alice, bob):
    escrow = lock(house, alice, bob, timeout="1s")
    claimed = lock(house, alice, bob, timeout="1h")
    house.kill()
    time.sleep(1.1)
    house.start()
    wait_for_state(house, escrow, "refunded")
    assert state(house, claimed) == "locked"
    claim(house, bob, claimed)
    assert_conserved(house)


def test_advanced_time_survives_a_restart(house, alice, bob):
    house.advance(alice, 7200 * SECOND)
    before = house.call("node.info")["block_time_us"]
    house.restart()
    house.transfer(alice, bob, "GOLD", 1)
    assert house.call("node.info")["block_time_us"] >= before


def test_lists_of_escrows_follow_state_and_account(house, alice, bob, carol):
    escrows = [lock(house, alice, bob, amount=10) for _ in range(3)]
    other = lock(house, alice, carol, amount=10)
    claim(house, bob, escrows[0])
    listed = {
        item["escrow"] if "escrow" in item else item["id"]
        for item in house.call("ledger.escrows", account=bob.address, state="locked")["items"]
    }
    assert listed == set(escrows[1:])
    page = house.call("ledger.escrows", limit=3)
    rest = house.call("ledger.escrows", limit=3, after=page["next"])
    assert len(page["items"]) == 3 and len(rest["items"]) == 1
    assert other in str(page) + str(rest)


def test_open_deadlines_are_listed(house, alice, bob):
    assert house.call("deadline.list")["items"] == []
    escrow = lock(house, alice, bob)
    (item,) = house.call("deadline.list")["items"]
    assert item["kind"] == "ledger.escrow" and escrow in str(item)
