"""`layer-cli watch`: a watcher of rollups with a key of its own, against thieves, shortages, kills, and nodes that
lie. The node's own watcher is switched off.
"""

import json
import os
import signal
import socketserver
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import pytest

from layerd_client import PATIENCE, CallError
from node import LAYER_CLI, SECOND, environment
from test_ledger import assert_conserved
from test_rollup import BOND, MINUTE, TRANSFER, Rollup, leb128, transaction

RIGHT, UNVERIFIED, WRONG, POWERLESS = 0, 5, 7, 8  # exit codes of --once
FUNDS = 1_000_000
JUNK = "ab" * 32


class Watcher:
    """One key, and `layer-cli watch` with it when it runs."""

    def __init__(self, node, creator, funds=FUNDS):
        self.node, self.process = node, None
        self.key = node.home / "watcher.key"
        self.passphrase = node.home / "passphrase"
        self.passphrase.write_text("a passphrase in a file\n")
        self.passphrase.chmod(0o600)
        made = node.cli("--json", "--passphrase-file", self.passphrase, "key", "new", self.key)
        self.address = json.loads(made.stdout)["address"]
        if funds:
            node.submit(creator, "dev.faucet", to=self.address, amount=funds)
        self.output = node.home / "watcher.out"

    def arguments(self, *more):
        return ["--json", "watch", "--key", self.key, "--passphrase-file", self.passphrase, *more]

    def once(self, *more, directory=None):
        """Exit code, and what it told."""
        options = ["--directory", directory] if directory else []
        node_options = [] if directory else ["--directory", str(self.node.directory)]
        done = subprocess.run(
            [str(LAYER_CLI), *node_options, *map(str, options), *map(str, self.arguments("--once", *more))],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            timeout=2 * PATIENCE,
            env=environment(self.node.home),
            text=True,
        )
        return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]

    def start(self, *more):
        self.output.write_text("")
        with open(self.output, "ab") as output:
            self.process = subprocess.Popen(
                [str(LAYER_CLI), "--directory", str(self.node.directory), *map(str, self.arguments(*more))],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=environment(self.node.home),
            )
        return self

    def told(self):
        lines = self.output.read_text().split("\n")[:-1]
        return [json.loads(line) for line in lines if line.startswith("{")]

    def wait(self, condition, what):
        end = time.monotonic() + PATIENCE
        while not condition():
            assert self.process is None or self.process.poll() is None, self.output.read_text()
            assert time.monotonic() < end, "never: %s; %s" % (what, self.output.read_text())
            time.sleep(0.02)

    def wait_told(self, what, **facts):
        def is_told():
            return any(
                line["what"] == what and all(line.get(name) == value for name, value in facts.items())
                for line in self.told()
            )

        self.wait(is_told, "%s %s" % (what, facts))

    def kill(self):
        self.process.kill()
        self.process.wait(PATIENCE)
        self.process = None

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        code = self.process.wait(PATIENCE)
        self.process = None
        return code

    def held(self):
        reply = self.node.call("ledger.balance", account=self.address, asset="DEV")
        return reply["items"][0]["amount"]


class Thief:
    """Bob, who operates a rollup and lies about it."""

    def __init__(self, node, account, depositor, deposits=3):
        self.node, self.account = node, account
        made = node.submit(
            account, "rollup.create", assets=[{"asset": "GOLD"}], bond=BOND, bond_asset="DEV"
        )["result"]
        self.domain, self.id = made["domain"], made["rollup"]
        for i in range(deposits):
            node.submit(depositor, "rollup.deposit", domain=self.domain, asset="GOLD", amount=50 + i)
        self.inbox = deposits

    def propose(self, root=JUNK, withdrawal_root=JUNK, **named):
        arguments = dict(number=1, inbox_to=self.inbox, withdrawals=0)
        arguments.update(named)
        reply = self.node.submit(
            self.account,
            "rollup.propose",
            domain=self.domain,
            root=root,
            withdrawal_root=withdrawal_root,
            **arguments,
        )
        self.batch = reply["result"]["batch"]
        return self.batch

    def state(self, batch):
        return self.node.call("rollup.batch", batch=batch)["state"]

    def game(self):
        games = self.node.call("game.list")["items"]
        return self.node.call("game.get", game=games[-1]["id"]) if games else None

    def claims(self):
        game = self.game()
        return game["list"]["items"] if game else []

    def game_about(self, batch):
        (game,) = self.node.call("game.list", batch=batch)["items"]
        return self.node.call("game.get", game=game["id"])

    def claims_about(self, batch):
        return self.game_about(batch)["list"]["items"]

    def steps(self):
        reply = self.node.call("sql", query="SELECT count(*) FROM step")
        return reply["rows"][0][0]

    def answer(self, kind, batch=None):
        """Counters the newest claim with something invented."""
        game = self.game_about(batch) if batch else self.game()
        last = game["list"]["items"][-1]
        self.node.submit(
            self.account,
            "game.move",
            game=game["game"],
            claim=last["number"],
            kind=kind,
            disputed=last["value"],
            value="%064x" % (last["number"] + 7),
        )


def wait_for(condition, what):
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "never: " + what
        time.sleep(0.02)


def play_out(node, account, is_over):
    """Clocks of days are minutes on dev."""
    for _ in range(4):
        node.advance(account, 11 * MINUTE)
    wait_for(is_over, "it is over")


@pytest.fixture
def house(nodes, alice, bob):
    node = nodes(settings=["--watch-rollups=false"]).start()
    node.issue(alice, "GOLD", 10_000)
    node.fund(bob, FUNDS)
    return node


@pytest.fixture
def watcher(house, alice):
    made = Watcher(house, alice)
    yield made
    if made.process is not None:
        made.process.kill()
        made.process.wait()


@pytest.fixture
def thief(house, alice, bob):
    return Thief(house, bob, alice)


def test_an_honest_chain_is_found_right_and_nothing_is_staked(house, watcher, alice, bob):
    rollup = Rollup(house, alice)
    rollup.sequence()
    rollup.deposit(alice, 5000)
    rollup.wait_inside(1, 5000)
    paid = rollup.transfer(alice, 1, 0, to=0, amount=70)
    rollup.wait_for_transaction(paid, "in_batch")
    code, told = watcher.once()
    assert code == RIGHT, told
    newest = house.call("rollup.batch", domain=rollup.domain, number=rollup.get()["head"])
    (executed,) = [line for line in told if line["what"] == "executed"]
    assert executed["to"] == newest["number"] and executed["root"] == newest["root"]
    assert told[-1]["what"] == "summary" and told[-1]["verdict"] == "right"
    rollup.make_final(alice)
    assert watcher.once()[0] == RIGHT
    assert watcher.held() == FUNDS


def test_a_false_root_is_played_down_to_the_step_killed_at_every_move(house, watcher, thief, alice):
    before = house.call("ledger.balance", account=thief.account.address, asset="DEV")["items"][0]["amount"]
    batch = thief.propose()
    watcher.start()
    watcher.wait_told("batch_wrong", batch=batch)
    for turn, kind in enumerate(["attack", "defend", "attack"]):
        count = 2 * turn + 2
        watcher.wait(lambda: len(thief.claims()) == count, "%d claims" % count)
        watcher.kill()
        thief.answer(kind)
        watcher.start()
    watcher.wait(lambda: thief.steps() == 1, "a step")
    watcher.kill()
    play_out(house, alice, lambda: thief.state(batch) == "rejected")
    wait_for(lambda: watcher.held() > FUNDS, "it is paid")
    after = house.call("ledger.balance", account=thief.account.address, asset="DEV")["items"][0]["amount"]
    assert after < before
    assert house.call("rollup.get", domain=thief.domain)["head"] == 0
    assert watcher.once()[0] == RIGHT
    assert_conserved(house)


def true_root(thief):
    """What a batch truly leads to, as this node found out about a false one."""
    found = thief.node.call("rollup.batch", domain=thief.domain, number=1)
    return (found["verdict"] or {}).get("root")


def right_batch(house, thief, alice, bob):
    """A batch of the thief's that is right for once."""
    twin = Thief(house, bob, alice)
    twin.propose()
    wait_for(lambda: true_root(twin), "a verdict")
    empty = house.call("rollup.batch", domain=twin.domain, number=1)["verdict"]["withdrawal_root"]
    arguments = dict(root=true_root(twin), withdrawal_root=empty)
    return thief.propose(**arguments), arguments


def test_a_right_batch_of_somebody_else_is_defended(house, watcher, thief, alice, bob, carol):
    batch, _ = right_batch(house, thief, alice, bob)
    house.fund(carol, FUNDS)
    house.submit(carol, "game.challenge", batch=batch, value=JUNK)
    watcher.start("--rollup", thief.domain)
    for kind, count in [("defend", 3), ("attack", 5)]:
        watcher.wait(lambda: len(thief.claims()) == count, "%d claims" % count)
        thief.answer(kind)
    watcher.wait(lambda: len(thief.claims()) == 7 or thief.steps() == 1, "the last answer")
    assert watcher.stop() == 0
    assert [line["what"] for line in watcher.told() if line["what"] == "batch_wrong"] == []
    play_out(house, alice, lambda: thief.state(batch) in ("accepted", "final"))
    wait_for(lambda: watcher.held() > FUNDS, "it is paid")
    assert_conserved(house)


@pytest.fixture
def long_chain(house, alice):
    """Four batches of this node's own sequencer, all right."""
    rollup = Rollup(house, alice)
    rollup.sequence()
    for amount in (10, 20, 30, 40):
        before = rollup.inside(1)
        rollup.deposit(alice, amount)
        rollup.wait_inside(1, before + amount)
    assert rollup.get()["head"] >= 4
    return rollup


def batch_of(house, rollup, number):
    return house.call("rollup.batch", domain=rollup.domain, number=number)["batch"]


def test_with_little_memory_an_older_batch_is_defended_all_the_same(house, watcher, long_chain, carol):
    house.fund(carol, FUNDS)
    for number in (1, 3):
        batch = batch_of(house, long_chain, number)
        game = house.submit(carol, "game.challenge", batch=batch, value=JUNK)["result"]["game"]
        code, told = watcher.once("--keep", 0)
        assert code == WRONG and house.call("game.get", game=game)["claims"] == 3
        (moved,) = [line for line in told if line["what"] == "submitted"]
        assert (moved["method"], moved["batch"]) == ("game.move", batch)
    watcher.start("--keep", 0)
    watcher.wait_told("summary", verdict="right")
    assert watcher.stop() == 0


def test_with_little_memory_what_fell_is_executed_again_from_the_beginning(house, long_chain, alice, carol):
    watcher = Watcher(house, alice, funds=0)
    watcher.start("--keep", 0)
    watcher.wait_told("summary", verdict="right")
    house.fund(carol, FUNDS)
    fallen = batch_of(house, long_chain, 2)
    house.submit(carol, "game.challenge", batch=fallen, value=JUNK)
    watcher.wait_told("underfunded", batch=fallen)
    for _ in range(3):
        house.advance(alice, 11 * MINUTE)
    watcher.wait(lambda: house.call("rollup.batch", batch=fallen)["state"] == "rejected", "it is rejected")
    watcher.wait_told("batch_taken_back")
    for _ in range(5):
        house.advance(alice, 60 * MINUTE)  # the operator is let out, and proposes again
    watcher.wait(lambda: long_chain.inside(1) == 100 and long_chain.get()["head"] > 1, "new batches")
    newest = house.call("rollup.batch", domain=long_chain.domain, number=long_chain.get()["head"])
    watcher.wait_told("executed", to=newest["number"], root=newest["root"])
    assert watcher.stop() == 0


def test_a_right_batch_that_fell_is_taken_back_and_comes_again(house, thief, alice, bob, carol):
    watcher = Watcher(house, alice, funds=0)
    first, arguments = right_batch(house, thief, alice, bob)
    watcher.start("--rollup", thief.domain)
    watcher.wait_told("executed", to=1)
    house.fund(carol, FUNDS)
    house.submit(carol, "game.challenge", batch=first, value=JUNK)
    watcher.wait_told("underfunded", batch=first, method="game.move")
    play_out(house, alice, lambda: thief.state(first) == "rejected")
    watcher.wait_told("batch_taken_back", batch=first)
    for _ in range(5):
        house.advance(alice, 60 * MINUTE)
    second = thief.propose(**arguments)
    assert second != first
    watcher.wait(lambda: len([line for line in watcher.told() if line["what"] == "executed"]) == 2, "again")
    assert watcher.stop() == 0
    assert watcher.once("--rollup", thief.domain)[0] == RIGHT


def test_two_with_one_key_play_one_game(house, watcher, thief):
    twin = Watcher.__new__(Watcher)
    twin.__dict__.update(watcher.__dict__, process=None, output=house.home / "twin.out")
    try:
        watcher.start()
        twin.start()
        for both in (watcher, twin):
            both.wait_told("summary", verdict="right")
        batch = thief.propose()
        for both in (watcher, twin):
            both.wait_told("batch_wrong", batch=batch)
        watcher.wait(lambda: len(thief.claims()) == 2, "a challenge")
        thief.answer("attack")
        watcher.wait(lambda: len(thief.claims()) == 4, "an answer")
        time.sleep(1.5)  # a look of both at least
        assert len(thief.claims()) == 4
        told = watcher.told() + twin.told()
        assert len([line for line in told if line["what"] == "submitted"]) == 2
        assert not [line for line in told if line["what"] in ("refused", "unverified", "underfunded")]
        assert (watcher.stop(), twin.stop()) == (0, 0)
    finally:
        if twin.process is not None:
            twin.kill()


def test_typed_fraud_is_committed_to_and_proved_without_a_bond(house, thief, alice, bob):
    watcher = Watcher(house, alice, funds=0)
    twin = Thief(house, bob, alice)
    twin.propose()
    wait_for(lambda: true_root(twin), "a verdict")
    batch = thief.propose(root=true_root(twin))  # the very state, but another withdrawal root
    wait_for(lambda: true_root(thief), "a verdict")
    time.sleep(0.3)
    own = house.call("node.info")["account"]
    assert house.call("fraud.commitments", account=own)["items"] == []  # it stays out of it, as it was told
    code, told = watcher.once("--rollup", thief.domain)
    assert code == WRONG, told
    (made,) = house.call("fraud.commitments", account=watcher.address)["items"]
    assert house.call("fraud.commitments", account=watcher.address, commitment=made["commitment"])["items"]
    assert house.call("fraud.commitments", account=watcher.address, commitment=JUNK)["items"] == []
    assert [line["method"] for line in told if line["what"] == "submitted"] == ["fraud.commit"]
    watcher.start("--rollup", thief.domain)
    watcher.wait_told("submitted", method="fraud.prove")
    watcher.wait_told("batch_ended", batch=batch, state="rejected")
    assert watcher.stop() == 0
    assert 0 < watcher.held() <= BOND
    assert thief.claims() == []
    assert_conserved(house)


def test_a_bad_signature_is_typed_fraud_too(house, watcher, thief, alice, bob):
    parent, _ = right_batch(house, thief, alice, bob)
    assert watcher.once("--rollup", thief.domain)[0] == RIGHT
    stolen = transaction(thief.id, bob, TRANSFER, 1, 0, leb128(0) + leb128(10))
    watcher.start("--rollup", thief.domain)
    watcher.wait_told("executed", to=1)
    batch = thief.propose(number=2, parent=parent, data=deflated(bytes.fromhex(stolen)))
    watcher.wait_told("batch_wrong", batch=batch)
    watcher.wait_told("batch_ended", batch=batch, state="rejected")
    assert watcher.stop(signal.SIGINT) == 0
    wait_for(lambda: watcher.held() > FUNDS, "it is paid")
    assert thief.claims() == []
    assert thief.state(parent) == "proposed"


def deflated(data):
    import zlib

    return zlib.compress(data, 1).hex()


def barred(told, what):
    (line,) = [line for line in told if line["what"] == what]
    return line


def test_what_the_stake_does_not_allow_is_told_and_not_done(house, watcher, thief, alice, bob):
    thief.propose()
    code, told = watcher.once("--max-stake", 3 * BOND - 1)  # of six claims three would be ours
    limit = barred(told, "stake_limit")
    assert code == POWERLESS and thief.game() is None
    assert (limit["needed"], limit["limit"], limit["locked"]) == (3 * BOND, 3 * BOND - 1, 0)
    assert limit["asset"] == "DEV"
    stake = ("--max-stake", 3 * BOND)
    assert watcher.once(*stake)[0] == WRONG and len(thief.claims()) == 2
    another = Thief(house, bob, alice)
    another.propose()
    code, told = watcher.once(*stake)  # one bond is in the first game, two are set aside for it
    assert code == POWERLESS and barred(told, "stake_limit")["locked"] == 3 * BOND
    thief.answer("attack")
    code, told = watcher.once("--max-stake", BOND, "--rollup", thief.domain)
    again = barred(told, "stake_limit")
    assert code == POWERLESS and (again["needed"], again["locked"]) == (BOND, BOND)
    assert watcher.once(*stake, "--rollup", thief.domain)[0] == WRONG and len(thief.claims()) == 4
    game = thief.game()["game"]  # in the end nothing of it is locked any more
    play_out(house, alice, lambda: house.call("game.get", game=game)["paid"] == 4)
    third = Thief(house, bob, alice)
    third.propose()
    assert watcher.once(*stake, "--rollup", third.domain)[0] == WRONG
    assert len(house.call("game.list", running=True)["items"]) == 1


def test_what_is_held_must_do_for_a_whole_game(house, thief, alice):
    watcher = Watcher(house, alice, funds=3 * BOND - 1)
    thief.propose()
    code, told = watcher.once()
    lacks = barred(told, "underfunded")
    assert code == POWERLESS and (lacks["needed"], lacks["held"]) == (3 * BOND, 3 * BOND - 1)
    house.submit(alice, "dev.faucet", to=watcher.address, amount=1)
    assert watcher.once()[0] == WRONG and len(thief.claims()) == 2


def test_without_funds_it_says_what_it_lacks(house, thief, alice):
    watcher = Watcher(house, alice, funds=0)
    thief.propose()
    code, told = watcher.once()
    assert code == POWERLESS and thief.game() is None
    (lacks,) = [line for line in told if line["what"] == "underfunded"]
    assert (lacks["held"], lacks["asset"], lacks["method"]) == (0, "DEV", "game.challenge")


def test_a_wrong_batch_that_nobody_disputed_in_time_is_told(house, watcher, thief, alice):
    batch = thief.propose()
    house.advance(alice, 11 * MINUTE)
    wait_for(lambda: thief.state(batch) == "accepted", "the window is over")
    code, told = watcher.once()
    assert code == POWERLESS and "too_late" in [line["what"] for line in told]


def test_the_node_restarts_and_the_watcher_goes_on(house, watcher, thief):
    watcher.start()
    watcher.wait_told("summary", verdict="right")
    house.restart()
    watcher.wait_told("node_back")
    batch = thief.propose()
    watcher.wait_told("submitted", method="game.challenge", batch=batch)
    house.crash()
    thief.answer("attack")
    watcher.wait(lambda: len(thief.claims()) == 4, "an answer")
    assert watcher.stop() == 0


# --- nodes that lie -----------------------------------------------------------------------------------


class Liar:
    """A node in front of the node, whose replies are changed."""

    def __init__(self, node, change):
        self.directory = Path(tempfile.mkdtemp(prefix="liar-", dir=node.home))
        os.symlink(node.events_path, self.directory / "events.sock")

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                for line in self.rfile:
                    request = json.loads(line)
                    reply = {"jsonrpc": "2.0", "id": request["id"]}
                    try:
                        result = node.rpc().call(request["method"], request.get("params"))
                        reply["result"] = change(request["method"], result)
                    except CallError as error:
                        reply["error"] = error.error
                    self.wfile.write(json.dumps(reply).encode() + b"\n")

        self.server = socketserver.ThreadingUnixStreamServer(str(self.directory / "layerd.sock"), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def other(text):
    return text[:-1] + ("0" if text[-1] != "0" else "1")


def false_genesis(method, result):
    if method == "rollup.get":
        result["genesis_root"] = other(result["genesis_root"])
    return result


def false_deposit(method, result):
    if method == "message.inbox":
        result["items"][0]["payload"] = other(result["items"][0]["payload"])
    return result


def false_claim(method, result):
    if method == "rollup.batch":
        result["root"] = other(result["root"])
    return result


@pytest.mark.parametrize("change", [false_genesis, false_deposit, false_claim])
def test_a_node_that_serves_what_does_not_fit_is_found_out(house, watcher, thief, bob, alice, change):
    rollup = Rollup(house, alice)
    rollup.sequence()
    rollup.deposit(alice, 100)
    rollup.wait_inside(1, 100)
    liar = Liar(house, change)
    try:
        code, told = watcher.once("--rollup", rollup.domain, directory=liar.directory)
    finally:
        liar.close()
    assert code == UNVERIFIED and "unverified" in [line["what"] for line in told]
    assert house.call("game.list")["items"] == [] and watcher.held() == FUNDS
    assert watcher.once("--rollup", rollup.domain)[0] == RIGHT


def test_a_batch_without_its_data_is_told_and_nothing_is_claimed_of_it(house, watcher, alice):
    rollup = Rollup(house, alice)
    rollup.sequence()
    rollup.deposit(alice, 100)
    rollup.wait_inside(1, 100)
    paid = rollup.transfer(alice, 1, 0, to=0, amount=7)
    rollup.wait_for_transaction(paid, "in_batch")

    def withheld(method, result):
        if method == "rollup.batch":
            result["data"] = ""
        return result

    def another_kept_off_the_ledger(method, result):
        if method == "rollup.batch" and result["data"]:
            result.update(data=deflated(bytes(9)), data_state="withheld")
        return result

    for change in (withheld, another_kept_off_the_ledger):
        liar = Liar(house, change)
        try:
            code, told = watcher.once(directory=liar.directory)
        finally:
            liar.close()
        (missing,) = [line for line in told if line["what"] == "batch_unpublished"]
        assert code == POWERLESS and missing["number"] == rollup.get()["head"]
    assert house.call("game.list")["items"] == [] and watcher.held() == FUNDS


def test_replies_that_mean_nothing_are_refused_and_crash_nothing(house, watcher, thief):
    thief.propose()
    assert watcher.once()[0] == WRONG  # so that there is a game
    replies = {
        "node.info": {},
        "message.domains": [],
        "game.list": {"items": [{}], "next": -1},
        "rollup.get": None,
        "rollup.batch": "junk",
        "message.inbox": {"items": 7},
        "game.get": {"list": {"items": [[]]}},
    }
    for method, junk in replies.items():
        liar = Liar(house, lambda asked, result: junk if asked == method else result)
        try:
            code, told = watcher.once(directory=liar.directory)
        finally:
            liar.close()
        assert code in (1, UNVERIFIED), (method, told)


def test_it_signs_for_the_chain_it_is_told_alone(house, watcher, thief):
    thief.propose()
    code, told = watcher.once("--chain", "dev-0123456789abcdef")
    assert code == UNVERIFIED and told == [] and thief.game() is None
    assert watcher.once("--chain", house.chain)[0] == WRONG


# --- the command line -------------------------------------------------------------------------------


def test_what_is_wrong_on_the_command_line_is_said(house, watcher):
    def usage(*arguments):
        done = house.cli("watch", *arguments, check=False)
        return done.returncode, done.stderr

    assert usage() == (2, usage()[1]) and "--key" in usage()[1]
    for bad in (["--max-stake", "much"], ["--max-stake", "9" * 17], ["--rollup", "-1"], ["--rollup", ""]):
        code, said = usage("--key", watcher.key, *bad)
        assert code == 2 and bad[0] in said
    text = house.cli("watch", "--once", "--key", watcher.key, "--passphrase-file", watcher.passphrase).stdout
    assert text == "0 rollups watched: all right\n"
    code, told = watcher.once("--rollup", 77)
    assert code == 1 and told == []
