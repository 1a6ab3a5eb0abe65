"""The doors to searches for better parameters: ask for one, follow it, stop it, go on with it, read what it found."""

from __future__ import annotations

import uuid
from datetime import datetime
from functools import partial

from aristobot.bus import Bus
from aristobot.clock import Clock
from aristobot.errors import Conflict
from aristobot.research_events import StudyFinished
from aristobot.settings import Settings
from aristobot.store import studies
from aristobot.store.database import Database
from aristobot.store.paging import Place
from aristobot.store.study_tables import Study, Trial
from aristobot.store.tenancy import GuardedSession
from services.backtest_candles import BacktestCandles
from services.backtest_sources import StrategySources
from services.rights import for_traders
from services.study_cluster import only_administrators, tasks_at_once
from services.study_queue import StudyQueue
from services.study_run import instrument_for, searched
from services.study_wish import StudyWish, study_row

#: Studies of one user that may wait at once.
MOST_WAITING = 10


@for_traders("get", "recent", "trials", "best", "count")
class StudyDesk:
    """Every method is for one user, and answers NotFound for what is another's."""

    def __init__(
        self, db: Database, bus: Bus, clock: Clock, settings: Settings, sources: StrategySources, candles: BacktestCandles
    ) -> None:
        self._db, self._bus, self._clock = db, bus, clock
        self._sources, self._candles = sources, candles
        self.queue = StudyQueue(db, bus, clock, partial(searched, settings=settings, candles=candles))

    async def start(self, user_id: uuid.UUID, wish: StudyWish) -> Study:
        """Queue a search. Raises InvalidInput for what cannot be searched, StrategyError for a text that cannot run,
        Conflict `too_many_studies`, AccessDenied for a scheduler that an administrator did not name.
        """
        if wish.scheduler:
            await only_administrators(self._db, user_id)
        told = await self._sources.described(user_id, wish.text)
        row = study_row(user_id, wish, told.parameters, await instrument_for(wish, self._candles), self._clock.now())

        def work(session: GuardedSession) -> Study:
            if len(studies.under_way(session)) >= MOST_WAITING:
                raise Conflict("too_many_studies", most=MOST_WAITING)
            return studies.create(session, row)

        await self._db.write(user_id, work)
        self.queue.put(row)
        return row

    async def cancel(self, user_id: uuid.UUID, study_id: uuid.UUID) -> None:
        """Stop a search; it can be gone on with. Harmless when it is over. Raises NotFound."""
        await self.queue.stop(await self.get(user_id, study_id))

    async def resume(self, user_id: uuid.UUID, study_id: uuid.UUID) -> Study:
        """Go on with a search that was stopped, interrupted or failed. Raises NotFound, Conflict `study_not_resumable`."""
        if (await self.get(user_id, study_id)).scheduler:
            await only_administrators(self._db, user_id)
        row = await self._db.write(user_id, lambda s: studies.queue(s, study_id))
        self.queue.put(row)
        return row

    async def delete(self, user_id: uuid.UUID, study_id: uuid.UUID) -> None:
        """Forget a search and what it tried, stopping it first. Raises NotFound."""
        await self.cancel(user_id, study_id)
        await self._db.write(user_id, lambda s: studies.delete(s, study_id))
        self._bus.publish(StudyFinished(at=self._clock.now(), user_id=user_id, study_id=study_id, status="deleted"))

    async def get(self, user_id: uuid.UUID, study_id: uuid.UUID) -> Study:
        """One search. Raises NotFound."""
        return await self._db.read(user_id, lambda s: studies.get(s, study_id))

    async def recent(self, user_id: uuid.UUID, limit: int = 50, before: Place | None = None) -> list[Study]:
        """The user's searches, the newest first."""
        return await self._db.read(user_id, lambda s: studies.recent(s, limit, before))

    async def trials(
        self, user_id: uuid.UUID, study_id: uuid.UUID, limit: int = 100, before: int | None = None, since: datetime | None = None
    ) -> list[Trial]:
        """What has been tried, the latest first: below the number `before`, and not done before `since`. Raises NotFound."""
        return await self._db.read(user_id, lambda s: studies.tried(s, study_id, limit, before, since))

    async def best(self, user_id: uuid.UUID, study_id: uuid.UUID) -> Trial | None:
        """The best that was tried so far. Raises NotFound."""
        return await self._db.read(user_id, lambda s: studies.best(s, study_id))

    async def count(self, user_id: uuid.UUID, study_id: uuid.UUID) -> int:
        """How many sets have been tried."""
        return await self._db.read(user_id, lambda s: studies.count(s, study_id))

    async def try_scheduler(self, user_id: uuid.UUID, address: str) -> int:
        """How many tasks a cluster plays at once. Raises InvalidInput, AccessDenied, ConfigurationError with what is wrong."""
        await only_administrators(self._db, user_id)
        return await tasks_at_once(address)
