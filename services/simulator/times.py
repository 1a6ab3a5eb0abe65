"""The exchange's own clock: ours, and as wrong as somebody wants it to be."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from aristobot.clock import Clock

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class ExchangeClock:
    """The clock that a client sees; `offset_ms` is its error."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.offset_ms = 0

    def now(self) -> datetime:
        """The present moment, as the exchange believes."""
        return self._clock.now() + timedelta(milliseconds=self.offset_ms)

    def us(self) -> int:
        """Microseconds since 1970."""
        since = self._clock.now() - _EPOCH
        return since.days * 86_400_000_000 + since.seconds * 1_000_000 + since.microseconds + self.offset_ms * 1000

    def ms(self) -> int:
        """Milliseconds since 1970."""
        return self.us() // 1000

    async def sleep(self, seconds: float) -> None:
        """Sleep; the error of the clock plays no part in it."""
        await self._clock.sleep(seconds)
