"""Lightning through Core Lightning and LND: fakes that misbehave, and a real server where one is named.

LAYERD_TEST_CLN_SOCKET: path of a Core Lightning's lightning-rpc.
LAYERD_TEST_LND_REST: https://host:port, with LAYERD_TEST_LND_MACAROON and LAYERD_TEST_LND_CERT, paths.
LAYERD_TEST_LIGHTNING_CHAIN: bitcoin, testnet, signet, regtest (default). LAYERD_TEST_LIGHTNING_INVOICE: one
that may be paid; without it nothing is paid on a real server.
LAYERD_TEST_LND_PEER_REST, _MACAROON, _CERT: a second LND, to which the first has a channel with a million satoshis on
either side: the two then pay each other (lightning_town.py makes them).
"""

import base64
import hashlib
import json
import os
import shutil
import threading
import time

import pytest

from fakes import bolt11
from fakes.cln import CoreLightning, Refused
from fakes.lnd import Lnd
from network_link import Failed, Link
from rest_server import named, until as wait_until

PATIENCE = 2  # of a link: how long its server looks for ways
SURELY_MS = 30_000


class House:
    """One server and a link to it."""

    def __init__(self, kind, server, link):
        self.kind, self.server, self.link = kind, server, link
        self.pay_call = "xpay" if kind == "cln" else "POST /v2/router/send"
        self.info_call = "getinfo" if kind == "cln" else "GET /v1/getinfo"

    def write(self, text, **more):
        return self.link("prepare", write={"kind": "submit", "raw": text, **more})["prepared"]


def open_link(kind, server, patience=PATIENCE):
    if kind == "cln":
        return Link("lightning", socket=server.path, patience=patience)
    return Link("lnd", url=server.url, macaroon_file=str(server.macaroon_file),
                certificate_file=str(server.certificate), patience=patience)


def open_server(kind, folder, **how):
    if kind == "cln":
        return CoreLightning(folder / "lightning-rpc", **how)
    if shutil.which("openssl") is None:
        pytest.skip("no openssl to make a certificate with")
    return Lnd(folder, **how)


@pytest.fixture(params=["cln", "lnd"])
def house(request, tmp_path):
    server = open_server(request.param, tmp_path)
    link = open_link(request.param, server)
    yield House(request.param, server, link)
    link.close()
    server.close()


# --- the link -------------------------------------------------------------------------------------------------


def test_a_link_greets_and_tells_its_state(house):
    greeting = house.link("connect")
    assert greeting["chain"] == "regtest" and greeting["account"] == bolt11.NODE
    state = house.link("get_state")
    assert state["synced"] and state["balance"] == "500000000" and state["details"]["channel_count"] == 1
    verdict = house.link("validate_state")
    assert (verdict["verdict"], verdict["anchor"]) == ("valid", "node") and "delegated" in verdict["reason"]


def test_a_server_of_another_chain_is_refused(house):
    house.server.chain = "bitcoin" if house.kind == "cln" else "mainnet"
    assert house.link.failing("connect").status == "network_wrong_chain"
    prepared = house.write(house.server.payable(currency="bcrt"))
    assert prepared["transaction"]
    refused = house.link.failing("prepare", write={"kind": "submit", "raw": house.server.payable(currency="bc")})
    assert refused.status == "network_wrong_chain"


def test_a_server_that_has_not_caught_up_is_not_synchronized(house):
    if house.kind == "cln":
        house.server.warning = "Still loading latest blocks from bitcoind."
    else:
        house.server.synced = False
    assert not house.link("health_check")["synced"]


@pytest.mark.parametrize("fault,statuses", [
    ("delay", {"network_timeout"}), ("malformed", {"network_protocol", "network_timeout"}),
    ("oversize", {"network_too_large"}), ("half", {"network_transport", "network_timeout"}),
])
def test_a_server_that_misbehaves_gives_a_clear_error(house, fault, statuses):
    house.server.faults.set(fault, house.info_call, times=100)
    patience = SURELY_MS if fault == "oversize" else 1000  # what takes its time, and what is tried again for as long
    assert house.link.failing("health_check", timeout_ms=patience).status in statuses
    house.server.faults.clear()


def test_reads_that_break_are_asked_again(house):
    house.server.faults.set("drop", house.info_call, times=1)
    assert house.link("health_check", timeout_ms=SURELY_MS)["synced"]
    assert house.server.faults.count(house.info_call) == 2


def test_lnd_refuses_by_http_and_by_message(tmp_path):
    server = open_server("lnd", tmp_path)
    link = open_link("lnd", server)
    for fault, status in (("401", "network_auth"), ("redirect", "network_protocol")):
        server.faults.set(fault, "GET /v1/getinfo", times=1)
        assert link.failing("health_check", timeout_ms=SURELY_MS).status == status
    server.faults.set("503", "GET /v1/getinfo", times=1)
    assert link("health_check", timeout_ms=SURELY_MS)["synced"]  # asked again after Retry-After
    server.faults.set("429", "GET /v1/getinfo", times=1)
    assert link("health_check", timeout_ms=SURELY_MS)["synced"]
    server.locked = True
    failure = link.failing("health_check", timeout_ms=800)
    assert failure.status == "network_server" and "wallet locked" in failure.message
    server.locked = False
    server.macaroon_file.write_bytes(b"\x01\x02")
    other = open_link("lnd", server)
    failure = other.failing("connect")
    assert failure.status == "network_auth" and "0102" not in failure.message
    link.close()
    other.close()
    server.close()


def test_credentials_and_certificates_are_checked(tmp_path):
    server = open_server("lnd", tmp_path)
    (tmp_path / "other").mkdir()
    stranger = Lnd(tmp_path / "other")
    link = Link("lnd", url=server.url, macaroon_file=str(server.macaroon_file),
                certificate_file=str(stranger.certificate))
    assert link.failing("connect", timeout_ms=SURELY_MS).status == "network_tls"
    link.close()
    assert not server.faults.calls  # the macaroon never left
    server.macaroon_file.chmod(0o644)
    for options, status in (
        ({"url": server.url, "macaroon_file": str(server.macaroon_file)}, "network_credentials"),
        ({"url": server.url.replace("https", "http"), "macaroon_file": "/x"}, "network_options"),
    ):
        with pytest.raises(Failed) as failure:
            Link("lnd", **options)
        assert failure.value.status == status
    stranger.close()
    server.close()


# --- paying ---------------------------------------------------------------------------------------------------


def test_an_invoice_is_paid_once_and_proved(house):
    text = house.server.payable()
    prepared = house.write(text)
    assert prepared["transaction"] == bolt11.hash_of(text).hex()
    assert house.link("status", prepared=prepared)["state"] == "unknown"
    for _ in range(3):
        sent = house.link("send", prepared=prepared)
        assert sent["outcome"] == "accepted" and sent["transaction"] == prepared["transaction"]
    assert house.server.sends == 1
    assert house.link("status", prepared=prepared)["state"] == "confirmed"
    proof = house.link("generate_proof", claim=json.dumps(
        {"type": "payment", "transaction": prepared["transaction"]}))["proof"]
    assert hashlib.sha256(bytes.fromhex(json.loads(proof)["preimage"])).hexdigest() == prepared["transaction"]
    verdict = house.link("verify_proof", proof=proof)
    assert (verdict["verdict"], verdict["anchor"]) == ("valid", "signature")
    damaged = json.loads(proof)
    damaged["preimage"] = "00" * 32
    assert house.link("verify_proof", proof=json.dumps(damaged))["verdict"] == "invalid"
    history = house.link("history", limit=10)
    assert [(e["kind"], e["state"]) for e in history["entries"]] == [("payment", "confirmed")]


@pytest.mark.parametrize("fault", ["drop_after", "half", "malformed", "delay"])
def test_a_payment_whose_answer_is_lost_is_found_and_not_paid_again(house, fault):
    prepared = house.write(house.server.payable())
    house.server.faults.set(fault, house.pay_call)
    assert house.link("send", prepared=prepared, timeout_ms=2000)["outcome"] == "ambiguous"
    house.server.faults.clear()
    wait_until(lambda: house.link("status", prepared=prepared)["state"] == "confirmed", "it is found")
    assert house.link("send", prepared=prepared)["outcome"] == "accepted"
    assert house.server.sends == 1


def test_a_payment_that_never_arrived_is_unknown_and_may_be_sent(house):
    prepared = house.write(house.server.payable())
    house.server.faults.set("drop", house.pay_call)
    assert house.link("send", prepared=prepared)["outcome"] == "ambiguous"
    assert house.link("status", prepared=prepared)["state"] == "unknown"
    assert house.link("send", prepared=prepared)["outcome"] == "accepted"
    assert house.server.sends == 1


def test_a_server_that_lies_about_the_preimage_is_caught(house):
    house.server.wrong_preimage = True
    prepared = house.write(house.server.payable())
    assert house.link("send", prepared=prepared)["outcome"] == "ambiguous"
    failure = house.link.failing("status", prepared=prepared)
    assert failure.status == "network_protocol" and "preimage" in failure.message


def test_a_payee_who_refuses_fails_the_payment(house):
    text = house.server.payable()
    house.server.preimages.clear()
    prepared = house.write(text)
    sent = house.link("send", prepared=prepared)
    assert sent["outcome"] == "rejected" and sent["reason"]
    assert house.server.sends == 0


def test_what_cannot_be_paid_never_reaches_the_server(house):
    good = house.server.payable()
    house.link("connect")
    before = len(house.server.faults.calls)
    for text, more in (
        (house.server.payable(age=7200), {}), (house.server.payable(msat=None), {}), (good[:-1] + "q", {}),
        (good, {"amount": "9999"}), (good, {"fee": "x"}), (good, {"options": '{"seconds":100}'}),
    ):
        assert house.link.failing("prepare", write={"kind": "submit", "raw": text, **more}).status == "invalid_params"
    assert len(house.server.faults.calls) == before


def test_core_lightning_before_xpay_pays_with_pay(tmp_path):
    server = CoreLightning(tmp_path / "rpc", release="v24.08")
    link = open_link("cln", server)
    assert link("connect")["details"]["pays_with"] == "pay"
    prepared = link("prepare", write={"kind": "submit", "raw": server.payable()})["prepared"]
    assert json.loads(prepared["raw"])["method"] == "pay"
    assert link("send", prepared=prepared)["outcome"] == "accepted"
    server.paid.clear()
    server.refuse = Refused(205, "Could not find a route")
    sent = link("send", prepared=prepared)
    assert sent["outcome"] == "rejected" and "route" in sent["reason"]
    link.close()
    server.close()


@pytest.mark.parametrize("release,pays,sends", [
    ("v23.08", "pay", "keysend"), ("v24.08", "pay", "keysend"), ("v24.11", "pay", "keysend"),
    ("v25.02", "xpay", "keysend"), ("v26.06", "xpay", "xkeysend"),
])
def test_each_release_of_core_lightning_is_asked_for_what_it_takes(tmp_path, release, pays, sends):
    """A parameter that it does not know is an error -32602 there; a payment for a transfer has all that we send."""
    server = CoreLightning(tmp_path / "rpc", release=release)
    link = open_link("cln", server)
    link("connect")
    text = server.payable()
    prepared = link("prepare", write={"kind": "submit", "raw": text, "fee": "77", "options": '{"max_delay":144}'})
    assert json.loads(prepared["prepared"]["raw"])["method"] == pays
    assert link("send", prepared=prepared["prepared"])["outcome"] == "accepted"
    write = {"kind": "transfer", "to": bolt11.NODE, "amount": "5000", "fee": "77", "options": '{"max_delay":144}'}
    prepared = link("prepare", write=write)["prepared"]
    assert json.loads(prepared["raw"])["method"] == sends
    assert link("send", prepared=prepared)["outcome"] == "accepted"
    assert link("status", prepared=prepared)["state"] == "confirmed"
    assert link("send", prepared=prepared)["outcome"] == "accepted"
    assert server.sends == 2
    if release < "v24.11":
        assert link.failing("history", limit=5).status == "network_not_supported"
    else:
        assert [e["state"] for e in link("history", limit=5)["entries"]] == ["confirmed", "confirmed"]
    link.close()
    server.close()


def test_a_spontaneous_payment_is_not_asked_for_twice_while_its_way_is_sought(tmp_path):
    server = CoreLightning(tmp_path / "rpc")
    link = open_link("cln", server, patience=SURELY_MS // 1000)
    server.seek = threading.Event()
    prepared = link("prepare", write={"kind": "transfer", "to": bolt11.NODE, "amount": "5000"})["prepared"]
    assert link("send", prepared=prepared, timeout_ms=2000)["outcome"] == "ambiguous"
    assert server.paid == {}  # it lists nothing yet
    assert link("status", prepared=prepared)["state"] == "pending"
    assert link("send", prepared=prepared)["outcome"] == "accepted"
    link.close()
    link = open_link("cln", server, patience=SURELY_MS // 1000)  # another life
    assert link("status", prepared=prepared)["state"] == "pending"
    assert link("send", prepared=prepared)["outcome"] == "accepted"
    server.seek.set()
    wait_until(lambda: link("status", prepared=prepared)["state"] == "confirmed", "its way is found")
    assert server.faults.count("xkeysend") == 1 and server.sends == 1
    link.close()
    server.close()


def test_lnd_tells_a_payment_under_way(tmp_path):
    server = open_server("lnd", tmp_path)
    link = open_link("lnd", server)
    server.in_flight = True
    prepared = link("prepare", write={"kind": "transfer", "to": bolt11.NODE, "amount": "5000"})["prepared"]
    assert link("send", prepared=prepared)["outcome"] == "accepted"
    assert link("status", prepared=prepared)["state"] == "pending"
    link.close()
    server.close()


def test_a_signed_message_is_proved_and_checked_here(house):
    proof = house.link("generate_proof", claim='{"type":"message","message":"héllo"}')["proof"]
    assert json.loads(proof)["public_key"] == bolt11.NODE
    assert house.link("verify_proof", proof=proof)["verdict"] == "valid"
    assert house.link("verify_proof", proof=proof.replace("héllo", "hello"))["verdict"] == "invalid"


# --- for transfers --------------------------------------------------------------------------------------------


def test_an_order_is_paid_and_its_preimage_told(house):
    text = house.server.payable()
    paid = house.link("pay", invoice=text, max_delay=100)
    assert paid["state"] == "complete"
    assert hashlib.sha256(bytes.fromhex(paid["preimage"])).digest() == bolt11.hash_of(text)
    assert house.link("look_up", hash=bolt11.hash_of(text).hex())["preimage"] == paid["preimage"]
    assert house.link("look_up", hash="12" * 32)["state"] == "unknown"


def ask_payment(link, operation="01" * 16, **more):
    """A request for payment: the same operation and secret are the same again."""
    return link("request_payment", **{"operation": operation, "secret": "31" * 32, "amount": "10000",
                                      "memo": "order 17", "expires_s": 600, **more})


@pytest.mark.parametrize("fault", [None, "drop", "drop_after", "half"])
def test_an_invoice_is_made_once_whatever_happens_to_the_answer(house, fault):
    if fault:
        house.server.faults.set(fault, "invoice" if house.kind == "cln" else "POST /v1/invoices")
    made = ask_payment(house.link, timeout_ms=SURELY_MS)
    assert made["payment_hash"] == hashlib.sha256(b"\x31" * 32).hexdigest() == bolt11.hash_of(made["invoice"]).hex()
    assert ask_payment(house.link) == made and len(house.server.invoices) == 1
    assert abs(made["expires"] - time.time() - 600) < 60
    status = house.link("status", prepared={"label": made["label"]})
    assert (status["state"], status["reason"]) == ("pending", "nobody has paid it yet")
    house.server.pay_us(made["payment_hash"])
    assert house.link("status", prepared={"label": made["label"]})["state"] == "confirmed"
    assert house.link("status", prepared={"label": "invoice-" + "12" * 32})["state"] == "unknown"


def test_an_invoice_of_another_chain_amount_or_payee_is_not_handed_out(house, monkeypatch):
    honest = bolt11.invoice
    for lie in ({"currency": "bc"}, {"msat": 10001}, {"secret": 12345}, {"description": "x"}, {"expiry": 601}):
        monkeypatch.setattr(bolt11, "invoice", lambda digest, msat, **how: honest(digest, **{"msat": msat, **how, **lie}))
        failure = house.link.failing("request_payment", operation=os.urandom(16).hex(), secret=os.urandom(32).hex(),
                                     amount="10000", memo="m", expires_s=600)
        assert failure.status == "network_protocol"


# --- through the daemon ---------------------------------------------------------------------------------------


def until(node, operation, ends, patience=60):
    """The operation, once it has come to one of these ends."""
    deadline = time.monotonic() + patience
    while True:
        told = node.call("network.operation", operation=operation)
        if told["state"] in ends:
            return told
        assert time.monotonic() < deadline, told
        time.sleep(0.1)


def connected(node, server):
    node.call("network.initialize", {"link": "ln", "network": "lightning",
                                     "poll": "200ms",
                                     "options": {"socket": server.path, "patience": PATIENCE}})
    until(node, node.call("network.connect", link="ln")["operation"], {"done"})


@pytest.mark.parametrize("fault", [None, "drop", "drop_after"])
def test_the_daemon_pays_once_even_when_it_is_killed(node, tmp_path, fault):
    server = CoreLightning(tmp_path / "lightning-rpc")
    connected(node, server)
    text = server.payable()
    server.faults.set(fault or "delay", "xpay")
    asked = node.call("network.submit_transaction", link="ln", text=text, request="order-1")["operation"]
    wait_until(lambda: server.faults.count("xpay") > 0, "it is asked")
    node.crash()
    server.faults.clear()
    until(node, asked, {"done"})
    deadline = time.monotonic() + 60
    while (write := node.call("network.write", operation=asked))["state"] != "final":
        assert time.monotonic() < deadline, write
        time.sleep(0.1)
    assert write["transaction"] == bolt11.hash_of(text).hex()
    assert server.sends == 1
    server.close()


def connected_to(node, house):
    options = {"patience": PATIENCE}
    if house.kind == "cln":
        options["socket"] = house.server.path
    else:
        options.update(url=house.server.url, macaroon_file=str(house.server.macaroon_file),
                       certificate_file=str(house.server.certificate))
    network = "lightning" if house.kind == "cln" else "lnd"
    node.call("network.initialize", {"link": "ln", "network": network, "options": options})
    until(node, node.call("network.connect", link="ln")["operation"], {"done"})


@pytest.mark.parametrize("fault", [None, "delay", "drop", "drop_after"])
def test_the_daemon_makes_one_invoice_even_when_it_is_killed(node, house, fault):
    connected_to(node, house)
    call = "invoice" if house.kind == "cln" else "POST /v1/invoices"
    asked = {"link": "ln", "amount": "10000", "memo": "order 18", "expires_s": 600, "request": "order-18"}
    if fault is None:  # killed between the row and the sending: at first it looks for the chain, and gets no answer
        house.server.faults.set("delay", house.info_call, times=100)
        node.crash()
    else:
        house.server.faults.set(fault, call)
    operation = node.call("network.request_payment", asked)["operation"]
    if fault is not None:
        wait_until(lambda: house.server.faults.count(call) > 0, "it is asked")
    node.kill()
    assert fault is not None or house.server.faults.count(call) == 0
    house.server.faults.clear()
    node.start()
    told = until(node, operation, {"done", "failed"})
    assert told["state"] == "done", told
    assert node.call("network.request_payment", asked) == {"operation": operation, "repeated": True}
    made, (entry,) = told["result"], house.server.invoices.values()
    assert made["invoice"] in entry.values()
    assert made["payment_hash"] == bolt11.hash_of(made["invoice"]).hex()
    (ended,) = node.query("SELECT count(*) FROM network_operation WHERE operation = 'request_payment'")
    assert ended[0] == 1
    status = node.call("network.check_transaction_status", link="ln", label=made["label"])["operation"]
    assert until(node, status, {"done"})["result"]["state"] == "pending"


# --- real servers ---------------------------------------------------------------------------------------------


def real_link(kind):
    chain = os.environ.get("LAYERD_TEST_LIGHTNING_CHAIN", "regtest")
    if kind == "cln":
        path = os.environ.get("LAYERD_TEST_CLN_SOCKET")
        if not path:
            pytest.skip("LAYERD_TEST_CLN_SOCKET names no Core Lightning")
        return Link("lightning", socket=path, chain=chain)
    return Link("lnd", chain=chain, **named("LND").options())


@pytest.mark.parametrize("kind", ["cln", "lnd"])
def test_a_real_server(kind):
    link = real_link(kind)
    try:
        assert len(link("connect")["account"]) == 66
        link("get_state")
        assert link("validate_state")["verdict"] == "valid"
        try:
            link("history", limit=20)
        except Failed as failure:  # of Core Lightning before 24.11, with its reason
            assert kind == "cln" and failure.status == "network_not_supported"
        assert link("look_up", hash=hashlib.sha256(os.urandom(8)).hexdigest())["state"] == "unknown"
        if kind == "cln":  # each of its releases takes other parameters; nothing of this is sent
            link("fees")
            write = {"kind": "transfer", "to": link("connect")["account"], "amount": "1000"}
            prepared = link("prepare", write={**write, "options": '{"max_delay":144}'})["prepared"]
            assert link("status", prepared=prepared)["state"] == "unknown"
        proof = link("generate_proof", claim='{"type":"message","message":"layerd"}')["proof"]
        assert link("verify_proof", proof=proof)["verdict"] == "valid"
        asked = {"operation": os.urandom(16).hex(), "secret": os.urandom(32).hex()}
        made = ask_payment(link, **asked)
        assert ask_payment(link, **asked) == made
        assert link("status", prepared={"label": made["label"]})["state"] == "pending"
        assert link("status", prepared={"label": "invoice-" + os.urandom(32).hex()})["state"] == "unknown"
        text = os.environ.get("LAYERD_TEST_LIGHTNING_INVOICE")
        if text:
            prepared = link("prepare", write={"kind": "submit", "raw": text})["prepared"]
            assert link("send", prepared=prepared, timeout_ms=90000)["outcome"] == "accepted"
            assert link("status", prepared=prepared)["state"] in ("confirmed", "pending")
    finally:
        link.close()


# --- two real LNDs that pay each other --------------------------------------------------------------------------


def b64(data):
    return base64.b64encode(data).decode()


class Pair:
    """A link to one LND, and the other as it is."""

    def __init__(self):
        self.here, self.there = named("LND"), named("LND_PEER")
        self.link = self.another(**self.here.options())
        self.node = self.link("connect")["account"]

    def another(self, **options):
        return Link("lnd", patience=PATIENCE, chain=os.environ.get("LAYERD_TEST_LIGHTNING_CHAIN", "regtest"),
                    **options)

    def invoice(self, satoshis, preimage):
        """The other node's."""
        return self.there("POST", "/v1/invoices", {"value": str(satoshis), "r_preimage": b64(preimage)})[
            "payment_request"]

    def held(self, satoshis, preimage):
        return self.there("POST", "/v2/invoices/hodl", {"value": str(satoshis), "hash": b64(
            hashlib.sha256(preimage).digest())})["payment_request"]

    def prepare(self, text, **more):
        return self.link("prepare", write={"kind": "submit", "raw": text, **more})["prepared"]

    def state(self, prepared):
        return self.link("status", prepared=prepared)["state"]

    def other_invoice(self, preimage):
        return self.there("GET", "/v1/invoice/" + hashlib.sha256(preimage).hexdigest())


@pytest.fixture
def pair():
    pair = Pair()
    yield pair
    pair.link.close()


def test_two_real_lnds_pay_once_and_prove_it(pair):
    preimage = os.urandom(32)
    text = pair.invoice(1500, preimage)
    prepared = pair.prepare(text)
    assert prepared["transaction"] == hashlib.sha256(preimage).hexdigest()
    assert pair.state(prepared) == "unknown"
    for _ in range(2):
        sent = pair.link("send", prepared=prepared, timeout_ms=30000)
        assert (sent["outcome"], sent["details"]["amount_msat"]) == ("accepted", "1500000")
    assert pair.other_invoice(preimage)["amt_paid_msat"] == "1500000"
    assert pair.state(prepared) == "confirmed"
    proof = pair.link("generate_proof", claim=json.dumps(
        {"type": "payment", "transaction": prepared["transaction"]}))["proof"]
    assert json.loads(proof)["preimage"] == preimage.hex()
    newest = pair.link("history", limit=1)["entries"][0]
    assert (newest["transaction"], newest["state"]) == (prepared["transaction"], "confirmed")
    assert pair.link("validate_state")["verdict"] == "valid"
    assert int(pair.link("fees", write={"kind": "submit", "raw": pair.invoice(1500, os.urandom(32))})["total"]) == 0


def test_a_real_lnd_pays_a_node_without_an_invoice(pair):
    payee = pair.there("GET", "/v1/getinfo")["identity_pubkey"]
    prepared = pair.link("prepare", write={"kind": "transfer", "to": payee, "amount": "7000"})["prepared"]
    assert pair.link("send", prepared=prepared, timeout_ms=30000)["outcome"] == "accepted"
    paid = pair.there("GET", "/v1/invoice/" + prepared["transaction"])
    assert (paid["is_keysend"], paid["amt_paid_msat"], paid["state"]) == (True, "7000", "SETTLED")
    claim = json.dumps({"type": "payment", "transaction": prepared["transaction"]})
    assert "preimage" in pair.link.failing("generate_proof", claim=claim).message


def test_what_a_real_lnd_cannot_pay_is_refused_with_the_reason(pair):
    preimage = os.urandom(32)
    prepared = pair.prepare(pair.invoice(2000, preimage))
    pair.there("POST", "/v2/invoices/cancel", {"payment_hash": b64(hashlib.sha256(preimage).digest())})
    sent = pair.link("send", prepared=prepared, timeout_ms=30000)
    assert sent["outcome"] == "rejected" and "payee refuses" in sent["reason"]
    assert pair.state(prepared) == "failed"
    prepared = pair.prepare(pair.invoice(20_000_000, os.urandom(32)))
    sent = pair.link("send", prepared=prepared, timeout_ms=30000)
    assert sent["outcome"] == "rejected" and "too little" in sent["reason"]
    own = pair.here("POST", "/v1/invoices", {"value": "5"})["payment_request"]
    sent = pair.link("send", prepared=pair.prepare(own), timeout_ms=30000)
    assert sent["outcome"] == "rejected" and "self-payments" in sent["reason"]


@pytest.mark.parametrize("end", ["settle", "cancel"])
def test_a_payment_that_a_real_lnd_holds_is_pending_until_its_end(pair, end):
    preimage = os.urandom(32)
    prepared = pair.prepare(pair.held(3000, preimage))
    assert pair.link("send", prepared=prepared, timeout_ms=4000)["outcome"] == "ambiguous"
    wait_until(lambda: pair.other_invoice(preimage)["state"] == "ACCEPTED", "it is held")
    assert pair.state(prepared) == "pending"
    sent = pair.link("send", prepared=prepared, timeout_ms=10000)
    assert sent["outcome"] == "accepted"  # it is under way: nothing was sent again
    assert len(pair.other_invoice(preimage)["htlcs"]) == 1
    assert pair.link("validate_state")["verdict"] == "valid"  # with money in the middle
    if end == "settle":
        pair.there("POST", "/v2/invoices/settle", {"preimage": b64(preimage)})
    else:
        pair.there("POST", "/v2/invoices/cancel", {"payment_hash": b64(hashlib.sha256(preimage).digest())})
    wait_until(lambda: pair.state(prepared) != "pending", "it has ended")
    assert pair.state(prepared) == ("confirmed" if end == "settle" else "failed")


def test_an_invoice_of_a_real_lnd_is_made_once_and_paid(pair):
    asked = {"operation": os.urandom(16).hex(), "secret": os.urandom(32).hex(), "amount": "5000000"}
    made = ask_payment(pair.link, **asked)
    assert ask_payment(pair.link, **asked) == made
    assert pair.link("status", prepared={"label": made["label"]})["reason"] == "nobody has paid it yet"
    pair.there("POST", "/v2/router/send", {"payment_request": made["invoice"], "timeout_seconds": 30,
                                           "fee_limit_msat": "1000", "no_inflight_updates": True})
    told = pair.link("status", prepared={"label": made["label"]})
    assert (told["state"], told["details"]) == ("confirmed", {"received_msat": "5000000"})
    short = ask_payment(pair.link, operation=os.urandom(16).hex(), secret=os.urandom(32).hex(), expires_s=1)
    wait_until(lambda: pair.link("status", prepared={"label": short["label"]})["state"] == "failed", "it has expired")


# What the README asks for, and no more.
RIGHTS = ("info:read", "offchain:read", "offchain:write", "onchain:read", "invoices:read", "invoices:write",
          "message:write")


def bake(server, path, rights):
    permissions = [dict(zip(("entity", "action"), right.split(":"))) for right in rights]
    path.touch(0o600)
    path.write_bytes(bytes.fromhex(server("POST", "/v1/macaroon", {"permissions": permissions})["macaroon"]))
    return str(path)


def test_rights_and_certificates_of_a_real_lnd(pair, tmp_path):
    options = pair.here.options()
    link = pair.another(**dict(options, macaroon_file=bake(pair.here, tmp_path / "enough", RIGHTS)))
    link("connect")
    link("get_state")
    link("fees")
    link("history", limit=5)
    link("generate_proof", claim='{"type":"message","message":"layerd"}')
    ask_payment(link, operation=os.urandom(16).hex(), secret=os.urandom(32).hex())
    prepared = pair.prepare(pair.invoice(10, os.urandom(32)))
    assert link("send", prepared=prepared, timeout_ms=30000)["outcome"] == "accepted"
    link.close()
    link = pair.another(**dict(options, macaroon_file=bake(pair.here, tmp_path / "less", ("info:read",
                                                                                          "offchain:read"))))
    link("connect")
    prepared = pair.prepare(pair.invoice(10, os.urandom(32)))
    assert link.failing("send", prepared=prepared, timeout_ms=30000).status == "network_auth"
    assert pair.state(prepared) == "unknown"
    link.close()
    bake(pair.there, tmp_path / "stranger", RIGHTS)
    link = pair.another(**dict(options, macaroon_file=str(tmp_path / "stranger")))
    assert link.failing("connect", timeout_ms=5000).status == "network_auth"
    link.close()
    link = pair.another(**dict(options, certificate_file=str(pair.there.certificate)))
    assert link.failing("connect", timeout_ms=5000).status == "network_tls"
    link.close()
