"""Configuration: file, environment and command line, in that order of strength, and an answer to every
mistake.
"""

import re
import subprocess

import pytest

from node import LAYERD, environment

ENVIRONMENT = [
    "LAYER2_MAX_CONCURRENT",
    "LAYER2_TIMEOUT",
    "LAYER2_MEMORY_LIMIT",
    "LAYER2_BATCH_SIZE",
    "LAYER2_WORKER_POOL_SIZE",
    "LAYER2_QUEUE_SIZE",
    "LAYER2_ENABLED",
]


@pytest.fixture
def run(tmp_path):
    """Runs layerd with these arguments, a configuration file and an environment."""

    def run(*arguments, config=None, **env):
        if config is not None:
            (tmp_path / "layerd.conf").write_text(config)
            arguments = ("--config=%s" % (tmp_path / "layerd.conf"), *arguments)
        return subprocess.run(
            [str(LAYERD), "--directory", str(tmp_path / "data"), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            env=environment(tmp_path, **env),
        )

    return run


def printed(done):
    """{key: (value, rest of the line)} of --print-config."""
    assert done.returncode == 0, done.stderr
    found = {}
    for line in done.stdout.splitlines():
        match = re.match(r"^#?\s*([a-z][a-z0-9-]*)\s*=\s*(\S*)\s*(.*)$", line)
        if match:
            found[match.group(1)] = (match.group(2), match.group(3))
    return found


def test_print_config_shows_every_key_its_value_and_where_it_came_from(run):
    keys = printed(run("--print-config"))
    assert {"directory", "network", "batch-size", "queue-size", "worker-pool-size"} <= set(keys)
    assert keys["network"][0] == "dev"
    assert "default" in keys["batch-size"][1]


def test_the_command_line_beats_the_environment_beats_the_file_beats_the_default(run):
    config = "# a comment\n\nbatch-size = 11\nqueue-size=500\n  worker-pool-size = 3\n"
    only_file = printed(run("--print-config", config=config))
    assert (
        only_file["batch-size"][0] == "11"
        and only_file["queue-size"][0] == "500"
        and only_file["worker-pool-size"][0] == "3"
    )
    assert "layerd.conf" in only_file["batch-size"][1]
    with_env = printed(run("--print-config", config=config, LAYER2_BATCH_SIZE="22"))
    assert with_env["batch-size"][0] == "22" and with_env["queue-size"][0] == "500"
    assert "LAYER2_BATCH_SIZE" in with_env["batch-size"][1]
    with_line = printed(run("--print-config", "--batch-size=33", config=config, LAYER2_BATCH_SIZE="22"))
    assert with_line["batch-size"][0] == "33"
    assert "command line" in with_line["batch-size"][1]


def test_what_print_config_prints_is_a_configuration_file(run, tmp_path):
    first = run("--print-config", "--batch-size=33")
    assert first.returncode == 0
    again = run("--print-config", config=first.stdout)
    assert {key: value[0] for key, value in printed(again).items()} == {
        key: value[0] for key, value in printed(first).items()
    }


@pytest.mark.parametrize(
    "name, value",
    [
        ("LAYER2_MAX_CONCURRENT", "77"),
        ("LAYER2_TIMEOUT", "7s"),
        ("LAYER2_MEMORY_LIMIT", "300MiB"),
        ("LAYER2_BATCH_SIZE", "77"),
        ("LAYER2_WORKER_POOL_SIZE", "7"),
        ("LAYER2_QUEUE_SIZE", "777"),
        ("LAYER2_ENABLED", "true"),
    ],
)
def test_each_environment_variable_sets_its_key(run, name, value):
    lines = run("--print-config", **{name: value}).stdout
    assert name in lines, lines


@pytest.mark.parametrize("name", ENVIRONMENT)
@pytest.mark.parametrize("value", ["nonsense", "-1", "99999999999999999999", "1.5x"])
def test_a_bad_value_in_the_environment_is_an_error(run, name, value):
    done = run("--print-config", **{name: value})
    assert done.returncode != 0 and name in done.stderr


def test_an_unknown_variable_of_the_prefix_is_an_error_with_a_suggestion(run):
    done = run("--print-config", LAYER2_BATCHSIZE="5")
    if done.returncode != 0:
        assert "LAYER2_BATCH_SIZE" in done.stderr
    else:
        assert "LAYER2_BATCHSIZE" in done.stderr


def test_an_unknown_key_in_the_file_is_an_error_with_place_and_suggestion(run):
    done = run("--print-config", config="worker-pool-size=2\nbatch-sise=5\n")
    assert done.returncode != 0
    assert "batch-sise" in done.stderr and "batch-size" in done.stderr and "2" in done.stderr


def test_an_unknown_option_is_an_error_with_a_suggestion(run):
    done = run("--print-config", "--batch-sise=5")
    assert done.returncode != 0
    assert "batch-sise" in done.stderr and "--batch-size" in done.stderr
    assert run("surprising").returncode != 0


def test_an_option_far_from_every_name_gets_no_wild_suggestion(run):
    done = run("--print-config", "--qwertyuiop=5")
    assert done.returncode != 0 and "mean" not in done.stderr


@pytest.mark.parametrize(
    "setting",
    [
        "--batch-size=0",
        "--batch-size=-1",
        "--batch-size=",
        "--batch-size=x",
        "--batch-size=1e3",
        "--queue-size=99999999999999999999",
        "--network=moon",
        "--network=",
        "--worker-pool-size=257",
        "--worker-pool-size=100000",
        "--log-format=xml",
        "--log-level=loud",
        "--timeout=soon",
    ],
)
def test_a_bad_value_is_an_error_that_names_the_key(run, setting):
    done = run("--print-config", setting)
    assert done.returncode != 0
    assert setting[2:].partition("=")[0] in done.stderr


@pytest.mark.parametrize(
    "text",
    [
        "batch-size\n",
        "= 5\n",
        "batch-size=5=6\n",
        "batch-size=5\nbatch-size=6\n",
        "\x00\n",
        "batch-size=\n",
        "[section]\n",
        "x" * 100_000,
    ],
)
def test_a_line_that_is_no_setting_is_an_error(run, text):
    assert run("--print-config", config=text).returncode != 0


def test_a_named_file_that_is_absent_is_an_error(run):
    done = run("--print-config", "--config=/nonexistent/layerd.conf")
    assert done.returncode != 0 and "/nonexistent/layerd.conf" in done.stderr


def test_the_users_own_file_is_read_without_being_named(run, tmp_path):
    (tmp_path / ".layerd").mkdir()
    (tmp_path / ".layerd" / "layerd.conf").write_text("batch-size=44\n")
    assert printed(run("--print-config"))["batch-size"][0] == "44"


def test_a_disabled_node_does_not_start(run, tmp_path):
    done = run(LAYER2_ENABLED="false")
    assert not (tmp_path / "data" / "layerd.sqlite3").exists()
    assert "LAYER2_ENABLED" in done.stderr + done.stdout or "enabled" in done.stderr + done.stdout


def test_print_config_makes_nothing(run, tmp_path):
    run("--print-config")
    assert not (tmp_path / "data").exists()
