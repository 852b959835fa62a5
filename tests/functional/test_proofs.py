"""Proofs on record: what `proof.verify` takes and refuses, what binds a proof, and `layer-cli proof` without a
node. Hashes are computed here anew, from the README's and header's words.
"""

import json
import os
import secrets
import struct
import subprocess
from pathlib import Path

import pytest

from layerd_client import Account
from node import LAYER_CLI, ROOT, environment
from reference import schnorr
from test_ledger import refused

VECTORS = Path(os.environ.get("LAYERD_VECTORS") or ROOT.parent / "shared" / "vectors")
PURPOSE = "functional tests"
MALFORMED, INVALID, NO_KEY, LISTED, RETIRED, NOT_BOUND, RECORDED, NO_RECORD = (
    6001, 6002, 6011, 6012, 6013, 6014, 6015, 6016,
)  # fmt: skip


@pytest.fixture(scope="module")
def house(shared):
    shared.alice, shared.bob = Account("alice"), Account("bob")
    return shared


@pytest.fixture
def fixture_folder():
    folder = VECTORS / "groth16" / "mul"
    if not folder.is_dir():
        pytest.skip("no vectors in %s: the Groth16 fixtures are NOT tested" % VECTORS)
    return folder


# --- computed here -------------------------------------------------------------------------------------------


def sized(*parts):
    return b"".join(struct.pack(">I", len(part)) + part for part in parts)


def bound_message(chain, purpose, message):
    return schnorr.tagged_hash("layerd/proof-message", sized(chain.encode(), purpose.encode()) + message)


def binding(chain, purpose):
    value = bytearray(schnorr.tagged_hash("layerd/proof-binding", sized(chain.encode(), purpose.encode())))
    value[0] &= 0x1F
    return bytes(value)


def half_aggregate(chain, purpose, count=3):
    """Signed and aggregated here, by half-aggregation.mediawiki: r of each, and the sum of z·s."""
    accounts = [Account("signer %d" % i) for i in range(count)]
    messages = [secrets.token_bytes(32) for _ in range(count)]
    together, total, points = b"", 0, b""
    for i, (account, message) in enumerate(zip(accounts, messages)):
        hashed = bound_message(chain, purpose, message)
        signature = schnorr.sign(account.secret, hashed)
        together += signature[:32] + account.public + hashed
        z = 1 if i == 0 else int.from_bytes(schnorr.tagged_hash("HalfAgg/randomizer", together), "big") % schnorr.N
        total = (total + z * int.from_bytes(signature[32:], "big")) % schnorr.N
        points += signature[:32]
    return {
        "system": "half_aggregate",
        "purpose": purpose,
        "keys": b"".join(account.public for account in accounts).hex(),
        "messages": b"".join(messages).hex(),
        "proof": (points + total.to_bytes(32, "big")).hex(),
    }


def claim_id(chain, claim):
    content = b"lycl\x01\x01" + sized(
        chain.encode(), claim["purpose"].encode(), bytes.fromhex(claim["keys"]), bytes.fromhex(claim["messages"])
    )
    return schnorr.tagged_hash("layerd/proof-claim", content)


# --- on record -----------------------------------------------------------------------------------------------


def test_a_proof_made_elsewhere_goes_on_record_with_the_id_that_we_compute(house):
    claim = half_aggregate(house.chain, PURPOSE)
    stream = house.events()
    stream.subscribe(**{"from": "now", "types": ["proof.verified"]})
    result = house.submit(house.alice, "proof.verify", claim)["result"]
    identity = claim_id(house.chain, claim)
    record = schnorr.tagged_hash("layerd/proof-record", identity + house.alice.public)
    assert result == {"record": record.hex(), "claim": identity.hex(), "bound": True}
    (event,) = stream.events(1)
    assert event["data"]["claim"] == identity.hex() and event["data"]["account"] == house.alice.address
    shown = house.call("proof.record", record=record.hex())
    assert schnorr.tagged_hash("layerd/proof-claim", bytes.fromhex(shown["content"])) == identity
    ((purpose, bound, key),) = house.query(
        "SELECT purpose, bound, key FROM v_verified_proof WHERE record = ?", record.hex()
    )
    assert (purpose, bound, key) == (PURPOSE, 1, None)
    refused(RECORDED, house.submit, house.alice, "proof.verify", claim)
    house.submit(house.bob, "proof.verify", claim)
    refused(NO_RECORD, house.call, "proof.record", record=identity.hex())


def test_a_proof_for_another_chain_purpose_or_statement_is_refused_and_leaves_nothing(house):
    before = house.query("SELECT count(*) FROM v_verified_proof")
    good = half_aggregate(house.chain, PURPOSE)
    refused(INVALID, house.submit, house.alice, "proof.verify", dict(good, purpose=PURPOSE + "!"))
    refused(INVALID, house.submit, house.alice, "proof.verify", half_aggregate("dev-0000000000000000", PURPOSE))
    other = bytearray.fromhex(good["messages"])
    other[40] ^= 1
    refused(INVALID, house.submit, house.alice, "proof.verify", dict(good, messages=other.hex()))
    refused(MALFORMED, house.submit, house.alice, "proof.verify", dict(good, proof=good["proof"][:-2]))
    refused(-32602, house.submit, house.alice, "proof.verify", dict(good, bits=8))
    assert house.query("SELECT count(*) FROM v_verified_proof") == before


def test_a_check_answers_without_recording(house):
    before = house.query("SELECT count(*) FROM v_verified_proof")
    good = half_aggregate(house.chain, PURPOSE)
    assert house.call("proof.check", good) == {"valid": True, "bound": True}
    bad = house.call("proof.check", dict(good, purpose="another"))
    assert (bad["valid"], bad["error"]) == (False, "invalid_proof") and bad["reason"]
    assert house.query("SELECT count(*) FROM v_verified_proof") == before


def test_the_node_tells_what_binds(house):
    message = bytes(range(32))
    told = house.call("proof.binding", purpose=PURPOSE, message=message.hex())
    expected = binding(house.chain, PURPOSE)
    assert told == {
        "input": expected.hex(),
        "decimal": str(int.from_bytes(expected, "big")),
        "signed": bound_message(house.chain, PURPOSE, message).hex(),
    }


def groth16_claim(house, folder):
    encoded = {
        name: house.cli("proof", "encode", folder / file).stdout.strip()
        for name, file in (("key", "verification_key.json"), ("inputs", "public.json"), ("proof", "proof.json"))
    }
    return dict(encoded, system="groth16", purpose=PURPOSE)


def test_snarkjs_files_become_a_record_by_a_listed_key(house, fixture_folder):
    claim = groth16_claim(house, fixture_folder)
    refused(NO_KEY, house.submit, house.alice, "proof.verify", claim)
    key = house.submit(house.alice, "proof.key_add", key=claim["key"], title="a product")["result"]["key"]
    assert key == schnorr.tagged_hash("layerd/groth16-key", bytes.fromhex(claim["key"])).hex()
    refused(LISTED, house.submit, house.alice, "proof.key_add", key=claim["key"])
    result = house.submit(house.alice, "proof.verify", claim)["result"]
    assert result["bound"] is False
    refused(NOT_BOUND, house.submit, house.bob, "proof.verify", dict(claim, binding=0, listed_by=house.alice.address))
    refused(NO_KEY, house.submit, house.bob, "proof.verify", claim)
    house.submit(house.bob, "proof.verify", dict(claim, listed_by=house.alice.address))
    changed = bytearray.fromhex(claim["inputs"])
    changed[31] ^= 1
    refused(INVALID, house.submit, house.alice, "proof.verify", dict(claim, inputs=changed.hex()))
    house.submit(house.alice, "proof.key_retire", key=key)
    carol = Account("carol")
    refused(RETIRED, house.submit, carol, "proof.verify", dict(claim, listed_by=house.alice.address))
    ((state, inputs),) = house.query("SELECT state, public_inputs FROM v_verification_key WHERE key = ?", key)
    assert (state, inputs) == ("retired", 2)
    assert house.call("proof.key", key=key)["key"] == claim["key"]


def test_records_survive_a_crash_and_replay_judges_them_again(house):
    house.submit(house.alice, "proof.verify", half_aggregate(house.chain, PURPOSE))
    before = house.query("SELECT * FROM v_verified_proof ORDER BY seq")
    house.crash()
    assert house.query("SELECT * FROM v_verified_proof ORDER BY seq") == before
    assert house.cli("replay").returncode == 0
    assert house.cli("audit").returncode == 0


# --- made by the node ----------------------------------------------------------------------------------------


def test_the_node_makes_a_proof_of_files_and_tells_how_it_goes(house, fixture_folder):
    folder = house.directory / "proving"
    folder.mkdir(exist_ok=True)
    for name in ("circuit.zkey", "witness.wtns"):
        (folder / name).write_bytes((fixture_folder / name).read_bytes())
    stream = house.events()
    stream.subscribe(**{"from": "now", "types": ["proof.*"]})
    asked = house.call("proof.prove", system="groth16", circuit="circuit.zkey", witness="witness.wtns")
    events = stream.events(4)
    assert [event["type"] for event in events] == ["proof.progress"] * 3 + ["proof.made"]
    assert [event["data"]["stage"] for event in events[:3]] == ["queued", "reading", "proving"]
    job = house.call("proof.job", job=asked["job"])
    assert job["state"] == "made"
    encoded = groth16_claim(house, fixture_folder)
    assert (job["key"], job["inputs"]) == (encoded["key"], encoded["inputs"])
    assert job["proof"] != encoded["proof"], "the same blinding twice"
    claim = {name: job[name] for name in ("key", "inputs", "proof")}
    assert house.call("proof.check", claim, system="groth16", purpose=PURPOSE)["valid"]
    ((state, proof),) = house.query("SELECT state, proof FROM v_proof_job WHERE job = ?", asked["job"])
    assert (state, proof) == ("made", job["proof"])
    refused(-32602, house.call, "proof.prove", system="groth16", circuit="../node.key", witness="witness.wtns")


# --- layer-cli proof, without a node -------------------------------------------------------------------------


def offline(folder, *arguments):
    """layer-cli where there is no node."""
    return subprocess.run(
        [str(LAYER_CLI), "--directory", str(folder / "nowhere"), *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env=environment(folder),
        timeout=60,
        text=True,
    )


def test_a_claim_is_verified_offline_with_the_reason(tmp_path):
    chain = "dev-0123456789abcdef"
    claim = dict(half_aggregate(chain, PURPOSE), chain=chain)
    path = tmp_path / "claim.json"
    path.write_text(json.dumps(claim))
    good = offline(tmp_path, "--json", "proof", "verify", path)
    assert good.returncode == 0
    assert json.loads(good.stdout) == {"valid": True, "system": "half_aggregate", "bound": True}
    bad = offline(tmp_path, "proof", "verify", path, "--chain", "dev-0000000000000000")
    assert bad.returncode == 5 and bad.stdout.startswith("not valid: invalid_proof")
    for broken in ("[]", "{", json.dumps(dict(claim, colour="red")), json.dumps(dict(claim, bits=8)),
                   json.dumps(dict(claim, proof="0")), json.dumps(dict(claim, system="stark"))):  # fmt: skip
        path.write_text(broken)
        done = offline(tmp_path, "proof", "verify", path)
        assert done.returncode == 2 and "proof verify" in done.stderr, broken


def test_snarkjs_files_are_verified_offline(fixture_folder, tmp_path):
    assert offline(tmp_path, "proof", "verify", fixture_folder).stdout.startswith("valid (groth16)")
    key, public, proof = (fixture_folder / name for name in ("verification_key.json", "public.json", "proof.json"))
    assert offline(tmp_path, "proof", "verify", "--key", key, "--public", public, proof).returncode == 0
    inputs = json.loads(public.read_text())
    changed = tmp_path / "public.json"
    for wrong, name in ((str(int(inputs[0]) + 1), "equation"), ("-1", "not_canonical"), (7, "malformed")):
        changed.write_text(json.dumps([wrong] + inputs[1:]))
        done = offline(tmp_path, "--json", "proof", "verify", "--key", key, "--public", changed, proof)
        assert done.returncode == 5
        verdict = json.loads(done.stdout)
        assert (verdict["valid"], verdict["error"]) == (False, name), wrong
    assert offline(tmp_path, "proof", "verify", "--key", key, proof).returncode == 2
    assert offline(tmp_path, "proof", "verify", tmp_path / "none").returncode == 2
