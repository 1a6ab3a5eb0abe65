"""A copy every hour."""

from __future__ import annotations

import asyncio
from pathlib import Path

from aristobot.bus import Bus
from aristobot.clock import ManualClock
from aristobot.store.database import Database
from services.backup_keeper import HOUR, BackupKeeper
from tests.builders import a_shelf


async def test_the_house_keeps_a_copy_of_every_hour(db: Database, database_url: str, clock: ManualClock, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    keeper = asyncio.ensure_future(BackupKeeper(database_url, a_shelf(tmp_path), clock, Bus()).run())
    for hour in range(1, 4):
        await asyncio.wait({keeper}, timeout=0.05)  # it copies in a thread: let it come back and lie down for the next hour
        await clock.advance(HOUR)
        while len(list(folder.glob("*.backup"))) < hour:
            await asyncio.wait({keeper}, timeout=0.02)
    keeper.cancel()
    assert len(list(folder.glob("*.backup"))) == 3


async def test_a_copy_that_cannot_be_taken_stops_nothing(clock: ManualClock, tmp_path: Path) -> None:
    (tmp_path / "house.db").write_bytes(b"no database at all")
    keeper = BackupKeeper(f"sqlite:///{tmp_path / 'house.db'}", a_shelf(tmp_path), clock, Bus())
    assert await keeper.copy() is None
    (tmp_path / "backups").rmdir()
    (tmp_path / "backups").write_text("a file where a folder should be")
    assert await keeper.copy() is None
