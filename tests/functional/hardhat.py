"""hardhat, a second real EVM node, as npm has it. It takes 300 MB: it is installed into the build directory when
LAYERD_TEST_HARDHAT=1 asks for it ('make check-hardhat' does), and used from then on."""

import os
import shutil
import socket

import pytest

import anvil
from node import BUILD, ROOT

FOLDER = BUILD / "interop/hardhat"
PROGRAM = FOLDER / "node_modules/hardhat/internal/cli/bootstrap.js"


def install():
    if os.environ.get("LAYERD_TEST_HARDHAT") != "1" and not (FOLDER / "installed").exists():
        pytest.skip("hardhat is not installed; 'make check-hardhat' installs it (300 MB) and runs these tests")
    anvil.install("hardhat")
    shutil.copy(ROOT / "tests/interop/hardhat/hardhat.config.js", FOLDER)


def free_port():
    """hardhat does not say which port it took when it may choose."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start(chain_id, hardfork):
    install()
    env = dict(os.environ, LAYERD_CHAIN_ID=str(chain_id), LAYERD_HARDFORK=hardfork,
               HARDHAT_DISABLE_TELEMETRY_PROMPT="true")
    for attempt in range(3):
        try:
            return anvil.Server(["node", PROGRAM, "node", "--hostname", "127.0.0.1", "--port", str(free_port())],
                                r"server at http://(127\.0\.0\.1:\d+)", cwd=FOLDER, env=env)
        except AssertionError as failure:  # somebody else may have taken the port meanwhile
            if "EADDRINUSE" not in str(failure) or attempt == 2:
                raise
    return None


def bob():
    """With its newest hardfork its own eth_estimateGas refuses calls that need more gas than they use up."""
    return start(60808, "cancun")


def rootstock():
    """The half of Rootstock that is an EVM: no rsk_ methods."""
    return start(33, "london")
