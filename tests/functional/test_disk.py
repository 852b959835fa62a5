"""A disk that is read-only or fails under the real daemon: it stops with a clear message and status 74, and
nothing acknowledged is lost.
"""

import fcntl
import os
import struct
import subprocess
import time

import pytest

from layerd_client import PATIENCE, CallError, Closed
from node import BUILD
from test_ledger import assert_conserved, balance

EXIT_STORAGE = 74
FAULT_PRELOAD = BUILD / ".libs" / "fault_preload.so"
GET_FLAGS, SET_FLAGS, IMMUTABLE = 0x80086601, 0x40086602, 0x10  # linux/fs.h: FS_IOC_…, FS_IMMUTABLE_FL
READ_ONLY = """
mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" || exit 99
exec "$@"
"""


def may_mount():
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", READ_ONLY, "/tmp", "true"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return done.returncode == 0


@pytest.fixture
def house(node, alice, bob):
    node.issue(alice, "GOLD", 1000)
    for _ in range(10):
        node.transfer(alice, bob, "GOLD", 1)
    return node


@pytest.mark.parametrize("name", [".", "layerd.sqlite3"])
def test_a_node_on_a_read_only_disk_says_so_and_changes_nothing(house, bob, name):
    if os.getuid() != 0 or not may_mount():
        pytest.skip("a read-only mount of one's own needs root and mount namespaces")
    house.terminate()
    head = house.query("SELECT max(seq) FROM event")
    before = house.database_path.read_bytes()
    house.expect_error("Read-only file system|cannot be written")
    house.wrapper = ["unshare", "-m", "sh", "-c", READ_ONLY, str(house.directory / name)]
    house.launch()
    assert house.wait() == EXIT_STORAGE
    assert "Read-only file system" in house.log_text() or "cannot be written" in house.log_text()
    assert house.database_path.read_bytes() == before
    house.wrapper = []
    house.start()
    assert house.query("SELECT max(seq) FROM event")[0][0] > head[0][0]
    assert balance(house, bob, "GOLD") == 10


def immutable(path, wanted):
    """Whether the file is now as wanted."""
    with open(path, "rb") as file:
        try:
            (flags,) = struct.unpack("l", fcntl.ioctl(file, GET_FLAGS, struct.pack("l", 0)))
            flags = flags | IMMUTABLE if wanted else flags & ~IMMUTABLE
            fcntl.ioctl(file, SET_FLAGS, struct.pack("l", flags))
        except OSError:
            return False
    return True


def stops_who_writes(folder):
    """Whether a file that is made immutable refuses those, too, who have it open: in memory it does not."""
    path = folder / "probe"
    with open(path, "wb", buffering=0) as file:
        try:
            if not immutable(path, True):
                return False
            file.write(b"x")
        except OSError:
            return True
        finally:
            immutable(path, False)
            path.unlink()
    return False


def work_until_it_stops(node, alice, bob):
    """Transfers of 1 until the node goes away; how many were acknowledged."""
    done = 0
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            node.transfer(alice, bob, "GOLD", 1)
            done += 1
        except (Closed, OSError):
            return done
        except CallError as error:
            assert error.name in ("stopping", "storage"), error
    raise AssertionError("the node goes on")


def check_survivor(node, alice, bob, acknowledged):
    node.start()
    # The last one may have been committed without having been acknowledged.
    assert balance(node, bob, "GOLD") in (acknowledged, acknowledged + 1)
    assert node.call("verify")["ok"] is True
    node.transfer(alice, bob, "GOLD", 1)
    assert_conserved(node)


def test_a_disk_that_becomes_read_only_stops_the_node_and_loses_nothing(house, alice, bob):
    files = [house.database_path, house.directory / "layerd.sqlite3-wal"]
    if not stops_who_writes(house.home):
        pytest.skip("making a file immutable needs root and a file system that can")
    try:
        assert all([immutable(path, True) for path in files])
        house.expect_error("layerd.sqlite3|write|disk|storage")
        done = work_until_it_stops(house, alice, bob)
        assert house.wait() == EXIT_STORAGE
    finally:
        for path in files:
            if path.exists():
                immutable(path, False)
    assert house.error_lines()
    check_survivor(house, alice, bob, 10 + done)


@pytest.mark.parametrize("fault", ["w:60:dead", "w:45:full", "s:20:error", "r:40:dead", "wst:80:error"])
def test_a_disk_that_fails_stops_the_node_and_loses_nothing(house, alice, bob, fault, sanitized):
    if sanitized or not FAULT_PRELOAD.exists():
        pytest.skip("the failing disk is put under a daemon without sanitizers, and made by 'make check'")
    house.terminate()
    house.env = {"LD_PRELOAD": str(FAULT_PRELOAD), "LAYERD_FAULT": fault}
    house.expect_error("layerd.sqlite3|write|disk|storage|full|I/O")
    house.launch()
    end = time.monotonic() + PATIENCE
    done = 0
    while house.process.poll() is None and time.monotonic() < end:
        try:
            house.disconnect()
            done += work_until_it_stops(house, alice, bob)
        except (Closed, OSError):
            time.sleep(0.02)
    assert house.wait() == EXIT_STORAGE
    assert house.error_lines()
    house.env = {}
    check_survivor(house, alice, bob, 10 + done)
