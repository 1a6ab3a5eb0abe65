"""Room in the write-ahead log: taken ahead, seen by nobody, filled by what comes."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlmodel import col, select

from aristobot.store.database import Database
from aristobot.store.room import ROOM, take_room
from aristobot.store.tables import HeartbeatEvent
from aristobot.store.tenancy import SYSTEM
from tests.builders import MIDNIGHT


@pytest.fixture
def path(tmp_path: Path, sqlite_template: Path) -> Path:
    return shutil.copyfile(sqlite_template, tmp_path / "aristobot.db")


@pytest.fixture
async def lite(path: Path) -> AsyncIterator[Database]:
    database = Database(f"sqlite:///{path}")
    yield database
    await database.close()


def log_of(path: Path) -> Path:
    return path.with_name(path.name + "-wal")


async def write(db: Database, times: int) -> None:
    for number in range(times):
        event = HeartbeatEvent(exchange="binance", kind=f"event {number}", at=MIDNIGHT)
        await db.write(SYSTEM, lambda s, event=event: s.add(event))  # type: ignore[misc]  # the event of this turn


async def counted(db: Database) -> int:
    return await db.read(SYSTEM, lambda s: s.exec(select(sa.func.count(col(HeartbeatEvent.id)))).one())


async def test_what_is_written_then_makes_the_log_no_longer(lite: Database, path: Path) -> None:
    await take_room(lite)
    taken = log_of(path).stat()
    assert taken.st_size > 0.9 * ROOM
    await write(lite, 20)
    assert (log_of(path).stat().st_size, await counted(lite)) == (taken.st_size, 20)


async def test_a_log_that_has_its_room_is_left_alone(lite: Database, path: Path) -> None:
    await take_room(lite)
    before = log_of(path).read_bytes()
    await take_room(lite)
    assert log_of(path).read_bytes() == before


async def test_after_a_power_cut_everything_is_there_and_nothing_else(lite: Database, path: Path, tmp_path: Path) -> None:
    await write(lite, 3)
    await take_room(lite)
    await write(lite, 3)
    left = shutil.copyfile(path, tmp_path / "left.db")
    shutil.copyfile(log_of(path), log_of(left))
    with closing(sqlite3.connect(left)) as found:
        assert found.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert found.execute("SELECT count(*) FROM heartbeat_events").fetchone() == (6,)
        assert found.execute("SELECT count(*) FROM sqlite_master WHERE name = 'room'").fetchone() == (0,)
        found.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert left.stat().st_size < ROOM


async def test_where_there_is_no_such_room_writing_goes_on(lite: Database, path: Path) -> None:
    def crowd(connection: sqlite3.Connection) -> None:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count={pages + 100}")

    await asyncio.wrap_future(lite.hand_in(crowd))
    await take_room(lite)
    await write(lite, 3)
    assert await counted(lite) == 3


async def test_the_memory_is_as_it_was_on_either_database(db: Database) -> None:
    await write(db, 2)
    await take_room(db)
    await write(db, 2)
    assert await counted(db) == 4
