"""Stacks: a link against a node. LAYERD_TEST_STACKS_URL names a real one (a testnet or mocknet node with txindex=true,
or an API with LAYERD_TEST_STACKS_API=1); LAYERD_TEST_STACKS_KEY a key file that `wallet.export` wrote, of an account
that has coins there, and LAYERD_TEST_STACKS_PASSPHRASE its passphrase. The URL alone (with LAYERD_TEST_STACKS_CHAIN=mainnet,
if it is that) is enough for what only reads. Without, a node that was written from stacks-core's documentation answers.
"""

import json
import os
import secrets

import pytest

import network_support
from fakes.stacks import Stacks
from layerd_client import CallError
from network_support import Link, check_reads, check_sends

URL, KEY, PASSPHRASE = (os.environ.get("LAYERD_TEST_STACKS_" + name) for name in ("URL", "KEY", "PASSPHRASE"))
REAL = bool(URL and KEY and PASSPHRASE)
CHAIN = os.environ.get("LAYERD_TEST_STACKS_CHAIN", "testnet")
API = os.environ.get("LAYERD_TEST_STACKS_API") == "1"
OTHER = "ST1PQHQKV0RJXZFY1DGX8MNSNYVE3VGZJSRTPGZGM"
DEPTH = 2
HEADER_SIZE = 206  # before the signers' signatures and their count; behind them, the treatment of stackers:
TREATMENT_SIZE = 8


class Server:
    def __init__(self, **more):
        self.fake = None if REAL else Stacks(**more)
        self.url = URL if REAL else self.fake.server.url
        self.api = API if REAL else more.get("api", False)

    def options(self, **more):
        return {"url": self.url, "chain": "testnet", "api": self.api, "confirmations": DEPTH, **more}

    def mine(self, count=1):
        """A real chain mines by itself."""
        if self.fake:
            self.fake.mine(count)

    def close(self):
        if self.fake:
            self.fake.close()


@pytest.fixture(scope="module")
def wallet(shared):
    shared.call("wallet.create", passphrase="passphrase of a test")
    return shared


def new_key(node):
    """A name for it. Each test has its own: a nonce is the account's."""
    name = "key-%s" % secrets.token_hex(6)
    if REAL:
        with open(KEY) as file:
            node.call("wallet.import", name=name, key_file=json.load(file), passphrase=PASSPHRASE)
    else:
        node.call("wallet.new", name=name)
    return name


@pytest.fixture
def server():
    made = Server()
    yield made
    made.close()


@pytest.fixture
def fake(server):
    if not server.fake:
        pytest.skip("a real node does not misbehave on request")
    return server.fake


@pytest.fixture
def link(wallet, server):
    made = Link(wallet, "stacks", server.options(), new_key(wallet))
    yield made
    made.remove()


@pytest.fixture(autouse=True)
def patience(monkeypatch):
    if REAL:
        monkeypatch.setattr(network_support, "PATIENCE", 3600)


def test_which_node_answers():
    if not REAL:
        pytest.skip("NO REAL STACKS NODE: LAYERD_TEST_STACKS_URL, LAYERD_TEST_STACKS_KEY (an exported key file of a "
                    "funded account) and LAYERD_TEST_STACKS_PASSPHRASE are not all set; what writes runs against a fake")
    if CHAIN != "testnet":
        pytest.fail("nothing here writes to " + CHAIN)


def test_whatever_node_is_named_is_read_without_a_key(node):
    fake = None if URL else Server()
    options = {"url": URL, "chain": CHAIN, "api": API} if URL else fake.options()
    link = Link(node, "stacks", options)
    assert link.greeting["chain"] == CHAIN and "account" not in link.greeting
    state = link.run("get_state")
    assert state["height"] > 0 and state["details"]["bitcoin_height"] > 0
    assert int(link.run("estimate_fees")["normal"]) > 0
    assert link.run("check_transaction_status", transaction=secrets.token_hex(32))["state"] == "unknown"
    link.run("sync_state")
    assert max(link.blocks()) <= link.run("get_state")["height"]
    assert link.run("verify_proof", proof={"type": "stacks-account"})["verdict"] == "unverifiable"
    assert link.wait(link.start("transfer_asset", to=OTHER, amount="1"))["error_name"] == "network_not_supported"
    link.remove()
    if fake:
        fake.close()


def test_a_link_tells_chain_and_state(link):
    assert link.greeting["chain"] == "testnet" and link.greeting["account"].startswith("ST")
    assert "stacks-node" in link.greeting["version"]
    state = link.run("get_state")
    assert state["height"] > 0 and int(state["balance"]) > 0 and state["details"]["bitcoin_height"] > 0
    fees = link.run("estimate_fees")
    assert int(fees["normal"]) > 0 and fees["unit"] == "microSTX per byte"
    fees = link.run("estimate_fees", kind="transfer", to=OTHER, amount="1")
    assert int(fees["total"]) >= 180


def test_another_chain_is_refused(wallet, server):
    other = Link(wallet, "stacks", server.options(chain="mainnet"), new_key(wallet), connect=False)
    assert other.refused("connect") == "network_wrong_chain"
    other.remove()


def test_a_transfer_is_sent_mined_and_final(link, server):
    operation = link.start("transfer_asset", to=OTHER, amount="1000", memo="order 17")
    write = link.until(operation, "pending", "confirmed", "final")
    assert write["transaction"].startswith("0x") and len(write["transaction"]) == 66
    server.mine()
    assert link.until(operation, "confirmed", "final")["height"] > 0
    server.mine()
    link.until(operation, "final")


def test_what_could_never_be_sent_is_refused_by_the_command(link, server):
    wrong = (
        ("transfer_asset", {"to": "nobody"}, "to: no Stacks address"),
        ("transfer_asset", {"to": OTHER, "asset": "GOLD"}, "asset: expected"),
        ("transfer_asset", {"to": OTHER, "memo": "m" * 35}, "memo: at most 34"),
        ("transfer_asset", {"to": OTHER, "amount": "0"}, "amount: expected"),
        ("issue_asset", {"symbol": 'G"'}, "printable"),
        ("issue_asset", {"symbol": "GOLD", "decimals": 33}, "decimals"),
    )
    for operation, params, why in wrong:
        with pytest.raises(CallError) as caught:
            link.start(operation, **{"amount": "1", **params})
        assert caught.value.name == "invalid_params" and why in str(caught.value), (params, caught.value)


def test_several_transfers_follow_each_other(link, server):
    operations = [link.start("transfer_asset", to=OTHER, amount=str(n)) for n in (1, 2, 3)]
    sequences = [link.until(each, "pending", "confirmed", "final")["sequence"] for each in operations]
    assert sequences == list(range(sequences[0], sequences[0] + 3))
    server.mine(DEPTH)
    for each in operations:
        link.until(each, "final")


def test_a_token_is_issued_and_transferred(link, server):
    symbol = "T" + secrets.token_hex(4)
    operation = link.start("issue_asset", symbol=symbol, amount="100000", decimals=2)
    asset = link.until(operation, "pending", "confirmed", "final")["asset"]
    assert asset == "%s.%s::token" % (link.greeting["account"], symbol.lower())
    server.mine(DEPTH)
    assert link.until(operation, "final")["asset"] == asset
    second = link.start("transfer_asset", to=OTHER, amount="7", asset=asset)
    link.until(second, "pending", "confirmed", "final")
    server.mine(DEPTH)
    assert link.until(second, "final")["reason"].startswith(("(ok true)", "success"))


def other_digit(text, place):
    return text[:place] + "%x" % (int(text[place], 16) ^ 1) + text[place + 1 :]


def test_a_proof_is_made_and_every_other_refused(link, server):
    operation = link.start("transfer_asset", to=OTHER, amount="1000")
    transaction = link.until(operation, "pending", "confirmed", "final")["transaction"]
    server.mine()
    link.until(operation, "confirmed", "final")
    claim = {"type": "stacks-transaction", "transaction": transaction}
    made = link.run("generate_proof", claim=claim)["proof"]
    verdict = link.run("verify_proof", proof=made)
    assert verdict["verdict"] == "valid" and verdict["anchor"] == "node"
    changes = [{"position": made["position"] + 1}, {"count": made["count"] + 7}, {"path": made["path"][1:]}]
    signers = range(2 * (HEADER_SIZE + 4), len(made["header"]) - 2 * TREATMENT_SIZE)  # no part of a block's id
    for name in ("transaction", "header"):
        places = [place for place in range(0, len(made[name]), 41) if name != "header" or place not in signers]
        changes += [{name: other_digit(made[name], place)} for place in places]
    for change in changes:
        assert link.run("verify_proof", proof={**made, **change})["verdict"] != "valid", change
    absent = {**claim, "transaction": "0x" + "00" * 32}
    assert link.refused("generate_proof", claim=absent) == "network_not_found"


def test_the_same_request_is_the_same_transfer(link, server):
    first = link.start("transfer_asset", to=OTHER, amount="1000", request="order-1")
    assert link.start("transfer_asset", to=OTHER, amount="1000", request="order-1") == first
    link.until(first, "pending", "confirmed", "final")
    if server.fake:
        assert server.fake.carried_out == 1


def test_a_call_that_the_contract_refuses_has_failed(link, fake):
    operation = link.start("transfer_asset", to=OTHER, amount="7", asset=link.greeting["account"] + ".tst::token")
    link.until(operation, "pending")
    fake.mine(DEPTH, result="(err u1)")
    assert link.until(operation, "failed")["reason"] == "(err u1)"


def test_more_than_a_node_chains_are_not_lost(wallet, fake, server):
    """The 27th of a row is refused by TooMuchChaining, and sent when the first was mined."""
    link = Link(wallet, "stacks", server.options(), new_key(wallet))
    operations = [link.start("transfer_asset", to=OTHER, amount=str(n + 1)) for n in range(28)]
    for each in operations[:26]:
        link.until(each, "pending")
    fake.mine()
    for each in operations:
        link.until(each, "pending", "confirmed", "final")
    fake.mine(DEPTH)
    for each in operations:
        link.until(each, "final")
    assert fake.carried_out == 28
    link.remove()


def test_a_node_without_an_index_takes_no_writes_and_says_so(wallet):
    if REAL:
        pytest.skip("the real node has its index or not")
    server = Server(txindex=False)
    link = Link(wallet, "stacks", server.options(), new_key(wallet))
    ended = link.wait(link.start("transfer_asset", to=OTHER, amount="1000"))
    assert ended["error_name"] == "network_not_supported" and "txindex" in ended["error"]
    status = link.run("check_transaction_status", transaction="11" * 32)
    assert status["state"] == "unknown" and "txindex" in status["reason"]
    link.remove()
    server.close()


def test_an_api_tells_of_history_and_drops(wallet):
    if REAL:
        pytest.skip("against the fake's API")
    server = Server(api=True)
    link = Link(wallet, "stacks", server.options(), new_key(wallet))
    operation = link.start("transfer_asset", to=OTHER, amount="1000")
    link.until(operation, "pending")
    server.mine(DEPTH)
    write = link.until(operation, "final")
    assert [item["transaction"] for item in link.run("get_transaction_history")["items"]] == [write["transaction"]]
    assert link.refused("generate_proof", claim={"type": "stacks-transaction", "transaction": "00" * 32})
    link.remove()
    server.close()


def test_blocks_are_followed_and_rewound(link, fake):
    link.run("sync_state")
    fake.mine(3)
    link.run("sync_state")
    before = link.blocks()
    fake.reorganise(2)
    for _ in range(3):
        link.run("sync_state")
    after = link.blocks()
    height = max(before)
    assert after[height] != before[height] and after[height - 3] == before[height - 3]


def test_a_reorganised_transaction_waits_again(link, fake):
    operation = link.start("transfer_asset", to=OTHER, amount="1000")
    link.until(operation, "pending")
    fake.mine()
    link.until(operation, "confirmed")
    fake.reorganise(1)
    link.until(operation, "pending")
    fake.mine(DEPTH)
    link.until(operation, "final")


def test_a_node_that_is_killed_goes_on_with_its_write(node, server):
    node.call("wallet.create", passphrase="x")
    link = Link(node, "stacks", server.options(), new_key(node))
    operation = link.start("transfer_asset", to=OTHER, amount="1000")
    node.crash()
    node.call("wallet.unlock", passphrase="x")
    link.until(operation, "pending", "confirmed", "final")
    server.mine(DEPTH)
    link.until(operation, "final")
    if server.fake:
        assert server.fake.carried_out == 1


def test_what_the_server_does_wrong_ends_in_an_error_or_is_tried_again(wallet, server, fake):
    key = new_key(wallet)
    check_reads(lambda: Link(wallet, "stacks", server.options(), key), fake.server, "health_check", b"/v2/info")


def test_blocks_that_lie_are_no_blocks(link, fake):
    honest = fake.blocks[1].bytes
    another = honest[:80] + bytes([honest[80] ^ 1]) + honest[81:]
    for lie in (b"", honest[:-1], honest + b"\0", another, fake.blocks[0].bytes):
        fake.server.misbehaviour.add(("lie", lie), on=b"/v3/blocks/height/2")
        assert link.refused("sync_state") == "network_protocol"
    link.run("sync_state")


def test_whatever_becomes_of_the_request_the_transaction_arrives_once(wallet):
    if REAL:
        pytest.skip("a real node does not misbehave on request")
    servers = []

    def make():
        servers.append(Server())
        return Link(wallet, "stacks", servers[-1].options(), new_key(wallet)), servers[-1].fake.server

    check_sends(make, lambda link: link.start("transfer_asset", to=OTHER, amount="1000"), b"/v2/transactions\x80")
    for server in servers:
        assert len(server.fake.mempool) == 1 and server.fake.carried_out == 1
        server.close()
