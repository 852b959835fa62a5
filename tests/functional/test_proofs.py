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


FIELD = 0x30644E72E131A029B85045B68181585D97816A916871CA8D3C208C16D87CFD47


def test_a_key_that_nobody_contributed_to_is_not_listed_and_its_forged_proof_not_taken(house, fixture_folder):
    """Its delta is its gamma: for the inputs 0, 0 a forger copies alpha, beta and IC[0] (with -y) out of the key."""
    key = bytearray.fromhex(groth16_claim(house, fixture_folder)["key"])
    alpha, beta, gamma, first = key[10:74], key[74:202], key[202:330], key[458:522]
    key[330:458] = gamma
    negated = first[:32] + (FIELD - int.from_bytes(first[32:], "big")).to_bytes(32, "big")
    forged = {
        "system": "groth16",
        "purpose": PURPOSE,
        "key": key.hex(),
        "inputs": bytes(64).hex(),
        "proof": (b"lypf\x01\x01" + alpha + beta + negated).hex(),
    }
    refused(6010, house.submit, house.alice, "proof.key_add", key=key.hex())
    refused(6010, house.submit, house.alice, "proof.verify", forged)
    refused(6010, house.call, "proof.check", forged)
    honest = dict(forged, key=groth16_claim(house, fixture_folder)["key"])
    assert house.call("proof.check", honest)["error"] == "invalid_proof"


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
    (folder / "witness.wtns").chmod(0o600)
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
    assert json.loads(good.stdout) == {
        "valid": True, "system": "half_aggregate", "bound": True, "chain": chain, "purpose": PURPOSE
    }  # fmt: skip
    path.write_text(json.dumps(half_aggregate(chain, "rent\nvalid") | {"chain": chain}))
    told = offline(tmp_path, "proof", "verify", path).stdout
    assert told == 'valid (half_aggregate), for the chain "%s" and the purpose "rent\\nvalid" alone\n' % chain
    path.write_text(json.dumps(claim))
    bad = offline(tmp_path, "proof", "verify", path, "--chain", "dev-0000000000000000")
    assert bad.returncode == 5 and bad.stdout.startswith("not valid: invalid_proof")
    for broken in ("[]", "{", json.dumps(dict(claim, colour="red")), json.dumps(dict(claim, bits=8)),
                   json.dumps(dict(claim, proof="0")), json.dumps(dict(claim, system="stark"))):  # fmt: skip
        path.write_text(broken)
        done = offline(tmp_path, "proof", "verify", path)
        assert done.returncode == 2 and "proof verify" in done.stderr, broken


def test_snarkjs_files_are_verified_offline(fixture_folder, tmp_path):
    encoded = offline(tmp_path, "proof", "encode", fixture_folder / "verification_key.json").stdout.strip()
    identity = schnorr.tagged_hash("layerd/groth16-key", bytes.fromhex(encoded)).hex()
    told = offline(tmp_path, "proof", "verify", fixture_folder).stdout
    assert told == "valid (groth16), by the key %s; only its public inputs say what it is for\n" % identity
    parts = {name: offline(tmp_path, "proof", "encode", fixture_folder / file).stdout.strip()
             for name, file in (("key", "verification_key.json"), ("inputs", "public.json"), ("proof", "proof.json"))}
    claim = tmp_path / "claim.json"
    claim.write_text(json.dumps(dict(parts, system="groth16", purpose="x", chain="y")))
    verdict = json.loads(offline(tmp_path, "--json", "proof", "verify", claim).stdout)
    assert verdict == {"valid": True, "system": "groth16", "bound": False, "key": identity}
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


# --- layer-cli proof prove -----------------------------------------------------------------------------------

CHAIN = "dev-0123456789abcdef"


def secret_file(folder, content, mode=0o600):
    path = folder / "secrets.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    path.chmod(mode)
    return path


def range_claim(**changes):
    claim = {
        "system": "range",
        "chain": CHAIN,
        "purpose": PURPOSE,
        "bits": 16,
        "values": [0, 65535],
        "blindings": secrets.token_hex(128),
    }
    return {name: value for name, value in dict(claim, **changes).items() if value is not None}


def ring_claim(folder, members=3):
    """Keys are learned from the refusal, which names the key of the secret."""
    own = [secrets.token_hex(64) for _ in range(members)]
    claim = {"system": "ring", "chain": CHAIN, "purpose": PURPOSE, "message": b"aye".hex(), "keys": "00" * 64}
    keys = []
    for secret in own:
        told = offline(folder, "proof", "prove", secret_file(folder, dict(claim, secret=secret)))
        assert told.returncode == 5 and "which is no member" in told.stderr
        keys.append(told.stderr.split("the secret's key is ")[1][:64])
    assert len(set(keys)) == members
    return dict(claim, keys="".join(keys)), own


def proved(folder, claim):
    done = offline(folder, "proof", "prove", secret_file(folder, claim))
    assert done.returncode == 0, done.stderr
    made = folder / "made.json"
    made.write_text(done.stdout)
    verdict = offline(folder, "--json", "proof", "verify", made)
    assert verdict.returncode == 0
    told = json.loads(verdict.stdout)
    assert (told["valid"], told["system"], told["bound"]) == (True, claim["system"], True)
    assert (told["chain"], told["purpose"]) == (claim["chain"], claim["purpose"])
    return json.loads(done.stdout)


def test_a_range_is_proved_offline_and_the_node_takes_it(house, tmp_path):
    claim = range_claim(chain=house.chain)
    made = proved(tmp_path, claim)
    assert set(made) == {"system", "chain", "purpose", "bits", "commitments", "proof"}
    assert claim["blindings"][:64] not in json.dumps(made)
    again = proved(tmp_path, claim)
    assert again["commitments"] == made["commitments"] and again["proof"] != made["proof"]
    del made["chain"]
    assert house.submit(house.alice, "proof.verify", made)["result"]["bound"]
    del again["chain"]
    refused(RECORDED, house.submit, house.alice, "proof.verify", again)


def test_a_ring_is_signed_offline_by_each_member_with_its_own_image(house, tmp_path):
    claim, own = ring_claim(tmp_path)
    images = set()
    for secret in own:
        made = proved(tmp_path, dict(claim, secret=secret))
        assert set(made) == {"system", "chain", "purpose", "keys", "message", "proof"}
        images.add(made["proof"][:64])
        assert proved(tmp_path, dict(claim, secret=secret))["proof"][:64] in images
    assert len(images) == len(own)
    made = proved(tmp_path, dict(claim, chain=house.chain, secret=own[1]))
    del made["chain"]
    record = house.submit(house.alice, "proof.verify", made)["result"]["record"]
    assert house.call("proof.record", record=record)["image"] == made["proof"][:64]
    house.submit(house.bob, "proof.verify", made)


def test_signatures_are_aggregated_offline_as_the_node_does_it(house, tmp_path):
    accounts = [Account("voter %d" % i) for i in range(4)]
    messages = [secrets.token_bytes(32) for _ in accounts]
    signatures = [
        schnorr.sign(account.secret, bound_message(house.chain, PURPOSE, message))
        for account, message in zip(accounts, messages)
    ]
    parts = {
        "system": "half_aggregate",
        "purpose": PURPOSE,
        "keys": b"".join(account.public for account in accounts).hex(),
        "messages": b"".join(messages).hex(),
        "signatures": b"".join(signatures).hex(),
    }
    made = proved(tmp_path, dict(parts, chain=house.chain))
    stream = house.events()
    stream.subscribe(**{"from": "now", "types": ["proof.*"]})
    asked = house.call("proof.prove", parts)
    assert [event["type"] for event in stream.events(3)] == ["proof.progress"] * 2 + ["proof.made"]
    job = house.call("proof.job", job=asked["job"])
    assert (job["state"], job["proof"], job["keys"]) == ("made", made["proof"], made["keys"])
    for system in ("range", "ring"):
        with pytest.raises(Exception, match="expected is one of: groth16 half_aggregate"):
            house.call("proof.prove", system=system)
    parts["signatures"] = "00" + parts["signatures"][2:]
    done = offline(tmp_path, "proof", "prove", secret_file(tmp_path, dict(parts, chain=house.chain)))
    assert done.returncode == 5 and "signature 1 of 4" in done.stderr and not done.stdout


def test_what_cannot_be_proved_is_refused_and_no_secret_is_told(tmp_path):
    order = "edd3f55c1a631258d69cf7a2def9de14" + "00" * 15 + "10"
    secret = "5ec2e7" * 10 + "00" * 2
    cases = [
        (2, range_claim(values=None)),
        (2, range_claim(values=[])),
        (2, range_claim(values=[1, -1])),
        (2, range_claim(values=[1.5, 1])),
        (2, range_claim(values=[1] * 17, blindings="00" * 64 * 17)),
        (2, range_claim(values=[1] * 3, blindings="00" * 64 * 3)),
        (2, range_claim(blindings=None)),
        (2, range_claim(blindings="5ec2e7")),
        (2, range_claim(blindings="zz" * 64)),
        (2, range_claim(values=[1], blindings=order)),
        (2, range_claim(bits=7)),
        (2, range_claim(purpose="")),
        (2, range_claim(chain=None)),
        (2, range_claim(secret=secret)),
        (2, range_claim(proof="00")),
        (2, range_claim(system="groth16")),
        (2, range_claim(system="stark")),
        (2, '{"system": "ring", "secret": "%s"' % secret),
        (2, '{"system": "ring", "secret": %s}' % secret),
        (5, range_claim(values=[1, 65536])),
    ]
    for code, claim in cases:
        done = offline(tmp_path, "proof", "prove", secret_file(tmp_path, claim))
        assert (done.returncode, done.stdout) == (code, ""), (claim, done)
        assert "proof prove" in done.stderr and "5ec2e7" not in done.stderr, done.stderr
    ring, own = ring_claim(tmp_path)
    for code, claim in (
        (5, dict(ring, secret="00" * 64)),
        (2, dict(ring, secret=order)),
        (2, dict(ring, secret=own[0][:-2])),
        (5, dict(ring, secret=own[0], keys=ring["keys"][64:] + ring["keys"][64:128])),
        (5, dict(ring, secret=own[0], keys=ring["keys"] + ring["keys"][:64])),
        (2, dict(ring, secret=own[0], keys=ring["keys"] + "00")),
        (2, dict(ring, secret=own[0], message="")),
    ):
        done = offline(tmp_path, "proof", "prove", secret_file(tmp_path, claim))
        assert (done.returncode, done.stdout) == (code, ""), (claim, done)
        assert own[0][:20] not in done.stderr
    for mode in (0o640, 0o604, 0o660):
        done = offline(tmp_path, "proof", "prove", secret_file(tmp_path, range_claim(), mode))
        assert done.returncode == 2 and "others may read" in done.stderr
    assert offline(tmp_path, "proof", "prove", tmp_path / "none").returncode == 2
