"""One Aristobot at a time: in a folder, and on a database."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from aristobot.errors import ConfigurationError, InstanceRunning, StoreError
from aristobot.store.database import Database
from aristobot.store.instance import InstanceLock, installation
from aristobot.store.migrate import upgrade_at_start
from aristobot.store.tenancy import SYSTEM

HOLD = """
import sys
from pathlib import Path
from types import SimpleNamespace
from aristobot.store.instance import InstanceLock
lock = InstanceLock(SimpleNamespace(data_dir=Path(sys.argv[1]), database_url=sys.argv[2]))
lock.acquire()
print("held", flush=True)
sys.stdin.read()
"""


@dataclass(frozen=True)
class Places:
    """Where an instance lives."""

    data_dir: Path
    database_url: str


async def epoch(url: str) -> int:
    database = Database(url)
    try:
        return (await database.read(SYSTEM, installation)).epoch
    finally:
        await database.close()


def a_share_called(name: str) -> Callable[[Path], str]:
    """A machine on which the folder of this name lies on another one."""
    return lambda place: "nfs4" if place.name == name else "ext4"


def test_sqlite_on_a_network_share_is_refused_before_anything_is_made_there(tmp_path: Path) -> None:
    places = Places(tmp_path / "data", f"sqlite:///{tmp_path / 'elsewhere' / 'aristobot.db'}")
    for share in ("data", "elsewhere"):
        lock = InstanceLock(places, a_share_called(share))
        with pytest.raises(ConfigurationError) as caught:
            lock.acquire()
        assert caught.value.code == "network_share"
        assert (caught.value.facts["folder"], caught.value.facts["kind"]) == (str(tmp_path / share), "nfs4")
    assert list(tmp_path.iterdir()) == []


def test_a_second_instance_in_the_same_folder_is_refused(tmp_path: Path, database_url: str) -> None:
    places = Places(tmp_path / "data", database_url)
    first = InstanceLock(places)
    first.acquire()
    with pytest.raises(InstanceRunning):
        InstanceLock(places).acquire()
    first.release()
    InstanceLock(places).acquire()


def test_a_second_instance_on_the_same_database_is_refused_from_another_folder(tmp_path: Path, database_url: str) -> None:
    first = InstanceLock(Places(tmp_path / "one", database_url))
    first.acquire()
    second = InstanceLock(Places(tmp_path / "two", database_url))
    with pytest.raises(InstanceRunning):
        second.acquire()
    first.release()
    second.acquire()
    second.release()


def test_the_lock_ends_with_the_process_that_held_it(tmp_path: Path, database_url: str) -> None:
    places = Places(tmp_path, database_url)
    arguments = [sys.executable, "-c", HOLD, str(tmp_path), database_url]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(InstanceRunning):
            InstanceLock(places).acquire()
        other.kill()
        other.wait(10)
    lock = InstanceLock(places)
    lock.acquire()
    lock.release()


async def test_every_start_begins_an_epoch(tmp_path: Path, database_url: str) -> None:
    before = await epoch(database_url)
    for _ in range(3):
        lock = InstanceLock(Places(tmp_path, database_url))
        lock.acquire()
        lock.release()
    assert await epoch(database_url) == before + 3


async def test_an_instance_that_was_refused_does_not_end_the_epoch_of_the_other(tmp_path: Path, database_url: str) -> None:
    places = Places(tmp_path, database_url)
    first = InstanceLock(places)
    first.acquire()
    running = await epoch(database_url)
    with pytest.raises(InstanceRunning):
        InstanceLock(places).acquire()
    assert await epoch(database_url) == running
    first.release()


async def test_the_very_first_start_locks_before_there_is_a_database(tmp_path: Path) -> None:
    places = Places(tmp_path / "data", f"sqlite:///{tmp_path / 'data' / 'aristobot.db'}")
    lock = InstanceLock(places)
    lock.acquire()
    upgrade_at_start(places.database_url, None)
    assert await epoch(places.database_url) == 1
    lock.release()


async def test_releasing_twice_or_without_holding_is_harmless(tmp_path: Path, database_url: str) -> None:
    lock = InstanceLock(Places(tmp_path, database_url))
    lock.release()
    lock.acquire()
    lock.release()
    lock.release()


async def test_each_installation_knows_itself(tmp_path: Path) -> None:
    ids = set()
    for name in ("one", "two"):
        url = f"sqlite:///{tmp_path / name}.db"
        upgrade_at_start(url, None)
        database = Database(url)
        ids.add((await database.read(SYSTEM, installation)).installation_id)
        await database.close()
    assert len(ids) == 2


def test_a_lock_that_could_not_be_taken_leaves_nothing_held(tmp_path: Path) -> None:
    places = Places(tmp_path, "postgresql+psycopg://nobody@127.0.0.1:9/nothing")
    with pytest.raises(StoreError):
        InstanceLock(places).acquire()
    InstanceLock(Places(tmp_path, f"sqlite:///{tmp_path / 'a.db'}")).acquire()


def test_a_place_that_takes_no_lock_file_is_not_called_a_running_instance(tmp_path: Path) -> None:
    (tmp_path / "a file").touch()
    with pytest.raises(StoreError) as caught:
        InstanceLock(Places(tmp_path / "data", f"sqlite:///{tmp_path / 'a file' / 'a.db'}")).acquire()
    assert "a file" in str(caught.value.facts["detail"])
