"""Taproot Assets through tapd: a fake that misbehaves, and a real server where one is named.

LAYERD_TEST_TAPD_REST: https://host:port, with LAYERD_TEST_TAPD_MACAROON and LAYERD_TEST_TAPD_CERT, paths.
LAYERD_TEST_LIGHTNING_CHAIN: its chain, regtest by default. Nothing is minted or sent on it alone.
LAYERD_TEST_TAPD_PEER_REST, _MACAROON, _CERT: a second tapd, which gets assets that are minted on the first, where blocks
come by themselves; LAYERD_TEST_TAPD_UNIVERSE: host:port of the first's gRPC listener (lightning_town.py).
"""

import base64
import json
import os
import shutil
from pathlib import Path

import pytest

from fakes.tapd import Tapd
from network_link import Link
from rest_server import named, until

PROOF = bytes.fromhex((Path(__file__).parents[1] / "unit/network/tapd-proof-file.hex").read_text().replace("\n", ""))
OPERATION = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def tapd(tmp_path, request):
    if shutil.which("openssl") is None:
        pytest.skip("no openssl to make a certificate with")
    server = Tapd(tmp_path, form=getattr(request, "param", "hex"))
    yield server
    server.close()


@pytest.fixture
def link(tapd):
    link = Link("taproot-assets", url=tapd.url, macaroon_file=str(tapd.macaroon_file),
                certificate_file=str(tapd.certificate))
    yield link
    link.close()


def mint(link, **more):
    return link("prepare", operation=OPERATION, write={
        "kind": "issue", "symbol": "gold", "title": "Gold", "decimals": 2, "amount": "1000", **more})["prepared"]


def test_a_link_greets_and_refuses_another_chain(tapd, link):
    assert link("connect")["chain"] == "regtest"
    assert link("get_state")["details"] == {"asset_count": 0, "assets": []}
    tapd.chain = "mainnet"
    assert link.failing("connect").status == "network_wrong_chain"


@pytest.mark.parametrize("tapd", ["hex", "base64"], indirect=True)
def test_an_asset_is_minted_once_and_confirmed(tapd, link):
    prepared = mint(link)
    assert link("status", prepared=prepared)["state"] == "unknown"
    first, second = (link("send", prepared=prepared) for _ in range(2))
    assert first["outcome"] == second["outcome"] == "accepted"
    assert first["asset"] == second["asset"] and len(tapd.assets) == 1
    assert link("status", prepared=prepared)["state"] == "pending"
    tapd.confirm()
    status = link("status", prepared=prepared)
    assert (status["state"], status["asset"]) == ("confirmed", first["asset"])
    assert link("get_state")["details"]["assets"][0]["balance"] == "1000"


@pytest.mark.parametrize("call", ["POST /v1/taproot-assets/assets", "POST /v1/taproot-assets/assets/mint/finalize"])
@pytest.mark.parametrize("fault", ["drop", "drop_after"])
def test_a_mint_whose_answer_is_lost_is_made_once(tapd, link, call, fault):
    prepared = mint(link)
    tapd.faults.set(fault, call)
    assert link("send", prepared=prepared)["outcome"] == "ambiguous"
    tapd.faults.clear()
    if link("status", prepared=prepared)["state"] == "unknown":
        assert link("send", prepared=prepared)["outcome"] == "accepted"
    assert len(tapd.assets) == 1
    assert link("status", prepared=prepared)["state"] == "pending"


def test_a_batch_of_somebody_else_is_left_alone(tapd, link):
    tapd.post_assets({}, {"asset": {"name": "silver", "amount": "1", "asset_meta": {"data": ""}}})
    sent = link("send", prepared=mint(link))
    assert sent["outcome"] == "rejected" and "other assets" in sent["reason"]
    assert tapd.batches[0]["state"] == "BATCH_STATE_PENDING" and len(tapd.batches[0]["assets"]) == 1


def test_a_mint_that_cannot_be_paid_for_is_taken_back(tapd, link):
    tapd.refuse_finalize = "insufficient funds available to construct transaction"
    sent = link("send", prepared=mint(link))
    assert sent["outcome"] == "rejected" and "insufficient funds" in sent["reason"]
    assert tapd.batches[0]["state"] == "BATCH_STATE_SEEDLING_CANCELLED"


@pytest.mark.parametrize("fault", [None, "drop", "drop_after", "half", "malformed"])
def test_a_transfer_is_sent_once_whatever_happens_to_the_answer(tapd, link, fault):
    asset = b"\x42" * 32
    write = {"kind": "transfer", "asset": asset.hex(), "amount": "5", "to": tapd.address(asset, 5)}
    prepared = link("prepare", operation=OPERATION, write=write)["prepared"]
    assert prepared["label"] == "layerd-" + OPERATION
    if fault:
        tapd.faults.set(fault, "POST /v1/taproot-assets/send")
        assert link("send", prepared=prepared, timeout_ms=30_000)["outcome"] == "ambiguous"
        tapd.faults.clear()
    assert link("send", prepared=prepared)["outcome"] == "accepted"
    assert len(tapd.transfers) == 1
    assert link("status", prepared=prepared)["state"] == "pending"
    tapd.confirm()
    assert link("status", prepared=prepared)["state"] == "confirmed"
    assert [e["kind"] for e in link("history", limit=10)["entries"]] == ["transfer"]


def test_an_address_of_another_amount_or_chain_is_refused(tapd, link):
    asset = b"\x42" * 32
    for to, amount in ((tapd.address(asset, 5), "6"), ("tapbc1" + "q" * 60, "5"), ("taprt1" + "q" * 60, "5")):
        failure = link.failing("prepare", write={"kind": "transfer", "asset": asset.hex(), "amount": amount, "to": to})
        assert failure.status in ("invalid_params", "network_rejected")


@pytest.mark.parametrize("tapd", ["hex", "base64"], indirect=True)
def test_an_address_is_made_for_an_asset_and_an_amount(tapd, link):
    asked = {"asset": "42" * 32, "amount": "5"}
    made = link("request_payment", **asked)
    assert tapd.addresses[made["address"]] == (b"\x42" * 32, 5)
    tapd.faults.set("drop_after", "POST /v1/taproot-assets/addrs")
    assert link("request_payment", **asked)["address"] in tapd.addresses  # asked again: another does no harm
    tapd.address = lambda asset, amount: "tapbc1" + "q" * 60
    assert link.failing("request_payment", **asked).status == "network_protocol"
    assert link.failing("request_payment", amount="5").status == "network_not_supported"


@pytest.mark.parametrize("tapd", ["hex", "base64"], indirect=True)
def test_a_proof_file_is_checked_here_and_by_tapd(tapd, link):
    tapd.proof = PROOF
    claim = {"type": "file", "asset": "42" * 32, "script_key": "02" + "42" * 32}
    proof = link("generate_proof", claim=json.dumps(claim))["proof"]
    verdict = link("verify_proof", proof=proof)
    assert (verdict["verdict"], verdict["anchor"]) == ("valid", "node")
    assert "checked here" in verdict["reason"] and "delegated to tapd" in verdict["reason"]
    assert verdict["details"]["proofs"] == 3 and verdict["details"]["height"] == 444
    tapd.valid = False
    assert link("verify_proof", proof=proof)["verdict"] == "invalid"
    tapd.valid, before = True, tapd.faults.count("POST /v1/taproot-assets/proofs/verify")
    damaged = bytearray(PROOF)
    damaged[1500] ^= 1
    proof = json.dumps({"type": "file", "proof": base64.b64encode(damaged).decode()})
    verdict = link("verify_proof", proof=proof)
    assert (verdict["verdict"], verdict["anchor"]) == ("invalid", "none")
    assert tapd.faults.count("POST /v1/taproot-assets/proofs/verify") == before


@pytest.mark.parametrize("fault,statuses", [
    ("401", {"network_auth"}), ("delay", {"network_timeout"}), ("malformed", {"network_protocol"}),
    ("oversize", {"network_too_large"}), ("503", {"network_server", "network_timeout", "network_rate_limited"}),
])
def test_a_server_that_misbehaves_gives_a_clear_error(tapd, link, fault, statuses):
    tapd.faults.set(fault, "GET /v1/taproot-assets/getinfo", times=100)
    patience = 1000 if "network_timeout" in statuses else 30_000  # what is tried again is so for as long
    assert link.failing("health_check", timeout_ms=patience).status in statuses
    tapd.faults.clear()


def test_a_real_server():
    link = Link("taproot-assets", chain=os.environ.get("LAYERD_TEST_LIGHTNING_CHAIN", "regtest"),
                **named("TAPD").options())
    try:
        assert link("connect")["version"]
        link("get_state")
        link("history", limit=20)
        assert link("status", prepared={"label": "layerd-" + OPERATION})["state"] == "unknown"
        proof = json.dumps({"type": "file", "proof": base64.b64encode(PROOF).decode()})
        assert link("verify_proof", proof=proof)["verdict"] in ("valid", "invalid")
    finally:
        link.close()


# --- two real tapds -----------------------------------------------------------------------------------------------

RIGHTS = ("daemon:read", "assets:read", "assets:write", "mint:read", "mint:write", "addresses:read", "addresses:write", "proofs:read",
          "universe:read", "universe:write")
API = "/v1/taproot-assets"
OPEN = "V2 with the sender's amount"
PREFIXES = {"regtest": "taprt", "simnet": "tapsb"}


class Pair:
    """A link to one tapd, with the rights that the README asks for, and the other as it is."""

    def __init__(self, folder):
        self.here, self.there = named("TAPD"), named("TAPD_PEER")
        self.universe = os.environ["LAYERD_TEST_TAPD_UNIVERSE"]
        self.chain = os.environ.get("LAYERD_TEST_LIGHTNING_CHAIN", "regtest")
        options = self.here.options()
        self.link = Link("taproot-assets", universe=self.universe, chain=self.chain, **options)
        self.link("connect")

    def mint(self, **more):
        prepared = self.link("prepare", operation=os.urandom(16).hex(), write={
            "kind": "issue", "symbol": "gold-" + os.urandom(4).hex(), "title": "Gold", "decimals": 2,
            "amount": "1000", **more})["prepared"]
        return prepared, self.send(prepared)

    def send(self, prepared):
        """Twice; both say the same."""
        first, second = (self.link("send", prepared=prepared, timeout_ms=60000) for _ in range(2))
        assert first["outcome"] == second["outcome"] == "accepted", (first, second)
        assert first["transaction"] == second["transaction"]
        return second

    def teach(self, asset):
        """The other tapd learns what the asset is."""
        target = {"id": {"asset_id_str": asset, "proof_type": "PROOF_TYPE_ISSUANCE"}}
        until(lambda: self.there("POST", API + "/universe/sync", {
            "universe_host": self.universe, "sync_mode": "SYNC_FULL", "sync_targets": [target]})["synced_universes"],
            "it is in the universe")

    def address(self, asset, amount, version):
        """The other tapd's."""
        return self.there("POST", API + "/addrs", {"asset_id": asset, "amt": "0" if version == OPEN else str(amount),
                                                   "address_version": "ADDR_VERSION_" + version[:2]})["encoded"]

    def confirmed(self, prepared):
        def look():
            status = self.link("status", prepared=prepared)
            assert status["state"] in ("pending", "confirmed"), status
            return status["state"] == "confirmed" and status

        return until(look, "it is confirmed", 120)


@pytest.fixture
def pair(tmp_path):
    pair = Pair(tmp_path)
    yield pair
    pair.link.close()


@pytest.mark.parametrize("version", ["V1", "V2", OPEN])
def test_a_real_tapd_mints_sends_and_proves(pair, version):
    prepared, sent = pair.mint()
    asset = sent["asset"]
    assert pair.confirmed(prepared)["asset"] == asset
    balances = {a["asset"]: a["balance"] for a in pair.link("get_state")["details"]["assets"]}
    assert balances[asset] == "1000"
    pair.teach(asset)
    address = pair.address(asset, 5, version)
    write = {"kind": "transfer", "asset": asset, "amount": "5", "to": address}
    if version != OPEN:
        assert pair.link.failing("prepare", write=dict(write, amount="6")).status == "invalid_params"
    transfer = pair.link("prepare", operation=os.urandom(16).hex(), write=write)["prepared"]
    assert pair.link("status", prepared=transfer)["state"] == "unknown"
    own = pair.link("request_payment", asset=asset, amount="7")["address"]
    read = pair.here("POST", API + "/addrs/decode", {"addr": own})
    assert (read["asset_id"], read["amount"]) == (asset, "7")
    moved = pair.send(transfer)
    assert moved["asset"] == asset
    pair.confirmed(transfer)
    got = until(lambda: pair.there("GET", API + "/assets/balance?asset_id=true")["asset_balances"].get(asset), "it came")
    assert got["balance"] == "5"
    kinds = [(e["transaction"], e["kind"], e["state"]) for e in pair.link("history", limit=100)["entries"]]
    assert (moved["transaction"], "transfer", "confirmed") in kinds
    assert (sent["transaction"], "mint", "confirmed") in kinds
    key = next(a["script_key"] for a in pair.here("GET", API + "/assets")["assets"]
               if a["asset_genesis"]["asset_id"] == asset)
    proof = pair.link("generate_proof", claim=json.dumps(
        {"type": "file", "asset": asset, "script_key": key}))["proof"]
    verdict = pair.link("verify_proof", proof=proof)
    assert (verdict["verdict"], verdict["details"]["proofs"]) == ("valid", 2)
    root = pair.here("GET", API + "/universe/roots/asset-id/" + asset)["issuance_root"]["mssmt_root"]["root_hash"]
    for claimed, expected in ((root, "valid"), ("ab" * 32, "invalid")):
        claim = json.dumps({"type": "universe_root", "asset": asset, "root": claimed})
        assert pair.link("validate_state", claim=claim)["verdict"] == expected


def test_a_real_tapd_refuses_what_it_cannot_do(pair):
    prepared, sent = pair.mint()
    pair.confirmed(prepared)
    pair.teach(sent["asset"])
    write = {"kind": "transfer", "asset": sent["asset"], "amount": "5", "to": pair.address(sent["asset"], 5, "V0")}
    prepared = pair.link("prepare", operation=os.urandom(16).hex(), write=write)["prepared"]
    refused = pair.link("send", prepared=prepared, timeout_ms=60000)  # it mints for newer addresses than these
    assert refused["outcome"] == "rejected" and "no compatible commitments" in refused["reason"]
    foreign = {"asset": {"asset_type": "NORMAL", "name": "silver-" + os.urandom(4).hex(), "amount": "1"}}
    pair.here("POST", API + "/assets", foreign)
    prepared = pair.link("prepare", operation=os.urandom(16).hex(), write={
        "kind": "issue", "symbol": "x" + os.urandom(4).hex(), "amount": "1"})["prepared"]
    sent = pair.link("send", prepared=prepared, timeout_ms=60000)
    assert sent["outcome"] == "rejected" and "other assets" in sent["reason"]
    pair.here("POST", API + "/assets/mint/cancel", {})
    assert pair.link("status", prepared=prepared)["state"] == "unknown"
    assert pair.link.failing("request_payment", asset="42" * 32, amount="5").status == "network_rejected"
    failure = pair.link.failing("prepare", write={"kind": "transfer", "asset": "42" * 32, "amount": "5",
                                                  "to": PREFIXES[pair.chain] + "1" + "q" * 60})
    assert failure.status == "network_rejected"
    proof = json.dumps({"type": "file", "proof": base64.b64encode(PROOF).decode()})
    assert pair.link("verify_proof", proof=proof)["verdict"] == "invalid"  # its blocks are another chain's
    claim = json.dumps({"type": "universe_root", "asset": "42" * 32, "root": "ab" * 32})
    assert pair.link("validate_state", claim=claim)["verdict"] == "unverifiable"  # nobody here saw that asset
