"""Where trials are played: in any thread of any machine, behind the same walls as everything that users write.

Each thread has one strategy process per search, which keeps the candles and the compiled class from task to task.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import msgspec

from aristobot.errors import StrategyError
from services.strategy_process import Limits, StrategyProcess

if TYPE_CHECKING:  # the house starts without numpy
    from aristobot.candle_rows import Rows

JOB = "services.trial_job"
CANDLES = "candles"
#: Figures that compare with holding, which a trial does not compute.
UNKNOWN = frozenset(
    {"hold_roi", "above_hold", "hold_drawdown_share", "hold_bitcoin_roi", "above_bitcoin", "bitcoin_drawdown_share"}
)
Answers: TypeAlias = list[dict[str, Any]]


class _Tried(msgspec.Struct, frozen=True):
    """What a process may say of one trial; `returns` and `profits` when it was asked to look closer."""

    figures: dict[str, float | None]
    fault: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9_]{0,64}\Z")]
    returns: list[float] = []
    profits: list[float] = []


@dataclass(frozen=True, slots=True)
class Package:
    """All trials of one search alike: a key of its own, the strategy's text, the run, and seconds that one trial may take."""

    key: str
    text: str
    setup: Mapping[str, Any]
    seconds: float = 60.0
    memory_mb: int = 1024

    def limits(self, trials: int) -> Limits:
        """What so many trials may take at once."""
        seconds = self.seconds * trials
        return Limits(wall_seconds=seconds * 2, cpu_seconds=seconds, memory_mb=self.memory_mb, answer_bytes=16 * 1024 * 1024)


class Bench:
    """One strategy process for one search, on the loop of its hall."""

    def __init__(self, package: Package, most: int) -> None:
        self._package, self._most = package, most
        self._process: StrategyProcess | None = None
        self._closed = False

    async def play(self, task: Mapping[str, Any], rows: Rows) -> Answers:
        """The answers to one task, one per trial. A trial that brings the process down is told as its fault; the others count.

        Raises StrategyError for a text that cannot run at all, and when the search was given up.
        """
        process, singles = await self._ready(rows), _singles(task)
        try:
            answer = await process.ask(
                {**task, "setup": self._package.setup}, seconds=self._package.limits(len(singles)).wall_seconds
            )
            return _believed(answer.value, len(singles), task["figures"])
        except StrategyError as error:
            if self._closed:
                raise
            if len(singles) == 1:
                return [{"figures": {}, "fault": error.code}]
        return [answer for single in singles for answer in await self.play(single, rows)]

    async def close(self) -> None:
        """End the process; what it is asked now fails."""
        self._closed = True
        if self._process is not None:
            await self._process.close()

    async def _ready(self, rows: Rows) -> StrategyProcess:
        if self._closed:
            raise StrategyError("search_given_up")
        if self._process is None or not self._process.alive:
            self._process = await StrategyProcess.start(JOB, self._package.text, self._package.limits(self._most))
            await self._process.hand_over(CANDLES, rows)
        return self._process


class Hall:
    """All benches of this interpreter, one per thread and search, on one event loop in a thread of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._benches: dict[tuple[int, str], Bench] = {}
        threading.Thread(target=self._loop.run_forever, name="trial benches", daemon=True).start()

    def play(self, package: Package, task: Mapping[str, Any], rows: Rows) -> Answers:
        """One task on the bench of this thread; blocks until it is done."""
        bench = self._benches.setdefault((threading.get_ident(), package.key), Bench(package, len(_singles(task))))
        return asyncio.run_coroutine_threadsafe(bench.play(task, rows), self._loop).result()

    def end(self, key: str) -> int:
        """End every process of one search; how many there were."""
        ended = [self._benches.pop(here) for here in list(self._benches) if here[1] == key]
        for bench in ended:
            asyncio.run_coroutine_threadsafe(bench.close(), self._loop).result()
        return len(ended)


def play(package: Package, task: Mapping[str, Any], rows: Rows) -> Answers:
    """What an executor runs, here or on another machine."""
    return _hall().play(package, task, rows)


def end_benches(key: str) -> int:
    """End what one search left in this interpreter."""
    return _hall().end(key)


@cache
def _hall() -> Hall:
    return Hall()


def _singles(task: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """The same task, one trial at a time."""
    several = "seeds" if "seeds" in task else "trials"
    return [{**task, several: [one]} for one in task[several]]


def _believed(value: Any, count: int, names: Sequence[str]) -> Answers:
    """So many answers, their figures those that were asked for, and numbers."""
    try:
        told = msgspec.convert(value, list[_Tried])
    except msgspec.ValidationError:
        told = []
    if len(told) != count or any(one.figures.keys() - set(names) for one in told):
        raise StrategyError("strategy_answer_unreadable")
    return value  # type: ignore[no-any-return] # what was just looked at
