"""The C code against the second implementation, over random inputs and the published vectors.

The program asked is crypto_oracle ("make crypto_oracle"), in the folder of LAYERD_BUILD or else build/ of the
source. LAYERD_SEED chooses the random inputs; a failure prints it.
"""

import csv
import json
import os
import pathlib
import random
import subprocess
import sys
import time
import warnings

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import reference_crypto as reference  # noqa: E402  (beside this file)

SOURCE = pathlib.Path(__file__).resolve().parents[3]
PROGRAM = pathlib.Path(os.environ.get("LAYERD_BUILD", SOURCE / "build")) / "crypto_oracle"
VECTORS = pathlib.Path(os.environ.get("LAYERD_VECTORS", SOURCE.parent / "shared" / "vectors"))
SEED = int(os.environ.get("LAYERD_SEED", time.time_ns()))


def skip_loudly(reason):
    warnings.warn(f"SKIPPED: {reason}")  # shown at the end even where reasons of skips are not
    pytest.skip(reason)


@pytest.fixture(scope="module")
def ask():
    if not PROGRAM.exists():
        skip_loudly(f"{PROGRAM} is not built")
    process = subprocess.Popen([PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def question(*words):
        line = " ".join(hex_word(word) for word in words)
        process.stdin.write(line + "\n")
        process.stdin.flush()
        answer = process.stdout.readline().rstrip("\n")
        assert answer, f"no answer to: {line[:200]}"
        return answer

    yield question
    process.stdin.close()
    assert process.wait(timeout=60) == 0


@pytest.fixture
def dice(request):
    print(f"LAYERD_SEED={SEED}")
    return random.Random(f"{SEED} {request.node.name}")


def hex_word(word):
    if isinstance(word, bytes):
        return word.hex() or "-"
    return str(word)


def hashes(answer):
    return [] if answer == "-" else [bytes.fromhex(word) for word in answer.split(" ")]


def vectors_file(name):
    path = VECTORS / name
    if not path.exists():
        skip_loudly(f"vectors not found: {path}")
    return path


def flipped(dice, data):
    changed = bytearray(data)
    changed[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
    return bytes(changed)


def yes_or_no(value):
    return "yes" if value else "no"


def test_reference_agrees_with_the_published_signatures():
    with open(vectors_file("bip340.csv"), newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 19
    for row in rows:
        public, message = bytes.fromhex(row["public key"]), bytes.fromhex(row["message"])
        signature = bytes.fromhex(row["signature"])
        valid = row["verification result"] == "TRUE"
        assert reference.verify(public, message, signature) == valid, row["index"]
        if row["secret key"]:
            secret = bytes.fromhex(row["secret key"])
            assert reference.account(secret) == public
            assert reference.sign(secret, message, bytes.fromhex(row["aux_rand"])) == signature


def test_reference_agrees_with_the_published_trees():
    vectors = json.loads(vectors_file("rfc6962.json").read_text())
    leaves = [reference.leaf_hash(bytes.fromhex(data)) for data in vectors["leaf_inputs"]]
    for size, expected in enumerate(vectors["roots_by_size"]):
        assert reference.root(leaves[:size]).hex() == expected
    for row in vectors["inclusion"]:
        values = [bytes.fromhex(row[name]) for name in ("leaf_hash", "root")]
        proof = [bytes.fromhex(word) for word in row["proof"]]
        found = reference.verify_inclusion(row["leaf_index"], row["tree_size"], *values, proof)
        assert found == row["valid"], row
    for row in vectors["consistency"]:
        values = [bytes.fromhex(row[name]) for name in ("root1", "root2")]
        proof = [bytes.fromhex(word) for word in row["proof"]]
        found = reference.verify_consistency(row["size1"], row["size2"], *values, proof)
        assert found == row["valid"], row


def test_hashes_agree(ask, dice):
    for length in list(range(130)) + [dice.randrange(5000) for _ in range(50)]:
        data = dice.randbytes(length)
        tag = "layerd/" + "x" * dice.randrange(60) + str(dice.randrange(15))
        assert ask("tagged", tag, data) == reference.tagged_hash(tag, data).hex()
        assert ask("sha256", data) == reference.hashlib.sha256(data).hexdigest()


def test_accounts_and_signatures_agree(ask, dice):
    for _ in range(25):
        secret, aux = dice.randbytes(32), dice.randbytes(32)
        message = dice.randbytes(dice.choice((32, 32, 0, 1, 300)))
        public, signature = reference.account(secret), reference.sign(secret, message, aux)
        assert ask("account", secret) == public.hex()
        assert ask("sign", secret, message, aux) == signature.hex()
        assert ask("verify", public, message, signature) == "yes"


def test_what_is_no_key_is_refused_by_both(ask):
    for value in (0, reference.ORDER, reference.ORDER + 1, 2**256 - 1):
        secret = reference.bytes32(value)
        assert reference.account(secret) is None
        assert ask("account", secret) == "refused"
        assert ask("sign", secret, b"x", bytes(32)) == "refused"
    for value in (1, 2, reference.ORDER - 1):
        assert ask("account", reference.bytes32(value)) == reference.account(reference.bytes32(value)).hex()


def test_changed_signatures_are_judged_alike(ask, dice):
    secret = dice.randbytes(32)
    public, message = reference.account(secret), dice.randbytes(32)
    signature = reference.sign(secret, message, dice.randbytes(32))
    r, s = reference.number(signature[:32]), reference.number(signature[32:])
    cases = [(flipped(dice, public), message, signature) for _ in range(6)]
    cases += [(public, flipped(dice, message), signature) for _ in range(3)]
    cases += [(public, message, flipped(dice, signature)) for _ in range(6)]
    cases += [(public, message, signature[:32] + reference.bytes32(value)) for value in
              (0, reference.ORDER - s, reference.ORDER, 2**256 - 1)]
    cases += [(public, message, reference.bytes32(value) + signature[32:]) for value in
              (0, reference.FIELD - r, reference.FIELD, 2**256 - 1)]
    if s + reference.ORDER < 2**256:
        cases.append((public, message, signature[:32] + reference.bytes32(s + reference.ORDER)))
    for case in cases:
        assert not reference.verify(*case)
        assert ask("verify", *case) == "no"


def test_trees_and_proofs_agree(ask, dice):
    assert ask("tree") == reference.root([]).hex()
    for size in list(range(1, 34)) + [dice.randrange(34, 400) for _ in range(6)]:
        data = [dice.randbytes(dice.randrange(40)) for _ in range(size)]
        leaves = [reference.leaf_hash(item) for item in data]
        assert ask("tree", *data) == reference.root(leaves).hex()
        for _ in range(6):
            part = dice.randrange(1, size + 1)
            index, first = dice.randrange(part), dice.randrange(1, part + 1)
            assert ask("root", part) == reference.root(leaves[:part]).hex()
            assert hashes(ask("inclusion", index, part)) == reference.inclusion(index, leaves[:part])
            assert hashes(ask("consistency", first, part)) == reference.consistency(first, leaves[:part])
        assert ask("inclusion", size, size) == "refused"
        assert ask("consistency", 0, size) == "refused"
        assert ask("consistency", size + 1, size) == "refused"


def changed_proof(dice, proof):
    """The proof, right or changed in one way."""
    proof = list(proof)
    way = dice.randrange(5)
    if way == 0 and proof:
        place = dice.randrange(len(proof))
        proof[place] = flipped(dice, proof[place])
    elif way == 1 and proof:
        proof.pop(dice.randrange(len(proof)))
    elif way == 2:
        proof.insert(dice.randrange(len(proof) + 1), dice.randbytes(32))
    elif way == 3:
        dice.shuffle(proof)
    return proof


def near(dice, value):
    flip = value ^ 1 << dice.randrange(8)
    return max(0, dice.choice((value, value, value - 1, value + 1, value * 2, value // 2, flip)))


def test_inclusion_proofs_right_and_wrong_are_judged_alike(ask, dice):
    seen = set()
    for _ in range(600):
        size = dice.randrange(1, 40)
        leaves = [dice.randbytes(32) for _ in range(size)]
        index = dice.randrange(size)
        leaf = leaves[dice.choice((index, index, 0))]
        question = (near(dice, index), near(dice, size), leaf, reference.root(leaves))
        proof = changed_proof(dice, reference.inclusion(index, leaves))
        expected = reference.verify_inclusion(*question, proof)
        assert ask("verify_inclusion", *question, *proof) == yes_or_no(expected), question
        seen.add(expected)
    assert seen == {True, False}


def test_consistency_proofs_right_and_wrong_are_judged_alike(ask, dice):
    seen = set()
    for _ in range(600):
        second = dice.randrange(1, 40)
        leaves = [dice.randbytes(32) for _ in range(second)]
        first = dice.randrange(1, second + 1)
        roots = reference.root(leaves[:first]), reference.root(leaves)
        question = (near(dice, first), near(dice, second), *roots)
        proof = changed_proof(dice, reference.consistency(first, leaves))
        expected = reference.verify_consistency(*question, proof)
        assert ask("verify_consistency", *question, *proof) == yes_or_no(expected), question
        seen.add(expected)
    assert seen == {True, False}


def random_channel(dice):
    keys = [reference.account(dice.randbytes(32)) for _ in range(dice.randrange(2, 7))]
    arbiters = [reference.account(dice.randbytes(32)) for _ in range(dice.randrange(0, 4))]
    period = dice.randrange(1, 2**40)
    return {
        "chain": "dev-" + dice.randbytes(8).hex(), "application": dice.choice(["consensus", "a", "x_9" * 10]),
        "nonce": dice.randrange(2**53), "challenge_period": period,
        "dispute_limit": period + dice.randrange(2**40), "penalty_ppm": dice.randrange(10**6 + 1),
        "participants": keys, "arbiters": arbiters,
        "arbiter_threshold": dice.randrange(1, len(arbiters) + 1) if arbiters else 0,
        "arbitration_window": dice.randrange(1, 2**50) if arbiters else 0,
        "arbitration_fee_ppm": dice.randrange(10**6 + 1) if arbiters else 0,
        "assets": [dice.randbytes(32) for _ in range(dice.randrange(1, 9))],
        "terms": dice.randbytes(dice.randrange(257)),
    }


def random_allocation(dice, asset):
    key, other, lock = (dice.randbytes(32) for _ in range(3))
    amount = dice.randrange(1, 2**40)
    return dice.choice([(0, asset, dice.choice([0, amount]), key), (1, asset, amount, lock),
                        (2, asset, amount, lock, key, other),
                        (3, asset, amount, key, other, lock, dice.randrange(1, 2**53))])


def test_channels_agree(ask, dice):
    for _ in range(40):
        fixed = reference.channel_fixed(random_channel(dice))
        channel = reference.tagged_hash("layerd/channel/id", fixed)
        assert hashes(ask("channel", fixed)) == [channel, reference.channel_holding(channel)]
        allocations = [random_allocation(dice, asset) for asset in sorted(dice.choices(range(8), k=12))]
        state = reference.channel_state(dice.randrange(2**53), dice.random() < 0.5, allocations,
                                        dice.randbytes(dice.randrange(300)))
        state_hash = reference.tagged_hash("layerd/channel/state", channel + state)
        outcome = reference.channel_outcome(allocations)
        assert hashes(ask("state", channel, state)) == [
            state_hash, reference.tagged_hash("layerd/channel/outcome", channel + outcome),
            reference.tagged_hash("layerd/channel/challenge", channel + state_hash)]
