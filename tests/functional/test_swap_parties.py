"""Swaps between the base ledger and an EVM chain (anvil), whose two parties are apart: the account is a program of its
own with keys and secret of its own (swap_party.py), the provider is the node. Each of them, or both, are killed with -9
at each step, and come back soon, or only when all deadlines are over. In the end nobody has lost but who slept, and he
no more than his own side; what happened stands in the transfer and its last event.

Time is moved on both ledgers together, a block at a time, once all who live have done what they can. The base ledger
lives in the provider's node: while that is dead nobody gets to it, and its time goes on.

LAYERD_THOROUGH=1 tries every point (make check-swaps); without it some of each kind.
"""

import hashlib
import json
import os
import re
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

import anvil
from layerd_client import Account
from node import PATIENCE, ROOT, SECOND, Node
from swap_party import Party
from test_payments import PASSPHRASE, wait_for

pytestmark = pytest.mark.plain

GWEI = 10**9
AMOUNT, FEE = 5000, 51  # 1 + 1 %
CONFIRMATIONS, BLOCK_S, SKEW_S = 2, 12, 60
FUNDS, FUNDS_THERE = 100_000, 10**18
SOON_TURNS, TURNS_MOST = 2, 150
THOROUGH = bool(os.environ.get("LAYERD_THOROUGH"))
ENDED = ("settled", "refunded", "expired", "cancelled", "failed", "lost")
PROGRAM = Path(__file__).with_name("swap_party.py")


def hash_lock_code():
    """SHA-256 of our contract's code, as it was compiled: the end of what creates it."""
    text = (ROOT / "src/network/evm/contracts.inc").read_text()
    bytes_of = re.search(r"hash_lock_creation\[\] = \{(.*?)\};", text, re.S).group(1)
    size = int(re.search(r"#define HASH_LOCK_CODE_SIZE (\d+)", text).group(1))
    creation = bytes(int(number, 16) for number in re.findall(r"0x([0-9a-f]{2})", bytes_of))
    return hashlib.sha256(creation[-size:]).hexdigest()


class World:
    """The provider's node, the EVM chain, and their common time."""

    def __init__(self):
        self.chain = anvil.bob()
        self.node = Node()
        self.issuer = Account("issuer")
        self.late_us = 0  # that the node has not been told yet
        self.count = 0

    def build(self):
        node = self.node.start()
        node.call("wallet.create", passphrase=PASSPHRASE)
        self.bob = node.call("wallet.new", name="bob")["address"]
        node.issue(self.issuer, "GOLD", 10**9)
        node.submit(self.issuer, "ledger.transfer", to=self.bob, asset="GOLD", amount=10**7)
        node.call("network.initialize", link="bobs", network="bob", key="bob", poll="200ms",
                  options={"url": self.chain.url, "confirmations": CONFIRMATIONS, "withdrawals_root": False})
        node.call("network.connect", link="bobs")
        self.bob_there = wait_for(self.account_there, "the link is connected")
        self.chain.call("anvil_setBalance", self.bob_there, hex(FUNDS_THERE))
        self.chain.mine()
        node.call("transfer.deploy", link="bobs", request="hash-lock")
        self.contract = wait_for(self.deployed, "the contract is there")
        node.call("transfer.provider_register", account=self.bob, name="Bob")
        outside = {"contract": self.contract, "units": str(GWEI), "confirmations": CONFIRMATIONS,
                   "block_s": BLOCK_S, "skew_s": SKEW_S}
        for source, destination in (("base", "evm:bobs"), ("evm:bobs", "base")):
            node.call("transfer.provider_terms", provider=self.bob, asset="GOLD", source=source,
                      destination=destination, fee_fixed=1, fee_ppm=10000, least=10, most=100000, outside=outside)
        self.turn()
        return self

    def account_there(self):
        for item in self.node.call("network.list")["items"]:
            if item.get("account"):
                return item["account"]
        return None

    def deployed(self):
        for (transaction,) in self.node.query("SELECT transaction_id FROM network_write"):
            if transaction and self.chain.call("eth_getTransactionByHash", transaction):
                self.chain.mine()
                return self.chain.call("eth_getTransactionReceipt", transaction)["contractAddress"]
        return None

    # --- time
    def alive(self):
        return self.node.process is not None

    def pass_time(self, seconds):
        """A block there, and as much time here."""
        self.chain.call("evm_increaseTime", seconds)
        self.chain.mine()
        self.late_us += seconds * SECOND
        if self.alive():
            self.tell_time()

    def tell_time(self):
        if self.late_us > 0:
            self.node.advance(self.issuer, self.late_us)
            self.late_us = 0

    def busy(self):
        """What the node has to do now."""
        return self.node.query(
            "SELECT count(*) FROM effect WHERE state = 'waiting' AND next_us <= ?"
            " AND (kind LIKE 'transfer.%' OR kind IN ('network.prepare', 'network.send'))", self.node.now_us())[0][0]

    def settle(self, until=None):
        """Waits until the node has done what it can. True, and at once, when `until` says so."""
        end, idle = time.monotonic() + PATIENCE, 0
        while self.alive() and idle < 2:
            if until is not None and until():
                return True
            idle = 0 if self.busy() else idle + 1
            assert time.monotonic() < end, "the node is not done:\n" + self.node.log_text()[-3000:]
            time.sleep(0.004)
        return until is not None and until()

    def turn(self, party=None, until=None, seconds=BLOCK_S):
        """Time passes, and all who live do what they can. True as soon as `until` is."""
        self.pass_time(seconds)
        if self.settle(until):
            return True
        if party is not None and party.alive():
            party.tick()
        return self.settle(until)

    def revive(self):
        """After kill -9. Its clock is right before it has its keys."""
        self.node.start()
        self.tell_time()
        self.node.call("wallet.unlock", passphrase=PASSPHRASE)

    # --- what everybody has
    def gold(self, address):
        rows = self.node.query("SELECT amount FROM v_balance WHERE symbol = 'GOLD' AND address = ?", address)
        return rows[0][0] if rows else 0

    def wei(self, address):
        return int(self.chain.call("eth_getBalance", address, "latest"), 16)

    def time_there(self):
        return int(self.chain.call("eth_getBlockByNumber", "latest", False)["timestamp"], 16)

    def height(self):
        return int(self.chain.call("eth_blockNumber"), 16)

    def gas_of(self, address, first):
        """What it paid for transactions from that block on."""
        paid = 0
        for number in range(first, self.height() + 1):
            for transaction in self.chain.call("eth_getBlockByNumber", hex(number), True)["transactions"]:
                if transaction["from"].lower() == address.lower():
                    receipt = self.chain.call("eth_getTransactionReceipt", transaction["hash"])
                    paid += int(receipt["gasUsed"], 16) * int(receipt["effectiveGasPrice"], 16)
        return paid

    def finish(self):
        try:
            if self.alive():
                assert self.node.call("audit")["ok"] is True
        finally:
            self.node.finish()
            self.chain.stop()


class Apart:
    """The account's program, as a test drives it."""

    def __init__(self, world, way):
        world.count += 1
        self.world, self.way = world, way
        self.seed = "swap %d" % world.count
        self.account = Account(self.seed)
        self.file = world.node.home / ("party%d.json" % world.count)
        self.file.write_text(json.dumps({
            "seed": self.seed, "way": way, "amount": AMOUNT, "place": "evm:bobs", "units": GWEI,
            "socket": str(world.node.rpc_path), "chain": world.node.chain, "url": world.chain.url, "chain_id": 60808,
            "contract": world.contract, "code": CODE, "confirmations": CONFIRMATIONS, "block_s": BLOCK_S}))
        self.there = "0x" + Party(self.file, None).there.hex()
        self.process, self.at = None, None

    def start(self, point=None):
        self.process = subprocess.Popen([sys.executable, "-B", str(PROGRAM), str(self.file)] + ([point] if point else []),
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def alive(self):
        return self.process is not None

    def tick(self):
        """One look, and what follows. `at`: the point that it was to be killed at."""
        if self.at is not None:
            return
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        assert select.select([self.process.stdout], [], [], 2 * PATIENCE)[0], "the account's program says nothing"
        line = self.process.stdout.readline()
        assert line, "the account's program ended with %s" % self.process.wait()
        self.at = json.loads(line).get("at")

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
        self.process, self.at = None, None

    def knows(self):
        return json.loads(self.file.read_text())

    def transfer(self):
        """The id in hex, once it is known."""
        return self.knows().get("plan", {}).get("transfer")


CODE = hash_lock_code()


@pytest.fixture(scope="module")
def world():
    made = World()
    try:
        yield made.build()
    finally:
        made.finish()


# --- what everybody had, and has ----------------------------------------------------------------------------


class Holdings:
    """Of the account and of the provider on both ledgers; what they pay for gas is counted as theirs."""

    def __init__(self, world, party):
        self.world, self.party, self.first = world, party, world.height() + 1
        self.had = self.now()

    def now(self):
        world = self.world
        people = (self.party.account.address, self.party.there), (world.bob, world.bob_there)
        return [(world.gold(here), world.wei(there) + world.gas_of(there, self.first)) for here, there in people]

    def changes(self):
        """(account, provider), each (here, there) in the asset's units."""
        parts = [(now[0] - had[0], now[1] - had[1]) for now, had in zip(self.now(), self.had)]
        assert all(part[1] % GWEI == 0 for part in parts), parts
        return [(here, there // GWEI) for here, there in parts]


NOTHING = [(0, 0), (0, 0)]
GAINS = {  # (account, provider), each (here, there)
    "to_evm": {"settled": [(-AMOUNT - FEE, AMOUNT), (AMOUNT + FEE, -AMOUNT)],
               "lost": [(0, AMOUNT), (0, -AMOUNT)], "refunded": NOTHING, "expired": NOTHING},
    "from_evm": {"settled": [(AMOUNT, -AMOUNT - FEE), (-AMOUNT, AMOUNT + FEE)],
                 "lost": [(AMOUNT, 0), (-AMOUNT, 0)], "refunded": NOTHING, "expired": NOTHING},
}


# --- one swap -----------------------------------------------------------------------------------------------


def rows_of(world, party):
    """State of the transfer and what it sees of both locks, by the numbers of transfer/rules.h."""
    transfer = party.transfer()
    return transfer and world.node.query(
        "SELECT t.state, s.sight, d.sight FROM transfer AS t JOIN transfer_leg AS s ON s.transfer = t.id AND s.side = 0"
        " JOIN transfer_leg AS d ON d.transfer = t.id AND d.side = 1 WHERE t.id = ?", bytes.fromhex(transfer))[0]


def written(world, party, purpose):
    """Whether the chain's server took the node's write."""
    return world.node.query(
        "SELECT count(*) FROM network_operation AS o JOIN network_write AS w USING (number)"
        " WHERE o.request_key LIKE ? AND w.state IN ('sent', 'pending', 'confirmed', 'final')",
        "transfer/%s/%%/%s/%%" % (party.transfer(), purpose))[0][0] > 0


PROVIDERS = {  # how far the provider's node has come; before the account's next step
    "initiated": lambda world, party, rows: True,
    "source_locked": lambda world, party, rows: rows[0] >= 1,
    "lock_written": lambda world, party, rows: written(world, party, "lock"),
    "destination_seen": lambda world, party, rows: rows[2] >= 2,
    "destination_locked": lambda world, party, rows: rows[0] >= 2,
    "secret_seen": lambda world, party, rows: rows[2] >= 4,
    "claimed": lambda world, party, rows: rows[0] >= 3,
    "claim_written": lambda world, party, rows: written(world, party, "claim"),
}


def reached(world, party, point):
    if point not in PROVIDERS:
        return party.at is not None
    rows = rows_of(world, party)
    return bool(rows) and PROVIDERS[point](world, party, rows)


def come_to(world, party, point):
    for _ in range(TURNS_MOST):
        if world.turn(party, lambda: reached(world, party, point)):
            return
    raise AssertionError("never at %s: %s" % (point, party.knows()))


def sleep(world, party, late):
    """The dead are dead for a while; who lives goes on."""
    for _ in range(SOON_TURNS):
        world.turn(party)
    expiry_us = party.knows()["plan"]["source_expiry_us"] if late else 0
    while world.time_there() * SECOND < expiry_us + CONFIRMATIONS * BLOCK_S * SECOND:
        world.turn(party, seconds=2 * BLOCK_S)


def has_ended(world, party):
    state = world.node.call("transfer.get", transfer=party.transfer())["state"]
    return state if state in ENDED and "done" in party.knows() else None


def play(world, way, killed, point, late):
    """The swap in which `killed` dies at the point. How it ended, and what changed hands."""
    party = Apart(world, way)
    world.node.transfer(world.issuer, party.account, "GOLD", FUNDS)
    world.chain.call("anvil_setBalance", party.there, hex(FUNDS_THERE))
    holdings = Holdings(world, party)
    party.start(None if point in PROVIDERS else point)
    try:
        come_to(world, party, point)
        if killed in ("provider", "both"):
            world.node.kill()
        if killed in ("account", "both"):
            party.kill()
        sleep(world, party, late)
        if not world.alive():
            world.revive()
        if not party.alive():
            party.start()
        for _ in range(TURNS_MOST):
            if has_ended(world, party):
                break
            world.turn(party)
        ended = has_ended(world, party)
        assert ended, (party.knows(), world.node.call("transfer.get", transfer=party.transfer()))
        return ended, holdings.changes(), party.transfer()
    finally:
        if party.alive():
            party.kill()


# --- who is killed, where, and how it ends: soon, or when all deadlines are over --------------------------------
# A provider killed in the middle of what it does may have done it or not: then there are two ends.
SETTLED, REFUNDED, EXPIRED, LOST = ("settled",), ("refunded",), ("expired",), ("lost",)
LATE = {
    "to_evm": {
        "account": {"started": EXPIRED, "source_signed": EXPIRED, "source_sent": REFUNDED, "source_locked": REFUNDED,
                    "destination_seen_by_account": REFUNDED, "claim_signed": REFUNDED, "claim_sent": SETTLED},
        "provider": {"initiated": EXPIRED, "source_locked": REFUNDED + LOST, "lock_written": LOST,
                     "destination_seen": LOST, "destination_locked": LOST, "secret_seen": SETTLED + LOST,
                     "claimed": SETTLED},
        "both": {"started": EXPIRED, "source_sent": REFUNDED, "destination_seen_by_account": REFUNDED,
                 "claim_signed": REFUNDED, "claim_sent": LOST},
    },
    "from_evm": {
        "account": {"started": EXPIRED, "source_signed": EXPIRED, "source_sent": REFUNDED, "source_locked": REFUNDED,
                    "destination_seen_by_account": REFUNDED, "claim_signed": REFUNDED, "claim_sent": SETTLED},
        "provider": {"initiated": REFUNDED, "source_locked": REFUNDED, "destination_locked": REFUNDED,
                     "claimed": SETTLED + LOST, "claim_written": SETTLED},
        "both": {"started": EXPIRED, "source_sent": REFUNDED, "destination_seen_by_account": REFUNDED,
                 "claim_signed": REFUNDED, "claim_sent": SETTLED + LOST},
    },
}
CASES = [(way, killed, point, late, ends if late else SETTLED)
         for way, parties in LATE.items() for killed, points in parties.items() for point, ends in points.items()
         for late in (False, True)]
FEW = (("to_evm", "provider", "lock_written", True), ("to_evm", "account", "claim_sent", False),
       ("from_evm", "both", "claim_sent", False), ("from_evm", "account", "destination_seen_by_account", True))


def name_of(case):
    return "%s-%s-%s-%s" % (*case[:3], "late" if case[3] else "soon")


@pytest.mark.parametrize("case", [case for case in CASES if THOROUGH or case[:4] in FEW], ids=name_of)
def test_who_is_killed_loses_nothing_unless_he_sleeps_and_others_never_do(world, case):
    way, killed, point, late, ends = case
    ended, changes, transfer = play(world, way, killed, point, late)
    assert ended in ends
    assert changes == GAINS[way][ended]
    (body,) = world.node.query("SELECT body FROM event WHERE type = ? AND subject = ?", "transfer." + ended,
                               "transfer/" + transfer)[0]
    if ended == "lost":
        assert json.loads(body)["loser"] == "provider" and killed != "account" and late
    assert world.wei(world.contract) == 0
