"""A memory one of whose answers comes late, when it is old, and one that is out of reach for a while."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from aristobot.clock import SystemClock
from aristobot.errors import StoreError
from aristobot.store.database import Database
from aristobot.store.tenancy import GuardedSession, Scope

Result = TypeVar("Result")


class LateReader(Database):
    """Keeps the next answer back from `keep_back` on until `let_go`; the others come as ever."""

    _kept_back: asyncio.Event | None = None
    _asked: asyncio.Event | None = None

    async def read(self, scope: Scope, work: Callable[[GuardedSession], Result]) -> Result:
        """What was there when it was asked."""
        found = await super().read(scope, work)
        asked, self._asked = self._asked, None
        if asked is not None and self._kept_back is not None:
            asked.set()
            await self._kept_back.wait()
        return found

    def keep_back(self) -> asyncio.Event:
        """Keep the next answer back; what comes back says that there is one to be kept."""
        self._kept_back, self._asked = asyncio.Event(), asyncio.Event()
        return self._asked

    async def let_go(self) -> None:
        """Give the late answer, after everybody else had time for theirs."""
        await SystemClock().sleep(0.1)
        if self._kept_back is not None:
            self._kept_back.set()


class Outage(Database):
    """May be asked so many more times, and is then out of reach."""

    answers: float = float("inf")
    refused = 0

    async def read(self, scope: Scope, work: Callable[[GuardedSession], Result]) -> Result:
        """The answer, or none."""
        self._answer()
        return await super().read(scope, work)

    async def write(self, scope: Scope, work: Callable[[GuardedSession], Result]) -> Result:
        """As it ever is, or not at all."""
        self._answer()
        return await super().write(scope, work)

    def _answer(self) -> None:
        if self.answers <= 0:
            self.refused += 1
            raise StoreError("store_unreachable")
        self.answers -= 1
