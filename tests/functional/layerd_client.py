"""A small client for both sockets of layerd, in plain Python: what the tests speak to the node with.

It shares no code with liblayerd. Reads always have a time limit, so that a node that says nothing fails a
test instead of hanging it. Observers see every successful call and every event line: conftest.py checks
them against the schemas.
"""

import hashlib
import itertools
import json
import os
import select
import socket
import time

from reference import bech32m, canonical, schnorr

PATIENCE = float(os.environ.get("LAYERD_TEST_PATIENCE", "60"))  # seconds that one answer may take
TRANSACTION_TAG = "layerd/transaction"
ASSET_TAG = "layerd/asset"

call_observers = []  # called with (socket name, method, params) after each call that succeeded
event_observers = []  # called with the raw line of each event received


class CallError(Exception):
    """An error that the node answered."""

    def __init__(self, error, method=None):
        self.code, self.message, self.data = error["code"], error["message"], error.get("data") or {}
        self.name = self.data.get("name")
        super().__init__("%s: %s %s: %s" % (method, self.code, self.name, self.message))


class Closed(Exception):
    """The node closed the connection."""


class Connection:
    """Lines over a Unix socket."""

    def __init__(self, path, receive_buffer=None):
        self.path = str(path)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        try:
            self.socket.connect(self.path)
        except OSError:
            self.socket.close()
            raise
        self.buffer = bytearray()
        self.scanned = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        self.socket.settimeout(PATIENCE)
        self.socket.sendall(data)

    def read_line(self, timeout=None):
        """The next line without its newline. TimeoutError, or Closed at the end of the stream."""
        end = time.monotonic() + (PATIENCE if timeout is None else timeout)
        while True:
            found = self.buffer.find(b"\n", self.scanned)
            if found >= 0:
                line = bytes(self.buffer[:found])
                del self.buffer[: found + 1]
                self.scanned = 0
                return line
            self.scanned = len(self.buffer)
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.socket], [], [], left)[0]:
                raise TimeoutError(
                    "%s said nothing for %s s" % (os.path.basename(self.path), timeout or PATIENCE)
                )
            try:
                data = self.socket.recv(1 << 18)
            except ConnectionResetError:
                data = b""
            if not data:
                raise Closed("%s closed the connection" % os.path.basename(self.path))
            self.buffer += data

    def read(self, timeout=None):
        return json.loads(self.read_line(timeout))

    def is_closed(self, timeout=None):
        """Whether the node closes this connection within the time (what it still sends is thrown away)."""
        try:
            while True:
                self.read_line(timeout)
        except Closed:
            return True
        except TimeoutError:
            return False


class Rpc(Connection):
    """JSON-RPC 2.0 on layerd.sock."""

    def __init__(self, path, **options):
        super().__init__(path, **options)
        self.ids = itertools.count(1)

    def exchange(self, data, timeout=None):
        """Sends bytes as one line and reads one JSON answer."""
        self.send(data + b"\n")
        return self.read(timeout)

    def call(self, method, params=None, timeout=None, **named):
        """The result; CallError when the node refuses."""
        params = dict(params or {}, **named)
        request = {"jsonrpc": "2.0", "id": next(self.ids), "method": method, "params": params}
        reply = self.exchange(json.dumps(request).encode(), timeout)
        assert reply.get("jsonrpc") == "2.0" and reply.get("id") == request["id"], reply
        assert ("result" in reply) != ("error" in reply), reply
        if "error" in reply:
            raise CallError(reply["error"], method)
        for observer in call_observers:
            observer("layerd.sock", method, params)
        return reply["result"]

    def pipeline(self, requests, timeout=None, ahead=200):
        """Sends many (method, params) keeping up to `ahead` unanswered; returns results or CallErrors in
        order.
        """
        numbers, results, sent = {}, [None] * len(requests), 0
        answered = 0
        while answered < len(requests):
            lines = []
            while sent < len(requests) and sent - answered < ahead:
                method, params = requests[sent]
                number = next(self.ids)
                numbers[number] = sent
                lines.append(
                    json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}).encode()
                )
                sent += 1
            if lines:
                self.send(b"\n".join(lines) + b"\n")
            reply = self.read(timeout)
            place = numbers.pop(reply["id"])
            results[place] = (
                CallError(reply["error"], requests[place][0]) if "error" in reply else reply["result"]
            )
            answered += 1
        return results


def is_event(line):
    """Whether a stream line is an event in the native format (a notice of format "notify" has no data)."""
    starts = line.startswith(b'{"seq":') or line.startswith(b'{"sub":') and b',"seq":' in line[:48]
    return starts and b',"data":{' in line


class Events(Connection):
    """The event stream on events.sock: requests, and lines that come by themselves."""

    def __init__(self, path, hello=True, **options):
        super().__init__(path, **options)
        self.ids = itertools.count(1)
        self.waiting = []
        self.hello = self.call("hello", client="functional tests", protocol=1) if hello else None

    def send_request(self, method, **params):
        number = next(self.ids)
        self.send(
            json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}).encode() + b"\n"
        )
        return number

    def reply(self, number, timeout=None):
        """The answer to a request sent before; stream lines that come first wait for next_line."""
        while True:
            line = self.read_line(timeout)
            if not is_event(line):
                message = json.loads(line)
                if "id" in message and "jsonrpc" in message:
                    assert message["id"] == number, message
                    return message
            self.waiting.append(line)

    def call(self, method, timeout=None, **params):
        message = self.reply(self.send_request(method, **params), timeout)
        if "error" in message:
            raise CallError(message["error"], method)
        for observer in call_observers:
            observer("events.sock", method, params)
        return message["result"]

    def next_line(self, timeout=None):
        """The next stream line, raw."""
        line = self.waiting.pop(0) if self.waiting else self.read_line(timeout)
        if is_event(line):
            for observer in event_observers:
                observer(line)
        return line

    def next(self, timeout=None):
        return json.loads(self.next_line(timeout))

    def subscribe(self, **params):
        return self.call("subscribe", **params)

    def event_lines(self, until, timeout=None):
        """Raw event lines up to and with the event `until`; other stream lines are passed over."""
        lines = []
        while True:
            line = self.next_line(timeout)
            if is_event(line):
                lines.append(line)
                if seq_of(line) >= until:
                    return lines

    def until(self, kind, timeout=None):
        """Messages up to and with the first that has the member `kind`."""
        messages = []
        while True:
            messages.append(self.next(timeout))
            if kind in messages[-1]:
                return messages

    def events(self, count, timeout=None):
        """The next `count` events; other stream lines are passed over."""
        found = []
        while len(found) < count:
            message = self.next(timeout)
            if "seq" in message:
                found.append(message)
        return found

    def silent(self, seconds=0.3):
        """Whether no event comes for a while (heartbeats, progress and the like do not count)."""
        end = time.monotonic() + seconds
        while True:
            try:
                if "seq" in self.next(max(end - time.monotonic(), 0.001)):
                    return False
            except TimeoutError:
                return True


def seq_of(line):
    start = line.index(b'"seq":') + 6
    end = start
    while line[end : end + 1].isdigit():
        end += 1
    return int(line[start:end])


class Account:
    """A key, its address, and the transactions it signs."""

    def __init__(self, seed, prefix="lyt"):
        self.secret = hashlib.sha256(b"functional test key " + str(seed).encode()).digest()
        self.public = schnorr.public_key(self.secret)
        self.address = bech32m.encode(prefix, self.public)

    def __repr__(self):
        return "Account(%s)" % self.address

    def transaction(self, chain, method, params, valid_until, salt=None):
        return {
            "account": self.address,
            "chain": chain,
            "method": method,
            "params": params,
            "salt": (os.urandom(16) if salt is None else salt).hex(),
            "valid_until": valid_until,
        }

    def sign(self, transaction):
        """The signature in hex. Signing with this account says nothing about whose name the transaction
        bears.
        """
        return schnorr.sign(self.secret, transaction_id(transaction), os.urandom(32)).hex()

    def signed(self, *arguments, **named):
        """Parameters for transaction.submit."""
        transaction = self.transaction(*arguments, **named)
        return {"transaction": transaction, "signature": self.sign(transaction)}


def transaction_id(transaction):
    return schnorr.tagged_hash(TRANSACTION_TAG, canonical.encode(transaction))


def asset_id(chain, symbol):
    chain, symbol = chain.encode(), symbol.encode()
    data = len(chain).to_bytes(4, "big") + chain + len(symbol).to_bytes(4, "big") + symbol
    return schnorr.tagged_hash(ASSET_TAG, data)
