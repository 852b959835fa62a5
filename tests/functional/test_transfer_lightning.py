"""Transfers that pay an invoice of the outside Lightning network: they arrive, or the source comes back; with a
server that hangs, fails, lies and loses its answer, and a daemon that is killed in between. With two real LNDs, where
LAYERD_TEST_LND_REST and LAYERD_TEST_LND_PEER_REST name them (test_lightning.py says more).
"""

import base64
import hashlib
import json
import os
import threading

import pytest

from fakes.bolt11 import hash_of
from fakes.cln import CoreLightning
from layerd_client import CallError
from rest_server import named
from test_payments import PASSPHRASE, build_town, wait_for
from test_transfer import begin, gold, over, refused, register, state

MSAT = 1000  # one unit of GOLD
PATIENCE = 1
# a payment's outcome is known 2 s after it was sent; the windows to notice leave seconds to send it
TERMS = {"units": str(MSAT), "max_delay": 1, "resolve": 0, "block_s": 1, "send_s": 0, "skew_s": 0}
# A source's lock lasts 9.5 s at least; what is to be under way, or to be looked at, before it expires has longer.
SHORT, LONGER = "20s", "30s"


@pytest.fixture
def network(node, tmp_path):
    """Bob's Lightning node is paid by in GOLD."""
    server = CoreLightning(tmp_path / "lightning-rpc")
    build_town(node)
    node.call("network.initialize", link="bobs", network="lightning", poll="200ms",
              options={"socket": server.path, "chain": "regtest", "patience": PATIENCE})
    node.call("network.connect", link="bobs")
    wait_for(lambda: node.call("network.list")["items"][0].get("account"), "the link is connected")
    register(node, ("base", "lightning:bobs"), ("channel", "lightning:bobs"), outside={"lightning": TERMS})
    node.server = server
    yield node
    if server.hang:
        server.hang.set()
    server.close()


def invoice(node, **how):
    # by another node than the link's
    return node.server.payable(**dict({"msat": 10 * MSAT, "secret": 11, "delta": 1}, **how))


def pay(node, text, source="base", **named):
    return begin(node, source=source, destination="lightning:bobs", amount=10, recipient=text, **named)["transfer"]


def unpayable(node):
    """One that nobody settles."""
    text = invoice(node)
    node.server.preimages.popitem()
    return text


def writes(node):
    return node.query("SELECT count(*) FROM network_operation WHERE request_key LIKE 'transfer/%'")[0][0]


def check_proof(network, transfer, file):
    """It says by what it is shown, and is judged without the node."""
    def prove():
        try:
            return network.call("transfer.proof", transfer=transfer)
        except CallError as error:
            assert error.name == "proof_range"
            return None

    proof = wait_for(prove, "a head that covers it is signed")
    text = json.dumps(proof, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    file.write_text(text + "\n")
    shown = json.loads(network.cli("--json", "verify-transfer", str(file)).stdout)
    assert shown["valid"] is True and "signature" in shown["destination_by"] and "log" in shown["source_by"]
    verdict = network.call("transfer.verify_proof", proof=text)
    assert verdict["destination_by"] == shown["destination_by"]
    file.write_text(text.replace("lnbcrt", "lnbcru", 1))
    assert network.cli("verify-transfer", str(file), check=False).returncode == 5


def test_an_invoice_is_paid_against_a_lock_and_once(network):
    server, alice, bob = network.server, gold(network, "alice"), gold(network, "bob")
    server.faults.set("drop_after", "xpay")  # paid, and the answer is lost
    begun = [pay(network, invoice(network)), pay(network, invoice(network)),
             pay(network, invoice(network), source="channel")]
    assert [over(network, each) for each in begun] == ["settled"] * 3
    assert gold(network, "alice") == alice - 24 and gold(network, "bob") == bob + 24
    assert server.sends == 3 and writes(network) == 3
    assert network.call("audit")["ok"] is True


def test_what_is_no_good_invoice_or_leaves_no_time_is_refused(network):
    for text in ("lnbc1", invoice(network, msat=11 * MSAT), invoice(network, msat=None),
                 invoice(network, currency="bc"), invoice(network, delta=2)):
        refused("transfer_recipient", lambda: pay(network, text))
    refused("invoice_ended", lambda: pay(network, invoice(network, age=7200)))
    refused("same_account", lambda: pay(network, invoice(network, secret=7)))
    refused("transfer_timeout", lambda: pay(network, invoice(network), timeout="8s"))
    refused("transfer_leg_not_built", lambda: begin(
        network, source="lightning:bobs", destination="base", amount=10, recipient=network.people["carol"]))
    text = invoice(network)
    pay(network, text)
    refused("transfer_hash_used", lambda: pay(network, text))


def test_what_hangs_or_is_said_to_be_paid_is_neither_failed_nor_paid_and_what_failed_goes_back(network, tmp_path):
    server, alice = network.server, gold(network, "alice")
    failing = pay(network, unpayable(network), timeout=LONGER)
    returning = pay(network, unpayable(network), source="channel")
    wait_for(lambda: server.faults.count("xpay") == 2, "both are refused")
    server.hang = threading.Event()
    hanging = [pay(network, invoice(network), timeout=SHORT), pay(network, unpayable(network), timeout=SHORT)]
    text = invoice(network)
    lied = pay(network, text, timeout="1h")
    wait_for(lambda: server.sends == 3, "they are under way")
    network.crash()
    entry = server.paid[hash_of(text).hex()]
    entry.update(status="complete", preimage="ab" * 32)
    network.call("wallet.unlock", passphrase=PASSPHRASE)
    assert over(network, returning) == "refunded" and state(network, failing) == "source_locked"
    looks = server.faults.count("listpays")
    wait_for(lambda: server.faults.count("listpays") > looks + 6, "the server was asked")
    assert state(network, lied) == "source_locked"
    entry["preimage"] = server.preimages[entry["payment_hash"]]
    assert over(network, lied) == "settled"
    assert over(network, failing) == "refunded"  # at its expiry
    # so are the sources of those that hang by now; but they may still arrive
    wait_for(lambda: network.query("SELECT count(*) FROM v_escrow WHERE state = 'locked'")[0][0] == 0, "expired")
    assert [state(network, each) for each in hanging] == ["source_locked"] * 2
    server.hang.set()
    assert over(network, hanging[1]) == "refunded"
    assert over(network, hanging[0]) == "lost"  # the server kept it longer than it said: the provider's
    assert gold(network, "alice") == alice - 12 and server.sends == 3
    assert network.call("audit")["ok"] is True
    check_proof(network, lied, tmp_path / "bundle.json")


@pytest.mark.parametrize("source", ["base", "channel"])
def test_a_node_that_is_killed_after_every_step_pays_once(network, source):
    """Once more while the payment is on its way: the other steps follow from that one look."""
    server, alice, bob = network.server, gold(network, "alice"), gold(network, "bob")
    server.hang = threading.Event()
    transfer = pay(network, invoice(network), source=source)

    def come(step, condition):
        wait_for(condition, step, 60)
        network.crash()
        network.call("wallet.unlock", passphrase=PASSPHRASE)

    def told(step):
        come(step, lambda: network.query("SELECT count(*) FROM event WHERE type = ? AND subject = ?",
                                         "transfer." + step, "transfer/" + transfer)[0][0] > 0)

    told("initiated")
    told("source_locked")
    come("the payment is on its way", lambda: server.sends == 1)
    server.hang.set()
    told("claimed")
    assert over(network, transfer) == "settled"
    assert server.sends == 1 and writes(network) == 1
    if source == "base":
        assert gold(network, "alice") == alice - 12 and gold(network, "bob") == bob + 12
    assert network.call("audit")["ok"] is True


def test_an_invoice_of_a_real_lnd_is_paid_once_and_what_it_refuses_goes_back(node):
    here, there = named("LND"), named("LND_PEER")
    build_town(node)
    node.call("network.initialize", link="bobs", network="lnd", poll="200ms",
              options=dict(here.options(), chain=os.environ.get("LAYERD_TEST_LIGHTNING_CHAIN", "regtest"), patience=5))
    node.call("network.connect", link="bobs")
    wait_for(lambda: node.call("network.list")["items"][0].get("account"), "the link is connected")
    # LND asks for 80 blocks at the last hop, and three more in case that blocks come
    register(node, ("base", "lightning:bobs"), ("channel", "lightning:bobs"),
             outside={"lightning": dict(TERMS, max_delay=100)})
    alice, preimage = gold(node, "alice"), os.urandom(32)
    body = {"value_msat": str(10 * MSAT), "r_preimage": base64.b64encode(preimage).decode()}
    good = pay(node, there("POST", "/v1/invoices", body)["payment_request"])
    assert over(node, good) == "settled"
    digest = hashlib.sha256(preimage).digest()
    assert there("GET", "/v1/invoice/" + digest.hex())["amt_paid_msat"] == str(10 * MSAT)
    made = there("POST", "/v1/invoices", {"value_msat": str(10 * MSAT)})
    there("POST", "/v2/invoices/cancel", {"payment_hash": made["r_hash"]})
    assert over(node, pay(node, made["payment_request"], source="channel")) == "refunded"
    assert gold(node, "alice") == alice - 12
    assert node.call("audit")["ok"] is True
