"""Links as an operator meets them: what is told of them, what is kept secret, what is refused and how."""

import json
import os
import socket
import time

import pytest

from layerd_client import CallError

NOBODY = "http://127.0.0.1:1"  # where nothing listens
PROVIDER_KEY = "d0a7PROVIDERKEY"
URL = NOBODY + "/v2/" + PROVIDER_KEY


def credential(node, text="user:PASSWORD", name="credential"):
    path = node.home / name
    path.write_text(text)
    path.chmod(0o600)
    return str(path)


def options(node, network):
    return {
        "bob": {"url": URL},
        "rootstock": {"url": URL},
        "liquid": {"url": URL, "chain": "elementsregtest", "auth_file": credential(node)},
        "lightning": {"socket": str(node.home / "lightning-rpc"), "chain": "regtest"},
        "lnd": {"url": "https://127.0.0.1:1", "chain": "regtest", "macaroon_file": credential(node)},
        "stacks": {"url": URL, "chain": "testnet"},
        "taproot-assets": {"url": "https://127.0.0.1:1", "chain": "regtest", "macaroon_file": credential(node)},
    }[network]


def initialize(node, link, network="bob", **more):
    return node.call("network.initialize", link=link, network=network, options=options(node, network) | more)


def refused(node, **params):
    with pytest.raises(CallError) as failure:
        node.call("network.initialize", **params)
    return str(failure.value)


@pytest.mark.parametrize("network", ("bob", "rootstock", "liquid", "lightning", "lnd", "stacks", "taproot-assets"))
def test_metrics_tell_of_a_link_s_connections(node, network):
    initialize(node, "x", network)
    metrics = node.call("network.metrics", link="x")
    assert metrics["active_connections"] == 0 and metrics["connections_max"] == 8
    assert metrics["pool_utilization"] == 0 and metrics["breaker"] == "closed"


OPERATIONS = {
    "connect": {}, "disconnect": {}, "health_check": {}, "get_state": {}, "sync_state": {},
    "validate_state": {"claim": {"type": "x"}}, "submit_transaction": {"raw": "00"},
    "check_transaction_status": {"transaction": "00"}, "get_transaction_history": {}, "estimate_fees": {},
    "issue_asset": {"symbol": "X", "amount": "1"}, "transfer_asset": {"to": "x", "amount": "1"},
    "verify_proof": {"proof": {"type": "x"}}, "generate_proof": {"claim": {"type": "x"}},
    "request_payment": {"amount": "1"},
}
# What a network has not, whatever the link; and what a link without key, wallet, API or universe has not.
NEVER = {
    "bob": {"request_payment"}, "rootstock": {"request_payment"}, "liquid": {"request_payment"},
    "stacks": {"request_payment"},
    "lightning": {"sync_state", "issue_asset"}, "lnd": {"sync_state", "issue_asset"},
    "taproot-assets": {"submit_transaction", "estimate_fees"},
    "state-channel": {"sync_state", "estimate_fees", "issue_asset", "request_payment"},
}
NOT_THIS_LINK = {
    "bob": {"issue_asset", "transfer_asset"}, "rootstock": {"issue_asset", "transfer_asset"},
    "liquid": {"get_transaction_history", "issue_asset", "transfer_asset"},
    "stacks": {"get_transaction_history", "issue_asset", "transfer_asset"},
    "lightning": set(), "lnd": set(), "taproot-assets": {"sync_state"}, "state-channel": {"transfer_asset"},
}


@pytest.mark.parametrize("network", sorted(NEVER))
def test_each_network_says_what_it_can_do_and_refuses_the_rest_by_name(node, network):
    """`initialize` and `capabilities` are the other two of the operations."""
    if network == "state-channel":
        node.call("network.initialize", link="x", network=network)
    else:
        initialize(node, "x", network)
    told = {one["operation"]: one for one in node.call("network.capabilities", link="x")["operations"]}
    assert set(told) == set(OPERATIONS)
    (listed,) = (one for one in node.call("network.networks")["items"] if one["name"] == network)
    assert set(listed["operations"]) == set(OPERATIONS) - NEVER[network]
    cannot = {name for name, one in told.items() if not one["supported"]}
    assert cannot == NEVER[network] | NOT_THIS_LINK[network]
    assert {name for name, one in told.items() if one.get("reason")} == cannot
    for name in NEVER[network]:
        with pytest.raises(CallError, match="network_not_supported.*%s cannot %s" % (network, name)):
            node.call("network." + name, {"link": "x", **OPERATIONS[name]})
    for name in set(OPERATIONS) - NEVER[network] - {"connect", "disconnect"}:  # taken, but the link is at rest
        with pytest.raises(CallError, match="network_not_connected"):
            node.call("network." + name, {"link": "x", **OPERATIONS[name]})


def test_a_provider_s_key_is_in_the_link_s_options_alone_and_gone_with_the_link(node):
    for network in ("bob", "liquid", "stacks"):
        initialize(node, network, network)
        operation = node.call("network.connect", {"link": network, "timeout": "300ms"})["operation"]
        while node.call("network.operation", operation=operation)["state"] in ("queued", "running"):
            time.sleep(0.01)
    told = [node.call("network." + query) for query in ("list", "operations")]
    told += [node.call("network.operation", operation=o["operation"]) for o in told[1]["items"]]
    assert [o["state"] for o in told[1]["items"]] == ["failed"] * 3
    tables = [row[0] for row in node.query("SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')")]
    rows = {table: str(node.query('SELECT * FROM "%s"' % table)) for table in tables
            if not table.startswith("sqlite_")}
    for secret in (PROVIDER_KEY, "PASSWORD"):
        assert secret not in json.dumps(told) and secret not in node.log_text()
        assert [table for table in rows if secret in rows[table]] == (
            ["network_link"] if secret == PROVIDER_KEY else [])
    for network in ("bob", "liquid", "stacks"):
        node.call("network.remove", link=network)
    assert PROVIDER_KEY not in str(node.query("SELECT * FROM network_link"))


def test_a_url_in_a_file_is_in_no_row_at_all(node):
    initialize(node, "x", "bob", url="file:" + credential(node, URL, "url"))
    assert node.call("network.list")["items"][0]["client"]["endpoint"] == NOBODY
    assert PROVIDER_KEY not in str(node.query("SELECT * FROM network_link"))
    node.terminate()
    for path in node.directory.rglob("*"):
        assert not path.is_file() or PROVIDER_KEY.encode() not in path.read_bytes(), path


@pytest.mark.parametrize("network", ("bob", "rootstock", "liquid", "lightning", "lnd", "stacks", "taproot-assets"))
def test_the_connections_to_a_server_are_an_option_and_bounded(node, network):
    initialize(node, "x", network, connections=64)
    assert node.call("network.metrics", link="x")["connections_max"] == 64
    for wrong in (65, 2**32 + 1):
        said = refused(node, link="y", network=network, options=options(node, network) | {"connections": wrong})
        assert "network_options" in said and "connections" in said


@pytest.mark.parametrize("network", ("bob", "rootstock", "liquid", "lnd", "stacks", "taproot-assets"))
def test_who_speaks_http_takes_no_socket(node, network):
    said = refused(node, link="x", network=network, options=options(node, network) | {"url": "unix:/tmp/x"})
    assert "network_options" in said


def test_a_node_starts_with_as_many_operations_at_once_as_may_be(nodes):
    node = nodes(settings=["--max-concurrency=256"]).start()
    initialize(node, "x")
    assert node.call("network.metrics", link="x")["running"] == 0


def test_no_more_operations_are_under_way_than_the_setting_says(nodes):
    """Of those that have no place, the next gets it when one ends."""
    node = nodes(settings=["--max-concurrency=8"]).start()
    with socket.create_server(("127.0.0.1", 0), backlog=64) as silent:
        url = "http://127.0.0.1:%d" % silent.getsockname()[1]
        for link in "abcd":
            node.call("network.initialize", link=link, network="bob", options={"url": url, "timeout": "60s"})
        asked = [node.call("network.connect", link=link)["operation"] for _ in range(4) for link in "abcd"]

        def states(count):
            while True:
                states = {one["operation"]: one["state"] for one in node.call("network.operations")["items"]}
                if list(states.values()).count("running") == count:
                    return states
                time.sleep(0.01)

        begun = states(8)
        time.sleep(0.3)
        assert states(8) == begun and list(begun.values()).count("queued") == 8
        first = next(operation for operation in asked if begun[operation] == "running")
        node.call("network.cancel", operation=first)
        while (now := states(8))[first] != "cancelled":
            time.sleep(0.01)
        assert list(now.values()).count("queued") == 7
        node.terminate()


def test_a_certificate_file_that_is_a_pipe_holds_up_nobody(node):
    pipe = str(node.home / "pipe")
    os.mkfifo(pipe)
    said = refused(node, link="x", network="bob", options={"url": "https://127.0.0.1:1", "ca_file": pipe})
    assert "network_options" in said and "no regular file" in said


def test_wrong_options_say_where_the_right_ones_stand(node):
    said = refused(node, link="x", network="bob", options={"url": URL, "chain": 1})
    assert "'network.networks network=bob'" in said and PROVIDER_KEY not in said
    shown = node.call("network.networks", network="bob")
    assert {"name", "type", "required", "help"} <= set(shown["options"][0])
    assert "url" in [option["name"] for option in shown["options"]]
    assert "bob" in [network["name"] for network in node.call("network.networks")["items"]]
    with pytest.raises(CallError, match="network_not_supported"):
        node.call("network.networks", network="arch")


def test_a_server_that_never_answers_holds_up_no_query_and_no_stop(node):
    with socket.create_server(("127.0.0.1", 0), backlog=64) as silent:
        url = "http://127.0.0.1:%d" % silent.getsockname()[1]
        node.call("network.initialize", link="silent", network="bob", options={"url": url, "timeout": "60s"})
        node.call("network.connect", link="silent")
        for _ in range(20):
            node.call("network.get_state", link="silent")
        while node.call("network.metrics", link="silent")["active_connections"] < 2:
            time.sleep(0.01)
        begun = time.monotonic()
        assert node.call("network.list")["items"][0]["client"]["endpoint"] == url
        node.call("network.capabilities", link="silent")
        metrics = node.call("network.metrics", link="silent")
        assert metrics["pool_utilization"] == metrics["active_connections"] / 8
        assert time.monotonic() - begun < 30  # half of what the server has
        begun = time.monotonic()
        node.terminate()
        assert time.monotonic() - begun < 30
