"""A search for better parameters from beginning to end: asks a sampler, lets a crew play, keeps every trial, weighs the answer.

Batches are asked for and told in one fixed order, so many ahead of the answers: a search with a seed tries the same sets
whatever the speed of its workers, goes on after a stop as if there had been none, and several machines that work on one study
try each set once.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aristobot.clock import Clock
from aristobot.search.definition import Definition
from aristobot.search.findings import Findings
from aristobot.search.outcome import Outcome
from aristobot.search.spans import Fold, Span
from services.study_book import StudyBook
from services.study_findings import Inquiry
from services.trial_bench import Package, play
from services.trial_crew import Crew
from services.trial_sampler import Sampler, sampler_of

if TYPE_CHECKING:  # the house starts without numpy
    from aristobot.candle_rows import Rows

#: Seconds between two looks at what other machines have finished.
_LOOK = 0.5


@dataclass(frozen=True, slots=True)
class Advance:
    """How far a search is: trials done of all, seconds left (None: nobody knows yet), and the best so far."""

    done: int
    total: int
    seconds_left: float | None
    best: Outcome | None


class Optimiser:
    """One search. `told` hears after every batch how far it is; `seconds` of processor is what one trial may take."""

    def __init__(self, clock: Clock, book: StudyBook, crew: Crew, told: Callable[[Advance], None], seconds: float = 60.0) -> None:
        self._clock, self._book, self._crew, self._told, self._seconds = clock, book, crew, told, seconds
        self._seats = asyncio.Semaphore(crew.size + 1)  # one waits at the door, so that nobody waits for the database
        self._known: dict[int, Outcome] = {}
        self._done: list[Outcome] = []
        self._began, self._played, self._total = clock.monotonic(), 0, 0

    async def run(self, definition: Definition, code: str, rows: Rows) -> Findings:
        """Search, and keep the answer. Cancelled, it ends every process, and the study can be gone on with.

        Raises StrategyError for a text that cannot run, InvalidInput for a plan that cannot be.
        """
        folds = definition.folds
        self._known = await self._book.begin()
        self._total = definition.trials * len(folds)
        package = Package(self._book.machine, code, definition.setup("candles"), self._seconds)
        signs = asyncio.create_task(self._book.renew())
        try:
            desk = _Desk(self._crew, package, await asyncio.to_thread(self._crew.share, rows), definition)
            found = [await self._search(desk, number, fold) for number, fold in enumerate(folds)]
            findings = await Inquiry(definition, desk.ask).findings(found)
            await self._book.finish(findings)
        finally:
            signs.cancel()
            with suppress(asyncio.CancelledError):
                await signs
            await asyncio.shield(self._leave(package.key))
        return findings

    async def _leave(self, key: str) -> None:
        await asyncio.to_thread(self._crew.end, key)
        await self._book.release()

    async def _search(self, desk: _Desk, number: int, fold: Fold) -> list[Outcome]:
        """All trials of one fold."""
        wanted = desk.definition
        sampler = await asyncio.to_thread(sampler_of, wanted.sampler, wanted.space, wanted.trials, wanted.seed + number)
        asked, told = 0, list[Outcome]()
        ahead: deque[asyncio.Task[list[Outcome]]] = deque()
        try:
            while True:
                while len(ahead) < wanted.ahead and asked < wanted.trials:
                    batch = await self._asked(sampler, number, asked, wanted)
                    if not batch:  # a grid has an end
                        self._total -= wanted.trials - asked
                        asked = wanted.trials
                        break
                    asked += len(batch)
                    ahead.append(asyncio.create_task(self._settled(desk, fold.train, batch)))
                if not ahead:
                    return told
                outcomes = await ahead.popleft()
                await asyncio.to_thread(sampler.tell, outcomes)
                told += outcomes
        finally:
            for task in ahead:
                task.cancel()
            await asyncio.gather(*ahead, return_exceptions=True)

    async def _asked(self, sampler: Sampler, fold: int, asked: int, wanted: Definition) -> list[Outcome]:
        sets = await asyncio.to_thread(sampler.ask, min(wanted.batch, wanted.trials - asked))
        return [Outcome(fold, fold * wanted.trials + asked + place, one) for place, one in enumerate(sets)]

    async def _settled(self, desk: _Desk, span: Span, batch: Sequence[Outcome]) -> list[Outcome]:
        """What came of a batch: known from before, played here, or by another machine."""
        if all(one.number in self._known for one in batch):
            return self._note([self._known[one.number] for one in batch], played=False)
        while True:
            async with self._seats:
                if await self._book.claim(batch):
                    outcomes = await desk.tried(span, batch)
                    await self._book.keep(outcomes)
                    return self._note(outcomes, played=True)
            others = await self._book.done([one.number for one in batch])
            if len(others) == len(batch):
                return self._note(others, played=True)
            await self._clock.sleep(_LOOK)

    def _note(self, outcomes: list[Outcome], *, played: bool) -> list[Outcome]:
        self._done += outcomes
        self._played += len(outcomes) if played else 0
        spent = self._clock.monotonic() - self._began
        left = spent * (self._total - len(self._done)) / self._played if self._played else None
        scored = [one for one in self._done if one.score is not None]
        self._told(Advance(len(self._done), self._total, left, max(scored, key=lambda one: one.score or 0.0, default=None)))
        return outcomes


@dataclass(frozen=True, slots=True)
class _Desk:
    """Where one search hands its tasks to the crew."""

    crew: Crew
    package: Package
    rows: Any
    definition: Definition

    async def ask(self, task: dict[str, Any]) -> list[dict[str, Any]]:
        """The answers to one task."""
        return await asyncio.wrap_future(self.crew.executor.submit(play, self.package, task, self.rows))

    async def tried(self, span: Span, batch: Sequence[Outcome]) -> list[Outcome]:
        """The trials of a batch with what came of them."""
        goal = self.definition.goal
        answers = await self.ask(
            {
                "do": "trials",
                "since": span.since,
                "until": span.until,
                "figures": goal.figures,
                "trials": [one.parameters for one in batch],
            }
        )
        return [
            Outcome(one.fold, one.number, one.parameters, goal.score(answer["figures"]), answer["figures"], answer["fault"])
            for one, answer in zip(batch, answers, strict=True)
        ]
