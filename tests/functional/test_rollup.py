"""A rollup that this node operates, over the sockets: value goes in, moves inside, and comes out by a proof."""

import time

import pytest

from layerd_client import PATIENCE, CallError
from node import SECOND
from reference import schnorr
from test_ledger import assert_conserved, balance, refused

MINUTE = 60 * SECOND
BOND = 1000
TRANSFER, WITHDRAWAL = 1, 3
OPERATOR = 0  # index inside; those who deposit come after it, in their order


def leb128(number):
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def transaction(rollup, account, kind, index, nonce, rest, fee=0):
    """A transaction inside, made from the published layout (src/layer2/rollup/item.h)."""
    body = bytes([kind]) + leb128(index) + leb128(nonce) + b"\0" + leb128(fee) + rest
    digest = schnorr.tagged_hash("layerd/rollup/transaction", bytes.fromhex(rollup) + body)
    return (body + schnorr.sign(account.secret, digest, bytes(32))).hex()


class Rollup:
    """One rollup of GOLD with this node as its operator."""

    def __init__(self, node, creator, **terms):
        self.node = node
        self.operator = node.call("node.info")["account"]
        node.submit(creator, "dev.faucet", to=self.operator, amount=100_000_000)
        made = node.submit(
            creator,
            "rollup.create",
            assets=[{"asset": "GOLD"}],
            bond=BOND,
            bond_asset="DEV",
            operator=self.operator,
            **terms,
        )["result"]
        self.domain, self.id = made["domain"], made["rollup"]

    def sequence(self, **policy):
        policy.setdefault("batch_time", "100ms")
        self.node.call("rollup.sequencer", domain=self.domain, **policy)

    def deposit(self, account, amount):
        return self.node.submit(account, "rollup.deposit", domain=self.domain, asset="GOLD", amount=amount)

    def send(self, text):
        return self.node.call("rollup.submit", domain=self.domain, transaction=text)

    def transfer(self, account, index, nonce, to, amount, fee=0):
        rest = leb128(to) + leb128(amount)
        return self.send(transaction(self.id, account, TRANSFER, index, nonce, rest, fee))

    def withdraw(self, account, index, nonce, amount):
        rest = account.public + leb128(amount)
        return self.send(transaction(self.id, account, WITHDRAWAL, index, nonce, rest))

    def inside(self, index):
        """The balance of an account inside; 0 when there is none yet."""
        try:
            account = self.node.call("rollup.account", domain=self.domain, account=index)
        except CallError:
            return 0
        return account["balances"][0]["amount"]

    def get(self):
        return self.node.call("rollup.get", domain=self.domain)

    def wait_for(self, condition, what, seconds=PATIENCE):
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, "never: %s; %s" % (what, self.get())
            time.sleep(0.02)

    def wait_inside(self, index, amount):
        self.wait_for(lambda: self.inside(index) == amount, "account %d has %d" % (index, amount))

    def wait_for_transaction(self, reply, state):
        def reached():
            return self.node.call("rollup.transaction", transaction=reply["transaction"])["state"] == state

        self.wait_for(reached, "a transaction is %s" % state)

    def make_final(self, account):
        """Windows of a week and half a week are minutes on dev."""
        head = self.get()["head"]
        for _ in range(2):
            self.node.advance(account, 11 * MINUTE)
        self.wait_for(lambda: self.get()["final"] >= head, "batch %d is final" % head)

    def rebuilt(self):
        reply = self.node.call("rollup.rebuild", domain=self.domain)
        assert reply["equal"], reply
        return reply


@pytest.fixture
def house(node, alice, bob):
    node.issue(alice, "GOLD", 10_000)
    node.transfer(alice, bob, "GOLD", 1000)
    return node


@pytest.fixture
def rollup(house, alice):
    made = Rollup(house, alice)
    made.sequence()
    return made


@pytest.fixture
def filled(rollup, alice, bob):
    """Alice is account 1, with 5000, and Bob account 2, with 100."""
    rollup.deposit(alice, 5000)
    rollup.deposit(bob, 100)
    rollup.wait_inside(2, 100)
    assert rollup.inside(1) == 5000
    return rollup


def claim(node, rollup, account, withdrawal, **changed):
    arguments = dict(
        domain=rollup.domain,
        number=withdrawal["number"],
        asset=withdrawal["asset_number"],
        amount=withdrawal["amount"],
        recipient=withdrawal["recipient"],
        proof=withdrawal["proof"],
    )
    return node.submit(account, "message.claim", dict(arguments, **changed))


def test_from_deposit_to_a_withdrawal_claimed(house, filled, alice, bob, carol):
    assert balance(house, alice, "GOLD") == 4000
    paid = filled.transfer(alice, 1, 0, to=2, amount=1500, fee=5)
    left = filled.withdraw(bob, 2, 0, 1200)
    filled.wait_for_transaction(left, "in_batch")
    assert house.call("rollup.transaction", transaction=paid["transaction"])["state"] == "in_batch"
    assert [filled.inside(index) for index in (OPERATOR, 1, 2)] == [5, 3495, 400]
    withdrawal = house.call("rollup.withdrawal", domain=filled.domain, number=0)
    assert not withdrawal["final"] and "proof" not in withdrawal

    filled.make_final(alice)
    filled.wait_for_transaction(left, "final")
    withdrawal = house.call("rollup.withdrawal", domain=filled.domain, number=0)
    assert withdrawal["final"] and withdrawal["recipient"] == bob.address
    with pytest.raises(CallError):
        claim(house, filled, bob, withdrawal, amount=1201)
    with pytest.raises(CallError):
        claim(house, filled, carol, withdrawal, recipient=carol.address)
    claim(house, filled, carol, withdrawal)  # anybody may bring it
    assert balance(house, bob, "GOLD") == 900 + 1200
    with pytest.raises(CallError):
        claim(house, filled, bob, withdrawal)
    assert balance(house, bob, "GOLD") == 900 + 1200
    filled.rebuilt()
    assert_conserved(house)


def test_bonds_come_back_when_batches_are_final(house, filled, alice):
    def held():
        return next(
            item["amount"]
            for item in house.call("ledger.balance", account=filled.operator)["items"]
            if item["symbol"] == "DEV"
        )

    before = held()
    filled.make_final(alice)
    assert held() == before + BOND * filled.get()["head"]
    assert_conserved(house)


def test_a_rollup_in_this_nodes_name_costs_it_nothing_until_its_operator_wishes(house, alice):
    stranger = Rollup(house, alice)
    stranger.deposit(alice, 500)
    with pytest.raises(CallError):
        stranger.transfer(alice, 1, 0, to=0, amount=1)
    time.sleep(2.5)  # longer than a lane sleeps
    assert stranger.get()["head"] == 0 and stranger.inside(1) == 0
    stranger.sequence()
    stranger.wait_inside(1, 500)
    house.call("rollup.sequencer", domain=stranger.domain, enabled=False)
    waits = stranger.transfer(alice, 1, 0, to=0, amount=1)
    time.sleep(0.5)
    assert house.call("rollup.transaction", transaction=waits["transaction"])["state"] == "pending"
    stranger.sequence()
    stranger.wait_for_transaction(waits, "in_batch")


def test_what_is_submitted_is_checked(house, filled, alice, bob):
    good = transaction(filled.id, alice, TRANSFER, 1, 0, leb128(2) + leb128(10))
    refused(2004, filled.send, good[:-2] + ("00" if good[-2:] != "00" else "01"))
    with pytest.raises(CallError):
        filled.send(good + "00")
    with pytest.raises(CallError):
        filled.transfer(bob, 1, 0, to=2, amount=10)  # another's account
    with pytest.raises(CallError):
        filled.transfer(alice, 1, 1, to=2, amount=10)  # a nonce too early
    with pytest.raises(CallError):
        filled.transfer(alice, 77, 0, to=2, amount=10)
    first = filled.send(good)
    assert not first["repeated"]
    again = filled.send(good)
    assert again["repeated"] and again["transaction"] == first["transaction"]
    filled.wait_inside(2, 110)


def test_what_cannot_be_executed_is_dropped_and_stops_nobody(house, filled, alice, bob):
    poor = filled.transfer(bob, 2, 0, to=1, amount=101)
    behind = filled.transfer(bob, 2, 1, to=1, amount=1)
    good = filled.transfer(alice, 1, 0, to=2, amount=50)
    filled.wait_for_transaction(good, "in_batch")
    filled.wait_for_transaction(poor, "dropped")
    filled.wait_for_transaction(behind, "dropped")
    anew = filled.transfer(bob, 2, 0, to=1, amount=101)
    assert anew["transaction"] == poor["transaction"] and not anew["repeated"]
    filled.wait_for_transaction(anew, "in_batch")
    assert [filled.inside(index) for index in (1, 2)] == [5051, 49]
    filled.rebuilt()


def test_kill_in_the_middle_and_everything_goes_on(house, filled, alice, bob):
    nonce, paid, replies = 0, 0, []
    for turn in range(4):
        for _ in range(25):
            replies.append(filled.transfer(alice, 1, nonce, to=2, amount=1))
            nonce += 1
            paid += 1
        time.sleep(0.07 * turn)  # before, while and after a batch is made
        house.crash()
        filled.deposit(bob, 10)
    filled.wait_inside(2, 100 + paid + 40)
    assert filled.inside(1) == 5000 - paid
    for reply in replies:
        filled.wait_for_transaction(reply, "in_batch")
    root = filled.rebuilt()["root"]
    house.restart()
    assert filled.rebuilt()["root"] == root
    filled.make_final(alice)
    filled.wait_for(lambda: not house.query("SELECT 1 FROM rollup_undo LIMIT 1"), "what undoes a final batch is gone")
    assert_conserved(house)


def test_views(house, filled, alice, bob):
    filled.wait_for_transaction(filled.withdraw(bob, 2, 0, 40), "in_batch")

    def sql(text):
        reply = house.call("sql", query=text)
        return [dict(zip(reply["columns"], row)) for row in reply["rows"]]

    (row,) = sql("SELECT * FROM v_rollup")
    assert row["rollup"] == filled.id and row["operator"] == filled.operator
    assert row["assets"] == "GOLD" and row["bond_symbol"] == "DEV" and row["head"] == row["executed"]
    batches = sql("SELECT * FROM v_batch ORDER BY number")
    assert [batch["number"] for batch in batches] == list(range(1, row["head"] + 1))
    assert all(batch["verdict"] == "right" and batch["state"] == "proposed" for batch in batches)
    assert batches[0]["previous_root"] == row["genesis_root"]
    (left,) = sql("SELECT * FROM v_withdrawal")
    assert (left["symbol"], left["amount"], left["state"]) == ("GOLD", 40, "executed")
    assert left["recipient_key"] == bob.public.hex()
    filled.make_final(alice)
    assert sql("SELECT DISTINCT state FROM v_batch") == [{"state": "final"}]
    withdrawal = house.call("rollup.withdrawal", domain=filled.domain, number=0)
    claim(house, filled, bob, withdrawal)
    assert sql("SELECT state FROM v_withdrawal") == [{"state": "claimed"}]
    assert sql("SELECT * FROM v_game") == [] and sql("SELECT * FROM v_claim") == []


def test_a_liar_is_caught(house, alice, bob):
    """Bob operates a rollup and proposes a root that nothing leads to; this node watches."""
    watcher = house.call("node.info")["account"]
    house.submit(alice, "dev.faucet", to=watcher, amount=1_000_000)
    house.fund(bob, 1_000_000)
    domain = house.submit(bob, "rollup.create", assets=[{"asset": "GOLD"}], bond=BOND, bond_asset="DEV")[
        "result"
    ]["domain"]
    house.submit(alice, "rollup.deposit", domain=domain, asset="GOLD", amount=50)
    stream = house.events()
    stream.subscribe(**{"from": "now", "types": ["game.begun", "rollup.rejected"]})
    false_root = "ab" * 32
    house.submit(
        bob,
        "rollup.propose",
        domain=domain,
        number=1,
        inbox_to=1,
        withdrawals=0,
        root=false_root,
        withdrawal_root=false_root,
    )
    (begun,) = stream.events(1)
    assert begun["type"] == "game.begun"
    for _ in range(3):
        house.advance(alice, 11 * MINUTE)
    (rejected,) = stream.events(1)
    assert rejected["type"] == "rollup.rejected"
    batch = house.call("rollup.batches", domain=domain)["items"][0]
    assert batch["state"] == "rejected"
    house.call("sql", query="SELECT * FROM v_game")
    assert house.call("rollup.get", domain=domain)["head"] == 0
    assert_conserved(house)
