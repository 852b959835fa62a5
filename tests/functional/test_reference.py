"""The second implementation agrees with published vectors, so that it may judge the node."""

import base64
import csv
import hashlib
import json
import os
from pathlib import Path

import pytest

from node import ROOT
from reference import bech32m, canonical, chain, ed25519, merkle, note, schema, schnorr

VECTORS = Path(os.environ.get("LAYERD_VECTORS") or ROOT.parent / "shared" / "vectors")


def vectors(name):
    path = VECTORS / name
    if not path.exists():
        pytest.skip("SKIPPED: vectors not found at %s" % path)
    return path.read_text()


def test_bip340_vectors_all_hold():
    rows = list(csv.DictReader(vectors("bip340.csv").splitlines()))
    assert len(rows) == 19
    for row in rows:
        public, message = bytes.fromhex(row["public key"]), bytes.fromhex(row["message"])
        signature = bytes.fromhex(row["signature"])
        assert schnorr.verify(public, message, signature) == (row["verification result"] == "TRUE"), row[
            "index"
        ]
        if row["secret key"]:
            secret = bytes.fromhex(row["secret key"])
            assert schnorr.public_key(secret) == public
            assert schnorr.sign(secret, message, bytes.fromhex(row["aux_rand"])) == signature, row["index"]


def test_rfc6962_vectors_all_hold():
    document = json.loads(vectors("rfc6962.json"))
    leaves = [merkle.leaf(bytes.fromhex(data)) for data in document["leaf_inputs"]]
    for size, expected in enumerate(document["roots_by_size"]):
        assert merkle.root(leaves[:size]).hex() == expected
    for case in document["inclusion"]:
        proof = [bytes.fromhex(step) for step in case["proof"]]
        got = merkle.verify_inclusion(
            case["leaf_index"],
            case["tree_size"],
            bytes.fromhex(case["leaf_hash"]),
            proof,
            bytes.fromhex(case["root"]),
        )
        assert got == case["valid"], case["case"]
    for case in document["consistency"]:
        proof = [bytes.fromhex(step) for step in case["proof"]]
        got = merkle.verify_consistency(
            case["size1"], case["size2"], bytes.fromhex(case["root1"]), bytes.fromhex(case["root2"]), proof
        )
        assert got == case["valid"], case["case"]


def test_ed25519_accepts_rfc8032_signatures_and_refuses_each_flipped_bit():
    # RFC 8032 section 7.1, TEST 3.
    public = bytes.fromhex("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025")
    message = bytes.fromhex("af82")
    signature = bytes.fromhex(
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
        "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
    )
    assert ed25519.verify(public, message, signature)
    assert not ed25519.verify(public, message + b"\x00", signature)
    for bit in range(0, 512, 37):
        flipped = bytearray(signature)
        flipped[bit // 8] ^= 1 << bit % 8
        assert not ed25519.verify(public, message, bytes(flipped))


def test_published_notes_open():
    document = json.loads(vectors("signed-note.json"))
    key = document["keys"][0]
    verifier = note.Verifier(key["verifier"])
    assert verifier.public_key.hex() == key["public_key"]
    assert verifier.key_id.hex() == key["key_id"]


def test_a_verifier_whose_id_does_not_fit_its_key_is_refused():
    data = base64.b64encode(b"\x01" + bytes(32)).decode()
    wrong = hashlib.sha256(b"another name\n\x01" + bytes(32)).digest()[:4].hex()
    with pytest.raises(AssertionError):
        note.Verifier("name+%s+%s" % (wrong, data))


def test_bech32m_round_trips_and_refuses_each_changed_character():
    text = bech32m.encode("lyt", bytes(range(32)))
    assert bech32m.decode(text) == ("lyt", bytes(range(32)))
    # BIP-350: valid bech32m.
    assert bech32m.decode("A1LQFN3A") == ("a", b"")
    for place in range(4, len(text)):
        changed = text[:place] + ("q" if text[place] != "q" else "p") + text[place + 1 :]
        with pytest.raises(ValueError):
            bech32m.decode(changed)


def test_canonical_form_sorts_by_utf16_and_escapes_shortly():
    # RFC 8785 section 3.2.3: U+1F600 sorts before U+FB33, because its first surrogate is D83D.
    names = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\u0080", "\u00f6"]
    text = canonical.encode({name: 0 for name in names}).decode()
    assert [pair[:-2] for pair in text[1:-1].split(",")] == [
        '"\\r"',
        '"1"',
        '"\u0080"',
        '"\u00f6"',
        '"\u20ac"',
        '"\U0001f600"',
        '"\ufb33"',
    ]
    assert (
        canonical.encode({"b": [1, None, True], "a": '\b\t\n\f\r"\\\u000f/'})
        == b'{"a":"\\b\\t\\n\\f\\r\\"\\\\\\u000f/","b":[1,null,true]}'
    )
    with pytest.raises(ValueError):
        canonical.encode(2**53)


def test_event_hash_depends_on_every_column():
    base = dict(
        previous=bytes(32), seq=1, block=2, time_us=3, event_type="a.b", subject="c/d", body="{}", last=True
    )
    hashes = {chain.event_hash(**base)}
    for change in (
        dict(previous=bytes(31) + b"\x01"),
        dict(seq=2),
        dict(block=1),
        dict(time_us=4),
        dict(event_type="a.c"),
        dict(subject=None),
        dict(subject=""),
        dict(body="{ }"),
        dict(last=False),
    ):
        hashes.add(chain.event_hash(**dict(base, **change)))
    assert len(hashes) == 10


def test_the_validator_refuses_what_its_schema_forbids():
    rules = schema.Schema(
        {
            "type": "object",
            "required": ["a"],
            "additionalProperties": False,
            "properties": {"a": {"type": "integer", "minimum": 1}, "b": {"$ref": "#/$defs/b"}},
            "$defs": {"b": {"type": "string", "pattern": "^x"}},
        }
    )
    rules.validate({"a": 1, "b": "xy"})
    for wrong in ({}, {"a": 0}, {"a": True}, {"a": 1, "b": "y"}, {"a": 1, "c": 2}, []):
        with pytest.raises(schema.Invalid):
            rules.validate(wrong)
    with pytest.raises(NotImplementedError):
        schema.Schema({"patternProperties": {}}).validate({})
