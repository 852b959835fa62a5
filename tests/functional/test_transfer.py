"""Transfers between ledgers as their user meets them: quotes, limits, pause, proofs judged without a node, and
swaps with a real EVM node, also with a daemon that is killed after every step.
"""

import hashlib
import json
import subprocess
import sys
import time
import urllib.request

import pytest

import anvil
from fakes.http_server import HttpServer
from layerd_client import CallError
from node import ROOT, Node
from test_payments import PASSPHRASE, STAKE, build_town, wait_for

sys.path.insert(0, str(ROOT / "tests/unit/network"))
import reference_evm as evm  # noqa: E402
import swap_party  # noqa: E402

OVER = ("settled", "refunded", "expired", "cancelled", "failed", "lost")
GWEI = 10**9


def register(node, *ways, **terms):
    """Bob provides."""
    bob = node.people["bob"]
    node.call("transfer.provider_register", account=bob, name="Bob")
    for source, destination in ways:
        node.call(
            "transfer.provider_terms",
            dict({"fee_fixed": 1, "fee_ppm": 10000, "least": 10, "most": 100000}, **terms),
            provider=bob, asset="GOLD", source=source, destination=destination,
        )


@pytest.fixture
def market(node):
    build_town(node)
    register(node, ("base", "base"), ("base", "channel"), ("channel", "base"))
    return node


def begin(node, who="alice", **named):
    return node.call("transfer.start", dict({"from": who, "asset": "GOLD"}, **named))["result"]


def state(node, transfer):
    return node.call("transfer.get", transfer=transfer)["state"]


def over(node, transfer, seconds=60):
    wait_for(lambda: state(node, transfer) in OVER, "the transfer ends", seconds)
    return state(node, transfer)


def refused(name, call):
    with pytest.raises(CallError) as caught:
        call()
    assert caught.value.name == name, caught.value


def gold(node, who):
    rows = node.query(
        "SELECT amount FROM v_balance WHERE symbol = 'GOLD' AND address = ?", node.people[who]
    )
    return rows[0][0] if rows else 0


# --- on this node ------------------------------------------------------------------------------------


def test_a_transfer_arrives_and_its_proof_needs_no_node(market, tmp_path):
    alice, carol = gold(market, "alice"), gold(market, "carol")
    quote = market.call(
        "transfer.quote", {"from": "alice"}, asset="GOLD", source="channel", destination="base", amount=5000
    )["result"]
    assert quote["fee"] == 51
    begun = begin(market, source="channel", destination="base", amount=5000, quote=quote["quote"],
                  recipient=market.people["carol"])
    assert over(market, begun["transfer"]) == "settled"
    assert gold(market, "carol") == carol + 5000 and gold(market, "alice") == alice
    refused("transfer_quote_ended", lambda: begin(
        market, source="channel", destination="base", amount=5000, quote=quote["quote"],
        recipient=market.people["carol"]))

    def prove():
        try:
            return market.call("transfer.proof", transfer=begun["transfer"])
        except CallError as error:
            assert error.name == "proof_range"
            return None

    proof = wait_for(prove, "a head that covers it is signed")
    text = json.dumps(proof, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    file = tmp_path / "bundle.json"
    file.write_text(text + "\n")
    market.terminate()
    says = market.cli("--json", "verify-transfer", str(file))
    shown = json.loads(says.stdout)
    assert shown["valid"] is True and shown["amount"] == 5000 and shown["fee"] == 51
    assert market.cli("verify-transfer", "--verifier", shown["verifier"], str(file)).returncode == 0
    file.write_text(text.replace("5000", "5001", 1))
    assert market.cli("verify-transfer", str(file), check=False).returncode == 5
    market.start()
    market.call("wallet.unlock", passphrase=PASSPHRASE)


def test_limits_pause_and_fees_are_kept(market):
    bob, carol = market.people["bob"], market.people["carol"]

    def one(**named):
        return begin(market, **dict({"source": "base", "destination": "base", "amount": 100,
                                     "recipient": carol}, **named))

    refused("transfer_terms_not_found", lambda: one(amount=9))
    refused("transfer_amount", lambda: one(amount=9, provider=bob))
    refused("transfer_fee", lambda: one(fee_limit=1))
    refused("transfer_timeout", lambda: one(timeout="1ms"))
    refused("transfer_place", lambda: one(destination="moon"))
    refused("transfer_recipient", lambda: one(recipient="nobody"))
    refused("transfer_provider_not_found", lambda: one(provider=carol))
    market.call("transfer.provider_pause", account=bob)
    refused("transfer_provider_paused", lambda: one(provider=bob))
    market.call("transfer.provider_resume", account=bob)
    market.call("transfer.provider_terms", provider=bob, asset="GOLD", source="base", destination="base",
                most=1000, account_daily=250, daily=10000)
    for _ in range(2):
        assert over(market, one()["transfer"]) == "settled"
    refused("transfer_daily_limit", one)
    assert over(market, one(amount=50)["transfer"]) == "settled"
    assert market.call("audit")["ok"] is True


# --- with an EVM node ---------------------------------------------------------------------------------


@pytest.fixture
def chain():
    server = anvil.Anvil("--network", "optimism", "--chain-id", "60808", "--block-time", "1")
    try:
        yield server
    finally:
        server.stop()


BOB = ("bob", {"withdrawals_root": False})
ROOTSTOCK = ("rootstock", {"chain_id": 33, "rsk_methods": False, "fee_limit": str(10**17)})


def link(node, chain, name, key, kind):
    network, options = kind
    options = dict(options, url=chain.url, confirmations=1)
    node.call("network.initialize", link=name, network=network, key=key, options=options, poll="200ms")
    node.call("network.connect", link=name)

    def account():
        for item in node.call("network.list")["items"]:
            if item.get("link", item.get("name")) == name and item.get("account"):
                return item["account"]
        return None

    address = wait_for(account, "the link is connected")
    chain.call("anvil_setBalance", address, hex(10**18))
    return address


@pytest.fixture
def bridge(node, chain):
    return build_bridge(node, chain, BOB)


def build_bridge(node, chain, kind):
    """Bob's link pays and is paid on the EVM side; alice has a wallet there."""
    build_town(node)
    node.bob_there = link(node, chain, "bobs", "bob", kind)
    node.alice_there = link(node, chain, "alices", "alice", kind)
    node.call("transfer.deploy", link="bobs", request="hash-lock")

    def contract():
        for (transaction,) in node.query("SELECT transaction_id FROM network_write"):
            receipt = transaction and chain.call("eth_getTransactionReceipt", transaction)
            if receipt and receipt["contractAddress"]:
                return receipt["contractAddress"]
        return None

    node.contract = wait_for(contract, "the contract is there")
    outside = {"contract": node.contract, "units": str(GWEI), "confirmations": 1, "block_s": 1, "skew_s": 1,
               "wallet": {"link": "alices", "account": node.people["alice"]}}
    register(node, ("base", "evm:bobs"), ("evm:bobs", "base"), outside=outside)
    return node


def wei(chain, address):
    return int(chain.call("eth_getBalance", address, "latest"), 16)


def to_evm(node, **named):
    return begin(node, source="base", destination="evm:bobs", amount=5000,
                 recipient="0x" + "77" * 20, timeout="3m", **named)["transfer"]


def from_evm(node, **named):
    return begin(node, source="evm:bobs", destination="base", amount=5000,
                 recipient=node.people["carol"], timeout="3m", **named)["transfer"]


@pytest.mark.plain
def test_value_goes_to_an_evm_chain_and_comes_from_there(bridge, chain):
    alice, carol = gold(bridge, "alice"), gold(bridge, "carol")
    assert over(bridge, to_evm(bridge)) == "settled"
    assert wei(chain, "0x" + "77" * 20) == 5000 * GWEI
    assert gold(bridge, "alice") == alice - 5051
    before = wei(chain, bridge.alice_there)
    (claim,) = bridge.query("SELECT urgent_us FROM network_write WHERE urgent_us IS NOT NULL")
    (lock,) = bridge.query("SELECT expiry_us FROM transfer_leg WHERE side = 1")
    assert claim == lock  # from then on the contract takes no claim
    assert over(bridge, from_evm(bridge)) == "settled"
    assert gold(bridge, "carol") == carol + 5000
    assert before - wei(chain, bridge.alice_there) >= 5051 * GWEI
    assert bridge.call("audit")["ok"] is True


STEPS = ("transfer.initiated", "transfer.source_locked", "transfer.destination_locked", "transfer.claimed")


@pytest.mark.plain
@pytest.mark.parametrize("way", [to_evm, from_evm])
def test_a_node_that_is_killed_after_every_step_settles_all_the_same(bridge, chain, way):
    transfer = way(bridge)
    for step in STEPS:
        wait_for(
            lambda: bridge.query("SELECT count(*) FROM event WHERE type = ? AND subject = ?", step,
                                 "transfer/" + transfer)[0][0] > 0, step, 60)
        bridge.crash()
        bridge.call("wallet.unlock", passphrase=PASSPHRASE)
    assert over(bridge, transfer) == "settled"
    sent = bridge.query("SELECT count(*), count(DISTINCT request_key) FROM network_operation"
                        " WHERE request_key LIKE 'transfer/%'")[0]
    assert sent[0] == sent[1]
    assert bridge.call("audit")["ok"] is True


@pytest.mark.plain
def test_a_destination_that_nobody_claims_comes_back(bridge, chain):
    """The secret is the account's, who never shows it."""
    alice = gold(bridge, "alice")
    transfer = begin(bridge, source="base", destination="evm:bobs", amount=5000, hash="12" * 32,
                     recipient="0x" + "77" * 20, timeout="1m")["transfer"]
    wait_for(lambda: state(bridge, transfer) == "destination_locked", "locked", 60)
    assert wei(chain, bridge.contract) == 5000 * GWEI
    assert over(bridge, transfer, 120) == "refunded"
    assert wei(chain, bridge.contract) == 0 and gold(bridge, "alice") == alice


# --- proofs of an EVM leg -------------------------------------------------------------------------------------
def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def proof_of(node, transfer):
    """As soon as networks have proved it, and a head of the log covers that."""
    def prove():
        try:
            return node.call("transfer.proof", transfer=transfer)
        except CallError as error:
            assert error.name in ("proof_range", "transfer_not_proved"), error
            return None

    return wait_for(prove, "the proof is whole", 60)


def data(text):
    assert text.startswith("0x")
    return bytes.fromhex(text[2:])


def word(value):
    return (value if isinstance(value, bytes) else value.to_bytes(32, "big")).rjust(32, b"\0")


def receipt_logs(proof):
    """The second implementation: the logs of the receipt that stands under the header, and its block's hash."""
    header = evm.unrlp(data(proof["header"]))
    receipt = evm.trie_value(header[5], evm.rlp(evm.minimal(proof["index"])), map(data, proof["nodes"]))
    assert receipt == data(proof["receipt"])
    fields = evm.unrlp(receipt[1:] if receipt[0] < 0xc0 else receipt)
    assert fields[0] == b"\x01"
    return fields[3], evm.keccak256(data(proof["header"]))


def judge_again(bundle, side, contract):
    """That the chain shows what the log says, by other code than the judge's."""
    bodies = [json.loads(event["body"]) | {"type": event["type"]} for event in bundle["events"]]
    terms = next(body for body in bodies if body["type"] == "transfer.initiated")
    locked = next(body for body in bodies if body["type"] == "transfer.%s_locked" % side)
    proofs = bundle["networks"][side]
    named = {body["step"]: body for body in bodies if body["type"] == "transfer.proved" and body["side"] == side}
    sender, recipient = data(terms[side + "_from"]), data(terms[side + "_to"])
    amount, hash_ = int(terms[side + "_amount"]), bytes.fromhex(terms["hash"])
    values = (60808, data(contract), sender, recipient, hash_, locked["expiry_us"] // 10**6, 0, amount)
    id_ = evm.keccak256(b"".join(map(word, values)))
    assert id_.hex() == locked["reference"]
    logs, block = receipt_logs(proofs["lock"])
    topic = evm.keccak256(b"Locked(bytes32,address,address,address,uint256,bytes32,uint64)")
    said = b"".join(map(word, (0, amount, hash_, locked["expiry_us"] // 10**6)))
    assert [data(contract), [topic, id_, word(sender), word(recipient)], said] in logs
    assert block.hex() == named["lock"]["block"]
    logs, block = receipt_logs(proofs["claim"])
    topic = evm.keccak256(b"Claimed(bytes32,bytes32)")
    assert [data(contract), [topic, id_], bytes.fromhex(bundle["preimage"])] in logs
    assert block.hex() == named["claim"]["block"] == named["contract"]["block"]
    header, slot = evm.unrlp(data(proofs["claim"]["header"])), evm.keccak256(id_ + word(0))
    account = evm.unrlp(evm.trie_value(header[3], evm.keccak256(data(contract)),
                                       map(data, proofs["contract"]["nodes"])))
    stored = evm.trie_value(account[2], evm.keccak256(slot), map(data, proofs["contract"]["slots"][0]["nodes"]))
    assert evm.unrlp(stored)[0] == 2  # claimed
    for step, body in named.items():
        assert body["proof"] == hashlib.sha256(canonical(proofs[step]).encode()).hexdigest()
    return named


def verdict(node, file, *options):
    return node.cli("--json", "verify-transfer", *options, str(file), check=False)


@pytest.mark.plain
def test_proofs_of_both_ways_outlive_the_server_and_need_no_node(bridge, chain, tmp_path):
    transfers = {"destination": to_evm(bridge), "source": from_evm(bridge)}
    for transfer in transfers.values():
        assert over(bridge, transfer) == "settled"
    bundles = {side: proof_of(bridge, transfer) for side, transfer in transfers.items()}
    assert bridge.call("transfer.prove", transfer=transfers["source"]) == {"asked": 0}
    blocks = {}
    for side, bundle in bundles.items():
        named = judge_again(bundle, side, bridge.contract)
        blocks[side] = [named[step]["block"] for step in ("lock", "claim")]
        for step in named.values():
            assert chain.call("eth_getBlockByNumber", hex(step["number"]), False)["hash"] == "0x" + step["block"]
    chain.stop()
    bridge.crash()
    assert canonical(bridge.call("transfer.proof", transfer=transfers["source"])["networks"]) == canonical(
        bundles["source"]["networks"])
    bridge.terminate()
    for side, bundle in bundles.items():
        file = tmp_path / ("%s.json" % side)
        file.write_text(canonical(bundle) + "\n")
        shown = json.loads(verdict(bridge, file).stdout)
        assert shown["valid"] is True and shown["log_key_expected"] is False
        assert shown["networks"][0]["side"] == side and shown["networks"][0]["contract_proved"] is True
        assert "was not checked" in shown[side + "_by"] and shown["blocks_trusted"] is False
        words = bridge.cli("verify-transfer", str(file)).stdout
        assert "if you trust the log" in words and "anybody can make one" in words and "0x" + blocks[side][0] in words
        trusted = verdict(bridge, file, "--verifier", bundle["verifier"], "--block-hash", "0x" + blocks[side][0],
                          "--block-hash", blocks[side][1])
        shown = json.loads(trusted.stdout)
        assert shown["log_key_expected"] is True and shown["blocks_trusted"] is True
        other = verdict(bridge, file, "--block-hash", blocks[side][0])
        assert other.returncode == 5 and "none of those given" in json.loads(other.stdout)["reason"]
        assert verdict(bridge, file, "--block-hash", "12").returncode == 2
        for field, why in {"header": "contract as it was after the claim", "receipt": "proof of the claim",
                           "chain_id": "not receipts of one chain", "index": "proof of the claim"}.items():
            changed = json.loads(canonical(bundle))
            claim = changed["networks"][side]["claim"]
            claim[field] = claim[field] + 1 if isinstance(claim[field], int) else claim[field][:-1] + (
                "0" if claim[field][-1] != "0" else "1")
            file.write_text(canonical(changed))
            refused_by = verdict(bridge, file)
            reason = json.loads(refused_by.stdout)["reason"]
            assert refused_by.returncode == 5
            assert why in reason, (field, reason)
    bridge.start()


@pytest.mark.plain
@pytest.mark.parametrize("source, destination", [("channel", "evm:bobs"), ("evm:bobs", "channel")])
def test_value_goes_between_a_channel_and_an_evm_chain(bridge, chain, tmp_path, source, destination):
    outside = json.loads(bridge.query("SELECT outside FROM transfer_terms LIMIT 1")[0][0])
    bridge.call("transfer.provider_terms", provider=bridge.people["bob"], asset="GOLD", source=source,
                destination=destination, fee_fixed=1, fee_ppm=10000, least=10, most=100000, outside=outside)
    recipient = bridge.people["carol"] if destination == "channel" else "0x" + "77" * 20
    transfer = begin(bridge, source=source, destination=destination, amount=5000, recipient=recipient)["transfer"]
    assert over(bridge, transfer, 120) == "settled"
    assert wei(chain, "0x" + "77" * 20) == (0 if destination == "channel" else 5000 * GWEI)
    file = tmp_path / "bundle.json"
    file.write_text(canonical(proof_of(bridge, transfer)))
    assert json.loads(verdict(bridge, file).stdout)["valid"] is True
    assert bridge.call("audit")["ok"] is True


@pytest.mark.plain
def test_what_was_proved_of_blocks_that_are_none_is_proved_again_when_asked(bridge, chain, tmp_path):
    """The server was on another branch, or lied: the chain has lock and claim in other blocks."""
    transfer = to_evm(bridge)
    assert over(bridge, transfer) == "settled"
    file, before = tmp_path / "bundle.json", proof_of(bridge, transfer)

    def blocks(bundle):
        named = judge_again(bundle, "destination", bridge.contract)
        return [named[step]["block"] for step in ("lock", "claim")]

    def trusted(bundle, hashes):
        file.write_text(canonical(bundle) + "\n")
        return verdict(bridge, file, "--block-hash", hashes[0], "--block-hash", hashes[1]).returncode == 0

    sent = bridge.query("SELECT '0x' || lower(hex(raw)), height FROM network_write AS w JOIN network_operation AS o"
                        " ON o.number = w.number WHERE request_key LIKE 'transfer/%' ORDER BY w.number")
    assert len(sent) == 2
    depth = int(chain.call("eth_blockNumber"), 16) - sent[0][1] + 1
    chain.call("anvil_reorg", depth, [[sent[0][0], 0], [sent[1][0], 2 if depth > 2 else 1]])
    assert bridge.call("transfer.prove", transfer=transfer) == {"asked": 0}
    assert bridge.call("transfer.prove", transfer=transfer, again=True) == {"asked": 2}
    wait_for(lambda: bridge.query("SELECT count(*) FROM event WHERE type = 'transfer.proved'")[0][0] == 6,
             "lock, claim and contract are proved anew", 60)
    after = proof_of(bridge, transfer)
    there = ["0x" + block for block in blocks(after)]
    for block in there:
        assert chain.call("eth_getBlockByHash", block, False) is not None
    assert trusted(after, there) and not trusted(before, there) and not trusted(after, blocks(before))
    assert bridge.call("transfer.prove", transfer=transfer, again=True) == {"asked": 2}
    wait_for(lambda: bridge.query("SELECT count(*) FROM effect WHERE kind = 'transfer.prove'")[0][0] == 0,
             "it is asked", 30)
    assert bridge.query("SELECT count(*) FROM event WHERE type = 'transfer.proved'")[0][0] == 6  # nothing new
    # What is here stays when nobody can prove it any more.
    chain.stop()
    assert bridge.call("transfer.prove", transfer=transfer, again=True) == {"asked": 2}
    wait_for(lambda: bridge.query("SELECT count(*) FROM v_cross_transfer_proof WHERE reason IS NOT NULL")[0][0] == 2,
             "that is said", 60)
    assert trusted(bridge.call("transfer.proof", transfer=transfer), there)
    assert bridge.call("audit")["ok"] is True


@pytest.mark.plain
def test_what_the_servers_cannot_prove_is_given_up_and_said(node):
    """A chain as Rootstock whose server has no rsk_ methods: value crosses, and there is no proof of it."""
    chain = anvil.Anvil("--chain-id", "33", "--hardfork", "london", "--block-time", "1")
    try:
        build_bridge(node, chain, ROOTSTOCK)
        transfer = to_evm(node)
        assert over(node, transfer) == "settled"

        def given_up():
            rows = node.query("SELECT step, state, reason FROM v_cross_transfer_proof ORDER BY step")
            return len(rows) == 3 and all(state == "given_up" and "rsk_ methods" in why for _, state, why in rows)

        wait_for(given_up, "nobody tries for ever", 60)
        with pytest.raises(CallError) as caught:
            node.call("transfer.proof", transfer=transfer)
        assert caught.value.name == "transfer_not_proved" and "rsk_ methods" in str(caught.value)
        assert node.call("transfer.prove", transfer=transfer) == {"asked": 3}
        wait_for(given_up, "and not when asked again", 60)
    finally:
        chain.stop()


# --- tokens ---------------------------------------------------------------------------------------------------
@pytest.fixture
def token_bridge(bridge, chain):
    """The same bridge, for a token of bob's making, of which alice has some; one unit there is one here."""
    outside = json.loads(bridge.query("SELECT outside FROM transfer_terms LIMIT 1")[0][0])
    issued = bridge.call("network.issue_asset", link="bobs", symbol="TGOLD", amount="1000000", decimals=0,
                         request="token")

    def made(operation):
        shown = bridge.call("network.operation", operation=operation)
        return shown.get("result") if shown["state"] == "done" else None

    bridge.token = wait_for(lambda: made(issued["operation"]), "the token is there", 60)["asset"]
    wait_for(lambda: chain.call("eth_getCode", bridge.token, "latest") != "0x", "the token is mined", 60)
    paid = bridge.call("network.transfer_asset", link="bobs", asset=bridge.token, amount="400000",
                       to=bridge.alice_there)
    wait_for(lambda: made(paid["operation"]) and tokens(bridge, chain, bridge.alice_there) == 400000,
             "alice has some", 60)
    outside.update(token=bridge.token, units="1")
    for source, destination in (("base", "evm:bobs"), ("evm:bobs", "base")):
        bridge.call("transfer.provider_terms", provider=bridge.people["bob"], asset="GOLD", source=source,
                    destination=destination, fee_fixed=1, fee_ppm=10000, least=10, most=100000, outside=outside)
    return bridge


def tokens(node, chain, address):
    data = "0x70a08231" + address[2:].lower().rjust(64, "0")
    return int(chain.call("eth_call", {"to": node.token, "data": data}, "latest"), 16)


def test_tokens_go_there_and_back_also_when_several_are_under_way(token_bridge, chain):
    recipient, before = "0x" + "77" * 20, tokens(token_bridge, chain, token_bridge.alice_there)
    there = [to_evm(token_bridge), to_evm(token_bridge), to_evm(token_bridge)]
    assert [over(token_bridge, each, 90) for each in there] == ["settled"] * 3
    assert tokens(token_bridge, chain, recipient) == 3 * 5000
    assert over(token_bridge, from_evm(token_bridge), 90) == "settled"
    assert before - tokens(token_bridge, chain, token_bridge.alice_there) == 5051
    assert token_bridge.call("audit")["ok"] is True


@pytest.mark.plain
def test_what_the_contract_owes_a_link_s_account_is_collected_once(bridge, chain):
    """As after a payment that was refused: owed[coin][account], and the coin that is there for it."""
    def slot(key, base):
        return evm.keccak256(bytes(12) + bytes.fromhex(key[2:]) + base)

    to, nobody = "0x" + "44" * 20, "0x" + "00" * 20
    place = slot(bridge.bob_there, slot(nobody, (1).to_bytes(32, "big")))
    chain.call("anvil_setStorageAt", bridge.contract, "0x" + place.hex(), "0x" + (777).to_bytes(32, "big").hex())
    chain.call("anvil_setBalance", bridge.contract, hex(777))
    refused("invalid_params", lambda: bridge.call("transfer.collect", link="bobs", contract="0x12"))
    refused("network_link_not_found", lambda: bridge.call("transfer.collect", link="no", contract=bridge.contract))
    asked = dict(link="bobs", contract=bridge.contract, to=to, request="owed-1")
    first = bridge.call("transfer.collect", **asked)
    wait_for(lambda: wei(chain, to) == 777, "it is paid", 30)
    assert bridge.call("transfer.collect", **asked) == dict(first, repeated=True)
    other = bridge.call("transfer.collect", link="bobs", contract=bridge.contract, to=to, request="owed-2")
    shown = wait_for(lambda: [each for each in [bridge.call("network.operation", operation=other["operation"])]
                              if each["state"] != "queued"], "it is tried", 30)[0]
    assert shown["state"] == "failed" and "NothingOwed" in shown["error"], shown
    assert wei(chain, to) == 777


def test_nothing_is_locked_at_an_address_that_is_not_our_contract(bridge, chain):
    """The operator's terms name an address where nobody could ever take it back."""
    outside = json.loads(bridge.query("SELECT outside FROM transfer_terms LIMIT 1")[0][0])
    outside["contract"] = "0x" + "99" * 20
    bridge.call("transfer.provider_terms", provider=bridge.people["bob"], asset="GOLD", source="evm:bobs",
                destination="base", fee_fixed=1, fee_ppm=10000, least=10, most=100000, outside=outside)
    before = wei(chain, bridge.alice_there)
    transfer = from_evm(bridge)
    assert over(bridge, transfer) == "failed"
    assert "no contract" in bridge.call("transfer.get", transfer=transfer)["reason"]
    assert wei(chain, bridge.alice_there) == before


def test_a_server_that_is_gone_is_what_the_transfer_speaks_of(bridge, chain):
    """What an operator sees at night: what is wrong, and of which side."""
    transfer = to_evm(bridge, hash="12" * 32)
    wait_for(lambda: state(bridge, transfer) == "destination_locked", "locked", 60)
    chain.stop()
    wait_for(lambda: (bridge.call("transfer.get", transfer=transfer).get("reason") or "").startswith(
        "looking at the destination: "), "the reason is there", 60)
    wait_for(lambda: bridge.query(
        "SELECT count(*) FROM event WHERE type = 'transfer.stuck' AND subject = ? AND body ->> 'what' = 'look'"
        " AND body ->> 'deadline_us' > 0", "transfer/" + transfer)[0][0] > 0, "it is told", 60)
    waits, reason, left = bridge.query(
        "SELECT waits_for, reason, seconds_left FROM v_open_transfer WHERE transfer = ?", transfer)[0]
    assert waits == "the recipient claims" and reason.startswith("looking at") and -60 < left < 200
    assert bridge.call("transfer.retry", transfer=transfer)["state"] == "destination_locked"


class Hoarder:
    """Between wallet and chain: from when it is told to it refuses transactions, and keeps their bytes."""

    def __init__(self, chain):
        self.chain, self.refuses, self.kept = chain, False, []
        self.server = HttpServer(self.answer)
        self.url = self.server.url
        self.call = chain.call

    def answer(self, method, path, headers, body):
        request = json.loads(body)
        if self.refuses and request["method"] == "eth_sendRawTransaction":
            self.kept += request["params"]
            answer = {"jsonrpc": "2.0", "id": request["id"],
                      "error": {"code": -32000, "message": "invalid transaction: the server does not like it"}}
            return 200, "application/json", json.dumps(answer).encode()
        made = urllib.request.Request(self.chain.url, body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(made, timeout=30) as reply:
            return 200, "application/json", reply.read()


@pytest.fixture
def hoarder(bridge, chain):
    """Alice's wallet goes through it."""
    between = Hoarder(chain)
    bridge.alice_there = link(bridge, between, "hoards", "carol", BOB)
    outside = json.loads(bridge.query("SELECT outside FROM transfer_terms LIMIT 1")[0][0])
    outside["wallet"]["link"] = "hoards"
    bridge.call("transfer.provider_terms", provider=bridge.people["bob"], asset="GOLD", source="evm:bobs",
                destination="base", fee_fixed=1, fee_ppm=10000, least=10, most=100000, outside=outside)
    between.refuses = True
    yield between
    between.server.close()


def refused_lock(bridge, hoarder, timeout):
    """A transfer whose lock was signed, sent, and refused; it goes on all the same."""
    transfer = begin(bridge, source="evm:bobs", destination="base", amount=5000,
                     recipient=bridge.people["carol"], timeout=timeout)["transfer"]
    wait_for(lambda: bridge.query("SELECT state FROM network_write WHERE state = 'rejected'"), "it is refused", 30)
    wait_for(lambda: "has it signed" in (bridge.call("transfer.get", transfer=transfer).get("reason") or ""),
             "that is said", 30)
    assert state(bridge, transfer) == "initiated" and len(hoarder.kept) == 1
    return transfer


@pytest.mark.plain
def test_a_lock_that_a_server_refused_and_mines_later_is_used(bridge, chain, hoarder):
    carol = gold(bridge, "carol")
    transfer = refused_lock(bridge, hoarder, "3m")
    bridge.crash()  # what is known of it is in rows
    bridge.call("wallet.unlock", passphrase=PASSPHRASE)
    chain.call("eth_sendRawTransaction", hoarder.kept[0])
    assert over(bridge, transfer) == "settled"
    assert gold(bridge, "carol") == carol + 5000 and wei(chain, bridge.contract) == 0


@pytest.mark.plain
def test_a_lock_that_a_server_refused_and_mines_too_late_is_taken_back(bridge, chain, hoarder):
    transfer = refused_lock(bridge, hoarder, "35s")
    until = bridge.query("SELECT expiry_us FROM transfer_leg WHERE side = 1")[0][0] / 10**6
    wait_for(lambda: time.time() > until, "it is too late for the rest", 60)
    assert state(bridge, transfer) == "initiated"
    chain.call("eth_sendRawTransaction", hoarder.kept[0])
    wait_for(lambda: wei(chain, bridge.contract) == 5051 * GWEI, "it is locked", 30)
    assert over(bridge, transfer, 120) == "refunded"
    assert wei(chain, bridge.contract) == 0


@pytest.mark.plain
def test_a_lock_that_was_refused_fails_once_its_number_is_another_s(bridge, chain, hoarder):
    transfer = refused_lock(bridge, hoarder, "3m")
    hoarder.refuses = False
    bridge.call("network.transfer_asset", link="hoards", amount="1", to="0x" + "66" * 20)
    assert over(bridge, transfer) == "failed"
    assert "refused the lock" in bridge.call("transfer.get", transfer=transfer)["reason"]


STRANGER = "0x" + "55" * 20


def test_heights_that_a_server_made_up_hide_no_claim_for_ever(bridge, chain):
    """Claims are looked for from a block on that follows from the height at the first look. The chain is higher by
    3,000 blocks then than it ever is again."""
    secret = bytes([0x21]) * 32
    hash_ = hashlib.sha256(secret).digest()
    before = chain.call("evm_snapshot")
    begun = begin(bridge, source="evm:bobs", destination="base", amount=5000, recipient=bridge.people["carol"],
                  timeout="3m", hash=hash_.hex(), account_there=STRANGER)
    chain.call("anvil_mine", hex(3000))
    wait_for(lambda: bridge.query("SELECT detail ->> 'since' FROM transfer_leg WHERE side = 0")[0][0], "a look", 60)
    assert chain.call("evm_revert", before)
    amount, deadline = 5051 * GWEI, begun["source_expiry_us"] // 10**6
    chain.call("anvil_setBalance", STRANGER, hex(10**18))
    chain.call("anvil_impersonateAccount", STRANGER)
    terms = (data(begun["pay_to"]), hash_, deadline, 0, amount)
    chain.call("eth_sendTransaction", {
        "from": STRANGER, "to": bridge.contract, "value": hex(amount), "gas": hex(600000),
        "data": "0x" + (swap_party.LOCK + b"".join(map(swap_party.word, terms))).hex()})
    transfer = begun["transfer"]
    wait_for(lambda: state(bridge, transfer) == "destination_locked", "locked", 60)
    bridge.call("transfer.reveal", {"from": "alice"}, transfer=transfer, preimage=secret.hex())
    assert over(bridge, transfer) == "settled"
