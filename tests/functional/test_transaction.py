"""Signed transactions: what is accepted, and everything around it that is not and changes nothing."""

import json
import os

import pytest

from layerd_client import Account, CallError, transaction_id
from node import SECOND
from reference import canonical, schnorr

REFUSED_FORMS = (-32602, -32700, 2012)  # invalid_params, parse, not_canonical


@pytest.fixture(scope="module")
def house(shared):
    """The shared node with an asset, and two accounts that hold it."""
    shared.issuer, shared.friend = Account("issuer"), Account("friend")
    shared.issue(shared.issuer, "GOLD", 1_000_000)
    return shared


def head(node):
    return node.call("node.info")["head"]


class Unchanged:
    """Nothing may change inside: neither the log nor the transactions."""

    def __init__(self, node):
        self.node = node

    def state(self):
        return self.node.query(
            "SELECT (SELECT count(*) FROM signed_transaction), (SELECT max(seq) FROM event),"
            " (SELECT sum(seq * amount) FROM posting)"
        )

    def __enter__(self):
        self.before = self.state()

    def __exit__(self, kind, *_):
        if kind is None:
            assert self.state() == self.before


def refused(node, parameters, *codes):
    """The error that transaction.submit answers; it must be one of these codes and change nothing."""
    with Unchanged(node), pytest.raises(CallError) as caught:
        node.call("transaction.submit", parameters)
    assert caught.value.code in codes, caught.value
    assert caught.value.message
    return caught.value


def transfer(node, amount=1, **named):
    return node.signed(
        node.issuer, "ledger.transfer", to=node.friend.address, asset="GOLD", amount=amount, **named
    )


def test_a_signed_transfer_is_executed_and_answers_with_id_block_and_result(house):
    signed = transfer(house, 5)
    reply = house.call("transaction.submit", signed)
    assert reply["transaction"] == transaction_id(signed["transaction"]).hex()
    assert reply["repeated"] is False
    assert reply["block"] == house.call("node.info")["height"]
    assert isinstance(reply["result"], dict)


def test_the_stored_transaction_is_the_canonical_form_that_was_signed(house):
    signed = transfer(house, 6, memo='caf\u00e9 \U0001f600 "quoted" \\ \n')
    reply = house.call("transaction.submit", signed)
    ((body, signature, account),) = house.query(
        "SELECT body, signature, account FROM signed_transaction WHERE id = ?",
        bytes.fromhex(reply["transaction"]),
    )
    assert body.encode() == canonical.encode(signed["transaction"])
    assert signature.hex() == signed["signature"]
    assert account == house.issuer.public
    assert schnorr.verify(account, schnorr.tagged_hash("layerd/transaction", body.encode()), signature)


def test_order_of_members_white_space_and_escapes_on_the_wire_do_not_matter(house):
    signed = transfer(house, 7, memo="A")
    house.call("transaction.submit", signed)
    shuffled = {name: signed["transaction"][name] for name in reversed(sorted(signed["transaction"]))}
    text = json.dumps(
        {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "transaction.submit",
            "params": {"signature": signed["signature"], "transaction": shuffled},
        },
        separators=(" ,\t", " : "),
    )
    reply = house.rpc().exchange(text.replace('"A"', '"\\u0041"').encode())
    assert reply["result"]["repeated"] is True


def test_the_same_transaction_again_returns_the_first_result_and_happens_once(house):
    signed = transfer(house, 8)
    first = house.call("transaction.submit", signed)
    events = head(house)
    for _ in range(3):
        again = house.call("transaction.submit", signed)
        assert again == dict(first, repeated=True)
    assert head(house) == events


def test_the_same_transaction_sent_many_times_at_once_happens_once(house):
    signed = transfer(house, 9)
    results = house.rpc().pipeline([("transaction.submit", signed)] * 50)
    assert not [result for result in results if isinstance(result, CallError)]
    assert sum(not result["repeated"] for result in results) == 1
    assert len({json.dumps(dict(result, repeated=None), sort_keys=True) for result in results}) == 1


def test_a_repeated_transaction_under_another_valid_signature_is_the_same_transaction(house):
    signed = transfer(house, 10)
    house.call("transaction.submit", signed)
    other = house.issuer.sign(signed["transaction"])
    assert other != signed["signature"]
    assert house.call("transaction.submit", dict(signed, signature=other))["repeated"] is True


def test_equal_commands_with_another_salt_are_two_transactions(house):
    first, second = transfer(house, 11), transfer(house, 11)
    assert house.call("transaction.submit", first)["repeated"] is False
    assert house.call("transaction.submit", second)["repeated"] is False


def test_a_replay_is_recognised_after_a_restart_and_after_a_crash(node, alice, bob):
    node.issue(alice, "GOLD", 100)
    signed = node.signed(alice, "ledger.transfer", to=bob.address, asset="GOLD", amount=1)
    first = node.call("transaction.submit", signed)
    node.restart()
    assert node.call("transaction.submit", signed) == dict(first, repeated=True)
    node.crash()
    assert node.call("transaction.submit", signed) == dict(first, repeated=True)
    assert node.query("SELECT count(*) FROM event WHERE type = 'ledger.transferred'") == [(1,)]


def test_a_signature_by_another_key_is_refused(house):
    signed = transfer(house)
    signed["signature"] = house.friend.sign(signed["transaction"])
    refused(house, signed, 2004)


def test_a_signature_of_another_transaction_is_refused(house):
    refused(house, dict(transfer(house, 1), signature=transfer(house, 2)["signature"]), 2004)


@pytest.mark.parametrize(
    "signature",
    ["", "00", "zz" * 64, "00" * 64, "ff" * 64, "00" * 63, "00" * 65, None, 5, [], {}],
    ids=[
        "empty",
        "one byte",
        "not hex",
        "zeros",
        "ones",
        "short",
        "long",
        "null",
        "number",
        "array",
        "object",
    ],
)
def test_a_malformed_signature_is_refused(house, signature):
    refused(house, dict(transfer(house), signature=signature), 2004, -32602)


def test_each_flipped_bit_of_the_signature_is_refused(house):
    signed = transfer(house)
    requests = []
    for bit in range(512):
        data = bytearray.fromhex(signed["signature"])
        data[bit // 8] ^= 1 << bit % 8
        requests.append(("transaction.submit", dict(signed, signature=data.hex())))
    with Unchanged(house):
        results = house.rpc().pipeline(requests)
    assert {result.code for result in results} == {2004}


@pytest.mark.parametrize("member", ["account", "chain", "method", "params", "salt", "valid_until"])
def test_one_flipped_bit_in_each_part_is_refused(house, member):
    signed = transfer(house)
    text = json.dumps(signed["transaction"][member])
    requests = []
    for place in range(len(text)):
        for bit in range(7):
            changed = text[:place] + chr(ord(text[place]) ^ 1 << bit) + text[place + 1 :]
            try:
                value = json.loads(changed)
            except ValueError:
                continue
            if str(value).lower() != str(signed["transaction"][member]).lower():  # hex has no case
                transaction = dict(signed["transaction"], **{member: value})
                requests.append(("transaction.submit", dict(signed, transaction=transaction)))
    assert requests
    with Unchanged(house):
        results = house.rpc().pipeline(requests)
    assert all(isinstance(result, CallError) for result in results)
    assert {result.code for result in results} <= {2004, 2003, 2005, 2012, 2014, -32601, -32602, 2008, 2006}
    if member in ("params", "salt"):
        assert 2004 in {result.code for result in results}


def test_an_expired_transaction_is_refused(house):
    refused(house, transfer(house, valid_for=-1), 2003)
    refused(house, transfer(house, valid_for=-3600 * SECOND), 2003)


@pytest.mark.parametrize("valid_until", [0, -1, -(2**53) + 1, "2030-01-01T00:00:00Z", None, True, [], {}])
def test_a_valid_until_that_is_no_time_ahead_is_refused(house, valid_until):
    transaction = dict(transfer(house)["transaction"], valid_until=valid_until)
    refused(
        house, {"transaction": transaction, "signature": house.issuer.sign(transaction)}, 2003, -32602, 2012
    )


def test_a_transaction_expires_when_block_time_reaches_its_valid_until(node, alice, bob):
    node.issue(alice, "GOLD", 100)
    signed = node.signed(
        alice, "ledger.transfer", valid_for=60 * SECOND, to=bob.address, asset="GOLD", amount=1
    )
    node.advance(alice, 61 * SECOND)
    refused(node, signed, 2003)


def test_a_replay_after_valid_until_still_answers_the_first_result(node, alice, bob):
    node.issue(alice, "GOLD", 100)
    signed = node.signed(
        alice, "ledger.transfer", valid_for=60 * SECOND, to=bob.address, asset="GOLD", amount=1
    )
    first = node.call("transaction.submit", signed)
    node.advance(alice, 3600 * SECOND)
    assert node.call("transaction.submit", signed) == dict(first, repeated=True)


def test_transactions_of_one_connection_happen_in_the_order_they_were_sent(node, alice, bob):
    node.issue(alice, "GOLD", 1_000_000)
    requests = [
        (
            "transaction.submit",
            node.signed(alice, "ledger.transfer", to=bob.address, asset="GOLD", amount=amount),
        )
        for amount in range(1, 301)
    ]
    node.rpc().pipeline(requests, ahead=300)
    rows = node.query("SELECT body ->> 'amount' FROM event WHERE type = 'ledger.transferred' ORDER BY seq")
    assert [amount for amount, in rows] == list(range(1, 301))


def test_a_valid_until_too_far_ahead_is_refused(house):
    for valid_for in (367 * 86400 * SECOND, 2**53 - 1 - house.now_us() - 60 * SECOND):
        error = refused(house, transfer(house, valid_for=valid_for), 2014)
        assert error.name == "validity_too_long" and "366 days" in error.message
    house.call("transaction.submit", transfer(house, valid_for=365 * 86400 * SECOND))


def test_a_transaction_for_another_chain_is_refused(house):
    def signed_for(chain):
        transaction = dict(transfer(house)["transaction"], chain=chain)
        return {"transaction": transaction, "signature": house.issuer.sign(transaction)}

    for chain in ("dev-0000000000000000", house.chain.replace("dev-", "main-")):
        assert refused(house, signed_for(chain), 2005).name == "wrong_chain"
    for chain in ("main", "", house.chain[:-1], "x" * 64, "x" * 65):  # some of them name no chain at all
        refused(house, signed_for(chain), 2005, -32602, 2010)


@pytest.mark.parametrize("place", ["transaction", "params", "submission"])
def test_unknown_fields_are_refused(house, place):
    signed = transfer(house)
    transaction = signed["transaction"]
    if place == "transaction":
        transaction["extra"] = 1
    elif place == "params":
        transaction["params"]["extra"] = 1
    signed["signature"] = house.issuer.sign(transaction)
    if place == "submission":
        signed["extra"] = 1
    message = refused(house, signed, -32602).message
    assert place != "params" or "extra" in message


@pytest.mark.parametrize("member", ["account", "chain", "method", "params", "salt", "valid_until"])
def test_a_missing_member_is_refused(house, member):
    transaction = transfer(house)["transaction"]
    del transaction[member]
    refused(house, {"transaction": transaction, "signature": house.issuer.sign(transaction)}, -32602)


@pytest.mark.parametrize("member", ["account", "chain", "method", "params", "salt"])
@pytest.mark.parametrize(
    "value",
    [None, 1, True, [], {"a": {"b": []}}, "\u0001", "x" * 5000],
    ids=["null", "number", "boolean", "array", "object", "control", "long"],
)
def test_a_member_of_another_type_is_refused(house, member, value):
    transaction = dict(transfer(house)["transaction"], **{member: value})
    refused(
        house,
        {"transaction": transaction, "signature": house.issuer.sign(transaction)},
        -32602,
        -32601,
        2004,
        2005,
        2010,
        2012,
    )


def test_a_salt_of_another_length_is_refused(house):
    for size in (0, 1, 15, 17, 32):
        transaction = dict(transfer(house)["transaction"], salt=os.urandom(size).hex())
        refused(house, {"transaction": transaction, "signature": house.issuer.sign(transaction)}, -32602)


@pytest.mark.parametrize(
    "text",
    [
        '{"transaction":%s,"transaction":%s,"signature":"%s"}',
        '{"signature":"00","transaction":%.0s%s,"signature":"%s"}',
    ],
    ids=["transaction", "signature"],
)
def test_duplicate_keys_are_refused(house, text):
    signed = transfer(house)
    body = json.dumps(signed["transaction"])
    params = text % (body, body, signed["signature"])
    with Unchanged(house):
        reply = house.rpc().exchange(
            ('{"jsonrpc":"2.0","id":1,"method":"transaction.submit","params":%s}' % params).encode()
        )
    assert reply["error"]["code"] == -32700


def test_duplicate_keys_inside_the_params_are_refused(house):
    signed = transfer(house, 1)
    body = json.dumps(signed["transaction"]).replace('"amount": 1', '"amount": 1, "amount": 1')
    line = (
        '{"jsonrpc":"2.0","id":1,"method":"transaction.submit","params":{"transaction":%s,"signature":"%s"}}'
    )
    with Unchanged(house):
        reply = house.rpc().exchange((line % (body, signed["signature"])).encode())
    assert reply["error"]["code"] == -32700


AMOUNTS = [
    "9007199254740992",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551616",
    "1" + "0" * 400,
    "0",
    "-1",
    "-0",
    "-9007199254740991",
    "1.5",
    "1.0",
    "1e3",
    "1E0",
    "1e400",
    "0.0000001",
    '"1"',
    '""',
    "true",
    "false",
    "null",
    "[]",
    "[1]",
    "{}",
]


@pytest.mark.parametrize("literal", AMOUNTS, ids=lambda literal: literal[:24])
def test_an_amount_that_is_no_integer_from_1_to_2_53_is_refused(house, literal):
    """Signed over the very text that is sent, so that it is the amount which is refused and not the
    signature.
    """
    placeholder = 4242424242
    transaction = transfer(house, placeholder)["transaction"]
    text = canonical.encode(transaction).replace(b"4242424242", literal.encode())
    signature = schnorr.sign(house.issuer.secret, schnorr.tagged_hash("layerd/transaction", text)).hex()
    line = (
        b'{"jsonrpc":"2.0","id":1,"method":"transaction.submit","params":{"transaction":%s,"signature":"%s"}}'
    )
    with Unchanged(house):
        reply = house.rpc().exchange(line % (text, signature.encode()))
    assert reply["error"]["code"] in REFUSED_FORMS, reply


def test_the_largest_amount_is_understood(house):
    assert refused(house, transfer(house, 2**53 - 1), 3001)


def test_params_that_are_no_object_are_refused(house):
    for params in ([], [1], None, "x", 1):
        transaction = dict(transfer(house)["transaction"], params=params)
        refused(house, {"transaction": transaction, "signature": house.issuer.sign(transaction)}, -32602)


def test_deep_nesting_in_a_signed_value_is_refused(house):
    value = 1
    for _ in range(40):
        value = [value]
    signed = house.signed(house.issuer, "ledger.describe", asset="GOLD", metadata=value)
    line = {"jsonrpc": "2.0", "id": 1, "method": "transaction.submit", "params": signed}
    with Unchanged(house):
        assert house.rpc().exchange(json.dumps(line).encode())["error"]["code"] == -32700


def test_an_unknown_method_cannot_be_signed(house):
    refused(house, house.signed(house.issuer, "ledger.steal"), -32601)


@pytest.mark.parametrize(
    "method", ["stop", "backup", "wallet.lock", "node.info", "transaction.submit", "audit"]
)
def test_a_method_that_is_no_signed_command_cannot_be_signed(house, method):
    refused(house, house.signed(house.issuer, method), -32601, -32602, 2006, -32600)


def test_a_signed_command_without_signature_is_refused(house):
    with Unchanged(house), pytest.raises(CallError) as caught:
        house.call("ledger.transfer", to=house.friend.address, asset="GOLD", amount=1)
    assert caught.value.code == 2013


def test_a_refused_transaction_leaves_no_trace_and_may_come_again(node, alice, bob):
    node.issue(alice, "GOLD", 100)
    signed = node.signed(bob, "ledger.transfer", to=alice.address, asset="GOLD", amount=10)
    refused(node, signed, 3001)
    with pytest.raises(CallError) as caught:
        node.call("transaction.get", id=transaction_id(signed["transaction"]).hex())
    assert caught.value.code == 2002
    node.transfer(alice, bob, "GOLD", 10)
    assert node.call("transaction.submit", signed)["repeated"] is False


def test_transactions_and_blocks_can_be_read_back(node, alice, bob):
    node.issue(alice, "GOLD", 100)
    replies = [node.transfer(alice, bob, "GOLD", 1) for _ in range(5)]
    for reply in replies:
        found = node.call("transaction.get", id=reply["transaction"])
        assert found["id"] == reply["transaction"]
        assert found["block"] == reply["block"]
        assert found["result"] == reply["result"]
        block = node.call("block.get", height=reply["block"])
        assert block["height"] == reply["block"]
    page = node.call("transaction.list", limit=4)
    rest = node.call("transaction.list", after=page["next"], limit=100)
    listed = [item["id"] for item in page["items"] + rest["items"]]
    assert len(page["items"]) == 4 and len(listed) == 6 and len(set(listed)) == 6
    assert rest["next"] is None


def test_blocks_chain_by_their_hashes_and_their_times_never_go_back(node, alice, bob):
    node.issue(alice, "GOLD", 1000)
    for _ in range(5):
        node.transfer(alice, bob, "GOLD", 1)
    node.advance(alice, 3600 * SECOND)
    node.transfer(alice, bob, "GOLD", 1)
    rows = node.query(
        "SELECT height, time_us, chain_time_us, advanced_us, previous, hash FROM block ORDER BY height"
    )
    assert len(rows) >= 8
    jump = 0  # what a block's commands advance is added from the next block on
    for before, after in zip(rows, rows[1:]):
        assert after[0] == before[0] + 1
        assert after[1] >= before[1] + jump
        assert jump <= after[2] - before[2] <= 60 * SECOND + jump
        assert after[4] == before[5]
        jump = after[3] - before[3]
    assert sum(after[3] - before[3] for before, after in zip(rows, rows[1:])) == 3600 * SECOND


def test_what_is_not_found_is_said_so(shared):
    for method, params in (
        ("transaction.get", {"id": "00" * 32}),
        ("block.get", {"height": 2**40}),
        ("effect.get", {"id": 2**40}),
    ):
        with pytest.raises(CallError) as caught:
            shared.call(method, params)
        assert caught.value.code == 2002 and caught.value.name == "not_found"


def test_errors_carry_code_message_name_and_meaning(house):
    error = refused(house, transfer(house, 2**53 - 1), 3001)
    assert error.name == "insufficient_balance"
    assert error.data["meaning"]
    assert error.message


def test_a_batch_of_transactions_is_answered_as_one_array_in_its_order(house):
    signed = [transfer(house, amount) for amount in range(1, 101)]
    line = [
        {"jsonrpc": "2.0", "id": number, "method": "transaction.submit", "params": params}
        for number, params in enumerate(signed)
    ]
    replies = house.rpc().exchange(json.dumps(line).encode())
    assert [reply["id"] for reply in replies] == list(range(100))
    assert [reply["result"]["transaction"] for reply in replies] == [
        transaction_id(params["transaction"]).hex() for params in signed
    ]


def test_a_later_transaction_of_a_pipeline_may_spend_what_an_earlier_one_brought(node, alice, bob):
    accounts = [Account("chain %d" % number) for number in range(30)]
    node.issue(accounts[0], "GOLD", 7)
    requests = [
        (
            "transaction.submit",
            node.signed(source, "ledger.transfer", to=target.address, asset="GOLD", amount=7),
        )
        for source, target in zip(accounts, accounts[1:])
    ]
    assert all(isinstance(result, dict) for result in node.rpc().pipeline(requests))
    assert node.query("SELECT account FROM balance WHERE amount = 7") == [(accounts[-1].public,)]
