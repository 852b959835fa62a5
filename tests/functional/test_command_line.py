"""layer-cli as people and scripts use it: parameters, tables, JSON, CSV, following events, exit codes, keys
in files.
"""

import csv
import io
import json
import os
import pty
import select
import signal
import sqlite3
import subprocess

import pytest

from layerd_client import PATIENCE, Account
from node import BUILD, LAYER_CLI, ROOT, environment

PASSPHRASE = "a passphrase in a file"


@pytest.fixture(scope="module")
def house(shared):
    shared.alice, shared.bob = Account("alice"), Account("bob")
    shared.issue(shared.alice, "GOLD", 1_000_000)
    for _ in range(10):
        shared.transfer(shared.alice, shared.bob, "GOLD", 1, memo="wide \u20ac \U0001f600")
    return shared


@pytest.fixture
def passphrase_file(tmp_path):
    path = tmp_path / "passphrase"
    path.write_text(PASSPHRASE + "\n")
    path.chmod(0o600)
    return path


def test_a_method_is_called_by_its_name(house):
    block = house.call("block.get", height=1)
    assert json.loads(house.cli("--json", "block.get", "height=1").stdout) == block


def test_parameters_are_given_as_key_value_or_as_json(house):
    by_key = json.loads(
        house.cli("--json", "ledger.balance", "account=" + house.bob.address, "asset=GOLD").stdout
    )
    by_json = json.loads(
        house.cli(
            "--json", "ledger.balance", json.dumps({"account": house.bob.address, "asset": "GOLD"})
        ).stdout
    )
    assert by_key == by_json == house.call("ledger.balance", account=house.bob.address, asset="GOLD")


def test_people_get_tables(house):
    text = house.cli("ledger.assets").stdout
    with pytest.raises(ValueError):
        json.loads(text)
    assert "GOLD" in text and "symbol" in text.lower()
    assert "GOLD" in house.cli("sql", "SELECT symbol, supply FROM asset").stdout


def test_no_escape_codes_are_written_where_nobody_looks(house):
    for arguments in (["ledger.assets"], ["help"], ["sql", "SELECT 1"], ["events", "--from", "first"]):
        assert "\x1b" not in house.cli(*arguments).stdout


def test_sql_is_answered_as_table_csv_and_json(house):
    query = "SELECT seq, type, 'a \"b\", c' || char(10) || 'd' AS odd, NULL AS absent FROM event LIMIT 3"
    rows = list(csv.reader(io.StringIO(house.cli("sql", "--csv", query).stdout, newline="")))
    assert rows[0] == ["seq", "type", "odd", "absent"] and len(rows) == 4
    assert rows[1][0] == "1" and rows[1][2] == 'a "b", c\nd' and rows[1][3] == ""
    answer = json.loads(house.cli("sql", "--json", query).stdout)
    assert len(answer["rows"] if isinstance(answer, dict) else answer) == 3


def test_help_lists_methods_and_explains_each(house):
    overview = house.cli("help").stdout
    for name in ("ledger.transfer", "sql", "stop", "wallet.new"):
        assert name in overview
    text = house.cli("help", "ledger.transfer").stdout
    for word in ("to", "asset", "amount", "memo"):
        assert word in text


def test_help_and_version_of_the_tool_need_no_node(tmp_path):
    for arguments in (["--help"], ["--version"]):
        done = subprocess.run(
            [str(LAYER_CLI), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(tmp_path),
            timeout=PATIENCE,
        )
        assert done.returncode == 0 and done.stdout


def documented_exit_codes():
    text = subprocess.run([str(LAYER_CLI), "--help"], stdout=subprocess.PIPE, text=True, timeout=PATIENCE).stdout
    assert "exit" in text.lower(), "the exit codes are not documented in --help"
    return text


def test_exit_codes_tell_what_went_wrong(house, tmp_path):
    documented_exit_codes()
    codes = {
        "ok": house.cli("node.info").returncode,
        "refused": house.cli("block.get", "height=999999999", check=False).returncode,
        "unknown method": house.cli("no.such.method", check=False).returncode,
        "usage": house.cli("--no-such-option", check=False).returncode,
    }
    nowhere = subprocess.run(
        [str(LAYER_CLI), "--directory", str(tmp_path), "node.info"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(tmp_path),
        timeout=PATIENCE,
    )
    codes["no node"] = nowhere.returncode
    assert codes["ok"] == 0
    assert all(code != 0 for name, code in codes.items() if name != "ok"), codes
    assert len({codes["refused"], codes["usage"], codes["no node"]}) == 3, codes
    assert "running" in nowhere.stderr or "node" in nowhere.stderr


def test_errors_go_to_standard_error_with_code_name_and_message(house):
    done = house.cli("block.get", "height=999999999", check=False)
    assert done.stdout == "" and "not_found" in done.stderr
    done = house.cli("--json", "block.get", "height=999999999", check=False)
    assert "2002" in done.stdout + done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["ledger.balance", "account"],
        ["ledger.balance", "=5"],
        ["ledger.balance", "{"],
        ["ledger.balance", "account=x", "account=y"],
        ["sql"],
        ["events", "--from", "nowhere"],
        ["events", "--from", "cursor:"],
        [""],
        ["help", "no.such.method"],
        ["ledger.balance", '{"account": 1} trailing'],
    ],
    ids=" ".join,
)
def test_a_wrong_command_line_is_refused(house, arguments):
    done = house.cli(*arguments, check=False)
    assert done.returncode != 0 and done.stderr and not done.stdout


def test_a_misspelt_method_gets_a_suggestion(house):
    done = house.cli("ledger.transfr", check=False)
    assert done.returncode != 0 and "ledger.transfer" in done.stderr


def follow(node, *arguments):
    return subprocess.Popen(
        [str(LAYER_CLI), "--directory", str(node.directory), "events", *arguments],
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(node.home),
    )


def test_events_are_printed_and_the_command_ends(house):
    lines = [
        json.loads(line)
        for line in house.cli("--json", "events", "--from", "first", "--type", "ledger.*").stdout.splitlines()
    ]
    assert [line["type"] for line in lines] == ["ledger.asset_issued"] * 2 + ["ledger.transferred"] * 10
    later = [json.loads(line) for line in house.cli("--json", "events", "--from", "3").stdout.splitlines()]
    assert later[0]["seq"] == 3


def test_events_are_followed_live(house):
    following = follow(house, "--json", "--follow", "--from", "now", "--type", "ledger.transferred")
    moved = 0
    try:
        while not moved or not select.select([following.stdout], [], [], 1)[0]:  # it says nothing when it has begun
            assert moved < PATIENCE, "nothing is followed"
            house.transfer(house.bob, house.alice, "GOLD", 1, memo="live")
            moved += 1
        assert json.loads(following.stdout.readline())["data"]["memo"] == "live"
    finally:
        following.send_signal(signal.SIGINT)
        following.communicate(timeout=PATIENCE)
        house.transfer(house.alice, house.bob, "GOLD", moved)


def test_events_from_a_cursor_continue_where_the_last_run_stopped(node, alice, bob):
    node.issue(alice, "GOLD", 100)
    node.events().call("cursor.create", name="reader", **{"from": "first"})

    def seqs(*more):
        lines = node.cli("events", "--json", "--from", "cursor:reader", *more).stdout.splitlines()
        return [json.loads(line)["seq"] for line in lines]

    first = seqs("--ack")
    node.transfer(alice, bob, "GOLD", 1)
    assert first and seqs() == [first[-1] + 1]
    assert seqs("--ack") == [first[-1] + 1]  # printing alone had not moved the cursor
    assert seqs("--ack") == []


def test_a_reader_that_closes_its_end_ends_the_command_quietly(house):
    done = subprocess.run(
        "%s --directory %s --json events --from first | head -1" % (LAYER_CLI, house.directory),
        shell=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(house.home),
        timeout=PATIENCE,
    )
    assert json.loads(done.stdout)["seq"] == 1 and done.stderr == ""


def test_audit_verify_and_status_say_that_all_is_well(house):
    for method in ("audit", "verify", "node.status"):
        assert house.cli(method).stdout.strip()
    assert json.loads(house.cli("--json", "audit").stdout)["ok"] is True
    assert json.loads(house.cli("--json", "verify").stdout)["ok"] is True


def test_replay_waits_for_its_end_and_says_equal(house):
    assert "equal" in house.cli("replay", timeout=120).stdout


def test_backup_waits_until_the_verified_copy_stands(house):
    path = house.home / "from-cli.sqlite3"
    house.cli("backup", "to=%s" % path, timeout=120)
    assert path.exists()
    done = house.cli("backup", "to=%s" % path, check=False, timeout=120)
    assert done.returncode != 0


def test_stop_returns_when_the_node_is_down(node):
    node.cli("stop")
    assert node.wait() == 0


def test_keys_live_in_files_and_sign_away_from_the_node(node, tmp_path, passphrase_file):
    key = tmp_path / "alice.key"
    node.cli("key", "new", str(key), "--passphrase-file", passphrase_file)
    assert key.stat().st_mode & 0o077 == 0
    address = json.loads(node.cli("--json", "key", "show", str(key)).stdout)["address"]
    assert address.startswith("lyt1")
    reply = json.loads(
        node.cli(
            "--json",
            "call",
            "--key",
            key,
            "--passphrase-file",
            passphrase_file,
            "ledger.issue",
            "symbol=GOLD",
            "amount=5",
        ).stdout
    )
    assert reply["repeated"] is False
    assert node.call("ledger.asset", asset="GOLD")["issuer"] == address
    wrong = tmp_path / "wrong"
    wrong.write_text("wrong\n")
    done = node.cli(
        "--json",
        "--key",
        key,
        "--passphrase-file",
        wrong,
        "ledger.issue",
        "symbol=SILVER",
        "amount=5",
        check=False,
    )
    assert done.returncode != 0


def test_the_keystore_is_worked_with_passphrases_from_a_file(node, tmp_path, passphrase_file):
    node.cli("wallet.create", "--passphrase-file", passphrase_file)
    node.cli("wallet.new", "name=alice")
    node.cli("dev.faucet", "from=alice")
    node.cli("wallet.lock")
    assert node.cli("dev.faucet", "from=alice", check=False).returncode != 0
    node.cli("wallet.unlock", "--passphrase-file", passphrase_file)
    node.cli("dev.faucet", "from=alice")
    exported = tmp_path / "exported.key"
    exported.write_text(
        json.dumps(
            json.loads(
                node.cli("--json", "wallet.export", "name=alice", "--passphrase-file", passphrase_file).stdout
            )["key_file"]
        )
    )
    node.cli("wallet.remove", "name=alice")
    node.cli("wallet.import", "name=copy", "key_file=@%s" % exported, "--passphrase-file", passphrase_file)
    listed = json.loads(node.cli("--json", "wallet.list").stdout)
    assert "copy" in json.dumps(listed) and PASSPHRASE not in json.dumps(listed)


def test_a_passphrase_is_never_taken_from_a_pipe_by_accident(node):
    done = node.cli("wallet.create", check=False)
    assert done.returncode != 0 and "passphrase" in done.stderr


COMPLETION = ROOT / "contrib" / "completion" / "layer-cli.bash"


def test_the_completion_script_is_valid_bash_and_knows_the_methods(shared):
    done = subprocess.run(["bash", "-n", str(COMPLETION)], stderr=subprocess.PIPE, text=True)
    assert done.returncode == 0, done.stderr
    text = COMPLETION.read_text()
    for method in shared.call("rpc.discover")["methods"]:
        assert method["name"] in text, method["name"]


def complete(*words):
    """What bash would offer for the last of these words."""
    code = r"""
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}
function=$(complete -p layer-cli | sed 's/.*-F \([^ ]*\).*/\1/')
"$function" layer-cli "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
printf '%s\n' "${COMPREPLY[@]}"
"""
    done = subprocess.run(
        ["bash", "-c", code, "bash", str(COMPLETION), *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        timeout=PATIENCE,
        env=dict(os.environ, PATH="%s:%s" % (BUILD, os.environ["PATH"])),
    )
    assert done.returncode == 0, done.stderr
    return [word.rstrip() for word in done.stdout.splitlines()]


def test_tab_completes_methods_and_their_parameters():
    assert {"ledger.transfer", "ledger.transfer_batch"} <= set(complete("layer-cli", "ledger.tr"))
    offered = complete("layer-cli", "ledger.transfer", "a")
    assert {"asset=", "amount="} <= set(offered)


def test_a_command_is_signed_offline_and_submitted_as_often_as_one_likes(node, tmp_path, passphrase_file):
    key, signed = tmp_path / "alice.key", tmp_path / "signed.json"
    node.cli("key", "new", str(key), "--passphrase-file", passphrase_file)
    words = [
        "sign",
        "--key",
        key,
        "--passphrase-file",
        passphrase_file,
        "ledger.issue",
        "symbol=GOLD",
        "amount=5",
    ]
    offline = subprocess.run(
        [str(LAYER_CLI), "--directory", str(tmp_path / "nowhere"), *map(str, words), "--chain", node.chain],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(tmp_path),
        timeout=60,
    )
    assert offline.returncode == 0, offline.stderr
    signed.write_text(offline.stdout)
    first = json.loads(node.cli("--json", "submit", signed).stdout)
    again = json.loads(node.cli("--json", "submit", signed).stdout)
    assert first["repeated"] is False and again == dict(first, repeated=True)
    wrong = json.loads(offline.stdout)
    wrong["transaction"]["params"]["amount"] = 6
    signed.write_text(json.dumps(wrong))
    done = node.cli("submit", signed, check=False)
    assert done.returncode == 1 and "bad_signature" in done.stderr


def test_following_goes_on_over_a_restart_of_the_node(node, alice, bob):
    node.issue(alice, "GOLD", 100)
    following = follow(node, "--json", "--follow", "--from", "first", "--type", "ledger.transferred")
    try:
        node.transfer(alice, bob, "GOLD", 1, memo="before")
        assert json.loads(following.stdout.readline())["data"]["memo"] == "before"
        node.crash()
        node.transfer(alice, bob, "GOLD", 1, memo="after")
        assert json.loads(following.stdout.readline())["data"]["memo"] == "after"
    finally:
        following.send_signal(signal.SIGINT)
        following.communicate(timeout=PATIENCE)


def test_waiting_ends_with_the_event_that_was_waited_for(node, alice):
    waiting = subprocess.Popen(
        [str(LAYER_CLI), "--directory", str(node.directory), "--json", "wait", "ledger.asset_issued"],
        stdout=subprocess.PIPE,
        text=True,
        env=environment(node.home),
    )
    issued = []
    while not issued or not select.select([waiting.stdout], [], [], 1)[0]:  # it says nothing when it has begun
        assert len(issued) < PATIENCE, "nothing is waited for"
        issued.append("GOLD%d" % len(issued))
        node.issue(alice, issued[-1], 5)
    out, _ = waiting.communicate(timeout=PATIENCE)
    assert waiting.returncode == 0 and json.loads(out)["data"]["symbol"] in issued
    done = node.cli("--timeout", "200ms", "wait", "ledger.asset_issued", check=False)
    assert done.returncode == 4


def test_a_head_kept_elsewhere_proves_that_the_log_continues_it(node, alice, bob, tmp_path):
    node.issue(alice, "GOLD", 100)
    node.restart()
    head = tmp_path / "head"
    node.cli("checkpoint", "--save", head)
    assert head.exists() and (tmp_path / "head.key").exists()
    node.transfer(alice, bob, "GOLD", 1)
    assert node.cli("verify", "--against", head).returncode == 0
    assert node.cli("proof", "1").returncode == 0
    other = head.read_text().split("\n")
    other[2] = "A" * 43 + "="
    head.write_text("\n".join(other))
    assert node.cli("verify", "--against", head, check=False).returncode == 5


def test_failed_checks_have_an_exit_code_of_their_own(node, alice, bob):
    node.issue(alice, "GOLD", 100)
    node.transfer(alice, bob, "GOLD", 1)
    node.terminate()
    database = sqlite3.connect(node.database_path, isolation_level=None)
    database.execute("UPDATE balance SET amount = amount + 1 WHERE account = ?", (bob.public,))
    database.close()
    node.start()
    node.expect_error(".")
    done = node.cli("audit", check=False)
    assert done.returncode == 5 and "ledger.conservation" in done.stdout + done.stderr
    assert node.cli("replay", check=False, timeout=120).returncode == 5


@pytest.fixture
def keys(node, passphrase_file):
    """A node whose keystore has alice and bob, alice with coins."""
    node.cli("wallet.create", "--passphrase-file", passphrase_file)
    for name in ("alice", "bob"):
        node.cli("wallet.new", "name=" + name)
    node.cli("dev.faucet", "from=alice")
    return node


def address(node, name):
    items = json.loads(node.cli("--json", "wallet.list").stdout)["items"]
    return next(item["address"] for item in items if item["name"] == name)


def test_names_of_the_nodes_keys_stand_for_their_addresses(keys):
    keys.cli("ledger.transfer", "from=alice", "to=bob", "asset=DEV", "amount=7")
    keys.cli(
        "ledger.transfer_batch", "from=alice", 'transfers=[{"to":"bob","asset":"DEV","amount":3}]'
    )
    by_name = keys.cli("--json", "ledger.balance", "account=bob", "asset=DEV").stdout
    assert json.loads(by_name) == keys.call("ledger.balance", account=address(keys, "bob"), asset="DEV")
    assert json.loads(by_name)["items"][0]["amount"] == 10
    done = keys.cli("ledger.balance", "account=carl", check=False)
    assert done.returncode == 1 and "account=carl" in done.stderr and "wallet.list" in done.stderr


def test_signing_goes_by_the_nodes_time_even_when_it_was_set_ahead(keys, tmp_path, passphrase_file):
    key = tmp_path / "cold.key"
    keys.cli("key", "new", key, "--passphrase-file", passphrase_file)
    keys.cli("dev.advance_time", "from=alice", "by=2h")
    signing = ["--key", key, "--passphrase-file", passphrase_file]
    keys.cli("call", *signing, "dev.faucet")
    signed = tmp_path / "signed.json"
    signed.write_text(keys.cli("sign", *signing, "dev.faucet", "amount=5").stdout)
    keys.cli("submit", signed)
    offline = subprocess.run(
        [str(LAYER_CLI), "--directory", str(tmp_path / "nowhere"), "sign", *map(str, signing)]
        + ["--chain", keys.chain, "dev.faucet"],
        stdout=subprocess.PIPE,
        text=True,
        env=environment(tmp_path),
        timeout=60,
    )
    signed.write_text(offline.stdout)
    done = keys.cli("submit", signed, check=False)
    assert done.returncode == 1 and "expired" in done.stderr and "dev.advance_time" in done.stderr


def test_every_example_of_the_ledger_works_when_it_is_pasted(keys, tmp_path):
    methods = [
        method
        for method in keys.call("rpc.discover")["methods"]
        if method["name"].startswith("ledger.") or method["name"] == "dev.faucet"
    ]
    order = ["ledger.issue", "ledger.transfer", "ledger.lock", "ledger.claim"]
    methods.sort(key=lambda method: order.index(method["name"]) if method["name"] in order else len(order))
    escrow, shown = "", 0
    for method in methods:
        if "x-example" not in method:
            continue
        assert method["x-example"] in keys.cli("help", method["name"]).stdout
        line = "%s --directory %s --json %s %s" % (
            LAYER_CLI,
            keys.directory,
            method["name"],
            method["x-example"].replace("escrow=ID", "escrow=" + escrow),
        )
        done = subprocess.run(
            ["bash", "-c", line], capture_output=True, text=True, env=environment(keys.home), timeout=60
        )
        assert done.returncode == 0, line + "\n" + done.stderr
        if method["name"] == "ledger.lock":
            escrow = json.loads(done.stdout)["result"]["escrow"]
        shown += 1
    assert shown >= 16


def test_an_unknown_asset_is_named_as_it_was_typed(keys):
    done = keys.cli("ledger.asset", "asset=NOPE", check=False)
    assert done.returncode == 1 and "asset=NOPE" in done.stderr
    done = keys.cli("ledger.transfer", "from=alice", "to=bob", "asset=NOPE", "amount=1", check=False)
    assert done.returncode == 1 and "asset=NOPE" in done.stderr


def test_a_level_for_a_room_that_there_is_not_is_refused(node):
    done = node.cli("node.log", "levels=info,apii:debug", check=False)
    assert done.returncode == 1 and "did you mean 'api'" in done.stderr
    node.cli("node.log", "levels=info,api:debug")


@pytest.mark.parametrize("option", ["--print-config", "--print-config-example", "--version", "--help"])
def test_what_cannot_be_written_is_no_success(option, tmp_path):
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [str(BUILD / "layerd"), option],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(tmp_path),
            timeout=PATIENCE,
        )
    assert done.returncode == 74 and "could not be written" in done.stderr


def test_without_a_node_it_is_said_how_to_start_one(tmp_path):
    def ask(directory):
        return subprocess.run(
            [str(LAYER_CLI), "--directory", str(directory), "node.info"],
            stderr=subprocess.PIPE,
            text=True,
            env=environment(tmp_path),
            timeout=PATIENCE,
        ).stderr

    assert "there is no directory" in ask(tmp_path / "nowhere")
    assert "no data directory of layerd" in ask(tmp_path)
    assert "layerd --background" in ask(tmp_path) and "--directory" in ask(tmp_path)


def test_an_error_says_what_to_do_or_nothing_more(keys, tmp_path):
    taken = tmp_path / "taken"
    taken.write_text("")
    done = keys.cli("backup", str(taken), check=False)
    assert "backup_exists" in done.stderr and "choose another path" in done.stderr
    done = keys.cli("proof", "99999", check=False)
    head = keys.call("node.info")["head"]
    assert done.returncode == 1 and "%d events" % head in done.stderr
    done = keys.cli("events", "--from", "last", check=False)
    assert done.returncode == 2 and "N (event N and on)" in done.stderr and "after:N" in done.stderr
    assert "after:N" in keys.cli("help", "events").stdout


def test_a_path_with_control_characters_is_refused(node, tmp_path):
    for name in ("a\x1b[31m", "a\nb", "a\u009b", "a\u202eb"):
        done = node.cli("backup", str(tmp_path / name), check=False)
        assert done.returncode == 2 and "control characters" in done.stderr


def on_a_terminal(node, *arguments):
    """What a terminal gets from layer-cli, with the line ends that the terminal makes taken back."""
    master, slave = pty.openpty()
    child = subprocess.Popen(
        [str(LAYER_CLI), "--directory", str(node.directory), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=slave,
        stderr=slave,
        env=environment(node.home),
    )
    os.close(slave)
    text = b""
    try:
        while True:
            text += os.read(master, 65536)
    except OSError:  # the other end is closed
        pass
    os.close(master)
    child.wait(timeout=PATIENCE)
    return text.decode().replace("\r\n", "\n")


TRAP = "\x7f\u009b31m\u202etxt\u2066 \u20ac"


def test_what_strangers_wrote_cannot_steer_the_terminal(node, alice, bob):
    node.issue(alice, "GOLD", 5)
    node.transfer(alice, bob, "GOLD", 1, memo=TRAP)
    query = "SELECT '%s' || char(27) || '[2J' AS trap" % TRAP
    for arguments in (
        ["sql", "--csv", query],
        ["sql", "--json", query],
        ["sql", query],
        ["events", "--from", "first", "--format", "native"],
        ["events", "--from", "first", "--format", "cloudevents"],
        ["events", "--from", "first"],
        ["ledger.statement", "account=" + bob.address],
        ["no.such\x1b[31m\u009b\u202emethod"],
    ):
        text = on_a_terminal(node, *arguments)
        assert text and not set(text) & set("\x1b\x7f\u009b\u202e\u2066"), (arguments, text)
    shown = on_a_terminal(node, "--json", "sql", query)
    assert json.loads(shown)["rows"] == [[TRAP + "\x1b[2J"]]  # escaped in JSON's own way
    assert "\\u202etxt" in on_a_terminal(node, "sql", "--csv", query)


def test_files_and_pipes_get_every_byte_as_it_is(node):
    query = "SELECT '%s' || char(27) AS trap" % TRAP
    assert node.cli("sql", "--csv", query).stdout == "trap\n" + TRAP + "\x1b\n"
    assert TRAP.replace("\x7f", "") in node.cli("--json", "sql", query).stdout.replace("\x7f", "")


def test_a_signed_head_is_shown_as_its_lines(node, alice):
    node.issue(alice, "GOLD", 5)
    node.restart()
    assert "note:\n  layerd/" in node.cli("checkpoint.get").stdout
    assert "\\n" not in node.cli("verify").stdout


def test_quickstart_says_what_is_wrong_with_its_options():
    done = subprocess.run(
        [str(ROOT / "contrib" / "quickstart"), "--onc"], capture_output=True, text=True, timeout=PATIENCE
    )
    assert done.returncode == 64 and "'--onc'" in done.stderr and "--once" in done.stderr
