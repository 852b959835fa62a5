"""Subscriptions: where they start and end, what they let through, and that live and replayed lines are the
same bytes.
"""

import json

import pytest

from layerd_client import Account, CallError, Events, is_event, seq_of
from node import SECOND
from reference import chain

FIRST, NOW = {"from": "first"}, {"from": "now"}


def after(seq, **more):
    return dict({"from": {"after": seq}}, **more)


def refused(code, call, *arguments, **named):
    with pytest.raises(CallError) as caught:
        call(*arguments, **named)
    assert caught.value.code == code, caught.value


@pytest.fixture(scope="module")
def house(shared):
    """The shared node with some forty events of several types and subjects."""
    shared.alice, shared.bob = Account("alice"), Account("bob")
    shared.issue(shared.alice, "GOLD", 100_000)
    shared.issue(shared.alice, "SILVER", 100_000)
    shared.fund(shared.bob)
    for number in range(30):
        shared.transfer(shared.alice, shared.bob, "GOLD" if number % 2 else "SILVER", 1 + number)
    return shared


def head(node):
    return node.call("node.info")["head"]


def stored_lines(node, after=0):
    """What the lines must be, rebuilt from the table by our own code."""
    database = node.database()
    try:
        versions = {row["type"]: row["v"] for row in map(json.loads, replay(node))}
        return [chain.line(row, versions[row[3]]) for row in chain.rows(database, after)]
    finally:
        database.close()


def replay(node, **parameters):
    """All present lines that a subscription from the first event gets."""
    stream = node.events()
    reply = stream.subscribe(**dict(FIRST, until=head(node), **parameters))
    assert reply["start"] >= 0
    lines = []
    while True:
        line = stream.next_line()
        if is_event(line):
            lines.append(line)
        elif b'"end"' in line:
            stream.close()
            return lines


def test_hello_tells_about_the_log(house):
    hello = house.events().hello
    info = house.call("node.info")
    assert hello["node"] == info["node_id"] and hello["origin"] == info["origin"] and hello["protocol"] == 1
    assert hello["head"] == info["head"]
    assert "ledger.transferred" in json.dumps(hello["types"])
    ((stored,),) = house.query("SELECT lower(hex(hash)) FROM event WHERE seq = ?", hello["head"])
    assert hello["head_hash"] == stored


def test_an_unknown_protocol_version_is_refused(house):
    stream = house.events(hello=False)
    with pytest.raises(CallError):
        stream.call("hello", client="x", protocol=99)


def test_from_first_gets_every_event_once_in_order(house):
    seqs = [seq_of(line) for line in replay(house)]
    assert seqs == list(range(1, len(seqs) + 1))
    assert seqs[-1] == head(house)


def test_replayed_lines_are_what_is_stored_and_hashed(house):
    assert replay(house) == stored_lines(house)


def test_the_hash_chain_of_the_rows_holds_by_our_own_code(house):
    database = house.database()
    hashes = chain.verify(database, house.call("node.info")["node_id"])
    database.close()
    assert json.loads(replay(house)[-1])["hash"] == hashes[-1].hex()


def test_live_bytes_are_replayed_bytes(house):
    stream = house.events()
    stream.subscribe(**NOW)
    start = head(house)
    for number in range(20):
        house.transfer(house.alice, house.bob, "GOLD", 1, memo='\u20ac"\\\u0001 %d' % number)
    live = stream.event_lines(start + 20)
    assert live == stored_lines(house, start)
    again = house.events()
    again.subscribe(**after(start))
    assert again.event_lines(start + 20) == live


def test_lines_replayed_after_a_restart_are_the_same_bytes(node, alice, bob):
    stream = node.events()
    stream.subscribe(**FIRST)
    node.issue(alice, "GOLD", 100)
    for _ in range(5):
        node.transfer(alice, bob, "GOLD", 1)
    live = stream.event_lines(head(node))
    node.restart()
    stream = node.events()
    stream.subscribe(**FIRST)
    assert stream.event_lines(len(live)) == live


def test_from_now_gets_only_what_comes(house):
    stream = house.events()
    reply = stream.subscribe(**NOW)
    assert reply["start"] == reply["head"] == head(house)
    assert stream.silent(0.1)
    house.transfer(house.alice, house.bob, "GOLD", 1)
    (event,) = stream.events(1)
    assert event["seq"] == reply["head"] + 1


def test_after_is_exclusive_and_zero_is_before_the_first(house):
    for start in (0, 1, 7, head(house) - 1):
        stream = house.events()
        stream.subscribe(**after(start))
        assert stream.events(1)[0]["seq"] == start + 1
    stream = house.events()
    stream.subscribe(**after(head(house)))
    assert stream.silent(0.1)


def test_a_position_after_the_newest_event_is_an_error(house):
    for seq in (head(house) + 1, head(house) + 1000, 2**53 - 1):
        refused(1006, house.events().subscribe, **after(seq))


@pytest.mark.parametrize(
    "start",
    [
        "first ",
        "FIRST",
        "",
        1,
        None,
        [],
        {},
        {"after": -1},
        {"after": "1"},
        {"after": 1.5},
        {"after": 1, "cursor": "x"},
        {"before": 1},
        {"time": "never"},
        {"cursor": ""},
    ],
    ids=repr,
)
def test_a_start_of_another_form_is_refused(house, start):
    with pytest.raises(CallError) as caught:
        house.events().subscribe(**{"from": start})
    assert caught.value.code in (-32602, 1007)


def test_a_subscription_without_start_or_with_unknown_members_is_refused(house):
    refused(-32602, house.events().subscribe)
    refused(-32602, house.events().subscribe, surprising=1, **FIRST)


def test_from_a_time_starts_with_the_first_event_of_that_time(house):
    rows = house.query("SELECT seq, time_us FROM event ORDER BY seq")
    for seq, time_us in (rows[0], rows[len(rows) // 2], rows[-1]):
        expected = min(other for other, at in rows if at >= time_us)
        stream = house.events()
        stream.subscribe(**{"from": {"time": time_us}})
        assert stream.events(1)[0]["seq"] == expected
    stream = house.events()
    stream.subscribe(**{"from": {"time": 0}})
    assert stream.events(1)[0]["seq"] == 1


def test_until_ends_the_subscription_after_that_event(house):
    stream = house.events()
    stream.subscribe(until=5, **FIRST)
    messages = stream.until("end")
    assert [message["seq"] for message in messages if "seq" in message] == [1, 2, 3, 4, 5]
    assert messages[-1]["end"]["why"] == "until" and messages[-1]["end"]["next"] == 6
    assert stream.silent(0.1)


def test_until_a_future_event_waits_for_it(house):
    stream = house.events()
    start = head(house)
    stream.subscribe(until=start + 2, **NOW)
    for _ in range(4):
        house.transfer(house.alice, house.bob, "GOLD", 1)
    messages = stream.until("end")
    assert [message["seq"] for message in messages if "seq" in message] == [start + 1, start + 2]


def test_the_hash_of_the_start_finds_a_replaced_log(house):
    line = json.loads(replay(house)[6])
    stream = house.events()
    stream.subscribe(**after(7, expect_hash=line["hash"]))
    assert stream.events(1)[0]["seq"] == 8
    flipped = "%064x" % (int(line["hash"], 16) ^ 1)
    refused(1002, house.events().subscribe, **after(7, expect_hash=flipped))
    refused(1002, house.events().subscribe, **after(8, expect_hash=line["hash"]))
    for wrong in ("", "00", "zz" * 32, 5):
        refused(-32602, house.events().subscribe, **after(7, expect_hash=wrong))


@pytest.mark.parametrize(
    "globs",
    [
        ["ledger.*"],
        ["*"],
        ["ledger.asset_*"],
        ["dev.faucet_paid"],
        ["ledger.transferred"],
        ["node.*", "dev.*"],
        ["*.transferred"],
        ["*_*"],
    ],
    ids=repr,
)
def test_type_globs_choose_on_the_server(house, globs):
    import fnmatch

    wanted = [
        line
        for line in stored_lines(house)
        if any(fnmatch.fnmatchcase(json.loads(line)["type"], glob) for glob in globs)
    ]
    assert wanted
    assert replay(house, types=globs) == wanted


def test_subjects_choose_on_the_server(house):
    subject = "account/" + house.bob.address
    wanted = [line for line in stored_lines(house) if json.loads(line).get("subject") == subject]
    assert len(wanted) >= 30
    assert replay(house, subjects=[subject]) == wanted
    both = [
        line for line in stored_lines(house) if json.loads(line).get("subject") in (subject, "asset/GOLD")
    ]
    assert replay(house, subjects=[subject, "asset/GOLD"]) == both
    assert replay(house, subjects=["asset/NONE"]) == []


def test_types_and_subjects_together_must_both_match(house):
    lines = replay(house, types=["ledger.*"], subjects=["asset/GOLD"])
    assert [json.loads(line)["type"] for line in lines] == ["ledger.asset_issued"]


@pytest.mark.parametrize(
    "filters",
    [
        {"types": "ledger.*"},
        {"types": [1]},
        {"types": [""]},
        {"subjects": "x"},
        {"subjects": [None]},
        {"types": ["x" * 1000]},
        {"types": ["a"] * 10_000},
        {"subjects": ["a"] * 100_000},
    ],
    ids=lambda filters: repr(filters)[:40],
)
def test_a_filter_of_another_form_is_refused(house, filters):
    with pytest.raises(CallError) as caught:
        house.events().subscribe(**dict(FIRST, **filters))
    assert caught.value.code in (-32602, 2010, 1005)


def test_a_filtered_subscriber_hears_how_far_the_log_was_examined(house):
    stream = house.events()
    stream.subscribe(types=["ledger.asset_issued"], **NOW)
    for _ in range(5):
        house.transfer(house.alice, house.bob, "GOLD", 1)
    assert stream.until("progress")[-1]["progress"] >= head(house) - 5


def test_caught_up_comes_once_at_the_hand_over(house):
    stream = house.events()
    start = head(house)
    stream.subscribe(**FIRST)
    messages = stream.until("caught_up")
    assert messages[-1]["caught_up"] == start
    assert [message["seq"] for message in messages if "seq" in message] == list(range(1, start + 1))
    house.transfer(house.alice, house.bob, "GOLD", 1)
    rest = stream.until("seq")
    assert not any("caught_up" in message for message in rest)


def test_caught_up_comes_at_once_when_there_is_nothing_to_replay(house):
    stream = house.events()
    stream.subscribe(**NOW)
    assert stream.until("caught_up")[-1]["caught_up"] == head(house)


def test_heartbeats_come_when_asked_for(house):
    stream = house.events()
    stream.subscribe(heartbeat_ms=100, **NOW)
    for _ in range(3):
        beat = stream.until("heartbeat")[-1]
        assert beat["heartbeat"] == head(house) and abs(beat["ts"] - house.now_us()) < 3600 * SECOND


def test_cloudevents_carry_the_same_facts(house):
    native = [json.loads(line) for line in replay(house)]
    stream = house.events()
    stream.subscribe(format="cloudevents", until=head(house), **FIRST)
    clouds = [message for message in stream.until("end") if "specversion" in message]
    assert len(clouds) == len(native)
    info = house.call("node.info")
    for cloud, event in zip(clouds, native):
        assert cloud["specversion"] == "1.0" and cloud["id"] == str(event["seq"])
        assert info["node_id"] in cloud["source"]
        assert event["type"] in cloud["type"] and cloud["type"].endswith(".v%d" % event["v"])
        assert cloud.get("subject") == event.get("subject")
        assert cloud["data"] == event["data"]
        assert cloud["time"].endswith("Z")


def test_notify_tells_the_number_and_type_alone(house):
    stream = house.events()
    stream.subscribe(format="notify", **NOW)
    house.transfer(house.alice, house.bob, "GOLD", 1)
    line = stream.next_line()
    while str(head(house)).encode() not in line or b"caught_up" in line:
        line = stream.next_line()
    assert b"data" not in line


def test_an_unknown_format_or_policy_is_refused(house):
    refused(-32602, house.events().subscribe, format="xml", **FIRST)
    refused(-32602, house.events().subscribe, on_slow="wait", **FIRST)
    refused(-32602, house.events().subscribe, ack="sometimes", **FIRST)


def test_one_connection_carries_several_subscriptions(house):
    stream = house.events()
    one = stream.subscribe(types=["ledger.transferred"], **NOW)["sub"]
    other = stream.subscribe(types=["dev.faucet_paid"], **NOW)["sub"]
    both = stream.subscribe(types=["*"], **NOW)["sub"]
    house.transfer(house.alice, house.bob, "GOLD", 1)
    house.fund(house.bob)
    seen = {(event["sub"], event["type"]) for event in stream.events(4)}
    assert seen == {
        (one, "ledger.transferred"),
        (other, "dev.faucet_paid"),
        (both, "ledger.transferred"),
        (both, "dev.faucet_paid"),
    }


def test_there_is_a_limit_of_subscriptions_on_one_connection(house):
    stream = house.events()
    with pytest.raises(CallError) as caught:
        for _ in range(1000):
            stream.subscribe(types=["node.*"], **NOW)
    assert caught.value.code == 1005


def test_unsubscribe_stops_the_lines(house):
    stream = house.events()
    number = stream.subscribe(**NOW)["sub"]
    stream.call("unsubscribe", sub=number)
    house.transfer(house.alice, house.bob, "GOLD", 1)
    assert stream.silent(0.1)
    refused(1009, stream.call, "unsubscribe", sub=number)
    refused(1009, stream.call, "credit", sub=number, n=1)
    refused(1009, stream.call, "ack", sub=99, seq=1)


def test_ping_is_answered(house):
    assert house.events().call("ping") is not None


def test_head_tells_the_newest_event(house):
    reply = house.events().call("head")
    assert (reply["head"] if isinstance(reply, dict) else reply) == head(house)


def test_events_can_be_had_in_pages(house):
    stream, seqs, position = house.events(), [], 0
    while True:
        page = stream.call("events.get", after=position, limit=7)
        if not page["events"]:
            break
        assert len(page["events"]) <= 7
        seqs += [event["seq"] for event in page["events"]]
        position = page["next"]
    assert seqs == list(range(1, head(house) + 1))
    page = stream.call("events.get", after=0, limit=100, types=["ledger.asset_*"])
    assert [event["data"]["symbol"] for event in page["events"]] == ["DEV", "GOLD", "SILVER"]
    page = stream.call("events.get", after=0, limit=100, subjects=["asset/GOLD"])
    assert [event["data"]["symbol"] for event in page["events"]] == ["GOLD"]
    refused(1006, stream.call, "events.get", after=head(house) + 1, limit=1)


def test_wait_returns_when_an_event_comes_or_the_time_is_over(house):
    stream = house.events()
    start = head(house)
    number = stream.send_request("wait", after=start, timeout_ms=60_000)
    house.transfer(house.alice, house.bob, "GOLD", 1)
    reply = stream.reply(number)["result"]
    assert reply["head"] == start + 1
    assert stream.call("wait", after=start, timeout_ms=60_000)["head"] == start + 1
    assert stream.call("wait", after=start + 1, timeout_ms=50)["head"] == start + 1


def test_last_marks_the_final_event_of_each_command(node, alice, bob, carol):
    node.issue(alice, "GOLD", 100)
    stream = node.events()
    stream.subscribe(**NOW)
    node.submit(
        alice,
        "ledger.transfer_batch",
        transfers=[{"to": who.address, "asset": "GOLD", "amount": 1} for who in (bob, carol, bob)],
    )
    events = stream.events(3)
    assert [event["last"] for event in events] == [False, False, True]
    assert len({event["block"] for event in events}) == 1


def test_a_reply_comes_no_later_than_its_event_can_be_read(house):
    """What was answered is in the log for everybody: the next read by anybody sees it."""
    other = house.events()
    for _ in range(20):
        house.transfer(house.alice, house.bob, "GOLD", 1)
        reply = other.call("head")
        assert (reply["head"] if isinstance(reply, dict) else reply) == house.query(
            "SELECT max(seq) FROM event"
        )[0][0]


def test_subscribers_are_told_of_the_shutdown(node):
    stream = Events(node.events_path)
    stream.subscribe(**FIRST)
    stream.until("caught_up")  # who is in the middle of more than that is told where it stood
    node.terminate()
    messages = stream.until("end")
    assert messages[-1]["end"]["why"] == "shutdown"
    stopped = [message for message in messages if message.get("type") == "node.stopped"]
    assert stopped and messages[-1]["end"]["next"] == stopped[-1]["seq"] + 1
    assert stream.is_closed()
    stream.close()


def test_a_subject_with_a_star_at_its_end_is_a_prefix(house):
    wanted = [
        line for line in stored_lines(house) if json.loads(line).get("subject", "").startswith("asset/")
    ]
    assert len(wanted) == 3
    assert replay(house, subjects=["asset/*"]) == wanted


def test_a_type_that_no_event_has_is_refused_because_it_would_wait_for_ever(house):
    refused(-32602, house.events().subscribe, types=["ledger.transfered"], **FIRST)
    refused(-32602, house.events().subscribe, types=["ledger.*", "nothing.*"], **FIRST)


def test_pages_and_streams_have_the_same_formats(house):
    stream = house.events()
    (cloud,) = stream.call("events.get", after=2, limit=1, format="cloudevents")["events"]
    assert cloud["specversion"] == "1.0" and cloud["id"] == "3"
    (notice,) = stream.call("events.get", after=2, limit=1, format="notify")["events"]
    assert notice == {"seq": 3, "type": "ledger.asset_issued"}
