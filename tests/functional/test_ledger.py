"""The ledger from outside: assets, transfers, batches, faucet, statements, and that value is conserved."""

import json

import pytest

from layerd_client import Account, CallError, asset_id
from node import SECOND, account
from reference import bech32m

LARGEST = 2**53 - 1


def refused(code, call, *arguments, **named):
    with pytest.raises(CallError) as caught:
        call(*arguments, **named)
    assert caught.value.code == code, caught.value
    return caught.value


def balance(node, holder, symbol):
    reply = node.call("ledger.balance", account=holder.address, asset=symbol)
    return sum(item["amount"] for item in reply["items"]) if "items" in reply else reply["amount"]


def assert_conserved(node):
    """By our own SQL over the tables: balances are sums of postings, and each asset sums to its supply."""
    assert (
        node.query(
            "SELECT hex(asset) FROM asset"
            " LEFT JOIN (SELECT asset, sum(amount) AS held FROM balance GROUP BY asset)"
            " ON asset = id WHERE supply <> coalesce(held, 0)"
        )
        == []
    )
    assert (
        node.query(
            "SELECT 1 FROM"
            " (SELECT domain, account, asset, sum(amount) AS total FROM posting GROUP BY 1, 2, 3) p"
            " LEFT JOIN balance b USING (domain, account, asset) WHERE p.total <> coalesce(b.amount, 0)"
        )
        == []
    )
    assert node.query("SELECT 1 FROM balance WHERE amount <= 0 OR amount > ?", LARGEST) == []
    audit = node.call("audit")
    assert audit["ok"] is True, audit
    assert audit["invariants"] and all(invariant["ok"] for invariant in audit["invariants"])


def test_an_issued_asset_belongs_to_its_issuer(node, alice):
    node.issue(
        alice, "GOLD", 1000, name="Gold", decimals=2, max_supply=5000, metadata={"b": 1, "a": [True, None]}
    )
    asset = node.call("ledger.asset", asset="GOLD")
    assert asset["symbol"] == "GOLD" and asset["name"] == "Gold" and asset["decimals"] == 2
    assert asset["supply"] == 1000 and asset["max_supply"] == 5000
    assert asset["issuer"] == alice.address
    assert asset["metadata"] == {"a": [True, None], "b": 1}
    assert balance(node, alice, "GOLD") == 1000
    assert_conserved(node)


def test_an_assets_id_follows_from_chain_and_symbol(node, alice, bob):
    node.issue(alice, "GOLD", 1000)
    expected = asset_id(node.chain, "GOLD")
    assert node.query("SELECT id FROM asset WHERE symbol = 'GOLD'") == [(expected,)]
    node.transfer(alice, bob, expected.hex(), 5)
    assert balance(node, bob, "GOLD") == 5
    assert balance(node, bob, expected.hex()) == 5


def test_a_symbol_is_taken_once(node, alice, bob):
    node.issue(alice, "GOLD", 1)
    refused(3003, node.issue, bob, "GOLD", 1)
    refused(3003, node.issue, alice, "GOLD", 1)


@pytest.mark.parametrize("symbol", ["", "A" * 200, "a b", "\n", "SYM\u00e9", "../x", 5, None], ids=repr)
def test_a_symbol_of_another_form_is_refused(shared, symbol):
    refused(-32602, shared.issue, Account("symbols"), symbol, 1)


def test_only_the_issuer_mints_and_never_over_the_limit(node, alice, bob):
    node.issue(alice, "GOLD", 1000, max_supply=1500)
    refused(3004, node.submit, bob, "ledger.mint", asset="GOLD", amount=1)
    refused(3005, node.submit, alice, "ledger.mint", asset="GOLD", amount=501)
    node.submit(alice, "ledger.mint", asset="GOLD", amount=500, to=bob.address)
    assert balance(node, bob, "GOLD") == 500
    refused(3005, node.submit, alice, "ledger.mint", asset="GOLD", amount=1)
    assert_conserved(node)


def test_supply_never_passes_2_53(node, alice):
    node.issue(alice, "MUCH", LARGEST)
    refused(3005, node.submit, alice, "ledger.mint", asset="MUCH", amount=1)
    refused(3005, node.submit, alice, "ledger.mint", asset="MUCH", amount=LARGEST)
    assert_conserved(node)


def test_a_first_supply_over_the_limit_is_refused(node, alice):
    refused(3005, node.issue, alice, "GOLD", 11, max_supply=10)


def test_burning_lowers_balance_and_supply(node, alice, bob):
    node.issue(alice, "GOLD", 1000)
    node.submit(alice, "ledger.burn", asset="GOLD", amount=400)
    assert node.call("ledger.asset", asset="GOLD")["supply"] == 600
    refused(3001, node.submit, alice, "ledger.burn", asset="GOLD", amount=601)
    refused(3001, node.submit, bob, "ledger.burn", asset="GOLD", amount=1)
    node.submit(alice, "ledger.burn", asset="GOLD", amount=600)
    assert balance(node, alice, "GOLD") == 0
    assert_conserved(node)


def test_only_the_issuer_describes_an_asset(node, alice, bob):
    node.issue(alice, "GOLD", 1000)
    refused(3004, node.submit, bob, "ledger.describe", asset="GOLD", metadata={"x": 1})
    node.submit(alice, "ledger.describe", asset="GOLD", metadata={"x": 1})
    assert node.call("ledger.asset", asset="GOLD")["metadata"] == {"x": 1}


def test_a_transfer_moves_exactly_its_amount(node, alice, bob):
    node.issue(alice, "GOLD", 1000)
    node.transfer(alice, bob, "GOLD", 999)
    assert (balance(node, alice, "GOLD"), balance(node, bob, "GOLD")) == (1, 999)
    refused(3001, node.transfer, alice, bob, "GOLD", 2)
    node.transfer(alice, bob, "GOLD", 1)
    assert (balance(node, alice, "GOLD"), balance(node, bob, "GOLD")) == (0, 1000)
    assert_conserved(node)


def test_what_cannot_be_transferred_is_refused_by_name(node, alice, bob):
    node.issue(alice, "GOLD", 1000)
    refused(3002, node.transfer, alice, bob, "SILVER", 1)
    refused(3011, node.transfer, alice, alice, "GOLD", 1)
    refused(3001, node.transfer, bob, alice, "GOLD", 1)


def test_an_address_of_another_network_or_with_a_wrong_checksum_is_refused(node, alice, bob):
    node.issue(alice, "GOLD", 1000)
    main = account("bob", "main")
    assert main.public == bob.public
    wrong = bob.address[:-1] + ("q" if bob.address[-1] != "q" else "p")
    short = bech32m.encode("lyt", bob.public[:31])
    for to in (main.address, wrong, short, "", bob.address + "q", bob.address[:20], "00" * 31, 5, None, {}):
        refused(-32602, node.submit, alice, "ledger.transfer", to=to, asset="GOLD", amount=1)
    assert balance(node, bob, "GOLD") == 0


def test_an_account_can_be_given_as_64_hex_digits(node, alice, bob):
    node.issue(alice, "GOLD", 1000)
    node.submit(alice, "ledger.transfer", to=bob.public.hex(), asset="GOLD", amount=3)
    assert balance(node, bob, "GOLD") == 3


@pytest.mark.parametrize(
    "memo", ["", "plain", "\u20ac \U0001f600", '"\\/\b\f\n\r\t\u0001\u007f\u2028', "x" * 256]
)
def test_a_memo_is_stored_as_given(node, alice, bob, memo):
    node.issue(alice, "GOLD", 1000)
    stream = node.events()
    stream.subscribe(**{"from": "now", "types": ["ledger.transferred"]})
    node.transfer(alice, bob, "GOLD", 1, memo=memo)
    (event,) = stream.events(1)
    assert event["data"].get("memo", "") == memo


def test_a_memo_over_256_bytes_or_with_a_zero_is_refused(node, alice, bob):
    node.issue(alice, "GOLD", 1000)
    refused(-32602, node.transfer, alice, bob, "GOLD", 1, memo="x" * 257)
    refused(-32602, node.transfer, alice, bob, "GOLD", 1, memo="\u20ac" * 86)
    signed = node.signed(alice, "ledger.transfer", to=bob.address, asset="GOLD", amount=1, memo="a\u0000b")
    line = {"jsonrpc": "2.0", "id": 1, "method": "transaction.submit", "params": signed}
    assert node.main.exchange(json.dumps(line).encode())["error"]["code"] in (-32602, -32700)


def test_a_batch_happens_as_a_whole(node, alice, bob, carol):
    node.issue(alice, "GOLD", 100)
    node.submit(
        alice,
        "ledger.transfer_batch",
        transfers=[
            {"to": bob.address, "asset": "GOLD", "amount": 10},
            {"to": carol.address, "asset": "GOLD", "amount": 20, "memo": "x"},
        ],
    )
    assert [balance(node, who, "GOLD") for who in (alice, bob, carol)] == [70, 10, 20]
    rows = node.query("SELECT last FROM event WHERE type = 'ledger.transferred' ORDER BY seq")
    assert rows == [(0,), (1,)]
    assert_conserved(node)


def test_a_batch_with_one_wrong_transfer_does_nothing(node, alice, bob, carol):
    node.issue(alice, "GOLD", 100)
    head = node.call("node.info")["head"]
    good = {"to": bob.address, "asset": "GOLD", "amount": 10}
    for wrong, code in (
        ({"to": carol.address, "asset": "GOLD", "amount": 91}, 3001),
        ({"to": carol.address, "asset": "NONE", "amount": 1}, 3002),
        ({"to": alice.address, "asset": "GOLD", "amount": 1}, 3011),
        ({"to": carol.address, "asset": "GOLD", "amount": 0}, -32602),
        ({"to": carol.address, "asset": "GOLD"}, -32602),
        ({"to": carol.address, "asset": "GOLD", "amount": 1, "more": 1}, -32602),
    ):
        refused(code, node.submit, alice, "ledger.transfer_batch", transfers=[good, wrong])
        refused(code, node.submit, alice, "ledger.transfer_batch", transfers=[wrong, good])
    refused(-32602, node.submit, alice, "ledger.transfer_batch", transfers=[])
    refused(-32602, node.submit, alice, "ledger.transfer_batch", transfers=good)
    assert balance(node, alice, "GOLD") == 100
    assert node.call("node.info")["head"] == head
    assert_conserved(node)


def test_a_batch_may_spend_nothing_it_does_not_hold_even_in_sum(node, alice, bob):
    node.issue(alice, "GOLD", 100)
    refused(
        3001,
        node.submit,
        alice,
        "ledger.transfer_batch",
        transfers=[{"to": bob.address, "asset": "GOLD", "amount": LARGEST}] * 3,
    )
    refused(
        3001,
        node.submit,
        alice,
        "ledger.transfer_batch",
        transfers=[{"to": bob.address, "asset": "GOLD", "amount": 60}] * 2,
    )
    assert_conserved(node)


def test_the_faucet_pays_on_dev_and_has_a_limit(node, alice, bob):
    node.fund(alice)
    node.submit(alice, "dev.faucet", to=bob.address, amount=7)
    ((symbol,),) = node.query("SELECT DISTINCT body ->> 'asset' FROM event WHERE type = 'dev.faucet_paid'")
    assert balance(node, bob, symbol) == 7
    assert balance(node, alice, symbol) > 0
    refused(3013, node.fund, alice, LARGEST)
    assert_conserved(node)


@pytest.mark.parametrize("network", ["test", "main"])
def test_faucet_and_time_are_refused_off_the_dev_network(nodes, network):
    node = nodes(network=network).start()
    owner = account("owner", network)
    refused(2008, node.submit, owner, "dev.faucet")
    refused(2008, node.submit, owner, "dev.advance_time", by=SECOND)
    assert node.query("SELECT count(*) FROM event WHERE type LIKE 'dev.%'") == [(0,)]
    node.issue(owner, "GOLD", 10)
    assert node.call("ledger.asset", asset="GOLD")["issuer"] == owner.address


def test_a_statement_lists_every_posting_in_order_by_pages(node, alice, bob):
    node.issue(alice, "GOLD", 1000)
    for amount in range(1, 8):
        node.transfer(alice, bob, "GOLD", amount)
    node.transfer(bob, alice, "GOLD", 28)
    lines, after = [], None
    while True:
        page = node.call(
            "ledger.statement", account=bob.address, limit=3, **({} if after is None else {"after": after})
        )
        lines += page["items"]
        after = page["next"]
        if after is None:
            break
        assert len(page["items"]) == 3
    assert [line["amount"] for line in lines] == [1, 2, 3, 4, 5, 6, 7, -28]
    assert [line["balance"] for line in lines] == [1, 3, 6, 10, 15, 21, 28, 0]
    assert [line["seq"] for line in lines] == sorted(line["seq"] for line in lines)


def test_lists_of_assets_accounts_and_domains_are_complete(node, alice, bob):
    for number in range(5):
        node.issue(alice, "A%d" % number, 10)
    node.transfer(alice, bob, "A3", 1)
    symbols = {item["symbol"] for item in node.call("ledger.assets")["items"]}
    assert {"A0", "A1", "A2", "A3", "A4"} <= symbols
    addresses = {item.get("address", item.get("account")) for item in node.call("ledger.accounts")["items"]}
    assert {alice.address, bob.address} <= addresses
    domains = node.call("ledger.domains")
    domains = domains["items"] if isinstance(domains, dict) else domains
    assert [domain["id"] for domain in domains] == [0]
    assert node.call("ledger.account", account=bob.address)


def test_every_posting_names_the_event_that_explains_it(node, alice, bob):
    node.issue(alice, "GOLD", 1000)
    node.fund(bob)
    node.transfer(alice, bob, "GOLD", 10)
    node.submit(bob, "ledger.burn", asset="GOLD", amount=3)
    node.submit(alice, "ledger.mint", asset="GOLD", amount=2)
    assert node.query("SELECT count(*) FROM posting WHERE seq NOT IN (SELECT seq FROM event)") == [(0,)]
    explained = node.query(
        "SELECT type, sum(amount) FROM posting JOIN event USING (seq) GROUP BY seq ORDER BY seq"
    )
    assert [row for row in explained if row[0] != "dev.faucet_paid"] == [
        ("ledger.asset_issued", 1000),
        ("ledger.transferred", 0),
        ("ledger.asset_burned", -3),
        ("ledger.asset_minted", 2),
    ]
