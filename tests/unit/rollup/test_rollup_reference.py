"""The rollup machine against the second implementation: roots and every step's commitment of random batches.

The program asked is rollup_oracle ("make rollup_oracle"), in the folder of LAYERD_BUILD or else build/ of the
source. LAYERD_SEED chooses the random inputs; a failure prints it.
"""

import os
import pathlib
import random
import subprocess
import sys
import time
import warnings

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import reference_rollup as reference  # noqa: E402  (beside this file)

SOURCE = pathlib.Path(__file__).resolve().parents[3]
PROGRAM = pathlib.Path(os.environ.get("LAYERD_BUILD", SOURCE / "build")) / "rollup_oracle"
SEED = int(os.environ.get("LAYERD_SEED", time.time_ns()))
BEHIND = 5  # steps behind the last item that rollup_oracle makes
SECRETS = [bytes(31) + bytes([number]) for number in range(1, 9)]
KEYS = [reference.crypto.account(secret) for secret in SECRETS]


@pytest.fixture
def ask():
    """Questions to a program that has no state yet; answers as lists of hashes."""
    if not PROGRAM.exists():
        warnings.warn(f"SKIPPED: {PROGRAM} is not built")
        pytest.skip(f"{PROGRAM} is not built")
    process = subprocess.Popen([PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def question(*words):
        line = " ".join(word.hex() if isinstance(word, bytes) else str(word) for word in words)
        process.stdin.write(line + "\n")
        process.stdin.flush()
        answer = process.stdout.readline().rstrip("\n")
        assert answer, f"no answer to: {line[:200]}"
        return [bytes.fromhex(word) for word in answer.split()]

    yield question
    process.stdin.close()
    assert process.wait(timeout=60) == 0


@pytest.fixture
def dice(request):
    print(f"LAYERD_SEED={SEED}")
    return random.Random(f"{SEED} {request.node.name}")


def signed(rollup, person, item):
    digest = reference.transaction_digest(rollup, item)
    return reference.transaction_body(item) + reference.crypto.sign(SECRETS[person], digest, bytes(32))


def random_item(dice, state, assets, wrong):
    """A transaction's sender and fields; good on this state, most of the time."""
    accounts = state.leaves[reference.GLOBAL]["accounts"]
    people = [person for person, key in enumerate(KEYS) if reference.index_place(key) in state.leaves]
    asset = dice.randrange(assets)
    person = max(dice.sample(people, min(3, len(people))), key=lambda who: account(state, who)["balances"][asset])
    index = state.leaves[reference.index_place(KEYS[person])]
    held = account(state, person)["balances"][asset]
    fee = dice.choice([0, 1, 200]) if held > 1000 else 0
    left = held - fee
    kind = dice.randint(1, 4)
    item = {"kind": kind, "inbox": False, "from": index, "nonce": account(state, person)["nonce"],
            "asset": asset, "fee": fee, "outputs": [], "amount": 0}
    if kind in (reference.TRANSFER, reference.BATCH_TRANSFER):
        count = min(dice.randint(2, 8), accounts) if kind == reference.BATCH_TRANSFER else 1
        if count == 1:
            item["kind"] = reference.TRANSFER
        for to in dice.sample(range(accounts), count):
            item["outputs"].append((to, dice.randint(1, max(1, left // 9))))
    elif kind == reference.WITHDRAWAL:
        item["recipient"], item["amount"] = dice.randbytes(32), dice.randint(1, max(1, left))
    else:
        item["key"] = dice.choice(KEYS)
    if wrong and dice.random() < 0.3:
        field = dice.choice(["nonce", "fee", "from"])
        item[field] += dice.choice([1, 2**33 if field != "from" else 2**31])
    return person, item


def account(state, person):
    return state.leaves[reference.account_place(state.leaves[reference.index_place(KEYS[person])])]


def random_inbox_item(dice, rollup, state, assets):
    number = reference.be(state.leaves[reference.GLOBAL]["inbox"], 8)
    choice, key = dice.random(), dice.choice(KEYS)
    fields = bytes([dice.randrange(assets)])
    if choice < 0.5:
        return bytes([16]) + number + fields + reference.be(dice.randint(1, 10**6), 8) + key
    if choice < 0.7:
        amount = dice.choice([0, 0, dice.randint(1, 10**6)])
        return bytes([17]) + number + fields + reference.be(amount, 8) + key + dice.randbytes(32)
    if choice < 0.8 and (exited := random_exited(dice, number, state, assets)):
        return exited
    if choice < 0.85:
        return bytes([18]) + number + dice.randbytes(dice.randint(0, 200))
    person, item = random_item(dice, state, assets, True)
    data = bytearray(signed(rollup, person, item))
    if dice.random() < 0.2:
        data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
    return bytes([18]) + number + bytes(data)


def random_exited(dice, number, state, assets):
    held = [(index, asset) for index in range(state.leaves[reference.GLOBAL]["accounts"])
            for asset in range(assets) if state.leaves[reference.account_place(index)]["balances"][asset]]
    if not held:
        return None
    index, asset = dice.choice(held)
    amount = state.leaves[reference.account_place(index)]["balances"][asset]
    return (bytes([19]) + number + bytes([asset]) + reference.be(dice.choice([amount, dice.randint(1, amount)]), 8)
            + reference.be(index, 4))


def random_batch(dice, rollup, state, assets, inbox, count, wrong):
    """The items' bytes, made one after the other, each for the state that it will find."""
    then, items = state.copy(), []
    for number in range(inbox + count):
        if number < inbox:
            items.append(random_inbox_item(dice, rollup, then, assets))
        else:
            person, item = random_item(dice, then, assets, wrong)
            items.append(signed(rollup, person, item))
            if wrong and dice.random() < 0.1:
                items[-1] = items[-1][:-1] + bytes([items[-1][-1] ^ 1])
        trial = then.copy()
        machine = reference.Machine(rollup, assets, trial, [items[-1]], 1 if number < inbox else 0)
        for _ in range(reference.STEPS):
            machine.step()
        if machine.invalid and not wrong:
            items.pop()
        else:
            then = trial
        if machine.invalid and wrong:
            break
    return items


def compare_batch(ask, rollup, state, assets, number, items, inbox):
    """Executes it on both sides; gives the state afterwards, and whether the batch is valid."""
    before, after = state.root(), state.copy()
    context = reference.batch_context(rollup, number, before, items, inbox,
                                      state.leaves[reference.GLOBAL]["inbox"], assets)
    machine = reference.Machine(rollup, assets, after, items, inbox)
    expected = [reference.items_root(items), context, machine.commitment(context)]
    for _ in range(len(items) * reference.STEPS + BEHIND):
        machine.step()
        expected.append(machine.commitment(context))
    withdrawals = after.leaves[reference.OUTBOX]
    expected += [after.root(), reference.outbox_root(withdrawals), reference.be(len(withdrawals), 32)]
    found = ask("batch", number, inbox, *items)
    for at, (theirs, ours) in enumerate(zip(found, expected)):
        assert theirs == ours, f"value {at} of {len(expected)}: item {(at - 3) // 16}, step {(at - 3) % 16}"
    assert len(found) == len(expected)
    return (state, False) if machine.invalid else (after, True)


def run_history(ask, dice, wrong):
    rollup, assets = dice.randbytes(32), dice.randint(1, 8)
    state = reference.State(KEYS[0])
    assert ask("genesis", rollup, assets, KEYS[0]) == [state.root()]
    outcomes = []
    for number in range(1, 7):
        items = random_batch(dice, rollup, state, assets, dice.randint(0, 5), dice.randint(0, 5), wrong)
        inbox = sum(item[0] >= 16 for item in items)
        state, valid = compare_batch(ask, rollup, state, assets, number, items, inbox)
        outcomes.append(valid)
    for place, leaf in state.leaves.items():
        value = reference.crypto.tagged_hash("layerd/rollup/value", reference.leaf_bytes(place, leaf))
        assert ask("state", reference.crypto.tagged_hash("layerd/rollup/key", place)) == [value]
    return outcomes


def test_each_step_of_valid_batches_has_the_commitment_of_the_layout(ask, dice):
    for _ in range(3):
        assert all(run_history(ask, dice, False))


def test_each_step_of_batches_with_an_invalid_item_has_the_commitment_of_the_layout(ask, dice):
    outcomes = [valid for _ in range(4) for valid in run_history(ask, dice, True)]
    assert not all(outcomes)


def test_a_batch_has_the_id_and_the_game_of_the_layout(ask, dice):
    rollup = dice.randbytes(32)
    state = reference.State(KEYS[0])
    ask("genesis", rollup, 2, KEYS[0])
    deposit = bytes([16]) + bytes(8) + bytes([1]) + reference.be(500, 8) + KEYS[3]
    context = reference.batch_context(rollup, 9, state.root(), [deposit], 1, 0, 2)
    state, valid = compare_batch(ask, rollup, state, 2, 9, [deposit], 1)
    assert valid
    parent, proposer = dice.randbytes(32), dice.randbytes(32)
    assert ask("id", parent, proposer) == [
        reference.batch_id(context, parent, state.root(), reference.outbox_root([]), 0, proposer)]
    for items in [0, 1, 2, 3, 4, 5, 1000, 1023, 1024, 1025, 4096]:
        depth = reference.game_depth(items)
        assert ask("depth", items) == [reference.be(depth, 32),
                                       reference.root_claim(context, depth, state.root())]
