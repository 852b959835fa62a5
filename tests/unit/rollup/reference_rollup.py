"""The rollup machine, its leaves, items and commitments, written again from the layout that is published in
src/layer2/rollup/leaf.h, item.h, machine.h and batch.h.

Slow and plain; nothing here is shared with the C code. Trees and signatures are the second implementations of
tests/unit/crypto.
"""

import os
import pathlib
import sys

sys.path.insert(0, os.path.join(str(pathlib.Path(__file__).resolve().parent.parent), "crypto"))

import reference_crypto as crypto  # noqa: E402  (in the folder beside)
import reference_trees as trees  # noqa: E402

INTEGER_MAX = 2**53 - 1
STEPS = 16
TRANSFER, BATCH_TRANSFER, WITHDRAWAL, REGISTRATION = 1, 2, 3, 4
DEPOSIT, FORCED_EXIT, FORCED, EXITED = 16, 17, 18, 19
(NONE, MALFORMED, SIGNATURE, NONCE, BALANCE, NO_ACCOUNT, EXISTS, FULL, STATE) = range(9)
GLOBAL, OUTBOX = bytes([3]), bytes([4])


def be(value, size):
    return value.to_bytes(size, "big")


# --- leaves -------------------------------------------------------------------------------------------

def account_place(index):
    return bytes([1]) + be(index, 4)


def index_place(key):
    return bytes([2]) + key


def account_bytes(account):
    held = [asset for asset in range(8) if account["balances"][asset]]
    return (b"\x01" + account["key"] + be(account["nonce"], 8) + bytes([sum(1 << asset for asset in held)])
            + b"".join(be(account["balances"][asset], 8) for asset in held))


def new_account(key):
    return {"key": key, "nonce": 0, "balances": [0] * 8}


def leaf_bytes(place, leaf):
    if place[0] == 1:
        return account_bytes(leaf)
    if place[0] == 2:
        return b"\x02" + be(leaf, 4)
    if place == GLOBAL:
        return b"\x03" + be(leaf["accounts"], 4) + be(leaf["inbox"], 8)
    return b"\x04" + be(len(leaf), 8) + b"".join(frontier(leaf))


def subtree(leaves, level):
    """The root of 2^level leaves, of which those that are missing are 32 zero bytes."""
    if level == 0:
        return leaves[0] if leaves else bytes(32)
    half = 1 << (level - 1)
    return crypto.hashlib.sha256(subtree(leaves[:half], level - 1) + subtree(leaves[half:], level - 1)).digest()


EMPTY_SUBTREES = [bytes(32)]
for _ in range(32):
    EMPTY_SUBTREES.append(crypto.hashlib.sha256(EMPTY_SUBTREES[-1] * 2).digest())


def outbox_root(leaves):
    level = max(len(leaves) - 1, 0).bit_length()
    root = subtree(leaves, level)
    for above in range(level, 32):
        root = crypto.hashlib.sha256(root + EMPTY_SUBTREES[above]).digest()
    return root


def frontier(leaves):
    """The complete subtrees that wait for a neighbour, from the lowest level on."""
    found, end = [], len(leaves)
    for level in range(32):
        if len(leaves) >> level & 1:
            found.append(subtree(leaves[end - (1 << level):end], level))
            end -= 1 << level
    return found


class State:
    """Places and what stands there: an account, a number, the two numbers, or the list of outbox leaves."""

    def __init__(self, key):
        self.leaves = {account_place(0): new_account(key), index_place(key): 0,
                       GLOBAL: {"accounts": 1, "inbox": 0}, OUTBOX: []}
        self.hashed = {}

    def root(self):
        pairs = []
        for place, leaf in self.leaves.items():
            data = leaf_bytes(place, leaf)
            if self.hashed.get(place, (None,))[0] != data:
                self.hashed[place] = (data, crypto.tagged_hash("layerd/rollup/key", place),
                                      crypto.tagged_hash("layerd/rollup/value", data))
            pairs.append(self.hashed[place][1:])
        return trees.state_root(pairs)

    def copy(self):
        other = State(bytes(32))
        other.leaves = {}
        for place, leaf in self.leaves.items():
            if place[0] == 1:
                leaf = {**leaf, "balances": list(leaf["balances"])}
            elif place == GLOBAL:
                leaf = dict(leaf)
            elif place == OUTBOX:
                leaf = list(leaf)
            other.leaves[place] = leaf
        return other


# --- items --------------------------------------------------------------------------------------------

class Malformed(Exception):
    pass


def leb128(value):
    out = b""
    while value >= 128:
        out, value = out + bytes([value & 127 | 128]), value >> 7
    return out + bytes([value])


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, size):
        if self.at + size > len(self.data):
            raise Malformed
        self.at += size
        return self.data[self.at - size:self.at]

    def integer(self, most=INTEGER_MAX):
        start, value, shift = self.at, 0, 0
        while True:
            byte = self.take(1)[0]
            value, shift = value | (byte & 127) << shift, shift + 7
            if byte < 128:
                break
            if shift > 70:
                raise Malformed
        if value > most or leb128(value) != self.data[start:self.at]:
            raise Malformed
        return value


def transaction_body(item):
    out = (bytes([item["kind"]]) + leb128(item["from"]) + leb128(item["nonce"]) + bytes([item["asset"]])
           + leb128(item["fee"]))
    if item["kind"] == BATCH_TRANSFER:
        out += bytes([len(item["outputs"])])
    for to, amount in item["outputs"]:
        out += leb128(to) + leb128(amount)
    if item["kind"] == WITHDRAWAL:
        out += item["recipient"] + leb128(item["amount"])
    if item["kind"] == REGISTRATION:
        out += item["key"]
    return out


def transaction_digest(rollup, item):
    return crypto.tagged_hash("layerd/rollup/transaction", rollup + transaction_body(item))


def transaction_decode(data, assets):
    """All of `data` is one transaction."""
    reader = Reader(data)
    item = {"kind": reader.take(1)[0], "inbox": False, "outputs": [], "amount": 0}
    if not TRANSFER <= item["kind"] <= REGISTRATION:
        raise Malformed
    item["from"], item["nonce"] = reader.integer(2**32 - 1), reader.integer()
    item["asset"], item["fee"] = reader.take(1)[0], reader.integer()
    if item["kind"] in (TRANSFER, BATCH_TRANSFER):
        count = reader.take(1)[0] if item["kind"] == BATCH_TRANSFER else 1
        if item["kind"] == BATCH_TRANSFER and not 2 <= count <= 8:
            raise Malformed
        for _ in range(count):
            item["outputs"].append((reader.integer(2**32 - 1), reader.integer()))
        if len({to for to, _ in item["outputs"]}) != count or any(amount == 0 for _, amount in item["outputs"]):
            raise Malformed
    elif item["kind"] == WITHDRAWAL:
        item["recipient"], item["amount"] = reader.take(32), reader.integer()
        if item["amount"] == 0 or item["recipient"] == bytes(32):
            raise Malformed
    else:
        item["key"] = reader.take(32)
        if item["key"] == bytes(32):
            raise Malformed
    item["signature"] = reader.take(64)
    if item["asset"] >= assets or total(item) > INTEGER_MAX or reader.at != len(data):
        raise Malformed
    return item


def total(item):
    return item["fee"] + item["amount"] + sum(amount for _, amount in item["outputs"])


def inbox_decode(data, assets):
    """An inbox item, or None for a forced transaction that is none; with its number."""
    kind, number = data[0], int.from_bytes(data[1:9], "big")
    if kind == FORCED:
        try:
            return {**transaction_decode(data[9:], assets), "inbox": True, "number": number}, number
        except Malformed:
            return None, number
    assert kind in (DEPOSIT, FORCED_EXIT, EXITED) and data[9] < assets
    if kind == EXITED:
        assert len(data) == 22
        return {"kind": kind, "inbox": True, "number": number, "asset": data[9],
                "amount": int.from_bytes(data[10:18], "big"), "from": int.from_bytes(data[18:], "big")}, number
    item = {"kind": kind, "inbox": True, "number": number, "asset": data[9],
            "amount": int.from_bytes(data[10:18], "big"), "key": data[18:50], "recipient": data[50:]}
    assert len(item["recipient"]) == (32 if kind == FORCED_EXIT else 0)
    return item, number


def inbox_item(item):
    if item["kind"] == EXITED:
        return (bytes([EXITED]) + be(item["number"], 8) + bytes([item["asset"]]) + be(item["amount"], 8)
                + be(item["from"], 4))
    return (bytes([item["kind"]]) + be(item["number"], 8) + bytes([item["asset"]]) + be(item["amount"], 8)
            + item["key"] + item["recipient"])


# --- the machine --------------------------------------------------------------------------------------

class Invalid(Exception):
    pass


class Null(Exception):
    pass


class Machine:
    """Executes a batch's items one after the other; each step is a method of the table in machine.h."""

    def __init__(self, rollup, assets, state, items, inbox_items):
        self.rollup, self.assets, self.state = rollup, assets, state
        self.items, self.inbox_items = items, inbox_items
        self.inbox_from = state.leaves[GLOBAL]["inbox"]
        self.done, self.invalid, self.registers = 0, False, None

    def fail(self, fault):
        self.registers["fault"] = fault
        item = self.registers["item"]
        if item is None or (item["inbox"] and item["kind"] != DEPOSIT):
            raise Null
        raise Invalid

    def step(self):
        index, step = divmod(self.done, STEPS)
        if not self.invalid and index < len(self.items):
            try:
                if step == 0:
                    self.take(index)
                elif not self.registers["null"]:
                    self.act(step)
            except Null:
                self.registers["null"] = True
            except Invalid:
                self.invalid, self.registers = True, None
        self.done += 1
        if self.done % STEPS == 0:
            self.registers = None

    def take(self, index):
        counts = self.state.leaves[GLOBAL]
        self.registers = {"null": False, "known": False, "fault": NONE, "amount": 0, "index": counts["accounts"],
                          "item": None}
        if index < self.inbox_items:
            item, number = inbox_decode(self.items[index], self.assets)
            assert number == self.inbox_from + index == counts["inbox"]
            counts["inbox"] += 1
            self.registers["item"] = item
            if item is None:
                self.fail(MALFORMED)
        else:
            try:
                self.registers["item"] = item = transaction_decode(self.items[index], self.assets)
            except Malformed:
                raise Invalid from None
        if item["kind"] <= REGISTRATION and max([item["from"]] + [to for to, _ in item["outputs"]]) >= \
                counts["accounts"]:
            self.fail(NO_ACCOUNT)

    def act(self, step):
        item, leaves, registers = self.registers["item"], self.state.leaves, self.registers
        kind = item["kind"]
        signed = kind <= REGISTRATION
        creates = kind == REGISTRATION or (kind == DEPOSIT and not registers["known"])
        if step == 1 and signed:
            key = leaves[account_place(item["from"])]["key"]
            if not crypto.verify(key, transaction_digest(self.rollup, item), item["signature"]):
                self.fail(SIGNATURE)
        elif kind == EXITED:
            if step == 3:
                account = leaves.get(account_place(item["from"]))
                if account is None or account["balances"][item["asset"]] < item["amount"]:
                    registers["fault"] = STATE
                    raise Invalid
                account["balances"][item["asset"]] -= item["amount"]
        elif step == 1:
            place = index_place(item["key"])
            if place in leaves:
                registers["known"], registers["index"] = True, leaves[place]
            elif kind == FORCED_EXIT:
                self.fail(NO_ACCOUNT)
        elif step == 2 and kind == REGISTRATION and index_place(item["key"]) in leaves:
            self.fail(EXISTS)
        elif step == 3 and signed:
            account = leaves[account_place(item["from"])]
            if account["nonce"] != item["nonce"]:
                self.fail(NONCE)
            if account["balances"][item["asset"]] < total(item):
                self.fail(BALANCE)
            account["nonce"] += 1
            account["balances"][item["asset"]] -= total(item)
        elif step == 3 and kind == FORCED_EXIT:
            account = leaves[account_place(registers["index"])]
            held = account["balances"][item["asset"]]
            amount = item["amount"] or held
            if amount == 0 or amount > held:
                self.fail(BALANCE)
            account["balances"][item["asset"]] -= amount
            registers["amount"] = amount
        elif kind in (TRANSFER, BATCH_TRANSFER) and 4 <= step < 4 + len(item["outputs"]):
            to, amount = item["outputs"][step - 4]
            leaves[account_place(to)]["balances"][item["asset"]] += amount
        elif step == 4 and kind in (WITHDRAWAL, FORCED_EXIT):
            amount = item["amount"] if kind == WITHDRAWAL else registers["amount"]
            message = be(len(leaves[OUTBOX]), 8) + bytes([item["asset"]]) + be(amount, 8) + item["recipient"]
            leaves[OUTBOX].append(crypto.tagged_hash("layerd/outbox", message))
        elif step == 4 and creates:
            leaves[GLOBAL]["accounts"] += 1
        elif step == 5 and kind in (REGISTRATION, DEPOSIT):
            if creates:
                leaves[account_place(registers["index"])] = new_account(item["key"])
            if kind == DEPOSIT:
                leaves[account_place(registers["index"])]["balances"][item["asset"]] += item["amount"]
        elif step == 6 and creates:
            leaves[index_place(item["key"])] = registers["index"]
        elif step == 12 and signed:
            leaves[account_place(0)]["balances"][item["asset"]] += item["fee"]

    def register_bytes(self):
        registers = self.registers
        out = (bytes([registers["null"] + 2 * registers["known"], registers["fault"]])
               + be(registers["amount"], 8) + be(registers["index"], 4))
        item = registers["item"]
        if registers["null"]:
            return out
        if item["kind"] > REGISTRATION:
            return out + inbox_item(item)
        if item["inbox"]:
            out += bytes([FORCED]) + be(item["number"], 8)
        return out + transaction_body(item) + (item["signature"] if self.done % STEPS == 1 else b"")

    def commitment(self, context):
        registers = bytes(32)
        if self.registers is not None:
            registers = crypto.tagged_hash("layerd/rollup/registers", self.register_bytes())
        return crypto.tagged_hash("layerd/rollup/step", context + be(self.done, 8) + self.state.root()
                                  + bytes([self.invalid]) + registers)


# --- batches ------------------------------------------------------------------------------------------

def items_root(items):
    return crypto.root([crypto.leaf_hash(item) for item in items])


def batch_context(rollup, number, previous_root, items, inbox_items, inbox_from, assets):
    return crypto.tagged_hash("layerd/rollup/context", rollup + be(number, 8) + previous_root + items_root(items)
                              + be(len(items), 8) + be(inbox_items, 8) + be(inbox_from, 8) + bytes([assets]))


def batch_id(context, parent, root, withdrawal_root, withdrawals, proposer):
    return crypto.tagged_hash("layerd/rollup/batch", context + parent + root + withdrawal_root
                              + be(withdrawals, 8) + proposer)


def game_depth(items):
    depth = 5
    while 2**depth < items * STEPS:
        depth += 1
    return depth


def root_claim(context, depth, root):
    return crypto.tagged_hash("layerd/rollup/step", context + be(2**depth, 8) + root + bytes(1) + bytes(32))
