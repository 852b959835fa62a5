"""The C code of src/network/evm against the second implementation, over random inputs, right and changed ones.

The program asked is evm_oracle ("make evm_oracle"), in the folder of LAYERD_BUILD or else build/ of the source; its
questions stand at its head. LAYERD_SEED chooses the random inputs; a failure prints it.
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

import reference_evm as evm  # noqa: E402  (it stands beside this file)

SOURCE = pathlib.Path(__file__).resolve().parents[3]
PROGRAM = pathlib.Path(os.environ.get("LAYERD_BUILD", SOURCE / "build")) / "evm_oracle"
SEED = int(os.environ.get("LAYERD_SEED", time.time_ns()))
ROUNDS = int(os.environ.get("LAYERD_ROUNDS", 12))


@pytest.fixture
def chance(request):
    print(f"LAYERD_SEED={SEED}")
    return random.Random(f"{SEED} {request.node.name}")


@pytest.fixture(scope="module")
def ask():
    if not PROGRAM.exists():
        warnings.warn(f"SKIPPED: {PROGRAM} is not built")
        pytest.skip(f"{PROGRAM} is not built")
    process = subprocess.Popen([PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def question(*words):
        line = " ".join(word.hex() or "-" if isinstance(word, bytes) else str(word) for word in words)
        process.stdin.write(line + "\n")
        process.stdin.flush()
        answer = process.stdout.readline()
        assert answer, f"no answer to: {line[:200]}"
        return answer.rstrip("\n")

    yield question
    process.stdin.close()
    assert process.wait(timeout=60) == 0


def changed(chance, data):
    """One byte another, or gone, or one more."""
    data = bytearray(data)
    how, at = chance.randrange(4), chance.randrange(len(data))
    if how == 0:
        del data[at]
    elif how == 1:
        data.insert(at, chance.randrange(256))
    else:
        data[at] ^= chance.randrange(1, 256)
    return bytes(data)


# --- RLP -------------------------------------------------------------------------------------------------------------
def random_item(chance, depth):
    if depth and chance.randrange(3) == 0:
        return [random_item(chance, depth - 1) for _ in range(chance.randrange(5))]
    return chance.randbytes(chance.choice([0, 1, 1, 2, 20, 32, 55, 56, 57, 255, 256, 300]))


def decodable(data):
    try:
        evm.unrlp(data)
        return True
    except ValueError:
        return False


def test_the_same_bytes_are_rlp(ask, chance):
    taken = 0
    for _ in range(40 * ROUNDS):
        data = evm.rlp(random_item(chance, 4))
        assert ask("rlp", data) == "yes"
        for _ in range(5):
            data = changed(chance, data) or b"\x80"
            assert ask("rlp", data) == ("yes" if decodable(data) else "no"), data.hex()
            taken += decodable(data)
    for _ in range(40 * ROUNDS):  # short ones of nothing but prefixes
        data = bytes(chance.choice([0, 1, 0x7f, 0x80, 0x81, 0x82, 0xb7, 0xb8, 0xb9, 0xc0, 0xc1, 0xc2, 0xf7, 0xf8])
                     for _ in range(chance.randrange(1, 6)))
        assert ask("rlp", data) == ("yes" if decodable(data) else "no"), data.hex()
    assert taken


# --- tries -----------------------------------------------------------------------------------------------------------
def random_pairs(chance):
    size, few = chance.choice([(1, True), (2, True), (4, True), (32, False), (3, False)])
    pairs = {}
    for _ in range(chance.randrange(1, 25)):
        key = bytes(chance.choice([0, 1, 16, 17]) if few else chance.randrange(256)
                    for _ in range(chance.randrange(size + 1) if few else size))
        pairs[key] = chance.randbytes(chance.choice([1, 2, 5, 31, 32, 33, 100]))
    return list(pairs.items())


def test_tries_have_the_same_root_and_proofs(ask, chance):
    for _ in range(3 * ROUNDS):
        pairs = random_pairs(chance)
        tree = evm.trie(pairs)
        root = evm.trie_root(tree)
        flat = [word for pair in chance.sample(pairs, len(pairs)) for word in pair]
        assert ask("trie_root", *flat) == root.hex()
        known = dict(pairs)
        others = [chance.randbytes(chance.randrange(4)) for _ in range(4)]
        others += [key + b"\x00" for key in list(known)[:2]] + [key[:-1] for key in list(known)[:2]]
        for key in chance.sample(list(known), min(5, len(known))) + others:
            nodes = evm.trie_prove(tree, key)
            assert ask("trie", root, key, *nodes) == (known[key].hex() if key in known else "absent")
            assert ask("trie_prove", key, *flat) == " ".join(node.hex() for node in nodes) + " ."
            if nodes:
                place = chance.randrange(len(nodes))
                bad = list(nodes)
                bad[place] = changed(chance, bad[place])
                assert ask("trie", root, key, *bad) == "no"
                assert ask("trie", root, key, *nodes[:-1]) == "no"
                assert ask("trie", root, key, *nodes, nodes[0]) == "no"


def test_unitries_have_the_same_proofs(ask, chance):
    for _ in range(3 * ROUNDS):
        pairs = random_pairs(chance)
        if chance.randrange(3) == 0:  # a block's receipts
            pairs = [(evm.rlp(index), chance.randbytes(270)) for index in range(chance.randrange(1, 140))]
        tree = evm.unitrie(pairs)
        root = evm.keccak256(tree.message())
        for key, value in chance.sample(pairs, min(5, len(pairs))):
            nodes = tree.way(evm.bits(key))
            listed = [node.message() for node in nodes]
            fewer = [node.message() for i, node in enumerate(nodes) if i == len(nodes) - 1 or not node.embedded()]
            assert ask("unitrie", root, key, value, *listed) == "yes"
            assert ask("unitrie", root, key, value, *fewer) == "yes"
            assert ask("unitrie", root, key, changed(chance, value), *listed) == "no"
            assert ask("unitrie", root, key + b"\x00", value, *listed) == "no"
            place = chance.randrange(len(listed))
            bad = list(listed)
            bad[place] = changed(chance, bad[place])
            assert ask("unitrie", root, key, value, *bad) == "no"
            assert ask("unitrie", root, key, value, *listed[:-1]) == "no"
            assert ask("unitrie", root, key, value, listed[0], *listed) == "no"


# --- headers ----------------------------------------------------------------------------------------------------------
def test_headers_have_the_same_hash(ask, chance):
    word, small = (lambda: chance.randbytes(32)), (lambda: chance.getrandbits(chance.randrange(64)))
    for count in list(range(15, 22)) * ROUNDS:
        fields = [word(), word(), chance.randbytes(20), word(), word(), word(), chance.randbytes(256),
                  chance.getrandbits(chance.randrange(257)), small(), small(), small(), small(),
                  chance.randbytes(chance.randrange(33)), word(), chance.randbytes(8),
                  chance.getrandbits(chance.randrange(257)), word(), small(), small(), word(), word()]
        raw = evm.rlp(fields[:count])
        assert ask("header", raw) == evm.keccak256(raw).hex()
        bad = changed(chance, raw)
        assert ask("header", bad) in ("no", evm.keccak256(bad).hex())
    assert ask("header", evm.rlp(fields[:14])) == "no"
    assert ask("header", evm.rlp(fields + [b""])) == "no"


def test_rootstock_headers_have_the_same_hashes(ask, chance):
    word, small = (lambda: chance.randbytes(32)), (lambda: chance.getrandbits(chance.randrange(40)))
    for version in [0, 1, 2] * ROUNDS:
        plain = [word(), word(), chance.randbytes(20), word(), word(), word(), chance.randbytes(256),
                 chance.choice([small(), b"\x00\x80"]), small(), small(), small(), small(),
                 chance.randbytes(chance.randrange(33)), small(), chance.choice([small(), b"\x00"]),
                 chance.randrange(10)]
        umm = chance.choice([b"", chance.randbytes(20)] + ([] if version else [None]))
        edges = chance.choice([None, b"", chance.randbytes(8)]) if version else None
        event = chance.randbytes(chance.randrange(100))
        bitcoin = chance.choice([None, chance.randbytes(80)])
        proof = [chance.randbytes(64), chance.randbytes(150)] if bitcoin and chance.randrange(2) else []
        if bitcoin is None and len(event) == 80:
            continue
        raw = evm.rootstock_raw(plain, umm, version, edges, event, bitcoin, proof)
        expected = (evm.rootstock_hash(plain, umm, version, edges, event, bitcoin),
                    evm.rootstock_mining_hash(plain, umm, version, edges, event))
        assert ask("rootstock", raw) == " ".join(digest.hex() for digest in expected)


# --- transactions and receipts ------------------------------------------------------------------------------------------
def test_transactions_have_the_same_sender_and_hash(ask, chance):
    for kind in [0, 1, 2] * ROUNDS:
        chain = chance.randrange(0 if kind == 0 else 1, 1 << chance.choice([2, 16, 40]))
        price = chance.getrandbits(chance.randrange(1, 100))
        fields = [chance.getrandbits(chance.randrange(64))] + ([chance.randrange(price + 1)] if kind == 2 else [])
        fields += [price, chance.getrandbits(chance.randrange(64)), chance.choice([b"", chance.randbytes(20)]),
                   chance.getrandbits(chance.randrange(257)), chance.randbytes(chance.randrange(150))]
        if kind:
            fields.append([[chance.randbytes(20), [chance.randbytes(32) for _ in range(chance.randrange(3))]]
                           for _ in range(chance.randrange(3))])
        secret, nonce = chance.randrange(1, evm.ORDER), chance.randrange(1, evm.ORDER)
        raw, digest = evm.transaction(kind, chain, fields, secret, nonce)
        shown = digest if chain else bytes(32)
        assert ask("transaction", raw) == f"{evm.address(secret).hex()} {chain} {shown.hex()} {raw.hex()}"
        for _ in range(10):
            bad = changed(chance, raw)
            answer = ask("transaction", bad)
            assert answer == "no" or answer.split()[0] != evm.address(secret).hex()
            assert answer == "no" or answer.split()[3] == bad.hex()


def test_receipts_have_the_same_bytes(ask, chance):
    for _ in range(5 * ROUNDS):
        logs = [[chance.randbytes(20), [chance.randbytes(32) for _ in range(chance.randrange(5))],
                 chance.randbytes(chance.randrange(80))] for _ in range(chance.randrange(4))]
        status, gas = chance.randrange(2), chance.getrandbits(chance.randrange(1, 64))
        body = [status, gas, evm.bloom(logs), logs]
        kind = chance.choice([0, 1, 2, 3, 0x7e])
        more = [[], [7], [7, 1]][chance.randrange(3)] if kind == 0x7e else []
        raw = (bytes([kind]) if kind else b"") + evm.rlp(body + more)
        assert ask("receipt", 0, raw) == raw.hex()
        raw = evm.rlp(body + [gas // 2, status])
        assert ask("receipt", 1, raw) == raw.hex()
        assert ask("receipt", 0, raw) == "no"
        assert ask("receipt", 1, evm.rlp(body + [gas // 2, 1 - status])) == "no"
        body[2] = chance.randbytes(256)
        assert ask("receipt", 0, evm.rlp(body)) == "no"


def test_withdrawals_and_numbers_are_the_same(ask, chance):
    for _ in range(5 * ROUNDS):
        nonce, value, gas = (chance.getrandbits(chance.randrange(1, 257)).to_bytes(32, "big") for _ in range(3))
        sender, target, data = chance.randbytes(20), chance.randbytes(20), chance.randbytes(chance.randrange(100))
        head = nonce + bytes(12) + sender + bytes(12) + target + value + gas + (192).to_bytes(32, "big")
        tail = len(data).to_bytes(32, "big") + data + bytes(-len(data) % 32)
        digest = evm.keccak256(head + tail)
        slot = evm.keccak256(digest + bytes(32))
        assert ask("withdrawal", nonce, sender, target, value, gas, data) == f"{digest.hex()} {slot.hex()}"
        assert ask("decimal", value) == str(int.from_bytes(value, "big"))
