"""Links to outside networks, waiting for what comes of operations on them, and the faults that each of them has
to bear.
"""

import itertools
import time

from layerd_client import PATIENCE

ENDED = ("done", "failed", "cancelled")
SETTLED = ("final", "failed", "rejected", "dropped", "cancelled")
POLL_US = 20_000  # between looks: a test does not wait for the usual 5 s
_numbers = itertools.count(1)


class Link:
    """One link of a node."""

    def __init__(self, node, network, options, key=None, connect=True):
        self.node, self.name = node, "%s-%d" % (network, next(_numbers))
        more = {"key": key} if key else {}
        node.call("network.initialize", link=self.name, network=network, options=options, poll=POLL_US, **more)
        if connect:
            self.greeting = self.run("connect")

    def remove(self):
        self.node.call("network.remove", link=self.name, abandon=True)

    def start(self, operation, **params):
        return self.node.call("network." + operation, {"link": self.name, **params})["operation"]

    def wait(self, operation, states=ENDED):
        end = time.monotonic() + PATIENCE
        while True:
            found = self.node.call("network.operation", operation=operation)
            if found["state"] in states:
                return found
            assert time.monotonic() < end, found
            time.sleep(0.01)

    def run(self, operation, **params):
        """The result; an operation that failed is an AssertionError."""
        ended = self.wait(self.start(operation, **params))
        assert ended["state"] == "done", ended
        return ended["result"]

    def refused(self, operation, **params):
        """The error's name."""
        ended = self.wait(self.start(operation, **params))
        assert ended["state"] == "failed", ended
        return ended["error_name"]

    def write(self, operation):
        return self.node.call("network.write", operation=operation)

    def until(self, operation, *states):
        """The write, once it is in one of these states."""
        end = time.monotonic() + PATIENCE
        while True:
            write = self.write(operation)
            if write["state"] in states:
                return write
            assert time.monotonic() < end and write["state"] not in SETTLED, write
            time.sleep(0.01)

    def blocks(self):
        """Hash by height."""
        items = self.node.call("network.blocks", link=self.name, limit=1000)["items"]
        return {block["height"]: block["hash"] for block in items}


# What a server may do to a read, and the error that the operation then ends with; None: it is tried again and done.
READ_FAULTS = [
    (("garbage",), "network_protocol"),
    (("lie", b"<html>maintenance</html>"), "network_protocol"),
    (("lie", b'{"a": 1, "a": 2}'), "network_protocol"),
    (("lie", b"[" * 5000), "network_protocol"),
    (("huge", 17 << 20), "network_too_large"),
    (("claim", 1 << 30), "network_too_large"),
    (("status", 302, {"Location": "http://127.0.0.1:1/"}), "network_protocol"),
    (("status", 403), "network_auth"),
    (("status", 503), None),
    (("status", 429, {"Retry-After": "0"}), None),
    (("drop",), None),
    (("lose",), None),
    (("delay", 0.2), None),
]


def check_reads(make_link, server, operation, on):
    """Each fault on a link of its own: `make_link` gives a connected one; the fault meets the request with `on`."""
    for fault, error in READ_FAULTS:
        link = make_link()
        server.misbehaviour.add(fault, on=on)
        if error is None:
            link.run(operation)
        else:
            assert link.refused(operation) == error, fault
        assert not server.misbehaviour.queue, fault
        link.remove()
    link = make_link()
    server.misbehaviour.add(("half-open", 10), on=on)
    assert link.refused(operation, timeout=200_000) == "network_timeout"
    link.remove()


# What may happen to the request that sends a transaction; whatever it is, the transaction arrives, once.
SEND_FAULTS = [
    ("status", 503),
    ("status", 429, {"Retry-After": "0"}),
    ("status", 302, {"Location": "http://127.0.0.1:1/"}),
    ("lose",),
    ("drop",),
    ("garbage",),
    ("claim", 1 << 30),
    ("half-open", 0.1),
]


def check_sends(make_link, send, on):
    """`make_link`: a link and the server of its own, to be closed; `send`: starts a write and gives its id."""
    links = []
    for fault in SEND_FAULTS:
        link, server = make_link()
        server.misbehaviour.add(fault, on=on)
        links.append((fault, link, server, send(link)))
    for fault, link, server, operation in links:
        link.until(operation, "pending", "confirmed", "final")
        assert not server.misbehaviour.queue, fault
        link.remove()
    return [server for _, _, server, _ in links]
