"""Room on the disk: a full one could not even record an exit, so entries stop early and a ballast is thrown off late.

Below 500 MB the house warns; below 200 MB no broker may enter any more; when a write finds no room at all, the ballast of
64 MB is deleted so that exits can still be written (reliability, 3.1).
"""

from __future__ import annotations

import asyncio
import os
import shutil
from enum import StrEnum
from pathlib import Path

from loguru import logger

from aristobot.clock import Clock
from aristobot.kinds import HaltLevel, HaltScope
from services.kill_switch import KillSwitch

BALLAST = 64 * 1024 * 1024
WARN_BELOW = 500 * 1024 * 1024
STOP_BELOW = 200 * 1024 * 1024
#: Under this the ballast goes: what is free no longer holds a growing write-ahead log.
LAST_RESORT = 16 * 1024 * 1024
ROUND = 10.0


class Room(StrEnum):
    """How much is left."""

    PLENTY = "plenty"
    LOW = "low"
    TOO_LITTLE = "too_little"


class DiskGuard:
    """Looks every ten seconds; acts once per change."""

    name = "disk_guard"

    def __init__(self, folder: Path, clock: Clock, kill_switch: KillSwitch) -> None:
        self._folder = folder
        self._ballast = folder / "ballast"
        self._clock = clock
        self._kill_switch = kill_switch
        self.free = 0
        self.room = Room.PLENTY

    async def run(self) -> None:
        """Watch, for ever."""
        while True:
            await self.look()
            await self._clock.sleep(ROUND)

    async def look(self) -> None:
        """Measure once, and act when the answer has changed."""
        self.free = (await asyncio.to_thread(shutil.disk_usage, self._folder)).free
        room = _room(self.free)
        if room is Room.PLENTY:
            await asyncio.to_thread(self._load_ballast)
        if self.free < LAST_RESORT and self._ballast.exists():
            await asyncio.to_thread(self._ballast.unlink, missing_ok=True)
            logger.error("The disk is full: the ballast was thrown off so that exits can be written")
        if room is not self.room:
            await self._act(room)
            self.room = room  # only now: what could not be done is done at the next look

    async def _act(self, room: Room) -> None:
        megabytes = self.free // (1024 * 1024)
        if room is Room.PLENTY:
            logger.info("There is room on the disk again ({} MB)", megabytes)
        elif room is Room.LOW:
            logger.warning("Only {} MB are left on the disk of the data folder", megabytes)
        else:
            logger.error("Only {} MB are left on the disk: entries stop until somebody releases the halt", megabytes)
            await self._kill_switch.set(HaltScope.ALL, None, HaltLevel.REDUCE, by=self.name, reason="disk_low")

    def _load_ballast(self) -> None:
        """Take the room now that must be there later: really allocated, not a sparse file."""
        if self._ballast.exists() or self.free < WARN_BELOW + BALLAST:
            return
        with self._ballast.open("wb") as file:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, BALLAST)
            else:
                for _ in range(BALLAST // (1 << 20)):
                    file.write(bytes(1 << 20))


def _room(free: int) -> Room:
    if free < STOP_BELOW:
        return Room.TOO_LITTLE
    return Room.LOW if free < WARN_BELOW else Room.PLENTY
