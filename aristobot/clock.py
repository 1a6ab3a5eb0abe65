"""Time, handed to whoever needs it. The only file that asks the machine what time it is.

asyncio is imported when somebody sleeps: the processes of strategies read times and do without it, and all that it brings along.
"""

from __future__ import annotations

import heapq
import itertools
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import asyncio

_NANOSECONDS = 1_000_000_000

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: Milliseconds since 1970 that nobody means, from the year 9999 on: before them a candle may be added without overflow.
LAST_MS = 253_370_764_800_000
_MILLISECOND = timedelta(milliseconds=1)


class Clock(Protocol):
    """Wall time in UTC, a monotonic count of seconds, and sleep."""

    def now(self) -> datetime:
        """The present moment, aware, UTC."""

    def monotonic(self) -> float:
        """Seconds that never step back; only differences mean anything."""

    async def sleep(self, seconds: float) -> None:
        """Return when this clock has advanced by `seconds`."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present moment, aware, UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds since an arbitrary moment."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Sleep for real."""
        import asyncio

        await asyncio.sleep(seconds)


class ManualClock:
    """A clock moved by hand: `advance(61)` wakes every sleeper that is due, in order of their deadlines.

    It counts whole nanoseconds, so ten tenths of a second are a second.
    """

    def __init__(self, start: datetime | None = None) -> None:
        self._start = start or datetime(2026, 1, 1, tzinfo=UTC)
        self._elapsed = 0
        self._sleepers: list[tuple[int, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    def now(self) -> datetime:
        """The start plus what was advanced."""
        return self._start + timedelta(microseconds=self._elapsed // 1000)

    def monotonic(self) -> float:
        """Seconds advanced so far."""
        return self._elapsed / _NANOSECONDS

    async def sleep(self, seconds: float) -> None:
        """Wait until somebody advances the clock far enough."""
        import asyncio

        if seconds <= 0:
            await asyncio.sleep(0)
            return
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._elapsed + _nanoseconds(seconds), next(self._order), woken))
        await woken

    async def advance(self, seconds: float, settle: int = 20) -> None:
        """Move on by `seconds`, wake who is due at their own moment, and let them run for `settle` loop turns each."""
        if seconds < 0:
            raise ValueError("time does not go back")
        target = self._elapsed + _nanoseconds(seconds)
        while self._sleepers and self._sleepers[0][0] <= target:
            due, _, woken = heapq.heappop(self._sleepers)
            if woken.done():  # cancelled meanwhile
                continue
            self._elapsed = max(self._elapsed, due)
            woken.set_result(None)
            await self._let_run(settle)
        self._elapsed = max(self._elapsed, target)
        await self._let_run(settle)

    async def _let_run(self, turns: int) -> None:
        import asyncio

        for _ in range(turns):
            await asyncio.sleep(0)


def _nanoseconds(seconds: float) -> int:
    return round(seconds * _NANOSECONDS)


def to_milliseconds(moment: datetime) -> int:
    """Milliseconds since 1970 of an aware moment, rounded down, exactly (no float on the way)."""
    return (moment - EPOCH) // _MILLISECOND


def from_milliseconds(milliseconds: int) -> datetime:
    """The UTC moment of a count of milliseconds since 1970."""
    return EPOCH + timedelta(0, milliseconds // 1000, milliseconds % 1000 * 1000)


def iso_milliseconds(moment: datetime) -> str:
    """ISO 8601 in UTC with milliseconds and a Z, as every interface of Aristobot writes times."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
