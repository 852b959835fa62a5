"""The state tree and the outbox tree against the second implementation, and their proofs against ICS-23.

The program asked is tree_oracle ("make tree_oracle"), in the folder of LAYERD_BUILD or else build/ of the source.
LAYERD_SEED chooses the random inputs; a failure prints it.
"""

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

import reference_trees as reference  # noqa: E402  (beside this file)

SOURCE = pathlib.Path(__file__).resolve().parents[3]
PROGRAM = pathlib.Path(os.environ.get("LAYERD_BUILD", SOURCE / "build")) / "tree_oracle"
VECTORS = pathlib.Path(os.environ.get("LAYERD_VECTORS", SOURCE.parent / "shared" / "vectors"))
SEED = int(os.environ.get("LAYERD_SEED", time.time_ns()))

# cosmos/ics23 testdata/smt: exist_left @606d5105, nonexist_left @05d4f034, nonexist_right @5b5757c8 (the newer
# form, whose keys are hashed for the tree) and exclusion @28ec1e81. Key, value, root, proof.
PUBLISHED_EXIST = (
    "002de9b963c4dacf518eeea7b754d2baac1886ef2f2a8ac704c05a692f4bedd5",
    "76616c75655f666f725f4445687a30613576355036616536514c376d6445",
    "432d73b49019d8df5c7e38fd93288d0240a62a3c010e7217a4a74f5885c391d5",
    "0ae5030a20002de9b963c4dacf518eeea7b754d2baac1886ef2f2a8ac704c05a692f4bedd5121e76616c75655f666f725f4445687a"
    "30613576355036616536514c376d64451a07080118012a0100222708011201011a20bc79ee59a60c4f08cc0216a5f64d39f871cd73"
    "0b6983079429e91d9bcd57d470222708011201011a206732b1eaa2cf07fbc94599aecc2df057d8efb0ccd775d86b6ea176bfaad367"
    "ad222708011201011a203112ffea611a3ef030f5ed8dafb8bcaf8e33bec16fff9027b1a0c718136de2d3222708011201011a204809"
    "83a2541b5527e1b5607e32f0597b12204d4973b5d9b498d1ff2a2350352b222708011201011a2097058f1bf50e2b47ad129fdaf2df"
    "d53f88f81467dad54dabfcf0fbe8330c4e4c222708011201011a2008f6f1e45958b4780e1e0f7791315d44355eba4e519e2fb25c3d"
    "c48627a59a45222708011201011a20bb4f607cb62f20e673fdfad3e40a8b596db50dc7c34e65aba74eec37f791e886222708011201"
    "011a20fe97c3211b6a7eb3d859e754b373e89897a54f74244f0a84defc1df2a203dfd8222708011201011a202cab93bf9b91d25010"
    "972968d69b47ca9dfd5b4cea0c71310e0adced33acb19d222708011201011a2069ca519f1f2528c971a930cdd00b65c41762e8510c"
    "e3d4a998d4ad8ccf598984")
PUBLISHED_LEFT = (
    "002c041fe1df37d806cc5b493bed02222d83b25ffebf9cb529b4524cc547fbeb", "",
    "50be82f8013965f595392462f6c68b4c1d3d3401210a1084f6f73e3e2caf0648",
    "128a040a20002c041fe1df37d806cc5b493bed02222d83b25ffebf9cb529b4524cc547fbeb1ae5030a20002de9b963c4dacf518eee"
    "a7b754d2baac1886ef2f2a8ac704c05a692f4bedd5121e76616c75655f666f725f4445687a30613576355036616536514c376d6445"
    "1a07080118012a0100222708011201011a205aa5f240071f196e8d21e38b3fa6e942d5c529cd5fa0eec85607ba8cd8e37985222708"
    "011201011a206732b1eaa2cf07fbc94599aecc2df057d8efb0ccd775d86b6ea176bfaad367ad222708011201011a20074e19b2ce98"
    "87b188cabd61f0af10d699c206d4eee9c5e914bcfea5960439f8222708011201011a208c8012ca455d57135bea305ad1080cc0a9d8"
    "dec078a7813736ff871b40708a72222708011201011a200c70649c4ea15de4a2f2087a340fa93adb880f851d5465481349803315201"
    "ecd222708011201011a20ca5d1f4ee19172af78ff61c113336292c11c89884ead5b541f54cc53449e2edf222708011201011a2091a"
    "26f99a2852c72dd4a15c6b0444421a6d033f7f570f10c8c564bc3dce2fbc3222708011201011a206bdf78f09ef3fc2789b9a48e5e7"
    "41e722dbf44050ec052de79135fbabf10ccd6222708011201011a20ecbc7b302eae49d180b8d1f1fb36e7c5d19f84ce3c5d9a84e49"
    "13ef73a9cbab2222708011201011a2010d3a9e28ea143c3b9910b1d40e6087e97520bc2a3dbe66a806bf214039fdb1b")
PUBLISHED_RIGHT = (
    "68316d656864356a774f646f4f4264613530684e", "",
    "7bfe3d7630eb1f47be11d1724abad7a1b5de70c7131e7ed8ed60d9656ea49886",
    "12ba040a20ffffedc8e4ee7f13c9892bf6277cdd60e4e8fad77abb37ca4f3b888a63b60df41295040a146b63395874466e5a464578"
    "4d416f4b6f37566c5a121e76616c75655f666f725f6b63395874466e5a4645784d416f4b6f37566c5a1a090801100118012a010022"
    "250801122101b76263b0c4e8438e81f21cdbff1e21b894a3c0e4ea08a0deab7c1de3292cd16a222508011221010000000000000000"
    "000000000000000000000000000000000000000000000000222508011221013ae2d90a118dd6f8a42f4006817e777f22540e921df1"
    "d97ed334a8b9de92c6cd2225080112210156a62a015a84af9a33ca716f52ed414382bed27a70b00391f15a5471f94443d322250801"
    "12210144c48bf2a802195fba5164a7a6c171a9af7a114c7880136108a5544d82fbacba22250801122101354656582d1a82da796590"
    "1b2035596704419e5d238def48fdc03950624ee5182225080112210123ea47d69d737db4713327399685b2b15fc605d8b9fc63dad0"
    "42cc7e2ca86b88222508011221010f0393085c3dd349cc0f45cb559fae81a1c4f24231afcb2b5ae51fd8926214932225080112210"
    "1c5c632712f2341f6a31c3db7420c52c8d34df31704ce55856377cd9f23226469222508011221019209817b26ad0a91845bcbbd424"
    "53be5a6ba6f1c47e462014d6de896feede6522225080112210146446f4723153a265d03a7a20f4b906738d1af822434e77189134f4"
    "5f2b2a80f22250801122101680acaa83722e275ea78c80914940c67efd48e5da6b331c821aaa2eb0ae184ed")
PUBLISHED_EXCLUSION = (
    "6e6f742073746f726564", "", "16d34eb0cb81a0df3a5dbb286256f950496f90ef2aa95218116743a05277cdd2",
    "2aa7010a0a6e6f742073746f726564122051a1f05af85e342e3c849b47d387086476282d5f50dc240c19216d6edfb1eb5a1a20bbb2"
    "9e93cc9aecb998b918c588caac32f2e5093ae74a13e8f7485ca9bee28e31220508012a01002a250801122101cc6cc6d3270d2b775a"
    "84bba7a2b3bb5ce9dc7e1060fca472094277e7650257462a2708011201011a202f4fbf449bce1a740e33247675433b2973127a1de1"
    "60853bfe3031421d8d9480")


def unhex(case):
    return [bytes.fromhex(part) for part in case]


def skip_loudly(reason):
    warnings.warn(f"SKIPPED: {reason}")  # shown at the end even where reasons of skips are not
    pytest.skip(reason)


@pytest.fixture
def ask():
    """Questions to a program whose trees are empty."""
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
    if word is None:
        return "-"
    if isinstance(word, bytes):
        return word.hex() or "-"
    return str(word)


def hashes(answer):
    return None if answer in ("-", "refused") else [bytes.fromhex(word) for word in answer.split(" ")]


def flipped(dice, data):
    changed = bytearray(data)
    changed[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
    return bytes(changed)


def random_key(dice, leaves):
    """Of its own, or one that agrees with a key there is in its first bits."""
    if not leaves or dice.random() < 0.4:
        return dice.randbytes(32)
    near = int.from_bytes(dice.choice(list(leaves)), "big")
    low = dice.choice((dice.randrange(240, 256), dice.randrange(256), 0, 1))
    return (near ^ 1 << low ^ dice.randrange(1 << low)).to_bytes(32, "big")


def random_change(dice, ask, leaves):
    """One batch, made on both sides; the roots agree."""
    batch = {}
    for _ in range(dice.randrange(1, 12)):
        key = dice.choice(list(leaves)) if leaves and dice.random() < 0.3 else random_key(dice, leaves)
        batch[key] = dice.randbytes(32) if dice.random() < 0.65 else None
    words = [word for key in sorted(batch) for word in (key, batch[key])]
    for key, value in batch.items():
        leaves.pop(key, None)
        if value is not None:
            leaves[key] = value
    assert ask("change", *words) == reference.state_root(list(leaves.items())).hex()


# --- ICS-23 ---------------------------------------------------------------------------------------------------

def test_the_verifier_agrees_with_the_published_proofs():
    key, value, root, proof = unhex(PUBLISHED_EXIST)
    kind, found = reference.commitment(proof)
    assert kind == "exist" and reference.exists(reference.SMT_BEFORE_0_10, found, root, key, value)
    assert not reference.exists(reference.SMT, found, root, key, value)
    key, _, root, proof = unhex(PUBLISHED_LEFT)
    kind, named, left, right = reference.commitment(proof)
    assert kind == "nonexist" and named == key and left is None
    assert reference.not_exists(reference.SMT_BEFORE_0_10, left, right, root, key)
    assert not reference.not_exists(reference.SMT_BEFORE_0_10, right, left, root, key)
    key, _, root, proof = unhex(PUBLISHED_RIGHT)
    kind, _, left, right = reference.commitment(proof)
    assert kind == "nonexist" and right is None
    assert reference.not_exists(reference.SMT, left, right, root, key)
    assert not reference.not_exists(reference.SMT, left, right, root, left["key"])


def test_published_proofs_hold_in_layerd_s_form(ask):
    """A path is a path: the siblings of an ICS-23 proof, written in our bytes."""
    cases = []
    for case, spec in ((PUBLISHED_EXIST, reference.SMT_BEFORE_0_10), (PUBLISHED_RIGHT, reference.SMT)):
        _, _, root, proof = unhex(case)
        parts = reference.commitment(proof)
        found = parts[1] if parts[0] == "exist" else parts[2]
        key = reference.prehashed(spec.leaf["prehash_key"], found["key"])
        cases.append((1, found["path"], b"", key, reference.sha256(found["value"]), root))
    key, _, root, proof = unhex(PUBLISHED_EXCLUSION)
    [(number, body)] = reference.fields(proof)
    assert number == 5
    parts = [(name, value) for name, value in reference.fields(body)]
    path = [dict(reference.fields(value)) for name, value in parts if name == 5]
    steps = [(step.get(1), step.get(2, b""), step.get(3, b"")) for step in path]
    other = dict(parts)[2] + dict(parts)[3]
    cases.append((5, steps, other, reference.sha256(key), None, root))
    for form, steps, tail, key, value, root in cases:
        path = [prefix[1:] or suffix for _, prefix, suffix in reversed(steps)]
        marks = "".join("0" if hash == reference.EMPTY else "1" for hash in path)
        marks += "0" * (-len(marks) % 8)
        ours = bytes([form]) + len(path).to_bytes(2, "big")
        ours += bytes(int(marks[at:at + 8], 2) for at in range(0, len(marks), 8))
        ours += b"".join(hash for hash in path if hash != reference.EMPTY) + tail
        assert ask("verify", key, value, root, ours) == "yes"
        assert ask("verify", key, bytes(32), root, ours) == "no"


def neighbours(ask, key):
    """The ICS-23 existence proofs of the nearest keys, made from layerd's answers (hashes, no preimages)."""
    found = []
    for side in ("below", "above"):
        leaf = hashes(ask(side, key))
        found.append(None if leaf is None else
                     reference.to_ics23(reference.SMT_OF_HASHES, bytes.fromhex(ask("prove", leaf[0])),
                                        leaf[0], *leaf))
    return found


def test_proofs_satisfy_ics23_over_hashes(ask, dice):
    spec, leaves = reference.SMT_OF_HASHES, {}
    for _ in range(25):
        random_change(dice, ask, leaves)
        root = reference.state_root(list(leaves.items()))
        for key in list(leaves)[:6]:
            proof = reference.to_ics23(spec, bytes.fromhex(ask("prove", key)), key, key, leaves[key])
            assert reference.exists(spec, proof, root, key, leaves[key])
            assert not reference.exists(spec, proof, flipped(dice, root), key, leaves[key])
            assert not reference.exists(spec, dict(proof, value=root), root, key, root)
            assert not reference.not_exists(spec, *neighbours(ask, key), root, key)
        for _ in range(8):
            key = random_key(dice, leaves)
            if key not in leaves and leaves:
                left, right = neighbours(ask, key)
                assert reference.not_exists(spec, left, right, root, key)
                if left and right:
                    assert not reference.not_exists(spec, left, None, root, key)
                    assert not reference.not_exists(spec, None, right, root, key)
                    outside = hashes(ask("above", right["key"]))
                    if outside:
                        far = reference.to_ics23(spec, bytes.fromhex(ask("prove", outside[0])), outside[0],
                                                 *outside)
                        assert not reference.not_exists(spec, left, far, root, key)


def test_proofs_satisfy_ics23_smt_over_preimages(ask, dice):
    spec, data = reference.SMT, {b"account %d" % i: b"balance %d" % (i * i) for i in range(300)}
    hashed = {reference.sha256(key): (key, value) for key, value in data.items()}
    words = [word for path in sorted(hashed) for word in (path, reference.sha256(hashed[path][1]))]
    root = bytes.fromhex(ask("change", *words))
    assert root == reference.state_root([(path, reference.sha256(value)) for path, (_, value) in hashed.items()])

    def proof_of(path):
        return reference.to_ics23(spec, bytes.fromhex(ask("prove", path)), path, *hashed[path])

    for path in dice.sample(sorted(hashed), 60):
        assert reference.exists(spec, proof_of(path), root, *hashed[path])
        assert not reference.exists(spec, proof_of(path), root, hashed[path][0], b"balance x")
    for i in range(300, 400):
        key = b"account %d" % i
        sides = [hashes(ask(side, reference.sha256(key))) for side in ("below", "above")]
        left, right = (proof_of(side[0]) if side else None for side in sides)
        assert reference.not_exists(spec, left, right, root, key)
        assert not reference.not_exists(spec, left, right, root, left["key"] if left else right["key"])


# --- the state tree ---------------------------------------------------------------------------------------------

def test_roots_values_and_proofs_agree(ask, dice):
    leaves, forms = {}, set()
    assert ask("prove", bytes(32)) == "040000"
    for _ in range(40):
        random_change(dice, ask, leaves)
        for _ in range(8):
            key = random_key(dice, leaves) if dice.random() < 0.6 or not leaves else dice.choice(list(leaves))
            proof = reference.prove(list(leaves.items()), key)
            assert ask("get", key) == hex_word(leaves.get(key))
            assert ask("prove", key) == proof.hex()
            forms.add(proof[0])
            below = max((other for other in leaves if other < key), default=None)
            above = min((other for other in leaves if other > key), default=None)
            assert hashes(ask("below", key)) == (None if below is None else [below, leaves[below]])
            assert hashes(ask("above", key)) == (None if above is None else [above, leaves[above]])
    assert forms >= {2, 3, 4, 5}


def test_unsorted_batches_are_refused(ask, dice):
    low, high = sorted(dice.randbytes(32) for _ in range(2))
    assert ask("change", high, low, low, high) == "refused"
    assert ask("change", low, low, low, high) == "refused"
    assert ask("change", low, low, low, None) == "refused"
    assert ask("change", low, low, high, high) == reference.state_root([(low, low), (high, high)]).hex()


def changed_proof(dice, proof):
    """The proof's bytes, right or changed in one way."""
    way = dice.randrange(8)
    if way < 3:
        return flipped(dice, proof)
    if way == 3:
        return proof[:dice.randrange(len(proof))]
    if way == 4:
        return proof + bytes(dice.randrange(1, 40))
    if way == 5:
        return bytes([dice.randrange(8)]) + proof[1:]
    if way == 6 and len(proof) > 60:
        at = dice.randrange(3, len(proof) - 32)
        return proof[:at] + bytes(32) + proof[at + 32:]
    return proof


def test_proofs_right_and_wrong_are_judged_alike(ask, dice):
    leaves, seen = {}, {True: 0, False: 0}
    for _ in range(40):
        random_change(dice, ask, leaves)
        root = reference.state_root(list(leaves.items()))
        for _ in range(40):
            key = random_key(dice, leaves) if dice.random() < 0.6 or not leaves else dice.choice(list(leaves))
            proof = changed_proof(dice, reference.prove(list(leaves.items()), key))
            asked = dice.choice((key, key, key, random_key(dice, leaves)))
            value = dice.choice((leaves.get(key), leaves.get(key), leaves.get(key), None, root))
            under = dice.choice((root, root, root, flipped(dice, root)))
            expected = reference.verify(proof, asked, value, under)
            assert ask("verify", asked, value, under, proof) == ("yes" if expected else "no")
            seen[expected] += 1
    assert seen[True] > 50 and seen[False] > 50


def test_a_proof_is_enough_to_change_its_key(ask, dice):
    leaves = {}
    for _ in range(40):
        random_change(dice, ask, leaves)
        root = reference.state_root(list(leaves.items()))
        for _ in range(10):
            key = random_key(dice, leaves) if dice.random() < 0.5 or not leaves else dice.choice(list(leaves))
            proof = bytes.fromhex(ask("prove", key))
            after = dice.choice((None, dice.randbytes(32)))
            then = {other: value for other, value in leaves.items() if other != key}
            if after is not None:
                then[key] = after
            expected = reference.state_root(list(then.items())).hex()
            assert ask("changed", key, leaves.get(key), after, root, proof) == expected
            assert ask("changed", key, dice.randbytes(32), after, root, proof) == "refused"


# --- the outbox tree ----------------------------------------------------------------------------------------------

def test_reference_agrees_with_the_published_deposit_tree():
    path = VECTORS / "deposit-tree.json"
    if not path.exists():
        skip_loudly(f"vectors not found: {path}")
    vectors = json.loads(path.read_text())
    leaves = [bytes.fromhex(leaf) for leaf in vectors["leaves"]]
    for count, root in enumerate(vectors["roots"]):
        assert reference.outbox_root(leaves[:count], reference.keccak256).hex() == root
    for row in vectors["proofs"]:
        proof = [bytes.fromhex(sibling) for sibling in row["siblings"]]
        assert reference.outbox_proof(row["index"], leaves, reference.keccak256) == proof
        assert reference.outbox_verify(row["index"], bytes.fromhex(row["leaf"]), proof,
                                       bytes.fromhex(row["root"]), reference.keccak256)


def test_outboxes_and_their_proofs_agree(ask, dice):
    leaves = []
    assert ask("append") == reference.outbox_root([]).hex()
    for _ in range(30):
        messages = [dice.randbytes(dice.randrange(200)) for _ in range(dice.randrange(1, 9))]
        for message in messages:
            leaves.append(reference.outbox_leaf(message))
            assert ask("message", message) == leaves[-1].hex()
        assert ask("append", *leaves[-len(messages):]) == reference.outbox_root(leaves).hex()
        for _ in range(5):
            count = dice.randrange(1, len(leaves) + 1)
            index, root = dice.randrange(count), reference.outbox_root(leaves[:count])
            proof = reference.outbox_proof(index, leaves[:count])
            assert hashes(ask("outbox_prove", index, count)) == proof
            assert ask("outbox_verify", index, leaves[index], root, *proof) == "yes"
            place = dice.randrange(32)
            wrong = proof[:place] + [flipped(dice, proof[place])] + proof[place + 1:]
            assert ask("outbox_verify", index, leaves[index], root, *wrong) == "no"
            assert ask("outbox_verify", index ^ 1 << dice.randrange(32), leaves[index], root, *proof) == "no"
            assert ask("outbox_prove", count, count) == "refused"
