"""BOB and Rootstock against anvil, a real EVM node, and against hardhat, another one, where that is wanted
(hardhat.py). Needs node and npm, and the network the first time; skipped loudly otherwise."""

import http.server
import json
import os
import subprocess
import threading
import time
import urllib.request

import pytest

import anvil
import hardhat
from fakes.http_server import HttpServer
from layerd_client import PATIENCE, Account, CallError
from network_support import Link, check_reads, check_sends
from node import BUILD

PROGRAM = BUILD / "test_evm_anvil"

pytestmark = pytest.mark.plain


@pytest.fixture(params=[anvil, hardhat], ids=["anvil", "hardhat"])
def kind(request):
    return request.param


@pytest.fixture
def servers(kind):
    running = []
    try:
        running += [kind.bob()]
        running += [kind.rootstock()]
        yield running
    finally:
        for server in running:
            server.stop()


def test_the_client_s_rules_hold_against_a_real_node(servers, kind):
    """tests/unit/network/test_evm_anvil.c: each test names its rule."""
    if not PROGRAM.exists():
        pytest.skip("%s is not built (make check builds it)" % PROGRAM)
    bob, rootstock = servers
    done = subprocess.run([PROGRAM], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300,
                          check=False, env=dict(os.environ, LAYERD_TEST_EVM_BOB=bob.url,
                                                LAYERD_TEST_EVM_ROOTSTOCK=rootstock.url,
                                                LAYERD_TEST_EVM_SERVER=kind.__name__))
    assert done.returncode == 0, done.stdout
    assert "SKIPPED" not in done.stdout, done.stdout


# --- the whole node -------------------------------------------------------------------------------------------
PASSPHRASE = "correct horse battery staple"
CONFIRMATIONS = 2


@pytest.fixture
def chain(kind):
    server = kind.bob()
    yield server
    server.stop()


@pytest.fixture
def linked(node, chain):
    """A node with a link to the chain, and a key that has coin there."""
    node.call("wallet.create", passphrase=PASSPHRASE)
    node.call("wallet.new", name="treasury")
    node.call("network.initialize", link="bob", network="bob", key="treasury", poll="100ms",
              options={"url": chain.url, "confirmations": CONFIRMATIONS, "withdrawals_root": False})
    account = wait_for(node, node.call("network.connect", link="bob"))["account"]
    chain.call("hardhat_setBalance", account, hex(10**18))
    chain.mine()
    return node


def ended(node, reply):
    """The operation, once it has ended."""
    deadline = time.monotonic() + PATIENCE
    while True:
        shown = node.call("network.operation", operation=reply["operation"])
        if shown["state"] not in ("queued", "running"):
            return shown
        assert time.monotonic() < deadline, shown
        time.sleep(0.02)


def wait_for(node, reply):
    """Its result: it must have gone well."""
    shown = ended(node, reply)
    assert shown["state"] == "done", shown
    return shown["result"]


def test_an_asset_is_issued_and_transferred_by_a_node_that_is_killed_in_between(linked, chain):
    node = linked
    issued = wait_for(node, node.call("network.issue_asset", link="bob", symbol="GOLD", amount="1000",
                                      decimals=2, request="gold"))
    assert issued["asset"].startswith("0x")
    again = node.call("network.issue_asset", link="bob", symbol="GOLD", amount="1000", decimals=2, request="gold")
    node.crash()
    node.call("wallet.unlock", passphrase=PASSPHRASE)
    assert wait_for(node, again)["transaction"] == issued["transaction"]
    chain.mine(CONFIRMATIONS)
    assert chain.call("eth_getCode", issued["asset"], "latest") != "0x"
    paid = wait_for(node, node.call("network.transfer_asset", link="bob", asset=issued["asset"], amount="250",
                                    to="0x70997970c51812dc3a010c7d01b50e0d17dc79c8"))
    chain.mine(CONFIRMATIONS)
    status = wait_for(node, node.call("network.check_transaction_status", link="bob",
                                      transaction=paid["transaction"]))
    assert status["state"] == "confirmed" and status["confirmations"] == CONFIRMATIONS
    # One contract and one payment are what the chain has of it, and nothing was sent twice.
    account = wait_for(node, node.call("network.connect", link="bob"))["account"]
    assert chain.call("eth_getTransactionCount", account, "latest") == "0x2"


def test_what_could_never_be_sent_is_refused_by_the_command(linked):
    wrong = (
        ("transfer_asset", {"to": "nobody"}, "to is 'nobody'"),
        ("transfer_asset", {"to": "0x" + "00" * 20}, "the zero address"),
        ("transfer_asset", {"to": PAYEE + "00"}, "40 hex digits"),
        ("transfer_asset", {"to": PAYEE, "asset": "GOLD"}, "asset is 'GOLD'"),
        ("transfer_asset", {"to": PAYEE, "memo": "hello"}, "no memo"),
        ("transfer_asset", {"to": PAYEE, "amount": str(2**256)}, "below 2^256"),
        ("issue_asset", {"symbol": "GOLD", "title": "G" * 65}, "1 to 64 bytes"),
        ("issue_asset", {"symbol": "GOLD", "decimals": 37}, "decimals"),
    )
    before = linked.query("SELECT count(*) FROM network_operation")
    for operation, params, why in wrong:
        with pytest.raises(CallError) as caught:
            linked.call("network." + operation, dict({"link": "bob", "amount": "1"}, **params))
        assert caught.value.name == "invalid_params" and why in str(caught.value), (params, caught.value)
    assert linked.query("SELECT count(*) FROM network_operation") == before
    # A checksum that is another chain's is the link's to judge.
    shown = ended(linked, linked.call("network.transfer_asset", link="bob", amount="1",
                                      to="0x70997970C51812dc3A010C7d01b50e0d17dc79C9"))
    assert shown["state"] == "failed" and shown["error_name"] == "invalid_params", shown


def test_a_link_to_another_chain_connects_to_nothing(node, chain):
    node.call("network.initialize", link="wrong", network="bob", options={"url": chain.url, "chain_id": 1})
    shown = ended(node, node.call("network.connect", link="wrong"))
    assert shown["state"] == "failed" and "chain id 60808" in str(shown), shown


# --- what lies between node and server --------------------------------------------------------------------------
def ask(url, body):
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=120) as reply:
        return reply.read()


def misbehaving(chain):
    """The chain behind a server that does what a test tells it."""
    return HttpServer(lambda method, path, headers, body: (200, "application/json", ask(chain.url, body)))


def faulty_link(node, key, server):
    return Link(node, "bob", {"url": server.url, "confirmations": CONFIRMATIONS, "withdrawals_root": False}, key)


def test_what_the_server_does_wrong_ends_in_an_error_or_is_tried_again(node, chain):
    server = misbehaving(chain)
    check_reads(lambda: faulty_link(node, None, server), server, "health_check", b"eth_blockNumber")
    server.close()


def test_whatever_becomes_of_the_request_the_payment_is_made_once(node, chain):
    node.call("wallet.create", passphrase=PASSPHRASE)
    before, servers, accounts = balance(chain, PAYEE), [], []

    def make():
        key = "key-%d" % len(servers)
        node.call("wallet.new", name=key)
        servers.append(misbehaving(chain))
        link = faulty_link(node, key, servers[-1])
        accounts.append(link.greeting["account"])
        chain.call("hardhat_setBalance", accounts[-1], hex(10**18))
        chain.mine()
        return link, servers[-1]

    check_sends(make, lambda link: link.start("transfer_asset", to=PAYEE, amount="1000"), b"eth_sendRawTransaction")
    chain.mine()
    for server, account in zip(servers, accounts):
        assert chain.call("eth_getTransactionCount", account, "latest") == "0x1"
        server.close()
    assert balance(chain, PAYEE) == before + 1000 * len(accounts)


# --- fees that are raised -------------------------------------------------------------------------------------
PAYEE = "0x70997970c51812dc3a010c7d01b50e0d17dc79c8"
GWEI = 10**9


class Gate:
    """Between node and server: passes everything on but transactions, when it is shut; those get no answer."""

    def __init__(self, url):
        gate = self
        self.is_shut = False
        self.held = 0

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if gate.is_shut and b"eth_sendRawTransaction" in body:
                    gate.held += 1
                    self.close_connection = True
                    while gate.is_shut:
                        time.sleep(0.02)
                    return
                answer = ask(url, body)
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = "http://127.0.0.1:%d" % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.is_shut = False
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def gate(chain):
    between = Gate(chain.url)
    yield between
    between.stop()


@pytest.fixture
def payer(node, chain, gate):
    """As `linked`, through the gate, with a short patience for fees that are too low."""
    node.call("wallet.create", passphrase=PASSPHRASE)
    node.call("wallet.new", name="treasury")
    return payer_with(node, chain, gate)


def payer_with(node, chain, gate, **options):
    node.call("network.initialize", link="bob", network="bob", key="treasury", poll="100ms",
              options={"url": gate.url, "confirmations": CONFIRMATIONS, "withdrawals_root": False,
                       "bump_after": "1s", "fee_limit": str(10**17), **options})
    node.account = wait_for(node, node.call("network.connect", link="bob"))["account"]
    chain.call("hardhat_setBalance", node.account, hex(10**18))
    chain.mine()
    return node


def balance(chain, address):
    return int(chain.call("eth_getBalance", address, "latest"), 16)


def pay(node, amount, **options):
    reply = node.call("network.transfer_asset", link="bob", amount=str(amount), to=PAYEE, **options)
    wait_for(node, reply)
    return reply["operation"]


def write(node, operation):
    return node.call("network.write", operation=operation)


def until(node, operation, condition):
    deadline = time.monotonic() + PATIENCE
    while True:
        shown = write(node, operation)
        if condition(shown):
            return shown
        assert time.monotonic() < deadline, shown
        time.sleep(0.05)


def raised(node, operation, count=2):
    """Its fee was raised, so that it has that many candidates, and the server has the newest."""
    return until(node, operation, lambda shown: len(shown["candidates"]) >= count and
                 shown["candidates"][-1].get("sent_us") is not None)


def events_of(node, kind):
    return [json.loads(body) for (body,) in node.query(
        "SELECT body FROM event WHERE type = ? ORDER BY seq", "network." + kind)]


def spike(chain, gwei=50):
    """A block with that base fee: nobody who pays less got into it."""
    chain.call("hardhat_setNextBlockBaseFeePerGas", hex(gwei * GWEI))
    chain.mine()


def settle(node, chain, operation):
    chain.mine(CONFIRMATIONS)
    return until(node, operation, lambda shown: shown["state"] in ("confirmed", "final"))


def test_a_spike_of_the_base_fee_is_outbid_and_the_payment_made_once(payer, chain):
    before = balance(chain, PAYEE)
    operation = pay(payer, 7)
    first = write(payer, operation)["transaction"]
    spike(chain)
    shown = raised(payer, operation)
    prices = [int(candidate["details"]["gas_price"]) for candidate in shown["candidates"]]
    assert prices[1] >= prices[0] * 1125 // 1000 and prices[1] >= 43 * GWEI
    tips = [int(candidate["details"]["priority_fee"]) for candidate in shown["candidates"]]
    assert tips[1] >= tips[0] * 1125 // 1000
    assert len({candidate["details"]["nonce"] for candidate in shown["candidates"]}) == 1
    shown = settle(payer, chain, operation)
    assert shown["transaction"] == shown["candidates"][-1]["transaction"] != first
    assert balance(chain, PAYEE) == before + 7
    assert chain.call("eth_getTransactionCount", payer.account, "latest") == "0x1"
    (event,) = events_of(payer, "fee_raised")
    assert event["replaces"] == first and event["unit"] == "wei per gas" and int(event["fee"]) == prices[1]
    assert payer.call("audit")["ok"] is True


def test_a_node_that_is_killed_between_the_row_and_its_sending_sends_it_after_all(payer, chain, gate):
    before = balance(chain, PAYEE)
    operation = pay(payer, 9)
    gate.is_shut = True
    spike(chain)
    until(payer, operation, lambda shown: len(shown["candidates"]) == 2)
    payer.kill()  # its newest bytes are on record, and nobody has seen them
    (raw,) = payer.query("SELECT raw FROM network_candidate WHERE place = 2")[0]
    gate.is_shut = False
    payer.start()
    shown = raised(payer, operation)
    assert len(shown["candidates"]) == 2
    (again,) = payer.query("SELECT raw FROM network_candidate WHERE place = 2")[0]
    assert again == raw
    shown = settle(payer, chain, operation)
    assert shown["transaction"] == shown["candidates"][1]["transaction"]
    assert balance(chain, PAYEE) == before + 9
    assert payer.call("audit")["ok"] is True


def test_two_payments_wait_and_both_are_made_when_the_first_is_raised(payer, chain):
    before = balance(chain, PAYEE)
    first = pay(payer, 1)
    spike(chain)
    second = pay(payer, 2)  # made at the new price, and stuck behind the first
    assert write(payer, second)["sequence"] == write(payer, first)["sequence"] + 1
    raised(payer, first)
    assert settle(payer, chain, first)["candidates"] != []
    assert settle(payer, chain, second)["candidates"] == []
    assert balance(chain, PAYEE) == before + 3
    assert payer.call("audit")["ok"] is True


def test_beyond_the_link_s_limit_a_payment_waits_and_says_so(node, chain, gate):
    node.call("wallet.create", passphrase=PASSPHRASE)
    node.call("wallet.new", name="treasury")
    payer_with(node, chain, gate, max_fee_per_gas=str(10 * GWEI))
    operation = pay(node, 5)
    spike(chain)
    shown = until(node, operation, lambda shown: shown.get("fee_reason"))
    assert "max_fee_per_gas is %d" % (10 * GWEI) in shown["fee_reason"]
    assert shown["candidates"] == [] and not shown["settled"]
    time.sleep(1)
    (event,) = events_of(node, "fee_not_raised")
    assert event["operation"] == operation and "max_fee_per_gas" in event["reason"]
    # nothing new is made at such a price, either; and once it has fallen, all goes on
    refused = ended(node, node.call("network.transfer_asset", link="bob", amount="1", to=PAYEE,
                                    give_up_after="500ms"))
    assert refused["state"] == "failed" and "max_fee_per_gas" in str(refused), refused
    before = balance(chain, PAYEE)
    spike(chain, 1)
    node.advance(Account("clock"), 61_000_000)  # what the server dropped meanwhile is sent again
    until(node, operation, lambda shown: not shown.get("fee_reason"))
    deadline = time.monotonic() + PATIENCE
    while balance(chain, PAYEE) == before:
        assert time.monotonic() < deadline
        chain.mine()
        time.sleep(0.2)
    assert balance(chain, PAYEE) == before + 5
    settle(node, chain, operation)


def test_a_payment_that_the_server_dropped_is_sent_again_and_raised_when_that_is_too_little(payer, chain):
    before = balance(chain, PAYEE)
    operation = pay(payer, 3)
    first = write(payer, operation)["transaction"]
    chain.call("hardhat_dropTransaction", first)
    until(payer, operation, lambda shown: "does not know it" in (shown.get("reason") or ""))
    payer.advance(Account("clock"), 61_000_000)
    until(payer, operation, lambda shown: shown["sends"] >= 2)  # the same bytes: the price is right
    assert write(payer, operation)["candidates"] == []
    chain.call("hardhat_dropTransaction", first)
    spike(chain)
    shown = raised(payer, operation)
    assert shown["candidates"][0]["transaction"] == first
    settle(payer, chain, operation)
    assert balance(chain, PAYEE) == before + 3


def test_whichever_candidate_the_chain_has_after_a_reorganisation_is_the_payment(payer, chain, kind):
    before = balance(chain, PAYEE)
    operation = pay(payer, 4)
    snapshot = chain.call("evm_snapshot")
    spike(chain)
    first, second = [candidate["transaction"] for candidate in raised(payer, operation)["candidates"]]
    if kind is anvil:
        assert settle(payer, chain, operation)["transaction"] == second
    else:  # hardhat calls its newest block final
        chain.mine()
        until(payer, operation, lambda shown: shown.get("confirmations") == 1)
    assert write(payer, operation)["transaction"] == second
    chain.call("evm_revert", snapshot)  # both are gone, and on the other branch the price never rose
    chain.call("hardhat_setNextBlockBaseFeePerGas", hex(GWEI))
    until(payer, operation, lambda shown: shown["state"] == "pending" and not shown.get("confirmations"))
    (raw,) = payer.query("SELECT lower(hex(raw)) FROM network_candidate WHERE place = 1")[0]
    for transaction in (first, second):
        if chain.call("eth_getTransactionByHash", transaction) is not None:
            chain.call("hardhat_dropTransaction", transaction)
    chain.call("eth_sendRawTransaction", "0x" + raw)
    chain.mine()
    shown = settle(payer, chain, operation)
    assert shown["transaction"] == first, shown
    assert kind is not anvil or len(events_of(payer, "transaction_reorged")) >= 1
    assert balance(chain, PAYEE) == before + 4
    assert payer.call("audit")["ok"] is True


def test_a_number_that_somebody_else_used_ends_the_payment_and_the_next_goes_on(payer, chain):
    """The same key in another wallet."""
    operation = pay(payer, 6)
    transaction = write(payer, operation)["transaction"]
    chain.call("hardhat_dropTransaction", transaction)
    chain.call("hardhat_impersonateAccount", payer.account)
    chain.call("eth_sendTransaction", {"from": payer.account, "to": "0x" + "11" * 20, "value": "0x1",
                                       "gas": "0x5208", "maxFeePerGas": hex(20 * GWEI)})
    chain.call("hardhat_stopImpersonatingAccount", payer.account)
    chain.mine(CONFIRMATIONS + 1)
    shown = until(payer, operation, lambda shown: shown["settled"])
    assert shown["state"] == "failed" and "replaced" in shown["reason"], shown
    following = pay(payer, 8)
    assert write(payer, following)["sequence"] == 1
    settle(payer, chain, following)
