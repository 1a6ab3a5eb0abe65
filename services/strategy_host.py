"""Every strategy that is at work, each in its own process: asked at a candle's close, started again when it fell, stopped at
its third fall until a human lets it run again.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from loguru import logger

from aristobot.clock import Clock
from aristobot.errors import StrategyError
from services.strategy_answers import Answer
from services.strategy_process import Isolation, Limits, StrategyProcess

if TYPE_CHECKING:  # the house starts without numpy
    from aristobot.candle_rows import Rows

MOST_STRIKES = 3
#: Characters of its prints that are kept for its author.
MOST_PRINTED = 256 * 1024


@dataclass(frozen=True, slots=True)
class Program:
    """What a process runs: the job (a module of ours), the user's text, and what the job wants to know beforehand."""

    job: str
    text: str
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Strike:
    """One fall: when, and why."""

    at: datetime
    error: StrategyError


@dataclass(slots=True)
class _Seat:
    """One strategy: its process, when it has one, and what it did wrong."""

    program: Program
    process: StrategyProcess | None = None
    strikes: list[Strike] = field(default_factory=list)
    printed: deque[str] = field(default_factory=deque)
    busy: asyncio.Lock = field(default_factory=asyncio.Lock)
    dismissed: bool = False


class StrategyHost:
    """The strategies at work, by any key their owner likes. One that misbehaves costs the others nothing."""

    def __init__(self, clock: Clock, limits: Limits | None = None) -> None:
        self._clock = clock
        self._limits = limits or Limits()
        self._seats: dict[Hashable, _Seat] = {}

    async def seat(self, key: Hashable, program: Program) -> Answer:
        """Start a strategy, or another program in its place; what it tells of itself. Forgives what was.

        Raises StrategyError with what its text does wrong.
        """
        await self.dismiss(key)
        seat = self._seats[key] = _Seat(program)
        async with seat.busy:
            return (await self._at_work(seat)).described

    async def ask(self, key: Hashable, request: Mapping[str, Any], arrays: Mapping[str, Rows] = MappingProxyType({})) -> Answer:
        """Its answer to one request, with candles by name; its process is started again when it fell before.

        Raises StrategyError for a fall, and `strategy_disabled` from the third one on; KeyError for a key without a seat.
        """
        seat = self._seats[key]
        async with seat.busy:
            if len(seat.strikes) >= MOST_STRIKES:
                raise _disabled(seat)
            try:
                answer = await (await self._at_work(seat)).ask(request, arrays)
            except StrategyError as error:
                _keep(seat.printed, str(error.facts.pop("printed", "")))
                seat.strikes.append(Strike(self._clock.now(), error))
                logger.warning("Strategy {} fell ({} of {}): {}", key, len(seat.strikes), MOST_STRIKES, error)
                if len(seat.strikes) >= MOST_STRIKES:
                    await _end(seat)
                    raise _disabled(seat) from error
                raise
            _keep(seat.printed, answer.printed)
            return answer

    def blame(self, key: Hashable, error: StrategyError) -> StrategyError:
        """Count an answer that cannot be meant as a fall; what to raise."""
        seat = self._seats[key]
        seat.strikes.append(Strike(self._clock.now(), error))
        return error if len(seat.strikes) < MOST_STRIKES else _disabled(seat)

    def strikes(self, key: Hashable) -> tuple[Strike, ...]:
        """Its falls since it was seated."""
        return tuple(self._seats[key].strikes)

    def printed(self, key: Hashable) -> str:
        """The last of what it printed."""
        return "".join(self._seats[key].printed)

    def isolation(self, key: Hashable) -> Isolation | None:
        """How it is walled in; None while it has no process."""
        process = self._seats[key].process
        return process.isolation if process is not None else None

    async def dismiss(self, key: Hashable) -> None:
        """End a strategy; harmless when there is none."""
        seat = self._seats.pop(key, None)
        if seat is not None:
            seat.dismissed = True
            await _end(seat)

    async def close(self) -> None:
        """End them all."""
        await asyncio.gather(*(self.dismiss(key) for key in list(self._seats)))

    async def _at_work(self, seat: _Seat) -> StrategyProcess:
        if seat.process is not None and seat.process.restless:
            seat.process = None
            raise StrategyError("strategy_restless")
        if seat.process is None or not seat.process.alive:
            program = seat.program
            seat.process = await StrategyProcess.start(program.job, program.text, self._limits, program.options)
            if seat.dismissed:  # while it started
                await _end(seat)
                raise StrategyError("strategy_ended", exit_code="", said="")
        return seat.process


async def isolation_here() -> Isolation:
    """Raise the walls around nothing, and answer how far they reach on this system."""
    process = await StrategyProcess.start("services.sandbox.nothing", "")
    await process.close()
    return process.isolation


def _disabled(seat: _Seat) -> StrategyError:
    last = seat.strikes[-1].error
    return StrategyError("strategy_disabled", strikes=len(seat.strikes), last=last.code, line=last.facts.get("line", 0))


async def _end(seat: _Seat) -> None:
    process, seat.process = seat.process, None
    if process is not None:
        await process.close()


def _keep(printed: deque[str], text: str) -> None:
    if text:
        printed.append(text)
    while len(printed) > 1 and sum(map(len, printed)) > MOST_PRINTED:
        printed.popleft()
