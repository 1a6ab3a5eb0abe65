"""The exchange's clock, as far as we know it: an offset measured now and then, carried on by the monotonic clock."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from statistics import median

from aristobot.clock import Clock, to_milliseconds
from aristobot.exchange import ClockReading

SAMPLES = 5
BEST = 3
#: Wall and monotonic clock may drift apart this far, in milliseconds, before we no longer believe the last measurement.
JUMP_MS = 1000.0


class ExchangeClock:
    """Timestamps in the exchange's time.

    Between measurements the monotonic clock counts, so a step of the wall clock changes nothing; a step (or a sleep of
    the machine, which stops the monotonic clock) makes the measurement `doubtful` until the next one.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._distrusted = False
        self._measuring = asyncio.Lock()
        self._measured = 0
        self.reading: ClockReading | None = None
        self._anchor(0)

    def _anchor(self, offset_ms: int) -> None:
        self._wall_ms = to_milliseconds(self._clock.now())
        self._tick = self._clock.monotonic()
        self._server_ms = self._wall_ms + offset_ms

    def timestamp(self) -> int:
        """Milliseconds since 1970 by the exchange's clock."""
        return self._server_ms + int((self._clock.monotonic() - self._tick) * 1000)

    @property
    def doubtful(self) -> bool:
        """Whether a signed request should wait for a (new) measurement."""
        if self._distrusted or self.reading is None:
            return True
        elapsed = (self._clock.monotonic() - self._tick) * 1000
        return abs(to_milliseconds(self._clock.now()) - self._wall_ms - elapsed) > JUMP_MS

    def distrust(self) -> None:
        """Believe the measurement no longer: the exchange refused a timestamp."""
        self._distrusted = True

    async def measure(self, ask: Callable[[], Awaitable[int]], blur_ms: int = 0) -> ClockReading:
        """Ask the exchange's time five times; the median offset of the three quickest answers counts.

        `blur_ms` is how far the time that it tells may itself be off. Who comes while somebody measures shares the result.
        """
        known = self._measured
        async with self._measuring:
            if self._measured == known or self.reading is None:
                samples = sorted([await self._sample(ask) for _ in range(SAMPLES)])[:BEST]
                offset, half_way = round(median(offset for _, offset in samples)), round(samples[0][0] / 2)
                self._anchor(offset)
                self._distrusted = False
                self.reading = ClockReading(offset, half_way + 1 + blur_ms)
                self._measured += 1
            return self.reading

    async def _sample(self, ask: Callable[[], Awaitable[int]]) -> tuple[float, float]:
        """Round trip and offset, in milliseconds: the answer is taken to be made half way."""
        wall_ms, before = to_milliseconds(self._clock.now()), self._clock.monotonic()
        server_ms = await ask()
        round_trip = (self._clock.monotonic() - before) * 1000
        return round_trip, server_ms - wall_ms - round_trip / 2
