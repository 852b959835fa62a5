"""anvil, a real EVM node, as npm has it: installed once into the build directory, started on loopback."""

import json
import re
import subprocess
import threading
import urllib.request

import pytest

from node import BUILD, ROOT

PROGRAM = BUILD / "interop/anvil/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil"
START_S = 120
_skipped = {}  # why: what could not be had once is not asked for by each test


def install(name="anvil"):
    """Skips, and says why, where node, npm, or npm's registry are not to be had."""
    if name in _skipped:
        pytest.skip(_skipped[name])
    done = subprocess.run(
        [ROOT / "contrib/npm-install", ROOT / "tests/interop" / name, BUILD / "interop" / name],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode == 77:
        _skipped[name] = done.stdout.strip()
        pytest.skip(_skipped[name])
    assert done.returncode == 0, done.stdout


class Server:
    """One node, by its command line, ready when it says where it listens."""

    def __init__(self, command, listening, **options):
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                        **options)
        self.url = None
        patience = threading.Timer(START_S, self.process.kill)
        patience.start()
        said = ""
        while self.url is None:
            line = self.process.stdout.readline()
            said += line
            if not line:
                patience.cancel()
                self.stop()
                raise AssertionError("%s did not start: %s" % (command, said))
            found = re.search(listening, line)
            if found:
                self.url = "http://" + found.group(1)
        patience.cancel()
        # It tells each request: nobody reads that, and a full pipe would stop it.
        self.drain = subprocess.Popen(["cat"], stdin=self.process.stdout, stdout=subprocess.DEVNULL)

    def call(self, method, *params):
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}).encode()
        request = urllib.request.Request(self.url, body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=120) as reply:
            answer = json.load(reply)
        assert "error" not in answer, "%s: %s" % (method, answer["error"])
        return answer["result"]

    def mine(self, blocks=1):
        for _ in range(blocks):
            self.call("evm_mine")

    def stop(self):
        self.process.kill()
        self.process.wait()
        if hasattr(self, "drain"):
            self.drain.wait()


class Anvil(Server):
    """It mines when it is told to, unless `options` say otherwise."""

    def __init__(self, *options):
        install()
        super().__init__([PROGRAM, "--host", "127.0.0.1", "--port", "0", *options],
                         r"Listening on (127\.0\.0\.1:\d+)")


def bob(*options):
    return Anvil("--network", "optimism", "--chain-id", "60808", "--no-mining", *options)


def rootstock(*options):
    """The half of Rootstock that is an EVM: no rsk_ methods."""
    return Anvil("--chain-id", "33", "--hardfork", "london", "--no-mining", *options)
