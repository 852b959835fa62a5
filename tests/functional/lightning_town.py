#!/usr/bin/env python3
"""A chain of one's own with two LNDs that have a channel, and a tapd on each, for the tests of real servers.

  lightning_town.py build DIR   makes the daemons with Go from their modules; takes its time, and 2 GB
  lightning_town.py run DIR     starts them, prints what the tests want to have set, and ends them on ^C

All listen on the loopback alone. A block comes whenever a transaction waits for one.
"""

import base64
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from rest_server import Refused, RestServer

# tapd names the LND and the chain's server that it is made with; the replacements are those of its go.mod.
MODULES = """module town

go 1.25.10

require (
	github.com/lightninglabs/taproot-assets v0.8.1
	github.com/lightningnetwork/lnd v0.21.0-beta
)

replace google.golang.org/protobuf => github.com/lightninglabs/protobuf-go-hex-display v1.34.2-hex-display
replace github.com/golang-migrate/migrate/v4 => github.com/lightninglabs/migrate/v4 \
v4.18.2-9023d66a-fork-pr-2.0.20251211093704-71c1eef09789
replace github.com/prometheus/common => github.com/prometheus/common v0.26.0
"""
PROGRAMS = {"btcd": "github.com/btcsuite/btcd", "lnd": "github.com/lightningnetwork/lnd/cmd/lnd",
            "tapd": "github.com/lightninglabs/taproot-assets/cmd/tapd"}
TAGS = "chainrpc invoicesrpc signrpc walletrpc"  # what tapd and held invoices need of LND

NOBODY = "SMJ12qn9jNCCXJnTYRz5Yu9ZenERqvYwfg"  # the key hash 0: gets the first block, before there is a wallet
USER = "layerd"
CHAIN = "simnet"  # btcd begins its regtest anew at every start
API = "/v1/taproot-assets"


def build(folder):
    source = folder / "source"
    source.mkdir(parents=True, exist_ok=True)
    (source / "go.mod").write_text(MODULES)
    (source / "programs.go").write_text("//go:build programs\n\npackage town\n\nimport (\n%s)\n" % "".join(
        '\t_ "%s"\n' % path for path in PROGRAMS.values()))
    for name, path in PROGRAMS.items():
        print("building", name, flush=True)
        subprocess.run(["nice", "go", "build", "-mod=mod", "-tags", TAGS, "-o", str(folder / "bin" / name), path],
                       cwd=source, check=True, env=dict(os.environ, CGO_ENABLED="0"))


def port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def until(check, what, patience=120):
    end, last = time.monotonic() + patience, None
    while time.monotonic() < end:
        try:
            if result := check():
                return result
        except (OSError, Refused, KeyError, ValueError) as error:
            last = error
        time.sleep(0.2)
    raise SystemExit("not so in %d s: %s (%s)" % (patience, what, last))


class Daemon:
    """One process, its folder, and its listeners' ports: .rpc, .rest_port, .peer."""

    def __init__(self, folder, program, *options):
        self.folder, self.arguments, self.process = folder, [str(program), *map(str, options)], None

    def start(self, *more):
        self.folder.mkdir(exist_ok=True)
        with open(self.folder / "output", "ab") as output:
            self.process = subprocess.Popen(self.arguments + list(more), stdin=subprocess.DEVNULL, stdout=output,
                                            stderr=output, start_new_session=True,
                                            env={"HOME": str(self.folder), "PATH": os.environ["PATH"]})
        return self

    def stop(self):
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:  # LND does not end while it looks for its chain
                self.process.kill()
                self.process.wait()
            self.process = None


class Btcd(Daemon):
    def __init__(self, bin_, folder):
        self.rpc = port()
        folder.mkdir()
        (folder / "btcd.conf").touch()
        super().__init__(
            folder, bin_ / "btcd", "--" + CHAIN, "--configfile", folder / "btcd.conf", "--datadir", folder / "data",
            "--logdir", folder / "logs", "--rpcuser", USER, "--rpcpass", USER, "--rpclisten=127.0.0.1:%d" % self.rpc,
            "--listen=127.0.0.1:%d" % port(), "--rpccert", folder / "rpc.cert", "--rpckey", folder / "rpc.key",
            "--txindex", "--nobanning", "--nostalldetect", "--rejectnonstd", "--trickleinterval=100ms")

    def __call__(self, method, *params):
        request = urllib.request.Request("https://127.0.0.1:%d" % self.rpc, json.dumps(
            {"jsonrpc": "1.0", "id": 1, "method": method, "params": params}).encode())
        secret = base64.b64encode(("%s:%s" % (USER, USER)).encode()).decode()
        request.add_header("Authorization", "Basic " + secret)
        context = ssl.create_default_context(cafile=self.folder / "rpc.cert")
        with urllib.request.urlopen(request, context=context, timeout=120) as reply:
            return json.loads(reply.read())["result"]


class Lnd(Daemon):
    def __init__(self, bin_, folder, btcd):
        self.rpc, self.rest_port, self.peer = port(), port(), port()
        self.rest = RestServer("https://127.0.0.1:%d" % self.rest_port, folder / "tls.cert",
                               folder / "data/chain/bitcoin" / CHAIN / "admin.macaroon")
        super().__init__(
            folder, bin_ / "lnd", "--lnddir", folder, "--noseedbackup", "--bitcoin." + CHAIN, "--bitcoin.node=btcd",
            "--btcd.rpchost=127.0.0.1:%d" % btcd.rpc, "--btcd.rpcuser", USER, "--btcd.rpcpass", USER,
            "--btcd.rpccert", btcd.folder / "rpc.cert", "--rpclisten=127.0.0.1:%d" % self.rpc,
            "--restlisten=127.0.0.1:%d" % self.rest_port, "--listen=127.0.0.1:%d" % self.peer, "--nobootstrap",
            "--accept-keysend", "--trickledelay=50", "--bitcoin.defaultchanconfs=1")

    def is_synced(self):
        return self.rest("GET", "/v1/getinfo")["synced_to_chain"]

    def address(self):
        return self.rest("GET", "/v1/newaddress")["address"]

    def money(self):
        return int(self.rest("GET", "/v1/balance/blockchain")["confirmed_balance"])


class Tapd(Daemon):
    def __init__(self, bin_, folder, lnd, courier=None):
        self.rpc, self.rest_port = port(), port()
        self.rest = RestServer("https://127.0.0.1:%d" % self.rest_port, folder / "tls.cert",
                               folder / "data" / CHAIN / "admin.macaroon")
        super().__init__(
            folder, bin_ / "tapd", "--tapddir", folder, "--network", CHAIN, "--lnd.host=127.0.0.1:%d" % lnd.rpc,
            "--lnd.macaroonpath", lnd.rest.macaroon, "--lnd.tlspath", lnd.rest.certificate,
            "--rpclisten=127.0.0.1:%d" % self.rpc, "--restlisten=127.0.0.1:%d" % self.rest_port,
            "--universe.public-access=rw", "--universe.sync-all-assets", "--allow-public-uni-proof-courier",
            "--proofcourieraddr=universerpc://127.0.0.1:%d" % (courier or self).rpc,
            # proofs are delivered at once, and not after ten minutes
            "--universerpccourier.skipinitdelay", "--universerpccourier.backoffresetwait=1s",
            "--universerpccourier.initialbackoff=300ms", "--universerpccourier.maxbackoff=600ms")


class Town:
    def __init__(self):
        self.started = []

    def start(self, bin_, folder):
        self.chain = self.begin(Btcd(bin_, folder / "btcd"), "--miningaddr", NOBODY)
        until(lambda: self.chain("getblockcount") == 0, "btcd answers")
        self.chain("generate", 1)  # LND takes a chain whose newest block is old for one that is behind
        one = self.begin(Lnd(bin_, folder / "one", self.chain))
        until(one.is_synced, "LND answers")
        address = one.address()
        one.stop()  # it looks for a chain's server that went away ever more rarely
        self.chain.stop()
        self.chain.start("--miningaddr", address)
        until(lambda: self.chain("getblockcount") == 1, "btcd answers again")
        one.start()
        two = self.begin(Lnd(bin_, folder / "two", self.chain))
        for _ in range(45):  # until segregated witness and taproot are active, and the first coins are ripe
            self.chain("generate", 10)
        until(lambda: one.is_synced() and two.is_synced() and one.money() > 10**9, "there is money")
        one.rest("POST", "/v1/transactions", {"addr": two.address(), "amount": "1000000000"})
        self.chain("generate", 3)
        until(lambda: two.money() > 0, "both have money")
        self.open_channel(one, two)
        taps = [self.begin(Tapd(bin_, folder / "tap-one", one))]
        until(lambda: taps[0].rest("GET", API + "/getinfo"), "tapd answers")
        taps.append(self.begin(Tapd(bin_, folder / "tap-two", two, taps[0])))
        until(lambda: taps[1].rest("GET", API + "/getinfo"), "the other tapd answers")
        self.servers = {"LND": one, "LND_PEER": two, "TAPD": taps[0], "TAPD_PEER": taps[1]}

    def begin(self, daemon, *more):
        self.started.append(daemon)
        return daemon.start(*more)

    def open_channel(self, one, two):
        until(lambda: one.is_synced() and two.is_synced(), "both have caught up")
        key = two.rest("GET", "/v1/getinfo")["identity_pubkey"]
        one.rest("POST", "/v1/peers", {"addr": {"pubkey": key, "host": "127.0.0.1:%d" % two.peer}, "perm": True})
        one.rest("POST", "/v1/channels", {"node_pubkey_string": key, "local_funding_amount": "2000000",
                                          "push_sat": "1000000", "sat_per_vbyte": "2"})
        self.chain("generate", 6)
        until(lambda: one.rest("GET", "/v1/channels?active_only=true")["channels"], "the channel is open")

    def tell(self):
        for name, daemon in self.servers.items():
            print("export LAYERD_TEST_%s_REST=%s" % (name, daemon.rest.url))
            print("export LAYERD_TEST_%s_MACAROON=%s" % (name, daemon.rest.macaroon))
            print("export LAYERD_TEST_%s_CERT=%s" % (name, daemon.rest.certificate))
        print("export LAYERD_TEST_LIGHTNING_CHAIN=" + CHAIN)
        print("export LAYERD_TEST_TAPD_UNIVERSE=127.0.0.1:%d" % self.servers["TAPD"].rpc, flush=True)

    def make_blocks(self):
        while True:
            if self.chain("getrawmempool"):
                self.chain("generate", 1)
            time.sleep(0.5)

    def end(self):
        for daemon in reversed(self.started):
            daemon.stop()


def run(folder):
    town = Town()
    try:
        town.start(folder / "bin", Path(tempfile.mkdtemp(prefix="run-", dir=folder)))
        town.tell()
        town.make_blocks()
    except KeyboardInterrupt:
        pass
    finally:
        town.end()


if __name__ == "__main__":
    commands = {"build": build, "run": run}
    if len(sys.argv) != 3 or sys.argv[1] not in commands:
        raise SystemExit(__doc__)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    commands[sys.argv[1]](Path(sys.argv[2]).absolute())
