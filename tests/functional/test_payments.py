"""Payments through channels as their user meets them: invoices, routes, hold invoices, loops, refusals by
name, SQL, and what a restart or kill -9 in the middle leaves behind.

LAYERD_TEST_SEED repeats the moments at which the node is killed.
"""

import hashlib
import json
import os
import random
import threading
import time

import pytest

from layerd_client import CallError, Closed, Rpc
from node import PATIENCE, Node
from test_access import STRANGER, calls_as, needs_root

PASSPHRASE = "a passphrase of the town"
PEOPLE = ("alice", "bob", "carol", "dave")
STAKE = 1_000_000
KILLS = 3
# no reserves, payments of 1 … 10^6, 483 hash-locks a side: src/layer2/channel/applications/payment.c
TERMS = "%016x%016x%016x%016x%04x" % (0, 0, 1, 1_000_000, 483)
SECRET = hashlib.sha256(b"kept elsewhere").hexdigest()
GONE = (Closed, OSError, TimeoutError)


# --- a town: keys on the node, and channels among them ----------------------------------------------


def wait_for(condition, what, seconds=PATIENCE):
    """What the condition gives, once it gives something."""
    end = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < end, "never: " + what
        time.sleep(0.005)


def ask(node, method, params=None, **named):
    """Calls; where an account is expected the town's people go by their names (layer-cli looks those up, the
    node's socket takes addresses).
    """
    params = dict(params or {}, **named)
    for field in ("payer", "payee", "signer"):
        if field in params:
            params[field] = node.people.get(params[field], params[field])
    return node.call(method, params)


def registered(node, channel):
    try:
        return node.call("channel.get", channel=channel)
    except CallError as error:
        assert error.name == "channel_not_found"
        return None


def open_channel(node, first, second, amounts=(STAKE, STAKE), asset="GOLD", application="payment", nonce=0):
    """A running channel of two keys of the node; its id."""
    coded = node.call(
        "channel.encode",
        participants=[{"key": node.people[first]}, {"key": node.people[second]}],
        assets=[{"asset": asset}],
        application=application,
        challenge_period="1h",
        nonce=nonce,
        **({"terms": TERMS} if application == "payment" else {}),
    )
    channel = coded["channel"]
    outcome = [
        {"account": node.people[name], "amount": amount} for name, amount in zip((first, second), amounts)
    ]
    data = {"data": "00" * 8} if application == "payment" else {}
    ask(node, "channel.propose", fixed=coded["fixed"], outcome=outcome, signer=first, **data)
    wait_for(lambda: registered(node, channel), "the channel is registered")
    for name, amount in zip((first, second), amounts):
        if amount > 0:
            node.call("channel.deposit", {"from": name}, channel=channel, asset=asset, amount=amount)
    wait_for(
        lambda: node.call("channel.status", channel=channel)["phase"] == "funded", "the channel is funded"
    )
    assert ask(node, "channel.update", channel=channel, signer=first)["phase"] == "running"
    return channel


def build_town(node):
    """Alice – Bob – Carol – Alice; Dave has no channel."""
    node.call("wallet.create", passphrase=PASSPHRASE)
    node.people = {name: node.call("wallet.new", name=name)["address"] for name in PEOPLE}
    node.call("ledger.issue", {"from": "alice"}, symbol="GOLD", amount=100 * STAKE)
    node.call("ledger.issue", {"from": "bob"}, symbol="IRON", amount=100 * STAKE)
    for name in PEOPLE[1:]:
        node.call(
            "ledger.transfer", {"from": "alice"}, to=node.people[name], asset="GOLD", amount=10 * STAKE
        )
    node.ab = open_channel(node, "alice", "bob")
    node.bc = open_channel(node, "bob", "carol")
    node.ca = open_channel(node, "carol", "alice")
    return node


@pytest.fixture(scope="module")
def town():
    """For tests that leave the channels as they found them, but for some value that moved."""
    node = Node()
    try:
        build_town(node.start())
        yield node
        assert node.call("audit")["ok"] is True
        wait_for(lambda: node.call("payment.status")["htlcs"] == 0, "nothing is locked any more")
    finally:
        node.finish()


@pytest.fixture
def own_town(node):
    return build_town(node)


def invoice_for(node, payee, amount=None, **named):
    if amount is not None:
        named["amount"] = amount
    return ask(node, "invoice.create", payee=payee, asset=named.pop("asset", "GOLD"), **named)


def state_of(node, digest):
    return node.call("payment.get", hash=digest)["state"]


def ended(node, digest):
    """How a payment ended, once it did."""
    wait_for(lambda: state_of(node, digest) != "in_flight", "the payment ends")
    return node.call("payment.get", hash=digest)


def pay(node, payer, invoice, **named):
    ask(node, "payment.send", invoice=invoice["invoice"], payer=payer, **named)
    return ended(node, invoice["hash"])


def invoice_state(node, invoice):
    return node.call("invoice.get", hash=invoice["hash"])["state"]


def shares(node, channel):
    """What the newest supported state gives its two participants, by name."""
    names = {address: name for name, address in node.people.items()}
    says = node.call("channel.status", channel=channel)["supported"]["says"]
    return {names[entry["account"]]: entry["amount"] for entry in says["outcome"][:2]}


def worth(node, name):
    """What somebody has in all channels together."""
    return sum(shares(node, channel).get(name, 0) for channel in (node.ab, node.bc, node.ca))


def refused(name, node, method, params=None, **named):
    with pytest.raises(CallError) as caught:
        ask(node, method, params, **named)
    assert caught.value.name == name, caught.value
    return caught.value


@pytest.fixture
def no_shortcut(town):
    """Carol's channel with Alice takes no payments meanwhile: from Alice to Carol it is two hops."""
    for signer in ("alice", "carol"):
        ask(town, "payment.policy", channel=town.ca, signer=signer, enabled=False)
    yield
    for signer in ("alice", "carol"):
        ask(town, "payment.policy", channel=town.ca, signer=signer)


# --- invoices ---------------------------------------------------------------------------------------


def test_an_invoice_says_what_it_asks_for(town):
    made = invoice_for(town, "carol", 1500, description="tea € \U0001f375", expiry="10m")
    says = town.call("invoice.decode", invoice=made["invoice"])
    assert says["currency"] == "lyt" and says["amount_msat"] == 1500 and says["expiry_s"] == 600
    assert says["payment_hash"] == made["hash"] and says["description"] == "tea € \U0001f375"
    assert says["metadata"] == town.call("ledger.asset", asset="GOLD")["id"]
    stands = town.call("invoice.get", hash=made["hash"])
    assert stands["state"] == "open" and stands["received"] == 0 and stands["hold"] is False
    assert stands["payee"] == town.people["carol"] and stands["invoice"] == made["invoice"]
    (key,) = [key for key in town.call("wallet.list")["items"] if key["name"] == "carol"]
    assert says["payee"][2:] == key["public_key"] and says["payee"][:2] in ("02", "03")


def test_one_letter_changed_makes_it_no_invoice(town):
    text = invoice_for(town, "carol", 5)["invoice"]
    for place in (12, len(text) // 2, len(text) - 1):
        changed = text[:place] + ("q" if text[place] != "q" else "p") + text[place + 1 :]
        refused("invalid_invoice", town, "invoice.decode", invoice=changed)
        refused("invalid_invoice", town, "payment.send", invoice=changed, payer="alice")


def test_an_invoice_of_lightning_is_read_and_not_paid(town):
    help_of = town.cli("help", "invoice.decode").stdout
    lightning = help_of.split("invoice=ln")[-1].split()[0]
    assert town.call("invoice.decode", invoice="ln" + lightning)["currency"] == "bc"
    refused("invalid_invoice", town, "payment.send", invoice="ln" + lightning, payer="alice")


def test_two_invoices_cannot_have_one_hash(town):
    digest = hashlib.sha256(b"twice").hexdigest()
    made = invoice_for(town, "carol", 5, hold=True, hash=digest)
    assert made["hash"] == digest
    refused("invoice_exists", town, "invoice.create", payee="bob", asset="GOLD", hold=True, hash=digest)
    town.call("invoice.cancel", hash=digest)


# --- payments ---------------------------------------------------------------------------------------


def test_a_payment_goes_through_two_hops_and_proves_itself(town, no_shortcut):
    before = {name: worth(town, name) for name in PEOPLE}
    stream = town.events()
    stream.subscribe(types=["payment.*"], **{"from": "now"})
    made = invoice_for(town, "carol", 1500)
    route = ask(town, "payment.route", payer="alice", payee="carol", asset="GOLD", amount=1500)
    assert [hop["channel"] for hop in route["parts"][0]["hops"]] == [town.ab, town.bc]
    assert route["parts"][0]["fee"] == 1
    got = pay(town, "alice", made)
    assert got["state"] == "settled" and got["fee"] == 1 and got["amount"] == 1500
    assert hashlib.sha256(bytes.fromhex(got["preimage"])).hexdigest() == made["hash"]
    assert got["parts"][0]["channels"] == [town.ab, town.bc]
    assert invoice_state(town, made) == "settled"
    seen = stream.events(3)
    assert [event["type"] for event in seen] == ["payment.started", "payment.forwarded", "payment.settled"]
    assert {event["subject"] for event in seen} == {"payment/" + made["hash"]}
    assert seen[2]["data"]["preimage"] == got["preimage"]
    after = {name: worth(town, name) for name in PEOPLE}
    assert {name: after[name] - before[name] for name in PEOPLE} == {
        "alice": -1501,
        "bob": 1,
        "carol": 1500,
        "dave": 0,
    }


def test_an_invoice_is_paid_once_however_often_it_is_sent(town):
    made = invoice_for(town, "bob", 70)
    first = pay(town, "alice", made)
    before = worth(town, "alice")
    again = [ask(town, "payment.send", invoice=made["invoice"], payer="alice") for _ in range(3)]
    assert again == [{"hash": made["hash"], "state": "settled", "amount": 70, "fee": first["fee"]}] * 3
    refused("payment_exists", town, "payment.send", invoice=made["invoice"], payer="carol")
    assert worth(town, "alice") == before
    assert town.query("SELECT count(*) FROM v_payment WHERE hash = ?", made["hash"]) == [(1,)]


def test_many_at_once_are_one_payment(town):
    made = invoice_for(town, "bob", 11)
    before = worth(town, "bob")
    params = {"invoice": made["invoice"], "payer": town.people["alice"]}
    answers = town.rpc().pipeline([("payment.send", params)] * 50)
    assert {answer["hash"] for answer in answers} == {made["hash"]}
    assert ended(town, made["hash"])["state"] == "settled"
    assert worth(town, "bob") - before == 11


def test_an_invoice_may_leave_the_amount_to_the_payer(town):
    made = invoice_for(town, "bob")
    refused("invalid_params", town, "payment.send", invoice=made["invoice"], payer="alice")
    refused("invalid_params", town, "payment.send", invoice=made["invoice"], payer="alice", amount=0)
    assert pay(town, "alice", made, amount=123)["state"] == "settled"
    assert town.call("invoice.get", hash=made["hash"])["received"] == 123


def test_a_payment_larger_than_any_channel_goes_in_parts(town):
    most = max(shares(town, town.ab)["alice"], shares(town, town.ca)["alice"])
    amount = most + 1000
    made = invoice_for(town, "bob", amount)
    refused("no_route", town, "payment.send", invoice=made["invoice"], payer="alice", parts=1)
    got = pay(town, "alice", made)
    assert got["state"] == "settled" and len(got["parts"]) >= 2
    back = invoice_for(town, "alice", amount)
    assert pay(town, "bob", back)["state"] == "settled"
    for paid in (made, back):  # the first preimage settles a payment; its other parts follow

        def parts():
            return town.call("payment.get", hash=paid["hash"])["parts"]

        wait_for(lambda: all(part["state"] != "in_flight" for part in parts()), "every part ends")
        assert sum(part["amount"] for part in parts() if part["state"] == "settled") == amount


# --- refusals, by the names of errors.def -----------------------------------------------------------


def test_what_no_way_carries_is_refused(town, no_shortcut):
    large = invoice_for(town, "carol", 5 * STAKE)
    refused("no_route", town, "payment.send", invoice=large["invoice"], payer="alice")
    made = invoice_for(town, "carol", 1000)
    refused("no_route", town, "payment.send", invoice=made["invoice"], payer="alice", fee_limit=0)
    refused("no_route", town, "payment.send", invoice=made["invoice"], payer="dave")
    refused("no_route", town, "payment.route", payer="alice", payee="dave", asset="GOLD", amount=1)
    refused("no_route", town, "payment.route", payer="alice", payee="bob", asset="IRON", amount=1)
    refused("payment_not_found", town, "payment.get", hash=made["hash"])
    assert pay(town, "alice", made)["state"] == "settled"  # a refusal is not the end of an invoice


def test_an_invoice_that_ended_is_refused(own_town):
    canceled = invoice_for(own_town, "bob", 5)
    own_town.call("invoice.cancel", hash=canceled["hash"])
    got = pay(own_town, "alice", canceled)
    assert got["state"] == "failed" and got["failure"] == "invoice_ended"
    refused("invoice_ended", own_town, "invoice.cancel", hash=canceled["hash"])
    refused("invoice_ended", own_town, "invoice.settle", hash=canceled["hash"])
    expiring = invoice_for(own_town, "bob", 5, expiry="1m")
    own_town.call("dev.advance_time", {"from": "alice"}, by="2m")
    refused("invoice_ended", own_town, "payment.send", invoice=expiring["invoice"], payer="alice")
    wait_for(lambda: invoice_state(own_town, expiring) == "expired", "the invoice expires")
    assert own_town.call("audit")["ok"] is True


def test_keys_that_are_not_here_neither_ask_nor_pay(town, bob):
    refused("key_not_found", town, "invoice.create", payee=bob.address, asset="GOLD", amount=5)
    made = invoice_for(town, "bob", 5)
    refused("key_not_found", town, "payment.send", invoice=made["invoice"], payer=bob.address)
    refused("same_account", town, "payment.send", invoice=made["invoice"], payer="bob")


@pytest.mark.parametrize(
    "name, method, params",
    [
        ("invoice_not_found", "invoice.get", {"hash": "ab" * 32}),
        ("invoice_not_found", "invoice.settle", {"hash": "ab" * 32}),
        ("invoice_not_found", "invoice.cancel", {"hash": "ab" * 32}),
        ("payment_not_found", "payment.get", {"hash": "ab" * 32}),
        ("channel_not_found", "payment.policy", {"channel": "ab" * 32, "signer": "alice"}),
        ("channel_not_found", "payment.policies", {"channel": "ab" * 32}),
        (
            "channel_not_found",
            "payment.rebalance",
            {"signer": "alice", "out": "ab" * 32, "in": "cd" * 32, "amount": 1},
        ),
        ("invalid_params", "invoice.create", {"payee": "bob", "asset": "GOLD", "expiry": "400d"}),
        ("invalid_params", "invoice.create", {"payee": "bob", "asset": "GOLD", "hash": "ab" * 32}),
        ("invalid_params", "invoice.create", {"payee": "bob", "asset": "GOLD", "description": "x" * 640}),
        (
            "invalid_params",
            "payment.route",
            {"payer": "alice", "payee": "bob", "asset": "GOLD", "amount": 1, "parts": 17},
        ),
    ],
)
def test_a_refusal_has_its_name(town, name, method, params):
    refused(name, town, method, params)


def test_a_policy_keeps_to_its_bounds_and_its_owner(town):
    for wrong in ({"ppm": 1_000_001}, {"delta": "39m"}):
        refused("invalid_params", town, "payment.policy", channel=town.ab, signer="alice", **wrong)
    refused("not_a_participant", town, "payment.policy", channel=town.ab, signer="carol")
    other = open_channel(town, "alice", "bob", (10, 10), application="consensus")
    refused("wrong_phase", town, "payment.policy", channel=other, signer="alice")
    refused("wrong_phase", town, "payment.policies", channel=other)
    refused("invalid_params", town, "payment.policy", channel=town.ab, signer="alice", max_balance=-1)


def test_a_side_takes_no_more_than_its_limit(own_town):
    side = {"channel": own_town.ab, "signer": "bob"}
    way = {"payer": "alice", "payee": "bob", "asset": "GOLD", "amount": 50}
    ask(own_town, "payment.policy", channel=own_town.ca, signer="alice", enabled=False)
    balance = ask(own_town, "payment.policies", channel=own_town.ab)["sides"][1]["balance"]
    assert ask(own_town, "payment.policy", side, max_balance=balance + 49)["max_balance"] == balance + 49
    refused("no_route", own_town, "payment.route", way)
    ask(own_town, "payment.policy", side, max_balance=balance + 50)
    assert pay(own_town, "alice", invoice_for(own_town, "bob", 50))["state"] == "settled"
    refused("no_route", own_town, "payment.route", way)
    assert ask(own_town, "payment.policies", channel=own_town.ab)["sides"][1]["policy"]["max_balance"] == balance + 50
    assert "max_balance" not in ask(own_town, "payment.policy", side, max_balance=0)
    assert len(ask(own_town, "payment.route", way)["parts"]) == 1


def test_a_locked_keystore_pays_nothing_and_asks_for_nothing(town):
    made = invoice_for(town, "bob", 5)
    town.call("wallet.lock")
    refused("keystore_locked", town, "payment.send", invoice=made["invoice"], payer="alice")
    refused("keystore_locked", town, "invoice.create", payee="bob", asset="GOLD", amount=5)
    town.call("wallet.unlock", passphrase=PASSPHRASE)
    assert pay(town, "alice", made)["state"] == "settled"


@needs_root
def test_a_stranger_is_denied_all_but_reading_invoices_and_the_status(town):
    made = invoice_for(town, "bob", 5)
    os.chmod(town.directory, 0o750)
    digest = {"hash": made["hash"]}
    loop = {"signer": "alice", "out": town.ab, "in": town.ca}
    operators = [
        ("payment.send", {"invoice": made["invoice"], "payer": "alice"}),
        ("payment.get", digest),
        ("payment.route", {"payer": "alice", "payee": "bob", "asset": "GOLD", "amount": 1}),
        ("payment.rebalance", dict(loop, amount=1)),
        ("payment.drain", loop),
        ("payment.policy", {"channel": town.ab, "signer": "alice"}),
        ("payment.policies", {"channel": town.ab}),
        ("payment.top_up", {"channel": town.ab, "signer": "alice"}),
        ("invoice.create", {"payee": "bob", "asset": "GOLD"}),
        ("invoice.get", digest),
        ("invoice.settle", digest),
        ("invoice.cancel", digest),
    ]
    answers = calls_as(
        STRANGER,
        town,
        *[("rpc", *call) for call in operators],
        ("rpc", "invoice.decode", {"invoice": made["invoice"]}),
        ("rpc", "payment.status", {}),
    )
    assert [name for name, _ in answers] == ["denied"] * len(operators) + ["ok"] * 2
    assert invoice_state(town, made) == "open"


# --- fees and loops ---------------------------------------------------------------------------------


def test_who_passes_on_sets_the_price(town, no_shortcut):
    ask(town, "payment.policy", channel=town.bc, signer="bob", base=7, ppm=10_000)
    way = {"payer": "alice", "payee": "carol", "asset": "GOLD", "amount": 1000}
    assert ask(town, "payment.route", way)["parts"][0]["fee"] == 17
    refused("no_route", town, "payment.route", way, fee_limit=16)
    assert pay(town, "alice", invoice_for(town, "carol", 1000))["fee"] == 17
    ask(town, "payment.policy", channel=town.bc, signer="bob", enabled=False)
    refused("no_route", town, "payment.route", way)
    ask(town, "payment.policy", channel=town.bc, signer="bob")  # enabled again, at the price it had
    assert ask(town, "payment.route", way)["parts"][0]["fee"] == 17
    ask(town, "payment.policy", channel=town.bc, signer="bob", base=1, ppm=100)
    assert ask(town, "payment.route", way)["parts"][0]["fee"] == 1


def test_value_moves_from_one_channel_of_its_owner_into_another(town):
    before = shares(town, town.ab), shares(town, town.ca), worth(town, "alice")
    loop = {"signer": "alice", "out": town.ab, "in": town.ca}
    sent = ask(town, "payment.rebalance", loop, amount=2000)
    got = ended(town, sent["hash"])
    assert got["state"] == "settled" and got["payer"] == got["payee"] == town.people["alice"]
    assert shares(town, town.ab)["alice"] == before[0]["alice"] - 2000 - got["fee"]
    assert shares(town, town.ca)["alice"] == before[1]["alice"] + 2000
    assert worth(town, "alice") == before[2] - got["fee"]
    refused("invalid_params", town, "payment.rebalance", dict(loop, out=town.ca), amount=1)
    refused("not_a_participant", town, "payment.rebalance", loop, signer="bob", amount=1)
    refused("no_route", town, "payment.rebalance", loop, amount=5 * STAKE)


def test_a_channel_is_drained_as_far_as_the_loop_carries(own_town):
    have = shares(own_town, own_town.ab)["alice"]
    sent = ask(own_town, "payment.drain", signer="alice", out=own_town.ab, **{"in": own_town.ca})
    got = ended(own_town, sent["hash"])
    assert got["state"] == "settled" and got["amount"] == sent["amount"] > have * 99 // 100
    assert shares(own_town, own_town.ab)["alice"] == have - got["amount"] - got["fee"] < have // 100
    empty = {"signer": "dave", "out": own_town.ab, "in": own_town.ca}
    refused("not_a_participant", own_town, "payment.drain", empty)
    assert own_town.call("audit")["ok"] is True


def test_what_is_paid_into_a_running_channel_can_be_spent(own_town):
    side = {"channel": own_town.ab, "signer": "alice"}
    refused("nothing_to_pay", own_town, "payment.top_up", side)
    refused("not_a_participant", own_town, "payment.top_up", side, signer="carol")
    own_town.call("channel.deposit", {"from": "alice"}, channel=own_town.ab, asset="GOLD", amount=500)
    assert ask(own_town, "payment.top_up", side)["amount"] == 500
    wait_for(lambda: shares(own_town, own_town.ab)["alice"] == STAKE + 500, "the value is hers")
    made = invoice_for(own_town, "bob", STAKE + 500)
    assert pay(own_town, "alice", made, parts=2)["state"] == "settled"
    refused("nothing_to_pay", own_town, "payment.top_up", side)
    assert own_town.call("audit")["ok"] is True


def test_a_loop_stays_within_one_asset(own_town):
    iron = open_channel(own_town, "bob", "alice", (1000, 0), asset="IRON")
    refused(
        "asset_mismatch",
        own_town,
        "payment.rebalance",
        signer="bob",
        out=own_town.ab,
        amount=1,
        **{"in": iron},
    )


# --- hold invoices ----------------------------------------------------------------------------------


def hold(node, payer, payee, amount, **named):
    """A payment that is there and waits."""
    made = invoice_for(node, payee, amount, hold=True, **named)
    ask(node, "payment.send", invoice=made["invoice"], payer=payer)
    wait_for(lambda: invoice_state(node, made) == "accepted", "all of it is locked")
    return made


def test_what_is_held_waits_until_the_payee_takes_it(town, no_shortcut):
    before = worth(town, "carol")
    made = hold(town, "alice", "carol", 900)
    assert state_of(town, made["hash"]) == "in_flight"
    assert town.call("payment.status")["htlcs"] == 2
    locked = town.query("SELECT hop, state, live FROM v_htlc WHERE hash = ? ORDER BY hop", made["hash"])
    assert locked == [(0, "locked", 1), (1, "locked", 1)]
    assert town.query("SELECT preimage FROM v_invoice WHERE hash = ?", made["hash"]) == [(None,)]
    assert worth(town, "carol") == before
    settled = town.call("invoice.settle", hash=made["hash"])
    assert settled == {"hash": made["hash"], "state": "settled", "received": 900}
    got = ended(town, made["hash"])
    assert got["state"] == "settled" and worth(town, "carol") == before + 900
    assert town.query("SELECT preimage FROM v_invoice WHERE hash = ?", made["hash"]) == [(got["preimage"],)]
    refused("invoice_ended", town, "invoice.settle", hash=made["hash"])
    refused("invoice_ended", town, "invoice.cancel", hash=made["hash"])


def test_what_is_held_and_not_wanted_goes_back(town, no_shortcut):
    before = {name: worth(town, name) for name in PEOPLE}
    made = hold(town, "alice", "carol", 900)
    assert town.call("invoice.cancel", hash=made["hash"])["state"] == "canceled"
    got = ended(town, made["hash"])
    assert got["state"] == "failed" and got["failure"] == "canceled" and "preimage" not in got
    assert {name: worth(town, name) for name in PEOPLE} == before
    wait_for(lambda: town.call("payment.status")["htlcs"] == 0, "nothing is locked any more")


def test_a_preimage_that_is_elsewhere_must_be_brought(town):
    digest = hashlib.sha256(bytes.fromhex(SECRET)).hexdigest()
    hold(town, "alice", "bob", 40, hash=digest)
    refused("wrong_preimage", town, "invoice.settle", hash=digest)
    refused("wrong_preimage", town, "invoice.settle", hash=digest, preimage="ab" * 32)
    refused("invoice_not_found", town, "invoice.settle", preimage="ab" * 32)
    assert town.call("invoice.settle", preimage=SECRET)["state"] == "settled"
    assert ended(town, digest)["preimage"] == SECRET


def test_an_invoice_that_holds_nothing_yet_cannot_be_settled(town):
    made = invoice_for(town, "bob", 5, hold=True)
    refused("invoice_ended", town, "invoice.settle", hash=made["hash"])
    assert invoice_state(town, made) == "open"


# --- the command line -------------------------------------------------------------------------------


def test_a_payment_on_the_command_line(town):
    made = json.loads(town.cli("--json", "invoice.create", "payee=bob", "asset=GOLD", "amount=25").stdout)
    shown = town.cli("payment.send", "payer=alice", "invoice=" + made["invoice"]).stdout
    assert made["hash"] in shown and "state" in shown
    subject = "payment/" + made["hash"]
    waited = town.cli("wait", "payment.settled", "--subject", subject, "--from", "first", "--timeout", "1m")
    assert "payment.settled" in waited.stdout and "amount=25" in waited.stdout
    assert "settled" in town.cli("payment.get", "hash=" + made["hash"]).stdout
    assert "htlc_overdue" in town.cli("payment.status").stdout
    rows = town.cli("sql", "--csv", "SELECT state, amount FROM v_payment WHERE hash = '%s'" % made["hash"])
    assert rows.stdout.split() == ["state,amount", "settled,25"]


def test_a_refusal_on_the_command_line_has_name_code_and_advice(town):
    made = invoice_for(town, "bob", 9 * STAKE)
    done = town.cli("payment.send", "payer=alice", "invoice=" + made["invoice"], check=False)
    assert done.returncode == 1 and done.stdout == ""
    assert "(no_route 4207)" in done.stderr and "payment.route" in done.stderr
    done = town.cli("payment.send", "payer=nobody", "invoice=" + made["invoice"], check=False)
    assert done.returncode == 1 and "you gave payer=nobody" in done.stderr


def test_help_explains_every_method_of_payments(town):
    for method in town.call("rpc.discover")["methods"]:
        if method["name"].startswith(("payment.", "invoice.")):
            assert method["summary"].split(".")[0] in town.cli("help", method["name"]).stdout


# --- SQL --------------------------------------------------------------------------------------------


def test_the_statement_adds_up_to_what_the_channels_hold(own_town):
    before = {name: worth(own_town, name) for name in PEOPLE}
    for payer, payee, amount in (
        ("alice", "carol", 5000),
        ("carol", "bob", 300),
        ("bob", "alice", 77),
        ("alice", "bob", 2_000),
    ):
        assert pay(own_town, payer, invoice_for(own_town, payee, amount))["state"] == "settled"
    ask(own_town, "payment.policy", channel=own_town.ca, signer="alice", enabled=False)
    assert pay(own_town, "alice", invoice_for(own_town, "carol", 9000))["fee"] == 1
    sums = dict(own_town.query("SELECT account, sum(change) FROM v_statement GROUP BY account"))
    for name in PEOPLE:
        assert worth(own_town, name) - before[name] == sums.get(own_town.people[name], 0), name
    kinds = own_town.query("SELECT kind, count(*) FROM v_statement GROUP BY kind ORDER BY kind")
    assert dict(kinds)["paid"] == dict(kinds)["received"] == 5
    assert own_town.query("SELECT * FROM v_htlc WHERE live OR overdue") == []


# --- restarts ---------------------------------------------------------------------------------------


def reopen(node):
    """What an operator does after a restart."""
    node.call("wallet.unlock", passphrase=PASSPHRASE)


def test_what_is_held_outlives_a_restart(own_town):
    made = hold(own_town, "alice", "bob", 900)
    other = hold(own_town, "carol", "bob", 800)
    own_town.restart()
    assert invoice_state(own_town, made) == "accepted" and state_of(own_town, made["hash"]) == "in_flight"
    assert own_town.call("audit")["ok"] is True
    reopen(own_town)
    own_town.call("invoice.settle", hash=made["hash"])
    own_town.call("invoice.cancel", hash=other["hash"])
    assert ended(own_town, made["hash"])["state"] == "settled"
    assert ended(own_town, other["hash"])["failure"] == "canceled"
    assert own_town.call("audit")["ok"] is True and own_town.call("verify")["ok"] is True


def test_what_is_settled_while_the_keystore_is_locked_goes_on_when_it_opens(own_town):
    made = hold(own_town, "alice", "bob", 900)
    own_town.crash()
    own_town.call("invoice.settle", hash=made["hash"])
    time.sleep(0.3)
    assert state_of(own_town, made["hash"]) == "in_flight"
    reopen(own_town)
    assert ended(own_town, made["hash"])["state"] == "settled"


class Payer(threading.Thread):
    """Pays invoices, all at once, until the node goes away; keeps what was answered."""

    def __init__(self, node, payer, invoices):
        super().__init__(daemon=True)
        self.node, self.payer, self.invoices = node, payer, invoices
        self.answered, self.failure = set(), None

    def run(self):
        payer = self.node.people[self.payer]
        lines = [
            json.dumps(
                {
                    "jsonrpc": "2.0",
                    "id": number,
                    "method": "payment.send",
                    "params": {"invoice": made["invoice"], "payer": payer},
                }
            )
            for number, made in enumerate(self.invoices)
        ]
        try:
            with Rpc(self.node.rpc_path) as rpc:
                rpc.send(("\n".join(lines) + "\n").encode())
                for _ in lines:
                    self.answered.add(rpc.read()["result"]["hash"])
        except GONE:
            pass
        except BaseException as failure:  # pylint: disable=broad-except
            self.failure = failure


def test_kill_9_in_the_middle_of_many_payments_loses_none(own_town):
    seed = os.environ.get("LAYERD_TEST_SEED") or str(random.SystemRandom().randrange(1 << 32))
    print("LAYERD_TEST_SEED=%s" % seed)
    luck = random.Random(seed)
    total = sum(worth(own_town, name) for name in PEOPLE)
    begun = set()
    for _ in range(KILLS):
        ways = [("alice", "carol"), ("carol", "bob"), ("bob", "alice")]
        wanted = [
            (payer, [invoice_for(own_town, payee, luck.randrange(1, 300)) for _ in range(60)])
            for payer, payee in ways
        ]
        payers = [Payer(own_town, payer, invoices) for payer, invoices in wanted]
        for thread in payers:
            thread.start()
        time.sleep(luck.uniform(0, 0.06))
        own_town.kill()
        for thread in payers:
            thread.join()
            assert thread.failure is None, thread.failure
            begun |= thread.answered
        own_town.start()
        assert own_town.call("audit")["ok"] is True
        reopen(own_town)
        wait_for(
            lambda: own_town.query("SELECT count(*) FROM v_payment WHERE state = 'in_flight'") == [(0,)],
            "all payments end",
        )
        wait_for(lambda: own_town.call("payment.status")["htlcs"] == 0, "nothing is locked any more")
        for payer, invoices in wanted:  # whoever got no answer sends again
            for made in invoices:
                assert pay(own_town, payer, made)["state"] == "settled"
    known = dict(own_town.query("SELECT hash, state FROM v_payment"))
    assert begun <= set(known) and set(known.values()) == {"settled"} and len(known) == KILLS * 180
    assert own_town.query("SELECT count(*) FROM v_invoice WHERE state <> 'settled'") == [(0,)]
    assert sum(worth(own_town, name) for name in PEOPLE) == total
    assert own_town.call("audit")["ok"] is True and own_town.call("verify")["ok"] is True
