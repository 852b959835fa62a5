"""Fixtures: nodes that start before a test and give their verdict after it, and checks over the whole
session.
"""

import json
import sys

import pytest

sys.dont_write_bytecode = True

import layerd_client
from layerd_client import Account
from node import LAYERD, ROOT, Node, is_sanitized
from reference.schema import Schema, validate_event

EVENT_SCHEMA = ROOT / "schema" / "events.json"
RPC_SCHEMA = ROOT / "schema" / "rpc.json"


def pytest_configure(config):
    if not LAYERD.exists():
        pytest.exit("no daemon at %s: build it, or name the build directory in LAYERD_BUILD" % LAYERD, 2)


@pytest.fixture
def nodes():
    """Makes nodes that are not started yet: nodes(network=..., settings=[...])."""
    made = []

    def make(**options):
        made.append(Node(**options))
        return made[-1]

    yield make
    failures = []
    for node in made:
        try:
            node.finish()
        except AssertionError as failure:
            failures.append(failure)
    if failures:
        raise failures[0]


@pytest.fixture
def node(nodes):
    """A fresh node on the dev network, running."""
    return nodes().start()


@pytest.fixture(scope="module")
def shared():
    """One running node for all tests of a file: for calls that change nothing, or only what is their own."""
    node = Node()
    try:
        node.start()
        yield node
    finally:
        node.finish()


@pytest.fixture
def alice():
    return Account("alice")


@pytest.fixture
def bob():
    return Account("bob")


@pytest.fixture
def carol():
    return Account("carol")


@pytest.fixture(scope="session")
def sanitized():
    return is_sanitized()


# --- every call and every event of every test -----------------------------------------------------


@pytest.fixture(scope="session", autouse=True)
def events_follow_their_schema():
    """Each event line that any test receives through next_line is valid under schema/events.json."""
    schema = (
        Schema(json.loads(EVENT_SCHEMA.read_text())) if EVENT_SCHEMA.exists() else None
    )  # test_schema.py misses it

    def check(line):
        if schema is None:
            return
        validate_event(schema, json.loads(line))

    layerd_client.event_observers.append(check)
    yield
    layerd_client.event_observers.remove(check)


@pytest.fixture(scope="session", autouse=True)
def calls_use_declared_parameters():
    """Each call that any test made with success exists in schema/rpc.json with these parameters."""
    document = json.loads(RPC_SCHEMA.read_text()) if RPC_SCHEMA.exists() else {"methods": []}
    declared = {
        method["name"]: {param["name"] for param in method["params"]}
        | (
            {"from", "valid_for"} if method["x-access"] == "signed" else set()
        )  # the envelope of unsigned calls
        for method in document["methods"]
    }
    undeclared = set()

    def check(socket, method, params):
        if socket != "layerd.sock":
            return
        if method not in declared:
            undeclared.add(method)
            return
        undeclared.update("%s %s" % (method, name) for name in params if name not in declared[method])

    layerd_client.call_observers.append(check)
    yield
    layerd_client.call_observers.remove(check)
    assert not undeclared or not RPC_SCHEMA.exists(), "accepted, but not in schema/rpc.json: %s" % ", ".join(
        sorted(undeclared)
    )
