"""How many backtests are kept: the newest ones, those that are pinned, and those that somebody looks at."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from functools import partial

from aristobot.bus import Bus
from aristobot.clock import Clock
from aristobot.research_events import BacktestFinished
from aristobot.store import backtests
from aristobot.store.database import Database


class BacktestShelf:
    """The newest `keep` of each user."""

    def __init__(self, db: Database, bus: Bus, clock: Clock, keep: int) -> None:
        self._db, self._bus, self._clock, self._keep = db, bus, clock, keep
        self._looks: dict[object, frozenset[uuid.UUID]] = {}

    def look_at(self, who: object, runs: Collection[uuid.UUID]) -> None:
        """Somebody (a page) looks at these runs now, and at no others any more."""
        if runs:
            self._looks[who] = frozenset(runs)
        else:
            self._looks.pop(who, None)

    async def prune(self, owner: uuid.UUID) -> None:
        """Forget what is beyond it."""
        looked_at = frozenset[uuid.UUID]().union(*self._looks.values())
        for gone in await self._db.write(owner, partial(backtests.prune, keep=self._keep, looked_at=looked_at)):
            self.tell_gone(owner, gone)

    def tell_gone(self, owner: uuid.UUID, backtest_id: uuid.UUID) -> None:
        """Say that a run is not there any more."""
        self._bus.publish(BacktestFinished(at=self._clock.now(), user_id=owner, backtest_id=backtest_id, status="deleted"))
