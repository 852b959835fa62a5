"""Liquid: a link against an Elements node. LAYERD_TEST_ELEMENTS_RPC=http://user:password@127.0.0.1:7041/wallet/NAME
names a real one: on chain elementsregtest (or LAYERD_TEST_ELEMENTS_CHAIN), with coins in the wallet (without a name in
the URL: the first that has one), started with -txindex=1. Without it, one that was written from its documentation answers.
"""

import base64
import json
import os
import urllib.parse
import urllib.request

import pytest

from fakes.elements import Elements
from network_support import Link, check_reads, check_sends

REAL = os.environ.get("LAYERD_TEST_ELEMENTS_RPC")
CHAIN = os.environ.get("LAYERD_TEST_ELEMENTS_CHAIN", "elementsregtest")


class Server:
    """Either of both: where it is, and its RPC for the test's own questions."""

    def __init__(self, home):
        self.fake, self.wallet = None, "main"
        if not REAL:
            self.fake = Elements(home)
            self.url, self.auth_file = self.fake.server.url, str(self.fake.cookie)
            return
        parts = urllib.parse.urlsplit(REAL)
        self.url = "%s://%s:%d" % (parts.scheme, parts.hostname, parts.port)
        secret = "%s:%s" % (parts.username, parts.password)
        (home / "auth").write_text(urllib.parse.unquote(secret))
        (home / "auth").chmod(0o600)
        self.auth_file = str(home / "auth")
        self.wallet = parts.path.rpartition("/wallet/")[2] or self.some_wallet()

    def some_wallet(self):
        """A link names its wallet: the one without a name will not do. What is not loaded, it loads."""
        names = self.rpc("listwallets", path="/")
        names += [each["name"] for each in self.rpc("listwalletdir", path="/")["wallets"]]
        assert any(names), "LAYERD_TEST_ELEMENTS_RPC: the node has no wallet with a name"
        return next(filter(None, names))

    def rpc(self, method, *params, path=None):
        with open(self.auth_file) as file:
            token = base64.b64encode(file.read().strip().encode()).decode()
        request = urllib.request.Request(
            self.url + (path or "/wallet/" + self.wallet),
            json.dumps({"id": 1, "method": method, "params": params}).encode(),
            {"Authorization": "Basic " + token, "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=120) as reply:
            return json.load(reply)["result"]

    def address(self):
        return self.rpc("getnewaddress")

    def mine(self, count=1):
        self.rpc("generatetoaddress", count, self.address())

    def options(self, **more):
        return {"url": self.url, "chain": CHAIN, "wallet": self.wallet, "auth_file": self.auth_file, **more}

    def close(self):
        if self.fake:
            self.fake.close()


@pytest.fixture
def server(tmp_path):
    made = Server(tmp_path)
    yield made
    made.close()


@pytest.fixture
def fake(server):
    if not server.fake:
        pytest.skip("a real node does not misbehave on request")
    return server.fake


@pytest.fixture
def link(shared, server):
    made = Link(shared, "liquid", server.options())
    yield made
    made.remove()


def test_which_node_answers():
    if not REAL:
        pytest.skip("NO REAL ELEMENTS NODE: LAYERD_TEST_ELEMENTS_RPC is not set; all below runs against a fake")


def test_a_link_tells_chain_and_state(link, server):
    assert link.greeting["chain"] == CHAIN and len(link.greeting["details"]["pegged_asset"]) == 64
    state = link.run("get_state")
    assert state["synced"] and state["height"] >= 0 and int(state["balance"]) > 0
    fees = link.run("estimate_fees")
    assert int(fees["normal"]) > 0 and fees["unit"] == "satoshi per 1000 virtual bytes"


def test_another_chain_is_refused(shared, server):
    other = Link(shared, "liquid", server.options() | {"chain": "liquidv1"}, connect=False)
    assert other.refused("connect") == "network_wrong_chain"
    other.remove()


def test_a_transfer_is_sent_mined_and_final(link, server):
    operation = link.start("transfer_asset", to=server.address(), amount="1000")
    write = link.until(operation, "pending")
    assert len(write["transaction"]) == 64
    server.mine()
    assert link.until(operation, "confirmed", "final")["height"] > 0
    server.mine()
    assert link.until(operation, "final")["confirmations"] >= 2
    items = link.run("get_transaction_history", limit=100)["items"]
    assert write["transaction"] in [item["transaction"] for item in items]


def test_a_transfer_pays_no_more_than_was_allowed(link, server):
    operation = link.start("transfer_asset", to=server.address(), amount="1000", fee="1")
    ended = link.wait(operation)
    assert ended["state"] == "failed" and ended["error_name"] == "network_rejected" and "fee" in ended["error"]
    if server.fake:
        assert not server.fake.locked and not server.fake.mempool


def test_an_asset_is_issued_and_transferred(link, server):
    operation = link.start("issue_asset", symbol="TST", amount="100000", decimals=2)
    asset = link.until(operation, "pending")["asset"]
    assert len(asset) == 64
    server.mine(2)
    assert link.until(operation, "final")["asset"] == asset
    assert link.run("get_state")["details"]["balances"][asset] == "100000"
    second = link.start("transfer_asset", to=server.address(), amount="7", asset=asset)
    link.until(second, "pending")
    server.mine(2)
    link.until(second, "final")


def other_digit(text, place):
    return text[:place] + "%x" % (int(text[place], 16) ^ 1) + text[place + 1 :]


def test_a_proof_is_made_and_every_other_refused(link, server):
    operation = link.start("transfer_asset", to=server.address(), amount="1000")
    transaction = link.until(operation, "pending")["transaction"]
    server.mine()
    link.until(operation, "confirmed", "final")
    claim = {"type": "liquid-transaction", "transaction": transaction}
    made = link.run("generate_proof", claim=claim)["proof"]
    verdict = link.run("verify_proof", proof=made)
    assert verdict["verdict"] == "valid" and verdict["anchor"] == "node"
    changes = [{"transaction": "00" * 32}, {"proof": made["proof"][:-2]}, {"proof": ""}]
    changes += [{"proof": other_digit(made["proof"], place)} for place in range(0, len(made["proof"]), 61)]
    for change in changes:
        assert link.run("verify_proof", proof={**made, **change})["verdict"] != "valid", change
    assert link.refused("generate_proof", claim={**claim, "transaction": "00" * 32}) == "network_not_found"


def test_a_header_is_validated(link, server):
    server.mine()
    best = server.rpc("getblockhash", 1)
    header = server.rpc("getblockheader", best, False)
    claim = {"type": "liquid-header", "header": header}
    assert link.run("validate_state", claim=claim)["verdict"] == "valid"
    changed = {**claim, "header": other_digit(header, 80)}
    assert link.run("validate_state", claim=changed)["verdict"] == "unverifiable"


def test_the_same_request_is_the_same_transfer(link, server):
    to = server.address()
    first = link.start("transfer_asset", to=to, amount="1000", request="order-1")
    assert link.start("transfer_asset", to=to, amount="1000", request="order-1") == first
    link.until(first, "pending")
    if server.fake:
        assert len(server.fake.mempool) == 1


def test_a_transaction_made_elsewhere_is_sent(link, server, fake):
    signed = fake.sign_for_somebody_else()
    operation = link.start("submit_transaction", raw=signed)
    link.until(operation, "pending")
    server.mine(2)
    link.until(operation, "final")


def test_a_spend_that_somebody_else_made_first_is_rejected_and_its_coins_are_free(link, server, fake):
    fake.refuse_next = "txn-mempool-conflict"
    operation = link.start("transfer_asset", to=server.address(), amount="1000")
    link.until(operation, "rejected")
    assert not fake.locked and not fake.mempool


def test_a_node_that_starts_is_waited_for(link, server, fake):
    to = server.address()
    fake.warming_up = 1
    operation = link.start("transfer_asset", to=to, amount="1000")
    link.until(operation, "pending")
    assert fake.warming_up == 0


def test_a_wallet_that_a_restart_unloaded_is_loaded_again(link, server, fake):
    to = server.address()
    fake.loaded.clear()
    assert int(link.run("get_state")["balance"]) > 0
    fake.loaded.clear()
    link.until(link.start("transfer_asset", to=to, amount="1000"), "pending")


def test_a_new_cookie_is_read(link, fake):
    fake.rotate_cookie()
    assert link.run("get_state")["synced"]


def test_blocks_are_followed_and_rewound(link, server, fake):
    link.run("sync_state")
    server.mine(3)
    link.run("sync_state")
    before = link.blocks()
    fake.reorganise(2)
    for _ in range(3):
        link.run("sync_state")
    after = link.blocks()
    height = max(before)
    assert after[height] != before[height] and after[height - 3] == before[height - 3]


def test_a_reorganised_transaction_waits_again(link, server, fake):
    operation = link.start("transfer_asset", to=server.address(), amount="1000")
    link.until(operation, "pending")
    server.mine()
    link.until(operation, "confirmed")
    fake.reorganise(1)
    link.until(operation, "pending")
    server.mine(2)
    link.until(operation, "final")


def test_a_node_that_is_killed_goes_on_with_its_write(node, server):
    link = Link(node, "liquid", server.options())
    operation = link.start("transfer_asset", to=server.address(), amount="1000")
    node.crash()
    link.until(operation, "pending")
    server.mine(2)
    link.until(operation, "final")
    if server.fake:
        assert server.fake.server.count(b'"sendrawtransaction"') <= 2 and len(server.fake.mined) == 1


def test_what_the_server_does_wrong_ends_in_an_error_or_is_tried_again(shared, server, fake):
    check_reads(lambda: Link(shared, "liquid", server.options()), fake.server, "health_check", b"getblockchaininfo")


def test_whatever_becomes_of_the_request_the_transaction_arrives_once(shared, tmp_path):
    if REAL:
        pytest.skip("a real node does not misbehave on request")
    fakes = []

    def make():
        home = tmp_path / str(len(fakes))
        home.mkdir()
        fakes.append(Server(home))
        return Link(shared, "liquid", fakes[-1].options()), fakes[-1].fake.server

    def send(link):
        return link.start("transfer_asset", to="ert1qto", amount="1000")

    check_sends(make, send, b'"sendrawtransaction"')
    for server in fakes:
        assert len(server.fake.mempool) == 1 and server.fake.carried_out == 1
        server.close()
