"""The C code of src/proof against the second implementations, over random inputs, right and changed ones.

The program asked is proof_reference ("make proof_reference"), in the folder of LAYERD_BUILD or else build/ of
the source; its questions stand at its head. LAYERD_SEED chooses the random inputs; a failure prints it.
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

import reference_bn254 as bn254  # noqa: E402  (these stand beside this file)
import reference_bulletproofs as bulletproofs  # noqa: E402
import reference_groth16 as groth16  # noqa: E402
import reference_halfaggregate as half  # noqa: E402
import reference_keccak as keccak  # noqa: E402
import reference_merlin as merlin  # noqa: E402
import reference_ring as ring  # noqa: E402
import reference_ristretto as group  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = HERE.parents[2]
PROGRAM = pathlib.Path(os.environ.get("LAYERD_BUILD", SOURCE / "build")) / "proof_reference"
VECTORS = pathlib.Path(os.environ.get("LAYERD_VECTORS", SOURCE.parent / "shared" / "vectors"))
SEED = int(os.environ.get("LAYERD_SEED", time.time_ns()))
IDENTITY = bytes(32)
BEYOND = group.ORDER.to_bytes(32, "little")  # the smallest scalar that is not canonical
NOT_CANONICAL = group.FIELD.to_bytes(32, "little")


def skip_loudly(reason):
    warnings.warn(f"SKIPPED: {reason}")  # shown at the end even where reasons of skips are not
    pytest.skip(reason)


@pytest.fixture(scope="module")
def ask():
    if not PROGRAM.exists():
        skip_loudly(f"{PROGRAM} is not built")
    process = subprocess.Popen([PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def question(*words):
        line = " ".join(word.hex() or "-" if isinstance(word, bytes) else str(word) for word in words)
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


def flat(rows):
    return [word for row in rows for word in row]


def yes_or_no(value):
    return "yes" if value else "no"


def hex_or_refused(data):
    return "refused" if data is None else data.hex() or "-"


def flipped(dice, data):
    changed = bytearray(data)
    changed[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
    return bytes(changed)


def changed_items(dice, data):
    """Each 32-byte item of a proof with one bit flipped, then zero or not canonical; then wrong lengths."""
    for start in range(0, len(data), 32):
        end = start + 32
        yield data[:start] + flipped(dice, data[start:end]) + data[end:]
        other = dice.choice((IDENTITY, BEYOND, NOT_CANONICAL, bytes([255]) * 32))
        if other != data[start:end]:
            yield data[:start] + other + data[end:]
    for size in (0, 1, 32, len(data) - 32, len(data) - 1):
        yield data[:size]
    yield data + bytes(1)
    yield data + bytes(32)
    yield data + bytes(64)


def random_scalar(dice):
    return dice.choice((1, 2, group.ORDER - 1) + (dice.randrange(1, group.ORDER),) * 5)


def random_element(dice):
    return group.encode(group.from_uniform(dice.randbytes(64)))


def random_label(dice):
    return bytes(dice.choice(b"abcdefghijklmnopqrstuvwxyz -_1") for _ in range(dice.randrange(1, 40)))


# --- Keccak and Merlin ----------------------------------------------------------------------------------

def test_permutation_and_hashes_agree(ask, dice):
    for _ in range(5):
        state = dice.randbytes(200)
        assert ask("permute", state) == keccak.permute(state).hex()
    for length in [0, 1, 71, 72, 73, 135, 136, 137, 143, 144, 145, 272] + dice.choices(range(3000), k=8):
        data = dice.randbytes(length)
        assert ask("sha3_256", data) == keccak.sha3_256(data).hex()
        assert ask("sha3_512", data) == keccak.sha3_512(data).hex()
        assert ask("keccak256", data) == keccak.keccak256(data).hex()
        size = dice.randrange(1, 600)
        assert ask("shake256", size, data) == keccak.shake256(data, size).hex()


def test_transcripts_agree(ask, dice):
    for _ in range(12):
        label = random_label(dice)
        transcript, words, expected = merlin.Transcript(label), [], []
        for _ in range(dice.randrange(1, 15)):
            name, way = random_label(dice), dice.randrange(4)
            if way == 0:
                data = dice.randbytes(dice.choice((0, 1, 32, 165, 166, 167, dice.randrange(500))))
                transcript.append(name, data)
                words += ["append", name, data]
            elif way == 1:
                value = dice.choice((0, 2**64 - 1, dice.randrange(2**64)))
                transcript.append_number(name, value)
                words += ["number", name, value]
            elif way == 2:
                purpose = random_label(dice)
                transcript.append(b"chain", name)
                transcript.append(b"purpose", purpose)
                words += ["bind", name, purpose]
            else:
                size = dice.choice((1, 32, 64, 166, 200))
                expected.append(transcript.challenge(name, size).hex())
                words += ["challenge", name, size]
        expected.append(transcript.challenge(b"last", 64).hex())
        assert ask("merlin", label, *words, "challenge", b"last", 64) == " ".join(expected)


def test_nonces_drawn_from_a_transcript_agree(ask, dice):
    for _ in range(8):
        label, seed, size = random_label(dice), dice.randbytes(32), dice.choice((1, 32, 64, 300))
        secrets = [(random_label(dice), dice.randbytes(size)) for size in dice.choices(range(1, 200), k=3)]
        expected = merlin.Source(merlin.Transcript(label), secrets, seed).draw(size)
        assert ask("nonces", label, seed, size, *flat(secrets)) == expected.hex()


# --- ristretto255 ---------------------------------------------------------------------------------------

def test_scalars_agree(ask, dice):
    for _ in range(20):
        wide = dice.choice((bytes(64), bytes([255]) * 64, dice.randbytes(64), dice.randbytes(64)))
        assert ask("scalar_reduce", wide) == group.scalar_encode(group.scalar_wide(wide)).hex()
        a, b = (dice.choice((0, 1, group.ORDER - 1, random_scalar(dice))) for _ in range(2))
        words = group.scalar_encode(a), group.scalar_encode(b)
        assert ask("scalar_add", *words) == group.scalar_encode(a + b).hex()
        assert ask("scalar_subtract", *words) == group.scalar_encode(a - b).hex()
        assert ask("scalar_multiply", *words) == group.scalar_encode(a * b).hex()
        inverse = group.scalar_encode(pow(a, -1, group.ORDER)) if a else None
        assert ask("scalar_invert", words[0]) == hex_or_refused(inverse)
    for word in (BEYOND, bytes([255]) * 32, bytes(31), bytes(33)):
        for question in ("scalar_add", "scalar_subtract", "scalar_multiply"):
            assert ask(question, word, IDENTITY) == ask(question, IDENTITY, word) == "refused"
        assert ask("scalar_invert", word) == "refused"


def test_encodings_are_judged_alike(ask, dice):
    seen = set()
    for _ in range(150):
        element = random_element(dice)
        below = dice.randbytes(31) + bytes([dice.randrange(128)])
        data = dice.choice((element, flipped(dice, element), below, element[:-1], element + bytes(1),
                            IDENTITY, NOT_CANONICAL))
        expected = group.decode(data) is not None
        assert ask("element", data) == yes_or_no(expected), data.hex()
        seen.add(expected)
    assert seen == {True, False}


def test_group_operations_agree(ask, dice):
    for _ in range(10):
        wide = dice.choice((dice.randbytes(64), dice.randbytes(64), bytes(64), bytes([255]) * 64))
        mapped = group.from_uniform(wide)
        assert ask("element_uniform", wide) == group.encode(mapped).hex()
        data = [dice.choice((random_element(dice), random_element(dice), IDENTITY)) for _ in range(2)]
        data[1] = dice.choice((data[0], data[1]))
        a, b = (group.decode(item) for item in data)
        assert ask("element_add", *data) == group.encode(group.add(a, b)).hex()
        assert ask("element_subtract", *data) == group.encode(group.subtract(a, b)).hex()
        scalar = dice.choice((0, random_scalar(dice)))
        word = group.scalar_encode(scalar)
        assert ask("element_multiply", word, data[0]) == group.encode(group.multiply(scalar, a)).hex()
        assert ask("element_base", word) == group.encode(group.multiply(scalar, group.BASE)).hex()
    assert ask("element_uniform", bytes(63)) == "refused"
    for bad in (NOT_CANONICAL, bytes(31)):
        assert ask("element_add", bad, IDENTITY) == ask("element_subtract", IDENTITY, bad) == "refused"
        assert ask("element_multiply", group.scalar_encode(1), bad) == "refused"
    assert ask("element_multiply", BEYOND, IDENTITY) == ask("element_base", BEYOND) == "refused"


def test_sums_of_multiples_agree(ask, dice):
    for count in (1, 2, 3, dice.randrange(4, 20), dice.randrange(20, 64), 64):
        scalars = [dice.choice((0, random_scalar(dice))) for _ in range(count)]
        elements = [dice.choice((IDENTITY,) + (random_element(dice),) * 5) for _ in range(count)]
        terms = list(zip(scalars, elements))
        words = flat((group.scalar_encode(scalar), data) for scalar, data in terms)
        total = group.multiply_sum([(scalar, group.decode(data)) for scalar, data in terms])
        assert ask("element_sum", *words) == group.encode(total).hex()
        minus = group.encode(group.negate(total))
        assert group.decode(minus) is not None
        if count < 64:
            assert ask("element_sum", *words, group.scalar_encode(1), minus) == IDENTITY.hex()


# --- commitments and range proofs -----------------------------------------------------------------------

def test_commitments_and_generators_agree(ask, dice):
    for value in (0, 1, 2**64 - 1, dice.randrange(2**64)):
        for blinding in (0, random_scalar(dice)):
            expected = bulletproofs.commit(value, blinding).hex()
            assert ask("commit", value, group.scalar_encode(blinding)) == expected
    assert ask("commit", 1, BEYOND) == "refused"
    for _ in range(8):
        kind, party, index = dice.choice("GH"), dice.randrange(16), dice.randrange(64)
        answer = ask("range_generator", kind, party, index)
        assert answer == group.encode(bulletproofs.generators(kind.encode(), party, 64)[index]).hex()


def random_openings(dice, bits, parties):
    values = [dice.choice((0, 1, 2**bits - 1, dice.randrange(2**bits))) for _ in range(parties)]
    return [(value, dice.choice((0,) + (random_scalar(dice),) * 6)) for value in values]


def committed(openings):
    return [bulletproofs.commit(*opening) for opening in openings]


def c_proof(ask, label, bits, openings):
    """A proof of the C code; the transcript past it is the one that the verifiers come to."""
    answer = ask("range_prove", bits, label, *flat((v, group.scalar_encode(r)) for v, r in openings))
    if answer == "refused":
        return None
    proof, after = (bytes.fromhex(word) for word in answer.split(" "))
    transcript, commitments = merlin.Transcript(label), committed(openings)
    assert bulletproofs.verify(transcript, bits, commitments, proof)
    assert transcript.challenge(b"after", 32) == after
    assert ask("range_after", bits, label, proof, *commitments) == after.hex()
    return proof


def own_proof(dice, label, bits, openings):
    return bulletproofs.prove(merlin.Transcript(label), bits, openings, lambda: random_scalar(dice))


def judged(ask, label, bits, commitments, proof):
    """What both say about a range proof; they must say the same."""
    own = bulletproofs.verify(merlin.Transcript(label), bits, commitments, proof)
    assert ask("range_verify", bits, label, proof, *commitments) == yes_or_no(own)
    return own


def test_range_proofs_of_either_are_accepted_by_the_other(ask, dice):
    for bits, parties in ((8, 1), (16, 1), (32, 1), (64, 1), (32, 2), (16, 4), (8, 8)):
        label, openings = random_label(dice), random_openings(dice, bits, parties)
        commitments = committed(openings)
        for proof in (c_proof(ask, label, bits, openings), own_proof(dice, label, bits, openings)):
            assert judged(ask, label, bits, commitments, proof), (bits, parties)
            assert not judged(ask, label + b"x", bits, commitments, proof)
            assert not judged(ask, label, bits, commitments, flipped(dice, proof))
            other = list(commitments)
            other[dice.randrange(parties)] = dice.choice((random_element(dice), NOT_CANONICAL, bytes(31)))
            assert not judged(ask, label, bits, other, proof)
            assert not judged(ask, label, bits, commitments * 2, proof)


def test_the_largest_proof_of_the_c_code_is_accepted(ask, dice):
    openings = random_openings(dice, 64, 16)
    proof = c_proof(ask, b"largest", 64, openings)
    assert len(proof) == 32 * 29
    assert not judged(ask, b"largest", 64, committed(openings), flipped(dice, proof))


def test_changed_range_proofs_are_refused_by_both(ask, dice):
    for bits, parties in ((8, 1), (16, 2), (64, 1)):
        openings = random_openings(dice, bits, parties)
        commitments = committed(openings)
        made_by_c = dice.random() < 0.5
        make = c_proof if made_by_c else own_proof
        proof = make(ask if made_by_c else dice, b"range", bits, openings)
        assert judged(ask, b"range", bits, commitments, proof)
        for changed in changed_items(dice, proof):
            assert not judged(ask, b"range", bits, commitments, changed)
        for size in {8, 16, 32, 64, 7, 0, 128} - {bits}:
            assert not judged(ask, b"range", size, commitments, proof)
        if parties > 1 and commitments[0] != commitments[1]:
            assert not judged(ask, b"range", bits, commitments[::-1], proof)


def test_what_cannot_be_proved_is_refused_by_both(ask, dice):
    for bits, openings in ((8, [(256, 1)]), (32, [(2**32, 1)]), (16, [(1, 1), (65536, 1)]), (8, [(1, 1)] * 3),
                           (8, [(1, 1)] * 32), (9, [(1, 1)]), (0, [(0, 1)]), (128, [(0, 1)]), (8, [])):
        assert own_proof(dice, b"t", bits, openings) is None
        assert c_proof(ask, b"t", bits, openings) is None, (bits, openings)
    assert ask("range_prove", 8, b"t", 1, BEYOND) == "refused"


def test_batches_of_range_proofs_are_judged_alike(ask, dice):
    for bits, count in ((8, 1), (8, 5), (64, 3)):
        openings = random_openings(dice, bits, count)
        proofs = [own_proof(dice, b"batch", bits, [opening]) for opening in openings]
        rows = list(zip(proofs, committed(openings)))
        assert ask("range_batch", bits, b"batch", count, *flat(rows)) == "yes"
        for _ in range(6):
            changed = list(rows)
            place = dice.randrange(count)
            proof, commitment = rows[place]
            changed[place] = dice.choice(((flipped(dice, proof), commitment), (proof[:-32], commitment),
                                          (proof, flipped(dice, commitment)), (proof, random_element(dice))))
            assert ask("range_batch", bits, b"batch", count, *flat(changed)) == "no"
    # Two wrong proofs whose errors cancel in an unweighted sum: t_x_blinding one more here, one less there.
    proofs = [bytearray(own_proof(dice, b"batch", 8, [opening])) for opening in ((3, 5), (3, 5))]
    for proof, step in zip(proofs, (1, -1)):
        found = int.from_bytes(proof[160:192], "little") + step
        proof[160:192] = group.scalar_encode(found)
    rows = [(bytes(proof), bulletproofs.commit(3, 5)) for proof in proofs]
    assert ask("range_batch", 8, b"batch", 2, *flat(rows)) == "no"


# --- half-aggregation -----------------------------------------------------------------------------------

def signed(dice, count):
    triples = []
    for _ in range(count):
        secret, message = dice.randbytes(32), dice.randbytes(32)
        signature = half.schnorr.sign(secret, message, dice.randbytes(32))
        triples.append((half.schnorr.account(secret), message, signature))
    return triples


def pairs(triples):
    return [triple[:2] for triple in triples]


def test_batches_of_signatures_are_judged_alike(ask, dice):
    for count in (0, 1, 5):
        triples = [list(triple) for triple in signed(dice, count)]
        for triple in triples:
            if dice.random() < 0.4:
                word = dice.randrange(3)
                triple[word] = flipped(dice, triple[word])
        verdicts = [half.schnorr.verify(*triple) for triple in triples]
        expected = [yes_or_no(verdict) for verdict in verdicts + [all(verdicts)]]
        assert ask("signatures", *flat(triples)) == " ".join(expected)


def half_judged(ask, aggregate, rows):
    own = half.verify(aggregate, rows)
    assert ask("half_verify", aggregate, *flat(rows)) == yes_or_no(own)
    return own


def test_half_aggregates_are_the_same_bytes(ask, dice):
    for count in (0, 1, 2, 3, dice.randrange(4, 12)):
        triples = signed(dice, count)
        if count > 2:
            triples[1] = triples[0]  # the same signature twice is allowed
        whole = half.aggregate(triples)
        assert ask("half_aggregate", *flat(triples)) == whole.hex()
        assert half_judged(ask, whole, pairs(triples))
        old = dice.randrange(count + 1)
        part = half.aggregate(triples[:old])
        answer = ask("half_extend", part, old, *flat(pairs(triples[:old])), *flat(triples[old:]))
        assert answer == whole.hex()


def test_changed_half_aggregates_are_refused_by_both(ask, dice):
    triples = signed(dice, 3)
    whole, rows = half.aggregate(triples), pairs(triples)
    over = half.schnorr.bytes32(half.schnorr.ORDER)
    for _ in range(25):
        assert not half_judged(ask, flipped(dice, whole), rows)
    for changed in (whole[:-32], whole[32:], whole + bytes(32), b"", whole[:-32] + over, whole[:-1],
                    whole[:-32] + bytes(32), bytes(32) + whole[32:]):
        assert not half_judged(ask, changed, rows)
    for changed in (rows[:2], rows[::-1], rows + rows[:1], [], rows[:2] + [(rows[2][0], dice.randbytes(32))],
                    [(flipped(dice, rows[0][0]), rows[0][1])] + rows[1:]):
        assert not half_judged(ask, whole, changed)
    assert half_judged(ask, bytes(32), []) and not half_judged(ask, bytes(31) + b"\1", [])


def test_what_is_not_valid_is_not_aggregated_by_either(ask, dice):
    triples = signed(dice, 2)
    for _ in range(8):
        changed, place = list(triples), dice.randrange(2)
        row = list(triples[place])
        word = dice.randrange(3)
        row[word] = flipped(dice, row[word])
        changed[place] = tuple(row)
        assert half.aggregate(changed) is None
        assert ask("half_aggregate", *flat(changed)) == "refused"
    beyond = half.schnorr.bytes32(half.schnorr.ORDER)
    assert half.extend(beyond, [], triples) is None
    assert ask("half_extend", beyond, 0, *flat(triples)) == "refused"
    assert half.extend(bytes(64), [], triples) is None
    assert ask("half_extend", bytes(64), 0, *flat(triples)) == "refused"


# --- rings ----------------------------------------------------------------------------------------------

def random_ring(dice, count):
    secrets = [group.scalar_encode(dice.randrange(1, group.ORDER)) for _ in range(count)]
    return secrets, [ring.key_and_image(secret)[0] for secret in secrets]


def ring_judged(ask, label, keys, message, signature):
    own = ring.verify(merlin.Transcript(label), keys, message, signature)
    assert ask("ring_verify", label, message, signature, *keys) == yes_or_no(own)
    return own


def test_ring_keys_and_images_agree(ask, dice):
    secrets = [group.scalar_encode(random_scalar(dice)) for _ in range(5)]
    for secret in secrets + [IDENTITY, BEYOND, bytes(31)]:
        found = ring.key_and_image(secret)
        expected = "refused" if found is None else f"{found[0].hex()} {found[1].hex()}"
        assert ask("ring_key", secret) == expected


def test_ring_signatures_are_the_same_bytes(ask, dice):
    for count in (2, 3, dice.randrange(4, 16), 64):
        secrets, keys = random_ring(dice, count)
        index, label, message = dice.randrange(count), random_label(dice), dice.randbytes(dice.randrange(100))
        seed = dice.randbytes(32)
        signature = ring.sign(merlin.Transcript(label), keys, message, index, secrets[index], seed)
        answer = ask("ring_sign", label, message, seed, index, secrets[index], *keys)
        assert answer == signature.hex(), count
        assert ring_judged(ask, label, keys, message, signature)


def test_changed_ring_signatures_are_refused_by_both(ask, dice):
    secrets, keys = random_ring(dice, 3)
    signature = ring.sign(merlin.Transcript(b"ring"), keys, b"message", 2, secrets[2], dice.randbytes(32))
    assert ring_judged(ask, b"ring", keys, b"message", signature)
    for changed in changed_items(dice, signature):
        assert not ring_judged(ask, b"ring", keys, b"message", changed)
    for start in range(32, len(signature), 32):
        beyond = int.from_bytes(signature[start:start + 32], "little") + group.ORDER
        changed = signature[:start] + beyond.to_bytes(32, "little") + signature[start + 32:]
        assert not ring_judged(ask, b"ring", keys, b"message", changed)
    assert not ring_judged(ask, b"rung", keys, b"message", signature)
    assert not ring_judged(ask, b"ring", keys, b"massage", signature)
    others = random_ring(dice, 2)[1]
    for changed in (keys[::-1], keys[:2], keys + others[:1], [], others[:1] + keys[1:], keys[:2] + [IDENTITY],
                    [NOT_CANONICAL] + keys[1:], keys[:2] + keys[:1], keys[:2] + [bytes(31)]):
        assert not ring_judged(ask, b"ring", changed, b"message", signature)


def test_rings_that_are_not_allowed_are_signed_by_neither(ask, dice):
    secrets, keys = random_ring(dice, 3)
    many_secrets, many = random_ring(dice, 65)
    cases = [(0, secrets[1], keys), (3, secrets[1], keys), (0, secrets[0], keys[:1]), (0, IDENTITY, keys),
             (0, BEYOND, keys), (1, secrets[1], keys[:2] + [keys[0]]), (1, secrets[1], [IDENTITY] + keys[1:]),
             (1, secrets[1], [NOT_CANONICAL] + keys[1:]), (64, many_secrets[64], many), (0, secrets[0], [])]
    for index, secret, members in cases:
        assert ring.sign(merlin.Transcript(b"r"), members, b"m", index, secret, bytes(32)) is None
        assert ask("ring_sign", b"r", b"m", bytes(32), index, secret, *members) == "refused", index


def random_members(dice, count, index):
    """Secrets, members, pseudo-output and the difference z for one index; the others hold other values."""
    secrets, keys = random_ring(dice, count)
    blindings, pseudo_blinding = ([random_scalar(dice) for _ in range(count)], dice.randrange(1, group.ORDER))
    value = dice.choice((0, 2**64 - 1, dice.randrange(2**64)))
    members = [(key, bulletproofs.commit(value if i == index else dice.randrange(2**64), blinding))
               for i, (key, blinding) in enumerate(zip(keys, blindings))]
    difference = group.scalar_encode(blindings[index] - pseudo_blinding)
    return secrets, members, bulletproofs.commit(value, pseudo_blinding), difference


def clsag_judged(ask, label, members, pseudo, message, signature):
    own = ring.verify_confidential(merlin.Transcript(label), members, pseudo, message, signature)
    assert ask("clsag_verify", label, message, signature, pseudo, *flat(members)) == yes_or_no(own)
    return own


def test_confidential_ring_signatures_are_the_same_bytes(ask, dice):
    for count in (2, 3, dice.randrange(4, 16), 64):
        index, label, message = dice.randrange(count), random_label(dice), dice.randbytes(dice.randrange(100))
        secrets, members, pseudo, difference = random_members(dice, count, index)
        seed = dice.randbytes(32)
        signature = ring.sign_confidential(merlin.Transcript(label), members, pseudo, message, index,
                                           secrets[index], difference, seed)
        opening = secrets[index], difference, pseudo
        answer = ask("clsag_sign", label, message, seed, index, *opening, *flat(members))
        assert answer == signature.hex(), count
        assert clsag_judged(ask, label, members, pseudo, message, signature)


def test_changed_confidential_ring_signatures_are_refused_by_both(ask, dice):
    secrets, members, pseudo, difference = random_members(dice, 3, 1)
    signature = ring.sign_confidential(merlin.Transcript(b"ring"), members, pseudo, b"message", 1, secrets[1],
                                       difference, dice.randbytes(32))
    assert clsag_judged(ask, b"ring", members, pseudo, b"message", signature)
    for changed in changed_items(dice, signature):
        assert not clsag_judged(ask, b"ring", members, pseudo, b"message", changed)
    assert not clsag_judged(ask, b"rung", members, pseudo, b"message", signature)
    assert not clsag_judged(ask, b"ring", members, pseudo, b"massage", signature)
    for changed in (random_element(dice), flipped(dice, pseudo), IDENTITY, NOT_CANONICAL, members[0][1],
                    members[1][1], bytes(31)):
        assert not clsag_judged(ask, b"ring", members, changed, b"message", signature)
    for i in range(3):
        for bad in (random_element(dice), IDENTITY, NOT_CANONICAL, members[(i + 1) % 3][0]):
            for member in ((bad, members[i][1]), (members[i][0], bad)):
                changed = members[:i] + [member] + members[i + 1:]
                assert not clsag_judged(ask, b"ring", changed, pseudo, b"message", signature)
    for changed in (members[::-1], members[:2], members + members[:1], []):
        assert not clsag_judged(ask, b"ring", changed, pseudo, b"message", signature)


def test_confidential_rings_that_are_not_allowed_are_signed_by_neither(ask, dice):
    secrets, members, pseudo, difference = random_members(dice, 3, 1)
    more = group.scalar_encode(group.scalar_decode(difference) + 1)
    key, commitment = members[0]
    cases = [(0, secrets[1], difference, pseudo, members), (3, secrets[1], difference, pseudo, members),
             (1, secrets[0], difference, pseudo, members), (1, IDENTITY, difference, pseudo, members),
             (1, BEYOND, difference, pseudo, members), (1, secrets[1], more, pseudo, members),
             (1, secrets[1], IDENTITY, pseudo, members), (1, secrets[1], BEYOND, pseudo, members),
             (1, secrets[1], IDENTITY, members[1][1], members),
             (1, secrets[1], difference, IDENTITY, members),
             (1, secrets[1], difference, NOT_CANONICAL, members),
             (0, secrets[1], difference, pseudo, members[1:2]),
             (1, secrets[1], difference, pseudo, [(key, IDENTITY)] + members[1:]),
             (1, secrets[1], difference, pseudo, [(key, pseudo)] + members[1:]),
             (1, secrets[1], difference, pseudo, [(IDENTITY, commitment)] + members[1:]),
             (1, secrets[1], difference, pseudo, [(members[1][0], commitment)] + members[1:])]
    for index, secret, z, target, rows in cases:
        transcript = merlin.Transcript(b"r")
        assert ring.sign_confidential(transcript, rows, target, b"m", index, secret, z, bytes(32)) is None
        answer = ask("clsag_sign", b"r", b"m", bytes(32), index, secret, z, target, *flat(rows))
        assert answer == "refused", (index, z.hex())


def test_own_ring_vectors_are_answered_by_the_c_code(ask):
    data = json.loads((HERE / "ring_vectors.json").read_text())

    def words(row, *names):
        return [bytes.fromhex(row[name]) for name in names]

    for row in data["linkable"]:
        keys, label = [bytes.fromhex(key) for key in row["keys"]], row["label"].encode()
        message, seed, secret = words(row, "message", "random", "secret")
        assert ask("ring_sign", label, message, seed, row["index"], secret, *keys) == row["signature"]
    for row in data["confidential"]:
        members, label = [bytes.fromhex(word) for word in flat(row["members"])], row["label"].encode()
        message, seed, secret, z, pseudo = words(row, "message", "random", "secret", "difference", "pseudo")
        answer = ask("clsag_sign", label, message, seed, row["index"], secret, z, pseudo, *members)
        assert answer == row["signature"]


# --- BN254 ----------------------------------------------------------------------------------------------

def first_point(dice):
    scalar = dice.choice((0, 1, bn254.ORDER - 1, dice.randrange(bn254.ORDER)))
    return bn254.multiply(scalar, bn254.GENERATOR_1)


def second_bytes(q):
    (x0, x1), (y0, y1) = q or (bn254.ZERO2, bn254.ZERO2)
    return b"".join(value.to_bytes(32, "big") for value in (x1, x0, y1, y0))


def precompiled(ask, name, function, data):
    found = function(data)
    assert ask(name, data) == hex_or_refused(found), (name, data.hex())
    return found


def test_curve_sums_and_multiples_agree(ask, dice):
    for _ in range(20):
        p, q = first_point(dice), first_point(dice)
        q = dice.choice((p, bn254.negate(p), q, q))
        data = bn254.first_bytes(p) + bn254.first_bytes(q)
        assert precompiled(ask, "bn254_add", bn254.precompile_add, data) == bn254.first_bytes(bn254.add(p, q))
        order = bn254.ORDER.to_bytes(32, "big")
        scalar = dice.choice((bytes(32), bytes([255]) * 32, order, dice.randbytes(32)))
        assert precompiled(ask, "bn254_multiply", bn254.precompile_multiply, data[:64] + scalar) is not None
    seen = set()
    for _ in range(40):
        p = first_point(dice)
        size = dice.choice((0, 1, 63, 64, 65, 96, 127, 128, 129, 200))
        data = (bn254.first_bytes(p) + bn254.first_bytes(p) + dice.randbytes(72))[:size]
        if data and dice.random() < 0.5:
            data = flipped(dice, data)
        seen.add(precompiled(ask, "bn254_add", bn254.precompile_add, data) is None)
        seen.add(precompiled(ask, "bn254_multiply", bn254.precompile_multiply, data) is None)
    assert seen == {True, False}
    for x, y in ((bn254.FIELD, 2), (1, bn254.FIELD - 2), (1, bn254.FIELD + 2), (1 + bn254.FIELD, 2), (2, 2)):
        data = x.to_bytes(32, "big") + y.to_bytes(32, "big") + bytes(64)
        precompiled(ask, "bn254_add", bn254.precompile_add, data)
        precompiled(ask, "bn254_multiply", bn254.precompile_multiply, data)


def test_pairings_agree(ask, dice):
    p, q, order = bn254.GENERATOR_1, bn254.GENERATOR_2, bn254.ORDER
    for wrong in (0, 0, 0, 1):
        a, b, c = (dice.randrange(1, order) for _ in range(3))
        rows = [(bn254.multiply(a, p), bn254.multiply(b, q)), (bn254.multiply(c, p), q),
                (bn254.multiply(-(a * b + c + wrong) % order, p), q)]
        rows += dice.choice(([], [(None, q)], [(p, None)], [(None, None)]))
        dice.shuffle(rows)
        data = b"".join(bn254.first_bytes(first) + second_bytes(second) for first, second in rows)
        found = precompiled(ask, "bn254_pairing", bn254.precompile_pairing, data)
        assert found == (not wrong).to_bytes(32, "big")
        for _ in range(3):
            assert precompiled(ask, "bn254_pairing", bn254.precompile_pairing, flipped(dice, data)) is None
        for size in (1, 191, 64, len(data) - 1, len(data) - 32):
            assert precompiled(ask, "bn254_pairing", bn254.precompile_pairing, data[:size]) is None
    assert precompiled(ask, "bn254_pairing", bn254.precompile_pairing, b"") == (1).to_bytes(32, "big")


def twist_point(dice):
    """A point of the twist that is almost surely outside the subgroup."""
    while True:
        x = dice.randrange(bn254.FIELD), dice.randrange(bn254.FIELD)
        square = bn254.add2(bn254.multiply2(bn254.multiply2(x, x), x), bn254.TWIST_B)
        y = square_root2(square)
        if y is not None:
            return x, y


def square_root2(a):
    """Of a = a0 + a1 i, by norms: the field is 3 modulo 4."""
    def root(value):
        found = pow(value, (bn254.FIELD + 1) // 4, bn254.FIELD)
        return found if (found * found - value) % bn254.FIELD == 0 else None

    norm = root((a[0] * a[0] + a[1] * a[1]) % bn254.FIELD)
    for sign in (1, -1):
        real = None if norm is None else root((a[0] + sign * norm) * pow(2, -1, bn254.FIELD) % bn254.FIELD)
        if real:
            found = real, a[1] * pow(2 * real, -1, bn254.FIELD) % bn254.FIELD
            if bn254.multiply2(found, found) == a:
                return found
    return None


def test_twist_points_outside_the_subgroup_are_refused_by_both(ask, dice):
    cofactor = 2 * bn254.FIELD - bn254.ORDER  # the twist's order divided by the group's
    for _ in range(4):
        outside = twist_point(dice)
        assert bn254.on_curve(outside, bn254.TWIST_B)
        for first in (bn254.GENERATOR_1, None):
            data = bn254.first_bytes(first) + second_bytes(outside)
            assert precompiled(ask, "bn254_pairing", bn254.precompile_pairing, data) is None
        inside = bn254.multiply(cofactor, outside)
        data = bn254.first_bytes(None) + second_bytes(inside)
        assert precompiled(ask, "bn254_pairing", bn254.precompile_pairing, data) == (1).to_bytes(32, "big")


# --- Groth16 --------------------------------------------------------------------------------------------

NAMES = ("verification_key.json", "proof.json", "public.json")


def groth16_folder():
    folder = VECTORS / "groth16"
    if not folder.exists():
        skip_loudly(f"vectors not found: {folder}")
    return folder


def groth16_judged(ask, *texts):
    own = groth16.verify(*texts)
    assert ask("groth16_verify", *(text.encode() for text in texts)) == yes_or_no(own), texts[1:]
    return own


def test_groth16_cases_are_judged_alike(ask):
    folder = groth16_folder()
    for case in json.loads((folder / "index.json").read_text())["cases"]:
        texts = [(folder / case["fixture"] / name).read_text() for name in NAMES]
        for place, name in ((1, "proof"), (2, "public")):
            if name in case:
                texts[place] = json.dumps(case[name])
        assert groth16_judged(ask, *texts) is case["valid"], case["change"]


def numbers_of(value, path=()):
    """The paths of all decimal strings in a JSON value."""
    if isinstance(value, str):
        return [path] if value.isdigit() else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else []
    return [found for name, item in items for found in numbers_of(item, path + (name,))]


def with_number(value, path, change):
    value = json.loads(json.dumps(value))
    holder = value
    for name in path[:-1]:
        holder = holder[name]
    holder[path[-1]] = change(holder[path[-1]])
    return json.dumps(value)


def test_changed_groth16_numbers_are_refused_by_both(ask, dice):
    folder = groth16_folder()
    changes = [lambda text: str(int(text) ^ 1 << dice.randrange(250)),
               lambda text: str(int(text) + bn254.FIELD), lambda text: str(int(text) + bn254.ORDER),
               lambda text: "0" + text, lambda text: "-" + text,
               lambda text: " " + text, lambda text: text + "x", lambda text: "", lambda text: hex(int(text)),
               lambda text: int(text), lambda text: None, lambda text: "9" * 400, lambda text: text + "\0"]
    for fixture in ("mul", "poseidon2in"):
        texts = [(folder / fixture / name).read_text() for name in NAMES]
        assert groth16_judged(ask, *texts)
        for place in range(3):
            value = json.loads(texts[place])
            for path in numbers_of(value):
                if path[0] == "vk_alphabeta_12":
                    continue  # made from alpha and beta; a verifier need not read it
                for change in dice.sample(changes, 2):
                    changed = list(texts)
                    changed[place] = with_number(value, path, change)
                    assert not groth16_judged(ask, *changed), path


def test_malformed_groth16_files_are_refused_by_both(ask):
    texts = [(groth16_folder() / "mul" / name).read_text() for name in NAMES]
    for place in range(3):
        size = len(texts[place].rstrip())
        for wrong in ("", "null", "[]", "{}", "1", '"x"', "[" * 3000, texts[place][:size // 2],
                      texts[place][:size - 1], texts[place] + "x", texts[(place + 1) % 3]):
            changed = list(texts)
            changed[place] = wrong
            assert not groth16_judged(ask, *changed), (place, wrong[:40])
    for wrong in (0, 1, 3, -1, 2**31, "2", None):
        changed = [json.dumps(json.loads(texts[0]) | {"nPublic": wrong}), *texts[1:]]
        assert not groth16_judged(ask, *changed), wrong
    for place in (0, 1):
        for name in ("protocol", "curve"):
            changed, value = list(texts), json.loads(texts[place])
            for wrong in ("plonk", "", None, 1):
                changed[place] = json.dumps(value | {name: wrong})
                assert not groth16_judged(ask, *changed), name
            del value[name]
            changed[place] = json.dumps(value)
            assert not groth16_judged(ask, *changed), name


def test_keys_for_which_anybody_makes_proofs_are_refused_by_both(ask):
    """As a set-up to which nobody contributed: delta is gamma, and the proof is alpha, beta, minus the inputs."""
    key, proof, public = (json.loads((groth16_folder() / "mul" / name).read_text()) for name in NAMES)
    key["vk_delta_2"] = key["vk_gamma_2"]
    total, *inputs = (groth16.first_point(point) for point in key["IC"])
    for signal, point in zip(public, inputs):
        total = bn254.add(total, bn254.multiply(int(signal), point))
    (x, _), (y, _) = bn254.negate(total)
    proof |= {"pi_a": key["vk_alpha_1"], "pi_b": key["vk_beta_2"], "pi_c": [str(x), str(y), "1"]}
    assert not groth16_judged(ask, *map(json.dumps, (key, proof, public)))
    points = [groth16.first_point(key["vk_alpha_1"]), groth16.second_point(key["vk_beta_2"])]
    assert bn254.product_is_one([(bn254.negate(points[0]), points[1]), tuple(points),
                                 (total, groth16.second_point(key["vk_gamma_2"])),
                                 (bn254.negate(total), groth16.second_point(key["vk_delta_2"]))]), "no forgery"
    key, proof, public = (json.loads((groth16_folder() / "mul" / name).read_text()) for name in NAMES)
    key["IC"][2] = key["IC"][1]
    assert not groth16_judged(ask, *map(json.dumps, (key, proof, public)))


def test_groth16_proofs_of_either_are_accepted_by_the_other(ask, dice):
    folder = groth16_folder()
    for fixture in ("mul", "range16"):
        key = (folder / fixture / NAMES[0]).read_text()
        files = [(folder / fixture / name).read_bytes() for name in ("circuit.zkey", "witness.wtns")]
        proof, public = groth16.prove(*files, dice.randrange(bn254.ORDER), dice.randrange(bn254.ORDER))
        assert groth16_judged(ask, key, proof, public)
        proof, public = (bytes.fromhex(word).decode() for word in ask("groth16_prove", *files).split(" "))
        assert json.loads(public) == json.loads((folder / fixture / NAMES[2]).read_text())
        assert groth16_judged(ask, key, proof, public)
        again = bytes.fromhex(ask("groth16_prove", *files).split(" ")[0]).decode()
        assert json.loads(again) != json.loads(proof)  # blinded afresh
        zkey, wtns = files
        other = wtns[:-1] + bytes([wtns[-1] ^ 1])
        for wrong in ((zkey, other), (zkey, wtns[:-32]), (zkey[:-1], wtns), (wtns, zkey), (zkey, b""),
                      (b"", wtns)):
            assert ask("groth16_prove", *wrong) == "refused"
