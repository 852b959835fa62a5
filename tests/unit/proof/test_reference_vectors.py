"""The second implementations against the published vectors, so that agreement with them means something.

Each file of vectors that is absent skips its test, loudly. Figures from RFC 9496 and the half-aggregation
draft stand here with their source. LAYERD_SEED chooses the random inputs; a failure prints it.
"""

import hashlib
import json
import os
import pathlib
import random
import sys
import time
import warnings

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import make_ring_vectors  # noqa: E402  (these stand beside this file)
import reference_bn254 as bn254  # noqa: E402
import reference_bulletproofs as bulletproofs  # noqa: E402
import reference_groth16 as groth16  # noqa: E402
import reference_halfaggregate as half  # noqa: E402
import reference_keccak as keccak  # noqa: E402
import reference_merlin as merlin  # noqa: E402
import reference_ring as ring  # noqa: E402
import reference_ristretto as group  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
VECTORS = pathlib.Path(os.environ.get("LAYERD_VECTORS", HERE.parents[3] / "shared" / "vectors"))
SEED = int(os.environ.get("LAYERD_SEED", time.time_ns()))

# RFC 9496, appendix A.1: the multiples 0 to 15 of the generator.
MULTIPLES = """
0000000000000000000000000000000000000000000000000000000000000000
e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76
6a493210f7499cd17fecb510ae0cea23a110e8d5b901f8acadd3095c73a3b919
94741f5d5d52755ece4f23f044ee27d5d1ea1e2bd196b462166b16152a9d0259
da80862773358b466ffadfe0b3293ab3d9fd53c5ea6c955358f568322daf6a57
e882b131016b52c1d3337080187cf768423efccbb517bb495ab812c4160ff44e
f64746d3c92b13050ed8d80236a7f0007c3b3f962f5ba793d19a601ebb1df403
44f53520926ec81fbd5a387845beb7df85a96a24ece18738bdcfa6a7822a176d
903293d8f2287ebe10e2374dc1a53e0bc887e592699f02d077d5263cdd55601c
02622ace8f7303a31cafc63f8fc48fdc16e1c8c8d234b2f0d6685282a9076031
20706fd788b2720a1ed2a5dad4952b01f413bcf0e7564de8cdc816689e2db95f
bce83f8ba5dd2fa572864c24ba1810f9522bc6004afe95877ac73241cafdab42
e4549ee16b9aa03099ca208c67adafcafa4c3f3e4e5303de6026e3ca8ff84460
aa52e000df2e16f55fb1032fc33bc42742dad6bd5a8fc0be0167436c5948501f
46376b80f409b29dc2b5f6f0c52591990896e5716f41477cd30085ab7f10301e
e0c418f7c8d9c4cdd7395b93ea124f3ad99021bb681dfc3302a9d99a2e53e64e
""".split()

# RFC 9496, appendix A.2: non-canonical, negative, non-square, negative xy, s = -1.
BAD_ENCODINGS = """
00ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff
ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f
f3ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f
edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f
0100000000000000000000000000000000000000000000000000000000000000
01ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f
ed57ffd8c914fb201471d1c3d245ce3c746fcbe63a3679d51b6a516ebebe0e20
c34c4e1826e5d403b78e246e88aa051c36ccf0aafebffe137d148a2bf9104562
c940e5a4404157cfb1628b108db051a8d439e1a421394ec4ebccb9ec92a8ac78
47cfc5497c53dc8e61c91d17fd626ffb1c49e2bca94eed052281b510b1117a24
f1c6165d33367351b0da8f6e4511010c68174a03b6581212c71c0e1d026c3c72
87260f7a2f12495118360f02c26a470f450dadf34a413d21042b43b9d93e1309
26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371
4eac077a713c57b4f4397629a4145982c661f48044dd3f96427d40b147d9742f
de6a7b00deadc788eb6b6c8d20c0ae96c2f2019078fa604fee5b87d6e989ad7b
bcab477be20861e01e4a0e295284146a510150d9817763caf1a6f4b422d67042
2a292df7e32cababbd9de088d1d1abec9fc0440f637ed2fba145094dc14bea08
f4a9e534fc0d216c44b218fa0c42d99635a0127ee2e53c712f70609649fdff22
8268436f8c4126196cf64b3c7ddbda90746a378625f9813dd9b8457077256731
2810e5cbc2cc4d4eece54f61c6f69758e289aa7ab440b3cbeaa21995c2f4232b
3eb858e78f5a7254d8c9731174a94f76755fd3941c0ac93735c07ba14579630e
a45fdc55c76448c049a1ab33f17023edfb2be3581e9c7aade8a6125215e04220
d483fe813c6ba647ebbfd3ec41adca1c6130c2beeee9d9bf065c8d151c5f396e
8a2e1d30050198c65a54483123960ccc38aef6848e1ec8f5f780e8523769ba32
32888462f8b486c68ad7dd9610be5192bbeaf3b443951ac1a8118419d9fa097b
227142501b9d4355ccba290404bde41575b037693cef1f438c47f8fbf35d1165
5c37cc491da847cfeb9281d407efc41e15144c876e0170b499a96a22ed31e01e
445425117cb8c90edcbc7c1cc0e74f747f2c1efa5630a967c64f287792a48a4b
ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f
""".split()

# RFC 9496, appendix A.3: SHA-512 of the text through the one-way map, then four inputs with one output.
MAPPED = {
    "Ristretto is traditionally a short shot of espresso coffee":
        "3066f82a1a747d45120d1740f14358531a8f04bbffe6a819f86dfe50f44a0a46",
    "made with the normal amount of ground coffee but extracted with":
        "f26e5b6f7d362d2d2a94c5d0e7602cb4773c95a2e5c31a64f133189fa76ed61b",
    "about half the amount of water in the same amount of time":
        "006ccd2a9e6867e6a2c5cea83d3302cc9de128dd2a9a57dd8ee7b9d7ffe02826",
    "by using a finer grind.":
        "f8f0c87cf237953c5890aec3998169005dae3eca1fbb04548c635953c817f92a",
    "This produces a concentrated shot of coffee per volume.":
        "ae81e7dedf20a497e10c304a765c1767a42d6e06029758d2d7e8ef7cc4c41179",
    "Just pulling a normal shot short will produce a weaker shot":
        "e2705652ff9f5e44d3e841bf1c251cf7dddb77d140870d1ab2ed64f1a9ce8628",
    "and is not a Ristretto as some believe.":
        "80bd07262511cdde4863f8a7434cef696750681cb9510eea557088f76d9e5065",
}
MAPPED_ALIKE = "304282791023b73128d277bdcb5c7746ef2eac08dde9f2983379cb8e5ef0517f"
ALIKE = [
    "ed" + "ff" * 31 + "12" + "00" * 31,
    "ed" + "ff" * 30 + "7f" + "ff" * 32,
    "00" * 31 + "80" + "ff" * 31 + "7f",
    "00" * 32 + "12" + "00" * 30 + "80",
]

# BlockstreamResearch/cross-input-aggregation hacspec-halfagg/tests/tests.rs, third verify vector.
TWO_AGGREGATED = (
    "b070aafcea439a4f6f1bbfc2eb66d29d24b0cab74d6b745c3cfb009cc8fe4aa8"
    "a3afbdb45a6a34bf7c8c00f1b6d7e7d375b54540f13716c87b62e51e2f4f22ff"
    "bf8913ec53226a34892d60252a7052614ca79ae939986828d81d2311957371ad")


def skip_loudly(reason):
    warnings.warn(f"SKIPPED: {reason}")  # shown at the end even where reasons of skips are not
    pytest.skip(reason)


def vectors_file(name):
    path = VECTORS / name
    if not path.exists():
        skip_loudly(f"vectors not found: {path}")
    return path


def vectors(name):
    return json.loads(vectors_file(name).read_text())


@pytest.fixture
def dice(request):
    print(f"LAYERD_SEED={SEED}")
    return random.Random(f"{SEED} {request.node.name}")


def unhex(text):
    return bytes.fromhex(text)


def random_scalar(dice):
    return dice.randrange(1, group.ORDER)


def flipped(dice, data, place=None):
    changed = bytearray(data)
    changed[dice.randrange(len(data)) if place is None else place] ^= 1 << dice.randrange(8)
    return bytes(changed)


# --- Keccak, STROBE, Merlin ---------------------------------------------------------------------

def test_keccak_agrees_with_the_published_permutations_and_hashes():
    data = vectors("keccak.json")
    for row in data["permutation"]:
        assert keccak.permute(unhex(row["input"])).hex() == row["output"]
    functions = {"sha3-256": keccak.sha3_256, "sha3-512": keccak.sha3_512, "keccak-256": keccak.keccak256,
                 "shake256-64": lambda message: keccak.shake256(message, 64)}
    assert len(data["hashes"]) == 24
    for row in data["hashes"]:
        assert functions[row["algorithm"]](unhex(row["message"])).hex() == row["output"], row["algorithm"]


def test_keccak_agrees_with_the_standard_library_at_every_length_around_the_rates(dice):
    for length in [*range(70, 74), *range(134, 138), *range(142, 146), *range(270, 274), 0, 1, 1000]:
        message = dice.randbytes(length)
        assert keccak.sha3_256(message) == hashlib.sha3_256(message).digest()
        assert keccak.sha3_512(message) == hashlib.sha3_512(message).digest()
        assert keccak.shake256(message, length) == hashlib.shake_256(message).digest(length)


def test_merlin_agrees_with_the_published_transcripts():
    simple, complex_ = vectors("merlin.json")["transcripts"]
    transcript = merlin.Transcript(simple["label"].encode())
    for step in simple["ops"]:
        if "append" in step:
            transcript.append(step["append"].encode(), step["data"].encode())
        else:
            assert transcript.challenge(step["challenge"].encode(), step["length"]).hex() == step["expect"]
    transcript = merlin.Transcript(complex_["label"].encode())
    for step in complex_["ops"]:
        transcript.append(step["append"].encode(), step["data"].encode())
    assert complex_["repeat"]["times"] == len(complex_["challenges"]) == 32
    for expected in complex_["challenges"]:
        challenge = transcript.challenge(b"challenge", 32)
        assert challenge.hex() == expected
        transcript.append(b"bigdata", b"\x63" * 1024)
        transcript.append(b"challengedata", challenge)
    assert challenge.hex() == complex_["last_published"]


def test_strobe_agrees_with_the_published_run():
    data = vectors("merlin.json")["strobe"]
    strobe, output = merlin.Strobe(data["protocol"].encode()), None
    assert strobe.state.hex() == data["state_after_new"]
    for step in data["ops"]:
        if step["op"] == "PRF":
            output = strobe.prf(step["length"], False)
            assert output.hex() == step["expect"]
        elif step["op"] == "KEY":
            strobe.key(output, False)
        else:
            material = step["data"].encode() if "data" in step else b"\x63" * 1024
            {"meta-AD": strobe.meta_ad, "AD": strobe.ad}[step["op"]](material, step["more"])


# --- ristretto255 -------------------------------------------------------------------------------

def test_ristretto_agrees_with_rfc_9496():
    point = group.IDENTITY
    for count, expected in enumerate(MULTIPLES):
        assert group.encode(point).hex() == expected == group.encode(group.multiply(count, group.BASE)).hex()
        assert group.equal(group.decode(unhex(expected)), point)
        point = group.add(point, group.BASE)
    for text in BAD_ENCODINGS:
        assert group.decode(unhex(text)) is None, text
    for text, expected in MAPPED.items():
        assert group.encode(group.from_uniform(hashlib.sha512(text.encode()).digest())).hex() == expected
    assert {group.encode(group.from_uniform(unhex(text))).hex() for text in ALIKE} == {MAPPED_ALIKE}


def test_group_laws_hold_and_all_ways_to_multiply_agree(dice):
    assert (group.SQRT_AD_MINUS_ONE**2 + group.D + 1) % group.FIELD == 0
    assert group.negative(group.SQRT_AD_MINUS_ONE)  # the RFC's root is the odd one
    a, b = random_scalar(dice), random_scalar(dice)
    p = group.from_uniform(dice.randbytes(64))
    assert group.equal(group.multiply(a, group.multiply(b, p)), group.multiply(a * b, p))
    assert group.equal(group.add(group.multiply(a, p), group.multiply(b, p)), group.multiply(a + b, p))
    assert group.equal(group.subtract(p, p), group.IDENTITY)
    assert group.encode(group.multiply(group.ORDER, p)) == bytes(32)
    assert not group.equal(p, group.double(p))
    terms = [(random_scalar(dice), group.from_uniform(dice.randbytes(64))) for _ in range(5)]
    single = group.IDENTITY
    for scalar, point in terms:
        for bit in range(253):
            if scalar >> bit & 1:
                single = group.add(single, point)
            point = group.double(point)
    assert group.equal(single, group.multiply_sum(terms))
    assert group.equal(single, group.bucket_sum(terms, 6)) and group.equal(single, group.bucket_sum(terms, 8))


# --- range proofs -------------------------------------------------------------------------------

def range_verify(label, bits, commitments, proof):
    return bulletproofs.verify(merlin.Transcript(label), bits, commitments, proof)


def range_prove(dice, label, bits, openings):
    return bulletproofs.prove(merlin.Transcript(label), bits, openings, lambda: random_scalar(dice))


def test_generators_are_those_of_dalek():
    found = vectors("bulletproofs-dalek.json")["generators_computed"]
    assert group.encode(group.BASE).hex() == found.pop("B")
    assert group.encode(group.BLINDING_BASE).hex() == found.pop("B_blinding")
    for name, expected in found.items():
        party, index = (int(part.rstrip("]")) for part in name[2:].split("["))
        chain = bulletproofs.generators(name[0].encode(), party, 64)
        assert group.encode(chain[index]).hex() == expected, name


def test_published_range_proofs_are_judged_as_they_say():
    data = vectors("bulletproofs-dalek.json")
    commitments = [unhex(text) for text in data["commitments"]]
    assert len(data["proofs"]) == 8 and len(data["negatives_own"]) == 6
    for row in data["proofs"]:
        proof, chosen = unhex(row["proof"]), commitments[:row["m"]]
        assert range_verify(data["label"].encode(), row["n"], chosen, proof) is row["valid"]
    for row in data["negatives_own"]:
        proof, chosen = unhex(row["proof"]), [commitments[i] for i in row["commitments"]]
        assert range_verify(row["label"].encode(), row["n"], chosen, proof) is row["valid"], row["why"]


def test_own_range_proofs_verify_and_changed_ones_do_not(dice):
    for bits, parties in ((8, 1), (64, 1), (16, 4)):
        values = [dice.choice([0, 2**bits - 1, dice.randrange(2**bits)]) for _ in range(parties)]
        openings = [(value, random_scalar(dice)) for value in values]
        commitments = [bulletproofs.commit(*opening) for opening in openings]
        proof = range_prove(dice, b"t", bits, openings)
        assert range_verify(b"t", bits, commitments, proof)
        assert not range_verify(b"T", bits, commitments, proof)
        for size in (0, 32, len(proof) - 1, len(proof) - 32):
            assert not range_verify(b"t", bits, commitments, proof[:size])
        assert not range_verify(b"t", bits, commitments, proof + bytes(64))
        for place in range(0, len(proof), 32):
            changed = flipped(dice, proof, place + dice.randrange(32))
            assert not range_verify(b"t", bits, commitments, changed), place
        for place in range(0, len(proof), 32) if bits == 8 else []:
            identity = proof[:place] + bytes(32) + proof[place + 32:]
            assert not range_verify(b"t", bits, commitments, identity), place
        changed = [flipped(dice, commitments[0])] + commitments[1:]
        assert not range_verify(b"t", bits, changed, proof)


def test_a_value_beyond_the_range_cannot_be_proved(dice):
    blinding = random_scalar(dice)
    assert range_prove(dice, b"t", 8, [(256, blinding)]) is None
    proof = range_prove(dice, b"t", 8, [(0, blinding)])
    assert range_verify(b"t", 8, [bulletproofs.commit(0, blinding)], proof)
    assert not range_verify(b"t", 8, [bulletproofs.commit(256, blinding)], proof)
    for bits, count in ((7, 1), (0, 1), (128, 1), (8, 3), (8, 0), (8, 32)):
        openings = [(0, blinding)] * count
        assert range_prove(dice, b"t", bits, openings) is None
        assert not range_verify(b"t", bits, [bulletproofs.commit(0, 1)] * count, proof)


# --- half-aggregation ---------------------------------------------------------------------------

def signed(dice, count):
    triples = []
    for _ in range(count):
        secret, message = dice.randbytes(32), dice.randbytes(32)
        signature = half.schnorr.sign(secret, message, dice.randbytes(32))
        triples.append((half.schnorr.account(secret), message, signature))
    return triples


def pairs(triples):
    return [triple[:2] for triple in triples]


def test_half_aggregates_agree_with_the_draft():
    for row in vectors("halfagg.json")["vectors"]:
        triples = []
        for entry in row["inputs"]:
            message, aux = unhex(entry["message"]), unhex(entry["aux_rand"])
            signature = half.schnorr.sign(unhex(entry["secret_key"]), message, aux)
            assert signature.hex() == entry["signature"]
            triples.append((unhex(entry["public_key"]), message, signature))
        assert half.aggregate(triples).hex() == row["aggregate_signature"]
        assert half.verify(unhex(row["aggregate_signature"]), pairs(triples)) is row["valid"]


def test_the_drafts_aggregate_of_two_is_made_at_once_and_in_two_steps():
    triples = []
    for secret, message, aux in ((1, 2, 3), (4, 5, 6)):  # each byte of the draft's inputs
        key, said = bytes([secret]) * 32, bytes([message]) * 32
        triples.append((half.schnorr.account(key), said, half.schnorr.sign(key, said, bytes([aux]) * 32)))
    assert half.aggregate(triples).hex() == TWO_AGGREGATED
    one = half.aggregate(triples[:1])
    assert half.extend(one, pairs(triples[:1]), triples[1:]).hex() == TWO_AGGREGATED
    assert half.verify(unhex(TWO_AGGREGATED), pairs(triples))


def test_changed_half_aggregates_are_refused(dice):
    triples = signed(dice, 3)
    whole = half.aggregate(triples)
    assert half.verify(whole, pairs(triples))
    for place in range(len(whole)):
        assert place % 8 or not half.verify(flipped(dice, whole, place), pairs(triples))
    assert not half.verify(whole, pairs([triples[1], triples[0], triples[2]]))
    assert not half.verify(whole, pairs(triples[:2]))
    assert not half.verify(whole[:-32], pairs(triples))
    assert not half.verify(b"", []) and half.verify(bytes(32), [])
    over = half.schnorr.number(whole[-32:]) + half.schnorr.ORDER
    if over < 2**256:
        assert not half.verify(whole[:-32] + half.schnorr.bytes32(over), pairs(triples))
    assert half.extend(half.schnorr.bytes32(half.schnorr.ORDER), [], triples) is None


def test_invalid_signatures_whose_sum_is_right_are_not_aggregated(dice):
    """The draft's strange case: z_0 = 1, so s_0 + z_1 d and s_1 - d give the same sum; neither is valid."""
    (p0, m0, s0), (p1, m1, s1) = signed(dice, 2)
    order, number = half.schnorr.ORDER, half.schnorr.number
    factor = half.randomizers([(s0[:32], p0, m0), (s1[:32], p1, m1)])[1]
    bent0 = s0[:32] + half.schnorr.bytes32((number(s0[32:]) + factor) % order)
    bent1 = s1[:32] + half.schnorr.bytes32((number(s1[32:]) - 1) % order)
    total = (number(bent0[32:]) + factor * number(bent1[32:])) % order
    assert half.verify(s0[:32] + s1[:32] + half.schnorr.bytes32(total), [(p0, m0), (p1, m1)])
    assert half.aggregate([(p0, m0, bent0), (p1, m1, bent1)]) is None


# --- rings --------------------------------------------------------------------------------------

def test_ring_known_answers_are_reproduced_and_verify():
    text = (HERE / "ring_vectors.json").read_text()
    assert text == make_ring_vectors.text()
    data = json.loads(text)
    for row in data["linkable"]:
        keys, message = [unhex(key) for key in row["keys"]], unhex(row["message"])
        assert ring.verify(merlin.Transcript(row["label"].encode()), keys, message, unhex(row["signature"]))
    for row in data["confidential"]:
        members = [tuple(unhex(text) for text in member) for member in row["members"]]
        blinding = group.scalar_decode(unhex(row["blinding"]))
        assert members[row["index"]][1] == bulletproofs.commit(int(row["value"]), blinding)
        said = [unhex(row[name]) for name in ("pseudo", "message", "signature")]
        assert ring.verify_confidential(merlin.Transcript(row["label"].encode()), members, *said)


def made_ring(dice, count):
    secrets = [group.scalar_encode(random_scalar(dice)) for _ in range(count)]
    return secrets, [ring.key_and_image(secret)[0] for secret in secrets]


def made_members(dice, count, index, value):
    """Secrets, members, pseudo-output and the difference for one index; the others hold other values."""
    secrets, keys = made_ring(dice, count)
    blindings, pseudo_blinding = [random_scalar(dice) for _ in keys], random_scalar(dice)
    members = [(key, bulletproofs.commit(value if i == index else value + 1 + i, blinding))
               for i, (key, blinding) in enumerate(zip(keys, blindings))]
    difference = group.scalar_encode(blindings[index] - pseudo_blinding)
    return secrets, members, bulletproofs.commit(value, pseudo_blinding), difference


def transcript():
    return merlin.Transcript(b"ring test")


def test_ring_signatures_verify_at_every_index_and_link(dice):
    secrets, keys = made_ring(dice, 4)
    for index in range(4):
        first = ring.sign(transcript(), keys, b"one", index, secrets[index], dice.randbytes(32))
        second = ring.sign(transcript(), keys[::-1], b"two", 3 - index, secrets[index], dice.randbytes(32))
        assert ring.verify(transcript(), keys, b"one", first)
        assert ring.verify(transcript(), keys[::-1], b"two", second)
        assert first[:32] == second[:32] and first != second
        images = [ring.key_and_image(secret)[1] for secret in secrets]
        assert first[:32] == images[index] and images.count(first[:32]) == 1


def test_changed_ring_signatures_are_refused(dice):
    secrets, keys = made_ring(dice, 3)
    signature = ring.sign(transcript(), keys, b"message", 1, secrets[1], dice.randbytes(32))
    for place in range(0, len(signature), 4):
        assert not ring.verify(transcript(), keys, b"message", flipped(dice, signature, place))
    assert not ring.verify(transcript(), keys, b"massage", signature)
    assert not ring.verify(merlin.Transcript(b"Ring test"), keys, b"message", signature)
    assert not ring.verify(transcript(), keys[1:] + keys[:1], b"message", signature)
    assert not ring.verify(transcript(), keys[:2], b"message", signature)
    assert not ring.verify(transcript(), keys, b"message", signature[:-32])
    assert not ring.verify(transcript(), keys, b"message", signature + bytes(32))
    for i in range(3):
        changed = list(keys)
        changed[i] = made_ring(dice, 1)[1][0]
        assert not ring.verify(transcript(), changed, b"message", signature)
    for place in range(32, len(signature), 32):
        beyond = int.from_bytes(signature[place:place + 32], "little") + group.ORDER
        same = signature[:place] + beyond.to_bytes(32, "little") + signature[place + 32:]
        assert not ring.verify(transcript(), keys, b"message", same)


def test_an_image_of_another_key_or_base_is_refused(dice):
    """Signers who put another image in, and close the ring as well as they can."""
    secrets, keys = made_ring(dice, 3)
    x = group.scalar_decode(secrets[1])
    honest = group.multiply(x, ring.image_base(keys[1]))
    images = [group.multiply(x, ring.image_base(keys[0])), group.multiply(2 * x, ring.image_base(keys[1])),
              group.negate(honest), group.multiply(x, group.BASE), group.add(honest, group.BASE)]
    for image in images:
        data = group.encode(image)
        built = ring.linkable_ring(transcript(), keys, b"m", data)
        signature = data + built.sign(1, x, [(b"x", secrets[1])], dice.randbytes(32))
        assert not ring.verify(transcript(), keys, b"m", signature)
    data = group.encode(honest)
    built = ring.linkable_ring(transcript(), keys, b"m", data)
    signature = data + built.sign(1, x, [(b"x", secrets[1])], dice.randbytes(32))
    assert ring.verify(transcript(), keys, b"m", signature)


def test_rings_that_are_not_allowed_are_refused(dice):
    secrets, keys = made_ring(dice, 3)
    bad = [bytes(32), unhex(BAD_ENCODINGS[3]), unhex(BAD_ENCODINGS[12])]
    for key in bad + [keys[1]]:
        changed = [keys[0], keys[1], key]
        assert ring.sign(transcript(), changed, b"m", 1, secrets[1], bytes(32)) is None
        assert ring.linkable_ring(transcript(), changed, b"m", ring.key_and_image(secrets[1])[1]) is None
    for image in bad:
        assert ring.linkable_ring(transcript(), keys, b"m", image) is None
    assert ring.sign(transcript(), keys[:1], b"m", 0, secrets[0], bytes(32)) is None
    assert ring.sign(transcript(), keys, b"m", 0, secrets[1], bytes(32)) is None
    assert ring.sign(transcript(), keys, b"m", 3, secrets[1], bytes(32)) is None
    assert ring.key_and_image(bytes(32)) is None
    assert ring.key_and_image(group.ORDER.to_bytes(32, "little")) is None
    many_secrets, many = made_ring(dice, 65)
    assert ring.sign(transcript(), many, b"m", 0, many_secrets[0], bytes(32)) is None
    signature = ring.sign(transcript(), many[:64], b"m", 63, many_secrets[63], bytes(32))
    assert ring.verify(transcript(), many[:64], b"m", signature)


def test_confidential_rings_verify_at_every_index_and_link(dice):
    for count in (2, 5):
        for index in range(count):
            value = dice.randrange(2**63)
            secrets, members, pseudo, difference = made_members(dice, count, index, value)
            signature = ring.sign_confidential(transcript(), members, pseudo, b"m", index, secrets[index],
                                               difference, dice.randbytes(32))
            assert ring.verify_confidential(transcript(), members, pseudo, b"m", signature)
            assert signature[:32] == ring.key_and_image(secrets[index])[1]
            keys = [key for key, _ in members]
            linkable = ring.sign(transcript(), keys, b"m", index, secrets[index], dice.randbytes(32))
            assert linkable[:32] == signature[:32]
            assert not ring.verify(transcript(), keys, b"m", signature[:32] + signature[64:])


def test_changed_confidential_rings_are_refused(dice):
    secrets, members, pseudo, difference = made_members(dice, 3, 2, 77)
    signature = ring.sign_confidential(transcript(), members, pseudo, b"m", 2, secrets[2], difference,
                                       dice.randbytes(32))
    assert ring.verify_confidential(transcript(), members, pseudo, b"m", signature)
    for place in range(0, len(signature), 4):
        changed = flipped(dice, signature, place)
        assert not ring.verify_confidential(transcript(), members, pseudo, b"m", changed), place
    other = bulletproofs.commit(77, random_scalar(dice))
    assert not ring.verify_confidential(transcript(), members, other, b"m", signature)
    assert not ring.verify_confidential(transcript(), members, pseudo, b"n", signature)
    assert not ring.verify_confidential(transcript(), members[::-1], pseudo, b"m", signature)
    for i in range(3):
        changed = list(members)
        changed[i] = (members[i][0], other)
        assert not ring.verify_confidential(transcript(), changed, pseudo, b"m", signature)
    for place in (0, 32):
        identity = signature[:place] + bytes(32) + signature[place + 32:]
        assert not ring.verify_confidential(transcript(), members, pseudo, b"m", identity)


def test_a_pseudo_output_of_another_amount_is_refused(dice):
    """The signer knows x but no z; every choice of D that he can make fails."""
    secrets, members, _, _ = made_members(dice, 3, 0, 100)
    blinding = random_scalar(dice)
    more = bulletproofs.commit(101, blinding)
    x, key = group.scalar_decode(secrets[0]), members[0][0]
    image = ring.key_and_image(secrets[0])[1]
    one = group.scalar_encode(1)
    assert ring.sign_confidential(transcript(), members, more, b"m", 0, secrets[0], one, bytes(32)) is None
    for z in (1, blinding, x):
        auxiliary = group.encode(group.multiply(z, ring.image_base(key)))
        built, mu_p, mu_c = ring.confidential_ring(transcript(), members, more, b"m", image, auxiliary)
        answer = built.sign(0, (mu_p * x + mu_c * z) % group.ORDER, [], dice.randbytes(32))
        assert not ring.verify_confidential(transcript(), members, more, b"m", image + auxiliary + answer)


def test_confidential_rings_that_are_not_allowed_are_refused(dice):
    secrets, members, pseudo, difference = made_members(dice, 3, 1, 5)
    image = ring.key_and_image(secrets[1])[1]
    bad = [bytes(32), unhex(BAD_ENCODINGS[3]), unhex(BAD_ENCODINGS[12])]

    def allowed(members=members, pseudo=pseudo, image=image, auxiliary=image):
        return ring.confidential_ring(transcript(), members, pseudo, b"m", image, auxiliary) is not None

    assert allowed()
    for data in bad:
        assert not allowed(pseudo=data) and not allowed(image=data) and not allowed(auxiliary=data)
        assert not allowed(members=members[:2] + [(data, members[2][1])])
        assert not allowed(members=members[:2] + [(members[2][0], data)])
    assert allowed(members=members[:2] + [(members[2][0], members[1][1])])  # equal commitments
    assert not allowed(members=members[:2] + [(members[1][0], members[2][1])])  # equal keys
    assert not allowed(pseudo=members[0][1])  # no difference to sign with
    assert not allowed(members=members[:1])

    def signs(index, z, pseudo=pseudo):
        random = dice.randbytes(32)
        found = ring.sign_confidential(transcript(), members, pseudo, b"m", index, secrets[1], z, random)
        return found is not None

    zero, more = group.scalar_encode(0), group.scalar_encode(group.scalar_decode(difference) + 1)
    assert signs(1, difference) and not signs(0, difference) and not signs(3, difference)
    for z in (zero, group.ORDER.to_bytes(32, "little"), more):
        assert not signs(1, z)
    assert not signs(1, zero, members[1][1])


def test_two_messages_never_share_a_nonce_even_with_a_broken_random_source(dice):
    secrets, keys = made_ring(dice, 2)
    first, again, other = (ring.sign(transcript(), keys, message, 0, secrets[0], bytes(32))
                           for message in (b"a", b"a", b"b"))
    assert first == again
    assert all(first[i:i + 32] != other[i:i + 32] for i in range(32, len(first), 32))


# --- BN254 and Groth16 --------------------------------------------------------------------------

PRECOMPILES = {"add": bn254.precompile_add, "mul": bn254.precompile_multiply,
               "pairing": bn254.precompile_pairing}


def test_bn254_agrees_with_the_published_precompile_results():
    data = vectors("bn254.json")
    for name, function in PRECOMPILES.items():
        assert len(data[name]) >= 7
        for row in data[name]:
            assert function(unhex(row["input"])).hex() == row["expected"], row["name"]
    for row in data["failures_own"]:
        assert PRECOMPILES[row["op"]](unhex(row["input"])) is None, row["why"]


def test_the_pairing_is_bilinear_and_not_degenerate(dice):
    p, q = bn254.GENERATOR_1, bn254.GENERATOR_2
    assert bn254.first(p[0][0], p[1][0]) == p and bn254.second(*q) == q
    a, b = dice.randrange(1, bn254.ORDER), dice.randrange(1, bn254.ORDER)
    base = bn254.pairing([(p, q)])
    assert base != bn254.ONE12 and bn254.power12(base, bn254.ORDER) == bn254.ONE12
    both = bn254.pairing([(bn254.multiply(a, p), bn254.multiply(b, q))])
    assert both == bn254.power12(base, a * b % bn254.ORDER) != bn254.power12(base, a)
    assert bn254.pairing([(None, q), (p, None)]) == bn254.ONE12
    plain = bn254.power12(bn254.miller([(p, q)]), (bn254.FIELD**12 - 1) // bn254.ORDER)
    assert plain == base  # the final power by its definition


def groth16_files(fixture):
    folder = vectors_file("groth16") / fixture
    return [(folder / name).read_text() for name in ("verification_key.json", "proof.json", "public.json")]


def test_groth16_cases_are_judged_as_they_say():
    cases = vectors("groth16/index.json")["cases"]
    assert len(cases) == 27 and {case["valid"] for case in cases} == {True, False}
    for case in cases:
        key, proof, public = groth16_files(case["fixture"])
        proof = json.dumps(case["proof"]) if "proof" in case else proof
        public = json.dumps(case["public"]) if "public" in case else public
        assert set(case) <= {"fixture", "change", "valid", "proof", "public"}
        assert groth16.verify(key, proof, public) is case["valid"], (case["fixture"], case["change"])


def test_groth16_proofs_of_our_own_verify(dice):
    for fixture in ("mul", "range16"):
        key, _, expected = groth16_files(fixture)
        folder = VECTORS / "groth16" / fixture
        blinding = [dice.randrange(bn254.ORDER) for _ in range(2)]
        files = [(folder / name).read_bytes() for name in ("circuit.zkey", "witness.wtns")]
        proof, public = groth16.prove(*files, *blinding)
        assert json.loads(public) == json.loads(expected)
        assert groth16.verify(key, proof, public)
        wrong = json.loads(public)
        wrong[0] = str(int(wrong[0]) + 1)
        assert not groth16.verify(key, proof, json.dumps(wrong))


def test_malformed_groth16_files_are_refused():
    key, proof, public = groth16_files("mul")
    assert groth16.verify(key, proof, public)
    for changed in ("", "{", "null", "[]", "1", proof[:-3], proof.replace("groth16", "plonk"),
                    proof.replace("bn128", "bls12381")):
        assert not groth16.verify(key, changed, public), changed[:40]
    for changed in ("", "{}", "[]", '["33"]', '["33","3","0"]', '["033","3"]', '["-1","3"]', '["0x21","3"]',
                    '[33,3]', '[" 33","3"]'):
        assert not groth16.verify(key, proof, changed), changed
    values = json.loads(proof)
    for name in ("pi_a", "pi_b", "pi_c"):
        assert not groth16.verify(key, json.dumps({k: v for k, v in values.items() if k != name}), public)
        infinity = [["0", "0"], ["0", "0"], ["0", "0"]] if name == "pi_b" else ["0", "0", "0"]
        assert not groth16.verify(key, json.dumps(values | {name: infinity}), public)
        infinity = [["0", "0"], ["0", "0"], ["1", "0"]] if name == "pi_b" else ["0", "0", "1"]
        assert not groth16.verify(key, json.dumps(values | {name: infinity}), public)
