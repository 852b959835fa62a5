"""JSON-RPC 2.0 on lines: ids, batches, notifications, pipelining, and each line that is no request."""

import json
import os
import socket

import pytest

from layerd_client import CallError, Closed, Connection

MEBIBYTE = 1 << 20


@pytest.fixture(params=["layerd.sock", "events.sock"])
def line(request, shared):
    """A plain connection to either socket: the framing is the same."""
    connection = Connection(shared.directory / request.param)
    connection.harmless = "node.info" if request.param == "layerd.sock" else "head"
    yield connection
    connection.close()


def ask(connection, data):
    connection.send(data + b"\n")
    return connection.read()


def request(connection, number=1, method=None, **more):
    return json.dumps(
        dict({"jsonrpc": "2.0", "id": number, "method": method or connection.harmless}, **more)
    ).encode()


def still_answers(connection):
    reply = ask(connection, request(connection, "after"))
    return reply["id"] == "after" and "result" in reply


@pytest.mark.parametrize(
    "number",
    [0, 1, -1, 2**53 - 1, -(2**53) + 1, 2**63 - 1, "", "text", '\u20ac"\\\n', "x" * 200, None],
    ids=repr,
)
def test_an_id_comes_back_as_it_was(line, number):
    reply = ask(line, request(line, number))
    assert reply["id"] == number and type(reply["id"]) is type(number)
    assert "result" in reply


@pytest.mark.parametrize("number", [True, False, [], [1], {}, {"a": 1}], ids=repr)
def test_an_id_that_is_neither_number_text_nor_null_is_refused(line, number):
    reply = ask(line, request(line, number))
    assert reply["error"]["code"] == -32600 and reply["id"] is None
    assert still_answers(line)


def test_an_id_with_a_fraction_is_echoed_or_refused(line):
    reply = ask(line, request(line, 1.5))
    assert reply.get("id") == 1.5 or reply["error"]["code"] == -32600


def test_params_may_be_absent_or_an_empty_object(line):
    assert "result" in ask(line, request(line))
    assert "result" in ask(line, request(line, params={}))


@pytest.mark.parametrize("params", [[1], 1, "x", True, None], ids=repr)
def test_params_that_are_no_object_are_refused(line, params):
    reply = ask(line, request(line, params=params))
    assert reply["error"]["code"] in (-32600, -32602)
    assert still_answers(line)


@pytest.mark.parametrize(
    "text",
    [
        b"1",
        b'"x"',
        b"null",
        b"true",
        b"{}",
        b'{"jsonrpc":"2.0"}',
        b'{"jsonrpc":"2.0","id":1}',
        b'{"jsonrpc":"2.0","id":1,"method":1}',
        b'{"jsonrpc":"2.0","id":1,"method":null}',
        b'{"id":1,"method":[]}',
        b'{"jsonrpc":"1.0","id":1,"method":"node.info"}',
        b'{"jsonrpc":2,"id":1,"method":"node.info"}',
    ],
    ids=lambda text: text.decode(),
)
def test_json_that_is_no_request_is_refused(line, text):
    assert ask(line, text)["error"]["code"] == -32600
    assert still_answers(line)


@pytest.mark.parametrize(
    "text",
    [
        b"{",
        b"}",
        b"[",
        b"nonsense",
        b'{"jsonrpc":"2.0","id":1,"method":"node.info"',
        b"'x'",
        b'{"a":1,}',
        b"[1,]",
        b"01",
        b"1 2",
        b'{"a":1}{"b":2}',
        b'"\x01"',
        b'"\xff\xfe"',
        b'"\\ud800"',
        b'"\\u0000"',
        b"\x00",
        b"\xef\xbb\xbf{}",
        b"NaN",
        b"1e999",
        b"-",
        b"tru",
        b'{"a":1,"a":2}',
        b'{"a":{"b":1,"b":1}}',
        b"// comment",
        b"\x7f\x45\x4c\x46\x02\x01\x01\x00",
    ],
    ids=repr,
)
def test_a_line_that_is_not_one_json_value_is_refused(line, text):
    reply = ask(line, text)
    assert reply["error"]["code"] == -32700 and reply["id"] is None
    assert reply["error"]["message"]
    assert still_answers(line)


@pytest.mark.parametrize("depth", [33, 100, 10_000, 100_000])
def test_deep_nesting_is_refused(line, depth):
    assert ask(line, b"[" * depth + b"]" * depth)["error"]["code"] == -32700
    assert ask(line, b'{"a":' * depth + b"1" + b"}" * depth)["error"]["code"] == -32700
    assert ask(line, b"[" * depth)["error"]["code"] == -32700
    assert still_answers(line)


def test_random_binary_lines_are_refused_one_by_one(line):
    for _ in range(50):
        text = os.urandom(300).replace(b"\n", b"\x0b").replace(b"\r", b"\x0b")
        assert ask(line, b"\x80" + text)["error"]["code"] == -32700
    assert still_answers(line)


def test_empty_lines_are_passed_over(line):
    line.send(b"\n\n   \n\r\n\t\n" + request(line, 1) + b"\r\n")
    reply = line.read()
    assert reply["id"] == 1 and "result" in reply


def test_a_line_may_come_in_many_pieces(line):
    for byte in request(line, 7) + b"\n":
        line.send(bytes([byte]))
    assert line.read()["id"] == 7


def test_many_lines_may_come_in_one_piece(line):
    line.send(b"".join(request(line, number) + b"\n" for number in range(500)))
    assert sorted(line.read()["id"] for _ in range(500)) == list(range(500))


def test_a_line_of_one_mebibyte_is_taken(line):
    text = request(line, "big", params={})
    line.send(text[:-1] + b" " * (MEBIBYTE - len(text) - 1) + text[-1:] + b"\n")
    assert "result" in line.read()
    assert still_answers(line)


def test_a_longer_line_is_refused_with_a_clear_error(line):
    text = request(line, "big")
    line.send(text + b" " * (MEBIBYTE + 1 - len(text)) + b"\n")
    reply = line.read()
    assert reply["error"]["code"] in (2010, -32600, -32700)
    assert "result" not in reply


def test_a_line_without_end_is_cut_off(line):
    with pytest.raises((Closed, BrokenPipeError, ConnectionResetError, AssertionError)):
        for _ in range(64):
            line.send(b"x" * MEBIBYTE)
        reply = line.read()
        assert "error" not in reply
        line.read()
        raise AssertionError("the node reads a line of 64 MiB")


def test_the_last_line_without_newline_is_not_executed(shared, line):
    line.send(request(line, 1))
    line.socket.shutdown(socket.SHUT_WR)
    try:
        assert "result" not in line.read()
    except Closed:
        pass


def test_requests_sent_before_the_write_side_closes_are_answered(line):
    line.send(b"".join(request(line, number) + b"\n" for number in range(20)))
    line.socket.shutdown(socket.SHUT_WR)
    assert sorted(line.read()["id"] for _ in range(20)) == list(range(20))


def test_a_notification_gets_no_answer(line):
    line.send(json.dumps({"jsonrpc": "2.0", "method": line.harmless}).encode() + b"\n")
    line.send(json.dumps({"jsonrpc": "2.0", "method": "no.such.method"}).encode() + b"\n")
    line.send(request(line, "marker") + b"\n")
    assert line.read()["id"] == "marker"


def test_a_batch_is_answered_as_one_array(line):
    text = b"[" + b",".join(request(line, number) for number in range(10)) + b"]"
    replies = ask(line, text)
    assert isinstance(replies, list)
    assert sorted(reply["id"] for reply in replies) == list(range(10))
    assert all("result" in reply for reply in replies)


def test_a_batch_may_mix_good_bad_and_silent(line):
    replies = ask(
        line,
        b'[%s,1,{"jsonrpc":"2.0","method":"no.such"},{"jsonrpc":"2.0","id":2,"method":"no.such"},{}]'
        % request(line, 1),
    )
    assert len(replies) == 4
    codes = sorted(reply["error"]["code"] for reply in replies if "error" in reply)
    assert codes == [-32601, -32600, -32600]
    assert [reply["id"] for reply in replies if "result" in reply] == [1]


def test_an_empty_batch_is_an_invalid_request(line):
    reply = ask(line, b"[]")
    assert isinstance(reply, dict) and reply["error"]["code"] == -32600


def test_a_batch_of_notifications_gets_no_answer(line):
    line.send(
        b'[{"jsonrpc":"2.0","method":"%s"},{"jsonrpc":"2.0","method":"no.such"}]\n' % line.harmless.encode()
    )
    line.send(request(line, "marker") + b"\n")
    assert line.read()["id"] == "marker"


def test_an_oversized_batch_is_answered_or_refused_as_a_whole(line):
    count = 10_000
    text = (
        b"[" + b",".join(b'{"jsonrpc":"2.0","id":%d,"method":"x"}' % number for number in range(count)) + b"]"
    )
    assert len(text) < MEBIBYTE
    replies = ask(line, text)
    if isinstance(replies, dict):
        assert replies["error"]["code"] in (-32600, 2010, 1005)
    else:
        assert len(replies) == count
    assert still_answers(line)


def test_an_unknown_method_is_refused_by_name(line):
    error = ask(line, request(line, 1, "no.such.method"))["error"]
    assert error["code"] == -32601 and "no.such.method" in error["message"]
    for method in (" ", "x" * 100_000, "node.info ", "NODE.INFO", "\u0001", "../stop"):
        assert ask(line, request(line, 1, method))["error"]["code"] in (-32601, -32600)
    assert still_answers(line)


def test_an_unknown_parameter_is_refused_by_name(shared):
    with pytest.raises(CallError) as caught:
        shared.call("node.info", surprising=1)
    assert caught.value.code == -32602 and "surprising" in caught.value.message


def test_a_method_close_to_a_name_gets_a_suggestion(shared):
    with pytest.raises(CallError) as caught:
        shared.call("ledger.transfr")
    assert caught.value.code == -32601 and "ledger.transfer" in caught.value.message


def test_a_client_that_goes_away_leaves_no_trace(shared):
    for _ in range(100):
        connection = Connection(shared.rpc_path)
        connection.send(b'{"jsonrpc":"2.0","id":1,"method":"node.info"}\n' * 20)
        connection.close()
    assert shared.call("node.info")


def test_a_client_that_never_reads_its_answers_stops_being_read(shared):
    """The node must not buffer answers without bound: it stops reading instead."""
    before = shared.resident_bytes()
    connection = Connection(shared.rpc_path)
    connection.socket.setblocking(False)
    text = b'{"jsonrpc":"2.0","id":1,"method":"rpc.discover"}\n' * 100
    sent = 0
    try:
        while sent < 64 * MEBIBYTE:
            sent += connection.socket.send(text)
    except BlockingIOError:
        pass
    except (BrokenPipeError, ConnectionResetError):
        pass
    assert shared.call("node.info")
    assert shared.resident_bytes() - before < 64 * MEBIBYTE
    connection.close()
