"""Flow control: windows and credit, and what happens to subscribers that do not read."""

import time

import pytest

from layerd_client import PATIENCE, Account, is_event, seq_of

FIRST, NOW = {"from": "first"}, {"from": "now"}
SMALL = 4096  # a receive buffer that fills soon


@pytest.fixture(scope="module")
def house(shared):
    shared.alice, shared.bob = Account("alice"), Account("bob")
    shared.issue(shared.alice, "GOLD", 1_000_000)
    for _ in range(30):
        shared.transfer(shared.alice, shared.bob, "GOLD", 1)
    return shared


def head(node):
    return node.call("node.info")["head"]


def flood(node, events):
    """Makes about so many events, quickly: batches of transfers with long memos."""
    batch = 50
    transfers = [{"to": node.bob.address, "asset": "GOLD", "amount": 1, "memo": "x" * 200}] * batch
    requests = [
        ("transaction.submit", node.signed(node.alice, "ledger.transfer_batch", transfers=transfers))
        for _ in range(events // batch)
    ]
    for result in node.rpc().pipeline(requests, ahead=20):
        assert isinstance(result, dict), result
    return head(node)


def test_a_window_bounds_how_many_events_are_sent_unasked(house):
    stream = house.events()
    sub = stream.subscribe(window=5, **FIRST)["sub"]
    assert [event["seq"] for event in stream.events(5)] == [1, 2, 3, 4, 5]
    assert stream.silent(0.15)
    stream.call("credit", sub=sub, n=3)
    assert [event["seq"] for event in stream.events(3)] == [6, 7, 8]
    assert stream.silent(0.15)
    stream.call("credit", sub=sub, n=1)
    assert [event["seq"] for event in stream.events(1)] == [9]
    assert stream.silent(0.15)


def test_credit_holds_for_live_events_too(house):
    stream = house.events()
    sub = stream.subscribe(window=2, **NOW)["sub"]
    start = head(house)
    for _ in range(5):
        house.transfer(house.alice, house.bob, "GOLD", 1)
    assert [event["seq"] for event in stream.events(2)] == [start + 1, start + 2]
    assert stream.silent(0.15)
    stream.call("credit", sub=sub, n=100)
    assert [event["seq"] for event in stream.events(3)] == [start + 3, start + 4, start + 5]


def test_events_that_do_not_match_cost_no_credit(house):
    stream = house.events()
    stream.subscribe(window=1, types=["ledger.asset_issued"], **FIRST)
    assert stream.events(1)[0]["type"] == "ledger.asset_issued"


@pytest.mark.parametrize("count", [-1, 0, "5", 1.5, None, 2**63 - 1])
def test_credit_that_is_no_positive_number_is_refused(house, count):
    stream = house.events()
    sub = stream.subscribe(window=1, **FIRST)["sub"]
    number = stream.send_request("credit", sub=sub, n=count)
    assert stream.reply(number)["error"]["code"] in (-32602, -32700)


def test_a_stalled_subscriber_delays_nobody_and_loses_nothing(house):
    stalled = house.events(receive_buffer=SMALL)
    stalled.subscribe(on_slow="replay", **FIRST)
    reader = house.events()
    start = reader.subscribe(**NOW)["start"]
    newest = flood(house, 5000)
    assert [seq_of(line) for line in reader.event_lines(newest)] == list(range(start + 1, newest + 1))
    lines = stalled.event_lines(newest)
    assert [seq_of(line) for line in lines] == list(range(1, newest + 1))


def test_a_subscriber_that_asked_for_it_is_ended_when_slow_and_told_where(house):
    stream = house.events(receive_buffer=SMALL)
    stream.subscribe(on_slow="close", max_lag=200, **NOW)
    start = head(house)
    newest = flood(house, 6000)
    messages = stream.until("end")
    seqs = [message["seq"] for message in messages if "seq" in message]
    end = messages[-1]["end"]
    assert end["why"] == "slow"
    assert seqs == list(range(start + 1, end["next"]))
    assert end["next"] <= newest
    again = house.events()
    again.subscribe(**{"from": {"after": end["next"] - 1}})
    assert [seq_of(line) for line in again.event_lines(newest)] == list(range(end["next"], newest + 1))


def test_a_subscriber_that_asked_for_it_skips_and_is_told_what_it_lost(house):
    stream = house.events(receive_buffer=SMALL)
    stream.subscribe(on_slow="skip", max_lag=200, **NOW)
    start = head(house)
    flood(house, 6000)
    position, lost = start, 0
    newest = head(house) + 1
    deadline = time.monotonic() + PATIENCE
    marked = False
    while position < newest:
        assert time.monotonic() < deadline, "the stream stands at %d of %d" % (position, newest)
        try:
            message = stream.next(1)
        except TimeoutError:
            if not marked:
                house.transfer(house.alice, house.bob, "GOLD", 1)
            marked = True
            continue
        if "seq" in message:
            assert message["seq"] == position + 1, "a silent gap"
            position = message["seq"]
        elif "lost" in message:
            assert message["lost"]["why"] == "skip"
            assert (
                message["lost"]["from"] == position + 1 and message["lost"]["to"] >= message["lost"]["from"]
            )
            position = message["lost"]["to"]
            lost += 1
    assert lost >= 1


def test_stalled_subscribers_cost_little_memory(house, sanitized):
    if sanitized:
        pytest.skip("the sanitizer's own memory is counted")
    streams = [house.events(receive_buffer=SMALL) for _ in range(50)]
    for stream in streams:
        stream.subscribe(**NOW)
    flood(house, 2000)  # the shared ring and the caches fill here
    before = house.resident_bytes()
    flood(house, 10_000)
    assert house.resident_bytes() - before < 24 << 20
    newest = head(house)
    for stream in streams[::10]:
        seqs = [seq_of(line) for line in stream.event_lines(newest)]
        assert seqs == list(range(seqs[0], newest + 1))


@pytest.mark.plain
def test_a_subscriber_catches_up_while_the_log_grows(house):
    """The hand-over from pages to the live ring has no gap and no repeat, however often it happens."""
    streams = [house.events() for _ in range(10)]
    for stream in streams:
        stream.subscribe(**FIRST)
    newest = flood(house, 3000)
    for stream in streams:
        assert [seq_of(line) for line in stream.event_lines(newest)] == list(range(1, newest + 1))
        stream.close()


def test_caught_up_comes_again_after_each_fall_back_to_replay_and_is_never_wrong(house):
    stream = house.events()
    stream.subscribe(**FIRST)
    newest, position = flood(house, 1000), 0
    while position < newest:
        line = stream.next_line()
        if is_event(line):
            position = seq_of(line)
        elif b'"caught_up"' in line:
            assert int(line.split(b":")[-1].rstrip(b"}")) == position


def test_the_hand_over_between_pages_and_a_tiny_ring_loses_and_repeats_nothing(nodes):
    """A ring of a few events: subscribers fall out of it and come back all the time."""
    node = nodes(settings=["--ring-size=64KiB"]).start()
    node.alice, node.bob = Account("alice"), Account("bob")
    node.issue(node.alice, "GOLD", 1_000_000)
    streams = [node.events(receive_buffer=SMALL if number % 2 else None) for number in range(12)]
    for number, stream in enumerate(streams):
        types = {} if number % 3 else {"types": ["ledger.*"]}
        stream.subscribe(**FIRST, **types)
    newest = flood(node, 4000)
    for number, stream in enumerate(streams):
        seqs = [seq_of(line) for line in stream.event_lines(newest)]
        everything = [seq for seq, in node.query("SELECT seq FROM event ORDER BY seq")][:newest]
        local = {seq for seq, in node.query("SELECT seq FROM event WHERE type NOT LIKE 'ledger.%'")}
        assert seqs == [seq for seq in everything if number % 3 or seq not in local]
