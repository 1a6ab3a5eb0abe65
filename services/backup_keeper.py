"""A copy of the memory every hour, sealed, checked, thinned out to 24 hours and 14 days; the first one after the first hour."""

from __future__ import annotations

import asyncio
from pathlib import Path

from loguru import logger

from aristobot.bus import Bus
from aristobot.clock import Clock
from aristobot.errors import AristobotError
from aristobot.events import BackupFailed
from aristobot.logs import masked
from aristobot.store.safekeeping import scheduled_backup
from aristobot.store.shelf import Shelf

HOUR = 3600.0


class BackupKeeper:
    """Copies while the house works; a copy that fails is told once, and tried again the next hour."""

    name = "backup_keeper"

    def __init__(self, database_url: str, shelf: Shelf, clock: Clock, bus: Bus) -> None:
        self._url = database_url
        self._shelf = shelf
        self._clock = clock
        self._bus = bus
        self._failing = False

    async def run(self) -> None:
        """Every hour, for ever."""
        while True:
            await self._clock.sleep(HOUR)
            await self.copy()

    async def copy(self) -> Path | None:
        """Take one copy now, in a thread; None when it failed."""
        try:
            made = await asyncio.to_thread(scheduled_backup, self._url, self._shelf, self._clock.now())
        except (AristobotError, OSError) as error:
            if not self._failing:
                logger.error("No backup could be taken: {}", error)
                self._bus.publish(BackupFailed(at=self._clock.now(), detail=masked(str(error))))
            self._failing = True
            return None
        if self._failing:
            logger.info("Backups are taken again")
        self._failing = False
        return made
