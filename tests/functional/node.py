"""The real daemon as a test sees it: started in the foreground over a directory of its own, and stopped
with a verdict.

A node passes its end only when it exits with 0, no sanitizer or leak report lies beside its log, and its
log holds no ERROR line that the test did not declare.
"""

import os
import re
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time
from pathlib import Path

from layerd_client import PATIENCE, Account, Closed, Events, Rpc

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("LAYERD_BUILD") or ROOT / "build").resolve()
LAYERD = BUILD / "layerd"
LAYER_CLI = BUILD / "layer-cli"
SECOND = 1_000_000
VALIDITY = 600 * SECOND  # some tests sign thousands, in plain Python, before they send the first
FAUCET_ASSET = os.environ.get("LAYERD_FAUCET_ASSET", "COIN")

REPORT = re.compile(r"runtime error:|ERROR: \w*Sanitizer|LeakSanitizer|SUMMARY: \w*Sanitizer")


def is_sanitized(binary=LAYERD):
    """Whether the daemon was built with a sanitizer (then it is slower and larger)."""
    with open(_real_program(binary), "rb") as file:
        program = file.read()
        return b"__asan_init" in program or b"__tsan_init" in program


def _real_program(binary):
    """libtool puts a shell script where a program linked to an uninstalled library will stand."""
    wrapped = binary.parent / ".libs" / binary.name
    return wrapped if wrapped.exists() else binary


def environment(directory, **extra):
    """A clean environment: sanitizer reports go to files beside the log."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("LAYER2_", "LAYERD_")) and name not in ("NOTIFY_SOCKET", "XDG_RUNTIME_DIR")
    }
    kept.update(
        HOME=str(directory),
        ASAN_OPTIONS="exitcode=86:detect_leaks=1:log_path=%s/sanitizer" % directory,
        UBSAN_OPTIONS="print_stacktrace=1:log_path=%s/sanitizer" % directory,
        TSAN_OPTIONS="exitcode=86:log_path=%s/sanitizer" % directory,
    )
    kept.update(extra)
    return kept


class Node:
    """One data directory, and the daemon over it when it runs."""

    def __init__(self, network="dev", settings=(), env=None, binary=LAYERD):
        # Not pytest's tmp_path: a Unix socket's path has at most 107 bytes, and another user must be able to
        # get here.
        self.home = Path(tempfile.mkdtemp(prefix="layerd-test-"))
        self.home.chmod(0o750)
        self.directory = self.home / "data"
        self.network = network
        self.settings = list(settings)
        self.env = dict(env or {})
        self.binary = binary
        self.wrapper = []  # a program and its arguments that start the daemon in their stead
        self.log = self.home / "log"
        self.process = None
        self.expected_errors = []
        self.expected_exit = 0
        self.advanced_us = 0
        self.killed = False
        self.connections = []
        self._chain = None

    # --- start and stop
    # -------------------------------------------------------------------------------------------

    def command(self, *more):
        return [
            *self.wrapper,
            str(self.binary),
            "--directory",
            str(self.directory),
            "--network",
            self.network,
            *self.settings,
            *more,
        ]

    def launch(self, *more):
        """Starts the daemon and does not wait for it."""
        assert self.process is None, "the node runs already"
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                self.command(*more),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment(self.home, **self.env),
            )
        self.killed = False

    def start(self, *more):
        """Starts the daemon and waits until it answers."""
        self.launch(*more)
        end = time.monotonic() + PATIENCE
        while True:
            try:
                with Rpc(self.rpc_path) as rpc:
                    rpc.call("node.info")
                with Events(self.events_path):
                    return self
            except (FileNotFoundError, ConnectionError, Closed):
                pass
            if self.process.poll() is not None:
                code = self.process.returncode
                self.process = None
                raise AssertionError("layerd ended with %d at its start:\n%s" % (code, self.log_text()))
            assert time.monotonic() < end, "layerd does not answer:\n" + self.log_text()
            time.sleep(0.005)

    def wait(self, timeout=PATIENCE):
        """Waits for the end of the process; its exit code."""
        code = self.process.wait(timeout)
        self.process = None
        self.disconnect()
        return code

    def terminate(self, number=signal.SIGTERM):
        """Asks the daemon to stop, by signal, and checks how it ended."""
        self.process.send_signal(number)
        code = self.wait()
        assert code == self.expected_exit, "layerd ended with %d:\n%s" % (code, self.log_text()[-4000:])

    def kill(self):
        """kill -9."""
        self.process.kill()
        self.process.wait(PATIENCE)
        self.process = None
        self.killed = True
        self.disconnect()

    def restart(self):
        if self.process is not None:
            self.terminate()
        return self.start()

    def crash(self):
        """kill -9, and up again."""
        self.kill()
        return self.start()

    def finish(self):
        """The end of a test: stop, and see that all was well."""
        try:
            if self.process is not None:
                self.disconnect()
                self.terminate()
            self.check_reports()
            self.check_log()
        finally:
            if self.process is not None:
                self.process.kill()
                self.process.wait()
                self.process = None
            if os.environ.get("LAYERD_TEST_KEEP"):
                print("kept: %s" % self.home)
            else:
                shutil.rmtree(self.home, ignore_errors=True)

    def check_reports(self):
        for report in sorted(self.home.glob("sanitizer*")):
            raise AssertionError("sanitizer report:\n" + report.read_text(errors="replace")[:8000])
        assert (
            not (self.directory / "crash.log").exists() or self._crash_log_empty()
        ), "the daemon left a crash.log"
        found = REPORT.search(self.log_text())
        assert not found, "sanitizer report in the log:\n" + self.log_text()[-8000:]

    def _crash_log_empty(self):
        return (self.directory / "crash.log").stat().st_size == 0

    def check_log(self):
        for line in self.error_lines():
            if not any(re.search(pattern, line) for pattern in self.expected_errors):
                raise AssertionError("undeclared error in the log: " + line)

    def expect_error(self, pattern):
        """Declares ERROR lines that this test brings about."""
        self.expected_errors.append(pattern)

    # --- the log
    # --------------------------------------------------------------------------------------------------

    def log_text(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def error_lines(self):
        return [
            line
            for line in self.log_text().splitlines()
            if re.search(r'(^|\s)ERROR\s|"level":"error"', line, re.I)
            and not re.search(r"(^|\s)(TRACE|DEBUG|INFO|WARN)\s", line)
        ]

    def wait_for_log(self, pattern, timeout=PATIENCE):
        end = time.monotonic() + timeout
        while not re.search(pattern, self.log_text()):
            assert time.monotonic() < end, "the log never says %r:\n%s" % (pattern, self.log_text()[-2000:])
            time.sleep(0.01)

    # --- connections
    # ----------------------------------------------------------------------------------------------

    @property
    def rpc_path(self):
        return self.directory / "layerd.sock"

    @property
    def events_path(self):
        return self.directory / "events.sock"

    @property
    def database_path(self):
        return self.directory / "layerd.sqlite3"

    def rpc(self, **options):
        """A new connection to layerd.sock; closed with the node."""
        connection = Rpc(self.rpc_path, **options)
        self.connections.append(connection)
        return connection

    def events(self, **options):
        """A new connection to events.sock; closed with the node."""
        connection = Events(self.events_path, **options)
        self.connections.append(connection)
        return connection

    def disconnect(self):
        for connection in self.connections:
            connection.close()
        self.connections = []
        self.__dict__.pop("_main", None)

    @property
    def main(self):
        """The connection that plain calls use."""
        if "_main" not in self.__dict__:
            self._main = self.rpc()
        return self._main

    def call(self, method, params=None, **named):
        return self.main.call(method, params, **named)

    # --- transactions
    # ---------------------------------------------------------------------------------------------

    @property
    def chain(self):
        if self._chain is None:
            self._chain = self.call("node.info")["chain"]
        return self._chain

    def now_us(self):
        """About the node's block time."""
        return int(time.time() * SECOND) + self.advanced_us

    def signed(self, account, method, params=None, valid_for=VALIDITY, **named):
        """Parameters of transaction.submit for a command signed by `account`."""
        return account.signed(self.chain, method, dict(params or {}, **named), self.now_us() + valid_for)

    def submit(self, account, method, params=None, **named):
        """Signs and submits; the reply of transaction.submit."""
        return self.call("transaction.submit", self.signed(account, method, params, **named))

    def advance(self, account, by_us):
        """Moves time forward (dev)."""
        reply = self.submit(account, "dev.advance_time", by=by_us)
        self.advanced_us += by_us
        return reply

    def fund(self, account, amount=None):
        return self.submit(account, "dev.faucet", **({} if amount is None else {"amount": amount}))

    def issue(self, account, symbol, amount, **named):
        return self.submit(account, "ledger.issue", symbol=symbol, amount=amount, **named)

    def transfer(self, source, target, symbol, amount, **named):
        return self.submit(source, "ledger.transfer", to=target.address, asset=symbol, amount=amount, **named)

    # --- the database
    # ---------------------------------------------------------------------------------------------

    def database(self):
        """A read-only connection of our own, as any SQL tool has one."""
        return sqlite3.connect("file:%s?mode=ro" % self.database_path, uri=True, isolation_level=None)

    def query(self, sql, *values):
        database = self.database()
        try:
            return database.execute(sql, values).fetchall()
        finally:
            database.close()

    def resident_bytes(self):
        with open("/proc/%d/status" % self.process.pid) as status:
            for line in status:
                if line.startswith("VmRSS:"):
                    return int(line.split()[1]) * 1024
        raise AssertionError("no VmRSS")

    # --- layer-cli
    # ------------------------------------------------------------------------------------------------

    def cli(self, *arguments, check=True, timeout=120, stdin=subprocess.DEVNULL, **env):
        """Runs layer-cli against this node."""
        done = subprocess.run(
            [str(LAYER_CLI), "--directory", str(self.directory), *map(str, arguments)],
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            timeout=timeout,
            env=environment(self.home, **env),
            text=True,
        )
        assert not REPORT.search(done.stderr), done.stderr
        if check:
            assert done.returncode == 0, "layer-cli %s: %d\n%s%s" % (
                " ".join(map(str, arguments)),
                done.returncode,
                done.stdout,
                done.stderr,
            )
        return done


def account(name, network="dev"):
    return Account(name, "ly" if network == "main" else "lyt")
