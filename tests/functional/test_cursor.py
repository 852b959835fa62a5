"""Named cursors and acknowledgements: durable, cumulative, exclusive, and never ahead of what was
acknowledged.
"""

import time

import pytest

from layerd_client import PATIENCE, CallError
from test_subscribe import refused


@pytest.fixture
def house(node, alice, bob):
    """A node with a dozen events."""
    node.issue(alice, "GOLD", 1000)
    for _ in range(10):
        node.transfer(alice, bob, "GOLD", 1)
    return node


def position(node, name):
    listed = node.events().call("cursor.list")
    cursors = listed.get("items", listed.get("cursors")) if isinstance(listed, dict) else listed
    return {cursor["name"]: cursor for cursor in cursors}[name]["acknowledged"]


def from_cursor(name, **more):
    return dict({"from": {"cursor": name}, "ack": "manual"}, **more)


def test_a_new_cursor_stands_where_it_was_asked_to(house):
    stream = house.events()
    head = house.call("node.info")["head"]
    stream.call("cursor.create", name="start", **{"from": "first"})
    stream.call("cursor.create", name="end", **{"from": "now"})
    stream.call("cursor.create", name="middle", **{"from": {"after": 5}})
    assert (position(house, "start"), position(house, "end"), position(house, "middle")) == (0, head, 5)


def test_a_name_is_taken_once_and_must_be_a_name(house):
    stream = house.events()
    stream.call("cursor.create", name="mine", **{"from": "first"})
    refused(1008, stream.call, "cursor.create", name="mine", **{"from": "first"})
    for name in ("", "a b", "a/b", "x" * 64, "\u00e9", 5, None, "a\n"):
        refused(-32602, stream.call, "cursor.create", name=name, **{"from": "first"})
    refused(1006, stream.call, "cursor.create", name="ahead", **{"from": {"after": 10**9}})
    refused(1007, stream.subscribe, **from_cursor("absent"))
    refused(1007, stream.call, "cursor.set", name="absent", seq=1)
    refused(1007, stream.call, "cursor.delete", name="absent")


def test_a_subscription_by_cursor_starts_after_the_acknowledged_event(house):
    stream = house.events()
    stream.call("cursor.create", name="mine", **{"from": "first"})
    sub = stream.subscribe(**from_cursor("mine"))["sub"]
    assert [event["seq"] for event in stream.events(6)] == [1, 2, 3, 4, 5, 6]
    stream.call("ack", sub=sub, seq=4)
    stream.close()
    again = house.events()
    again.subscribe(**from_cursor("mine"))
    assert again.events(1)[0]["seq"] == 5


def test_reading_without_acknowledging_moves_nothing(house):
    stream = house.events()
    stream.call("cursor.create", name="mine", **{"from": "first"})
    stream.subscribe(**from_cursor("mine"))
    stream.events(10)
    assert position(house, "mine") == 0
    house.restart()
    assert position(house, "mine") == 0


def test_an_acknowledgement_survives_a_restart_and_kill_9(house):
    stream = house.events()
    stream.call("cursor.create", name="mine", **{"from": "first"})
    sub = stream.subscribe(**from_cursor("mine"))["sub"]
    stream.events(9)
    stream.call("ack", sub=sub, seq=3)
    house.crash()
    assert position(house, "mine") == 3
    stream = house.events()
    sub = stream.subscribe(**from_cursor("mine"))["sub"]
    assert stream.events(4)[0]["seq"] == 4
    stream.call("ack", sub=sub, seq=7)
    house.restart()
    assert position(house, "mine") == 7


def test_acknowledgements_are_cumulative_and_never_go_back(house):
    stream = house.events()
    stream.call("cursor.create", name="mine", **{"from": "first"})
    sub = stream.subscribe(**from_cursor("mine"))["sub"]
    stream.events(9)
    stream.call("ack", sub=sub, seq=8)
    stream.call("ack", sub=sub, seq=2)
    stream.call("ack", sub=sub, seq=8)
    assert position(house, "mine") == 8


def test_what_was_never_sent_cannot_be_acknowledged(house):
    stream = house.events()
    stream.call("cursor.create", name="mine", **{"from": "first"})
    sub = stream.subscribe(**from_cursor("mine"))["sub"]
    stream.events(2)
    with pytest.raises(CallError) as caught:
        stream.call("ack", sub=sub, seq=10**9)
    assert caught.value.code in (1006, -32602)
    assert position(house, "mine") == 0
    for seq in (-1, "1", 1.5, None):
        refused(-32602, stream.call, "ack", sub=sub, seq=seq)


def test_an_acknowledgement_may_be_a_notification(house):
    stream = house.events()
    stream.call("cursor.create", name="mine", **{"from": "first"})
    sub = stream.subscribe(**from_cursor("mine"))["sub"]
    stream.events(5)
    stream.send(b'{"jsonrpc":"2.0","method":"ack","params":{"sub":%d,"seq":5}}\n' % sub)
    stream.call("ack", sub=sub, seq=1)  # answered after the commit, behind the other
    assert position(house, "mine") == 5


def test_an_acknowledgement_may_name_the_cursor(house):
    stream = house.events()
    stream.call("cursor.create", name="mine", **{"from": "first"})
    stream.call("ack", cursor="mine", seq=4)
    assert position(house, "mine") == 4


def test_a_cursor_serves_one_subscription_at_a_time(house):
    stream = house.events()
    stream.call("cursor.create", name="mine", **{"from": "first"})
    sub = stream.subscribe(**from_cursor("mine"))["sub"]
    other = house.events()
    refused(1003, other.subscribe, **from_cursor("mine"))
    refused(1003, stream.subscribe, **from_cursor("mine"))
    stream.call("unsubscribe", sub=sub)
    other.subscribe(**from_cursor("mine"))
    refused(1003, stream.subscribe, **from_cursor("mine"))
    other.close()
    end = time.monotonic() + PATIENCE
    while True:
        try:
            stream.subscribe(**from_cursor("mine"))
            break
        except CallError as error:
            assert error.code == 1003 and time.monotonic() < end


def test_a_cursor_can_be_set_back_and_deleted(house):
    stream = house.events()
    stream.call("cursor.create", name="mine", **{"from": {"after": 8}})
    stream.call("cursor.set", name="mine", seq=2)
    assert position(house, "mine") == 2
    refused(1006, stream.call, "cursor.set", name="mine", seq=10**9)
    stream.call("cursor.delete", name="mine")
    refused(1007, stream.subscribe, **from_cursor("mine"))
    house.crash()
    refused(1007, house.events().subscribe, **from_cursor("mine"))


def test_cursors_can_be_acknowledged_under_load_without_losing_one(house, alice, bob):
    """Many acknowledgements in flight: the stored position is the largest that was answered."""
    stream = house.events()
    stream.call("cursor.create", name="mine", **{"from": "first"})
    sub = stream.subscribe(**from_cursor("mine"))["sub"]
    head = house.call("node.info")["head"]
    stream.event_lines(head)
    numbers = [stream.send_request("ack", sub=sub, seq=seq) for seq in range(1, head + 1)]
    answered = set()
    while len(answered) < len(numbers):
        message = stream.read()
        if "id" in message:
            assert "result" in message, message
            answered.add(message["id"])
    house.crash()
    assert position(house, "mine") == head
