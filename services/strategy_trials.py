"""Strategies looked over while they are written, and tried over 300 candles when their author wants to know."""

from __future__ import annotations

import asyncio
import uuid
from typing import TYPE_CHECKING

from aristobot.bus import Bus
from aristobot.clock import Clock
from aristobot.diagnostics import Diagnostic
from aristobot.events import StrategyChanged
from aristobot.store import strategies
from aristobot.store.database import Database
from aristobot.store.strategy_tables import StrategyVersion
from aristobot.strategy_checks import diagnose
from services.rights import for_traders

if TYPE_CHECKING:  # the house starts without numpy
    from services.strategy_review import Review

#: Trials at the same time: each is a process of its own that may take a processor for seconds.
AT_ONCE = 2


@for_traders()
class StrategyTrials:
    """Texts are read in a thread and run in a process behind walls; never in this one."""

    def __init__(self, db: Database, bus: Bus, clock: Clock) -> None:
        self._db = db
        self._bus = bus
        self._clock = clock
        self._places = asyncio.Semaphore(AT_ONCE)

    async def look_over(self, code: str) -> list[Diagnostic]:
        """What can be told of a text without running it."""
        return await asyncio.to_thread(diagnose, code)

    async def try_out(self, user_id: uuid.UUID, code: str) -> Review:
        """The text looked over and, when nothing forbids it, tried. It belongs to no version, and nothing is kept."""
        return await self._tried(code)

    async def try_version(self, user_id: uuid.UUID, version: StrategyVersion) -> Review:
        """The same with a saved version; what was found is kept with it. NotFound when it is not the user's."""
        await self._db.read(user_id, lambda s: strategies.version(s, version.id))
        found = await self._tried(version.code)
        document, now = found.document(), self._clock.now()
        await self._db.write(user_id, lambda s: strategies.keep_review(s, version.id, document, now))
        self._bus.publish(StrategyChanged(at=now, user_id=user_id, strategy_id=version.strategy_id))
        return found

    async def _tried(self, code: str) -> Review:
        from services.strategy_review import review

        async with self._places:
            return await review(code)
