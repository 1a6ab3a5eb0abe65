"""Searches one after the other, each in a process of its own; everybody in the house has a turn before anybody has two.

What was under way when the house ended is marked interrupted at the next start, and can be gone on with.
"""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from loguru import logger

from aristobot.bus import Bus
from aristobot.clock import Clock
from aristobot.errors import AristobotError
from aristobot.kinds import StudyStatus
from aristobot.research_events import StudyFinished, StudyProgressed
from aristobot.store import studies
from aristobot.store.database import Database
from aristobot.store.study_tables import Study
from services.fair_line import FairLine
from services.study_run import Tell
from services.study_sources import left_behind
from services.study_wish import StudyProgress


class StudyQueue:
    """What waits, what is searched, and how far it is."""

    name = "studies"

    def __init__(self, db: Database, bus: Bus, clock: Clock, search: Callable[[Study, Tell], Awaitable[None]]) -> None:
        self._db, self._bus, self._clock, self._search_it = db, bus, clock, search
        self._line = FairLine()
        self._searching: dict[uuid.UUID, asyncio.Task[None]] = {}
        self._progress: dict[uuid.UUID, StudyProgress] = {}

    async def run(self) -> None:
        """Search what is asked for, until the house ends: each search keeps several cores busy, so one or two at once."""
        await self._interrupt_what_was()
        async with asyncio.TaskGroup() as group:
            for _slot in range(2 if (os.cpu_count() or 1) >= 4 else 1):
                group.create_task(self._work())

    def put(self, row: Study) -> None:
        """Have a stored study searched when it is its turn."""
        self._tell(row, StudyProgress())
        self._line.put(row)

    def progress(self, study_id: uuid.UUID) -> StudyProgress:
        """How far a study under way is."""
        return self._progress.get(study_id, StudyProgress())

    async def stop(self, row: Study) -> None:
        """End a study that waits or is searched, in fact and then in the memory; harmless when it is over."""
        task = self._searching.get(row.id)
        if task is not None:
            task.cancel()
            await asyncio.wait({task})
        await self._finish(row, StudyStatus.STOPPED)

    async def _work(self) -> None:
        while True:
            row = await self._line.next()
            task = self._searching[row.id] = asyncio.create_task(self._search(row))
            try:
                await asyncio.wait({task})
            finally:
                task.cancel()
                await asyncio.wait({task})
                del self._searching[row.id]

    async def _search(self, row: Study) -> None:
        """One study to its end, whatever that is; one that does not wait any more is passed over."""
        begin = partial(studies.begin, study_id=row.id, now=self._clock.now())
        if not await self._db.write(row.user_id, begin):
            return
        try:
            await self._search_it(row, partial(self._tell, row))
        except AristobotError as error:
            facts = {name: str(value) for name, value in error.facts.items()}
            await self._finish(row, StudyStatus.FAILED, {"error": error.code, "error_facts": facts})
        except Exception:  # a mistake of ours: this search is lost, those after it are played
            logger.exception("A search of {} fell", row.strategy)
            await self._finish(row, StudyStatus.FAILED, {"error": "internal", "error_facts": {}})
        else:
            self._over(row, StudyStatus.DONE)

    async def _interrupt_what_was(self) -> None:
        """Before the first one: what is under way in the memory is not, but for what this house was just asked.

        A study that another machine works on goes on there.
        """
        for row in await left_behind(self._db, self._clock.now()):
            if row.id not in self._progress:
                await self._finish(row, StudyStatus.INTERRUPTED)
                logger.info("The search of {} asked for at {} was interrupted", row.strategy, row.created_at)

    async def _finish(self, row: Study, status: StudyStatus, told: Mapping[str, Any] | None = None) -> None:
        end = partial(studies.end, study_id=row.id, status=status, now=self._clock.now(), told=told)
        if await self._db.write(row.user_id, end):
            self._over(row, status)

    def _over(self, row: Study, status: StudyStatus) -> None:
        self._progress.pop(row.id, None)
        self._bus.publish(StudyFinished(at=self._clock.now(), user_id=row.user_id, study_id=row.id, status=status.value))

    def _tell(self, row: Study, now: StudyProgress) -> None:
        self._progress[row.id] = now
        self._bus.publish(
            StudyProgressed(
                at=self._clock.now(),
                user_id=row.user_id,
                study_id=row.id,
                stage=now.stage,
                done=now.done,
                total=now.total,
                seconds_left=now.seconds_left,
                best=now.best,
            )
        )
