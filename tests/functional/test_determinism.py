"""The same transactions give the same block hashes whatever compiled the node.

LAYERD_BUILDS names further build directories (gcc, clang, -O0, -O3), separated by colons: each replays what
this build wrote and must come to the same block hashes. The kernel's unit tests run whole histories under a
clock of their own.
"""

import os
import shutil
from pathlib import Path

import pytest

from layerd_client import Account
from node import SECOND
from test_crash import replay_equal
from test_escrow import HASH, PREIMAGE

BUILDS = [Path(path) for path in os.environ.get("LAYERD_BUILDS", "").split(":") if path]


def history(node):
    """Some of every command, the refused ones too."""
    alice, bob = Account("alice"), Account("bob")
    node.issue(
        alice, "GOLD", 1_000_000, metadata={"z": [1, {"y": None}], "a": "\u20ac"}, max_supply=2_000_000
    )
    requests = []
    for number in range(300):
        method, params = [
            (
                "ledger.transfer",
                {"to": bob.address, "asset": "GOLD", "amount": number + 1, "memo": "n %d" % number},
            ),
            ("ledger.mint", {"asset": "GOLD", "amount": number + 1}),
            ("ledger.burn", {"asset": "GOLD", "amount": number + 1}),
            ("ledger.transfer", {"to": bob.address, "asset": "GOLD", "amount": 2**53 - 1}),
            ("dev.faucet", {"amount": number + 1}),
            (
                "ledger.lock",
                {
                    "to": bob.address,
                    "asset": "GOLD",
                    "amount": 3,
                    "hash": HASH,
                    "timeout": "%dm" % (number + 1),
                },
            ),
        ][number % 6]
        requests.append(("transaction.submit", node.signed(alice, method, params)))
    results = node.rpc().pipeline(requests, ahead=40)
    escrows = [
        result["result"]["escrow"]
        for result in results
        if isinstance(result, dict) and "escrow" in result["result"]
    ]
    for escrow in escrows[::3]:
        node.submit(bob, "ledger.claim", escrow=escrow, preimage=PREIMAGE.hex())
    node.advance(alice, 2 * 3600 * SECOND)
    node.transfer(alice, bob, "GOLD", 1)


def test_replay_of_a_long_history_gives_the_same_block_hashes(node):
    history(node)
    event = replay_equal(node)
    assert event["data"]["blocks"] > 1 and event["data"]["transactions"] > 200


@pytest.mark.skipif(not BUILDS, reason="LAYERD_BUILDS names no further builds")
def test_other_compilers_and_optimisations_replay_to_the_same_block_hashes(node, nodes):
    history(node)
    node.terminate()
    for build in BUILDS:
        other = nodes(binary=build / "layerd")
        shutil.copytree(node.directory, other.directory)
        other.start()
        replay_equal(other)
